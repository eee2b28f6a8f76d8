//! How many fields of a pair are held since runs were taken back, for the first screen and `status`.
//!
//! Reads only. Counted anew only once a run of the pair began or ended, or a person ended a hold; what
//! somebody edits in between counts from the next run on. Invariant: however much was taken back, a
//! count opens no more than [`LOOKED_AT`] writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use jiff::Timestamp;

use super::held::Look;
use super::written::Touched;
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::run::{Cause, Run, RunState};
use crate::engine::command::RecordKey;
use crate::engine::cx::Settings;
use crate::engine::decisions::Desks;
use crate::engine::state::{State, lock};
use crate::engine::tables::{RUNS, WRITTEN};
use crate::error::{Kind, Result};
use crate::store::keys::Key;

/// Runs looked through for those that took back.
const RUNS_BACK: usize = 500;
/// Parts of what they wrote that are opened, at most.
const LOOKED_AT: usize = 200;

/// Fields of a pair that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// How many were found.
    pub fields: u64,
    /// Whether all were looked at.
    pub seen: Seen,
}

/// How much of what was taken back was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// All of it.
    All,
    /// Only a part: there may be more.
    Part,
}

/// What was counted last.
#[derive(Debug, Default)]
pub struct Holdings(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// Each with the run of its pair that it was counted after.
    pairs: HashMap<PairName, (RunId, RunState, Option<Holding>)>,
    /// How often it was forgotten: a count that was begun before that is not kept.
    forgotten: u64,
}

impl Holdings {
    /// Everything is counted anew.
    pub(super) fn forget(&self) {
        let mut counted = lock(&self.0);
        counted.pairs.clear();
        counted.forgotten += 1;
    }
}

/// What is held of a pair since its last run; none when nothing is.
///
/// # Errors
/// When the store cannot be read.
pub fn holding(
    state: &State,
    settings: &Settings,
    last: &Run,
    now: Timestamp,
) -> Result<Option<Holding>> {
    let (known, forgotten) = {
        let counted = lock(&state.holdings().0);
        (counted.pairs.get(&last.pair).copied(), counted.forgotten)
    };
    if let Some((id, so, found)) = known
        && (id, so) == (last.id, last.state)
    {
        return Ok(found);
    }
    let found = match count(state, settings, &last.pair, now) {
        // Its object is not described yet: nothing was written, or taken back.
        Err(error) if error.kind() == Kind::Refused => None,
        found => found?,
    };
    let mut counted = lock(&state.holdings().0);
    if counted.forgotten == forgotten {
        let known = (last.id, last.state, found);
        counted.pairs.insert(last.pair.clone(), known);
    }
    Ok(found)
}

fn count(
    state: &State,
    settings: &Settings,
    pair: &PairName,
    now: Timestamp,
) -> Result<Option<Holding>> {
    let mut desks = Desks::new(state, settings);
    let mut found: Option<Holding> = None;
    let (mut left, mut seen) = (LOOKED_AT, Seen::All);
    for row in state.store().scan(&RUNS, &[]).rev().take(RUNS_BACK) {
        let (_, run) = row?;
        let Cause::Undo(undone) = run.cause else {
            continue;
        };
        if run.pair != *pair {
            continue;
        }
        let mut touched: BTreeMap<AppId, Touched> = BTreeMap::new();
        let prefix = Key::new().number(run.id.0);
        for part in state.store().scan(&WRITTEN, &prefix) {
            if left == 0 {
                seen = Seen::Part;
                break;
            }
            left -= 1;
            for written in part?.1 {
                let of = touched.entry(written.app_id.clone()).or_default();
                of.add(written);
            }
        }
        let look = Look {
            state,
            cx: &desks.get(pair)?.cx,
            now,
        };
        for (app_id, touched) in touched {
            let pair = pair.clone();
            let key = RecordKey { pair, app_id };
            let fields = look.held(&key, &touched, run.id, undone)?.len() as u64;
            if fields > 0 {
                let first = Holding { fields: 0, seen };
                found.get_or_insert(first).fields += fields;
            }
        }
    }
    Ok(found.map(|found| Holding { seen, ..found }))
}
