//! Reads fields again that the CRM computes: their values change without a trace
//! (sync-semantics 4.6).
//!
//! Plans nothing itself: a record whose computed value is another is read whole and taken in like
//! any other. Invariant: a field counts as read again only when every record was looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crm::{ChangeQuery, CrmRow, MAX_RETRIEVE};
use crate::domain::budget::Class;
use crate::domain::id::{CrmId, FieldName, RowId};
use crate::domain::run::{Phase, Word};
use crate::domain::text::{grouped, some};

use super::matcher::Matcher;
use super::tables::REFRESHED;
use super::tx::Durability;
use super::walk::{Walker, Way};
use super::work::{Step, Work};

/// A look at all computed values under way.
struct Look {
    fields: Vec<FieldName>,
    matcher: Matcher,
    looked: u64,
    /// With another value than we know: to be read.
    other: Vec<CrmId>,
    changed: u64,
}

impl Walker for Look {
    fn fields(&self) -> Vec<FieldName> {
        self.fields.clone()
    }

    fn all(&mut self, _: &mut Work, _: &Arc<ChangeQuery>, _: u64) -> Step<Way> {
        Ok(Way::Pages)
    }

    fn look(&mut self, work: &mut Work, rows: &[CrmRow]) -> Step<()> {
        for row in rows {
            self.looked += 1;
            if self.is_other(work, row)? {
                self.other.push(row.id);
            }
        }
        match self.other.len() >= MAX_RETRIEVE {
            true => self.take(work),
            false => Ok(()),
        }
    }
}

impl Look {
    fn is_other(&self, work: &Work, row: &CrmRow) -> Step<bool> {
        let state = work.state();
        let Some(app_id) = state.by_crm(work.cx.name(), &row.id)? else {
            return Ok(false);
        };
        let link = state.link(work.cx.name(), &app_id)?;
        let seen = link.and_then(|link| link.seen);
        // What has another stamp is brought by a window.
        Ok(seen.is_some_and(|seen| {
            seen.stamp == row.stamp
                && self
                    .fields
                    .iter()
                    .any(|field| row.fields.get(field) != seen.fields.get(field))
        }))
    }

    fn take(&mut self, work: &mut Work) -> Step<()> {
        let other = std::mem::take(&mut self.other);
        for ids in other.chunks(MAX_RETRIEVE) {
            let read = work.tools.crm.retrieve(&work.object, ids, &work.fields);
            let got = work.read(read)?;
            let rows = got.rows.into_iter().flatten().collect();
            self.changed += work.take_missed(&self.matcher, rows, got.at)?;
        }
        Ok(())
    }
}

/// Which computed fields are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Those whose time has come.
    ByTime,
    /// All.
    All,
}

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// Fields were read again.
    Some,
    /// There was nothing to read.
    Nothing,
}

impl Work {
    /// Reads computed fields again, after a window was read.
    pub(super) fn refresh(&mut self, due: Due) -> Step<Refreshed> {
        if due == Due::ByTime && !self.keeps_up() {
            return Ok(Refreshed::Nothing);
        }
        let rows = self.due(due)?;
        if rows.is_empty() {
            return Ok(Refreshed::Nothing);
        }
        let state = self.state();
        let began = self.now();
        self.calls_are(Class::Sweep);
        self.phase(Phase::Compare, None);
        let mut fields: Vec<FieldName> = rows.values().flatten().cloned().collect();
        fields.sort();
        fields.dedup();
        let mut look = Look {
            matcher: Matcher::new(&state, &self.cx)?,
            looked: 0,
            other: Vec::new(),
            changed: 0,
            fields,
        };
        self.walk(&mut look)?;
        look.take(self)?;
        let names: Vec<&str> = look.fields.iter().map(FieldName::as_str).collect();
        let text = format!(
            "read {} of {} records again, computed by Salesforce: {} had changed",
            names.join(", "),
            grouped(look.looked),
            some(look.changed, "record", "records"),
        );
        let mut tx = state.begin();
        for row in rows.keys() {
            let key = self.mark_key().number(u64::from(row.0));
            tx.put(&REFRESHED, &key, &began);
        }
        self.log(&mut tx, Word::Ok, text);
        self.commit(tx, Durability::Now)?;
        Ok(Refreshed::Some)
    }

    /// The computed rows to be read again, with their fields. One that was never read again counts
    /// from now on: the window has just read it.
    fn due(&mut self, due: Due) -> Step<BTreeMap<RowId, Vec<FieldName>>> {
        let state = self.state();
        let now = self.now();
        let mut rows = BTreeMap::new();
        let mut tx = state.begin();
        for (row, refresh) in self.cx.pair.pair.computed() {
            let fields = row.crm.iter().filter(|field| self.fields.contains(field));
            let fields: Vec<FieldName> = fields.cloned().collect();
            let key = self.mark_key().number(u64::from(row.id.0));
            let last = state.store().get(&REFRESHED, &key)?;
            if last.is_none() {
                tx.put(&REFRESHED, &key, &now);
            }
            let is_due = last.is_some_and(|last| now.duration_since(last) >= refresh.every());
            if !fields.is_empty() && (is_due || due == Due::All) {
                rows.insert(row.id, fields);
            }
        }
        if !tx.is_empty() {
            tx.commit(Durability::Soon)?;
        }
        Ok(rows)
    }
}
