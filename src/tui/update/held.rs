//! Ending the hold of fields that were put back when a run was taken back: of one, or of all that the
//! marked records have.
//!
//! Shows both values and asks first: no key takes that back. Writes nothing: the next sync does
//! what was chosen. Invariant: what the question says is what the engine just found to be held.

use std::collections::BTreeSet;

use super::{records, write};
use crate::domain::run::Word;
use crate::domain::transform::Side;
use crate::engine::command::{Command, HeldEnd, HeldFilter, RecordKey};
use crate::engine::view::{HeldDone, HeldRow, RecordField};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::text::{self, count, group};
use crate::tui::theme::Role;
use crate::tui::view::{role_of, system};
use crate::tui::widget::confirm::Confirm;

/// Column of the values.
const VALUE_AT: usize = 13;
/// Fields that a question names.
const NAMED: usize = 100;

/// The field under the cursor.
pub fn field(model: &Model) -> Option<&RecordField> {
    let detail = model.records.detail.get()?;
    detail.fields.get(model.records.fields.selected())
}

/// Asks what is held: of the field under the cursor, or in the list of the marked records, or of the
/// one under the cursor.
pub fn begin(model: &mut Model, end: HeldEnd) {
    let filter = match &model.records.open {
        Some(_) => of_field(model),
        None => of_records(model),
    };
    if let Some(filter) = filter {
        model.ask(Ask::Hold(end), Command::HeldFields { filter });
    }
}

fn of_field(model: &Model) -> Option<HeldFilter> {
    let (detail, field) = (model.records.detail.get()?, field(model)?);
    Some(HeldFilter {
        field: Some(field.app_label.clone()),
        records: vec![detail.key.clone()],
        ..HeldFilter::default()
    })
}

fn of_records(model: &Model) -> Option<HeldFilter> {
    let records: Vec<RecordKey> = match model.records.marks.is_empty() {
        true => records::shown(model).into_iter().collect(),
        false => model.records.marks.iter().cloned().collect(),
    };
    // A filter without records takes all there are.
    (!records.is_empty()).then(|| HeldFilter {
        records,
        ..HeldFilter::default()
    })
}

/// Asks whether the hold shall end, over what the engine found.
pub fn question(model: &mut Model, end: HeldEnd, rows: &[HeldRow]) {
    if model.is_busy() {
        return;
    }
    let Some(summary) = &model.summary else {
        return;
    };
    let goes = write::where_it_goes(&summary.profile, summary.env);
    let confirm = match rows {
        [] if model.records.open.is_some() => {
            return model.say(Word::Info, "This field is not held any more.");
        }
        [] => return model.say(Word::Info, "Nothing is held there."),
        [one] => about_one(goes, end, one),
        many => about_many(goes, end, many),
    };
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Whose value a field has in the end.
fn winner(end: HeldEnd, held: &HeldRow) -> Side {
    match end {
        HeldEnd::Propagate => held.put_back,
        HeldEnd::LetGo => held.put_back.other(),
    }
}

fn about_one(goes: Line, end: HeldEnd, held: &HeldRow) -> Confirm<Release> {
    let winner = winner(end, held);
    let place = system(winner.other());
    let mut body = vec![
        goes,
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
    ]);
    body.extend(no_way_back());
    let filter = HeldFilter {
        field: Some(held.app_label.clone()),
        records: vec![held.key.clone()],
        run: Some(held.by),
        ..HeldFilter::default()
    };
    let title = format!("Write {} to {place}?", text::fit(&held.app_label, 30));
    let told = format!("{}: {} goes to {place}", held.name, held.app_label);
    let release = Release::Send(Ask::Told(told), Box::new(Command::EndHold { filter, end }));
    Confirm::ask(title, body, "Keep it held", format!("To {place}"), release)
}

fn no_way_back() -> [Line; 2] {
    [
        Line::text("u does not take this back. The run that writes it can be"),
        Line::text("taken back."),
    ]
}

/// The same question about fields of one record or of several: how many go where, then each with
/// what is replaced.
fn about_many(goes: Line, end: HeldEnd, rows: &[HeldRow]) -> Confirm<Release> {
    let records: BTreeSet<&RecordKey> = rows.iter().map(|held| &held.key).collect();
    let fields = count(rows.len() as u64, "held field", "held fields");
    let of = count(records.len() as u64, "record", "records");
    let mut body = vec![
        goes,
        Line::text(format!("{fields} of {of}. The next sync writes:")),
    ];
    body.extend([Side::Crm, Side::App].into_iter().filter_map(|place| {
        let there = rows
            .iter()
            .filter(|held| winner(end, held) != place)
            .count();
        let values = count(there as u64, "value", "values");
        let line = Line::text("  ").add(role_of(place), system(place));
        (there > 0).then(|| {
            let from = system(place.other());
            line.to_column(VALUE_AT)
                .add(Role::Text, format!("{values} of {from}"))
        })
    }));
    body.extend(no_way_back());
    for held in rows.iter().take(NAMED) {
        let title = Line::new().add(Role::Title, text::Safe::from(held.name.as_str()));
        body.push(Line::new());
        let winner = winner(end, held);
        let (from, to) = (system(winner), system(winner.other()));
        body.push(title.add(Role::Text, format!("  {}: {from} to {to}", held.app_label)));
        body.extend(values(held));
    }
    if let Some(more) = rows.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let more = group(more as u64);
        body.extend([Line::new(), Line::text(format!("and {more} more"))]);
    }
    let filter = HeldFilter {
        records: records.into_iter().cloned().collect(),
        ..HeldFilter::default()
    };
    let (title, go, told) = match end {
        HeldEnd::Propagate => (
            format!("Carry {fields} to the other side?"),
            "Carry them over",
            "Held fields: what was put back goes to the other side",
        ),
        HeldEnd::LetGo => (
            format!("Let {fields} go?"),
            "Let them go",
            "Held fields: what the other side has comes back",
        ),
    };
    let release = Release::Send(
        Ask::Told(told.to_owned()),
        Box::new(Command::EndHold { filter, end }),
    );
    Confirm::ask(title, body, "Keep them held", go, release)
}

/// What both sides have.
fn values(held: &HeldRow) -> [Line; 2] {
    [(Side::App, &held.app), (Side::Crm, &held.crm)].map(|(side, cell)| {
        let value = write::cell_text(cell.as_deref().unwrap_or_default());
        let line = Line::text("  ").add(role_of(side), system(side));
        line.to_column(VALUE_AT).add(role_of(side), value)
    })
}

/// The engine ended it, or says why not.
pub fn ended(model: &mut Model, say: &str, done: &HeldDone) {
    let refused = done.refused.len() as u64;
    if let Some((what, why)) = done.refused.first() {
        let others = match refused {
            1 => String::new(),
            _ => format!(", as are {} others", group(refused - 1)),
        };
        model.say(Word::Warn, format!("{what} stays held{others}: {why}."));
    }
    let fields = match done.fields {
        0 => return,
        1 => String::new(),
        n => format!(" ({} fields)", group(n)),
    };
    let text = format!("{say} with the next sync{fields}; s does it now.");
    model.say(Word::Ok, text);
}
