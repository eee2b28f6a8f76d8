//! The last row: what the keys do here, most useful first, from the one table.
//!
//! Invariant: an action that is off is left out.

use ratatui::layout::Rect;

use crate::tui::action::{Action, Context};
use crate::tui::canvas::{Canvas, Line};
use crate::tui::modal::{FormPurpose, Modal};
use crate::tui::model::Model;
use crate::tui::state::{MappingPane, Section, SettingsPane};
use crate::tui::theme::Role;
use crate::tui::update::{self, off};
use crate::tui::widget::editor::Part;
use crate::tui::widget::form::OnEnter;

/// Last row: what the keys do, most useful first, from the one table.
pub fn hints(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(text) = modal_hints(model) {
        canvas.put(area, Role::Text, text);
        return;
    }
    let mut line = Line::new();
    let room = usize::from(area.width);
    let keymap = &model.options.keymap;
    let (mut left_out, more) = (false, "m actions");
    for action in useful(model.context()) {
        if off::reason(model, *action).is_some() || is_idle(model, *action) {
            continue;
        }
        let Some(key) = keymap.key_of(*action) else {
            continue;
        };
        let label = label(model, *action);
        let hint = Line::of(Role::Key, key).add(Role::Text, format!(" {label}  "));
        if line.width() + hint.width() + more.len() > room {
            left_out = true;
            break;
        }
        line = line.join(hint);
    }
    let rest = if left_out { "more" } else { "actions" };
    if let Some(key) = keymap.key_of(Action::Actions) {
        line = line.add(Role::Key, key).add(Role::Text, format!(" {rest}"));
    }
    canvas.line(area, &line);
}

/// Keys that are always safe to press and have nothing to do now.
fn is_idle(model: &Model, action: Action) -> bool {
    match (action, model.context()) {
        (Action::Close, Context::Settings) => model.settings.pane == SettingsPane::Sections,
        // It is for those who asked which records have such a field.
        (Action::Propagate, Context::Records) => !model.records.filter.contains("held:"),
        _ => false,
    }
}

/// The label, said more exactly where the screen knows better.
fn label(model: &Model, action: Action) -> &'static str {
    match (action, model.context()) {
        (Action::Back, _) => update::back_label(model),
        (Action::TakeApp, _) => "App",
        (Action::TakeCrm, _) => "CRM",
        (Action::Write, Context::Mapping) => "save",
        (Action::Open, Context::Mapping) if model.mapping.pane == MappingPane::Versions => {
            "compare"
        }
        (Action::Open, Context::Mapping) => "edit row",
        (Action::NextPane, Context::Mapping) => match model.mapping.pane {
            MappingPane::Rows => "versions",
            MappingPane::Versions => "rows",
        },
        (Action::Open, Context::Conflict) => "next open",
        (Action::Open, Context::Settings) if model.settings.pane == SettingsPane::Content => {
            match model.settings.section() {
                Section::Connections => "sign in",
                Section::Schedule => "stage when",
                Section::Filters => "edit filter",
                Section::Rules => "go to row",
                Section::Look => "use it",
                Section::Vault => "recovery text",
                Section::Limits => "what happens",
                Section::Keys => "explain",
                Section::About => "open",
            }
        }
        (Action::ItemAfter, Context::Mapping) => "sample",
        (Action::Open, Context::Business) => "records",
        (Action::NextPane, Context::Business) => "next figures",
        (
            Action::Filter,
            Context::Run | Context::Overview | Context::Mapping | Context::Settings,
        ) => "find",
        (Action::NextPane, Context::Records) => "views",
        (Action::Undo, Context::Records) => "take back",
        (Action::Right, Context::Mapping | Context::Records) => "next pair",
        (Action::Remove, Context::Settings) => "disconnect",
        _ => action.info().label,
    }
}

/// Most useful first.
pub(super) fn useful(context: Context) -> &'static [Action] {
    use Action as A;
    match context {
        Context::Business => &[
            A::Open,
            A::NextPane,
            A::Search,
            A::SyncNow,
            A::Refresh,
            A::GoLog,
            A::GoMapping,
            A::Close,
        ],
        Context::Overview => &[
            A::Open,
            A::SyncNow,
            A::Pause,
            A::CancelRun,
            A::Write,
            A::Business,
            A::Search,
            A::NextPane,
            A::Refresh,
            A::SyncAll,
            A::Palette,
            A::Help,
            A::Back,
        ],
        Context::Log => &[
            A::Open,
            A::Follow,
            A::Filter,
            A::Retry,
            A::Times,
            A::Copy,
            A::GoMapping,
            A::Palette,
            A::Help,
        ],
        Context::Run => &[
            A::Open,
            A::NextPane,
            A::Retry,
            A::Mark,
            A::MarkAll,
            A::Filter,
            A::MatchAfter,
            A::ItemBefore,
            A::ItemAfter,
            A::Copy,
            A::GoRecord,
            A::GoMapping,
            A::Close,
        ],
        Context::Conflicts => &[
            A::Open,
            A::Mark,
            A::MarkAll,
            A::AllApp,
            A::AllCrm,
            A::Write,
            A::Undo,
            A::Clear,
            A::GoRecord,
            A::GoMapping,
        ],
        Context::Conflict => &[
            A::TakeSide,
            A::TakeApp,
            A::TakeCrm,
            A::TakeBase,
            A::Edit,
            A::Write,
            A::Clear,
            A::Undo,
            A::AllApp,
            A::AllCrm,
            A::ItemAfter,
            A::Zoom,
            A::Close,
        ],
        Context::Mapping => &[
            A::Open,
            A::New,
            A::Remove,
            A::Switch,
            A::Write,
            A::Undo,
            A::ItemAfter,
            A::NextPane,
            A::Right,
        ],
        Context::Records => &[
            A::Open,
            A::Write,
            A::Propagate,
            A::Undo,
            A::Filter,
            A::Mark,
            A::NextPane,
            A::New,
            A::Edit,
            A::Retry,
            A::SyncNow,
            A::Search,
            A::GoConflicts,
            A::GoMapping,
            A::Right,
            A::Copy,
        ],
        Context::Record => &[
            A::Write,
            A::Propagate,
            A::Retry,
            A::Edit,
            A::HandOver,
            A::Remove,
            A::SyncNow,
            A::Address,
            A::Copy,
            A::CopyJson,
            A::GoConflicts,
            A::GoMapping,
            A::ItemAfter,
            A::Close,
        ],
        Context::Settings => &[
            A::NextPane,
            A::Open,
            A::Switch,
            A::Remove,
            A::Refresh,
            A::Copy,
            A::Close,
        ],
        Context::Setup => &[
            A::SyncNow,
            A::Open,
            A::Switch,
            A::Copy,
            A::ShowAddress,
            A::Refresh,
            A::PreviousPane,
            A::Help,
            A::Back,
        ],
    }
}

fn modal_hints(model: &Model) -> Option<&'static str> {
    if model.filter.is_some() {
        return Some(match update::finds_here(model) {
            true => "typing a text to find: Enter find  Ctrl-u clear  Esc leave",
            false => "typing a filter: Enter use  Tab complete  Ctrl-u clear  Esc leave",
        });
    }
    Some(match model.modal.as_ref()? {
        Modal::Confirm(confirm) => match (confirm.is_typed(), confirm.is_cut()) {
            // The question itself ends with its keys: twice would be sent twice.
            (false, _) => "",
            (true, false) => "typing: Enter go on  Ctrl-u clear  Esc leave",
            (true, true) => "typing: Enter go on  Up Down scroll  Ctrl-u clear  Esc leave",
        },
        Modal::Help { find: Some(_), .. } => {
            "typing: Enter do it  Up Down move  Ctrl-u clear  Esc all keys"
        }
        Modal::Help { find: None, .. } => "j/k move  / find a key  Enter do it  Esc close",
        Modal::Actions(_) => "j/k move  / find  Enter do it  Esc close",
        Modal::Palette(_) => "Enter do  Up Down move  Ctrl-u clear  Esc close",
        Modal::Search(_) => {
            "Enter open  Tab next kind  Ctrl-t long texts  Ctrl-o ask Salesforce  Esc close"
        }
        Modal::Messages(_) => "j/k move  Esc close",
        Modal::Form(_, FormPurpose::Record(_)) => "editing: Enter list or buttons  Esc leave",
        Modal::Form(_, FormPurpose::Link(_)) => {
            "editing: Enter list, or go on  Ctrl-o ask Salesforce by name  Esc drop"
        }
        Modal::Form(_, FormPurpose::Conflict(_)) => {
            "editing: Tab next field  Ctrl-x null  Ctrl-u clear line  Enter keep  Esc drop"
        }
        Modal::Form(form, _) if form.on_enter == OnEnter::GoesOn => {
            "editing: Tab next field  Ctrl-u clear line  Enter buttons  Esc drop"
        }
        Modal::Form(..) => "editing: Tab next field  Ctrl-u clear line  Enter keep  Esc drop",
        Modal::Editor { editor, .. } => match editor.part() {
            Part::Text => "editing: Enter new line  Tab to the buttons  Esc leave the text",
            Part::Keep => "Enter keep the text  Tab the other button  Esc drop this edit",
            Part::Drop => "Enter drop this edit  Tab back to the text  Esc drop this edit",
        },
        Modal::Choose(chooser) if matches!(chooser.purpose, FormPurpose::Link(_)) => {
            "Enter take  type to find  Ctrl-o ask Salesforce for what is typed  Esc back"
        }
        Modal::Offers(_) => "Enter take  type to find  Up Down move  Ctrl-u clear  Esc leave",
        Modal::Choose(_) => {
            "Enter take  type to find  Up Down move  Ctrl-u clear  Esc back to the form"
        }
        Modal::SignIn(_) => {
            "paste the address, then Enter  y copy the address  R fresh address  Esc leave"
        }
        Modal::Text(page) => match page.is_cut() {
            true => "j/k scroll  Esc close  m actions",
            false => "Esc close  m actions",
        },
    })
}
