//! The org's lists of changes and of deletions.

use std::collections::BTreeMap;

use syncdeck::crm::survey::{Deleted, Span, Survey, Updated};

use super::super::coverage::{LISTED, TRIMMED};
use super::*;

/// How long a list is kept that was not trimmed.
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);

impl Inner {
    /// A list is complete up to here.
    fn covered(&self, span: Span) -> Timestamp {
        span.end().min(self.server_time())
    }

    fn deletions(&mut self, span: Span, at: Timestamp) -> Result<Deleted, CrmError> {
        let live: BTreeSet<String> = self.leads(false).into_iter().collect();
        let gone = self.deleted.iter().filter(|(id, _)| !live.contains(*id));
        let gone = gone.map(|(id, ms)| (id, Timestamp::from_millisecond(*ms).unwrap()));
        let in_span = |at: &Timestamp| (span.start()..span.end()).contains(at);
        let gone: Vec<(CrmId, Timestamp)> = gone
            .filter(|(_, at)| in_span(at))
            .map(|(id, at)| (id.parse().unwrap(), at))
            .collect();
        let unseen = |(id, _): &(CrmId, _)| self.trimmed.contains(&id.to_string());
        if gone.iter().any(unseen) {
            if self.random.one_in(2) {
                self.tell("  the list was trimmed".into());
                self.coverage.met(TRIMMED.to_owned());
                return Err(refusal("INVALID_REPLICATION_DATE", ErrorClass::Schema));
            }
            self.coverage.met(LISTED.to_owned());
        }
        Ok(Deleted {
            records: gone,
            earliest: at - KEPT,
            covered: self.covered(span),
        })
    }
}

impl Survey for Org {
    fn updated<'a>(&'a self, _: &'a ObjectName, span: Span) -> Answer<'a, Updated> {
        Box::pin(async move {
            self.read("updated", |org, _| {
                Ok(Updated {
                    ids: Vec::new(),
                    covered: org.covered(span),
                })
            })
        })
    }

    fn deleted<'a>(&'a self, _: &'a ObjectName, span: Span) -> Answer<'a, Deleted> {
        Box::pin(async move { self.read("deleted", |org, at| org.deletions(span, at)) })
    }

    fn record_counts<'a>(&'a self, _: &'a [ObjectName]) -> Answer<'a, BTreeMap<ObjectName, u64>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    fn allowances(&self) -> Answer<'_, BTreeMap<String, ApiUsage>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }
}
