//! `syncdeck records`: the App's records, one by one.
//!
//! Whole tables go through [`bulk`]. Edits carry the revision that was read, so
//! that nobody's change is overwritten unseen.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::ask::{Answer, Consent};
use super::bulk::{self, ExportArgs, ImportArgs};
use super::lists::{PageArgs, RecordArgs};
use super::out::{Out, shown};
use super::session::{Session, ask, key_text, record_key};
use super::{Outcome, lists, say};
use crate::domain::id::{FieldName, PairName};
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::domain::value::Fields;
use crate::engine::command::{Command, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::RecordDetail;
use crate::error::{Error, Kind, Result};

/// What to do with records.
#[derive(Debug, Subcommand)]
pub enum RecordsCommand {
    /// List records of a pair
    #[command(after_help = "\
Examples:
  syncdeck records list leads
  syncdeck records list leads --filter 'status:new ada' --json

Exit codes: 0 fine, 2 it could not be done, or the filter was not understood.")]
    List(ListArgs),
    /// Show one record with both sides
    #[command(after_help = "\
Example:
  syncdeck records show leads/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11

Exit codes: 0 fine, 1 it needs a person, 2 it could not be shown.")]
    Show(RecordArgs),
    /// Change fields of an App record
    #[command(after_help = "\
Examples:
  syncdeck records set leads/0190c2a4-... contactPhone='+49 30 1234' status=contacted
  syncdeck records set leads/0190c2a4-... notes=        (no value)

The change goes to Salesforce with the next sync.

Exit codes: 0 changed, 2 it could not be done, or somebody changed the record meanwhile.")]
    #[command(visible_alias = "edit")]
    Set(SetArgs),
    /// Make an App record
    #[command(after_help = "\
Example:
  syncdeck records create leads contactName='Ada Lovelace' contactEmail=ada@example.com

Exit codes: 0 made, 2 it could not be done.")]
    Create(CreateArgs),
    /// Delete an App record
    #[command(after_help = "\
Example:
  syncdeck records delete leads/0190c2a4-... --yes

What that does in Salesforce is set in the pair's mapping.

Exit codes: 0 deleted, 1 not deleted, 2 it could not be done.")]
    Delete(DeleteArgs),
    /// Make or change many App records from a file
    #[command(after_help = "\
Examples:
  syncdeck records import leads leads.csv
  syncdeck records import leads - --format ndjson < leads.ndjson

A row with an `id` changes that record; one without makes a record. Columns are App fields; an
empty cell is no value, a column that is not there leaves the field as it is.

Exit codes: 0 all rows were taken, 1 some were not and are named, 2 it could not be done.")]
    Import(ImportArgs),
    /// Write all App records of a pair to a file
    #[command(after_help = "\
Examples:
  syncdeck records export leads > leads.csv
  syncdeck records export leads --format ndjson --filter status:new

Exit codes: 0 fine, 2 it could not be done.")]
    Export(ExportArgs),
}

/// `records` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RecordsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<RecordsCommand>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Pair
    pub pair: String,
    /// Words and `field:value`, as in the console
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub filter: String,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Record, as the list names it
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub record: RecordKey,
    /// Fields and their new values
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub fields: Vec<String>,
}

/// Arguments of `records create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Pair
    pub pair: String,
    /// Fields and their values
    #[arg(value_name = "FIELD=VALUE", required = true)]
    pub fields: Vec<String>,
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
}

/// Does it.
///
/// # Errors
/// What the engine refuses.
pub async fn run<W: Write>(
    session: &mut Session,
    command: RecordsCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        RecordsCommand::List(args) => list(session, args, out).await,
        RecordsCommand::Show(args) => show(session, args, out).await,
        RecordsCommand::Set(args) => {
            let detail = detail(session, &args.record).await?;
            let rev = revision(&detail)?;
            let fields = typed(&detail.pair, &args.fields)?;
            let count = fields.len();
            let command = Command::EditRecord {
                key: args.record,
                rev,
                fields,
            };
            ask!(session, command, Reply::Done => ());
            out.line(&format!(
                "{} set",
                say::some(count as u64, "field", "fields")
            ))?;
            Ok(Outcome::Fine)
        }
        RecordsCommand::Create(args) => {
            let pair = PairName::new(args.pair);
            let mapping = session.pair(&pair).await?;
            let fields = typed(&mapping, &args.fields)?;
            let command = Command::CreateRecord {
                pair: pair.clone(),
                fields,
            };
            let app_id = ask!(session, command, Reply::Created(c) => c.app_id);
            out.line(&key_text(&RecordKey { pair, app_id }))?;
            Ok(Outcome::Fine)
        }
        RecordsCommand::Delete(args) => {
            let detail = detail(session, &args.record).await?;
            let rev = revision(&detail)?;
            let question = format!("Delete {} in the App?", shown(&detail.name));
            if args.consent.ask(&question).await? == Answer::No {
                out.line("nothing was deleted")?;
                return Ok(Outcome::NeedsPerson);
            }
            ask!(session, Command::DeleteRecord { key: args.record, rev }, Reply::Done => ());
            out.line("deleted")?;
            Ok(Outcome::Fine)
        }
        RecordsCommand::Import(args) => bulk::import(session, args, out).await,
        RecordsCommand::Export(args) => bulk::export(session, args, out).await,
    }
}

/// A record with both sides.
///
/// # Errors
/// When there is no such record.
pub async fn detail(session: &mut Session, key: &RecordKey) -> Result<RecordDetail> {
    let command = Command::Record { key: key.clone() };
    Ok(*ask!(session, command, Reply::Record(d) => d))
}

/// The revision of the App record that was read.
///
/// # Errors
/// When it is gone.
pub fn revision(detail: &RecordDetail) -> Result<u64> {
    detail
        .app
        .as_ref()
        .map(|r| r.rev)
        .ok_or_else(|| Error::new(Kind::Changed, "this record is not in the App any more"))
}

/// Reads `FIELD=VALUE` texts by the kinds of the App table.
fn typed(pair: &Pair, texts: &[String]) -> Result<Fields> {
    let mut fields = Fields::new();
    for text in texts {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Error::new(Kind::Usage, "a change is written FIELD=VALUE"))?;
        let name = field_of(pair, name)?;
        let value = say::parse(pair.app_kind(&name), value)
            .map_err(|e| Error::new(e.kind(), format!("`{name}`: {}", e.message())))?;
        fields.insert(name, value);
    }
    Ok(fields)
}

/// A field of the pair's App table.
///
/// # Errors
/// When the table has none of that name; names the ones it has.
pub fn field_of(pair: &Pair, name: &str) -> Result<FieldName> {
    let known = || pair.app_fields.iter().map(|f| f.name.as_str());
    if known().any(|f| f == name) {
        return Ok(FieldName::new(name));
    }
    let error = Error::new(
        Kind::Usage,
        format!("`{}` has no field `{name}`", pair.table),
    );
    Err(match crate::domain::text::nearest(name, known()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!(
            "fields: {}",
            known().collect::<Vec<_>>().join(", ")
        )),
    })
}

/// What there are records of.
///
/// # Errors
/// When the engine has ended, or the output cannot be written.
pub async fn pairs<W: Write>(
    session: &mut Session,
    json: bool,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let summary = session.summary().await?;
    if json {
        let rows: Vec<_> = summary
            .pairs
            .iter()
            .map(|p| json!({ "pair": p.name.as_str(), "title": p.title, "records": p.records }))
            .collect();
        out.json(&json!({ "pairs": rows }))?;
        return Ok(Outcome::Fine);
    }
    let rows: Vec<_> = summary
        .pairs
        .iter()
        .map(|p| vec![p.name.to_string(), p.title.clone(), say::number(p.records)])
        .collect();
    out.table(&["PAIR", "WHAT", "RECORDS"], &rows)?;
    out.line("\n`syncdeck records list PAIR` lists the records of one pair")?;
    Ok(Outcome::Fine)
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let command = Command::Records {
        pair: PairName::new(args.pair),
        filter: args.filter,
        page: args.page.into(),
    };
    let found = ask!(session, command, Reply::Records(p) => p);
    if let Some(reason) = &found.filter_error {
        return Err(Error::new(
            Kind::Usage,
            format!("the filter was not understood: {reason}"),
        ));
    }
    let part = &found.part;
    if args.json {
        let rows: Vec<_> = part
            .rows
            .iter()
            .map(|r| {
                let values = found.columns.iter().map(|c| c.as_str()).zip(&r.values);
                json!({
                    "record": key_text(&r.key), "state": r.word.as_str(), "name": r.name,
                    "changed": r.changed,
                    "values": values.map(|(c, v)| (c.to_owned(), json!(v)))
                        .collect::<serde_json::Map<_, _>>(),
                })
            })
            .collect();
        out.json(&json!({
            "records": rows, "offset": part.offset, "total": part.total, "all": found.all,
        }))?;
        return Ok(Outcome::Fine);
    }
    let mut head = vec!["RECORD", "STATE", "NAME"];
    head.extend(found.columns.iter().map(|c| c.as_str()));
    head.push("CHANGED");
    let rows: Vec<_> = part
        .rows
        .iter()
        .map(|r| {
            let mut row = vec![key_text(&r.key), r.word.to_string(), r.name.clone()];
            row.extend(r.values.iter().map(|v| v.clone().unwrap_or_default()));
            row.push(say::time(r.changed));
            row
        })
        .collect();
    out.table(&head, &rows)?;
    lists::more(out, part.offset, part.rows.len(), part.total)?;
    Ok(Outcome::Fine)
}

async fn show<W: Write>(
    session: &mut Session,
    args: RecordArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let detail = detail(session, &args.record).await?;
    if args.json {
        out.json(&detail_json(&detail))?;
    } else {
        detail_text(&detail, out)?;
    }
    Ok(match detail.word {
        Word::Fail | Word::Conf | Word::Del | Word::Part => Outcome::NeedsPerson,
        _ => Outcome::Fine,
    })
}

fn detail_text<W: Write>(detail: &RecordDetail, out: &mut Out<W>) -> Result<()> {
    out.line(&format!(
        "{}  {}  {}",
        shown(&detail.name),
        detail.pair.title_line(),
        detail.word
    ))?;
    if let Some(app) = &detail.app {
        let (by, at) = (shown(&app.changed_by), say::time(app.updated_at));
        out.line(&format!(
            "  App         {}  revision {}, {at} by {by}",
            app.id, app.rev
        ))?;
    }
    if let Some(id) = detail.link.as_ref().and_then(|l| l.crm_id) {
        let url = detail.url.as_deref().map(shown).unwrap_or_default();
        out.line(&format!("  Salesforce  {id}  {url}"))?;
    }
    if let Some(failure) = &detail.failure {
        out.line(&format!(
            "  failed      {} {}",
            shown(&failure.code),
            shown(&failure.what)
        ))?;
        out.line(&format!("  fix         {}", shown(&failure.fix)))?;
        if !failure.request.is_empty() {
            out.line(&format!(
                "  log         request {}",
                shown(&failure.request)
            ))?;
        }
    }
    out.line("")?;
    let rows: Vec<_> = detail
        .fields
        .iter()
        .map(|f| {
            vec![
                f.app_label.clone(),
                say::cell(f.app.as_ref()),
                f.crm_label.clone(),
                say::cell(f.crm.as_ref()),
                f.state.clone(),
            ]
        })
        .collect();
    out.table(
        &[
            "APP FIELD",
            "APP",
            "SALESFORCE FIELD",
            "SALESFORCE",
            "STATE",
        ],
        &rows,
    )
}

fn detail_json(detail: &RecordDetail) -> Json {
    let fields: Vec<_> = detail
        .fields
        .iter()
        .map(|f| {
            json!({
                "app_field": f.app_label, "crm_field": f.crm_label, "state": f.state,
                "app": say::cell_json(f.app.as_ref()), "crm": say::cell_json(f.crm.as_ref()),
            })
        })
        .collect();
    json!({
        "record": key_text(&detail.key), "name": detail.name, "state": detail.word.as_str(),
        "app": detail.app.as_ref().map(|a| json!({
            "id": a.id, "rev": a.rev, "fields": say::fields_json(&a.fields),
            "changed_by": a.changed_by, "updated_at": a.updated_at,
        })),
        "crm_id": detail.link.as_ref().and_then(|l| l.crm_id), "url": detail.url,
        "failure": detail.failure, "fields": fields,
    })
}
