//! A window that the CRM cannot read in time is read in halves of time (sync-semantics 4.2).
//!
//! Pure. Invariant: the parts that are left cover the rest of the window without a gap, in order,
//! and the last has no end, so whoever has read them all has read the window.

use jiff::{SignedDuration, Timestamp};

/// Before this there are no records: the first org is younger.
const BEGINNING: Timestamp = Timestamp::constant(915_148_800, 0);
/// A part is never shorter: stamps are whole seconds where it matters, and a second that is too
/// much is too much in two halves, too.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);

/// Ends of the parts of a window that are still to be read; none is the whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Halves {
    /// The last is the end of the part that is read now; after the first comes the part without
    /// an end.
    ends: Vec<Timestamp>,
}

/// Whether a part could be halved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halved {
    /// Yes; the part now ends here.
    At(Timestamp),
    /// It is as short as it may be.
    TooShort,
}

impl Halves {
    /// Where the part ends that is read now.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.ends.last().copied()
    }

    /// Halves the part that is read now, of which everything before `from` was read.
    pub(super) fn halve(&mut self, from: Option<Timestamp>, now: Timestamp) -> Halved {
        let from = from.unwrap_or(BEGINNING);
        let to = self.until().unwrap_or(now);
        let half = to.duration_since(from).as_secs() / 2;
        let half = SignedDuration::from_secs(half);
        match from.checked_add(half) {
            Ok(middle) if half >= SHORTEST && middle < to => {
                self.ends.push(middle);
                Halved::At(middle)
            }
            _ => Halved::TooShort,
        }
    }

    /// The part is read: gives where the next begins, if there is one.
    pub(super) fn next(&mut self) -> Option<Timestamp> {
        self.ends.pop()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Reads a window whose parts may be at most so long; gives the parts.
    fn read(from: Option<i64>, now: i64, longest: i64) -> Result<Vec<(i64, Option<i64>)>, ()> {
        let mut halves = Halves::default();
        let mut from = from.map(at);
        let mut parts = Vec::new();
        loop {
            let begin = from.unwrap_or(BEGINNING);
            let end = halves.until().unwrap_or(at(now));
            if end.duration_since(begin).as_secs() > longest {
                if halves.halve(from, at(now)) == Halved::TooShort {
                    return Err(());
                }
                continue;
            }
            parts.push((begin.as_second(), halves.until().map(Timestamp::as_second)));
            match halves.next() {
                Some(next) => from = Some(next),
                None => return Ok(parts),
            }
        }
    }

    proptest! {
        #[test]
        fn the_parts_have_no_gap_and_the_last_no_end(
            from in proptest::option::of(1_000_000_000..1_700_000_000_i64),
            long in 0..900_000_000_i64,
            longest in 1_000_000..400_000_000_i64,
        ) {
            let begin = from.unwrap_or(BEGINNING.as_second());
            let parts = read(from, begin + long, longest).unwrap();
            prop_assert_eq!(parts[0].0, begin);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].1, Some(pair[1].0));
                prop_assert!(pair[0].0 < pair[1].0);
            }
            prop_assert_eq!(parts.last().unwrap().1, None);
        }
    }

    #[test]
    fn a_second_is_not_halved() {
        assert_eq!(read(Some(100), 101, 0), Err(()));
        assert_eq!(read(Some(100), 99, 0), Ok(vec![(100, None)]));
        assert_eq!(
            read(Some(100), 104, 1),
            Ok(vec![
                (100, Some(101)),
                (101, Some(102)),
                (102, Some(103)),
                (103, None)
            ])
        );
    }
}
