//! The mark: how far the store had got, kept outside the database.
//!
//! sled takes a damaged spot in its log for the log's end and opens with what lies before it, so
//! a flipped byte would silently take back everything later. Every batch therefore carries the
//! next number of a sequence, and after each durable point that number is written to the file
//! `mark`. A database that opens with a smaller number has lost acknowledged writes, a database
//! without any, beside a mark, is not a new one, and one that has a number and no mark was put here
//! from elsewhere.
//!
//! Invariant: the mark is never ahead of what is durable (it is written afterwards, and needs no
//! fsync of its own: after a power loss it may be behind, and only notices less; only that it exists
//! is durable).

use super::StoreError;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// The mark file of a store.
pub(super) struct Mark {
    path: PathBuf,
}

impl Mark {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Whether a store was made here before.
    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Notes that everything up to `sequence` is durable.
    pub(super) fn set(&self, sequence: u64) -> Result<(), StoreError> {
        let number = sequence.to_be_bytes();
        let write = || {
            let is_new = !self.exists();
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path)?;
            file.write_all_at([number, number].as_flattened(), 0)?;
            // A store without its mark counts as put back.
            match self.path.parent().filter(|_| is_new) {
                Some(dir) => super::disk::sync_path(dir),
                None => Ok(()),
            }
        };
        write().map_err(|e| StoreError::io("writing the mark of the store", &e))
    }

    /// Refuses a database that has only got as far as `sequence`, if it had got further.
    pub(super) fn check(&self, sequence: u64) -> Result<(), StoreError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(StoreError::io("reading the mark of the store", &e)),
        };
        let number = |at| {
            bytes
                .get(at..at + 8)?
                .try_into()
                .ok()
                .map(u64::from_be_bytes)
        };
        match (number(0), number(8)) {
            (Some(a), Some(b)) if a == b => match a.checked_sub(sequence) {
                None | Some(0) => Ok(()),
                Some(missing) => Err(StoreError::Lost { missing }),
            },
            _ => {
                tracing::warn!("the mark of the store is damaged and cannot be compared");
                Ok(())
            }
        }
    }

    /// Forgets how far the store had got, before another database takes its place.
    pub(super) fn remove(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("removing the mark of the store", &e))
            }
            _ => Ok(()),
        }
    }
}
