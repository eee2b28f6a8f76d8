//! `syncdeck search`: everything local that holds some words, and Salesforce itself when asked.

use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Outcome;
use super::out::{Out, note, shown};
use super::say;
use super::session::{Session, ask, key_text};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::{Counted, CrmSearchView, Hits, RecordHit, SearchView};
use crate::error::Result;

/// Arguments of `search`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck search ada lovelace
  syncdeck search --texts 'call back'
  syncdeck search --crm harbour --json

Without --crm nothing is asked of Salesforce. With it, one API call finds records of the objects that
have a pair; its index can be minutes behind.

Exit codes: 0 done, whether or not anything was found, 2 it could not be done.")]
pub struct SearchArgs {
    /// Words; what is found holds all of them
    #[arg(required = true, value_name = "WORD")]
    pub words: Vec<String>,
    /// In Salesforce itself, not in what is here
    #[arg(long)]
    pub crm: bool,
    /// In long texts and in the fields the other searches leave out: every record is opened
    #[arg(long, conflicts_with = "crm")]
    pub texts: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// When the store cannot be read, or Salesforce does not answer.
pub async fn run<W: Write>(
    session: &mut Session,
    args: SearchArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let text = args.words.join(" ");
    if args.crm {
        let view = ask!(session, Command::SearchCrm { text }, Reply::SearchCrm(v) => v);
        return crm(&view, &args, out);
    }
    if args.texts {
        texts(session, &args, out).await?;
        return Ok(Outcome::Fine);
    }
    let view = here(session, &text).await?;
    if args.json {
        out.json(&here_json(&view))?;
        return Ok(Outcome::Fine);
    }
    for hit in &view.records.rows {
        out.line(&record(hit))?;
    }
    for hit in &view.conflicts.rows {
        let what = format!("{}: {}", shown(&hit.field), shown(&hit.found));
        let key = key_text(&hit.key);
        out.line(&format!(
            "conflict  {:<5} {key}  {}  {what}",
            hit.word,
            shown(&hit.name)
        ))?;
    }
    for hit in &view.runs.rows {
        let (id, at) = (hit.id, say::time(hit.at));
        let what = format!("{}  {}", shown(&hit.title), shown(&hit.found));
        out.line(&format!("run       {:<5} {id}  {at}  {what}", hit.word))?;
    }
    for hit in &view.mappings.rows {
        let what = format!("{}  {}", shown(&hit.title), shown(&hit.found));
        out.line(&format!("mapping         {}  {what}", hit.pair))?;
    }
    let all = total(&view);
    let rest = all - seen(&view);
    match (all, rest) {
        (0, _) => out.line("nothing here holds all of these words")?,
        (_, 0) => {}
        (_, rest) => out.line(&format!("{} more", say::number(rest)))?,
    }
    Ok(Outcome::Fine)
}

/// Asks again until all records are in the index, or there is no room for more.
async fn here(session: &mut Session, text: &str) -> Result<Box<SearchView>> {
    loop {
        let text = text.to_owned();
        let view = ask!(session, Command::Search { text }, Reply::Search(v) => v);
        if !session.reads_on(&view.searched).await? {
            return Ok(view);
        }
    }
}

/// Reads the long texts and the fields that the index does not hold, part by part, and says each
/// record at once.
async fn texts<W: Write>(session: &mut Session, args: &SearchArgs, out: &mut Out<W>) -> Result<()> {
    let text = args.words.join(" ");
    let (mut rows, mut read, mut from) = (Vec::new(), 0, None);
    let all = loop {
        let text = text.clone();
        let command = Command::SearchTexts { text, from };
        let part = ask!(session, command, Reply::SearchTexts(view) => view);
        read += part.searched;
        if !args.json {
            for hit in &part.rows {
                out.line(&record(hit))?;
            }
        }
        rows.extend(part.rows);
        from = part.next;
        if from.is_none() {
            break part.all;
        }
    };
    if args.json {
        let found: Vec<Json> = rows.iter().map(record_json).collect();
        return out.json(&json!({ "text": text, "read": read, "records": found }));
    }
    if rows.is_empty() {
        out.line("no text here holds all of these words")?;
    }
    note(&format!(
        "{} of {} read\n",
        say::number(read),
        say::some(all, "record", "records")
    ));
    Ok(())
}

fn record(hit: &RecordHit) -> String {
    format!(
        "record    {:<5} {}  {}  {}  {}",
        hit.word,
        key_text(&hit.key),
        shown(&hit.object),
        shown(&hit.name),
        shown(&hit.found)
    )
}

fn record_json(hit: &RecordHit) -> Json {
    json!({
        "record": key_text(&hit.key), "name": hit.name, "object": hit.object,
        "state": hit.word.as_str(), "found": hit.found,
    })
}

fn total(view: &SearchView) -> u64 {
    view.records.total + view.conflicts.total + view.runs.total + view.mappings.total
}

fn seen(view: &SearchView) -> u64 {
    let rows = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    rows(view.records.rows.len())
        + rows(view.conflicts.rows.len())
        + rows(view.runs.rows.len())
        + rows(view.mappings.rows.len())
}

fn crm<W: Write>(view: &CrmSearchView, args: &SearchArgs, out: &mut Out<W>) -> Result<Outcome> {
    if args.json {
        let rows: Vec<Json> = view
            .rows
            .iter()
            .map(|hit| {
                json!({
                    "object": hit.object, "id": hit.id, "name": hit.name,
                    "record": hit.key.as_ref().map(key_text), "address": hit.address,
                })
            })
            .collect();
        out.json(&json!({ "text": view.text, "records": rows }))?;
        return Ok(Outcome::Fine);
    }
    for hit in &view.rows {
        let here = hit.key.as_ref().map_or("not here".to_owned(), key_text);
        let (id, name) = (&hit.id, shown(&hit.name));
        out.line(&format!(
            "{:<12} {id}  {name}  {here}",
            shown(hit.object.as_str())
        ))?;
    }
    if view.rows.is_empty() {
        out.line("Salesforce found nothing that holds all of these words")?;
    }
    Ok(Outcome::Fine)
}

fn here_json(view: &SearchView) -> Json {
    fn hits<T>(hits: &Hits<T>, row: impl Fn(&T) -> Json) -> Json {
        let rows: Vec<Json> = hits.rows.iter().map(row).collect();
        json!({ "rows": rows, "total": hits.total })
    }
    let searched = match view.searched {
        Counted::Whole => json!("all"),
        Counted::Part { done, all, .. } => json!({ "records": done, "of": all }),
    };
    json!({
        "text": view.text,
        "searched": searched,
        "records": hits(&view.records, record_json),
        "conflicts": hits(&view.conflicts, |hit| json!({
            "record": key_text(&hit.key), "name": hit.name, "field": hit.field,
            "state": hit.word.as_str(), "found": hit.found,
        })),
        "runs": hits(&view.runs, |hit| json!({
            "run": hit.id.0, "title": hit.title, "state": hit.word.as_str(),
            "at": hit.at.to_string(), "found": hit.found,
        })),
        "mappings": hits(&view.mappings, |hit| json!({
            "pair": hit.pair, "title": hit.title, "found": hit.found,
        })),
    })
}
