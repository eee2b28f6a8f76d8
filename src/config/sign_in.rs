//! `[connection] sign_in`: the way to sign in, with what that way needs.
//!
//! Reads no secrets. Invariant: a way that cannot work without a secret or an address has it.

use std::path::PathBuf;

use toml::Spanned;

use super::login::LoginAddress;
use super::problem::Problem;

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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn read(connection: &str) -> Result<SignIn, String> {
        Config::parse(
            &format!("[connection]\n{connection}\n"),
            Path::new("c.toml"),
        )
        .map(|config| config.connection.sign_in)
        .map_err(|error| error.message().to_owned())
    }

    const SECRET: &str = "client_secret = \"env:S\"";

    #[test]
    fn each_way_has_what_it_needs() {
        assert_eq!(read(""), Ok(SignIn::Browser { secret: None }));
        let secret = Some(SecretRef::Env("S".into()));
        assert_eq!(
            read(SECRET),
            Ok(SignIn::Browser {
                secret: secret.clone()
            })
        );
        assert_eq!(read("sign_in = \"jwt\""), Ok(SignIn::Jwt));
        let device = read(&format!("sign_in = \"device\"\n{SECRET}"));
        assert_eq!(device, Ok(SignIn::Device { secret }));
        let own = format!(
            "login_host = \"acme.my.salesforce.com\"\nsign_in = \"client-credentials\"\n{SECRET}"
        );
        let place = SecretRef::Env("S".into());
        assert_eq!(read(&own), Ok(SignIn::ClientCredentials { secret: place }));
    }

    #[test]
    fn what_does_not_fit_together_is_pointed_at() {
        for (text, place, words) in [
            (
                "sign_in = \"client-credentials\"".to_owned(),
                "c.toml:2:11",
                "client_secret = ",
            ),
            (
                format!("sign_in = \"client-credentials\"\n{SECRET}"),
                "c.toml:2:11",
                "My Domain",
            ),
            (
                format!(
                    "sign_in = \"client-credentials\"\n{SECRET}\nlogin_host = \"test.salesforce.com\""
                ),
                "c.toml:4:14",
                "My Domain",
            ),
            (
                format!("sign_in = \"jwt\"\n{SECRET}"),
                "c.toml:3:17",
                "uses no secret",
            ),
            ("sign_in = \"browsr\"".to_owned(), "c.toml:2:11", "browser"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(place), "{error}");
            assert!(error.contains(words), "{error}");
        }
    }
}
