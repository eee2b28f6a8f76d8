//! How things are said on the wire: versions, packing, relationship paths, columns, recent records,
//! ETags; and our describe beside a real one.

use std::io::{Read as _, Write as _};

use super::*;

#[tokio::test]
async fn every_supported_version_answers_with_and_without_a_slash() {
    let org = Org::small().await;
    let token = org.tokens["access_token"].as_str().unwrap();
    for version in (41..=68)
        .map(|n| format!("v{n}.0"))
        .chain(["latest".to_owned()])
    {
        for end in ["", "/"] {
            let url = org.url(&format!("/services/data/{version}/sobjects{end}"));
            let ask = org
                .http
                .get(url)
                .header("Authorization", format!("OAuth {token}"));
            let answer = read(ask).await;
            assert_eq!(answer.status, 200, "{version}");
            assert_eq!(answer.header("warning"), "");
        }
    }
    let old = org
        .http
        .get(org.url("/services/data/v40.0/limits"))
        .bearer_auth(token);
    assert!(read(old).await.header("warning").starts_with("299 - "));
    for (version, status) in [("v30.0", 410), ("v69.0", 404), ("vx", 404)] {
        let url = org.url(&format!("/services/data/{version}/limits"));
        assert_eq!(
            read(org.http.get(url).bearer_auth(token)).await.status,
            status
        );
    }
}

#[tokio::test]
async fn bodies_are_packed_in_both_directions_and_may_come_in_chunks() {
    let org = Org::small().await;
    let plain = reqwest::Client::builder()
        .no_gzip()
        .no_proxy()
        .build()
        .unwrap();
    let token = org.tokens["access_token"].as_str().unwrap();
    let url = org.url(&format!("{V}/sobjects/Lead/describe"));
    let ask = plain
        .get(url)
        .bearer_auth(token)
        .header("Accept-Encoding", "gzip");
    let response = ask.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = response.bytes().await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed)
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["name"],
        "Lead"
    );

    let body = json!({"LastName": "Packed", "Company": "C"}).to_string();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(body.as_bytes()).unwrap();
    let send = |kind: &'static str, body: reqwest::Body| {
        let ask = org
            .ask("POST", "/sobjects/Lead")
            .header("Content-Encoding", kind);
        read(ask.header("Content-Type", "application/json").body(body))
    };
    let made = send("gzip", packer.finish().unwrap().into()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(send("gzip", "no".into()).await.status, 400);
    assert_eq!(send("br", "no".into()).await.status, 415);
    let (head, tail) = body.split_at(9);
    let pieces = [head.to_owned(), tail.to_owned()].map(Ok::<_, std::io::Error>);
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    assert_eq!(send("identity", chunked).await.status, 201);
}

#[tokio::test]
async fn relationships_are_paths() {
    let org = Org::small().await;
    let made = org
        .send("POST", "/sobjects/Account", json!({"Name": "Top"}))
        .await;
    let account = made.json()["id"].as_str().unwrap().to_owned();
    let contact = json!({"LastName": "Below", "AccountId": account});
    let made = org.send("POST", "/sobjects/Contact", contact).await;
    let contact = made.json()["id"].as_str().unwrap().to_owned();
    let parent = format!("/sobjects/Contact/{contact}/Account");
    let got = org.get(&format!("{parent}?fields=Name")).await.json();
    assert_eq!((&got["Id"], &got["Name"]), (&json!(account), &json!("Top")));
    let children = org
        .get(&format!("/sobjects/Account/{account}/Contacts"))
        .await
        .json();
    assert_eq!(children["records"][0]["LastName"], "Below");
    assert_eq!(children["totalSize"], 1);
    let changed = org.send("PATCH", &parent, json!({"Site": "x"})).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    let none = org
        .get(&format!("/sobjects/Contact/{contact}/ReportsTo"))
        .await;
    assert_eq!((none.status, &*none.code()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn columns_are_told_without_rows() {
    let org = Org::small().await;
    let soql = "SELECT Id, l.Owner.Name, Owner.Email, Company FROM Lead l";
    let ask = org
        .ask("GET", "/query")
        .query(&[("q", soql), ("columns", "true")]);
    let told = read(ask).await.json();
    assert_eq!(
        (&told["entityName"], &told["idSelected"]),
        (&json!("Lead"), &json!(true))
    );
    let columns = told["columnMetadata"].as_array().unwrap();
    let names: Vec<&str> = columns
        .iter()
        .map(|c| c["columnName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Id", "Owner", "Company"]);
    assert_eq!(columns[1]["joinColumns"][1]["columnName"], "Email");
    let grouped = "SELECT COUNT(Id), MAX(CreatedDate) last FROM Lead GROUP BY Status";
    let ask = org
        .ask("GET", "/query")
        .query(&[("q", grouped), ("columns", "true")]);
    let told = read(ask).await.json();
    assert_eq!(told["columnMetadata"][0]["displayName"], "count(Id)");
    assert_eq!(told["columnMetadata"][1]["columnName"], "last");
}

#[tokio::test]
async fn recent_records_are_those_a_call_said_so_of() {
    let org = Org::small().await;
    assert_eq!(org.get("/recent").await.json(), json!([]));
    let (one, two) = (org.lead("One").await, org.lead("Two").await);
    for id in [&one, &two] {
        let ask = org.ask("GET", &format!("/sobjects/Lead/{id}"));
        assert_eq!(
            read(ask.header("Sforce-Mru", "updateMru=true"))
                .await
                .status,
            200
        );
    }
    let recent = org.get("/recent/?limit=1").await.json();
    assert_eq!(
        (&recent[0]["Id"], &recent[0]["Name"]),
        (&json!(two), &json!("Two"))
    );
    let basic = org.get("/sobjects/Lead").await.json();
    assert_eq!(basic["recentItems"].as_array().unwrap().len(), 2);
    assert_eq!(org.get("/recent?limit=0").await.status, 400);
    let tabs = org.get("/tabs").await.json();
    assert!(
        tabs.as_array()
            .unwrap()
            .iter()
            .any(|t| t["sobjectName"] == "Lead")
    );
}

#[tokio::test]
async fn accounts_have_etags() {
    let org = Org::small().await;
    let made = org
        .send("POST", "/sobjects/Account", json!({"Name": "Tagged"}))
        .await;
    let path = format!("/sobjects/Account/{}", made.json()["id"].as_str().unwrap());
    let tag = org.get(&path).await.header("etag").to_owned();
    assert!(tag.len() > 28, "{tag}");
    let with = |method: &str, name: &'static str, tag: &str| {
        read(
            org.ask(method, &path)
                .header(name, tag)
                .json(&json!({"Site": "s"})),
        )
    };
    assert_eq!(with("GET", "If-None-Match", &tag).await.status, 304);
    assert_eq!(with("PATCH", "If-Match", "\"other\"").await.status, 412);
    org.control().advance(2);
    assert_eq!(with("PATCH", "If-Match", &tag).await.status, 204);
    assert_eq!(with("GET", "If-None-Match", &tag).await.status, 200);
}

/// Attributes of a field that clients steer by.
const TOLD: [&str; 22] = [
    "type",
    "soapType",
    "length",
    "byteLength",
    "precision",
    "scale",
    "digits",
    "nillable",
    "createable",
    "updateable",
    "filterable",
    "sortable",
    "groupable",
    "aggregatable",
    "idLookup",
    "externalId",
    "unique",
    "nameField",
    "calculated",
    "referenceTo",
    "relationshipName",
    "compoundFieldName",
];

/// Where ours is another version's or another org's.
fn known(object: &str, field: &str, name: &str) -> bool {
    let lengths = ["length", "byteLength"].contains(&name);
    let picklists = [
        "Type",
        "Industry",
        "Ownership",
        "Rating",
        "AccountSource",
        "Status",
        "Reason",
        "Origin",
        "Priority",
    ];
    (lengths && picklists.contains(&field))
        || (object, field) == ("Lead", "IsConverted")
        || (object, field) == ("Case", "CaseNumber")
        || (object, field) == ("Case", "Comments")
        || (name == "relationshipName" && field.starts_with("Jigsaw"))
        || (object, field) == ("Opportunity", "ContactId")
        || field.starts_with("Fiscal")
}

#[tokio::test]
async fn describe_is_that_of_a_real_org() {
    let Some(folder) = std::env::var_os("SYNCDECK_DESCRIBES").map(std::path::PathBuf::from) else {
        eprintln!("not run: SYNCDECK_DESCRIBES names no folder with describe bodies of an org");
        return;
    };
    let org = Org::small().await;
    let mut wrong = Vec::new();
    for object in ["Account", "Case", "Contact", "Lead", "Opportunity"] {
        let text = std::fs::read_to_string(folder.join(format!("{object}.json"))).unwrap();
        let real: Value = serde_json::from_str(&text).unwrap();
        let ours = org
            .get(&format!("/sobjects/{object}/describe"))
            .await
            .json();
        let keys = |json: &Value| {
            json.as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        // Older bodies know fewer keys.
        let lacks = |ours: &Value, real: &Value| -> Vec<String> {
            let known = keys(ours);
            keys(real)
                .into_iter()
                .filter(|k| !known.contains(k))
                .collect()
        };
        assert_eq!(lacks(&ours, &real), [""; 0], "{object}");
        for field in ours["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            let same = real["fields"]
                .as_array()
                .unwrap()
                .iter()
                .find(|f| f["name"] == name);
            let Some(same) = same else { continue };
            assert_eq!(lacks(field, same), [""; 0], "{object}.{name}");
            for key in TOLD {
                if field[key] != same[key] && !known(object, name, key) {
                    wrong.push(format!(
                        "{object}.{name}.{key}: {} is {} there",
                        field[key], same[key]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_path_may_name_the_form_of_the_answer() {
    let org = Org::small().await;
    let id = org.lead("Formed").await;
    for path in [
        "/sobjects",
        "/limits",
        "/sobjects/Lead/describe",
        &format!("/sobjects/Lead/{id}"),
    ] {
        let plain = org.get(path).await;
        let formed = org.get(&format!("{path}.json")).await;
        assert_eq!((plain.status, formed.status), (200, 200), "{path}");
        if path != "/limits" {
            assert_eq!(plain.text, formed.text, "{path}");
        }
    }
}

#[tokio::test]
async fn a_describe_is_newer_once_the_administrator_changed_something() {
    let org = Org::small().await;
    let path = "/sobjects/Lead/describe";
    let site = |field: &str| syncdeck::sandbox::Field {
        object: "Lead".into(),
        field: field.into(),
    };
    let mut seen = org.get(path).await.header("last-modified").to_owned();
    // Twice within a second, too.
    for fields in [vec![site("Website")], vec![]] {
        let ask = |since: &str| read(org.ask("GET", path).header("If-Modified-Since", since));
        assert_eq!(ask(&seen).await.status, 304);
        org.control().set_required(&fields).unwrap();
        let newer = ask(&seen).await;
        assert_eq!(newer.status, 200);
        let fields_now = newer.json()["fields"].as_array().unwrap().clone();
        let website = fields_now.iter().find(|f| f["name"] == "Website").unwrap();
        assert_eq!(website["nillable"], fields.is_empty());
        seen = newer.header("last-modified").to_owned();
        assert_eq!(ask(&seen).await.status, 304);
    }
    org.control().snapshot("before");
    org.control().set_required(&[site("Website")]).unwrap();
    seen = org.get(path).await.header("last-modified").to_owned();
    assert!(org.control().restore("before"));
    let again = read(org.ask("GET", path).header("If-Modified-Since", &seen)).await;
    assert_eq!(again.status, 200);
}
