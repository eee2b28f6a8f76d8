//! Runs, newest first, and one run with its errors grouped by cause.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::domain::filter::{Filter, Subject};
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::mapping::Pair;
use crate::domain::run::{Cause, Failure, LogLine, RecordResult, ResultKind, Run, run_rows};
use crate::domain::transform::Side;
use crate::engine::brake;
use crate::engine::command::Page;
use crate::engine::mappings;
use crate::engine::state::State;
use crate::engine::summary::Target;
use crate::engine::tables::{QUARANTINE, RESULTS, RUNS, STEPS, record_key};
use crate::engine::tx::result_order;
use crate::engine::view::{ErrorGroup, Part, RunDetail, RunRow};
use crate::error::{Error, Kind, Result};
use crate::store::keys::{Key, Parts};

/// Steps of a run that are shown: its latest.
const STEPS_SHOWN: usize = 500;

/// Runs, newest first; of all pairs or of one, and of these those that a filter takes.
///
/// # Errors
/// [`Kind::Usage`] when nothing is known of such a pair, or the filter is not understood; when the
/// store fails.
pub fn runs(
    state: &State,
    pair: Option<&PairName>,
    filter: &str,
    page: Page,
    now: Timestamp,
) -> Result<Part<RunRow>> {
    let filter = run_rows()
        .read(filter)
        .map_err(|why| Error::new(Kind::Usage, format!("the filter was not understood: {why}")))?;
    let mut titles = Titles::default();
    let (found, total) = match (pair, &filter) {
        (None, Filter::All) => all(state, page)?,
        (pair, filter) => these(state, page, |run| {
            if pair.is_some_and(|pair| run.pair != *pair) {
                return Ok(false);
            }
            let title = titles.of(state, &run.pair)?;
            Ok(takes(filter, run, &title, now))
        })?,
    };
    if let (Some(pair), 0) = (pair, total) {
        mappings::pair(state, pair)?;
    }
    let oldest = found.iter().map(|run| run.id).min();
    let back = match oldest {
        Some(oldest) => taken_back(state, oldest)?,
        None => HashMap::new(),
    };
    let mut rows = Vec::with_capacity(found.len());
    for run in found {
        rows.push(RunRow {
            title: titles.of(state, &run.pair)?,
            taken_back: back.get(&run.id).copied(),
            run,
        });
    }
    Ok(Part {
        rows,
        offset: page.offset,
        total,
    })
}

/// Runs from this one on whose writes were taken back, each with the latest run that did: that one
/// names it, and came after it.
fn taken_back(state: &State, oldest: RunId) -> Result<HashMap<RunId, RunId>> {
    let mut back = HashMap::new();
    for row in state.store().scan(&RUNS, &[]).rev() {
        let (_, run) = row?;
        if run.id <= oldest {
            break;
        }
        if let Cause::Undo(target) = run.cause
            && run.counts.pulled + run.counts.pushed > 0
        {
            back.entry(target).or_insert(run.id);
        }
    }
    Ok(back)
}

fn all(state: &State, page: Page) -> Result<(Vec<Run>, u64)> {
    let mut found = Vec::new();
    let mut total = 0;
    for (at, key) in state.store().keys(&RUNS, &[]).rev().enumerate() {
        let key = key?;
        total += 1;
        if at >= page.offset && found.len() < page.limit {
            found.extend(state.store().get(&RUNS, &key)?);
        }
    }
    Ok((found, total))
}

fn takes(filter: &Filter, run: &Run, title: &str, now: Timestamp) -> bool {
    let id = run.id.to_string();
    let failure = run.failure.as_ref();
    let columns = [
        id.as_str(),
        title,
        run.pair.as_str(),
        failure.map_or("", |f| f.code.as_str()),
        failure.map_or("", |f| f.what.as_str()),
    ];
    filter.matches(&Subject {
        field: &|name| run.field(name, title),
        state: run.word(),
        columns: &columns,
        changed: Some(run.started_at),
        marked: false,
        now,
    })
}

fn these(
    state: &State,
    page: Page,
    mut takes: impl FnMut(&Run) -> Result<bool>,
) -> Result<(Vec<Run>, u64)> {
    let mut found = Vec::new();
    let mut total = 0;
    for row in state.store().scan(&RUNS, &[]).rev() {
        let (_, run) = row?;
        if !takes(&run)? {
            continue;
        }
        if total >= page.offset && found.len() < page.limit {
            found.push(run);
        }
        total += 1;
    }
    Ok((found, total as u64))
}

/// One run: errors by kind, a part of its records (failed first), and its steps.
///
/// # Errors
/// [`Kind::Usage`] when there is no such run; when the store fails.
pub fn run(state: &State, id: RunId, page: Page) -> Result<RunDetail> {
    let run = one(state, id)?;
    let pair = state.pair(&run.pair)?;
    let title = pair
        .as_ref()
        .map_or_else(|| run.pair.to_string(), Pair::title_line);
    let records = records(state, id, page)?;
    Ok(RunDetail {
        title,
        taken_back: taken_back(state, id)?.get(&id).copied(),
        holds: brake::left_by(state, id)?,
        groups: groups(state, &run, pair.as_ref())?,
        held: held(state, &run.pair, &records.rows)?,
        records,
        steps: steps(state, id)?,
        run,
    })
}

/// A run by its number.
///
/// # Errors
/// [`Kind::Usage`] when there is none, with the newest there is; when the store fails.
pub fn one(state: &State, id: RunId) -> Result<Run> {
    if let Some(run) = state.run(id)? {
        return Ok(run);
    }
    let error = Error::new(Kind::Usage, format!("there is no run {id}"));
    Err(match state.store().last(&RUNS, &[])? {
        Some((_, newest)) => error.hint(format!(
            "the newest is run {}; `syncdeck runs` lists them",
            newest.id
        )),
        None => error.hint("nothing was run yet: `syncdeck sync` does"),
    })
}

fn records(state: &State, id: RunId, page: Page) -> Result<Part<RecordResult>> {
    let prefix = Key::new().number(id.0);
    let mut rows = Vec::new();
    let mut total = 0;
    for (at, key) in state.store().keys(&RESULTS, &prefix).enumerate() {
        let key = key?;
        total += 1;
        if at >= page.offset && rows.len() < page.limit {
            rows.extend(state.store().get(&RESULTS, &key)?);
        }
    }
    Ok(Part {
        rows,
        offset: page.offset,
        total,
    })
}

/// Those that are in quarantine now.
fn held(state: &State, pair: &PairName, rows: &[RecordResult]) -> Result<BTreeSet<AppId>> {
    let mut held = BTreeSet::new();
    for row in rows.iter().filter(|row| row.failure.is_some()) {
        let key = record_key(pair, &row.app_id);
        if state.store().contains(&QUARANTINE, &key)? {
            held.insert(row.app_id.clone());
        }
    }
    Ok(held)
}

fn steps(state: &State, id: RunId) -> Result<Vec<LogLine>> {
    let prefix = Key::new().number(id.0);
    let latest = state.store().scan(&STEPS, &prefix).rev().take(STEPS_SHOWN);
    let mut steps = latest
        .map(|row| row.map(|(_, line)| line))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    steps.reverse();
    Ok(steps)
}

struct Group {
    first: Failure,
    records: u64,
    waits: bool,
}

/// Errors by code, most first.
fn groups(state: &State, run: &Run, pair: Option<&Pair>) -> Result<Vec<ErrorGroup>> {
    let mut by_code: BTreeMap<String, Group> = BTreeMap::new();
    let prefix = Key::new()
        .number(run.id.0)
        .number(result_order(ResultKind::Quarantined));
    for row in state.store().scan(&RESULTS, &prefix) {
        let (key, result) = row?;
        let Some(failure) = result.failure else {
            continue;
        };
        let group = by_code.entry(failure.code.clone()).or_insert(Group {
            first: failure,
            records: 0,
            waits: false,
        });
        group.records += 1;
        // One record that still fails is enough to make a retry worth while.
        if !group.waits {
            group.waits = still_fails(state, &run.pair, &key)?;
        }
    }
    let mut groups: Vec<ErrorGroup> = by_code
        .into_values()
        .map(|group| ErrorGroup {
            target: target(pair, &group.first),
            code: group.first.code,
            records: group.records,
            what: group.first.what,
            why: group.first.why,
            fix: group.first.fix,
            request: group.first.request,
            retry: group.waits,
        })
        .collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.records));
    Ok(groups)
}

fn still_fails(state: &State, pair: &PairName, key: &[u8]) -> Result<bool> {
    let mut parts = Parts::of(key);
    let id = parts
        .number()
        .and_then(|_| parts.number())
        .and_then(|_| parts.text());
    let Ok(id) = id else {
        return Ok(false);
    };
    let key = record_key(pair, &AppId::new(id));
    Ok(state.store().contains(&QUARANTINE, &key)?)
}

/// Where the cause can be looked at: the mapping row of the field, or the sign-in.
fn target(pair: Option<&Pair>, failure: &Failure) -> Option<Target> {
    if matches!(
        failure.code.as_str(),
        "INVALID_SESSION_ID" | "invalid_grant"
    ) {
        return Some(Target::SignIn);
    }
    let pair = pair?;
    let row = pair.rows.iter().find(|row| {
        failure
            .fields
            .iter()
            .any(|name| row.crm.iter().any(|f| f.as_str() == name) || row.label(Side::App) == *name)
    })?;
    Some(Target::Mapping(pair.name.clone(), Some(row.id)))
}

/// Titles of pairs, each read once.
#[derive(Default)]
struct Titles(HashMap<PairName, String>);

impl Titles {
    fn of(&mut self, state: &State, name: &PairName) -> Result<String> {
        if let Some(title) = self.0.get(name) {
            return Ok(title.clone());
        }
        let pair = state.pair(name)?;
        let title = pair.map_or_else(|| name.to_string(), |p| p.title_line());
        self.0.insert(name.clone(), title.clone());
        Ok(title)
    }
}
