//! The demo's world: a sandbox org, a profile of its own, and an engine between them.
//!
//! Everything lies in one folder that only this user can read. Invariant: nothing of the person's
//! own profiles is touched, and without `--keep` nothing is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::super::leave;
use super::super::out::note;
use super::super::session::{Session, ask};
use super::browser;
use crate::crm::transport::host::ServerKind;
use crate::domain::id::{CrmId, PairName};
use crate::domain::preset;
use crate::domain::record::AppRecord;
use crate::domain::value::Fields;
use crate::engine::command::{Command, RecordKey, Scope};
use crate::engine::core::{Engine, Options, Schedules};
use crate::engine::cx::{Clock, Settings};
use crate::engine::notice::Reply;
use crate::engine::profile::{self, Places};
use crate::engine::session::{Connector, ConnectorSettings, SCOPES};
use crate::engine::state::State;
use crate::engine::view::{RunDetail, SettingsView, SignInView, SignedInView};
use crate::error::{Error, Kind, Result};
use crate::sandbox::{self, Approval, Control, Running, Seed};
use crate::tui::{self, ExitReason, signals};
use crate::vault::{Protection, Vault};

/// Memory the store may use as a cache.
const CACHE: u64 = 96 * 1024 * 1024;
/// Presets the demo works with.
const PRESETS: [&str; 2] = ["customer-success", "lead-desk"];

/// Where the demo's files are.
#[derive(Debug)]
enum Folder {
    /// Removed at the end.
    Temporary(tempfile::TempDir),
    /// Kept.
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept(dir) => dir,
        }
    }
}

/// The demo's world.
#[derive(Debug)]
pub struct Place {
    folder: Folder,
    sandbox: Running,
    engine: Engine,
    /// Seconds that the clocks of both sides are ahead.
    ahead: Arc<AtomicI64>,
    /// The engine's memory, to see what became of records.
    pub state: Arc<State>,
    /// The talk with the engine.
    pub session: Session,
}

impl Place {
    /// Makes it.
    ///
    /// # Errors
    /// When the folder cannot be made, or is a demo's already.
    pub async fn make(keep: Option<&Path>, leads: usize) -> Result<Self> {
        let folder = folder(keep)?;
        let dir = folder.path();
        let sandbox = sandbox::serve(sandbox::Options {
            seed: Seed::Demo { leads, number: 42 },
            approval: Approval::Automatic,
            ..sandbox::Options::default()
        })
        .await?;
        let vault_dir = dir.join("vault");
        let places = Places {
            store: dir.join("store"),
            backups: dir.join("backups"),
        };
        let info = sandbox.info();
        let mut connection = ConnectorSettings::new(
            info.login_url.clone(),
            Some(info.client_id.clone()),
            ServerKind::LocalSandbox,
        );
        connection.callback_port = 0;
        let about = SettingsView {
            sign_in: connection.grant.way().to_string(),
            login_url: info.login_url.clone(),
            client_id: info.client_id.clone(),
            redirect_uri: "http://localhost:PORT/callback, a free port".to_owned(),
            scopes: SCOPES.iter().map(|s| (*s).to_owned()).collect(),
            vault: "identity file in the demo's folder".to_owned(),
            data_dir: dir.display().to_string(),
            config_file: "none: the demo has its own settings".to_owned(),
            config_read: None,
            config_changed: None,
            log_dir: "none".to_owned(),
            store_bytes: 0,
            pairs: Vec::new(),
            limits: Vec::new(),
            recovery: String::new(),
        };
        let opened = {
            let places = places.clone();
            tokio::task::spawn_blocking(move || open(&vault_dir, &places)).await
        };
        let (state, recovery) = opened.map_err(|e| {
            Error::new(Kind::Internal, "the demo's store did not open").caused_by(e)
        })??;
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = {
            let ahead = Arc::clone(&ahead);
            Clock::new(move || {
                let now = Timestamp::now();
                let ahead = SignedDuration::from_secs(ahead.load(Ordering::Relaxed));
                now.checked_add(ahead).unwrap_or(now)
            })
        };
        let options = Options {
            settings: Settings {
                clock,
                ..Settings::default()
            },
            schedules: Schedules::Followed,
            about: SettingsView { recovery, ..about },
            ..Options::new("demo", places)
        };
        let connector = Connector::new(Arc::clone(&state), connection)?;
        let (link, engine) = Engine::start(Arc::clone(&state), connector, options)?;
        Ok(Self {
            folder,
            sandbox,
            engine,
            ahead,
            state,
            session: Session::new(link),
        })
    }

    /// Lets time pass on both sides: a clock that is set on one of them would be distrusted.
    pub fn pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
        self.org().advance(seconds);
    }

    /// The folder everything is in.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The other people in the org, and its administrator.
    pub fn org(&self) -> Control {
        self.sandbox.control()
    }

    /// API calls the org has answered.
    pub fn calls(&self) -> u64 {
        self.sandbox.control().counters().calls
    }

    /// Signs in the way a person does, with a browser.
    ///
    /// # Errors
    /// What the sign-in ends with.
    pub async fn sign_in(&mut self) -> Result<SignedInView> {
        let begin = Command::BeginSignIn { key: None };
        let view = ask!(self.session, begin, Reply::SignIn(SignInView::Browser(view)) => view);
        let address = view.address.clone();
        let visit = tokio::spawn(async move { browser::visit(&address).await });
        let signed_in = self.session.signed_in().await;
        match visit.await {
            Ok(Ok(())) => signed_in,
            Ok(Err(error)) => Err(error),
            Err(error) => {
                Err(Error::new(Kind::Internal, "the demo's browser broke off").caused_by(error))
            }
        }
    }

    /// Starts runs and waits for their ends.
    ///
    /// # Errors
    /// When one could not start, or failed as a whole.
    pub async fn sync(&mut self) -> Result<Vec<RunDetail>> {
        let scope = Scope::All;
        let runs = ask!(self.session, Command::Sync { scope }, Reply::Started(runs) => runs);
        self.ends(runs).await
    }

    /// Waits for runs.
    ///
    /// # Errors
    /// When one failed as a whole.
    pub async fn ends(&mut self, runs: Vec<crate::domain::id::RunId>) -> Result<Vec<RunDetail>> {
        let mut ends = Vec::new();
        for run in runs {
            let detail = self.session.finished(run, |_| {}).await?;
            if let Some(failure) = &detail.run.failure {
                return Err(super::super::say::failure(failure));
            }
            ends.push(detail);
        }
        Ok(ends)
    }

    /// The App record of a CRM record.
    ///
    /// # Errors
    /// When there is none.
    pub fn key(&self, pair: &str, id: &str) -> Result<RecordKey> {
        let pair = PairName::new(pair);
        let crm: CrmId = id
            .parse()
            .map_err(|_| Error::new(Kind::Internal, format!("{id} is no record id")))?;
        let app_id = self
            .state
            .by_crm(&pair, &crm)?
            .ok_or_else(|| Error::new(Kind::Internal, format!("{id} was not taken in")))?;
        Ok(RecordKey { pair, app_id })
    }

    /// An App record.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn app(&mut self, key: &RecordKey) -> Result<AppRecord> {
        let command = Command::Record { key: key.clone() };
        let detail = ask!(self.session, command, Reply::Record(detail) => detail);
        detail
            .app
            .ok_or_else(|| Error::new(Kind::Internal, format!("App record {} is gone", key.app_id)))
    }

    /// Changes an App record as a person would.
    ///
    /// # Errors
    /// When the values are refused.
    pub async fn edit(&mut self, key: &RecordKey, fields: Fields) -> Result<()> {
        let rev = self.app(key).await?.rev;
        let key = key.clone();
        ask!(self.session, Command::EditRecord { key, rev, fields }, Reply::Done => ());
        Ok(())
    }

    /// Opens the console on it, and stops everything when the person leaves.
    ///
    /// # Errors
    /// When there is no terminal, or the folder cannot be removed.
    pub async fn console(self, options: tui::Options) -> Result<()> {
        let Self {
            folder,
            sandbox,
            engine,
            ahead,
            state,
            session,
        } = self;
        let options = tui::Options {
            summary: session.heard(),
            ahead: SignedDuration::from_secs(ahead.load(Ordering::Relaxed)),
            ..options
        };
        let shown = tui::run(session.into_link(), options).await;
        drop(state);
        let ended = Ending {
            folder,
            sandbox,
            engine,
        };
        let why = *shown.as_ref().unwrap_or(&ExitReason::Quit);
        let ended = leave::finish(ended.end(), why, signals::listen()?, note).await;
        shown.and(ended.unwrap_or(Ok(())))
    }

    /// Stops everything; a temporary folder is removed.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub async fn end(self) -> Result<()> {
        let Self {
            folder,
            sandbox,
            engine,
            ahead: _,
            state,
            session,
        } = self;
        drop((session, state));
        let ending = Ending {
            folder,
            sandbox,
            engine,
        };
        ending.end().await
    }
}

/// What has to be stopped, in order.
struct Ending {
    folder: Folder,
    sandbox: Running,
    engine: Engine,
}

impl Ending {
    async fn end(self) -> Result<()> {
        self.engine.stop().await;
        self.sandbox.shutdown().await;
        match self.folder {
            Folder::Kept(_) => Ok(()),
            Folder::Temporary(dir) => dir.close().map_err(|e| {
                Error::new(Kind::Store, "the demo's folder could not be removed").caused_by(e)
            }),
        }
    }
}

fn open(vault_dir: &Path, places: &Places) -> Result<(Arc<State>, String)> {
    let (vault, key) = Vault::create(vault_dir, Protection::IdentityFile)?;
    let state = profile::open(places, key, "demo", CACHE)?;
    for name in PRESETS {
        let pairs = preset::preset(name)
            .map_err(|e| Error::new(Kind::Internal, format!("the preset {name} is wrong: {e}")))?;
        profile::install(&state, pairs, Timestamp::now())?;
    }
    Ok((state, vault.recovery_text()?))
}

fn folder(keep: Option<&Path>) -> Result<Folder> {
    let cannot = |e: std::io::Error| {
        Error::new(Kind::Store, "the demo's folder could not be made").caused_by(e)
    };
    let Some(dir) = keep else {
        let dir = tempfile::Builder::new().prefix("syncdeck-demo-").tempdir();
        return Ok(Folder::Temporary(dir.map_err(cannot)?));
    };
    if dir.join("vault").exists() {
        return Err(Error::new(
            Kind::Usage,
            format!("{} holds an earlier demo, whose org is gone", dir.display()),
        )
        .hint("name another folder, or remove that one"));
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(cannot)?;
    Ok(Folder::Kept(dir.to_owned()))
}
