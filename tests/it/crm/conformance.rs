//! Both directions per endpoint that the client uses: the sandbox org answers in the shapes of the
//! public recordings (salesforce-api 9), and the client reads them. What the client asks for is
//! held against the table in `conformance.md`.

use std::collections::BTreeSet;

use syncdeck::crm::{Crm, GuardedUpdate, UpdateRow, WriteResult};
use syncdeck::sandbox::Options;

use super::org::{Org, options};
use super::*;

/// Endpoints of the client, and the words by which the table names them.
const USED: [(&str, &str); 10] = [
    ("GET /id/", "`revoke`, `introspect`, `userinfo`, identity"),
    ("GET /services/data/", "`/services/data`, 41.0 to 68.0"),
    ("GET limits", "resources, `limits`"),
    ("GET query", "`query`, `queryAll`, pages"),
    ("GET queryAll", "`query`, `queryAll`, pages"),
    (
        "GET sobjects/{object}/describe",
        "describe global, basic, full",
    ),
    ("POST composite", "`composite`, references"),
    ("POST composite/sobjects", "`composite/sobjects` create"),
    ("PATCH composite/sobjects", "`composite/sobjects` create"),
    ("DELETE composite/sobjects", "`composite/sobjects` create"),
];

/// Reads and writes by retrieval have the object in their path.
const RETRIEVE: (&str, &str) = (
    "POST composite/sobjects/{object}",
    "`composite/sobjects` create",
);

/// The keys of an object, whatever their values.
fn keys(json: &Json) -> Vec<&str> {
    let mut keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// A client of nobody's make.
struct Plain<'o>(&'o Org);

impl Plain<'_> {
    async fn ask(&self, verb: &str, path: &str, body: Option<Json>) -> (u16, Json) {
        let info = self.0.info();
        let url = match path {
            whole if whole.starts_with("http") => whole.to_owned(),
            path => format!("{}{path}", info.instance_url),
        };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let verb = verb.parse().unwrap();
        let mut request = http.request(verb, url).bearer_auth(&info.access_token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Json::Null))
    }
}

#[tokio::test]
async fn the_org_answers_in_the_shapes_of_the_recordings() {
    let org = Org::start(options()).await;
    let plain = Plain(&org);
    let get = |path: &'static str| plain.ask("GET", path, None);

    let (status, page) = get("/services/data/v67.0/query/?q=SELECT+Id,Name+FROM+Lead").await;
    assert_eq!(status, 200);
    assert_eq!(
        keys(&page),
        ["done", "nextRecordsUrl", "records", "totalSize"]
    );
    assert_eq!(keys(&page["records"][0]), ["Id", "Name", "attributes"]);
    assert_eq!(keys(&page["records"][0]["attributes"]), ["type", "url"]);
    let (_, page) = get("/services/data/v67.0/query/?q=SELECT+Id+FROM+Lead+LIMIT+1").await;
    assert_eq!(keys(&page), ["done", "records", "totalSize"]);

    let (status, error) = get("/services/data/v67.0/query/?q=SELECT+FROM").await;
    assert_eq!(
        (status, &error[0]["errorCode"]),
        (400, &json!("MALFORMED_QUERY"))
    );
    assert_eq!(keys(&error[0]), ["errorCode", "message"]);

    let (_, limits) = get("/services/data/v67.0/limits").await;
    assert_eq!(keys(&limits["DailyApiRequests"]), ["Max", "Remaining"]);
    let (_, versions) = get("/services/data/").await;
    assert_eq!(keys(&versions[0]), ["label", "url", "version"]);

    let (_, describe) = get("/services/data/v67.0/sobjects/Lead/describe").await;
    for key in [
        "name",
        "label",
        "fields",
        "createable",
        "urls",
        "recordTypeInfos",
    ] {
        assert!(describe.get(key).is_some(), "{key}");
    }
    let fields = describe["fields"].as_array().unwrap();
    let status = fields.iter().find(|f| f["name"] == "Status").unwrap();
    for key in [
        "type",
        "soapType",
        "length",
        "nillable",
        "picklistValues",
        "restrictedPicklist",
    ] {
        assert!(status.get(key).is_some(), "{key}");
    }
    let value = &status["picklistValues"][0];
    assert_eq!(
        keys(value),
        ["active", "defaultValue", "label", "validFor", "value"]
    );

    let info = org.info();
    let identity = format!("{}/id/{}/{}", info.login_url, info.org_id, info.user_id);
    let (_, identity) = plain.ask("GET", &identity, None).await;
    for key in [
        "id",
        "user_id",
        "organization_id",
        "username",
        "display_name",
        "urls",
    ] {
        assert!(identity.get(key).is_some(), "{key}");
    }
}

#[tokio::test]
async fn results_of_writes_have_the_shapes_of_the_recordings() {
    let org = Org::start(Options::bare()).await;
    let plain = Plain(&org);
    let lead =
        |last: Json| json!({"attributes": {"type": "Lead"}, "LastName": last, "Company": "A"});
    let records = json!([lead(json!("Ng")), lead(Json::Null)]);
    let body = json!({"allOrNone": false, "records": records});
    let path = "/services/data/v67.0/composite/sobjects";
    let (status, made) = plain.ask("POST", path, Some(body)).await;
    assert_eq!(status, 200);
    assert_eq!(keys(&made[0]), ["errors", "id", "success"]);
    assert_eq!(keys(&made[1]), ["errors", "success"]);
    assert_eq!(
        keys(&made[1]["errors"][0]),
        ["fields", "message", "statusCode"]
    );

    let id = made[0]["id"].as_str().unwrap();
    let part = json!({
        "method": "PATCH", "url": format!("/services/data/v67.0/sobjects/Lead/{id}"),
        "referenceId": "r0", "body": {"LastName": "Wu"},
        "httpHeaders": {"If-Unmodified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
    });
    let body = json!({"allOrNone": false, "compositeRequest": [part]});
    let path = "/services/data/v67.0/composite";
    let (status, answer) = plain.ask("POST", path, Some(body)).await;
    assert_eq!(status, 200);
    let part = &answer["compositeResponse"][0];
    assert_eq!(
        keys(part),
        ["body", "httpHeaders", "httpStatusCode", "referenceId"]
    );
    assert_eq!(part["httpStatusCode"], 412);
}

#[tokio::test]
async fn the_client_uses_what_the_table_says_and_nothing_else() {
    let org = Org::start(options()).await;
    org.control().forget();
    let client = &org.client;
    client.identity().await.unwrap();
    client.limits().await.unwrap();
    let object = client.describe(&ObjectName::new("Lead")).await.unwrap();
    let query = all_of(object.clone());
    let page = client.changes(&query, None).await.unwrap();
    client.changes(&query, page.next.as_ref()).await.unwrap();
    let row = [fields(&[("LastName", "Ng"), ("Company", "Acme")])];
    let made = client.create(permit(1), &object, &row).await.unwrap();
    let WriteResult::Applied(id) = made[0] else {
        panic!("{made:?}");
    };
    let change = UpdateRow {
        id,
        fields: fields(&[("LastName", "Wu")]),
    };
    let update = std::slice::from_ref(&change);
    client.update(permit(1), &object, update).await.unwrap();
    let rows = client.retrieve(&object, &[id], &names()).await.unwrap();
    let guarded = [GuardedUpdate {
        row: change,
        unmodified_since: rows.rows[0].as_ref().unwrap().modified,
    }];
    let guarded = client.update_guarded(permit(1), &object, &guarded);
    guarded.await.unwrap();
    let name = FieldName::new("LastName");
    let values = ["Wu".to_owned()];
    let found = client
        .find(&object, &name, &values, &names())
        .await
        .unwrap();
    assert_eq!(found.rows.len(), 1);
    // No value that a record can have: only the time is asked for.
    let none = client.find(&object, &name, &[], &names()).await.unwrap();
    assert!(none.rows.is_empty());
    client.delete(permit(1), &[id]).await.unwrap();

    let seen: BTreeSet<String> = org
        .control()
        .requests(0)
        .iter()
        .map(|r| endpoint(&r.method, &r.path))
        .collect();
    let used = USED
        .iter()
        .chain([&RETRIEVE])
        .map(|(endpoint, _)| (*endpoint).to_owned());
    assert_eq!(seen, used.collect());

    let table = include_str!("../conformance.md");
    for (endpoint, words) in USED.iter().chain([&RETRIEVE]) {
        let row = table
            .lines()
            .find(|l| l.starts_with("| ") && l.contains(words));
        let row = row.unwrap_or_else(|| panic!("{endpoint} is not in the table"));
        let client = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        assert_ne!(client, "-", "{endpoint}: {row}");
    }
}

/// Method and path, without what differs from call to call.
fn endpoint(method: &str, path: &str) -> String {
    let Some((_, rest)) = path.split_once("/v67.0/") else {
        let short = if path.starts_with("/id/") {
            "/id/"
        } else {
            path
        };
        return format!("{method} {short}");
    };
    let mut parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    match parts[..] {
        ["query" | "queryAll", ..] => parts.truncate(1),
        ["sobjects", _, ..] => parts[1] = "{object}",
        ["composite", "sobjects", _] => parts[2] = "{object}",
        _ => {}
    }
    format!("{method} {}", parts.join("/"))
}
