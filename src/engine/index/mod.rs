//! What people search and count, in memory: short texts, codes and tallies of all records, open
//! conflicts and runs.
//!
//! Values are sealed in the store, so this is made after it was opened, in the background, and kept
//! current by commits. It answers no question by itself that the store would answer otherwise.
//! Invariants: what is ready agrees with the last commit; its memory has a bound, and what lies
//! beyond it is said to be missing.

mod codes;
mod days;
mod layout;
mod lines;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

pub use self::codes::{Codes, Tally};
pub use self::days::{Day, Days};
pub use self::layout::{Coded, Layout, day_of};
use self::lines::{Lines, PART, Put, Slot};
use self::plan::Plan;
use crate::appdb::embedded::RECORDS;
use crate::domain::conflict::Conflict;
use crate::domain::filter::Filter;
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Presence};
use crate::domain::run::Run;
use crate::domain::text::fold;
use crate::engine::command::Page;
use crate::engine::state::State;
use crate::engine::tables::{OPEN_CONFLICTS, RUNS};
use crate::error::Result;
use crate::store::keys::Key;

/// Records taken in before others get a turn.
const BATCH: usize = 256;
/// Records that are opened without thinking about it.
const FEW: usize = 1_000;
/// Runs that can be found by searching: the newest.
const RUNS_KEPT: usize = 20_000;

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

/// The records of one pair.
#[derive(Debug)]
pub struct Shard {
    /// What is kept.
    pub layout: Layout,
    /// Codes and tallies.
    pub codes: Codes,
    lines: Lines,
    stage: Stage,
    /// Which reading it belongs to: another one does not fill it.
    reading: u64,
}

#[derive(Debug)]
enum Stage {
    /// Records that went meanwhile must not come back.
    Reading(HashSet<AppId>),
    Ready,
    Full,
}

impl Shard {
    fn new(layout: Layout, reading: u64) -> Self {
        Self {
            reading,
            codes: Codes::new(&layout),
            layout,
            lines: Lines::default(),
            stage: Stage::Reading(HashSet::new()),
        }
    }

    fn extent(&self) -> Extent {
        let done = self.lines.len() as u64;
        match self.stage {
            Stage::Reading(_) => Extent::Reading { done },
            Stage::Ready => Extent::Whole,
            Stage::Full => Extent::Part { done },
        }
    }

    /// A record as it is since a commit.
    fn put(&mut self, record: &AppRecord) {
        let id = record.id.as_str();
        if record.presence == Presence::Deleted {
            if let Some(slot) = self.lines.remove(id) {
                self.codes.remove(slot);
            }
            if let Stage::Reading(gone) = &mut self.stage {
                gone.insert(record.id.clone());
            }
            return;
        }
        if matches!(self.stage, Stage::Full) && self.lines.slot(id).is_none() {
            return;
        }
        match self.lines.put(id, &self.layout.text(record)) {
            Put::New(slot) => self.codes.put(&self.layout, slot, record),
            Put::Replaced(slot) => {
                self.codes.remove(slot);
                self.codes.put(&self.layout, slot, record);
            }
            Put::Full => self.stage = Stage::Full,
        }
    }

    /// A record as it was stored some time ago: what a commit said since is newer.
    fn take_in(&mut self, record: &AppRecord) {
        let gone = matches!(&self.stage, Stage::Reading(gone) if gone.contains(&record.id));
        if !gone && self.lines.slot(record.id.as_str()).is_none() {
            self.put(record);
        }
    }
}

/// Open conflicts or runs: only their texts.
#[derive(Debug, Default)]
struct Others {
    conflicts: Lines,
    runs: Lines,
    newest_run: u64,
    days: Days,
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

/// The best of what was found, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<I> {
    /// Ids, best first.
    pub ids: Vec<I>,
    /// All that match.
    pub total: u64,
}

impl<I> Default for Found<I> {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            total: 0,
        }
    }
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
        for record in changes.apps {
            for shard in inner.shards.values_mut() {
                if shard.layout.table == record.table {
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
    pub fn build(&self, state: &State, mut told: impl FnMut(u64) -> Go) -> Result<()> {
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
            let Some(reading) = self.begin(&pair) else {
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
    fn begin(&self, pair: &Pair) -> Option<u64> {
        let mut inner = self.write();
        if inner.shards.contains_key(&pair.name) {
            return None;
        }
        inner.readings += 1;
        let shard = Shard::new(Layout::of(pair), inner.readings);
        inner.shards.insert(pair.name.clone(), shard);
        Some(inner.readings)
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
                && others.runs.slot(&run.id.to_string()).is_none()
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
        let (mut slots, mut unsure): (Vec<(Slot, Sure)>, usize) = (Vec::new(), 0);
        for (slot, id, text) in shard.lines.iter() {
            let sure = match plan.verdict(&shard.codes, slot, id, text) {
                Some(false) => continue,
                Some(true) => Sure::Yes,
                None => Sure::No,
            };
            unsure += usize::from(sure == Sure::No);
            if unsure > FEW && unsure * 4 > shard.lines.len() {
                return None;
            }
            slots.push((slot, sure));
        }
        let id = |slot: &Slot| shard.lines.id(*slot).unwrap_or_default();
        let by_id = |(a, _): &(Slot, Sure), (b, _): &(Slot, Sure)| id(a).cmp(id(b));
        let total = slots.len();
        if unsure == 0 {
            // Only the page has to be in order, and to be apart from the rest.
            let from = page.offset.min(total);
            let to = page.offset.saturating_add(page.limit).min(total);
            if to < total {
                slots.select_nth_unstable_by(to, by_id);
                slots.truncate(to);
            }
            if from > 0 && from < to {
                slots.select_nth_unstable_by(from, by_id);
            }
            let mut slots = slots.split_off(from);
            slots.sort_unstable_by(by_id);
            let ids = slots.iter().map(|(slot, _)| AppId::new(id(slot))).collect();
            return Some(Taken::Page { ids, total });
        }
        slots.sort_unstable_by(by_id);
        let ids = slots
            .iter()
            .map(|(slot, sure)| (AppId::new(id(slot)), *sure));
        Some(Taken::Candidates(ids.collect()))
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

impl Others {
    fn put_conflict(&mut self, conflict: &Conflict) {
        let id = conflict.id.to_string();
        if !conflict.state.is_open() {
            self.conflicts.remove(&id);
            return;
        }
        let mut text = format!("{}{PART}{}", conflict.pair, conflict.app_id);
        for value in conflict.app.iter().chain(&conflict.crm).flatten() {
            text.push(PART);
            text.extend(value.to_string().chars().take(200));
        }
        self.conflicts.put(&id, &one_line(&text));
    }

    fn put_run(&mut self, run: &Run) {
        self.days.put(run);
        let failure = run.failure.as_ref();
        let why = failure.map_or(String::new(), |f| {
            format!("{PART}{}{PART}{}", f.code, f.what)
        });
        let text = format!("{}{PART}{}{PART}{}{why}", run.id, run.pair, run.word());
        self.runs.put(&run.id.to_string(), &one_line(&text));
        self.newest_run = self.newest_run.max(run.id.0);
        if self.runs.len() > RUNS_KEPT
            && let Some(old) = self.newest_run.checked_sub(RUNS_KEPT as u64)
        {
            self.runs.remove(&old.to_string());
        }
    }
}

fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != PART { ' ' } else { c };
    fold(text).chars().map(plain).collect()
}

impl Found<String> {
    fn map<I>(self, make: impl Fn(String) -> I) -> Found<I> {
        Found {
            ids: self.ids.into_iter().map(make).collect(),
            total: self.total,
        }
    }

    fn numbers(self) -> Found<u64> {
        Found {
            ids: self.ids.iter().filter_map(|id| id.parse().ok()).collect(),
            total: self.total,
        }
    }
}

/// How well a text fits words: one that begins with the first word before one that has a word that
/// begins so, and that before one that holds it somewhere.
fn rank(text: &str, first: &str) -> u8 {
    let Some(at) = text.find(first) else {
        return 3;
    };
    let before = text.get(..at).and_then(|head| head.chars().next_back());
    match before {
        None => 0,
        Some(c) if !c.is_alphanumeric() => 1,
        Some(_) => 2,
    }
}

/// The best of the texts that hold all words.
fn best(lines: &Lines, words: &[String], most: usize) -> Found<String> {
    let Some(first) = words.first() else {
        return Found::default();
    };
    let mut by_rank: [Vec<Slot>; 4] = Default::default();
    let mut total = 0;
    for (slot, id, text) in lines.iter() {
        // Ids are found by how they begin: their letters say nothing.
        let is_id = |word: &str| word.len() >= 4 && fold(id).starts_with(word);
        let holds = |word: &String| text.contains(word.as_str()) || is_id(word);
        if !words.iter().all(holds) {
            continue;
        }
        total += 1;
        if let Some(rank) = by_rank.get_mut(usize::from(rank(text, first)))
            && rank.len() < most
        {
            rank.push(slot);
        }
    }
    let slots = by_rank.iter().flatten().take(most);
    let ids = slots.filter_map(|slot| lines.id(*slot));
    Found {
        ids: ids.map(str::to_owned).collect(),
        total,
    }
}
