//! What may come is bounded: bodies before and after unpacking, heads, pages, token answers.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use syncdeck::crm::Crm;

use super::*;

const QUERY_ALL: &str = "/services/data/v67.0/queryAll/";
const MOST: usize = 100_000;

/// A client that reads bodies up to [`MOST`] bytes.
async fn small_client(server: &MockServer) -> Salesforce {
    let mut limited = HttpSettings::new(ServerKind::LocalSandbox);
    limited.timeouts = PATIENT;
    limited.max_body = MOST;
    let http = Http::new(&limited).unwrap();
    let uri = server.uri();
    let session = session(&uri, Kept::with(&uri, "old", "r1"), &http).await;
    Salesforce::new(http, session, &settings()).unwrap()
}

/// What a query says when this comes, and how often it was asked.
async fn code_of(answer: ResponseTemplate) -> (String, usize) {
    let server = MockServer::start().await;
    answers(&server, "GET", QUERY_ALL, answer).await;
    let client = small_client(&server).await;
    let error = clean(client.changes(&all_of(lead()), None).await.unwrap_err());
    (error.code, asked(&server, QUERY_ALL).await)
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read_and_not_asked_for_again() {
    let large = ResponseTemplate::new(200).set_body_raw(vec![b' '; MOST + 1], "application/json");
    assert_eq!(code_of(large).await, ("too_large".to_owned(), 1));
    let fits = ResponseTemplate::new(200).set_body_raw(vec![b' '; MOST], "application/json");
    let (code, _) = code_of(fits).await;
    assert_eq!(code, "bad_body");
}

#[tokio::test]
async fn a_small_body_cannot_become_a_large_one() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b' '; 50 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < MOST);
    let bomb = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(packed, "application/json");
    assert_eq!(code_of(bomb).await, ("too_large".to_owned(), 1));
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let mut answer = ResponseTemplate::new(200);
    for n in 0..300 {
        answer = answer.insert_header(format!("x-{n}").as_str(), "y");
    }
    let (code, _) = code_of(answer).await;
    assert_eq!(code, "connection_lost");
    let wide = ResponseTemplate::new(200).insert_header("x-wide", "y".repeat(1 << 20).as_str());
    let (code, _) = code_of(wide).await;
    assert_eq!(code, "connection_lost");
}

#[tokio::test]
async fn a_token_answer_that_is_cut_anywhere_is_no_sign_in() {
    let server = MockServer::start().await;
    let uri = server.uri();
    let whole = token_answer(&uri, "new", Some("r2")).to_string();
    let kept = Kept::with(&uri, "old", "r1");
    answers(&server, "GET", QUERY_ALL, expired()).await;
    for at in (0..whole.len()).step_by(7) {
        let cut = ResponseTemplate::new(200).set_body_raw(&whole[..at], "application/json");
        answers_once(&server, "POST", "/services/oauth2/token", cut).await;
        let client = client_at(&uri, Arc::clone(&kept), PATIENT).await;
        clean(client.changes(&all_of(lead()), None).await.unwrap_err());
        assert!(kept.holds("r1") && !kept.holds("new"), "{at}");
    }
}

#[tokio::test]
async fn a_token_answer_of_any_sort_is_survived() {
    let deep = "[".repeat(5_000);
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "<html>maintenance</html>",
        "access_token=x&token_type=Bearer",
        r#"{"access_token":5}"#,
        r#"{"access_token":"x","token_type":"Bearer","instance_url":"http://evil.example","id":"x"}"#,
        deep.as_str(),
    ] {
        for status in [200, 400, 500] {
            let server = MockServer::start().await;
            let uri = server.uri();
            let kept = Kept::with(&uri, "old", "r1");
            answers(&server, "GET", QUERY_ALL, expired()).await;
            let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
            answers(&server, "POST", "/services/oauth2/token", answer).await;
            let client = client_at(&uri, Arc::clone(&kept), PATIENT).await;
            clean(client.changes(&all_of(lead()), None).await.unwrap_err());
            assert!(kept.holds("r1"), "{status} {body:.80}");
        }
    }
}
