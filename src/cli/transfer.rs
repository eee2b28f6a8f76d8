//! `syncdeck export` and `import`: the whole store as one sealed file.
//!
//! The file is sealed with the profile's data key: it is worth nothing without the vault.
//! Invariant: a file that is there is never written over, and one that is cut off is never left
//! under its name.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::out::{Out, note, shown};
use super::unlock::KeyArgs;
use super::{Outcome, say};
use crate::config::{Config, Paths};
use crate::engine::profile::Sealed;
use crate::engine::tables::SCHEMA;
use crate::error::{Error, Kind, Result};
use crate::store::{Exported, Options, Store, StoreError};

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck export syncdeck.backup
  syncdeck export - | ssh host 'cat > syncdeck.backup'

The file holds everything of the profile but its settings and the vault, sealed with the vault's
data key. Keep the vault with it: see `syncdeck vault recovery`.

Exit codes: 0 written, 1 written without some values that are damaged, 2 it could not be done.")]
pub struct ExportArgs {
    /// File to make; `-` is standard output
    pub file: String,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck import syncdeck.backup
  syncdeck --profile copy import syncdeck.backup --from-vault old/vault

The store of this profile must be empty. The file is checked to its end before anything is there.
The pairs then stand still until `syncdeck sync PAIR --allow restored=N` compares everything with
Salesforce: nothing is made twice, and a person is asked where something newer would be overwritten.

Exit codes: 0 taken in, 2 it could not be done; nothing was changed then.")]
pub struct ImportArgs {
    /// File that `export` or an automatic backup made; `-` is standard input
    pub file: String,
    /// Folder of the vault that the file was sealed with, if it is not this profile's
    #[arg(long, value_name = "DIR")]
    pub from_vault: Option<PathBuf>,
}

fn options(paths: &Paths, config: &Config, purpose: &str) -> Options {
    let mut options = Options::new(paths.store_dir(), purpose);
    options.schema = SCHEMA;
    options.cache_bytes = u64::from(config.store.cache_mib) * 1024 * 1024;
    options
}

/// Writes the file.
///
/// # Errors
/// When the vault does not open, the store is in use or damaged, or the file cannot be written.
pub fn export<W: Write>(
    paths: &Paths,
    config: &Config,
    keys: &KeyArgs,
    args: &ExportArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let key = Arc::new(Sealed(keys.unlock(&paths.vault_dir())?));
    let store = Store::open(&options(paths, config, "export"), Arc::clone(&key) as _)?;
    let done = if args.file == "-" {
        if io::stdout().is_terminal() {
            return Err(
                Error::new(Kind::Usage, "an export is not text for a terminal")
                    .hint("name a file, or send it through a pipe"),
            );
        }
        let mut to = BufWriter::new(io::stdout().lock());
        store.export(&mut to, key.as_ref())?
    } else {
        to_file(&store, Path::new(&args.file), &key)?
    };
    let text = format!("{} written", say::some(done.records, "record", "records"));
    if args.file == "-" {
        note(&format!("{text}\n"));
    } else {
        out.line(&text)?;
    }
    for damaged in &done.damaged {
        note(&format!("left out: {damaged}\n"));
    }
    Ok(if done.damaged.is_empty() {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
}

fn to_file(store: &Store, file: &Path, key: &Sealed) -> Result<Exported> {
    let cannot =
        |e: io::Error| Error::new(Kind::Usage, format!("cannot write {}: {e}", file.display()));
    if file.exists() {
        return Err(
            Error::new(Kind::Usage, format!("{} is there already", file.display()))
                .hint("name another file; an export is never written over one"),
        );
    }
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut to = BufWriter::new(open.open(&part).map_err(cannot)?);
    let done = store
        .export(&mut to, key)
        .map_err(Error::from)
        .and_then(|done| {
            to.flush().map_err(cannot)?;
            to.get_ref().sync_all().map_err(cannot)?;
            std::fs::rename(&part, file).map_err(cannot)?;
            Ok(done)
        });
    if done.is_err() {
        // What went wrong is told already; a part file that stays is harmless.
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// Takes the file in.
///
/// # Errors
/// When a vault does not open, the store is not empty, or the file is cut off or changed.
pub fn import<W: Write>(
    paths: &Paths,
    config: &Config,
    keys: &KeyArgs,
    args: &ImportArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    paths.create()?;
    let options = options(paths, config, "import");
    let key = Sealed(keys.unlock(&paths.vault_dir())?);
    let from = match &args.from_vault {
        Some(dir) => Some(Sealed(KeyArgs::default().unlock(dir)?)),
        None => None,
    };
    let from = from.as_ref().unwrap_or(&key);
    let hint = |error: StoreError| match (&args.from_vault, error) {
        (None, error @ StoreError::BadExport { .. }) => Error::from(error).hint(
            "if another profile made it, name that one's vault with --from-vault DIR; else use \
             another backup. Nothing was changed",
        ),
        (_, error) => error.into(),
    };
    let done = if args.file == "-" {
        Store::import(&options, &key, &mut io::stdin().lock(), from).map_err(hint)?
    } else {
        let file = File::open(&args.file).map_err(|e| {
            Error::new(
                Kind::Usage,
                format!("cannot read {}: {e}", shown(&args.file)),
            )
        })?;
        Store::import(&options, &key, &mut BufReader::new(file), from).map_err(hint)?
    };
    out.line(&format!(
        "{} taken in",
        say::some(done.records, "record", "records")
    ))?;
    Ok(Outcome::Fine)
}
