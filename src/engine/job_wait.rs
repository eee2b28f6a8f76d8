//! Waiting for a job of the CRM, with a bound.
//!
//! Asks how far a job is, with pauses that grow; decides nothing about it. Invariant: a job that
//! does not go on for the patience of the settings is waited for no longer. The time that the
//! program itself stood still does not count.

use std::sync::Arc;
use std::time::Duration;

use crate::crm::bulk::{self, JobId, JobKind, JobPhase, JobState};
use crate::domain::run::Word;

use super::tx::Durability;
use super::work::{Step, Work};

/// How waiting for a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Waited {
    /// It is not worked on, any more or yet.
    Over(JobState),
    /// It has not gone on for too long.
    Stuck,
}

impl Work {
    /// Waits while a job is worked on, and tells `seen` how far it is.
    pub(super) fn job_over(
        &mut self,
        kind: JobKind,
        job: &JobId,
        seen: impl Fn(&Self, &JobState),
    ) -> Step<Waited> {
        let crm = Arc::clone(&self.tools.crm);
        let mut idle = Duration::ZERO;
        let mut processed = 0;
        for asked in 0.. {
            self.boundary()?;
            let state = self.read(crm.job_state(kind, job))?;
            seen(self, &state);
            if state.phase != JobPhase::Working {
                return Ok(Waited::Over(state));
            }
            if state.processed != processed {
                processed = state.processed;
                idle = Duration::ZERO;
            } else if idle >= self.cx.settings.patience {
                break;
            }
            let pause = bulk::pause(asked);
            self.sleep(pause)?;
            idle += pause;
        }
        Ok(Waited::Stuck)
    }

    /// What is said of a job that does not go on.
    pub(super) fn stood_still(&self, job: &JobId) -> String {
        let minutes = self.cx.settings.patience.as_secs().div_ceil(60);
        format!(
            "Salesforce did not go on with job {} for {minutes} min; what holds it up is in Setup, \
             Bulk Data Load Jobs",
            job.as_str()
        )
    }

    /// A line in the log, of no weight.
    pub(super) fn tell(&mut self, word: Word, text: String) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        self.log(&mut tx, word, text);
        Ok(tx.commit(Durability::Soon)?)
    }

    /// Removes a job that is over from the org. One that stays is removed by the org within days.
    pub(super) fn discard(&self, kind: JobKind, job: &JobId) {
        let crm = Arc::clone(&self.tools.crm);
        if let Err(stop) = self.read(crm.remove(kind, job)) {
            tracing::info!(target: "engine", job = job.as_str(), ?stop, "a job stays in the org");
        }
    }
}
