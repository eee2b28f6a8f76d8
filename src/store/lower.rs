//! A batch in terms of the database: values, their chunks, and what an old value leaves.
//!
//! Writes nothing by itself. Invariant: a value that gets shorter takes the chunks beyond it along
//! in the same batch.

use super::batch::Write;
use super::disk::Disk;
use super::{StoreError, Writes, table};

/// What is left where a value was removed.
#[derive(Clone, Copy)]
pub(super) enum Removal {
    /// Nothing.
    Forget,
    /// An empty value, which no sealed one is: it covers what is under it.
    Cover,
}

/// A batch in terms of the database.
#[derive(Default)]
pub(super) struct Lowered {
    pub(super) batch: sled::Batch,
    pub(super) writes: usize,
    pub(super) bytes: usize,
    pub(super) chunked: Vec<u8>,
    pub(super) names: Vec<(u8, &'static str)>,
    /// The keys, for a walk that wants them.
    pub(super) changed: Option<Vec<Vec<u8>>>,
}

impl Lowered {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.change(&key);
        self.writes += 1;
        self.bytes += key.len() + value.len();
        self.batch.insert(key, value);
    }

    fn change(&mut self, key: &[u8]) {
        if let Some(changed) = &mut self.changed {
            changed.push(key.to_vec());
        }
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.change(&key);
        self.writes += 1;
        self.bytes += key.len();
        self.batch.remove(key);
    }

    /// Adds one write, its chunks, and the removal of chunks that the old value had beyond them.
    pub(super) fn lower(
        &mut self,
        disk: &Disk,
        state: &Writes,
        place: Vec<u8>,
        write: Write,
        removal: Removal,
    ) -> Result<(), StoreError> {
        let (prefix, key) = match place.split_first() {
            Some((prefix, key)) => (*prefix, key.to_vec()),
            None => return Ok(()),
        };
        let mut index = 0;
        match write {
            Write::Put(sealed) => {
                self.put(place, sealed.head);
                for chunk in sealed.chunks {
                    self.put(table::chunk_key(prefix, &key, index), chunk);
                    self.chunked.push(prefix);
                    index += 1;
                }
            }
            Write::Delete => match removal {
                Removal::Forget => self.remove(place),
                Removal::Cover => self.put(place, Vec::new()),
            },
        }
        if !state.chunked.contains(&prefix) {
            return Ok(());
        }
        loop {
            let old = table::chunk_key(prefix, &key, index);
            let there = disk
                .db
                .contains_key(&old)
                .map_err(|e| StoreError::sled("reading the store", &e))?;
            if !there {
                return Ok(());
            }
            self.remove(old);
            index += 1;
        }
    }
}
