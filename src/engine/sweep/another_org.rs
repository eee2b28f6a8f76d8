//! Most linked records are not in the org that answers: it is another one, or it was set back, and
//! the pair is left alone until a person says that it is the right one (sync-semantics 22).
//!
//! Found by a comparison of all ids, and by a few records of every pair after somebody signed in
//! anew. Invariants: while a pair is stopped nothing of it is written on either side; a record that
//! is not found is never made again for it.

use std::sync::Arc;

use super::many::{FEW, Leave, Missing};
use super::{Heals, Work};
use crate::crm::MAX_RETRIEVE;
use crate::domain::budget::Class;
use crate::domain::id::{AppId, CrmId};
use crate::domain::mass::{EXAMPLES, Example, Held, Mass};
use crate::domain::record::{CrmPresence, Link, LinkState};
use crate::domain::run::{Phase, Word};
use crate::domain::text::{grouped, some};
use crate::engine::brake;
use crate::engine::runner::Job;
use crate::engine::tables::{BY_CRM, UNSURE};
use crate::engine::tx::Durability;
use crate::engine::work::{Step, Stop};
use crate::error::{Error, Kind};

/// Linked records that are looked at after somebody signed in anew.
const LOOKED_AT: usize = 200;

/// So many more are chosen from.
const SPARE: usize = 5;

const _: () = assert!(LOOKED_AT <= MAX_RETRIEVE);

/// How a few records fared.
#[derive(Default)]
struct Sample {
    asked: u64,
    /// Not there, or not with the key that we gave them.
    strange: u64,
    examples: Vec<AppId>,
}

impl Work {
    /// Before anything else: whether this is the org that the links of the pair lead to.
    ///
    /// # Errors
    /// It does not look like it, and nobody has said so.
    pub(in crate::engine) fn is_right_org(&mut self, job: &Job) -> Step<()> {
        if self.known_stop()?.is_none_or(|held| held.is_allowed()) {
            let store = self.tools.state.store();
            return match store.contains(&UNSURE, &self.mark_key())? {
                true => self.look_at_a_few(),
                false => Ok(()),
            };
        }
        match job {
            // They may be back: ids that are there say nothing of whose records they are.
            Job::Sync | Job::Sweep => {
                self.look_at_a_few()?;
                self.count_ids()
            }
            Job::Records(_) | Job::Repair(_) | Job::Decisions(_) | Job::Plan(_) | Job::Undo(_) => {
                Err(self.stopped())
            }
        }
    }

    /// Compares all ids and takes nothing in. Before a window was read there is nothing to compare
    /// with, and the few that were looked at decide.
    fn count_ids(&mut self) -> Step<()> {
        let Some(mut sweep) = self.sweep_of(Heals::Never)? else {
            return self.goes_on();
        };
        self.calls_are(Class::Sweep);
        self.phase(Phase::Sweep, None);
        self.walk(&mut sweep)?;
        let found = self.missing_of(&sweep.listed)?;
        self.may_count(&found).map(|_| ())
    }

    /// Looks at a few linked records; most of them strange is a stop.
    fn look_at_a_few(&mut self) -> Step<()> {
        let ids = self.a_few()?;
        if ids.is_empty() {
            let state = self.state();
            let mut tx = state.begin();
            tx.delete(&UNSURE, &self.mark_key());
            return self.commit(tx, Durability::Soon);
        }
        self.calls_are(Class::Resolve);
        let object = Arc::clone(&self.object);
        let got = self.read(self.tools.crm.retrieve(&object, &ids, &self.fields))?;
        let state = self.state();
        let key_field = self.cx.pair.pair.key_field.clone();
        let mut sample = Sample::default();
        for (id, row) in ids.iter().zip(got.rows) {
            let Some(app_id) = state.by_crm(self.cx.name(), id)? else {
                continue;
            };
            let link: Option<Link> = state.link(self.cx.name(), &app_id)?;
            let ours = link.and_then(|link| link.sync_key);
            let known = row.is_some_and(|row| {
                let there = key_field.as_ref().and_then(|field| row.fields.get(field));
                match (ours, there) {
                    (Some(ours), Some(there)) => there.as_text() == Some(ours.as_str()),
                    // It has none of ours, or this user is not shown it.
                    (None, _) | (_, None) => true,
                }
            });
            sample.asked += 1;
            if !known {
                sample.strange += 1;
                if sample.examples.len() < EXAMPLES {
                    sample.examples.push(app_id);
                }
            }
        }
        let found = Missing {
            linked: sample.asked,
            missing: sample.strange,
            examples: sample.examples,
        };
        let many = found.missing > FEW && found.missing * 2 > found.linked;
        if many {
            // A comparison of all ids knows the number better than a few of them.
            if self.known_stop()?.is_some_and(|held| !held.is_allowed()) {
                return Err(self.stopped());
            }
            self.stop_unless_allowed(&found)?;
        }
        let mut tx = state.begin();
        tx.delete(&UNSURE, &self.mark_key());
        let looked = some(found.linked, "linked record", "linked records");
        let says = match many {
            true => "most are not the ones we know, and a person says that it is right so",
            false => "they are the ones we know",
        };
        let text = format!("somebody signed in anew: {looked} looked at, and {says}");
        self.log(&mut tx, Word::Info, text);
        self.commit(tx, Durability::Now)
    }

    /// Ids of a few records that ought to be there, from all over the pair.
    fn a_few(&self) -> Step<Vec<CrmId>> {
        let store = self.tools.state.store();
        let all = store.keys(&BY_CRM, &self.mark_key()).count();
        // Some of them have ended, and say nothing.
        let step = all.div_ceil(LOOKED_AT * SPARE).max(1);
        let mut ids = Vec::new();
        for key in store.keys(&BY_CRM, &self.mark_key()).step_by(step) {
            let Some(id) = super::absent::crm_id_of(&key?) else {
                continue;
            };
            if self.ought_to_be_there(&id)? {
                ids.push(id);
            }
        }
        let step = ids.len().div_ceil(LOOKED_AT).max(1);
        Ok(ids.into_iter().step_by(step).collect())
    }

    /// Whether a linked record is one that was there when it was last heard of.
    fn ought_to_be_there(&self, id: &CrmId) -> Step<bool> {
        let state = &self.tools.state;
        let Some(app_id) = state.by_crm(self.cx.name(), id)? else {
            return Ok(false);
        };
        let link: Option<Link> = state.link(self.cx.name(), &app_id)?;
        Ok(link.is_some_and(|link| {
            let goes_on = matches!(
                link.state,
                LinkState::Active | LinkState::OutOfScope | LinkState::Unreachable
            );
            let seen = link.seen.as_ref().map(|seen| seen.presence);
            goes_on && link.crm_id == Some(*id) && seen == Some(CrmPresence::Live)
        }))
    }

    /// What is known of a stop of the pair.
    fn known_stop(&self) -> Step<Option<Held>> {
        let known = brake::held(&self.tools.state, self.cx.name())?;
        Ok(known
            .into_iter()
            .find(|held| held.what == Mass::MostUnlisted))
    }

    /// Most linked records are not there: stops the pair, unless a person said that it is right so.
    /// They do not count as deleted then either.
    ///
    /// # Errors
    /// Nobody has said so.
    pub(super) fn stop_unless_allowed(&mut self, found: &Missing) -> Step<Leave> {
        let known = self.known_stop()?;
        if known.is_some_and(|held| held.is_allowed() && held.allowed >= found.missing) {
            return Ok(Leave::NoteOnly);
        }
        let name = self.cx.name().clone();
        let state = self.state();
        let mut tx = state.begin();
        let mut examples: Vec<Example> = Vec::new();
        for id in &found.examples {
            examples.push(self.example(&tx, id)?);
        }
        let held = Held {
            what: Mass::MostUnlisted,
            field: String::new(),
            number: found.missing,
            limit: found.linked / 2,
            records: found.linked,
            allowed: 0,
            examples,
        };
        let text = format!("{name}: {held}");
        brake::hold(&mut tx, &name, Mass::MostUnlisted, Some(held))?;
        self.log(&mut tx, Word::Hold, text);
        self.commit(tx, Durability::Now)?;
        Err(self.stopped())
    }

    /// They are back: the pair goes on.
    pub(super) fn goes_on(&mut self) -> Step<()> {
        if self.known_stop()?.is_none() {
            return Ok(());
        }
        let name = self.cx.name().clone();
        let state = self.state();
        let mut tx = state.begin();
        brake::hold(&mut tx, &name, Mass::MostUnlisted, None)?;
        self.commit(tx, Durability::Now)
    }

    fn stopped(&self) -> Stop {
        let name = self.cx.name();
        let held = match self.known_stop() {
            Ok(Some(held)) => held,
            Ok(None) => return Error::new(Kind::Internal, "a stop was not kept").into(),
            Err(stop) => return stop,
        };
        let (missing, linked) = (grouped(held.number), grouped(held.records));
        let text = format!(
            "{missing} of {linked} linked records are not in the org that answers, or not with our \
             key: it looks like another one, or one that was set back; nothing of {name} is written"
        );
        let hint = format!(
            "give the sync user back the permission to see them, or connect the org they are in; \
             if it is the right one all the same: {}",
            held.way_out(name)
        );
        Error::new(Kind::Refused, text).hint(hint).into()
    }
}
