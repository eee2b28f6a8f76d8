//! Writes that the org refused, and the records that were put aside for it: nobody else is (I24),
//! and the same write is not sent again and again (I25).
//!
//! Knows the org's side and the list of who is aside, not the product's rules. Invariant: a write
//! that a person decided on is not counted: a decision may be made again.

use std::collections::{BTreeMap, BTreeSet};

use syncdeck::domain::id::{AppId, PairName};
use syncdeck::engine::runner::Job;
use syncdeck::engine::tables::QUARANTINE;
use syncdeck::store::keys::Parts;

use super::notes;
use super::org::{KEY, One};
use super::world::World;

/// Times that the same write may be refused while nobody does anything: once as it was not known
/// before, and once more as the record was read in between.
const TIMES: u32 = 2;

/// A text that is full of what others wrote is not sent at all.
const NOT_SENT: &str = "VALUE_DOES_NOT_FIT";

/// What the org refused.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Ids, and keys of ours, of the records that a write was refused of.
    of: BTreeSet<String>,
    /// How often each write was refused since nobody does anything any more.
    calm: BTreeMap<String, u32>,
    /// Whether the run that works does what a person decided.
    decided: bool,
}

impl Refusals {
    /// A run is about to begin.
    pub fn begins(&mut self, job: &Job) {
        self.decided = matches!(job, Job::Decisions(_));
    }

    /// A write was refused, for whatever reason.
    pub fn was_refused(&mut self, one: &One) {
        match one {
            One::Create(fields) => self.of.extend(fields.get(KEY).map(ToString::to_string)),
            One::Update(id, ..) | One::Delete(id) => drop(self.of.insert(id.to_string())),
        }
    }

    /// A write was refused for its values; says so when that happened too often.
    pub fn again(&mut self, told: String, people_act: bool) -> Option<String> {
        if people_act || self.decided {
            return None;
        }
        let times = self.calm.entry(told.clone()).or_default();
        *times += 1;
        (*times > TIMES).then(|| format!("refused {times} times: {told}"))
    }
}

/// I24: who is aside was refused by the org, or another App record has what it made.
pub fn were_refused(world: &World<'_>) {
    let state = world.state();
    for row in state.store().scan(&QUARANTINE, &[]) {
        let (key, aside) = row.unwrap();
        if aside.failure.code == NOT_SENT && aside.failure.fields == [notes::HERE] {
            continue;
        }
        let mut parts = Parts::of(&key);
        let mut text = || parts.text().unwrap().to_owned();
        let (pair, id) = (PairName::new(text()), AppId::new(text()));
        let link = state.link(&pair, &id).unwrap();
        let names = link.map(|link| {
            let key = link.sync_key.map(|key| key.to_string());
            let there = link.crm_id.map(|id| id.to_string());
            [key, there]
        });
        let names: Vec<String> = names.into_iter().flatten().flatten().collect();
        let mut org = world.org.inner();
        if aside.failure.what.contains("has its key in Salesforce") {
            // What it would have made is there and another App record's, by a merge.
            for name in &names {
                let holder = org.with_key(name).map(|id| id.parse().unwrap());
                let holder = holder.and_then(|holder| state.by_crm(&pair, &holder).unwrap());
                if holder.is_some_and(|holder| holder != id) {
                    org.refusals.of.insert(name.clone());
                }
            }
        }
        if !names.iter().any(|name| org.refusals.of.contains(name)) {
            org.breaks(
                "I24",
                format!("{id} is aside, and nothing of {names:?} was refused"),
            );
        }
    }
}
