//! Trying a filter on a pair: the query it becomes, and who would stay and who would leave.
//!
//! Nothing is changed by it. Invariant: what is shown is the answer to the filter in the form that
//! was sent last.

use super::act;
use crate::domain::id::PairName;
use crate::engine::command::Command;
use crate::engine::view::FilterView;
use crate::error::Error;
use crate::tui::ask::Ask;
use crate::tui::modal::{FormPurpose, Modal};
use crate::tui::model::Model;
use crate::tui::widget::form::{Field, Form, OnEnter};

/// Records that are named, of each sort.
const NAMED: usize = 10;

/// Opens the form for the pair under the cursor, with what was tried on it last.
pub fn begin(model: &mut Model) {
    let Some(pair) = model.pairs().get(model.settings.cursor()) else {
        return;
    };
    let pair = pair.name.clone();
    let tried = model.settings.tried.as_ref();
    let tried = tried.filter(|view| view.pair == pair);
    let text = tried.map(|view| view.filter.clone());
    let field = Field::line(
        "Filter",
        text.as_deref(),
        "on fields of Salesforce, as Status:open -Email:null LastModifiedDate:<2y",
    );
    let title = format!("Try a filter on {pair}");
    let form = Form::new(title, vec![field], "Try", OnEnter::Keeps);
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Filter(pair)));
}

/// Asks what the filter in the form would do; the form stays until it is answered.
pub fn submit(model: &mut Model, form: Form, pair: PairName) {
    let filter = form.fields.first().and_then(Field::value);
    let command = Command::TestFilter {
        pair: pair.clone(),
        filter: filter.unwrap_or_default(),
        samples: NAMED,
    };
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Filter(pair)));
    model.ask(Ask::TestFilter, command);
}

/// Takes the answer.
pub fn take(model: &mut Model, view: Box<FilterView>) {
    if matches!(model.modal, Some(Modal::Form(_, FormPurpose::Filter(_)))) {
        model.modal = None;
    }
    model.settings.tried = Some(view);
}

/// The filter was not understood: the form says why, and keeps it.
pub fn refused(model: &mut Model, error: &Error) {
    match &mut model.modal {
        Some(Modal::Form(form, FormPurpose::Filter(_))) => {
            // The place is told by number; a mark under it needs the line above it.
            let first = error.message().lines().next().unwrap_or_default();
            form.error = Some(first.to_owned());
        }
        _ => model.say(crate::domain::run::Word::Fail, act::with_hint(error)),
    }
}
