//! Staying signed in: one refresh for all who wait, durable before it is used, and no refresh
//! token used twice.

use futures::future::join_all;
use syncdeck::crm::auth::{Disconnected, TokenState};
use syncdeck::crm::{Crm, ErrorClass};
use wiremock::matchers::body_string_contains;

use super::*;

const TOKEN: &str = "/services/oauth2/token";
const LIMITS: &str = "/services/data/v67.0/limits";

/// The API answers only to this token.
async fn knows_only(server: &MockServer, token: &str) {
    let limits = json!({"DailyApiRequests": {"Max": 100, "Remaining": 90}});
    Mock::given(path(LIMITS))
        .and(bearer(token))
        .respond_with(ResponseTemplate::new(200).set_body_json(limits))
        .with_priority(1)
        .mount(server)
        .await;
    Mock::given(path(LIMITS))
        .respond_with(expired())
        .mount(server)
        .await;
}

/// One refresh token is good once, for one access token.
async fn renews(server: &MockServer, from: &str, to: &str, next: &str) {
    Mock::given(path(TOKEN))
        .and(body_string_contains(format!("refresh_token={from}-")))
        .respond_with(ResponseTemplate::new(200).set_body_json(token_answer(
            &server.uri(),
            to,
            Some(next),
        )))
        .up_to_n_times(1)
        .expect(1)
        .mount(server)
        .await;
}

fn refused(code: &str, description: &str) -> ResponseTemplate {
    ResponseTemplate::new(400)
        .set_body_json(json!({"error": code, "error_description": description}))
}

struct Stage {
    server: MockServer,
    kept: Arc<Kept>,
    client: Salesforce,
}

impl Stage {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let kept = Kept::with(&server.uri(), "old", "r1");
        let client = client_at(&server.uri(), Arc::clone(&kept), PATIENT).await;
        Self {
            server,
            kept,
            client,
        }
    }
}

/// A rule of the sign-in that is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    None,
    /// Who waits for a token asks for one of its own.
    EachForItself,
}

/// How often a token was asked for by many who need one at once.
async fn refreshes(stage: &Stage, switch: Switch) -> usize {
    knows_only(&stage.server, "new").await;
    renews(&stage.server, "r1", "new", "r2").await;
    let uri = stage.server.uri();
    let one = async || match switch {
        Switch::None => stage.client.limits().await.map(drop),
        Switch::EachForItself => {
            let alone = Kept::with(&uri, "old", "r1");
            client_at(&uri, alone, PATIENT)
                .await
                .limits()
                .await
                .map(drop)
        }
    };
    let answers = join_all((0..50).map(|_| one())).await;
    let works = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(works == 50 || switch != Switch::None, "{answers:?}");
    asked(&stage.server, TOKEN).await
}

/// I40: one refresh for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_share_one_refresh() {
    let stage = Stage::new().await;
    assert_eq!(refreshes(&stage, Switch::None).await, 1);
    assert_eq!(stage.kept.saves.load(Ordering::SeqCst), 1);
    assert!(stage.kept.holds("new-") && stage.kept.holds("r2-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rule_that_is_off_is_noticed() {
    let (switch, invariant) = (Switch::EachForItself, "I40");
    let times = refreshes(&Stage::new().await, switch).await;
    assert!(times > 1, "{switch:?} does not break {invariant}");
}

#[tokio::test]
async fn the_token_ends_between_two_pages() {
    let stage = Stage::new().await;
    let (first, second) = (format!("{V}/queryAll/"), format!("{V}/queryAll/01gxx-2000"));
    let row = |number: u32| {
        json!({"Id": lead_id(number), "SystemModstamp": "2026-11-21T08:00:00.000+0000",
            "LastModifiedDate": "2026-11-21T08:00:00.000+0000", "LastName": "N", "IsDeleted": false})
    };
    let page = |number: u32, next: Option<&str>| {
        let mut body = json!({"totalSize": 2, "done": next.is_none(), "records": [row(number)]});
        if let Some(next) = next {
            body["nextRecordsUrl"] = json!(next);
        }
        ResponseTemplate::new(200).set_body_json(body)
    };
    answers(&stage.server, "GET", &first, page(1, Some(&second))).await;
    Mock::given(path(second.as_str()))
        .and(bearer("new"))
        .respond_with(page(2, None))
        .with_priority(1)
        .mount(&stage.server)
        .await;
    answers(&stage.server, "GET", &second, expired()).await;
    renews(&stage.server, "r1", "new", "r2").await;
    let query = all_of(lead());
    let one = stage.client.changes(&query, None).await.unwrap();
    let two = stage
        .client
        .changes(&query, one.next.as_ref())
        .await
        .unwrap();
    assert_eq!(two.rows[0].id, lead_id(2));
    assert!(two.next.is_none());
}

#[tokio::test]
async fn a_rotated_token_is_used_only_once_it_is_kept() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "new").await;
    renews(&stage.server, "r1", "new", "r2").await;
    stage.kept.fails.store(1, Ordering::SeqCst);
    let error = clean(stage.client.limits().await.unwrap_err());
    assert_eq!(error.code, "sign_in_not_kept");
    assert!(stage.kept.holds("r1-"));
    // The only copy of the new token was not thrown away: it is kept now, without a second call.
    stage.client.limits().await.unwrap();
    assert!(stage.kept.holds("r2-"));
    assert_eq!(asked(&stage.server, TOKEN).await, 1);
}

#[tokio::test]
async fn a_token_that_another_process_rotated_is_taken_over() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "theirs").await;
    stage.kept.put(&stage.server.uri(), "theirs", "r2");
    stage.client.limits().await.unwrap();
    assert_eq!(asked(&stage.server, TOKEN).await, 0);
}

#[tokio::test]
async fn trouble_of_the_token_endpoint_does_not_end_the_sign_in() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "new").await;
    let page = ResponseTemplate::new(503).set_body_raw("<html>down</html>", "text/html");
    answers_once(&stage.server, "POST", TOKEN, page).await;
    let error = clean(stage.client.limits().await.unwrap_err());
    assert_eq!(error.class, ErrorClass::TransientCall);
    assert!(stage.kept.holds("r1-"));
    renews(&stage.server, "r1", "new", "r2").await;
    stage.client.limits().await.unwrap();
}

#[tokio::test]
async fn a_dead_refresh_token_is_tried_once() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "new").await;
    let dead = refused("invalid_grant", "expired access/refresh token");
    answers(&stage.server, "POST", TOKEN, dead).await;
    for _ in 0..3 {
        let error = clean(stage.client.limits().await.unwrap_err());
        assert_eq!(error.class, ErrorClass::AuthDead);
    }
    assert_eq!(asked(&stage.server, TOKEN).await, 1);
    assert!(matches!(
        stage.client.session().status(),
        TokenState::NeedsSignIn(_)
    ));
}

#[tokio::test]
async fn refreshing_that_does_not_help_is_no_loop() {
    let stage = Stage::new().await;
    answers(&stage.server, "GET", LIMITS, expired()).await;
    renews(&stage.server, "r1", "new", "r2").await;
    clean(stage.client.limits().await.unwrap_err());
    assert_eq!(asked(&stage.server, LIMITS).await, 2);
}

#[tokio::test]
async fn another_org_in_a_refresh_is_refused() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "new").await;
    let mut other = token_answer(&stage.server.uri(), "new", Some("r2"));
    other["id"] = json!(format!(
        "{}/id/00D000000000062EAA/{USER}",
        stage.server.uri()
    ));
    let answer = ResponseTemplate::new(200).set_body_json(other);
    answers(&stage.server, "POST", TOKEN, answer).await;
    let error = clean(stage.client.limits().await.unwrap_err());
    assert_eq!(error.class, ErrorClass::AuthDead);
    assert!(stage.kept.holds("r1-"));
}

#[tokio::test]
async fn an_instance_that_is_not_allowed_never_gets_a_token() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "new").await;
    let mut other = token_answer(&stage.server.uri(), "new", Some("r2"));
    other["instance_url"] = json!("https://evil.example");
    let answer = ResponseTemplate::new(200).set_body_json(other);
    answers(&stage.server, "POST", TOKEN, answer).await;
    clean(stage.client.limits().await.unwrap_err());
    assert!(!stage.kept.holds("evil"));
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_lose_the_new_token() {
    let stage = Stage::new().await;
    knows_only(&stage.server, "new").await;
    let slow = ResponseTemplate::new(200)
        .set_body_json(token_answer(&stage.server.uri(), "new", Some("r2")))
        .set_delay(Duration::from_millis(100));
    answers(&stage.server, "POST", TOKEN, slow).await;
    let session = stage.client.session().clone();
    let client = Arc::new(stage.client);
    let call = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.limits().await }
    });
    while asked(&stage.server, TOKEN).await == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    client.limits().await.unwrap();
    assert_eq!(asked(&stage.server, TOKEN).await, 1);
    assert!(stage.kept.holds("r2-"));
    assert!(matches!(session.status(), TokenState::Renews(_)));
}

#[tokio::test]
async fn nothing_shows_a_token() {
    let stage = Stage::new().await;
    let session = stage.client.session().clone();
    let shown = format!(
        "{:?} {session:?} {:?} {:?} {:?}",
        stage.client,
        session.access().unwrap(),
        session.oauth(),
        session.oauth().begin(BACK),
    );
    assert!(!shown.contains(SECRET), "{shown}");
    // An answer that cannot be used holds tokens, too.
    let mut body = token_answer(&stage.server.uri(), "new", Some("r2"));
    body["id"] = json!(17);
    let answer = ResponseTemplate::new(200).set_body_json(body);
    answers(&stage.server, "POST", TOKEN, answer).await;
    knows_only(&stage.server, "new").await;
    clean(stage.client.limits().await.unwrap_err());
}

#[tokio::test]
async fn revoking_tells_the_server_and_forgets() {
    let stage = Stage::new().await;
    let revoke = "/services/oauth2/revoke";
    answers(&stage.server, "POST", revoke, ResponseTemplate::new(200)).await;
    let session = stage.client.session();
    assert_eq!(session.revoke().await.unwrap(), Disconnected::Revoked);
    assert_eq!(session.status(), TokenState::SignedOut);
    assert!(!stage.kept.holds("r1-"));
    let sent = stage.server.received_requests().await.unwrap();
    assert_eq!(sent[0].body, format!("token=r1-{SECRET}").into_bytes());
    let error = stage.client.limits().await.unwrap_err();
    assert_eq!(
        (error.class, error.code.as_str()),
        (ErrorClass::AuthDead, "signed_out")
    );
    assert_eq!(session.revoke().await.unwrap(), Disconnected::WasSignedOut);
}
