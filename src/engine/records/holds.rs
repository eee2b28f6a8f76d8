//! Whether a record is held since a run was taken back: both sides differ on purpose until one
//! changes, or a person ends it (sync-semantics 15, no bounce).
//!
//! Reads only. The mapping is opened for the first record that a run which took back agreed on
//! last, for none of the others. Invariant: a record is held here if one of its fields is in the
//! record itself.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::detail::{Two, planned};
use crate::domain::append::Appended;
use crate::domain::filter::Filter;
use crate::domain::id::{AppId, RowId, RunId};
use crate::domain::mapping::Pair;
use crate::domain::reconcile::Action;
use crate::domain::record::{AppRecord, HELD, Link, LinkState};
use crate::domain::run::{Cause, Word};
use crate::domain::value::Value;
use crate::engine::cx::{RunCx, Settings};
use crate::engine::state::State;
use crate::engine::tables::{RUNS, WRITTEN};
use crate::engine::view::standing;
use crate::error::Result;
use crate::store::keys::Key;

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
            None => self.at_rest(id, app, link),
        }
    }

    /// The word of a record that no write and nobody has to do with. One that was taken back just
    /// now is looked at by the next run, which leaves it as it is.
    pub(super) fn at_rest(
        &self,
        id: &AppId,
        app: Option<&AppRecord>,
        link: Option<&Link>,
    ) -> Result<Word> {
        match (app, link) {
            (Some(app), Some(link)) if self.since(app, link)?.is_some() => Ok(Word::Hold),
            _ if super::is_looked_at(self.state, self.pair, id)? => Ok(Word::Wait),
            (_, link) => Ok(standing(link).0),
        }
    }

    /// What a filter on [`HELD`](crate::domain::record::HELD) asks of a record.
    pub(super) fn told(&self, app: &AppRecord) -> Result<Value> {
        let link = self.state.link(&self.pair.name, &app.id)?;
        let since = match &link {
            Some(link) => self.since(app, link)?,
            None => None,
        };
        Ok(since.map_or_else(not_held, |run| Value::text(format!("yes, run {run}"))))
    }

    /// The run that was taken back and since which a record is held.
    fn since(&self, app: &AppRecord, link: &Link) -> Result<Option<RunId>> {
        let Some(seen) = link.seen.as_ref() else {
            return Ok(None);
        };
        let mut rows: Vec<(RowId, RunId)> = Vec::new();
        if link.state == LinkState::Active {
            for (row, base) in &link.bases {
                rows.extend(self.undone(base.run)?.map(|run| (*row, run)));
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let Some(cx) = self.cx()? else {
            return Ok(None);
        };
        let two = Two { app, link, seen };
        // Neither the time nor what was appended decides about a field that neither side moved.
        let (appended, now) = (Appended::new(), Timestamp::default());
        for row in &cx.pair.rows {
            let run = rows.iter().find(|(id, _)| *id == row.row.id);
            if let Some((_, run)) = run
                && two.action(self.state, cx, row, &appended, now) == Action::Drift
            {
                return Ok(Some(*run));
            }
        }
        Ok(None)
    }

    /// When a filter takes only records that are held: those that runs which took back wrote.
    pub(super) fn asked_for(&self, filter: &Filter) -> Result<Option<BTreeSet<AppId>>> {
        let mut own = self.pair.app_fields.iter();
        let shadowed = own.any(|field| field.name.as_str().eq_ignore_ascii_case(HELD));
        if shadowed || !asks_for_held(filter) {
            return Ok(None);
        }
        let store = self.state.store();
        let mut ids = BTreeSet::new();
        for run in store.scan(&RUNS, &[]) {
            let (_, run) = run?;
            if run.pair != self.pair.name || !matches!(run.cause, Cause::Undo(_)) {
                continue;
            }
            for part in store.scan(&WRITTEN, &Key::new().number(run.id.0)) {
                ids.extend(part?.1.into_iter().map(|written| written.app_id));
            }
        }
        Ok(Some(ids))
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

fn not_held() -> Value {
    Value::text("no")
}

/// Whether only records that are held can pass.
fn asks_for_held(filter: &Filter) -> bool {
    match filter {
        Filter::Field { name, test } => {
            name.eq_ignore_ascii_case(HELD) && !test.holds(&not_held(), Timestamp::default())
        }
        Filter::Each(parts) => parts.iter().any(asks_for_held),
        _ => false,
    }
}
