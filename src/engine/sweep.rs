//! Compares the ids of the CRM with the links of a pair, and puts right what every window missed
//! (sync-semantics 4.4).
//!
//! Plans nothing itself: what it finds is read by id and taken in like any other record. Memory:
//! eight bytes for each linked record that the CRM lists, and a page. Invariants: a record that is
//! not listed is deleted on evidence only, and never together with many others; what the next
//! window reads anyway is left to it, so that whatever is healed here had been missed.

mod absent;
mod another_org;
mod many;

pub use self::absent::Evidence;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use jiff::Timestamp;

use crate::crm::bulk::{self, JobKind, JobPhase, ReadWay};
use crate::crm::{ChangeQuery, CrmRow, ErrorClass, MAX_RETRIEVE};
use crate::domain::budget::Class;
use crate::domain::id::{CrmId, FieldName};
use crate::domain::mapping::Creates;
use crate::domain::mass::{Held, Mass};
use crate::domain::record::{CrmPresence, Source};
use crate::domain::run::{Cause, Phase, Word};
use crate::domain::schedule::Schedule;
use crate::domain::text::grouped;

use super::brake;
use super::ingest::{self, Ingested};
use super::job_wait::Waited;
use super::matcher::Matcher;
use super::pull_job::refused;
use super::tables::{INBOX, NextRows, SWEEPS, Swept, WATERMARKS, crm_key};
use super::tally::Record;
use super::tx::Durability;
use super::walk::{Walker, Way};
use super::work::{FULL, Step, Stop, Work};

/// Ids the CRM lists, of those that are linked. As hashes: one that another id shares is found by
/// the next sweep, which hashes with another key.
#[derive(Default)]
struct Listed {
    hashes: HashSet<u64>,
    key: RandomState,
}

impl Listed {
    fn add(&mut self, id: &CrmId) {
        self.hashes.insert(self.key.hash_one(id.as_str()));
    }

    fn has(&self, id: &CrmId) -> bool {
        self.hashes.contains(&self.key.hash_one(id.as_str()))
    }
}

/// A sweep under way.
struct Sweep {
    matcher: Matcher,
    listed: Listed,
    /// What was changed from here on is read by the next window.
    before: Timestamp,
    /// Listed, and not as we know it: to be read.
    missed: Vec<CrmId>,
    heals: Heals,
    swept: Swept,
}

/// Whether a sweep reads what had been missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heals {
    /// It does.
    AtOnce,
    /// It only counts.
    Never,
}

impl Walker for Sweep {
    /// None: ids and stamps say enough.
    fn fields(&self) -> Vec<FieldName> {
        Vec::new()
    }

    fn all(&mut self, work: &mut Work, query: &Arc<ChangeQuery>, records: u64) -> Step<Way> {
        work.list_by_job(self, query, records)
    }

    fn look(&mut self, work: &mut Work, rows: &[CrmRow]) -> Step<()> {
        for row in rows {
            self.swept.listed += 1;
            let look = work.look_at(self, row)?;
            if look == Look::Missed && self.heals == Heals::AtOnce {
                self.missed.push(row.id);
            }
        }
        match self.missed.len() >= MAX_RETRIEVE {
            true => work.heal(self),
            false => Ok(()),
        }
    }
}

/// What a look at one listed record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// As we know it, or none of our business.
    Known,
    /// A window should have brought it.
    Missed,
}

impl Work {
    /// Whether this run does what is due by the clock: one by schedule, or any of a pair that has
    /// none, whose runs may be started by something else at night.
    pub(super) fn keeps_up(&self) -> bool {
        match self.run.cause {
            Cause::Schedule | Cause::Continued => true,
            Cause::Person => self.cx.pair.pair.schedule == Schedule::Manual,
            Cause::Retry(_) | Cause::Decisions | Cause::Undo(_) | Cause::Plan(_) => false,
        }
    }

    /// Whether this run is to sweep as well. The first window reads everything, so it counts as a
    /// sweep.
    pub(super) fn sweep_is_due(&mut self) -> Step<bool> {
        let state = self.state();
        let held = brake::held(&state, self.cx.name())?;
        let asked = |held: &Held| held.what == Mass::Unlisted && held.is_allowed();
        if self.run.cause == Cause::Person && held.iter().any(asked) {
            return Ok(true);
        }
        if !self.keeps_up() {
            return Ok(false);
        }
        let now = self.now();
        if let Some(last) = state.store().get(&SWEEPS, &self.mark_key())? {
            return Ok(now.duration_since(last.at) >= self.cx.settings.sweep_every);
        }
        let first = Swept {
            at: now,
            listed: self.run.counts.read,
            healed: 0,
            gone: 0,
        };
        let mut tx = state.begin();
        tx.put(&SWEEPS, &self.mark_key(), &first);
        tx.commit(Durability::Soon)?;
        Ok(false)
    }

    /// What may wait: where the org lets no more calls through it waits for the next run, which is
    /// no failure of this one.
    pub(super) fn if_there_is_room(&mut self, what: &str, done: Step<()>) -> Step<()> {
        match done {
            Err(Stop::Crm(error))
                if matches!(
                    error.class,
                    ErrorClass::ThrottleDaily | ErrorClass::ThrottleConcurrent
                ) =>
            {
                let text = format!("{what} waits for the next run: {error}");
                self.tell(Word::Wait, text)
            }
            done => done,
        }
    }

    /// Compares all ids of the object with the links of the pair, after a window was read.
    pub(super) fn sweep(&mut self) -> Step<()> {
        let Some(mut sweep) = self.sweep_of(Heals::AtOnce)? else {
            return Ok(());
        };
        self.calls_are(Class::Sweep);
        self.phase(Phase::Sweep, None);
        let at = self.walk(&mut sweep)?;
        self.heal(&mut sweep)?;
        self.unlisted(&mut sweep, at)?;
        self.swept(&sweep.swept)
    }

    /// A sweep that is still to be made; none before a window was read.
    fn sweep_of(&mut self, heals: Heals) -> Step<Option<Sweep>> {
        let state = self.state();
        let mark = state.store().get(&WATERMARKS, &self.mark_key())?;
        let overlap = self.cx.settings.overlap;
        let seen_to = mark.and_then(|mark| mark.seen_to);
        let Some(before) = seen_to.and_then(|at| at.checked_sub(overlap).ok()) else {
            return Ok(None);
        };
        Ok(Some(Sweep {
            matcher: self.matcher()?,
            listed: Listed::default(),
            before,
            missed: Vec::new(),
            heals,
            swept: Swept {
                at: self.now(),
                listed: 0,
                healed: 0,
                gone: 0,
            },
        }))
    }

    fn swept(&mut self, swept: &Swept) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        tx.put(&SWEEPS, &self.mark_key(), swept);
        let Swept {
            listed,
            healed,
            gone,
            ..
        } = swept;
        let (word, found) = match (healed, gone) {
            (0, 0) => (Word::Ok, "nothing had been missed".to_owned()),
            _ => (
                Word::Warn,
                format!(
                    "healed {}: {healed} had been missed, {gone} are no longer there",
                    healed + gone
                ),
            ),
        };
        let text = format!("compared the ids of {} records: {found}", grouped(*listed));
        self.log(&mut tx, word, text);
        self.commit(tx, Durability::Now)
    }

    // ---- what the CRM lists ------------------------------------------------------------

    /// Lets the CRM collect a long list in a job, if that is worth it. The job is not
    /// kept: a sweep that breaks off begins anew, and the org removes what is left within days.
    fn list_by_job(
        &mut self,
        sweep: &mut Sweep,
        query: &Arc<ChangeQuery>,
        records: u64,
    ) -> Step<Way> {
        let crm = Arc::clone(&self.tools.crm);
        if bulk::read_way(records, crm.usage(), self.cx.settings.jobs) == ReadWay::Pages {
            return Ok(Way::Pages);
        }
        let job = match self.read(crm.start_read(query)) {
            Ok(job) => job,
            Err(Stop::Crm(error)) if refused(&error) => return Ok(Way::Pages),
            Err(stop) => return Err(stop),
        };
        let waited = self.job_over(JobKind::Read, &job, |_, _| {});
        let listed = waited.and_then(|waited| {
            match waited {
                Waited::Over(state) if state.phase == JobPhase::Done => {}
                Waited::Over(_) => return Ok(Way::Pages),
                Waited::Stuck => {
                    let why = self.stood_still(&job);
                    self.tell(Word::Warn, format!("{why}; reading page by page instead"))?;
                    self.stop_reading(&job);
                    return Ok(Way::Pages);
                }
            }
            let mut on_its_way = self.rows_at(query, &job, &NextRows::First);
            while let Some(task) = on_its_way {
                let page = self.join(task)?;
                let next = page.next.map_or(NextRows::End, NextRows::At);
                on_its_way = self.rows_at(query, &job, &next);
                self.boundary()?;
                sweep.look(self, &page.rows)?;
                self.advance(page.rows.len());
            }
            Ok(Way::Done)
        });
        self.discard(JobKind::Read, &job);
        listed
    }

    fn look_at(&self, sweep: &mut Sweep, row: &CrmRow) -> Step<Look> {
        let state = &self.tools.state;
        let name = self.cx.name();
        let linked = state.by_crm(name, &row.id)?;
        if linked.is_some() {
            sweep.listed.add(&row.id);
        }
        if row.stamp >= sweep.before {
            return Ok(Look::Known);
        }
        let Some(app_id) = linked else {
            let gone = matches!(row.presence, CrmPresence::Deleted | CrmPresence::Merged(_));
            let of_use = !gone && self.cx.pair.pair.create_in_app == Creates::Allowed;
            let waits = || state.store().contains(&INBOX, &crm_key(name, &row.id));
            return Ok(match of_use && !waits()? {
                true => Look::Missed,
                false => Look::Known,
            });
        };
        let seen = state.link(name, &app_id)?.and_then(|link| link.seen);
        let known = seen.is_some_and(|seen| {
            // An answer that was overtaken by a later one says nothing.
            seen.stamp > row.stamp || (seen.stamp == row.stamp && seen.presence == row.presence)
        });
        // Whoever closes an open intent reads the record.
        if known || state.open_intent(name, &app_id)?.is_some() {
            return Ok(Look::Known);
        }
        Ok(Look::Missed)
    }

    // ---- what had been missed ----------------------------------------------------------

    /// Reads what had been missed, and takes it in.
    fn heal(&mut self, sweep: &mut Sweep) -> Step<()> {
        let missed = std::mem::take(&mut sweep.missed);
        for ids in missed.chunks(MAX_RETRIEVE) {
            let got = self.read(self.tools.crm.retrieve(&self.object, ids, &self.fields))?;
            let rows = got.rows.into_iter().flatten().collect();
            sweep.swept.healed += self.take_missed(&sweep.matcher, rows, got.at)?;
        }
        Ok(())
    }

    /// Takes records in; gives how many were not as we knew them.
    pub(super) fn take_missed(
        &mut self,
        matcher: &Matcher,
        rows: Vec<CrmRow>,
        at: Timestamp,
    ) -> Step<u64> {
        let state = self.state();
        let mut rows = rows.into_iter().peekable();
        let mut healed = 0;
        while rows.peek().is_some() {
            self.boundary()?;
            let mut tx = state.begin();
            while tx.len() < FULL
                && let Some(row) = rows.next()
            {
                let (id, now) = (row.id, self.now());
                let source = Source::Probe;
                let taken = ingest::ingest(&mut tx, &self.cx, matcher, row, at, source, now)?;
                healed += u64::from(is_news(&taken));
                self.count_taken(&mut tx, id, taken, Record::Each)?;
            }
            self.commit(tx, Durability::Soon)?;
        }
        Ok(healed)
    }
}

/// Whether what was taken in was not as we knew it.
fn is_news(taken: &Ingested) -> bool {
    matches!(taken, Ingested::Done(done) if !done.skipped && !done.waits)
}
