//! What a search over everything local found.

use jiff::Timestamp;

use super::super::command::{RecordKey, TextPlace};
use super::business::Counted;
use crate::domain::id::{CrmId, ObjectName, PairName, RowId, RunId};
use crate::domain::run::Word;

/// Hits of one kind: the best, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits<T> {
    /// The best of them.
    pub rows: Vec<T>,
    /// All.
    pub total: u64,
}

impl<T> Default for Hits<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            total: 0,
        }
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHit {
    /// Which.
    pub key: RecordKey,
    /// Its name.
    pub name: String,
    /// CRM object.
    pub object: String,
    /// State.
    pub word: Word,
    /// The value that was found, when it is not the name.
    pub found: String,
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictHit {
    /// Which record.
    pub key: RecordKey,
    /// Its name.
    pub name: String,
    /// The field, or `whole record`.
    pub field: String,
    /// How the conflicts of the record stand, as in their list.
    pub word: Word,
    /// A value of it.
    pub found: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHit {
    /// Which.
    pub id: RunId,
    /// `Contact <-> people`.
    pub title: String,
    /// State.
    pub word: Word,
    /// Start.
    pub at: Timestamp,
    /// Why it failed, if it did.
    pub found: String,
}

/// A row of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingHit {
    /// Pair.
    pub pair: PairName,
    /// Row; none for the pair itself.
    pub row: Option<RowId>,
    /// `Contact <-> people`.
    pub title: String,
    /// `email <-> Email`.
    pub found: String,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchView {
    /// What was searched for.
    pub text: String,
    /// How much of the records was searched.
    pub searched: Counted,
    /// Records.
    pub records: Hits<RecordHit>,
    /// Open conflicts.
    pub conflicts: Hits<ConflictHit>,
    /// Runs.
    pub runs: Hits<RunHit>,
    /// Mappings.
    pub mappings: Hits<MappingHit>,
}

/// What a part of the search in texts found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextsView {
    /// What was searched for.
    pub text: String,
    /// Records of this part.
    pub rows: Vec<RecordHit>,
    /// Records that this part looked at.
    pub searched: u64,
    /// All records there are.
    pub all: u64,
    /// Where the next part begins; none at the end.
    pub next: Option<TextPlace>,
}

/// Least letters and digits the CRM can search for.
pub const LEAST_ASKED: usize = crate::crm::search::LEAST;

/// A record in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmHit {
    /// CRM object.
    pub object: ObjectName,
    /// Its id there.
    pub id: CrmId,
    /// Its name.
    pub name: String,
    /// The record here, when it is linked.
    pub key: Option<RecordKey>,
    /// Its address for a browser.
    pub address: String,
}

/// What the CRM itself found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmSearchView {
    /// What was searched for.
    pub text: String,
    /// The best of each object.
    pub rows: Vec<CrmHit>,
}
