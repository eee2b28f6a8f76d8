//! The commands that talk with an engine: which there are, and which function does each.
//!
//! Starting the engine is somebody else's; here is only the way from arguments to functions.
//! Invariant: these commands see a [`Session`] and nothing of store, network or vault.

use std::io::Write;

use clap::Subcommand;

use super::Outcome;
use super::ask::Lines;
use super::out::Out;
use super::session::Session;
use super::{
    audit, budget, business, conflicts, connect, drift, filter, held, mapping, plan, quarantine,
    records, relink, runs, schedule, search, settings, status, sync, watch,
};
use crate::engine::core::Schedules;
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
    /// Run all pairs, or some, now; or say what that would do
    Sync(sync::SyncArgs),
    /// What dry runs found: see it, do it; by itself the list
    Plan(plan::PlanArgs),
    /// Tell what happens, a line per event, and run what is scheduled
    Watch(watch::WatchArgs),
    /// What was run, what came of it, and trying again; by itself the list
    Runs(runs::RunsArgs),
    /// When pairs run by themselves: see, set, pause; by itself the list
    Schedule(schedule::ScheduleArgs),
    /// Records whose write was refused for good, and their release; by itself the list
    Quarantine(quarantine::QuarantineArgs),
    /// Records whose sides differ though neither changed, and putting them right; by itself the list
    Drift(drift::DriftArgs),
    /// Fields that differ on purpose since a run was taken back: list them, end that
    Held(held::HeldArgs),
    /// Let syncs go past the lines of the API budget, to 95 % of the org's calls, for a day
    GoOn(budget::GoOnArgs),
    /// Leave the org of this profile for another one, such as a refreshed sandbox; by itself what it means
    Relink(relink::RelinkArgs),
    /// The settings in force, page by page: sign-in, filters, limits, rules, vault, folders
    Settings(settings::SettingsArgs),
    /// Who decided and wrote what, and whether that log is whole; by itself the list
    Audit(audit::AuditArgs),
    /// See, decide and write conflicts; by itself the list
    Conflicts(conflicts::ConflictsArgs),
    /// The App's records: see, edit, take in and write out; by itself how many there are
    Records(records::RecordsArgs),
    /// Find records, conflicts, runs and mappings by words; with --crm, ask Salesforce
    Search(search::SearchArgs),
    /// The business behind the sync: totals, pipeline, what is new
    Business(business::BusinessArgs),
    /// What a filter on a pair would do
    #[command(subcommand)]
    Filter(filter::FilterCommand),
    /// Field mappings as files, for review in git
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
}

/// Whether a command may write to either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It may.
    Perhaps,
    /// Only what a dry run found is kept.
    Nothing,
}

impl EngineCommand {
    /// Whether it may write.
    pub fn writes(&self) -> Writes {
        match self {
            Self::Sync(args) if args.dry_run => Writes::Nothing,
            _ => Writes::Perhaps,
        }
    }

    /// What this process is doing, for the message another one shows that finds the store in use.
    pub fn purpose(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Disconnect(_) => "disconnect",
            Self::Status(_) => "status",
            Self::Sync(_) => "sync",
            Self::Plan(_) => "plan",
            Self::Watch(_) => "watch",
            Self::Runs(_) => "runs",
            Self::Quarantine(_) => "quarantine",
            Self::Drift(_) => "drift",
            Self::Held(_) => "held",
            Self::GoOn(_) => "go-on",
            Self::Relink(_) => "relink",
            Self::Settings(_) => "settings",
            Self::Audit(_) => "audit",
            Self::Schedule(_) => "schedule",
            Self::Conflicts(_) => "conflicts",
            Self::Records(_) => "records",
            Self::Search(_) => "search",
            Self::Business(_) => "business",
            Self::Filter(_) => "filter",
            Self::Mapping(_) => "mapping",
        }
    }

    /// Whether runs start by themselves while it works.
    pub fn schedules(&self) -> Schedules {
        match self {
            Self::Watch(args) if !args.read_only => Schedules::Followed,
            _ => Schedules::Left,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What the engine refuses or could not do.
    pub async fn run<W: Write>(self, session: &mut Session, out: &mut Out<W>) -> Result<Outcome> {
        match self {
            Self::Connect(args) => {
                connect::connect(session, args, &mut Lines::default(), out).await
            }
            Self::Disconnect(args) => connect::disconnect(session, args, out).await,
            Self::Status(args) => status::run(session, args, out).await,
            Self::Sync(args) => sync::run(session, args, out).await,
            Self::Plan(args) => plan::run(session, args.into(), out).await,
            Self::Watch(args) => watch::run(session, &args, out).await,
            Self::Runs(args) => runs::run(session, args.into(), out).await,
            Self::Quarantine(args) => quarantine::run(session, args.into(), out).await,
            Self::Drift(args) => drift::run(session, args.into(), out).await,
            Self::Held(args) => held::run(session, args.into(), out).await,
            Self::GoOn(args) => budget::go_on(session, args, out).await,
            Self::Relink(args) => relink::run(session, args, out).await,
            Self::Settings(args) => settings::run(session, args, out).await,
            Self::Audit(args) => audit::run(session, args.into(), out).await,
            Self::Schedule(args) => schedule::run(session, args.into(), out).await,
            Self::Conflicts(args) => conflicts::run(session, args.into(), out).await,
            Self::Records(args) => match args.command {
                Some(command) => records::run(session, command, out).await,
                None => records::pairs(session, args.json, out).await,
            },
            Self::Search(args) => search::run(session, args, out).await,
            Self::Business(args) => business::run(session, args, out).await,
            Self::Filter(command) => filter::run(session, command, out).await,
            Self::Mapping(command) => mapping::run(session, command, out).await,
        }
    }
}
