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
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::summary::{Access, Env, Next, Summary, Target};
use crate::error::Result;

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
    Ok(if summary.attention.is_empty() {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
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
        out.line(&format!(
            "run {} {}: {}, {}{total}",
            run.run,
            shown(&run.title),
            run.phase.label(),
            say::number(run.done)
        ))?;
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
                "last_run": p.last.map(|l| json!({
                    "id": l.id, "at": l.at, "seconds": l.took, "state": l.word.as_str(),
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
