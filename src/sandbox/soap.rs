//! The few SOAP calls that have no REST form: convert leads, merge, undelete, empty the recycle bin
//! (salesforce-api 2.11, 3.3).

use super::{
    dml,
    fail::Fail,
    ids::SfId,
    org::{Org, Row},
    schema::ObjIx,
    server::Server,
    value::Ref,
    xml::{element, elements, escape, sections},
};

/// Answers a call, if it is one of them: its body without the envelope.
pub fn answer(server: &Server, user: SfId, xml: &str) -> Option<String> {
    let actor = server.actor(user);
    let name = [
        "convertLead",
        "merge",
        "undelete",
        "emptyRecycleBin",
        "getServerTimestamp",
    ]
    .into_iter()
    .find(|name| element(xml, name).is_some())?;
    if name == "getServerTimestamp" {
        let now = super::time::stamp_text(actor.now);
        return Some(wrapped(
            name,
            &[format!("<result><timestamp>{now}</timestamp></result>")],
        ));
    }
    let mut org = server.org_mut();
    let results: Vec<String> = match name {
        "convertLead" => sections(xml, "leadConverts")
            .into_iter()
            .map(|wish| one(&mut org, |org| convert(org, &actor, wish)))
            .collect(),
        "merge" => vec![one(&mut org, |org| merge(org, &actor, xml))],
        _ => elements(xml, "ids")
            .iter()
            .map(|id| {
                one(&mut org, |org| {
                    let (object, row) = find(org, id)?;
                    match name {
                        "undelete" => dml::undelete(org, &actor, object, row)?,
                        _ if org.table(object).row(row).is_some_and(|r| r.deleted) => {
                            dml::hard_delete(org, object, row)?;
                        }
                        _ => {
                            return Err(Fail::new("INVALID_ID_FIELD", "the record is not deleted"));
                        }
                    }
                    Ok(format!("<id>{}</id>", escape(id)))
                })
            })
            .collect(),
    };
    org.commit();
    Some(wrapped(name, &results))
}

fn wrapped(name: &str, results: &[String]) -> String {
    format!("<{name}Response>{}</{name}Response>", results.concat())
}

/// One result, good or bad.
fn one(org: &mut Org, work: impl FnOnce(&mut Org) -> Result<String, Fail>) -> String {
    let mark = org.savepoint();
    match work(org) {
        Ok(inner) => format!("<result>{inner}<success>true</success></result>"),
        Err(fail) => {
            org.rollback(mark);
            format!(
                "<result><errors><message>{}</message><statusCode>{}</statusCode></errors><success>false</success></result>",
                escape(&fail.message),
                fail.code
            )
        }
    }
}

fn find(org: &Org, id: &str) -> Result<(ObjIx, Row), Fail> {
    let known = SfId::parse(id.trim())
        .ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {id}")))?;
    let unknown = || Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
    org.find(known).ok_or_else(unknown)
}

fn convert(org: &mut Org, actor: &dml::Actor, xml: &str) -> Result<String, Fail> {
    let text = |name: &str| element(xml, name).filter(|t| !t.trim().is_empty());
    let says = |name: &str| text(name).is_some_and(|t| t.trim() == "true");
    let given = |name: &str| text(name).map(|id| find(org, &id).map(|_| id)).transpose();
    let (account, contact, owner) = (given("accountId")?, given("contactId")?, given("ownerId")?);
    if contact.is_some() && account.is_none() {
        let text = "an account is needed for the contact that is merged into";
        return Err(Fail::new("INVALID_ID_FIELD", text));
    }
    let lead = text("leadId").unwrap_or_default();
    let (_, row) = find(org, &lead)?;
    let status = text("convertedStatus").unwrap_or_default();
    if !converts(org, &status) {
        let text = format!("invalid convertedStatus: {status}");
        return Err(Fail::new("INVALID_STATUS", text));
    }
    let company = org.schema.object("Lead").and_then(|object| {
        let record = org.table(object).row(row)?;
        org.value(object, record, "Company")
            .as_text()
            .map(str::to_owned)
    });
    let id = |text: Option<String>| text.and_then(|t| SfId::parse(t.trim()));
    let wish = dml::Wish {
        account: id(account),
        contact: id(contact),
        owner: id(owner),
        opportunity: match says("doNotCreateOpportunity") {
            true => None,
            false => text("opportunityName").or(company.map(|c| format!("{c}-"))),
        },
        source: match says("overwriteLeadSource") {
            true => dml::Source::Overwrite,
            false => dml::Source::Keep,
        },
        ..dml::Wish::new(status)
    };
    let lead = SfId::parse(lead.trim()).unwrap_or(SfId::MIN);
    let made = dml::convert(org, actor, lead, &wish)?;
    let opportunity = match made.opportunity_id {
        Some(id) => format!("<opportunityId>{id}</opportunityId>"),
        None => "<opportunityId xsi:nil=\"true\"/>".to_owned(),
    };
    Ok(format!(
        "<accountId>{}</accountId><contactId>{}</contactId><leadId>{lead}</leadId>{opportunity}",
        made.account_id, made.contact_id
    ))
}

/// Whether a status is one of converted leads.
fn converts(org: &Org, status: &str) -> bool {
    let Some(object) = org.schema.object("LeadStatus") else {
        return false;
    };
    org.table(object).each().any(|(_, record)| {
        let named = org.value(object, record, "ApiName") == Ref::Text(status);
        named && org.value(object, record, "IsConverted") == Ref::Bool(true)
    })
}

fn merge(org: &mut Org, actor: &dml::Actor, xml: &str) -> Result<String, Fail> {
    let master = element(xml, "Id").unwrap_or_default();
    let (object, row) = find(org, &master)?;
    let ids = elements(xml, "recordToMergeIds");
    let mut losers = Vec::with_capacity(ids.len());
    for id in &ids {
        let (other, row) = find(org, id)?;
        if other != object {
            return Err(Fail::new(
                "INVALID_TYPE",
                "records of one object can be merged",
            ));
        }
        losers.push(row);
    }
    dml::merge(org, actor, object, row, &losers)?;
    let merged: String = ids
        .iter()
        .map(|id| format!("<mergedRecordIds>{}</mergedRecordIds>", escape(id)))
        .collect();
    Ok(format!("<id>{}</id>{merged}", escape(&master)))
}

/// A refusal of a session, as the data API words it.
pub const NO_SESSION: (&str, &str) = (
    "INVALID_SESSION_ID",
    "Invalid Session ID found in SessionHeader: Illegal Session",
);
