//! Log: the list of runs, and one run with its errors and records.

use super::act::go;
use super::bulk::MARKS;
use super::clipboard::{As, copy_as};
use super::step_of;
use super::{complete, conflicts, find, mapping, off, overview, records, revert, settings};
use crate::domain::filter::{Filter, Needle, Test, Wanted};
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::run::{RecordResult, Word};
use crate::engine::command::{Command, Page, RecordKey, RetryScope, Scope};
use crate::engine::summary::Target;
use crate::engine::view::RunDetail;
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::modal::Modal;
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Follow, Loaded, PAGE, RunPane, Section};
use crate::tui::text::group;
use crate::tui::trouble::{self, Trouble};
use crate::tui::widget::list::{ListState, Step};
use crate::tui::widget::sheet::Sheet;

/// Asks for the list and for the run shown.
pub fn load(model: &mut Model) {
    let page = model.log.runs.page();
    let filter = model.log.filter.clone();
    let command = Command::Runs {
        pair: None,
        filter,
        page,
    };
    model.ask(Ask::Runs, command);
    load_run(model);
}

/// The run that is open, or under the cursor.
pub fn shown(model: &Model) -> Option<RunId> {
    model
        .log
        .open
        .or_else(|| model.log.runs.selected().map(|row| row.run.id))
}

/// Asks for the run shown.
pub fn load_run(model: &mut Model) {
    let Some(id) = shown(model) else {
        // What was shown before belongs to no row any more.
        if model.log.runs.is_empty() {
            model.log.detail = Loaded::Waiting;
        }
        return;
    };
    let offset = model.log.records.selected().saturating_sub(PAGE / 2);
    let page = Page {
        offset,
        limit: PAGE,
    };
    model.ask(Ask::Run(id), Command::Run { id, page });
}

/// The newest run that is known of.
pub(super) fn newest(model: &Model) -> Option<RunId> {
    let last = model.pairs().iter().filter_map(|pair| pair.last);
    last.map(|last| last.id).max()
}

/// Goes to the list by its number: as it was left, but at its top once something ran since then.
pub(super) fn visit(model: &mut Model) {
    if model.screen != Screen::Log && newest(model) > model.log.left_at {
        model.log.open = None;
        model.log.runs.list.select(0);
    }
    super::act::visit(model, Screen::Log);
}

/// Opens a run.
pub fn show(model: &mut Model, run: RunId) {
    open(model, run);
    go(model, Screen::Log);
}

/// Opens it where it stands; [`show`] goes there.
pub(super) fn open(model: &mut Model, run: RunId) {
    let log = &mut model.log;
    if log.detail.get().is_none_or(|d| d.run.id != run) {
        log.detail = Loaded::Waiting;
    }
    log.open = Some(run);
    log.pane = RunPane::Groups;
    log.groups = ListState::default();
    log.records = ListState::default();
    log.steps = ListState::default();
    log.marks.clear();
    log.range = None;
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    if model.log.open.is_some() {
        return act_run(model, action);
    }
    if let Some(step) = step_of(action) {
        model.log.follow = Follow::Off;
        let len = model.log.runs.len();
        model.log.runs.list.step(step, len);
        if model.log.runs.lacks_selected() {
            return load(model);
        }
        return load_run(model);
    }
    match action {
        Action::Open => {
            if let Some(run) = shown(model) {
                open(model, run);
                load_run(model);
            }
        }
        Action::Follow => {
            model.log.follow = Follow::On;
            model.log.runs.list.select(0);
            load(model);
        }
        Action::Retry => retry(model, RetryScope::All),
        Action::Revert => revert::begin(model),
        other => go_from_run(model, other),
    }
}

fn act_run(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        return move_in_run(model, step);
    }
    match action {
        Action::NextPane => model.log.pane = next(model.log.pane),
        Action::PreviousPane => model.log.pane = next(next(model.log.pane)),
        Action::ItemBefore => neighbour(model, Step::Up),
        Action::ItemAfter => neighbour(model, Step::Down),
        Action::Open => open_in_run(model),
        Action::Mark => {
            if let Some(record) = record(model).map(|r| r.app_id.clone()) {
                if !model.log.marks.remove(&record) {
                    model.log.marks.insert(record);
                }
                move_in_run(model, Step::Down);
            }
        }
        Action::MarkRange => mark_range(model),
        Action::MarkAll => mark_all(model),
        Action::Retry => {
            let scope = retry_scope(model);
            retry(model, scope);
        }
        Action::MatchAfter => find::step(model, Step::Down),
        Action::MatchBefore => find::step(model, Step::Up),
        Action::Revert => revert::begin(model),
        Action::CancelRun => overview::ask_cancel(model),
        Action::GoRecord => show_record(model),
        Action::GoConflicts => {
            if let Some(key) = record_key(model) {
                conflicts::show(model, key);
            }
        }
        other => go_from_run(model, other),
    }
}

fn go_from_run(model: &mut Model, action: Action) {
    let pair: Option<PairName> = model.log.detail.get().map(|d| d.run.pair.clone());
    match action {
        Action::GoMapping => show_mapping(model),
        Action::GoSettings => settings::show(model, Section::Schedule),
        Action::GoLog => {
            only(model, pair);
            model.log.open = None;
            load(model);
        }
        Action::Copy => {
            let text = model.log.detail.get().map(|d| report(d));
            copy_as(model, text, As::Lines);
        }
        _ => {}
    }
}

/// Goes to the mapping of the run: to the row that the error under the cursor is about, if it says
/// which.
fn show_mapping(model: &mut Model) {
    let Some(detail) = model.log.detail.get() else {
        return mapping::show(model, None, None);
    };
    let pair = detail.run.pair.clone();
    let of_code = |code: &str| {
        let failures = detail
            .records
            .rows
            .iter()
            .filter_map(|r| r.failure.as_ref());
        failures.into_iter().find(|f| f.code == code)
    };
    let (target, failure) = match (model.log.open, model.log.pane) {
        (None, _) | (_, RunPane::Steps) => (None, None),
        (_, RunPane::Records) => (None, record(model).and_then(|r| r.failure.as_ref())),
        (_, RunPane::Groups) => match Trouble::selected(model) {
            Some(Trouble::Whole(failure)) => (None, Some(failure)),
            Some(Trouble::Kind(group)) => (group.target.as_ref(), of_code(&group.code)),
            None => (None, None),
        },
    };
    match (target, failure) {
        (Some(Target::Mapping(pair, row)), _) => mapping::show(model, Some(pair.clone()), *row),
        (_, Some(failure)) => mapping::show_field(model, pair, failure.fields.clone()),
        _ => mapping::show(model, Some(pair), None),
    }
}

fn next(pane: RunPane) -> RunPane {
    match pane {
        RunPane::Groups => RunPane::Records,
        RunPane::Records => RunPane::Steps,
        RunPane::Steps => RunPane::Groups,
    }
}

fn move_in_run(model: &mut Model, step: Step) {
    let Some(detail) = model.log.detail.get() else {
        return;
    };
    let (groups, steps) = (Trouble::all(detail).len(), detail.steps.len());
    let records = usize::try_from(detail.records.total).unwrap_or(usize::MAX);
    let first = detail.records.offset;
    let here = first..first + detail.records.rows.len();
    match model.log.pane {
        RunPane::Groups => model.log.groups.step(step, groups),
        RunPane::Steps => model.log.steps.step(step, steps),
        RunPane::Records => {
            model.log.records.step(step, records);
            if !here.contains(&model.log.records.selected()) && records > 0 {
                load_run(model);
            }
        }
    }
}

/// The run before or after this one in the list.
fn neighbour(model: &mut Model, step: Step) {
    let (len, at) = (model.log.runs.len(), model.log.runs.list.selected());
    model.log.runs.list.step(step, len);
    if model.log.runs.list.selected() == at {
        return super::no_further(model, step);
    }
    if let Some(run) = model.log.runs.selected().map(|row| row.run.id) {
        open(model, run);
        load_run(model);
    }
}

fn open_in_run(model: &mut Model) {
    match model.log.pane {
        RunPane::Groups => match Trouble::selected(model) {
            Some(Trouble::Whole(_)) => show_cause(model),
            Some(Trouble::Kind(group)) => match group.target.clone() {
                Some(target) => overview::follow(model, &target),
                None => model.log.pane = RunPane::Records,
            },
            None => model.log.pane = RunPane::Records,
        },
        RunPane::Records => show_record(model),
        RunPane::Steps => {}
    }
}

/// Why the run failed as a whole, also where its pane has no room for all of it.
fn show_cause(model: &mut Model) {
    let Some(detail) = model.log.detail.get() else {
        return;
    };
    let Some(failure) = &detail.run.failure else {
        return;
    };
    let title = format!("Run {}: {}", detail.run.id, detail.title);
    let page = Sheet::new(title, trouble::told(model, detail, failure));
    model.modal = Some(Modal::Text(page));
}

/// Opens the record under the cursor, at the field its error names.
fn show_record(model: &mut Model) {
    let failure = record(model).and_then(|r| r.failure.as_ref());
    let fields = failure.map_or(Vec::new(), |f| f.fields.clone());
    if let Some(key) = record_key(model) {
        records::show_field(model, key, fields);
    }
}

/// The record under the cursor.
pub fn record(model: &Model) -> Option<&RecordResult> {
    let detail = model.log.detail.get()?;
    let at = model
        .log
        .records
        .selected()
        .checked_sub(detail.records.offset)?;
    detail.records.rows.get(at)
}

fn record_key(model: &Model) -> Option<RecordKey> {
    let pair = model.log.detail.get()?.run.pair.clone();
    record(model).map(|r| RecordKey {
        pair,
        app_id: r.app_id.clone(),
    })
}

/// The records between two presses, as far as they are here.
fn mark_range(model: &mut Model) {
    let at = model.log.records.selected();
    let Some(from) = model.log.range.take() else {
        model.log.range = Some(at);
        return;
    };
    let Some(records) = model.log.detail.get().map(|d| &d.records) else {
        return;
    };
    let (first, end) = (from.min(at), from.max(at) + 1);
    let here = records.rows.iter().enumerate();
    let here = here.filter(|(row, _)| (first..end).contains(&(records.offset + row)));
    let keys: Vec<AppId> = here.map(|(_, record)| record.app_id.clone()).collect();
    let left = (end - first).saturating_sub(keys.len());
    model.log.marks.extend(keys);
    if left > 0 {
        let rows = crate::tui::text::count(left as u64, "record", "records");
        let text = format!("{rows} of the range are not here and were not marked; v from there.");
        model.say(Word::Warn, text);
    }
}

/// Marks all records that failed; again: none.
fn mark_all(model: &mut Model) {
    if !model.log.marks.is_empty() {
        model.log.marks.clear();
        return;
    }
    let Some(detail) = model.log.detail.get() else {
        return;
    };
    let (id, records) = (detail.run.id, &detail.records);
    if records.rows.len() as u64 == records.total {
        model.log.marks = failed(detail).collect();
        return;
    }
    let page = Page {
        offset: 0,
        limit: MARKS,
    };
    model.ask(Ask::MarkFailed(id), Command::Run { id, page });
}

/// Records that failed in a run, as far as they are here.
pub fn failed(detail: &RunDetail) -> impl Iterator<Item = AppId> {
    let rows = detail.records.rows.iter();
    let failed = rows.filter(|record| record.failure.is_some());
    failed.map(|record| record.app_id.clone())
}

/// Marks what failed in the run, if it is still the one in front.
pub fn take_marks(model: &mut Model, run: RunId, detail: &RunDetail) {
    if shown(model) != Some(run) {
        return;
    }
    // Failed ones come first: only if the last one failed there may be more.
    let last = detail.records.rows.last();
    let cut = (detail.records.rows.len() as u64) < detail.records.total;
    if cut && last.is_some_and(|record| record.failure.is_some()) {
        let most = group(detail.records.rows.len() as u64);
        model.say(
            Word::Info,
            format!("{most} are marked: more are not at once; r on a group tries all of it."),
        );
    }
    model.log.marks = failed(detail).collect();
}

/// Marked records; else what the cursor is on.
fn retry_scope(model: &Model) -> RetryScope {
    if !model.log.marks.is_empty() {
        return RetryScope::Records(model.log.marks.iter().cloned().collect());
    }
    match model.log.pane {
        RunPane::Groups => match Trouble::selected(model) {
            Some(Trouble::Kind(group)) => RetryScope::Code(group.code.clone()),
            Some(Trouble::Whole(_)) | None => RetryScope::All,
        },
        RunPane::Records => match record(model) {
            Some(record) => RetryScope::Records(vec![record.app_id.clone()]),
            None => RetryScope::All,
        },
        RunPane::Steps => RetryScope::All,
    }
}

fn retry(model: &mut Model, scope: RetryScope) {
    let Some(run) = shown(model) else { return };
    let whole = model.log.detail.get();
    let whole = whole.filter(|d| d.groups.is_empty() && off::did_not_end(&d.run));
    if let Some((pair, title)) = whole.map(|d| (d.run.pair.clone(), d.title.clone())) {
        return overview::start(model, Scope::Pair(pair), &title);
    }
    let what = match &scope {
        RetryScope::All => "all failed records".to_owned(),
        RetryScope::Code(code) => format!("the records with {code}"),
        RetryScope::Records(records) => {
            crate::tui::text::count(records.len() as u64, "record", "records")
        }
    };
    model.log.marks.clear();
    model.ask(
        Ask::Start(format!("Trying {what} of run {run} again")),
        Command::Retry { run, scope },
    );
}

/// Puts a filter into force; one that is not understood leaves the list as it is.
pub fn set_filter(model: &mut Model, text: String) {
    let Some(text) = complete::understood(model, &text) else {
        return;
    };
    model.log.filter = text;
    model.log.follow = Follow::Off;
    model.log.runs.list.select(0);
    load(model);
}

/// Goes to the runs of a pair, or of all.
pub fn show_pair(model: &mut Model, pair: Option<PairName>) {
    only(model, pair);
    model.log.open = None;
    go(model, Screen::Log);
}

/// Only the runs of a pair, or of all.
fn only(model: &mut Model, pair: Option<PairName>) {
    model.log.filter = pair.map_or(String::new(), |pair| {
        let wanted = vec![Wanted::Text(Needle::new(pair.as_str()))];
        let (name, test) = ("pair".to_owned(), Test::Is(wanted));
        Filter::Field { name, test }.to_string()
    });
    model.log.runs.list.select(0);
}

/// A run in plain text, for a ticket.
fn report(detail: &RunDetail) -> String {
    let mut out = format!(
        "run {} {} {}\n",
        detail.run.id,
        detail.title,
        detail.run.word()
    );
    for held in &detail.holds {
        let way_out = held.way_out(&detail.run.pair);
        out.push_str(&format!("{held}\n  to allow it: {way_out}\n"));
    }
    if let Some(failure) = &detail.run.failure {
        out.push_str(&format!(
            "{}: {}\n  why: {}\n  fix: {}\n",
            failure.code, failure.what, failure.why, failure.fix
        ));
    }
    for group in &detail.groups {
        out.push_str(&format!(
            "{} ({}): {}\n  why: {}\n  fix: {}\n",
            group.code,
            crate::tui::text::count(group.records, "record", "records"),
            group.what,
            group.why,
            group.fix
        ));
    }
    out
}
