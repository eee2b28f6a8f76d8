//! Mapping: rows as a draft, the preview of the row under the cursor, versions.
//!
//! Changes are made in a draft, which the engine keeps, until `w` saves it as a new version. This
//! file has the keys of the screen and the ways that lead to it.

mod draft;
mod offers;
mod save;
mod versions;

use super::act::go;
use super::{beside, find, mapping_form, records, settings, step_of, try_filter};
use crate::domain::id::{PairName, RowId};
use crate::domain::mapping::{Pair, Row, Strategy};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::model::{Model, Screen};
use crate::tui::state::{MappingPane, MappingState, Section, TakesPart, Wanted};
use crate::tui::widget::list::Step;

pub use draft::{remove, stage, take_up};
pub use offers::{hits as offer_hits, key as offer_key};
pub use save::{ask_save, saved, staged_changes};
pub use versions::{bring_back, compared};

use draft::{ask_remove, clear_row, redo, stage_rule, switch, undo};

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

/// Goes to a mapping, at the row of the first field that an error names; where no row has one of them
/// the cursor stays.
pub fn show_field(model: &mut Model, pair: PairName, fields: Vec<String>) {
    show_wanted(model, pair, Some(Wanted::Field(fields)));
}

/// Goes to a row of a mapping and puts a rule for its conflicts into the draft: nothing is saved
/// before `w`.
pub fn show_rule(model: &mut Model, pair: PairName, row: RowId, rule: Strategy) {
    show_wanted(model, pair, Some(Wanted::Rule(row, rule)));
}

/// Goes to a mapping and puts which records take part into its draft: nothing is saved before `w`.
pub fn show_part(model: &mut Model, pair: PairName, part: TakesPart) {
    show_wanted(model, pair, Some(Wanted::Part(part)));
}

fn show_wanted(model: &mut Model, pair: PairName, wanted: Option<Wanted>) {
    // To look at a row changes nothing; what else is wanted does.
    let wanted = match wanted {
        Some(Wanted::Row(_) | Wanted::Field(_)) | None => wanted,
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
        Some(Wanted::Field(fields)) => {
            let named = |row: &Row| {
                let mut names = row.crm.iter().chain(&row.app);
                names.any(|name| fields.iter().any(|field| field == name.as_str()))
            };
            if let Some(at) = pair.rows.iter().position(named) {
                model.mapping.rows.select(at);
            }
        }
        Some(Wanted::Rule(row, rule)) => {
            let Some(at) = at(row) else { return };
            model.mapping.rows.select(at);
            stage_rule(model, at, rule);
        }
        Some(Wanted::Part(part)) => try_filter::stage(model, part),
        None => {}
    }
    model.mapping.wanted = None;
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
        Action::Open if model.mapping.pane == MappingPane::Versions => versions::compare(model),
        Action::Open | Action::Edit => mapping_form::open(model),
        Action::New => offers::begin(model),
        Action::Switch => switch(model),
        Action::Clear => clear_row(model),
        Action::Remove => ask_remove(model),
        Action::Undo => undo(model),
        Action::Redo => redo(model),
        Action::MatchAfter => find::step(model, Step::Down),
        Action::MatchBefore => find::step(model, Step::Up),
        Action::Copy => {
            let text = selected(model).map(mapping_form::row_text);
            records::copy(model, text);
        }
        Action::GoLog => {
            let pair = model.mapping.pair.clone();
            super::log::show_pair(model, pair);
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
    let next = beside(model, model.mapping.pair.as_ref(), step).cloned();
    if let Some(pair) = next {
        show(model, Some(pair), None);
    }
}
