//! What needs a person, in words, with what Enter does about it.
//!
//! Invariant: every text is whole where there is room for all of them; where there is not, each
//! takes as many rows at most as leave every other one in sight.

use ratatui::layout::Rect;

use crate::engine::summary::{Attention, Summary};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::model::Model;
use crate::tui::state::OverviewPane;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::off;
use crate::tui::widget::pane::{Focus, pane};

use super::{state, word_role};

/// Most rows of one text.
const MOST: usize = 12;
/// The key before what it does.
const ENTER: &str = "Enter ";
/// Columns before the text: the cursor and the state.
const HEAD: usize = 8;

/// Rows it takes with all texts whole, its rule included.
pub fn wants(summary: &Summary, width: u16) -> u16 {
    let rows: usize = match summary.attention.len() {
        0 => 2,
        _ => rows(summary, width, MOST),
    };
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1)
}

/// Rows of all texts, each with so many at most.
fn rows(summary: &Summary, width: u16, most: usize) -> usize {
    let texts = texts(summary, width, most);
    texts.map(|(_, lines)| lines.len()).sum()
}

/// Draws the pane.
pub fn draw(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let here = Focus::when(model.overview.pane == OverviewPane::Attention);
    let all = &summary.attention;
    let note = match here {
        Focus::Here => text::group(all.len() as u64),
        Focus::Elsewhere => from_elsewhere(model, all.len()),
    };
    let body = pane(canvas, area, here, "Needs attention", note);
    if all.is_empty() {
        return state::empty(canvas, body, &["Nothing needs you."]);
    }
    let height = usize::from(body.height);
    let fits = |most: &usize| rows(summary, area.width, *most) <= height;
    let most = (1..=MOST).rev().find(fits);
    let offset = match most {
        Some(_) => 0,
        None => model.overview.attention.window(all.len(), height),
    };
    let texts = texts(summary, area.width, most.unwrap_or(1));
    let mut top = 0;
    for (at, (item, shown)) in texts.enumerate().skip(offset) {
        let place = row(body, top);
        if place.height == 0 {
            return;
        }
        let selected = at == model.overview.attention.selected();
        let sign = if selected { here.sign() } else { "  " };
        let line = Line::of(Role::Title, sign)
            .add(word_role(item.word), item.word.as_str())
            .to_column(HEAD)
            .add(Role::Text, shown.first().cloned().unwrap_or_default())
            .to_column(room(item, place.width));
        canvas.line(place, &line);
        canvas.right(place, &hint(model, item, here));
        for (below, line) in shown.iter().enumerate().skip(1) {
            let below = u16::try_from(below).unwrap_or(u16::MAX);
            let line = Line::text("").to_column(HEAD).add(Role::Text, line);
            canvas.line(row(body, top.saturating_add(below)), &line);
        }
        if selected {
            match here {
                Focus::Here => {
                    canvas.tint(place, Role::Cursor);
                    canvas.place_cursor(place.x, place.y);
                }
                Focus::Elsewhere => canvas.tint(place, Role::CursorOther),
            }
        }
        top = top.saturating_add(u16::try_from(shown.len()).unwrap_or(u16::MAX));
    }
}

/// How many there are, and the key that goes to them: Enter belongs to another pane.
fn from_elsewhere(model: &Model, all: usize) -> String {
    let number = text::group(all as u64);
    let way = match model.overview.pane {
        OverviewPane::Connections => Action::PreviousPane,
        OverviewPane::Syncs | OverviewPane::Attention => Action::NextPane,
    };
    match model.options.keymap.key_of(way) {
        Some(key) if all > 0 => format!("{number}, {key} goes here"),
        _ => number,
    }
}

/// What Enter does; its name only where it does that, and nothing where it may not.
fn hint(model: &Model, item: &Attention, focus: Focus) -> Line {
    let key = match focus {
        Focus::Here => ENTER,
        Focus::Elsewhere => "",
    };
    if off::writes(&item.target) && model.read_only().is_some() {
        return Line::new();
    }
    Line::of(Role::Key, key).add(Role::Text, item.hint.as_str())
}

/// Columns that are left of what Enter does.
fn room(item: &Attention, width: u16) -> usize {
    usize::from(width).saturating_sub(ENTER.len() + text::width(&item.hint) + 2)
}

/// Every thing with its text in so many rows at most; what has no room is cut at its end.
fn texts(
    summary: &Summary,
    width: u16,
    most: usize,
) -> impl Iterator<Item = (&Attention, Vec<text::Safe>)> {
    summary.attention.iter().map(move |item| {
        let room = room(item, width).saturating_sub(HEAD).max(12);
        (item, text::wrap_in(&item.text, room, most))
    })
}
