//! A field of several lines, for long text.
//!
//! Enter makes a new line, so a row of two buttons keeps or drops the edit: Tab goes there.
//! Drawing goes through [`Safe`], not through the text area's own widget, because the text may
//! come from outside.

use ratatui::layout::Rect;
use tui_textarea::{CursorMove, TextArea};

use super::prompt::Handled;
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::key::Key;
use crate::tui::text::Safe;
use crate::tui::theme::Role;

/// Where the keys of the editor go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Into the text.
    Text,
    /// To `[ Keep ]`.
    Keep,
    /// To `[ Drop ]`.
    Drop,
}

/// What a key meant to the editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Editing,
    /// Take the text.
    Keep(String),
    /// Leave everything as it was.
    Drop,
}

/// Text of several lines being edited.
#[derive(Clone)]
pub struct Editor {
    area: TextArea<'static>,
    part: Part,
    before: String,
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor")
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

impl Editor {
    /// An editor over `text`, cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.set_hard_tab_indent(true);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self {
            area,
            part: Part::Text,
            before: text.to_owned(),
        }
    }

    /// The same, of a text that is typed already over another one.
    pub fn typed_over(before: &str, text: &str) -> Self {
        Self {
            before: before.to_owned(),
            ..Self::new(text)
        }
    }

    /// The text as it stands.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Where the keys go.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Handles a key.
    pub fn key(&mut self, key: Key) -> Outcome {
        match (self.part, key) {
            (Part::Text, Key::Tab) => self.part = Part::Keep,
            (Part::Text, Key::Esc) if self.text() == self.before => return Outcome::Drop,
            // The first Esc only leaves the text: a page of typing is not lost to one key.
            (Part::Text, Key::Esc) => self.part = Part::Keep,
            (Part::Text, key) => {
                self.type_key(key);
            }
            (Part::Keep, Key::Enter) => return Outcome::Keep(self.text()),
            (Part::Drop, Key::Enter) | (_, Key::Esc) => return Outcome::Drop,
            (Part::Keep, Key::Tab | Key::Right | Key::Char('l')) => self.part = Part::Drop,
            (Part::Drop, Key::Left | Key::Char('h')) => self.part = Part::Keep,
            (Part::Drop, Key::Tab) | (Part::Keep, Key::BackTab) => self.part = Part::Text,
            (Part::Drop, Key::BackTab) => self.part = Part::Keep,
            _ => {}
        }
        Outcome::Editing
    }

    fn type_key(&mut self, key: Key) -> Handled {
        let area = &mut self.area;
        match key {
            Key::Char(c) => area.insert_char(c),
            Key::Enter => area.insert_newline(),
            Key::Backspace => {
                area.delete_char();
            }
            Key::Delete => {
                area.delete_next_char();
            }
            Key::Left => area.move_cursor(CursorMove::Back),
            Key::Right => area.move_cursor(CursorMove::Forward),
            Key::Up => area.move_cursor(CursorMove::Up),
            Key::Down => area.move_cursor(CursorMove::Down),
            Key::Home | Key::Ctrl('a') => area.move_cursor(CursorMove::Head),
            Key::End | Key::Ctrl('e') => area.move_cursor(CursorMove::End),
            Key::Ctrl('w') => {
                area.delete_word();
            }
            Key::Ctrl('u') => {
                area.delete_line_by_head();
            }
            Key::Ctrl('k') => {
                area.delete_line_by_end();
            }
            _ => return Handled::No,
        }
        Handled::Yes
    }

    /// Inserts pasted text as it is.
    pub fn paste(&mut self, text: &str) {
        if self.part == Part::Text {
            self.area
                .insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
        }
    }

    /// Draws the text, softly wrapped, and the buttons in the last row.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        if area.height < 2 || area.width == 0 {
            return;
        }
        let rows = usize::from(area.height - 2).max(1);
        let (lines, at) = self.layout(usize::from(area.width));
        let first = (at.0 + 1).saturating_sub(rows);
        for (offset, line) in lines.iter().skip(first).take(rows).enumerate() {
            canvas.put(
                row(area, u16::try_from(offset).unwrap_or(0)),
                Role::Text,
                line,
            );
        }
        let buttons = row(area, area.height - 1);
        let focus = |part| {
            if self.part == part {
                Role::Cursor
            } else {
                Role::Text
            }
        };
        // Colour alone must not say where the focus is.
        let sign = |part| if self.part == part { "> " } else { "  " };
        let line = Line::of(Role::Title, sign(Part::Keep))
            .add(focus(Part::Keep), "[ Keep ]")
            .add(Role::Title, format!("   {}", sign(Part::Drop)))
            .add(focus(Part::Drop), "[ Drop ]")
            .add(Role::Dim, "   Tab goes between text and buttons");
        canvas.line(buttons, &line);
        match self.part {
            Part::Text => canvas.place_cursor(
                area.x + u16::try_from(at.1).unwrap_or(0),
                area.y + u16::try_from(at.0 - first).unwrap_or(0),
            ),
            Part::Keep => canvas.place_cursor(buttons.x + 2, buttons.y),
            Part::Drop => canvas.place_cursor(buttons.x + 15, buttons.y),
        }
    }

    /// Screen lines, and the cursor's line and column among them.
    fn layout(&self, columns: usize) -> (Vec<String>, (usize, usize)) {
        let cursor = self.area.cursor();
        let mut out = Vec::new();
        let mut at = (0, 0);
        for (number, line) in self.area.lines().iter().enumerate() {
            let mut current = String::new();
            let mut used = 0;
            for (index, c) in line.chars().chain(std::iter::once(' ')).enumerate() {
                let shown = Safe::from(c.to_string());
                let wide = shown.width();
                if used + wide > columns && used > 0 {
                    out.push(std::mem::take(&mut current));
                    used = 0;
                }
                if number == cursor.0 && index == cursor.1 {
                    at = (out.len(), used.min(columns.saturating_sub(1)));
                }
                current.push_str(shown.as_str());
                used += wide;
            }
            out.push(current.trim_end().to_owned());
        }
        (out, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_then_keeping_gives_the_text() {
        let mut editor = Editor::new("one");
        for key in [
            Key::Enter,
            Key::Char('t'),
            Key::Char('w'),
            Key::Char('o'),
            Key::Tab,
        ] {
            assert_eq!(editor.key(key), Outcome::Editing);
        }
        assert_eq!(editor.key(Key::Enter), Outcome::Keep("one\ntwo".into()));
    }

    #[test]
    fn one_escape_does_not_lose_a_page_of_typing() {
        let mut editor = Editor::new("one");
        editor.key(Key::Char('!'));
        assert_eq!(editor.key(Key::Esc), Outcome::Editing);
        assert_eq!(editor.key(Key::Esc), Outcome::Drop);
        let mut untouched = Editor::new("one");
        assert_eq!(untouched.key(Key::Esc), Outcome::Drop);
    }
}
