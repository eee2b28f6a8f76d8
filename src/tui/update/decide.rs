//! Decisions on conflicts: what a key stages, what it cannot, and the way back.
//!
//! A decision is shown at once and sent to the engine, which keeps it; nothing here writes to a
//! system. Invariant: every decision carries the fingerprint of the values that were on screen.

use super::clipboard::{As, copy_as};
use super::conflicts::load_detail;
use crate::domain::conflict::Choice;
use crate::domain::id::{ConflictId, RowId};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind, Value, canon};
use crate::engine::command::{Command, Decide, Overrule};
use crate::engine::view::{ConflictDetail, ConflictField, FieldStanding, RecordConflict};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::decisions::{Change, Step};
use crate::tui::modal::{EditTarget, FormPurpose, Modal};
use crate::tui::model::{Model, Screen};
use crate::tui::text::count;
use crate::tui::widget::editor::Editor;
use crate::tui::widget::form::{Field, Form, OnEnter};

/// What the cursor of the field table is on.
enum Item<'d> {
    Record(&'d RecordConflict),
    Field(usize, &'d ConflictField),
}

fn item(detail: &ConflictDetail, at: usize) -> Option<Item<'_>> {
    match (&detail.record, at) {
        (Some(record), 0) => Some(Item::Record(record)),
        (record, at) => {
            let index = at - usize::from(record.is_some());
            detail
                .fields
                .get(index)
                .map(|field| Item::Field(index, field))
        }
    }
}

/// Index of the field under the cursor, if it is on a field.
pub fn field_index(detail: &ConflictDetail, at: usize) -> Option<usize> {
    match item(detail, at) {
        Some(Item::Field(index, _)) => Some(index),
        _ => None,
    }
}

/// Mapping row of the field under the cursor.
pub fn row_of(model: &Model) -> Option<RowId> {
    let detail = model.conflicts.detail.get()?.as_ref()?;
    let index = field_index(detail, model.conflicts.fields.selected())?;
    detail.fields.get(index).map(|f| f.row)
}

/// Why an action cannot decide what the cursor is on.
pub fn refusal(detail: &ConflictDetail, at: usize, action: Action) -> Option<&'static str> {
    if matches!(action, Action::AllApp | Action::AllCrm) {
        return None;
    }
    match item(detail, at) {
        None => Some("nothing is under the cursor"),
        Some(Item::Record(record)) => match action {
            Action::TakeBase | Action::TakeBoth | Action::Edit => {
                Some("this is about the whole record: keep it or delete it")
            }
            Action::RuleApp | Action::RuleCrm => {
                Some("this is about the whole record: a rule is for a field")
            }
            _ if matches!(record.standing, FieldStanding::Writing) => Some("it is being written"),
            _ => None,
        },
        Some(Item::Field(_, field)) => match (action, &field.standing) {
            (Action::RuleApp | Action::RuleCrm, _) => None,
            (_, FieldStanding::Writing) => Some("it is being written"),
            (Action::TakeBase, _) if field.base.is_none() => {
                Some("there is no agreed value: the two were never the same")
            }
            (Action::TakeBoth, _)
                if !matches!(field.kind, FieldKind::LongText | FieldKind::MultiPicklist) =>
            {
                Some("both values can be joined only for lists and long text")
            }
            (Action::TakeBoth | Action::Ignore, _) if was_settled(field) => {
                Some("it is decided: take one of its values back, or type another")
            }
            (
                Action::Clear,
                FieldStanding::Open | FieldStanding::Auto(_) | FieldStanding::Settled,
            ) => Some("nothing is decided here"),
            (Action::Ignore, _) if field.conflict.is_none() => {
                Some("only one side changed it; there is nothing to set aside")
            }
            _ => None,
        },
    }
}

/// Does an action on the open conflict.
pub fn act(model: &mut Model, action: Action) {
    let side = model.conflicts.side;
    let choice = match action {
        Action::TakeSide => Some(Choice::Take(side)),
        Action::TakeApp => Some(Choice::Take(Side::App)),
        Action::TakeCrm => Some(Choice::Take(Side::Crm)),
        Action::TakeBase => Some(Choice::Base),
        Action::TakeBoth => Some(Choice::Both),
        Action::Ignore => Some(Choice::Ignore),
        Action::Clear => None,
        Action::Edit => return edit(model),
        Action::AllApp => return all_fields(model, Side::App),
        Action::AllCrm => return all_fields(model, Side::Crm),
        Action::Copy | Action::CopyJson | Action::CopyRaw => return copy(model, action),
        _ => return,
    };
    decide(model, choice);
}

/// Stages a choice for what the cursor is on; none takes it back.
fn decide(model: &mut Model, choice: Option<Choice>) {
    let at = model.conflicts.fields.selected();
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let step = match item(detail, at) {
        Some(Item::Field(index, _)) => field_step(detail, index, choice.clone()),
        Some(Item::Record(record)) => Some(Step {
            name: name_of(choice.as_ref(), "the record"),
            forth: whole_change(detail, record, choice),
            back: whole_change(detail, record, choice_of(&record.standing)),
        }),
        None => None,
    };
    if let Some(step) = step {
        make(model, step);
    }
}

fn whole_change(
    detail: &ConflictDetail,
    record: &RecordConflict,
    choice: Option<Choice>,
) -> Change {
    let decide = Decide {
        conflict: record.conflict.id,
        fp: record.conflict.fp,
        choice,
    };
    Change::Decide(vec![(detail.key.clone(), decide)])
}

fn field_step(detail: &ConflictDetail, index: usize, choice: Option<Choice>) -> Option<Step> {
    let field = detail.fields.get(index)?;
    let before = choice_of(&field.standing);
    let change = |choice: Option<Choice>| match field.conflict {
        Some(conflict) => {
            let fp = field.fp;
            let decide = Decide {
                conflict,
                fp,
                choice,
            };
            Change::Decide(vec![(detail.key.clone(), decide)])
        }
        None => Change::Overrule(Box::new(Overrule {
            record: detail.key.clone(),
            row: field.row,
            fp: field.fp,
            choice,
        })),
    };
    Some(Step {
        name: name_of(choice.as_ref(), &field.app_label),
        forth: change(choice),
        back: change(before),
    })
}

/// Whether a field's conflict was decided: its note says how.
fn was_settled(field: &ConflictField) -> bool {
    field.conflict.is_none() && field.note.is_some()
}

/// The choice a standing stands for.
pub fn choice_of(standing: &FieldStanding) -> Option<Choice> {
    match standing {
        FieldStanding::Decided(choice) => Some(choice.clone()),
        FieldStanding::Ignored => Some(Choice::Ignore),
        FieldStanding::Open
        | FieldStanding::Auto(_)
        | FieldStanding::Writing
        | FieldStanding::Settled => None,
    }
}

/// What a step is called, for the toast.
pub fn name_of(choice: Option<&Choice>, what: &str) -> String {
    let how = match choice {
        Some(Choice::Take(Side::App)) => "App",
        Some(Choice::Take(Side::Crm)) => "Salesforce",
        Some(Choice::Base) => "the base",
        Some(Choice::Typed { .. }) => "a typed value",
        Some(Choice::Both) => "both",
        Some(Choice::Ignore) => "set aside",
        None => "no decision",
    };
    format!("{how} for {what}")
}

/// Makes a step: shows it, notes the way back, sends it.
pub fn make(model: &mut Model, step: Step) {
    show(model, &step.forth);
    send(model, &step.forth);
    model.conflicts.history.push(step);
    load_detail(model);
}

/// Shows a change before the engine answered.
fn show(model: &mut Model, change: &Change) {
    let Some(Some(detail)) = model.conflicts.detail.get_mut() else {
        return;
    };
    let stand = |choice: &Option<Choice>, none: FieldStanding| match choice {
        Some(Choice::Ignore) => FieldStanding::Ignored,
        Some(choice) => FieldStanding::Decided(choice.clone()),
        None => none,
    };
    match change {
        Change::Decide(decisions) => {
            for (_, decision) in decisions {
                if let Some(record) = &mut detail.record
                    && record.conflict.id == decision.conflict
                {
                    record.standing = stand(&decision.choice, FieldStanding::Open);
                }
                for field in &mut detail.fields {
                    if field.conflict == Some(decision.conflict) {
                        field.standing = stand(&decision.choice, FieldStanding::Open);
                        field.result = None;
                    }
                }
            }
        }
        Change::Edits(..) => {}
        Change::Overrule(overrule) => {
            let auto = |field: &ConflictField| {
                if was_settled(field) {
                    return FieldStanding::Settled;
                }
                let moved = match (&field.base, &field.app) {
                    (Some(base), Some(app)) if base.app == *app => Side::Crm,
                    _ => Side::App,
                };
                FieldStanding::Auto(moved)
            };
            for field in &mut detail.fields {
                if field.row == overrule.row && field.conflict.is_none() {
                    field.standing = stand(&overrule.choice, auto(field));
                    field.result = None;
                }
            }
        }
    }
}

fn send(model: &mut Model, change: &Change) {
    let command = match change {
        Change::Edits(pair, edits) => {
            for part in edits.chunks(super::bulk::PART) {
                let (pair, edits) = (pair.clone(), part.to_vec());
                model.ask(Ask::Restage, Command::StageEdits { pair, edits });
            }
            return;
        }
        Change::Decide(decisions) => Command::Decide {
            decisions: decisions.iter().map(|(_, d)| d.clone()).collect(),
        },
        Change::Overrule(overrule) => Command::Overrule {
            overrule: (**overrule).clone(),
        },
    };
    model.ask(Ask::Decide, command);
}

/// All fields that need a person, of the open record: sets them, whatever they were.
fn all_fields(model: &mut Model, side: Side) {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let fields: Vec<&ConflictField> = detail
        .fields
        .iter()
        .filter(|f| f.conflict.is_some() && !matches!(f.standing, FieldStanding::Writing))
        .collect();
    if fields.is_empty() {
        model.say(
            Word::Info,
            "No field here needs a person; a record to keep or delete is decided with a or c.",
        );
        return;
    }
    let pick = |choice: &dyn Fn(&ConflictField) -> Option<Choice>| {
        fields
            .iter()
            .filter_map(|f| {
                let decide = Decide {
                    conflict: f.conflict?,
                    fp: f.fp,
                    choice: choice(f),
                };
                Some((detail.key.clone(), decide))
            })
            .collect::<Vec<_>>()
    };
    let what = count(fields.len() as u64, "field", "fields");
    let step = Step {
        name: name_of(Some(&Choice::Take(side)), &what),
        forth: Change::Decide(pick(&|_| Some(Choice::Take(side)))),
        back: Change::Decide(pick(&|f| choice_of(&f.standing))),
    };
    make(model, step);
}

/// Takes the last step back and says which.
pub fn undo(model: &mut Model) {
    if let Some(step) = model.conflicts.history.undo() {
        show(model, &step.back);
        send(model, &step.back);
        model.say(Word::Info, format!("Took back: {}", step.name));
        reload(model, &step.back);
    }
}

/// Makes the last step again.
pub fn redo(model: &mut Model) {
    if let Some(step) = model.conflicts.history.redo() {
        show(model, &step.forth);
        send(model, &step.forth);
        model.say(Word::Info, format!("Again: {}", step.name));
        reload(model, &step.forth);
    }
}

/// The conflicts after a change of decisions; the answer to an edit brings the records.
fn reload(model: &mut Model, change: &Change) {
    if !matches!(change, Change::Edits(..)) {
        super::conflicts::load(model);
    }
}

/// Puts the cursor on the next field that needs a person.
pub fn next_open(model: &mut Model) {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let total = super::conflicts::items(detail);
    let at = model.conflicts.fields.selected();
    let open = (1..=total)
        .map(|far| (at + far) % total.max(1))
        .find(|i| match item(detail, *i) {
            Some(Item::Field(_, f)) => f.standing == FieldStanding::Open,
            Some(Item::Record(r)) => r.standing == FieldStanding::Open,
            None => false,
        });
    match open {
        Some(next) => model.conflicts.fields.select(next),
        None => model.say(
            Word::Info,
            "Every field here is decided. w shows what will be written.",
        ),
    }
}

/// Opens the field under the cursor for typing.
fn edit(model: &mut Model) {
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
        (Side::Crm, Some(app), Some(crm)) if crm.len() == app.len() => crm.clone(),
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

fn copy(model: &mut Model, action: Action) {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let Some(Item::Field(_, field)) = item(detail, model.conflicts.fields.selected()) else {
        return;
    };
    let cell = match model.conflicts.side {
        Side::App => &field.app,
        Side::Crm => &field.crm,
    };
    let text = match (action, cell) {
        (_, None) => None,
        (Action::CopyJson, Some(cell)) => serde_json::to_string(cell).ok(),
        (_, Some(cell)) => Some(
            cell.iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        ),
    };
    let how = match action {
        Action::CopyJson => As::Json,
        Action::CopyRaw => As::Raw,
        _ => As::Line,
    };
    copy_as(model, text, how);
}
