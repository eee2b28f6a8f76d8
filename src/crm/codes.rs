//! Codes that are not in the catalogue: kept as they came, and counted (sync-semantics 9.1).
//!
//! Pure; where they are kept is the engine's business. Invariant: their number is bounded, and
//! nothing that came is forgotten: what is not told apart any more is still counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::stamp;

/// Codes that are told apart.
pub const MOST_CODES: usize = 100;

/// Codes, as they came, with how often.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnknownCodes {
    codes: BTreeMap<String, Seen>,
    others: u64,
}

/// How often a code came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Times.
    pub times: u64,
    /// The last time.
    #[serde(with = "stamp")]
    pub last: Timestamp,
}

impl UnknownCodes {
    /// Counts a code.
    pub fn note(&mut self, code: &str, now: Timestamp) {
        if self.codes.len() >= MOST_CODES && !self.codes.contains_key(code) {
            self.others = self.others.saturating_add(1);
            return;
        }
        let seen = self.codes.entry(code.to_owned()).or_insert(Seen {
            times: 0,
            last: now,
        });
        seen.times = seen.times.saturating_add(1);
        seen.last = now;
    }

    /// Whether none came.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The codes, most frequent first.
    pub fn rows(&self) -> Vec<(&str, Seen)> {
        let all = self.codes.iter().map(|(code, seen)| (code.as_str(), *seen));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.times));
        all
    }

    /// How often codes came that are not told apart.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// `BRAND_NEW 3 times, OTHER once`: the most frequent ones, at most so many.
    pub fn words(&self, most: usize) -> String {
        let rows = self.rows();
        let shown = rows.iter().take(most).map(|(code, seen)| match seen.times {
            1 => format!("{code} once"),
            n => format!("{code} {n} times"),
        });
        let mut words: Vec<String> = shown.collect();
        if let Some(more) = rows.len().checked_sub(most).filter(|n| *n > 0) {
            words.push(format!("{more} more"));
        }
        if self.others > 0 {
            words.push(format!("others {} times", self.others));
        }
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted_bounded_and_none_is_forgotten() {
        let mut codes = UnknownCodes::default();
        let now = Timestamp::UNIX_EPOCH;
        for n in 0..500 {
            codes.note(&format!("NEW_{}", n % 150), now);
        }
        codes.note("NEW_7", Timestamp::MAX);
        let rows = codes.rows();
        assert_eq!(rows.len(), MOST_CODES);
        let (first, seen) = rows[0];
        assert_eq!((first, seen.times, seen.last), ("NEW_7", 5, Timestamp::MAX));
        let counted: u64 = rows.iter().map(|(_, seen)| seen.times).sum();
        assert_eq!(counted + codes.others(), 501);
        assert!(
            codes
                .words(1)
                .starts_with("NEW_7 5 times, 99 more, others ")
        );
    }
}
