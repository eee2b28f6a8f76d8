//! What can go wrong with the vault, each with a remedy. No variant holds key material.

use crate::error::{Error, Kind};
use std::path::PathBuf;

/// A failure of the vault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no vault in the directory.
    #[error("there is no vault in {}", .0.display())]
    Missing(PathBuf),
    /// There is a vault, or an identity, already; it is never written over.
    #[error("{} is there already", .0.display())]
    AlreadyThere(PathBuf),
    /// The passphrase does not open the vault, or the SSH key.
    #[error("the passphrase does not fit")]
    WrongPassphrase,
    /// The identity is fine, but the vault is not sealed for it.
    #[error("none of the identities in {} opens this vault", .0.display())]
    NoMatch(PathBuf),
    /// The vault is opened by a passphrase, and a key file was given.
    #[error("this vault is opened with a passphrase")]
    NeedsPassphrase,
    /// The vault is opened by a key file, and a passphrase was given.
    #[error("this vault is opened with an identity file or an SSH key")]
    NeedsIdentity,
    /// The SSH key is itself protected, and its passphrase was not given.
    #[error("the SSH key {} is protected by a passphrase", .0.display())]
    SshKeyLocked(PathBuf),
    /// Others may read the private key.
    #[error("others may read {} (mode {mode:03o})", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The private key belongs to another user.
    #[error("{} belongs to another user", .0.display())]
    NotOurs(PathBuf),
    /// A file of the vault, or an identity file, does not parse or was changed.
    #[error("{} is damaged", .0.display())]
    Damaged(PathBuf),
    /// The key file was written by a newer version.
    #[error("the vault has format {0}, which this version does not know")]
    Newer(u32),
    /// Text that should be a recipient is not.
    #[error("`{0}` is not a recipient")]
    BadRecipient(String),
    /// A vault must be for somebody.
    #[error("there is no recipient to seal the vault for")]
    NoRecipients,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The operating system gave no random bytes.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The operating system refused a read or a write.
    #[error("{what} {} failed: {detail}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
}

impl VaultError {
    /// What the reader can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing(_) => {
                "run `syncdeck setup` (or `syncdeck vault init`) for a new profile, or restore the vault directory from its backup".into()
            }
            Self::AlreadyThere(path) => format!(
                "use it, or move {} away first; what was sealed with it needs it",
                path.display()
            ),
            Self::WrongPassphrase => {
                "check the keyboard layout and caps lock, and try again".into()
            }
            Self::NoMatch(_) => {
                "give the identity file or SSH key that the vault was made for; `syncdeck vault status` \
                 lists its recipients"
                    .into()
            }
            Self::NeedsPassphrase => "type the passphrase of the vault".into(),
            Self::NeedsIdentity => "give the identity file or the SSH key".into(),
            Self::SshKeyLocked(_) => "type the passphrase of the SSH key".into(),
            Self::Permissions { path, .. } => format!("run: chmod 600 {}", path.display()),
            Self::NotOurs(path) => format!(
                "run syncdeck as the user that owns {}, or use an identity of your own",
                path.display()
            ),
            Self::Damaged(path) => format!("restore {} from a backup", path.display()),
            Self::Newer(_) => "use the newer version of syncdeck".into(),
            Self::BadRecipient(_) => {
                "a recipient starts with age1, ssh-ed25519 or ssh-rsa (2048 bits or more)".into()
            }
            Self::NoRecipients => "name at least one recipient".into(),
            Self::EmptyPassphrase => "choose a passphrase of several words".into(),
            Self::NoRandomness => {
                "this is a fault of the machine; try again after a restart".into()
            }
            Self::Io { .. } => "check the disk and the permissions of the directory".into(),
        }
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Error::new(Kind::Vault, error.to_string())
            .hint(error.remedy())
            .caused_by(error)
    }
}
