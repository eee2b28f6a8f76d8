//! The business behind the sync, added up from what is here.

use jiff::Timestamp;

use crate::domain::id::{ObjectName, PairName};

/// How much of the records the figures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// All of them.
    Whole,
    /// They are being read, or only so many fit into memory.
    Part {
        /// Records so far.
        done: u64,
        /// Records there are.
        all: u64,
        /// Whether more will come.
        rest: Rest,
    },
}

/// What becomes of records that are not counted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// They are being read.
    Coming,
    /// They are beyond the bound of memory.
    Left,
}

/// Records of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// Pair.
    pub pair: PairName,
    /// CRM object.
    pub object: ObjectName,
    /// Live records here.
    pub records: u64,
    /// Changes that wait to be written.
    pub waiting: u64,
    /// Records with open conflicts.
    pub conflicts: u64,
    /// Records refused.
    pub refused: u64,
    /// Records made per week, oldest first; the last is the week up to today.
    pub made: Vec<u64>,
    /// When a run last ended well: the records are as they were then.
    pub as_of: Option<Timestamp>,
}

/// Opportunities by how they stand; worth in hundredths of the org's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pipeline {
    /// Open ones, and what they are worth.
    pub open: (u64, i64),
    /// Won ones.
    pub won: (u64, i64),
    /// Lost ones.
    pub lost: (u64, i64),
}

/// One value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The value, or `(none)`.
    pub label: String,
    /// Records.
    pub count: u64,
    /// What they are worth, in hundredths, where records are worth something.
    pub worth: Option<i64>,
}

/// Records by the values of one field, the most first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// CRM object.
    pub object: ObjectName,
    /// What they are counted by, such as `stage`.
    pub by: String,
    /// The values.
    pub slices: Vec<Slice>,
}

/// What the runs of a day did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayRow {
    /// Runs.
    pub runs: u64,
    /// Runs that failed as a whole.
    pub broken: u64,
    /// Records taken into the App and written to the CRM.
    pub moved: u64,
    /// Records refused.
    pub refused: u64,
    /// Conflicts found.
    pub conflicts: u64,
}

/// The dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessView {
    /// When it was added up.
    pub at: Timestamp,
    /// How much of the records it counts.
    pub counted: Counted,
    /// Objects, by pair.
    pub objects: Vec<ObjectRow>,
    /// Opportunities, when there are some.
    pub pipeline: Option<Pipeline>,
    /// Records by values.
    pub breakdowns: Vec<Breakdown>,
    /// Days, oldest first; the last is today (UTC).
    pub days: Vec<DayRow>,
}
