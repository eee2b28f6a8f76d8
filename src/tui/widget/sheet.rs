//! A text without a frame, from the first column, so that the mouse selects nothing else.
//!
//! Knows nothing of what the text is about. Invariant: however long the text and low the window,
//! the keys that scroll reach its end.

use std::cell::Cell;

use ratatui::layout::Rect;

use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::key::Key;
use crate::tui::text;
use crate::tui::theme::Role;

/// Rows above the text: its title and a free one.
const HEAD: u16 = 2;

/// A text with its title.
#[derive(Debug)]
pub struct Sheet {
    title: String,
    text: String,
    /// The first line that is shown.
    from: usize,
    /// Lines of the text, and those that the last frame had room for.
    seen: Cell<(usize, usize)>,
}

/// What a key meant.
#[derive(Debug)]
pub enum Read {
    /// It is read on.
    Open(Sheet),
    /// It is closed.
    Closed,
    /// The key is none of the text: it is for the page behind.
    Beyond(Sheet),
}

impl Sheet {
    /// A text from its beginning.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            from: 0,
            seen: Cell::new((0, 1)),
        }
    }

    /// Handles a key. A step is half of what is seen: a line at a time costs as many bytes.
    pub fn key(mut self, key: Key) -> Read {
        let (lines, rows) = self.seen.get();
        let (step, most) = (rows.div_ceil(2), lines.saturating_sub(rows));
        self.from = match key {
            Key::Esc | Key::Enter | Key::Char('q') => return Read::Closed,
            Key::Char('j') | Key::Down | Key::PageDown | Key::Ctrl('d') => self.from + step,
            Key::Char('k') | Key::Up | Key::PageUp | Key::Ctrl('u') => {
                self.from.saturating_sub(step)
            }
            Key::Home => 0,
            Key::Char('G') | Key::End => most,
            _ => return Read::Beyond(self),
        }
        .min(most);
        Read::Open(self)
    }

    /// Whether the last frame had no room for all of it.
    pub fn is_cut(&self) -> bool {
        let (lines, rows) = self.seen.get();
        lines > rows
    }

    /// Draws it at the top of an area.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        // One by one, for of a text at once only so much is looked at.
        let columns = usize::from(area.width);
        let paragraphs = self.text.split('\n');
        let lines: Vec<text::Safe> = paragraphs.flat_map(|p| text::wrap(p, columns)).collect();
        let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        // As much as it takes and a rule: what lies below need not be sent twice.
        let height = wanted.saturating_add(HEAD + 1).min(area.height);
        let sheet = Rect { height, ..area };
        canvas.blank(sheet);
        canvas.put(row(sheet, 0), Role::Title, self.title.as_str());
        let body = below(sheet, HEAD);
        let room = usize::from(body.height.saturating_sub(1));
        self.seen.set((lines.len(), room.max(1)));
        let from = self.from.min(lines.len().saturating_sub(room));
        for (at, line) in (0..).zip(lines.iter().skip(from).take(room)) {
            canvas.put(row(body, at), Role::Text, line);
        }
        let last = row(sheet, height.saturating_sub(1));
        canvas.rule(last, Role::Rule);
        let rest = lines.len().saturating_sub(from + room);
        if rest > 0 {
            let more = text::count(rest as u64, "more line", "more lines");
            let more = format!(" {more}, j ");
            canvas.right(last, &Line::of(Role::Dim, more));
        }
        canvas.place_cursor(sheet.x, sheet.y + HEAD);
    }
}
