//! The device flow of the client: its pauses, its end, and who ended it.

use std::sync::Mutex as StdMutex;

use wiremock::matchers::body_string_contains;

use super::*;

/// Counts the pauses and makes none.
#[derive(Default)]
struct Pauses(StdMutex<Vec<u64>>);

impl Pauses {
    fn take(&self, time: Duration) -> futures::future::Ready<()> {
        self.0.lock().unwrap().push(time.as_secs());
        ready(())
    }
}

fn device() -> Grant {
    Grant::Device {
        client_secret: None,
    }
}

async fn types(running: &Running, code: &str, decision: &str) {
    let info = running.info();
    let form = [
        ("user_code", code),
        ("un", info.username.as_str()),
        ("pw", info.password.as_str()),
        ("decision", decision),
    ];
    let url = format!("{}/setup/connect", info.url);
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = browser.post(url).form(&form).send().await.unwrap();
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn a_code_that_is_typed_signs_in_and_lives() {
    let running = serve(Options::bare()).await.unwrap();
    let oauth = at(&running, device());
    let device = oauth.by_code().await.unwrap();
    assert!(device.address().path().ends_with("/setup/connect"));
    assert!(device.user_code().len() >= 6);
    types(&running, device.user_code(), "allow").await;
    let pauses = Pauses::default();
    let tokens = device.wait(None, |time| pauses.take(time)).await.unwrap();
    assert_eq!(*pauses.0.lock().unwrap(), [5]);
    lives(&running, &oauth, tokens, Way::Device).await;
}

#[tokio::test]
async fn a_code_that_is_denied_or_unknown_ends_the_waiting() {
    let running = serve(Options::bare()).await.unwrap();
    let denied = at(&running, device()).by_code().await.unwrap();
    types(&running, denied.user_code(), "deny").await;
    let pauses = Pauses::default();
    let error = denied
        .wait(None, |time| pauses.take(time))
        .await
        .unwrap_err();
    assert!(error.remedy().contains("Allow"), "{error}");
    // The code is used up.
    let error = denied
        .wait(None, |time| pauses.take(time))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("invalid_request"), "{error}");
}

#[tokio::test]
async fn an_org_without_the_device_flow_says_why_it_is_off() {
    let running = serve(Options {
        device_flow: Offer::No,
        ..Options::bare()
    })
    .await
    .unwrap();
    let error = at(&running, device()).by_code().await.unwrap_err();
    assert!(error.remedy().contains("blocks the device flow"), "{error}");
    assert!(error.remedy().contains("browser"), "{error}");
}

/// A server that starts device flows and answers the polls like this.
async fn polled(answers: &[&str]) -> MockServer {
    let server = MockServer::start().await;
    let start = json!({"device_code": format!("d-{SECRET}"), "user_code": "ABCD-1234",
        "verification_uri": format!("{}/setup/connect", server.uri()), "interval": 2,
        "expires_in": 60});
    Mock::given(path(TOKEN))
        .and(body_string_contains("response_type=device_code"))
        .respond_with(ResponseTemplate::new(200).set_body_json(start))
        .mount(&server)
        .await;
    for answer in answers {
        let answer = match *answer {
            "tokens" => ResponseTemplate::new(200).set_body_json(token_answer(
                &server.uri(),
                "new",
                Some("r1"),
            )),
            "down" => ResponseTemplate::new(503),
            code => ResponseTemplate::new(400).set_body_json(json!({"error": code})),
        };
        answers_once(&server, "POST", TOKEN, answer).await;
    }
    let pending =
        ResponseTemplate::new(400).set_body_json(json!({"error": "authorization_pending"}));
    super::answers(&server, "POST", TOKEN, pending).await;
    server
}

#[tokio::test]
async fn it_asks_as_slowly_as_it_is_told() {
    let server = polled(&["authorization_pending", "slow_down", "down", "tokens"]).await;
    let device = oauth(&server.uri(), "the-key", device())
        .by_code()
        .await
        .unwrap();
    assert!(!format!("{device:?}").contains(SECRET));
    let pauses = Pauses::default();
    device.wait(None, |time| pauses.take(time)).await.unwrap();
    assert_eq!(*pauses.0.lock().unwrap(), [2, 2, 7, 12]);
}

#[tokio::test]
async fn a_code_that_nobody_types_ends() {
    let server = polled(&[]).await;
    let device = oauth(&server.uri(), "the-key", device())
        .by_code()
        .await
        .unwrap();
    let pauses = Pauses::default();
    let error = device
        .wait(None, |time| pauses.take(time))
        .await
        .unwrap_err();
    assert_eq!(error, AuthError::CodeEnded);
    assert_eq!(pauses.0.lock().unwrap().iter().sum::<u64>(), 60);
}

#[tokio::test]
async fn tokens_for_a_sign_in_that_was_left_are_given_up() {
    let server = polled(&[]).await;
    let device = oauth(&server.uri(), "the-key", device())
        .by_code()
        .await
        .unwrap();
    server.reset().await;
    let late = ResponseTemplate::new(200)
        .set_body_json(token_answer(&server.uri(), "new", Some("r1")))
        .set_delay(Duration::from_millis(100));
    answers(&server, "POST", TOKEN, late).await;
    answers(
        &server,
        "POST",
        "/services/oauth2/revoke",
        ResponseTemplate::new(200),
    )
    .await;
    let waiting = tokio::spawn(async move { device.wait(None, |_| ready(())).await });
    while asked(&server, TOKEN).await == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    while asked(&server, "/services/oauth2/revoke").await == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_page_elsewhere_is_never_shown() {
    let server = MockServer::start().await;
    let start = json!({"device_code": "d", "user_code": "A",
        "verification_uri": "https://evil.example/connect"});
    answers(
        &server,
        "POST",
        TOKEN,
        ResponseTemplate::new(200).set_body_json(start),
    )
    .await;
    let error = oauth(&server.uri(), "the-key", device())
        .by_code()
        .await
        .unwrap_err();
    assert!(matches!(error, AuthError::Address(_)), "{error}");
}
