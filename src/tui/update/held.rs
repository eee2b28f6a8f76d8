//! Ending the hold of a field that was put back when a run was taken back.
//!
//! Names the field; whether it is held is the engine's business. Writes nothing: the next sync
//! does what was chosen.

use crate::domain::run::Word;
use crate::domain::text::some;
use crate::engine::command::{Command, HeldEnd, HeldFilter};
use crate::engine::view::{HeldDone, RecordField};
use crate::tui::ask::Ask;
use crate::tui::model::Model;

/// The field under the cursor.
pub fn field(model: &Model) -> Option<&RecordField> {
    let detail = model.records.detail.get()?;
    detail.fields.get(model.records.fields.selected())
}

/// Ends the hold of the field under the cursor.
pub fn end(model: &mut Model, end: HeldEnd) {
    let (Some(detail), Some(field)) = (model.records.detail.get(), field(model)) else {
        return;
    };
    let filter = HeldFilter {
        field: Some(field.app_label.clone()),
        records: vec![detail.key.clone()],
        ..HeldFilter::default()
    };
    let ask = match end {
        HeldEnd::Propagate => "The next sync carries it to the other side; s does it now.",
        HeldEnd::LetGo => "The next sync brings the other side's value back; s does it now.",
    };
    model.ask(Ask::Told(ask.to_owned()), Command::EndHold { filter, end });
}

/// The engine ended it, or says why not.
pub fn ended(model: &mut Model, say: String, done: &HeldDone) {
    for (what, why) in &done.refused {
        model.say(Word::Warn, format!("{what} stays: {why}."));
    }
    if done.fields > 0 {
        let fields = some(done.fields, "field is", "fields are");
        model.say(Word::Ok, format!("{fields} no longer held. {say}"));
    }
}
