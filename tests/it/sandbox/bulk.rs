//! Bulk 2.0 and Bulk 1.

mod first;

use syncdeck::sandbox::Pace;

use super::*;

async fn job(org: &Org, body: Value) -> String {
    let made = org.send("POST", "/jobs/ingest", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.json()["state"], "Open");
    assert_eq!(made.json()["apiVersion"], 67.0);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn put(org: &Org, id: &str, csv: &str) -> Answer {
    let request = org.ask("PUT", &format!("/jobs/ingest/{id}/batches"));
    read(
        request
            .header("Content-Type", "text/csv; charset=UTF-8")
            .body(csv.to_owned()),
    )
    .await
}

async fn close(org: &Org, id: &str) -> Answer {
    org.send(
        "PATCH",
        &format!("/jobs/ingest/{id}"),
        json!({"state": "UploadComplete"}),
    )
    .await
}

/// Polls until a job is over; the state always comes.
async fn over(org: &Org, path: &str) -> Value {
    loop {
        let job = org.get(path).await.json();
        if ["JobComplete", "Failed", "Aborted"].contains(&job["state"].as_str().unwrap()) {
            return job;
        }
        tokio::task::yield_now().await;
    }
}

async fn ingest(org: &Org, body: Value, csv: &str) -> (String, Value) {
    let id = job(org, body).await;
    assert_eq!(put(org, &id, csv).await.status, 201);
    assert_eq!(close(org, &id).await.status, 200);
    let done = over(org, &format!("/jobs/ingest/{id}")).await;
    (id, done)
}

#[tokio::test]
async fn rows_go_in_with_a_result_for_each() {
    let org = Org::small().await;
    let csv = "LastName,Company,HasOptedOutOfEmail,Syncdeck_Key__c,Description\n\"Bulk, A\",C,1,b-1,\"two\nlines \"\"quoted\"\"\"\n,C,false,b-2,\nBulk B,C,,b-3,#N/A\n";
    let (id, done) = ingest(&org, json!({"object": "Lead", "operation": "insert"}), csv).await;
    assert_eq!(done["state"], "JobComplete", "{done}");
    assert_eq!(
        (
            &done["numberRecordsProcessed"],
            &done["numberRecordsFailed"]
        ),
        (&json!(3), &json!(1))
    );
    let set = async |name: &str| org.get(&format!("/jobs/ingest/{id}/{name}")).await.text;
    let good = set("successfulResults").await;
    let mut lines = good.lines();
    assert_eq!(
        lines.next().unwrap(),
        r#""sf__Id","sf__Created","LastName","Company","HasOptedOutOfEmail","Syncdeck_Key__c","Description""#
    );
    assert!(
        lines
            .next()
            .unwrap()
            .contains(r#"","true","Bulk, A","C","1","b-1","two"#),
        "{good}"
    );
    let bad = set("failedResults/").await;
    assert!(bad.contains(r#""","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --","","C""#), "{bad}");
    assert_eq!(set("unprocessedrecords").await.lines().count(), 1);
    let found = org.query("SELECT LastName, HasOptedOutOfEmail, Description FROM Lead WHERE Syncdeck_Key__c = 'b-1'").await;
    assert_eq!(found["records"][0]["HasOptedOutOfEmail"], true);
    assert_eq!(found["records"][0]["Description"], "two\nlines \"quoted\"");

    let body = json!({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Syncdeck_Key__c",
        "columnDelimiter": "PIPE", "lineEnding": "CRLF"});
    let (id, done) = ingest(
        &org,
        body,
        "Syncdeck_Key__c|LastName|Company|Description\r\nb-1||C2|#N/A\r\nb-9|New|C|\r\n",
    )
    .await;
    assert_eq!(done["numberRecordsFailed"], 0, "{done}");
    let text = org
        .get(&format!("/jobs/ingest/{id}/successfulResults"))
        .await
        .text;
    assert!(
        text.contains("|\"false\"|\"b-1\"|") && text.contains("|\"true\"|\"b-9\"|"),
        "{text}"
    );
    let record = org.get("/sobjects/Lead/Syncdeck_Key__c/b-1").await.json();
    assert_eq!(
        (
            &record["LastName"],
            &record["Company"],
            &record["Description"]
        ),
        (&json!("Bulk, A"), &json!("C2"), &Value::Null)
    );

    let id = record["Id"].as_str().unwrap();
    let (_, done) = ingest(
        &org,
        json!({"object": "Lead", "operation": "update"}),
        &format!("Id,Title\n{id},T\n00QSy0000000zzz,T\n"),
    )
    .await;
    assert_eq!(
        (
            &done["numberRecordsProcessed"],
            &done["numberRecordsFailed"]
        ),
        (&json!(2), &json!(1))
    );
    let (_, done) = ingest(
        &org,
        json!({"object": "Lead", "operation": "hardDelete"}),
        &format!("Id\n{id}\n"),
    )
    .await;
    assert_eq!(done["numberRecordsFailed"], 0);
    let all = read(
        org.ask("GET", "/queryAll")
            .query(&[("q", format!("SELECT Id FROM Lead WHERE Id = '{id}'"))]),
    )
    .await;
    assert_eq!(all.json()["totalSize"], 0);
}

#[tokio::test]
async fn jobs_have_states_and_wrong_steps_are_refused() {
    let org = Org::small().await;
    org.control().hold_jobs(Pace::Held);
    let id = job(&org, json!({"object": "Lead", "operation": "insert"})).await;
    let path = format!("/jobs/ingest/{id}");
    let early = org.get(&format!("{path}/successfulResults")).await;
    assert_eq!((early.status, &*early.code()), (400, "INVALIDJOBSTATE"));
    assert_eq!(
        put(&org, &id, "LastName,Company\nHeld,C\n").await.status,
        201
    );
    assert_eq!(
        put(&org, &id, "LastName,Company\nAgain,C\n").await.code(),
        "INVALIDJOBSTATE"
    );
    assert_eq!(close(&org, &id).await.json()["state"], "UploadComplete");
    assert_eq!(org.get(&path).await.json()["state"], "UploadComplete");
    assert_eq!(close(&org, &id).await.code(), "INVALIDJOBSTATE");
    org.control().hold_jobs(Pace::AtOnce);
    assert_eq!(over(&org, &path).await["state"], "JobComplete");
    assert_eq!(org.delete(&path).await.status, 204);
    assert_eq!(org.get(&path).await.code(), "INVALIDJOB");

    let id = job(&org, json!({"object": "Lead", "operation": "insert"})).await;
    let path = format!("/jobs/ingest/{id}");
    let aborted = org.send("PATCH", &path, json!({"state": "Aborted"})).await;
    assert_eq!(aborted.json()["state"], "Aborted");
    assert_eq!(
        org.get("/jobs/ingest").await.json()["records"][0]["state"],
        "Aborted"
    );

    for (csv, words) in [
        ("LastName,Nope\nA,B\n", "Field name not found : Nope"),
        ("LastName,Company\r\nA,B\r\n", "LineEnding is invalid"),
        ("LastName,Company\nA,B,C\n", "InvalidBatch"),
    ] {
        let (_, done) = ingest(&org, json!({"object": "Lead", "operation": "insert"}), csv).await;
        assert_eq!(done["state"], "Failed");
        assert!(
            done["errorMessage"].as_str().unwrap().contains(words),
            "{done}"
        );
    }
    for (body, code) in [
        (
            json!({"object": "Nope", "operation": "insert"}),
            "INVALIDENTITY",
        ),
        (
            json!({"object": "Lead", "operation": "upsert"}),
            "INVALIDJOB",
        ),
        (json!({"object": "Lead", "operation": "sing"}), "INVALIDJOB"),
        (
            json!({"object": "Lead", "operation": "insert", "columnDelimiter": "X"}),
            "INVALIDJOB",
        ),
    ] {
        assert_eq!(org.send("POST", "/jobs/ingest", body).await.code(), code);
    }
}

#[tokio::test]
async fn a_query_comes_out_in_pages() {
    let org = Org::small().await;
    let soql = "SELECT Id, LastName, Owner.Name, CreatedDate FROM Lead ORDER BY Id";
    let made = org
        .send(
            "POST",
            "/jobs/query",
            json!({"operation": "query", "query": soql}),
        )
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/jobs/query/{id}");
    let done = over(&org, &path).await;
    let total = done["numberRecordsProcessed"].as_u64().unwrap();
    assert!(total > 400, "{done}");
    let (mut rows, mut locator) = (0, String::new());
    loop {
        let page = org
            .get(&format!("{path}/results?maxRecords=300&locator={locator}"))
            .await;
        assert!(page.header("content-type").starts_with("text/csv"));
        assert!(
            page.text
                .starts_with("\"Id\",\"LastName\",\"Owner.Name\",\"CreatedDate\"\n")
        );
        rows += page
            .header("sforce-numberofrecords")
            .parse::<u64>()
            .unwrap();
        assert!(page.text.contains(".000Z\""));
        locator = page.header("sforce-locator").to_owned();
        if locator == "null" {
            break;
        }
    }
    assert_eq!(rows, total);
    let pages = org
        .get(&format!("{path}/resultPages?maxRecords=300"))
        .await
        .json();
    assert_eq!(
        pages["resultPages"].as_array().unwrap().len() as u64,
        total.div_ceil(300)
    );
    let other = org
        .http
        .get(org.url(&format!("/services/data/v60.0{path}/results")));
    let other = read(other.bearer_auth(org.tokens["access_token"].as_str().unwrap())).await;
    assert_eq!((other.status, &*other.code()), (409, "APIVERSIONMISMATCH"));
    for (soql, code) in [
        ("SELECT COUNT(Id) FROM Lead", "FEATURENOTENABLED"),
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "FEATURENOTENABLED",
        ),
        ("SELECT Address FROM Lead", "FEATURENOTENABLED"),
        ("SELECT Id FORM Lead", "MALFORMED_QUERY"),
    ] {
        let body = json!({"operation": "query", "query": soql});
        assert_eq!(
            org.send("POST", "/jobs/query", body).await.code(),
            code,
            "{soql}"
        );
    }
}

#[tokio::test]
async fn rows_of_an_upload_can_be_refused_by_a_fault() {
    let org = Org::small().await;
    let fault = json!({"kind": "refuse_rows", "rows": [0], "method": "PATCH", "path": "/jobs/ingest", "times": 1});
    org.control().inject(serde_json::from_value(fault).unwrap());
    let csv = "LastName,Company\nA,C\nB,C\n";
    let (id, done) = ingest(&org, json!({"object": "Lead", "operation": "insert"}), csv).await;
    assert_eq!(done["numberRecordsFailed"], 1);
    let failed = org
        .get(&format!("/jobs/ingest/{id}/failedResults"))
        .await
        .text;
    assert!(failed.contains("UNABLE_TO_LOCK_ROW:"), "{failed}");
    let list = org.get("/jobs/ingest").await.json();
    assert_eq!(list["records"][0]["id"], json!(id));
    assert_eq!(org.get("/jobs/query").await.json()["records"], json!([]));
}
