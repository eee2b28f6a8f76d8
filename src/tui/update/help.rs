//! Lines of help and of the action menu: from the one table, with reasons.

use super::off;
use crate::tui::action::{Action, TABLE};
use crate::tui::modal::HelpLine;
use crate::tui::model::Model;

/// Actions that exist here and not everywhere, with the reason when they are off.
pub fn actions_here(model: &Model) -> Vec<(Action, Option<String>)> {
    let context = model.context();
    let mut lines: Vec<(Action, Option<String>)> = TABLE
        .iter()
        .filter(|info| info.action.is_in(context) && !is_movement(info.action))
        .map(|info| (info.action, off::reason(model, info.action)))
        .collect();
    // What is special here comes first, and what can be done before what cannot.
    lines.sort_by_key(|(action, why)| (action.info().contexts.is_empty(), why.is_some()));
    lines
}

/// Help: this screen, moving, everywhere.
pub fn help_lines(model: &Model) -> Vec<HelpLine> {
    let context = model.context();
    let here = |special: bool| {
        TABLE.iter().filter(move |info| {
            info.action.is_in(context)
                && info.contexts.is_empty() != special
                && !is_movement(info.action)
        })
    };
    let mut lines = vec![HelpLine::Head("This screen")];
    lines.extend(here(true).map(|i| HelpLine::Act(i.action)));
    lines.extend([HelpLine::Blank, HelpLine::Head("Move")]);
    lines.extend(
        TABLE
            .iter()
            .filter(|i| is_movement(i.action) && i.action.is_in(context))
            .map(|i| HelpLine::Act(i.action)),
    );
    lines.extend([HelpLine::Blank, HelpLine::Head("Everywhere")]);
    lines.extend(here(false).map(|i| HelpLine::Act(i.action)));
    lines
}

fn is_movement(action: Action) -> bool {
    matches!(
        action,
        Action::Down
            | Action::Up
            | Action::Left
            | Action::Right
            | Action::First
            | Action::Last
            | Action::HalfDown
            | Action::HalfUp
            | Action::PageDown
            | Action::PageUp
            | Action::ItemBefore
            | Action::ItemAfter
            | Action::NextPane
            | Action::PreviousPane
    )
}
