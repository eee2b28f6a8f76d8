//! One decision for many records of the conflict list. It sets, whatever they were before.

use super::decide::{make, name_of};
use crate::domain::conflict::Choice;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::Decide;
use crate::tui::decisions::{Change, Step};
use crate::tui::model::Model;
use crate::tui::text::count;

/// The marked records, or the one under the cursor: one side for all their open fields.
pub fn all_marked(model: &mut Model, side: Option<Side>) {
    on_marked(model, side.map(Choice::Take));
}

/// Sets the marked records aside.
pub fn ignore_marked(model: &mut Model) {
    on_marked(model, Some(Choice::Ignore));
}

fn on_marked(model: &mut Model, choice: Option<Choice>) {
    let mut decisions = Vec::new();
    let mut back = Vec::new();
    let (mut records, mut deletes) = (0u64, 0u64);
    let rows = &model.conflicts.rows;
    let cursor = rows.selected().map(|r| r.key.clone());
    let part = rows.part.get().map_or(&[][..], |p| p.rows.as_slice());
    for row in part {
        let meant = if model.conflicts.marks.is_empty() {
            cursor.as_ref() == Some(&row.key)
        } else {
            model.conflicts.marks.contains(&row.key)
        };
        if !meant {
            continue;
        }
        // Deleting is never decided for many at once.
        if row.word == Word::Del && matches!(choice, Some(Choice::Take(_))) {
            deletes += 1;
            continue;
        }
        records += 1;
        for (conflict, fp) in &row.conflicts {
            let before = model.conflicts.history.known(*conflict);
            decisions.push(Decide {
                conflict: *conflict,
                fp: *fp,
                choice: choice.clone(),
            });
            back.push(Decide {
                conflict: *conflict,
                fp: *fp,
                choice: before,
            });
        }
    }
    if deletes > 0 {
        let left = count(deletes, "record was", "records were");
        model.say(
            Word::Info,
            format!("{left} left out: what to keep or delete is decided one by one."),
        );
    }
    if decisions.is_empty() {
        return;
    }
    let step = Step {
        name: name_of(choice.as_ref(), &count(records, "record", "records")),
        forth: Change::Decide(decisions),
        back: Change::Decide(back),
    };
    model.say(
        Word::Ok,
        format!("Staged: {}. Nothing is written before w.", step.name),
    );
    make(model, step);
    // The next key is for the row under the cursor, not once more for these.
    model.conflicts.marks.clear();
    super::conflicts::load(model);
}
