//! What went wrong in a run: the run as a whole, and errors by kind, each with cause and remedy.
//!
//! Only the one under the cursor is shown whole. Invariant: words that have no room end in dots, or
//! the last row says how they are read.

use ratatui::layout::Rect;

use crate::domain::run::Failure;
use crate::engine::view::{ErrorGroup, RunDetail};
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::trouble::{self, Trouble};
use crate::tui::view::word_role;
use crate::tui::widget::pane::{Focus, pane};

use super::tint;

/// Rows that words, cause and remedy of an error take beyond one each, if there is room.
const MORE: usize = 5;
/// Where their words begin.
const WORDS_AT: usize = 8;

/// Rows that the pane wants: each takes one, the one under the cursor as many as its words need.
pub fn rows(model: &Model, detail: &RunDetail, width: u16) -> u16 {
    let width = usize::from(width);
    let words = match Trouble::selected(model) {
        None => 2,
        Some(Trouble::Whole(failure)) => {
            cause_lines(model, detail, failure, usize::MAX, width).len() - 1
        }
        Some(Trouble::Kind(group)) => group_lines(group, whole(model, MORE), width).len() - 1,
    };
    u16::try_from(Trouble::all(detail).len() + 1 + words).unwrap_or(u16::MAX)
}

/// The worst, under a list of runs.
pub fn worst(model: &Model, detail: &RunDetail, area: Rect) -> Vec<Line> {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    match Trouble::all(detail).first() {
        None => Vec::new(),
        Some(Trouble::Whole(failure)) => cause_lines(model, detail, failure, height, width),
        Some(Trouble::Kind(group)) => {
            let more = height.saturating_sub(7).min(MORE);
            // What happened is whole, also where that leaves no room for records.
            let more = more.max(cause(group, width).len() - 1);
            group_lines(group, Shown::Whole(more), width)
        }
    }
}

/// Draws the pane.
pub fn draw(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    if area.height == 0 {
        return;
    }
    let all = Trouble::all(detail);
    let body = pane(canvas, area, focus, "Errors by kind", all.len().to_string());
    if all.is_empty() {
        canvas.put(row(body, 0), Role::Dim, "  Nothing failed.");
        return;
    }
    let selected = model.log.groups.selected().min(all.len() - 1);
    let mut lines = Vec::new();
    let (mut cursor, mut end) = (0, 0);
    let (width, height) = (usize::from(body.width), usize::from(body.height).max(1));
    let others = all.len() - 1;
    for (at, trouble) in all.iter().enumerate() {
        let here = at == selected;
        if here {
            cursor = lines.len();
        }
        lines.extend(match (trouble, here) {
            (Trouble::Whole(failure), _) => {
                let rows = if here {
                    height.saturating_sub(others)
                } else {
                    1
                };
                cause_lines(model, detail, failure, rows.max(1), width)
            }
            (Trouble::Kind(group), true) => {
                let more = height.saturating_sub(others + 3);
                group_lines(group, whole(model, more), width)
            }
            (Trouble::Kind(group), false) => group_lines(group, Shown::Short, width),
        });
        if here {
            end = lines.len();
        }
    }
    let offset = end.saturating_sub(height).min(cursor);
    for (at, line) in lines.iter().enumerate().skip(offset).take(height) {
        let place = row(body, u16::try_from(at - offset).unwrap_or(0));
        canvas.line(place, line);
        if at == cursor {
            canvas.put(Rect { width: 2, ..place }, Role::Title, focus.sign());
            tint(canvas, place, focus);
        }
    }
}

/// How much of a group is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// What happened.
    Short,
    /// With cause and remedy, which take so many rows more than two.
    Whole(usize),
    /// The same with the request that failed.
    Logged(usize),
}

/// The request has a row where records do not lack it.
fn whole(model: &Model, more: usize) -> Shown {
    match model.wide() {
        true => Shown::Logged(more),
        false => Shown::Whole(more),
    }
}

/// Why the run as a whole did not come to its end, in so many rows. Where they are too few, each
/// part has its first one, what comes first has more, and the last row says how the rest is read.
fn cause_lines(
    model: &Model,
    detail: &RunDetail,
    failure: &Failure,
    rows: usize,
    width: usize,
) -> Vec<Line> {
    let columns = width.saturating_sub(WORDS_AT).max(20);
    let word = detail.run.word();
    let (what, parts) = trouble::cause(model, detail, failure);
    let first = (word_role(word), word.as_str(), what);
    let parts = parts.into_iter().map(|(label, text)| {
        let role = if label == "Log" {
            Role::Dim
        } else {
            Role::Text
        };
        (role, label, text)
    });
    let mut parts: Vec<_> = std::iter::once(first)
        .chain(parts)
        .map(|(role, label, text)| {
            let label = Line::text("  ").add(role, label);
            (label, text::wrap(&text, columns), 1)
        })
        .collect();
    let wanted: usize = parts.iter().map(|(_, lines, _)| lines.len()).sum();
    let cut = wanted > rows;
    let mut left = rows.saturating_sub(parts.len() + usize::from(cut));
    for (_, lines, taken) in &mut parts {
        let more = (lines.len() - *taken).min(left);
        *taken += more;
        left -= more;
    }
    let mut out: Vec<Line> = parts
        .into_iter()
        .flat_map(|(label, lines, taken)| labelled(label, &lines, taken))
        .collect();
    if cut && rows > 1 {
        out.truncate(rows - 1);
        out.push(Line::of(Role::Dim, "  ..      Enter shows all of it"));
    }
    out.truncate(rows);
    out
}

fn group_lines(group: &ErrorGroup, shown: Shown, width: usize) -> Vec<Line> {
    let records = told(group);
    let room = width.saturating_sub(records.len());
    let what = cause(group, width);
    let said = |rows: usize| {
        let mut lines = labelled(Line::of(Role::Fail, "  FAIL"), &what, rows);
        if let Some(first) = lines.first_mut() {
            let told = std::mem::take(first).to_column(room);
            *first = told.add(Role::Text, records.as_str());
        }
        lines
    };
    let more = match shown {
        Shown::Short => return said(1),
        Shown::Whole(more) | Shown::Logged(more) => more,
    };
    let retry = if group.retry {
        " r tries them again."
    } else {
        ""
    };
    let columns = width.saturating_sub(WORDS_AT).max(20);
    let why = text::wrap(&group.why, columns);
    let fix = text::wrap(&format!("{}{retry}", group.fix), columns);
    // What happened comes first, and what helps before what it was.
    let mut left = more;
    let mut rows = |lines: &[text::Safe]| {
        let taken = lines.len().saturating_sub(1).min(left);
        left -= taken;
        1 + taken
    };
    let (for_what, for_fix, for_why) = (rows(&what), rows(&fix), rows(&why));
    let mut out = said(for_what);
    out.extend(labelled(Line::text("  Why"), &why, for_why));
    out.extend(labelled(Line::text("  Fix"), &fix, for_fix));
    if matches!(shown, Shown::Logged(_)) && !group.request.is_empty() {
        out.push(
            Line::text("  ")
                .add(Role::Dim, "Log")
                .to_column(WORDS_AT)
                .add(Role::Dim, trouble::logged(&group.request)),
        );
    }
    out
}

/// How many records it was, at the right of the first row.
fn told(group: &ErrorGroup) -> String {
    let records = text::count(group.records, "record", "records");
    format!("  {records}")
}

/// What happened, in rows beside [`told`]: behind its code where one has room for both, else before
/// it, so that the code is what is cut.
fn cause(group: &ErrorGroup, width: usize) -> Vec<text::Safe> {
    let columns = width.saturating_sub(told(group).len() + WORDS_AT);
    let (code, what) = (&group.code, &group.what);
    let short = format!("{code}: {what}");
    match text::width(&short) <= columns || what.is_empty() {
        true => vec![short.into()],
        false => text::wrap(&format!("{what} ({code})"), columns),
    }
}

/// Wrapped text behind its label; the last row takes what is left, and is cut at the edge.
fn labelled(label: Line, lines: &[text::Safe], rows: usize) -> Vec<Line> {
    let mut out = Vec::with_capacity(rows);
    let mut lines = lines.iter().map(text::Safe::as_str);
    for at in 1..=rows {
        let words = match at == rows {
            true => lines.by_ref().collect::<Vec<_>>().join(" "),
            false => lines.next().unwrap_or_default().to_owned(),
        };
        let label = if at == 1 { label.clone() } else { Line::new() };
        out.push(label.to_column(WORDS_AT).add(Role::Text, words));
    }
    out
}
