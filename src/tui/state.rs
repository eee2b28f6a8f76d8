//! What each screen remembers: pages that were answered, cursors, marks, drafts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::decisions::History;
pub use super::rows::{Loaded, PAGE, Rows};
use super::widget::list::ListState;
use crate::domain::id::{AppId, FieldName, PairName, RowId, RunId, TableName};
use crate::domain::listing::{SavedView, Shape};
use crate::domain::mapping::{BadFields, Leaves, Pair, Strategy};
use crate::domain::schedule::Schedule;
use crate::domain::transform::Side;
use crate::engine::command::RecordKey;
use crate::engine::view::{
    BusinessView, ConflictDetail, ConflictRow, Count, FilterView, MappingDetail, MappingPreview,
    RecordDetail, RecordPage, RecordRow, RunDetail, RunRow, ScheduleList, SettingsView,
};

/// Panes of the Overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OverviewPane {
    /// Systems.
    Connections,
    /// Pairs.
    #[default]
    Syncs,
    /// What needs a person.
    Attention,
}

/// What stands in front on the Overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Front {
    /// How the sync stands.
    #[default]
    Sync,
    /// The business behind it.
    Business,
}

/// Overview.
#[derive(Debug, Default)]
pub struct OverviewState {
    /// What stands in front.
    pub front: Front,
    /// The figures of the business.
    pub business: Loaded<Box<BusinessView>>,
    /// Cursor of its objects.
    pub objects: ListState,
    /// Which of its figures come first.
    pub turned: usize,
    /// Pane in focus.
    pub pane: OverviewPane,
    /// Cursor of the systems.
    pub connections: ListState,
    /// Rows of the pairs as they were shown; the cursor is on [`Self::pair`].
    pub syncs: ListState,
    /// The pair that the cursor was moved to; before that it is on the first one shown.
    pub pair: Option<PairName>,
    /// Cursor of the attention rows.
    pub attention: ListState,
    /// What is looked for.
    pub find: String,
}

/// Panes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunPane {
    /// Errors by kind.
    #[default]
    Groups,
    /// Records.
    Records,
    /// Steps.
    Steps,
}

/// Whether the log stays at its newest run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// It stays where the cursor is.
    #[default]
    Off,
    /// It goes to the newest run.
    On,
}

/// Log and run.
#[derive(Debug, Default)]
pub struct LogState {
    /// Runs.
    pub runs: Rows<RunRow>,
    /// Filter in force.
    pub filter: String,
    /// What is looked for in the run.
    pub find: String,
    /// The run that is open full screen.
    pub open: Option<RunId>,
    /// The run under the cursor, or open.
    pub detail: Loaded<Box<RunDetail>>,
    /// Pane of the run.
    pub pane: RunPane,
    /// Cursor of the groups.
    pub groups: ListState,
    /// Cursor of the records.
    pub records: ListState,
    /// Cursor of the steps.
    pub steps: ListState,
    /// Marked records.
    pub marks: BTreeSet<AppId>,
    /// Where a range of marks began.
    pub range: Option<usize>,
    /// Follow the newest.
    pub follow: Follow,
    /// The newest run when the screen was left.
    pub left_at: Option<RunId>,
}

/// Panes of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConflictPane {
    /// Fields.
    #[default]
    Fields,
    /// What will be written.
    Writes,
}

/// Conflicts.
#[derive(Debug)]
pub struct ConflictsState {
    /// The list.
    pub rows: Rows<ConflictRow>,
    /// Filter in force.
    pub filter: String,
    /// Marked records, as the list had them.
    pub marks: BTreeMap<RecordKey, ConflictRow>,
    /// Where a range of marks began.
    pub range: Option<usize>,
    /// The record that is open.
    pub open: Option<RecordKey>,
    /// The record under the cursor, or open.
    pub detail: Loaded<Option<Box<ConflictDetail>>>,
    /// Cursor of the fields.
    pub fields: ListState,
    /// Pane in focus.
    pub pane: ConflictPane,
    /// First line shown of the writes.
    pub writes: ListState,
    /// Side in focus.
    pub side: Side,
    /// Decisions of this session, to undo.
    pub history: History,
}

impl Default for ConflictsState {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            filter: String::new(),
            marks: BTreeMap::new(),
            range: None,
            open: None,
            detail: Loaded::Waiting,
            fields: ListState::default(),
            pane: ConflictPane::default(),
            writes: ListState::default(),
            side: Side::App,
            history: History::default(),
        }
    }
}

/// Panes of the mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MappingPane {
    /// Rows.
    #[default]
    Rows,
    /// Saved versions.
    Versions,
}

/// Mapping.
#[derive(Debug, Default)]
pub struct MappingState {
    /// The pair shown.
    pub pair: Option<PairName>,
    /// Its mapping as saved.
    pub detail: Loaded<Box<MappingDetail>>,
    /// What was changed and not saved.
    pub draft: Option<Box<Pair>>,
    /// Drafts to go back to.
    pub undo: Vec<Box<Pair>>,
    /// Drafts to go forward to.
    pub redo: Vec<Box<Pair>>,
    /// Cursor of the rows.
    pub rows: ListState,
    /// Cursor of the versions.
    pub versions: ListState,
    /// Pane in focus.
    pub pane: MappingPane,
    /// Preview of the row under the cursor, or being edited.
    pub preview: Loaded<Box<MappingPreview>>,
    /// Sample shown.
    pub sample: usize,
    /// What to do once the mapping is here.
    pub wanted: Option<Wanted>,
    /// What is looked for.
    pub find: String,
}

impl MappingState {
    /// The pair as it would be saved.
    pub fn current(&self) -> Option<&Pair> {
        match &self.draft {
            Some(draft) => Some(draft),
            None => self.detail.get().map(|d| &d.pair),
        }
    }
}

/// What another screen asked of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// To go to a row.
    Row(RowId),
    /// To go to the first row that has one of these fields, on either side.
    Field(Vec<String>),
    /// To go to a row and put a rule for its conflicts into the draft.
    Rule(RowId, Strategy),
    /// To put into the draft which records take part.
    Part(TakesPart),
}

/// Which records take part in a pair, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakesPart {
    /// The filter; empty for all.
    pub filter: String,
    /// What becomes of linked records that leave it.
    pub leaves: Leaves,
    /// What becomes of a record of which Salesforce refuses some fields.
    pub bad_fields: BadFields,
}

/// Panes of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordsPane {
    /// The list.
    #[default]
    List,
    /// Views.
    Views,
}

/// When the records of the views were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counted {
    /// Not yet.
    #[default]
    Never,
    /// The engine counts.
    Asked {
        /// Since then.
        at: Duration,
    },
    /// It did.
    Until {
        /// Not again before.
        next: Duration,
    },
}

/// What was in force when a filter began to be typed over it.
#[derive(Debug, Clone)]
pub struct TypedOver {
    /// Filter.
    pub filter: String,
    /// Order and columns.
    pub shape: Shape,
    /// Name of the view.
    pub view: Option<String>,
}

/// Records.
#[derive(Debug, Default)]
pub struct RecordsState {
    /// Pane in focus.
    pub pane: RecordsPane,
    /// Cursor of the views.
    pub views_list: ListState,
    /// How many records the views hold, by name.
    pub counts: BTreeMap<String, Count>,
    /// When that was asked for.
    pub counted: Counted,
    /// The pair shown.
    pub pair: Option<PairName>,
    /// Filter in force.
    pub filter: String,
    /// Order and columns in force.
    pub shape: Shape,
    /// Name of the view that is shown, if it is one.
    pub view: Option<String>,
    /// What Esc goes back to while a filter is typed.
    pub typed_over: Option<TypedOver>,
    /// The views of the pair; none while they are not here.
    pub views: Vec<SavedView>,
    /// Why the filter was not understood, or the order is not kept.
    pub filter_error: Option<String>,
    /// Rows.
    pub rows: Rows<RecordRow>,
    /// The last page without its rows: columns and number of all.
    pub page: Option<RecordPage>,
    /// Marked records.
    pub marks: BTreeSet<RecordKey>,
    /// Where a range of marks began.
    pub range: Option<usize>,
    /// The record that is open.
    pub open: Option<RecordKey>,
    /// The record under the cursor, or open.
    pub detail: Loaded<Box<RecordDetail>>,
    /// Cursor of the fields.
    pub fields: ListState,
    /// Names of fields to go to once the record is here: the first that has one of them.
    pub wanted: Vec<String>,
    /// Table and fields of the pair, once a record of it was here.
    pub known: Option<(TableName, Vec<FieldName>)>,
}

impl RecordsState {
    /// How many records the list shows, and of how many where that is a part.
    pub fn shown(&self) -> (u64, Option<u64>) {
        let seen = self.rows.seen().map_or(0, |part| part.total);
        let all = self.page.as_ref().map_or(seen, |page| page.all);
        // Until a filter is answered the list is the one from before.
        let whole = self.rows.part.get().is_none() && seen == all;
        match self.filter.is_empty() || whole {
            true => (all, None),
            false => (seen, Some(all)),
        }
    }
}

/// Sections of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Section {
    /// Systems and sign-in.
    #[default]
    Connections,
    /// When pairs run.
    Schedule,
    /// Which records take part.
    Filters,
    /// Calls of a day.
    Limits,
    /// Who decides conflicts.
    Rules,
    /// How data is locked.
    Vault,
    /// Theme.
    Look,
    /// Keys.
    Keys,
    /// Where things are.
    About,
}

impl Section {
    /// In order.
    pub const ALL: [Self; 9] = [
        Self::Connections,
        Self::Schedule,
        Self::Filters,
        Self::Limits,
        Self::Rules,
        Self::Vault,
        Self::Look,
        Self::Keys,
        Self::About,
    ];

    /// Name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "Connections",
            Self::Schedule => "Schedule",
            Self::Filters => "Filters",
            Self::Limits => "Limits",
            Self::Rules => "Conflict rules",
            Self::Vault => "Vault",
            Self::Look => "Look",
            Self::Keys => "Keys",
            Self::About => "About",
        }
    }
}

/// Panes of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettingsPane {
    /// Sections.
    #[default]
    Sections,
    /// What is in the section.
    Content,
}

/// Settings.
#[derive(Debug, Default)]
pub struct SettingsState {
    /// As they are.
    pub view: Loaded<Box<SettingsView>>,
    /// When pairs run by themselves.
    pub schedules: Option<ScheduleList>,
    /// When each pair ran last by itself, to switch that on again.
    pub before: BTreeMap<PairName, Schedule>,
    /// The filter that was tried last.
    pub tried: Option<Box<FilterView>>,
    /// What is looked for.
    pub find: String,
    /// Cursor of the sections.
    pub sections: ListState,
    /// Cursor in each section.
    pub content: BTreeMap<Section, ListState>,
    /// Pane in focus.
    pub pane: SettingsPane,
}

impl SettingsState {
    /// The section under the cursor.
    pub fn section(&self) -> Section {
        Section::ALL
            .get(self.sections.selected())
            .copied()
            .unwrap_or_default()
    }

    /// Cursor in the section shown.
    pub fn cursor(&self) -> usize {
        self.content
            .get(&self.section())
            .map_or(0, ListState::selected)
    }
}
