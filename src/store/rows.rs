//! Reading the database without filling the memory.
//!
//! sled's cache looks at its size only after 64 looks at pages of one of its 256 parts. Who looks
//! at each page once has up to 16,384 pages more in memory than the cache may hold: with records of
//! 2.5 KB and a cache of 64 MiB a walk took 354 MiB, and 124 MiB this way; reading them one by one
//! took 228 MiB, and 116 MiB this way. Invariant: what is given is what sled's own would.

use super::disk::Disk;

/// Bytes passed between two looks at the page that the walk is at.
const LOOK_EVERY: usize = 2 * 1024;

/// Looks at the page of a value that was read by its key, besides the first.
const LOOKS: usize = 3;
/// Bytes of a value from which on they are worth it: pages of small ones are small.
const LARGE: usize = 512;

type Row = sled::Result<(sled::IVec, sled::IVec)>;

/// The value at a database key.
pub(super) fn get(disk: &Disk, key: &[u8]) -> sled::Result<Option<sled::IVec>> {
    let found = disk.db.get(key)?;
    if found.as_ref().is_some_and(|value| value.len() >= LARGE) {
        for _ in 0..LOOKS {
            disk.db.contains_key(key)?;
        }
    }
    Ok(found)
}

/// Keys and values of a range, from either end.
pub(super) struct Rows {
    iter: sled::Iter,
    db: sled::Tree,
    passed: usize,
}

impl Rows {
    /// Of a range of database keys.
    pub(super) fn new(disk: &Disk, range: impl std::ops::RangeBounds<Vec<u8>>) -> Self {
        Self {
            iter: disk.db.range::<Vec<u8>, _>(range),
            db: sled::Tree::clone(&disk.db),
            passed: 0,
        }
    }

    fn looked(&mut self, row: Row) -> Row {
        let (key, value) = row?;
        self.passed += key.len() + value.len();
        if self.passed >= LOOK_EVERY {
            self.passed = 0;
            self.db.contains_key(&key)?;
        }
        Ok((key, value))
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let row = self.iter.next()?;
        Some(self.looked(row))
    }
}

impl DoubleEndedIterator for Rows {
    fn next_back(&mut self) -> Option<Row> {
        let row = self.iter.next_back()?;
        Some(self.looked(row))
    }
}
