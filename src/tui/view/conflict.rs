//! One conflict: the fields side by side, the field in focus spelled out against the base, and
//! exactly what `w` will send.

use ratatui::layout::Rect;

use crate::domain::conflict::Kind;
use crate::domain::transform::Side;
use crate::engine::view::{ConflictDetail, FieldStanding};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{ConflictPane, Loaded};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{Place, cell_text, conflict_place, field_index};
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Signs, Table, fixed, share};

use super::{conflicts, contract, part, spelled, split, state};

/// Draws the screen of an open conflict.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if model.wide() && model.zoom == Zoom::Shared {
        let (left, right) = split(model, canvas, area);
        conflicts::beside(model, canvas, left, Focus::Elsewhere);
        detail(model, canvas, right, Focus::Here);
    } else {
        detail(model, canvas, area, Focus::Here);
    }
}

/// Draws the record shown, or why it is not here.
pub fn detail(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    match &model.conflicts.detail {
        Loaded::Waiting if model.conflicts.rows.is_empty() && model.conflicts.open.is_none() => {}
        Loaded::Waiting => state::loading(canvas, area, "this conflict"),
        Loaded::Failed(text, hint) => state::failed(canvas, area, text, hint.as_deref()),
        Loaded::Here(None) => {
            state::empty(
                canvas,
                area,
                &["This record has no open conflicts any more."],
            );
        }
        Loaded::Here(Some(detail)) => panes(model, detail, canvas, area, focus),
    }
}

fn panes(
    model: &Model,
    detail: &ConflictDetail,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let on = |pane| match focus {
        Focus::Here => Focus::when(model.conflicts.pane == pane),
        Focus::Elsewhere => Focus::Elsewhere,
    };
    let (in_fields, in_writes) = (on(ConflictPane::Fields), on(ConflictPane::Writes));
    if model.zoom == Zoom::Whole && model.conflicts.pane == ConflictPane::Writes {
        return contract::draw(model, detail, canvas, area, in_writes);
    }
    let items = u16::try_from(items(detail)).unwrap_or(u16::MAX);
    let same = if model.zoom == Zoom::Whole {
        u16::try_from(detail.same.len()).unwrap_or(u16::MAX)
    } else {
        0
    };
    // Rule, titles and the note are three rows; the spelled-out field and the contract keep five
    // and four at least.
    let top = items
        .saturating_add(3)
        .saturating_add(same)
        .min(area.height.saturating_sub(11).max(5));
    fields(model, detail, canvas, part(area, 0, top), in_fields);
    let left = area.height.saturating_sub(top + 1);
    let least = if model.zoom == Zoom::Whole { 0 } else { 5 };
    let spelled = spelled::spelled(model, detail, usize::from(area.width));
    let wants = u16::try_from(spelled.1.len() + 1).unwrap_or(u16::MAX);
    let middle = wants.min(left.saturating_sub(least)).max(left.min(5));
    let place = part(area, top + 1, middle);
    let body = pane(canvas, place, Focus::Elsewhere, spelled.0, spelled.2);
    lines(canvas, body, &spelled.1);
    if least == 0 {
        return;
    }
    let rest = below(area, top + middle + 2);
    let history = if model.wide() && rest.height > 14 {
        u16::try_from(detail.history.len().min(8) + 1).unwrap_or(0)
    } else {
        0
    };
    if history > 1 {
        let body = pane(
            canvas,
            part(rest, 0, history),
            Focus::Elsewhere,
            "History of this record",
            text::count(detail.history.len() as u64, "event", "events"),
        );
        super::log::lines(model, canvas, body, &detail.history);
    }
    let skip = if history > 1 { history + 1 } else { 0 };
    contract::draw(model, detail, canvas, below(rest, skip), in_writes);
}

fn lines(canvas: &mut Canvas<'_>, area: Rect, lines: &[Line]) {
    for (at, line) in lines.iter().enumerate() {
        canvas.line(row(area, u16::try_from(at).unwrap_or(u16::MAX)), line);
    }
}

fn items(detail: &ConflictDetail) -> usize {
    usize::from(detail.record.is_some()) + detail.fields.len()
}

fn title(detail: &ConflictDetail) -> String {
    let crm = detail.crm_id.as_ref().map_or("not there".to_owned(), |id| {
        text::fit_id(id.as_str(), 10).to_string()
    });
    format!(
        "{}: {} {crm} <-> {} {}",
        detail.name,
        detail.object,
        detail.table,
        text::fit_id(detail.key.app_id.to_string(), 10)
    )
}

fn fields(
    model: &Model,
    detail: &ConflictDetail,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let place = match conflict_place(model) {
        Place::At(at, of) => format!("{at} of {of}"),
        Place::NotThere => "not in the list".to_owned(),
        Place::Unknown => String::new(),
    };
    let body = pane(canvas, area, focus, title(detail), place);
    let with_base = area.width >= 96;
    let columns = if with_base {
        vec![
            fixed("Field", 16),
            share("Base", 12),
            share("App", 14),
            share("Salesforce", 14),
            fixed("Take", 9),
        ]
    } else {
        vec![
            fixed("Field", 13),
            share("App", 12),
            share("Salesforce", 12),
            fixed("Take", 9),
        ]
    };
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: items(detail),
    };
    let table_rows = u16::try_from(items(detail) + 1)
        .unwrap_or(u16::MAX)
        .min(body.height.saturating_sub(1));
    let bar = |line: Line| Line::of(Role::Rule, "| ").join(line);
    table.draw(
        canvas,
        part(body, 0, table_rows),
        &model.conflicts.fields,
        |index| {
            let (name, base, app, crm, standing) =
                match (&detail.record, field_index(detail, index)) {
                    (_, Some(index)) => {
                        let Some(field) = detail.fields.get(index) else {
                            return Row::default();
                        };
                        (
                            Line::text(field.app_label.as_str()),
                            Line::of(
                                Role::Base,
                                field
                                    .base
                                    .as_ref()
                                    .map_or("-".into(), |b| cell_text(&b.app)),
                            ),
                            Line::of(Role::App, spelled::side_text(field.app.as_ref())),
                            Line::of(Role::Crm, spelled::side_text(field.crm.as_ref())),
                            spelled::take_of(field),
                        )
                    }
                    (Some(record), None) => {
                        let (app, crm) = record_cells(&record.conflict.kind);
                        (
                            Line::text("the record"),
                            Line::of(Role::Base, "-"),
                            Line::of(Role::App, app),
                            Line::of(Role::Crm, crm),
                            spelled::take(&record.standing),
                        )
                    }
                    (None, None) => return Row::default(),
                };
            let mut cells = vec![name];
            if with_base {
                cells.push(base);
                cells.push(bar(app));
            } else {
                cells.push(app);
            }
            cells.push(bar(crm));
            cells.push(spelled::take_line(standing));
            Row {
                cells,
                ..Row::default()
            }
        },
    );
    let rest = below(body, table_rows);
    canvas.put(
        row(rest, 0),
        Role::Dim,
        format!("  {}", note(model, detail)),
    );
    if model.zoom == Zoom::Whole {
        for (at, (label, cell)) in detail.same.iter().enumerate() {
            let line = Line::text("  ")
                .add(Role::Text, text::fit(label.as_str(), 16))
                .to_column(20)
                .add(Role::Dim, cell_text(cell));
            let at = u16::try_from(at).unwrap_or(u16::MAX).saturating_add(1);
            canvas.line(row(rest, at), &line);
        }
    }
}

fn record_cells(kind: &Kind) -> (String, String) {
    let (app, crm) = match kind {
        Kind::DeleteVsChange { deleted: Side::App } => ("deleted", "changed"),
        Kind::DeleteVsChange { deleted: Side::Crm } => ("changed", "deleted"),
        Kind::AmbiguousMatch { candidates } => {
            return (
                "one record".into(),
                format!("{} could be it", candidates.len()),
            );
        }
        Kind::HotRecord => ("here", "keeps changing"),
        Kind::MergeCollision { into } => {
            return ("a record of its own".into(), format!("merged into {into}"));
        }
        Kind::ParentMissing { .. } => ("its parent is gone", "never made"),
        Kind::Field
        | Kind::FirstLink
        | Kind::NormaliserFight { .. }
        | Kind::NoSuchParent { .. }
        | Kind::Rollback { .. } => ("here", "here"),
    };
    (app.into(), crm.into())
}

fn note(model: &Model, detail: &ConflictDetail) -> String {
    let mut parts = Vec::new();
    let auto: Vec<String> = detail
        .fields
        .iter()
        .filter_map(|f| match f.standing {
            FieldStanding::Auto(side) => Some(format!(
                "{}: only {} changed it.",
                f.app_label,
                spelled::system(side)
            )),
            _ => None,
        })
        .collect();
    match auto.as_slice() {
        [one] => parts.push(one.clone()),
        [] => {}
        many => parts.push(format!(
            "{} fields were changed on one side only.",
            many.len()
        )),
    }
    if !detail.same.is_empty() {
        let n = detail.same.len();
        let verb = if n == 1 { "field is" } else { "fields are" };
        let how = if model.zoom == Zoom::Whole {
            "below"
        } else {
            "z shows them"
        };
        parts.push(format!("{n} more {verb} the same; {how}."));
    }
    parts.join(" ")
}

/// Counts for the status row: decided, automatic, staged.
pub fn counts(model: &Model) -> Vec<String> {
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return Vec::new();
    };
    let mine: Vec<&FieldStanding> = detail
        .fields
        .iter()
        .filter(|f| f.conflict.is_some())
        .map(|f| &f.standing)
        .chain(detail.record.as_ref().map(|r| &r.standing))
        .collect();
    let decided = mine
        .iter()
        .filter(|s| matches!(s, FieldStanding::Decided(_) | FieldStanding::Ignored))
        .count();
    let auto = detail
        .fields
        .iter()
        .filter(|f| matches!(f.standing, FieldStanding::Auto(_)))
        .count();
    let settled = detail
        .fields
        .iter()
        .filter(|f| f.standing == FieldStanding::Settled);
    let settled = settled.count();
    let mut out = match (mine.is_empty(), settled) {
        (true, 1..) => vec![format!("{settled} settled")],
        _ => vec![format!("{decided} of {} decided", mine.len())],
    };
    if auto > 0 {
        out.push(format!("{auto} automatic"));
    }
    if decided > 0 {
        out.push("staged, not written".into());
    }
    out
}
