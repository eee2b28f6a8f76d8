//! Opening a profile's vault and store for a command: where the key comes from, and who is asked.
//!
//! It keeps nothing. Invariant: a passphrase is typed without echo or read from a file that only
//! its owner can read; it is never an argument, because arguments are visible to all.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Config, Paths};
use crate::engine::profile::Sealed;
use crate::engine::state::State;
use crate::engine::tables::SCHEMA;
use crate::error::{Error, Kind, Result};
use crate::store::{Options, Store, StoreError};
use crate::vault::{DataKey, Status, Unlock, Vault, VaultError};

/// No passphrase is longer.
const LONGEST: u64 = 64 * 1024;

/// Where the key to the vault is.
#[derive(Debug, Clone, Default, Args)]
pub struct KeyArgs {
    /// Identity that opens the vault: an age identity file or an OpenSSH private key. Without it,
    /// the one the vault made
    #[arg(long, global = true, value_name = "FILE", env = "SYNCDECK_IDENTITY")]
    pub identity: Option<PathBuf>,
    /// Read the passphrase from the first line of this file (mode 0600) instead of asking
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SYNCDECK_PASSPHRASE_FILE"
    )]
    pub passphrase_file: Option<PathBuf>,
    /// Who says the passphrase when no file holds it.
    #[arg(skip)]
    pub said_by: SaidBy,
}

/// Who says a passphrase that no file holds.
#[derive(Debug, Clone, Default)]
pub enum SaidBy {
    /// Whoever sits at the terminal is asked, line by line.
    #[default]
    Asked,
    /// It was said already.
    Known(SecretString),
    /// Nobody: the terminal shows something else.
    Nobody,
}

impl KeyArgs {
    /// Gives out the data key of the vault in `dir`. Blocks: a passphrase takes about a second.
    ///
    /// # Errors
    /// [`Kind::Vault`] when there is none or the key does not fit, with the remedy.
    pub fn unlock(&self, dir: &Path) -> Result<DataKey> {
        let vault = Vault::open(dir)?;
        let how = match (vault.status()?, &self.identity) {
            (Status::Passphrase, _) => {
                Unlock::Passphrase(self.passphrase("Passphrase of the vault")?)
            }
            (_, None) => Unlock::IdentityFile(vault.identity_path()),
            (_, Some(file)) if is_ssh_key(file)? => return self.unlock_by_ssh(&vault, file),
            (_, Some(file)) => Unlock::IdentityFile(file.clone()),
        };
        Ok(vault.unlock(&how)?)
    }

    fn unlock_by_ssh(&self, vault: &Vault, file: &Path) -> Result<DataKey> {
        match vault.unlock(&Unlock::SshKey(file.to_owned(), None)) {
            Err(VaultError::SshKeyLocked(_)) => {
                let passphrase = self.passphrase("Passphrase of the SSH key")?;
                Ok(vault.unlock(&Unlock::SshKey(file.to_owned(), Some(passphrase)))?)
            }
            other => Ok(other?),
        }
    }

    /// Reads the passphrase from its file, or asks for it.
    ///
    /// # Errors
    /// When the file is not private or not readable, or nobody is there to ask.
    pub fn passphrase(&self, prompt: &str) -> Result<SecretString> {
        match (&self.passphrase_file, &self.said_by) {
            (Some(file), _) => passphrase_of(file),
            (None, SaidBy::Known(passphrase)) => Ok(passphrase.clone()),
            (None, SaidBy::Asked) => typed(prompt),
            (None, SaidBy::Nobody) => Err(Error::new(Kind::Vault, "a passphrase is needed")
                .hint("type it, or name a file with --passphrase-file")),
        }
    }
}

/// Opens the store of a profile to look into it; `None` when there is none yet: looking makes none.
///
/// # Errors
/// In use, damaged, newer, or sealed with another key.
pub fn look(
    paths: &Paths,
    config: Option<&Config>,
    key: DataKey,
    purpose: &str,
) -> std::result::Result<Option<State>, StoreError> {
    let dir = paths.store_dir();
    if !dir.join("data").exists() {
        return Ok(None);
    }
    let mut options = Options::new(&dir, purpose);
    options.schema = SCHEMA;
    if let Some(config) = config {
        options.cache_bytes = u64::from(config.store.cache_mib) * 1024 * 1024;
    }
    Store::open(&options, Arc::new(Sealed(key)))
        .and_then(State::open)
        .map(Some)
}

/// The first line of a file that only its owner can read.
///
/// # Errors
/// [`Kind::Vault`] when others can read it, or it cannot be read.
pub fn passphrase_of(file: &Path) -> Result<SecretString> {
    let mut line = zeroize::Zeroizing::new(String::new());
    BufReader::new(private(file)?)
        .read_line(&mut line)
        .map_err(|e| cannot_read(file, &e))?;
    Ok(SecretString::from(
        line.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// The whole text of a file that only its owner can read.
///
/// # Errors
/// As [`passphrase_of`].
pub fn secret_text_of(file: &Path) -> Result<SecretString> {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(16 << 10));
    private(file)?
        .read_to_string(&mut text)
        .map_err(|e| cannot_read(file, &e))?;
    Ok(SecretString::from(text.as_str()))
}

/// A file that only its owner can read, up to the length of any secret.
fn private(file: &Path) -> Result<std::io::Take<File>> {
    let open = File::open(file).map_err(|e| cannot_read(file, &e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let about = open.metadata().map_err(|e| cannot_read(file, &e))?;
        if about.mode() & 0o077 != 0 {
            return Err(
                Error::new(Kind::Vault, format!("others can read {}", file.display()))
                    .hint(format!("run: chmod 600 {}", file.display())),
            );
        }
    }
    Ok(open.take(LONGEST))
}

fn cannot_read(file: &Path, e: &std::io::Error) -> Error {
    Error::new(Kind::Vault, format!("cannot read {}: {e}", file.display()))
}

fn typed(prompt: &str) -> Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(
            Kind::Vault,
            "a passphrase is needed, and nobody is there to type it",
        )
        .hint("name a file with --passphrase-file"));
    }
    rpassword::prompt_password(format!("{prompt}: "))
        .map(SecretString::from)
        .map_err(|e| Error::new(Kind::Vault, format!("cannot read the passphrase: {e}")))
}

/// A new passphrase, typed twice.
///
/// # Errors
/// When the two differ.
pub fn new_passphrase() -> Result<SecretString> {
    let first = typed("New passphrase")?;
    let second = typed("Again")?;
    if first.expose_secret() == second.expose_secret() {
        Ok(first)
    } else {
        Err(Error::new(
            Kind::Vault,
            "the two passphrases differ; nothing was changed",
        ))
    }
}

fn is_ssh_key(file: &Path) -> Result<bool> {
    let cannot = |e: std::io::Error| cannot_read(file, &e);
    let mut head = Vec::new();
    let open = File::open(file).map_err(cannot)?;
    open.take(64).read_to_end(&mut head).map_err(cannot)?;
    Ok(head.starts_with(b"-----BEGIN "))
}
