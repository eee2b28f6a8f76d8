//! The rule that begins a pane: `> Title ------------- 12`.

use ratatui::layout::Rect;

use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::text::{self, Safe};
use crate::tui::theme::Role;

/// Whether the keys go to a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// This pane has the keys.
    Here,
    /// Another pane has them.
    Elsewhere,
}

impl Focus {
    /// Focus when a condition holds.
    pub fn when(condition: bool) -> Self {
        if condition {
            Self::Here
        } else {
            Self::Elsewhere
        }
    }

    /// The sign of the row with the cursor: `>` stands only where the keys go, so that there is one
    /// at most among panes, without colour too.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Here => "> ",
            Self::Elsewhere => "- ",
        }
    }
}

/// Draws the rule and gives the area below it.
pub fn pane(
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
    title: impl Into<Safe>,
    right: impl Into<Safe>,
) -> Rect {
    let head = row(area, 0);
    let right = right.into();
    let title = title.into();
    let width = usize::from(head.width);
    let rule = match focus {
        Focus::Here => Role::RuleFocus,
        Focus::Elsewhere => Role::Rule,
    };
    let sign = match focus {
        Focus::Here => "> ",
        Focus::Elsewhere => "",
    };
    let tail = if right.is_empty() {
        0
    } else {
        right.width() + 1
    };
    let room = width.saturating_sub(sign.len() + tail + 4);
    let title = text::fit(title, room.max(4));
    let dashes = width.saturating_sub(sign.len() + title.width() + 1 + tail);
    let mut line = Line::of(Role::Title, sign)
        .add(Role::Title, title)
        .add(Role::Text, " ")
        .add(rule, "-".repeat(dashes));
    if tail > 0 {
        line = line.add(Role::Text, " ").add(Role::Title, right);
    }
    canvas.line(head, &line);
    below(area, 1)
}

/// The same with a number of things at the right.
pub fn counted(
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
    title: &str,
    count: usize,
) -> Rect {
    pane(canvas, area, focus, title, text::group(count as u64))
}
