//! The steps of the first run: each does one thing and keeps it.
//!
//! It asks nobody and shows nothing. Invariants: the engine that works here follows no schedules,
//! so that nothing is synced before somebody says so; it is stopped before its settings change.

use std::path::Path;

use jiff::Timestamp;
use secrecy::SecretString;

use super::super::session::{Session, ask};
use super::super::unlock::{SaidBy, look};
use super::super::{Global, start};
use crate::config::draft::{Draft, Found};
use crate::config::resolved::Connection;
use crate::config::sign_in::{SecretRef, SignIn};
use crate::config::{Config, ProfileName};
use crate::crm::auth::Way;
use crate::domain::id::ObjectName;
use crate::domain::preset::{self, Preset, presets};
use crate::domain::text::{grouped, some};
use crate::engine::command::Command;
use crate::engine::core::Schedules;
use crate::engine::notice::Reply;
use crate::engine::summary::Summary;
use crate::engine::view::{SignInView, SignedInView};
use crate::error::{Error, Kind, Result};
use crate::logging::LogGuard;
use crate::tui::wizard::port::{Offer, Settings, SignInOrder, Signed, Standing, VaultState};
use crate::vault::{Protection, Status, Vault, VaultError};

/// What another process is told that finds the store in use.
const PURPOSE: &str = "setup";
/// How long the count of API calls may take to come after the check that asked for it.
const COUNT_COMES: std::time::Duration = std::time::Duration::from_secs(2);

/// A profile that is being set up.
#[derive(Debug)]
pub struct Setup {
    global: Global,
    started: Option<start::Started>,
    log: Option<LogGuard>,
}

impl Setup {
    /// Of the profile that is meant.
    pub fn new(global: Global) -> Self {
        Self {
            global,
            started: None,
            log: None,
        }
    }

    /// Options of the profile, with what was typed to open its vault.
    pub fn global(&self) -> &Global {
        &self.global
    }

    /// Who says the passphrase from now on.
    pub fn said_by(&mut self, who: SaidBy) {
        self.global.keys.said_by = who;
    }

    /// Stops the engine; what was saved stays. The log, if there is one, goes on with whoever
    /// holds it: a process has one.
    pub async fn end(mut self) -> (Global, Option<LogGuard>) {
        self.rest().await;
        (self.global, self.log)
    }

    /// Stops the engine until it is needed again.
    async fn rest(&mut self) {
        if let Some(started) = self.started.take() {
            started.end().await;
        }
    }

    /// What is saved.
    ///
    /// # Errors
    /// When the settings are wrong, or vault or store cannot be opened with what is at hand.
    pub async fn standing(&mut self) -> Result<Standing> {
        let file = self.global.config_file()?.0;
        let (settings, draft) = self.settings()?;
        let vault = self.vault(settings).await?;
        let mut standing = Standing {
            profile: self.global.profile.to_string(),
            file: file.display().to_string(),
            settings,
            draft,
            vault,
            signed_in: None,
            pairs: Vec::new(),
        };
        if vault == VaultState::Open && settings != Settings::Missing {
            let summary = self.session().await?.summary().await?;
            standing.signed_in = signed_in(&summary);
            standing.pairs = summary.pairs.iter().map(|p| p.title.clone()).collect();
        }
        Ok(standing)
    }

    /// The settings, and whose they are.
    ///
    /// # Errors
    /// When they are wrong.
    pub fn settings(&self) -> Result<(Settings, Draft)> {
        Ok(match Draft::find(&self.global.config_file()?.0)? {
            Found::Nothing => (Settings::Missing, Draft::default()),
            Found::Ours(draft) => (Settings::Ours, draft),
            Found::Theirs(config) => (Settings::Theirs, as_draft(&config)),
        })
    }

    async fn vault(&mut self, settings: Settings) -> Result<VaultState> {
        let status = match Vault::open(&self.global.paths()?.vault_dir()) {
            Err(VaultError::Missing(_)) => return Ok(VaultState::Missing),
            other => other?.status()?,
        };
        let keys = &self.global.keys;
        let typed = keys.passphrase_file.is_none() && matches!(keys.said_by, SaidBy::Nobody);
        // An SSH key may have a passphrase; whether this one has shows when it is used.
        if typed && status == Status::Passphrase {
            return Ok(VaultState::Locked);
        }
        if settings != Settings::Missing
            && let Err(error) = self.session().await
        {
            return match error.kind() {
                Kind::Vault if typed && self.global.keys.identity.is_some() => {
                    Ok(VaultState::Locked)
                }
                _ => Err(error),
            };
        }
        Ok(VaultState::Open)
    }

    /// Works on a profile from now on, and saves where it signs in.
    ///
    /// # Errors
    /// When the settings cannot be written.
    pub async fn profile(&mut self, name: ProfileName, login_host: String) -> Result<()> {
        if name != self.global.profile {
            self.rest().await;
            self.global.profile = name;
        }
        let (settings, draft) = self.settings()?;
        // What is said more exactly already is another step's.
        if settings == Settings::Ours && draft.client_id.is_empty() || settings == Settings::Missing
        {
            let draft = Draft {
                login_host,
                ..draft
            };
            self.save(&draft).await?;
        }
        Ok(())
    }

    /// Makes the vault; gives what is lost with its key.
    ///
    /// # Errors
    /// When there is one, or it cannot be written.
    pub async fn make_vault(&mut self, protection: Protection) -> Result<String> {
        let paths = self.global.paths()?;
        if let Protection::Passphrase(passphrase, _) = &protection {
            self.said_by(SaidBy::Known(passphrase.clone()));
        }
        // A passphrase takes about a second.
        beside(move || {
            paths.create()?;
            let (vault, _) = Vault::create(&paths.vault_dir(), protection)?;
            Ok(vault.recovery_text()?)
        })
        .await
    }

    /// Opens the vault with a passphrase, from now on.
    ///
    /// # Errors
    /// When it does not fit.
    pub async fn open_vault(&mut self, passphrase: SecretString) -> Result<()> {
        let dir = self.global.paths()?.vault_dir();
        let mut keys = self.global.keys.clone();
        keys.said_by = SaidBy::Known(passphrase);
        let tried = keys.clone();
        beside(move || tried.unlock(&dir).map(drop)).await?;
        self.global.keys = keys;
        Ok(())
    }

    /// Saves the settings. Those of a person are left as they are.
    ///
    /// # Errors
    /// When an answer is wrong, or they cannot be written.
    pub async fn save(&mut self, draft: &Draft) -> Result<()> {
        let (settings, before) = self.settings()?;
        if settings == Settings::Theirs || settings == Settings::Ours && before == *draft {
            return Ok(());
        }
        self.rest().await;
        self.global.paths()?.create()?;
        draft.save(&self.global.config_file()?.0)
    }

    /// The talk with the engine, which is started if it is not.
    ///
    /// # Errors
    /// As [`start::start`].
    pub async fn session(&mut self) -> Result<&mut Session> {
        let started = match self.started.take() {
            Some(started) => started,
            None => {
                if self.log.is_none() {
                    let (paths, config) = (self.global.paths()?, self.global.settings()?);
                    self.log = Some(start::log(&paths, &config, PURPOSE)?);
                }
                start::start(&self.global, PURPOSE, Schedules::Left).await?
            }
        };
        Ok(&mut self.started.insert(started).session)
    }

    /// Saves how to sign in, and begins.
    ///
    /// # Errors
    /// When an answer is wrong, the key cannot be read, or there is no code to be had.
    pub async fn begin(&mut self, order: SignInOrder) -> Result<SignInView> {
        let key = match &order.key {
            Some((file, user)) => Some(super::super::connect::jwt_key(file, user)?),
            None => None,
        };
        self.save(&order.draft).await?;
        let session = self.session().await?;
        Ok(ask!(session, Command::BeginSignIn { key }, Reply::SignIn(view) => view))
    }

    /// Begins again, the way the settings say.
    ///
    /// # Errors
    /// As [`Setup::begin`].
    pub async fn again(&mut self) -> Result<SignInView> {
        let session = self.session().await?;
        Ok(ask!(session, Command::BeginSignIn { key: None }, Reply::SignIn(view) => view))
    }

    /// What the person who signed in may do: asks how many calls are left.
    ///
    /// # Errors
    /// When the engine has ended.
    pub async fn signed(&mut self, who: SignedInView) -> Result<Signed> {
        let session = self.session().await?;
        if let Err(error) = session.ask(Command::CheckConnection).await {
            // The sign-in stands; the connection's own row says what is wrong with it.
            tracing::warn!(%error, "the connection was checked after the sign-in");
        }
        let counted = async {
            loop {
                let summary = session.summary().await?;
                let api = summary.connections.iter().find_map(|row| row.api);
                if api.is_some() {
                    return Ok::<_, Error>(api);
                }
                session.step().await?;
            }
        };
        let api = match tokio::time::timeout(COUNT_COMES, counted).await {
            Ok(api) => api?,
            Err(_) => None,
        };
        Ok(Signed { who, api })
    }

    /// Reads the App's side once: the store, and the history sealed in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_app(&mut self) -> Result<Vec<String>> {
        let session = self.session().await?;
        let view = ask!(session, Command::Settings, Reply::Settings(view) => view);
        let known = Vec::new();
        let verdict = ask!(session, Command::VerifyAudit { known }, Reply::Verdict(found) => found);
        let summary = session.summary().await?;
        let records: u64 = summary.pairs.iter().map(|pair| pair.records).sum();
        let read = match verdict.broken.is_none() {
            true => format!(
                "a test read: {} of its sealed history read back and fit together",
                some(verdict.entries, "entry", "entries")
            ),
            false => {
                return Err(
                    Error::new(Kind::Store, "the sealed history does not fit together")
                        .hint("`syncdeck audit verify` says where"),
                );
            }
        };
        Ok(vec![
            format!("the store opens with the vault's key: {}", view.data_dir),
            read,
            format!("{} in it so far", some(records, "record", "records")),
        ])
    }

    /// What can be synced, with what Salesforce has for it.
    ///
    /// # Errors
    /// Not signed in, or no answer.
    pub async fn offers(&mut self) -> Result<Vec<Offer>> {
        let mut sets = Vec::new();
        let mut objects: Vec<ObjectName> = Vec::new();
        for one in presets() {
            let pairs = pairs_of(one)?;
            for pair in &pairs {
                if !objects.contains(&pair.object) {
                    objects.push(pair.object.clone());
                }
            }
            sets.push((one, pairs));
        }
        let session = self.session().await?;
        let counts = ask!(session, Command::CountCrm { objects }, Reply::Counted(all) => all);
        let offer = |(one, pairs): (&'static Preset, Vec<crate::domain::mapping::Pair>)| Offer {
            name: one.name,
            summary: one.summary,
            pairs: pairs
                .iter()
                .map(|pair| (pair.title_line(), counts.get(&pair.object).copied()))
                .collect(),
        };
        Ok(sets.into_iter().map(offer).collect())
    }

    /// Takes the pairs of a preset, if the profile has none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn objects(&mut self, name: &str) -> Result<()> {
        let chosen = presets().iter().find(|p| p.name == name);
        let chosen = chosen.ok_or_else(|| Error::new(Kind::Usage, "there is no such preset"))?;
        let (settings, draft) = self.settings()?;
        if settings == Settings::Ours {
            let preset = name.to_owned();
            self.save(&Draft { preset, ..draft }).await?;
        }
        // The engine learns of pairs when it starts.
        self.rest().await;
        let (paths, keys) = (self.global.paths()?, self.global.keys.clone());
        let mut config = self.global.settings()?;
        config.profile.preset = Some(*chosen);
        beside(move || {
            let key = keys.unlock(&paths.vault_dir())?;
            match look(&paths, Some(&config), key, PURPOSE)? {
                Some(state) => start::first_pairs(&state, &config, Timestamp::now()),
                // The first start makes the store, with them.
                None => Ok(()),
            }
        })
        .await
    }
}

/// Blocking work away from the async threads.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(Kind::Internal, "a step of the set-up broke off").caused_by(e))?
}

fn pairs_of(one: &Preset) -> Result<Vec<crate::domain::mapping::Pair>> {
    preset::preset(one.name).map_err(|e| {
        Error::new(
            Kind::Internal,
            format!("the preset {} is wrong: {e}", one.name),
        )
    })
}

/// Who is signed in, if calls can be made.
fn signed_in(summary: &Summary) -> Option<String> {
    use crate::domain::run::Word;
    let row = summary
        .connections
        .iter()
        .find(|c| c.system == "Salesforce")?;
    matches!(row.word, Word::Ok | Word::Warn).then(|| match &row.org_name {
        Some(org) => format!("{} ({org})", row.account),
        None => row.account.clone(),
    })
}

/// How far a dry run is, in words.
pub fn progress(summary: &Summary) -> Option<String> {
    let run = summary.running.as_ref()?;
    let of = run
        .total
        .map_or(String::new(), |t| format!(" of {}", grouped(t)));
    Some(format!(
        "dry run, nothing is written: {}, {}, {}{of}",
        run.title,
        run.phase.label(),
        grouped(run.done)
    ))
}

/// A person's settings, as far as the steps show them.
fn as_draft(config: &Config) -> Draft {
    let Connection {
        login,
        client_id,
        sign_in,
        callback_port,
        ..
    } = &config.connection;
    Draft {
        login_host: login.as_str().to_owned(),
        client_id: client_id.clone().unwrap_or_default(),
        callback_port: callback_port.to_string(),
        preset: config.profile.preset.map_or("none", |p| p.name).to_owned(),
        sign_in: match sign_in {
            SignIn::Browser { .. } => Way::Browser,
            SignIn::Jwt => Way::Jwt,
            SignIn::ClientCredentials { .. } => Way::ClientCredentials,
            SignIn::Device { .. } => Way::Device,
        }
        .word()
        .to_owned(),
        client_secret: sign_in.secret().map(place).unwrap_or_default(),
    }
}

fn place(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => format!("env:{name}"),
        SecretRef::File(file) => format!("file:{}", Path::display(file)),
    }
}
