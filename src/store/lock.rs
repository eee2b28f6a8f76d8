//! The lock file beside the data: one process per store, and a message that says which.
//!
//! The lock is the operating system's (it goes when the process dies); the text in the file only
//! serves the message. The time a holder took it is the file's modification time.

use super::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Held while the store is open.
#[derive(Debug)]
pub(super) struct LockFile {
    held: File,
}

impl Drop for LockFile {
    /// Lets go by name, not by closing: a child process that is just being started holds a copy
    /// of every handle until it runs its own program, and would keep the lock that long.
    fn drop(&mut self) {
        if let Err(e) = self.held.unlock() {
            tracing::warn!(error = %e, "the lock of the store goes when the process ends");
        }
    }
}

impl LockFile {
    /// Takes the lock, or says who has it.
    pub(super) fn take(path: &Path, purpose: &str) -> Result<Self, StoreError> {
        let io = |e: std::io::Error| StoreError::io("locking the store", &e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&mut file)),
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        let what = purpose.replace(char::is_control, " ");
        write!(file, "{}\n{what}\n", std::process::id()).map_err(io)?;
        Ok(Self { held: file })
    }
}

fn in_use(file: &mut File) -> StoreError {
    let mut text = String::new();
    // What cannot be read is reported as not known: the refusal itself is certain.
    let read = Read::by_ref(file)
        .take(4096)
        .read_to_string(&mut text)
        .is_ok();
    let mut lines = text.lines().filter(|_| read);
    let pid = lines.next().and_then(|line| line.parse().ok());
    let what = lines.next().unwrap_or("another process").to_owned();
    let since = file
        .metadata()
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|time| jiff::Timestamp::try_from(time).ok())
        .map_or_else(
            || "a time not known".to_owned(),
            |time| format!("{time:.0}"),
        );
    StoreError::InUse { pid, since, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_handle_in_another_process_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = LockFile::take(&path, "the first").unwrap();
        let copy = lock.held.try_clone().unwrap();
        assert!(matches!(
            LockFile::take(&path, "the second"),
            Err(StoreError::InUse { .. })
        ));
        drop(lock);
        LockFile::take(&path, "the third").unwrap();
        drop(copy);
    }
}
