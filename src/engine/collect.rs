//! Collects writes that may go by a job of the CRM, until there are enough of them
//! (sync-semantics 7.6).
//!
//! The org works on a job when it likes, perhaps hours later, and a job knows no condition. So
//! only what needs no guard goes by one (sync-semantics 8.2): creates, which carry our unique key,
//! and changes of rows that only go to the CRM or of a pair whose guard is `none`. What stays with
//! calls: guarded changes; deletes, rechecked changes and creates that were given up before, which are read right before; decisions of people; values that
//! a job cannot say. Nothing is ever sent as an upsert, which would change a record that somebody
//! else made with our key. Invariant: a record belongs to a collection from the transaction that
//! makes its intent to the one that closes it or takes it out, so a collection whose job was not
//! made yet was certainly not sent.

use crate::crm::MAX_COLLECTION;
use crate::crm::bulk::{self, WriteWay};
use crate::domain::id::IntentId;
use crate::store::keys::Key;

use super::cx::RunCx;
use super::journal;
use super::tables::{
    INTENTS, Intent, IntentState, JOB_ROWS, JobOp, JobRow, JobStage, Op, RowKey, WRITE_JOBS,
    WriteJob,
};
use super::tx::{Durability, Tx};
use super::work::{Step, Work, Writes};

/// What a run has collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    wanted: Wanted,
    heaps: Vec<Heap>,
}

/// Whether a run writes by jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wanted {
    #[default]
    No,
    Yes,
}

/// A collection that still grows.
#[derive(Debug, Clone, Copy)]
struct Heap {
    number: u64,
    op: Op,
    records: usize,
    bytes: usize,
}

/// Which collections are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// Those that are as big as a job may be.
    Full,
    /// All.
    All,
}

/// A part of a collection: its key, and its records in the order of the upload.
pub(super) type Part = (Vec<u8>, Vec<JobRow>);

/// The write as a record of a job, if it may be one.
fn row_of(cx: &RunCx, intent: &Intent) -> Option<JobRow> {
    let key = match intent.op {
        Op::Create => RowKey::Own(intent.sync_key.clone()?),
        Op::Update => RowKey::Crm(intent.crm_id?),
        Op::Delete => return None,
    };
    let free = intent.unmodified_since.is_none()
        && !cx.rechecks(intent)
        && intent.resolves.is_empty()
        && intent.app_fields.is_empty();
    (free && bulk::fits(&intent.fields)).then_some(JobRow {
        intent: intent.id,
        key,
    })
}

/// Whether an intent is the one of a record: ids are not enough for what writes.
fn belongs(intent: &Intent, row: &JobRow) -> bool {
    match &row.key {
        RowKey::Own(key) => intent.op == Op::Create && intent.sync_key.as_ref() == Some(key),
        RowKey::Crm(id) => intent.op == Op::Update && intent.crm_id == Some(*id),
    }
}

impl Work {
    /// Collects from here on if so many records may be worth a job. Who has fewer written together
    /// spares the org's automation: a job hands it 200 at a time.
    pub(super) fn collect_if_worth(&mut self, waiting: u64) {
        if let Writes::Rehearsed(_) = self.tools.writes {
            // A rehearsal makes no job, and its plan has every write.
            return;
        }
        let usage = self.tools.crm.usage();
        let way = bulk::write_way(waiting, usage, self.cx.settings.writes);
        if way == WriteWay::Job && self.cx.settings.batch >= MAX_COLLECTION {
            self.collected.wanted = Wanted::Yes;
        }
    }

    /// From here on this run writes by calls.
    pub(super) fn no_more_jobs(&mut self) {
        self.collected.wanted = Wanted::No;
    }

    /// Takes the writes that may go by a job out of those to be sent. Gives how many.
    pub(super) fn collect(&mut self, tx: &mut Tx<'_>, writes: &mut Vec<Intent>) -> usize {
        if self.collected.wanted == Wanted::No {
            return 0;
        }
        let mut rest = Vec::new();
        let (mut creates, mut updates) = (Vec::new(), Vec::new());
        for intent in std::mem::take(writes) {
            let heap = match intent.op {
                Op::Create => &mut creates,
                Op::Update | Op::Delete => &mut updates,
            };
            // What is looked for right before is not left to a job.
            let looked_for =
                self.tried.contains(&intent.id) || (intent.op == Op::Create && self.leaves_out());
            let row = row_of(&self.cx, &intent).filter(|_| !looked_for);
            match row {
                Some(row) => heap.push((row, bulk::weight(&intent.fields))),
                None => rest.push(intent),
            }
        }
        *writes = rest;
        let taken = creates.len() + updates.len();
        if let Some(key) = self.cx.pair.pair.key_field.clone() {
            self.heap_up(tx, &JobOp::Create(key), creates);
        }
        self.heap_up(tx, &JobOp::Update, updates);
        taken
    }

    fn heap_up(&mut self, tx: &mut Tx<'_>, op: &JobOp, rows: Vec<(JobRow, usize)>) {
        let Some((first, _)) = rows.first() else {
            return;
        };
        let at = self.collected.heaps.iter().position(|h| h.op == op.op());
        let mut heap = match at {
            Some(at) => self.collected.heaps.remove(at),
            None => {
                let number = first.intent.0;
                let kept = WriteJob {
                    op: op.clone(),
                    stage: JobStage::Collected,
                };
                tx.put(&WRITE_JOBS, &self.job_key(number), &kept);
                Heap {
                    number,
                    op: op.op(),
                    records: 0,
                    bytes: 0,
                }
            }
        };
        let part = self.job_key(heap.number).number(heap.records as u64);
        heap.records += rows.len();
        heap.bytes += rows.iter().map(|(_, bytes)| bytes).sum::<usize>();
        let rows: Vec<JobRow> = rows.into_iter().map(|(row, _)| row).collect();
        tx.put(&JOB_ROWS, &part, &rows);
        self.collected.heaps.push(heap);
    }

    /// Writes what was collected: by a job if there is enough of it.
    pub(super) fn write_collected(&mut self, ready: Ready) -> Step<()> {
        let sizes = self.cx.settings.writes;
        let full = |heap: &Heap| heap.records >= sizes.records || heap.bytes >= sizes.bytes;
        while let Some(at) = {
            let mut heaps = self.collected.heaps.iter();
            heaps.position(|heap| ready == Ready::All || full(heap))
        } {
            let heap = self.collected.heaps.remove(at);
            let usage = self.tools.crm.usage();
            let enough =
                full(&heap) || bulk::write_way(heap.records as u64, usage, sizes) == WriteWay::Job;
            if enough && self.collected.wanted == Wanted::Yes {
                self.by_job(heap.number)?;
            } else {
                self.by_calls(heap.number)?;
            }
        }
        Ok(())
    }

    /// Ends the collecting; what is still collected goes back to the list.
    pub(super) fn stop_collecting(&mut self) -> Step<()> {
        self.collected = Collected::default();
        for (number, kept) in self.write_jobs()? {
            if kept.stage == JobStage::Collected {
                self.give_back_collected(number)?;
            }
        }
        Ok(())
    }

    /// What was never sent goes back to the list.
    pub(super) fn give_back_collected(&mut self, number: u64) -> Step<()> {
        let state = self.state();
        for (key, rows) in self.job_parts(number)? {
            let intents = self.intents_of(&rows)?;
            let mut tx = state.begin();
            for intent in intents.iter().flatten() {
                journal::not_sent(&mut tx, intent, self.now())?;
            }
            tx.delete(&JOB_ROWS, &key);
            self.commit(tx, Durability::Soon)?;
        }
        self.forget_write_job(number, Durability::Now)
    }

    /// Takes records out of a collection, part by part, and writes them without a job. What has
    /// to be planned again is on the list.
    pub(super) fn by_calls(&mut self, number: u64) -> Step<()> {
        let state = self.state();
        for (key, rows) in self.job_parts(number)? {
            self.boundary()?;
            let mut intents: Vec<Intent> = self.intents_of(&rows)?.into_iter().flatten().collect();
            let mut tx = state.begin();
            self.may_be_sent(&mut tx, &mut intents);
            tx.delete(&JOB_ROWS, &key);
            self.commit(tx, Durability::Now)?;
            self.send(intents)?;
        }
        self.forget_write_job(number, Durability::Soon)
    }

    /// Only from now on may these have been sent by calls, whenever they were made.
    pub(super) fn sending(&mut self, intents: &mut [Intent]) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        self.may_be_sent(&mut tx, intents);
        self.commit(tx, Durability::Now)
    }

    fn may_be_sent(&self, tx: &mut Tx<'_>, intents: &mut [Intent]) {
        let at = self.sent_now();
        for intent in intents {
            intent.state = IntentState::Sending { at };
            tx.put_intent(intent);
        }
    }

    // ---- how it is kept ----------------------------------------------------------------

    /// Key of a job that writes.
    pub(super) fn job_key(&self, number: u64) -> Key {
        self.mark_key().number(number)
    }

    /// The jobs of this pair that are not settled, oldest first.
    pub(super) fn write_jobs(&self) -> Step<Vec<(u64, WriteJob)>> {
        let mut jobs = Vec::new();
        let prefix = self.mark_key();
        for row in self.tools.state.store().scan(&WRITE_JOBS, &prefix) {
            let (key, job) = row?;
            let number = key.get(prefix.len()..).map(crate::store::keys::Parts::of);
            if let Some(Ok(number)) = number.map(|mut parts| parts.number()) {
                jobs.push((number, job));
            }
        }
        Ok(jobs)
    }

    /// A job as it is kept.
    pub(super) fn write_job(&self, number: u64) -> Step<Option<WriteJob>> {
        let store = self.tools.state.store();
        Ok(store.get(&WRITE_JOBS, &self.job_key(number))?)
    }

    /// The records of a job, in the order of the upload.
    pub(super) fn job_parts(&self, number: u64) -> Step<Vec<Part>> {
        let store = self.tools.state.store();
        let parts = store.scan(&JOB_ROWS, &self.job_key(number));
        let parts = parts.map(|row| row.map(|(key, rows)| (key.to_vec(), rows)));
        Ok(parts.collect::<Result<_, _>>()?)
    }

    /// The intents of records, where they are still open.
    pub(super) fn intents_of(&self, rows: &[JobRow]) -> Step<Vec<Option<Intent>>> {
        let store = self.tools.state.store();
        let mut intents = Vec::with_capacity(rows.len());
        for row in rows {
            let IntentId(id) = row.intent;
            let intent = store.get(&INTENTS, &Key::new().number(id))?;
            intents.push(
                intent.filter(|intent: &Intent| {
                    intent.pair == *self.cx.name() && belongs(intent, row)
                }),
            );
        }
        Ok(intents)
    }

    /// Forgets a job and which records it has.
    pub(super) fn forget_write_job(&mut self, number: u64, durability: Durability) -> Step<()> {
        let keys: Vec<Vec<u8>> = {
            let store = self.tools.state.store();
            let keys = store.keys(&JOB_ROWS, &self.job_key(number));
            keys.map(|key| key.map(|key| key.to_vec()))
                .collect::<Result<_, _>>()?
        };
        let state = self.state();
        let mut tx = state.begin();
        for key in keys {
            tx.delete(&JOB_ROWS, &key);
        }
        tx.delete(&WRITE_JOBS, &self.job_key(number));
        self.commit(tx, durability)
    }
}
