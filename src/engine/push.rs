//! Compares what changed in the App, and decides what is written to the CRM.
//!
//! Sends nothing itself. Invariant: a record leaves the outbox and the list only when there is
//! nothing left to do for it, or when what is left waits for something that brings it back.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;

use crate::appdb::AppDb as _;
use crate::appdb::embedded::ids_after;
use crate::crm::MAX_RETRIEVE;
use crate::domain::conflict::Kind;
use crate::domain::id::{AppId, CrmId, FieldName};
use crate::domain::mapping::Row;
use crate::domain::reconcile::{cell_of, same_cell};
use crate::domain::record::{LinkState, Source};
use crate::domain::run::{Phase, ResultKind};
use crate::domain::transform::Side;
use crate::domain::value::Fields;

use super::collect::Ready;
use super::conflicts::{self, Sides};
use super::ingest::new_link;
use super::journal;
use super::matcher::Matcher;
use super::planner::{self, Write};
use super::tables::{Intent, MAY_COME, TODO, sync_key_key};
use super::tally::Record;
use super::tx::{Durability, Known, Tx};
use super::unreachable;
use super::work::{Step, Work, Writes};

/// Times a record is read or planned again before it is left for the next run: a read before each
/// of the writes that make a record a hot one.
const ROUNDS: usize = 2 * HOT as usize + 1;
/// Failed preconditions in a row that make a record a hot one (sync-semantics 8.2).
const HOT: u32 = 5;
/// Passes over the list, for records that wait for one of the same pair.
const PASSES: usize = 3;

/// A chunk of records, planned.
#[derive(Debug, Default)]
pub(super) struct ToSend {
    /// Intents to send.
    pub(super) writes: Vec<Intent>,
    /// Records that have to be read first.
    pub(super) reads: Vec<(AppId, CrmId)>,
    /// How many writes wait for a job.
    collected: usize,
}

impl Work {
    /// Works off the outbox and the list.
    pub(super) fn push(&mut self) -> Step<()> {
        self.brake()?;
        let name = self.cx.name().clone();
        let waiting = self.tools.state.counters(&name).waiting;
        let waiting = u64::try_from(waiting).ok();
        self.phase(Phase::Write, waiting);
        self.collect_if_worth(waiting.unwrap_or_default());
        let pushed = self.push_waiting();
        match (pushed, self.stop_collecting()) {
            (Err(stop), Err(also)) => {
                tracing::debug!(target: "engine", ?also, "the next run gives back what is collected");
                Err(stop)
            }
            (ended, stopped) => ended.and(stopped),
        }
    }

    fn push_waiting(&mut self) -> Step<()> {
        let name = self.cx.name().clone();
        let state = self.state();
        let table = self.cx.pair.pair.table.clone();
        // As many as all lanes take at once.
        let batch = self.cx.settings.batch * self.cx.settings.lanes.max(1);
        let mut after = None;
        loop {
            let ids = state.app().waiting(&table, after.as_ref(), batch)?;
            let Some(last) = ids.last().cloned() else {
                break;
            };
            self.work_off(ids)?;
            self.write_collected(Ready::Full)?;
            after = Some(last);
        }
        self.write_collected(Ready::All)?;
        for _ in 0..PASSES {
            let before = self.run.counts.pushed;
            let mut after = None;
            loop {
                let ids = ids_after(state.store(), &TODO, name.as_str(), after.as_ref(), batch)?;
                let Some(last) = ids.last().cloned() else {
                    break;
                };
                self.work_off(ids)?;
                self.write_collected(Ready::Full)?;
                after = Some(last);
            }
            self.write_collected(Ready::All)?;
            if self.run.counts.pushed == before {
                break;
            }
        }
        Ok(())
    }

    /// Plans and writes these records until nothing is left or they keep moving.
    pub(super) fn work_off(&mut self, ids: Vec<AppId>) -> Step<()> {
        let mut untold = ids.len();
        let mut ids = ids;
        for _ in 0..ROUNDS {
            self.boundary()?;
            let mut planned = ToSend::default();
            for ids in ids.chunks(self.cx.settings.batch) {
                self.plan(ids, &mut planned)?;
            }
            untold = untold.saturating_sub(planned.collected);
            ids = planned.reads.iter().map(|(id, _)| id.clone()).collect();
            if !planned.writes.is_empty() {
                let sent = planned.writes.len();
                let again = self.send(planned.writes)?;
                untold = untold.saturating_sub(sent.saturating_sub(again.len()));
                ids.extend(again);
            }
            if !planned.reads.is_empty() {
                let reads: Vec<CrmId> = planned.reads.iter().map(|(_, id)| *id).collect();
                self.read_settled(&reads)?;
            }
            if ids.is_empty() {
                break;
            }
        }
        self.leave(&ids)?;
        self.advance(untold);
        Ok(())
    }

    /// What could not be finished now stays on the list.
    pub(super) fn leave(&mut self, ids: &[AppId]) -> Step<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let mut tx = state.begin();
        for id in ids {
            tx.todo(self.cx.name(), id)?;
            self.put_off(
                &mut tx,
                id,
                "it keeps changing in Salesforce; the next run goes on",
            )?;
        }
        self.commit(tx, Durability::Soon)
    }

    pub(super) fn put_off(&self, tx: &mut Tx<'_>, id: &AppId, why: &str) -> Step<()> {
        self.put_off_as(tx, id.clone(), None, why)
    }

    /// Plans records in one durable transaction; writes come back as intents.
    fn plan(&mut self, ids: &[AppId], planned: &mut ToSend) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        let mut more = ToSend::default();
        for id in ids {
            self.plan_one(&mut tx, id, &mut more)?;
        }
        planned.collected += self.collect(&mut tx, &mut more.writes);
        let durability = if more.writes.is_empty() {
            Durability::Soon
        } else {
            Durability::Now
        };
        self.commit(tx, durability)?;
        planned.writes.append(&mut more.writes);
        planned.reads.append(&mut more.reads);
        Ok(())
    }

    pub(super) fn plan_one(
        &mut self,
        tx: &mut Tx<'_>,
        id: &AppId,
        planned: &mut ToSend,
    ) -> Step<()> {
        let now = self.now();
        let name = self.cx.name().clone();
        if tx.state().open_intent(&name, id)?.is_some() {
            // Its outcome is not known yet; it stays on the list.
            return self.put_off(tx, id, "an earlier write is still being checked");
        }
        let app = tx.app_record(&self.cx.pair.pair.table, id)?;
        let link = match tx.link(&name, id)? {
            Some(link) => link,
            None if app.is_some() => new_link(&self.cx, id),
            None => {
                tx.done(&name, id)?;
                return Ok(());
            }
        };
        let was = link.crm_id;
        let tried = match link.sync_key.as_ref().filter(|_| was.is_none()) {
            Some(key) => tx
                .state()
                .store()
                .contains(&MAY_COME, &sync_key_key(&name, key))?,
            None => false,
        };
        let mut done = planner::reconcile(tx, &self.cx, link, was, now)?;
        if done.put_off.is_some() {
            return self.put_off(tx, id, "very many records would be written like it");
        }
        if done.is_unfinished() {
            // What of it is done has its result; what it comes to in the end is joined with that.
            self.count(tx, Some(id.clone()), was, &done, Record::Each)?;
        }
        if let Some(crm) = done.needs_read {
            planned.reads.push((id.clone(), crm));
            return Ok(());
        }
        if let Some(crm) = done.unreachable {
            tx.todo(&name, id)?;
            if !unreachable::was_asked_for(tx, &self.cx, &crm)? {
                planned.reads.push((id.clone(), crm));
                return Ok(());
            }
            let why = "Salesforce does not show it; nothing is written until it does";
            return self.put_off(tx, id, why);
        }
        if let Some(mut write) = done.write.take() {
            if done.waits {
                // Its parent may come while this is under way: it is compared again after it.
                write.app_rev = journal::IN_PART;
            }
            let before = planned.writes.len();
            self.intend(tx, &write, planned)?;
            if tried {
                let made = planned.writes.iter().skip(before);
                self.tried.extend(made.map(|intent| intent.id));
            }
            return Ok(());
        }
        if let Some(field) = &done.lacks {
            // It waits for the org now. What it was refused with before says nothing of then: the
            // fields may be described as they were at that time when it is tried again.
            if tx.state().quarantined(&name, id)?.is_some() {
                tx.quarantine(&name, id, None, now)?;
            }
            tx.todo(&name, id)?;
            let why = format!("Salesforce wants {field} in new records, and no row writes it");
            return self.put_off(tx, id, &why);
        }
        if let Some(why) = self.waiting_edit(tx, id)? {
            tx.todo(&name, id)?;
            return self.put_off(tx, id, &why);
        }
        self.count(tx, Some(id.clone()), was, &done, Record::Each)?;
        tx.done(&name, id)?;
        if let Some(app) = tx.app_record(&self.cx.pair.pair.table, id)? {
            tx.settle(&name, &app)?;
        }
        Ok(())
    }

    /// Why an edit waits: its field in the CRM is not shown, not there any more, or takes no value.
    /// None when no App side moved since both sides agreed on such a field.
    fn waiting_edit(&self, tx: &Tx<'_>, id: &AppId) -> Step<Option<String>> {
        let Some(link) = tx.link(self.cx.name(), id)? else {
            return Ok(None);
        };
        let (Some(seen), LinkState::Active) = (&link.seen, link.state) else {
            return Ok(None);
        };
        let pair = &self.cx.pair.pair;
        let writing = pair.active().filter(|row| row.flow.writes(Side::Crm));
        let shown = |field: &FieldName| {
            seen.fields.contains_key(field) && self.object.field(field.as_str()).is_some()
        };
        let is_shut = |row: &Row| self.cx.pair.shut().any(|(id, _)| id == row.id);
        let hidden = |row: &&Row| !row.crm.iter().all(shown) || is_shut(row);
        let mut rows = writing.filter(hidden).peekable();
        if rows.peek().is_none() {
            return Ok(None);
        }
        let Some(app) = tx.app_record(&pair.table, id)? else {
            return Ok(None);
        };
        let moved = rows.find(|row| {
            let kinds: Vec<_> = row.app.iter().map(|f| pair.app_kind(f)).collect();
            let cell = cell_of(Side::App, &row.app, &app.fields);
            let base = link.bases.get(&row.id);
            base.zip(cell)
                .is_some_and(|(base, is)| !same_cell(&kinds, &is, &base.app))
        });
        Ok(moved.map(|row| {
            let how = match row.crm.iter().all(shown) {
                true => "take a value for",
                false => "show",
            };
            let field = row.label(Side::Crm);
            format!("Salesforce does not {how} {field}; it is written when it does")
        }))
    }

    /// Makes an intent of a write, unless the same write was refused before: of one that was refused
    /// in part, of the rest.
    fn intend(&mut self, tx: &mut Tx<'_>, write: &Write, planned: &mut ToSend) -> Step<()> {
        let write = match self.refused_before(tx, write)? {
            Refused::Not => Cow::Borrowed(write),
            Refused::Part(bad) => match self.without_bad(write, &bad) {
                Some(rest) => {
                    self.dropped.insert(write.app_id.clone(), bad);
                    Cow::Owned(rest)
                }
                None => return self.rests(tx, write),
            },
            Refused::Whole => return self.rests(tx, write),
        };
        if let Some(code) = self.circuit.stops(write.op) {
            let why = format!("very many were refused with {code} before it; the next run goes on");
            tx.todo(self.cx.name(), &write.app_id)?;
            return self.put_off(tx, &write.app_id, &why);
        }
        let at = self.sent_now();
        let intent = journal::intend(tx, &self.cx, &write, at);
        planned.writes.push(intent);
        Ok(())
    }

    /// Nothing of it is sent before something about it changes.
    fn rests(&mut self, tx: &mut Tx<'_>, write: &Write) -> Step<()> {
        let (id, name) = (&write.app_id, self.cx.name());
        tx.file(self.run.id, id, ResultKind::Skipped, Known::Perhaps)?;
        tx.done(name, id)?;
        if let Some(app) = tx.app_record(&self.cx.pair.pair.table, id)? {
            tx.settle(name, &app)?;
        }
        Ok(())
    }

    fn refused_before(&self, tx: &Tx<'_>, write: &Write) -> Step<Refused> {
        let name = self.cx.name();
        let aside = tx.state().quarantined(name, &write.app_id)?;
        let version = self.cx.pair.pair.version;
        let Some(aside) = aside.filter(|aside| aside.mapping_version == version) else {
            return Ok(Refused::Not);
        };
        let link = tx.link(name, &write.app_id)?;
        let touched = journal::touched(&self.cx, link.as_ref().and_then(|l| l.seen.as_ref()));
        let named = &aside.failure.fields;
        let is = |fields| {
            let hash = journal::payload_hash(write.op, fields, &self.object, named, touched);
            hash == aside.payload
        };
        let bad = self.bad_part(write.op, &write.fields, &aside.failure.code, named);
        Ok(match bad.is_empty() {
            false if is(&bad) => Refused::Part(bad),
            true if is(&write.fields) => Refused::Whole,
            _ => Refused::Not,
        })
    }

    /// Reads records until each answer is old enough to be a precondition, and takes them in.
    pub(super) fn read_settled(&mut self, ids: &[CrmId]) -> Step<()> {
        let settle = self.cx.settings.settle;
        let wait = self.read_back(ids, Source::Probe, settle)?;
        if wait > SignedDuration::ZERO {
            self.sleep(Duration::try_from(wait.min(settle)).unwrap_or_default())?;
            self.read_back(ids, Source::Probe, settle)?;
        }
        Ok(())
    }

    /// Reads records and takes them in. Says how long to wait until every answer is settled.
    pub(super) fn read_back(
        &mut self,
        ids: &[CrmId],
        source: Source,
        settle: SignedDuration,
    ) -> Step<SignedDuration> {
        let state = self.state();
        let matcher = Matcher::default();
        let mut wait = SignedDuration::ZERO;
        for ids in ids.chunks(MAX_RETRIEVE) {
            let got = self.read(self.tools.crm.retrieve(&self.object, ids, &self.fields))?;
            self.measure_clock(got.at);
            self.hear(got.at);
            let mut rows = ids.iter().zip(got.rows).peekable();
            while rows.peek().is_some() {
                let mut tx = state.begin();
                while tx.len() < super::work::FULL
                    && let Some((id, row)) = rows.next()
                {
                    let Some(row) = row else {
                        let now = self.now();
                        unreachable::missed(&mut tx, &self.cx, *id, now)?;
                        continue;
                    };
                    let since = got.at.duration_since(row.stamp.max(row.modified));
                    wait = wait.max(settle - since);
                    self.take_back(&mut tx, &matcher, row, got.at, source)?;
                }
                self.commit(tx, Durability::Soon)?;
            }
        }
        Ok(wait)
    }

    /// Takes in a record that was read on purpose. It is counted where it is planned.
    pub(super) fn take_back(
        &mut self,
        tx: &mut Tx<'_>,
        matcher: &Matcher,
        row: crate::crm::CrmRow,
        at: jiff::Timestamp,
        source: Source,
    ) -> Step<()> {
        let now = self.now();
        let id = row.id;
        let taken = super::ingest::ingest(tx, &self.cx, matcher, row, at, source, now)?;
        if let super::ingest::Ingested::Done(done) = taken
            && (done.pulled || done.conflicts > 0 || done.failure.is_some())
        {
            let app_id = tx.by_crm(self.cx.name(), &id)?;
            self.count(tx, app_id, Some(id), &done, Record::Each)?;
        }
        Ok(())
    }

    /// Reads back everything that was written since the last time.
    pub(super) fn confirm(&mut self) -> Step<()> {
        if self.written.is_empty() {
            return Ok(());
        }
        self.phase(Phase::Confirm, Some(self.written.len() as u64));
        let ids = std::mem::take(&mut self.written);
        if let Writes::Rehearsed(calls) = &self.tools.writes {
            // There is nothing to read back yet.
            let reads = ids.len().div_ceil(MAX_RETRIEVE) as u64;
            calls.fetch_add(reads, Ordering::Relaxed);
            return Ok(());
        }
        self.read_back(&ids, Source::ReadBack, SignedDuration::ZERO)?;
        self.advance(ids.len());
        Ok(())
    }

    /// Counts a failed precondition; from the fifth on a person has to look.
    pub(super) fn precondition_failed(&mut self, tx: &mut Tx<'_>, intent: &Intent) -> Step<Moved> {
        let times = self.moved.entry(intent.app_id.clone()).or_default();
        *times += 1;
        if *times < HOT {
            return Ok(Moved::Again);
        }
        let now = self.now();
        let Some(link) = tx.link(&intent.pair, &intent.app_id)? else {
            return Ok(Moved::Again);
        };
        let app = tx.app_record(&self.cx.pair.pair.table, &intent.app_id)?;
        let sides = Sides {
            app: app.as_ref(),
            seen: link.seen.as_ref(),
        };
        let fresh = conflicts::of_record(tx, &self.cx, &link, Kind::HotRecord, sides, now);
        conflicts::open(tx, fresh, now)?;
        self.asked(tx, &intent.app_id, "it keeps changing in Salesforce")?;
        tx.done(&intent.pair, &intent.app_id)?;
        if let Some(app) = &app {
            tx.settle(&intent.pair, app)?;
        }
        Ok(Moved::Hot)
    }
}

/// How much of a write was refused before, as it is.
enum Refused {
    Not,
    Part(Fields),
    Whole,
}

/// What a failed precondition means for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// Read it and plan again.
    Again,
    /// It moves too much; a person looks.
    Hot,
}
