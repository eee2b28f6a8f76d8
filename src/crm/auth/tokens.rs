//! Tokens, and where they are kept.
//!
//! Invariant: a token has no printable form and is wiped from memory when dropped.

use std::fmt;

use futures::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::domain::id::{CrmId, OrgId};
use crate::error::{Error, Kind, Result};

/// What a sign-in or a refresh gave. Made only from a checked answer.
#[derive(Clone)]
pub struct Tokens {
    pub(super) access: SecretString,
    pub(super) refresh: Option<SecretString>,
    pub(super) instance_url: Url,
    pub(super) identity_url: Url,
    pub(super) login_url: Url,
    pub(super) scope: String,
    pub(super) issued_at: Timestamp,
    pub(super) org: OrgId,
    pub(super) user: CrmId,
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
}

impl Drop for Kept {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.access.zeroize();
        self.refresh.zeroize();
    }
}

const VERSION: u8 = 1;

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

    /// Whether they can be renewed without a person.
    pub fn renewable(&self) -> bool {
        self.refresh.is_some()
    }

    /// Bytes to be sealed and kept. They hold the tokens in clear.
    ///
    /// # Errors
    /// Never in practice; kind `Internal`.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        let kept = Kept {
            v: VERSION,
            access: self.access.expose_secret().to_owned(),
            refresh: self.refresh.as_ref().map(|t| t.expose_secret().to_owned()),
            instance_url: self.instance_url.clone(),
            identity_url: self.identity_url.clone(),
            login_url: self.login_url.clone(),
            scope: self.scope.clone(),
            issued_at: self.issued_at,
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
        if kept.v != VERSION {
            return Err(unreadable());
        }
        Ok(Self {
            access: std::mem::take(&mut kept.access).into(),
            refresh: kept.refresh.take().map(Into::into),
            instance_url: kept.instance_url.clone(),
            identity_url: kept.identity_url.clone(),
            login_url: kept.login_url.clone(),
            scope: std::mem::take(&mut kept.scope),
            issued_at: kept.issued_at,
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
    use super::*;

    fn tokens() -> Tokens {
        let identity_url =
            Url::parse("https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS")
                .unwrap();
        let (org, user) = identity_parts(&identity_url).unwrap();
        Tokens {
            access: "00D!secret-access".into(),
            refresh: Some("5Aep-secret-refresh".into()),
            instance_url: Url::parse("https://acme.my.salesforce.com").unwrap(),
            identity_url,
            login_url: Url::parse("https://login.salesforce.com").unwrap(),
            scope: "api refresh_token".into(),
            issued_at: Timestamp::from_millisecond(1_278_448_384_422).unwrap(),
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
            back.refresh.as_ref().unwrap().expose_secret(),
            "5Aep-secret-refresh"
        );
        assert_eq!(back.org().as_str(), "00Dxx0000001gPLEAY");
        assert_eq!(back.issued_at(), tokens().issued_at());
    }

    #[test]
    fn never_prints_a_secret() {
        assert!(!format!("{:?}", tokens()).contains("secret"));
        let error = Tokens::decode(br#"{"v":1,"access":"a-secret","refresh":5}"#).unwrap_err();
        assert!(!format!("{error:?}").contains("a-secret"));
    }
}
