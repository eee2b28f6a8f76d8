//! What happens in the demo between two syncs: people edit on both sides.
//!
//! The same story every time. Invariant: each part uses records of its own, so that what becomes
//! of one does not depend on the others.

use serde_json::{Map, Value as Json, json};

use super::super::session::ask;
use super::place::Place;
use crate::domain::id::{AppId, PairName};
use crate::domain::value::{Fields, Value};
use crate::engine::command::{Command, RecordKey};
use crate::engine::notice::Reply;
use crate::error::{Error, Kind, Result};
use crate::sandbox::{By, Fail};

/// Seconds between the edits of both sides: more than both clocks may err.
const AHEAD: i64 = 30;

/// A record on both sides.
#[derive(Debug, Clone)]
pub struct Pick {
    /// CRM id, 18 characters.
    pub id: String,
    /// App record.
    pub key: RecordKey,
}

/// Who changed what.
#[derive(Debug)]
pub struct Story {
    /// Accounts whose names both sides changed: App, Salesforce, base, typed.
    pub names: [Pick; 4],
    /// The name the third of them had before.
    pub base: String,
    /// An account with a name and a description to merge field by field.
    pub merge: Pick,
    /// Phone: the newest wins, which is Salesforce's.
    pub newest: Pick,
    /// Industry: Salesforce wins.
    pub crm_wins: Pick,
    /// Tier: the App wins.
    pub app_wins: Pick,
    /// Web site: the filled one wins, which is the App's.
    pub filled: Pick,
    /// Only the App changed it.
    pub from_app: Pick,
    /// Only Salesforce changed it.
    pub from_crm: Pick,
    /// A lead whose new phone number the org refuses.
    pub refused: Pick,
    /// A lead whose e-mail address both sides changed.
    pub lead: Pick,
    /// A contact that was deleted in Salesforce and edited in the App.
    pub gone: Pick,
    /// An account and its contact, made in the App.
    pub made: [RecordKey; 2],
}

impl Story {
    /// Records that a person has to decide on.
    pub const CONFLICTS: u64 = 7;
}

/// Lets it happen.
///
/// # Errors
/// When a record is not as the seed should have made it.
pub async fn happen(place: &mut Place) -> Result<Story> {
    let accounts = picks(
        place,
        "accounts",
        "SELECT Id FROM Account ORDER BY Id LIMIT 12",
    )?;
    let leads = picks(
        place,
        "leads",
        "SELECT Id FROM Lead WHERE IsConverted = false AND Email != null ORDER BY Id LIMIT 4",
    )?;
    let contacts = picks(
        place,
        "contacts",
        "SELECT Id FROM Contact WHERE Email != null ORDER BY Id DESC LIMIT 1",
    )?;
    let [
        a,
        b,
        c,
        d,
        merge,
        newest,
        crm_wins,
        app_wins,
        filled,
        from_app,
        from_crm,
        ..,
    ] = accounts.as_slice()
    else {
        return Err(few("accounts"));
    };
    let [refused, lead, ..] = leads.as_slice() else {
        return Err(few("leads"));
    };
    let [gone, ..] = contacts.as_slice() else {
        return Err(few("contacts"));
    };
    let account = make_account(place).await?;
    let contact = make_contact(place, &account).await?;
    let story = Story {
        names: [a.clone(), b.clone(), c.clone(), d.clone()],
        base: name_of(place, c).await?,
        merge: merge.clone(),
        newest: newest.clone(),
        crm_wins: crm_wins.clone(),
        app_wins: app_wins.clone(),
        filled: filled.clone(),
        from_app: from_app.clone(),
        from_crm: from_crm.clone(),
        refused: refused.clone(),
        lead: lead.clone(),
        gone: gone.clone(),
        made: [account, contact],
    };
    in_the_app(place, &story).await?;
    in_salesforce(place, &story)?;
    Ok(story)
}

async fn name_of(place: &mut Place, pick: &Pick) -> Result<String> {
    let app = place.app(&pick.key).await?;
    Ok(app
        .fields
        .get("name")
        .map(Value::to_string)
        .unwrap_or_default())
}

fn few(what: &str) -> Error {
    Error::new(
        Kind::Internal,
        format!("the sandbox org has too few {what}"),
    )
}

fn picks(place: &Place, pair: &str, soql: &str) -> Result<Vec<Pick>> {
    let answer = place.org().query(soql).map_err(refused)?;
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    records
        .iter()
        .map(|record| {
            let id = record["Id"].as_str().unwrap_or_default().to_owned();
            Ok(Pick {
                key: place.key(pair, &id)?,
                id,
            })
        })
        .collect()
}

/// A refusal of the org's own people, which the story does not expect.
pub fn refused(fail: Fail) -> Error {
    Error::new(
        Kind::Internal,
        "the sandbox org refused what its own people did",
    )
    .caused_by(Error::from(fail))
}

async fn in_the_app(place: &mut Place, story: &Story) -> Result<()> {
    for (number, pick) in story.names.iter().enumerate() {
        edit(place, pick, "name", &format!("Northwind Trading {number}")).await?;
    }
    edit(place, &story.merge, "name", "Blue Harbour Logistics").await?;
    let text = "Met in Oslo.\nWants a quote for 40 seats.\nCall back in March.";
    edit(place, &story.merge, "description", text).await?;
    edit(place, &story.newest, "phone", "+47 22 00 00 01").await?;
    edit(place, &story.crm_wins, "industry", "Energy").await?;
    edit(place, &story.app_wins, "tier", "gold").await?;
    edit(place, &story.filled, "website", "https://new.example.com").await?;
    edit(place, &story.from_app, "phone", "+47 22 00 00 02").await?;
    edit(place, &story.refused, "contactPhone", "ask at the desk").await?;
    edit(place, &story.lead, "contactEmail", "kari.app@example.com").await?;
    edit(place, &story.gone, "title", "Head of Purchasing").await
}

fn in_salesforce(place: &Place, story: &Story) -> Result<()> {
    let org = place.org();
    place.pass(AHEAD);
    for (number, pick) in story.names.iter().enumerate() {
        let name = format!("Northwind Holdings {number}");
        change(place, pick, json!({ "Name": name }))?;
    }
    let text = "Met in Oslo.\nBudget is approved.\nCall back in April.";
    let merged = json!({ "Name": "Blue Harbor Inc", "Description": text, "Type": "Other" });
    change(place, &story.merge, merged)?;
    change(place, &story.newest, json!({ "Phone": "+1 415 555 0100" }))?;
    change(place, &story.crm_wins, json!({ "Industry": "Banking" }))?;
    change(place, &story.app_wins, json!({ "Tier__c": "Bronze" }))?;
    change(place, &story.filled, json!({ "Website": null }))?;
    change(
        place,
        &story.from_crm,
        json!({ "Name": "Renamed In Salesforce AS" }),
    )?;
    change(
        place,
        &story.lead,
        json!({ "Email": "kari.crm@example.com" }),
    )?;
    org.delete(By::Colleague, &story.gone.id).map_err(refused)?;
    // A guarded write needs an observation that is older than the last edit by the settle time.
    place.pass(AHEAD);
    Ok(())
}

/// Changes an App record as the person at the console would.
pub async fn edit(place: &mut Place, pick: &Pick, field: &str, text: &str) -> Result<()> {
    let fields: Fields = [(field.into(), Value::text(text))].into();
    place.edit(&pick.key, fields).await
}

fn change(place: &Place, pick: &Pick, fields: Json) -> Result<()> {
    let fields: Map<String, Json> = fields.as_object().cloned().unwrap_or_default();
    place
        .org()
        .update(By::Colleague, &pick.id, &fields)
        .map_err(refused)
}

async fn make_account(place: &mut Place) -> Result<RecordKey> {
    let fields = [
        ("name".into(), Value::text("Fjord Analytics")),
        ("website".into(), Value::text("https://fjord.example.com")),
    ];
    make(place, "accounts", fields.into()).await
}

async fn make_contact(place: &mut Place, account: &RecordKey) -> Result<RecordKey> {
    let fields = [
        ("account_id".into(), Value::text(account.app_id.as_str())),
        ("first_name".into(), Value::text("Ingrid")),
        ("last_name".into(), Value::text("Solheim")),
        ("email".into(), Value::text("ingrid@fjord.example.com")),
    ];
    make(place, "contacts", fields.into()).await
}

async fn make(place: &mut Place, pair: &str, fields: Fields) -> Result<RecordKey> {
    let pair = PairName::new(pair);
    let command = Command::CreateRecord {
        pair: pair.clone(),
        fields,
    };
    let made = ask!(place.session, command, Reply::Created(made) => made);
    let app_id: AppId = made.app_id;
    Ok(RecordKey { pair, app_id })
}
