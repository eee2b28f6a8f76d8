//! The dashboard: totals, pipeline, breakdowns and trends, from the index and the counters.
//!
//! Opens no record. Its cost grows with pairs, values and days, not with records.

use jiff::Timestamp;

use crate::domain::id::ObjectName;
use crate::domain::mapping::Pair;
use crate::domain::value::Value;
use crate::engine::index::{Day, Extent, Shard, Tally, day_of};
use crate::engine::state::State;
use crate::engine::view::{
    Breakdown, BusinessView, Counted, DayRow, ObjectRow, Pipeline, Rest, Slice,
};
use crate::error::Result;

/// Weeks of new records.
const WEEKS: u16 = 12;
/// Days of runs.
const DAYS: u16 = 28;
/// Values of a breakdown; the rest is added up.
const SLICES: usize = 12;

/// Adds it up.
///
/// # Errors
/// When the pairs cannot be read.
pub fn business(state: &State, now: Timestamp) -> Result<BusinessView> {
    let pairs = state.pairs()?;
    let mut view = BusinessView {
        at: now,
        counted: counted(state, &pairs),
        objects: Vec::new(),
        pipeline: None,
        breakdowns: Vec::new(),
        days: Vec::new(),
    };
    let today = day_of(now);
    for pair in &pairs {
        view.objects.push(object(state, pair, today));
        state.index().look(&pair.name, |shard| {
            let stage = |by: &str| pair.object.as_str() == "Opportunity" && by == "stage";
            for (coded, column) in shard.layout.coded.iter().zip(shard.codes.columns()) {
                let Some(by) = coded.counted else { continue };
                if stage(by) {
                    view.pipeline = Some(pipeline(column.tallies()));
                }
                let worth = shard
                    .layout
                    .amount
                    .as_ref()
                    .map_or(Worth::Unknown, |_| Worth::Known);
                let all = column.tallies().map(|(value, tally)| (label(value), tally));
                let others = ("(others)".to_owned(), column.others());
                let slices = slices(all.chain([others]), worth);
                view.breakdowns.extend(breakdown(&pair.object, by, slices));
            }
        });
    }
    // What is worth something comes first, then what people ask for most often.
    let order = ["stage", "status", "source", "type", "industry", "priority"];
    view.breakdowns.sort_by_key(|b| {
        let by = order.iter().position(|o| *o == b.by);
        (by, b.object.clone())
    });
    let days = state.index().days(|days| days.until(today, DAYS));
    view.days = days.unwrap_or_default().iter().map(day).collect();
    Ok(view)
}

/// How much of the records of these pairs is in the index.
pub fn counted(state: &State, pairs: &[Pair]) -> Counted {
    let (mut done, mut all, mut rest) = (0, 0, None);
    for pair in pairs {
        let records = u64::try_from(state.counters(&pair.name).records).unwrap_or(0);
        all += records;
        match state.index().extent(&pair.name) {
            Extent::Whole => done += records,
            Extent::Reading { done: some } => {
                done += some;
                rest = Some(Rest::Coming);
            }
            Extent::Absent => rest = Some(Rest::Coming),
            Extent::Part { done: some } => {
                done += some;
                rest.get_or_insert(Rest::Left);
            }
        }
    }
    match rest {
        None => Counted::Whole,
        Some(rest) => Counted::Part { done, all, rest },
    }
}

fn object(state: &State, pair: &Pair, today: u16) -> ObjectRow {
    let counters = state.counters(&pair.name);
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let made = state.index().look(&pair.name, |shard| made(shard, today));
    ObjectRow {
        pair: pair.name.clone(),
        object: pair.object.clone(),
        records: number(counters.records),
        waiting: number(counters.waiting),
        conflicts: number(counters.conflicts),
        refused: number(counters.quarantined),
        made: made.unwrap_or_else(|| vec![0; usize::from(WEEKS)]),
        as_of: state.index().days(|days| days.good(&pair.name)).flatten(),
    }
}

/// Records made per week, the weeks counted back from today.
fn made(shard: &Shard, today: u16) -> Vec<u64> {
    let mut weeks = vec![0; usize::from(WEEKS)];
    let first = today.saturating_sub(WEEKS * 7 - 1);
    for (day, count) in shard.codes.days().range(first..=today) {
        if let Some(week) = weeks.get_mut(usize::from((day - first) / 7)) {
            *week += count;
        }
    }
    weeks
}

/// By the stages that a Salesforce org begins with: closed ones say so.
fn pipeline<'a>(stages: impl Iterator<Item = (&'a Value, Tally)>) -> Pipeline {
    let mut pipeline = Pipeline::default();
    for (stage, tally) in stages {
        let stage = stage.to_string().to_lowercase();
        let part = match stage.strip_prefix("closed") {
            None if stage == "won" => &mut pipeline.won,
            None if stage == "lost" => &mut pipeline.lost,
            None => &mut pipeline.open,
            Some(how) if how.contains("won") => &mut pipeline.won,
            Some(_) => &mut pipeline.lost,
        };
        part.0 += tally.count;
        part.1 += tally.worth;
    }
    pipeline
}

fn label(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        value => value.to_string(),
    }
}

/// Whether records of an object are worth an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    Known,
    Unknown,
}

fn slices(all: impl Iterator<Item = (String, Tally)>, worth: Worth) -> Vec<Slice> {
    let known = worth == Worth::Known;
    let mut slices: Vec<Slice> = all
        .filter(|(_, tally)| tally.count > 0)
        .map(|(label, tally)| Slice {
            label,
            count: tally.count,
            worth: known.then_some(tally.worth),
        })
        .collect();
    slices.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    if slices.len() > SLICES {
        let rest = slices.split_off(SLICES - 1);
        slices.push(Slice {
            label: format!("({} more)", rest.len()),
            count: rest.iter().map(|s| s.count).sum(),
            worth: known.then(|| rest.iter().filter_map(|s| s.worth).sum()),
        });
    }
    slices
}

/// Nothing, when no record has a value.
fn breakdown(object: &ObjectName, by: &str, slices: Vec<Slice>) -> Option<Breakdown> {
    let said = slices.iter().any(|s| s.label != "(none)");
    said.then(|| Breakdown {
        object: object.clone(),
        by: by.to_owned(),
        slices,
    })
}

fn day(day: &Day) -> DayRow {
    DayRow {
        runs: day.runs,
        broken: day.broken,
        moved: day.pulled + day.pushed,
        refused: day.refused,
        conflicts: day.conflicts,
    }
}
