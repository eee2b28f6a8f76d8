//! What queries can say, and searches by words.

use super::*;

async fn refused(org: &Org, soql: &str) -> (String, String) {
    let answer = read(org.ask("GET", "/query").query(&[("q", soql)])).await;
    assert_eq!(answer.status, 400, "{soql}: {}", answer.text);
    let message = answer.json()[0]["message"].as_str().unwrap().to_owned();
    (answer.code(), message)
}

async fn projects(org: &Org) {
    for (name, stage, budget, day) in [
        ("North", "New", 10, "2025-03-02"),
        ("South", "New", 30, "2025-11-09"),
        ("East", "Active", 50, "2026-03-15"),
        ("West", "Done", 5, "2026-03-31"),
    ] {
        let body = json!({"Name": name, "Stage__c": stage, "Budget__c": budget, "Spent__c": 1,
            "Start_Date__c": day, "Topics__c": "Speed;Data"});
        let made = org.send("POST", "/sobjects/Project__c", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
}

#[tokio::test]
async fn groups_have_conditions_orders_and_date_functions() {
    let org = Org::start(Options {
        approval: Approval::Automatic,
        ..Options::bare()
    })
    .await;
    projects(&org).await;
    let having = org
        .query("SELECT Stage__c, SUM(Budget__c) total FROM Project__c GROUP BY Stage__c HAVING SUM(Budget__c) > 5 AND COUNT(Id) < 3 ORDER BY SUM(Budget__c) DESC")
        .await;
    let rows = having["records"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{having}");
    assert_eq!(
        (&rows[0]["Stage__c"], &rows[0]["total"]),
        (&json!("Active"), &json!(50.0))
    );
    let years = org
        .query("SELECT CALENDAR_YEAR(Start_Date__c) y, COUNT(Id) FROM Project__c GROUP BY CALENDAR_YEAR(Start_Date__c) HAVING CALENDAR_YEAR(Start_Date__c) >= 2025 ORDER BY CALENDAR_YEAR(Start_Date__c) DESC")
        .await;
    assert_eq!(years["records"][0]["y"], 2026, "{years}");
    assert_eq!(years["records"][1]["expr0"], 2);
    let march = org
        .query("SELECT Name, toLabel(Stage__c) label FROM Project__c WHERE CALENDAR_MONTH(Start_Date__c) = 3 AND Topics__c INCLUDES ('Data;Speed') ORDER BY Name NULLS LAST FOR VIEW")
        .await;
    assert_eq!(march["totalSize"], 3);
    assert_eq!(march["records"][0]["label"], "Active");
    let recent = org.get("/recent").await.json();
    assert_eq!(recent[0]["Name"], march["records"][0]["Name"]);
    let formula = org
        .query("SELECT Remaining__c FROM Project__c WHERE Remaining__c = 29")
        .await;
    assert_eq!(formula["records"][0]["Remaining__c"], 29.0);
    let custom = org
        .query("SELECT FIELDS(CUSTOM) FROM Project__c LIMIT 200")
        .await;
    assert!(custom["records"][0].get("Budget__c").is_some());
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_its_place() {
    let org = Org::small().await;
    for (soql, code, words) in [
        (
            "SELECT TYPEOF Owner WHEN User THEN Name END FROM Lead",
            "MALFORMED_QUERY",
            "TYPEOF is not supported",
        ),
        (
            "SELECT Id FROM Lead WHERE",
            "MALFORMED_QUERY",
            "unexpected token: '<EOF>'",
        ),
        (
            "SELECT Id FORM Lead",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:11",
        ),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", "LIMIT"),
        (
            "SELECT CALENDAR_YEAR(Company) FROM Lead GROUP BY CALENDAR_YEAR(Company)",
            "MALFORMED_QUERY",
            "no date",
        ),
        (
            "SELECT Status FROM Lead GROUP BY Status HAVING Company = 'x'",
            "MALFORMED_QUERY",
            "must be grouped",
        ),
        (
            "SELECT Id FROM Lead WHERE COUNT(Id) > 1",
            "MALFORMED_QUERY",
            "aggregates",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > '2020-01-01'",
            "INVALID_FIELD",
            "should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "2000",
        ),
        (
            "SELECT Id FROM Lead WHERE AND",
            "MALFORMED_QUERY",
            "unexpected token: 'AND'",
        ),
        (
            r"SELECT Id FROM Lead WHERE LastName = 'a\zb'",
            "MALFORMED_QUERY",
            r"Illegal character sequence '\z' in string literal",
        ),
        (
            "SELECT Id FROM Contact WHERE AccountId IN (SELECT Name FROM Account)",
            "MALFORMED_QUERY",
            "must be an id field",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName IN (SELECT Id FROM Account)",
            "MALFORMED_QUERY",
            "should be an id field, cannot use: 'LastName'",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)",
            "MALFORMED_QUERY",
            "should not be on the same object type",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'x' OR AccountId IN (SELECT Id FROM Account)",
            "MALFORMED_QUERY",
            "only allowed at the top level",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact) AND Id IN (SELECT AccountId FROM Case) AND Id NOT IN (SELECT AccountId FROM Opportunity)",
            "MALFORMED_QUERY",
            "Maximum 2 semi join",
        ),
        (
            "SELECT Id, Id FROM Lead",
            "INVALID_FIELD",
            "duplicate field selected: Id",
        ),
    ] {
        let (found, message) = refused(&org, soql).await;
        assert_eq!(found, code, "{soql}");
        assert!(message.contains(words), "{soql}: {message}");
    }
    let plan = read(
        org.ask("GET", "/query")
            .query(&[("explain", "SELECT Id FROM Lead")]),
    )
    .await;
    assert_eq!(plan.json()["plans"][0]["leadingOperationType"], "TableScan");
    let page = read(
        org.ask("GET", "/queryAll")
            .header("Sforce-Query-Options", "batchSize=200")
            .query(&[("q", "SELECT Id FROM Lead")]),
    );
    let next = page.await.json()["nextRecordsUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    let locator = next.rsplit('/').next().unwrap();
    for under in ["query", "queryAll"] {
        assert_eq!(org.get(&format!("/{under}/{locator}")).await.status, 200);
    }
}

#[tokio::test]
async fn words_are_searched_for() {
    let org = Org::small().await;
    let id = org.lead("Quetzalcoatl").await;
    let contact = json!({"LastName": "Quetzalcoatl", "Email": "q@feathers.example"});
    assert_eq!(
        org.send("POST", "/sobjects/Contact", contact).await.status,
        201
    );
    let search = |q: &str| read(org.ask("GET", "/search/").query(&[("q", q)]));
    let found = search("FIND {quetzal*} IN NAME FIELDS RETURNING Lead(Id, LastName WHERE Company = 'Test'), Contact").await;
    let list = found.json()["searchRecords"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2, "{}", found.text);
    assert_eq!(
        (&list[0]["Id"], &list[0]["LastName"]),
        (&json!(id), &json!("Quetzalcoatl"))
    );
    assert_eq!(list[1]["attributes"]["type"], "Contact");
    let mail = search("FIND {feathers.example} IN EMAIL FIELDS")
        .await
        .json();
    assert_eq!(mail["searchRecords"].as_array().unwrap().len(), 1);
    for (q, words) in [
        ("FIND quetzal", "enclosed in braces"),
        ("FIND {q}", "longer than one character"),
        ("FIND {qu} IN NOWHERE FIELDS", "unexpected token: 'NOWHERE'"),
    ] {
        let answer = search(q).await;
        assert_eq!((answer.status, &*answer.code()), (400, "MALFORMED_SEARCH"));
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    assert_eq!(
        search("FIND {quetzal*} RETURNING Nope").await.code(),
        "INVALID_TYPE"
    );
    let body = json!({"q": "quetzalcoatl", "in": "NAME", "fields": ["Id"],
        "sobjects": [{"name": "Lead", "fields": ["Name"], "limit": 1}, {"name": "Contact"}]});
    let posted = org.send("POST", "/parameterizedSearch", body).await.json();
    assert_eq!(
        posted["searchRecords"][0]["Name"], "Quetzalcoatl",
        "{posted}"
    );
    let got = org.get("/parameterizedSearch?q=quetzalcoatl&sobject=Lead&Lead.fields=Id,Company&overallLimit=1").await.json();
    assert_eq!(got["searchRecords"][0]["Company"], "Test");
}

#[tokio::test]
async fn owners_and_whom_a_task_is_about_say_what_they_are() {
    let org = Org::small().await;
    let lead = org
        .query("SELECT Owner.Type, Owner.Name FROM Lead WHERE Owner.Type = 'User' LIMIT 1")
        .await;
    assert_eq!(lead["records"][0]["Owner"]["Type"], "User");
    let about = &lead["records"][0]["Owner"]["attributes"];
    assert_eq!(about["type"], "Name");
    let url = about["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{V}/sobjects/User/005")), "{url}");
    let alone = org.query("SELECT Owner.Name FROM Account LIMIT 1").await;
    assert_eq!(alone["records"][0]["Owner"]["attributes"]["type"], "User");
    let account = json!({"Name": "Asked about"});
    let account = org.send("POST", "/sobjects/Account", account).await.json();
    let case = json!({"Subject": "Asked about", "AccountId": account["id"]});
    let case = org.send("POST", "/sobjects/Case", case).await.json();
    for what in [&account["id"], &case["id"]] {
        let task = json!({"Subject": "Call", "WhatId": what});
        assert_eq!(org.send("POST", "/sobjects/Task", task).await.status, 201);
    }
    let what = org
        .query("SELECT What.Name, What.Type FROM Task WHERE What.Name = 'Asked about' ORDER BY What.Name")
        .await;
    assert_eq!(what["totalSize"], 1, "{what}");
    assert_eq!(what["records"][0]["What"]["Name"], "Asked about");
    assert_eq!(what["records"][0]["What"]["Type"], "Account");
    let id = case["id"].as_str().unwrap();
    let number = org
        .query(&format!("SELECT CaseNumber FROM Case WHERE Id = '{id}'"))
        .await;
    let what = org
        .query(&format!("SELECT What.Name FROM Task WHERE WhatId = '{id}'"))
        .await;
    assert_eq!(
        what["records"][0]["What"]["Name"],
        number["records"][0]["CaseNumber"]
    );
    let tasks = org
        .query("SELECT Who.Type FROM Task WHERE Who.Type IN ('Lead', 'Contact')")
        .await;
    let said: std::collections::BTreeSet<_> = tasks["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["Who"]["Type"].as_str().unwrap())
        .collect();
    assert_eq!(said.into_iter().collect::<Vec<_>>(), ["Contact", "Lead"]);
}

#[tokio::test]
async fn nulls_come_first_unless_it_is_said() {
    let org = Org::small().await;
    for (order, null) in [
        ("Rating", true),
        ("Rating DESC", true),
        ("Rating DESC NULLS LAST", false),
    ] {
        let found = org
            .query(&format!("SELECT Rating FROM Lead ORDER BY {order} LIMIT 1"))
            .await;
        assert_eq!(found["records"][0]["Rating"].is_null(), null, "{order}");
    }
    for (soql, why) in [
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY ROLLUP(Status)",
            "GROUP BY ROLLUP is not supported",
        ),
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY CUBE(Status)",
            "GROUP BY CUBE is not supported",
        ),
        ("SELECT Id FROM Lead ALL ROWS", "ALL ROWS not allowed"),
    ] {
        let (code, message) = refused(&org, soql).await;
        assert_eq!(code, "MALFORMED_QUERY");
        assert!(message.contains(why), "{message}");
    }
}
