//! Runs that take back other runs: asked for by a person, and gone on with after the process
//! ended in the middle.
//!
//! Invariant: a run is taken back by one run at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::runner::Job;
use super::super::state::State;
use super::super::summary::Access;
use super::super::tables::RUNS;
use super::super::undo;
use super::later::Later;
use super::{Actor, blocking};
use crate::domain::id::RunId;
use crate::domain::run::{Cause, RunState};
use crate::error::{Error, Kind, Result};

/// Runs that are looked at for one that was cut off.
const LOOKED_AT: usize = 200;

/// Runs that were being taken back when a process ended or no calls were left.
pub(super) fn cut_off(state: &State, now: Timestamp) -> Result<Vec<Later>> {
    let mut known = BTreeSet::new();
    let mut left = Vec::new();
    for run in state.store().scan(&RUNS, &[]).rev().take(LOOKED_AT) {
        let (_, run) = run?;
        let Cause::Undo(undone) = run.cause else {
            continue;
        };
        // Only the latest try counts.
        let latest = known.insert(undone);
        if latest && matches!(run.state, RunState::Interrupted | RunState::PutOff) {
            left.push(Later {
                at: now,
                pair: run.pair,
                job: Job::Undo(undone),
                pause: super::later::AFTER_TROUBLE,
            });
        }
    }
    Ok(left)
}

impl Actor {
    /// Takes back a run, as it was previewed.
    pub(super) async fn undo(&mut self, run: RunId, hash: u64) -> Result<Vec<RunId>> {
        if self.shared.options.access == Access::ReadOnly {
            let error = Error::new(Kind::Refused, "this session only reads");
            return Err(error.hint("start syncdeck without --read-only"));
        }
        let job = Job::Undo(run);
        let waits = self.queue.iter().find(|o| o.job == job).map(|o| o.run);
        let works = self.current.as_ref().filter(|c| c.job == job);
        if let Some(by) = waits.or(works.map(|c| c.run)) {
            let what = format!("run {run} is being taken back already, by run {by}");
            return Err(Error::new(Kind::Refused, what));
        }
        let shared = Arc::clone(&self.shared);
        let pair = blocking(move || {
            let settings = &shared.options.settings;
            undo::confirm(&shared.state, settings, run, hash, settings.clock.now())
        })
        .await?;
        let by = self.enqueue(pair, Cause::Undo(run), job).await?;
        Ok(vec![by])
    }
}
