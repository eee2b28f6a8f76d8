//! Staged decisions on rows that are not in conflict, as they are kept.
//!
//! Invariant: the pair's count of staged decisions moves with them.

use crate::domain::conflict::Staged;
use crate::domain::id::RowId;
use crate::engine::command::RecordKey;
use crate::engine::state::State;
use crate::engine::tables::{OVERRULES, record_key};
use crate::engine::tx::Tx;
use crate::store::StoreError;

/// Those of a record.
pub fn of(state: &State, key: &RecordKey) -> Result<Vec<(RowId, Staged)>, StoreError> {
    let found = state
        .store()
        .get(&OVERRULES, &record_key(&key.pair, &key.app_id))?;
    Ok(found.unwrap_or_default())
}

/// Stages one, or takes it back.
pub fn put(
    tx: &mut Tx<'_>,
    key: &RecordKey,
    row: RowId,
    staged: Option<Staged>,
) -> Result<(), StoreError> {
    let before = of(tx.state(), key)?;
    let mut after = before.clone();
    after.retain(|(r, _)| *r != row);
    after.extend(staged.map(|staged| (row, staged)));
    replace(tx, key, &before, &after);
    Ok(())
}

/// Forgets those of some rows: they are written, or can no longer be.
pub fn forget(
    tx: &mut Tx<'_>,
    key: &RecordKey,
    gone: impl Fn(RowId) -> bool,
) -> Result<(), StoreError> {
    let before = of(tx.state(), key)?;
    let mut after = before.clone();
    after.retain(|(row, _)| !gone(*row));
    if after.len() != before.len() {
        replace(tx, key, &before, &after);
    }
    Ok(())
}

/// Forgets all of a record.
pub fn forget_all(tx: &mut Tx<'_>, key: &RecordKey) -> Result<(), StoreError> {
    forget(tx, key, |_| true)
}

fn replace(
    tx: &mut Tx<'_>,
    key: &RecordKey,
    before: &[(RowId, Staged)],
    after: &Vec<(RowId, Staged)>,
) {
    let at = record_key(&key.pair, &key.app_id);
    if after.is_empty() {
        tx.delete(&OVERRULES, &at);
    } else {
        tx.put(&OVERRULES, &at, after);
    }
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    tx.count_staged(&key.pair, count(after.len()) - count(before.len()));
}
