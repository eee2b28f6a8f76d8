//! Batch, graph and tree.

use super::*;

#[tokio::test]
async fn a_batch_runs_each_by_itself_and_may_halt() {
    let org = Org::small().await;
    let make = json!({"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "In a batch"}});
    let bad = json!({"method": "GET", "url": "v67.0/sobjects/Account/001Sy0000000zzz"});
    let body = |halt: bool| json!({"haltOnError": halt, "batchRequests": [make, bad, make]});
    let used = |answer: &Answer| -> u64 {
        let text = answer
            .header("sforce-limit-info")
            .split(['=', '/'])
            .nth(1)
            .unwrap();
        text.parse().unwrap()
    };
    let each = org.send("POST", "/composite/batch", body(false)).await;
    let json = each.json();
    assert_eq!(json["hasErrors"], true);
    let codes: Vec<u64> = json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["statusCode"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [201, 404, 201]);
    let halted = org.send("POST", "/composite/batch", body(true)).await;
    assert_eq!(halted.json()["results"][2]["statusCode"], 412);
    assert_eq!(
        halted.json()["results"][2]["result"][0]["errorCode"],
        "BATCH_PROCESSING_HALTED"
    );
    assert_eq!(used(&halted) - used(&each), 4, "each part counts");
    let found = org
        .query("SELECT COUNT() FROM Account WHERE Name = 'In a batch'")
        .await;
    assert_eq!(found["totalSize"], 3);
    let many = json!({"batchRequests": vec![make; 26]});
    assert_eq!(
        org.send("POST", "/composite/batch", many).await.code(),
        "LIMIT_EXCEEDED"
    );
}

#[tokio::test]
async fn a_graph_is_made_whole_or_not_at_all() {
    let org = Org::small().await;
    let graph = |id: &str, last: Value| {
        json!({"graphId": id, "compositeRequest": [
            {"method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": "a", "body": {"Name": id}},
            {"method": "POST", "url": format!("{V}/sobjects/Contact"), "referenceId": "c",
             "body": {"LastName": last, "AccountId": "@{a.id}"}}]})
    };
    let body = json!({"graphs": [graph("good", json!("Ray")), graph("bad", Value::Null)]});
    let answer = org.send("POST", "/composite/graph", body).await.json();
    let graphs = answer["graphs"].as_array().unwrap();
    assert_eq!(
        (&graphs[0]["isSuccessful"], &graphs[1]["isSuccessful"]),
        (&json!(true), &json!(false))
    );
    let failed = &graphs[1]["graphResponse"]["compositeResponse"];
    assert_eq!(failed[0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(failed[1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    let made = org.query("SELECT Account.Name FROM Contact WHERE LastName = 'Ray' AND Account.Name IN ('good', 'bad')").await;
    assert_eq!(made["totalSize"], 1, "{made}");
    let twice = json!({"graphs": [graph("x", json!("A")), graph("x", json!("B"))]});
    assert_eq!(
        org.send("POST", "/composite/graph", twice).await.status,
        400
    );
}

#[tokio::test]
async fn a_tree_is_planted_with_its_children() {
    let org = Org::small().await;
    let tree = |last: Value| {
        json!({"records": [{"attributes": {"type": "Account", "referenceId": "a1"}, "Name": "Root",
            "Contacts": {"records": [
                {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "Leaf"},
                {"attributes": {"type": "Contact", "referenceId": "c2"}, "LastName": last}]}}]})
    };
    let good = org
        .send("POST", "/composite/tree/Account", tree(json!("Twig")))
        .await;
    assert_eq!(good.status, 201, "{}", good.text);
    let results = good.json()["results"].clone();
    assert_eq!(results.as_array().unwrap().len(), 3);
    assert_eq!(results[2]["referenceId"], "c2");
    let bad = org
        .send("POST", "/composite/tree/Account", tree(Value::Null))
        .await;
    assert_eq!(bad.status, 400);
    let json = bad.json();
    assert_eq!(json["hasErrors"], true);
    assert_eq!(
        json["results"].as_array().unwrap().len(),
        1,
        "only what failed"
    );
    assert_eq!(
        json["results"][0]["errors"][0]["statusCode"],
        "REQUIRED_FIELD_MISSING"
    );
    let roots = org
        .query("SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Name = 'Root'")
        .await;
    assert_eq!(roots["totalSize"], 1);
    assert_eq!(roots["records"][0]["Contacts"]["totalSize"], 2);
}

#[tokio::test]
async fn graphs_have_their_limits() {
    let org = Org::small().await;
    let node = |i: usize, name: String| {
        json!({"method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": format!("n{i}"),
            "body": {"Name": name}})
    };
    let chain = |length: usize| -> Vec<Value> {
        let before = |i: usize| match i {
            0 => "root".to_owned(),
            _ => format!("after @{{n{}.id}}", i - 1),
        };
        (0..length).map(|i| node(i, before(i))).collect()
    };
    let flat =
        |length: usize| -> Vec<Value> { (0..length).map(|i| node(i, "flat".into())).collect() };
    let kinds = |count: usize| -> Vec<Value> {
        let get = |i: usize| json!({"method": "GET", "url": format!("{V}/sobjects/Kind{i}/describe"), "referenceId": format!("k{i}")});
        (0..count).map(get).collect()
    };
    let graph = |id: String, list: Vec<Value>| json!({"graphId": id, "compositeRequest": list});
    let one = |list| json!({"graphs": [graph("g".into(), list)]});
    let many = |count: usize, each: usize| {
        let graphs: Vec<Value> = (0..count)
            .map(|i| graph(format!("g{i}"), flat(each)))
            .collect();
        json!({ "graphs": graphs })
    };
    for (body, status, words) in [
        (one(chain(15)), 200, ""),
        (one(chain(16)), 400, "maximum depth of 15"),
        (one(flat(500)), 200, ""),
        (one(flat(501)), 400, "limit of 500 nodes"),
        (many(75, 1), 200, ""),
        (many(76, 1), 400, "limit of 75 graphs"),
        (many(2, 251), 400, "limit of 500 nodes"),
        (one(kinds(15)), 200, ""),
        (one(kinds(16)), 400, "limit of 15 different nodes"),
    ] {
        let answer = org.send("POST", "/composite/graph", body).await;
        assert_eq!(answer.status, status, "{words}");
        if status == 400 {
            assert_eq!(answer.code(), "LIMIT_EXCEEDED");
            assert!(answer.text.contains(words), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_tree_has_its_limits() {
    let org = Org::small().await;
    let one = |kind: &str, reference: String, more: Value| {
        let mut record = json!({"attributes": {"type": kind, "referenceId": reference}});
        record
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        record
    };
    let accounts = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|i| one("Account", format!("a{i}"), json!({"Name": "Tree"})))
            .collect()
    };
    let below = |name: &str, record: Value| json!({"Name": "Tree", name: {"records": [record]}});
    let mut deep = one("Account", "l0".into(), json!({"Name": "Leaf"}));
    for level in 1..5 {
        deep = one("Account", format!("l{level}"), below("ChildAccounts", deep));
    }
    let deeper = one("Account", "l5".into(), below("ChildAccounts", deep.clone()));
    let with = |children: Value| one("Account", "root".into(), children);
    let list =
        |kind: &str, fields: Value| json!({"records": [one(kind, format!("r{kind}"), fields)]});
    let four = json!({"Name": "Tree", "Contacts": list("Contact", json!({"LastName": "L"})),
        "Cases": list("Case", json!({"Subject": "S"})),
        "Opportunities": list("Opportunity", json!({"Name": "O", "StageName": "Prospecting", "CloseDate": "2030-01-01"})),
        "Projects__r": list("Project__c", json!({"Name": "P"}))});
    let mut five = four.clone();
    five["Attachments"] = list("Attachment", json!({"Name": "A", "Body": "eA=="}));
    for (records, status, words) in [
        (accounts(200), 201, ""),
        (accounts(201), 400, "200 records"),
        (vec![deep], 201, ""),
        (vec![deeper], 400, "5 levels"),
        (vec![with(four)], 201, ""),
        (vec![with(five)], 400, "5 objects"),
    ] {
        let body = json!({ "records": records });
        let answer = org.send("POST", "/composite/tree/Account", body).await;
        assert_eq!(answer.status, status, "{words}: {}", answer.text);
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    let kept = org
        .query("SELECT COUNT() FROM Account WHERE Name = 'Tree'")
        .await;
    assert_eq!(kept["totalSize"], 205, "nothing of what was refused");
}
