//! One history: an engine over a store, an org, people on both sides, and what goes wrong.
//!
//! Runs are the engine's own, called where a thread would call them. Invariant: everything that
//! happens is decided by the seed; threads only carry it out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use syncdeck::appdb::embedded::RECORDS;
use syncdeck::appdb::{Author, Change, Expect};
use syncdeck::crm::bulk::WriteSizes;
use syncdeck::crm::{Crm, OrgKind};
use syncdeck::domain::conflict::{Choice, Conflict};
use syncdeck::domain::id::{AppId, OrgId};
use syncdeck::domain::mapping::Pair;
use syncdeck::domain::record::{AppRecord, Presence};
use syncdeck::domain::run::{Cause, Run};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Fields, Value};
use syncdeck::engine::command::{Decide, WriteScope};
use syncdeck::engine::cx::{Clock, Settings};
use syncdeck::engine::decisions;
use syncdeck::engine::guard::Guard;
use syncdeck::engine::runner::{Job, Order, execute};
use syncdeck::engine::state::State;
use syncdeck::engine::summary::{Access, Motion, Progress};
use syncdeck::engine::tables::{
    CONFLICTS, JOB_ROWS, OBJECTS, OPEN_INTENTS, Op, WRITE_JOBS, record_key,
};
use syncdeck::engine::tx::Durability;
use syncdeck::engine::work::{Tools, Wish};
use syncdeck::store::keys::Key;
use syncdeck::store::{Options, SealError, Sealer, Store, SyncHook};
use tokio::sync::watch;

use super::faults::{Fault, Faults, Switch};
use super::mapping;
use super::org::{FIELDS, Inner, KEY, Meanwhile, One, Org};
use super::place::Place;
use crate::sim::Broken;
use crate::sim::random::Random;

/// Where virtual time begins, in seconds since 1970.
pub const START: i64 = 1_800_000_000;
/// Longer than a lost write may still be executed.
pub const LATE: i64 = 700;
const ORG: &str = "00D000000000001AAA";

/// Fields of the App, in the order of [`FIELDS`].
pub const HERE: [&str; 5] = ["last_name", "company", "title", "city", "website"];

struct Plain;

impl Sealer for Plain {
    fn seal(&self, _: &str, _: &[u8], plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }
    fn open(&self, _: &str, _: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(sealed.to_vec())
    }
}

/// The disk: ends the process at a write, and keeps what a power loss would leave.
#[derive(Debug, Default)]
struct Disk {
    dead: Arc<AtomicBool>,
    applies: AtomicU64,
    syncs: AtomicU64,
    /// The process ends before this write.
    end_at: AtomicU64,
    /// What is on the disk after this sync is all that is left; it ends before the next one.
    keep_at: AtomicU64,
    kept: AtomicBool,
    from: PathBuf,
    image: PathBuf,
}

impl Disk {
    fn gone(&self) -> std::io::Result<()> {
        match self.dead.load(Ordering::SeqCst) {
            true => Err(std::io::Error::other("the process is gone")),
            false => Ok(()),
        }
    }
}

impl SyncHook for Disk {
    fn before_apply(&self) -> std::io::Result<()> {
        let number = self.applies.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.end_at.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.gone()
    }

    fn before_sync(&self) -> std::io::Result<()> {
        if self.kept.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.gone()
    }

    fn synced(&self) {
        let number = self.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.keep_at.load(Ordering::SeqCst) {
            copy(&self.from, &self.image);
            self.kept.store(true, Ordering::SeqCst);
        }
    }
}

/// What people do while calls are under way, and what the engine may not do then.
pub struct People {
    state: Mutex<Option<Arc<State>>>,
    wish: watch::Sender<Wish>,
    /// Values that were seen in the App, whoever wrote them.
    pub seen_here: Mutex<BTreeSet<String>>,
    /// Values that the conflict log had at some time: what a person decided about was seen.
    pub logged: Mutex<BTreeSet<String>>,
    /// The last value that a person typed in a field of the App.
    pub typed: Mutex<BTreeMap<(String, &'static str), String>>,
    pub settings: Settings,
}

impl People {
    fn state(&self) -> Option<Arc<State>> {
        self.state.lock().unwrap().clone()
    }

    /// Looks at the App and at the conflict log.
    pub fn look(&self, state: &State) {
        let mut seen = self.seen_here.lock().unwrap();
        for record in app_records(state) {
            seen.extend(record.fields.values().map(ToString::to_string));
        }
        let mut logged = self.logged.lock().unwrap();
        for row in state.store().scan(&CONFLICTS, &[]) {
            let (_, conflict) = row.unwrap();
            let cells = conflict.app.iter().chain(&conflict.crm).flatten();
            logged.extend(cells.map(ToString::to_string));
        }
    }

    /// Somebody does something in the App.
    pub fn somebody(&self, state: &State, org: &mut Inner) {
        self.look(state);
        let now = Timestamp::from_millisecond(org.now).unwrap();
        let records = app_records(state);
        let live: Vec<&AppRecord> = records
            .iter()
            .filter(|r| r.presence == Presence::Live)
            .collect();
        let deletes = org.faults.on && org.faults.has(Fault::Deletes);
        let what = org.random.below(16);
        if live.is_empty() || what == 0 {
            let fields: Fields = [("last_name", "LastName"), ("company", "Company")]
                .map(|(here, there)| {
                    org.texts += 1;
                    let text = format!("app {} {}", there.to_lowercase(), org.texts);
                    (here.into(), Value::text(text))
                })
                .into();
            let id = AppId::new(uuid::Uuid::now_v7().to_string());
            let made = change(state, &id, Expect::New, fields.clone(), Presence::Live, now);
            org.tell(format!("app makes {:?} {made}", fields.values().next()));
            return;
        }
        let record = live[org.random.below(live.len())];
        let expect = Expect::Rev(record.rev);
        if what == 1 && deletes {
            let gone = Presence::Deleted;
            let done = change(state, &record.id, expect, Fields::new(), gone, now);
            org.tell(format!("app deletes {} {done}", record.id));
            return;
        }
        let at = match org.switch {
            // What may go by a job.
            Switch::NoJobAsked => FIELDS.len() - 1,
            _ => org.random.below(FIELDS.len()),
        };
        let text = org.text(FIELDS[at]);
        let fields: Fields = [(HERE[at].into(), Value::text(text.clone()))].into();
        let done = change(state, &record.id, expect, fields, Presence::Live, now);
        org.tell(format!("app {} {} := {text:?} {done}", record.id, HERE[at]));
        if done {
            let place = (record.id.to_string(), HERE[at]);
            self.typed.lock().unwrap().insert(place, text);
        }
    }
}

impl Meanwhile for People {
    fn moment(&self, org: &mut Inner, what: &str) {
        let Some(state) = self.state() else { return };
        if org.is_dead() {
            return;
        }
        if org.switch == Switch::NoSerialisation && what == "changes" {
            let mut tx = state.begin();
            for intent in state.intents().unwrap() {
                tx.delete(&OPEN_INTENTS, &record_key(&intent.pair, &intent.app_id));
            }
            drop(tx.commit(Durability::Now));
        }
        self.look(&state);
        if org.strikes(Fault::AppEdits) {
            self.somebody(&state, org);
        }
        if org.strikes(Fault::CrmEdits) {
            org.colleague();
        }
        if org.strikes(Fault::Wishes) {
            let wish = [Wish::Pause, Wish::Cancel, Wish::Quit][org.random.below(3)];
            org.tell(format!("wish {wish:?}"));
            self.wish.send_replace(wish);
        }
        if org.strikes(Fault::Crash) {
            org.die();
        }
    }

    fn leaving(&self, org: &mut Inner, writes: &[One]) {
        let Some(state) = self.state() else { return };
        let intents = state.intents().unwrap();
        let mut owners = BTreeSet::new();
        for intent in &intents {
            if !owners.insert(intent.app_id.clone()) {
                org.breaks("I14", format!("two open intents of {}", intent.app_id));
            }
        }
        let mut records = BTreeSet::new();
        for one in writes {
            let intent = intents.iter().find(|intent| match one {
                One::Create(fields) => {
                    intent.op == Op::Create && {
                        let mut sent = intent.fields.clone();
                        sent.retain(|name, _| fields.contains_key(name) || name.as_str() != KEY);
                        sent == *fields
                    }
                }
                One::Update(id, fields, since) => {
                    intent.op == Op::Update
                        && intent.crm_id == Some(*id)
                        && intent.fields == *fields
                        && intent.unmodified_since == *since
                }
                One::Delete(id) => intent.op == Op::Delete && intent.crm_id == Some(*id),
            });
            let Some(intent) = intent else {
                org.breaks("I12", format!("{one:?} has no intent"));
                continue;
            };
            if !records.insert(intent.app_id.clone()) {
                org.breaks("I23", format!("{} twice in a batch", intent.app_id));
            }
            let (One::Update(_, fields, _) | One::Create(fields)) = one else {
                continue;
            };
            for conflict in state.open_conflicts(&intent.pair, &intent.app_id).unwrap() {
                let row = conflict.row.and_then(|row| mapping::field_of(row.0));
                let frozen = row.is_some_and(|field| fields.contains_key(field));
                if frozen && !intent.resolves.contains(&conflict.id) {
                    org.breaks("I18", format!("{one:?} writes a field in conflict"));
                }
            }
        }
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What was written is all there.
    Kept,
    /// Only what was synced is there.
    Synced,
}

/// A history at work.
pub struct World<'p> {
    pub org: Arc<Org>,
    pub people: Arc<People>,
    place: &'p Place,
    state: Option<Arc<State>>,
    disk: Arc<Disk>,
    dir: tempfile::TempDir,
    stores: u32,
    wish: watch::Sender<Wish>,
    pair: Pair,
    /// Fingerprints of conflicts as they were shown once.
    shown: Vec<Conflict>,
}

impl<'p> World<'p> {
    /// A fresh one.
    pub fn new(place: &'p Place, seed: u64, switch: Switch) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let mut faults = Faults::of(&mut random);
        // What a switch needs to be noticed is there in every history of it.
        faults = match switch {
            Switch::None => faults,
            Switch::NoGuard => faults.with(Fault::CrmEdits, 3),
            Switch::NoHold | Switch::NoSerialisation => {
                faults.with(Fault::ExecutedLate, 3).with(Fault::AppEdits, 3)
            }
            Switch::NoOverlap => faults.with(Fault::SeenLate, 2).with(Fault::CrmEdits, 3),
            Switch::NoKey => faults.with(Fault::AnswerLost, 3),
            Switch::NoJobAsked => faults.with(Fault::Crash, 3).with(Fault::AppEdits, 2),
        };
        let pair = mapping::pair(&mut random);
        if faults.has(Fault::Normalises) {
            faults.happened(Fault::Normalises);
        }
        let control = place.fresh(faults.has(Fault::Normalises));
        let org = Org::new(
            control,
            random,
            faults,
            switch,
            START * 1_000,
            place.slept(),
        );
        let org = Arc::new(org);
        let clock = {
            let org = Arc::clone(&org);
            Clock::new(move || org.time())
        };
        let settings = Settings {
            settle: SignedDuration::from_secs(5),
            late: match switch {
                Switch::NoHold => SignedDuration::ZERO,
                _ => SignedDuration::from_secs(11 * 60),
            },
            overlap: match switch {
                Switch::NoOverlap => SignedDuration::ZERO,
                _ => SignedDuration::from_secs(660),
            },
            clock,
            writes: match seed % 4 >= 2 || switch == Switch::NoJobAsked {
                // Whatever may go by a job goes by one.
                true => WriteSizes {
                    from: 1,
                    records: 1 + seed as usize % 5,
                    bytes: 1_000_000,
                },
                false => WriteSizes::default(),
            },
            patience: match switch {
                Switch::NoJobAsked => Duration::from_secs(3_600),
                _ => Duration::from_secs(100),
            },
            ..Settings::default()
        };
        let wish = watch::channel(Wish::Work).0;
        let people = People {
            state: Mutex::new(None),
            wish: wish.clone(),
            seen_here: Mutex::default(),
            logged: Mutex::default(),
            typed: Mutex::default(),
            settings,
        };
        let mut world = Self {
            org,
            people: Arc::new(people),
            place,
            state: None,
            disk: Arc::default(),
            dir: place.dir(),
            stores: 0,
            wish,
            pair,
            shown: Vec::new(),
        };
        world.open();
        let mut tx = world.state().begin();
        tx.put(&OBJECTS, &Key::new().text("Lead"), &mapping::object());
        tx.put_pair(&world.pair);
        tx.commit(Durability::Now).unwrap();
        world
    }

    /// The engine's memory.
    pub fn state(&self) -> &Arc<State> {
        self.state.as_ref().unwrap()
    }

    fn store(&self, number: u32) -> PathBuf {
        self.dir.path().join(number.to_string())
    }

    fn open(&mut self) {
        let dir = self.store(self.stores);
        self.disk = Arc::new(Disk {
            dead: self.org.inner().reborn(),
            from: dir.clone(),
            image: self.store(self.stores + 1),
            ..Disk::default()
        });
        let mut options = Options::new(dir, "a simulation");
        options.cache_bytes = 1 << 20;
        options.hook = Some(Arc::clone(&self.disk) as Arc<dyn SyncHook>);
        let store = Store::open(&options, Arc::new(Plain)).unwrap();
        let state = Arc::new(State::open(store).unwrap());
        if self.org.inner().switch == Switch::NoJobAsked {
            forget_jobs(&state);
        }
        *self.people.state.lock().unwrap() = Some(Arc::clone(&state));
        self.state = Some(state);
        self.org
            .watched_by(Some(Arc::clone(&self.people) as Arc<dyn Meanwhile>));
    }

    /// Ends the process if it is dead, and starts it again on what is left.
    fn restart_if_dead(&mut self) {
        if !self.org.inner().is_dead() {
            return;
        }
        let kept = self.disk.kept.load(Ordering::SeqCst);
        let end = if kept { End::Synced } else { End::Kept };
        self.org.inner().tell(format!("starts again: {end:?}"));
        self.people.state.lock().unwrap().take();
        drop(self.state.take());
        if end == End::Synced {
            self.stores += 1;
        }
        self.open();
    }

    /// A run, with perhaps an end of the process somewhere in it.
    fn run(&mut self, job: Job) -> Option<Run> {
        {
            let mut org = self.org.inner();
            if org.strikes(Fault::Crash) {
                let far = 1 + org.random.below(30) as u64;
                match org.random.below(2) {
                    0 => {
                        let at = self.disk.applies.load(Ordering::SeqCst) + far;
                        self.disk.end_at.store(at, Ordering::SeqCst);
                    }
                    _ => {
                        let at = self.disk.syncs.load(Ordering::SeqCst) + far / 2 + 1;
                        self.disk.keep_at.store(at, Ordering::SeqCst);
                    }
                }
            }
        }
        self.wish.send_replace(Wish::Work);
        let (progress, watched) = watch::channel(None::<Progress>);
        let org_id = OrgId::new(ORG);
        let tools = Tools {
            state: Arc::clone(self.state()),
            crm: Arc::clone(&self.org) as Arc<dyn Crm>,
            guard: Guard::new(Access::ReadWrite, Some(org_id.clone()), OrgKind::Sandbox),
            org: org_id,
            handle: self.place.handle(),
            wish: self.wish.subscribe(),
            progress,
        };
        let resumes = self.place.handle().spawn(resume(
            watched,
            self.wish.clone(),
            Arc::clone(&self.org),
            Arc::clone(&self.people),
        ));
        let order = Order {
            run: self.state().new_run_id(),
            pair: "leads".into(),
            cause: Cause::Person,
            job,
        };
        let ended = execute(tools, self.people.settings.clone(), order);
        resumes.abort();
        self.disk.end_at.store(0, Ordering::SeqCst);
        self.disk.keep_at.store(0, Ordering::SeqCst);
        let mut org = self.org.inner();
        match &ended {
            Ok(run) => org.tell(format!("run ends {:?} {:?}", run.state, run.counts)),
            Err(error) => org.tell(format!("run breaks off: {error}")),
        }
        if ended.is_err() && !org.is_dead() {
            let what = format!("a run breaks off: {ended:?}");
            org.breaks("runs", what);
        }
        drop(org);
        // A crash may leave what was applied after the last sync out.
        if self.disk.kept.load(Ordering::SeqCst) {
            self.org.inner().die();
        }
        let run = ended.ok();
        self.restart_if_dead();
        self.people.look(self.state());
        run
    }

    /// Open conflicts.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let all = self.state().store().scan(&CONFLICTS, &[]);
        let open = all
            .map(|row| row.unwrap().1)
            .filter(|c: &Conflict| c.state.is_open());
        open.collect()
    }

    /// Decides what is open, and writes it. Decisions on what was shown before are refused when
    /// it is not as it was.
    fn decide(&mut self) {
        let state = Arc::clone(self.state());
        let settings = self.people.settings.clone();
        let now = self.org.time();
        for conflict in self.conflicts() {
            let mut org = self.org.inner();
            let choice = match org.random.below(5) {
                0 if org.faults.on => Choice::Ignore,
                n if n % 2 == 0 => Choice::Take(Side::App),
                _ => Choice::Take(Side::Crm),
            };
            let old = self.shown.iter().find(|c| c.id == conflict.id);
            let fp = match old {
                Some(old) if org.faults.on && org.random.one_in(3) => old.fp,
                _ => conflict.fp,
            };
            org.tell(format!(
                "decide {} {choice:?} {}",
                conflict.id,
                fp == conflict.fp
            ));
            drop(org);
            let decide = Decide {
                conflict: conflict.id,
                fp,
                choice: Some(choice),
            };
            let done = decisions::decide(&state, &settings, "jo", vec![decide], now);
            let Ok(done) = done else { continue };
            if fp != conflict.fp && done.staged > 0 {
                let what = format!("an old decision on {} is taken", conflict.id);
                self.org.inner().breaks("I17", what);
            }
            self.org.inner().tell(format!("  {:?}", done.refused));
            self.shown.retain(|c| c.id != conflict.id);
            self.shown.push(conflict);
        }
        let scope = WriteScope::All;
        let Ok(preview) = decisions::preview(&state, &settings, &scope, now) else {
            return;
        };
        let Ok(keys) = decisions::confirm(&state, &settings, &scope, preview.hash, now) else {
            return;
        };
        let ids: Vec<AppId> = keys.into_iter().map(|key| key.app_id).collect();
        drop(state);
        self.run(Job::Decisions(ids));
    }

    /// The whole history, from the first record to the last check.
    pub fn history(&mut self) -> Result<(), Broken> {
        for _ in 0..3 {
            self.org.inner().colleague_makes();
        }
        self.run(Job::Sync);
        let rounds = 4 + self.org.inner().random.below(6);
        for _ in 0..rounds {
            let events = self.org.inner().random.below(6);
            for _ in 0..events {
                let state = Arc::clone(self.state());
                let mut org = self.org.inner();
                match org.random.below(2) {
                    0 => self.people.somebody(&state, &mut org),
                    _ => org.colleague(),
                }
                let wait = [0, 300, 2_000, 60_000][org.random.below(4)];
                org.pass(wait);
            }
            self.run(Job::Sync);
            if self.org.inner().random.one_in(3) {
                self.decide();
            }
            let wait = [1_000, 30_000, 1_000_000][self.org.inner().random.below(3)];
            self.org.inner().pass(wait);
            if self.org.inner().broken.is_some() {
                break;
            }
        }
        self.org.inner().calm();
        self.read_all_again();
        self.rest();
        super::checks::at_rest(self);
        match self.org.inner().broken.clone() {
            Some(broken) => Err(broken),
            None => Ok(()),
        }
    }

    /// A field that is shown again changes no time stamp: a new version of the mapping makes the
    /// next run read everything (sync-semantics 4.5).
    fn read_all_again(&mut self) {
        if !self.org.inner().faults.has(Fault::FieldHidden) {
            return;
        }
        self.pair.version += 1;
        let mut tx = self.state().begin();
        tx.put_pair(&self.pair);
        tx.commit(Durability::Now).unwrap();
    }

    /// Nobody edits and nothing goes wrong: it comes to rest, and stays there.
    fn rest(&mut self) {
        let mut quiet = 0;
        for cycle in 0..14 {
            self.org.inner().pass(LATE * 1_000);
            let writes = self.org.inner().writes;
            let revs = revisions(self.state());
            self.run(Job::Sync);
            let still = self.org.inner().writes == writes && revisions(self.state()) == revs;
            if !self.conflicts().is_empty() && cycle < 8 {
                self.decide();
                quiet = 0;
            } else if still {
                quiet += 1;
            } else {
                quiet = 0;
            }
            if quiet == 2 {
                return;
            }
        }
        self.org
            .inner()
            .breaks("I2", "writes do not stop".to_owned());
    }

    /// Everything as it ended, to compare with another time.
    pub fn trace(&self) -> Vec<String> {
        self.org.inner().trace.clone()
    }
}

/// While a run is paused nothing leaves; then it goes on.
async fn resume(
    mut watched: watch::Receiver<Option<Progress>>,
    wish: watch::Sender<Wish>,
    org: Arc<Org>,
    people: Arc<People>,
) {
    while watched.changed().await.is_ok() {
        let paused = watched
            .borrow_and_update()
            .as_ref()
            .is_some_and(|p| p.motion == Motion::Paused);
        if !paused {
            continue;
        }
        let mut org = org.inner();
        org.tell("paused".into());
        let before = org.requests;
        if let Some(state) = people.state() {
            people.somebody(&state, &mut org);
        }
        org.colleague();
        org.pass(60_000);
        if org.requests != before {
            org.breaks("I32", "a request left while it was paused".to_owned());
        }
        wish.send_replace(Wish::Work);
    }
}

/// A person changes a record of the App; false when that cannot be written any more.
fn change(
    state: &State,
    id: &AppId,
    expect: Expect,
    fields: Fields,
    presence: Presence,
    at: Timestamp,
) -> bool {
    let change = Change {
        table: "leads".into(),
        id: id.clone(),
        expect,
        fields,
        presence,
        sync_key: None,
        by: Author::Person("jo".into()),
        at,
    };
    let mut tx = state.begin();
    tx.change_app(&"leads".into(), &change).is_ok() && tx.commit(Durability::Now).is_ok()
}

/// What jobs were asked for is not known any more.
fn forget_jobs(state: &State) {
    let mut tx = state.begin();
    for key in state.store().keys(&WRITE_JOBS, &[]) {
        tx.delete(&WRITE_JOBS, &key.unwrap());
    }
    for key in state.store().keys(&JOB_ROWS, &[]) {
        tx.delete(&JOB_ROWS, &key.unwrap());
    }
    tx.commit(Durability::Now).unwrap();
}

/// All App records.
pub fn app_records(state: &State) -> Vec<AppRecord> {
    let all = state.store().scan(&RECORDS, &Key::new().text("leads"));
    all.map(|row| row.unwrap().1).collect()
}

fn revisions(state: &State) -> Vec<u64> {
    app_records(state).iter().map(|r| r.rev).collect()
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
