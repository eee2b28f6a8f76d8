//! A sandbox org, a profile of its own, an engine between them, and a viewer that asks.
//!
//! Both clocks move together, so that times of a real org (settling, held writes) pass at once.

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
use syncdeck::domain::value::{Fields, Value};
use syncdeck::engine::command::{
    Command, Decide, Page, RecordKey, Request, RequestId, Scope, WriteScope,
};
use syncdeck::engine::core::{Engine, Options, Schedules};
use syncdeck::engine::cx::{Clock, Settings};
use syncdeck::engine::link::Link;
use syncdeck::engine::notice::{Notice, Reply};
use syncdeck::engine::profile::{self, Places};
use syncdeck::engine::session::{Connector, ConnectorSettings};
use syncdeck::engine::state::State;
use syncdeck::engine::summary::{Access, Summary};
use syncdeck::engine::view::{ConflictRow, RunDetail, SignInView};
use syncdeck::error::Result;
use syncdeck::sandbox::{self, Approval, By, Control, ExtraField, Fault, Info, Running, Seed};
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
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            read: ReadSizes::default(),
            write: WriteSizes::default(),
            patience: Settings::default().patience,
            ids_first: Settings::default().ids_first,
            lanes: Settings::default().lanes,
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

    // ---- the engine's life -------------------------------------------------------------

    /// Stops the engine as a person does who quits, and starts it again on the same store.
    pub async fn restart(&mut self) {
        let Up {
            engine,
            state,
            session,
        } = self.up.take().unwrap();
        within("the engine to stop", engine.stop()).await;
        drop((state, session));
        self.start().await;
    }

    /// The same for a viewer who may only look.
    pub async fn restart_to_look(&mut self) {
        self.viewer = Access::ReadOnly;
        self.restart().await;
    }

    /// Ends the process in the middle: what is on disk at this moment is all that is left, and no
    /// request leaves any more.
    pub async fn crash(&mut self) {
        self.stores += 1;
        let after = places(self.dir.path(), self.stores);
        let org = self.org();
        let dead = {
            // Nothing is committed while the store is copied, ...
            let tx = self.state().begin();
            copy(&self.places.store, &after.store);
            // ... and whatever the old process would still send is lost.
            let dead = org.inject(fault(serde_json::json!({
                "kind": "drop_before", "path": "/services",
            })));
            drop(tx);
            dead
        };
        let Up {
            engine,
            state,
            session,
        } = self.up.take().unwrap();
        within("the dead engine to end", engine.stop()).await;
        drop((state, session));
        org.remove_fault(dead);
        self.places = after;
        self.start().await;
    }

    async fn start(&mut self) {
        let state = open(&self.places);
        let info = self.sandbox.info();
        let how = (self.sizes, self.viewer);
        self.up = Some(start(state, info, &self.places, &self.ahead, how));
    }

    // ---- asking ------------------------------------------------------------------------

    /// Asks, and waits for the answer.
    pub async fn ask(&mut self, command: Command) -> Result<Reply> {
        let what = format!("an answer to {command:?}");
        within(&what, self.up().session.ask(command)).await
    }

    /// Asks for something that has no answer.
    pub async fn tell(&mut self, command: Command) {
        self.ask(command).await.unwrap();
    }

    /// Puts questions on the link as fast as it takes them, gives all answers in the order they
    /// come, and stops the engine.
    pub async fn hurried(&mut self, questions: Vec<Request>) -> Vec<(RequestId, Result<Reply>)> {
        let Up {
            engine,
            state,
            session,
        } = self.up.take().unwrap();
        let Link {
            requests,
            mut notices,
        } = session.into_link();
        let many = questions.len();
        tokio::spawn(async move {
            for question in questions {
                requests.send(question).await.unwrap();
            }
            // The link stays open until the engine ends it.
            requests.closed().await;
        });
        let mut answers = Vec::with_capacity(many);
        while answers.len() < many {
            let notice = within("an answer", notices.recv()).await.unwrap();
            if let Notice::Reply { id, result } = notice {
                answers.push((id, result));
            }
        }
        within("the engine to stop", engine.stop()).await;
        drop(state);
        answers
    }

    /// Signs in the way a person does, with a browser.
    pub async fn sign_in(&mut self) {
        let begin = Command::BeginSignIn { key: None };
        let Reply::SignIn(SignInView::Browser(view)) = self.ask(begin).await.unwrap() else {
            panic!("no sign-in");
        };
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        let visit = tokio::spawn(async move { browser.get(view.address).send().await });
        within("the sign-in", self.up().session.signed_in())
            .await
            .unwrap();
        visit.await.unwrap().unwrap();
    }

    /// Starts runs.
    pub async fn begin(&mut self, scope: Scope) -> Vec<RunId> {
        match self.ask(Command::Sync { scope }).await.unwrap() {
            Reply::Started(runs) => runs,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the end of a run.
    pub async fn end(&mut self, run: RunId) -> RunDetail {
        let what = format!("the end of run {run}");
        within(&what, self.up().session.finished(run, |_| {}))
            .await
            .unwrap()
    }

    /// Syncs everything, some time after what was before.
    pub async fn sync(&mut self) -> Vec<RunDetail> {
        self.runs(Scope::All).await
    }

    /// Syncs one pair.
    pub async fn sync_pair(&mut self, pair: &str) -> RunDetail {
        let scope = Scope::Pair(PairName::new(pair));
        self.runs(scope).await.remove(0)
    }

    async fn runs(&mut self, scope: Scope) -> Vec<RunDetail> {
        self.advance(BETWEEN);
        let mut ends = Vec::new();
        for run in self.begin(scope).await {
            ends.push(self.end(run).await);
        }
        ends
    }

    /// Starts a run of one pair some time after what was before.
    pub async fn begin_pair(&mut self, pair: &str) -> RunId {
        self.advance(BETWEEN);
        let scope = Scope::Pair(PairName::new(pair));
        self.begin(scope).await.remove(0)
    }

    /// Waits for a summary that is like this.
    pub async fn summary(&mut self, what: &str, like: impl Fn(&Summary) -> bool) -> Arc<Summary> {
        let session = &mut self.up().session;
        within(what, async {
            loop {
                let summary = session.summary().await.unwrap();
                if like(&summary) {
                    return summary;
                }
                session.step().await.unwrap();
            }
        })
        .await
    }

    /// Waits until something is so that nobody reports.
    pub async fn until(&self, what: &str, so: impl Fn() -> bool) {
        within(what, async {
            while !so() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    /// Waits until a fault has struck so often.
    pub async fn struck(&self, number: u64, times: u32) {
        let org = self.org();
        let so = || {
            let faults = org.faults();
            faults.iter().any(|f| f.id == number && f.struck >= times)
        };
        self.until("a fault to strike", so).await;
    }

    // ---- the App -----------------------------------------------------------------------

    /// The App's record of a CRM record.
    pub fn key(&self, pair: &str, crm: &str) -> RecordKey {
        let pair = PairName::new(pair);
        let id: CrmId = crm.parse().unwrap();
        let app_id = self.state().by_crm(&pair, &id).unwrap();
        RecordKey {
            app_id: app_id.unwrap_or_else(|| panic!("{crm} is not in {pair}")),
            pair,
        }
    }

    /// The App record of a key.
    pub fn app(&self, key: &RecordKey) -> AppRecord {
        let table = self.state().pair(&key.pair).unwrap().unwrap().table;
        let found = self.state().app_record(&table, &key.app_id).unwrap();
        found.unwrap_or_else(|| panic!("no App record {}", key.app_id))
    }

    /// A value of an App record as text.
    pub fn value(&self, key: &RecordKey, field: &str) -> String {
        let app = self.app(key);
        app.fields
            .get(field)
            .map(Value::to_string)
            .unwrap_or_default()
    }

    /// Changes an App record as a person does.
    pub async fn edit(&mut self, key: &RecordKey, field: &str, text: &str) {
        self.try_edit(key, field, text).await.unwrap();
    }

    /// The same, when the record may be gone.
    pub async fn try_edit(&mut self, key: &RecordKey, field: &str, text: &str) -> Result<Reply> {
        let rev = self.app(key).rev;
        let fields: Fields = [(field.into(), Value::text(text))].into();
        let key = key.clone();
        self.ask(Command::EditRecord { key, rev, fields }).await
    }

    /// Makes an App record.
    pub async fn create(&mut self, pair: &str, fields: &[(&str, &str)]) -> RecordKey {
        let pair = PairName::new(pair);
        let fields = fields
            .iter()
            .map(|(name, text)| ((*name).into(), Value::text(*text)))
            .collect();
        let command = Command::CreateRecord {
            pair: pair.clone(),
            fields,
        };
        match self.ask(command).await.unwrap() {
            Reply::Created(made) => RecordKey {
                pair,
                app_id: made.app_id,
            },
            other => panic!("{other:?}"),
        }
    }

    /// Deletes an App record.
    pub async fn delete(&mut self, key: &RecordKey) {
        let rev = self.app(key).rev;
        let key = key.clone();
        self.tell(Command::DeleteRecord { key, rev }).await;
    }

    /// Records with open conflicts.
    pub async fn conflicts(&mut self) -> Vec<ConflictRow> {
        let page = Page {
            offset: 0,
            limit: 500,
        };
        match self
            .ask(Command::Conflicts {
                filter: String::new(),
                page,
            })
            .await
            .unwrap()
        {
            Reply::Conflicts(list) => list.rows,
            other => panic!("{other:?}"),
        }
    }

    /// Decides all conflicts of a record, and says what was refused.
    pub async fn decide(&mut self, row: &ConflictRow, choice: Choice) -> Vec<String> {
        let decisions = row
            .conflicts
            .iter()
            .map(|open| Decide {
                conflict: open.id,
                fp: open.fp,
                choice: Some(choice.clone()),
            })
            .collect();
        match self.ask(Command::Decide { decisions }).await.unwrap() {
            Reply::Decided(done) => done.refused.into_iter().map(|(_, why)| why).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Writes what was decided.
    pub async fn write(&mut self) -> Vec<RunDetail> {
        self.try_write().await.unwrap()
    }

    /// The same, when perhaps nothing can be written now.
    pub async fn try_write(&mut self) -> Result<Vec<RunDetail>> {
        self.advance(BETWEEN);
        let scope = WriteScope::All;
        let preview = Command::Preview {
            scope: scope.clone(),
        };
        let Reply::Preview(preview) = self.ask(preview).await? else {
            panic!("no preview");
        };
        let hash = preview.hash;
        let Reply::Started(runs) = self.ask(Command::Write { scope, hash }).await? else {
            panic!("nothing was started");
        };
        let mut ends = Vec::new();
        for run in runs {
            ends.push(self.end(run).await);
        }
        Ok(ends)
    }

    // ---- Salesforce --------------------------------------------------------------------

    /// Ids of a query.
    pub fn ids(&self, soql: &str) -> Vec<String> {
        let answer = self.org().query(soql).unwrap();
        let records = answer["records"].as_array().unwrap();
        let id = |r: &Json| r["Id"].as_str().unwrap().to_owned();
        records.iter().map(id).collect()
    }

    /// Id of the `n`th account.
    pub fn account(&self, n: usize) -> String {
        self.ids("SELECT Id FROM Account ORDER BY Id").remove(n)
    }

    /// A colleague changes a record.
    pub fn change(&self, id: &str, fields: Json) {
        let fields: Map<String, Json> = fields.as_object().unwrap().clone();
        self.org().update(By::Colleague, id, &fields).unwrap();
    }

    /// A colleague makes a record.
    pub fn make(&self, object: &str, fields: Json) -> String {
        let fields: Map<String, Json> = fields.as_object().unwrap().clone();
        self.org().create(By::Colleague, object, &fields).unwrap()
    }

    /// A value of a CRM record as text.
    pub fn there(&self, id: &str, field: &str) -> String {
        let record = self.org().get(id).unwrap();
        match &record[field] {
            Json::String(text) => text.clone(),
            Json::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// The CRM record of an App record.
    pub fn crm_id(&self, key: &RecordKey) -> Option<String> {
        let link = self.state().link(&key.pair, &key.app_id).unwrap()?;
        Some(link.crm_id?.to_string())
    }

    /// Ids of this pair that our user created since the last `forget`.
    pub fn created(&self) -> usize {
        let written = self.org().written();
        written.values().map(|w| w.created as usize).sum()
    }

    /// App ids of a pair.
    pub fn app_ids(&self, pair: &str) -> Vec<AppId> {
        super::agree::app_records(self, &PairName::new(pair))
            .into_iter()
            .map(|record| record.id)
            .collect()
    }
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
        let key = DataKey::from_bytes([7; KEY_BYTES]).unwrap();
        match profile::open(places, key, "a test", 16 << 20) {
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

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
