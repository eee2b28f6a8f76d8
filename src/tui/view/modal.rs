//! The dialog in front.

use ratatui::layout::Rect;

use crate::domain::id::RowId;
use crate::engine::view::ConflictField;
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Line, below, inset, row};
use crate::tui::modal::{EditTarget, FormPurpose, HelpLine, Modal};
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{
    MESSAGES_WIDEST, PaletteLine, actions_here, cell_text, help_lines, line_forms, message_lines,
    off, palette_lines,
};
use crate::tui::widget::dialog::{centred, frame};
use crate::tui::widget::editor::{Editor, Part};
use crate::tui::widget::form::Form;
use crate::tui::widget::list::ListState;
use crate::tui::widget::picker::Picker;
use crate::tui::widget::prompt::Show;

use super::{choose, mapping, offers, part, search, sign_in, word_role};

/// Draws the dialog, if one is in front.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    match &model.modal {
        None => {}
        Some(Modal::Confirm(confirm)) => confirm.draw(canvas, area),
        Some(Modal::Help { list, find }) => help(model, list, find.as_ref(), canvas, area),
        Some(Modal::Actions(list)) => actions(model, list, canvas, area),
        Some(Modal::Palette(picker)) => palette(model, picker, canvas, area),
        Some(Modal::Search(box_)) => search::draw(model, box_, canvas, area),
        Some(Modal::Messages(list)) => messages(model, list, canvas, area),
        Some(Modal::Form(form, FormPurpose::MappingRow(row))) => {
            row_form(model, form, *row, canvas, area);
        }
        Some(Modal::Form(form, _)) => form.draw_dialog(canvas, area),
        Some(Modal::Editor {
            title,
            editor,
            target,
            ..
        }) => {
            text_editor(model, title, editor, target, canvas, area);
        }
        Some(Modal::Offers(box_)) => offers::draw(box_, canvas, area),
        Some(Modal::Choose(chooser)) => {
            // The form stays where it is: what does not change is not sent.
            chooser.form.draw_dialog(canvas, area);
            choose::draw(chooser, canvas, area);
        }
        Some(Modal::SignIn(sign_in)) => sign_in::draw(sign_in, canvas, area),
        Some(Modal::Text(page)) => page.draw(canvas, area),
    }
}

/// Lines with a cursor, in the window of a list.
fn listed(
    canvas: &mut Canvas<'_>,
    area: Rect,
    list: &ListState,
    len: usize,
    mut line: impl FnMut(usize) -> Line,
) {
    let height = usize::from(area.height);
    let offset = list.window(len, height);
    for index in offset..len.min(offset + height) {
        let place = row(area, u16::try_from(index - offset).unwrap_or(0));
        let here = index == list.selected().min(len.saturating_sub(1));
        let sign = Line::of(Role::Title, if here { "> " } else { "  " });
        canvas.line(place, &sign.join(line(index)));
        if here {
            canvas.tint(place, Role::Cursor);
            canvas.place_cursor(place.x, place.y);
        }
    }
}

/// What signs and words mean; the first line also where there is little room.
const LEGEND: [&str; 3] = [
    "Marks:  > cursor  - of another pane  * marked  ~ not written  ? not decided",
    "States: OK RUN WAIT HOLD WARN FAIL CONF PART READY DEL APP CRM OFF KEY INFO",
    "Your keys: keys.toml beside the settings. Print this list: syncdeck keys",
];

fn help(
    model: &Model,
    list: &ListState,
    find: Option<&Picker>,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let lines = help_lines(model, find);
    let title = format!("Keys: {}", model.context().name());
    // As high as without a search: what does not change is not sent again.
    let all = help_lines(model, None).len();
    let rows = u16::try_from(all + 6).unwrap_or(u16::MAX);
    let place = centred(area, 110, rows);
    let inside = frame(
        canvas,
        place,
        title,
        "Enter does the action on the line with >",
    );
    let legend: &[&str] = match inside.height {
        30.. => &LEGEND,
        _ => LEGEND.get(..1).unwrap_or_default(),
    };
    let end = inside
        .height
        .saturating_sub(u16::try_from(legend.len()).unwrap_or(0));
    let body = part(inside, 0, end.saturating_sub(1));
    let (list, body) = match find {
        None => (list, body),
        Some(picker) => (&picker.list, below(body, 2)),
    };
    let chosen = match lines.get(list.selected()) {
        Some(HelpLine::Act(action)) => off::reason(model, *action).map(|why| (*action, why)),
        _ => None,
    };
    let cut = chosen.and_then(|(action, why)| cut_reason(model, action, &why, inside));
    match cut {
        Some(cut) => reason(&cut, canvas, below(inside, end.saturating_sub(1))),
        None => {
            for (at, line) in legend.iter().enumerate() {
                let at = end.saturating_add(u16::try_from(at).unwrap_or(0));
                canvas.put(row(inside, at), Role::Dim, *line);
            }
        }
    }
    listed(canvas, body, list, lines.len(), |index| {
        match lines.get(index) {
            Some(HelpLine::Head(head)) => Line::of(Role::Title, *head),
            Some(HelpLine::Act(action)) => {
                let why = off::reason(model, *action);
                help_line(model, *action, why.as_deref())
            }
            Some(HelpLine::Blank) | None => Line::new(),
        }
    });
    if let Some(picker) = find {
        let head = row(inside, 0);
        canvas.put(head, Role::Title, "/ ");
        picker.prompt.draw(canvas, inset(head, 2), Show::Plain);
        if lines.is_empty() {
            canvas.put(row(inside, 2), Role::Dim, "No key is like that.");
        }
    }
}

/// Keys, and what they do or why they are off.
fn help_line(model: &Model, action: Action, why: Option<&str>) -> Line {
    let keys = model.options.keymap.keys_of(action);
    let line = Line::of(Role::Key, text::fit(keys, 16)).to_column(18);
    match why {
        None => line.add(Role::Text, action.info().help),
        Some(why) => line
            .add(Role::Dim, format!("{}: ", action.info().label))
            .add(Role::Dim, format!("off: {why}")),
    }
}

/// Rows of a whole reason, below the lines that are cut.
const REASON: u16 = 2;

/// Why an action is off, if a line of the list has no room for all of it.
fn cut_reason(model: &Model, action: Action, why: &str, area: Rect) -> Option<String> {
    // The sign of the cursor takes two columns.
    let cut = help_line(model, action, Some(why)).width() + 2 > usize::from(area.width);
    cut.then(|| format!("{} is off: {why}", action.info().label))
}

fn reason(text: &str, canvas: &mut Canvas<'_>, area: Rect) {
    let lines = text::wrap(text, usize::from(area.width));
    for (at, line) in (0..REASON).zip(lines) {
        canvas.put(row(area, at), Role::Text, line);
    }
}

fn actions(model: &Model, list: &ListState, canvas: &mut Canvas<'_>, area: Rect) {
    let lines = actions_here(model);
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let rows = rows.saturating_add(REASON);
    let title = format!("Actions: {}", model.context().name());
    let note = text::count(lines.len() as u64, "action", "actions");
    let inside = frame(canvas, centred(area, 100, rows), title, note);
    let room = inside.height.saturating_sub(REASON);
    let body = part(inside, 0, room);
    listed(canvas, body, list, lines.len(), |index| {
        lines.get(index).map_or_else(Line::new, |(action, why)| {
            help_line(model, *action, why.as_deref())
        })
    });
    let chosen = lines.get(list.selected());
    let chosen = chosen.and_then(|(action, why)| Some((*action, why.as_deref()?)));
    let cut = chosen.and_then(|(action, why)| cut_reason(model, action, why, inside));
    if let Some(cut) = cut {
        reason(&cut, canvas, below(inside, room));
    }
}

/// Where a line of the palette says what its action does, or why it is off.
const SAYS: usize = 28;

/// Columns and rows of the palette, low so that a letter costs no more than a dialog.
const PALETTE: (u16, u16) = (78, 11);

fn palette(model: &Model, picker: &Picker, canvas: &mut Canvas<'_>, area: Rect) {
    let hits = palette_lines(model, picker);
    let place = centred(area, PALETTE.0, PALETTE.1);
    let all = palette_lines(model, &Picker::default()).len();
    let typed = matches!(hits.first(), Some(PaletteLine::Typed(_)));
    let note = match hits.len() {
        1 if typed => "Enter does this".to_owned(),
        found => format!(
            "{} of {}",
            found - usize::from(typed),
            text::count(all as u64, "action", "actions")
        ),
    };
    let inside = frame(canvas, place, "Palette", note);
    let chosen = match hits.get(picker.list.selected()) {
        Some(PaletteLine::Do(action)) => off::reason(model, *action),
        _ => None,
    };
    let cut = chosen.map(|why| format!("off: {why}"));
    let cut = cut.filter(|why| SAYS + text::width(why) > usize::from(inside.width));
    let foot = match (cut, picker.prompt.text()) {
        (Some(why), _) => why,
        (None, "") => "What was done last comes first.".to_owned(),
        (None, text) => line_forms(text),
    };
    canvas.put(
        row(inside, inside.height.saturating_sub(1)),
        Role::Dim,
        foot,
    );
    let body = part(inside, 2, inside.height.saturating_sub(3));
    let height = usize::from(body.height);
    let offset = picker.list.window(hits.len(), height);
    for (index, hit) in hits.iter().enumerate().skip(offset).take(height) {
        let at = row(body, u16::try_from(index - offset).unwrap_or(0));
        let here = index == picker.list.selected();
        let sign = Line::of(Role::Title, if here { "> " } else { "  " });
        canvas.line(at, &palette_line(model, hit, sign));
        if here {
            canvas.tint(at, Role::Cursor);
        }
    }
    let head = row(inside, 0);
    canvas.put(head, Role::Title, ": ");
    picker.prompt.draw(canvas, inset(head, 2), Show::Plain);
}

/// A line of the palette behind the sign of the cursor.
fn palette_line(model: &Model, hit: &PaletteLine, sign: Line) -> Line {
    let action = match hit {
        PaletteLine::Do(action) => *action,
        PaletteLine::Typed(does) => return sign.add(Role::Text, does.as_str()),
        PaletteLine::View(name) => {
            return sign
                .to_column(11)
                .add(Role::Text, "view")
                .to_column(SAYS)
                .add(Role::Text, name.as_str());
        }
    };
    let why = off::reason(model, action);
    let keys = model.options.keymap.key_of(action).unwrap_or_default();
    let line = sign
        .add(Role::Key, text::fit(keys, 8))
        .to_column(11)
        .add(
            if why.is_some() { Role::Dim } else { Role::Text },
            text::fit(action.info().label, 16),
        )
        .to_column(SAYS);
    match why {
        None => line.add(Role::Dim, action.info().help),
        Some(why) => line.add(Role::Dim, format!("off: {why}")),
    }
}

fn messages(model: &Model, list: &ListState, canvas: &mut Canvas<'_>, area: Rect) {
    let all = message_lines(model);
    let rows = u16::try_from(all.len().max(1) + 2).unwrap_or(u16::MAX);
    let place = centred(area, MESSAGES_WIDEST, rows);
    let inside = frame(canvas, place, "Messages", "newest first");
    if all.is_empty() {
        canvas.put(row(inside, 0), Role::Dim, "Nothing was said yet.");
        return;
    }
    listed(canvas, inside, list, all.len(), |index| {
        all.get(index).map_or_else(Line::new, |(message, text)| {
            let head = message.map_or_else(Line::new, |message| {
                Line::of(Role::Dim, model.clock(message.at))
                    .to_column(13)
                    .add(word_role(message.word), message.word.as_str())
            });
            head.to_column(19).add(Role::Text, text)
        })
    });
}

/// The form of a mapping row with what it does to real records below it.
fn row_form(model: &Model, form: &Form, id: RowId, canvas: &mut Canvas<'_>, area: Rect) {
    let wide = area.width >= 100;
    let rows = u16::try_from(form.fields.len())
        .unwrap_or(u16::MAX)
        .saturating_add(3);
    let place = if wide {
        centred(area, 120, rows + 2 + 24)
    } else {
        area
    };
    let foot = "Enter keep  Esc drop this edit  Tab next field  h l choose  Ctrl-u clear";
    let inside = frame(canvas, place, form.title.as_str(), foot);
    let least = inside.height.saturating_sub(6);
    let rest = below(inside, rows.min(least));
    match model.mapping.preview.get() {
        // A new row is not tried before its fields are named.
        Some(preview) if preview.row != id => {
            let note = "  Once both fields are named, real records show what the row does.";
            canvas.put(row(rest, 1), Role::Dim, note);
        }
        _ => mapping::preview(model, canvas, rest),
    }
    form.draw(canvas, part(inside, 0, rows.min(least)));
}

fn text_editor(
    model: &Model,
    title: &str,
    editor: &Editor,
    target: &EditTarget,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let place = centred(area, 104, area.height);
    let foot = match editor.part() {
        Part::Text => "Tab to the buttons  Enter new line",
        Part::Keep => "Enter keeps it  Tab the other button",
        Part::Drop => "Enter drops it  Tab back to the text",
    };
    let inside = frame(canvas, place, title, foot);
    let field = match (target, model.conflicts.detail.get()) {
        (EditTarget::Conflict(index), Some(Some(detail))) => detail.fields.get(*index),
        _ => None,
    };
    let used = field.map_or(0, |field| both_sides(field, canvas, inside));
    editor.draw(canvas, below(inside, used));
}

/// Base and both sides in a line each, above the text being merged.
fn both_sides(field: &ConflictField, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let none = || text::Safe::from("-");
    let rows = [
        (
            "Base",
            Role::Base,
            field.base.as_ref().map_or_else(none, |b| cell_text(&b.app)),
        ),
        (
            "App",
            Role::App,
            field.app.as_ref().map_or_else(none, |c| cell_text(c)),
        ),
        (
            "Salesforce",
            Role::Crm,
            field.crm.as_ref().map_or_else(none, |c| cell_text(c)),
        ),
    ];
    for (at, (label, role, value)) in rows.into_iter().enumerate() {
        let line = Line::of(role, label).to_column(12).add(role, value);
        canvas.line(row(area, u16::try_from(at).unwrap_or(0)), &line);
    }
    canvas.rule(row(area, 3), Role::Rule);
    4
}
