//! The vault: one random data key per profile, wrapped by age. The only user of `age`.
//!
//! ```text
//! key.age         the data key, encrypted for the recipients or a passphrase; armoured
//! recipients.txt  for whom, as public keys; a copy for reading while the vault is locked
//! identity.txt    the private key, if the vault made one: mode 0600
//! ```
//!
//! What it does not do: it stores no records and asks nobody anything. Deriving a key from a
//! passphrase takes about a second: call it from blocking contexts.
//!
//! Invariants: `key.age` is replaced by a rename, so one that opens is always there; changing
//! recipients or passphrase never changes the data key; an identity that others may read is
//! refused; no error and no `Debug` shows key material.

mod error;
mod files;
mod key;
mod secret;
mod wrap;

pub use error::VaultError;
pub use key::{DataKey, KEY_BYTES, OpenError};
pub use secret::{Secret, exposed};
pub use wrap::{Recipient, WorkFactor};

use secrecy::SecretString;
use std::path::{Path, PathBuf};
use wrap::Wrap;

/// How a vault is to be protected.
#[derive(Debug)]
pub enum Protection {
    /// By a new X25519 identity in `identity.txt`.
    IdentityFile,
    /// By a passphrase alone.
    Passphrase(SecretString, WorkFactor),
    /// For existing public keys: age or SSH.
    Recipients(Vec<Recipient>),
}

/// What opens a vault.
#[derive(Debug)]
pub enum Unlock {
    /// A file with X25519 identities, one a line.
    IdentityFile(PathBuf),
    /// The passphrase.
    Passphrase(SecretString),
    /// An OpenSSH private key, with its own passphrase if it has one.
    SshKey(PathBuf, Option<SecretString>),
}

/// What is known of a vault while it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// There is none.
    Missing,
    /// A passphrase opens it.
    Passphrase,
    /// These keys open it.
    Recipients(Vec<Recipient>),
}

/// A vault on disk. It is always locked: whoever unlocks it holds the [`DataKey`].
#[derive(Debug, Clone)]
pub struct Vault {
    dir: PathBuf,
}

impl Vault {
    /// Makes a vault with a new data key. Never writes over one that is there.
    pub fn create(dir: &Path, protection: Protection) -> Result<(Self, DataKey), VaultError> {
        let vault = Self {
            dir: dir.to_owned(),
        };
        if vault.key_path().exists() {
            return Err(VaultError::AlreadyThere(vault.key_path()));
        }
        files::make_dir(dir)?;
        let key = DataKey::generate()?;
        let recipients = match protection {
            Protection::IdentityFile => vec![vault.make_identity()?],
            Protection::Recipients(recipients) => recipients,
            Protection::Passphrase(passphrase, work) => {
                vault.write(&key, &Wrap::Passphrase(&passphrase, work))?;
                return Ok((vault, key));
            }
        };
        vault.write(&key, &Wrap::Recipients(&recipients))?;
        Ok((vault, key))
    }

    /// The vault in a directory, which must be there.
    pub fn open(dir: &Path) -> Result<Self, VaultError> {
        let vault = Self {
            dir: dir.to_owned(),
        };
        match vault.status()? {
            Status::Missing => Err(VaultError::Missing(vault.dir)),
            Status::Passphrase | Status::Recipients(_) => Ok(vault),
        }
    }

    /// How the vault is protected.
    pub fn status(&self) -> Result<Status, VaultError> {
        let path = self.key_path();
        if !path.exists() {
            return Ok(Status::Missing);
        }
        if wrap::is_passphrase(&path, &files::read(&path)?)? {
            return Ok(Status::Passphrase);
        }
        let path = self.recipients_path();
        if !path.exists() {
            return Ok(Status::Recipients(Vec::new()));
        }
        let bytes = files::read(&path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| VaultError::Damaged(path.clone()))?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(Recipient::parse)
            .collect::<Result<_, _>>()
            .map(Status::Recipients)
    }

    /// Gives out the data key. Also repairs `recipients.txt`, should a change have been cut off
    /// before it was written.
    pub fn unlock(&self, how: &Unlock) -> Result<DataKey, VaultError> {
        let path = self.key_path();
        if !path.exists() {
            return Err(VaultError::Missing(self.dir.clone()));
        }
        let (key, recipients) = wrap::unwrap(&path, &files::read(&path)?, how)?;
        let listed = self.status().ok();
        let known = match &listed {
            Some(Status::Recipients(listed)) => listed.as_slice(),
            _ => &[],
        };
        if known != recipients {
            self.list(&recipients)?;
        }
        Ok(key)
    }

    /// Seals the data key for these recipients instead of those before (or of a passphrase).
    pub fn change_recipients(
        &self,
        key: &DataKey,
        recipients: &[Recipient],
    ) -> Result<(), VaultError> {
        self.write(key, &Wrap::Recipients(recipients))
    }

    /// Seals the data key for a passphrase instead of whatever opened it before.
    pub fn change_passphrase(
        &self,
        key: &DataKey,
        passphrase: &SecretString,
        work: WorkFactor,
    ) -> Result<(), VaultError> {
        self.write(key, &Wrap::Passphrase(passphrase, work))
    }

    /// Where the vault's own identity is, if it has one.
    pub fn identity_path(&self) -> PathBuf {
        self.dir.join("identity.txt")
    }

    /// What is lost if the key is lost, and what to keep a copy of: for a person to read.
    pub fn recovery_text(&self) -> Result<String, VaultError> {
        let key = self.key_path();
        let opener = match self.status()? {
            Status::Missing => return Err(VaultError::Missing(self.dir.clone())),
            Status::Passphrase => {
                "the passphrase (written down, away from this machine)".to_owned()
            }
            Status::Recipients(_) if self.identity_path().exists() => {
                format!("the identity file {}", self.identity_path().display())
            }
            Status::Recipients(list) => {
                let names: Vec<&str> = list.iter().map(Recipient::as_str).collect();
                format!("the private key of one of: {}", names.join(", "))
            }
        };
        Ok(format!(
            "Everything that syncdeck keeps on this machine is sealed with one data key.\n\
             Two things together open it:\n\
             \x20 1. the file {}\n\
             \x20 2. {opener}\n\
             If either is lost, nobody can read the store or its backups again, and there is no \
             way around it. Lost then are: sign-ins (sign in again), mappings that were not \
             exported, edits and conflicts not yet written back, and the history. The records in \
             Salesforce are not touched, and links come back through the sync key.\n\
             Keep a copy of both, apart from each other, and try them once on another machine.\n",
            key.display()
        ))
    }

    fn key_path(&self) -> PathBuf {
        self.dir.join("key.age")
    }

    fn recipients_path(&self) -> PathBuf {
        self.dir.join("recipients.txt")
    }

    /// An identity that is there already (of another vault, or left by a `create` that was cut
    /// off) is not written over.
    fn make_identity(&self) -> Result<Recipient, VaultError> {
        let path = self.identity_path();
        if path.exists() {
            return Err(VaultError::AlreadyThere(path));
        }
        let (text, recipient) = wrap::new_identity()?;
        files::create_private(&path, text.as_bytes())?;
        Ok(recipient)
    }

    /// Replaces the wrapped key, then the list for reading.
    fn write(&self, key: &DataKey, how: &Wrap<'_>) -> Result<(), VaultError> {
        let recipients = match how {
            Wrap::Recipients([]) => return Err(VaultError::NoRecipients),
            Wrap::Recipients(recipients) => *recipients,
            Wrap::Passphrase(..) => &[],
        };
        files::replace(&self.key_path(), &wrap::wrap(key, how)?)?;
        self.list(recipients)
    }

    fn list(&self, recipients: &[Recipient]) -> Result<(), VaultError> {
        let mut text =
            String::from("# for whom key.age is encrypted; changing this file changes nothing\n");
        for recipient in recipients {
            text.push_str(recipient.as_str());
            text.push('\n');
        }
        files::replace(&self.recipients_path(), text.as_bytes())
    }
}
