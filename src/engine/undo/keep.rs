//! How long it is known what runs wrote.
//!
//! Invariant: what a run wrote is forgotten whole runs at a time, oldest first.

use jiff::{SignedDuration, Timestamp};

use crate::domain::id::RunId;
use crate::engine::tables::{COMES_BACK, WRITTEN};
use crate::engine::tx::Tx;
use crate::store::StoreError;
use crate::store::keys::Parts;

/// Entries that are forgotten in one go.
const AT_ONCE: usize = 5_000;

/// Forgets what runs wrote that ended longer ago than it is kept.
///
/// # Errors
/// When the store cannot be read.
pub fn forget(tx: &mut Tx<'_>, kept: SignedDuration, now: Timestamp) -> Result<(), StoreError> {
    let state = tx.state();
    let mut looked_at = None;
    for key in state.store().keys(&WRITTEN, &[]).take(AT_ONCE) {
        let key = key?;
        let Ok(run) = Parts::of(&key).number().map(RunId) else {
            continue;
        };
        if looked_at != Some(run) {
            let ended = state.run(run)?.map(|r| r.ended_at.unwrap_or(r.started_at));
            if ended.is_some_and(|ended| now.duration_since(ended) <= kept) {
                break;
            }
            looked_at = Some(run);
        }
        tx.delete(&WRITTEN, &key);
    }
    // What a run waits for that can no longer be looked at is like any other record.
    for row in state.store().scan(&COMES_BACK, &[]).take(AT_ONCE) {
        let (key, awaited) = row?;
        if now.duration_since(awaited.at) > kept {
            tx.delete(&COMES_BACK, &key);
        }
    }
    Ok(())
}
