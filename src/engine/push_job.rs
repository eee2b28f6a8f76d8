//! Writes collected records by a job of the CRM, and finds out what became of each
//! (salesforce-api 6.1, sync-semantics 8.5).
//!
//! The job's id is durable before anything is uploaded, and nothing happens before the release;
//! so a job of which no id is kept touched nothing, and every other one is asked. Its results go
//! the way of any write's results. Invariant: a job is forgotten only when each of its records
//! has an outcome; until then whoever finds it asks it first, and reads records only when it
//! cannot tell.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::crm::bulk::{self, JobId, JobKind, JobPhase, JobResult, JobState, JobWrite};
use crate::crm::{CrmError, ErrorClass, MAX_COLLECTION, UpdateRow};
use crate::domain::budget::Class;
use crate::domain::id::{FieldName, IntentId};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::value::{Fields, Value};
use crate::error::{Error, Kind};

use super::collect::Part;
use super::job_wait::Waited;
use super::pull_job::refused;
use super::sender::{Nth, wrong_count};
use super::tables::{Intent, IntentState, JobOp, JobRow, JobStage, RowKey, WRITE_JOBS, WriteJob};
use super::tx::Durability;
use super::work::{Step, Stop, Work};

/// Times a job that was given up is asked until it has come to rest.
const ASKS: u32 = 10;
/// The pause between, as of a job that was asked so often.
const REST: u32 = 3;

/// The rows of a job, as the client wants them.
enum Rows {
    Create(FieldName, Vec<Fields>),
    Update(Vec<UpdateRow>),
}

impl Rows {
    fn of(op: &JobOp, rows: impl Iterator<Item = Intent>) -> Self {
        match op {
            JobOp::Create(key) => Self::Create(key.clone(), rows.map(|i| i.fields).collect()),
            JobOp::Update => {
                let row = |i: Intent| {
                    let (id, fields) = (i.crm_id?, i.fields);
                    Some(UpdateRow { id, fields })
                };
                Self::Update(rows.filter_map(row).collect())
            }
        }
    }

    /// Without values: enough to tell the results apart.
    fn keys(op: &JobOp, rows: impl Iterator<Item = JobRow>) -> Self {
        match op {
            JobOp::Create(field) => {
                let row = |row: JobRow| match row.key {
                    RowKey::Own(key) => Some([(field.clone(), Value::text(key.as_str()))].into()),
                    RowKey::Crm(_) => None,
                };
                Self::Create(field.clone(), rows.filter_map(row).collect())
            }
            JobOp::Update => {
                let row = |row: JobRow| match row.key {
                    RowKey::Crm(id) => Some(UpdateRow {
                        id,
                        fields: Fields::new(),
                    }),
                    RowKey::Own(_) => None,
                };
                Self::Update(rows.filter_map(row).collect())
            }
        }
    }

    fn write(&self) -> JobWrite<'_> {
        match self {
            Self::Create(key, rows) => JobWrite::Create(key, rows),
            Self::Update(rows) => JobWrite::Update(rows),
        }
    }
}

/// Whether the same records can be written without a job after this.
fn another_way(error: &CrmError) -> bool {
    let everywhere = matches!(
        error.class,
        ErrorClass::Auth
            | ErrorClass::AuthDead
            | ErrorClass::ThrottleDaily
            | ErrorClass::ThrottleConcurrent
    );
    refused(error) || !everywhere
}

/// Whether a job's results cannot say what became of its records.
fn cannot_tell(error: &CrmError) -> bool {
    bulk::gone(error)
        || matches!(
            error.code.as_str(),
            "row_count" | "wrong_count" | "bad_body" | "too_large"
        )
}

/// The records of a job that these intents are of.
fn rows_of(rows: &[JobRow], intents: &[Intent]) -> Vec<JobRow> {
    let ids: HashSet<IntentId> = intents.iter().map(|intent| intent.id).collect();
    let of = rows.iter().filter(|row| ids.contains(&row.intent));
    of.cloned().collect()
}

impl Work {
    /// Writes a collection by a job, until every record has an outcome.
    pub(super) fn by_job(&mut self, number: u64) -> Step<()> {
        self.boundary()?;
        let Some(kept) = self.write_job(number)? else {
            return Ok(());
        };
        let mut intents = Vec::new();
        for (_, rows) in self.job_parts(number)? {
            intents.extend(self.intents_of(&rows)?);
        }
        let records = intents.len();
        let rows = Rows::of(&kept.op, intents.into_iter().flatten());
        if rows.write().len() != records {
            return Err(Stop::Other(Error::new(
                Kind::Internal,
                "a collected write has no intent",
            )));
        }
        let permit = self.permit(records)?;
        let (crm, object) = (Arc::clone(&self.tools.crm), Arc::clone(&self.object));
        let job = match self.call(crm.open_write(&object, rows.write())) {
            Ok(job) => job,
            Err(stop) => return self.not_by_job(number, stop),
        };
        let text = format!(
            "{} records: Salesforce writes them in a job ({})",
            grouped(records as u64),
            job.as_str()
        );
        let made = JobStage::Made {
            job: job.clone(),
            at: self.sent_now(),
        };
        self.keep(number, &kept.op, made, text)?;
        let released = self.call(crm.release_write(permit, &object, &job, rows.write()));
        drop(rows);
        match released {
            Ok(()) => self.conclude(number),
            Err(stop) => self.unreleased(number, &kept.op, &job, stop),
        }
    }

    fn keep(&mut self, number: u64, op: &JobOp, stage: JobStage, text: String) -> Step<()> {
        let (state, op) = (self.state(), op.clone());
        let mut tx = state.begin();
        tx.put(&WRITE_JOBS, &self.job_key(number), &WriteJob { op, stage });
        self.log(&mut tx, Word::Info, text);
        self.commit(tx, Durability::Now)
    }

    /// A collection of which nothing was sent goes another way, if there is one.
    fn not_by_job(&mut self, number: u64, stop: Stop) -> Step<()> {
        match stop {
            Stop::Crm(error) if another_way(&error) => {
                self.tell(Word::Info, format!("{error}; writing without a job"))?;
                self.no_more_jobs();
                self.by_calls(number)
            }
            stop => Err(stop),
        }
    }

    /// The release of a job was refused, or its answer was lost: the job knows which.
    fn unreleased(&mut self, number: u64, op: &JobOp, job: &JobId, stop: Stop) -> Step<()> {
        let crm = Arc::clone(&self.tools.crm);
        let state = match (&stop, self.call(crm.job_state(JobKind::Write, job))) {
            (Stop::Crm(_), Ok(state)) => state,
            // Nobody knows now; the next run asks.
            _ => return Err(stop),
        };
        if state.phase != JobPhase::Open {
            return self.conclude(number);
        }
        // A release that is still on its way finds the job given up.
        let state = self.give_up(job)?;
        if state.processed > 0 {
            return self.conclude(number);
        }
        let text = format!("job {} is given up; it wrote nothing", job.as_str());
        self.keep(number, op, JobStage::Collected, text)?;
        self.discard(JobKind::Write, job);
        self.not_by_job(number, stop)
    }

    /// Waits for a job that may have been released, and takes over what became of its records.
    pub(super) fn conclude(&mut self, number: u64) -> Step<()> {
        let Some(kept) = self.write_job(number)? else {
            return Ok(());
        };
        let JobStage::Made { job, at } = kept.stage else {
            return self.give_back_collected(number);
        };
        match self.attend(number, &kept.op, &job) {
            Err(Stop::Crm(error)) if cannot_tell(&error) => self.by_reading(number, at, &error),
            ended => ended,
        }
    }

    fn attend(&mut self, number: u64, op: &JobOp, job: &JobId) -> Step<()> {
        let before = {
            let progress = self.tools.progress.borrow();
            progress.as_ref().map_or(0, |p| p.done)
        };
        let waited = self.job_over(JobKind::Write, job, |work, state| {
            work.show(|progress| progress.done = before + state.processed);
        });
        match waited {
            Ok(Waited::Over(state)) if state.phase == JobPhase::Open => {
                let state = self.give_up(job)?;
                self.settle(number, op, job, &state)
            }
            Ok(Waited::Over(state)) => {
                let why = match &state.phase {
                    JobPhase::Failed(why) => Some(format!("failed: {why}")),
                    JobPhase::Aborted => Some("was given up in Salesforce".to_owned()),
                    _ => None,
                };
                if let Some(why) = why {
                    let job = job.as_str();
                    let text = format!("job {job} {why}; what is left goes without a job");
                    self.tell(Word::Warn, text)?;
                    self.no_more_jobs();
                }
                self.settle(number, op, job, &state)
            }
            Ok(Waited::Stuck) => {
                let text = self.stood_still(job);
                let text = format!("{text}; it is given up, what is left goes without a job");
                self.tell(Word::Warn, text)?;
                self.no_more_jobs();
                let state = self.give_up(job)?;
                self.settle(number, op, job, &state)
            }
            Err(Stop::Cancelled) => {
                let ended = self.give_up(job);
                let ended = ended.and_then(|state| self.settle(number, op, job, &state));
                if let Err(stop) = ended {
                    tracing::debug!(target: "engine", job = job.as_str(), ?stop, "not settled");
                    let job = job.as_str();
                    let text = format!("the next run asks what became of job {job}");
                    self.tell(Word::Warn, text)?;
                }
                Err(Stop::Cancelled)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Gives a job up, also when the run is to end, and waits until it has come to rest: what it
    /// was at work on may still be finished.
    fn give_up(&mut self, job: &JobId) -> Step<JobState> {
        let crm = Arc::clone(&self.tools.crm);
        // It may be over already; its state says so.
        let refused = self.call(crm.abort(JobKind::Write, job)).err();
        let mut before = None;
        for _ in 0..ASKS {
            let state = self.call(crm.job_state(JobKind::Write, job))?;
            match state.phase {
                JobPhase::Done | JobPhase::Failed(_) => return Ok(state),
                JobPhase::Aborted if before == Some(state.processed) => return Ok(state),
                JobPhase::Aborted => before = Some(state.processed),
                JobPhase::Open | JobPhase::Working => {}
            }
            let rest = async { tokio::time::sleep(bulk::pause(REST)).await };
            self.tools.handle.block_on(rest);
        }
        Err(refused.unwrap_or_else(|| {
            let text = self.stood_still(job);
            Stop::Other(
                Error::new(Kind::Crm, text)
                    .hint("abort the job in Setup, Bulk Data Load Jobs, then sync again"),
            )
        }))
    }

    /// Commits what became of the records of a job that is over, and forgets it.
    fn settle(&mut self, number: u64, op: &JobOp, job: &JobId, state: &JobState) -> Step<()> {
        let parts = self.job_parts(number)?;
        let untouched = state.processed == 0 && state.phase != JobPhase::Done;
        let results = match untouched {
            true => Vec::new(),
            false => self.results(op, job, &parts)?,
        };
        let mut results = results.into_iter();
        let (mut reread, mut smaller, mut stop) = (Vec::new(), Vec::new(), None);
        for (_, rows) in parts {
            let (mut told, mut outcomes, mut unreached) = (Vec::new(), Vec::new(), Vec::new());
            for intent in self.intents_of(&rows)? {
                let result = results.next().unwrap_or(JobResult::NotReached);
                // One without an intent was settled before the process ended.
                match (intent, result) {
                    (Some(intent), JobResult::Told(result)) => {
                        told.push(intent);
                        outcomes.push(result);
                    }
                    (Some(intent), JobResult::NotReached) => unreached.push(intent),
                    (None, _) => {}
                }
            }
            let left = self.outcomes(told, outcomes, Nth::OF_A_JOB)?;
            reread.extend(left.reread);
            self.counts().retried += left.again.len() as u64;
            unreached.extend(left.again);
            smaller.extend(rows_of(&rows, &left.smaller));
            stop = left.stop.or(stop);
            self.give_back(&unreached)?;
        }
        self.forget_write_job(number, Durability::Now)?;
        self.discard(JobKind::Write, job);
        let sent = match stop {
            Some(error) => Err(Stop::from(error)),
            None => Ok(()),
        };
        self.without_others(&smaller, sent)?;
        if !self.disturbed() {
            let settle = self.cx.settings.settle;
            self.read_back(&reread, crate::domain::record::Source::Probe, settle)?;
        }
        Ok(())
    }

    /// What automation of the org refused goes in smaller calls, now that no job knows of it any
    /// more; if nothing more is to be sent it goes back to the list.
    fn without_others(&mut self, rows: &[JobRow], mut sent: Step<()>) -> Step<()> {
        for rows in rows.chunks(MAX_COLLECTION) {
            let mut intents: Vec<Intent> = self.intents_of(rows)?.into_iter().flatten().collect();
            if sent.is_err() || self.disturbed() {
                self.give_back(&intents)?;
                continue;
            }
            self.sending(&mut intents)?;
            sent = self.send_smaller(intents);
        }
        sent
    }

    fn results(&self, op: &JobOp, job: &JobId, parts: &[Part]) -> Step<Vec<JobResult>> {
        let crm = Arc::clone(&self.tools.crm);
        let rows = Rows::keys(op, parts.iter().flat_map(|(_, rows)| rows.iter().cloned()));
        let records: usize = parts.iter().map(|(_, rows)| rows.len()).sum();
        let results = self.call(crm.results(&self.object, job, rows.write()))?;
        match results.len() == records {
            true => Ok(results),
            false => Err(wrong_count(results.len(), records).into()),
        }
    }

    /// The job cannot tell any more: the records can.
    fn by_reading(&mut self, number: u64, at: Timestamp, error: &CrmError) -> Step<()> {
        let text = format!("{error}; reading the records to see what their job wrote");
        self.tell(Word::Warn, text)?;
        self.no_more_jobs();
        let usual = Arc::clone(&self.tools.crm);
        self.calls_are(Class::Resolve);
        for (_, rows) in self.job_parts(number)? {
            let mut intents: Vec<Intent> = self.intents_of(&rows)?.into_iter().flatten().collect();
            for intent in &mut intents {
                intent.state = IntentState::Sending { at };
            }
            self.resolve(intents)?;
        }
        self.tools.crm = usual;
        self.forget_write_job(number, Durability::Now)
    }
}
