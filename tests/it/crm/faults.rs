//! Answers that are not what was asked for: nothing is half taken, and a write that may have
//! happened is never sent again.

use syncdeck::crm::{Crm, Cursor, Effect, ErrorClass, GuardedUpdate, UpdateRow, WriteResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const QUERY_ALL: &str = "/services/data/v67.0/queryAll/";
const ROWS: &str = "/services/data/v67.0/composite/sobjects";
const COMPOSITE: &str = "/services/data/v67.0/composite";

fn row(number: u32) -> Json {
    json!({
        "attributes": {"type": "Lead"}, "Id": lead_id(number), "LastName": format!("N{number}"),
        "SystemModstamp": "2026-11-21T08:00:00.000+0000",
        "LastModifiedDate": "2026-11-21T08:00:00.000+0000", "IsDeleted": false,
    })
}

fn page(rows: &[u32], next: Option<&str>) -> ResponseTemplate {
    let records: Vec<Json> = rows.iter().map(|n| row(*n)).collect();
    let mut body = json!({"totalSize": 4, "done": next.is_none(), "records": records});
    if let Some(next) = next {
        body["nextRecordsUrl"] = json!(next);
    }
    ok(body)
}

fn ok(body: Json) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn error(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let body = json!([{"errorCode": code, "message": message}]);
    ResponseTemplate::new(status).set_body_json(body)
}

fn web_page(status: u16) -> ResponseTemplate {
    let html = "<!doctype html><html><body>We are down for maintenance</body></html>";
    ResponseTemplate::new(status).set_body_raw(html, "text/html; charset=utf-8")
}

fn garbage() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(&b"\x00\xff{{{\"records\""[..], "application/json")
}

/// A server that answers each connection with the next of these and ends it.
async fn raw(answers: Vec<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut head, mut piece) = (Vec::new(), [0; 4096]);
            loop {
                let n = stream.read(&mut piece).await.unwrap();
                head.extend_from_slice(&piece[..n]);
                if n == 0 || is_whole(&head) {
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    uri
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |n| n.parse().unwrap())
}

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"totalSize\":1,";

#[tokio::test]
async fn a_read_survives_what_passes() {
    let bad: [fn() -> ResponseTemplate; 6] = [
        garbage,
        || web_page(200),
        || web_page(503),
        || ResponseTemplate::new(500),
        || error(503, "SERVER_UNAVAILABLE", "busy"),
        || ResponseTemplate::new(429),
    ];
    for answer in bad {
        let server = MockServer::start().await;
        answers_once(&server, "GET", QUERY_ALL, answer()).await;
        answers(&server, "GET", QUERY_ALL, page(&[1, 2], None)).await;
        let client = client(&server).await;
        let page = client.changes(&all_of(lead()), None).await.unwrap();
        assert_eq!(page.rows.len(), 2);
        assert_eq!(asked(&server, QUERY_ALL).await, 2);
    }
}

#[tokio::test]
async fn a_read_gives_up_in_the_end_and_gives_no_rows() {
    for (answer, code) in [
        (garbage(), "bad_body"),
        (web_page(200), "web_page"),
        (web_page(500), "web_page"),
        (ResponseTemplate::new(500), "http_500"),
    ] {
        let server = MockServer::start().await;
        answers(&server, "GET", QUERY_ALL, answer).await;
        let client = client(&server).await;
        let error = clean(client.changes(&all_of(lead()), None).await.unwrap_err());
        assert_eq!(error.code, code);
        assert_eq!(error.class, ErrorClass::TransientCall);
        assert_eq!(error.effect, Effect::None);
        assert_eq!(asked(&server, QUERY_ALL).await, 3);
    }
}

#[tokio::test]
async fn a_page_with_a_row_that_cannot_be_read_is_no_page() {
    let server = MockServer::start().await;
    let mut broken = row(2);
    broken["SystemModstamp"] = Json::Null;
    let body = json!({"totalSize": 2, "done": true, "records": [row(1), broken]});
    answers(&server, "GET", QUERY_ALL, ok(body)).await;
    let client = client(&server).await;
    let error = client.changes(&all_of(lead()), None).await.unwrap_err();
    assert_eq!(error.code, "bad_body");
    assert!(!error.message.contains("N1"), "{error}");
}

#[tokio::test]
async fn half_a_body_is_no_body() {
    let uri = raw(vec![HALF, HALF, HALF]).await;
    let client = client_at(&uri, Kept::with(&uri, "old", "r1"), PATIENT).await;
    let error = clean(client.changes(&all_of(lead()), None).await.unwrap_err());
    assert_eq!(error.code, "connection_lost");
    assert_eq!(client.calls(), 3);

    let uri = raw(vec![HALF]).await;
    let client = client_at(&uri, Kept::with(&uri, "old", "r1"), PATIENT).await;
    let rows = [fields(&[("LastName", "Ng")])];
    let error = client.create(permit(1), &lead(), &rows).await.unwrap_err();
    assert_eq!(error.effect, Effect::Unknown);
    assert_eq!(client.calls(), 1);
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_not_sent_again() {
    for answer in [
        garbage(),
        web_page(200),
        web_page(502),
        ResponseTemplate::new(500),
        error(503, "SERVER_UNAVAILABLE", "busy"),
        // One result for two records says nothing about either.
        ok(json!([{"id": lead_id(1), "success": true, "errors": []}])),
    ] {
        let server = MockServer::start().await;
        answers(&server, "POST", ROWS, answer).await;
        let client = client(&server).await;
        let rows = [fields(&[("LastName", "A")]), fields(&[("LastName", "B")])];
        let error = clean(client.create(permit(2), &lead(), &rows).await.unwrap_err());
        assert_eq!(error.effect, Effect::Unknown, "{error}");
        assert_eq!(asked(&server, ROWS).await, 1, "{error}");
    }
}

#[tokio::test]
async fn a_write_that_certainly_did_not_happen_is_sent_again() {
    let server = MockServer::start().await;
    answers_once(&server, "POST", ROWS, ResponseTemplate::new(429)).await;
    let done = json!([{"id": lead_id(1), "success": true, "errors": []}]);
    answers(&server, "POST", ROWS, ok(done)).await;
    let client = client(&server).await;
    let rows = [fields(&[("LastName", "A")])];
    let done = client.create(permit(1), &lead(), &rows).await.unwrap();
    assert_eq!(done, [WriteResult::Applied(lead_id(1))]);
    assert_eq!(asked(&server, ROWS).await, 2);
}

#[tokio::test]
async fn nobody_there_means_nothing_happened() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client_at(&uri, Kept::with(&uri, "old", "r1"), PATIENT).await;
    let rows = [fields(&[("LastName", "A")])];
    let error = clean(client.create(permit(1), &lead(), &rows).await.unwrap_err());
    assert_eq!(error.code, "unreachable");
    assert_eq!(error.effect, Effect::None);
}

#[tokio::test]
async fn a_slow_answer_ends_by_the_time_limit() {
    let server = MockServer::start().await;
    let late = Duration::from_secs(60);
    answers(&server, "GET", QUERY_ALL, page(&[1], None).set_delay(late)).await;
    answers(&server, "PATCH", ROWS, ok(json!([])).set_delay(late)).await;
    let uri = server.uri();
    let short = Timeouts {
        answer: Duration::from_millis(50),
        ..PATIENT
    };
    let client = client_at(&uri, Kept::with(&uri, "old", "r1"), short).await;
    let error = clean(client.changes(&all_of(lead()), None).await.unwrap_err());
    assert_eq!(error.code, "timeout");
    assert_eq!(client.calls(), 3);
    let change = [UpdateRow {
        id: lead_id(1),
        fields: fields(&[("LastName", "Z")]),
    }];
    let error = clean(
        client
            .update(permit(1), &lead(), &change)
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (error.code.as_str(), error.effect),
        ("timeout", Effect::Unknown)
    );
    assert_eq!(client.calls(), 4);
}

#[tokio::test]
async fn a_daily_limit_is_left_to_the_caller() {
    let server = MockServer::start().await;
    let limit = "REQUEST_LIMIT_EXCEEDED";
    for (message, class, times) in [
        (
            "TotalRequests Limit exceeded.",
            ErrorClass::ThrottleDaily,
            1,
        ),
        // Not a failure: it waits and asks again.
        (
            "ConcurrentPerOrgLongTxn Limit exceeded.",
            ErrorClass::ThrottleConcurrent,
            3,
        ),
    ] {
        server.reset().await;
        answers(&server, "GET", QUERY_ALL, error(403, limit, message)).await;
        let client = client(&server).await;
        let error = clean(client.changes(&all_of(lead()), None).await.unwrap_err());
        assert_eq!(error.class, class);
        assert_eq!(asked(&server, QUERY_ALL).await, times);
    }
}

#[tokio::test]
async fn a_longer_pause_than_ours_is_left_to_the_caller() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "3600");
    answers(&server, "GET", QUERY_ALL, busy).await;
    let client = client(&server).await;
    clean(client.changes(&all_of(lead()), None).await.unwrap_err());
    assert_eq!(asked(&server, QUERY_ALL).await, 1);
}

#[tokio::test]
async fn a_lost_place_says_so_at_once() {
    let server = MockServer::start().await;
    let next = "/services/data/v67.0/queryAll/01gxx0000000001-2000";
    answers(&server, "GET", QUERY_ALL, page(&[1, 2], Some(next))).await;
    let gone = error(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
    answers(&server, "GET", next, gone).await;
    let client = client(&server).await;
    let query = all_of(lead());
    let first = client.changes(&query, None).await.unwrap();
    let error = client
        .changes(&query, first.next.as_ref())
        .await
        .unwrap_err();
    assert_eq!(error.code, "INVALID_QUERY_LOCATOR");
    assert_eq!(asked(&server, next).await, 1);
}

#[tokio::test]
async fn the_token_goes_nowhere_else() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let moved = ResponseTemplate::new(302).insert_header("location", elsewhere.uri().as_str());
    answers(&server, "GET", QUERY_ALL, moved).await;
    let client = client(&server).await;
    let query = all_of(lead());
    clean(client.changes(&query, None).await.unwrap_err());
    for next in [
        format!("{}/services/data/v67.0/query/01g-2000", elsewhere.uri()),
        format!("//{}/services/data/v67.0/query/1", elsewhere.address()),
        "/services/data/v67.0/../../evil".to_owned(),
        "/elsewhere".to_owned(),
    ] {
        let calls = client.calls();
        let error = client
            .changes(&query, Some(&Cursor(next)))
            .await
            .unwrap_err();
        assert_eq!(error.code, "not_sent");
        assert_eq!(client.calls(), calls);
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_record_of_a_collection_has_its_own_fate() {
    let server = MockServer::start().await;
    let twin = lead_id(9);
    let results = json!([
        {"id": lead_id(1), "success": true, "errors": []},
        {"success": false, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Company]", "fields": ["Company"]}]},
        {"success": false, "errors": [{"statusCode": "DUPLICATE_VALUE",
            "message": format!("duplicate value found: Key__c duplicates value on record with id: {twin}"), "fields": []}]},
        {"success": false, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked", "fields": []}]},
    ]);
    answers(&server, "POST", ROWS, ok(results)).await;
    let client = client(&server).await;
    let rows = vec![fields(&[("LastName", "A")]); 4];
    let done = client.create(permit(4), &lead(), &rows).await.unwrap();
    assert_eq!(done[0], WriteResult::Applied(lead_id(1)));
    let classes: Vec<ErrorClass> = done
        .iter()
        .filter_map(|result| match result {
            WriteResult::Applied(_) => None,
            WriteResult::Refused(error) => Some(error.class),
        })
        .collect();
    assert_eq!(
        classes,
        [
            ErrorClass::Data,
            ErrorClass::Identity,
            ErrorClass::TransientRow
        ]
    );
    let WriteResult::Refused(missing) = &done[1] else {
        panic!("applied");
    };
    assert_eq!(*missing.fields, [FieldName::new("Company")]);
    let WriteResult::Refused(duplicate) = &done[2] else {
        panic!("applied");
    };
    assert_eq!(duplicate.record, Some(twin));
}

#[tokio::test]
async fn a_guarded_update_tells_a_failed_condition_from_a_refusal() {
    let server = MockServer::start().await;
    let part = |at: usize, status: u16, body: Json| json!({"referenceId": format!("r{at}"), "httpStatusCode": status, "httpHeaders": {}, "body": body});
    let refused = |code: &str| json!([{"errorCode": code, "message": "no"}]);
    // In another order than asked: the names decide.
    let body = json!({"compositeResponse": [
        part(2, 400, refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")),
        part(0, 204, Json::Null),
        part(1, 412, Json::Null),
    ]});
    answers_once(&server, "POST", COMPOSITE, ok(body)).await;
    let client = client(&server).await;
    let guarded = |number: u32| GuardedUpdate {
        row: UpdateRow {
            id: lead_id(number),
            fields: fields(&[("LastName", "Z")]),
        },
        unmodified_since: "2026-11-21T08:00:00Z".parse().unwrap(),
    };
    let rows: Vec<GuardedUpdate> = (0..3).map(guarded).collect();
    let done = client
        .update_guarded(permit(3), &lead(), &rows)
        .await
        .unwrap();
    assert_eq!(done[0], WriteResult::Applied(lead_id(0)));
    let class = |at: usize| match &done[at] {
        WriteResult::Refused(error) => error.class,
        WriteResult::Applied(_) => panic!("{at} was applied"),
    };
    assert_eq!(class(1), ErrorClass::Precondition);
    assert_eq!(class(2), ErrorClass::Data);
    let sent = server.received_requests().await.unwrap();
    let sent: Json = serde_json::from_slice(&sent[0].body).unwrap();
    let first = &sent["compositeRequest"][0];
    assert_eq!(
        first["httpHeaders"]["If-Unmodified-Since"],
        "Sat, 21 Nov 2026 08:00:00 GMT"
    );
    assert_eq!(sent["allOrNone"], false);

    let strange = json!({"compositeResponse": [
        part(0, 204, Json::Null), part(0, 204, Json::Null), part(2, 204, Json::Null),
    ]});
    answers(&server, "POST", COMPOSITE, ok(strange)).await;
    let error = client
        .update_guarded(permit(3), &lead(), &rows)
        .await
        .unwrap_err();
    assert_eq!(error.effect, Effect::Unknown);
}

#[tokio::test]
async fn a_permit_is_for_so_many_records() {
    let server = MockServer::start().await;
    let client = client(&server).await;
    let rows = vec![fields(&[("LastName", "A")]); 3];
    let error = client.create(permit(2), &lead(), &rows).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.effect),
        ("not_sent", Effect::None)
    );
    let ids: Vec<CrmId> = (0..201).map(lead_id).collect();
    client.delete(permit(201), &ids).await.unwrap_err();
    assert_eq!(client.calls(), 0);
}
