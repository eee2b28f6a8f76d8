//! Views of the engine as they were answered, and long lists of which a part is here.
//!
//! Asks for nothing by itself. Invariant: the rows around the cursor are here, or the part to ask
//! for has them.

use super::widget::list::ListState;
use crate::engine::command::Page;
use crate::engine::view::Part;

/// Rows asked for at once.
pub const PAGE: usize = 200;
/// So many rows from its end the next part is asked for; less than half of [`PAGE`].
const NEAR: usize = 60;

/// A view of the engine: what was answered, or why not.
#[derive(Debug, Clone, Default)]
pub enum Loaded<T> {
    /// Not answered yet.
    #[default]
    Waiting,
    /// Answered.
    Here(T),
    /// Refused: message and remedy.
    Failed(String, Option<String>),
}

impl<T> Loaded<T> {
    /// The answer.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Here(value) => Some(value),
            _ => None,
        }
    }

    /// The answer, to change it ahead of the engine.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Here(value) => Some(value),
            _ => None,
        }
    }
}

/// A long list of which a part is here.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    /// The part.
    pub part: Loaded<Part<T>>,
    /// What the list showed before it was asked anew: drawn until the answer is here, and good for
    /// nothing else.
    before: Option<Part<T>>,
    /// Cursor.
    pub list: ListState,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            part: Loaded::Waiting,
            before: None,
            list: ListState::default(),
        }
    }
}

impl<T> Rows<T> {
    /// Rows of the whole list.
    pub fn len(&self) -> usize {
        self.part
            .get()
            .map_or(0, |p| usize::try_from(p.total).unwrap_or(usize::MAX))
    }

    /// Whether the whole list is known to have no rows, or nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row, if its part is here.
    pub fn row(&self, index: usize) -> Option<&T> {
        let part = self.part.get()?;
        part.rows.get(index.checked_sub(part.offset)?)
    }

    /// Where in the whole list a row of the part is.
    pub fn find(&self, is: impl FnMut(&T) -> bool) -> Option<usize> {
        let part = self.part.get()?;
        Some(part.offset + part.rows.iter().position(is)?)
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<&T> {
        self.row(self.list.selected())
    }

    /// The part to ask for, with the cursor in its middle.
    pub fn page(&self) -> Page {
        Page {
            offset: self.list.selected().saturating_sub(PAGE / 2),
            limit: PAGE,
        }
    }

    /// Whether the cursor comes near an end of the part that is here, and the list goes on.
    pub fn lacks_selected(&self) -> bool {
        let at = self.list.selected();
        let Some(part) = self.part.get() else {
            return false;
        };
        let (first, end) = (part.offset, part.offset + part.rows.len());
        let before = first > 0 && at < first + NEAR;
        let after = end < self.len() && at + NEAR >= end;
        before || after
    }

    /// Waits for rows of another question; those that are here are only drawn meanwhile.
    pub fn replace(&mut self) {
        if let Loaded::Here(part) = std::mem::take(&mut self.part) {
            self.before = Some(part);
        }
    }

    /// The part to draw.
    pub fn seen(&self) -> Option<&Part<T>> {
        self.part.get().or(self.before.as_ref())
    }

    /// A row to draw.
    pub fn seen_row(&self, index: usize) -> Option<&T> {
        let part = self.seen()?;
        part.rows.get(index.checked_sub(part.offset)?)
    }

    /// Takes an answer.
    pub fn take(&mut self, part: Part<T>) {
        self.before = None;
        self.list
            .clamp(usize::try_from(part.total).unwrap_or(usize::MAX));
        self.part = Loaded::Here(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widget::list::Step;

    fn part(page: Page, total: usize) -> Part<usize> {
        let end = (page.offset + page.limit).min(total);
        Part {
            rows: (page.offset..end).collect(),
            offset: page.offset,
            total: total as u64,
        }
    }

    #[test]
    fn what_was_here_is_drawn_until_the_answer_comes_and_is_good_for_nothing_else() {
        let mut rows = Rows::<usize>::default();
        let ten = |rows: &Rows<usize>| part(rows.page(), 10);
        rows.take(ten(&rows));
        for _ in 0..2 {
            rows.replace();
            assert_eq!((rows.selected(), rows.len()), (None, 0));
            assert_eq!(rows.seen_row(3), Some(&3));
        }
        let none = part(rows.page(), 0);
        rows.take(none);
        assert_eq!(rows.seen_row(3), None);
    }

    #[test]
    fn the_rows_around_the_cursor_are_always_here() {
        let total = 1_000;
        let mut rows = Rows::<usize>::default();
        rows.take(part(rows.page(), total));
        let mut asked = 0;
        for step in std::iter::repeat_n(Step::Down, 999).chain([Step::First, Step::Last]) {
            rows.list.step(step, rows.len());
            if rows.lacks_selected() {
                asked += 1;
                rows.take(part(rows.page(), total));
            }
            let at = rows.list.selected();
            for near in at.saturating_sub(40)..(at + 40).min(total) {
                assert_eq!(rows.row(near), Some(&near));
            }
        }
        assert!(asked < 30, "{asked} parts for a thousand rows");
    }
}
