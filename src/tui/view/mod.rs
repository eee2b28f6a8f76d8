//! Drawing: reads the model and the theme, changes nothing.
//!
//! One file per screen. Invariant: the rows that say where you are (first and second) and how
//! old the data is (second-last) are drawn on every screen and under every dialog.

mod attention;
mod business;
mod choose;
mod conflict;
mod conflicts;
mod contract;
mod field_state;
mod filters;
mod frame;
mod hints;
mod legend;
mod limits;
mod load;
mod log;
mod mapping;
mod modal;
mod offers;
mod overview;
mod records;
mod rules;
mod run;
mod schedules;
mod search;
mod settings;
mod sign_in;
mod spelled;
mod state;
mod views;
mod wall;
mod wizard;

use ratatui::layout::Rect;

pub use business::turns as business_cells;
pub use limits::{AT_THE_LINES, text as limits_text};
pub use spelled::{role_of, system};
pub use wizard::draw as draw_wizard;

use super::canvas::{Canvas, Line, below, row};
use super::modal::Modal;
pub(super) use super::model::LEAST;
use super::model::{Audience, Hosting, Model, Screen};
use super::state::Front;
use super::theme::Role;
use super::update::finding;
use super::wide;
use super::widget::bar;
use crate::domain::run::Word;

/// Draws one frame.
pub fn draw(model: &Model, frame: &mut ratatui::Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), &model.theme);
    canvas.place_cursor(0, 0);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        tiny(model, &mut canvas, area);
    } else {
        full(model, &mut canvas, area);
    }
    let cursor = canvas.cursor();
    wide::end_covered(frame.buffer_mut());
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
}

fn full(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    frame::identity(model, canvas, row(area, 0));
    if model.options.audience == Audience::Wall {
        let body = Rect {
            y: area.y + 1,
            height: area.height - 2,
            ..area
        };
        wall::draw(model, canvas, body);
        let says = match model.options.hosting {
            Hosting::Embedded => {
                " leaves; no other key does anything. What is scheduled runs here."
            }
            Hosting::Attached => " leaves; no other key does anything",
        };
        let last = Line::of(Role::Key, "q").add(Role::Dim, says);
        canvas.line(row(area, area.height - 1), &last);
        return;
    }
    frame::tabs(model, canvas, row(area, 1));
    let body = Rect {
        y: area.y + 2,
        height: area.height - 4,
        ..area
    };
    let found =
        |canvas: &mut Canvas<'_>| log::filter_row(model, canvas, body, "Find", finding(model));
    match model.screen {
        Screen::Overview if model.overview.front == Front::Business => {
            business::draw(model, canvas, body);
        }
        Screen::Overview => {
            let area = found(canvas);
            overview::draw(model, canvas, area);
        }
        Screen::Log if model.log.open.is_some() => run::draw_open(model, canvas, body),
        Screen::Log => log::draw(model, canvas, body),
        Screen::Conflicts if model.conflicts.open.is_some() => conflict::draw(model, canvas, body),
        Screen::Conflicts => conflicts::draw(model, canvas, body),
        Screen::Mapping => {
            let area = found(canvas);
            mapping::draw(model, canvas, area);
        }
        Screen::Records => records::draw(model, canvas, body),
        Screen::Settings => {
            let area = found(canvas);
            settings::draw(model, canvas, area);
        }
    }
    canvas.unpin_cursor();
    frame::status(model, canvas, row(area, area.height - 2));
    modal::draw(model, canvas, body);
    frame::chord(model, canvas, body);
    // After the dialog, which knows by now whether all of it can be seen.
    hints::hints(model, canvas, row(area, area.height - 1));
    let toasts = Rect {
        height: body.height,
        ..body
    };
    // All of it is being read there.
    if !matches!(model.modal, Some(Modal::Messages(_))) {
        model.toasts.draw(canvas, toasts);
    }
}

/// Two honest lines for a window that is too small (terminal-ux 4).
fn tiny(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let (columns, rows) = (area.width, area.height);
    let (least_columns, least_rows) = LEAST;
    let first = if columns >= 46 {
        format!("This window is {columns}x{rows}. syncdeck needs {least_columns}x{least_rows}.")
    } else {
        format!("{columns}x{rows} here, {least_columns}x{least_rows} needed.")
    };
    canvas.put(row(area, 0), Role::Text, first);
    let engine = match model.summary.as_ref().map(|s| &s.running) {
        None => "Engine: no answer yet".to_owned(),
        Some(None) => "Engine: idle".to_owned(),
        Some(Some(run)) => {
            let share = run.total.map_or(String::new(), |t| {
                format!(" {}%", bar::percent(run.done, t))
            });
            format!("Engine: OK, run {}{share}", run.run)
        }
    };
    let second = match &model.modal {
        None => format!("{engine}.  q quit"),
        // Its keys would be pressed blind; Ctrl-c closes it.
        Some(modal) => format!("{} is open: make the window larger.", modal.name()),
    };
    canvas.put(row(area, 1), Role::Text, second);
}

/// The role a state word is drawn in.
pub(super) fn word_role(word: Word) -> Role {
    match word {
        Word::Ok | Word::Info | Word::Wait | Word::App | Word::Crm => Role::Ok,
        Word::None | Word::Off => Role::Dim,
        Word::Key => Role::Text,
        Word::Run => Role::Run,
        Word::Hold => Role::Hold,
        Word::Warn => Role::Warn,
        Word::Fail => Role::Fail,
        Word::Conf | Word::Part | Word::Ready | Word::Del => Role::Conf,
    }
}

/// A state word as a cell.
pub(super) fn word(word: Word) -> Line {
    Line::of(word_role(word), word.as_str())
}

/// Body without its first rows, at most `rows` high.
pub(super) fn part(area: Rect, from: u16, rows: u16) -> Rect {
    let rest = below(area, from);
    Rect {
        height: rows.min(rest.height),
        ..rest
    }
}

/// Left and right of the rule where a person has it on this screen.
pub(super) fn split(model: &Model, canvas: &mut Canvas<'_>, area: Rect) -> (Rect, Rect) {
    split_at(canvas, area, model.splits.share(model.screen).unwrap_or(50))
}

/// Left and right of a vertical rule; `share` is the left part in per cent.
pub(super) fn split_at(canvas: &mut Canvas<'_>, area: Rect, share: u16) -> (Rect, Rect) {
    let left = area.width * share / 100;
    let rule = Rect {
        x: area.x + left,
        width: 1,
        ..area
    };
    canvas.vertical(rule);
    let right = Rect {
        x: area.x + left + 2,
        width: area.width.saturating_sub(left + 2),
        ..area
    };
    (
        Rect {
            width: left.saturating_sub(1),
            ..area
        },
        right,
    )
}
