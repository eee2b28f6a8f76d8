//! The pane beside the records: the pairs with their records, and the views with theirs.

use ratatui::layout::Rect;

use crate::engine::view::Count;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::Model;
use crate::tui::state::RecordsPane;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::pane::{Focus, counted};
use crate::tui::widget::table::{Row, Signs, Table, fixed, share};

use super::part;

/// Columns of the pane.
pub const WIDTH: u16 = 26;
/// Columns of a number.
const NUMBER: u16 = 9;

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let records = &model.records;
    let pairs = u16::try_from(model.pairs().len()).unwrap_or(u16::MAX);
    // With one pair there is nothing to choose; the views come first when rows are few.
    let top = match area.height {
        height if pairs > 1 && height >= pairs + 12 => {
            objects(model, canvas, part(area, 0, pairs + 2));
            pairs + 2
        }
        _ => 0,
    };
    let area = below(area, top);
    let focus = Focus::when(records.pane == RecordsPane::Views);
    let body = counted(canvas, area, focus, "Views", records.views.len());
    let columns = [share("View", 10), fixed("Records", NUMBER)];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: records.views.len(),
    };
    let help = body.height.saturating_sub(3).min(3);
    let list = Rect {
        height: body.height - help,
        ..body
    };
    table.draw(canvas, list, &records.views_list, |at| {
        let Some(view) = records.views.get(at) else {
            return Row::default();
        };
        let shown = records.view.as_deref() == Some(view.name.as_str());
        let role = if shown { Role::Title } else { Role::Text };
        let count = records.counts.get(&view.name).copied();
        Row {
            cells: vec![Line::of(role, view.name.as_str()), number(count)],
            ..Row::default()
        }
    });
    let below_list = below(body, body.height - help);
    for (at, says) in ["", "Enter shows a view", "V keeps the list"]
        .iter()
        .enumerate()
    {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        if at < help {
            canvas.line(
                row(below_list, at),
                &Line::of(Role::Dim, format!("  {says}")),
            );
        }
    }
}

fn objects(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let pairs = model.pairs().len();
    let body = counted(canvas, area, Focus::Elsewhere, "Objects", pairs);
    for (at, pair) in model.pairs().iter().enumerate() {
        let here = Some(&pair.name) == model.records.pair.as_ref();
        let (sign, role) = match here {
            true => ("> ", Role::Title),
            false => ("  ", Role::Text),
        };
        let place = row(body, u16::try_from(at).unwrap_or(u16::MAX));
        canvas.line(place, &Line::of(role, sign).add(role, pair.name.as_str()));
        let records = text::group(pair.records);
        canvas.right(place, &Line::text(format!(" {records}")));
    }
}

/// `1,204`, `~37,000`, `many`; nothing while it is not known.
fn number(count: Option<Count>) -> Line {
    match count {
        None => Line::of(Role::Dim, ".."),
        Some(Count::Exactly(n)) => Line::text(text::group(n)),
        Some(Count::About(n)) => Line::text(format!("~{}", text::group(n))),
        Some(Count::Unknown) => Line::of(Role::Dim, "many"),
    }
}
