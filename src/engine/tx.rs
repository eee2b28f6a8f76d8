//! One transaction over the engine's tables: reads see its own writes, and everything becomes
//! one atomic commit.
//!
//! Decides nothing. Invariant: dropped without a commit, nothing has changed.

mod appended;
mod conflicts;
mod fights;
mod links;
mod overflow;
mod results;
mod told;

use std::collections::{BTreeMap, HashMap};
use std::sync::MutexGuard;

use jiff::Timestamp;

use crate::appdb::{AppDb, AppError, Author, Change, Expect};
use crate::domain::append::Appended;
use crate::domain::conflict::Conflict;
use crate::domain::id::{AppId, ConflictId, CrmId, IntentId, PairName, TableName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Link, Presence};
use crate::domain::run::{Run, Word};
use crate::store::keys::Key;
use crate::store::{Batch, StoreError, Table};

use super::audit::{Checkpoint, Drafts, key_of};
use super::by_row;
use super::index::Changes;
use super::state::{State, lock};
use super::tables::{
    AUDIT, BESIDE, COUNTERS, Counters, GONE, INTENTS, Intent, OPEN_INTENTS, QUARANTINE,
    Quarantined, READ_JOBS, RUNS, TODO, WRITTEN, record_key,
};
use super::undo::Notes;
pub(super) use conflicts::list_decided;
pub use overflow::Spill;
pub use results::{Known, Move, result_order};

/// A transaction. Only one exists at a time.
pub struct Tx<'a> {
    state: &'a State,
    _writer: MutexGuard<'a, ()>,
    batch: Batch,
    /// In the order of their ids, as the index takes in what is new: what comes late costs it much.
    apps: BTreeMap<(TableName, AppId), AppRecord>,
    links: HashMap<(PairName, AppId), Link>,
    by_crm: HashMap<(PairName, CrmId), Option<AppId>>,
    conflicts: HashMap<ConflictId, Conflict>,
    open: HashMap<(PairName, AppId), Vec<ConflictId>>,
    decided: HashMap<(PairName, AppId), Vec<ConflictId>>,
    fights: HashMap<(PairName, AppId), fights::Chains>,
    appended: HashMap<(PairName, CrmId), Appended>,
    flags: HashMap<(u8, Vec<u8>), bool>,
    /// Whether records of a pair are waited for, as far as that was looked up.
    awaited: HashMap<PairName, bool>,
    counts: HashMap<PairName, Counters>,
    by_row: by_row::Deltas,
    runs: Vec<Run>,
    pairs: Vec<Pair>,
    audit: Drafts<'a>,
    notes: Notes,
    intents: usize,
    filed: results::Filed,
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("writes", &self.batch.len())
            .finish_non_exhaustive()
    }
}

/// How sure a commit must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk when it returns.
    Now,
    /// With the next durable commit; lost together with everything after it.
    Soon,
}

impl<'a> Tx<'a> {
    pub(super) fn new(state: &'a State, writer: MutexGuard<'a, ()>) -> Self {
        Self {
            batch: state.store().batch(),
            state,
            _writer: writer,
            apps: BTreeMap::new(),
            links: HashMap::new(),
            by_crm: HashMap::new(),
            conflicts: HashMap::new(),
            open: HashMap::new(),
            decided: HashMap::new(),
            fights: HashMap::new(),
            appended: HashMap::new(),
            flags: HashMap::new(),
            awaited: HashMap::new(),
            counts: HashMap::new(),
            by_row: by_row::Deltas::default(),
            runs: Vec::new(),
            pairs: Vec::new(),
            audit: Drafts::new(state.digests()),
            notes: Notes::default(),
            intents: 0,
            filed: results::Filed::default(),
        }
    }

    /// Reads outside this transaction's own writes.
    pub fn state(&self) -> &'a State {
        self.state
    }

    /// Writes of this transaction so far.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.audit.is_empty() && self.notes.is_empty()
    }

    /// Makes it happen.
    pub fn commit(mut self, durability: Durability) -> Result<(), StoreError> {
        let mut cache = lock(self.state.counters_cache());
        let mut after = Vec::new();
        for (pair, delta) in &self.counts {
            let mut now = cache.get(pair).copied().unwrap_or_default();
            now.records += delta.records;
            now.conflicts += delta.conflicts;
            now.staged += delta.staged;
            now.quarantined += delta.quarantined;
            now.waiting += delta.waiting;
            self.batch
                .put(&COUNTERS, &Key::new().text(pair.as_str()), &now);
            after.push((pair.clone(), now));
        }
        self.by_row.put(self.state.store(), &mut self.batch)?;
        for (run, written) in std::mem::take(&mut self.notes).into_runs() {
            let key = Key::new().number(run.0).number(self.state.new_line());
            self.batch.put(&WRITTEN, &key, &written);
        }
        let mut end = lock(self.state.audit_head());
        let chain = self.audit.chain(*end)?;
        for (seq, entry) in &chain.entries {
            self.batch.put(&AUDIT, &Key::new().number(*seq), entry);
        }
        for (seq, row) in &chain.beside {
            self.batch.put(&BESIDE, &key_of(*seq), row);
        }
        if let Some(row) = self.state.digests().to_keep()
            && !chain.entries.is_empty()
        {
            self.batch.put(&BESIDE, &key_of(0), &row);
        }
        for (at, Checkpoint { seq, hash }) in &chain.checkpoints {
            let text = format!("checkpoint of the audit log: entry {seq} is {hash}");
            self.log(*at, Word::Info, None, text);
        }
        match durability {
            Durability::Now => self.state.store().commit(self.batch)?,
            Durability::Soon => self.state.store().apply(self.batch)?,
        }
        cache.extend(after);
        if let Some((seq, entry)) = chain.entries.last() {
            self.state.digests().keep();
            *end = Checkpoint {
                seq: *seq,
                hash: entry.hash,
            };
        }
        // Still under the locks, so that the index sees commits in their order; it takes no other.
        self.state.index().commit(Changes {
            apps: self.apps.values(),
            conflicts: self.conflicts.values(),
            runs: &self.runs,
            pairs: &self.pairs,
        });
        Ok(())
    }

    /// Any other value.
    pub fn put<V: serde::Serialize>(&mut self, table: &Table<V>, key: &[u8], value: &V) {
        self.batch.put(table, key, value);
    }

    /// Deletes any other value.
    pub fn delete<V>(&mut self, table: &Table<V>, key: &[u8]) {
        self.batch.delete(table, key);
    }

    /// Deletes a value that most often is not there: then nothing is written.
    fn clear<V>(&mut self, table: &Table<V>, key: &[u8]) -> Result<(), StoreError> {
        if self.batch.writes(table, key) || self.state.store().contains(table, key)? {
            self.batch.delete(table, key);
        }
        Ok(())
    }

    /// From here on the store no longer says that it was put back.
    pub(super) fn deal_with_put_back(&mut self) {
        self.batch.deal_with_put_back();
    }

    fn count(&mut self, pair: &PairName) -> &mut Counters {
        self.counts.entry(pair.clone()).or_default()
    }

    // ---- App records -------------------------------------------------------------------

    /// An App record.
    pub fn app_record(
        &self,
        table: &TableName,
        id: &AppId,
    ) -> Result<Option<AppRecord>, StoreError> {
        match self.apps.get(&(table.clone(), id.clone())) {
            Some(record) => Ok(Some(record.clone())),
            None => self.state.app_record(table, id),
        }
    }

    /// Changes an App record of a pair; refused when it is not at the expected revision.
    pub fn change_app(&mut self, pair: &PairName, change: &Change) -> Result<AppRecord, AppError> {
        let current = self.app_record(&change.table, &change.id)?;
        let record = self.change_unnoted(pair, current.as_ref(), change)?;
        if let Author::Run(run) = change.by {
            self.notes.changed(run, current.as_ref(), change, &record);
        }
        Ok(record)
    }

    /// The same, without a note by which the run is taken back: somebody else makes that.
    fn change_unnoted(
        &mut self,
        pair: &PairName,
        current: Option<&AppRecord>,
        change: &Change,
    ) -> Result<AppRecord, AppError> {
        let key = crate::appdb::embedded::key(&change.table, &change.id);
        let record = self.state.app().stage(&mut self.batch, current, change)?;
        let live =
            |r: Option<&AppRecord>| i64::from(r.is_some_and(|r| r.presence == Presence::Live));
        self.count(pair).records += live(Some(&record)) - live(current);
        let gone = |r: &AppRecord| r.presence == Presence::Deleted;
        match (current.is_some_and(gone), gone(&record)) {
            (false, true) => self.batch.put(&GONE, &key, &()),
            (true, false) => self.batch.delete(&GONE, &key),
            _ => {}
        }
        if matches!(change.by, Author::Person(_)) {
            if change.expect == Expect::New {
                self.put_unlinked(pair, &change.id);
            }
            self.flag(
                pair,
                0,
                &key,
                FlagSet::Put,
                |s, t| s.app().waits(&t.table, &t.id),
                &record,
            )?;
        }
        self.audit.changed(pair, change, current)?;
        self.apps
            .insert((change.table.clone(), change.id.clone()), record.clone());
        Ok(record)
    }

    /// Takes a record out of the outbox.
    pub fn settle(&mut self, pair: &PairName, record: &AppRecord) -> Result<(), StoreError> {
        let key = crate::appdb::embedded::key(&record.table, &record.id);
        let was = self.flag(
            pair,
            0,
            &key,
            FlagSet::Clear,
            |s, t| s.app().waits(&t.table, &t.id),
            record,
        )?;
        if was {
            self.state
                .app()
                .settle(&mut self.batch, &record.table, &record.id);
        }
        Ok(())
    }

    /// Keeps the count of waiting records right; says whether it was set before.
    fn flag<T>(
        &mut self,
        pair: &PairName,
        space: u8,
        key: &[u8],
        set: FlagSet,
        read: impl FnOnce(&State, &T) -> Result<bool, StoreError>,
        what: &T,
    ) -> Result<bool, StoreError> {
        let at = (space, key.to_vec());
        let was = match self.flags.get(&at) {
            Some(was) => *was,
            None => read(self.state, what)?,
        };
        let is = set == FlagSet::Put;
        if was != is {
            self.count(pair).waiting += if is { 1 } else { -1 };
        }
        self.flags.insert(at, is);
        Ok(was)
    }

    /// Puts a record on the list to reconcile.
    pub fn todo(&mut self, pair: &PairName, id: &AppId) -> Result<(), StoreError> {
        let key = record_key(pair, id);
        let was = self.flag(
            pair,
            1,
            &key,
            FlagSet::Put,
            |s, k: &Key| s.store().contains(&TODO, k),
            &key,
        )?;
        if !was {
            self.batch.put(&TODO, &key, &());
        }
        Ok(())
    }

    /// Takes a record off the list to reconcile.
    pub fn done(&mut self, pair: &PairName, id: &AppId) -> Result<(), StoreError> {
        let key = record_key(pair, id);
        let was = self.flag(
            pair,
            1,
            &key,
            FlagSet::Clear,
            |s, k: &Key| s.store().contains(&TODO, k),
            &key,
        )?;
        if was {
            self.batch.delete(&TODO, &key);
        }
        Ok(())
    }

    // ---- intents -----------------------------------------------------------------------

    /// A new intent id.
    pub fn new_intent_id(&self) -> IntentId {
        self.state.new_intent_id()
    }

    /// Stores an intent.
    pub fn put_intent(&mut self, intent: &Intent) {
        self.intents += 1;
        // The rows of a job that reads are older than this write, and would undo it: what is left
        // of its window is read again.
        self.batch
            .delete(&READ_JOBS, &Key::new().text(intent.pair.as_str()));
        self.batch
            .put(&INTENTS, &Key::new().number(intent.id.0), intent);
        self.batch.put(
            &OPEN_INTENTS,
            &record_key(&intent.pair, &intent.app_id),
            &intent.id,
        );
    }

    /// Closes an intent.
    pub fn close_intent(&mut self, intent: &Intent) {
        self.batch.delete(&INTENTS, &Key::new().number(intent.id.0));
        self.batch
            .delete(&OPEN_INTENTS, &record_key(&intent.pair, &intent.app_id));
    }

    // ---- quarantine, runs, log ---------------------------------------------------------

    /// Puts a record into quarantine, or takes it out.
    pub fn quarantine(
        &mut self,
        pair: &PairName,
        id: &AppId,
        entry: Option<&Quarantined>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = record_key(pair, id);
        let was = match self.flags.get(&(2, key.to_vec())) {
            Some(was) => *was,
            None => self.state.store().contains(&QUARANTINE, &key)?,
        };
        self.flags.insert((2, key.to_vec()), entry.is_some());
        self.count(pair).quarantined += i64::from(entry.is_some()) - i64::from(was);
        if was != entry.is_some() {
            self.audit.aside(pair, id, entry, now);
        }
        match entry {
            Some(entry) => self.batch.put(&QUARANTINE, &key, entry),
            None if was => self.batch.delete(&QUARANTINE, &key),
            None => {}
        }
        Ok(())
    }

    /// Stores a run.
    pub fn put_run(&mut self, run: &Run) {
        self.batch.put(&RUNS, &Key::new().number(run.id.0), run);
        self.runs.push(run.clone());
    }

    /// Stores a pair's mapping.
    pub fn put_pair(&mut self, pair: &Pair) {
        self.batch.put(
            &super::tables::PAIRS,
            &Key::new().text(pair.name.as_str()),
            pair,
        );
        self.pairs.push(pair.clone());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FlagSet {
    Put,
    Clear,
}
