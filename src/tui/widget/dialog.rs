//! The box of a dialog: the only thing on the screen that has one.

use ratatui::layout::Rect;

use crate::tui::canvas::{Canvas, Line};
use crate::tui::text::{self, Safe};
use crate::tui::theme::Role;

/// Draws an empty box with a title in its upper edge and a note in its lower one; gives the
/// inside, one blank column from the edges.
pub fn frame(
    canvas: &mut Canvas<'_>,
    area: Rect,
    title: impl Into<Safe>,
    foot: impl Into<Safe>,
) -> Rect {
    canvas.blank(area);
    if area.width < 6 || area.height < 3 {
        return Rect {
            width: 0,
            height: 0,
            ..area
        };
    }
    edge(canvas, Rect { height: 1, ..area }, title.into());
    edge(
        canvas,
        Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        },
        foot.into(),
    );
    for y in area.y + 1..area.bottom() - 1 {
        let side = Rect {
            y,
            height: 1,
            width: 1,
            ..area
        };
        canvas.put(side, Role::Text, "|");
        canvas.put(
            Rect {
                x: area.right() - 1,
                ..side
            },
            Role::Text,
            "|",
        );
    }
    Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width - 4,
        height: area.height - 2,
    }
}

fn edge(canvas: &mut Canvas<'_>, area: Rect, text: Safe) {
    let width = usize::from(area.width);
    let mut line = Line::text("+-");
    if !text.is_empty() {
        let text = text::fit(text, width.saturating_sub(6));
        line = line
            .add(Role::Text, " ")
            .add(Role::Title, text)
            .add(Role::Text, " ");
    }
    let dashes = width.saturating_sub(line.width() + 1);
    canvas.line(
        area,
        &line
            .add(Role::Text, "-".repeat(dashes))
            .add(Role::Text, "+"),
    );
}

/// An area of at most `columns` by `rows` in the middle of another.
pub fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let width = columns.min(area.width);
    let height = rows.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
