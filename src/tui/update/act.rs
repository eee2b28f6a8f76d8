//! Actions that mean the same on every screen, and the way from an action to its screen.

use std::time::Duration;

use super::clipboard::{As, copy_as};
use super::{
    business, conflicts, find, json, log, mapping, off, overview, records, relink, search, settings,
};
use super::{steps, view_pane, write};
use crate::config::theme::{BUILT_IN, built_in};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::tui::action::{Action, Context};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::effect::{Effect, ExitReason};
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Hosting, LinkState, Model, Screen, Times, Zoom};
use crate::tui::split::Move;
use crate::tui::state::{Front, Section, SettingsPane};
use crate::tui::theme::Theme;
use crate::tui::trail::Place;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::list::ListState;
use crate::tui::widget::picker::Picker;
use crate::tui::widget::prompt::Prompt;
use crate::tui::widget::toast::Changed;

/// Does an action, or says why it is off.
pub fn act(model: &mut Model, action: Action) {
    if let Some(reason) = off::reason(model, action) {
        model.say(
            Word::Info,
            format!("{} is off: {reason}", action.info().label),
        );
        return;
    }
    match action {
        Action::Overview => {
            model.overview.front = Front::Sync;
            visit(model, Screen::Overview);
        }
        Action::Business => business::show(model),
        Action::Search => search::begin(model),
        Action::Log => log::visit(model),
        Action::Conflicts => visit(model, Screen::Conflicts),
        Action::Mapping => visit(model, Screen::Mapping),
        Action::Records => visit(model, Screen::Records),
        Action::Settings => visit(model, Screen::Settings),
        Action::Schedule => settings::show(model, Section::Schedule),
        Action::ScreenBefore => visit(model, model.before),
        Action::Close => close(model),
        Action::Back => back(model),
        Action::Quit => quit(model),
        Action::Zoom => {
            model.zoom = match model.zoom {
                Zoom::Shared => Zoom::Whole,
                Zoom::Whole => Zoom::Shared,
            }
        }
        Action::SplitLeft => model.splits.shift(model.screen, Move::Left),
        Action::SplitRight => model.splits.shift(model.screen, Move::Right),
        Action::Times => {
            model.times = match model.times {
                Times::Utc => Times::Local,
                Times::Local => Times::Relative,
                Times::Relative => Times::Utc,
            }
        }
        Action::Theme => next_theme(model),
        Action::Actions => model.modal = Some(Modal::Actions(ListState::default())),
        Action::Palette => model.modal = Some(Modal::Palette(Picker::default())),
        Action::Help => {
            // On the first heading, on which Enter has nothing to do: what opens help may be a
            // slip of the hand, and Enter after it must not start anything.
            let list = ListState::default();
            model.modal = Some(Modal::Help { list, find: None });
        }
        Action::Messages => model.modal = Some(Modal::Messages(ListState::default())),
        Action::Redraw => model.effects.push(Effect::Redraw),
        Action::Suspend => suspend(model),
        Action::Stop => super::stop(model),
        Action::Refresh => refresh(model),
        Action::GoOn => overview::ask_go_on(model),
        Action::Relink => relink::begin(model),
        Action::Write => write::begin(model),
        // Decisions on conflicts are what is staged there.
        Action::Undo if matches!(model.screen, Screen::Overview | Screen::Log) => {
            steps::undo(model);
        }
        Action::Redo if matches!(model.screen, Screen::Overview | Screen::Log) => {
            steps::redo(model);
        }
        Action::Filter => {
            // The page of one thing has nothing to look through: its list has.
            if matches!(
                model.context(),
                Context::Business | Context::Conflict | Context::Record
            ) {
                leave_detail(model);
            }
            let text = match model.screen {
                _ if find::is_here(model) => String::new(),
                Screen::Log => model.log.filter.clone(),
                Screen::Conflicts => model.conflicts.filter.clone(),
                _ => records::type_filter(model),
            };
            model.typed.begin();
            model.filter = Some(Prompt::new(text));
        }
        Action::CopyJson if json::is_here(model) => {
            let text = json::row(model).map(|row| row.to_string());
            copy_as(model, text, As::Json);
        }
        action => on_screen(model, action),
    }
}

fn on_screen(model: &mut Model, action: Action) {
    match model.screen {
        Screen::Overview if model.overview.front == Front::Business => {
            business::act(model, action);
        }
        Screen::Overview => overview::act(model, action),
        Screen::Log => log::act(model, action),
        Screen::Conflicts => conflicts::act(model, action),
        Screen::Mapping => mapping::act(model, action),
        Screen::Records => records::act(model, action),
        Screen::Settings => settings::act(model, action),
    }
}

/// Follows something to a screen: `q` comes back from there.
pub fn go(model: &mut Model, screen: Screen) {
    if model.screen != screen {
        let from = Place::of(model);
        enter(model, screen);
        model.trail.follow(from, &Place::of(model));
    }
    load(model);
}

/// Goes to a screen by its number: `q` has nowhere to go back to.
pub fn visit(model: &mut Model, screen: Screen) {
    model.trail.forget();
    if screen == Screen::Conflicts && model.screen != screen {
        conflicts::leave_settled(model);
    }
    enter(model, screen);
    load(model);
}

fn enter(model: &mut Model, screen: Screen) {
    if model.screen != screen {
        if model.screen == Screen::Log {
            model.log.left_at = log::newest(model);
        }
        model.before = model.screen;
        model.screen = screen;
        model.zoom = Zoom::Shared;
    }
}

/// Asks for what the screen in front shows.
pub fn load(model: &mut Model) {
    match model.screen {
        Screen::Overview => business::load(model),
        Screen::Log => log::load(model),
        Screen::Conflicts => conflicts::load(model),
        Screen::Mapping => mapping::load(model),
        Screen::Records => records::load(model),
        Screen::Settings => settings::load(model),
    }
}

fn refresh(model: &mut Model) {
    let told = match model.screen {
        Screen::Overview | Screen::Settings => Some("Connection checked."),
        // Its check reads the fields of the objects.
        Screen::Mapping => Some("The fields in Salesforce are read anew."),
        _ => None,
    };
    if let Some(told) = told {
        model.ask(Ask::Told(told.into()), Command::CheckConnection);
    }
    load(model);
}

/// Esc: the box, then the toasts that stay, then the filter, then back to the list.
fn close(model: &mut Model) {
    let left = |model: &mut Model| match model.screen {
        Screen::Records => view_pane::leave(model),
        _ => Changed::No,
    };
    if model.dismiss() == Changed::Yes
        || left(model) == Changed::Yes
        || clear_marks(model) == Changed::Yes
    {
        return;
    }
    if clear_filter(model) == Changed::Yes {
        return;
    }
    if leave_detail(model) == Changed::No && model.zoom == Zoom::Whole {
        model.zoom = Zoom::Shared;
    }
}

/// Ends a range of marks that was begun.
fn clear_marks(model: &mut Model) -> Changed {
    let range = match model.screen {
        Screen::Conflicts => &mut model.conflicts.range,
        Screen::Log => &mut model.log.range,
        Screen::Records => &mut model.records.range,
        _ => return Changed::No,
    };
    match range.take() {
        Some(_) => Changed::Yes,
        None => Changed::No,
    }
}

fn clear_filter(model: &mut Model) -> Changed {
    match model.screen {
        _ if !find::text(model).is_empty() => {
            find::begin(model, "");
            Changed::Yes
        }
        Screen::Log if model.log.open.is_none() && !model.log.filter.is_empty() => {
            set_filter(model, String::new());
            Changed::Yes
        }
        Screen::Conflicts
            if model.conflicts.open.is_none() && !model.conflicts.filter.is_empty() =>
        {
            set_filter(model, String::new());
            Changed::Yes
        }
        Screen::Records if model.records.open.is_none() && !model.records.filter.is_empty() => {
            set_filter(model, String::new());
            Changed::Yes
        }
        _ => Changed::No,
    }
}

/// From a detail to its list.
fn leave_detail(model: &mut Model) -> Changed {
    let left = shut(model);
    if left == Changed::Yes {
        model.trail.close();
        load(model);
    }
    left
}

/// Closes what is open in the screen in front.
fn shut(model: &mut Model) -> Changed {
    let was_open = match model.screen {
        Screen::Log => model.log.open.take().is_some(),
        Screen::Conflicts => model.conflicts.open.take().is_some(),
        Screen::Records => model.records.open.take().is_some(),
        Screen::Settings => settings::leave_content(model),
        Screen::Overview => std::mem::take(&mut model.overview.front) == Front::Business,
        Screen::Mapping => false,
    };
    match was_open {
        true => Changed::Yes,
        false => Changed::No,
    }
}

/// q: along the way that was followed, then out of what is open, then out of the program.
fn back(model: &mut Model) {
    if let Some(place) = model.trail.back(&Place::of(model)) {
        shut(model);
        return arrive(model, place);
    }
    if leave_detail(model) == Changed::No {
        quit(model);
    }
}

/// What `q` does here.
pub fn back_label(model: &Model) -> &'static str {
    let here = Place::of(model);
    match (model.trail.peek(&here), here) {
        (None, Place::Top(_)) => "quit",
        _ => "back",
    }
}

/// Goes back to a place as it was.
fn arrive(model: &mut Model, place: Place) {
    match &place {
        Place::Run(run) if model.log.open != Some(*run) => log::open(model, *run),
        Place::Conflict(key) if model.conflicts.open.as_ref() != Some(key) => {
            conflicts::open(model, key.clone());
        }
        Place::Record(key) if model.records.open.as_ref() != Some(key) => {
            records::open(model, key.clone());
        }
        Place::Business => model.overview.front = Front::Business,
        Place::Section => model.settings.pane = SettingsPane::Content,
        Place::Run(_) | Place::Conflict(_) | Place::Record(_) | Place::Top(_) => {}
    }
    enter(model, place.screen());
    load(model);
}

/// Leaves; asks when this window hosts a running sync.
pub fn quit(model: &mut Model) {
    let running = model.summary.as_ref().and_then(|s| s.running.clone());
    let hosts = model.options.hosting == Hosting::Embedded && model.link == LinkState::Live;
    let (true, Some(run)) = (hosts, running) else {
        return model.effects.push(Effect::Quit(ExitReason::Quit));
    };
    let profile = model
        .summary
        .as_ref()
        .map_or(String::new(), |s| s.profile.clone());
    let body = vec![
        Line::text(format!(
            "This window hosts the engine (embedded). Run {} is active.",
            run.run
        )),
        Line::new(),
        Line::text("Quit finishes the batch being written and then"),
        Line::text(format!(
            "stops all syncing of {profile}. The next start goes on there."
        )),
    ];
    let title = "Stop syncing and quit?";
    let confirm = Confirm::ask(title, body, "Stay", "Finish batch and quit", Release::Quit);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Ctrl-z, or a stop signal from outside.
pub fn suspend(model: &mut Model) {
    let running = model.summary.as_ref().is_some_and(|s| s.running.is_some());
    if model.options.hosting == Hosting::Embedded && running {
        model.say(
            Word::Info,
            "Ctrl-z is off: this window hosts a running sync, which would freeze. Pause it first with p.",
        );
        return;
    }
    model.effects.push(Effect::Suspend);
}

fn next_theme(model: &mut Model) {
    let names = theme_names(model);
    let at = names.iter().position(|n| n == model.theme.name());
    let next = names.get(at.map_or(0, |at| at + 1) % names.len().max(1));
    if let Some(next) = next.cloned() {
        set_theme(model, &next);
    }
}

/// Themes there are: the person's own, and the built-in ones they do not replace.
pub fn theme_names(model: &Model) -> Vec<String> {
    let own = model.options.themes.iter().map(|t| t.name.clone());
    let mut names: Vec<String> = own.collect();
    for (name, _) in BUILT_IN {
        if names.iter().all(|n| n != name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Changes the theme for this session.
pub fn set_theme(model: &mut Model, name: &str) {
    let own = model.options.themes.iter().find(|t| t.name == name);
    match own.map_or_else(|| built_in(name), |own| Ok(own.clone())) {
        Ok(file) => {
            let band = model.options.band.as_ref();
            model.theme = Theme::new(&file, model.options.depth).banded(band);
            model.options.theme = file;
            model.say(
                Word::Ok,
                format!(
                    "Theme {name}, for this session. theme = \"{name}\" in config.toml keeps it."
                ),
            );
        }
        Err(error) => model.say(Word::Fail, with_hint(&error)),
    }
}

/// Puts a filter into force.
pub fn set_filter(model: &mut Model, text: String) {
    match model.screen {
        _ if find::is_here(model) => find::begin(model, &text),
        Screen::Log => log::set_filter(model, text),
        Screen::Conflicts => conflicts::set_filter(model, text),
        Screen::Records => records::set_filter(model, text),
        _ => {}
    }
}

/// How long nothing is typed before a list follows a filter: each letter would send the list anew
/// over the line.
const PAUSE: Duration = Duration::from_millis(300);

/// Follows the filter when its typing pauses, where that costs nothing.
pub fn preview_filter(model: &mut Model, text: String) {
    if model.screen == Screen::Records {
        model.follows = Some((model.now.since + PAUSE, text));
    }
}

/// Lets the list follow what was typed, if that was long enough ago.
pub fn follow_typed(model: &mut Model) {
    let due = |(at, _): &mut (Duration, String)| *at <= model.now.since;
    if let Some((_, text)) = model.follows.take_if(due)
        && model.filter.is_some()
        && model.screen == Screen::Records
    {
        records::follow_filter(model, text);
    }
}

/// Leaves the filter that is typed: the list is as it was before.
pub fn leave_filter(model: &mut Model) {
    model.filter = None;
    model.follows = None;
    if model.screen == Screen::Records {
        records::leave_filter(model);
    }
}

/// Message and remedy as sentences.
pub fn with_hint(error: &crate::error::Error) -> String {
    let sentence = |text: &str| {
        let mut letters = text.trim_end_matches('.').chars();
        match letters.next() {
            Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
            None => String::new(),
        }
    };
    match error.remedy() {
        Some(remedy) => format!("{} {}", sentence(error.message()), sentence(remedy)),
        None => sentence(error.message()),
    }
}
