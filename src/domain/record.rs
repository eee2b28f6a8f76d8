//! Records as each side has them, and the link between the two (sync-semantics 1, 3).
//!
//! Plain data. Invariant: a [`Link`] in state `Active` has a CRM id.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::filter::Rows;
use super::id::{AppId, CrmId, FieldName, PairName, RowId, RunId, SyncKey, TableName};
use super::run::Word;
use super::stamp;
use super::value::{Cell, Fields};

/// Fields of a record that no table has.
const OWN_FIELDS: [&str; 3] = ["id", "crm_id", HELD];

/// What a record says of itself where one of its fields is held since a run was taken back: `yes`
/// with the run, or `no`.
pub const HELD: &str = "held";

/// States of a record that nobody has to deal with and nothing is on its way for: its link says which.
pub const AT_REST: [Word; 7] = [
    Word::Ok,
    Word::Wait,
    Word::Hold,
    Word::Warn,
    Word::App,
    Word::Crm,
    Word::Off,
];
/// The others.
const BUSY: [Word; 6] = [
    Word::Conf,
    Word::Part,
    Word::Ready,
    Word::Del,
    Word::Run,
    Word::Fail,
];

/// Records of a table with these fields, as a filter can ask for them.
pub fn record_rows<'a>(table: &'a TableName, fields: impl Iterator<Item = &'a str>) -> Rows<'a> {
    Rows {
        whose: table.as_str(),
        fields: fields.chain(OWN_FIELDS).collect(),
        states: AT_REST.iter().chain(&BUSY).copied().collect(),
    }
}

/// Whether a record is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is there.
    #[default]
    Live,
    /// It was deleted; we keep the tombstone.
    Deleted,
}

/// A record of the App.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRecord {
    /// Its id.
    pub id: AppId,
    /// Table it is in.
    pub table: TableName,
    /// Counts up by one with each change; the base of compare-and-set.
    pub rev: u64,
    /// Values.
    pub fields: Fields,
    /// When each field last changed (App's clock).
    #[serde(with = "stamp::map")]
    pub changed_at: BTreeMap<FieldName, Timestamp>,
    /// Who changed it last: a person's name, or `sync`.
    pub changed_by: String,
    /// Fields whose value a person typed, with the person's name; what a run writes leaves none.
    pub typed_by: BTreeMap<FieldName, String>,
    /// When it was made.
    #[serde(with = "stamp")]
    pub created_at: Timestamp,
    /// When anything last changed.
    #[serde(with = "stamp")]
    pub updated_at: Timestamp,
    /// Live or a tombstone.
    pub presence: Presence,
    /// Our key in the CRM; made before the first create intent, never shown as data.
    pub sync_key: Option<SyncKey>,
}

/// What became of a record on the CRM side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum CrmPresence {
    /// It is there.
    #[default]
    Live,
    /// In the recycle bin or gone, with evidence (sync-semantics 4.4).
    Deleted,
    /// Merged into another record.
    Merged(CrmId),
    /// A lead that was converted.
    Converted,
}

/// Where an observation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The window poll.
    Poll,
    /// Read after our own write.
    ReadBack,
    /// Read on purpose (a person, a guard, a probe).
    Probe,
}

/// A CRM record as we last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Its id.
    pub id: CrmId,
    /// Values of the fields we asked for.
    pub fields: Fields,
    /// SystemModstamp.
    #[serde(with = "stamp")]
    pub stamp: Timestamp,
    /// LastModifiedDate, which the write guard compares.
    #[serde(with = "stamp")]
    pub modified: Timestamp,
    /// LastModifiedById.
    pub modified_by: Option<CrmId>,
    /// Server's time of the answer that held it (Date header).
    #[serde(with = "stamp")]
    pub seen_at: Timestamp,
    /// How we got it.
    pub source: Source,
    /// Live, deleted, merged or converted.
    pub presence: CrmPresence,
}

/// The values both sides had when they last agreed (sync-semantics 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasePair {
    /// App side.
    pub app: Cell,
    /// CRM side.
    pub crm: Cell,
    /// Settled by a read, or only sent so far (sync-semantics 2.4).
    pub standing: Standing,
    /// When it was agreed.
    #[serde(with = "stamp")]
    pub at: Timestamp,
    /// By which run.
    pub run: RunId,
}

impl BasePair {
    /// Whether the App is still to get what the CRM holds.
    pub fn is_owed(&self) -> bool {
        self.standing == Standing::Owed
    }
}

/// Whether the CRM half of a base has been seen in the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Seen.
    Settled,
    /// Sent and acknowledged, not read back.
    Provisional,
    /// Lines were appended there, and the whole text has not come back to the App since: what is
    /// seen there next is what the App is to hold (sync-semantics 20). Kept behind the others, which
    /// older stores have.
    Owed,
}

/// Bases of a link, by mapping row.
pub type Bases = BTreeMap<RowId, BasePair>;

/// How a link stands (sync-semantics 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Not in the CRM yet.
    Unlinked,
    /// Both sides exist.
    Active,
    /// Waits for a parent that is not linked yet.
    WaitingParent,
    /// Deleted in the App; policy decided.
    AppDeleted,
    /// Deleted in the CRM; policy decided.
    CrmDeleted,
    /// A converted lead: read, not written.
    Converted,
    /// It left the pair's filter, and rests until it comes back.
    OutOfScope,
    /// Nothing more to do.
    Closed,
    /// It cannot be read, and nothing says that it was deleted: nothing is written until it is
    /// shown again (rule R17).
    Unreachable,
}

impl LinkState {
    /// Whether nothing of the App is sent, whatever changes there.
    pub fn rests(&self) -> bool {
        match self {
            Self::Converted | Self::OutOfScope | Self::Closed | Self::Unreachable => true,
            Self::Unlinked
            | Self::Active
            | Self::WaitingParent
            | Self::AppDeleted
            | Self::CrmDeleted => false,
        }
    }
}

/// One record pair: everything that is known about it except the App's own copy.
///
/// Kept as one stored value so that observation, base and state change in one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Pair it belongs to.
    pub pair: PairName,
    /// App record.
    pub app_id: AppId,
    /// CRM record, once there is one.
    pub crm_id: Option<CrmId>,
    /// Key in the CRM's external id field.
    pub sync_key: Option<SyncKey>,
    /// State.
    pub state: LinkState,
    /// Last observation of the CRM record.
    pub seen: Option<Observation>,
    /// Agreed values.
    pub bases: Bases,
    /// Revision of the App record the last reconcile saw.
    pub app_rev: u64,
    /// Mapping version the last reconcile used.
    pub mapping_version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that the versions before wrote, by what they meant.
    #[test]
    fn bases_of_older_stores_stand_as_they_did() {
        let old: [(&[u8], Standing); 2] =
            [(&[0], Standing::Settled), (&[1], Standing::Provisional)];
        for (bytes, meant) in old {
            assert_eq!(postcard::from_bytes::<Standing>(bytes).unwrap(), meant);
            assert_eq!(postcard::to_stdvec(&meant).unwrap(), bytes);
        }
    }
}
