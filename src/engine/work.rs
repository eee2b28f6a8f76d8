//! What the phases of a run share: the CRM, the mapping, the counts, and stopping.
//!
//! Runs on a thread of its own and blocks there; calls to the CRM are awaited through the
//! runtime's handle. Decides nothing about records. Invariant: a run stops only at
//! `Work::boundary` or by an error, never in the middle of a transaction.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::crm::{Crm, CrmError, WritePermit};
use crate::domain::budget::Class;
use crate::domain::id::{AppId, CrmId, FieldName, IntentId, OrgId};
use crate::domain::mass::Changes;
use crate::domain::run::{Counts, Phase, Run, RunState, Word};
use crate::domain::schema::ObjectInfo;
use crate::domain::value::Fields;
use crate::error::Error;
use crate::store::StoreError;

use super::circuit::Circuit;
use super::collect::Collected;
use super::cx::RunCx;
use super::guard::Guard;
use super::lanes;
use super::left_out::LeftOut;
use super::state::State;
use super::summary::{Motion, Progress};
use super::tx::{Durability, Tx};

/// Writes of a transaction after which it is committed.
pub const FULL: usize = crate::store::BEST_BATCH;

/// What a person wants of the run that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// Go on.
    #[default]
    Work,
    /// Stand still at the next boundary.
    Pause,
    /// End at the next boundary.
    Cancel,
    /// The process ends: stop at the next boundary, the next run goes on.
    Quit,
}

/// Why a run ended before its end.
#[derive(Debug)]
pub enum Stop {
    /// By a person.
    Cancelled,
    /// With the process.
    Quit,
    /// The CRM did not answer as needed.
    Crm(Box<CrmError>),
    /// Anything else.
    Other(Error),
}

impl From<CrmError> for Stop {
    fn from(error: CrmError) -> Self {
        Self::Crm(Box::new(error))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

/// Result of a step of a run.
pub type Step<T> = Result<T, Stop>;

/// What becomes of writes to the CRM.
#[derive(Debug, Clone)]
pub enum Writes {
    /// They are sent.
    Sent,
    /// They are noted, and go on as if they had been applied; the calls they would take are
    /// counted here.
    Rehearsed(Arc<AtomicU64>),
}

/// What is given to a run.
#[derive(Clone)]
pub struct Tools {
    /// Where everything is kept.
    pub state: Arc<State>,
    /// The CRM.
    pub crm: Arc<dyn Crm>,
    /// Leave to write.
    pub guard: Guard,
    /// What becomes of writes.
    pub writes: Writes,
    /// Org the connection answers as.
    pub org: OrgId,
    /// Runtime for the calls.
    pub handle: Handle,
    /// What a person wants.
    pub wish: watch::Receiver<Wish>,
    /// Where progress is shown.
    pub progress: watch::Sender<Option<Progress>>,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools")
            .field("org", &self.org)
            .finish_non_exhaustive()
    }
}

/// One run at work.
#[derive(Debug)]
pub struct Work {
    pub(super) tools: Tools,
    pub(super) cx: RunCx,
    pub(super) object: Arc<ObjectInfo>,
    /// Fields that are read.
    pub(super) fields: Vec<FieldName>,
    pub(super) run: Run,
    /// Records written and not read back.
    pub(super) written: Vec<CrmId>,
    /// Failed preconditions by record.
    pub(super) moved: HashMap<AppId, u32>,
    /// Writes that are collected for jobs.
    pub(super) collected: Collected,
    /// How often a record was filed that has no App id yet.
    pub(super) outside: u64,
    /// Writes that were refused for what passes.
    pub(super) passing: HashSet<IntentId>,
    /// Creates, not sent yet, that may have arrived by an earlier try.
    pub(super) tried: HashSet<IntentId>,
    /// How the latest writes went.
    pub(super) circuit: Circuit,
    /// What was left out of writes of this run, by record.
    pub(super) dropped: HashMap<AppId, Fields>,
    /// Rows that the CRM stands in the way of.
    pub(super) left_out: Vec<LeftOut>,
    /// Rows that take part again, until their records were looked at.
    pub(super) again: Vec<LeftOut>,
    /// Where the changes of this run come from.
    pub(super) changes: Changes,
    /// The server's latest clock that an answer told, and what [`Clock::passed`] said then.
    ///
    /// [`Clock::passed`]: super::cx::Clock::passed
    heard: Option<(Timestamp, SignedDuration)>,
    /// When the latest answer was asked for, and when it came, by the clock here.
    asked: Cell<Option<(Timestamp, Timestamp)>>,
    /// Held by the call that was made ahead, until it is answered.
    pub(super) ahead: Arc<tokio::sync::Mutex<()>>,
    calls_before: u64,
}

impl Work {
    /// Over an open run.
    pub fn new(tools: Tools, cx: RunCx, object: Arc<ObjectInfo>, run: Run) -> Self {
        let mut fields: Vec<FieldName> = cx
            .pair
            .rows
            .iter()
            .flat_map(|row| row.row.crm.iter().cloned())
            .chain(cx.pair.pair.key_field.clone())
            .chain(cx.pair.pair.mark_field().cloned())
            .chain(cx.pair.pair.became_fields())
            .chain(lanes::lock_fields(&object))
            .filter(|field| field.as_str() != "Id" && object.field(field.as_str()).is_some())
            .collect();
        fields.sort();
        fields.dedup();
        Self {
            calls_before: tools.crm.calls(),
            tools,
            cx,
            object,
            fields,
            run,
            written: Vec::new(),
            moved: HashMap::new(),
            collected: Collected::default(),
            outside: 0,
            passing: HashSet::new(),
            tried: HashSet::new(),
            circuit: Circuit::default(),
            dropped: HashMap::new(),
            left_out: Vec::new(),
            again: Vec::new(),
            changes: Changes::default(),
            heard: None,
            asked: Cell::default(),
            ahead: Arc::default(),
        }
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.cx.settings.clock.now()
    }

    /// An answer told the server's clock.
    pub(super) fn hear(&mut self, at: Timestamp) {
        let passed = self.cx.settings.clock.passed();
        if self.server_now().is_none_or(|now| now < at) {
            self.heard = Some((at, passed));
        }
    }

    /// The answer that was just read told the server's clock while it was made.
    pub(super) fn measure_clock(&self, server: Timestamp) {
        if let Some((asked, came)) = self.asked.take() {
            self.tools.state.hear_clock(asked, came, server);
        }
    }

    /// The server's clock now, as far as an answer of this run told it.
    fn server_now(&self) -> Option<Timestamp> {
        let (at, then) = self.heard?;
        let passed = self.cx.settings.clock.passed().checked_sub(then);
        at.checked_add(passed.unwrap_or_default()).ok()
    }

    /// The time for what is sent now, by the server's clock: how long it may still be executed is
    /// measured by that one, and ours may be wrong, or set forth or back at any moment. Before the
    /// server's is known in this run, by ours.
    pub(super) fn sent_now(&self) -> Timestamp {
        self.server_now().unwrap_or_else(|| self.now())
    }

    /// The memory, apart from `self`, so that a transaction does not borrow the run.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.tools.state)
    }

    /// From here on calls are of this class.
    pub(super) fn calls_are(&mut self, class: Class) {
        self.tools.crm = self.tools.crm.lane(class);
    }

    /// Waits for a call.
    pub(super) fn call<T>(&self, future: impl Future<Output = Result<T, CrmError>>) -> Step<T> {
        Ok(self.tools.handle.block_on(future)?)
    }

    /// Waits for a call that only reads; leaves it when the run is to end.
    pub(super) fn read<T>(&self, future: impl Future<Output = Result<T, CrmError>>) -> Step<T> {
        let mut wish = self.tools.wish.clone();
        let asked = self.now();
        let answer = self.tools.handle.block_on(async {
            tokio::select! {
                // In this order, so that a simulation is the same every time.
                biased;
                stop = ended(&mut wish) => Err(stop),
                answer = future => Ok(answer?),
            }
        });
        self.asked.set(Some((asked, self.now())));
        answer
    }

    /// Waits, or leaves when the run is to end.
    pub(super) fn sleep(&self, time: Duration) -> Step<()> {
        let mut wish = self.tools.wish.clone();
        self.tools.handle.block_on(async {
            tokio::select! {
                biased;
                stop = ended(&mut wish) => Err(stop),
                () = tokio::time::sleep(time) => Ok(()),
            }
        })
    }

    /// Whether a person wants something else than going on.
    pub(super) fn disturbed(&self) -> bool {
        *self.tools.wish.borrow() != Wish::Work
    }

    /// The only place where a run stands still or ends by wish.
    pub(super) fn boundary(&mut self) -> Step<()> {
        let wish = *self.tools.wish.borrow();
        match wish {
            Wish::Work => return Ok(()),
            Wish::Cancel => return Err(Stop::Cancelled),
            Wish::Quit => return Err(Stop::Quit),
            Wish::Pause => self.landed()?,
        }
        let before = self.run.state;
        self.stand(RunState::Paused, Motion::Paused)?;
        let mut wishes = self.tools.wish.clone();
        let after = self.tools.handle.block_on(async {
            match wishes.wait_for(|wish| *wish != Wish::Pause).await {
                Ok(wish) => *wish,
                // Nobody is left who could resume.
                Err(_) => Wish::Quit,
            }
        });
        self.stand(before, Motion::Working)?;
        match after {
            Wish::Cancel => Err(Stop::Cancelled),
            Wish::Quit => Err(Stop::Quit),
            Wish::Work | Wish::Pause => Ok(()),
        }
    }

    /// Waits for the call that was made ahead: while a run stands still, none is on its way.
    fn landed(&self) -> Step<()> {
        let ahead = Arc::clone(&self.ahead);
        let mut wish = self.tools.wish.clone();
        self.tools.handle.block_on(async {
            tokio::select! {
                biased;
                stop = ended(&mut wish) => Err(stop),
                _ = ahead.lock() => Ok(()),
            }
        })
    }

    fn stand(&mut self, run_state: RunState, motion: Motion) -> Step<()> {
        let now = self.now();
        self.run.state = run_state;
        self.count_calls();
        let state = self.state();
        let mut tx = state.begin();
        tx.put_run(&self.run);
        let (word, text) = match run_state {
            RunState::Paused => (Word::Hold, "paused"),
            _ => (Word::Run, "goes on"),
        };
        tx.log(
            now,
            word,
            Some(self.run.id),
            format!("run {} {text}", self.run.id),
        );
        tx.commit(Durability::Now)?;
        self.show(|progress| progress.motion = motion);
        Ok(())
    }

    /// Leave to write a batch.
    pub(super) fn permit(&self, records: usize) -> Step<WritePermit> {
        Ok(self.tools.guard.permit(&self.tools.org, records)?)
    }

    fn count_calls(&mut self) {
        self.run.calls = self.tools.crm.calls().saturating_sub(self.calls_before);
    }

    /// Commits, with the run's counts so far.
    pub(super) fn commit(&mut self, mut tx: Tx<'_>, durability: Durability) -> Step<()> {
        self.count_calls();
        let mut run = self.run.clone();
        for moved in tx.moves(run.id) {
            run.counts.filed(moved.before, moved.now);
        }
        if run.state == RunState::Planning && tx.writes() {
            run.state = RunState::Running;
        }
        tx.put_run(&run);
        tx.commit(durability)?;
        self.run = run;
        let counts = self.run.counts;
        self.show(|progress| progress.counts = counts);
        Ok(())
    }

    /// Counts of the run.
    pub(super) fn counts(&mut self) -> &mut Counts {
        &mut self.run.counts
    }

    /// A new phase.
    pub(super) fn phase(&self, phase: Phase, total: Option<u64>) {
        let now = self.now();
        self.show(|progress| {
            progress.phase = phase;
            progress.phase_at = now;
            progress.done = 0;
            progress.total = total;
        });
    }

    /// So many more records are done.
    pub(super) fn advance(&self, records: usize) {
        self.show(|progress| progress.done += records as u64);
    }

    pub(super) fn show(&self, change: impl FnOnce(&mut Progress)) {
        let now = self.now();
        self.tools.progress.send_if_modified(|progress| {
            let Some(progress) = progress else {
                return false;
            };
            change(progress);
            progress.moved_at = now;
            true
        });
    }

    /// A line in the log that belongs to this run.
    pub(super) fn log(&self, tx: &mut Tx<'_>, word: Word, text: impl Into<String>) {
        tx.log(self.now(), word, Some(self.run.id), text);
    }
}

async fn ended(wish: &mut watch::Receiver<Wish>) -> Stop {
    match wish
        .wait_for(|wish| matches!(wish, Wish::Cancel | Wish::Quit))
        .await
        .map(|wish| *wish)
    {
        Ok(Wish::Cancel) => Stop::Cancelled,
        _ => Stop::Quit,
    }
}
