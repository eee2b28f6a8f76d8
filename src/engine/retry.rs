//! Which failed records of a run are tried again, and their release from quarantine
//! (sync-semantics 9.2).
//!
//! Sends nothing. Invariant: a record is tried from its state now; the old payload is never sent
//! again.

use jiff::Timestamp;

use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::run::{RecordResult, ResultKind};
use crate::domain::text::some;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

use super::command::RetryScope;
use super::runner::Job;
use super::state::State;
use super::tables::RESULTS;
use super::tx::{Durability, result_order};
use super::{mappings, queries};

/// Records that an error names.
const NAMED: usize = 3;

/// Takes the failed records of a run out of quarantine and puts them on the list.
///
/// # Errors
/// When the run is not known, or nothing of it is left to try.
pub fn release(
    state: &State,
    run: RunId,
    scope: &RetryScope,
    now: Timestamp,
) -> Result<(PairName, Job)> {
    let pair = queries::run_of(state, run)?.pair;
    let mut ids = Vec::new();
    for kind in [
        ResultKind::Quarantined,
        ResultKind::Ambiguous,
        ResultKind::Deferred,
    ] {
        let prefix = Key::new().number(run.0).number(result_order(kind));
        for row in state.store().scan(&RESULTS, &prefix) {
            let (_, result) = row?;
            if chosen(scope, &result) {
                ids.push(result.app_id);
            }
        }
    }
    if ids.is_empty() {
        return Err(nothing(run, scope));
    }
    let mut linked = Vec::with_capacity(ids.len());
    let mut job = None;
    for id in ids {
        match state.link(&pair, &id)? {
            Some(_) => linked.push(id),
            // A CRM record that could not be taken in: a whole run goes through the inbox.
            None => job = Some(Job::Sync),
        }
    }
    for ids in linked.chunks(1_000) {
        let mut tx = state.begin();
        for id in ids {
            tx.quarantine(&pair, id, None, now)?;
            tx.todo(&pair, id)?;
        }
        tx.commit(Durability::Now)?;
    }
    Ok((pair, job.unwrap_or(Job::Records(linked))))
}

/// A sync of records that a person chose.
///
/// # Errors
/// When there is no such pair, none was chosen, or one of them is not in the CRM: made there
/// without a look at what is new in the CRM, it could be there twice.
pub fn by_hand(state: &State, name: &PairName, ids: Vec<AppId>) -> Result<Job> {
    mappings::pair(state, name)?;
    if ids.is_empty() {
        return Err(Error::new(Kind::Usage, "no record was chosen to be synced"));
    }
    let mut without = Vec::new();
    for id in &ids {
        if state.link(name, id)?.and_then(|link| link.crm_id).is_none() {
            without.push(id.to_string());
        }
    }
    if without.is_empty() {
        return Ok(Job::Records(ids));
    }
    let many = some(without.len() as u64, "record is", "records are");
    let names = without.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let more = if without.len() > NAMED { ", .." } else { "" };
    let text = format!("{many} not in Salesforce yet: {}{more}", names.join(", "));
    let hint = format!("leave them out, or sync all of {name}: that finds their match first");
    Err(Error::new(Kind::Refused, text).hint(hint))
}

fn nothing(run: RunId, scope: &RetryScope) -> Error {
    let (text, hint) = match scope {
        RetryScope::All => (
            format!("no record failed in run {run}: there is nothing to try again"),
            "`syncdeck quarantine` lists what is refused, of all runs",
        ),
        RetryScope::Code(code) => (
            format!("no record failed in run {run} with {code}"),
            "`syncdeck runs show RUN` lists the errors of a run",
        ),
        RetryScope::Records(_) => (
            format!("none of these records failed in run {run}"),
            "`syncdeck runs show RUN` lists the records of a run",
        ),
    };
    Error::new(Kind::Usage, text).hint(hint)
}

fn chosen(scope: &RetryScope, result: &RecordResult) -> bool {
    match scope {
        RetryScope::All => true,
        RetryScope::Code(code) => result.failure.as_ref().is_some_and(|f| f.code == *code),
        RetryScope::Records(ids) => ids.contains(&result.app_id),
    }
}
