//! Open conflicts and runs in the index.
//!
//! Invariant: no more runs than [`RUNS_KEPT`] can be found, and those are the newest.

use super::days::Days;
use super::lines::{Lines, PART};
use crate::domain::conflict::Conflict;
use crate::domain::run::Run;
use crate::domain::text::fold;

/// Runs that can be found by searching.
pub(super) const RUNS_KEPT: usize = 20_000;

/// Texts of open conflicts and of the newest runs, and what the runs did by day.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) conflicts: Lines,
    pub(super) runs: Lines,
    newest_run: u64,
    pub(super) days: Days,
}

impl Others {
    /// A conflict as it is; one that is closed goes.
    pub(super) fn put_conflict(&mut self, conflict: &Conflict) {
        let id = key(conflict.id.0);
        if !conflict.state.is_open() {
            self.conflicts.remove(&id);
            return;
        }
        let mut text = format!("{}{PART}{}", conflict.pair, conflict.app_id);
        for value in conflict.app.iter().chain(&conflict.crm).flatten() {
            text.push(PART);
            text.extend(value.to_string().chars().take(200));
        }
        self.conflicts.put(&id, &one_line(&text));
    }

    /// A run as it stands.
    pub(super) fn put_run(&mut self, run: &Run) {
        self.days.put(run);
        let failure = run.failure.as_ref();
        let why = failure.map_or(String::new(), |f| {
            format!("{PART}{}{PART}{}", f.code, f.what)
        });
        let text = format!("{}{PART}{}{PART}{}{why}", run.id, run.pair, run.word());
        self.runs.put(&key(run.id.0), &one_line(&text));
        self.newest_run = self.newest_run.max(run.id.0);
        if self.runs.len() > RUNS_KEPT
            && let Some(old) = self.newest_run.checked_sub(RUNS_KEPT as u64)
        {
            self.runs.remove(&key(old));
        }
    }
}

/// A number as an id that is in the order of the numbers.
pub(super) fn key(number: u64) -> String {
    format!("{number:020}")
}

fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != PART { ' ' } else { c };
    fold(text).chars().map(plain).collect()
}
