//! Fields that differ on purpose since a run was taken back, and how that ends
//! (sync-semantics 15, no bounce).
//!
//! Writes nothing on either side: what a person chose goes with the next run, under its guards.
//! Invariant: a choice is only taken if the mapping then does what was chosen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::append::Appended;
use crate::domain::id::{FieldName, RunId};
use crate::domain::reconcile::{
    Action, CompiledRow, Context, Depth, canon_cell, cell_of, reconcile,
};
use crate::domain::record::{AppRecord, BasePair, Link, Observation, Presence, Standing};
use crate::domain::run::{Cause, LogLine, Word};
use crate::domain::transform::Side;
use crate::engine::audit::{Draft, What};
use crate::engine::command::{HeldEnd, HeldFilter, RecordKey};
use crate::engine::cx::{RunCx, Settings, StateLookup};
use crate::engine::decisions::Desks;
use crate::engine::state::State;
use crate::engine::tables::RUNS;
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::{HeldDone, HeldRow};
use crate::error::{Error, Kind, Result};

use super::list::List;
use super::written::Touched;

/// Records that are decided in one transaction.
const TOGETHER: usize = 100;

/// Fields that are held, by the run that took back; the latest first.
///
/// # Errors
/// When the store cannot be read.
pub fn held(
    state: &State,
    settings: &Settings,
    filter: &HeldFilter,
    now: Timestamp,
) -> Result<Vec<HeldRow>> {
    let mut desks = Desks::new(state, settings);
    let asked_for: BTreeSet<&RecordKey> = filter.records.iter().collect();
    let mut rows = Vec::new();
    for found in state.store().scan(&RUNS, &[]).rev() {
        let (_, run) = found?;
        let Cause::Undo(undone) = run.cause else {
            continue;
        };
        let asked = filter.run.is_none_or(|id| id == run.id || id == undone);
        if !asked || filter.pair.as_ref().is_some_and(|name| *name != run.pair) {
            continue;
        }
        let desk = desks.get(&run.pair)?;
        let look = Look {
            state,
            cx: &desk.cx,
            now,
        };
        for part in List::read(state, run.id)?.parts(state, TOGETHER) {
            for (app_id, touched) in part? {
                let key = RecordKey {
                    pair: run.pair.clone(),
                    app_id,
                };
                if asked_for.is_empty() || asked_for.contains(&key) {
                    let found = look.held(&key, &touched, run.id, undone)?;
                    rows.extend(found.into_iter().filter(|row| is_asked(row, filter)));
                }
            }
        }
    }
    Ok(rows)
}

/// Whether a field is one that was asked for, by its name on either side.
fn is_asked(row: &HeldRow, filter: &HeldFilter) -> bool {
    let named = |name: &String| *name == row.app_label || *name == row.crm_label;
    filter.field.as_ref().is_none_or(named)
}

/// Ends the hold of fields: the next run carries what was put back to the other side, or brings
/// back what that has.
///
/// # Errors
/// When nothing like that is held, or the store fails.
pub fn end_hold(
    state: &State,
    settings: &Settings,
    filter: &HeldFilter,
    end: HeldEnd,
    now: Timestamp,
) -> Result<HeldDone> {
    let rows = held(state, settings, filter, now)?;
    if rows.is_empty() {
        return Err(Error::new(Kind::Usage, "nothing like that is held")
            .hint("`syncdeck held` lists what is"));
    }
    let mut by_record: BTreeMap<RecordKey, Vec<HeldRow>> = BTreeMap::new();
    for row in rows {
        by_record.entry(row.key.clone()).or_default().push(row);
    }
    let mut desks = Desks::new(state, settings);
    let mut done = HeldDone::default();
    let records: Vec<(RecordKey, Vec<HeldRow>)> = by_record.into_iter().collect();
    for some in records.chunks(TOGETHER) {
        let mut tx = state.begin();
        for (key, rows) in some {
            let look = Look {
                state,
                cx: &desks.get(&key.pair)?.cx,
                now,
            };
            look.end(&mut tx, key, rows, (end, &settings.person), &mut done)?;
        }
        tx.commit(Durability::Now)?;
        state.holdings().forget();
    }
    Ok(done)
}

/// What the fields of a record are looked at with.
pub(super) struct Look<'a> {
    pub(super) state: &'a State,
    pub(super) cx: &'a RunCx,
    pub(super) now: Timestamp,
}

impl Look<'_> {
    /// Fields of a record that a run put back and that are held.
    pub(super) fn held(
        &self,
        key: &RecordKey,
        touched: &Touched,
        by: RunId,
        run: RunId,
    ) -> Result<Vec<HeldRow>> {
        let mut rows = Vec::new();
        let Some((app, link)) = self.both(key)? else {
            return Ok(rows);
        };
        let Some(seen) = &link.seen else {
            return Ok(rows);
        };
        for row in &self.cx.pair.rows {
            let put_back = if row.row.app.iter().any(|f| touched.app.contains_key(f)) {
                Side::App
            } else if row.row.crm.iter().any(|f| touched.crm.contains_key(f)) {
                Side::Crm
            } else {
                continue;
            };
            let base = link.bases.get(&row.row.id).filter(|base| base.run == by);
            if base.is_none() || self.action(row, &app, seen, base) != Action::Drift {
                continue;
            }
            rows.push(HeldRow {
                key: key.clone(),
                name: self.cx.title(Some(&app), Some(seen)),
                row: row.row.id,
                app_label: row.row.label(Side::App),
                crm_label: row.row.label(Side::Crm),
                app: cell_of(Side::App, &row.row.app, &app.fields),
                crm: cell_of(Side::Crm, &row.row.crm, &seen.fields),
                put_back,
                run,
                by,
            });
        }
        Ok(rows)
    }

    fn both(&self, key: &RecordKey) -> Result<Option<(AppRecord, Link)>> {
        let app = self
            .state
            .app_record(&self.cx.pair.pair.table, &key.app_id)?;
        let app = app.filter(|app| app.presence == Presence::Live);
        Ok(app.zip(self.state.link(&key.pair, &key.app_id)?))
    }

    /// Ends the hold of rows of one record.
    fn end(
        &self,
        tx: &mut Tx<'_>,
        key: &RecordKey,
        rows: &[HeldRow],
        (end, person): (HeldEnd, &str),
        done: &mut HeldDone,
    ) -> Result<()> {
        let label = |row: &HeldRow| format!("{}: {}", row.name, row.app_label);
        if self.state.open_intent(&key.pair, &key.app_id)?.is_some() {
            let why = "a write of this record is not known to be over";
            done.refused
                .extend(rows.iter().map(|row| (label(row), why.to_owned())));
            return Ok(());
        }
        let Some((app, mut link)) = self.both(key)? else {
            return Ok(());
        };
        let was = link.crm_id;
        let mut ended = BTreeSet::new();
        for held in rows {
            let winner = match end {
                HeldEnd::Propagate => held.put_back,
                HeldEnd::LetGo => held.put_back.other(),
            };
            match self.agreed_before(held, winner, &app, &link) {
                Some(base) => {
                    link.bases.insert(held.row, base);
                    ended.insert(held.app_label.as_str());
                }
                None => {
                    let why = match winner {
                        Side::App => "the mapping does not carry the App's value to Salesforce",
                        Side::Crm => "the mapping does not carry Salesforce's value to the App",
                    };
                    done.refused.push((label(held), why.to_owned()));
                }
            }
        }
        if ended.is_empty() {
            return Ok(());
        }
        done.fields += ended.len() as u64;
        let names: Vec<&str> = ended.into_iter().collect();
        let text = match end {
            HeldEnd::Propagate => format!(
                "no longer held, goes to the other side: {}",
                names.join(", ")
            ),
            HeldEnd::LetGo => format!("no longer held, comes back: {}", names.join(", ")),
        };
        let line = LogLine {
            at: self.now,
            word: Word::Info,
            run: None,
            text: text.clone(),
        };
        tx.history(&key.pair, &key.app_id, &line);
        let draft = Draft::new(
            self.now,
            person,
            What::Decided,
            format!("{}: {text}", key.app_id),
        );
        tx.audit(draft.pair(&key.pair));
        tx.todo(&key.pair, &key.app_id)?;
        Ok(tx.put_link(link, was)?)
    }

    /// The agreement from which only the winner has moved, if a run then carries its value over.
    fn agreed_before(
        &self,
        held: &HeldRow,
        winner: Side,
        app: &AppRecord,
        link: &Link,
    ) -> Option<BasePair> {
        let row = self.cx.pair.rows.iter().find(|r| r.row.id == held.row)?;
        let seen = link.seen.as_ref()?;
        let lookup = self.lookup();
        let here = cell_of(Side::App, &row.row.app, &app.fields)?;
        let there = cell_of(Side::Crm, &row.row.crm, &seen.fields)?;
        let (here, there) = match winner {
            Side::App => (
                row.row.to_app.apply(Side::App, &there, &lookup).ok()?,
                there,
            ),
            Side::Crm => {
                let sent = row.gone(Side::Crm, &here, &lookup).ok()?;
                (here, sent)
            }
        };
        let base = BasePair {
            app: canon_cell(&row.app, &here),
            crm: canon_cell(&row.crm, &there),
            standing: Standing::Settled,
            at: self.now,
            run: RunId::default(),
        };
        let carried = match self.action(row, app, seen, Some(&base)) {
            Action::Push(_) => winner == Side::App,
            Action::Pull(_) => winner == Side::Crm,
            _ => false,
        };
        carried.then_some(base)
    }

    fn lookup(&self) -> StateLookup<'_> {
        StateLookup {
            state: self.state,
            users: &self.cx.users,
        }
    }

    fn action(
        &self,
        row: &CompiledRow,
        app: &AppRecord,
        seen: &Observation,
        base: Option<&BasePair>,
    ) -> Action {
        let context = Context {
            lookup: &self.lookup(),
            depth: Depth::Everything,
            first_link: self.cx.pair.pair.first_link,
            app_id: &app.id,
            app_changed: &|field: &FieldName| app.changed_at.get(field).copied(),
            clocks: self.cx.clocks(self.state, Some(seen), self.now),
            // Asked about rows that differ on purpose, which none does that appends.
            appended: &Appended::new(),
            now: self.now,
        };
        reconcile(&context, row, &app.fields, &seen.fields, base).action
    }
}
