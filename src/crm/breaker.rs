//! Stops calling an org that does not answer, and limits how often calls are repeated
//! (sync-semantics 9.3).
//!
//! Pure: the time is given. Invariants: while the breaker is open at most one call a minute
//! goes, and one at a time; repeats stay below their share of the calls.

use jiff::{SignedDuration, Timestamp};

use crate::domain::budget::Window;

/// Failed calls in a row that open it. More than the attempts of one call.
pub const FAILURES: u32 = 8;
/// Until a call is let through to see whether the org answers again.
pub const REST: SignedDuration = SignedDuration::from_mins(1);
/// Span of the retry budget, in minutes.
const SPAN: u16 = 10;
/// Repeats per hundred calls.
const REPEATS_PERCENT: u64 = 20;
/// Repeats that are always allowed, so that the first calls of a day may fail too.
const FEW: u64 = 30;

/// Whether a call may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Yes.
    Go,
    /// Yes, and all others wait for what comes of it.
    Probe,
    /// Not before this time.
    Rest(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { since: Timestamp, until: Timestamp },
    Trying { since: Timestamp },
}

/// The breaker of a connection.
#[derive(Debug, Clone)]
pub struct Breaker(State);

impl Default for Breaker {
    fn default() -> Self {
        Self(State::Closed { failures: 0 })
    }
}

impl Breaker {
    /// Asks for a call.
    pub fn ask(&mut self, now: Timestamp) -> Leave {
        match self.0 {
            State::Closed { .. } => Leave::Go,
            State::Open { since, until } if now >= until => {
                self.0 = State::Trying { since };
                Leave::Probe
            }
            State::Open { until, .. } => Leave::Rest(until),
            State::Trying { .. } => Leave::Rest(now + REST),
        }
    }

    /// The org answered, with whatever.
    pub fn answered(&mut self) {
        self.0 = State::Closed { failures: 0 };
    }

    /// It did not answer as it should.
    pub fn failed(&mut self, now: Timestamp) {
        match &mut self.0 {
            State::Closed { failures } => {
                *failures += 1;
                if *failures >= FAILURES {
                    self.open(now);
                }
            }
            State::Trying { .. } => self.open(now),
            // Calls that were on their way when it opened.
            State::Open { .. } => {}
        }
    }

    /// The call that was to try was given up; the next one may.
    pub fn given_up(&mut self, now: Timestamp) {
        if let State::Trying { since } = self.0 {
            self.0 = State::Open { since, until: now };
        }
    }

    /// Opens it for another reason.
    pub fn open(&mut self, now: Timestamp) {
        let since = self.open_since().unwrap_or(now);
        self.0 = State::Open {
            since,
            until: now + REST,
        };
    }

    /// Since when the org does not answer; none while it does.
    pub fn open_since(&self) -> Option<Timestamp> {
        match self.0 {
            State::Closed { .. } => None,
            State::Open { since, .. } | State::Trying { since } => Some(since),
        }
    }
}

/// How often calls may be repeated.
#[derive(Debug, Clone)]
pub struct Repeats {
    calls: Window,
    repeats: Window,
}

impl Default for Repeats {
    fn default() -> Self {
        Self {
            calls: Window::over(SPAN),
            repeats: Window::over(SPAN),
        }
    }
}

impl Repeats {
    /// Counts a call, first or repeated.
    pub fn called(&mut self, now: Timestamp) {
        self.calls.add(now);
    }

    /// Whether a call may be repeated; counts it if so.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let allowed = FEW + self.calls.total(now) * REPEATS_PERCENT / 100;
        let fine = self.repeats.total(now) < allowed;
        if fine {
            self.repeats.add(now);
        }
        fine
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).unwrap()
    }

    fn open() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(breaker.ask(at(0)), Leave::Go);
            breaker.failed(at(0));
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 1..FAILURES {
                breaker.failed(at(0));
            }
            breaker.answered();
        }
        assert_eq!(breaker.open_since(), None);
        assert_eq!(open().open_since(), Some(at(0)));
    }

    #[test]
    fn one_call_a_minute_tries() {
        let mut breaker = open();
        assert_eq!(breaker.ask(at(59)), Leave::Rest(at(60)));
        assert_eq!(breaker.ask(at(60)), Leave::Probe);
        assert!(matches!(breaker.ask(at(61)), Leave::Rest(_)));
        breaker.failed(at(65));
        assert_eq!(breaker.ask(at(124)), Leave::Rest(at(125)));
        assert_eq!(breaker.ask(at(125)), Leave::Probe);
        assert_eq!(breaker.open_since(), Some(at(0)));
        breaker.given_up(at(126));
        assert_eq!(breaker.ask(at(126)), Leave::Probe);
        breaker.answered();
        assert_eq!(breaker.ask(at(127)), Leave::Go);
    }

    #[test]
    fn late_failures_do_not_keep_it_open_longer() {
        let mut breaker = open();
        breaker.failed(at(50));
        assert_eq!(breaker.ask(at(60)), Leave::Probe);
    }

    #[test]
    fn repeats_are_a_share_of_the_calls() {
        let mut repeats = Repeats::default();
        let taken = (0..100).filter(|_| repeats.take(at(0))).count();
        assert_eq!(taken, 30);
        for _ in 0..100 {
            repeats.called(at(1));
        }
        let taken = (0..100).filter(|_| repeats.take(at(1))).count();
        assert_eq!(taken, 20);
        assert!(repeats.take(at(1_000)));
    }

    proptest! {
        #[test]
        fn an_open_breaker_lets_one_a_minute_through(
            steps in proptest::collection::vec((0u8..4, 0i64..30), 1..300),
        ) {
            let mut breaker = open();
            let (mut now, mut tried) = (0, None::<i64>);
            let mut trying = false;
            for (step, gap) in steps {
                now += gap;
                match step {
                    0 | 1 => match breaker.ask(at(now)) {
                        Leave::Go => prop_assert!(false, "it is open"),
                        Leave::Probe => {
                            prop_assert!(!trying);
                            prop_assert!(tried.is_none_or(|last| now - last >= 60));
                            (trying, tried) = (true, Some(now));
                        }
                        Leave::Rest(until) => prop_assert!(until > at(now)),
                    },
                    _ if trying => {
                        breaker.failed(at(now));
                        trying = false;
                        tried = Some(now);
                    }
                    _ => breaker.failed(at(now)),
                }
                prop_assert_eq!(breaker.open_since(), Some(at(0)));
            }
        }
    }
}
