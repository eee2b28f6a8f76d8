//! Opening: options, the store's own notes (format, key check, table names), and salvage.
//!
//! Notes live under the prefix 0x00. All are sealed but two numbers that are no secret, the format,
//! which must be readable before anything else is, and the sequence of [`super::mark`], and the
//! note that the store was put back. That one is durable before the mark is, so that it is not lost.

use super::disk::{self, Disk, SEGMENT};
use super::lock::LockFile;
use super::mark::Mark;
use super::snapshot::Meeting;
use super::table::{CHUNKS, META};
use super::{Health, Inner, Schema, Sealer, Store, StoreError, Writes, migrate};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

const NOTES: &str = "meta";
const FORMAT: &[u8] = b"\0format";
const SEQUENCE: &[u8] = b"\0sequence";
const CHECK: &[u8] = b"\0check";
const PUT_BACK: &[u8] = b"\0put_back";
const CHECK_TEXT: &[u8] = b"syncdeck store";

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Directory of the store: holds `data/`, `lock`, `backups/`, and `draft/` for a layer.
    pub dir: PathBuf,
    /// What this process is doing, for the message that another one shows.
    pub purpose: String,
    /// Memory that pages of sled may take; 96 MiB unless set.
    pub cache_bytes: u64,
    /// The format that the caller's tables have, and how to get there.
    pub schema: Schema,
    /// Watches and disturbs writes in tests.
    pub hook: Option<Arc<dyn SyncHook>>,
}

impl Options {
    /// Defaults for a directory.
    pub fn new(dir: impl Into<PathBuf>, purpose: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            purpose: purpose.into(),
            cache_bytes: 96 * 1024 * 1024,
            schema: Schema::FIRST,
            hook: None,
        }
    }

    /// Where automatic backups go.
    pub fn backups(&self) -> PathBuf {
        self.dir.join("backups")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn lock(&self) -> Result<LockFile, StoreError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(|e| StoreError::io("creating the directory of the store", &e))?;
        LockFile::take(&self.dir.join("lock"), &self.purpose)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark::at(self.dir.join("mark"))
    }

    pub(super) fn hook(&self, ask: fn(&dyn SyncHook) -> io::Result<()>) -> io::Result<()> {
        self.hook.as_deref().map_or(Ok(()), ask)
    }

    /// Writes and removes a file as large as the next piece that the database will ask for.
    pub(super) fn try_disk(&self) -> Result<(), StoreError> {
        let path = self.dir.join("probe");
        let tried = self.hook(|h| h.before_apply()).and_then(|()| {
            self.hook(|h| h.before_sync())?;
            let mut file = File::create(&path)?;
            io::copy(&mut io::Read::take(io::repeat(0), SEGMENT), &mut file)?;
            file.flush()?;
            file.sync_all()
        });
        let removed = match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        tried
            .and(removed)
            .map_err(|e| StoreError::io("trying the disk", &e))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("dir", &self.dir)
            .field("purpose", &self.purpose)
            .field("cache_bytes", &self.cache_bytes)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// Sees every write and sync before it happens, and may make it fail: for tests of full disks
/// and for counting.
pub trait SyncHook: Send + Sync {
    /// Before a batch is applied.
    fn before_apply(&self) -> io::Result<()> {
        Ok(())
    }
    /// Before a flush and fsync.
    fn before_sync(&self) -> io::Result<()> {
        Ok(())
    }
    /// After a flush and fsync that worked.
    fn synced(&self) {}
}

impl Store {
    /// Opens the store, or creates it. An older one is brought to the current format after an
    /// automatic backup; a newer one is refused. Can take seconds after a crash.
    pub fn open(options: &Options, sealer: Arc<dyn Sealer>) -> Result<Self, StoreError> {
        let lock = options.lock()?;
        let disk = Disk::open(&options.data(), options.cache_bytes)?;
        let format = match read_format(&disk)? {
            Some(format) => format,
            None if options.mark().exists() => return Err(no_notes()),
            None => {
                found(&disk, options.schema.format, sealer.as_ref())?;
                options.schema.format
            }
        };
        options.schema.accepts(format)?;
        check_key(&disk, sealer.as_ref())?;
        let sequence = read_sequence(&disk)?;
        match options.mark().exists() {
            true => options.mark().check(sequence)?,
            // It was written before, and somebody put it here.
            false if sequence > 0 => note_put_back(&disk)?,
            false => {}
        }
        options.mark().set(sequence)?;
        let store = Self::build(options.clone(), sealer, disk, lock, Health::Good, None)?;
        migrate::run(&store, format)?;
        Ok(store)
    }

    /// Copies a damaged store to `scratch` (which must not exist) and opens the copy for reading,
    /// so that what is left can be looked at and exported. The original is not touched. If the
    /// copy does not open as it is, the snapshot is left out of a fresh copy, and then ever more
    /// of the log's tail; what opens may therefore be older than the original.
    pub fn open_salvage(
        options: &Options,
        sealer: Arc<dyn Sealer>,
        scratch: &Path,
    ) -> Result<Self, StoreError> {
        let io = |e: io::Error| StoreError::io("copying the store", &e);
        let original = options.lock()?;
        fs::create_dir(scratch).map_err(io)?;
        let copy = Options {
            dir: scratch.to_owned(),
            ..options.clone()
        };
        let lock = copy.lock()?;
        let mut last = StoreError::Damaged {
            detail: "there is nothing to read".to_owned(),
        };
        for cut in [None, Some(0), Some(1), Some(2), Some(4), Some(8)] {
            if copy.data().exists() {
                fs::remove_dir_all(copy.data()).map_err(io)?;
            }
            disk::copy_dir(&options.data(), &copy.data()).map_err(io)?;
            if let Some(segments) = cut {
                cut_tail(&copy.data(), segments).map_err(io)?;
            }
            match Self::open_copy(&copy, &sealer) {
                Ok(disk) => {
                    drop(original);
                    return Self::build(copy, sealer, disk, lock, Health::ReadOnly, None);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn open_copy(copy: &Options, sealer: &Arc<dyn Sealer>) -> Result<Disk, StoreError> {
        let disk = Disk::open(&copy.data(), copy.cache_bytes)?;
        let format = read_format(&disk)?.ok_or_else(no_notes)?;
        copy.schema.accepts(format)?;
        check_key(&disk, sealer.as_ref())?;
        Ok(disk)
    }

    pub(super) fn build(
        options: Options,
        sealer: Arc<dyn Sealer>,
        disk: Disk,
        lock: LockFile,
        health: Health,
        under: Option<Store>,
    ) -> Result<Self, StoreError> {
        let writes = Writes {
            sequence: read_sequence(&disk)?,
            chunked: chunked_tables(&disk)?,
            names: table_names(&disk, sealer.as_ref())?,
            ..Writes::default()
        };
        Ok(Self {
            inner: Arc::new(Inner {
                disk: RwLock::new(Some(Arc::new(disk))),
                writes: Mutex::new(writes),
                meeting: Meeting::default(),
                health: Mutex::new(health),
                sealer,
                options,
                under,
                _lock: lock,
            }),
        })
    }
}

/// Shortens a *copy* of the log by whole segments and drops its snapshot, which may point there.
fn cut_tail(copy: &Path, segments: u64) -> io::Result<()> {
    for entry in fs::read_dir(copy)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b"snap.") {
            fs::remove_file(entry.path())?;
        }
    }
    let log = File::options().write(true).open(copy.join("db"))?;
    let length = log.metadata()?.len();
    log.set_len(length.saturating_sub(segments.saturating_mul(SEGMENT)))
}

/// The note that says that the store is a copy of an earlier state, put in the place of a later one.
pub(super) fn put_back_note() -> (Vec<u8>, Vec<u8>) {
    (PUT_BACK.to_vec(), vec![1])
}

fn note_put_back(disk: &Disk) -> Result<(), StoreError> {
    let (key, note) = put_back_note();
    let noted = disk.db.insert(key, note);
    noted.map_err(|e| StoreError::sled("noting that the store was put back", &e))?;
    disk.make_durable()
}

/// Database key of the note that holds a table's name.
pub(super) fn name_key(prefix: u8) -> Vec<u8> {
    vec![META, b't', prefix]
}

/// Seals a note for its key.
pub(super) fn seal_note(sealer: &dyn Sealer, key: &[u8], text: &[u8]) -> Vec<u8> {
    sealer.seal(NOTES, key, text)
}

/// The note that says which format the store has.
pub(super) fn format_note(format: u32) -> (Vec<u8>, Vec<u8>) {
    (FORMAT.to_vec(), format.to_be_bytes().to_vec())
}

/// The notes of a new store.
pub(super) fn first_notes(format: u32, sealer: &dyn Sealer) -> [(Vec<u8>, Vec<u8>); 2] {
    let check = seal_note(sealer, CHECK, CHECK_TEXT);
    [format_note(format), (CHECK.to_vec(), check)]
}

/// Whether the database holds anything but notes.
pub(super) fn holds_records(disk: &Disk) -> Result<bool, StoreError> {
    disk.db
        .range(vec![META + 1]..)
        .next()
        .transpose()
        .map(|found| found.is_some())
        .map_err(|e| StoreError::sled("reading the store", &e))
}

pub(super) fn read_format(disk: &Disk) -> Result<Option<u32>, StoreError> {
    Ok(read_number(disk, FORMAT)?.map(u32::from_be_bytes))
}

/// Whether the store was put back, and nobody has dealt with it yet.
pub(super) fn read_put_back(disk: &Disk) -> Result<bool, StoreError> {
    let note = disk.db.contains_key(PUT_BACK);
    note.map_err(|e| StoreError::sled("reading the store", &e))
}

/// The number of the last batch; 0 before the first.
pub(super) fn read_sequence(disk: &Disk) -> Result<u64, StoreError> {
    Ok(read_number(disk, SEQUENCE)?.map_or(0, u64::from_be_bytes))
}

/// The note that numbers a batch.
pub(super) fn sequence_note(sequence: u64) -> (Vec<u8>, Vec<u8>) {
    (SEQUENCE.to_vec(), sequence.to_be_bytes().to_vec())
}

fn read_number<const N: usize>(disk: &Disk, key: &[u8]) -> Result<Option<[u8; N]>, StoreError> {
    let note = disk
        .db
        .get(key)
        .map_err(|e| StoreError::sled("reading the store", &e))?;
    note.map(|bytes| bytes.as_ref().try_into().map_err(|_| no_notes()))
        .transpose()
}

fn no_notes() -> StoreError {
    StoreError::Damaged {
        detail: "its format note is missing".to_owned(),
    }
}

/// Writes the first notes of a new store.
pub(super) fn found(disk: &Disk, format: u32, sealer: &dyn Sealer) -> Result<(), StoreError> {
    if holds_records(disk)? {
        return Err(no_notes());
    }
    let mut batch = sled::Batch::default();
    for (key, note) in first_notes(format, sealer) {
        batch.insert(key, note);
    }
    disk.db
        .apply_batch(batch)
        .map_err(|e| StoreError::sled("creating the store", &e))?;
    disk.make_durable()
}

fn check_key(disk: &Disk, sealer: &dyn Sealer) -> Result<(), StoreError> {
    let note = disk
        .db
        .get(CHECK)
        .map_err(|e| StoreError::sled("reading the store", &e))?
        .ok_or_else(no_notes)?;
    match sealer.open(NOTES, CHECK, &note) {
        Ok(text) if text == CHECK_TEXT => Ok(()),
        _ => Err(StoreError::WrongKey),
    }
}

pub(super) fn table_names(
    disk: &Disk,
    sealer: &dyn Sealer,
) -> Result<BTreeMap<u8, String>, StoreError> {
    let mut names = BTreeMap::new();
    for item in disk.db.scan_prefix([META, b't']) {
        let (key, note) = item.map_err(|e| StoreError::sled("reading the store", &e))?;
        let corrupt = |_| StoreError::corrupt(NOTES, &key);
        let name = sealer
            .open(NOTES, &key, &note)
            .ok()
            .and_then(|text| String::from_utf8(text).ok());
        let name = name.ok_or(()).map_err(corrupt)?;
        if let [_, _, prefix] = key.as_ref() {
            names.insert(*prefix, name);
        }
    }
    Ok(names)
}

/// Which tables have chunks: one look per prefix byte.
fn chunked_tables(disk: &Disk) -> Result<BTreeSet<u8>, StoreError> {
    let mut tables = BTreeSet::new();
    for prefix in META + 1..CHUNKS {
        let first = disk.db.scan_prefix([CHUNKS, prefix]).next();
        let first = first.transpose();
        if first
            .map_err(|e| StoreError::sled("reading the store", &e))?
            .is_some()
        {
            tables.insert(prefix);
        }
    }
    Ok(tables)
}
