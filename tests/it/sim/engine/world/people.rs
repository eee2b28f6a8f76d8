//! What people do in the App while calls are under way, and what may not leave then.

use crate::sim::engine::coverage::{When, in_call};
use crate::sim::engine::mass::What;
use crate::sim::engine::scope;
use syncdeck::engine::tx::Tx;

use super::*;

/// What people do while calls are under way, and what the engine may not do then.
pub struct People {
    pub(super) state: Mutex<Option<Arc<State>>>,
    /// Counts what is written to the store of now.
    pub(super) disk: Mutex<Arc<Disk>>,
    /// How much was written when somebody looked last; none yet since the process began.
    pub(super) looked: Mutex<Option<u64>>,
    /// What the run that works shows.
    pub(super) progress: Mutex<Option<watch::Receiver<Option<Progress>>>>,
    /// A pause is shown that is only wished for.
    pub(super) shown_early: AtomicBool,
    pub(super) wish: watch::Sender<Wish>,
    /// Values that were seen in the App, whoever wrote them.
    pub seen_here: Mutex<BTreeSet<String>>,
    /// Values that the conflict log had at some time: what a person decided about was seen.
    pub logged: Mutex<BTreeSet<String>>,
    /// The last value that a person typed in a field of the App.
    pub typed: Mutex<BTreeMap<(String, &'static str), String>>,
    /// Records outside the pair's filter.
    pub(super) watch: Mutex<Watch>,
    /// Counts what runs write, in a history that has very many.
    pub counter: Option<Mutex<Counter>>,
    pub settings: Settings,
}

impl People {
    pub(super) fn state(&self) -> Option<Arc<State>> {
        self.state.lock().unwrap().clone()
    }

    /// Looks at the App and at the conflict log, if anything was written since the last time.
    pub fn look(&self, state: &State) {
        let written = Some(self.disk.lock().unwrap().applies.load(Ordering::SeqCst));
        if std::mem::replace(&mut *self.looked.lock().unwrap(), written) == written {
            return;
        }
        self.watch.lock().unwrap().look(state);
        if let Some(counter) = &self.counter {
            counter.lock().unwrap().look(state);
        }
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

    /// A run is about to begin.
    pub(super) fn begins(&self, state: &State, org: &Inner, job: &Job) {
        if let Some(counter) = &self.counter {
            counter.lock().unwrap().begins(state, org, job);
        }
    }

    /// A run is over: tells the org what was seen.
    pub(super) fn tell(&self, state: &State, org: &mut Inner) {
        self.watch.lock().unwrap().tell(org);
        notes::look(org, state);
        matches::look(org, state);
        if let Some(counter) = &self.counter {
            counter.lock().unwrap().ends(state, org);
        }
    }

    /// The process ended: what is left may be older.
    pub(super) fn forget(&self) {
        *self.looked.lock().unwrap() = None;
        self.watch.lock().unwrap().forget();
        if let Some(counter) = &self.counter {
            counter.lock().unwrap().forget();
        }
    }

    /// Somebody does the same with every record of the App.
    pub fn all_of_them(&self, state: &State, org: &mut Inner, what: What) {
        self.look(state);
        let now = Timestamp::from_millisecond(org.now).unwrap();
        for record in app_records(state) {
            if record.presence != Presence::Live {
                continue;
            }
            let (text, presence) = match what {
                What::Delete => (None, Presence::Deleted),
                What::Empty => (Some(String::new()), Presence::Live),
                What::Change => {
                    org.texts += 1;
                    (Some(format!("title {}", org.texts)), Presence::Live)
                }
            };
            let field = |text: String| ("title".into(), Value::text(text));
            let fields: Fields = text.clone().into_iter().map(field).collect();
            let expect = Expect::Rev(record.rev);
            let done = change(state, &record.id, expect, fields, presence, now);
            org.tell(format!("app {} {what:?} {text:?} {done}", record.id));
            if let Some(text) = text.filter(|_| done) {
                let place = (record.id.to_string(), "title");
                self.typed.lock().unwrap().insert(place, text);
            }
        }
    }

    /// Somebody does something in the App.
    pub fn somebody(&self, state: &State, org: &mut Inner) {
        org.acts += 1;
        self.look(state);
        let now = Timestamp::from_millisecond(org.now).unwrap();
        let records = app_records(state);
        let live: Vec<&AppRecord> = records
            .iter()
            .filter(|r| r.presence == Presence::Live)
            .collect();
        let deletes = org.faults.on && org.faults.has(Fault::Deletes);
        let what = org.random.below(16);
        let makes = if org.matches.is_some() { 5 } else { 1 };
        if live.is_empty() || what < makes {
            let mut fields: Fields = [("last_name", "LastName"), ("company", "Company")]
                .map(|(here, there)| {
                    org.texts += 1;
                    let text = format!("app {} {}", there.to_lowercase(), org.texts);
                    (here.into(), Value::text(text))
                })
                .into();
            let id = AppId::new(uuid::Uuid::now_v7().to_string());
            if let Some([name, company]) = org.identity() {
                let texts = [("last_name", name), ("company", company)];
                fields.extend(texts.map(|(field, text)| (field.into(), Value::text(text))));
            }
            if let Some(matches) = &mut org.matches {
                matches.made_here(&id);
            }
            let made = change(state, &id, Expect::New, fields.clone(), Presence::Live, now);
            org.tell(format!("app makes {:?} {made}", fields.values().next()));
            return;
        }
        let record = live[org.random.below(live.len())];
        let expect = Expect::Rev(record.rev);
        if org.notes.is_some() && org.random.one_in(3) {
            let was = record.fields.get(notes::HERE).map(ToString::to_string);
            let is = notes::typed(org, &was.unwrap_or_default());
            let text = (notes::HERE.into(), Value::text(is.clone()));
            let fields: Fields = [text].into();
            let done = change(state, &record.id, expect, fields, Presence::Live, now);
            org.tell(format!(
                "app {} notes := {:?} {done}",
                record.id,
                notes::told(&is)
            ));
            return;
        }
        if what == makes && deletes {
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
            mutate::typed(org, state, &record.id, at, &text);
            let place = (record.id.to_string(), HERE[at]);
            self.typed.lock().unwrap().insert(place, text);
        }
    }

    /// Whether a person is shown that the run stands still.
    fn stands_still(&self) -> bool {
        let progress = self.progress.lock().unwrap();
        let shown = progress.as_ref().and_then(|shown| shown.borrow().clone());
        let paused = shown.is_some_and(|shown| shown.motion == Motion::Paused);
        paused || self.shown_early.load(Ordering::SeqCst)
    }
}

impl Meanwhile for People {
    fn has(&self, id: &syncdeck::domain::id::CrmId) -> bool {
        let linked = |state: Arc<State>| state.by_crm(&"leads".into(), id).unwrap().is_some();
        self.state().is_some_and(linked)
    }

    fn moment(&self, org: &mut Inner, what: &str, when: When) {
        let Some(state) = self.state() else { return };
        if org.is_dead() {
            return;
        }
        if when == When::Before && self.stands_still() {
            org.breaks("I32", format!("{what} leaves while it is paused"));
        }
        mutate::in_call(org, &state, what, when);
        self.look(&state);
        notes::look(org, &state);
        matches::look(org, &state);
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
            if org.switch == Switch::PauseIsShown && wish == Wish::Pause {
                self.shown_early.store(true, Ordering::SeqCst);
            }
        }
        if org.strikes(Fault::ClockStep) {
            org.skew = org.random.below(2 * CLOCK_STEP as usize) as i64 - CLOCK_STEP;
            org.tell(format!("our clock is {} s off", org.skew / 1_000));
        }
        if org.strikes(Fault::NewVersion) {
            let version = new_version(&state);
            org.tell(format!("mapping version {version:?}"));
        }
        // Deletes are few: without this no process would ever end in one.
        let ends = org.faults.on && org.faults.has(Fault::EndsInPhase);
        let in_a_delete = ends && what == "delete" && org.random.one_in(3);
        if in_a_delete || org.strikes(Fault::Crash) {
            org.coverage.met(in_call(what, when));
            org.die();
        }
    }

    fn leaving(&self, org: &mut Inner, writes: &[One]) {
        let Some(state) = self.state() else { return };
        if org.swapped {
            org.breaks("I41", "a write leaves for another org".to_owned());
        }
        matches::leaving(org, writes);
        for one in writes {
            if let One::Update(id, ..) | One::Delete(id) = one {
                scope::leaving(org, &state, id);
            }
        }
        if let Some(counter) = &self.counter {
            counter.lock().unwrap().leaving(org, &state, writes);
        }
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

/// A person changes a record of the App; false when that cannot be written any more.
pub(super) fn change(
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
        by: Author::Person(PERSON.into()),
        at,
    };
    let mut tx = state.begin();
    tx.change_app(&"leads".into(), &change).is_ok() && tx.commit(Durability::Now).is_ok()
}

/// The versions of a mapping are kept.
pub(super) fn keep_version(tx: &mut Tx<'_>, pair: &Pair) {
    let key = Key::new().text(pair.name.as_str());
    let saved = SavedVersion {
        pair: pair.clone(),
        at: Timestamp::UNIX_EPOCH,
        changes: Vec::new(),
    };
    tx.put(&VERSIONS, &key.number(u64::from(pair.version)), &saved);
}

/// The mapping is saved again, as it is; none when that cannot be written any more.
pub(super) fn new_version(state: &State) -> Option<u32> {
    let mut pair = state.pair(&"leads".into()).unwrap().unwrap();
    pair.version += 1;
    // What a text becomes on its way is another matter now: its lines are compared anew.
    for row in pair.rows.iter_mut().filter(|row| row.id == notes::ROW) {
        let steps = if row.to_crm.0.is_empty() { "trim" } else { "" };
        row.to_crm = steps.parse().unwrap();
    }
    let mut tx = state.begin();
    tx.put_pair(&pair);
    keep_version(&mut tx, &pair);
    tx.commit(Durability::Now).is_ok().then_some(pair.version)
}
