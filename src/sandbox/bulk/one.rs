//! Bulk 1: `/services/async/{version}/job`, with data as JSON, CSV or XML.
//!
//! A batch is worked on when it is posted; its answer still says that it waits, as the platform's.

mod batch;
mod rows;

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::{
    Operation,
    jobs::Jobs,
    told::{NAMESPACE, Spoken, error, given, inner, spoken, told},
};
use crate::sandbox::{
    fail::Fail,
    http::{Call, Content, Context, Reply},
    ids::SfId,
    schema::ObjIx,
    soql::Scope,
    time::stamp_text,
};
use batch::{Batch, State};

/// Rows of a part of a query that is cut by ids, when it is not said, and the most.
const PART: usize = 100_000;
const LARGEST_PART: usize = 250_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
    Xml,
}

impl Form {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Json, "JSON", "application/json"),
        (Self::Csv, "CSV", "text/csv"),
        (Self::Xml, "XML", "application/xml"),
    ];

    fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == name);
        found.map(|(form, ..)| *form)
    }
    /// Its name, and its media type.
    fn names(self) -> (&'static str, &'static str) {
        let found = Self::ALL.iter().find(|(form, ..)| *form == self);
        found.map_or(("", ""), |(_, name, kind)| (*name, *kind))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Save(Operation),
    Query(Scope),
}

/// What a job is.
#[derive(Debug, Clone)]
struct Head {
    id: SfId,
    user: SfId,
    version: String,
    object: ObjIx,
    object_name: String,
    task: Task,
    operation: String,
    key: Option<String>,
    form: Form,
    /// Rows of each part of a query, if it is cut (`Sforce-Enable-PKChunking`).
    part: Option<usize>,
    state: String,
    created: i64,
}

/// A job with its batches.
#[derive(Debug, Clone)]
pub struct Job {
    head: Head,
    batches: Vec<Batch>,
}

fn refused(code: &'static str, text: impl Into<String>) -> Fail {
    Fail::new(code, text)
}

/// Answers a call below `/services/async/{version}`.
pub fn answer(context: &Context<'_>, call: &Call, version: &str, path: &[&str]) -> Reply {
    let mut reply =
        route(context, call, version, path).unwrap_or_else(|fail| error(&fail, spoken(call)));
    // Without a character set: clients compare the whole header.
    if let Content::Json(json) = reply.content {
        reply.content = Content::other("application/json", json);
    }
    reply
}

fn route(context: &Context<'_>, call: &Call, version: &str, path: &[&str]) -> Result<Reply, Fail> {
    let posts = call.method == Method::POST;
    match (posts, path) {
        (true, ["job"]) => create(context, call, version),
        (true, ["job", id]) => change(context, call, id),
        (true, ["job", id, "batch"]) => add_batch(context, call, id),
        (false, ["job", id]) => {
            let jobs = context.server.jobs();
            let job = find(&jobs, context, id)?;
            Ok(told(200, "jobInfo", &job.pairs(), job.head.spoken(call)))
        }
        (false, ["job", id, "batch"]) => {
            let jobs = context.server.jobs();
            Ok(find(&jobs, context, id)?.list(call))
        }
        (false, ["job", id, "batch", batch]) => {
            let jobs = context.server.jobs();
            let job = find(&jobs, context, id)?;
            let pairs = job.batch(batch)?.pairs(job.head.id);
            Ok(told(200, "batchInfo", &pairs, job.head.spoken(call)))
        }
        (false, ["job", id, "batch", batch, "request"]) => {
            let jobs = context.server.jobs();
            let job = find(&jobs, context, id)?;
            let bytes = job.batch(batch)?.request.to_vec();
            Ok(Reply::of(200, Content::other(job.head.kind(), bytes)))
        }
        (false, ["job", id, "batch", batch, "result"]) => {
            let jobs = context.server.jobs();
            let job = find(&jobs, context, id)?;
            job.batch(batch)?.results(&job.head, job.head.spoken(call))
        }
        (false, ["job", id, "batch", batch, "result", result]) => {
            // The org's lock comes first, so the jobs' is not held while the rows are written.
            let (head, batch) = {
                let jobs = context.server.jobs();
                let job = find(&jobs, context, id)?;
                (job.head.clone(), job.batch(batch)?.clone())
            };
            batch.found(context, &head, result)
        }
        _ => Err(refused("InvalidUrl", "Destination URL is not known")),
    }
}

fn find<'j>(jobs: &'j Jobs, context: &Context<'_>, id: &str) -> Result<&'j Job, Fail> {
    let job = SfId::parse(id).and_then(|id| jobs.one.get(&id));
    let job = job.filter(|j| j.head.user == context.user);
    job.ok_or_else(|| refused("InvalidJob", format!("Unable to find object: {id}")))
}

/// Rows of a part, if the call asks for parts: `TRUE`, or `chunkSize=n; ...`.
fn part_of(call: &Call) -> Option<usize> {
    let asked = call.header("sforce-enable-pkchunking")?.trim();
    if asked.eq_ignore_ascii_case("false") {
        return None;
    }
    let size = asked.split([';', ',']).find_map(|option| {
        let (name, value) = option.split_once('=')?;
        let size = value.trim().parse().ok().filter(|n| *n > 0)?;
        name.trim()
            .eq_ignore_ascii_case("chunkSize")
            .then_some(size)
    });
    Some(size.unwrap_or(PART).min(LARGEST_PART))
}

fn create(context: &Context<'_>, call: &Call, version: &str) -> Result<Reply, Fail> {
    let name = given(call, "object").unwrap_or_default();
    let operation = given(call, "operation").unwrap_or_default();
    let key = given(call, "externalIdFieldName").filter(|k| !k.is_empty());
    let kind = given(call, "contentType").unwrap_or_else(|| "XML".to_owned());
    let form = Form::named(&kind).ok_or_else(|| {
        let text = format!("contentType {kind} is not offered by this org");
        refused("FeatureNotEnabled", text)
    })?;
    let task = match operation.as_str() {
        "query" => Task::Query(Scope::Live),
        "queryAll" => Task::Query(Scope::WithDeleted),
        name => Task::Save(Operation::named(name).ok_or_else(|| {
            refused(
                "InvalidJob",
                format!("Unable to parse Job: operation {name}"),
            )
        })?),
    };
    if task == Task::Save(Operation::Upsert) && key.is_none() {
        let text = "External ID was blank for Upsert. An External ID must be specified for upsert.";
        return Err(refused("InvalidJob", text));
    }
    let (object, object_name) = {
        let org = context.server.org();
        let object = org.schema.object(&name);
        let text = format!("Entity '{name}' is not supported by the Bulk API.");
        let object = object.ok_or_else(|| refused("InvalidEntity", text))?;
        (object, org.schema.at(object).name.clone())
    };
    let mut jobs = context.server.jobs();
    let head = Head {
        id: jobs.next_id(b"750"),
        user: context.user,
        version: version.to_owned(),
        object,
        object_name,
        task,
        operation,
        key,
        form,
        part: part_of(call).filter(|_| matches!(task, Task::Query(_))),
        state: "Open".to_owned(),
        created: context.now,
    };
    let id = head.id;
    let job = Job {
        head,
        batches: Vec::new(),
    };
    let pairs = job.pairs();
    jobs.one.insert(id, job);
    Ok(told(201, "jobInfo", &pairs, spoken(call)))
}

fn change(context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let state = given(call, "state").unwrap_or_default();
    let mut jobs = context.server.jobs();
    let head = &find(&jobs, context, id)?.head;
    match (state.as_str(), head.state.as_str()) {
        ("Closed" | "Aborted", "Open") => {}
        ("Closed" | "Aborted", now) => {
            let text = format!("Invalid job state: a job that is {now} cannot become {state}");
            return Err(refused("InvalidJobState", text));
        }
        _ => return Err(refused("InvalidJob", format!("state {state} is not known"))),
    }
    let id = head.id;
    let kept = jobs.one.get_mut(&id);
    let kept = kept.ok_or_else(|| refused("InvalidJob", "Unable to find object"))?;
    kept.head.state = state;
    Ok(told(200, "jobInfo", &kept.pairs(), spoken(call)))
}

fn add_batch(context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let head = find(&context.server.jobs(), context, id)?.head.clone();
    if head.state != "Open" {
        return Err(refused("InvalidJobState", "the job is not open"));
    }
    let mut batch = Batch::new(context, call.body.as_ref().into());
    let worked = match head.task {
        Task::Query(scope) => batch.query(context, scope, head.part),
        Task::Save(operation) => batch
            .save(context, call, &head, operation)
            .map(|()| Vec::new()),
    };
    let parts = worked.unwrap_or_else(|fail| {
        batch.state = State::Failed(format!("InvalidBatch : {}", fail.message));
        Vec::new()
    });
    let pairs = batch.queued(head.id);
    if let Some(kept) = context.server.jobs().one.get_mut(&head.id) {
        kept.batches.push(batch);
        kept.batches.extend(parts);
    }
    Ok(told(201, "batchInfo", &pairs, head.spoken(call)))
}

impl Head {
    fn spoken(&self, call: &Call) -> Spoken {
        match self.form {
            Form::Json => Spoken::Json,
            Form::Csv if call.header("accept").is_some_and(|v| v.contains("json")) => Spoken::Json,
            Form::Csv | Form::Xml => Spoken::Xml,
        }
    }

    fn kind(&self) -> &'static str {
        self.form.names().1
    }
}

impl Job {
    fn batch(&self, id: &str) -> Result<&Batch, Fail> {
        let id = SfId::parse(id);
        let found = self.batches.iter().find(|b| Some(b.id) == id);
        found.ok_or_else(|| refused("InvalidBatch", "Unable to find the batch"))
    }

    fn pairs(&self) -> Vec<(&'static str, Json)> {
        let head = &self.head;
        let total = self.batches.len();
        let failed = self.batches.iter().filter(|b| b.is_failed()).count();
        let sum = |of: fn(&Batch) -> usize| self.batches.iter().map(of).sum::<usize>();
        vec![
            ("id", json!(head.id.to_string())),
            ("operation", json!(head.operation)),
            ("object", json!(head.object_name)),
            ("createdById", json!(head.user.to_string())),
            ("createdDate", json!(stamp_text(head.created))),
            ("systemModstamp", json!(stamp_text(head.created))),
            ("state", json!(head.state)),
            ("externalIdFieldName", json!(head.key)),
            ("concurrencyMode", json!("Parallel")),
            ("contentType", json!(head.form.names().0)),
            ("numberBatchesQueued", json!(0)),
            ("numberBatchesInProgress", json!(0)),
            ("numberBatchesCompleted", json!(total - failed)),
            ("numberBatchesFailed", json!(failed)),
            ("numberBatchesTotal", json!(total)),
            ("numberRecordsProcessed", json!(sum(Batch::processed))),
            ("numberRetries", json!(0)),
            (
                "apiVersion",
                json!(head.version.parse::<f64>().unwrap_or_default()),
            ),
            ("numberRecordsFailed", json!(sum(Batch::failed))),
            ("totalProcessingTime", json!(0)),
            ("apiActiveProcessingTime", json!(0)),
            ("apexProcessingTime", json!(0)),
        ]
    }

    fn list(&self, call: &Call) -> Reply {
        let all: Vec<_> = self.batches.iter().map(|b| b.pairs(self.head.id)).collect();
        match self.head.spoken(call) {
            Spoken::Json => {
                let list: Vec<Json> = all
                    .into_iter()
                    .map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
                    .map(Json::Object)
                    .collect();
                Reply::json(200, &json!({ "batchInfo": list }))
            }
            Spoken::Xml => {
                let inner: String = all
                    .iter()
                    .map(|p| format!("<batchInfo>{}</batchInfo>", inner(p)))
                    .collect();
                let text = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><batchInfoList xmlns=\"{NAMESPACE}\">{inner}</batchInfoList>"
                );
                Reply::of(200, Content::other("application/xml", text))
            }
        }
    }
}

/// The session of a call, which Bulk 1 sends in a header of its own.
pub fn token(call: &Call) -> Option<&str> {
    call.header("x-sfdc-session")
}
