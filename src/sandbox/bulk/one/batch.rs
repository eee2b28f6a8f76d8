//! A batch of Bulk 1: its work, and what became of it.
//!
//! Invariant: a batch is worked on once, when it is posted.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{Form, Head, refused, rows};
use crate::sandbox::{
    bulk::{
        Answer, Delimiter, Ending, Operation, Outcome, csv,
        query::{plan, sheet},
        told::{Spoken, told},
        work,
    },
    fail::Fail,
    http::{Call, Content, Context, Reply},
    ids::SfId,
    markup::element,
    soql::{self, Dates, Output, Scope, write_dated},
    time::stamp_text,
};

/// Rows that are saved under one lock, and most rows of a batch.
const CHUNK: usize = 200;
const MOST: usize = 10_000;
/// What a CSV says when a query found nothing.
const NOTHING: &str = "Records not found for this query";

/// Where a batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Completed,
    Failed(String),
    /// Other batches do its work, each a part of it.
    NotProcessed,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Failed(_) => "Failed",
            Self::NotProcessed => "NotProcessed",
        }
    }
}

/// A batch.
#[derive(Debug, Clone)]
pub struct Batch {
    pub id: SfId,
    created: i64,
    pub request: Arc<[u8]>,
    pub state: State,
    outcomes: Vec<Outcome>,
    /// Of a query: its id and what it found.
    result: Option<(SfId, Answer)>,
}

impl Batch {
    /// A batch of what was posted, with nothing done.
    pub fn new(context: &Context<'_>, request: Arc<[u8]>) -> Self {
        Self {
            id: context.server.jobs().next_id(b"751"),
            created: context.now,
            request,
            state: State::Completed,
            outcomes: Vec::new(),
            result: None,
        }
    }

    /// Runs a query: in this batch, or with a size in as many others as that takes.
    pub fn query(
        &mut self,
        context: &Context<'_>,
        scope: Scope,
        size: Option<usize>,
    ) -> Result<Vec<Self>, Fail> {
        let text = String::from_utf8_lossy(&self.request).into_owned();
        let org = context.server.org();
        let plan = plan(&org, &text, scope, context.asker())?;
        let rows = soql::rows(&org, &plan);
        let Output::Columns(columns) = plan.output else {
            return Ok(Vec::new());
        };
        let found = |rows: &[u32]| {
            let id = context.server.jobs().next_id(b"752");
            let answer = Answer {
                object: plan.object,
                rows: Arc::new(rows.to_vec()),
                columns: columns.clone(),
            };
            Some((id, answer))
        };
        let Some(size) = size else {
            self.result = found(&rows);
            return Ok(Vec::new());
        };
        self.state = State::NotProcessed;
        let parts = rows.chunks(size).map(|part| Self {
            result: found(part),
            ..Self::new(context, Arc::clone(&self.request))
        });
        Ok(parts.collect())
    }

    /// Saves its rows.
    pub fn save(
        &mut self,
        context: &Context<'_>,
        call: &Call,
        job: &Head,
        operation: Operation,
    ) -> Result<(), Fail> {
        let bodies = self.bodies(context, job)?;
        if bodies.len() > MOST {
            return Err(refused(
                "InvalidBatch",
                "Records not processed: more than 10000",
            ));
        }
        for chunk in bodies.chunks(CHUNK) {
            let mut org = context.server.org_mut();
            for body in chunk {
                let saved = match call.refusal(self.outcomes.len()) {
                    Some(fail) => Err((None, fail)),
                    None => {
                        let key = job.key.as_deref();
                        work::save(context, &mut org, operation, job.object, key, body.clone())
                    }
                };
                self.outcomes.push(saved);
            }
            org.commit();
        }
        Ok(())
    }

    fn bodies(&self, context: &Context<'_>, job: &Head) -> Result<Vec<Map<String, Json>>, Fail> {
        match job.form {
            Form::Json => serde_json::from_slice(&self.request)
                .map_err(|e| Fail::json(format!("Failed to parse JSON: {e}"))),
            Form::Xml => rows::bodies(&self.request),
            Form::Csv => {
                let ending = match self.request.windows(2).any(|w| w == b"\r\n") {
                    true => Ending::Crlf,
                    false => Ending::Lf,
                };
                let (header, rows) = csv::read(&self.request, Delimiter::Comma, ending)?;
                let org = context.server.org();
                let object = org.schema.at(job.object);
                work::check_header(object, &header)?;
                let body = |row: &Vec<String>| work::body(object, &header, row);
                Ok(rows.iter().map(body).collect())
            }
        }
    }

    /// Whether it could not be worked on.
    pub fn is_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// How many rows were refused.
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|o| o.is_err()).count()
    }

    /// How many rows were saved, refused or found.
    pub fn processed(&self) -> usize {
        let found = self.result.as_ref().map(|(_, answer)| answer.rows.len());
        found.unwrap_or(self.outcomes.len())
    }

    /// Its description.
    pub fn pairs(&self, job: SfId) -> Vec<(&'static str, Json)> {
        let message = match &self.state {
            State::Failed(message) => Some(message),
            _ => None,
        };
        vec![
            ("id", json!(self.id.to_string())),
            ("jobId", json!(job.to_string())),
            ("state", json!(self.state.name())),
            ("stateMessage", json!(message)),
            ("createdDate", json!(stamp_text(self.created))),
            ("systemModstamp", json!(stamp_text(self.created))),
            ("numberRecordsProcessed", json!(self.processed())),
            ("numberRecordsFailed", json!(self.failed())),
            ("totalProcessingTime", json!(self.processed())),
            ("apiActiveProcessingTime", json!(self.processed())),
            ("apexProcessingTime", json!(0)),
        ]
    }

    /// Its description when it is just posted.
    pub fn queued(&self, job: SfId) -> Vec<(&'static str, Json)> {
        let mut pairs = self.pairs(job);
        for (name, value) in &mut pairs {
            match *name {
                "state" => *value = json!("Queued"),
                "numberRecordsProcessed" | "numberRecordsFailed" => *value = json!(0),
                _ => {}
            }
        }
        pairs
    }

    /// What became of it: a list of results, or of the ids of results.
    pub fn results(&self, job: &Head, spoken: Spoken) -> Result<Reply, Fail> {
        if let State::Failed(text) = &self.state {
            return Err(refused("InvalidBatch", text));
        }
        if let Some((id, _)) = &self.result {
            let id = id.to_string();
            return Ok(match spoken {
                Spoken::Json => Reply::json(200, &json!([id])),
                Spoken::Xml => told(200, "result-list", &[("result", json!(id))], Spoken::Xml),
            });
        }
        let list = self.outcomes.iter();
        Ok(match job.form {
            Form::Json => Reply::json(200, &list.map(outcome).collect()),
            Form::Xml => {
                let all: String = list.map(|o| element("result", &outcome(o))).collect();
                rows::document("results", &all)
            }
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
                        Err((_, fail)) => line(["", "false", "false", &work::error_text(fail)]),
                    }
                }
                Reply::of(200, Content::other("text/csv", out))
            }
        })
    }

    /// The rows a query found.
    pub fn found(&self, context: &Context<'_>, job: &Head, result: &str) -> Result<Reply, Fail> {
        let id = SfId::parse(result);
        let found = self.result.as_ref();
        let found = found.filter(|(known, _)| Some(*known) == id);
        let (_, answer) = found.ok_or_else(|| refused("InvalidUrl", "the result is not known"))?;
        let org = context.server.org();
        if job.form == Form::Csv {
            let out = match answer.rows.is_empty() {
                true => NOTHING.into(),
                false => sheet(&org, answer, &answer.rows, Delimiter::Comma, Ending::Lf),
            };
            return Ok(Reply::of(200, Content::other("text/csv", out)));
        }
        let dates = match job.form {
            Form::Xml => Dates::Text,
            _ => Dates::Millis,
        };
        let table = org.table(answer.object);
        let mut out = b"[".to_vec();
        for record in answer.rows.iter().filter_map(|row| table.row(*row)) {
            if out.len() > 1 {
                out.push(b',');
            }
            let (object, columns) = (answer.object, &answer.columns);
            let version = context.version;
            write_dated(&mut out, &org, object, record, columns, version, dates);
        }
        out.push(b']');
        Ok(match job.form {
            Form::Xml => rows::found(&out),
            _ => Reply::bytes(200, out),
        })
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
