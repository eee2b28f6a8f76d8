//! Runs that take back other runs: asked for by a person, and gone on with after the process
//! ended in the middle.
//!
//! Invariant: a run is taken back by one run at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::command::Allowance;
use super::super::runner::Job;
use super::super::state::State;
use super::super::summary::Access;
use super::super::tables::RUNS;
use super::super::undo;
use super::later::Later;
use super::{Actor, blocking};
use crate::domain::id::RunId;
use crate::domain::run::{Cause, Run, RunState};
use crate::error::{Error, Kind, Result};

/// Runs that are looked at for one that was cut off.
const LOOKED_AT: usize = 200;
/// Runs in which what was put off of one undo is tried again.
const TRIES: usize = 5;

/// Runs that were being taken back when a process ended or no calls were left.
pub(super) fn cut_off(state: &State, now: Timestamp) -> Result<Vec<Later>> {
    let mut tries: BTreeMap<RunId, usize> = BTreeMap::new();
    let mut left: Vec<Later> = Vec::new();
    for run in state.store().scan(&RUNS, &[]).rev().take(LOOKED_AT) {
        let (_, run) = run?;
        let Cause::Undo(undone) = run.cause else {
            continue;
        };
        let tries = tries.entry(undone).or_default();
        *tries += 1;
        // Only the latest try says whether anything is left.
        let cut_off = matches!(run.state, RunState::Interrupted | RunState::PutOff);
        if *tries == 1 && (cut_off || was_put_off(&run)) {
            left.push(Later {
                at: now,
                pair: run.pair,
                job: Job::Undo(undone),
                pause: super::later::AFTER_TROUBLE,
            });
        }
    }
    left.retain(|later| match later.job {
        Job::Undo(run) => tries.get(&run).is_none_or(|n| *n < TRIES),
        _ => true,
    });
    Ok(left)
}

/// Whether a run did what it could, and some of its records have to wait.
fn was_put_off(run: &Run) -> bool {
    let done = matches!(
        run.state,
        RunState::Succeeded | RunState::SucceededWithErrors
    );
    done && run.counts.deferred > 0
}

impl Actor {
    /// What a run could not take back yet is tried again, a few times, once no write is in doubt
    /// any more.
    pub(super) async fn once_more(&mut self, run: &Run, job: &Job) {
        if !matches!(job, Job::Undo(_)) || !was_put_off(run) {
            return;
        }
        let settings = &self.shared.options.settings;
        let at = settings.clock.now() + settings.late;
        let shared = Arc::clone(&self.shared);
        match blocking(move || cut_off(&shared.state, at)).await {
            Ok(left) => self
                .later
                .extend(left.into_iter().filter(|l| l.job == *job)),
            Err(error) => tracing::error!(%error, "what was put off is not tried again"),
        }
    }

    /// Takes back a run, as it was previewed.
    pub(super) async fn undo(
        &mut self,
        run: RunId,
        hash: u64,
        allow: Vec<Allowance>,
    ) -> Result<Vec<RunId>> {
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
            let now = settings.clock.now();
            undo::confirm(&shared.state, settings, run, (hash, &allow), now)
        })
        .await?;
        let by = self.enqueue(pair, Cause::Undo(run), job).await?;
        Ok(vec![by])
    }
}
