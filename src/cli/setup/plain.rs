//! The first run line by line: the same steps as on the screen.
//!
//! Invariant: no file is made before every answer about the settings is right, and what is there
//! is kept.

use std::io::Write;
use std::path::Path;

use super::super::ask::{self, Answer, Lines};
use super::super::connect::{self, ConnectArgs};
use super::super::interrupt::Stops;
use super::super::out::{Out, note, shown};
use super::super::sync::{self, SyncArgs};
use super::super::unlock::{new_passphrase, passphrase_of};
use super::super::{Global, Outcome, say};
use super::steps::Setup;
use crate::config::draft::Draft;
use crate::config::resolved::NO_PRESET;
use crate::domain::preset::presets;
use crate::error::{Kind, Result};
use crate::tui::wizard::port::{Settings, Standing};
use crate::vault::{Protection, Recipient, Status, Vault, VaultError, WorkFactor};

/// Asks, and does each step.
///
/// # Errors
/// When a step could not be done, or the input ends before the settings are saved.
pub async fn run<W: Write>(global: &Global, out: &mut Out<W>) -> Result<Outcome> {
    let mut setup = Setup::new(global.clone());
    let draft = save(&mut setup, out).await?;
    if draft.client_id.is_empty() {
        out.line("next: put client_id into it, then run `syncdeck connect`")?;
        return Ok(Outcome::Fine);
    }
    let mut stops = Stops::watch()?;
    let done = tokio::select! {
        done = go_on(&mut setup, out) => done,
        stop = stops.next() => Ok(Outcome::Stopped(stop)),
    };
    // The log ends with its guard.
    let (_, _log) = setup.end().await;
    done
}

/// Profile and vault.
async fn save<W: Write>(setup: &mut Setup, out: &mut Out<W>) -> Result<Draft> {
    let global = setup.global().clone();
    let (file, _) = global.config_file()?;
    let name = shown(&file.display().to_string());
    let (settings, before) = setup.settings()?;
    let draft = match settings {
        Settings::Missing => ask_settings()?,
        Settings::Ours | Settings::Theirs => before,
    };
    let vault_dir = global.paths()?.vault_dir();
    let vault_name = shown(&vault_dir.display().to_string());
    let has_vault = match Vault::open(&vault_dir) {
        Ok(vault) => vault.status()? != Status::Missing,
        Err(VaultError::Missing(_)) => false,
        Err(error) => return Err(error.into()),
    };
    if has_vault {
        out.line(&format!("kept the vault {vault_name}"))?;
    } else {
        let recovery = setup.make_vault(protection(&global)?).await?;
        out.line(&format!("made the vault {vault_name}"))?;
        out.line("")?;
        out.raw(&recovery)?;
        out.line("")?;
    }
    setup.save(&draft).await?;
    match settings {
        Settings::Missing => out.line(&format!("wrote {name}"))?,
        Settings::Ours | Settings::Theirs => out.line(&format!("kept the settings {name}"))?,
    }
    Ok(draft)
}

/// Sign-in, the App's side, what is synced, a dry run, and the first sync. Saying no, or the end of
/// the input, leaves what is done.
async fn go_on<W: Write>(setup: &mut Setup, out: &mut Out<W>) -> Result<Outcome> {
    let mut lines = Lines::default();
    if agrees(
        &mut lines,
        "Go on with the sign-in to Salesforce?",
        Answer::Yes,
    )
    .await?
        == Answer::No
    {
        out.line("next: run `syncdeck connect`")?;
        return Ok(Outcome::Fine);
    }
    let mut standing = setup.standing().await?;
    match &standing.signed_in {
        Some(who) => out.line(&format!("signed in as {}", shown(who)))?,
        None => {
            if standing.settings == Settings::Ours {
                standing.draft = ask_way(&mut lines, standing.draft).await?;
                setup.save(&standing.draft).await?;
            }
            let (jwt_key, username) = match standing.draft.sign_in.as_str() {
                "jwt" => {
                    let file = text(&mut lines, "File of the private key").await?;
                    let user = text(&mut lines, "User it signs in as").await?;
                    (Some(file.into()), Some(user))
                }
                _ => (None, None),
            };
            let args = ConnectArgs { jwt_key, username };
            let session = setup.session().await?;
            connect::connect(session, args, &mut lines, out).await?;
        }
    }
    for line in setup.read_app().await? {
        out.line(&shown(&line))?;
    }
    counts(setup, &standing, out).await?;
    if standing.pairs.is_empty() {
        standing = setup.standing().await?;
    }
    if standing.pairs.is_empty() {
        out.line("no pairs yet; `syncdeck mapping import FILE` takes some in")?;
        return Ok(Outcome::Fine);
    }
    if agrees(
        &mut lines,
        "Dry run? It reads both sides and writes nothing",
        Answer::Yes,
    )
    .await?
        == Answer::No
    {
        out.line("next: run `syncdeck sync --dry-run`, then `syncdeck sync`")?;
        return Ok(Outcome::Fine);
    }
    let session = setup.session().await?;
    let wanted = SyncArgs {
        dry_run: true,
        ..SyncArgs::default()
    };
    sync::run(session, wanted, out).await?;
    if agrees(&mut lines, "Start the first sync now?", Answer::No).await? == Answer::No {
        out.line("next: run `syncdeck sync`, or `syncdeck` for the console")?;
        return Ok(Outcome::Fine);
    }
    sync::run(session, SyncArgs::default(), out).await
}

/// How to sign in, until that can be right with what is saved.
async fn ask_way(lines: &mut Lines, draft: Draft) -> Result<Draft> {
    loop {
        note(&format!(
            "How to sign in\n  `browser`, `jwt` (a key pair, for servers) or `client-credentials` \
             (the app's own secret)\n  [{}] ",
            draft.sign_in
        ));
        let mut tried = draft.clone();
        let way = lines.next().await?;
        if !way.trim().is_empty() {
            way.trim().clone_into(&mut tried.sign_in);
        }
        tried.client_secret = match tried.sign_in.as_str() {
            "jwt" => String::new(),
            _ => {
                let place = text(
                    lines,
                    "Where the app's secret is, `env:NAME` or `file:/PATH`; empty if it needs none",
                );
                place.await?
            }
        };
        match tried.check(Path::new("settings")) {
            Ok(_) => return Ok(tried),
            // It may be the secret itself: what was typed is not repeated.
            Err(_) => note(
                "\nthat does not fit: client-credentials need a secret and the org's My Domain, jwt \
                 uses no secret, and a secret is named by its place\n",
            ),
        }
    }
}

/// What Salesforce has for the pairs that are, or will be, taken.
async fn counts<W: Write>(setup: &mut Setup, standing: &Standing, out: &mut Out<W>) -> Result<()> {
    let offers = setup.offers().await?;
    for offer in offers.iter().filter(|o| o.name == standing.draft.preset) {
        for (title, count) in &offer.pairs {
            let text = match count {
                Some(count) => format!("about {}", say::some(*count, "record", "records")),
                None => "not there, or not readable for this user".to_owned(),
            };
            out.line(&format!("{}: {text}", shown(title)))?;
        }
    }
    Ok(())
}

/// Asks for yes or no; `usual` is the answer of an empty line, the end of the input is a no.
async fn agrees(lines: &mut Lines, question: &str, usual: Answer) -> Result<Answer> {
    let shown = match usual {
        Answer::Yes => "yes",
        Answer::No => "no",
    };
    note(&format!("{question} (yes/no) [{shown}] "));
    match lines.next().await {
        Ok(line) => Ok(match line.trim() {
            "" => usual,
            "yes" | "y" => Answer::Yes,
            _ => Answer::No,
        }),
        Err(error) if error.kind() == Kind::Cancelled => {
            note("\n");
            Ok(Answer::No)
        }
        Err(error) => Err(error),
    }
}

async fn text(lines: &mut Lines, question: &str) -> Result<String> {
    note(&format!("{question}: "));
    Ok(lines.next().await?.trim().to_owned())
}

/// One setting: the question, what it takes, and where the answer goes.
struct Question {
    text: &'static str,
    takes: String,
    slot: fn(&mut Draft) -> &mut String,
}

fn ask_settings() -> Result<Draft> {
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
        if tried.check(Path::new("config.toml")).is_ok() {
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
