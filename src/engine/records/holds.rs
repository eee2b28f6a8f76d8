//! Whether a record is held since a run was taken back: both sides differ on purpose until one
//! changes, or a person ends it (sync-semantics 15, no bounce).
//!
//! Reads only. The mapping is opened for the first record that a run which took back agreed on
//! last, for none of the others. Invariant: a record is held here if one of its fields is in the
//! record itself.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::detail::{Two, planned};
use crate::domain::append::Appended;
use crate::domain::id::{AppId, RowId, RunId};
use crate::domain::mapping::Pair;
use crate::domain::reconcile::Action;
use crate::domain::record::{AppRecord, Link, LinkState};
use crate::domain::run::{Cause, Word};
use crate::engine::cx::{RunCx, Settings};
use crate::engine::state::State;
use crate::error::Result;

/// What is known of the runs and the mapping of a pair while its records are looked at.
pub(in crate::engine) struct Holds<'a> {
    state: &'a State,
    pair: &'a Pair,
    /// Runs that were looked up, and which one each took back.
    runs: RefCell<BTreeMap<RunId, Option<RunId>>>,
    /// None inside: the object is not described yet.
    cx: OnceCell<Option<RunCx>>,
}

impl<'a> Holds<'a> {
    /// Nothing is read yet.
    pub fn new(state: &'a State, pair: &'a Pair) -> Self {
        Self {
            state,
            pair,
            runs: RefCell::default(),
            cx: OnceCell::new(),
        }
    }

    /// The word of a record: what is most urgent about it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn word(&self, id: &AppId, app: Option<&AppRecord>, link: Option<&Link>) -> Result<Word> {
        match super::busy(self.state, self.pair, id)? {
            Some(word) => Ok(word),
            None => self.at_rest(app, link),
        }
    }

    /// The word of a record that nothing is to be done for.
    pub(super) fn at_rest(&self, app: Option<&AppRecord>, link: Option<&Link>) -> Result<Word> {
        match (app, link) {
            (Some(app), Some(link)) if self.is_held(app, link)? => Ok(Word::Hold),
            (_, link) => Ok(super::at_rest(link)),
        }
    }

    fn is_held(&self, app: &AppRecord, link: &Link) -> Result<bool> {
        let Some(seen) = link.seen.as_ref() else {
            return Ok(false);
        };
        let mut rows: Vec<RowId> = Vec::new();
        if link.state == LinkState::Active {
            for (row, base) in &link.bases {
                if self.undone(base.run)?.is_some() {
                    rows.push(*row);
                }
            }
        }
        if rows.is_empty() {
            return Ok(false);
        }
        let Some(cx) = self.cx()? else {
            return Ok(false);
        };
        let two = Two { app, link, seen };
        // Neither the time nor what was appended decides about a field that neither side moved.
        let (appended, now) = (Appended::new(), Timestamp::default());
        let mut compiled = cx.pair.rows.iter().filter(|r| rows.contains(&r.row.id));
        Ok(compiled.any(|row| two.action(self.state, cx, row, &appended, now) == Action::Drift))
    }

    /// Which run a run took back.
    fn undone(&self, run: RunId) -> Result<Option<RunId>> {
        if let Some(known) = self.runs.borrow().get(&run) {
            return Ok(*known);
        }
        let undone = match self.state.run(run)?.map(|run| run.cause) {
            Some(Cause::Undo(undone)) => Some(undone),
            _ => None,
        };
        self.runs.borrow_mut().insert(run, undone);
        Ok(undone)
    }

    /// No setting decides about a field that neither side moved: the usual ones do.
    fn cx(&self) -> Result<Option<&RunCx>> {
        if self.cx.get().is_none() {
            let cx = planned(self.state, &Settings::default(), self.pair)?;
            let _ = self.cx.set(cx);
        }
        Ok(self.cx.get().and_then(Option::as_ref))
    }
}
