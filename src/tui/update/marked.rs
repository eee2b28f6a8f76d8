//! Marks in the list of conflicts, and one decision for all that is marked. It sets, whatever they
//! were before.
//!
//! A mark holds the record as the list showed it, so that it stands for what is not on the screen
//! as well. Invariant: what is marked is decided, also where the list shows another part, and never
//! over what somebody else decided meanwhile without a word.

use std::collections::BTreeSet;

use super::bulk::MARKS;
use super::by_marks;
use super::decide::name_of;
use super::steps::make;
use crate::domain::conflict::Choice;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::{Command, Decide, Page, RecordKey};
use crate::engine::view::{ConflictRow, Part};
use crate::tui::ask::Ask;
use crate::tui::decisions::{Change, Step};
use crate::tui::model::Model;
use crate::tui::text::{count, group};

/// Marks the row under the cursor, or takes its mark off.
pub fn mark(model: &mut Model) {
    if let Some(row) = model.conflicts.rows.selected().cloned() {
        let marks = &mut model.conflicts.marks;
        if marks.remove(&row.key).is_none() {
            marks.insert(row.key.clone(), row);
        }
    }
}

/// Begins a range, or marks it.
pub fn mark_range(model: &mut Model) {
    let at = model.conflicts.rows.list.selected();
    match model.conflicts.range.take() {
        None => model.conflicts.range = Some(at),
        Some(from) => mark_rows(model, from.min(at), from.abs_diff(at) + 1),
    }
}

/// Marks all that the filter takes; again: none.
pub fn mark_all(model: &mut Model) {
    if model.conflicts.marks.is_empty() {
        let all = model.conflicts.rows.len();
        mark_rows(model, 0, all);
    } else {
        model.conflicts.marks.clear();
    }
}

/// Marks rows of the list; those that are not here are asked for.
fn mark_rows(model: &mut Model, first: usize, wanted: usize) {
    let rows = &model.conflicts.rows;
    let here: Option<Vec<ConflictRow>> = (first..first + wanted)
        .map(|at| rows.row(at).cloned())
        .collect();
    let filter = model.conflicts.filter.clone();
    match here {
        Some(rows) => set(model, rows),
        None => {
            let page = Page {
                offset: first,
                limit: wanted.min(MARKS),
            };
            let ask = Ask::MarkConflicts { filter, wanted };
            let filter = by_marks::of_conflicts(model);
            model.ask(ask, Command::Conflicts { filter, page });
        }
    }
}

fn set(model: &mut Model, rows: Vec<ConflictRow>) {
    let marks = rows.into_iter().map(|row| (row.key.clone(), row));
    model.conflicts.marks.extend(marks);
}

/// Marks what was asked for, if the list is still the same.
pub fn take(model: &mut Model, filter: &str, wanted: usize, part: Part<ConflictRow>) {
    if model.conflicts.filter != filter {
        return;
    }
    let got = part.rows.len();
    if got < wanted && part.total > got as u64 {
        let text = format!(
            "{} of {} are marked: more are not at once. A filter makes them fewer.",
            group(got as u64),
            group(wanted as u64)
        );
        model.say(Word::Info, text);
    }
    set(model, part.rows);
}

/// Asks how what is marked stands: somebody else may have decided it.
pub fn look(model: &mut Model) {
    let many = model.conflicts.marks.len();
    if many == 0 {
        return;
    }
    let page = Page {
        offset: 0,
        limit: MARKS,
    };
    let filter = match many <= by_marks::MOST {
        true => by_marks::marked_conflicts(model),
        false => String::new(),
    };
    let marked = model.conflicts.marks.keys().cloned().collect();
    let ask = Ask::MarkedConflicts(marked);
    model.ask(ask, Command::Conflicts { filter, page });
}

/// What was marked stands so. What is not among it is not in conflict any more.
pub fn looked(model: &mut Model, asked: &[RecordKey], part: &Part<ConflictRow>) {
    let mut left = renew(model, &part.rows);
    if part.rows.len() as u64 == part.total {
        let here: BTreeSet<&RecordKey> = part.rows.iter().map(|row| &row.key).collect();
        let gone = asked.iter().filter(|key| !here.contains(key));
        let marks = &mut model.conflicts.marks;
        left.extend(gone.filter_map(|key| marks.remove(key)).map(|row| row.name));
    }
    tell(model, &left);
}

/// A part of the list is here: marks are of what it shows, and the engine's word on what is
/// decided counts, unless a decision is still on its way.
pub fn refresh(model: &mut Model) {
    let rows = match model.conflicts.rows.part.get() {
        Some(part) => part.rows.clone(),
        None => return,
    };
    let left = renew(model, &rows);
    if !model.asks.waits(|ask| matches!(ask, Ask::Decide(_))) {
        for open in rows.iter().flat_map(|row| &row.conflicts) {
            model.conflicts.history.settle(open.id);
        }
    }
    tell(model, &left);
}

/// Takes these rows into the marks, and the marks off those that somebody else decided; gives
/// their names.
fn renew(model: &mut Model, rows: &[ConflictRow]) -> Vec<String> {
    let conflicts = &mut model.conflicts;
    let mut left = Vec::new();
    for row in rows {
        let Some(marked) = conflicts.marks.get_mut(&row.key) else {
            continue;
        };
        let was = |id| marked.conflicts.iter().find(|open| open.id == id);
        let elsewhere = row.conflicts.iter().any(|open| {
            let before = was(open.id).and_then(|was| was.choice.as_ref());
            let ours = conflicts.history.before(open.id, before);
            open.choice.is_some() && open.choice.as_ref() != before && open.choice != ours
        });
        marked.clone_from(row);
        if elsewhere {
            conflicts.marks.remove(&row.key);
            left.push(row.name.clone());
        }
    }
    left
}

/// Says which marks went.
fn tell(model: &mut Model, left: &[String]) {
    let text = match left {
        [] => return,
        [one] => format!("{one} was settled elsewhere meanwhile, and is not marked any more."),
        [first, others @ ..] => format!(
            "{first} and {} more were settled elsewhere meanwhile, and are not marked any more.",
            group(others.len() as u64)
        ),
    };
    model.say(Word::Warn, text);
}

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
    let (mut records, mut deletes, mut typed, mut otherwise) = (0u64, 0u64, 0u64, 0u64);
    let state = &model.conflicts;
    // What was typed for one is not lost to a key that is meant for many.
    let keeps_typed = !state.marks.is_empty() && choice.is_some();
    let meant: Vec<&ConflictRow> = match state.marks.is_empty() {
        true => state.rows.selected().into_iter().collect(),
        false => state.marks.values().collect(),
    };
    for row in meant {
        // Deleting is never decided for many at once.
        if row.word == Word::Del && matches!(choice, Some(Choice::Take(_))) {
            deletes += 1;
            continue;
        }
        records += 1;
        for open in &row.conflicts {
            // A mark may be older than what was decided since.
            let before = state.history.before(open.id, open.choice.as_ref());
            if keeps_typed && matches!(before, Some(Choice::Typed { .. } | Choice::Both)) {
                typed += 1;
                continue;
            }
            match (&choice, &before) {
                // Of nothing nothing is taken back.
                (None, None) => continue,
                (Some(now), Some(before)) if now != before => otherwise += 1,
                _ => {}
            }
            let decide = |choice| {
                let (conflict, fp) = (open.id, open.fp);
                let decide = Decide {
                    conflict,
                    fp,
                    choice,
                };
                (row.key.clone(), decide)
            };
            decisions.push(decide(choice.clone()));
            back.push(decide(before));
        }
    }
    if deletes > 0 {
        let left = count(deletes, "record was", "records were");
        model.say(
            Word::Info,
            format!("{left} left out: what to keep or delete is decided one by one."),
        );
    }
    if typed > 0 {
        let kept = count(typed, "merged value was", "merged values were");
        model.say(
            Word::Info,
            format!("{kept} kept: A or C on the record alone replaces it, x clears it."),
        );
    }
    if decisions.is_empty() {
        if choice.is_none() {
            model.say(
                Word::Info,
                "Nothing is decided there that could be cleared.",
            );
        }
        return;
    }
    let fields = count(decisions.len() as u64, "decision", "decisions");
    let step = Step {
        name: name_of(choice.as_ref(), &count(records, "record", "records")),
        forth: Change::Decide(decisions),
        back: Change::Decide(back),
    };
    let other = match otherwise {
        0 => String::new(),
        n => format!(
            ", {} of them otherwise before (u brings that back)",
            group(n)
        ),
    };
    model.say(
        Word::Ok,
        format!("Staged: {}, {fields}{other}; w writes.", step.name),
    );
    make(model, step);
    // The next key is for the row under the cursor, not once more for these.
    model.conflicts.marks.clear();
    super::conflicts::load(model);
}
