//! Builds the summary from what is stored and what works now.
//!
//! Reads only, blocking. Invariant: its cost does not grow with the number of records.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::crm::OrgKind;
use crate::domain::id::{PairName, RunId};
use crate::domain::mapping::Pair;
use crate::domain::mass::Held;
use crate::domain::run::{Run, RunState, Word};
use crate::error::Result;

use super::attention::{self, Known};
use super::brake;
use super::cx::Settings;
use super::mappings;
use super::state::State;
use super::summary::{Access, ConnectionRow, Env, LastRun, Next, PairRow, Progress, Summary};
use super::tables::{RUNS, Switches};
use super::{records, restored, schedules, undo};

/// Log lines a summary holds.
const LOG_LINES: usize = 40;
/// Runs looked through for the last one of each pair.
const RUNS_BACK: usize = 500;

/// What is true now and not stored.
#[derive(Debug, Clone)]
pub struct Live {
    /// Profile.
    pub profile: String,
    /// Writes or not.
    pub access: Access,
    /// What runs.
    pub running: Option<Progress>,
    /// Pairs whose run waits for its turn.
    pub queued: Vec<PairName>,
    /// Connections.
    pub connections: Vec<ConnectionRow>,
    /// By how much the org's clock is ahead of ours, if it is too much.
    pub clock_fault: Option<SignedDuration>,
    /// Bytes of the store on disk.
    pub store_bytes: u64,
}

/// Builds it.
///
/// # Errors
/// When the store cannot be read.
pub fn build(state: &State, settings: &Settings, live: Live, now: Timestamp) -> Result<Summary> {
    let pairs = state.pairs()?;
    let switches = state.switches()?;
    let runs = Runs::read(state, pairs.len())?;
    let last = &runs.last;
    let held = held(state, &pairs)?;
    let rows: Vec<PairRow> = pairs
        .iter()
        .map(|pair| {
            let mut row = row(state, pair, &live, &switches, last.get(&pair.name), now);
            row.rests = restored::rests(state, &pair.name)?;
            let is_held = held.iter().any(|(name, _)| *name == pair.name);
            if is_held && !matches!(row.word, Word::Run | Word::Wait | Word::Fail) {
                row.word = Word::Hold;
            }
            Ok(row)
        })
        .collect::<Result<_>>()?;
    let connection = state.connection()?;
    let (open_conflicts, staged) = pairs.iter().fold((0, 0), |(open, staged), pair| {
        let c = state.counters(&pair.name);
        (open + unsigned(c.conflicts), staged + unsigned(c.staged))
    });
    let mut drafts = Vec::new();
    for pair in &pairs {
        if mappings::has_draft(state, pair)? {
            drafts.push(&pair.name);
        }
    }
    let paused = switches.paused;
    let mut summary = Summary {
        profile: live.profile,
        env: connection.identity.map(|identity| match identity.org_kind {
            OrgKind::Production => Env::Production,
            OrgKind::Sandbox => Env::Sandbox,
        }),
        access: live.access,
        at: now,
        connections: live.connections,
        pairs: rows,
        running: live.running,
        paused,
        attention: Vec::new(),
        log: state.log_tail(LOG_LINES)?,
        open_conflicts,
        staged,
        edits: records::staged::count(state)?,
        schedules: schedules::staged::count(state)?,
        drafts: drafts.len() as u64,
        hours: state
            .index()
            .days(|days| days.hours(now))
            .unwrap_or_default(),
        store_bytes: live.store_bytes,
    };
    let mut holds = Vec::new();
    for pair in &pairs {
        if let Some(last) = last.get(&pair.name)
            && let Some(found) = undo::holding(state, settings, last, now)?
        {
            holds.push((pair.name.clone(), found));
        }
    }
    let known = Known {
        state,
        pairs: &pairs,
        switches: &switches,
        runs: &runs,
        held: &held,
        holds: &holds,
        drafts: &drafts,
        clock_fault: live.clock_fault,
        now,
    };
    summary.attention = attention::list(known, &summary)?;
    Ok(summary)
}

/// Writes that wait because they are very many, and that nobody allowed.
fn held(state: &State, pairs: &[Pair]) -> Result<Vec<(PairName, Held)>> {
    let mut all = Vec::new();
    for pair in pairs {
        let held = brake::held(state, &pair.name)?;
        let waiting = held.into_iter().filter(|held| !held.is_allowed());
        all.extend(waiting.map(|held| (pair.name.clone(), held)));
    }
    Ok(all)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// The newest run of each pair, and the newest in which records were refused.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) last: HashMap<PairName, Run>,
    pub(super) refused: HashMap<PairName, RunId>,
}

impl Runs {
    fn read(state: &State, pairs: usize) -> Result<Self> {
        let mut runs = Self::default();
        for run in state.store().scan(&RUNS, &[]).rev().take(RUNS_BACK) {
            let (_, run) = run?;
            if run.counts.failed > 0 {
                runs.refused.entry(run.pair.clone()).or_insert(run.id);
            }
            if run.state != RunState::Queued {
                runs.last.entry(run.pair.clone()).or_insert(run);
            }
            if runs.last.len() == pairs && runs.refused.len() == pairs {
                break;
            }
        }
        Ok(runs)
    }
}

fn row(
    state: &State,
    pair: &Pair,
    live: &Live,
    switches: &Switches,
    last: Option<&Run>,
    now: Timestamp,
) -> PairRow {
    let counters = state.counters(&pair.name);
    let running = live.running.as_ref().filter(|p| p.pair == pair.name);
    let next = if running.is_some() {
        Next::Now
    } else if live.queued.contains(&pair.name) {
        Next::Queued
    } else if switches.paused {
        Next::Paused
    } else {
        next_by_schedule(pair, switches, now).map_or(Next::Manual, Next::At)
    };
    let word = if running.is_some() {
        Word::Run
    } else if live.queued.contains(&pair.name) {
        Word::Wait
    } else if last.is_some_and(|run| run.state == RunState::Failed) || counters.quarantined > 0 {
        Word::Fail
    } else if counters.conflicts > 0 {
        Word::Conf
    } else {
        last.map_or(Word::None, Run::word)
    };
    PairRow {
        name: pair.name.clone(),
        title: pair.title_line(),
        word,
        last: last.map(|run| LastRun {
            id: run.id,
            at: run.started_at,
            took: run
                .ended_at
                .map(|end| seconds(end.duration_since(run.started_at))),
            state: run.state,
            counts: run.counts,
        }),
        open_conflicts: unsigned(counters.conflicts),
        failing: unsigned(counters.quarantined),
        records: unsigned(counters.records),
        waiting: unsigned(counters.waiting),
        rests: None,
        next,
    }
}

fn seconds(time: SignedDuration) -> u64 {
    u64::try_from(time.as_secs()).unwrap_or(0)
}

/// When the schedule starts a pair next; the past means at once.
fn next_by_schedule(pair: &Pair, switches: &Switches, now: Timestamp) -> Option<Timestamp> {
    pair.schedule.next(switches.mark(&pair.name).unwrap_or(now))
}
