//! Rows and details that viewers show, as the engine answers them.
//!
//! Values are as they are: who shows them makes them safe. Invariant: a page never holds more
//! than was asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::check::Coverage;
use crate::domain::dry_run::{Plan, PlanItem};
use crate::domain::id::{AppId, ConflictId, CrmId, FieldName, PairName, RowId, RunId, TableName};
use crate::domain::mapping::{BadFields, Leaves, Pair, Strategy};
use crate::domain::mass::Held;
use crate::domain::record::{AppRecord, Link};
use crate::domain::run::{Failure, LogLine, RecordResult, Run, Word};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::domain::value::Cell;

use super::command::RecordKey;
use super::summary::Target;

mod business;
mod conflicts;
mod records;
mod relink;
mod search;
mod settings;

pub use self::business::{
    Breakdown, BusinessView, Counted, DayRow, ObjectRow, Pipeline, Rest, Slice,
};
pub use self::conflicts::{
    Answer, ByTimes, ConflictDetail, ConflictField, ConflictRow, FieldStanding, OpenConflict,
    RecordConflict, RowRules,
};
pub use self::records::{
    Acted, Base, Candidate, Count, DeletePreview, Edit, EditRow, EditStaged, EditsStaged,
    FormField, HeldDone, HeldFrom, HeldRow, Pinned, RecordDetail, RecordField, RecordFormView,
    RecordPage, RecordRow, Refused, Staging, TypedForm, ViewCount, WholeRecords, standing,
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
    /// The run that took back what it wrote, the latest; none where none did.
    pub taken_back: Option<RunId>,
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
    /// The run that took back what it wrote, the latest; none where none did.
    pub taken_back: Option<RunId>,
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

/// Characters of a value in a list; longer ones are cut.
pub const SHOWN: usize = 200;

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

/// What a side would get of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Gets {
    /// Nothing: the row is off.
    Off,
    /// Nothing: the row does not write there.
    NotSent,
    /// This, in place of what is there.
    Value(Cell),
    /// This: what is there, with what the row appends.
    Appended(Cell),
    /// Nothing: it cannot go there; the reason.
    Refused(String),
}

impl Gets {
    /// Whether it cannot go there.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
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
    pub to_crm: Gets,
    /// What the App would get.
    pub to_app: Gets,
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
