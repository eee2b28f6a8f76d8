//! Finding a text in a run: in the pane in focus, from the cursor on, around its end.
//!
//! It looks at what is here, and at nothing else. Invariant: without a match the cursor stays.

use crate::domain::run::Word;
use crate::domain::text::fold;
use crate::engine::view::RunDetail;
use crate::tui::model::Model;
use crate::tui::state::RunPane;
use crate::tui::widget::list::Step;

/// Looks for a text, from the cursor on; an empty one ends the search.
pub fn begin(model: &mut Model, text: String) {
    model.log.find = text.trim().to_owned();
    if !model.log.find.is_empty() {
        go(model, Step::Down, From::Here);
    }
}

/// To the next match, or the one before.
pub fn step(model: &mut Model, step: Step) {
    go(model, step, From::Beyond);
}

/// Whether the row under the cursor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Here,
    Beyond,
}

fn go(model: &mut Model, step: Step, from: From) {
    let Some(detail) = model.log.detail.get() else {
        return;
    };
    let wanted = fold(&model.log.find).into_owned();
    let (texts, first) = texts(detail, model.log.pane);
    let list = match model.log.pane {
        RunPane::Groups => &mut model.log.groups,
        RunPane::Records => &mut model.log.records,
        RunPane::Steps => &mut model.log.steps,
    };
    let len = texts.len();
    let at = list.selected().saturating_sub(first);
    let gap = usize::from(from == From::Beyond);
    let turn = |n: usize| match step {
        Step::Up => (at + 2 * len.max(1) - gap - n) % len.max(1),
        _ => (at + gap + n) % len.max(1),
    };
    let holds = |at: &usize| {
        texts
            .get(*at)
            .is_some_and(|text| fold(text).contains(&wanted))
    };
    match (0..len).map(turn).find(holds) {
        Some(found) => list.select(first + found),
        None => {
            let text = format!(
                "\"{}\" is not in this pane; Tab goes to the next.",
                model.log.find
            );
            model.say(Word::Info, text);
        }
    }
}

/// The rows of a pane as texts, and the place of the first.
fn texts(detail: &RunDetail, pane: RunPane) -> (Vec<String>, usize) {
    match pane {
        RunPane::Groups => {
            let one = detail.groups.iter();
            let one = one.map(|g| [&*g.code, &g.what, &g.why, &g.fix, &g.request].join(" "));
            (one.collect(), 0)
        }
        RunPane::Steps => (detail.steps.iter().map(|s| s.text.clone()).collect(), 0),
        RunPane::Records => {
            let one = detail.records.rows.iter().map(|r| {
                let crm = r.crm_id.map_or(String::new(), |id| id.to_string());
                let failure = r.failure.as_ref();
                let why = failure.map_or(String::new(), |f| format!("{} {}", f.code, f.what));
                format!("{} {} {crm} {} {why}", r.name, r.app_id, r.did)
            });
            (one.collect(), detail.records.offset)
        }
    }
}
