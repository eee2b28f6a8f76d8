//! `syncdeck records set`, `create`, `delete`, `hand-over`: one App record changed.
//!
//! Values are held to what the App's table and Salesforce take, as in the console's form, before
//! anything is sent to the engine. An edit carries the revision that was read. Invariant: all
//! values of one command are taken, or none.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::ask::{Answer, Consent};
use crate::cli::out::{Out, note, shown};
use crate::cli::say;
use crate::cli::session::{Session, ask, key_text, record_key};
use crate::domain::form::{FieldSpec, Occasion};
use crate::domain::id::{AppId, FieldName, PairName};
use crate::domain::text::nearest;
use crate::domain::value::{Fields, Value};
use crate::engine::command::{Command, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::RecordFormView;
use crate::error::{Error, Kind, Result};

/// Arguments of `records set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// Fields and their new values
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub fields: Vec<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Pair
    pub pair: String,
    /// Fields and their values
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub fields: Vec<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records hand-over`.
#[derive(Debug, Args)]
pub struct HandOverArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// The new owner: name or e-mail address of an active user of the org
    #[arg(long, value_name = "USER")]
    pub owner: String,
    /// The new status or stage, as the App calls it
    #[arg(long, value_name = "VALUE")]
    pub status: Option<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Changes fields of a record.
///
/// # Errors
/// When a value is not taken, or somebody changed the record meanwhile.
pub async fn set<W: Write>(
    session: &mut Session,
    args: SetArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let view = form(session, &args.record.pair, Some(&args.record.app_id)).await?;
    let fields = typed(&view, &args.fields, Occasion::Edit)?;
    let text = format!("{} set", say::some(fields.len() as u64, "field", "fields"));
    edit(session, &args.record, view.rev, fields.clone()).await?;
    warn(&view, &fields, Occasion::Edit);
    done(out, args.json, &args.record, "changed", &fields, &text)
}

/// Makes a record.
///
/// # Errors
/// When a value is not taken, or one that Salesforce needs is not given.
pub async fn create<W: Write>(
    session: &mut Session,
    args: CreateArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = PairName::new(args.pair);
    let view = form(session, &pair, None).await?;
    let fields = typed(&view, &args.fields, Occasion::Create)?;
    for field in &view.fields {
        if !fields.contains_key(&field.spec.name)
            && let Err(why) = field.spec.check(Value::Null, Occasion::Create)
        {
            return Err(not_taken(&field.spec, &why));
        }
    }
    let command = Command::CreateRecord {
        pair: pair.clone(),
        fields: fields.clone(),
    };
    let app_id = ask!(session, command, Reply::Created(c) => c.app_id);
    let key = RecordKey { pair, app_id };
    let text = key_text(&key);
    warn(&view, &fields, Occasion::Create);
    done(out, args.json, &key, "created", &fields, &text)
}

/// Deletes a record, after consent.
///
/// # Errors
/// When it is gone, or somebody changed it meanwhile.
pub async fn delete<W: Write>(
    session: &mut Session,
    args: DeleteArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let detail = super::detail(session, &args.record).await?;
    let rev = super::revision(&detail)?;
    let question = format!("Delete {} in the App?", shown(&detail.name));
    let key = args.record;
    if args.consent.ask(&question).await? == Answer::No {
        done(
            out,
            args.json,
            &key,
            "nothing",
            &Fields::new(),
            "nothing was deleted",
        )?;
        return Ok(Outcome::NeedsPerson);
    }
    let command = Command::DeleteRecords {
        pair: key.pair.clone(),
        records: vec![(key.app_id.clone(), rev)],
    };
    let acted = ask!(session, command, Reply::Acted(acted) => acted);
    let Some((_, rev)) = acted.done.first() else {
        let why = acted.refused.into_iter().next().map(|refused| refused.why);
        return Err(Error::new(Kind::Changed, why.unwrap_or_default()));
    };
    let back = format!("syncdeck records restore {} {rev}", key_text(&key));
    if args.json {
        out.json(&json!({ "record": key_text(&key), "did": "deleted", "revision": rev }))?;
    } else {
        out.line(&format!(
            "deleted; until a sync has seen it, `{back}` brings it back"
        ))?;
    }
    Ok(Outcome::Fine)
}

/// Changes owner and status of a record in one act.
///
/// # Errors
/// When the mapping sends no owner, the user is not active, or the status is not taken.
pub async fn hand_over<W: Write>(
    session: &mut Session,
    args: HandOverArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let view = form(session, &args.record.pair, Some(&args.record.app_id)).await?;
    let lacks = |what: &str, crm: &str| {
        let text = format!("the mapping of `{}` sends no {what}", view.pair);
        Error::new(Kind::Usage, text).hint(format!("it needs a row that goes to {crm}"))
    };
    let mut fields = Fields::new();
    let owner = view.owner.as_ref();
    let owner = owner.ok_or_else(|| lacks("owner", "OwnerId with the step user"))?;
    take(&view, owner, &args.owner, Occasion::Edit, &mut fields)?;
    if let Some(status) = &args.status {
        let field = view.status.as_ref();
        let field = field.ok_or_else(|| lacks("status", "Status or StageName"))?;
        take(&view, field, status, Occasion::Edit, &mut fields)?;
    }
    let to = fields.get(owner).map(Value::to_string).unwrap_or_default();
    let text = format!("handed over to {}", shown(&to));
    edit(session, &args.record, view.rev, fields.clone()).await?;
    done(out, args.json, &args.record, "handed_over", &fields, &text)
}

/// What the form of a record takes; of a new one without an id.
///
/// # Errors
/// When there is no such record.
pub(super) async fn form(
    session: &mut Session,
    pair: &PairName,
    app_id: Option<&AppId>,
) -> Result<RecordFormView> {
    let command = Command::RecordForm {
        pair: pair.clone(),
        app_id: app_id.cloned(),
    };
    Ok(*ask!(session, command, Reply::RecordForm(view) => view))
}

async fn edit(session: &mut Session, key: &RecordKey, rev: u64, fields: Fields) -> Result<()> {
    let command = Command::EditRecord {
        key: key.clone(),
        rev,
        fields,
    };
    ask!(session, command, Reply::Done => ());
    Ok(())
}

/// Reads `FIELD=VALUE` texts by what the fields take.
///
/// # Errors
/// A field is not known, or does not take its value.
pub(super) fn typed(view: &RecordFormView, texts: &[String], occasion: Occasion) -> Result<Fields> {
    let mut fields = Fields::new();
    for text in texts {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Error::new(Kind::Usage, "a change is written FIELD=VALUE"))?;
        take(view, &FieldName::new(name), value, occasion, &mut fields)?;
    }
    Ok(fields)
}

/// Says of the fields that Salesforce alone fills what becomes of their values.
pub(super) fn warn(view: &RecordFormView, fields: &Fields, occasion: Occasion) {
    for warning in warnings(view, fields, occasion) {
        note(&format!("warning: {warning}\n"));
    }
}

pub(in crate::cli) fn warnings(
    view: &RecordFormView,
    fields: &Fields,
    occasion: Occasion,
) -> Vec<String> {
    let given = view.fields.iter().map(|field| &field.spec);
    let given = given.filter(|spec| fields.contains_key(&spec.name));
    let said = |spec: &FieldSpec| Some(format!("`{}` {}", spec.name, spec.warning(occasion)?));
    given.filter_map(said).collect()
}

fn take(
    view: &RecordFormView,
    name: &FieldName,
    text: &str,
    occasion: Occasion,
    into: &mut Fields,
) -> Result<()> {
    let known = || view.fields.iter().map(|f| f.spec.name.as_str());
    let Some(field) = view.fields.iter().find(|f| f.spec.name == *name) else {
        let text = format!("`{}` has no field `{name}`", view.table);
        let error = Error::new(Kind::Usage, text);
        return Err(match nearest(name.as_str(), known()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!(
                "fields: {}",
                known().collect::<Vec<_>>().join(", ")
            )),
        });
    };
    let value = field.spec.read(Some(text), occasion);
    let value = value.map_err(|why| not_taken(&field.spec, &why))?;
    into.insert(name.clone(), value);
    Ok(())
}

fn not_taken(spec: &FieldSpec, why: &str) -> Error {
    Error::new(Kind::Usage, format!("`{}` {why}", spec.name))
}

/// Says what was done, in words or as one JSON document.
fn done<W: Write>(
    out: &mut Out<W>,
    json: bool,
    key: &RecordKey,
    did: &str,
    fields: &Fields,
    text: &str,
) -> Result<Outcome> {
    if json {
        let fields = say::fields_json(fields);
        out.json(&json!({ "record": key_text(key), "did": did, "fields": fields }))?;
    } else {
        out.line(text)?;
    }
    Ok(Outcome::Fine)
}
