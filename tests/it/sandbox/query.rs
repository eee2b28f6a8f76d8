//! SOQL over HTTP: pages, locators, relationships, deleted rows.

use std::collections::HashSet;

use super::*;

#[tokio::test]
async fn a_big_result_comes_in_pages() {
    let org = Org::small().await;
    let ask = |path: &str| {
        org.ask("GET", path)
            .header("Sforce-Query-Options", "batchSize=200")
    };
    let soql = "SELECT Id, LastModifiedDate FROM Lead ORDER BY LastModifiedDate, Id";
    let mut page = read(ask("/query").query(&[("q", soql)])).await.json();
    let total = page["totalSize"].as_u64().unwrap();
    assert!(total > 400, "{total}");
    let mut rows = Vec::new();
    loop {
        rows.extend(page["records"].as_array().unwrap().clone());
        let Some(next) = page.get("nextRecordsUrl") else {
            break;
        };
        assert_eq!(page["done"], false);
        let next = next.as_str().unwrap().strip_prefix(V).unwrap().to_owned();
        assert!(next.ends_with(&format!("-{}", rows.len())), "{next}");
        page = read(ask(&next)).await.json();
    }
    assert_eq!(page["done"], true);
    assert_eq!(rows.len() as u64, total);
    let ids: HashSet<&str> = rows.iter().map(|r| r["Id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rows.len());
    let times: Vec<&str> = rows
        .iter()
        .map(|r| r["LastModifiedDate"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted());
    let wrong = org.get("/query/01gSy0000000zzzAAA-2000").await;
    assert_eq!(wrong.code(), "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn changes_since_a_moment_are_found_with_deleted_ones() {
    let org = Org::small().await;
    org.control().advance(10);
    let (kept, gone) = (org.lead("Kept").await, org.lead("Gone").await);
    assert_eq!(
        org.delete(&format!("/sobjects/Lead/{gone}")).await.status,
        204
    );
    let since = org.get(&format!("/sobjects/Lead/{kept}")).await.json()["SystemModstamp"]
        .as_str()
        .unwrap()
        .to_owned();
    let soql = format!(
        "SELECT Id, IsDeleted FROM Lead WHERE SystemModstamp >= {since} ORDER BY SystemModstamp, Id"
    );
    let all = read(org.ask("GET", "/queryAll").query(&[("q", &soql)]))
        .await
        .json();
    let found: Vec<(&str, bool)> = all["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["Id"].as_str().unwrap(), r["IsDeleted"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        HashSet::from([(&*kept, false), (&*gone, true)]),
        found.into_iter().collect()
    );
    assert_eq!(org.query(&soql).await["totalSize"], 1);
}

#[tokio::test]
async fn parents_children_and_counts() {
    let org = Org::small().await;
    let found = org
        .query("SELECT Id, Account.Name, Owner.Name FROM Contact WHERE AccountId != null LIMIT 1")
        .await;
    let contact = &found["records"][0];
    assert_eq!(contact["Account"]["attributes"]["type"], "Account");
    assert!(contact["Account"]["Name"].is_string() && contact["Owner"]["Name"].is_string());
    let count = org.query("SELECT COUNT() FROM Contact").await;
    assert_eq!(count["records"], json!([]));
    let groups = org
        .query("SELECT Status, COUNT(Id) n FROM Lead GROUP BY Status")
        .await;
    assert_eq!(
        groups["records"][0]["attributes"],
        json!({"type": "AggregateResult"})
    );
    let bad = read(
        org.ask("GET", "/query")
            .query(&[("q", "SELECT Id FROM Lead WHERE")]),
    )
    .await;
    assert_eq!((bad.status, &*bad.code()), (400, "MALFORMED_QUERY"));
    let no_field = read(
        org.ask("GET", "/query")
            .query(&[("q", "SELECT Nope FROM Lead")]),
    )
    .await;
    assert_eq!(no_field.code(), "INVALID_FIELD");
    let no_type = read(
        org.ask("GET", "/query")
            .query(&[("q", "SELECT Id FROM Nope")]),
    )
    .await;
    assert_eq!(no_type.code(), "INVALID_TYPE");
}

#[tokio::test]
async fn the_demo_org_is_the_size_it_says_and_the_same_every_time() {
    let full = Options {
        approval: Approval::Automatic,
        start: Some(1_790_000_000),
        ..Options::default()
    };
    let (one, two) = (Org::start(full.clone()).await, Org::start(full).await);
    for (object, count) in [("Account", 1300), ("Contact", 4000), ("Opportunity", 900)] {
        let found = one.query(&format!("SELECT COUNT() FROM {object}")).await;
        assert_eq!(found["totalSize"], count, "{object}");
    }
    let leads = one
        .control()
        .query("SELECT COUNT() FROM Lead WHERE IsDeleted IN (true, false)")
        .unwrap();
    assert_eq!(leads["totalSize"], 10_000);
    let soql = "SELECT Id, Name, Email, SystemModstamp FROM Lead ORDER BY Id LIMIT 300";
    assert_eq!(one.query(soql).await, two.query(soql).await);
    let long = one
        .query("SELECT Description, Company FROM Lead ORDER BY Id LIMIT 30")
        .await;
    assert!(long.to_string().len() > 30_000);
    assert!(long.to_string().contains("\\u001b"), "escape codes stay");
}

#[tokio::test]
async fn change_lists() {
    let org = Org::small().await;
    let id = org.lead("Listed").await;
    org.delete(&format!("/sobjects/Lead/{id}")).await;
    org.control().advance(120);
    let record = org.control().get(&id).unwrap();
    let stamp = record["SystemModstamp"].as_str().unwrap();
    let (start, end) = (
        format!("{}00.000+0000", &stamp[..17]),
        "2099-01-01T00:00:00+00:00",
    );
    let deleted = read(
        org.ask("GET", "/sobjects/Lead/deleted")
            .query(&[("start", &*start), ("end", end)]),
    )
    .await
    .json();
    assert_eq!(deleted["deletedRecords"][0]["id"], *id);
    let updated = read(
        org.ask("GET", "/sobjects/Lead/updated")
            .query(&[("start", &*start), ("end", end)]),
    )
    .await
    .json();
    assert_eq!(updated["ids"], json!([]));
}

#[tokio::test]
async fn children_come_with_their_parents() {
    let org = Org::small().await;
    let soql = "SELECT Id, (SELECT LastName, Account.Name FROM Contacts WHERE Email != null ORDER BY LastName LIMIT 2) FROM Account ORDER BY Id";
    let found = org.query(soql).await;
    let mut with = 0;
    for account in found["records"].as_array().unwrap() {
        let id = account["Id"].as_str().unwrap();
        let direct = format!(
            "SELECT LastName, Account.Name FROM Contact WHERE AccountId = '{id}' AND Email != null ORDER BY LastName LIMIT 2"
        );
        let direct = org.query(&direct).await;
        match &account["Contacts"] {
            Value::Null => assert_eq!(direct["totalSize"], 0),
            contacts => {
                with += 1;
                assert_eq!(*contacts, direct);
            }
        }
    }
    assert!(with > 10, "{with}");
    let wrong = read(
        org.ask("GET", "/query")
            .query(&[("q", "SELECT (SELECT Id FROM Nopes) FROM Account")]),
    )
    .await;
    assert_eq!((wrong.status, &*wrong.code()), (400, "INVALID_TYPE"));
}

#[tokio::test]
async fn pages_of_wide_rows_end_before_they_are_full() {
    let org = Org::start(Options {
        approval: Approval::Automatic,
        ..Options::bare()
    })
    .await;
    let wide = "w".repeat(120_000);
    let records: Vec<Value> = (0..80)
        .map(|n| json!({"attributes": {"type": "Lead"}, "LastName": format!("L{n}"), "Company": "C", "Research_Notes__c": wide}))
        .collect();
    let body = json!({ "records": records });
    assert_eq!(
        org.send("POST", "/composite/sobjects", body).await.status,
        200
    );
    let mut page = org.query("SELECT Id, Research_Notes__c FROM Lead").await;
    let mut lengths = vec![page["records"].as_array().unwrap().len()];
    while let Some(next) = page["nextRecordsUrl"].as_str() {
        let next = next.strip_prefix(V).unwrap().to_owned();
        page = org.get(&next).await.json();
        lengths.push(page["records"].as_array().unwrap().len());
    }
    assert_eq!(lengths.iter().sum::<usize>(), 80);
    assert_eq!(lengths.len(), 2, "{lengths:?}");
}

#[tokio::test]
async fn resources_are_as_old_as_they_are() {
    let org = Org::small().await;
    let token = org.tokens["access_token"].as_str().unwrap();
    let upsert = async |version: &str| {
        let url = org.url(&format!(
            "/services/data/v{version}/composite/sobjects/Lead/Syncdeck_Key__c"
        ));
        let body = json!({"records": [{"attributes": {"type": "Lead"}, "Syncdeck_Key__c": "v", "LastName": "L", "Company": "C"}]});
        read(org.http.patch(url).bearer_auth(token).json(&body))
            .await
            .status
    };
    assert_eq!(upsert("45.0").await, 404);
    assert_eq!(upsert("46.0").await, 200);
    let refused = org.send("PUT", "/sobjects/Lead", json!({})).await;
    assert!(
        refused.text.contains("Allowed are HEAD,GET,POST"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_scope_asks_for_the_records_of_some_owners() {
    let org = Org::small().await;
    let queue = org
        .query("SELECT Id FROM Group WHERE Type = 'Queue' LIMIT 1")
        .await;
    let queue = queue["records"][0]["Id"].as_str().unwrap().to_owned();
    let (mine, queued) = (org.lead("Mine").await, org.lead("Queued").await);
    let body = json!({"OwnerId": queue});
    let given = org
        .send("PATCH", &format!("/sobjects/Lead/{queued}"), body)
        .await;
    assert_eq!(given.status, 204, "{}", given.text);
    let me = org.running.info().user_id.clone();
    let count = async |from: &str| {
        let soql = format!("SELECT COUNT() FROM {from}");
        org.query(&soql).await["totalSize"].as_u64().unwrap()
    };
    let all = count("Lead").await;
    assert_eq!(count("Lead USING SCOPE everything").await, all);
    let own = count(&format!("Lead WHERE OwnerId = '{me}'")).await;
    assert!(own > 0 && own < all, "{own} of {all}");
    for scope in ["mine", "MINE", "team"] {
        assert_eq!(count(&format!("Lead USING SCOPE {scope}")).await, own);
    }
    let of_queues = count("Lead USING SCOPE queue_owned").await;
    assert!(of_queues > 0);
    assert_eq!(count("Lead USING SCOPE user_owned").await, all - of_queues);
    let ids = |answer: Value| {
        let rows = answer["records"].as_array().unwrap().clone();
        rows.iter()
            .map(|r| r["Id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let named = format!("WHERE Id IN ('{mine}', '{queued}') ORDER BY Id");
    let soql = format!("SELECT Id FROM Lead USING SCOPE mine {named}");
    assert_eq!(ids(org.query(&soql).await), [mine.as_str()]);
    let soql = format!("SELECT Id FROM Lead l USING SCOPE queue_owned {named}");
    assert_eq!(ids(org.query(&soql).await), [queued.as_str()]);
    // What the describe names is what queries take, and the other way round.
    for object in ["Lead", "Account", "Case", "User"] {
        let describe = org
            .get(&format!("/sobjects/{object}/describe"))
            .await
            .json();
        let offered = describe["supportedScopes"].as_array().unwrap().clone();
        let offered: Vec<&str> = offered
            .iter()
            .map(|s| s["name"].as_str().unwrap())
            .collect();
        for scope in [
            "delegated",
            "everything",
            "mine",
            "mine_and_my_groups",
            "my_territory",
            "my_team_territory",
            "queue_owned",
            "team",
            "user_owned",
            "nonsense",
        ] {
            let soql = format!("SELECT Id FROM {object} USING SCOPE {scope} LIMIT 1");
            let answer = read(org.ask("GET", "/query").query(&[("q", &soql)])).await;
            let taken = answer.status == 200;
            assert_eq!(taken, offered.contains(&scope), "{soql}: {}", answer.text);
            if !taken {
                assert_eq!(answer.code(), "MALFORMED_QUERY", "{soql}");
                assert!(answer.text.contains(scope), "{}", answer.text);
            }
        }
    }
}
