//! Why runs cannot be started, stopped, tried again or taken back here and now.
//!
//! Reads the model only; whether a screen has the action at all is said by its table.

use super::running;
use crate::domain::budget::AHEAD;
use crate::domain::run::{Run, RunState, Word};
use crate::engine::summary::Motion;
use crate::tui::model::Model;
use crate::tui::update::overview;

pub fn sync(model: &Model) -> Option<&'static str> {
    let summary = model.summary.as_ref()?;
    if summary.pairs.is_empty() {
        return Some("there is no pair yet");
    }
    let crm = summary.connections.iter().find(|c| c.system != "App");
    match crm {
        Some(crm) if crm.word == Word::Off || crm.word == Word::None => {
            Some("there is no sign-in yet; 6 goes to it")
        }
        _ => None,
    }
}

pub(super) fn dry_run(model: &Model) -> Option<&'static str> {
    match running(model) {
        Some(_) => Some("a run works; a plan is made when nothing moves"),
        None => sync(model),
    }
}

pub(super) fn go_on(model: &Model) -> Option<&'static str> {
    match overview::calls(model) {
        None => Some("Salesforce has not said yet how many calls it allows"),
        Some((used, all)) if used * 100 >= all * u64::from(AHEAD) => {
            Some("so many calls are used already; more is not lent")
        }
        Some(_) => None,
    }
}

pub(super) fn pause(model: &Model) -> Option<&'static str> {
    match running(model) {
        Some(Motion::Cancelling) => Some("it is being cancelled"),
        _ => None,
    }
}

pub(super) fn release(model: &Model) -> Option<&'static str> {
    let marked = model.records.open.is_none() && !model.records.marks.is_empty();
    match model.records.detail.get() {
        _ if marked => None,
        None => Some("the record is not here yet"),
        Some(detail) if detail.failure.is_none() => Some("this record was not refused"),
        Some(_) => None,
    }
}

pub(super) fn retry(model: &Model) -> Option<&'static str> {
    match model.log.detail.get() {
        None => Some("the run is not here yet"),
        Some(detail) if detail.groups.is_empty() && !did_not_end(&detail.run) => {
            Some("nothing failed here")
        }
        Some(_) => None,
    }
}

/// Whether a run as a whole is worth another try.
pub fn did_not_end(run: &Run) -> bool {
    matches!(
        run.state,
        RunState::Failed | RunState::PutOff | RunState::Interrupted
    )
}

pub(super) fn revert(model: &Model) -> Option<&'static str> {
    let run = &model.log.detail.get()?.run;
    if !run.state.has_ended() {
        return Some("the run has not ended");
    }
    let wrote = run.counts.pulled + run.counts.pushed > 0;
    (!wrote).then_some("the run wrote nothing")
}
