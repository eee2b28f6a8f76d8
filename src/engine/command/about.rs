//! What commands are about: parts of lists, scopes, filters, decisions.
//!
//! Plain data. Invariant: an empty filter lets all pass.

use crate::domain::conflict::{Choice, Fingerprint};
use crate::domain::id::{AppId, ConflictId, PairName, RowId, RunId};

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows to leave out.
    pub offset: usize,
    /// Rows at most.
    pub limit: usize,
}

/// One record in the conflict list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// Pair.
    pub pair: PairName,
    /// App record.
    pub app_id: AppId,
}

/// What to sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All pairs, parents first.
    All,
    /// One pair.
    Pair(PairName),
}

/// Which records of a run to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryScope {
    /// All that failed.
    All,
    /// Those with this error code.
    Code(String),
    /// These.
    Records(Vec<AppId>),
}

/// Which records in quarantine; what is empty lets all pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuarantineFilter {
    /// Of this pair.
    pub pair: Option<PairName>,
    /// With this error code.
    pub code: Option<String>,
    /// These.
    pub records: Vec<RecordKey>,
}

/// How much of each value a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Values {
    /// As much as a screen shows of it.
    #[default]
    Shown,
    /// All of it.
    Whole,
}

/// Which records are wanted as they are, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeFrom {
    /// Pair.
    pub pair: PairName,
    /// Words and `field:value`; empty for all.
    pub filter: String,
    /// Behind this record; none for the first.
    pub after: Option<AppId>,
}

/// Where a search in texts goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPlace {
    /// Pair.
    pub pair: PairName,
    /// Behind this record of it; none for its first.
    pub after: Option<AppId>,
}

/// Which staged decisions to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteScope {
    /// All.
    All,
    /// Those of these records.
    Records(Vec<RecordKey>),
}

/// So many writes of a kind, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Name of what is held, as [`crate::domain::mass::Held::name`] has it.
    pub name: String,
    /// So many at most.
    pub number: u64,
}

/// Which fields that are held; what is empty lets all pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldFilter {
    /// Of this pair.
    pub pair: Option<PairName>,
    /// Of the run that was taken back, or of the one that did it.
    pub run: Option<RunId>,
    /// Of this name, on either side.
    pub field: Option<String>,
    /// Of these records.
    pub records: Vec<RecordKey>,
}

/// How the hold of a field ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldEnd {
    /// What was put back goes to the other side.
    Propagate,
    /// What the other side has comes back.
    LetGo,
}

/// A decision on one conflict, made on the values with this fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    /// Which conflict.
    pub conflict: ConflictId,
    /// Fingerprint the person saw.
    pub fp: Fingerprint,
    /// What was decided; none takes a decision back.
    pub choice: Option<Choice>,
}

/// A field that only one side changed, in a record that has conflicts: overrules the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrule {
    /// Record.
    pub record: RecordKey,
    /// Row.
    pub row: RowId,
    /// Fingerprint the person saw.
    pub fp: Fingerprint,
    /// What was decided; none goes back to the automatic result.
    pub choice: Option<Choice>,
}
