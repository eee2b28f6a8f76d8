//! Signed assertions (RS256) of the app: read, checked, and their claims.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value as Json;

use super::Refusal;

const INVALID: Refusal = Refusal("invalid_grant", "invalid assertion");

/// What an assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`
    pub issuer: Option<String>,
    /// `sub`, or `prn` as older clients say.
    pub subject: Option<String>,
    audience: Option<String>,
    /// Seconds since 1970.
    expires: Option<i64>,
}

/// Reads an assertion whose signature fits the app's key (PKCS#1).
pub fn read(key: &[u8], assertion: &str) -> Result<Claims, Refusal> {
    let (signed, signature) = assertion.trim().rsplit_once('.').ok_or(INVALID)?;
    let (head, payload) = signed.split_once('.').ok_or(INVALID)?;
    let decoded = |part: &str| {
        let bytes = BASE64URL_NOPAD.decode(part.trim_end_matches('=').as_bytes());
        bytes.map_err(|_| INVALID)
    };
    let json = |part: &str| serde_json::from_slice::<Json>(&decoded(part)?).map_err(|_| INVALID);
    if json(head)?.get("alg").and_then(Json::as_str) != Some("RS256") {
        return Err(INVALID);
    }
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(signed.as_bytes(), &decoded(signature)?)
        .map_err(|_| INVALID)?;
    let claims = json(payload)?;
    let text = |name: &str| claims.get(name).and_then(Json::as_str).map(str::to_owned);
    let number = |value: &Json| match value {
        Json::String(text) => text.parse().ok(),
        other => other.as_i64().or_else(|| other.as_f64().map(|n| n as i64)),
    };
    Ok(Claims {
        issuer: text("iss"),
        subject: text("sub").or_else(|| text("prn")),
        audience: text("aud"),
        expires: claims.get("exp").and_then(number),
    })
}

impl Claims {
    /// Refuses an assertion that has ended or is meant for another host.
    pub fn check_time_and_audience(&self, url: &str, now: i64) -> Result<(), Refusal> {
        if self.expires.is_none_or(|at| at <= now) {
            return Err(Refusal("invalid_grant", "expired authorization"));
        }
        let audience = self.audience.as_deref().unwrap_or_default();
        let known = [
            "https://login.salesforce.com",
            "https://test.salesforce.com",
            url,
        ];
        let fits = known.iter().any(|host| {
            let rest = audience.strip_prefix(host);
            rest.is_some_and(|rest| ["", "/", "/services/oauth2/token"].contains(&rest))
        });
        match fits {
            true => Ok(()),
            false => Err(Refusal("invalid_grant", "Audience validation failed")),
        }
    }
}
