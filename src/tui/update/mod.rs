//! The one function that changes the model: `update(model, now, msg) -> effects`.
//!
//! It does no I/O, does not wait and cannot fail. One file per screen. Invariant: an effect that
//! writes to a CRM comes out of a dialog, never straight from a key.

mod act;
mod after_write;
mod bulk;
mod business;
mod by_marks;
mod choose;
mod clipboard;
mod complete;
mod conflicts;
mod decide;
mod drift;
mod export;
mod find;
mod held;
mod help;
mod json;
mod line;
mod link;
mod log;
mod mapping;
mod mapping_form;
mod marked;
mod meant;
mod modal;
pub mod off;
mod overview;
mod plan;
mod reading;
mod record_form;
mod records;
mod relink;
mod reply;
mod revert;
mod said;
mod schedules;
mod search;
mod settings;
mod sign_in;
mod staged_many;
mod steps;
mod try_filter;
mod view_pane;
mod views;
mod write;

use std::time::Duration;

use super::action::Action;
use super::ask::Ask;
use super::effect::Effect;
use super::effect::ExitReason;
use super::input::Input;
use super::key::Key;
use super::keymap::Resolved;
use super::modal::{Modal, Seen};
use super::model::{Audience, LinkState, Model};
use super::msg::{Msg, Now};
use super::widget::confirm::SETTLE;
use super::widget::list::Step;
use super::widget::prompt::{Handled, Prompt};
use super::widget::toast::Changed;
use super::wizard::port::First;
use crate::domain::id::PairName;
use crate::domain::run::Word;
use crate::engine::command::{Command, Scope};
use crate::engine::summary::Access;

pub use act::{back_label, theme_names};
pub use choose::hits as choices;
pub use complete::{offers, problem};
pub use conflicts::{Place, place as conflict_place};
pub use decide::field_index;
pub use export::Export;
pub use find::{is_here as finds_here, text as finding};
pub use help::{actions_here, help_lines};
pub use line::forms as line_forms;
pub use mapping::{offer_hits, selected as selected_row, staged_changes};
pub use meant::strategy as strategy_words;
pub use modal::{PaletteLine, palette_hits, palette_lines};
pub use said::{WIDEST as MESSAGES_WIDEST, message_lines};
pub use schedules::{schedule_of, schedule_text, staged_of};
pub use search::{Group, Hit, search_hits, total as search_total};
pub use settings::newer_figure;
pub use try_filter::{REFUSED, filter_text, part_of, saved_part};
pub use write::{cell_text, staged, write_line, write_lines};

/// Whether the screen has to be drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Something that can be seen changed.
    Needed,
    /// Nothing did.
    Same,
}

/// Changes the model by one message.
pub fn update(model: &mut Model, now: Now, msg: Msg) -> (Draw, Vec<Effect>) {
    let now = now.ahead(model.options.ahead);
    model.now = now;
    // With every message: a busy engine or a fast typist leaves no pause for a tick.
    model.toasts.expire(now.since);
    act::follow_typed(model);
    let kind = |model: &Model| model.modal.as_ref().map(std::mem::discriminant);
    let dialog = kind(model);
    let draw = match msg {
        Msg::Input(input) if model.options.audience == Audience::Wall => on_wall(model, &input),
        Msg::Input(input) => {
            on_input(model, input);
            Draw::Needed
        }
        Msg::Engine(notice) => {
            model.heard = now.wall;
            reply::notice(model, notice);
            model.waits = model.asks.waits(Ask::is_quick).then_some(now.since);
            if kind(model).is_some() && kind(model) != dialog {
                model.seen = Seen::No;
            }
            Draw::Needed
        }
        Msg::EngineGone => {
            if model.link == LinkState::Live {
                let at = model.summary.as_ref().map_or(now.wall, |s| s.at);
                model.link = LinkState::Gone(at);
                model.say(Word::Fail, "The engine went away. What you see is from then. q leaves; nothing staged is lost.");
            }
            bulk::broke_off(model, "the engine went away.");
            model.export = None;
            Draw::Needed
        }
        Msg::Tick => Draw::Needed,
        Msg::Drawn => {
            // In a tiny window no dialog is drawn.
            if !model.tiny() {
                if let Some(Modal::Confirm(confirm)) = &mut model.modal {
                    confirm.drawn(now.since);
                }
                if model.seen == Seen::No {
                    model.seen = Seen::Since(now.since);
                }
            }
            Draw::Same
        }
        Msg::SuspendAsked => {
            act::suspend(model);
            Draw::Needed
        }
        Msg::Saved(saved) => {
            export::saved(model, saved);
            Draw::Needed
        }
        Msg::NotSuspended(why) => {
            model.say(Word::Info, why.reason());
            Draw::Needed
        }
    };
    if kind(model).is_some() && kind(model) != dialog {
        // A key that waits for another one was for what is behind.
        model.pending.clear();
        // What went well before may not cover the buttons of what is asked now.
        model.toasts.give_way(now.wall);
    }
    (draw, std::mem::take(&mut model.effects))
}

/// What the console asks for before its first frame.
pub fn start(model: &mut Model, now: Now) -> Vec<Effect> {
    model.now = now.ahead(model.options.ahead);
    for remark in std::mem::take(&mut model.options.remarks) {
        model.say(Word::Warn, remark);
    }
    act::load(model);
    if model.options.first == First::Sync {
        overview::start(model, Scope::All, "all pairs");
    }
    std::mem::take(&mut model.effects)
}

/// On a wall nothing is decided: q and Ctrl-c leave, Ctrl-l draws again.
fn on_wall(model: &mut Model, input: &Input) -> Draw {
    match input {
        Input::Resize(columns, rows) => {
            model.size = (*columns, *rows);
            return Draw::Needed;
        }
        Input::Key(Key::Char('q') | Key::Ctrl('c')) => {
            model.effects.push(Effect::Quit(ExitReason::Quit));
        }
        Input::Key(Key::Ctrl('l')) => model.effects.push(Effect::Redraw),
        Input::Key(_) | Input::Paste(_) => {}
    }
    Draw::Same
}

fn on_input(model: &mut Model, input: Input) {
    match input {
        Input::Key(key) => on_key(model, key),
        Input::Paste(text) => on_paste(model, &text),
        Input::Resize(columns, rows) => model.size = (columns, rows),
    }
}

/// Bytes that are taken from the clipboard at once: twice the longest text of a record.
const MOST_PASTED: usize = 256 * 1024;

fn on_paste(model: &mut Model, text: &str) {
    if text.len() > MOST_PASTED {
        let size = super::text::count(text.len() as u64, "byte", "bytes");
        let most = super::text::count(MOST_PASTED as u64, "byte", "bytes");
        let text = format!(
            "The paste has {size}, and at most {most} are taken. Nothing of it was put in; what \
             you typed before is as it was."
        );
        return model.say(Word::Warn, text);
    }
    if model.tiny() {
        let text = "The window is too small to see where a paste goes; it was left out.";
        model.say(Word::Info, text);
    } else if model.modal.is_some() && !settled(model) {
        model.say(
            Word::Info,
            "What was pasted before the dialog was there was left out.",
        );
    } else if model.modal.is_some() {
        modal::paste(model, text);
    } else if let Some(filter) = &mut model.filter {
        filter.paste(text);
    } else {
        // Letters of a paste would be commands.
        model.say(
            Word::Info,
            "A paste is text. Open a field first; here it was left out.",
        );
    }
}

/// Two Ctrl-c within this time leave.
const TWICE: Duration = Duration::from_secs(2);

fn on_key(model: &mut Model, key: Key) {
    if let Some(action) = model.options.keymap.in_front(key) {
        return act::act(model, action);
    }
    if model.tiny() {
        return in_tiny(model, key);
    }
    if model.modal.is_some() {
        if !settled(model) {
            return;
        }
        return modal::key(model, key);
    }
    if model.filter.is_some() {
        return filter_key(model, key);
    }
    let pending = std::mem::take(&mut model.pending);
    if !pending.is_empty() && key == Key::Esc {
        return;
    }
    match model.options.keymap.resolve(model.context(), &pending, key) {
        Resolved::Action(action) => act::act(model, action),
        Resolved::Pending => {
            model.pending = pending;
            model.pending.push(key);
        }
        Resolved::None => say_dead(model, &pending, key),
    }
}

/// Says that keys do nothing.
fn say_dead(model: &mut Model, pending: &[Key], key: Key) {
    let keys: Vec<Key> = pending.iter().copied().chain([key]).collect();
    // Whoever may only look need not search for the place where it does something.
    let says = off::refused_anywhere(model, &keys).unwrap_or_else(|| {
        let keys: String = keys.iter().map(Key::to_string).collect();
        format!("{keys} does nothing here. ? lists the keys.")
    });
    model.say(Word::Info, says);
}

/// A window too small for a layout: nothing is answered or changed that cannot be seen. With a
/// dialog open, `q` would lose what is typed in it.
fn in_tiny(model: &mut Model, key: Key) {
    model.pending.clear();
    if key == Key::Char('q') && model.modal.is_none() {
        act::quit(model);
    }
}

/// Whether the dialog in front can be what a key is for: what was typed before an answer opened
/// it, and for a moment after, was meant for something else.
fn settled(model: &mut Model) -> bool {
    match model.seen {
        Seen::No => return false,
        Seen::Since(at) if model.now.since < at + SETTLE => return false,
        Seen::Since(_) | Seen::Yes => model.seen = Seen::Yes,
    }
    true
}

/// Stops waiting; twice in a row leaves.
fn stop(model: &mut Model) {
    let again = model
        .stop_at
        .is_some_and(|at| model.now.since.saturating_sub(at) <= TWICE);
    model.stop_at = Some(model.now.since);
    if again {
        return act::quit(model);
    }
    // A key file may give it another key, or none.
    let key = model.options.keymap.key_of(Action::Stop);
    let key = key.unwrap_or_else(|| Action::Stop.info().label.to_owned());
    if bulk::stop(model) == Changed::Yes || export::stop(model) == Changed::Yes {
        // It said so.
    } else if matches!(model.modal, Some(Modal::Form(..) | Modal::Editor { .. })) {
        // What is typed is as safe from Ctrl-c as from Esc.
        modal::key(model, Key::Esc);
        model.say(Word::Info, format!("{key} again within 2 s leaves."));
    } else if model.modal.take().is_some() {
        model.say(
            Word::Info,
            format!("Closed. {key} again within 2 s leaves."),
        );
    } else if model.asks.forget_views() > 0 {
        let text = format!("Stopped waiting for the engine. R asks again. {key} again leaves.");
        model.say(Word::Info, text);
    } else {
        let text = format!("Nothing is being waited for. {key} again within 2 s leaves.");
        model.say(Word::Info, text);
    }
}

fn filter_key(model: &mut Model, key: Key) {
    let Some(prompt) = &mut model.filter else {
        return;
    };
    match key {
        Key::Enter => {
            let text = prompt.text().to_owned();
            model.filter = None;
            model.follows = None;
            model.typed.keep(&text);
            act::set_filter(model, text);
        }
        Key::Esc => act::leave_filter(model),
        Key::Up | Key::Down => {
            let text = match key {
                Key::Up => model.typed.older(),
                _ => model.typed.newer(),
            };
            if let Some(text) = text.map(str::to_owned) {
                *prompt = Prompt::new(text.as_str());
                act::preview_filter(model, text);
            }
        }
        Key::Tab => complete::complete(model),
        Key::F(1) => help::while_typing(model),
        key => {
            if prompt.key(key) == Handled::Yes {
                let text = prompt.text().to_owned();
                act::preview_filter(model, text);
            }
        }
    }
}

impl Model {
    /// Sends a command and notes what its answer is for. Whoever may only look sends no other.
    pub fn ask(&mut self, ask: Ask, command: Command) {
        // An engine that is not there yet says itself what it refuses.
        let known = self.summary.is_some() || self.options.access == Access::ReadOnly;
        if known && !command.only_asks() && !self.may_change("This") {
            return;
        }
        if self.link != LinkState::Live {
            if !ask.is_view() || matches!(ask, Ask::Preview(_)) {
                self.say(Word::Warn, "The engine is away; this was not sent.");
            }
            return;
        }
        if ask.is_quick() {
            self.waits.get_or_insert(self.now.since);
        }
        let request = self.asks.open(ask, command);
        self.effects.push(Effect::Send(request));
    }

    /// Whether a person has something open that an answer which comes late must not cover; says
    /// so.
    fn is_busy(&mut self) -> bool {
        let busy = self.modal.is_some() || self.filter.is_some();
        if busy {
            let text = "A preview came while something else was open; its key asks for it again.";
            self.say(Word::Info, text);
        }
        busy
    }

    /// Whether anything may be changed here; says why not, of what a person wanted to do.
    pub fn may_change(&mut self, what: &str) -> bool {
        match self.read_only() {
            None => true,
            Some(why) => {
                self.say(Word::Info, format!("{what} is off: {why}"));
                false
            }
        }
    }

    /// Takes the toasts away; says whether there were any.
    pub fn dismiss(&mut self) -> Changed {
        self.toasts.dismiss_failures()
    }
}

/// Says that a list ends here.
fn no_further(model: &mut Model, step: Step) {
    let text = match step {
        Step::Up => "This is the first one of the list.",
        _ => "This is the last one of the list.",
    };
    model.say(Word::Info, text);
}

/// The pair before or after one.
fn beside<'a>(model: &'a Model, here: Option<&PairName>, step: Step) -> Option<&'a PairName> {
    let pairs = model.pairs();
    let at = pairs.iter().position(|p| Some(&p.name) == here);
    let at = at.unwrap_or(0);
    let next = match step {
        Step::Up => at.checked_sub(1),
        _ => Some(at + 1),
    };
    next.and_then(|n| pairs.get(n)).map(|p| &p.name)
}

/// The step of the cursor an action means.
fn step_of(action: Action) -> Option<Step> {
    Some(match action {
        Action::Down => Step::Down,
        Action::Up => Step::Up,
        Action::First => Step::First,
        Action::Last => Step::Last,
        Action::HalfDown => Step::HalfDown,
        Action::HalfUp => Step::HalfUp,
        Action::PageDown => Step::PageDown,
        Action::PageUp => Step::PageUp,
        _ => return None,
    })
}
