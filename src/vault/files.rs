//! Files of the vault: private ones are ours alone, and replacing one is all or nothing.

use super::VaultError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// No file of a vault, and no private key, is larger.
const MAX_FILE: u64 = 1024 * 1024;

pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VaultError {
    let path = path.to_owned();
    move |e| VaultError::Io {
        what,
        path,
        detail: e.to_string(),
    }
}

/// Makes the directory, for us alone, if it is not there.
pub(super) fn make_dir(dir: &Path) -> Result<(), VaultError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed("creating", dir))
}

/// Creates a file that must not exist, readable for us alone, durable on return.
pub(super) fn create_private(path: &Path, content: &[u8]) -> Result<(), VaultError> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        sync_parent(path)
    };
    write().map_err(failed("creating", path))
}

/// Replaces a file, or creates it. Until the rename the old one is whole; after it the new one is.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), VaultError> {
    let temp = path.with_extension("new");
    let write = || {
        // A leftover of a run that was cut off here: never renamed, so never in use.
        match fs::remove_file(&temp) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temp)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temp, path)?;
        sync_parent(path)
    };
    write().map_err(failed("replacing", path))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Reads a file of the vault.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let file = File::open(path).map_err(failed("reading", path))?;
    read_all(file, path)
}

/// Reads a private key, if it is ours and nobody else may read it. The check is made on the open
/// file, so that it cannot be exchanged in between.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let file = File::open(path).map_err(failed("reading", path))?;
    let meta = file.metadata().map_err(failed("reading", path))?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(VaultError::NotOurs(path.to_owned()));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    read_all(file, path)
}

fn read_all(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // Room for the whole file at once: growing would leave copies of a key behind.
    let length = file.metadata().map_or(0, |meta| meta.len().min(MAX_FILE));
    let capacity = usize::try_from(length).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(failed("reading", path))?;
    Ok(bytes)
}
