//! The first run on the screen: from nothing to a first sync, one page a step (terminal-ux 5.9).
//!
//! It asks, orders and shows; whoever holds the other end of [`port`] does the steps, the same
//! code as without a screen. Invariants: every step is saved when it is done, so that leaving
//! loses nothing; what the first sync would do is shown in numbers before it is offered.

pub mod page;
pub mod port;
mod steps;
mod told;
mod update;
pub mod words;

use std::time::Duration;

use crossterm::event::EventStream;
use jiff::Timestamp;

use self::page::Page;
use self::port::{Ends, Offer, Order, Settings, Standing, Told, VaultState};
use super::app::{self, Program};
use super::effect::{Effect, ExitReason};
use super::input::EscGuard;
use super::key::Key;
use super::model::{Options, Times};
use super::msg::{Msg, Now};
use super::theme::Theme;
use super::update::Draw;
use super::view;
use super::widget::toast::Toasts;
use crate::domain::dry_run::Plan;
use crate::domain::run::Word;
use crate::engine::view::SignInView;
use crate::error::Result;

/// The steps, in their order. HubSpot is none of them: there is nothing to do in it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Name, and production or sandbox.
    Profile,
    /// What opens the vault.
    Vault,
    /// The sign-in.
    Salesforce,
    /// The App's side.
    App,
    /// What is synced.
    Objects,
    /// A dry run.
    Check,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Profile,
        Self::Vault,
        Self::Salesforce,
        Self::App,
        Self::Objects,
        Self::Check,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Profile => "Profile",
            Self::Vault => "Vault",
            Self::Salesforce => "Salesforce",
            Self::App => "App",
            Self::Objects => "Objects",
            Self::Check => "Check",
        }
    }

    /// Its number, from 1 on.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|s| *s == self).unwrap_or(0) + 1
    }

    fn next(self) -> Self {
        Self::ALL.get(self.number()).copied().unwrap_or(self)
    }

    fn before(self) -> Option<Self> {
        Self::ALL.get(self.number().checked_sub(2)?).copied()
    }
}

impl Standing {
    /// Whether a step is done and saved.
    pub fn has(&self, step: Step) -> bool {
        match step {
            Step::Profile => self.settings != Settings::Missing,
            Step::Vault => self.vault == VaultState::Open,
            Step::Salesforce => self.signed_in.is_some(),
            Step::App | Step::Objects => !self.pairs.is_empty(),
            Step::Check => false,
        }
    }

    /// The first step that is not.
    pub fn missing(&self) -> Step {
        let missing = Step::ALL.into_iter().find(|step| !self.has(*step));
        missing.unwrap_or(Step::Check)
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its page waits for answers.
    Asking,
    /// A browser, or nobody, signs in; an address can be pasted.
    Signing,
    /// An order is under way, given in this stage.
    Busy(Before),
    /// It is done: Enter goes on.
    Done,
}

/// Where a failed order leads back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// To the questions.
    Asking,
    /// To the sign-in that waits.
    Signing,
}

/// What is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// The step.
    Step,
    /// Nothing but the address.
    Address,
    /// Why these choices; scrolled by so many lines.
    Why(usize),
}

/// A line of what was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `OK`, `WAIT`, `WARN`, `FAIL`, or `-`.
    pub word: Word,
    /// What.
    pub text: String,
}

/// The wizard.
#[derive(Debug)]
pub struct Wizard {
    /// What it was started with.
    pub options: Options,
    /// The theme worked out.
    pub theme: Theme,
    /// The time of this update.
    pub now: Now,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Where the person's SSH line comes from.
    pub ssh: Option<String>,
    /// What is saved, once it was said.
    pub standing: Option<Standing>,
    /// The step in front.
    pub step: Step,
    /// How far it is.
    pub stage: Stage,
    /// Its questions.
    pub page: Page,
    /// The questions of a sign-in, while its address is asked for.
    asked: Option<Page>,
    /// What was looked at in it.
    pub checks: Vec<Check>,
    /// The sign-in that waits.
    pub sign_in: Option<SignInView>,
    /// What is lost with the key of the vault.
    pub recovery: Option<String>,
    /// What can be synced.
    pub offers: Vec<Offer>,
    /// What a first sync would do.
    pub plan: Option<Box<Plan>>,
    /// What is in front.
    pub front: Front,
    /// Messages.
    pub toasts: Toasts,
    pending: Vec<Key>,
    stop_at: Option<Duration>,
    effects: Vec<Effect<Order>>,
}

impl Wizard {
    /// The wizard as it starts: it asks what is saved.
    pub fn new(options: Options, ssh: Option<String>, now: Now, size: (u16, u16)) -> Self {
        Self {
            theme: Theme::new(&options.theme, options.depth),
            options,
            now,
            size,
            ssh,
            standing: None,
            step: Step::Profile,
            stage: Stage::Asking,
            page: Page::default(),
            asked: None,
            checks: Vec::new(),
            sign_in: None,
            recovery: None,
            offers: Vec::new(),
            plan: None,
            front: Front::Step,
            toasts: Toasts::default(),
            pending: Vec::new(),
            stop_at: None,
            effects: Vec::new(),
        }
    }

    /// Whether pages have a list of the steps beside them.
    pub fn wide(&self) -> bool {
        self.size.0 >= 120
    }

    /// The address to open in a browser, if one waits.
    pub fn address(&self) -> Option<&str> {
        match (self.step, self.sign_in.as_ref()?) {
            (Step::Salesforce, SignInView::Browser(view)) => Some(&view.address),
            (Step::Salesforce, SignInView::Code { address, .. }) => Some(address),
            _ => None,
        }
    }

    /// Hours and minutes, and the zone they are of.
    pub fn clock(&self) -> String {
        let (zone, name) = match self.options.times {
            Times::Utc | Times::Relative => (jiff::tz::TimeZone::UTC, "UTC"),
            Times::Local => (self.options.zone.clone(), "local"),
        };
        let at: Timestamp = self.now.wall;
        format!("{} {name}", at.to_zoned(zone).strftime("%H:%M"))
    }

    fn say(&mut self, word: Word, text: impl Into<String>) {
        self.toasts.say(word, text, self.now.wall, self.now.since);
    }

    fn order(&mut self, order: Order) {
        self.effects.push(Effect::Send(order));
    }

    fn leave(&mut self) {
        self.effects.push(Effect::Quit(ExitReason::Quit));
    }
}

impl Program for Wizard {
    type Request = Order;
    type Notice = Told;

    fn start(&mut self, now: Now) -> Vec<Effect<Order>> {
        self.now = now;
        self.begin(Order::Look, "looking at what is there", Before::Asking);
        std::mem::take(&mut self.effects)
    }

    fn update(&mut self, now: Now, msg: Msg<Told>) -> (Draw, Vec<Effect<Order>>) {
        self.now = now;
        self.toasts.expire(now.since);
        let draw = self.take(msg);
        (draw, std::mem::take(&mut self.effects))
    }

    fn draw(&self, frame: &mut ratatui::Frame<'_>) {
        view::draw_wizard(self, frame);
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
    }

    fn wake(&self, _: Now) -> Option<Duration> {
        self.toasts.deadline()
    }
}

/// Shows the wizard on this process's terminal until the person leaves or the terminal is lost.
/// Dropping it gives the terminal back.
///
/// # Errors
/// When standard output is no terminal, or signals cannot be listened for.
pub async fn run(ends: Ends, options: Options, ssh: Option<String>) -> Result<ExitReason> {
    let (guard, surface, signals) = app::take()?;
    let esc = EscGuard::new(options.esc_hold);
    let made = |now, size| Wizard::new(options, ssh, now, size);
    let ends = (ends.orders, ends.told);
    let reason = app::show(made, ends, esc, surface, (EventStream::new(), signals)).await;
    drop(guard);
    Ok(reason)
}
