//! The ways to sign in, and what each needs (salesforce-api 1.2, 1.6).
//!
//! No calls. Invariant: a way that cannot work without something cannot be written down without
//! it; a secret that could not be had is in the way only of what needs it.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A person allows the app in a browser: authorization code with PKCE.
    #[default]
    Browser,
    /// A key signs for a user: JWT bearer.
    Jwt,
    /// The app stands for a user with its own secret: client credentials.
    ClientCredentials,
    /// A person types a code on a page: device flow. Not the way unless somebody chooses it:
    /// Salesforce blocks it for most apps since September 2025 (salesforce-api 1.6).
    Device,
}

impl Way {
    /// The word of the config file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Jwt => "jwt",
            Self::ClientCredentials => "client-credentials",
            Self::Device => "device",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The consumer secret of the app, as it was found at the start.
#[derive(Debug, Clone)]
pub enum AppSecret {
    /// It.
    Here(SecretString),
    /// It could not be had. Signing out and looking work without it.
    Missing(NoSecret),
}

/// Why there is no secret, and what helps. Holds no part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NoSecret {
    /// One sentence, no full stop.
    pub what: String,
    /// What the reader can do.
    pub fix: String,
}

impl AppSecret {
    fn get(&self) -> Result<&SecretString, NoSecret> {
        match self {
            Self::Here(secret) => Ok(secret),
            Self::Missing(why) => Err(why.clone()),
        }
    }
}

impl<T: Into<SecretString>> From<T> for AppSecret {
    fn from(secret: T) -> Self {
        Self::Here(secret.into())
    }
}

/// The way that the settings choose, with the settings it needs.
#[derive(Debug, Clone)]
pub enum Grant {
    /// See [`Way::Browser`].
    Browser {
        /// Consumer secret of an app that requires one.
        client_secret: Option<AppSecret>,
    },
    /// See [`Way::Jwt`]. User and key come with the sign-in and are kept with its token.
    Jwt,
    /// See [`Way::ClientCredentials`].
    ClientCredentials {
        /// Consumer secret.
        client_secret: AppSecret,
    },
    /// See [`Way::Device`].
    Device {
        /// Consumer secret of an app that requires one.
        client_secret: Option<AppSecret>,
    },
}

impl Grant {
    /// Which way it is.
    pub fn way(&self) -> Way {
        match self {
            Self::Browser { .. } => Way::Browser,
            Self::Jwt => Way::Jwt,
            Self::ClientCredentials { .. } => Way::ClientCredentials,
            Self::Device { .. } => Way::Device,
        }
    }

    /// Consumer secret, if the app has one.
    ///
    /// # Errors
    /// It has one, and it is not here.
    pub fn secret(&self) -> Result<Option<&SecretString>, NoSecret> {
        let secret = match self {
            Self::Browser { client_secret } | Self::Device { client_secret } => {
                client_secret.as_ref()
            }
            Self::ClientCredentials { client_secret } => Some(client_secret),
            Self::Jwt => None,
        };
        secret.map(AppSecret::get).transpose()
    }
}
