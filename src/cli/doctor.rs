//! `syncdeck doctor`: looks at everything a profile needs and says what to do about what is wrong.
//!
//! It asks no network and changes nothing; where one check needs another (the store needs the
//! key), it says that it did not look. Invariant: no secret is read that is not needed to look,
//! and none is shown.

use std::io::Write;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::out::{Out, shown};
use super::unlock::look;
use super::{Global, Outcome, pairs, say, start};
use crate::config::resolved::Connection;
use crate::config::sign_in::{SecretRef, SignIn};
use crate::config::{Config, Paths};
use crate::crm::OrgKind;
use crate::domain::run::Word;
use crate::engine::state::State;
use crate::engine::tables::CODES;
use crate::error::{Error, Kind, Result};
use crate::store::{Health, StoreError};
use crate::vault::{DataKey, Status, Vault, VaultError};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck doctor
  syncdeck --profile prod-eu doctor --json | jq '.checks[] | select(.state != \"OK\")'

It reads only this machine; `syncdeck sync` asks Salesforce.

Exit codes: 0 all is well, 1 something needs a person, 2 the settings are wrong, so that it could not
be looked at what they say.")]
pub struct DoctorArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// What was found at one place.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    #[serde(serialize_with = "as_word")]
    state: Word,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

fn as_word<S: serde::Serializer>(word: &Word, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(word.as_str())
}

/// The findings, in the order in which one needs the other.
#[derive(Debug, Default)]
struct Report(Vec<Check>);

impl Report {
    fn ok(&mut self, name: &'static str, text: impl Into<String>) {
        self.put(name, Word::Ok, text, None);
    }

    fn warn(&mut self, name: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.put(name, Word::Warn, text, Some(fix.into()));
    }

    fn fail(&mut self, name: &'static str, error: &Error) {
        let fix = error.remedy().map(str::to_owned);
        self.put(name, Word::Fail, error.message(), fix);
    }

    fn put(
        &mut self,
        name: &'static str,
        state: Word,
        text: impl Into<String>,
        fix: Option<String>,
    ) {
        let text = text.into();
        self.0.push(Check {
            name,
            state,
            text,
            fix,
        });
    }
}

/// Looks, and tells.
///
/// # Errors
/// When this user has no folders at all, the settings are wrong (the rest was looked at and told
/// then), or the output cannot be written.
pub fn run<W: Write>(global: &Global, args: &DoctorArgs, out: &mut Out<W>) -> Result<Outcome> {
    let paths = global.paths()?;
    let mut report = Report::default();
    let config = settings(global, &mut report)?;
    if let Some(config) = &config {
        connection(config, &mut report);
    }
    folders(&paths, &mut report);
    if let Some(key) = vault(global, &paths, &mut report) {
        let file = global.config_file()?.0;
        let settings = config.as_ref().map(|config| (&*file, config));
        store(&paths, settings, key, &mut report);
    }
    let checks = report.0;
    if args.json {
        out.json(&json!({ "profile": global.profile.as_str(), "checks": checks }))?;
    } else {
        for check in &checks {
            for (i, line) in check.text.lines().enumerate() {
                let (word, name) = match i {
                    0 => (check.state.as_str(), check.name),
                    _ => ("", ""),
                };
                out.line(&format!("{word:5} {name:12} {}", shown(line)))?;
            }
            if let Some(fix) = &check.fix {
                out.line(&format!("{:18} fix: {}", "", shown(fix)))?;
            }
        }
    }
    if config.is_none() {
        let text = "what the settings say was not looked at: they are wrong";
        return Err(Error::new(Kind::Config, text).hint("correct them, then run `syncdeck doctor`"));
    }
    let well = |check: &Check| matches!(check.state, Word::Ok | Word::Info);
    Ok(if checks.iter().all(well) {
        Outcome::Fine
    } else {
        Outcome::NeedsPerson
    })
}

/// The settings, unless they are wrong: nothing is said of values that nobody chose.
fn settings(global: &Global, report: &mut Report) -> Result<Option<Config>> {
    let (file, missing) = global.config_file()?;
    let name = file.display();
    Ok(match Config::load(&file, missing) {
        Err(error) => {
            report.fail("settings", &error);
            None
        }
        Ok(config) => {
            if file.exists() {
                match open_to_others(&file, 0o022) {
                    Some(mode) => report.warn(
                        "settings",
                        format!("others can write {name} (mode {mode:o})"),
                        format!("run: chmod go-w {name}"),
                    ),
                    None => report.ok("settings", name.to_string()),
                }
            } else {
                report.warn(
                    "settings",
                    format!("{name} is not there, defaults apply"),
                    "run: syncdeck setup --plain",
                );
            }
            Some(config)
        }
    })
}

/// What a sign-in will need.
fn connection(config: &Config, report: &mut Report) {
    let wanted = &config.connection;
    match &wanted.client_id {
        Some(_) => way(wanted, report),
        None => report.warn(
            "app",
            "client_id is not set: nobody can sign in",
            "put the consumer key of the external client app into [connection] client_id",
        ),
    }
    match wanted.sign_in.secret() {
        None => {}
        Some(place) => match (start::secret(&wanted.sign_in, place), place) {
            (Ok(_), SecretRef::Env(name)) => {
                report.ok("app secret", format!("in the variable {name}"));
            }
            (Ok(_), SecretRef::File(file)) => {
                report.ok("app secret", format!("in {}", file.display()));
            }
            (Err(error), _) => report.fail("app secret", &error),
        },
    }
    if let Some(file) = &wanted.extra_ca_file
        && let Err(e) = std::fs::File::open(file)
    {
        report.warn(
            "authorities",
            format!("cannot read {}: {e}", file.display()),
            "correct [connection] extra_ca_file, or the permissions of the file",
        );
    }
}

/// How it will sign in, and where.
fn way(wanted: &Connection, report: &mut Report) {
    let at = wanted.login.as_str();
    match &wanted.sign_in {
        SignIn::Browser { .. } => report.ok(
            "app",
            format!(
                "signs in by browser at {at}, callback http://localhost:{}/callback",
                wanted.callback_port
            ),
        ),
        SignIn::Jwt => report.ok("app", format!("signs in by key (JWT bearer) at {at}")),
        SignIn::ClientCredentials { .. } => report.ok(
            "app",
            format!("signs in by the app's own secret (client credentials) at {at}"),
        ),
        SignIn::Device { .. } => report.warn(
            "app",
            format!(
                "signs in by device code at {at}; Salesforce blocks this for most apps since \
                 September 2025"
            ),
            "set [connection] sign_in to \"browser\" or \"jwt\", unless an external client app of \
             your own has the device flow turned on",
        ),
    }
}

fn folders(paths: &Paths, report: &mut Report) {
    for (name, dir) in [
        ("vault folder", paths.vault_dir()),
        ("store folder", paths.store_dir()),
        ("log folder", paths.log_dir()),
    ] {
        let shown = dir.display();
        if !dir.exists() {
            report.ok(
                name,
                format!("{shown} is not there yet; it is made when needed"),
            );
        } else if let Some(mode) = open_to_others(&dir, 0o077) {
            report.warn(
                name,
                format!("others can enter {shown} (mode {mode:o})"),
                format!("run: chmod 700 {shown}"),
            );
        } else {
            report.ok(name, shown.to_string());
        }
    }
}

/// The mode of a file or folder that gives others one of these rights.
fn open_to_others(path: &Path, rights: u32) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    (mode & rights != 0).then_some(mode)
}

/// The key to the store, if it can be had.
fn vault(global: &Global, paths: &Paths, report: &mut Report) -> Option<DataKey> {
    let dir = paths.vault_dir();
    let status = Vault::open(&dir).and_then(|vault| vault.status());
    let how = match status {
        Err(VaultError::Missing(_)) => {
            report.warn(
                "vault",
                "there is none yet",
                "run: syncdeck setup --plain, or syncdeck vault init",
            );
            return None;
        }
        Err(error) => {
            report.fail("vault", &error.into());
            return None;
        }
        Ok(Status::Missing | Status::Passphrase) => "a passphrase opens it".to_owned(),
        Ok(Status::Recipients(list)) => {
            format!(
                "{} it",
                say::some(list.len() as u64, "key opens", "keys open")
            )
        }
    };
    match global.keys.unlock(&dir) {
        Ok(key) => {
            report.ok("vault", format!("{how}, and the one at hand does"));
            Some(key)
        }
        Err(error) => {
            report.fail("vault", &error);
            None
        }
    }
}

/// The store, and the connection that is kept in it.
fn store(paths: &Paths, settings: Option<(&Path, &Config)>, key: DataKey, report: &mut Report) {
    let state = match look(paths, settings.map(|(_, config)| config), key, "doctor") {
        Ok(Some(state)) => state,
        Ok(None) => {
            report.ok("store", "there is none yet; the first start makes it");
            report.warn(
                "connection",
                "nobody has signed in",
                "run: syncdeck connect",
            );
            return;
        }
        Err(error @ StoreError::InUse { .. }) => {
            // A console that runs is no fault.
            report.ok("store", format!("not looked at: {error}"));
            return;
        }
        Err(error) => {
            report.fail("store", &error.into());
            return;
        }
    };
    if let Some((file, config)) = settings
        && let Err(error) = pairs::compare_in(&state, file, config)
    {
        report.fail("pairs", &error);
    }
    if let Err(error) = contents(&state, report) {
        report.fail("store", &error.into());
    }
}

fn contents(state: &State, report: &mut Report) -> std::result::Result<(), StoreError> {
    let store = state.store();
    let bytes = store.size_on_disk()?;
    match store.health() {
        Health::Good => report.ok(
            "store",
            format!(
                "{} MiB, {}, {} under way",
                say::number(bytes / (1024 * 1024)),
                say::some(state.pairs()?.len() as u64, "pair", "pairs"),
                say::some(state.intents()?.len() as u64, "write", "writes")
            ),
        ),
        Health::Stopped(error) => report.fail("store", &error.into()),
        Health::ReadOnly => report.warn(
            "store",
            "a salvaged copy: it can only be read",
            "export it, and import that into a new profile",
        ),
    }
    let codes = state.store().get(&CODES, &[])?.unwrap_or_default();
    if codes.is_empty() {
        report.ok("codes", "every code that came is in the catalogue");
    } else {
        report.put(
            "codes",
            Word::Info,
            format!("not in the catalogue: {}", codes.words(usize::MAX)),
            Some("nothing is lost: such a record is tried three times, then put aside; its own words are in `syncdeck quarantine list`".into()),
        );
    }
    let connection = state.connection()?;
    match connection.identity {
        Some(who) => {
            let kind = match who.org_kind {
                OrgKind::Production => "PRODUCTION",
                OrgKind::Sandbox => "sandbox",
            };
            report.ok(
                "connection",
                format!(
                    "{} at {} ({}), {kind}; last answer {}",
                    who.username,
                    who.org_name,
                    who.org_id,
                    say::time_or_dash(connection.checked)
                ),
            );
        }
        None => report.warn(
            "connection",
            "nobody has signed in",
            "run: syncdeck connect",
        ),
    }
    Ok(())
}
