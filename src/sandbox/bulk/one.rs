//! Bulk 1: `/services/async/{version}/job`, with JSON and CSV data; XML only for what jobs say of
//! themselves, since common clients ask for it.
//!
//! A batch is worked on when it is posted; its answer still says that it waits, as the platform's.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Map, Value as Json, json};

use super::{
    Answer, Delimiter, Ending, Outcome, csv,
    query::{plan, sheet},
    told::{NAMESPACE, Spoken, error, given, inner, spoken, told},
    work::{self, Operation},
};
use crate::sandbox::{
    fail::Fail,
    http::{Call, Content, Context, Reply},
    ids::SfId,
    schema::ObjIx,
    soql::{self, Output, Scope, write_record},
    time::stamp_text,
};

/// Rows that are saved under one lock, and most rows of a batch.
const CHUNK: usize = 200;
const BATCH: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Save(Operation),
    Query(Scope),
}

/// A job with its batches.
#[derive(Debug, Clone)]
pub struct Job {
    id: SfId,
    user: SfId,
    version: String,
    object: ObjIx,
    object_name: String,
    task: Task,
    operation: String,
    key: Option<String>,
    form: Form,
    state: String,
    created: i64,
    batches: Vec<Batch>,
}

#[derive(Debug, Clone)]
struct Batch {
    id: SfId,
    created: i64,
    request: Vec<u8>,
    state: &'static str,
    message: Option<String>,
    outcomes: Vec<Outcome>,
    /// Of a query: its id and what it found.
    result: Option<(SfId, Answer)>,
}

fn refused(code: &'static str, text: impl Into<String>) -> Fail {
    Fail::new(code, text)
}

/// Answers a call below `/services/async/{version}`.
pub fn answer(context: &Context<'_>, call: &Call, version: &str, path: &[&str]) -> Reply {
    let spoken = spoken(call);
    match route(context, call, version, path) {
        Ok(reply) => reply,
        Err(fail) => error(&fail, spoken),
    }
}

fn route(context: &Context<'_>, call: &Call, version: &str, path: &[&str]) -> Result<Reply, Fail> {
    let posts = call.method == Method::POST;
    match (posts, path) {
        (true, ["job"]) => create(context, call, version),
        (true, ["job", id]) => change(context, call, id),
        (true, ["job", id, "batch"]) => add_batch(context, call, id),
        (false, ["job", id]) => {
            let job = find(context, id)?;
            Ok(told(200, "jobInfo", &job.pairs(), job.spoken(call)))
        }
        (false, ["job", id, "batch"]) => {
            let job = find(context, id)?;
            Ok(job.list(call))
        }
        (false, ["job", id, "batch", batch]) => {
            let job = find(context, id)?;
            let batch = job.batch(batch)?;
            Ok(told(
                200,
                "batchInfo",
                &batch.pairs(job.id, batch.state),
                job.spoken(call),
            ))
        }
        (false, ["job", id, "batch", batch, "request"]) => {
            let job = find(context, id)?;
            let bytes = job.batch(batch)?.request.clone();
            Ok(Reply::of(200, Content::other(job.kind(), bytes)))
        }
        (false, ["job", id, "batch", batch, "result"]) => {
            let job = find(context, id)?;
            job.results(call, job.batch(batch)?)
        }
        (false, ["job", id, "batch", batch, "result", result]) => {
            let job = find(context, id)?;
            job.found(context, job.batch(batch)?, result)
        }
        _ => Err(refused("InvalidUrl", "Destination URL is not known")),
    }
}

fn find(context: &Context<'_>, id: &str) -> Result<Job, Fail> {
    let jobs = context.server.jobs();
    let job = SfId::parse(id).and_then(|id| jobs.one.get(&id));
    let job = job.filter(|j| j.user == context.user).cloned();
    job.ok_or_else(|| refused("InvalidJob", format!("Unable to find object: {id}")))
}

fn create(context: &Context<'_>, call: &Call, version: &str) -> Result<Reply, Fail> {
    let name = given(call, "object").unwrap_or_default();
    let operation = given(call, "operation").unwrap_or_default();
    let key = given(call, "externalIdFieldName").filter(|k| !k.is_empty());
    let kind = given(call, "contentType").unwrap_or_else(|| "XML".to_owned());
    let form = match kind.as_str() {
        "JSON" => Form::Json,
        "CSV" => Form::Csv,
        other => {
            let text = format!("contentType {other} is not offered by this org");
            return Err(refused("FeatureNotEnabled", text));
        }
    };
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
    let job = Job {
        id: jobs.next_id(b"750"),
        user: context.user,
        version: version.to_owned(),
        object,
        object_name,
        task,
        operation,
        key,
        form,
        state: "Open".to_owned(),
        created: context.now,
        batches: Vec::new(),
    };
    jobs.one.insert(job.id, job.clone());
    Ok(told(201, "jobInfo", &job.pairs(), spoken(call)))
}

fn change(context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let state = given(call, "state").unwrap_or_default();
    let job = find(context, id)?;
    match (state.as_str(), job.state.as_str()) {
        ("Closed" | "Aborted", "Open") => {}
        ("Closed" | "Aborted", now) => {
            let text = format!("Invalid job state: a job that is {now} cannot become {state}");
            return Err(refused("InvalidJobState", text));
        }
        _ => return Err(refused("InvalidJob", format!("state {state} is not known"))),
    }
    let mut jobs = context.server.jobs();
    let Some(kept) = jobs.one.get_mut(&job.id) else {
        return Err(refused(
            "InvalidJob",
            format!("Unable to find object: {id}"),
        ));
    };
    kept.state = state;
    Ok(told(200, "jobInfo", &kept.pairs(), spoken(call)))
}

fn add_batch(context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let job = find(context, id)?;
    if job.state != "Open" {
        return Err(refused("InvalidJobState", "the job is not open"));
    }
    let mut batch = Batch {
        id: context.server.jobs().next_id(b"751"),
        created: context.now,
        request: call.body.to_vec(),
        state: "Completed",
        message: None,
        outcomes: Vec::new(),
        result: None,
    };
    let worked = match job.task {
        Task::Query(scope) => batch.query(context, scope),
        Task::Save(operation) => batch.save(context, &job, operation),
    };
    if let Err(fail) = worked {
        batch.state = "Failed";
        batch.message = Some(format!("InvalidBatch : {}", fail.message));
    }
    let pairs = batch.pairs(job.id, "Queued");
    if let Some(kept) = context.server.jobs().one.get_mut(&job.id) {
        kept.batches.push(batch);
    }
    Ok(told(201, "batchInfo", &pairs, job.spoken(call)))
}

impl Batch {
    fn query(&mut self, context: &Context<'_>, scope: Scope) -> Result<(), Fail> {
        let text = String::from_utf8_lossy(&self.request).into_owned();
        let org = context.server.org();
        let plan = plan(&org, &text, scope, context.asker())?;
        let rows = Arc::new(soql::rows(&org, &plan));
        let id = context.server.jobs().next_id(b"752");
        if let Output::Columns(columns) = plan.output {
            let object = plan.object;
            self.result = Some((
                id,
                Answer {
                    object,
                    rows,
                    columns,
                },
            ));
        }
        Ok(())
    }

    fn save(&mut self, context: &Context<'_>, job: &Job, operation: Operation) -> Result<(), Fail> {
        let bodies = self.bodies(context, job)?;
        if bodies.len() > BATCH {
            return Err(Fail::new(
                "InvalidBatch",
                "Records not processed: more than 10000",
            ));
        }
        for chunk in bodies.chunks(CHUNK) {
            let mut org = context.server.org_mut();
            for body in chunk {
                let key = job.key.as_deref();
                let saved = work::save(context, &mut org, operation, job.object, key, body.clone());
                self.outcomes.push(saved);
            }
            org.commit();
        }
        Ok(())
    }

    fn bodies(&self, context: &Context<'_>, job: &Job) -> Result<Vec<Map<String, Json>>, Fail> {
        match job.form {
            Form::Json => {
                let list: Vec<Map<String, Json>> = serde_json::from_slice(&self.request)
                    .map_err(|e| Fail::json(format!("Failed to parse JSON: {e}")))?;
                Ok(list)
            }
            Form::Csv => {
                let ending = match self.request.windows(2).any(|w| w == b"\r\n") {
                    true => Ending::Crlf,
                    false => Ending::Lf,
                };
                let (header, rows) = csv::read(&self.request, Delimiter::Comma, ending)?;
                let org = context.server.org();
                let object = org.schema.at(job.object);
                work::check_header(object, &header)?;
                Ok(rows
                    .iter()
                    .map(|row| work::body(object, &header, row))
                    .collect())
            }
        }
    }

    fn failed(&self) -> usize {
        self.outcomes.iter().filter(|o| o.is_err()).count()
    }

    fn processed(&self) -> usize {
        self.result
            .as_ref()
            .map_or(self.outcomes.len(), |(_, a)| a.rows.len())
    }

    fn pairs(&self, job: SfId, state: &str) -> Vec<(&'static str, Json)> {
        vec![
            ("id", json!(self.id.to_string())),
            ("jobId", json!(job.to_string())),
            ("state", json!(state)),
            ("stateMessage", json!(self.message)),
            ("createdDate", json!(stamp_text(self.created))),
            ("systemModstamp", json!(stamp_text(self.created))),
            ("numberRecordsProcessed", json!(self.processed())),
            ("numberRecordsFailed", json!(self.failed())),
            ("totalProcessingTime", json!(self.processed())),
            ("apiActiveProcessingTime", json!(self.processed())),
            ("apexProcessingTime", json!(0)),
        ]
    }
}

impl Job {
    fn spoken(&self, call: &Call) -> Spoken {
        match self.form {
            Form::Json => Spoken::Json,
            Form::Csv if call.header("accept").is_some_and(|v| v.contains("json")) => Spoken::Json,
            Form::Csv => Spoken::Xml,
        }
    }

    fn kind(&self) -> &'static str {
        match self.form {
            Form::Json => "application/json",
            Form::Csv => "text/csv",
        }
    }

    fn batch(&self, id: &str) -> Result<&Batch, Fail> {
        let id = SfId::parse(id);
        let found = self.batches.iter().find(|b| Some(b.id) == id);
        found.ok_or_else(|| refused("InvalidBatch", "Unable to find the batch"))
    }

    fn pairs(&self) -> Vec<(&'static str, Json)> {
        let total = self.batches.len();
        let failed = self.batches.iter().filter(|b| b.state == "Failed").count();
        let sum = |of: fn(&Batch) -> usize| self.batches.iter().map(of).sum::<usize>();
        vec![
            ("id", json!(self.id.to_string())),
            ("operation", json!(self.operation)),
            ("object", json!(self.object_name)),
            ("createdById", json!(self.user.to_string())),
            ("createdDate", json!(stamp_text(self.created))),
            ("systemModstamp", json!(stamp_text(self.created))),
            ("state", json!(self.state)),
            ("externalIdFieldName", json!(self.key)),
            ("concurrencyMode", json!("Parallel")),
            (
                "contentType",
                json!(if self.form == Form::Json {
                    "JSON"
                } else {
                    "CSV"
                }),
            ),
            ("numberBatchesQueued", json!(0)),
            ("numberBatchesInProgress", json!(0)),
            ("numberBatchesCompleted", json!(total - failed)),
            ("numberBatchesFailed", json!(failed)),
            ("numberBatchesTotal", json!(total)),
            ("numberRecordsProcessed", json!(sum(Batch::processed))),
            ("numberRetries", json!(0)),
            (
                "apiVersion",
                json!(self.version.parse::<f64>().unwrap_or_default()),
            ),
            ("numberRecordsFailed", json!(sum(Batch::failed))),
            ("totalProcessingTime", json!(0)),
            ("apiActiveProcessingTime", json!(0)),
            ("apexProcessingTime", json!(0)),
        ]
    }

    fn list(&self, call: &Call) -> Reply {
        let all: Vec<_> = self
            .batches
            .iter()
            .map(|b| b.pairs(self.id, b.state))
            .collect();
        match self.spoken(call) {
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

    /// What became of a batch: a list of results, or of the ids of results.
    fn results(&self, call: &Call, batch: &Batch) -> Result<Reply, Fail> {
        if batch.state == "Failed" {
            let text = batch.message.clone().unwrap_or_default();
            return Err(refused("InvalidBatch", text));
        }
        if let Some((id, _)) = &batch.result {
            let id = id.to_string();
            return Ok(match self.spoken(call) {
                Spoken::Json => Reply::json(200, &json!([id])),
                Spoken::Xml => told(200, "result-list", &[("result", json!(id))], Spoken::Xml),
            });
        }
        let list = batch.outcomes.iter();
        Ok(match self.form {
            Form::Json => Reply::json(200, &list.map(outcome).collect()),
            Form::Csv => {
                let mut out = Vec::new();
                let mut line = |values: [&str; 4]| {
                    csv::line(&mut out, values, Delimiter::Comma, Ending::Lf);
                };
                line(["Id", "Success", "Created", "Error"]);
                for outcome in list {
                    match outcome {
                        Ok(saved) => {
                            let created = if saved.created { "true" } else { "false" };
                            line([&saved.id.to_string(), "true", created, ""]);
                        }
                        Err((_, fail)) => {
                            let fields = fail.fields.join(",");
                            let error = format!("{}:{}:{fields} --", fail.code, fail.message);
                            line(["", "false", "false", &error]);
                        }
                    }
                }
                Reply::of(200, Content::other("text/csv", out))
            }
        })
    }

    fn found(&self, context: &Context<'_>, batch: &Batch, result: &str) -> Result<Reply, Fail> {
        let id = SfId::parse(result);
        let found = batch
            .result
            .as_ref()
            .filter(|(known, _)| Some(*known) == id);
        let (_, answer) = found.ok_or_else(|| refused("InvalidUrl", "the result is not known"))?;
        let org = context.server.org();
        if self.form == Form::Csv {
            let out = sheet(&org, answer, &answer.rows, Delimiter::Comma, Ending::Lf);
            return Ok(Reply::of(200, Content::other("text/csv", out)));
        }
        let table = org.table(answer.object);
        let mut out = b"[".to_vec();
        for record in answer.rows.iter().filter_map(|row| table.row(*row)) {
            if out.len() > 1 {
                out.push(b',');
            }
            write_record(
                &mut out,
                &org,
                answer.object,
                record,
                &answer.columns,
                context.version,
            );
        }
        out.push(b']');
        Ok(Reply::bytes(200, out))
    }
}

fn outcome(outcome: &Outcome) -> Json {
    match outcome {
        Ok(saved) => json!({
            "success": true, "created": saved.created, "id": saved.id.to_string(), "errors": [],
        }),
        Err((_, fail)) => json!({
            "success": false, "created": false, "id": null,
            "errors": [{
                "statusCode": fail.code, "message": fail.message, "fields": fail.fields,
                "extendedErrorDetails": null,
            }],
        }),
    }
}

/// The session of a call, which Bulk 1 sends in a header of its own.
pub fn token(call: &Call) -> Option<&str> {
    call.header("x-sfdc-session")
}
