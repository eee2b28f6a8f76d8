//! Overview: connections, syncs, what needs a person.

use super::act::{go, load};
use super::{log, mapping, off, plan, settings, step_of, write};
use crate::domain::id::PairName;
use crate::domain::mass::{Held, Mass};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::transform::Side;
use crate::engine::command::{Allowance, Command, Scope};
use crate::engine::summary::{Motion, Target};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::state::{OverviewPane, Section};
use crate::tui::text;
use crate::tui::widget::confirm::Confirm;

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        let Some(summary) = &model.summary else {
            return;
        };
        let state = &mut model.overview;
        return match state.pane {
            OverviewPane::Connections => state.connections.step(step, summary.connections.len()),
            OverviewPane::Syncs => state.syncs.step(step, summary.pairs.len()),
            OverviewPane::Attention => state.attention.step(step, summary.attention.len()),
        };
    }
    match action {
        Action::NextPane => model.overview.pane = next(model.overview.pane),
        Action::PreviousPane => model.overview.pane = next(next(model.overview.pane)),
        Action::Open => open(model),
        Action::SyncNow => {
            if let Some((pair, title)) = selected(model) {
                start(model, Scope::Pair(pair), &title);
            }
        }
        Action::SyncAll => start(model, Scope::All, "all pairs"),
        Action::DryRun => plan::begin(model),
        Action::Edit | Action::Remove => settings::connection(model, action),
        Action::Pause => pause(model),
        Action::CancelRun => ask_cancel(model),
        Action::GoMapping => {
            let pair = selected(model).map(|(pair, _)| pair);
            mapping::show(model, pair, None);
        }
        Action::GoLog => {
            let pair = selected(model).map(|(pair, _)| pair);
            super::log::only(model, pair);
            model.log.open = None;
            go(model, Screen::Log);
        }
        Action::GoSettings => settings::show(model, Section::Schedule),
        Action::Copy => {
            let text = selected(model).map(|(_, title)| title);
            super::records::copy(model, text);
        }
        _ => {}
    }
}

fn next(pane: OverviewPane) -> OverviewPane {
    match pane {
        OverviewPane::Connections => OverviewPane::Syncs,
        OverviewPane::Syncs => OverviewPane::Attention,
        OverviewPane::Attention => OverviewPane::Connections,
    }
}

/// The pair under the cursor of the syncs pane.
fn selected(model: &Model) -> Option<(PairName, String)> {
    let at = model.overview.syncs.selected();
    model
        .pairs()
        .get(at)
        .map(|p| (p.name.clone(), p.title.clone()))
}

fn open(model: &mut Model) {
    match model.overview.pane {
        OverviewPane::Connections => settings::show(model, Section::Connections),
        OverviewPane::Syncs => {
            let at = model.overview.syncs.selected();
            let Some(pair) = model.pairs().get(at).cloned() else {
                return;
            };
            match pair.last {
                Some(last) => log::show(model, last.id),
                None => model.say(
                    Word::Info,
                    format!("{} has not run yet. s syncs it now.", pair.title),
                ),
            }
        }
        OverviewPane::Attention => {
            if let Some(target) = off::attention_target(model) {
                follow(model, &target);
            }
        }
    }
}

/// Goes where something can be put right.
pub fn follow(model: &mut Model, target: &Target) {
    match target {
        Target::Conflicts => {
            model.conflicts.open = None;
            go(model, Screen::Conflicts);
        }
        Target::Run(run) => log::show(model, *run),
        Target::Mapping(pair, row) => mapping::show(model, Some(pair.clone()), *row),
        Target::SignIn => {
            settings::show(model, Section::Connections);
            settings::begin_sign_in(model);
        }
        Target::Settings => settings::show(model, Section::Connections),
        Target::Held(pair, held) => ask_held(model, pair, held),
    }
}

/// Asks before very many records are written.
fn ask_held(model: &mut Model, pair: &PairName, held: &Held) {
    let Some(summary) = &model.summary else {
        return;
    };
    let what = held.of(held.number);
    let mut body = vec![
        write::where_it_goes(&summary.profile, summary.env),
        Line::new(),
        Line::text(format!(
            "{what}, of {} records of {pair},",
            grouped(held.records)
        )),
        Line::text(match held.what.side() {
            Side::Crm => "because of what was done in the App. Nothing of it was done yet:",
            Side::App => "because of what was done in Salesforce. Nothing of it was done yet:",
        }),
        Line::text("the next sync does it."),
    ];
    if held.what == Mass::Delete(Side::Crm) {
        let text = "They go to the recycle bin of Salesforce, with what hangs on them.";
        body.push(Line::text(text));
    }
    body.push(Line::text(
        "Not meant? Leave, and put it right where it was done.",
    ));
    body.push(Line::new());
    for example in &held.examples {
        body.push(Line::text(format!(
            "  {}",
            text::Safe::from(example.name.clone())
        )));
    }
    body.push(Line::new());
    let release = Release::Send(
        Ask::Start(format!("Sync of {pair} with {what} asked for")),
        Box::new(Command::Allow {
            pair: pair.clone(),
            allowances: vec![Allowance {
                name: held.name(),
                number: held.number,
            }],
        }),
    );
    let typed = format!("{} {}", summary.profile, held.number);
    let title = format!("Allow {what}?");
    let confirm = Confirm::typed(title, body, typed, release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Starts a run.
pub fn start(model: &mut Model, scope: Scope, title: &str) {
    let say = format!("Sync of {title} asked for");
    model.ask(Ask::Start(say), Command::Sync { scope });
}

fn pause(model: &mut Model) {
    let Some(summary) = &model.summary else {
        return;
    };
    let paused = match &summary.running {
        Some(run) => matches!(run.motion, Motion::Paused | Motion::Pausing),
        None => summary.paused,
    };
    if paused {
        model.ask(Ask::Told("Syncing goes on.".into()), Command::Resume);
    } else {
        let say = "Pause asked for: it stops at the next record. p goes on.";
        model.ask(Ask::Told(say.into()), Command::Pause);
    }
    load(model);
}

/// Asks before a run is cancelled.
pub fn ask_cancel(model: &mut Model) {
    let Some(run) = model.summary.as_ref().and_then(|s| s.running.clone()) else {
        return;
    };
    let body = vec![
        Line::text(format!(
            "Run {} of {} ends after the records being written.",
            run.run, run.title
        )),
        Line::text("What was written stays. Nothing is lost: what is left"),
        Line::text("is found again by the next run."),
    ];
    let release = Release::Send(
        Ask::Told("Cancel asked for.".into()),
        Box::new(Command::Cancel),
    );
    let confirm = Confirm::ask(
        format!("Cancel run {}?", run.run),
        body,
        "Let it run",
        "Cancel the run",
        release,
    );
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}
