//! Where the cursor of a list is, and which part of the list is seen.
//!
//! At the edge the list jumps by half a page: scrolling costs thousands of bytes, moving costs
//! hundreds (terminal-ux 3). The view notes in it what the last frame could show.

use std::cell::Cell;

/// Cursor and window of one list.
#[derive(Debug, Clone, Default)]
pub struct ListState {
    selected: usize,
    offset: Cell<usize>,
    height: Cell<usize>,
}

/// A step of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One down.
    Down,
    /// One up.
    Up,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
}

impl ListState {
    /// The row under the cursor.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Puts the cursor on a row.
    pub fn select(&mut self, row: usize) {
        self.selected = row;
    }

    /// Rows that the last frame had room for.
    pub fn height(&self) -> usize {
        self.height.get()
    }

    /// The same part of a list with the cursor on another row.
    pub fn at(&self, row: usize) -> Self {
        Self {
            selected: row,
            ..self.clone()
        }
    }

    /// Notes what a frame showed of such a list.
    pub fn saw(&self, list: &Self) {
        self.offset.set(list.offset.get());
        self.height.set(list.height.get());
    }

    /// Moves the cursor in a list of `len` rows.
    pub fn step(&mut self, step: Step, len: usize) {
        let page = self.height.get().max(2);
        let at = self.selected;
        self.selected = match step {
            Step::Down => at + 1,
            Step::Up => at.saturating_sub(1),
            Step::First => 0,
            Step::Last => len,
            Step::HalfDown => at + page / 2,
            Step::HalfUp => at.saturating_sub(page / 2),
            Step::PageDown => at + page,
            Step::PageUp => at.saturating_sub(page),
        };
        self.clamp(len);
    }

    /// Keeps the cursor inside a list that may have become shorter.
    pub fn clamp(&mut self, len: usize) {
        self.selected = self.selected.min(len.saturating_sub(1));
    }

    /// The first row to draw in `height` rows, so that the cursor is seen.
    pub fn window(&self, len: usize, height: usize) -> usize {
        let height = height.max(1);
        self.height.set(height);
        let selected = self.selected.min(len.saturating_sub(1));
        let mut offset = self.offset.get();
        if selected < offset || selected >= offset + height {
            let half = height / 2;
            offset = if selected < offset {
                (selected + 1).saturating_sub(half.max(1))
            } else {
                selected.saturating_sub(half)
            };
        }
        offset = offset.min(len.saturating_sub(height)).min(selected);
        self.offset.set(offset);
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_the_edge_the_list_jumps_by_half_a_page() {
        let mut list = ListState::default();
        assert_eq!(list.window(100, 10), 0);
        for _ in 0..10 {
            list.step(Step::Down, 100);
        }
        assert_eq!(list.window(100, 10), 5);
        list.step(Step::Down, 100);
        assert_eq!(list.window(100, 10), 5);
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_seen(len in 1usize..60, height in 1usize..20, steps in proptest::collection::vec(0u8..8, 0..40)) {
            let mut list = ListState::default();
            for step in steps {
                let step = [Step::Down, Step::Up, Step::First, Step::Last, Step::HalfDown, Step::HalfUp, Step::PageDown, Step::PageUp][usize::from(step)];
                list.step(step, len);
                let offset = list.window(len, height);
                prop_assert!(list.selected() < len);
                prop_assert!(offset <= list.selected() && list.selected() < offset + height);
            }
        }
    }
}
