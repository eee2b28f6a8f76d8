//! Mapping: rows, what the row under the cursor does with real records, versions.

mod preview;

use ratatui::layout::Rect;

use crate::domain::mapping::{Pair, Row as MapRow, Switch};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::view::Problem;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{Loaded, MappingPane};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::staged_changes;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

pub use self::preview::preview;
use self::preview::samples_pane;
use super::{offers, part, records, split, state, word};

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
        Focus::Here if model.read_only().is_some() => "Enter compares",
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
