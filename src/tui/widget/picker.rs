//! Finding one of many by typing: palette and action menu.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::list::{ListState, Step};
use super::prompt::{Handled, Prompt};
use crate::tui::key::Key;

/// Prompt, list and what is found.
#[derive(Debug, Clone, Default)]
pub struct Picker {
    /// What is typed.
    pub prompt: Prompt,
    /// Cursor in the hits.
    pub list: ListState,
}

/// What a key meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    /// Nothing yet.
    Open,
    /// The hit under the cursor was chosen.
    Chosen,
    /// Left.
    Left,
}

impl Picker {
    /// Handles a key with `hits` lines found.
    pub fn key(&mut self, key: Key, hits: usize) -> Picked {
        match key {
            Key::Esc => return Picked::Left,
            Key::Enter => return Picked::Chosen,
            Key::Down | Key::Ctrl('n') => self.list.step(Step::Down, hits),
            Key::Up | Key::Ctrl('p') => self.list.step(Step::Up, hits),
            Key::PageDown => self.list.step(Step::PageDown, hits),
            Key::PageUp => self.list.step(Step::PageUp, hits),
            key => {
                if self.prompt.key(key) == Handled::Yes {
                    self.list.select(0);
                }
            }
        }
        Picked::Open
    }

    /// Indexes of the texts that match what is typed, best first; all when nothing is typed.
    pub fn hits<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Vec<usize> {
        if self.prompt.text().trim().is_empty() {
            return texts.enumerate().map(|(at, _)| at).collect();
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(
            self.prompt.text(),
            CaseMatching::Smart,
            Normalization::Smart,
        );
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = texts
            .enumerate()
            .filter_map(|(at, text)| {
                let score = pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher)?;
                Some((score, at))
            })
            .collect();
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.into_iter().map(|(_, at)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_narrows_and_orders() {
        let mut picker = Picker::default();
        let texts = ["Resume sync", "Pause sync", "Open palette"];
        assert_eq!(picker.hits(texts.into_iter()), [0, 1, 2]);
        for c in "pau".chars() {
            picker.key(Key::Char(c), 3);
        }
        assert_eq!(picker.hits(texts.into_iter()).first(), Some(&1));
    }
}
