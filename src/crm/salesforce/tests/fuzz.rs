//! Every parser that reads from the network, with bytes nobody should send: random ones, and
//! bodies in real shapes that are cut, changed, doubled or nested too deep. `PROPTEST_CASES` makes
//! it longer.
//!
//! Invariants: never a panic; what is kept of an error is bounded; what is read is never larger
//! than what came by more than a fixed factor.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::super::call::retry_after;
use super::super::errors::{Intent, first_error, of_row, refused};
use super::super::query::{page_inside, page_of};
use super::super::rows::tests::lead;
use super::super::rows::{self, Plan};
use super::super::write::{Expect, collection_results, guarded_results};
use super::super::{describe, wire};
use crate::crm::auth::Tokens;
use crate::crm::transport::Reply;
use crate::crm::{GuardedUpdate, UpdateRow};
use crate::domain::id::{CrmId, FieldName};
use crate::domain::value::FieldKind;

/// Bodies in the shapes of salesforce-api 2 and 8, as public recordings show them.
const BODIES: [&str; 16] = [
    // A page of a query, and its last one.
    r#"{"totalSize":4000,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01gRO0000016PIAYA2-2000","records":[{"attributes":{"type":"Lead","url":"/services/data/v67.0/sobjects/Lead/00QRM00000A1b2c"},"Id":"00QRM00000A1b2c","LastName":"O'Näh \"x\" 😀","AnnualRevenue":1.0E7,"SystemModstamp":"2026-02-03T04:05:06.000+0000","LastModifiedDate":"2026-02-03T04:05:06.000+0000","IsDeleted":false,"Owner":{"attributes":{"type":"User"},"Name":"A"}}]}"#,
    r#"{"totalSize":0,"done":true,"records":[]}"#,
    // Rows by id, one of them gone.
    r#"[null,{"attributes":{"type":"Lead"},"Id":"00QRM00000A1b2c","SystemModstamp":"2026-02-03T04:05:06.000+0000"}]"#,
    // Results of a collection.
    r#"[{"id":"00QRM00000A1b2c","success":true,"errors":[]},{"success":false,"errors":[{"statusCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[]}]}]"#,
    // A composite answer with a failed condition, and one with a page inside.
    r#"{"compositeResponse":[{"body":null,"httpHeaders":{},"httpStatusCode":204,"referenceId":"r0"},{"body":[{"errorCode":"PRECONDITION_FAILED","message":"The If-Unmodified-Since condition failed"}],"httpHeaders":{},"httpStatusCode":412,"referenceId":"r1"}]}"#,
    r#"{"compositeResponse":[{"body":{"totalSize":1,"done":true,"records":[{"Id":"00QRM00000A1b2c","SystemModstamp":"2026-02-03T04:05:06.000+0000"}]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"q"}]}"#,
    // Errors: the usual array, a misspelled key, an object, OAuth, XML, web pages, plain text.
    r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
    r#"[{"duplicateResut":{"allowSave":true,"duplicateRule":"Standard_Lead_Duplicate_Rule","matchResults":[{"matchRecords":[{"matchConfidence":100.0,"record":{"attributes":{"type":"Lead"},"Id":"00QRM00000A1b2c"}}],"size":1,"success":true}]},"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?"}]"#,
    r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#,
    r#"<?xml version="1.0" encoding="UTF-8"?><Errors><Error><errorCode>NOT_FOUND</errorCode><message>The requested resource does not exist</message></Error></Errors>"#,
    "<!DOCTYPE html><html><head><title>Service Not Available</title></head><body>We are down for maintenance.</body></html>",
    "Bad_OAuth_Token",
    // A describe, an organisation, the limits.
    r#"{"name":"Lead","label":"Lead","createable":true,"updateable":true,"deletable":true,"fields":[{"name":"Status","label":"Lead Status","type":"picklist","length":255,"restrictedPicklist":false,"picklistValues":[{"active":true,"defaultValue":false,"label":"Open","validFor":null,"value":"Open - Not Contacted"}],"referenceTo":[],"scale":0,"precision":0,"nillable":true}]}"#,
    r#"{"totalSize":1,"done":true,"records":[{"Id":"00DRM0000005bGo","Name":"Acme","IsSandbox":false,"OrganizationType":"Developer Edition"}]}"#,
    r#"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"DataStorageMB":{"Max":5,"Remaining":5}}"#,
    // A token answer and an identity.
    r#"{"access_token":"00DRM!AQ","refresh_token":"5Aep","signature":"x","scope":"api","instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/00DRM0000005bGo/005RM000001abcD","token_type":"Bearer","issued_at":"1278448384422"}"#,
];

/// A body of a known shape, damaged in one of the ways networks and proxies have.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let body = (0..BODIES.len()).prop_map(|at| BODIES[at].as_bytes().to_vec());
    (
        body,
        0u8..6,
        any::<(prop::sample::Index, prop::sample::Index, u8)>(),
    )
        .prop_map(|(mut body, how, (one, two, byte))| {
            let (a, b) = (one.index(body.len()), two.index(body.len()));
            let (a, b) = (a.min(b), a.max(b));
            match how {
                0 => body.truncate(b),
                1 => body[b] = byte,
                2 => body.insert(b, byte),
                3 => {
                    let piece = body[a..b].to_vec();
                    body.splice(b..b, piece);
                }
                4 => drop(body.drain(a..b)),
                _ => {
                    let deep = [&b"[{\"a\":"[..], b"[[["][usize::from(byte) % 2].repeat(2_000);
                    body.splice(b..b, deep);
                }
            }
            body
        })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => damaged(),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => "[\\[\\]{}\":,0-9eE.\\\\a-z-]{0,120}".prop_map(String::into_bytes),
    ]
}

fn reply(status: u16, body: &[u8]) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(
            http::header::DATE,
            HeaderValue::from_static("Tue, 03 Feb 2026 04:05:06 GMT"),
        )]),
        body: Bytes::copy_from_slice(body),
        request: "r".into(),
    }
}

fn plan() -> Plan {
    let fields = ["LastName", "AnnualRevenue"].map(FieldName::new);
    Plan::new(&lead(), &fields)
}

fn id() -> CrmId {
    "00QRM00000A1b2c".parse().unwrap()
}

/// Each parser reads the body; whatever it says, it comes back.
fn read_by_all(status: u16, body: &[u8]) {
    let (reply, plan) = (reply(status, body), plan());
    let text = String::from_utf8_lossy(body);
    if let Ok((page, _)) = page_of(&plan, &reply) {
        assert!(page.rows.len() <= body.len());
    }
    if let Ok((page, _)) = page_inside(&plan, &reply) {
        assert!(page.rows.len() <= body.len());
    }
    drop(rows::rows(&plan, &text));
    for expect in [Expect::New(1), Expect::New(2), Expect::Ids(&[id(), id()])] {
        if let Ok(results) = collection_results(&reply, expect) {
            assert!(results.len() <= 2);
        }
    }
    let guarded = [0, 1].map(|_| GuardedUpdate {
        row: UpdateRow {
            id: id(),
            fields: [].into(),
        },
        unmodified_since: jiff::Timestamp::UNIX_EPOCH,
    });
    drop(guarded_results(&reply, &guarded));
    for intent in [Intent::Read, Intent::Write] {
        let error = refused(&reply, intent);
        assert!(error.code.chars().count() <= 80 && error.message.chars().count() <= 1_000);
        assert!(error.fields.len() <= 50);
    }
    if let Some(error) = first_error(body, status) {
        assert!(error.code.chars().count() <= 80 && error.message.chars().count() <= 1_000);
    }
    if let Ok(json) = serde_json::from_slice(body) {
        of_row(&json, status, "r");
    }
    drop(describe::object(body));
    describe::organisation(body);
    drop(describe::limits(body));
    drop(serde_json::from_slice::<describe::User>(body));
    drop(Tokens::decode(body));
    for kind in [FieldKind::Text, FieldKind::DateTime, FieldKind::Time] {
        wire::read(kind, &text);
    }
}

#[test]
fn the_bodies_are_read_as_they_are() {
    let plan = plan();
    let (page, _) = page_of(&plan, &reply(200, BODIES[0].as_bytes())).unwrap();
    assert_eq!((page.rows.len(), page.total), (1, 4_000));
    assert!(page_of(&plan, &reply(200, BODIES[1].as_bytes())).is_ok());
    assert_eq!(rows::rows(&plan, BODIES[2]).unwrap().len(), 2);
    let results = collection_results(&reply(200, BODIES[3].as_bytes()), Expect::New(2));
    assert_eq!(results.unwrap().len(), 2);
    assert!(page_inside(&plan, &reply(200, BODIES[5].as_bytes())).is_ok());
    let codes = [6, 7, 8, 9, 10, 11].map(|at| {
        let error = refused(&reply(400, BODIES[at].as_bytes()), Intent::Read);
        error.code
    });
    assert_eq!(
        codes,
        [
            "INVALID_SESSION_ID",
            "DUPLICATES_DETECTED",
            "invalid_grant",
            "web_page",
            "web_page",
            "INVALID_SESSION_ID"
        ]
    );
    assert_eq!(
        describe::object(BODIES[12].as_bytes())
            .unwrap()
            .fields
            .len(),
        1
    );
    assert!(describe::organisation(BODIES[13].as_bytes()).is_some());
    assert_eq!(
        describe::limits(BODIES[14].as_bytes()).unwrap().calls.used,
        2
    );
}

#[test]
fn a_page_has_a_limit_of_rows() {
    let row = r#"{"Id":"00QRM00000A1b2c","SystemModstamp":"2026-02-03T04:05:06.000+0000"}"#;
    let page = |rows: usize| {
        let records = vec![row; rows].join(",");
        let body = format!(r#"{{"totalSize":{rows},"done":true,"records":[{records}]}}"#);
        page_of(&plan(), &reply(200, body.as_bytes())).map(|(page, _)| page.rows.len())
    };
    assert_eq!(page(rows::MAX_ROWS).ok(), Some(rows::MAX_ROWS));
    assert_eq!(page(rows::MAX_ROWS + 1).unwrap_err().code, "bad_body");
}

proptest! {
    #[test]
    fn any_answer_is_survived(body in any_body(), status in 200u16..600) {
        read_by_all(status, &body);
    }

    #[test]
    fn a_cut_answer_is_never_half_taken(at in any::<prop::sample::Index>()) {
        for body in &BODIES[..4] {
            let cut = &body.as_bytes()[..at.index(body.len())];
            let reply = reply(200, cut);
            prop_assert!(page_of(&plan(), &reply).is_err());
            let ids = [id(), id()];
            for expect in [Expect::New(1), Expect::New(2), Expect::Ids(&ids)] {
                prop_assert!(collection_results(&reply, expect).is_err());
            }
        }
    }

    #[test]
    fn any_header_is_survived(
        value in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "[A-Za-z]{3}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} (GMT|[+-][0-9]{1,5})"
                .prop_map(String::into_bytes),
            "api-usage=[0-9]{0,30}/[0-9-]{0,30}(; per-app-api-usage=.{0,20})?"
                .prop_map(String::into_bytes),
        ],
    ) {
        let Ok(value) = HeaderValue::from_bytes(&value) else {
            return Ok(());
        };
        let mut reply = reply(200, b"");
        for name in ["date", "sforce-limit-info", "retry-after", "content-type"] {
            reply.headers.insert(name, value.clone());
        }
        reply.date();
        retry_after(&reply);
        reply.header("sforce-limit-info").and_then(describe::limit_info);
        refused(&reply, Intent::Write);
    }
}
