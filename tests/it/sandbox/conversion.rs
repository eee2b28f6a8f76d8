//! Leads converted by SOAP into records that are there.

use super::*;

async fn convert(org: &Org, wishes: &str) -> String {
    let token = org.tokens["access_token"].as_str().unwrap();
    let text = format!(
        "<e:Envelope xmlns:e=\"x\"><e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header><e:Body><u:convertLead xmlns:u=\"urn:partner\">{wishes}</u:convertLead></e:Body></e:Envelope>"
    );
    let url = org.url("/services/Soap/u/59.0/00D");
    read(org.http.post(url).header("SOAPAction", "x").body(text))
        .await
        .text
}

async fn made(org: &Org, object: &str, body: Value) -> String {
    let answer = org.send("POST", &format!("/sobjects/{object}"), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_there_keeps_what_it_says() {
    let org = Org::small().await;
    let lead = json!({"LastName": "New", "FirstName": "Ann", "Company": "Lead Co", "Phone": "1", "Website": "w.example",
        "Email": "a@b.example", "LeadSource": "Web"});
    let lead = made(&org, "Lead", lead).await;
    let account = made(&org, "Account", json!({"Name": "Kept", "Phone": "2"})).await;
    let contact = json!({"LastName": "Old", "AccountId": account, "LeadSource": "Other"});
    let contact = made(&org, "Contact", contact).await;
    let wish = |more: &str| {
        format!(
            "<leadConverts><leadId>{lead}</leadId><convertedStatus>Closed - Converted</convertedStatus><contactId>{contact}</contactId><doNotCreateOpportunity>true</doNotCreateOpportunity>{more}</leadConverts>"
        )
    };
    let alone = convert(&org, &wish("")).await;
    assert!(alone.contains("INVALID_ID_FIELD"), "{alone}");
    let source = "<overwriteLeadSource>true</overwriteLeadSource>";
    let both = wish(&format!("<u:accountId>{account}</u:accountId>{source}"));
    let other = org.lead("Second").await;
    let second = format!(
        "<leadConverts><leadId>{other}</leadId><convertedStatus>Closed - Converted</convertedStatus></leadConverts>"
    );
    let done = convert(&org, &(both + &second)).await;
    assert_eq!(done.matches("<success>true<").count(), 2, "{done}");
    assert!(done.contains("<opportunityId xsi:nil=\"true\"/>"), "{done}");
    let account = org
        .get(&format!("/sobjects/Account/{account}"))
        .await
        .json();
    assert_eq!(
        (&account["Name"], &account["Phone"]),
        (&json!("Kept"), &json!("2"))
    );
    assert_eq!(account["Website"], "w.example");
    let contact = org
        .get(&format!("/sobjects/Contact/{contact}"))
        .await
        .json();
    assert_eq!(
        (&contact["LastName"], &contact["FirstName"]),
        (&json!("Old"), &json!("Ann"))
    );
    assert_eq!(
        (&contact["Email"], &contact["LeadSource"]),
        (&json!("a@b.example"), &json!("Web"))
    );
    let lead = org.get(&format!("/sobjects/Lead/{lead}")).await.json();
    assert_eq!(lead["ConvertedAccountId"], account["Id"]);
    assert_eq!(lead["ConvertedContactId"], contact["Id"]);
    assert_eq!(lead["ConvertedOpportunityId"], Value::Null);
    let nobody = convert(&org, &second.replace(&other, "00QSy0000000zzz")).await;
    assert!(nobody.contains("INVALID_CROSS_REFERENCE_KEY"), "{nobody}");
}
