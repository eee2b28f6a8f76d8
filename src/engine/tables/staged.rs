//! What persons staged: decided, and not written yet.
//!
//! Layout only. Invariant: what stands here is kept over a lost session, and does nothing by
//! itself.

use serde::{Deserialize, Serialize};

use crate::domain::schedule::Schedule;
use crate::engine::view::Edit;
use crate::store::Table;

/// Edits and new records that persons staged and did not write, by (pair, App id).
pub const EDITS: Table<StagedEdit> = Table::new(0x5a, "edits", 1);
/// Schedules that persons staged, by pair.
pub const STAGED_SCHEDULES: Table<StagedSchedule> = Table::new(0x5d, "staged_schedules", 1);

/// An edit that a person staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedEdit {
    /// The edit.
    pub edit: Edit,
    /// Who staged it.
    pub by: String,
}

/// A schedule that a person staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedSchedule {
    /// When the pair shall run.
    pub schedule: Schedule,
    /// When it ran as the person saw it.
    pub over: Schedule,
    /// Who staged it.
    pub by: String,
}
