//! Conflicts: the list, and one record field by field.

use super::act::go;
use super::{by_marks, complete, decide, mapping, marked, records, settings, step_of, steps};
use crate::domain::mapping::Strategy;
use crate::domain::transform::Side;
use crate::engine::command::{Command, RecordKey};
use crate::engine::view::ConflictDetail;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::model::{Model, Screen};
use crate::tui::state::{ConflictPane, Loaded, Section};
use crate::tui::widget::list::{ListState, Step};

/// Asks for the list and for the record shown.
pub fn load(model: &mut Model) {
    let page = model.conflicts.rows.page();
    let filter = by_marks::of_conflicts(model);
    model.ask(Ask::Conflicts, Command::Conflicts { filter, page });
    load_detail(model);
}

/// Puts a filter into force; one that is not understood leaves the list as it is.
pub fn set_filter(model: &mut Model, text: String) {
    let Some(text) = complete::understood(model, &text) else {
        return;
    };
    model.conflicts.filter = text;
    // Marks stay, and the status says that there are some; a range is of the list as it was.
    model.conflicts.range = None;
    model.conflicts.rows.list.select(0);
    load(model);
}

/// The record that is open, or under the cursor.
pub fn shown(model: &Model) -> Option<RecordKey> {
    match &model.conflicts.open {
        Some(key) => Some(key.clone()),
        None => model.conflicts.rows.selected().map(|row| row.key.clone()),
    }
}

/// Asks for the record shown.
pub fn load_detail(model: &mut Model) {
    match shown(model) {
        Some(key) => model.ask(Ask::Conflict(key.clone()), Command::Conflict { key }),
        // What was shown before belongs to no row any more.
        None if model.conflicts.rows.is_empty() => model.conflicts.detail = Loaded::Waiting,
        None => {}
    }
}

/// Opens the conflict of a record.
pub fn show(model: &mut Model, key: RecordKey) {
    open(model, key);
    follow(model);
    go(model, Screen::Conflicts);
}

/// Opens it where it stands; [`show`] goes there.
pub(super) fn open(model: &mut Model, key: RecordKey) {
    let state = &mut model.conflicts;
    let same = matches!(state.detail.get(), Some(Some(d)) if d.key == key);
    if !same {
        state.detail = Loaded::Waiting;
        state.fields = ListState::default();
    }
    state.open = Some(key);
    state.pane = ConflictPane::Fields;
    state.writes = ListState::default();
}

/// Leaves a record of which nothing is open any more: by its number the screen shows what waits.
pub(super) fn leave_settled(model: &mut Model) {
    let settled = match model.conflicts.detail.get() {
        Some(Some(detail)) => decide::is_settled(detail),
        Some(None) => true,
        None => false,
    };
    if settled {
        model.conflicts.open = None;
    }
}

/// Where the record that is open stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Which it is, and of how many.
    At(usize, usize),
    /// Nowhere.
    NotThere,
    /// In a part of the list that is not here, or nowhere.
    Unknown,
}

/// Where the record that is open stands in the list.
pub fn place(model: &Model) -> Place {
    let rows = &model.conflicts.rows;
    let Some(part) = rows.part.get() else {
        return Place::Unknown;
    };
    match (&model.conflicts.open, rows.selected()) {
        (Some(open), Some(row)) if row.key == *open => {
            Place::At(rows.list.selected() + 1, rows.len())
        }
        (None, Some(_)) => Place::At(rows.list.selected() + 1, rows.len()),
        _ if part.rows.len() as u64 == part.total => Place::NotThere,
        _ => Place::Unknown,
    }
}

/// Puts the cursor of the list on the record that is open, wherever it was opened from.
pub(super) fn follow(model: &mut Model) {
    let rows = &mut model.conflicts.rows;
    if let Some(open) = &model.conflicts.open
        && let Some(at) = rows.find(|row| row.key == *open)
    {
        rows.list.select(at);
    }
}

/// Rows of the field table: the record as a whole first, if it is in conflict itself.
pub fn items(detail: &ConflictDetail) -> usize {
    usize::from(detail.record.is_some()) + detail.fields.len()
}

/// Does an action of these screens.
pub fn act(model: &mut Model, action: Action) {
    match action {
        Action::Undo => return steps::undo(model),
        Action::Redo => return steps::redo(model),
        Action::GoRecord => {
            if let Some(key) = shown(model) {
                records::show(model, key);
            }
            return;
        }
        Action::Address => {
            let detail = model.conflicts.detail.get().and_then(Option::as_ref);
            if let Some(url) = detail.and_then(|d| d.url.clone()) {
                records::show_address(model, url);
            }
            return;
        }
        Action::GoMapping => {
            let pair = shown(model).map(|key| key.pair);
            let row = decide::row_of(model);
            return mapping::show(model, pair, row);
        }
        Action::RuleApp => return rule(model, Strategy::App),
        Action::RuleCrm => return rule(model, Strategy::Crm),
        Action::GoSettings => return settings::show(model, Section::Schedule),
        Action::GoLog => {
            let pair = shown(model).map(|key| key.pair);
            return super::log::show_pair(model, pair);
        }
        _ => {}
    }
    if model.conflicts.open.is_some() {
        act_detail(model, action);
    } else {
        act_list(model, action);
    }
}

/// Makes a rule of a decision: in the mapping's draft, for the field under the cursor.
fn rule(model: &mut Model, rule: Strategy) {
    if let (Some(key), Some(row)) = (shown(model), decide::row_of(model)) {
        mapping::show_rule(model, key.pair, row, rule);
    }
}

fn act_list(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        let len = model.conflicts.rows.len();
        model.conflicts.rows.list.step(step, len);
        if model.conflicts.rows.lacks_selected() {
            return load(model);
        }
        return load_detail(model);
    }
    match action {
        Action::Open => {
            if let Some(key) = shown(model) {
                open(model, key);
                load_detail(model);
            }
        }
        Action::Mark => {
            marked::mark(model);
            let len = model.conflicts.rows.len();
            model.conflicts.rows.list.step(Step::Down, len);
            load_detail(model);
            marks_changed(model);
        }
        Action::MarkRange => {
            marked::mark_range(model);
            marks_changed(model);
        }
        Action::MarkAll => {
            marked::mark_all(model);
            marks_changed(model);
        }
        Action::AllApp => marked::all_marked(model, Some(Side::App)),
        Action::AllCrm => marked::all_marked(model, Some(Side::Crm)),
        Action::Clear => marked::all_marked(model, None),
        Action::Ignore => marked::ignore_marked(model),
        Action::Copy => {
            let name = model.conflicts.rows.selected().map(|row| row.name.clone());
            records::copy(model, name);
        }
        _ => {}
    }
}

/// A list of what is marked shows other rows then.
fn marks_changed(model: &mut Model) {
    if by_marks::asked(&model.conflicts.filter) {
        load(model);
    }
}

fn act_detail(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        let Some(Some(detail)) = model.conflicts.detail.get() else {
            return;
        };
        let (items, writes) = (
            items(detail),
            detail.writes.lines.len() + detail.writes.acts.len(),
        );
        return match model.conflicts.pane {
            ConflictPane::Fields => model.conflicts.fields.step(step, items),
            ConflictPane::Writes => model.conflicts.writes.step(step, writes),
        };
    }
    match action {
        Action::NextPane | Action::PreviousPane => {
            model.conflicts.pane = match model.conflicts.pane {
                ConflictPane::Fields => ConflictPane::Writes,
                ConflictPane::Writes => ConflictPane::Fields,
            }
        }
        Action::Left => model.conflicts.side = Side::App,
        Action::Right => model.conflicts.side = Side::Crm,
        Action::ItemBefore => neighbour(model, Step::Up),
        Action::ItemAfter => neighbour(model, Step::Down),
        // Enter goes on: to the next field that needs a person.
        Action::Open => decide::next_open(model),
        other => decide::act(model, other),
    }
}

/// The record before or after this one in the list.
pub fn neighbour(model: &mut Model, step: Step) {
    let (len, at) = (
        model.conflicts.rows.len(),
        model.conflicts.rows.list.selected(),
    );
    model.conflicts.rows.list.step(step, len);
    if model.conflicts.rows.list.selected() == at {
        return super::no_further(model, step);
    }
    if let Some(key) = model.conflicts.rows.selected().map(|row| row.key.clone()) {
        open(model, key);
        load_detail(model);
    }
}
