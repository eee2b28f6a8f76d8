//! Short messages at the bottom right, and the list of all of them.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::dialog;
use crate::domain::run::Word;
use crate::tui::canvas::{Canvas, row};
use crate::tui::text;
use crate::tui::theme::Role;

/// Messages kept for `:messages`.
const KEPT: usize = 200;
/// Toasts on the screen at once.
const SHOWN: usize = 3;
/// Width of a toast.
const COLUMNS: u16 = 60;

/// Something that was said.
#[derive(Debug, Clone)]
pub struct Message {
    /// `OK`, `INFO`, `WARN` or `FAIL`.
    pub word: Word,
    /// What.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// How often in a row.
    pub times: u32,
    until: Option<Duration>,
}

/// All messages.
#[derive(Debug, Clone, Default)]
pub struct Toasts {
    all: VecDeque<Message>,
}

impl Toasts {
    /// Says something. `now` is the time since the start.
    pub fn say(&mut self, word: Word, text: impl Into<String>, at: Timestamp, now: Duration) {
        let text = text.into();
        let seconds = match word {
            Word::Ok => Some(4),
            Word::Warn => Some(10),
            Word::Fail => None,
            _ => Some(6),
        };
        // FAIL stays until Esc.
        let until = Some(seconds.map_or(Duration::MAX, |s| now + Duration::from_secs(s)));
        if let Some(last) = self.all.back_mut()
            && last.text == text
            && last.until.is_some()
        {
            last.times += 1;
            last.until = until;
            last.at = at;
            return;
        }
        self.all.push_back(Message {
            word,
            text,
            at,
            times: 1,
            until,
        });
        if self.all.len() > KEPT {
            self.all.pop_front();
        }
    }

    /// Takes away what has been shown long enough; says whether anything went.
    pub fn expire(&mut self, now: Duration) -> Changed {
        let mut changed = Changed::No;
        for message in &mut self.all {
            if message.until.is_some_and(|until| until <= now) {
                message.until = None;
                changed = Changed::Yes;
            }
        }
        changed
    }

    /// When the next toast goes.
    pub fn deadline(&self) -> Option<Duration> {
        self.all
            .iter()
            .filter_map(|m| m.until)
            .filter(|until| *until != Duration::MAX)
            .min()
    }

    /// Takes all toasts off the screen; says whether there were any.
    pub fn dismiss(&mut self) -> Changed {
        let any = self.all.iter().any(|m| m.until.is_some());
        for message in &mut self.all {
            message.until = None;
        }
        if any { Changed::Yes } else { Changed::No }
    }

    /// Takes what was said before `at` off the screen, unless it warns or failed.
    pub fn give_way(&mut self, at: Timestamp) {
        for message in self.all.iter_mut().filter(|m| m.at < at) {
            if !matches!(message.word, Word::Warn | Word::Fail) {
                message.until = None;
            }
        }
    }

    /// Takes failures off the screen.
    pub fn dismiss_failures(&mut self) -> Changed {
        let mut changed = Changed::No;
        for message in self.all.iter_mut().filter(|m| m.word == Word::Fail) {
            if message.until.take().is_some() {
                changed = Changed::Yes;
            }
        }
        changed
    }

    /// Newest first.
    pub fn all(&self) -> impl Iterator<Item = &Message> {
        self.all.iter().rev()
    }

    /// Draws the toasts above the last rows of `area`.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let shown: Vec<&Message> = self
            .all
            .iter()
            .rev()
            .filter(|m| m.until.is_some())
            .take(SHOWN)
            .collect();
        let columns = COLUMNS.min(area.width);
        let cursor = canvas.cursor();
        let mut bottom = area.bottom();
        for message in shown {
            let times = match message.times {
                1 => String::new(),
                n => format!(" (x{n})"),
            };
            let lines = text::wrap(
                &format!("{}{times}", message.text),
                usize::from(columns.saturating_sub(4)),
            );
            let height = u16::try_from(lines.len().min(4)).unwrap_or(4) + 2;
            if bottom < area.y + height {
                break;
            }
            bottom -= height;
            // Never over the row the person works on.
            let on_cursor =
                |bottom: u16| cursor.is_some_and(|at| (bottom..bottom + height).contains(&at.y));
            if on_cursor(bottom) {
                let above = cursor.map_or(0, |at| at.y).saturating_sub(height);
                if above < area.y {
                    break;
                }
                bottom = above;
            }
            let place = Rect {
                x: area.right() - columns,
                y: bottom,
                width: columns,
                height,
            };
            let foot = match (message.word, lines.len()) {
                (Word::Fail, 0..=4) => "Esc closes this; :messages keeps it",
                (Word::Fail, _) => "Esc closes this; the rest is in :messages",
                (_, 0..=4) => "",
                (_, _) => "the rest is in :messages",
            };
            let inside = dialog::frame(canvas, place, message.word.as_str(), foot);
            for (at, line) in lines.iter().take(4).enumerate() {
                let at = row(inside, u16::try_from(at).unwrap_or(0));
                canvas.put(at, Role::Text, line);
            }
        }
    }
}

/// Whether something is different now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is.
    Yes,
    /// It is not.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_well_gives_way_to_a_dialog() {
        let mut toasts = Toasts::default();
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(1).unwrap());
        toasts.say(Word::Ok, "staged", early, Duration::ZERO);
        toasts.say(Word::Fail, "refused", early, Duration::ZERO);
        toasts.say(Word::Info, "nothing to write", late, Duration::ZERO);
        toasts.give_way(late);
        let shown = |m: &&Message| m.until.is_some();
        let left: Vec<_> = toasts
            .all()
            .filter(shown)
            .map(|m| m.text.as_str())
            .collect();
        assert_eq!(left, ["nothing to write", "refused"]);
    }

    #[test]
    fn the_same_text_counts_up_and_failures_stay() {
        let mut toasts = Toasts::default();
        let at = Timestamp::UNIX_EPOCH;
        toasts.say(Word::Info, "sent", at, Duration::ZERO);
        toasts.say(Word::Info, "sent", at, Duration::ZERO);
        assert_eq!(toasts.all().next().unwrap().times, 2);
        toasts.say(Word::Fail, "no answer", at, Duration::ZERO);
        assert_eq!(toasts.deadline(), Some(Duration::from_secs(6)));
        assert_eq!(toasts.expire(Duration::from_secs(60)), Changed::Yes);
        assert_eq!(toasts.deadline(), None);
        assert_eq!(toasts.dismiss(), Changed::Yes);
        assert_eq!(toasts.all().count(), 2);
    }
}
