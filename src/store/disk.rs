//! The sled database and the second handle that makes it durable.
//!
//! Invariant: nothing is called durable before [`Disk::make_durable`] has returned. sled's own
//! flush uses `sync_file_range`, which does not make a grown file survive a power loss; the fsync
//! on a second handle does. Segments are 8 MiB so that values never leave the log for blob files.

use super::StoreError;
use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

/// Size of a log segment. It cannot be changed for an existing store.
pub(super) const SEGMENT: u64 = 8 * 1024 * 1024;

/// An open database.
pub(super) struct Disk {
    pub(super) db: sled::Db,
    file: File,
}

impl Disk {
    /// Opens or creates the database in `data`. A panic of sled on damaged files becomes
    /// [`StoreError::Damaged`]; nothing is deleted or truncated by us.
    pub(super) fn open(data: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let io = |e: io::Error| StoreError::io("opening the store", &e);
        let fresh = !data.join("db").exists();
        fs::create_dir_all(data).map_err(io)?;
        let db = open_patiently(data, cache_bytes)?;
        let file = File::options()
            .read(true)
            .write(true)
            .open(data.join("db"))
            .map_err(io)?;
        if fresh {
            for path in [data.join("conf"), data.join("blobs"), data.to_owned()] {
                sync_path(&path).map_err(io)?;
            }
            if let Some(parent) = data.parent() {
                sync_path(parent).map_err(io)?;
            }
        }
        Ok(Self { db, file })
    }

    /// Returns when everything applied so far would survive a power loss.
    pub(super) fn make_durable(&self) -> Result<(), StoreError> {
        self.db
            .flush()
            .map_err(|e| StoreError::sled("flushing the store", &e))?;
        self.file
            .sync_all()
            .map_err(|e| StoreError::io("syncing the store", &e))
    }

    /// Closes the database and waits until sled's threads have let go of its files, so that the
    /// directory can be renamed.
    pub(super) fn close(self) -> Result<(), StoreError> {
        let Self { db, file } = self;
        drop(db);
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(e)) => return Err(StoreError::io("closing the store", &e)),
            }
        }
        Err(StoreError::Io {
            what: "closing the store",
            detail: "its files are still in use".to_owned(),
        })
    }
}

/// How often, and how long apart, a file is tried that sled is about to let go of.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// sled lets go of its file a moment after the last handle is dropped. Our own lock file has
/// settled already that no other process is in, so a busy file is waited for.
fn open_patiently(data: &Path, cache_bytes: u64) -> Result<sled::Db, StoreError> {
    for attempt in 1.. {
        match open_sled(data, cache_bytes)? {
            Ok(db) => return Ok(db),
            Err(sled::Error::Io(e))
                if attempt < TRIES && e.to_string().starts_with("could not acquire lock") =>
            {
                std::thread::sleep(PAUSE);
            }
            Err(e) => return Err(StoreError::sled("opening the store", &e)),
        }
    }
    Err(StoreError::Damaged {
        detail: "the database file stays locked".to_owned(),
    })
}

/// What sled is told of the memory that its pages may take, for a store that may take so many bytes
/// and whose database file is so large.
///
/// Two segments are buffers of the log, and sled notes of every page where it is, which cannot be
/// given back and takes about a 64th of the file (72 MiB were measured for 400,000 pages in 4.2 GiB).
/// sled cannot be told again later, and a first import makes the file that large: so much is left
/// for it also where the file is small. The rest is for pages, half of all in any case. Of a page
/// sled counts the bytes as they are on disk; read in, with a pointer and a counter for each key and
/// value, pages of long values were measured to take 1.1 times as much, pages of short ones, such as
/// an index, 2 to 2.5 times, and while one kind drives out the other, as in a backup, close to 4
/// times with the holes between them.
pub fn cache_capacity(bytes: u64, file: u64) -> u64 {
    let beside = 2 * SEGMENT + file.max(GROWN) / 64;
    bytes.saturating_sub(beside).max(bytes / 2) / 4
}

/// What the database file of 1,000,000 records takes after their first import.
const GROWN: u64 = 9 << 29;

fn open_sled(data: &Path, cache_bytes: u64) -> Result<sled::Result<sled::Db>, StoreError> {
    let file = match fs::metadata(data.join("db")) {
        Ok(file) => file.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(e) => return Err(StoreError::io("opening the store", &e)),
    };
    let config = sled::Config::new()
        .path(data)
        .segment_size(usize::try_from(SEGMENT).unwrap_or(usize::MAX))
        .cache_capacity(cache_capacity(cache_bytes, file))
        .flush_every_ms(Some(500));
    catch_unwind(AssertUnwindSafe(|| config.open())).map_err(|panic| StoreError::Damaged {
        detail: panic_text(panic.as_ref()),
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the log cannot be read");
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect()
}

/// Makes a file's content, or a directory's list of names, durable.
pub(super) fn sync_path(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Copies a database directory (files and one level of folders) to a place that is not there yet.
pub(super) fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_leaves_less_for_pages_but_never_less_than_half() {
        const MIB: u64 = 1024 * 1024;
        let pages = |bytes, file| (cache_capacity(bytes * MIB, file * MIB) * 4).div_ceil(MIB);
        assert_eq!(pages(1_024, 9_216), 864);
        assert_eq!(pages(1_024, 4_608), 936);
        assert_eq!(pages(1_024, 0), 936);
        assert_eq!(pages(192, 0), 104);
        assert_eq!(pages(192, 9_216), 96);
        assert_eq!(pages(16, 65_536), 8);
    }
}
