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
use crate::domain::id::RunId;
use crate::domain::run::{LogLine, Phase, Word};
use crate::engine::summary::{Access, Attention, Motion, Summary};
use crate::error::Result;
use crate::tui::work;

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
    connections: Vec<(Word, String)>,
    paused: bool,
    /// Phase and time of the last word about the run at work.
    work: Option<(RunId, Phase, Motion, Timestamp)>,
}

/// Time between two words about a run that goes on.
const MINUTE: i64 = 60;

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
        lines.extend(self.connections(summary));
        if self.paused != summary.paused {
            self.paused = summary.paused;
            let (word, text) = match self.paused {
                true => (Word::Hold, "paused: no run starts by schedule"),
                false => (Word::Ok, "syncing goes on"),
            };
            lines.push(event(summary.at, word, "-", text));
        }
        lines.extend(self.log(summary));
        lines.extend(self.work(summary));
        lines.extend(self.attention(summary));
        lines
    }

    /// Connections whose sign-in, account or state is another one.
    fn connections(&mut self, summary: &Summary) -> Vec<String> {
        let now: Vec<(Word, String)> = summary
            .connections
            .iter()
            .map(|c| {
                let parts = [&c.system, &c.account, &c.sign_in];
                let parts = parts.map(String::as_str).into_iter();
                let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
                let trouble = c.trouble.as_ref();
                let trouble = trouble.map(|t| format!(": {}; {}; {}", t.what, t.why, t.fix));
                let text = parts.join("  ") + &trouble.unwrap_or_default();
                (c.word, text)
            })
            .collect();
        let new = now.iter().filter(|row| !self.connections.contains(row));
        let lines = new.map(|(word, text)| event(summary.at, *word, "-", text));
        let lines = lines.collect();
        self.connections = now;
        lines
    }

    /// What the run at work does: each phase, and each minute of it.
    fn work(&mut self, summary: &Summary) -> Option<String> {
        let Some(run) = &summary.running else {
            self.work = None;
            return None;
        };
        let same = |told: &(RunId, Phase, Motion, Timestamp)| {
            (told.0, told.1, told.2) == (run.run, run.phase, run.motion)
                && summary.at.as_second() - told.3.as_second() < MINUTE
        };
        if self.work.as_ref().is_some_and(same) {
            return None;
        }
        self.work = Some((run.run, run.phase, run.motion, summary.at));
        let text = format!("{}: {}", run.phase.label(), work::line(summary.at, run));
        let run = run.run.to_string();
        Some(event(summary.at, Word::Run, &run, &text))
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
    use crate::engine::summary::{ConnectionRow, Progress, Target};

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
            attention: attention.iter().map(need).collect(),
            log,
            ..Summary::empty(Timestamp::from_second(9).unwrap())
        }
    }

    #[test]
    fn connections_the_switch_and_the_run_at_work_are_told_when_they_change() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut told = Told::default();
        let mut now = summary(Vec::new(), &[]);
        told.news(&now);
        now.paused = true;
        now.connections = vec![ConnectionRow {
            word: Word::Ok,
            system: "Salesforce".into(),
            account: "acme".into(),
            org_id: None,
            org_name: None,
            way: None,
            sign_in: "renews itself".into(),
            api: Some((1, 9)),
            budget: None,
            codes: Default::default(),
            version: Default::default(),
            checked: None,
            trouble: None,
        }];
        let mut run = Progress {
            run: RunId(7),
            pair: "leads".into(),
            title: "Lead <-> leads".into(),
            phase: Phase::Read,
            done: 1_240,
            total: Some(5_000),
            started_at: at(0),
            phase_at: at(0),
            moved_at: at(0),
            counts: Default::default(),
            motion: Motion::Working,
        };
        now.running = Some(run.clone());
        assert_eq!(
            told.news(&now),
            [
                "1970-01-01 00:00:09  OK    -         Salesforce  acme  renews itself",
                "1970-01-01 00:00:09  HOLD  -         paused: no run starts by schedule",
                &format!(
                    "1970-01-01 00:00:09  RUN   7         {}: RUN Lead <-> leads 1,240/5,000 24%",
                    Phase::Read.label()
                ),
            ]
        );
        // Calls are counted and records are read all the time: that is no event.
        now.connections[0].api = Some((2, 9));
        run.done = 2_000;
        now.running = Some(run);
        assert_eq!(told.news(&now), [""; 0]);
        (now.at, now.paused) = (at(70), false);
        let later = told.news(&now);
        assert!(later[0].ends_with("syncing goes on"), "{later:?}");
        assert!(later[1].contains("2,000/5,000 40% 28/s"), "{later:?}");
        assert_eq!(later.len(), 2);
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
