//! Many edits staged in one transaction.
//!
//! Writes none of them. Invariant: a record that cannot be staged is named with its reason, and
//! what was staged of it before stays.

use jiff::Timestamp;

use super::{of, put, value_of};
use crate::domain::id::{AppId, PairName};
use crate::domain::value::Fields;
use crate::engine::command::RecordKey;
use crate::engine::mappings;
use crate::engine::records::bulk::each;
use crate::engine::records::change::live;
use crate::engine::records::values::fitting;
use crate::engine::state::State;
use crate::engine::view::{Base, Edit, EditsStaged};
use crate::error::Result;

/// Stages the same values for records, over what is staged of them already. It sets, whatever was
/// staged in these fields before.
///
/// # Errors
/// When a value does not fit, there are too many, or the store cannot do it: then none is staged.
pub fn fields(
    state: &State,
    name: &PairName,
    records: &[(AppId, u64)],
    values: Fields,
    person: &str,
    now: Timestamp,
) -> Result<EditsStaged> {
    let values = fitting(&mappings::pair(state, name)?, values)?;
    let (done, refused) = each(state, name, records.to_vec(), |tx, pair, id, rev| {
        let key = RecordKey {
            pair: name.clone(),
            app_id: id.clone(),
        };
        let mut edit = match of(state, &key)? {
            Some(staged) => staged.edit,
            None => Edit {
                base: Base::Values(Fields::new()),
                fields: Fields::new(),
            },
        };
        if let Base::Values(saw) = &mut edit.base {
            let record = live(tx, pair, id, rev)?;
            let now_in = values.keys().map(|f| (f.clone(), value_of(&record, f)));
            saw.extend(now_in);
        }
        edit.fields.extend(values.clone());
        put(state, tx, pair, key, Some(edit), (person, now))
    })?;
    Ok(EditsStaged { done, refused })
}

/// Stages a change of each record, or takes it back.
///
/// # Errors
/// When there are too many, or the store cannot do it: then none is staged.
pub fn edits(
    state: &State,
    name: &PairName,
    edits: Vec<(AppId, Option<Edit>)>,
    person: &str,
    now: Timestamp,
) -> Result<EditsStaged> {
    let (done, refused) = each(state, name, edits, |tx, pair, id, edit| {
        let key = RecordKey {
            pair: name.clone(),
            app_id: id.clone(),
        };
        put(state, tx, pair, key, edit, (person, now))
    })?;
    Ok(EditsStaged { done, refused })
}
