//! `syncdeck business`: the figures of the business behind the sync, as the console's dashboard
//! has them.
//!
//! Adds nothing up itself. Invariant: what is said is of all records that are here, or it is said
//! of how many.

use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, shown};
use super::say;
use super::session::{Session, ask};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::{BusinessView, Counted};
use crate::error::Result;

/// Arguments of `business`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck business
  syncdeck business --json

Everything is of the records that are here; nothing is asked of Salesforce.

Exit codes: 0 fine, 2 it could not be done.")]
pub struct BusinessArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When the store cannot be read.
pub async fn run<W: Write>(
    session: &mut Session,
    args: BusinessArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let view = whole(session).await?;
    if args.json {
        out.json(&as_json(&view))?;
    } else {
        as_text(&view, out)?;
    }
    Ok(Outcome::Fine)
}

/// Asks again until all records are counted, or there is no room for more.
async fn whole(session: &mut Session) -> Result<Box<BusinessView>> {
    loop {
        let view = ask!(session, Command::Business, Reply::Business(view) => view);
        if !session.reads_on(&view.counted).await? {
            return Ok(view);
        }
    }
}

fn as_text<W: Write>(view: &BusinessView, out: &mut Out<W>) -> Result<()> {
    if let Counted::Part { done, all, .. } = view.counted {
        let (done, all) = (say::number(done), say::number(all));
        out.line(&format!("of {done} of {all} records: no room for more"))?;
    }
    let rows: Vec<Vec<String>> = view
        .objects
        .iter()
        .map(|row| {
            vec![
                row.pair.to_string(),
                row.object.to_string(),
                say::number(row.records),
                say::number(row.waiting),
                say::number(row.conflicts),
                say::number(row.refused),
                say::number(row.made.last().copied().unwrap_or(0)),
                say::time_or_dash(row.as_of),
            ]
        })
        .collect();
    let head = [
        "pair",
        "object",
        "records",
        "wait",
        "conflicts",
        "refused",
        "new this week",
        "as of",
    ];
    out.table(&head, &rows)?;
    if let Some(pipeline) = &view.pipeline {
        let part = |(count, value): (u64, i64)| {
            let worth = worth(value);
            format!("{}, {worth}", say::some(count, "record", "records"))
        };
        out.line("")?;
        out.line(&format!("pipeline  open  {}", part(pipeline.open)))?;
        out.line(&format!("          won   {}", part(pipeline.won)))?;
        out.line(&format!("          lost  {}", part(pipeline.lost)))?;
    }
    for breakdown in &view.breakdowns {
        out.line("")?;
        let by = shown(&breakdown.by);
        out.line(&format!("{} by {by}", shown(breakdown.object.as_str())))?;
        for slice in &breakdown.slices {
            let value = slice.worth.map(|w| format!("  {}", worth(w)));
            let (label, count) = (shown(&slice.label), say::number(slice.count));
            out.line(&format!(
                "  {count:>9}  {label}{}",
                value.unwrap_or_default()
            ))?;
        }
    }
    if let Some(today) = view.days.last() {
        out.line("")?;
        out.line(&format!(
            "today     {}, {} failed; {} moved, {} refused, {}",
            say::some(today.runs, "run", "runs"),
            say::number(today.broken),
            say::some(today.moved, "record", "records"),
            say::number(today.refused),
            say::some(today.conflicts, "conflict", "conflicts"),
        ))?;
    }
    Ok(())
}

/// Hundredths as an amount, `-1,204.50`.
fn worth(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let all = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", say::number(all / 100), all % 100)
}

fn as_json(view: &BusinessView) -> Json {
    let counted = match view.counted {
        Counted::Whole => json!("all"),
        Counted::Part { done, all, .. } => json!({ "records": done, "of": all }),
    };
    let objects: Vec<Json> = view
        .objects
        .iter()
        .map(|row| {
            json!({
                "pair": row.pair, "object": row.object, "records": row.records,
                "waiting": row.waiting, "conflicts": row.conflicts, "refused": row.refused,
                "made_per_week": row.made, "as_of": row.as_of,
            })
        })
        .collect();
    let part = |(records, hundredths): (u64, i64)| json!({ "records": records, "worth_hundredths": hundredths });
    let pipeline = view.pipeline.as_ref().map(|pipeline| {
        json!({
            "open": part(pipeline.open), "won": part(pipeline.won), "lost": part(pipeline.lost),
        })
    });
    let breakdowns: Vec<Json> = view
        .breakdowns
        .iter()
        .map(|breakdown| {
            let slices: Vec<Json> = breakdown
                .slices
                .iter()
                .map(|s| json!({ "value": s.label, "records": s.count, "worth_hundredths": s.worth }))
                .collect();
            json!({ "object": breakdown.object, "by": breakdown.by, "values": slices })
        })
        .collect();
    let days: Vec<Json> = view
        .days
        .iter()
        .map(|day| {
            json!({
                "runs": day.runs, "failed": day.broken, "moved": day.moved,
                "refused": day.refused, "conflicts": day.conflicts,
            })
        })
        .collect();
    json!({
        "at": view.at, "counted": counted, "objects": objects, "pipeline": pipeline,
        "breakdowns": breakdowns, "days": days,
    })
}

#[cfg(test)]
mod tests {
    use super::worth;

    #[test]
    fn an_amount_has_its_hundredths_and_its_sign() {
        assert_eq!(worth(120_450), "1,204.50");
        assert_eq!(worth(-5), "-0.05");
    }
}
