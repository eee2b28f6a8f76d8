//! Runs, conflicts, the guard, and the link to whoever watches.
//!
//! The engine knows nothing of terminals. Viewers see [`link`], [`command`], [`notice`],
//! [`summary`] and [`view`] only. Invariant: nothing that changes a CRM leaves before its intent
//! is durable.

pub mod command;
pub mod conflicts;
pub mod cx;
pub mod decisions;
pub mod guard;
pub mod ingest;
pub mod journal;
pub mod link;
pub mod notice;
pub mod planner;
pub mod queries;
pub mod state;
pub mod summary;
pub mod tables;
pub mod tx;
pub mod view;
