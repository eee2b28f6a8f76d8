//! `syncdeck watch --plain`: what the console shows as it happens, one line per event, for screen
//! readers, dumb terminals and pipes.
//!
//! It hosts the engine as the console does, so that schedules run; it moves no cursor. Invariant:
//! a line that was printed is never printed again, and lines that were missed are said to be.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;

use super::Outcome;
use super::out::{Out, shown};
use super::say;
use super::session::Session;
use super::status::{access, env};
use crate::domain::run::{LogLine, Word};
use crate::engine::summary::{Access, Attention, Summary};
use crate::error::Result;

/// Arguments of `watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck watch --plain
  syncdeck watch --plain | grep -E 'FAIL|CONF'

Pairs with a schedule run while this is open, but not with --read-only. Ctrl-C ends it at a record
boundary.

Exit codes: 2 it could not start or go on, 130 and 143 stopped by a signal.")]
pub struct WatchArgs {
    /// Lines of text; there is no other form
    #[arg(long, required = true)]
    pub plain: bool,
    /// Only tell: no run starts, not even a scheduled one
    #[arg(long)]
    pub read_only: bool,
}

/// Watches until it is stopped.
///
/// # Errors
/// When the engine ended or the output cannot be written.
pub async fn run<W: Write>(
    session: &mut Session,
    args: &WatchArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut told = Told {
        only: args.read_only.then_some(Access::ReadOnly),
        ..Told::default()
    };
    loop {
        let summary = session.summary().await?;
        for line in told.news(&summary) {
            out.line(&line)?;
        }
        session.step().await?;
    }
}

/// What was said already.
#[derive(Debug, Default)]
struct Told {
    /// What this process is allowed, when it is less than what the engine is.
    only: Option<Access>,
    began: bool,
    newest: Option<LogLine>,
    attention: Vec<(Word, String)>,
}

impl Told {
    /// Lines that were not said yet, oldest first.
    fn news(&mut self, summary: &Summary) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.began {
            self.began = true;
            let (env, access) = (
                env(summary.env),
                access(self.only.unwrap_or(summary.access)),
            );
            lines.push(format!("{}  {env}  {access}", shown(&summary.profile)));
            for pair in &summary.pairs {
                lines.push(format!(
                    "{:<5} {}  {}, {} wait, {}, {} refused",
                    pair.word,
                    shown(&pair.title),
                    say::some(pair.records, "record", "records"),
                    say::number(pair.waiting),
                    say::some(pair.open_conflicts, "conflict", "conflicts"),
                    say::number(pair.failing)
                ));
            }
            self.newest = summary.log.first().cloned();
        }
        lines.extend(self.log(summary));
        lines.extend(self.attention(summary));
        lines
    }

    fn log(&mut self, summary: &Summary) -> Vec<String> {
        let known = self
            .newest
            .as_ref()
            .and_then(|newest| summary.log.iter().position(|line| line == newest));
        let new = known.unwrap_or(summary.log.len());
        let mut lines = Vec::new();
        if known.is_none() && self.newest.is_some() && !summary.log.is_empty() {
            lines.push("      some lines were missed; `syncdeck runs` has them all".to_owned());
        }
        let fresh = summary.log.iter().take(new).rev();
        lines.extend(fresh.map(|line| {
            let run = line.run.map_or("-".to_owned(), |run| run.to_string());
            event(line.at, line.word, &run, &line.text)
        }));
        if let Some(newest) = summary.log.first() {
            self.newest = Some(newest.clone());
        }
        lines
    }

    /// What began to need a person, and what no longer does.
    fn attention(&mut self, summary: &Summary) -> Vec<String> {
        let now: Vec<(Word, String)> = summary
            .attention
            .iter()
            .map(|Attention { word, text, .. }| (*word, text.clone()))
            .collect();
        let mut lines = Vec::new();
        for (word, text) in now.iter().filter(|it| !self.attention.contains(it)) {
            lines.push(event(summary.at, *word, "needs you", text));
        }
        for (_, text) in self.attention.iter().filter(|it| !now.contains(it)) {
            lines.push(event(summary.at, Word::Ok, "no longer", text));
        }
        self.attention = now;
        lines
    }
}

fn event(at: Timestamp, word: Word, run: &str, text: &str) -> String {
    format!("{}  {word:<5} {run:<9} {}", say::time(at), shown(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::summary::{Access, Target};

    fn line(second: i64, text: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_second(second).unwrap(),
            word: Word::Ok,
            run: None,
            text: text.into(),
        }
    }

    fn summary(log: Vec<LogLine>, attention: &[&str]) -> Summary {
        let need = |text: &&str| Attention {
            word: Word::Fail,
            text: (*text).into(),
            hint: String::new(),
            target: Target::Conflicts,
            pair: None,
        };
        Summary {
            profile: "p".into(),
            env: None,
            access: Access::ReadOnly,
            at: Timestamp::from_second(9).unwrap(),
            connections: Vec::new(),
            pairs: Vec::new(),
            running: None,
            paused: false,
            attention: attention.iter().map(need).collect(),
            log,
            open_conflicts: 0,
            staged: 0,
            edits: 0,
            drafts: 0,
            store_bytes: 0,
        }
    }

    #[test]
    fn each_event_is_one_line_and_said_once() {
        let mut told = Told::default();
        let first = told.news(&summary(vec![line(1, "old")], &["refused"]));
        assert_eq!(first.len(), 2, "{first:?}");
        assert!(first[1].ends_with("FAIL  needs you refused"), "{first:?}");
        let log = vec![line(3, "a\x1b[2Jb\nc"), line(2, "two"), line(1, "old")];
        let next = told.news(&summary(log.clone(), &[]));
        assert_eq!(
            next,
            [
                "1970-01-01 00:00:02  OK    -         two",
                "1970-01-01 00:00:03  OK    -         a^[[2Jb^Jc",
                "1970-01-01 00:00:09  OK    no longer refused",
            ]
        );
        assert_eq!(told.news(&summary(log, &[])), [""; 0]);
        let missed = told.news(&summary(vec![line(8, "later")], &[]));
        assert!(missed[0].contains("missed"), "{missed:?}");
        assert_eq!(missed.len(), 2);
    }
}
