//! Keys while a dialog is in front. Dialogs have fixed keys; they are written at their foot.

use std::collections::BTreeSet;

use super::{
    act, bulk, choose, decide, help_lines, line, link, mapping, mapping_form, reading, record_form,
    records, relink, schedules, search, try_filter, views,
};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::view::SignInView;
use crate::tui::action::{Action, TABLE};
use crate::tui::ask::Ask;
use crate::tui::effect::{Effect, ExitReason};
use crate::tui::key::Key;
use crate::tui::modal::{EditTarget, FormPurpose, HelpLine, Modal, Release, SignIn};
use crate::tui::model::{Model, Screen};
use crate::tui::widget::confirm::Answer;
use crate::tui::widget::editor::{self, Editor};
use crate::tui::widget::form::{Entry, Form, Outcome};
use crate::tui::widget::list::{ListState, Step};
use crate::tui::widget::picker::{Picked, Picker};
use crate::tui::widget::prompt::{Handled, Prompt};
use secrecy::SecretString;

/// Handles a key for the dialog in front.
pub fn key(model: &mut Model, key: Key) {
    let Some(modal) = model.modal.take() else {
        return;
    };
    if key == Key::F(1) && !matches!(modal, Modal::Help { .. }) {
        model.modal = Some(modal);
        return super::help::while_typing(model);
    }
    match modal {
        Modal::Confirm(confirm) => match confirm.key(key, model.now.since) {
            Answer::Open(confirm) => model.modal = Some(Modal::Confirm(confirm)),
            Answer::Left => {}
            Answer::Go(effect) => release(model, effect),
        },
        Modal::Help { list, find } => help(model, list, find, key),
        Modal::Palette(picker) => palette(model, picker, key),
        Modal::Search(box_) => search::key(model, *box_, key),
        Modal::Actions(list) => actions(model, list, key),
        Modal::Messages(mut list) => {
            if let Some(step) = list_step(key) {
                list.step(step, super::message_lines(model).len());
            } else if matches!(key, Key::Esc | Key::Char('q') | Key::Enter) {
                return;
            }
            model.modal = Some(Modal::Messages(list));
        }
        Modal::Form(form, purpose) => form_key(model, *form, purpose, key),
        Modal::Editor {
            title,
            editor,
            target,
            behind,
        } => {
            editor_key(model, (title, *editor, target, behind.map(|f| *f)), key);
        }
        Modal::Offers(offers) => mapping::offer_key(model, *offers, key),
        Modal::Choose(chooser) => choose::key(model, *chooser, key),
        Modal::SignIn(sign_in) => sign_in_key(model, *sign_in, key),
        Modal::Text(page) => reading::key(model, page, key),
    }
}

/// Text pasted while a dialog is in front.
pub fn paste(model: &mut Model, text: &str) {
    let now = model.now.since;
    match &mut model.modal {
        Some(Modal::Confirm(confirm)) => confirm.paste(text, now),
        Some(
            Modal::Palette(picker)
            | Modal::Help {
                find: Some(picker), ..
            },
        ) => picker.prompt.paste(text),
        Some(Modal::Search(box_)) => {
            box_.picker.prompt.paste(text);
            search::ask(model);
        }
        Some(Modal::Editor { editor, .. }) => {
            editor.paste(text);
            record_form::keep_editor(model);
        }
        Some(Modal::Choose(chooser)) => chooser.picker.prompt.paste(text),
        Some(Modal::Offers(offers)) => offers.picker.prompt.paste(text),
        Some(Modal::SignIn(sign_in)) if sign_in.takes_an_address() => {
            sign_in.prompt.paste(text);
        }
        Some(Modal::Form(..)) => {
            if let Some(Modal::Form(mut form, purpose)) = model.modal.take() {
                if form.paste(text) == Outcome::Edited {
                    edited(model, &mut form, &purpose);
                }
                model.modal = Some(Modal::Form(form, purpose));
            }
        }
        _ => model.say(Word::Info, "A paste is text; there is no field here."),
    }
}

fn release(model: &mut Model, effect: Release) {
    match effect {
        Release::Send(ask, command) => model.ask(ask, *command),
        Release::Save(file) => model.effects.push(Effect::Save(*file)),
        Release::Quit => model.effects.push(Effect::Quit(ExitReason::Quit)),
        Release::StageVersion(version, pair) => mapping::bring_back(model, version, *pair),
        Release::RemoveRow(row) => mapping::remove(model, row),
        Release::StagePart(pair, part) => mapping::show_part(model, pair, part),
        Release::Bulk(work) => bulk::begin(model, *work),
        Release::RemoveView(name) => views::remove(model, &name),
        Release::LeaveOrg(relink) => relink::leave(model, relink),
        Release::DropForm(record) => record_form::forget(model, &record),
    }
}

fn list_step(key: Key) -> Option<Step> {
    Some(match key {
        Key::Char('j') | Key::Down => Step::Down,
        Key::Char('k') | Key::Up => Step::Up,
        Key::Char('G') | Key::End => Step::Last,
        Key::Char('g') | Key::Home => Step::First,
        Key::Ctrl('d') => Step::HalfDown,
        Key::Ctrl('u') => Step::HalfUp,
        Key::PageDown => Step::PageDown,
        Key::PageUp => Step::PageUp,
        _ => return None,
    })
}

fn help(model: &mut Model, mut list: ListState, mut find: Option<Picker>, key: Key) {
    let lines = help_lines(model, find.as_ref());
    if let Some(picker) = &mut find {
        match picker.key(key, lines.len()) {
            Picked::Left => find = None,
            Picked::Open => {}
            Picked::Chosen => {
                if let Some(HelpLine::Act(action)) = lines.get(picker.list.selected()) {
                    return act::act(model, *action);
                }
            }
        }
    } else if let Some(step) = list_step(key) {
        list.step(step, lines.len());
    } else {
        match key {
            Key::Esc | Key::Char('q' | '?') => return,
            Key::Char('/') => find = Some(Picker::default()),
            Key::Enter => {
                if let Some(HelpLine::Act(action)) = lines.get(list.selected()) {
                    return act::act(model, *action);
                }
            }
            _ => {}
        }
    }
    model.modal = Some(Modal::Help { list, find });
}

fn actions(model: &mut Model, mut list: ListState, key: Key) {
    let lines = super::actions_here(model);
    if let Some(step) = list_step(key) {
        list.step(step, lines.len());
    } else {
        match key {
            Key::Esc | Key::Char('q' | 'm') => return,
            Key::Enter => {
                if let Some((action, _)) = lines.get(list.selected()) {
                    return act::act(model, *action);
                }
            }
            // The palette has the same actions, and is searched by typing.
            Key::Char('/' | ':') | Key::Ctrl('p') => {
                return model.modal = Some(Modal::Palette(Picker::default()));
            }
            _ => {}
        }
    }
    model.modal = Some(Modal::Actions(list));
}

/// Actions the palette found, best first.
pub fn palette_hits(model: &Model, picker: &Picker) -> Vec<Action> {
    let offered: Vec<_> = TABLE
        .iter()
        .filter(|info| info.action.is_in(model.context()))
        .collect();
    let names: Vec<String> = offered
        .iter()
        .map(|info| format!("{} {}", info.label, info.name))
        .collect();
    let mut hits = picker.hits(names.iter().map(String::as_str));
    // What it is called counts before what is said about it.
    let about = picker.hits(offered.iter().map(|info| info.help));
    hits.extend(about);
    let mut seen = BTreeSet::new();
    hits.retain(|at| seen.insert(*at));
    let mut hits: Vec<Action> = hits
        .into_iter()
        .filter_map(|at| offered.get(at).map(|info| info.action))
        .collect();
    // A whole name is what Enter does: it is the line with the cursor; then what begins so.
    let typed = picker.prompt.text().trim();
    hits.sort_by_key(|action| {
        let info = action.info();
        (info.name != typed, !info.label.starts_with(typed))
    });
    if typed.is_empty() {
        // What was done lately, in its order, before everything else.
        let rank = |action: &Action| model.recent.iter().position(|recent| recent == action);
        hits.sort_by_key(|action| rank(action).unwrap_or(usize::MAX));
    }
    hits
}

/// A line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaletteLine {
    /// What is typed, with what it does.
    Typed(String),
    /// An action.
    Do(Action),
    /// A view of the records, by its name.
    View(String),
}

/// What the palette shows: the line that is typed, if it is one, actions, and on Records the views
/// of the pair. Enter does the one under the cursor, and the first is what a line typed blindly does.
pub fn palette_lines(model: &Model, picker: &Picker) -> Vec<PaletteLine> {
    let typed = line::meaning(model, picker.prompt.text()).map(PaletteLine::Typed);
    let found = actions_and_views(model, picker);
    typed.into_iter().chain(found).collect()
}

fn actions_and_views(model: &Model, picker: &Picker) -> Vec<PaletteLine> {
    let mut lines: Vec<PaletteLine> = palette_hits(model, picker)
        .into_iter()
        .map(PaletteLine::Do)
        .collect();
    if model.screen != Screen::Records || picker.prompt.text().trim().is_empty() {
        return lines;
    }
    let names = model.records.views.iter().map(|view| view.name.clone());
    let texts: Vec<String> = names.map(|name| format!("view {name}")).collect();
    let found = picker.hits(texts.iter().map(String::as_str)).into_iter();
    let views = found.filter_map(|at| model.records.views.get(at));
    let views = views.map(|view| PaletteLine::View(view.name.clone()));
    if picker.prompt.text().starts_with("view ") {
        let mut first: Vec<PaletteLine> = views.collect();
        first.append(&mut lines);
        return first;
    }
    lines.extend(views);
    lines
}

fn palette(model: &mut Model, mut picker: Picker, key: Key) {
    let hits = palette_lines(model, &picker);
    match picker.key(key, hits.len()) {
        Picked::Left => {}
        Picked::Open => model.modal = Some(Modal::Palette(picker)),
        Picked::Chosen => {
            // What was chosen by hand is what the screen shows as chosen.
            if picker.list.selected() == 0
                && line::command(model, picker.prompt.text()) == Handled::Yes
            {
                return;
            }
            match hits.get(picker.list.selected()) {
                Some(PaletteLine::View(name)) => views::show(model, name),
                Some(PaletteLine::Do(action)) => {
                    model.recent.retain(|recent| recent != action);
                    model.recent.insert(0, *action);
                    act::act(model, *action);
                }
                // Done above, as the first line.
                Some(PaletteLine::Typed(_)) => {}
                None => {
                    let text = picker.prompt.text().to_owned();
                    model.say(Word::Info, format!("There is no action like \"{text}\"."));
                }
            }
        }
    }
}

fn form_key(model: &mut Model, mut form: Form, purpose: FormPurpose, key: Key) {
    let outcome = match &purpose {
        FormPurpose::Link(record) if key == Key::Ctrl('o') => {
            let record = record.clone();
            return link::ask_there(model, form, record, "");
        }
        FormPurpose::Record(record) if record_form::waits(model, record) => match key {
            Key::Esc => Outcome::Left,
            _ => Outcome::Open,
        },
        _ => form.key(key),
    };
    match (outcome, purpose) {
        (Outcome::Left, FormPurpose::Record(record)) => record_form::leave(model, form, *record),
        (Outcome::Cancelled, FormPurpose::Record(record)) => {
            record_form::cancel(model, &form, *record);
        }
        (outcome, purpose) => form_outcome(model, form, purpose, outcome),
    }
}

fn form_outcome(model: &mut Model, mut form: Form, purpose: FormPurpose, outcome: Outcome) {
    match outcome {
        Outcome::Choose(at) => choose::begin(model, form, purpose, at),
        Outcome::Left | Outcome::Cancelled => {
            if matches!(purpose, FormPurpose::MappingRow(_)) {
                mapping::load_preview(model);
            }
        }
        Outcome::Open => {
            if matches!(purpose, FormPurpose::MappingRow(_)) {
                mapping_form::tell(&mut form);
            }
            model.modal = Some(Modal::Form(Box::new(form), purpose));
        }
        Outcome::Edited => {
            edited(model, &mut form, &purpose);
            model.modal = Some(Modal::Form(Box::new(form), purpose));
        }
        Outcome::EditLong(at) => {
            let field = form.fields.get(at);
            let text = field.and_then(|f| f.value()).unwrap_or_default();
            let title = field.map_or(String::new(), |f| f.label.clone());
            model.modal = Some(Modal::Editor {
                title,
                editor: Box::new(Editor::new(&text)),
                target: EditTarget::FormField(Box::new(purpose), at),
                behind: Some(Box::new(form)),
            });
        }
        Outcome::Taken => match purpose {
            FormPurpose::Conflict(index) => {
                let values = form.fields.iter().map(|f| f.value()).collect();
                decide::typed(model, index, values);
            }
            FormPurpose::MappingRow(row) => mapping_form::submit(model, form, row),
            FormPurpose::Schedule(pair) => schedules::submit(model, form, pair),
            FormPurpose::Filter(pair) => try_filter::submit(model, form, pair),
            FormPurpose::Record(record) => record_form::submit(model, form, *record),
            FormPurpose::Link(key) => link::submit(model, form, key),
            FormPurpose::View(pair) => views::submit(model, form, pair),
            FormPurpose::Relink(view) => relink::submit(model, &form, &view),
        },
    }
}

pub fn edited(model: &mut Model, form: &mut Form, purpose: &FormPurpose) {
    form.error = None;
    if let FormPurpose::Record(record) = purpose {
        record_form::edited(model, form, record);
    }
    if matches!(purpose, FormPurpose::Link(_)) {
        link::edited(form);
    }
    if matches!(purpose, FormPurpose::View(_)) {
        views::edited(form);
    }
    if let FormPurpose::MappingRow(row) = purpose {
        mapping_form::tell(form);
        mapping_form::follow(model, form, *row);
    }
}

fn editor_key(
    model: &mut Model,
    (title, mut editor, target, behind): (String, Editor, EditTarget, Option<Form>),
    key: Key,
) {
    let before = editor.text();
    match editor.key(key) {
        editor::Outcome::Editing => {
            let typed = editor.text() != before;
            model.modal = Some(Modal::Editor {
                title,
                editor: Box::new(editor),
                target,
                behind: behind.map(Box::new),
            });
            if typed {
                record_form::keep_editor(model);
            }
        }
        editor::Outcome::Keep(text) => match (target, behind) {
            (EditTarget::Conflict(index), _) => decide::typed(model, index, vec![Some(text)]),
            (EditTarget::FormField(purpose, at), Some(mut form)) => {
                if let Some(field) = form.fields.get_mut(at) {
                    field.entry = Entry::Long(text);
                }
                edited(model, &mut form, &purpose);
                model.modal = Some(Modal::Form(Box::new(form), *purpose));
            }
            (EditTarget::FormField(..), None) => {}
        },
        editor::Outcome::Drop => {
            if let (EditTarget::FormField(purpose, _), Some(mut form)) = (target, behind) {
                edited(model, &mut form, &purpose);
                model.modal = Some(Modal::Form(Box::new(form), *purpose));
            }
        }
    }
}

fn sign_in_key(model: &mut Model, mut sign_in: SignIn, key: Key) {
    match key {
        Key::Esc => {
            let left = Ask::Told("Sign-in left; nothing was stored.".into());
            return model.ask(left, Command::LeaveSignIn);
        }
        Key::Enter if !sign_in.takes_an_address() => {}
        Key::Enter if sign_in.prompt.text().trim().is_empty() => {
            sign_in.error = Some("Paste the whole address the browser ended at".into());
        }
        Key::Enter => {
            let pasted = SecretString::from(sign_in.prompt.text().trim().to_owned());
            sign_in.error = None;
            sign_in.prompt = Prompt::default();
            model.modal = Some(Modal::SignIn(Box::new(sign_in)));
            model.ask(Ask::FinishSignIn, Command::FinishSignIn { pasted });
            return;
        }
        // The field is empty, so these letters are commands here; a pasted address is not typed.
        Key::Char('y') if sign_in.prompt.text().is_empty() => {
            let address = match &sign_in.view {
                Some(SignInView::Browser(view)) => Some(view.address.clone()),
                Some(SignInView::Code { address, .. }) => Some(address.clone()),
                Some(SignInView::ByItself { .. }) | None => None,
            };
            model.modal = Some(Modal::SignIn(Box::new(sign_in)));
            return records::copy(model, address);
        }
        Key::Char('R') if sign_in.prompt.text().is_empty() => {
            sign_in.view = None;
            sign_in.error = None;
            model.modal = Some(Modal::SignIn(Box::new(sign_in)));
            return model.ask(Ask::BeginSignIn, Command::BeginSignIn { key: None });
        }
        key if sign_in.takes_an_address() => {
            sign_in.prompt.key(key);
        }
        _ => {}
    }
    model.modal = Some(Modal::SignIn(Box::new(sign_in)));
}
