//! What the shares of a budget come to in calls, for people who want to see the lines.

use jiff::Timestamp;

use super::{Budget, Figure, Forecast, Room, Shares, percent};

/// The lines of a connection and where it stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// As they are set.
    pub shares: Shares,
    /// Calls of ours in the last 24 hours.
    pub ours: u64,
    /// The same in calls; none until the org has said how much it allows.
    pub lines: Option<Lines>,
}

/// Calls, of those the org allows in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    /// What the org said last.
    pub figure: Figure,
    /// Ours at most.
    pub share: u64,
    /// Background work ends here, counted over everybody.
    pub stop: u64,
    /// Of one run at most.
    pub run: u64,
    /// Kept for people, out of our share.
    pub reserve: u64,
    /// What background work may still do.
    pub room: Room,
    /// As much again as in the last 24 hours.
    pub again: Forecast,
}

impl Budget {
    /// What the shares come to.
    pub fn limits(&self, shares: &Shares, now: Timestamp) -> Limits {
        Limits {
            shares: *shares,
            ours: self.ours(now),
            lines: self.lines(shares, now),
        }
    }

    fn lines(&self, shares: &Shares, now: Timestamp) -> Option<Lines> {
        let figure = self.figure()?;
        Some(Lines {
            figure,
            share: self.share(shares)?,
            stop: self.stop(shares)?,
            run: per_run(figure.max, shares),
            reserve: self.reserve(shares)?,
            room: self.room(shares, now)?,
            again: self.forecast(self.ours(now), shares, now)?,
        })
    }

    /// Calls of everybody at which background work ends; what is kept for people stays below it.
    pub(super) fn stop(&self, shares: &Shares) -> Option<u64> {
        let max = self.figure?.max;
        let reserve = self.reserve(shares)?;
        Some(percent(max, shares.stop_at_org_used).min(max.saturating_sub(reserve)))
    }
}

/// Calls of one run at most; every run may make one.
pub(super) fn per_run(max: u64, shares: &Shares) -> u64 {
    percent(max, shares.per_run_share).max(1)
}
