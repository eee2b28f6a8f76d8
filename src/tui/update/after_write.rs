//! What a write of this console came to: the records that failed in it are marked, so that `r`
//! tries them again.
//!
//! Invariant: marks a person made are replaced only by those of a write the person started.

use super::bulk::MARKS;
use super::{log, records};
use crate::domain::id::RunId;
use crate::domain::run::Word;
use crate::engine::command::{Command, Page, RecordKey};
use crate::engine::summary::LastRun;
use crate::engine::view::RunDetail;
use crate::tui::ask::Ask;
use crate::tui::model::{Model, Screen};
use crate::tui::text::count;

/// A summary is here: asks for what failed in a write that ended.
pub fn look(model: &mut Model) {
    let over = |last: &LastRun| last.took.is_some() && model.wrote.contains(&last.id);
    let mut last = model.pairs().iter().filter_map(|pair| pair.last);
    let Some(last) = last.find(over) else {
        return;
    };
    model.wrote.retain(|run| *run != last.id);
    if last.counts.failed > 0 {
        let (id, limit) = (last.id, MARKS);
        let page = Page { offset: 0, limit };
        model.ask(Ask::FailedWrites(id), Command::Run { id, page });
    }
}

/// Marks what failed.
pub fn mark(model: &mut Model, run: RunId, detail: &RunDetail) {
    let pair = detail.run.pair.clone();
    let key = |app_id| RecordKey {
        pair: pair.clone(),
        app_id,
    };
    let failed: Vec<RecordKey> = log::failed(detail).map(key).collect();
    if failed.is_empty() {
        return;
    }
    let written = detail.run.counts.pulled + detail.run.counts.pushed;
    let failures = count(failed.len() as u64, "record", "records");
    let what = format!("{written} written, {failures} failed in run {run}");
    let elsewhere = model.records.pair.as_ref() != Some(&pair);
    if model.screen == Screen::Records && elsewhere {
        return model.say(Word::Warn, format!("{what}; 2 shows them."));
    }
    records::to_pair(model, pair);
    model.records.marks = failed.into_iter().collect();
    let text = format!("{what}. They are marked on 5: r there tries them again.");
    model.say(Word::Warn, text);
}
