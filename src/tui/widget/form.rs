//! A form: fields one below the other, then two buttons.

use ratatui::layout::Rect;

use super::dialog;
use super::prompt::{Handled, Prompt, Show};
use crate::tui::canvas::{Canvas, Line, inset, row};
use crate::tui::key::Key;
use crate::tui::text;
use crate::tui::theme::Role;

/// What a field takes.
#[derive(Debug, Clone)]
pub enum Entry {
    /// One line.
    Line(Prompt),
    /// No value; typing makes it a line again.
    Null,
    /// Several lines; Enter opens the editor.
    Long(String),
    /// One of these; left and right change it.
    Choice {
        /// What can be chosen.
        options: Vec<String>,
        /// Which is.
        at: usize,
    },
    /// A secret, hidden.
    Hidden(Prompt),
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Label.
    pub label: String,
    /// A note after the field.
    pub note: String,
    /// Its value.
    pub entry: Entry,
    /// What no text means.
    pub empty: Empty,
}

/// What an empty line stands for, for those who read the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Empty {
    /// A text without characters.
    #[default]
    IsText,
    /// That there is nothing.
    IsNone,
}

impl Field {
    /// A one-line field.
    pub fn line(label: impl Into<String>, value: Option<&str>, note: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            note: note.into(),
            entry: value.map_or(Entry::Null, |v| Entry::Line(Prompt::new(v))),
            empty: Empty::IsText,
        }
    }

    /// The same field, whose empty line means that there is nothing.
    #[must_use]
    pub fn or_none(self) -> Self {
        Self {
            empty: Empty::IsNone,
            ..self
        }
    }

    /// A field to choose in.
    pub fn choice(label: impl Into<String>, options: Vec<String>, at: usize) -> Self {
        Self {
            label: label.into(),
            note: String::new(),
            entry: Entry::Choice { options, at },
            empty: Empty::IsText,
        }
    }

    /// The value as text; none for null.
    pub fn value(&self) -> Option<String> {
        match &self.entry {
            Entry::Line(prompt) | Entry::Hidden(prompt) => Some(prompt.text().to_owned()),
            Entry::Null => None,
            Entry::Long(text) => Some(text.clone()),
            Entry::Choice { options, at } => options.get(*at).cloned(),
        }
    }
}

/// What Enter does in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEnter {
    /// Takes the form: what follows is only staged.
    Keeps,
    /// Goes to the buttons: what follows is written.
    GoesOn,
}

/// A form.
#[derive(Debug, Clone)]
pub struct Form {
    /// Title.
    pub title: String,
    /// Fields.
    pub fields: Vec<Field>,
    /// Word on the doing button.
    pub go: String,
    /// Why it was not taken.
    pub error: Option<String>,
    /// What Enter does in a field.
    pub on_enter: OnEnter,
    focus: usize,
}

/// What a key meant to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Still open; nothing changed but the focus.
    Open,
    /// Still open; a value changed.
    Edited,
    /// Open the editor of this field.
    EditLong(usize),
    /// Take it.
    Taken,
    /// Left.
    Left,
}

impl Form {
    /// A form with the focus on its first field.
    pub fn new(title: impl Into<String>, fields: Vec<Field>, go: &str, on_enter: OnEnter) -> Self {
        Self {
            title: title.into(),
            fields,
            go: go.to_owned(),
            error: None,
            on_enter,
            focus: 0,
        }
    }

    /// Index of the field in focus; none when a button has it.
    pub fn focused(&self) -> Option<usize> {
        (self.focus < self.fields.len()).then_some(self.focus)
    }

    /// Handles a key.
    pub fn key(&mut self, key: Key) -> Outcome {
        let places = self.fields.len() + 2;
        match key {
            Key::Esc => return Outcome::Left,
            Key::Tab | Key::Down => {
                self.focus = (self.focus + 1) % places;
                return Outcome::Open;
            }
            Key::BackTab | Key::Up => {
                self.focus = (self.focus + places - 1) % places;
                return Outcome::Open;
            }
            _ => {}
        }
        if self.focus >= self.fields.len() {
            return self.button_key(key);
        }
        let at = self.focus;
        let on_enter = self.on_enter;
        let Some(field) = self.fields.get_mut(at) else {
            return Outcome::Open;
        };
        if key == Key::Enter {
            return match (&field.entry, on_enter) {
                (Entry::Long(_), _) => Outcome::EditLong(at),
                (_, OnEnter::Keeps) => Outcome::Taken,
                (_, OnEnter::GoesOn) => {
                    self.focus = self.fields.len() + 1;
                    Outcome::Open
                }
            };
        }
        field_key(field, key)
    }

    fn button_key(&mut self, key: Key) -> Outcome {
        let cancel = self.fields.len();
        match key {
            Key::Enter if self.focus == cancel => return Outcome::Left,
            Key::Enter => return Outcome::Taken,
            Key::Char('h') | Key::Left => self.focus = cancel,
            Key::Char('l') | Key::Right => self.focus = cancel + 1,
            _ => {}
        }
        Outcome::Open
    }

    /// Inserts pasted text into the field in focus.
    pub fn paste(&mut self, pasted: &str) -> Outcome {
        let Some(field) = self.fields.get_mut(self.focus) else {
            return Outcome::Open;
        };
        match &mut field.entry {
            Entry::Line(prompt) | Entry::Hidden(prompt) => prompt.paste(pasted),
            Entry::Null => {
                let mut prompt = Prompt::default();
                prompt.paste(pasted);
                field.entry = Entry::Line(prompt);
            }
            Entry::Long(text) => text.push_str(pasted),
            Entry::Choice { .. } => return Outcome::Open,
        }
        Outcome::Edited
    }

    /// Draws the fields and buttons into `area`; gives the first row below them.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
        let label = self
            .fields
            .iter()
            .map(|f| text::width(&f.label))
            .max()
            .unwrap_or(0)
            .min(24);
        let rows = usize::from(area.height.saturating_sub(3)).max(1);
        let focus = self.focus.min(self.fields.len().saturating_sub(1));
        let first = (focus + 1)
            .saturating_sub(rows)
            .min(self.fields.len().saturating_sub(rows));
        let mut y = 0;
        for (at, field) in self.fields.iter().enumerate().skip(first).take(rows) {
            draw_field(canvas, row(area, y), field, label, at == self.focus);
            y += 1;
        }
        if let Some(error) = &self.error {
            canvas.line(
                row(area, y),
                &Line::of(Role::Fail, "FAIL  ").add(Role::Text, error.as_str()),
            );
        }
        y += 1;
        let at = row(area, y);
        let cancel = self.fields.len();
        let role = |here: usize| {
            if self.focus == here {
                Role::Cursor
            } else {
                Role::Text
            }
        };
        // Colour alone must not say where the focus is.
        let sign = |here: usize| if self.focus == here { "> " } else { "  " };
        let line = Line::of(Role::Title, sign(cancel))
            .add(role(cancel), "[ Cancel ]")
            .add(Role::Title, format!("   {}", sign(cancel + 1)))
            .add(role(cancel + 1), format!("[ {} ]", self.go));
        canvas.line(at, &line);
        if self.focus == cancel {
            canvas.place_cursor(at.x + 2, at.y);
        } else if self.focus > cancel {
            canvas.place_cursor(at.x + 17, at.y);
        }
        y + 1
    }

    /// Draws the form as a dialog.
    pub fn draw_dialog(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let rows = u16::try_from(self.fields.len())
            .unwrap_or(u16::MAX)
            .saturating_add(5);
        let place = dialog::centred(
            area,
            area.width.saturating_sub(6).min(100),
            rows.min(area.height),
        );
        let foot = match self.on_enter {
            OnEnter::Keeps => "Enter keep  Esc drop this edit  Tab next field  Ctrl-x null",
            OnEnter::GoesOn => "Tab next field  Ctrl-x null  Esc leaves, nothing is written",
        };
        let inside = dialog::frame(canvas, place, self.title.as_str(), foot);
        self.draw(canvas, inside);
    }
}

fn field_key(field: &mut Field, key: Key) -> Outcome {
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

fn draw_field(canvas: &mut Canvas<'_>, area: Rect, field: &Field, label: usize, here: bool) {
    let sign = if here { "> " } else { "  " };
    let head = Line::of(Role::Title, sign)
        .add(
            if here { Role::Title } else { Role::Text },
            text::fit(field.label.as_str(), label),
        )
        .to_column(label + 4);
    let used = canvas.line(area, &head);
    let value = inset(area, used);
    let note = text::width(&field.note);
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
            canvas.put(narrow, Role::Placeholder, "(null)");
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
        canvas.right(area, &Line::of(Role::Dim, field.note.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_are_different_values() {
        let mut form = Form::new(
            "Edit",
            vec![Field::line("phone", Some("x"), "")],
            "Save",
            OnEnter::GoesOn,
        );
        form.key(Key::Backspace);
        assert_eq!(form.fields[0].value(), Some(String::new()));
        form.key(Key::Ctrl('x'));
        assert_eq!(form.fields[0].value(), None);
        form.key(Key::Char('7'));
        assert_eq!(form.fields[0].value(), Some("7".into()));
    }

    #[test]
    fn in_a_writing_form_enter_goes_to_the_button_first() {
        let mut form = Form::new(
            "Edit",
            vec![Field::line("phone", Some("x"), "")],
            "Save",
            OnEnter::GoesOn,
        );
        assert_eq!(form.key(Key::Enter), Outcome::Open);
        assert_eq!(form.key(Key::Enter), Outcome::Taken);
    }
}
