//! A sandbox org, a profile of its own, an engine between them, and a viewer that asks.
//!
//! Both clocks move together, so that times of a real org (settling, held writes) pass at once.

mod again;
mod app;
mod asking;
mod there;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json};
use syncdeck::cli::session::Session;
use syncdeck::crm::bulk::{ReadSizes, WriteSizes};
use syncdeck::crm::salesforce::RetryPolicy;
use syncdeck::crm::transport::host::ServerKind;
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::{AppId, CrmId, PairName, RunId};
use syncdeck::domain::mapping::Pair;
use syncdeck::domain::preset;
use syncdeck::domain::record::AppRecord;
use syncdeck::domain::run::RunState;
use syncdeck::domain::schedule::Overlap;
use syncdeck::domain::value::{Fields, Value};
use syncdeck::engine::command::{Command, Decide, Page, RecordKey, Scope, WriteScope};
use syncdeck::engine::core::{Engine, Options, Schedules};
use syncdeck::engine::cx::{Clock, Settings};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::profile::{self, Places, Sealed};
use syncdeck::engine::session::{Connector, ConnectorSettings};
use syncdeck::engine::state::State;
use syncdeck::engine::summary::{Access, Summary};
use syncdeck::engine::tables::SCHEMA;
use syncdeck::engine::view::{ConflictRow, RunDetail, SignInView, SignedInView};
use syncdeck::error::Result;
use syncdeck::sandbox::{
    self, Approval, By, Control, ExtraField, Fault, FaultKind, Info, Running, Seed,
};
use syncdeck::store::Store;
use syncdeck::vault::{DataKey, KEY_BYTES};

/// How long anything may take before a test says what it waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds that pass before each sync: more than an observation needs to settle.
const BETWEEN: i64 = 30;
/// Seconds after which a write of unknown outcome can no longer be executed.
pub const LATE: i64 = 700;

/// Waits, and fails with what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// A fault from its JSON.
pub fn fault(json: Json) -> Fault {
    serde_json::from_value(json).unwrap()
}

/// An engine that works on a store.
struct Up {
    engine: Engine,
    state: Arc<State>,
    session: Session,
}

/// Everything a test needs.
pub struct World {
    sandbox: Running,
    places: Places,
    ahead: Arc<AtomicI64>,
    up: Option<Up>,
    stores: u32,
    sizes: Sizes,
    viewer: Access,
    dir: tempfile::TempDir,
}

/// When jobs of the org read and write, and how long they are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub read: ReadSizes,
    pub write: WriteSizes,
    pub patience: Duration,
    /// Records from which a window is looked through by ids first.
    pub ids_first: u64,
    /// Characters of a SELECT at most.
    pub longest_select: usize,
    /// Calls that write at once.
    pub lanes: usize,
    /// What is done about a fire while the last run works.
    pub overlap: Overlap,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            read: ReadSizes::default(),
            write: WriteSizes::default(),
            patience: Settings::default().patience,
            ids_first: Settings::default().ids_first,
            lanes: Settings::default().lanes,
            overlap: Settings::default().overlap_of_runs,
            longest_select: syncdeck::crm::salesforce::Settings::default().longest_select,
        }
    }
}

impl World {
    /// The whole-crm preset, signed in and imported: 100 leads, 13 accounts, 40 contacts, 9
    /// opportunities.
    pub async fn imported() -> Self {
        Self::imported_with(100, Sizes::default()).await
    }

    /// The same with so many leads, the others in proportion, and other sizes.
    pub async fn imported_with(leads: usize, sizes: Sizes) -> Self {
        let mut world = Self::signed_in_with("whole-crm", leads, sizes).await;
        for end in world.sync().await {
            assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        }
        world
    }

    /// A preset, signed in, nothing imported.
    pub async fn signed_in(preset: &str, leads: usize) -> Self {
        Self::signed_in_with(preset, leads, Sizes::default()).await
    }

    /// The same, where jobs are used for other sizes.
    pub async fn signed_in_with(preset: &str, leads: usize, sizes: Sizes) -> Self {
        let pairs = preset::preset(preset).unwrap();
        Self::with_fields(pairs, Vec::new(), leads, sizes).await
    }

    /// Pairs over an org that has more fields, signed in, nothing imported.
    pub async fn with_fields(
        pairs: Vec<Pair>,
        fields: Vec<ExtraField>,
        leads: usize,
        sizes: Sizes,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = sandbox::serve(sandbox::Options {
            seed: Seed::Demo { leads, number: 42 },
            approval: Approval::Automatic,
            fields,
            ..sandbox::Options::default()
        })
        .await
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path(), 0);
        let ahead = Arc::new(AtomicI64::new(0));
        let state = open(&places);
        profile::install(&state, pairs, Timestamp::now()).unwrap();
        let viewer = Access::ReadWrite;
        let up = start(state, sandbox.info(), &places, &ahead, (sizes, viewer));
        let mut world = Self {
            sandbox,
            places,
            ahead,
            up: Some(up),
            stores: 0,
            sizes,
            viewer,
            dir,
        };
        world.sign_in().await;
        world
    }

    fn up(&mut self) -> &mut Up {
        self.up.as_mut().unwrap()
    }

    /// The engine's memory.
    pub fn state(&self) -> &Arc<State> {
        &self.up.as_ref().unwrap().state
    }

    /// The other people in the org, and its administrator.
    pub fn org(&self) -> Control {
        self.sandbox.control()
    }

    /// Lets time pass on both sides.
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
        self.org().advance(seconds);
    }

    /// Sets our clock forth or back; the org's stays right.
    pub fn set_our_clock(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn key() -> DataKey {
    DataKey::from_bytes([7; KEY_BYTES]).unwrap()
}

fn sealed() -> Sealed {
    Sealed(key())
}

fn places(dir: &Path, number: u32) -> Places {
    Places {
        store: dir.join(format!("store-{number}")),
        backups: dir.join("backups"),
    }
}

/// Opens a store. What was stopped may hold it for a moment still.
fn open(places: &Places) -> Arc<State> {
    let start = std::time::Instant::now();
    loop {
        match profile::open(places, key(), "a test", 16 << 20) {
            Ok(state) => return state,
            Err(error) if start.elapsed() > PATIENCE => panic!("the store does not open: {error}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}

fn start(
    state: Arc<State>,
    info: &Info,
    places: &Places,
    ahead: &Arc<AtomicI64>,
    (sizes, viewer): (Sizes, Access),
) -> Up {
    let now = {
        let ahead = Arc::clone(ahead);
        move || Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst))
    };
    let mut connection = ConnectorSettings::new(
        info.login_url.clone(),
        Some(info.client_id.clone()),
        ServerKind::LocalSandbox,
    );
    connection.callback_port = 0;
    connection.clock = Clock::new(now.clone());
    connection.api.longest_select = sizes.longest_select;
    connection.api.retry = RetryPolicy {
        attempts: 3,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(5),
    };
    let connector = Connector::new(Arc::clone(&state), connection).unwrap();
    let options = Options {
        settings: Settings {
            clock: Clock::new(now),
            ids_first: sizes.ids_first,
            lanes: sizes.lanes,
            overlap_of_runs: sizes.overlap,
            jobs: sizes.read,
            writes: sizes.write,
            patience: sizes.patience,
            ..Settings::default()
        },
        schedules: Schedules::Followed,
        viewer,
        ..Options::new("test", places.clone())
    };
    let (link, engine) = Engine::start(Arc::clone(&state), connector, options).unwrap();
    Up {
        engine,
        state,
        session: Session::new(link),
    }
}
