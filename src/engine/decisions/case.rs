//! One record in conflict as it is now: both sides, base, open conflicts, overrules, and what
//! the rules would do by themselves.
//!
//! Reads only. Invariant: fingerprints are of the values as stored now, never of those a
//! conflict was found with, so that nobody decides on values that are gone.

use jiff::Timestamp;

use crate::domain::append::Appended;
use crate::domain::conflict::{Conflict, Fingerprint, Kind, Staged};
use crate::domain::id::{ConflictId, CrmId, RowId};
use crate::domain::plan::{self, Act, App, Crm, Input, Plan};
use crate::domain::reconcile::{CompiledRow, Outcome, same_cell};
use crate::domain::record::{AppRecord, BasePair, CrmPresence, Link, Observation};
use crate::domain::value::Cell;
use crate::engine::command::RecordKey;
use crate::engine::conflicts::{self, Sides};
use crate::engine::cx::RunCx;
use crate::engine::ingest;
use crate::engine::tables::{INBOX, crm_key};
use crate::engine::tx::Tx;
use crate::store::StoreError;

use super::again;
use super::choice::After;
use super::overrules;

/// A record in conflict.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which.
    pub key: RecordKey,
    /// Name for people.
    pub name: String,
    /// Its link, without the bases that a change of the mapping made worthless.
    pub link: Link,
    /// CRM id the link is stored with.
    pub stored: Option<CrmId>,
    /// App record.
    pub app: Option<AppRecord>,
    /// CRM side: the link's, or the candidate of an ambiguous match.
    pub seen: Option<Observation>,
    /// Open conflicts.
    pub conflicts: Vec<Conflict>,
    /// The decision that the open question about the record takes back.
    pub takes_back: Option<ConflictId>,
    /// Staged decisions on rows that are not in conflict.
    pub overrules: Vec<(RowId, Staged)>,
    /// The lines of ours that the CRM record once had.
    pub appended: Appended,
    /// What the rules would do.
    pub plan: Plan,
}

/// How far a decision about fields can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Both sides.
    Both,
    /// Only the App: the CRM keeps a converted lead as it is.
    App,
    /// Neither: the record moved on as a whole.
    Nowhere,
}

/// A row of the record.
#[derive(Debug)]
pub struct RowNow<'a> {
    /// The row.
    pub row: &'a CompiledRow,
    /// Last agreement.
    pub base: Option<&'a BasePair>,
    /// App value.
    pub app: Option<Cell>,
    /// CRM value.
    pub crm: Option<Cell>,
    /// Fingerprint of these.
    pub fp: Fingerprint,
    /// Open conflict.
    pub conflict: Option<&'a Conflict>,
    /// Staged overrule.
    pub overrule: Option<&'a Staged>,
    /// What the rules say.
    pub outcome: Option<&'a Outcome>,
}

/// Reads a record; `None` when nothing is known of it.
pub fn load(
    tx: &Tx<'_>,
    cx: &RunCx,
    key: &RecordKey,
    now: Timestamp,
) -> Result<Option<Case>, StoreError> {
    let app = tx.app_record(&cx.pair.pair.table, &key.app_id)?;
    let stored = tx.link(&key.pair, &key.app_id)?;
    if app.is_none() && stored.is_none() {
        return Ok(None);
    }
    let mut link = stored.unwrap_or_else(|| ingest::new_link(cx, &key.app_id));
    if let Some(rows) = cx.rows_changed_since(link.mapping_version) {
        link.bases.retain(|row, _| !rows.contains(row));
    }
    let conflicts = tx.open_conflicts(&key.pair, &key.app_id)?;
    let seen = match (&link.seen, link.crm_id) {
        (None, None) => candidate(tx, &conflicts)?,
        (seen, _) => seen.clone(),
    };
    let takes_back = match conflicts.iter().find(|c| c.row.is_none()) {
        Some(whole) => again::of(tx, whole)?,
        None => None,
    };
    let appended = tx.known_lines(&cx.pair, &link)?;
    let plan = {
        let input = Input {
            link: Some(&link),
            app: App::of(app.as_ref()),
            crm: crm_side(link.seen.as_ref()),
        };
        let seen = link.seen.as_ref();
        cx.with(tx, app.as_ref(), seen, &appended, now, |c| {
            plan::plan(c, &cx.pair, input)
        })
    };
    Ok(Some(Case {
        name: cx.title(app.as_ref(), seen.as_ref()),
        key: key.clone(),
        stored: link.crm_id,
        overrules: overrules::of(tx.state(), key)?,
        link,
        app,
        seen,
        conflicts,
        takes_back,
        appended,
        plan,
    }))
}

/// The CRM record that an ambiguous match shows: of several the first.
fn candidate(tx: &Tx<'_>, conflicts: &[Conflict]) -> Result<Option<Observation>, StoreError> {
    for conflict in conflicts {
        if let Kind::AmbiguousMatch { candidates } = &conflict.kind
            && let Some(id) = candidates.first()
        {
            let waits = tx.state().store();
            if let Some(seen) = waits.get(&INBOX, &crm_key(&conflict.pair, id))? {
                return Ok(Some(seen));
            }
            // Meanwhile another App record was linked with it.
            return match tx.by_crm(&conflict.pair, id)? {
                Some(other) => Ok(tx.link(&conflict.pair, &other)?.and_then(|l| l.seen)),
                None => Ok(None),
            };
        }
    }
    Ok(None)
}

/// As far as rows are concerned: anything but a live or converted record has none.
fn crm_side(seen: Option<&Observation>) -> Crm<'_> {
    match seen {
        None => Crm::Absent,
        Some(seen) => match seen.presence {
            CrmPresence::Live => Crm::Live(seen),
            CrmPresence::Converted => Crm::Converted(seen),
            CrmPresence::Deleted | CrmPresence::Merged(_) => Crm::Deleted(Some(seen)),
        },
    }
}

impl RowNow<'_> {
    /// Whether both sides hold these values.
    pub fn holds(&self, after: &After) -> bool {
        let is = |kinds, now: &Option<Cell>, then| {
            now.as_ref().is_some_and(|now| same_cell(kinds, now, then))
        };
        is(&self.row.app, &self.app, &after.app) && is(&self.row.crm, &self.crm, &after.crm)
    }
}

impl Case {
    /// Both sides.
    pub fn sides(&self) -> Sides<'_> {
        Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        }
    }

    /// The open conflict about the record as a whole.
    pub fn whole(&self) -> Option<&Conflict> {
        self.conflicts.iter().find(|c| c.row.is_none())
    }

    /// Whether that conflict leaves no fields to decide: a side is gone or not known.
    pub fn fields_wait(&self) -> bool {
        self.whole().is_some_and(|c| c.kind != Kind::HotRecord)
    }

    /// Whether anything is decided.
    pub fn has_decisions(&self) -> bool {
        !self.overrules.is_empty() || self.conflicts.iter().any(|c| c.staged.is_some())
    }

    /// How far decisions about fields reach.
    pub fn reach(&self) -> Reach {
        match self.plan.act {
            Act::Fields { .. } | Act::Link { .. } => Reach::Both,
            Act::Freeze { .. } | Act::Follow { .. } => Reach::App,
            _ => Reach::Nowhere,
        }
    }

    /// Fingerprint of the record as a whole.
    pub fn whole_fp(&self) -> Fingerprint {
        conflicts::record_fingerprint(self.sides())
    }

    /// A row as it is now.
    pub fn row<'a>(&'a self, row: &'a CompiledRow) -> RowNow<'a> {
        let id = row.row.id;
        let base = self.link.bases.get(&id);
        let (app, crm) = self.sides().cells(&row.row);
        RowNow {
            row,
            base,
            fp: conflicts::fingerprint(base, app.as_ref(), crm.as_ref()),
            app,
            crm,
            conflict: self.conflicts.iter().find(|c| c.row == Some(id)),
            overrule: self.overrules.iter().find(|(r, _)| *r == id).map(|o| &o.1),
            outcome: self.plan.rows.iter().find(|o| o.row == id),
        }
    }

    /// All rows, in the order of the mapping.
    pub fn rows<'a>(&'a self, cx: &'a RunCx) -> impl Iterator<Item = RowNow<'a>> {
        cx.pair.rows.iter().map(|row| self.row(row))
    }
}
