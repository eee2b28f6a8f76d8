//! Lists and details for viewers: runs, conflicts, the dashboard, the search.
//!
//! Reads only, blocking. Invariant: a list opens only what it shows, the rest it counts by key; what
//! has to open more does so in parts.

mod asked;
mod business;
mod conflicts;
mod decided;
mod rules;
mod runs;
mod search;
mod tally;
#[cfg(test)]
mod tests;
mod texts;

pub use self::business::business;
pub use self::conflicts::{conflict, conflicts};
pub(in crate::engine) use self::rules::rules;
pub use self::runs::{one as run_of, run, runs};
pub use self::search::search;
pub use self::texts::texts;
