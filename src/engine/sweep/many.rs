//! Very many records that a comparison of all ids does not find: a person says whether they are gone
//! (sync-semantics 4.4, 22).
//!
//! Reads no record. Invariants: more than a few count as deleted only when a person said so, and
//! only once; more than half never do: then it is another org.

use crate::domain::id::AppId;
use crate::domain::mass::{Example, Held, Mass};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::transform::Side;
use crate::engine::brake;
use crate::engine::tx::Durability;
use crate::engine::work::{Step, Work};

/// So many records may be missing together at any time.
pub(super) const FEW: u64 = 10;

/// Linked records that were not listed.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) linked: u64,
    pub(super) missing: u64,
    /// A few of them.
    pub(super) examples: Vec<AppId>,
}

/// Whether records that are missing for long enough count as deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// They do: they are few.
    Usual,
    /// They do: a person said so.
    Allowed,
    /// They do not; since when they are missing is noted.
    NoteOnly,
}

impl Work {
    /// What may be done about what is missing; asks a person when it is too much.
    ///
    /// # Errors
    /// More than half: nothing of the pair is done any more until a person says so.
    pub(super) fn may_count(&mut self, found: &Missing) -> Step<Leave> {
        let Missing {
            linked, missing, ..
        } = *found;
        let limit = Mass::Unlisted.limit(linked, FEW);
        let name = self.cx.name().clone();
        let state = self.state();
        let known = brake::held(&state, &name)?;
        let known = known.into_iter().find(|held| held.what == Mass::Unlisted);
        if missing > limit && missing * 2 > linked {
            return self.stop_unless_allowed(found);
        }
        if missing <= limit {
            self.goes_on()?;
            if known.is_some() {
                let mut tx = state.begin();
                brake::hold(&mut tx, &name, Mass::Unlisted, None)?;
                self.commit(tx, Durability::Soon)?;
            }
            return Ok(Leave::Usual);
        }
        self.goes_on()?;
        let text = format!(
            "{} of {} linked records are not listed by Salesforce",
            grouped(missing),
            grouped(linked)
        );
        if known.as_ref().is_some_and(|known| known.allowed >= missing) {
            return Ok(Leave::Allowed);
        }
        let mut tx = state.begin();
        let mut examples: Vec<Example> = Vec::new();
        for id in &found.examples {
            examples.push(self.example(&tx, id)?);
        }
        let held = Held {
            what: Mass::Unlisted,
            field: String::new(),
            number: missing,
            limit,
            records: linked,
            allowed: 0,
            examples,
        };
        let text = format!(
            "{text}. So many at once look like a permission that was taken away: nothing is deleted \
             for it. If they are gone for good: {}",
            held.way_out(&name)
        );
        brake::hold(&mut tx, &name, Mass::Unlisted, Some(held))?;
        self.log(&mut tx, Word::Warn, text);
        self.commit(tx, Durability::Now)?;
        Ok(Leave::NoteOnly)
    }

    /// So many counted as deleted because a person said so: what the App is to do about them is not
    /// asked again. Those that were not missing for long enough are left to the next sweep.
    pub(super) fn allowance_used(&mut self, gone: u64, young: u64) -> Step<()> {
        let name = self.cx.name().clone();
        let state = self.state();
        let known = brake::held(&state, &name)?;
        let Some(known) = known.into_iter().find(|held| held.what == Mass::Unlisted) else {
            return Ok(());
        };
        let mut tx = state.begin();
        if gone > 0 {
            let what = Mass::Delete(Side::App);
            let deletes = Held {
                what,
                number: gone,
                allowed: gone,
                ..known.clone()
            };
            brake::hold(&mut tx, &name, what, Some(deletes))?;
        }
        let left = (young > 0).then_some(Held {
            number: young,
            ..known
        });
        if young > 0 {
            let text = format!(
                "{} of them count as deleted when a comparison in an hour or later misses them, too",
                grouped(young)
            );
            self.log(&mut tx, Word::Wait, text);
        }
        brake::hold(&mut tx, &name, Mass::Unlisted, left)?;
        self.commit(tx, Durability::Now)
    }
}
