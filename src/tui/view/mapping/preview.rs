//! A row of a mapping tried on real records: what each side would get, whether it comes back as it
//! was, and what is wrong with the row.
//!
//! Converts nothing: what is shown was tried by the engine. Invariant: what helps is not what is cut.

use ratatui::layout::Rect;

use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::engine::view::{Gets, MappingPreview, Problem, Sample};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::Model;
use crate::tui::state::Loaded;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{cell_text, selected_row};
use crate::tui::view::{part, state, word_role};
use crate::tui::widget::pane::{Focus, pane};

/// The row under the cursor, or being edited, with one real record.
pub fn preview(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let preview = match &model.mapping.preview {
        Loaded::Here(preview) => preview,
        Loaded::Failed(text, hint) => return state::failed(canvas, area, text, hint.as_deref()),
        Loaded::Waiting => return state::loading(canvas, area, "samples"),
    };
    let of = preview.samples.len();
    let Some(sample) = preview.samples.get(model.mapping.sample) else {
        let body = pane(canvas, area, Focus::Elsewhere, "Preview", "");
        canvas.put(
            row(body, 0),
            Role::Dim,
            "  No linked record to try it on yet.",
        );
        let lines = problem_lines(preview, body.width, MOST);
        return put(lines, canvas, below(body, 1));
    };
    let title = format!("Preview with {}", sample.name);
    let note = format!("sample {} of {of}", model.mapping.sample + 1);
    let body = pane(canvas, area, Focus::Elsewhere, title, note);
    let sample = sample_lines(sample, usize::from(body.width));
    let height = usize::from(body.height);
    // A row of the sample stays, and what helps is not what is cut: what is wrong says less then.
    let said = |most: usize| {
        let mut checks = round_trips(preview, body.width);
        checks.extend(problem_lines(preview, body.width, most));
        checks
    };
    let fitting = (1..=MOST).rev().map(said).find(|c| c.len() < height);
    let checks = fitting.unwrap_or_else(|| said(1));
    let shown = height.saturating_sub(checks.len()).clamp(1, sample.len());
    let lines = sample.iter().take(shown).chain(&checks);
    for (at, line) in (0..).zip(lines) {
        canvas.line(row(body, at), line);
    }
}

fn quoted(cell: Option<&Cell>) -> text::Safe {
    cell.map_or_else(|| text::Safe::from("(not there)"), |cell| cell_text(cell))
}

/// A sample on its way to a side.
struct Way<'s> {
    from: Option<&'s Cell>,
    from_role: Role,
    to: &'s Gets,
    now: Option<&'s Cell>,
    to_role: Role,
}

impl<'s> Way<'s> {
    fn of(sample: &'s Sample, toward: Side) -> Self {
        let (app, crm) = (sample.app.as_ref(), sample.crm.as_ref());
        match toward {
            Side::Crm => Self {
                from: app,
                from_role: Role::App,
                to: &sample.to_crm,
                now: crm,
                to_role: Role::Crm,
            },
            Side::App => Self {
                from: crm,
                from_role: Role::Crm,
                to: &sample.to_app,
                now: app,
                to_role: Role::App,
            },
        }
    }

    /// What comes out, after what stands there already.
    fn result(&self, line: Line) -> Line {
        match self.to {
            Gets::Off => line.add(Role::Dim, "off"),
            Gets::NotSent => line.add(Role::Dim, "not sent"),
            // What loses something on its way is shown, also where it is there already.
            Gets::Value(cell) if Some(cell) == self.now && self.lost() == 0 => {
                line.add(Role::Dim, "same")
            }
            Gets::Appended(cell) if Some(cell) == self.now => line.add(Role::Dim, "same"),
            Gets::Value(cell) | Gets::Appended(cell) => line.add(self.to_role, cell_text(cell)),
            Gets::Refused(why) => line.add(Role::Fail, "FAIL ").add(Role::Text, why.as_str()),
        }
    }

    /// Characters that do not arrive.
    fn lost(&self) -> usize {
        match self.to {
            Gets::Value(cell) => self.from.map_or(0, long).saturating_sub(long(cell)),
            _ => 0,
        }
    }

    /// How long it is when it arrives; nothing where nothing does.
    fn size(&self) -> String {
        match (self.to, self.lost()) {
            (Gets::Off | Gets::NotSent | Gets::Refused(_), _) => String::new(),
            (Gets::Value(cell) | Gets::Appended(cell), 0) => format!("{} long", long(cell)),
            (Gets::Value(cell) | Gets::Appended(cell), lost) => {
                format!("{}, {lost} lost", long(cell))
            }
        }
    }
}

/// A line for each way; two when the value is long, so that what is lost can be seen.
fn sample_lines(sample: &Sample, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for (label, toward) in [("To Salesforce", Side::Crm), ("To App", Side::App)] {
        let way = Way::of(sample, toward);
        let from = quoted(way.from);
        let head = Line::text("  ").add(way.to_role, label).to_column(17);
        let room = width.saturating_sub(17);
        if from.width() * 2 + 6 <= room {
            let line = head.add(way.from_role, from).add(Role::Text, "  ->  ");
            out.push(way.result(line));
            continue;
        }
        let sized = |line: Line, size: String| {
            line.to_column(width.saturating_sub(16))
                .add(Role::Dim, format!("  {size}"))
        };
        let before = way.from.map_or(0, long);
        out.push(sized(
            head.add(way.from_role, from),
            format!("{before} long"),
        ));
        let after = way.result(Line::text("           ->    "));
        out.push(match way.size() {
            size if size.is_empty() => after,
            size => sized(after, size),
        });
    }
    out
}

/// Characters of a cell.
fn long(cell: &Cell) -> usize {
    cell.iter().map(|v| v.to_string().chars().count()).sum()
}

/// The check that matters most: there and back gives the same value.
fn round_trips(preview: &MappingPreview, width: u16) -> Vec<Line> {
    let samples = |all| text::count(all, "sample", "samples");
    let (head, says) = match preview.there_and_back() {
        (0, _) => (
            Line::of(Role::Dim, "  -"),
            "there and back: does not apply to this row".to_owned(),
        ),
        (all, 0) => (
            Line::text("  OK"),
            format!(
                "there and back gives the same value: {all} of {}",
                samples(all)
            ),
        ),
        (all, wrong) => (
            Line::of(Role::Fail, "  FAIL"),
            format!(
                "there and back changes the value of {wrong} of {}",
                samples(all)
            ),
        ),
    };
    labelled(&head, &text::wrap(&says, said_in(width)))
}

/// Columns beside the word of a check.
fn said_in(width: u16) -> usize {
    usize::from(width.saturating_sub(9)).max(20)
}

/// Rows of a text with a word before the first.
fn labelled(head: &Line, rows: &[text::Safe]) -> Vec<Line> {
    let lines = rows.iter().enumerate().map(|(at, line)| {
        let head = if at == 0 { head.clone() } else { Line::new() };
        head.to_column(8).add(Role::Text, line.clone())
    });
    lines.collect()
}

/// Most rows of what is wrong.
const MOST: usize = 6;

/// What is wrong with the row or the mapping, in so many rows at most, each with what helps.
fn problem_lines(preview: &MappingPreview, width: u16, most: usize) -> Vec<Line> {
    let columns = said_in(width);
    let in_rows = |head: Line, mut rows: Vec<text::Safe>, most: usize| {
        if let Some(next) = rows.get(most).cloned() {
            rows.truncate(most);
            let last = rows.pop().unwrap_or_default();
            rows.push(text::fit(format!("{last} {next}"), columns));
        }
        labelled(&head, &rows)
    };
    let mine = |p: &&Problem| p.row.is_none() || p.row == Some(preview.row);
    let mut out = Vec::new();
    for problem in preview.problems.iter().filter(mine) {
        let word = Line::text("  ").add(word_role(problem.word), problem.word.as_str());
        out.extend(in_rows(word, text::wrap(&problem.text, columns), most));
        if !problem.fix.is_empty() {
            let fix = text::wrap(&problem.fix, columns);
            out.extend(in_rows(Line::text("  Fix"), fix, MOST));
        }
    }
    out
}

/// Wide: all samples one way, then the other, then the checks.
pub(super) fn samples_pane(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let preview = match &model.mapping.preview {
        Loaded::Here(preview) => preview,
        Loaded::Failed(text, hint) => return state::failed(canvas, area, text, hint.as_deref()),
        Loaded::Waiting => return state::loading(canvas, area, "samples"),
    };
    let name = selected_row(model).map_or(String::new(), |r| r.label(Side::App));
    let third = area.height / 3;
    for (at, (title, toward)) in [
        ("App now -> Salesforce after", Side::Crm),
        ("Salesforce now -> App after", Side::App),
    ]
    .into_iter()
    .enumerate()
    {
        let top = u16::try_from(at).unwrap_or(0) * (third + 1);
        let note = text::count(preview.samples.len() as u64, "sample", "samples");
        let place = part(area, top, third);
        let body = pane(
            canvas,
            place,
            Focus::Elsewhere,
            format!("{name}: {title}"),
            note,
        );
        for (n, sample) in preview
            .samples
            .iter()
            .take(usize::from(body.height))
            .enumerate()
        {
            let line = sample_row(
                sample,
                toward,
                Focus::when(n == model.mapping.sample),
                body.width,
            );
            canvas.line(row(body, u16::try_from(n).unwrap_or(0)), &line);
        }
    }
    let rest = below(area, 2 * (third + 1));
    let body = pane(canvas, rest, Focus::Elsewhere, "Checks", "");
    let mut checks = round_trips(preview, body.width);
    checks.extend(problem_lines(preview, body.width, MOST));
    put(checks, canvas, body);
}

fn put(lines: Vec<Line>, canvas: &mut Canvas<'_>, area: Rect) {
    for (at, line) in (0..).zip(&lines) {
        canvas.line(row(area, at), line);
    }
}

fn sample_row(sample: &Sample, toward: Side, place: Focus, width: u16) -> Line {
    let way = Way::of(sample, toward);
    let sign = match place {
        Focus::Here => "> ",
        Focus::Elsewhere => "  ",
    };
    // What comes out has as much room as what goes in.
    let width = usize::from(width);
    let name = (width * 2 / 7).clamp(10, 18);
    let from = width.saturating_sub(name + 8) / 2;
    let line = Line::of(Role::Title, sign)
        .add(Role::Text, text::fit(sample.name.as_str(), name))
        .to_column(name + 4)
        .add(way.from_role, text::fit(quoted(way.from), from))
        .to_column(name + 4 + from + 1)
        .add(Role::Text, "-> ");
    way.result(line)
}
