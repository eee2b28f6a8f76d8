//! Files of the CRM, up and down, between it and the disk (salesforce-api 2.9).
//!
//! Types and the trait; the wire is `salesforce::files`. Knows no records beyond the id a file
//! hangs on. Invariant: a file is never in memory whole, unless it is small.

use std::path::{Path, PathBuf};

use super::{Answer, WritePermit};
use crate::domain::id::CrmId;

/// Where the bytes of a file are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A version of a file (`ContentVersion`).
    Version,
    /// An attachment of the old kind (`Attachment`).
    Attachment,
}

/// Where a new file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePlace<'a> {
    /// A new file of the signed-in user, on this record if one is named.
    New(Option<&'a CrmId>),
    /// A newer version of this file (`ContentDocument`).
    Newer(&'a CrmId),
    /// An attachment of this record.
    Attachment(&'a CrmId),
}

/// A file to be sent.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// Where it lies. It must not change while it is sent.
    pub path: &'a Path,
    /// Its name there, with its ending.
    pub name: &'a str,
    /// Where it goes.
    pub place: FilePlace<'a>,
}

/// A file to be fetched.
#[derive(Debug, Clone)]
pub struct FileWanted {
    /// What it is.
    pub kind: FileKind,
    /// The version or the attachment.
    pub id: CrmId,
    /// Where it will lie. What lies there is replaced, when the new file is whole.
    pub to: PathBuf,
    /// Bytes at most; a larger one is not fetched: code `too_large`.
    pub most: u64,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its length.
    pub bytes: u64,
    /// MD5 of its bytes, in hexadecimal signs, as the CRM names checksums. Says that nothing was
    /// garbled, not who wrote it.
    pub checksum: String,
}

/// The part of a CRM that keeps files.
pub trait Files: Send + Sync {
    /// Sends a file and gives the id of the version or the attachment. An error with effect
    /// `Unknown` may have left the file there: look for its name and length before sending again.
    fn upload<'a>(&'a self, permit: WritePermit, file: &'a NewFile<'a>) -> Answer<'a, CrmId>;

    /// Fetches a file. It comes under a name of its own, is compared by length and checksum with
    /// what the CRM says of it, and is renamed then; after an error nothing of it is left.
    fn download<'a>(&'a self, wanted: &'a FileWanted) -> Answer<'a, Fetched>;
}
