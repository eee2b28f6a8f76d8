//! Codes and statuses of requests that are wrong, one after the other; and small endpoints.

use super::*;

#[tokio::test]
async fn what_is_wrong_has_its_code_and_status() {
    let org = Org::small().await;
    let made = org
        .send("POST", "/sobjects/Account", json!({"Name": "Kept"}))
        .await;
    let account = made.json()["id"].as_str().unwrap().to_owned();
    let case = json!({"AccountId": account});
    assert_eq!(org.send("POST", "/sobjects/Case", case).await.status, 201);
    let old = "/sobjects/Lead/updated/?start=2001-01-01T00:00:00Z&end=2001-01-02T00:00:00Z";
    let turned = "/sobjects/Lead/deleted/?start=2001-01-03T00:00:00Z&end=2001-01-02T00:00:00Z";
    for (method, path, status, code) in [
        (
            "DELETE",
            format!("/sobjects/Account/{account}"),
            400,
            "DELETE_FAILED",
        ),
        ("GET", "/sobjects/Lead/nonsense".into(), 400, "MALFORMED_ID"),
        (
            "GET",
            "/sobjects/Lead/00QSy0000000zzz".into(),
            404,
            "NOT_FOUND",
        ),
        (
            "DELETE",
            "/sobjects/Lead/00QSy0000000zzz".into(),
            404,
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        ("GET", old.into(), 400, "INVALID_REPLICATION_DATE"),
        ("GET", turned.into(), 400, "INVALID_REPLICATION_DATE"),
        ("DELETE", "/limits".into(), 405, "METHOD_NOT_ALLOWED"),
        ("PATCH", "/sobjects/Lead".into(), 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/sobjects/Nope/describe".into(), 404, "NOT_FOUND"),
        ("GET", "/query".into(), 400, "MALFORMED_QUERY"),
        (
            "GET",
            "/jobs/ingest/750Sy0000000zzz".into(),
            404,
            "INVALIDJOB",
        ),
    ] {
        let answer = read(org.ask(method, &path)).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (status, code),
            "{method} {path}"
        );
        let error = answer.json()[0].clone();
        assert!(
            error["message"].as_str().is_some_and(|m| !m.is_empty()),
            "{error}"
        );
    }
    let lead = org.lead("Old").await;
    let path = format!("/sobjects/Lead/{lead}");
    let stale = org
        .ask("PATCH", &path)
        .header("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT");
    let stale = read(stale.json(&json!({"Title": "T"}))).await;
    assert_eq!((stale.status, &*stale.code()), (412, "PRECONDITION_FAILED"));
    let text = org
        .ask("POST", "/sobjects/Lead")
        .header("Content-Type", "text/plain");
    let text = read(text.body("x")).await;
    assert_eq!(
        (text.status, &*text.code()),
        (415, "UNSUPPORTED_MEDIA_TYPE")
    );
    let other = org.http.get(org.url(&format!("{V}/limits")));
    let other = read(other.header("Authorization", "Basic eA==")).await;
    assert_eq!((other.status, &*other.code()), (401, "INVALID_AUTH_HEADER"));
    let gone = org.http.get(org.url("/services/data/v30.0/limits"));
    let gone = read(gone.bearer_auth(org.tokens["access_token"].as_str().unwrap())).await;
    assert_eq!((gone.status, &*gone.code()), (410, "GONE"));
}

#[tokio::test]
async fn discovery_echo_and_spread_json() {
    let org = Org::small().await;
    let known = read(org.http.get(org.url("/.well-known/openid-configuration")))
        .await
        .json();
    assert_eq!(known["token_endpoint"], org.url("/services/oauth2/token"));
    let echo = read(
        org.http
            .get(org.url("/services/oauth2/echo?code=a%3D&state=s")),
    )
    .await;
    assert_eq!(echo.json(), json!({"code": "a=", "state": "s"}));
    let spread = read(org.ask("GET", "/limits").header("X-PrettyPrint", "1")).await;
    assert!(spread.text.starts_with("{\n  \""), "{}", spread.text);
}
