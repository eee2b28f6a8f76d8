//! The filter of a pair: tried first, with the query it becomes and who would stay, leave and come
//! back; then put into the draft of the mapping.
//!
//! Saves nothing; `w` on the mapping does. Invariant: what is staged is the filter in the form that
//! was understood, after its effect was shown.

use super::{act, mapping};
use crate::domain::id::PairName;
use crate::domain::mapping::{BadFields, Leaves, Pair};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::view::{FilterView, PairSettings};
use crate::error::Error;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{FormPurpose, Modal, Release};
use crate::tui::model::Model;
use crate::tui::state::TakesPart;
use crate::tui::text::{count, group, wrap};
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::form::{Field, Form, OnEnter};

/// Records that are named, of each sort.
const NAMED: usize = 10;
/// Records that leave and are named in the question.
const ASKED: usize = 3;
/// Columns beside the labels of the question, in a window of 80.
const COLUMNS: usize = 56;

/// Label of what becomes of a record of which some fields are refused.
pub const REFUSED: &str = "Refused fields";

/// A filter for people.
pub fn filter_text(filter: &str) -> &str {
    match filter {
        "" => "all records",
        filter => filter,
    }
}

/// What is saved for a pair.
pub fn saved_part(pair: &PairSettings) -> TakesPart {
    TakesPart {
        filter: pair.filter.clone(),
        leaves: pair.on_leave,
        bad_fields: pair.bad_fields,
    }
}

/// Which records take part in a pair, as its draft says, or else as it is saved.
pub fn part_of(model: &Model, pair: &PairSettings) -> TakesPart {
    let draft = model.mapping.draft.as_ref();
    match draft.filter(|draft| draft.name == pair.name) {
        Some(draft) => of_draft(draft),
        None => saved_part(pair),
    }
}

fn of_draft(draft: &Pair) -> TakesPart {
    TakesPart {
        filter: draft.filter.clone(),
        leaves: draft.on_leave,
        bad_fields: draft.bad_fields,
    }
}

/// Opens the form for the pair under the cursor, with what was tried on it last.
pub fn begin(model: &mut Model) {
    if !model.may_change("Changing a filter") {
        return;
    }
    let view = model.settings.view.get();
    let Some(pair) = view.and_then(|v| v.pairs.get(model.settings.cursor())) else {
        return;
    };
    let own = part_of(model, pair);
    let tried = model.settings.tried.as_ref();
    let tried = tried.filter(|view| view.pair == pair.name);
    let text = tried.map_or(&own.filter, |view| &view.filter).to_owned();
    let name = pair.name.clone();
    let leaves = Leaves::ALL.iter().position(|l| *l == own.leaves);
    let refused = BadFields::ALL.iter().position(|b| *b == own.bad_fields);
    let words = |all: &[&str]| all.iter().map(|&words| words.to_owned()).collect();
    let fields = vec![
        Field::line("Filter", Some(&text), "fields of Salesforce"),
        Field::choice(
            "Who leaves",
            words(&Leaves::ALL.map(Leaves::words)),
            leaves.unwrap_or(0),
        ),
        Field::choice(
            REFUSED,
            words(&BadFields::ALL.map(BadFields::words)),
            refused.unwrap_or(0),
        ),
    ];
    let mut form = Form::new(format!("Filter of {name}"), fields, "Try", OnEnter::Keeps);
    form.info = Some(WRITTEN.to_owned());
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Filter(name)));
}

/// How a filter is written, where its field has no room to say it.
const WRITTEN: &str = "A filter is written as Status:open -Email:null LastModifiedDate:<2y. \
                       Without one all records take part.";

/// Asks what the filter in the form would do; the form stays until it is answered.
pub fn submit(model: &mut Model, form: Form, pair: PairName) {
    let filter = form.fields.first().and_then(Field::value);
    let command = Command::TestFilter {
        pair: pair.clone(),
        filter: Some(filter.unwrap_or_default()),
        samples: NAMED,
    };
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Filter(pair)));
    model.ask(Ask::TestFilter, command);
}

/// Takes the answer: shows the effect and asks whether the filter goes into the draft.
pub fn take(model: &mut Model, view: Box<FilterView>) {
    match model.modal.take() {
        Some(Modal::Form(form, FormPurpose::Filter(pair))) if pair == view.pair => {
            let chosen = |at| {
                form.fields
                    .get(at)
                    .and_then(Field::value)
                    .unwrap_or_default()
            };
            let (leaves, refused) = (chosen(1), chosen(2));
            let leaves = Leaves::ALL.into_iter().find(|l| leaves == l.words());
            let refused = BadFields::ALL.into_iter().find(|b| refused == b.words());
            let part = TakesPart {
                filter: view.filter.clone(),
                leaves: leaves.unwrap_or_default(),
                bad_fields: refused.unwrap_or_default(),
            };
            question(model, &view, part);
        }
        modal => model.modal = modal,
    }
    model.settings.tried = Some(view);
}

fn question(model: &mut Model, view: &FilterView, part: TakesPart) {
    let linked = |n| count(n, "linked record", "linked records");
    let leave = format!("{}; they {}", linked(view.leave), part.leaves.words());
    let mut rows = vec![
        ("Filter", filter_text(&view.filter).to_owned()),
        ("In Salesforce", view.query.clone()),
    ];
    if let Some(rest) = &view.rest {
        rows.push(("Decided here", rest.clone()));
    }
    rows.extend([("Stay", linked(view.stay)), ("Leave", leave)]);
    // One name takes no more than a line that says that there is one more.
    let all = usize::try_from(view.leave).unwrap_or(usize::MAX);
    let asked = ASKED + usize::from(all == ASKED + 1);
    let named = view.leaving.iter().take(asked);
    rows.extend(named.map(|sample| ("", sample.name.clone())));
    if let Some(more @ 1..) = view.leave.checked_sub(asked.min(view.leaving.len()) as u64) {
        rows.push(("", format!("and {} more", group(more))));
    }
    rows.push(("Come back", linked(view.enter)));
    rows.push((REFUSED, part.bad_fields.words().to_owned()));
    let mut body: Vec<Line> = rows.into_iter().flat_map(labelled).collect();
    body.push(Line::new());
    body.push(Line::text(
        "It goes into the draft of the mapping. Nothing is saved before w.",
    ));
    let release = Release::StagePart(view.pair.clone(), part);
    let title = format!("This filter for {}?", view.pair);
    let confirm = Confirm::ask(title, body, "Cancel", "Stage", release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// A label and its text, on as many lines as it takes: what is confirmed is seen whole.
fn labelled((label, text): (&'static str, String)) -> Vec<Line> {
    let lines = wrap(&text, COLUMNS).into_iter().enumerate();
    let line = |(at, text)| {
        Line::of(Role::Dim, if at == 0 { label } else { "" })
            .to_column(15)
            .add(Role::Text, text)
    };
    lines.map(line).collect()
}

/// Puts a filter into the draft of the mapping that is here.
pub fn stage(model: &mut Model, part: TakesPart) {
    let Some(mut pair) = model.mapping.current().cloned() else {
        return;
    };
    let text = match of_draft(&pair) == part {
        true => format!("The filter of {} is so already.", pair.name),
        false => format!(
            "The filter of {} is in the draft. w saves it, u takes it back.",
            pair.name
        ),
    };
    pair.filter = part.filter;
    pair.on_leave = part.leaves;
    pair.bad_fields = part.bad_fields;
    mapping::stage(model, pair);
    model.say(Word::Info, text);
}

/// The filter was not understood: the form says why, and keeps it.
pub fn refused(model: &mut Model, error: &Error) {
    match &mut model.modal {
        Some(Modal::Form(form, FormPurpose::Filter(_))) => {
            // The place is told by number; a mark under it needs the line above it.
            let first = error.message().lines().next().unwrap_or_default();
            form.error = Some(first.to_owned());
        }
        _ => model.say(Word::Fail, act::with_hint(error)),
    }
}
