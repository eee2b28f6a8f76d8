//! Pairs and the rows of their mapping (sync-semantics 2.3, 5.3).
//!
//! What a mapping *says*; what follows from it for a record is `reconcile`'s business, whether
//! it is sound is `check`'s. Invariant: row ids of a pair are unique and never reused.

mod flow;
mod full;
mod policy;

use std::borrow::Cow;
use std::num::NonZeroU16;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::id::{FieldName, ObjectName, PairName, RowId, TableName};
use super::schedule::Schedule;
use super::transform::{Chain, Side, Step};
use super::value::FieldKind;

pub use self::full::{OnFull, Overflow, Target};
pub use self::policy::{
    BadFields, Converts, Creates, DeletePolicy, FirstLink, Guard, Leaves, Mark,
};

/// A field of an App table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppField {
    /// Name.
    pub name: FieldName,
    /// What it holds.
    pub kind: FieldKind,
    /// Characters at most; 0 means no limit.
    #[serde(default)]
    pub length: u32,
}

/// What a one-way row does when the side it writes was changed by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Foreign {
    /// Leaves it until the other side moves.
    Keep,
    /// Writes the own value again.
    Enforce,
}

/// When a field is read again whose changes leave no trace: the CRM computes it, and its record's
/// stamp does not move (sync-semantics 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// Once a day, with the first run by schedule, or the first of a pair that has none.
    Nightly,
    /// The same after so many hours.
    Hours(NonZeroU16),
}

impl Refresh {
    /// How long the values may be old.
    pub fn every(self) -> SignedDuration {
        SignedDuration::from_hours(match self {
            Self::Nightly => 24,
            Self::Hours(hours) => i64::from(hours.get()),
        })
    }
}

/// How values flow through a row (sync-semantics 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "flow::Stored", into = "flow::Stored")]
pub enum Flow {
    /// Both ways.
    Both,
    /// App to CRM.
    ToCrm(Foreign),
    /// CRM to App.
    ToApp(Foreign),
    /// The CRM's value, unless it has none.
    PreferCrm,
    /// The App's value, unless it has none.
    PreferApp,
    /// Written to that side only while that side has none.
    SetOnce(Side),
    /// New text of the App is appended in the CRM, with time and token, never replacing
    /// (sync-semantics 20).
    Append(OnFull),
    /// As [`Flow::Append`], and the CRM's whole text comes back to the App. Lines that made room
    /// there would be lost here, so none does.
    AppendBoth,
    /// CRM to App, of a field that the CRM computes: also read again by the clock.
    Computed(Refresh),
}

impl Flow {
    /// Whether values may go to a side.
    pub fn writes(self, side: Side) -> bool {
        match self {
            Self::Both | Self::PreferCrm | Self::PreferApp | Self::AppendBoth => true,
            Self::Append(_) => side == Side::Crm,
            Self::ToCrm(_) => side == Side::Crm,
            Self::ToApp(_) | Self::Computed(_) => side == Side::App,
            Self::SetOnce(target) => side == target,
        }
    }

    /// Whether it adds lines to a text in place of replacing it.
    pub fn appends(self) -> bool {
        matches!(self, Self::Append(_) | Self::AppendBoth)
    }

    /// What it does with new lines when the text is full; none where it does not append.
    pub fn on_full(self) -> Option<OnFull> {
        match self {
            Self::Append(on_full) => Some(on_full),
            Self::AppendBoth => Some(OnFull::Reject),
            _ => None,
        }
    }

    /// The same flow, doing this when the text is full; none where it cannot.
    pub fn with_on_full(self, on_full: OnFull) -> Option<Self> {
        match (self, on_full) {
            (Self::Append(_), _) => Some(Self::Append(on_full)),
            (_, OnFull::Reject) => Some(self),
            (_, OnFull::Rotate | OnFull::Child) => None,
        }
    }

    /// The arrow on the screen.
    pub fn arrow(self) -> &'static str {
        match (self.writes(Side::Crm), self.writes(Side::App)) {
            (true, true) => "<->",
            (true, false) => "-->",
            _ => "<--",
        }
    }

    /// All flows by which values alone decide.
    pub const ALL: [Self; 11] = [
        Self::Both,
        Self::ToCrm(Foreign::Keep),
        Self::ToCrm(Foreign::Enforce),
        Self::ToApp(Foreign::Keep),
        Self::ToApp(Foreign::Enforce),
        Self::PreferCrm,
        Self::PreferApp,
        Self::SetOnce(Side::Crm),
        Self::SetOnce(Side::App),
        Self::Append(OnFull::Reject),
        Self::AppendBoth,
    ];

    /// The flows to choose from, for pickers.
    pub fn choices() -> impl Iterator<Item = Self> {
        let computed = Self::Computed(Refresh::Nightly);
        Self::ALL.into_iter().chain([computed])
    }

    /// Its name in mapping files and on the screen.
    pub fn name(self) -> Cow<'static, str> {
        let name = match self {
            Self::Both => "both",
            Self::ToCrm(Foreign::Keep) => "to_crm",
            Self::ToCrm(Foreign::Enforce) => "to_crm_always",
            Self::ToApp(Foreign::Keep) => "to_app",
            Self::ToApp(Foreign::Enforce) => "to_app_always",
            Self::PreferCrm => "crm_unless_blank",
            Self::PreferApp => "app_unless_blank",
            Self::SetOnce(Side::Crm) => "set_once_in_crm",
            Self::SetOnce(Side::App) => "set_once_in_app",
            Self::Append(_) => "append",
            Self::AppendBoth => "append_both",
            Self::Computed(Refresh::Nightly) => "computed_nightly",
            Self::Computed(Refresh::Hours(hours)) => {
                return Cow::Owned(format!("{EVERY}{hours}{HOURS}"));
            }
        };
        Cow::Borrowed(name)
    }

    /// The flow of that name.
    pub fn named(name: &str) -> Option<Self> {
        let hours = name
            .strip_prefix(EVERY)
            .and_then(|rest| rest.strip_suffix(HOURS));
        match hours {
            Some(hours) => Some(Self::Computed(Refresh::Hours(hours.parse().ok()?))),
            None => Self::choices().find(|flow| flow.name() == name),
        }
    }
}

const EVERY: &str = "computed_every_";
const HOURS: &str = "_hours";
/// The form of the flows that have a number in their name.
pub const EVERY_N_HOURS: &str = "computed_every_N_hours";

/// Who decides when both sides changed (sync-semantics 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// A person.
    #[default]
    Ask,
    /// The CRM's value.
    Crm,
    /// The App's value.
    App,
    /// The later change, if the clocks can tell; otherwise a person.
    Newest,
    /// The side that has a value; otherwise a person.
    Filled,
    /// The later change, and the CRM's value when both are as late as the clocks can tell.
    NewestOrCrm,
    /// The later change, and the App's value when both are as late as the clocks can tell.
    NewestOrApp,
    /// What stands above it says: for a row its pair, for a pair the settings (sync-semantics 5.4).
    Inherit,
}

impl Strategy {
    /// All strategies, for pickers.
    pub const ALL: [Self; 8] = [
        Self::Ask,
        Self::Crm,
        Self::App,
        Self::Newest,
        Self::Filled,
        Self::NewestOrCrm,
        Self::NewestOrApp,
        Self::Inherit,
    ];

    /// Its name in mapping files and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Crm => "crm",
            Self::App => "app",
            Self::Newest => "newest",
            Self::Filled => "filled",
            Self::NewestOrCrm => "newest-or-crm",
            Self::NewestOrApp => "newest-or-app",
            Self::Inherit => "inherit",
        }
    }

    /// Whether the times of the values decide.
    pub fn is_by_time(self) -> bool {
        matches!(self, Self::Newest | Self::NewestOrCrm | Self::NewestOrApp)
    }

    /// Itself, unless what stands above it says.
    #[must_use]
    pub fn under(self, above: Self) -> Self {
        match self {
            Self::Inherit => above,
            own => own,
        }
    }

    /// The strategy of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// What happens when a side loses its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Blanks {
    /// The other side loses it too.
    #[default]
    Propagate,
    /// The other side keeps its value.
    Keep,
}

/// Whether a row takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// It does.
    #[default]
    On,
    /// It does not.
    Off,
}

/// One row: the fields of both sides that carry one meaning. Several fields on a side form a
/// group: one change, one conflict (sync-semantics 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Stable id.
    pub id: RowId,
    /// App fields, at least one.
    pub app: Vec<FieldName>,
    /// CRM fields, at least one.
    pub crm: Vec<FieldName>,
    /// How values flow.
    pub flow: Flow,
    /// Change on the way to the CRM.
    pub to_crm: Chain,
    /// Change on the way to the App.
    pub to_app: Chain,
    /// Who decides when both changed.
    pub strategy: Strategy,
    /// What an emptied field does.
    pub blanks: Blanks,
    /// On or off.
    pub switch: Switch,
}

impl Row {
    /// `contactName` or `street + city`: how the row is called on a side.
    pub fn label(&self, side: Side) -> String {
        let names = match side {
            Side::App => &self.app,
            Side::Crm => &self.crm,
        };
        let names: Vec<&str> = names.iter().map(FieldName::as_str).collect();
        names.join(" + ")
    }

    /// Who has the say where both sides differ although neither moved (rule F6): a row that goes one
    /// way has the side it comes from.
    pub fn say(&self) -> Strategy {
        match self.flow {
            Flow::Both => self.strategy,
            flow if flow.writes(Side::Crm) => Strategy::App,
            _ => Strategy::Crm,
        }
    }

    /// The chain toward a side.
    pub fn chain(&self, toward: Side) -> &Chain {
        match toward {
            Side::App => &self.to_app,
            Side::Crm => &self.to_crm,
        }
    }
}

/// A pair: one CRM object kept in step with one App table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Its name.
    pub name: PairName,
    /// CRM object.
    pub object: ObjectName,
    /// App table.
    pub table: TableName,
    /// Fields of the App table.
    pub app_fields: Vec<AppField>,
    /// Version of the mapping; +1 with each save.
    pub version: u32,
    /// External id field of the CRM that holds our key; without it nothing is created there.
    pub key_field: Option<FieldName>,
    /// App field that names the record for people.
    pub title: FieldName,
    /// New CRM records make App records.
    pub create_in_app: Creates,
    /// New App records make CRM records.
    pub create_in_crm: Creates,
    /// CRM deletes.
    pub on_crm_delete: DeletePolicy,
    /// App deletes.
    pub on_app_delete: DeletePolicy,
    /// How updates are guarded.
    pub guard: Guard,
    /// Values that differ at the first link.
    pub first_link: FirstLink,
    /// Rows that identify a record at the first link: each entry is one rule, tried in order;
    /// all its rows must be equal.
    pub match_on: Vec<Vec<RowId>>,
    /// Which CRM records belong to the pair: a filter on fields that its rows read; empty for all.
    pub filter: String,
    /// What becomes of linked records that leave the filter.
    pub on_leave: Leaves,
    /// Who decides when one side deleted a record that the other one changed (rules R8 and R10): a
    /// person, unless the side that deleted is the one named here. Its delete then goes on as its
    /// policy says; that a record comes back is always a person's decision.
    pub strategy: Strategy,
    /// When it runs.
    pub schedule: Schedule,
    /// The rows.
    pub rows: Vec<Row>,
    /// Fields that the CRM refuses.
    pub bad_fields: BadFields,
    /// Leads that were converted in the CRM.
    pub on_convert: Converts,
    /// Where lines go that find no room in a text they are appended to.
    pub overflow: Option<Overflow>,
}

impl Pair {
    /// `Contact <-> people`.
    pub fn title_line(&self) -> String {
        let both = self.active().any(|r| r.flow.writes(Side::Crm))
            || self.create_in_crm == Creates::Allowed;
        let arrow = if both { "<->" } else { "-->" };
        format!("{} {arrow} {}", self.object, self.table)
    }

    /// Pairs whose links its rows look up: they are synced before it.
    pub fn parents(&self) -> impl Iterator<Item = &PairName> {
        self.active()
            .flat_map(|row| row.to_crm.0.iter().chain(&row.to_app.0))
            .filter_map(|step| match step {
                Step::Link(pair) if *pair != self.name => Some(pair),
                _ => None,
            })
    }

    /// Rows whose field is read again by the clock, and when.
    pub fn computed(&self) -> impl Iterator<Item = (&Row, Refresh)> {
        self.active().filter_map(|row| match row.flow {
            Flow::Computed(refresh) => Some((row, refresh)),
            _ => None,
        })
    }

    /// The CRM's field that marks records as deleted in the App.
    pub fn mark_field(&self) -> Option<&FieldName> {
        match &self.on_app_delete {
            DeletePolicy::MarkWith(mark) => Some(&mark.field),
            _ => None,
        }
    }

    /// Fields that say what a converted record became, where that is followed.
    pub fn became_fields(&self) -> impl Iterator<Item = FieldName> {
        let follows = self.on_convert == Converts::Follow;
        let all = Converts::BECAME.iter().filter(move |_| follows);
        all.map(|(field, _)| FieldName::new(*field))
    }

    /// Rows that take part.
    pub fn active(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.switch == Switch::On)
    }

    /// A row by id.
    pub fn row(&self, id: RowId) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Whether an App field holds the CRM's id of the record, which nobody changes.
    pub fn holds_crm_id(&self, name: &FieldName) -> bool {
        let is_id = |row: &&Row| row.crm.iter().all(|crm| crm.as_str() == "Id");
        self.active()
            .filter(is_id)
            .any(|row| row.app.contains(name))
    }

    /// Kind of an App field; text when the table does not say.
    pub fn app_kind(&self, name: &FieldName) -> FieldKind {
        self.app_fields
            .iter()
            .find(|f| f.name == *name)
            .map_or(FieldKind::Text, |f| f.kind)
    }

    /// CRM fields of the active rows, sorted, each once.
    pub fn crm_fields(&self) -> Vec<FieldName> {
        let mut names: Vec<FieldName> = self
            .active()
            .flat_map(|row| row.crm.iter().cloned())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
