//! `syncdeck filter`: what a filter would do to a pair.
//!
//! Shows only; the engine decides. Outside text is escaped here.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, shown};
use super::say;
use super::session::{Session, ask};
use crate::domain::id::PairName;
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::FilterSample;
use crate::error::Result;

/// What to do with filters.
#[derive(Debug, Subcommand)]
pub enum FilterCommand {
    /// The query a filter becomes, and which records would stay and leave
    #[command(after_help = "\
Examples:
  syncdeck filter test opportunities --filter 'Amount:>10000 -IsClosed:yes'
  syncdeck filter test opportunities --filter 'CloseDate:>=2026-12-01 (Name:renewal or Amount:null)' --json

FIELD:WORD contains, FIELD:=WORD is exactly, FIELD:>LIMIT compares with a number, a date or an age (2d,
1w), FIELD:null has no value, FIELD:yes and FIELD:no are for checkboxes; `-` turns around, `or` and
parentheses join. Fields are those of the CRM object, as they are spelled there, that the mapping reads.

What means exactly the same in a query goes into it; the rest, text above all, is decided here, and so
is every record that the query gives. The query is what a sync reads that looks at all records: the first
one, and the one after a mapping was saved. What changed later is read without it, so that who leaves is
seen. Nothing is asked of Salesforce here: counted are the records that are linked, `enter` those that rest outside the filter there is now. Others that match are taken in by the sync
after the filter is saved: the key filter of the pair, in the file of `syncdeck mapping export` and
`import`; `on_leave` says what becomes of linked records that leave (freeze, continue, unlink). A record is
looked at when it changes, and all are when the filter does.

Exit codes: 0 done, 2 the filter is not understood.")]
    Test(TestArgs),
}

/// Arguments of `filter test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Which pair
    pub pair: String,
    /// The filter; without it the one that the pair has
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub filter: String,
    /// How many records to name, of each sort
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub samples: usize,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When there is no such pair, or the filter is not understood.
pub async fn run<W: Write>(
    session: &mut Session,
    command: FilterCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let FilterCommand::Test(args) = command;
    let command = Command::TestFilter {
        pair: PairName::new(args.pair),
        filter: (!args.filter.is_empty()).then_some(args.filter),
        samples: args.samples,
    };
    let view = ask!(session, command, Reply::Filter(view) => view);
    if args.json {
        let samples = |list: &[FilterSample]| -> Vec<Json> {
            list.iter()
                .map(|s| json!({ "name": s.name, "app_id": s.app_id, "crm_id": s.crm_id }))
                .collect()
        };
        out.json(&json!({
            "pair": view.pair, "filter": view.filter, "query": view.query,
            "condition": view.condition, "rest": view.rest, "stay": view.stay, "leave": view.leave,
            "enter": view.enter, "staying": samples(&view.staying), "leaving": samples(&view.leaving),
            "entering": samples(&view.entering),
        }))?;
        return Ok(Outcome::Fine);
    }
    out.line(&format!("query  {}", shown(&view.query)))?;
    match &view.rest {
        Some(rest) => out.line(&format!("here   {}", shown(rest)))?,
        None => out.line("here   nothing is left to decide")?,
    }
    for (word, count, list) in [
        ("stay", view.stay, &view.staying),
        ("leave", view.leave, &view.leaving),
        ("enter", view.enter, &view.entering),
    ] {
        out.line(&format!("{} would {word}", say::number(count)))?;
        for sample in list {
            let (app, name) = (shown(sample.app_id.as_str()), shown(&sample.name));
            out.line(&format!("  {}/{app}  {name}", view.pair))?;
        }
    }
    Ok(Outcome::Fine)
}
