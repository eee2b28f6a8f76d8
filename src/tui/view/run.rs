//! One run: what it did, errors by kind with cause and remedy, records, steps.

mod errors;

use ratatui::layout::Rect;

use crate::domain::run::{Counts, RecordResult, ResultKind, RunState, Word};
use crate::engine::summary::Next;
use crate::engine::view::RunDetail;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{Loaded, RunPane};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::trouble::{self, Trouble};
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

use super::{log, part, split, state, word_role};

/// Rows that records and steps keep below a long cause: a rule and a row each, and free ones.
const LEFT: u16 = 6;

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
            RunPane::Groups => errors::draw(model, detail, canvas, area, Focus::Here),
            RunPane::Records => records(model, detail, canvas, area, Focus::Here),
            RunPane::Steps => steps(model, detail, canvas, area, Focus::Here),
        };
    }
    let head = head(model, detail, canvas, area);
    if focus == Focus::Elsewhere && area.height < 16 {
        return compact(model, detail, canvas, below(area, head));
    }
    let rest = below(area, head + 1);
    let wants = errors::rows(model, detail, area.width);
    // Two fifths, and what few records and steps leave: each has its rule, records their titles.
    let below_it = detail.records.rows.len().max(1) + detail.steps.len() + 5;
    let spare = u16::try_from(below_it).map_or(0, |used| rest.height.saturating_sub(used));
    let most = match Trouble::selected(model) {
        // Why nothing went on is worth more than what little came before it.
        Some(Trouble::Whole(_)) => rest.height.saturating_sub(LEFT),
        _ => spare.max(rest.height * 2 / 5),
    };
    let top = wants.min(most).max(3);
    errors::draw(
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
    let lines = errors::worst(model, detail, area);
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
    let took = log::took(run);
    let took = match run.state {
        RunState::Failed | RunState::Cancelled | RunState::Interrupted | RunState::PutOff => {
            format!("{} after {took}", run.state)
        }
        _ => format!("took {took}"),
    };
    let head = format!(
        "{} {}, {took}, mapping v{}, {}",
        model.clock(run.started_at),
        run.cause,
        run.mapping_version,
        text::count(run.calls, "API call", "API calls")
    );
    let did = format!(
        "{} read, {} same, {} in, {} out, {}{}",
        text::group(c.read),
        text::group(c.same),
        text::group(c.pulled),
        text::group(c.pushed),
        text::count(c.conflicts, "conflict", "conflicts"),
        rest(&c)
    );
    let facts = [
        (detail.word().as_str(), word_role(detail.word()), head),
        ("", Role::Text, did),
    ];
    let columns = usize::from(area.width.saturating_sub(9)).max(20);
    let mut at = 0;
    let facts = facts.into_iter();
    for (label, role, text) in facts.chain(held(detail)) {
        for (n, line) in text::wrap(&text, columns).iter().enumerate() {
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

/// What was neither the same nor done: no record is without a word.
fn rest(counts: &Counts) -> String {
    let put_off = format!(", {} put off", text::group(counts.deferred));
    match (counts.skipped, counts.deferred) {
        (0, _) => put_off,
        (skipped, 0) => format!(", {} skipped", text::group(skipped)),
        (skipped, _) => format!("{put_off}, {} skipped", text::group(skipped)),
    }
}

/// That it was taken back; what it left for being very many, with what to do about it.
fn held(detail: &RunDetail) -> Vec<(&'static str, Role, String)> {
    let mut said = Vec::new();
    if let Some(by) = detail.taken_back {
        let word = Word::Info;
        let text = format!("taken back by run {by}");
        said.push((word.as_str(), word_role(word), text));
    }
    for held in &detail.holds {
        said.push((Word::Hold.as_str(), word_role(Word::Hold), held.to_string()));
        let fix = "Enter on its line of the Overview, or:".to_owned();
        said.push(("Fix", Role::Text, fix));
        // On a row of its own, to be copied.
        said.push(("", Role::Text, held.way_out(&detail.run.pair)));
    }
    said
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

fn records(model: &Model, detail: &RunDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let part = &detail.records;
    let body = pane(canvas, area, focus, "Records", text::group(part.total));
    if part.total == 0 {
        // A first import is its own list.
        let text = match detail.run.counts.created {
            0 => "  No record was changed and none failed.",
            _ => "  What a first import takes in is not listed here: Records has it.",
        };
        canvas.put(row(body, 0), Role::Dim, text);
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
    let put_off = matches!(record.kind, ResultKind::Deferred | ResultKind::Ambiguous);
    match trouble::next(model, detail) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_has_its_word_too() {
        let counts = |skipped, deferred| Counts {
            skipped,
            deferred,
            ..Counts::default()
        };
        assert_eq!(rest(&counts(0, 0)), ", 0 put off");
        assert_eq!(rest(&counts(33, 0)), ", 33 skipped");
        assert_eq!(rest(&counts(33, 2)), ", 2 put off, 33 skipped");
    }
}
