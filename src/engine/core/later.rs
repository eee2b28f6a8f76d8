//! Runs that were put off because no more calls were let through: when they go on, also after a
//! restart.
//!
//! Invariant: such a run is followed by one that does the rest, unless a person or the schedule
//! was faster.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::runner::Job;
use super::super::state::State;
use super::super::tables::RUNS;
use super::Actor;
use crate::domain::id::PairName;
use crate::domain::run::{Cause, Run, RunState};
use crate::error::Result;

/// Runs looked through at start.
const RUNS_BACK: usize = 200;
/// The shortest pause.
const AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// Until a run that used its part is followed by the next.
const AFTER_ITS_PART: SignedDuration = SignedDuration::from_hours(1);

/// A run that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Later {
    at: Timestamp,
    pair: PairName,
    cause: Cause,
    job: Job,
}

/// What an earlier process put off: pairs whose newest run is such a one.
pub(super) fn left(state: &State, now: Timestamp) -> Result<Vec<Later>> {
    let (mut seen, mut left) = (HashSet::new(), Vec::new());
    for run in state.store().scan(&RUNS, &[]).rev().take(RUNS_BACK) {
        let (_, run) = run?;
        if seen.insert(run.pair.clone()) && run.state == RunState::PutOff {
            left.push(Later {
                at: now,
                pair: run.pair,
                cause: run.cause,
                // Which records it was about is not kept; all that changed are among them.
                job: Job::Sync,
            });
        }
    }
    Ok(left)
}

impl Actor {
    /// Whether work in the background would be refused right now.
    pub(super) fn is_held_back(&self) -> bool {
        self.shared.connector.gate().again().is_some()
    }

    /// Remembers to go on with a run.
    pub(super) fn put_off(&mut self, run: &Run, job: Job) {
        let now = self.shared.options.settings.clock.now();
        let its_part = run.failure.as_ref().is_some_and(|f| f.code == "budget_run");
        let at = if its_part {
            now + AFTER_ITS_PART
        } else {
            let again = self.shared.connector.gate().again();
            again.unwrap_or(now).max(now + AT_LEAST)
        };
        tracing::info!(run = %run.id, %at, "a run goes on later");
        self.later.push(Later {
            at,
            pair: run.pair.clone(),
            cause: run.cause.clone(),
            job,
        });
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
        let (due, later): (Vec<_>, Vec<_>) =
            self.later.drain(..).partition(|later| later.at <= now);
        self.later = later;
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
            if let Err(error) = self.enqueue(due.pair, due.cause, due.job).await {
                tracing::error!(%error, "a run that was put off did not start");
            }
        }
    }

    /// Keeps the counts of API calls.
    pub(super) async fn keep_budget(&self) {
        if let Err(error) = self.shared.connector.keep_budget().await {
            tracing::warn!(%error, "the counts of API calls were not kept");
        }
    }
}
