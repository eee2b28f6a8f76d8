//! Which App records a CRM record is the same as, before any of them is linked (sync-semantics 3.6).
//!
//! Links nothing. Invariant: only App records without a CRM record are found, and our key counts more
//! than any rule.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::append::Appended;
use crate::domain::id::{AppId, FieldName, RowId};
use crate::domain::reconcile::{canon_cell, cell_of, is_blank};
use crate::domain::record::{Observation, Presence};
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::error::Result;
use crate::store::keys::Key;

use super::cx::RunCx;
use super::planner;
use super::state::State;
use super::tables::{UNLINKED, app_id_of};
use super::tx::Tx;

/// App records without a CRM record, by what identifies them (sync-semantics 3.6).
#[derive(Debug, Default)]
pub struct Matcher {
    by_rule: Vec<HashMap<String, Vec<AppId>>>,
    by_key: HashMap<String, AppId>,
    /// By rule, the CRM field that other records of the same identity are asked for by. What is
    /// found by such a rule is linked only when that was done: see `twins`.
    asked_by: Vec<Option<FieldName>>,
}

/// App records that a CRM record is the same as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// None.
    None,
    /// The one whose key it has.
    Key(AppId),
    /// Those that a rule finds, at least one; the rule's place among the rules.
    Rule(Vec<AppId>, usize),
}

impl Matcher {
    /// Reads the unlinked records of a pair.
    pub fn new(state: &State, cx: &RunCx) -> Result<Self> {
        let rules = &cx.pair.pair.match_on;
        let mut matcher = Self {
            by_rule: vec![HashMap::new(); rules.len()],
            ..Self::default()
        };
        let prefix = Key::new().text(cx.name().as_str());
        for key in state.store().keys(&UNLINKED, &prefix) {
            let Some(id) = app_id_of(&key?) else {
                continue;
            };
            matcher.add(state, cx, &id)?;
        }
        Ok(matcher)
    }

    /// Of one record.
    pub fn of(state: &State, cx: &RunCx, id: &AppId) -> Result<Self> {
        let mut matcher = Self {
            by_rule: vec![HashMap::new(); cx.pair.pair.match_on.len()],
            ..Self::default()
        };
        matcher.add(state, cx, id)?;
        Ok(matcher)
    }

    /// Whether there is nothing that a CRM record could turn out to be the same as.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.by_rule.iter().all(HashMap::is_empty)
    }

    /// What a rule with such a field finds is not linked before its twins were looked for.
    pub fn asking_by(mut self, fields: Vec<Option<FieldName>>) -> Self {
        self.asked_by = fields;
        self
    }

    /// The field by which twins of what a rule found are asked for.
    pub fn asked_by(&self, rule: usize) -> Option<&FieldName> {
        self.asked_by.get(rule)?.as_ref()
    }

    fn add(&mut self, state: &State, cx: &RunCx, id: &AppId) -> Result<()> {
        let app = state.app_record(&cx.pair.pair.table, id)?;
        let key = state.link(cx.name(), id)?.and_then(|l| l.sync_key);
        if let Some(key) = key.or_else(|| app.as_ref()?.sync_key.clone()) {
            self.by_key.insert(key.as_str().to_owned(), id.clone());
        }
        let Some(app) = app else {
            return Ok(());
        };
        for (rule, map) in cx.pair.pair.match_on.iter().zip(&mut self.by_rule) {
            let cells = rule.iter().map(|row| {
                let row = cx.pair.rows.iter().find(|r| r.row.id == *row)?;
                let cell = cell_of(Side::App, &row.row.app, &app.fields)?;
                Some(canon_cell(&row.app, &cell))
            });
            if let Some(text) = identity(cells) {
                map.entry(text).or_default().push(id.clone());
            }
        }
        Ok(())
    }

    /// App records that a CRM record is the same as.
    pub fn find(
        &self,
        tx: &Tx<'_>,
        cx: &RunCx,
        seen: &Observation,
        now: Timestamp,
    ) -> Result<Match> {
        if let Some(key) = planner::sync_key_of(cx, seen)
            && let Some(id) = self.by_key.get(key.as_str())
            && unlinked(tx, cx, id)?
        {
            return Ok(Match::Key(id.clone()));
        }
        let rules = cx.pair.pair.match_on.iter().zip(&self.by_rule);
        for (place, (rule, map)) in rules.enumerate() {
            if map.is_empty() {
                continue;
            }
            let Some(text) = self.crm_identity(tx, cx, rule, seen, now) else {
                continue;
            };
            let mut found = Vec::new();
            for id in map.get(&text).into_iter().flatten() {
                if unlinked(tx, cx, id)? && lives(tx, cx, id)? {
                    found.push(id.clone());
                }
            }
            if !found.is_empty() {
                return Ok(Match::Rule(found, place));
            }
        }
        Ok(Match::None)
    }

    fn crm_identity(
        &self,
        tx: &Tx<'_>,
        cx: &RunCx,
        rule: &[RowId],
        seen: &Observation,
        now: Timestamp,
    ) -> Option<String> {
        cx.with(tx, None, None, &Appended::new(), now, |c| {
            identity(rule.iter().map(|row| {
                let row = cx.pair.rows.iter().find(|r| r.row.id == *row)?;
                let cell = cell_of(Side::Crm, &row.row.crm, &seen.fields)?;
                let cell = row.row.to_app.apply(Side::App, &cell, c.lookup).ok()?;
                Some(canon_cell(&row.app, &cell))
            }))
        })
    }
}

fn unlinked(tx: &Tx<'_>, cx: &RunCx, id: &AppId) -> Result<bool> {
    Ok(tx.link(cx.name(), id)?.is_none_or(|l| l.crm_id.is_none()))
}

/// What was deleted here before it was linked is nobody: by its key alone it is known again, which
/// only a record has that was made of it.
fn lives(tx: &Tx<'_>, cx: &RunCx, id: &AppId) -> Result<bool> {
    let app = tx.app_record(&cx.pair.pair.table, id)?;
    Ok(app.is_some_and(|app| app.presence == Presence::Live))
}

fn identity(cells: impl Iterator<Item = Option<Cell>>) -> Option<String> {
    let mut text = String::new();
    let mut any = false;
    for cell in cells {
        let cell = cell.filter(|c| !is_blank(c))?;
        for value in &cell {
            text.push_str(&value.to_string());
            text.push('\u{1f}');
        }
        any = true;
    }
    any.then_some(text)
}
