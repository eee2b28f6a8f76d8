//! Jobs that the CRM works on by itself: reading a whole window, writing many records
//! (salesforce-api 6), and when they are the better way.
//!
//! Types and pure rules; the wire is `salesforce::bulk`. Invariant: a job that writes touches no
//! record before it is released, and afterwards tells of each of its records exactly once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Answer, ApiUsage, ChangeQuery, CrmError, CrmRow, MAX_COLLECTION, UpdateRow, WritePermit,
    WriteResult,
};
use crate::domain::id::FieldName;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::{Fields, Value};

/// A job's id as the CRM gave it. Durable: a job outlives the process by days.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobId(String);

impl JobId {
    /// An id that can stand in a path; none for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let fits = matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the next rows of a job's result are. Valid as long as the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locator(pub String);

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobPhase {
    /// Made, not released: no record is touched, and none will be before it is.
    Open,
    /// Released; waits or is worked on.
    Working,
    /// Over; its results can be read.
    Done,
    /// Over by a fault, in the CRM's words. What was done is in its results.
    Failed(String),
    /// Given up. What was done is in its results.
    Aborted,
}

/// A job as the CRM describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// How far.
    pub phase: JobPhase,
    /// Records it is done with.
    pub processed: u64,
    /// How many of them failed.
    pub failed: u64,
}

/// Some rows of a job's result, in no order.
#[derive(Debug)]
pub struct JobRows {
    /// The rows.
    pub rows: Vec<CrmRow>,
    /// Where the next ones are, if there are any.
    pub next: Option<Locator>,
}

/// Records that a job writes. All of one kind, without a condition: what needs a guard goes as a
/// composite call (sync-semantics 8.2).
#[derive(Debug, Clone, Copy)]
pub enum JobWrite<'a> {
    /// Inserts; the field is unique and has a different value in each row, by which the results
    /// are told apart.
    Create(&'a FieldName, &'a [Fields]),
    /// Changes, each record once.
    Update(&'a [UpdateRow]),
    /// Inserts or changes by this external id, a different one in each row.
    Upsert(&'a FieldName, &'a [Fields]),
}

impl JobWrite<'_> {
    /// Number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Create(_, rows) | Self::Upsert(_, rows) => rows.len(),
            Self::Update(rows) => rows.len(),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What became of one record of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobResult {
    /// The CRM took it up: written, or refused with the reason.
    Told(WriteResult),
    /// The job ended before it; certainly not written.
    NotReached,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Reads.
    Read,
    /// Writes.
    Write,
}

/// The part of a CRM that works by jobs. Nothing here waits for a job: the caller asks
/// [`Jobs::job_state`] with [`pause`]s in between.
pub trait Jobs: Send + Sync {
    /// Starts a job that reads a window in no order, deleted records included.
    fn start_read<'a>(&'a self, query: &'a ChangeQuery) -> Answer<'a, JobId>;

    /// Rows of a finished job that reads, at most `most`. The query is the one it was made with.
    /// The rows are as old as the job.
    fn read_rows<'a>(
        &'a self,
        query: &'a ChangeQuery,
        job: &'a JobId,
        from: Option<&'a Locator>,
        most: usize,
    ) -> Answer<'a, JobRows>;

    /// Makes a job that writes. No record is touched before [`Jobs::release_write`], so its id
    /// can be made durable in between.
    fn open_write<'a>(&'a self, object: &'a ObjectInfo, write: JobWrite<'a>) -> Answer<'a, JobId>;

    /// Fills the job and releases it, once. After an error [`Jobs::job_state`] says whether it was
    /// released.
    fn release_write<'a>(
        &'a self,
        permit: WritePermit,
        object: &'a ObjectInfo,
        job: &'a JobId,
        write: JobWrite<'a>,
    ) -> Answer<'a, ()>;

    /// What became of every record of a job that is over, in the order of `write`, which is the
    /// one that was released.
    fn results<'a>(
        &'a self,
        object: &'a ObjectInfo,
        job: &'a JobId,
        write: JobWrite<'a>,
    ) -> Answer<'a, Vec<JobResult>>;

    /// How far a job is. One that the CRM no longer knows is an error for which [`gone`] holds.
    fn job_state<'a>(&'a self, kind: JobKind, job: &'a JobId) -> Answer<'a, JobState>;

    /// Gives a job up. What it did stays done.
    fn abort<'a>(&'a self, kind: JobKind, job: &'a JobId) -> Answer<'a, ()>;

    /// Removes a job that is over, with its results.
    fn remove<'a>(&'a self, kind: JobKind, job: &'a JobId) -> Answer<'a, ()>;
}

/// Whether an error says that a job, or the place in its result, is not there any more.
pub fn gone(error: &CrmError) -> bool {
    matches!(
        error.code.to_ascii_uppercase().as_str(),
        "INVALIDJOB" | "INVALIDJOBSTATE" | "APIVERSIONMISMATCH" | "NOT_FOUND"
    )
}

/// How a lot of records is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadWay {
    /// Query pages: quick to begin, a call for every 2,000 records.
    Pages,
    /// A job: slow to begin, few calls.
    Job,
}

/// Records of a query page (salesforce-api 2.4).
const PAGE: u64 = 2_000;
/// Records of a page of results. A page is in memory as rows.
const JOB_PAGE: usize = 10_000;
/// Calls around a job's results: to make it, to ask how far it is, to remove it.
const AROUND: u64 = 15;
/// From here on a job is quicker, too: sweeps of sync-semantics 4.4.
const QUICKER: u64 = 50_000;
/// Below, a job saves nothing worth its wait (salesforce-api 6.2).
const WORTH: u64 = 2 * PAGE;
/// A read may take this part of the calls that are left, as a divisor.
const SHARE: u64 = 10;

/// When jobs read, and how much of their results at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadSizes {
    /// Records from which a job is quicker than pages.
    pub from: u64,
    /// Records of a page of results.
    pub page: usize,
}

impl Default for ReadSizes {
    fn default() -> Self {
        Self {
            from: QUICKER,
            page: JOB_PAGE,
        }
    }
}

/// How to read so many records with so many calls left. Unknown usage is no reason to save.
pub fn read_way(records: u64, usage: Option<ApiUsage>, sizes: ReadSizes) -> ReadWay {
    let pages = records.div_ceil(PAGE);
    let job = AROUND + records.div_ceil(sizes.page.max(1) as u64);
    if records >= sizes.from || (records >= WORTH && job < pages && dear(pages, usage)) {
        ReadWay::Job
    } else {
        ReadWay::Pages
    }
}

/// How a lot of records is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteWay {
    /// Collections: quick, a call for every 200 records.
    Calls,
    /// A job: slow to begin, few calls.
    Job,
}

/// From here on a job writes (sync-semantics 7.6).
const MANY: u64 = 10_000;
/// Below, calls that are short are no reason for a job (salesforce-api 6.2).
const WORTH_WRITING: u64 = 2_000;

/// When jobs write, and how much each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteSizes {
    /// Records from which a job is used in any case.
    pub from: u64,
    /// Records of a job at most. Its rows are in memory while they are sent.
    pub records: usize,
    /// Bytes of a job at most, as [`weight`] counts them; far below what the CRM takes.
    pub bytes: usize,
}

impl Default for WriteSizes {
    fn default() -> Self {
        Self {
            from: MANY,
            records: 20_000,
            bytes: 40_000_000,
        }
    }
}

/// How to write so many records with so many calls left. Unknown usage is no reason to save.
pub fn write_way(records: u64, usage: Option<ApiUsage>, sizes: WriteSizes) -> WriteWay {
    let calls = records.div_ceil(MAX_COLLECTION as u64);
    let worth = records >= WORTH_WRITING && AROUND < calls;
    if records >= sizes.from || (worth && dear(calls, usage)) {
        WriteWay::Job
    } else {
        WriteWay::Calls
    }
}

/// Whether so many calls are too large a part of those that are left.
fn dear(calls: u64, usage: Option<ApiUsage>) -> bool {
    let left = usage.map(|usage| usage.max.saturating_sub(usage.used));
    left.is_some_and(|left| calls > left / SHARE)
}

/// What stands for null in a job; a text of these signs cannot be sent by one (salesforce-api 6.1).
pub const NULL: &str = "#N/A";
/// Characters of a field, and of a record, that a job takes (salesforce-api 6.1).
const MAX_FIELD: usize = 131_072;
const MAX_RECORD: usize = 400_000;

/// Whether a job can take a record with these values.
pub fn fits(fields: &Fields) -> bool {
    // Bytes, which are never fewer than characters.
    let sayable = |value: &Value| match value {
        Value::Text(text) => text != NULL,
        Value::Set(items) => items.iter().all(|item| item != NULL),
        _ => true,
    };
    fields
        .values()
        .all(|value| sayable(value) && length(value) <= MAX_FIELD)
        && fields.values().map(length).sum::<usize>() <= MAX_RECORD
}

/// Bytes that a record takes in an upload, at most but for columns that only others fill.
pub fn weight(fields: &Fields) -> usize {
    // An id, and values of which each sign may be a quote, which is doubled.
    20 + fields.values().map(|v| 2 * length(v) + 3).sum::<usize>()
}

/// Bytes of a value, at most.
fn length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Set(items) => items.iter().map(|item| item.len() + 1).sum(),
        _ => 40,
    }
}

/// The pause before a job is asked again, after so many times.
pub fn pause(asked: u32) -> Duration {
    let millis = 50_u64 << asked.min(9);
    Duration::from_millis(millis).min(Duration::from_secs(20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(calls: u64) -> Option<ApiUsage> {
        Some(ApiUsage {
            used: 100_000 - calls,
            max: 100_000,
        })
    }

    #[test]
    fn how_a_window_is_read() {
        use ReadWay::{Job, Pages};
        for (records, usage, way) in [
            (0, None, Pages),
            (1_999, left(1), Pages),
            (49_999, None, Pages),
            (50_000, None, Job),
            (1_000_000, left(90_000), Job),
            // 20 calls of 2,000 left are nothing; of 100 they are too much.
            (40_000, left(2_000), Pages),
            (40_000, left(100), Job),
            // Below what a job itself takes it saves no calls.
            (20_000, left(10), Pages),
            (3_000, left(0), Pages),
            (
                40_000,
                Some(ApiUsage {
                    used: 120,
                    max: 100,
                }),
                Job,
            ),
        ] {
            assert_eq!(
                read_way(records, usage, ReadSizes::default()),
                way,
                "{records} {usage:?}"
            );
        }
    }

    #[test]
    fn how_records_are_written() {
        use WriteWay::{Calls, Job};
        for (records, usage, way) in [
            (0, None, Calls),
            (9_999, None, Calls),
            (10_000, None, Job),
            (100_000, left(90_000), Job),
            // 30 calls of 2,000 left are nothing; of 200 they are too much.
            (6_000, left(2_000), Calls),
            (6_000, left(200), Job),
            // Below what a job itself takes it saves no calls.
            (3_000, left(0), Calls),
        ] {
            assert_eq!(
                write_way(records, usage, WriteSizes::default()),
                way,
                "{records} {usage:?}"
            );
        }
    }

    #[test]
    fn what_a_job_cannot_say_goes_without_one() {
        let record = |text: String| -> Fields { [("Title".into(), Value::Text(text))].into() };
        assert!(fits(&record("N/A".to_owned())));
        assert!(fits(&[("Title".into(), Value::Null)].into()));
        assert!(!fits(&record(NULL.to_owned())));
        assert!(!fits(&record("x".repeat(MAX_FIELD + 1))));
        let long = |n: usize| {
            (
                format!("F{n}").as_str().into(),
                Value::Text("x".repeat(MAX_FIELD)),
            )
        };
        assert!(fits(&(0..3).map(long).collect()));
        assert!(!fits(&(0..4).map(long).collect()));
        assert!(weight(&record("\"".repeat(50))) >= 102);
    }

    #[test]
    fn pauses_grow_and_end_growing() {
        let all: Vec<_> = (0..40).map(pause).collect();
        assert!(all.is_sorted());
        assert_eq!(all.first(), Some(&Duration::from_millis(50)));
        assert_eq!(all.last(), Some(&Duration::from_secs(20)));
    }

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        assert!(JobId::new("7505e000003zXyZAAU").is_some());
        for bad in ["", "../../limits", "7505e000003zXyZ/?x", "7505e00"] {
            assert!(JobId::new(bad).is_none(), "{bad}");
        }
    }
}
