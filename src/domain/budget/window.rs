//! Events of a rolling span, counted by the minute.
//!
//! Invariants: an event counts for the whole span and at most a minute longer; the size is
//! bounded by the minutes of the span; a clock that was ahead and came back leaves no count
//! behind that never ends.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Counts of the last minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Minutes an event counts.
    span: u16,
    /// Minute since 1970 and events in it, ascending.
    minutes: VecDeque<(i64, u32)>,
}

impl Window {
    /// Over so many minutes.
    pub fn over(minutes: u16) -> Self {
        Self {
            span: minutes,
            minutes: VecDeque::new(),
        }
    }

    /// Counts an event.
    pub fn add(&mut self, now: Timestamp) {
        let this = minute(now);
        let mut here = 0u32;
        // Of a time that has not come yet: the clock was put back. It happened by now.
        while let Some((_, events)) = self.minutes.pop_back_if(|(at, _)| *at >= this) {
            here = here.saturating_add(events);
        }
        self.minutes.push_back((this, here.saturating_add(1)));
        while self
            .minutes
            .pop_front_if(|(at, _)| *at < this - i64::from(self.span))
            .is_some()
        {}
    }

    /// Events that count.
    pub fn total(&self, now: Timestamp) -> u64 {
        let oldest = minute(now) - i64::from(self.span);
        let counts = self.minutes.iter().filter(|(at, _)| *at >= oldest);
        counts.map(|(_, events)| u64::from(*events)).sum()
    }

    /// When so many of the events that count now no longer do; none when there are fewer.
    pub fn frees(&self, events: u64, now: Timestamp) -> Option<Timestamp> {
        let oldest = minute(now) - i64::from(self.span);
        let mut gone = 0;
        let last = self
            .minutes
            .iter()
            .filter(|(at, _)| *at >= oldest)
            .find(|(_, events_here)| {
                gone += u64::from(*events_here);
                gone >= events
            });
        let (at, _) = last.filter(|_| events > 0)?;
        Timestamp::from_second((at + i64::from(self.span) + 1) * 60).ok()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.minutes.len()
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}
