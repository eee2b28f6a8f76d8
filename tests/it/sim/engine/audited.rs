//! The audit log of a history: its chain is whole, and every change of an App record is told once
//! (I35).
//!
//! Reads the log as `audit verify` does. Invariant: looked at when a history is at rest.

use std::collections::BTreeMap;

use syncdeck::domain::id::AppId;
use syncdeck::engine::audit::{Entry, Place, What, verify};
use syncdeck::engine::tables::AUDIT;

use super::world::{World, app_records};

/// Looks at the chain and at what it tells.
pub fn at_rest(world: &World<'_>) {
    let state = world.state();
    if let Some(bad) = verify(state, &[]).unwrap().broken {
        world.org.inner().breaks("I35", format!("{bad:?}"));
    }
    let mut told: BTreeMap<AppId, u64> = BTreeMap::new();
    for row in state.store().scan(&AUDIT, &[]) {
        let (_, chained) = row.unwrap();
        let entry: Entry = serde_json::from_str(&chained.line).unwrap();
        let wrote = entry
            .wrote
            .into_iter()
            .filter(|_| entry.what == What::Wrote);
        for wrote in wrote.filter(|wrote| wrote.side == Place::App) {
            *told.entry(wrote.app_id).or_default() += 1;
        }
    }
    for record in app_records(state) {
        let times = told.get(&record.id).copied().unwrap_or(0);
        if times != record.rev {
            let (id, rev) = (&record.id, record.rev);
            let what = format!("{id} changed {rev} times, the log tells of {times}");
            world.org.inner().breaks("I35", what);
        }
    }
}
