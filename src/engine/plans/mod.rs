//! Dry runs: a plan of what a run would do, kept, shown, and applied (sync-semantics 18).
//!
//! A dry run is a run, the same code over the same reads, on a layer over the store that takes all
//! of its writes; nothing is sent to the CRM, and the guard gives no leave to. What then differs
//! between the layer and the store under it is the plan. Invariants: a plan is stored whole or not
//! at all, and applied at most once.

mod apply;
mod collect;
mod rehearse;

use jiff::Timestamp;

pub use self::collect::{Items, NewItem};
pub(super) use self::rehearse::{Rehearsal, rehearse};

use super::audit::{Draft, What};
use super::command::Page;
use super::state::State;
use super::tables::{PLAN_ITEMS, PLANS};
use super::tx::Durability;
use super::work::FULL;
use crate::domain::dry_run::{Plan, PlanItem, PlanState, PlannedPair, Tally};
use crate::domain::id::{PairName, PlanId, RunId};
use crate::domain::run::Word;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;
use crate::store::{Store, StoreError, digest};

/// Plans that are kept; older ones are forgotten with a new one.
const KEPT: usize = 10;
/// Moved records that are named where a plan is refused.
const NAMED: usize = 5;

/// The plans, newest first.
///
/// # Errors
/// The store cannot be read.
pub fn list(state: &State) -> Result<Vec<Plan>> {
    let plans = state.store().scan(&PLANS, &[]).rev();
    plans.map(|row| Ok(row?.1)).collect()
}

/// A plan.
///
/// # Errors
/// There is none of that number.
pub fn plan(state: &State, id: PlanId) -> Result<Plan> {
    let found = state.store().get(&PLANS, &Key::new().number(id.0))?;
    found.ok_or_else(|| {
        Error::new(Kind::Usage, format!("there is no plan {id}"))
            .hint("`syncdeck plan list` has the plans that are kept")
    })
}

/// Some items of a plan, in their order.
///
/// # Errors
/// The store cannot be read.
pub fn items(state: &State, id: PlanId, page: Page) -> Result<Vec<PlanItem>> {
    let found = of_plan(state.store(), id, page.offset as u64).take(page.limit);
    found.map(|item| Ok(item?)).collect()
}

/// Items of a plan behind a number.
fn of_plan(
    store: &Store,
    id: PlanId,
    after: u64,
) -> impl Iterator<Item = std::result::Result<PlanItem, StoreError>> + use<> {
    let from = Key::new().number(id.0).number(after + 1);
    let to = Key::new().number(id.0 + 1);
    let found = store.scan_range(&PLAN_ITEMS, &from..&to);
    found.map(|row| row.map(|(_, item)| item))
}

/// Keeps the plan of a rehearsal, and forgets the oldest ones.
///
/// # Errors
/// The store cannot be written.
pub(super) fn keep(state: &State, rehearsal: &Rehearsal, by: &str, now: Timestamp) -> Result<Plan> {
    let mut plans = list(state)?;
    let id = PlanId(plans.first().map_or(0, |plan| plan.id.0) + 1);
    // What a crash left of one that was never whole.
    forget_items(state, id)?;
    let mut hash = [0; 32];
    let mut pairs = Vec::with_capacity(rehearsal.runs.len());
    let mut number = 0;
    for done in &rehearsal.runs {
        let mut tally = Tally {
            read: done.run.counts.read,
            skipped: done.run.counts.skipped,
            ..Tally::default()
        };
        let first = number + 1;
        let named = format!("{} {}", done.run.pair, done.run.mapping_version);
        hash = digest::sha256(&[&hash, named.as_bytes()]);
        let made = rehearsal.items();
        let mut found = made.of(&done.run.pair).peekable();
        while found.peek().is_some() {
            let mut tx = state.begin();
            while tx.len() < FULL
                && let Some(item) = found.next()
            {
                let item = item?;
                number += 1;
                tally.count(&item);
                hash = digest::sha256(&[&hash, &text(&item)?]);
                tx.put(&PLAN_ITEMS, &Key::new().number(id.0).number(number), &item);
            }
            tx.commit(Durability::Soon)?;
        }
        pairs.push(PlannedPair {
            pair: done.run.pair.clone(),
            title: done.title.clone(),
            version: done.run.mapping_version,
            first,
            tally,
            holds: rehearsal.held(&done.run.pair)?,
        });
    }
    let plan = Plan {
        id,
        at: now,
        by: by.to_owned(),
        pairs,
        calls: rehearsal.calls(),
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        state: PlanState::Ready,
    };
    let mut tx = state.begin();
    tx.put(&PLANS, &Key::new().number(id.0), &plan);
    let words = format!("plan {id} made, hash {}", plan.hash);
    tx.audit(Draft::new(now, by, What::Planned, words));
    let total = plan.total();
    let said = format!(
        "plan {id}: {} to the App, {} to Salesforce, {} in conflict; nothing was written",
        total.app.total(),
        total.crm.total(),
        total.conflicts
    );
    tx.log(now, Word::Info, None, said);
    tx.commit(Durability::Now)?;
    for old in plans.drain(..).skip(KEPT - 1) {
        let mut tx = state.begin();
        tx.delete(&PLANS, &Key::new().number(old.id.0));
        tx.commit(Durability::Soon)?;
        forget_items(state, old.id)?;
    }
    Ok(plan)
}

fn forget_items(state: &State, id: PlanId) -> Result<()> {
    let mut keys = state.store().keys(&PLAN_ITEMS, &Key::new().number(id.0));
    loop {
        let mut tx = state.begin();
        for key in keys.by_ref().take(FULL) {
            tx.delete(&PLAN_ITEMS, &key?);
        }
        if tx.is_empty() {
            return Ok(());
        }
        tx.commit(Durability::Soon)?;
    }
}

/// What of an item is hashed.
fn text(item: &PlanItem) -> Result<Vec<u8>> {
    serde_json::to_vec(item).map_err(|error| {
        Error::new(Kind::Internal, "a record of a plan cannot be written down").caused_by(error)
    })
}

/// Whether a plan can be applied at all: it was not, and the mappings are those it was made with.
/// Gives it with its pairs.
///
/// # Errors
/// It cannot; the message says why, and what helps.
pub(super) fn fit(state: &State, id: PlanId, hash: Option<&str>) -> Result<Plan> {
    let plan = plan(state, id)?;
    if hash.is_some_and(|hash| hash != plan.hash) {
        let text = format!("plan {id} has another hash: {}", plan.hash);
        return Err(Error::new(Kind::Changed, text).hint("look at it again: `syncdeck plan show`"));
    }
    if let PlanState::Applied(runs) = &plan.state {
        let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
        let text = format!("plan {id} was applied by run {}", runs.join(", "));
        return Err(Error::new(Kind::Refused, text).hint(AGAIN));
    }
    for planned in &plan.pairs {
        let now = state.pair(&planned.pair)?.map(|pair| pair.version);
        if now != Some(planned.version) {
            let text = format!(
                "plan {id} no longer fits: the mapping of {} was version {} and is {}",
                planned.pair,
                planned.version,
                now.map_or_else(|| "gone".to_owned(), |v| v.to_string())
            );
            return Err(Error::new(Kind::Changed, text).hint(AGAIN));
        }
    }
    Ok(plan)
}

const AGAIN: &str = "make a new plan: `syncdeck sync --dry-run`";

/// Whether a rehearsal of now comes to what a plan says, for every record of the plan. What it says
/// of other records does not matter: they are left to the next run.
///
/// # Errors
/// Something has moved; the message names the first places.
pub(super) fn same(state: &State, plan: &Plan, rehearsal: &Rehearsal) -> Result<()> {
    let mut named = Vec::new();
    let (mut moved, mut all) = (0u64, 0u64);
    for item in of_plan(state.store(), plan.id, 0) {
        let item = item?;
        all += 1;
        let now = rehearsal.items().get(&item)?;
        if let Some(why) = item.moved(now.as_ref()) {
            moved += 1;
            if named.len() < NAMED {
                named.push(format!("{} {}: {why}", item.pair, place(&item)));
            }
        }
    }
    if moved == 0 {
        return Ok(());
    }
    let more = moved - named.len() as u64;
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    let text = format!(
        "plan {} no longer fits: {moved} of its {all} records moved, nothing was written; {}",
        plan.id,
        named.join("; ")
    );
    Err(Error::new(Kind::Changed, text).hint(AGAIN))
}

/// How a record is named in a message: by its id, and its name.
fn place(item: &PlanItem) -> String {
    let id = match (&item.app_id, &item.crm_id) {
        (Some(id), _) => id.to_string(),
        (None, Some(id)) => id.to_string(),
        (None, None) => String::new(),
    };
    format!("{id} {}", item.name)
}

/// Notes which runs apply a plan: from here on it cannot be applied again.
///
/// # Errors
/// The store cannot be written, or somebody was faster.
pub(super) fn taken(
    state: &State,
    id: PlanId,
    runs: &[(PairName, RunId)],
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = state.begin();
    let mut plan = fit(state, id, None)?;
    plan.state = PlanState::Applied(runs.iter().map(|(_, run)| *run).collect());
    tx.put(&PLANS, &Key::new().number(id.0), &plan);
    for (pair, run) in runs {
        let words = format!("plan {id}, hash {}", plan.hash);
        let draft = Draft::new(now, by, What::PlanApplied, words);
        tx.audit(draft.pair(pair).run(*run));
    }
    Ok(tx.commit(Durability::Now)?)
}

/// Key of an item while its plan is made: by what does not change when it is made again.
fn item_key(pair: &PairName, item: &PlanItem) -> Key {
    let app = item.app_id.as_ref().map_or("", |id| id.as_str());
    let crm = match &item.app_id {
        Some(_) => "",
        None => item.crm_id.as_ref().map_or("", |id| id.as_str()),
    };
    Key::new().text(pair.as_str()).text(app).text(crm)
}
