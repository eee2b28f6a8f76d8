//! Following the schedules: which pairs are due, and the runs they start (sync-semantics 17).
//!
//! Times are computed in `domain::schedule`. Invariant: the mark of a pair moves in the same
//! commit that creates its run, so that no instant starts two runs, whatever happens.

use jiff::{SignedDuration, Timestamp};

use super::super::notice::Topics;
use super::super::runner::{Job, Order};
use super::super::state::State;
use super::super::tables::{MISSED, Missed, NotStarted, SWITCHES, Switches};
use super::super::tx::{Durability, Tx};
use super::children_first;
use super::queue::in_order;
use super::{Actor, Shared, blocking};
use crate::domain::id::PairName;
use crate::domain::mapping::Pair;
use crate::domain::run::{Cause, Word};
use crate::domain::schedule::{Due, Rules, Schedule, jitter};
use crate::error::Result;
use crate::store::StoreError;
use crate::store::keys::Key;

impl Actor {
    pub(super) async fn by_schedule(&mut self) {
        if self.is_held_back() {
            return;
        }
        let shared = std::sync::Arc::clone(&self.shared);
        let queued: Vec<PairName> = self
            .queue
            .iter()
            .filter(|order| order.job.is_sync())
            .map(|order| order.pair.clone())
            .chain(self.later_pairs())
            .collect();
        match blocking(move || fire(&shared, &queued)).await {
            Ok(Fired::Nothing) => {}
            Ok(Fired::Marked(orders)) => {
                self.queue.extend(orders);
                self.news(Topics {
                    runs: true,
                    ..Topics::default()
                });
            }
            Err(error) => tracing::error!(%error, "schedules were not followed"),
        }
    }
}

/// What came of a look at the clock.
enum Fired {
    Nothing,
    /// Marks moved, and these runs were created.
    Marked(Vec<Order>),
}

/// What a pair is due for.
enum Step {
    /// Its schedule was never looked at: it counts from now.
    Begin,
    Run(Timestamp),
    Miss(Timestamp, NotStarted),
}

fn fire(shared: &Shared, queued: &[PairName]) -> Result<Fired> {
    let state = &*shared.state;
    let now = shared.options.settings.clock.now();
    let pairs = state.pairs()?;
    if pairs.iter().all(|pair| pair.schedule == Schedule::Manual) {
        return Ok(Fired::Nothing);
    }
    let rules = rules(shared);
    let is_due = |pair: &Pair, switches: &Switches| step(pair, switches, now, rules).is_some();
    let switches = state.switches()?;
    if !pairs.iter().any(|pair| is_due(pair, &switches)) {
        return Ok(Fired::Nothing);
    }
    let mut tx = state.begin();
    // A schedule, or the pause, may have been set while this transaction was waited for.
    let mut switches = state.switches()?;
    let stopped = if switches.paused {
        Some(NotStarted::Paused)
    } else if shared.connector.is_signed_in() {
        None
    } else {
        Some(NotStarted::SignIn)
    };
    let mut orders = Vec::new();
    for pair in in_order(state.pairs()?) {
        let mark = match (step(&pair, &switches, now, rules), stopped) {
            (None, _) => continue,
            (Some(Step::Begin), _) => now,
            (Some(Step::Miss(at, why)), _) | (Some(Step::Run(at)), Some(why)) => {
                miss(&mut tx, state, &pair.name, why, at, now)?;
                at
            }
            (Some(Step::Run(at)), None) => {
                made_up(&mut tx, state, &pair.name, now)?;
                // A run of it that waits already will see everything this one would.
                if !queued.contains(&pair.name) {
                    orders.push(by_clock(state, &pair.name, Job::Sync));
                }
                at
            }
        };
        switches.set_mark(&pair.name, mark);
    }
    let names: Vec<PairName> = orders.iter().map(|order| order.pair.clone()).collect();
    let first = children_first::deletes_before(state, &names)?.into_iter();
    let first = first.map(|(pair, ids)| by_clock(state, &pair, Job::Records(ids)));
    orders.splice(0..0, first.collect::<Vec<_>>());
    for order in &orders {
        tx.put_run(&order.queued(0, now));
    }
    tx.put(&SWITCHES, &[], &switches);
    tx.commit(Durability::Now)?;
    Ok(Fired::Marked(orders))
}

fn by_clock(state: &State, pair: &PairName, job: Job) -> Order {
    Order {
        run: state.new_run_id(),
        pair: pair.clone(),
        cause: Cause::Schedule,
        job,
    }
}

fn step(pair: &Pair, switches: &Switches, now: Timestamp, rules: Rules) -> Option<Step> {
    if pair.schedule == Schedule::Manual {
        return None;
    }
    let Some(mark) = switches.mark(&pair.name) else {
        return Some(Step::Begin);
    };
    match pair.schedule.due(mark, now, rules) {
        Due::NotYet => None,
        Due::Run(at) => Some(Step::Run(at)),
        Due::Missed(at) => Some(Step::Miss(at, NotStarted::TooLate)),
    }
}

fn rules(shared: &Shared) -> Rules {
    let settings = &shared.options.settings;
    let delay = match shared.connector.identity() {
        Some(who) => jitter(who.org_id.as_str(), settings.jitter),
        None => SignedDuration::ZERO,
    };
    Rules {
        catch_up: settings.catch_up,
        jitter: delay,
    }
}

fn missed_key(pair: &PairName) -> Key {
    Key::new().text(pair.as_str())
}

/// Counts a fire that starts nothing; the log has the first of them.
fn miss(
    tx: &mut Tx<'_>,
    state: &State,
    pair: &PairName,
    why: NotStarted,
    at: Timestamp,
    now: Timestamp,
) -> std::result::Result<(), StoreError> {
    let before: Option<Missed> = state.store().get(&MISSED, &missed_key(pair))?;
    let missed = match before {
        Some(missed) if missed.why == why => Missed {
            fires: missed.fires.saturating_add(1),
            ..missed
        },
        _ => {
            let text = format!("{pair} was due and did not start: {why}");
            tx.log(now, Word::Warn, None, text);
            Missed {
                since: at,
                fires: 1,
                why,
            }
        }
    };
    tx.put(&MISSED, &missed_key(pair), &missed);
    Ok(())
}

/// A run starts again: what was missed before it is history.
fn made_up(
    tx: &mut Tx<'_>,
    state: &State,
    pair: &PairName,
    now: Timestamp,
) -> std::result::Result<(), StoreError> {
    if let Some(missed) = state.store().get(&MISSED, &missed_key(pair))? {
        let Missed { fires, why, .. } = missed;
        let text = format!("{pair} starts by schedule again; it missed {fires} before ({why})");
        tx.log(now, Word::Info, None, text);
        tx.delete(&MISSED, &missed_key(pair));
    }
    Ok(())
}
