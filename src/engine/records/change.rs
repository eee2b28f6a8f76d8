//! Changes of App records by people: each is one durable commit with its outbox entry.
//!
//! Decides nothing about the CRM. Invariant: what is stale is refused and changes nothing.

use jiff::Timestamp;

use crate::appdb::{Author, Change, Expect};
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Presence};
use crate::domain::value::{Fields, Value};
use crate::engine::command::RecordKey;
use crate::engine::mappings;
use crate::engine::planner::from_app;
use crate::engine::set_back;
use crate::engine::state::State;
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::CreatedView;
use crate::error::{Error, Kind, Result};

use super::values::fitting;

/// Changes fields of a record that is still at the revision the person saw.
pub fn edit(
    state: &State,
    key: &RecordKey,
    rev: u64,
    fields: Fields,
    person: &str,
    now: Timestamp,
) -> Result<()> {
    let pair = mappings::pair(state, &key.pair)?;
    let fields = fitting(&pair, fields)?;
    let mut tx = state.begin();
    let record = live(&tx, &pair, &key.app_id, rev)?;
    if set(&mut tx, &pair, &record, fields, person, now)? != rev {
        tx.commit(Durability::Now)?;
    }
    Ok(())
}

/// Sets those of the fields that are not so yet; gives the revision since.
pub(super) fn set(
    tx: &mut Tx<'_>,
    pair: &Pair,
    record: &AppRecord,
    mut fields: Fields,
    person: &str,
    now: Timestamp,
) -> Result<u64> {
    fields.retain(|name, value| record.fields.get(name).unwrap_or(&Value::Null) != value);
    if fields.is_empty() {
        return Ok(record.rev);
    }
    check(pair, &fields)?;
    let names: Vec<&str> = fields.keys().map(|f| f.as_str()).collect();
    let text = format!("{person} changed {} in the App", names.join(", "));
    let change = Change {
        fields,
        ..untouched(pair, record, person, now)
    };
    let now_at = tx.change_app(&pair.name, &change).map_err(from_app)?.rev;
    tx.history(&pair.name, &record.id, &super::line(now, text));
    Ok(now_at)
}

/// Makes a record. The next run makes it in the CRM too, if the mapping allows that.
pub fn create(
    state: &State,
    name: &PairName,
    fields: Fields,
    person: &str,
    now: Timestamp,
) -> Result<CreatedView> {
    let pair = mappings::pair(state, name)?;
    let mut fields = fitting(&pair, fields)?;
    fields.retain(|_, value| !value.is_null());
    let app_id = AppId::new(uuid::Uuid::now_v7().to_string());
    let mut tx = state.begin();
    make(&mut tx, &pair, &app_id, fields, person, now)?;
    tx.commit(Durability::Now)?;
    Ok(CreatedView { app_id })
}

/// A record needs a value.
pub(super) fn empty(pair: &Pair) -> Error {
    let error = Error::new(Kind::Usage, "a record needs at least one value");
    error.hint(format!("give it a {}", pair.title))
}

/// Makes a record with this id.
pub(super) fn make(
    tx: &mut Tx<'_>,
    pair: &Pair,
    app_id: &AppId,
    fields: Fields,
    person: &str,
    now: Timestamp,
) -> Result<()> {
    check(pair, &fields)?;
    if fields.is_empty() {
        return Err(empty(pair));
    }
    let change = Change {
        table: pair.table.clone(),
        id: app_id.clone(),
        expect: Expect::New,
        fields,
        presence: Presence::Live,
        // From the first: a backup of before it was made in the CRM then knows it there.
        sync_key: Some(set_back::new_key(now)),
        by: Author::Person(person.to_owned()),
        at: now,
    };
    tx.change_app(&pair.name, &change).map_err(from_app)?;
    let text = format!("{person} made it in the App");
    tx.history(&pair.name, app_id, &super::line(now, text));
    Ok(())
}

/// Deletes a record that is still at the revision the person saw; a tombstone stays.
pub fn delete(
    state: &State,
    key: &RecordKey,
    rev: u64,
    person: &str,
    now: Timestamp,
) -> Result<()> {
    let pair = mappings::pair(state, &key.pair)?;
    let mut tx = state.begin();
    let record = live(&tx, &pair, &key.app_id, rev)?;
    let change = Change {
        presence: Presence::Deleted,
        ..untouched(&pair, &record, person, now)
    };
    tx.change_app(&pair.name, &change).map_err(from_app)?;
    let text = format!("{person} deleted it in the App");
    tx.history(&pair.name, &record.id, &super::line(now, text));
    tx.commit(Durability::Now)?;
    Ok(())
}

/// The CRM gives its ids itself; one that was typed would be taken for the record's.
pub(super) fn check(pair: &Pair, fields: &Fields) -> Result<()> {
    match fields.keys().find(|name| pair.holds_crm_id(name)) {
        None => Ok(()),
        Some(id) => {
            let text = format!("{id} is the id in Salesforce, which nobody sets or changes");
            Err(Error::new(Kind::Refused, text).hint("leave it as it is"))
        }
    }
}

/// A change of nothing yet, based on the record as it is.
pub(super) fn untouched(pair: &Pair, record: &AppRecord, person: &str, now: Timestamp) -> Change {
    Change {
        table: pair.table.clone(),
        id: record.id.clone(),
        expect: Expect::Rev(record.rev),
        fields: Fields::new(),
        presence: record.presence,
        sync_key: None,
        by: Author::Person(person.to_owned()),
        at: now,
    }
}

/// The record, if it is there.
pub(super) fn there(tx: &Tx<'_>, pair: &Pair, id: &AppId) -> Result<AppRecord> {
    let Some(record) = tx.app_record(&pair.table, id)? else {
        return Err(super::detail::missing(&pair.name, id));
    };
    if record.presence == Presence::Deleted {
        return Err(Error::new(
            Kind::Changed,
            format!("the record was deleted by {}", record.changed_by),
        ));
    }
    Ok(record)
}

/// The record, if it is there at this revision.
pub(super) fn live(tx: &Tx<'_>, pair: &Pair, id: &AppId, rev: u64) -> Result<AppRecord> {
    let record = there(tx, pair, id)?;
    if record.rev != rev {
        return Err(Error::new(
            Kind::Changed,
            format!(
                "the record changed meanwhile: {} changed it, and it is at revision {} instead \
                 of {rev}",
                record.changed_by, record.rev
            ),
        )
        .hint("nothing was written; look at it as it is now, and make the change again"));
    }
    Ok(record)
}
