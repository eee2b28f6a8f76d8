//! What frames cost on the line, as a real terminal is sent them (terminal-ux 9).

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use syncdeck::domain::value::{Fields, Value};
use syncdeck::tui::view;
use syncdeck::tui::wire::{self, Wire};

use super::desk::Desk;
use super::fake::Fake;

/// A line that counts what goes over it.
#[derive(Clone)]
struct Line {
    sent: Rc<Cell<usize>>,
    size: Size,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.set(self.sent.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl wire::Line for Line {
    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }
}

/// A terminal whose bytes are counted.
pub struct Meter {
    line: Line,
    terminal: Terminal<Wire<Line>>,
}

impl Meter {
    pub fn new(columns: u16, rows: u16) -> Self {
        let line = Line {
            sent: Rc::default(),
            size: Size::new(columns, rows),
        };
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let backend = Wire::new(line.clone()).unwrap();
        let options = TerminalOptions { viewport };
        Self {
            terminal: Terminal::with_options(backend, options).unwrap(),
            line,
        }
    }

    /// Draws; gives the bytes.
    pub fn frame(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> usize {
        let before = self.line.sent.get();
        self.terminal.draw(draw).unwrap();
        self.line.sent.get() - before
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

    /// Bytes of all frames that follow a key, with the engine's answers; the dearest of them.
    pub fn whole(&mut self, keys: &str) -> usize {
        let mut most = 0;
        for key in keys.split_whitespace() {
            self.desk.ask(key);
            let at_once = self.frame();
            self.desk.answered();
            most = most.max(at_once + self.frame());
        }
        most
    }

    /// The same for keys after others that are not counted.
    fn whole_after(mut self, before: &str, keys: &str) -> usize {
        self.sent(before);
        self.whole(keys)
    }

    /// Draws; gives the bytes.
    fn frame(&mut self) -> usize {
        let model = &self.desk.model;
        self.meter.frame(|frame| view::draw(model, frame))
    }
}

/// Bytes of a pane that follows the cursor, as of a page.
const PANE: [usize; 2] = [1_000, 2_500];

#[test]
fn a_move_of_the_cursor_costs_no_more_than_its_budget() {
    for (columns, rows, budget, pane) in [(80, 24, 250, PANE[0]), (160, 48, 400, PANE[1])] {
        let mut dear = Vec::new();
        for (screen, keys) in [
            ("overview", "1"),
            ("log", "2"),
            ("conflicts", "3"),
            ("mapping", "4"),
            ("records", "5"),
            ("records far down", "5 j j j j"),
            ("settings", "6 j Tab"),
        ] {
            let mut counted = Counted::new(columns, rows);
            counted.sent(keys);
            let most = counted.sent("j j k");
            if most > budget {
                dear.push((screen, most));
            }
            // With what the engine says of the row when the keys rest.
            let whole = counted.whole("j k j");
            if whole > pane {
                dear.push((screen, whole));
            }
        }
        assert!(
            dear.is_empty(),
            "{columns}x{rows}, at most {budget}: {dear:?}"
        );
    }
}

#[test]
fn pages_keep_to_their_budget() {
    for (columns, rows, page) in [(80, 24, 2_500), (160, 48, 8_500)] {
        let mut counted = Counted::new(columns, rows);
        counted.sent("5");
        let sent = counted.sent("PgDn PgDn PgUp");
        assert!(sent <= page, "a page: {sent}");
        let sent = counted.sent("R");
        assert!(sent < 40, "only the cursor is put in its place: {sent}");
    }
}

/// Bytes of a dialog at most.
const DIALOG: usize = 1_000;
/// Bytes of a typed letter at most.
const LETTER: usize = 100;

#[test]
fn a_dialog_costs_no_more_than_its_budget() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut dear = Vec::new();
        for (dialog, before, key) in [
            ("edit a conflict", "3 Enter", "e"),
            ("schedule", "6 j Tab", "e"),
            ("cancel a run", "1", "X"),
            ("keep a view", "5", "V"),
            ("hand over", "5", "H"),
            ("disconnect", "6 Tab", "d"),
            ("write one decided", "3 Enter a", "w"),
            ("write many decided", "3 A", "w"),
            ("delete one", "5", "d"),
            ("delete many", "5 *", "d"),
            ("palette", "1", ":"),
            ("search", "1", "g/"),
            ("form of a record", "5", "e"),
            ("a new record", "5", "i"),
            ("a link", "5 j", "L"),
            ("a filter", "6 j j Tab", "e"),
            ("question of a filter", "6 j j Tab Enter", "Enter"),
            ("a text", "6 j j j Tab", "Enter"),
        ] {
            let mut counted = Counted::new(columns, rows);
            counted.sent(before);
            // What was said goes, so that only the dialog is counted.
            counted.desk.wait();
            counted.frame();
            counted.desk.ask(key);
            let at_once = counted.frame();
            counted.desk.answered();
            let sent = at_once + counted.frame();
            assert!(counted.desk.model.modal.is_some(), "{dialog} did not open");
            if sent > DIALOG {
                dear.push((dialog, sent));
            }
        }
        assert!(dear.is_empty(), "{columns}x{rows}: {dear:?}");
    }
}

/// What fills the window is a page; a list that follows a letter in a dialog is a dialog anew.
#[test]
fn what_fills_the_window_is_a_page_and_a_list_after_a_letter_a_dialog() {
    for (columns, rows, most) in [(80, 24, 2_500), (160, 48, 8_500)] {
        for (before, keys) in [
            ("3 Enter", "?"),
            ("3 Enter", "m"),
            ("4 j", "Enter"),
            ("6 Tab", "Enter"),
            ("3 Enter j j j", "e"),
            ("? /", "a b"),
        ] {
            let sent = Counted::new(columns, rows).whole_after(before, keys);
            assert!(sent <= most, "{before} {keys} at {columns}x{rows}: {sent}");
        }
        for (before, letters) in [(":", "a b c"), ("g/", "a b c")] {
            let sent = Counted::new(columns, rows).whole_after(before, letters);
            assert!(sent <= DIALOG, "{before} {letters}: {sent}");
        }
    }
}

#[test]
fn a_letter_costs_no_more_than_its_budget_in_every_field() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut dear = Vec::new();
        for (field, before, letters) in [
            ("form", "5 i", "a b c"),
            ("filter of the conflicts", "3 /", "a b c"),
            ("filter of the runs", "2 /", "a b c"),
            ("filter of the records", "5 /", "a b c"),
            ("row of a mapping", "4 j Enter", "a b"),
            ("editor of a conflict", "3 Enter e", "x y"),
        ] {
            let mut counted = Counted::new(columns, rows);
            counted.sent(before);
            counted.desk.wait();
            counted.frame();
            let most = counted.sent(letters);
            if most > LETTER {
                dear.push((field, most));
            }
        }
        assert!(
            dear.is_empty(),
            "{columns}x{rows}, at most {LETTER}: {dear:?}"
        );
    }
}
