//! The list of runs, newest first, with the run under the cursor.

use ratatui::layout::Rect;

use crate::domain::run::{Cause, LogLine};
use crate::engine::view::RunRow;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::Loaded;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::prompt::Show;
use crate::tui::widget::table::{Row, Signs, Table, fixed, share};

use super::{overview, part, run, split, state, word, word_role};

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if model.zoom == Zoom::Whole || model.low() {
        return list(model, canvas, area, Focus::Here);
    }
    if model.wide() {
        let (left, right) = split(model, canvas, area);
        list(model, canvas, left, Focus::Here);
        return run::detail(model, canvas, right, Focus::Elsewhere);
    }
    let lower = area.height / 2;
    let upper = area.height.saturating_sub(lower + 1);
    list(model, canvas, part(area, 0, upper), Focus::Here);
    run::detail(model, canvas, below(area, upper + 1), Focus::Elsewhere);
}

/// The row with the filter in force or being typed; gives what is left below it.
pub fn filter_row(
    model: &Model,
    canvas: &mut Canvas<'_>,
    area: Rect,
    label: &str,
    filter: &str,
) -> Rect {
    let head = row(area, 0);
    if let Some(prompt) = &model.filter {
        let used = canvas.put(head, Role::Title, format!("{label}: "));
        let keys = Line::of(Role::Dim, "Enter use  Esc leave");
        canvas.right(head, &keys);
        let keys = u16::try_from(keys.width() + 2).unwrap_or(0);
        let field = Rect {
            x: head.x + used,
            width: head.width.saturating_sub(used + keys),
            ..head
        };
        prompt.draw(canvas, field, Show::Plain);
        canvas.pin_cursor();
        canvas.line(row(area, 1), &typed(model, prompt.text()));
        return below(area, 2);
    }
    if filter.is_empty() {
        return area;
    }
    canvas.line(
        head,
        &Line::of(Role::Title, format!("{label}: ")).add(Role::Text, filter),
    );
    canvas.right(head, &Line::of(Role::Dim, "  / edit  Esc clear"));
    below(area, 1)
}

/// What is wrong with what is typed, or how it can go on.
fn typed(model: &Model, text: &str) -> Line {
    if let Some(why) = update::problem(model, text) {
        return Line::of(Role::FieldError, "  FAIL  ").add(Role::Text, why);
    }
    let offers = update::offers(model, text);
    match offers.is_empty() {
        true => Line::new(),
        false => Line::of(Role::Dim, format!("  Tab  {}", offers.join("  "))),
    }
}

/// The list of runs.
pub fn list(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let area = match model.log.open {
        None => filter_row(model, canvas, area, "Filter", &model.log.filter),
        Some(_) => area,
    };
    let runs = &model.log.runs;
    let body = pane(canvas, area, focus, "Runs", text::group(runs.len() as u64));
    match &runs.part {
        Loaded::Waiting => return state::loading(canvas, body, "the runs"),
        Loaded::Failed(text, hint) => return state::failed(canvas, body, text, hint.as_deref()),
        Loaded::Here(_) if runs.is_empty() && !model.log.filter.is_empty() => {
            let lines = ["No run fits the filter.", "", "Esc clears it."];
            return state::empty(canvas, body, &lines);
        }
        Loaded::Here(_) if runs.is_empty() => {
            let keys = match model.read_only() {
                None => "1 goes to the Overview; s there syncs a pair now.",
                Some(_) => "",
            };
            let lines = ["Nothing has run yet.", "", keys];
            return state::empty(canvas, body, &lines);
        }
        Loaded::Here(_) => {}
    }
    let columns = [
        fixed("Run", 5),
        fixed("Started", 11),
        fixed("State", 5),
        share("Pair", 16),
        fixed("In", 6),
        fixed("Out", 6),
        fixed("Fail", 5),
        fixed("Conf", 5),
        fixed("Took", 6),
    ];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: runs.len(),
    };
    table.draw(canvas, body, &runs.list, |index| match runs.row(index) {
        Some(run) => Row {
            cells: cells(model, run),
            ..Row::default()
        },
        None => Row {
            cells: vec![Line::text("..")],
            ..Row::default()
        },
    });
}

fn cells(model: &Model, row: &RunRow) -> Vec<Line> {
    let run = &row.run;
    let counts = run.counts;
    let number = |n: u64| Line::text(text::short(n));
    vec![
        Line::text(run.id.to_string()),
        Line::text(model.clock(run.started_at)),
        word(run.word()),
        Line::text(title(row)),
        number(counts.pulled),
        number(counts.pushed),
        number(counts.failed),
        number(counts.conflicts),
        Line::text(took(run)),
    ]
}

/// What the run was about: where it is about another run, or another about it, that goes before the
/// fields' names, as there is room for one.
fn title(row: &RunRow) -> String {
    match (&row.run.cause, row.taken_back) {
        (_, Some(by)) => format!("{} taken back by {by}", row.run.pair),
        (Cause::Undo(run), None) => format!("{} takes back {run}", row.run.pair),
        _ => row.title.clone(),
    }
}

/// How long a run took, or `-` while it works.
pub fn took(run: &crate::domain::run::Run) -> String {
    run.ended_at.map_or("-".to_owned(), |end| {
        let seconds = (end.as_second() - run.started_at.as_second()).max(0);
        overview::took_text(u64::try_from(seconds).unwrap_or(0))
    })
}

/// Log lines: time, word, text.
pub fn lines(model: &Model, canvas: &mut Canvas<'_>, area: Rect, lines: &[LogLine]) {
    for (at, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        let place = row(area, u16::try_from(at).unwrap_or(u16::MAX));
        canvas.line(place, &log_line(model, line));
    }
}

/// One log line.
pub fn log_line(model: &Model, line: &LogLine) -> Line {
    Line::of(Role::Dim, format!("  {}", model.clock(line.at)))
        .to_column(15)
        .add(word_role(line.word), line.word.as_str())
        .to_column(21)
        .add(Role::Text, line.text.as_str())
}
