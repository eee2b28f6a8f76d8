//! Identity tokens (OpenID Connect) of sign-ins with the scope `openid` (salesforce-api 1.3).
//!
//! Signed with RS256 by a key of the org that is made when the first one is needed. Invariant: the
//! key leaves the org only as its public half.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    digest,
    rand::SystemRandom,
    rsa::{KeyPair, PublicKeyComponents},
    signature::RSA_PKCS1_SHA256,
};
use serde_json::{Value as Json, json};

use super::Issued;
use crate::sandbox::{keys, server::Server};

/// Seconds a token is good for.
const LIFE: i64 = 120;
/// What the org calls its key.
const KEY: &str = "1";

/// The token of a sign-in, if it asked for one.
pub fn of(server: &Server, issued: &Issued, identity: &str) -> Option<String> {
    if !issued.scope.split(' ').any(|scope| scope == "openid") {
        return None;
    }
    let hash = digest::digest(&digest::SHA256, issued.access.as_bytes());
    let half = BASE64URL_NOPAD.encode(&hash.as_ref()[..16]);
    let now = server.clock.now();
    let mut claims = json!({
        "at_hash": half, "sub": identity, "aud": server.oauth().app.client_id,
        "iss": server.url(), "exp": now + LIFE, "iat": now,
    });
    if let Some(nonce) = &issued.nonce {
        claims["nonce"] = json!(nonce);
    }
    let head = json!({"alg": "RS256", "typ": "JWT", "kid": KEY});
    let part = |json: &Json| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(&head), part(&claims));
    let key = server.signing_key()?;
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .ok()?;
    Some(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
}

/// The public key, as those who check tokens read it.
pub fn keys(server: &Server) -> Json {
    let key = server.signing_key().map(|key| {
        let parts = PublicKeyComponents::<Vec<u8>>::from(key.public());
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY,
            "n": BASE64URL_NOPAD.encode(&parts.n), "e": BASE64URL_NOPAD.encode(&parts.e),
        })
    });
    json!({ "keys": key.into_iter().collect::<Vec<_>>() })
}

/// A new key of the org; none when the system cannot make one.
pub fn new_key() -> Option<KeyPair> {
    KeyPair::from_pkcs8(&keys::private()?).ok()
}
