//! The search over everything local: typed letters ask the engine, Enter goes to what was found.

use super::{act, conflicts, log, mapping, palette_hits, records};
use crate::domain::run::Word;
use crate::domain::text::fold;
use crate::engine::command::Command;
use crate::engine::view::{CrmHit, CrmSearchView, LEAST_ASKED, SearchView, TextsView};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::key::Key;
use crate::tui::modal::{Modal, SearchBox, TextStage, Texts};
use crate::tui::model::Model;
use crate::tui::state::Loaded;
use crate::tui::widget::picker::Picked;
use crate::tui::widget::toast::Changed;

/// Actions among the hits, at most.
const ACTIONS: usize = 4;

/// Records found in long texts, at most.
const MOST_TEXTS: usize = 200;

/// Letters before actions are among the hits, or texts are searched: fewer are nearly everywhere.
const LEAST: usize = 3;

/// Groups of hits, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Records.
    Records,
    /// Open conflicts.
    Conflicts,
    /// Runs.
    Runs,
    /// Mappings.
    Mappings,
    /// Records of which a text was searched, when that was asked for.
    Texts,
    /// Records in the CRM itself, when it was asked.
    Crm,
    /// What can be done.
    Actions,
}

impl Group {
    /// Its heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "Records",
            Self::Conflicts => "Conflicts",
            Self::Runs => "Runs",
            Self::Mappings => "Mappings",
            Self::Texts => "Long texts",
            Self::Crm => "Salesforce",
            Self::Actions => "Actions",
        }
    }
}

/// One hit: its group and its place in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A row of the answer.
    Row(Group, usize),
    /// An action.
    Act(Action),
}

impl Hit {
    /// The group it is shown in.
    pub fn group(self) -> Group {
        match self {
            Self::Row(group, _) => group,
            Self::Act(_) => Group::Actions,
        }
    }
}

/// Hits as they are listed: a few of each kind, so that none hides the others.
pub fn search_hits(model: &Model, search: &SearchBox) -> Vec<Hit> {
    let mut hits = Vec::new();
    if let Some(view) = search.view.get() {
        let groups = [
            (Group::Records, view.records.rows.len(), 12),
            (Group::Conflicts, view.conflicts.rows.len(), 6),
            (Group::Runs, view.runs.rows.len(), 6),
            (Group::Mappings, view.mappings.rows.len(), 6),
        ];
        for (group, rows, most) in groups {
            hits.extend((0..rows.min(most)).map(|at| Hit::Row(group, at)));
        }
    }
    let texts = search.texts.iter().flat_map(|texts| 0..texts.rows.len());
    hits.extend(texts.map(|at| Hit::Row(Group::Texts, at)));
    if let Some(view) = search.crm.as_ref().and_then(Loaded::get) {
        hits.extend((0..view.rows.len()).map(|at| Hit::Row(Group::Crm, at)));
    }
    if search.picker.prompt.text().trim().len() >= LEAST {
        let typed = fold(search.picker.prompt.text()).into_owned();
        let actions = palette_hits(model, &search.picker).into_iter();
        let actions = actions.filter(|action| is_called(*action, &typed));
        hits.extend(actions.take(ACTIONS).map(Hit::Act));
    }
    hits
}

/// Whether every word that was typed is among those of an action. Here letters that are merely in
/// the right order find nothing: a person's name must not lead to a key.
fn is_called(action: Action, typed: &str) -> bool {
    let info = action.info();
    let text = format!("{} {} {}", info.label, info.name, info.help);
    let text = fold(&text);
    typed.split_whitespace().all(|word| text.contains(word))
}

/// All that were found of a group.
pub fn total(view: &SearchView, group: Group) -> u64 {
    match group {
        Group::Records => view.records.total,
        Group::Conflicts => view.conflicts.total,
        Group::Runs => view.runs.total,
        Group::Mappings => view.mappings.total,
        Group::Texts | Group::Crm | Group::Actions => 0,
    }
}

/// Opens it.
pub fn begin(model: &mut Model) {
    model.modal = Some(Modal::Search(Box::default()));
}

/// Handles a key.
pub fn key(model: &mut Model, mut search: SearchBox, key: Key) {
    let hits = search_hits(model, &search);
    match key {
        Key::Tab => next_group(&mut search, &hits),
        Key::BackTab => group_before(&mut search, &hits),
        Key::Ctrl('o') => return ask_crm(model, search),
        Key::Ctrl('t') => return search_texts(model, search),
        Key::Esc if stop_texts(&mut search) == Changed::Yes => {}
        key => {
            let before = search.picker.prompt.text().to_owned();
            match search.picker.key(key, hits.len()) {
                Picked::Left => return,
                Picked::Chosen => {
                    if let Some(hit) = hits.get(search.picker.list.selected()) {
                        return follow(model, &search, *hit);
                    }
                }
                Picked::Open if search.picker.prompt.text() != before => {
                    search.crm = None;
                    search.texts = None;
                    model.modal = Some(Modal::Search(Box::new(search)));
                    return ask(model);
                }
                Picked::Open => {}
            }
        }
    }
    model.modal = Some(Modal::Search(Box::new(search)));
}

/// Asks for what is typed.
pub fn ask(model: &mut Model) {
    let Some(Modal::Search(search)) = &model.modal else {
        return;
    };
    let text = search.picker.prompt.text().to_owned();
    model.ask(Ask::Search, Command::Search { text });
}

/// Begins to search texts: each record is opened for it, and so a key of its own.
fn search_texts(model: &mut Model, mut search: SearchBox) {
    let text = search.picker.prompt.text().trim().to_owned();
    if text.chars().count() < LEAST {
        model.say(
            Word::Info,
            "Type three letters to search for in long texts.",
        );
    } else {
        search.texts = Some(Texts::default());
        let command = Command::SearchTexts { text, from: None };
        model.ask(Ask::SearchTexts, command);
    }
    model.modal = Some(Modal::Search(Box::new(search)));
}

/// No further part is asked for; says whether there was one.
fn stop_texts(search: &mut SearchBox) -> Changed {
    match &mut search.texts {
        Some(texts) if texts.stage == TextStage::Working => {
            texts.stage = TextStage::Stopped;
            Changed::Yes
        }
        _ => Changed::No,
    }
}

/// Takes a part, and asks for the next, if the same is still looked for.
pub fn take_texts(model: &mut Model, view: TextsView) {
    let Some(Modal::Search(search)) = &mut model.modal else {
        return;
    };
    let same = search.picker.prompt.text().trim() == view.text;
    let Some(texts) = search.texts.as_mut().filter(|_| same) else {
        return;
    };
    texts.rows.extend(view.rows);
    texts.so_far = (texts.so_far.0 + view.searched, view.all);
    match view.next {
        None => texts.stage = TextStage::Whole,
        Some(_) if texts.stage != TextStage::Working => {}
        Some(_) if texts.rows.len() >= MOST_TEXTS => texts.stage = TextStage::Stopped,
        from => {
            let text = view.text;
            model.ask(Ask::SearchTexts, Command::SearchTexts { text, from });
        }
    }
}

/// Asks the CRM for what is typed: a call, and so a key of its own.
fn ask_crm(model: &mut Model, mut search: SearchBox) {
    let text = search.picker.prompt.text().trim().to_owned();
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < LEAST_ASKED {
        model.say(
            Word::Info,
            "Salesforce needs two letters or digits to search for.",
        );
    } else {
        search.crm = Some(Loaded::Waiting);
        model.ask(Ask::SearchCrm, Command::SearchCrm { text });
    }
    model.modal = Some(Modal::Search(Box::new(search)));
}

/// Takes what the CRM found, if the same is still looked for.
pub fn take_crm(model: &mut Model, view: Box<CrmSearchView>) {
    if let Some(Modal::Search(search)) = &mut model.modal
        && search.picker.prompt.text().trim() == view.text
    {
        search.crm = Some(Loaded::Here(view));
    }
}

/// The CRM was asked and did not say.
pub fn refused_crm(model: &mut Model, message: String, hint: Option<String>) {
    if let Some(Modal::Search(search)) = &mut model.modal {
        search.crm = Some(Loaded::Failed(message, hint));
    }
}

/// Takes an answer, if the search is still open.
pub fn take(model: &mut Model, view: Box<SearchView>) {
    if let Some(Modal::Search(search)) = &mut model.modal {
        search.view = Loaded::Here(view);
    }
}

fn next_group(search: &mut SearchBox, hits: &[Hit]) {
    let at = search.picker.list.selected();
    let here = hits.get(at).map(|hit| hit.group());
    let next = hits
        .iter()
        .enumerate()
        .skip(at)
        .find(|(_, hit)| Some(hit.group()) != here);
    search.picker.list.select(next.map_or(0, |(at, _)| at));
}

fn group_before(search: &mut SearchBox, hits: &[Hit]) {
    let at = search.picker.list.selected();
    let begins = |at: usize| {
        let here = hits.get(at).map(|hit| hit.group());
        at == 0 || hits.get(at - 1).map(|hit| hit.group()) != here
    };
    let before = (0..at).rev().find(|at| begins(*at));
    let last = (0..hits.len()).rev().find(|at| begins(*at));
    search.picker.list.select(before.or(last).unwrap_or(0));
}

fn follow(model: &mut Model, search: &SearchBox, hit: Hit) {
    let (group, at) = match hit {
        Hit::Act(action) => return act::act(model, action),
        Hit::Row(Group::Crm, at) => {
            let rows = search.crm.as_ref().and_then(Loaded::get);
            return match rows.and_then(|view| view.rows.get(at)) {
                Some(CrmHit { key: Some(key), .. }) => records::show(model, key.clone()),
                Some(hit) => records::show_address(model, hit.address.clone()),
                None => {}
            };
        }
        Hit::Row(Group::Texts, at) => {
            let hit = search.texts.as_ref().and_then(|texts| texts.rows.get(at));
            if let Some(hit) = hit {
                records::show(model, hit.key.clone());
            }
            return;
        }
        Hit::Row(group, at) => (group, at),
    };
    let Some(view) = search.view.get() else {
        return;
    };
    match group {
        Group::Records => {
            if let Some(hit) = view.records.rows.get(at) {
                records::show(model, hit.key.clone());
            }
        }
        Group::Conflicts => {
            if let Some(hit) = view.conflicts.rows.get(at) {
                conflicts::show(model, hit.key.clone());
            }
        }
        Group::Runs => {
            if let Some(hit) = view.runs.rows.get(at) {
                log::show(model, hit.id);
            }
        }
        Group::Mappings => {
            if let Some(hit) = view.mappings.rows.get(at) {
                mapping::show(model, Some(hit.pair.clone()), hit.row);
            }
        }
        Group::Texts | Group::Crm | Group::Actions => {}
    }
}
