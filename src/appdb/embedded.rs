//! App records in our own store.
//!
//! Does not lock: the caller's transaction is the only writer. Invariant: `rev` counts up by one
//! with each change, and `changed_at` moves only for fields whose value changed.

use std::collections::BTreeMap;

use crate::domain::id::{AppId, TableName};
use crate::domain::record::{AppRecord, Presence};
use crate::domain::value::{Fields, Value};
use crate::store::keys::{Key, Parts};
use crate::store::{Batch, Store, StoreError, Table};

use super::{AppDb, AppError, Author, Change, Expect, Outboxed};

/// Records by (table, id).
pub const RECORDS: Table<AppRecord> = Table::new(0x01, "app", 1);
/// Waiting changes by (table, id).
pub const OUTBOX: Table<Outboxed> = Table::new(0x02, "outbox", 1);

/// The embedded App.
#[derive(Debug, Clone)]
pub struct Embedded {
    store: Store,
}

impl Embedded {
    /// On a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

/// Key of a record.
pub fn key(table: &TableName, id: &AppId) -> Key {
    Key::new().text(table.as_str()).text(id.as_str())
}

impl AppDb for Embedded {
    fn get(&self, table: &TableName, id: &AppId) -> Result<Option<AppRecord>, StoreError> {
        self.store.get(&RECORDS, &key(table, id))
    }

    fn stage(
        &self,
        batch: &mut Batch,
        current: Option<&AppRecord>,
        change: &Change,
    ) -> Result<AppRecord, AppError> {
        let record = changed(current, change)?;
        let key = key(&change.table, &change.id);
        batch.put(&RECORDS, &key, &record);
        if matches!(change.by, Author::Person(_)) {
            let entry = Outboxed {
                rev: record.rev,
                at: change.at,
            };
            batch.put(&OUTBOX, &key, &entry);
        }
        Ok(record)
    }

    fn settle(&self, batch: &mut Batch, table: &TableName, id: &AppId) {
        batch.delete(&OUTBOX, &key(table, id));
    }

    fn waits(&self, table: &TableName, id: &AppId) -> Result<bool, StoreError> {
        self.store.contains(&OUTBOX, &key(table, id))
    }

    fn waiting(
        &self,
        table: &TableName,
        after: Option<&AppId>,
        limit: usize,
    ) -> Result<Vec<AppId>, StoreError> {
        ids_after(&self.store, &OUTBOX, table.as_str(), after, limit)
    }
}

/// Ids under a first key part, in order, after one of them.
pub fn ids_after<V>(
    store: &Store,
    table: &Table<V>,
    first: &str,
    after: Option<&AppId>,
    limit: usize,
) -> Result<Vec<AppId>, StoreError> {
    let prefix = Key::new().text(first);
    let start = after.map(|id| prefix.clone().text(id.as_str()));
    let mut ids = Vec::new();
    let keys = match &start {
        Some(start) => store.keys_from(table, &prefix, start),
        None => store.keys(table, &prefix),
    };
    for key in keys {
        let key = key?;
        if start.as_ref().is_some_and(|s| s[..] == key[..]) {
            continue;
        }
        let mut parts = Parts::of(&key);
        let read = parts.text().and_then(|_| parts.text());
        if let Ok(id) = read {
            ids.push(AppId::new(id));
        }
        if ids.len() == limit {
            break;
        }
    }
    Ok(ids)
}

/// The record after a change.
fn changed(current: Option<&AppRecord>, change: &Change) -> Result<AppRecord, AppError> {
    let by = match &change.by {
        Author::Person(name) => name.clone(),
        Author::Run(run) => format!("sync, run {run}"),
    };
    let mut record = match (current, change.expect) {
        (None, Expect::New) => AppRecord {
            id: change.id.clone(),
            table: change.table.clone(),
            rev: 0,
            fields: Fields::new(),
            changed_at: BTreeMap::new(),
            changed_by: String::new(),
            typed_by: BTreeMap::new(),
            created_at: change.at,
            updated_at: change.at,
            presence: Presence::Live,
            sync_key: None,
        },
        (Some(_), Expect::New) => return Err(AppError::Exists),
        (None, Expect::Rev(_)) => return Err(AppError::Missing),
        (Some(record), Expect::Rev(rev)) if record.rev != rev => {
            return Err(AppError::Moved { now: record.rev });
        }
        (Some(record), Expect::Rev(_)) => record.clone(),
    };
    for (name, value) in &change.fields {
        let was = record.fields.get(name).unwrap_or(&Value::Null);
        if was != value {
            record.changed_at.insert(name.clone(), change.at);
            match &change.by {
                Author::Person(person) => record.typed_by.insert(name.clone(), person.clone()),
                Author::Run(_) => record.typed_by.remove(name),
            };
        }
        if value.is_null() {
            record.fields.remove(name);
        } else {
            record.fields.insert(name.clone(), value.clone());
        }
    }
    record.rev += 1;
    record.presence = change.presence;
    record.updated_at = change.at;
    record.changed_by = by;
    if change.sync_key.is_some() {
        record.sync_key.clone_from(&change.sync_key);
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn change(expect: Expect, text: &str, second: i64) -> Change {
        Change {
            table: "people".into(),
            id: "1".into(),
            expect,
            fields: [("name".into(), Value::text(text))].into(),
            presence: Presence::Live,
            sync_key: None,
            by: Author::Person("jo".into()),
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn a_change_is_based_on_a_revision() {
        let one = changed(None, &change(Expect::New, "a", 1)).unwrap();
        assert_eq!(one.rev, 1);
        let two = changed(Some(&one), &change(Expect::Rev(1), "b", 2)).unwrap();
        assert_eq!((two.rev, &two.fields["name"]), (2, &"b".into()));
        let stale = changed(Some(&two), &change(Expect::Rev(1), "c", 3));
        assert!(matches!(stale, Err(AppError::Moved { now: 2 })));
        assert!(matches!(
            changed(Some(&two), &change(Expect::New, "c", 3)),
            Err(AppError::Exists)
        ));
        assert!(matches!(
            changed(None, &change(Expect::Rev(1), "c", 3)),
            Err(AppError::Missing)
        ));
    }

    #[test]
    fn a_field_knows_its_person_until_a_run_writes_it() {
        let one = changed(None, &change(Expect::New, "a", 1)).unwrap();
        assert_eq!(one.typed_by["name"], "jo");
        let mut run = change(Expect::Rev(1), "a", 2);
        run.by = Author::Run(crate::domain::id::RunId(4));
        let same = changed(Some(&one), &run).unwrap();
        assert_eq!(same.typed_by["name"], "jo", "the value did not change");
        run.fields = [("name".into(), Value::text("b"))].into();
        let other = changed(Some(&one), &run).unwrap();
        assert!(other.typed_by.is_empty());
    }

    #[test]
    fn times_of_fields_move_with_their_values_only() {
        let one = changed(None, &change(Expect::New, "a", 1)).unwrap();
        let same = changed(Some(&one), &change(Expect::Rev(1), "a", 9)).unwrap();
        assert_eq!(same.changed_at["name"], Timestamp::from_second(1).unwrap());
        let gone = changed(Some(&one), &change(Expect::Rev(1), "", 9)).unwrap();
        assert_eq!(gone.changed_at["name"], Timestamp::from_second(9).unwrap());
        assert!(!gone.fields.contains_key("name"));
    }
}
