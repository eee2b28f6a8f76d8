//! What a rule would decide: the open conflicts of the fields of a record, counted over its pair.
//!
//! Reads only. What goes by time is told by the times of the record as it is stored, with the
//! function that decides when it is compared. Invariant: however many conflicts are open, it opens
//! no more than those of [`LOOKED_AT`] records.

use jiff::Timestamp;

use crate::domain::by_time::ByTime;
use crate::domain::conflict::{Conflict, Kind, State as Standing};
use crate::domain::id::RowId;
use crate::domain::mapping::{Flow, Pair};
use crate::domain::reconcile::{Clocks, is_blank};
use crate::domain::record::AppRecord;
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::engine::by_row;
use crate::engine::conflicts::app_origin;
use crate::engine::cx::RunCx;
use crate::engine::state::State;
use crate::engine::tables::OPEN_CONFLICTS;
use crate::engine::view::{ByTimes, RowRules};
use crate::error::Result;
use crate::store::keys::Key;

/// Records whose conflicts are looked at.
const LOOKED_AT: usize = 500;

/// By which clocks the rules that go by time are counted.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Times<'a> {
    /// The pair as a run would see it.
    pub cx: &'a RunCx,
    /// Now.
    pub now: Timestamp,
}

/// What rules would decide in these rows of a pair; nothing for rows that need no rule. Without
/// times those that go by them are not counted.
///
/// # Errors
/// When the store fails.
pub(in crate::engine) fn rules(
    state: &State,
    pair: &Pair,
    rows: impl Iterator<Item = RowId>,
    times: Option<Times<'_>>,
) -> Result<Vec<RowRules>> {
    let times = times.filter(|times| times.cx.clocks(state, None, times.now).ahead.is_some());
    let open = by_row::read(state.store())?;
    let rules = rows.filter_map(|id| {
        let row = pair.row(id).filter(|row| row.flow == Flow::Both)?;
        let open = open.get(&(pair.name.clone(), Some(id))).copied()?;
        Some(RowRules {
            row: id,
            label: row.label(Side::App),
            open,
            looked_at: 0,
            one_side: 0,
            filled: 0,
            by_time: times.map(|_| ByTimes::default()),
        })
    });
    let mut rules: Vec<RowRules> = rules.collect();
    if rules.is_empty() {
        return Ok(rules);
    }
    let prefix = Key::new().text(pair.name.as_str());
    for ids in state.store().scan(&OPEN_CONFLICTS, &prefix).take(LOOKED_AT) {
        let mut by_clock = None;
        for id in ids?.1 {
            let Some(conflict) = state.conflict(id)? else {
                continue;
            };
            let of = rules.iter_mut().find(|r| Some(r.row) == conflict.row);
            let Some(rules) = of else { continue };
            if !count(rules, &conflict) {
                continue;
            }
            if let (Some(times), Some(by_time)) = (times, &mut rules.by_time) {
                if by_clock.is_none() {
                    by_clock = Some(Record::read(state, times, pair, &conflict)?);
                }
                let by = by_clock
                    .as_ref()
                    .and_then(|record| record.by_time(times, &conflict));
                by_time.or_a_side += u64::from(by.is_some());
                by_time.newest += u64::from(by.and_then(|by| by.winner()).is_some());
            }
        }
    }
    Ok(rules)
}

/// A record with its clocks.
struct Record {
    app: Option<AppRecord>,
    clocks: Clocks,
}

impl Record {
    fn read(state: &State, times: Times<'_>, pair: &Pair, conflict: &Conflict) -> Result<Self> {
        let link = state.link(&conflict.pair, &conflict.app_id)?;
        let seen = link.as_ref().and_then(|link| link.seen.as_ref());
        Ok(Self {
            app: state.app_record(&pair.table, &conflict.app_id)?,
            clocks: times.cx.clocks(state, seen, times.now),
        })
    }

    /// When both values of the row came about, as the engine sees it.
    fn by_time(&self, times: Times<'_>, conflict: &Conflict) -> Option<ByTime> {
        let mut rows = times.cx.pair.rows.iter();
        let row = rows.find(|row| Some(row.row.id) == conflict.row)?;
        ByTime::of(&self.clocks, app_origin(row, self.app.as_ref()).at)
    }
}

/// Counts it, and says whether a rule may decide it at all.
fn count(rules: &mut RowRules, conflict: &Conflict) -> bool {
    rules.looked_at += 1;
    // At a first link the pair says who wins, not the row; the other kinds always ask.
    // What a person decided stays so, whatever the rule.
    let by_rule = conflict.kind == Kind::Field
        && conflict.state != Standing::Resolving
        && conflict.staged.is_none();
    if !by_rule {
        return false;
    }
    rules.one_side += 1;
    let blank = |cell: &Option<Cell>| cell.as_deref().is_some_and(is_blank);
    rules.filled += u64::from(blank(&conflict.app) != blank(&conflict.crm));
    true
}
