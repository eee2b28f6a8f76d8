//! Edits and new records of the App that a person staged: kept, shown, and written together.
//!
//! Blocking. Sends nothing: what an edit means for the CRM is decided by the next run. Invariant:
//! an edit is written only over the values that the person saw in its fields.

mod listed;
mod many;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::change::{check, make, set, there};
use super::list::List;
use super::values::fitting;
use crate::domain::filter::Filter;
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Presence};
use crate::domain::transform::Side;
use crate::domain::value::{Fields, Value};
use crate::engine::audit::{Draft, What};
use crate::engine::command::{RecordKey, WriteScope};
use crate::engine::mappings;
use crate::engine::naming::record_name;
use crate::engine::state::State;
use crate::engine::tables::{EDITS, StagedEdit, app_id_of, record_key};
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::{Base, Edit, EditStaged, RecordRow, WriteLine, WritePreview};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

pub use listed::list;
pub use many::{edits, fields};

/// Stages an edit, or takes it back. A new record without an id is given one. An edit that would
/// change nothing is none.
///
/// # Errors
/// [`Kind::Changed`] when a field has another value than the person saw, [`Kind::Usage`] when a
/// value does not fit.
pub fn stage(
    state: &State,
    name: &PairName,
    app_id: Option<&AppId>,
    edit: Option<Edit>,
    person: &str,
    now: Timestamp,
) -> Result<EditStaged> {
    let pair = mappings::pair(state, name)?;
    let fresh = || AppId::new(uuid::Uuid::now_v7().to_string());
    let key = RecordKey {
        pair: name.clone(),
        app_id: app_id.cloned().unwrap_or_else(fresh),
    };
    let mut tx = state.begin();
    let done = put(state, &mut tx, &pair, key, edit, (person, now))?;
    if done.before.is_some() || done.after.is_some() {
        tx.commit(Durability::Now)?;
    }
    Ok(done)
}

/// Stages an edit of one record in a transaction, or takes it back.
fn put(
    state: &State,
    tx: &mut Tx<'_>,
    pair: &Pair,
    key: RecordKey,
    edit: Option<Edit>,
    (person, now): (&str, Timestamp),
) -> Result<EditStaged> {
    let before = of(state, &key)?.map(|staged| staged.edit);
    let after = match edit {
        None => None,
        Some(edit) => sound(tx, pair, &key, edit)?,
    };
    let place = record_key(&key.pair, &key.app_id);
    let text = match &after {
        Some(edit) => {
            let staged = StagedEdit {
                edit: edit.clone(),
                by: person.to_owned(),
            };
            tx.put(&EDITS, &place, &staged);
            let names: Vec<&str> = edit.fields.keys().map(|f| f.as_str()).collect();
            format!("{person} staged a change of {}", names.join(", "))
        }
        None if before.is_none() => return Ok(EditStaged { key, before, after }),
        None => {
            tx.delete(&EDITS, &place);
            format!("{person} took back a staged change")
        }
    };
    let said = format!("{}: {text}", key.app_id);
    tx.audit(Draft::new(now, person, What::Decided, said).pair(&key.pair));
    tx.history(&key.pair, &key.app_id, &super::line(now, text));
    Ok(EditStaged { key, before, after })
}

/// The edit as it is kept; none when it changes nothing.
fn sound(tx: &Tx<'_>, pair: &Pair, key: &RecordKey, edit: Edit) -> Result<Option<Edit>> {
    let mut fields = fitting(pair, edit.fields)?;
    check(pair, &fields)?;
    match edit.base {
        Base::New => {
            fields.retain(|_, value| !value.is_null());
            if fields.is_empty() {
                return Err(super::change::empty(pair));
            }
            let base = Base::New;
            Ok(Some(Edit { base, fields }))
        }
        Base::Values(mut saw) => {
            let record = there(tx, pair, &key.app_id)?;
            fields.retain(|name, value| value_of(&record, name) != *value);
            saw.retain(|name, _| fields.contains_key(name));
            still(&record, &saw)?;
            let base = Base::Values(saw);
            Ok((!fields.is_empty()).then_some(Edit { base, fields }))
        }
    }
}

fn value_of(record: &AppRecord, name: &crate::domain::id::FieldName) -> Value {
    record.fields.get(name).cloned().unwrap_or_default()
}

/// Whether the fields still have the values that a person saw.
fn still(record: &AppRecord, saw: &Fields) -> Result<()> {
    let moved = saw
        .iter()
        .find(|(name, was)| value_of(record, name) != **was);
    match moved {
        None => Ok(()),
        Some((name, _)) => {
            let by = &record.changed_by;
            let text = format!("the record changed meanwhile: {by} changed it, also {name}");
            Err(Error::new(Kind::Changed, text)
                .hint("nothing was written; e shows what you typed over the new values"))
        }
    }
}

/// What is staged for a record.
///
/// # Errors
/// When the store cannot be read.
pub fn of(state: &State, key: &RecordKey) -> Result<Option<StagedEdit>> {
    let place = record_key(&key.pair, &key.app_id);
    Ok(state.store().get(&EDITS, &place)?)
}

/// Whether a record is only staged: it is not made yet.
pub(super) fn is_new(state: &State, pair: &PairName, app_id: &AppId) -> Result<bool> {
    let staged = state.store().get(&EDITS, &record_key(pair, app_id))?;
    Ok(staged.is_some_and(|staged| staged.edit.base == Base::New))
}

/// How many edits are staged.
///
/// # Errors
/// When the store cannot be read.
pub fn count(state: &State) -> Result<u64> {
    let mut many = 0;
    for key in state.store().keys(&EDITS, &Key::new()) {
        key?;
        many += 1;
    }
    Ok(many)
}

/// Everything that is staged for a pair.
fn of_pair(state: &State, name: &PairName) -> Result<BTreeMap<AppId, Edit>> {
    let prefix = Key::new().text(name.as_str());
    let mut all = BTreeMap::new();
    for row in state.store().scan(&EDITS, &prefix) {
        let (key, staged) = row?;
        if let Some(id) = app_id_of(&key) {
            all.insert(id, staged.edit);
        }
    }
    Ok(all)
}

/// A new record as it would be, were it written now.
pub(super) fn imagined(pair: &Pair, id: &AppId, fields: &Fields, at: Timestamp) -> AppRecord {
    AppRecord {
        id: id.clone(),
        table: pair.table.clone(),
        rev: 0,
        fields: fields.clone(),
        changed_at: BTreeMap::new(),
        changed_by: String::new(),
        typed_by: BTreeMap::new(),
        created_at: at,
        updated_at: at,
        presence: Presence::Live,
        sync_key: None,
    }
}

/// The new records of a pair that a filter takes, as rows of its list.
pub(super) fn fresh(list: &List<'_>, filter: &Filter) -> Result<Vec<RecordRow>> {
    let mut rows = Vec::new();
    for (id, edit) in of_pair(list.state, &list.pair.name)? {
        if edit.base == Base::New {
            let record = imagined(list.pair, &id, &edit.fields, list.now);
            rows.extend(list.imagined(filter, &record));
        }
    }
    Ok(rows)
}

/// Adds what writing the edits of a scope would do to a preview; gives their records. Those whose
/// decisions the preview has are left for the next time: a decision was made on the record as it
/// is.
///
/// # Errors
/// When the store cannot be read.
pub fn preview(
    state: &State,
    scope: &WriteScope,
    decided: &[RecordKey],
    preview: &mut WritePreview,
) -> Result<Vec<RecordKey>> {
    let mut keys = Vec::new();
    for pair in state.pairs()? {
        for (app_id, edit) in of_pair(state, &pair.name)? {
            let key = RecordKey {
                pair: pair.name.clone(),
                app_id,
            };
            let meant = match scope {
                WriteScope::All => true,
                WriteScope::Records(meant) => meant.contains(&key),
            };
            if meant && add(state, &pair, &key, &edit, decided, preview)? {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

fn add(
    state: &State,
    pair: &Pair,
    key: &RecordKey,
    edit: &Edit,
    decided: &[RecordKey],
    preview: &mut WritePreview,
) -> Result<bool> {
    let tx = state.begin();
    let (name, was) = match &edit.base {
        Base::New => {
            let at = Timestamp::default();
            let record = imagined(pair, &key.app_id, &edit.fields, at);
            (record_name(pair, Some(&record), None), Fields::new())
        }
        Base::Values(saw) => {
            let link = state.link(&pair.name, &key.app_id)?;
            let record = tx.app_record(&pair.table, &key.app_id)?;
            let seen = link.as_ref().and_then(|l| l.seen.as_ref());
            let name = record_name(pair, record.as_ref(), seen);
            let fine = there(&tx, pair, &key.app_id).and_then(|record| still(&record, saw));
            if let Err(error) = fine {
                preview.refused.push((name, error.message().to_owned()));
                return Ok(false);
            }
            (name, saw.clone())
        }
    };
    if decided.contains(key) {
        let why = "its decisions are written first; the edit stays staged";
        preview.refused.push((name, why.to_owned()));
        return Ok(false);
    }
    if edit.base == Base::New {
        preview.acts.push(format!("make in the App: {name}"));
    }
    for (field, value) in &edit.fields {
        preview.lines.push(WriteLine {
            key: key.clone(),
            name: name.clone(),
            to: Side::App,
            field: field.to_string(),
            now: vec![was.get(field).cloned().unwrap_or_default()],
            after: vec![value.clone()],
            check: "only if nobody changed it since".to_owned(),
            by: "you".to_owned(),
        });
    }
    preview.edits += 1;
    preview.app_records += 1;
    Ok(true)
}

/// Writes the edits of these records, all of them or none.
///
/// # Errors
/// [`Kind::Changed`] when one of them cannot be written any more.
pub fn write(state: &State, keys: &[RecordKey], person: &str, now: Timestamp) -> Result<()> {
    let mut tx = state.begin();
    for key in keys {
        let pair = mappings::pair(state, &key.pair)?;
        let Some(StagedEdit { edit, .. }) = of(state, key)? else {
            let text = "what is staged changed since the preview; nothing was written";
            return Err(Error::new(Kind::Changed, text).hint("look at the preview again"));
        };
        let fields = fitting(&pair, edit.fields)?;
        match edit.base {
            Base::New => make(&mut tx, &pair, &key.app_id, fields, person, now)?,
            Base::Values(saw) => {
                let record = there(&tx, &pair, &key.app_id)?;
                still(&record, &saw)?;
                set(&mut tx, &pair, &record, fields, person, now)?;
            }
        }
        tx.delete(&EDITS, &record_key(&key.pair, &key.app_id));
    }
    Ok(tx.commit(Durability::Now)?)
}
