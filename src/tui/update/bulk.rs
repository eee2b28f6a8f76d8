//! Many records at once: marking all that a filter shows, deleting what is marked, and bringing it
//! back.
//!
//! The engine is given one part after the other, so that a person sees how far it is and can stop.
//! Invariant: records are deleted only out of the dialog, at the revisions its preview pinned.

use std::collections::BTreeSet;

use super::write::where_it_goes;
use super::{by_marks, records, staged_many};
use crate::domain::id::AppId;
use crate::domain::mapping::DeletePolicy;
use crate::domain::run::Word;
use crate::engine::command::{Command, Page, QuarantineFilter, RecordKey, Values};
use crate::engine::view::{Acted, DeletePreview, EditsStaged, Part, RecordPage, Refused};
use crate::tui::ask::Ask;
use crate::tui::bulk::{Act, Ended, Taken, Work};
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{LinkState, Model};
use crate::tui::text::{count, group};
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::sheet::Sheet;
use crate::tui::widget::toast::Changed;

/// Records of one part.
pub const PART: usize = 100;
/// Marks at most.
pub const MARKS: usize = 10_000;
/// Refused records that a dialog names.
const NAMED: usize = 100;

/// Marks all that the list shows; again: none.
pub fn mark_all(model: &mut Model) {
    if !model.records.marks.is_empty() {
        return model.records.marks.clear();
    }
    let Some(part) = model.records.rows.part.get() else {
        return;
    };
    if part.rows.len() as u64 == part.total {
        model.records.marks = part.rows.iter().map(|r| r.key.clone()).collect();
    } else if let Some(pair) = model.records.pair.clone() {
        let filter = model.records.filter.clone();
        let limit = MARKS;
        let command = Command::RecordKeys {
            pair,
            filter: by_marks::of_records(model),
            limit,
        };
        model.ask(Ask::RecordKeys(filter), command);
    }
}

/// Marks what the engine found, if the list is still the same.
pub fn mark(model: &mut Model, filter: &str, keys: Part<RecordKey>) {
    let same = |key: &RecordKey| Some(&key.pair) == model.records.pair.as_ref();
    if model.records.filter != filter || !keys.rows.iter().all(same) {
        return;
    }
    if (keys.rows.len() as u64) < keys.total {
        let text = format!(
            "{} of {} are marked: more are not at once. A filter makes them fewer.",
            group(keys.rows.len() as u64),
            group(keys.total)
        );
        model.say(Word::Info, text);
    }
    model.records.marks = keys.rows.into_iter().collect();
}

/// Begins a range, or marks it; rows that are not here are asked for.
pub fn mark_range(model: &mut Model) {
    let records = &mut model.records;
    let at = records.rows.list.selected();
    let Some(from) = records.range.take() else {
        records.range = Some(at);
        return;
    };
    let (first, wanted) = (from.min(at), from.abs_diff(at) + 1);
    let here: Option<Vec<RecordKey>> = (first..first + wanted)
        .map(|row| records.rows.row(row).map(|r| r.key.clone()))
        .collect();
    if let Some(keys) = here {
        records.marks.extend(keys);
    } else if let Some(pair) = records.pair.clone() {
        let (filter, shape) = (records.filter.clone(), records.shape.clone());
        let command = Command::Records {
            pair,
            filter: by_marks::of_records(model),
            shape,
            values: Values::Shown,
            page: Page {
                offset: first,
                limit: wanted.min(MARKS),
            },
        };
        model.ask(Ask::MarkRecords { filter, wanted }, command);
    }
}

/// Marks the range that was asked for, if the list is still the same.
pub fn take_range(model: &mut Model, filter: &str, wanted: usize, page: RecordPage) {
    let same = model.records.pair.as_ref() == Some(&page.pair);
    if !same || model.records.filter != filter || page.filter_error.is_some() {
        return;
    }
    let got = page.part.rows.len();
    if got < wanted {
        let text = format!(
            "{} of {} are marked: more are not at once.",
            group(got as u64),
            group(wanted as u64)
        );
        model.say(Word::Info, text);
    }
    let keys = page.part.rows.into_iter().map(|row| row.key);
    model.records.marks.extend(keys);
}

/// Lets the next sync try the marked records again that were refused, or the one in front.
pub fn release(model: &mut Model) {
    let marked = model.records.open.is_none() && !model.records.marks.is_empty();
    let records: Vec<RecordKey> = match marked {
        true => model.records.marks.iter().cloned().collect(),
        false => records::shown(model).into_iter().collect(),
    };
    if records.is_empty() {
        return;
    }
    let filter = QuarantineFilter {
        records,
        ..QuarantineFilter::default()
    };
    model.ask(Ask::Release, Command::Release { filter });
}

/// Says what the next sync tries again.
pub fn released(model: &mut Model, records: u64) {
    let text = match records {
        0 => "None of these records was refused.".to_owned(),
        n => format!(
            "The next sync tries {} again; s syncs now.",
            count(n, "record", "records")
        ),
    };
    model.say(Word::Ok, text);
    super::act::load(model);
}

/// Asks what deleting the marked records would do, or the one in front.
pub fn ask_delete(model: &mut Model) {
    let Some(pair) = model.records.pair.clone() else {
        return;
    };
    let marked = model.records.open.is_none() && !model.records.marks.is_empty();
    let records: Vec<AppId> = match marked {
        true => model
            .records
            .marks
            .iter()
            .map(|k| k.app_id.clone())
            .collect(),
        false => records::shown(model)
            .map(|k| k.app_id)
            .into_iter()
            .collect(),
    };
    model.ask(Ask::PreviewDelete, Command::PreviewDelete { pair, records });
}

/// Puts the question over a preview. Deleting is always typed (terminal-ux 10).
pub fn question(model: &mut Model, preview: DeletePreview) {
    if model.is_busy() {
        return;
    }
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let many = preview.records.len() as u64;
    if many == 0 {
        let why = preview.refused.first().map_or("", |r| r.why.as_str());
        return model.say(Word::Info, format!("Nothing is left to delete: {why}."));
    }
    let (title, names) = match many {
        1 => ("Delete this record?".to_owned(), "  "),
        _ => (format!("Delete {} records?", group(many)), "  First: "),
    };
    let mut body = vec![
        where_it_goes(&summary.profile, summary.env),
        Line::new(),
        Line::text(format!("{names}{}", preview.names.join(", "))),
        Line::text("  App          ").add(
            Role::App,
            format!("{} deleted now", count(many, "record is", "records are")),
        ),
        Line::text("  Salesforce   ").add(Role::Crm, in_the_crm(&preview)),
        Line::new(),
        Line::text("Deleted only if nobody changed it since. u brings it back"),
        Line::text("until a sync has seen it; then undoing that run does."),
    ];
    if !preview.refused.is_empty() {
        body.push(Line::new());
        body.push(Line::text("Left out:"));
        body.extend(preview.refused.iter().take(NAMED).map(refused_line));
    }
    let expected = format!("{} {many}", summary.profile);
    let release = Release::Bulk(Box::new(Work::new(
        Act::Delete,
        preview.pair,
        preview.records,
    )));
    let confirm = Confirm::typed(title, body, expected, release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

fn in_the_crm(preview: &DeletePreview) -> String {
    let (does, does_many) = match &preview.policy {
        DeletePolicy::Propagate => (
            "the next sync deletes it there, too".to_owned(),
            "the next sync deletes them there, too".to_owned(),
        ),
        DeletePolicy::Mark | DeletePolicy::Unlink => (
            "it stays there and is not synced any more".to_owned(),
            "they stay there and are not synced any more".to_owned(),
        ),
        DeletePolicy::Ignore => (
            "it stays there, and is synced again if this one comes back".to_owned(),
            "they stay there, and are synced again if these come back".to_owned(),
        ),
        DeletePolicy::MarkWith(mark) => {
            let sets = format!(
                "the next sync sets {} to {:?} there",
                mark.field, mark.value
            );
            (sets.clone(), sets)
        }
    };
    match (preview.linked, preview.records.len()) {
        (0, _) => "nothing: no record is linked".to_owned(),
        (1, 1) => does,
        (linked, _) => format!("{} linked: {does_many}", group(linked)),
    }
}

fn refused_line(refused: &Refused) -> Line {
    Line::of(Role::Hold, "  HOLD  ").add(Role::Text, format!("{}: {}", refused.app_id, refused.why))
}

/// Brings back what was deleted last.
pub fn undo(model: &mut Model) {
    let steps = model.conflicts.history.depth();
    match model.bulk.taken.take_if(|taken| steps <= taken.after) {
        Some(Taken { pair, records, .. }) => begin(model, Work::new(Act::Restore, pair, records)),
        // Something was staged since.
        None => super::steps::undo(model),
    }
}

/// Begins to change records.
pub fn begin(model: &mut Model, work: Work) {
    if work.act == Act::Delete {
        model.bulk.taken = None;
    }
    model.bulk.work = Some(work);
    next(model);
}

/// Sends the next part, or ends.
fn next(model: &mut Model) {
    let live = model.link == LinkState::Live;
    let Some(work) = &mut model.bulk.work else {
        return;
    };
    let records = work.part(PART);
    if records.is_empty() || !live {
        return end(model, Ended::Whole);
    }
    let (pair, act) = (work.pair.clone(), work.act.clone());
    let command = match act {
        Act::Delete => Command::DeleteRecords { pair, records },
        Act::Restore => Command::RestoreRecords { pair, records },
        Act::HandOver(fields) => Command::StageFields {
            pair,
            records,
            fields,
        },
        Act::TakeBack => Command::StageEdits {
            pair,
            edits: records.into_iter().map(|(id, _)| (id, None)).collect(),
        },
    };
    model.ask(Ask::Bulk, command);
}

/// Takes what came of a part.
pub fn acted(model: &mut Model, acted: Acted) {
    let Some(work) = &mut model.bulk.work else {
        return;
    };
    match work.take(acted) {
        Ended::Whole => next(model),
        ended => end(model, ended),
    }
}

/// Takes what was staged of a part.
pub fn staged(model: &mut Model, staged: EditsStaged) {
    let Some(work) = &mut model.bulk.work else {
        return;
    };
    match work.take_staged(staged) {
        Ended::Whole => next(model),
        ended => end(model, ended),
    }
}

/// Stops after the part that is being done; says whether there was anything to stop.
pub fn stop(model: &mut Model) -> Changed {
    let Some(work) = &mut model.bulk.work else {
        return Changed::No;
    };
    work.stop();
    let text = "Stopping after the part being done. Ctrl-c again leaves.";
    model.say(Word::Info, text);
    Changed::Yes
}

/// The engine does not go on.
pub fn broke_off(model: &mut Model, why: &str) {
    if model.bulk.work.is_some() {
        model.say(Word::Fail, format!("It broke off: {why}"));
        end(model, Ended::Stopped);
    }
}

/// Says what came of all of it; what was refused stays marked.
fn end(model: &mut Model, ended: Ended) {
    let Some(mut work) = model.bulk.work.take() else {
        return;
    };
    let staged = std::mem::take(&mut work.staged);
    let meant = staged.iter().map(|done| done.key.app_id.clone());
    let gone: BTreeSet<AppId> = work
        .done
        .iter()
        .map(|(id, _)| id.clone())
        .chain(meant)
        .collect();
    let many = count(gone.len() as u64, "record", "records");
    let (mut text, then) = match &work.act {
        Act::Delete => (
            format!("{many} deleted in the App"),
            "; u brings back what was deleted.",
        ),
        Act::Restore => (format!("{many} brought back in the App"), "."),
        Act::HandOver(_) => staged_many::handed_over(model, &work.pair, staged),
        Act::TakeBack => staged_many::taken_back(model, &work.pair, staged),
    };
    if !work.refused.is_empty() {
        let left = work.refused.len() as u64;
        text.push_str(&format!(", {} left as they were", group(left)));
    }
    if ended == Ended::Stopped {
        text.push_str(&format!(
            "; stopped before {} more",
            group(work.left() as u64)
        ));
    }
    text.push_str(if gone.is_empty() { "." } else { then });
    let word = match work.refused.is_empty() && ended == Ended::Whole {
        true => Word::Ok,
        false => Word::Warn,
    };
    model.say(word, text);
    model
        .records
        .marks
        .retain(|key| !gone.contains(&key.app_id));
    if work.act == Act::Delete && !work.done.is_empty() {
        model.bulk.taken = Some(Taken {
            after: model.conflicts.history.depth(),
            pair: work.pair,
            records: work.done,
        });
        model.records.open = None;
    }
    if !work.refused.is_empty() && model.modal.is_none() {
        let lines = work.refused.iter().take(NAMED);
        let lines: Vec<String> = lines.map(|r| format!("{}: {}", r.app_id, r.why)).collect();
        let page = Sheet::new("Left as they were", lines.join("\n"));
        model.modal = Some(Modal::Text(page));
    }
    super::act::load(model);
}
