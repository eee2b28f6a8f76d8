//! Rows and details that viewers show, as the engine answers them.
//!
//! Values are as they are: who shows them makes them safe. Invariant: a page never holds more
//! than was asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::check::Coverage;
use crate::domain::conflict::{Choice, Conflict, Fingerprint, Origin};
use crate::domain::dry_run::{Plan, PlanItem};
use crate::domain::id::{
    AppId, ConflictId, CrmId, FieldName, ObjectName, PairName, RowId, RunId, TableName,
};
use crate::domain::mapping::{BadFields, Leaves, Pair, Strategy};
use crate::domain::mass::Held;
use crate::domain::record::{AppRecord, Link};
use crate::domain::run::{Failure, LogLine, RecordResult, Run, Word};
use crate::domain::schema::ObjectInfo;
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind};

use super::command::RecordKey;
use super::summary::Target;

mod business;
mod records;
mod relink;
mod search;
mod settings;

pub use self::business::{
    Breakdown, BusinessView, Counted, DayRow, ObjectRow, Pipeline, Rest, Slice,
};
pub use self::records::{
    Acted, Base, Candidate, Count, DeletePreview, Edit, EditRow, EditStaged, EditsStaged,
    FormField, HeldDone, HeldFrom, HeldRow, Pinned, RecordDetail, RecordField, RecordFormView,
    RecordPage, RecordRow, Refused, Staging, TypedForm, ViewCount, WholeRecords,
};
pub use self::relink::{Anew, Relink, RelinkPair, RelinkView};
pub use self::search::{
    ConflictHit, CrmHit, CrmSearchView, Hits, LEAST_ASKED, MappingHit, RecordHit, RunHit,
    SearchView, TextsView,
};
pub use self::settings::{
    BrowserView, CreatedView, Decided, DriftField, DriftRow, GivenBy, LimitsView, PairSettings,
    QuarantineRow, RuleRow, ScheduleLine, ScheduleList, ScheduleRow, ScheduleStaged, SettingsView,
    SignInView, SignedInView, SignedOut, StagedTimes,
};

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Rows left out before.
    pub offset: usize,
    /// Rows of the whole list after the filter.
    pub total: u64,
}

/// What a filter would do to a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterView {
    /// The pair.
    pub pair: PairName,
    /// The filter as it was understood.
    pub filter: String,
    /// The query that finds its records.
    pub query: String,
    /// The condition in it; none when nothing can be decided there.
    pub condition: Option<String>,
    /// What is decided here, of what the query gives; none when nothing is left.
    pub rest: Option<String>,
    /// Linked records that match.
    pub stay: u64,
    /// Linked records that do not.
    pub leave: u64,
    /// Linked records that rest outside the filter there is now, and match.
    pub enter: u64,
    /// Some that match.
    pub staying: Vec<FilterSample>,
    /// Some that do not.
    pub leaving: Vec<FilterSample>,
    /// Some that come back.
    pub entering: Vec<FilterSample>,
}

/// A record that a filter was tried on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterSample {
    /// Name for people.
    pub name: String,
    /// App record.
    pub app_id: AppId,
    /// CRM record.
    pub crm_id: CrmId,
}

/// A plan with some of its records.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanPage {
    /// The plan.
    pub plan: Plan,
    /// The records of the page.
    pub items: Vec<PlanItem>,
}

/// A run in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// The run.
    pub run: Run,
    /// `Contact <-> people`.
    pub title: String,
}

/// Records of a run that failed for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorGroup {
    /// Code.
    pub code: String,
    /// How many records.
    pub records: u64,
    /// What happened, by the first record.
    pub what: String,
    /// Why.
    pub why: String,
    /// What helps.
    pub fix: String,
    /// Id of the first record's request, as in the log; empty when none was sent.
    pub request: String,
    /// Where Enter goes.
    pub target: Option<Target>,
    /// Whether trying again can help now.
    pub retry: bool,
}

/// A run with what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// `Contact <-> people`.
    pub title: String,
    /// What it left for being very many.
    pub holds: Vec<Held>,
    /// Errors by kind, most first.
    pub groups: Vec<ErrorGroup>,
    /// Records, failed first.
    pub records: Part<RecordResult>,
    /// Those of them that are put aside now: what was refused is not sent again by itself.
    pub held: BTreeSet<AppId>,
    /// Steps, oldest first.
    pub steps: Vec<LogLine>,
}

impl RunDetail {
    /// The word for the run: one that went well but for what it left waits for a person.
    pub fn word(&self) -> Word {
        match (self.run.word(), self.holds.is_empty()) {
            (Word::Ok, false) => Word::Hold,
            (word, _) => word,
        }
    }
}

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
    pub base: Option<crate::domain::conflict::AgreedBase>,
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
    /// What taking App would do, in words.
    pub take_app: String,
    /// What taking the CRM would do, in words.
    pub take_crm: String,
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

/// Characters of a value in a list; longer ones are cut.
pub const SHOWN: usize = 200;

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

/// One field that will be written.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteLine {
    /// Record.
    pub key: RecordKey,
    /// Name of the record.
    pub name: String,
    /// Where to.
    pub to: Side,
    /// Field.
    pub field: String,
    /// Value there now.
    pub now: Cell,
    /// Value after.
    pub after: Cell,
    /// The condition, in words.
    pub check: String,
    /// `you` or `automatic`.
    pub by: String,
}

/// Exactly what a write would send.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WritePreview {
    /// Fields.
    pub lines: Vec<WriteLine>,
    /// Whole-record acts, in words (`delete in Salesforce: Renewal 2027`).
    pub acts: Vec<String>,
    /// Decisions in it.
    pub decisions: u32,
    /// Edits of App records in it.
    pub edits: u32,
    /// Schedules it sets.
    pub schedules: Vec<ScheduleLine>,
    /// Records whose decisions and edits it writes; none of a run that is taken back.
    pub records: Vec<RecordKey>,
    /// CRM records it changes.
    pub crm_records: u32,
    /// App records it changes.
    pub app_records: u32,
    /// API calls it takes.
    pub api_calls: u32,
    /// Names the exact content.
    pub hash: u64,
    /// Decisions that cannot be written now, with the reason.
    pub refused: Vec<(String, String)>,
    /// Very many writes of one kind in it, each to be allowed by its number.
    pub held: Vec<Held>,
    /// What the automation of the org may have to do with it, in sentences.
    pub automation: Vec<String>,
}

/// A problem of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Row; none for the pair as a whole.
    pub row: Option<RowId>,
    /// `FAIL` or `WARN`.
    pub word: Word,
    /// What is wrong.
    pub text: String,
    /// What helps.
    pub fix: String,
}

/// A saved version of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Number.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// What changed, in words.
    pub changes: Vec<String>,
}

/// A mapping and what is around it.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingDetail {
    /// The pair.
    pub pair: Pair,
    /// The CRM object as last described; none before the first sign-in.
    pub object: Option<ObjectInfo>,
    /// Problems found.
    pub problems: Vec<Problem>,
    /// Values of lists that have no place on the other side, and how many have.
    pub coverage: Vec<Coverage>,
    /// Of a hundred App records how many have a value, by row; nothing where there are no records.
    pub used: BTreeMap<RowId, u8>,
    /// Versions, newest first.
    pub versions: Vec<VersionRow>,
    /// Staged changes that were kept; only with the current version, and only made from it.
    pub draft: Option<Pair>,
}

/// One real record through one row, both ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name of the record.
    pub name: String,
    /// App value now.
    pub app: Option<Cell>,
    /// CRM value now.
    pub crm: Option<Cell>,
    /// What the CRM would get.
    pub to_crm: Result<Cell, String>,
    /// What the App would get.
    pub to_app: Result<Cell, String>,
    /// There and back gives the same value; none where it does not apply.
    pub round_trip: Option<bool>,
}

/// What a draft does.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingPreview {
    /// The row.
    pub row: RowId,
    /// Samples.
    pub samples: Vec<Sample>,
    /// Problems of the whole draft.
    pub problems: Vec<Problem>,
    /// What saving means, in words.
    pub after_saving: Vec<String>,
}

impl MappingPreview {
    /// Samples that went there and back, and how many of them came back changed.
    pub fn there_and_back(&self) -> (u64, u64) {
        let checked = self.samples.iter().filter_map(|sample| sample.round_trip);
        checked.fold((0, 0), |(all, changed), same| {
            (all + 1, changed + u64::from(!same))
        })
    }
}
