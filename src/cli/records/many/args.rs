//! What `syncdeck records sync`, `set-many` and `delete-many` are told.
//!
//! Invariant: records are named, and either counted or changed by the number of them.

use clap::{Args, Subcommand};

use crate::cli::session::record_key;
use crate::engine::command::RecordKey;

/// What to do with many records.
#[derive(Debug, Subcommand)]
pub enum ManyCommand {
    /// Sync named records both ways now, from their state now
    #[command(after_help = "\
Example:
  syncdeck records sync leads/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11 accounts/0190c2a4-...

Only these records are read and written: one run for each pair. A record that is not in Salesforce
yet is refused; a whole sync looks for its match there.

Exit codes: 0 done, 1 something needs a person (conflicts, refused records, very many that wait),
2 a run failed as a whole or could not start.")]
    Sync(SyncArgs),
    /// Set the same fields of many App records
    #[command(after_help = "\
Examples:
  syncdeck records set-many leads --filter status:new status=contacted --dry-run
  syncdeck records set-many leads --filter status:new status=contacted --expect 12
  syncdeck records set-many leads --id 0190c2a4-... --id 0190c2a5-... notes= --expect 2

Nothing is changed unless --expect is the number of records that the filter or the ids come to. A
record that somebody changes meanwhile is left and named. Values are held to what the field takes.
The changes go to Salesforce with the next sync.

Exit codes: 0 all were changed, or a dry run; 1 some were left and are named; 2 nothing was done: a
value is not taken, or the number is another.")]
    SetMany(SetManyArgs),
    /// Delete many App records
    #[command(after_help = "\
Examples:
  syncdeck records delete-many leads --filter 'status:new changed:<2024-01-01' --dry-run
  syncdeck records delete-many leads --filter 'status:new changed:<2024-01-01' --expect 312
  syncdeck records delete-many leads --ids-from ids.txt --expect 40

Nothing is deleted unless --expect is the number of records that the filter or the ids come to; a dry
run says it, and what the next sync does in Salesforce. A record that somebody changes meanwhile is
left and named.

Exit codes: 0 all were deleted, or a dry run; 1 some were left and are named; 2 nothing was done: the
number is another, or none is meant.")]
    DeleteMany(DeleteManyArgs),
}

/// Arguments of `records sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Records, as the list names them
    #[arg(value_name = "PAIR/ID", value_parser = record_key, required = true)]
    pub records: Vec<RecordKey>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Which records of a pair.
#[derive(Debug, Default, Args)]
#[group(required = true, multiple = true)]
pub struct Which {
    /// Those that a filter takes: words and `field:value`, as in the console
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["all", "id", "ids_from"])]
    pub filter: Option<String>,
    /// All of the pair
    #[arg(long, conflicts_with_all = ["id", "ids_from"])]
    pub all: bool,
    /// This record; may be given several times
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    /// The records named in this file, one on each line, as ID or PAIR/ID; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub ids_from: Option<String>,
}

/// Whether it is done.
#[derive(Debug, Clone, Copy, Default, Args)]
#[group(required = true)]
pub struct Whether {
    /// Change nothing; say how many records it would be
    #[arg(long, conflicts_with = "expect")]
    pub dry_run: bool,
    /// Do it, if it is this many records
    #[arg(long, value_name = "N")]
    pub expect: Option<u64>,
}

/// Arguments of `records set-many`.
#[derive(Debug, Default, Args)]
pub struct SetManyArgs {
    /// Pair
    pub pair: String,
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Fields and their new values, the same for each record
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub fields: Vec<String>,
    /// Whether it is done.
    #[command(flatten)]
    pub whether: Whether,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records delete-many`.
#[derive(Debug, Default, Args)]
pub struct DeleteManyArgs {
    /// Pair
    pub pair: String,
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Whether it is done.
    #[command(flatten)]
    pub whether: Whether,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}
