//! One run: what it did, errors by kind with cause and remedy, records, steps.

use ratatui::layout::Rect;

use crate::domain::run::{RecordResult, ResultKind, Word};
use crate::engine::summary::Next;
use crate::engine::view::{ErrorGroup, RunDetail};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{Loaded, RunPane};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

use super::{log, part, split, state, word_role};

/// Rows that words, cause and remedy of an error take beyond one each, if there is room.
const MORE: usize = 5;
/// Where their words begin.
const WORDS_AT: usize = 8;

/// Draws the screen of an open run.
pub fn draw_open(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if model.wide() && model.zoom == Zoom::Shared {
        let (left, right) = split(model, canvas, area);
        log::list(model, canvas, left, Focus::Elsewhere);
        detail(model, canvas, right, Focus::Here);
    } else {
        detail(model, canvas, area, Focus::Here);
    }
}

/// Draws the run shown, or why it is not here.
pub fn detail(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    match &model.log.detail {
        Loaded::Waiting if model.log.open.is_none() && model.log.runs.is_empty() => {}
        Loaded::Waiting => state::loading(canvas, area, "this run"),
        Loaded::Failed(text, hint) => state::failed(canvas, area, text, hint.as_deref()),
        Loaded::Here(detail) => panes(model, detail, canvas, area, focus),
    }
}

fn panes(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let area = match focus {
        Focus::Here => log::filter_row(model, canvas, area, "Find", &model.log.find),
        Focus::Elsewhere => area,
    };
    let on = |pane| match focus {
        Focus::Here => Focus::when(model.log.pane == pane),
        Focus::Elsewhere => Focus::Elsewhere,
    };
    if focus == Focus::Here && model.zoom == Zoom::Whole {
        return match model.log.pane {
            RunPane::Groups => groups(model, detail, canvas, area, Focus::Here),
            RunPane::Records => records(model, detail, canvas, area, Focus::Here),
            RunPane::Steps => steps(model, detail, canvas, area, Focus::Here),
        };
    }
    let head = head(model, detail, canvas, area);
    if focus == Focus::Elsewhere && area.height < 16 {
        return compact(model, detail, canvas, below(area, head));
    }
    let rest = below(area, head + 1);
    // Every group takes one row, the one under the cursor as many as its words need.
    let selected = detail.groups.get(model.log.groups.selected());
    let words = selected.map_or(2, |group| {
        group_lines(group, whole(model, MORE), usize::from(area.width)).len() - 1
    });
    let wants = u16::try_from(detail.groups.len() + 1 + words).unwrap_or(u16::MAX);
    // Two fifths, and what few records and steps leave: each has its rule, records their titles.
    let below_it = detail.records.rows.len().max(1) + detail.steps.len() + 5;
    let spare = u16::try_from(below_it).map_or(0, |used| rest.height.saturating_sub(used));
    let top = wants.min(spare.max(rest.height * 2 / 5)).max(3);
    groups(
        model,
        detail,
        canvas,
        part(rest, 0, top),
        on(RunPane::Groups),
    );
    let rest = below(rest, top + 1);
    let bottom = u16::try_from(detail.steps.len() + 1)
        .unwrap_or(u16::MAX)
        .min(rest.height / 2)
        .min(12);
    let middle = rest.height.saturating_sub(bottom + 1);
    records(
        model,
        detail,
        canvas,
        part(rest, 0, middle),
        on(RunPane::Records),
    );
    steps(
        model,
        detail,
        canvas,
        below(rest, middle + 1),
        on(RunPane::Steps),
    );
}

/// Under a list of runs: the worst error with its remedy, then as many records as fit.
fn compact(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect) {
    let lines = detail.groups.first().map_or(Vec::new(), |group| {
        let width = usize::from(area.width);
        let more = usize::from(area.height).saturating_sub(7).min(MORE);
        // What happened is whole, also where that leaves no room for records.
        let more = more.max(cause(group, width).len() - 1);
        group_lines(group, Shown::Whole(more), width)
    });
    for (at, line) in lines.iter().enumerate() {
        canvas.line(row(area, u16::try_from(at).unwrap_or(0)), line);
    }
    let used = u16::try_from(lines.len()).unwrap_or(0);
    let gap = u16::from(used > 0);
    if area.height > used + gap + 2 && detail.records.total > 0 {
        record_table(
            model,
            detail,
            canvas,
            below(area, used + gap),
            Focus::Elsewhere,
        );
    }
}

/// Rule and facts; gives the rows used.
fn head(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let run = &detail.run;
    let c = run.counts;
    let note = match c.failed {
        0 => text::count(c.planned, "record", "records"),
        n => format!("{} of {} failed", text::group(n), text::group(c.planned)),
    };
    let title = format!("Run {}: {}", run.id, detail.title);
    let body = pane(canvas, area, Focus::Elsewhere, title, note);
    let facts = Line::text("  ")
        .add(word_role(detail.word()), detail.word().as_str())
        .to_column(8)
        .add(
            Role::Text,
            format!(
                "{} {}, took {}, mapping v{}, {}",
                model.clock(run.started_at),
                run.cause,
                log::took(run),
                run.mapping_version,
                text::count(run.calls, "API call", "API calls")
            ),
        );
    canvas.line(row(body, 0), &facts);
    let did = format!(
        "        {} read, {} same, {} in, {} out, {}, {} put off",
        text::group(c.read),
        text::group(c.same),
        text::group(c.pulled),
        text::group(c.pushed),
        text::count(c.conflicts, "conflict", "conflicts"),
        text::group(c.deferred)
    );
    canvas.put(row(body, 1), Role::Text, did);
    let columns = usize::from(area.width.saturating_sub(9)).max(20);
    let mut at = 2;
    for (label, role, text) in said(detail) {
        for (n, line) in text::wrap(&text, columns).iter().take(2).enumerate() {
            let label = if n == 0 { label } else { "" };
            let line = Line::text("  ")
                .add(role, label)
                .to_column(8)
                .add(Role::Text, line);
            canvas.line(row(body, at), &line);
            at += 1;
        }
    }
    at + 1
}

/// Why it failed as a whole, and what it left for being very many, with what to do about it.
fn said(detail: &RunDetail) -> Vec<(&'static str, Role, String)> {
    let mut said = Vec::new();
    if let Some(failure) = &detail.run.failure {
        said.extend([
            (
                "FAIL",
                Role::Fail,
                format!("{}: {}", failure.code, failure.what),
            ),
            ("Why", Role::Text, failure.why.clone()),
            ("Fix", Role::Text, failure.fix.clone()),
            ("Log", Role::Dim, logged(&failure.request)),
        ]);
    }
    for held in &detail.holds {
        said.push((Word::Hold.as_str(), word_role(Word::Hold), held.to_string()));
        let fix = "Enter on its line of the Overview, or:".to_owned();
        said.push(("Fix", Role::Text, fix));
        // On a row of its own, to be copied.
        said.push(("", Role::Text, held.way_out(&detail.run.pair)));
    }
    said.retain(|(.., text)| !text.is_empty());
    said
}

/// Where the log says more; nothing for a failure without a request.
pub(super) fn logged(request: &str) -> String {
    match request {
        "" => String::new(),
        id => format!("request {id}"),
    }
}

fn groups(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    if area.height == 0 {
        return;
    }
    let note = detail.groups.len().to_string();
    let body = pane(canvas, area, focus, "Errors by kind", note);
    if detail.groups.is_empty() {
        // The cause of a run that failed as a whole stands above.
        let says = match detail.run.failure {
            Some(_) => "  No record by itself: the run as a whole did not come to its end.",
            None => "  Nothing failed.",
        };
        canvas.put(row(body, 0), Role::Dim, says);
        return;
    }
    let selected = model.log.groups.selected().min(detail.groups.len() - 1);
    let mut lines = Vec::new();
    let (mut cursor, mut end) = (0, 0);
    let height = usize::from(body.height).max(1);
    let more = height.saturating_sub(detail.groups.len() + 2).min(MORE);
    for (at, group) in detail.groups.iter().enumerate() {
        let shown = if at == selected {
            cursor = lines.len();
            whole(model, more)
        } else {
            Shown::Short
        };
        lines.extend(group_lines(group, shown, usize::from(body.width)));
        if at == selected {
            end = lines.len();
        }
    }
    let offset = end.saturating_sub(height).min(cursor);
    for (at, line) in lines.iter().enumerate().skip(offset).take(height) {
        let place = row(body, u16::try_from(at - offset).unwrap_or(0));
        canvas.line(place, line);
        if at == cursor {
            canvas.put(Rect { width: 1, ..place }, Role::Title, ">");
            tint(canvas, place, focus);
        }
    }
}

fn tint(canvas: &mut Canvas<'_>, place: Rect, focus: Focus) {
    match focus {
        Focus::Here => {
            canvas.tint(place, Role::Cursor);
            canvas.place_cursor(place.x, place.y);
        }
        Focus::Elsewhere => canvas.tint(place, Role::CursorOther),
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
                .add(Role::Dim, logged(&group.request)),
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

fn records(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let part = &detail.records;
    let body = pane(canvas, area, focus, "Records", text::group(part.total));
    if part.total == 0 {
        canvas.put(
            row(body, 0),
            Role::Dim,
            "  No record was changed and none failed.",
        );
        return;
    }
    record_table(model, detail, canvas, body, focus);
}

fn record_table(
    model: &Model,
    detail: &RunDetail,
    canvas: &mut Canvas<'_>,
    body: Rect,
    focus: Focus,
) {
    let part = &detail.records;
    let columns = [
        fixed("State", 5),
        share("Name", 14),
        fixed("Record", 11),
        share("What", 16),
        fixed("Tries", 5),
        fixed("Next try", 8),
    ];
    let table = Table {
        columns: &columns,
        signs: Signs::Shown,
        focus,
        len: usize::try_from(part.total).unwrap_or(usize::MAX),
    };
    table.draw(canvas, body, &model.log.records, |index| {
        let record = index
            .checked_sub(part.offset)
            .and_then(|i| part.rows.get(i));
        match record {
            Some(record) => record_row(model, detail, record),
            None => Row {
                cells: vec![Line::text("..")],
                ..Row::default()
            },
        }
    });
}

fn record_row(model: &Model, detail: &RunDetail, record: &RecordResult) -> Row {
    let word = match (&record.failure, record.kind) {
        (Some(_), _) => Line::of(Role::Fail, "FAIL"),
        (None, ResultKind::Conflict) => Line::of(Role::Conf, "CONF"),
        (None, ResultKind::Deferred | ResultKind::Ambiguous) => Line::of(Role::Ok, "WAIT"),
        (None, ResultKind::Quarantined) => Line::of(Role::Fail, "FAIL"),
        (None, ResultKind::Skipped) => Line::of(Role::Dim, "OFF"),
        (None, ResultKind::Applied | ResultKind::Noop) => Line::of(Role::Ok, "OK"),
    };
    let what = match &record.failure {
        Some(failure) if failure.fields.is_empty() => failure.code.clone(),
        Some(failure) => format!("{} {}", failure.code, failure.fields.join(", ")),
        None => record.did.clone(),
    };
    let id = match &record.crm_id {
        Some(id) => text::fit_id(id.as_str(), 11),
        None => text::fit_id(record.app_id.to_string(), 11),
    };
    let sign = if model.log.marks.contains(&record.app_id) {
        Sign::Marked
    } else {
        Sign::None
    };
    Row {
        sign,
        cells: vec![
            word,
            Line::text(record.name.as_str()),
            Line::of(Role::Dim, id),
            Line::text(what),
            Line::text(record.tries.to_string()),
            Line::text(next_try(model, detail, record)),
        ],
    }
}

/// When a record is tried again: what was put off goes with the next run of its pair, what was
/// refused waits for a change, or for a person.
fn next_try(model: &Model, detail: &RunDetail, record: &RecordResult) -> String {
    let pair = model.pairs().iter().find(|p| p.name == detail.run.pair);
    // An older run cannot tell what the runs after it did.
    let newest = pair.filter(|p| p.last.is_some_and(|last| last.id == detail.run.id));
    let put_off = matches!(record.kind, ResultKind::Deferred | ResultKind::Ambiguous);
    match newest.map(|p| p.next) {
        _ if detail.held.contains(&record.app_id) => "held".into(),
        Some(Next::At(at)) if put_off => model.clock_short(at),
        Some(Next::Now | Next::Queued) if put_off => "now".into(),
        Some(Next::Paused) if put_off => "paused".into(),
        Some(Next::Manual) if put_off => "by hand".into(),
        _ => "-".into(),
    }
}

fn steps(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let body = pane(canvas, area, focus, "Steps", detail.steps.len().to_string());
    let height = usize::from(body.height);
    let state: &ListState = &model.log.steps;
    let offset = state.window(detail.steps.len(), height);
    for (at, line) in detail.steps.iter().enumerate().skip(offset).take(height) {
        let place = row(body, u16::try_from(at - offset).unwrap_or(0));
        canvas.line(place, &log::log_line(model, line));
        if at == state.selected() && focus == Focus::Here {
            tint(canvas, place, focus);
        }
    }
}
