//! Runs, conflicts, the guard, and the link to whoever watches.
//!
//! The engine knows nothing of terminals. Viewers see [`link`], [`command`], [`notice`],
//! [`summary`] and [`view`] only. Invariant: nothing that changes a CRM leaves before its intent
//! is durable.

mod alike;
mod answers;
mod attention;
pub mod audit;
pub mod brake;
mod by_row;
mod circuit;
mod collect;
pub mod command;
pub mod conflicts;
pub mod core;
pub mod cx;
pub mod decisions;
pub mod drifted;
mod dropped;
pub mod filters;
pub mod given;
pub mod guard;
mod halves;
pub mod index;
pub mod ingest;
mod job_wait;
pub mod journal;
mod lanes;
pub mod left_out;
pub mod link;
pub mod mappings;
pub mod matcher;
pub mod notice;
mod overview;
pub mod planner;
pub mod plans;
pub mod profile;
mod pull;
mod pull_job;
mod pull_left_out;
mod push;
mod push_job;
mod quarantine;
pub mod queries;
pub mod records;
mod recover;
mod refresh;
mod retry;
pub mod runner;
mod schedules;
mod sender;
pub mod session;
mod settings;
pub mod state;
pub mod summary;
mod sweep;
pub mod tables;
mod tally;
mod tempo;
mod twins;
pub mod tx;
pub mod undo;
pub mod view;
mod walk;
mod window;
pub mod work;
