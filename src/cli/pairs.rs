//! Whether the pairs that the settings name are there.
//!
//! Asks nobody for a passphrase and makes no store: where it cannot look it says so. Invariant: a
//! name is called wrong only where it is known which pairs there are.

use std::path::Path;

use super::Global;
use super::unlock::look;
use crate::config::Config;
use crate::domain::id::PairName;
use crate::domain::preset;
use crate::engine::state::State;
use crate::error::Result;
use crate::vault::{Status, Vault, VaultError};

/// What came of comparing.
#[derive(Debug, PartialEq, Eq)]
pub enum Compared {
    /// Nothing is wrong.
    Fine,
    /// It could not be looked; why.
    NotLooked(String),
}

/// Compares the names of a settings file with the pairs of the profile.
///
/// # Errors
/// A name that is no pair, with its place; or the file cannot be read.
pub fn compare(global: &Global, file: &Path, config: &Config) -> Result<Compared> {
    if config.schedules.is_empty() {
        return Ok(Compared::Fine);
    }
    let dir = global.paths()?.vault_dir();
    let key = match Vault::open(&dir).and_then(|vault| vault.status()) {
        Err(VaultError::Missing(_)) => return check(file, first(config)),
        Err(error) => return Ok(Compared::NotLooked(error.to_string())),
        Ok(Status::Passphrase) if global.keys.passphrase_file.is_none() => {
            return Ok(Compared::NotLooked("a passphrase opens the store".into()));
        }
        Ok(_) => match global.keys.unlock(&dir) {
            Ok(key) => key,
            Err(error) => return Ok(Compared::NotLooked(error.message().to_owned())),
        },
    };
    match look(&global.paths()?, Some(config), key, "config check") {
        Ok(Some(state)) => check(file, of(&state, config)?),
        Ok(None) => check(file, first(config)),
        Err(error) => Ok(Compared::NotLooked(error.to_string())),
    }
}

/// The same with a store that is open.
///
/// # Errors
/// As [`compare`]; the store cannot be read.
pub fn compare_in(state: &State, file: &Path, config: &Config) -> Result<Compared> {
    if config.schedules.is_empty() {
        return Ok(Compared::Fine);
    }
    check(file, of(state, config)?)
}

fn check(file: &Path, known: Vec<PairName>) -> Result<Compared> {
    // Without any, each may be made yet.
    if !known.is_empty() {
        Config::check_pairs(file, &known)?;
    }
    Ok(Compared::Fine)
}

fn of(state: &State, config: &Config) -> Result<Vec<PairName>> {
    let pairs = state.pairs()?;
    Ok(match pairs.is_empty() {
        true => first(config),
        false => pairs.into_iter().map(|pair| pair.name).collect(),
    })
}

/// The pairs a store begins with.
fn first(config: &Config) -> Vec<PairName> {
    let preset = config
        .profile
        .preset
        .and_then(|it| preset::preset(it.name).ok());
    let pairs = preset.unwrap_or_default();
    pairs.into_iter().map(|pair| pair.name).collect()
}
