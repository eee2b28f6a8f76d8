//! Single records, describe, limits, and the rules of saving.

use super::*;

#[tokio::test]
async fn versions_need_no_session_and_the_rest_does() {
    let org = Org::small().await;
    let list = read(org.http.get(org.url("/services/data/"))).await;
    assert_eq!(list.header("sforce-limit-info"), "");
    let list = list.json();
    let last = list
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["version"] == "67.0")
        .unwrap();
    assert_eq!(last["url"], V);
    assert_eq!(last["label"], "Summer '26");
    let bare = read(org.http.get(org.url(&format!("{V}/sobjects")))).await;
    assert_eq!(bare.status, 401);
    let error =
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
    assert_eq!(bare.json(), error);
    let old = read(org.http.get(org.url("/services/data/v20.0/limits"))).await;
    assert_eq!(old.status, 410);
    let fine = org.get("/").await;
    assert!(fine.header("sforce-limit-info").starts_with("api-usage="));
    assert_eq!(fine.json()["sobjects"], format!("{V}/sobjects"));
}

#[tokio::test]
async fn a_record_lives_and_dies() {
    let org = Org::small().await;
    let text = "Zoë 👩‍💻 \u{202e}x\u{1b}[31m \"quoted\" \\ back\nline";
    let body = json!({"LastName": "O'Neil", "Company": "Société", "Description": text,
        "AnnualRevenue": 12500, "Syncdeck_Key__c": "k-1"});
    let made = org.send("POST", "/sobjects/Lead/", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made.json(),
        json!({"id": id, "success": true, "errors": []})
    );
    assert_eq!(made.header("location"), format!("{V}/sobjects/Lead/{id}"));
    assert_eq!(id.len(), 18);

    let path = format!("/sobjects/Lead/{id}");
    let got = org.get(&path).await;
    let record = got.json();
    assert_eq!(
        record["attributes"],
        json!({"type": "Lead", "url": format!("{V}{path}")})
    );
    assert_eq!(record["Name"], "O'Neil");
    assert_eq!(record["Description"], text);
    assert_eq!(record["Status"], "Open - Not Contacted");
    assert_eq!(record["IsDeleted"], false);
    assert_eq!(record["Email"], Value::Null);
    let stamp = record["LastModifiedDate"].as_str().unwrap();
    assert!(stamp.ends_with(".000+0000") && stamp.len() == 28, "{stamp}");
    let short = org
        .get(&format!("/sobjects/Lead/{}?fields=Company", &id[..15]))
        .await
        .json();
    assert_eq!(
        short,
        json!({"attributes": record["attributes"], "Company": "Société", "Id": id})
    );

    let same_key = org.send("POST", "/sobjects/Lead", body).await;
    assert_eq!(
        (same_key.status, &*same_key.code()),
        (400, "DUPLICATE_VALUE")
    );
    assert!(
        same_key.json()[0]["message"]
            .as_str()
            .unwrap()
            .contains(&id[..15])
    );

    let changed = org
        .send(
            "PATCH",
            &path,
            json!({"Email": "a@b.example", "Description": null}),
        )
        .await;
    assert_eq!((changed.status, &*changed.text), (204, ""));
    let record = org.get(&path).await.json();
    assert_eq!(
        (&record["Email"], &record["Description"]),
        (&json!("a@b.example"), &Value::Null)
    );

    assert_eq!(org.delete(&path).await.status, 204);
    for gone in [org.get(&path).await, org.delete(&path).await] {
        assert_eq!((gone.status, &*gone.code()), (404, "ENTITY_IS_DELETED"));
    }
    let all = read(
        org.ask("GET", "/queryAll")
            .query(&[("q", format!("SELECT IsDeleted FROM Lead WHERE Id = '{id}'"))]),
    )
    .await;
    assert_eq!(all.json()["records"][0]["IsDeleted"], true);
    assert_eq!(
        org.query(&format!("SELECT Id FROM Lead WHERE Id = '{id}'"))
            .await["totalSize"],
        0
    );
    let never = org.get("/sobjects/Lead/00QSy0000000zzz").await;
    assert_eq!(never.status, 404);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_the_known_words() {
    let org = Org::small().await;
    let lead = |extra: Value| {
        let mut body = json!({"LastName": "L", "Company": "C"});
        for (k, v) in extra.as_object().unwrap() {
            body[k] = v.clone();
        }
        body
    };
    for (body, code, says) in [
        (
            json!({"Company": "C"}),
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
        ),
        (
            lead(json!({"Email": "nobody"})),
            "INVALID_EMAIL_ADDRESS",
            "invalid email address: nobody",
        ),
        (
            lead(json!({"LastName": "x".repeat(81)})),
            "STRING_TOO_LONG",
            "max length=80",
        ),
        (
            lead(json!({"Nope__c": 1})),
            "INVALID_FIELD",
            "No such column 'Nope__c' on sobject of type Lead",
        ),
        (
            lead(json!({"Id": "00Q"})),
            "INVALID_FIELD",
            "Id field should not be specified",
        ),
        (
            lead(json!({"IsConverted": true})),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "IsConverted",
        ),
        (
            lead(json!({"Phone": "call me"})),
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "must not contain letters",
        ),
        (
            lead(json!({"NumberOfEmployees": "many"})),
            "JSON_PARSER_ERROR",
            "many",
        ),
        (
            lead(json!({"OwnerId": "001Sy0000000001"})),
            "FIELD_INTEGRITY_EXCEPTION",
            "incorrect type",
        ),
    ] {
        let answer = org.send("POST", "/sobjects/Lead", body.clone()).await;
        assert_eq!(answer.status, 400, "{body} {}", answer.text);
        assert_eq!(answer.code(), code, "{body} {}", answer.text);
        let message = answer.json()[0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(says), "{message}");
    }
    let account = json!({"Name": "A", "Tier__c": "Lead"});
    assert_eq!(
        org.send("POST", "/sobjects/Account", account).await.code(),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    );
    let converted = org
        .query("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")
        .await;
    let path = format!(
        "/sobjects/Lead/{}",
        converted["records"][0]["Id"].as_str().unwrap()
    );
    assert_eq!(
        org.send("PATCH", &path, json!({"Title": "x"})).await.code(),
        "CANNOT_UPDATE_CONVERTED_LEAD"
    );
    let broken = read(
        org.ask("POST", "/sobjects/Lead")
            .header("content-type", "application/json")
            .body("{\"LastName\":"),
    )
    .await;
    assert_eq!((broken.status, &*broken.code()), (400, "JSON_PARSER_ERROR"));
    let yaml = read(
        org.ask("POST", "/sobjects/Lead")
            .header("content-type", "application/yaml")
            .body("a: b"),
    )
    .await;
    assert_eq!(yaml.status, 415);
    let unknown = org.get("/sobjects/Nope__c/describe").await;
    assert_eq!((unknown.status, &*unknown.code()), (404, "NOT_FOUND"));
    assert_eq!(
        org.send("PUT", "/sobjects/Lead", json!({})).await.status,
        405
    );
}

#[tokio::test]
async fn an_upsert_by_key_makes_and_changes_one_record() {
    let org = Org::small().await;
    let path = "/sobjects/Contact/Syncdeck_Key__c/person%201%2F2";
    let body = json!({"LastName": "Key"});
    let made = org.send("PATCH", path, body.clone()).await;
    assert_eq!((made.status, &made.json()["created"]), (201, &json!(true)));
    let again = org.send("PATCH", path, body.clone()).await;
    assert_eq!(
        (again.status, &again.json()["created"]),
        (200, &json!(false))
    );
    assert_eq!(again.json()["id"], made.json()["id"]);
    let record = org.get(path).await.json();
    assert_eq!(record["Syncdeck_Key__c"], "person 1/2");
    let found = org
        .query("SELECT COUNT() FROM Contact WHERE Syncdeck_Key__c = 'person 1/2'")
        .await;
    assert_eq!(found["totalSize"], 1);
    let missing = org
        .send(
            "PATCH",
            "/sobjects/Contact/Syncdeck_Key__c/x?updateOnly=true",
            body.clone(),
        )
        .await;
    assert_eq!(missing.status, 404);
    let no_key = org
        .send("PATCH", "/sobjects/Contact/LastName/x", body)
        .await;
    assert!(
        no_key
            .text
            .contains("Provided external ID field does not exist")
    );
}

#[tokio::test]
async fn a_condition_protects_what_somebody_else_changed() {
    let org = Org::small().await;
    let id = org.lead("Guard").await;
    let path = format!("/sobjects/Lead/{id}");
    let seen = org.get(&path).await.header("last-modified").to_owned();
    let guarded = |title: &str| {
        let body = json!({"Title": title});
        read(
            org.ask("PATCH", &path)
                .header("If-Unmodified-Since", &seen)
                .json(&body),
        )
    };
    assert_eq!(guarded("mine").await.status, 204);
    org.control().advance(5);
    let other = json!({"Title": "theirs"});
    let colleague = syncdeck::sandbox::By::Colleague;
    org.control()
        .update(colleague, &id, other.as_object().unwrap())
        .unwrap();
    let refused = guarded("mine again").await;
    assert_eq!(refused.status, 412);
    let record = org.get(&path).await.json();
    assert_eq!(record["Title"], "theirs");
    assert_ne!(record["LastModifiedById"], record["CreatedById"]);
    let fresh = read(
        org.ask("GET", &path)
            .header("If-Modified-Since", http_date_of(&org, &path).await),
    )
    .await;
    assert_eq!((fresh.status, &*fresh.text), (304, ""));
}

async fn http_date_of(org: &Org, path: &str) -> String {
    org.get(path).await.header("last-modified").to_owned()
}

#[tokio::test]
async fn describe_tells_what_saving_checks() {
    let org = Org::small().await;
    let lead = org.get("/sobjects/Lead/describe").await.json();
    let field = |name: &str| {
        let fields = lead["fields"].as_array().unwrap();
        fields.iter().find(|f| f["name"] == name).unwrap().clone()
    };
    assert_eq!(lead["keyPrefix"], "00Q");
    assert_eq!(field("LastName")["nillable"], false);
    assert_eq!(field("LastName")["length"], 80);
    assert_eq!(field("Syncdeck_Key__c")["externalId"], true);
    assert_eq!(field("Syncdeck_Key__c")["unique"], true);
    assert_eq!(field("IsConverted")["updateable"], false);
    assert_eq!(field("OwnerId")["referenceTo"], json!(["Group", "User"]));
    assert_eq!(
        field("Status")["picklistValues"][0]["value"],
        "Open - Not Contacted"
    );
    let global = org.get("/sobjects").await.json();
    let names: Vec<&str> = global["sobjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["name"].as_str().unwrap())
        .collect();
    for name in [
        "Lead",
        "Account",
        "Contact",
        "Opportunity",
        "Case",
        "Task",
        "User",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[tokio::test]
async fn calls_are_counted_and_end_at_the_allowance() {
    let org = Org::small().await;
    let first = org.get("/limits").await;
    let used = |answer: &Answer| -> u64 {
        let text = answer
            .header("sforce-limit-info")
            .trim_start_matches("api-usage=")
            .to_owned();
        text.split('/').next().unwrap().parse().unwrap()
    };
    let second = org.get("/limits").await;
    assert_eq!(used(&second), used(&first) + 1);
    let daily = &second.json()["DailyApiRequests"];
    assert_eq!(
        daily["Max"].as_u64().unwrap() - daily["Remaining"].as_u64().unwrap(),
        used(&second)
    );
    org.control().set_allowance(Some(10), Some(11));
    assert_eq!(org.get("/limits").await.status, 200);
    let over = org.get("/limits").await;
    assert_eq!(
        (over.status, &*over.code()),
        (403, "REQUEST_LIMIT_EXCEEDED")
    );
    assert_eq!(over.json()[0]["message"], "TotalRequests Limit exceeded.");
}

#[tokio::test]
async fn many_upserts_of_one_key_at_once_make_one_record() {
    let org = Org::small().await;
    let body = json!({"LastName": "Race", "Company": "Race"});
    let path = "/sobjects/Lead/Syncdeck_Key__c/race";
    let answers =
        futures::future::join_all((0..16).map(|_| org.send("PATCH", path, body.clone()))).await;
    let made = answers.iter().filter(|a| a.status == 201).count();
    assert_eq!(
        (made, answers.iter().filter(|a| a.status == 200).count()),
        (1, 15)
    );
    assert_eq!(org.control().written().len(), 1);
}

#[tokio::test]
async fn the_longest_texts_arrive_whole() {
    let org = Org::small().await;
    let soql = "SELECT Id, Research_Notes__c FROM Lead ORDER BY Id LIMIT 30";
    let found = org.query(soql).await;
    let longest = |text: &Value| text.as_str().map_or(0, |t| t.chars().count());
    let most = found["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| longest(&r["Research_Notes__c"]))
        .max();
    assert_eq!(most, Some(131_065));
    let path = format!("/sobjects/Lead/{}", org.lead("Long").await);
    let fits = "é".repeat(131_072);
    assert_eq!(
        org.send("PATCH", &path, json!({"Research_Notes__c": fits}))
            .await
            .status,
        204
    );
    assert_eq!(org.get(&path).await.json()["Research_Notes__c"], fits);
    let over = org
        .send(
            "PATCH",
            &path,
            json!({"Research_Notes__c": "x".repeat(1 << 20)}),
        )
        .await;
    assert_eq!((over.status, &*over.code()), (400, "STRING_TOO_LONG"));
    assert!(over.text.len() < 2000, "the message does not repeat it all");
    let long = "x".repeat(17_000);
    assert_eq!(
        read(org.ask("GET", "/query").query(&[("q", &long)]))
            .await
            .status,
        414
    );
}
