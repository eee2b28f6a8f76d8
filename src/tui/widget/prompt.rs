//! One line of text being typed.

use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation;

use crate::tui::canvas::Canvas;
use crate::tui::key::Key;
use crate::tui::text::{self, Safe};
use crate::tui::theme::Role;

/// How the typed text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// As it is.
    Plain,
    /// As a fixed number of stars, whatever its length.
    Hidden,
}

/// A one-line field.
#[derive(Clone, Default)]
pub struct Prompt(Input);

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is typed may be a secret.
        f.write_str("Prompt(..)")
    }
}

impl Prompt {
    /// A field that holds `text`, cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Input::new(one_line(&text.into())))
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        self.0.value()
    }

    /// Handles a key; says whether it was one for a text field.
    pub fn key(&mut self, key: Key) -> Handled {
        let request = match key {
            Key::Char(c) => InputRequest::InsertChar(c),
            Key::Backspace => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Home | Key::Ctrl('a') => InputRequest::GoToStart,
            Key::End | Key::Ctrl('e') => InputRequest::GoToEnd,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl('u') => InputRequest::DeleteLine,
            Key::Ctrl('k') => InputRequest::DeleteTillEnd,
            _ => return Handled::No,
        };
        self.0.handle(request);
        Handled::Yes
    }

    /// Inserts pasted text; line breaks become spaces.
    pub fn paste(&mut self, text: &str) {
        // In one piece: one character after the other takes minutes for a large paste.
        let pasted = one_line(text);
        let at = self.0.cursor();
        let end = at + pasted.chars().count();
        let before = self.text().chars().take(at);
        let after = self.text().chars().skip(at);
        let whole: String = before.chain(pasted.chars()).chain(after).collect();
        self.0 = Input::new(whole).with_cursor(end);
    }

    /// Draws the field and puts the cursor into it.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, show: Show) {
        let width = usize::from(area.width).max(1);
        let (shown, at) = match show {
            Show::Hidden if self.text().is_empty() => (Safe::default(), 0),
            Show::Hidden => (Safe::from("********"), 8),
            Show::Plain => {
                let before: String = self.text().chars().take(self.0.cursor()).collect();
                (Safe::from(self.text()), Safe::from(before).width())
            }
        };
        // Keep the cursor in sight: drop columns on the left.
        let skip = (at + 1).saturating_sub(width);
        let mut used = 0;
        let seen: String = shown
            .as_str()
            .graphemes(true)
            .skip_while(|g| {
                let hidden = used < skip;
                used += text::width(g);
                hidden
            })
            .collect();
        let role = match show {
            Show::Plain => Role::Field,
            Show::Hidden => Role::Secret,
        };
        let cut: String = {
            let mut room = width;
            seen.graphemes(true)
                .take_while(|g| {
                    let w = text::width(g);
                    let fits = w <= room;
                    room = room.saturating_sub(w);
                    fits
                })
                .collect()
        };
        canvas.put(area, role, cut);
        let x = area.x + u16::try_from(at - skip.min(at)).unwrap_or(0);
        canvas.place_cursor(x.min(area.right().saturating_sub(1)), area.y);
    }
}

fn one_line(text: &str) -> String {
    text.trim_end_matches(['\r', '\n'])
        .chars()
        .map(|c| if c == '\n' || c == '\r' { ' ' } else { c })
        .collect()
}

/// Whether a widget took a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It did.
    Yes,
    /// The key is somebody else's.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_letters_and_pastes_are_one_line() {
        let mut prompt = Prompt::default();
        for c in "quj".chars() {
            assert_eq!(prompt.key(Key::Char(c)), Handled::Yes);
        }
        prompt.paste("a\nb\n");
        assert_eq!(prompt.text(), "quja b");
        assert_eq!(prompt.key(Key::Esc), Handled::No);
        assert!(!format!("{prompt:?}").contains("quj"));
    }
}
