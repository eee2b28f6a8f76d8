//! Records whose sides differ although neither moved: both values of each, and the question whether
//! they are put right.
//!
//! Asks the engine; decides nothing. Invariant: where all of them were shown, exactly those are put
//! right, each from what both sides are then.

use super::write;
use crate::domain::id::PairName;
use crate::domain::run::Word;
use crate::domain::text::some;
use crate::engine::command::{Command, Page};
use crate::engine::summary::Env;
use crate::engine::view::{DriftRow, Part};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;

/// Records that are shown; `syncdeck drift` has them all.
const SHOWN: usize = 200;
/// Records a button may answer for in production.
const BY_BUTTON: u64 = 50;
/// Where the values of a field begin.
const VALUE_AT: usize = 16;

/// Asks which records of a pair differ.
pub fn begin(model: &mut Model, pair: &PairName) {
    let command = Command::Drift {
        pair: Some(pair.clone()),
        page: Page {
            offset: 0,
            limit: SHOWN,
        },
    };
    model.ask(Ask::Drift(pair.clone()), command);
}

/// Shows them, and asks whether they are put right.
pub fn question(model: &mut Model, pair: &PairName, part: &Part<DriftRow>) {
    if model.is_busy() {
        return;
    }
    if part.rows.is_empty() {
        let text = format!("No record of {pair} differs any more.");
        return model.say(Word::Ok, text);
    }
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let records = some(part.total, "record", "records");
    let all = part.total == part.rows.len() as u64;
    let shown = part.rows.iter().filter(|_| all);
    let release = Release::Send(
        Ask::Start(format!("Putting {records} of {pair} right")),
        Box::new(Command::Repair {
            pair: pair.clone(),
            records: shown.map(|row| row.key.app_id.clone()).collect(),
        }),
    );
    let body = body(&summary.profile, summary.env, pair, part);
    let title = format!("Put {records} of {pair} right?");
    let production = summary.env != Some(Env::Sandbox);
    let confirm = match production && part.total > BY_BUTTON {
        true => {
            let typed = format!("{} {}", summary.profile, part.total);
            Confirm::typed(title, body, typed, release)
        }
        false => Confirm::ask(title, body, "Leave them", "Put right", release),
    };
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

fn body(profile: &str, env: Option<Env>, pair: &PairName, part: &Part<DriftRow>) -> Vec<Line> {
    let mut body = vec![
        write::where_it_goes(profile, env),
        Line::text("Both sides differ, though neither changed since they agreed. Nothing"),
        Line::text("is written yet. Revert on the run takes back what is put right."),
    ];
    let shown = part.rows.len() as u64;
    if shown < part.total {
        let text = format!("Below are {shown}; all: syncdeck drift --pair {pair}");
        body.push(Line::of(Role::Dim, text));
    }
    for row in &part.rows {
        body.push(Line::new());
        body.push(Line::of(Role::Title, text::Safe::from(row.name.as_str())));
        for field in &row.fields {
            let label = text::fit(field.label.as_str(), VALUE_AT - 4);
            let deed = Line::text("  ").add(Role::Text, label).to_column(VALUE_AT);
            body.push(deed.add(Role::Dim, field.deed()));
            for (role, side, cell) in [
                (Role::App, "App", &field.app),
                (Role::Crm, "Salesforce", &field.crm),
            ] {
                let value = cell.as_deref().unwrap_or_default();
                let line = Line::text("    ").add(role, side).to_column(VALUE_AT);
                body.push(line.add(role, write::cell_text(value)));
            }
        }
    }
    body
}
