//! Wide characters that something was drawn over.
//!
//! A dialog may begin in the second half of a wide character of the list below. A terminal ends such
//! a character; a buffer keeps it, and what it says differs from then on from what is seen. Decides
//! nothing of what is drawn. Invariant: afterwards no character covers
//! another one, and what a wide one covers is no blank.

use ratatui::buffer::{Buffer, CellWidth};

/// Ends each wide character that another one was drawn over: a blank in the same look is left.
pub fn end_covered(buffer: &mut Buffer) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let Some(cell) = buffer.cell((x, y)) else {
                continue;
            };
            // Wide ones have several bytes.
            if cell.symbol().len() < 2 {
                continue;
            }
            let halves = x + 1..x.saturating_add(cell.cell_width());
            let drawn_over = |x| buffer.cell((x, y)).is_some_and(|half| half.symbol() != " ");
            if halves.clone().any(drawn_over) {
                if let Some(cell) = buffer.cell_mut((x, y)) {
                    cell.set_symbol(" ");
                }
                continue;
            }
            // It is no blank: one that is bare in the next frame differs from it, and is sent.
            for x in halves {
                if let Some(half) = buffer.cell_mut((x, y)) {
                    half.set_symbol("");
                }
            }
        }
    }
}
