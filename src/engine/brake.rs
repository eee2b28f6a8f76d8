//! Stops a run before it deletes very many records in the CRM, and asks (sync-semantics 14.2).
//!
//! Looks at what waits before anything of it is written. Deletions that come from the CRM are not
//! its business: they only mark App records. Invariant: more deletions than the limit are written
//! only up to the number that a person allowed.

use crate::appdb::AppDb as _;
use crate::appdb::embedded::ids_after;
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::DeletePolicy;
use crate::domain::record::{AppRecord, Link, LinkState, Presence};
use crate::domain::run::Word;
use crate::domain::text::{grouped, some};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

use super::audit::{Draft, What};
use super::cx::Settings;
use super::state::State;
use super::tables::{HELD, Held, TODO};
use super::tx::Durability;
use super::work::{Step, Work};

/// So many deletions are never asked about.
const FEW: u64 = 20;
/// Of so many records, one may be deleted without being asked about.
const ONE_IN: u64 = 100;

/// Whether deletions are written by this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Brake {
    /// They are.
    #[default]
    Off,
    /// They stay where they are.
    On,
}

impl Held {
    /// What waits, in words.
    pub fn text(&self) -> String {
        format!(
            "{} in Salesforce wait for a person: more than {} of {} records",
            some(self.deletes, "deletion", "deletions"),
            grouped(self.limit),
            grouped(self.records)
        )
    }
}

/// Most deletions of so many records that are not asked about.
fn limit(records: u64) -> u64 {
    FEW.max(records / ONE_IN)
}

/// Whether this would be deleted in the CRM.
pub(super) fn is_delete(app: Option<&AppRecord>, link: &Link) -> bool {
    let gone = app.is_some_and(|app| app.presence == Presence::Deleted);
    gone && link.crm_id.is_some() && link.state == LinkState::Active
}

impl Work {
    /// Counts the deletions that wait, and holds them if they are too many.
    pub(super) fn brake(&mut self) -> Step<()> {
        self.brake = Brake::Off;
        let name = self.cx.name().clone();
        let state = self.state();
        let known: Option<Held> = state.store().get(&HELD, &key(&name))?;
        let deletes = match self.cx.pair.pair.on_app_delete {
            DeletePolicy::Propagate => self.deletes()?,
            DeletePolicy::Mark | DeletePolicy::Unlink => 0,
        };
        let live = u64::try_from(state.counters(&name).records).unwrap_or(0);
        let held = Held {
            deletes,
            records: live + deletes,
            limit: limit(live + deletes),
            allowed: known.as_ref().map_or(0, |held| held.allowed),
        };
        let mut tx = state.begin();
        if deletes <= held.limit.max(held.allowed) {
            // What was allowed was allowed once.
            if known.is_some() {
                tx.delete(&HELD, &key(&name));
                self.commit(tx, Durability::Soon)?;
            }
            return Ok(());
        }
        self.brake = Brake::On;
        tx.put(&HELD, &key(&name), &held);
        self.log(&mut tx, Word::Hold, format!("{name}: {}", held.text()));
        self.commit(tx, Durability::Soon)
    }

    /// Deletions among what waits.
    fn deletes(&self) -> Step<u64> {
        let name = self.cx.name();
        let table = &self.cx.pair.pair.table;
        let state = &self.tools.state;
        let batch = self.cx.settings.batch;
        let mut deletes = 0;
        let mut count = |id: &AppId| -> Step<()> {
            if let Some(link) = state.link(name, id)?
                && is_delete(state.app_record(table, id)?.as_ref(), &link)
            {
                deletes += 1;
            }
            Ok(())
        };
        let mut after = None;
        loop {
            let ids = state.app().waiting(table, after.as_ref(), batch)?;
            ids.iter().try_for_each(&mut count)?;
            after = match ids.last() {
                Some(last) => Some(last.clone()),
                None => break,
            };
        }
        let mut after = None;
        loop {
            let ids = ids_after(state.store(), &TODO, name.as_str(), after.as_ref(), batch)?;
            for id in &ids {
                // What is in the outbox as well was counted there.
                if !state.app().waits(table, id)? {
                    count(id)?;
                }
            }
            after = match ids.last() {
                Some(last) => Some(last.clone()),
                None => break,
            };
        }
        Ok(deletes)
    }
}

fn key(pair: &PairName) -> Key {
    Key::new().text(pair.as_str())
}

/// What is held of a pair, if anything.
///
/// # Errors
/// When the store cannot be read.
pub fn held(state: &State, pair: &PairName) -> Result<Option<Held>> {
    Ok(state.store().get(&HELD, &key(pair))?)
}

/// Lets the next run of a pair write so many deletions.
///
/// # Errors
/// When none are held, or more than that.
pub fn allow(state: &State, settings: &Settings, pair: &PairName, deletes: u64) -> Result<()> {
    let Some(held) = held(state, pair)? else {
        let error = Error::new(Kind::Refused, format!("no deletions of {pair} are held"));
        return Err(error.hint("run: syncdeck status"));
    };
    if held.deletes > deletes {
        let text = format!(
            "{} of {pair} wait, and {} are allowed",
            some(held.deletes, "deletion", "deletions"),
            grouped(deletes)
        );
        return Err(Error::new(Kind::Changed, text).hint("look at them, and allow that many"));
    }
    let mut tx = state.begin();
    let allowed = Held {
        allowed: deletes,
        ..held
    };
    tx.put(&HELD, &key(pair), &allowed);
    let text = format!(
        "up to {} in Salesforce",
        some(deletes, "deletion", "deletions")
    );
    let entry = Draft::new(settings.clock.now(), &settings.person, What::Allowed, text);
    tx.audit(entry.pair(pair));
    tx.commit(Durability::Now)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_never_asked_about_and_many_are() {
        assert_eq!(
            [0, 100, 2_000, 2_100, 100_000].map(limit),
            [20, 20, 20, 21, 1_000]
        );
    }
}
