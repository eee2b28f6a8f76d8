//! Builds the summary from what is stored and what works now.
//!
//! Reads only, blocking, and cheap: its cost does not grow with the number of records.
//! Invariant: what is worst comes first among the things that need a person.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::crm::OrgKind;
use crate::domain::id::{PairName, RunId};
use crate::domain::mapping::Pair;
use crate::domain::run::{Run, RunState, Word};
use crate::domain::text::some;
use crate::error::Result;

use super::brake;
use super::mappings;
use super::state::State;
use super::summary::{
    Access, Attention, ConnectionRow, Env, LastRun, Next, PairRow, Progress, Summary, Target,
};
use super::tables::{RUNS, Switches};

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
pub fn build(state: &State, live: Live, now: Timestamp) -> Result<Summary> {
    let pairs = state.pairs()?;
    let switches = state.switches()?;
    let runs = Runs::read(state, pairs.len())?;
    let last = &runs.last;
    let rows: Vec<PairRow> = pairs
        .iter()
        .map(|pair| row(state, pair, &live, &switches, last.get(&pair.name), now))
        .collect();
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
        drafts: drafts.len() as u64,
        store_bytes: live.store_bytes,
    };
    summary.attention = attention(&summary, &runs);
    summary.attention.extend(live.clock_fault.map(clock));
    summary.attention.extend(stuck(&pairs, &switches, now));
    summary
        .attention
        .extend(drafts.into_iter().map(|pair| Attention {
            word: Word::Ready,
            text: format!("{pair}: changes of the mapping are staged and not saved"),
            hint: "save".to_owned(),
            target: Target::Mapping(pair.clone(), None),
        }));
    for pair in &pairs {
        let held = brake::held(state, &pair.name)?;
        for held in held.into_iter().filter(|held| !held.is_allowed()) {
            summary.attention.push(Attention {
                word: Word::Hold,
                text: format!("{}: {held}", pair.name),
                hint: "decide".to_owned(),
                target: Target::Held(pair.name.clone(), Box::new(held)),
            });
        }
    }
    Ok(summary)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// The newest run of each pair, and the newest in which records were refused.
#[derive(Debug, Default)]
struct Runs {
    last: HashMap<PairName, Run>,
    refused: HashMap<PairName, RunId>,
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
            word: run.word(),
            counts: run.counts,
        }),
        open_conflicts: unsigned(counters.conflicts),
        failing: unsigned(counters.quarantined),
        records: unsigned(counters.records),
        waiting: unsigned(counters.waiting),
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

/// Schedules that start nothing although they say when.
fn stuck(pairs: &[Pair], switches: &Switches, now: Timestamp) -> impl Iterator<Item = Attention> {
    pairs.iter().filter_map(move |pair| {
        let mark = switches.mark(&pair.name)?;
        let why = pair.schedule.stuck(mark, now)?;
        Some(Attention {
            word: Word::Warn,
            text: format!("{}: {why}", pair.name),
            hint: "see settings".to_owned(),
            target: Target::Settings,
        })
    })
}

/// A clock that is wrong makes sign-ins fail in ways that nobody can guess.
fn clock(ahead: SignedDuration) -> Attention {
    let minutes = some(ahead.abs().as_mins().unsigned_abs(), "minute", "minutes");
    let how = match ahead.is_positive() {
        true => "behind",
        false => "ahead of",
    };
    Attention {
        word: Word::Warn,
        text: format!(
            "the clock of this machine is {minutes} {how} that of Salesforce: sign-ins fail by it"
        ),
        hint: "see settings".to_owned(),
        target: Target::Settings,
    }
}

fn attention(summary: &Summary, runs: &Runs) -> Vec<Attention> {
    let mut all = Vec::new();
    let item = |word, text: String, hint: &str, target| Attention {
        word,
        text,
        hint: hint.to_owned(),
        target,
    };
    for connection in &summary.connections {
        if let Some(trouble) = &connection.trouble {
            let text = format!("{}: {}", connection.system, trouble.what);
            all.push(item(connection.word, text, "sign in", Target::SignIn));
        } else if connection.word == Word::None {
            let text = format!("{}: nobody is signed in", connection.system);
            all.push(item(Word::Warn, text, "sign in", Target::SignIn));
        }
    }
    for pair in &summary.pairs {
        let Some(run) = runs.last.get(&pair.name) else {
            continue;
        };
        if run.state == RunState::Failed {
            let what = run.failure.as_ref().map_or("", |f| f.what.as_str());
            let text = format!("{}: the last run failed: {what}", pair.name);
            all.push(item(Word::Fail, text, "see why", Target::Run(run.id)));
        } else if run.state == RunState::PutOff {
            let what = run.failure.as_ref().map_or("", |f| f.what.as_str());
            let text = format!("{}: the last run was put off: {what}", pair.name);
            all.push(item(Word::Wait, text, "see why", Target::Run(run.id)));
        } else if run.state == RunState::Interrupted {
            let text = format!("{}: the last run was interrupted; sync goes on", pair.name);
            all.push(item(Word::Warn, text, "see run", Target::Run(run.id)));
        }
        if pair.failing > 0 {
            let records = some(pair.failing, "record is", "records are");
            let text = format!("{}: {records} refused", pair.name);
            let run = runs.refused.get(&pair.name).copied().unwrap_or(run.id);
            all.push(item(Word::Fail, text, "see errors", Target::Run(run)));
        }
    }
    if summary.open_conflicts > 0 {
        let records = some(summary.open_conflicts, "record", "records");
        let text = format!("{records} changed on both sides");
        all.push(item(Word::Conf, text, "decide", Target::Conflicts));
    }
    if summary.staged > 0 {
        let decisions = some(summary.staged, "decision is", "decisions are");
        let text = format!("{decisions} made and not written");
        all.push(item(Word::Ready, text, "write", Target::Conflicts));
    }
    if summary.paused {
        let text = "paused: nothing starts by schedule".to_owned();
        all.push(item(Word::Hold, text, "resume", Target::Settings));
    }
    all
}
