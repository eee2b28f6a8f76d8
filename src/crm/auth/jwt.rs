//! Signed assertions of the JWT bearer grant (salesforce-api 1.6).
//!
//! Reads no files. Invariants: the private key has no printable form and is wiped when dropped;
//! an assertion is good for two minutes, for one user at one kind of login host.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::pem::{PemObject, SectionKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::error::AuthError;
use crate::crm::transport::host::is_loopback;

/// How long an assertion is good. Salesforce allows about three minutes; a minute is left for
/// clocks that differ.
pub(super) const LIFE: SignedDuration = SignedDuration::from_secs(120);

/// A user, and the private key of the certificate in the app that may sign in as that user.
#[derive(Clone)]
pub struct JwtKey {
    username: String,
    /// PKCS#8 or PKCS#1, in DER. Readable: it was read once when this was made.
    der: Zeroizing<Vec<u8>>,
}

/// What is wrong with a key or a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not PEM, or nothing in it.
    #[error("there is no key in PEM form in it")]
    NotPem,
    /// A certificate or a public key.
    #[error("it holds a certificate or a public key, not the private key")]
    NotPrivate,
    /// Protected by a passphrase.
    #[error("the key is protected by a passphrase")]
    Locked,
    /// Of another kind than RSA.
    #[error("it is not an RSA key")]
    NotRsa,
    /// RSA, but not fit for signing.
    #[error("the RSA key cannot be used: it is damaged, or shorter than 2048 bits")]
    Unfit,
    /// No user name.
    #[error("the name of the user is empty")]
    NoUser,
}

impl KeyProblem {
    /// What helps.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotPem | Self::NotPrivate => {
                "give the private key that belongs to the app's certificate, as PKCS#8 or PKCS#1 in PEM form"
            }
            Self::Locked => {
                "write it without the passphrase (openssl pkcs8 -topk8 -nocrypt), give that file, then delete it"
            }
            Self::NotRsa | Self::Unfit => {
                "make an RSA key of 2048 bits or more and put its certificate into the app"
            }
            Self::NoUser => "name the user of the organisation: --username NAME",
        }
    }
}

impl JwtKey {
    /// Takes a private key in PEM form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_pem(username: &str, pem: &SecretString) -> Result<Self, KeyProblem> {
        let text = pem.expose_secret();
        if text.contains("Proc-Type: 4,ENCRYPTED") || text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            return Err(KeyProblem::Locked);
        }
        let mut found = KeyProblem::NotPem;
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            let Ok((kind, bytes)) = section else { break };
            let der = Zeroizing::new(bytes);
            match kind {
                SectionKind::PrivateKey | SectionKind::RsaPrivateKey => {
                    return Self::from_der(username, der);
                }
                SectionKind::EcPrivateKey => found = KeyProblem::NotRsa,
                _ if found == KeyProblem::NotPem => found = KeyProblem::NotPrivate,
                _ => {}
            }
        }
        Err(found)
    }

    /// Takes a private key in DER form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn from_der(username: &str, der: Zeroizing<Vec<u8>>) -> Result<Self, KeyProblem> {
        let username = username.trim();
        if username.is_empty() {
            return Err(KeyProblem::NoUser);
        }
        read(&der)?;
        Ok(Self {
            username: username.to_owned(),
            der,
        })
    }

    /// The user it signs in as.
    pub fn username(&self) -> &str {
        &self.username
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// An assertion for an app at a login host.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        login_url: &Url,
        now: Timestamp,
    ) -> Result<SecretString, AuthError> {
        let failed = || AuthError::Settings("the key cannot sign");
        let key = read(&self.der).map_err(AuthError::Key)?;
        let claims = json!({
            "iss": client_id,
            "sub": self.username,
            "aud": audience(login_url),
            "exp": (now + LIFE).as_second(),
        });
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!(
            "{}.{}",
            part(r#"{"alg":"RS256","typ":"JWT"}"#),
            part(&claims.to_string())
        );
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| failed())?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)).into())
    }
}

fn read(der: &[u8]) -> Result<KeyPair, KeyProblem> {
    match KeyPair::from_pkcs8(der) {
        Ok(key) => Ok(key),
        // `ring` gives its reasons as words only; keys of other kinds come with these.
        Err(why) if ["WrongAlgorithm", "VersionNotSupported"].contains(&&*why.to_string()) => {
            Err(KeyProblem::NotRsa)
        }
        Err(_) => KeyPair::from_der(der).map_err(|_| KeyProblem::Unfit),
    }
}

/// Whom an assertion is for: the kind of login host, not the host. An org's own address stands
/// for `login` or, where the org is a sandbox or a scratch org, for `test`.
pub(super) fn audience(login_url: &Url) -> String {
    let host = login_url.host_str().unwrap_or_default();
    let of_test = host == "test.salesforce.com"
        || host.contains(".sandbox.")
        || host.contains(".scratch.")
        || host.contains("--");
    if is_loopback(login_url) {
        login_url.origin().ascii_serialization()
    } else if of_test {
        "https://test.salesforce.com".to_owned()
    } else {
        "https://login.salesforce.com".to_owned()
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
    use rsa::pkcs8::DecodePrivateKey;

    use super::*;

    /// A key made for tests and good for nothing else, as PKCS#8.
    pub(in crate::crm::auth) const PEM: &str = include_str!("../../../tests/fixtures/jwt.key");

    fn pem(text: &str) -> SecretString {
        text.to_owned().into()
    }

    fn rsa() -> rsa::RsaPrivateKey {
        let key = JwtKey::from_pem("a", &pem(PEM)).unwrap();
        rsa::RsaPrivateKey::from_pkcs8_der(key.der()).unwrap()
    }

    fn der_pem(label: &str, der: &[u8]) -> String {
        let text = data_encoding::BASE64.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    #[test]
    fn both_forms_of_a_key_are_read() {
        let eight = JwtKey::from_pem(" sync@acme.example ", &pem(PEM)).unwrap();
        assert_eq!(eight.username(), "sync@acme.example");
        let one = der_pem("RSA PRIVATE KEY", rsa().to_pkcs1_der().unwrap().as_bytes());
        JwtKey::from_pem("a", &pem(&one)).unwrap();
        // The certificate may come first.
        let both = format!("{}{PEM}", der_pem("CERTIFICATE", b"something"));
        JwtKey::from_pem("a", &pem(&both)).unwrap();
    }

    #[test]
    fn what_is_no_such_key_is_named() {
        let elliptic = rcgen::KeyPair::generate().unwrap();
        let public = rsa().to_public_key().to_pkcs1_der().unwrap();
        for (text, problem) in [
            (String::new(), KeyProblem::NotPem),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n".into(), KeyProblem::NotPem),
            (der_pem("PRIVATE KEY", b"nothing"), KeyProblem::Unfit),
            (elliptic.serialize_pem(), KeyProblem::NotRsa),
            (der_pem("ENCRYPTED PRIVATE KEY", b"x"), KeyProblem::Locked),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n".into(),
                KeyProblem::Locked,
            ),
            (der_pem("CERTIFICATE", b"x"), KeyProblem::NotPrivate),
            (der_pem("PUBLIC KEY", public.as_bytes()), KeyProblem::NotPrivate),
        ] {
            let error = JwtKey::from_pem("a", &pem(&text)).unwrap_err();
            assert_eq!(error, problem, "{text}");
        }
        let nobody = JwtKey::from_pem("  ", &pem(PEM)).unwrap_err();
        assert_eq!(nobody, KeyProblem::NoUser);
    }

    #[test]
    fn an_assertion_says_who_for_whom_and_for_how_long() {
        let key = JwtKey::from_pem("sync@acme.example", &pem(PEM)).unwrap();
        let login = Url::parse("https://acme--uat.sandbox.my.salesforce.com").unwrap();
        let now = Timestamp::from_second(1_795_248_000).unwrap();
        let text = key.assertion("3MVG9.id", &login, now).unwrap();
        let (signed, signature) = text.expose_secret().rsplit_once('.').unwrap();
        let payload = signed.split_once('.').unwrap().1;
        let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(
            claims,
            json!({"iss": "3MVG9.id", "sub": "sync@acme.example",
                "aud": "https://test.salesforce.com", "exp": 1_795_248_120})
        );
        assert!(LIFE <= SignedDuration::from_secs(180));
        let public = rsa().to_public_key().to_pkcs1_der().unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_bytes())
            .verify(
                signed.as_bytes(),
                &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap(),
            )
            .unwrap();
    }

    #[test]
    fn the_audience_follows_the_kind_of_login_host() {
        for (host, wanted) in [
            (
                "https://login.salesforce.com",
                "https://login.salesforce.com",
            ),
            ("https://test.salesforce.com", "https://test.salesforce.com"),
            (
                "https://acme.my.salesforce.com",
                "https://login.salesforce.com",
            ),
            (
                "https://acme-dev-ed.develop.my.salesforce.com",
                "https://login.salesforce.com",
            ),
            (
                "https://acme--uat.sandbox.my.salesforce.com",
                "https://test.salesforce.com",
            ),
            (
                "https://acme--uat.my.salesforce.com",
                "https://test.salesforce.com",
            ),
            (
                "https://x-y.scratch.my.salesforce.com",
                "https://test.salesforce.com",
            ),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(audience(&Url::parse(host).unwrap()), wanted, "{host}");
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        let key = JwtKey::from_pem("sync@acme.example", &pem(PEM)).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains("sync@acme.example"), "{shown}");
        assert!(!shown.contains("der"), "{shown}");
    }
}
