//! What the words in the state column of records mean.
//!
//! Invariant: it never takes a row that the list of records needs.

use ratatui::layout::Rect;

use crate::domain::run::Word;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::theme::Role;
use crate::tui::widget::pane::{Focus, pane};

use super::{part, word_role};

/// The words of a record, and what each says.
const WORDS: [(&[Word], &str); 8] = [
    (&[Word::Ok], "same on both sides"),
    (&[Word::Wait, Word::Run], "is written without you"),
    (&[Word::App, Word::Crm], "is on this side only"),
    (&[Word::Conf, Word::Del], "both sides moved, you decide"),
    (
        &[Word::Part, Word::Ready],
        "decided in part, or all: w writes",
    ),
    (&[Word::Hold, Word::Warn], "held, outside, or out of reach"),
    (&[Word::Off], "is gone on both sides"),
    (&[Word::Fail], "was refused, Enter says why"),
];
/// Rows of the list that it leaves at least.
const LIST: u16 = 24;

/// Draws it at the foot of a wide list; gives what is left above.
pub fn foot(model: &Model, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
    let rows = u16::try_from(WORDS.len() + 1).unwrap_or(u16::MAX);
    let fits = area.height > LIST + rows;
    if !model.wide() || model.zoom == Zoom::Whole || !fits {
        return area;
    }
    let left = area.height - rows;
    let place = below(area, left);
    let body = pane(canvas, place, Focus::Elsewhere, "Words in State", "");
    for (at, (words, says)) in (0..).zip(WORDS) {
        let line = words.iter().fold(Line::text("  "), |line, word| {
            line.add(word_role(*word), word.as_str())
                .add(Role::Text, " ")
        });
        canvas.line(row(body, at), &line.to_column(14).add(Role::Text, says));
    }
    part(area, 0, left - 1)
}
