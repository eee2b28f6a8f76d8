//! A console without a terminal: keys go in, the screen comes out as text.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use syncdeck::config::theme::built_in;
use syncdeck::engine::link::{EngineEnd, Link, pair};
use syncdeck::engine::summary::Access;
use syncdeck::tui::effect::Effect;
use syncdeck::tui::input::{HOLD_LOCAL, Input};
use syncdeck::tui::key::Key;
use syncdeck::tui::keymap::Keymap;
use syncdeck::tui::model::{Model, Times};
use syncdeck::tui::msg::{Msg, Now};
use syncdeck::tui::save::save;
use syncdeck::tui::theme::Depth;
use syncdeck::tui::update::{start, update};
use syncdeck::tui::{Audience, ExitReason, First, Hosting, Options, view};

use super::data;
use super::fake::Fake;

/// A person at a console.
pub struct Desk {
    pub model: Model,
    pub fake: Fake,
    pub copied: Vec<String>,
    pub left: Option<ExitReason>,
    /// How often it was to be suspended.
    pub suspended: usize,
    link: Link,
    end: EngineEnd,
    since: Duration,
    /// By how much the clock on the wall went on.
    passed: Duration,
    terminal: Terminal<TestBackend>,
}

pub fn options() -> Options {
    Options {
        theme: built_in("terminal").unwrap(),
        themes: Vec::new(),
        remarks: Vec::new(),
        depth: Depth::Mono,
        keymap: Keymap::default(),
        access: Access::ReadWrite,
        hosting: Hosting::Attached,
        audience: Audience::Person,
        times: Times::Utc,
        zone: TimeZone::UTC,
        band: None,
        esc_hold: HOLD_LOCAL,
        summary: None,
        first: First::Nothing,
        ahead: SignedDuration::ZERO,
    }
}

impl Desk {
    pub fn new(columns: u16, rows: u16) -> Self {
        Self::with(options(), columns, rows)
    }

    pub fn with(options: Options, columns: u16, rows: u16) -> Self {
        Self::over(Fake::default(), options, columns, rows)
    }

    /// A console on an engine that was there before.
    pub fn over(fake: Fake, options: Options, columns: u16, rows: u16) -> Self {
        let (link, end) = pair();
        let now = Now {
            wall: data::now(),
            since: Duration::ZERO,
        };
        let mut desk = Self {
            model: Model::new(options, now, (columns, rows)),
            fake,
            copied: Vec::new(),
            left: None,
            suspended: 0,
            link,
            end,
            since: Duration::ZERO,
            passed: Duration::ZERO,
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
        };
        let effects = start(&mut desk.model, now);
        desk.perform(effects);
        let summary = desk.fake.summary();
        desk.end.notices.try_send(summary).unwrap();
        desk.settle();
        desk
    }

    fn now(&self) -> Now {
        Now {
            wall: data::now() + self.passed,
            since: self.since,
        }
    }

    fn msg(&mut self, msg: Msg) {
        let now = self.now();
        let (_, effects) = update(&mut self.model, now, msg);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => self.link.requests.try_send(request).unwrap(),
                Effect::Copy(text) => self.copied.push(text),
                Effect::Save(file) => self.msg(Msg::Saved(save(file))),
                Effect::Quit(reason) => self.left = Some(reason),
                Effect::Suspend => self.suspended += 1,
                Effect::Mouse(_) | Effect::Redraw => {}
            }
        }
    }

    /// Lets the two ends talk until neither has anything to say, then draws.
    fn settle(&mut self) {
        loop {
            while let Ok(notice) = self.link.notices.try_recv() {
                self.msg(Msg::Engine(notice));
            }
            let Ok(request) = self.end.requests.try_recv() else {
                break;
            };
            for notice in self.fake.answer(request) {
                self.end.notices.try_send(notice).unwrap();
            }
        }
        let model = &self.model;
        self.terminal
            .draw(|frame| view::draw(model, frame))
            .unwrap();
        self.msg(Msg::Drawn);
    }

    /// Presses keys, written as in the key file and separated by blanks.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for word in keys.split_whitespace() {
            for key in Key::parse_chord(word).unwrap() {
                self.one(key);
            }
        }
        self
    }

    /// Presses a key and does not wait for what it asks of the engine.
    pub fn ask(&mut self, key: &str) {
        self.since += Duration::from_millis(200);
        for key in Key::parse_chord(key).unwrap_or_default() {
            self.msg(Msg::Input(Input::Key(key)));
        }
    }

    /// Presses a key right after what came before.
    pub fn at_once(&mut self, key: &str) -> &mut Self {
        for key in Key::parse_chord(key).unwrap() {
            self.msg(Msg::Input(Input::Key(key)));
            self.settle();
        }
        self
    }

    /// Lets the engine answer.
    pub fn answered(&mut self) {
        self.settle();
    }

    /// Types letters.
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.one(Key::Char(c));
        }
        self
    }

    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.msg(Msg::Input(Input::Paste(text.into())));
        self.settle();
        self
    }

    fn one(&mut self, key: Key) {
        // Slower than a dialog settles.
        self.since += Duration::from_millis(200);
        self.msg(Msg::Input(Input::Key(key)));
        self.settle();
    }

    /// Gives the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.terminal.backend_mut().resize(columns, rows);
        self.msg(Msg::Input(Input::Resize(columns, rows)));
        self.settle();
        self
    }

    /// Lets time pass on every clock, without a word from the engine.
    pub fn pass(&mut self, time: Duration) -> &mut Self {
        self.since += time;
        self.passed += time;
        self.msg(Msg::Tick);
        let model = &self.model;
        let draw = |frame: &mut ratatui::Frame<'_>| view::draw(model, frame);
        self.terminal.draw(draw).unwrap();
        self
    }

    /// The engine says how everything stands.
    pub fn told(&mut self, summary: std::sync::Arc<syncdeck::engine::summary::Summary>) {
        let notice = syncdeck::engine::notice::Notice::Summary(summary);
        self.end.notices.try_send(notice).unwrap();
        self.settle();
    }

    /// The style of the cell where a text begins.
    pub fn style_of(&self, text: &str) -> ratatui::style::Style {
        let buffer = self.terminal.backend().buffer();
        let screen = self.screen();
        let mut rows = screen.lines().enumerate();
        let found = rows.find_map(|(y, line)| Some((line.find(text)?, y, line)));
        let (at, y, line) = found.unwrap();
        let x = unicode_width::UnicodeWidthStr::width(&line[..at]);
        buffer[(x as u16, y as u16)].style()
    }

    /// Lets time pass, so that toasts go.
    pub fn wait(&mut self) -> &mut Self {
        self.since += Duration::from_secs(20);
        self.msg(Msg::Tick);
        self.settle();
        self
    }

    pub fn engine_gone(&mut self) -> &mut Self {
        self.msg(Msg::EngineGone);
        self.settle();
        self
    }

    /// What is on the screen, line by line.
    pub fn screen(&self) -> String {
        let buffer = self.terminal.backend().buffer();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..buffer.area.width {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Whether a text is on the screen.
    pub fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }

    /// Where the terminal's cursor is.
    pub fn cursor(&self) -> (u16, u16) {
        let at = self.terminal.backend().cursor_position();
        (at.x, at.y)
    }
}
