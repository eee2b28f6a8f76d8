//! A field of a conflict spelled out: each side against the last agreed value, and what comes
//! of it.

use crate::domain::conflict::{Choice, Origin};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Value};
use crate::engine::view::{ConflictDetail, ConflictField, FieldStanding, RecordConflict};
use crate::tui::action::Action;
use crate::tui::canvas::Line;
use crate::tui::model::{Model, Zoom};
use crate::tui::text;
use crate::tui::theme::{DiffMarks, Role};
use crate::tui::update::{cell_text, field_index};
use crate::tui::widget::diff;

/// Columns before the values.
const LABEL: usize = 14;

/// Title, lines and note of what the cursor is on.
pub fn spelled(
    model: &Model,
    detail: &ConflictDetail,
    width: usize,
) -> (String, Vec<Line>, String) {
    let at = model.conflicts.fields.selected();
    match (field_index(detail, at), &detail.record) {
        (Some(index), _) => detail.fields.get(index).map_or_else(
            || (String::new(), Vec::new(), String::new()),
            |field| {
                let labels = if field.app_label == field.crm_label {
                    field.app_label.clone()
                } else {
                    format!("{} <-> {}", field.app_label, field.crm_label)
                };
                (labels, field_lines(model, field, width), why(field))
            },
        ),
        (None, Some(record)) => (
            "The record as a whole".into(),
            record_lines(model, record, width),
            record.conflict.kind.cause(),
        ),
        (None, None) => (String::new(), Vec::new(), String::new()),
    }
}

/// Why a field stands there. One that only one side changed is asked about too, where the other
/// one may have lost its value: after a backup, or in another org.
fn why(field: &ConflictField) -> String {
    let base = match (&field.standing, &field.base) {
        (FieldStanding::Auto(side), _) => return format!("only {} changed it", system(*side)),
        (FieldStanding::Settled, _) => return "it was decided".to_owned(),
        (_, None) => return "never the same so far".to_owned(),
        (_, Some(base)) => base,
    };
    match (
        field.app.as_ref() == Some(&base.app),
        field.crm.as_ref() == Some(&base.crm),
    ) {
        (true, false) => format!("only {} changed it", system(Side::Crm)),
        (false, true) => format!("only {} changed it", system(Side::App)),
        _ => "both sides changed it".to_owned(),
    }
}

fn origin(model: &Model, origin: &Origin) -> String {
    let at = origin.at.map(|at| model.clock_short(at));
    let by = origin.by.as_deref().map(|by| text::fit(by, 18).to_string());
    [at, by].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Columns of a note with its distance.
fn noted(note: &str) -> usize {
    match note {
        "" => 0,
        note => text::width(note) + 2,
    }
}

/// Columns of a value beside its label and a note.
fn room(note: &str, width: usize) -> usize {
    width.saturating_sub(LABEL + noted(note) + 1).max(8)
}

/// A label, a value wrapped to what is left, and a note at the right of the first line.
fn valued(head: Line, value: &[Line], note: &str, width: usize, most: usize) -> Vec<Line> {
    let (room, note_width) = (room(note, width), noted(note));
    let mut wrapped: Vec<Line> = value.iter().flat_map(|line| line.wrapped(room)).collect();
    if wrapped.len() > most {
        wrapped.truncate(most);
        if let Some(last) = wrapped.pop() {
            wrapped.push(
                last.to_column(room.saturating_sub(9))
                    .add(Role::Dim, " .. more"),
            );
        }
    }
    wrapped
        .into_iter()
        .enumerate()
        .map(|(at, line)| {
            if at > 0 {
                return Line::text(" ".repeat(LABEL)).join(line);
            }
            let first = head.clone().to_column(LABEL).join(line);
            if note.is_empty() {
                return first;
            }
            first
                .to_column(width.saturating_sub(note_width))
                .add(Role::Dim, format!("  {note}"))
        })
        .collect()
}

/// Lines of a value at most.
fn most(model: &Model) -> usize {
    match (model.zoom, model.wide()) {
        (Zoom::Whole, _) => 12,
        (Zoom::Shared, true) => 6,
        (Zoom::Shared, false) => 2,
    }
}

/// What was agreed last, and what each side made of it, in so many lines each. What went is marked
/// only where there is room for it: it stands above, and what came must be seen.
fn sides(model: &Model, field: &ConflictField, width: usize, most: usize) -> Vec<Line> {
    let marks = model.theme.diff_marks();
    let (base, agreed) = match &field.base {
        Some(base) => (
            paragraphs(Role::Base, &base.app),
            format!("agreed {}", model.date(base.at)),
        ),
        None => (said("(none: the two were never the same)"), String::new()),
    };
    let mut out = valued(Line::text("  Base"), &base, &agreed, width, most);
    for side in [Side::App, Side::Crm] {
        let (cell, from, base) = match side {
            Side::App => (
                &field.app,
                &field.app_origin,
                field.base.as_ref().map(|b| &b.app),
            ),
            Side::Crm => (
                &field.crm,
                &field.crm_origin,
                field.base.as_ref().map(|b| &b.crm),
            ),
        };
        let sign = if model.conflicts.side == side {
            "> "
        } else {
            "  "
        };
        let head = Line::of(Role::Title, sign).add(role_of(side), system(side));
        let from = origin(model, from);
        let mut value = side_lines(base, cell.as_ref(), side, marks);
        let lines = |line: &Line| line.wrapped(room(&from, width)).len();
        if let (1, Some(cell)) = (most, cell)
            && value.iter().map(lines).sum::<usize>() > most
        {
            value = paragraphs(role_of(side), cell);
        }
        out.extend(valued(head, &value, &from, width, most));
    }
    out
}

pub fn field_lines(model: &Model, field: &ConflictField, width: usize) -> Vec<Line> {
    let mut out = sides(model, field, width, most(model));
    out.extend(valued(
        Line::text("  Result"),
        &result(field),
        "",
        width,
        most(model),
    ));
    if let Some(note) = &field.note {
        out.extend(valued(
            Line::text("  Why"),
            &[Line::text(note.as_str())],
            "",
            width,
            4,
        ));
    }
    out.extend(error_lines(field.error.as_deref(), width));
    if model.wide() || model.zoom == Zoom::Whole {
        let bounds = said(field.bounds());
        out.extend(valued(Line::text("  Limits"), &bounds, "", width, 2));
    }
    out
}

/// A side's value with what it changed marked against the last agreed value.
fn side_lines(base: Option<&Cell>, cell: Option<&Cell>, side: Side, marks: DiffMarks) -> Vec<Line> {
    match (base, cell) {
        (Some(base), Some(cell)) if base != cell => {
            diff::marked(&raw(base), &raw(cell), role_of(side), marks)
        }
        (_, Some(cell)) => paragraphs(role_of(side), cell),
        (_, None) => said(side_text(None)),
    }
}

/// A cell for comparing; `(null)` is a word like others, so that emptying shows.
fn raw(cell: &Cell) -> String {
    match cell.as_slice() {
        [Value::Text(text)] => text.clone(),
        cell => cell_text(cell).to_string(),
    }
}

/// A value with its own line breaks.
fn paragraphs(role: Role, cell: &Cell) -> Vec<Line> {
    match cell.as_slice() {
        [Value::Text(text)] if text.contains('\n') => text::head(text, text::LOOK)
            .split('\n')
            .map(|line| Line::of(role, line))
            .collect(),
        cell => vec![Line::of(role, cell_text(cell))],
    }
}

/// Something we say ourselves, where a value would stand.
fn said(text: impl Into<text::Safe>) -> Vec<Line> {
    vec![Line::of(Role::Dim, text)]
}

fn result(field: &ConflictField) -> Vec<Line> {
    let taken = |side: Side| match (side, &field.app, &field.crm) {
        (Side::App, Some(cell), _) | (Side::Crm, _, Some(cell)) => paragraphs(role_of(side), cell),
        _ => said(side_text(None)),
    };
    match (&field.standing, &field.result) {
        (FieldStanding::Open, _) if field.ruled.is_some() => {
            let rule = field.strategy.name();
            said(format!("(the rule {rule} decides it with the next sync)"))
        }
        (FieldStanding::Open, _) => said("(not decided: both sides keep what they have)"),
        (FieldStanding::Ignored | FieldStanding::Decided(Choice::Ignore), _) => {
            said("(set aside until one of the values changes)")
        }
        (FieldStanding::Writing, _) => said("(being written)"),
        (FieldStanding::Settled, _) => said("(decided; a value taken here is written again)"),
        (_, Some((app, crm))) if cell_text(app) == cell_text(crm) => paragraphs(Role::Title, app),
        (_, Some((app, crm))) => {
            let mut both = paragraphs(Role::App, app);
            both.extend(paragraphs(Role::Crm, crm));
            both
        }
        (FieldStanding::Auto(side), None) | (FieldStanding::Decided(Choice::Take(side)), None) => {
            taken(*side)
        }
        (FieldStanding::Decided(Choice::Base), None) => match &field.base {
            Some(base) => paragraphs(Role::Title, &base.app),
            None => Vec::new(),
        },
        (FieldStanding::Decided(Choice::Typed { cell, .. }), None) => paragraphs(Role::Title, cell),
        (FieldStanding::Decided(Choice::Both), None) => {
            let mut both = taken(Side::App);
            both.extend(taken(Side::Crm));
            both
        }
    }
}

/// What taking a side means for a record that is in conflict as a whole.
pub fn record_lines(model: &Model, record: &RecordConflict, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for side in [Side::App, Side::Crm] {
        let sign = if model.conflicts.side == side {
            "> "
        } else {
            "  "
        };
        let head = Line::of(Role::Title, sign).add(role_of(side), format!("Take {}", short(side)));
        let means = match record.take(side) {
            Ok(does) => Line::text(does.as_str()),
            Err(why) => Line::of(Role::Dim, format!("off: {why}")),
        };
        out.extend(valued(head, &[means], "", width, 3));
    }
    let decided = match &record.standing {
        FieldStanding::Decided(Choice::Take(side)) => {
            format!("{} is taken when you write", system(*side))
        }
        FieldStanding::Writing => "(being written)".into(),
        FieldStanding::Ignored => "(set aside until something changes)".into(),
        _ => "(not decided: both sides keep what they have)".into(),
    };
    out.extend(valued(Line::text("  Result"), &said(decided), "", width, 2));
    out.extend(error_lines(record.conflict.error.as_deref(), width));
    out
}

/// Why the last write failed, or the result cannot be made.
fn error_lines(error: Option<&str>, width: usize) -> Vec<Line> {
    let Some(error) = error else {
        return Vec::new();
    };
    let head = Line::of(Role::Fail, "  FAIL");
    valued(head, &[Line::text(error)], "", width, 3)
}

/// The fields of a record in short, for the pane under the list.
pub fn digest(model: &Model, detail: &ConflictDetail, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    if let Some(record) = &detail.record {
        out.push(Line::of(Role::Title, "  The record as a whole"));
        out.extend(record_lines(model, record, width));
    }
    // Those that need a person, and those whose decision can be taken back.
    let told = |f: &&ConflictField| f.conflict.is_some() || f.note.is_some();
    let mut fields: Vec<&ConflictField> = detail.fields.iter().filter(told).collect();
    // What was refused comes first: nothing goes on before that is put right.
    fields.sort_by_key(|field| field.error.is_none());
    for field in fields {
        out.push(
            Line::of(Role::Title, format!("  {}", field.app_label))
                .add(Role::Text, "   ")
                .join(take_line(take_of(field))),
        );
        out.extend(error_lines(field.error.as_deref(), width));
        out.extend(sides(model, field, width, 1));
    }
    out
}

/// How a field stands, in the last column of the table.
pub fn take_of(field: &ConflictField) -> String {
    match (&field.standing, field.ruled) {
        (FieldStanding::Open, Some(side)) => format!("rule {}", short(side)),
        (standing, _) => take(standing),
    }
}

/// The same, of a field that no rule decides, or of a record.
pub fn take(standing: &FieldStanding) -> String {
    match standing {
        FieldStanding::Open => "  ?".into(),
        FieldStanding::Auto(side) => format!("auto {}", short(*side)),
        FieldStanding::Ignored => "~ aside".into(),
        FieldStanding::Writing => "writing".into(),
        FieldStanding::Settled => "settled".into(),
        FieldStanding::Decided(choice) => match choice {
            Choice::Take(side) => format!("~ {}", short(*side)),
            Choice::Base => "~ base".into(),
            Choice::Typed { .. } => "~ typed".into(),
            Choice::Both => "~ both".into(),
            Choice::Ignore => "~ aside".into(),
        },
    }
}

fn short(side: Side) -> &'static str {
    match side {
        Side::App => "App",
        Side::Crm => "CRM",
    }
}

/// By which rules the fields in conflict go, and how that is changed.
pub fn rule(model: &Model, detail: &ConflictDetail, width: usize) -> Option<Line> {
    let menu = model.options.keymap.key_of(Action::Actions)?;
    let fields = detail.fields.iter().filter(|f| f.conflict.is_some());
    let rules: Vec<String> = fields
        .map(|field| format!("{} {}", field.app_label, field.strategy.name()))
        .collect();
    if rules.is_empty() {
        return None;
    }
    let head = if rules.len() > 1 { "Rules" } else { "Rule" };
    let ways = format!(". Enter, {menu}: \"always App\", \"always CRM\"");
    let room = width.saturating_sub(4 + head.len() + text::width(&ways));
    let rules = text::fit(rules.join(", "), room);
    Some(Line::of(Role::Dim, format!("  {head}: {rules}{ways}")))
}

/// Name of the system on a side.
pub fn system(side: Side) -> &'static str {
    match side {
        Side::App => "App",
        Side::Crm => "Salesforce",
    }
}

/// Role of what a side has.
pub fn role_of(side: Side) -> Role {
    match side {
        Side::App => Role::App,
        Side::Crm => Role::Crm,
    }
}

/// The last column of a field, with its role.
pub fn take_line(take: String) -> Line {
    Line::of(
        if take == "  ?" {
            Role::Conf
        } else {
            Role::Mark
        },
        take,
    )
}

/// The value of a side, or that it was not read.
pub fn side_text(cell: Option<&Cell>) -> text::Safe {
    cell.map_or_else(|| text::Safe::from("(not read)"), |cell| cell_text(cell))
}

#[cfg(test)]
mod tests {
    use super::why;
    use crate::domain::conflict::{AgreedBase, Fingerprint, Origin};
    use crate::domain::id::{RowId, RunId};
    use crate::domain::mapping::Strategy;
    use crate::domain::value::{FieldKind, Value};
    use crate::engine::view::{ConflictField, FieldStanding};

    #[test]
    fn a_field_that_one_side_changed_says_which() {
        let cell = |text: &str| vec![Value::text(text)];
        let origin = Origin { at: None, by: None };
        let field = |app, crm| ConflictField {
            conflict: None,
            row: RowId(1),
            app_label: "owner".to_owned(),
            crm_label: "OwnerId".to_owned(),
            kind: FieldKind::Text,
            base: Some(AgreedBase {
                app: cell(""),
                crm: cell(""),
                at: jiff::Timestamp::UNIX_EPOCH,
                run: RunId(1),
            }),
            app: Some(cell(app)),
            crm: Some(cell(crm)),
            app_origin: origin.clone(),
            crm_origin: origin.clone(),
            fp: Fingerprint(1),
            standing: FieldStanding::Open,
            result: None,
            note: None,
            error: None,
            strategy: Strategy::Ask,
            ruled: None,
            limits: (0, 0),
        };
        assert_eq!(why(&field("", "user")), "only Salesforce changed it");
        assert_eq!(why(&field("user", "")), "only App changed it");
        assert_eq!(why(&field("one", "two")), "both sides changed it");
    }
}
