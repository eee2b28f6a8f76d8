//! The local store: sled behind typed, sealed tables. The only user of `sled`.
//!
//! One sled tree holds all tables, told apart by a prefix byte, so that one [`Batch`] is one
//! atomic commit over whatever belongs together. Values are sealed through [`Sealer`] (the store
//! knows nothing of keys and vaults); the keys of records are not, and hold ids and times only.
//!
//! What it does not do: it knows no record types, runs nothing in the background, and never
//! deletes anything on its own. Every call blocks; call it from blocking contexts.
//!
//! Invariants:
//! - After [`Store::commit`] the batch survives a power loss, whole; a batch is never half there.
//! - At most 40 batches, 8,000 writes or 32 MiB lie between two durable points.
//! - A store that lost acknowledged writes does not open as if nothing had happened.
//! - A value that does not open is an error with its table and key, never a wrong value.
//! - After a failed write nothing is written until [`Store::probe`] has found the disk well.
//! - An export is the state right after one batch, and no batch waits until it is written.

mod batch;
pub mod digest;
mod disk;
mod error;
pub mod keys;
mod layer;
mod lock;
mod lower;
mod mark;
mod migrate;
mod open;
mod rows;
mod scan;
mod snapshot;
mod table;
mod transfer;

pub use batch::Batch;
pub use disk::cache_capacity;
pub use error::{SealError, StoreError};
pub use layer::Layer;
pub use migrate::{Schema, Step};
pub use open::{Options, SyncHook};
pub use scan::{Keys, Scan};
#[cfg(test)]
pub use table::written;
pub use table::{Table, Upgrade, read_older};
pub use transfer::{BACKUPS_KEPT, Exported, Imported};

use disk::Disk;
use lock::LockFile;
use lower::{Lowered, Removal};
use scan::Raw;
use serde::de::DeserializeOwned;
use snapshot::Meeting;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Seals values before they reach the disk. The engine implements it with the vault's data key.
///
/// `open(t, k, seal(t, k, p)) == p`, and any other table, key or byte gives [`SealError`].
pub trait Sealer: Send + Sync {
    /// Seals a value for its place.
    fn seal(&self, table: &str, key: &[u8], plain: &[u8]) -> Vec<u8>;
    /// Opens a value that was sealed for this very place.
    fn open(&self, table: &str, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError>;
}

/// Writes of a batch from which on smaller ones are better: sled frees nothing that a batch
/// replaced before the batch ends. Loading 98,000 records of 2.9 KB took 100 MiB and 16 s with
/// 300 writes a batch, 1 GiB and 26 s with 1,800, and 34 s with 75.
pub const BEST_BATCH: usize = 300;

/// Batches, writes and bytes that may wait for the next durable point (sled.md, recipe 3:
/// beyond 50 batches, or 10,000 writes, power loss damaged stores).
const MAX_BATCHES: u32 = 40;
const MAX_WRITES: usize = 8_000;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Whether the store can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Good,
    /// A write failed with this; see [`Store::probe`].
    Stopped(StoreError),
    /// A salvaged copy: reading only.
    ReadOnly,
}

/// A handle on the open store; cloning it is cheap. It closes when the last handle and the last
/// scan are dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` only while a probe reopens the database.
    disk: RwLock<Option<Arc<Disk>>>,
    writes: Mutex<Writes>,
    meeting: Meeting,
    health: Mutex<Health>,
    sealer: Arc<dyn Sealer>,
    options: Options,
    /// What shows through where nothing was written: this store is a layer over it.
    under: Option<Store>,
    /// Last, so that it is let go after the database.
    _lock: LockFile,
}

/// What the writer knows; its lock makes writers take turns.
#[derive(Default)]
struct Writes {
    /// Number of the last batch applied.
    sequence: u64,
    batches: u32,
    writes: usize,
    bytes: usize,
    /// Tables that may hold chunks: in the others no old chunk needs looking for.
    chunked: BTreeSet<u8>,
    /// Names of the tables by prefix, as noted in the store.
    names: BTreeMap<u8, String>,
}

/// When a write has to be durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durable {
    Now,
    Soon,
}

impl Store {
    /// The value at a key.
    pub fn get<V: DeserializeOwned>(
        &self,
        t: &Table<V>,
        key: &[u8],
    ) -> Result<Option<V>, StoreError> {
        match self.raw_get(&table::record_key(t.id.prefix, key))? {
            Some(head) => self.open_value(t, key, head),
            None => Ok(None),
        }
    }

    /// Whether there is a value at a key; it is not opened.
    pub fn contains<V>(&self, t: &Table<V>, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self
            .raw_get(&table::record_key(t.id.prefix, key))?
            .is_some())
    }

    /// Records whose keys start with `prefix`, in key order.
    pub fn scan<V: DeserializeOwned>(&self, t: &Table<V>, prefix: &[u8]) -> Scan<V> {
        Scan::new(t, self.with_prefix(t, prefix))
    }

    /// Records from a key on, to the end of the table.
    pub fn scan_from<V: DeserializeOwned>(&self, t: &Table<V>, start: &[u8]) -> Scan<V> {
        let from = table::record_key(t.id.prefix, start);
        let to = table::after_prefix(vec![t.id.prefix]);
        Scan::new(t, Raw::new(self, from, to))
    }

    /// Records from `range.start` on, up to but without `range.end`.
    pub fn scan_range<V: DeserializeOwned>(&self, t: &Table<V>, range: Range<&[u8]>) -> Scan<V> {
        let from = table::record_key(t.id.prefix, range.start);
        let to = table::record_key(t.id.prefix, range.end);
        Scan::new(t, Raw::new(self, from, to))
    }

    /// The first record under a prefix.
    pub fn first<V: DeserializeOwned>(
        &self,
        t: &Table<V>,
        prefix: &[u8],
    ) -> Result<Option<(Vec<u8>, V)>, StoreError> {
        self.scan(t, prefix).next().transpose()
    }

    /// The last record under a prefix.
    pub fn last<V: DeserializeOwned>(
        &self,
        t: &Table<V>,
        prefix: &[u8],
    ) -> Result<Option<(Vec<u8>, V)>, StoreError> {
        self.scan(t, prefix).next_back().transpose()
    }

    /// Keys that start with `prefix`, in order; values are not opened.
    pub fn keys<V>(&self, t: &Table<V>, prefix: &[u8]) -> Keys {
        Keys::new(self.with_prefix(t, prefix))
    }

    /// Keys that start with `prefix`, from `start` on; values are not opened.
    pub fn keys_from<V>(&self, t: &Table<V>, prefix: &[u8], start: &[u8]) -> Keys {
        let from = table::record_key(t.id.prefix, start);
        let to = table::after_prefix(table::record_key(t.id.prefix, prefix));
        Keys::new(Raw::new(self, from, to))
    }

    /// How many records a table has. Walks all of its keys (1 M: about 2 s): keep a counter in
    /// the same batch where the number is shown often.
    pub fn count<V>(&self, t: &Table<V>) -> Result<u64, StoreError> {
        self.keys(t, &[]).try_fold(0, |n, key| key.map(|_| n + 1))
    }

    /// Whether it is an earlier state that was put in the place of a later one: it was imported, or
    /// its files were put here without the mark of how far it had got. What the later one did is not
    /// known to it. Says so until a batch has [dealt with it](Batch::deal_with_put_back).
    pub fn was_put_back(&self) -> Result<bool, StoreError> {
        open::read_put_back(&*self.disk()?)
    }

    /// Bytes on disk. Space of deleted records is used again, but not given back.
    pub fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.disk()?
            .db
            .size_on_disk()
            .map_err(|e| StoreError::sled("measuring the store", &e))
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch {
        Batch::new(Arc::clone(&self.inner.sealer))
    }

    /// Writes a batch, whole or not at all. When it returns `Ok`, the batch and everything
    /// applied before it survive a power loss.
    pub fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.write(batch, Vec::new(), Durable::Now)
    }

    /// Writes a batch, whole or not at all. It is durable with the next [`Store::commit`] or
    /// [`Store::sync`], which come by themselves after 40 batches, 8,000 writes or 32 MiB.
    /// Keep a batch below 8,000 writes, because it cannot be cut; many are fastest, and take the
    /// least memory, with [`BEST_BATCH`] writes each.
    pub fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.write(batch, Vec::new(), Durable::Soon)
    }

    /// Makes everything applied so far durable.
    pub fn sync(&self) -> Result<(), StoreError> {
        let mut state = lock(&self.inner.writes);
        self.writable()?;
        self.sync_locked(&mut state)
    }

    /// Whether the store can be written, and if not, why.
    pub fn health(&self) -> Health {
        lock(&self.inner.health).clone()
    }

    /// After a failed write: tries the disk with a file of one segment, opens the database
    /// again, and lets writes through if both work. Acknowledged data is all there; what had
    /// not become durable is as before that write. Drop open scans first. Otherwise a no-op.
    pub fn probe(&self) -> Result<(), StoreError> {
        let Health::Stopped(error) = self.health() else {
            return Ok(());
        };
        let mut state = lock(&self.inner.writes);
        let options = &self.inner.options;
        options.try_disk()?;
        let mut slot = self
            .inner
            .disk
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // sled keeps its first error for good; only opening the files again clears it, and that
        // needs every user of the old handle gone.
        if slot
            .as_ref()
            .is_some_and(|disk| Arc::strong_count(disk) > 1)
        {
            return Err(error);
        }
        *slot = None;
        let disk = Disk::open(&options.data(), options.cache_bytes)?;
        let sequence = open::read_sequence(&disk)?;
        options.mark().check(sequence)?;
        *slot = Some(Arc::new(disk));
        state.sequence = sequence;
        (state.batches, state.writes, state.bytes) = (0, 0, 0);
        *lock(&self.inner.health) = Health::Good;
        Ok(())
    }

    fn write(
        &self,
        batch: Batch,
        notes: Vec<(Vec<u8>, Vec<u8>)>,
        when: Durable,
    ) -> Result<(), StoreError> {
        if let Some(error) = batch.failed {
            return Err(error);
        }
        let meeting = &self.inner.meeting;
        meeting.wait_for_room();
        let mut state = lock(&self.inner.writes);
        self.writable()?;
        let disk = self.disk()?;
        let mut out = Lowered {
            changed: meeting.is_walked().then(Vec::new),
            ..Lowered::default()
        };
        for (key, note) in notes {
            out.put(key, note);
        }
        for (prefix, name) in batch.tables {
            match state.names.get(&prefix) {
                Some(known) if known != name => {
                    return Err(StoreError::PrefixTaken {
                        first: known.clone(),
                        second: name.to_owned(),
                    });
                }
                Some(_) => {}
                None => {
                    let key = open::name_key(prefix);
                    let note = open::seal_note(self.inner.sealer.as_ref(), &key, name.as_bytes());
                    out.put(key, note);
                    out.names.push((prefix, name));
                }
            }
        }
        let removal = match self.under() {
            None => Removal::Forget,
            Some(_) => Removal::Cover,
        };
        if batch.put_back_is_dealt_with {
            let (key, _) = open::put_back_note();
            out.remove(key);
        }
        for (place, write) in batch.writes {
            out.lower(&disk, &state, place, write, removal)?;
        }
        if out.writes > 0 {
            let (key, number) = open::sequence_note(state.sequence + 1);
            out.put(key, number);
            let hooked = self.inner.options.hook(|h| h.before_apply());
            hooked.map_err(|e| self.stop(StoreError::io("writing to the store", &e)))?;
            meeting.keep(&disk, out.changed.as_deref().unwrap_or_default())?;
            disk.db
                .apply_batch(out.batch)
                .map_err(|e| self.stop(StoreError::sled("writing to the store", &e)))?;
            state.sequence += 1;
            state.batches += 1;
            state.writes += out.writes;
            state.bytes += out.bytes;
            state.chunked.extend(out.chunked);
            let names = out.names.into_iter().map(|(p, n)| (p, n.to_owned()));
            state.names.extend(names);
        }
        let full =
            state.batches >= MAX_BATCHES || state.writes >= MAX_WRITES || state.bytes >= MAX_BYTES;
        if when == Durable::Now || full {
            self.sync_locked(&mut state)?;
        }
        Ok(())
    }

    fn sync_locked(&self, state: &mut Writes) -> Result<(), StoreError> {
        if state.batches == 0 || self.under().is_some() {
            return Ok(());
        }
        let options = &self.inner.options;
        let hooked = options.hook(|h| h.before_sync());
        hooked.map_err(|e| self.stop(StoreError::io("syncing the store", &e)))?;
        self.disk()?.make_durable().map_err(|e| self.stop(e))?;
        let marked = options.mark().set(state.sequence);
        marked.map_err(|e| self.stop(e))?;
        if let Some(hook) = &options.hook {
            hook.synced();
        }
        (state.batches, state.writes, state.bytes) = (0, 0, 0);
        Ok(())
    }

    fn writable(&self) -> Result<(), StoreError> {
        match self.health() {
            Health::Good => Ok(()),
            Health::Stopped(error) => Err(error),
            Health::ReadOnly => Err(StoreError::ReadOnly),
        }
    }

    /// Notes that a write failed, so that none follows it. The first reason stays.
    fn stop(&self, error: StoreError) -> StoreError {
        let mut health = lock(&self.inner.health);
        if *health == Health::Good {
            *health = Health::Stopped(error.clone());
        }
        error
    }

    fn disk(&self) -> Result<Arc<Disk>, StoreError> {
        let slot = self.inner.disk.read();
        let slot = slot.unwrap_or_else(PoisonError::into_inner);
        slot.clone().ok_or_else(|| match self.health() {
            Health::Stopped(error) => error,
            Health::Good | Health::ReadOnly => StoreError::Io {
                what: "reading the store",
                detail: "it is being opened again".to_owned(),
            },
        })
    }

    fn with_prefix<V>(&self, t: &Table<V>, prefix: &[u8]) -> Raw {
        let from = table::record_key(t.id.prefix, prefix);
        let to = table::after_prefix(from.clone());
        Raw::new(self, from, to)
    }

    fn raw_get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        let found = rows::get(&*self.disk()?, key);
        match found.map_err(|e| StoreError::sled("reading the store", &e))? {
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => Ok(Some(value)),
            None => self.under().map_or(Ok(None), |under| under.raw_get(key)),
        }
    }

    /// Opens a head and its chunks. A reader may meet a head whose chunks are just being
    /// replaced: only if the head is still the same is the value damaged.
    fn open_value<V: DeserializeOwned>(
        &self,
        t: &Table<V>,
        key: &[u8],
        mut head: sled::IVec,
    ) -> Result<Option<V>, StoreError> {
        let place = table::record_key(t.id.prefix, key);
        loop {
            let fetch = |index| self.raw_get(&table::chunk_key(t.id.prefix, key, index));
            let sealer = self.inner.sealer.as_ref();
            match table::decode(t, key, &head, sealer, fetch) {
                Ok(value) => return Ok(Some(value)),
                Err(error @ StoreError::Corrupt { .. }) => match self.raw_get(&place)? {
                    Some(now) if now == head => return Err(error),
                    Some(now) => head = now,
                    None => return Ok(None),
                },
                Err(error) => return Err(error),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.inner.options.dir.display())
    }
}
