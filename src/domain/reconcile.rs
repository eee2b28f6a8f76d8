//! Three-way reconcile of one mapping row (sync-semantics 5.2, 5.3): rules F1 to F12.
//!
//! Says what should happen, writes nothing. Invariant: every combination of inputs gives exactly
//! one outcome, and the same one every time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::append;
use super::id::{AppId, FieldName, RowId};
use super::mapping::{Blanks, FirstLink, Flow, Foreign, Pair, Row, Strategy};
use super::record::BasePair;
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
    /// No decision: a side is unknown.
    Unknown,
    /// CRM fields get this.
    Push(Cell),
    /// App fields get this.
    Pull(Cell),
    /// This block is appended to the CRM field.
    Append(append::Block),
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
pub enum Depth {
    /// Only what moved since the base.
    Moves,
    /// Also whether unmoved values still agree (rule F6).
    Everything,
}

/// When values came about, for `newest` (sync-semantics 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Last change of the CRM record, server's clock.
    pub crm: Option<Timestamp>,
    /// Sum of the errors of both clocks; inside it, nothing is decided by time.
    pub error: SignedDuration,
}

/// A row with the kinds of its fields looked up once.
#[derive(Debug, Clone)]
pub struct CompiledRow {
    /// The row.
    pub row: Row,
    /// Kinds of its App fields.
    pub app: Vec<FieldKind>,
    /// Kinds of its CRM fields.
    pub crm: Vec<FieldKind>,
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
}

impl Compiled {
    /// Looks up the fields of a pair in the described object.
    pub fn new(pair: Pair, object: &ObjectInfo) -> Self {
        let mut rows = Vec::new();
        let mut broken = Vec::new();
        for row in pair.active() {
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
                    row: row.clone(),
                }),
            }
        }
        Self { pair, rows, broken }
    }
}

/// What a row is reconciled against.
pub struct Context<'a> {
    /// Looks up links and users.
    pub lookup: &'a dyn Lookup,
    /// How thoroughly.
    pub depth: Depth,
    /// For rule F12.
    pub first_link: FirstLink,
    /// The App record, for append tokens.
    pub app_id: &'a AppId,
    /// When the App's fields changed.
    pub app_changed: &'a dyn Fn(&FieldName) -> Option<Timestamp>,
    /// Times of the CRM side.
    pub clocks: Clocks,
    /// Time for new append lines.
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

fn unmoved(
    side: Side,
    names: &[FieldName],
    kinds: &[FieldKind],
    fields: &Fields,
    base: &[Value],
) -> Option<bool> {
    const NULL: &Value = &Value::Null;
    if names.len() != base.len() {
        return Some(false);
    }
    let mut all = true;
    for ((name, kind), was) in names.iter().zip(kinds).zip(base) {
        let is = match (fields.get(name), side) {
            (Some(value), _) => value,
            (None, Side::App) => NULL,
            (None, Side::Crm) => return None,
        };
        all &= same(*kind, is, was);
    }
    Some(all)
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

type Auto = Option<(Strategy, Side)>;

struct Decision<'a> {
    cx: &'a Context<'a>,
    row: &'a CompiledRow,
    app: &'a Fields,
    crm: &'a Fields,
}

impl Decision<'_> {
    fn decide(&self, base: Option<&BasePair>) -> (FieldRule, Action, Auto) {
        let row = &self.row.row;
        let Some(base) = base else {
            return self.first_link();
        };
        let app_same = unmoved(Side::App, &row.app, &self.row.app, self.app, &base.app);
        let crm_same = unmoved(Side::Crm, &row.crm, &self.row.crm, self.crm, &base.crm);
        let (Some(app_same), Some(crm_same)) = (app_same, crm_same) else {
            return (FieldRule::F7, Action::Unknown, None);
        };
        match (!app_same, !crm_same) {
            (false, false) => match self.cx.depth {
                Depth::Moves => (FieldRule::F1, Action::Nothing, None),
                Depth::Everything => self.unmoved_both(),
            },
            (true, false) => self.app_moved(base),
            (false, true) => self.crm_moved(),
            (true, true) => self.both_moved(base),
        }
    }

    fn app_cell(&self) -> Cell {
        cell_of(Side::App, &self.row.row.app, self.app).unwrap_or_default()
    }

    fn crm_cell(&self) -> Cell {
        cell_of(Side::Crm, &self.row.row.crm, self.crm).unwrap_or_default()
    }

    /// Whether the two sides agree as the flow sees it. A value that cannot be transformed
    /// agrees with nothing.
    fn agree(&self) -> bool {
        let row = &self.row.row;
        let (app, crm) = (self.app_cell(), self.crm_cell());
        if row.flow.writes(Side::Crm) {
            row.to_crm
                .apply(Side::Crm, &app, self.cx.lookup)
                .is_ok_and(|value| same_cell(&self.row.crm, &value, &crm))
        } else {
            row.to_app
                .apply(Side::App, &crm, self.cx.lookup)
                .is_ok_and(|value| same_cell(&self.row.app, &value, &app))
        }
    }

    fn unmoved_both(&self) -> (FieldRule, Action, Auto) {
        let append = matches!(self.row.row.flow, Flow::Append | Flow::AppendBoth);
        if append || self.agree() {
            (FieldRule::F1, Action::Nothing, None)
        } else {
            (FieldRule::F6, Action::Drift, None)
        }
    }

    /// Rule F2 and its variants by flow.
    fn app_moved(&self, base: &BasePair) -> (FieldRule, Action, Auto) {
        let crm = self.crm_cell();
        let action = match self.row.row.flow {
            Flow::Both | Flow::ToCrm(_) | Flow::PreferApp => self.push(),
            Flow::PreferCrm => {
                if is_blank(&crm) && is_blank(&base.crm) {
                    self.push()
                } else {
                    Action::Accept(Side::App)
                }
            }
            Flow::SetOnce(Side::Crm) if is_blank(&crm) => self.push(),
            Flow::SetOnce(_) | Flow::ToApp(Foreign::Keep) => Action::Accept(Side::App),
            Flow::ToApp(Foreign::Enforce) => {
                return (FieldRule::F2, self.pull(), Some((Strategy::Crm, Side::Crm)));
            }
            Flow::Append | Flow::AppendBoth => self.append(base),
        };
        (FieldRule::F2, action, None)
    }

    /// Rule F3 and its variants by flow.
    fn crm_moved(&self) -> (FieldRule, Action, Auto) {
        let action = match self.row.row.flow {
            Flow::Both | Flow::ToApp(_) | Flow::PreferCrm | Flow::AppendBoth => self.pull(),
            Flow::PreferApp => {
                if is_blank(&self.app_cell()) {
                    self.pull()
                } else {
                    Action::Accept(Side::Crm)
                }
            }
            Flow::SetOnce(Side::App) if is_blank(&self.app_cell()) => self.pull(),
            Flow::SetOnce(_) | Flow::ToCrm(Foreign::Keep) | Flow::Append => {
                Action::Accept(Side::Crm)
            }
            Flow::ToCrm(Foreign::Enforce) => {
                return (FieldRule::F3, self.push(), Some((Strategy::App, Side::App)));
            }
        };
        (FieldRule::F3, action, None)
    }

    /// Rules F4 and F5 and their variants by flow.
    fn both_moved(&self, base: &BasePair) -> (FieldRule, Action, Auto) {
        let flow = self.row.row.flow;
        if matches!(flow, Flow::Append | Flow::AppendBoth) {
            // Never a conflict: own text joins what is there (sync-semantics 20.3).
            return (FieldRule::F5, self.append(base), None);
        }
        if self.agree() {
            return (FieldRule::F4, Action::Adopt, None);
        }
        let strategy = match flow {
            Flow::Both => self.row.row.strategy,
            Flow::ToCrm(_) | Flow::PreferApp => Strategy::App,
            Flow::ToApp(_) | Flow::PreferCrm => Strategy::Crm,
            Flow::SetOnce(side) => {
                let target = match side {
                    Side::Crm => self.crm_cell(),
                    Side::App => self.app_cell(),
                };
                if is_blank(&target) {
                    if side == Side::Crm {
                        Strategy::App
                    } else {
                        Strategy::Crm
                    }
                } else {
                    return (FieldRule::F5, Action::Adopt, None);
                }
            }
            Flow::Append | Flow::AppendBoth => Strategy::Ask,
        };
        let (action, auto) = self.by_strategy(strategy);
        (FieldRule::F5, action, auto)
    }

    fn by_strategy(&self, strategy: Strategy) -> (Action, Auto) {
        let winner = match strategy {
            Strategy::Ask => None,
            Strategy::Crm => Some(Side::Crm),
            Strategy::App => Some(Side::App),
            Strategy::Filled => match (is_blank(&self.app_cell()), is_blank(&self.crm_cell())) {
                (true, false) => Some(Side::Crm),
                (false, true) => Some(Side::App),
                _ => None,
            },
            Strategy::Newest => self.newest(),
        };
        match winner {
            None => (Action::Conflict, None),
            Some(Side::Crm) => (self.pull(), Some((strategy, Side::Crm))),
            Some(Side::App) => (self.push(), Some((strategy, Side::App))),
        }
    }

    /// Later change wins only outside the clocks' error (sync-semantics 13.4).
    fn newest(&self) -> Option<Side> {
        let app = self
            .row
            .row
            .app
            .iter()
            .filter_map(|f| (self.cx.app_changed)(f))
            .max()?;
        let crm = self.cx.clocks.crm?;
        let margin =
            self.cx.clocks.error.max(SignedDuration::from_secs(1)) + SignedDuration::from_secs(1);
        let gap = app.duration_since(crm);
        if gap.abs() <= margin {
            None
        } else if gap.is_positive() {
            Some(Side::App)
        } else {
            Some(Side::Crm)
        }
    }

    /// Rules F7 and F10 to F12. A first link never blanks anything.
    fn first_link(&self) -> (FieldRule, Action, Auto) {
        let row = &self.row.row;
        let flow = row.flow;
        let app = self.app_cell();
        let Some(crm) = cell_of(Side::Crm, &row.crm, self.crm) else {
            return (FieldRule::F7, Action::Unknown, None);
        };
        if matches!(flow, Flow::Append | Flow::AppendBoth) {
            let action = if flow == Flow::AppendBoth && is_blank(&app) && !is_blank(&crm) {
                self.pull()
            } else {
                Action::Adopt
            };
            return (FieldRule::F11, action, None);
        }
        if self.agree() {
            return (FieldRule::F10, Action::Adopt, None);
        }
        match (is_blank(&app), is_blank(&crm)) {
            (true, false) if flow.writes(Side::App) => (FieldRule::F11, self.pull(), None),
            (false, true) if flow.writes(Side::Crm) => (FieldRule::F11, self.push(), None),
            (true, _) | (_, true) => (FieldRule::F11, Action::Adopt, None),
            (false, false) => {
                let (action, auto) = match flow {
                    Flow::Both => self.by_strategy(match self.cx.first_link {
                        FirstLink::Review => Strategy::Ask,
                        FirstLink::Crm => Strategy::Crm,
                        FirstLink::App => Strategy::App,
                    }),
                    Flow::ToCrm(_) | Flow::PreferApp => self.by_strategy(Strategy::App),
                    Flow::ToApp(_) | Flow::PreferCrm => self.by_strategy(Strategy::Crm),
                    Flow::SetOnce(_) | Flow::Append | Flow::AppendBoth => (Action::Adopt, None),
                };
                (FieldRule::F12, action, auto)
            }
        }
    }

    fn push(&self) -> Action {
        let crm = self.crm_cell();
        match self
            .row
            .row
            .to_crm
            .apply(Side::Crm, &self.app_cell(), self.cx.lookup)
        {
            Err(error) => Action::Failed(error),
            Ok(value) if same_cell(&self.row.crm, &value, &crm) => Action::Adopt,
            Ok(value) if is_blank(&value) && self.keeps_blank(&crm) => Action::BlankKept,
            Ok(value) => Action::Push(value),
        }
    }

    fn pull(&self) -> Action {
        let app = self.app_cell();
        match self
            .row
            .row
            .to_app
            .apply(Side::App, &self.crm_cell(), self.cx.lookup)
        {
            Err(error) => Action::Failed(error),
            Ok(value) if same_cell(&self.row.app, &value, &app) => Action::Adopt,
            Ok(value) if is_blank(&value) && self.keeps_blank(&app) => Action::BlankKept,
            Ok(value) => Action::Pull(value),
        }
    }

    fn keeps_blank(&self, target: &[Value]) -> bool {
        self.row.row.blanks == Blanks::Keep && !is_blank(target)
    }

    fn append(&self, base: &BasePair) -> Action {
        let row = &self.row.row;
        let was = base
            .app
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        let sent = match row
            .to_crm
            .apply(Side::Crm, &self.app_cell(), self.cx.lookup)
        {
            Ok(cell) => cell,
            Err(error) => return Action::Failed(error),
        };
        let is = sent.first().map(ToString::to_string).unwrap_or_default();
        let crm = self
            .crm_cell()
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        match append::Block::of_new_text(self.cx.app_id, row.id, &was, &is, self.cx.now) {
            Some(block) if !block.is_in(&crm) => Action::Append(block),
            _ => Action::Adopt,
        }
    }
}
