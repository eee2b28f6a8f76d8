//! Records in quarantine: which there are, and their release (sync-semantics 9.2).
//!
//! Sends nothing. Invariant: what is released is planned again from the values of both sides as
//! they are then; the old payload is never sent again.

use jiff::Timestamp;

use crate::domain::id::{AppId, PairName};
use crate::domain::run::{RecordResult, ResultKind, Word};
use crate::error::{Error, Kind, Result};
use crate::store::keys::{Key, Parts};

use super::audit::{Draft, What};
use super::command::{Page, QuarantineFilter, RecordKey};
use super::mappings;
use super::state::State;
use super::tables::{QUARANTINE, Quarantined, RECONSIDER, RESULTS, UNLINKED, app_id_of};
use super::tx::{Durability, result_order};
use super::view::{Part, QuarantineRow};

/// Records released in one commit.
const CHUNK: usize = 1_000;

impl QuarantineFilter {
    fn fits(&self, key: &RecordKey, entry: &Quarantined) -> bool {
        self.pair.as_ref().is_none_or(|pair| *pair == key.pair)
            && self
                .code
                .as_ref()
                .is_none_or(|code| *code == entry.failure.code)
            && (self.records.is_empty() || self.records.contains(key))
    }
}

/// The chosen records in quarantine, by pair and id.
fn chosen<'a>(
    state: &'a State,
    filter: &'a QuarantineFilter,
) -> impl Iterator<Item = Result<(RecordKey, Quarantined)>> + 'a {
    let prefix = match &filter.pair {
        Some(pair) => Key::new().text(pair.as_str()),
        None => Key::new(),
    };
    let rows = state.store().scan(&QUARANTINE, &prefix);
    rows.filter_map(move |row| {
        let read = || {
            let (key, entry) = row?;
            let mut parts = Parts::of(&key);
            let unreadable = |_| Error::new(Kind::Store, "a key of the quarantine is damaged");
            let key = RecordKey {
                pair: PairName::new(parts.text().map_err(unreadable)?),
                app_id: AppId::new(parts.text().map_err(unreadable)?),
            };
            Ok((key, entry))
        };
        match read() {
            Ok((key, entry)) if !filter.fits(&key, &entry) => None,
            other => Some(other),
        }
    })
}

/// A part of the chosen records.
///
/// # Errors
/// When nothing is known of the pair that was named, or the store cannot be read.
pub fn list(state: &State, filter: &QuarantineFilter, page: Page) -> Result<Part<QuarantineRow>> {
    let mut rows = Vec::new();
    let mut total = 0;
    for found in chosen(state, filter) {
        let (key, entry) = found?;
        if total >= page.offset && rows.len() < page.limit {
            rows.push(row(state, key, entry)?);
        }
        total += 1;
    }
    if let (Some(pair), 0) = (&filter.pair, total) {
        mappings::pair(state, pair)?;
    }
    Ok(Part {
        rows,
        offset: page.offset,
        total: total as u64,
    })
}

fn row(state: &State, key: RecordKey, entry: Quarantined) -> Result<QuarantineRow> {
    // The run that put it aside knows its name.
    let place = Key::new()
        .number(entry.run.0)
        .number(result_order(ResultKind::Quarantined))
        .text(key.app_id.as_str());
    let told: Option<RecordResult> = state.store().get(&RESULTS, &place)?;
    let (name, crm_id) = told.map_or((String::new(), None), |told| (told.name, told.crm_id));
    Ok(QuarantineRow {
        key,
        name,
        crm_id,
        failure: entry.failure,
        tries: entry.tries,
        first: entry.first,
        last: entry.last,
        run: entry.run,
    })
}

/// Takes the chosen records out of quarantine and puts them on the list of the next run. Says how
/// many.
///
/// # Errors
/// When a record that was named is not in quarantine, or nothing fits; when the store fails.
pub fn release(
    state: &State,
    filter: &QuarantineFilter,
    person: &str,
    now: Timestamp,
) -> Result<u64> {
    let keys: Vec<RecordKey> = chosen(state, filter)
        .map(|found| found.map(|(key, _)| key))
        .collect::<Result<_>>()?;
    if let Some(missing) = filter.records.iter().find(|key| !keys.contains(key)) {
        return Err(nothing(&format!(
            "{}/{} is not",
            missing.pair, missing.app_id
        )));
    }
    if keys.is_empty() {
        if let Some(pair) = &filter.pair {
            mappings::pair(state, pair)?;
        }
        return Err(nothing("nothing of this kind is"));
    }
    for chunk in keys.chunks(CHUNK) {
        let mut tx = state.begin();
        for key in chunk {
            tx.quarantine(&key.pair, &key.app_id, None, now)?;
            tx.todo(&key.pair, &key.app_id)?;
            tx.audit(Draft::new(now, person, What::Released, key.app_id.as_str()).pair(&key.pair));
        }
        tx.commit(Durability::Now)?;
    }
    Ok(keys.len() as u64)
}

/// Puts a pair's records in quarantine on the list, and those that are in the App only, if the mapping
/// or the fields changed since they were looked at; what would be sent to the same fields as before
/// stays where it is. Says how many were in quarantine.
///
/// # Errors
/// When the store fails.
pub fn reconsider(state: &State, pair: &PairName, now: Timestamp) -> Result<u64> {
    let mark = Key::new().text(pair.as_str());
    if !state.store().contains(&RECONSIDER, &mark)? {
        return Ok(0);
    }
    let filter = QuarantineFilter {
        pair: Some(pair.clone()),
        ..QuarantineFilter::default()
    };
    let keys: Vec<RecordKey> = chosen(state, &filter)
        .map(|found| found.map(|(key, _)| key))
        .collect::<Result<_>>()?;
    for chunk in keys.chunks(CHUNK) {
        let mut tx = state.begin();
        for key in chunk {
            tx.todo(&key.pair, &key.app_id)?;
        }
        tx.commit(Durability::Soon)?;
    }
    // What was left out by the filter before may pass it now.
    let mut unlinked = Vec::new();
    for key in state.store().keys(&UNLINKED, &mark) {
        unlinked.extend(app_id_of(&key?));
    }
    for chunk in unlinked.chunks(CHUNK) {
        let mut tx = state.begin();
        for id in chunk {
            tx.todo(pair, id)?;
        }
        tx.commit(Durability::Soon)?;
    }
    let mut tx = state.begin();
    if !keys.is_empty() {
        let text = format!(
            "{pair}: {} in quarantine looked at again, as its mapping or its fields changed",
            keys.len()
        );
        tx.log(now, Word::Info, None, text);
    }
    // The mark goes last: after a crash they are put on the list once more.
    tx.delete(&RECONSIDER, &mark);
    tx.commit(Durability::Now)?;
    Ok(keys.len() as u64)
}

fn nothing(what: &str) -> Error {
    Error::new(Kind::Usage, format!("{what} in quarantine"))
        .hint("`syncdeck quarantine` lists what is")
}
