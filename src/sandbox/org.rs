//! The records of the org: tables, their indexes, and undoing of changes.
//!
//! Knows nothing of the rules of saving ([`super::dml`]) or of HTTP. One writer at a time, behind
//! a lock that the caller holds.
//! Invariant: every change goes through [`Org::put`], so the undo list always fits.

mod record;
mod table;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use super::{
    automation::Automation,
    ids::SfId,
    rules::Rule,
    schema::{Field, FieldIx, ObjIx, Object, Schema},
    value::Ref,
};
pub use record::Record;
pub use table::{Row, Table};

#[derive(Clone)]
struct Undo {
    object: ObjIx,
    row: Row,
    before: Option<Record>,
}

/// How many changes are kept.
const KEPT: usize = 200_000;

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Created,
    Updated,
    Deleted,
    Undeleted,
    /// Removed for good.
    Purged,
}

/// A change of a record that was made final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Counts from 1.
    pub number: u64,
    pub id: SfId,
    pub what: What,
    /// Who last modified it.
    pub by: SfId,
    /// The org's clock, seconds since 1970.
    pub at: i64,
}

fn change_of(before: Option<&Record>, after: Option<&Record>) -> Option<Change> {
    let what = match (before, after) {
        (None, _) => What::Created,
        (_, None) => What::Purged,
        (Some(old), Some(new)) => match (old.deleted, new.deleted) {
            (false, true) => What::Deleted,
            (true, false) => What::Undeleted,
            _ => What::Updated,
        },
    };
    let record = after.or(before)?;
    Some(Change {
        number: 0,
        id: record.id,
        what,
        by: record.modified_by,
        at: record.stamp,
    })
}

/// The org.
#[derive(Clone)]
pub struct Org {
    pub schema: Arc<Schema>,
    pub org_id: SfId,
    pub name: String,
    tables: Vec<Table>,
    undo: Vec<Undo>,
    changes: VecDeque<Change>,
    changed: u64,
    pub rules: Vec<Rule>,
    /// Picklists restricted in addition to those of the schema.
    pub restricted: Vec<(ObjIx, FieldIx)>,
    /// Values that picklists have no more.
    pub retired: Vec<(ObjIx, FieldIx, String)>,
    /// Fields required in addition to those of the schema.
    pub required: Vec<(ObjIx, FieldIx)>,
    /// Records somebody else holds locked, and how many more tries fail.
    pub locked: HashMap<SfId, u32>,
    /// Start of a transaction of somebody else that goes on.
    pub open_since: Option<i64>,
    /// Changes of that transaction, which nobody sees yet.
    pub unseen: Vec<Unseen>,
    pub automation: Automation,
    /// Before it the list of deleted records was trimmed.
    pub deletes_from: Option<i64>,
    /// Records nobody shares any more, as they were.
    hidden: HashMap<SfId, (ObjIx, Row, Record)>,
    /// Megabytes of data it may hold.
    pub storage_mb: u64,
    /// When what a describe shows was last changed, as conditional requests see it.
    pub described: i64,
}

/// A change in a transaction that goes on.
#[derive(Debug, Clone)]
pub struct Unseen {
    pub by: SfId,
    pub at: i64,
    pub id: SfId,
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// Megabytes of data an org may hold, unless it is told otherwise.
const STORAGE_MB: u64 = 10_240;
/// When the schema was made: long ago.
const DESCRIBED: i64 = 1_700_000_000;
/// Bytes a record counts as.
const RECORD: u64 = 2048;

impl std::fmt::Debug for Org {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Org")
            .field("org_id", &self.org_id)
            .finish_non_exhaustive()
    }
}

impl Org {
    /// An org without records.
    pub fn new(schema: Arc<Schema>, org_id: SfId, name: &str) -> Self {
        let indexed = |(_, object): (ObjIx, &'_ Object)| {
            let indexed = |f: &Field| f.indexed() || schema.refers_to_what_can_go(f);
            let fields = object.each().filter(|(_, f)| indexed(f));
            Table::new(fields.map(|(ix, _)| ix))
        };
        let tables = schema.each().map(indexed).collect();
        Self {
            org_id,
            name: name.to_owned(),
            tables,
            undo: Vec::new(),
            rules: Vec::new(),
            restricted: Vec::new(),
            required: Vec::new(),
            retired: Vec::new(),
            deletes_from: None,
            hidden: HashMap::new(),
            changes: VecDeque::new(),
            changed: 0,
            locked: HashMap::new(),
            open_since: None,
            unseen: Vec::new(),
            automation: Automation::default(),
            storage_mb: STORAGE_MB,
            described: DESCRIBED,
            schema,
        }
    }

    /// Notes that a describe shows something else from now on: later than whatever was told before,
    /// also within the same second.
    pub fn describe_anew(&mut self, now: i64) {
        self.described = now.max(self.described + 1);
    }

    /// The table of an object.
    pub fn table(&self, object: ObjIx) -> &Table {
        &self.tables[usize::from(object.0)]
    }

    /// Megabytes of data it holds.
    pub fn data_mb(&self) -> u64 {
        let counted = self.schema.each().filter(|(_, o)| !o.setup());
        let records: usize = counted.map(|(ix, _)| self.table(ix).by_id.len()).sum();
        (records as u64 * RECORD) >> 20
    }

    /// A new id for an object.
    pub fn next_id(&mut self, object: ObjIx) -> SfId {
        let table = &mut self.tables[usize::from(object.0)];
        table.serial += 1;
        SfId::new(self.schema.at(object).prefix, table.serial)
    }

    /// Where a record is, deleted or not.
    pub fn find(&self, id: SfId) -> Option<(ObjIx, Row)> {
        let object = self.schema.of_prefix(id.prefix())?;
        self.table(object).by_id.get(&id).map(|row| (object, *row))
    }

    /// A record by id, deleted or not.
    pub fn record(&self, id: SfId) -> Option<(ObjIx, &Record)> {
        let (object, row) = self.find(id)?;
        Some((object, self.table(object).row(row)?))
    }

    /// A value by field name, for rules and seeds; null when there is no such field.
    pub fn value<'r>(&self, object: ObjIx, record: &'r Record, field: &str) -> Ref<'r> {
        let object = self.schema.at(object);
        object
            .field(field)
            .map_or(Ref::Null, |ix| record.get(ix, object.at(ix).slot))
    }

    /// Rows, live ones, with a value in an indexed field; nothing when it is not indexed.
    pub fn with_value(&self, object: ObjIx, ix: FieldIx, value: Ref<'_>) -> Option<Vec<Row>> {
        let field = self.schema.at(object).at(ix);
        self.table(object).with_value(ix, field, value)
    }

    /// The live records that refer to one by a field.
    pub fn referring(&self, object: ObjIx, ix: FieldIx, to: SfId) -> Vec<Row> {
        self.with_value(object, ix, Ref::Id(to)).unwrap_or_default()
    }

    /// What a record says it is where it stands for one of several kinds: its object, or `Queue`.
    pub fn sort_of<'r>(&'r self, object: ObjIx, record: &'r Record) -> Ref<'r> {
        match self.schema.at(object).name.as_str() {
            "Group" => self.value(object, record, "Type"),
            name => Ref::Text(name),
        }
    }

    /// What a record is called, whatever its object calls that field.
    pub fn name_of<'r>(&self, object: ObjIx, record: &'r Record) -> Ref<'r> {
        let name = self.schema.at(object).name_field();
        name.map_or(Ref::Null, |ix| record.cell(ix))
    }

    /// Puts a new record and gives its row.
    pub fn insert(&mut self, object: ObjIx, record: Record) -> Row {
        let row = self.table(object).next_row();
        self.put(object, row, Some(record));
        row
    }

    /// Replaces what is in a row and keeps what was there for [`Org::rollback`].
    pub fn put(&mut self, object: ObjIx, row: Row, record: Option<Record>) {
        let before = self.swap(object, row, record);
        self.undo.push(Undo {
            object,
            row,
            before,
        });
    }

    /// The values a picklist has no more.
    pub fn retired_of(&self, object: ObjIx, field: FieldIx) -> impl Iterator<Item = &str> {
        let of = move |(o, f, _): &&(ObjIx, FieldIx, String)| (*o, *f) == (object, field);
        self.retired
            .iter()
            .filter(of)
            .map(|(.., value)| value.as_str())
    }

    /// Takes a record out of sight, as when it is shared no more: it is gone, and in no list of
    /// changes or of deleted ones. False when there is none.
    pub fn hide(&mut self, id: SfId) -> bool {
        let Some((object, row)) = self.find(id) else {
            return false;
        };
        if let Some(record) = self.swap(object, row, None) {
            self.hidden.insert(id, (object, row, record));
        }
        true
    }

    /// Shows a hidden record again as it was. False when there is none.
    pub fn show(&mut self, id: SfId) -> bool {
        let Some((object, row, record)) = self.hidden.remove(&id) else {
            return false;
        };
        self.swap(object, row, Some(record));
        true
    }

    /// A mark to roll back to.
    pub fn savepoint(&self) -> usize {
        self.undo.len()
    }

    /// Takes back all changes since a mark.
    pub fn rollback(&mut self, to: usize) {
        while self.undo.len() > to {
            if let Some(Undo {
                object,
                row,
                before,
            }) = self.undo.pop()
            {
                self.swap(object, row, before);
            }
        }
    }

    /// Makes all changes so far final without a record of them: what an org begins with.
    pub fn accept(&mut self) {
        self.undo.clear();
    }

    /// Makes all changes so far final and keeps them in the record of changes.
    pub fn commit(&mut self) {
        let undo = std::mem::take(&mut self.undo);
        let first = self.changes.len();
        // What a record was before the next change of the same commit is what it is after this.
        let mut after: HashMap<(ObjIx, Row), Option<Record>> = HashMap::new();
        for Undo {
            object,
            row,
            before,
        } in undo.into_iter().rev()
        {
            let now = match after.get(&(object, row)) {
                Some(record) => record.as_ref(),
                None => self.table(object).row(row),
            };
            let change = change_of(before.as_ref(), now);
            if let Some(change) = change.as_ref().filter(|c| c.what == What::Purged) {
                let table = &mut self.tables[usize::from(object.0)];
                table.purged.push((change.at, change.id));
            }
            after.insert((object, row), before);
            self.changes.extend(change);
        }
        self.changes.make_contiguous()[first..].reverse();
        for change in self.changes.iter_mut().skip(first) {
            self.changed += 1;
            change.number = self.changed;
        }
        while self.changes.len() > KEPT {
            self.changes.pop_front();
        }
    }

    /// The latest changes after a number, oldest first.
    pub fn changes(&self, since: u64) -> Vec<Change> {
        let new = |c: &&Change| c.number > since;
        self.changes.iter().filter(new).cloned().collect()
    }

    /// Empties the record of changes; their numbers go on.
    pub fn forget_changes(&mut self) {
        self.changes = VecDeque::new();
    }

    fn swap(&mut self, object: ObjIx, row: Row, record: Option<Record>) -> Option<Record> {
        let schema = Arc::clone(&self.schema);
        self.tables[usize::from(object.0)].swap(schema.at(object), row, record)
    }
}

/// The active record types of an object, by id, name and developer name; the first is the default.
pub fn record_types_of(org: &Org, object: &str) -> Vec<(SfId, String, String)> {
    let Some(types) = org.schema.object("RecordType") else {
        return Vec::new();
    };
    let text = |record, field: &str| {
        let value = org.value(types, record, field).as_text();
        value.unwrap_or_default().to_owned()
    };
    org.table(types)
        .each()
        .filter(|(_, r)| text(r, "SobjectType") == object)
        .filter(|(_, r)| org.value(types, r, "IsActive") == Ref::Bool(true))
        .map(|(_, r)| (r.id, text(r, "Name"), text(r, "DeveloperName")))
        .collect()
}

#[cfg(test)]
mod tests;
