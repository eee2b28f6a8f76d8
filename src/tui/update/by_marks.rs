//! Marks in filters: `is:marked` is known to the screen only, and goes to the engine as the ids of
//! what is marked.
//!
//! Pure. Invariant: what the engine is asked for takes the marked rows and no other.

use std::collections::BTreeMap;

use crate::domain::filter::{Filter, Needle, Test, Wanted};
use crate::engine::command::RecordKey;
use crate::tui::model::Model;

/// Marks that a filter can ask for: each row is compared with all of them.
pub const MOST: usize = 1_000;

/// The filter of the records, as the engine understands it.
pub fn of_records(model: &Model) -> String {
    let marks = model.records.marks.iter();
    translated(&model.records.filter, || {
        ids(marks.map(|key| key.app_id.as_str()))
    })
}

/// The filter of the conflicts, as the engine understands it.
pub fn of_conflicts(model: &Model) -> String {
    translated(&model.conflicts.filter, || {
        by_pair(model.conflicts.marks.keys())
    })
}

/// A filter that takes the marked conflicts.
pub fn marked_conflicts(model: &Model) -> String {
    by_pair(model.conflicts.marks.keys()).to_string()
}

/// Whether a filter asks for marks.
pub fn asked(filter: &str) -> bool {
    filter.parse::<Filter>().is_ok_and(|f| f.asks_for_marks())
}

fn translated(text: &str, marked: impl FnOnce() -> Filter) -> String {
    match text.parse::<Filter>() {
        Ok(filter) if filter.asks_for_marks() => filter.with_marked(&marked()).to_string(),
        // The engine says what is wrong with it.
        _ => text.to_owned(),
    }
}

/// Records with one of these ids; none has an empty one.
fn ids<'a>(ids: impl Iterator<Item = &'a str>) -> Filter {
    let wanted: Vec<Wanted> = ids
        .take(MOST)
        .map(|id| Wanted::Text(Needle::new(id)))
        .collect();
    let nothing = || vec![Wanted::Text(Needle::new(""))];
    Filter::Field {
        name: "id".to_owned(),
        test: Test::Is(if wanted.is_empty() { nothing() } else { wanted }),
    }
}

/// The same, where records of several pairs stand together.
fn by_pair<'a>(keys: impl Iterator<Item = &'a RecordKey>) -> Filter {
    let mut pairs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in keys.take(MOST) {
        let of = pairs.entry(key.pair.as_str()).or_default();
        of.push(key.app_id.as_str());
    }
    let mut each = pairs.into_iter().map(|(pair, of)| {
        let pair = Filter::Field {
            name: "pair".to_owned(),
            test: Test::Is(vec![Wanted::Text(Needle::new(pair))]),
        };
        Filter::Each(vec![pair, ids(of.into_iter())])
    });
    match (each.next(), each.collect::<Vec<_>>()) {
        (None, _) => ids(std::iter::empty()),
        (Some(only), rest) if rest.is_empty() => only,
        (Some(first), rest) => Filter::Any(std::iter::once(first).chain(rest).collect()),
    }
}
