//! Decisions on conflicts: what a key stages, and what it cannot.
//!
//! What becomes of a step is in `steps`; nothing here writes to a system. Invariant: every decision carries the fingerprint of the values that were on screen.

mod typing;

use super::clipboard::{As, copy_as};
use super::steps::make;
use crate::domain::conflict::Choice;
use crate::domain::id::RowId;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::domain::value::{FieldKind, Value};
use crate::engine::command::{Decide, Overrule};
use crate::engine::view::{ConflictDetail, ConflictField, FieldStanding, RecordConflict};
use crate::tui::action::Action;
use crate::tui::decisions::{Change, Step};
use crate::tui::model::Model;
use crate::tui::text::count;

pub use typing::{give_back, typed};

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

/// Why an action cannot decide what the cursor is on; `side` is the one in focus.
pub fn refusal(detail: &ConflictDetail, at: usize, side: Side, action: Action) -> Option<&str> {
    if matches!(action, Action::AllApp | Action::AllCrm) {
        let none = detail.fields.iter().all(|f| f.conflict.is_none());
        return none.then_some(
            "no field here needs a person; a record to keep or delete is decided with a or c",
        );
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
            Action::Clear | Action::Ignore if record.standing == FieldStanding::Settled => {
                Some("it is decided: take the other answer, or leave it")
            }
            Action::Clear if record.standing == FieldStanding::Open => {
                Some("nothing is decided here")
            }
            _ => {
                let taken = taken(action, side)?;
                record.take(taken).as_ref().err().map(String::as_str)
            }
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

/// The side that an action takes, where `side` is the one in focus.
fn taken(action: Action, side: Side) -> Option<Side> {
    match action {
        Action::TakeSide => Some(side),
        Action::TakeApp => Some(Side::App),
        Action::TakeCrm => Some(Side::Crm),
        _ => None,
    }
}

/// Does an action on the open conflict.
pub fn act(model: &mut Model, action: Action) {
    let side = model.conflicts.side;
    let choice = match action {
        Action::TakeSide | Action::TakeApp | Action::TakeCrm => {
            taken(action, side).map(Choice::Take)
        }
        Action::TakeBase => Some(Choice::Base),
        Action::TakeBoth => Some(Choice::Both),
        Action::Ignore => Some(Choice::Ignore),
        Action::Clear => None,
        Action::Edit => return typing::begin(model),
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
            name: name_of(choice.as_ref(), &detail.name),
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
        name: name_of(
            choice.as_ref(),
            &format!("{} of {}", field.app_label, detail.name),
        ),
        forth: change(choice),
        back: change(before),
    })
}

/// Whether a field's conflict was decided: its note says how.
pub(super) fn was_settled(field: &ConflictField) -> bool {
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
    let fields_of = count(fields.len() as u64, "field", "fields");
    let what = format!("{fields_of} of {}", detail.name);
    let step = Step {
        name: name_of(Some(&Choice::Take(side)), &what),
        forth: Change::Decide(pick(&|_| Some(Choice::Take(side)))),
        back: Change::Decide(pick(&|f| choice_of(&f.standing))),
    };
    make(model, step);
}

/// Whether all that was asked of a record was decided, and no other answer is staged.
pub fn is_settled(detail: &ConflictDetail) -> bool {
    let standings = detail.fields.iter().map(|field| &field.standing);
    let mut all = standings.chain(detail.record.as_ref().map(|record| &record.standing));
    all.all(|standing| matches!(standing, FieldStanding::Settled | FieldStanding::Auto(_)))
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
    let text = match open {
        Some(next) => return model.conflicts.fields.select(next),
        None if is_settled(detail) => {
            "Nothing waits here. Esc shows the list; a or c takes a value back."
        }
        None => "Every field here is decided. w shows what will be written.",
    };
    model.say(Word::Info, text);
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
