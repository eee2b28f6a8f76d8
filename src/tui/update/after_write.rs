//! What a write of this console came to: the records that failed in it are marked, so that `r`
//! tries them again.
//!
//! Invariant: marks a person made are replaced only by those of a write the person started.

use super::bulk::MARKS;
use super::{log, records};
use crate::domain::id::RunId;
use crate::domain::run::{Counts, Word};
use crate::engine::command::{Command, Page, RecordKey};
use crate::engine::summary::LastRun;
use crate::engine::view::RunDetail;
use crate::tui::ask::Ask;
use crate::tui::model::{Model, Screen};
use crate::tui::text::{count, group};

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
    let what = format!("{} in run {run}", came_to(&detail.run.counts, failed.len()));
    let elsewhere = model.records.pair.as_ref() != Some(&pair);
    if model.screen == Screen::Records && elsewhere {
        return model.say(Word::Warn, format!("{what}; 2 shows them."));
    }
    records::to_pair(model, pair);
    model.records.marks = failed.into_iter().collect();
    let text = format!("{what}. They are marked on 5: r there tries them again.");
    model.say(Word::Warn, text);
}

/// `9 records to the App, 15 to Salesforce, 2 failed`: records all of them.
fn came_to(counts: &Counts, failed: usize) -> String {
    let parts = [
        (counts.pulled, "to the App"),
        (counts.pushed, "to Salesforce"),
        (failed as u64, "failed"),
    ];
    let parts = parts.into_iter().filter(|(many, _)| *many > 0).enumerate();
    let parts = parts.map(|(at, (many, what))| match at {
        0 => format!("{} {what}", count(many, "record", "records")),
        _ => format!("{} {what}", group(many)),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_write_came_to_counts_records_only() {
        let of = |pulled, pushed, failed| {
            let counts = Counts {
                pulled,
                pushed,
                ..Counts::default()
            };
            came_to(&counts, failed)
        };
        let both = "9 records to the App, 1,015 to Salesforce, 2 failed";
        assert_eq!(of(9, 1_015, 2), both);
        assert_eq!(of(0, 1, 2), "1 record to Salesforce, 2 failed");
        assert_eq!(of(0, 0, 1), "1 record failed");
    }
}
