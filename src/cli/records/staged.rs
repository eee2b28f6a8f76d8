//! `syncdeck records staged` and `unstage`: what persons staged on the screen, looked through and
//! taken back.
//!
//! Writes nothing. Invariant: what is taken back is named; what was not staged is said.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::Outcome;
use crate::cli::out::{Out, shown};
use crate::cli::say;
use crate::cli::session::{Session, ask, key_text, record_key};
use crate::domain::id::{AppId, PairName};
use crate::domain::value::Value;
use crate::engine::command::{Command, Page, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::{Base, Edit, EditRow};
use crate::error::Result;

/// Edits that are asked for, or taken back, at once.
const CHUNK: usize = 100;

/// Arguments of `records staged`.
#[derive(Debug, Args)]
pub struct StagedArgs {
    /// Only of this pair
    pub pair: Option<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `records unstage`.
#[derive(Debug, Args)]
pub struct UnstageArgs {
    /// Records, as the list names them
    #[arg(value_name = "PAIR/ID", value_parser = record_key, required = true)]
    pub records: Vec<RecordKey>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Lists what is staged.
///
/// # Errors
/// What the engine refuses.
pub async fn list<W: Write>(
    session: &mut Session,
    args: StagedArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = args.pair.map(PairName::new);
    if let Some(pair) = &pair {
        session.pair(pair).await?;
    }
    let mut rows: Vec<EditRow> = Vec::new();
    loop {
        let page = Page {
            offset: rows.len(),
            limit: CHUNK,
        };
        let pair = pair.clone();
        let part = ask!(session, Command::Edits { pair, page }, Reply::Edits(part) => part);
        let last = part.rows.len() < CHUNK;
        rows.extend(part.rows);
        if last {
            break;
        }
    }
    let outcome = match rows.iter().any(|row| row.stale.is_some()) {
        true => Outcome::NeedsPerson,
        false => Outcome::Fine,
    };
    if args.json {
        let edits: Vec<Json> = rows.iter().map(row_json).collect();
        out.json(&json!({ "edits": edits }))?;
        return Ok(outcome);
    }
    if rows.is_empty() {
        out.line("no edit is staged")?;
        return Ok(outcome);
    }
    let lines: Vec<Vec<String>> = rows.iter().flat_map(row_lines).collect();
    out.table(&["RECORD", "NAME", "FIELD", "NOW", "THEN", "BY"], &lines)?;
    for row in &rows {
        if let Some(why) = &row.stale {
            out.line(&format!("not now: {}: {}", key_text(&row.key), shown(why)))?;
        }
    }
    let many = say::some(rows.len() as u64, "edit is", "edits are");
    out.line(&format!(
        "{many} staged; `syncdeck conflicts write` writes, `syncdeck records unstage` takes back"
    ))?;
    Ok(outcome)
}

/// Each field with the value that the person saw and the one it shall have.
fn changes(edit: &Edit) -> impl Iterator<Item = (&str, Option<&Value>, &Value)> {
    edit.fields.iter().map(|(name, value)| {
        let saw = match &edit.base {
            Base::Values(saw) => saw.get(name),
            Base::New => None,
        };
        (name.as_str(), saw, value)
    })
}

fn row_lines(row: &EditRow) -> Vec<Vec<String>> {
    let cell = |value: Option<&Value>| {
        let cell: Vec<Value> = value.cloned().into_iter().collect();
        say::cell(Some(&cell))
    };
    let new = row.edit.base == Base::New;
    changes(&row.edit)
        .map(|(field, saw, value)| {
            vec![
                key_text(&row.key),
                row.name.clone(),
                field.to_owned(),
                match new {
                    true => "new record".to_owned(),
                    false => cell(saw),
                },
                cell(Some(value)),
                row.by.clone(),
            ]
        })
        .collect()
}

fn row_json(row: &EditRow) -> Json {
    let fields: Vec<Json> = changes(&row.edit)
        .map(|(field, saw, value)| json!({ "field": field, "saw": saw, "then": value }))
        .collect();
    json!({
        "record": key_text(&row.key), "name": row.name, "new": row.edit.base == Base::New,
        "by": row.by, "fields": fields, "stale": row.stale,
    })
}

/// Takes back what is staged of records.
///
/// # Errors
/// What the engine refuses.
pub async fn unstage<W: Write>(
    session: &mut Session,
    args: UnstageArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut pairs: BTreeMap<PairName, Vec<AppId>> = BTreeMap::new();
    for RecordKey { pair, app_id } in args.records {
        pairs.entry(pair).or_default().push(app_id);
    }
    let (mut back, mut none) = (Vec::new(), Vec::new());
    for (pair, ids) in pairs {
        for part in ids.chunks(CHUNK) {
            let edits = part.iter().map(|id| (id.clone(), None)).collect();
            let pair = pair.clone();
            let command = Command::StageEdits { pair, edits };
            let staged = *ask!(session, command, Reply::EditsStaged(staged) => staged);
            for done in staged.done {
                let name = key_text(&done.key);
                match done.before {
                    Some(_) => back.push(name),
                    None => none.push(name),
                }
            }
        }
    }
    let outcome = match none.is_empty() {
        true => Outcome::Fine,
        false => Outcome::NeedsPerson,
    };
    if args.json {
        out.json(&json!({ "taken_back": back, "not_staged": none }))?;
        return Ok(outcome);
    }
    for name in &back {
        out.line(&format!("{name}: taken back"))?;
    }
    for name in &none {
        out.line(&format!("{name}: nothing of it is staged"))?;
    }
    Ok(outcome)
}
