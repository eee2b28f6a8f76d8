//! `syncdeck conflicts`: see, decide, preview and write, without the console.
//!
//! It stages decisions and writes exactly what was previewed. A decision is made on values that
//! were seen: if they moved meanwhile, the engine refuses it.

mod args;
mod shown;

use std::io::Write;

use serde_json::{Value as Json, json};

use super::ask::Answer;
use super::lists::RecordArgs;
use super::out::{Out, shown};
use super::session::{CHUNK, Session, ask, key_text};
use super::{Outcome, lists, say, sync};
use crate::domain::conflict::{Choice, Fingerprint};
use crate::domain::id::ConflictId;
use crate::domain::text::{nearest, some};
use crate::domain::transform::Side;
use crate::engine::command::{Command, Decide, Overrule, Page, RecordKey, WriteScope};
use crate::engine::notice::Reply;
use crate::engine::view::{ConflictDetail, ConflictField, ConflictRow, Decided};
use crate::error::{Error, Kind, Result};

pub use self::args::{ConflictsArgs, ConflictsCommand, ListArgs, TakeArgs, Whom, Word, WriteArgs};
use self::shown::{detail_json, detail_text};
pub use self::shown::{preview_json, preview_text};

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
    let filter = args.filter.unwrap_or_default();
    let settled = filter.contains("state:ok");
    let part = ask!(session, Command::Conflicts { filter, page }, Reply::Conflicts(part) => part);
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
            let none = match settled {
                true => "no conflict was decided",
                false => "no open conflicts",
            };
            out.line(none)?;
            return Ok(Outcome::Fine);
        }
        out.table(
            &["RECORD", "STATE", "NAME", "DECIDED", "WAITS FOR", "SINCE"],
            &rows,
        )?;
        lists::more(out, part.offset, part.rows.len(), part.total)?;
    }
    Ok(if part.total == 0 || settled {
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
    let Some(detail) = detail(session, &args.record).await? else {
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
    Ok(match detail.is_settled() {
        true => Outcome::Fine,
        false => Outcome::NeedsPerson,
    })
}

/// The open conflicts of a record, or those that were decided; `None` when it has neither.
///
/// # Errors
/// There is no such record; names the one among the open conflicts that may be meant.
async fn detail(session: &mut Session, key: &RecordKey) -> Result<Option<Box<ConflictDetail>>> {
    let command = Command::Conflict { key: key.clone() };
    if let Some(detail) = ask!(session, command, Reply::Conflict(d) => d) {
        return Ok(Some(detail));
    }
    let command = Command::Record { key: key.clone() };
    let Err(error) = session.ask(command).await else {
        return Ok(None);
    };
    if error.kind() != Kind::Usage {
        return Err(error);
    }
    let open: Vec<String> = all(session)
        .await?
        .iter()
        .map(|row| key_text(&row.key))
        .collect();
    Err(
        match nearest(&key_text(key), open.iter().map(String::as_str)) {
            Some(meant) => error.hint(format!("did you mean {meant}?")),
            None => error,
        },
    )
}

async fn take<W: Write>(
    session: &mut Session,
    args: TakeArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut decisions = Vec::new();
    let mut kept = 0u64;
    let mut overruled = None;
    match &args.whom {
        Whom::Record(key) => {
            let detail = detail(session, key).await?.ok_or_else(|| {
                Error::new(Kind::Changed, "this record has no open conflict any more")
            })?;
            // What was decided about the record is taken back like an open question is decided.
            let whole = detail.record.is_some() && args.field.is_none();
            if detail.is_settled() && !whole {
                return take_back(session, &detail, &args, out).await;
            }
            overruled = decide_in(&detail, &args, &mut decisions)?;
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
                for open in row.conflicts {
                    let by_hand = matches!(open.choice, Some(Choice::Typed { .. } | Choice::Both));
                    if by_hand && choice.is_some() {
                        kept += 1;
                        continue;
                    }
                    decisions.push(Decide {
                        conflict: open.id,
                        fp: open.fp,
                        choice: choice.clone(),
                    });
                }
            }
        }
    }
    let mut sum = Decided {
        staged: 0,
        refused: Vec::new(),
    };
    if let Some(overrule) = overruled {
        sum = ask!(session, Command::Overrule { overrule }, Reply::Decided(d) => d);
    }
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
    if kept > 0 {
        let kept = some(kept, "merged value was", "merged values were");
        out.line(&format!("{kept} kept: name the record to replace one"))?;
    }
    for (conflict, reason) in &sum.refused {
        out.line(&format!("refused: conflict {conflict}: {}", shown(reason)))?;
    }
    Ok(if sum.refused.is_empty() {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
}

/// Takes a decision back: the other value is staged, to be written like any decision.
async fn take_back<W: Write>(
    session: &mut Session,
    detail: &ConflictDetail,
    args: &TakeArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let names = |f: &&ConflictField| {
        let name = args.field.as_deref();
        name.is_none_or(|name| f.app_label == name || f.crm_label == name)
    };
    let settled = || detail.fields.iter().filter(|f| f.note.is_some());
    let chosen: Vec<&ConflictField> = settled().filter(names).collect();
    if chosen.is_empty() {
        let known: Vec<_> = settled().map(|f| f.app_label.as_str()).collect();
        return Err(Error::new(Kind::Usage, "this field was not in conflict")
            .hint(format!("fields that were decided: {}", known.join(", "))));
    }
    for field in &chosen {
        let choice = chosen_for(field, args)?;
        let overrule = Overrule {
            record: detail.key.clone(),
            row: field.row,
            fp: field.fp,
            choice,
        };
        ask!(session, Command::Overrule { overrule }, Reply::Decided(_) => ());
    }
    let what = match args.word {
        Some(Word::Undo) => "left as decided",
        _ => "taken back; `syncdeck conflicts write` writes them",
    };
    out.line(&format!("{} {what}", chosen.len()))?;
    Ok(Outcome::Fine)
}

/// What the arguments say about one field.
fn chosen_for(field: &ConflictField, args: &TakeArgs) -> Result<Option<Choice>> {
    match (args.word, &args.value) {
        (Some(word), _) => Ok(choice(word)),
        (None, Some(text)) => Ok(Some(Choice::Typed {
            side: Side::App,
            cell: vec![say::parse(field.kind, text)?],
        })),
        (None, None) => Err(Error::new(Kind::Usage, "say what to take")),
    }
}

/// The decisions that the arguments mean for one record, or what overrules the merge of a field
/// that only one side changed.
fn decide_in(
    detail: &ConflictDetail,
    args: &TakeArgs,
    decisions: &mut Vec<Decide>,
) -> Result<Option<Overrule>> {
    let mut put = |conflict: ConflictId, fp: Fingerprint, choice: Option<Choice>| {
        decisions.push(Decide {
            conflict,
            fp,
            choice,
        });
    };
    if let Some(name) = &args.field {
        let field = field(detail, name)?;
        let decided = chosen_for(field, args)?;
        let Some(conflict) = field.conflict else {
            return Ok(Some(Overrule {
                record: detail.key.clone(),
                row: field.row,
                fp: field.fp,
                choice: decided,
            }));
        };
        put(conflict, field.fp, decided);
        return Ok(None);
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
    Ok(None)
}

fn field<'d>(detail: &'d ConflictDetail, name: &str) -> Result<&'d ConflictField> {
    let mut fields = detail.fields.iter();
    let found = fields.find(|f| f.app_label == name || f.crm_label == name);
    found.ok_or_else(|| {
        let names = detail.fields.iter().map(|f| f.app_label.as_str());
        let names: Vec<_> = names.collect();
        Error::new(Kind::Usage, format!("`{name}` does not differ here"))
            .hint(format!("fields that differ: {}", names.join(", ")))
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
        let part = ask!(session, Command::Conflicts { filter: String::new(), page }, Reply::Conflicts(part) => part);
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
    let schedules = preview.schedules.len() as u64;
    let staged = u64::from(preview.decisions + preview.edits) + schedules;
    if staged == 0 && preview.refused.is_empty() && !args.json {
        out.line("nothing is decided: `syncdeck conflicts` lists what is open")?;
        return Ok(Outcome::Fine);
    }
    if args.preview && args.json {
        out.json(&preview_json(&preview, "decisions"))?;
    } else if !args.json {
        preview_text(&preview, ("decision", "decisions"), out)?;
    }
    let held = if preview.refused.is_empty() {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    };
    if args.preview || staged == 0 {
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
    if preview.edits > 0 && !args.json {
        let edits = say::some(preview.edits.into(), "edit is", "edits are");
        out.line(&format!(
            "{edits} written in the App; `syncdeck sync` syncs them"
        ))?;
    }
    if schedules > 0 && !args.json {
        let schedules = say::some(schedules, "schedule is", "schedules are");
        out.line(&format!("{schedules} set"))?;
    }
    let done = sync::follow(session, &runs, args.json, out).await?;
    Ok(if done == Outcome::Fine { held } else { done })
}
