//! App records as they are, part after part, for those who want them all.
//!
//! It orders nothing and needs no index: a part begins behind the last record of the one before it,
//! so that reading all of them opens each once. Invariant: a record that is there all the time, and
//! that the filter takes, is given once.

use jiff::Timestamp;

use super::list::{List, understood};
use crate::appdb::embedded::{self, RECORDS};
use crate::domain::filter::Filter;
use crate::domain::record::Presence;
use crate::engine::command::WholeFrom;
use crate::engine::mappings;
use crate::engine::state::State;
use crate::engine::view::WholeRecords;
use crate::engine::wanted::Wanted;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// Records of a part.
const PART: usize = 200;
/// Records that are looked at for a part: few may be what a filter takes.
const LOOKED_AT: usize = 10_000;

/// The part behind a record, in the order of ids, or the first one.
///
/// # Errors
/// There is no such pair; the filter is not understood; the store cannot be read; the answer is not
/// wanted any more.
pub fn whole(
    state: &State,
    from: &WholeFrom,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<WholeRecords> {
    let pair = &mappings::pair(state, &from.pair)?;
    let filter = understood(pair, &from.filter).map_err(|reason| {
        let text = format!("the filter was not understood: {reason}");
        Error::new(Kind::Usage, text)
    })?;
    let list = List::new(state, pair, now, wanted);
    let states = filter.states();
    let store = state.store();
    let prefix = Key::new().text(pair.table.as_str());
    let last = from.after.as_ref().map(|id| embedded::key(&pair.table, id));
    let start = last.as_ref().unwrap_or(&prefix);
    let mut part = WholeRecords::default();
    let mut looked_at = 0;
    for key in store.keys_from(&RECORDS, &prefix, start) {
        let key = key?;
        wanted.check()?;
        if last.as_ref().is_some_and(|last| **last == *key) {
            continue;
        }
        // It can have gone since its key was read.
        let Some(record) = store.get(&RECORDS, &key)? else {
            continue;
        };
        looked_at += 1;
        let id = record.id.clone();
        if record.presence == Presence::Live {
            let taken = filter == Filter::All
                || list.matches(&filter, &record, list.asked_word(&states, &record)?);
            if taken {
                part.records.push(record);
            }
        }
        if part.records.len() >= PART || looked_at >= LOOKED_AT {
            part.next = Some(id);
            break;
        }
    }
    Ok(part)
}
