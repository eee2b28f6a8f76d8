//! The draft of a mapping: what is changed before `w`, step by step, and taken back the same way.
//!
//! Saves nothing. Invariant: there is a draft exactly when it says something else than what is
//! saved, and every step that led to it can be taken back.

use super::{load_preview, mapping_form, selected};
use crate::domain::id::RowId;
use crate::domain::mapping::{Pair, Strategy, Switch};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::Command;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::widget::confirm::Confirm;

/// Takes up a draft that was kept, unless one is at work here.
pub fn take_up(model: &mut Model, saved: &Pair, kept: Option<Pair>) {
    let mapping = &mut model.mapping;
    let untouched = mapping.draft.is_none() && mapping.undo.is_empty() && mapping.redo.is_empty();
    if let Some(kept) = kept.filter(|kept| untouched && kept != saved) {
        mapping.undo.push(Box::new(saved.clone()));
        mapping.draft = Some(Box::new(kept));
    }
}

/// Puts a changed pair into the draft and remembers the one before.
pub fn stage(model: &mut Model, changed: Pair) {
    let Some(before) = model.mapping.current().cloned() else {
        return;
    };
    if before == changed {
        return;
    }
    model.mapping.undo.push(Box::new(before));
    model.mapping.redo.clear();
    set_draft(model, changed);
}

/// The draft is none when it says what is saved.
fn set_draft(model: &mut Model, pair: Pair) {
    let saved = model.mapping.detail.get().map(|d| &d.pair);
    let name = pair.name.clone();
    let draft = (saved != Some(&pair)).then(|| Box::new(pair));
    model.mapping.draft.clone_from(&draft);
    model.ask(Ask::KeepDraft, Command::KeepDraft { pair: name, draft });
    let len = model.mapping.current().map_or(0, |p| p.rows.len());
    model.mapping.rows.clamp(len);
    load_preview(model);
}

/// Takes the last step back.
pub(super) fn undo(model: &mut Model) {
    if let (Some(before), Some(now)) = (model.mapping.undo.pop(), model.mapping.current().cloned())
    {
        model.mapping.redo.push(Box::new(now));
        set_draft(model, *before);
        model.say(Word::Info, "Took back the last change of the mapping.");
    }
}

/// Makes the step again that was taken back.
pub(super) fn redo(model: &mut Model) {
    if let (Some(after), Some(now)) = (model.mapping.redo.pop(), model.mapping.current().cloned()) {
        model.mapping.undo.push(Box::new(now));
        set_draft(model, *after);
        model.say(Word::Info, "Made the change again.");
    }
}

/// Switches the row under the cursor on or off.
pub(super) fn switch(model: &mut Model) {
    let Some(mut pair) = model.mapping.current().cloned() else {
        return;
    };
    if let Some(row) = pair.rows.get_mut(model.mapping.rows.selected()) {
        row.switch = match row.switch {
            Switch::On => Switch::Off,
            Switch::Off => Switch::On,
        };
        stage(model, pair);
    }
}

/// Takes the staged change of the row under the cursor back.
pub(super) fn clear_row(model: &mut Model) {
    let Some(mut pair) = model.mapping.current().cloned() else {
        return;
    };
    let Some(id) = selected(model).map(|r| r.id) else {
        return;
    };
    let saved = model
        .mapping
        .detail
        .get()
        .and_then(|d| d.pair.row(id))
        .cloned();
    match saved {
        Some(saved) => {
            if let Some(row) = pair.rows.iter_mut().find(|r| r.id == id) {
                *row = saved;
            }
        }
        None => pair.rows.retain(|r| r.id != id),
    }
    stage(model, pair);
}

/// Asks before the row under the cursor leaves the draft.
pub(super) fn ask_remove(model: &mut Model) {
    let Some(row) = selected(model).cloned() else {
        return;
    };
    let body = vec![
        Line::text(mapping_form::row_text(&row)),
        Line::new(),
        Line::text("The row leaves the draft. Values on both sides stay as they are;"),
        Line::text("they are no longer compared. u brings the row back before w."),
    ];
    let confirm = Confirm::ask(
        "Remove this row?",
        body,
        "Cancel",
        "Remove",
        Release::RemoveRow(row.id),
    );
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Removes a row from the draft.
pub fn remove(model: &mut Model, row: RowId) {
    let Some(mut pair) = model.mapping.current().cloned() else {
        return;
    };
    pair.rows.retain(|r| r.id != row);
    for rule in &mut pair.match_on {
        rule.retain(|r| *r != row);
    }
    pair.match_on.retain(|rule| !rule.is_empty());
    stage(model, pair);
}

/// Puts a rule for the conflicts of a row into the draft.
pub(super) fn stage_rule(model: &mut Model, at: usize, rule: Strategy) {
    let Some(mut pair) = model.mapping.current().cloned() else {
        return;
    };
    let Some(row) = pair.rows.get_mut(at) else {
        return;
    };
    let name = row.label(Side::App);
    let text = match row.strategy == rule {
        true => format!("The rule for {name} is {} already.", rule.name()),
        false => format!(
            "The rule for {name} is {} in the draft. w on 4 saves it, u takes it back.",
            rule.name()
        ),
    };
    row.strategy = rule;
    stage(model, pair);
    model.say(Word::Info, text);
}
