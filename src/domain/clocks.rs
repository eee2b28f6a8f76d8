//! How far the CRM's clock is from the one here (sync-semantics 13).
//!
//! Measures only; what follows for a value is `reconcile`'s business. Invariant: an offset is told
//! only as long as the latest answers agree on it.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// How long a sample is good.
const KEPT: SignedDuration = SignedDuration::from_mins(15);
/// A clock that moved by more than this between two samples was set.
const JUMP: SignedDuration = SignedDuration::from_secs(5);
/// Samples that agree before the clocks are trusted again.
const AGREE: u32 = 3;
/// The server tells whole seconds.
pub const STEP: SignedDuration = SignedDuration::from_secs(1);

/// The CRM's clock against the one here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// What has to be added to a time of ours to make it the CRM's.
    pub ahead: SignedDuration,
    /// How wrong that may be, either way.
    pub error: SignedDuration,
}

/// What the latest answers told about both clocks.
#[derive(Debug, Default)]
pub struct Clockwork {
    /// When they came, oldest first.
    samples: VecDeque<(Timestamp, Offset)>,
    /// Samples that still have to agree since a clock was set.
    distrusted: u32,
}

impl Clockwork {
    /// An answer told the server's clock; when it was asked for and when it came, by the clock
    /// here. An answer that took long says too little and is left out.
    pub fn hear(&mut self, asked: Timestamp, came: Timestamp, server: Timestamp) {
        let half = came.duration_since(asked) / 2;
        if half.is_negative() {
            return self.set();
        }
        let now = Offset {
            ahead: server.duration_since(asked) - half,
            error: half + STEP,
        };
        if now.error > JUMP {
            return;
        }
        let last = self.samples.back().map(|(_, last)| last.ahead);
        match last.is_some_and(|last| (now.ahead - last).abs() > JUMP) {
            true => self.set(),
            false => self.distrusted = self.distrusted.saturating_sub(1),
        }
        let fresh = |at: &Timestamp| came.duration_since(*at).abs() <= KEPT;
        self.samples.retain(|(at, _)| fresh(at));
        self.samples.push_back((came, now));
    }

    /// The best sample of the last minutes; none when there is none, or a clock was set and too
    /// few answers have agreed since.
    pub fn offset(&self, now: Timestamp) -> Option<Offset> {
        let fresh = |(at, _): &&(Timestamp, Offset)| now.duration_since(*at).abs() <= KEPT;
        let best = self.samples.iter().filter(fresh);
        let best = best.min_by_key(|(_, offset)| offset.error);
        best.filter(|_| self.distrusted == 0).map(|(_, o)| *o)
    }

    /// Whether a clock was set and too few answers have agreed since: nothing is decided by time.
    pub fn is_distrusted(&self) -> bool {
        self.distrusted > 0
    }

    /// A clock was set: what was measured before says nothing any more.
    fn set(&mut self) {
        self.samples.clear();
        self.distrusted = AGREE - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(10_000 + second).unwrap()
    }

    fn secs(n: i64) -> SignedDuration {
        SignedDuration::from_secs(n)
    }

    #[test]
    fn the_quickest_answer_of_the_last_minutes_counts() {
        let mut clocks = Clockwork::default();
        assert_eq!(clocks.offset(at(0)), None);
        clocks.hear(at(0), at(6), at(603));
        let slow = Offset {
            ahead: secs(600),
            error: secs(4),
        };
        assert_eq!(clocks.offset(at(6)), Some(slow));
        clocks.hear(at(10), at(10), at(611));
        let quick = Offset {
            ahead: secs(601),
            error: secs(1),
        };
        clocks.hear(at(20), at(26), at(623));
        assert_eq!(clocks.offset(at(26)), Some(quick));
        clocks.hear(at(900), at(906), at(1_503));
        assert_eq!(clocks.offset(at(910)), Some(quick));
        assert_eq!(clocks.offset(at(911)), Some(slow), "too old");
        assert_eq!(clocks.offset(at(2_000)), None);
    }

    #[test]
    fn a_clock_that_was_set_is_trusted_after_three_answers_that_agree() {
        let mut clocks = Clockwork::default();
        clocks.hear(at(0), at(0), at(0));
        clocks.hear(at(1), at(1), at(5));
        assert!(clocks.offset(at(1)).is_some(), "within what it may differ");
        for second in [100, 101] {
            clocks.hear(at(second), at(second), at(second + 60));
            assert_eq!(clocks.offset(at(second)), None);
            assert!(clocks.is_distrusted());
        }
        clocks.hear(at(102), at(102), at(162));
        assert_eq!(clocks.offset(at(102)).map(|o| o.ahead), Some(secs(60)));
        assert!(!clocks.is_distrusted());
        // It was set back while a call was on its way.
        clocks.hear(at(110), at(50), at(115));
        assert_eq!(clocks.offset(at(50)), None);
    }

    #[test]
    fn an_answer_that_took_long_says_nothing() {
        let mut clocks = Clockwork::default();
        clocks.hear(at(0), at(30), at(15));
        assert_eq!(clocks.offset(at(30)), None);
    }
}
