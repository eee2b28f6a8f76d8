//! Staging for many records at once: handing them over, and taking back what is staged of them.
//!
//! Says what to send; `bulk` sends it part by part. Invariant: what was staged of many is one step
//! to take back.

use crate::domain::id::{AppId, PairName};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::view::{EditStaged, Pinned};
use crate::tui::ask::Ask;
use crate::tui::bulk::{Act, Work};
use crate::tui::decisions::{Change, Step};
use crate::tui::model::Model;
use crate::tui::text::{count, group};

/// Asks at which revisions the marked records are, to hand them over.
pub fn ask_hand_over(model: &mut Model) {
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let marks = model.records.marks.iter();
    let records: Vec<AppId> = marks.map(|key| key.app_id.clone()).collect();
    model.ask(Ask::PinRecords, Command::PinRecords { pair, records });
}

/// Asks for the one form of all the marked records.
pub fn pinned(model: &mut Model, pinned: Pinned) {
    if let Some(gone) = pinned.refused.first() {
        let many = count(pinned.refused.len() as u64, "record is", "records are");
        let text = format!(
            "{many} left out, beginning with {}: {}.",
            gone.app_id, gone.why
        );
        model.say(Word::Warn, text);
    }
    let Some((first, _)) = pinned.records.first().cloned() else {
        return;
    };
    let (pair, app_id) = (pinned.pair.clone(), Some(first));
    let ask = Ask::FormMarked(Box::new(pinned));
    model.ask(ask, Command::RecordForm { pair, app_id });
}

/// Takes back what is staged of the marked records.
pub fn take_back(model: &mut Model) {
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let marks = model.records.marks.iter();
    // No revision counts: nothing of the records themselves is touched.
    let records = marks.map(|key| (key.app_id.clone(), 0)).collect();
    super::bulk::begin(model, Work::new(Act::TakeBack, pair, records));
}

/// A sentence, and how it ends when nothing is to be added.
type Said = (String, &'static str);

/// Notes a hand-over as one step; says so.
pub fn handed_over(model: &mut Model, pair: &PairName, staged: Vec<EditStaged>) -> Said {
    let (moved, same) = parted(staged);
    if moved.is_empty() {
        return ("That changes nothing; nothing is staged".to_owned(), ".");
    }
    let name = format!(
        "a hand-over of {}",
        count(moved.len() as u64, "record", "records")
    );
    let mut text = format!("Staged: {name}");
    if same > 0 {
        let have = count(same, "has", "have");
        text.push_str(&format!(", {have} these values already"));
    }
    note(model, pair, name, moved);
    (text, ". Nothing is written before w; u takes it back.")
}

/// Notes what was taken back as one step; says so.
pub fn taken_back(model: &mut Model, pair: &PairName, staged: Vec<EditStaged>) -> Said {
    let (moved, same) = parted(staged);
    if moved.is_empty() {
        return ("Nothing was staged of the marked records".to_owned(), ".");
    }
    let many = moved.len() as u64;
    let of = match same {
        0 => count(many, "record", "records"),
        same => format!("{} of {} records", group(many), group(many + same)),
    };
    let what = format!("what was staged of {of}");
    let text = format!("Taken back: {what}");
    note(model, pair, format!("{what} is taken back"), moved);
    (text, ". u stages it again.")
}

/// What changed, and how many did not.
fn parted(staged: Vec<EditStaged>) -> (Vec<EditStaged>, u64) {
    let is_something = |done: &EditStaged| done.before != done.after;
    let (moved, same): (Vec<_>, Vec<_>) = staged.into_iter().partition(is_something);
    (moved, same.len() as u64)
}

fn note(model: &mut Model, pair: &PairName, name: String, moved: Vec<EditStaged>) {
    let (mut forth, mut back) = (Vec::new(), Vec::new());
    for EditStaged { key, before, after } in moved {
        forth.push((key.app_id.clone(), after));
        back.push((key.app_id, before));
    }
    model.conflicts.history.push(Step {
        name,
        forth: Change::Edits(pair.clone(), forth),
        back: Change::Edits(pair.clone(), back),
    });
}
