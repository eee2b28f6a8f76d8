//! Jobs of the org that write: they wait, go on row by row while time passes, and may be lost
//! once they are over. It has none that read: its windows are too small.
//!
//! Invariant: a row of a job happens at one moment of virtual time, as any other write.

use std::collections::BTreeMap;

use syncdeck::crm::bulk::{
    JobId, JobKind, JobPhase, JobResult, JobRows, JobState, JobWrite, Jobs, Locator,
};
use syncdeck::crm::{Answer, ChangeQuery, CrmError, Effect, UpdateRow, WritePermit, WriteResult};
use syncdeck::domain::id::FieldName;
use syncdeck::domain::schema::ObjectInfo;
use syncdeck::domain::value::Fields;

use super::{Inner, LATE, One, Org, trouble};
use crate::sim::engine::coverage::When;
use crate::sim::engine::faults::{Fault, Switch};

/// Rows that a job writes at a time.
const STEP: usize = 2;
/// Milliseconds in which a job that was given up may still finish what it is at work on.
const LAST: usize = 300;

/// A job.
#[derive(Debug)]
pub struct Job {
    phase: JobPhase,
    rows: Vec<(One, Option<WriteResult>)>,
    /// Number of the request that released it.
    sent: u64,
    /// When it goes on: is released, or writes its next rows.
    due: Option<i64>,
}

/// All jobs, by id.
pub type List = BTreeMap<String, Job>;

fn none<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(async { Err(trouble("FEATURENOTENABLED", Effect::None)) })
}

fn gone() -> CrmError {
    trouble("INVALIDJOB", Effect::None)
}

fn wrong_state() -> CrmError {
    trouble("INVALIDJOBSTATE", Effect::None)
}

fn writes(write: JobWrite<'_>) -> Vec<One> {
    match write {
        JobWrite::Create(_, rows) | JobWrite::Upsert(_, rows) => {
            rows.iter().cloned().map(One::Create).collect()
        }
        JobWrite::Update(rows) => {
            let one = |row: &UpdateRow| One::Update(row.id, row.fields.clone(), None);
            rows.iter().map(one).collect()
        }
    }
}

/// The row that a result is asked of.
fn same(field: Option<&FieldName>, row: &One, asked: &One) -> bool {
    let key = |fields: &Fields| field.and_then(|field| fields.get(field).cloned());
    match (row, asked) {
        (One::Create(row), One::Create(asked)) => key(row).is_some() && key(row) == key(asked),
        (One::Update(row, ..), One::Update(asked, ..)) => row == asked,
        _ => false,
    }
}

impl Inner {
    /// When the next job goes on.
    pub(super) fn job_due(&self) -> Option<i64> {
        self.jobs.values().filter_map(|job| job.due).min()
    }

    /// A job goes on that was due at this time.
    pub(super) fn job_goes_on(&mut self, due: i64) {
        let found = self.jobs.iter().find(|(_, job)| job.due == Some(due));
        let Some(id) = found.map(|(id, _)| id.clone()) else {
            return;
        };
        let Some(mut job) = self.jobs.remove(&id) else {
            return;
        };
        job.due = None;
        match job.phase {
            JobPhase::Open => {
                self.tell(format!("a late release of {id}"));
                job.phase = JobPhase::Working;
                job.due = Some(self.next_step());
            }
            JobPhase::Working | JobPhase::Aborted => {
                self.tell(format!("job {id} goes on"));
                let sent = job.sent;
                let rows = job.rows.iter_mut().filter(|(_, result)| result.is_none());
                for (one, result) in rows.take(STEP) {
                    *result = Some(self.execute(one, sent));
                }
                if job.phase == JobPhase::Working {
                    match job.rows.iter().all(|(_, result)| result.is_some()) {
                        true => job.phase = JobPhase::Done,
                        false => job.due = Some(self.next_step()),
                    }
                }
            }
            JobPhase::Done | JobPhase::Failed(_) => {}
        }
        self.jobs.insert(id, job);
    }

    fn next_step(&mut self) -> i64 {
        let wait = [100, 2_000, 20_000, 200_000][self.random.below(4)];
        let least = match self.switch {
            // Longer than a lost call would be waited for, and later than the job after it.
            Switch::NoJobAsked if self.random.one_in(2) => 3_000 * LATE,
            _ => 1,
        };
        self.now + (least + self.random.below(wait)) as i64
    }

    fn job(&mut self, id: &JobId) -> Result<&mut Job, CrmError> {
        self.jobs.get_mut(id.as_str()).ok_or_else(gone)
    }

    /// Fills and releases a job; what went wrong on the way is for the caller to say.
    fn release(&mut self, id: &JobId, writes: Vec<One>) -> Result<(), CrmError> {
        let (lost, late) = (
            self.strikes(Fault::RequestLost),
            self.strikes(Fault::ExecutedLate),
        );
        let sent = self.requests;
        let due = match late {
            true => self.now + 1_000 * self.random.below(LATE) as i64,
            false => self.next_step(),
        };
        let job = self.job(id)?;
        if job.phase != JobPhase::Open || !job.rows.is_empty() {
            return Err(wrong_state());
        }
        job.rows = writes.into_iter().map(|one| (one, None)).collect();
        job.sent = sent;
        job.due = (!lost).then_some(due);
        if !(lost || late) {
            job.phase = JobPhase::Working;
            return Ok(());
        }
        self.tell("  its release is lost".into());
        Err(trouble("timeout", Effect::Unknown))
    }
}

impl Jobs for Org {
    fn start_read<'a>(&'a self, _: &'a ChangeQuery) -> Answer<'a, JobId> {
        none()
    }

    fn read_rows<'a>(
        &'a self,
        _: &'a ChangeQuery,
        _: &'a JobId,
        _: Option<&'a Locator>,
        _: usize,
    ) -> Answer<'a, JobRows> {
        none()
    }

    fn open_write<'a>(&'a self, _: &'a ObjectInfo, _: JobWrite<'a>) -> Answer<'a, JobId> {
        Box::pin(async move {
            self.read("make a job", |org, _| {
                if org.faults.on && org.random.one_in(12) {
                    return Err(trouble("FEATURENOTENABLED", Effect::None));
                }
                let id = format!("750{:012}", org.requests);
                let job = Job {
                    phase: JobPhase::Open,
                    rows: Vec::new(),
                    sent: 0,
                    due: None,
                };
                org.jobs.insert(id.clone(), job);
                JobId::new(&id).ok_or_else(gone)
            })
        })
    }

    fn release_write<'a>(
        &'a self,
        _: WritePermit,
        _: &'a ObjectInfo,
        job: &'a JobId,
        write: JobWrite<'a>,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let writes = writes(write);
            let mut org = self.inner();
            org.arrive("release a job")?;
            self.moment(&mut org, "release a job", When::Before);
            org.alive()?;
            self.leaves(&mut org, &writes);
            if org.strikes(Fault::ServerError) {
                org.tell("  its upload is lost".into());
                return Err(trouble("timeout", Effect::None));
            }
            let released = org.release(job, writes);
            self.moment(&mut org, "release a job", When::After);
            org.alive().map_err(|e| CrmError {
                effect: Effect::Unknown,
                ..e
            })?;
            released?;
            for fault in [Fault::AnswerLost, Fault::Truncated] {
                if org.strikes(fault) {
                    org.tell(format!("  {fault:?}"));
                    return Err(trouble("timeout", Effect::Unknown));
                }
            }
            Ok(())
        })
    }

    fn results<'a>(
        &'a self,
        _: &'a ObjectInfo,
        job: &'a JobId,
        write: JobWrite<'a>,
    ) -> Answer<'a, Vec<JobResult>> {
        Box::pin(async move {
            self.read("results of a job", |org, _| {
                let short = org.strikes(Fault::WrongCount);
                let job = org.job(job)?;
                if matches!(job.phase, JobPhase::Open | JobPhase::Working) {
                    return Err(wrong_state());
                }
                let field = match write {
                    JobWrite::Create(field, _) | JobWrite::Upsert(field, _) => Some(field),
                    JobWrite::Update(_) => None,
                };
                let mut results = Vec::new();
                for asked in writes(write) {
                    let row = job.rows.iter().find(|(row, _)| same(field, row, &asked));
                    let (_, result) = row.ok_or_else(|| trouble("row_count", Effect::None))?;
                    results.push(match result {
                        Some(result) => JobResult::Told(result.clone()),
                        None => JobResult::NotReached,
                    });
                }
                if short {
                    results.pop();
                }
                Ok(results)
            })
        })
    }

    fn job_state<'a>(&'a self, _: JobKind, id: &'a JobId) -> Answer<'a, JobState> {
        Box::pin(async move {
            self.read("ask a job", |org, _| {
                let over = |job: &Job| !matches!(job.phase, JobPhase::Open | JobPhase::Working);
                if over(org.job(id)?) && org.strikes(Fault::CursorLost) {
                    org.tell("  it is lost".into());
                    org.jobs.remove(id.as_str());
                }
                let job = org.job(id)?;
                let done = || job.rows.iter().filter_map(|(_, result)| result.as_ref());
                let failed = done().filter(|r| matches!(r, WriteResult::Refused(_)));
                let state = JobState {
                    phase: job.phase.clone(),
                    processed: done().count() as u64,
                    failed: failed.count() as u64,
                };
                org.tell(format!("  {:?} {}", state.phase, state.processed));
                Ok(state)
            })
        })
    }

    fn abort<'a>(&'a self, _: JobKind, id: &'a JobId) -> Answer<'a, ()> {
        Box::pin(async move {
            self.read("give a job up", |org, _| {
                let last = org.now + org.random.below(LAST) as i64;
                let job = org.job(id)?;
                job.due = match job.phase {
                    JobPhase::Open => None,
                    JobPhase::Working => Some(last),
                    _ => return Err(wrong_state()),
                };
                job.phase = JobPhase::Aborted;
                Ok(())
            })
        })
    }

    fn remove<'a>(&'a self, _: JobKind, id: &'a JobId) -> Answer<'a, ()> {
        Box::pin(async move {
            self.read("remove a job", |org, _| {
                org.job(id)?;
                org.jobs.remove(id.as_str());
                Ok(())
            })
        })
    }
}
