//! The API budget of a connection: how many calls may still be made, and by whom
//! (sync-semantics 10).
//!
//! Pure: the time is given, nothing is sent. It counts our own calls over a rolling day and
//! holds them against the org's own figure. Invariants: work in the background never touches
//! the calls kept for people, never takes the org past the stop line, and never counts a call
//! for less than 24 hours.

mod class;
mod forecast;
mod limits;
mod storage;
mod window;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::class::{Class, Seat, first};
pub use self::forecast::{Forecast, clock};
pub use self::limits::{Limits, Lines};
pub use self::storage::{Fill, Space, Storage};
pub use self::window::Window;

/// Until the org is asked again how many calls are left (sync-semantics 10.1).
pub const FIGURE_GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);
/// The shortest and the longest pause between two questions while the org has no calls left
/// (sync-semantics 9.1, `throttle_daily`).
const PROBES: [SignedDuration; 2] = [SignedDuration::from_mins(1), SignedDuration::from_hours(1)];
/// Until a run that used its part may be followed by the next.
const NEXT_RUN: SignedDuration = SignedDuration::from_hours(1);
/// A day, the span of the org's limit.
const DAY: u16 = 24 * 60;
/// Percent of the org's calls that are kept for people, when that is more than the setting.
const RESERVE_PERCENT: u64 = 2;
/// Percent of the org's calls that background work may go to when a person lets it go on past the
/// lines of the budget.
pub const AHEAD: u8 = 95;
/// For how long it may, once a person said so: the span of the org's limit.
pub const AHEAD_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Part of our share that has to be free before background work that was stopped begins again:
/// a twentieth, so that it does not stop again after one call.
const WORTHWHILE: u64 = 20;

/// Who may use how much. Percent are of the org's calls in 24 hours, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Ours at most.
    pub max_share: u8,
    /// Background work stops when the org has used this much, whoever did.
    pub stop_at_org_used: u8,
    /// A single run at most.
    pub per_run_share: u8,
    /// Calls that only people may use; 2 percent of the org's when that is more.
    pub interactive_reserve: u64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            max_share: 50,
            stop_at_org_used: 80,
            per_run_share: 25,
            interactive_reserve: 200,
        }
    }
}

impl Shares {
    /// The same while a person lets background work go on: calls for people are kept all the same.
    #[must_use]
    pub fn ahead(self) -> Self {
        Self {
            max_share: self.max_share.max(AHEAD),
            stop_at_org_used: self.stop_at_org_used.max(AHEAD),
            per_run_share: 100,
            ..self
        }
    }
}

/// What the org said about its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Used in the last 24 hours, by everybody.
    pub used: u64,
    /// Allowed in 24 hours.
    pub max: u64,
    /// When it said so.
    pub at: Timestamp,
}

/// The org refused a call because none are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct UsedUp {
    /// Next time it is asked.
    probe: Timestamp,
    /// Pause after that, in seconds.
    pause: i64,
}

/// Which limit is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Our share of the org's calls.
    Share,
    /// The line at which other apps come first.
    StopLine,
    /// The part of one run.
    Run,
    /// The org has none left and said so.
    UsedUp,
}

/// A call that is not made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Which limit.
    pub bound: Bound,
    /// Calls counted against it.
    pub used: u64,
    /// Calls it allows.
    pub of: u64,
    /// When it is worth trying again.
    pub again: Timestamp,
}

/// What background work may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Calls left.
    pub left: u64,
    /// What ends it first.
    pub bound: Bound,
    /// Calls counted against that limit, and what it allows.
    pub used: u64,
    /// See `used`.
    pub of: u64,
}

/// The counts of a connection. Small; kept over restarts as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    ours: Window,
    figure: Option<Figure>,
    used_up: Option<UsedUp>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            ours: Window::over(DAY),
            figure: None,
            used_up: None,
        }
    }
}

impl Budget {
    /// Counts a call of ours.
    pub fn count(&mut self, now: Timestamp) {
        self.ours.add(now);
    }

    /// Takes the org's own figure.
    pub fn report(&mut self, used: u64, max: u64, now: Timestamp) {
        if used < max {
            self.used_up = None;
        }
        self.figure = Some(Figure { used, max, at: now });
    }

    /// The org refused a call because the calls of the day are used.
    pub fn refused(&mut self, now: Timestamp) {
        if self.used_up.is_none() {
            let [first, _] = PROBES;
            self.used_up = Some(UsedUp {
                probe: now + first,
                pause: 2 * first.as_secs(),
            });
        }
    }

    /// Whether a call of this class may be made; `run` is what its run has made so far. A
    /// question that is let through while the org has no calls left puts off the next one.
    ///
    /// # Errors
    /// The limit that is in the way.
    pub fn admit(
        &mut self,
        class: Class,
        run: u64,
        shares: &Shares,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        // A person is told by the org itself, and may be right that there are some again.
        if class == Class::Interactive {
            return Ok(());
        }
        let figure = self.figure;
        if let Some(used_up) = &mut self.used_up {
            let probe = used_up.probe;
            if class != Class::Upkeep || now < probe {
                let max = figure.map_or(0, |f| f.max);
                return Err(Refusal {
                    bound: Bound::UsedUp,
                    used: figure.map_or(max, |f| f.used),
                    of: max,
                    again: probe.max(now),
                });
            }
            let [_, longest] = PROBES;
            used_up.probe = now + SignedDuration::from_secs(used_up.pause);
            used_up.pause = (used_up.pause * 2).min(longest.as_secs());
            return Ok(());
        }
        let (Some(figure), false) = (figure, class.is_urgent()) else {
            return Ok(());
        };
        let part = limits::per_run(figure.max, shares);
        if run >= part {
            return Err(Refusal {
                bound: Bound::Run,
                used: run,
                of: part,
                again: now + NEXT_RUN,
            });
        }
        match self.room(shares, now) {
            Some(room) if room.left == 0 => Err(Refusal {
                bound: room.bound,
                used: room.used,
                of: room.of,
                again: self.again(&room, figure.max, shares, now),
            }),
            _ => Ok(()),
        }
    }

    /// What background work may still do; unknown until the org has said how much it allows.
    pub fn room(&self, shares: &Shares, now: Timestamp) -> Option<Room> {
        let Figure { used, .. } = self.figure?;
        let (ours, share) = (self.ours.total(now), self.share(shares)?);
        let reserve = self.reserve(shares)?;
        let by = |bound, used, of: u64| Room {
            left: of.saturating_sub(used),
            bound,
            used,
            of,
        };
        let share = by(Bound::Share, ours, share.saturating_sub(reserve));
        let stop = by(Bound::StopLine, used, self.stop(shares)?);
        Some(if stop.left < share.left { stop } else { share })
    }

    /// Calls of a day that are ours at most, those kept for people included.
    pub fn share(&self, shares: &Shares) -> Option<u64> {
        Some(percent(self.figure?.max, shares.max_share))
    }

    /// Calls kept for people. At most half of our share, so that a small org still syncs.
    pub fn reserve(&self, shares: &Shares) -> Option<u64> {
        let max = self.figure?.max;
        let wanted = shares.interactive_reserve.max(max * RESERVE_PERCENT / 100);
        Some(wanted.min(percent(max, shares.max_share) / 2))
    }

    /// What so many more calls in the background mean; unknown as [`Budget::room`] is.
    pub fn forecast(&self, needs: u64, shares: &Shares, now: Timestamp) -> Option<Forecast> {
        let room = self.room(shares, now)?;
        let missing = needs.saturating_sub(room.left);
        Some(Forecast {
            needs,
            left: room.left,
            until: match room.bound {
                Bound::Share if missing > 0 => self.ours.frees(missing, now),
                // When others stop nobody can say.
                _ => None,
            },
        })
    }

    /// Calls of ours in the last 24 hours.
    pub fn ours(&self, now: Timestamp) -> u64 {
        self.ours.total(now)
    }

    /// What the org said last.
    pub fn figure(&self) -> Option<Figure> {
        self.figure
    }

    /// Whether the org should be asked again before work begins.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        match (self.used_up, self.figure) {
            (Some(used_up), _) => now >= used_up.probe,
            (None, Some(figure)) => now.duration_since(figure.at) >= FIGURE_GOOD_FOR,
            (None, None) => true,
        }
    }

    fn again(&self, room: &Room, max: u64, shares: &Shares, now: Timestamp) -> Timestamp {
        // Others may have used less by the time the org is asked again.
        let asked = self
            .figure
            .map_or(now, |figure| figure.at + FIGURE_GOOD_FOR);
        if room.bound != Bound::Share {
            return asked.max(now);
        }
        let over = room.used.saturating_sub(room.of);
        let worthwhile = (percent(max, shares.max_share) / WORTHWHILE).max(1);
        let free = self.ours.frees(over + worthwhile, now);
        free.unwrap_or(asked.max(now))
    }
}

fn percent(of: u64, percent: u8) -> u64 {
    of.saturating_mul(u64::from(percent)) / 100
}

#[cfg(test)]
mod tests;
