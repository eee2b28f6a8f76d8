//! Tables of text: a cursor column, a mark, then cells under their titles.
//!
//! Every text column ends in a blank cell, so that a wide character cannot touch its neighbour.

use std::ops::Range;

use ratatui::layout::Rect;

use super::list::ListState;
use super::pane::Focus;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::text;
use crate::tui::theme::Role;

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// So many columns, the blank not counted.
    Fixed(u16),
    /// A share of what is left, at least so many columns.
    Share(u16),
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Title.
    pub title: &'a str,
    /// Width.
    pub width: Width,
}

/// A column of fixed width.
pub const fn fixed(title: &str, columns: u16) -> Column<'_> {
    Column {
        title,
        width: Width::Fixed(columns),
    }
}

/// A column that takes a share of the rest, and never less than `least`.
pub const fn share(title: &str, least: u16) -> Column<'_> {
    Column {
        title,
        width: Width::Share(least),
    }
}

/// The sign before a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sign {
    /// None.
    #[default]
    None,
    /// `*`.
    Marked,
    /// `~`.
    Staged,
}

impl Sign {
    fn text(self) -> &'static str {
        match self {
            Self::None => " ",
            Self::Marked => "*",
            Self::Staged => "~",
        }
    }
}

/// Whether a table has a column for marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// `> * cell`.
    Shown,
    /// `> cell`.
    Absent,
}

/// One row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Marked or staged.
    pub sign: Sign,
    /// Cells in column order.
    pub cells: Vec<Line>,
}

/// A table.
#[derive(Debug)]
pub struct Table<'a> {
    /// Columns.
    pub columns: &'a [Column<'a>],
    /// Mark column or not.
    pub signs: Signs,
    /// Whether the keys go here.
    pub focus: Focus,
    /// Number of rows in all; rows are made only for those seen.
    pub len: usize,
}

impl Table<'_> {
    /// Draws it at the top of an area, as high as its rows are and `most` at most; gives what is
    /// left below a free row.
    pub fn draw_above(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        state: &ListState,
        most: u16,
        make: impl FnMut(usize) -> Row,
    ) -> Rect {
        let rows = u16::try_from(self.len + 1).unwrap_or(u16::MAX);
        let height = rows.min(most).min(area.height);
        self.draw(canvas, Rect { height, ..area }, state, make);
        below(area, height + 1)
    }

    /// Draws titles and rows. `make` gives the row of an index.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        state: &ListState,
        mut make: impl FnMut(usize) -> Row,
    ) {
        let lead = match self.signs {
            Signs::Shown => 4,
            Signs::Absent => 2,
        };
        let widths = widths(self.columns, area.width.saturating_sub(lead));
        let mut head = Line::of(Role::Dim, " ".repeat(usize::from(lead)));
        for (column, width) in self.columns.iter().zip(&widths) {
            head = head.join(cell(&Line::of(Role::Dim, column.title), *width));
        }
        canvas.line(row(area, 0), &head);
        let body = below(area, 1);
        let height = usize::from(body.height);
        if height == 0 {
            return;
        }
        let seen = seen(state, self.len, height);
        let end = seen.end;
        let shown = seen.len();
        for (line, index) in seen.enumerate() {
            let made = make(index);
            let at = row(body, u16::try_from(line).unwrap_or(u16::MAX));
            let here = index == state.selected().min(self.len.saturating_sub(1));
            // Weight only where something is: it is sent again with each move of the cursor.
            let mut text = Line::text(if here { self.focus.sign() } else { "  " });
            if self.signs == Signs::Shown {
                let role = match made.sign {
                    Sign::None => Role::Text,
                    Sign::Marked | Sign::Staged => Role::Mark,
                };
                text = text.add(role, made.sign.text()).add(Role::Text, " ");
            }
            for (cell_line, width) in made.cells.iter().zip(&widths) {
                text = text.join(cell(cell_line, *width));
            }
            canvas.line(at, &text);
            if here {
                // As far as what names the row: the whole of it would be sent with each move.
                let named = self.columns.iter().zip(&widths);
                let upto = 1 + named
                    .take_while(|(column, _)| matches!(column.width, Width::Fixed(_)))
                    .count();
                let width: u16 = widths.iter().take(upto).map(|width| width + 1).sum();
                let at = Rect {
                    width: (lead + width).min(at.width),
                    ..at
                };
                match self.focus {
                    Focus::Here => {
                        canvas.tint(at, Role::Cursor);
                        canvas.place_cursor(at.x, at.y);
                    }
                    Focus::Elsewhere => canvas.tint(at, Role::CursorOther),
                }
            }
        }
        let rest = self.len.saturating_sub(end);
        if rest > 0 && shown < height {
            let at = row(body, u16::try_from(shown).unwrap_or(u16::MAX));
            let note = format!(
                "{}{} more",
                " ".repeat(usize::from(lead)),
                text::group(rest as u64)
            );
            canvas.put(at, Role::Dim, note);
        }
    }
}

/// Which of `len` rows are seen in `height` lines.
pub fn seen(state: &ListState, len: usize, height: usize) -> Range<usize> {
    if len <= height || height <= 2 {
        let offset = state.window(len, height);
        return offset..len.min(offset + height);
    }
    // The last line says how many rows follow, when they do not all fit.
    let shown = height - 1;
    let offset = state.window(len, shown);
    // One row takes no more than a line that says that one follows.
    match len <= offset + shown + 1 {
        true => len - height..len,
        false => offset..offset + shown,
    }
}

/// One cell, cut or filled to its width, with its blank.
fn cell(content: &Line, width: u16) -> Line {
    if width == 0 {
        return Line::new();
    }
    content
        .clone()
        .to_column(usize::from(width))
        .add(Role::Text, " ")
}

/// What a share keeps in a narrow pane, so that the columns behind it are seen and it still says
/// something.
fn floor(least: u16) -> u16 {
    (least * 2 / 3).max(8).min(least)
}

/// Column widths without their blanks. In a narrow pane the shares give way first, always the widest
/// of them; then columns go from the right, whole: what is left of `3 h` would be a `3`.
fn widths(columns: &[Column<'_>], room: u16) -> Vec<u16> {
    let mut widths = vec![0; columns.len()];
    let mut needs = 0;
    let fits = |column: &&Column<'_>| {
        needs += 1 + match column.width {
            Width::Fixed(least) => least,
            Width::Share(least) => floor(least),
        };
        needs <= room
    };
    let shown = columns.iter().take_while(fits).count();
    if shown == 0 {
        // The first column says what the row is.
        widths
            .iter_mut()
            .take(1)
            .for_each(|w| *w = room.saturating_sub(1));
        return widths;
    }
    let mut shares = Vec::new();
    let mut left = room;
    for (column, width) in columns.iter().zip(&mut widths).take(shown) {
        left = left.saturating_sub(1);
        match column.width {
            Width::Fixed(least) => {
                *width = least;
                left = left.saturating_sub(least);
            }
            Width::Share(least) => shares.push((least, width)),
        }
    }
    let wanted: u16 = shares.iter().map(|(least, _)| least).sum();
    let count = u16::try_from(shares.len()).unwrap_or(1).max(1);
    let spare = left.saturating_sub(wanted);
    for (at, (least, width)) in (0..).zip(&mut shares) {
        **width = *least + spare / count + u16::from(at < spare % count);
    }
    for _ in left..wanted {
        if let Some((_, widest)) = shares.iter_mut().max_by_key(|(_, width)| **width) {
            **widest -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::config::theme::built_in;
    use crate::tui::theme::{Depth, Theme};

    #[test]
    fn a_single_row_is_shown_and_not_told_of() {
        let theme = Theme::new(&built_in("mono").unwrap(), Depth::Mono);
        let columns = [share("a", 10)];
        for len in 1..12 {
            for selected in 0..len {
                let mut state = ListState::default();
                state.select(selected);
                let table = Table {
                    columns: &columns,
                    signs: Signs::Absent,
                    focus: Focus::Here,
                    len,
                };
                let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 7));
                let area = buffer.area;
                let mut canvas = Canvas::new(&mut buffer, &theme);
                table.draw(&mut canvas, area, &state, |at| Row {
                    cells: vec![Line::text(format!("row {at:02}"))],
                    ..Row::default()
                });
                let text: String = buffer.content.iter().map(|c| c.symbol()).collect();
                assert!(!text.contains(" 1 more"), "{selected} of {len}: {text}");
                assert!(text.contains(&format!("> row {selected:02}")), "{text}");
            }
        }
    }

    #[test]
    fn columns_fill_the_room_and_never_more() {
        let columns = [fixed("a", 5), share("b", 10), share("c", 10)];
        for room in 1..120 {
            let widths = widths(&columns, room);
            let shown = widths.iter().filter(|width| **width > 0);
            let used: u16 = shown.map(|width| width + 1).sum();
            assert!(used <= room, "{room}: {widths:?}");
            if room >= 24 {
                assert_eq!(used, room, "{widths:?}");
            }
        }
    }

    #[test]
    fn a_column_is_there_whole_or_not_at_all() {
        let columns = [
            fixed("State", 5),
            share("Record", 12),
            fixed("Fields", 6),
            fixed("Age", 6),
        ];
        for room in 7..60 {
            let widths = widths(&columns, room);
            for (column, width) in columns.iter().zip(&widths) {
                if let Width::Fixed(least) = column.width {
                    assert!([0, least].contains(width), "{room}: {widths:?}");
                }
            }
        }
        assert_eq!(widths(&columns, 33), [5, 12, 6, 6]);
        assert_eq!(widths(&columns, 30), [5, 9, 6, 6]);
        assert_eq!(widths(&columns, 28), [5, 14, 6, 0]);
    }
}
