//! The App's own records, behind a trait so that they can live elsewhere later.
//!
//! The default is [`embedded`]: in our own store, so that a record, what the engine knows of it
//! and the outbox change in one commit. Invariant: a change that a person makes and its outbox
//! entry are one commit; a change states the revision it is based on.

pub mod embedded;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{AppId, RunId, SyncKey, TableName};
use crate::domain::record::{AppRecord, Presence};
use crate::domain::value::Fields;
use crate::store::{Batch, StoreError};

/// Who changes a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Author {
    /// A person, by name; the change goes to the outbox.
    Person(String),
    /// A run; base and link change in the same commit, so nothing waits for it.
    Run(RunId),
}

/// What the record must be for a change to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Not there yet.
    New,
    /// At this revision.
    Rev(u64),
}

/// One change of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Table.
    pub table: TableName,
    /// Record.
    pub id: AppId,
    /// Compare-and-set.
    pub expect: Expect,
    /// Fields that get a value; others stay.
    pub fields: Fields,
    /// Live or deleted afterwards.
    pub presence: Presence,
    /// Our CRM key, once it is made.
    pub sync_key: Option<SyncKey>,
    /// Who.
    pub by: Author,
    /// When, App's clock.
    pub at: Timestamp,
}

/// Why a change did not apply. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// It is at another revision now.
    #[error("the record changed meanwhile (it is at revision {now})")]
    Moved {
        /// Revision now.
        now: u64,
    },
    /// There is no such record.
    #[error("there is no such record in the App")]
    Missing,
    /// There is one already.
    #[error("the App has a record with this id already")]
    Exists,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// "This record changed": the engine reads the record itself when it works on it
/// (sync-semantics 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outboxed {
    /// Revision of the latest change.
    pub rev: u64,
    /// When it was first put there.
    pub at: Timestamp,
}

/// Where App records are.
pub trait AppDb: Send + Sync {
    /// A record, tombstones included.
    fn get(&self, table: &TableName, id: &AppId) -> Result<Option<AppRecord>, StoreError>;

    /// Checks a change against the record as it is now and adds it to a batch, which makes it
    /// durable. `current` is the record as the caller's transaction sees it.
    fn stage(
        &self,
        batch: &mut Batch,
        current: Option<&AppRecord>,
        change: &Change,
    ) -> Result<AppRecord, AppError>;

    /// Takes a record out of the outbox.
    fn settle(&self, batch: &mut Batch, table: &TableName, id: &AppId);

    /// Whether a change of the record waits.
    fn waits(&self, table: &TableName, id: &AppId) -> Result<bool, StoreError>;

    /// Records with waiting changes, by id, after one of them.
    fn waiting(
        &self,
        table: &TableName,
        after: Option<&AppId>,
        limit: usize,
    ) -> Result<Vec<AppId>, StoreError>;
}
