//! What frames cost on the line, as a real terminal is sent them (terminal-ux 9).

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use syncdeck::config::theme::{BUILT_IN, built_in};
use syncdeck::domain::value::{Fields, Value};
use syncdeck::tui::theme::{Depth, Role, Theme};
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

/// What something costs in each look.
#[derive(Clone)]
pub struct Cost(Vec<usize>);

impl Cost {
    fn join(self, other: &Self, with: impl Fn(usize, usize) -> usize) -> Self {
        let both = self.0.into_iter().zip(&other.0);
        Self(both.map(|(a, b)| with(a, *b)).collect())
    }

    /// Of both, one after the other.
    fn and(self, other: &Self) -> Self {
        self.join(other, |a, b| a + b)
    }

    /// Of the dearer one.
    fn or(self, other: &Self) -> Self {
        self.join(other, usize::max)
    }

    /// The looks in which it costs more than it may.
    pub fn over(&self, most: usize) -> Option<String> {
        let looks = looks();
        let each = self.0.iter().zip(&looks).filter(|(sent, _)| **sent > most);
        let each: Vec<String> = each
            .map(|(sent, (name, depth))| format!("{name} {depth:?} {sent}"))
            .collect();
        (!each.is_empty()).then(|| format!("{} of {most}", each.join(", ")))
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every theme there is, in 256 colours and in all; one whose bytes are the same in both only once,
/// as those are that leave the colours to the terminal.
fn looks() -> Vec<(&'static str, Depth)> {
    let styles = |name, depth| {
        let theme = Theme::new(&built_in(name).unwrap(), depth);
        Role::ALL.iter().map(move |role| theme.style(*role))
    };
    let mut looks = Vec::new();
    for (name, _) in BUILT_IN {
        looks.push((name, Depth::Ansi256));
        if styles(name, Depth::True).ne(styles(name, Depth::Ansi256)) {
            looks.push((name, Depth::True));
        }
    }
    looks
}

/// A person at terminals of every look, whose bytes are counted.
pub struct Counted {
    desk: Desk,
    meters: Vec<(Theme, Meter)>,
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
        Self::over(fake, columns, rows)
    }

    /// On an engine that was there before.
    fn over(fake: Fake, columns: u16, rows: u16) -> Self {
        let meters = looks().into_iter().map(|(name, depth)| {
            let theme = Theme::new(&built_in(name).unwrap(), depth);
            (theme, Meter::new(columns, rows))
        });
        let mut counted = Self {
            desk: Desk::over(fake, super::desk::options(), columns, rows),
            meters: meters.collect(),
        };
        counted.frame();
        counted
    }

    /// Bytes of the frames that answer keys, before the engine does; the dearest of them.
    pub fn sent(&mut self, keys: &str) -> Cost {
        let mut most = self.nothing();
        for key in keys.split_whitespace() {
            self.desk.ask(key);
            most = most.or(&self.frame());
            self.desk.answered();
            self.frame();
        }
        most
    }

    /// Bytes of all frames that follow a key, with the engine's answers; the dearest of them.
    pub fn whole(&mut self, keys: &str) -> Cost {
        let mut most = self.nothing();
        for key in keys.split_whitespace() {
            self.desk.ask(key);
            let at_once = self.frame();
            self.desk.answered();
            most = most.or(&at_once.and(&self.frame()));
        }
        most
    }

    /// The same for keys after others that are not counted.
    fn whole_after(mut self, before: &str, keys: &str) -> Cost {
        self.sent(before);
        self.whole(keys)
    }

    /// Lets what was said go, so that it is not counted.
    fn rest(&mut self) {
        self.desk.wait();
        self.frame();
    }

    fn nothing(&self) -> Cost {
        Cost(vec![0; self.meters.len()])
    }

    /// Draws in every look; gives the bytes.
    fn frame(&mut self) -> Cost {
        let model = &mut self.desk.model;
        let own = model.theme.clone();
        let mut each = Vec::new();
        for (theme, meter) in &mut self.meters {
            model.theme = theme.clone();
            each.push(meter.frame(|frame| view::draw(model, frame)));
        }
        model.theme = own;
        Cost(each)
    }
}

/// Bytes of a pane that follows the cursor, as of a page.
const PANE: [usize; 2] = [1_000, 2_500];

#[test]
fn a_move_of_the_cursor_costs_no_more_than_its_budget() {
    let mut dear = Vec::new();
    for (columns, rows, budget, pane) in [(80, 24, 250, PANE[0]), (160, 48, 400, PANE[1])] {
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
            dear.extend(most.over(budget).map(|over| (columns, screen, over)));
            // With what the engine says of the row when the keys rest.
            let whole = counted.whole("j k j");
            dear.extend(whole.over(pane).map(|over| (columns, screen, over)));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
}

#[test]
fn pages_keep_to_their_budget() {
    for (columns, rows, page) in [(80, 24, 2_500), (160, 48, 8_500)] {
        let mut counted = Counted::new(columns, rows);
        counted.sent("5");
        let sent = counted.sent("PgDn PgDn PgUp");
        assert_eq!(sent.over(page), None, "a page");
        // Only the cursor is put in its place.
        assert_eq!(counted.sent("R").over(39), None);
    }
}

/// Bytes of a dialog at most.
const DIALOG: usize = 1_000;
/// Bytes of a typed letter at most.
const LETTER: usize = 100;

#[test]
fn a_dialog_costs_no_more_than_its_budget() {
    let mut dear = Vec::new();
    for (columns, rows) in [(80, 24), (160, 48)] {
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
            counted.rest();
            let sent = counted.whole(key);
            assert!(counted.desk.model.modal.is_some(), "{dialog} did not open");
            dear.extend(sent.over(DIALOG).map(|over| (columns, dialog, over)));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
}

#[test]
fn a_question_about_the_org_costs_no_more_than_a_dialog() {
    let mut dear = Vec::new();
    for (columns, rows) in [(80, 24), (160, 48)] {
        for (question, before, key) in [
            ("the ways to another org", "6 Tab : o t h e r", "Enter"),
            ("leaving the org", "6 Tab : o t h e r Enter Enter", "Enter"),
            ("what is allowed", "1 Tab G", "Enter"),
        ] {
            let mut fake = Fake::default();
            fake.idle = true;
            fake.held = Some(super::data::held(312));
            let mut counted = Counted::over(fake, columns, rows);
            counted.sent(before);
            counted.rest();
            // What lies beneath the palette comes back first, in a frame of its own.
            counted.desk.ask(key);
            counted.frame();
            counted.desk.answered();
            let sent = counted.frame();
            assert!(counted.desk.model.modal.is_some(), "{question} not asked");
            dear.extend(sent.over(DIALOG).map(|over| (columns, question, over)));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
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
            let over = sent.over(most);
            assert_eq!(over, None, "{before} {keys} at {columns}x{rows}");
        }
        for (before, letters) in [(":", "a b c"), ("g/", "a b c")] {
            let sent = Counted::new(columns, rows).whole_after(before, letters);
            let over = sent.over(DIALOG);
            assert_eq!(over, None, "{before} {letters} at {columns}x{rows}");
        }
    }
}

#[test]
fn a_letter_costs_no_more_than_its_budget_in_every_field() {
    let mut dear = Vec::new();
    for (columns, rows) in [(80, 24), (160, 48)] {
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
            counted.rest();
            let most = counted.sent(letters);
            dear.extend(most.over(LETTER).map(|over| (columns, field, over)));
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
}

#[test]
fn the_palette_and_the_search_cost_a_dialog_wherever_they_are_opened() {
    let mut dear = Vec::new();
    for (columns, rows) in [(80, 24), (160, 48)] {
        for screen in [
            "1 Tab",
            "2",
            "2 j Enter",
            "3",
            "3 Enter",
            "4",
            "5",
            "5 Enter",
            "6 Tab",
            "0",
        ] {
            for key in [":", "g/"] {
                let mut counted = Counted::new(columns, rows);
                counted.sent(screen);
                counted.rest();
                let over = counted.whole(key).over(DIALOG);
                dear.extend(over.map(|over| (columns, screen, key, over)));
            }
        }
    }
    assert!(dear.is_empty(), "{dear:#?}");
}
