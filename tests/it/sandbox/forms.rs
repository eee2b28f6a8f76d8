//! The data API as XML: answers by header and by the end of the path, and bodies.

use super::*;

async fn xml(org: &Org, path: &str) -> Answer {
    let answer = read(org.ask("GET", path).header("Accept", "application/xml")).await;
    assert_eq!(
        answer.header("content-type"),
        "application/xml;charset=UTF-8",
        "{}",
        answer.text
    );
    assert!(
        answer
            .text
            .starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><"),
        "{}",
        answer.text
    );
    answer
}

async fn send(org: &Org, method: &str, path: &str, body: &str) -> Answer {
    let ask = org
        .ask(method, path)
        .header("Accept", "application/xml")
        .header("Content-Type", "application/xml; charset=UTF-8");
    read(ask.body(body.to_owned())).await
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("{from} in {text}"));
    rest.split_once(to).unwrap().0
}

#[tokio::test]
async fn answers_are_xml_when_that_is_asked_for() {
    let org = Org::small().await;
    for (path, root) in [
        ("/sobjects", "<DescribeGlobal "),
        ("/sobjects/Lead", "<Lead "),
        ("/sobjects/Lead/describe", "<Lead "),
        ("/limits", "<LimitsSnapshot "),
        ("/recent", "<"),
        ("", "<urls "),
        ("/query?q=SELECT+Id+FROM+Lead+LIMIT+2", "<QueryResult "),
        ("/search?q=FIND+%7BMiller%7D", "<SearchResults "),
    ] {
        let answer = xml(&org, path).await;
        assert_eq!(answer.status, 200, "{path}");
        let body = answer.text.split_once("?>").unwrap().1;
        assert!(body.starts_with(root), "{path}: {}", &body[..80]);
    }
    let versions = read(org.http.get(org.url("/services/data.xml"))).await;
    assert!(
        versions.text.contains("<Version><label>Summer"),
        "{}",
        versions.text
    );
    let found = org
        .get("/query.xml?q=SELECT+Id,Owner.Name,Fax+FROM+Lead+LIMIT+1")
        .await;
    let url = between(&found.text, "<records type=\"Lead\" url=\"", "\"");
    assert!(url.starts_with(&format!("{V}/sobjects/Lead/00Q")), "{url}");
    assert!(
        found.text.contains("<Owner type=\"Name\" url=\""),
        "{}",
        found.text
    );
    assert!(
        found.text.contains("<done>true</done>") && found.text.contains("<totalSize>1</totalSize>")
    );
    let id = between(&found.text, "<Id>", "</Id>");
    let one = org
        .get(&format!("/sobjects/Lead/{id}.xml?fields=LastName"))
        .await;
    assert!(one.text.contains(&format!("<Lead xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" type=\"Lead\" url=\"{V}/sobjects/Lead/{id}\">")), "{}", one.text);
    assert_eq!(
        org.get(&format!("/sobjects/Lead/{id}.json")).await.json()["Id"],
        id
    );
    let wrong = xml(&org, "/query?q=SELECT+Nope+FROM+Lead").await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text.contains("<Errors ") && wrong.text.contains("<Error><message>"),
        "{}",
        wrong.text
    );
    assert_eq!(between(&wrong.text, "<errorCode>", "<"), "INVALID_FIELD");
    let usual = read(
        org.ask("GET", "/limits")
            .header("Accept", "application/json, application/xml"),
    )
    .await;
    assert!(usual.json()["DailyApiRequests"]["Max"].is_number());
}

#[tokio::test]
async fn bodies_may_be_xml() {
    let org = Org::small().await;
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Account><Name>Tom &amp; Jerry</Name><NumberOfEmployees>12</NumberOfEmployees><Phone>1</Phone></Account>";
    let made = send(&org, "POST", "/sobjects/Account/", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(
        made.text.contains("<success>true</success>"),
        "{}",
        made.text
    );
    assert!(made.text.contains("<Result "), "{}", made.text);
    let id = between(&made.text, "<id>", "</id>");
    assert_eq!(
        made.header("location"),
        format!("{V}/sobjects/Account/{id}")
    );
    let nil = "<Account xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><Phone xsi:nil=\"true\"/></Account>";
    let changed = send(&org, "PATCH", &format!("/sobjects/Account/{id}"), nil).await;
    assert_eq!((changed.status, &*changed.text), (204, ""));
    let now = org.get(&format!("/sobjects/Account/{id}")).await.json();
    assert_eq!(
        (&now["Name"], &now["NumberOfEmployees"], &now["Phone"]),
        (&json!("Tom & Jerry"), &json!(12), &Value::Null)
    );
    let tree = "<SObjectTreeRequest><records type=\"Account\" referenceId=\"r1\"><Name>Root</Name><Contacts><records type=\"Contact\" referenceId=\"r2\"><LastName>Leaf</LastName></records></Contacts></records></SObjectTreeRequest>";
    let planted = send(&org, "POST", "/composite/tree/Account", tree).await;
    assert_eq!(planted.status, 201, "{}", planted.text);
    assert!(
        planted.text.contains("<SObjectTreeResponse ")
            && planted.text.contains("<referenceId>r2</referenceId>"),
        "{}",
        planted.text
    );
    for (body, code) in [
        ("<Account><Name>", "XML_PARSER_ERROR"),
        (
            "<!DOCTYPE a [<!ENTITY b 'c'>]><Account><Name>&b;</Name></Account>",
            "XML_PARSER_ERROR",
        ),
        ("<Account><Nope>1</Nope></Account>", "INVALID_FIELD"),
        ("<Account/>", "REQUIRED_FIELD_MISSING"),
    ] {
        let refused = send(&org, "POST", "/sobjects/Account", body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(between(&refused.text, "<errorCode>", "<"), code);
    }
    let only_json = send(&org, "POST", "/composite", "<a/>").await;
    assert_eq!(only_json.status, 415);
}
