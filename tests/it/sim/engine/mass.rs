//! Very many writes of one kind, as the simulation counts them (I48, sync-semantics 14.2): they
//! wait for a person, and nothing else does.
//!
//! Counts records that a run writes, on either side, and knows of the product only what is held.
//! Invariant: a person's leave counts for as many as were shown, once.

use std::collections::{BTreeMap, BTreeSet};

use syncdeck::domain::id::{AppId, PairName};
use syncdeck::domain::mass::{Held, Mass};
use syncdeck::domain::record::{AppRecord, LinkState, Presence};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Value;
use syncdeck::engine::brake::{self, held};
use syncdeck::engine::command::Allowance;
use syncdeck::engine::cx::Settings;
use syncdeck::engine::runner::Job;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::{HELD, WATERMARKS};
use syncdeck::engine::tx::Durability;
use syncdeck::store::keys::Key;

use super::coverage;
use super::faults::Switch;
use super::mapping::{field_of, row_of};
use super::org::{FIELDS, Inner, MARK, One, UNGUARDED};
use super::world::{HERE, PERSON, World, app_records};

/// So many writes of a kind are never asked about in a history that has very many.
pub const FEW: u64 = 2;

fn pair() -> PairName {
    PairName::new("leads")
}

/// What is counted of the run that works.
#[derive(Debug, Default)]
struct Run {
    /// Times that what waits is written in it, each time after it was counted.
    writes: u64,
    /// Whether a person answered for the changes: a mapping that is used for the first time.
    confirmed: bool,
    /// Records that people moved before it, which it cannot have counted.
    unseen: u64,
    /// Acts of people before it.
    acts: u64,
    records: BTreeMap<Mass, BTreeSet<String>>,
}

/// Counts what runs write.
#[derive(Debug, Default)]
pub struct Counter {
    app: BTreeMap<AppId, AppRecord>,
    run: Option<Run>,
    /// What a person allowed and no run has used.
    given: BTreeMap<Mass, u64>,
    /// What a person ever allowed.
    ever: BTreeMap<Mass, Held>,
    found: Vec<String>,
}

impl Counter {
    /// A run is about to begin.
    pub fn begins(&mut self, state: &State, org: &Inner, job: &Job) {
        self.look(state);
        if org.switch == Switch::AllowedForGood && !self.ever.is_empty() {
            let mut tx = state.begin();
            let all: Vec<Held> = self.ever.values().cloned().collect();
            tx.put(&HELD, &Key::new().text("leads"), &all);
            drop(tx.commit(Durability::Now));
        }
        let mark = state.store().get(&WATERMARKS, &Key::new().text("leads"));
        let version = state.pair(&pair()).unwrap().unwrap().version;
        let known = |mark: &syncdeck::engine::tables::Watermark| {
            mark.seen_to.is_some() && mark.mapping_version == version
        };
        self.run = match job {
            // A person said what is to be written.
            Job::Decisions(_) | Job::Plan(_) | Job::Undo(_) => None,
            Job::Sync | Job::Sweep | Job::Records(_) | Job::Repair(_) => Some(Run {
                // A comparison of all ids is followed by another pass.
                writes: 1 + u64::from(*job == Job::Sweep),
                confirmed: !mark.unwrap().as_ref().is_some_and(known),
                unseen: org.unseen_records() + state.intents().unwrap().len() as u64,
                acts: org.acts,
                records: BTreeMap::new(),
            }),
        };
    }

    /// A record is written.
    fn count(&mut self, mass: Mass, record: String) {
        if let Some(run) = &mut self.run {
            run.records.entry(mass).or_default().insert(record);
        }
    }

    /// Looks at what runs wrote in the App.
    pub fn look(&mut self, state: &State) {
        for now in app_records(state) {
            let Some(was) = self.app.insert(now.id.clone(), now.clone()) else {
                continue;
            };
            if was.rev == now.rev || now.changed_by == PERSON || was.presence != Presence::Live {
                continue;
            }
            let id = now.id.to_string();
            if now.presence == Presence::Deleted {
                self.count(Mass::Delete(Side::App), id);
                continue;
            }
            self.count(Mass::Update(Side::App), id.clone());
            for (name, there) in HERE.iter().zip(FIELDS) {
                if was.fields.contains_key(*name) && !now.fields.contains_key(*name) {
                    self.count(Mass::Blank(Side::App, row_of(there)), id.clone());
                }
            }
        }
    }

    /// Writes leave: counts them; what is held may not be among them.
    pub fn leaving(&mut self, org: &mut Inner, state: &State, writes: &[One]) {
        if self.run.is_none() {
            return;
        }
        let held = held(state, &pair()).unwrap();
        for one in writes {
            for (mass, id) in masses(one) {
                if held
                    .iter()
                    .any(|held| held.what == mass && !held.is_allowed())
                {
                    org.breaks("I48", format!("{mass:?} is held, and {one:?} leaves"));
                }
                self.count(mass, id);
            }
        }
    }

    /// A run is over: no more than what needs no leave, or what a person allowed.
    pub fn ends(&mut self, state: &State, org: &mut Inner) {
        self.look(state);
        let few = self.app.len() as u64;
        if let Some(run) = self.run.take() {
            let meanwhile = 2 * (org.acts - run.acts) + run.unseen;
            for (mass, records) in &run.records {
                let limit = match mass {
                    Mass::Update(_) => FEW.max(few / 2),
                    Mass::Delete(_)
                    | Mass::Blank(..)
                    | Mass::Unlisted
                    | Mass::MostUnlisted
                    | Mass::Restored
                    | Mass::Unplaced => FEW,
                };
                // What a window of few records has is written while it is read.
                let times = run.writes + u64::from(mass.side() == Side::App);
                let unasked = limit * times + meanwhile;
                let number = records.len() as u64;
                let confirmed = run.confirmed && !matches!(mass, Mass::Delete(_));
                if number <= unasked || confirmed {
                    continue;
                }
                let given = self.given.remove(mass).unwrap_or_default();
                if number > given + unasked - limit {
                    let what = format!("{mass:?} of {number} records, {given} were allowed");
                    self.found.push(what);
                }
            }
        }
        let held = held(state, &pair()).unwrap();
        let left = |mass: &Mass| held.iter().any(|h| h.what == *mass && h.is_allowed());
        self.given.retain(|mass, _| left(mass));
        for what in self.found.drain(..) {
            org.breaks("I48", what);
        }
    }

    /// The process ended: what is left may be older.
    pub fn forget(&mut self) {
        self.app.clear();
    }

    /// A person looks at what is held, and allows it; gives what that was.
    fn allows(&mut self, state: &State, settings: &Settings) -> Vec<Held> {
        let mut allowed = Vec::new();
        for mut held in held(state, &pair()).unwrap() {
            let allowance = Allowance {
                name: held.name(),
                number: held.number,
            };
            if brake::allow(state, settings, &pair(), &[allowance]).is_ok() {
                held.allowed = held.number;
                self.given.insert(held.what, held.number);
                self.ever.insert(held.what, held.clone());
                allowed.push(held);
            }
        }
        allowed
    }
}

/// Kinds of a write to the CRM, and the record.
fn masses(one: &One) -> Vec<(Mass, String)> {
    match one {
        One::Create(_) => Vec::new(),
        One::Delete(id) => vec![(Mass::Delete(Side::Crm), id.to_string())],
        One::Update(id, fields, _) if fields.contains_key(MARK) => {
            vec![(Mass::Delete(Side::Crm), id.to_string())]
        }
        One::Update(id, fields, _) => {
            let empty = |(_, value): &(_, &Value)| value.to_string().is_empty();
            let blank = fields.iter().filter(empty);
            let blank = blank.map(|(name, _)| Mass::Blank(Side::Crm, row_of(name.as_str())));
            let all = blank.chain([Mass::Update(Side::Crm)]);
            all.map(|mass| (mass, id.to_string())).collect()
        }
    }
}

/// At rest, with writes that are held: whatever else differs would have gone on.
pub fn others_went_on(world: &World<'_>) {
    let state = world.state();
    let all = held(state, &pair()).unwrap();
    let waits = |mass: Mass| all.iter().any(|held| held.what == mass);
    let mut org = world.org.inner();
    if all.is_empty() {
        return;
    }
    org.coverage.met(coverage::HELD.to_owned());
    for record in app_records(state) {
        let link = state.link(&pair(), &record.id).unwrap();
        let Some(id) = link
            .filter(|l| l.state == LinkState::Active)
            .and_then(|l| l.crm_id)
        else {
            continue;
        };
        let asked = !state
            .open_conflicts(&pair(), &record.id)
            .unwrap()
            .is_empty();
        let aside = state.quarantined(&pair(), &record.id).unwrap().is_some();
        let crm = org.lead(&id.to_string()).unwrap_or_default();
        if asked || aside || crm["IsConverted"] == true || crm["MasterRecordId"].is_string() {
            continue;
        }
        let gone = crm.is_null() || crm["IsDeleted"] == true;
        let fits = match (record.presence, gone) {
            (Presence::Deleted, true) => true,
            (Presence::Deleted, false) => waits(Mass::Delete(Side::Crm)),
            (Presence::Live, true) => waits(Mass::Delete(Side::App)) || waits(Mass::Unlisted),
            (Presence::Live, false) => {
                let texts = HERE.iter().zip(FIELDS).map(|(name, field)| {
                    let is = record.fields.get(*name).map(ToString::to_string);
                    let there = crm[field].as_str().unwrap_or_default().to_owned();
                    (field, is.unwrap_or_default(), there)
                });
                let apart = |(field, is, there): &(&str, String, String)| {
                    is != there && *field != UNGUARDED
                };
                let apart: Vec<_> = texts.filter(apart).collect();
                let blank = |(field, is, there): &(&str, String, String)| {
                    let row = row_of(field);
                    (is.is_empty() && waits(Mass::Blank(Side::Crm, row)))
                        || (there.is_empty() && waits(Mass::Blank(Side::App, row)))
                };
                let sides = [Side::App, Side::Crm];
                apart.is_empty()
                    || sides.into_iter().any(|side| waits(Mass::Update(side)))
                    || apart.iter().any(blank)
            }
        };
        if !fits {
            let kinds: Vec<String> = all.iter().map(ToString::to_string).collect();
            org.breaks("I48", format!("{} waits, held are {kinds:?}", record.id));
        }
    }
}

impl World<'_> {
    /// A person allows what is held; false when nothing is.
    pub(super) fn allows(&mut self) -> bool {
        let state = std::sync::Arc::clone(self.state());
        let Some(counter) = &self.people.counter else {
            return false;
        };
        let allowed = counter
            .lock()
            .unwrap()
            .allows(&state, &self.people.settings);
        let mut org = self.org.inner();
        for held in &allowed {
            org.tell(format!("allowed: {held}"));
            org.coverage.met(coverage::ALLOWED.to_owned());
        }
        !allowed.is_empty()
    }

    /// Somebody does the same with every record of a side.
    pub(super) fn very_many(&mut self) {
        let state = std::sync::Arc::clone(self.state());
        let mut org = self.org.inner();
        let what = [What::Delete, What::Change, What::Empty][org.random.below(3)];
        let side = [Side::App, Side::Crm][org.random.below(2)];
        org.tell(format!("very many: {what:?} in {side:?}"));
        match side {
            Side::App => self.people.all_of_them(&state, &mut org, what),
            Side::Crm => {
                for id in org.leads(false) {
                    org.one_of_them(id, what);
                }
            }
        }
    }
}

/// What is done to very many records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Delete,
    /// The title becomes another.
    Change,
    /// The title is emptied.
    Empty,
}

#[test]
fn rows_have_their_fields() {
    for field in FIELDS {
        assert_eq!(field_of(row_of(field).0), Some(field));
    }
}
