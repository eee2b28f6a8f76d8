//! Pairs of which what is known does not fit what there is.
//!
//! Layout only, as all tables. Invariant: a pair that is listed here writes nothing before a person
//! has said how it goes on.

use serde::{Deserialize, Serialize};

use crate::store::Table;

/// Pairs of a store that was put back, until everything was compared. By name.
pub const RESTORED: Table<Restored> = Table::new(0x60, "restored", 1);

/// How far a pair of a store that was put back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restored {
    /// Nobody has begun: everything is to be read anew.
    Waits,
    /// A run reads everything, or did and was cut off.
    Compares,
}
