//! All records as they are at one moment, read piece by piece while writes go on.
//!
//! The walk goes through the keys in order. A batch that changes a key the walk has not come to
//! leaves the old value here first, under the writers' lock; the walk gives that one on instead of
//! what it finds. So writers wait for no reading, and a piece only takes their lock to compare
//! keys. It knows neither seals nor files. Invariants: what is given on, all together, is the state
//! right after one batch; memory is bounded, and when writers have outrun the walk by that much,
//! they wait for its next piece.

use super::disk::Disk;
use super::rows::{self, Rows};
use super::table::META;
use super::{Inner, StoreError, lock};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of records in a piece.
const PIECE: usize = 256 * 1024;
/// Bytes of what writers leave for the walk.
const MOST: usize = 16 * 1024 * 1024;
/// What a key takes in a tree of keys, besides itself.
const KEY: usize = 64;

/// A database key and its sealed value.
pub(super) type Record = (sled::IVec, sled::IVec);

/// Where writers and the walk meet. There is one walk at a time.
#[derive(Default)]
pub(super) struct Meeting {
    before: Mutex<Option<Before>>,
    /// The walk has given a piece on, or has ended.
    gone_on: Condvar,
    /// Held by the walk.
    turn: Mutex<()>,
}

/// What writers left for the walk.
#[derive(Default)]
struct Before {
    /// Keys below have been passed.
    reached: sled::IVec,
    /// Values as they were; none where there was none.
    old: BTreeMap<sled::IVec, Option<sled::IVec>>,
    /// Keys from `reached` on of which the old value was given on.
    given: BTreeSet<sled::IVec>,
    bytes: usize,
}

impl Before {
    /// Whether the old value of a key is still to be kept.
    fn wants(&self, key: &[u8]) -> bool {
        *key >= *self.reached && !self.old.contains_key(key) && !self.given.contains(key)
    }

    fn keep(&mut self, key: &[u8], old: Option<sled::IVec>) {
        self.bytes += KEY + key.len() + old.as_ref().map_or(0, |old| old.len());
        self.old.insert(key.into(), old);
    }

    /// Takes what was read up to `next`; gives that and what was kept, as it all was.
    fn pass(&mut self, mut read: Vec<Record>, next: &[u8]) -> Vec<Record> {
        read.retain(|(key, _)| !self.old.contains_key(key) && !self.given.contains(key));
        for (key, old) in std::mem::take(&mut self.old) {
            self.bytes -= old.as_ref().map_or(0, |old| old.len());
            self.given.insert(key.clone());
            read.extend(old.map(|old| (key, old)));
        }
        while self.given.first().is_some_and(|first| **first < *next) {
            let passed = self.given.pop_first().map_or(0, |key| KEY + key.len());
            self.bytes -= passed;
        }
        self.reached = next.into();
        read
    }
}

impl Meeting {
    /// Keeps the old values of keys that a batch is about to change. The caller holds the writers'
    /// lock from here until the batch is applied.
    pub(super) fn keep(&self, disk: &Disk, keys: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut before = lock(&self.before);
        let Some(before) = before.as_mut() else {
            return Ok(());
        };
        for key in keys {
            if before.wants(key) {
                let old = rows::get(disk, key);
                before.keep(
                    key,
                    old.map_err(|e| StoreError::sled("reading the store", &e))?,
                );
            }
        }
        Ok(())
    }

    /// Whether there is a walk that wants the keys of batches.
    pub(super) fn is_walked(&self) -> bool {
        lock(&self.before).is_some()
    }

    /// Waits, before a batch, while the walk has too much to catch up with.
    pub(super) fn wait_for_room(&self) {
        let full = |before: &mut Option<Before>| before.as_ref().is_some_and(|b| b.bytes >= MOST);
        drop(
            self.gone_on
                .wait_while(lock(&self.before), full)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// A walk over all records as they were when it began. Dropped, writers keep nothing more for it.
pub(super) struct Walk<'a> {
    meeting: &'a Meeting,
    rows: Rows,
    /// The first row of the next piece.
    next: Option<Record>,
    ended: bool,
    _disk: Arc<Disk>,
    _turn: MutexGuard<'a, ()>,
}

impl<'a> Walk<'a> {
    /// Begins. Waits for another walk, and for a batch that is being written. `note` is taken at
    /// the moment that the walk is of.
    pub(super) fn begin<T>(
        inner: &'a Inner,
        disk: Arc<Disk>,
        note: impl FnOnce(&super::Writes) -> T,
    ) -> (Self, T) {
        let meeting = &inner.meeting;
        let turn = lock(&meeting.turn);
        let state = lock(&inner.writes);
        let first = vec![META + 1];
        *lock(&meeting.before) = Some(Before {
            reached: first.as_slice().into(),
            ..Before::default()
        });
        let note = note(&state);
        drop(state);
        let walk = Self {
            meeting,
            rows: Rows::new(&disk, first..),
            next: None,
            ended: false,
            _disk: disk,
            _turn: turn,
        };
        (walk, note)
    }

    /// The next piece, in no order; none at the end.
    pub(super) fn piece(&mut self, inner: &Inner) -> Result<Option<Vec<Record>>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let mut read: Vec<Record> = self.next.take().into_iter().collect();
        let mut bytes = 0;
        for row in self.rows.by_ref() {
            let row = row.map_err(|e| StoreError::sled("reading the store", &e))?;
            if bytes >= PIECE {
                self.next = Some(row);
                break;
            }
            bytes += row.0.len() + row.1.len();
            read.push(row);
        }
        self.ended = self.next.is_none();
        // No batch is half applied now: each has left what it changed, or has changed nothing.
        let writers = lock(&inner.writes);
        let mut before = lock(&self.meeting.before);
        let piece = match (before.as_mut(), &self.next) {
            (Some(before), Some((next, _))) => before.pass(read, next),
            (Some(last), None) => {
                let piece = last.pass(read, &[]);
                *before = None;
                piece
            }
            (None, _) => read,
        };
        drop((before, writers));
        self.meeting.gone_on.notify_all();
        Ok(Some(piece))
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        *lock(&self.meeting.before) = None;
        self.meeting.gone_on.notify_all();
    }
}
