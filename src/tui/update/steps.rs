//! Steps of what is staged: made, taken back, and made again.
//!
//! A decision is shown at once and sent to the engine, which keeps it; nothing here writes to a
//! system. Invariant: what is noted is what was sent.

use super::conflicts::load_detail;
use super::decide::was_settled;
use crate::domain::conflict::Choice;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::Command;
use crate::engine::view::{ConflictField, FieldStanding};
use crate::tui::ask::{Ask, Way};
use crate::tui::decisions::{Change, Step};
use crate::tui::model::Model;

/// Makes a step: shows it, notes the way back, sends it.
pub fn make(model: &mut Model, step: Step) {
    show(model, &step.forth);
    send(model, &step.forth, Way::Forth);
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
        Change::Edits(..) | Change::Schedule(..) => {}
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

fn send(model: &mut Model, change: &Change, way: Way) {
    let command = match change {
        Change::Edits(pair, edits) => {
            for part in edits.chunks(super::bulk::PART) {
                let (pair, edits) = (pair.clone(), part.to_vec());
                model.ask(Ask::Restage, Command::StageEdits { pair, edits });
            }
            return;
        }
        Change::Schedule(pair, schedule) => {
            let (pair, schedule) = (pair.clone(), schedule.clone());
            return model.ask(Ask::Restage, Command::StageSchedule { pair, schedule });
        }
        Change::Decide(decisions) => Command::Decide {
            decisions: decisions.iter().map(|(_, d)| d.clone()).collect(),
        },
        Change::Overrule(overrule) => Command::Overrule {
            overrule: (**overrule).clone(),
        },
    };
    model.ask(Ask::Decide(way), command);
}

/// Takes the last step back and says which.
pub fn undo(model: &mut Model) {
    if let Some(step) = model.conflicts.history.undo() {
        show(model, &step.back);
        send(model, &step.back, Way::Back);
        model.say(Word::Info, format!("Took back: {}", step.name));
        reload(model, &step.back);
    }
}

/// Makes the last step again.
pub fn redo(model: &mut Model) {
    if let Some(step) = model.conflicts.history.redo() {
        show(model, &step.forth);
        send(model, &step.forth, Way::Forth);
        model.say(Word::Info, format!("Again: {}", step.name));
        reload(model, &step.forth);
    }
}

/// The conflicts after a change of decisions; other answers bring what they change.
fn reload(model: &mut Model, change: &Change) {
    match change {
        Change::Edits(..) | Change::Schedule(..) => {}
        Change::Decide(_) | Change::Overrule(_) => super::conflicts::load(model),
    }
}
