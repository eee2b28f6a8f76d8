//! The contract of a conflict: exactly what `w` sends for this record.

use ratatui::layout::Rect;

use crate::engine::view::{ConflictDetail, ConflictField, FieldStanding};
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{write_line, write_lines};
use crate::tui::widget::pane::{Focus, pane};

/// Draws it; the cursor is there to scroll.
pub fn draw(
    model: &Model,
    detail: &ConflictDetail,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let preview = &detail.writes;
    let changes = (preview.lines.len() + preview.acts.len()) as u64;
    let note = match changes {
        0 => "nothing yet".to_owned(),
        n => format!(
            "{}, {}",
            text::count(n, "change", "changes"),
            text::count(u64::from(preview.api_calls), "API call", "API calls")
        ),
    };
    let body = pane(canvas, area, focus, "w will write", note);
    let width = usize::from(area.width);
    let mut out: Vec<Line> = preview
        .acts
        .iter()
        .map(|act| Line::text("  ").add(Role::Warn, act.as_str()))
        .collect();
    match model.zoom {
        Zoom::Shared => out.extend(preview.lines.iter().map(|line| write_line(line, width))),
        Zoom::Whole => out.extend(
            preview
                .lines
                .iter()
                .flat_map(|line| write_lines(line, width)),
        ),
    }
    let sent = out.len();
    for (name, why) in &preview.refused {
        out.push(Line::of(Role::Hold, "  HOLD  ").add(Role::Text, format!("{name}: {why}")));
    }
    let stays = stays(detail);
    out.extend(
        stays
            .into_iter()
            .map(|line| Line::of(Role::Dim, format!("  {line}"))),
    );
    let height = usize::from(body.height);
    let offset = model.conflicts.writes.window(out.len(), height);
    for (at, line) in out.iter().enumerate().skip(offset).take(height) {
        let place = row(body, u16::try_from(at - offset).unwrap_or(0));
        canvas.line(place, line);
        if focus == Focus::Here && at == model.conflicts.writes.selected() && at < sent {
            canvas.tint(place, Role::Cursor);
            canvas.place_cursor(place.x, place.y);
        }
    }
}

/// What is not sent: what a rule decides with the next sync; what stays open, and as what the
/// record stays in the list.
fn stays(detail: &ConflictDetail) -> Vec<String> {
    let open = |field: &&ConflictField| field.standing == FieldStanding::Open;
    let (ruled, open): (Vec<&ConflictField>, Vec<&ConflictField>) = detail
        .fields
        .iter()
        .filter(open)
        .partition(|field| field.ruled.is_some());
    let decided = detail
        .fields
        .iter()
        .any(|f| f.conflict.is_some() && matches!(f.standing, FieldStanding::Decided(_)));
    let word = if decided { "PART" } else { "CONF" };
    let list = format!("The record stays in the list as {word}.");
    let ruled = match ruled.as_slice() {
        [] => None,
        [one] => Some(format!(
            "{} is decided by its rule with the next sync.",
            one.app_label
        )),
        many => Some(format!(
            "{} fields are decided by their rules with the next sync.",
            many.len()
        )),
    };
    let open = match open.as_slice() {
        [] => None,
        [one] => Some(format!("{} stays open. {list}", one.app_label)),
        [first, second] => Some(format!(
            "{} and {} stay open. {list}",
            first.app_label, second.app_label
        )),
        many => Some(format!("{} fields stay open. {list}", many.len())),
    };
    ruled.into_iter().chain(open).collect()
}
