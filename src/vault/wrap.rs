//! Wrapping the data key with age, and unwrapping it. The only file that names `age`.
//!
//! What age encrypts is a small text: a first line with the version, the key in hex, and the
//! recipients, so that these are known for sure once the vault is open.

use super::key::{DataKey, KEY_BYTES};
use super::{Unlock, VaultError, files};
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::{ExposeSecret, SecretString};
use age::{Callbacks, DecryptError, Decryptor, Encryptor, Identity};
use data_encoding::HEXLOWER;
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;
use zeroize::Zeroizing;

const TITLE: &str = "syncdeck data key";
const VERSION: u32 = 1;
/// Highest scrypt work factor that is tried when opening: 2^22 takes tens of seconds and 4 GiB.
const MAX_WORK: u8 = 22;

/// Whom a vault is sealed for: a public key, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient(String);

impl Recipient {
    /// Parses `age1...`, `ssh-ed25519 ...` or `ssh-rsa ...`; a comment after an SSH key is dropped.
    pub fn parse(line: &str) -> Result<Self, VaultError> {
        let line = line.trim();
        let text = if line.starts_with("ssh-") {
            let key = age::ssh::Recipient::from_str(line).map(|key| key.to_string());
            key.map_err(|_| bad_recipient(line))?
        } else {
            let key = age::x25519::Recipient::from_str(line).map(|key| key.to_string());
            key.map_err(|_| bad_recipient(line))?
        };
        Ok(Self(text))
    }

    /// The public key as one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn to_age(&self) -> Result<Box<dyn age::Recipient>, VaultError> {
        if self.0.starts_with("ssh-") {
            let key = age::ssh::Recipient::from_str(&self.0);
            Ok(Box::new(key.map_err(|_| bad_recipient(&self.0))?))
        } else {
            let key = age::x25519::Recipient::from_str(&self.0);
            Ok(Box::new(key.map_err(|_| bad_recipient(&self.0))?))
        }
    }
}

/// A private key pasted by mistake must not end up in a message.
fn bad_recipient(line: &str) -> VaultError {
    let secret = line.to_ascii_uppercase().contains("SECRET");
    let shown = if secret { "a private key" } else { line };
    VaultError::BadRecipient(shown.chars().take(40).collect())
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How much work a passphrase costs to try: scrypt with N = 2^n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkFactor(u8);

impl WorkFactor {
    /// 2^n, held between 1 and 22.
    pub fn new(n: u8) -> Self {
        Self(n.clamp(1, MAX_WORK))
    }
}

impl Default for WorkFactor {
    /// 2^18: about a second on current machines, 256 MiB.
    fn default() -> Self {
        Self(18)
    }
}

/// Whom to wrap for.
pub(super) enum Wrap<'a> {
    Recipients(&'a [Recipient]),
    Passphrase(&'a SecretString, WorkFactor),
}

/// A new X25519 identity: the text of its file, and its public side.
pub(super) fn new_identity() -> Result<(Zeroizing<String>, Recipient), VaultError> {
    let identity = age::x25519::Identity::generate();
    let recipient = Recipient::parse(&identity.to_public().to_string())?;
    let secret = identity.to_string();
    let text = format!("# public key: {recipient}\n{}\n", secret.expose_secret());
    Ok((Zeroizing::new(text), recipient))
}

/// Encrypts the data key; armoured text.
pub(super) fn wrap(key: &DataKey, wrap: &Wrap<'_>) -> Result<Vec<u8>, VaultError> {
    let mut plain = Zeroizing::new(String::with_capacity(64 * 1024));
    plain.push_str(&format!("{TITLE}\nversion {VERSION}\n"));
    let hex = Zeroizing::new(HEXLOWER.encode(key.bytes()));
    plain.push_str("key ");
    plain.push_str(&hex);
    plain.push('\n');
    match wrap {
        Wrap::Recipients(recipients) => {
            for recipient in *recipients {
                plain.push_str(&format!("recipient {recipient}\n"));
            }
            let keys: Vec<Box<dyn age::Recipient>> = recipients
                .iter()
                .map(Recipient::to_age)
                .collect::<Result<_, _>>()?;
            encrypt(&plain, keys.iter().map(AsRef::as_ref))
        }
        Wrap::Passphrase(passphrase, work) => {
            if passphrase.expose_secret().is_empty() {
                return Err(VaultError::EmptyPassphrase);
            }
            let mut recipient = age::scrypt::Recipient::new((*passphrase).clone());
            recipient.set_work_factor(work.0);
            let recipient: &dyn age::Recipient = &recipient;
            encrypt(&plain, std::iter::once(recipient))
        }
    }
}

fn encrypt<'a>(
    plain: &str,
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
) -> Result<Vec<u8>, VaultError> {
    // The only failure that is left: the recipients were checked when they were parsed.
    let encryptor = Encryptor::with_recipients(recipients).map_err(|_| VaultError::NoRecipients)?;
    let write = || {
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut out = encryptor.wrap_output(armor)?;
        out.write_all(plain.as_bytes())?;
        out.finish()?.finish()
    };
    write().map_err(files::failed("encrypting", Path::new("key.age")))
}

/// How a wrapped key is protected, read from its header without opening it.
pub(super) fn is_passphrase(path: &Path, armored: &[u8]) -> Result<bool, VaultError> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(armored));
    decryptor
        .map(|decryptor| decryptor.is_scrypt())
        .map_err(|_| VaultError::Damaged(path.to_owned()))
}

/// Decrypts the data key and the recipients that were noted with it.
pub(super) fn unwrap(
    path: &Path,
    armored: &[u8],
    how: &Unlock,
) -> Result<(DataKey, Vec<Recipient>), VaultError> {
    let scrypt = is_passphrase(path, armored)?;
    match (how, scrypt) {
        (Unlock::Passphrase(_), false) => return Err(VaultError::NeedsIdentity),
        (Unlock::IdentityFile(_) | Unlock::SshKey(..), true) => {
            return Err(VaultError::NeedsPassphrase);
        }
        _ => {}
    }
    let identities = identities(how)?;
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(armored))
        .map_err(|_| VaultError::Damaged(path.to_owned()))?;
    let mut reader = decryptor
        .decrypt(identities.iter().map(AsRef::as_ref))
        .map_err(|e| match (&e, how) {
            (DecryptError::DecryptionFailed, Unlock::Passphrase(_))
            | (DecryptError::KeyDecryptionFailed, Unlock::SshKey(..)) => {
                VaultError::WrongPassphrase
            }
            (
                DecryptError::NoMatchingKeys,
                Unlock::IdentityFile(file) | Unlock::SshKey(file, _),
            ) => VaultError::NoMatch(file.clone()),
            _ => VaultError::Damaged(path.to_owned()),
        })?;
    let damaged = || VaultError::Damaged(path.to_owned());
    let mut plain = Zeroizing::new(String::with_capacity(64 * 1024));
    reader.read_to_string(&mut plain).map_err(|_| damaged())?;
    parse(&plain).unwrap_or_else(|| Err(damaged()))
}

/// Reads the decrypted text; `None` if it is not in our form.
fn parse(plain: &str) -> Option<Result<(DataKey, Vec<Recipient>), VaultError>> {
    let mut lines = plain.lines();
    let version: u32 = match (lines.next()?, lines.next()?.strip_prefix("version ")?) {
        (TITLE, version) => version.parse().ok()?,
        _ => return None,
    };
    if version > VERSION {
        return Some(Err(VaultError::Newer(version)));
    }
    let hex = lines.next()?.strip_prefix("key ")?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    if HEXLOWER.decode_len(hex.len()) != Ok(KEY_BYTES) {
        return None;
    }
    HEXLOWER.decode_mut(hex.as_bytes(), bytes.as_mut()).ok()?;
    let recipients = lines
        .map(|line| Recipient::parse(line.strip_prefix("recipient ")?).ok())
        .collect::<Option<Vec<_>>>()?;
    Some(DataKey::from_zeroizing(bytes).map(|key| (key, recipients)))
}

fn identities(how: &Unlock) -> Result<Vec<Box<dyn Identity>>, VaultError> {
    match how {
        Unlock::Passphrase(passphrase) => {
            let mut identity = age::scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MAX_WORK);
            Ok(vec![Box::new(identity)])
        }
        Unlock::IdentityFile(path) => {
            let bytes = files::read_private(path)?;
            let damaged = || VaultError::Damaged(path.clone());
            let text = std::str::from_utf8(&bytes).map_err(|_| damaged())?;
            let lines = text.lines().map(str::trim);
            let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            let mut identities: Vec<Box<dyn Identity>> = Vec::new();
            for key in keys {
                let key = age::x25519::Identity::from_str(key).map_err(|_| damaged())?;
                identities.push(Box::new(key));
            }
            if identities.is_empty() {
                return Err(damaged());
            }
            Ok(identities)
        }
        Unlock::SshKey(path, passphrase) => {
            let bytes = files::read_private(path)?;
            let identity = age::ssh::Identity::from_buffer(bytes.as_slice(), None)
                .map_err(|_| VaultError::Damaged(path.clone()))?;
            if matches!(identity, age::ssh::Identity::Encrypted(_)) && passphrase.is_none() {
                return Err(VaultError::SshKeyLocked(path.clone()));
            }
            Ok(vec![Box::new(
                identity.with_callbacks(Answer(passphrase.clone())),
            )])
        }
    }
}

/// Answers age's question for the passphrase of an SSH key.
#[derive(Clone)]
struct Answer(Option<SecretString>);

impl Callbacks for Answer {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _: &str) -> Option<SecretString> {
        self.0.clone()
    }
}
