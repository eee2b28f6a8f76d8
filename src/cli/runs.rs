//! `syncdeck runs`: what was run, what came of it, and trying again.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::lists::PageArgs;
use super::out::{Out, shown};
use super::session::{CHUNK, Session, ask};
use super::undo::{self, UndoArgs};
use super::{Outcome, lists, say, sync};
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::run::{Run, RunState, Word};
use crate::engine::command::{Command, Page, RetryScope};
use crate::engine::notice::Reply;
use crate::engine::view::{RunDetail, RunRow};
use crate::error::{Error, Kind, Result};

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, newest first
    #[command(after_help = "\
Examples:
  syncdeck runs list
  syncdeck runs list --pair leads --limit 5 --json
  syncdeck runs list --filter 'state:fail since:24h'

Exit codes: 0 fine, 2 it could not be done.")]
    List(ListArgs),
    /// Show one run: counts, errors by kind with cause and remedy, records
    #[command(after_help = "\
Example:
  syncdeck runs show 118

Exit codes: 0 nothing failed, 1 something needs a person, 2 it could not be shown.")]
    Show(ShowArgs),
    /// Try the failed records of a run again
    #[command(after_help = "\
Examples:
  syncdeck runs retry 118
  syncdeck runs retry 118 --code REQUIRED_FIELD_MISSING
  syncdeck runs retry 118 --record 0190c2a4-7f5e-7000-8000-2f0d6c1b9a11

Exit codes: 0 all went through, 1 something still needs a person, 2 it could not be done.")]
    Retry(RetryArgs),
    /// Give up runs that were put off or cut off, so that none goes on by itself
    #[command(after_help = "\
Example:
  syncdeck runs cancel

A run at work is cancelled where it works: Ctrl-C in its terminal, or X in the console. Nothing is
lost: what is left is found again by the next run.

Exit codes: 0 given up, 2 it could not be done.")]
    Cancel(CancelArgs),
    /// Take back what a run wrote, on both sides, where nobody changed it since
    #[command(after_help = "\
Examples:
  syncdeck runs undo 118 --dry-run
  syncdeck runs undo 118 --yes
  syncdeck runs undo 119 --yes     (the run that took back 118: does it again)

What somebody changed since stays as it is, and becomes a conflict. What is put back is not
synced again until a side changes. It is kept for 90 days what runs replaced.

Exit codes: 0 all was put back, 1 something is left or needs a person, 2 it could not be done.")]
    Undo(UndoArgs),
}

/// `runs` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<RunsArgs> for RunsCommand {
    fn from(args: RunsArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `runs list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only runs of this pair
    #[arg(long, value_name = "PAIR")]
    pub pair: Option<String>,
    /// Only runs that a filter takes: state:fail since:24h fail:>10 why:timeout
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `runs show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Number of the run
    pub id: RunId,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `runs retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// Number of the run
    pub id: RunId,
    /// Only records that failed with this code
    #[arg(long, value_name = "CODE", conflicts_with = "record")]
    pub code: Option<String>,
    /// Only these records
    #[arg(long, value_name = "APP_ID")]
    pub record: Vec<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `runs cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// What the engine refuses; a retry that failed as a whole.
pub async fn run<W: Write>(
    session: &mut Session,
    command: RunsCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        RunsCommand::List(args) => list(session, args, out).await,
        RunsCommand::Show(args) => show(session, args, out).await,
        RunsCommand::Cancel(args) => cancel(session, args, out).await,
        RunsCommand::Undo(args) => undo::run(session, args, out).await,
        RunsCommand::Retry(args) => {
            let scope = match (args.code, args.record) {
                (Some(code), _) => RetryScope::Code(code),
                (None, records) if records.is_empty() => RetryScope::All,
                (None, records) => {
                    RetryScope::Records(records.into_iter().map(AppId::new).collect())
                }
            };
            let command = Command::Retry {
                run: args.id,
                scope,
            };
            let runs = ask!(session, command, Reply::Started(runs) => runs);
            sync::follow(session, &runs, args.json, out).await
        }
    }
}

async fn cancel<W: Write>(
    session: &mut Session,
    args: CancelArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    ask!(session, Command::Cancel, Reply::Done => ());
    if args.json {
        out.json(&json!({ "cancelled": true }))?;
    } else {
        out.line("no run goes on by itself; what is left is found again by the next run")?;
    }
    Ok(Outcome::Fine)
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let command = Command::Runs {
        pair: args.pair.map(PairName::new),
        filter: args.filter.unwrap_or_default(),
        page: args.page.into(),
    };
    let part = ask!(session, command, Reply::Runs(part) => part);
    if args.json {
        let runs: Vec<_> = part
            .rows
            .iter()
            .map(|r| {
                let mut json = run_json(&r.run, &r.title);
                json["taken_back_by"] = json!(r.taken_back);
                json
            })
            .collect();
        out.json(&json!({ "runs": runs, "offset": part.offset, "total": part.total }))?;
        return Ok(Outcome::Fine);
    }
    let rows: Vec<_> = part
        .rows
        .iter()
        .map(|row| {
            let run = &row.run;
            vec![
                run.id.to_string(),
                run.word().to_string(),
                row.title.clone(),
                say::time(run.started_at),
                say::result(run),
                why(row),
            ]
        })
        .collect();
    if rows.is_empty() {
        out.line("no runs")?;
        return Ok(Outcome::Fine);
    }
    out.table(&["RUN", "STATE", "PAIR", "STARTED", "RESULT", "WHY"], &rows)?;
    lists::more(out, part.offset, part.rows.len(), part.total)?;
    Ok(Outcome::Fine)
}

/// Why it ran, and which run took it back.
fn why(row: &RunRow) -> String {
    match row.taken_back {
        Some(by) => format!("{}; taken back by run {by}", row.run.cause),
        None => row.run.cause.to_string(),
    }
}

async fn show<W: Write>(
    session: &mut Session,
    args: ShowArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let page = Page {
        offset: 0,
        limit: CHUNK,
    };
    let detail = ask!(session, Command::Run { id: args.id, page }, Reply::Run(d) => d);
    if args.json {
        out.json(&detail_json(&detail))?;
    } else {
        detail_text(&detail, out)?;
    }
    // A run that failed was still shown: that is not an error of showing it.
    Ok(outcome(&detail).unwrap_or(Outcome::NeedsPerson))
}

fn detail_text<W: Write>(detail: &RunDetail, out: &mut Out<W>) -> Result<()> {
    let run = &detail.run;
    out.line(&format!(
        "run {} {}  {}",
        run.id,
        shown(&detail.title),
        detail.word()
    ))?;
    out.line(&format!("  why      {}", run.cause))?;
    if let Some(by) = detail.taken_back {
        out.line(&format!("  undone   taken back by run {by}"))?;
    }
    out.line(&format!("  started  {}", say::time(run.started_at)))?;
    out.line(&format!("  ended    {}", say::time_or_dash(run.ended_at)))?;
    out.line(&format!("  result   {}", run.counts))?;
    out.line(&format!("  calls    {}", say::number(run.calls)))?;
    out.line(&format!("  mapping  version {}", run.mapping_version))?;
    if let Some(failure) = &run.failure {
        out.line(&format!(
            "  failed   {}: {}",
            shown(&failure.what),
            shown(&failure.why)
        ))?;
        out.line(&format!("  fix      {}", shown(&failure.fix)))?;
        if !failure.request.is_empty() {
            out.line(&format!("  log      request {}", shown(&failure.request)))?;
        }
    }
    say::held(&run.pair, &detail.holds, out)?;
    for group in &detail.groups {
        out.line("")?;
        out.line(&format!(
            "{}  {}",
            shown(&group.code),
            say::some(group.records, "record", "records")
        ))?;
        out.line(&format!("  what  {}", shown(&group.what)))?;
        out.line(&format!("  why   {}", shown(&group.why)))?;
        out.line(&format!("  fix   {}", shown(&group.fix)))?;
        if !group.request.is_empty() {
            out.line(&format!("  log   request {}", shown(&group.request)))?;
        }
    }
    say::happened("steps", &detail.steps, out)?;
    if detail.records.rows.is_empty() {
        return Ok(());
    }
    out.line("")?;
    let rows: Vec<_> = detail
        .records
        .rows
        .iter()
        .map(|r| {
            vec![
                r.app_id.to_string(),
                r.name.clone(),
                kind_word(r).to_string(),
                r.failure
                    .as_ref()
                    .map_or_else(|| r.did.clone(), |f| f.code.clone()),
            ]
        })
        .collect();
    out.table(&["RECORD", "NAME", "STATE", "WHAT"], &rows)?;
    let rest = detail.records.total.saturating_sub(rows.len() as u64);
    if rest > 0 {
        out.line(&format!("{} more", say::number(rest)))?;
    }
    Ok(())
}

fn kind_word(result: &crate::domain::run::RecordResult) -> Word {
    use crate::domain::run::ResultKind as K;
    match result.kind {
        K::Applied | K::Noop => Word::Ok,
        K::Conflict => Word::Conf,
        K::Deferred | K::Ambiguous => Word::Wait,
        K::Quarantined => Word::Fail,
        K::Skipped => Word::None,
    }
}

fn detail_json(detail: &RunDetail) -> Json {
    let groups: Vec<_> = detail
        .groups
        .iter()
        .map(|g| {
            json!({
                "code": g.code, "records": g.records, "what": g.what, "why": g.why,
                "fix": g.fix, "request": g.request, "retry_can_help": g.retry,
            })
        })
        .collect();
    let mut json = run_json(&detail.run, &detail.title);
    holds_json(detail, &mut json);
    if let Json::Object(map) = &mut json {
        map.insert("failure".into(), json!(detail.run.failure));
        map.insert("taken_back_by".into(), json!(detail.taken_back));
        map.insert("groups".into(), json!(groups));
        map.insert("steps".into(), json!(say::happened_json(&detail.steps)));
        map.insert("records".into(), json!(detail.records.rows));
        map.insert("records_total".into(), json!(detail.records.total));
    }
    json
}

/// A run in JSON.
pub fn run_json(run: &Run, title: &str) -> Json {
    json!({
        "id": run.id, "pair": run.pair, "title": title, "state": run.state,
        "word": run.word().as_str(), "cause": run.cause, "started_at": run.started_at,
        "ended_at": run.ended_at, "counts": run.counts, "calls": run.calls,
        "mapping_version": run.mapping_version,
    })
}

/// Puts what a run left for being very many into its JSON.
pub fn holds_json(detail: &RunDetail, json: &mut Json) {
    if let Json::Object(map) = json {
        let holds = say::held_json(&detail.run.pair, &detail.holds);
        map.insert("holds".into(), json!(holds));
        map.insert("word".into(), json!(detail.word().as_str()));
    }
}

/// What a run that has ended means for the exit code.
///
/// # Errors
/// When the run failed as a whole or was stopped.
pub fn outcome(detail: &RunDetail) -> Result<Outcome> {
    let run = &detail.run;
    match run.state {
        RunState::Failed | RunState::PutOff => Err(run.failure.as_ref().map_or_else(
            || {
                Error::new(
                    Kind::Internal,
                    format!("run {} failed without a reason", run.id),
                )
            },
            say::failure,
        )),
        RunState::Cancelled => Err(Error::new(
            Kind::Cancelled,
            format!("run {} was cancelled; what was applied stays", run.id),
        )),
        RunState::Interrupted => Err(Error::new(
            Kind::Internal,
            format!("run {} was interrupted", run.id),
        )
        .hint("`syncdeck sync` finishes what it left open")),
        _ => Ok(match detail.word() {
            Word::Fail | Word::Conf | Word::Hold => Outcome::NeedsPerson,
            _ => Outcome::Fine,
        }),
    }
}
