//! Makes runs on a layer over the store, and keeps what they would do.
//!
//! Invariant: what it is given to write with takes nothing: the layer vanishes, and the guard
//! refuses every permit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::collect::Items;
use crate::domain::dry_run::Calls;
use crate::domain::id::PairName;
use crate::domain::mass::Held;
use crate::domain::run::{Cause, Run, RunState};
use crate::engine::brake;
use crate::engine::cx::Settings;
use crate::engine::guard::Guard;
use crate::engine::runner::{self, Job, Order};
use crate::engine::state::State;
use crate::engine::summary::Access;
use crate::engine::tables::READ_JOBS;
use crate::engine::tx::Durability;
use crate::engine::work::{Tools, Writes};
use crate::error::{Error, Kind, Result};
use crate::store::Layer;
use crate::store::keys::Key;

/// Runs that were made on a layer. It has to be ended.
#[derive(Debug)]
pub(in crate::engine) struct Rehearsal {
    layer: Layer,
    /// In the order they were made.
    pub(super) runs: Vec<Rehearsed>,
    writes: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Rehearsed {
    pub(super) run: Run,
    pub(super) title: String,
}

impl Rehearsal {
    /// What would be written.
    pub(super) fn items(&self) -> Items<'_> {
        Items::new(self.layer.store())
    }

    /// What of a pair would wait because it is very many.
    pub(super) fn held(&self, pair: &PairName) -> Result<Vec<Held>> {
        brake::held_in(self.layer.store(), pair)
    }

    /// What it cost, and what its writes would.
    pub(super) fn calls(&self) -> Calls {
        Calls {
            read: self.runs.iter().map(|done| done.run.calls).sum(),
            write: self.writes,
        }
    }

    /// Forgets it.
    ///
    /// # Errors
    /// The files of the layer stay, for the next one to remove.
    pub(in crate::engine) fn end(self) -> Result<()> {
        Ok(self.layer.remove()?)
    }
}

/// Makes runs of these pairs, in this order, that write nothing. Blocks.
///
/// # Errors
/// A run could not be made, or was cancelled.
pub(in crate::engine) fn rehearse(
    tools: &Tools,
    settings: &Settings,
    pairs: &[PairName],
) -> Result<Rehearsal> {
    let layer = tools.state.store().layer()?;
    let writes = Arc::new(AtomicU64::new(0));
    let made = runs(tools, settings, pairs, &layer, &writes);
    match made {
        Ok(runs) => Ok(Rehearsal {
            layer,
            runs,
            writes: writes.load(Ordering::Relaxed),
        }),
        Err(error) => {
            if let Err(error) = layer.remove() {
                tracing::warn!(%error, "the draft of a plan stays until the next one");
            }
            Err(error)
        }
    }
}

fn runs(
    tools: &Tools,
    settings: &Settings,
    pairs: &[PairName],
    layer: &Layer,
    writes: &Arc<AtomicU64>,
) -> Result<Vec<Rehearsed>> {
    let state = Arc::new(State::open(layer.store().clone())?);
    let tools = Tools {
        state: Arc::clone(&state),
        guard: Guard::new(Access::ReadOnly, None, tools.guard.org_kind()),
        writes: Writes::Rehearsed(Arc::clone(writes)),
        ..tools.clone()
    };
    let mut tx = state.begin();
    for pair in pairs {
        // A job of the CRM belongs to the run that started it; here the window is read by pages.
        tx.delete(&READ_JOBS, &Key::new().text(pair.as_str()));
    }
    tx.commit(Durability::Soon)?;
    let mut done = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let order = Order {
            run: state.new_run_id(),
            pair: pair.clone(),
            cause: Cause::Person,
            job: Job::Sync,
        };
        let run = runner::execute(tools.clone(), settings.clone(), order)?;
        if let Some(error) = broken(&run) {
            return Err(error);
        }
        Items::new(layer.store()).left_by(&run)?;
        let title = state.pair(pair)?.map(|pair| pair.title_line());
        done.push(Rehearsed {
            run,
            title: title.unwrap_or_default(),
        });
    }
    Ok(done)
}

/// What ended a run before its end.
fn broken(run: &Run) -> Option<Error> {
    match run.state {
        RunState::Succeeded | RunState::SucceededWithErrors => None,
        RunState::Cancelled | RunState::Interrupted => Some(Error::new(
            Kind::Cancelled,
            "the dry run was stopped; there is no plan",
        )),
        _ => Some(match &run.failure {
            Some(failure) => {
                let text = format!("dry run of {}: {}", run.pair, failure.what);
                let hint = match failure.fix.as_str() {
                    "" => "check the connection: `syncdeck doctor`",
                    fix => fix,
                };
                Error::new(Kind::Crm, text).hint(hint)
            }
            None => Error::new(
                Kind::Internal,
                format!("the dry run of {} ended badly", run.pair),
            ),
        }),
    }
}
