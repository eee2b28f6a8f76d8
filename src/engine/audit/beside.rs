//! What stands beside the chain: the key of its digests, and the values they are of.
//!
//! Values are found by their digests, so that they can be erased and the chain stays whole
//! (sync-semantics 16). Of records made or deleted in the App the chain has digests only: their
//! values are in the record. Invariant: nobody without the key can tell what a digest is of, also
//! by trying.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::stamp;
use crate::domain::value::Fields;
use crate::engine::tables::BESIDE;
use crate::engine::tx::Tx;
use crate::store::keys::Key;
use crate::store::{Store, StoreError, digest};

use super::read::seq_of;

/// Rows that are forgotten in one go.
const AT_ONCE: usize = 2_000;

/// Digest of values: the first half of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 32 hexadecimal digits")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let number = u128::from_str_radix(text, 16).map_err(|_| BadDigest)?;
        match text.len() {
            32 => Ok(Self(number.to_be_bytes())),
            _ => Err(BadDigest),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// A row beside the chain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Beside {
    /// Under 0: the key of the digests.
    Key([u8; 32]),
    /// Under the number of an entry: values it is about.
    Values {
        /// When the entry was made.
        #[serde(with = "stamp")]
        at: Timestamp,
        /// By digest.
        kept: Vec<(Digest, Fields)>,
    },
}

/// Without the key, and without values.
impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("Key"),
            Self::Values { kept, .. } => write!(f, "Values({})", kept.len()),
        }
    }
}

/// Makes the digests of one store.
pub struct Digests {
    key: [u8; 32],
    /// Whether the key is in the store.
    kept: AtomicBool,
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests")
    }
}

impl Digests {
    /// With the key of a store, or a new one that comes into it with the first entry.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no randomness.
    pub fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(match store.get(&BESIDE, &key_of(0))? {
            Some(Beside::Key(key)) => Self {
                key,
                kept: AtomicBool::new(true),
            },
            _ => Self {
                key: digest::new_key()?,
                kept: AtomicBool::new(false),
            },
        })
    }

    /// Of values.
    ///
    /// # Errors
    /// When they cannot be written as JSON: a fault of ours.
    pub fn of(&self, values: &impl Serialize) -> Result<Digest, StoreError> {
        let text = serde_json::to_vec(values).map_err(|error| StoreError::Encode {
            table: error.to_string(),
        })?;
        let mut half = [0; 16];
        let whole = digest::keyed(&self.key, &text);
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        Ok(Digest(half))
    }

    /// The row that holds the key, as long as it is not in the store.
    pub fn to_keep(&self) -> Option<Beside> {
        (!self.kept.load(Ordering::Relaxed)).then_some(Beside::Key(self.key))
    }

    /// The key is in the store.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

/// Where the row of an entry is.
pub fn key_of(seq: u64) -> Key {
    Key::new().number(seq)
}

/// Erases values of entries that are older than `before`; the chain keeps their digests.
///
/// # Errors
/// When the store cannot be read.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), StoreError> {
    let store = tx.state().store();
    for row in store.scan_from(&BESIDE, &key_of(1)).take(AT_ONCE) {
        let (key, row) = row?;
        match row {
            Beside::Values { at, .. } if at < before => tx.delete(&BESIDE, &key_of(seq_of(&key))),
            _ => break,
        }
    }
    Ok(())
}
