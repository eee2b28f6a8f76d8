//! The list of what a field takes.

use ratatui::layout::Rect;

use crate::domain::form::Standing;
use crate::tui::canvas::{Canvas, Line, below, inset, row};
use crate::tui::modal::Chooser;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::choices;
use crate::tui::widget::dialog::{centred, frame};
use crate::tui::widget::prompt::Show;

/// Choices seen at once: more would cost more on a slow line than a dialog may.
const MOST: u16 = 8;

/// Draws it in the middle of `area`.
pub fn draw(chooser: &Chooser, canvas: &mut Canvas<'_>, area: Rect) {
    let hits = choices(chooser);
    let label = chooser.form.fields.get(chooser.at);
    let title = label.map_or_else(String::new, |f| f.label.clone());
    let note = format!("{} of {}", hits.len(), chooser.choices.len());
    let rows = u16::try_from(chooser.choices.len()).unwrap_or(u16::MAX);
    let rows = rows.min(MOST).saturating_add(4);
    let inside = frame(canvas, centred(area, 70, rows), title, note);
    let body = below(inside, 2);
    let height = usize::from(body.height);
    let offset = chooser.picker.list.window(hits.len(), height);
    for (index, at) in hits.iter().enumerate().skip(offset).take(height) {
        let Some(choice) = chooser.choices.get(*at) else {
            continue;
        };
        let place = row(body, u16::try_from(index - offset).unwrap_or(0));
        let here = index == chooser.picker.list.selected();
        let (role, more) = match &choice.standing {
            Standing::Off(why) => (Role::Dim, format!("off: {why}")),
            Standing::Taken if choice.label != choice.value => (Role::Text, choice.value.clone()),
            Standing::Taken => (Role::Text, String::new()),
        };
        let line = Line::of(Role::Title, if here { "> " } else { "  " })
            .add(role, text::fit(choice.label.as_str(), 36))
            .to_column(40)
            .add(Role::Dim, more);
        canvas.line(place, &line);
        if here {
            canvas.tint(place, Role::Cursor);
        }
    }
    let head = row(inside, 0);
    canvas.put(head, Role::Title, "> ");
    chooser
        .picker
        .prompt
        .draw(canvas, inset(head, 2), Show::Plain);
}
