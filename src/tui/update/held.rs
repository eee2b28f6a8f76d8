//! Ending the hold of a field that was put back when a run was taken back.
//!
//! Shows both values and asks first: no key takes that back. Writes nothing: the next sync does
//! what was chosen. Invariant: what the question says is what the engine just found to be held.

use super::write;
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::{Command, HeldEnd, HeldFilter};
use crate::engine::view::{HeldDone, HeldRow, RecordField};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::view::system;
use crate::tui::widget::confirm::Confirm;

/// Column of the values.
const VALUE_AT: usize = 13;

/// The field under the cursor.
pub fn field(model: &Model) -> Option<&RecordField> {
    let detail = model.records.detail.get()?;
    detail.fields.get(model.records.fields.selected())
}

/// Asks how the field under the cursor is held.
pub fn begin(model: &mut Model, end: HeldEnd) {
    let (Some(detail), Some(field)) = (model.records.detail.get(), field(model)) else {
        return;
    };
    let filter = HeldFilter {
        field: Some(field.app_label.clone()),
        records: vec![detail.key.clone()],
        ..HeldFilter::default()
    };
    model.ask(Ask::Hold(end), Command::HeldFields { filter });
}

/// Asks whether the hold shall end, over what the engine found.
pub fn question(model: &mut Model, end: HeldEnd, rows: &[HeldRow]) {
    if model.is_busy() {
        return;
    }
    let (Some(held), Some(summary)) = (rows.first(), &model.summary) else {
        return model.say(Word::Info, "This field is not held any more.");
    };
    let winner = match end {
        HeldEnd::Propagate => held.put_back,
        HeldEnd::LetGo => held.put_back.other(),
    };
    let place = system(winner.other());
    let mut body = vec![
        write::where_it_goes(&summary.profile, summary.env),
        Line::of(Role::Title, text::Safe::from(held.name.as_str())),
    ];
    body.extend(values(held));
    body.extend([
        Line::new(),
        Line::text(format!("Held since run {} was taken back.", held.run)),
        Line::text(format!(
            "The next sync writes the value of {} to {place}.",
            system(winner)
        )),
        Line::text("u does not take this back. The run that writes it can be"),
        Line::text("taken back."),
    ]);
    let filter = HeldFilter {
        field: Some(held.app_label.clone()),
        records: vec![held.key.clone()],
        run: Some(held.by),
        ..HeldFilter::default()
    };
    let title = format!("Write {} to {place}?", text::fit(&held.app_label, 30));
    let told = format!("{}: {} goes to {place}", held.name, held.app_label);
    let release = Release::Send(Ask::Told(told), Box::new(Command::EndHold { filter, end }));
    let confirm = Confirm::ask(title, body, "Keep it held", format!("To {place}"), release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// What both sides have.
fn values(held: &HeldRow) -> [Line; 2] {
    [
        (Role::App, Side::App, &held.app),
        (Role::Crm, Side::Crm, &held.crm),
    ]
    .map(|(role, side, cell)| {
        let value = write::cell_text(cell.as_deref().unwrap_or_default());
        let line = Line::text("  ").add(role, system(side)).to_column(VALUE_AT);
        line.add(role, value)
    })
}

/// The engine ended it, or says why not.
pub fn ended(model: &mut Model, say: &str, done: &HeldDone) {
    for (what, why) in &done.refused {
        model.say(Word::Warn, format!("{what} stays held: {why}."));
    }
    if done.fields > 0 {
        model.say(
            Word::Ok,
            format!("{say} with the next sync; s does it now."),
        );
    }
}
