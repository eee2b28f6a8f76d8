//! Lead conversion (salesforce-api 2.11): a lead becomes an account and a contact, and an
//! opportunity if it is wanted.
//!
//! Invariant: records that were there before keep what they say; only what they do not say is
//! taken from the lead.

use serde_json::{Value as Json, json};

use super::{Actor, Body, create, derive, live, update};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::{Org, Record, Row},
    schema::ObjIx,
    time::{DAY, write_date},
    value::{Ref, Value},
};

/// What a lead became.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Conversion {
    pub account_id: String,
    pub contact_id: String,
    pub opportunity_id: Option<String>,
}

/// What a lead is to become.
#[derive(Debug, Clone)]
pub struct Wish {
    pub status: String,
    /// Records that are there; none: new ones.
    pub account: Option<SfId>,
    pub contact: Option<SfId>,
    /// The name of an opportunity; none: no opportunity.
    pub opportunity: Option<String>,
    /// Who owns what is made; none: who owns the lead.
    pub owner: Option<SfId>,
    pub source: Source,
}

impl Wish {
    /// New records with a status.
    pub fn new(status: impl Into<String>) -> Self {
        Self {
            status: status.into(),
            account: None,
            contact: None,
            opportunity: None,
            owner: None,
            source: Source::Keep,
        }
    }
}

/// Whether the source of an existing contact is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Keep,
    Overwrite,
}

fn unknown() -> Fail {
    Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").status(404)
}

/// Converts a lead.
pub fn convert(
    org: &mut Org,
    actor: &Actor,
    lead_id: SfId,
    wish: &Wish,
) -> Result<Conversion, Fail> {
    let lead = object_named(org, "Lead")?;
    let Some((_, row)) = org.find(lead_id).filter(|(object, _)| *object == lead) else {
        return Err(unknown());
    };
    let source = live(org, lead, row)?.clone();
    if org.value(lead, &source, "IsConverted") == Ref::Bool(true) {
        return Err(Fail::new(
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "cannot reference converted lead",
        ));
    }
    let mark = org.savepoint();
    let converted = records(org, actor, lead, &source, wish)
        .and_then(|made| close(org, actor, lead, row, wish, made));
    if converted.is_err() {
        org.rollback(mark);
    }
    converted
}

fn object_named(org: &Org, name: &str) -> Result<ObjIx, Fail> {
    org.schema.object(name).ok_or_else(|| Fail::no_type(name))
}

/// Account, contact and opportunity of a lead.
type Made = (SfId, SfId, Option<SfId>);

fn records(
    org: &mut Org,
    actor: &Actor,
    lead: ObjIx,
    source: &Record,
    wish: &Wish,
) -> Result<Made, Fail> {
    let text = |org: &Org, field: &str| {
        let value = org.value(lead, source, field).as_text();
        value.map_or(Json::Null, Json::from)
    };
    let owner = org.value(lead, source, "OwnerId").as_id();
    let person = |id: &SfId| id.prefix() == *b"005";
    let owner = wish.owner.or(owner.filter(person)).unwrap_or(actor.user);
    let owner = json!(owner.to_string());
    let account = object_named(org, "Account")?;
    let [company, phone, industry, website] =
        ["Company", "Phone", "Industry", "Website"].map(|field| text(org, field));
    let of_account =
        json!({"Name": company, "Phone": phone, "Industry": industry, "Website": website});
    let account_id = one(org, actor, account, wish.account, of_account, &owner)?;
    let contact = object_named(org, "Contact")?;
    let mut of_contact = json!({"AccountId": account_id.to_string()});
    for field in [
        "FirstName",
        "LastName",
        "Email",
        "Phone",
        "Title",
        "LeadSource",
    ] {
        of_contact[field] = text(org, field);
    }
    let origin = of_contact["LeadSource"].clone();
    let contact_id = one(org, actor, contact, wish.contact, of_contact, &owner)?;
    if wish.source == Source::Overwrite
        && wish.contact.is_some()
        && let Some((_, row)) = org.find(contact_id)
    {
        update(
            org,
            actor,
            contact,
            row,
            &fields(json!({ "LeadSource": origin })),
        )?;
    }
    let deal_id = match &wish.opportunity {
        None => None,
        Some(name) => {
            let mut close = Vec::new();
            write_date(&mut close, (actor.now / DAY) as i32 + 90);
            let deal = json!({
                "Name": name, "StageName": derive::STAGES[0].name, "AccountId": account_id.to_string(),
                "CloseDate": String::from_utf8(close).unwrap_or_default(),
            });
            let object = object_named(org, "Opportunity")?;
            Some(one(org, actor, object, None, deal, &owner)?)
        }
    };
    Ok((account_id, contact_id, deal_id))
}

/// A new record, or one that is there with what it does not say filled in.
fn one(
    org: &mut Org,
    actor: &Actor,
    object: ObjIx,
    given: Option<SfId>,
    mut body: Json,
    owner: &Json,
) -> Result<SfId, Fail> {
    let Some(id) = given else {
        body["OwnerId"] = owner.clone();
        return create(org, actor, object, &fields(body));
    };
    let Some((_, row)) = org.find(id).filter(|(found, _)| *found == object) else {
        return Err(unknown());
    };
    let known = live(org, object, row)?;
    let mut new = fields(body);
    new.retain(|name, value| !value.is_null() && org.value(object, known, name).is_null());
    if !new.is_empty() {
        update(org, actor, object, row, &new)?;
    }
    Ok(id)
}

/// Marks the lead as converted.
fn close(
    org: &mut Org,
    actor: &Actor,
    lead: ObjIx,
    row: Row,
    wish: &Wish,
    (account, contact, deal): Made,
) -> Result<Conversion, Fail> {
    update(
        org,
        actor,
        lead,
        row,
        &fields(json!({ "Status": wish.status })),
    )?;
    let mut record = live(org, lead, row)?.clone();
    for (name, value) in [
        ("IsConverted", Value::Bool(true)),
        ("ConvertedDate", Value::Date((actor.now / DAY) as i32)),
        ("ConvertedAccountId", Value::Id(account)),
        ("ConvertedContactId", Value::Id(contact)),
        (
            "ConvertedOpportunityId",
            deal.map_or(Value::Null, Value::Id),
        ),
    ] {
        if let Some(ix) = org.schema.at(lead).field(name) {
            record.set(ix, value);
        }
    }
    org.put(lead, row, Some(record));
    Ok(Conversion {
        account_id: account.to_string(),
        contact_id: contact.to_string(),
        opportunity_id: deal.map(|id| id.to_string()),
    })
}

fn fields(body: Json) -> Body {
    match body {
        Json::Object(map) => map,
        _ => Body::new(),
    }
}
