//! Records: the list of a pair, and one record on both sides.

use ratatui::layout::Rect;

use crate::domain::listing::{Order, Sort};
use crate::domain::run::Word;
use crate::domain::value::Cell;
use crate::engine::summary::PairRow;
use crate::engine::view::{HeldFrom, RecordDetail, RecordField, Staging, standing};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{Loaded, RecordsPane};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::trouble::logged;
use crate::tui::update::cell_text;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Column, Row, Sign, Signs, Table, fixed, share};

use super::{field_state, legend, log, part, split, state, views, word, word_role};

/// Column of what is said of the field under the cursor.
const STATE_AT: usize = 13;

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let open = model.records.open.is_some();
    if model.zoom == Zoom::Whole {
        if open {
            return detail(model, canvas, area, Focus::Here);
        }
        return list(model, canvas, area, Focus::Here);
    }
    let views = model.records.pane == RecordsPane::Views;
    let area = match views || model.widest() && !open {
        true => beside(model, canvas, area),
        false => area,
    };
    let here = !open && !views;
    if model.wide() {
        let (left, right) = split(model, canvas, area);
        list(model, canvas, left, Focus::when(here));
        return detail(model, canvas, right, Focus::when(open));
    }
    if open {
        return detail(model, canvas, area, Focus::Here);
    }
    if model.low() {
        return list(model, canvas, area, Focus::when(here));
    }
    let lower = area.height * 2 / 5;
    let upper = area.height.saturating_sub(lower + 1);
    list(model, canvas, part(area, 0, upper), Focus::when(here));
    detail(model, canvas, below(area, upper + 1), Focus::Elsewhere);
}

/// The pane of views at the left; gives what is left beside it.
fn beside(model: &Model, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
    let width = views::WIDTH.min(area.width / 2);
    let column = Rect { width, ..area };
    views::draw(model, canvas, column);
    let rule = Rect {
        x: area.x + width + 1,
        width: 1,
        ..area
    };
    canvas.vertical(rule);
    Rect {
        x: area.x + width + 3,
        width: area.width.saturating_sub(width + 3),
        ..area
    }
}

/// The pairs in a row, when there is a choice; gives what is left below.
pub fn pair_row(model: &Model, canvas: &mut Canvas<'_>, area: Rect, shown: Option<&str>) -> Rect {
    if model.pairs().len() < 2 {
        return area;
    }
    let keys = Line::of(Role::Dim, "  h l other pair");
    let room = usize::from(area.width).saturating_sub(keys.width());
    let titles = pair_line(model, shown, |pair| pair.title.as_str());
    let line = if titles.width() <= room {
        titles
    } else {
        pair_line(model, shown, |pair| pair.name.as_str())
    };
    canvas.line(row(area, 0), &line);
    canvas.right(row(area, 0), &keys);
    below(area, 1)
}

fn pair_line(model: &Model, shown: Option<&str>, name: impl Fn(&PairRow) -> &str) -> Line {
    model.pairs().iter().fold(Line::text(" "), |line, pair| {
        if Some(pair.name.as_str()) == shown {
            line.add_over(Role::Title, Role::Cursor, format!("[{}]", name(pair)))
        } else {
            line.add(Role::Dim, format!(" {} ", name(pair)))
        }
    })
}

fn list(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let records = &model.records;
    let area = pair_row(
        model,
        canvas,
        area,
        records.pair.as_ref().map(|p| p.as_str()),
    );
    let area = log::filter_row(model, canvas, area, "Filter", &records.filter);
    let area = legend::foot(model, canvas, area);
    let note = match records.shown() {
        (all, None) => text::group(all),
        (shown, Some(all)) => format!("{} of {}", text::group(shown), text::group(all)),
    };
    let title = model
        .pairs()
        .iter()
        .find(|p| Some(&p.name) == records.pair.as_ref())
        .map_or_else(|| "Records".to_owned(), |p| p.title.clone());
    let title = [
        Some(title),
        records.view.clone(),
        order(records.shape.sort.as_ref()),
    ];
    let title = title.into_iter().flatten().collect::<Vec<_>>().join("  ");
    let mut body = pane(canvas, area, focus, title, note);
    if let Some(why) = records
        .filter_error
        .as_ref()
        .filter(|_| model.filter.is_none())
    {
        let line = Line::of(Role::FieldError, "  FAIL  ").add(Role::Text, why.as_str());
        canvas.line(row(body, 0), &line);
        body = below(body, 1);
    }
    let seen = records.rows.seen().map_or(0, |part| part.total);
    let len = usize::try_from(seen).unwrap_or(usize::MAX);
    match &records.rows.part {
        Loaded::Waiting if records.pair.is_none() => {
            return state::empty(canvas, body, &["No pair is set up yet."]);
        }
        Loaded::Waiting if records.rows.seen().is_none() => {
            return state::loading(canvas, body, "the records");
        }
        Loaded::Failed(text, hint) => return state::failed(canvas, body, text, hint.as_deref()),
        _ if len == 0 && records.filter.is_empty() => {
            let keys = match model.read_only() {
                None => "s syncs this pair now; i makes a record in the App.",
                Some(_) => "",
            };
            let lines = ["No records yet.", "", keys];
            return state::empty(canvas, body, &lines);
        }
        _ if len == 0 => {
            return state::empty(
                canvas,
                body,
                &["No record fits the filter.", "", "Esc clears it."],
            );
        }
        Loaded::Waiting | Loaded::Here(_) => {}
    }
    let names: Vec<&str> = records.page.as_ref().map_or(Vec::new(), |p| {
        p.columns.iter().map(|c| c.as_str()).collect()
    });
    // State, name and time need forty columns; each further column sixteen.
    let fits = usize::from(area.width.saturating_sub(44) / 16);
    let mut columns: Vec<Column<'_>> = vec![fixed("State", 5), share("Name", 16)];
    columns.extend(names.iter().take(fits).map(|name| share(name, 14)));
    columns.push(fixed("Changed", 11));
    let table = Table {
        columns: &columns,
        signs: Signs::Shown,
        focus,
        len,
    };
    table.draw(canvas, body, &records.rows.list, |index| {
        let Some(record) = records.rows.seen_row(index) else {
            return Row {
                cells: vec![Line::text("..")],
                ..Row::default()
            };
        };
        let mut cells = vec![word(record.word), Line::text(record.name.as_str())];
        cells.extend((0..names.len().min(fits)).map(|at| {
            match record.values.get(at).and_then(Option::as_deref) {
                None => Line::of(Role::Dim, text::value(None)),
                value => Line::text(text::value(value)),
            }
        }));
        cells.push(Line::text(model.clock(record.changed)));
        let sign = match (records.marks.contains(&record.key), record.staged) {
            (true, _) => Sign::Marked,
            (false, Staging::Edit | Staging::New) => Sign::Staged,
            (false, Staging::Nothing) => Sign::None,
        };
        Row { sign, cells }
    });
}

/// The order of the list, as the title says it.
fn order(sort: Option<&Sort>) -> Option<String> {
    let sort = sort?;
    Some(match sort.order {
        Order::Up => format!("by {}", sort.by),
        Order::Down => format!("by {}, largest first", sort.by),
    })
}

fn detail(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    match &model.records.detail {
        Loaded::Waiting if model.records.open.is_none() => {}
        Loaded::Waiting => state::loading(canvas, area, "this record"),
        Loaded::Failed(text, hint) => state::failed(canvas, area, text, hint.as_deref()),
        Loaded::Here(detail) => both_sides(model, detail, canvas, area, focus),
    }
}

fn both_sides(
    model: &Model,
    detail: &RecordDetail,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let crm = detail.link.as_ref().and_then(|l| l.crm_id.as_ref());
    let crm = crm.map_or("not there".to_owned(), |id| {
        text::fit_id(id.as_str(), 10).to_string()
    });
    let note = format!(
        "{} {crm} <-> {} {}",
        detail.pair.object,
        detail.pair.table,
        text::fit_id(detail.key.app_id.to_string(), 10)
    );
    let body = pane(canvas, area, focus, detail.name.as_str(), note);
    let said = said_lines(detail, usize::from(body.width));
    let said_rows = u16::try_from(said.len()).unwrap_or(0).min(body.height / 2);
    // Beside a list there is room for all of it, too; a filter that is typed takes the record away
    // with every letter.
    let beside = model.wide() && model.filter.is_none();
    let whole = focus == Focus::Here || beside;
    let value = match whole {
        true => {
            let said = whole_state(model, detail, area.width).len();
            3 + u16::from(detail.staged.is_some()) + u16::try_from(said).unwrap_or(0)
        }
        false => 0,
    };
    let wants = u16::try_from(detail.fields.len() + 1).unwrap_or(u16::MAX);
    let history = match whole {
        true => u16::try_from(detail.history.len().min(8) + 2).unwrap_or(2),
        false => 0,
    };
    let room = body.height.saturating_sub(said_rows + value);
    let top = wants.min(room.saturating_sub(history.min(room / 3)).max(room / 2));
    fields(model, detail, canvas, part(body, 0, top), focus);
    for (at, line) in said.iter().enumerate().take(usize::from(said_rows)) {
        canvas.line(row(body, top + u16::try_from(at).unwrap_or(0)), line);
    }
    let rest = below(body, top + said_rows);
    if whole {
        full_value(model, detail, canvas, part(rest, 0, value));
        let rest = below(rest, value);
        if rest.height > 1 {
            let note = detail.history.len().to_string();
            let body = pane(canvas, rest, Focus::Elsewhere, "History", note);
            log::lines(model, canvas, body, &detail.history);
        }
    }
}

fn cell(value: Option<&Cell>) -> text::Safe {
    value.map_or_else(|| text::Safe::from("(not read)"), |cell| cell_text(cell))
}

fn fields(model: &Model, detail: &RecordDetail, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let columns = [
        fixed("Field", 16),
        share("App", 14),
        share("Salesforce", 14),
        fixed("State", field_state::WIDTH),
    ];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: detail.fields.len(),
    };
    table.draw(canvas, area, &model.records.fields, |index| {
        let Some(field) = detail.fields.get(index) else {
            return Row::default();
        };
        let role = match field.state.as_str() {
            "same" | "off" => Role::Dim,
            state if state.starts_with("FAIL") => Role::Fail,
            _ => Role::Title,
        };
        Row {
            cells: vec![
                Line::text(field.app_label.as_str()),
                app_cell(field),
                Line::of(Role::Crm, cell(field.crm.as_ref())),
                match field.staged {
                    Some(_) => Line::of(Role::Title, "staged"),
                    None => Line::of(role, field_state::short(&field.state)),
                },
            ],
            ..Row::default()
        }
    });
}

/// What the App has, or what is staged instead; both are told of the field under the cursor.
fn app_cell(field: &RecordField) -> Line {
    match &field.staged {
        None => Line::of(Role::App, cell(field.app.as_ref())),
        Some(staged) => Line::of(Role::Title, "~ ").add(Role::App, cell_text(staged)),
    }
}

/// The field under the cursor with its whole value, a line for each side.
fn full_value(model: &Model, detail: &RecordDetail, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(field) = detail.fields.get(model.records.fields.selected()) else {
        return;
    };
    let names = [
        (
            "App",
            Role::App,
            field.app_label.as_str(),
            field.app.as_ref(),
        ),
        (
            "Salesforce",
            Role::Crm,
            field.crm_label.as_str(),
            field.crm.as_ref(),
        ),
    ];
    let staged = field.staged.as_ref();
    let staged = staged.map(|value| ("Staged", Role::App, field.app_label.as_str(), Some(value)));
    for (at, (system, role, label, value)) in names.into_iter().chain(staged).enumerate() {
        let mut line = Line::text("  ").add(role, system).to_column(13);
        // In a narrow pane the value has the room; the cursor says which field it is of.
        if area.width >= 60 {
            line = line.add(Role::Dim, text::fit(label, 18)).to_column(32);
        }
        let line = line.add(role, cell(value));
        canvas.line(row(area, u16::try_from(at).unwrap_or(0) + 1), &line);
    }
    for (at, text) in (3..).zip(whole_state(model, detail, area.width)) {
        let label = if at == 3 { "State" } else { "" };
        let line = Line::text("  ").add(Role::Dim, label).to_column(STATE_AT);
        canvas.line(row(area, at), &line.add(Role::Text, text));
    }
}

/// What the state of the field under the cursor means, where its column has no room for it, and
/// the keys that end it.
fn whole_state(model: &Model, detail: &RecordDetail, width: u16) -> Vec<text::Safe> {
    let Some(field) = detail.fields.get(model.records.fields.selected()) else {
        return Vec::new();
    };
    if field.staged.is_some() || field_state::short(&field.state).as_str() == field.state {
        return Vec::new();
    }
    let keys: &[(Action, &str)] = match field.held {
        None => &[],
        Some(HeldFrom::Write) => &[(Action::Propagate, "ends it")],
        Some(HeldFrom::Decision) => &[
            (Action::Propagate, "ends it"),
            (Action::GoConflicts, "decides it anew"),
        ],
    };
    let keys = keys.iter().filter_map(|(action, does)| {
        let key = model.options.keymap.key_of(*action)?;
        Some(format!("{key} {does}"))
    });
    let said: Vec<String> = [field.state.clone()].into_iter().chain(keys).collect();
    let columns = usize::from(width).saturating_sub(STATE_AT + 1);
    text::wrap(&said.join("; "), columns)
}

/// What holds for the record as a whole, and why it fails.
fn said_lines(detail: &RecordDetail, width: usize) -> Vec<Line> {
    let (word, means) = standing(detail.link.as_ref());
    let mut said: Vec<(&str, Role, String)> = Vec::new();
    said.extend(means.map(|means| (word.as_str(), word_role(word), means.to_owned())));
    if let Some(failure) = &detail.failure {
        let what = format!("{}: {}", failure.code, failure.what);
        said.push((Word::Fail.as_str(), word_role(Word::Fail), what));
        said.push(("Why", Role::Text, failure.why.clone()));
        said.push(("Fix", Role::Text, failure.fix.clone()));
        said.push(("Log", Role::Dim, logged(&failure.request)));
    }
    let columns = width.saturating_sub(8).max(20);
    let mut out = Vec::new();
    for (label, role, text) in said.into_iter().filter(|(.., text)| !text.is_empty()) {
        for (n, line) in text::wrap(&text, columns).iter().take(2).enumerate() {
            let label = if n == 0 { label } else { "" };
            let line = Line::text("  ")
                .add(role, label)
                .to_column(8)
                .add(Role::Text, line);
            out.push(line);
        }
    }
    out
}
