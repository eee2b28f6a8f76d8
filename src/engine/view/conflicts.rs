//! Views of the records in conflict.
//!
//! Data only. Invariant: a field that is open names its conflict.

use jiff::Timestamp;

use super::WritePreview;
use crate::domain::conflict::{AgreedBase, Choice, Conflict, Fingerprint, Origin};
use crate::domain::id::{ConflictId, CrmId, ObjectName, RowId, TableName};
use crate::domain::mapping::Strategy;
use crate::domain::run::{LogLine, Word};
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind};
use crate::engine::command::RecordKey;

/// A record with open conflicts in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictRow {
    /// Which record.
    pub key: RecordKey,
    /// `CONF`, `PART`, `READY` or `DEL`.
    pub word: Word,
    /// Name for people.
    pub name: String,
    /// CRM object.
    pub object: ObjectName,
    /// Fields that need a person.
    pub open: u32,
    /// Of these, decided and not written.
    pub decided: u32,
    /// What it waits for: `you`, `w to write`, an error.
    pub waits_for: String,
    /// Oldest conflict of the record.
    pub since: Timestamp,
    /// Its conflicts, for decisions on many.
    pub conflicts: Vec<OpenConflict>,
}

/// A conflict of a record in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenConflict {
    /// Which.
    pub id: ConflictId,
    /// Fingerprint of its values.
    pub fp: Fingerprint,
    /// What is decided about it, if something is.
    pub choice: Option<Choice>,
}

/// How a field of a conflict stands.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldStanding {
    /// Needs a person.
    Open,
    /// Decided, not written.
    Decided(Choice),
    /// Only this side changed it; the merge takes it.
    Auto(Side),
    /// A person said to leave it.
    Ignored,
    /// Being written.
    Writing,
    /// Its conflict was decided, and the decision can be taken back. The values shown are those
    /// that it was about.
    Settled,
}

/// A field of a record that has conflicts.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictField {
    /// The conflict; none for a field that only one side changed.
    pub conflict: Option<ConflictId>,
    /// Mapping row.
    pub row: RowId,
    /// App fields.
    pub app_label: String,
    /// CRM fields.
    pub crm_label: String,
    /// What it holds on the App side (of its first field).
    pub kind: FieldKind,
    /// Last agreed values (App's, CRM's), when, and by which run.
    pub base: Option<AgreedBase>,
    /// App value.
    pub app: Option<Cell>,
    /// CRM value.
    pub crm: Option<Cell>,
    /// Where the App value comes from.
    pub app_origin: Origin,
    /// Where the CRM value comes from.
    pub crm_origin: Origin,
    /// Fingerprint of these values.
    pub fp: Fingerprint,
    /// How it stands.
    pub standing: FieldStanding,
    /// What both sides will hold (App's, CRM's), when decided.
    pub result: Option<(Cell, Cell)>,
    /// Why a person is asked, where the values alone do not say it.
    pub note: Option<String>,
    /// Why the result cannot be made, or why the last write failed.
    pub error: Option<String>,
    /// Rule of the row.
    pub strategy: Strategy,
    /// The side that the rule takes with the next sync, where it was made since the conflict.
    pub ruled: Option<Side>,
    /// Longest text: App, CRM; 0 for no limit.
    pub limits: (u32, u32),
}

impl ConflictField {
    /// How long a text may be on each side, and the rule of the row, in words.
    pub fn bounds(&self) -> String {
        let limit = |n: u32| match n {
            0 => "no limit".to_owned(),
            n => some(n.into(), "character", "characters"),
        };
        let (app, crm) = self.limits;
        format!(
            "App {}, Salesforce {}; rule of this row: {}",
            limit(app),
            limit(crm),
            self.strategy.name()
        )
    }
}

/// What kind of disagreement a record has as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordConflict {
    /// The conflict itself.
    pub conflict: Conflict,
    /// Staged decision.
    pub standing: FieldStanding,
    /// What taking App would do.
    pub take_app: Answer,
    /// What taking the CRM would do.
    pub take_crm: Answer,
}

/// What an answer about a record as a whole would do, in words; or why it cannot be given, and what
/// can be done instead.
pub type Answer = Result<String, String>;

impl RecordConflict {
    /// What taking a side would do.
    pub fn take(&self, side: Side) -> &Answer {
        match side {
            Side::App => &self.take_app,
            Side::Crm => &self.take_crm,
        }
    }
}

/// What rules would decide of the open conflicts of a mapping row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRules {
    /// The row.
    pub row: RowId,
    /// Its App fields.
    pub label: String,
    /// Its open conflicts.
    pub open: u64,
    /// Of these, looked at for what follows; fewer where very many records have conflicts.
    pub looked_at: u64,
    /// Decided if one side always wins, whichever.
    pub one_side: u64,
    /// Decided if the side that has a value wins.
    pub filled: u64,
    /// Decided by time; none while nobody can tell how far both clocks are apart.
    pub by_time: Option<ByTimes>,
}

/// What rules that go by time would decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByTimes {
    /// Those whose later change can be told.
    pub newest: u64,
    /// Those of which both times are known: a side can be named for when neither is later.
    pub or_a_side: u64,
}

/// One record with its open conflicts.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictDetail {
    /// Which record.
    pub key: RecordKey,
    /// Name for people.
    pub name: String,
    /// CRM object.
    pub object: ObjectName,
    /// App table.
    pub table: TableName,
    /// CRM record.
    pub crm_id: Option<CrmId>,
    /// Its address in the CRM; none when it is not known there.
    pub url: Option<String>,
    /// Word of the record.
    pub word: Word,
    /// Conflict of the record as a whole.
    pub record: Option<RecordConflict>,
    /// Fields that differ: open ones, decided ones, automatic ones.
    pub fields: Vec<ConflictField>,
    /// What rules would decide in its fields, here and in other records of the pair.
    pub rules: Vec<RowRules>,
    /// Fields that are the same, as label and value.
    pub same: Vec<(String, Cell)>,
    /// Exactly what `w` would send for this record.
    pub writes: WritePreview,
    /// What happened to it, newest first.
    pub history: Vec<LogLine>,
}

impl ConflictDetail {
    /// Whether nothing is open, and what is shown can only be taken back.
    pub fn is_settled(&self) -> bool {
        let record = self.record.as_ref().map(|record| &record.standing);
        let open = record.is_some_and(|standing| *standing != FieldStanding::Settled);
        !open && self.fields.iter().all(|f| f.conflict.is_none())
    }
}
