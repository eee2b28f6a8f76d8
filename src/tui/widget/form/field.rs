//! One field of a form: its keys and its row.
//!
//! Knows nothing of the fields around it. Invariant: what is wrong with a value takes no more than
//! half of the value's room, and so does a note.

use ratatui::layout::Rect;

use super::{Empty, Entry, Field, Outcome};
use crate::tui::canvas::{Canvas, Line, inset};
use crate::tui::key::Key;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::pane::Focus;
use crate::tui::widget::prompt::{Handled, Prompt, Show};

/// Handles a key for the field in focus.
pub(super) fn key(field: &mut Field, key: Key) -> Outcome {
    if key == Key::Ctrl('x') {
        if matches!(field.entry, Entry::Choice { .. }) {
            return Outcome::Open;
        }
        field.entry = Entry::Null;
        return Outcome::Edited;
    }
    match &mut field.entry {
        Entry::Line(prompt) | Entry::Hidden(prompt) => match prompt.key(key) {
            Handled::Yes => Outcome::Edited,
            Handled::No => Outcome::Open,
        },
        Entry::Null => {
            let mut prompt = Prompt::default();
            match key {
                Key::Char(_) => {
                    prompt.key(key);
                }
                Key::Backspace | Key::Delete => {}
                _ => return Outcome::Open,
            }
            field.entry = Entry::Line(prompt);
            Outcome::Edited
        }
        Entry::Long(_) => Outcome::Open,
        Entry::Choice { options, at } => {
            let len = options.len().max(1);
            match key {
                Key::Right | Key::Char('l' | ' ') => *at = (*at + 1) % len,
                Key::Left | Key::Char('h') => *at = (*at + len - 1) % len,
                _ => return Outcome::Open,
            }
            Outcome::Edited
        }
    }
}

/// Draws a field into one row; `here` when it has the focus.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, field: &Field, label: usize, at: Focus) {
    let here = at == Focus::Here;
    let sign = if here { "> " } else { "  " };
    let head = Line::of(Role::Title, sign)
        .add(
            if here { Role::Title } else { Role::Text },
            text::fit(field.label.as_str(), label),
        )
        .to_column(label + 4);
    let used = canvas.line(area, &head);
    let value = inset(area, used);
    let (note_role, note) = match &field.problem {
        Some(problem) => (Role::FieldError, problem.as_str()),
        None => (Role::Dim, field.note.as_str()),
    };
    // Half of the room is the value's.
    let most = usize::from(value.width / 2);
    let note_text = text::fit(note, most.min(text::width(note)));
    let note = note_text.width();
    let room = value.width.saturating_sub(if note == 0 {
        0
    } else {
        u16::try_from(note + 2).unwrap_or(0)
    });
    let narrow = Rect {
        width: room.max(10).min(value.width),
        ..value
    };
    match &field.entry {
        Entry::Line(prompt) if here => prompt.draw(canvas, narrow, Show::Plain),
        Entry::Hidden(prompt) if here => prompt.draw(canvas, narrow, Show::Hidden),
        Entry::Line(prompt) => {
            let shown = match (prompt.text(), field.empty) {
                ("", Empty::IsNone) => text::Safe::from("-"),
                (typed, _) => text::value(Some(typed)),
            };
            canvas.put(
                narrow,
                Role::Text,
                text::fit(shown, usize::from(narrow.width)),
            );
        }
        Entry::Hidden(prompt) => {
            canvas.put(
                narrow,
                Role::Secret,
                if prompt.text().is_empty() {
                    ""
                } else {
                    "********"
                },
            );
        }
        Entry::Null => {
            let shown = match field.empty {
                Empty::IsText => "(null)",
                Empty::IsNone => "-",
            };
            canvas.put(narrow, Role::Placeholder, shown);
        }
        Entry::Long(text) => {
            let lines = text::count(text.lines().count() as u64, "line", "lines");
            let start = text::head(text, 512).replace('\n', " ");
            let note = match text.as_str() {
                "" => "(null)  Enter edits".to_owned(),
                _ => format!("{start}  ({lines}, Enter edits)"),
            };
            canvas.put(
                narrow,
                Role::Text,
                text::fit(note, usize::from(narrow.width)),
            );
        }
        Entry::Choice { options, at } => {
            let all: usize = options.iter().map(|o| text::width(o) + 6).sum();
            let mut line = Line::new();
            if all <= usize::from(narrow.width) {
                for (index, option) in options.iter().enumerate() {
                    let (dot, role) = if index == *at {
                        ("(*) ", Role::Title)
                    } else {
                        ("( ) ", Role::Text)
                    };
                    line = line
                        .add(role, dot)
                        .add(role, option.as_str())
                        .add(Role::Text, "  ");
                }
            } else if let Some(option) = options.get(*at) {
                line = Line::of(Role::Dim, "< ")
                    .add(Role::Title, option.as_str())
                    .add(Role::Dim, format!(" >  {} of {}", at + 1, options.len()));
            }
            canvas.line(narrow, &line);
        }
    }
    if here && !matches!(field.entry, Entry::Line(_) | Entry::Hidden(_)) {
        canvas.place_cursor(value.x, value.y);
    }
    if note > 0 {
        canvas.right(area, &Line::of(note_role, note_text));
    }
}
