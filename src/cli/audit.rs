//! `syncdeck audit`: what people and the engine decided and wrote, and whether that log is whole.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use super::lists::PageArgs;
use super::out::{Out, shown};
use super::session::{CHUNK, Session, ask};
use super::{Outcome, lists, say};
use crate::domain::id::RunId;
use crate::engine::audit::{CHECKPOINT_EVERY, Checkpoint, Did, Entry, Place, Step, Verdict, What};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::error::{Error, Kind, Result};

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries, newest first
    #[command(after_help = "\
Examples:
  syncdeck audit list
  syncdeck audit list --run 118 --json

Entries name records and fields, never values: of those they hold digests that only this store can
make. The values are kept beside the log as long as a run can be taken back.

Exit codes: 0 fine, 2 it could not be done.")]
    List(ListArgs),
    /// Check that no entry was changed, removed or put in
    #[command(after_help = "\
Examples:
  syncdeck audit verify
  syncdeck audit verify --against checkpoints.ndjson

By itself it cannot see that the newest entries were cut off: keep what `audit export --checkpoints`
writes in another place, and give it here. Values that are kept beside the log are checked, too; those
that were erased are not missed. The newest entries are checked at each start.

Exit codes: 0 the chain is whole, 1 it is broken (the first bad entry is named), 2 it could not be
checked.")]
    Verify(VerifyArgs),
    /// Write the entries, or checkpoints only, as NDJSON with their hashes
    #[command(after_help = "\
Examples:
  syncdeck audit export > audit.ndjson
  syncdeck audit export --after 12000 >> audit.ndjson
  syncdeck audit export --checkpoints > checkpoints.ndjson

Each line is {\"seq\":N,\"hash\":HEX,\"entry\":ENTRY}. The hash is SHA-256 over the hash before it in
hex, a line break, and ENTRY as it stands; before the first entry stand 64 zeros.

Exit codes: 0 fine, 2 it could not be done.")]
    Export(ExportArgs),
}

/// `audit` with or without what to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// Without it, the list.
    #[command(flatten)]
    pub list: ListArgs,
}

impl From<AuditArgs> for AuditCommand {
    fn from(args: AuditArgs) -> Self {
        args.command.unwrap_or(Self::List(args.list))
    }
}

/// Arguments of `audit list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only entries of this run
    #[arg(long, value_name = "RUN")]
    pub run: Option<RunId>,
    /// Which part.
    #[command(flatten)]
    pub page: PageArgs,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// What `audit export` wrote earlier, kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only entries behind this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub after: u64,
    /// Only number and hash of every 1000th entry and of the last
    #[arg(long)]
    pub checkpoints: bool,
}

/// Does it.
///
/// # Errors
/// When the store or a file cannot be read.
pub async fn run<W: Write>(
    session: &mut Session,
    command: AuditCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        AuditCommand::List(args) => list(session, args, out).await,
        AuditCommand::Verify(args) => verify(session, args, out).await,
        AuditCommand::Export(args) => export(session, args, out).await,
    }
}

async fn list<W: Write>(
    session: &mut Session,
    args: ListArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let command = Command::Audit {
        run: args.run,
        page: args.page.into(),
    };
    let part = ask!(session, command, Reply::Audit(part) => part);
    if args.json {
        out.json(&json!({ "entries": part.rows, "offset": part.offset, "total": part.total }))?;
        return Ok(Outcome::Fine);
    }
    if part.rows.is_empty() {
        out.line("no entries")?;
        return Ok(Outcome::Fine);
    }
    for entry in &part.rows {
        out.line(&format!(
            "{:>6}  {}  {}  {}",
            entry.seq,
            say::time(entry.at),
            shown(&entry.actor),
            shown(&words(entry))
        ))?;
    }
    lists::more(out, part.offset, part.rows.len(), part.total)?;
    Ok(Outcome::Fine)
}

/// An entry in one line.
fn words(entry: &Entry) -> String {
    let what = name(&json!(entry.what));
    let pair = entry.pair.as_ref().map_or("", |pair| pair.as_str());
    if entry.wrote.is_empty() {
        let moved = moved(entry);
        return match (&entry.text, moved.as_str()) {
            (text, "") if text.is_empty() => what,
            (text, "") => format!("{what}: {text}"),
            (_, moved) => format!("{what} {pair}: {moved}"),
        };
    }
    let mut parts = Vec::new();
    for side in [Place::App, Place::Crm] {
        for did in [Did::Created, Did::Changed, Did::Deleted] {
            let of = |w: &&crate::engine::audit::Wrote| w.side == side && w.did == did;
            let n = entry.wrote.iter().filter(of).count();
            let place = match side {
                Place::App => "the App",
                Place::Crm => "Salesforce",
            };
            if n > 0 {
                let did = name(&json!(did));
                parts.push(format!("{} {did} in {place}", say::number(n as u64)));
            }
        }
    }
    let run = entry.run.map_or(String::new(), |run| format!(" run {run}"));
    let mut codes: Vec<&str> = entry
        .wrote
        .iter()
        .filter_map(|w| w.code.as_deref())
        .collect();
    codes.dedup();
    let codes = match (entry.what, codes.is_empty()) {
        (What::Refused, false) => format!(" ({})", codes.join(", ")),
        _ => String::new(),
    };
    format!("{what} {pair}{run}: {}{codes}", parts.join(", "))
}

/// How many conflicts went where, and how many records into quarantine and out of it.
fn moved(entry: &Entry) -> String {
    let mut parts: Vec<(String, u64)> = Vec::new();
    let turns = entry.turns.iter().map(|turn| name(&json!(turn.to)));
    let asides = entry.asides.iter().map(|aside| match aside.step {
        Step::In => "into it".to_owned(),
        Step::Out => "out of it".to_owned(),
    });
    for word in turns.chain(asides) {
        match parts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, n)) => *n += 1,
            None => parts.push((word, 1)),
        }
    }
    let parts = parts
        .iter()
        .map(|(word, n)| format!("{} {word}", say::number(*n)));
    parts.collect::<Vec<_>>().join(", ")
}

fn name(word: &Json) -> String {
    word.as_str().unwrap_or_default().replace('_', " ")
}

async fn verify<W: Write>(
    session: &mut Session,
    args: VerifyArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let known = match &args.against {
        Some(file) => checkpoints(file)?,
        None => Vec::new(),
    };
    let verdict = ask!(session, Command::VerifyAudit { known }, Reply::Verdict(v) => v);
    let outcome = match verdict.broken {
        Some(_) => Outcome::NeedsPerson,
        None => Outcome::Fine,
    };
    if args.json {
        out.json(&verdict_json(&verdict))?;
        return Ok(outcome);
    }
    out.line(&format!(
        "{} good, up to {}",
        say::some(verdict.entries, "entry", "entries"),
        verdict.head.hash
    ))?;
    if args.against.is_some() {
        out.line(&format!(
            "{} of the file found in the chain",
            say::some(verdict.matched, "line", "lines")
        ))?;
    }
    if let Some(broken) = &verdict.broken {
        out.line(&format!("BROKEN at entry {}: {}", broken.seq, broken.why))?;
        out.line("  fix  compare with a backup: `syncdeck export` files hold the log, too")?;
    }
    Ok(outcome)
}

fn verdict_json(verdict: &Verdict) -> Json {
    json!({
        "entries": verdict.entries,
        "hash": verdict.head.hash.to_string(),
        "matched": verdict.matched,
        "broken": verdict.broken.as_ref().map(|b| json!({ "seq": b.seq, "why": b.why })),
    })
}

/// Number and hash of each line of an export.
fn checkpoints(file: &std::path::Path) -> Result<Vec<Checkpoint>> {
    let name = file.display();
    let open = std::fs::File::open(file)
        .map_err(|e| Error::new(Kind::Usage, format!("cannot read {name}: {e}")))?;
    let mut known = Vec::new();
    for (number, line) in BufReader::new(open).lines().enumerate() {
        let wrong = |why: &str| {
            Error::new(Kind::Usage, format!("{name}:{}: {why}", number + 1))
                .hint("the file is what `syncdeck audit export` wrote")
        };
        let line = line.map_err(|e| wrong(&e.to_string()))?;
        let row: Json = serde_json::from_str(&line).map_err(|_| wrong("not a line of JSON"))?;
        let seq = row.get("seq").and_then(Json::as_u64).filter(|seq| *seq > 0);
        let hash = row.get("hash").and_then(Json::as_str);
        match (seq, hash.map(str::parse)) {
            (Some(seq), Some(Ok(hash))) => known.push(Checkpoint { seq, hash }),
            _ => return Err(wrong("no seq and hash")),
        }
    }
    if known.is_empty() {
        return Err(Error::new(
            Kind::Usage,
            format!("{name} holds no checkpoint"),
        ));
    }
    Ok(known)
}

async fn export<W: Write>(
    session: &mut Session,
    args: ExportArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let mut after = args.after;
    let mut last = None;
    while out.is_read() {
        let limit = CHUNK;
        let lines = ask!(session, Command::AuditLines { after, limit }, Reply::AuditLines(l) => l);
        let Some((end, _)) = lines.last() else {
            break;
        };
        after = *end;
        for (seq, chained) in lines {
            if args.checkpoints && seq % CHECKPOINT_EVERY != 0 {
                last = Some((seq, chained.hash));
                continue;
            }
            last = None;
            if args.checkpoints {
                out.line(&json!({ "seq": seq, "hash": chained.hash.to_string() }).to_string())?;
            } else {
                let hash = chained.hash;
                // As it was hashed, not read and written again.
                let entry = RawValue::from_string(chained.line).map_err(|error| {
                    Error::new(Kind::Store, format!("entry {seq} is not readable"))
                        .hint("`syncdeck audit verify` says what is wrong")
                        .caused_by(error)
                })?;
                out.line(&format!(
                    "{{\"seq\":{seq},\"hash\":\"{hash}\",\"entry\":{}}}",
                    entry.get()
                ))?;
            }
        }
    }
    if let Some((seq, hash)) = last {
        out.line(&json!({ "seq": seq, "hash": hash.to_string() }).to_string())?;
    }
    Ok(Outcome::Fine)
}
