//! Questions to a person on a terminal; none without one.
//!
//! Invariant: what is not answered with `yes` is not done.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;
use tokio::sync::mpsc;

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

/// Lines of standard input, waited for beside other things.
///
/// A read of a terminal cannot be taken back: one that nobody waits for any more is the next one's,
/// so that no line is lost. The thread that reads ends with this, or with the process.
#[derive(Debug, Default)]
pub struct Lines {
    reader: Option<(mpsc::Sender<()>, mpsc::Receiver<Result<String>>)>,
    asked: Asked,
}

/// Whether a line is being read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Yes,
    #[default]
    No,
}

impl Lines {
    /// The next line. Can be dropped while it waits.
    ///
    /// # Errors
    /// As [`line()`].
    pub async fn next(&mut self) -> Result<String> {
        let ended = || Error::new(Kind::Cancelled, "the input ended before an answer came");
        let (demand, lines) = self.reader.get_or_insert_with(|| {
            let (demand, mut wanted) = mpsc::channel(1);
            let (read, lines) = mpsc::channel(1);
            std::thread::spawn(move || {
                while wanted.blocking_recv().is_some() {
                    if read.blocking_send(line()).is_err() {
                        return;
                    }
                }
            });
            (demand, lines)
        });
        if self.asked == Asked::No {
            demand.send(()).await.map_err(|_| ended())?;
            self.asked = Asked::Yes;
        }
        let line = lines.recv().await;
        self.asked = Asked::No;
        line.unwrap_or_else(|| Err(ended()))
    }
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
