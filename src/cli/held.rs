//! `syncdeck held`: fields that differ on purpose since a run was taken back, and how that ends.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, shown};
use super::say;
use super::session::{Session, ask, key_text, record_key};
use crate::domain::id::{PairName, RunId};
use crate::domain::transform::Side;
use crate::engine::command::{Command, HeldEnd, HeldFilter, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::HeldRow;
use crate::error::{Error, Kind, Result};

/// What to do with fields that are held.
#[derive(Debug, Subcommand)]
pub enum HeldCommand {
    /// List them, with the values of both sides
    #[command(after_help = "\
Examples:
  syncdeck held list
  syncdeck held list --run 118 --json

What `runs undo` put back on one side differs from the other until a side changes, or until it is
decided here.

Exit codes: 0 listed, 2 it could not be done.")]
    List(ListArgs),
    /// Carry what was put back to the other side as well, with the next sync
    #[command(after_help = "\
Examples:
  syncdeck held propagate --run 118
  syncdeck held propagate accounts/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11 --field phone

Nothing is written before the next run: `syncdeck sync`. A field that changes meanwhile is compared as
always.

Exit codes: 0 done, 1 something was not possible, 2 nothing like that is held.")]
    Propagate(EndArgs),
    /// Let what the other side has come back, with the next sync
    #[command(after_help = "\
Example:
  syncdeck held let-go accounts/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11

Exit codes: 0 done, 1 something was not possible, 2 nothing like that is held.")]
    LetGo(EndArgs),
}

/// `held` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HeldArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<HeldCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<HeldArgs> for HeldCommand {
    fn from(args: HeldArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Which fields.
#[derive(Debug, Args)]
pub struct Which {
    /// Only of this pair
    #[arg(long, value_name = "PAIR")]
    pub pair: Option<String>,
    /// Only of this run: the one that was taken back, or the one that did it
    #[arg(long, value_name = "RUN")]
    pub run: Option<RunId>,
    /// Only this field, by its name in the App or in Salesforce
    #[arg(long, value_name = "FIELD")]
    pub field: Option<String>,
}

/// Arguments of `held list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `held propagate` and `held let-go`.
#[derive(Debug, Args)]
pub struct EndArgs {
    /// Records, as PAIR/ID
    #[arg(value_name = "RECORD", value_parser = record_key)]
    pub records: Vec<RecordKey>,
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Every field that is held
    #[arg(long, conflicts_with_all = ["records", "pair", "run", "field"])]
    pub all: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl Which {
    fn of(self, records: Vec<RecordKey>) -> HeldFilter {
        HeldFilter {
            pair: self.pair.map(PairName::new),
            run: self.run,
            field: self.field,
            records,
        }
    }
}

/// Does it.
///
/// # Errors
/// When nothing like that is held, or it is not said what is meant.
pub async fn run<W: Write>(
    session: &mut Session,
    command: HeldCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        HeldCommand::List(args) => list(session, args, out).await,
        HeldCommand::Propagate(args) => end(session, args, HeldEnd::Propagate, out).await,
        HeldCommand::LetGo(args) => end(session, args, HeldEnd::LetGo, out).await,
    }
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let filter = args.which.of(Vec::new());
    let rows = ask!(session, Command::HeldFields { filter }, Reply::HeldFields(rows) => rows);
    if args.json {
        let rows: Vec<Json> = rows.iter().map(row_json).collect();
        out.json(&json!({ "held": rows }))?;
        return Ok(Outcome::Fine);
    }
    if rows.is_empty() {
        out.line("nothing is held; `syncdeck runs undo RUN` holds what it puts back")?;
    }
    for row in &rows {
        out.line(&format!(
            "{}  {}",
            shown(&key_text(&row.key)),
            shown(&row.name)
        ))?;
        let (app, crm) = (say::cell(row.app.as_ref()), say::cell(row.crm.as_ref()));
        out.line(&format!(
            "  {}: app {}, crm {}; put back in {} since run {} was taken back",
            shown(&row.app_label),
            shown(&app),
            shown(&crm),
            place(row.put_back),
            row.run
        ))?;
    }
    Ok(Outcome::Fine)
}

fn place(side: Side) -> &'static str {
    match side {
        Side::App => "the App",
        Side::Crm => "Salesforce",
    }
}

fn row_json(row: &HeldRow) -> Json {
    json!({
        "pair": row.key.pair, "app_id": row.key.app_id, "name": row.name,
        "app_field": row.app_label, "crm_field": row.crm_label,
        "app": say::cell_json(row.app.as_ref()), "crm": say::cell_json(row.crm.as_ref()),
        "put_back": row.put_back, "run": row.run, "by": row.by,
    })
}

async fn end<W: Write>(
    session: &mut Session,
    args: EndArgs,
    end: HeldEnd,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let filter = args.which.of(args.records);
    if filter == HeldFilter::default() && !args.all {
        return Err(Error::new(Kind::Usage, "it is not said which fields")
            .hint("name records as PAIR/ID, or give --run, --pair, --field or --all"));
    }
    let command = Command::EndHold { filter, end };
    let done = ask!(session, command, Reply::HoldEnded(done) => done);
    if args.json {
        out.json(&json!({ "fields": done.fields, "refused": done.refused }))?;
    } else {
        out.line(&format!(
            "{} no longer held; `syncdeck sync` carries them over",
            say::some(done.fields, "field", "fields")
        ))?;
        for (what, why) in &done.refused {
            out.line(&format!("  {} stays: {}", shown(what), shown(why)))?;
        }
    }
    Ok(match done.refused.is_empty() {
        true => Outcome::Fine,
        false => Outcome::NeedsPerson,
    })
}
