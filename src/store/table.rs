//! Typed tables: which byte their keys start with, and how a value becomes bytes and back.
//!
//! A value is postcard, behind one byte for the version of the codec and one that says whether
//! the rest is here or in chunks; all of that is sealed. Invariant: bytes that do not open, or do
//! not decode to the end, are an error and never a value.

use super::{SealError, Sealer, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;

/// Prefix of the store's own notes: format, key check, table names.
pub(super) const META: u8 = 0x00;
/// Prefix of the chunks of all tables.
pub(super) const CHUNKS: u8 = 0xfe;
/// Largest piece of a value in the database, before sealing.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// Turns a value of an older codec version into today's. `None`: the bytes make no sense.
pub type Upgrade<V> = fn(version: u8, bytes: &[u8]) -> Option<V>;

/// Names a table and the type of its values.
///
/// ```
/// use syncdeck::store::Table;
/// const LINKS: Table<(u64, String)> = Table::new(0x10, "links", 1);
/// ```
pub struct Table<V> {
    pub(super) id: TableId,
    upgrade: Option<Upgrade<V>>,
    values: PhantomData<fn() -> V>,
}

/// A table without the type of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableId {
    pub(super) prefix: u8,
    pub(super) name: &'static str,
    pub(super) version: u8,
}

impl<V> Table<V> {
    /// A table with its prefix byte (0x01 to 0xfd, one per table for ever), its name (sealed
    /// into every value) and the version of its value codec.
    pub const fn new(prefix: u8, name: &'static str, version: u8) -> Self {
        assert!(prefix != META && prefix < CHUNKS, "prefix is reserved");
        Self {
            id: TableId {
                prefix,
                name,
                version,
            },
            upgrade: None,
            values: PhantomData,
        }
    }

    /// Reads values of older codec versions through `upgrade`; they are written in the current
    /// version the next time they are put.
    #[must_use]
    pub const fn with_upgrade(self, upgrade: Upgrade<V>) -> Self {
        Self {
            id: self.id,
            upgrade: Some(upgrade),
            values: PhantomData,
        }
    }

    /// The table's name.
    pub const fn name(&self) -> &'static str {
        self.id.name
    }
}

impl<V> Clone for Table<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Table<V> {}

impl<V> fmt::Debug for Table<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} at {:#04x})", self.id.name, self.id.prefix)
    }
}

impl TableId {
    pub(super) fn corrupt(&self, key: &[u8]) -> StoreError {
        StoreError::corrupt(self.name, key)
    }
}

/// A value of an older codec version, if the bytes are one to the end. For [`Upgrade`]s.
pub fn read_older<V: DeserializeOwned>(bytes: &[u8]) -> Option<V> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

/// The bytes of a value, for tests of [`Upgrade`]s.
#[cfg(test)]
pub fn written<V: Serialize>(value: &V) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap()
}

/// The database key of a record.
pub(super) fn record_key(prefix: u8, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(prefix);
    out.extend_from_slice(key);
    out
}

/// The database key of a chunk: unambiguous, because the index always has four bytes.
pub(super) fn chunk_key(prefix: u8, key: &[u8], index: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(6 + key.len());
    out.extend_from_slice(&[CHUNKS, prefix]);
    out.extend_from_slice(key);
    out.extend_from_slice(&index.to_be_bytes());
    out
}

/// The smallest key above all keys with this prefix. The prefix starts with a table byte below
/// 0xff, so there is one.
pub(super) fn after_prefix(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            break;
        }
    }
    prefix
}

/// A value ready for the database: the head under its own key, and its chunks, all sealed.
pub(super) struct Sealed {
    pub(super) head: Vec<u8>,
    pub(super) chunks: Vec<Vec<u8>>,
}

const INLINE: u8 = 0;
const CHUNKED: u8 = 1;
const DIGEST: usize = 32;
/// Room made for a value before it is encoded: most fit, and a short-lived vector costs less
/// than one that grows.
const ROOM: usize = 4 * 1024;

/// Encodes and seals a value.
pub(super) fn encode<V: Serialize>(
    table: &TableId,
    key: &[u8],
    value: &V,
    sealer: &dyn Sealer,
) -> Result<Sealed, StoreError> {
    let mut start = Vec::with_capacity(ROOM);
    start.extend([table.version, INLINE]);
    let mut plain = postcard::to_extend(value, start).map_err(|_| StoreError::Encode {
        table: table.name.to_owned(),
    })?;
    if plain.len() <= CHUNK_BYTES {
        return Ok(Sealed {
            head: sealer.seal(table.name, key, &plain),
            chunks: Vec::new(),
        });
    }
    let payload = plain.split_off(2);
    let mut chunks = Vec::new();
    for (index, part) in (0u32..).zip(payload.chunks(CHUNK_BYTES)) {
        chunks.push(seal_chunk(table.name, key, index, part, sealer));
    }
    // The digest ties the head to exactly these chunks: a chunk of an earlier value that stood
    // under the same key opens, but does not add up.
    let count = u32::try_from(chunks.len()).map_err(|_| StoreError::Encode {
        table: table.name.to_owned(),
    })?;
    let mut head = vec![table.version, CHUNKED];
    head.extend_from_slice(&count.to_be_bytes());
    head.extend_from_slice(digest(&payload).as_ref());
    Ok(Sealed {
        head: sealer.seal(table.name, key, &head),
        chunks,
    })
}

fn seal_chunk(table: &str, key: &[u8], index: u32, part: &[u8], sealer: &dyn Sealer) -> Vec<u8> {
    let mut place = key.to_vec();
    place.extend_from_slice(&index.to_be_bytes());
    sealer.seal(&chunk_table(table), &place, part)
}

/// The name that a table's chunks are sealed under.
pub(super) fn chunk_table(table: &str) -> String {
    format!("{table}#chunk")
}

fn digest(bytes: &[u8]) -> ring::digest::Digest {
    ring::digest::digest(&ring::digest::SHA256, bytes)
}

/// Opens and decodes a head; `chunk` fetches a sealed chunk of the same key by its index.
pub(super) fn decode<V: DeserializeOwned>(
    table: &Table<V>,
    key: &[u8],
    head: &[u8],
    sealer: &dyn Sealer,
    chunk: impl Fn(u32) -> Result<Option<sled::IVec>, StoreError>,
) -> Result<V, StoreError> {
    let id = &table.id;
    let corrupt = || id.corrupt(key);
    let plain = sealer
        .open(id.name, key, head)
        .map_err(|SealError| corrupt())?;
    let ([version, kind], rest) = plain.split_first_chunk::<2>().ok_or_else(corrupt)?;
    let joined;
    let payload = match *kind {
        INLINE => rest,
        CHUNKED => {
            joined = join(id, key, rest, sealer, chunk)?;
            &joined
        }
        _ => return Err(corrupt()),
    };
    if *version == id.version {
        return match postcard::take_from_bytes(payload) {
            Ok((value, [])) => Ok(value),
            _ => Err(corrupt()),
        };
    }
    if *version > id.version {
        return Err(StoreError::Newer {
            what: format!("table {}", id.name),
            found: (*version).into(),
            known: id.version.into(),
        });
    }
    let upgrade = table.upgrade.ok_or_else(|| StoreError::TooOld {
        what: format!("table {}", id.name),
        found: (*version).into(),
    })?;
    upgrade(*version, payload).ok_or_else(corrupt)
}

fn join(
    id: &TableId,
    key: &[u8],
    head: &[u8],
    sealer: &dyn Sealer,
    chunk: impl Fn(u32) -> Result<Option<sled::IVec>, StoreError>,
) -> Result<Vec<u8>, StoreError> {
    let corrupt = || id.corrupt(key);
    let (count, wanted) = head.split_first_chunk::<4>().ok_or_else(corrupt)?;
    if wanted.len() != DIGEST {
        return Err(corrupt());
    }
    let name = chunk_table(id.name);
    let mut payload = Vec::new();
    for index in 0..u32::from_be_bytes(*count) {
        let mut place = key.to_vec();
        place.extend_from_slice(&index.to_be_bytes());
        let sealed = chunk(index)?.ok_or_else(corrupt)?;
        let part = sealer
            .open(&name, &place, &sealed)
            .map_err(|SealError| corrupt())?;
        payload.extend_from_slice(&part);
    }
    if digest(&payload).as_ref() == wanted {
        Ok(payload)
    } else {
        Err(corrupt())
    }
}
