//! What an entry of the audit log says, and in which words it is kept.
//!
//! Plain data. Invariant: no value of a record is in it, only digests of them; a line that was
//! written once is read by every later version.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::conflict;
use crate::domain::id::{AppId, ConflictId, CrmId, FieldName, IntentId, PairName, RowId, RunId};

use super::beside::Digest;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The chain begins; its text is a random id.
    Began,
    /// Somebody signed in to the CRM.
    SignedIn,
    /// The tokens were forgotten.
    SignedOut,
    /// Pairs of a preset or a file were put in.
    Installed,
    /// A mapping was saved.
    MappingSaved,
    /// A schedule was set.
    ScheduleSet,
    /// Everything was paused.
    Paused,
    /// It goes on.
    Resumed,
    /// A decision on a conflict or a field was staged or taken back.
    Decided,
    /// An App record was linked with a CRM record by hand.
    Linked,
    /// The link of a record was ended by hand.
    Unlinked,
    /// A record was released from quarantine, to be tried again.
    Released,
    /// A run began.
    RunStarted,
    /// A run ended.
    RunEnded,
    /// Records were written, on either side.
    Wrote,
    /// Salesforce refused to write records.
    Refused,
    /// It is not known whether records were written in Salesforce.
    Unknown,
    /// Conflicts were found, or went on to another state.
    Conflicts,
    /// Records were put into quarantine, or left it.
    Quarantine,
    /// A run stopped because no more calls were let through.
    BudgetStop,
    /// A dry run made a plan.
    Planned,
    /// A run applies a plan.
    PlanApplied,
    /// Very many writes of a kind were stopped.
    Held,
    /// They were allowed, once.
    Allowed,
    /// The org that the profile belonged to was left for another one.
    OrgLeft,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, or `syncdeck`.
    pub actor: String,
    /// What happened.
    pub what: What,
    /// Pair, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairName>,
    /// Run, if it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Records that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrote: Vec<Wrote>,
    /// Conflicts that went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// Records that went into quarantine or out of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asides: Vec<Aside>,
}

/// One write of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Where.
    pub side: Place,
    /// What was done to it.
    pub did: Did,
    /// App record.
    pub app_id: AppId,
    /// CRM record, for writes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_id: Option<CrmId>,
    /// Fields that were changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldName>,
    /// The intent, for writes to the CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// Of the values that were there, as far as known: of those fields, or of the whole record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// Of the values that were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// Code of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A conflict that was found, moved, or went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The conflict.
    pub conflict: ConflictId,
    /// App record.
    pub app_id: AppId,
    /// Mapping row; none for one about the whole record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowId>,
    /// Where it stood; none for one that was found just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Stands>,
    /// Where it stands.
    pub to: Stands,
    /// Of the App's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Digest>,
    /// Of the CRM's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<Digest>,
}

/// Where a conflict stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Waits for a person.
    Pending,
    /// A decision is being written.
    Resolving,
    /// Left as it is.
    Ignored,
    /// Decided and written.
    Resolved,
    /// Decided by a rule.
    AutoResolved,
    /// Went away by itself.
    Superseded,
}

impl Stands {
    /// Of a conflict.
    pub fn of(state: &conflict::State) -> Self {
        match state {
            conflict::State::Pending => Self::Pending,
            conflict::State::Resolving => Self::Resolving,
            conflict::State::Ignored => Self::Ignored,
            conflict::State::Resolved { .. } => Self::Resolved,
            conflict::State::AutoResolved { .. } | conflict::State::ByTime { .. } => {
                Self::AutoResolved
            }
            conflict::State::Superseded { .. } => Self::Superseded,
        }
    }
}

/// A record that went into quarantine, or left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// App record.
    pub app_id: AppId,
    /// Which way.
    pub step: Step,
    /// Code of the refusal, of one that went in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Into quarantine, or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Into it.
    In,
    /// Out of it.
    Out,
}

/// A side, in the words of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The App.
    App,
    /// The CRM.
    Crm,
}

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// Made.
    Created,
    /// Fields changed.
    Changed,
    /// Removed.
    Deleted,
}
