//! What runs did, by day and pair: the trend of the last weeks.
//!
//! Invariant: a run counts once, with what it last said.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::layout::day_of;
use crate::domain::id::{PairName, RunId};
use crate::domain::run::{Counts, Run, RunState, Word};

/// Days that are kept.
pub const DAYS: u16 = 56;

/// What the runs of a day did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// Runs.
    pub runs: u64,
    /// Runs that are shown as failed: as a whole, or with a record that was refused.
    pub broken: u64,
    /// Records taken into the App.
    pub pulled: u64,
    /// Records written to the CRM.
    pub pushed: u64,
    /// Records refused.
    pub refused: u64,
    /// Conflicts found.
    pub conflicts: u64,
}

impl Day {
    fn of(run: &Run) -> Self {
        let Counts {
            pulled,
            pushed,
            failed,
            conflicts,
            ..
        } = run.counts;
        Self {
            runs: 1,
            broken: u64::from(run.word() == Word::Fail),
            pulled,
            pushed,
            refused: failed,
            conflicts,
        }
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.broken += other.broken;
        self.pulled += other.pulled;
        self.pushed += other.pushed;
        self.refused += other.refused;
        self.conflicts += other.conflicts;
    }
}

/// Runs of the last weeks.
#[derive(Debug, Default)]
pub struct Days {
    by_day: BTreeMap<u16, HashMap<RunId, Day>>,
    good: HashMap<PairName, Timestamp>,
}

impl Days {
    /// Takes a run as it stands.
    pub fn put(&mut self, run: &Run) {
        if run.state == RunState::Queued {
            return;
        }
        let day = day_of(run.started_at);
        let runs = self.by_day.entry(day).or_default();
        runs.insert(run.id, Day::of(run));
        let done = matches!(
            run.state,
            RunState::Succeeded | RunState::SucceededWithErrors
        );
        if let (true, Some(at)) = (done, run.ended_at) {
            let good = self.good.entry(run.pair.clone()).or_insert(at);
            *good = at.max(*good);
        }
        while let Some((first, last)) = self.ends()
            && last - first >= DAYS
        {
            self.by_day.pop_first();
        }
    }

    fn ends(&self) -> Option<(u16, u16)> {
        let (first, _) = self.by_day.first_key_value()?;
        let (last, _) = self.by_day.last_key_value()?;
        Some((*first, *last))
    }

    /// The last `days` days up to one, oldest first.
    pub fn until(&self, last: u16, days: u16) -> Vec<Day> {
        let first = last.saturating_sub(days.saturating_sub(1));
        let of = |day: u16| {
            let mut sum = Day::default();
            for run in self.by_day.get(&day).into_iter().flat_map(HashMap::values) {
                sum.add(run);
            }
            sum
        };
        (first..=last).map(of).collect()
    }

    /// When a run of a pair last ended well: what is here is from then.
    pub fn good(&self, pair: &PairName) -> Option<Timestamp> {
        self.good.get(pair).copied()
    }
}
