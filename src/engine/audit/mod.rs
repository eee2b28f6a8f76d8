//! The audit log: what people and the engine decided and wrote, as a chain of hashes
//! (sync-semantics 16).
//!
//! Entries name records and fields, and values by digests alone; the values themselves are beside
//! the chain and can be erased. Each is one line of JSON, and its hash is SHA-256 over the hash
//! before it in hex, a line break, and that line; the first hash before is 64 zeros. Invariant: an
//! entry is in the same commit as what it tells of, so neither is there without the other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::store::{StoreError, digest};

use super::state::State;
use super::tables::AUDIT;

mod beside;
mod check;
mod draft;
mod entry;
mod read;

pub use self::beside::{Beside, Digest, Digests, forget, key_of};
pub use self::check::{Broken, Verdict, tail, verify};
pub use self::draft::{Chain, Draft, Drafts};
pub use self::entry::{Aside, Did, Entry, Place, Stands, Step, Turn, What, Wrote};
pub use self::read::{newest, oldest};

/// A checkpoint is told each time so many entries were made (sync-semantics 16).
pub const CHECKPOINT_EVERY: u64 = 1_000;

/// A hash of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Before the first entry.
    const START: Self = Self([0; 32]);

    /// The hash of an entry behind this one.
    fn then(self, line: &str) -> Self {
        let before = self.to_string();
        Self(digest::sha256(&[before.as_bytes(), b"\n", line.as_bytes()]))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::new(Kind::Usage, "a hash has 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// An entry as it is stored: the line that was hashed, and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chained {
    /// One line of JSON.
    pub line: String,
    /// Its hash.
    pub hash: Hash,
}

/// A place in the chain that somebody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the entry; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// The last entry of the chain.
///
/// # Errors
/// When the store cannot be read.
pub fn head(state: &crate::store::Store) -> std::result::Result<Checkpoint, StoreError> {
    Ok(match state.last(&AUDIT, &[])? {
        Some((key, last)) => Checkpoint {
            seq: read::seq_of(&key),
            hash: last.hash,
        },
        None => Checkpoint {
            seq: 0,
            hash: Hash::START,
        },
    })
}

/// The chain's end as it is now, in memory.
pub fn end(state: &State) -> Checkpoint {
    *super::state::lock(state.audit_head())
}

#[cfg(test)]
mod tests;
