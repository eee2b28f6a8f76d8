//! Plain data and pure functions: ids, values, mappings, reconcile, plan.
//!
//! No I/O, no clock, no randomness: the time is given. Invariant: the same input gives the same
//! output on every machine.

pub mod append;
pub mod auto_map;
pub mod budget;
pub mod by_time;
pub mod changes;
pub mod check;
pub mod clocks;
pub mod conflict;
pub mod cron;
pub mod currency;
pub mod cycle;
pub mod drift;
pub mod dry_run;
pub mod fight;
pub mod filter;
pub mod form;
pub mod id;
#[cfg(test)]
mod laws;
pub mod listing;
pub mod mapping;
pub mod mapping_file;
pub mod mass;
pub mod plan;
pub mod preset;
pub mod reconcile;
pub mod record;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod stamp;
pub mod text;
pub mod transform;
pub mod transform_text;
pub mod value;
