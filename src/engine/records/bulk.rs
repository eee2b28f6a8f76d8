//! Many App records changed or deleted by a person at once, and brought back as long as no sync
//! knows.
//!
//! A viewer does it part by part, so that it can show how far it is, and stop. Invariants: what
//! is refused is named with its reason and changes nothing; what a sync has taken to the CRM is
//! brought back by undoing that run, never here.

use jiff::Timestamp;

use super::change::{live, set, untouched};
use super::staged;
use super::values::fitting;
use crate::appdb::Change;
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Link, LinkState, Presence};
use crate::domain::value::Fields;
use crate::engine::mappings;
use crate::engine::naming::record_name;
use crate::engine::planner::from_app;
use crate::engine::state::State;
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::{Acted, DeletePreview, Pinned, Refused};
use crate::error::{Error, Kind, Result};

/// Records that are changed in one transaction.
const MOST: usize = 500;
/// Names in a preview.
const NAMED: usize = 3;

/// What deleting records would do; it pins the revision of each.
///
/// # Errors
/// When there is no such pair, or the store cannot be read.
pub fn preview_delete(state: &State, name: &PairName, ids: &[AppId]) -> Result<DeletePreview> {
    let pair = mappings::pair(state, name)?;
    let mut preview = DeletePreview {
        pair: name.clone(),
        policy: pair.on_app_delete.clone(),
        records: Vec::with_capacity(ids.len()),
        linked: 0,
        names: Vec::new(),
        refused: Vec::new(),
    };
    for id in ids {
        let record = match present(state, &pair, id)? {
            Ok(record) => record,
            Err(refused) => {
                preview.refused.push(refused);
                continue;
            }
        };
        let link = state.link(name, id)?;
        let held = |link: &Link| {
            let kept = matches!(link.state, LinkState::Active | LinkState::WaitingParent);
            kept && link.crm_id.is_some()
        };
        if link.as_ref().is_some_and(held) {
            preview.linked += 1;
        }
        if preview.names.len() < NAMED {
            let seen = link.as_ref().and_then(|l| l.seen.as_ref());
            preview.names.push(record_name(&pair, Some(&record), seen));
        }
        preview.records.push((id.clone(), record.rev));
    }
    Ok(preview)
}

/// The record, or why nothing can be done to it.
fn present(
    state: &State,
    pair: &Pair,
    id: &AppId,
) -> Result<std::result::Result<AppRecord, Refused>> {
    let record = state.app_record(&pair.table, id)?;
    let live = record.filter(|r| r.presence == Presence::Live);
    if let Some(record) = live {
        return Ok(Ok(record));
    }
    let why = match staged::is_new(state, &pair.name, id)? {
        true => "it is staged and not made yet",
        false => "it is gone already",
    };
    Ok(Err(Refused {
        app_id: id.clone(),
        why: why.to_owned(),
    }))
}

/// The revisions of records, for a change of all of them; 0 of those that are only staged.
///
/// # Errors
/// When there is no such pair, or the store cannot be read.
pub fn pin(state: &State, name: &PairName, ids: &[AppId]) -> Result<Pinned> {
    let pair = mappings::pair(state, name)?;
    let mut pinned = Pinned {
        pair: name.clone(),
        records: Vec::with_capacity(ids.len()),
        refused: Vec::new(),
    };
    for id in ids {
        match present(state, &pair, id)? {
            Ok(record) => pinned.records.push((id.clone(), record.rev)),
            Err(_) if staged::is_new(state, name, id)? => pinned.records.push((id.clone(), 0)),
            Err(refused) => pinned.refused.push(refused),
        }
    }
    Ok(pinned)
}

/// Sets the same fields of those of the records that are still at their revision.
///
/// # Errors
/// When a value does not fit, there are too many, or the store cannot do it: then none is changed.
pub fn edit_many(
    state: &State,
    name: &PairName,
    records: &[(AppId, u64)],
    fields: Fields,
    person: &str,
    now: Timestamp,
) -> Result<Acted> {
    let fields = fitting(&mappings::pair(state, name)?, fields)?;
    changed(state, name, records, |tx, pair, id, rev| {
        let record = live(tx, pair, id, rev)?;
        set(tx, pair, &record, fields.clone(), person, now)
    })
}

/// Deletes those of the records that are still at their revision; tombstones stay.
///
/// # Errors
/// When there are too many, or the store cannot do it: then none is deleted.
pub fn delete_many(
    state: &State,
    name: &PairName,
    records: &[(AppId, u64)],
    person: &str,
    now: Timestamp,
) -> Result<Acted> {
    changed(state, name, records, |tx, pair, id, rev| {
        let record = live(tx, pair, id, rev)?;
        let change = Change {
            presence: Presence::Deleted,
            ..untouched(pair, &record, person, now)
        };
        let now_at = tx.change_app(&pair.name, &change).map_err(from_app)?.rev;
        let text = format!("{person} deleted it in the App");
        tx.history(&pair.name, id, &super::line(now, text));
        Ok(now_at)
    })
}

/// Brings back those of the deleted records that are still as they were deleted.
///
/// # Errors
/// When there are too many, or the store cannot do it: then none is brought back.
pub fn restore_many(
    state: &State,
    name: &PairName,
    records: &[(AppId, u64)],
    person: &str,
    now: Timestamp,
) -> Result<Acted> {
    changed(state, name, records, |tx, pair, id, rev| {
        let refused = |why: &str| Err(Error::new(Kind::Refused, why));
        let record = match tx.app_record(&pair.table, id)? {
            Some(record) if record.presence == Presence::Deleted && record.rev == rev => record,
            _ => return refused("it changed after it was deleted"),
        };
        let link = tx.link(name, id)?;
        let known = link.is_some_and(|link| {
            // One that Salesforce keeps goes on from where it was.
            !matches!(
                link.state,
                LinkState::Active
                    | LinkState::Unlinked
                    | LinkState::WaitingParent
                    | LinkState::AppDeleted
            )
        });
        if known || state.open_intent(name, id)?.is_some() {
            return refused("a sync has taken the deletion to Salesforce; undo that run instead");
        }
        let change = Change {
            presence: Presence::Live,
            ..untouched(pair, &record, person, now)
        };
        let now_at = tx.change_app(&pair.name, &change).map_err(from_app)?.rev;
        let text = format!("{person} brought it back in the App");
        tx.history(&pair.name, id, &super::line(now, text));
        Ok(now_at)
    })
}

/// A change of records at their revisions.
fn changed(
    state: &State,
    name: &PairName,
    records: &[(AppId, u64)],
    change: impl Fn(&mut Tx<'_>, &Pair, &AppId, u64) -> Result<u64>,
) -> Result<Acted> {
    let (done, refused) = each(state, name, records.to_vec(), |tx, pair, id, rev| {
        Ok((id.clone(), change(tx, pair, id, rev)?))
    })?;
    Ok(Acted { done, refused })
}

/// One change of each record in one transaction: what came of each, and those that were left.
pub(super) fn each<What, Came>(
    state: &State,
    name: &PairName,
    records: Vec<(AppId, What)>,
    change: impl Fn(&mut Tx<'_>, &Pair, &AppId, What) -> Result<Came>,
) -> Result<(Vec<Came>, Vec<Refused>)> {
    let pair = mappings::pair(state, name)?;
    if records.len() > MOST {
        let text = format!("{MOST} records are changed at once at most");
        return Err(Error::new(Kind::Usage, text));
    }
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    let mut tx = state.begin();
    for (app_id, what) in records {
        match change(&mut tx, &pair, &app_id, what) {
            Ok(came) => done.push(came),
            Err(error) if matches!(error.kind(), Kind::Changed | Kind::Refused) => {
                let why = error.message().to_owned();
                refused.push(Refused { app_id, why });
            }
            Err(error) => return Err(error),
        }
    }
    tx.commit(Durability::Now)?;
    Ok((done, refused))
}
