//! Linking a record by hand, and ending a link.
//!
//! It names records; whether they may be linked is the engine's business. Invariant: what is
//! typed stays in the form until the engine has taken it.

use super::{act, choose, records};
use crate::domain::form::{Choice, Standing};
use crate::domain::id::CrmId;
use crate::domain::mapping::{FirstLink, Pair};
use crate::domain::run::Word;
use crate::engine::command::{Command, RecordKey};
use crate::engine::view::{Candidate, CrmHit, CrmSearchView, LEAST_ASKED};
use crate::error::Error;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{FormPurpose, Modal, Release};
use crate::tui::model::Model;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::form::{Field, Form, OnEnter};

/// Asks what the record can be linked with.
pub fn begin(model: &mut Model) {
    if let Some(key) = records::shown(model) {
        let pair = key.pair.clone();
        model.ask(Ask::Candidates(key), Command::Candidates { pair });
    }
}

/// Opens the form, with what is known to be linked with nothing.
pub fn open(model: &mut Model, key: RecordKey, found: Vec<Candidate>) {
    let detail = model.records.detail.get().filter(|d| d.key == key);
    let (Some(detail), None) = (detail, &model.modal) else {
        return;
    };
    let mut field = Field::line("Salesforce Id", None, note(found.len()));
    field.choices = found.iter().map(choice).collect();
    let title = format!("Link {}", detail.name);
    let mut form = Form::new(title, vec![field], "Link", OnEnter::GoesOn);
    form.info = Some(first_link(&detail.pair).to_owned());
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Link(key)));
}

fn note(found: usize) -> String {
    match found {
        0 => "15 or 18 characters".to_owned(),
        n => format!("Enter lists {n} unlinked"),
    }
}

fn choice(candidate: &Candidate) -> Choice {
    let from = match candidate.was {
        Some(_) => " (unlinked by hand)",
        None => " (waits to be linked)",
    };
    Choice {
        value: candidate.crm_id.to_string(),
        label: format!("{}{from}", candidate.name),
        standing: Standing::Taken,
    }
}

/// What the next sync does with values that differ.
fn first_link(pair: &Pair) -> &'static str {
    match pair.first_link {
        FirstLink::Review => "Where both sides differ, the next sync asks you.",
        FirstLink::Crm => "Where both sides differ, the next sync takes Salesforce's value.",
        FirstLink::App => "Where both sides differ, the next sync takes the App's value.",
    }
}

/// Says while it is typed whether it can be an Id.
pub fn edited(form: &mut Form) {
    if let Some(field) = form.fields.first_mut() {
        let typed = field.value().unwrap_or_default();
        // Not before there is enough of it; and what has blanks in it is a name.
        let typed = typed.trim();
        let whole = typed.len() >= 15 && !typed.contains(char::is_whitespace);
        let wrong = typed.parse::<CrmId>().err().filter(|_| whole);
        field.problem = wrong.map(|why| format!("is {why}"));
    }
}

/// Asks Salesforce itself for records by name: by these words, by what is typed in the form, or by
/// the name the record has here.
pub fn ask_there(model: &mut Model, mut form: Form, key: RecordKey, words: &str) {
    let detail = model.records.detail.get().filter(|d| d.key == key);
    let typed = form.fields.first().and_then(Field::value);
    // An Id is looked up when it is linked; it names nothing.
    let typed = typed.filter(|typed| typed.trim().parse::<CrmId>().is_err());
    let name = detail.map(|d| d.name.clone());
    let asked = [Some(words.to_owned()), typed, name];
    let mut asked = asked
        .into_iter()
        .flatten()
        .map(|text| text.trim().to_owned());
    let text = asked.find(|text| !text.is_empty()).unwrap_or_default();
    if text.chars().filter(|c| c.is_alphanumeric()).count() < LEAST_ASKED {
        form.error = Some("Salesforce needs two letters or digits to search for".to_owned());
    } else {
        form.error = None;
        form.info = Some(format!("Asking Salesforce for \"{text}\"."));
        model.ask(Ask::FindThere(key.clone()), Command::SearchCrm { text });
    }
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Link(key)));
}

/// Lists what Salesforce found, before what is known here, if the form still waits for it.
pub fn found(model: &mut Model, key: RecordKey, view: CrmSearchView) {
    let detail = model.records.detail.get().filter(|d| d.key == key);
    let object = detail.map(|d| d.pair.object.clone());
    let mut form = match model.modal.take() {
        Some(Modal::Form(form, FormPurpose::Link(k))) if k == key => *form,
        other => return model.modal = other,
    };
    let of_pair = |hit: &&CrmHit| Some(&hit.object) == object.as_ref();
    let field = form.fields.first();
    let known: &[Choice] = field.map_or(&[], |field| field.choices.as_slice());
    let (free, linked): (Vec<&CrmHit>, Vec<&CrmHit>) = view
        .rows
        .iter()
        .filter(of_pair)
        .partition(|hit| is_free(hit, &key, known));
    form.info = None;
    if free.is_empty() {
        let what = object.map_or_else(String::new, |object| object.to_string());
        let taken = match linked.len() {
            0 => String::new(),
            n => format!(" {n} with these words linked already."),
        };
        form.info = Some(format!(
            "Salesforce has no unlinked {what} with \"{}\".{taken}",
            view.text
        ));
        model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Link(key)));
        return;
    }
    let mut choices: Vec<Choice> = free.into_iter().map(choice_there).collect();
    if let Some(field) = form.fields.first_mut() {
        for known in std::mem::take(&mut field.choices) {
            if !choices.iter().any(|c| c.value == known.value) {
                choices.push(known);
            }
        }
        field.choices = choices;
    }
    choose::begin(model, form, FormPurpose::Link(key), 0);
}

/// Whether nothing else is linked with it. One whose link was ended is still known by the record it
/// was linked with; it is free for that one, and wherever it stands among what is known to be free.
fn is_free(hit: &CrmHit, here: &RecordKey, known: &[Choice]) -> bool {
    let id = hit.id.to_string();
    hit.key.as_ref().is_none_or(|key| key == here) || known.iter().any(|c| c.value == id)
}

fn choice_there(hit: &CrmHit) -> Choice {
    Choice {
        value: hit.id.to_string(),
        label: format!("{} (in Salesforce)", hit.name),
        standing: Standing::Taken,
    }
}

/// Takes the form.
pub fn submit(model: &mut Model, mut form: Form, key: RecordKey) {
    let typed = form
        .fields
        .first()
        .and_then(Field::value)
        .unwrap_or_default();
    match typed.trim().parse::<CrmId>() {
        Ok(crm_id) => {
            form.error = None;
            form.info = Some("Salesforce is asked for this record.".to_owned());
            let command = Command::LinkRecord {
                key: key.clone(),
                crm_id,
            };
            model.ask(Ask::Link(key.clone()), command);
        }
        Err(why) => {
            form.focus_on(0);
            form.error = Some(format!("{why}; Ctrl-o asks Salesforce for a name"));
        }
    }
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Link(key)));
}

/// The engine linked it.
pub fn done(model: &mut Model, key: &RecordKey) {
    let open = matches!(&model.modal, Some(Modal::Form(_, FormPurpose::Link(k))) if k == key);
    if open {
        model.modal = None;
    }
    model.say(
        Word::Ok,
        "Linked. The next sync compares both sides; s does it now.",
    );
    records::load(model);
}

/// The engine did not.
pub fn refused(model: &mut Model, key: &RecordKey, error: &Error) {
    match &mut model.modal {
        Some(Modal::Form(form, FormPurpose::Link(k))) if k == key => {
            form.error = Some(act::with_hint(error));
            form.info = None;
        }
        _ => model.say(Word::Fail, act::with_hint(error)),
    }
}

/// Asks before a link is ended.
pub fn ask_unlink(model: &mut Model) {
    let Some(detail) = model.records.detail.get() else {
        return;
    };
    let id = detail.link.as_ref().and_then(|l| l.crm_id);
    let id = id.map_or_else(String::new, |id| id.to_string());
    let body = vec![
        Line::text(format!("{} is linked with", detail.name)),
        Line::text(format!("{} {id} in Salesforce.", detail.pair.object)),
        Line::new(),
        Line::text("Both records stay as they are. No sync changes either because of"),
        Line::text("the other any more, and none links them again by itself."),
        Line::text("L links the record again, with this one or another."),
        Line::new(),
    ];
    let release = Release::Send(
        Ask::Told(format!("{} is no longer linked.", detail.name)),
        Box::new(Command::UnlinkRecord {
            key: detail.key.clone(),
        }),
    );
    let confirm = Confirm::ask("Unlink this record?", body, "Cancel", "Unlink", release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{AppId, ObjectName, PairName};

    #[test]
    fn a_record_whose_link_was_ended_is_free_again() {
        let key = |id: &str| RecordKey {
            pair: PairName::new("people"),
            app_id: AppId::new(id),
        };
        let hit = |key| CrmHit {
            object: ObjectName::new("Contact"),
            id: "003000000000001AAA".parse().unwrap(),
            name: "Ada".into(),
            key,
            address: String::new(),
        };
        let (here, other) = (key("ada"), key("babbage"));
        assert!(is_free(&hit(None), &here, &[]));
        assert!(is_free(&hit(Some(here.clone())), &here, &[]));
        assert!(!is_free(&hit(Some(other.clone())), &here, &[]));
        let known = [choice_there(&hit(None))];
        assert!(is_free(&hit(Some(other)), &here, &known));
    }
}
