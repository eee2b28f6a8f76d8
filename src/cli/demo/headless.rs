//! The demo without a console: every step done, printed, and checked.
//!
//! Invariant: it ends well only if both sides hold what the story says they should.

use std::io::Write;

use serde_json::{Value as Json, json};

use super::super::out::Out;
use super::super::say;
use super::super::session::ask;
use super::place::Place;
use super::steps::{Steps, same};
use super::story::{self, Pick, Story};
use super::verify;
use crate::domain::conflict::Choice;
use crate::domain::run::{Counts, RunState};
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::command::{Command, Decide, Page, RecordKey, RetryScope, WriteScope};
use crate::engine::notice::Reply;
use crate::engine::view::{ConflictDetail, RunDetail};
use crate::error::{Error, Kind, Result};

/// Does what a person would do in the console, and checks it.
///
/// # Errors
/// When something cannot be done, or is not as it should be.
pub async fn run<W: Write>(
    place: &mut Place,
    story: &Story,
    steps: &mut Steps,
    out: &mut Out<W>,
) -> Result<()> {
    rules_decided(place, story).await?;
    steps.done(place, out, "rules decided: newest, Salesforce, App, filled")?;
    decide(place, story).await?;
    steps.done(
        place,
        out,
        "decided by App, Salesforce, base, typing, merge, delete",
    )?;
    let ends = write(place).await?;
    let sum = sum(&ends);
    let text = format!(
        "wrote them: {} to Salesforce, {} to the App",
        sum.pushed, sum.pulled
    );
    steps.done(place, out, &text)?;
    decided_arrived(place, story).await?;
    steps.done(place, out, "each decision has arrived on both sides")?;
    retry(place, story).await?;
    steps.done(
        place,
        out,
        "the rule that refused a lead is off; its retry arrived",
    )?;
    let ends = place.sync().await?;
    let last = self::sum(&ends);
    same("records failed in the last sync", last.failed, 0)?;
    let ends = place.sync().await?;
    let idle = self::sum(&ends);
    same(
        "records written by a sync with nothing to do",
        idle.pushed + idle.pulled,
        0,
    )?;
    steps.done(
        place,
        out,
        "synced twice more; the second time nothing was written",
    )?;
    let compared = verify::agree(place)?;
    same("records that wait for a person", compared.waiting, 0)?;
    let text = format!("both sides agree: {compared}");
    steps.done(place, out, &text)
}

/// Signs in and imports.
///
/// # Errors
/// When that cannot be done.
pub async fn prepare<W: Write>(
    place: &mut Place,
    steps: &mut Steps,
    out: &mut Out<W>,
) -> Result<()> {
    let text = format!("sandbox org and profile in {}", place.dir().display());
    steps.done(place, out, &text)?;
    let who = place.sign_in().await?;
    let text = format!("signed in as {}", who.username);
    steps.done(place, out, &text)?;
    let ends = place.sync().await?;
    for end in &ends {
        same(
            "the state of the import",
            end.run.state,
            RunState::Succeeded,
        )?;
    }
    let counts = sum(&ends);
    let text = format!(
        "imported {} of {}, left out {} deleted",
        say::some(counts.created, "record", "records"),
        say::some(ends.len() as u64, "object", "objects"),
        say::number(counts.read - counts.created)
    );
    steps.done(place, out, &text)?;
    let compared = verify::agree(place)?;
    let text = format!("compared {compared}: all the same");
    steps.done(place, out, &text)
}

/// Lets people edit on both sides, and syncs.
///
/// # Errors
/// When the sync does not find what it should.
pub async fn edits<W: Write>(
    place: &mut Place,
    steps: &mut Steps,
    out: &mut Out<W>,
) -> Result<Story> {
    let story = story::happen(place).await?;
    steps.done(
        place,
        out,
        "people edited on both sides, made and deleted records",
    )?;
    let ends = place.sync().await?;
    let counts = sum(&ends);
    let text = format!(
        "synced: {} in, {} out, {}, {} refused",
        counts.pulled,
        counts.pushed,
        say::some(counts.conflicts, "conflict", "conflicts"),
        counts.failed
    );
    steps.done(place, out, &text)?;
    same(
        "records with conflicts",
        open(place).await?,
        Story::CONFLICTS,
    )?;
    same("records refused", counts.failed, 1)?;
    Ok(story)
}

/// All runs together.
fn sum(ends: &[RunDetail]) -> Counts {
    let mut sum = Counts::default();
    for Counts {
        read,
        pulled,
        pushed,
        created,
        conflicts,
        failed,
        ..
    } in ends.iter().map(|end| end.run.counts)
    {
        sum.read += read;
        sum.pulled += pulled;
        sum.pushed += pushed;
        sum.created += created;
        sum.conflicts += conflicts;
        sum.failed += failed;
    }
    sum
}

async fn open(place: &mut Place) -> Result<u64> {
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let list = ask!(place.session, Command::Conflicts { filter: String::new(), page }, Reply::Conflicts(list) => list);
    Ok(list.total)
}

/// Checks one field on both sides.
async fn both(place: &mut Place, pick: &Pick, fields: (&str, &str), should: &str) -> Result<()> {
    let app = place.app(&pick.key).await?;
    let in_app = app
        .fields
        .get(fields.0)
        .map(Value::to_string)
        .unwrap_or_default();
    same(
        &format!("App {} of {}", fields.0, pick.id),
        in_app.as_str(),
        should,
    )?;
    let there = crm(place, &pick.id, fields.1)?;
    let text = format!("Salesforce {} of {}", fields.1, pick.id);
    same(&text, there.as_str().unwrap_or_default(), should)
}

fn crm(place: &Place, id: &str, field: &str) -> Result<Json> {
    let record = place.org().get(id).map_err(story::refused)?;
    Ok(record[field].clone())
}

async fn rules_decided(place: &mut Place, story: &Story) -> Result<()> {
    both(place, &story.newest, ("phone", "Phone"), "+1 415 555 0100").await?;
    both(place, &story.crm_wins, ("industry", "Industry"), "Banking").await?;
    let tier = place
        .app(&story.app_wins.key)
        .await?
        .fields
        .get("tier")
        .cloned();
    same("App tier", tier, Some(Value::text("gold")))?;
    same(
        "Salesforce tier",
        crm(place, &story.app_wins.id, "Tier__c")?,
        json!("Gold"),
    )?;
    both(
        place,
        &story.filled,
        ("website", "Website"),
        "https://new.example.com",
    )
    .await?;
    both(
        place,
        &story.from_app,
        ("phone", "Phone"),
        "+47 22 00 00 02",
    )
    .await?;
    both(
        place,
        &story.from_crm,
        ("name", "Name"),
        "Renamed In Salesforce AS",
    )
    .await?;
    made(place, story)
}

/// The records made in the App are in Salesforce, once, and the contact has its account.
fn made(place: &Place, story: &Story) -> Result<()> {
    let mut ids = Vec::new();
    for key in &story.made {
        let link = place.state.link(&key.pair, &key.app_id)?;
        let id = link.and_then(|l| l.crm_id).ok_or_else(|| {
            Error::new(
                Kind::Internal,
                format!("{} {} was not made in Salesforce", key.pair, key.app_id),
            )
        })?;
        ids.push(id.to_string());
    }
    same(
        "the account of the new contact",
        crm(place, &ids[1], "AccountId")?,
        json!(ids[0]),
    )?;
    let soql = "SELECT Id FROM Account WHERE Name = 'Fjord Analytics'";
    let found = place.org().query(soql).map_err(story::refused)?;
    same("accounts made", found["totalSize"].clone(), json!(1))
}

async fn conflict(place: &mut Place, key: &RecordKey) -> Result<ConflictDetail> {
    let command = Command::Conflict { key: key.clone() };
    let detail = ask!(place.session, command, Reply::Conflict(detail) => detail);
    detail.map(|d| *d).ok_or_else(|| {
        Error::new(
            Kind::Internal,
            format!("{} has no open conflict", key.app_id),
        )
    })
}

/// Decides one field of a record, or the record as a whole.
async fn take(
    place: &mut Place,
    key: &RecordKey,
    field: Option<&str>,
    choice: Choice,
) -> Result<()> {
    let detail = conflict(place, key).await?;
    let found = match field {
        Some(name) => detail
            .fields
            .iter()
            .find(|f| f.app_label == name)
            .and_then(|f| Some((f.conflict?, f.fp))),
        None => detail.record.map(|r| (r.conflict.id, r.conflict.fp)),
    };
    let Some((conflict, fp)) = found else {
        let what = field.unwrap_or("the record");
        return Err(Error::new(
            Kind::Internal,
            format!("{what} of {} is not in conflict", detail.name),
        ));
    };
    let decisions = vec![Decide {
        conflict,
        fp,
        choice: Some(choice),
    }];
    let done = ask!(place.session, Command::Decide { decisions }, Reply::Decided(done) => done);
    same("decisions refused", done.refused, Vec::new())
}

fn typed(text: &str) -> Choice {
    Choice::Typed {
        side: Side::App,
        cell: vec![Value::text(text)],
    }
}

const TYPED: &str = "Northwind Group";
const MERGED: &str =
    "Met in Oslo.\nWants a quote for 40 seats.\nBudget is approved.\nCall back in April.";

async fn decide(place: &mut Place, story: &Story) -> Result<()> {
    let choices = [
        Choice::Take(Side::App),
        Choice::Take(Side::Crm),
        Choice::Base,
        typed(TYPED),
    ];
    for (pick, choice) in story.names.iter().zip(choices) {
        take(place, &pick.key, Some("name"), choice).await?;
    }
    let merge = &story.merge.key;
    take(place, merge, Some("name"), Choice::Take(Side::App)).await?;
    take(place, merge, Some("description"), typed(MERGED)).await?;
    take(
        place,
        &story.lead.key,
        Some("contactEmail"),
        Choice::Take(Side::Crm),
    )
    .await?;
    take(place, &story.gone.key, None, Choice::Take(Side::Crm)).await
}

async fn write(place: &mut Place) -> Result<Vec<RunDetail>> {
    let scope = WriteScope::All;
    let command = Command::Preview {
        scope: scope.clone(),
    };
    let preview = ask!(place.session, command, Reply::Preview(preview) => preview);
    same(
        "decisions that cannot be written",
        preview.refused,
        Vec::new(),
    )?;
    let hash = preview.hash;
    let runs = ask!(place.session, Command::Write { scope, hash }, Reply::Started(runs) => runs);
    let ends = place.ends(runs).await?;
    same(
        "records with conflicts after writing",
        open(place).await?,
        0,
    )?;
    Ok(ends)
}

async fn decided_arrived(place: &mut Place, story: &Story) -> Result<()> {
    let names = [
        "Northwind Trading 0",
        "Northwind Holdings 1",
        &story.base,
        TYPED,
    ];
    for (pick, name) in story.names.iter().zip(names) {
        both(place, pick, ("name", "Name"), name).await?;
    }
    both(
        place,
        &story.merge,
        ("name", "Name"),
        "Blue Harbour Logistics",
    )
    .await?;
    both(place, &story.merge, ("description", "Description"), MERGED).await?;
    both(place, &story.merge, ("type", "Type"), "Other").await?;
    let email = ("contactEmail", "Email");
    both(place, &story.lead, email, "kari.crm@example.com").await
}

async fn retry(place: &mut Place, story: &Story) -> Result<()> {
    let org = place.org();
    org.remove_rule("Phone_Without_Letters");
    let page = Page {
        offset: 0,
        limit: 50,
    };
    let runs = ask!(place.session, Command::Runs { pair: None, filter: String::new(), page }, Reply::Runs(runs) => runs);
    let failed = runs.rows.iter().find(|row| row.run.counts.failed > 0);
    let run = failed
        .map(|row| row.run.id)
        .ok_or_else(|| Error::new(Kind::Internal, "no run says that a record was refused"))?;
    let command = Command::Retry {
        run,
        scope: RetryScope::All,
    };
    let runs = ask!(place.session, command, Reply::Started(runs) => runs);
    let ends = place.ends(runs).await?;
    same("records refused again", sum(&ends).failed, 0)?;
    both(
        place,
        &story.refused,
        ("contactPhone", "Phone"),
        "ask at the desk",
    )
    .await
}
