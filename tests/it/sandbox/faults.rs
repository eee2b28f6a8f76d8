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
