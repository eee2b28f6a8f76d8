//! The first bulk API, as jobs of batches in JSON, CSV and XML.

use super::*;

async fn old(org: &Org, method: &str, path: &str, kind: &str, body: String) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = org
        .http
        .request(method, org.url(&format!("/services/async/59.0/{path}")));
    let token = org.tokens["access_token"].as_str().unwrap();
    read(
        request
            .header("X-SFDC-Session", token)
            .header("Content-Type", kind)
            .body(body),
    )
    .await
}

#[tokio::test]
async fn the_first_bulk_takes_and_gives_json() {
    let org = Org::small().await;
    let json = "application/json";
    let new = json!({"operation": "insert", "object": "Lead", "contentType": "JSON", "concurrencyMode": 0});
    let job = old(&org, "POST", "job", json, new.to_string()).await;
    assert_eq!(job.status, 201, "{}", job.text);
    let id = job.json()["id"].as_str().unwrap().to_owned();
    let rows = json!([{"LastName": "One", "Company": "C"}, {"Company": "C"}]);
    let batch = old(
        &org,
        "POST",
        &format!("job/{id}/batch"),
        json,
        rows.to_string(),
    )
    .await
    .json();
    assert_eq!(
        (&batch["state"], &batch["jobId"]),
        (&json!("Queued"), &json!(id))
    );
    let closed = old(
        &org,
        "POST",
        &format!("job/{id}"),
        json,
        json!({"state": "Closed"}).to_string(),
    )
    .await;
    assert_eq!(closed.json()["state"], "Closed");
    let batch = format!("job/{id}/batch/{}", batch["id"].as_str().unwrap());
    let done = old(&org, "GET", &batch, json, String::new()).await.json();
    assert_eq!(
        (&done["state"], &done["numberRecordsFailed"]),
        (&json!("Completed"), &json!(1))
    );
    let results = old(&org, "GET", &format!("{batch}/result"), json, String::new())
        .await
        .json();
    assert_eq!(
        (&results[0]["success"], &results[0]["created"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        results[1]["errors"][0]["statusCode"],
        "REQUIRED_FIELD_MISSING"
    );
    let late = old(
        &org,
        "POST",
        &format!("job/{id}/batch"),
        json,
        rows.to_string(),
    )
    .await;
    assert_eq!(
        (late.status, &late.json()["exceptionCode"]),
        (400, &json!("InvalidJobState"))
    );

    let new = json!({"operation": "query", "object": "Lead", "contentType": "JSON"});
    let id = old(&org, "POST", "job", json, new.to_string()).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let soql = "SELECT Id, LastName FROM Lead WHERE LastName = 'One' AND Company = 'C'".to_owned();
    let batch = old(&org, "POST", &format!("job/{id}/batch"), json, soql)
        .await
        .json();
    let batch = format!("job/{id}/batch/{}", batch["id"].as_str().unwrap());
    let list = old(&org, "GET", &format!("{batch}/result"), json, String::new())
        .await
        .json();
    let result = format!("{batch}/result/{}", list[0].as_str().unwrap());
    let rows = old(&org, "GET", &result, json, String::new()).await.json();
    assert_eq!(rows[0]["LastName"], "One", "{rows}");
}

#[tokio::test]
async fn the_first_bulk_takes_csv_and_speaks_xml_of_itself() {
    let org = Org::small().await;
    let xml = "application/xml; charset=UTF-8";
    let new = r#"<?xml version="1.0"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>insert</operation><object>Lead</object><contentType>CSV</contentType></jobInfo>"#;
    let job = old(&org, "POST", "job", xml, new.to_owned()).await;
    let within = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    assert!(job.header("content-type").contains("xml"), "{}", job.text);
    let id = within(&job.text, "id");
    let batch = old(
        &org,
        "POST",
        &format!("job/{id}/batch"),
        "text/csv",
        "LastName,Company\nX,C\n,C\n".into(),
    )
    .await;
    let batch = format!("job/{id}/batch/{}", within(&batch.text, "id"));
    let results = old(
        &org,
        "GET",
        &format!("{batch}/result"),
        "text/csv",
        String::new(),
    )
    .await;
    let lines: Vec<&str> = results.text.lines().collect();
    assert_eq!(lines[0], r#""Id","Success","Created","Error""#);
    assert!(
        lines[1].ends_with(r#"","true","true","""#),
        "{}",
        results.text
    );
    assert!(lines[2].contains("REQUIRED_FIELD_MISSING"));
    let unknown = read(
        org.http
            .get(org.url("/services/async/59.0/job/x"))
            .header("X-SFDC-Session", "no"),
    )
    .await;
    assert_eq!(unknown.json()["exceptionCode"], "InvalidSessionId");
}

#[tokio::test]
async fn bulk_one_cuts_a_query_by_ids_and_tells_instants_in_milliseconds() {
    let org = Org::small().await;
    let base = org.url("/services/async/59.0/job");
    let token = org.tokens["access_token"].as_str().unwrap();
    let ask = |request: reqwest::RequestBuilder| read(request.header("X-SFDC-Session", token));
    let job = json!({"operation": "query", "object": "Lead", "contentType": "JSON"});
    let made = ask(org
        .http
        .post(&base)
        .header("Sforce-Enable-PKChunking", "chunkSize=200")
        .json(&job))
    .await
    .json();
    let batches = format!("{base}/{}/batch", made["id"].as_str().unwrap());
    let soql = "SELECT Id, CreatedDate FROM Lead";
    let request = org
        .http
        .post(&batches)
        .header("Content-Type", "application/json");
    assert_eq!(ask(request.body(soql)).await.status, 201);
    let list = ask(org.http.get(&batches)).await.json()["batchInfo"].clone();
    let states: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["state"])
        .collect();
    assert_eq!(
        states,
        ["NotProcessed", "Completed", "Completed", "Completed"]
    );
    let part = format!("{batches}/{}/result", list[3]["id"].as_str().unwrap());
    let result = ask(org.http.get(&part)).await.json()[0].clone();
    let rows = ask(org.http.get(format!("{part}/{}", result.as_str().unwrap())))
        .await
        .json();
    assert!(!rows.as_array().unwrap().is_empty());
    assert!(rows[0]["CreatedDate"].as_i64().unwrap() > 1_000_000_000_000);
}

#[tokio::test]
async fn an_empty_answer_of_bulk_one_says_so() {
    let org = Org::small().await;
    let base = org.url("/services/async/59.0/job");
    let token = org.tokens["access_token"].as_str().unwrap();
    let xml = |body: &str| {
        let request = org.http.post(&base).header("X-SFDC-Session", token);
        request
            .header("Content-Type", "application/xml; charset=UTF-8")
            .body(body.to_owned())
    };
    let made = read(xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?><jobInfo xmlns=\"http://www.force.com/2009/06/asyncapi/dataload\"><operation>query</operation><object>Lead</object><contentType>CSV</contentType></jobInfo>")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let inside = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let batches = format!("{base}/{}/batch", inside(&made.text, "id"));
    let ask = |request: reqwest::RequestBuilder| read(request.header("X-SFDC-Session", token));
    let request = org.http.post(&batches).header("Content-Type", "text/csv");
    let batch = ask(request.body("SELECT Id FROM Lead WHERE LastName = 'Nobody'")).await;
    let results = format!("{batches}/{}/result", inside(&batch.text, "id"));
    let result = inside(&ask(org.http.get(&results)).await.text, "result");
    let rows = ask(org.http.get(format!("{results}/{result}"))).await;
    assert_eq!(rows.text, "Records not found for this query");
}
