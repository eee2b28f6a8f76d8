//! OpenID Connect: identity tokens and the key they are checked with; introspection.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

use super::*;

fn part(text: &str) -> Value {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn an_identity_token_can_be_checked() {
    let org = Org::small().await;
    assert!(
        org.tokens.get("id_token").is_none(),
        "only openid gives one"
    );
    let url = url::Url::parse(&org.url("/services/oauth2/authorize")).unwrap();
    let info = org.running.info();
    let ask = org.http.get(url).query(&[
        ("response_type", "code"),
        ("client_id", &info.client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "openid api refresh_token"),
        ("code_challenge", CHALLENGE),
        ("nonce", "n-0S6_WzA2Mj"),
    ]);
    let code = query_of(read(ask).await.header("location"), "code").unwrap();
    let tokens = org.exchange(&code).await.json();
    let token = tokens["id_token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let found = read(org.http.get(org.url("/.well-known/openid-configuration")))
        .await
        .json();
    let keys = read(org.http.get(found["jwks_uri"].as_str().unwrap()))
        .await
        .json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&part(head)["kid"], &part(head)["alg"]),
        (&key["kid"], &json!("RS256"))
    );
    let number = |name: &str| {
        BASE64URL_NOPAD
            .decode(key[name].as_str().unwrap().as_bytes())
            .unwrap()
    };
    let public = RsaPublicKeyComponents {
        n: number("n"),
        e: number("e"),
    };
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    public
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
        .unwrap();
    let claims = part(claims);
    assert_eq!(claims["iss"], *info.url);
    assert_eq!(claims["aud"], *info.client_id);
    assert_eq!(
        (&claims["sub"], &claims["nonce"]),
        (&tokens["id"], &json!("n-0S6_WzA2Mj"))
    );
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
    let again = org
        .refresh(tokens["refresh_token"].as_str().unwrap())
        .await
        .json();
    assert!(again["id_token"].is_string(), "{again}");
}

#[tokio::test]
async fn both_kinds_of_tokens_are_introspected() {
    let org = Org::small().await;
    let info = org.running.info();
    let ask = |token: String| {
        let form = [
            ("token", token),
            ("client_id", info.client_id.clone()),
            ("client_secret", info.client_secret.clone()),
        ];
        read(
            org.http
                .post(org.url("/services/oauth2/introspect"))
                .form(&form),
        )
    };
    let token = |name: &str| org.tokens[name].as_str().unwrap().to_owned();
    let access = ask(token("access_token")).await.json();
    assert_eq!(
        (&access["active"], &access["token_type"]),
        (&json!(true), &json!("access_token"))
    );
    assert!(access["exp"].is_i64());
    let lasting = ask(token("refresh_token")).await.json();
    assert_eq!(
        (&lasting["active"], &lasting["token_type"]),
        (&json!(true), &json!("refresh_token"))
    );
    assert_eq!(
        (&lasting["sub"], &lasting["username"]),
        (&access["sub"], &json!(info.username))
    );
    org.control().revoke_grants();
    for name in ["access_token", "refresh_token"] {
        assert_eq!(ask(token(name)).await.json(), json!({"active": false}));
    }
    let missing = org
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &org.code().await),
            ("client_id", &info.client_id),
            ("code_verifier", VERIFIER),
        ])
        .await;
    assert_eq!(missing.json()["error"], "redirect_uri_missing");
}
