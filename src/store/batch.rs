//! Writes that belong together.
//!
//! A batch seals each value when it is put, outside the write lock. It knows nothing of what is
//! in the store; [`super::Store::commit`] adds the removal of chunks that an old value left.

use super::table::{self, Sealed, TableId};
use super::{Sealer, StoreError, Table};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Collected writes; a later one to the same key replaces the earlier one.
pub struct Batch {
    sealer: Arc<dyn Sealer>,
    pub(super) writes: BTreeMap<Vec<u8>, Write>,
    pub(super) tables: BTreeMap<u8, &'static str>,
    pub(super) failed: Option<StoreError>,
    pub(super) put_back_is_dealt_with: bool,
}

pub(super) enum Write {
    Put(Sealed),
    Delete,
}

impl Batch {
    pub(super) fn new(sealer: Arc<dyn Sealer>) -> Self {
        Self {
            sealer,
            writes: BTreeMap::new(),
            tables: BTreeMap::new(),
            failed: None,
            put_back_is_dealt_with: false,
        }
    }

    /// Sets the value at a key. A value that cannot be encoded fails the commit.
    pub fn put<V: Serialize>(&mut self, t: &Table<V>, key: &[u8], value: &V) {
        match table::encode(&t.id, key, value, self.sealer.as_ref()) {
            Ok(sealed) => self.add(t.id, key, Write::Put(sealed)),
            Err(error) => self.fail(error),
        }
    }

    /// Removes the value at a key, if there is one.
    pub fn delete<V>(&mut self, t: &Table<V>, key: &[u8]) {
        self.add(t.id, key, Write::Delete);
    }

    /// From this batch on the store no longer says that it was put back: see
    /// [`super::Store::was_put_back`].
    pub fn deal_with_put_back(&mut self) {
        self.put_back_is_dealt_with = true;
    }

    /// Whether it writes this key: puts a value there, or removes it.
    pub fn writes<V>(&self, t: &Table<V>, key: &[u8]) -> bool {
        self.writes
            .contains_key(&table::record_key(t.id.prefix, key))
    }

    /// How many keys are written.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && !self.put_back_is_dealt_with
    }

    fn add(&mut self, id: TableId, key: &[u8], write: Write) {
        let first = *self.tables.entry(id.prefix).or_insert(id.name);
        if first != id.name {
            self.fail(StoreError::PrefixTaken {
                first: first.to_owned(),
                second: id.name.to_owned(),
            });
        }
        self.writes.insert(table::record_key(id.prefix, key), write);
    }

    fn fail(&mut self, error: StoreError) {
        self.failed.get_or_insert(error);
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} writes)", self.writes.len())
    }
}
