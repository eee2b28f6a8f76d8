//! Export, import and backup: the whole store as one sealed, streamed file.
//!
//! ```text
//! "SYNCDECK EXPORT\n"  version u8  store format u32 BE
//! record*              kind 1, length u32 BE, sealed (place: its number in the file)
//! end                  kind 2, length u32 BE, sealed SHA-256 of all bytes before it
//! ```
//!
//! Invariant: an import that is cut off, reordered or changed anywhere is refused as a whole; the
//! store appears under its name only after the end record was checked.

use super::disk::{self, Disk};
use super::open::{first_notes, holds_records, name_key, put_back_note, read_format, seal_note};
use super::snapshot::Walk;
use super::table::{self, CHUNKS};
use super::{Options, Sealer, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How many automatic backups are kept: for [`Store::backup`].
pub const BACKUPS_KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

const MAGIC: &[u8; 16] = b"SYNCDECK EXPORT\n";
const VERSION: u8 = 1;
const RECORD: u8 = 1;
const END: u8 = 2;
const RECORD_PLACE: &str = "export";
const END_PLACE: &str = "export-end";
/// No record is larger: a chunk with its key and seal.
const MAX_FRAME: u32 = 16 * 1024 * 1024;

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Database records written; a long value counts once more per chunk.
    pub records: u64,
    /// Values that did not open and are not in the file.
    pub damaged: Vec<StoreError>,
}

/// What an import read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Database records read; a long value counts once more per chunk.
    pub records: u64,
}

/// One database record, opened.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    prefix: u8,
    table: &'a str,
    chunk: Option<u32>,
    key: &'a [u8],
    plain: &'a [u8],
}

impl Record<'_> {
    /// Database key, and the table name and key that the value is sealed for.
    fn places(&self) -> (Vec<u8>, String, Vec<u8>) {
        match self.chunk {
            None => (
                table::record_key(self.prefix, self.key),
                self.table.to_owned(),
                self.key.to_vec(),
            ),
            Some(index) => {
                let mut place = self.key.to_vec();
                place.extend_from_slice(&index.to_be_bytes());
                (
                    table::chunk_key(self.prefix, self.key, index),
                    table::chunk_table(self.table),
                    place,
                )
            }
        }
    }
}

impl Store {
    /// Writes everything to `writer`, each record sealed by `seal`: the state right after one
    /// batch. Writers go on meanwhile; only when they change more than 16 MiB ahead of it do they
    /// wait for its next piece. It needs memory for that, and for a piece of 256 KiB. Values that
    /// do not open are left out and reported.
    pub fn export(
        &self,
        writer: &mut dyn Write,
        seal: &dyn Sealer,
    ) -> Result<Exported, StoreError> {
        let io = |e: io::Error| StoreError::io("writing the export", &e);
        let disk = self.disk()?;
        let format = read_format(&disk)?.unwrap_or(self.inner.options.schema.format);
        let (mut walk, names) = Walk::begin(&self.inner, disk, |state| state.names.clone());
        let mut out = Digesting::new(writer);
        out.write_all(MAGIC).map_err(io)?;
        out.write_all(&[VERSION]).map_err(io)?;
        out.write_all(&format.to_be_bytes()).map_err(io)?;
        let mut report = Exported::default();
        while let Some(piece) = walk.piece(&self.inner)? {
            for (key, value) in piece {
                match self.export_record(&key, &value, &names) {
                    Ok(record) => {
                        let place = report.records.to_be_bytes();
                        let sealed = seal.seal(RECORD_PLACE, &place, &record);
                        write_frame(&mut out, RECORD, &sealed).map_err(io)?;
                        report.records += 1;
                    }
                    Err(error) => report.damaged.push(error),
                }
            }
        }
        let digest = out.digest();
        let sealed = seal.seal(END_PLACE, &report.records.to_be_bytes(), digest.as_ref());
        write_frame(&mut out, END, &sealed).map_err(io)?;
        out.flush().map_err(io)?;
        Ok(report)
    }

    fn export_record(
        &self,
        place: &[u8],
        value: &[u8],
        names: &BTreeMap<u8, String>,
    ) -> Result<Vec<u8>, StoreError> {
        let damaged = || StoreError::corrupt("unknown", place);
        let (prefix, key, chunk) = match place {
            [CHUNKS, prefix, rest @ ..] => {
                let (key, index) = rest.split_last_chunk::<4>().ok_or_else(damaged)?;
                (*prefix, key, Some(u32::from_be_bytes(*index)))
            }
            [prefix, key @ ..] => (*prefix, key, None),
            [] => return Err(damaged()),
        };
        let name = names.get(&prefix).ok_or_else(damaged)?;
        let mut record = Record {
            prefix,
            table: name,
            chunk,
            key,
            plain: &[],
        };
        let (_, sealed_for, sealed_key) = record.places();
        let sealer = self.inner.sealer.as_ref();
        let plain = sealer
            .open(&sealed_for, &sealed_key, value)
            .map_err(|_| StoreError::corrupt(name, key))?;
        record.plain = &plain;
        postcard::to_stdvec(&record).map_err(|_| StoreError::Encode {
            table: name.clone(),
        })
    }

    /// Makes a store from an export, in a place where none is or an empty one. The file is
    /// checked to its end before the store appears; a refused file leaves nothing behind.
    /// `open_export` opens the records, `sealer` seals them for the new store. From its first moment
    /// it says that it was put back.
    pub fn import(
        options: &Options,
        sealer: &dyn Sealer,
        reader: &mut dyn Read,
        open_export: &dyn Sealer,
    ) -> Result<Imported, StoreError> {
        let io = |e: io::Error| StoreError::io("importing", &e);
        let _lock = options.lock()?;
        let data = options.data();
        if data.exists() {
            let there = Disk::open(&data, options.cache_bytes)?;
            if holds_records(&there)? {
                return Err(StoreError::NotEmpty);
            }
            there.close()?;
        }
        let fresh = options.dir.join("data.import");
        remove_dir(&fresh).map_err(io)?;
        let done = fill(&fresh, options, sealer, reader, open_export);
        if done.is_err() {
            remove_dir(&fresh).map_err(io)?;
        }
        let report = done?;
        options.mark().remove()?;
        remove_dir(&data).map_err(io)?;
        fs::rename(&fresh, &data).map_err(io)?;
        disk::sync_path(&options.dir).map_err(io)?;
        options.mark().set(0)?;
        Ok(report)
    }

    /// Writes a numbered export (sealed with the store's own key) into `dir` and removes all but
    /// the newest `keep`. Returns the file.
    pub fn backup(
        &self,
        dir: &Path,
        keep: NonZeroUsize,
    ) -> Result<(PathBuf, Exported), StoreError> {
        let io = |e: io::Error| StoreError::io("writing the backup", &e);
        fs::create_dir_all(dir).map_err(io)?;
        let mut there = backups(dir).map_err(io)?;
        let number = there.last_key_value().map_or(1, |(n, _)| n + 1);
        let path = dir.join(format!("syncdeck-{number:06}.backup"));
        let part = path.with_extension("part");
        let report = match self.write_part(&part) {
            Ok(report) => report,
            Err(error) => {
                // What went wrong is told already; what was written only takes room.
                let _ = fs::remove_file(&part);
                return Err(error);
            }
        };
        fs::rename(&part, &path).map_err(io)?;
        disk::sync_path(dir).map_err(io)?;
        there.insert(number, path.clone());
        while there.len() > keep.get() {
            if let Some((_, old)) = there.pop_first() {
                fs::remove_file(old).map_err(io)?;
            }
        }
        Ok((path, report))
    }

    fn write_part(&self, part: &Path) -> Result<Exported, StoreError> {
        let io = |e: io::Error| StoreError::io("writing the backup", &e);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(part)
            .map_err(io)?;
        let mut out = BufWriter::new(file);
        let report = self.export(&mut out, self.inner.sealer.as_ref())?;
        let file = out.into_inner().map_err(|e| io(e.into_error()))?;
        file.sync_all().map_err(io)?;
        Ok(report)
    }
}

fn remove_dir(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn backups(dir: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("syncdeck-")?.strip_suffix(".backup"))
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            found.insert(number, path);
        }
    }
    Ok(found)
}

/// Reads an export into a new database at `path`, to the end, and makes it durable.
fn fill(
    path: &Path,
    options: &Options,
    sealer: &dyn Sealer,
    reader: &mut dyn Read,
    open_export: &dyn Sealer,
) -> Result<Imported, StoreError> {
    let bad = |why| StoreError::BadExport { why };
    let mut input = Digesting::new(BufReader::new(reader));
    let magic: [u8; 16] = input.array()?;
    if &magic != MAGIC {
        return Err(bad("it is not an export of syncdeck"));
    }
    let [version] = input.array()?;
    if version > VERSION {
        return Err(StoreError::Newer {
            what: "the export file".to_owned(),
            found: version.into(),
            known: VERSION.into(),
        });
    }
    let format = u32::from_be_bytes(input.array()?);
    options.schema.accepts(format)?;

    let mut into = Filling::new(path, options.cache_bytes)?;
    for (key, note) in first_notes(format, sealer) {
        into.put(key, note)?;
    }
    let (key, note) = put_back_note();
    into.put(key, note)?;
    let mut noted = BTreeSet::new();
    let mut records = 0u64;
    loop {
        let digest = input.digest();
        let (kind, frame) = input.frame()?;
        let place = records.to_be_bytes();
        match kind {
            RECORD => {
                let changed = || bad("a record was changed, or it was sealed with another key");
                let plain = open_export
                    .open(RECORD_PLACE, &place, &frame)
                    .map_err(|_| changed())?;
                let record: Record<'_> = postcard::from_bytes(&plain).map_err(|_| changed())?;
                if noted.insert(record.prefix) {
                    let key = name_key(record.prefix);
                    let note = seal_note(sealer, &key, record.table.as_bytes());
                    into.put(key, note)?;
                }
                let (key, sealed_for, sealed_key) = record.places();
                into.put(key, sealer.seal(&sealed_for, &sealed_key, record.plain))?;
                records += 1;
            }
            END => {
                let wanted = open_export.open(END_PLACE, &place, &frame);
                if wanted.is_ok_and(|wanted| wanted == digest.as_ref()) && input.at_end()? {
                    break;
                }
                return Err(bad("its check sum does not fit"));
            }
            _ => return Err(bad("it holds something that is not a record")),
        }
    }
    into.finish()?;
    Ok(Imported { records })
}

/// A database being filled in batches, with durable points in between.
struct Filling {
    disk: Disk,
    batch: sled::Batch,
    bytes: usize,
    writes: usize,
}

impl Filling {
    fn new(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        Ok(Self {
            disk: Disk::open(path, cache_bytes)?,
            batch: sled::Batch::default(),
            bytes: 0,
            writes: 0,
        })
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        self.bytes += key.len() + value.len();
        self.writes += 1;
        self.batch.insert(key, value);
        if self.writes >= super::MAX_WRITES || self.bytes >= super::MAX_BYTES {
            self.flush()
        } else if self.writes.is_multiple_of(super::BEST_BATCH) {
            self.apply()
        } else {
            Ok(())
        }
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        self.disk
            .db
            .apply_batch(std::mem::take(&mut self.batch))
            .map_err(|e| StoreError::sled("importing", &e))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        (self.writes, self.bytes) = (0, 0);
        self.apply()?;
        self.disk.make_durable()
    }

    fn finish(mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.disk.close()
    }
}

fn write_frame(out: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length <= MAX_FRAME)
        .ok_or_else(|| io::Error::other("a record is too large to export"))?;
    out.write_all(&[kind])?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(bytes)
}

/// Passes bytes through and keeps their digest.
struct Digesting<T> {
    inner: T,
    context: ring::digest::Context,
}

impl<T> Digesting<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            context: ring::digest::Context::new(&ring::digest::SHA256),
        }
    }

    fn digest(&self) -> ring::digest::Digest {
        self.context.clone().finish()
    }
}

impl<T: Write> Write for Digesting<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.context.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Digesting<T> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.inner.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => StoreError::BadExport {
                why: "it is cut off",
            },
            _ => StoreError::io("reading the export", &e),
        })?;
        self.context.update(bytes);
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn frame(&mut self) -> Result<(u8, Vec<u8>), StoreError> {
        let [kind] = self.array()?;
        let length = u32::from_be_bytes(self.array()?);
        if length > MAX_FRAME {
            return Err(StoreError::BadExport {
                why: "a record has an impossible length",
            });
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok((kind, bytes))
    }

    fn at_end(&mut self) -> Result<bool, StoreError> {
        let mut byte = [0];
        self.inner
            .read(&mut byte)
            .map(|n| n == 0)
            .map_err(|e| StoreError::io("reading the export", &e))
    }
}
