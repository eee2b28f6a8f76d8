//! `syncdeck quarantine`: records whose write was refused for good, and their release.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::lists::PageArgs;
use super::out::{Out, shown};
use super::session::{Session, ask, key_text, record_key};
use super::{Outcome, lists, say};
use crate::domain::id::PairName;
use crate::engine::command::{Command, QuarantineFilter, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::QuarantineRow;
use crate::error::{Error, Kind, Result};

/// What to do with records in quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List them, with cause and remedy
    #[command(after_help = "\
Examples:
  syncdeck quarantine list
  syncdeck quarantine list --code REQUIRED_FIELD_MISSING --json

Exit codes: 0 there are none, 1 there are some, 2 it could not be done.")]
    List(ListArgs),
    /// Let the next run try them again, from the values as they are then
    #[command(after_help = "\
Examples:
  syncdeck quarantine release leads/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11
  syncdeck quarantine release --pair leads --code FIELD_CUSTOM_VALIDATION_EXCEPTION
  syncdeck quarantine release --all

Records whose values or mapping change are tried again without this. Nothing is sent before the next
run: `syncdeck sync`.

Exit codes: 0 released, 2 nothing like that is in quarantine.")]
    Release(ReleaseArgs),
}

/// `quarantine` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct QuarantineArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<QuarantineCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<QuarantineArgs> for QuarantineCommand {
    fn from(args: QuarantineArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `quarantine list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only records of this pair
    #[arg(long, value_name = "PAIR")]
    pub pair: Option<String>,
    /// Only records with this error code
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `quarantine release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Records, as the list names them
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub records: Vec<RecordKey>,
    /// All records of this pair
    #[arg(long, value_name = "PAIR", conflicts_with = "records")]
    pub pair: Option<String>,
    /// All records with this error code
    #[arg(long, value_name = "CODE", conflicts_with = "records")]
    pub code: Option<String>,
    /// All records
    #[arg(long, conflicts_with_all = ["records", "pair", "code"])]
    pub all: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When nothing that was named is in quarantine.
pub async fn run<W: Write>(
    session: &mut Session,
    command: QuarantineCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        QuarantineCommand::List(args) => list(session, args, out).await,
        QuarantineCommand::Release(args) => release(session, args, out).await,
    }
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let filter = QuarantineFilter {
        pair: args.pair.map(PairName::new),
        code: args.code,
        records: Vec::new(),
    };
    let page = args.page.into();
    let part = ask!(session, Command::Quarantine { filter, page }, Reply::Quarantine(p) => p);
    let outcome = if part.total == 0 {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    };
    if args.json {
        let rows: Vec<Json> = part.rows.iter().map(row_json).collect();
        out.json(&json!({ "records": rows, "offset": part.offset, "total": part.total }))?;
        return Ok(outcome);
    }
    if part.rows.is_empty() {
        out.line("nothing is in quarantine")?;
    }
    for row in &part.rows {
        let failure = &row.failure;
        out.line(&format!(
            "{}  {}  {}",
            shown(&key_text(&row.key)),
            shown(&row.name),
            shown(&failure.code)
        ))?;
        out.line(&format!("  what  {}", shown(&failure.what)))?;
        out.line(&format!("  why   {}", shown(&failure.why)))?;
        out.line(&format!("  fix   {}", shown(&failure.fix)))?;
        out.line(&format!(
            "  {} since {}, last in run {} at {}",
            say::some(u64::from(row.tries), "try", "tries"),
            say::time(row.first),
            row.run,
            say::time(row.last)
        ))?;
    }
    lists::more(out, part.offset, part.rows.len(), part.total)?;
    Ok(outcome)
}

fn row_json(row: &QuarantineRow) -> Json {
    json!({
        "pair": row.key.pair,
        "app_id": row.key.app_id,
        "crm_id": row.crm_id,
        "name": row.name,
        "failure": row.failure,
        "tries": row.tries,
        "first": row.first,
        "last": row.last,
        "run": row.run,
    })
}

async fn release<W: Write>(
    session: &mut Session,
    args: ReleaseArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let filter = QuarantineFilter {
        pair: args.pair.map(PairName::new),
        code: args.code,
        records: args.records,
    };
    if filter == QuarantineFilter::default() && !args.all {
        return Err(Error::new(Kind::Usage, "it is not said which records")
            .hint("name records as PAIR/ID, or give --pair, --code or --all"));
    }
    let released = ask!(session, Command::Release { filter }, Reply::Released(n) => n);
    if args.json {
        out.json(&json!({ "released": released }))?;
    } else {
        out.line(&format!(
            "{} released; `syncdeck sync` tries again",
            say::some(released, "record", "records")
        ))?;
    }
    Ok(Outcome::Fine)
}
