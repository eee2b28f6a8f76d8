//! Bulk API 2.0: jobs on the wire (salesforce-api 6).
//!
//! Makes, asks, releases and removes jobs; [`query`] reads their rows, [`ingest`] their results.
//! When a job is the better way is decided in [`crate::crm::bulk`]. Invariant: what a job's
//! answer says is matched by values, never by position.

mod ingest;
mod query;
mod sheets;

use futures::FutureExt;
use http::Method;
use serde::Deserialize;

use super::super::bulk::Locator;
use super::super::bulk::{JobId, JobKind, JobPhase, JobResult, JobRows, JobState, JobWrite, Jobs};
use super::super::error::{CrmError, Effect};
use super::super::transport::text::tidy;
use super::super::transport::{Incoming, Reply};
use super::super::{Answer, ChangeQuery, WritePermit};
use super::Salesforce;
use super::call::Call;
use super::errors::{Intent, bad_body, no_answer, ours};
use super::write::encode;
use crate::domain::schema::ObjectInfo;

/// A longer explanation of a failed job is cut.
const MAX_MESSAGE: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: String,
    state: String,
    #[serde(default)]
    number_records_processed: Option<u64>,
    #[serde(default)]
    number_records_failed: Option<u64>,
    #[serde(default)]
    error_message: Option<String>,
}

/// Reads the description of a job.
fn job(reply: &Reply, intent: Intent) -> Result<(JobId, JobState), CrmError> {
    let job: Job =
        serde_json::from_slice(&reply.body).map_err(|_| bad_body(reply, intent, "not a job"))?;
    let id = JobId::new(&job.id).ok_or_else(|| bad_body(reply, intent, "not the id of a job"))?;
    let phase = match job.state.as_str() {
        "Open" => JobPhase::Open,
        "UploadComplete" | "InProgress" => JobPhase::Working,
        "JobComplete" => JobPhase::Done,
        "Aborted" => JobPhase::Aborted,
        "Failed" => {
            let said = job.error_message.unwrap_or_default();
            JobPhase::Failed(tidy(&said, MAX_MESSAGE))
        }
        _ => return Err(bad_body(reply, intent, "a job in an unknown state")),
    };
    let state = JobState {
        phase,
        processed: job.number_records_processed.unwrap_or_default(),
        failed: job.number_records_failed.unwrap_or_default(),
    };
    Ok((id, state))
}

impl JobKind {
    fn resource(self) -> &'static str {
        match self {
            Self::Read => "jobs/query",
            Self::Write => "jobs/ingest",
        }
    }
}

impl Salesforce {
    fn job_path(&self, kind: JobKind, job: &JobId, rest: &str) -> String {
        self.path(&format!("{}/{}{rest}", kind.resource(), job.as_str()))
    }

    /// Makes a job. A lost answer leaves one behind that does nothing and is removed by the org.
    async fn make_job(&self, kind: JobKind, body: &serde_json::Value) -> Result<JobId, CrmError> {
        let call = Call::with_body(Method::POST, self.path(kind.resource()), encode(body)?);
        self.call(&call, Intent::Read, |reply| {
            job(reply, Intent::Read).map(|(id, _)| id)
        })
        .await
    }

    async fn set_state(
        &self,
        kind: JobKind,
        id: &JobId,
        state: &str,
        intent: Intent,
    ) -> Result<(), CrmError> {
        let body = encode(&serde_json::json!({ "state": state }))?;
        let call = Call::with_body(Method::PATCH, self.job_path(kind, id, ""), body);
        self.call(&call, intent, |reply| job(reply, intent).map(drop))
            .await
    }
}

/// Goes through a CSV while it comes, record by record.
async fn read_csv<F>(incoming: &mut Incoming, mut each: F) -> Result<(), CrmError>
where
    F: FnMut(sheets::Record<'_>) -> Result<(), Unfit> + Send,
{
    let mut reader = sheets::Reader::default();
    let unreadable =
        |incoming: &Incoming, error: Unfit| bad_body(&incoming.bare(), Intent::Read, &error.0);
    while let Some(piece) = incoming
        .chunk()
        .await
        .map_err(|failure| no_answer(failure, Intent::Read))?
    {
        reader
            .take(&piece, &mut each)
            .map_err(|error| unreadable(incoming, error))?;
    }
    reader
        .finish()
        .map_err(|error| unreadable(incoming, error.into()))
}

/// Why a record of a CSV is not what was asked for.
struct Unfit(String);

impl From<sheets::CsvError> for Unfit {
    fn from(error: sheets::CsvError) -> Self {
        Self(error.to_string())
    }
}

impl From<&str> for Unfit {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// A result that does not fit its job.
fn does_not_fit(what: &str) -> CrmError {
    ours("row_count", what, "", Effect::None)
}

impl Jobs for Salesforce {
    fn start_read<'a>(&'a self, query: &'a ChangeQuery) -> Answer<'a, JobId> {
        self.make_query(query).boxed()
    }

    fn read_rows<'a>(
        &'a self,
        query: &'a ChangeQuery,
        job: &'a JobId,
        from: Option<&'a Locator>,
        most: usize,
    ) -> Answer<'a, JobRows> {
        self.query_rows(query, job, from, most).boxed()
    }

    fn open_write<'a>(&'a self, object: &'a ObjectInfo, write: JobWrite<'a>) -> Answer<'a, JobId> {
        self.make_ingest(object, write).boxed()
    }

    fn release_write<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        job: &'a JobId,
        write: JobWrite<'a>,
    ) -> Answer<'a, ()> {
        self.upload(permit, object, job, write).boxed()
    }

    fn results<'a>(
        &'a self,
        object: &'a ObjectInfo,
        job: &'a JobId,
        write: JobWrite<'a>,
    ) -> Answer<'a, Vec<JobResult>> {
        self.ingest_results(object, job, write).boxed()
    }

    fn job_state<'a>(&'a self, kind: JobKind, id: &'a JobId) -> Answer<'a, JobState> {
        async move {
            let call = Call::get(self.job_path(kind, id, ""));
            self.call(&call, Intent::Read, |reply| {
                match job(reply, Intent::Read)? {
                    (found, state) if found == *id => Ok(state),
                    _ => Err(bad_body(reply, Intent::Read, "another job")),
                }
            })
            .await
        }
        .boxed()
    }

    fn abort<'a>(&'a self, kind: JobKind, job: &'a JobId) -> Answer<'a, ()> {
        self.set_state(kind, job, "Aborted", Intent::Read).boxed()
    }

    fn remove<'a>(&'a self, kind: JobKind, job: &'a JobId) -> Answer<'a, ()> {
        async move {
            let call = Call {
                method: Method::DELETE,
                ..Call::get(self.job_path(kind, job, ""))
            };
            self.call(&call, Intent::Read, |_| Ok(())).await
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use proptest::prelude::*;

    use super::*;

    fn reply(body: &[u8]) -> Reply {
        Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body),
            request: "r".into(),
        }
    }

    #[test]
    fn states_of_a_job() {
        let at = |state: &str| {
            let body = format!(
                r#"{{"id":"7505e000003zXyZAAU","state":"{state}","numberRecordsProcessed":7,"errorMessage":null,"apiVersion":67.0}}"#
            );
            job(&reply(body.as_bytes()), Intent::Read).map(|(_, state)| state.phase)
        };
        assert_eq!(at("UploadComplete").unwrap(), JobPhase::Working);
        assert_eq!(at("JobComplete").unwrap(), JobPhase::Done);
        assert_eq!(at("Failed").unwrap(), JobPhase::Failed(String::new()));
        assert_eq!(at("Resting").unwrap_err().code, "bad_body");
        let elsewhere = br#"{"id":"../limits","state":"Open"}"#;
        assert!(job(&reply(elsewhere), Intent::Read).is_err());
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(body in proptest::collection::vec(any::<u8>(), 0..120), cut in 0usize..90) {
            let _ = job(&reply(&body), Intent::Read);
            let real = br#"{"id":"7505e000003zXyZAAU","state":"InProgress","numberRecordsProcessed":1}"#;
            let cut = cut.min(real.len());
            prop_assert_eq!(job(&reply(&real[..cut]), Intent::Read).is_ok(), cut == real.len());
        }
    }
}
