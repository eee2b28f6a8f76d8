//! Tokens, and where they are kept.
//!
//! Invariant: a token has no printable form and is wiped from memory when dropped.

use std::fmt;
use std::time::Duration;

use data_encoding::BASE64;
use futures::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::error::AuthError;
use super::grant::Way;
use super::jwt::JwtKey;
use crate::domain::id::{CrmId, OrgId};
use crate::error::{Error, Kind, Result};

/// What a sign-in or a refresh gave. Made only from a checked answer.
#[derive(Clone)]
pub struct Tokens {
    pub(super) access: SecretString,
    pub(super) held: Held,
    pub(super) instance_url: Url,
    pub(super) identity_url: Url,
    pub(super) login_url: Url,
    pub(super) scope: String,
    pub(super) issued_at: Timestamp,
    /// How long an access token lasts after its last use, if the org said so.
    pub(super) life: Option<Duration>,
    /// Why only a person can go on, once that is known.
    pub(super) over: Option<String>,
    pub(super) org: OrgId,
    pub(super) user: CrmId,
}

/// The way the sign-in was made, with what renews it.
#[derive(Clone)]
pub(super) enum Held {
    /// By a browser; with the refresh token, if one was granted.
    Browser(Option<SecretString>),
    /// By a device code; with the refresh token, if one was granted.
    Device(Option<SecretString>),
    /// By a key, which signs again.
    Key(JwtKey),
    /// By the app's own secret, which is in the settings.
    AppSecret,
}

impl Held {
    fn way(&self) -> Way {
        match self {
            Self::Browser(_) => Way::Browser,
            Self::Device(_) => Way::Device,
            Self::Key(_) => Way::Jwt,
            Self::AppSecret => Way::ClientCredentials,
        }
    }

    pub(super) fn refresh(&self) -> Option<&SecretString> {
        match self {
            Self::Browser(token) | Self::Device(token) => token.as_ref(),
            Self::Key(_) | Self::AppSecret => None,
        }
    }
}

/// How the sign-in stands, for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// Signed in; renews itself. With the time of the newest access token (server's clock).
    Renews(Timestamp),
    /// Signed in until the access token ends; no refresh token was granted.
    UntilItEnds(Timestamp),
    /// Only a person can go on, and why.
    NeedsSignIn(String),
    /// There are no tokens.
    SignedOut,
}

/// Where the tokens of a connection are kept.
///
/// `save` must be durable before it returns: with rotation the old refresh token is dead at once
/// (salesforce-api 1.4).
pub trait TokenStore: Send + Sync {
    /// The tokens, if there are any.
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>>>;
    /// Keeps the tokens in place of the earlier ones.
    fn save<'a>(&'a self, tokens: &'a Tokens) -> BoxFuture<'a, Result<()>>;
    /// Forgets them.
    fn clear(&self) -> BoxFuture<'_, Result<()>>;
}

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u8,
    access: String,
    refresh: Option<String>,
    instance_url: Url,
    identity_url: Url,
    login_url: Url,
    scope: String,
    issued_at: Timestamp,
    /// From here on since version 2; version 1 knew the browser only.
    #[serde(default)]
    way: Way,
    #[serde(default)]
    key: Option<KeptKey>,
    #[serde(default)]
    life: Option<Duration>,
    #[serde(default)]
    over: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptKey {
    username: String,
    /// Base64.
    der: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.access.zeroize();
        self.refresh.zeroize();
        if let Some(key) = &mut self.key {
            key.der.zeroize();
        }
    }
}

impl Kept {
    /// What renews the sign-in; nothing when the parts do not fit together.
    fn held(&mut self) -> Option<Held> {
        let refresh = self.refresh.take().map(Into::into);
        Some(match (self.way, refresh, &self.key) {
            (Way::Browser, refresh, None) => Held::Browser(refresh),
            (Way::Device, refresh, None) => Held::Device(refresh),
            (Way::Jwt, None, Some(key)) => {
                let der = Zeroizing::new(BASE64.decode(key.der.as_bytes()).ok()?);
                Held::Key(JwtKey::from_der(&key.username, der).ok()?)
            }
            (Way::ClientCredentials, None, None) => Held::AppSecret,
            _ => return None,
        })
    }
}

const VERSION: u8 = 2;

impl Tokens {
    /// Base address of the API.
    pub fn instance_url(&self) -> &Url {
        &self.instance_url
    }

    /// The organisation they are for.
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// The user they are for.
    pub fn user(&self) -> &CrmId {
        &self.user
    }

    /// Granted scopes, separated by spaces.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// When the access token was issued (server's clock).
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// How the sign-in was made.
    pub fn way(&self) -> Way {
        self.held.way()
    }

    /// The key and its user, of a sign-in by key.
    pub fn key(&self) -> Option<&JwtKey> {
        match &self.held {
            Held::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Whether they can be renewed without a person.
    pub fn renewable(&self) -> bool {
        match &self.held {
            Held::Browser(token) | Held::Device(token) => token.is_some(),
            Held::Key(_) | Held::AppSecret => true,
        }
    }

    /// How they stand, where the settings say to sign in this way.
    pub fn standing(&self, wanted: Way) -> TokenState {
        match self.ended(wanted) {
            Some(error) => TokenState::NeedsSignIn(error.to_string()),
            None if self.renewable() => TokenState::Renews(self.issued_at),
            None => TokenState::UntilItEnds(self.issued_at),
        }
    }

    /// Why they cannot be used without a person, if that is so.
    pub(super) fn ended(&self, wanted: Way) -> Option<AuthError> {
        let kept = self.way();
        if kept != wanted {
            return Some(AuthError::OtherWay { kept, wanted });
        }
        self.over.clone().map(AuthError::SignInOver)
    }

    /// How long an access token lasts after its last use, if the org said so.
    pub fn life(&self) -> Option<Duration> {
        self.life
    }

    /// The token whose end ends all others of the sign-in.
    pub(super) fn root(&self) -> &SecretString {
        self.held.refresh().unwrap_or(&self.access)
    }

    /// Bytes to be sealed and kept. They hold the tokens in clear.
    ///
    /// # Errors
    /// Never in practice; kind `Internal`.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        let kept = Kept {
            v: VERSION,
            access: self.access.expose_secret().to_owned(),
            refresh: self.held.refresh().map(|t| t.expose_secret().to_owned()),
            instance_url: self.instance_url.clone(),
            identity_url: self.identity_url.clone(),
            login_url: self.login_url.clone(),
            scope: self.scope.clone(),
            issued_at: self.issued_at,
            way: self.way(),
            key: self.key().map(|key| KeptKey {
                username: key.username().to_owned(),
                der: BASE64.encode(key.der()),
            }),
            life: self.life,
            over: self.over.clone(),
        };
        // Room for all of it, so that growing leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 << 10));
        serde_json::to_writer(&mut *bytes, &kept)
            .map_err(|_| Error::new(Kind::Internal, "the tokens cannot be encoded"))?;
        Ok(bytes)
    }

    /// Reads what [`Tokens::encode`] wrote.
    ///
    /// # Errors
    /// Damaged or of a newer version: kind `Store`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let unreadable =
            || Error::new(Kind::Store, "the kept sign-in cannot be read").hint("sign in again");
        // The cause is dropped on purpose: its text may quote a token.
        let mut kept: Kept = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
        let (org, user) = identity_parts(&kept.identity_url).ok_or_else(unreadable)?;
        if !(1..=VERSION).contains(&kept.v) {
            return Err(unreadable());
        }
        Ok(Self {
            held: kept.held().ok_or_else(unreadable)?,
            access: std::mem::take(&mut kept.access).into(),
            instance_url: kept.instance_url.clone(),
            identity_url: kept.identity_url.clone(),
            login_url: kept.login_url.clone(),
            scope: std::mem::take(&mut kept.scope),
            issued_at: kept.issued_at,
            life: kept.life,
            over: kept.over.take(),
            org,
            user,
        })
    }
}

/// Organisation and user of `https://<host>/id/<org>/<user>`.
pub(super) fn identity_parts(url: &Url) -> Option<(OrgId, CrmId)> {
    let mut parts = url.path_segments()?;
    if parts.next()? != "id" {
        return None;
    }
    let org: CrmId = parts.next()?.parse().ok()?;
    let user: CrmId = parts.next()?.parse().ok()?;
    (org.prefix() == "00D").then(|| (OrgId::new(org.as_str()), user))
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("org", &self.org)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::jwt::tests::PEM;
    use super::*;

    fn tokens() -> Tokens {
        let identity_url =
            Url::parse("https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS")
                .unwrap();
        let (org, user) = identity_parts(&identity_url).unwrap();
        Tokens {
            access: "00D!secret-access".into(),
            held: Held::Browser(Some("5Aep-secret-refresh".into())),
            instance_url: Url::parse("https://acme.my.salesforce.com").unwrap(),
            identity_url,
            login_url: Url::parse("https://login.salesforce.com").unwrap(),
            scope: "api refresh_token".into(),
            issued_at: Timestamp::from_millisecond(1_278_448_384_422).unwrap(),
            life: None,
            over: None,
            org,
            user,
        }
    }

    #[test]
    fn keeps_and_reads_back() {
        let bytes = tokens().encode().unwrap();
        let back = Tokens::decode(&bytes).unwrap();
        assert_eq!(back.access.expose_secret(), "00D!secret-access");
        assert_eq!(
            back.held.refresh().unwrap().expose_secret(),
            "5Aep-secret-refresh"
        );
        assert_eq!(back.org().as_str(), "00Dxx0000001gPLEAY");
        assert_eq!(back.issued_at(), tokens().issued_at());
    }

    #[test]
    fn every_way_comes_back_as_it_was() {
        let key = JwtKey::from_pem("sync@acme.example", &PEM.to_owned().into()).unwrap();
        for held in [
            Held::Browser(None),
            Held::Device(Some("5Aep-secret".into())),
            Held::Key(key),
            Held::AppSecret,
        ] {
            let before = Tokens {
                held,
                life: Some(Duration::from_secs(7200)),
                over: Some("it was revoked".to_owned()),
                ..tokens()
            };
            let back = Tokens::decode(&before.encode().unwrap()).unwrap();
            assert_eq!(back.way(), before.way());
            assert_eq!(back.renewable(), before.renewable());
            assert_eq!((back.life(), &back.over), (before.life(), &before.over));
            let user = |t: &Tokens| t.key().map(|k| (k.username().to_owned(), k.der().to_vec()));
            assert_eq!(user(&back), user(&before));
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_and_the_first_version_is_read() {
        let text = |v: u8, more: &str| {
            format!(
                r#"{{"v":{v},"access":"a","refresh":"r","instance_url":"https://a.my.salesforce.com",
                "identity_url":"https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS",
                "login_url":"https://login.salesforce.com","scope":"","issued_at":"2026-11-21T08:00:00Z"{more}}}"#
            )
        };
        let read = |text: String| Tokens::decode(text.as_bytes());
        assert_eq!(read(text(1, "")).unwrap().way(), Way::Browser);
        assert!(read(text(2, r#","way":"jwt""#)).is_err());
        assert!(read(text(2, r#","way":"client-credentials""#)).is_err());
        assert!(read(text(3, "")).is_err());
    }

    #[test]
    fn never_prints_a_secret() {
        assert!(!format!("{:?}", tokens()).contains("secret"));
        let error = Tokens::decode(br#"{"v":1,"access":"a-secret","refresh":5}"#).unwrap_err();
        assert!(!format!("{error:?}").contains("a-secret"));
    }
}
