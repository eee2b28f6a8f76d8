//! Signing in by key and by the app's secret: what is kept, how it is renewed, who is told what when
//! it is refused.

mod device;

use secrecy::SecretString;
use syncdeck::crm::auth::{AuthError, Disconnected, JwtKey, TokenState, Way};
use syncdeck::crm::{Crm, ErrorClass};
use syncdeck::sandbox::{Offer, Options, Running, serve};

use super::*;

const TOKEN: &str = "/services/oauth2/token";

fn by_secret(secret: &str) -> Grant {
    Grant::ClientCredentials {
        client_secret: secret.to_owned().into(),
    }
}

fn oauth(uri: &str, client_id: &str, grant: Grant) -> OAuth {
    let app = OAuthApp {
        grant,
        ..app(uri, client_id)
    };
    OAuth::new(http(PATIENT), app).unwrap()
}

fn at(running: &Running, grant: Grant) -> OAuth {
    oauth(&running.info().login_url, &running.info().client_id, grant)
}

/// An org with a key pair, and the key: its file is gone.
async fn keyed() -> (Running, JwtKey) {
    let running = serve(Options {
        jwt_key: Offer::Yes,
        ..Options::bare()
    })
    .await
    .unwrap();
    let info = running.info();
    let file = info.jwt_key_file.as_ref().unwrap();
    let pem = SecretString::from(std::fs::read_to_string(file).unwrap());
    std::fs::remove_file(file).unwrap();
    let key = JwtKey::from_pem(&info.username, &pem).unwrap();
    (running, key)
}

async fn signed_in(oauth: &OAuth, tokens: Tokens, kept: &Arc<Kept>) -> Salesforce {
    let session = opened(oauth, kept).await;
    session.adopt(tokens).await.unwrap();
    Salesforce::new(http(PATIENT), session, &settings()).unwrap()
}

async fn opened(oauth: &OAuth, kept: &Arc<Kept>) -> Session {
    let store = Arc::clone(kept) as Arc<dyn TokenStore>;
    Session::open(oauth.clone(), store).await.unwrap()
}

/// Calls of the token endpoint that the org has seen.
fn token_calls(running: &Running) -> usize {
    let seen = running.control().requests(0);
    seen.iter().filter(|r| r.path == TOKEN).count()
}

/// What every way has to do once it is signed in: calls, renewal, restart, move, end.
async fn lives(running: &Running, oauth: &OAuth, tokens: Tokens, way: Way) {
    assert_eq!((tokens.way(), tokens.renewable()), (way, true));
    assert_eq!(tokens.org().as_str(), running.info().org_id);
    let kept = Arc::new(Kept::default());
    let client = signed_in(oauth, tokens, &kept).await;
    client.limits().await.unwrap();
    let who = client.identity().await.unwrap();
    assert_eq!(who.username, running.info().username);

    let before = token_calls(running);
    running.control().expire_sessions();
    let calls = (0..20).map(|_| client.limits());
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(token_calls(running), before + 1, "one renewal for all");

    // After a restart what was kept is enough.
    running.control().expire_sessions();
    let session = opened(oauth, &kept).await;
    assert_eq!(session.way(), Some(way));
    let again = Salesforce::new(http(PATIENT), session, &settings()).unwrap();
    again.limits().await.unwrap();

    // The org moves to another instance.
    let old = again.session().access().unwrap().instance_url().clone();
    running.control().migrate();
    again.limits().await.unwrap();
    let new = again.session().access().unwrap();
    assert_ne!(*new.instance_url(), old);

    let session = again.session();
    assert!(matches!(session.status(), TokenState::Renews(_)));
    assert_eq!(session.revoke().await.unwrap(), Disconnected::Revoked);
    assert_eq!(session.revoke().await.unwrap(), Disconnected::WasSignedOut);
    assert_eq!(session.status(), TokenState::SignedOut);
    assert!(kept.bytes.lock().unwrap().is_none(), "the key goes, too");
    assert_eq!(again.limits().await.unwrap_err().code, "signed_out");
}

#[tokio::test]
async fn by_key_without_its_file() {
    let (running, key) = keyed().await;
    let oauth = at(&running, Grant::Jwt);
    let tokens = oauth.by_key(&key, None).await.unwrap();
    assert_eq!(tokens.key().unwrap().username(), running.info().username);
    lives(&running, &oauth, tokens, Way::Jwt).await;
    let seen = format!("{:?} {oauth:?}", running.control().requests(0));
    assert!(!seen.contains("PRIVATE"), "{seen}");
}

#[tokio::test]
async fn by_the_apps_own_secret() {
    let running = serve(Options::bare()).await.unwrap();
    let oauth = at(&running, by_secret(&running.info().client_secret));
    let tokens = oauth.by_secret(None).await.unwrap();
    // The org tells an app with a secret how long a session lasts.
    let life = tokens.life().unwrap().as_secs();
    assert!((7200..7260).contains(&life), "{life}");
    lives(&running, &oauth, tokens, Way::ClientCredentials).await;
}

#[tokio::test]
async fn every_way_is_pinned_to_its_org() {
    let (running, key) = keyed().await;
    let other = OrgId::new(ORG);
    let secret = at(&running, by_secret(&running.info().client_secret));
    let errors = [
        at(&running, Grant::Jwt).by_key(&key, Some(&other)).await,
        secret.by_secret(Some(&other)).await,
    ];
    for error in errors {
        assert!(matches!(error, Err(AuthError::WrongOrg { .. })));
    }
    let seen = running.control().requests(0);
    let revoked = seen.iter().filter(|r| r.path.ends_with("/revoke"));
    assert_eq!(revoked.count(), 2, "what is not kept is given up");
}

#[tokio::test]
async fn a_refusal_says_who_does_what() {
    let server = MockServer::start().await;
    let key = JwtKey::from_pem("sync@acme.example", &PEM.to_owned().into()).unwrap();
    for (code, description, remedy, person) in [
        (
            "invalid_grant",
            "user hasn't approved this consumer",
            "approves the app",
            true,
        ),
        (
            "invalid_grant",
            "Audience validation failed",
            "test.salesforce.com",
            true,
        ),
        (
            "invalid_grant",
            "invalid assertion",
            "certificate of this very key",
            true,
        ),
        ("invalid_grant", "expired authorization", "clock", true),
        ("invalid_grant", "inactive user", "deactivated", true),
        ("invalid_grant", "ip restricted", "allowed addresses", true),
        (
            "invalid_grant",
            "login rate exceeded",
            "wait an hour",
            false,
        ),
        (
            "invalid_grant",
            "request not supported on this domain",
            "My Domain",
            true,
        ),
        (
            "invalid_grant",
            "no client credentials user enabled",
            "run as",
            true,
        ),
        (
            "invalid_grant",
            "client credentials flow not enabled",
            "turns the flow",
            true,
        ),
        (
            "invalid_app_access",
            "user is not admin approved to access this app",
            "permission set",
            true,
        ),
        (
            "invalid_client",
            "no certificate on the app",
            "uploads the certificate",
            true,
        ),
        (
            "invalid_client",
            "invalid client credentials",
            "consumer secret",
            true,
        ),
        (
            "invalid_client_id",
            "client identifier invalid",
            "consumer key",
            true,
        ),
        (
            "unsupported_grant_type",
            "grant type not supported",
            "turns the flow",
            true,
        ),
        (
            "app_not_found",
            "External client app is not installed in this org",
            "installs",
            true,
        ),
        ("server_error", "", "some minutes", false),
    ] {
        server.reset().await;
        let body = json!({"error": code, "error_description": description});
        let answer = ResponseTemplate::new(400).set_body_json(body);
        answers(&server, "POST", TOKEN, answer).await;
        let keyed = oauth(&server.uri(), "the-key", Grant::Jwt);
        let secret = oauth(&server.uri(), "the-key", by_secret("s"));
        for error in [
            keyed.by_key(&key, None).await.unwrap_err(),
            secret.by_secret(None).await.unwrap_err(),
        ] {
            assert!(
                error.remedy().contains(remedy),
                "{error}: {}",
                error.remedy()
            );
            assert_eq!(error.needs_sign_in(), person, "{error}");
            assert!(error.to_string().contains(code), "{error}");
        }
    }
    let requests = server.received_requests().await.unwrap();
    let form = String::from_utf8(requests[0].body.clone()).unwrap();
    assert!(form.contains("jwt-bearer&assertion="), "{form}");
}

#[tokio::test]
async fn a_wrong_clock_is_named_and_is_not_the_end() {
    let server = MockServer::start().await;
    let body = json!({"error": "invalid_grant", "error_description": "expired authorization"});
    let answer = ResponseTemplate::new(400)
        .set_body_json(body)
        .insert_header("date", "Sat, 21 Nov 2020 08:00:00 GMT");
    answers(&server, "POST", TOKEN, answer).await;
    let key = JwtKey::from_pem("sync@acme.example", &PEM.to_owned().into()).unwrap();
    let oauth = oauth(&server.uri(), "the-key", Grant::Jwt);
    let error = oauth.by_key(&key, None).await.unwrap_err();
    assert!(error.to_string().contains("ahead of"), "{error}");
    assert!(error.remedy().contains("clock") && !error.needs_sign_in());
}

#[tokio::test]
async fn a_sign_in_made_another_way_asks_for_the_new_one() {
    let server = MockServer::start().await;
    let kept = Kept::with(&server.uri(), "old", "r1");
    let oauth = oauth(&server.uri(), "the-key", Grant::Jwt);
    let session = opened(&oauth, &kept).await;
    let TokenState::NeedsSignIn(why) = session.status() else {
        panic!("{:?}", session.status());
    };
    assert!(why.contains("jwt") && why.contains("browser"), "{why}");
    let client = Salesforce::new(http(PATIENT), session, &settings()).unwrap();
    let error = clean(client.limits().await.unwrap_err());
    assert_eq!(error.class, ErrorClass::AuthDead);
    assert!(server.received_requests().await.unwrap().is_empty());
}

/// A token that was kept hours ago, of an org that tells how long one lasts.
fn long_unused(server: &MockServer, life: u64) -> Arc<Kept> {
    let kept = Kept::with(&server.uri(), "old", "r1");
    let bytes = kept.bytes.lock().unwrap().take().unwrap();
    let mut tokens: Json = serde_json::from_slice(&bytes).unwrap();
    tokens["v"] = json!(2);
    tokens["issued_at"] = json!("2020-01-01T00:00:00Z");
    tokens["life"] = json!({"secs": life, "nanos": 0});
    *kept.bytes.lock().unwrap() = Some(tokens.to_string().into_bytes());
    kept
}

#[tokio::test]
async fn a_token_that_is_known_to_have_ended_is_renewed_before_the_call() {
    let server = MockServer::start().await;
    let limits = "/services/data/v67.0/limits";
    let body = json!({"DailyApiRequests": {"Max": 100, "Remaining": 90}});
    Mock::given(path(limits))
        .and(bearer("new"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let answer = token_answer(&server.uri(), "new", Some("r2"));
    let answer = ResponseTemplate::new(200).set_body_json(answer);
    answers(&server, "POST", TOKEN, answer).await;
    let client = client_at(&server.uri(), long_unused(&server, 7200), PATIENT).await;
    client.limits().await.unwrap();
    client.limits().await.unwrap();
    assert_eq!(asked(&server, TOKEN).await, 1);
    assert_eq!(asked(&server, limits).await, 2, "no call was made in vain");
}

#[tokio::test]
async fn trouble_while_renewing_ahead_leaves_the_token_in_use() {
    let server = MockServer::start().await;
    let limits = "/services/data/v67.0/limits";
    let body = json!({"DailyApiRequests": {"Max": 100, "Remaining": 90}});
    let fine = ResponseTemplate::new(200).set_body_json(body);
    answers(&server, "GET", limits, fine).await;
    answers(&server, "POST", TOKEN, ResponseTemplate::new(503)).await;
    let client = client_at(&server.uri(), long_unused(&server, 7200), PATIENT).await;
    client.limits().await.unwrap();
    assert_eq!(asked(&server, TOKEN).await, 1);
}
