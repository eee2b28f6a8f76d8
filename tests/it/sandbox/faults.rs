//! Injected faults as they arrive at a client.

use syncdeck::sandbox::Fault;

use super::*;

fn inject(org: &Org, fault: Value) {
    org.control()
        .inject(serde_json::from_value::<Fault>(fault).unwrap());
}

#[tokio::test]
async fn answers_that_are_not_the_real_ones() {
    let org = Org::small().await;
    inject(
        &org,
        json!({"kind": "status", "status": 503, "path": "/limits", "times": 2}),
    );
    assert_eq!(org.get("/limits").await.code(), "SERVER_UNAVAILABLE");
    assert_eq!(org.get("/sobjects").await.status, 200);
    assert_eq!(org.get("/limits").await.status, 503);
    assert_eq!(org.get("/limits").await.status, 200);
    inject(&org, json!({"kind": "html", "status": 500, "times": 1}));
    let page = org.get("/limits").await;
    assert!(
        page.header("content-type").starts_with("text/html") && page.text.contains("maintenance")
    );
    inject(&org, json!({"kind": "slow_query", "most": 0, "times": 2}));
    let slow = org.get("/query/?q=SELECT+Id+FROM+User").await;
    assert_eq!((slow.status, slow.code().as_str()), (400, "QUERY_TIMEOUT"));
    assert_eq!(org.get("/limits").await.status, 200);
    inject(&org, json!({"kind": "garbage", "times": 1}));
    assert!(serde_json::from_str::<Value>(&org.get("/limits").await.text).is_err());
    inject(&org, json!({"kind": "daily_limit", "times": 1}));
    assert_eq!(org.get("/limits").await.code(), "REQUEST_LIMIT_EXCEEDED");
    inject(&org, json!({"kind": "unauthorized", "times": 1}));
    assert_eq!(org.get("/limits").await.code(), "INVALID_SESSION_ID");
    assert_eq!(org.get("/limits").await.status, 200);
    inject(&org, json!({"kind": "expire_session", "times": 1}));
    assert_eq!(org.get("/limits").await.status, 401);
    assert_eq!(org.get("/limits").await.status, 401);
}

#[tokio::test]
async fn maintenance_refuses_writes_and_crowds_are_turned_away() {
    let org = Org::small().await;
    inject(&org, json!({"kind": "read_only", "times": 2}));
    let body = json!({"LastName": "L", "Company": "C"});
    let refused = org.send("POST", "/sobjects/Lead", body).await;
    assert_eq!(
        refused.code(),
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
    );
    assert_eq!(org.get("/limits").await.status, 200);
    inject(&org, json!({"kind": "concurrent_limit", "times": 1}));
    let crowded = org.get("/limits").await;
    assert_eq!(crowded.status, 403);
    assert!(crowded.text.contains("ConcurrentRequests"));
}

#[tokio::test]
async fn a_migrated_org_answers_elsewhere() {
    let mut org = Org::small().await;
    org.control().migrate();
    let moved = org.get("/limits").await;
    assert_eq!(moved.status, 301);
    let there = format!(
        "{}{V}/limits",
        org.url("").replace("127.0.0.1", "localhost")
    );
    assert_eq!(moved.header("location"), there);
    org.sign_in().await;
    let instance = org.tokens["instance_url"].as_str().unwrap();
    assert!(there.starts_with(instance), "{instance}");
    let token = org.tokens["access_token"].as_str().unwrap();
    let limits = read(org.http.get(&there).bearer_auth(token)).await;
    assert_eq!(limits.status, 200);
}

#[tokio::test]
async fn connections_that_end_before_and_after_the_work() {
    let org = Org::small().await;
    let post = |name: &str| {
        let body = json!({"LastName": name, "Company": "Drop"});
        org.ask("POST", "/sobjects/Lead").json(&body).send()
    };
    inject(
        &org,
        json!({"kind": "drop_before", "method": "POST", "times": 1}),
    );
    assert!(post("Before").await.is_err());
    inject(
        &org,
        json!({"kind": "drop_after", "method": "POST", "times": 1}),
    );
    assert!(post("After").await.is_err());
    let found = org
        .query("SELECT LastName FROM Lead WHERE Company = 'Drop'")
        .await;
    assert_eq!(found["totalSize"], 1);
    assert_eq!(found["records"][0]["LastName"], "After");

    inject(
        &org,
        json!({"kind": "truncate", "path": "/query", "times": 1}),
    );
    let soql = [("q", "SELECT Id FROM Lead LIMIT 50")];
    let cut = org.ask("GET", "/query").query(&soql).send().await;
    let whole = match cut {
        Ok(response) => response.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!whole, "the body must end too early");
}

#[tokio::test]
async fn a_locked_row_is_free_after_its_tries() {
    let org = Org::small().await;
    let id = org.lead("Locked").await;
    org.control().lock(&id, 2).unwrap();
    let path = format!("/sobjects/Lead/{id}");
    for _ in 0..2 {
        assert_eq!(
            org.send("PATCH", &path, json!({"Title": "x"})).await.code(),
            "UNABLE_TO_LOCK_ROW"
        );
    }
    assert_eq!(
        org.send("PATCH", &path, json!({"Title": "x"})).await.status,
        204
    );
}

#[tokio::test]
async fn all_tokens_can_end_at_once() {
    let org = Org::small().await;
    let refresh = org.tokens["refresh_token"].as_str().unwrap();
    org.control().expire_sessions();
    assert_eq!(org.get("/limits").await.status, 401);
    assert_eq!(org.refresh(refresh).await.status, 200);
    org.control().revoke_grants();
    assert_eq!(org.refresh(refresh).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_slow_answer_is_slow_for_its_path_only() {
    let org = Org::small().await;
    inject(
        &org,
        json!({"kind": "delay", "ms": 600_000, "path": "/services/*/limits", "times": 1}),
    );
    let patience = std::time::Duration::from_millis(100);
    let slow = org.ask("GET", "/limits").timeout(patience).send().await;
    assert!(slow.unwrap_err().is_timeout());
    assert_eq!(org.get("/limits").await.status, 200);
}

#[tokio::test]
async fn a_request_can_be_done_late_or_twice() {
    let org = Org::small().await;
    let body = json!({"LastName": "Once", "Company": "Twice"});
    inject(
        &org,
        json!({"kind": "duplicate", "method": "POST", "times": 1}),
    );
    let made = org.send("POST", "/sobjects/Lead", body.clone()).await;
    assert_eq!(made.status, 201);
    let soql = "SELECT COUNT() FROM Lead WHERE Company = 'Twice'";
    assert_eq!(org.query(soql).await["totalSize"], 2);

    inject(
        &org,
        json!({"kind": "late", "ms": 1, "method": "POST", "times": 1}),
    );
    let lost = org.ask("POST", "/sobjects/Lead").json(&body).send().await;
    assert!(lost.is_err());
    while org.query(soql).await["totalSize"] != 3 {
        tokio::task::yield_now().await;
    }
    let seen = org.control().requests(0);
    let struck: Vec<_> = seen.iter().filter(|s| !s.faults.is_empty()).collect();
    assert_eq!(struck.len(), 3, "{struck:?}");
    assert_eq!(struck[2].status, None);
}

#[tokio::test]
async fn some_rows_can_be_refused_and_a_list_be_too_short() {
    let org = Org::small().await;
    let lead =
        |name: &str| json!({"attributes": {"type": "Lead"}, "LastName": name, "Company": "Rows"});
    let body = json!({"records": [lead("a"), lead("b"), lead("c")]});
    inject(
        &org,
        json!({"kind": "refuse_rows", "rows": [1], "times": 1}),
    );
    let done = org
        .send("POST", "/composite/sobjects", body.clone())
        .await
        .json();
    let good: Vec<_> = done
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["success"])
        .collect();
    assert_eq!(good, [true, false, true]);
    assert_eq!(done[1]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    let found = org
        .query("SELECT LastName FROM Lead WHERE Company = 'Rows' ORDER BY LastName")
        .await;
    assert_eq!(found["totalSize"], 2);

    inject(
        &org,
        json!({"kind": "refuse_rows", "share": 1.0, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "times": 1}),
    );
    let part = json!({"method": "POST", "url": format!("{V}/sobjects/Lead"), "referenceId": "a",
        "body": {"LastName": "d", "Company": "Rows"}});
    let body = json!({ "compositeRequest": [part] });
    let refused = org.send("POST", "/composite", body.clone()).await.json();
    assert_eq!(
        refused["compositeResponse"][0]["body"][0]["errorCode"],
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    );
    inject(&org, json!({"kind": "short_list", "times": 1}));
    let short = org.send("POST", "/composite", body).await;
    assert_eq!(short.json()["compositeResponse"], json!([]));
}

#[tokio::test]
async fn refusals_have_the_form_of_the_service() {
    let org = Org::small().await;
    inject(&org, json!({"kind": "status", "status": 412, "times": 1}));
    let failed = org.get("/limits").await;
    assert_eq!(failed.code(), "PRECONDITION_FAILED");
    assert!(failed.header("sforce-limit-info").starts_with("api-usage="));
    inject(
        &org,
        json!({"kind": "status", "status": 400, "path": "/oauth2/token", "times": 1}),
    );
    let refresh = org.tokens["refresh_token"].as_str().unwrap();
    assert_eq!(org.refresh(refresh).await.json()["error"], "invalid_grant");
    assert_eq!(org.refresh(refresh).await.status, 200);
}

#[tokio::test]
async fn cursors_end_in_the_middle() {
    let org = Org::small().await;
    let request = org
        .ask("GET", "/query")
        .query(&[("q", "SELECT Id FROM Lead")])
        .header("Sforce-Query-Options", "batchSize=200");
    let page = read(request).await.json();
    let next = page["nextRecordsUrl"].as_str().unwrap();
    let next = next.strip_prefix(V).unwrap();
    assert_eq!(org.get(next).await.status, 200);
    inject(
        &org,
        json!({"kind": "close_cursors", "path": "/query/01g", "times": 1}),
    );
    assert_eq!(org.get(next).await.code(), "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn what_is_shared_no_more_is_gone_without_a_trace() {
    let org = Org::small().await;
    let id = org.lead("Shared").await;
    let path = format!("/sobjects/Lead/{id}");
    org.control().hide(&id).unwrap();
    assert_eq!(org.get(&path).await.code(), "NOT_FOUND");
    assert!(org.control().changes(0).len() == 1, "only that it was made");
    org.control().show(&id).unwrap();
    assert_eq!(org.get(&path).await.json()["LastName"], "Shared");

    let picks = json!([{"object": "Lead", "field": "Rating", "value": "Warm"}]);
    org.control()
        .set_retired(&serde_json::from_value::<Vec<_>>(picks).unwrap())
        .unwrap();
    let fields = org.get("/sobjects/Lead/describe").await.json()["fields"].clone();
    let rating = fields
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "Rating")
        .unwrap();
    let values = rating["picklistValues"].to_string();
    assert!(
        values.contains("Hot") && !values.contains("Warm"),
        "{values}"
    );

    org.control().trim_deletes();
    let at = |offset: i64| {
        let seconds = org.control().advance(0) + offset;
        jiff::Timestamp::from_second(seconds).unwrap().to_string()
    };
    let window = [("start", at(-3600)), ("end", at(120))];
    let trimmed = read(org.ask("GET", "/sobjects/Lead/deleted").query(&window)).await;
    assert_eq!(trimmed.code(), "INVALID_REPLICATION_DATE");
}
