//! What can go wrong with the store, each with a remedy in plain words.
//!
//! No variant holds a record value: keys are ids and times, and details come from the disk layer.

use crate::error::{Error, Kind};

/// A failure of the store. `Clone`, because a failed write is repeated to every later writer
/// until [`super::Store::probe`] succeeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process (or another handle of this one) has the store open.
    #[error("the store is in use by {what} ({}, since {since})", holder(*pid))]
    InUse {
        /// Its process id; `None` if it has not written it yet.
        pid: Option<u32>,
        /// When it took the store, RFC 3339.
        since: String,
        /// What it is doing, as given in [`super::Options::purpose`].
        what: String,
    },
    /// No space, or a quota is used up. Writes are refused until a probe succeeds.
    #[error("there is no room left on the disk that holds the store")]
    Full,
    /// The operating system refused a read or a write.
    #[error("{what} failed: {detail}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's words.
        detail: String,
    },
    /// One value does not open: damaged, moved to another key, or sealed with another key.
    #[error("the value at {table}/{key} is damaged")]
    Corrupt {
        /// Name of the table.
        table: String,
        /// Key without the table byte, in hex.
        key: String,
    },
    /// The files are damaged so far that the store does not open. Nothing was changed.
    #[error("the store is damaged and does not open: {detail}")]
    Damaged {
        /// What the disk layer said.
        detail: String,
    },
    /// The store opens, but in a state before its last durable one: its log is damaged, or an
    /// older copy was put in its place.
    #[error("the last {missing} saved changes are missing from the store")]
    Lost {
        /// How many batches.
        missing: u64,
    },
    /// The store, or a value in it, was written by a newer version of this program.
    #[error("{what} has format {found}, and this version knows formats up to {known}")]
    Newer {
        /// The store, a table, or an export file.
        what: String,
        /// The number found.
        found: u32,
        /// The highest number understood.
        known: u32,
    },
    /// No step leads from the format found to the current one.
    #[error("{what} has format {found}, which this version can no longer read")]
    TooOld {
        /// The store or a table.
        what: String,
        /// The number found.
        found: u32,
    },
    /// The data key is not the one that the store was made with.
    #[error("the data key does not fit this store")]
    WrongKey,
    /// A value could not be turned into bytes: a fault of ours.
    #[error("a value for table {table} cannot be encoded")]
    Encode {
        /// Name of the table.
        table: String,
    },
    /// Two tables claim the same prefix: a fault of ours.
    #[error("the tables {first} and {second} share one prefix")]
    PrefixTaken {
        /// The table that the store holds.
        first: String,
        /// The one that was asked for.
        second: String,
    },
    /// The store was opened from a copy to save what can be read.
    #[error("this is a read-only copy of the store")]
    ReadOnly,
    /// An import was asked for, and the store holds records.
    #[error("the store is not empty")]
    NotEmpty,
    /// An export file is cut off, changed, or not one of ours.
    #[error("the export file cannot be used: {why}")]
    BadExport {
        /// What is wrong with it.
        why: &'static str,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "process not known".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl StoreError {
    pub(super) fn io(what: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            _ => Self::Io {
                what,
                detail: error.to_string(),
            },
        }
    }

    pub(super) fn sled(what: &'static str, error: &sled::Error) -> Self {
        match error {
            sled::Error::Io(e) => Self::io(what, e),
            sled::Error::Corruption { .. } => Self::Damaged {
                detail: "a page or the snapshot of its log cannot be read".to_owned(),
            },
            sled::Error::ReportableBug(why) => Self::Damaged {
                detail: why.clone(),
            },
            other => Self::Io {
                what,
                detail: other.to_string(),
            },
        }
    }

    pub(super) fn corrupt(table: &str, key: &[u8]) -> Self {
        Self::Corrupt {
            table: table.to_owned(),
            key: data_encoding::HEXLOWER.encode(key),
        }
    }

    /// What the reader can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "end the running one, or work there; nothing was changed",
            Self::Full => {
                "make room on that disk; syncing stands still meanwhile and goes on by itself, \
                 nothing acknowledged is lost"
            }
            Self::Io { .. } => "check the disk, the mount and the file permissions, then try again",
            Self::Corrupt { .. } => {
                "the other values are fine; `syncdeck sync` reads the record again from its source, \
                 or `syncdeck import` restores a backup"
            }
            Self::Damaged { .. } => {
                "nothing was deleted; keep the directory, then restore the last backup with \
                 `syncdeck import` into a new one, or set up again and import from the CRM: \
                 links come back through the sync key"
            }
            Self::Lost { .. } => {
                "check the disk; then restore the last backup with `syncdeck import` into a new \
                 profile, or delete the file `mark` in the directory of the store to go on with \
                 the older state; either way everything is compared before anything is written"
            }
            Self::Newer { .. } => "use the newer version of syncdeck, or restore an older backup",
            Self::TooOld { .. } => {
                "open it once with the version before this one, then come back; if that version is too \
                 new for it as well, write its records out with the version that made it, and begin \
                 a new profile; a backup stays valid"
            }
            Self::WrongKey => {
                "unlock with the vault that belongs to this store; after restoring a backup, \
                 restore its vault directory too"
            }
            Self::Encode { .. } | Self::PrefixTaken { .. } => {
                "this is a fault of syncdeck; please report it with the log"
            }
            Self::ReadOnly => "copy out what is needed, then restore a backup to work on",
            Self::NotEmpty => "import into a new profile, or move the old store away first",
            Self::BadExport { .. } => "use another backup; nothing was changed",
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::WrongKey => Kind::Vault,
            StoreError::Encode { .. } | StoreError::PrefixTaken { .. } => Kind::Internal,
            _ => Kind::Store,
        };
        Error::new(kind, error.to_string())
            .hint(error.remedy())
            .caused_by(error)
    }
}

/// A sealed value did not open. Says nothing about why, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open")]
pub struct SealError;
