//! Conflicts: what two sides disagree about until a person or a rule decides
//! (sync-semantics 12).
//!
//! Data and its fingerprint; the transitions are made by `engine::conflicts`. Invariant: a
//! field conflict always holds both values.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::by_time::ByTime;
use super::filter::Rows;
use super::id::{AppId, ConflictId, CrmId, PairName, RowId, RunId};
use super::mapping::Strategy;
use super::run::Word;
use super::stamp;
use super::transform::Side;
use super::value::Cell;

/// Records in conflict, as a filter can ask for them. `field`, `app` and `crm` are of all its open
/// conflicts; [`Word::Ok`] are those whose conflicts were decided.
pub fn conflict_rows() -> Rows<'static> {
    Rows {
        whose: "a conflict",
        fields: vec![
            "name", "pair", "object", "field", "app", "crm", "waits", "id",
        ],
        states: vec![
            Word::Conf,
            Word::Part,
            Word::Ready,
            Word::Del,
            Word::Run,
            Word::Hold,
            Word::Ok,
        ],
    }
}

/// What kind of disagreement it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Both sides moved away from the base and differ.
    Field,
    /// Linked for the first time, and the values differ.
    FirstLink,
    /// One side deleted the record, the other changed it.
    DeleteVsChange {
        /// The side that deleted.
        deleted: Side,
    },
    /// Several records match at the first link.
    AmbiguousMatch {
        /// The candidates.
        candidates: Vec<CrmId>,
    },
    /// A guarded write failed again and again because the record keeps moving.
    HotRecord,
    /// What is written on one side is changed there again and again (sync-semantics 2.5).
    NormaliserFight {
        /// App values, oldest first.
        app: Vec<Cell>,
        /// CRM values, oldest first.
        crm: Vec<Cell>,
    },
    /// A run was to be taken back, but somebody changed the value since (sync-semantics 15).
    Rollback {
        /// The run.
        run: RunId,
        /// Side that the run wrote.
        side: Side,
        /// Value before the run.
        before: Cell,
        /// Value that the run wrote.
        after: Cell,
    },
    /// Its CRM record was merged into one that another App record is linked with (rule R13).
    MergeCollision {
        /// The survivor.
        into: CrmId,
    },
    /// It cannot be made in the CRM: what it belongs to was deleted before it was ever there.
    ParentMissing {
        /// Pair of the parent.
        pair: PairName,
        /// App id of the parent.
        parent: AppId,
    },
    /// The App's field names a record that the CRM does not have, of an object that no pair maps.
    NoSuchParent {
        /// What was sent.
        id: String,
    },
}

impl Kind {
    /// What was found, in words that say what is so on both sides.
    pub fn cause(&self) -> String {
        match self {
            Self::Field => "both sides changed it".to_owned(),
            Self::FirstLink => "the two differ, and never were the same".to_owned(),
            Self::DeleteVsChange { deleted } => gone_and_changed(*deleted).to_owned(),
            Self::AmbiguousMatch { .. } => "whether it is the same record".to_owned(),
            Self::HotRecord => "it keeps changing in Salesforce".to_owned(),
            Self::NormaliserFight { .. } => "both systems keep changing it".to_owned(),
            Self::Rollback { run, .. } => format!("it was changed since run {run} wrote it"),
            Self::MergeCollision { .. } => {
                "merged in Salesforce into one that another App record has".to_owned()
            }
            Self::ParentMissing { .. } => "what it belongs to was deleted".to_owned(),
            Self::NoSuchParent { id } => format!("Salesforce has no {id}, which it points to"),
        }
    }

    /// What is so with several records of this kind, in words that follow their number.
    pub fn of_records(&self) -> &'static str {
        match self {
            Self::Field => "changed on both sides",
            Self::DeleteVsChange { deleted } => gone_and_changed(*deleted),
            _ => TO_DECIDE,
        }
    }
}

/// Said of records of which it is not told what was found.
pub const TO_DECIDE: &str = "to be decided";

fn gone_and_changed(deleted: Side) -> &'static str {
    match deleted {
        Side::App => "deleted in the App, changed in Salesforce",
        Side::Crm => "deleted in Salesforce, changed in the App",
    }
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a person.
    Pending,
    /// A decision is being written.
    Resolving,
    /// A person said to leave it as it is, for these values.
    Ignored,
    /// Decided and written.
    Resolved {
        /// What was decided.
        choice: Choice,
    },
    /// Decided by a rule.
    AutoResolved {
        /// The rule.
        strategy: Strategy,
        /// The side whose value stays.
        winner: Side,
    },
    /// It went away by itself.
    Superseded {
        /// How.
        how: Superseded,
    },
    /// Decided by a rule by the times of both values.
    ByTime {
        /// The rule.
        strategy: Strategy,
        /// The side whose value stays.
        winner: Side,
        /// The times (sync-semantics 13.6).
        by: ByTime,
    },
}

impl State {
    /// Whether the field is frozen on both sides (sync-semantics 12).
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Resolving | Self::Ignored)
    }

    /// Whether it was decided: then it can be taken back.
    pub fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Resolved { .. } | Self::AutoResolved { .. } | Self::ByTime { .. }
        )
    }
}

/// How a conflict went away by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Superseded {
    /// Both sides became equal.
    Converged,
    /// One side went back to the base.
    OneSided,
    /// The record was deleted, merged or unlinked.
    Record,
    /// The mapping no longer has the row, or its meaning changed.
    Mapping,
}

/// What a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// That side's value; for a delete, that side's state.
    Take(Side),
    /// The last agreed value.
    Base,
    /// A typed value, as that side would hold it.
    Typed {
        /// Whose form the value has.
        side: Side,
        /// The value, one per field of the row.
        cell: Cell,
    },
    /// Both texts, App's first (long text and lists only).
    Both,
    /// Leave it as it is.
    Ignore,
}

/// Identifies the four values a decision was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of the base pair (if any) and both current values.
    pub fn of(base: Option<(&Cell, &Cell)>, app: Option<&Cell>, crm: Option<&Cell>) -> Self {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        base.hash(&mut hasher);
        app.hash(&mut hasher);
        crm.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// FNV-1a: stable over versions and machines, unlike the standard library's hasher, because
/// fingerprints are stored.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// A decision that is made but not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// What was decided.
    pub choice: Choice,
    /// On which values.
    pub fp: Fingerprint,
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
}

/// When and by whom a side's value came about, as far as known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Origin {
    /// When.
    pub at: Option<Timestamp>,
    /// By whom, as a name.
    pub by: Option<String>,
}

/// One conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its id.
    pub id: ConflictId,
    /// Pair.
    pub pair: PairName,
    /// App record.
    pub app_id: AppId,
    /// CRM record.
    pub crm_id: Option<CrmId>,
    /// Mapping row; none for a conflict about the whole record.
    pub row: Option<RowId>,
    /// Kind.
    pub kind: Kind,
    /// Last agreed values (App's, CRM's) and when.
    pub base: Option<AgreedBase>,
    /// App value now.
    pub app: Option<Cell>,
    /// CRM value now.
    pub crm: Option<Cell>,
    /// Where the App value comes from.
    pub app_origin: Origin,
    /// Where the CRM value comes from.
    pub crm_origin: Origin,
    /// Fingerprint of the values.
    pub fp: Fingerprint,
    /// Where it stands.
    pub state: State,
    /// How often a side moved while it was open.
    pub moved: u32,
    /// Run that found it.
    pub run: RunId,
    /// When it was found.
    #[serde(with = "stamp")]
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Why the last try to write the decision failed.
    pub error: Option<String>,
    /// A decision waiting to be written.
    pub staged: Option<Staged>,
}

/// The last agreement as a conflict shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedBase {
    /// App value then.
    pub app: Cell,
    /// CRM value then.
    pub crm: Cell,
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
    /// By which run.
    pub run: RunId,
}
