//! `syncdeck vault`: make it, see how it is protected, change that, and try the key.
//!
//! Invariant: the data key itself is never shown or written; only its wrapping changes.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::json;

use super::Outcome;
use super::ask::{Answer, Consent};
use super::out::{Out, shown};
use super::say;
use super::unlock::{KeyArgs, new_passphrase, passphrase_of};
use crate::config::Paths;
use crate::error::{Error, Kind, Result};
use crate::vault::{Protection, Recipient, Status, Vault, WorkFactor};

/// What to do with the vault.
#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Make the vault of this profile
    #[command(after_help = "\
Examples:
  syncdeck vault init                          (a new identity file, mode 0600)
  syncdeck vault init --passphrase
  syncdeck vault init --recipient 'ssh-ed25519 AAAA... ada' --recipient age1...

A vault that is there is never written over.

Exit codes: 0 made, 2 it could not be made.")]
    Init(InitArgs),
    /// Say how the vault is protected; needs no key
    #[command(after_help = "\
Examples:
  syncdeck vault status
  syncdeck vault status --json

Exit codes: 0 there is a vault, 1 there is none yet, 2 it could not be read.")]
    Status(StatusArgs),
    /// Try whether the key at hand opens the vault
    #[command(after_help = "\
Examples:
  syncdeck vault unlock-test
  syncdeck --identity ~/.ssh/id_ed25519 vault unlock-test

Exit codes: 0 it opens, 2 it does not.")]
    UnlockTest,
    /// Let one more key open the vault
    #[command(after_help = "\
Example:
  syncdeck vault add-recipient 'ssh-ed25519 AAAA... ada'

The keys that open it now still do.

Exit codes: 0 added, 2 it could not be done.")]
    AddRecipient(RecipientArgs),
    /// Seal the vault for a new passphrase, instead of what opens it now
    #[command(after_help = "\
Examples:
  syncdeck vault change-passphrase
  syncdeck --passphrase-file old vault change-passphrase --new-passphrase-file new

A vault that keys open is changed to a passphrase only after a question.

Exit codes: 0 changed, 1 nothing was changed, 2 it could not be done.")]
    ChangePassphrase(ChangeArgs),
    /// Say what is lost if the key is lost, and what to keep a copy of
    #[command(after_help = "\
Example:
  syncdeck vault recovery

Exit codes: 0 fine, 2 there is no vault, or it could not be read.")]
    Recovery,
}

/// Arguments of `vault init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Protect it with a passphrase, typed twice (or in --passphrase-file)
    #[arg(long, conflicts_with = "recipient")]
    pub passphrase: bool,
    /// Protect it with this public key (age or SSH); can be given more than once
    #[arg(long, value_name = "KEY", value_parser = recipient)]
    pub recipient: Vec<Recipient>,
}

/// Arguments of `vault status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vault add-recipient`.
#[derive(Debug, Args)]
pub struct RecipientArgs {
    /// Public key: `age1...`, `ssh-ed25519 ...` or `ssh-rsa ...`
    #[arg(value_name = "KEY", value_parser = recipient)]
    pub key: Recipient,
}

/// Arguments of `vault change-passphrase`.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Read the new passphrase from the first line of this file (mode 0600) instead of asking
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
}

fn recipient(text: &str) -> std::result::Result<Recipient, String> {
    Recipient::parse(text).map_err(|e| e.to_string())
}

/// Does it.
///
/// # Errors
/// [`Kind::Vault`] with the remedy.
pub fn run<W: Write>(
    paths: &Paths,
    keys: &KeyArgs,
    command: VaultCommand,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let dir = paths.vault_dir();
    match command {
        VaultCommand::Init(args) => init(paths, keys, args, out)?,
        VaultCommand::Status(args) => return status(&dir, args, out),
        VaultCommand::UnlockTest => {
            keys.unlock(&dir)?;
            out.line("the vault opens")?;
        }
        VaultCommand::AddRecipient(args) => add(&dir, keys, args.key, out)?,
        VaultCommand::ChangePassphrase(args) => return change(&dir, keys, args, out),
        VaultCommand::Recovery => out.raw(&Vault::open(&dir)?.recovery_text()?)?,
    }
    Ok(Outcome::Fine)
}

fn init<W: Write>(paths: &Paths, keys: &KeyArgs, args: InitArgs, out: &mut Out<W>) -> Result<()> {
    paths.create()?;
    let protection = if args.passphrase {
        let passphrase = match &keys.passphrase_file {
            Some(file) => passphrase_of(file)?,
            None => new_passphrase()?,
        };
        Protection::Passphrase(passphrase, WorkFactor::default())
    } else if args.recipient.is_empty() {
        Protection::IdentityFile
    } else {
        Protection::Recipients(args.recipient)
    };
    let (vault, _) = Vault::create(&paths.vault_dir(), protection)?;
    out.line(&format!(
        "made {}\n",
        shown(&paths.vault_dir().display().to_string())
    ))?;
    out.raw(&vault.recovery_text()?)
}

fn status<W: Write>(dir: &Path, args: StatusArgs, out: &mut Out<W>) -> Result<Outcome> {
    let folder = dir.display().to_string();
    let status = match Vault::open(dir) {
        Ok(vault) => vault.status()?,
        Err(crate::vault::VaultError::Missing(_)) => Status::Missing,
        Err(error) => return Err(error.into()),
    };
    let (word, list): (_, &[Recipient]) = match &status {
        Status::Missing => ("missing", &[]),
        Status::Passphrase => ("passphrase", &[]),
        Status::Recipients(list) => ("recipients", list),
    };
    if args.json {
        let keys: Vec<_> = list.iter().map(Recipient::as_str).collect();
        out.json(&json!({ "protection": word, "recipients": keys, "dir": folder }))?;
    } else {
        out.line(&match &status {
            Status::Missing => format!("no vault in {}", shown(&folder)),
            Status::Passphrase => format!("{}: a passphrase opens it", shown(&folder)),
            Status::Recipients(_) => format!("{}: these keys open it", shown(&folder)),
        })?;
        for recipient in list {
            out.line(&format!("  {}", shown(recipient.as_str())))?;
        }
    }
    Ok(match status {
        Status::Missing => Outcome::NeedsPerson,
        Status::Passphrase | Status::Recipients(_) => Outcome::Fine,
    })
}

fn add<W: Write>(dir: &Path, keys: &KeyArgs, key: Recipient, out: &mut Out<W>) -> Result<()> {
    let vault = Vault::open(dir)?;
    if vault.status()? == Status::Passphrase {
        return Err(Error::new(
            Kind::Vault,
            "a passphrase opens this vault, and a passphrase cannot be combined with keys",
        )
        .hint("export the store, make a new vault with --recipient, and import it there"));
    }
    let data_key = keys.unlock(dir)?;
    // Read after unlocking, which repairs the list if a change was cut off.
    let Status::Recipients(mut list) = vault.status()? else {
        return Err(Error::new(Kind::Changed, "the vault was changed meanwhile"));
    };
    if list.contains(&key) {
        out.line("this key opens the vault already")?;
        return Ok(());
    }
    list.push(key);
    vault.change_recipients(&data_key, &list)?;
    out.line(&format!(
        "added; {} the vault now",
        say::some(list.len() as u64, "key opens", "keys open")
    ))
}

fn change<W: Write>(
    dir: &Path,
    keys: &KeyArgs,
    args: ChangeArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let vault = Vault::open(dir)?;
    if vault.status()? != Status::Passphrase {
        let question = "Keys open this vault. Let a passphrase open it instead of all of them?";
        if args.consent.ask_here(question)? == Answer::No {
            out.line("nothing was changed")?;
            return Ok(Outcome::NeedsPerson);
        }
    }
    let data_key = keys.unlock(dir)?;
    let new: SecretString = match &args.new_passphrase_file {
        Some(file) => passphrase_of(file)?,
        None => new_passphrase()?,
    };
    vault.change_passphrase(&data_key, &new, WorkFactor::default())?;
    out.line("changed; only the new passphrase opens the vault now")?;
    Ok(Outcome::Fine)
}
