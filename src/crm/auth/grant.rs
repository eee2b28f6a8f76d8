//! The ways to sign in, and what each needs (salesforce-api 1.2, 1.6).
//!
//! No calls. Invariant: a way that cannot work without something cannot be written down without
//! it.

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

/// The way that the settings choose, with the settings it needs.
#[derive(Debug, Clone)]
pub enum Grant {
    /// See [`Way::Browser`].
    Browser {
        /// Consumer secret of an app that requires one.
        client_secret: Option<SecretString>,
    },
    /// See [`Way::Jwt`]. User and key come with the sign-in and are kept with its token.
    Jwt,
    /// See [`Way::ClientCredentials`].
    ClientCredentials {
        /// Consumer secret.
        client_secret: SecretString,
    },
    /// See [`Way::Device`].
    Device {
        /// Consumer secret of an app that requires one.
        client_secret: Option<SecretString>,
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
    pub(super) fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Browser { client_secret } | Self::Device { client_secret } => {
                client_secret.as_ref()
            }
            Self::ClientCredentials { client_secret } => Some(client_secret),
            Self::Jwt => None,
        }
    }
}
