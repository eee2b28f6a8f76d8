//! Walking a table in key order, from either end.
//!
//! A value that does not open is one `Err` item, and the walk goes on. A scan is not a snapshot:
//! it sees each record as it is when it gets there.

use super::disk::Disk;
use super::{Store, StoreError, Table};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// Records of a table: `(key without the table byte, value)`.
pub struct Scan<V> {
    table: Table<V>,
    raw: Raw,
}

/// Keys of a table, without opening the values.
pub struct Keys {
    raw: Raw,
}

/// The walk over the database. Fields in drop order: sled first, our lock file last.
pub(super) struct Raw {
    walk: Result<(sled::Iter, Arc<Disk>), Option<StoreError>>,
    store: Store,
}

type RawItem = Result<(Vec<u8>, sled::IVec), StoreError>;

impl Raw {
    pub(super) fn new(store: &Store, from: Vec<u8>, to: Vec<u8>) -> Self {
        let walk = store
            .disk()
            .map(|disk| (disk.db.range(from..to), disk))
            .map_err(Some);
        Self {
            walk,
            store: store.clone(),
        }
    }

    fn step(
        &mut self,
        next: impl Fn(&mut sled::Iter) -> Option<sled::Result<(sled::IVec, sled::IVec)>>,
    ) -> Option<RawItem> {
        let found = match &mut self.walk {
            Ok((iter, _)) => next(iter)?,
            Err(error) => return error.take().map(Err),
        };
        match found {
            Ok((key, value)) => Some(Ok((key.get(1..).unwrap_or_default().to_vec(), value))),
            Err(e) => {
                // sled stays at the spot that it cannot read: the walk ends here.
                self.walk = Err(None);
                Some(Err(StoreError::sled("reading the store", &e)))
            }
        }
    }
}

impl<V> Scan<V> {
    pub(super) fn new(table: &Table<V>, raw: Raw) -> Self {
        Self { table: *table, raw }
    }
}

impl<V: DeserializeOwned> Scan<V> {
    fn open(&self, item: RawItem) -> Option<Result<(Vec<u8>, V), StoreError>> {
        let (key, head) = match item {
            Ok(found) => found,
            Err(e) => return Some(Err(e)),
        };
        match self.raw.store.open_value(&self.table, &key, head) {
            Ok(Some(value)) => Some(Ok((key, value))),
            Ok(None) => None,
            Err(e) => Some(Err(e)),
        }
    }
}

impl<V: DeserializeOwned> Iterator for Scan<V> {
    type Item = Result<(Vec<u8>, V), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let item = self.raw.step(Iterator::next)?;
            if let Some(opened) = self.open(item) {
                return Some(opened);
            }
        }
    }
}

impl<V: DeserializeOwned> DoubleEndedIterator for Scan<V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let item = self.raw.step(DoubleEndedIterator::next_back)?;
            if let Some(opened) = self.open(item) {
                return Some(opened);
            }
        }
    }
}

impl Keys {
    pub(super) fn new(raw: Raw) -> Self {
        Self { raw }
    }
}

impl Iterator for Keys {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.raw.step(Iterator::next)?;
        Some(item.map(|(key, _)| key))
    }
}

impl DoubleEndedIterator for Keys {
    fn next_back(&mut self) -> Option<Self::Item> {
        let item = self.raw.step(DoubleEndedIterator::next_back)?;
        Some(item.map(|(key, _)| key))
    }
}

impl<V> fmt::Debug for Scan<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scan({:?})", self.table)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}
