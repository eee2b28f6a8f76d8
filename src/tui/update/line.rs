//! Lines of the palette with a word and what it is for, such as `sync contact`.
//!
//! A bare name of an action is that action. What a line starts is asked for as its key would;
//! nothing is written that a key would not write. Invariant: a line that is not understood does
//! nothing.

use super::{act, export, modal, off, overview, search, views};
use crate::domain::id::{PairName, RunId};
use crate::domain::run::Word;
use crate::engine::command::{Command, Scope};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::effect::{Effect, Mouse};
use crate::tui::modal::Modal;
use crate::tui::model::{Model, Screen};
use crate::tui::widget::prompt::Handled;

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

/// Does what a line says.
pub fn command(model: &mut Model, line: &str) -> Handled {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    match (word, rest.trim()) {
        ("theme", name) if !name.is_empty() => act::set_theme(model, name),
        ("filter", text) if !text.is_empty() => act::set_filter(model, text.to_owned()),
        ("search", text) if !text.is_empty() => look_for(model, text),
        ("goto", text) if !text.is_empty() => go_to(model, text),
        ("sync", name) if !name.is_empty() => sync(model, name),
        ("revert", run) if !run.is_empty() => revert(model, run),
        ("view", rest) if !rest.is_empty() => return views::line(model, rest),
        ("help", "clipboard") => {
            model.modal = Some(Modal::Text {
                title: "The clipboard".into(),
                text: CLIPBOARD.into(),
            });
        }
        ("export", path) if !path.is_empty() => export::begin(model, path),
        ("export", _) => {
            let text = "Name a file: :export list.csv, list.ndjson, or mapping.toml.";
            model.say(Word::Info, text);
        }
        ("mouse", "") => mouse(model),
        ("messages", "") => act::act(model, Action::Messages),
        ("q" | "quit", "") => act::quit(model),
        (name, "") => match name.parse::<Action>() {
            Ok(action) => act::act(model, action),
            Err(_) => return Handled::No,
        },
        _ => return Handled::No,
    }
    Handled::Yes
}

fn look_for(model: &mut Model, text: &str) {
    search::begin(model);
    modal::paste(model, text);
}

/// A screen by its name; anything else is looked for everywhere. An id may be cut in its middle,
/// as on the screen.
fn go_to(model: &mut Model, text: &str) {
    let named = |screen: &Screen| screen.name().eq_ignore_ascii_case(text);
    match Screen::ALL.into_iter().find(named) {
        Some(screen) => act::go(model, screen),
        None => look_for(model, text.split("..").next().unwrap_or(text)),
    }
}

/// The pair of that name, or the one whose title holds it.
fn sync(model: &mut Model, name: &str) {
    if let Some(why) = model.read_only().or_else(|| off::sync(model)) {
        return model.say(Word::Info, format!("sync is off: {why}"));
    }
    let wanted = name.to_lowercase();
    let pairs = model.pairs();
    let named = pairs.iter().find(|pair| pair.name.as_str() == name);
    let held = |title: &str| title.to_lowercase().contains(&wanted);
    let found: Vec<(PairName, String)> = match named {
        Some(pair) => vec![(pair.name.clone(), pair.title.clone())],
        None => pairs
            .iter()
            .filter(|pair| held(&pair.title) || held(pair.name.as_str()))
            .map(|pair| (pair.name.clone(), pair.title.clone()))
            .collect(),
    };
    match found.as_slice() {
        [(pair, title)] => overview::start(model, Scope::Pair(pair.clone()), title),
        [] => {
            let names: Vec<&str> = pairs.iter().map(|pair| pair.name.as_str()).collect();
            let text = format!(
                "No pair is like \"{name}\". There are {}.",
                names.join(", ")
            );
            model.say(Word::Info, text);
        }
        many => {
            let titles: Vec<&str> = many.iter().map(|(_, title)| title.as_str()).collect();
            let text = format!(
                "\"{name}\" can be {}. Nothing was started.",
                titles.join(" or ")
            );
            model.say(Word::Info, text);
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
