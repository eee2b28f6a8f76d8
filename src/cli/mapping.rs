//! `syncdeck mapping`: mappings leave as TOML and come back, for review in git.
//!
//! The file's form is `domain::mapping_file`'s, its soundness the engine's. Invariant: a mapping
//! is saved as a new version after its difference was shown and somebody agreed; a file made from
//! an older version than the saved one is not laid over it.

mod check;
mod restore;
mod versions;

use std::io::{self, Read as _, Write};

use clap::{Args, Subcommand};
use similar::{ChangeTag, TextDiff};

pub use self::check::CheckArgs;
pub use self::restore::RestoreArgs;
pub use self::versions::VersionsArgs;
use super::Outcome;
use super::ask::{Answer, Consent, not_typed};
use super::out::{Out, shown};
use super::session::{Session, ask};
use crate::domain::id::PairName;
use crate::domain::mapping::Pair;
use crate::domain::mapping_file::{from_toml, to_toml};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::{MappingPreview, Problem};
use crate::error::{Error, Kind, Result};

/// Larger files are no mappings.
const LARGEST: u64 = 8 * 1024 * 1024;

/// What to do with mappings.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Print the mapping of pairs as TOML
    #[command(after_help = "\
Examples:
  syncdeck mapping export > mappings.toml
  syncdeck mapping export leads

Exit codes: 0 fine, 2 it could not be done.")]
    Export(ExportArgs),
    /// Say what is wrong with mappings, and which values have no place on the other side
    #[command(after_help = "\
Examples:
  syncdeck mapping check
  syncdeck mapping check leads --json

Lists of Salesforce are held against the App's values, and these against the lists.

Exit codes: 0 fine; 1 something would be refused or left out; 2 it could not be done.")]
    Check(CheckArgs),
    /// Check a file, show what changes, and save it as new versions
    #[command(after_help = "\
Examples:
  syncdeck mapping import mappings.toml --preview
  syncdeck mapping import mappings.toml
  syncdeck mapping import - --yes < mappings.toml

Nothing is written to records by this; the next run follows the new mapping.

Exit codes: 0 saved, or nothing differs; 1 not saved; 2 the file is wrong or could not be saved.")]
    Import(ImportArgs),
    /// List the versions of a mapping, newest first, and what each changed
    #[command(after_help = "\
Example:
  syncdeck mapping versions leads

Exit codes: 0 fine, 2 it could not be done.")]
    Versions(VersionsArgs),
    /// Bring back an older version: show what changes, and save it as the newest
    #[command(after_help = "\
Examples:
  syncdeck mapping restore leads 12 --preview
  syncdeck mapping restore leads 12

`syncdeck mapping versions leads` lists them. When the pair runs stays as it is.

Exit codes: 0 saved, or nothing differs; 1 not saved; 2 it could not be done.")]
    Restore(RestoreArgs),
}

/// Arguments of `mapping export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Pairs; without any, all
    pub pairs: Vec<String>,
}

/// Arguments of `mapping import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// File that `mapping export` made, with changes; `-` is standard input
    pub file: String,
    /// Show what would change, and stop
    #[arg(long, conflicts_with = "yes")]
    pub preview: bool,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
}

/// Does it.
///
/// # Errors
/// When the file is wrong, or what the engine refuses.
pub async fn run<W: Write>(
    session: &mut Session,
    command: MappingCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    match command {
        MappingCommand::Export(args) => export(session, args, out).await,
        MappingCommand::Import(args) => {
            let (name, text) = read(&args.file)?;
            import(session, &args, &name, &text, out).await
        }
        MappingCommand::Check(args) => check::run(session, args, out).await,
        MappingCommand::Versions(args) => versions::run(session, args, out).await,
        MappingCommand::Restore(args) => restore::run(session, args, out).await,
    }
}

async fn export<W: Write>(
    session: &mut Session,
    args: ExportArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let names: Vec<PairName> = if args.pairs.is_empty() {
        let summary = session.summary().await?;
        summary.pairs.iter().map(|p| p.name.clone()).collect()
    } else {
        args.pairs.into_iter().map(PairName::new).collect()
    };
    let mut pairs = Vec::with_capacity(names.len());
    for name in &names {
        pairs.push(session.pair(name).await?);
    }
    out.raw(&to_toml(&pairs))?;
    Ok(Outcome::Fine)
}

/// The file's name for messages, and its text.
fn read(file: &str) -> Result<(String, String)> {
    let name = if file == "-" { "standard input" } else { file };
    let mut text = String::new();
    not_typed(file)?;
    let read = if file == "-" {
        io::stdin().lock().take(LARGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(LARGEST).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok((name.to_owned(), text)),
        Err(e) => Err(Error::new(
            Kind::Usage,
            format!("cannot read {}: {e}", shown(name)),
        )),
    }
}

async fn import<W: Write>(
    session: &mut Session,
    args: &ImportArgs,
    name: &str,
    text: &str,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let pairs = from_toml(text).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|f| format!("{name}: {f}")).collect();
        Error::new(Kind::Usage, lines.join("\n"))
            .hint("nothing was saved; the comments on top of an exported file name every value")
    })?;
    // All of them are looked at before the first is saved.
    let mut changed = Vec::new();
    for pair in pairs {
        if differs(session, &pair, out).await? {
            changed.push(pair);
        }
    }
    if changed.is_empty() {
        out.line("nothing differs from the saved mappings")?;
        return Ok(Outcome::Fine);
    }
    if args.preview {
        return Ok(Outcome::Fine);
    }
    let question = format!("Save {} as new versions?", names(&changed));
    if args.consent.ask(&question).await? == Answer::No {
        out.line("nothing was saved")?;
        return Ok(Outcome::NeedsPerson);
    }
    for pair in changed {
        let saved = pair.name.clone();
        let draft = Box::new(pair);
        let version =
            ask!(session, Command::SaveMapping { draft }, Reply::Saved { version } => version);
        out.line(&format!(
            "{}: saved as version {version}",
            shown(saved.as_str())
        ))?;
    }
    Ok(Outcome::Fine)
}

fn names(pairs: &[Pair]) -> String {
    let names: Vec<String> = pairs.iter().map(|p| shown(p.name.as_str())).collect();
    names.join(", ")
}

/// Shows what a draft changes and what is wrong with it; whether it changes anything.
async fn differs<W: Write>(session: &mut Session, draft: &Pair, out: &mut Out<W>) -> Result<bool> {
    let saved = match session.pair(&draft.name).await {
        Ok(saved) => saved,
        // No pair of this name: it is made.
        Err(error) if error.kind() == Kind::Usage => {
            out.line(&format!("{} (new)", shown(draft.name.as_str())))?;
            difference("", &to_toml(std::slice::from_ref(draft)), out)?;
            look_at(session, draft, out).await?;
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    if saved.version != draft.version {
        return Err(Error::new(
            Kind::Changed,
            format!(
                "the file has version {} of `{}`, and version {} is saved",
                draft.version, draft.name, saved.version
            ),
        )
        .hint("export it again and make the change there, or correct `version` in the file"));
    }
    if saved == *draft {
        return Ok(false);
    }
    out.line(&format!(
        "{} (version {})",
        shown(draft.name.as_str()),
        saved.version
    ))?;
    difference(
        &to_toml(&[saved]),
        &to_toml(std::slice::from_ref(draft)),
        out,
    )?;
    look_at(session, draft, out).await?;
    Ok(true)
}

/// Shows what follows from a draft that changes something; an error when it cannot work.
async fn look_at<W: Write>(session: &mut Session, draft: &Pair, out: &mut Out<W>) -> Result<()> {
    if let Some(preview) = preview(session, draft).await? {
        for line in &preview.after_saving {
            out.line(&format!("  {}", shown(line)))?;
        }
        sound(draft, &preview.problems, out)?;
    }
    Ok(())
}

/// What the engine says of a draft; nothing without rows, which it refuses by itself.
async fn preview(session: &mut Session, draft: &Pair) -> Result<Option<MappingPreview>> {
    let Some(row) = draft.rows.first().map(|r| r.id) else {
        return Ok(None);
    };
    let command = Command::PreviewMapping {
        draft: Box::new(draft.clone()),
        row,
        samples: 0,
    };
    Ok(Some(
        *ask!(session, command, Reply::MappingPreview(preview) => preview),
    ))
}

fn sound<W: Write>(draft: &Pair, problems: &[Problem], out: &mut Out<W>) -> Result<()> {
    for problem in problems {
        let row = problem
            .row
            .map_or_else(String::new, |r| format!(" row {r}:"));
        out.line(&format!(
            "  {:4} {row} {}",
            problem.word,
            shown(&problem.text)
        ))?;
        out.line(&format!("    fix: {}", shown(&problem.fix)))?;
    }
    if problems.iter().any(|p| p.word == Word::Fail) {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "the mapping of `{}` cannot work; nothing was saved",
                draft.name
            ),
        )
        .hint("correct what is marked FAIL above"));
    }
    Ok(())
}

/// Changed lines with three lines around each.
fn difference<W: Write>(old: &str, new: &str, out: &mut Out<W>) -> Result<()> {
    let diff = TextDiff::from_lines(old, new);
    for group in diff.grouped_ops(3) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let line = change.value().trim_end_matches('\n');
            out.line(&format!("  {mark} {}", shown(line)))?;
        }
    }
    Ok(())
}
