//! Mapping: rows, what the row under the cursor does with real records, versions.

use ratatui::layout::Rect;

use crate::domain::mapping::{Pair, Row as MapRow, Switch};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::engine::view::{Gets, MappingPreview, Problem, Sample};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{Loaded, MappingPane};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{cell_text, selected_row, staged_changes};
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

use super::{offers, part, records, split, state, word, word_role};

/// Rows of the fields that are not mapped, and the least that the versions keep.
const NOT_MAPPED: u16 = 5;
const LEAST_VERSIONS: u16 = 4;

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let name = model.mapping.pair.as_ref().map(|p| p.as_str());
    let area = records::pair_row(model, canvas, area, name);
    let Some(pair) = model.mapping.current() else {
        return match &model.mapping.detail {
            Loaded::Failed(text, hint) => state::failed(canvas, area, text, hint.as_deref()),
            _ if model.mapping.pair.is_none() => {
                state::empty(canvas, area, &["No pair is set up yet."]);
            }
            _ => state::loading(canvas, area, "the mapping"),
        };
    };
    let here = |pane| Focus::when(model.mapping.pane == pane);
    let (in_rows, in_versions) = (here(MappingPane::Rows), here(MappingPane::Versions));
    if model.zoom == Zoom::Whole || model.low() {
        return match model.mapping.pane {
            MappingPane::Rows => rows(model, pair, canvas, area, in_rows),
            MappingPane::Versions => versions(model, canvas, area, in_versions),
        };
    }
    if model.wide() {
        let (left, right) = split(model, canvas, area);
        let staged = staged_changes(model);
        let wants = u16::try_from(pair.rows.len() + 2).unwrap_or(u16::MAX);
        let top = wants.min(left.height * 3 / 5);
        rows(model, pair, canvas, part(left, 0, top), in_rows);
        let middle = u16::try_from(staged.len().max(1) + 1)
            .unwrap_or(u16::MAX)
            .min(left.height / 5);
        staged_pane(model, &staged, canvas, part(left, top + 1, middle));
        let mut used = top + middle + 2;
        let object = model.mapping.detail.get().and_then(|d| d.object.as_ref());
        if let Some(object) = object
            && left.height >= used + NOT_MAPPED + LEAST_VERSIONS
        {
            let place = part(left, used, NOT_MAPPED);
            offers::not_mapped(pair, object, canvas, place);
            used += NOT_MAPPED + 1;
        }
        versions(model, canvas, below(left, used), in_versions);
        return samples_pane(model, canvas, right);
    }
    let lower = (area.height / 2).min(9);
    let upper = area.height.saturating_sub(lower + 1);
    rows(model, pair, canvas, part(area, 0, upper), in_rows);
    let rest = below(area, upper + 1);
    match model.mapping.pane {
        MappingPane::Rows => preview(model, canvas, rest),
        MappingPane::Versions => versions(model, canvas, rest, in_versions),
    }
}

/// Problems of the draft as far as known, else of the saved mapping.
fn problems(model: &Model) -> &[Problem] {
    match (&model.mapping.draft, model.mapping.preview.get()) {
        (Some(_), Some(preview)) => &preview.problems,
        _ => model
            .mapping
            .detail
            .get()
            .map_or(&[], |d| d.problems.as_slice()),
    }
}

fn state_of(model: &Model, pair: &Pair, map: &MapRow) -> Word {
    if map.switch == Switch::Off {
        return Word::Off;
    }
    let worst = problems(model)
        .iter()
        .filter(|p| p.row == Some(map.id))
        .map(|p| p.word)
        .max();
    match worst {
        Some(word) => word,
        None if pair.match_on.iter().any(|rule| rule.contains(&map.id)) => Word::Key,
        None => Word::Ok,
    }
}

fn rows(model: &Model, pair: &Pair, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let staged = staged_changes(model).len();
    let errors = problems(model)
        .iter()
        .filter(|p| p.word == Word::Fail)
        .count();
    let mut note = text::count(pair.rows.len() as u64, "row", "rows");
    if staged > 0 {
        note.push_str(&format!(", {staged} staged"));
    }
    if errors > 0 {
        note.push_str(&format!(
            ", {}",
            text::count(errors as u64, "error", "errors")
        ));
    }
    let body = pane(canvas, area, focus, pair.title_line(), note);
    let mut columns = vec![
        fixed("State", 5),
        share("App", 12),
        fixed("Dir", 3),
        share("Salesforce", 12),
        share("Change on the way", 16),
        fixed("Conflict", 8),
    ];
    if model.wide() {
        columns.push(fixed("Used", 4));
    }
    let table = Table {
        columns: &columns,
        signs: Signs::Shown,
        focus,
        len: pair.rows.len(),
    };
    let detail = model.mapping.detail.get();
    let saved = detail.map(|d| &d.pair);
    table.draw(canvas, body, &model.mapping.rows, |index| {
        let Some(map) = pair.rows.get(index) else {
            return Row::default();
        };
        let same = saved.and_then(|s| s.row(map.id)) == Some(map);
        let used = detail.and_then(|d| d.used.get(&map.id));
        Row {
            sign: if same { Sign::None } else { Sign::Staged },
            cells: vec![
                word(state_of(model, pair, map)),
                Line::of(Role::App, map.label(Side::App)),
                Line::text(map.flow.arrow()),
                Line::of(Role::Crm, map.label(Side::Crm)),
                Line::text(change(map)),
                Line::text(map.strategy.name()),
                Line::text(used.map_or("-".to_owned(), |used| format!("{used}%"))),
            ],
        }
    });
}

/// Both chains in one text: `trim`, or `> lower  < trim` when they differ.
fn change(map: &MapRow) -> String {
    let (out, back) = (map.to_crm.to_string(), map.to_app.to_string());
    match (out.as_str(), back.as_str()) {
        ("", "") => "-".into(),
        (a, b) if a == b => out,
        (_, "") => format!("> {out}"),
        ("", _) => format!("< {back}"),
        _ => format!("> {out}  < {back}"),
    }
}

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
        let mut checks = vec![round_trips(preview)];
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
fn round_trips(preview: &MappingPreview) -> Line {
    match preview.there_and_back() {
        (0, _) => Line::of(
            Role::Dim,
            "  -     there and back: does not apply to this row",
        ),
        (all, 0) => Line::text("  OK    ").add(
            Role::Text,
            format!(
                "there and back gives the same value: {all} of {}",
                text::count(all, "sample", "samples")
            ),
        ),
        (all, wrong) => Line::of(Role::Fail, "  FAIL  ").add(
            Role::Text,
            format!(
                "there and back changes the value of {wrong} of {}",
                text::count(all, "sample", "samples")
            ),
        ),
    }
}

/// Most rows of what is wrong.
const MOST: usize = 6;

/// What is wrong with the row or the mapping, in so many rows at most, each with what helps.
fn problem_lines(preview: &MappingPreview, width: u16, most: usize) -> Vec<Line> {
    let columns = usize::from(width.saturating_sub(9)).max(20);
    let labelled = |head: Line, mut rows: Vec<text::Safe>, most: usize| {
        if let Some(next) = rows.get(most).cloned() {
            rows.truncate(most);
            let last = rows.pop().unwrap_or_default();
            rows.push(text::fit(format!("{last} {next}"), columns));
        }
        let lines = rows.into_iter().enumerate().map(|(at, line)| {
            let head = if at == 0 { head.clone() } else { Line::new() };
            head.to_column(8).add(Role::Text, line)
        });
        lines.collect::<Vec<_>>()
    };
    let mine = |p: &&Problem| p.row.is_none() || p.row == Some(preview.row);
    let mut out = Vec::new();
    for problem in preview.problems.iter().filter(mine) {
        let word = Line::text("  ").add(word_role(problem.word), problem.word.as_str());
        out.extend(labelled(word, text::wrap(&problem.text, columns), most));
        if !problem.fix.is_empty() {
            let fix = text::wrap(&problem.fix, columns);
            out.extend(labelled(Line::text("  Fix"), fix, MOST));
        }
    }
    out
}

/// Wide: all samples one way, then the other, then the checks.
fn samples_pane(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
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
            let line = sample_row(sample, toward, Focus::when(n == model.mapping.sample));
            canvas.line(row(body, u16::try_from(n).unwrap_or(0)), &line);
        }
    }
    let rest = below(area, 2 * (third + 1));
    let body = pane(canvas, rest, Focus::Elsewhere, "Checks", "");
    canvas.line(row(body, 0), &round_trips(preview));
    let lines = problem_lines(preview, body.width, MOST);
    put(lines, canvas, below(body, 1));
}

fn put(lines: Vec<Line>, canvas: &mut Canvas<'_>, area: Rect) {
    for (at, line) in (0..).zip(&lines) {
        canvas.line(row(area, at), line);
    }
}

fn sample_row(sample: &Sample, toward: Side, place: Focus) -> Line {
    let way = Way::of(sample, toward);
    let sign = match place {
        Focus::Here => "> ",
        Focus::Elsewhere => "  ",
    };
    let line = Line::of(Role::Title, sign)
        .add(Role::Text, text::fit(sample.name.as_str(), 18))
        .to_column(22)
        .add(way.from_role, text::fit(quoted(way.from), 20))
        .to_column(43)
        .add(Role::Text, "-> ");
    way.result(line)
}

fn staged_pane(model: &Model, staged: &[Line], canvas: &mut Canvas<'_>, area: Rect) {
    let version = model.mapping.detail.get().map_or(0, |d| d.pair.version + 1);
    let note = match staged.len() {
        0 => "nothing".to_owned(),
        n => format!("{n}, w saves as v{version}"),
    };
    let body = pane(canvas, area, Focus::Elsewhere, "Staged", note);
    if staged.is_empty() && model.read_only().is_none() {
        canvas.put(
            row(body, 0),
            Role::Dim,
            "  Enter edits the row under the cursor.",
        );
    }
    for (at, line) in staged.iter().take(usize::from(body.height)).enumerate() {
        let line = Line::text("  ").join(line.clone());
        canvas.line(row(body, u16::try_from(at).unwrap_or(0)), &line);
    }
}

fn versions(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let Some(detail) = model.mapping.detail.get() else {
        return;
    };
    let note = match focus {
        Focus::Here if model.read_only().is_some() => "",
        Focus::Here => "Enter compares, and brings one back",
        Focus::Elsewhere => "",
    };
    let body = pane(canvas, area, focus, "Versions", note);
    let height = usize::from(body.height);
    let list = &model.mapping.versions;
    let offset = list.window(detail.versions.len(), height);
    for (at, version) in detail.versions.iter().enumerate().skip(offset).take(height) {
        let place = row(body, u16::try_from(at - offset).unwrap_or(0));
        let here = at == list.selected();
        let changes = if version.changes.is_empty() {
            "the first that is kept".to_owned()
        } else {
            version.changes.join("; ")
        };
        let line = Line::of(Role::Title, if here { focus.sign() } else { "  " })
            .add(Role::Text, format!("v{}", version.version))
            .to_column(7)
            .add(Role::Dim, model.date(version.at))
            .to_column(25)
            .add(Role::Text, changes);
        canvas.line(place, &line);
        if here && focus == Focus::Here {
            canvas.tint(place, Role::Cursor);
            canvas.place_cursor(place.x, place.y);
        }
    }
}
