//! Lines of the palette with a word and what it is for, such as `sync contact`.
//!
//! A bare name of an action is that action. What a line starts is asked for as its key would;
//! nothing is written that a key would not write. Invariant: a line that is not understood does
//! nothing.

use super::{act, export, modal, off, overview, search, views};
use crate::domain::id::{PairName, RunId};
use crate::domain::run::Word;
use crate::engine::command::{Command, Scope};
use crate::tui::action::{Action, TABLE};
use crate::tui::ask::Ask;
use crate::tui::effect::{Effect, Mouse};
use crate::tui::modal::Modal;
use crate::tui::model::{Model, Screen};
use crate::tui::widget::prompt::Handled;
use crate::tui::widget::sheet::Sheet;

/// How a copy reaches the person's clipboard, and what to do when it does not.
const CLIPBOARD: &str = "\
A copy is sent to your terminal (OSC 52), which puts it on your clipboard. Nobody answers, so that \
syncdeck knows that it was sent, and not whether it arrived.

tmux       passes it on with  set -g set-clipboard on
GNU screen passes it on by itself
iTerm2     needs  Applications in terminal may access clipboard
VTE        (GNOME Terminal and others) does not know it
Over 48 KiB nothing is sent: many terminals cut there.

Without it: Enter shows a value in full, and the mouse selects it; :export FILE writes the list to \
a file. The same data without a screen: \
syncdeck records, syncdeck conflicts, syncdeck runs, all with --json.";

/// A line that is more than the name of an action.
enum Line<'a> {
    Theme(&'a str),
    Filter(&'a str),
    Search(&'a str),
    GoTo(&'a str),
    Sync(&'a str),
    Revert(&'a str),
    View(&'a str),
    Clipboard,
    Export(&'a str),
    Mouse,
    Messages,
    Quit,
}

fn read(line: &str) -> Option<Line<'_>> {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    Some(match (word, rest.trim()) {
        ("theme", name) if !name.is_empty() => Line::Theme(name),
        ("filter", text) if !text.is_empty() => Line::Filter(text),
        ("search", text) if !text.is_empty() => Line::Search(text),
        ("goto", text) if !text.is_empty() => Line::GoTo(text),
        ("sync", name) if !name.is_empty() => Line::Sync(name),
        ("revert", run) if !run.is_empty() => Line::Revert(run),
        ("view", rest) if !rest.is_empty() && rest != "remove" => Line::View(rest),
        ("help", "clipboard") => Line::Clipboard,
        ("export", path) => Line::Export(path),
        ("mouse", "") => Line::Mouse,
        ("messages", "") => Line::Messages,
        ("q" | "quit", "") => Line::Quit,
        _ => return None,
    })
}

/// Does what a line says.
pub fn command(model: &mut Model, line: &str) -> Handled {
    match read(line) {
        Some(Line::Theme(name)) => act::set_theme(model, name),
        Some(Line::Filter(text)) => act::set_filter(model, text.to_owned()),
        Some(Line::Search(text)) => look_for(model, text),
        Some(Line::GoTo(text)) => go_to(model, text),
        Some(Line::Sync(name)) => sync(model, name),
        Some(Line::Revert(run)) => revert(model, run),
        Some(Line::View(rest)) => return views::line(model, rest),
        Some(Line::Clipboard) => {
            model.modal = Some(Modal::Text(Sheet::new("The clipboard", CLIPBOARD)));
        }
        Some(Line::Export("")) => {
            let text = "Name a file: :export list.csv, list.ndjson, or mapping.toml.";
            model.say(Word::Info, text);
        }
        Some(Line::Export(path)) => export::begin(model, path),
        Some(Line::Mouse) => mouse(model),
        Some(Line::Messages) => act::act(model, Action::Messages),
        Some(Line::Quit) => act::quit(model),
        None => match (wants(model, line), line.trim().parse::<Action>()) {
            (Some(what), _) => model.say(Word::Info, what),
            (None, Ok(action)) => act::act(model, action),
            (None, Err(_)) => return Handled::No,
        },
    }
    Handled::Yes
}

/// What [`command`] would do with a line, as a sentence; none for the name of an action or of a
/// view, which has a line of its own in the palette, and for what is no line.
pub fn meaning(model: &Model, line: &str) -> Option<String> {
    let Some(read) = read(line) else {
        return wants(model, line)
            .map(Into::into)
            .or_else(|| is_elsewhere(model, line));
    };
    Some(match read {
        Line::Theme(name) => format!("Shows everything in the theme {name}."),
        Line::Filter(text) => format!("Filters the list in front: {text}"),
        Line::Search(text) => format!("Looks everywhere for {text}."),
        Line::GoTo(text) => match screen(text) {
            Some(screen) => format!("Goes to {}.", screen.name()),
            None => format!("Looks everywhere for {text}."),
        },
        Line::Sync(name) => match sync_is_off(model) {
            Some(why) => format!("off: {why}"),
            None => match pair_meant(model, name) {
                Ok((_, title)) => format!("Syncs {title} now."),
                Err(why) => why,
            },
        },
        Line::Revert(run) => match model.read_only() {
            Some(why) => format!("off: {why}"),
            None => format!("Shows what taking back run {run} would write, and asks."),
        },
        Line::View(rest) => views::meaning(rest)?,
        Line::Clipboard => "Says how a copy reaches your clipboard.".into(),
        Line::Export("") => "Wants the name of a file: list.csv, list.ndjson.".into(),
        Line::Export(path) => format!("Writes the list to {path}."),
        Line::Mouse => "Gives the wheel to syncdeck, or back to the terminal.".into(),
        Line::Messages => Action::Messages.info().help.into(),
        Line::Quit => "Leaves syncdeck.".into(),
    })
}

/// What a word lacks that says nothing alone, where no action begins with it: another that is only
/// like it must not be what Enter does.
fn wants(model: &Model, line: &str) -> Option<&'static str> {
    let line = line.trim();
    let mut here = TABLE
        .iter()
        .filter(|info| info.action.is_in(model.context()));
    if here.any(|info| info.name == line || info.label.starts_with(line)) {
        return None;
    }
    Some(match line {
        "revert" => "Wants the number of a run: revert RUN; 2 lists the runs.",
        "sync" => "Wants the name of a pair: sync PAIR; 1 lists the pairs.",
        "goto" => "Wants an id or the name of a screen: goto ID.",
        "filter" => "Wants what the list is to show: filter state:fail.",
        "view" => "Wants the name of a view: view NAME, or view save NAME.",
        "view remove" => "Wants the name of a view: view remove NAME.",
        _ => return None,
    })
}

/// Why the action whose whole name is typed is off, where no line of the palette shows it.
fn is_elsewhere(model: &Model, line: &str) -> Option<String> {
    let action: Action = line.trim().parse().ok()?;
    let why = off::reason(model, action).filter(|_| !action.is_in(model.context()))?;
    Some(format!("off: {why}"))
}

/// Forms of lines whose first word begins as a text does; the first few when none does.
pub fn forms(text: &str) -> String {
    const FORMS: [&str; 9] = [
        ":sync PAIR",
        ":goto ID",
        ":filter state:fail",
        ":view NAME",
        ":view save NAME",
        ":view remove NAME",
        ":revert RUN",
        ":export FILE",
        ":theme NAME",
    ];
    let word = text.split_whitespace().next().unwrap_or_default();
    let of_word = |form: &&&str| form.get(1..).is_some_and(|form| form.starts_with(word));
    let mut found: Vec<&str> = FORMS.iter().filter(of_word).copied().collect();
    if found.is_empty() {
        found.extend(FORMS.iter().take(4));
    }
    found.truncate(4);
    format!("Also:  {}", found.join("   "))
}

fn look_for(model: &mut Model, text: &str) {
    search::begin(model);
    modal::paste(model, text);
}

/// A screen by its name; anything else is looked for everywhere. An id may be cut in its middle,
/// as on the screen.
fn go_to(model: &mut Model, text: &str) {
    match screen(text) {
        Some(screen) => act::go(model, screen),
        None => look_for(model, text.split("..").next().unwrap_or(text)),
    }
}

fn screen(text: &str) -> Option<Screen> {
    let named = |screen: &Screen| screen.name().eq_ignore_ascii_case(text);
    Screen::ALL.into_iter().find(named)
}

fn sync_is_off(model: &Model) -> Option<&'static str> {
    model.read_only().or_else(|| off::sync(model))
}

/// Starts a sync of the pair that is meant.
fn sync(model: &mut Model, name: &str) {
    if let Some(why) = sync_is_off(model) {
        return model.say(Word::Info, format!("sync is off: {why}"));
    }
    match pair_meant(model, name) {
        Ok((pair, title)) => overview::start(model, Scope::Pair(pair), &title),
        Err(why) => model.say(Word::Info, format!("{why} Nothing was started.")),
    }
}

/// The pair of that name, or the one whose title holds it; else a sentence that says why there is
/// none.
fn pair_meant(model: &Model, name: &str) -> Result<(PairName, String), String> {
    let wanted = name.to_lowercase();
    let pairs = model.pairs();
    let named = pairs.iter().find(|pair| pair.name.as_str() == name);
    let held = |title: &str| title.to_lowercase().contains(&wanted);
    let found: Vec<_> = match named {
        Some(pair) => vec![pair],
        None => pairs
            .iter()
            .filter(|pair| held(&pair.title) || held(pair.name.as_str()))
            .collect(),
    };
    match found.as_slice() {
        [pair] => Ok((pair.name.clone(), pair.title.clone())),
        [] => {
            let names: Vec<&str> = pairs.iter().map(|pair| pair.name.as_str()).collect();
            Err(format!(
                "No pair is like \"{name}\". There are {}.",
                names.join(", ")
            ))
        }
        many => {
            let titles: Vec<&str> = many.iter().map(|pair| pair.title.as_str()).collect();
            Err(format!("\"{name}\" can be {}.", titles.join(" or ")))
        }
    }
}

/// The question whether to take back a run.
fn revert(model: &mut Model, run: &str) {
    if let Some(why) = model.read_only() {
        return model.say(Word::Info, format!("revert run is off: {why}"));
    }
    match run.parse().map(RunId) {
        Ok(run) => model.ask(Ask::PreviewUndo(run), Command::PreviewUndo { run }),
        Err(_) => {
            let text = format!("\"{run}\" is no number of a run; 2 lists the runs.");
            model.say(Word::Info, text);
        }
    }
}

fn mouse(model: &mut Model) {
    let (mouse, text) = match model.mouse {
        Mouse::Terminals => (
            Mouse::Ours,
            "The wheel moves the cursor, for this session. The terminal selects text with Shift \
             held; :mouse gives it the mouse back.",
        ),
        Mouse::Ours => (Mouse::Terminals, "The mouse is the terminal's own again."),
    };
    model.mouse = mouse;
    model.effects.push(Effect::Mouse(mouse));
    model.say(Word::Ok, text);
}
