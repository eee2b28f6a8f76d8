//! Bulk 1 with XML as its data, as the oldest clients send it.

use super::*;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const NAMESPACE: &str = "http://www.force.com/2009/06/asyncapi/dataload";

async fn call(org: &Org, method: &str, path: &str, body: &str) -> Answer {
    let url = org.url(&format!("/services/async/67.0/job{path}"));
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let ask = org.http.request(method, url);
    let ask = ask.header(
        "X-SFDC-Session",
        org.tokens["access_token"].as_str().unwrap(),
    );
    read(
        ask.header("Content-Type", "application/xml; charset=UTF-8")
            .body(body.to_owned()),
    )
    .await
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("{from} in {text}"));
    rest.split_once(to).unwrap().0
}

/// Does a batch of a job and gives the path of its result.
async fn batch(org: &Org, operation: &str, object: &str, body: &str) -> String {
    let job = format!(
        "{HEAD}<jobInfo xmlns=\"{NAMESPACE}\"><operation>{operation}</operation><object>{object}</object><contentType>XML</contentType></jobInfo>"
    );
    let job = call(org, "POST", "", &job).await;
    assert_eq!(job.status, 201, "{}", job.text);
    assert!(
        job.text.contains("<contentType>XML</contentType>"),
        "{}",
        job.text
    );
    let job = between(&job.text, "<id>", "<").to_owned();
    let batch = call(org, "POST", &format!("/{job}/batch"), body).await;
    assert_eq!(batch.status, 201, "{}", batch.text);
    let batch = between(&batch.text, "<id>", "<").to_owned();
    format!("/{job}/batch/{batch}")
}

#[tokio::test]
async fn rows_go_in_and_come_out_as_xml() {
    let org = Org::small().await;
    let account = json!({"Name": "Xml & Co", "Syncdeck_Key__c": "xml-1"});
    assert_eq!(
        org.send("POST", "/sobjects/Account", account).await.status,
        201
    );
    let rows = format!(
        "{HEAD}<sObjects xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><sObject><LastName>Ampère &lt;1&gt;</LastName><Phone xsi:nil=\"true\"/><Account><sObject><Syncdeck_Key__c>xml-1</Syncdeck_Key__c></sObject></Account></sObject><sObject><type>Contact</type><FirstName>No last name</FirstName></sObject></sObjects>"
    );
    let path = batch(&org, "insert", "Contact", &rows).await;
    let state = call(&org, "GET", &path, "").await;
    assert!(
        state.text.contains("<state>Completed</state>"),
        "{}",
        state.text
    );
    let results = call(&org, "GET", &format!("{path}/result"), "").await;
    assert_eq!(results.header("content-type"), "application/xml");
    assert!(
        results
            .text
            .contains(&format!("<results xmlns=\"{NAMESPACE}\"")),
        "{}",
        results.text
    );
    assert_eq!(results.text.matches("<result>").count(), 2);
    assert!(
        results
            .text
            .contains("<success>true</success><created>true</created><id>003"),
        "{}",
        results.text
    );
    assert_eq!(
        between(&results.text, "<statusCode>", "<"),
        "REQUIRED_FIELD_MISSING"
    );
    let posted = call(&org, "GET", &format!("{path}/request"), "").await;
    assert_eq!(posted.text, rows);

    let soql = "SELECT LastName, Account.Name, CreatedDate FROM Contact WHERE Account.Syncdeck_Key__c = 'xml-1'";
    let path = batch(&org, "query", "Contact", soql).await;
    let list = call(&org, "GET", &format!("{path}/result"), "").await;
    let result = between(&list.text, "<result>", "<").to_owned();
    let found = call(&org, "GET", &format!("{path}/result/{result}"), "").await;
    assert!(found.text.contains("<records xsi:type=\"sObject\"><type>Contact</type><LastName>Ampère &lt;1&gt;</LastName>"), "{}", found.text);
    assert!(
        found.text.contains(
            "<Account xsi:type=\"sObject\"><type>Account</type><Name>Xml &amp; Co</Name></Account>"
        ),
        "{}",
        found.text
    );
    assert!(
        between(&found.text, "<CreatedDate>", "<").contains('T'),
        "{}",
        found.text
    );

    let path = batch(&org, "insert", "Contact", "<sObjects><sObject>").await;
    let broken = call(&org, "GET", &path, "").await;
    assert!(
        broken.text.contains("<state>Failed</state>"),
        "{}",
        broken.text
    );
}
