//! The business behind the sync: totals, pipeline, breakdowns, trend, health. To look at.

use ratatui::layout::Rect;

use crate::engine::summary::Summary;
use crate::engine::view::{Breakdown, BusinessView, Counted, DayRow, Pipeline, Rest};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::Model;
use crate::tui::state::Loaded;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::bar;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::spark::{columns, measure, spark};
use crate::tui::widget::table::{Row, Signs, Table, fixed, share};

use super::{part, state};

/// Least width of a breakdown.
const CELL: u16 = 40;
/// Where the numbers of the health begin.
const NUMBERS_AT: usize = 47;
/// Most columns of the table of objects.
const MOST: u16 = 88;

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let view = match &model.overview.business {
        Loaded::Waiting => return state::loading(canvas, area, "the figures"),
        Loaded::Failed(message, hint) => {
            return state::failed(canvas, area, message, hint.as_deref());
        }
        Loaded::Here(view) => view,
    };
    if view.objects.is_empty() {
        let lines = [
            "No pair is set up yet, so there is nothing to count.",
            "4 goes to the mappings, 6 to the sign-in.",
        ];
        return state::empty(canvas, area, &lines);
    }
    let tall = area.height >= 30;
    let top = u16::try_from(view.objects.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2)
        .min(area.height / 3);
    let bottom = if tall { 13 } else { 6 };
    let middle = area.height.saturating_sub(top + bottom + 1);
    objects(model, view, canvas, part(area, 0, top));
    let hidden = cells(model, view, canvas, part(area, top, middle));
    if let (1.., Some(key)) = (hidden, model.options.keymap.key_of(Action::NextPane)) {
        let more = text::count(hidden as u64, "more figure", "more figures");
        let place = row(area, top + middle);
        canvas.put(place, Role::Dim, format!("  {more}, {key}"));
    }
    let at = below(area, top + middle + 1);
    health(&view.days, model.summary.as_deref(), canvas, at);
}

fn objects(model: &Model, view: &BusinessView, canvas: &mut Canvas<'_>, area: Rect) {
    let all: u64 = view.objects.iter().map(|o| o.records).sum();
    let right = match view.counted {
        Counted::Whole => text::group(all),
        Counted::Part { done, all, rest } => {
            let rest = match rest {
                Rest::Coming => "being read",
                Rest::Left => "no room for more",
            };
            format!(
                "{} of {} counted, {rest}",
                text::group(done),
                text::group(all)
            )
        }
    };
    let title = format!("Records here, as of {}", model.clock(view.at));
    let body = pane(canvas, area, Focus::Here, title, right);
    let columns = [
        share("Object", 14),
        fixed("Records", 9),
        fixed("Waiting", 7),
        fixed("Conf", 5),
        fixed("Refused", 7),
        fixed("New, 12 weeks", 13),
        fixed("Synced", 8),
    ];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus: Focus::Here,
        len: view.objects.len(),
    };
    // Numbers far from their names are not read.
    let body = Rect {
        width: body.width.min(MOST),
        ..body
    };
    table.draw(canvas, body, &model.overview.objects, |index| {
        let Some(object) = view.objects.get(index) else {
            return Row::default();
        };
        let number = |n: u64| Line::text(text::group(n));
        Row {
            cells: vec![
                Line::text(object.object.as_str()),
                number(object.records),
                number(object.waiting),
                number(object.conflicts),
                number(object.refused),
                Line::text(spark(&object.made)),
                Line::text(
                    object
                        .as_of
                        .map_or("never".into(), |at| model.clock_short(at)),
                ),
            ],
            ..Row::default()
        }
    });
}

/// What stands in the middle, one below the other in as many columns as there is room for.
enum Cell<'a> {
    Pipeline(&'a Pipeline),
    Breakdown(&'a Breakdown),
}

impl Cell<'_> {
    /// Rows without which it is not told: a pipeline has no line that says how many follow.
    fn least(&self) -> u16 {
        match self {
            Self::Pipeline(_) => 4,
            Self::Breakdown(_) => 3,
        }
    }

    fn height(&self) -> u16 {
        let rows = match self {
            Self::Pipeline(_) => 3,
            Self::Breakdown(breakdown) => breakdown.slices.len(),
        };
        u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2)
    }
}

/// Cells of the middle.
fn all_cells(view: &BusinessView) -> Vec<Cell<'_>> {
    let pipeline = view.pipeline.as_ref().map(Cell::Pipeline);
    let breakdowns = view.breakdowns.iter().map(Cell::Breakdown);
    pipeline.into_iter().chain(breakdowns).collect()
}

/// Draws them; gives how many had no room.
fn cells(model: &Model, view: &BusinessView, canvas: &mut Canvas<'_>, area: Rect) -> usize {
    let cells = all_cells(view);
    if cells.is_empty() {
        let line = "No object here has a stage, a status, a source or a type that is mapped.";
        state::empty(canvas, area, &[line]);
        return 0;
    }
    let first = model.overview.turned % cells.len();
    let wide = (area.width / CELL).clamp(1, 3);
    let width = area.width / wide;
    let mut used = vec![0u16; usize::from(wide)];
    let turned = cells.iter().cycle().skip(first).take(cells.len());
    for (drawn, cell) in turned.enumerate() {
        let Some((column, top)) = used.iter().copied().enumerate().min_by_key(|(_, u)| *u) else {
            return 0;
        };
        let left = area.height.saturating_sub(top);
        if left < cell.least() {
            return cells.len() - drawn;
        }
        let place = Rect {
            x: area.x + u16::try_from(column).unwrap_or(0) * width,
            y: area.y + top,
            width: width - 1,
            height: cell.height().min(left),
        };
        match cell {
            Cell::Pipeline(figures) => pipeline(figures, canvas, place),
            Cell::Breakdown(figures) => breakdown(figures, canvas, place),
        }
        if let Some(used) = used.get_mut(column) {
            *used += place.height;
        }
    }
    0
}

/// `41.2M` of hundredths.
fn worth(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}", text::short(hundredths.unsigned_abs() / 100))
}

fn pipeline(figures: &Pipeline, canvas: &mut Canvas<'_>, area: Rect) {
    let title = "Pipeline, by worth";
    let body = pane(canvas, area, Focus::Elsewhere, title, worth(figures.open.1));
    let rows = [
        ("Open", figures.open),
        ("Won", figures.won),
        ("Lost", figures.lost),
    ];
    let size = |n: i64| u64::try_from(n).unwrap_or(0);
    let most = rows.iter().map(|(_, (_, w))| size(*w)).max().unwrap_or(0);
    for (at, (label, (count, sum))) in rows.into_iter().enumerate() {
        let numbers = format!("{:>6} {:>8}", text::short(count), worth(sum));
        bar_row(canvas, nth(body, at), label, (size(sum), most), &numbers);
    }
}

fn breakdown(figures: &Breakdown, canvas: &mut Canvas<'_>, area: Rect) {
    let all: u64 = figures.slices.iter().map(|s| s.count).sum();
    let title = format!("{} by {}", figures.object, figures.by);
    let body = pane(canvas, area, Focus::Elsewhere, title, text::group(all));
    let most = figures.slices.iter().map(|s| s.count).max().unwrap_or(0);
    let room = usize::from(body.height);
    let mut shown = figures.slices.len();
    if shown > room {
        shown = room.saturating_sub(1);
        let more = format!("  {} more", figures.slices.len() - shown);
        canvas.put(nth(body, shown), Role::Dim, more);
    }
    for (at, slice) in figures.slices.iter().take(shown).enumerate() {
        let count = text::short(slice.count);
        let numbers = match slice.worth {
            Some(sum) => format!("{count:>6} {:>8}", worth(sum)),
            None => format!("{count:>6}"),
        };
        bar_row(
            canvas,
            nth(body, at),
            &slice.label,
            (slice.count, most),
            &numbers,
        );
    }
}

fn nth(area: Rect, at: usize) -> Rect {
    row(area, u16::try_from(at).unwrap_or(u16::MAX))
}

/// `  label      ########      1,204`.
fn bar_row(canvas: &mut Canvas<'_>, area: Rect, label: &str, (value, most): (u64, u64), end: &str) {
    let width = usize::from(area.width);
    let name = (width / 2).min(24).saturating_sub(3);
    let room = width.saturating_sub(name + end.len() + 4);
    let line = Line::text("  ")
        .add(Role::Text, text::fit(label, name))
        .to_column(name + 3)
        .join(measure(value, most, room))
        .add(Role::Text, format!(" {end}"));
    canvas.line(area, &line);
}

fn health(days: &[DayRow], summary: Option<&Summary>, canvas: &mut Canvas<'_>, area: Rect) {
    let runs: u64 = days.iter().map(|d| d.runs).sum();
    let title = format!(
        "Sync, the last {}",
        text::count(days.len().max(1) as u64, "day", "days")
    );
    let right = text::count(runs, "run", "runs");
    let body = pane(canvas, area, Focus::Elsewhere, title, right);
    let of = |get: fn(&DayRow) -> u64| -> Vec<u64> { days.iter().map(get).collect() };
    let rows = [
        ("Records moved", of(|d| d.moved)),
        ("Refused", of(|d| d.refused)),
        ("Conflicts", of(|d| d.conflicts)),
        ("Failed runs", of(|d| d.broken)),
    ];
    let mut at = 0;
    if body.height >= 12
        && let Some((_, moved)) = rows.first()
    {
        for line in columns(moved, 6) {
            let text = Line::text(" ".repeat(17)).add(Role::Run, line);
            canvas.line(nth(body, at), &text);
            at += 1;
        }
    }
    for (label, values) in rows {
        let most = values.iter().copied().max().unwrap_or(0);
        let today = values.last().copied().unwrap_or(0);
        let line = Line::text("  ")
            .add(Role::Text, label)
            .to_column(17)
            .add(Role::Run, spark(&values))
            .to_column(NUMBERS_AT)
            .add(
                Role::Text,
                fits(
                    body.width,
                    format!("most {}, today {}", text::group(most), text::group(today)),
                    format!("today {}", text::group(today)),
                ),
            );
        canvas.line(nth(body, at), &line);
        at += 1;
    }
    let connections = summary.map_or(&[][..], |s| s.connections.as_slice());
    for connection in connections {
        let Some((used, all)) = connection.api else {
            continue;
        };
        let share = format!("API {}%", bar::percent(used, all));
        let numbers = format!(
            "{share}, {} of {} a day",
            text::short(used),
            text::short(all)
        );
        let numbers = fits(body.width, numbers, share);
        let line = Line::text("  ")
            .add(Role::Text, text::fit(connection.system.as_str(), 14))
            .to_column(17)
            .join(bar::bar(used, all, 28))
            .to_column(NUMBERS_AT)
            .add(Role::Text, numbers);
        canvas.line(nth(body, at), &line);
        at += 1;
    }
}

/// The longer text where it has room behind [`NUMBERS_AT`].
fn fits(width: u16, long: String, short: String) -> String {
    match NUMBERS_AT + text::width(&long) <= usize::from(width) {
        true => long,
        false => short,
    }
}

/// Cells there are to turn through.
pub fn turns(view: &BusinessView) -> usize {
    all_cells(view).len()
}
