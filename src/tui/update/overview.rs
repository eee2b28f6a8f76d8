//! Overview: connections, syncs, what needs a person.

use super::act::{go, load};
use super::{drift, find, log, mapping, plan, records, settings, sign_in, step_of, write};
use crate::domain::budget::AHEAD;
use crate::domain::id::PairName;
use crate::domain::mass::{Held, Mass};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::transform::Side;
use crate::engine::command::{Allowance, Command, Scope, WriteScope};
use crate::engine::summary::{Helps, Motion, Target};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release};
use crate::tui::model::{Model, Screen};
use crate::tui::order;
use crate::tui::state::{OverviewPane, Section};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::list::Step;

/// Columns of what is said in a box.
const BOX: usize = 56;
/// Columns of a question.
const QUESTION: usize = 68;

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    // Somebody is here: from now on no row changes under the cursor.
    order::keep(model);
    if let Some(step) = step_of(action) {
        let Some(summary) = &model.summary else {
            return;
        };
        let state = &mut model.overview;
        return match state.pane {
            OverviewPane::Connections => state.connections.step(step, summary.connections.len()),
            OverviewPane::Syncs => order::step(model, step),
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
        Action::Repair => {
            if let Some(pair) = drifted(model) {
                drift::begin(model, &pair);
            }
        }
        Action::Edit | Action::New | Action::Remove => sign_in::connection(model, action),
        Action::MatchAfter => find::step(model, Step::Down),
        Action::MatchBefore => find::step(model, Step::Up),
        Action::Pause => pause(model),
        Action::CancelRun => ask_cancel(model),
        Action::GoMapping => {
            let pair = selected(model).map(|(pair, _)| pair);
            mapping::show(model, pair, None);
        }
        Action::GoLog => {
            let pair = selected(model).map(|(pair, _)| pair);
            super::log::show_pair(model, pair);
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

/// The pair under the cursor: the one that a row is about which needs attention, or of the syncs.
fn selected(model: &Model) -> Option<(PairName, String)> {
    let about = match model.overview.pane {
        OverviewPane::Attention => {
            let at = model.overview.attention.selected();
            let rows = model.summary.as_ref().map(|s| s.attention.as_slice());
            rows.and_then(|rows| rows.get(at)?.pair.as_ref())
        }
        OverviewPane::Connections | OverviewPane::Syncs => None,
    };
    let pair = match about {
        Some(name) => model.pairs().iter().find(|p| p.name == *name),
        None => order::here(model),
    };
    pair.map(|p| (p.name.clone(), p.title.clone()))
}

/// The pair under the cursor, if records of it are known to differ; else the first of which some are.
pub fn drifted(model: &Model) -> Option<PairName> {
    let rows = model.summary.as_ref()?.attention.iter();
    let found: Vec<&PairName> = rows
        .filter_map(|row| match &row.target {
            Target::Drift(pair) => Some(pair),
            _ => None,
        })
        .collect();
    let here = selected(model).map(|(pair, _)| pair);
    let of_here = found.iter().find(|pair| Some(**pair) == here.as_ref());
    of_here.or(found.first()).map(|pair| (*pair).clone())
}

fn open(model: &mut Model) {
    match model.overview.pane {
        OverviewPane::Connections if is_down(model) => ask_again(model),
        OverviewPane::Connections => settings::show(model, Section::Connections),
        OverviewPane::Syncs => {
            let Some(pair) = order::here(model).cloned() else {
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
            if let Some(target) = attention_target(model) {
                follow(model, &target);
            }
        }
    }
}

/// Whether the connection under the cursor does not work, and something else than signing in helps.
fn is_down(model: &Model) -> bool {
    let at = model.overview.connections.selected();
    let row = model.summary.as_ref().and_then(|s| s.connections.get(at));
    let trouble = row.and_then(|row| row.trouble.as_ref());
    trouble.is_some_and(|trouble| trouble.helps == Helps::Checking)
}

/// Goes where something can be put right.
pub fn follow(model: &mut Model, target: &Target) {
    match target {
        Target::Conflicts => {
            model.conflicts.open = None;
            go(model, Screen::Conflicts);
        }
        Target::Write => write::ask(model, WriteScope::All),
        Target::Run(run) => log::show(model, *run),
        Target::Mapping(pair, row) => mapping::show(model, Some(pair.clone()), *row),
        Target::SignIn => {
            settings::show(model, Section::Connections);
            sign_in::begin_sign_in(model);
        }
        Target::Trouble => ask_again(model),
        Target::Schedule => settings::show(model, Section::Schedule),
        Target::Limits => settings::show(model, Section::Limits),
        Target::Audit => {
            let told = Ask::Told("Audit log checked.".into());
            model.ask(told, Command::VerifyAudit { known: Vec::new() });
        }
        Target::Held(pair, held) => ask_held(model, pair, held),
        Target::Drift(pair) => drift::begin(model, pair),
        Target::HeldRecords(pair) => records::show_filtered(model, pair.clone(), "held:yes"),
    }
}

/// Calls that the org has used, and what it allows in a day.
pub fn calls(model: &Model) -> Option<(u64, u64)> {
    let summary = model.summary.as_ref()?;
    summary.connections.iter().find_map(|c| c.api)
}

/// The question whether work in the background goes past the lines of the budget.
pub fn ask_go_on(model: &mut Model) {
    let (Some((used, all)), Some(summary)) = (calls(model), &model.summary) else {
        return;
    };
    let body = vec![
        write::where_it_goes(&summary.profile, summary.env),
        Line::new(),
        Line::text(format!(
            "The org has used {} of {} calls of the day.",
            grouped(used),
            grouped(all)
        )),
        Line::text(format!(
            "Syncs may go on until {AHEAD} % are used, for 24 hours."
        )),
        Line::text("Other apps of the org may be refused then. Calls for"),
        Line::text("people are kept as they are."),
    ];
    let asked = Ask::Told(format!(
        "Syncs go on to {AHEAD} % of the calls, for 24 hours."
    ));
    let release = Release::Send(asked, Box::new(Command::GoOn));
    let phrase = format!("{} {AHEAD}", summary.profile);
    let confirm = Confirm::typed(format!("Go on to {AHEAD} %?"), body, phrase, release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Says what is wrong with a connection, and offers to check it.
fn ask_again(model: &mut Model) {
    let Some(summary) = &model.summary else {
        return;
    };
    let mut down = summary.connections.iter();
    let Some((system, trouble)) = down.find_map(|c| Some((c.system.as_str(), c.trouble.as_ref()?)))
    else {
        // It may work again by now; a wrong clock is measured anew.
        let told = Ask::Told("Connection checked.".into());
        return model.ask(told, Command::CheckConnection);
    };
    let parts = [
        ("What", &trouble.what),
        ("Why", &trouble.why),
        ("Now", &trouble.now),
        ("Fix", &trouble.fix),
    ];
    let mut body = Vec::new();
    for (label, part) in parts {
        for (at, line) in text::wrap(part, BOX).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            body.push(Line::text(label).to_column(6).add(Role::Text, line));
        }
    }
    let release = Release::Send(
        Ask::Told("Connection checked.".into()),
        Box::new(Command::CheckConnection),
    );
    let title = format!("FAIL  {system} does not work");
    let confirm = Confirm::ask(title, body, "Close", "Try again now", release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Asks before very many records are written.
fn ask_held(model: &mut Model, pair: &PairName, held: &Held) {
    if !model.may_change("Allowing it") {
        return;
    }
    let Some(summary) = &model.summary else {
        return;
    };
    let what = held.of(held.number);
    let mut body = vec![
        write::where_it_goes(&summary.profile, summary.env),
        Line::new(),
    ];
    let records = grouped(held.records);
    let [what_is_so, what_comes] = match (held.what, held.what.side()) {
        (Mass::MostUnlisted, _) => [
            "so it looks like another org. Nothing of the pair is written. If it is the right one,",
            "the next sync goes on; those records stay as they are, and are not made again.",
        ],
        (Mass::Unplaced, _) => [
            "but were in the one that was left. Nothing was made of them yet:",
            "the next sync makes them, as the mapping says.",
        ],
        (Mass::Restored, _) => [
            "older than what Salesforce has. Nothing of the pair is written. The next sync reads",
            "everything there and compares it: nothing is overwritten, you are asked instead.",
        ],
        (_, Side::Crm) => [
            "because of what was done in the App. Nothing of it was done yet:",
            "the next sync does it.",
        ],
        (_, Side::App) => [
            "because of what was done in Salesforce. Nothing of it was done yet:",
            "the next sync does it.",
        ],
    };
    let mut says = vec![format!(
        "{what}, of {records} records of {pair}, {what_is_so} {what_comes}"
    )];
    if held.what == Mass::Delete(Side::Crm) {
        let text =
            "They go to its recycle bin with what hangs on them, or are marked, as the pair says.";
        says.push(text.to_owned());
    }
    if held.what == Mass::Unlisted {
        let text = "Those that two comparisons, an hour apart, have missed count as deleted there.";
        says.push(text.to_owned());
    }
    let way_out = match held.what {
        Mass::MostUnlisted => "Is it another org? Leave, and take \"other org\" from m.",
        Mass::Unplaced => "Not meant? Leave: they stay as they are, and nothing is made.",
        Mass::Restored => "Not sure? Leave: nothing is written meanwhile.",
        _ => "Not meant? Leave, and put it right where it was done.",
    };
    says.push(way_out.to_owned());
    let lines = says.iter().flat_map(|text| text::wrap(text, QUESTION));
    body.extend(lines.map(Line::text));
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

/// Where Enter on the attention row goes, if the attention pane has the focus.
pub(super) fn attention_target(model: &Model) -> Option<Target> {
    if model.overview.pane != OverviewPane::Attention {
        return None;
    }
    let summary = model.summary.as_ref()?;
    let at = model.overview.attention.selected();
    summary.attention.get(at).map(|a| a.target.clone())
}
