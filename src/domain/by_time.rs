//! Which of two changes of a value came later, as far as both clocks can tell (sync-semantics 13).
//!
//! What nobody can tell is left to the rule. Invariant: the same times give the same answer on
//! every machine, and inside the error of the clocks there is none.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::clocks::STEP;
use super::reconcile::Clocks;
use super::stamp;
use super::transform::Side;

/// What the time of the CRM's value is the time of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The record: an edit of another field of it makes the value look newer.
    Record,
}

/// Two changes by one clock, the CRM's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByTime {
    /// When the App's value came about.
    #[serde(with = "stamp")]
    pub app: Timestamp,
    /// When the CRM's did.
    #[serde(with = "stamp")]
    pub crm: Timestamp,
    /// Milliseconds that they have to be apart by more.
    pub error_ms: u64,
    /// What the CRM's time is of.
    pub basis: Basis,
}

impl ByTime {
    /// The times of a value, by the App's clock its own; `None` when one of them, or how far the
    /// clocks are apart, is not known.
    pub fn of(clocks: &Clocks, app: Option<Timestamp>) -> Option<Self> {
        let error = clocks.error.max(STEP) + STEP;
        Some(Self {
            app: app?.checked_add(clocks.ahead?).ok()?,
            crm: clocks.crm?,
            error_ms: u64::try_from(error.as_millis()).unwrap_or(u64::MAX),
            basis: Basis::Record,
        })
    }

    /// The side that changed later.
    pub fn winner(&self) -> Option<Side> {
        let gap = self.app.duration_since(self.crm);
        let apart = u64::try_from(gap.abs().as_millis()).unwrap_or(u64::MAX);
        if apart <= self.error_ms {
            None
        } else if gap > SignedDuration::ZERO {
            Some(Side::App)
        } else {
            Some(Side::Crm)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + ms).unwrap()
    }

    fn clocks(error: i64) -> Clocks {
        Clocks {
            crm: Some(at(0)),
            ahead: Some(SignedDuration::from_secs(60)),
            error: SignedDuration::from_millis(error),
        }
    }

    #[test]
    fn nothing_is_later_inside_the_error_of_the_clocks() {
        let winner = |app: i64| {
            ByTime::of(&clocks(3_000), Some(at(app - 60_000)))
                .unwrap()
                .winner()
        };
        assert_eq!(winner(4_000), None);
        assert_eq!(winner(-4_000), None);
        assert_eq!(winner(4_001), Some(Side::App));
        assert_eq!(winner(-4_001), Some(Side::Crm));
        // Clocks that are exact are not believed to be: two seconds at least.
        let least = ByTime::of(&clocks(0), None);
        assert_eq!(least, None, "no time of the App");
        let least = ByTime::of(&clocks(0), Some(at(-60_000))).unwrap();
        assert_eq!(least.error_ms, 2_000);
    }

    #[test]
    fn without_an_offset_nobody_can_tell() {
        let unknown = Clocks {
            ahead: None,
            ..clocks(0)
        };
        assert_eq!(ByTime::of(&unknown, Some(at(0))), None);
        let ours = Clocks {
            crm: None,
            ..clocks(0)
        };
        assert_eq!(ByTime::of(&ours, Some(at(0))), None);
    }
}
