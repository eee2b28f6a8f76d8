//! Records as lists and details show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::domain::form::FieldSpec;
use crate::domain::mapping::DeletePolicy;
use crate::domain::record::LinkState;
use crate::domain::value::{Fields, Value};

/// A record in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordRow {
    /// Which.
    pub key: RecordKey,
    /// State.
    pub word: Word,
    /// Name for people.
    pub name: String,
    /// Values of the page's columns.
    pub values: Vec<Option<String>>,
    /// Last change in the App.
    pub changed: Timestamp,
    /// Whether a change of it is staged.
    pub staged: Staging,
}

/// App records as they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WholeRecords {
    /// In the order of their ids.
    pub records: Vec<AppRecord>,
    /// There may be more behind this one; none at the end.
    pub next: Option<AppId>,
}

/// Whether a change of a record by a person waits to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Staging {
    /// None does.
    #[default]
    Nothing,
    /// An edit.
    Edit,
    /// The record itself is not there yet.
    New,
}

/// What a staged change was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Base {
    /// On nothing: the record is to be made.
    New,
    /// On these values of the fields that change, as the person saw them.
    Values(Fields),
}

/// A change of an App record by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// What it was made on.
    pub base: Base,
    /// The fields that change, as they shall be.
    pub fields: Fields,
}

/// What is staged for a record now, and what was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditStaged {
    /// Which.
    pub key: RecordKey,
    /// What was.
    pub before: Option<Edit>,
    /// What is.
    pub after: Option<Edit>,
}

/// A staged edit for those who look through them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRow {
    /// Which record.
    pub key: RecordKey,
    /// Its name for people.
    pub name: String,
    /// What is staged.
    pub edit: Edit,
    /// Who staged it.
    pub by: String,
    /// Why it cannot be written, if it cannot.
    pub stale: Option<String>,
}

/// What staging changes of many records came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditsStaged {
    /// What is staged now, and what was before.
    pub done: Vec<EditStaged>,
    /// Records of which nothing new is staged.
    pub refused: Vec<Refused>,
}

/// Records of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// Pair.
    pub pair: PairName,
    /// Columns beside the name.
    pub columns: Vec<FieldName>,
    /// The rows.
    pub part: Part<RecordRow>,
    /// Records without the filter.
    pub all: u64,
    /// Why the filter was not understood; the rows are then those of no filter.
    pub filter_error: Option<String>,
    /// Why the rows are not in the order that was asked for.
    pub sort_error: Option<String>,
}

/// What deleting records would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletePreview {
    /// Pair.
    pub pair: PairName,
    /// What the next sync does in the CRM with those that are linked.
    pub policy: DeletePolicy,
    /// Records that can be deleted, at their revisions.
    pub records: Vec<(AppId, u64)>,
    /// How many of them are linked.
    pub linked: u64,
    /// Names of the first.
    pub names: Vec<String>,
    /// Records that cannot.
    pub refused: Vec<Refused>,
}

/// A record that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub app_id: AppId,
    /// Why.
    pub why: String,
}

/// Records for a change of many, at the revisions it will expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Their pair.
    pub pair: PairName,
    /// Which, with their revisions now.
    pub records: Vec<(AppId, u64)>,
    /// Those that cannot be changed.
    pub refused: Vec<Refused>,
}

/// What came of a change of many records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acted {
    /// Changed records, at their revisions since.
    pub done: Vec<(AppId, u64)>,
    /// Those that were not.
    pub refused: Vec<Refused>,
}

/// How many records there are of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// About so many: deleted ones may be among them.
    About(u64),
    /// To know it, too many records would have to be opened.
    Unknown,
}

/// How many records a view holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewCount {
    /// Name of the view.
    pub name: String,
    /// Its records.
    pub count: Count,
}

/// A field of a record on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordField {
    /// Mapping row.
    pub row: RowId,
    /// App fields.
    pub app_label: String,
    /// CRM fields.
    pub crm_label: String,
    /// App value.
    pub app: Option<Cell>,
    /// CRM value as last seen.
    pub crm: Option<Cell>,
    /// `same`, `to CRM`, `to App`, `conflict`, `off`, `FAIL`…
    pub state: String,
    /// Why both sides differ on purpose, and wait for a person to end that.
    pub held: Option<HeldFrom>,
    /// App value as a person staged it.
    pub staged: Option<Cell>,
}

/// What was taken back, of a field that is held since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldFrom {
    /// A write that no conflict came before.
    Write,
    /// A decision on its conflict, which can be decided anew.
    Decision,
}

/// A record with both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordDetail {
    /// Which.
    pub key: RecordKey,
    /// Name for people.
    pub name: String,
    /// State.
    pub word: Word,
    /// App record; none when it is gone.
    pub app: Option<AppRecord>,
    /// Link and CRM side.
    pub link: Option<Link>,
    /// Pair, for its fields.
    pub pair: Pair,
    /// Fields by mapping row.
    pub fields: Vec<RecordField>,
    /// Why it fails, if it does.
    pub failure: Option<crate::domain::run::Failure>,
    /// Address in the CRM.
    pub url: Option<String>,
    /// What happened to it, newest first.
    pub history: Vec<LogLine>,
    /// What a person staged for it.
    pub staged: Option<Edit>,
}

/// The word of a record that nothing is to be done for, by its link, and for people what holds for the
/// record as a whole, where it is not simply kept in step.
pub fn standing(link: Option<&Link>) -> (Word, Option<&'static str>) {
    let Some(link) = link else {
        return (Word::App, None);
    };
    match link.state {
        LinkState::Active => (Word::Ok, None),
        LinkState::Unlinked => (Word::App, None),
        LinkState::WaitingParent => (
            Word::Wait,
            Some("waits for the record it belongs to, which is not linked yet"),
        ),
        LinkState::Converted => (
            Word::Hold,
            Some("converted in Salesforce: its changes come in, none of the App is sent"),
        ),
        LinkState::OutOfScope => (
            Word::Hold,
            Some("outside the filter of its pair: it rests until it is inside again"),
        ),
        LinkState::Unreachable => (
            Word::Warn,
            Some("Salesforce does not show it: nothing is sent until it does"),
        ),
        LinkState::CrmDeleted => (Word::App, Some("deleted in Salesforce, kept in the App")),
        LinkState::AppDeleted => (Word::Crm, Some("deleted in the App, kept in Salesforce")),
        LinkState::Closed => (
            Word::Off,
            Some("no longer synced: nothing comes in, nothing is sent"),
        ),
    }
}

/// A field that differs on purpose since a run was taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldRow {
    /// Record.
    pub key: RecordKey,
    /// Its name for people.
    pub name: String,
    /// Mapping row.
    pub row: RowId,
    /// App fields.
    pub app_label: String,
    /// CRM fields.
    pub crm_label: String,
    /// App value.
    pub app: Option<Cell>,
    /// CRM value as last seen.
    pub crm: Option<Cell>,
    /// Where a value was put back.
    pub put_back: Side,
    /// The run that was taken back.
    pub run: RunId,
    /// The run that did it.
    pub by: RunId,
}

/// What ending holds came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldDone {
    /// Fields that are no longer held.
    pub fields: u64,
    /// What stays, and why.
    pub refused: Vec<(String, String)>,
}

/// A field of a record's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// What may be given.
    pub spec: FieldSpec,
    /// What the record has.
    pub value: Value,
}

/// What a person typed in a form and did not save: the texts of the fields that were changed, as
/// they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedForm {
    /// Revision of the record when the form was opened; 0 for a new one.
    pub rev: u64,
    /// Texts by field; none stands for no value.
    pub texts: BTreeMap<FieldName, Option<String>>,
}

/// The form of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFormView {
    /// Pair.
    pub pair: PairName,
    /// App table.
    pub table: TableName,
    /// The record; none for a new one.
    pub app_id: Option<AppId>,
    /// Its name for people.
    pub name: String,
    /// Its revision; 0 for a new one.
    pub rev: u64,
    /// Who changed it last.
    pub changed_by: String,
    /// The fields of the table, in its order.
    pub fields: Vec<FormField>,
    /// The field that hands a record to a user, if the mapping has one.
    pub owner: Option<FieldName>,
    /// The field with its status or stage, if the mapping has one.
    pub status: Option<FieldName>,
    /// What was typed before and not saved.
    pub typed: Option<TypedForm>,
    /// What is staged.
    pub staged: Option<Edit>,
}

/// A CRM record that is linked with no App record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub crm_id: CrmId,
    /// Its name for people.
    pub name: String,
    /// The App record it was unlinked from, if it was.
    pub was: Option<AppId>,
}
