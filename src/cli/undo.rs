//! `syncdeck runs undo`: shows what taking back a run would do, and does it.

use std::io::Write;

use clap::Args;

use super::ask::{Answer, Consent};
use super::conflicts::{preview_json, preview_text};
use super::out::{Out, shown};
use super::session::{Session, ask};
use super::{Outcome, sync};
use crate::domain::id::RunId;
use crate::engine::command::{Allowance, Command};
use crate::engine::notice::Reply;
use crate::error::Result;

/// Arguments of `runs undo`.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Number of the run
    pub id: RunId,
    /// Show what would be put back and what would not, and stop
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do so many of what would be very many: deletes=120
    #[arg(long, value_name = "WHAT=N", value_parser = sync::allowance)]
    pub allow: Vec<Allowance>,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When the run cannot be taken back at all, when something changed since the preview, or when
/// there is nobody to ask.
pub async fn run<W: Write>(
    session: &mut Session,
    args: UndoArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let run = args.id;
    let preview = *ask!(session, Command::PreviewUndo { run }, Reply::Preview(p) => p);
    match (args.json, args.dry_run) {
        (true, true) => out.json(&preview_json(&preview, "records"))?,
        (true, false) => {}
        (false, _) => {
            preview_text(&preview, ("record", "records"), out)?;
            for held in &preview.held {
                out.line(&format!("very many: {}", shown(&held.much())))?;
            }
            for sentence in &preview.automation {
                out.line(&shown(sentence))?;
            }
        }
    }
    let left = match preview.refused.is_empty() {
        true => Outcome::Fine,
        false => Outcome::NeedsPerson,
    };
    if args.dry_run {
        return Ok(left);
    }
    let question = format!("Take back run {run}?");
    if args.consent.ask(&question).await? == Answer::No {
        out.line("nothing was written")?;
        return Ok(Outcome::NeedsPerson);
    }
    let (hash, allow) = (preview.hash, args.allow);
    let runs = ask!(session, Command::Undo { run, hash, allow }, Reply::Started(runs) => runs);
    let done = sync::follow(session, &runs, args.json, out).await?;
    Ok(match done {
        Outcome::Fine => left,
        other => other,
    })
}
