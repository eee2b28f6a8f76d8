//! From a run to the question whether to take it back, and to the run that does.
//!
//! Asks the engine; decides nothing. Invariant: what is done is named by the hash of what was
//! shown.

use super::{log, write};
use crate::domain::id::RunId;
use crate::domain::run::Word;
use crate::engine::command::{Allowance, Command};
use crate::engine::view::WritePreview;
use crate::tui::ask::Ask;
use crate::tui::modal::Release;
use crate::tui::model::Model;

/// Asks what taking back the run shown would do.
pub fn begin(model: &mut Model) {
    if let Some(run) = log::shown(model) {
        model.ask(Ask::PreviewUndo(run), Command::PreviewUndo { run });
    }
}

/// Puts the question over the preview.
pub fn question(model: &mut Model, run: RunId, preview: &WritePreview) {
    if preview.decisions == 0 {
        let why = preview
            .refused
            .first()
            .map_or(String::new(), |(what, why)| format!(" {what}: {why}."));
        let text = format!("Nothing of run {run} can be put back.{why}");
        return model.say(Word::Info, text);
    }
    // Its number stands in the question, which has to be answered by typing.
    let allow = preview.held.iter().map(|held| Allowance {
        name: held.name(),
        number: held.number,
    });
    let question = write::Question {
        title: format!("Take back run {run}?"),
        go: format!("Take back {}", preview.decisions),
        typed: u64::from(preview.crm_records + preview.app_records),
        says: [
            "Only what nobody changed since is put back; it is not synced again",
            "until a side changes. E-mails and flows it started stay as they are.",
        ],
        release: Release::Send(
            Ask::Start(format!("Taking back run {run}")),
            Box::new(Command::Undo {
                run,
                hash: preview.hash,
                allow: allow.collect(),
            }),
        ),
    };
    write::put(model, question, preview);
}
