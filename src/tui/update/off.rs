//! Why an action is off here and now. Hints leave such actions out; `m` and `?` list them with
//! this reason; pressing the key says it.

mod looking;
mod runs;

pub(super) use self::looking::refused_anywhere;
pub use self::looking::writes;
pub(super) use self::runs::did_not_end;
pub use self::runs::sync;

use crate::domain::form::owner_field;
use crate::domain::record::{Link, LinkState};
use crate::domain::run::Word;
use crate::engine::summary::Motion;
use crate::engine::view::Base;
use crate::tui::action::Action;
use crate::tui::model::{Model, Screen, Zoom};
use crate::tui::split::Move;
use crate::tui::state::{
    Front, MappingPane, OverviewPane, RecordsPane, RunPane, Section, SettingsPane,
};
use crate::tui::widget::list::Step;

/// The reason an action cannot be done now; none when it can.
pub fn reason(model: &Model, action: Action) -> Option<String> {
    if !action.is_in(model.context()) {
        return Some(format!("it does not exist on {}", model.context().name()));
    }
    if looking::changes(model, action)
        && let Some(why) = model.read_only()
    {
        return Some(why.to_owned());
    }
    let why = match action {
        Action::Write => write(model),
        Action::Propagate | Action::LetGo => held(model),
        Action::SyncNow | Action::SyncAll => sync(model),
        Action::DryRun => runs::dry_run(model),
        Action::Repair => super::overview::drifted(model)
            .is_none()
            .then_some("no record is known to differ without a change"),
        Action::Pause => runs::pause(model),
        Action::CancelRun => match running(model) {
            None => Some("nothing runs"),
            Some(Motion::Cancelling) => Some("it is being cancelled"),
            Some(_) => None,
        },
        Action::MatchAfter | Action::MatchBefore => super::find::text(model)
            .is_empty()
            .then_some("nothing was looked for; / does"),
        Action::GoOn => runs::go_on(model),
        Action::Relink => running(model).map(|_| "a run works; it ends first, or X cancels it"),
        Action::Retry if model.screen == Screen::Records => runs::release(model),
        Action::Retry => runs::retry(model),
        Action::Revert => runs::revert(model),
        Action::Undo | Action::Redo => undo(model, action),
        Action::Remove
        | Action::Edit
        | Action::Clear
        | Action::HandOver
        | Action::Link
        | Action::Unlink
            if model.screen == Screen::Records =>
        {
            record(model, action)
        }
        Action::New if model.screen == Screen::Overview => {
            connections(model).or_else(|| signed_in(model))
        }
        Action::Remove | Action::Edit if model.screen == Screen::Overview => connections(model),
        Action::New
        | Action::Switch
        | Action::Remove
        | Action::Edit
        | Action::Open
        | Action::Clear
            if model.screen == Screen::Settings =>
        {
            settings(model, action)
        }
        Action::Switch
        | Action::New
        | Action::Remove
        | Action::Edit
        | Action::Clear
        | Action::ItemBefore
        | Action::ItemAfter
            if model.screen == Screen::Mapping =>
        {
            mapping(model, action)
        }
        Action::TakeSide
        | Action::TakeApp
        | Action::TakeCrm
        | Action::TakeBase
        | Action::TakeBoth
        | Action::Clear
        | Action::Edit
        | Action::Ignore
        | Action::RuleApp
        | Action::RuleCrm
        | Action::AllApp
        | Action::AllCrm => decide(model, action),
        Action::Open
        | Action::Mark
        | Action::MarkRange
        | Action::MarkAll
        | Action::GoRecord
        | Action::GoMapping
        | Action::Copy
        | Action::CopyJson
            if model.screen == Screen::Conflicts && model.conflicts.open.is_none() =>
        {
            no_conflict(model)
        }
        Action::Open if model.screen == Screen::Log => step(model),
        Action::GoMapping | Action::GoSettings | Action::GoLog if model.pairs().is_empty() => {
            Some("there is no pair")
        }
        Action::Address => address(model),
        Action::Mark | Action::MarkRange | Action::MarkAll if model.screen == Screen::Log => {
            mark_in_run(model)
        }
        Action::GoRecord | Action::GoConflicts if model.screen == Screen::Log => {
            (super::log::record(model).is_none()).then_some("no record is here")
        }
        Action::NextPane | Action::PreviousPane => panes(model),
        Action::Left | Action::Right => sides(model, action),
        Action::SplitLeft => split(model, Move::Left),
        Action::SplitRight => split(model, Move::Right),
        _ => None,
    };
    why.map(str::to_owned)
}

/// Steps of a run say all they know.
fn step(model: &Model) -> Option<&'static str> {
    let on_step = model.log.open.is_some() && model.log.pane == RunPane::Steps;
    on_step.then_some("a step has nothing behind it; y copies the run")
}

fn mapping(model: &Model, action: Action) -> Option<&'static str> {
    let state = &model.mapping;
    let about_rows = matches!(
        action,
        Action::Switch | Action::New | Action::Remove | Action::Edit | Action::Clear
    );
    if about_rows && state.current().is_none() {
        return Some("the mapping is not here yet");
    }
    let in_versions = state.pane == MappingPane::Versions;
    match action {
        Action::Switch | Action::Remove | Action::Edit | Action::Clear if in_versions => {
            Some("a version stays as it is; Tab goes to the rows")
        }
        Action::ItemBefore | Action::ItemAfter => {
            let samples = state.preview.get().map_or(0, |p| p.samples.len());
            if samples < 2 {
                Some("there is no other sample")
            } else if in_versions && !model.wide() {
                Some("the samples belong to the rows; Tab goes there")
            } else {
                None
            }
        }
        _ => None,
    }
}

/// On the Overview the systems are what is edited and disconnected.
fn connections(model: &Model) -> Option<&'static str> {
    (model.overview.pane != OverviewPane::Connections)
        .then_some("connections are what is changed here; Tab goes to them")
}

/// A profile has one connection to a CRM.
fn signed_in(model: &Model) -> Option<&'static str> {
    let crm = super::sign_in::crm(model)?;
    let signed_in = !matches!(crm.word, Word::Off | Word::None);
    signed_in.then_some("a profile has one; e signs in to it again")
}

/// Marks are for the records of a run: the cursor has to be on one.
fn mark_in_run(model: &Model) -> Option<&'static str> {
    match model.log.pane {
        RunPane::Records => None,
        RunPane::Groups | RunPane::Steps => {
            Some("marks are for the records of a run; Tab goes to them")
        }
    }
}

fn panes(model: &Model) -> Option<&'static str> {
    let one = match model.screen {
        Screen::Log => model.log.open.is_none(),
        Screen::Conflicts => model.conflicts.open.is_none(),
        Screen::Records => model.records.open.is_some(),
        Screen::Overview | Screen::Mapping | Screen::Settings => false,
    };
    one.then_some("the cursor has one pane here; Enter opens what it is on")
}

fn sides(model: &Model, action: Action) -> Option<&'static str> {
    let to_pairs = match model.screen {
        Screen::Mapping => Some(model.mapping.pair.as_ref()),
        Screen::Records => Some(model.records.pair.as_ref()),
        _ => None,
    };
    if let Some(pair) = to_pairs {
        let step = match action {
            Action::Left => Step::Up,
            _ => Step::Down,
        };
        let none = super::beside(model, pair, step).is_none();
        return none.then_some("there is no further pair");
    }
    let none = match model.screen {
        Screen::Conflicts => model.conflicts.open.is_none(),
        _ => true,
    };
    none.then_some("there is no side or column to choose")
}

fn address(model: &Model) -> Option<&'static str> {
    let url = match model.screen {
        Screen::Conflicts => {
            let detail = model.conflicts.detail.get().and_then(Option::as_ref);
            detail.map(|d| d.url.is_some())
        }
        _ => model.records.detail.get().map(|d| d.url.is_some()),
    };
    match url {
        None => Some("the record is not here yet"),
        Some(false) => Some("this record is not in the CRM"),
        Some(true) => None,
    }
}

fn split(model: &Model, to: Move) -> Option<&'static str> {
    let business = model.screen == Screen::Overview && model.overview.front == Front::Business;
    if business || model.splits.share(model.screen).is_none() {
        return Some("the panes of this screen are fixed");
    }
    if !model.wide() {
        return Some("the panes stand one above the other; side by side needs 120 columns");
    }
    if model.zoom == Zoom::Whole {
        return Some("one pane has the whole body; z shares it again");
    }
    match model.splits.moved(model.screen, to) {
        None => Some("the pane behind the rule keeps what is left of it"),
        Some(_) => None,
    }
}

fn record(model: &Model, action: Action) -> Option<&'static str> {
    if action == Action::Remove && model.records.pane == RecordsPane::Views {
        return None;
    }
    let marked = model.records.open.is_none() && !model.records.marks.is_empty();
    let many = match action {
        Action::Remove | Action::HandOver => true,
        Action::Clear => marked,
        _ => false,
    };
    if many && model.bulk.work.is_some() {
        return Some("records are being changed; Ctrl-c stops that");
    }
    if marked && action == Action::Clear {
        let edits = model.summary.as_ref().map_or(0, |s| s.edits);
        return (edits == 0).then_some("nothing of the marked records is staged");
    }
    let Some(detail) = model.records.detail.get() else {
        return Some(match model.records.rows.is_empty() {
            true => "there is no record in the list",
            false => "the record is not here yet",
        });
    };
    let linked = detail.link.as_ref().is_some_and(is_linked);
    let is_new = detail.staged.as_ref().is_some_and(|e| e.base == Base::New);
    match action {
        Action::Clear if detail.staged.is_none() => Some("nothing of this record is staged"),
        Action::Clear => None,
        Action::Edit if is_new => None,
        Action::Unlink if !linked => Some("it is not linked"),
        Action::Unlink => None,
        Action::HandOver if owner_field(&detail.pair).is_none() => {
            Some("no row of this mapping sends an owner, with the step user, to OwnerId")
        }
        Action::Remove | Action::HandOver if marked => None,
        _ if is_new => Some("it is staged and not made yet; w makes it"),
        _ if detail.app.is_none() => Some("the App record is gone"),
        Action::Link if linked => Some("it is linked; U ends that first"),
        _ => None,
    }
}

/// Whether a link keeps two records in step.
fn is_linked(link: &Link) -> bool {
    link.crm_id.is_some() && link.state != LinkState::Closed
}

fn held(model: &Model) -> Option<&'static str> {
    if model.records.open.is_none() {
        let none = model.records.marks.is_empty() && model.records.rows.is_empty();
        return none.then_some("there is no record in the list");
    }
    let field = super::held::field(model);
    (field.is_none_or(|field| field.held.is_none()))
        .then_some("the field under the cursor is not held")
}

fn settings(model: &Model, action: Action) -> Option<&'static str> {
    if action == Action::Open {
        let about = model.settings.section() == Section::About;
        let inside = model.settings.pane == SettingsPane::Content;
        return (about && inside).then_some("there is nothing behind this page; y copies it");
    }
    match (action, model.settings.section()) {
        (Action::Switch, Section::Schedule)
        | (Action::Remove, Section::Connections)
        | (
            Action::Edit,
            Section::Schedule
            | Section::Filters
            | Section::Rules
            | Section::Connections
            | Section::Look,
        ) => None,
        (Action::New, Section::Connections) => signed_in(model),
        (Action::New, Section::Schedule | Section::Filters) => {
            Some("each pair has one; e changes it")
        }
        (Action::Clear, Section::Schedule) => super::schedules::staged_here(model)
            .is_none()
            .then_some("nothing of this schedule is staged"),
        (Action::Clear, _) => Some("only schedules are taken back here; 4 has the mappings"),
        (Action::Switch, _) => Some("only schedules are switched here"),
        (Action::Remove, _) => Some("only connections are removed here"),
        (_, _) => Some("this section is changed in the config file"),
    }
}

fn running(model: &Model) -> Option<Motion> {
    model.summary.as_ref()?.running.as_ref().map(|r| r.motion)
}

fn write(model: &Model) -> Option<&'static str> {
    if model.screen == Screen::Mapping {
        return model
            .mapping
            .draft
            .is_none()
            .then_some("nothing is staged in this mapping");
    }
    let staged = model.summary.as_ref().map_or(0, |s| s.to_write());
    let here = model
        .conflicts
        .detail
        .get()
        .and_then(Option::as_ref)
        .is_some_and(|d| {
            !d.writes.lines.is_empty() || !d.writes.acts.is_empty() || d.writes.decisions > 0
        });
    let typed = model.conflicts.history.can_undo();
    if staged > 0 || here || typed || super::write::is_only_a_draft(model) {
        return None;
    }
    match model.summary.as_ref().map_or(0, |s| s.drafts) {
        0 => Some("nothing is staged"),
        _ => Some("only a mapping has changes; w on 4 saves them"),
    }
}

fn undo(model: &Model, action: Action) -> Option<&'static str> {
    let (undo, redo) = match model.screen {
        Screen::Records => (
            model.bulk.taken.is_some() || model.conflicts.history.can_undo(),
            model.conflicts.history.can_redo(),
        ),
        Screen::Mapping => (
            !model.mapping.undo.is_empty(),
            !model.mapping.redo.is_empty(),
        ),
        _ => (
            model.conflicts.history.can_undo(),
            model.conflicts.history.can_redo(),
        ),
    };
    match action {
        Action::Undo if !undo => Some("nothing staged in this session to take back"),
        Action::Redo if !redo => Some("nothing was taken back"),
        _ => None,
    }
}

/// Whether the list of conflicts has no row for a key to be about.
fn no_conflict(model: &Model) -> Option<&'static str> {
    let none = match model.conflicts.filter.is_empty() {
        true => "no conflict is open",
        false => "no conflict fits the filter; Esc clears it",
    };
    model.conflicts.rows.is_empty().then_some(none)
}

fn decide(model: &Model, action: Action) -> Option<&str> {
    if model.screen != Screen::Conflicts {
        return None;
    }
    if model.conflicts.open.is_none() {
        return no_conflict(model);
    }
    let Some(Some(detail)) = model.conflicts.detail.get() else {
        return Some("the conflict is not here yet");
    };
    let (at, side) = (model.conflicts.fields.selected(), model.conflicts.side);
    super::decide::refusal(detail, at, side, action)
}
