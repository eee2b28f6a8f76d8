//! Saved versions of a mapping: what each changed, how it differs from what is here now, and the
//! way back to it.
//!
//! Saves nothing. Invariant: a version goes into the draft only after its difference was shown.

use super::draft::stage;
use super::save::{COLUMNS, lines};
use crate::domain::changes::changes;
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::view::VersionRow;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::text::wrap;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::sheet::Sheet;

/// The version under the cursor.
fn selected(model: &Model) -> Option<&VersionRow> {
    let versions = &model.mapping.detail.get()?.versions;
    versions.get(model.mapping.versions.selected())
}

/// Asks for the version under the cursor, to compare it.
pub(super) fn compare(model: &mut Model) {
    let version = selected(model).map(|v| v.version);
    let (Some(version), Some(pair)) = (version, model.mapping.pair.clone()) else {
        return;
    };
    let command = Command::MappingVersion { pair, version };
    model.ask(Ask::MappingVersion(version), command);
}

/// Shows what a version changed and how it differs from what is here, and offers to bring it back to
/// whom may change something.
pub fn compared(model: &mut Model, version: u32, older: Pair) {
    let here = model.mapping.pair.as_ref() == Some(&older.name);
    let (Some(now), true) = (model.mapping.current(), here) else {
        return;
    };
    let rows = model.mapping.detail.get().map_or(&[][..], |d| &d.versions);
    let row = rows.iter().find(|v| v.version == version);
    let mut body = vec![Line::of(
        Role::Dim,
        format!("What version {version} changed"),
    )];
    match row.map(|row| row.changes.as_slice()) {
        None | Some([]) => body.push(Line::text("  it is the first that is kept")),
        Some(said) => body.extend(said.iter().flat_map(|it| indented(it))),
    }
    body.push(Line::new());
    let older = Pair {
        version: now.version,
        ..older
    };
    let different = changes(now, &older);
    if different.is_empty() {
        body.push(Line::text("It says the same as what is here now."));
    } else {
        let head = format!("Here now  ->  version {version}");
        body.push(Line::of(Role::Dim, head));
        let different = lines(&different);
        body.extend(different.iter().flat_map(|line| line.wrapped(COLUMNS)));
    }
    if model.read_only().is_some() {
        let lines: Vec<String> = body.iter().map(Line::plain).collect();
        let sheet = Sheet::new(format!("Version {version}"), lines.join("\n"));
        return model.modal = Some(Modal::Text(sheet));
    }
    body.push(Line::new());
    body.push(Line::text(
        "It goes into the draft. Nothing is saved before w, and u takes it back.",
    ));
    let release = Release::StageVersion(version, Box::new(older));
    let title = format!("Bring version {version} back?");
    let confirm = Confirm::ask(title, body, "Leave", "Into the draft", release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

fn indented(text: &str) -> Vec<Line> {
    let lines = wrap(text, COLUMNS.saturating_sub(2)).into_iter();
    lines
        .map(|line| Line::text("  ").add(Role::Text, line))
        .collect()
}

/// Puts an older version into the draft.
pub fn bring_back(model: &mut Model, version: u32, older: Pair) {
    if !model.may_change("Bringing back a version") {
        return;
    }
    let text = match model.mapping.current() {
        Some(now) if *now == older => {
            format!("Version {version} says the same as what is here; nothing is staged.")
        }
        _ => format!(
            "Version {version} is in the draft. w saves it as a new version, u takes it back."
        ),
    };
    stage(model, older);
    model.say(Word::Ok, text);
}
