//! What `syncdeck conflicts` takes: its words, arguments and help.
//!
//! Does nothing by itself.

use clap::{Args, Subcommand, ValueEnum};

use super::super::ask::Consent;
use super::super::lists::{PageArgs, RecordArgs};
use super::super::session::record_key;
use crate::engine::command::RecordKey;

/// What to do with conflicts.
#[derive(Debug, Subcommand)]
pub enum ConflictsCommand {
    /// List records with open conflicts, oldest first
    #[command(after_help = "\
Examples:
  syncdeck conflicts list
  syncdeck conflicts list --json | jq -r '.conflicts[].record'
  syncdeck conflicts list --filter state:ok     those that were decided, newest first

Exit codes: 0 none is open, 1 some are, 2 it could not be done.")]
    List(ListArgs),
    /// Show one record: App, Salesforce and the last agreed value of each field
    #[command(after_help = "\
Example:
  syncdeck conflicts show leads/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11

Exit codes: 0 the record has none, 1 it has open conflicts, 2 there is no such record.")]
    Show(RecordArgs),
    /// Decide: take a side or type a value; nothing is written yet
    #[command(after_help = "\
Examples:
  syncdeck conflicts take leads/0190c2a4-... crm
  syncdeck conflicts take leads/0190c2a4-... app --field contactPhone
  syncdeck conflicts take leads/0190c2a4-... --field notes --value 'call back on Monday'
  syncdeck conflicts take all crm
  syncdeck conflicts take leads/0190c2a4-... undo

Of a record whose conflicts were decided, by a person or a rule, this takes a value back that was
overwritten. `conflicts write` shows it and writes it, like any decision.
With --field, also a field that only one side changed: what the merge would do is overruled, and `undo`
goes back to it.

Exit codes: 0 all were decided, 1 some were refused because the values moved, 2 it could not
be done.")]
    Take(TakeArgs),
    /// Preview what the decisions write, then write it
    #[command(after_help = "\
Examples:
  syncdeck conflicts write --preview
  syncdeck conflicts write
  syncdeck conflicts write leads/0190c2a4-... --yes

Exit codes: 0 written, or nothing to write; 1 not written, or something still needs a person;
2 it could not be done.")]
    Write(WriteArgs),
}

/// `conflicts` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConflictsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<ConflictsCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<ConflictsArgs> for ConflictsCommand {
    fn from(args: ConflictsArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `conflicts list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only those that a filter takes: field:title pair:leads state:ready since:24h
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// A decision in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Word {
    /// The App's value
    App,
    /// Salesforce's value
    Crm,
    /// The last agreed value
    Base,
    /// Both texts, the App's first
    Both,
    /// Leave both sides as they are
    Ignore,
    /// Take the decision back
    Undo,
}

/// Which records a decision is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Every record with open conflicts.
    All,
    /// This one.
    Record(RecordKey),
}

fn whom(text: &str) -> std::result::Result<Whom, String> {
    match text {
        "all" => Ok(Whom::All),
        one => record_key(one).map(Whom::Record),
    }
}

/// Arguments of `conflicts take`.
#[derive(Debug, Args)]
pub struct TakeArgs {
    /// Record, as the list names it; or `all`, for every record with open conflicts
    #[arg(value_name = "PAIR/ID", value_parser = whom)]
    pub whom: Whom,
    /// What to take
    #[arg(value_enum, required_unless_present = "value")]
    pub word: Option<Word>,
    /// Only this field (App's or Salesforce's name)
    #[arg(long, value_name = "FIELD")]
    pub field: Option<String>,
    /// A value of your own, as the App holds it
    #[arg(long, value_name = "TEXT", requires = "field", conflicts_with = "word")]
    pub value: Option<String>,
}

/// Arguments of `conflicts write`.
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// Only these records; without any, all that is decided
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub records: Vec<RecordKey>,
    /// Show what would be written, and stop
    #[arg(long, conflicts_with = "yes")]
    pub preview: bool,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
