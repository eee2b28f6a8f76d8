//! The business behind the sync: what is asked for, and where Enter goes.

use super::act::{go, visit};
use super::{mapping, overview, settings, step_of};
use crate::domain::id::PairName;
use crate::engine::command::{Command, Scope};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Front, Section};

/// Opens it.
pub fn show(model: &mut Model) {
    model.overview.front = Front::Business;
    visit(model, Screen::Overview);
}

/// Asks for the figures.
pub fn load(model: &mut Model) {
    if model.overview.front == Front::Business {
        model.ask(Ask::Business, Command::Business);
    }
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    let Some(view) = model.overview.business.get() else {
        return;
    };
    let (objects, cells) = (view.objects.len(), crate::tui::view::business_cells(view));
    if let Some(step) = step_of(action) {
        return model.overview.objects.step(step, objects);
    }
    match action {
        Action::NextPane => turn(model, 1, cells),
        Action::PreviousPane => turn(model, cells.saturating_sub(1), cells),
        Action::Open => {
            if let Some((pair, _)) = selected(model) {
                model.records.open = None;
                super::records::to_pair(model, pair);
                go(model, Screen::Records);
            }
        }
        Action::SyncNow => {
            if let Some((pair, object)) = selected(model) {
                overview::start(model, Scope::Pair(pair), &object);
            }
        }
        Action::GoLog => {
            let pair = selected(model).map(|(pair, _)| pair);
            super::log::show_pair(model, pair);
        }
        Action::GoMapping => {
            let pair = selected(model).map(|(pair, _)| pair);
            mapping::show(model, pair, None);
        }
        Action::GoSettings => settings::show(model, Section::Schedule),
        Action::Copy => {
            let line = model.overview.business.get().and_then(|view| {
                let object = view.objects.get(model.overview.objects.selected())?;
                let records = crate::tui::text::count(object.records, "record", "records");
                Some(format!("{}: {records}", object.object))
            });
            super::records::copy(model, line);
        }
        _ => {}
    }
}

fn turn(model: &mut Model, by: usize, cells: usize) {
    if cells > 0 {
        model.overview.turned = (model.overview.turned + by) % cells;
    }
}

/// Pair and object under the cursor.
fn selected(model: &Model) -> Option<(PairName, String)> {
    let view = model.overview.business.get()?;
    let object = view.objects.get(model.overview.objects.selected())?;
    Some((object.pair.clone(), object.object.to_string()))
}
