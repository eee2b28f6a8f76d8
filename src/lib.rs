//! syncdeck keeps an application's records in step with Salesforce.
//!
//! # Bird's eye
//!
//! ```text
//!   App records (appdb)      Salesforce (crm)        sandbox org (sandbox)
//!          \                    /  \__ http ________________/
//!           \                  /
//!            engine: observe -> reconcile (domain) -> plan -> intents -> writes
//!              |  journal, links, bases, conflicts, runs (store, sealed by vault)
//!              |
//!            engine::Link  (requests in; summary, topics and replies out)
//!              |
//!            tui (full-screen console)      cli (plain commands, demo)
//! ```
//!
//! What is persisted are observations and agreements, never pending work: what has to be done
//! next is always derived again by a pure function ([`domain::plan`]).
//!
//! # Code map
//!
//! | module | for | may import |
//! |---|---|---|
//! | [`domain`] | ids, values, mappings, reconcile, plan; pure | `error` |
//! | [`vault`] | the data key, wrapped by age | `domain`, `error`, `config` |
//! | [`store`] | sled behind typed, sealed tables | `domain`, `error` |
//! | [`crm`] | trait `Crm`, OAuth, the Salesforce client | `domain`, `error`, `vault` |
//! | [`appdb`] | trait `AppDb`, records kept in our own store | `domain`, `error`, `store` |
//! | [`sandbox`] | the Salesforce-compatible server | `error` |
//! | [`engine`] | runs, conflicts, guard, ops | all above but `sandbox` |
//! | [`config`] | config file, paths, keys, themes | `domain`, `error` |
//! | [`tui`] | the console | `config`, `domain`, the link types of `engine` |
//! | [`cli`] | plain commands and the demo | everything |
//!
//! # Invariants
//!
//! - The engine knows nothing of terminals; the screen never touches store, network or vault.
//! - A plan is a value; making it sends nothing.
//! - No request that changes the CRM leaves before its intent is durable in the journal.
//! - Every write to a CRM takes a `WritePermit`, which only `engine::guard` can make.
//! - A record has at most one open intent, and is not reconciled while it has one.
//! - A value that differs from the last agreed one is never replaced without a conflict or an
//!   `auto_resolved` entry that holds both values.
//! - Every value at rest is sealed; keys of the store hold ids and times only.
//! - `sandbox` and `crm` share no code, so that one cannot hide the other's mistakes.
//! - Each outside library has one home; `tests/it/architecture.rs` checks this table.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod appdb;
pub mod cli;
pub mod config;
pub mod crm;
pub mod domain;
pub mod engine;
pub mod error;
pub mod logging;
pub mod sandbox;
pub mod store;
pub mod tui;
pub mod vault;
