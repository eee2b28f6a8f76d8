//! Everything of a pair is compared anew: its store was put back, an earlier state in the place of a
//! later one, which knows nothing of what that did, or its org was left (sync-semantics 22).
//!
//! Stops the pairs of such a store (`set_back` notices one that does not know it itself); once a person says so, reads everything and compares it. What is asked instead of
//! overwritten meanwhile is the planner's business: [`Care::AskAlways`]. Invariants: the stop is in
//! the commit in which the store forgets that it was put back; it ends when everything was compared
//! and nothing of that waits, and until then a run goes on where the one before it was cut off. What
//! was asked then is answered by a person: as long as something of it is open, no rule overwrites anything;
//! what is asked later does not count.

use std::collections::BTreeSet;

use crate::domain::id::{ConflictId, PairName};
use crate::domain::mass::{Held, Mass};
use crate::domain::reconcile::Care;
use crate::domain::run::Word;
use crate::domain::text::some;
use crate::error::{Error, Kind, Result};
use crate::store::StoreError;
use crate::store::keys::{Key, Parts};

use super::brake;
use super::runner::Job;
use super::state::State;
use super::summary::Rests;
use super::tables::{OPEN_CONFLICTS, READ_JOBS, RESTORED, Restored, WATERMARKS, Watermark};
use super::tx::{Durability, Tx};
use super::work::{Step, Work, Writes};

/// Records whose questions are counted for the Overview, at most.
const COUNTED: usize = 1_000;

/// Stops the pairs of a store that was put back.
///
/// # Errors
/// The store cannot be read or written.
pub(super) fn stop(state: &State) -> Result<()> {
    if !state.store().was_put_back()? {
        return Ok(());
    }
    let mut tx = state.begin();
    wait(&mut tx)?;
    tx.deal_with_put_back();
    Ok(tx.commit(Durability::Now)?)
}

/// All pairs that have anything wait for a person from here on.
///
/// # Errors
/// The store cannot be read.
pub(super) fn wait(tx: &mut Tx<'_>) -> Result<()> {
    let state = tx.state();
    for pair in state.pairs()? {
        let key = Key::new().text(pair.name.as_str());
        let records = u64::try_from(state.counters(&pair.name).records).unwrap_or(0);
        let never_read = !state.store().contains(&WATERMARKS, &key)?;
        if records == 0 && never_read {
            continue;
        }
        // Links that are still to end lead to another org; they end before anything is read.
        let stage = match state.store().get(&RESTORED, &key)? {
            Some(leaves @ Restored::Leaves(_)) => leaves,
            _ => Restored::Waits,
        };
        tx.put(&RESTORED, &key, &stage);
        let held = Held {
            what: Mass::Restored,
            field: String::new(),
            // None is not to be allowed before anybody says so.
            number: records.max(1),
            limit: 0,
            records,
            allowed: 0,
            examples: Vec::new(),
        };
        brake::hold(tx, &pair.name, Mass::Restored, Some(held))?;
    }
    Ok(())
}

/// How careful a run of a pair is.
///
/// # Errors
/// The store cannot be read.
pub(super) fn care(state: &State, key: &Key) -> std::result::Result<Care, StoreError> {
    Ok(match state.store().contains(&RESTORED, key)? {
        true => Care::AskAlways,
        false => Care::Usual,
    })
}

/// What the rules of a pair rest for, if they do.
///
/// # Errors
/// The store cannot be read.
pub(super) fn rests(
    state: &State,
    pair: &PairName,
) -> std::result::Result<Option<Rests>, StoreError> {
    let key = Key::new().text(pair.as_str());
    let last = match state.store().get(&RESTORED, &key)? {
        None => return Ok(None),
        Some(Restored::Asks(last)) => last,
        Some(_) => return Ok(Some(Rests::Compared)),
    };
    let mut rows = state.store().scan(&OPEN_CONFLICTS, &key);
    let mut number = 0;
    for row in rows.by_ref().take(COUNTED) {
        let (_, ids) = row?;
        number += ids.iter().filter(|id| **id <= last).count() as u64;
    }
    let rest = rows.next().transpose()?;
    Ok(Some(Rests::Answered(rest.is_none().then_some(number))))
}

/// Pairs whose links still lead to an org that was left.
///
/// # Errors
/// The store cannot be read.
pub(super) fn left(state: &State) -> std::result::Result<BTreeSet<PairName>, StoreError> {
    let mut left = BTreeSet::new();
    for row in state.store().scan(&RESTORED, &[]) {
        let (key, stage) = row?;
        if matches!(stage, Restored::Leaves(_))
            && let Ok(name) = Parts::of(&key).text()
        {
            left.insert(PairName::new(name));
        }
    }
    Ok(left)
}

impl Work {
    /// Before anything else: what is to be done of a job. Of a pair that was put back, or whose org was
    /// left, everything is compared, once a person says so, and nothing else is done before. A rehearsal shows what
    /// would come of it.
    ///
    /// # Errors
    /// Nobody has said so.
    pub(super) fn compare_first(&mut self, job: Job) -> Step<Job> {
        let state = self.state();
        let Some(stage) = state.store().get(&RESTORED, &self.mark_key())? else {
            self.place(&job)?;
            return Ok(job);
        };
        if let Restored::Asks(_) = stage {
            self.place(&job)?;
            return Ok(job);
        }
        let held = self.held_for_backup()?;
        let rehearsed = matches!(self.tools.writes, Writes::Rehearsed(_));
        let may = rehearsed || held.as_ref().is_none_or(Held::is_allowed);
        if !may || !job.is_sync() {
            return Err(self.not_compared(held).into());
        }
        if let Restored::Leaves(how) = stage {
            self.end_links(how)?;
        }
        if stage == Restored::Waits {
            let mark = state.store().get(&WATERMARKS, &self.mark_key())?;
            let mark = Watermark {
                // Read with none of the mappings there are, so that everything is read again.
                mapping_version: 0,
                open: None,
                ..mark.unwrap_or_default()
            };
            let mut tx = state.begin();
            tx.put(&WATERMARKS, &self.mark_key(), &mark);
            // It is a job of long ago.
            tx.delete(&READ_JOBS, &self.mark_key());
            tx.put(&RESTORED, &self.mark_key(), &Restored::Compares);
            let text = "the store was put back: everything is compared, and nothing overwritten";
            self.log(&mut tx, Word::Info, text);
            self.commit(tx, Durability::Now)?;
        }
        Ok(Job::Sweep)
    }

    /// What is held of the pair until a person says that it is to be compared.
    fn held_for_backup(&self) -> Step<Option<Held>> {
        let held = brake::held(&self.tools.state, self.cx.name())?;
        Ok(held.into_iter().find(|held| held.what == Mass::Restored))
    }

    pub(super) fn stopped_for_backup(&self) -> Step<Error> {
        Ok(self.not_compared(self.held_for_backup()?))
    }

    pub(super) fn not_compared(&self, held: Option<Held>) -> Error {
        let name = self.cx.name();
        let text = format!(
            "the records here are those of a backup, or another org was left for this one: nothing of \
             {name} is written before they were compared with Salesforce"
        );
        let hint = match held.filter(|held| !held.is_allowed()) {
            Some(held) => format!("to compare them: {}", held.way_out(name)),
            None => format!("to compare them: syncdeck sync {name}"),
        };
        Error::new(Kind::Refused, text).hint(hint)
    }

    /// Everything was compared: the pair goes on as usual, unless something of it still waits.
    pub(super) fn compared(&mut self) -> Step<()> {
        if self.cx.pair.care == Care::Usual {
            return Ok(());
        }
        let state = self.state();
        let name = self.cx.name().clone();
        if let Some(Restored::Asks(last)) = state.store().get(&RESTORED, &self.mark_key())? {
            for row in state.store().scan(&OPEN_CONFLICTS, &self.mark_key()) {
                if row?.1.iter().any(|id| *id <= last) {
                    return Ok(());
                }
            }
            let mut tx = state.begin();
            tx.delete(&RESTORED, &self.mark_key());
            let text = "all that was asked is answered: the rules of the mapping apply again";
            self.log(&mut tx, Word::Info, text);
            return self.commit(tx, Durability::Now);
        }
        let held = brake::held(&state, &name)?;
        let ends = |held: &&Held| matches!(held.what, Mass::Restored | Mass::Unplaced);
        let others = held.iter().filter(|held| !ends(held));
        let waits = others.filter(|held| !held.is_allowed()).count() > 0;
        let open = state.intents()?.iter().any(|intent| intent.pair == name);
        let unplaced = self.unplaced()?;
        let mut last: Option<ConflictId> = None;
        for row in state.store().scan(&OPEN_CONFLICTS, &self.mark_key()) {
            last = last.max(row?.1.into_iter().max());
        }
        let mut tx = state.begin();
        if waits || open {
            let text = "what still waits is compared as carefully by the next run";
            self.log(&mut tx, Word::Wait, text);
            return self.commit(tx, Durability::Now);
        }
        match last {
            Some(last) => tx.put(&RESTORED, &self.mark_key(), &Restored::Asks(last)),
            None => tx.delete(&RESTORED, &self.mark_key()),
        }
        let mut held = held;
        held.retain(|held| !ends(&held));
        if let Some(unplaced) = unplaced {
            self.log(&mut tx, Word::Hold, format!("{name}: {unplaced}"));
            held.push(unplaced);
        }
        brake::put(&mut tx, &name, &held);
        let asked = some(
            self.run.counts.conflicts,
            "question is left for a person",
            "questions are left for a person",
        );
        let text = format!("all records were compared with Salesforce: {asked}");
        self.log(&mut tx, Word::Ok, text);
        self.commit(tx, Durability::Now)
    }
}
