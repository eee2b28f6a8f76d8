//! The ways a record ends or comes back: delete, undelete, hard delete, merge, conversion
//! (salesforce-api 2.11, 3.3).

use serde_json::{Value as Json, json};

use super::{Actor, Body, create, derive, live, take_lock, touch, update};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::{Org, Row},
    schema::{ObjIx, OnDelete},
    value::{Ref, Value},
};

/// Deletes a record softly, with the records that go with it.
pub fn delete(org: &mut Org, actor: &Actor, object: ObjIx, row: Row) -> Result<(), Fail> {
    if org.schema.at(object).setup() {
        return Err(Fail::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    let record = live(org, object, row)?.clone();
    take_lock(org, record.id)?;
    let mark = org.savepoint();
    let done = delete_children(org, actor, object, record.id);
    if done.is_err() {
        org.rollback(mark);
        return done;
    }
    let mut gone = record;
    gone.deleted = true;
    touch(&mut gone, actor);
    org.put(object, row, Some(gone));
    Ok(())
}

fn delete_children(org: &mut Org, actor: &Actor, object: ObjIx, id: SfId) -> Result<(), Fail> {
    let schema = org.schema.clone();
    for child in schema.children(object) {
        let field = schema.at(child.object).at(child.field);
        let kept = org.referring(child.object, child.field, id);
        if kept.is_empty() {
            continue;
        }
        match field.on_delete() {
            OnDelete::Cascade => {
                for row in kept {
                    // A record can hang on the deleted one twice, and then is gone already.
                    if org.table(child.object).row(row).is_some_and(|r| !r.deleted) {
                        delete(org, actor, child.object, row)?;
                    }
                }
            }
            OnDelete::Restrict => {
                let names: Vec<String> = kept
                    .iter()
                    .take(5)
                    .filter_map(|row| org.table(child.object).row(*row))
                    .map(|r| name_of(org, child.object, r))
                    .collect();
                return Err(Fail::new(
                    "DELETE_FAILED",
                    format!(
                        "Your attempt to delete {} could not be completed because it is associated with the following {}.: {}\n",
                        org.record(id)
                            .map(|(o, r)| name_of(org, o, r))
                            .unwrap_or_default(),
                        schema.at(child.object).plural.to_lowercase(),
                        names.join(", ")
                    ),
                ));
            }
            OnDelete::Clear => {
                for row in kept {
                    if let Some(mut record) = org.table(child.object).row(row).cloned() {
                        record.set(child.field, Value::Null);
                        record.stamp = actor.now;
                        org.put(child.object, row, Some(record));
                    }
                }
            }
        }
    }
    Ok(())
}

fn name_of(org: &Org, object: ObjIx, record: &crate::sandbox::org::Record) -> String {
    org.schema
        .at(object)
        .name_field()
        .and_then(|ix| record.cell(ix).as_text().map(str::to_owned))
        .unwrap_or_default()
}

/// Brings a deleted record back with a new time stamp.
pub fn undelete(org: &mut Org, actor: &Actor, object: ObjIx, row: Row) -> Result<(), Fail> {
    let Some(record) = org.table(object).row(row) else {
        return Err(Fail::not_found());
    };
    if !record.deleted {
        return Err(Fail::new(
            "UNDELETE_FAILED",
            "entity is not in the recycle bin",
        ));
    }
    let mut back = record.clone();
    back.deleted = false;
    if let Some(master) = org.schema.at(object).field("MasterRecordId") {
        back.set(master, Value::Null);
    }
    touch(&mut back, actor);
    super::check(org, object, &back, None)?;
    org.put(object, row, Some(back));
    Ok(())
}

/// Removes a record for good, as emptying the recycle bin does.
pub fn hard_delete(org: &mut Org, object: ObjIx, row: Row) -> Result<(), Fail> {
    if org.table(object).row(row).is_none() {
        return Err(Fail::not_found());
    }
    org.put(object, row, None);
    Ok(())
}

/// Merges up to two losers into a survivor: they become deleted and point to it, and what hung on
/// them hangs on it.
pub fn merge(
    org: &mut Org,
    actor: &Actor,
    object: ObjIx,
    master: Row,
    losers: &[Row],
) -> Result<(), Fail> {
    let schema = org.schema.clone();
    if !schema.at(object).mergeable()
        || losers.is_empty()
        || losers.len() > 2
        || losers.contains(&master)
    {
        return Err(Fail::new(
            "INVALID_FIELD",
            "merge takes one survivor and one or two other records",
        ));
    }
    let survivor = live(org, object, master)?.id;
    for row in losers {
        live(org, object, *row)?;
    }
    for row in losers {
        let mut loser = live(org, object, *row)?.clone();
        for child in schema.children(object) {
            let field = schema.at(child.object).at(child.field);
            if field.name == "MasterRecordId" {
                continue;
            }
            for row in org.referring(child.object, child.field, loser.id) {
                if let Some(mut record) = org.table(child.object).row(row).cloned() {
                    record.set(child.field, Value::Id(survivor));
                    record.stamp = actor.now;
                    org.put(child.object, row, Some(record));
                }
            }
        }
        loser.deleted = true;
        if let Some(ix) = schema.at(object).field("MasterRecordId") {
            loser.set(ix, Value::Id(survivor));
        }
        touch(&mut loser, actor);
        org.put(object, *row, Some(loser));
    }
    if let Some(mut survivor) = org.table(object).row(master).cloned() {
        touch(&mut survivor, actor);
        org.put(object, master, Some(survivor));
    }
    Ok(())
}

/// What a lead became.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Conversion {
    pub account_id: String,
    pub contact_id: String,
    pub opportunity_id: Option<String>,
}

/// Converts a lead into an account and a contact, and an opportunity when it gets a name.
pub fn convert(
    org: &mut Org,
    actor: &Actor,
    lead_id: SfId,
    status: &str,
    opportunity: Option<&str>,
) -> Result<Conversion, Fail> {
    let schema = org.schema.clone();
    let no = |name: &str| Fail::no_type(name);
    let [lead, account, contact, deal] = ["Lead", "Account", "Contact", "Opportunity"]
        .map(|n| schema.object(n).ok_or_else(|| no(n)));
    let (lead, account, contact, deal) = (lead?, account?, contact?, deal?);
    let Some((object, row)) = org.find(lead_id).filter(|(o, _)| *o == lead) else {
        return Err(
            Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").status(404),
        );
    };
    let source = live(org, object, row)?.clone();
    if org.value(lead, &source, "IsConverted") == Ref::Bool(true) {
        return Err(Fail::new(
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "cannot reference converted lead",
        ));
    }
    let mark = org.savepoint();
    let converted = (|| {
        let text = |field: &str| {
            org.value(lead, &source, field)
                .as_text()
                .map_or(Json::Null, Json::from)
        };
        let owner = org.value(lead, &source, "OwnerId").as_id();
        let owner = owner
            .filter(|id| id.prefix() == *b"005")
            .unwrap_or(actor.user)
            .to_string();
        let (company, first, last, email, phone) = (
            text("Company"),
            text("FirstName"),
            text("LastName"),
            text("Email"),
            text("Phone"),
        );
        let (title, origin) = (text("Title"), text("LeadSource"));
        let (industry, website) = (text("Industry"), text("Website"));
        let account_id = create(
            org,
            actor,
            account,
            &fields(json!({
                "Name": company, "Phone": phone, "Industry": industry, "Website": website, "OwnerId": owner,
            })),
        )?;
        let contact_id = create(
            org,
            actor,
            contact,
            &fields(json!({
                "FirstName": first, "LastName": last, "Email": email, "Phone": phone, "Title": title,
                "LeadSource": origin, "AccountId": account_id.to_string(), "OwnerId": owner,
            })),
        )?;
        let deal_id = match opportunity {
            None => None,
            Some(name) => {
                let mut close = Vec::new();
                crate::sandbox::time::write_date(
                    &mut close,
                    (actor.now / crate::sandbox::time::DAY) as i32 + 90,
                );
                Some(create(
                    org,
                    actor,
                    deal,
                    &fields(json!({
                        "Name": name, "StageName": derive::STAGES[0].name, "AccountId": account_id.to_string(),
                        "CloseDate": String::from_utf8(close).unwrap_or_default(), "OwnerId": owner,
                    })),
                )?)
            }
        };
        update(org, actor, lead, row, &fields(json!({ "Status": status })))?;
        let mut record = live(org, lead, row)?.clone();
        let made = [
            ("IsConverted", Value::Bool(true)),
            (
                "ConvertedDate",
                Value::Date((actor.now / crate::sandbox::time::DAY) as i32),
            ),
            ("ConvertedAccountId", Value::Id(account_id)),
            ("ConvertedContactId", Value::Id(contact_id)),
            (
                "ConvertedOpportunityId",
                deal_id.map_or(Value::Null, Value::Id),
            ),
        ];
        for (name, value) in made {
            if let Some(ix) = schema.at(lead).field(name) {
                record.set(ix, value);
            }
        }
        org.put(lead, row, Some(record));
        Ok(Conversion {
            account_id: account_id.to_string(),
            contact_id: contact_id.to_string(),
            opportunity_id: deal_id.map(|id| id.to_string()),
        })
    })();
    if converted.is_err() {
        org.rollback(mark);
    }
    converted
}

fn fields(body: Json) -> Body {
    match body {
        Json::Object(map) => map,
        _ => Body::new(),
    }
}
