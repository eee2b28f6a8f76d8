//! Runs that were put off because no more calls were let through, that were cut off, or that
//! failed for what passes: when they go on, also after a restart.
//!
//! Invariant: such a run is followed by one that does the rest, unless a person or the schedule
//! was faster.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::runner::Job;
use super::super::state::State;
use super::super::tables::{LATER, RUNS};
use super::super::tx::{Durability, Tx};
use super::Actor;
use crate::crm::salesforce;
use crate::domain::id::PairName;
use crate::domain::run::{Cause, Run, RunState};
use crate::domain::schedule::Schedule;
use crate::error::Result;
use crate::store::keys::Key;

/// The shortest pause.
const AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// Until a run that failed for what passes is tried again, at first.
pub(super) const AFTER_TROUBLE: SignedDuration = SignedDuration::from_mins(5);
/// Runs looked through for one that was cut off.
const RUNS_BACK: usize = 200;
/// What a run failed with that used its part, and in a full org: others have to make room first.
const NO_ROOM: [&str; 2] = ["budget_run", "STORAGE_LIMIT_EXCEEDED"];
/// Until such a run is followed by the next.
const AFTER_ITS_PART: SignedDuration = SignedDuration::from_hours(1);

/// A run that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Later {
    pub(super) at: Timestamp,
    pub(super) pair: PairName,
    pub(super) job: Job,
    /// How long it waits after it failed.
    pub(super) pause: SignedDuration,
}

/// What an earlier process put off, or was cut off in: an instant of a schedule has started a run
/// only when that run came to an end (sync-semantics 17.4).
pub(super) fn left(state: &State, now: Timestamp) -> Result<Vec<Later>> {
    let kept = state.store().scan(&LATER, &[]).map(|row| Ok(row?.1));
    let mut pairs: BTreeSet<PairName> = kept.collect::<Result<_>>()?;
    let mut newest = BTreeSet::new();
    for row in state.store().scan(&RUNS, &[]).rev().take(RUNS_BACK) {
        let (_, run) = row?;
        let is_newest = newest.insert(run.pair.clone());
        if is_newest && run.state == RunState::Interrupted && nobody_asked(&run) {
            let pair = state.pair(&run.pair)?;
            if pair.is_some_and(|pair| pair.schedule != Schedule::Manual) {
                pairs.insert(run.pair);
            }
        }
    }
    let mut left = super::undo::cut_off(state, now)?;
    left.extend(pairs.into_iter().map(|pair| Later {
        at: now,
        pair,
        // Which records it was about is not kept; all that changed are among them.
        job: Job::Sync,
        pause: AFTER_TROUBLE,
    }));
    Ok(left)
}

/// Whether a run started by itself.
fn nobody_asked(run: &Run) -> bool {
    matches!(run.cause, Cause::Schedule | Cause::Continued)
}

/// Whether what a run failed for passes by itself.
pub(super) fn passes(run: &Run) -> bool {
    let by_code = |code: &str| code == "network" || salesforce::passes(code);
    run.state == RunState::Failed
        && nobody_asked(run)
        && run.failure.as_ref().is_some_and(|f| by_code(&f.code))
}

impl Actor {
    /// Whether work in the background would be refused right now.
    pub(super) fn is_held_back(&self) -> bool {
        self.shared.connector.gate().again().is_some()
    }

    /// Remembers to go on with a run.
    pub(super) async fn put_off(&mut self, run: &Run, job: Job) {
        let now = self.shared.options.settings.clock.now();
        let failure = run.failure.as_ref();
        let no_room = failure.is_some_and(|f| NO_ROOM.contains(&f.code.as_str()));
        let at = if no_room {
            now + AFTER_ITS_PART
        } else {
            let again = self.shared.connector.gate().again();
            again.unwrap_or(now).max(now + AT_LEAST)
        };
        self.remember(run, job, at, AFTER_TROUBLE).await;
    }

    /// Remembers to try a run again that nobody asked for and that failed for what passes. Each
    /// time it waits longer.
    pub(super) async fn try_again(&mut self, run: &Run, job: Job) {
        let now = self.shared.options.settings.clock.now();
        let same = |l: &&Later| l.pair == run.pair && l.job == job;
        let pause = match self.later.iter().find(same) {
            Some(later) => later.pause,
            None => AFTER_TROUBLE,
        };
        let longer = (pause * 2).min(AFTER_ITS_PART);
        self.remember(run, job, now + pause, longer).await;
    }

    async fn remember(&mut self, run: &Run, job: Job, at: Timestamp, pause: SignedDuration) {
        tracing::info!(run = %run.id, %at, "a run goes on later");
        let pair = run.pair.clone();
        self.later.retain(|l| l.pair != pair || l.job != job);
        self.later.push(Later {
            at,
            pair: pair.clone(),
            job,
            pause,
        });
        let kept = self.change(move |tx| tx.put(&LATER, &key_of(&pair), &pair));
        kept.await;
    }

    /// Nothing of these pairs is to be done later any more: it was done, or a person cancelled it.
    pub(super) async fn not_later(&mut self, of: impl Fn(&PairName, &Job) -> bool) {
        let (over, later) = self.later.drain(..).partition(|l| of(&l.pair, &l.job));
        self.later = later;
        let over: Vec<Later> = over;
        if over.is_empty() {
            return;
        }
        let pairs: Vec<PairName> = over
            .into_iter()
            .map(|l| l.pair)
            .filter(|pair| self.later.iter().all(|l| l.pair != *pair))
            .collect();
        let forgotten = self.change(move |tx| {
            for pair in &pairs {
                tx.delete(&LATER, &key_of(pair));
            }
        });
        forgotten.await;
    }

    /// Pairs that will be synced later anyway.
    pub(super) fn later_pairs(&self) -> impl Iterator<Item = PairName> {
        let syncs = self.later.iter().filter(|l| l.job.is_sync());
        syncs.map(|l| l.pair.clone())
    }

    async fn change(&self, change: impl FnOnce(&mut Tx<'_>) + Send + 'static) {
        let state = Arc::clone(&self.shared.state);
        let kept = super::blocking(move || {
            let mut tx = state.begin();
            change(&mut tx);
            Ok(tx.commit(Durability::Now)?)
        });
        if let Err(error) = kept.await {
            tracing::error!(%error, "what is to be done later is not kept");
        }
    }

    /// Puts what can go on into the queue.
    pub(super) async fn go_on(&mut self) {
        let now = self.shared.options.settings.clock.now();
        if self.later.iter().all(|later| later.at > now) || self.is_held_back() {
            return;
        }
        let state = Arc::clone(&self.shared.state);
        match super::blocking(move || Ok(state.switches()?.paused)).await {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => {
                tracing::error!(%error, "what was put off does not go on");
                return;
            }
        }
        // What is due stays known until it is done.
        let due: Vec<Later> = self.later.iter().filter(|l| l.at <= now).cloned().collect();
        for later in &mut self.later {
            if later.at <= now {
                later.at = now + AFTER_ITS_PART;
            }
        }
        for due in due {
            let waits = |job: &Job, pair: &PairName| *pair == due.pair && *job == due.job;
            let busy = self.queue.iter().any(|o| waits(&o.job, &o.pair))
                || self
                    .current
                    .as_ref()
                    .is_some_and(|c| waits(&c.job, &c.pair));
            if busy {
                continue;
            }
            let cause = match due.job {
                Job::Undo(run) => Cause::Undo(run),
                _ => Cause::Continued,
            };
            if let Err(error) = self.enqueue(due.pair, cause, due.job).await {
                tracing::error!(%error, "a run that was put off did not start");
            }
        }
    }

    /// Keeps the counts of API calls and of unknown codes.
    pub(super) async fn keep_counts(&self) {
        if let Err(error) = self.shared.connector.keep_counts().await {
            tracing::warn!(%error, "the counts of API calls were not kept");
        }
    }
}

fn key_of(pair: &PairName) -> Key {
    Key::new().text(pair.as_str())
}
