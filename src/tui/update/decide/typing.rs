//! A value that a person types for a field in conflict.
//!
//! Decides nothing by itself. Invariant: what was typed and is refused stands again where it was
//! typed, or is in the messages.

use super::{Item, field_step, item};
use crate::domain::conflict::Choice;
use crate::domain::id::ConflictId;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind, Value, canon};
use crate::engine::view::{ConflictField, FieldStanding};
use crate::tui::modal::{EditTarget, FormPurpose, Modal};
use crate::tui::model::{Model, Screen};
use crate::tui::update::steps::make;
use crate::tui::widget::editor::Editor;
use crate::tui::widget::form::{Field, Form, OnEnter};

/// Opens the field under the cursor for typing.
pub fn begin(model: &mut Model) {
    let at = model.conflicts.fields.selected();
    let side = model.conflicts.side;
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let Some(Item::Field(index, field)) = item(detail, at) else {
        return;
    };
    let start = starting_cell(field, side);
    let title = format!("{}: {}", detail.name, field.app_label);
    model.modal = Some(typing(field, index, title, (Begins::Kept, &start)));
}

/// What a value that is edited begins with.
#[derive(Debug, Clone, Copy)]
enum Begins {
    /// Something that is kept elsewhere.
    Kept,
    /// What was typed, and is nowhere else.
    Typed,
}

/// The dialog in which a value of a field is typed, beginning with `cell`.
fn typing(
    field: &ConflictField,
    index: usize,
    title: String,
    (begins, cell): (Begins, &Cell),
) -> Modal {
    let text = cell.first().map(Value::to_string).unwrap_or_default();
    if cell.len() <= 1 && (field.kind == FieldKind::LongText || text.contains('\n')) {
        let editor = match begins {
            Begins::Kept => Editor::new(&text),
            Begins::Typed => Editor::typed_over("", &text),
        };
        return Modal::Editor {
            title,
            editor: Box::new(editor),
            target: EditTarget::Conflict(index),
            behind: None,
        };
    }
    let labels: Vec<&str> = field.app_label.split(" + ").collect();
    let fields = cell
        .iter()
        .enumerate()
        .map(|(n, value)| {
            let label = labels.get(n).copied().unwrap_or(field.app_label.as_str());
            let shown = value.to_string();
            let note = match field.limits.0 {
                0 => String::new(),
                most => format!("up to {most}"),
            };
            Field::line(label, (!value.is_null()).then_some(shown.as_str()), note)
        })
        .collect();
    let form = Form::new(title, fields, "Stage", OnEnter::Keeps);
    Modal::Form(Box::new(form), FormPurpose::Conflict(index))
}

/// A typed value was refused: it stands again in the dialog it was typed in, if its field is in
/// front and nothing else is open. Says it otherwise, so that it is in the messages.
pub fn give_back(model: &mut Model, conflict: ConflictId, cell: &Cell) {
    let free = model.modal.is_none() && model.filter.is_none();
    let shown = free && model.screen == Screen::Conflicts && model.conflicts.open.is_some();
    let detail = model.conflicts.detail.get().and_then(Option::as_ref);
    let fields = detail.filter(|_| shown).map(|d| d.fields.as_slice());
    let mut fields = fields.unwrap_or_default().iter().enumerate();
    match fields.find(|(_, field)| field.conflict == Some(conflict)) {
        Some((index, field)) => {
            let title = format!("Not staged; what you typed: {}", field.app_label);
            model.modal = Some(typing(field, index, title, (Begins::Typed, cell)));
        }
        None => {
            let texts: Vec<String> = cell.iter().map(Value::to_string).collect();
            let text = format!("Not staged; what you typed: {}", texts.join(" | "));
            model.say(Word::Warn, text);
        }
    }
}

/// What editing begins with: the result so far, else the side in focus, as the App holds it.
fn starting_cell(field: &ConflictField, side: Side) -> Cell {
    let fallback = || match (side, &field.app, &field.crm) {
        (Side::App, Some(app), _) | (Side::Crm, Some(app), None) => app.clone(),
        (Side::Crm, Some(app), Some(crm)) if crm.len() == app.len() && is_one_form(field) => {
            crm.clone()
        }
        (_, Some(app), _) => app.clone(),
        (_, None, Some(crm)) => crm.clone(),
        (_, None, None) => vec![Value::Null],
    };
    match (&field.standing, &field.result) {
        (FieldStanding::Decided(Choice::Typed { cell, .. }), _) => cell.clone(),
        (_, Some((app, _))) => app.clone(),
        _ => fallback(),
    }
}

/// Whether both sides keep the value in one form, as far as can be told: what is typed is the App's,
/// which may have other words for it.
fn is_one_form(field: &ConflictField) -> bool {
    match &field.base {
        Some(base) => base.app == base.crm,
        None => field.kind != FieldKind::Picklist,
    }
}

/// Stages typed values for a field. `None` is null.
pub fn typed(model: &mut Model, index: usize, values: Vec<Option<String>>) {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let Some(field) = detail.fields.get(index) else {
        return;
    };
    let cell: Cell = values
        .into_iter()
        .map(|text| match text {
            None => Value::Null,
            Some(text) => canon(field.kind, &Value::text(text)).into_owned(),
        })
        .collect();
    let choice = Choice::Typed {
        side: Side::App,
        cell,
    };
    if let Some(step) = field_step(detail, index, Some(choice)) {
        make(model, step);
    }
}
