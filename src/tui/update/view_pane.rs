//! The pane of views beside the records: a cursor of its own, and how many each view holds.
//!
//! Counting is the engine's; here is decided how often. Invariant: counting takes a twentieth of
//! the time at most, however long it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{step_of, views};
use crate::domain::listing::SavedView;
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::view::ViewCount;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::Model;
use crate::tui::state::{Counted, RecordsPane};
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::toast::Changed;

/// The shortest pause between two counts.
const PAUSE: Duration = Duration::from_secs(2);
/// A pause is so many times as long as the count before it took.
const SHARE: u32 = 20;

/// To the pane, or back to the list.
pub fn switch(model: &mut Model) {
    model.records.pane = match model.records.pane {
        RecordsPane::Views => RecordsPane::List,
        RecordsPane::List => {
            let shown = model.records.view.as_deref();
            let is = |view: &SavedView| Some(view.name.as_str()) == shown;
            let at = model.records.views.iter().position(is);
            model.records.views_list.select(at.unwrap_or(0));
            RecordsPane::Views
        }
    };
    count(model);
}

/// From the pane to the list.
pub fn leave(model: &mut Model) -> Changed {
    match std::mem::take(&mut model.records.pane) {
        RecordsPane::Views => Changed::Yes,
        RecordsPane::List => Changed::No,
    }
}

/// Does an action while the pane has the focus; says whether it was one of the pane's.
pub fn act(model: &mut Model, action: Action) -> Changed {
    let at = model.records.views_list.selected();
    let view = model.records.views.get(at).cloned();
    if let Some(step) = step_of(action) {
        let len = model.records.views.len();
        model.records.views_list.step(step, len);
        return Changed::Yes;
    }
    match (action, view) {
        (Action::Open, Some(view)) => {
            model.records.pane = RecordsPane::List;
            views::take(model, view);
        }
        (Action::Remove, Some(view)) => ask_remove(model, view.name),
        _ => return Changed::No,
    }
    Changed::Yes
}

/// Asks before a view is forgotten.
pub fn ask_remove(model: &mut Model, name: String) {
    if !model.may_change("Forgetting a view") {
        return;
    }
    if model.records.views.iter().all(|view| view.name != name) {
        return model.say(Word::Info, format!("There is no view \"{name}\" here."));
    }
    if SavedView::built_in().iter().any(|view| view.name == name) {
        return model.say(
            Word::Info,
            "This view is always there; V keeps one of yours.",
        );
    }
    let body = vec![
        Line::text(format!("The view \"{name}\" is forgotten.")),
        Line::text("Its records stay as they are."),
    ];
    let release = Release::RemoveView(name);
    let confirm = Confirm::ask("Forget this view?", body, "Keep it", "Forget it", release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Asks how many records the views hold, unless that was asked just now or nobody sees it.
pub fn count(model: &mut Model) {
    let seen = model.widest() || model.records.pane == RecordsPane::Views;
    let Some(pair) = model.records.pair.clone().filter(|_| seen) else {
        return;
    };
    let now = model.now.since;
    match model.records.counted {
        // Who stops waiting for answers may ask again.
        Counted::Asked { .. } if model.asks.waits(|ask| *ask == Ask::ViewCounts) => {}
        Counted::Until { next } if now < next => {}
        Counted::Never | Counted::Asked { .. } | Counted::Until { .. } => {
            model.records.counted = Counted::Asked { at: now };
            model.ask(Ask::ViewCounts, Command::ViewCounts { pair });
        }
    }
}

/// Takes an answer.
pub fn counted(model: &mut Model, counts: Vec<ViewCount>) {
    rest(model);
    let counts = counts.into_iter().map(|c| (c.name, c.count));
    model.records.counts = counts.collect::<BTreeMap<_, _>>();
}

/// There is none, or it came: the next one may be asked for after a pause.
pub fn rest(model: &mut Model) {
    if let Counted::Asked { at } = model.records.counted {
        let now = model.now.since;
        let took = now.saturating_sub(at);
        let next = now + PAUSE.max(took * SHARE);
        model.records.counted = Counted::Until { next };
    }
}
