//! Bulk 2.0 ingest: `/jobs/ingest` (salesforce-api 6.1).

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use serde_json::{Map, Value as Json, json};

use super::{
    Delimiter, Ending, Job, Operation, Outcome, Pace, Sort, State, Task, csv,
    jobs::{self, abort, invalid_job, wrong_state},
    work,
};
use crate::sandbox::{
    dml::{Assign, Duplicates},
    fail::Fail,
    http::{Call, Content, Context, Reply, multipart_or_json},
    ids::SfId,
    server::Server,
};

/// Rows that are saved under one lock.
const CHUNK: usize = 200;
/// Bytes of an upload.
const LARGEST: usize = 150_000_000;

/// Answers a call below `/jobs/ingest`.
pub fn answer(
    server: &Arc<Server>,
    context: &Context<'_>,
    call: &Call,
    path: &[&str],
) -> Result<Reply, Fail> {
    if let Some(reply) = jobs::answer(server, context, call, Sort::Ingest, path) {
        return reply;
    }
    match (call.method.as_str(), path) {
        ("POST", []) => create(server, context, call),
        ("PUT", [id, "batches"]) => upload(server, context, call, id),
        ("PATCH", [id]) => change(server, context, call, id),
        ("GET", [id, set]) => {
            let mut jobs = server.jobs();
            results(jobs.find(id, context.user, Sort::Ingest)?, set)
        }
        _ => Err(Fail::not_found()),
    }
}

/// Delimiter and line ending that a request names.
pub fn format(body: &Map<String, Json>) -> Result<(Delimiter, Ending), Fail> {
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let wrong = |name: &str, value: &str| {
        Fail::new(
            "INVALIDJOB",
            format!("InvalidJob : {name} {value} is not supported"),
        )
    };
    if let Some(kind) = text("contentType").filter(|k| *k != "CSV") {
        return Err(wrong("contentType", kind));
    }
    let delimiter = match text("columnDelimiter") {
        None => Delimiter::default(),
        Some(name) => Delimiter::named(name).ok_or_else(|| wrong("columnDelimiter", name))?,
    };
    let ending = match text("lineEnding") {
        None | Some("LF") => Ending::Lf,
        Some("CRLF") => Ending::Crlf,
        Some(name) => return Err(wrong("lineEnding", name)),
    };
    Ok((delimiter, ending))
}

fn create(server: &Arc<Server>, context: &Context<'_>, call: &Call) -> Result<Reply, Fail> {
    let mut body = multipart_or_json(call)?;
    let content = match body.remove("content") {
        Some(Json::String(text)) => BASE64.decode(text.as_bytes()).ok().map(Bytes::from),
        _ => None,
    };
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default();
    let name = text("object");
    let org = server.org();
    let Some(object) = org.schema.object(name) else {
        return Err(Fail::new(
            "INVALIDENTITY",
            format!("Entity '{name}' is not supported by the Bulk API."),
        ));
    };
    let operation = Operation::named(text("operation")).ok_or_else(|| {
        let text = format!(
            "InvalidJob : operation {} is not supported",
            text("operation")
        );
        Fail::new("INVALIDJOB", text)
    })?;
    let key = Some(text("externalIdFieldName")).filter(|k| !k.is_empty());
    match (operation, key) {
        (Operation::Upsert, None) => {
            let text =
                "InvalidJob : External ID was blank. An External ID must be specified for upsert.";
            return Err(Fail::new("INVALIDJOB", text));
        }
        (Operation::Upsert, Some(key)) => {
            let fields = org.schema.at(object);
            let usable = |ix| fields.at(ix).id_lookup();
            if !fields.field(key).is_some_and(usable) {
                let text = format!(
                    "InvalidJob : Field name provided, {key} does not match an External ID, Salesforce Id, or indexed field for {name}"
                );
                return Err(Fail::new("INVALIDJOB", text));
            }
        }
        _ => {}
    }
    let (delimiter, ending) = format(&body)?;
    let object_name = org.schema.at(object).name.clone();
    drop(org);
    let task = Task::Ingest {
        operation,
        object,
        key: key.map(str::to_owned),
        data: content.clone(),
        header: Vec::new(),
        rows: Vec::new(),
        assign: match text("assignmentRuleId") {
            "" => Assign::Skip,
            _ => Assign::Run,
        },
        refused: None,
    };
    let id = add(
        server,
        context,
        object_name,
        (delimiter, ending),
        State::Open,
        task,
    );
    if content.is_some() {
        complete(server, context, call, id);
    }
    let jobs = server.jobs();
    let job = jobs.list.get(&id).ok_or_else(Fail::not_found)?;
    Ok(Reply::json(200, &job.json()))
}

/// Keeps a new job.
pub fn add(
    server: &Server,
    context: &Context<'_>,
    object: String,
    (delimiter, ending): (Delimiter, Ending),
    state: State,
    task: Task,
) -> SfId {
    let mut jobs = server.jobs();
    let id = jobs.next_id(b"750");
    let job = Job {
        id,
        user: context.user,
        version: context.version,
        state,
        object,
        delimiter,
        ending,
        created: context.now,
        changed: context.now,
        message: None,
        task,
    };
    jobs.list.insert(id, job);
    id
}

fn upload(server: &Server, context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let kind = call.header("content-type").unwrap_or("text/csv");
    if !kind.to_ascii_lowercase().starts_with("text/csv") {
        let text = format!("Content-Type not supported: {kind}");
        return Err(Fail::new("UNSUPPORTED_MEDIA_TYPE", text).status(415));
    }
    if call.body.len() > LARGEST {
        let text = "InvalidBatch : the upload is larger than 150 MB";
        return Err(Fail::new("INVALIDBATCH", text).status(413));
    }
    let mut jobs = server.jobs();
    let job = jobs.find(id, context.user, Sort::Ingest)?;
    match (&mut job.task, job.state) {
        (
            Task::Ingest {
                data: data @ None, ..
            },
            State::Open,
        ) => {
            *data = Some(call.body.clone());
            job.changed = context.now;
            Ok(Reply::empty(201))
        }
        (Task::Ingest { .. }, state) => Err(wrong_state(format!(
            "Found multiple contents for job: <{id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job. It is {}.",
            state.name()
        ))),
        (Task::Query { .. }, _) => Err(invalid_job(id)),
    }
}

fn change(
    server: &Arc<Server>,
    context: &Context<'_>,
    call: &Call,
    id: &str,
) -> Result<Reply, Fail> {
    let body = multipart_or_json(call)?;
    match body.get("state").and_then(Json::as_str).unwrap_or_default() {
        "UploadComplete" => {}
        "Aborted" => return abort(server, context, Sort::Ingest, id),
        wanted => {
            let text = format!("InvalidJob : state {wanted} is not supported");
            return Err(Fail::new("INVALIDJOB", text));
        }
    }
    let found = {
        let mut jobs = server.jobs();
        let job = jobs.find(id, context.user, Sort::Ingest)?;
        if job.state != State::Open {
            return Err(wrong_state(format!(
                "Invalid State: a job that is {} cannot become UploadComplete",
                job.state.name()
            )));
        }
        job.id
    };
    complete(server, context, call, found);
    let mut jobs = server.jobs();
    let job = jobs.find(id, context.user, Sort::Ingest)?;
    Ok(Reply::json(200, &job.json()))
}

/// Marks an upload as whole and has it worked on, unless jobs are held.
fn complete(server: &Arc<Server>, context: &Context<'_>, call: &Call, id: SfId) {
    let mut jobs = server.jobs();
    let pace = jobs.pace;
    if let Some(job) = jobs.list.get_mut(&id) {
        job.state = State::UploadComplete;
        job.changed = context.now;
        if let Task::Ingest { refused, .. } = &mut job.task {
            refused.clone_from(&call.refused_rows);
        }
    }
    drop(jobs);
    if pace == Pace::AtOnce {
        start(server, id);
    }
}

/// Works on a job in the background.
pub fn start(server: &Arc<Server>, id: SfId) {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || run(&server, id));
}

/// Works on a job to its end.
fn run(server: &Server, id: SfId) {
    let Some(job) = begin(server, id) else { return };
    let context = Context {
        server,
        version: job.version,
        user: job.user,
        now: server.clock.now(),
        assign: match job.task {
            Task::Ingest { assign, .. } => assign,
            Task::Query { .. } => Assign::Skip,
        },
        duplicates: Duplicates::REFUSE,
    };
    let ended = match &job.task {
        Task::Ingest { .. } => rows_of(server, &job).and_then(|()| save_all(&context, &job)),
        Task::Query { text, scope, .. } => super::query::run(&context, id, text, *scope),
    };
    let mut jobs = server.jobs();
    let Some(job) = jobs.list.get_mut(&id) else {
        return;
    };
    job.changed = server.clock.now();
    match ended {
        Err(fail) => {
            job.state = State::Failed;
            job.message = Some(fail.message);
        }
        Ok(()) if job.state == State::InProgress => job.state = State::JobComplete,
        Ok(()) => {}
    }
}

/// Takes a job up; nothing when it was aborted meanwhile.
fn begin(server: &Server, id: SfId) -> Option<Job> {
    let mut jobs = server.jobs();
    let job = jobs.list.get_mut(&id)?;
    if job.state != State::UploadComplete {
        return None;
    }
    job.state = State::InProgress;
    Some(job.clone())
}

/// Reads the upload into the rows of the job.
fn rows_of(server: &Server, job: &Job) -> Result<(), Fail> {
    let Task::Ingest { object, data, .. } = &job.task else {
        return Err(invalid_job(&job.id.to_string()));
    };
    let data = data.clone().unwrap_or_default();
    let (first, sheet) = csv::read(&data, job.delimiter, job.ending)?;
    work::check_header(server.org().schema.at(*object), &first)?;
    if let Some(Task::Ingest {
        header, rows, data, ..
    }) = server.jobs().list.get_mut(&job.id).map(|job| &mut job.task)
    {
        *header = first;
        *rows = sheet.into_iter().map(|row| (row, None)).collect();
        *data = Some(Bytes::new());
    }
    Ok(())
}

/// Saves the rows of a job, a chunk at a time, until it is aborted.
fn save_all(context: &Context<'_>, job: &Job) -> Result<(), Fail> {
    let Task::Ingest {
        operation,
        object,
        key,
        refused,
        ..
    } = &job.task
    else {
        return Ok(());
    };
    for first in (0..).step_by(CHUNK) {
        let Some((header, chunk)) = chunk(context.server, job.id, first) else {
            return Ok(());
        };
        let outcomes: Vec<Outcome> = {
            let mut org = context.server.org_mut();
            let one = |(place, row): (usize, &Vec<String>)| {
                if let Some(fail) = refused.as_ref().and_then(|r| r.refusal(first + place)) {
                    return Err((None, fail));
                }
                let body = work::body(org.schema.at(*object), &header, row);
                let key = key.as_deref();
                work::save(context, &mut org, *operation, *object, key, body)
            };
            let made = chunk.iter().enumerate().map(one).collect();
            org.commit();
            made
        };
        let mut jobs = context.server.jobs();
        let Some(Task::Ingest { rows, .. }) = jobs.list.get_mut(&job.id).map(|j| &mut j.task)
        else {
            return Ok(());
        };
        for (place, outcome) in rows.iter_mut().skip(first).zip(outcomes) {
            place.1 = Some(outcome);
        }
    }
    Ok(())
}

/// The header and the next rows of a job; nothing when there are none or it goes on no more.
fn chunk(server: &Server, id: SfId, first: usize) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let jobs = server.jobs();
    let job = jobs
        .list
        .get(&id)
        .filter(|j| j.state == State::InProgress)?;
    let Task::Ingest { header, rows, .. } = &job.task else {
        return None;
    };
    let next = rows.iter().skip(first).take(CHUNK);
    let next: Vec<_> = next.map(|(row, _)| row.clone()).collect();
    (!next.is_empty()).then(|| (header.clone(), next))
}

/// The three lists of what became of the rows.
fn results(job: &Job, set: &str) -> Result<Reply, Fail> {
    let Task::Ingest { header, rows, .. } = &job.task else {
        return Err(Fail::not_found());
    };
    let head: &[&str] = match set {
        "successfulResults" => &["sf__Id", "sf__Created"],
        "failedResults" => &["sf__Id", "sf__Error"],
        "unprocessedrecords" => &[],
        _ => return Err(Fail::not_found()),
    };
    if !job.state.is_over() {
        return Err(wrong_state(format!(
            "Invalid State: the job is {}",
            job.state.name()
        )));
    }
    let mut out = Vec::new();
    let line = |out: &mut Vec<u8>, first: &[&str], row: &[String]| {
        let values = first.iter().copied().chain(row.iter().map(String::as_str));
        csv::line(out, values, job.delimiter, job.ending);
    };
    line(&mut out, head, header);
    for (row, outcome) in rows {
        match (set, outcome) {
            ("successfulResults", Some(Ok(saved))) => {
                let created = if saved.created { "true" } else { "false" };
                line(&mut out, &[&saved.id.to_string(), created], row);
            }
            ("failedResults", Some(Err((id, fail)))) => {
                let id = id.map(|id| id.to_string()).unwrap_or_default();
                line(&mut out, &[&id, &work::error_text(fail)], row);
            }
            ("unprocessedrecords", None) => line(&mut out, &[], row),
            _ => {}
        }
    }
    Ok(Reply::of(200, Content::other(csv::MEDIA_TYPE, out)))
}

/// What the resource says of itself.
pub fn resources(context: &Context<'_>) -> Reply {
    let base = format!("/services/data/v{}/jobs", context.version);
    Reply::json(
        200,
        &json!({"ingest": format!("{base}/ingest"), "query": format!("{base}/query")}),
    )
}
