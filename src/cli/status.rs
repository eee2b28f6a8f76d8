//! `syncdeck status`: how everything stands, in one page.
//!
//! It shows the engine's summary and asks nothing else.

use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, shown};
use super::say;
use super::session::{Session, ask};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::summary::{Access, Env, Motion, Next, Summary, Target};
use crate::error::Result;
use crate::tui::update::staged;
use crate::tui::work;

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck status
  syncdeck status --json | jq .open_conflicts
  syncdeck status --check

Exit codes: 0 nothing waits for a person, 1 something does, 2 it could not be said.")]
pub struct StatusArgs {
    /// Ask Salesforce first who we are and how much is left
    #[arg(long)]
    pub check: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Shows it.
///
/// # Errors
/// When the engine ended or the output cannot be written.
pub async fn run<W: Write>(
    session: &mut Session,
    args: StatusArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    if args.check {
        ask!(session, Command::CheckConnection, Reply::Done => ());
        // What the check found is in the summary that follows it.
        session.forget_summary();
    }
    let summary = session.summary().await?;
    if args.json {
        out.json(&as_json(&summary))?;
    } else {
        as_text(&summary, out)?;
    }
    Ok(outcome(&summary))
}

/// What is only told, such as fields that are held since somebody took a run back, wakes nobody.
fn outcome(summary: &Summary) -> Outcome {
    match summary.attention.iter().all(|it| it.word == Word::Info) {
        true => Outcome::Fine,
        false => Outcome::NeedsPerson,
    }
}

fn as_text<W: Write>(summary: &Summary, out: &mut Out<W>) -> Result<()> {
    let access = access(summary.access);
    let env = env(summary.env);
    out.line(&format!("{}  {env}  {access}", shown(&summary.profile)))?;
    if summary.paused {
        out.line("paused: no run starts by schedule")?;
    }
    out.line("")?;
    let connections: Vec<_> = summary
        .connections
        .iter()
        .map(|c| {
            let api = c.api.map_or_else(
                || "-".into(),
                |(used, all)| format!("{} of {}", say::number(used), say::number(all)),
            );
            vec![
                c.system.clone(),
                c.word.to_string(),
                c.account.clone(),
                match c.way {
                    Some(way) => format!("{way}: {}", c.sign_in),
                    None => c.sign_in.clone(),
                },
                api,
                say::time_or_dash(c.checked),
            ]
        })
        .collect();
    out.table(
        &[
            "SYSTEM",
            "STATE",
            "ACCOUNT",
            "SIGN-IN",
            "API CALLS",
            "CHECKED",
        ],
        &connections,
    )?;
    for connection in &summary.connections {
        if let Some(budget) = &connection.budget {
            let system = &connection.system;
            out.line(&format!("API calls of {system} in 24 hours: {budget}"))?;
        }
        for (code, seen) in connection.codes.rows() {
            out.line(&format!(
                "not in the catalogue: {}, {}, last {}",
                shown(code),
                say::times(seen.times),
                say::time(seen.last)
            ))?;
        }
    }
    for trouble in summary
        .connections
        .iter()
        .filter_map(|c| c.trouble.as_ref())
    {
        out.line(&format!(
            "  {}: {}",
            shown(&trouble.what),
            shown(&trouble.why)
        ))?;
        out.line(&format!("  now: {}", shown(&trouble.now)))?;
        out.line(&format!("  fix: {}", shown(&trouble.fix)))?;
    }
    out.line("")?;
    let pairs: Vec<_> = summary
        .pairs
        .iter()
        .map(|p| {
            vec![
                p.name.to_string(),
                p.word.to_string(),
                p.title.clone(),
                say::number(p.records),
                say::number(p.waiting),
                say::number(p.open_conflicts),
                say::number(p.failing),
                say::time_or_dash(p.last.map(|l| l.at)),
                next(p.next),
            ]
        })
        .collect();
    out.table(
        &[
            "PAIR",
            "STATE",
            "WHAT",
            "RECORDS",
            "WAIT",
            "CONFLICTS",
            "FAILED",
            "LAST",
            "NEXT",
        ],
        &pairs,
    )?;
    if let Some(run) = &summary.running {
        let total = run
            .total
            .map_or_else(String::new, |t| format!(" of {}", say::number(t)));
        out.line("")?;
        let pace = work::pace(summary.at, run).map_or_else(String::new, |pace| format!(", {pace}"));
        out.line(&format!(
            "run {} {}: {}, {}{total}{pace}",
            run.run,
            shown(&run.title),
            run.phase.label(),
            say::number(run.done)
        ))?;
        out.line(&format!("  so far  {}", run.counts))?;
        match run.motion {
            Motion::Working => {}
            Motion::Pausing => out.line("  it pauses at the next record")?,
            Motion::Paused => out.line("  it is paused")?,
            Motion::Cancelling => out.line("  it is being cancelled")?,
        }
    }
    for line in collected(summary) {
        out.line(&line)?;
    }
    for (i, item) in summary.attention.iter().enumerate() {
        if i == 0 {
            out.line("\nneeds a person:")?;
        }
        out.line(&format!("  {:4}  {}", item.word, shown(&item.text)))?;
        if let Target::Held(pair, held) = &item.target {
            say::allow(pair, held, out)?;
        }
    }
    Ok(())
}

/// What was carried today and what waits to be written, as the Overview says it.
fn collected(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    let hours = summary.hours.iter().enumerate();
    let busy = hours.filter(|(_, records)| **records > 0);
    let busy = busy.map(|(hour, records)| format!("{hour:02}h {}", say::number(*records)));
    let busy: Vec<String> = busy.collect();
    if !busy.is_empty() {
        lines.push(format!(
            "records per hour, today (UTC): {}",
            busy.join(", ")
        ));
    }
    if summary.to_write() > 0 {
        let staged = staged(summary.staged, summary.edits, summary.schedules);
        lines.push(format!(
            "staged and not written: {staged}; `syncdeck conflicts write` shows and writes it"
        ));
    }
    if summary.drafts > 0 {
        let drafts = say::some(summary.drafts, "mapping has", "mappings have");
        lines.push(format!(
            "{drafts} changes that are not saved; the console saves them on 4"
        ));
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn as_json(summary: &Summary) -> Json {
    let connections: Vec<_> = summary
        .connections
        .iter()
        .map(|c| {
            json!({
                "system": c.system, "state": c.word.as_str(), "account": c.account,
                "org_id": c.org_id, "org_name": c.org_name, "sign_in": c.sign_in, "sign_in_way": c.way,
                "api_used": c.api.map(|a| a.0), "api_allowed": c.api.map(|a| a.1),
                "api_budget": c.budget,
                "unknown_codes": say::codes(&c.codes),
                "api_version_warning": c.version.warning(),
                "checked": c.checked,
                "trouble": c.trouble.as_ref().map(|t| json!({
                    "what": t.what, "why": t.why, "now": t.now, "fix": t.fix,
                })),
            })
        })
        .collect();
    let pairs: Vec<_> = summary
        .pairs
        .iter()
        .map(|p| {
            json!({
                "pair": p.name, "state": p.word.as_str(), "title": p.title,
                "records": p.records, "waiting": p.waiting,
                "open_conflicts": p.open_conflicts, "failing": p.failing,
                "rules_rest": p.rests,
                "last_run": p.last.map(|l| json!({
                    "id": l.id, "at": l.at, "seconds": l.took, "state": l.word().as_str(),
                    "counts": l.counts,
                })),
                "next": next_json(p.next),
            })
        })
        .collect();
    let attention: Vec<_> = summary
        .attention
        .iter()
        .map(|a| {
            let holds = match &a.target {
                Target::Held(pair, held) => say::held_json(pair, std::slice::from_ref(held)),
                _ => Vec::new(),
            };
            json!({ "state": a.word.as_str(), "text": a.text, "holds": holds })
        })
        .collect();
    json!({
        "profile": summary.profile, "env": env(summary.env), "access": access(summary.access),
        "at": summary.at, "paused": summary.paused,
        "connections": connections, "pairs": pairs,
        "running": summary.running.as_ref().map(|r| json!({
            "run": r.run, "pair": r.pair, "phase": r.phase, "done": r.done, "total": r.total,
            "counts": r.counts, "moved_at": r.moved_at,
        })),
        "open_conflicts": summary.open_conflicts, "staged": summary.staged,
        "edits": summary.edits, "schedules": summary.schedules,
        "drafts": summary.drafts, "records_per_hour": summary.hours,
        "store_bytes": summary.store_bytes, "attention": attention,
    })
}

pub fn env(env: Option<Env>) -> &'static str {
    match env {
        Some(Env::Production) => "PRODUCTION",
        Some(Env::Sandbox) => "sandbox",
        None => "not connected",
    }
}

pub fn access(access: Access) -> &'static str {
    match access {
        Access::ReadWrite => "read-write",
        Access::ReadOnly => "read-only",
    }
}

fn next(next: Next) -> String {
    match next {
        Next::Manual => "manual".into(),
        Next::At(at) => say::time(at),
        Next::Paused => "paused".into(),
        Next::Now => "now".into(),
        Next::Queued => "queued".into(),
    }
}

fn next_json(at: Next) -> Json {
    match at {
        Next::At(at) => json!(at),
        Next::Manual | Next::Paused | Next::Now | Next::Queued => json!(next(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{PairName, RunId};
    use crate::domain::run::{Counts, Phase};
    use crate::engine::summary::{Attention, PairRow, Progress, Rests};

    fn at(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    fn with_pairs(pairs: Vec<PairRow>) -> Summary {
        Summary {
            pairs,
            ..Summary::empty(at("2026-11-21T14:00:40Z"))
        }
    }

    #[test]
    fn what_is_only_told_wakes_nobody() {
        let of = |words: &[Word]| {
            let item = |word: &Word| Attention {
                word: *word,
                text: String::new(),
                hint: String::new(),
                target: Target::Conflicts,
                pair: None,
            };
            outcome(&Summary {
                attention: words.iter().map(item).collect(),
                ..with_pairs(Vec::new())
            })
        };
        assert_eq!(of(&[]).exit_code(), 0);
        assert_eq!(of(&[Word::Info]).exit_code(), 0);
        assert_eq!(of(&[Word::Info, Word::Warn]).exit_code(), 1);
    }

    #[test]
    fn what_the_rules_of_a_pair_rest_for_is_said() {
        let pair = |rests| PairRow {
            name: PairName::new("leads"),
            title: String::new(),
            word: Word::Conf,
            last: None,
            open_conflicts: 3,
            failing: 0,
            records: 3,
            waiting: 0,
            rests,
            next: Next::Manual,
        };
        for (rests, says) in [
            (None, json!(null)),
            (Some(Rests::Compared), json!({"until": "compared"})),
            (
                Some(Rests::Answered(Some(3))),
                json!({"until": "answered", "questions": 3}),
            ),
            (
                Some(Rests::Answered(None)),
                json!({"until": "answered", "questions": null}),
            ),
        ] {
            let said = as_json(&with_pairs(vec![pair(rests)]));
            assert_eq!(said["pairs"][0]["rules_rest"], says);
        }
    }

    #[test]
    fn what_the_overview_says_of_now_and_of_today_is_said_in_text() {
        let running = Progress {
            run: RunId(7),
            pair: PairName::new("leads"),
            title: "Lead <-> leads".into(),
            phase: Phase::Read,
            done: 1_240,
            total: Some(5_000),
            started_at: at("2026-11-21T14:00:00Z"),
            phase_at: at("2026-11-21T14:00:00Z"),
            moved_at: at("2026-11-21T14:00:39Z"),
            motion: Motion::Pausing,
            counts: Counts {
                same: 9,
                ..Counts::default()
            },
        };
        let summary = Summary {
            running: Some(running),
            staged: 2,
            edits: 1,
            drafts: 1,
            hours: vec![0, 0, 1_410],
            ..with_pairs(Vec::new())
        };
        let mut out = Out::to(Vec::new());
        as_text(&summary, &mut out).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        for says in [
            "1,240 of 5,000",
            "so far  9 same",
            "it pauses at the next record",
            "today (UTC): 02h 1,410",
            "staged and not written: 2 decisions and 1 edit",
            "1 mapping has changes that are not saved",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
    }
}
