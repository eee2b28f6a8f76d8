//! The one error type that reaches a person: what went wrong, of which kind, and what helps.
//!
//! Modules may have error enums of their own; at the edge they become an [`Error`]. It never
//! holds a secret: whoever builds one writes the message from safe parts.

use std::fmt;

/// What sort of failure this is. It decides the exit code and the wording around the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The command or the input was not understood.
    Usage,
    /// A configuration file is wrong; nothing was started.
    Config,
    /// The vault is locked, or the key does not fit.
    Vault,
    /// The local store could not do it (disk full, damaged, in use, newer format).
    Store,
    /// Sign-in is missing, refused or over.
    Auth,
    /// The CRM refused the request.
    Crm,
    /// The network or the remote side did not answer properly.
    Network,
    /// Somebody changed the thing meanwhile; nothing was overwritten.
    Changed,
    /// A rule or a person does not allow it now.
    Refused,
    /// It was cancelled.
    Cancelled,
    /// A fault of ours.
    Internal,
}

/// A failure with its remedy.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes an error of a kind with a message: one sentence, no full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the cause for the log. Its text must be free of secrets.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message without hint and cause.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The remedy, if one is known.
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Process exit code: 2, it could not be done; 130 after a cancel.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Cancelled => 130,
            _ => 2,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|s| s as &(dyn std::error::Error + 'static))
    }
}
