//! A form: fields one below the other, then two buttons.

mod field;

use ratatui::layout::Rect;

use super::dialog;
use super::pane::Focus;
use super::prompt::Prompt;
use crate::domain::form::Choice;
use crate::tui::canvas::{Canvas, Line, row};
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
    /// What is wrong with its value, in words that follow the label.
    pub problem: Option<String>,
    /// What becomes of its value, where people would not expect it; in words that follow the label.
    pub warning: Option<&'static str>,
    /// What can be chosen; Enter lists it.
    pub choices: Vec<Choice>,
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
        let entry = value.map_or(Entry::Null, |v| Entry::Line(Prompt::new(v)));
        Self::new(label, note, entry)
    }

    /// A field with any entry.
    pub fn new(label: impl Into<String>, note: impl Into<String>, entry: Entry) -> Self {
        Self {
            label: label.into(),
            note: note.into(),
            entry,
            empty: Empty::IsText,
            problem: None,
            warning: None,
            choices: Vec::new(),
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
        Self::new(label, "", Entry::Choice { options, at })
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

/// What becomes of what is typed when the form is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It is gone.
    Drops,
    /// Esc keeps it for the next time; the button drops it.
    Keeps,
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
    /// What is good to know, while nothing is wrong.
    pub info: Option<String>,
    /// What Enter does in a field.
    pub on_enter: OnEnter,
    /// What leaving does.
    pub leaving: Leaving,
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
    /// List what the field takes.
    Choose(usize),
    /// Left by Esc.
    Left,
    /// Left by the button.
    Cancelled,
}

impl Form {
    /// A form with the focus on its first field.
    pub fn new(title: impl Into<String>, fields: Vec<Field>, go: &str, on_enter: OnEnter) -> Self {
        Self {
            title: title.into(),
            fields,
            go: go.to_owned(),
            error: None,
            info: None,
            on_enter,
            leaving: Leaving::Drops,
            focus: 0,
        }
    }

    /// The same form, whose Esc keeps what is typed.
    #[must_use]
    pub fn keeping(self) -> Self {
        Self {
            leaving: Leaving::Keeps,
            ..self
        }
    }

    /// Puts the focus on a field.
    pub fn focus_on(&mut self, at: usize) {
        self.focus = at;
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
            if !field.choices.is_empty() {
                return Outcome::Choose(at);
            }
            return match (&field.entry, on_enter) {
                (Entry::Long(_), _) => Outcome::EditLong(at),
                (_, OnEnter::Keeps) => Outcome::Taken,
                (_, OnEnter::GoesOn) => {
                    self.focus = self.fields.len() + 1;
                    Outcome::Open
                }
            };
        }
        field::key(field, key)
    }

    fn button_key(&mut self, key: Key) -> Outcome {
        let cancel = self.fields.len();
        match key {
            Key::Enter if self.focus == cancel => return Outcome::Cancelled,
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
        let says = self.says_in(area);
        let rows = usize::from(area.height.saturating_sub(2 + says)).max(1);
        let focus = self.focus.min(self.fields.len().saturating_sub(1));
        let first = (focus + 1)
            .saturating_sub(rows)
            .min(self.fields.len().saturating_sub(rows));
        let mut y = 0;
        for (at, field) in self.fields.iter().enumerate().skip(first).take(rows) {
            field::draw(
                canvas,
                row(area, y),
                field,
                label,
                Focus::when(at == self.focus),
            );
            y += 1;
        }
        if let Some((role, word, message)) = self.message() {
            let lines = text::wrap_in(&message, said_in(area.width), usize::from(says));
            for (n, line) in lines.into_iter().enumerate() {
                let word = if n == 0 { word } else { "" };
                let at = row(area, y + u16::try_from(n).unwrap_or(0));
                let head = Line::of(role, word).to_column(6);
                canvas.line(at, &head.add(Role::Text, line));
            }
        }
        y += says;
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
            .add(role(cancel + 1), format!("[ {} ]", self.go))
            .add(Role::Dim, seen(first, rows, cancel));
        canvas.line(at, &line);
        if self.focus == cancel {
            canvas.place_cursor(at.x + 2, at.y);
        } else if self.focus > cancel {
            canvas.place_cursor(at.x + 17, at.y);
        }
        y + 1
    }

    /// Rows for the message under the fields. They do not follow what is typed: a form that grew
    /// with every letter would be drawn anew with every letter.
    fn says(&self, width: u16) -> u16 {
        let info = self.info.as_deref().unwrap_or_default();
        let info = u16::try_from(text::wrap(info, said_in(width)).len()).unwrap_or(MOST_SAID);
        info.clamp(LEAST_SAID, MOST_SAID)
    }

    /// The same where so many rows are given: a field that is staged at once is seen before more of a
    /// message is.
    fn says_in(&self, area: Rect) -> u16 {
        let says = self.says(area.width);
        match self.on_enter {
            OnEnter::GoesOn => says,
            OnEnter::Keeps => {
                let fields = u16::try_from(self.fields.len()).unwrap_or(u16::MAX);
                let free = area.height.saturating_sub(2).saturating_sub(fields);
                says.min(free.max(1))
            }
        }
    }

    /// What is wrong with the field in focus, or with the form, or what is good to know.
    fn message(&self) -> Option<(Role, &'static str, String)> {
        let here = self.fields.get(self.focus);
        if let Some((field, problem)) = here.and_then(|f| Some((f, f.problem.as_ref()?))) {
            let text = format!("{} {problem}", field.label);
            return Some((Role::Fail, "FAIL  ", text));
        }
        let wrong = self.error.clone().map(|text| (Role::Fail, "FAIL  ", text));
        let warning = here.and_then(|f| Some(format!("{} {}", f.label, f.warning?)));
        let wrong = wrong.or(warning.map(|text| (Role::Warn, "WARN  ", text)));
        wrong.or_else(|| Some((Role::Dim, "INFO  ", self.info.clone()?)))
    }

    /// Draws the form as a dialog.
    pub fn draw_dialog(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let columns = area.width.saturating_sub(6).min(80);
        // The frame and its margins take four columns.
        let says = self.says(columns.saturating_sub(4));
        let rows = u16::try_from(self.fields.len())
            .unwrap_or(u16::MAX)
            .saturating_add(4 + says);
        let place = dialog::centred(area, columns, rows.min(area.height));
        let foot = match (self.on_enter, self.leaving) {
            (_, Leaving::Keeps) => "Tab next field  Ctrl-x null  Esc leaves, what is typed is kept",
            (OnEnter::Keeps, _) => "Enter keep  Esc drop this edit  Tab next field",
            (OnEnter::GoesOn, _) => "Tab next field  Ctrl-x null  Esc leaves, nothing is written",
        };
        let inside = dialog::frame(canvas, place, self.title.as_str(), foot);
        self.draw(canvas, inside);
    }
}

/// Rows of a message at least: of an error with what helps one row is not enough.
const LEAST_SAID: u16 = 2;
/// Rows of a message at most.
const MOST_SAID: u16 = 3;

/// Which of the fields are seen, behind the buttons, where the window has no room for all.
fn seen(first: usize, rows: usize, all: usize) -> String {
    match rows < all {
        true => format!("   fields {}-{} of {all}", first + 1, first + rows),
        false => String::new(),
    }
}

/// Columns of a message in a form of this width.
fn said_in(width: u16) -> usize {
    usize::from(width.saturating_sub(6)).max(20)
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
