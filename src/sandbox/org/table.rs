//! The records of one object and the indexes over them.
//!
//! An index keeps hashes with rows, not values: what it finds is compared with the record itself.
//! Invariant: [`Table::swap`] is the only way in, so the indexes always fit the rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::Record;
use crate::sandbox::{
    ids::SfId,
    schema::{Field, FieldIx, Object},
    value::Ref,
};

/// Row of a record in its table. Rows are never reused.
pub type Row = u32;

/// The records of one object.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Option<Record>>,
    pub by_id: BTreeMap<SfId, Row>,
    pub by_stamp: BTreeMap<(i64, SfId), Row>,
    by_value: Vec<(FieldIx, BTreeSet<(u64, Row)>)>,
    /// Records removed for good, and when they were deleted.
    pub purged: Vec<(i64, SfId)>,
    pub(super) serial: u64,
}

impl Table {
    /// An empty table with indexes on some fields.
    pub(super) fn new(indexed: impl Iterator<Item = FieldIx>) -> Self {
        Self {
            by_value: indexed.map(|ix| (ix, BTreeSet::new())).collect(),
            ..Self::default()
        }
    }

    /// The record in a row.
    pub fn row(&self, row: Row) -> Option<&Record> {
        self.rows.get(row as usize)?.as_ref()
    }

    /// All rows in the order they were made.
    pub fn each(&self) -> impl Iterator<Item = (Row, &Record)> {
        (0u32..)
            .zip(&self.rows)
            .filter_map(|(row, r)| Some((row, r.as_ref()?)))
    }

    /// How many records are not deleted.
    pub fn live(&self) -> usize {
        self.each().filter(|(_, r)| !r.deleted).count()
    }

    /// The row after the last.
    pub(super) fn next_row(&self) -> Row {
        self.rows.len() as Row
    }

    /// Rows, live ones, with a value in an indexed field; nothing when it is not indexed.
    pub(super) fn with_value(
        &self,
        ix: FieldIx,
        field: &Field,
        value: Ref<'_>,
    ) -> Option<Vec<Row>> {
        let (_, index) = self.by_value.iter().find(|(at, _)| *at == ix)?;
        let key = Key::of(field, value)?;
        let hash = key.hash();
        let rows = index.range((hash, 0)..=(hash, Row::MAX));
        let same = |row: &Row| {
            let record = self.row(*row);
            record.and_then(|r| Key::of(field, r.cell(ix))).as_ref() == Some(&key)
        };
        Some(rows.map(|(_, row)| *row).filter(same).collect())
    }

    /// Replaces what is in a row and gives what was there.
    pub(super) fn swap(
        &mut self,
        fields: &Object,
        row: Row,
        mut record: Option<Record>,
    ) -> Option<Record> {
        if let Some(record) = &mut record {
            record.pack();
        }
        let place = row as usize;
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, || None);
        }
        let before = self.rows[place].take();
        let at = |r: &Option<Record>| r.as_ref().map(|r| (r.stamp, r.id));
        let (old, new) = (at(&before), at(&record));
        if old != new {
            if let Some((stamp, id)) = old {
                self.by_id.remove(&id);
                self.by_stamp.remove(&(stamp, id));
            }
            if let Some((stamp, id)) = new {
                self.by_id.insert(id, row);
                self.by_stamp.insert((stamp, id), row);
            }
        }
        for (ix, index) in &mut self.by_value {
            let field = fields.at(*ix);
            let hash = |r: &Option<Record>| {
                let r = r.as_ref().filter(|r| !r.deleted)?;
                Some(Key::of(field, r.cell(*ix))?.hash())
            };
            let (old, new) = (hash(&before), hash(&record));
            if old == new {
                continue;
            }
            if let Some(old) = old {
                index.remove(&(old, row));
            }
            if let Some(new) = new {
                index.insert((new, row));
            }
        }
        self.rows[place] = record;
        before
    }
}

/// The form in which an indexed value is compared.
#[derive(PartialEq)]
enum Key<'a> {
    Id(SfId),
    Exact(&'a str),
    Folded(String),
}

impl<'a> Key<'a> {
    fn of(field: &Field, value: Ref<'a>) -> Option<Self> {
        match value {
            Ref::Id(id) => Some(Self::Id(id)),
            Ref::Text(text) if field.case_sensitive() => Some(Self::Exact(text)),
            Ref::Text(text) => Some(Self::Folded(text.to_lowercase())),
            _ => None,
        }
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::Id(id) => id.hash(&mut hasher),
            Self::Exact(text) => text.hash(&mut hasher),
            Self::Folded(text) => text.hash(&mut hasher),
        }
        hasher.finish()
    }
}
