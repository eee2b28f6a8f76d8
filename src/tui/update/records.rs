//! Records: the list, one record on both sides, and changes of the App's record.

use super::act::go;
use super::{conflicts, mapping, overview, settings, step_of};
use crate::domain::id::PairName;
use crate::domain::mapping::{AppField, Pair};
use crate::domain::run::Word;
use crate::domain::value::{FieldKind, Fields, Value, canon};
use crate::engine::command::{Command, RecordKey, Scope};
use crate::engine::view::RecordDetail;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::effect::Effect;
use crate::tui::modal::{FormPurpose, Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Loaded, Section};
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::form::{Empty, Entry, Field, Form, OnEnter};
use crate::tui::widget::list::{ListState, Step};

/// The most a clipboard over SSH takes (terminal-ux 3).
const CLIPBOARD: usize = 48 * 1024;

/// Asks for the list and for the record shown.
pub fn load(model: &mut Model) {
    if model.records.pair.is_none() {
        model.records.pair = model.pairs().first().map(|p| p.name.clone());
    }
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let page = model.records.rows.page();
    let filter = model.records.filter.clone();
    model.ask(Ask::Records, Command::Records { pair, filter, page });
    load_detail(model);
}

fn shown(model: &Model) -> Option<RecordKey> {
    match &model.records.open {
        Some(key) => Some(key.clone()),
        None => model.records.rows.selected().map(|row| row.key.clone()),
    }
}

/// Asks for the record shown.
pub fn load_detail(model: &mut Model) {
    if let Some(key) = shown(model) {
        model.ask(Ask::Record(key.clone()), Command::Record { key });
    }
}

/// Opens a record.
pub fn show(model: &mut Model, key: RecordKey) {
    model.records.pair = Some(key.pair.clone());
    open(model, key);
    go(model, Screen::Records);
}

fn open(model: &mut Model, key: RecordKey) {
    if model.records.detail.get().is_none_or(|d| d.key != key) {
        model.records.detail = Loaded::Waiting;
        model.records.fields = ListState::default();
    }
    model.records.open = Some(key);
}

/// Puts a filter into force.
pub fn set_filter(model: &mut Model, text: String) {
    if model.records.filter != text {
        model.records.filter = text;
        model.records.rows.list.select(0);
        // What is here does not fit the filter: nothing of it may be opened.
        model.records.rows.part = Loaded::Waiting;
        model.records.detail = Loaded::Waiting;
        load(model);
    }
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
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
        Action::ItemBefore => neighbour(model, Step::Up),
        Action::ItemAfter => neighbour(model, Step::Down),
        Action::Mark => mark(model),
        Action::MarkRange => mark_range(model),
        Action::MarkAll => mark_all(model),
        Action::New => create_form(model),
        Action::Edit => edit_form(model),
        Action::Remove => ask_delete(model),
        Action::SyncNow => sync(model),
        Action::Copy => {
            let text = match (&model.records.open, model.records.detail.get()) {
                (Some(_), Some(detail)) => field_text(model, detail),
                _ => model.records.rows.selected().map(|row| row.name.clone()),
            };
            copy(model, text);
        }
        Action::CopyJson => {
            let json = model
                .records
                .detail
                .get()
                .and_then(|d| d.app.as_ref())
                .and_then(|app| serde_json::to_string_pretty(&app.fields).ok());
            copy(model, json);
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
            model.log.pair = model.records.pair.clone();
            model.log.open = None;
            go(model, Screen::Log);
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
    let names: Vec<PairName> = model.pairs().iter().map(|p| p.name.clone()).collect();
    let at = names
        .iter()
        .position(|n| Some(n) == model.records.pair.as_ref())
        .unwrap_or(0);
    let next = match step {
        Step::Up => at.checked_sub(1),
        _ => Some(at + 1),
    };
    if let Some(pair) = next.and_then(|n| names.get(n)) {
        model.records = crate::tui::state::RecordsState {
            pair: Some(pair.clone()),
            ..Default::default()
        };
        load(model);
    }
}

fn neighbour(model: &mut Model, step: Step) {
    let len = model.records.rows.len();
    model.records.rows.list.step(step, len);
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

fn mark_range(model: &mut Model) {
    let at = model.records.rows.list.selected();
    let Some(from) = model.records.range.take() else {
        model.records.range = Some(at);
        return;
    };
    let keys: Vec<RecordKey> = (from.min(at)..=from.max(at))
        .filter_map(|row| model.records.rows.row(row).map(|r| r.key.clone()))
        .collect();
    model.records.marks.extend(keys);
}

fn mark_all(model: &mut Model) {
    if !model.records.marks.is_empty() {
        model.records.marks.clear();
    } else if let Some(part) = model.records.rows.part.get() {
        model.records.marks = part.rows.iter().map(|r| r.key.clone()).collect();
    }
}

fn sync(model: &mut Model) {
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

/// Puts text on the clipboard of the person's terminal.
pub fn copy(model: &mut Model, text: Option<String>) {
    match text {
        None => model.say(Word::Info, "There is nothing here to copy."),
        Some(text) if text.len() > CLIPBOARD => {
            model.say(
                Word::Warn,
                "Too long for the clipboard of a terminal (48 KiB at most).",
            );
        }
        Some(text) => {
            let sent = crate::tui::text::count(text.len() as u64, "byte", "bytes");
            model.say(Word::Ok, format!("Sent {sent} to the clipboard of your terminal. Nothing there? tmux needs set-clipboard on."));
            model.effects.push(Effect::Copy(text));
        }
    }
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
    model.modal = Some(Modal::Text {
        title: "Address in Salesforce".into(),
        text: url,
    });
}

/// The App fields that a person may change.
fn editable(pair: &Pair) -> impl Iterator<Item = &AppField> {
    let fields = pair.app_fields.iter();
    fields.filter(|field| !pair.holds_crm_id(&field.name))
}

/// One field per App field; long text opens the editor.
fn app_fields(pair: &Pair, values: &Fields) -> Vec<Field> {
    editable(pair)
        .map(|field| {
            let value = values.get(&field.name).cloned().unwrap_or_default();
            let shown = value.to_string();
            let entry = match (field.kind, value.is_null()) {
                (FieldKind::LongText, false) => Entry::Long(shown.clone()),
                (FieldKind::LongText, true) => Entry::Long(String::new()),
                (_, true) => Entry::Null,
                (_, false) => Entry::Line(crate::tui::widget::prompt::Prompt::new(shown)),
            };
            Field {
                label: field.name.to_string(),
                note: kind_note(field),
                entry,
                empty: Empty::IsText,
            }
        })
        .collect()
}

fn kind_note(field: &AppField) -> String {
    let kind = match field.kind {
        FieldKind::Bool => "yes or no",
        FieldKind::Number { .. } => "number",
        FieldKind::Date => "2026-11-20",
        FieldKind::DateTime => "2026-11-20T14:30:00Z",
        _ => "",
    };
    match (kind, field.length) {
        ("", 0) => String::new(),
        ("", most) => format!("up to {most}"),
        (kind, _) => kind.to_owned(),
    }
}

fn edit_form(model: &mut Model) {
    let Some(detail) = model.records.detail.get() else {
        return;
    };
    let Some(app) = &detail.app else { return };
    let fields = app_fields(&detail.pair, &app.fields);
    let form = Form::new(
        format!("Edit {}", detail.name),
        fields,
        "Save",
        OnEnter::GoesOn,
    );
    let purpose = FormPurpose::EditRecord(detail.key.clone(), app.rev);
    model.modal = Some(Modal::Form(Box::new(form), purpose));
}

fn create_form(model: &mut Model) {
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let known = model
        .records
        .detail
        .get()
        .filter(|d| d.pair.name == pair)
        .map(|d| d.pair.clone());
    let Some(definition) =
        known.or_else(|| model.mapping.current().filter(|p| p.name == pair).cloned())
    else {
        // The fields of the table are not here yet; the mapping has them.
        model.ask(Ask::Mapping(pair.clone()), Command::Mapping { pair });
        model.say(
            Word::Info,
            "Asking for the fields of this table; press i again.",
        );
        return;
    };
    let fields = app_fields(&definition, &Fields::new());
    let form = Form::new(
        format!("New record in {}", definition.table),
        fields,
        "Make",
        OnEnter::GoesOn,
    );
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::CreateRecord(pair)));
}

/// The values of a filled form that differ from `before`. A long field left empty is null.
pub fn changed_fields(pair: &Pair, form: &Form, before: &Fields) -> Fields {
    let mut out = Fields::new();
    for (definition, field) in editable(pair).zip(&form.fields) {
        let value = match field.value() {
            None => Value::Null,
            Some(text) => canon(definition.kind, &Value::text(text)).into_owned(),
        };
        let old = before.get(&definition.name).cloned().unwrap_or_default();
        if !crate::domain::value::same(definition.kind, &old, &value) {
            out.insert(definition.name.clone(), value);
        }
    }
    out
}

/// Takes a filled record form; gives the form back with a reason when it is refused.
pub fn submit(model: &mut Model, mut form: Form, purpose: FormPurpose) {
    let pair_name = match &purpose {
        FormPurpose::EditRecord(key, _) => key.pair.clone(),
        FormPurpose::CreateRecord(pair) => pair.clone(),
        _ => return,
    };
    let detail = model
        .records
        .detail
        .get()
        .filter(|d| d.pair.name == pair_name);
    let pair = detail
        .map(|d| d.pair.clone())
        .or_else(|| model.mapping.current().cloned());
    let Some(pair) = pair else { return };
    let before = match (&purpose, detail.and_then(|d| d.app.as_ref())) {
        (FormPurpose::EditRecord(..), Some(app)) => app.fields.clone(),
        _ => Fields::new(),
    };
    let fields = changed_fields(&pair, &form, &before);
    if fields.is_empty() {
        form.error = Some("nothing was changed".into());
        model.modal = Some(Modal::Form(Box::new(form), purpose));
        return;
    }
    match purpose {
        FormPurpose::EditRecord(key, rev) => {
            let ask = Ask::EditRecord(key.clone());
            model.ask(ask, Command::EditRecord { key, rev, fields });
        }
        FormPurpose::CreateRecord(pair) => {
            model.ask(
                Ask::Create(pair.clone()),
                Command::CreateRecord { pair, fields },
            );
        }
        _ => {}
    }
}

fn ask_delete(model: &mut Model) {
    let Some(detail) = model.records.detail.get() else {
        return;
    };
    let Some(app) = &detail.app else { return };
    let profile = model
        .summary
        .as_ref()
        .map_or(String::new(), |s| s.profile.clone());
    let body = vec![
        Line::text(format!("{} is deleted in the App now.", detail.name)),
        Line::text("The next sync does in Salesforce what the rule of this pair says"),
        Line::text(format!("for App deletes: {}.", policy(&detail.pair))),
        Line::text("Not undone by u."),
        Line::new(),
    ];
    let release = Release::Send(
        Ask::Told(format!("{} was deleted in the App.", detail.name)),
        Box::new(Command::DeleteRecord {
            key: detail.key.clone(),
            rev: app.rev,
        }),
    );
    let confirm = Confirm::typed("Delete this record?", body, format!("{profile} 1"), release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

fn policy(pair: &Pair) -> &'static str {
    use crate::domain::mapping::DeletePolicy;
    match pair.on_app_delete {
        DeletePolicy::Propagate => "delete it there too",
        DeletePolicy::Mark => "mark it as deleted there",
        DeletePolicy::Unlink => "leave it there, stop syncing it",
    }
}
