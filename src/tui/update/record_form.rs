//! The form of a record: made, changed, or handed over.
//!
//! It is checked with every key and stays open until the engine has staged it. What a record is
//! worth is the engine's business. Invariant: everything typed is on its way to the store before
//! the form can be left.

mod fields;

use super::{act, bulk, records};
use crate::domain::form::Takes;
use crate::domain::id::FieldName;
use crate::domain::run::Word;
use crate::domain::value::{FieldKind, Value};
use crate::engine::command::{Command, RecordKey};
use crate::engine::view::{Base, EditStaged, Pinned, RecordDetail, RecordFormView, TypedForm};
use crate::error::{Error, Kind};
use crate::tui::ask::Ask;
use crate::tui::bulk::{Act, Work};
use crate::tui::canvas::Line;
use crate::tui::decisions::{Change, Step};
use crate::tui::modal::{EditTarget, FormPurpose, Modal, RecordAct, RecordForm, Release, Sending};
use crate::tui::model::{LinkState, Model};
use crate::tui::text::count;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::form::{Entry, Field, Form, OnEnter};
use fields::{
    Look, Texts, check, edit, entry, is_staged, moved, rest_of, staged_texts, text_of, texts,
    values,
};

/// Asks for the form of the record shown, or of a new one.
pub fn begin(model: &mut Model, act: RecordAct) {
    let command = match act {
        RecordAct::Create => model.records.pair.clone().map(|pair| (pair, None)),
        RecordAct::Edit | RecordAct::HandOver => {
            records::shown(model).map(|key| (key.pair, Some(key.app_id)))
        }
    };
    if let Some((pair, app_id)) = command {
        model.ask(Ask::Form(act), Command::RecordForm { pair, app_id });
    }
}

/// Opens a form with what was typed in it before.
pub fn open(model: &mut Model, act: RecordAct, view: RecordFormView) {
    // A person who opened something else meanwhile is not disturbed.
    if model.modal.is_none() {
        let act = match &view.staged {
            Some(edit) if edit.base == Base::New => RecordAct::Create,
            _ => act,
        };
        let typed = view.typed.as_ref().map(|t| t.texts.clone());
        let typed = typed.unwrap_or_else(|| staged_texts(&view));
        let moved = moved(&view).then(|| over_new(&view.changed_by));
        show(model, act, view, None, &typed, moved);
    }
}

/// Takes back what is staged of the record in front.
pub fn take_back(model: &mut Model) {
    if let Some(RecordKey { pair, app_id }) = records::shown(model) {
        let app_id = Some(app_id);
        let ask = Ask::Stage(pair.clone(), app_id.clone());
        let edit = None;
        model.ask(ask, Command::StageEdit { pair, app_id, edit });
    }
}

fn over_new(changed_by: &str) -> String {
    format!(
        "{changed_by} changed this record meanwhile. What you typed stands, over the new values."
    )
}

/// Opens the one form that hands over all marked records. What each of them has is not shown:
/// only what is typed is set.
pub fn open_marked(model: &mut Model, mut view: RecordFormView, pinned: Pinned) {
    if model.modal.is_some() {
        return;
    }
    view.name = count(pinned.records.len() as u64, "record", "records");
    view.typed = None;
    view.staged = None;
    for field in &mut view.fields {
        field.value = Value::Null;
    }
    let act = RecordAct::HandOver;
    show(model, act, view, Some(pinned), &Texts::new(), None);
}

/// The record is not as it was when its form was opened: what is typed stands over what it is now.
pub fn open_again(model: &mut Model, act: RecordAct, view: RecordFormView) {
    let Some((form, record)) = take_open(model, &view) else {
        return;
    };
    let texts = texts(&form, &record);
    let why = over_new(&view.changed_by);
    show(model, act, view, None, &texts, Some(why));
}

/// The record is gone: what is typed, and what the record had, becomes a new one.
pub fn open_new(model: &mut Model, view: RecordFormView, why: &str) {
    let Some(Modal::Form(form, FormPurpose::Record(record))) = model.modal.take() else {
        return;
    };
    if view.typed.is_some() || record.act == RecordAct::HandOver {
        let text = format!("{why}; nothing was staged. Esc leaves");
        return refuse(model, *form, *record, text);
    }
    let mut all = Texts::new();
    for (field, at) in form.fields.iter().zip(&record.shown) {
        let spec = record.view.fields.get(*at).map(|f| &f.spec);
        // Who it was in Salesforce does not go over to another record.
        if let Some(spec) = spec.filter(|s| s.kind != FieldKind::Reference) {
            all.insert(spec.name.clone(), text_of(field));
        }
    }
    all.retain(|_, text| text.is_some());
    let why = format!("{why}. Nothing you typed is lost: Stage makes a new record of it.");
    show(model, RecordAct::Create, view, None, &all, Some(why));
    keep_now(model);
}

fn show(
    model: &mut Model,
    act: RecordAct,
    view: RecordFormView,
    marked: Option<Pinned>,
    typed: &Texts,
    wrong: Option<String>,
) {
    let shown: Vec<usize> = match act {
        RecordAct::Create | RecordAct::Edit => {
            let given = |at: &usize| view.fields[*at].spec.takes != Takes::Nothing;
            (0..view.fields.len()).filter(given).collect()
        }
        RecordAct::HandOver => {
            let names = [view.owner.as_ref(), view.status.as_ref()];
            let at = |name: &FieldName| view.fields.iter().position(|f| f.spec.name == *name);
            names.into_iter().flatten().filter_map(at).collect()
        }
    };
    let fields = shown.iter().filter_map(|at| view.fields.get(*at));
    let fields: Vec<Field> = fields.map(|field| entry(field, typed)).collect();
    let first = match act {
        RecordAct::Edit => under_cursor(model, &view, &shown),
        RecordAct::Create | RecordAct::HandOver => 0,
    };
    let title = match act {
        RecordAct::Create => format!("New record in {}", view.table),
        RecordAct::Edit => format!("Edit {}", view.name),
        RecordAct::HandOver => format!("Hand over {}", view.name),
    };
    let form = Form::new(title, fields, "Stage", OnEnter::GoesOn);
    let mut form = match marked {
        None => form.keeping(),
        Some(_) => form,
    };
    let older = view.typed.as_ref().is_some_and(|t| t.rev != view.rev);
    let mut record = RecordForm {
        act,
        view,
        marked,
        shown,
        sending: Sending::No,
    };
    let all = texts(&form, &record);
    let as_staged = is_staged(&all, &record);
    form.info = match (!all.is_empty(), older) {
        (false, _) => None,
        _ if as_staged => Some("Staged: w writes it. Cancel leaves it staged.".to_owned()),
        (true, false) => Some("Goes on with what you typed before; Cancel drops it.".to_owned()),
        (true, true) => Some(format!(
            "{} changed this record since you typed; your text stands over the new values.",
            record.view.changed_by
        )),
    };
    check(&mut form, &record, Look::Typing);
    form.focus_on(first);
    form.error = wrong;
    // From here on the text is about the record as it is now.
    record.view.typed = None;
    if let Some((rest, _)) = rest_of(typed, &record) {
        record.view.typed = Some(rest);
    }
    model.modal = Some(Modal::Form(
        Box::new(form),
        FormPurpose::Record(Box::new(record)),
    ));
}

/// Where in the form the field is that the cursor of the open record is on; else the first.
fn under_cursor(model: &Model, view: &RecordFormView, shown: &[usize]) -> usize {
    let records = &model.records;
    let detail = records.detail.get().filter(|detail| {
        let same = detail.key.pair == view.pair && Some(&detail.key.app_id) == view.app_id.as_ref();
        same && records.open.as_ref() == Some(&detail.key)
    });
    let row = detail.and_then(|detail| {
        let field = detail.fields.get(records.fields.selected())?;
        detail.pair.rows.iter().find(|row| row.id == field.row)
    });
    let is = |at: &usize| {
        let spec = view.fields.get(*at).map(|f| &f.spec.name);
        spec.is_some_and(|name| row.is_some_and(|row| row.app.contains(name)))
    };
    shown.iter().position(is).unwrap_or(0)
}

/// Whether the form waits for the engine. One that went away gives no answer any more.
pub fn waits(model: &Model, record: &RecordForm) -> bool {
    record.sending == Sending::Yes && model.link == LinkState::Live
}

/// Something was typed: it is checked and kept.
pub fn edited(model: &mut Model, form: &mut Form, record: &RecordForm) {
    form.info = None;
    check(form, record, Look::Typing);
    keep(model, form, record);
}

fn keep(model: &mut Model, form: &Form, record: &RecordForm) {
    let mut all = texts(form, record);
    if let Some(rest) = &record.view.typed {
        all.extend(rest.texts.clone());
    }
    let kept = !all.is_empty() && !is_staged(&all, record);
    let typed = kept.then_some(TypedForm {
        rev: record.view.rev,
        texts: all,
    });
    put(model, record, typed);
}

/// Keeps what is typed in the editor of a long field, as if the form had it already.
pub fn keep_editor(model: &mut Model) {
    let Some(Modal::Editor {
        editor,
        target: EditTarget::FormField(purpose, at),
        behind: Some(form),
        ..
    }) = &model.modal
    else {
        return;
    };
    if let FormPurpose::Record(record) = purpose.as_ref() {
        let (mut form, record) = (form.as_ref().clone(), record.as_ref().clone());
        if let Some(field) = form.fields.get_mut(*at) {
            field.entry = Entry::Long(editor.text());
        }
        keep(model, &form, &record);
    }
}

/// Keeps what is in the form in front.
fn keep_now(model: &mut Model) {
    if let Some(Modal::Form(form, purpose)) = model.modal.take() {
        if let FormPurpose::Record(record) = &purpose {
            keep(model, &form, record);
        }
        model.modal = Some(Modal::Form(form, purpose));
    }
}

fn put(model: &mut Model, record: &RecordForm, typed: Option<TypedForm>) {
    // The store keeps what is typed for one record; this is for none of them alone.
    if model.link != LinkState::Live || record.marked.is_some() {
        return;
    }
    let command = Command::KeepForm {
        pair: record.view.pair.clone(),
        app_id: record.view.app_id.clone(),
        typed,
    };
    model.ask(Ask::KeepForm, command);
}

/// Forgets what was typed in a form.
pub fn forget(model: &mut Model, record: &RecordForm) {
    put(model, record, record.view.typed.clone());
}

/// Esc: what is typed was kept with every key.
pub fn leave(model: &mut Model, mut form: Form, record: RecordForm) {
    let typed = texts(&form, &record);
    let many = typed.len();
    if many == 0 || is_staged(&typed, &record) {
        return;
    }
    if model.link != LinkState::Live {
        form.error = Some("The engine is away. The form stays, so that nothing is lost".into());
        model.modal = Some(Modal::Form(
            Box::new(form),
            FormPurpose::Record(Box::new(record)),
        ));
        return;
    }
    let fields = count(many as u64, "field", "fields");
    if record.marked.is_some() {
        let text = format!("Left, nothing was changed. What you typed in {fields} is dropped.");
        return model.say(Word::Info, text);
    }
    let key = match record.act {
        RecordAct::Create => "i",
        RecordAct::Edit => "e",
        RecordAct::HandOver => "H",
    };
    let text = format!("Left. What you typed in {fields} is kept; {key} goes on with it.");
    model.say(Word::Info, text);
}

/// The button: asks before what is typed is dropped.
pub fn cancel(model: &mut Model, form: &Form, record: RecordForm) {
    let typed = texts(form, &record);
    let many = typed.len();
    if many == 0 || record.marked.is_some() || is_staged(&typed, &record) {
        return forget(model, &record);
    }
    let fields = count(many as u64, "field", "fields");
    let body = vec![
        Line::text(format!("You typed in {fields}, and did not stage it.")),
        Line::text("Kept, the form goes on with it the next time it is opened."),
        Line::new(),
    ];
    let release = Release::DropForm(Box::new(record));
    let confirm = Confirm::ask("Drop what you typed?", body, "Keep it", "Drop", release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Takes a filled form: sends it, or says what is wrong. It stays open until the answer.
pub fn submit(model: &mut Model, mut form: Form, mut record: RecordForm) {
    let wrong = check(&mut form, &record, Look::Saving);
    if wrong > 0 {
        let first = form.fields.iter().position(|f| f.problem.is_some());
        form.focus_on(first.unwrap_or(0));
        let fields = count(wrong as u64, "field is not taken", "fields are not taken");
        return refuse(model, form, record, format!("{fields}; nothing was staged"));
    }
    let fields = values(&form, &record);
    if fields.is_empty() && record.view.staged.is_none() {
        return refuse(model, form, record, "nothing was changed".to_owned());
    }
    if model.link != LinkState::Live {
        let text = "The engine is away. The form stays, so that nothing is lost".to_owned();
        return refuse(model, form, record, text);
    }
    if let Some(pinned) = record.marked {
        let act = Act::HandOver(fields);
        return bulk::begin(model, Work::new(act, pinned.pair, pinned.records));
    }
    let (pair, app_id) = (record.view.pair.clone(), record.view.app_id.clone());
    let edit = edit(&record, fields);
    let ask = Ask::Stage(pair.clone(), app_id.clone());
    model.ask(ask, Command::StageEdit { pair, app_id, edit });
    record.sending = Sending::Yes;
    form.error = None;
    form.info = Some("Being staged.".to_owned());
    model.modal = Some(Modal::Form(
        Box::new(form),
        FormPurpose::Record(Box::new(record)),
    ));
}

fn refuse(model: &mut Model, mut form: Form, record: RecordForm, why: String) {
    form.error = Some(why);
    form.info = None;
    model.modal = Some(Modal::Form(
        Box::new(form),
        FormPurpose::Record(Box::new(RecordForm {
            sending: Sending::No,
            ..record
        })),
    ));
}

/// Takes the form in front if it is the one of this record.
fn take_open(model: &mut Model, view: &RecordFormView) -> Option<(Form, RecordForm)> {
    let is = |r: &RecordForm| r.view.pair == view.pair && r.view.app_id == view.app_id;
    match model.modal.take() {
        Some(Modal::Form(form, FormPurpose::Record(record))) if is(&record) => {
            Some((*form, *record))
        }
        other => {
            model.modal = other;
            None
        }
    }
}

/// The engine has it: the form is closed, and what was typed is no longer kept. The step can be
/// taken back.
pub fn staged(model: &mut Model, ask: &Ask, done: EditStaged) {
    match model.modal.take() {
        Some(Modal::Form(_, FormPurpose::Record(record))) if is_of(&record, ask) => {
            forget(model, &record);
        }
        other => model.modal = other,
    }
    let EditStaged { key, before, after } = done;
    let name = match (&before, &after) {
        (None, None) => return model.say(Word::Info, "That changes nothing; nothing is staged."),
        (Some(_), None) => "what was staged of a record is taken back".to_owned(),
        (_, Some(edit)) => {
            let fields = count(edit.fields.len() as u64, "field", "fields");
            match &edit.base {
                Base::New => format!("a new record with {fields}"),
                Base::Values(_) => format!("a change of {fields}"),
            }
        }
    };
    model.say(
        Word::Ok,
        format!("Staged: {name}. Nothing is written before w; u takes it back."),
    );
    model.conflicts.history.push(Step {
        name,
        forth: Change::edit(key.clone(), after),
        back: Change::edit(key, before),
    });
    records::load(model);
}

fn is_of(record: &RecordForm, ask: &Ask) -> bool {
    let view = &record.view;
    matches!(ask, Ask::Stage(pair, app_id) if view.pair == *pair && view.app_id == *app_id)
}

/// The engine refused it: the form says why, and a record that changed is looked at again.
pub fn refused(model: &mut Model, ask: &Ask, error: &Error) {
    match model.modal.take() {
        Some(Modal::Form(form, FormPurpose::Record(record))) if is_of(&record, ask) => {
            let again = (
                record.act,
                record.view.pair.clone(),
                record.view.app_id.clone(),
            );
            refuse(model, *form, *record, act::with_hint(error));
            if let (Kind::Changed | Kind::Usage, (act, pair, Some(id))) = (error.kind(), again) {
                let app_id = Some(id);
                model.ask(Ask::FormAgain(act), Command::RecordForm { pair, app_id });
            }
        }
        other => {
            model.modal = other;
            let text = format!("{} What you typed is kept.", act::with_hint(error));
            model.say(Word::Fail, text);
        }
    }
}

/// The record of the form in front cannot be had any more.
pub fn gone(model: &mut Model, error: &Error) {
    let Some(Modal::Form(_, FormPurpose::Record(record))) = &model.modal else {
        return model.say(Word::Fail, act::with_hint(error));
    };
    let pair = record.view.pair.clone();
    let why = act::with_hint(error).trim_end_matches('.').to_owned();
    let command = Command::RecordForm { pair, app_id: None };
    model.ask(Ask::FormNew(why), command);
}

/// A record was read again: if it is in the form in front and is not what the form is about, the
/// form is told.
pub fn look(model: &mut Model, detail: &RecordDetail) {
    let Some(Modal::Form(_, FormPurpose::Record(record))) = &model.modal else {
        return;
    };
    let view = &record.view;
    let same = view.pair == detail.key.pair && view.app_id.as_ref() == Some(&detail.key.app_id);
    let rev = detail.app.as_ref().map(|app| app.rev);
    let new = view.staged.as_ref().is_some_and(|e| e.base == Base::New);
    if same
        && !new
        && record.marked.is_none()
        && record.sending == Sending::No
        && rev != Some(view.rev)
    {
        let (pair, app_id) = (view.pair.clone(), view.app_id.clone());
        let act = record.act;
        model.ask(Ask::FormAgain(act), Command::RecordForm { pair, app_id });
    }
}
