//! What an administrator set up, limits, and what other people do meanwhile.

use syncdeck::sandbox::{
    Access, Assignment, Automation, Becomes, By, DuplicateRule, FieldAccess, Flow, OnDuplicate,
};

use super::*;

fn fields(json: Value) -> serde_json::Map<String, Value> {
    json.as_object().unwrap().clone()
}

fn rule(action: OnDuplicate) -> Automation {
    Automation {
        duplicate_rules: vec![DuplicateRule {
            name: "Standard_Lead_Duplicate_Rule".into(),
            object: "Lead".into(),
            fields: vec!["Email".into()],
            action,
            message: "Use one of these records?".into(),
        }],
        ..Automation::default()
    }
}

#[tokio::test]
async fn duplicates_are_told_with_what_they_match() {
    let org = Org::small().await;
    org.control()
        .set_automation(rule(OnDuplicate::Alert))
        .unwrap();
    let body = json!({"LastName": "Twin", "Company": "C", "Email": "twin@example.com"});
    let first = org.send("POST", "/sobjects/Lead", body.clone()).await;
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let second = org.send("POST", "/sobjects/Lead", body.clone()).await;
    assert_eq!(
        (second.status, &*second.code()),
        (400, "DUPLICATES_DETECTED")
    );
    let found = second.json()[0]["duplicateResut"].clone();
    assert_eq!(found["allowSave"], true);
    assert_eq!(
        found["matchResults"][0]["matchRecords"][0]["record"]["Id"],
        id
    );
    let list = json!({"records": [{"attributes": {"type": "Lead"}, "LastName": "Twin", "Company": "C",
        "Email": "TWIN@example.com"}]});
    let many = org.send("POST", "/composite/sobjects", list).await.json();
    assert_eq!(many[0]["errors"][0]["statusCode"], "DUPLICATES_DETECTED");
    let allowing = |body: &Value| {
        let request = org.ask("POST", "/sobjects/Lead");
        read(
            request
                .header("Sforce-Duplicate-Rule-Header", "allowSave=true")
                .json(body),
        )
    };
    let told = org.ask("POST", "/sobjects/Lead").header(
        "Sforce-Duplicate-Rule-Header",
        "allowSave=false; includeRecordDetails=true",
    );
    let told = read(told.json(&body)).await.json();
    let whole = &told[0]["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"];
    assert_eq!(
        (&whole["Id"], &whole["LastName"]),
        (&json!(id), &json!("Twin"))
    );
    assert_eq!(
        found["matchResults"][0]["matchRecords"][0]["record"]["LastName"],
        Value::Null
    );
    assert_eq!(allowing(&body).await.status, 201);
    org.control()
        .set_automation(rule(OnDuplicate::Block))
        .unwrap();
    let blocked = allowing(&body).await;
    assert_eq!(blocked.json()[0]["duplicateResut"]["allowSave"], false);
}

#[tokio::test]
async fn flows_change_values_and_rules_assign() {
    let org = Org::small().await;
    let queue = org.query("SELECT Id FROM Group WHERE Type = 'Queue'").await;
    let queue = queue["records"][0]["Id"].as_str().unwrap().to_owned();
    org.control()
        .set_automation(Automation {
            flows: vec![Flow {
                object: "Lead".into(),
                field: "Phone".into(),
                becomes: Becomes::Digits,
            }],
            assignment_rules: vec![Assignment {
                object: "Lead".into(),
                field: Some("LeadSource".into()),
                equals: Some("Web".into()),
                owner: queue.clone(),
            }],
            ..Automation::default()
        })
        .unwrap();
    let make = async |header: &str| {
        let body =
            json!({"LastName": "Flow", "Company": "C", "Phone": "+1 (2) 3", "LeadSource": "Web"});
        let request = org
            .ask("POST", "/sobjects/Lead")
            .header("Sforce-Auto-Assign", header);
        let id = read(request.json(&body)).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        org.get(&format!("/sobjects/Lead/{id}")).await.json()
    };
    let assigned = make("TRUE").await;
    assert_eq!(
        (&assigned["Phone"], &assigned["OwnerId"]),
        (&json!("+123"), &json!(queue))
    );
    let types = org.get("/sobjects/Lead/describe").await.json()["recordTypeInfos"].clone();
    assert_eq!(types[0]["recordTypeId"], assigned["RecordTypeId"]);
    assert_eq!(types[0]["defaultRecordTypeMapping"], true);
    assert_eq!(make("FALSE").await["OwnerId"], org.running.info().user_id);
    let other = org
        .query("SELECT Id FROM RecordType WHERE SobjectType = 'Account'")
        .await;
    let body = json!({"LastName": "T", "Company": "C", "RecordTypeId": other["records"][0]["Id"]});
    assert_eq!(
        org.send("POST", "/sobjects/Lead", body).await.code(),
        "INVALID_CROSS_REFERENCE_KEY"
    );
    let wrong = Automation {
        flows: vec![Flow {
            object: "Lead".into(),
            field: "Nope".into(),
            becomes: Becomes::Empty,
        }],
        ..Automation::default()
    };
    assert!(org.control().set_automation(wrong).is_err());
}

#[tokio::test]
async fn a_field_without_access_is_not_there() {
    let org = Org::small().await;
    let id = org.lead("Guarded").await;
    let access = |field: &str, access| FieldAccess {
        object: "Lead".into(),
        field: field.into(),
        user: Some(org.running.info().user_id.clone()),
        access,
    };
    org.control()
        .set_automation(Automation {
            field_access: vec![
                access("Title", Access::None),
                access("Phone", Access::ReadOnly),
            ],
            ..Automation::default()
        })
        .unwrap();
    let described = org.get("/sobjects/Lead/describe").await.json()["fields"].clone();
    let find = |name: &str| {
        described
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["name"] == name)
    };
    assert!(find("Title").is_none());
    assert_eq!(find("Phone").unwrap()["updateable"], false);
    let path = format!("/sobjects/Lead/{id}");
    assert!(org.get(&path).await.json().get("Title").is_none());
    assert_eq!(
        org.get(&format!("{path}?fields=Title")).await.code(),
        "INVALID_FIELD"
    );
    let query = read(
        org.ask("GET", "/query")
            .query(&[("q", "SELECT Title FROM Lead")]),
    )
    .await;
    assert_eq!(query.code(), "INVALID_FIELD");
    let none = org.send("PATCH", &path, json!({"Title": "x"})).await;
    assert_eq!(none.code(), "INVALID_FIELD");
    let read_only = org.send("PATCH", &path, json!({"Phone": "1"})).await;
    assert_eq!(read_only.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(read_only.json()[0]["fields"], json!(["Phone"]));
}

#[tokio::test]
async fn limits_of_storage_and_of_calls_at_once_are_kept() {
    let org = Org::small().await;
    org.control().set_storage(0);
    let full = org
        .send(
            "POST",
            "/sobjects/Lead",
            json!({"LastName": "L", "Company": "C"}),
        )
        .await;
    assert_eq!(
        (full.status, &*full.code()),
        (400, "STORAGE_LIMIT_EXCEEDED")
    );
    assert_eq!(
        org.get("/limits").await.json()["DataStorageMB"]["Remaining"],
        0
    );
    org.control().set_storage(100);
    org.lead("Fits").await;
    org.control().set_most_at_once(0);
    let crowded = org.get("/limits").await;
    assert_eq!(
        (crowded.status, &*crowded.code()),
        (403, "REQUEST_LIMIT_EXCEEDED")
    );
    assert!(crowded.text.contains("ConcurrentRequests"));
    org.control().set_most_at_once(25);
    assert_eq!(org.get("/limits").await.status, 200);
}

#[tokio::test]
async fn a_long_transaction_is_seen_late_and_holds_the_watermark() {
    let org = Org::small().await;
    let id = org.lead("Late").await;
    let control = org.control();
    control.advance(120);
    let begun = control.advance(0);
    control
        .update_unseen(By::Colleague, &id, &fields(json!({"Title": "New"})))
        .unwrap();
    control.advance(600);
    let path = format!("/sobjects/Lead/{id}");
    assert_eq!(org.get(&path).await.json()["Title"], Value::Null);
    let stamp = |at: i64| {
        let text = org.tokens["issued_at"].as_str().unwrap();
        assert!(!text.is_empty());
        let at = jiff::Timestamp::from_second(at).unwrap();
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let window = format!(
        "/sobjects/Lead/updated/?start={}&end={}",
        stamp(begun - 3600),
        stamp(begun + 540)
    );
    let covered = |json: &Value| json["latestDateCovered"].as_str().unwrap()[..16].to_owned();
    let before = org.get(&window).await.json();
    assert_eq!(covered(&before), stamp(begun)[..16], "{before}");
    control.end_unseen().unwrap();
    let after = org.get(&window).await.json();
    assert_eq!(covered(&after), stamp(begun + 540)[..16]);
    assert!(after["ids"].as_array().unwrap().contains(&json!(id)));
    let record = org.get(&path).await.json();
    assert_eq!(record["Title"], "New");
    assert_eq!(
        record["SystemModstamp"].as_str().unwrap()[..19],
        stamp(begun)[..19]
    );
}

#[tokio::test]
async fn an_org_is_kept_and_brought_back() {
    let org = Org::small().await;
    let control = org.control();
    control.snapshot("start");
    let id = org.lead("Gone again").await;
    assert!(control.restore("start") && !control.restore("other"));
    assert_eq!(org.get(&format!("/sobjects/Lead/{id}")).await.status, 404);
    let info = org.running.info();
    let steer = |path: &str, body: Value| {
        let url = format!("{}/{path}", info.control_url);
        read(
            org.http
                .put(url)
                .bearer_auth(&info.control_token)
                .json(&body),
        )
    };
    let set = steer(
        "automation",
        json!({"flows": [{"object": "Lead", "field": "Title", "becomes": {"text": "T"}}]}),
    );
    assert_eq!(set.await.status, 204);
    assert_eq!(steer("automation", json!({"flowz": []})).await.status, 400);
    assert_eq!(steer("storage", json!({"megabytes": 9})).await.status, 204);
    assert_eq!(steer("jobs", json!("held")).await.status, 204);
    let id = org.lead("Titled").await;
    assert_eq!(
        org.get(&format!("/sobjects/Lead/{id}?fields=Title"))
            .await
            .json()["Title"],
        "T"
    );
}
