//! How many calls may be on their way at once (sync-semantics 9.1, 10.4).
//!
//! Pure: the time is given. Halved when the org says that it is too much, and slowly up again.
//! Invariants: never fewer than one, never more than the setting; one crowd of refusals halves
//! once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// From here on a call counts against the org's long-running ones (salesforce-api 2.8).
pub const LONG: SignedDuration = SignedDuration::from_secs(20);
/// Time without trouble after which one more may go at once.
const CALM: SignedDuration = SignedDuration::from_secs(30);

/// A call on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn(u64);

/// How the pace takes the end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Felt {
    /// Well.
    Well,
    /// The org is busy: too many at once, or 503.
    Crowded,
    /// It says nothing about it.
    Nothing,
}

/// Calls on their way, and how many may be.
#[derive(Debug, Clone)]
pub struct Pace {
    most: usize,
    limit: usize,
    on_their_way: BTreeMap<Turn, Timestamp>,
    next: u64,
    /// Last change of the limit.
    changed: Timestamp,
    long: u64,
}

impl Pace {
    /// At most so many at once; one at least.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most,
            limit: most,
            on_their_way: BTreeMap::new(),
            next: 0,
            changed: Timestamp::MIN,
            long: 0,
        }
    }

    /// Whether one more may go.
    pub fn is_free(&self) -> bool {
        self.on_their_way.len() < self.limit
    }

    /// A call goes.
    pub fn begin(&mut self, now: Timestamp) -> Turn {
        let turn = Turn(self.next);
        self.next += 1;
        self.on_their_way.insert(turn, now);
        turn
    }

    /// A call is over, or nobody waits for it any more.
    pub fn end(&mut self, turn: Turn, felt: Felt, now: Timestamp) {
        let Some(began) = self.on_their_way.remove(&turn) else {
            return;
        };
        let long = now.duration_since(began) >= LONG;
        self.long += u64::from(long);
        match felt {
            // Those that were on their way already when it was halved say nothing new.
            Felt::Crowded if began >= self.changed => {
                self.limit = (self.limit / 2).max(1);
                self.changed = now;
            }
            Felt::Well
                if !long && self.limit < self.most && now.duration_since(self.changed) >= CALM =>
            {
                self.limit += 1;
                self.changed = now;
            }
            Felt::Crowded | Felt::Well | Felt::Nothing => {}
        }
    }

    /// How many may go at once now.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Calls on their way.
    pub fn on_their_way(&self) -> usize {
        self.on_their_way.len()
    }

    /// Calls that took 20 seconds or more so far, those on their way included.
    pub fn long(&self, now: Timestamp) -> u64 {
        let starts = self.on_their_way.values();
        let still = starts.filter(|began| now.duration_since(**began) >= LONG);
        self.long + still.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_crowd_of_refusals_halves_once() {
        let mut pace = Pace::new(5);
        let turns: Vec<Turn> = (0..5).map(|_| pace.begin(at(0))).collect();
        assert!(!pace.is_free());
        for turn in turns {
            pace.end(turn, Felt::Crowded, at(1));
        }
        assert_eq!(pace.limit(), 2);
        let again = pace.begin(at(2));
        pace.end(again, Felt::Crowded, at(3));
        assert_eq!(pace.limit(), 1);
        let again = pace.begin(at(4));
        pace.end(again, Felt::Crowded, at(5));
        assert_eq!(pace.limit(), 1);
    }

    #[test]
    fn it_comes_back_one_by_one() {
        let mut pace = Pace::new(5);
        let turn = pace.begin(at(0));
        pace.end(turn, Felt::Crowded, at(0));
        let mut limits = Vec::new();
        for second in 1..=120 {
            let turn = pace.begin(at(second));
            pace.end(turn, Felt::Well, at(second));
            limits.push(pace.limit());
        }
        assert_eq!(limits[28..31], [2, 3, 3]);
        assert_eq!(limits[119], 5);
    }

    #[test]
    fn long_calls_are_counted_and_earn_nothing() {
        let mut pace = Pace::new(5);
        let turn = pace.begin(at(0));
        pace.end(turn, Felt::Crowded, at(0));
        let turn = pace.begin(at(100));
        assert_eq!(pace.long(at(119)), 0);
        assert_eq!(pace.long(at(120)), 1);
        pace.end(turn, Felt::Well, at(121));
        assert_eq!((pace.long(at(200)), pace.limit()), (1, 2));
    }

    proptest! {
        #[test]
        fn the_limit_keeps_its_bounds(
            most in 1usize..10,
            steps in proptest::collection::vec((0u8..5, 0i64..40), 1..200),
        ) {
            let mut pace = Pace::new(most);
            let (mut now, mut turns) = (0, Vec::new());
            for (step, gap) in steps {
                now += gap;
                match (step, turns.pop()) {
                    (0 | 1, turn) => {
                        turns.extend(turn);
                        if pace.is_free() {
                            turns.push(pace.begin(at(now)));
                        }
                    }
                    (2, Some(turn)) => pace.end(turn, Felt::Crowded, at(now)),
                    (3, Some(turn)) => pace.end(turn, Felt::Well, at(now)),
                    (_, Some(turn)) => pace.end(turn, Felt::Nothing, at(now)),
                    (_, None) => {}
                }
                prop_assert!((1..=most).contains(&pace.limit()));
                prop_assert!(pace.on_their_way() <= most);
                prop_assert_eq!(pace.on_their_way(), turns.len());
            }
        }
    }
}
