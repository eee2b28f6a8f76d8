//! From the draft of a mapping to its next version: what is different, what is in the way, and
//! the question before it counts.
//!
//! Invariant: a draft with a fault is never offered to be saved.

use super::load;
use crate::domain::changes::changes;
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::state::Loaded;
use crate::tui::text::count;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::sheet::Sheet;

/// Columns of a line of a question, so that it fits the narrow screen.
pub(super) const COLUMNS: usize = 70;

/// What the draft says otherwise than what is saved.
pub fn staged_changes(model: &Model) -> Vec<Line> {
    match (model.mapping.detail.get(), &model.mapping.draft) {
        (Some(saved), Some(draft)) => lines(&changes(&saved.pair, draft)),
        _ => Vec::new(),
    }
}

/// Changes as they are staged, a line each.
pub(super) fn lines(changes: &[String]) -> Vec<Line> {
    let sign = || Line::of(Role::Mark, "~ ");
    let line = |text: &String| sign().add(Role::Text, text.as_str());
    changes.iter().map(line).collect()
}

/// `w`: asks before the draft is saved.
pub fn ask_save(model: &mut Model) {
    let Some(draft) = model.mapping.draft.clone() else {
        return;
    };
    if let Some(text) = unsound(model) {
        let title = "This mapping cannot be saved as it is";
        model.modal = Some(Modal::Text(Sheet::new(title, text)));
        return;
    }
    let staged = staged_changes(model);
    let mut body = staged;
    body.push(Line::new());
    let mut go = "Save";
    if let Some(preview) = model.mapping.preview.get() {
        for line in &preview.after_saving {
            body.push(Line::text(line.as_str()));
        }
        for problem in &preview.problems {
            body.push(
                Line::of(Role::Warn, format!("{}  ", problem.word))
                    .add(Role::Text, problem.text.as_str()),
            );
        }
    }
    if let Some((all, changed @ 1..)) = model.mapping.preview.get().map(|p| p.there_and_back()) {
        let text = format!(
            "{changed} of {} of this row come back as another value.",
            count(all, "sample", "samples")
        );
        body.push(Line::of(Role::Fail, "FAIL  ").add(Role::Text, text));
        body.push(Line::text(
            "An edit of such a value in the App replaces it in Salesforce.",
        ));
        go = "Save anyway";
    }
    body.push(Line::text(
        "Saving writes no record. The next run uses the new version.",
    ));
    let body = body.iter().flat_map(|line| line.wrapped(COLUMNS)).collect();
    let title = format!("Save as version {}?", draft.version + 1);
    let release = Release::Send(Ask::SaveMapping, Box::new(Command::SaveMapping { draft }));
    let confirm = Confirm::ask(title, body, "Cancel", go, release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// What is in the way of saving the draft, and what helps; none where nothing is.
fn unsound(model: &Model) -> Option<String> {
    let problems = &model.mapping.preview.get()?.problems;
    let faults = problems.iter().filter(|p| p.word == Word::Fail);
    let faults: Vec<String> = faults
        .map(|p| format!("FAIL  {}\nFix   {}\n", p.text, p.fix))
        .collect();
    if faults.is_empty() {
        return None;
    }
    let after = "What is staged stays: Enter edits a row, u takes the last step back.";
    Some(format!("{}\n{after}", faults.join("\n")))
}

/// After a save: the draft is the saved one.
pub fn saved(model: &mut Model, version: u32) {
    model.mapping.draft = None;
    model.mapping.undo.clear();
    model.mapping.redo.clear();
    model.mapping.detail = Loaded::Waiting;
    model.say(
        Word::Ok,
        format!("Saved as version {version}. The next run uses it."),
    );
    load(model);
}
