//! `syncdeck conflicts`: see, decide, preview and write, without the console.
//!
//! It stages decisions and writes exactly what was previewed. A decision is made on values that
//! were seen: if they moved meanwhile, the engine refuses it.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::ask::{Answer, Consent};
use super::lists::{PageArgs, RecordArgs};
use super::out::{Out, shown};
use super::session::{CHUNK, Session, ask, key_text, record_key};
use super::{Outcome, say, sync};
use crate::domain::conflict::{Choice, Fingerprint};
use crate::domain::id::ConflictId;
use crate::domain::transform::Side;
use crate::engine::command::{Command, Decide, Page, RecordKey, WriteScope};
use crate::engine::notice::Reply;
use crate::engine::view::{
    ConflictDetail, ConflictField, ConflictRow, Decided, FieldStanding, WritePreview,
};
use crate::error::{Error, Kind, Result};

/// What to do with conflicts.
#[derive(Debug, Subcommand)]
pub enum ConflictsCommand {
    /// List records with open conflicts, oldest first
    #[command(after_help = "\
Examples:
  syncdeck conflicts list
  syncdeck conflicts list --json | jq -r '.conflicts[].record'

Exit codes: 0 none is open, 1 some are, 2 it could not be done.")]
    List(ListArgs),
    /// Show one record: App, Salesforce and the last agreed value of each field
    #[command(after_help = "\
Example:
  syncdeck conflicts show leads/0190c2a4-7f5e-7000-8000-2f0d6c1b9a11

Exit codes: 0 it has none any more, 1 it has open conflicts, 2 it could not be shown.")]
    Show(RecordArgs),
    /// Decide: take a side or type a value; nothing is written yet
    #[command(after_help = "\
Examples:
  syncdeck conflicts take leads/0190c2a4-... crm
  syncdeck conflicts take leads/0190c2a4-... app --field contactPhone
  syncdeck conflicts take leads/0190c2a4-... --field notes --value 'call back on Monday'
  syncdeck conflicts take all crm
  syncdeck conflicts take leads/0190c2a4-... undo

Exit codes: 0 all were decided, 1 some were refused because the values moved, 2 it could not
be done.")]
    Take(TakeArgs),
    /// Preview what the decisions write, then write it
    #[command(after_help = "\
Examples:
  syncdeck conflicts write --preview
  syncdeck conflicts write
  syncdeck conflicts write leads/0190c2a4-... --yes

Exit codes: 0 written, or nothing to write; 1 not written, or something still needs a person;
2 it could not be done.")]
    Write(WriteArgs),
}

/// `conflicts` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ConflictsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<ConflictsCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<ConflictsArgs> for ConflictsCommand {
    fn from(args: ConflictsArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `conflicts list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// A decision in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Word {
    /// The App's value
    App,
    /// Salesforce's value
    Crm,
    /// The last agreed value
    Base,
    /// Both texts, the App's first
    Both,
    /// Leave both sides as they are
    Ignore,
    /// Take the decision back
    Undo,
}

/// Which records a decision is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Every record with open conflicts.
    All,
    /// This one.
    Record(RecordKey),
}

fn whom(text: &str) -> std::result::Result<Whom, String> {
    match text {
        "all" => Ok(Whom::All),
        one => record_key(one).map(Whom::Record),
    }
}

/// Arguments of `conflicts take`.
#[derive(Debug, Args)]
pub struct TakeArgs {
    /// Record, as the list names it; or `all`, for every record with open conflicts
    #[arg(value_name = "PAIR/ID", value_parser = whom)]
    pub whom: Whom,
    /// What to take
    #[arg(value_enum, required_unless_present = "value")]
    pub word: Option<Word>,
    /// Only this field (App's or Salesforce's name)
    #[arg(long, value_name = "FIELD")]
    pub field: Option<String>,
    /// A value of your own, as the App holds it
    #[arg(long, value_name = "TEXT", requires = "field", conflicts_with = "word")]
    pub value: Option<String>,
}

/// Arguments of `conflicts write`.
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// Only these records; without any, all that is decided
    #[arg(value_name = "PAIR/ID", value_parser = record_key)]
    pub records: Vec<RecordKey>,
    /// Show what would be written, and stop
    #[arg(long, conflicts_with = "yes")]
    pub preview: bool,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// What the engine refuses as a whole.
pub async fn run<W: Write>(
    session: &mut Session,
    command: ConflictsCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        ConflictsCommand::List(args) => list(session, args, out).await,
        ConflictsCommand::Show(args) => show(session, args, out).await,
        ConflictsCommand::Take(args) => take(session, args, out).await,
        ConflictsCommand::Write(args) => write(session, args, out).await,
    }
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let page = args.page.into();
    let part = ask!(session, Command::Conflicts { page }, Reply::Conflicts(part) => part);
    if args.json {
        let rows: Vec<_> = part
            .rows
            .iter()
            .map(|r| {
                json!({
                    "record": key_text(&r.key), "state": r.word.as_str(), "name": r.name,
                    "object": r.object, "open": r.open, "decided": r.decided,
                    "waits_for": r.waits_for, "since": r.since,
                })
            })
            .collect();
        out.json(&json!({ "conflicts": rows, "offset": part.offset, "total": part.total }))?;
    } else {
        let rows: Vec<_> = part
            .rows
            .iter()
            .map(|r| {
                vec![
                    key_text(&r.key),
                    r.word.to_string(),
                    r.name.clone(),
                    format!("{} of {}", r.decided, r.open),
                    r.waits_for.clone(),
                    say::time(r.since),
                ]
            })
            .collect();
        if part.total == 0 {
            out.line("no open conflicts")?;
            return Ok(Outcome::Fine);
        }
        out.table(
            &["RECORD", "STATE", "NAME", "DECIDED", "WAITS FOR", "SINCE"],
            &rows,
        )?;
        let end = part.offset + part.rows.len();
        if (end as u64) < part.total {
            out.line(&format!("{} more: --offset {end}", part.total - end as u64))?;
        }
    }
    Ok(if part.total == 0 {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
}

async fn show<W: Write>(
    session: &mut Session,
    args: RecordArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let name = key_text(&args.record);
    let command = Command::Conflict { key: args.record };
    let Some(detail) = ask!(session, command, Reply::Conflict(d) => d) else {
        if args.json {
            out.json(&Json::Null)?;
        } else {
            out.line(&format!("{} has no open conflict", shown(&name)))?;
        }
        return Ok(Outcome::Fine);
    };
    if args.json {
        out.json(&detail_json(&detail))?;
    } else {
        detail_text(&detail, out)?;
    }
    Ok(Outcome::NeedsPerson)
}

fn detail_text<W: Write>(detail: &ConflictDetail, out: &mut Out<W>) -> Result<()> {
    out.line(&format!(
        "{}  {} <-> {}  {}",
        shown(&detail.name),
        detail.object,
        detail.table,
        detail.word
    ))?;
    if let Some(record) = &detail.record {
        out.line(&format!(
            "  the record as a whole: {}",
            standing(&record.standing)
        ))?;
        out.line(&format!("    app  {}", shown(&record.take_app)))?;
        out.line(&format!("    crm  {}", shown(&record.take_crm)))?;
    }
    for field in &detail.fields {
        out.line("")?;
        out.line(&format!(
            "{} <-> {}  {}",
            shown(&field.app_label),
            shown(&field.crm_label),
            standing(&field.standing)
        ))?;
        let base = match &field.base {
            Some(b) => shown(&say::cell(Some(&b.app))),
            None => "(never agreed)".into(),
        };
        out.line(&format!("  base  {base}"))?;
        let by = |at: &crate::domain::conflict::Origin| {
            let who = at.by.as_deref().map(shown).unwrap_or_default();
            format!("{} {who}", at.at.map(say::time).unwrap_or_default())
        };
        let app = shown(&say::cell(field.app.as_ref()));
        let crm = shown(&say::cell(field.crm.as_ref()));
        out.line(&format!("  app   {app}  {}", by(&field.app_origin)))?;
        out.line(&format!("  crm   {crm}  {}", by(&field.crm_origin)))?;
        if let Some((to_app, to_crm)) = &field.result {
            out.line(&format!(
                "  then  app {}, crm {}",
                shown(&say::cell(Some(to_app))),
                shown(&say::cell(Some(to_crm)))
            ))?;
        }
        if let Some(error) = &field.error {
            out.line(&format!("  fail  {}", shown(error)))?;
        }
    }
    Ok(())
}

fn standing(standing: &FieldStanding) -> &'static str {
    match standing {
        FieldStanding::Open => "open",
        FieldStanding::Decided(choice) => match choice {
            Choice::Take(Side::App) => "decided: app",
            Choice::Take(Side::Crm) => "decided: crm",
            Choice::Base => "decided: base",
            Choice::Typed { .. } => "decided: typed",
            Choice::Both => "decided: both",
            Choice::Ignore => "decided: ignore",
        },
        FieldStanding::Auto(Side::App) => "automatic: app",
        FieldStanding::Auto(Side::Crm) => "automatic: crm",
        FieldStanding::Ignored => "ignored",
        FieldStanding::Writing => "being written",
    }
}

fn detail_json(detail: &ConflictDetail) -> Json {
    let fields: Vec<_> = detail
        .fields
        .iter()
        .map(|f| {
            json!({
                "conflict": f.conflict, "app_field": f.app_label, "crm_field": f.crm_label,
                "standing": standing(&f.standing),
                "base": say::cell_json(f.base.as_ref().map(|b| &b.app)),
                "app": say::cell_json(f.app.as_ref()), "crm": say::cell_json(f.crm.as_ref()),
                "app_origin": f.app_origin, "crm_origin": f.crm_origin,
                "result_app": say::cell_json(f.result.as_ref().map(|r| &r.0)),
                "result_crm": say::cell_json(f.result.as_ref().map(|r| &r.1)),
                "error": f.error,
            })
        })
        .collect();
    json!({
        "record": key_text(&detail.key), "name": detail.name, "object": detail.object,
        "table": detail.table, "crm_id": detail.crm_id, "state": detail.word.as_str(),
        "whole_record": detail.record.as_ref().map(|r| json!({
            "standing": standing(&r.standing), "app": r.take_app, "crm": r.take_crm,
        })),
        "fields": fields,
    })
}

async fn take<W: Write>(
    session: &mut Session,
    args: TakeArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut decisions = Vec::new();
    match &args.whom {
        Whom::Record(key) => {
            let command = Command::Conflict { key: key.clone() };
            let detail = ask!(session, command, Reply::Conflict(d) => d);
            let detail = detail.ok_or_else(|| {
                Error::new(Kind::Changed, "this record has no open conflict any more")
            })?;
            decide_in(&detail, &args, &mut decisions)?;
        }
        Whom::All => {
            let (Some(word), None) = (args.word, &args.field) else {
                return Err(Error::new(
                    Kind::Usage,
                    "`all` takes one side as a whole, not single fields or values",
                )
                .hint("name the record: `syncdeck conflicts list` shows them"));
            };
            let choice = choice(word);
            for row in all(session).await? {
                decisions.extend(row.conflicts.into_iter().map(|(conflict, fp)| Decide {
                    conflict,
                    fp,
                    choice: choice.clone(),
                }));
            }
        }
    }
    let mut sum = Decided {
        staged: 0,
        refused: Vec::new(),
    };
    while !decisions.is_empty() {
        let rest = decisions.split_off(decisions.len().min(CHUNK));
        let part = ask!(session, Command::Decide { decisions }, Reply::Decided(d) => d);
        sum.staged += part.staged;
        sum.refused.extend(part.refused);
        decisions = rest;
    }
    let what = match args.word {
        Some(Word::Undo) => "taken back",
        _ => "decided; `syncdeck conflicts write` writes them",
    };
    out.line(&format!("{} {what}", sum.staged))?;
    for (conflict, reason) in &sum.refused {
        out.line(&format!("refused: conflict {conflict}: {}", shown(reason)))?;
    }
    Ok(if sum.refused.is_empty() {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
}

/// The decisions that the arguments mean for one record.
fn decide_in(detail: &ConflictDetail, args: &TakeArgs, decisions: &mut Vec<Decide>) -> Result<()> {
    let mut put = |conflict: ConflictId, fp: Fingerprint, choice: Option<Choice>| {
        decisions.push(Decide {
            conflict,
            fp,
            choice,
        });
    };
    if let Some(name) = &args.field {
        let (field, conflict) = field(detail, name)?;
        let decided = match (args.word, &args.value) {
            (Some(word), _) => choice(word),
            (None, Some(text)) => Some(Choice::Typed {
                side: Side::App,
                cell: vec![say::parse(field.kind, text)?],
            }),
            (None, None) => return Err(Error::new(Kind::Usage, "say what to take")),
        };
        put(conflict, field.fp, decided);
        return Ok(());
    }
    let Some(word) = args.word else {
        return Err(Error::new(Kind::Usage, "a value needs --field"));
    };
    if let Some(record) = &detail.record {
        put(record.conflict.id, record.conflict.fp, choice(word));
    }
    for field in &detail.fields {
        if let Some(conflict) = field.conflict {
            put(conflict, field.fp, choice(word));
        }
    }
    Ok(())
}

fn field<'d>(detail: &'d ConflictDetail, name: &str) -> Result<(&'d ConflictField, ConflictId)> {
    let open = || detail.fields.iter().filter(|f| f.conflict.is_some());
    let found = open()
        .find(|f| f.app_label == name || f.crm_label == name)
        .and_then(|f| f.conflict.map(|c| (f, c)));
    found.ok_or_else(|| {
        let names: Vec<_> = open().map(|f| f.app_label.as_str()).collect();
        Error::new(Kind::Usage, format!("`{name}` is not in conflict here"))
            .hint(format!("fields in conflict: {}", names.join(", ")))
    })
}

fn choice(word: Word) -> Option<Choice> {
    Some(match word {
        Word::App => Choice::Take(Side::App),
        Word::Crm => Choice::Take(Side::Crm),
        Word::Base => Choice::Base,
        Word::Both => Choice::Both,
        Word::Ignore => Choice::Ignore,
        Word::Undo => return None,
    })
}

async fn all(session: &mut Session) -> Result<Vec<ConflictRow>> {
    let mut rows = Vec::new();
    loop {
        let page = Page {
            offset: rows.len(),
            limit: CHUNK,
        };
        let part = ask!(session, Command::Conflicts { page }, Reply::Conflicts(part) => part);
        let last = part.rows.len() < CHUNK;
        rows.extend(part.rows);
        if last {
            return Ok(rows);
        }
    }
}

async fn write<W: Write>(
    session: &mut Session,
    args: WriteArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let scope = if args.records.is_empty() {
        WriteScope::All
    } else {
        WriteScope::Records(args.records)
    };
    let command = Command::Preview {
        scope: scope.clone(),
    };
    let preview = *ask!(session, command, Reply::Preview(p) => p);
    if preview.decisions == 0 && preview.refused.is_empty() && !args.json {
        out.line("nothing is decided: `syncdeck conflicts` lists what is open")?;
        return Ok(Outcome::Fine);
    }
    if args.preview && args.json {
        out.json(&preview_json(&preview))?;
    } else if !args.json {
        preview_text(&preview, out)?;
    }
    let held = if preview.refused.is_empty() {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    };
    if args.preview || preview.decisions == 0 {
        return Ok(held);
    }
    if args.consent.ask("Write this?").await? == Answer::No {
        out.line("nothing was written")?;
        return Ok(Outcome::NeedsPerson);
    }
    let command = Command::Write {
        scope,
        hash: preview.hash,
    };
    let runs = ask!(session, command, Reply::Started(runs) => runs);
    let done = sync::follow(session, &runs, args.json, out).await?;
    Ok(if done == Outcome::Fine { held } else { done })
}

fn preview_text<W: Write>(preview: &WritePreview, out: &mut Out<W>) -> Result<()> {
    let rows: Vec<_> = preview
        .lines
        .iter()
        .map(|l| {
            vec![
                l.name.clone(),
                side(l.to).into(),
                l.field.clone(),
                say::cell(Some(&l.now)),
                say::cell(Some(&l.after)),
                l.check.clone(),
                l.by.clone(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.table(
            &["RECORD", "TO", "FIELD", "NOW", "THEN", "ONLY IF", "BY"],
            &rows,
        )?;
    }
    for act in &preview.acts {
        out.line(&shown(act))?;
    }
    for (record, reason) in &preview.refused {
        out.line(&format!("not now: {}: {}", shown(record), shown(reason)))?;
    }
    out.line(&format!(
        "{} decisions: {} Salesforce records, {} App records, {} API calls",
        preview.decisions, preview.crm_records, preview.app_records, preview.api_calls
    ))
}

fn preview_json(preview: &WritePreview) -> Json {
    let lines: Vec<_> = preview
        .lines
        .iter()
        .map(|l| {
            json!({
                "record": key_text(&l.key), "name": l.name, "to": side(l.to), "field": l.field,
                "now": say::cell_json(Some(&l.now)), "after": say::cell_json(Some(&l.after)),
                "check": l.check, "by": l.by,
            })
        })
        .collect();
    json!({
        "lines": lines, "acts": preview.acts, "decisions": preview.decisions,
        "crm_records": preview.crm_records, "app_records": preview.app_records,
        "api_calls": preview.api_calls, "refused": preview.refused,
    })
}

fn side(side: Side) -> &'static str {
    match side {
        Side::App => "app",
        Side::Crm => "crm",
    }
}
