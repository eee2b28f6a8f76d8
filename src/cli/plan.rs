//! `syncdeck plan`, and the dry run of `syncdeck sync`: plans, shown and applied.
//!
//! Items are asked for page by page and written as they come, so that a plan of any size takes the
//! same memory. Outside text is escaped here.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, shown};
use super::session::{CHUNK, Session, ask};
use super::{say, sync};
use crate::domain::dry_run::{Left, Plan, PlanItem, PlanState, Planned, is_new};
use crate::domain::id::PlanId;
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::command::{Command, Page};
use crate::engine::notice::Reply;
use crate::error::Result;

/// Records of a new plan that are shown at once.
const FIRST: usize = 20;

/// What to do with plans.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// The plans that are kept, newest first
    #[command(after_help = "\
Examples:
  syncdeck plan list
  syncdeck plan list --json

The newest 10 are kept, sealed in the store. `syncdeck sync --dry-run` makes one.

Exit codes: 0 done, 2 it could not be done.")]
    List(ListArgs),
    /// A plan: what each record would get, before and after
    #[command(after_help = "\
Examples:
  syncdeck plan show 3
  syncdeck plan show 3 --json | jq '.items[] | select(.conflicts != [])'

An id that begins with 000NEW, or with new:, is that of a record the plan makes.

Exit codes: 0 done, 2 there is no such plan.")]
    Show(ShowArgs),
    /// Do what a plan says, if nothing it was made from has moved
    #[command(after_help = "\
Examples:
  syncdeck plan apply 3
  syncdeck plan apply 3 --hash 5f0c...

Everything is read again first. If a record of the plan was edited in the App or changed in Salesforce,
or a mapping was saved, nothing is written and the first places are named: make a new plan then. What
moves while it is applied is left to the next sync. A plan is applied once; records that are not in it
are not touched.

Exit codes: as `sync`; 2 also when it no longer fits.")]
    Apply(ApplyArgs),
}

/// `plan` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PlanArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<PlanArgs> for PlanCommand {
    fn from(args: PlanArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `plan list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `plan show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Number of the plan
    pub plan: PlanId,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `plan apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Number of the plan
    pub plan: PlanId,
    /// Only if it has this hash
    #[arg(long, value_name = "HASH")]
    pub hash: Option<String>,
    /// One JSON document at the end instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When there is no such plan, or it does not fit any more.
pub async fn run<W: Write>(
    session: &mut Session,
    command: PlanCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        PlanCommand::List(args) => list(session, args, out).await,
        PlanCommand::Show(args) => {
            let plan = plan(session, args.plan).await?;
            if args.json {
                write_json(session, &plan, out).await?;
            } else {
                head(&plan, out)?;
                show(session, &plan, usize::MAX, out).await?;
            }
            Ok(Outcome::Fine)
        }
        PlanCommand::Apply(args) => {
            let ApplyArgs { plan, hash, json } = args;
            let mut steps = sync::Steps::default();
            let command = Command::ApplyPlan { plan, hash };
            let reply = session.ask_watching(command, |s| steps.tell(s)).await?;
            let Reply::Started(runs) = reply else {
                return Err(Session::wrong_answer());
            };
            sync::follow(session, &runs, json, out).await
        }
    }
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let plans = ask!(session, Command::Plans, Reply::Plans(plans) => plans);
    if args.json {
        let plans: Vec<Json> = plans.iter().map(plan_json).collect();
        out.json(&json!({ "plans": plans }))?;
        return Ok(Outcome::Fine);
    }
    if plans.is_empty() {
        out.line("no plans; `syncdeck sync --dry-run` makes one")?;
        return Ok(Outcome::Fine);
    }
    let row = |plan: &Plan| {
        let total = plan.total();
        vec![
            plan.id.to_string(),
            say::time(plan.at),
            total.app.total().to_string(),
            total.crm.total().to_string(),
            total.conflicts.to_string(),
            standing(plan),
        ]
    };
    let rows: Vec<Vec<String>> = plans.iter().map(row).collect();
    let table = [
        "PLAN",
        "MADE",
        "TO APP",
        "TO SALESFORCE",
        "CONFLICTS",
        "STATE",
    ];
    out.table(&table, &rows)?;
    Ok(Outcome::Fine)
}

async fn plan(session: &mut Session, id: PlanId) -> Result<Plan> {
    let page = Page {
        offset: 0,
        limit: 0,
    };
    let found = ask!(session, Command::Plan { id, page }, Reply::Plan(found) => found);
    Ok(found.plan)
}

/// What a new plan came to: as text its counts and first records, or everything as JSON.
///
/// # Errors
/// When the output cannot be written.
pub async fn made<W: Write>(
    session: &mut Session,
    plan: &Plan,
    json: bool,
    out: &mut Out<W>,
) -> Result<Outcome> {
    if json {
        write_json(session, plan, out).await?;
    } else {
        head(plan, out)?;
        show(session, plan, FIRST, out).await?;
        let total = plan.total().items;
        if total > FIRST as u64 {
            let more = say::number(total - FIRST as u64);
            out.line(&format!("{more} more: syncdeck plan show {}", plan.id))?;
        }
        if total > 0 {
            out.line(&format!(
                "nothing was written; to do it: syncdeck plan apply {}",
                plan.id
            ))?;
        }
    }
    Ok(outcome(plan))
}

/// What a plan means for the exit code.
pub fn outcome(plan: &Plan) -> Outcome {
    let total = plan.total();
    if total.conflicts + total.refused > 0 || plan.holds().next().is_some() {
        Outcome::NeedsPerson
    } else {
        Outcome::Fine
    }
}

fn standing(plan: &Plan) -> String {
    match &plan.state {
        PlanState::Ready => "ready".to_owned(),
        PlanState::Applied(runs) => {
            let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
            format!("applied by run {}", runs.join(", "))
        }
    }
}

fn head<W: Write>(plan: &Plan, out: &mut Out<W>) -> Result<()> {
    out.line(&format!(
        "plan {} of {}, {}: {} calls to make it, {} to apply it",
        plan.id,
        say::time(plan.at),
        standing(plan),
        say::number(plan.calls.read),
        say::number(plan.calls.write),
    ))?;
    out.line(&format!("hash {}", plan.hash))?;
    for part in &plan.pairs {
        out.line(&format!("{}: {}", shown(&part.title), part.tally.words()))?;
        for held in &part.holds {
            out.line(&format!("  would stop: {}", shown(&held.to_string())))?;
        }
    }
    Ok(())
}

/// Writes the records of a plan as text, up to a number of them.
async fn show<W: Write>(
    session: &mut Session,
    plan: &Plan,
    most: usize,
    out: &mut Out<W>,
) -> Result<()> {
    let mut offset = 0;
    while offset < most && out.is_read() {
        let items = items(session, plan.id, offset, CHUNK.min(most - offset)).await?;
        if items.is_empty() {
            break;
        }
        offset += items.len();
        for item in &items {
            item_text(item, out)?;
        }
    }
    Ok(())
}

async fn items(
    session: &mut Session,
    id: PlanId,
    offset: usize,
    limit: usize,
) -> Result<Vec<PlanItem>> {
    let page = Page { offset, limit };
    let found = ask!(session, Command::Plan { id, page }, Reply::Plan(found) => found);
    Ok(found.items)
}

fn item_text<W: Write>(item: &PlanItem, out: &mut Out<W>) -> Result<()> {
    let id = match (&item.app_id, &item.crm_id) {
        (Some(id), _) => id.to_string(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "-".to_owned(),
    };
    out.line(&format!(
        "{}/{}  {}",
        item.pair,
        shown(&id),
        shown(&item.name)
    ))?;
    for (side, word) in [(Side::App, "app"), (Side::Crm, "crm")] {
        let Some(planned) = item.to(side) else {
            continue;
        };
        out.line(&format!("  {word}  {}", planned.deed.word()))?;
        for field in &planned.fields {
            out.line(&format!(
                "    {}: {} -> {}",
                shown(field.name.as_str()),
                value(&field.from),
                value(&field.to)
            ))?;
        }
    }
    for conflict in &item.conflicts {
        out.line(&format!("  conflict  {}", shown(&conflict.about)))?;
        if conflict.app.is_some() || conflict.crm.is_some() {
            let app = shown(&say::cell(conflict.app.as_ref()));
            let crm = shown(&say::cell(conflict.crm.as_ref()));
            out.line(&format!("    app {app}, crm {crm}"))?;
        }
    }
    match &item.left {
        Some(Left::Waits(why)) => out.line(&format!("  waits  {}", shown(why))),
        Some(Left::Refused(why)) => out.line(&format!("  cannot go on  {}", shown(why))),
        None => Ok(()),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".to_owned(),
        new if is_new(new) => format!("(new) {}", shown(&new.to_string())),
        value => shown(&value.to_string()),
    }
}

/// Writes a plan with all of its records as one JSON document, a record a line.
///
/// # Errors
/// When it cannot be written.
pub async fn write_json<W: Write>(
    session: &mut Session,
    plan: &Plan,
    out: &mut Out<W>,
) -> Result<()> {
    out.raw(&format!("{{\"plan\":{},\"items\":[", plan_json(plan)))?;
    let mut offset = 0;
    while out.is_read() {
        let items = items(session, plan.id, offset, CHUNK).await?;
        if items.is_empty() {
            break;
        }
        for (at, item) in items.iter().enumerate() {
            let comma = match offset + at {
                0 => "",
                _ => ",",
            };
            out.raw(&format!("{comma}\n{}", item_json(item)))?;
        }
        offset += items.len();
    }
    out.raw("]}\n")
}

fn plan_json(plan: &Plan) -> Json {
    let runs = match &plan.state {
        PlanState::Ready => Vec::new(),
        PlanState::Applied(runs) => runs.clone(),
    };
    let pairs: Vec<Json> = plan
        .pairs
        .iter()
        .map(|part| {
            json!({
                "pair": part.pair, "title": part.title, "mapping_version": part.version,
                "counts": part.tally, "holds": say::held_json(&part.pair, &part.holds),
            })
        })
        .collect();
    json!({
        "id": plan.id, "at": plan.at, "by": plan.by, "hash": plan.hash, "calls": plan.calls,
        "counts": plan.total(), "pairs": pairs, "applied_by": runs,
    })
}

fn item_json(item: &PlanItem) -> Json {
    let write = |planned: &Planned| {
        let fields: Vec<Json> = planned
            .fields
            .iter()
            .map(|field| {
                json!({
                    "field": field.name, "from": say::to_json(&field.from),
                    "to": say::to_json(&field.to),
                })
            })
            .collect();
        json!({ "do": planned.deed, "fields": fields })
    };
    let conflicts: Vec<Json> = item
        .conflicts
        .iter()
        .map(|conflict| {
            json!({
                "about": conflict.about, "app": say::cell_json(conflict.app.as_ref()),
                "crm": say::cell_json(conflict.crm.as_ref()),
            })
        })
        .collect();
    json!({
        "pair": item.pair, "app_id": item.app_id, "crm_id": item.crm_id, "name": item.name,
        "app_rev": item.basis.rev, "crm_stamp": item.basis.stamp,
        "to_app": item.to_app.as_ref().map(write), "to_crm": item.to_crm.as_ref().map(write),
        "conflicts": conflicts, "left": item.left,
    })
}
