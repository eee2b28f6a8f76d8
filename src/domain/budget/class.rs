//! Who a call is for, and who comes first when not all can go at once.
//!
//! Invariant: nobody waits for ever: each few seconds of waiting count as one class.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Seconds of waiting that make up for one class.
const AGEING: i64 = 5;

/// Who a call is for, most urgent first (sync-semantics 10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A person waits for the answer.
    Interactive,
    /// A write of unknown outcome is looked up.
    Resolve,
    /// Limits and what the org looks like.
    Upkeep,
    /// Changes of the App on their way out.
    Push,
    /// Changes of the CRM since the last time.
    Pull,
    /// Records that failed before.
    Retry,
    /// Everything, because nothing was read yet.
    Backfill,
    /// Comparing what is thought to be the same.
    Sweep,
    /// Files.
    Attachments,
}

impl Class {
    /// Whether the budget lets it through where background work stops.
    pub fn is_urgent(self) -> bool {
        self <= Self::Upkeep
    }
}

/// Someone who waits for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Number of arrival; lower came first.
    pub number: u64,
    /// For whom.
    pub class: Class,
    /// Since when.
    pub since: Timestamp,
}

/// Whose turn it is.
///
/// The order of two seats never changes while they wait: who was told that it is not his turn
/// need not ask again before somebody leaves.
pub fn first(waiting: &[Seat]) -> Option<u64> {
    let rank = |seat: &Seat| {
        let head_start = seat.class as i64 * AGEING;
        (
            seat.since.as_second().saturating_add(head_start),
            seat.number,
        )
    };
    waiting
        .iter()
        .min_by_key(|seat| rank(seat))
        .map(|seat| seat.number)
}
