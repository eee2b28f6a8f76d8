//! Keys while a text is read: why a run failed, an address, what a version changed.
//!
//! Those that scroll and close are the text's own; the others are the keys of the page behind, as far
//! as they go somewhere or take a copy. Invariant: nothing behind the text changes unseen.

use super::act;
use crate::domain::run::Word;
use crate::tui::action::Action;
use crate::tui::key::Key;
use crate::tui::keymap::Resolved;
use crate::tui::modal::Modal;
use crate::tui::model::Model;
use crate::tui::trail::Place;
use crate::tui::widget::sheet::{Read, Sheet};

/// Handles a key for a text.
pub fn key(model: &mut Model, page: Sheet, key: Key) {
    let pending = std::mem::take(&mut model.pending);
    let page = match pending.is_empty() {
        true => match page.key(key) {
            Read::Closed => return,
            Read::Open(page) => return model.modal = Some(Modal::Text(page)),
            Read::Beyond(page) => page,
        },
        false => page,
    };
    match model.options.keymap.resolve(model.context(), &pending, key) {
        _ if !pending.is_empty() && key == Key::Esc => model.modal = Some(Modal::Text(page)),
        Resolved::Pending => {
            model.pending = pending;
            model.pending.push(key);
            model.modal = Some(Modal::Text(page));
        }
        Resolved::Action(Action::First) => {
            if let Read::Open(page) = page.key(Key::Home) {
                model.modal = Some(Modal::Text(page));
            }
        }
        Resolved::Action(action) if goes_behind(action) => {
            let place = Place::of(model);
            act::act(model, action);
            // It is read on where nothing else came in front.
            if model.modal.is_none() && Place::of(model) == place {
                model.modal = Some(Modal::Text(page));
            }
        }
        Resolved::Action(action) => {
            let label = action.info().label;
            model.say(Word::Info, format!("{label}: Esc closes this text first."));
            model.modal = Some(Modal::Text(page));
        }
        Resolved::None => {
            super::say_dead(model, &pending, key);
            model.modal = Some(Modal::Text(page));
        }
    }
}

/// Whether an action of the page behind is done while a text covers it.
fn goes_behind(action: Action) -> bool {
    use Action as A;
    matches!(
        action,
        A::Actions
            | A::Help
            | A::Palette
            | A::Messages
            | A::Copy
            | A::CopyJson
            | A::Overview
            | A::Business
            | A::Log
            | A::Conflicts
            | A::Mapping
            | A::Records
            | A::Settings
            | A::Schedule
            | A::ScreenBefore
            | A::Search
            | A::GoRecord
            | A::GoConflicts
            | A::GoLog
            | A::GoMapping
            | A::GoSettings
    )
}
