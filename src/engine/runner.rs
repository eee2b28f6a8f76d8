//! One run from its first line in the log to its last (sync-semantics 11).
//!
//! Orders the phases; what they do is theirs. Invariant: a run that was started ends in exactly
//! one state, and that state is durable before anybody is told.

use std::sync::Arc;

use jiff::Timestamp;

use crate::crm::{Deed, ErrorClass, salesforce};
use crate::domain::budget::Class;
use crate::domain::id::{AppId, CrmId, PairName, PlanId, RunId};
use crate::domain::reconcile::Compiled;
use crate::domain::run::{Cause, Counts, Failure, Phase, Run, RunState, Word};
use crate::error::{Error, Kind, Result};

use super::audit::{self, Draft, What};
use super::command::RecordKey;
use super::cx::{NewIds, RunCx, Settings};
use super::decisions::{self, Prepared};
use super::journal;
use super::left_out;
use super::quarantine;
use super::refresh::{Due, Refreshed};
use super::state::State;
use super::summary::{Motion, Progress};
use super::tx::{Durability, Tx};
use super::work::{Step, Stop, Tools, Work, Writes};

/// Times a decided record is read and written again when it moved meanwhile.
const TRIES: usize = 3;

/// What a run works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Both directions, everything that changed.
    Sync,
    /// The same, and a comparison of all ids before it ends.
    Sweep,
    /// These records, from their state now.
    Records(Vec<AppId>),
    /// Putting these records right, which differ although nothing moved.
    Repair(Vec<AppId>),
    /// The decisions staged for these records.
    Decisions(Vec<AppId>),
    /// What a plan says of the pair.
    Plan(PlanId),
    /// Taking back what a run wrote.
    Undo(RunId),
}

impl Job {
    /// Whether it does everything that changed.
    pub fn is_sync(&self) -> bool {
        matches!(self, Self::Sync | Self::Sweep)
    }
}

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub run: RunId,
    /// Its pair.
    pub pair: PairName,
    /// Why.
    pub cause: Cause,
    /// What.
    pub job: Job,
}

impl Order {
    /// The run before it starts.
    pub fn queued(&self, mapping_version: u32, now: Timestamp) -> Run {
        Run {
            id: self.run,
            pair: self.pair.clone(),
            cause: self.cause.clone(),
            state: RunState::Queued,
            started_at: now,
            ended_at: None,
            mapping_version,
            counts: Counts::default(),
            calls: 0,
            failure: None,
        }
    }
}

/// Does a run and gives back how it ended. Blocks.
///
/// # Errors
/// Only when not even its end could be written down.
pub fn execute(tools: Tools, settings: Settings, order: Order) -> Result<Run> {
    let state = Arc::clone(&tools.state);
    match begin(tools, settings, &order) {
        Ok(mut work) => {
            let ended = work.job(order.job);
            work.end(ended)
        }
        Err(error) => fail(&state, &order, &error, RunState::Failed, Timestamp::now()),
    }
}

fn begin(tools: Tools, settings: Settings, order: &Order) -> Result<Work> {
    let state = Arc::clone(&tools.state);
    let now = settings.clock.now();
    let pair = state
        .pair(&order.pair)?
        .ok_or_else(|| Error::new(Kind::Usage, format!("there is no pair {}", order.pair)))?;
    let object = state.object(&pair.object)?.ok_or_else(|| {
        Error::new(
            Kind::Crm,
            format!("the fields of {} were not read yet", pair.object),
        )
        .hint("check the connection, then sync again")
    })?;
    let title = match tools.writes {
        Writes::Sent => pair.title_line(),
        Writes::Rehearsed(_) => format!("dry run of {}", pair.title_line()),
    };
    let mut compiled = Compiled::new(pair, &object).among(&object, &state.pairs()?);
    let (left_out, again) = left_out::sort_out(&state, &mut compiled, &object, now)?;
    let mut run = order.queued(compiled.pair.version, now);
    run.state = RunState::Planning;
    let mut tx = state.begin();
    tx.put_run(&run);
    let person = match order.cause {
        Cause::Schedule | Cause::Continued => None,
        Cause::Person | Cause::Retry(_) | Cause::Decisions | Cause::Undo(_) | Cause::Plan(_) => {
            Some(settings.person.as_str())
        }
    };
    let cause = order.cause.to_string();
    let draft = match person {
        Some(person) => Draft::new(now, person, What::RunStarted, cause),
        None => Draft::engine(now, What::RunStarted, cause),
    };
    tx.audit(draft.pair(&order.pair).run(run.id));
    let text = format!("{title} starts: {}", order.cause);
    tx.log(now, Word::Run, Some(run.id), text);
    for row in &left_out {
        let text = row.so(&compiled.pair);
        tx.log(now, Word::Warn, Some(run.id), text);
    }
    let all: Vec<_> = left_out.iter().chain(&again).cloned().collect();
    left_out::keep(&mut tx, &order.pair, &all);
    tx.commit(Durability::Now)?;
    tools.progress.send_replace(Some(Progress {
        run: run.id,
        pair: order.pair.clone(),
        title,
        phase: Phase::Recover,
        done: 0,
        total: None,
        started_at: now,
        phase_at: now,
        moved_at: now,
        counts: Counts::default(),
        motion: Motion::Working,
    }));
    let mut cx = RunCx::new(&state, run.id, compiled, settings)?;
    if let Writes::Rehearsed(_) = tools.writes {
        cx.ids = NewIds::Derived;
    }
    let mut work = Work::new(tools, cx, Arc::new(object), run);
    (work.left_out, work.again) = (left_out, again);
    Ok(work)
}

/// Writes down that a run could not even begin.
///
/// # Errors
/// When that could not be written.
pub fn fail(
    state: &State,
    order: &Order,
    error: &Error,
    end: RunState,
    now: Timestamp,
) -> Result<Run> {
    let mut run = order.queued(0, now);
    run.state = end;
    run.ended_at = Some(now);
    run.failure = Some(failure_of(error));
    let mut tx = state.begin();
    tx.put_run(&run);
    let draft = Draft::engine(now, What::RunEnded, format!("{end} before it began"));
    tx.audit(draft.pair(&run.pair).run(run.id));
    budget_stop(&mut tx, &run, now);
    let how = match end {
        RunState::PutOff => "was put off",
        _ => "failed",
    };
    let text = format!("run {} of {} {how}: {error}", run.id, run.pair);
    tx.log(now, run.word(), Some(run.id), text);
    tx.commit(Durability::Now)?;
    Ok(run)
}

impl Work {
    fn job(&mut self, job: Job) -> Step<()> {
        let job = self.compare_first(job)?;
        self.is_right_org(&job)?;
        self.calls_are(Class::Resolve);
        self.recover()?;
        self.boundary()?;
        match job {
            Job::Sync => {
                self.both_ways()?;
                self.read_at_most(u64::MAX);
                let mut more = Refreshed::Nothing;
                let done = self.refresh(Due::ByTime).map(|done| more = done);
                self.if_there_is_room("reading computed fields again", done)?;
                if self.sweep_is_due()? {
                    let done = self.sweep();
                    self.if_there_is_room("comparing all ids", done)?;
                    self.push_on()?;
                    self.look_for_drift()?;
                    more = Refreshed::Nothing;
                }
                match more {
                    Refreshed::Some => self.push_on()?,
                    Refreshed::Nothing => self.read_nothing(),
                }
            }
            Job::Sweep => {
                self.both_ways()?;
                self.read_at_most(u64::MAX);
                self.refresh(Due::All)?;
                self.sweep()?;
                self.push_on()?;
                self.look_for_drift()?;
            }
            Job::Records(ids) => self.these(&ids)?,
            Job::Repair(ids) => self.repair(&ids)?,
            Job::Decisions(ids) => {
                self.calls_are(Class::Push);
                self.phase(Phase::Write, Some(ids.len() as u64));
                for ids in ids.chunks(100) {
                    let sent = self.decided(ids.to_vec())?;
                    self.advance(ids.len().saturating_sub(sent));
                }
            }
            Job::Undo(run) => {
                self.calls_are(Class::Push);
                self.undo(run)?;
            }
            Job::Plan(id) => {
                self.calls_are(Class::Push);
                self.apply(id)?;
            }
        }
        self.calls_are(Class::Resolve);
        self.confirm()?;
        self.compared()
    }

    /// Syncs these records, from their state now.
    pub(super) fn these(&mut self, ids: &[AppId]) -> Step<()> {
        self.calls_are(Class::Retry);
        // All are read before any is written: only then is it known how many of a kind there are.
        self.read_at_most(ids.len() as u64);
        for ids in ids.chunks(self.cx.settings.batch) {
            let reads = self.crm_ids(ids)?;
            self.read_settled(&reads)?;
        }
        self.brake()?;
        self.phase(Phase::Compare, Some(ids.len() as u64));
        for ids in ids.chunks(self.cx.settings.batch) {
            self.work_off(ids.to_vec())?;
        }
        Ok(())
    }

    fn both_ways(&mut self) -> Step<()> {
        quarantine::reconsider(&self.tools.state, self.cx.name(), self.now())?;
        self.catch_up_rows()?;
        self.read_with_care()?;
        self.pull()?;
        self.follow_converted()?;
        self.push_on()
    }

    fn push_on(&mut self) -> Step<()> {
        self.calls_are(Class::Push);
        self.push()
    }

    pub(super) fn crm_ids(&self, ids: &[AppId]) -> Step<Vec<CrmId>> {
        let mut found = Vec::new();
        for id in ids {
            let link = self.tools.state.link(self.cx.name(), id)?;
            found.extend(link.and_then(|link| link.crm_id));
        }
        Ok(found)
    }

    fn end(mut self, ended: Step<()>) -> Result<Run> {
        let now = self.now();
        let failed = self.run.counts.failed > 0;
        let (run_state, word, how) = match &ended {
            Ok(()) if failed => (RunState::SucceededWithErrors, Word::Fail, "done".to_owned()),
            Ok(()) => (RunState::Succeeded, Word::Ok, "done".to_owned()),
            Err(Stop::Cancelled) => (RunState::Cancelled, Word::Warn, "was cancelled".to_owned()),
            Err(Stop::Quit) => (
                RunState::Interrupted,
                Word::Warn,
                "was interrupted; the next run goes on".to_owned(),
            ),
            Err(Stop::Crm(error))
                if matches!(
                    error.class,
                    ErrorClass::ThrottleDaily
                        | ErrorClass::ThrottleConcurrent
                        | ErrorClass::Capacity
                ) =>
            {
                (
                    RunState::PutOff,
                    Word::Wait,
                    format!("was put off: {error}"),
                )
            }
            Err(Stop::Crm(error)) => (RunState::Failed, Word::Fail, format!("failed: {error}")),
            Err(Stop::Other(error)) => (RunState::Failed, Word::Fail, format!("failed: {error}")),
        };
        self.run.state = run_state;
        self.run.ended_at = Some(now);
        self.run.failure = match &ended {
            Err(Stop::Crm(error)) => Some(journal::failure_of(error)),
            Err(Stop::Other(error)) => Some(failure_of(error)),
            _ => None,
        };
        let c = self.run.counts;
        let title = self.cx.pair.pair.title_line();
        let text = match ended {
            Ok(()) => format!("{title} {how}: {c}"),
            Err(_) if c == Counts::default() => format!("{title} {how}"),
            Err(_) => format!("{title} {how}; {c}"),
        };
        let state = self.state();
        let mut tx = state.begin();
        self.log(&mut tx, word, text);
        if let Err(Stop::Crm(error)) = &ended
            && salesforce::deed(error) == Deed::Describe
        {
            self.describe_again(&mut tx);
        }
        // Without the words of an error: they may hold a value.
        let ended = format!(
            "{}: {} to the App, {} to Salesforce, {} in conflict, {} failed",
            self.run.state, c.pulled, c.pushed, c.conflicts, c.failed
        );
        let draft = Draft::engine(now, What::RunEnded, ended);
        tx.audit(draft.pair(&self.run.pair).run(self.run.id));
        budget_stop(&mut tx, &self.run, now);
        let kept = self.cx.settings.kept;
        super::undo::forget(&mut tx, kept, now)?;
        audit::forget(&mut tx, now - kept)?;
        tx.forget_ledger(self.run.id, c.planned)?;
        match self.commit(tx, Durability::Now) {
            Ok(()) => Ok(self.run),
            Err(Stop::Other(error)) => Err(error),
            Err(_) => Err(Error::new(
                Kind::Internal,
                "the end of a run was not written",
            )),
        }
    }

    /// Writes the decisions staged for these records, on the values as they are now. Gives how
    /// many were sent.
    fn decided(&mut self, ids: Vec<AppId>) -> Step<usize> {
        let state = self.state();
        let mut ids = ids;
        let mut sent = 0;
        for _ in 0..TRIES {
            self.boundary()?;
            let reads = self.crm_ids(&ids)?;
            self.read_settled(&reads)?;
            let now = self.now();
            let mut tx = state.begin();
            let mut intents = Vec::new();
            let mut unread = Vec::new();
            for app_id in ids {
                let key = RecordKey {
                    pair: self.cx.name().clone(),
                    app_id,
                };
                match decisions::prepare(&mut tx, &self.cx, &key, now)? {
                    Prepared::Send(intent) => intents.push(*intent),
                    Prepared::AppOnly => {
                        self.counts().pulled += 1;
                    }
                    Prepared::Stale => {
                        self.asked(
                            &mut tx,
                            &key.app_id,
                            "it changed since it was decided; a person decides again",
                        )?;
                    }
                    Prepared::Read(_) => unread.push(key.app_id),
                    Prepared::Nothing => {}
                }
            }
            self.commit(tx, Durability::Now)?;
            let writes = intents.len();
            ids = self.send(intents)?;
            sent += writes.saturating_sub(ids.len());
            ids.extend(unread);
            if ids.is_empty() {
                return Ok(sent);
            }
        }
        // They keep moving in Salesforce: the decisions stay staged.
        if !ids.is_empty() {
            let mut tx = state.begin();
            for id in &ids {
                let why = "it keeps changing in Salesforce; the decision stays";
                self.put_off(&mut tx, id, why)?;
            }
            self.commit(tx, Durability::Soon)?;
        }
        Ok(sent)
    }
}

/// The audit log has an entry of its own of a run that stopped for lack of calls.
fn budget_stop(tx: &mut Tx<'_>, run: &Run, now: Timestamp) {
    if run.state == RunState::PutOff {
        let code = run.failure.as_ref().map_or("", |f| f.code.as_str());
        let draft = Draft::engine(now, What::BudgetStop, code);
        tx.audit(draft.pair(&run.pair).run(run.id));
    }
}

/// An error of ours in the four parts of an error.
fn failure_of(error: &Error) -> Failure {
    Failure {
        code: format!("{:?}", error.kind()).to_lowercase(),
        what: error.message().to_owned(),
        why: std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default(),
        fix: error.remedy().unwrap_or_default().to_owned(),
        fields: Vec::new(),
        request: String::new(),
    }
}
