//! Lists of changes, counts, limits, and describes that are kept.

use jiff::{SignedDuration, Timestamp};
use syncdeck::crm::Crm as _;
use syncdeck::crm::survey::{ChangeLog, Span, Survey as _};
use syncdeck::sandbox::{By, Options};

use super::org::{Org, applied, options};
use super::*;
use wiremock::matchers::header_exists;

#[tokio::test]
async fn changes_and_deletions_are_listed_up_to_an_open_transaction() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    let rows = ["A", "B"].map(|name| fields(&[("LastName", name), ("Company", "Acme")]));
    let made = org.client.create(permit(2), &object, &rows).await.unwrap();
    let (one, two) = (applied(&made[0]), applied(&made[1]));
    let start = now(&org).await;
    let control = org.control();
    control.advance(120);
    let change = json!({"Title": "T"});
    control
        .update(By::Colleague, one.as_str(), change.as_object().unwrap())
        .unwrap();
    control.delete(By::Colleague, two.as_str()).unwrap();
    control.advance(120);
    let span = |log, at| Span::since(log, start, at).unwrap();
    let at = now(&org).await;
    let updated = span(ChangeLog::Updated, at);
    let list = org.client.updated(&object.name, updated).await.unwrap();
    assert!(list.ids.contains(&one) && !list.ids.contains(&two));
    assert_eq!(list.covered, updated.end());
    let deleted = span(ChangeLog::Deleted, at);
    let list = org.client.deleted(&object.name, deleted).await.unwrap();
    assert_eq!(list.records.len(), 1);
    assert_eq!(list.records[0].0, two);
    assert!(list.is_whole(deleted));

    // A change that nobody sees yet: the list is complete only up to its beginning.
    control
        .update_unseen(By::Colleague, one.as_str(), change.as_object().unwrap())
        .unwrap();
    let open = now(&org).await;
    control.advance(300);
    let at = now(&org).await;
    let list = org
        .client
        .updated(&object.name, span(ChangeLog::Updated, at))
        .await
        .unwrap();
    assert!(list.covered <= open, "{} {open}", list.covered);
}

/// The org's time.
async fn now(org: &Org) -> Timestamp {
    let query = all_of(org.lead().await);
    org.client.changes(&query, None).await.unwrap().at
}

#[tokio::test]
async fn a_span_that_is_too_old_is_refused_by_the_org_too() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    let at = now(&org).await;
    let days = |n: i64| at - SignedDuration::from_hours(24 * n);
    // Allowed as of then, asked for now.
    let span = Span::since(ChangeLog::Deleted, days(20), days(10)).unwrap();
    let error = org.client.deleted(&object.name, span).await.unwrap_err();
    assert_eq!(error.code, "INVALID_REPLICATION_DATE");
    assert!(org.client.updated(&object.name, span).await.is_ok());
}

#[tokio::test]
async fn counts_and_limits() {
    let org = Org::start(options()).await;
    let names = ["Lead", "Opportunity"].map(ObjectName::new);
    let counts = org.client.record_counts(&names).await.unwrap();
    assert_eq!(counts.len(), 2);
    assert!(counts[&names[0]] >= 2_400, "{counts:?}");
    assert!(org.client.record_counts(&[]).await.is_err());
    let bad = [ObjectName::new("Lead,User")];
    assert!(org.client.record_counts(&bad).await.is_err());
    let limits = org.client.allowances().await.unwrap();
    assert_eq!(limits["DailyApiRequests"].max, 100_000);
    assert!(limits.contains_key("DailyBulkV2QueryJobs"), "{limits:?}");
}

#[tokio::test]
async fn a_describe_that_did_not_change_is_not_sent_again() {
    let server = MockServer::start().await;
    let at = format!("{V}/sobjects/Lead/describe");
    let field = json!({"name": "LastName", "label": "Last name", "type": "string", "length": 80});
    let describe = |label: &str| {
        let body = json!({"name": "Lead", "label": label, "fields": [field]});
        ResponseTemplate::new(200)
            .set_body_json(body)
            .insert_header("last-modified", "Sat, 21 Nov 2026 08:00:00 GMT")
    };
    answers_once(&server, "GET", &at, describe("Lead")).await;
    Mock::given(method("GET"))
        .and(path(at.as_str()))
        .and(header_exists("if-modified-since"))
        .respond_with(ResponseTemplate::new(304))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answers(&server, "GET", &at, describe("Prospect")).await;
    let client = client(&server).await;
    let lead = ObjectName::new("Lead");
    let first = client.describe(&lead).await.unwrap();
    assert_eq!(client.describe(&lead).await.unwrap(), first);
    assert_eq!(client.describe(&lead).await.unwrap().label, "Prospect");
    let asked = server.received_requests().await.unwrap();
    let since = asked.iter().map(|r| r.headers.get("if-modified-since"));
    let since: Vec<_> = since.map(|at| at.map(|at| at.to_str().unwrap())).collect();
    let at = Some("Sat, 21 Nov 2026 08:00:00 GMT");
    assert_eq!(since, [None, at, at]);
}

#[tokio::test]
async fn not_modified_is_no_answer_to_who_did_not_ask() {
    let server = MockServer::start().await;
    let nothing = ResponseTemplate::new(304);
    answers(&server, "GET", &format!("{V}/limits"), nothing).await;
    let error = client(&server).await.limits().await.unwrap_err();
    assert_eq!(error.code, "bad_body");
}
