//! Everything the screen is drawn from. Changed in `update` only, read by `view` only.
//!
//! It holds copies of what the engine answered and what the person is doing now, no store and no
//! clock. Invariant: nothing in it blocks, and no key needs the engine to be answered.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::action::{Action, Context};
use super::ask::Asks;
use super::bulk::Bulk;
use super::effect::{Effect, Mouse};
use super::input::{HOLD_LOCAL, HOLD_SSH};
use super::key::Key;
use super::keymap::Keymap;
use super::modal::{Modal, Seen};
use super::msg::Now;
use super::split::Splits;
use super::state::{
    ConflictsState, Front, LogState, MappingState, OverviewState, RecordsState, SettingsState,
};
use super::theme::{ColourHints, Depth, Theme};
use super::trail::Trail;
use super::update::Export;
use super::widget::prompt::Prompt;
use super::widget::recall::Recall;
use super::widget::toast::Toasts;
use super::wizard::port::First;
use crate::config::resolved::Band;
use crate::config::theme::ThemeFile;
use crate::domain::id::RunId;
use crate::domain::run::Word;
use crate::engine::summary::{Access, Motion, PairRow, Summary};

/// Whether this process runs the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosting {
    /// It does: quitting stops all syncing.
    Embedded,
    /// Another process does.
    Attached,
}

/// Who looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person with a keyboard.
    Person,
    /// Whoever passes: no key but q does anything, and the clock goes on by itself.
    Wall,
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// UTC.
    Utc,
    /// The zone of this machine.
    Local,
    /// How long ago, as of the last frame.
    Relative,
}

/// The six screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Screen {
    /// Connections and syncs.
    Overview,
    /// Runs.
    Log,
    /// Conflicts.
    Conflicts,
    /// Mappings.
    Mapping,
    /// Records.
    Records,
    /// Settings.
    Settings,
}

impl Screen {
    /// In the order of their keys.
    pub const ALL: [Self; 6] = [
        Self::Overview,
        Self::Log,
        Self::Conflicts,
        Self::Mapping,
        Self::Records,
        Self::Settings,
    ];

    /// Name in the second row.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Log => "Log",
            Self::Conflicts => "Conflicts",
            Self::Mapping => "Mapping",
            Self::Records => "Records",
            Self::Settings => "Settings",
        }
    }
}

/// What the console is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Theme file, checked.
    pub theme: ThemeFile,
    /// Themes of the person, beside the built-in ones.
    pub themes: Vec<ThemeFile>,
    /// What to say at the start.
    pub remarks: Vec<String>,
    /// Colours of the terminal.
    pub depth: Depth,
    /// Active keys.
    pub keymap: Keymap,
    /// `ReadOnly` with `--read-only`, whatever the engine allows.
    pub access: Access,
    /// Whether this process runs the engine.
    pub hosting: Hosting,
    /// Who looks at it.
    pub audience: Audience,
    /// How times are written at first.
    pub times: Times,
    /// Zone for local times.
    pub zone: TimeZone,
    /// What the first line begins with.
    pub band: Option<Band>,
    /// How long a lone Esc is held.
    pub esc_hold: Duration,
    /// The state of everything, when somebody heard it on this link already: the engine says it
    /// again only when it changes.
    pub summary: Option<Arc<Summary>>,
    /// What it asks for first.
    pub first: First,
    /// How far the engine's clock is ahead of this machine's: in the demo, which lets time pass.
    pub ahead: SignedDuration,
}

impl Options {
    /// Options for the terminal this process was started in: colours, zone and the wait for a
    /// lone Esc follow from its environment.
    pub fn from_env(theme: ThemeFile, keymap: Keymap, hosting: Hosting) -> Self {
        let over_ssh = std::env::var_os("SSH_CONNECTION").is_some();
        Self {
            theme,
            themes: Vec::new(),
            remarks: Vec::new(),
            depth: Depth::detect(&ColourHints::from_env()),
            keymap,
            access: Access::ReadWrite,
            hosting,
            audience: Audience::Person,
            times: Times::Utc,
            zone: TimeZone::system(),
            band: None,
            esc_hold: if over_ssh { HOLD_SSH } else { HOLD_LOCAL },
            summary: None,
            first: First::Nothing,
            ahead: SignedDuration::ZERO,
        }
    }
}

/// The link as the screen sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Answers come.
    Live,
    /// The engine went away; what is shown is from then.
    Gone(Timestamp),
}

/// Whether the pane in focus has the whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    /// Panes share the body.
    Shared,
    /// One has it all.
    Whole,
}

/// What was true longer ago is said to be old (terminal-ux 4).
pub const STALE: Duration = Duration::from_secs(10);

/// The smallest window with a layout (columns, rows); a smaller one shows two lines of text.
pub const LEAST: (u16, u16) = (60, 15);

/// The model.
#[derive(Debug)]
pub struct Model {
    /// What it was started with.
    pub options: Options,
    /// The theme worked out.
    pub theme: Theme,
    /// The time of this update.
    pub now: Now,
    /// Columns and rows.
    pub size: (u16, u16),
    /// State of everything, once the engine said it.
    pub summary: Option<Arc<Summary>>,
    /// The link.
    pub link: LinkState,
    /// When the engine said something last.
    pub heard: Timestamp,
    /// Since when, from the start, the screen waits for an answer.
    pub waits: Option<Duration>,
    /// The screen in front.
    pub screen: Screen,
    /// The screen before it.
    pub before: Screen,
    /// The way that was followed to the screen in front.
    pub trail: Trail,
    /// The dialog in front, if any.
    pub modal: Option<Modal>,
    /// Whether it may have been seen.
    pub seen: Seen,
    /// The filter being typed.
    pub filter: Option<Prompt>,
    /// What the list follows of it, and when.
    pub follows: Option<(Duration, String)>,
    /// Filters that were typed before.
    pub typed: Recall,
    /// Keys of a chord so far.
    pub pending: Vec<Key>,
    /// When Ctrl-c was pressed last.
    pub stop_at: Option<Duration>,
    /// Who has the mouse.
    pub mouse: Mouse,
    /// Actions chosen in the palette, the last first.
    pub recent: Vec<Action>,
    /// Messages.
    pub toasts: Toasts,
    /// Open requests.
    pub asks: Asks,
    /// How times are shown.
    pub times: Times,
    /// Zoom of the pane in focus.
    pub zoom: Zoom,
    /// Where panes side by side meet.
    pub splits: Splits,
    /// Overview.
    pub overview: OverviewState,
    /// Log and run.
    pub log: LogState,
    /// Conflicts.
    pub conflicts: ConflictsState,
    /// Mapping.
    pub mapping: MappingState,
    /// Records.
    pub records: RecordsState,
    /// Runs that write what was confirmed here, and go on.
    pub wrote: Vec<RunId>,
    /// Changes of many records.
    pub bulk: Bulk,
    /// Records on their way to a file.
    pub export: Option<Export>,
    /// Exports of records that were begun.
    pub exports: u64,
    /// Settings.
    pub settings: SettingsState,
    /// What the loop has to do after this update.
    pub effects: Vec<Effect>,
}

impl Model {
    /// The model of a console that just started.
    pub fn new(options: Options, now: Now, size: (u16, u16)) -> Self {
        let theme = Theme::new(&options.theme, options.depth).banded(options.band.as_ref());
        let (summary, times) = (options.summary.clone(), options.times);
        let now = now.ahead(options.ahead);
        Self {
            options,
            theme,
            now,
            size,
            summary,
            link: LinkState::Live,
            heard: now.wall,
            waits: None,
            screen: Screen::Overview,
            before: Screen::Overview,
            trail: Trail::default(),
            modal: None,
            seen: Seen::default(),
            filter: None,
            follows: None,
            typed: Recall::default(),
            pending: Vec::new(),
            stop_at: None,
            mouse: Mouse::default(),
            recent: Vec::new(),
            toasts: Toasts::default(),
            asks: Asks::default(),
            times,
            zoom: Zoom::Shared,
            splits: Splits::default(),
            overview: OverviewState::default(),
            log: LogState::default(),
            conflicts: ConflictsState::default(),
            mapping: MappingState::default(),
            records: RecordsState::default(),
            wrote: Vec::new(),
            bulk: Bulk::default(),
            export: None,
            exports: 0,
            settings: SettingsState::default(),
            effects: Vec::new(),
        }
    }

    /// Where keys are looked up when no dialog and no field has them.
    pub fn context(&self) -> Context {
        match self.screen {
            Screen::Overview if self.overview.front == Front::Business => Context::Business,
            Screen::Overview => Context::Overview,
            Screen::Log if self.log.open.is_some() => Context::Run,
            Screen::Log => Context::Log,
            Screen::Conflicts if self.conflicts.open.is_some() => Context::Conflict,
            Screen::Conflicts => Context::Conflicts,
            Screen::Mapping => Context::Mapping,
            Screen::Records if self.records.open.is_some() => Context::Record,
            Screen::Records => Context::Records,
            Screen::Settings => Context::Settings,
        }
    }

    /// Says something at the bottom right.
    pub fn say(&mut self, word: Word, text: impl Into<String>) {
        self.toasts.say(word, text, self.now.wall, self.now.since);
    }

    /// Pairs of the summary.
    pub fn pairs(&self) -> &[PairRow] {
        self.summary.as_ref().map_or(&[], |s| s.pairs.as_slice())
    }

    /// When what is shown was true, if that is longer ago than [`STALE`] or nobody answers: a run
    /// that stands still and an engine that hangs look like any other otherwise.
    pub fn stale(&self) -> Option<Timestamp> {
        if let LinkState::Gone(at) = self.link {
            return Some(at);
        }
        let hangs = |since: &Duration| self.now.since.saturating_sub(*since) >= STALE;
        if self.waits.as_ref().is_some_and(hangs) {
            return Some(self.heard);
        }
        let run = self.summary.as_ref()?.running.as_ref()?;
        let stands = self.now.wall.as_second() - run.moved_at.as_second();
        let old = u64::try_from(stands).is_ok_and(|s| s > STALE.as_secs());
        (run.motion == Motion::Working && old).then_some(run.moved_at)
    }

    /// When an answer that is waited for becomes overdue.
    pub fn overdue(&self) -> Option<Duration> {
        let at = self.waits? + STALE;
        (self.link == LinkState::Live && at > self.now.since).then_some(at)
    }

    /// Why nothing may be changed here, if so.
    pub fn read_only(&self) -> Option<&'static str> {
        if self.options.access == Access::ReadOnly {
            return Some("read-only: started with --read-only");
        }
        match &self.summary {
            Some(s) if s.access == Access::ReadOnly => Some("read-only: the engine does not write"),
            Some(_) => None,
            None => Some("the engine has not answered yet"),
        }
    }

    /// Whether the window is too small for a layout: no list, no dialog and no field is seen.
    pub fn tiny(&self) -> bool {
        self.size.0 < LEAST.0 || self.size.1 < LEAST.1
    }

    /// Whether the window is too low for a detail beneath its list: Enter opens it.
    pub fn low(&self) -> bool {
        !self.wide() && self.size.1 < 20
    }

    /// Whether list and detail stand side by side.
    pub fn wide(&self) -> bool {
        self.size.0 >= 120
    }

    /// Whether the pane of views has room beside them.
    pub fn widest(&self) -> bool {
        self.size.0 >= 150
    }

    /// A time of the day, or with its date when it is not today.
    pub fn clock(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M:%S", "%m-%d %H:%M")
    }

    /// The same in minutes.
    pub fn clock_short(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M", "%m-%d")
    }

    /// The time of the day, however times are shown.
    pub fn time_of_day(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone());
        at.strftime("%H:%M").to_string()
    }

    /// Date and minute.
    pub fn date(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    }

    fn format(&self, at: Timestamp, today: &str, other: &str) -> String {
        if self.times == Times::Relative {
            return match at > self.now.wall {
                true => format!("in {}", self.far(at)),
                false => self.age(at),
            };
        }
        let zone = self.zone();
        let now = self.now.wall.to_zoned(zone.clone());
        let at = at.to_zoned(zone);
        let format = if at.date() == now.date() {
            today
        } else {
            other
        };
        at.strftime(format).to_string()
    }

    fn zone(&self) -> TimeZone {
        match self.times {
            Times::Utc | Times::Relative => TimeZone::UTC,
            Times::Local => self.options.zone.clone(),
        }
    }

    /// How long ago: `4 m`, `3 h`, `2 d`.
    pub fn age(&self, since: Timestamp) -> String {
        self.far(since.min(self.now.wall))
    }

    /// How long it is from now to then, or from then to now.
    fn far(&self, then: Timestamp) -> String {
        let minutes = (self.now.wall.as_second() - then.as_second()).abs() / 60;
        match minutes {
            0..=99 => format!("{minutes} min"),
            100..=2879 => format!("{} h", minutes / 60),
            _ => format!("{} d", minutes / 1440),
        }
    }
}
