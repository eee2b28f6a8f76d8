//! In which order the Overview shows its pairs, and which of them is under the cursor.
//!
//! Pairs stand as the configuration has them. Where they do not all fit, those that failed come
//! first and then those that wait for a person, each in that same order. Invariant: a cursor that
//! was moved stays on its pair, however the order changes; before that it is on the first.

use crate::domain::run::Word;
use crate::engine::summary::PairRow;
use crate::tui::model::Model;
use crate::tui::widget::list::Step;

/// How much a pair needs a person, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Failed,
    Waits,
    Nothing,
}

fn need(pair: &PairRow) -> Need {
    match pair.word {
        // What was refused stays refused while it runs again: its row does not go up and down.
        Word::Fail => Need::Failed,
        _ if pair.failing > 0 => Need::Failed,
        word if word >= Word::Hold || pair.open_conflicts > 0 => Need::Waits,
        _ => Need::Nothing,
    }
}

/// Places of the pairs as they are shown in so many rows.
pub fn shown(pairs: &[PairRow], rows: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..pairs.len()).collect();
    if pairs.len() > rows {
        places.sort_by_key(|at| pairs.get(*at).map(need));
    }
    places
}

/// The row of the cursor among those shown.
pub fn row(model: &Model, shown: &[usize]) -> usize {
    let Some(name) = &model.overview.pair else {
        return 0;
    };
    let is = |at: &usize| {
        model
            .pairs()
            .get(*at)
            .is_some_and(|pair| pair.name == *name)
    };
    shown.iter().position(is).unwrap_or(0)
}

/// Places of the pairs as the last frame showed them.
pub fn seen(model: &Model) -> Vec<usize> {
    shown(model.pairs(), model.overview.syncs.height())
}

/// The pair under the cursor.
pub fn here(model: &Model) -> Option<&PairRow> {
    let seen = seen(model);
    let at = seen.get(row(model, &seen))?;
    model.pairs().get(*at)
}

/// Puts the cursor on a row of those seen, and keeps it on the pair that is there.
pub fn select(model: &mut Model, row: usize) {
    let pair = seen(model).get(row).and_then(|at| model.pairs().get(*at));
    let name = pair.map(|pair| pair.name.clone());
    model.overview.pair = name;
    model.overview.syncs.select(row);
}

/// Keeps the cursor on the pair that it is on.
pub fn keep(model: &mut Model) {
    let at = row(model, &seen(model));
    select(model, at);
}

/// Moves the cursor.
pub fn step(model: &mut Model, step: Step) {
    keep(model);
    let len = model.pairs().len();
    model.overview.syncs.step(step, len);
    select(model, model.overview.syncs.selected());
}
