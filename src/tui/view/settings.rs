//! Settings: connections and sign-in, schedule, filters, limits, rules, vault, look, keys, about.

use ratatui::layout::Rect;

use crate::engine::summary::{ConnectionRow, Next};
use crate::engine::view::SettingsView;
use crate::tui::action::TABLE;
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::state::{Loaded, Section, SettingsPane};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{schedule_of, schedule_text, staged_of, theme_names};
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

use super::{filters, limits, rules, schedules, state, word};

/// Columns of the list of sections.
const SECTIONS: u16 = 16;

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let here = |pane| Focus::when(model.settings.pane == pane);
    if model.zoom == Zoom::Whole && model.settings.pane == SettingsPane::Content {
        return content(model, canvas, area, Focus::Here);
    }
    let left = Rect {
        width: SECTIONS,
        ..area
    };
    canvas.vertical(Rect {
        x: area.x + SECTIONS + 1,
        width: 1,
        ..area
    });
    let right = Rect {
        x: area.x + SECTIONS + 3,
        width: area.width.saturating_sub(SECTIONS + 3),
        ..area
    };
    sections(model, canvas, left, here(SettingsPane::Sections));
    content(model, canvas, right, here(SettingsPane::Content));
}

fn sections(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let body = pane(canvas, area, focus, "Settings", "");
    for (at, section) in Section::ALL.iter().enumerate() {
        let place = row(body, u16::try_from(at).unwrap_or(0));
        let here = at == model.settings.sections.selected();
        let sign = if here { focus.sign() } else { "  " };
        let line = Line::of(Role::Title, sign).add(Role::Text, section.name());
        canvas.line(place, &line);
        if here {
            match focus {
                Focus::Here => {
                    canvas.tint(place, Role::Cursor);
                    canvas.place_cursor(place.x, place.y);
                }
                Focus::Elsewhere => canvas.tint(place, Role::CursorOther),
            }
        }
    }
}

fn content(model: &Model, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let view = match &model.settings.view {
        Loaded::Here(view) => view,
        Loaded::Waiting => return state::loading(canvas, area, "the settings"),
        Loaded::Failed(text, hint) => return state::failed(canvas, area, text, hint.as_deref()),
    };
    let section = model.settings.section();
    let first = ListState::default();
    let list = model.settings.content.get(&section).unwrap_or(&first);
    let note = match section {
        // These keys do it where the cursor is in the section.
        Section::Connections | Section::Rules if focus == Focus::Elsewhere => String::new(),
        Section::Connections if model.read_only().is_some() => "R check".to_owned(),
        Section::Connections => "Enter sign in  d disconnect  R check".to_owned(),
        Section::Schedule => text::count(view.pairs.len() as u64, "pair", "pairs"),
        Section::Filters => "which records take part".to_owned(),
        Section::Limits => "calls and storage".to_owned(),
        Section::Rules => "Enter goes to the row".to_owned(),
        Section::Look => "for this session".to_owned(),
        Section::Keys => "the keys in force".to_owned(),
        Section::Vault | Section::About => String::new(),
    };
    let body = pane(canvas, area, focus, section.name(), note);
    match section {
        Section::Connections => connections(model, view, list, canvas, body, focus),
        Section::Schedule => schedule(model, view, list, canvas, body, focus),
        Section::Filters => filters::draw(model, view, list, canvas, body, focus),
        Section::Limits => limits::draw(model, view, canvas, body),
        Section::Rules => rules::draw(view, list, canvas, body, focus),
        Section::Vault => {
            let rows = [
                ("Locked by", view.vault.clone()),
                ("", String::new()),
                ("If it is lost", view.recovery.clone()),
            ];
            let used = facts(canvas, body, &rows);
            if used > body.height {
                let rest = Line::of(Role::Dim, "Enter shows the rest");
                canvas.right(row(body, body.height.saturating_sub(1)), &rest);
            }
        }
        Section::Look => look(model, list, canvas, body, focus),
        Section::Keys => keys(model, list, canvas, body, focus),
        Section::About => {
            let store = format!("{} kB on disk", text::group(view.store_bytes / 1024));
            let rows = [
                ("Version", env!("CARGO_PKG_VERSION").to_owned()),
                ("Data", view.data_dir.clone()),
                ("Config file", view.config_file.clone()),
                ("", view.config_state().to_owned()),
                ("Mappings", view.mapping_versions()),
                ("Logs", view.log_dir.clone()),
                ("Store", store),
            ];
            facts(canvas, body, &rows);
        }
    }
}

/// The beginning of a line with a label, up to its text.
pub(super) fn labelled(label: &str) -> Line {
    Line::text("  ").add(Role::Dim, label).to_column(17)
}

/// Label and text, wrapped; gives the rows used.
pub(super) fn facts(canvas: &mut Canvas<'_>, area: Rect, rows: &[(&str, String)]) -> u16 {
    let columns = usize::from(area.width.saturating_sub(18)).max(16);
    let mut at = 0;
    for (label, value) in rows {
        for (n, line) in text::wrap(value, columns).iter().enumerate() {
            let label = if n == 0 { *label } else { "" };
            canvas.line(row(area, at), &labelled(label).add(Role::Text, line));
            at = at.saturating_add(1);
        }
    }
    at
}

fn connections(
    model: &Model,
    view: &SettingsView,
    list: &ListState,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let all: &[ConnectionRow] = model.summary.as_ref().map_or(&[], |s| &s.connections);
    let columns = [fixed("State", 5), fixed("System", 10), share("Account", 20)];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: all.len(),
    };
    let rest = table.draw_above(canvas, area, list, u16::MAX, |index| {
        all.get(index).map_or_else(Row::default, |c| Row {
            cells: vec![
                word(c.word),
                Line::text(c.system.as_str()),
                Line::text(c.account.as_str()),
            ],
            ..Row::default()
        })
    });
    let Some(shown) = all.get(list.selected()) else {
        return;
    };
    let body = pane(canvas, rest, Focus::Elsewhere, shown.system.as_str(), "");
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let mut out = vec![("Sign-in", shown.sign_in.clone())];
    if shown.system != "App" {
        out.push((
            "Organisation",
            format!("{} {}", dash(&shown.org_name), dash(&shown.org_id)),
        ));
        if let Some((used, allowed)) = shown.api {
            out.push((
                "API calls",
                format!(
                    "{} of {} in 24 hours",
                    text::group(used),
                    text::group(allowed)
                ),
            ));
        }
        if !shown.codes.is_empty() {
            out.push(("Unknown codes", shown.codes.words(5)));
        }
        out.push(("Login host", view.login_url.clone()));
        out.push(("Way", view.sign_in.clone()));
        out.push(("Client id", view.client_id.clone()));
        out.push(("Callback", format!("{} (y copies it)", view.redirect_uri)));
        out.push(("Scopes", view.scopes.join(", ")));
        out.push(("Another org", "m, \"other org\" leaves this one".to_owned()));
    }
    out.push((
        "Checked",
        shown.checked.map_or("never".into(), |at| model.clock(at)),
    ));
    if let Some(trouble) = &shown.trouble {
        out.push(("", String::new()));
        out.push(("What", trouble.what.clone()));
        out.push(("Why", trouble.why.clone()));
        out.push(("Now", trouble.now.clone()));
        out.push(("Fix", trouble.fix.clone()));
    }
    facts(canvas, body, &out);
}

fn schedule(
    model: &Model,
    view: &SettingsView,
    list: &ListState,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let columns = [share("Pair", 18), fixed("When", 22), fixed("Next", 10)];
    let table = Table {
        columns: &columns,
        signs: Signs::Shown,
        focus,
        len: view.pairs.len(),
    };
    let rest = table.draw_above(canvas, area, list, u16::MAX, |index| {
        let Some(pair) = view.pairs.get(index) else {
            return Row::default();
        };
        let next = model
            .pairs()
            .iter()
            .find(|p| p.name == pair.name)
            .map(|p| p.next);
        let next = match next {
            Some(Next::At(at)) => model.clock_short(at),
            Some(Next::Paused) => "paused".into(),
            Some(Next::Now) => "now".into(),
            Some(Next::Queued) => "queued".into(),
            Some(Next::Manual) | None => "-".into(),
        };
        Row {
            sign: match staged_of(model, &pair.name) {
                Some(_) => Sign::Staged,
                None => Sign::None,
            },
            cells: vec![
                Line::text(pair.title.as_str()),
                Line::text(schedule_text(schedule_of(model, pair))),
                Line::text(next),
            ],
        }
    });
    let note = "Enter stages when. Space stages \"when asked\", and again: as it was. w sets it.";
    let columns = usize::from(area.width.saturating_sub(4)).max(20);
    let note = text::wrap(note, columns);
    for (at, line) in note.iter().enumerate() {
        let at = u16::try_from(at).unwrap_or(0);
        canvas.line(row(rest, at), &Line::text("  ").add(Role::Dim, line));
    }
    if let Some(pair) = view.pairs.get(list.selected()) {
        let used = 1 + u16::try_from(note.len()).unwrap_or(0);
        schedules::next_times(model, pair.name.as_str(), canvas, below(rest, used));
    }
}

fn look(model: &Model, list: &ListState, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let names = theme_names(model);
    let columns = [fixed("", 2), share("Theme", 16)];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: names.len(),
    };
    let rest = table.draw_above(canvas, area, list, u16::MAX, |index| {
        let name = names.get(index).map_or("", String::as_str);
        let on = if name == model.theme.name() { "on" } else { "" };
        Row {
            cells: vec![Line::text(on), Line::text(name)],
            ..Row::default()
        }
    });
    let sample = [
        Line::text("  ")
            .add(Role::App, "App value")
            .add(Role::Text, "   ")
            .add(Role::Crm, "Salesforce value")
            .add(Role::Text, "   ")
            .add(Role::Base, "base"),
        Line::text("  OK  ")
            .add(Role::Warn, "WARN")
            .add(Role::Text, "  ")
            .add(Role::Fail, "FAIL")
            .add(Role::Text, "  ")
            .add(Role::Conf, "CONF")
            .add(Role::Text, "  ")
            .add(Role::Hold, "HOLD"),
        Line::text("  ")
            .add(Role::Production, "PRODUCTION")
            .add(Role::Text, "  ")
            .add(Role::Sandbox, "SANDBOX"),
    ];
    for (at, line) in sample.iter().enumerate() {
        canvas.line(row(rest, u16::try_from(at).unwrap_or(0)), line);
    }
}

fn keys(model: &Model, list: &ListState, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let columns = [
        fixed("Keys", 10),
        fixed("Action", 18),
        share("What it does", 20),
    ];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: TABLE.len(),
    };
    table.draw(canvas, area, list, |index| {
        TABLE.get(index).map_or_else(Row::default, |info| Row {
            cells: vec![
                Line::of(Role::Key, model.options.keymap.keys_of(info.action)),
                Line::text(info.name),
                Line::of(Role::Dim, info.help),
            ],
            ..Row::default()
        })
    });
}
