//! The queue of runs: what is asked for, and in which order.
//!
//! Does no run itself. Invariant: a run that waits or works is known to the store.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::super::audit::{Draft, What};
use super::super::command::{RecordKey, RetryScope, Scope};
use super::super::drifted;
use super::super::mappings;
use super::super::notice::Topics;
use super::super::profile;
use super::super::retry;
use super::super::runner::{Job, Order};
use super::super::summary::Motion;
use super::super::tables::SWITCHES;
use super::super::tx::Durability;
use super::super::work::Wish;
use super::children_first;
use super::later;
use super::launch::{Current, work};
use super::{Actor, Backups, DATA, Ended, blocking};
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::mapping::Pair;
use crate::domain::run::{Cause, Run, RunState, Word};
use crate::error::{Error, Kind, Result};

impl Actor {
    pub(super) fn start_next(&mut self) {
        if self.current.is_some() || self.planning.is_some() {
            return;
        }
        let Some(order) = self.queue.pop_front() else {
            return;
        };
        let (wish, wishes) = watch::channel(Wish::Work);
        let shared = Arc::clone(&self.shared);
        let progress = self.progress.clone();
        let (run, pair, job) = (order.run, order.pair.clone(), order.job.clone());
        let task = tokio::spawn(work(shared, order, wishes, progress));
        self.current = Some(Current {
            run,
            pair,
            job,
            wish,
            task,
        });
        self.news(Topics {
            runs: true,
            ..Topics::default()
        });
    }

    pub(super) async fn run_ended(&mut self, job: Job, result: Result<Run>) {
        self.progress.send_replace(None);
        self.keep_counts().await;
        if let Ok(run) = &result {
            tracing::info!(run = %run.id, pair = %run.pair, state = ?run.state, calls = run.calls, "a run ended");
        }
        if let Ok(run) = &result
            && matches!(
                run.state,
                RunState::Succeeded | RunState::SucceededWithErrors
            )
        {
            // A sync does everything that was left, but takes nothing back.
            let all = |left: &Job| job.is_sync() && !matches!(left, Job::Undo(_));
            self.not_later(|pair, left| *pair == run.pair && (all(left) || *left == job))
                .await;
        }
        if let Ok(Run {
            failure: None,
            calls: 1..,
            ..
        }) = &result
            && let Err(error) = self.shared.connector.answered().await
        {
            tracing::warn!(%error, "when the org answered last is not kept");
        }
        if let Ok(run) = &result {
            self.once_more(run, &job).await;
        }
        match result {
            Ok(run) if run.state == RunState::PutOff => self.put_off(&run, job).await,
            // Why it failed may be the connection.
            Ok(run) if later::passes(&run) => {
                self.try_again(&run, job).await;
                self.check();
            }
            Ok(run) if run.failure.is_some() => self.check(),
            // It works again; what was wrong is not shown any longer than it is.
            Ok(_) if self.shared.connector.row().trouble.is_some() => self.check(),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "a run could not be ended"),
        }
        self.changed = self.changed.and(DATA);
        self.summaries = 3;
        if self.queue.is_empty() {
            self.keep();
        }
    }

    /// Makes the backup of the day, if it is due, and measures the store. In the background: a
    /// viewer does not wait for it.
    fn keep(&mut self) {
        if self
            .keeping
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let ended = self.tasks.clone();
        self.keeping = Some(tokio::spawn(async move {
            let kept = blocking(move || {
                let places = &shared.options.places;
                if let Backups::Daily(keep) = shared.options.backups
                    && profile::backup_is_due(places, Timestamp::now())?
                {
                    profile::backup(&shared.state, places, keep)?;
                }
                Ok(shared.state.store().size_on_disk()?)
            });
            let _ = ended.send(Ended::Kept(kept.await)).await;
        }));
    }

    pub(super) fn wish(&mut self, wish: Wish) {
        let wishes = match (&self.current, &self.planning) {
            (Some(current), _) => &current.wish,
            (None, Some(planning)) => &planning.wish,
            (None, None) => return,
        };
        wishes.send_replace(wish);
        self.progress.send_if_modified(|progress| {
            let Some(progress) = progress else {
                return false;
            };
            progress.motion = match wish {
                Wish::Pause => Motion::Pausing,
                Wish::Cancel | Wish::Quit => Motion::Cancelling,
                Wish::Work => Motion::Working,
            };
            true
        });
    }

    /// Puts pairs in the queue, parents first; one that waits already is not put in again.
    pub(super) async fn sync(
        &mut self,
        scope: Scope,
        cause: Cause,
        job: Job,
    ) -> Result<Vec<RunId>> {
        let shared = Arc::clone(&self.shared);
        let chosen: Vec<Pair> = blocking(move || {
            Ok(match scope {
                Scope::All => in_order(shared.state.pairs()?),
                Scope::Pair(name) => vec![mappings::pair(&shared.state, &name)?],
            })
        })
        .await?;
        if chosen.is_empty() {
            return Err(Error::new(Kind::Usage, "there are no pairs to sync")
                .hint("`syncdeck setup` makes some from a preset"));
        }
        let first = self.children_first(&chosen, &cause).await?;
        let mut runs = Vec::new();
        for pair in chosen {
            let waits = self
                .queue
                .iter()
                .find(|o| o.pair == pair.name && o.job == job)
                .map(|o| o.run);
            runs.push(match waits {
                Some(run) => run,
                None => self.enqueue(pair.name, cause.clone(), job.clone()).await?,
            });
        }
        // What was asked for is named first.
        runs.extend(first);
        Ok(runs)
    }

    /// Puts the deletes in the queue that have to go before those of these pairs.
    async fn children_first(&mut self, chosen: &[Pair], cause: &Cause) -> Result<Vec<RunId>> {
        let names: Vec<PairName> = chosen.iter().map(|pair| pair.name.clone()).collect();
        let shared = Arc::clone(&self.shared);
        let first = blocking(move || children_first::deletes_before(&shared.state, &names)).await?;
        let mut runs = Vec::new();
        for (pair, ids) in first {
            let job = Job::Records(ids);
            runs.push(self.enqueue(pair, cause.clone(), job).await?);
        }
        Ok(runs)
    }

    /// Puts a sync of chosen records in the queue; one that waits already is not put in again.
    pub(super) async fn sync_records(
        &mut self,
        pair: PairName,
        records: Vec<AppId>,
    ) -> Result<Vec<RunId>> {
        let (shared, name) = (Arc::clone(&self.shared), pair.clone());
        let job = blocking(move || retry::by_hand(&shared.state, &name, records)).await?;
        self.once(pair, job).await
    }

    /// Puts a repair of records in the queue that differ although nothing moved.
    pub(super) async fn repair(
        &mut self,
        pair: PairName,
        records: Vec<AppId>,
    ) -> Result<Vec<RunId>> {
        let (shared, name) = (Arc::clone(&self.shared), pair.clone());
        let job = blocking(move || drifted::repair(&shared.state, &name, records)).await?;
        self.once(pair, job).await
    }

    /// Puts a job of a person in the queue, unless the same one waits already.
    async fn once(&mut self, pair: PairName, job: Job) -> Result<Vec<RunId>> {
        let waits = self.queue.iter().find(|o| o.pair == pair && o.job == job);
        let run = match waits.map(|o| o.run) {
            Some(run) => run,
            None => self.enqueue(pair, Cause::Person, job).await?,
        };
        Ok(vec![run])
    }

    pub(super) async fn enqueue(
        &mut self,
        pair: PairName,
        cause: Cause,
        job: Job,
    ) -> Result<RunId> {
        let order = Order {
            run: self.shared.state.new_run_id(),
            pair,
            cause,
            job,
        };
        let run = order.queued(0, self.shared.options.settings.clock.now());
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut tx = shared.state.begin();
            tx.put_run(&run);
            Ok(tx.commit(Durability::Soon)?)
        })
        .await?;
        let id = order.run;
        self.queue.push_back(order);
        self.news(Topics {
            runs: true,
            ..Topics::default()
        });
        Ok(id)
    }

    pub(super) async fn cancel(&mut self) -> Result<()> {
        let waiting: Vec<Order> = self.queue.drain(..).collect();
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let now = shared.options.settings.clock.now();
            let mut tx = shared.state.begin();
            for order in &waiting {
                let mut run = order.queued(0, now);
                run.state = RunState::Cancelled;
                run.ended_at = Some(now);
                tx.put_run(&run);
                let by = &shared.options.settings.person;
                let text = "cancelled before it began";
                let draft = Draft::new(now, by, What::RunEnded, text);
                tx.audit(draft.pair(&run.pair).run(run.id));
            }
            Ok(tx.commit(Durability::Now)?)
        })
        .await?;
        self.not_later(|_, _| true).await;
        self.wish(Wish::Cancel);
        self.news(DATA);
        Ok(())
    }

    pub(super) async fn pause(&mut self, wish: Wish) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut tx = shared.state.begin();
            let mut switches = shared.state.switches()?;
            switches.paused = wish == Wish::Pause;
            let text = if switches.paused { "paused" } else { "resumed" };
            tx.put(&SWITCHES, &[], &switches);
            let by = &shared.options.settings.person;
            let what = match wish {
                Wish::Pause => What::Paused,
                _ => What::Resumed,
            };
            tx.audit(Draft::new(
                shared.options.settings.clock.now(),
                by,
                what,
                "",
            ));
            tx.log(
                shared.options.settings.clock.now(),
                Word::Info,
                None,
                format!("{text} by {by}"),
            );
            Ok(tx.commit(Durability::Now)?)
        })
        .await?;
        self.wish(wish);
        self.news(Topics::default());
        Ok(())
    }

    pub(super) async fn retry(&mut self, run: RunId, scope: RetryScope) -> Result<Vec<RunId>> {
        let shared = Arc::clone(&self.shared);
        let (pair, job) = blocking(move || {
            let now = shared.options.settings.clock.now();
            retry::release(&shared.state, run, &scope, now)
        })
        .await?;
        let run = self.enqueue(pair, Cause::Retry(run), job).await?;
        Ok(vec![run])
    }

    pub(super) async fn write(&mut self, keys: Vec<RecordKey>) -> Result<Vec<RunId>> {
        let mut by_pair: Vec<(PairName, Vec<_>)> = Vec::new();
        for RecordKey { pair, app_id } in keys {
            match by_pair.iter_mut().find(|(name, _)| *name == pair) {
                Some((_, ids)) => ids.push(app_id),
                None => by_pair.push((pair, vec![app_id])),
            }
        }
        let shared = Arc::clone(&self.shared);
        let order = blocking(move || Ok(in_order(shared.state.pairs()?))).await?;
        by_pair.sort_by_key(|(name, _)| order.iter().position(|p| p.name == *name));
        let mut runs = Vec::new();
        for (pair, ids) in by_pair {
            runs.push(
                self.enqueue(pair, Cause::Decisions, Job::Decisions(ids))
                    .await?,
            );
        }
        Ok(runs)
    }
}

/// Parents before children; the order of names otherwise.
pub(super) fn in_order(mut left: Vec<Pair>) -> Vec<Pair> {
    let mut done: Vec<Pair> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left
            .iter()
            .position(|pair| {
                pair.parents()
                    .all(|parent| !left.iter().any(|p| p.name == *parent))
            })
            // Two pairs that refer to each other: their second run completes them.
            .unwrap_or(0);
        done.push(left.remove(free));
    }
    done
}
