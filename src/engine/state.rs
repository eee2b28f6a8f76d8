//! The engine's memory: reads over the tables, and the one way to change them.
//!
//! Blocking; async code calls it from blocking tasks. Invariant: all writes go through a
//! [`Tx`], of which there is one at a time, so that what belongs together is one commit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::appdb::AppDb;
use crate::appdb::embedded::Embedded;
use crate::domain::append::Appended;
use crate::domain::clocks::{Clockwork, Offset};
use crate::domain::conflict::Conflict;
use crate::domain::id::{
    AppId, ConflictId, CrmId, IntentId, ObjectName, PairName, RunId, TableName,
};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Link};
use crate::domain::run::{LogLine, Run};
use crate::domain::schema::ObjectInfo;
use crate::store::keys::{Key, Parts};
use crate::store::{Store, StoreError};

use super::audit::{self, Broken, Checkpoint, Digests};
use super::index::Index;
use super::tables::{
    APPENDED, BY_CRM, CONFLICTS, CONNECTION, COUNTERS, Connection, Counters, DECIDED, HISTORY,
    INTENTS, Intent, LINKS, LOG, OBJECTS, OPEN_CONFLICTS, OPEN_INTENTS, PAIRS, QUARANTINE,
    Quarantined, RUNS, SWITCHES, Switches, USERS, UserRow, crm_key, record_key,
};
use super::tempo::Tempo;
use super::tx::Tx;
use super::undo::Holdings;

/// Reads, and begins transactions.
#[derive(Debug)]
pub struct State {
    store: Store,
    app: Embedded,
    writer: Mutex<()>,
    counters: Mutex<HashMap<PairName, Counters>>,
    holdings: Holdings,
    index: Index,
    next_run: AtomicU64,
    next_conflict: AtomicU64,
    next_intent: AtomicU64,
    next_line: AtomicU64,
    audit: Mutex<Checkpoint>,
    digests: Digests,
    /// Where the audit log was found to be broken.
    audit_fault: Mutex<Option<Broken>>,
    tempos: Mutex<HashMap<ObjectName, Tempo>>,
    clocks: Mutex<Clockwork>,
}

/// A lock that a panic of another thread does not break: what it protects is written whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Over an open store.
    pub fn open(store: Store) -> Result<Self, StoreError> {
        let mut counters = HashMap::new();
        for row in store.scan(&COUNTERS, &[]) {
            let (key, row) = row?;
            if let Ok(name) = Parts::of(&key).text() {
                counters.insert(PairName::new(name), row);
            }
        }
        let last = |found: Option<Vec<u8>>| {
            found
                .and_then(|key| Parts::of(&key).number().ok())
                .unwrap_or(0)
        };
        // Intents are deleted when they are done: their ids start from the clock of the log,
        // which only grows, so that an id in an old request log is not used again.
        let line = last(store.last(&LOG, &[])?.map(|(k, _)| k));
        let intent = last(store.last(&INTENTS, &[])?.map(|(k, _)| k));
        // A value that a rule overwrites is logged when its write is applied: until then its
        // number is only in the intent.
        let mut conflict = last(store.last(&CONFLICTS, &[])?.map(|(k, _)| k));
        for row in store.scan(&INTENTS, &[]) {
            let (_, intent) = row?;
            let kept = intent.auto.iter().map(|entry| entry.id.0);
            conflict = kept.fold(conflict, u64::max);
        }
        Ok(Self {
            next_run: AtomicU64::new(last(store.last(&RUNS, &[])?.map(|(k, _)| k)) + 1),
            next_conflict: AtomicU64::new(conflict + 1),
            next_intent: AtomicU64::new(intent.max(line << 20) + 1),
            next_line: AtomicU64::new(line + 1),
            audit: Mutex::new(audit::head(&store)?),
            digests: Digests::open(&store)?,
            audit_fault: Mutex::default(),
            app: Embedded::new(store.clone()),
            store,
            writer: Mutex::new(()),
            index: Index::default(),
            holdings: Holdings::default(),
            counters: Mutex::new(counters),
            tempos: Mutex::default(),
            clocks: Mutex::default(),
        })
    }

    /// The store, for reads of whole tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The App's records.
    pub fn app(&self) -> &Embedded {
        &self.app
    }

    /// What people search and count, once it was built.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What is held since runs were taken back, as it was counted last.
    pub(super) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Begins a transaction; waits for the one before it.
    pub fn begin(&self) -> Tx<'_> {
        Tx::new(self, lock(&self.writer))
    }

    pub(super) fn counters_cache(&self) -> &Mutex<HashMap<PairName, Counters>> {
        &self.counters
    }

    /// The end of the audit log.
    pub(super) fn audit_head(&self) -> &Mutex<Checkpoint> {
        &self.audit
    }

    /// Makes the digests of the audit log.
    pub(super) fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Where the audit log was found to be broken when it was looked at last.
    pub fn audit_fault(&self) -> Option<Broken> {
        lock(&self.audit_fault).clone()
    }

    /// The audit log was looked at.
    pub(super) fn set_audit_fault(&self, found: Option<Broken>) {
        *lock(&self.audit_fault) = found;
    }

    /// Counters of a pair.
    pub fn counters(&self, pair: &PairName) -> Counters {
        lock(&self.counters).get(pair).copied().unwrap_or_default()
    }

    /// A new run id.
    pub fn new_run_id(&self) -> RunId {
        RunId(self.next_run.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn new_conflict_id(&self) -> ConflictId {
        ConflictId(self.next_conflict.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn new_intent_id(&self) -> IntentId {
        IntentId(self.next_intent.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn new_line(&self) -> u64 {
        self.next_line.fetch_add(1, Ordering::Relaxed)
    }

    /// An App record, tombstones included.
    pub fn app_record(
        &self,
        table: &TableName,
        id: &AppId,
    ) -> Result<Option<AppRecord>, StoreError> {
        self.app.get(table, id)
    }

    /// A link.
    pub fn link(&self, pair: &PairName, id: &AppId) -> Result<Option<Link>, StoreError> {
        self.store.get(&LINKS, &record_key(pair, id))
    }

    /// The App record linked to a CRM record.
    pub fn by_crm(&self, pair: &PairName, id: &CrmId) -> Result<Option<AppId>, StoreError> {
        self.store.get(&BY_CRM, &crm_key(pair, id))
    }

    /// The lines of ours that the texts of a CRM record once had.
    pub fn appended(&self, pair: &PairName, id: &CrmId) -> Result<Appended, StoreError> {
        let known = self.store.get(&APPENDED, &crm_key(pair, id))?;
        Ok(known.unwrap_or_default())
    }

    /// A pair with its current mapping.
    pub fn pair(&self, name: &PairName) -> Result<Option<Pair>, StoreError> {
        self.store.get(&PAIRS, &Key::new().text(name.as_str()))
    }

    /// All pairs, by name.
    pub fn pairs(&self) -> Result<Vec<Pair>, StoreError> {
        self.store
            .scan(&PAIRS, &[])
            .map(|row| row.map(|(_, pair)| pair))
            .collect()
    }

    /// A described object.
    pub fn object(&self, name: &ObjectName) -> Result<Option<ObjectInfo>, StoreError> {
        self.store.get(&OBJECTS, &Key::new().text(name.as_str()))
    }

    /// Open conflicts of a record.
    pub fn open_conflicts(&self, pair: &PairName, id: &AppId) -> Result<Vec<Conflict>, StoreError> {
        let ids = self
            .store
            .get(&OPEN_CONFLICTS, &record_key(pair, id))?
            .unwrap_or_default();
        let mut conflicts = Vec::with_capacity(ids.len());
        for id in ids {
            conflicts.extend(self.conflict(id)?);
        }
        Ok(conflicts)
    }

    /// Decided conflicts of a record, oldest first.
    pub(super) fn decided_ids(
        &self,
        pair: &PairName,
        id: &AppId,
    ) -> Result<Vec<ConflictId>, StoreError> {
        let ids = self.store.get(&DECIDED, &record_key(pair, id))?;
        Ok(ids.unwrap_or_default())
    }

    /// The latest decided conflict of each row of a record, and of the record as a whole.
    pub fn decided(&self, pair: &PairName, id: &AppId) -> Result<Vec<Conflict>, StoreError> {
        let mut latest: Vec<Conflict> = Vec::new();
        for id in self.decided_ids(pair, id)?.into_iter().rev() {
            if let Some(found) = self.conflict(id)?
                && latest.iter().all(|known| known.row != found.row)
            {
                latest.push(found);
            }
        }
        Ok(latest)
    }

    /// A conflict.
    pub fn conflict(&self, id: ConflictId) -> Result<Option<Conflict>, StoreError> {
        self.store.get(&CONFLICTS, &Key::new().number(id.0))
    }

    /// The open intent of a record.
    pub fn open_intent(&self, pair: &PairName, id: &AppId) -> Result<Option<IntentId>, StoreError> {
        self.store.get(&OPEN_INTENTS, &record_key(pair, id))
    }

    /// All open intents.
    pub fn intents(&self) -> Result<Vec<Intent>, StoreError> {
        self.store
            .scan(&INTENTS, &[])
            .map(|row| row.map(|(_, intent)| intent))
            .collect()
    }

    /// A record's quarantine.
    pub fn quarantined(
        &self,
        pair: &PairName,
        id: &AppId,
    ) -> Result<Option<Quarantined>, StoreError> {
        self.store.get(&QUARANTINE, &record_key(pair, id))
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.store.get(&RUNS, &Key::new().number(id.0))
    }

    /// Looks at the tempo of an object, or changes it.
    pub(super) fn tempo<T>(&self, object: &ObjectName, at: impl FnOnce(&mut Tempo) -> T) -> T {
        let mut tempos = lock(&self.tempos);
        at(tempos.entry(object.clone()).or_insert(Tempo::FULL))
    }

    /// An answer told the server's clock: when it was asked for and when it came, by ours.
    pub(super) fn hear_clock(&self, asked: Timestamp, came: Timestamp, server: Timestamp) {
        lock(&self.clocks).hear(asked, came, server);
    }

    /// The CRM's clock against ours, as far as the latest answers agree.
    pub fn clock_offset(&self, now: Timestamp) -> Option<Offset> {
        lock(&self.clocks).offset(now)
    }

    /// Whether a clock was set and nothing is decided by time for now.
    pub fn clocks_are_distrusted(&self) -> bool {
        lock(&self.clocks).is_distrusted()
    }

    /// The connection.
    pub fn connection(&self) -> Result<Connection, StoreError> {
        Ok(self.store.get(&CONNECTION, &[])?.unwrap_or_default())
    }

    /// The switches.
    pub fn switches(&self) -> Result<Switches, StoreError> {
        Ok(self.store.get(&SWITCHES, &[])?.unwrap_or_default())
    }

    /// A user of the CRM.
    pub fn user(&self, id: &CrmId) -> Result<Option<UserRow>, StoreError> {
        self.store.get(&USERS, &Key::new().text(id.as_str()))
    }

    /// All users of the CRM.
    pub fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        self.store
            .scan(&USERS, &[])
            .map(|row| row.map(|(_, user)| user))
            .collect()
    }

    /// Latest log lines, newest first.
    pub fn log_tail(&self, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        self.store
            .scan(&LOG, &[])
            .rev()
            .take(limit)
            .map(|row| row.map(|(_, line)| line))
            .collect()
    }

    /// What happened to a record, newest first.
    pub fn history(
        &self,
        pair: &PairName,
        id: &AppId,
        limit: usize,
    ) -> Result<Vec<LogLine>, StoreError> {
        self.store
            .scan(&HISTORY, &record_key(pair, id))
            .rev()
            .take(limit)
            .map(|row| row.map(|(_, line)| line))
            .collect()
    }
}
