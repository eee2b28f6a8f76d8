//! Walking a table in key order, from either end.
//!
//! A value that does not open is one `Err` item, and the walk goes on. A scan is not a snapshot:
//! it sees each record as it is when it gets there.

use super::disk::Disk;
use super::rows::Rows;
use super::{Store, StoreError, Table};
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::Range;
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

/// The walk over the database, and over those under it where it is a layer: of a key that several
/// have, the upper one counts. Fields in drop order: sled first, our lock file last.
pub(super) struct Raw {
    walks: Vec<Walk>,
    store: Store,
}

type RawItem = Result<(Vec<u8>, sled::IVec), StoreError>;

/// One database of a walk, with what was read of it and not given on.
pub(super) struct Walk {
    iter: Result<(Rows, Arc<Disk>), Option<StoreError>>,
    front: Option<RawItem>,
    back: Option<RawItem>,
}

/// From where a walk goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl Walk {
    pub(super) fn new(store: &Store, range: Range<Vec<u8>>) -> Self {
        let iter = store.disk().map(|disk| (Rows::new(&disk, range), disk));
        Self {
            iter: iter.map_err(Some),
            front: None,
            back: None,
        }
    }

    fn step(&mut self, end: End) -> Option<RawItem> {
        let found = match &mut self.iter {
            Ok((iter, _)) if end == End::Front => iter.next()?,
            Ok((iter, _)) => iter.next_back()?,
            Err(error) => return error.take().map(Err),
        };
        match found {
            Ok((key, value)) => Some(Ok((key.get(1..).unwrap_or_default().to_vec(), value))),
            Err(e) => {
                // sled stays at the spot that it cannot read: the walk ends here.
                self.iter = Err(None);
                Some(Err(StoreError::sled("reading the store", &e)))
            }
        }
    }

    /// What comes next from an end; perhaps it was looked at from the other one already.
    fn peek(&mut self, end: End) -> Option<&RawItem> {
        let mut next = self.take(end);
        let kept = match end {
            End::Front => &mut self.front,
            End::Back => &mut self.back,
        };
        *kept = next.take();
        kept.as_ref()
    }

    fn take(&mut self, end: End) -> Option<RawItem> {
        let kept = match end {
            End::Front => self.front.take(),
            End::Back => self.back.take(),
        };
        let next = kept.or_else(|| self.step(end));
        next.or_else(|| match end {
            End::Front => self.back.take(),
            End::Back => self.front.take(),
        })
    }
}

impl Raw {
    pub(super) fn new(store: &Store, from: Vec<u8>, to: Vec<u8>) -> Self {
        let mut walks = Vec::new();
        let mut at = Some(store);
        while let Some(store) = at {
            walks.push(Walk::new(store, from.clone()..to.clone()));
            at = store.under();
        }
        Self::of(store, walks)
    }

    pub(super) fn of(store: &Store, walks: Vec<Walk>) -> Self {
        Self {
            walks,
            store: store.clone(),
        }
    }

    fn step(&mut self, end: End) -> Option<RawItem> {
        loop {
            let item = match self.walks.as_mut_slice() {
                [only] => only.step(end)?,
                _ => self.merged(end)?,
            };
            if !matches!(&item, Ok((_, value)) if value.is_empty()) {
                return Some(item);
            }
            // Removed here; what is under it does not count.
        }
    }

    fn merged(&mut self, end: End) -> Option<RawItem> {
        let mut next: Option<(usize, Vec<u8>)> = None;
        for (at, walk) in self.walks.iter_mut().enumerate() {
            match walk.peek(end) {
                Some(Ok((key, _))) => {
                    let sooner = next.as_ref().is_none_or(|(_, best)| match end {
                        End::Front => key < best,
                        End::Back => key > best,
                    });
                    if sooner {
                        next = Some((at, key.clone()));
                    }
                }
                Some(Err(_)) => return walk.take(end),
                None => {}
            }
        }
        let (first, key) = next?;
        for walk in self.walks.iter_mut().skip(first + 1) {
            if matches!(walk.peek(end), Some(Ok((same, _))) if *same == key) {
                walk.take(end);
            }
        }
        self.walks.get_mut(first)?.take(end)
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
            let item = self.raw.step(End::Front)?;
            if let Some(opened) = self.open(item) {
                return Some(opened);
            }
        }
    }
}

impl<V: DeserializeOwned> DoubleEndedIterator for Scan<V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let item = self.raw.step(End::Back)?;
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
        let item = self.raw.step(End::Front)?;
        Some(item.map(|(key, _)| key))
    }
}

impl DoubleEndedIterator for Keys {
    fn next_back(&mut self) -> Option<Self::Item> {
        let item = self.raw.step(End::Back)?;
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
