//! `syncdeck drift`: records whose sides differ although neither changed, and putting them right.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::lists::PageArgs;
use super::out::{Out, shown};
use super::session::{Session, ask, key_text};
use super::{Outcome, lists, say, sync};
use crate::domain::id::{AppId, PairName};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::DriftRow;
use crate::error::Result;

/// What to do with records that differ.
#[derive(Debug, Subcommand)]
pub enum DriftCommand {
    /// List them
    #[command(after_help = "\
Examples:
  syncdeck drift list
  syncdeck drift list --pair leads --json

They are looked for when all records are compared: once a day, or by `syncdeck sync --full`.

Exit codes: 0 there are none, 1 there are some, 2 it could not be done.")]
    List(ListArgs),
    /// Put them right, by whoever has the say in each row; a row that asks a person becomes a conflict
    #[command(after_help = "\
Examples:
  syncdeck drift repair leads
  syncdeck drift repair leads --record 0190c2a4-7f5e-7000-8000-2f0d6c1b9a11

Exit codes: 0 done, 1 something needs a person, 2 it could not be done.")]
    Repair(RepairArgs),
}

/// `drift` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DriftArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<DriftCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<DriftArgs> for DriftCommand {
    fn from(args: DriftArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `drift list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only records of this pair
    #[arg(long, value_name = "PAIR")]
    pub pair: Option<String>,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `drift repair`.
#[derive(Debug, Args)]
pub struct RepairArgs {
    /// The pair
    #[arg(value_name = "PAIR")]
    pub pair: String,
    /// Only these records, by their ids in the App
    #[arg(long, value_name = "ID")]
    pub record: Vec<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When what was named does not differ; a run that failed as a whole.
pub async fn run<W: Write>(
    session: &mut Session,
    command: DriftCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        DriftCommand::List(args) => list(session, args, out).await,
        DriftCommand::Repair(args) => {
            let command = Command::Repair {
                pair: PairName::new(args.pair),
                records: args.record.into_iter().map(AppId::new).collect(),
            };
            let runs = ask!(session, command, Reply::Started(runs) => runs);
            sync::follow(session, &runs, args.json, out).await
        }
    }
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let (pair, page) = (args.pair.map(PairName::new), args.page.into());
    let part = ask!(session, Command::Drift { pair, page }, Reply::Drift(part) => part);
    let outcome = match part.total {
        0 => Outcome::Fine,
        _ => Outcome::NeedsPerson,
    };
    if args.json {
        let rows: Vec<Json> = part.rows.iter().map(row_json).collect();
        out.json(&json!({ "records": rows, "offset": part.offset, "total": part.total }))?;
        return Ok(outcome);
    }
    if part.rows.is_empty() {
        out.line("no record differs without a change")?;
    }
    for row in &part.rows {
        out.line(&format!(
            "{}  {}  {}, found by run {}",
            shown(&key_text(&row.key)),
            shown(&row.name),
            shown(&labels(row).join(", ")),
            row.run
        ))?;
        for field in &row.fields {
            out.line(&format!(
                "    {}: App {}, Salesforce {}; {}",
                shown(&field.label),
                shown(&say::cell(field.app.as_ref())),
                shown(&say::cell(field.crm.as_ref())),
                field.deed()
            ))?;
        }
    }
    lists::more(out, part.offset, part.rows.len(), part.total)?;
    Ok(outcome)
}

fn labels(row: &DriftRow) -> Vec<&str> {
    row.fields.iter().map(|f| f.label.as_str()).collect()
}

fn row_json(row: &DriftRow) -> Json {
    let values = row.fields.iter().map(|f| {
        json!({
            "field": f.label, "app": say::cell_json(f.app.as_ref()),
            "crm": say::cell_json(f.crm.as_ref()), "say": f.say.name(),
        })
    });
    let values: Vec<Json> = values.collect();
    json!({
        "pair": row.key.pair, "app_id": row.key.app_id, "crm_id": row.crm_id, "name": row.name,
        "fields": labels(row), "values": values, "run": row.run,
    })
}
