//! One page of questions: choices of which one is taken, and fields.
//!
//! It knows no steps. Invariant: the cursor is on a row that is shown, and one choice that is on
//! is taken, if there are choices.

use secrecy::SecretString;

use crate::tui::key::Key;
use crate::tui::widget::prompt::{Handled, Prompt, Show};

/// A choice.
#[derive(Debug)]
pub struct Pick {
    /// What it is.
    pub label: String,
    /// When it fits, or why it is off.
    pub note: String,
    /// Whether it can be taken.
    pub state: Switch,
}

/// Whether a choice can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It can.
    On,
    /// It is listed with its reason only.
    Off,
}

/// A field.
#[derive(Debug)]
pub struct Field {
    /// Its name, by which its value is asked for.
    pub label: &'static str,
    /// What is typed.
    pub prompt: Prompt,
    /// What it takes.
    pub note: String,
    /// Whether what is typed is seen.
    pub show: Show,
    /// With which choices it is asked; empty for all.
    pub with: &'static [usize],
}

/// A row of the page.
#[derive(Debug)]
pub enum Row {
    /// A choice.
    Pick(Pick),
    /// A field.
    Field(Field),
}

/// Whether letters go into the field under the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// They do.
    Yes,
    /// They are commands.
    No,
}

/// What Enter came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// The cursor went on.
    On,
    /// It was the last row: the page is answered.
    Whole,
    /// The choice is off.
    Off,
}

/// The page.
#[derive(Debug, Default)]
pub struct Page {
    rows: Vec<Row>,
    taken: usize,
    at: usize,
    left: bool,
}

impl Page {
    /// A page with the cursor on its first field, or on the choice that is taken.
    pub fn new(rows: Vec<Row>, taken: usize) -> Self {
        let mut page = Self {
            rows,
            taken,
            at: 0,
            left: false,
        };
        if matches!(page.rows.first(), Some(Row::Pick(_))) {
            page.at = page.row_of(taken);
        }
        page
    }

    /// The rows that are shown, with the choice's number where it is one.
    pub fn shown(&self) -> impl Iterator<Item = (usize, &Row)> {
        let shown = |(at, _): &(usize, &Row)| self.is_shown(*at);
        self.rows.iter().enumerate().filter(shown)
    }

    /// The row under the cursor.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The choice that is taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Whether a row is the choice that is taken.
    pub fn is_taken(&self, row: usize) -> bool {
        self.pick_of(row) == Some(self.taken)
    }

    /// Whether letters go into a field.
    pub fn typing(&self) -> Typing {
        match self.rows.get(self.at) {
            Some(Row::Field(_)) if !self.left => Typing::Yes,
            _ => Typing::No,
        }
    }

    /// Letters are commands from now on.
    pub fn leave_field(&mut self) {
        self.left = true;
    }

    /// A key for the field under the cursor.
    pub fn key(&mut self, key: Key) -> Handled {
        match self.rows.get_mut(self.at) {
            Some(Row::Field(field)) => field.prompt.key(key),
            _ => Handled::No,
        }
    }

    /// Pasted text, for the field under the cursor; says whether there is one.
    pub fn paste(&mut self, text: &str) -> Handled {
        match self.rows.get_mut(self.at) {
            Some(Row::Field(field)) => {
                self.left = false;
                field.prompt.paste(text);
                Handled::Yes
            }
            _ => Handled::No,
        }
    }

    /// One row down.
    pub fn down(&mut self) {
        let next = (self.at + 1..self.rows.len()).find(|at| self.is_shown(*at));
        self.go(next);
    }

    /// One row up.
    pub fn up(&mut self) {
        let next = (0..self.at).rev().find(|at| self.is_shown(*at));
        self.go(next);
    }

    /// To the field of this name.
    pub fn go_to(&mut self, label: &str) {
        let named = |row: &Row| matches!(row, Row::Field(field) if field.label == label);
        let at = self.rows.iter().position(named);
        self.go(at.filter(|at| self.is_shown(*at)));
    }

    fn go(&mut self, to: Option<usize>) {
        if let Some(at) = to {
            self.at = at;
            self.left = false;
        }
    }

    /// Takes the choice under the cursor.
    pub fn take(&mut self) -> Entered {
        match (self.rows.get(self.at), self.pick_of(self.at)) {
            (Some(Row::Pick(pick)), _) if pick.state == Switch::Off => Entered::Off,
            (_, Some(pick)) => {
                self.taken = pick;
                Entered::On
            }
            (_, None) => Entered::On,
        }
    }

    /// Enter: takes the choice, or the field, and goes on; a field that was left is typed in again.
    pub fn enter(&mut self) -> Entered {
        let (from, is_pick) = match self.rows.get(self.at) {
            Some(Row::Pick(_)) => match self.take() {
                Entered::Off => return Entered::Off,
                _ => (self.at, true),
            },
            Some(Row::Field(_)) if self.left => {
                self.left = false;
                return Entered::On;
            }
            _ => (self.at, false),
        };
        // One choice is made: the other choices are behind it, too.
        let next = (from + 1..self.rows.len())
            .filter(|at| self.is_shown(*at))
            .find(|at| !is_pick || matches!(self.rows.get(*at), Some(Row::Field(_))));
        match next {
            Some(at) => {
                let first_pick = matches!(self.rows.get(at), Some(Row::Pick(_)));
                self.go(Some(if first_pick {
                    self.row_of(self.taken)
                } else {
                    at
                }));
                Entered::On
            }
            None => Entered::Whole,
        }
    }

    /// What is typed in a field, without blanks around it.
    pub fn text(&self, label: &str) -> &str {
        let found = self.rows.iter().find_map(|row| match row {
            Row::Field(field) if field.label == label => Some(field.prompt.text().trim()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// What is typed in a field, which is empty then.
    pub fn secret(&mut self, label: &str) -> SecretString {
        for row in &mut self.rows {
            if let Row::Field(field) = row
                && field.label == label
            {
                let prompt = std::mem::take(&mut field.prompt);
                return SecretString::from(prompt.text());
            }
        }
        SecretString::default()
    }

    fn is_shown(&self, row: usize) -> bool {
        match self.rows.get(row) {
            Some(Row::Pick(_)) => true,
            Some(Row::Field(field)) => field.with.is_empty() || field.with.contains(&self.taken),
            None => false,
        }
    }

    /// Which choice a row is.
    fn pick_of(&self, row: usize) -> Option<usize> {
        let is_pick = |row: &&Row| matches!(row, Row::Pick(_));
        matches!(self.rows.get(row)?, Row::Pick(_))
            .then(|| self.rows.iter().take(row).filter(is_pick).count())
    }

    fn row_of(&self, pick: usize) -> usize {
        let mut picks = (0..self.rows.len()).filter(|at| self.pick_of(*at).is_some());
        picks.nth(pick).unwrap_or(0)
    }
}

/// A choice that can be taken.
pub fn pick(label: impl Into<String>, note: impl Into<String>) -> Row {
    Row::Pick(Pick {
        label: label.into(),
        note: note.into(),
        state: Switch::On,
    })
}

/// A choice that is off, with the reason.
pub fn off(label: impl Into<String>, reason: impl Into<String>) -> Row {
    Row::Pick(Pick {
        label: label.into(),
        note: reason.into(),
        state: Switch::Off,
    })
}

/// A field that is seen, for some choices.
pub fn field(label: &'static str, text: &str, note: &str, with: &'static [usize]) -> Row {
    Row::Field(Field {
        label,
        prompt: Prompt::new(text),
        note: note.to_owned(),
        show: Show::Plain,
        with,
    })
}

/// A field whose text nobody sees.
pub fn hidden(label: &'static str, note: &str, with: &'static [usize]) -> Row {
    Row::Field(Field {
        label,
        prompt: Prompt::default(),
        note: note.to_owned(),
        show: Show::Hidden,
        with,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn page() -> Page {
        let rows = vec![
            pick("one", ""),
            pick("two", ""),
            off("three", "why"),
            field("For two", "x", "", &[1]),
            hidden("Secret", "", &[]),
        ];
        Page::new(rows, 0)
    }

    #[test]
    fn enter_goes_from_the_choice_to_the_fields_it_asks_and_to_the_end() {
        let mut page = page();
        assert_eq!((page.enter(), page.at()), (Entered::On, 4));
        assert_eq!(page.enter(), Entered::Whole);
        page.up();
        page.up();
        assert_eq!((page.at(), page.enter()), (1, Entered::On));
        assert_eq!((page.taken(), page.at()), (1, 3));
    }

    #[test]
    fn what_is_off_is_not_taken() {
        let mut page = page();
        page.down();
        page.down();
        assert_eq!((page.enter(), page.taken()), (Entered::Off, 0));
    }

    #[test]
    fn letters_are_commands_once_a_field_is_left_and_text_again_after_enter() {
        let mut page = page();
        page.enter();
        assert_eq!(page.typing(), Typing::Yes);
        page.leave_field();
        assert_eq!(page.typing(), Typing::No);
        assert_eq!((page.enter(), page.typing()), (Entered::On, Typing::Yes));
    }

    #[test]
    fn a_secret_leaves_the_page_when_it_is_taken() {
        let mut page = page();
        page.go_to("Secret");
        page.paste("hush");
        assert_eq!(page.secret("Secret").expose_secret(), "hush");
        assert_eq!(page.text("Secret"), "");
        assert!(!format!("{page:?}").contains("hush"));
    }
}
