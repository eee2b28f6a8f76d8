//! Dry runs beside the queue: one is made, or a plan is looked at again before it is applied.
//!
//! Invariant: while one is made no run works, and none is made while a run works or waits.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::command::RequestId;
use super::super::notice::Reply;
use super::super::plans::{self, Rehearsal};
use super::super::runner::Job;
use super::super::work::{Tools, Wish};
use super::launch::connect;
use super::queue::in_order;
use super::{Actor, DATA, Ended, Shared, blocking};
use crate::domain::budget::Class;
use crate::domain::dry_run::Plan;
use crate::domain::id::{PairName, PlanId, RunId};
use crate::domain::run::Cause;
use crate::error::{Error, Kind, Result};

/// The dry run at work.
pub(super) struct Planning {
    pub(super) wish: watch::Sender<Wish>,
    pub(super) task: JoinHandle<()>,
}

/// What a dry run is made for.
#[derive(Debug, Clone)]
pub(super) enum For {
    /// A plan of these pairs; of all when there are none.
    Plan(Vec<PairName>),
    /// Applying a plan, if it has this hash.
    Apply(PlanId, Option<String>),
}

/// What a dry run came to.
#[derive(Debug)]
pub(super) enum Rehearsed {
    /// A plan, which is kept.
    Made(Plan),
    /// A plan that can be applied.
    Fits(Plan),
}

impl Actor {
    /// Starts a dry run; its answer comes when it has ended.
    pub(super) fn plan(&mut self, id: RequestId, what: For) -> Result<()> {
        let busy = match (&self.current, &self.planning) {
            (Some(current), _) => Some(format!("run {} works", current.run)),
            (None, Some(_)) => Some("a dry run is made".to_owned()),
            (None, None) if !self.queue.is_empty() => Some("runs wait".to_owned()),
            (None, None) => None,
        };
        if let Some(busy) = busy {
            let text = format!("{busy}: a plan is made when nothing moves");
            return Err(Error::new(Kind::Refused, text).hint("wait for the end, or stop it first"));
        }
        let (wish, wishes) = watch::channel(Wish::Work);
        let shared = Arc::clone(&self.shared);
        let (ended, progress) = (self.tasks.clone(), self.progress.clone());
        let task = tokio::spawn(async move {
            let result = async {
                // What can be refused without a call is.
                let (names, fits) = chosen(&shared, what).await?;
                let tools = connect(&shared, Class::Interactive, wishes, progress).await?;
                blocking(move || work(&shared, &tools, &names, fits)).await
            };
            let result = result.await;
            // Without the engine nobody waits for the answer any more.
            let _ = ended.send(Ended::Planned(id, result)).await;
        });
        self.planning = Some(Planning { wish, task });
        Ok(())
    }

    /// Answers with what a dry run came to; a plan that fits goes into the queue.
    pub(super) async fn planned(&mut self, id: RequestId, result: Result<Rehearsed>) {
        self.planning = None;
        self.progress.send_replace(None);
        self.news(DATA);
        let reply = match result {
            Ok(Rehearsed::Made(plan)) => Ok(Reply::Planned(Box::new(plan))),
            Ok(Rehearsed::Fits(plan)) => self.apply(plan).await.map(Reply::Started),
            Err(error) => Err(error),
        };
        self.reply(id, reply).await;
    }

    async fn apply(&mut self, plan: Plan) -> Result<Vec<RunId>> {
        let mut runs = Vec::new();
        for part in plan.pairs.iter().filter(|part| part.tally.items > 0) {
            let job = Job::Plan(plan.id);
            let run = self.enqueue(part.pair.clone(), Cause::Plan(plan.id), job);
            runs.push((part.pair.clone(), run.await?));
        }
        let ids: Vec<RunId> = runs.iter().map(|(_, run)| *run).collect();
        let shared = Arc::clone(&self.shared);
        let noted = blocking(move || {
            let settings = &shared.options.settings;
            let now = settings.clock.now();
            plans::taken(&shared.state, plan.id, &runs, &settings.person, now)
        });
        if let Err(error) = noted.await {
            self.queue.retain(|order| !ids.contains(&order.run));
            return Err(error);
        }
        Ok(ids)
    }
}

/// The pairs to look at, in the order they run, and the plan that is to be applied.
async fn chosen(shared: &Arc<Shared>, what: For) -> Result<(Vec<PairName>, Option<Plan>)> {
    let shared = Arc::clone(shared);
    blocking(move || {
        let state = &*shared.state;
        let (names, fits) = match what {
            For::Plan(names) => (names, None),
            For::Apply(id, hash) => {
                let plan = plans::fit(state, id, hash.as_deref())?;
                if plan.total().items == 0 {
                    let text = format!("plan {id} has nothing to do");
                    return Err(Error::new(Kind::Refused, text)
                        .hint("`syncdeck sync --dry-run` looks whether there is something now"));
                }
                let names = plan.pairs.iter().map(|part| part.pair.clone());
                (names.collect(), Some(plan))
            }
        };
        let pairs = state.pairs()?;
        if let Some(name) = names.iter().find(|n| pairs.iter().all(|p| p.name != **n)) {
            let error = Error::new(Kind::Usage, format!("there is no pair {name}"));
            return Err(error.hint("`syncdeck status` lists the pairs"));
        }
        let ordered = in_order(pairs).into_iter().map(|pair| pair.name);
        let wanted = ordered.filter(|name| names.is_empty() || names.contains(name));
        Ok((wanted.collect(), fits))
    })
    .await
}

fn work(
    shared: &Shared,
    tools: &Tools,
    names: &[PairName],
    fits: Option<Plan>,
) -> Result<Rehearsed> {
    let settings = &shared.options.settings;
    let rehearsal = plans::rehearse(tools, settings, names)?;
    let found = compare(shared, &rehearsal, fits);
    if let Err(error) = rehearsal.end() {
        tracing::warn!(%error, "the draft of a plan stays until the next one");
    }
    found
}

fn compare(shared: &Shared, rehearsal: &Rehearsal, fits: Option<Plan>) -> Result<Rehearsed> {
    let settings = &shared.options.settings;
    Ok(match fits {
        None => {
            let now = settings.clock.now();
            let plan = plans::keep(&shared.state, rehearsal, &settings.person, now)?;
            Rehearsed::Made(plan)
        }
        Some(plan) => {
            plans::same(&shared.state, &plan, rehearsal)?;
            Rehearsed::Fits(plan)
        }
    })
}
