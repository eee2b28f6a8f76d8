//! What a run knows while it reconciles: the compiled mapping, users, time, settings.
//!
//! Made once per run. Invariant: nothing in it changes while the run works, but what is put off, and
//! users that turn out to be deactivated.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::crm::bulk::{ReadSizes, WriteSizes};
use crate::domain::append::Appended;
use crate::domain::clocks::STEP;
use crate::domain::dry_run::NEW_IN_APP;
use crate::domain::id::{AppId, CrmId, FieldName, PairName, RowId, RunId, SyncKey};
use crate::domain::mapping::{Flow, Guard, Pair, Row, Strategy};
use crate::domain::mass::{self, PutOff};
use crate::domain::reconcile::{Care, Clocks, Compiled, CompiledRow, Context, Depth};
use crate::domain::record::{AppRecord, Observation};
use crate::domain::schedule::{CatchUp, Overlap};
use crate::domain::transform::Lookup;
use crate::store::StoreError;
use crate::store::keys::Key;

use super::restored;
use super::set_back;
use super::state::State;
use super::tables::{Intent, Op, RUNS, SavedVersion, UserRow, VERSIONS};
use super::tx::Tx;

/// Times and sizes of the engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Seconds read again before the watermark (sync-semantics 4.2).
    pub overlap: SignedDuration,
    /// An observation is good as a precondition this long after the record's stamp.
    pub settle: SignedDuration,
    /// Time after which a run by schedule compares all ids again (sync-semantics 4.4).
    pub sweep_every: SignedDuration,
    /// How long a lost write may still be executed (sync-semantics 8.5).
    pub late: SignedDuration,
    /// Records that are written together.
    pub batch: usize,
    /// Calls that write on their way at once (sync-semantics 7.4).
    pub lanes: usize,
    /// A window with more records is looked through by ids first, when most of it is known
    /// (sync-semantics 4.2).
    pub ids_first: u64,
    /// When a job of the CRM reads a window in place of pages.
    pub jobs: ReadSizes,
    /// When a job of the CRM writes in place of collections.
    pub writes: WriteSizes,
    /// So many writes of a kind are never asked about (sync-semantics 14.2).
    pub few: u64,
    /// How long a job of the CRM may stand still before it is given up.
    pub patience: Duration,
    /// Error of both clocks together at least, for `newest`.
    pub clock_error: SignedDuration,
    /// Who decides in pairs that do not say it, when both sides changed (sync-semantics 5.4).
    pub strategy: Strategy,
    /// How long what runs replaced is kept, so that they can be taken back (sync-semantics 15).
    pub kept: SignedDuration,
    /// What is done about fires of a schedule that nobody was there for.
    pub catch_up: CatchUp,
    /// What is done about a fire of a pair that is being synced.
    pub overlap_of_runs: Overlap,
    /// A fire starts at most this long after its instant, as it falls for the org.
    pub jitter: SignedDuration,
    /// Name of the person for changes made here.
    pub person: String,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Gives the time, and how much of it passes: the first may be set, the second only grows.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    passed: Arc<dyn Fn() -> SignedDuration + Send + Sync>,
}

impl Clock {
    /// A clock of one's own, for tests.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let began = Instant::now();
        Self::virtual_time(now, move || {
            SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX)
        })
    }

    /// A clock of which the passing of time is made up as well, for simulations.
    pub fn virtual_time(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        passed: impl Fn() -> SignedDuration + Send + Sync + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            passed: Arc::new(passed),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Time since some moment before, whatever the clock is set to meanwhile.
    pub fn passed(&self) -> SignedDuration {
        (self.passed)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Timestamp::now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            overlap: SignedDuration::from_secs(660),
            settle: SignedDuration::from_secs(2),
            sweep_every: SignedDuration::from_hours(24),
            late: SignedDuration::from_secs(11 * 60),
            batch: 200,
            lanes: 4,
            ids_first: 10_000,
            jobs: ReadSizes::default(),
            writes: WriteSizes::default(),
            few: mass::FEW,
            patience: Duration::from_secs(30 * 60),
            clock_error: SignedDuration::from_secs(2),
            strategy: Strategy::default(),
            kept: SignedDuration::from_hours(90 * 24),
            overlap_of_runs: Overlap::QueueOne,
            catch_up: CatchUp::One,
            jitter: SignedDuration::from_secs(30),
            person: "you".to_owned(),
            clock: Clock::default(),
        }
    }
}

/// Which ids new records get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewIds {
    /// Their own.
    #[default]
    Fresh,
    /// Ones that stand for it, the same every time: nothing is made, and another look at the same
    /// state has to come to the same.
    Derived,
}

/// Users of the CRM, both ways.
#[derive(Debug, Default)]
pub struct Users {
    by_id: HashMap<CrmId, UserRow>,
    by_email: HashMap<String, CrmId>,
}

impl Users {
    /// From the stored users; active ones win an e-mail address.
    pub fn new(rows: Vec<UserRow>) -> Self {
        let mut users = Self::default();
        for row in rows {
            let email = row.email.to_lowercase();
            if row.active || !users.by_email.contains_key(&email) {
                users.by_email.insert(email, row.id);
            }
            users.by_id.insert(row.id, row);
        }
        users
    }

    /// Display name of a user.
    pub fn name(&self, id: &CrmId) -> Option<&str> {
        self.by_id.get(id).map(|u| u.name.as_str())
    }

    /// The user with an e-mail address, compared without case.
    pub fn id(&self, email: &str) -> Option<CrmId> {
        self.by_email.get(&email.to_lowercase()).copied()
    }

    /// The user with an e-mail address, if it may own records.
    pub fn active_id(&self, email: &str) -> Option<CrmId> {
        let id = self.id(email)?;
        self.by_id.get(&id).filter(|user| user.active).map(|_| id)
    }

    /// Notes that a user is deactivated; none when that was known, or it is no user.
    pub fn deactivate(&mut self, id: &CrmId) -> Option<&UserRow> {
        let user = self.by_id.get_mut(id).filter(|user| user.active)?;
        user.active = false;
        Some(user)
    }

    /// E-mail address of a user.
    pub fn email(&self, id: &CrmId) -> Option<String> {
        self.by_id.get(id).map(|u| u.email.clone())
    }
}

/// Looks up links as they are stored, for whoever only reads.
#[derive(Debug, Clone, Copy)]
pub struct StateLookup<'a> {
    /// Where links are.
    pub state: &'a State,
    /// Users.
    pub users: &'a Users,
}

impl Lookup for StateLookup<'_> {
    fn crm_id(&self, pair: &PairName, id: &AppId) -> Option<CrmId> {
        self.state.link(pair, id).ok().flatten()?.crm_id
    }

    fn app_id(&self, pair: &PairName, id: &CrmId) -> Option<AppId> {
        self.state.by_crm(pair, id).ok().flatten()
    }

    fn user_id(&self, email: &str) -> Option<CrmId> {
        self.users.id(email)
    }

    fn active_user_id(&self, email: &str) -> Option<CrmId> {
        self.users.active_id(email)
    }

    fn user_email(&self, id: &CrmId) -> Option<String> {
        self.users.email(id)
    }
}

/// What a run knows.
#[derive(Debug)]
pub struct RunCx {
    /// The run.
    pub run: RunId,
    /// Its pair, compiled.
    pub pair: Compiled,
    /// Users.
    pub users: Users,
    /// Us, as the CRM's user.
    pub me: Option<CrmId>,
    /// Settings.
    pub settings: Settings,
    /// The oldest of the pair's latest runs that count together (sync-semantics 2.5).
    pub latest: RunId,
    /// Ids of new records.
    pub ids: NewIds,
    /// Writes that are put off for now.
    pub put_off: PutOff,
    /// Rows that are put right although nothing moved, by record.
    pub repair: BTreeMap<AppId, Vec<RowId>>,
    /// Rows whose meaning changed since a mapping version.
    changed_rows: BTreeMap<u32, HashSet<RowId>>,
    /// Pairs whose links still lead to an org that was left.
    left: BTreeSet<PairName>,
}

impl RunCx {
    /// Whether a write is of a record that is read right before: an update, without a precondition
    /// of its own, of values that may also change in the CRM (sync-semantics 8.2).
    pub fn rechecks(&self, intent: &Intent) -> bool {
        let both = |row: &CompiledRow| !matches!(row.row.flow, Flow::ToCrm(_));
        let written = |row: &CompiledRow| row.row.crm.iter().any(|f| intent.fields.contains_key(f));
        self.pair.pair.guard == Guard::Recheck
            && intent.op == Op::Update
            && intent.unmodified_since.is_none()
            && self.pair.rows.iter().any(|row| both(row) && written(row))
    }

    /// Reads what a run of a pair needs.
    pub fn new(
        state: &State,
        run: RunId,
        pair: Compiled,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let pair = pair.by_default(settings.strategy);
        let pair = match restored::care(state, &Key::new().text(pair.pair.name.as_str()))? {
            Care::Usual => pair,
            Care::AskAlways => pair.asking_always(),
        };
        Ok(Self {
            run,
            users: Users::new(state.users()?),
            me: state.connection()?.identity.map(|who| who.user_id),
            changed_rows: changed_rows(state, &pair.pair)?,
            left: restored::left(state)?,
            latest: latest(state, &pair.pair.name)?,
            pair,
            settings,
            ids: NewIds::default(),
            put_off: PutOff::default(),
            repair: BTreeMap::new(),
        })
    }

    /// The pair's name.
    pub fn name(&self) -> &PairName {
        &self.pair.pair.name
    }

    /// Rows whose base no longer holds for a link reconciled with an older mapping
    /// (sync-semantics 4.5).
    pub fn rows_changed_since(&self, version: u32) -> Option<&HashSet<RowId>> {
        self.changed_rows.get(&version)
    }

    /// Id of the App record that a CRM record gets.
    pub fn new_app_id(&self, of: &CrmId) -> AppId {
        match self.ids {
            NewIds::Fresh => AppId::new(uuid::Uuid::now_v7().to_string()),
            NewIds::Derived => AppId::new(format!("{NEW_IN_APP}{of}")),
        }
    }

    /// Key of the CRM record that an App record gets.
    pub fn new_sync_key(&self, of: &AppId) -> SyncKey {
        match self.ids {
            NewIds::Fresh => set_back::new_key(self.settings.clock.now()),
            NewIds::Derived => SyncKey::new(format!("{NEW_IN_APP}{of}")),
        }
    }

    /// Name of a record for people.
    pub fn title(&self, app: Option<&AppRecord>, seen: Option<&Observation>) -> String {
        super::naming::record_name(&self.pair.pair, app, seen)
    }

    /// Both clocks for one record. When we wrote it last, its time is not that of the value
    /// somebody else gave it before (sync-semantics 13.3).
    pub fn clocks(&self, state: &State, seen: Option<&Observation>, now: Timestamp) -> Clocks {
        let ours = |seen: &&Observation| self.me.is_some() && seen.modified_by == self.me;
        let offset = state.clock_offset(now);
        let least = self.settings.clock_error;
        Clocks {
            crm: seen.filter(|seen| !ours(seen)).map(|seen| seen.modified),
            ahead: offset.map(|offset| offset.ahead),
            error: offset.map_or(least, |offset| least.max(offset.error + STEP)),
        }
    }

    /// Runs `f` with the context for one record; `appended` is what [`Tx::appended`] says of it.
    pub fn with<T>(
        &self,
        tx: &Tx<'_>,
        app: Option<&AppRecord>,
        seen: Option<&Observation>,
        appended: &Appended,
        now: Timestamp,
        f: impl FnOnce(&Context<'_>) -> T,
    ) -> T {
        let none = AppId::new("");
        let lookup = TxLookup {
            tx,
            users: &self.users,
            left: &self.left,
        };
        f(&Context {
            lookup: &lookup,
            depth: match app.and_then(|a| self.repair.get(&a.id)) {
                Some(rows) => Depth::Repair(rows),
                None => Depth::Moves,
            },
            first_link: self.pair.pair.first_link,
            app_id: app.map_or(&none, |a| &a.id),
            app_changed: &|field: &FieldName| app.and_then(|a| a.changed_at.get(field).copied()),
            clocks: self.clocks(tx.state(), seen, now),
            appended,
            now,
        })
    }
}

/// Runs of a pair that count together.
const LATEST: usize = 10;
/// Runs of all pairs that are looked at for them.
const LOOKED_AT: usize = 200;

fn latest(state: &State, pair: &PairName) -> Result<RunId, StoreError> {
    let mut found = RunId::default();
    let mut left = LATEST;
    for run in state.store().scan(&RUNS, &[]).rev().take(LOOKED_AT) {
        let (_, run) = run?;
        found = run.id;
        left -= usize::from(run.pair == *pair);
        if left == 0 {
            break;
        }
    }
    Ok(found)
}

fn changed_rows(state: &State, pair: &Pair) -> Result<BTreeMap<u32, HashSet<RowId>>, StoreError> {
    let mut changed = BTreeMap::new();
    let prefix = Key::new().text(pair.name.as_str());
    for saved in state.store().scan(&VERSIONS, &prefix) {
        let (_, SavedVersion { pair: old, .. }) = saved?;
        if old.version == pair.version {
            continue;
        }
        let differ = pair
            .rows
            .iter()
            .filter(|row| {
                old.row(row.id)
                    .is_none_or(|was| meaning(was) != meaning(row))
            })
            .map(|row| row.id)
            .collect();
        changed.insert(old.version, differ);
    }
    Ok(changed)
}

/// What makes two versions of a row mean the same.
pub fn meaning(row: &Row) -> impl PartialEq + '_ {
    (&row.app, &row.crm, &row.to_crm, &row.to_app)
}

/// Looks up links through a transaction, so that records of the same batch are seen.
struct TxLookup<'a> {
    tx: &'a Tx<'a>,
    users: &'a Users,
    left: &'a BTreeSet<PairName>,
}

impl Lookup for TxLookup<'_> {
    fn crm_id(&self, pair: &PairName, id: &AppId) -> Option<CrmId> {
        // An id of another org; the parent is waited for.
        if self.left.contains(pair) {
            return None;
        }
        self.tx
            .link(pair, id)
            .ok()
            .flatten()
            .and_then(|link| link.crm_id)
    }

    fn app_id(&self, pair: &PairName, id: &CrmId) -> Option<AppId> {
        self.tx.by_crm(pair, id).ok().flatten()
    }

    fn user_id(&self, email: &str) -> Option<CrmId> {
        self.users.id(email)
    }

    fn active_user_id(&self, email: &str) -> Option<CrmId> {
        self.users.active_id(email)
    }

    fn user_email(&self, id: &CrmId) -> Option<String> {
        self.users.email(id)
    }
}
