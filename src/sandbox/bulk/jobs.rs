//! The jobs of Bulk 2.0, and what jobs of both sorts are asked alike: the list, one of them, its
//! end.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Job, State, Task, locator, one, page_at};
use crate::sandbox::{
    fail::Fail,
    http::{Call, Context, Reply},
    ids::SfId,
    server::Server,
};

/// Jobs of one page of a list.
const PAGE: usize = 1000;

/// Whether uploaded jobs are worked on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    #[default]
    AtOnce,
    /// They wait, so that a client can be seen waiting.
    Held,
}

/// What a path names: jobs that save, or jobs that read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Ingest,
    Query,
}

impl Sort {
    fn of(job: &Job) -> Self {
        match job.task {
            Task::Ingest { .. } => Self::Ingest,
            Task::Query { .. } => Self::Query,
        }
    }
    fn path(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Query => "query",
        }
    }
}

/// All jobs of the org.
#[derive(Debug, Default)]
pub struct Jobs {
    pub list: BTreeMap<SfId, Job>,
    pub one: BTreeMap<SfId, one::Job>,
    pub pace: Pace,
    serial: u64,
}

impl Jobs {
    /// A new id for a job (750), a batch (751) or a result (752).
    pub fn next_id(&mut self, prefix: &[u8; 3]) -> SfId {
        self.serial += 1;
        SfId::new(*prefix, self.serial)
    }

    /// A job of a user.
    pub fn find(&mut self, id: &str, user: SfId, sort: Sort) -> Result<&mut Job, Fail> {
        let job = SfId::parse(id).and_then(|id| self.list.get_mut(&id));
        let job = job.filter(|job| Sort::of(job) == sort);
        let job = job.ok_or_else(|| invalid_job(id))?;
        match job.user == user {
            true => Ok(job),
            false => Err(Fail::new("INVALIDUSER", "the job belongs to another user").status(403)),
        }
    }

    /// How many there are of a sort.
    pub fn count(&self, sort: Sort) -> usize {
        self.list.values().filter(|j| Sort::of(j) == sort).count()
    }
}

/// A refusal of a job that is not there.
pub fn invalid_job(id: &str) -> Fail {
    Fail::new("INVALIDJOB", format!("Invalid job id: {id}")).status(404)
}

/// A refusal of what a job in its state does not do.
pub fn wrong_state(text: impl Into<String>) -> Fail {
    Fail::new("INVALIDJOBSTATE", text)
}

/// Answers what jobs of both sorts are asked alike; nothing when it is something else.
pub fn answer(
    server: &Server,
    context: &Context<'_>,
    call: &Call,
    sort: Sort,
    path: &[&str],
) -> Option<Result<Reply, Fail>> {
    match (call.method.as_str(), path) {
        ("GET", []) => Some(listed(server, context, call, sort)),
        ("GET", [id]) => {
            let mut jobs = server.jobs();
            let job = jobs.find(id, context.user, sort);
            Some(job.map(|job| Reply::json(200, &job.full_json())))
        }
        ("DELETE", [id]) => Some(remove(server, context, sort, id)),
        _ => None,
    }
}

/// A page of the list, newest first.
fn listed(server: &Server, context: &Context<'_>, call: &Call, sort: Sort) -> Result<Reply, Fail> {
    let from = page_at(call.param("queryLocator"))?;
    let jobs = server.jobs();
    let own = jobs.list.values().rev();
    let own = own.filter(|j| j.user == context.user && Sort::of(j) == sort);
    let mut rest = own.skip(from);
    let page: Vec<Json> = rest.by_ref().take(PAGE).map(Job::full_json).collect();
    let next = rest.next().map(|_| {
        let (version, path, at) = (context.version, sort.path(), locator(from + PAGE));
        format!("/services/data/v{version}/jobs/{path}?queryLocator={at}")
    });
    Ok(Reply::json(
        200,
        &json!({"done": next.is_none(), "records": page, "nextRecordsUrl": next}),
    ))
}

fn remove(server: &Server, context: &Context<'_>, sort: Sort, id: &str) -> Result<Reply, Fail> {
    let mut jobs = server.jobs();
    let job = jobs.find(id, context.user, sort)?;
    let id = job.id;
    if !(job.state.is_over() || job.state == State::UploadComplete) {
        return Err(wrong_state("the job must be over before it can be deleted"));
    }
    jobs.list.remove(&id);
    Ok(Reply::empty(204))
}

/// Ends a job before it is done; what was saved stays.
pub fn abort(server: &Server, context: &Context<'_>, sort: Sort, id: &str) -> Result<Reply, Fail> {
    let mut jobs = server.jobs();
    let job = jobs.find(id, context.user, sort)?;
    if job.state.is_over() {
        return Err(wrong_state(format!(
            "Invalid State: a job that is {} cannot become Aborted",
            job.state.name()
        )));
    }
    job.state = State::Aborted;
    job.changed = context.now;
    Ok(Reply::json(200, &job.json()))
}
