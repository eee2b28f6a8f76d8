//! The commands that talk with an engine: which there are, and which function does each.
//!
//! Starting the engine is somebody else's; here is only the way from arguments to functions.
//! Invariant: these commands see a [`Session`] and nothing of store, network or vault.

use std::io::Write;

use clap::Subcommand;

use super::Outcome;
use super::out::Out;
use super::session::Session;
use super::{conflicts, connect, mapping, records, runs, status, sync};
use crate::error::Result;

/// Commands over a link.
#[derive(Debug, Subcommand)]
pub enum EngineCommand {
    /// Sign in to Salesforce
    Connect(connect::ConnectArgs),
    /// Sign out: revoke the tokens and forget them
    Disconnect(connect::DisconnectArgs),
    /// Say how everything stands: connections, pairs, what needs a person
    Status(status::StatusArgs),
    /// Run all pairs, or one, now
    Sync(sync::SyncArgs),
    /// What was run, what came of it, and trying again; by itself the list
    Runs(runs::RunsArgs),
    /// See, decide and write conflicts; by itself the list
    Conflicts(conflicts::ConflictsArgs),
    /// The App's records: see, edit, take in and write out; by itself how many there are
    Records(records::RecordsArgs),
    /// Field mappings as files, for review in git
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
}

impl EngineCommand {
    /// What this process is doing, for the message another one shows that finds the store in use.
    pub fn purpose(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Disconnect(_) => "disconnect",
            Self::Status(_) => "status",
            Self::Sync(_) => "sync",
            Self::Runs(_) => "runs",
            Self::Conflicts(_) => "conflicts",
            Self::Records(_) => "records",
            Self::Mapping(_) => "mapping",
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What the engine refuses or could not do.
    pub async fn run<W: Write>(self, session: &mut Session, out: &mut Out<W>) -> Result<Outcome> {
        match self {
            Self::Connect(args) => connect::connect(session, args, out).await,
            Self::Disconnect(args) => connect::disconnect(session, args, out).await,
            Self::Status(args) => status::run(session, args, out).await,
            Self::Sync(args) => sync::run(session, args, out).await,
            Self::Runs(args) => runs::run(session, args.into(), out).await,
            Self::Conflicts(args) => conflicts::run(session, args.into(), out).await,
            Self::Records(args) => match args.command {
                Some(command) => records::run(session, command, out).await,
                None => records::pairs(session, args.json, out).await,
            },
            Self::Mapping(command) => mapping::run(session, command, out).await,
        }
    }
}
