//! Which records a filter takes, and how many each view of a pair holds, from the index and the
//! counters.
//!
//! Invariant: counting opens a bounded number of records, whatever there are, and a number that
//! is not exact is not given as one.

use jiff::Timestamp;

use super::list::{List, understood};
use crate::domain::filter::Filter;
use crate::domain::id::PairName;
use crate::domain::run::Word;
use crate::engine::command::{Page, RecordKey};
use crate::engine::index::{Sure, Taken};
use crate::engine::mappings;
use crate::engine::state::State;
use crate::engine::view::{Count, Part, ViewCount};
use crate::engine::wanted::Wanted;
use crate::error::{Error, Kind, Result};

/// Records that are opened for one view.
const OPENED: usize = 2_000;
/// Nothing of a list but how long it is.
const NO_ROWS: Page = Page {
    offset: 0,
    limit: 0,
};

/// The number of records in each view of a pair.
///
/// # Errors
/// When there is no such pair, or the store cannot be read.
pub fn counts(
    state: &State,
    name: &PairName,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<Vec<ViewCount>> {
    let pair = mappings::pair(state, name)?;
    let list = List::new(state, &pair, now, wanted);
    let views = super::views(state, name)?.into_iter().map(|view| {
        let count = match understood(&pair, &view.filter) {
            Ok(filter) => list.count(&filter)?,
            Err(_) => Count::Unknown,
        };
        Ok(ViewCount {
            name: view.name,
            count,
        })
    });
    views.collect()
}

/// The records of a pair that a filter takes, at most `limit` of them.
///
/// # Errors
/// When the filter is not understood, or the store cannot be read.
pub fn keys(
    state: &State,
    name: &PairName,
    filter: &str,
    limit: usize,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<Part<RecordKey>> {
    let pair = mappings::pair(state, name)?;
    let filter = understood(&pair, filter).map_err(|why| Error::new(Kind::Usage, why))?;
    let all = u64::try_from(state.counters(name).records).unwrap_or(0);
    let page = Page { offset: 0, limit };
    let part = List::new(state, &pair, now, wanted).part(&filter, page, all)?;
    Ok(Part {
        rows: part.rows.into_iter().map(|row| row.key).collect(),
        offset: 0,
        total: part.total,
    })
}

impl List<'_> {
    /// How many records a filter takes.
    fn count(&self, filter: &Filter) -> Result<Count> {
        let counters = self.state.counters(&self.pair.name);
        let all = usize::try_from(counters.records).unwrap_or(0);
        if *filter == Filter::All {
            return Ok(Count::Exactly(all as u64));
        }
        let exactly = |total: u64| Ok(Count::Exactly(total));
        if let Some(ids) = self.few(filter)? {
            if ids.len() > OPENED {
                return Ok(about(filter, counters.quarantined, counters.conflicts));
            }
            let ids = ids.into_iter().map(|id| (id, Sure::No));
            return exactly(self.candidates(filter, ids, NO_ROWS)?.total);
        }
        let index = self.state.index();
        match index.filter(&self.pair.name, filter, NO_ROWS, self.now) {
            Some(Taken::Page { total, .. }) => exactly(total as u64),
            Some(Taken::Candidates(ids))
                if ids.iter().filter(|(_, sure)| *sure == Sure::No).count() <= OPENED =>
            {
                exactly(self.candidates(filter, ids.into_iter(), NO_ROWS)?.total)
            }
            None if all <= OPENED => exactly(self.scan(filter, NO_ROWS)?.total),
            Some(Taken::Candidates(_)) | None => Ok(Count::Unknown),
        }
    }
}

/// What the counters say of a filter on states alone.
fn about(filter: &Filter, refused: i64, conflicts: i64) -> Count {
    let Filter::State(words) = filter else {
        return Count::Unknown;
    };
    let is = |text: &str, word: Word| word.as_str().eq_ignore_ascii_case(text);
    let number = if words.iter().all(|w| is(w, Word::Fail)) {
        refused
    } else if words.iter().any(|w| is(w, Word::Fail)) {
        return Count::Unknown;
    } else {
        conflicts
    };
    Count::About(u64::try_from(number).unwrap_or(0))
}
