//! The search in what the index does not hold: long texts, and fields beyond those of the list.
//!
//! Values are sealed, so that each record is opened: a part at a time, for a viewer that shows how
//! far it is and stops asking when a person does. Invariant: parts together open every record that
//! stays once, and no part opens more than its share.

use super::search::record;
use crate::appdb::embedded::{self, RECORDS};
use crate::domain::id::{AppId, FieldName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Presence};
use crate::domain::text::fold;
use crate::domain::value::Value;
use crate::engine::command::TextPlace;
use crate::engine::index::Layout;
use crate::engine::state::State;
use crate::engine::view::TextsView;
use crate::error::Result;
use crate::store::keys::{Key, Parts};

/// Records that one part opens.
const PART: usize = 1_000;
/// Hits of one part.
const SHOWN: usize = 50;

/// Searches the next part, from a place on; without one, from the start.
///
/// # Errors
/// When the store cannot be read.
pub fn texts(state: &State, text: &str, from: Option<TextPlace>) -> Result<TextsView> {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|w| fold(w).into_owned())
        .collect();
    let pairs = state.pairs()?;
    let all = pairs.iter().map(|pair| state.counters(&pair.name).records);
    let mut view = TextsView {
        text: text.to_owned(),
        rows: Vec::new(),
        searched: 0,
        all: u64::try_from(all.sum::<i64>()).unwrap_or(0),
        next: None,
    };
    if words.is_empty() {
        return Ok(view);
    }
    let mut after = from.as_ref().and_then(|from| from.after.clone());
    let pairs = pairs
        .iter()
        .skip_while(|pair| from.as_ref().is_some_and(|from| from.pair != pair.name));
    for pair in pairs {
        if view.next.is_some() {
            break;
        }
        part(state, pair, &words, after.take(), &mut view)?;
    }
    Ok(view)
}

/// Searches a pair until the part is full; then `next` says where it goes on.
fn part(
    state: &State,
    pair: &Pair,
    words: &[String],
    after: Option<AppId>,
    view: &mut TextsView,
) -> Result<()> {
    let layout = Layout::of(pair);
    let prefix = Key::new().text(pair.table.as_str());
    let start = match &after {
        Some(id) => embedded::key(&pair.table, id),
        None => prefix.clone(),
    };
    for key in state.store().keys_from(&RECORDS, &prefix, &start) {
        let key = key?;
        let mut parts = Parts::of(&key);
        let Ok(id) = parts.text().and_then(|_| parts.text()) else {
            continue;
        };
        if after.as_ref().is_some_and(|after| after.as_str() == id) {
            continue;
        }
        let Some(app) = state.store().get(&RECORDS, &key)? else {
            continue;
        };
        let id = app.id.clone();
        if app.presence == Presence::Live {
            view.searched += 1;
            if holds(&layout, &app, words) {
                view.rows.extend(record(state, pair, app.id, words)?);
            }
        }
        if view.searched as usize >= PART || view.rows.len() >= SHOWN {
            view.next = Some(TextPlace {
                pair: pair.name.clone(),
                after: Some(id),
            });
            return Ok(());
        }
    }
    Ok(())
}

/// Whether what the index does not hold of a record has all words.
fn holds(layout: &Layout, app: &AppRecord, words: &[String]) -> bool {
    let known = |name: &FieldName| *name == layout.title || layout.texts.contains(name);
    let texts = app.fields.iter().filter(|(name, _)| !known(name));
    let texts: Vec<String> = texts
        .filter_map(|(_, value)| match value {
            Value::Text(text) => Some(fold(text).into_owned()),
            _ => None,
        })
        .collect();
    let within = |word: &String| texts.iter().any(|text| text.contains(word.as_str()));
    words.iter().all(within)
}
