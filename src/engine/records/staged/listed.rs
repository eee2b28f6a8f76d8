//! What is staged, for those who look through it.
//!
//! Reads only. Invariant: an edit that could not be written says why.

use super::{imagined, still};
use crate::domain::id::{AppId, PairName};
use crate::domain::value::Fields;
use crate::engine::command::{Page, RecordKey};
use crate::engine::naming::record_name;
use crate::engine::records::change::there;
use crate::engine::state::State;
use crate::engine::tables::{EDITS, StagedEdit};
use crate::engine::view::{Base, EditRow, Part};
use crate::error::Result;
use crate::store::keys::{Key, Parts};
use jiff::Timestamp;

/// Staged edits of one pair, or of all, in the order of their keys.
///
/// # Errors
/// When the store cannot be read.
pub fn list(state: &State, pair: Option<&PairName>, page: Page) -> Result<Part<EditRow>> {
    let prefix = match pair {
        Some(pair) => Key::new().text(pair.as_str()),
        None => Key::new(),
    };
    let mut part = Part {
        rows: Vec::new(),
        offset: page.offset,
        total: 0,
    };
    for row in state.store().scan(&EDITS, &prefix) {
        let (key, staged) = row?;
        let at = usize::try_from(part.total).unwrap_or(usize::MAX);
        part.total += 1;
        if at < page.offset || at - page.offset >= page.limit {
            continue;
        }
        let mut parts = Parts::of(&key);
        if let (Ok(pair), Ok(app_id)) = (parts.text(), parts.text()) {
            let key = RecordKey {
                pair: PairName::new(pair),
                app_id: AppId::new(app_id),
            };
            part.rows.push(look(state, key, staged)?);
        }
    }
    Ok(part)
}

fn look(state: &State, key: RecordKey, staged: StagedEdit) -> Result<EditRow> {
    let StagedEdit { edit, by } = staged;
    let Some(pair) = state.pair(&key.pair)? else {
        return Ok(EditRow {
            name: key.app_id.to_string(),
            stale: Some("its pair is gone".to_owned()),
            key,
            edit,
            by,
        });
    };
    let tx = state.begin();
    let (name, stale) = match &edit.base {
        Base::New => {
            let record = imagined(&pair, &key.app_id, &edit.fields, Timestamp::default());
            (record_name(&pair, Some(&record), None), None)
        }
        Base::Values(saw) => {
            let link = state.link(&key.pair, &key.app_id)?;
            let record = tx.app_record(&pair.table, &key.app_id)?;
            let seen = link.as_ref().and_then(|l| l.seen.as_ref());
            let name = record_name(&pair, record.as_ref(), seen);
            let fields: &Fields = saw;
            let fine = there(&tx, &pair, &key.app_id).and_then(|record| still(&record, fields));
            (name, fine.err().map(|error| error.message().to_owned()))
        }
    };
    Ok(EditRow {
        key,
        name,
        edit,
        by,
        stale,
    })
}
