//! One run as the engine sees it: connected, started, ended, or found cut off.
//!
//! Invariant: whatever goes wrong before a run works is written down as its end.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::audit::{self, Draft, What};
use super::super::guard::Guard;
use super::super::runner::{self, Job, Order};
use super::super::state::State;
use super::super::summary::Progress;
use super::super::tables::RUNS;
use super::super::tx::Durability;
use super::super::work::{Tools, Wish, Writes};
use super::{Shared, blocking, broke_off};
use crate::domain::budget::Class;
use crate::domain::id::{PairName, RunId};
use crate::domain::run::{Cause, Run, RunState, Word};
use crate::error::{Error, Kind, Result};

/// The run at work.
pub(super) struct Current {
    pub(super) run: RunId,
    pub(super) pair: PairName,
    pub(super) job: Job,
    pub(super) wish: watch::Sender<Wish>,
    pub(super) task: JoinHandle<Result<Run>>,
}

/// Whether the end of the audit log is whole, before anything is added to it (sync-semantics
/// 11.3). A log that is not stops nothing: who broke it could stop all syncs by that. It is told
/// until somebody has looked.
pub(super) fn look_at_audit(state: &State, now: Timestamp) -> Result<()> {
    let found = audit::tail(state)?;
    if let Some(broken) = &found {
        let mut tx = state.begin();
        tx.log(now, Word::Fail, None, broken.to_string());
        tx.commit(Durability::Now)?;
    }
    state.set_audit_fault(found);
    Ok(())
}

/// Runs that an ended process left behind.
pub(super) fn interrupted(state: &State, now: Timestamp) -> Result<()> {
    let mut tx = state.begin();
    for run in state.store().scan(&RUNS, &[]).rev().take(200) {
        let (_, mut run) = run?;
        if !run.state.has_ended() {
            run.state = RunState::Interrupted;
            run.ended_at = Some(now);
            tx.put_run(&run);
            let draft = Draft::engine(now, What::RunEnded, "interrupted");
            tx.audit(draft.pair(&run.pair).run(run.id));
            let text = format!("run {} of {} was interrupted", run.id, run.pair);
            tx.log(now, Word::Warn, Some(run.id), text);
        }
    }
    if !tx.is_empty() {
        tx.commit(Durability::Now)?;
    }
    Ok(())
}

/// The end of the run at work, if there is one.
pub(super) async fn finished(current: &mut Option<Current>) -> (Job, Result<Run>) {
    let Some(now) = current else {
        return std::future::pending().await;
    };
    let result = (&mut now.task).await;
    let job = now.job.clone();
    *current = None;
    let result = result.unwrap_or_else(|error| Err(broke_off("a run", &error)));
    (job, result)
}

/// Connects, and does a run on a thread of its own.
pub(super) async fn work(
    shared: Arc<Shared>,
    order: Order,
    wish: watch::Receiver<Wish>,
    progress: watch::Sender<Option<Progress>>,
) -> Result<Run> {
    let settings = shared.options.settings.clone();
    // A person is not held back by what the org said earlier: it is asked again.
    let class = match order.cause {
        Cause::Person | Cause::Decisions | Cause::Retry(_) | Cause::Undo(_) | Cause::Plan(_) => {
            Class::Interactive
        }
        Cause::Schedule | Cause::Continued => Class::Upkeep,
    };
    let tools = match connect(&shared, class, wish, progress).await {
        Ok(tools) => tools,
        Err(error) => {
            // No calls were left before it began: it is not lost for that.
            let end = match shared.connector.gate().again() {
                Some(_) if class != Class::Interactive => RunState::PutOff,
                _ => RunState::Failed,
            };
            let state = Arc::clone(&shared.state);
            let now = settings.clock.now();
            return blocking(move || runner::fail(&state, &order, &error, end, now)).await;
        }
    };
    blocking(move || runner::execute(tools, settings, order)).await
}

pub(super) async fn connect(
    shared: &Arc<Shared>,
    class: Class,
    wish: watch::Receiver<Wish>,
    progress: watch::Sender<Option<Progress>>,
) -> Result<Tools> {
    let crm = shared.connector.crm().await?.for_run();
    let pairs = {
        let shared = Arc::clone(shared);
        blocking(move || Ok(shared.state.pairs()?)).await?
    };
    if shared.connector.schema_is_due(&pairs)? {
        shared.connector.refresh_schema(&pairs).await?;
    }
    let limits = crm.lane(class);
    shared
        .connector
        .refresh_figure(limits.as_ref(), class)
        .await;
    let org = shared.connector.identity().ok_or_else(|| {
        Error::new(Kind::Auth, "it is not known which org this is").hint("sign in again")
    })?;
    let pinned = shared.state.connection()?.identity.map(|i| i.org_id);
    Ok(Tools {
        state: Arc::clone(&shared.state),
        crm,
        guard: Guard::new(shared.options.access, pinned, org.org_kind),
        writes: Writes::Sent,
        org: org.org_id,
        handle: tokio::runtime::Handle::current(),
        wish,
        progress,
    })
}
