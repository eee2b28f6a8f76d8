//! Plain data and pure functions: ids, values, mappings, reconcile, plan.
//!
//! No I/O, no clock, no randomness: the time is given. Invariant: the same input gives the same
//! output on every machine.

pub mod conflict;
pub mod id;
pub mod mapping;
pub mod record;
pub mod run;
pub mod schema;
pub mod transform;
pub mod transform_text;
pub mod value;
