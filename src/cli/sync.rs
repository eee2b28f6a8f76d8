//! `syncdeck sync`: runs pairs now, waits, and says what came of it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::out::{Out, note, shown};
use super::runs::{holds_json, outcome, run_json};
use super::session::{Session, ask};
use super::{plan, say};
use crate::domain::dry_run::Plan;
use crate::domain::id::{PairName, RunId};
use crate::domain::run::Phase;
use crate::engine::command::{Allowance, Command, Scope};
use crate::engine::notice::Reply;
use crate::engine::summary::Summary;
use crate::error::{Error, Kind, Result};

/// Arguments of `sync`.
#[derive(Default, Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck sync
  syncdeck sync leads
  syncdeck sync --full
  syncdeck sync --json | jq '.runs[].counts'
  syncdeck sync accounts --allow deletes=312
  syncdeck sync --dry-run
  syncdeck sync --dry-run accounts contacts --out plan.json

What would be very many of a pair waits until a person allows that number, once: more than 20 records
deleted and more than 1 in 100, changed and more than half, or emptied of one field and more than 1 in 20.
`syncdeck status` says what waits and how --allow calls it: deletes, updates, blanks:FIELD for what would be
written to Salesforce; app-deletes, app-updates, app-blanks:FIELD for the App; restored for the records of a
backup that was put back, which are compared first. A mapping that was saved
answers for the changes and blanks it causes.

A dry run reads what a run would read and decides what it would decide, and writes nothing, on neither
side. What it found is kept, sealed in the store, as a plan: `syncdeck plan show`, `syncdeck plan apply`.
With --json, and in the file of --out, the plan holds the values of records in the clear; the file can be
read by its owner only.

Exit codes: 0 done, 1 done and something needs a person (conflicts, refused records, very many that wait;
in a dry run: would), 2 a run failed as a whole or could not start.")]
pub struct SyncArgs {
    /// Only these pairs; without any all pairs, parents first
    #[arg(value_name = "PAIR")]
    pub pairs: Vec<String>,
    /// Also compare the ids of all records, to find what was missed; once a day that is done by itself
    #[arg(long, conflicts_with = "dry_run")]
    pub full: bool,
    /// Also write up to so many of what is held because it is very many; may be given several times
    #[arg(
        long,
        value_name = "WHAT=N",
        value_parser = allowance,
        requires = "pairs",
        conflicts_with_all = ["dry_run", "full"]
    )]
    pub allow: Vec<Allowance>,
    /// Write nothing, on neither side: make a plan of what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// The plan with all its records as JSON into this new file
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub out: Option<PathBuf>,
    /// One JSON document at the end instead of text
    #[arg(long)]
    pub json: bool,
}

/// `deletes=120`: what, and how many of it.
pub(super) fn allowance(text: &str) -> std::result::Result<Allowance, String> {
    let parts = text.rsplit_once('=').map(|(name, n)| (name, n.parse()));
    match parts {
        Some((name, Ok(number))) if !name.is_empty() => Ok(Allowance {
            name: name.to_owned(),
            number,
        }),
        _ => Err("what and how many, such as deletes=120".to_owned()),
    }
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
    let pairs = args.pairs.iter().map(|name| PairName::new(name.as_str()));
    let pairs: Vec<PairName> = pairs.collect();
    if args.dry_run {
        return dry_run(session, pairs, &args, out).await;
    }
    if !args.allow.is_empty() {
        let mut runs = Vec::new();
        for pair in pairs {
            let allowances = args.allow.clone();
            let command = Command::Allow { pair, allowances };
            runs.extend(ask!(session, command, Reply::Started(runs) => runs));
        }
        return follow(session, &runs, args.json, out).await;
    }
    let scopes = match pairs.is_empty() {
        true => vec![Scope::All],
        false => pairs.into_iter().map(Scope::Pair).collect(),
    };
    let mut runs = Vec::new();
    for scope in scopes {
        let command = match args.full {
            true => Command::Sweep { scope },
            false => Command::Sync { scope },
        };
        runs.extend(ask!(session, command, Reply::Started(runs) => runs));
    }
    follow(session, &runs, args.json, out).await
}

async fn dry_run<W: Write>(
    session: &mut Session,
    pairs: Vec<PairName>,
    args: &SyncArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut steps = Steps::default();
    let command = Command::DryRun { pairs };
    let reply = session.ask_watching(command, |s| steps.tell(s)).await?;
    let Reply::Planned(plan) = reply else {
        return Err(Session::wrong_answer());
    };
    if let Some(path) = &args.out {
        let mut file = Out::to(BufWriter::new(private(path, &plan)?));
        plan::write_json(session, &plan, &mut file).await?;
    }
    plan::made(session, &plan, args.json, out).await
}

/// A new file that only its owner can read.
fn private(path: &Path, plan: &Plan) -> Result<File> {
    let mut options = File::options();
    let made = options.write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| {
        let text = format!("cannot make {}: {error}", path.display());
        let kept = format!("plan {} is kept: `syncdeck plan show {0} --json`", plan.id);
        Error::new(Kind::Usage, text).hint(kept)
    })
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
            let mut json = run_json(&detail.run, &detail.title);
            holds_json(&detail, &mut json);
            shown_runs.push(json);
        } else {
            let run = &detail.run;
            out.line(&format!(
                "run {} {}: {}, {}  {}",
                run.id,
                shown(&detail.title),
                say::result(run),
                say::some(run.calls, "call", "calls"),
                detail.word()
            ))?;
            say::held(&run.pair, &detail.holds, out)?;
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
        match outcome(&detail) {
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
#[derive(Debug, Default)]
pub struct Steps {
    last: Option<(RunId, Phase)>,
}

impl Steps {
    /// Says the phase, if it is another than before.
    pub fn tell(&mut self, summary: &Summary) {
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
