//! The list of records with open conflicts, oldest first.

use ratatui::layout::Rect;

use crate::domain::mapping::Strategy;
use crate::domain::run::Word;
use crate::engine::view::{ConflictRow, RowRules};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::Loaded;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

use super::log::filter_row;
use super::{conflict, part, spelled, split, state, word};

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if model.zoom == Zoom::Whole || model.low() {
        return list(model, canvas, area, Focus::Here);
    }
    if model.wide() {
        let (left, right) = split(model, canvas, area);
        beside(model, canvas, left, Focus::Here);
        return conflict::detail(model, canvas, right, Focus::Elsewhere);
    }
    let lower = (area.height * 2 / 5).max(6);
    let upper = area.height.saturating_sub(lower + 1);
    list(model, canvas, part(area, 0, upper), Focus::Here);
    digest(model, canvas, below(area, upper + 1));
}

/// Rows of what can be decided for many, its rule included.
const MANY: u16 = 6;

/// The list beside a conflict; what can be decided for many below it, where there is room.
pub fn beside(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let rows = u16::try_from(model.conflicts.rows.len()).unwrap_or(u16::MAX);
    let wants = rows.saturating_add(3).max(8);
    let decides = rows > 0 && model.read_only().is_none();
    if !decides || area.height < wants.saturating_add(MANY) {
        return list(model, canvas, area, focus);
    }
    list(model, canvas, part(area, 0, wants), focus);
    let title = "Same decision for many";
    let body = pane(canvas, below(area, wants + 1), Focus::Elsewhere, title, "");
    let key = |action| model.options.keymap.key_of(action).unwrap_or_default();
    let marked = match model.conflicts.marks.len() {
        0 => format!(
            "{} marks a record, {} all.",
            key(Action::Mark),
            key(Action::MarkAll)
        ),
        n => format!("{} marked.", text::group(n as u64)),
    };
    let says = format!(
        "{marked} {} or {} stages one side for all open fields of the marked records; then {} \
         shows the batch before it goes. {} on a field offers a rule that decides by itself.",
        key(Action::AllApp),
        key(Action::AllCrm),
        key(Action::Write),
        key(Action::Actions)
    );
    let room = usize::from(body.width.saturating_sub(2));
    let lines = text::wrap(&says, room);
    for (at, line) in (0..).zip(&lines) {
        canvas.line(row(body, at), &Line::text("  ").add(Role::Text, line));
    }
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    rules(model, canvas, below(body, used.saturating_add(1)));
}

/// Why rules that go by time are not counted.
const UNTIMED: &str = "  newest: not counted, clocks unknown yet";

/// What rules would decide of the fields of the record shown, with how many of the pair.
fn rules(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let mut lines: Vec<Line> = detail
        .rules
        .iter()
        .flat_map(|rules| rule_lines(rules, area.width))
        .collect();
    if detail.rules.iter().any(|rules| rules.by_time.is_none()) {
        lines.push(Line::of(Role::Dim, UNTIMED));
    }
    // Below the rule.
    let room = usize::from(area.height).saturating_sub(1);
    if lines.is_empty() || room < 2 {
        return;
    }
    if lines.len() > room {
        let left = lines.split_off(room - 1).len();
        let more = format!("  {} more", text::group(left as u64));
        lines.push(Line::of(Role::Dim, more));
    }
    let key = model.options.keymap.key_of(Action::Actions);
    // The menu has rules where a field is under the cursor.
    let first = match model.conflicts.open {
        Some(_) => "",
        None => "Enter, ",
    };
    let note = key.map_or(String::new(), |key| format!("{first}{key} adds one"));
    let room = usize::from(area.width).saturating_sub(text::width(&note) + 5);
    let titles = ["Rules that could decide", "Possible rules", "Rules"];
    let title = titles.into_iter().find(|title| title.len() <= room);
    let title = title.unwrap_or("Rules");
    let body = pane(canvas, area, Focus::Elsewhere, title, note);
    for (at, line) in (0..).zip(&lines) {
        canvas.line(row(body, at), line);
    }
}

/// A line for each rule that would decide something, else one that says that none would.
fn rule_lines(rules: &RowRules, width: u16) -> Vec<Line> {
    let width = usize::from(width);
    let of = match rules.open > rules.looked_at {
        true => format!("{} seen", text::group(rules.looked_at)),
        false => text::group(rules.looked_at),
    };
    let line = |rule: &str, decided: u64| {
        let decided = format!("{} of {of}", text::group(decided));
        // Rule and count are what is compared; the field stands beside them.
        let at = width.saturating_sub(text::width(&decided)).min(26);
        let left = at.saturating_sub(rule.len() + 5).clamp(3, 14);
        let label = text::fit(rules.label.as_str(), left);
        Line::text("  ")
            .add(Role::Text, format!("{label}: {rule}"))
            .to_column(at)
            .add(Role::Text, decided)
    };
    let times = rules.by_time.unwrap_or_default();
    let known = [
        ("app or crm", rules.one_side),
        (Strategy::Filled.name(), rules.filled),
        (Strategy::Newest.name(), times.newest),
        ("newest-or", times.or_a_side),
    ];
    let known = known.iter().filter(|(_, decided)| *decided > 0);
    let lines: Vec<Line> = known.map(|(rule, decided)| line(rule, *decided)).collect();
    match lines.is_empty() {
        true => vec![line("no rule", 0)],
        false => lines,
    }
}

/// The list itself.
pub fn list(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let area = filter_row(model, canvas, area, "Filter", &model.conflicts.filter);
    let rows = &model.conflicts.rows;
    let open = text::group(rows.len() as u64);
    let settled = rows.row(0).is_some_and(|row| row.word == Word::Ok);
    let note = if settled {
        format!("{open} settled, newest first")
    } else if area.width >= 60 {
        format!("{open} open, oldest first")
    } else {
        format!("{open} open")
    };
    let body = pane(canvas, area, focus, "Conflicts", note);
    match &rows.part {
        Loaded::Waiting => return state::loading(canvas, body, "the conflicts"),
        Loaded::Failed(text, hint) => return state::failed(canvas, body, text, hint.as_deref()),
        Loaded::Here(_) if rows.is_empty() && !model.conflicts.filter.is_empty() => {
            let lines = ["No conflict fits the filter.", "", "Esc clears it."];
            return state::empty(canvas, body, &lines);
        }
        Loaded::Here(_) if rows.is_empty() => return empty(model, canvas, body),
        Loaded::Here(_) => {}
    }
    // What a record waits for says more than the object, which is in its own title too.
    let (with_pair, with_wait) = (area.width >= 72, area.width >= 56);
    let mut columns = vec![fixed("State", 5)];
    columns.push(share("Record", if with_wait { 18 } else { 12 }));
    if with_pair {
        columns.push(fixed("Pair", 12));
    }
    columns.push(fixed("Fields", 6));
    if with_wait {
        columns.push(fixed("Waits for", 17));
    }
    columns.push(fixed("Age", if with_wait { 7 } else { 6 }));
    let table = Table {
        columns: &columns,
        signs: Signs::Shown,
        focus,
        len: rows.len(),
    };
    table.draw(canvas, body, &rows.list, |index| {
        let Some(record) = rows.row(index) else {
            return Row {
                cells: vec![Line::text("..")],
                ..Row::default()
            };
        };
        let mut cells = vec![word(record.word), Line::text(record.name.as_str())];
        if with_pair {
            cells.push(Line::text(record.object.as_str()));
        }
        cells.push(Line::text(match record.open {
            0 => "-".to_owned(),
            n => format!("{n} ({})", record.decided),
        }));
        if with_wait {
            cells.push(Line::text(record.waits_for.as_str()));
        }
        cells.push(Line::text(model.age(record.since)));
        Row {
            sign: sign(model, record),
            cells,
        }
    });
}

fn sign(model: &Model, record: &ConflictRow) -> Sign {
    if model.conflicts.marks.contains_key(&record.key) {
        Sign::Marked
    } else if record.decided > 0 {
        Sign::Staged
    } else {
        Sign::None
    }
}

fn empty(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let last = model
        .pairs()
        .iter()
        .filter_map(|p| p.last)
        .max_by_key(|l| l.at)
        .map_or("Nothing has run yet.".to_owned(), |l| {
            format!("The last run was {} at {}.", l.id, model.clock(l.at))
        });
    state::empty(
        canvas,
        area,
        &[
            "No open conflicts.",
            "",
            &last,
            "New ones show up here when both sides change the same field.",
            "",
            match model.read_only() {
                None => "1 overview and s sync now      2 log      4 rules",
                Some(_) => "2 log      4 rules",
            },
        ],
    );
}

/// The record under the cursor, in short.
fn digest(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return;
    };
    let crm = detail.crm_id.as_ref().map_or("not there".into(), |id| {
        text::fit_id(id.as_str(), 10).to_string()
    });
    let differ = text::count(
        detail
            .fields
            .iter()
            .filter(|f| f.conflict.is_some())
            .count() as u64,
        "field differs",
        "fields differ",
    );
    let note = match &detail.record {
        Some(record) => record.conflict.kind.cause(),
        None => format!("{} {crm}, {differ}", detail.object),
    };
    let body = pane(canvas, area, Focus::Elsewhere, detail.name.as_str(), note);
    let mut lines = spelled::digest(model, detail, usize::from(body.width));
    let rule = spelled::rule(model, detail, usize::from(body.width));
    let room = usize::from(body.height).saturating_sub(usize::from(rule.is_some()));
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push(Line::of(Role::Dim, "  .. more in the record"));
    }
    lines.extend(rule);
    for (at, line) in lines.iter().enumerate() {
        canvas.line(row(body, u16::try_from(at).unwrap_or(u16::MAX)), line);
    }
}
