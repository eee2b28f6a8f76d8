//! One history: an engine over a store, an org, people on both sides, and what goes wrong.
//!
//! Runs are the engine's own, called where a thread would call them. Invariant: everything that
//! happens is decided by the seed; threads only carry it out.

mod course;
mod disk;
mod people;
mod previews;
mod put_back;
mod taken_back;

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
use syncdeck::domain::mapping::{Guard as PairGuard, Leaves, Pair};
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
use syncdeck::engine::tables::{CONFLICTS, OBJECTS, Op, SavedVersion, VERSIONS};
use syncdeck::engine::tx::Durability;
use syncdeck::engine::work::{Tools, Wish, Writes};
use syncdeck::store::keys::Key;
use syncdeck::store::{Options, SealError, Sealer, Store, SyncHook};
use tokio::sync::watch;

use self::disk::{Disk, Plain};
pub use self::people::People;
use super::aside;
use super::checks;
use super::coverage::{Cut, PHASES};
use super::faults::{Fault, Faults, Known, Switch};
use super::mapping::{self, Parent};
use super::mass::{self, Counter};
use super::matches::{self, Matches};
use super::mutate;
use super::notes::{self, Notes};
use super::org::{FIELDS, Inner, KEY, Meanwhile, One, Org};
use super::place::Place;
use super::scope::{Scope, Watch};
use super::watermark;
use crate::sim::Broken;
use crate::sim::random::Random;

/// Where virtual time begins, in seconds since 1970.
pub const START: i64 = 1_800_000_000;
/// Longer than a lost write may still be executed.
pub const LATE: i64 = 700;
/// Longer than two comparisons of all ids have to be apart.
const APART: i64 = 4_000;
/// Milliseconds that our clock is set forth or back at most.
const CLOCK_STEP: i64 = 3_600_000;
const ANOTHER_ORG: &str = "00D000000000002AAA";
const ORG: &str = "00D000000000001AAA";

/// Who edits in the App.
pub const PERSON: &str = "jo";

/// Fields of the App, in the order of [`FIELDS`].
pub const HERE: [&str; 5] = ["last_name", "company", "title", "city", "website"];

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

impl Drop for World<'_> {
    /// The org knows the people and their clock knows the org: without this each history would
    /// keep its store.
    fn drop(&mut self) {
        self.org.watched_by(None);
        self.people.state.lock().unwrap().take();
    }
}

impl<'p> World<'p> {
    /// A fresh one.
    pub fn new(place: &'p Place, seed: u64, switch: Switch, known: Known) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let mut faults = Faults::of(&mut random, known);
        faults = mutate::needed(faults, switch);
        let many = faults.has(Fault::VeryMany);
        let mut scope = faults.has(Fault::Leaves).then(|| Scope::of(&mut random));
        // What comes back to the App of a text that was appended to is asked of nobody.
        let notes = (faults.has(Fault::Notes) && !many).then(|| Notes::of(&mut random));
        let mut pair = mapping::pair(&mut random, scope.as_ref(), notes.as_ref());
        // Who is to be looked for outside of windows, or by hand, is another matter.
        let alone = !many && scope.is_none() && !faults.has(Fault::EndsInPhase);
        let matches = faults.has(Fault::Matches) && alone;
        if matches && switch != Switch::NoMatch {
            pair.match_on = vec![matches::rule()];
        }
        match (switch, &mut scope) {
            (Switch::NoFilter, _) => pair.filter.clear(),
            (Switch::FilteredWindow, Some(scope)) => {
                // Who goes on outside is not missed there.
                (scope.on_leave, pair.on_leave) = (Leaves::Freeze, Leaves::Freeze);
            }
            (Switch::Recheck, _) => pair.guard = PairGuard::Recheck,
            _ => {}
        }
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
        org.inner().scope = scope;
        org.inner().notes = notes;
        org.inner().matches = matches.then(Matches::default);
        let org = Arc::new(org);
        let clock = {
            let (ours, theirs) = (Arc::clone(&org), Arc::clone(&org));
            Clock::virtual_time(move || ours.time(), move || theirs.passed())
        };
        let settings = Settings {
            settle: match switch {
                Switch::NoSettle => SignedDuration::ZERO,
                _ => SignedDuration::from_secs(5),
            },
            late: match switch {
                Switch::NoHold => SignedDuration::ZERO,
                _ => SignedDuration::from_secs(11 * 60),
            },
            overlap: match switch {
                Switch::NoOverlap => SignedDuration::ZERO,
                _ => SignedDuration::from_secs(660),
            },
            clock,
            // In every fifth history a call takes few records, so that there are several.
            batch: match seed.is_multiple_of(5) || switch == Switch::NoLanes {
                true => 1 + seed as usize % 2,
                false => Settings::default().batch,
            },
            writes: match seed % 4 >= 2 || switch == Switch::NoJobAsked {
                // Whatever may go by a job goes by one.
                true => WriteSizes {
                    from: 1,
                    records: 1 + seed as usize % 5,
                    bytes: 1_000_000,
                },
                false => WriteSizes::default(),
            },
            few: match (many, switch) {
                (_, Switch::NoBrake) => u64::MAX,
                (true, _) => mass::FEW,
                (false, _) => Settings::default().few,
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
            disk: Mutex::default(),
            looked: Mutex::default(),
            progress: Mutex::default(),
            shown_early: AtomicBool::new(false),
            wish: wish.clone(),
            seen_here: Mutex::default(),
            logged: Mutex::default(),
            typed: Mutex::default(),
            watch: Mutex::default(),
            counter: many.then(Mutex::default),
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
        let parent = match switch {
            Switch::NoLanes => Parent::Kept,
            _ => Parent::Told,
        };
        let mut tx = world.state().begin();
        let object = mapping::object(parent, world.org.inner().notes.as_ref());
        tx.put(&OBJECTS, &Key::new().text("Lead"), &object);
        tx.put_pair(&world.pair);
        people::keep_version(&mut tx, &world.pair);
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
        mutate::at_start(&self.org.inner(), &state);
        *self.people.disk.lock().unwrap() = Arc::clone(&self.disk);
        *self.people.looked.lock().unwrap() = None;
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
        {
            let mut org = self.org.inner();
            org.tell(format!("starts again: {end:?}"));
            if let Some(point) = self.disk.ended.lock().unwrap().take() {
                org.coverage.met(point);
            }
            if let Some(notes) = &mut org.notes {
                notes.forget(end == End::Synced);
            }
        }
        self.people.state.lock().unwrap().take();
        self.people.forget();
        drop(self.state.take());
        if end == End::Synced {
            self.stores += 1;
        }
        self.open();
    }

    /// Somebody starts another engine on the store: it may not.
    fn another_engine(&self, org: &mut Inner) {
        let options = Options::new(self.store(self.stores), "another engine");
        if Store::open(&options, Arc::new(Plain)).is_ok() {
            org.breaks("fencing", "two engines work on one store".to_owned());
        }
    }

    /// A run, with perhaps an end of the process somewhere in it.
    fn run(&mut self, job: Job) -> Option<Run> {
        let answers_as = {
            let mut org = self.org.inner();
            if org.strikes(Fault::DiskFull) {
                let far = 1 + org.random.below(30) as u64;
                let at = self.disk.applies.load(Ordering::SeqCst) + far;
                self.disk.full_at.store(at, Ordering::SeqCst);
            }
            if org.strikes(Fault::SecondEngine) {
                self.another_engine(&mut org);
            }
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
            if org.strikes(Fault::EndsInPhase) {
                let phase = PHASES[org.random.below(PHASES.len())];
                let cut = [Cut::Apply, Cut::Sync][org.random.below(2)];
                *self.disk.in_phase.lock().unwrap() = Some((phase, cut));
            }
            org.refusals.begins(&job);
            org.swapped = org.strikes(Fault::OrgSwap);
            OrgId::new(if org.swapped { ANOTHER_ORG } else { ORG })
        };
        self.wish.send_replace(Wish::Work);
        let (progress, watched) = watch::channel(None::<Progress>);
        *self.disk.progress.lock().unwrap() = Some(watched.clone());
        let pinned = match self.org.inner().switch {
            Switch::NoPin => answers_as.clone(),
            _ => OrgId::new(ORG),
        };
        *self.people.progress.lock().unwrap() = Some(watched.clone());
        let tools = Tools {
            state: Arc::clone(self.state()),
            crm: Arc::clone(&self.org) as Arc<dyn Crm>,
            guard: Guard::new(Access::ReadWrite, Some(pinned), OrgKind::Sandbox),
            writes: Writes::Sent,
            org: answers_as,
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
        self.people.begins(self.state(), &self.org.inner(), &job);
        matches::begins(&mut self.org.inner(), self.state());
        let order = Order {
            run: self.state().new_run_id(),
            pair: "leads".into(),
            cause: Cause::Person,
            job,
        };
        let ended = execute(tools, self.people.settings.clone(), order);
        resumes.abort();
        *self.people.progress.lock().unwrap() = None;
        self.people.shown_early.store(false, Ordering::SeqCst);
        self.disk.end_at.store(0, Ordering::SeqCst);
        self.disk.keep_at.store(0, Ordering::SeqCst);
        self.disk.full_at.store(0, Ordering::SeqCst);
        *self.disk.in_phase.lock().unwrap() = None;
        let full = self.disk.full.load(Ordering::SeqCst);
        let mut org = self.org.inner();
        org.swapped = false;
        match &ended {
            Ok(run) => org.tell(format!("run ends {:?} {:?}", run.state, run.counts)),
            Err(error) => org.tell(format!("run breaks off: {error}")),
        }
        if full {
            org.tell("the disk is full; somebody makes room and starts again".into());
            org.die();
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
        checks::results_add_up(self);
        watermark::is_behind(self);
        aside::were_refused(self);
        self.people.look(self.state());
        self.people.tell(self.state(), &mut self.org.inner());
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
        people.shown_early.store(false, Ordering::SeqCst);
        wish.send_replace(Wish::Work);
    }
}

/// All App records.
pub fn app_records(state: &State) -> Vec<AppRecord> {
    let all = state.store().scan(&RECORDS, &Key::new().text("leads"));
    all.map(|row| row.unwrap().1).collect()
}
