//! Reading entries of the audit log.
//!
//! Judges nothing. Invariant: a line is given as it was hashed.

use crate::domain::id::RunId;
use crate::error::{Error, Kind, Result};
use crate::store::StoreError;
use crate::store::keys::{Key, Parts};

use super::super::command::Page;
use super::super::queries;
use super::super::state::{State, lock};
use super::super::tables::AUDIT;
use super::super::view::Part;
use super::{Chained, Entry};

/// The number in a key; a key that is none has the number 0, which no entry has.
pub(super) fn seq_of(key: &[u8]) -> u64 {
    Parts::of(key).number().unwrap_or(0)
}

/// Entries, newest first, of one run or of all.
///
/// # Errors
/// When there is no such run and nothing of it, or an entry cannot be read.
pub fn newest(state: &State, run: Option<RunId>, page: Page) -> Result<Part<Entry>> {
    let mut rows = Vec::new();
    let mut total = 0;
    for row in state.store().scan(&AUDIT, &[]).rev() {
        let entry = parse(&row?.1)?;
        if run.is_some() && entry.run != run {
            continue;
        }
        if total >= page.offset && rows.len() < page.limit {
            rows.push(entry);
        }
        total += 1;
        // Of all entries the number is known.
        if run.is_none() && rows.len() == page.limit {
            total = usize::try_from(lock(state.audit_head()).seq).unwrap_or(usize::MAX);
            break;
        }
    }
    if let (Some(run), 0) = (run, total) {
        queries::run_of(state, run)?;
    }
    Ok(Part {
        rows,
        offset: page.offset,
        total: total as u64,
    })
}

/// Lines behind an entry, oldest first.
///
/// # Errors
/// When one cannot be read.
pub fn oldest(
    state: &State,
    after: u64,
    limit: usize,
) -> std::result::Result<Vec<(u64, Chained)>, StoreError> {
    let start = Key::new().number(after + 1);
    let rows = state.store().scan_from(&AUDIT, &start).take(limit);
    rows.map(|row| row.map(|(key, chained)| (seq_of(&key), chained)))
        .collect()
}

pub(super) fn parse(chained: &Chained) -> Result<Entry> {
    serde_json::from_str(&chained.line).map_err(|error| {
        Error::new(Kind::Store, "an entry of the audit log is not readable")
            .hint("`syncdeck audit verify` says which")
            .caused_by(error)
    })
}
