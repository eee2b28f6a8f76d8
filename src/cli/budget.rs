//! `syncdeck go-on`: past the lines of the API budget, once.

use std::io::Write;

use clap::Args;

use super::Outcome;
use super::ask::{Answer, Consent};
use super::out::Out;
use super::session::{Session, ask};
use crate::domain::budget::AHEAD;
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::error::Result;

/// Arguments of `go-on`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck go-on
  syncdeck go-on --yes

Syncs that stopped because [budget] says so go on, until the org has used 95 % of its calls of the
day, whoever did. It holds for 24 hours. Other apps of the org may be refused then.

Exit codes: 0 it holds, 1 it was not agreed to, 2 it could not be done.")]
pub struct GoOnArgs {
    /// Whether to ask.
    #[command(flatten)]
    pub consent: Consent,
}

/// Does it.
///
/// # Errors
/// When it cannot be kept, or nobody can be asked.
pub async fn go_on<W: Write>(
    session: &mut Session,
    args: GoOnArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let question = format!(
        "Use up to {AHEAD} % of the org's calls for 24 hours? Other apps of the org may be refused."
    );
    if args.consent.ask(&question).await? == Answer::No {
        out.line("the budget stays as it is")?;
        return Ok(Outcome::NeedsPerson);
    }
    ask!(session, Command::GoOn, Reply::Done => ());
    out.line(&format!(
        "work in the background may go on to {AHEAD} % of the org's calls, for 24 hours"
    ))?;
    Ok(Outcome::Fine)
}
