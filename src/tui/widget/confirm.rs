//! The question before something that cannot be taken back.
//!
//! The dialog owns what will happen and only it can release it. It opens on Cancel, and drops
//! keys typed before it could be seen. Invariant: nothing is released by a key pressed before
//! the first frame of the dialog plus [`SETTLE`].

use std::time::Duration;

use ratatui::layout::Rect;

use super::dialog;
use super::prompt::{Prompt, Show};
use crate::domain::text::grouped;
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::key::Key;
use crate::tui::theme::Role;

/// Keys are dropped for this long after the first frame.
pub const SETTLE: Duration = Duration::from_millis(150);

/// The button in focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// Leave everything as it is.
    Cancel,
    /// Do it.
    Go,
}

/// What has to be done to go on.
#[derive(Debug)]
pub enum Gate {
    /// Choose the button.
    Ask(Button),
    /// Type this text.
    Type {
        /// What has to be typed.
        expected: String,
        /// What is typed.
        prompt: Prompt,
        /// What Enter came to.
        tried: Tried,
    },
}

/// What Enter came to on the text that is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It was not pressed on it.
    Not,
    /// It is another text.
    Differs,
}

/// A question that owns what it would do.
#[derive(Debug)]
pub struct Confirm<T> {
    /// Title, a question.
    pub title: String,
    /// What is true and what would happen.
    pub body: Vec<Line>,
    /// Word on the leaving button.
    pub cancel: String,
    /// Word on the doing button.
    pub go: String,
    gate: Gate,
    shown: Option<Duration>,
    scroll: usize,
    seen: std::cell::Cell<usize>,
    effect: T,
}

/// What a key meant.
#[derive(Debug)]
pub enum Answer<T> {
    /// Not decided.
    Open(Box<Confirm<T>>),
    /// Left.
    Left,
    /// Do it.
    Go(T),
}

impl<T> Confirm<T> {
    /// A question answered by a button.
    pub fn ask(
        title: impl Into<String>,
        body: Vec<Line>,
        cancel: &str,
        go: impl Into<String>,
        effect: T,
    ) -> Self {
        Self {
            title: title.into(),
            body,
            cancel: cancel.to_owned(),
            go: go.into(),
            gate: Gate::Ask(Button::Cancel),
            shown: None,
            scroll: 0,
            seen: std::cell::Cell::new(1),
            effect,
        }
    }

    /// A question answered by typing.
    pub fn typed(
        title: impl Into<String>,
        body: Vec<Line>,
        expected: impl Into<String>,
        effect: T,
    ) -> Self {
        let mut confirm = Self::ask(title, body, "Cancel", "Go on", effect);
        confirm.gate = Gate::Type {
            expected: expected.into(),
            prompt: Prompt::default(),
            tried: Tried::Not,
        };
        confirm
    }

    /// Notes that a frame with the dialog was drawn.
    pub fn drawn(&mut self, now: Duration) {
        self.shown.get_or_insert(now);
    }

    /// Handles a key.
    pub fn key(mut self: Box<Self>, key: Key, now: Duration) -> Answer<T> {
        if self.shown.is_none_or(|at| now < at + SETTLE) {
            return Answer::Open(self);
        }
        match (&mut self.gate, key) {
            (_, Key::Esc) | (Gate::Ask(Button::Cancel), Key::Enter) => return Answer::Left,
            (Gate::Ask(_), Key::Char('q')) => return Answer::Left,
            (Gate::Ask(Button::Go), Key::Enter) => return Answer::Go(self.effect),
            (
                Gate::Ask(button),
                Key::Tab | Key::BackTab | Key::Char('h' | 'l') | Key::Left | Key::Right,
            ) => {
                *button = match (*button, key) {
                    (_, Key::Char('h') | Key::Left) | (Button::Go, Key::Tab | Key::BackTab) => {
                        Button::Cancel
                    }
                    _ => Button::Go,
                };
            }
            (
                Gate::Type {
                    expected,
                    prompt,
                    tried,
                },
                Key::Enter,
            ) => {
                if prompt.text().trim() == expected {
                    return Answer::Go(self.effect);
                }
                *tried = Tried::Differs;
            }
            (Gate::Ask(_), Key::End | Key::Char('G')) => self.scroll_by(self.body.len()),
            (Gate::Ask(_), Key::Home) => self.scroll = 0,
            (_, Key::Down | Key::PageDown) => self.scroll_by(1),
            (Gate::Ask(_), Key::Char('j') | Key::Ctrl('d')) => self.scroll_by(1),
            (_, Key::Up | Key::PageUp) | (Gate::Ask(_), Key::Char('k') | Key::Ctrl('u')) => {
                self.scroll = self.scroll.saturating_sub(self.seen.get().div_ceil(2));
            }
            (Gate::Type { prompt, tried, .. }, key) => {
                *tried = Tried::Not;
                prompt.key(key);
            }
            // Who types expects a place for it: what was typed chooses nothing.
            (Gate::Ask(button), Key::Char(_)) => *button = Button::Cancel,
            _ => {}
        }
        Answer::Open(self)
    }

    /// Whether the last frame had no room for all of it.
    pub fn is_cut(&self) -> bool {
        self.body.len() > self.seen.get()
    }

    /// Whether it is answered by typing.
    pub fn is_typed(&self) -> bool {
        matches!(self.gate, Gate::Type { .. })
    }

    /// Lines that the first frame has bytes for; the keys that scroll show the others.
    fn at_first(&self, canvas: &Canvas<'_>, columns: u16) -> usize {
        let mut left = FIRST;
        let per_line = match columns < WIDE {
            true => PER_LINE,
            false => PER_WIDE_LINE,
        };
        let fits = |line: &&Line| {
            let sent = line.ink() + canvas.dye(line) + per_line;
            left.checked_sub(sent)
                .inspect(|rest| left = *rest)
                .is_some()
        };
        let fit = self.body.iter().take_while(fits).count();
        // The last line alone would take the place of the line that says so.
        match self.body.len() {
            all if fit + 1 == all => fit.saturating_sub(1).max(1),
            _ => fit.max(1),
        }
    }

    fn scroll_by(&mut self, halves: usize) {
        let seen = self.seen.get();
        let most = self.body.len().saturating_sub(seen);
        self.scroll = (self.scroll + halves * seen.div_ceil(2)).min(most);
    }

    /// Inserts pasted text into the field, if there is one.
    pub fn paste(&mut self, text: &str, now: Duration) {
        if self.shown.is_some_and(|at| now >= at + SETTLE)
            && let Gate::Type { prompt, tried, .. } = &mut self.gate
        {
            *tried = Tried::Not;
            prompt.paste(text);
        }
    }

    /// Draws the dialog in the middle of `area`.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let gate_rows = match self.gate {
            Gate::Ask(_) | Gate::Type { .. } => 4,
        };
        let widest = self.body.iter().map(Line::width).max().unwrap_or(0);
        let columns = u16::try_from(widest.max(NARROW) + 4).unwrap_or(u16::MAX);
        let rows = u16::try_from(self.at_first(canvas, area.width))
            .unwrap_or(u16::MAX)
            .saturating_add(gate_rows + 2);
        let place = dialog::centred(area, columns.min(area.width.saturating_sub(4)), rows);
        let inside = dialog::frame(canvas, place, self.title.as_str(), "");
        if inside.height <= gate_rows {
            return;
        }
        let room = inside.height - gate_rows;
        // Where only one line is left it stands where it would say that one is left.
        let is_last = self.body.len() == self.scroll + usize::from(room) + 1;
        let shown = room + u16::from(is_last);
        self.seen.set(usize::from(shown).max(1));
        for (at, line) in self
            .body
            .iter()
            .skip(self.scroll)
            .take(usize::from(shown))
            .enumerate()
        {
            canvas.line(row(inside, u16::try_from(at).unwrap_or(0)), line);
        }
        let rest = self
            .body
            .len()
            .saturating_sub(self.scroll + usize::from(shown));
        if rest > 0 {
            let keys = match self.is_typed() {
                true => "Down",
                false => "j G",
            };
            let more = format!("{} more lines, {keys}", grouped(rest as u64));
            canvas.right(row(inside, room), &Line::of(Role::Dim, more));
        }
        match &self.gate {
            Gate::Ask(button) => self.draw_buttons(canvas, inside, room, *button),
            Gate::Type {
                expected,
                prompt,
                tried,
            } => {
                let line = Line::text("Type  ")
                    .add(Role::Title, expected.as_str())
                    .add(Role::Text, "  to go on:");
                canvas.line(row(inside, room + 1), &line);
                let field = row(inside, room + 2);
                canvas.put(field, Role::Title, "> ");
                let (role, note) = match tried {
                    Tried::Not => (Role::Dim, "Esc leaves. Nothing was changed."),
                    Tried::Differs => (Role::Warn, "That is another text. Nothing was changed."),
                };
                canvas.put(row(inside, room + 3), role, note);
                prompt.draw(canvas, crate::tui::canvas::inset(field, 2), Show::Plain);
            }
        }
    }

    fn draw_buttons(&self, canvas: &mut Canvas<'_>, inside: Rect, room: u16, button: Button) {
        let at = row(inside, room + 1);
        let (left, right) = (format!("[ {} ]", self.cancel), format!("[ {} ]", self.go));
        let role = |this| {
            if button == this {
                Role::Cursor
            } else {
                Role::Text
            }
        };
        let sign = |this| if button == this { "> " } else { "  " };
        let line = Line::of(Role::Title, sign(Button::Cancel))
            .add(role(Button::Cancel), left.as_str())
            .add(Role::Text, "   ")
            .add(Role::Title, sign(Button::Go))
            .add(role(Button::Go), right.as_str());
        canvas.line(at, &line);
        let x = match button {
            Button::Cancel => 2,
            Button::Go => 2 + left.len() + 5,
        };
        canvas.put(
            row(inside, room + 3),
            Role::Dim,
            "Tab or h/l to choose, Enter to do, Esc leaves.",
        );
        canvas.place_cursor(at.x + u16::try_from(x).unwrap_or(0), at.y);
    }
}

/// Bytes of the lines in a first frame, of the thousand of a dialog (terminal-ux 9): the rest are
/// edges, buttons and keys.
const FIRST: usize = 540;
/// Bytes of a line besides its text and how that looks: where it begins, its edges, the gaps in it.
const PER_LINE: usize = 18;
/// The same where more stands beside the dialog and its lines begin further in.
const PER_WIDE_LINE: usize = 40;
/// From so many columns on that is so.
const WIDE: u16 = 120;

/// Columns of a dialog whose lines are short: its keys are as wide.
const NARROW: usize = 48;

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::config::theme::built_in;
    use crate::tui::theme::{Depth, Theme};

    fn shown(mut confirm: Confirm<u8>) -> Box<Confirm<u8>> {
        confirm.drawn(Duration::ZERO);
        Box::new(confirm)
    }

    fn open(answer: Answer<u8>) -> Box<Confirm<u8>> {
        match answer {
            Answer::Open(confirm) => confirm,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn enter_alone_leaves() {
        let confirm = shown(Confirm::ask("Write?", Vec::new(), "Cancel", "Write", 7));
        assert!(matches!(confirm.key(Key::Enter, SETTLE), Answer::Left));
    }

    #[test]
    fn y_is_no_short_cut_and_the_button_goes() {
        let confirm = shown(Confirm::ask("Write?", Vec::new(), "Cancel", "Write", 7));
        let confirm = open(confirm.key(Key::Char('y'), SETTLE));
        let confirm = open(confirm.key(Key::Tab, SETTLE));
        assert!(matches!(confirm.key(Key::Enter, SETTLE), Answer::Go(7)));
    }

    #[test]
    fn what_is_typed_where_a_button_is_to_be_chosen_chooses_none() {
        for typed in ["default 19", "all of it", "l3"] {
            let mut confirm = shown(Confirm::ask("Write?", Vec::new(), "Cancel", "Write", 7));
            for letter in typed.chars() {
                confirm = open(confirm.key(Key::Char(letter), SETTLE));
            }
            let left = confirm.key(Key::Enter, SETTLE);
            assert!(matches!(left, Answer::Left), "{typed}");
        }
    }

    #[test]
    fn keys_typed_ahead_are_dropped() {
        let mut confirm = Box::new(Confirm::ask("Write?", Vec::new(), "Cancel", "Write", 7));
        for key in [Key::Tab, Key::Enter] {
            confirm = open(confirm.key(key, Duration::from_secs(9)));
        }
        confirm.drawn(Duration::from_secs(9));
        let early = Duration::from_secs(9) + SETTLE - Duration::from_millis(1);
        confirm = open(confirm.key(Key::Tab, early));
        assert!(matches!(
            confirm.key(Key::Enter, Duration::from_secs(10)),
            Answer::Left
        ));
    }

    /// What a question shows in a window of 80 columns.
    fn seen(confirm: &Confirm<u8>) -> String {
        let theme = Theme::new(&built_in("mono").unwrap(), Depth::Mono);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 20));
        let area = buffer.area;
        confirm.draw(&mut Canvas::new(&mut buffer, &theme), area);
        buffer.content.iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn every_line_can_be_reached_and_a_single_one_is_never_told_of_instead() {
        for len in 1..40 {
            let name = |at: usize| format!("line {at:02} of it, as long as lines are");
            let body = (0..len).map(|at| Line::text(name(at))).collect();
            let mut confirm = shown(Confirm::ask("Write?", body, "Cancel", "Write", 7));
            let mut told = seen(&confirm);
            for _ in 0..len {
                confirm = open(confirm.key(Key::Char('j'), SETTLE));
                let now = seen(&confirm);
                assert!(!now.contains(" 1 more"), "{len}");
                told.push_str(&now);
            }
            assert!((0..len).all(|at| told.contains(&name(at))), "{len}");
        }
    }

    #[test]
    fn the_end_of_a_long_question_is_one_key_away() {
        let body = (0..65)
            .map(|at| Line::text(format!("line {at:02}")))
            .collect();
        let mut confirm = shown(Confirm::ask("Write?", body, "Cancel", "Write", 7));
        seen(&confirm);
        confirm = open(confirm.key(Key::Char('G'), SETTLE));
        assert!(seen(&confirm).contains("line 64"), "{}", seen(&confirm));
        confirm = open(confirm.key(Key::Home, SETTLE));
        assert!(seen(&confirm).contains("line 00"), "{}", seen(&confirm));
        confirm = open(confirm.key(Key::End, SETTLE));
        assert!(seen(&confirm).contains("line 64"), "{}", seen(&confirm));
    }

    #[test]
    fn only_the_exact_text_goes_on() {
        let mut confirm = shown(Confirm::typed("Take?", Vec::new(), "prod 12", 7));
        for c in "prod 1".chars() {
            confirm = open(confirm.key(Key::Char(c), SETTLE));
        }
        let differs = "That is another text.";
        assert!(!seen(&confirm).contains(differs));
        confirm = open(confirm.key(Key::Enter, SETTLE));
        assert!(seen(&confirm).contains(differs), "{}", seen(&confirm));
        confirm = open(confirm.key(Key::Char('2'), SETTLE));
        assert!(!seen(&confirm).contains(differs));
        assert!(matches!(confirm.key(Key::Enter, SETTLE), Answer::Go(7)));
    }
}
