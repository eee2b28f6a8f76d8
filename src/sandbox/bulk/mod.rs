//! Bulk jobs (salesforce-api section 6): their state, shared by Bulk 2.0 and Bulk 1.
//!
//! [`ingest`] and [`query`] speak Bulk 2.0, [`one`] speaks Bulk 1, [`work`] saves rows.
//! Invariant: a job's rows are saved once, in chunks of 200 that become visible one by one.

mod csv;
pub mod ingest;
mod jobs;
pub mod one;
pub mod query;
pub mod told;
pub mod work;

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value as Json, json};

use super::{
    dml::Assign,
    fail::Fail,
    faults::Rows,
    ids::SfId,
    org::Row,
    schema::ObjIx,
    soql::{Columns, Scope},
    time::stamp_text,
};
pub use csv::{Delimiter, Ending};
pub use jobs::{Jobs, Pace, Sort};
pub use work::{Operation, Outcome};

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Aborted,
    Failed,
}

impl State {
    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Aborted => "Aborted",
            Self::Failed => "Failed",
        }
    }
    /// Whether nothing happens to it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::JobComplete | Self::Aborted | Self::Failed)
    }
}

/// What a query job found.
#[derive(Debug, Clone)]
pub struct Answer {
    pub object: ObjIx,
    pub rows: Arc<Vec<Row>>,
    pub columns: Columns,
}

/// What a job does.
#[derive(Debug, Clone)]
pub enum Task {
    Ingest {
        operation: Operation,
        object: ObjIx,
        /// Field of an upsert.
        key: Option<String>,
        /// As it was uploaded.
        data: Option<Bytes>,
        header: Vec<String>,
        /// Each row as it was sent, with its outcome; none: not tried.
        rows: Vec<(Vec<String>, Option<Outcome>)>,
        /// Whether assignment rules run, as with `assignmentRuleId`.
        assign: Assign,
        /// A fault of some of them.
        refused: Option<Rows>,
    },
    Query {
        text: String,
        scope: Scope,
        answer: Option<Answer>,
    },
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: SfId,
    pub user: SfId,
    pub version: &'static str,
    pub state: State,
    pub object: String,
    pub delimiter: Delimiter,
    pub ending: Ending,
    pub created: i64,
    pub changed: i64,
    pub message: Option<String>,
    pub task: Task,
}

impl Job {
    /// The description that every call gives.
    pub fn json(&self) -> Json {
        let mut json = json!({
            "id": self.id.to_string(),
            "operation": self.operation(),
            "object": self.object,
            "createdById": self.user.to_string(),
            "createdDate": stamp_text(self.created),
            "systemModstamp": stamp_text(self.changed),
            "state": self.state.name(),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": self.version.parse::<f64>().unwrap_or_default(),
            "lineEnding": self.ending.name(),
            "columnDelimiter": self.delimiter.name(),
        });
        if let Task::Ingest { key, .. } = &self.task {
            json["contentUrl"] = json!(format!(
                "services/data/v{}/jobs/ingest/{}/batches",
                self.version, self.id
            ));
            if let Some(key) = key {
                json["externalIdFieldName"] = json!(key);
            }
        }
        json
    }

    /// The description with what was done so far.
    pub fn full_json(&self) -> Json {
        let mut json = self.json();
        let (kind, done, failed) = match &self.task {
            Task::Ingest { rows, .. } => {
                let tried = rows.iter().filter_map(|(_, o)| o.as_ref());
                let failed = tried.clone().filter(|o| o.is_err()).count();
                ("V2Ingest", tried.count(), failed)
            }
            Task::Query { answer, .. } => {
                ("V2Query", answer.as_ref().map_or(0, |a| a.rows.len()), 0)
            }
        };
        json["jobType"] = json!(kind);
        json["numberRecordsProcessed"] = json!(done);
        if kind == "V2Ingest" {
            json["numberRecordsFailed"] = json!(failed);
            json["apiActiveProcessingTime"] = json!(done);
            json["apexProcessingTime"] = json!(0);
        }
        json["retries"] = json!(0);
        json["totalProcessingTime"] = json!(done);
        json["isPkChunkingSupported"] = json!(false);
        if let Some(message) = &self.message {
            json["errorMessage"] = json!(message);
        }
        json
    }

    fn operation(&self) -> &'static str {
        match &self.task {
            Task::Ingest { operation, .. } => operation.name(),
            Task::Query {
                scope: Scope::Live, ..
            } => "query",
            Task::Query { .. } => "queryAll",
        }
    }
}

/// Where a page begins that a locator names; the first without one.
fn page_at(locator: Option<&str>) -> Result<usize, Fail> {
    let Some(text) = locator.filter(|l| !l.is_empty()) else {
        return Ok(0);
    };
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let start = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    start.ok_or_else(|| Fail::new("INVALIDJOB", "InvalidJob : Invalid locator"))
}

/// The locator of the page that begins at a place.
fn locator(at: usize) -> String {
    BASE64URL_NOPAD.encode(at.to_string().as_bytes())
}
