//! What decisions come to, as values: rows to write, the record as a whole, and refusals.
//!
//! Invariant: a row that is here agrees on both sides once it is written.

use crate::domain::append;
use crate::domain::id::{ConflictId, CrmId, RowId};
use crate::domain::mapping::Strategy;
use crate::domain::reconcile::{CompiledRow, canon_cell, same_cell};
use crate::domain::record::Observation;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields};
use crate::engine::tables::Agreed;

use super::choice::After;

/// Who decided a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person.
    Person,
    /// The merge: only one side changed it.
    Rule,
}

impl By {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Person => "you",
            Self::Rule => "automatic",
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone)]
pub struct RowWrite {
    /// Row.
    pub row: CompiledRow,
    /// Who decided.
    pub by: By,
    /// The conflict it settles.
    pub conflict: Option<ConflictId>,
    /// App value now.
    pub app_now: Cell,
    /// CRM value now.
    pub crm_now: Cell,
    /// Values after.
    pub after: After,
    /// A moved value is overwritten by rule: which, and whose value stays.
    pub auto: Option<(Strategy, Side)>,
}

impl RowWrite {
    /// Whether a side's value changes.
    pub fn changes(&self, side: Side) -> bool {
        match side {
            Side::App => !same_cell(&self.row.app, &self.after.app, &self.app_now),
            Side::Crm => !same_cell(&self.row.crm, &self.after.crm, &self.crm_now),
        }
    }

    /// The agreement once it is written.
    pub fn agreed(&self) -> Agreed {
        let (seen, sent) = (self.crm_now.clone(), self.after.crm.clone());
        let crm = append::agreed_crm(self.row.row.flow, seen, sent);
        Agreed {
            row: self.row.row.id,
            app: canon_cell(&self.row.app, &self.after.app),
            crm: canon_cell(&self.row.crm, &crm),
        }
    }
}

/// What becomes of the record as a whole.
#[derive(Debug, Clone)]
pub enum Whole {
    /// A new CRM record with these fields.
    CreateInCrm(Fields),
    /// The CRM record goes.
    DeleteInCrm(CrmId),
    /// The App record is marked as deleted.
    DeleteInApp,
    /// The App record comes back with the CRM's values.
    RestoreInApp(Fields, Vec<Agreed>),
    /// It goes on both sides.
    DeleteBoth(CrmId),
    /// It comes back in the App, and is made in the CRM with these fields.
    BringBack(Fields),
    /// The App record and this CRM record are one.
    LinkTo(Box<Observation>),
}

/// What a decision was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A conflict.
    Conflict(ConflictId),
    /// A row that is not in conflict.
    Row(RowId),
}

/// Whether a decision that cannot be written stays staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was made on other values: it is taken back.
    Stale,
    /// Its result cannot be made now: it stays, with the reason.
    Blocked,
}

/// A decision that cannot be written.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Which.
    pub decision: Decision,
    /// What it is about, in words.
    pub label: String,
    /// Why.
    pub why: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What the decisions come to.
#[derive(Debug, Default)]
pub struct Resolution {
    /// Rows.
    pub rows: Vec<RowWrite>,
    /// The record as a whole.
    pub whole: Option<(ConflictId, Whole)>,
    /// Conflicts about the record that need no write of their own.
    pub settled: Vec<ConflictId>,
    /// Decisions that can be written.
    pub decisions: u32,
    /// Those that cannot.
    pub refused: Vec<Refusal>,
}

impl Resolution {
    /// CRM fields that change.
    pub fn push(&self) -> Fields {
        let mut fields = Fields::new();
        for row in self.rows.iter().filter(|r| r.changes(Side::Crm)) {
            let names = row.row.row.crm.iter().cloned();
            fields.extend(names.zip(row.after.crm.iter().cloned()));
        }
        fields
    }

    /// App fields that change.
    pub fn pull(&self) -> Fields {
        let mut fields = Fields::new();
        for row in self.rows.iter().filter(|r| r.changes(Side::App)) {
            let names = row.row.row.app.iter().cloned();
            fields.extend(names.zip(row.after.app.iter().cloned()));
        }
        fields
    }

    /// What becomes of a row.
    pub fn row(&self, id: RowId) -> Option<&RowWrite> {
        self.rows.iter().find(|r| r.row.row.id == id)
    }
}
