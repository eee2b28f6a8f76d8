//! Writes that are decided, as the journal keeps them (sync-semantics 8.1).
//!
//! Layout only. Invariant: an intent says all that is needed to find out whether it happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::conflict::Conflict;
use crate::domain::id::{AppId, ConflictId, CrmId, IntentId, PairName, RowId, RunId, SyncKey};
use crate::domain::value::{Cell, Fields};

/// What an intent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// Inserts, with our unique key.
    Create,
    /// Changes fields.
    Update,
    /// Deletes.
    Delete,
}

/// Where an intent stands (sync-semantics 8.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntentState {
    /// May have been sent.
    Sending {
        /// When, by the server's clock.
        at: Timestamp,
    },
    /// Unknown whether it happened; until then nothing different is written.
    Held {
        /// When it was sent, by the server's clock.
        at: Timestamp,
        /// End of the hold, by the same.
        until: Timestamp,
    },
}

/// A row that an intent agrees on when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Row.
    pub row: RowId,
    /// App value.
    pub app: Cell,
    /// CRM value as sent, canonical; of a text that comes back to the App, what was there before
    /// lines were appended.
    pub crm: Cell,
}

/// A write decided and made durable before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// Run.
    pub run: RunId,
    /// Pair.
    pub pair: PairName,
    /// App record.
    pub app_id: AppId,
    /// CRM record, unless it creates one.
    pub crm_id: Option<CrmId>,
    /// Our key, for a create.
    pub sync_key: Option<SyncKey>,
    /// What it does.
    pub op: Op,
    /// Fields it sends.
    pub fields: Fields,
    /// Rows that agree once it is applied.
    pub agreed: Vec<Agreed>,
    /// App revision it was planned on.
    pub app_rev: u64,
    /// Precondition: LastModifiedDate of the observation.
    pub unmodified_since: Option<Timestamp>,
    /// State.
    pub state: IntentState,
    /// Conflicts it resolves.
    pub resolves: Vec<ConflictId>,
    /// App fields that change when it is applied (decisions only).
    pub app_fields: Fields,
    /// Entries for the conflict log: moved values that a rule overwrites with this write.
    pub auto: Vec<Conflict>,
}
