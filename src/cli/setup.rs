//! `syncdeck setup --plain`: the first settings and the vault, asked line by line.
//!
//! It signs nobody in. Invariant: nothing that is there is written over, and no file is made
//! before every answer is right.

use std::io::Write;

use clap::Args;

use super::ask;
use super::out::{Out, note, shown};
use super::unlock::{new_passphrase, passphrase_of};
use super::{Global, Outcome};
use crate::config::draft::{Draft, there_already};
use crate::config::resolved::NO_PRESET;
use crate::domain::preset::presets;
use crate::error::{Error, Kind, Result};
use crate::vault::{Protection, Recipient, Status, Vault, VaultError, WorkFactor};

/// Arguments of `setup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck setup --plain
  syncdeck --profile prod-eu setup --plain

It asks where to sign in, the app's consumer key, the callback port, how the
vault is protected, and a set of mappings to begin with. An empty line takes the value in
brackets. `syncdeck connect` signs in afterwards.

Exit codes: 0 set up, 2 it could not be done; nothing that was there is changed.")]
pub struct SetupArgs {
    /// Ask line by line, on any terminal
    #[arg(long)]
    pub plain: bool,
}

/// Asks and writes.
///
/// # Errors
/// When the profile has settings already, the input ends, or a file cannot be written.
pub fn run<W: Write>(global: &Global, args: &SetupArgs, out: &mut Out<W>) -> Result<Outcome> {
    if !args.plain {
        return Err(
            Error::new(Kind::Usage, "only the plain form of set-up is there today")
                .hint("run: syncdeck setup --plain"),
        );
    }
    let paths = global.paths()?;
    let (file, _) = global.config_file()?;
    if file.exists() {
        return Err(there_already(&file));
    }
    let draft = settings()?;
    draft.check(&file)?;
    let vault_dir = paths.vault_dir();
    let has_vault = match Vault::open(&vault_dir) {
        Ok(vault) => vault.status()? != Status::Missing,
        Err(VaultError::Missing(_)) => false,
        Err(error) => return Err(error.into()),
    };
    let protection = if has_vault {
        None
    } else {
        Some(protection(global)?)
    };

    paths.create()?;
    if let Some(protection) = protection {
        let (vault, _) = Vault::create(&vault_dir, protection)?;
        out.line(&format!(
            "made the vault {}",
            shown(&vault_dir.display().to_string())
        ))?;
        out.line("")?;
        out.raw(&vault.recovery_text()?)?;
        out.line("")?;
    } else {
        out.line(&format!(
            "kept the vault {}",
            shown(&vault_dir.display().to_string())
        ))?;
    }
    draft.write(&file)?;
    out.line(&format!("wrote {}", shown(&file.display().to_string())))?;
    out.line(if draft.client_id.is_empty() {
        "next: put client_id into it, then run `syncdeck connect`"
    } else {
        "next: run `syncdeck connect`"
    })?;
    Ok(Outcome::Fine)
}

/// One setting: the question, what it takes, and where the answer goes.
struct Question {
    text: &'static str,
    takes: String,
    slot: fn(&mut Draft) -> &mut String,
}

fn settings() -> Result<Draft> {
    let mut draft = Draft {
        preset: presets().first().map_or(NO_PRESET, |p| p.name).to_owned(),
        ..Draft::default()
    };
    let mut list: Vec<String> = presets()
        .iter()
        .map(|p| format!("`{}` ({})", p.name, p.summary))
        .collect();
    list.push(format!("`{NO_PRESET}`"));
    for question in [
        Question {
            text: "Where to sign in: best the org's My Domain; test.salesforce.com for a sandbox org",
            takes:
                "a host such as acme.my.salesforce.com; http:// only for `syncdeck sandbox serve`"
                    .into(),
            slot: |d| &mut d.login_host,
        },
        Question {
            text: "Consumer key (client id) of the external client app; empty if not known yet",
            takes: "letters, digits, `.`, `_` and `-`".into(),
            slot: |d| &mut d.client_id,
        },
        Question {
            text: "Port P of the callback address http://localhost:P/callback that the app lists",
            takes: "a number from 1024 to 65535".into(),
            slot: |d| &mut d.callback_port,
        },
        Question {
            text: "Mappings to begin with",
            takes: list.join(", "),
            slot: |d| &mut d.preset,
        },
    ] {
        put(&mut draft, &question)?;
    }
    Ok(draft)
}

/// Asks until the answer is right.
fn put(draft: &mut Draft, question: &Question) -> Result<()> {
    loop {
        let now = (question.slot)(draft).clone();
        note(&format!(
            "{}\n  {}\n  [{now}] ",
            question.text, question.takes
        ));
        let answer = ask::line()?;
        let mut tried = draft.clone();
        if !answer.trim().is_empty() {
            answer.trim().clone_into((question.slot)(&mut tried));
        }
        if tried.check(std::path::Path::new("config.toml")).is_ok() {
            *draft = tried;
            return Ok(());
        }
        note(&format!(
            "\nthat does not fit; it takes {}\n",
            question.takes
        ));
    }
}

fn protection(global: &Global) -> Result<Protection> {
    loop {
        note(
            "What opens the vault that holds sign-ins and seals the data\n  \
             `identity` (a new key file, mode 0600), `passphrase`, or a public key: `age1...`, \
             `ssh-ed25519 ...`\n  [identity] ",
        );
        let answer = ask::line()?;
        match answer.trim() {
            "" | "identity" => return Ok(Protection::IdentityFile),
            "passphrase" => {
                let passphrase = match &global.keys.passphrase_file {
                    Some(file) => passphrase_of(file)?,
                    None => new_passphrase()?,
                };
                return Ok(Protection::Passphrase(passphrase, WorkFactor::default()));
            }
            key => match Recipient::parse(key) {
                Ok(recipient) => return Ok(Protection::Recipients(vec![recipient])),
                // What was typed may be a private key or a passphrase: it is not repeated.
                Err(_) => note("\nthat is none of these\n"),
            },
        }
    }
}
