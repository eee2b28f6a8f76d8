//! Requests nobody thought of: each gets an answer in the right form, and the org lives on.

use proptest::{prelude::*, test_runner::TestRunner};

use super::*;

#[derive(Debug, Clone)]
struct Odd {
    method: &'static str,
    path: String,
    body: Value,
}

fn segment() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "sobjects",
        "composite",
        "query",
        "queryAll",
        "Lead",
        "Account",
        "User",
        "describe",
        "Id",
        "Syncdeck_Key__c",
        "updated",
        "deleted",
        "limits",
        "recordCount",
        "00QSy0000000001",
        "001Sy0000000001AAA",
        "01gSy0000000001-200",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => "[^/?#\\\\]{1,8}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "Lead",
            "Contact",
            "00QSy0000000001",
            "@{a.id}",
            "POST",
            "PATCH",
            "2026-01-01"
        ])
        .prop_map(Value::from),
        prop::sample::select(vec![
            "/services/data/v67.0/sobjects/Lead",
            "/services/data/v67.0/query?q=SELECT+Id+FROM+Lead"
        ])
        .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "records",
        "attributes",
        "type",
        "Id",
        "LastName",
        "Company",
        "Email",
        "AnnualRevenue",
        "OwnerId",
        "Account",
        "CloseDate",
        "Syncdeck_Key__c",
        "allOrNone",
        "compositeRequest",
        "method",
        "url",
        "referenceId",
        "body",
        "httpHeaders",
        "ids",
        "fields",
        "IsUnreadByOwner",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

fn odd() -> impl Strategy<Value = Odd> {
    let method = prop::sample::select(vec![
        "GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS",
    ]);
    let query = prop_oneof![
        Just(String::new()),
        "\\?(q|ids|fields|start|end|allOrNone)=[a-zA-Z0-9,+%:.-]{0,30}"
    ];
    (
        method,
        prop::collection::vec(segment(), 0..5),
        query,
        value(),
    )
        .prop_map(|(method, segments, query, body)| Odd {
            method,
            path: format!("/{}{query}", segments.join("/")),
            body,
        })
}

#[test]
fn every_request_gets_an_answer_in_the_right_form() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let org = runtime.block_on(Org::small());
    let config = ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&odd(), |odd| {
            let answer = runtime.block_on(org.send(odd.method, &odd.path, odd.body));
            prop_assert!(answer.status < 500, "{} {}", answer.status, answer.text);
            if answer.status >= 400 && odd.method != "HEAD" {
                let errors: Value = serde_json::from_str(&answer.text).unwrap();
                for error in errors.as_array().unwrap() {
                    prop_assert!(error["errorCode"].is_string() && error["message"].is_string());
                }
            }
            Ok(())
        })
        .unwrap();
    let alive = runtime.block_on(org.query("SELECT COUNT() FROM Contact"));
    assert!(alive["totalSize"].as_u64() > Some(0));
}
