//! A page of a pair's records.
//!
//! Without a filter, only the records of the page are opened. With one, the index says which
//! records it takes, and those it cannot say it of are opened: values are sealed. Invariants:
//! tombstones are never listed; what is listed does not depend on whether there is an index.

mod rows;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::holds::Holds;
use super::narrow::{Live, asks_for_busy, these};
use super::staged;
use crate::appdb::embedded::RECORDS;
use crate::domain::filter::{Filter, Subject};
use crate::domain::id::{AppId, FieldName, PairName};
use crate::domain::listing::{Order, Shape, Sort};
use crate::domain::mapping::Pair;
use crate::domain::record::{AT_REST, AppRecord, HELD, Presence, record_rows};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::value::{FieldKind, Value};
use crate::engine::command::{Page, Values};
use crate::engine::index::{Sure, Taken};
use crate::engine::mappings;
use crate::engine::naming::record_name;
use crate::engine::state::State;
use crate::engine::tables::{GONE, OPEN_CONFLICTS, QUARANTINE, app_id_of};
use crate::engine::view::{Part, RecordPage, RecordRow};
use crate::engine::wanted::Wanted;
use crate::error::Result;
use crate::store::keys::Key;

pub use rows::short;

/// Columns beside the name.
const COLUMNS: usize = 4;
/// Records that are put in order at most: each of them is opened.
const SORTED: usize = 5_000;
/// Places that the store finds by itself at once.
const NEAR_START: usize = 1_000;

/// Records of a pair, oldest first, with as much of each value as is asked for. A filter that is not
/// understood is reported in the page, whose rows are then those of no filter.
///
/// # Errors
/// There is no such pair; the store cannot be read; the answer is not wanted any more.
pub fn records(
    state: &State,
    name: &PairName,
    filter: &str,
    (shape, values): (&Shape, Values),
    asked: Page,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<RecordPage> {
    let pair = &mappings::pair(state, name)?;
    let mut list = List::new(state, pair, now, wanted);
    list.values = values;
    let (filter, filter_error) = match understood(pair, filter) {
        Ok(filter) => (filter, None),
        Err(reason) => (Filter::All, Some(reason)),
    };
    let all = u64::try_from(state.counters(name).records).unwrap_or(0);
    let (shape, mut sort_error) = match shape.check(pair) {
        Ok(()) => (shape.clone(), None),
        Err(reason) => (Shape::default(), Some(reason)),
    };
    if !shape.columns.is_empty() {
        list.shown = shape.columns;
    }
    // Records that are staged and not there yet come first, whatever the order.
    let fresh = staged::fresh(&list, &filter)?;
    let page = Page {
        offset: asked.offset.saturating_sub(fresh.len()),
        limit: asked.limit - asked.limit.min(fresh.len().saturating_sub(asked.offset)),
    };
    let mut part = match &shape.sort {
        None => list.part(&filter, page, all)?,
        Some(sort) => match list.sorted(&filter, sort, page, all)? {
            Some(part) => part,
            None => {
                sort_error = Some(format!(
                    "up to {} records are put in order; a filter makes them fewer",
                    grouped(SORTED as u64)
                ));
                list.part(&filter, page, all)?
            }
        },
    };
    let new = fresh.len();
    let shown = fresh.into_iter().skip(asked.offset).take(asked.limit);
    part.rows.splice(..0, shown);
    part.offset = asked.offset;
    part.total += new as u64;
    Ok(RecordPage {
        pair: name.clone(),
        columns: list.shown,
        part,
        all,
        filter_error,
        sort_error,
    })
}

/// What a filter means for a pair, or why it is not understood.
pub fn understood(pair: &Pair, text: &str) -> std::result::Result<Filter, String> {
    let fields = pair.app_fields.iter().map(|f| f.name.as_str());
    record_rows(&pair.table, fields).read(text)
}

/// The first short fields of the table that say something to people.
pub fn columns(pair: &Pair) -> Vec<FieldName> {
    pair.app_fields
        .iter()
        .filter(|f| f.name != pair.title)
        .filter(|f| !matches!(f.kind, FieldKind::LongText | FieldKind::Reference))
        .map(|f| f.name.clone())
        .take(COLUMNS)
        .collect()
}

pub(super) struct List<'a> {
    pub(super) state: &'a State,
    pub(super) pair: &'a Pair,
    /// Columns that words are searched in.
    columns: Vec<FieldName>,
    /// Columns of the rows.
    shown: Vec<FieldName>,
    /// How much of each value the rows have.
    values: Values,
    pub(super) now: Timestamp,
    holds: Holds<'a>,
    wanted: &'a Wanted,
}

impl<'a> List<'a> {
    /// The usual one of a pair.
    pub(super) fn new(
        state: &'a State,
        pair: &'a Pair,
        now: Timestamp,
        wanted: &'a Wanted,
    ) -> Self {
        let columns = columns(pair);
        Self {
            state,
            pair,
            values: Values::default(),
            shown: columns.clone(),
            columns,
            now,
            holds: Holds::new(state, pair),
            wanted,
        }
    }

    pub(super) fn part(&self, filter: &Filter, page: Page, all: u64) -> Result<Part<RecordRow>> {
        match filter {
            Filter::All => self.page(page, all),
            filter => self.search(filter, page),
        }
    }

    /// A page in an order; none when there are too many records to put in order.
    fn sorted(
        &self,
        filter: &Filter,
        sort: &Sort,
        page: Page,
        all: u64,
    ) -> Result<Option<Part<RecordRow>>> {
        let everything = Page {
            offset: 0,
            limit: SORTED + 1,
        };
        let mut part = self.part(filter, everything, all)?;
        if part.rows.len() > SORTED {
            return Ok(None);
        }
        let mut rows = Vec::with_capacity(part.rows.len());
        for row in part.rows {
            self.wanted.check()?;
            rows.push((self.rank(sort, &row)?, row));
        }
        rows.sort_by(|(a, _), (b, _)| match (a, b) {
            // What has no value comes last, whichever way.
            (Value::Null, _) | (_, Value::Null) => b.is_null().cmp(&a.is_null()).reverse(),
            _ if sort.order == Order::Down => b.cmp(a),
            _ => a.cmp(b),
        });
        let rows = rows.into_iter().map(|(_, row)| row);
        part.rows = rows.skip(page.offset).take(page.limit).collect();
        part.offset = page.offset;
        Ok(Some(part))
    }

    /// What a row is ordered by: texts without upper and lower case.
    fn rank(&self, sort: &Sort, row: &RecordRow) -> Result<Value> {
        let plain = |text: &str| Value::text(text.to_lowercase());
        let is_field = self.pair.app_fields.iter().any(|f| f.name == sort.by);
        if !is_field {
            return Ok(match sort.by.as_str() {
                "state" => plain(row.word.as_str()),
                "changed" => Value::DateTime(row.changed),
                _ => plain(&row.name),
            });
        }
        let record = self.live(&row.key.app_id)?;
        let value = record.and_then(|r| r.fields.get(&sort.by).cloned());
        Ok(match value {
            Some(Value::Text(text)) => plain(&text),
            other => other.unwrap_or_default(),
        })
    }

    fn page(&self, page: Page, total: u64) -> Result<Part<RecordRow>> {
        // The store finds a place by passing all before it; the index does not.
        let far = page.offset > NEAR_START;
        if let Some(ids) = far
            .then(|| self.state.index().page(&self.pair.name, page))
            .flatten()
        {
            let rows = self.rows(ids)?;
            return Ok(Part {
                total,
                rows,
                offset: page.offset,
            });
        }
        let prefix = Key::new().text(self.pair.table.as_str());
        let store = self.state.store();
        let live = Live {
            keys: store.keys(&RECORDS, &prefix),
            gone: store.keys(&GONE, &prefix).peekable(),
        };
        let mut rows = Vec::new();
        for key in live.skip(page.offset).take(page.limit) {
            let key = key?;
            // It can have gone since its key was read.
            let record = store.get(&RECORDS, &key)?;
            if let Some(record) = record.filter(|r| r.presence == Presence::Live) {
                rows.push(self.row(&record)?);
            }
        }
        Ok(Part {
            total,
            rows,
            offset: page.offset,
        })
    }

    fn search(&self, filter: &Filter, page: Page) -> Result<Part<RecordRow>> {
        if let Some(ids) = these(filter) {
            let ids = ids.into_iter().map(|id| (id, Sure::No));
            return self.candidates(filter, ids, page);
        }
        if let Some(ids) = self.few(filter)? {
            let ids = ids.into_iter().map(|id| (id, Sure::No));
            return self.candidates(filter, ids, page);
        }
        let index = self.state.index();
        match index.filter(&self.pair.name, filter, page, self.now) {
            None => self.scan(filter, page),
            Some(Taken::Candidates(ids)) => self.candidates(filter, ids.into_iter(), page),
            Some(Taken::Page { ids, total }) => Ok(Part {
                rows: self.rows(ids)?,
                offset: page.offset,
                total: total as u64,
            }),
        }
    }

    fn rows(&self, ids: Vec<AppId>) -> Result<Vec<RecordRow>> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            self.wanted.check()?;
            // It can have gone since the index was asked.
            if let Some(record) = self.live(&id)? {
                rows.push(self.row(&record)?);
            }
        }
        Ok(rows)
    }

    fn live(&self, id: &AppId) -> Result<Option<AppRecord>> {
        let record = self.state.app_record(&self.pair.table, id)?;
        Ok(record.filter(|r| r.presence == Presence::Live))
    }

    /// When a filter asks for what only records with a conflict or a refusal have, or that were
    /// taken back: those, in the order of their ids.
    pub(super) fn few(&self, filter: &Filter) -> Result<Option<BTreeSet<AppId>>> {
        if !asks_for_busy(filter) {
            return self.holds.asked_for(filter);
        }
        let prefix = Key::new().text(self.pair.name.as_str());
        let store = self.state.store();
        let keys = store
            .keys(&OPEN_CONFLICTS, &prefix)
            .chain(store.keys(&QUARANTINE, &prefix));
        let mut ids = BTreeSet::new();
        for key in keys {
            ids.extend(app_id_of(&key?));
        }
        Ok(Some(ids))
    }

    /// Those of the candidates that the filter takes.
    pub(super) fn candidates(
        &self,
        filter: &Filter,
        ids: impl Iterator<Item = (AppId, Sure)>,
        page: Page,
    ) -> Result<Part<RecordRow>> {
        let states = filter.states();
        let mut rows = Vec::new();
        let mut total: usize = 0;
        for (id, sure) in ids {
            self.wanted.check()?;
            let shown = total >= page.offset && rows.len() < page.limit;
            if sure == Sure::No || shown {
                let Some(record) = self.live(&id)? else {
                    continue;
                };
                if sure == Sure::No {
                    let word = self.asked_word(&states, &record)?;
                    if !self.matches(filter, &record, word) {
                        continue;
                    }
                }
                if shown {
                    rows.push(self.row(&record)?);
                }
            }
            total += 1;
        }
        Ok(Part {
            rows,
            offset: page.offset,
            total: total as u64,
        })
    }

    /// Without an index: every record is opened.
    pub(super) fn scan(&self, filter: &Filter, page: Page) -> Result<Part<RecordRow>> {
        let prefix = Key::new().text(self.pair.table.as_str());
        let states = filter.states();
        let mut rows = Vec::new();
        let mut total: usize = 0;
        for record in self.state.store().scan(&RECORDS, &prefix) {
            let (_, record) = record?;
            self.wanted.check()?;
            if record.presence == Presence::Deleted {
                continue;
            }
            let word = self.asked_word(&states, &record)?;
            if !self.matches(filter, &record, word) {
                continue;
            }
            if total >= page.offset && rows.len() < page.limit {
                rows.push(self.row(&record)?);
            }
            total += 1;
        }
        Ok(Part {
            rows,
            offset: page.offset,
            total: total as u64,
        })
    }

    /// The word of a record, as far as the filter asks for it: links are large, and are opened
    /// only for the words that depend on them.
    pub(super) fn asked_word(&self, states: &[&str], record: &AppRecord) -> Result<Word> {
        if states.is_empty() {
            return Ok(Word::None);
        }
        if let Some(word) = super::busy(self.state, self.pair, &record.id)? {
            return Ok(word);
        }
        let asked = |word: &Word| states.iter().any(|s| word.as_str().eq_ignore_ascii_case(s));
        if !AT_REST.iter().any(asked) {
            return Ok(Word::None);
        }
        let link = self.state.link(&self.pair.name, &record.id)?;
        self.holds.at_rest(&record.id, Some(record), link.as_ref())
    }

    pub(super) fn matches(&self, filter: &Filter, record: &AppRecord, state: Word) -> bool {
        let name = record_name(self.pair, Some(record), None);
        let values = Self::values(&self.columns, record);
        let mut columns: Vec<&str> = vec![&name];
        columns.extend(values.iter().flatten().map(String::as_str));
        filter.matches(&Subject {
            field: &|field| self.field(record, field),
            state,
            columns: &columns,
            changed: Some(record.updated_at),
            marked: false,
            now: self.now,
        })
    }

    /// A field by name, upper and lower case aside. A field without a value is null.
    fn field(&self, record: &AppRecord, name: &str) -> Option<Value> {
        if let Some(value) = record.fields.get(name) {
            return Some(value.clone());
        }
        let known = &self.pair.app_fields;
        let known = known
            .iter()
            .find(|f| f.name.as_str().eq_ignore_ascii_case(name));
        if let Some(field) = known {
            return Some(record.fields.get(&field.name).cloned().unwrap_or_default());
        }
        match name.to_ascii_lowercase().as_str() {
            "id" => Some(Value::from(record.id.as_str())),
            "crm_id" => {
                let link = self.state.link(&self.pair.name, &record.id).ok()?;
                let id = link.and_then(|l| l.crm_id);
                Some(id.map_or(Value::Null, |id| Value::from(id.as_str())))
            }
            HELD => self.holds.told(record).ok(),
            _ => None,
        }
    }
}
