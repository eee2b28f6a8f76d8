//! `syncdeck mapping check`: what is wrong with saved mappings, and which values of lists have no
//! place on the other side.
//!
//! Changes nothing; whether a mapping is sound is the engine's to say. Invariant: it ends with 1
//! exactly when something would be refused or is left out.

use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::Outcome;
use crate::cli::out::{Out, shown};
use crate::cli::session::Session;
use crate::domain::check::Coverage;
use crate::domain::id::PairName;
use crate::domain::run::Word;
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::engine::view::{MappingDetail, Problem};
use crate::error::Result;

/// Values that are named in a line.
const NAMED: usize = 12;

/// Arguments of `mapping check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Pairs; without any, all
    pub pairs: Vec<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Checks them.
///
/// # Errors
/// When there is no such pair.
pub async fn run<W: Write>(
    session: &mut Session,
    args: CheckArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let names: Vec<PairName> = match args.pairs.is_empty() {
        true => {
            let summary = session.summary().await?;
            summary.pairs.iter().map(|p| p.name.clone()).collect()
        }
        false => args.pairs.into_iter().map(PairName::new).collect(),
    };
    let mut all = Vec::with_capacity(names.len());
    for name in &names {
        all.push(session.mapping(name).await?);
    }
    if args.json {
        let pairs: Vec<Json> = all.iter().map(as_json).collect();
        out.json(&json!({ "pairs": pairs }))?;
    } else {
        for detail in &all {
            tell(detail, out)?;
        }
    }
    let is_wrong = |detail: &MappingDetail| {
        let fails = detail.problems.iter().any(|p| p.word == Word::Fail);
        fails || detail.coverage.iter().any(|c| !c.without.is_empty())
    };
    Ok(match all.iter().any(is_wrong) {
        true => Outcome::NeedsPerson,
        false => Outcome::Fine,
    })
}

fn tell<W: Write>(detail: &MappingDetail, out: &mut Out<W>) -> Result<()> {
    let pair = &detail.pair;
    out.line(&format!(
        "{} (version {})",
        shown(pair.name.as_str()),
        pair.version
    ))?;
    if detail.object.is_none() {
        out.line("  its object was not read yet: sign in and check the connection first")?;
    }
    for Problem {
        row,
        word,
        text,
        fix,
    } in &detail.problems
    {
        let row = row.map_or_else(String::new, |row| format!(" row {row}:"));
        out.line(&format!("  {word:4} {row} {}", shown(text)))?;
        out.line(&format!("    fix: {}", shown(fix)))?;
    }
    for found in &detail.coverage {
        out.line(&format!("  {}", shown(&covered(found))))?;
    }
    let all_goes = detail.coverage.iter().all(|found| found.lacking == 0);
    if detail.problems.is_empty() && detail.object.is_some() && all_goes {
        out.line("  nothing is wrong with it")?;
    }
    Ok(())
}

/// `Status: 3 of 12 values of Salesforce have no place in the App: a, b, c`.
fn covered(found: &Coverage) -> String {
    let Coverage {
        field,
        values,
        without,
        lacking,
        ..
    } = found;
    let (from, to) = match found.from {
        Side::Crm => ("Salesforce", "the App"),
        Side::App => ("the App", "Salesforce"),
    };
    let values = some(*values as u64, "value", "values");
    if without.is_empty() {
        return format!("{field}: {values} of {from}, each with a place in {to}");
    }
    let named: Vec<&str> = without.iter().take(NAMED).map(String::as_str).collect();
    let more = match lacking.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.join(", ");
    format!("{field}: {lacking} of {values} of {from} without a place in {to}: {named}{more}")
}

fn as_json(detail: &MappingDetail) -> Json {
    let problems = detail.problems.iter().map(|p| {
        json!({
            "row": p.row, "state": p.word.as_str(), "text": p.text, "fix": p.fix,
        })
    });
    json!({
        "pair": detail.pair.name,
        "version": detail.pair.version,
        "described": detail.object.is_some(),
        "problems": problems.collect::<Vec<_>>(),
        "coverage": detail.coverage,
    })
}
