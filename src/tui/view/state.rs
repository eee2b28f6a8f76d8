//! Empty, loading, failed: what stands where the data would be.

use ratatui::layout::Rect;

use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::text;
use crate::tui::theme::Role;

/// Nothing has been answered yet.
pub fn loading(canvas: &mut Canvas<'_>, area: Rect, what: &str) {
    let text = format!("Asking the engine for {what}. Ctrl-c stops waiting.");
    said(canvas, area, Role::Dim, &[&text]);
}

/// It was refused.
pub fn failed(canvas: &mut Canvas<'_>, area: Rect, message: &str, hint: Option<&str>) {
    let columns = usize::from(area.width.saturating_sub(10)).max(10);
    let mut y = 1;
    for (at, line) in text::wrap(message, columns).iter().enumerate() {
        let head = if at == 0 { "  FAIL  " } else { "        " };
        canvas.line(
            row(area, y),
            &Line::of(Role::Fail, head).add(Role::Text, line),
        );
        y += 1;
    }
    for line in text::wrap(hint.unwrap_or("R asks again."), columns) {
        canvas.line(row(area, y), &Line::text("        ").add(Role::Text, line));
        y += 1;
    }
}

/// There is nothing, and this is why.
pub fn empty(canvas: &mut Canvas<'_>, area: Rect, lines: &[&str]) {
    said(canvas, area, Role::Text, lines);
}

/// Lines below a free row, each in as many rows as a narrow pane makes of it.
fn said(canvas: &mut Canvas<'_>, area: Rect, role: Role, lines: &[&str]) {
    let columns = usize::from(area.width.saturating_sub(2)).max(10);
    let mut at = 1;
    for line in lines {
        let rows = match text::width(line) > columns {
            true => text::wrap(line, columns),
            false => vec![text::Safe::from(*line)],
        };
        for said in rows {
            canvas.line(row(area, at), &Line::text("  ").add(role, said));
            at += 1;
        }
    }
}
