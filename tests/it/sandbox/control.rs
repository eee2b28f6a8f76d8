//! The control interface: other users, the administrator, and what was asked and written.

use syncdeck::sandbox::{By, Field, What};

use super::*;

impl Org {
    async fn steer(&self, method: &str, path: &str, body: Value) -> Answer {
        let info = self.running.info();
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", info.control_url);
        let request = self
            .http
            .request(method, url)
            .bearer_auth(&info.control_token);
        read(match body {
            Value::Null => request,
            body => request.json(&body),
        })
        .await
    }
}

#[tokio::test]
async fn control_needs_its_own_token() {
    let org = Org::small().await;
    let url = format!("{}/counters", org.running.info().control_url);
    assert_eq!(read(org.http.get(&url)).await.status, 401);
    let access = org.tokens["access_token"].as_str().unwrap();
    assert_eq!(
        read(org.http.get(&url).bearer_auth(access)).await.status,
        401
    );
    assert_eq!(org.steer("GET", "/counters", Value::Null).await.status, 200);
    let shown = format!("{:?} {:?}", org.running, org.control());
    let info = org.running.info();
    for secret in [&info.control_token, &info.password, &info.client_secret] {
        assert!(!shown.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn a_colleague_works_over_http() {
    let org = Org::small().await;
    let made = org
        .steer(
            "POST",
            "/records/Lead?as=user3@sandbox.example.com",
            json!({"LastName": "C", "Company": "C"}),
        )
        .await
        .json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/records/{id}");
    assert_eq!(
        org.steer("PATCH", &path, json!({"Title": "T"}))
            .await
            .status,
        204
    );
    let record = org.get(&format!("/sobjects/Lead/{id}")).await.json();
    assert_eq!(record["Title"], "T");
    assert_ne!(record["CreatedById"], record["LastModifiedById"]);
    assert_eq!(org.steer("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(
        org.steer("GET", &path, Value::Null).await.json()["IsDeleted"],
        true
    );
    assert_eq!(
        org.steer("POST", &format!("{path}/undelete"), Value::Null)
            .await
            .status,
        204
    );
    let converted = org
        .steer(
            "POST",
            &format!("{path}/convert"),
            json!({"opportunity": "Deal"}),
        )
        .await
        .json();
    assert!(converted["opportunity_id"].is_string(), "{converted}");
    assert_eq!(
        org.steer("PATCH", &path, json!({"Title": "U"}))
            .await
            .code(),
        "CANNOT_UPDATE_CONVERTED_LEAD"
    );
    let fault = org
        .steer(
            "POST",
            "/faults",
            json!({"kind": "status", "status": 500, "times": 1}),
        )
        .await
        .json();
    assert_eq!(org.get("/limits").await.status, 500);
    assert_eq!(
        org.steer("GET", "/faults", Value::Null).await.json()[0]["struck"],
        1
    );
    assert_eq!(
        org.steer("DELETE", &format!("/faults/{}", fault["id"]), Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(
        org.steer("POST", "/faults", json!({"kind": "sttus"}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_rule_can_come_and_go() {
    let org = Org::small().await;
    let phone = json!({"LastName": "P", "Company": "P", "Phone": "ring twice"});
    let try_it = || org.send("POST", "/sobjects/Lead", phone.clone());
    assert_eq!(try_it().await.code(), "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    let control = org.control();
    let rules = control.rules();
    let mut rule = rules
        .into_iter()
        .find(|r| r.name == "Phone_Without_Letters")
        .unwrap();
    rule.active = false;
    control.put_rule(rule);
    assert_eq!(try_it().await.status, 201);
    let title = Field {
        object: "Lead".into(),
        field: "Title".into(),
    };
    control.set_required(&[title]).unwrap();
    assert_eq!(try_it().await.code(), "REQUIRED_FIELD_MISSING");
    control.set_required(&[]).unwrap();
    assert_eq!(try_it().await.status, 201);
}

#[tokio::test]
async fn every_write_of_the_client_is_counted_per_record() {
    let org = Org::small().await;
    let control = org.control();
    assert!(control.written().is_empty());
    let id = org.lead("Counted").await;
    let path = format!("/sobjects/Lead/{id}");
    org.send("PATCH", &path, json!({"Title": "1"})).await;
    org.send("PATCH", &path, json!({"LastName": null})).await;
    let title = json!({"Title": "2"});
    control
        .update(By::Colleague, &id, title.as_object().unwrap())
        .unwrap();
    let part = |n: u32| json!({"method": "PATCH", "url": format!("{V}{path}"), "referenceId": format!("r{n}"), "body": {"Title": n.to_string()}});
    org.send(
        "POST",
        "/composite",
        json!({"compositeRequest": [part(3), part(4)]}),
    )
    .await;
    org.delete(&path).await;
    let written = control.written()[&id];
    assert_eq!(
        (written.created, written.updated, written.deleted),
        (1, 3, 1)
    );
    let whats: Vec<What> = control.changes(0).into_iter().map(|c| c.what).collect();
    assert_eq!(
        whats,
        [
            What::Created,
            What::Updated,
            What::Updated,
            What::Updated,
            What::Updated,
            What::Deleted
        ]
    );
    let counters = control.counters();
    assert_eq!(
        (
            counters.by_kind["create"],
            counters.by_kind["update"],
            counters.by_kind["composite"]
        ),
        (1, 2, 1)
    );
    let log = serde_json::to_string(&control.requests(0)).unwrap();
    assert!(!log.contains(org.tokens["access_token"].as_str().unwrap()));
    assert!(!log.contains(org.tokens["refresh_token"].as_str().unwrap()));
}

#[tokio::test]
async fn it_stops_when_told_and_frees_its_port() {
    let org = Org::small().await;
    let url = org.url("/services/data");
    let address = org
        .running
        .info()
        .instance_url
        .trim_start_matches("http://")
        .to_owned();
    org.running.shutdown().await;
    assert!(http().get(url).send().await.is_err());
    std::net::TcpListener::bind(address).unwrap();
}

#[tokio::test]
async fn the_ready_line_is_one_line_with_all_a_client_needs() {
    let org = Org::small().await;
    let line = serde_json::to_string(org.running.info()).unwrap();
    assert!(!line.contains('\n'));
    let info: Value = serde_json::from_str(&line).unwrap();
    for name in [
        "instance_url",
        "login_url",
        "api_version",
        "org_id",
        "client_id",
        "client_secret",
        "redirect_uris",
        "username",
        "password",
        "control_url",
        "control_token",
        "pid",
    ] {
        assert!(!info[name].is_null(), "{name}");
    }
    let other = Org::start(Options {
        org_number: 77,
        ..small()
    })
    .await;
    assert_ne!(other.running.info().org_id, org.running.info().org_id);
    assert_ne!(
        other.running.info().control_token,
        org.running.info().control_token
    );
}

#[tokio::test]
async fn it_listens_for_this_machine_only() {
    let bind = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let error = serve(Options {
        bind,
        ..Options::bare()
    })
    .await
    .unwrap_err();
    assert_eq!(error.kind(), syncdeck::error::Kind::Usage);
}
