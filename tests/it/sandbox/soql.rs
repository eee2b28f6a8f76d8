//! Queries with aliases, children of children, and distances.

use super::*;

async fn family(org: &Org) -> String {
    let body = json!({"records": [{"attributes": {"type": "Account", "referenceId": "a"}, "Name": "Family Root",
        "BillingLatitude": 52.52, "BillingLongitude": 13.405,
        "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Family Child"}]}}]});
    let made = org
        .send("POST", "/composite/tree/Account", body)
        .await
        .json();
    let contact = made["results"][1]["id"].as_str().unwrap().to_owned();
    let case = json!({"ContactId": contact, "Subject": "Family case"});
    assert_eq!(org.send("POST", "/sobjects/Case", case).await.status, 201);
    made["results"][0]["id"].as_str().unwrap().to_owned()
}

async fn ask(org: &Org, version: &str, soql: &str) -> Answer {
    let url = org.url(&format!("/services/data/v{version}/query"));
    let token = org.tokens["access_token"].as_str().unwrap();
    read(org.http.get(url).bearer_auth(token).query(&[("q", soql)])).await
}

#[tokio::test]
async fn names_of_from_stand_for_objects_and_parents() {
    let org = Org::small().await;
    family(&org).await;
    for (soql, expected) in [
        (
            "SELECT c.LastName FROM Contact c, c.Account a WHERE a.Name = 'Family Root' AND c.LastName LIKE 'Family%'",
            1,
        ),
        (
            "SELECT Name, (SELECT c.LastName FROM a.Contacts c WHERE c.LastName = 'Family Child') FROM Account a WHERE a.Name = 'Family Root'",
            1,
        ),
        (
            "SELECT Account.Name, (SELECT Contact.LastName FROM Account.Contacts) FROM Account WHERE Account.Name = 'Family Root'",
            1,
        ),
        (
            "SELECT x.Id FROM Case x, x.Contact y, y.Account z WHERE z.Name = 'Family Root' ORDER BY z.Name, y.LastName",
            1,
        ),
        (
            "SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'Family Root'",
            1,
        ),
    ] {
        let found = org.query(soql).await;
        assert_eq!(found["totalSize"], expected, "{soql}: {found}");
    }
    let named = org
        .query("SELECT c.LastName, a.Name FROM Contact c, c.Account a WHERE a.Name = 'Family Root'")
        .await;
    assert_eq!(named["records"][0]["Account"]["Name"], "Family Root");
    let soql = "SELECT a.Name FROM Contact c, c.Account a";
    let told = org
        .ask("GET", "/query")
        .query(&[("columns", "true"), ("q", soql)]);
    let told = read(told).await.json();
    let column = &told["columnMetadata"][0];
    assert_eq!(
        (
            &column["columnName"],
            &column["joinColumns"][0]["columnName"]
        ),
        (&json!("Account"), &json!("Name"))
    );
    let child = org
        .query("SELECT (SELECT LastName FROM a.Contacts) FROM Account a WHERE Name = 'Family Root'")
        .await;
    assert_eq!(
        child["records"][0]["Contacts"]["records"][0]["LastName"],
        "Family Child"
    );
    for (soql, code) in [
        ("SELECT Id FROM Account.Contacts", "INVALID_TYPE"),
        (
            "SELECT (SELECT Id FROM b.Contacts) FROM Account a",
            "INVALID_TYPE",
        ),
        (
            "SELECT Id FROM Contact c, c.Nobody n WHERE n.Name = 'x'",
            "INVALID_FIELD",
        ),
    ] {
        let answer = ask(&org, "67.0", soql).await;
        assert_eq!((answer.status, &*answer.code()), (400, code), "{soql}");
    }
}

#[tokio::test]
async fn children_of_children_came_with_version_58() {
    let org = Org::small().await;
    family(&org).await;
    let soql = "SELECT Name, (SELECT LastName, (SELECT Subject FROM Cases) FROM Contacts) FROM Account WHERE Name = 'Family Root'";
    let found = ask(&org, "58.0", soql).await;
    let root = found.json()["records"][0].clone();
    let child = &root["Contacts"]["records"][0];
    assert_eq!(
        child["Cases"]["records"][0]["Subject"], "Family case",
        "{root}"
    );
    let before = ask(&org, "57.0", soql).await;
    assert_eq!((before.status, &*before.code()), (400, "MALFORMED_QUERY"));
    assert!(
        before.text.contains("more than 1 level away"),
        "{}",
        before.text
    );
    let mut deep = "SELECT Id FROM ChildAccounts".to_owned();
    for _ in 0..3 {
        deep = format!("SELECT Id, ({deep}) FROM ChildAccounts");
    }
    let whole = |inner: &str| format!("SELECT Id, ({inner}) FROM Account LIMIT 1");
    assert_eq!(ask(&org, "67.0", &whole(&deep)).await.status, 200);
    let deeper = format!("SELECT Id, ({deep}) FROM ChildAccounts");
    let refused = ask(&org, "67.0", &whole(&deeper)).await;
    assert_eq!((refused.status, &*refused.code()), (400, "MALFORMED_QUERY"));
}

#[tokio::test]
async fn places_are_found_by_their_distance() {
    let org = Org::small().await;
    let berlin = family(&org).await;
    let paris = json!({"Name": "Far", "BillingLatitude": 48.8566, "BillingLongitude": 2.3522});
    assert_eq!(
        org.send("POST", "/sobjects/Account", paris).await.status,
        201
    );
    let far = "DISTANCE(BillingAddress, GEOLOCATION(52.5,13.4), 'km')";
    let near = org
        .query(&format!("SELECT Id, {far} FROM Account WHERE {far} < 10"))
        .await;
    assert_eq!(near["totalSize"], 1);
    assert_eq!(near["records"][0]["Id"], berlin);
    let km = near["records"][0]["expr0"].as_f64().unwrap();
    assert!((2.0..3.0).contains(&km), "{km}");
    let ordered = org
        .query(&format!(
            "SELECT Name, {far} away FROM Account WHERE {far} > 0 ORDER BY {far} DESC"
        ))
        .await;
    assert_eq!(ordered["records"][0]["Name"], "Far");
    assert!(ordered["records"][0]["away"].as_f64().unwrap() > 800.0);
    let over = "SELECT Id FROM Contact WHERE DISTANCE(Account.BillingAddress, GEOLOCATION(52.5,13.4), 'mi') <= 5";
    assert_eq!(org.query(over).await["totalSize"], 1);
    for (soql, code, words) in [
        (
            "SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(1,2), 'km') = 5",
            "MALFORMED_QUERY",
            "> and <",
        ),
        (
            "SELECT Id FROM Account WHERE DISTANCE(Name, GEOLOCATION(1,2), 'km') < 5",
            "INVALID_FIELD",
            "location",
        ),
        (
            "SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(1,2), 'ft') < 5",
            "MALFORMED_QUERY",
            "unit",
        ),
        (
            "SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(91,2), 'km') < 5",
            "MALFORMED_QUERY",
            "latitude",
        ),
    ] {
        let answer = ask(&org, "67.0", soql).await;
        assert_eq!((answer.status, &*answer.code()), (400, code), "{soql}");
        assert!(answer.text.contains(words), "{}", answer.text);
    }
}

#[tokio::test]
async fn functions_and_literals_of_conditions() {
    let org = Org::small().await;
    let all = org
        .query("SELECT COUNT() FROM Lead WHERE Status = 'Open - Not Contacted'")
        .await;
    let labelled = org
        .query("SELECT COUNT() FROM Lead WHERE toLabel(Status) = 'Open - Not Contacted'")
        .await;
    assert_eq!(all["totalSize"], labelled["totalSize"]);
    let plain = org
        .query("SELECT COUNT() FROM Lead WHERE AnnualRevenue > 1000000")
        .await;
    let usd = org
        .query("SELECT COUNT() FROM Lead WHERE AnnualRevenue > USD1000000")
        .await;
    let converted = org
        .query("SELECT COUNT() FROM Lead WHERE convertCurrency(AnnualRevenue) > 1000000")
        .await;
    assert_eq!(
        (&plain["totalSize"], &plain["totalSize"]),
        (&usd["totalSize"], &converted["totalSize"])
    );
    let open = org
        .query("SELECT Status, COUNT(Id) FROM Lead GROUP BY Status HAVING Status LIKE 'open%'")
        .await;
    assert_eq!(
        (&open["totalSize"], &open["records"][0]["Status"]),
        (&json!(1), &json!("Open - Not Contacted"))
    );
    let zone = ask(
        &org,
        "67.0",
        "SELECT Id FROM Lead WHERE CreatedDate > 2020-01-01T00:00:00",
    )
    .await;
    assert!(
        zone.text
            .contains("unexpected token: '2020-01-01T00:00:00'"),
        "{}",
        zone.text
    );
}
