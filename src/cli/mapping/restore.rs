//! `syncdeck mapping restore`: an older version of a mapping, saved as the newest.

use std::io::Write;

use clap::Args;

use super::differs;
use crate::cli::Outcome;
use crate::cli::ask::{Answer, Consent};
use crate::cli::out::{Out, shown};
use crate::cli::session::{Session, ask};
use crate::domain::id::PairName;
use crate::domain::mapping::Pair;
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::error::Result;

/// Arguments of `mapping restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Pair
    pub pair: String,
    /// Number of the version
    pub version: u32,
    /// Show what would change, and stop
    #[arg(long, conflicts_with = "yes")]
    pub preview: bool,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
}

/// Shows what the version changes, and saves it as the newest. Rows, rules and filter come back;
/// the schedule stays.
///
/// # Errors
/// When there is no such version, or it cannot work any more.
pub async fn run<W: Write>(
    session: &mut Session,
    args: RestoreArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let (pair, version) = (PairName::new(args.pair), args.version);
    let current = session.pair(&pair).await?;
    let command = Command::MappingVersion {
        pair: pair.clone(),
        version,
    };
    let older = ask!(session, command, Reply::Mapping(detail) => detail.pair);
    let draft = Pair {
        version: current.version,
        schedule: current.schedule,
        ..older
    };
    if !differs(session, &draft, out).await? {
        out.line("that version is what is saved")?;
        return Ok(Outcome::Fine);
    }
    if args.preview {
        return Ok(Outcome::Fine);
    }
    let question = format!("Save version {version} of {} again?", shown(pair.as_str()));
    if args.consent.ask(&question).await? == Answer::No {
        out.line("nothing was saved")?;
        return Ok(Outcome::NeedsPerson);
    }
    let draft = Box::new(draft);
    let saved = ask!(session, Command::SaveMapping { draft }, Reply::Saved { version } => version);
    let pair = shown(pair.as_str());
    out.line(&format!(
        "{pair}: version {version} is back, as version {saved}"
    ))?;
    Ok(Outcome::Fine)
}
