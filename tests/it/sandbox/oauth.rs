//! Signing in, tokens and their ends.

use syncdeck::sandbox::{Options, Rotation, SecretPolicy};

use super::*;

#[tokio::test]
async fn tokens_have_the_form_of_salesforce() {
    let org = Org::small().await;
    let info = org.running.info();
    let t = &org.tokens;
    assert_eq!(t["token_type"], "Bearer");
    assert_eq!(t["instance_url"], *info.instance_url);
    assert_eq!(t["scope"], "api refresh_token id");
    assert!(t.get("expires_in").is_none());
    let org_id = &info.org_id;
    assert_eq!(org_id.len(), 18);
    let access = t["access_token"].as_str().unwrap();
    assert!(access.starts_with(&format!("{}!", &org_id[..15])));
    assert!(t["refresh_token"].as_str().unwrap().starts_with("5Aep861"));
    let issued = t["issued_at"].as_str().unwrap();
    assert_eq!(issued.len(), 13);
    let id = t["id"].as_str().unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, info.client_secret.as_bytes());
    let signature = t["signature"].as_str().unwrap();
    let signature = data_encoding::BASE64.decode(signature.as_bytes()).unwrap();
    ring::hmac::verify(&key, format!("{id}{issued}").as_bytes(), &signature).unwrap();

    let identity = read(org.http.get(id).bearer_auth(access)).await.json();
    assert_eq!(identity["username"], *info.username);
    assert_eq!(identity["organization_id"], **org_id);
    let about = read(
        org.http
            .get(org.url("/services/oauth2/userinfo"))
            .bearer_auth(access),
    )
    .await;
    assert_eq!(about.json()["user_id"], identity["user_id"]);
    let wrong = read(org.http.get(id).bearer_auth("no")).await;
    assert_eq!((wrong.status, &*wrong.text), (403, "Bad_OAuth_Token"));
}

#[tokio::test]
async fn a_person_signs_in_and_allows_or_denies() {
    let options = Options::bare();
    let running = serve(options).await.unwrap();
    let org = Org {
        running,
        http: http(),
        tokens: Value::Null,
    };
    let info = org.running.info().clone();
    let page = org.authorize(&[]).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let post = |fields: Vec<(String, String)>| {
        let url = org.url("/services/oauth2/authorize");
        read(org.http.post(url).form(&fields))
    };
    let mut form = hidden(&page.text);
    assert!(form.contains(&("state".into(), "a b&c".into())));

    form.push(("un".into(), info.username.clone()));
    form.push(("pw".into(), "wrong".into()));
    let wrong = post(form.clone()).await;
    assert!(wrong.text.contains("check your username and password"));

    form.pop();
    form.push(("pw".into(), info.password.clone()));
    let consent = post(form.clone()).await;
    assert!(consent.text.contains("value=\"allow\""), "{}", consent.text);
    let mut deny = hidden(&consent.text);
    let ticket = deny.clone();
    deny.push(("decision".into(), "deny".into()));
    let denied = post(deny).await;
    let back = denied.header("location");
    assert!(back.starts_with(CALLBACK));
    assert_eq!(query_of(back, "error").as_deref(), Some("access_denied"));
    assert_eq!(query_of(back, "state").as_deref(), Some("a b&c"));

    // The decision was used up.
    let mut again = ticket;
    again.push(("decision".into(), "allow".into()));
    assert_eq!(post(again).await.status, 200);

    let mut allow = hidden(&post(form).await.text);
    allow.push(("decision".into(), "allow".into()));
    let allowed = post(allow).await;
    let code = query_of(allowed.header("location"), "code").unwrap();
    assert_eq!(org.exchange(&code).await.status, 200);
    let twice = org.exchange(&code).await;
    assert_eq!(twice.status, 400);
    assert_eq!(twice.json()["error"], "invalid_grant");
}

/// The hidden fields of a page, unescaped.
fn hidden(page: &str) -> Vec<(String, String)> {
    let between = |text: &str, start: &str| {
        let from = text.find(start).unwrap() + start.len();
        text[from..].split('"').next().unwrap().to_owned()
    };
    page.split("<input type=\"hidden\"")
        .skip(1)
        .map(|tag| {
            let value = between(tag, "value=\"").replace("&amp;", "&");
            (between(tag, "name=\""), value)
        })
        .collect()
}

#[tokio::test]
async fn a_wrong_app_or_address_never_comes_back() {
    let org = Org::small().await;
    for (name, value, says) in [
        ("client_id", "other", "invalid_client_id"),
        (
            "redirect_uri",
            "http://localhost:1717/other",
            "redirect_uri_mismatch",
        ),
        (
            "redirect_uri",
            "http://evil.example/callback",
            "redirect_uri_mismatch",
        ),
        (
            "redirect_uri",
            "http://localhost@evil.example/callback",
            "redirect_uri_mismatch",
        ),
    ] {
        let page = org.authorize(&[(name, value)]).await;
        assert_eq!(page.status, 400);
        assert_eq!(page.header("location"), "");
        assert!(page.text.contains(says), "{}", page.text);
    }
    let other_port = org
        .authorize(&[("redirect_uri", "http://localhost:40001/callback")])
        .await;
    assert!(
        other_port
            .header("location")
            .starts_with("http://localhost:40001/callback?code=")
    );
    let none = org.authorize(&[("code_challenge", "")]).await;
    let error = query_of(none.header("location"), "error_description");
    assert_eq!(error.as_deref(), Some("missing required code challenge"));
}

#[tokio::test]
async fn refresh_keeps_or_rotates_and_revoke_ends() {
    let mut org = Org::small().await;
    let first = org.tokens["refresh_token"].as_str().unwrap().to_owned();
    let kept = org.refresh(&first).await.json();
    assert!(kept.get("refresh_token").is_none());
    assert_eq!(kept["instance_url"], org.tokens["instance_url"]);

    org.control().set_rotation(Rotation::Rotate);
    let rotated = org.refresh(&first).await.json();
    let second = rotated["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    // The old one again is taken for theft: the whole approval ends.
    let replay = org.refresh(&first).await;
    assert_eq!(replay.json()["error"], "invalid_grant");
    assert_eq!(org.refresh(&second).await.status, 400);
    assert_eq!(org.get("/limits").await.code(), "INVALID_SESSION_ID");

    org.sign_in().await;
    assert_eq!(org.get("/limits").await.status, 200);
    let token = org.tokens["refresh_token"].as_str().unwrap().to_owned();
    let url = org.url("/services/oauth2/revoke");
    let revoked = read(org.http.post(&url).form(&[("token", &token)])).await;
    assert_eq!((revoked.status, &*revoked.text), (200, ""));
    assert_eq!(org.get("/limits").await.status, 401);
    assert_eq!(
        org.refresh(&token).await.json()["error_description"],
        "expired access/refresh token"
    );
    let again = read(org.http.post(&url).form(&[("token", &token)])).await;
    assert_eq!(again.status, 400);
}

#[tokio::test]
async fn codes_and_sessions_end_with_time() {
    let org = Org::small().await;
    let code = org.code().await;
    org.control().advance(16 * 60);
    assert_eq!(
        org.exchange(&code).await.json()["error_description"],
        "expired authorization code"
    );
    assert_eq!(org.get("/limits").await.status, 200);
    org.control().advance(3 * 3600);
    let late = org.get("/limits").await;
    assert_eq!((late.status, &*late.code()), (401, "INVALID_SESSION_ID"));
}

#[tokio::test]
async fn the_secret_is_checked_when_it_is_given_or_asked_for() {
    let org = Org::start(small()).await;
    let info = org.running.info();
    let refresh = org.tokens["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", &info.client_id),
        ("client_secret", "wrong"),
    ];
    assert_eq!(org.token(&form).await.json()["error"], "invalid_client");
    assert_eq!(org.token(&form[..3]).await.status, 200);

    let running = serve(Options {
        secret: SecretPolicy::Required,
        ..small()
    });
    let strict = Org {
        running: running.await.unwrap(),
        http: http(),
        tokens: Value::Null,
    };
    let code = strict.code().await;
    assert_eq!(
        strict.exchange(&code).await.json()["error"],
        "invalid_client"
    );
}
