//! The search over everything local: records of all pairs, open conflicts, runs, mappings.
//!
//! Candidates come from the index; only the hits that are shown are opened. Invariant: what is
//! not searched is said.

use crate::appdb::AppDb;
use crate::domain::id::{AppId, ConflictId, CrmId, RunId};
use crate::domain::mapping::Pair;
use crate::domain::text::fold;
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::command::RecordKey;
use crate::engine::index::Found;
use crate::engine::naming::record_name;
use crate::engine::records::{self, Holds};
use crate::engine::state::State;
use crate::engine::view::{ConflictHit, Hits, MappingHit, RecordHit, RunHit, SearchView};
use crate::error::Result;

use super::tally::Tally;

/// Hits of each kind that are opened.
const SHOWN: usize = 20;
/// Characters of a value that are shown.
const LONGEST: usize = 120;

/// Searches. A text of nothing finds nothing.
///
/// # Errors
/// When the store cannot be read.
pub fn search(state: &State, text: &str) -> Result<SearchView> {
    let pairs = state.pairs()?;
    let words: Vec<String> = text
        .split_whitespace()
        .map(|w| fold(w).into_owned())
        .collect();
    let mut view = SearchView {
        text: text.to_owned(),
        searched: super::business::counted(state, &pairs),
        records: Hits::default(),
        conflicts: Hits::default(),
        runs: Hits::default(),
        mappings: Hits::default(),
    };
    if words.is_empty() {
        return Ok(view);
    }
    let mut found = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        let hits = candidates(state, pair, text, &words)?;
        view.records.total += hits.total;
        found.push(hits.ids.into_iter());
        mappings(pair, &words, &mut view.mappings);
    }
    // One of each pair in turn: many hits of one do not hide those of another.
    while view.records.rows.len() < SHOWN && found.iter().any(|ids| ids.len() > 0) {
        for (pair, ids) in pairs.iter().zip(&mut found) {
            if let Some(id) = ids.next() {
                view.records.rows.extend(record(state, pair, id, &words)?);
            }
        }
    }
    view.records.rows.truncate(SHOWN);
    let found = state.index().conflicts(&words, SHOWN);
    view.conflicts.total = found.total;
    for id in found.ids {
        view.conflicts
            .rows
            .extend(conflict(state, ConflictId(id), &words)?);
    }
    by_record(state, &words, &view.records.rows, &mut view.conflicts)?;
    let found = state.index().runs(&words, SHOWN);
    view.runs.total = found.total;
    for id in found.ids {
        view.runs.rows.extend(run(state, RunId(id))?);
    }
    Ok(view)
}

/// The best records of a pair.
fn candidates(state: &State, pair: &Pair, text: &str, words: &[String]) -> Result<Found<AppId>> {
    let mut found = state.index().records(&pair.name, words, SHOWN);
    // A whole id of the CRM names one record, whether or not a field holds it.
    if let Ok(id) = text.trim().parse::<CrmId>()
        && let Some(app_id) = state.by_crm(&pair.name, &id)?
        && !found.ids.contains(&app_id)
    {
        found.ids.insert(0, app_id);
        found.total += 1;
    }
    Ok(found)
}

pub(super) fn record(
    state: &State,
    pair: &Pair,
    id: AppId,
    words: &[String],
) -> Result<Option<RecordHit>> {
    let Some(app) = state.app().get(&pair.table, &id)? else {
        return Ok(None);
    };
    let link = state.link(&pair.name, &id)?;
    let name = record_name(
        pair,
        Some(&app),
        link.as_ref().and_then(|l| l.seen.as_ref()),
    );
    let values = app.fields.iter().filter(|(field, _)| **field != pair.title);
    let found = first_with(words, values.map(|(_, value)| value));
    Ok(Some(RecordHit {
        word: Holds::new(state, pair).word(&id, Some(&app), link.as_ref())?,
        key: RecordKey {
            pair: pair.name.clone(),
            app_id: id,
        },
        name: cut(&name),
        object: pair.object.to_string(),
        found: match found {
            Some(value) => value,
            // The name was found: the first other value says which of that name it is.
            None => {
                let columns = records::columns(pair);
                let value = columns.iter().filter_map(|c| app.fields.get(c));
                value
                    .map(|v| cut(&v.to_string()))
                    .find(|v| !v.is_empty())
                    .unwrap_or_default()
            }
        },
    }))
}

/// The first value that holds one of the words.
fn first_with<'v>(words: &[String], values: impl Iterator<Item = &'v Value>) -> Option<String> {
    let holds = |text: &String| {
        let text = fold(text);
        words.iter().any(|word| text.contains(word.as_str()))
    };
    values
        .map(ToString::to_string)
        .find(holds)
        .map(|text| cut(&text))
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn conflict(state: &State, id: ConflictId, words: &[String]) -> Result<Option<ConflictHit>> {
    let Some(conflict) = state.conflict(id)? else {
        return Ok(None);
    };
    let Some(pair) = state.pair(&conflict.pair)? else {
        return Ok(None);
    };
    let app = state.app().get(&pair.table, &conflict.app_id)?;
    let row = conflict.row.and_then(|row| pair.row(row));
    let values = || conflict.app.iter().chain(&conflict.crm).flatten();
    let found = first_with(words, values());
    Ok(Some(ConflictHit {
        name: cut(&record_name(&pair, app.as_ref(), None)),
        word: Tally::of(&state.open_conflicts(&conflict.pair, &conflict.app_id)?).word(),
        field: row.map_or("whole record".to_owned(), |row| row.label(Side::App)),
        found: found
            .or_else(|| values().next().map(|v| cut(&v.to_string())))
            .unwrap_or_default(),
        key: RecordKey {
            pair: conflict.pair.clone(),
            app_id: conflict.app_id,
        },
    }))
}

/// Conflicts of records that were found: what is in conflict need not hold the record's name.
fn by_record(
    state: &State,
    words: &[String],
    records: &[RecordHit],
    hits: &mut Hits<ConflictHit>,
) -> Result<()> {
    for record in records {
        let RecordKey { pair, app_id } = &record.key;
        if hits.rows.iter().any(|hit| hit.key == record.key) {
            continue;
        }
        if let Some(open) = state.open_conflicts(pair, app_id)?.first() {
            hits.rows.extend(conflict(state, open.id, words)?);
            hits.total += 1;
        }
    }
    Ok(())
}

fn run(state: &State, id: RunId) -> Result<Option<RunHit>> {
    let Some(run) = state.run(id)? else {
        return Ok(None);
    };
    let pair = state.pair(&run.pair)?;
    Ok(Some(RunHit {
        id,
        title: pair.map_or_else(|| run.pair.to_string(), |p| p.title_line()),
        word: run.word(),
        at: run.started_at,
        found: run.failure.map_or(String::new(), |f| cut(&f.what)),
    }))
}

fn mappings(pair: &Pair, words: &[String], hits: &mut Hits<MappingHit>) {
    let title = pair.title_line();
    let holds = |text: &str| {
        let text = fold(text);
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut add = |row, found: String| {
        hits.total += 1;
        if hits.rows.len() < SHOWN {
            hits.rows.push(MappingHit {
                pair: pair.name.clone(),
                row,
                title: title.clone(),
                found,
            });
        }
    };
    if holds(&format!("{title} {}", pair.name)) {
        add(None, format!("mapping, version {}", pair.version));
    }
    for row in &pair.rows {
        let line = format!(
            "{} {} {}",
            row.label(Side::App),
            row.flow.arrow(),
            row.label(Side::Crm)
        );
        if holds(&line) {
            add(Some(row.id), line);
        }
    }
}
