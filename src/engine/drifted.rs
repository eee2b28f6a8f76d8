//! Rows whose two sides differ although neither moved since both agreed: found when all records are
//! compared, listed, and put right on request (sync-semantics 5.2, F6).
//!
//! A step on the way that gives another value than before does that, or damage. Only rows count that
//! hold both sides equal. Invariants: looking writes neither side; what is put right is what was
//! found, by whoever has the say in that row, and nothing else.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::domain::append::Appended;
use crate::domain::id::{AppId, PairName, RowId, RunId};
use crate::domain::mapping::{Row, Strategy};
use crate::domain::reconcile::{Action, Context, Depth, reconcile};
use crate::domain::record::{Link, LinkState, Presence, Standing};
use crate::domain::run::{Cause, Phase, RecordResult, ResultKind, Word};
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

use super::command::{Page, RecordKey};
use super::conflicts::Sides;
use super::mappings;
use super::naming::record_name;
use super::runner::Job;
use super::state::State;
use super::tables::{DRIFT, LINKS, app_id_of, record_key};
use super::tx::{Durability, Tx};
use super::view::{DriftField, DriftRow, Part};
use super::work::{FULL, Step, Work};

/// Records that a run names.
const NAMED: u64 = 1_000;
/// Records that are counted for the Overview at most.
const COUNTED: usize = 1_000;

/// Rows of a record that differ, and the run that found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    /// Rows.
    pub rows: Vec<RowId>,
    /// Run.
    pub run: RunId,
}

/// Records of a pair that differ, by their App ids.
fn all<'a>(
    state: &'a State,
    pair: &PairName,
) -> impl Iterator<Item = Result<(AppId, Drifted)>> + 'a {
    let rows = state.store().scan(&DRIFT, &Key::new().text(pair.as_str()));
    rows.filter_map(|row| match row {
        Ok((key, drifted)) => Some(Ok((app_id_of(&key)?, drifted))),
        Err(error) => Some(Err(error.into())),
    })
}

/// Which run found the first record that differs, and how many there are; counted up to a bound.
///
/// # Errors
/// When the store cannot be read.
pub fn found(state: &State, pair: &PairName) -> Result<Option<(RunId, usize)>> {
    let Some(first) = all(state, pair).next().transpose()? else {
        return Ok(None);
    };
    let keys = state.store().keys(&DRIFT, &Key::new().text(pair.as_str()));
    Ok(Some((first.1.run, keys.take(COUNTED + 1).count())))
}

/// `3 records`, or that there are more than were counted.
pub fn so_many(found: usize) -> String {
    match found > COUNTED {
        true => format!("more than {}", some(COUNTED as u64, "record", "records")),
        false => some(found as u64, "record", "records"),
    }
}

/// A part of the records that differ. `usual` decides where neither row nor pair says who does.
///
/// # Errors
/// When there is no such pair, or the store cannot be read.
pub fn list(
    state: &State,
    usual: Strategy,
    pair: Option<&PairName>,
    page: Page,
) -> Result<Part<DriftRow>> {
    let pairs = match pair {
        Some(name) => vec![mappings::pair(state, name)?],
        None => state.pairs()?,
    };
    let (mut rows, mut total) = (Vec::new(), 0);
    for pair in pairs {
        for found in all(state, &pair.name) {
            let (app_id, drifted) = found?;
            if total >= page.offset && rows.len() < page.limit {
                let app = state.app_record(&pair.table, &app_id)?;
                let link = state.link(&pair.name, &app_id)?;
                let seen = link.as_ref().and_then(|link| link.seen.as_ref());
                let above = pair.strategy.under(usual);
                let fields = drifted.rows.iter().filter_map(|id| pair.row(*id));
                let app = app.as_ref();
                let fields = fields.map(|row| field(row, Sides { app, seen }, above));
                rows.push(DriftRow {
                    name: record_name(&pair, app, seen),
                    crm_id: link.as_ref().and_then(|link| link.crm_id),
                    fields: fields.collect(),
                    run: drifted.run,
                    key: RecordKey {
                        pair: pair.name.clone(),
                        app_id,
                    },
                });
            }
            total += 1;
        }
    }
    Ok(Part {
        rows,
        offset: page.offset,
        total: total as u64,
    })
}

/// A row that differs, with its values as they are now.
fn field(row: &Row, sides: Sides<'_>, above: Strategy) -> DriftField {
    let (app, crm) = sides.cells(row);
    DriftField {
        label: row.label(Side::App),
        app,
        crm,
        say: row.say().under(above),
    }
}

/// What puts these records right; all of the pair where none is named.
///
/// # Errors
/// When there is no such pair, or one of them does not differ.
pub fn repair(state: &State, name: &PairName, ids: Vec<AppId>) -> Result<Job> {
    mappings::pair(state, name)?;
    let mut known = Vec::new();
    for found in all(state, name) {
        known.push(found?.0);
    }
    let stranger = ids.iter().find(|id| !known.contains(id));
    let text = match (stranger, known.is_empty()) {
        (Some(id), _) => format!("{name}/{id} is not among the records that differ"),
        (None, true) => format!("no record of {name} differs"),
        (None, false) if ids.is_empty() => return Ok(Job::Repair(known)),
        (None, false) => return Ok(Job::Repair(ids)),
    };
    Err(Error::new(Kind::Usage, text)
        .hint("`syncdeck drift` lists them; `syncdeck sync --full` looks for them"))
}

impl Work {
    /// Compares both sides of every linked record of which neither moved.
    pub(super) fn look_for_drift(&mut self) -> Step<()> {
        self.phase(Phase::Compare, None);
        let state = self.state();
        let prefix = self.mark_key();
        let mut known = HashSet::new();
        for found in all(&state, self.cx.name()) {
            known.insert(found?.0);
        }
        let mut after = prefix.to_vec();
        let mut found = 0;
        loop {
            self.boundary()?;
            let mut tx = state.begin();
            let mut last = None;
            for (looked_at, row) in state.store().scan_from(&LINKS, &after).enumerate() {
                let (key, link) = row?;
                if !key.starts_with(&prefix) {
                    break;
                }
                if looked_at > 0 && (looked_at > FULL || tx.len() >= FULL) {
                    last = Some(key.to_vec());
                    break;
                }
                let rows = self.drifted(&tx, &link)?;
                if !rows.is_empty() {
                    found += 1;
                    known.remove(&link.app_id);
                    self.note_drift(&mut tx, &link, rows, found)?;
                }
            }
            self.commit(tx, Durability::Soon)?;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        let mut tx = state.begin();
        for id in &known {
            tx.delete(&DRIFT, &record_key(self.cx.name(), id));
        }
        if found > 0 {
            let records = some(found, "record differs", "records differ");
            let text = format!("{records} although neither side changed since they agreed");
            self.log(&mut tx, Word::Warn, text);
        }
        self.commit(tx, Durability::Soon)
    }

    fn note_drift(&self, tx: &mut Tx<'_>, link: &Link, rows: Vec<RowId>, nth: u64) -> Step<()> {
        let pair = &self.cx.pair.pair;
        let labels = rows.iter().filter_map(|id| pair.row(*id));
        let labels: Vec<String> = labels.map(|row| row.label(Side::App)).collect();
        let run = self.run.id;
        tx.put(
            &DRIFT,
            &record_key(&pair.name, &link.app_id),
            &Drifted { rows, run },
        );
        if nth > NAMED {
            return Ok(());
        }
        let app = tx.app_record(&pair.table, &link.app_id)?;
        Ok(tx.put_result(&RecordResult {
            run,
            app_id: link.app_id.clone(),
            crm_id: link.crm_id,
            name: self.cx.title(app.as_ref(), link.seen.as_ref()),
            kind: ResultKind::Skipped,
            did: format!("{} differs, though neither side changed", labels.join(", ")),
            failure: None,
            tries: 1,
        })?)
    }

    /// Rows of a record that differ although nothing moved, and that nobody is asked about or has
    /// left like that.
    fn drifted(&self, tx: &Tx<'_>, link: &Link) -> Step<Vec<RowId>> {
        let pair = &self.cx.pair.pair;
        let (LinkState::Active, Some(seen)) = (&link.state, &link.seen) else {
            return Ok(Vec::new());
        };
        let app = tx.app_record(&pair.table, &link.app_id)?;
        let Some(app) = app.filter(|app| app.presence == Presence::Live) else {
            return Ok(Vec::new());
        };
        if link.mapping_version != pair.version {
            return Ok(Vec::new());
        }
        let none = Appended::new();
        let now = self.now();
        let mut rows = self.cx.with(tx, Some(&app), Some(seen), &none, now, |c| {
            let cx = Context {
                depth: Depth::Drift,
                ..*c
            };
            let rows = self.cx.pair.rows.iter().filter(|row| {
                let base = link.bases.get(&row.row.id);
                base.is_some_and(|base| base.standing == Standing::Settled)
                    && reconcile(&cx, row, &app.fields, &seen.fields, base).action == Action::Drift
            });
            rows.map(|row| row.row.id).collect::<Vec<_>>()
        });
        if rows.is_empty() || tx.state().open_intent(&pair.name, &link.app_id)?.is_some() {
            return Ok(Vec::new());
        }
        let open = tx.open_conflicts(&pair.name, &link.app_id)?;
        let mut held = Vec::new();
        for row in &rows {
            let run = link.bases.get(row).map(|base| base.run);
            let run = run.map(|run| tx.state().run(run)).transpose()?.flatten();
            let taken_back = run.is_some_and(|run| matches!(run.cause, Cause::Undo(_)));
            let asked = open.iter().any(|c| c.row.is_none() || c.row == Some(*row));
            if taken_back || asked {
                held.push(*row);
            }
        }
        rows.retain(|row| !held.contains(row));
        Ok(rows)
    }

    /// Puts records right that were found to differ, from what both sides are now.
    pub(super) fn repair(&mut self, ids: &[AppId]) -> Step<()> {
        let state = self.state();
        let mut repair = BTreeMap::new();
        for found in all(&state, self.cx.name()) {
            let (id, drifted) = found?;
            if ids.contains(&id) {
                repair.insert(id, drifted.rows);
            }
        }
        self.cx.repair = repair;
        let done = self.these(ids);
        self.cx.repair = BTreeMap::new();
        done?;
        let mut tx = state.begin();
        for id in ids {
            let link = tx.link(self.cx.name(), id)?;
            let rows = match &link {
                Some(link) => self.drifted(&tx, link)?,
                None => Vec::new(),
            };
            if rows.is_empty() {
                tx.delete(&DRIFT, &record_key(self.cx.name(), id));
            }
        }
        self.commit(tx, Durability::Now)
    }
}
