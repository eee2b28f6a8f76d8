//! What the org looks like.

use super::*;

fn user_row(id: &str, email: &str) -> Json {
    json!({"attributes": {"type": "User"}, "Id": id, "SystemModstamp": "2026-11-20T10:00:00.000+0000",
        "Name": "Somebody", "Email": email, "IsActive": true})
}

#[tokio::test]
async fn objects_and_users_are_read_and_good_for_a_day() {
    let stage = Stage::new().await;
    stage.well(ORG).await;
    let connector = stage.connector();
    sign_in(&connector).await.unwrap();
    let leads = [pair("leads", "Lead"), pair("more", "Lead")];
    assert!(connector.schema_is_due(&leads).unwrap());

    let field = |name: &str, kind: &str| json!({"name": name, "label": name, "type": kind});
    let fields = json!([
        field("Name", "string"),
        field("Email", "email"),
        field("IsActive", "boolean"),
    ]);
    for object in ["Lead", "User"] {
        let at = format!("/services/data/v67.0/sobjects/{object}/describe");
        let body = json!({"name": object, "label": object, "fields": fields});
        stage.on("GET", &at, 200, body).await;
    }
    let query = |text: &'static str| {
        Mock::given(path("/services/data/v67.0/queryAll/")).and(query_param_contains("q", text))
    };
    let page = |row: Json, more: Json| {
        let mut page = json!({"totalSize": 2, "done": more.is_null(), "records": [row]});
        if !more.is_null() {
            page["nextRecordsUrl"] = more;
        }
        ResponseTemplate::new(200)
            .insert_header("date", "Fri, 20 Nov 2026 12:00:00 GMT")
            .set_body_json(page)
    };
    let lost = "/services/data/v67.0/queryAll/01gxx-2000";
    // Goes on after the last row once the place is lost.
    query("Id > '005xx000001SwiUAAS'")
        .respond_with(page(
            user_row("005xx000001SwiVAAS", "grace@acme.example"),
            Json::Null,
        ))
        .expect(1)
        .with_priority(1)
        .mount(&stage.server)
        .await;
    query("FROM User")
        .respond_with(page(user_row(USER, "ada@acme.example"), json!(lost)))
        .expect(1)
        .mount(&stage.server)
        .await;
    let gone = json!([{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]);
    stage.on("GET", lost, 400, gone).await;

    let before = crate::domain::schema::ObjectInfo {
        name: ObjectName::new("Lead"),
        label: "Lead".to_owned(),
        createable: true,
        updateable: false,
        deletable: false,
        triggerable: true,
        fields: Default::default(),
    };
    let mut tx = stage.state.begin();
    let key = crate::store::keys::Key::new().text("Lead");
    tx.put(&crate::engine::tables::OBJECTS, &key, &before);
    tx.commit(crate::engine::tx::Durability::Now).unwrap();

    connector.refresh_schema(&leads).await.unwrap();
    assert!(!connector.schema_is_due(&leads).unwrap());
    let lines = stage.state.log_tail(100).unwrap();
    let mut drift: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    drift.retain(|text| text.starts_with("Lead: ") || text.starts_with("User: "));
    drift.sort_unstable();
    assert_eq!(
        drift,
        [
            "Lead: Email is new",
            "Lead: IsActive is new",
            "Lead: Name is new",
            "Lead: records can be made: no more",
        ],
        "what is described for the first time has not changed"
    );
    assert!(!stage.connector().schema_is_due(&leads).unwrap());
    assert!(
        connector
            .schema_is_due(&[pair("people", "Contact")])
            .unwrap()
    );
    let emails: Vec<String> = stage
        .state
        .users()
        .unwrap()
        .into_iter()
        .map(|u| u.email)
        .collect();
    assert_eq!(emails, ["ada@acme.example", "grace@acme.example"]);
    let lead = stage.state.object(&ObjectName::new("Lead")).unwrap();
    assert!(lead.unwrap().field("Email").is_some());
    stage.hours.store(25, Ordering::SeqCst);
    assert!(connector.schema_is_due(&leads).unwrap());
}
