//! Conflicts within a transaction.
//!
//! Invariant: the list of open ones and the counters follow every change of one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Tx;
use crate::domain::conflict::Conflict;
use crate::domain::id::{AppId, ConflictId, PairName};
use crate::engine::tables::{CONFLICTS, DECIDED, OPEN_CONFLICTS, record_key};
use crate::store::keys::Key;
use crate::store::{Batch, Store, StoreError};

/// Decided conflicts that a record remembers: the latest, as older values were decided on anew.
const DECIDED_KEPT: usize = 50;

impl Tx<'_> {
    /// A new conflict id.
    pub fn new_conflict_id(&self) -> ConflictId {
        self.state.new_conflict_id()
    }

    /// A conflict.
    pub fn conflict(&self, id: ConflictId) -> Result<Option<Conflict>, StoreError> {
        match self.conflicts.get(&id) {
            Some(conflict) => Ok(Some(conflict.clone())),
            None => self.state.conflict(id),
        }
    }

    pub(super) fn open_ids(
        &self,
        pair: &PairName,
        id: &AppId,
    ) -> Result<Vec<ConflictId>, StoreError> {
        match self.open.get(&(pair.clone(), id.clone())) {
            Some(ids) => Ok(ids.clone()),
            None => Ok(self
                .state
                .store()
                .get(&OPEN_CONFLICTS, &record_key(pair, id))?
                .unwrap_or_default()),
        }
    }

    /// Open conflicts of a record.
    pub fn open_conflicts(&self, pair: &PairName, id: &AppId) -> Result<Vec<Conflict>, StoreError> {
        let mut conflicts = Vec::new();
        for id in self.open_ids(pair, id)? {
            conflicts.extend(self.conflict(id)?);
        }
        Ok(conflicts)
    }

    fn decided_ids(&self, pair: &PairName, id: &AppId) -> Result<Vec<ConflictId>, StoreError> {
        match self.decided.get(&(pair.clone(), id.clone())) {
            Some(ids) => Ok(ids.clone()),
            None => self.state.decided_ids(pair, id),
        }
    }

    /// Stores a conflict, tells the audit log, and keeps the index of open ones and the counters.
    pub fn put_conflict(&mut self, conflict: &Conflict, now: Timestamp) -> Result<(), StoreError> {
        let was = self.conflict(conflict.id)?;
        self.audit.conflict(was.as_ref(), conflict, now)?;
        let staged = |c: Option<&Conflict>| i64::from(c.is_some_and(|c| c.staged.is_some()));
        self.count(&conflict.pair).staged += staged(Some(conflict)) - staged(was.as_ref());
        let mut ids = self.open_ids(&conflict.pair, &conflict.app_id)?;
        let before = !ids.is_empty();
        let listed = ids.contains(&conflict.id);
        if conflict.state.is_open() != listed {
            let place = (conflict.pair.clone(), conflict.row);
            self.by_row.count(place, if listed { -1 } else { 1 });
            if listed {
                ids.retain(|id| *id != conflict.id);
            } else {
                ids.push(conflict.id);
            }
            let key = record_key(&conflict.pair, &conflict.app_id);
            if ids.is_empty() {
                self.batch.delete(&OPEN_CONFLICTS, &key);
            } else {
                self.batch.put(&OPEN_CONFLICTS, &key, &ids);
            }
            self.count(&conflict.pair).conflicts += i64::from(!ids.is_empty()) - i64::from(before);
            self.open
                .insert((conflict.pair.clone(), conflict.app_id.clone()), ids);
        }
        let new = !was.is_some_and(|was| was.state.is_decided());
        if new && conflict.state.is_decided() {
            let mut ids = self.decided_ids(&conflict.pair, &conflict.app_id)?;
            ids.push(conflict.id);
            let most = ids.len().saturating_sub(DECIDED_KEPT);
            ids.drain(..most);
            let key = record_key(&conflict.pair, &conflict.app_id);
            self.batch.put(&DECIDED, &key, &ids);
            self.decided
                .insert((conflict.pair.clone(), conflict.app_id.clone()), ids);
        }
        self.batch
            .put(&CONFLICTS, &Key::new().number(conflict.id.0), conflict);
        self.conflicts.insert(conflict.id, conflict.clone());
        Ok(())
    }

    /// Adjusts the count of staged decisions that are not conflicts.
    pub fn count_staged(&mut self, pair: &PairName, delta: i64) {
        self.count(pair).staged += delta;
    }
}

/// Lists the decided conflicts of a store that was made before there was such a list.
pub(in crate::engine) fn list_decided(store: &Store) -> Result<Batch, StoreError> {
    let mut found: BTreeMap<Vec<u8>, Vec<ConflictId>> = BTreeMap::new();
    for row in store.scan(&CONFLICTS, &[]) {
        let (_, conflict) = row?;
        if conflict.state.is_decided() {
            let key = record_key(&conflict.pair, &conflict.app_id);
            found.entry(key.to_vec()).or_default().push(conflict.id);
        }
    }
    let mut batch = store.batch();
    for (key, mut ids) in found {
        ids.sort_unstable();
        let most = ids.len().saturating_sub(DECIDED_KEPT);
        ids.drain(..most);
        batch.put(&DECIDED, &key, &ids);
    }
    Ok(batch)
}
