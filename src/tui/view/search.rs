//! The search over everything local: hits under the line being typed, by kind.

use ratatui::layout::Rect;

use crate::domain::run::Word;
use crate::engine::view::{Counted, Rest, SearchView};
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::modal::{SearchBox, TextStage, Texts};
use crate::tui::model::Model;
use crate::tui::state::Loaded;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{Group, Hit, off, search_hits, search_total};
use crate::tui::widget::dialog::{centred, frame};
use crate::tui::widget::prompt::Show;

use super::{part, state, word};

/// A line of the list.
enum Shown {
    Head(Group, usize),
    Hit(usize, Hit),
    Blank,
}

/// Columns and rows at most: to open it costs no more than a dialog.
const SIZE: (u16, u16) = (80, 18);

/// Draws the dialog.
pub fn draw(model: &Model, search: &SearchBox, canvas: &mut Canvas<'_>, area: Rect) {
    let hits = search_hits(model, search);
    let answer = search.view.get().map(|view| &**view);
    let place = centred(area, SIZE.0, SIZE.1);
    let foot = match answer {
        Some(view) if !view.text.trim().is_empty() => {
            let all = view.records.total + view.conflicts.total;
            let all = all + view.runs.total + view.mappings.total;
            text::count(all, "hit", "hits")
        }
        _ => "Esc close".to_owned(),
    };
    let inside = frame(canvas, place, "Search everything", foot);
    let end = inside.height.saturating_sub(1);
    let body = part(inside, 2, end.saturating_sub(3));
    match &search.view {
        Loaded::Failed(message, hint) => state::failed(canvas, body, message, hint.as_deref()),
        _ if hits.is_empty() => {
            let typed = |text: &str| !text.trim().is_empty();
            // What is said is said of the text that was answered.
            let line = match answer {
                Some(view) if typed(&view.text) => "Nothing here holds all of these words.",
                None if typed(search.picker.prompt.text()) => "Searching.",
                _ => "Type a name, an e-mail, an id, a run, a field or an action.",
            };
            state::empty(canvas, body, &[line]);
        }
        _ => list(model, search, answer, &hits, canvas, body),
    }
    canvas.line(row(inside, end), &asked(search, answer));
    let head = row(inside, 0);
    search.picker.prompt.draw(canvas, head, Show::Plain);
}

/// What the CRM says, or that it was not asked.
fn asked(search: &SearchBox, view: Option<&SearchView>) -> Line {
    match &search.crm {
        None => match &search.texts {
            Some(texts) => in_texts(texts),
            None => Line::of(Role::Dim, missing(view)),
        },
        Some(Loaded::Waiting) => Line::text("Asking Salesforce."),
        Some(Loaded::Failed(message, hint)) => {
            let hint = hint
                .as_deref()
                .map_or(String::new(), |hint| format!("; {hint}"));
            Line::of(Role::Fail, "FAIL  ").add(Role::Text, format!("{message}{hint}"))
        }
        Some(Loaded::Here(found)) if found.rows.is_empty() => {
            Line::text("Salesforce found nothing that holds all of these words.")
        }
        Some(Loaded::Here(found)) => {
            let says = match found.rows.iter().filter(|hit| hit.key.is_none()).count() {
                0 => "Salesforce found nothing that is not here.".to_owned(),
                new => format!(
                    "{} not here: Enter shows the address.",
                    text::group(new as u64)
                ),
            };
            Line::of(Role::Dim, says)
        }
    }
}

/// How far the search in texts is.
fn in_texts(texts: &Texts) -> Line {
    let (done, all) = texts.so_far;
    let found = text::group(texts.rows.len() as u64);
    let far = format!("{} of {} records", text::group(done), text::group(all));
    Line::of(
        Role::Dim,
        match texts.stage {
            TextStage::Working => {
                format!("Long texts of {far} searched, {found} found. Esc stops.")
            }
            TextStage::Stopped => format!("Long texts: stopped after {far}, {found} found."),
            TextStage::Whole => format!("Long texts and all other fields searched: {found} found."),
        },
    )
}

/// What was not searched.
fn missing(view: Option<&SearchView>) -> String {
    match view.map(|v| v.searched) {
        Some(Counted::Part { done, all, rest }) => {
            let why = match rest {
                Rest::Coming => "the rest is being read",
                Rest::Left => "there is no room for more",
            };
            format!(
                "{} of {} records searched; {why}.",
                text::group(done),
                text::group(all)
            )
        }
        _ => "Not searched: long texts (Ctrl-t does), Salesforce (Ctrl-o, 1 API call).".to_owned(),
    }
}

fn list(
    model: &Model,
    search: &SearchBox,
    view: Option<&SearchView>,
    hits: &[Hit],
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let mut lines = Vec::new();
    let mut group = None;
    for (at, hit) in hits.iter().enumerate() {
        if group != Some(hit.group()) {
            if group.is_some() {
                lines.push(Shown::Blank);
            }
            group = Some(hit.group());
            let of = hits.iter().filter(|h| h.group() == hit.group()).count();
            lines.push(Shown::Head(hit.group(), of));
        }
        lines.push(Shown::Hit(at, *hit));
    }
    let selected = search.picker.list.selected().min(hits.len() - 1);
    let cursor = lines
        .iter()
        .position(|line| matches!(line, Shown::Hit(at, _) if *at == selected))
        .unwrap_or(0);
    let height = usize::from(area.height);
    // The heading of the first group stays in sight with its first row.
    let from = (cursor + 2).saturating_sub(height);
    for (at, line) in lines.iter().skip(from).take(height).enumerate() {
        let place = row(area, u16::try_from(at).unwrap_or(u16::MAX));
        match line {
            Shown::Blank => {}
            Shown::Head(group, shown) => {
                canvas.put(place, Role::Title, group.name());
                let total = view.map_or(0, |v| search_total(v, *group));
                let count = match total > *shown as u64 {
                    true => format!("{shown} of {}", text::group(total)),
                    false => shown.to_string(),
                };
                canvas.right(place, &Line::of(Role::Dim, count));
            }
            Shown::Hit(at, hit) => {
                let here = *at == selected;
                let sign = Line::of(Role::Title, if here { "> " } else { "  " });
                let width = usize::from(place.width);
                canvas.line(
                    place,
                    &sign.join(hit_line(model, search, view, *hit, width)),
                );
                if here {
                    canvas.tint(place, Role::Cursor);
                }
            }
        }
    }
}

fn hit_line(
    model: &Model,
    search: &SearchBox,
    view: Option<&SearchView>,
    hit: Hit,
    width: usize,
) -> Line {
    let name = (width / 3).clamp(16, 34);
    // Name, what it is, state, what was found: each from a column of its own.
    let line = |first: &str, second: &str, state: Line, found: &str| {
        Line::text(text::fit(first, name - 1))
            .to_column(name)
            .add(Role::Text, text::fit(second, 14))
            .to_column(name + 15)
            .join(state)
            .to_column(name + 21)
            .add(Role::Dim, text::fit(found, width.saturating_sub(name + 23)))
    };
    let (group, at) = match hit {
        Hit::Act(action) => {
            let key = model.options.keymap.key_of(action).unwrap_or_default();
            let found = match off::reason(model, action) {
                None => action.info().help.to_owned(),
                Some(why) => format!("off: {why}"),
            };
            return line(action.info().label, &key, Line::new(), &found);
        }
        Hit::Row(group, at) => (group, at),
    };
    if group == Group::Texts {
        let hit = search.texts.as_ref().and_then(|texts| texts.rows.get(at));
        return hit.map_or_else(Line::new, |hit| {
            line(&hit.name, &hit.object, word(hit.word), &hit.found)
        });
    }
    if group == Group::Crm {
        let rows = search.crm.as_ref().and_then(Loaded::get);
        return rows
            .and_then(|v| v.rows.get(at))
            .map_or_else(Line::new, |hit| {
                let state = match hit.key {
                    Some(_) => Line::text("here"),
                    None => word(Word::Crm),
                };
                line(&hit.name, hit.object.as_str(), state, hit.id.as_str())
            });
    }
    let Some(view) = view else {
        return Line::new();
    };
    match group {
        Group::Records => view.records.rows.get(at).map(|hit| {
            let state = word(hit.word);
            line(&hit.name, &hit.object, state, &hit.found)
        }),
        Group::Conflicts => view
            .conflicts
            .rows
            .get(at)
            .map(|hit| line(&hit.name, &hit.field, word(hit.word), &hit.found)),
        Group::Runs => view.runs.rows.get(at).map(|hit| {
            let when = model.clock_short(hit.at);
            let first = format!("{} {}", hit.id, hit.title);
            line(&first, &when, word(hit.word), &hit.found)
        }),
        Group::Mappings => view
            .mappings
            .rows
            .get(at)
            .map(|hit| line(&hit.title, "row", Line::new(), &hit.found)),
        Group::Texts | Group::Crm | Group::Actions => None,
    }
    .unwrap_or_default()
}
