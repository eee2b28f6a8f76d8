//! Keys of the wizard.
//!
//! Letters are text while a field is typed in, and actions of the one table otherwise. Invariant:
//! the first sync is ordered only after its numbers were shown.

use std::time::Duration;

use super::page::{Entered, Typing};
use super::port::{First, Order};
use super::{Before, Front, Stage, Step, Wizard, words};
use crate::domain::run::Word;
use crate::engine::view::SignInView;
use crate::tui::action::{Action, Context};
use crate::tui::effect::Effect;
use crate::tui::input::Input;
use crate::tui::key::Key;
use crate::tui::keymap::Resolved;
use crate::tui::model::LEAST;
use crate::tui::msg::Msg;
use crate::tui::update::Draw;
use crate::tui::widget::prompt::Handled;

use super::port::Told;

/// Two Ctrl-c within this time leave.
const TWICE: Duration = Duration::from_secs(2);
/// Longest text that is pasted into a field.
const MOST_PASTED: usize = 64 * 1024;

impl Wizard {
    /// Takes one message.
    pub(super) fn take(&mut self, msg: Msg<Told>) -> Draw {
        match msg {
            Msg::Input(Input::Key(key)) => self.key(key),
            Msg::Input(Input::Paste(text)) => self.pasted(&text),
            Msg::Input(Input::Resize(columns, rows)) => self.size = (columns, rows),
            Msg::Engine(told) => self.hear(told),
            Msg::EngineGone => {
                let text = "The set-up stopped working. What is saved stays; q leaves.";
                self.say(Word::Fail, text);
            }
            Msg::Tick => {}
            Msg::Drawn => return Draw::Same,
            Msg::SuspendAsked => self.effects.push(Effect::Suspend),
            // Nothing is written to files here.
            Msg::Saved(_) => {}
            Msg::NotSuspended(why) => self.say(Word::Info, why.reason()),
        }
        Draw::Needed
    }

    fn pasted(&mut self, text: &str) {
        if text.len() > MOST_PASTED {
            let text = "That paste is longer than any answer here; nothing of it was put in.";
            return self.say(Word::Warn, text);
        }
        let asks = matches!(self.stage, Stage::Asking | Stage::Signing);
        if self.front != Front::Step || !asks || self.page.paste(text) == Handled::No {
            self.say(Word::Info, "A paste is text; there is no field here.");
        }
    }

    fn key(&mut self, key: Key) {
        if let Some(action) = self.options.keymap.in_front(key) {
            return self.everywhere(action);
        }
        let asks = matches!(self.stage, Stage::Asking | Stage::Signing);
        let types = self.front == Front::Step && asks && self.page.typing() == Typing::Yes;
        if self.size.0 < LEAST.0 || self.size.1 < LEAST.1 {
            // Nothing is answered that cannot be seen.
            if key == Key::Char('q') && !types {
                self.leave();
            }
            return;
        }
        if types {
            return self.type_key(key);
        }
        let pending = std::mem::take(&mut self.pending);
        match self.options.keymap.resolve(Context::Setup, &pending, key) {
            Resolved::Action(action) if self.front == Front::Step => self.act(action),
            Resolved::Action(action) => self.act_in_front(action),
            Resolved::Pending => {
                self.pending = pending;
                self.pending.push(key);
            }
            Resolved::None => self.nothing(&key.to_string()),
        }
    }

    /// What works in front of everything.
    fn everywhere(&mut self, action: Action) {
        match action {
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::Redraw => self.effects.push(Effect::Redraw),
            _ => self.stop(),
        }
    }

    fn nothing(&mut self, key: &str) {
        let text = format!("{key} does nothing here. ? says why these choices.");
        self.say(Word::Info, text);
    }

    /// A key while letters are text.
    fn type_key(&mut self, key: Key) {
        match key {
            Key::Esc => self.page.leave_field(),
            Key::Enter => self.enter(),
            Key::Tab | Key::Down => self.page.down(),
            Key::Up => self.page.up(),
            Key::BackTab => self.before(),
            key => {
                self.page.key(key);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Open => self.enter(),
            Action::Down | Action::NextPane if self.stage == Stage::Asking => self.page.down(),
            Action::Up if self.stage == Stage::Asking => self.page.up(),
            Action::Down | Action::Up => {}
            Action::Switch if self.stage == Stage::Asking => {
                if self.page.take() == Entered::Off {
                    self.is_off();
                }
            }
            Action::PreviousPane => self.before(),
            Action::Close | Action::Back | Action::Quit => self.leave(),
            Action::Copy => self.copy(),
            Action::Stop | Action::Suspend | Action::Redraw => self.everywhere(action),
            Action::ShowAddress => match self.address() {
                Some(_) => self.front = Front::Address,
                None => self.say(Word::Info, "There is no address to show in this step."),
            },
            Action::Refresh => self.again(),
            Action::Help => self.front = Front::Why(0),
            Action::SyncNow => self.sync(),
            other => {
                let key = self.options.keymap.key_of(other);
                self.nothing(&key.unwrap_or_else(|| other.info().label.to_owned()));
            }
        }
    }

    /// With the address or the reasons in front.
    fn act_in_front(&mut self, action: Action) {
        let lines = words::why(self.step).len();
        match (action, self.front) {
            (Action::Copy, Front::Address) => self.copy(),
            (Action::Down, Front::Why(at)) => self.front = Front::Why((at + 1).min(lines)),
            (Action::Up, Front::Why(at)) => self.front = Front::Why(at.saturating_sub(1)),
            (
                Action::Close | Action::Back | Action::Open | Action::ShowAddress | Action::Help,
                _,
            ) => self.front = Front::Step,
            _ => {}
        }
    }

    fn enter(&mut self) {
        match self.stage {
            Stage::Busy(_) => self.say(Word::Info, "Wait for what is under way, or leave with q."),
            Stage::Done if self.step == Step::Check => self.order(Order::Open(First::Nothing)),
            Stage::Done => self.arrive(self.step.next()),
            Stage::Asking if self.standing.is_none() => self.again(),
            Stage::Signing if matches!(self.sign_in, Some(SignInView::Browser(_))) => {
                if self.page.enter() == Entered::Whole {
                    self.submit();
                }
            }
            Stage::Signing => {
                self.say(Word::Info, "Nothing is typed here; this goes on by itself.")
            }
            Stage::Asking => match self.page.enter() {
                Entered::On => {}
                Entered::Off => self.is_off(),
                Entered::Whole => self.submit(),
            },
        }
    }

    fn is_off(&mut self) {
        self.say(Word::Info, words::DEVICE_OFF);
    }

    /// To the step before.
    fn before(&mut self) {
        let Some(step) = self.step.before() else {
            return self.say(Word::Info, "This is the first step.");
        };
        match self.stage {
            Stage::Busy(_) => {
                return self.say(Word::Info, "Wait for what is under way, or leave with q.");
            }
            Stage::Signing => {
                self.order(Order::LeaveSignIn);
                // To the questions of the same step first.
                return self.arrive(Step::Salesforce);
            }
            Stage::Asking | Stage::Done => {}
        }
        if self.standing.is_some() {
            self.arrive(step);
        }
    }

    /// R: a fresh address, or the same again.
    fn again(&mut self) {
        match (self.step, self.stage) {
            (_, Stage::Busy(_)) => self.say(Word::Info, "It is under way."),
            (_, Stage::Asking) if self.standing.is_none() => {
                self.begin(Order::Look, "looking at what is there", Before::Asking);
            }
            (Step::Salesforce, Stage::Signing) => {
                self.sign_in = None;
                self.begin(Order::Again, "asking for a fresh address", Before::Signing);
            }
            (Step::Salesforce, Stage::Done) => {
                self.checks.clear();
                self.ask_sign_in();
            }
            (Step::App | Step::Objects, Stage::Asking) => self.arrive(self.step),
            (Step::Check, _) => {
                self.plan = None;
                self.arrive(Step::Check);
                self.submit();
            }
            _ => self.nothing("R"),
        }
    }

    /// s: the first sync, once its numbers are seen.
    fn sync(&mut self) {
        match (self.step, self.stage, &self.plan) {
            (Step::Check, Stage::Done, Some(_)) => self.order(Order::Open(First::Sync)),
            _ => self.say(
                Word::Info,
                "s is off: the dry run of step 6 comes before the first sync.",
            ),
        }
    }

    fn copy(&mut self) {
        match self.address().map(str::to_owned) {
            Some(address) => {
                let text = format!(
                    "Sent {} bytes to the clipboard of your terminal.",
                    address.len()
                );
                self.effects.push(Effect::Copy(address));
                self.say(Word::Ok, text);
            }
            None => self.say(Word::Info, "There is no address to copy in this step."),
        }
    }

    fn stop(&mut self) {
        let again = self
            .stop_at
            .is_some_and(|at| self.now.since.saturating_sub(at) <= TWICE);
        self.stop_at = Some(self.now.since);
        if again {
            return self.leave();
        }
        let text = "Ctrl-c again within 2 s leaves. What is saved stays.";
        self.say(Word::Info, text);
    }
}
