//! What runs did, by day, hour and pair: the trend of the last weeks, and the load of today.
//!
//! Invariant: a run counts once, with what it last said.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::layout::day_of;
use crate::domain::id::{PairName, RunId};
use crate::domain::run::{Counts, Run, RunState, Word};

/// Days that are kept.
pub const DAYS: u16 = 56;

const HOURS: u32 = 24;

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

    /// Records that were carried to either side.
    fn carried(&self) -> u64 {
        self.pulled + self.pushed
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
    /// With the hour that the run counts in.
    by_day: BTreeMap<u16, HashMap<RunId, (u32, Day)>>,
    /// Records carried, by the hour since 1970 in which their run ended, or began if it is at work.
    by_hour: BTreeMap<u32, u64>,
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
        let (hour, is) = (
            hour_of(run.ended_at.unwrap_or(run.started_at)),
            Day::of(run),
        );
        if let Some((hour, was)) = runs.insert(run.id, (hour, is)) {
            let carried = self.by_hour.entry(hour).or_default();
            *carried = carried.saturating_sub(was.carried());
        }
        *self.by_hour.entry(hour).or_default() += is.carried();
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
            self.by_hour = self.by_hour.split_off(&(u32::from(first + 1) * HOURS));
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
            for (_, run) in self.by_day.get(&day).into_iter().flat_map(HashMap::values) {
                sum.add(run);
            }
            sum
        };
        (first..=last).map(of).collect()
    }

    /// Records carried in each hour of the day (UTC) of a time up to that hour, midnight first, by
    /// the hour in which their run ended.
    pub fn hours(&self, now: Timestamp) -> Vec<u64> {
        let last = hour_of(now);
        let hours = last - last % HOURS..=last;
        let carried = |hour| self.by_hour.get(&hour).copied().unwrap_or_default();
        hours.map(carried).collect()
    }

    /// When a run of a pair last ended well: what is here is from then.
    pub fn good(&self, pair: &PairName) -> Option<Timestamp> {
        self.good.get(pair).copied()
    }
}

/// Hours since 1970, UTC.
fn hour_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().div_euclid(3_600)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::Cause;

    #[test]
    fn a_run_counts_once_in_the_hour_it_ended_and_the_day_begins_anew() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let day = 20_000 * 86_400;
        let mut days = Days::default();
        let mut run = Run {
            id: RunId(1),
            pair: "leads".into(),
            cause: Cause::Person,
            state: RunState::Running,
            started_at: at(day + 3_000),
            ended_at: None,
            mapping_version: 1,
            counts: Counts {
                pulled: 7,
                ..Counts::default()
            },
            calls: 1,
            failure: None,
        };
        days.put(&run);
        assert_eq!(days.hours(at(day + 3_100)), [7]);
        run.state = RunState::Succeeded;
        run.ended_at = Some(at(day + 7_300));
        run.counts.pushed = 3;
        days.put(&run);
        days.put(&run);
        assert_eq!(days.hours(at(day + 3 * 3_600)), [0, 0, 10, 0]);
        assert_eq!(days.hours(at(day + 86_400)), [0]);
        assert_eq!(days.until(20_000, 1)[0].runs, 1);
    }
}
