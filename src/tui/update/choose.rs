//! Choosing a value for a field of a form from a list, by typing a part of its name.
//!
//! It changes the form and nothing else. Invariant: only a value that is taken gets into the form.

use super::{link, modal};
use crate::domain::form::{Choice, Standing};
use crate::domain::run::Word;
use crate::tui::key::Key;
use crate::tui::modal::{Chooser, FormPurpose, Modal};
use crate::tui::model::Model;
use crate::tui::widget::form::{Entry, Form};
use crate::tui::widget::picker::{Picked, Picker};
use crate::tui::widget::prompt::Prompt;

/// Opens the list of a field, with the cursor on what it holds.
pub fn begin(model: &mut Model, form: Form, purpose: FormPurpose, at: usize) {
    let field = form.fields.get(at);
    let choices = field.map(|f| f.choices.clone()).unwrap_or_default();
    let held = field.and_then(|f| f.value());
    let mut picker = Picker::default();
    if let Some(here) = choices.iter().position(|c| Some(&c.value) == held.as_ref()) {
        picker.list.select(here);
    }
    model.modal = Some(Modal::Choose(Box::new(Chooser {
        choices,
        picker,
        at,
        form,
        purpose,
    })));
}

/// Places of the choices that fit what is typed, best first.
pub fn hits(chooser: &Chooser) -> Vec<usize> {
    let texts: Vec<String> = chooser
        .choices
        .iter()
        .map(|c| match c.label == c.value {
            true => c.label.clone(),
            false => format!("{} {}", c.label, c.value),
        })
        .collect();
    chooser.picker.hits(texts.iter().map(String::as_str))
}

/// Handles a key.
pub fn key(model: &mut Model, mut chooser: Chooser, key: Key) {
    if let (Key::Ctrl('o'), FormPurpose::Link(record)) = (key, &chooser.purpose) {
        let record = record.clone();
        return link::ask_there(model, chooser.form, record, chooser.picker.prompt.text());
    }
    let found = hits(&chooser);
    match chooser.picker.key(key, found.len()) {
        Picked::Open => model.modal = Some(Modal::Choose(Box::new(chooser))),
        Picked::Left => back(model, chooser),
        Picked::Chosen => {
            let chosen = found.get(chooser.picker.list.selected());
            let chosen = chosen.and_then(|at| chooser.choices.get(*at)).cloned();
            take(model, chooser, chosen);
        }
    }
}

fn take(model: &mut Model, mut chooser: Chooser, chosen: Option<Choice>) {
    match chosen {
        None => model.say(Word::Info, "Nothing in the list is like that."),
        Some(Choice {
            label,
            standing: Standing::Off(why),
            ..
        }) => model.say(Word::Info, format!("{label} {why}; choose another.")),
        Some(choice) => {
            if let Some(field) = chooser.form.fields.get_mut(chooser.at) {
                field.entry = Entry::Line(Prompt::new(choice.value));
            }
            let next = chooser.at + 1;
            chooser.form.focus_on(next);
            modal::edited(model, &mut chooser.form, &chooser.purpose);
            return back(model, chooser);
        }
    }
    model.modal = Some(Modal::Choose(Box::new(chooser)));
}

fn back(model: &mut Model, chooser: Chooser) {
    model.modal = Some(Modal::Form(Box::new(chooser.form), chooser.purpose));
}
