//! `[connection] sign_in`: the way to sign in, with what that way needs.
//!
//! Reads no secrets. Invariant: a way that cannot work without a secret or an address has it.

use std::path::PathBuf;

use toml::Spanned;

use super::problem::Problem;
use super::resolved::LoginAddress;

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// A person allows the app in a browser.
    Browser {
        /// Where the consumer secret is, if the app requires one.
        secret: Option<SecretRef>,
    },
    /// A key signs for a user.
    Jwt,
    /// The app stands for a user with its own secret, at the org's own address.
    ClientCredentials {
        /// Where the consumer secret is.
        secret: SecretRef,
    },
    /// A person types a code.
    Device {
        /// Where the consumer secret is, if the app requires one.
        secret: Option<SecretRef>,
    },
}

/// Where a secret is kept; never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable of this name.
    Env(String),
    /// In a file, first line.
    File(PathBuf),
}

impl SignIn {
    /// Where the consumer secret is, if one is used.
    pub fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Browser { secret } | Self::Device { secret } => secret.as_ref(),
            Self::ClientCredentials { secret } => Some(secret),
            Self::Jwt => None,
        }
    }
}

/// The word of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Browser,
    Jwt,
    ClientCredentials,
    Device,
}

/// Reads the place of a secret.
pub(super) fn secret_ref(text: &str) -> Result<SecretRef, &'static str> {
    let expected = "where the secret is, not the secret: \"env:NAME\" or \"file:/PATH\"";
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(SecretRef::Env(name.into())),
        Some(("file", path)) if path.starts_with('/') => Ok(SecretRef::File(path.into())),
        _ => Err(expected),
    }
}

/// Puts the way and what it needs together. `way` and `login` carry the place in the file to point
/// at; the same for `secret`, where one is given.
pub(super) fn resolve(
    way: &Spanned<Way>,
    secret: Option<Spanned<SecretRef>>,
    login: &Spanned<LoginAddress>,
) -> Result<SignIn, Problem> {
    let place = secret.as_ref().map(Spanned::span);
    let secret = secret.map(Spanned::into_inner);
    match (way.get_ref(), secret) {
        (Way::Browser, secret) => Ok(SignIn::Browser { secret }),
        (Way::Device, secret) => Ok(SignIn::Device { secret }),
        (Way::Jwt, None) => Ok(SignIn::Jwt),
        (Way::Jwt, Some(_)) => Err(Problem::new(
            place.unwrap_or_else(|| way.span()),
            "a sign-in by key uses no secret",
        )
        .expected("no client_secret beside sign_in = \"jwt\"")),
        (Way::ClientCredentials, None) => Err(Problem::new(
            way.span(),
            "client credentials need the secret of the app",
        )
        .expected("also client_secret = \"env:NAME\" or \"file:/PATH\"")),
        (Way::ClientCredentials, Some(_)) if login.get_ref().is_shared() => Err(Problem::new(
            login.span(),
            "client credentials work only at the organisation's own address",
        )
        .expected("login_host with the My Domain, such as \"acme.my.salesforce.com\"")),
        (Way::ClientCredentials, Some(secret)) => Ok(SignIn::ClientCredentials { secret }),
    }
}
