//! What whoever may only look cannot do: the actions that lead to a change of data.
//!
//! Reads the model only. Invariant: what is offered for an action follows from this list, wherever it
//! is offered.

use crate::engine::summary::Target;
use crate::tui::action::{Action, Context};
use crate::tui::key::Key;
use crate::tui::keymap::Resolved;
use crate::tui::model::Model;
use crate::tui::state::{MappingPane, Section, SettingsPane};
use crate::tui::update::overview;

/// Whether an action leads to a change of data here.
pub(super) fn changes(model: &Model, action: Action) -> bool {
    always_changes(action) || action == Action::Open && enter_changes(model)
}

/// Whether Enter leads to a change of data where the cursor is.
fn enter_changes(model: &Model) -> bool {
    match model.context() {
        Context::Mapping => model.mapping.pane == MappingPane::Rows,
        Context::Settings => {
            model.settings.pane == SettingsPane::Content
                && matches!(
                    model.settings.section(),
                    Section::Connections | Section::Schedule | Section::Filters
                )
        }
        Context::Overview => {
            overview::attention_target(model).is_some_and(|target| writes(&target))
        }
        _ => false,
    }
}

/// Whether what needs a person is put right by a change, and by nothing else.
pub fn writes(target: &Target) -> bool {
    match target {
        Target::Write | Target::Held(..) | Target::SignIn => true,
        Target::Conflicts
        | Target::Run(_)
        | Target::Mapping(..)
        | Target::Trouble
        | Target::Schedule
        | Target::Limits
        | Target::Audit
        | Target::Drift(_)
        | Target::HeldRecords(_) => false,
    }
}

/// Why keys that mean nothing here would be refused where they mean something; none where they would
/// not.
pub(in crate::tui::update) fn refused_anywhere(model: &Model, keys: &[Key]) -> Option<String> {
    let why = model.read_only()?;
    let mut contexts = Context::ALL.iter();
    let action = contexts.find_map(|context| {
        let (last, pending) = keys.split_last()?;
        match model.options.keymap.resolve(*context, pending, *last) {
            Resolved::Action(action) if always_changes(action) => Some(action),
            _ => None,
        }
    })?;
    Some(format!("{} is off: {why}", action.info().label))
}

/// Actions that lead to a change of data.
fn always_changes(action: Action) -> bool {
    matches!(
        action,
        Action::Write
            | Action::TakeSide
            | Action::TakeApp
            | Action::TakeCrm
            | Action::TakeBase
            | Action::TakeBoth
            | Action::AllApp
            | Action::AllCrm
            | Action::Ignore
            | Action::RuleApp
            | Action::RuleCrm
            | Action::Clear
            | Action::Edit
            | Action::Undo
            | Action::Redo
            | Action::Switch
            | Action::New
            | Action::Remove
            | Action::HandOver
            | Action::Link
            | Action::Unlink
            | Action::Propagate
            | Action::LetGo
            | Action::ViewSave
            | Action::SyncNow
            | Action::SyncAll
            | Action::DryRun
            | Action::Repair
            | Action::GoOn
            | Action::Relink
            | Action::Pause
            | Action::CancelRun
            | Action::Retry
            | Action::Revert
    )
}
