//! A window that reads everything may leave out what is outside the pair's filter; here is what it
//! leaves out, and what of that is read all the same (sync-semantics 19.3).
//!
//! The window of changes is never filtered: who leaves would not be seen. Invariant: behind a
//! filtered window, every record that is linked was observed since the window began, by it or by
//! its id, or cannot be read.

use jiff::Timestamp;

use crate::crm::{MAX_RETRIEVE, Matching};
use crate::domain::filter::Filter;
use crate::domain::id::{CrmId, PairName};
use crate::domain::record::{Link, LinkState};
use crate::store::StoreError;
use crate::store::keys::Key;

use super::matcher::Matcher;
use super::state::State;
use super::tables::LINKS;
use super::tally::Record;
use super::work::{Step, Work};

impl Work {
    /// What a window that reads everything need not bring. Nothing is left out while there are
    /// App records that one outside may turn out to be the same as.
    pub(super) fn may_leave_out(&self, matcher: &Matcher) -> Option<Matching> {
        let filter: Filter = self.cx.pair.pair.filter.parse().ok()?;
        let at = Timestamp::from_second(self.now().as_second()).ok()?;
        (filter != Filter::All && matcher.is_empty()).then_some(Matching { filter, at })
    }

    /// Reads, by id, the linked records that were not observed since a window began.
    pub(super) fn read_left_out(
        &mut self,
        matcher: &Matcher,
        began: Timestamp,
        record: Record,
    ) -> Step<()> {
        // These come on top of what the window had.
        self.read_at_most(u64::MAX);
        let state = self.state();
        let prefix = self.mark_key();
        let mut after = prefix.to_vec();
        loop {
            let part = unobserved(&state, self.cx.name(), began, &prefix, &after)?;
            if !part.ids.is_empty() {
                self.boundary()?;
                let call = self
                    .tools
                    .crm
                    .retrieve(&self.object, &part.ids, &self.fields);
                let got = self.read(call)?;
                let rows = got.rows.into_iter().flatten().collect();
                self.take_rows(matcher, rows, got.at, record, |_, _| {})?;
            }
            match part.last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}

/// Some of the linked records.
struct Part {
    ids: Vec<CrmId>,
    /// Key of the last link that was looked at, unless all were.
    last: Option<Vec<u8>>,
}

/// Linked records behind a key that were not observed since an instant, as many as are read at
/// once.
fn unobserved(
    state: &State,
    pair: &PairName,
    began: Timestamp,
    prefix: &Key,
    after: &[u8],
) -> Result<Part, StoreError> {
    let mut ids = Vec::new();
    for row in state.store().scan_from(&LINKS, after) {
        let (key, link) = row?;
        if !key.starts_with(prefix) {
            break;
        }
        if key == after || is_fresh(&link, began) {
            continue;
        }
        // Whoever closes an open intent reads the record.
        if let Some(id) = link.crm_id
            && state.open_intent(pair, &link.app_id)?.is_none()
        {
            ids.push(id);
        }
        if ids.len() == MAX_RETRIEVE {
            let last = Some(key.to_vec());
            return Ok(Part { ids, last });
        }
    }
    Ok(Part { ids, last: None })
}

/// Whether a link needs no observation: it has one, or it ended.
fn is_fresh(link: &Link, began: Timestamp) -> bool {
    let seen = link.seen.as_ref().is_some_and(|seen| seen.seen_at >= began);
    seen || link.state == LinkState::Closed
}
