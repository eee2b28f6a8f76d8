//! Lists and details for viewers: runs and conflicts.
//!
//! Reads only, blocking. Invariant: a list opens only what it shows; the rest it counts by key.

mod conflicts;
mod runs;
#[cfg(test)]
mod tests;

pub use self::conflicts::{conflict, conflicts};
pub use self::runs::{run, runs};
