//! `syncdeck records sync`, `set-many`, `delete-many`: many App records by one command.
//!
//! What would be done is counted first, and is done only when the person typed that number; a
//! record that somebody changed meanwhile is left, and named. Invariant: without `--expect` nothing
//! is changed, and with it nothing when the number is another.

mod args;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};

use serde_json::{Value as Json, json};

use super::change::{form, typed, warn};
use crate::cli::ask::{beside, not_typed};
use crate::cli::out::{Out, shown};
use crate::cli::session::{CHUNK, Session, ask, key_text, record_key};
use crate::cli::{Outcome, say, sync};
use crate::domain::form::Occasion;
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::DeletePolicy;
use crate::domain::value::Fields;
use crate::engine::command::{Command, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::{Acted, Refused};
use crate::error::{Error, Kind, Result};

pub use args::ManyCommand;
use args::{DeleteManyArgs, SetManyArgs, SyncArgs, Whether, Which};

/// Records that one command takes at most.
const MOST: usize = 100_000;
/// Names of records that are told.
const NAMED: usize = 3;

/// Does it.
///
/// # Errors
/// When the number of records is not the one that was typed, or the engine refuses.
pub async fn run<W: Write>(
    session: &mut Session,
    command: ManyCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        ManyCommand::Sync(args) => sync_records(session, args, out).await,
        ManyCommand::SetMany(args) => set_many(session, args, out).await,
        ManyCommand::DeleteMany(args) => delete_many(session, args, out).await,
    }
}

async fn sync_records<W: Write>(
    session: &mut Session,
    args: SyncArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut by_pair: BTreeMap<PairName, Vec<AppId>> = BTreeMap::new();
    for key in args.records {
        let records = by_pair.entry(key.pair).or_default();
        if !records.contains(&key.app_id) {
            records.push(key.app_id);
        }
    }
    let mut runs = Vec::new();
    for (pair, records) in by_pair {
        let command = Command::SyncRecords { pair, records };
        runs.extend(ask!(session, command, Reply::Started(runs) => runs));
    }
    sync::follow(session, &runs, args.json, out).await
}

/// What would be done to which records, at their revisions.
#[derive(Debug, Default)]
struct Meant {
    records: Vec<(AppId, u64)>,
    refused: Vec<Refused>,
    /// Of a deletion: how many are linked, and what the next sync does with those.
    linked: u64,
    policy: Option<DeletePolicy>,
    names: Vec<String>,
}

/// What a command did, for its words and its JSON.
struct Told<'t> {
    /// `deleted`, `changed`.
    did: &'static str,
    pair: &'t PairName,
    meant: &'t Meant,
    fields: &'t Fields,
}

async fn set_many<W: Write>(
    session: &mut Session,
    args: SetManyArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = PairName::new(args.pair);
    let mut meant = Meant::default();
    for records in ids(session, &pair, args.which).await?.chunks(CHUNK) {
        let command = Command::PinRecords {
            pair: pair.clone(),
            records: records.to_vec(),
        };
        let pinned = ask!(session, command, Reply::Pinned(pinned) => *pinned);
        meant.records.extend(pinned.records);
        meant.refused.extend(pinned.refused);
    }
    let first = meant.records.first().map(|(id, _)| id.clone());
    let view = form(session, &pair, first.as_ref()).await?;
    let fields = typed(&view, &args.fields, Occasion::Edit)?;
    let told = Told {
        did: "changed",
        pair: &pair,
        meant: &meant,
        fields: &fields,
    };
    if args.whether.is_dry(&told)? {
        return told.say(None, args.json, out);
    }
    let part = |records| Command::EditRecords {
        pair: pair.clone(),
        records,
        fields: fields.clone(),
    };
    let acted = in_parts(session, &told, part).await?;
    warn(&view, &fields, Occasion::Edit);
    told.say(Some(acted), args.json, out)
}

async fn delete_many<W: Write>(
    session: &mut Session,
    args: DeleteManyArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pair = PairName::new(args.pair);
    let mut meant = Meant::default();
    for records in ids(session, &pair, args.which).await?.chunks(CHUNK) {
        let command = Command::PreviewDelete {
            pair: pair.clone(),
            records: records.to_vec(),
        };
        let preview = ask!(session, command, Reply::DeletePreview(preview) => *preview);
        meant.records.extend(preview.records);
        meant.refused.extend(preview.refused);
        meant.linked += preview.linked;
        meant.policy = Some(preview.policy);
        meant.names.extend(preview.names);
        meant.names.truncate(NAMED);
    }
    let told = Told {
        did: "deleted",
        pair: &pair,
        meant: &meant,
        fields: &Fields::new(),
    };
    if args.whether.is_dry(&told)? {
        return told.say(None, args.json, out);
    }
    let part = |records| Command::DeleteRecords {
        pair: pair.clone(),
        records,
    };
    let acted = in_parts(session, &told, part).await?;
    told.say(Some(acted), args.json, out)
}

/// The records that are meant, each once.
async fn ids(session: &mut Session, pair: &PairName, which: Which) -> Result<Vec<AppId>> {
    let filter = match (which.filter, which.all) {
        (Some(filter), _) if filter.trim().is_empty() => {
            return Err(Error::new(Kind::Usage, "the filter is empty")
                .hint("all records of the pair are meant by --all"));
        }
        (filter, false) => filter,
        (_, true) => Some(String::new()),
    };
    let found = match filter {
        Some(filter) => {
            let command = Command::RecordKeys {
                pair: pair.clone(),
                filter,
                limit: MOST,
            };
            let found = ask!(session, command, Reply::RecordKeys(found) => found);
            if found.total > found.rows.len() as u64 {
                return Err(too_many(found.total));
            }
            found.rows.into_iter().map(|key| key.app_id).collect()
        }
        None => {
            let mut found: Vec<AppId> = Vec::new();
            for id in which.id {
                found.push(of_pair(pair, &id)?);
            }
            if let Some(file) = which.ids_from {
                for line in beside(move || lines(&file)).await? {
                    found.push(of_pair(pair, &line)?);
                }
            }
            let mut known = BTreeSet::new();
            found.retain(|id| known.insert(id.clone()));
            found
        }
    };
    match found.len() {
        0 => Err(Error::new(Kind::Usage, "no record is meant")
            .hint(format!("look: syncdeck records list {pair}"))),
        n if n > MOST => Err(too_many(n as u64)),
        _ => Ok(found),
    }
}

fn too_many(number: u64) -> Error {
    let text = format!(
        "{} records are meant, and {} at most are done by one command",
        say::number(number),
        say::number(MOST as u64)
    );
    Error::new(Kind::Usage, text).hint("a filter makes them fewer")
}

/// `ID`, or `PAIR/ID` of this pair.
fn of_pair(pair: &PairName, text: &str) -> Result<AppId> {
    match record_key(text) {
        Ok(key) if key.pair == *pair => Ok(key.app_id),
        Ok(_) => {
            let text = format!("{} is no record of {pair}", shown(text));
            Err(Error::new(Kind::Usage, text).hint("one command is about one pair"))
        }
        Err(_) => Ok(AppId::new(text)),
    }
}

/// The lines of a file that say something.
fn lines(file: &str) -> Result<Vec<String>> {
    not_typed(file)?;
    let cannot = |error: std::io::Error| {
        Error::new(Kind::Usage, format!("cannot read {}: {error}", shown(file)))
    };
    let from: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin()),
        path => Box::new(File::open(path).map_err(cannot)?),
    };
    let mut found = Vec::new();
    for line in BufReader::new(from).lines() {
        let line = line.map_err(cannot)?;
        let line = line.trim();
        if !line.is_empty() {
            found.push(line.to_owned());
        }
        if found.len() > MOST {
            return Err(too_many(found.len() as u64));
        }
    }
    Ok(found)
}

impl Whether {
    /// Whether it is only looked at; refuses to do it to another number of records than was typed.
    fn is_dry(self, told: &Told<'_>) -> Result<bool> {
        let is = told.meant.records.len() as u64;
        match self.expect {
            None => Ok(true),
            Some(typed) if typed == is => Ok(false),
            Some(typed) => {
                let text = format!(
                    "{} would be {}, and {} are expected: nothing was {}",
                    say::some(is, "record", "records"),
                    told.did,
                    say::number(typed),
                    told.did
                );
                Err(Error::new(Kind::Changed, text).hint("look at them again: --dry-run"))
            }
        }
    }
}

/// Does it part by part, so that no part is too much for one transaction.
async fn in_parts(
    session: &mut Session,
    told: &Told<'_>,
    command: impl Fn(Vec<(AppId, u64)>) -> Command,
) -> Result<Acted> {
    let mut acted = Acted::default();
    for part in told.meant.records.chunks(CHUNK) {
        let answer = match session.ask(command(part.to_vec())).await {
            Ok(Reply::Acted(done)) => Ok(done),
            Ok(_) => Err(Session::wrong_answer()),
            Err(error) => Err(error),
        };
        match answer {
            Ok(done) => {
                acted.done.extend(done.done);
                acted.refused.extend(done.refused);
            }
            Err(error) if acted.done.is_empty() => return Err(error),
            Err(error) => {
                let text = format!(
                    "{} of {} were {}, then it broke off: {}",
                    say::number(acted.done.len() as u64),
                    say::number(told.meant.records.len() as u64),
                    told.did,
                    error.message()
                );
                let hint = error.remedy().unwrap_or("look at what is left: --dry-run");
                return Err(Error::new(error.kind(), text).hint(hint));
            }
        }
    }
    Ok(acted)
}

impl Told<'_> {
    /// Says what was done, or without `acted` what would be.
    fn say<W: Write>(&self, acted: Option<Acted>, json: bool, out: &mut Out<W>) -> Result<Outcome> {
        let meant = self.meant;
        let is = meant.records.len() as u64;
        let done = acted.as_ref().map_or(0, |acted| acted.done.len() as u64);
        let later = acted.iter().flat_map(|acted| &acted.refused);
        let refused: Vec<&Refused> = meant.refused.iter().chain(later).collect();
        let key = |id: &AppId| {
            key_text(&RecordKey {
                pair: self.pair.clone(),
                app_id: id.clone(),
            })
        };
        if json {
            let refused = refused
                .iter()
                .map(|r| json!({ "record": key(&r.app_id), "why": r.why }));
            let records = acted.iter().flat_map(|acted| &acted.done);
            let records: Vec<Json> = records.map(|(id, _)| json!(key(id))).collect();
            out.json(&json!({
                "did": match acted { Some(_) => self.did, None => "nothing" },
                "dry_run": acted.is_none(), "pair": self.pair, "meant": is, "done": done,
                "linked": meant.policy.as_ref().map(|_| meant.linked), "policy": meant.policy,
                "fields": say::fields_json(self.fields), "examples": meant.names,
                "records": records, "refused": refused.collect::<Vec<_>>(),
            }))?;
        } else {
            match &acted {
                None => out.line(&format!(
                    "{} would be {}; nothing was: --expect {is} does it",
                    say::some(is, "record", "records"),
                    self.did
                ))?,
                Some(_) => out.line(&format!(
                    "{} {} in the App",
                    say::some(done, "record", "records"),
                    self.did
                ))?,
            }
            if let Some(policy) = &meant.policy {
                let then = match policy {
                    DeletePolicy::Propagate => {
                        "the next sync deletes them in Salesforce".to_owned()
                    }
                    DeletePolicy::Mark | DeletePolicy::Unlink => {
                        "Salesforce keeps its records; the next sync ends their links".to_owned()
                    }
                    DeletePolicy::Ignore => "Salesforce keeps its records".to_owned(),
                    DeletePolicy::MarkWith(mark) => format!(
                        "the next sync sets {} to {:?} in Salesforce",
                        shown(mark.field.as_str()),
                        shown(&mark.value)
                    ),
                };
                let linked = say::number(meant.linked);
                out.line(&format!("  {linked} of them linked: {then}"))?;
            }
            if !meant.names.is_empty() {
                out.line(&format!("  such as {}", shown(&meant.names.join(", "))))?;
            }
            for Refused { app_id, why } in &refused {
                out.line(&format!("  {} left: {}", shown(&key(app_id)), shown(why)))?;
            }
        }
        Ok(match refused.is_empty() || acted.is_none() {
            true => Outcome::Fine,
            false => Outcome::NeedsPerson,
        })
    }
}
