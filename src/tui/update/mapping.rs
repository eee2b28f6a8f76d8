//! Mapping: rows as a draft, the preview of the row under the cursor, versions.
//!
//! Changes are made in a draft, which the engine keeps, until `w` saves it as a new version.

use super::act::go;
use super::{mapping_form, records, settings, step_of, try_filter};
use crate::domain::id::{PairName, RowId};
use crate::domain::mapping::{Leaves, Pair, Row, Strategy, Switch};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::Command;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Loaded, MappingPane, MappingState, Section, Wanted};
use crate::tui::text::count;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::list::Step;

/// Samples asked for (terminal-ux 5.4).
pub const SAMPLES: usize = 20;

/// Asks for the mapping shown.
pub fn load(model: &mut Model) {
    if model.mapping.pair.is_none() {
        model.mapping.pair = model.pairs().first().map(|p| p.name.clone());
    }
    let Some(pair) = model.mapping.pair.clone() else {
        return;
    };
    model.ask(Ask::Mapping(pair.clone()), Command::Mapping { pair });
}

/// Goes to a mapping, and to a row of it.
pub fn show(model: &mut Model, pair: Option<PairName>, row: Option<RowId>) {
    let wanted = row.map(Wanted::Row);
    match pair {
        Some(pair) => show_wanted(model, pair, wanted),
        None => want(model, wanted),
    }
}

/// Goes to a row of a mapping and puts a rule for its conflicts into the draft: nothing is saved
/// before `w`.
pub fn show_rule(model: &mut Model, pair: PairName, row: RowId, rule: Strategy) {
    show_wanted(model, pair, Some(Wanted::Rule(row, rule)));
}

/// Goes to a mapping and puts a filter into its draft: nothing is saved before `w`.
pub fn show_filter(model: &mut Model, pair: PairName, filter: String, leaves: Leaves) {
    show_wanted(model, pair, Some(Wanted::Filter(filter, leaves)));
}

fn show_wanted(model: &mut Model, pair: PairName, wanted: Option<Wanted>) {
    // To look at a row changes nothing; what else is wanted does.
    let wanted = match wanted {
        Some(Wanted::Row(_)) | None => wanted,
        Some(_) => wanted.filter(|_| model.may_change("Changing a mapping")),
    };
    if model.mapping.pair.as_ref() != Some(&pair) {
        if keep_draft(model) {
            return;
        }
        model.mapping = MappingState {
            pair: Some(pair),
            ..MappingState::default()
        };
    }
    want(model, wanted);
}

fn want(model: &mut Model, wanted: Option<Wanted>) {
    model.mapping.wanted = wanted;
    take_wanted(model);
    go(model, Screen::Mapping);
}

/// Does what another screen asked for, once the mapping is here.
pub fn take_wanted(model: &mut Model) {
    let Some(pair) = model.mapping.current() else {
        return;
    };
    let at = |row: RowId| pair.rows.iter().position(|r| r.id == row);
    match model.mapping.wanted.clone() {
        Some(Wanted::Row(row)) => {
            let Some(at) = at(row) else { return };
            model.mapping.rows.select(at);
        }
        Some(Wanted::Rule(row, rule)) => {
            let Some(at) = at(row) else { return };
            model.mapping.rows.select(at);
            stage_rule(model, at, rule);
        }
        Some(Wanted::Filter(filter, leaves)) => try_filter::stage(model, filter, leaves),
        None => {}
    }
    model.mapping.wanted = None;
}

fn stage_rule(model: &mut Model, at: usize, rule: Strategy) {
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
            "The rule for {name} is {} in the draft. w saves it, u takes it back.",
            rule.name()
        ),
    };
    row.strategy = rule;
    stage(model, pair);
    model.say(Word::Info, text);
}

/// Takes up a draft that was kept, unless one is at work here.
pub fn take_up(model: &mut Model, saved: &Pair, kept: Option<Pair>) {
    let mapping = &mut model.mapping;
    let untouched = mapping.draft.is_none() && mapping.undo.is_empty() && mapping.redo.is_empty();
    if let Some(kept) = kept.filter(|kept| untouched && kept != saved) {
        mapping.undo.push(Box::new(saved.clone()));
        mapping.draft = Some(Box::new(kept));
    }
}

/// Says that a draft must be saved or undone first; true when there is one.
fn keep_draft(model: &mut Model) -> bool {
    let staged = model.mapping.draft.is_some();
    if staged {
        model.say(
            Word::Info,
            "This mapping has staged changes: w saves them, u takes them back.",
        );
    }
    staged
}

/// The row under the cursor.
pub fn selected(model: &Model) -> Option<&Row> {
    model
        .mapping
        .current()?
        .rows
        .get(model.mapping.rows.selected())
}

/// Asks what the row under the cursor does with real records.
pub fn load_preview(model: &mut Model) {
    let Some(draft) = model.mapping.current().cloned() else {
        return;
    };
    let Some(row) = selected(model).map(|r| r.id) else {
        return;
    };
    preview_draft(model, draft, row);
}

/// Asks what a row of a draft does with real records.
pub fn preview_draft(model: &mut Model, draft: Pair, row: RowId) {
    let command = Command::PreviewMapping {
        draft: Box::new(draft),
        row,
        samples: SAMPLES,
    };
    model.ask(Ask::MappingPreview, command);
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        return step_by(model, step);
    }
    match action {
        Action::NextPane | Action::PreviousPane => {
            model.mapping.pane = match model.mapping.pane {
                MappingPane::Rows => MappingPane::Versions,
                MappingPane::Versions => MappingPane::Rows,
            }
        }
        Action::Left => other_pair(model, Step::Up),
        Action::Right => other_pair(model, Step::Down),
        Action::ItemBefore => model.mapping.sample = model.mapping.sample.saturating_sub(1),
        Action::ItemAfter => {
            let most = model.mapping.preview.get().map_or(0, |p| p.samples.len());
            model.mapping.sample = (model.mapping.sample + 1).min(most.saturating_sub(1));
        }
        Action::Open if model.mapping.pane == MappingPane::Versions => take_version(model),
        Action::Open | Action::Edit => mapping_form::open(model),
        Action::New => mapping_form::open_new(model),
        Action::Switch => switch(model),
        Action::Clear => clear_row(model),
        Action::Remove => ask_remove(model),
        Action::Undo => undo(model),
        Action::Redo => redo(model),
        Action::Copy => {
            let text = selected(model).map(mapping_form::row_text);
            records::copy(model, text);
        }
        Action::GoLog => {
            let pair = model.mapping.pair.clone();
            super::log::only(model, pair);
            model.log.open = None;
            go(model, Screen::Log);
        }
        Action::GoSettings => settings::show(model, Section::Schedule),
        _ => {}
    }
}

fn step_by(model: &mut Model, step: Step) {
    match model.mapping.pane {
        MappingPane::Versions => {
            let len = model.mapping.detail.get().map_or(0, |d| d.versions.len());
            model.mapping.versions.step(step, len);
        }
        MappingPane::Rows => {
            let len = model.mapping.current().map_or(0, |p| p.rows.len());
            model.mapping.rows.step(step, len);
            load_preview(model);
        }
    }
}

fn other_pair(model: &mut Model, step: Step) {
    let names: Vec<PairName> = model.pairs().iter().map(|p| p.name.clone()).collect();
    let at = names
        .iter()
        .position(|n| Some(n) == model.mapping.pair.as_ref())
        .unwrap_or(0);
    let next = match step {
        Step::Up => at.checked_sub(1),
        _ => Some(at + 1),
    };
    if let Some(pair) = next.and_then(|n| names.get(n)).cloned() {
        show(model, Some(pair), None);
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

fn undo(model: &mut Model) {
    if let (Some(before), Some(now)) = (model.mapping.undo.pop(), model.mapping.current().cloned())
    {
        model.mapping.redo.push(Box::new(now));
        set_draft(model, *before);
        model.say(Word::Info, "Took back the last change of the mapping.");
    }
}

fn redo(model: &mut Model) {
    if let (Some(after), Some(now)) = (model.mapping.redo.pop(), model.mapping.current().cloned()) {
        model.mapping.undo.push(Box::new(now));
        set_draft(model, *after);
        model.say(Word::Info, "Made the change again.");
    }
}

fn switch(model: &mut Model) {
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
fn clear_row(model: &mut Model) {
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

fn ask_remove(model: &mut Model) {
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

fn take_version(model: &mut Model) {
    if !model.may_change("Bringing back a version") {
        return;
    }
    let at = model.mapping.versions.selected();
    let version = model
        .mapping
        .detail
        .get()
        .and_then(|d| d.versions.get(at))
        .map(|v| v.version);
    let (Some(version), Some(pair)) = (version, model.mapping.pair.clone()) else {
        return;
    };
    model.ask(
        Ask::MappingVersion(version),
        Command::MappingVersion { pair, version },
    );
}

/// Puts the rows of an older version into the draft.
pub fn stage_version(model: &mut Model, version: u32, older: Pair) {
    let Some(current) = model.mapping.detail.get().map(|d| d.pair.version) else {
        return;
    };
    let pair = Pair {
        version: current,
        ..older
    };
    stage(model, pair);
    model.say(
        Word::Ok,
        format!("Version {version} is in the draft. w saves it as a new version, u takes it back."),
    );
}

/// What is different in the draft, row by row: sign, row, from, to.
pub fn staged_changes(model: &Model) -> Vec<Line> {
    let (Some(saved), Some(draft)) = (
        model.mapping.detail.get().map(|d| &d.pair),
        &model.mapping.draft,
    ) else {
        return Vec::new();
    };
    let mut out: Vec<Line> = try_filter::differences(saved, draft)
        .into_iter()
        .map(|(what, from, to)| change_line(what, "", from, to))
        .collect();
    for row in &draft.rows {
        match saved.row(row.id) {
            None => out.push(
                Line::of(Role::Mark, "~ ")
                    .add(Role::Text, format!("new   {}", mapping_form::row_text(row))),
            ),
            Some(old) if old != row => {
                for (what, from, to) in mapping_form::differences(old, row) {
                    let what = format!("{what}  ");
                    out.push(change_line(&row.label(Side::App), &what, from, to));
                }
            }
            Some(_) => {}
        }
    }
    for row in saved.rows.iter().filter(|r| draft.row(r.id).is_none()) {
        out.push(Line::of(Role::Mark, "~ ").add(
            Role::Text,
            format!("removed   {}", mapping_form::row_text(row)),
        ));
    }
    out
}

fn change_line(name: &str, what: &str, from: String, to: String) -> Line {
    Line::of(Role::Mark, "~ ")
        .add(Role::Title, format!("{name}  "))
        .add(Role::Text, what)
        .add(Role::Dim, from)
        .add(Role::Text, "  ->  ")
        .add(Role::Text, to)
}

/// `w`: asks before the draft is saved.
pub fn ask_save(model: &mut Model) {
    let Some(draft) = model.mapping.draft.clone() else {
        return;
    };
    if let Some(text) = unsound(model) {
        model.modal = Some(Modal::Text {
            title: "This mapping cannot be saved as it is".into(),
            text,
        });
        return;
    }
    let mut body = staged_changes(model);
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
