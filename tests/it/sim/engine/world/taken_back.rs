//! A history in which a run is taken back, and perhaps that, too (I33, I34, sync-semantics 15).
//!
//! Nothing goes wrong in it. Invariant: no field is edited on both sides before the run, so that
//! what the run is to write is certain.

use syncdeck::domain::id::RunId;

use super::*;
use crate::sim::engine::org::UNGUARDED;
use crate::sim::must;

/// A field of a record on one side, by its place in [`FIELDS`].
pub(super) type Place = (AppId, Side, usize);

/// What is in each field of each record.
pub(super) type Sides = BTreeMap<Place, String>;

impl World<'_> {
    /// What both sides have.
    pub(super) fn sides(&self) -> Sides {
        let state = self.state();
        let mut sides = Sides::new();
        for record in app_records(state) {
            let link = state.link(&"leads".into(), &record.id).unwrap();
            let there = link.and_then(|link| link.crm_id).unwrap().to_string();
            for (at, (here, field)) in HERE.iter().zip(FIELDS).enumerate() {
                let value = record.fields.get(*here).map(ToString::to_string);
                let id = &record.id;
                sides.insert((id.clone(), Side::App, at), value.unwrap_or_default());
                let value = self.org.inner().value(&there, field);
                sides.insert((id.clone(), Side::Crm, at), value);
            }
        }
        sides
    }

    /// Somebody gives a field a text that nobody gave before.
    fn gives(&self, (id, side, at): &Place) {
        let state = self.state();
        let mut org = self.org.inner();
        org.texts += 1;
        let text = format!("{} {}", FIELDS[*at].to_lowercase(), org.texts);
        match side {
            Side::App => {
                let record = state.app_record(&"leads".into(), id).unwrap().unwrap();
                let fields: Fields = [(HERE[*at].into(), Value::text(text))].into();
                let now = Timestamp::from_millisecond(org.now).unwrap();
                let expect = Expect::Rev(record.rev);
                assert!(people::change(
                    state,
                    id,
                    expect,
                    fields,
                    Presence::Live,
                    now
                ));
            }
            Side::Crm => {
                let link = state.link(&"leads".into(), id).unwrap();
                let there = link.and_then(|link| link.crm_id).unwrap();
                org.gives(&there.to_string(), FIELDS[*at], &text);
            }
        }
    }

    /// Somebody edits some fields, each on one side.
    pub(super) fn edits(&self) {
        for (id, _, at) in self
            .sides()
            .into_keys()
            .filter(|(_, side, _)| *side == Side::App)
        {
            let side = match self.org.inner().random.below(6) {
                0 | 1 => Side::App,
                // Nothing comes back of this one.
                2 | 3 if FIELDS[at] != UNGUARDED => Side::Crm,
                _ => continue,
            };
            self.gives(&(id, side, at));
        }
    }

    pub(super) fn runs(&mut self, job: Job) -> RunId {
        self.org.inner().pass(LATE * 1_000);
        self.run(job).unwrap().id
    }

    fn undoes(&mut self, run: RunId) -> RunId {
        mutate::before_undo(&self.org.inner(), self.state(), run);
        let by = self.runs(Job::Undo(run));
        mutate::after_undo(&self.org.inner(), self.state(), by);
        by
    }

    /// A run is taken back; where nobody edited anything since, that is taken back, too.
    pub fn is_taken_back(&mut self) -> Result<(), Broken> {
        self.org.inner().calm();
        for _ in 0..3 {
            self.org.inner().colleague_makes();
        }
        self.runs(Job::Sync);
        self.edits();
        let before = self.sides();
        let run = self.runs(Job::Sync);
        let after = self.sides();
        let written = |place: &Place| before[place] != after[place];
        let mut edited = BTreeSet::new();
        if self.org.inner().random.one_in(2) {
            for place in after.keys().filter(|place| written(place)) {
                if self.org.inner().random.one_in(3) {
                    self.gives(place);
                    edited.insert((place.0.clone(), place.2));
                }
            }
        }
        let now = self.sides();
        let by = self.undoes(run);
        let back = self.sides();
        for (place, is) in &back {
            let expected = match written(place) && !edited.contains(&(place.0.clone(), place.2)) {
                true => &before[place],
                false => &now[place],
            };
            let was = &now[place];
            must!(
                is == expected,
                "I33",
                "{place:?} was {was:?} and is {is:?}, not {expected:?}"
            );
        }
        for _ in 0..2 {
            self.runs(Job::Sync);
        }
        for (place, is) in &self.sides() {
            let free = edited.contains(&(place.0.clone(), place.2));
            must!(
                free || *is == back[place],
                "I33",
                "{place:?} comes back as {is:?}"
            );
        }
        if edited.is_empty() {
            self.undoes(by);
            let again = self.sides();
            must!(again == now, "I34", "{again:?} is not {now:?}");
        }
        match self.org.inner().broken.clone() {
            Some(broken) => Err(broken),
            None => Ok(()),
        }
    }
}
