//! The fields of a record's form: what they show, what is typed in them, what is wrong with it.
//!
//! Pure. Invariant: a text counts as typed when it is not the one the record has.

use std::collections::BTreeMap;

use crate::domain::form::{FieldSpec, Given, Occasion, Takes};
use crate::domain::id::FieldName;
use crate::domain::value::{FieldKind, Fields, Value, canon};
use crate::engine::view::{Base, Edit, FormField, RecordFormView, TypedForm};
use crate::tui::modal::{RecordAct, RecordForm};
use crate::tui::widget::form::{Empty, Entry, Field, Form};
use crate::tui::widget::prompt::Prompt;

/// Texts of fields as they are typed; none stands for no value.
pub type Texts = BTreeMap<FieldName, Option<String>>;

/// How strict a form is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What is typed so far.
    Typing,
    /// Everything, as it would be saved.
    Saving,
}

/// What was typed for fields that this form does not show, and how many they are.
pub fn rest_of(typed: &Texts, record: &RecordForm) -> Option<(TypedForm, usize)> {
    let mut texts = typed.clone();
    for at in &record.shown {
        if let Some(field) = record.view.fields.get(*at) {
            texts.remove(&field.spec.name);
        }
    }
    let rev = record.view.rev;
    let many = texts.len();
    (many > 0).then_some((TypedForm { rev, texts }, many))
}

pub fn entry(field: &FormField, typed: &Texts) -> Field {
    let spec = &field.spec;
    let text = match typed.get(&spec.name) {
        Some(text) => text.clone(),
        None => original(field),
    };
    let entry = match (spec.kind, text) {
        (FieldKind::LongText, text) => Entry::Long(text.unwrap_or_default()),
        (FieldKind::Bool, text) => Entry::Choice {
            at: usize::from(text.as_deref() == Some("yes")),
            options: vec!["no".to_owned(), "yes".to_owned()],
        },
        (_, None) => Entry::Null,
        (_, Some(text)) => Entry::Line(Prompt::new(text)),
    };
    let mut shown = Field::new(spec.name.to_string(), "", entry);
    if let Takes::Listed(choices, _) = &spec.takes {
        shown.choices.clone_from(choices);
    }
    shown
}

/// The text of a field before anything was typed.
fn original(field: &FormField) -> Option<String> {
    let value = canon(field.spec.kind, &field.value).into_owned();
    Some(value.to_string()).filter(|text| !text.is_empty())
}

/// The text of a field; an empty one is no value.
pub fn text_of(field: &Field) -> Option<String> {
    field.value().filter(|text| !text.is_empty())
}

/// What is typed and is not as it was.
pub fn texts(form: &Form, record: &RecordForm) -> Texts {
    let mut texts = Texts::new();
    for (field, at) in form.fields.iter().zip(&record.shown) {
        let Some(known) = record.view.fields.get(*at) else {
            continue;
        };
        let text = text_of(field);
        if text != original(known) {
            texts.insert(known.spec.name.clone(), text);
        }
    }
    texts
}

/// Puts beside each field what is wrong with it, or what it takes; says how many are wrong.
pub fn check(form: &mut Form, record: &RecordForm, look: Look) -> usize {
    let occasion = match record.act {
        RecordAct::Create => Occasion::Create,
        RecordAct::Edit | RecordAct::HandOver => Occasion::Edit,
    };
    let mut wrong = 0;
    for (field, at) in form.fields.iter_mut().zip(&record.shown) {
        let Some(known) = record.view.fields.get(*at) else {
            continue;
        };
        let text = text_of(field);
        let touched = text != original(known);
        let asked = look == Look::Saving && occasion == Occasion::Create;
        let read = known.spec.read(text.as_deref(), occasion);
        field.problem = read.err().filter(|_| touched || asked);
        field.warning = known.spec.warning(occasion).filter(|_| touched);
        field.note = match (&record.marked, &text) {
            (Some(_), None) => {
                // Not `(null)`: nobody's value is taken away.
                field.empty = Empty::IsNone;
                "stays as each has it".to_owned()
            }
            (_, text) => {
                let given = match touched {
                    true => Given::Yes,
                    false => Given::No,
                };
                let filled = known.spec.filled_note(occasion, given);
                filled.map_or_else(
                    || note(&known.spec, text.as_deref(), occasion),
                    str::to_owned,
                )
            }
        };
        wrong += usize::from(field.problem.is_some());
    }
    wrong
}

/// The name of a user behind an address, or what the field takes.
fn note(spec: &FieldSpec, text: Option<&str>, occasion: Occasion) -> String {
    if let Takes::Listed(choices, _) = &spec.takes {
        let known = choices.iter().find(|c| Some(c.value.as_str()) == text);
        if let Some(choice) = known.filter(|c| c.label != c.value) {
            return choice.label.clone();
        }
    }
    if text.is_some_and(|text| spec.is_new(text)) {
        return "not in the list of Salesforce: new there".to_owned();
    }
    let needed = text.is_none() && spec.read(None, occasion).is_err();
    match (needed, spec.note()) {
        (true, note) if note.is_empty() => "needed".to_owned(),
        (true, note) => format!("needed, {note}"),
        (false, note) => note,
    }
}

/// What is staged, as the form has it.
pub fn staged_texts(view: &RecordFormView) -> Texts {
    let fields = view.staged.iter().flat_map(|edit| &edit.fields);
    let text = |(name, value): (&FieldName, &Value)| {
        let spec = view.fields.iter().find(|f| f.spec.name == *name)?;
        let staged = FormField {
            spec: spec.spec.clone(),
            value: value.clone(),
        };
        Some((name.clone(), original(&staged)))
    };
    fields.filter_map(text).collect()
}

/// Whether what stands in the form is what is staged.
pub fn is_staged(all: &Texts, record: &RecordForm) -> bool {
    record.view.staged.is_some() && *all == staged_texts(&record.view)
}

/// Whether a field of a staged edit has another value by now than the person saw.
pub fn moved(view: &RecordFormView) -> bool {
    let Some(Base::Values(saw)) = view.staged.as_ref().map(|edit| &edit.base) else {
        return false;
    };
    let mut known = view.fields.iter();
    known.any(|f| saw.get(&f.spec.name).is_some_and(|was| *was != f.value))
}

/// The change as it is staged: these fields, and those of the one before that the form does not
/// show; none when nothing is left of it.
pub fn edit(record: &RecordForm, mut fields: Fields) -> Option<Edit> {
    let view = &record.view;
    let shown = |name: &FieldName| {
        let mut shown = record.shown.iter().filter_map(|at| view.fields.get(*at));
        shown.any(|f| f.spec.name == *name)
    };
    let staged = view.staged.iter().flat_map(|edit| &edit.fields);
    for (name, value) in staged.filter(|(name, _)| !shown(name)) {
        fields.insert(name.clone(), value.clone());
    }
    let base = match record.act {
        RecordAct::Create => Base::New,
        RecordAct::Edit | RecordAct::HandOver => {
            let touched = view
                .fields
                .iter()
                .filter(|f| fields.contains_key(&f.spec.name));
            let saw = touched.map(|f| (f.spec.name.clone(), f.value.clone()));
            Base::Values(saw.collect())
        }
    };
    (!fields.is_empty()).then_some(Edit { base, fields })
}

/// The values that were changed. Every one of them was checked.
pub fn values(form: &Form, record: &RecordForm) -> Fields {
    let mut out = Fields::new();
    for (name, text) in texts(form, record) {
        let known = record.view.fields.iter().find(|f| f.spec.name == name);
        let occasion = match record.act {
            RecordAct::Create => Occasion::Create,
            RecordAct::Edit | RecordAct::HandOver => Occasion::Edit,
        };
        let value = known.map(|f| f.spec.read(text.as_deref(), occasion));
        if let Some(Ok(value)) = value {
            out.insert(name, value);
        }
    }
    out.retain(|_, value| record.act != RecordAct::Create || *value != Value::Null);
    out
}
