//! The truth table of one field: F1 to F12 and the strategies (sync-semantics 5.2, 5.3).
//!
//! Compares canonical values only. Invariant: total; every combination ends in one rule.

use super::{
    Action, Care, CompiledRow, Context, Depth, FieldRule, Way, cell_of, is_blank, same_cell,
};
use crate::domain::append;
use crate::domain::by_time::ByTime;
use crate::domain::currency;
use crate::domain::id::FieldName;
use crate::domain::mapping::{Blanks, FirstLink, Flow, Foreign, Strategy};
use crate::domain::record::BasePair;
use crate::domain::transform::{Side, TransformError};
use crate::domain::value::{Cell, FieldKind, Fields, Value, same};

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

pub(super) type Auto = Option<(Strategy, Side)>;

pub(super) struct Decision<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) row: &'a CompiledRow,
    pub(super) app: &'a Fields,
    pub(super) crm: &'a Fields,
}

impl Decision<'_> {
    pub(super) fn decide(&self, base: Option<&BasePair>) -> (FieldRule, Action, Auto) {
        let row = &self.row.row;
        let Some(base) = base else {
            return self.first_link();
        };
        let app_same = unmoved(Side::App, &row.app, &self.row.app, self.app, &base.app);
        let crm_same = unmoved(Side::Crm, &row.crm, &self.row.crm, self.crm, &base.crm);
        let (Some(app_same), Some(crm_same)) = (app_same, crm_same) else {
            return (FieldRule::F7, Action::Unknown, None);
        };
        let app_kept = !app_same && self.kept(Side::App);
        let crm_kept = !crm_same && self.kept(Side::Crm);
        match (!app_same && !app_kept, !crm_same && !crm_kept) {
            (false, false) if app_kept || crm_kept => (FieldRule::F1, Action::BlankKept, None),
            (false, false) => self.unmoved_both(base),
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

    /// Whether a side is empty and the other one is not to follow: it counts as one that did not
    /// move (sync-semantics 5.2).
    fn kept(&self, side: Side) -> bool {
        let row = &self.row.row;
        let toward = side.other();
        let (is, other) = match side {
            Side::App => (self.app_cell(), self.crm_cell()),
            Side::Crm => (self.crm_cell(), self.app_cell()),
        };
        let sent = || self.row.gone(toward, &is, self.cx.lookup);
        row.flow.writes(toward)
            && !row.flow.appends()
            && self.keeps_blank(&other)
            && is_blank(&is)
            && sent().is_ok_and(|sent| is_blank(&sent))
    }

    /// Whether the two sides agree as the flow sees it. A value that cannot be transformed
    /// agrees with nothing.
    fn agree(&self) -> bool {
        let row = &self.row.row;
        let (app, crm) = (self.app_cell(), self.crm_cell());
        let agrees = match row.flow.writes(Side::Crm) {
            true => self.gives(Side::Crm, &app, &crm),
            false => self.gives(Side::App, &crm, &app),
        };
        agrees == Some(true)
    }

    /// Whether a value becomes that one on its way to a side; none where it cannot go there. A user
    /// who was deactivated still is who the App says, as long as the CRM has it so, too.
    fn gives(&self, toward: Side, from: &[Value], to: &[Value]) -> Option<bool> {
        let chain = self.row.row.chain(toward);
        let kinds = match toward {
            Side::Crm => &self.row.crm,
            Side::App => &self.row.app,
        };
        let sent = self.row.gone(toward, from, self.cx.lookup);
        let is_it = |sent: Cell| same_cell(kinds, &sent, to);
        let plain = || {
            let plain = chain.without_fallback()?;
            plain.apply(toward, from, self.cx.lookup).ok()
        };
        match sent.ok().map(is_it) {
            Some(true) => Some(true),
            other => plain()
                .filter(|sent| same_cell(kinds, sent, to))
                .map(|_| true)
                .or(other),
        }
    }

    fn unmoved_both(&self, base: &BasePair) -> (FieldRule, Action, Auto) {
        let row = &self.row.row;
        if base.is_owed() && row.flow == Flow::AppendBoth {
            // It was us who moved the text there, and the App has not got it yet.
            return (FieldRule::F3, self.pull(), None);
        }
        let found = match self.cx.depth {
            Depth::Moves => false,
            Depth::Everything => !row.flow.appends() && !self.agree(),
            Depth::Drift => self.drifted(),
            Depth::Repair(rows) => rows.contains(&row.id) && self.drifted(),
        };
        match (found, self.cx.depth) {
            (false, _) => (FieldRule::F1, Action::Nothing, None),
            (true, Depth::Repair(_)) => {
                let (action, auto) = self.put_right();
                (FieldRule::F6, action, auto)
            }
            (true, _) => (FieldRule::F6, Action::Drift, None),
        }
    }

    /// Whether a row that holds both sides equal does not, although both can be told from each
    /// other. Where several values stand for one, either way may say that they agree.
    fn drifted(&self) -> bool {
        let row = &self.row.row;
        let (app, crm) = (self.app_cell(), self.crm_cell());
        let to_crm = || self.gives(Side::Crm, &app, &crm) == Some(false);
        let to_app = || self.gives(Side::App, &crm, &app) == Some(false);
        let kept = row.blanks == Blanks::Keep && (is_blank(&app) || is_blank(&crm));
        match row.flow {
            _ if kept => false,
            Flow::Both => to_crm() && to_app(),
            Flow::ToCrm(Foreign::Enforce) => to_crm(),
            Flow::ToApp(Foreign::Enforce) | Flow::Computed(_) => to_app(),
            // Each side may hold its own.
            Flow::ToCrm(Foreign::Keep)
            | Flow::ToApp(Foreign::Keep)
            | Flow::PreferCrm
            | Flow::PreferApp
            | Flow::SetOnce(_)
            | Flow::Append(_)
            | Flow::AppendBoth => false,
        }
    }

    /// The value of the side that has the say in this row.
    fn put_right(&self) -> (Action, Auto) {
        match (self.row.row.flow, self.row.row.say()) {
            (Flow::Both, strategy) => self.by_strategy(strategy),
            (_, Strategy::App) => (self.push(), None),
            _ => (self.pull(), None),
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
            Flow::SetOnce(_) | Flow::ToApp(Foreign::Keep) | Flow::Computed(_) => {
                Action::Accept(Side::App)
            }
            Flow::ToApp(Foreign::Enforce) => {
                return (FieldRule::F2, self.pull(), Some((Strategy::Crm, Side::Crm)));
            }
            Flow::Append(_) | Flow::AppendBoth => return self.appended(FieldRule::F2, Some(base)),
        };
        (FieldRule::F2, action, None)
    }

    /// Rule F3 and its variants by flow.
    fn crm_moved(&self) -> (FieldRule, Action, Auto) {
        let action = match self.row.row.flow {
            // It may have come from the App, which knows nothing of it any more.
            Flow::ToCrm(_) if self.row.care == Care::AskAlways => Action::Conflict,
            Flow::Both
            | Flow::ToApp(_)
            | Flow::Computed(_)
            | Flow::PreferCrm
            | Flow::AppendBoth => self.pull(),
            Flow::PreferApp => {
                if is_blank(&self.app_cell()) {
                    self.pull()
                } else {
                    Action::Accept(Side::Crm)
                }
            }
            Flow::SetOnce(Side::App) if is_blank(&self.app_cell()) => self.pull(),
            Flow::SetOnce(_) | Flow::ToCrm(Foreign::Keep) | Flow::Append(_) => {
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
        if self.agree() {
            return (FieldRule::F4, Action::Adopt, None);
        }
        if flow.appends() {
            // Never a conflict: own text joins what is there (sync-semantics 20.3).
            return self.appended(FieldRule::F5, Some(base));
        }
        let strategy = match flow {
            Flow::Both => self.row.row.strategy,
            Flow::ToCrm(_) | Flow::PreferApp => Strategy::App,
            Flow::ToApp(_) | Flow::Computed(_) | Flow::PreferCrm => Strategy::Crm,
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
            Flow::Append(_) | Flow::AppendBoth => Strategy::Ask,
        };
        let (action, auto) = self.by_strategy(strategy);
        (FieldRule::F5, action, auto)
    }

    fn by_strategy(&self, strategy: Strategy) -> (Action, Auto) {
        let winner = match strategy {
            _ if self.row.care == Care::AskAlways => None,
            // What is inherited from nowhere is asked.
            Strategy::Ask | Strategy::Inherit => None,
            Strategy::Crm => Some(Side::Crm),
            Strategy::App => Some(Side::App),
            Strategy::Filled => match (is_blank(&self.app_cell()), is_blank(&self.crm_cell())) {
                (true, false) => Some(Side::Crm),
                (false, true) => Some(Side::App),
                _ => None,
            },
            Strategy::Newest => self.by_time().and_then(|by| by.winner()),
            Strategy::NewestOrCrm => self.by_time().map(|by| by.winner().unwrap_or(Side::Crm)),
            Strategy::NewestOrApp => self.by_time().map(|by| by.winner().unwrap_or(Side::App)),
        };
        match winner {
            None => (Action::Conflict, None),
            Some(Side::Crm) => (self.pull(), Some((strategy, Side::Crm))),
            Some(Side::App) => (self.push(), Some((strategy, Side::App))),
        }
    }

    /// When both values came about (sync-semantics 13.4).
    fn by_time(&self) -> Option<ByTime> {
        let fields = self.row.row.app.iter();
        let app = fields.filter_map(|f| (self.cx.app_changed)(f)).max();
        ByTime::of(&self.cx.clocks, app)
    }

    /// Rules F7 and F10 to F12. A first link never blanks anything.
    fn first_link(&self) -> (FieldRule, Action, Auto) {
        let row = &self.row.row;
        let flow = row.flow;
        let app = self.app_cell();
        let Some(crm) = cell_of(Side::Crm, &row.crm, self.crm) else {
            return (FieldRule::F7, Action::Unknown, None);
        };
        if self.agree() {
            return (FieldRule::F10, Action::Adopt, None);
        }
        if flow.appends() {
            return self.appended(FieldRule::F11, None);
        }
        match (is_blank(&app), is_blank(&crm)) {
            (true, false) if flow.writes(Side::App) => (FieldRule::F11, self.pull(), None),
            (false, true) if flow.writes(Side::Crm) => (FieldRule::F11, self.push(), None),
            (true, _) | (_, true) => (FieldRule::F11, Action::Adopt, None),
            (false, false) if flow.writes(Side::App) && self.lacks_currency(&app, &crm) => {
                (FieldRule::F11, self.pull(), None)
            }
            (false, false) => {
                let (action, auto) = match flow {
                    Flow::Both => self.by_strategy(match self.cx.first_link {
                        FirstLink::Review => Strategy::Ask,
                        FirstLink::Crm => Strategy::Crm,
                        FirstLink::App => Strategy::App,
                    }),
                    Flow::ToCrm(_) | Flow::PreferApp => self.by_strategy(Strategy::App),
                    Flow::ToApp(_) | Flow::Computed(_) | Flow::PreferCrm => {
                        self.by_strategy(Strategy::Crm)
                    }
                    Flow::SetOnce(_) | Flow::Append(_) | Flow::AppendBoth => (Action::Adopt, None),
                };
                (FieldRule::F12, action, auto)
            }
        }
    }

    /// Whether a first link has nothing to do but to tell the App the currency of its amounts.
    fn lacks_currency(&self, app: &[Value], crm: &[Value]) -> bool {
        let came = self.row.row.to_app.apply(Side::App, crm, self.cx.lookup);
        came.is_ok_and(|came| currency::is_all_that_lacks(&self.row.row, &self.row.app, app, &came))
    }

    fn push(&self) -> Action {
        let crm = self.crm_cell();
        match self.row.gone(Side::Crm, &self.app_cell(), self.cx.lookup) {
            Err(error) => Action::Failed(error),
            Ok(value) if same_cell(&self.row.crm, &value, &crm) => Action::Adopt,
            Ok(value) if is_blank(&value) && self.keeps_blank(&crm) => Action::BlankKept,
            Ok(_) if self.row.way != Way::Open => Action::Unknown,
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

    /// What an appending flow does with a text that moved in the App, or was never compared: its
    /// new lines go to the CRM. When none is missing there, and the flow says so, the CRM's whole
    /// text comes back.
    fn appended(&self, rule: FieldRule, base: Option<&BasePair>) -> (FieldRule, Action, Auto) {
        if self.agree() {
            return (rule, Action::Adopt, None);
        }
        match self.new_text(base) {
            Err(error) => (rule, Action::Failed(error), None),
            Ok(Some(_)) if self.row.way != Way::Open => (rule, Action::Unknown, None),
            Ok(Some(block)) => (rule, Action::Append(block), None),
            Ok(None) if self.row.row.flow == Flow::AppendBoth => {
                // Without a base no line of the App is missing there: nothing is overwritten.
                let auto = base.map(|_| (Strategy::Crm, Side::Crm));
                (rule, self.pull(), auto)
            }
            Ok(None) => (rule, Action::Adopt, None),
        }
    }

    /// The lines of the App that are new since the base and that the CRM does not have; without a
    /// base, those that the CRM does not have. What it once had of ours is not new: a person who
    /// removed it there wanted it so (sync-semantics 20.5).
    pub(super) fn new_text(
        &self,
        base: Option<&BasePair>,
    ) -> Result<Option<append::Block>, TransformError> {
        let row = &self.row.row;
        let first = |cell: &[Value]| cell.first().map(ToString::to_string).unwrap_or_default();
        let sent = |cell: &[Value]| {
            let cell = row.to_crm.apply(Side::Crm, cell, self.cx.lookup)?;
            Ok(first(&cell))
        };
        let is = sent(&self.app_cell())?;
        let crm = first(&self.crm_cell());
        let nothing = append::Seen::default();
        let seen = row.crm.first().and_then(|f| self.cx.appended.get(f));
        let seen = seen.unwrap_or(&nothing);
        let was = match base {
            Some(base) => sent(&base.app)?,
            None => seen.with_lost(&crm),
        };
        let origin = append::Origin {
            app_id: self.cx.app_id,
            row: row.id,
            agreed: base.map(|b| b.at),
        };
        let typed = row.app.iter().filter_map(|f| (self.cx.app_changed)(f));
        let typed = typed.max().unwrap_or(self.cx.now);
        let block = append::Block::of_new_text(origin, &was, &is, typed);
        let block = block.and_then(|block| block.missing_from(&crm));
        let block = block.and_then(|block| block.never_seen(seen));
        Ok(block.map(|block| block.within(self.row.room)))
    }
}
