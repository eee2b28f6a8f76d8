//! The room an org has for records and files, and when that is little.
//!
//! Pure; decides about no run: an org that is full says so itself, by refusing a write. Invariant:
//! full is told from nearly full, because only in a full org something is refused.

use jiff::Timestamp;

/// Percent used from which on somebody should look.
const NEARLY: u64 = 90;

/// Room of one kind, in megabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Used; more than there is after an overrun that was let through.
    pub used: u64,
    /// All there is.
    pub max: u64,
}

/// How full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fill {
    /// There is room.
    Room,
    /// Little is left.
    Nearly,
    /// None is.
    Full,
}

impl Space {
    /// Used, in percent; an org that has no room at all is full.
    pub fn percent(self) -> u64 {
        let used = self.used.saturating_mul(100);
        used.checked_div(self.max).unwrap_or(100)
    }

    /// How full it is.
    pub fn fill(self) -> Fill {
        match self.percent() {
            0..NEARLY => Fill::Room,
            NEARLY..100 => Fill::Nearly,
            _ => Fill::Full,
        }
    }
}

/// What the org said about its room (salesforce-api 2.8). A kind it says nothing of is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// For records.
    pub data: Option<Space>,
    /// For files.
    pub files: Option<Space>,
    /// When it said so.
    pub at: Timestamp,
}

impl Storage {
    /// The fuller of the two; none when nothing is known.
    pub fn fill(&self) -> Option<Fill> {
        self.data
            .into_iter()
            .chain(self.files)
            .map(Space::fill)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_told_from_none() {
        let fill = |used, max| Space { used, max }.fill();
        assert_eq!(fill(0, 5), Fill::Room);
        assert_eq!(fill(899, 1_000), Fill::Room);
        assert_eq!(fill(900, 1_000), Fill::Nearly);
        assert_eq!(fill(999, 1_000), Fill::Nearly);
        assert_eq!(fill(1_000, 1_000), Fill::Full);
        assert_eq!(fill(1_100, 1_000), Fill::Full);
        assert_eq!(fill(0, 0), Fill::Full);
    }

    #[test]
    fn the_fuller_of_the_two_counts() {
        let space = |used| Some(Space { used, max: 10 });
        let storage = |data, files| Storage {
            data,
            files,
            at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(storage(space(1), space(9)).fill(), Some(Fill::Nearly));
        assert_eq!(storage(space(10), None).fill(), Some(Fill::Full));
        assert_eq!(storage(None, None).fill(), None);
    }
}
