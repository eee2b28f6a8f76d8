//! `syncdeck setup`: the first run, on the screen or line by line.
//!
//! Both forms do their steps through `steps`, and keep what each step came to. Invariant:
//! settings that a person wrote are never written over, and a vault that is there stays.

mod plain;
mod screen;
mod steps;

use std::io::Write;

use clap::Args;

use super::console;
use super::out::Out;
use super::{Global, Outcome};
use crate::config::draft::{Draft, Found};
use crate::error::Result;
use crate::vault::{Vault, VaultError};

pub use screen::run as on_screen;

/// Arguments of `setup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck setup
  syncdeck --profile prod-eu setup
  syncdeck setup --plain

Six steps: profile, vault, sign-in to Salesforce, the App's side, what is synced, and a dry run that
writes nothing; then the first sync is offered. Each step is saved: leaving loses nothing, and
starting again goes on at the first step that is missing. With --plain, with TERM=dumb, or without a
terminal, the same is asked line by line; an empty line takes the value in brackets.

Exit codes: 0 set up, or left after the settings were saved, 1 left on the screen before the end,
2 it could not be done; settings that a person wrote are never changed.")]
pub struct SetupArgs {
    /// Ask line by line, on any terminal
    #[arg(long)]
    pub plain: bool,
}

/// Goes through the steps that are missing.
///
/// # Errors
/// When a step could not be done, or the input ends before the settings are saved.
pub async fn run<W: Write>(global: &Global, args: &SetupArgs, out: &mut Out<W>) -> Result<Outcome> {
    if args.plain || console::no_screen().is_some() {
        plain::run(global, out).await
    } else {
        screen::run(global).await
    }
}

/// Whether a profile is not set up so far that its console has something to show: there is no
/// vault, or nothing says which app signs in and no person wrote the settings.
///
/// # Errors
/// When the settings are wrong or the vault cannot be read.
pub fn is_needed(global: &Global) -> Result<bool> {
    match Vault::open(&global.paths()?.vault_dir()) {
        Err(VaultError::Missing(_)) => return Ok(true),
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    Ok(match Draft::find(&global.config_file()?.0)? {
        Found::Nothing => true,
        Found::Ours(draft) => draft.client_id.is_empty(),
        Found::Theirs(_) => false,
    })
}
