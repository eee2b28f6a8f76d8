//! Settings: the sections and what is in them.
//!
//! What connections and schedules do is in `sign_in` and `schedules`. Invariant: what Enter does is
//! said in the hints of the section.

use super::act::{self, go};
use super::schedules::{self, pair_under_cursor, schedule_of, schedule_text};
use super::{find, log, mapping, sign_in, step_of, steps, try_filter};
use crate::engine::command::Command;
use crate::engine::notice::Topics;
use crate::tui::action::{Action, Info, TABLE};
use crate::tui::ask::Ask;
use crate::tui::modal::Modal;
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Section, SettingsPane};
use crate::tui::view::AT_THE_LINES;
use crate::tui::widget::list::Step;
use crate::tui::widget::sheet::Sheet;

/// Next times of a pair that are shown.
const NEXT: usize = 3;

/// Asks for the settings.
pub fn load(model: &mut Model) {
    model.ask(Ask::Settings, Command::Settings);
    model.ask(Ask::Schedules, Command::Schedules { times: NEXT });
}

/// Whether the section shown says something of what changed.
pub fn shows(model: &Model, topics: Topics) -> bool {
    let here = match model.settings.section() {
        Section::Limits => topics.runs,
        Section::Rules => topics.conflicts,
        _ => false,
    };
    here || topics.settings || topics.mappings
}

/// A summary is here: the limits are asked for again when it has a newer figure than the page.
pub fn follow(model: &mut Model) {
    let on_page = model.screen == Screen::Settings && model.settings.section() == Section::Limits;
    if on_page && newer_figure(model).is_some() && !model.asks.waits(|ask| *ask == Ask::Settings) {
        load(model);
    }
}

/// Calls used and allowed as the engine says by now, if the page of the limits has another figure.
pub fn newer_figure(model: &Model) -> Option<(u64, u64)> {
    let now = super::overview::calls(model)?;
    let view = model.settings.view.get()?.limits.first()?;
    let shown = view.limits.lines.as_ref();
    let shown = shown.map(|lines| (lines.figure.used, lines.figure.max));
    (shown != Some(now)).then_some(now)
}

/// Goes to a section.
pub fn show(model: &mut Model, section: Section) {
    let at = Section::ALL.iter().position(|s| *s == section).unwrap_or(0);
    model.settings.sections.select(at);
    model.settings.pane = SettingsPane::Content;
    go(model, Screen::Settings);
}

/// From the content to the sections; true when it was in the content.
pub fn leave_content(model: &mut Model) -> bool {
    let was = model.settings.pane == SettingsPane::Content;
    model.settings.pane = SettingsPane::Sections;
    was
}

/// Rows of the section shown.
pub fn rows(model: &Model) -> usize {
    match model.settings.section() {
        Section::Connections => model.summary.as_ref().map_or(0, |s| s.connections.len()),
        Section::Schedule | Section::Filters => model.pairs().len(),
        Section::Rules => model.settings.view.get().map_or(0, |v| v.rules().count()),
        Section::Look => act::theme_names(model).len(),
        Section::Keys => TABLE.len(),
        Section::Limits | Section::Vault | Section::About => 0,
    }
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        let len = rows(model);
        return match model.settings.pane {
            SettingsPane::Sections => model.settings.sections.step(step, Section::ALL.len()),
            SettingsPane::Content => {
                let section = model.settings.section();
                model
                    .settings
                    .content
                    .entry(section)
                    .or_default()
                    .step(step, len);
            }
        };
    }
    match action {
        Action::NextPane | Action::PreviousPane => {
            model.settings.pane = match model.settings.pane {
                SettingsPane::Sections => SettingsPane::Content,
                SettingsPane::Content => SettingsPane::Sections,
            }
        }
        Action::Open if model.settings.pane == SettingsPane::Sections => {
            model.settings.pane = SettingsPane::Content;
        }
        Action::Open | Action::Edit => open(model),
        Action::Switch => schedules::switch(model),
        Action::Undo => steps::undo(model),
        Action::Clear => {
            if let Some((pair, _)) = pair_under_cursor(model) {
                schedules::stage(model, pair, None);
            }
        }
        Action::New => sign_in::new_connection(model),
        Action::Remove => sign_in::ask_disconnect(model),
        Action::Redo => steps::redo(model),
        Action::GoMapping => {
            let pair = pair_under_cursor(model).map(|(pair, _)| pair);
            mapping::show(model, pair, None);
        }
        Action::GoLog => {
            let pair = pair_under_cursor(model).map(|(pair, _)| pair);
            log::show_pair(model, pair);
        }
        Action::GoSettings => show(model, Section::Schedule),
        Action::MatchAfter => find::step(model, Step::Down),
        Action::MatchBefore => find::step(model, Step::Up),
        Action::Copy => {
            let text = copied(model);
            super::records::copy(model, text);
        }
        _ => {}
    }
}

fn open(model: &mut Model) {
    match model.settings.section() {
        Section::Connections => sign_in::begin_sign_in(model),
        Section::Schedule => schedules::edit(model),
        Section::Filters => try_filter::begin(model),
        Section::Rules => open_rule(model),
        Section::Look => {
            if let Some(name) = act::theme_names(model).get(model.settings.cursor()) {
                act::set_theme(model, name);
            }
        }
        Section::Vault => {
            let text = model.settings.view.get().map(|v| v.recovery.clone());
            if let Some(text) = text {
                show_text(model, "If the key is lost", text);
            }
        }
        Section::Limits => show_text(model, "At the lines", AT_THE_LINES.to_owned()),
        Section::Keys => {
            if let Some(info) = TABLE.get(model.settings.cursor()) {
                let text = key_text(model, info);
                show_text(model, info.name, text);
            }
        }
        Section::About => {}
    }
}

/// What `y` copies: what the cursor is on.
fn copied(model: &Model) -> Option<String> {
    let view = model.settings.view.get()?;
    let at = model.settings.cursor();
    let pair = view.pairs.get(at);
    Some(match model.settings.section() {
        Section::Connections | Section::Limits => view.redirect_uri.clone(),
        Section::Schedule => schedule_text(schedule_of(model, pair?)),
        Section::Filters => try_filter::part_of(model, pair?).filter,
        Section::Rules => view.rules().nth(at)?.1.text.clone(),
        Section::Vault => view.recovery.clone(),
        Section::Look => act::theme_names(model).get(at)?.clone(),
        Section::Keys => TABLE.get(at)?.name.to_owned(),
        Section::About => format!(
            "syncdeck {}\n{}\n{}\n{}",
            env!("CARGO_PKG_VERSION"),
            view.data_dir,
            view.config_file,
            view.log_dir
        ),
    })
}

fn show_text(model: &mut Model, title: &str, text: String) {
    model.modal = Some(Modal::Text(Sheet::new(title, text)));
}

/// An action: its keys, where it exists, and how it gets another key.
fn key_text(model: &Model, info: &Info) -> String {
    let keys = model.options.keymap.keys_of(info.action);
    let keys = match keys.is_empty() {
        true => "no key; the palette does it".to_owned(),
        false => keys,
    };
    let places: Vec<&str> = info.contexts.iter().map(|c| c.name()).collect();
    let places = match places.is_empty() {
        true => "everywhere".to_owned(),
        false => places.join(", "),
    };
    format!(
        "{}\n\nKeys    {keys}\nWhere   {places}\n\nAnother key: a line such as\n\n\
         {} = \"F5\"\n\nin keys.toml beside config.toml; syncdeck keys lists the keys in force.",
        info.help, info.name
    )
}

/// Goes to the mapping row whose rule is under the cursor.
fn open_rule(model: &mut Model) {
    let view = model.settings.view.get();
    let found = view.and_then(|v| v.rules().nth(model.settings.cursor()));
    if let Some((pair, rule)) = found.map(|(pair, rule)| (pair.name.clone(), rule.row)) {
        mapping::show(model, Some(pair), rule);
    }
}
