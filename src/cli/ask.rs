//! Questions to a person on a terminal; none without one.
//!
//! Invariant: what is not answered with `yes` is not done.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;

use super::out::note;
use crate::error::{Error, Kind, Result};

/// Consent given on the command line.
#[derive(Debug, Clone, Copy, Args)]
pub struct Consent {
    /// Do it without asking
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Yes,
    /// Do nothing.
    No,
}

impl Consent {
    /// Asks, unless consent was given. The wait can be dropped, as for Ctrl-C.
    ///
    /// # Errors
    /// When there is nobody to ask, or the answer cannot be read.
    pub async fn ask(self, question: &str) -> Result<Answer> {
        let question = question.to_owned();
        beside(move || self.ask_here(&question)).await
    }

    /// The same on this thread.
    ///
    /// # Errors
    /// As [`Consent::ask`].
    pub fn ask_here(self, question: &str) -> Result<Answer> {
        if self.yes {
            return Ok(Answer::Yes);
        }
        if !io::stdin().is_terminal() {
            return Err(Error::new(
                Kind::Refused,
                "this asks first, and nobody is there to answer",
            )
            .hint("add --yes if it is meant"));
        }
        note(&format!("{question} (yes/no) "));
        let answer = line()?;
        Ok(match answer.trim() {
            "yes" | "y" => Answer::Yes,
            _ => Answer::No,
        })
    }
}

/// Reads from a person or a pipe beside the task that waits for it.
///
/// # Errors
/// What the reading ends with.
pub async fn beside<T: Send + 'static>(
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|e| Error::new(Kind::Internal, "the input could not be read").caused_by(e))?
}

/// Refuses to wait for a whole file from a keyboard; `-` is standard input.
///
/// # Errors
/// When that is what `file` means here.
pub fn not_typed(file: &str) -> Result<()> {
    if file == "-" && io::stdin().is_terminal() {
        return Err(Error::new(Kind::Usage, "standard input is the keyboard")
            .hint("name a file, or send one: syncdeck ... - < FILE"));
    }
    Ok(())
}

/// One line from standard input, without its end.
///
/// # Errors
/// When it cannot be read, or there is none.
pub fn line() -> Result<String> {
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text);
    match read {
        Ok(0) => Err(Error::new(
            Kind::Cancelled,
            "the input ended before an answer came",
        )),
        Ok(_) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(e) => Err(Error::new(
            Kind::Usage,
            format!("cannot read the answer: {e}"),
        )),
    }
}
