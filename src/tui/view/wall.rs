//! A screen on a wall: how it stands, read from across the room, with nothing to press.
//!
//! Everything is in the other screens too. Invariant: what needs someone comes before what is
//! fine, and a row that has no room is counted, never left out in silence.

use ratatui::layout::Rect;

use crate::domain::run::Word;
use crate::engine::summary::{Next, PairRow, Summary};
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::model::{LinkState, Model};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::work;

use super::{state, word_role};

/// Blanks before every line.
const MARGIN: &str = "    ";
/// Rows from one line to the next: a blank one in between.
const PITCH: u16 = 2;

/// Draws it, between the identity and the last row.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(summary) = &model.summary else {
        return state::loading(canvas, area, "its state");
    };
    let mut lines = vec![headline(model, summary)];
    lines.extend(summary.attention.iter().map(|item| {
        Line::of(word_role(item.word), item.word.as_str())
            .to_column(6)
            .add(Role::Text, item.text.as_str())
    }));
    lines.extend(
        summary
            .running
            .iter()
            .map(|run| Line::of(Role::Run, work::line(model.now.wall, run))),
    );
    lines.extend(summary.pairs.iter().map(|pair| pair_line(model, pair)));
    lines.extend(summary.connections.iter().map(|c| {
        let calls = c.api.map_or(String::new(), |(used, all)| {
            format!("  {} of {} calls", text::short(used), text::short(all))
        });
        state_of(c.word, &c.system).add(Role::Text, format!("{}{calls}", c.sign_in))
    }));
    let room = usize::from(area.height / PITCH);
    let shown = if lines.len() > room {
        room.saturating_sub(1)
    } else {
        lines.len()
    };
    let left_out = lines.len() - shown;
    if left_out > 0 {
        lines.truncate(shown);
        let more = text::count(left_out as u64, "more line", "more lines");
        lines.push(Line::of(
            Role::Dim,
            format!("{more}; a taller window shows them"),
        ));
    }
    for (at, line) in lines.into_iter().enumerate() {
        let at = u16::try_from(at).unwrap_or(u16::MAX).saturating_mul(PITCH);
        canvas.line(row(area, at + 1), &Line::text(MARGIN).join(line));
    }
}

/// One word for all of it, and since when it is known.
fn headline(model: &Model, summary: &Summary) -> Line {
    let words = summary
        .connections
        .iter()
        .map(|c| c.word)
        .chain(summary.pairs.iter().map(|p| p.word))
        .chain(summary.attention.iter().map(|a| a.word));
    let worst = words.max().unwrap_or(Word::Ok);
    let says = match (model.link, worst) {
        (LinkState::Gone(at), _) => {
            let says = format!("the engine went away; as of {}", model.clock(at));
            return Line::of(Role::Fail, "FAIL")
                .to_column(6)
                .add(Role::Title, says);
        }
        _ if summary.paused => "paused by a person".to_owned(),
        (_, Word::Hold) => "something waits for a person".to_owned(),
        (_, word) if word < Word::Hold => "everything is in step, or on its way".to_owned(),
        _ => text::count(
            summary.attention.len() as u64,
            "thing needs a person",
            "things need a person",
        ),
    };
    Line::of(word_role(worst), worst.as_str())
        .to_column(6)
        .add(Role::Title, says)
}

fn state_of(word: Word, name: &str) -> Line {
    Line::of(word_role(word), word.as_str())
        .to_column(6)
        .add(Role::Title, text::fit(name, 28))
        .to_column(36)
}

/// What went wrong first, and only then what went well: the end of a line is what is cut.
fn pair_line(model: &Model, pair: &PairRow) -> Line {
    let mut parts = Vec::new();
    let failing = pair.failing.max(pair.last.map_or(0, |l| l.counts.failed));
    if failing > 0 {
        parts.push(format!("{} failed", text::short(failing)));
    }
    if pair.open_conflicts > 0 {
        parts.push(text::count(pair.open_conflicts, "conflict", "conflicts"));
    }
    match pair.last {
        None => parts.push("never run".to_owned()),
        Some(last) => {
            parts.push(model.clock_short(last.at));
            parts.push(format!("{} in", text::short(last.counts.pulled)));
            parts.push(format!("{} out", text::short(last.counts.pushed)));
        }
    }
    if let Next::At(at) = pair.next {
        parts.push(format!("next {}", model.clock_short(at)));
    }
    state_of(pair.word, &pair.title).add(Role::Text, parts.join("  "))
}
