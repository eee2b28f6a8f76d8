//! Queries against a small org.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::sandbox::{
    dml::{self, Actor, Assign, Duplicates, LengthUnit},
    ids::SfId,
    org::Record,
    schema::Schema,
    time::parse_stamp,
    value::Value,
};

fn now() -> i64 {
    parse_stamp("2026-02-11T15:00:00Z").unwrap()
}

fn org() -> Org {
    let schema = Arc::new(Schema::load().unwrap());
    let mut org = Org::new(schema.clone(), SfId::MIN, "Test");
    let users = schema.object("User").unwrap();
    let user = org.next_id(users);
    let mut record = Record::new(user, user, 0);
    record.set(schema.at(users).field("Name").unwrap(), Value::text("Ada"));
    org.insert(users, record);
    for (i, (name, company, revenue)) in [
        ("Alpha", "Acme", Some(10)),
        ("beta", "acme", None),
        ("Gamma", "Übermut 100%", Some(30)),
        ("O'Neil\\x", "Other_One", Some(20)),
    ]
    .into_iter()
    .enumerate()
    {
        let actor = Actor {
            user,
            now: now() - 86_400 * i as i64,
            lengths: LengthUnit::CodePoints,
            assign: Assign::Skip,
            duplicates: Duplicates::SAVE,
            version: "67.0",
        };
        let body = json!({"LastName": name, "Company": company, "AnnualRevenue": revenue, "Syncdeck_Key__c": format!("Key{i}")});
        let Json::Object(body) = body else { panic!() };
        dml::create(&mut org, &actor, schema.object("Lead").unwrap(), &body).unwrap();
    }
    org
}

fn names(org: &Org, query: &str) -> Vec<String> {
    let plan = prepare(org, query, Scope::Live, Asker::anyone(now()))
        .unwrap_or_else(|f| panic!("{query}: {}", f.message));
    let Found::Rows(object, rows) = run(org, &plan).unwrap() else {
        panic!()
    };
    rows.iter()
        .map(|row| {
            org.value(object, org.table(object).row(*row).unwrap(), "LastName")
                .as_text()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn refused(org: &Org, query: &str) -> Fail {
    prepare(org, query, Scope::Live, Asker::anyone(now())).expect_err(query)
}

#[test]
fn conditions_choose_rows() {
    let org = org();
    for (cond, expected) in [
        ("Company = 'ACME'", vec!["Alpha", "beta"]),
        ("Company != 'acme'", vec!["Gamma", "O'Neil\\x"]),
        ("LastName = 'O\\'Neil\\\\x'", vec!["O'Neil\\x"]),
        ("Company LIKE '%100\\%'", vec!["Gamma"]),
        ("Company LIKE 'other\\_o%'", vec!["O'Neil\\x"]),
        ("Company LIKE 'a_me'", vec!["Alpha", "beta"]),
        ("Company LIKE '\\u00fcber%'", vec!["Gamma"]),
        ("AnnualRevenue = null", vec!["beta"]),
        ("AnnualRevenue > 10", vec!["Gamma", "O'Neil\\x"]),
        ("AnnualRevenue != 10", vec!["beta", "Gamma", "O'Neil\\x"]),
        ("NOT AnnualRevenue > 10", vec!["Alpha", "beta"]),
        ("AnnualRevenue NOT IN (10, 30)", vec!["beta", "O'Neil\\x"]),
        (
            "(Company = 'acme' AND AnnualRevenue = 10) OR LastName = 'gamma'",
            vec!["Alpha", "Gamma"],
        ),
        ("Syncdeck_Key__c = 'Key2'", vec!["Gamma"]),
        ("Syncdeck_Key__c = 'key2'", vec![]),
        ("Syncdeck_Key__c IN ('Key1', 'key2')", vec!["beta"]),
        ("CreatedDate = TODAY", vec!["Alpha"]),
        ("CreatedDate < LAST_N_DAYS:1", vec!["Gamma", "O'Neil\\x"]),
        ("Owner.Name = 'ada' AND LastName < 'b'", vec!["Alpha"]),
        (
            "OwnerId IN (SELECT Id FROM User WHERE Name = 'Ada') AND Company = 'Acme'",
            vec!["Alpha", "beta"],
        ),
        (
            "IsDeleted = false AND l.LastName IN ('gamma')",
            vec!["Gamma"],
        ),
    ] {
        assert_eq!(
            names(&org, &format!("select id from lead l where {cond}")),
            expected,
            "{cond}"
        );
    }
}

#[test]
fn the_sync_pattern_pages_by_stamp_and_id() {
    let org = org();
    let all = names(&org, "SELECT Id FROM Lead ORDER BY SystemModstamp, Id");
    assert_eq!(all, ["O'Neil\\x", "Gamma", "beta", "Alpha"]);
    let after = "WHERE (SystemModstamp > 2026-02-09T15:00:00Z OR (SystemModstamp = 2026-02-09T15:00:00Z AND Id > '00QSy0000000003'))";
    let query = format!("SELECT Id FROM Lead {after} ORDER BY SystemModstamp, Id LIMIT 2");
    assert_eq!(names(&org, &query), ["beta", "Alpha"]);
    let plan = prepare(&org, &query, Scope::Live, Asker::anyone(now())).unwrap();
    assert_eq!(
        plan.test.unwrap().stamps(),
        (parse_stamp("2026-02-09T15:00:00Z"), None)
    );
    assert_eq!(
        names(
            &org,
            "SELECT Id FROM Lead WHERE SystemModstamp >= 2026-02-10T15:00:00%2B00:00"
                .replace("%2B", "+")
                .as_str()
        )
        .len(),
        2
    );
}

#[test]
fn order_limit_and_offset() {
    let org = org();
    assert_eq!(
        names(&org, "SELECT Id FROM Lead ORDER BY AnnualRevenue"),
        ["beta", "Alpha", "O'Neil\\x", "Gamma"]
    );
    assert_eq!(
        names(
            &org,
            "SELECT Id FROM Lead ORDER BY AnnualRevenue DESC NULLS FIRST LIMIT 2"
        ),
        ["beta", "Gamma"]
    );
    assert_eq!(
        names(
            &org,
            "SELECT Id FROM Lead ORDER BY LastName LIMIT 2 OFFSET 1"
        ),
        ["beta", "Gamma"]
    );
    assert_eq!(
        names(&org, "SELECT Id FROM Lead ORDER BY Id LIMIT 1"),
        ["Alpha"]
    );
    assert_eq!(
        refused(&org, "SELECT Id FROM Lead OFFSET 2001").code,
        "NUMBER_OUTSIDE_VALID_RANGE"
    );
}

#[test]
fn refusals_say_where() {
    let org = org();
    for (query, code, text) in [
        (
            "SELECT foo FROM Account",
            "INVALID_FIELD",
            "Row:1:Column:8\nNo such column 'foo' on entity 'Account'",
        ),
        (
            "SELECT Id FORM Lead",
            "MALFORMED_QUERY",
            "Row:1:Column:11\nunexpected token: 'FORM'",
        ),
        (
            "SELECT Id FROM Foo",
            "INVALID_TYPE",
            "sObject type 'Foo' is not supported",
        ),
        (
            "SELECT Id, Id FROM Lead",
            "INVALID_FIELD",
            "duplicate field selected: Id",
        ),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        (
            "SELECT Id FROM Lead WHERE Name = 'a",
            "MALFORMED_QUERY",
            "string",
        ),
        (
            "SELECT Id FROM Lead WHERE Name = 'a\\q'",
            "MALFORMED_QUERY",
            "Illegal character sequence '\\q'",
        ),
        (
            "SELECT Id FROM Lead WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string",
        ),
        (
            "SELECT Id FROM Lead WHERE Id = 'nope'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: nope",
        ),
        (
            "SELECT Foo.Name FROM Lead",
            "INVALID_FIELD",
            "Didn't understand relationship 'Foo'",
        ),
        (
            "SELECT FIELDS(ALL) FROM Lead",
            "MALFORMED_QUERY",
            "LIMIT of at most 200",
        ),
        (
            "SELECT Company, COUNT(Id) FROM Lead",
            "MALFORMED_QUERY",
            "must be grouped or aggregated",
        ),
        (
            "SELECT\nId\nFROM Lead WHERE",
            "MALFORMED_QUERY",
            "Row:3:Column:16\nunexpected token: '<EOF>'",
        ),
        (
            "SELECT Id FROM Lead ORDER BY Description",
            "MALFORMED_QUERY",
            "can not be sorted",
        ),
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ] {
        let fail = refused(&org, query);
        assert_eq!(fail.code, code, "{query}: {}", fail.message);
        assert!(fail.message.contains(text), "{query}: {}", fail.message);
    }
    let deep = format!(
        "SELECT Id FROM Lead WHERE {}Name = 'a'{}",
        "(".repeat(5000),
        ")".repeat(5000)
    );
    assert_eq!(refused(&org, &deep).code, "QUERY_TOO_COMPLICATED");
}

#[test]
fn aggregates_group_and_sum() {
    let org = org();
    let groups = |query: &str| -> Vec<Json> {
        let plan = prepare(&org, query, Scope::Live, Asker::anyone(now())).unwrap();
        let Found::Groups(groups) = run(&org, &plan).unwrap() else {
            panic!()
        };
        groups
            .iter()
            .map(|g| serde_json::from_slice(g).unwrap())
            .collect()
    };
    let all = groups(
        "SELECT COUNT(Id), SUM(AnnualRevenue) total, MIN(LastName), COUNT(AnnualRevenue) FROM Lead",
    );
    assert_eq!(
        all,
        [
            json!({"attributes": {"type": "AggregateResult"}, "expr0": 4, "total": 60.0, "expr1": "Alpha", "expr2": 3})
        ]
    );
    let by = groups(
        "SELECT Owner.Name, Status s, COUNT(Id) n FROM Lead GROUP BY Owner.Name, Status ORDER BY n DESC LIMIT 5",
    );
    assert_eq!(by[0]["Name"], "Ada");
    assert_eq!(by[0]["s"], "Open - Not Contacted");
    let plan = prepare(
        &org,
        "SELECT COUNT() FROM Lead WHERE AnnualRevenue > 0",
        Scope::Live,
        Asker::anyone(now()),
    )
    .unwrap();
    assert!(matches!(run(&org, &plan).unwrap(), Found::Count(3)));
}

#[test]
fn records_are_written_with_their_parents() {
    let org = org();
    let plan = prepare(
        &org,
        "SELECT Id, Owner.Name, Address, AnnualRevenue FROM Lead LIMIT 1",
        Scope::Live,
        Asker::anyone(now()),
    )
    .unwrap();
    let (Found::Rows(object, rows), Output::Columns(columns)) =
        (run(&org, &plan).unwrap(), &plan.output)
    else {
        panic!()
    };
    let mut out = Vec::new();
    write_record(
        &mut out,
        &org,
        object,
        org.table(object).row(rows[0]).unwrap(),
        columns,
        "67.0",
    );
    let json: Json = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["Owner"]["Name"], "Ada");
    assert_eq!(json["Owner"]["attributes"]["type"], "Name");
    assert_eq!(json["Address"], Json::Null);
    assert_eq!(json["AnnualRevenue"], json!(10.0));
    let id = json["Id"].as_str().unwrap();
    assert!(SfId::parse(id).is_some() && id.len() == 18);
    assert_eq!(
        json["attributes"]["url"],
        format!("/services/data/v67.0/sobjects/Lead/{id}")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_text_makes_it_fail_badly(
        words in prop::collection::vec(prop_oneof![
            Just("SELECT"), Just("Id"), Just("FROM"), Just("Lead"), Just("WHERE"), Just("Name"), Just("="), Just("'a'"),
            Just("("), Just(")"), Just("AND"), Just("NOT"), Just("IN"), Just(","), Just("null"), Just("COUNT"), Just("5"),
            Just("ORDER"), Just("BY"), Just("LIMIT"), Just("Owner"), Just("."), Just("2026-01-01"), Just("é"), Just("'\\u12"), Just("LIKE")
        ], 0..25),
        tail in "\\PC{0,10}",
    ) {
        let org = org();
        let _ = prepare(&org, &format!("SELECT Id FROM Lead WHERE {} {tail}", words.join(" ")), Scope::Live, Asker::anyone(now()));
        let _ = prepare(&org, &words.join(" "), Scope::Live, Asker::anyone(now()));
    }
}
