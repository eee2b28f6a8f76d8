//! `syncdeck records`: the App's records, one by one.
//!
//! Whole tables go through [`bulk`], changes of one record through `change`. Invariant: looking
//! changes nothing.

pub(super) mod change;
mod link;
mod many;
mod restore;
mod staged;
mod views;

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

pub use change::{CreateArgs, DeleteArgs, HandOverArgs, SetArgs};
pub use link::{LinkArgs, UnlinkArgs, UnlinkedArgs};
pub use many::ManyCommand;
pub use restore::RestoreArgs;
pub use staged::{StagedArgs, UnstageArgs};
pub use views::{ShapeArgs, ViewsCommand};

use super::bulk::{self, ExportArgs, ImportArgs};
use super::lists::{PageArgs, RecordArgs};
use super::out::{Out, shown};
use super::session::{Session, ask, key_text};
use super::{Outcome, lists, say};
use crate::domain::id::{FieldName, PairName};
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::engine::command::{Command, RecordKey, Values};
use crate::engine::notice::Reply;
use crate::engine::view::{RecordDetail, standing};
use crate::error::{Error, Kind, Result};

/// What to do with records.
#[derive(Debug, Subcommand)]
pub enum RecordsCommand {
    /// List records of a pair
    #[command(after_help = "\
Examples:
  syncdeck records list leads
  syncdeck records list leads --filter 'status:new ada' --json
  syncdeck records list leads --filter status:new --sort -changed --columns contactEmail,owner
  syncdeck records list leads --view 'not in sync'

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

A value is held to what the field takes, here and in Salesforce: type, length, values of a list,
active users. The change goes to Salesforce with the next sync.

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
    /// Bring back a deleted App record that no sync has seen
    #[command(after_help = "\
Example:
  syncdeck records restore leads/0190c2a4-... 4

`records delete` says the revision. What a sync has taken to Salesforce comes back with `syncdeck
runs undo`.

Exit codes: 0 it is back, 2 it could not be done.")]
    Restore(RestoreArgs),
    /// Change owner and status of a record in one act
    #[command(after_help = "\
Example:
  syncdeck records hand-over leads/0190c2a4-... --owner 'Ada Lovelace' --status qualified

Both are one change, which reaches Salesforce in one write with the next sync. Only active users
are taken, and only where the mapping sends an owner.

Exit codes: 0 changed, 2 it could not be done, or somebody changed the record meanwhile.")]
    HandOver(HandOverArgs),
    /// Link an App record with a Salesforce record
    #[command(after_help = "\
Examples:
  syncdeck records link accounts/0190c2a4-... 0015g00000XyZabAAF
  syncdeck records unlinked accounts                    (what is here and linked with nothing)

Salesforce is asked whether it has the record (1 API call). The next sync compares both sides as at
any first link: the pair's mapping says what happens with values that differ.

Exit codes: 0 linked, 2 it could not be done: one of the two is linked, or is not there.")]
    Link(LinkArgs),
    /// End the link of a record; both sides stay as they are
    #[command(after_help = "\
Example:
  syncdeck records unlink accounts/0190c2a4-... --yes

No sync changes either record because of the other any more, and none links them again by itself.

Exit codes: 0 unlinked, 1 not unlinked, 2 it could not be done.")]
    Unlink(UnlinkArgs),
    /// List Salesforce records that are here and linked with no App record
    #[command(after_help = "\
Example:
  syncdeck records unlinked accounts --json

Exit codes: 0 fine, 2 it could not be done.")]
    Unlinked(UnlinkedArgs),
    /// List the edits that are staged and not written
    #[command(after_help = "\
Examples:
  syncdeck records staged
  syncdeck records staged leads --json

Edits are staged on the screen; `syncdeck conflicts write` writes them.

Exit codes: 0 fine, 1 some cannot be written as they are, 2 it could not be done.")]
    Staged(StagedArgs),
    /// Take back what is staged of records
    #[command(after_help = "\
Example:
  syncdeck records unstage leads/0190c2a4-...

Exit codes: 0 taken back, 1 nothing was staged of some, 2 it could not be done.")]
    Unstage(UnstageArgs),
    /// Lists of records under a name
    #[command(subcommand)]
    Views(ViewsCommand),
    /// Many records by one command
    #[command(flatten)]
    Many(ManyCommand),
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
    /// Filter, order and columns of this view
    #[arg(long, value_name = "NAME", conflicts_with_all = ["filter", "sort", "columns"])]
    pub view: Option<String>,
    /// Order and columns.
    #[command(flatten)]
    pub shape: ShapeArgs,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
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
        RecordsCommand::Set(args) => change::set(session, args, out).await,
        RecordsCommand::Create(args) => change::create(session, args, out).await,
        RecordsCommand::Delete(args) => change::delete(session, args, out).await,
        RecordsCommand::Restore(args) => restore::run(session, args, out).await,
        RecordsCommand::HandOver(args) => change::hand_over(session, args, out).await,
        RecordsCommand::Link(args) => link::link(session, args, out).await,
        RecordsCommand::Unlink(args) => link::unlink(session, args, out).await,
        RecordsCommand::Unlinked(args) => link::unlinked(session, args, out).await,
        RecordsCommand::Staged(args) => staged::list(session, args, out).await,
        RecordsCommand::Unstage(args) => staged::unstage(session, args, out).await,
        RecordsCommand::Views(command) => views::run(session, command, out).await,
        RecordsCommand::Many(command) => many::run(session, command, out).await,
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
    let pair = PairName::new(args.pair);
    let (filter, shape) = match args.view {
        None => (args.filter, args.shape.shape()),
        Some(name) => {
            let view = views::named(session, &pair, &name).await?;
            (view.filter, view.shape)
        }
    };
    let command = Command::Records {
        pair,
        filter,
        shape,
        values: Values::Shown,
        page: args.page.into(),
    };
    let found = ask!(session, command, Reply::Records(p) => p);
    if let Some(reason) = &found.filter_error {
        return Err(Error::new(
            Kind::Usage,
            format!("the filter was not understood: {reason}"),
        ));
    }
    if let Some(reason) = &found.sort_error {
        return Err(Error::new(Kind::Usage, reason.clone()));
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
    if let (_, Some(means)) = standing(detail.link.as_ref()) {
        out.line(&format!("  state       {means}"))?;
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
        "standing": standing(detail.link.as_ref()).1,
        "app": detail.app.as_ref().map(|a| json!({
            "id": a.id, "rev": a.rev, "fields": say::fields_json(&a.fields),
            "changed_by": a.changed_by, "updated_at": a.updated_at,
        })),
        "crm_id": detail.link.as_ref().and_then(|l| l.crm_id), "url": detail.url,
        "failure": detail.failure, "fields": fields,
    })
}
