//! Frames as bytes: the cells that changed, in the fewest bytes that any terminal understands
//! (terminal-ux 9, "bytes").
//!
//! It uses what a VT100 has: positions, steps, carriage return and line feed, "erase to the end
//! of the line", attributes. It asks the terminal nothing, uses no repetition and no scrolling, and
//! trusts no position behind a character whose width terminals disagree about. Invariants: a frame
//! is one write between the marks of a synchronised update; it begins at a position that is named
//! in full and ends in the plain look; a frame in which nothing changed is no byte.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellWidth};
use ratatui::layout::{Position, Size};

use super::look::Look;

const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
const SHOW: &str = "\x1b[?25h";
const HIDE: &str = "\x1b[?25l";
/// Plain, and all of it blank.
const CLEAR: &str = "\x1b[m\x1b[2J";
const ERASE_LINE: &str = "\x1b[K";

/// What is at the other end: takes bytes, has a size.
pub trait Line: Write {
    /// Columns and rows.
    ///
    /// # Errors
    /// It is gone.
    fn size(&self) -> io::Result<Size>;
}

/// What a terminal is taken for that says no size, as a serial line or a bare pty does: what such
/// terminals were.
const USUAL: Size = Size {
    width: 80,
    height: 24,
};

impl Line for io::Stdout {
    fn size(&self) -> io::Result<Size> {
        let (width, height) = crossterm::terminal::size()?;
        Ok(Size {
            width: known(width, "COLUMNS").unwrap_or(USUAL.width),
            height: known(height, "LINES").unwrap_or(USUAL.height),
        })
    }
}

/// A length that the terminal says, or else the environment, as curses(3X) has it.
fn known(said: u16, variable: &str) -> Option<u16> {
    let of_shell = || std::env::var(variable).ok()?.parse().ok();
    let given = |length: &u16| *length > 0;
    Some(said).filter(given).or_else(of_shell).filter(given)
}

/// A terminal's cell, as it was sent.
#[derive(Debug, Clone, Default)]
struct Slot {
    /// Its look is [`Look::of`]; no text in the second half of a wide character.
    cell: Cell,
    /// It has yet to be sent.
    changed: bool,
}

impl Slot {
    fn is_covered(&self) -> bool {
        self.cell.symbol().is_empty()
    }

    fn is_nothing(&self) -> bool {
        self.cell.symbol() == " " && Look::of(&self.cell) == Look::PLAIN
    }

    /// Whether every terminal gives it one column.
    fn is_ascii(&self) -> bool {
        matches!(self.cell.symbol().as_bytes(), [b' '..=b'~'])
    }
}

/// Where the terminal's cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nobody knows.
    Lost,
    /// Here, unless the terminal gave a character another width: good for writing on, not for
    /// steps.
    Perhaps(u16, u16),
    /// Here.
    Here(u16, u16),
}

/// Sends frames over a line.
#[derive(Debug)]
pub struct Wire<L: Line> {
    line: L,
    size: Size,
    /// What the terminal shows.
    rows: Vec<Vec<Slot>>,
    /// The frame so far.
    out: String,
    at: At,
    look: Look,
    /// Where the cursor rests between frames.
    rest: Option<(u16, u16)>,
    shown: Option<bool>,
}

impl<L: Line> Wire<L> {
    /// Over a line whose other end is blank.
    ///
    /// # Errors
    /// It is gone.
    pub fn new(line: L) -> io::Result<Self> {
        let size = line.size()?;
        let mut wire = Self {
            line,
            size,
            rows: Vec::new(),
            out: String::new(),
            at: At::Lost,
            look: Look::PLAIN,
            rest: None,
            shown: None,
        };
        wire.forget();
        Ok(wire)
    }

    fn forget(&mut self) {
        let row = vec![Slot::default(); usize::from(self.size.width)];
        self.rows = vec![row; usize::from(self.size.height)];
        self.at = At::Lost;
        self.look = Look::PLAIN;
        self.rest = None;
        self.shown = None;
    }

    // ---- what changed ------------------------------------------------------------------------

    fn put(&mut self, x: u16, y: u16, cell: &Cell) {
        let Some(row) = self.rows.get_mut(usize::from(y)) else {
            return;
        };
        let (x, width) = (usize::from(x), usize::from(cell.cell_width()));
        if x + width > row.len() || width == 0 {
            return;
        }
        let same = |slot: &Slot| {
            slot.cell.symbol() == cell.symbol() && Look::of(&slot.cell) == Look::of(cell)
        };
        if row.get(x).is_some_and(same) {
            return;
        }
        for column in x..x + width {
            uncover(row, column);
        }
        for (nth, slot) in row.iter_mut().skip(x).take(width).enumerate() {
            slot.changed = nth == 0;
            slot.cell = cell.clone();
            if nth > 0 {
                slot.cell.set_symbol("");
            }
        }
    }

    // ---- sending it --------------------------------------------------------------------------

    fn row(&mut self, y: u16) {
        let Some(row) = self.rows.get_mut(usize::from(y)).map(std::mem::take) else {
            return;
        };
        if row.iter().any(|slot| slot.changed) {
            self.send(&row, y);
        }
        let row = row.into_iter().map(|slot| Slot {
            changed: false,
            ..slot
        });
        if let Some(place) = self.rows.get_mut(usize::from(y)) {
            *place = row.collect();
        }
    }

    /// Sends what changed in a row, the shortest way: cell by cell, or with all from one of the
    /// gaps on erased and what stands behind it sent again.
    fn send(&mut self, row: &[Slot], y: u16) {
        let (begun, before) = (self.out.len(), (self.at, self.look));
        let mut best = None;
        for gap in std::iter::once(None).chain(gaps(row).map(Some)) {
            (self.at, self.look) = before;
            self.send_with(row, y, gap);
            let sent = self.out.split_off(begun);
            let shorter = |(least, ..): &(String, At, Look)| sent.len() < least.len();
            if best.as_ref().is_none_or(shorter) {
                best = Some((sent, self.at, self.look));
            }
        }
        if let Some((sent, at, look)) = best {
            self.out.push_str(&sent);
            (self.at, self.look) = (at, look);
        }
    }

    /// Sends what changed in a row; from `gap` on it is erased first.
    fn send_with(&mut self, row: &[Slot], y: u16, gap: Option<usize>) {
        let end = gap.unwrap_or(row.len());
        for (x, slot) in row.iter().enumerate().take(end) {
            if slot.changed {
                self.go(cell_at(x, y), row);
                self.glyph(slot);
            }
        }
        let Some(gap) = gap else {
            return;
        };
        self.go(cell_at(gap, y), row);
        // Erased cells have the background there is; nobody sees which colour a text would have.
        if !Look::PLAIN.blank_in(self.look) {
            self.draw_in(Look::PLAIN);
        }
        self.out.push_str(ERASE_LINE);
        for (x, slot) in row.iter().enumerate().skip(gap) {
            if !slot.is_nothing() && !slot.is_covered() {
                self.go(cell_at(x, y), row);
                self.glyph(slot);
            }
        }
    }

    fn draw_in(&mut self, look: Look) {
        self.out.push_str(&look.after(self.look));
        self.look = look;
    }

    fn glyph(&mut self, slot: &Slot) {
        let look = Look::of(&slot.cell);
        if slot.cell.symbol() != " " || !look.blank_in(self.look) {
            self.draw_in(look);
        }
        self.out.push_str(slot.cell.symbol());
        let width = slot.cell.cell_width();
        self.at = match self.at {
            // Some wrap now, some with the next character.
            At::Here(x, _) | At::Perhaps(x, _) if x + width >= self.size.width => At::Lost,
            At::Here(x, y) if slot.is_ascii() => At::Here(x + 1, y),
            At::Here(x, y) | At::Perhaps(x, y) if width == 1 => At::Perhaps(x + 1, y),
            _ => At::Lost,
        };
    }

    /// Moves the cursor. `row` is the row of the target, if it is at hand: what it shows already may
    /// be sent again where that is shorter than a step.
    fn go(&mut self, to: (u16, u16), row: &[Slot]) {
        let (x, y) = to;
        match self.at {
            At::Here(a, b) | At::Perhaps(a, b) if (a, b) == to => return,
            At::Here(a, b) if b == y && a < x => {
                let across = self.across(a, x, row);
                self.out.push_str(&across);
            }
            At::Here(a, b) if b == y => {
                let home = format!("\r{}", self.across(0, x, row));
                self.shortest([step(a - x, 'D'), home, full(to)]);
            }
            At::Here(_, b) if b < y => {
                let down = "\n".repeat(usize::from(y - b));
                self.shortest([format!("\r{down}{}", self.across(0, x, row)), full(to)]);
            }
            _ => self.out.push_str(&full(to)),
        }
        self.at = At::Here(x, y);
    }

    /// From one column to another in a row: a step, or what is shown between them once more.
    fn across(&self, from: u16, to: u16, row: &[Slot]) -> String {
        let step = step(to - from, 'C');
        let between = row.get(usize::from(from)..usize::from(to));
        match between.filter(|b| b.len() < step.len() && self.may_repeat(b)) {
            Some(between) => between.iter().map(|slot| slot.cell.symbol()).collect(),
            None => step,
        }
    }

    fn shortest<const N: usize>(&mut self, ways: [String; N]) {
        let way = ways.into_iter().min_by_key(String::len);
        self.out.push_str(&way.unwrap_or_default());
    }

    fn may_repeat(&self, slots: &[Slot]) -> bool {
        slots.iter().all(|slot| {
            let look = Look::of(&slot.cell);
            let blank = slot.cell.symbol() == " ";
            slot.is_ascii() && (look == self.look || (blank && look.blank_in(self.look)))
        })
    }
}

/// Where to begin to erase: the first changed cell of each gap in which enough changed.
fn gaps(row: &[Slot]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    let runs = row.chunk_by(|a, b| a.is_nothing() == b.is_nothing());
    runs.filter_map(move |run| {
        let first = at;
        at += run.len();
        let changed = run.iter().filter(|slot| slot.changed).count();
        let begins = run.iter().position(|slot| slot.changed)?;
        let gap = run.first()?.is_nothing() && changed > ERASE_LINE.len();
        gap.then_some(first + begins)
    })
}

fn cell_at(x: usize, y: u16) -> (u16, u16) {
    (u16::try_from(x).unwrap_or(u16::MAX), y)
}

/// Takes apart the wide character that a cell is a part of, if it is: a terminal does the same
/// when one half is drawn over.
fn uncover(row: &mut [Slot], column: usize) {
    let mut first = column;
    while first > 0 && row.get(first).is_some_and(Slot::is_covered) {
        first -= 1;
    }
    let halves = row.iter().skip(first + 1).take_while(|s| s.is_covered());
    let halves = halves.count();
    if halves == 0 {
        return;
    }
    for slot in row.iter_mut().skip(first).take(halves + 1) {
        *slot = Slot {
            changed: true,
            ..Slot::default()
        };
    }
}

/// A step of `by` columns; nothing for none.
fn step(by: u16, to: char) -> String {
    match by {
        0 => String::new(),
        1 => format!("\x1b[{to}"),
        by => format!("\x1b[{by}{to}"),
    }
}

/// A position in full.
fn full((x, y): (u16, u16)) -> String {
    match (x, y) {
        (0, 0) => "\x1b[H".to_owned(),
        (0, y) => format!("\x1b[{}H", y + 1),
        (x, y) => format!("\x1b[{};{}H", y + 1, x + 1),
    }
}

impl<L: Line> Backend for Wire<L> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.put(x, y, cell);
        }
        self.at = At::Lost;
        for y in 0..self.size.height {
            self.row(y);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(false) != Some(false) {
            self.out.push_str(HIDE);
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(true) != Some(true) {
            self.out.push_str(SHOW);
        }
        Ok(())
    }

    /// Where it was put: the terminal is not asked.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        let (x, y) = self.rest.unwrap_or_default();
        Ok(Position { x, y })
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        if !self.out.is_empty() || self.rest != Some((x, y)) {
            self.go((x, y), &[]);
            self.rest = Some((x, y));
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.size = self.line.size()?;
        self.forget();
        self.out.push_str(CLEAR);
        Ok(())
    }

    /// All of it, whichever part is meant: the screen is this program's alone, and the next frame
    /// draws everything.
    fn clear_region(&mut self, _part: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        self.line.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.line.size()?,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.draw_in(Look::PLAIN);
        let frame = format!("{BEGIN}{}{END}", self.out);
        self.out.clear();
        self.at = At::Lost;
        self.line.write_all(frame.as_bytes())?;
        self.line.flush()
    }
}
