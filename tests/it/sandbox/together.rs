//! Many records in one call: collections and composite.

use super::*;

fn lead(last: &str) -> Value {
    json!({"attributes": {"type": "Lead"}, "LastName": last, "Company": "Many"})
}

#[tokio::test]
async fn a_collection_answers_for_each_in_order() {
    let org = Org::small().await;
    let bad = json!({"attributes": {"type": "Lead"}, "Company": "No name"});
    let body = |mode: bool| json!({"allOrNone": mode, "records": [lead("A"), bad, lead("B")]});
    let each = org
        .send("POST", "/composite/sobjects", body(false))
        .await
        .json();
    assert_eq!(each[0]["success"], true);
    assert_eq!(
        each[1],
        json!({"success": false, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [LastName]", "fields": ["LastName"]}]})
    );
    let all = org
        .send("POST", "/composite/sobjects", body(true))
        .await
        .json();
    assert_eq!(
        all[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    let count = org
        .query("SELECT COUNT() FROM Lead WHERE Company = 'Many'")
        .await;
    assert_eq!(count["totalSize"], 2);

    let ids = [each[0]["id"].clone(), each[2]["id"].clone()];
    let patch = |id: &Value| json!({"attributes": {"type": "Lead"}, "Id": id, "Title": "T"});
    let records =
        json!({"records": [patch(&ids[0]), patch(&ids[1]), patch(&json!("00QSy0000000zzz"))]});
    let changed = org
        .send("PATCH", "/composite/sobjects", records)
        .await
        .json();
    assert_eq!(
        (&changed[0]["success"], &changed[2]["success"]),
        (&json!(true), &json!(false))
    );

    let list = format!("{},{}", ids[0].as_str().unwrap(), ids[1].as_str().unwrap());
    let got = org
        .send(
            "POST",
            "/composite/sobjects/Lead",
            json!({"ids": ids, "fields": ["Title"]}),
        )
        .await
        .json();
    assert_eq!((&got[0]["Title"], &got[1]["Id"]), (&json!("T"), &ids[1]));
    let gone = org
        .delete(&format!("/composite/sobjects?ids={list}"))
        .await
        .json();
    assert_eq!(
        gone[1],
        json!({"id": ids[1], "success": true, "errors": []})
    );
    let null = org
        .get(&format!("/composite/sobjects/Lead?ids={list}&fields=Title"))
        .await
        .json();
    assert_eq!(null, json!([null, null]));
}

#[tokio::test]
async fn collections_have_their_limits() {
    let org = Org::small().await;
    let many: Vec<Value> = (0..201).map(|i| lead(&format!("L{i}"))).collect();
    let over = org
        .send("POST", "/composite/sobjects", json!({"records": many}))
        .await;
    assert_eq!(over.status, 400);
    let fits = org
        .send(
            "POST",
            "/composite/sobjects",
            json!({"records": many[..200]}),
        )
        .await;
    assert_eq!(fits.json().as_array().unwrap().len(), 200);
    let ids = vec!["00QSy0000000001"; 2001];
    let over = org
        .send(
            "POST",
            "/composite/sobjects/Lead",
            json!({"ids": ids, "fields": ["Id"]}),
        )
        .await;
    assert_eq!(over.status, 400);
}

#[tokio::test]
async fn an_upsert_of_many_by_key() {
    let org = Org::small().await;
    let of = |key: &str, last: &str| json!({"attributes": {"type": "Lead"}, "Syncdeck_Key__c": key, "LastName": last, "Company": "K"});
    let path = "/composite/sobjects/Lead/Syncdeck_Key__c";
    let first = org
        .send(
            "PATCH",
            path,
            json!({"records": [of("a", "A"), of("b", "B")]}),
        )
        .await
        .json();
    assert_eq!(
        (&first[0]["created"], &first[1]["created"]),
        (&json!(true), &json!(true))
    );
    let again = org
        .send(
            "PATCH",
            path,
            json!({"records": [of("a", "A2"), of("c", "C"), of("d", "D"), of("d", "D")]}),
        )
        .await
        .json();
    assert_eq!(again[0]["id"], first[0]["id"]);
    assert_eq!(
        (&again[0]["created"], &again[1]["created"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(again[2]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    assert_eq!(
        org.query("SELECT COUNT() FROM Lead WHERE Company = 'K'")
            .await["totalSize"],
        3
    );
}

#[tokio::test]
async fn a_composite_guards_each_part_and_passes_answers_on() {
    let org = Org::small().await;
    let (old, fresh) = (org.lead("Old").await, org.lead("Fresh").await);
    let seen = org
        .get(&format!("/sobjects/Lead/{old}"))
        .await
        .header("last-modified")
        .to_owned();
    org.control().advance(5);
    let change = json!({"Title": "theirs"});
    org.control()
        .update(
            syncdeck::sandbox::By::Colleague,
            &old,
            change.as_object().unwrap(),
        )
        .unwrap();
    let patch = |id: &str, reference: &str| {
        json!({
        "method": "PATCH", "url": format!("{V}/sobjects/Lead/{id}"), "referenceId": reference,
        "httpHeaders": {"If-Unmodified-Since": seen}, "body": {"Title": "mine"}})
    };
    let body = json!({"allOrNone": false, "compositeRequest": [
        patch(&old, "r1"), patch(&fresh, "r2"),
        {"method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": "acc", "body": {"Name": "New"}},
        {"method": "POST", "url": format!("{V}/sobjects/Contact"), "referenceId": "con", "body": {"LastName": "P", "AccountId": "@{acc.id}"}},
        {"method": "GET", "url": format!("{V}/sobjects/Contact/@{{con.id}}?fields=AccountId"), "referenceId": "got"},
    ]});
    let answer = org.send("POST", "/composite", body).await;
    assert_eq!(answer.status, 200);
    let parts = answer.json()["compositeResponse"].clone();
    let codes: Vec<u64> = parts
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["httpStatusCode"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [412, 204, 201, 201, 200], "{parts}");
    assert_eq!(parts[1]["body"], Value::Null);
    assert_eq!(parts[4]["body"]["AccountId"], parts[2]["body"]["id"]);
    assert!(parts[2]["httpHeaders"]["Location"].is_string());
    assert_eq!(
        org.get(&format!("/sobjects/Lead/{old}")).await.json()["Title"],
        "theirs"
    );
}

#[tokio::test]
async fn all_or_none_takes_everything_back() {
    let org = Org::small().await;
    let post = |name: &str, body: Value| json!({"method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": name, "body": body});
    let body = json!({"allOrNone": true, "compositeRequest": [post("a", json!({"Name": "Undone"})), post("b", json!({}))]});
    let parts = org.send("POST", "/composite", body).await.json()["compositeResponse"].clone();
    assert_eq!(parts[0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(parts[1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(
        org.query("SELECT COUNT() FROM Account WHERE Name = 'Undone'")
            .await["totalSize"],
        0
    );
    let many: Vec<Value> = (0..26)
        .map(|i| post(&format!("r{i}"), json!({"Name": "x"})))
        .collect();
    let over = org
        .send("POST", "/composite", json!({"compositeRequest": many}))
        .await;
    assert_eq!(over.status, 400);
}
