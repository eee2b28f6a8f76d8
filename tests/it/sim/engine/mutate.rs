//! What a rule that is turned off does to what the engine knows (sync-semantics 26.3): done from
//! outside, where a call is made or a process ends, so that the product has no such switch.
//!
//! Invariant: with every rule on, nothing here does anything.

use jiff::SignedDuration;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::{
    APPENDED, INTENTS, JOB_ROWS, LEDGER, OPEN_INTENTS, WATERMARKS, WRITE_JOBS, record_key,
};
use syncdeck::engine::tx::{Durability, Tx};
use syncdeck::store::Table;

use super::coverage::When;
use super::faults::Switch;
use super::org::Inner;

fn clear<V>(tx: &mut Tx<'_>, table: &Table<V>) {
    for key in tx.state().store().keys(table, &[]) {
        tx.delete(table, &key.unwrap());
    }
}

/// A call is made.
pub fn in_call(org: &Inner, state: &State, what: &str, when: When) {
    let reads = what == "changes";
    let writes = ["create", "update", "update if", "delete", "release a job"].contains(&what);
    let mut tx = state.begin();
    match org.switch {
        Switch::NoSerialisation if reads => {
            for intent in state.intents().unwrap() {
                tx.delete(&OPEN_INTENTS, &record_key(&intent.pair, &intent.app_id));
            }
        }
        Switch::NoLedger => clear(&mut tx, &LEDGER),
        Switch::NoIntent if writes && when == When::Before => clear(&mut tx, &INTENTS),
        Switch::RemovedIsForgotten => clear(&mut tx, &APPENDED),
        Switch::WatermarkIsAhead if reads && when == When::After => {
            for row in state.store().scan(&WATERMARKS, &[]) {
                let (key, mut mark) = row.unwrap();
                let ahead = SignedDuration::from_hours(1);
                mark.seen_to = mark.seen_to.map(|_| org.server_time() + ahead);
                tx.put(&WATERMARKS, &key, &mark);
            }
        }
        _ => return,
    }
    drop(tx.commit(Durability::Now));
}

/// A process begins on what another one left.
pub fn at_start(org: &Inner, state: &State) {
    let mut tx = state.begin();
    match org.switch {
        // What jobs were asked for is not known any more.
        Switch::NoJobAsked => {
            clear(&mut tx, &WRITE_JOBS);
            clear(&mut tx, &JOB_ROWS);
        }
        Switch::CrashForgets => {
            clear(&mut tx, &INTENTS);
            clear(&mut tx, &OPEN_INTENTS);
        }
        _ => return,
    }
    tx.commit(Durability::Now).unwrap();
}
