//! What frames cost on the line, as a real terminal is sent them (terminal-ux 9).

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use syncdeck::domain::value::{Fields, Value};
use syncdeck::tui::view;

use super::desk::Desk;
use super::fake::Fake;

/// A line that counts what goes over it.
#[derive(Clone, Default)]
struct Line(Rc<Cell<usize>>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal whose bytes are counted.
pub struct Meter {
    line: Line,
    terminal: Terminal<CrosstermBackend<Line>>,
}

impl Meter {
    pub fn new(columns: u16, rows: u16) -> Self {
        let line = Line::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let backend = CrosstermBackend::new(line.clone());
        let options = TerminalOptions { viewport };
        Self {
            terminal: Terminal::with_options(backend, options).unwrap(),
            line,
        }
    }

    /// Draws; gives the bytes.
    pub fn frame(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> usize {
        let before = self.line.0.get();
        self.terminal.draw(draw).unwrap();
        self.line.0.get() - before
    }
}

/// A person at a terminal whose bytes are counted.
pub struct Counted {
    desk: Desk,
    meter: Meter,
}

impl Counted {
    /// With many records, so that lists go on.
    pub fn new(columns: u16, rows: u16) -> Self {
        let mut fake = Fake::default();
        let more = (0..300).map(|n| {
            let email = Value::text(format!("n{n:03}@analytical.example"));
            let fields = [
                ("email".into(), email),
                ("title".into(), Value::text("Clerk")),
            ];
            (format!("n{n:03}"), Fields::from(fields))
        });
        fake.people.extend(more);
        let mut counted = Self {
            desk: Desk::over(fake, super::desk::options(), columns, rows),
            meter: Meter::new(columns, rows),
        };
        counted.frame();
        counted
    }

    /// Bytes of the frames that answer keys, before the engine does; the dearest of them.
    pub fn sent(&mut self, keys: &str) -> usize {
        let mut most = 0;
        for key in keys.split_whitespace() {
            self.desk.ask(key);
            most = most.max(self.frame());
            self.desk.answered();
            self.frame();
        }
        most
    }

    /// Draws; gives the bytes.
    fn frame(&mut self) -> usize {
        let model = &self.desk.model;
        self.meter.frame(|frame| view::draw(model, frame))
    }
}

#[test]
fn a_move_of_the_cursor_costs_no_more_than_its_budget() {
    for (columns, rows, budget) in [(80, 24, 250), (160, 48, 400)] {
        let mut counted = Counted::new(columns, rows);
        let mut dear = Vec::new();
        for (screen, keys) in [
            ("overview", "1"),
            ("log", "2"),
            ("conflicts", "3"),
            ("mapping", "4"),
            ("records", "5 j j j j"),
            ("settings", "6 Tab"),
        ] {
            counted.sent(keys);
            let most = counted.sent("j j k");
            // The settings show what is under the cursor, as a dialog does.
            let budget = if screen == "settings" { 1_000 } else { budget };
            if most > budget {
                dear.push((screen, most));
            }
        }
        assert!(
            dear.is_empty(),
            "{columns}x{rows}, at most {budget}: {dear:?}"
        );
    }
}

#[test]
fn pages_letters_and_dialogs_keep_to_their_budgets() {
    for (columns, rows, page) in [(80, 24, 2_500), (160, 48, 8_500)] {
        let mut counted = Counted::new(columns, rows);
        counted.sent("5");
        let sent = counted.sent("PgDn PgDn PgUp");
        assert!(sent <= page, "a page: {sent}");
        let sent = counted.sent("R");
        assert!(sent < 40, "only the cursor is put in its place: {sent}");
        counted.sent("i");
        let sent = counted.sent("a b c");
        assert!(sent <= 250, "a letter in a form: {sent}");
    }
}
