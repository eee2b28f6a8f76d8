//! Records: the list, one record on both sides, and changes of the App's record.

use super::act::go;
pub use super::clipboard::copy;
use super::clipboard::{As, copy_as};
use super::{
    beside, bulk, by_marks, complete, conflicts, held, link, mapping, overview, record_form,
    settings, staged_many, step_of, steps,
};
use super::{view_pane, views};
use crate::domain::id::{AppId, PairName};
use crate::domain::listing::Shape;
use crate::domain::value::Value;
use crate::engine::command::{Command, HeldEnd, RecordKey, Scope, Values};
use crate::engine::view::RecordDetail;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::modal::{Modal, RecordAct};
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Loaded, RecordsPane, RecordsState, Section, TypedOver};
use crate::tui::widget::list::{ListState, Step};
use crate::tui::widget::sheet::Sheet;
use crate::tui::widget::toast::Changed;

/// Asks for the list and for the record shown.
pub fn load(model: &mut Model) {
    if model.records.pair.is_none() {
        model.records.pair = model.pairs().first().map(|p| p.name.clone());
    }
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let page = model.records.rows.page();
    let filter = by_marks::of_records(model);
    let shape = model.records.shape.clone();
    let command = Command::Records {
        pair,
        filter,
        shape,
        values: Values::Shown,
        page,
    };
    model.ask(Ask::Records, command);
    views::load(model);
    view_pane::count(model);
    load_detail(model);
}

/// The record that is open, or under the cursor.
pub fn shown(model: &Model) -> Option<RecordKey> {
    match &model.records.open {
        Some(key) => Some(key.clone()),
        None => model.records.rows.selected().map(|row| row.key.clone()),
    }
}

/// Asks for the record shown.
pub fn load_detail(model: &mut Model) {
    match shown(model) {
        Some(key) => model.ask(Ask::Record(key.clone()), Command::Record { key }),
        // What was shown before belongs to no row any more.
        None if model.records.rows.is_empty() => model.records.detail = Loaded::Waiting,
        None => {}
    }
}

/// Goes to a pair. Marks, filter, order and views are of one pair, and end with it.
pub fn to_pair(model: &mut Model, pair: PairName) {
    if model.records.pair.as_ref() != Some(&pair) {
        model.records = RecordsState {
            pair: Some(pair),
            ..RecordsState::default()
        };
    }
}

/// Opens a record.
pub fn show(model: &mut Model, key: RecordKey) {
    open(model, key);
    go(model, Screen::Records);
}

/// Lists the records of a pair that a filter takes.
pub fn show_filtered(model: &mut Model, pair: PairName, filter: &str) {
    to_pair(model, pair);
    model.records.open = None;
    put_filter(model, filter.to_owned());
    go(model, Screen::Records);
}

/// Opens a record at the field that an error is about, by its name on either side.
pub fn show_field(model: &mut Model, key: RecordKey, fields: Vec<String>) {
    show(model, key);
    model.records.wanted = fields;
    select_wanted(model);
}

/// Goes to the field that was asked for, once the record is here.
pub fn select_wanted(model: &mut Model) {
    let records = &mut model.records;
    let Some(detail) = records.detail.get() else {
        return;
    };
    if records.open.as_ref() != Some(&detail.key) {
        return;
    }
    let wanted = std::mem::take(&mut records.wanted);
    let rows = &detail.pair.rows;
    let at = detail.fields.iter().position(|field| {
        let row = rows.iter().find(|row| row.id == field.row);
        let mut names = row
            .into_iter()
            .flat_map(|row| row.crm.iter().chain(&row.app));
        names.any(|name| wanted.iter().any(|w| w == name.as_str()))
    });
    if let Some(at) = at {
        records.fields.select(at);
    }
}

/// Opens it where it stands; [`show`] goes there.
pub(super) fn open(model: &mut Model, key: RecordKey) {
    to_pair(model, key.pair.clone());
    model.records.wanted.clear();
    if model.records.detail.get().is_none_or(|d| d.key != key) {
        model.records.detail = Loaded::Waiting;
        model.records.fields = ListState::default();
    }
    model.records.open = Some(key);
}

/// Puts a filter into force; one that is not understood leaves the list as it is.
pub fn set_filter(model: &mut Model, text: String) {
    if let Some(text) = complete::understood(model, &text) {
        model.records.typed_over = None;
        put_filter(model, text);
    }
}

/// Begins to type a filter over the one in force.
pub fn type_filter(model: &mut Model) -> String {
    let records = &mut model.records;
    records.typed_over = Some(TypedOver {
        filter: records.filter.clone(),
        shape: records.shape.clone(),
        view: records.view.clone(),
    });
    records.filter.clone()
}

/// Follows a filter while it is typed; under a mistake the list is as it was before.
pub fn follow_filter(model: &mut Model, text: String) {
    if complete::is_understood(model, &text) {
        put_filter(model, text.trim().to_owned());
    } else {
        before_typing(model);
    }
}

/// The filter that was typed is left: the one before it is in force again.
pub fn leave_filter(model: &mut Model) {
    before_typing(model);
    model.records.typed_over = None;
}

fn before_typing(model: &mut Model) {
    let Some(before) = model.records.typed_over.clone() else {
        return;
    };
    put_filter(model, before.filter);
    model.records.view = before.view;
    if model.records.shape != before.shape {
        model.records.shape = before.shape;
        load(model);
    }
}

fn put_filter(model: &mut Model, text: String) {
    if model.records.filter != text {
        model.records.filter = text;
        model.records.view = None;
        if model.records.filter.is_empty() {
            // Nothing of the view is left: not its order and columns either.
            model.records.shape = Shape::default();
        }
        model.records.rows.list.select(0);
        // What is here does not fit the filter: nothing of it may be opened.
        model.records.rows.replace();
        model.records.detail = Loaded::Waiting;
        load(model);
    }
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    if model.records.pane == RecordsPane::Views && view_pane::act(model, action) == Changed::Yes {
        return;
    }
    if let Some(step) = step_of(action) {
        return step_by(model, step);
    }
    match action {
        Action::Open if model.records.open.is_none() => {
            if let Some(key) = shown(model) {
                open(model, key);
                load_detail(model);
            }
        }
        Action::Left => other_pair(model, Step::Up),
        Action::Right => other_pair(model, Step::Down),
        Action::ItemBefore if model.records.open.is_none() => views::step(model, Step::Up),
        Action::ItemAfter if model.records.open.is_none() => views::step(model, Step::Down),
        Action::ItemBefore => neighbour(model, Step::Up),
        Action::ItemAfter => neighbour(model, Step::Down),
        Action::ViewChoose => views::choose(model),
        Action::ViewSave => views::save_form(model, ""),
        Action::Mark | Action::MarkRange | Action::MarkAll => {
            match action {
                Action::Mark => mark(model),
                Action::MarkRange => bulk::mark_range(model),
                _ => bulk::mark_all(model),
            }
            if by_marks::asked(&model.records.filter) {
                load(model);
            }
        }
        Action::NextPane | Action::PreviousPane if model.records.open.is_none() => {
            view_pane::switch(model);
        }
        Action::Undo => bulk::undo(model),
        Action::Redo => steps::redo(model),
        Action::Clear if model.records.open.is_none() && !model.records.marks.is_empty() => {
            staged_many::take_back(model);
        }
        Action::Clear => record_form::take_back(model),
        Action::Retry => bulk::release(model),
        Action::New => record_form::begin(model, RecordAct::Create),
        Action::Edit => record_form::begin(model, RecordAct::Edit),
        Action::HandOver if model.records.open.is_none() && !model.records.marks.is_empty() => {
            staged_many::ask_hand_over(model);
        }
        Action::HandOver => record_form::begin(model, RecordAct::HandOver),
        Action::Link => link::begin(model),
        Action::Unlink => link::ask_unlink(model),
        Action::Propagate => held::begin(model, HeldEnd::Propagate),
        Action::LetGo => held::begin(model, HeldEnd::LetGo),
        Action::Remove => bulk::ask_delete(model),
        Action::SyncNow => sync(model),
        Action::Copy | Action::CopyRaw => {
            let text = match (&model.records.open, model.records.detail.get()) {
                (Some(_), Some(detail)) => field_text(model, detail),
                _ => model.records.rows.selected().map(|row| row.name.clone()),
            };
            match action {
                Action::CopyRaw => copy_as(model, text, As::Raw),
                _ => copy(model, text),
            }
        }
        Action::CopyJson => {
            let json = model
                .records
                .detail
                .get()
                .and_then(|d| d.app.as_ref())
                .and_then(|app| serde_json::to_string_pretty(&app.fields).ok());
            copy_as(model, json, As::Json);
        }
        Action::Address => address(model),
        Action::GoConflicts => {
            if let Some(key) = shown(model) {
                conflicts::show(model, key);
            }
        }
        Action::GoMapping => {
            let pair = model.records.pair.clone();
            let at = model.records.fields.selected();
            let row = model
                .records
                .detail
                .get()
                .and_then(|d| d.fields.get(at))
                .map(|f| f.row);
            mapping::show(model, pair, row);
        }
        Action::GoLog => {
            let pair = model.records.pair.clone();
            super::log::show_pair(model, pair);
        }
        Action::GoSettings => settings::show(model, Section::Schedule),
        _ => {}
    }
}

fn step_by(model: &mut Model, step: Step) {
    if model.records.open.is_some() {
        let len = model.records.detail.get().map_or(0, |d| d.fields.len());
        return model.records.fields.step(step, len);
    }
    let len = model.records.rows.len();
    model.records.rows.list.step(step, len);
    if model.records.rows.lacks_selected() {
        load(model);
    } else {
        load_detail(model);
    }
}

fn other_pair(model: &mut Model, step: Step) {
    let next = beside(model, model.records.pair.as_ref(), step).cloned();
    if let Some(pair) = next {
        to_pair(model, pair.clone());
        load(model);
    }
}

fn neighbour(model: &mut Model, step: Step) {
    let (len, at) = (model.records.rows.len(), model.records.rows.list.selected());
    model.records.rows.list.step(step, len);
    if model.records.rows.list.selected() == at {
        return super::no_further(model, step);
    }
    if let Some(key) = model.records.rows.selected().map(|row| row.key.clone()) {
        open(model, key);
        load_detail(model);
    }
}

fn mark(model: &mut Model) {
    if let Some(key) = shown(model) {
        if !model.records.marks.remove(&key) {
            model.records.marks.insert(key);
        }
        step_by(model, Step::Down);
    }
}

/// The marked records, or else the whole pair.
fn sync(model: &mut Model) {
    if model.records.open.is_none()
        && !model.records.marks.is_empty()
        && let Some(pair) = model.records.pair.clone()
    {
        let marks = model.records.marks.iter();
        let records: Vec<AppId> = marks.map(|key| key.app_id.clone()).collect();
        let many = crate::tui::text::count(records.len() as u64, "record", "records");
        let say = Ask::Start(format!("Sync of {many} asked for"));
        return model.ask(say, Command::SyncRecords { pair, records });
    }
    if let Some(pair) = model.records.pair.clone() {
        let title = model
            .pairs()
            .iter()
            .find(|p| p.name == pair)
            .map_or_else(|| pair.to_string(), |p| p.title.clone());
        overview::start(model, Scope::Pair(pair), &title);
    }
}

fn field_text(model: &Model, detail: &RecordDetail) -> Option<String> {
    let field = detail.fields.get(model.records.fields.selected())?;
    let cell = field.app.as_ref().or(field.crm.as_ref())?;
    Some(
        cell.iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join("; "),
    )
}

fn address(model: &mut Model) {
    let Some(url) = model.records.detail.get().and_then(|d| d.url.clone()) else {
        return;
    };
    show_address(model, url);
}

/// Copies the address of a record in the CRM, and shows it.
pub fn show_address(model: &mut Model, url: String) {
    copy(model, Some(url.clone()));
    model.modal = Some(Modal::Text(Sheet::new("Address in Salesforce", url)));
}
