//! Runs that were put off because no more calls were let through: when they go on, also after a
//! restart.
//!
//! Invariant: such a run is followed by one that does the rest, unless a person or the schedule
//! was faster.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::runner::Job;
use super::super::state::State;
use super::super::tables::LATER;
use super::super::tx::{Durability, Tx};
use super::Actor;
use crate::domain::id::PairName;
use crate::domain::run::{Cause, Run};
use crate::error::Result;
use crate::store::keys::Key;

/// The shortest pause.
const AT_LEAST: SignedDuration = SignedDuration::from_mins(1);
/// Until a run that used its part is followed by the next.
const AFTER_ITS_PART: SignedDuration = SignedDuration::from_hours(1);

/// A run that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Later {
    pub(super) at: Timestamp,
    pub(super) pair: PairName,
    pub(super) job: Job,
}

/// What an earlier process put off.
pub(super) fn left(state: &State, now: Timestamp) -> Result<Vec<Later>> {
    let mut left = super::undo::cut_off(state, now)?;
    let kept = state.store().scan(&LATER, &[]);
    let kept = kept.map(|row| {
        Ok(Later {
            at: now,
            pair: row?.1,
            // Which records it was about is not kept; all that changed are among them.
            job: Job::Sync,
        })
    });
    left.extend(kept.collect::<Result<Vec<_>>>()?);
    Ok(left)
}

impl Actor {
    /// Whether work in the background would be refused right now.
    pub(super) fn is_held_back(&self) -> bool {
        self.shared.connector.gate().again().is_some()
    }

    /// Remembers to go on with a run.
    pub(super) async fn put_off(&mut self, run: &Run, job: Job) {
        let now = self.shared.options.settings.clock.now();
        let its_part = run.failure.as_ref().is_some_and(|f| f.code == "budget_run");
        let at = if its_part {
            now + AFTER_ITS_PART
        } else {
            let again = self.shared.connector.gate().again();
            again.unwrap_or(now).max(now + AT_LEAST)
        };
        tracing::info!(run = %run.id, %at, "a run goes on later");
        let pair = run.pair.clone();
        self.later.retain(|l| l.pair != pair || l.job != job);
        self.later.push(Later {
            at,
            pair: pair.clone(),
            job,
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
        let syncs = self.later.iter().filter(|l| l.job == Job::Sync);
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

    /// Keeps the counts of API calls.
    pub(super) async fn keep_budget(&self) {
        if let Err(error) = self.shared.connector.keep_budget().await {
            tracing::warn!(%error, "the counts of API calls were not kept");
        }
    }
}

fn key_of(pair: &PairName) -> Key {
    Key::new().text(pair.as_str())
}
