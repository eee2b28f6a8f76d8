//! Plain data and pure functions: ids, values, mappings, reconcile, plan.
//!
//! No I/O, no clock, no randomness: the time is given. Invariant: the same input gives the same
//! output on every machine.

pub mod id;
pub mod record;
pub mod schema;
pub mod value;
