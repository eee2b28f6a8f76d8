//! Three-way reconcile of one mapping row (sync-semantics 5.2, 5.3): rules F1 to F12.
//!
//! Says what should happen, writes nothing. Invariant: every combination of inputs gives exactly
//! one outcome, and the same one every time.

mod decision;
mod row;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use self::decision::Decision;
pub use self::row::{CompiledRow, Queues, Way};
use super::append;
use super::currency;
use super::cycle;
use super::filter::{Filter, Subject};
use super::id::{AppId, FieldName, RowId};
use super::mapping::{Creates, FirstLink, Pair, Row, Strategy};
use super::record::BasePair;
use super::run::Word;
use super::schema::ObjectInfo;
use super::transform::{Lookup, Side, TransformError};
use super::value::{Cell, FieldKind, Fields, Value, canon, same};

/// The row of the truth table that applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FieldRule {
    /// Nothing moved.
    F1,
    /// The App moved.
    F2,
    /// The CRM moved.
    F3,
    /// Both moved to the same value.
    F4,
    /// Both moved and differ.
    F5,
    /// Nothing moved, and yet they differ.
    F6,
    /// A side is unknown.
    F7,
    /// No base, equal.
    F10,
    /// No base, one side empty.
    F11,
    /// No base, both set, differ.
    F12,
}

/// What to do with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// No decision: a side is unknown, or the CRM does not let us write what should go there.
    Unknown,
    /// CRM fields get this.
    Push(Cell),
    /// App fields get this.
    Pull(Cell),
    /// These lines are appended to the CRM field.
    Append(append::Block),
    /// These lines find no room in the CRM field; each becomes a record of its own.
    Overflow(append::Block),
    /// The values agree: take them as the new base.
    Adopt,
    /// That side moved on its own and may: take its value into the base, write nothing.
    Accept(Side),
    /// The other side keeps its value although this one was emptied.
    BlankKept,
    /// A person decides; the row is frozen.
    Conflict,
    /// Differs although nothing moved: report.
    Drift,
    /// A value cannot go on.
    Failed(TransformError),
}

/// Outcome for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Row.
    pub row: RowId,
    /// Rule that applied.
    pub rule: FieldRule,
    /// What to do.
    pub action: Action,
    /// A moved value is overwritten by rule: which strategy, and whose value stays. It goes into
    /// the conflict log with both values.
    pub auto: Option<(Strategy, Side)>,
}

/// How thoroughly to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth<'a> {
    /// Only what moved since the base.
    Moves,
    /// Also whether unmoved values still agree (rule F6).
    Everything,
    /// The same, of rows that hold both sides equal: there a difference has a cause.
    Drift,
    /// As the last, and of these rows it is put right by who has the say in them.
    Repair(&'a [RowId]),
}

/// When values came about, for `newest` (sync-semantics 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Last change of the CRM record, server's clock; not known when it was a write of ours.
    pub crm: Option<Timestamp>,
    /// What has to be added to a time of the App to make it the CRM's; when nobody can tell,
    /// nothing is decided by time.
    pub ahead: Option<SignedDuration>,
    /// Sum of the errors of both clocks; inside it, nothing is decided by time.
    pub error: SignedDuration,
}

/// Whether a rule may overwrite what somebody changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Care {
    /// As the mapping says.
    #[default]
    Usual,
    /// It may not: whatever the mapping says, a person is asked (sync-semantics 22). What was agreed
    /// is older than what was done.
    AskAlways,
}

/// A pair ready for planning.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The pair.
    pub pair: Pair,
    /// Rows that take part and whose fields exist.
    pub rows: Vec<CompiledRow>,
    /// Rows that do not, because the CRM has no such field any more.
    pub broken: Vec<(RowId, FieldName)>,
    /// Rows that do not, because their amount is kept apart from its currency (sync-semantics 22).
    pub apart: Vec<(RowId, FieldName)>,
    /// Fields that the CRM wants in every new record, besides our key.
    wanted: Vec<FieldName>,
    /// Rows that a new record may do without at first: see [`cycle`].
    pub deferrable: BTreeSet<RowId>,
    /// Which CRM records belong to the pair.
    filter: Filter,
    /// Whether a rule may overwrite, or delete, what somebody changed.
    pub care: Care,
}

/// Whether a CRM record belongs to a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// It does.
    Inside,
    /// It does not.
    Outside,
    /// A field that decides it was not shown.
    Unknown,
}

impl Compiled {
    /// Looks up the fields of a pair in the described object.
    pub fn new(pair: Pair, object: &ObjectInfo) -> Self {
        let mut rows = Vec::new();
        let mut broken = Vec::new();
        let mut apart = Vec::new();
        for row in pair.active() {
            if let Some(amount) = currency::apart(&pair, row, object) {
                apart.push((row.id, amount.clone()));
                continue;
            }
            let missing = row.crm.iter().find(|f| object.field(f.as_str()).is_none());
            match missing {
                Some(field) => broken.push((row.id, field.clone())),
                None => rows.push(CompiledRow {
                    app: row.app.iter().map(|f| pair.app_kind(f)).collect(),
                    crm: row
                        .crm
                        .iter()
                        .filter_map(|f| object.field(f.as_str()))
                        .map(|f| f.kind)
                        .collect(),
                    way: row::way(&pair, row, object),
                    care: Care::Usual,
                    queues: row
                        .crm
                        .first()
                        .and_then(|f| object.field(f.as_str()))
                        .map_or(Queues::Taken, Queues::of),
                    room: append::Room {
                        most: row
                            .crm
                            .first()
                            .and_then(|f| object.field(f.as_str()))
                            .map_or(0, |f| f.length as usize),
                        on_full: row.flow.on_full().unwrap_or_default(),
                    },
                    row: Row {
                        strategy: row.strategy.under(pair.strategy),
                        ..row.clone()
                    },
                }),
            }
        }
        // What cannot be read was never saved; should it be, nothing belongs to the pair.
        let nothing = |_| Filter::Not(Box::new(Filter::All));
        let filter = pair.filter.parse().unwrap_or_else(nothing);
        let wanted = object.fields.values();
        let wanted = wanted.filter(|f| f.required() && pair.key_field.as_ref() != Some(&f.name));
        Self {
            wanted: wanted.map(|field| field.name.clone()).collect(),
            pair,
            rows,
            broken,
            apart,
            deferrable: BTreeSet::new(),
            filter,
            care: Care::Usual,
        }
    }

    /// The same, with the strategy that its pair has unless it says one.
    #[must_use]
    pub fn by_default(mut self, strategy: Strategy) -> Self {
        self.pair.strategy = self.pair.strategy.under(strategy);
        for row in &mut self.rows {
            row.row.strategy = row.row.strategy.under(strategy);
        }
        self
    }

    /// The same, where no rule overwrites what somebody changed.
    #[must_use]
    pub fn asking_always(mut self) -> Self {
        self.care = Care::AskAlways;
        for row in &mut self.rows {
            row.care = Care::AskAlways;
        }
        self
    }

    /// Whether what was deleted in the App is done away with in the CRM unasked.
    pub(super) fn may_delete(&self) -> bool {
        use super::mapping::DeletePolicy::{MarkWith, Propagate};
        let writes = matches!(self.pair.on_app_delete, Propagate | MarkWith(_));
        self.care == Care::Usual || !writes
    }

    /// The same, where references that lead in a circle are written after a record is made.
    pub fn among(mut self, object: &ObjectInfo, others: &[Pair]) -> Self {
        self.deferrable = cycle::deferrable(&self.pair, object, others);
        self
    }

    /// Rows that would be written to the CRM and are not, with the field that is in the way.
    pub fn shut(&self) -> impl Iterator<Item = (RowId, &FieldName)> {
        self.rows.iter().filter_map(|row| match &row.way {
            Way::Shut(field) => Some((row.row.id, field)),
            Way::Open => None,
        })
    }

    /// The CRM refuses to let a row write this field, whatever it said about it.
    pub fn shut_row(&mut self, row: RowId, field: &FieldName) {
        if let Some(row) = self.rows.iter_mut().find(|r| r.row.id == row) {
            row.way = Way::Shut(field.clone());
        }
    }

    /// A field that the CRM wants in every new record and that no row gives: until one does, none is
    /// made (sync-semantics 22).
    pub fn lacks(&self) -> Option<&FieldName> {
        let makes = self.pair.create_in_crm == Creates::Allowed && self.pair.key_field.is_some();
        let given = |field: &&FieldName| {
            let mut rows = self.rows.iter().filter(|row| row.goes_to_crm());
            rows.any(|row| row.row.crm.contains(field))
        };
        let mut wanted = self.wanted.iter().filter(|field| makes && !given(field));
        wanted.next()
    }

    /// Whether every row takes part, in all its directions.
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty() && self.apart.is_empty() && self.shut().next().is_none()
    }

    /// Whether a record that would be made of these values belongs to the pair. A field that no row
    /// writes there is not known: the CRM fills it as it likes (rule R1).
    pub fn scope_of_new(&self, values: &Fields, now: Timestamp) -> Scope {
        self.scope(values, now, now)
    }

    /// Whether a record belongs to the pair, by its values.
    pub fn scope(&self, fields: &Fields, modified: Timestamp, now: Timestamp) -> Scope {
        let shown = |name: &&str| fields.contains_key(*name);
        if self.filter == Filter::All {
            return Scope::Inside;
        }
        if !self.filter.fields().iter().all(shown) {
            return Scope::Unknown;
        }
        let inside = self.filter.matches(&Subject {
            field: &|name| fields.get(name).cloned(),
            state: Word::Ok,
            columns: &[],
            changed: Some(modified),
            marked: false,
            now,
        });
        match inside {
            true => Scope::Inside,
            false => Scope::Outside,
        }
    }
}

/// What a row is reconciled against.
pub struct Context<'a> {
    /// Looks up links and users.
    pub lookup: &'a dyn Lookup,
    /// How thoroughly.
    pub depth: Depth<'a>,
    /// For rule F12.
    pub first_link: FirstLink,
    /// The App record, for append tokens.
    pub app_id: &'a AppId,
    /// When the App's fields changed.
    pub app_changed: &'a dyn Fn(&FieldName) -> Option<Timestamp>,
    /// Times of the CRM side.
    pub clocks: Clocks,
    /// The lines of ours that the CRM record once had, by field.
    pub appended: &'a append::Appended,
    /// Time for new append lines of which nobody knows when they were typed.
    pub now: Timestamp,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("app_id", self.app_id)
            .finish_non_exhaustive()
    }
}

/// The values of a row on a side; `None` when one of them is unknown. On the App side a missing
/// field is empty, because the App is read whole.
pub fn cell_of(side: Side, names: &[FieldName], fields: &Fields) -> Option<Cell> {
    names
        .iter()
        .map(|name| match (fields.get(name), side) {
            (Some(value), _) => Some(value.clone()),
            (None, Side::App) => Some(Value::Null),
            (None, Side::Crm) => None,
        })
        .collect()
}

/// Whether two cells are the same under canon.
pub fn same_cell(kinds: &[FieldKind], left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len()
        && kinds
            .iter()
            .zip(left.iter().zip(right))
            .all(|(kind, (l, r))| same(*kind, l, r))
}

/// The cell in canonical form, as a base keeps it.
pub fn canon_cell(kinds: &[FieldKind], cell: &[Value]) -> Cell {
    kinds
        .iter()
        .zip(cell)
        .map(|(kind, value)| canon(*kind, value).into_owned())
        .collect()
}

/// The values of a row on a side in canonical form, as [`cell_of`] and [`canon_cell`] give them.
pub fn canon_of(
    side: Side,
    names: &[FieldName],
    kinds: &[FieldKind],
    fields: &Fields,
) -> Option<Cell> {
    const NULL: &Value = &Value::Null;
    names
        .iter()
        .zip(kinds)
        .map(|(name, kind)| {
            let value = match (fields.get(name), side) {
                (Some(value), _) => value,
                (None, Side::App) => NULL,
                (None, Side::Crm) => return None,
            };
            Some(canon(*kind, value).into_owned())
        })
        .collect()
}

/// Whether every value of a cell is null.
pub fn is_blank(cell: &[Value]) -> bool {
    cell.iter().all(Value::is_null)
}

/// Reconciles one row.
pub fn reconcile(
    cx: &Context<'_>,
    row: &CompiledRow,
    app: &Fields,
    crm: &Fields,
    base: Option<&BasePair>,
) -> Outcome {
    let decision = Decision { cx, row, app, crm };
    let (rule, action, auto) = decision.decide(base);
    // A rule that ends in no write overwrote nothing.
    let auto = auto.filter(|_| matches!(action, Action::Push(_) | Action::Pull(_)));
    Outcome {
        row: row.row.id,
        rule,
        action,
        auto,
    }
}

/// What a record that is new in the CRM has to say in a row that appends: every line of the App.
///
/// # Errors
/// A value that cannot go on.
pub fn first_text(
    cx: &Context<'_>,
    row: &CompiledRow,
    app: &Fields,
) -> Result<Option<append::Block>, TransformError> {
    // What another record once had, this one never did.
    let cx = &Context {
        appended: &append::Appended::new(),
        ..*cx
    };
    let crm = &Fields::new();
    Decision { cx, row, app, crm }.new_text(None)
}
