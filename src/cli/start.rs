//! Starting an engine in this process for a profile: settings, vault, store, connection, in this
//! order, and the talk with it. Who has a screen draws it between the vault and the store.
//!
//! It maps settings to what the engine takes, and decides nothing. Invariant: an engine that was
//! started is stopped by [`Started::end`] at a record boundary, whatever the command came to.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::session::Session;
use super::unlock::passphrase_of;
use super::{Global, say};
use crate::config::resolved::{self, Proxy, Server};
use crate::config::sign_in::{SecretRef, SignIn};
use crate::config::{Config, Paths};
use crate::crm::auth::{AppSecret, Grant, NoSecret};
use crate::crm::gate::GateSettings;
use crate::crm::transport;
use crate::crm::transport::host::ServerKind;
use crate::domain::preset;
use crate::engine::core::{Backups, Engine, Options, Schedules};
use crate::engine::cx::Settings;
use crate::engine::given;
use crate::engine::link::{self, EngineEnd};
use crate::engine::profile::{self, Places};
use crate::engine::session::{Connector, ConnectorSettings, SCOPES};
use crate::engine::state::State;
use crate::engine::summary::Access;
use crate::engine::view::SettingsView;
use crate::error::{Error, Kind, Result};
use crate::logging::{self, LEVEL_VARIABLE, LogGuard};
use crate::store;
use crate::vault::{DataKey, Status, Vault};

/// A running engine and the talk with it.
#[derive(Debug)]
pub struct Started {
    /// The talk.
    pub session: Session,
    engine: Engine,
}

impl Started {
    /// Stops the engine at its next record boundary.
    pub async fn end(self) {
        drop(self.session);
        self.engine.stop().await;
    }
}

/// Starts the log of the profile; it ends when the guard is dropped.
///
/// # Errors
/// When it cannot be written, or its level is not understood.
pub fn log(paths: &Paths, config: &Config, purpose: &str) -> Result<LogGuard> {
    let directives = std::env::var(LEVEL_VARIABLE).ok().filter(|d| !d.is_empty());
    // A profile that is not set up gets no folders.
    Vault::open(&paths.vault_dir())?.status()?;
    paths.create()?;
    let guard = logging::start(&paths.log_dir(), config.log, directives.as_deref())?;
    tracing::info!(purpose, version = env!("CARGO_PKG_VERSION"), "started");
    Ok(guard)
}

/// What an engine is started with, before its store is open.
#[derive(Debug)]
pub struct Opening {
    key: DataKey,
    config: Config,
    purpose: String,
    connection: ConnectorSettings,
    options: Options,
}

/// Looks at the settings and unlocks the vault; a passphrase is asked for on the terminal.
/// `purpose` is what another process is told that finds the store in use.
///
/// # Errors
/// When the settings are wrong, or the vault does not open.
pub async fn begin(
    global: &Global,
    purpose: &str,
    schedules: Schedules,
    viewer: Access,
) -> Result<Opening> {
    let (paths, config) = (global.paths()?, global.settings()?);
    let connection = connection(&config)?;
    let vault = Vault::open(&paths.vault_dir())?;
    let about = about(global, &paths, &connection, &vault)?;
    let places = Places {
        store: paths.store_dir(),
        backups: store::Options::new(paths.store_dir(), purpose).backups(),
    };
    let (keys, at) = (global.keys.clone(), paths.clone());
    let unlocked = tokio::task::spawn_blocking(move || {
        at.create()?;
        keys.unlock(&at.vault_dir())
    });
    let options = Options {
        profile: global.profile.to_string(),
        access: match (config.profile.access, schedules) {
            (resolved::Access::ReadOnly, _) => Access::ReadOnly,
            (resolved::Access::ReadWrite, Schedules::Left) => viewer,
            (resolved::Access::ReadWrite, Schedules::Followed) => Access::ReadWrite,
        },
        viewer,
        places,
        settings: Settings {
            overlap: signed(config.sync.overlap),
            settle: signed(config.sync.settle),
            late: signed(config.sync.late),
            batch: config.sync.write_batch,
            catch_up: config.sync.catch_up,
            overlap_of_runs: config.sync.overlap_of_runs,
            strategy: config.sync.strategy,
            kept: signed(config.sync.kept),
            jitter: signed(config.sync.jitter),
            ..Settings::default()
        },
        backups: match config.store.backup {
            resolved::Backup::Daily => Backups::Daily(config.store.keep_backups),
            resolved::Backup::Never => Backups::Never,
        },
        schedules,
        given: config.schedules.keys().cloned().collect(),
        about,
    };
    Ok(Opening {
        key: unlocked.await.map_err(ended_badly)??,
        config,
        purpose: purpose.to_owned(),
        connection,
        options,
    })
}

impl Opening {
    /// Opens the store, which can take seconds, and starts an engine for this viewer.
    ///
    /// # Errors
    /// When the store is in use or damaged.
    pub async fn engine(self, end: EngineEnd) -> Result<Engine> {
        let Self {
            key,
            config,
            purpose,
            connection,
            options,
        } = self;
        let places = options.places.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let cache = u64::from(config.store.cache_mib) * 1024 * 1024;
            let state = profile::open(&places, key, &purpose, cache)?;
            first_pairs(&state, &config, Timestamp::now())?;
            given::settle(&state, &config.schedules, Timestamp::now())?;
            Ok::<_, Error>(state)
        });
        let state: Arc<State> = opened.await.map_err(ended_badly)??;
        let connector = Connector::new(Arc::clone(&state), connection)?;
        Engine::start_for(end, state, connector, options)
    }
}

fn ended_badly(error: tokio::task::JoinError) -> Error {
    Error::new(Kind::Internal, "opening the profile ended badly").caused_by(error)
}

/// Starts it, for a command that talks with it. `purpose` is what another process is told that
/// finds the store in use.
///
/// # Errors
/// When the settings are wrong, the vault does not open, or the store is in use or damaged.
pub async fn start(global: &Global, purpose: &str, schedules: Schedules) -> Result<Started> {
    let (link, end) = link::pair();
    let engine = begin(global, purpose, schedules, Access::ReadWrite)
        .await?
        .engine(end)
        .await?;
    Ok(Started {
        session: Session::new(link),
        engine,
    })
}

/// Puts the preset's pairs into a store that has none. Blocking.
///
/// # Errors
/// The store cannot be read or written.
pub fn first_pairs(state: &State, config: &Config, now: Timestamp) -> Result<()> {
    let Some(chosen) = config.profile.preset else {
        return Ok(());
    };
    if !state.pairs()?.is_empty() {
        return Ok(());
    }
    let mut pairs = preset::preset(chosen.name)
        .map_err(|e| Error::new(Kind::Internal, "a preset is broken").caused_by(e))?;
    for pair in &mut pairs {
        pair.guard = config.sync.guard;
    }
    profile::install(state, pairs, now)?;
    Ok(())
}

fn signed(time: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

fn connection(config: &Config) -> Result<ConnectorSettings> {
    let wanted = &config.connection;
    let mut settings = ConnectorSettings::new(
        wanted.login.as_str(),
        wanted.client_id.clone(),
        match wanted.server {
            Server::Salesforce => ServerKind::Salesforce,
            Server::Sandbox => ServerKind::LocalSandbox,
        },
    );
    settings.grant = grant(&wanted.sign_in);
    settings.callback_port = wanted.callback_port;
    settings.api.api_version.clone_from(&wanted.api_version);
    settings.gate = GateSettings {
        shares: config.budget.shares,
        at_once: config.budget.calls_at_once,
    };
    settings.http.timeouts.connect = wanted.connect_timeout;
    settings.http.timeouts.answer = wanted.request_timeout;
    settings.http.timeouts.body = wanted.request_timeout;
    settings.http.proxy = match &wanted.proxy {
        Proxy::System => transport::Proxy::System,
        Proxy::Direct => transport::Proxy::Direct,
        Proxy::Address(url) => transport::Proxy::Fixed(SecretString::from(url.to_string())),
    };
    if let Some(file) = &wanted.extra_ca_file {
        let pem = std::fs::read(file).map_err(|e| {
            Error::new(Kind::Config, format!("cannot read {}: {e}", file.display()))
                .hint("correct [connection] extra_ca_file, or the permissions of the file")
        })?;
        settings.http.extra_roots = Some(pem);
    }
    Ok(settings)
}

fn grant(wanted: &SignIn) -> Grant {
    let maybe = |place: &Option<SecretRef>| place.as_ref().map(|it| app_secret(wanted, it));
    match wanted {
        SignIn::Browser { secret } => Grant::Browser {
            client_secret: maybe(secret),
        },
        SignIn::Jwt => Grant::Jwt,
        SignIn::ClientCredentials { secret } => Grant::ClientCredentials {
            client_secret: app_secret(wanted, secret),
        },
        SignIn::Device { secret } => Grant::Device {
            client_secret: maybe(secret),
        },
    }
}

/// The secret of the app, or why there is none: only what needs it asks for it.
fn app_secret(wanted: &SignIn, place: &SecretRef) -> AppSecret {
    match secret(wanted, place) {
        Ok(secret) => AppSecret::Here(secret),
        Err(error) => AppSecret::Missing(NoSecret {
            what: error.message().to_owned(),
            fix: error.remedy().unwrap_or(CORRECT_PLACE).to_owned(),
        }),
    }
}

const CORRECT_PLACE: &str = "correct [connection] client_secret, or what it names";

/// Reads the secret of the app.
///
/// # Errors
/// It is not where the settings say; what helps depends on whether the sign-in works without.
pub fn secret(wanted: &SignIn, place: &SecretRef) -> Result<SecretString> {
    match place {
        SecretRef::File(file) => passphrase_of(file),
        SecretRef::Env(name) => match std::env::var(name) {
            Ok(secret) if !secret.is_empty() => Ok(SecretString::from(secret)),
            _ => {
                let text = format!("the variable {name} that holds the client secret is not set");
                let set = "set it where syncdeck is started";
                Err(Error::new(Kind::Config, text).hint(match wanted {
                    SignIn::ClientCredentials { .. } => set.to_owned(),
                    _ => format!("{set}, or remove client_secret if the app needs none"),
                }))
            }
        },
    }
}

fn about(
    global: &Global,
    paths: &Paths,
    connection: &ConnectorSettings,
    vault: &Vault,
) -> Result<SettingsView> {
    let (file, _) = global.config_file()?;
    Ok(SettingsView {
        sign_in: connection.grant.way().to_string(),
        login_url: connection.login.clone(),
        client_id: connection.client_id.clone().unwrap_or_default(),
        redirect_uri: connection.redirect_uri(),
        scopes: SCOPES.iter().map(|s| (*s).to_owned()).collect(),
        vault: match vault.status()? {
            Status::Missing => "none".into(),
            Status::Passphrase => "a passphrase opens it".into(),
            Status::Recipients(list) => {
                format!(
                    "{} it",
                    say::some(list.len() as u64, "key opens", "keys open")
                )
            }
        },
        data_dir: paths.store_dir().display().to_string(),
        config_read: file.exists().then(Timestamp::now),
        config_changed: None,
        config_file: file.display().to_string(),
        log_dir: paths.log_dir().display().to_string(),
        store_bytes: 0,
        pairs: Vec::new(),
        limits: Vec::new(),
        recovery: vault.recovery_text()?,
    })
}
