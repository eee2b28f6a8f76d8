//! Saved views of the records: gone through, chosen by name, kept, removed.
//!
//! Whether a view is understood is the engine's business. Invariant: the view that is named is the
//! one that is shown; a filter typed by hand has no name.

use super::{act, records, view_pane};
use crate::domain::form::{Choice, Standing};
use crate::domain::listing::{ALWAYS, SavedView, Shape, Sort, columns};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::error::Error;
use crate::tui::ask::Ask;
use crate::tui::modal::{FormPurpose, Modal};
use crate::tui::model::{Model, Screen};
use crate::tui::state::Loaded;
use crate::tui::widget::form::{Field, Form, OnEnter};
use crate::tui::widget::list::Step;
use crate::tui::widget::picker::Picker;
use crate::tui::widget::prompt::{Handled, Prompt};

/// Asks for the views of the pair shown, unless they are here.
pub fn load(model: &mut Model) {
    if model.records.views.is_empty()
        && let Some(pair) = model.records.pair.clone()
    {
        model.ask(Ask::Views, Command::Views { pair });
    }
}

/// Goes to the view before or after the one shown.
pub fn step(model: &mut Model, step: Step) {
    let views = &model.records.views;
    let shown = model.records.view.as_deref();
    let at = views.iter().position(|v| Some(v.name.as_str()) == shown);
    let next = match (step, at) {
        (Step::Up, Some(at)) => at.checked_sub(1),
        (Step::Up, None) => views.len().checked_sub(1),
        (_, Some(at)) => Some(at + 1),
        // A list without a filter is the first view.
        (_, None) => Some(usize::from(model.records.filter.is_empty())),
    };
    match next.and_then(|at| views.get(at)).cloned() {
        Some(view) => take(model, view),
        None => model.say(
            Word::Info,
            "There is no further view. V keeps this list as one.",
        ),
    }
}

/// Shows a view.
pub fn take(model: &mut Model, view: SavedView) {
    let state = &mut model.records;
    state.filter = view.filter;
    state.shape = view.shape;
    state.view = Some(view.name);
    state.rows.list.select(0);
    state.open = None;
    state.rows.part = Loaded::Waiting;
    state.detail = Loaded::Waiting;
    records::load(model);
}

/// Shows the view of this name, on the screen of the records.
pub fn show(model: &mut Model, name: &str) {
    let view = model.records.views.iter().find(|view| view.name == name);
    match view.cloned() {
        Some(view) => {
            if model.screen != Screen::Records {
                act::go(model, Screen::Records);
            }
            take(model, view);
        }
        None => model.say(Word::Info, format!("There is no view \"{name}\" here.")),
    }
}

/// Opens the palette on the views.
pub fn choose(model: &mut Model) {
    model.modal = Some(Modal::Palette(Picker {
        prompt: Prompt::new("view "),
        ..Picker::default()
    }));
}

/// Opens the form that keeps the list as it is under a name.
pub fn save_form(model: &mut Model, name: &str) {
    if !model.may_change("Keeping a view") {
        return;
    }
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let state = &model.records;
    let own = state.view.as_deref().unwrap_or_default();
    let built_in = SavedView::built_in().iter().any(|view| view.name == own);
    let name = match (name, built_in) {
        ("", false) => own,
        (name, _) => name,
    };
    let sort = state.shape.sort.as_ref().map(ToString::to_string);
    let names: Vec<&str> = state.shape.columns.iter().map(|c| c.as_str()).collect();
    let mut order = Field::line("Sort", sort.as_deref(), "-field: largest first").or_none();
    order.choices = orders(model);
    let fields = vec![
        Field::line("Name", Some(name), "up to 40"),
        Field::line("Filter", Some(&state.filter), "as with /").or_none(),
        order,
        Field::line("Columns", Some(&names.join(", ")), "a, b; none: the usual").or_none(),
    ];
    let form = Form::new("Keep this list as a view", fields, "Keep", OnEnter::GoesOn);
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::View(pair)));
}

/// What the list can be ordered by.
fn orders(model: &Model) -> Vec<Choice> {
    let detail = model.records.detail.get();
    let fields = detail.iter().flat_map(|d| d.pair.app_fields.iter());
    let fields = fields.map(|field| field.name.as_str());
    let names = ALWAYS.into_iter().chain(fields);
    names
        .flat_map(|name| [name.to_owned(), format!("-{name}")])
        .map(|text| Choice {
            value: text.clone(),
            label: text,
            standing: Standing::Taken,
        })
        .collect()
}

/// Says while it is typed what is wrong.
pub fn edited(form: &mut Form) {
    let Some(field) = form.fields.get_mut(2) else {
        return;
    };
    let text = field.value().unwrap_or_default();
    let wrong = text.parse::<Sort>().err().filter(|_| !text.is_empty());
    field.problem = wrong.map(|why| format!("is not an order: {why}"));
}

/// Takes the form.
pub fn submit(model: &mut Model, form: Form, pair: crate::domain::id::PairName) {
    let text = |at: usize| {
        form.fields
            .get(at)
            .and_then(Field::value)
            .unwrap_or_default()
    };
    let view = SavedView {
        name: text(0).trim().to_owned(),
        filter: text(1).trim().to_owned(),
        shape: Shape {
            sort: text(2).parse().ok(),
            columns: columns(&text(3)),
        },
    };
    let wrong = form.fields.iter().any(|f| f.problem.is_some());
    if !wrong {
        let command = Command::SaveView {
            pair: pair.clone(),
            view: view.clone(),
        };
        model.ask(Ask::SaveView(Box::new(view)), command);
    }
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::View(pair)));
}

/// The engine keeps it: it is shown.
pub fn saved(model: &mut Model, view: SavedView) {
    if matches!(model.modal, Some(Modal::Form(_, FormPurpose::View(_)))) {
        model.modal = None;
    }
    let text = format!("View \"{}\" is kept; gv lists the views.", view.name);
    model.say(Word::Ok, text);
    model.records.views.clear();
    take(model, view);
}

/// The engine does not.
pub fn refused(model: &mut Model, error: &Error) {
    match &mut model.modal {
        Some(Modal::Form(form, FormPurpose::View(_))) => form.error = Some(act::with_hint(error)),
        _ => model.say(Word::Fail, act::with_hint(error)),
    }
}

/// Forgets a view.
pub fn remove(model: &mut Model, name: &str) {
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    if model.records.view.as_deref() == Some(name) {
        model.records.view = None;
    }
    let name = name.to_owned();
    let told = Ask::Told(format!("View \"{name}\" is forgotten."));
    model.records.views.clear();
    model.ask(told, Command::RemoveView { pair, name });
}

/// What [`line`] would do beside showing a view, which the palette lists by its name.
pub fn meaning(rest: &str) -> Option<String> {
    match rest.split_once(' ') {
        Some(("save", name)) => Some(format!("Keeps the list as the view {}.", name.trim())),
        Some(("remove", name)) => Some(format!("Asks whether to forget the view {}.", name.trim())),
        _ => (rest == "save").then(|| "Keeps the list as a view.".into()),
    }
}

/// A line of the palette about views, without its first word. Another name than one of a view is
/// only a part of one: what the list of the palette shows is chosen then.
pub fn line(model: &mut Model, rest: &str) -> Handled {
    match rest.split_once(' ') {
        Some(("save", name)) => save_form(model, name.trim()),
        Some(("remove", name)) => view_pane::ask_remove(model, name.trim().to_owned()),
        _ if rest == "save" => save_form(model, ""),
        _ if model.records.views.iter().any(|view| view.name == rest) => show(model, rest),
        _ => return Handled::No,
    }
    Handled::Yes
}
