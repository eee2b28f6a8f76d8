//! Records as lists and details show them.

use super::*;

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
}
