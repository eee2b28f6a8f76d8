//! Text from the top of an area down.
//!
//! Invariant: nothing is drawn below the area.

use ratatui::layout::Rect;

use super::super::word_role;
use crate::domain::run::Word;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::text;
use crate::tui::theme::Role;

/// Lines from the top of an area down.
pub(super) struct Flow<'c, 'b> {
    /// What it is drawn on.
    pub(super) canvas: &'c mut Canvas<'b>,
    area: Rect,
    /// Rows that are taken.
    pub(super) at: u16,
}

impl<'c, 'b> Flow<'c, 'b> {
    /// At the top of an area.
    pub(super) fn new(canvas: &'c mut Canvas<'b>, area: Rect) -> Self {
        Self {
            canvas,
            area,
            at: 0,
        }
    }

    /// What is left of the area.
    pub(super) fn rest(&self) -> Rect {
        below(self.area, self.at)
    }

    /// A row of nothing, but not at the top.
    pub(super) fn gap(&mut self) {
        if self.at > 0 {
            self.at += 1;
        }
    }

    /// A line, wrapped.
    pub(super) fn line(&mut self, line: &Line) {
        // The blank that a line is broken at stays at its end.
        for line in line.wrapped(usize::from(self.area.width.saturating_sub(1))) {
            let area = row(self.rest(), 0);
            self.canvas.line(area, &line);
            self.at += 1;
        }
    }

    /// Text in one role, wrapped.
    pub(super) fn text(&mut self, role: Role, text: &str) {
        for line in text::wrap(text, usize::from(self.area.width)) {
            self.canvas.put(row(self.rest(), 0), role, line);
            self.at += 1;
        }
    }

    /// A state word and what it is of; its further lines stand under the first.
    pub(super) fn check(&mut self, word: Word, text: &str) {
        let columns = usize::from(self.area.width.saturating_sub(6)).max(20);
        for (n, line) in text::wrap(text, columns).into_iter().enumerate() {
            let head = match n {
                0 => Line::of(word_role(word), word.as_str()).to_column(6),
                _ => Line::text("      "),
            };
            let area = row(self.rest(), 0);
            self.canvas.line(area, &head.add(Role::Text, line));
            self.at += 1;
        }
    }
}
