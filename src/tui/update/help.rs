//! Lines of help and of the action menu: from the one table, with reasons.

use super::off;
use crate::domain::run::Word;
use crate::tui::action::{Action, Info, TABLE};
use crate::tui::modal::HelpLine;
use crate::tui::model::Model;
use crate::tui::widget::picker::Picker;

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

/// Help: this screen, moving, everywhere; what can be done before what cannot.
pub fn help_lines(model: &Model, find: Option<&Picker>) -> Vec<HelpLine> {
    match find {
        None => all_lines(model),
        Some(picker) => found(model, picker),
    }
}

/// The help key over a dialog or a line that is typed: one thing is in front at a time, and what is
/// typed must not go for a list of keys.
pub fn while_typing(model: &mut Model) {
    let help = model.options.keymap.key_of(Action::Help);
    let then = help.map(|key| format!("; then {key} lists those of the screen"));
    let then = then.unwrap_or_default();
    let text = format!("Its keys are at its foot or in the last row. Esc leaves it{then}.");
    model.say(Word::Info, text);
}

fn all_lines(model: &Model) -> Vec<HelpLine> {
    let context = model.context();
    let here = |meant: &dyn Fn(&Info) -> bool| {
        let infos = TABLE.iter().filter(|info| info.action.is_in(context));
        let infos = infos.filter(|info| meant(info));
        let mut actions: Vec<Action> = infos.map(|info| info.action).collect();
        actions.sort_by_cached_key(|action| off::reason(model, *action).is_some());
        actions.into_iter().map(HelpLine::Act)
    };
    let special = |info: &Info| !info.contexts.is_empty() && !is_movement(info.action);
    let moves = |info: &Info| is_movement(info.action);
    let common = |info: &Info| info.contexts.is_empty() && !is_movement(info.action);
    let mut lines = vec![HelpLine::Head("This screen")];
    lines.extend(here(&special));
    lines.extend([HelpLine::Blank, HelpLine::Head("Move")]);
    lines.extend(here(&moves));
    lines.extend([HelpLine::Blank, HelpLine::Head("Everywhere")]);
    lines.extend(here(&common));
    lines
}

/// The actions that hold what is typed in their keys, name or sentence; best first.
fn found(model: &Model, picker: &Picker) -> Vec<HelpLine> {
    let all = all_lines(model).into_iter();
    let actions: Vec<Action> = all
        .filter_map(|line| match line {
            HelpLine::Act(action) => Some(action),
            HelpLine::Head(_) | HelpLine::Blank => None,
        })
        .collect();
    let text = |action: &Action| {
        let (info, keys) = (action.info(), model.options.keymap.keys_of(*action));
        format!("{keys} {} {} {}", info.label, info.name, info.help)
    };
    let texts: Vec<String> = actions.iter().map(text).collect();
    let hits = picker.hits(texts.iter().map(String::as_str)).into_iter();
    let hits = hits.filter_map(|at| actions.get(at).copied());
    hits.map(HelpLine::Act).collect()
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
