//! Files: uploads in both forms, versions, links, downloads; attachments.

use data_encoding::BASE64;

use super::*;

const MARK: &str = "boundary-x";

fn multipart(json: &Value, field: &str, bytes: &[u8]) -> Vec<u8> {
    let mut body = format!(
        "--{MARK}\r\nContent-Disposition: form-data; name=\"entity_content\";\r\nContent-Type: application/json\r\n\r\n{json}\r\n--{MARK}\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"x.pdf\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{MARK}--").as_bytes());
    body
}

async fn upload(org: &Org, object: &str, body: Vec<u8>) -> Answer {
    let kind = format!("multipart/form-data; boundary=\"{MARK}\"");
    let request = org.ask("POST", &format!("/sobjects/{object}"));
    read(request.header("Content-Type", kind).body(body)).await
}

#[tokio::test]
async fn a_file_goes_up_gets_versions_and_comes_down() {
    let org = Org::small().await;
    let lead = org.lead("Filed").await;
    let bytes: Vec<u8> = (0..=255u8).cycle().take(70_000).collect();
    let about = json!({"PathOnClient": "dir/report.pdf", "FirstPublishLocationId": lead});
    let made = upload(
        &org,
        "ContentVersion",
        multipart(&about, "VersionData", &bytes),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let first = made.json()["id"].as_str().unwrap().to_owned();
    assert!(first.starts_with("068"));
    let soql = format!(
        "SELECT ContentDocumentId, Title, FileExtension, ContentSize, VersionNumber, IsLatest, Checksum, VersionData FROM ContentVersion WHERE Id = '{first}'"
    );
    let version = org.query(&soql).await["records"][0].clone();
    assert_eq!(version["Title"], "report");
    assert_eq!(version["FileExtension"], "pdf");
    assert_eq!(version["ContentSize"], 70_000);
    assert_eq!(version["Checksum"], "bd6270ad16e95c85d32f9a518e1f76e7");
    let data = version["VersionData"].as_str().unwrap();
    assert_eq!(
        data,
        format!("{V}/sobjects/ContentVersion/{first}/VersionData")
    );
    let document = version["ContentDocumentId"].as_str().unwrap();
    let links = format!(
        "SELECT LinkedEntityId FROM ContentDocumentLink WHERE ContentDocumentId = '{document}'"
    );
    let linked = org.query(&links).await;
    let entities: Vec<&Value> = linked["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| &l["LinkedEntityId"])
        .collect();
    assert!(entities.contains(&&json!(lead)), "{linked}");

    let down = org.ask(
        "GET",
        &format!("/sobjects/ContentVersion/{first}/VersionData"),
    );
    let response = down.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/pdf");
    assert_eq!(response.bytes().await.unwrap(), bytes);

    let next = json!({"ContentDocumentId": document, "PathOnClient": "report.pdf",
        "Title": "Second", "VersionData": BASE64.encode(b"two")});
    let second = org.send("POST", "/sobjects/ContentVersion", next).await;
    assert_eq!(second.status, 201, "{}", second.text);
    let soql = format!(
        "SELECT VersionNumber, IsLatest FROM ContentVersion WHERE ContentDocumentId = '{document}' ORDER BY Id"
    );
    let all = org.query(&soql).await;
    assert_eq!(
        (
            &all["records"][0]["IsLatest"],
            &all["records"][1]["IsLatest"]
        ),
        (&json!(false), &json!(true))
    );
    assert_eq!(all["records"][1]["VersionNumber"], "2");
    let shown = org
        .get(&format!("/sobjects/ContentDocument/{document}"))
        .await
        .json();
    assert_eq!(
        (&shown["Title"], &shown["ContentSize"]),
        (&json!("Second"), &json!(3))
    );
    assert_eq!(
        org.delete(&format!("/sobjects/ContentDocument/{document}"))
            .await
            .status,
        204
    );
    assert_eq!(org.query(&links).await["totalSize"], 0);
}

#[tokio::test]
async fn wrong_files_are_refused() {
    let org = Org::small().await;
    let no_path = json!({"VersionData": "AAAA"});
    let refused = org.send("POST", "/sobjects/ContentVersion", no_path).await;
    assert_eq!(refused.code(), "REQUIRED_FIELD_MISSING");
    assert_eq!(refused.json()[0]["fields"], json!(["PathOnClient"]));
    let no_base64 = json!({"PathOnClient": "a", "VersionData": "?"});
    let refused = org
        .send("POST", "/sobjects/ContentVersion", no_base64)
        .await;
    assert_eq!(refused.code(), "JSON_PARSER_ERROR");
    let soql = [("q", "SELECT Id FROM ContentDocumentLink")];
    let refused = read(org.ask("GET", "/query").query(&soql)).await;
    assert_eq!(refused.code(), "MALFORMED_QUERY");
    let broken = upload(&org, "Attachment", b"--boundary-x\r\nno end".to_vec()).await;
    assert_eq!(broken.status, 400, "{}", broken.text);

    let lead = org.lead("Attached").await;
    let about = json!({"Name": "a.txt", "ParentId": lead, "ContentType": "text/x"});
    let made = upload(&org, "Attachment", multipart(&about, "Body", b"hello")).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let down = org.get(&format!("/sobjects/Attachment/{id}/Body")).await;
    assert_eq!(
        (down.text.as_str(), down.header("content-type")),
        ("hello", "text/x")
    );
    let record = org.get(&format!("/sobjects/Attachment/{id}")).await.json();
    assert_eq!(record["BodyLength"], 5);
}
