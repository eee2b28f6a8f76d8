//! What is kept of jobs that read or write very many records in Salesforce.
//!
//! Layout only. Invariant: a job is found again after a restart by what stands here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Op;
use crate::crm::bulk::{JobId, Locator};
use crate::domain::id::{CrmId, FieldName, IntentId, SyncKey};

/// A job that reads an open window, and how far its result was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadJob {
    /// The job.
    pub job: JobId,
    /// Beginning of the window it belongs to.
    pub began: Timestamp,
    /// Mapping version it reads with.
    pub mapping_version: u32,
    /// The rows that come next.
    pub next: NextRows,
}

/// Which rows of a job's result come next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NextRows {
    /// The first.
    First,
    /// Those at this place.
    At(Locator),
    /// None; all were taken in.
    End,
}

/// A job that writes, from its first collected record until every one has an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteJob {
    /// What it does with all of its records.
    pub op: JobOp,
    /// How far it is.
    pub stage: JobStage,
}

/// What a job does with its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobOp {
    /// Inserts them, told apart by our key in this field.
    Create(FieldName),
    /// Changes them.
    Update,
}

impl JobOp {
    /// What its intents do.
    pub fn op(&self) -> Op {
        match self {
            Self::Create(_) => Op::Create,
            Self::Update => Op::Update,
        }
    }
}

/// How far a job that writes is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStage {
    /// Its records are being collected. None of them was sent.
    Collected,
    /// The CRM has it, and may have it released.
    Made {
        /// Its id there.
        job: JobId,
        /// When it was made.
        at: Timestamp,
    },
}

/// A record of a job that writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its intent.
    pub intent: IntentId,
    /// What tells it apart in the results.
    pub key: RowKey,
}

/// What tells a record of a job apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowKey {
    /// The id of a record that is changed.
    Crm(CrmId),
    /// Our key in a record that is made.
    Own(SyncKey),
}
