//! `syncdeck sync`: runs pairs now, waits, and says what came of it.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::out::{Out, note, shown};
use super::runs::{outcome, run_json};
use super::say;
use super::session::{Session, ask};
use crate::domain::id::{PairName, RunId};
use crate::domain::run::Phase;
use crate::engine::command::{Command, Scope};
use crate::engine::notice::Reply;
use crate::engine::summary::Summary;
use crate::error::Result;

/// Arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck sync
  syncdeck sync leads
  syncdeck sync --full
  syncdeck sync --json | jq '.runs[].counts'

Exit codes: 0 done, 1 done and something needs a person (conflicts, refused records),
2 a run failed as a whole or could not start.")]
pub struct SyncArgs {
    /// One pair; without it all pairs, parents first
    pub pair: Option<String>,
    /// Also compare the ids of all records, to find what was missed; by schedule once a day
    #[arg(long)]
    pub full: bool,
    /// One JSON document at the end instead of text
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
///
/// # Errors
/// When a run could not start, or failed as a whole.
pub async fn run<W: Write>(
    session: &mut Session,
    args: SyncArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let scope = match args.pair {
        Some(pair) => Scope::Pair(PairName::new(pair)),
        None => Scope::All,
    };
    let command = match args.full {
        true => Command::Sweep { scope },
        false => Command::Sync { scope },
    };
    let runs = ask!(session, command, Reply::Started(runs) => runs);
    follow(session, &runs, args.json, out).await
}

/// Waits for runs, tells their steps on standard error, and their results on standard output.
///
/// # Errors
/// The first run that failed as a whole, after all have been shown.
pub async fn follow<W: Write>(
    session: &mut Session,
    runs: &[RunId],
    json: bool,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut result = Outcome::Fine;
    let mut failed = None;
    let mut shown_runs = Vec::new();
    let mut steps = Steps::default();
    for id in runs {
        let detail = session.finished(*id, |summary| steps.tell(summary)).await?;
        if json {
            shown_runs.push(run_json(&detail.run, &detail.title));
        } else {
            let run = &detail.run;
            out.line(&format!(
                "run {} {}: {}, {}  {}",
                run.id,
                shown(&detail.title),
                say::result(run),
                say::some(run.calls, "call", "calls"),
                run.word()
            ))?;
            for group in &detail.groups {
                out.line(&format!(
                    "  {}: {} {}",
                    say::some(group.records, "record", "records"),
                    shown(&group.code),
                    shown(&group.what)
                ))?;
                out.line(&format!("    fix: {}", shown(&group.fix)))?;
            }
        }
        match outcome(&detail.run) {
            Ok(Outcome::Fine) => {}
            Ok(other) => result = other,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if json {
        out.json(&json!({ "runs": shown_runs }))?;
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

/// Tells each new phase of a run once.
#[derive(Default)]
struct Steps {
    last: Option<(RunId, Phase)>,
}

impl Steps {
    fn tell(&mut self, summary: &Summary) {
        let Some(progress) = &summary.running else {
            return;
        };
        let now = (progress.run, progress.phase);
        if self.last != Some(now) {
            self.last = Some(now);
            note(&format!(
                "run {} {}: {}\n",
                progress.run,
                shown(&progress.title),
                progress.phase.label()
            ));
        }
    }
}
