//! What changed and how much there is, without reading records (salesforce-api 2.6, 2.8).
//!
//! The lists of changes have windows of their own, which [`Span`] keeps to. Nothing here is proof
//! that a record exists or not; that is what reading it is for (sync-semantics 4.4). Invariant: a
//! span that cannot be asked for cannot be made.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Answer, ApiUsage};
use crate::domain::id::{CrmId, ObjectName};

/// Which list of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeLog {
    /// Ids of records that were made or changed.
    Updated,
    /// Ids of records that were deleted.
    Deleted,
}

impl ChangeLog {
    /// How far it reaches back.
    fn reach(self) -> SignedDuration {
        match self {
            Self::Updated => SignedDuration::from_hours(30 * 24),
            Self::Deleted => SignedDuration::from_hours(15 * 24),
        }
    }
}

/// A time that can be asked for: whole minutes, both of the server's clock. Holds what happened
/// from `start` on and before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: Timestamp,
    end: Timestamp,
}

/// Why there is no span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSpan {
    /// The list does not reach back that far: only a full comparison helps.
    TooOld,
    /// Less than two minutes; there will be one later.
    TooShort,
}

impl Span {
    /// What happened since a time, as of the server's time.
    ///
    /// # Errors
    /// Too long ago for this list, or too short.
    pub fn since(log: ChangeLog, since: Timestamp, now: Timestamp) -> Result<Self, NoSpan> {
        let (start, end) = (minute(since), minute(now));
        // The server truncates its own clock, too; a minute more is not refused by surprise.
        if now.duration_since(start) > log.reach() - SignedDuration::from_mins(1) {
            Err(NoSpan::TooOld)
        } else if end.duration_since(start) <= SignedDuration::from_mins(1) {
            Err(NoSpan::TooShort)
        } else {
            Ok(Self { start, end })
        }
    }

    /// Its beginning, included.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// Its end, not included.
    pub fn end(self) -> Timestamp {
        self.end
    }
}

/// The whole minute before a time.
fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// Records that were made or changed in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// Their ids, in no order.
    pub ids: Vec<CrmId>,
    /// The list is complete up to here. The next span starts here, not at the end of this one: a
    /// transaction may still be open (salesforce-api 5.2).
    pub covered: Timestamp,
}

/// Records that were deleted in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Their ids, and when.
    pub records: Vec<(CrmId, Timestamp)>,
    /// What was deleted before is not in the list any more.
    pub earliest: Timestamp,
    /// The list is complete up to here; the next span starts here.
    pub covered: Timestamp,
}

impl Deleted {
    /// Whether the list still holds everything since the beginning of a span; it is trimmed when
    /// it grows large.
    pub fn is_whole(&self, span: Span) -> bool {
        self.earliest <= span.start
    }
}

/// The part of a CRM that tells of changes and amounts.
pub trait Survey: Send + Sync {
    /// Records that were made or changed. More than 600,000: code `EXCEEDED_ID_LIMIT`.
    fn updated<'a>(&'a self, object: &'a ObjectName, span: Span) -> Answer<'a, Updated>;

    /// Records that were deleted. A list that was trimmed behind the span: code
    /// `INVALID_REPLICATION_DATE`.
    fn deleted<'a>(&'a self, object: &'a ObjectName, span: Span) -> Answer<'a, Deleted>;

    /// About how many records there are. Objects that are not known are left out.
    fn record_counts<'a>(
        &'a self,
        objects: &'a [ObjectName],
    ) -> Answer<'a, BTreeMap<ObjectName, u64>>;

    /// Every limit the CRM tells of, by its name there, such as `DailyBulkV2QueryJobs`.
    fn allowances(&self) -> Answer<'_, BTreeMap<String, ApiUsage>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn spans_that_can_be_asked_for() {
        let now = at("2026-11-21T12:00:30Z");
        let of = |log, since| Span::since(log, at(since), now);
        let span = of(ChangeLog::Updated, "2026-11-21T11:58:59Z").unwrap();
        assert_eq!(span.start(), at("2026-11-21T11:58:00Z"));
        assert_eq!(span.end(), at("2026-11-21T12:00:00Z"));
        for (log, since, want) in [
            (ChangeLog::Updated, "2026-11-21T11:59:00Z", NoSpan::TooShort),
            (ChangeLog::Updated, "2026-11-21T12:30:00Z", NoSpan::TooShort),
            (ChangeLog::Updated, "2026-10-22T12:01:00Z", NoSpan::TooOld),
            (ChangeLog::Deleted, "2026-11-06T12:01:00Z", NoSpan::TooOld),
        ] {
            assert_eq!(of(log, since), Err(want), "{log:?} {since}");
        }
        assert!(of(ChangeLog::Updated, "2026-10-22T12:02:00Z").is_ok());
        assert!(of(ChangeLog::Deleted, "2026-11-06T12:02:00Z").is_ok());
    }

    #[test]
    fn a_trimmed_list_is_not_whole() {
        let now = at("2026-11-21T12:00:00Z");
        let span = Span::since(ChangeLog::Deleted, at("2026-11-21T10:00:00Z"), now).unwrap();
        let mut list = Deleted {
            records: Vec::new(),
            earliest: span.start(),
            covered: span.end(),
        };
        assert!(list.is_whole(span));
        list.earliest = at("2026-11-21T10:01:00Z");
        assert!(!list.is_whole(span));
    }
}
