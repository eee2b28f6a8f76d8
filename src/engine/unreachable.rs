//! Linked records that cannot be read although nothing says that they were deleted (rule R17).
//!
//! Asks for none itself. Invariant: such a record is written on neither side until the CRM shows it
//! again; that it is not shown is never evidence of a delete.

use jiff::Timestamp;

use crate::domain::id::{AppId, CrmId, PairName};
use crate::domain::record::{CrmPresence, Link, LinkState, Observation};
use crate::domain::run::{LogLine, Word};
use crate::store::StoreError;
use crate::store::keys::Key;

use super::cx::RunCx;
use super::state::State;
use super::tables::{UNREACHABLE, Unreachable, crm_key};
use super::tx::Tx;

/// So many runs have to miss a record before a person is told.
pub const TOLD_AFTER: u32 = 3;

/// A record did not answer by its id in this run.
///
/// # Errors
/// When the store cannot be read.
pub fn missed(tx: &mut Tx<'_>, cx: &RunCx, id: CrmId, now: Timestamp) -> Result<(), StoreError> {
    let name = cx.name();
    let Some(app_id) = tx.by_crm(name, &id)? else {
        return Ok(());
    };
    let Some(mut link) = tx.link(name, &app_id)? else {
        return Ok(());
    };
    let live = |seen: &Observation| seen.presence == CrmPresence::Live;
    let counts = matches!(link.state, LinkState::Active | LinkState::Unreachable)
        && link.crm_id == Some(id)
        && link.seen.as_ref().is_none_or(live);
    // Whoever closes an open intent reads the record.
    if !counts || tx.state().open_intent(name, &app_id)?.is_some() {
        return Ok(());
    }
    let key = crm_key(name, &id);
    let known = tx.state().store().get(&UNREACHABLE, &key)?;
    let mut entry = known.unwrap_or(Unreachable {
        app_id: app_id.clone(),
        since: now,
        runs: 0,
        run: cx.run,
    });
    if entry.runs == 0 || entry.run != cx.run {
        entry.runs += 1;
        entry.run = cx.run;
    }
    tx.put(&UNREACHABLE, &key, &entry);
    if link.state != LinkState::Unreachable {
        link.state = LinkState::Unreachable;
        tx.put_link(link, Some(id))?;
        let line = LogLine {
            at: now,
            word: Word::Warn,
            run: Some(cx.run),
            text: "Salesforce does not show it any more; nothing is written until it does".into(),
        };
        tx.history(name, &app_id, &line);
    }
    Ok(())
}

/// A record was seen, as it is or as deleted: whether it was unreachable before.
pub fn shown(tx: &mut Tx<'_>, link: &mut Link, seen: &Observation) -> bool {
    if link.state != LinkState::Unreachable {
        return false;
    }
    link.state = LinkState::Active;
    tx.delete(&UNREACHABLE, &crm_key(&link.pair, &seen.id));
    true
}

/// Whether a run has asked for a record already and had no answer.
///
/// # Errors
/// When the store cannot be read.
pub fn was_asked_for(tx: &Tx<'_>, cx: &RunCx, id: &CrmId) -> Result<bool, StoreError> {
    let entry = tx
        .state()
        .store()
        .get(&UNREACHABLE, &crm_key(cx.name(), id))?;
    Ok(entry.is_some_and(|entry| entry.run == cx.run))
}

/// Records of a pair that a person is told of: how many, since when the first, and that one.
///
/// # Errors
/// When the store cannot be read.
pub fn told_of(
    state: &State,
    pair: &PairName,
) -> Result<Option<(u64, Timestamp, AppId)>, StoreError> {
    let mut found: Option<(u64, Timestamp, AppId)> = None;
    for row in state
        .store()
        .scan(&UNREACHABLE, &Key::new().text(pair.as_str()))
    {
        let (_, entry) = row?;
        if entry.runs < TOLD_AFTER {
            continue;
        }
        found = Some(match found {
            Some((n, since, app_id)) if since <= entry.since => (n + 1, since, app_id),
            Some((n, ..)) => (n + 1, entry.since, entry.app_id),
            None => (1, entry.since, entry.app_id),
        });
    }
    Ok(found)
}
