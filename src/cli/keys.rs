//! `syncdeck keys`: the keys in force, as a table for people, for the documents, or as JSON.
//!
//! It reads `keys.toml` and starts nothing. Invariant: what it prints is the one table that the
//! console uses.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::out::Out;
use super::{Global, Outcome, console};
use crate::error::Result;
use crate::tui::action::{Context, Info, TABLE};
use crate::tui::keymap::Keymap;

/// Arguments of `keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck keys
  syncdeck keys --format json | jq -r '.keys[] | select(.changed) | .action'

Keys are changed in keys.toml beside config.toml, by action:
  [sync]
  run_now = [\"s\", \"F5\"]
An unknown action, a key that does not arrive over SSH, or one that is used twice is shown with
line and column.

Exit codes: 0 fine, 2 keys.toml is wrong or cannot be read.")]
pub struct KeysArgs {
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// The table of the README
    Markdown,
    /// One JSON document
    Json,
}

/// Prints it.
///
/// # Errors
/// When the key file is wrong or cannot be read, or the output cannot be written.
pub fn run<W: Write>(global: &Global, args: &KeysArgs, out: &mut Out<W>) -> Result<Outcome> {
    let keymap = console::keymap(&global.paths()?)?;
    match args.format {
        Format::Markdown => out.raw(&markdown(&keymap))?,
        Format::Text => {
            let rows: Vec<_> = TABLE
                .iter()
                .map(|info| {
                    vec![
                        keys(&keymap, info),
                        info.name.to_owned(),
                        place(info),
                        info.help.to_owned(),
                    ]
                })
                .collect();
            out.table(&["KEYS", "ACTION", "WHERE", "DOES"], &rows)?;
        }
        Format::Json => {
            let rows: Vec<_> = TABLE
                .iter()
                .map(|info| {
                    json!({
                        "action": info.name,
                        "keys": keymap.chords(info.action),
                        "where": contexts(info),
                        "does": info.help,
                        "changed": keymap.changed().contains(&info.action),
                    })
                })
                .collect();
            out.json(&json!({ "keys": rows }))?;
        }
    }
    Ok(Outcome::Fine)
}

fn keys(keymap: &Keymap, info: &Info) -> String {
    match keymap.keys_of(info.action).as_str() {
        "" => "-".to_owned(),
        keys => keys.to_owned(),
    }
}

fn contexts(info: &Info) -> Vec<&'static str> {
    info.contexts.iter().map(|c| c.name()).collect()
}

fn place(info: &Info) -> String {
    match info.contexts.len() {
        0 => "everywhere".to_owned(),
        n if n == Context::ALL.len() => "everywhere".to_owned(),
        _ => contexts(info).join(", "),
    }
}

/// The table for documents: actions with a key, in the order of the table.
pub fn markdown(keymap: &Keymap) -> String {
    let mut out = "| Keys | Does | Where |\n|---|---|---|\n".to_owned();
    for info in TABLE {
        let chords = keymap.chords(info.action);
        if chords.is_empty() {
            continue;
        }
        let keys: Vec<String> = chords.iter().map(|key| format!("`{key}`")).collect();
        let row = [keys.join(" "), info.help.replace('|', "\\|"), place(info)];
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}
