//! What people search and count, in memory: short texts, codes and tallies of all records, open
//! conflicts and runs.
//!
//! Values are sealed in the store, so this is made after it was opened, in the background, and kept
//! current by commits. It answers no question by itself that the store would answer otherwise.
//! Invariants: what is ready agrees with the last commit; its memory has a bound, and what lies
//! beyond it is said to be missing.

mod best;
mod chunk;
mod codes;
mod days;
mod ids;
mod layout;
mod lines;
mod others;
mod plan;
mod shard;
mod small;
mod symbols;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

pub use self::best::Found;
use self::best::best;
pub use self::codes::{Codes, Tally};
pub use self::days::{Day, Days};
pub use self::layout::{Coded, Layout, day_of};
use self::lines::{Order, Slot};
use self::others::{Others, RUNS_KEPT};
use self::plan::Plan;
pub use self::shard::Shard;
use self::shard::Stage;
use crate::appdb::embedded::RECORDS;
use crate::domain::conflict::Conflict;
use crate::domain::filter::Filter;
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Presence};
use crate::domain::run::Run;
use crate::engine::command::Page;
use crate::engine::state::State;
use crate::engine::tables::{OPEN_CONFLICTS, RUNS};
use crate::error::Result;
use crate::store::keys::Key;

/// Records taken in before others get a turn.
const BATCH: usize = 256;
/// Records that are opened without thinking about it.
const FEW: usize = 1_000;

/// How much the index may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Bytes of memory.
    pub bytes: usize,
}

impl Default for Bound {
    fn default() -> Self {
        Self {
            bytes: 256 * 1024 * 1024,
        }
    }
}

/// How much of the records is in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    Whole,
    /// They are being read.
    Reading {
        /// Records so far.
        done: u64,
    },
    /// Only these; the rest is beyond the bound.
    Part {
        /// Records.
        done: u64,
    },
    /// None: nobody asked for it.
    Absent,
}

#[derive(Debug, Default)]
struct Inner {
    shards: BTreeMap<PairName, Shard>,
    others: Option<Others>,
    readings: u64,
}

/// The index. Cheap until it is built.
#[derive(Debug, Default)]
pub struct Index {
    inner: RwLock<Inner>,
    bound: Bound,
}

/// What changed in a commit.
#[derive(Debug)]
pub struct Changes<'a, A, C> {
    /// App records as they are now.
    pub apps: A,
    /// Conflicts as they are now.
    pub conflicts: C,
    /// Runs as they are now.
    pub runs: &'a [Run],
    /// Pairs as they are now.
    pub pairs: &'a [Pair],
}

/// Which records a filter takes, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The index knows it of all: these are of the page.
    Page {
        /// Records of the page.
        ids: Vec<AppId>,
        /// All that are taken.
        total: usize,
    },
    /// Those that are taken, and those that have to be opened to know.
    Candidates(Vec<(AppId, Sure)>),
}

/// Whether a record has to be opened to know whether a filter takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// It is taken.
    Yes,
    /// It has to be opened.
    No,
}

impl Index {
    /// With a bound of its own, for tests.
    pub fn bounded(bound: Bound) -> Self {
        Self {
            bound,
            ..Self::default()
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a commit in. Without an index it costs nothing.
    pub fn commit<'a>(
        &self,
        changes: Changes<
            'a,
            impl Iterator<Item = &'a AppRecord>,
            impl Iterator<Item = &'a Conflict>,
        >,
    ) {
        let mut inner = self.write();
        if inner.others.is_none() {
            return;
        }
        for pair in changes.pairs {
            // What is kept of its records may have become another: it is read again.
            let same = |shard: &Shard| shard.layout == Layout::of(pair);
            if inner.shards.get(&pair.name).is_some_and(|s| !same(s)) {
                inner.shards.remove(&pair.name);
            }
        }
        let over = inner.memory() >= self.bound.bytes;
        for record in changes.apps {
            for shard in inner.shards.values_mut() {
                if shard.layout.table == record.table {
                    if over {
                        shard.keep_to_known(record);
                    }
                    shard.put(record);
                }
            }
        }
        if let Some(others) = &mut inner.others {
            changes.conflicts.for_each(|c| others.put_conflict(c));
            changes.runs.iter().for_each(|run| others.put_run(run));
        }
    }

    /// Reads everything that is not there yet. Blocking, for as long as reading the records takes;
    /// `told` is called now and then with the number of records so far, and stops it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn build(&self, state: &State, told: impl FnMut(u64) -> Go) -> Result<()> {
        self.read_all(state, told).inspect_err(|_| {
            // What is half read would be taken for whole, or never be read again.
            let mut inner = self.write();
            inner.others = None;
            inner.shards.clear();
        })
    }

    fn read_all(&self, state: &State, mut told: impl FnMut(u64) -> Go) -> Result<()> {
        let first = {
            let mut inner = self.write();
            let absent = inner.others.is_none();
            inner.others.get_or_insert_default();
            absent
        };
        if first {
            self.read_others(state)?;
        }
        let mut done = 0;
        for pair in state.pairs()? {
            let Some((pair, reading)) = self.begin(state, &pair.name)? else {
                continue;
            };
            let prefix = Key::new().text(pair.table.as_str());
            let mut batch = Vec::with_capacity(BATCH);
            for row in state.store().scan(&RECORDS, &prefix) {
                let (_, record) = row?;
                if record.presence == Presence::Live {
                    batch.push(record);
                }
                if batch.len() == BATCH {
                    done += BATCH as u64;
                    self.take_in(&pair.name, reading, &mut batch);
                    if told(done) == Go::Stop {
                        return Ok(());
                    }
                }
            }
            self.take_in(&pair.name, reading, &mut batch);
            if let Some(shard) = self.write().shards.get_mut(&pair.name)
                && shard.reading == reading
                && matches!(shard.stage, Stage::Reading(_))
            {
                shard.stage = Stage::Ready;
            }
        }
        Ok(())
    }

    /// An empty shard for a pair that has none, to be filled by the reading of this number.
    fn begin(&self, state: &State, name: &PairName) -> Result<Option<(Pair, u64)>> {
        let mut inner = self.write();
        if inner.shards.contains_key(name) {
            return Ok(None);
        }
        // As it is now: it may have been saved while another pair was read.
        let Some(pair) = state.pair(name)? else {
            return Ok(None);
        };
        inner.readings += 1;
        let shard = Shard::new(Layout::of(&pair), inner.readings);
        inner.shards.insert(pair.name.clone(), shard);
        Ok(Some((pair, inner.readings)))
    }

    fn take_in(&self, pair: &PairName, reading: u64, batch: &mut Vec<AppRecord>) {
        let mut inner = self.write();
        let used: usize = inner.memory();
        let shard = inner.shards.get_mut(pair);
        if let Some(shard) = shard.filter(|s| s.reading == reading) {
            if used >= self.bound.bytes {
                shard.stage = Stage::Full;
            }
            batch.iter().for_each(|record| shard.take_in(record));
        }
        batch.clear();
    }

    fn read_others(&self, state: &State) -> Result<()> {
        // Oldest first, so that the newest stay; a commit meanwhile says the same or something newer.
        let mut keys: Vec<_> = state
            .store()
            .keys(&RUNS, &[])
            .rev()
            .take(RUNS_KEPT)
            .collect();
        keys.reverse();
        for key in keys {
            if let Some(run) = state.store().get(&RUNS, &key?)?
                && let Some(others) = &mut self.write().others
                && others.runs.slot(&others::key(run.id.0)).is_none()
            {
                others.put_run(&run);
            }
        }
        for row in state.store().scan(&OPEN_CONFLICTS, &[]) {
            let (_, ids) = row?;
            for id in ids {
                // Read while no commit can be taken in: one that closes it comes after.
                let mut inner = self.write();
                if let Some(conflict) = state.conflict(id)?
                    && let Some(others) = &mut inner.others
                {
                    others.put_conflict(&conflict);
                }
            }
        }
        Ok(())
    }

    /// How much of a pair's records is here.
    pub fn extent(&self, pair: &PairName) -> Extent {
        let inner = self.read();
        inner.shards.get(pair).map_or(Extent::Absent, Shard::extent)
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        self.read().memory()
    }

    /// Looks at the records of a pair, and at the runs.
    pub fn look<T>(&self, pair: &PairName, look: impl FnOnce(&Shard) -> T) -> Option<T> {
        self.read().shards.get(pair).map(look)
    }

    /// Looks at the trend of the runs.
    pub fn days<T>(&self, look: impl FnOnce(&Days) -> T) -> Option<T> {
        self.read().others.as_ref().map(|o| look(&o.days))
    }

    /// The records of a pair that a filter takes or may take; none when they are not all here, or
    /// when so many would have to be opened that reading them in a row is faster.
    pub fn filter(
        &self,
        pair: &PairName,
        filter: &Filter,
        page: Page,
        now: Timestamp,
    ) -> Option<Taken> {
        let inner = self.read();
        let shard = inner.shards.get(pair)?;
        if !matches!(shard.stage, Stage::Ready) {
            return None;
        }
        let plan = Plan::of(filter, &shard.layout, &shard.codes, now);
        let (mut slots, mut late, mut unsure): (Vec<(Slot, Sure)>, Vec<_>, usize) =
            Default::default();
        let too_many = shard.lines.read(plan.need(), |block, order| {
            for line in block.lines() {
                let sure = match plan.verdict(&shard.codes, &line) {
                    Some(false) => continue,
                    Some(true) => Sure::Yes,
                    None => Sure::No,
                };
                unsure += usize::from(sure == Sure::No);
                if unsure > FEW && unsure * 4 > shard.lines.len() {
                    return ControlFlow::Break(());
                }
                match order {
                    Order::Ids => slots.push((line.slot, sure)),
                    Order::Late => late.push((line.id(), line.slot, sure)),
                }
            }
            ControlFlow::Continue(())
        });
        if too_many.is_some() {
            return None;
        }
        let slots = shard.in_order(slots, late);
        let id = |slot: Slot| AppId::new(shard.lines.id(slot).unwrap_or_default());
        let total = slots.len();
        if unsure == 0 {
            let shown = slots.iter().skip(page.offset).take(page.limit);
            let ids = shown.map(|(slot, _)| id(*slot)).collect();
            return Some(Taken::Page { ids, total });
        }
        let ids = slots.into_iter().map(|(slot, sure)| (id(slot), sure));
        Some(Taken::Candidates(ids.collect()))
    }

    /// Records of a pair in the order of their ids, from a place on; none when they are not all
    /// here.
    pub fn page(&self, pair: &PairName, page: Page) -> Option<Vec<AppId>> {
        let inner = self.read();
        let shard = inner.shards.get(pair)?;
        if !matches!(shard.stage, Stage::Ready) {
            return None;
        }
        let ids = shard.lines.ids(page.offset, page.limit);
        Some(ids.into_iter().map(AppId::new).collect())
    }

    /// The records of a pair that hold all words, best first; at most `most` of them.
    pub fn records(&self, pair: &PairName, words: &[String], most: usize) -> Found<AppId> {
        let inner = self.read();
        let found = inner.shards.get(pair).map(|s| best(&s.lines, words, most));
        found.map_or_else(Found::default, |f| f.map(AppId::new))
    }

    /// The same of open conflicts, by number.
    pub fn conflicts(&self, words: &[String], most: usize) -> Found<u64> {
        let inner = self.read();
        let found = inner
            .others
            .as_ref()
            .map(|o| best(&o.conflicts, words, most));
        found.map_or_else(Found::default, |f| f.numbers())
    }

    /// The same of runs, by number; the newest first.
    pub fn runs(&self, words: &[String], most: usize) -> Found<u64> {
        let inner = self.read();
        let Some(others) = &inner.others else {
            return Found::default();
        };
        let mut found = best(&others.runs, words, usize::MAX).numbers();
        found.ids.sort_unstable_by(|a, b| b.cmp(a));
        found.ids.truncate(most);
        found
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// Go on.
    On,
    /// Stop.
    Stop,
}

impl Inner {
    fn memory(&self) -> usize {
        let shards: usize = self
            .shards
            .values()
            .map(|s| s.lines.memory() + s.codes.memory())
            .sum();
        let others = self.others.as_ref();
        shards + others.map_or(0, |o| o.conflicts.memory() + o.runs.memory())
    }
}
