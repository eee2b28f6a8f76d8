//! Reads what changed in the CRM, window by window, and takes it in (sync-semantics 4.2).
//!
//! Writes nothing to the CRM. Invariant: the watermark moves only when the whole window is
//! durably observed, and never past the time the window began.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::crm::bulk::JobKind;
use crate::crm::{ChangePage, ChangeQuery, Crm, CrmError, CrmRow, Cursor};
use crate::domain::budget::Class;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::{Observation, Source};
use crate::domain::run::{Failure, Phase, RecordResult, ResultKind, Word};
use crate::domain::text::some;
use crate::store::StoreError;
use crate::store::keys::Key;

use super::ingest::{self, Ingested, Matcher};
use super::journal::{self, Sent};
use super::planner::Reconciled;
use super::tables::{INBOX, OpenWindow, READ_JOBS, WATERMARKS, Watermark};
use super::tx::{Durability, Tx};
use super::work::{FULL, Step, Stop, Work, Writes};

/// Times a window starts again from its last durable record before the run gives up.
const RESTARTS: u32 = 5;

/// Whether each record that was taken in gets a line among the run's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// Yes.
    Each,
    /// Only what needs attention: a first import is its own list.
    Exceptions,
}

/// Whether a job may read the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByJob {
    /// If there is enough to read.
    Allowed,
    /// No: one failed before.
    Not,
}

/// How reading a window ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With its last record.
    Whole,
    /// The job that read it is gone or failed; the rest is read by pages.
    WithoutJob,
}

impl Work {
    /// Reads the window since the watermark, and what waits in the inbox.
    pub(super) fn pull(&mut self) -> Step<()> {
        self.phase(Phase::Read, None);
        let state = self.state();
        let matcher = Matcher::new(&state, &self.cx)?;
        let mut mark = self.watermark()?;
        self.calls_are(match mark.seen_to {
            Some(_) => Class::Pull,
            None => Class::Backfill,
        });
        let version = self.cx.pair.pair.version;
        let mut open = match mark.open.take() {
            Some(open) if open.mapping_version == version => Some(open),
            _ => None,
        };
        let since = if mark.mapping_version == version {
            mark.seen_to
                .and_then(|t| t.checked_sub(self.cx.settings.overlap).ok())
        } else {
            None
        };
        let mut restarts = 0;
        // A job is left behind in the org, which a rehearsal must not do.
        let mut jobs = match self.tools.writes {
            Writes::Sent => ByJob::Allowed,
            Writes::Rehearsed(_) => ByJob::Not,
        };
        loop {
            match self.window(&matcher, &mark, &mut open, since, jobs) {
                Ok(Ended::Whole) => break,
                Ok(Ended::WithoutJob) => jobs = ByJob::Not,
                Err(Stop::Crm(error)) if error.code == "INVALID_QUERY_LOCATOR" => {
                    restarts += 1;
                    if restarts > RESTARTS {
                        return Err(Stop::Crm(error));
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
        if let Some(open) = open {
            let done = Watermark {
                seen_to: Some(open.began),
                mapping_version: version,
                open: None,
            };
            let job = self.read_job()?;
            let mut tx = state.begin();
            tx.put(&WATERMARKS, &self.mark_key(), &done);
            tx.delete(&READ_JOBS, &self.mark_key());
            self.commit(tx, Durability::Now)?;
            if let Some(read) = job {
                self.discard(JobKind::Read, &read.job);
            }
        }
        self.inbox(&matcher)
    }

    /// Key of what there is once for each pair.
    pub(super) fn mark_key(&self) -> Key {
        Key::new().text(self.cx.name().as_str())
    }

    fn watermark(&self) -> Result<Watermark, StoreError> {
        let mark = self
            .tools
            .state
            .store()
            .get(&WATERMARKS, &self.mark_key())?;
        Ok(mark.unwrap_or_default())
    }

    /// Reads a window from its last durable record to its end.
    fn window(
        &mut self,
        matcher: &Matcher,
        mark: &Watermark,
        open: &mut Option<OpenWindow>,
        since: Option<Timestamp>,
        jobs: ByJob,
    ) -> Step<Ended> {
        let query = Arc::new(ChangeQuery {
            object: Arc::clone(&self.object),
            fields: self.fields.clone(),
            since: open.as_ref().map_or(since, |o| o.since),
            after: open.as_ref().and_then(|o| o.after),
        });
        let record = if mark.seen_to.is_none() {
            Record::Exceptions
        } else {
            Record::Each
        };
        if let Some((window, read)) = self.job_underway(open.as_ref())? {
            return self.follow(matcher, &query, &window, read, record);
        }
        let mut page = self.read(self.tools.crm.changes(&query, None))?;
        let already = open.as_ref().map_or(0, |_| self.run.counts.read);
        let total = already + page.total;
        self.read_at_most(total);
        self.show(|progress| {
            progress.total = Some(total);
            progress.done = already;
        });
        self.foretell(&page)?;
        let mut window = open.take().unwrap_or(OpenWindow {
            began: page.at,
            since,
            after: None,
            mapping_version: self.cx.pair.pair.version,
        });
        if jobs == ByJob::Allowed
            && page.next.is_some()
            && let Some(read) = self.start_job(&query, mark, &window, page.total)?
        {
            *open = Some(window.clone());
            return self.follow(matcher, &query, &window, read, record);
        }
        let key = self.mark_key();
        loop {
            let ChangePage { rows, next, at, .. } = page;
            let following = next.map(|cursor| self.fetch(&query, cursor));
            let taken = self.take_rows(matcher, rows, at, record, |tx, last| {
                window.after = Some(last);
                let progress = Watermark {
                    open: Some(window.clone()),
                    ..mark.clone()
                };
                tx.put(&WATERMARKS, &key, &progress);
            });
            *open = Some(window.clone());
            if let Err(stop) = taken {
                if let Some(task) = following {
                    task.abort();
                }
                return Err(stop);
            }
            let Some(task) = following else {
                return Ok(Ended::Whole);
            };
            page = self.join(task)?;
        }
    }

    /// Says so when there are not enough API calls for all of a window.
    fn foretell(&self, page: &ChangePage) -> Step<()> {
        let here = page.rows.len() as u64;
        if page.next.is_none() || here == 0 {
            return Ok(());
        }
        let needs = page.total.saturating_sub(here).div_ceil(here);
        let forecast = self.tools.crm.gate().forecast(needs);
        if let Some(forecast) = forecast.filter(|f| !f.fits()) {
            let state = self.state();
            let mut tx = state.begin();
            let text = format!(
                "reading {} {forecast}; what is left then goes on by itself",
                some(page.total, "record", "records")
            );
            self.log(&mut tx, Word::Warn, text);
            tx.commit(Durability::Soon)?;
        }
        Ok(())
    }

    /// Asks for a page while the one before it is taken in.
    fn fetch(&self, query: &Arc<ChangeQuery>, cursor: Cursor) -> Ahead<ChangePage> {
        let crm: Arc<dyn Crm> = Arc::clone(&self.tools.crm);
        let query = Arc::clone(query);
        self.ahead(async move { crm.changes(&query, Some(&cursor)).await })
    }

    /// Makes a call while something else is done.
    pub(super) fn ahead<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, CrmError>> + Send + 'static,
    ) -> Ahead<T> {
        let on_its_way = Arc::clone(&self.ahead).try_lock_owned();
        self.tools.handle.spawn(async move {
            let answer = call.await;
            drop(on_its_way);
            answer
        })
    }

    /// Waits for a call that was made ahead.
    pub(super) fn join<T>(&self, mut task: Ahead<T>) -> Step<T> {
        let answer = self.read(async { Ok((&mut task).await) });
        match answer {
            Ok(Ok(page)) => Ok(page?),
            Ok(Err(_)) => Err(Stop::Other(crate::error::Error::new(
                crate::error::Kind::Internal,
                "reading a page broke off",
            ))),
            Err(stop) => {
                task.abort();
                Err(stop)
            }
        }
    }

    /// Takes rows in, in transactions of a fixed size. `note` puts how far that is into each.
    pub(super) fn take_rows(
        &mut self,
        matcher: &Matcher,
        rows: Vec<CrmRow>,
        at: Timestamp,
        record: Record,
        mut note: impl FnMut(&mut Tx<'_>, (Timestamp, CrmId)),
    ) -> Step<()> {
        let state = self.state();
        let mut rows = rows.into_iter().peekable();
        while let Some(first) = rows.peek() {
            let mut last = (first.stamp, first.id);
            self.boundary()?;
            let mut tx = state.begin();
            let mut taken = 0;
            while tx.len() < FULL
                && taken < 1_000
                && let Some(row) = rows.next()
            {
                last = (row.stamp, row.id);
                self.counts().read += 1;
                self.take_in(&mut tx, matcher, row, at, Source::Poll, record)?;
                taken += 1;
            }
            note(&mut tx, last);
            self.commit(tx, Durability::Soon)?;
            self.advance(taken);
        }
        Ok(())
    }

    /// Takes in one record as the CRM answered it.
    pub(super) fn take_in(
        &mut self,
        tx: &mut Tx<'_>,
        matcher: &Matcher,
        row: CrmRow,
        at: Timestamp,
        source: Source,
        record: Record,
    ) -> Step<()> {
        let (id, now) = (row.id, self.now());
        let taken = ingest::ingest(tx, &self.cx, matcher, row, at, source, now)?;
        self.count_taken(tx, id, taken, record)
    }

    /// Counts what taking a record in came to.
    pub(super) fn count_taken(
        &mut self,
        tx: &mut Tx<'_>,
        id: CrmId,
        taken: Ingested,
        record: Record,
    ) -> Step<()> {
        let done = match taken {
            Ingested::Same => {
                self.counts().planned += 1;
                self.counts().same += 1;
                return Ok(());
            }
            Ingested::NeverHere => {
                self.counts().planned += 1;
                self.counts().skipped += 1;
                return Ok(());
            }
            Ingested::Busy => {
                self.counts().planned += 1;
                self.counts().deferred += 1;
                return Ok(());
            }
            Ingested::Done(done) => done,
        };
        let app_id = tx.by_crm(self.cx.name(), &id)?;
        self.count(tx, app_id, Some(id), &done, record)
    }

    /// Counts one reconciled record, and puts it among the results.
    pub(super) fn count(
        &mut self,
        tx: &mut Tx<'_>,
        app_id: Option<AppId>,
        crm_id: Option<CrmId>,
        done: &Reconciled,
        record: Record,
    ) -> Step<()> {
        if done.put_off.is_some() {
            // It is counted when all that waits is looked at.
            return Ok(());
        }
        let now = self.now();
        if done.pulled {
            self.counts().pulled += 1;
            self.counts().created += u64::from(done.created);
        }
        if let Some(failure) = &done.failure {
            let filed = app_id.clone().or_else(|| crm_id.map(filed_under));
            if filed.is_none_or(|id| self.count_failed(&id) == Times::First) {
                self.counts().planned += 1;
            }
            match &app_id {
                Some(app_id) => {
                    journal::put_aside(tx, &self.cx, app_id, crm_id, Sent::PART, failure, now)?;
                }
                None => self.outside(tx, crm_id, failure),
            }
            return Ok(());
        }
        if let Some(app_id) = &app_id {
            self.healthy(tx, app_id, done)?;
        }
        let counts = self.counts();
        counts.planned += 1;
        let kind = if done.conflicts > 0 {
            counts.conflicts += 1;
            ResultKind::Conflict
        } else if done.waits {
            counts.deferred += 1;
            ResultKind::Deferred
        } else if done.pulled {
            ResultKind::Applied
        } else if done.skipped {
            counts.skipped += 1;
            return Ok(());
        } else {
            counts.same += u64::from(done.write.is_none());
            return Ok(());
        };
        if kind == ResultKind::Applied && record == Record::Exceptions {
            return Ok(());
        }
        let Some(app_id) = app_id else {
            return Ok(());
        };
        let app = tx.app_record(&self.cx.pair.pair.table, &app_id)?;
        let did = if done.created {
            "taken into the App".to_owned()
        } else if done.waits {
            "waits for the record it belongs to".to_owned()
        } else {
            done.did.join("; ")
        };
        tx.put_result(&RecordResult {
            run: self.run.id,
            name: self.cx.title(app.as_ref(), None),
            app_id,
            crm_id,
            kind,
            did,
            failure: None,
            tries: 1,
        });
        Ok(())
    }

    /// Counts a record as failed: once, however often the run comes by it.
    pub(super) fn count_failed(&mut self, id: &AppId) -> Times {
        if !self.failing.insert(id.clone()) {
            return Times::Again;
        }
        self.counts().failed += 1;
        Times::First
    }

    /// A record that was in quarantine because of a value on its way in is well again.
    fn healthy(&self, tx: &mut Tx<'_>, app_id: &AppId, done: &Reconciled) -> Step<()> {
        // A row that is left out says nothing about a value of it that was refused.
        let whole = self.cx.pair.broken.is_empty();
        let aside = self.tools.state.counters(self.cx.name()).quarantined > 0;
        if !whole || !aside || done.write.is_some() {
            return Ok(());
        }
        if tx.state().quarantined(self.cx.name(), app_id)?.is_some() {
            tx.quarantine(self.cx.name(), app_id, None)?;
        }
        Ok(())
    }

    /// A CRM record that cannot be taken in has no App record to be filed under.
    fn outside(&self, tx: &mut Tx<'_>, crm_id: Option<CrmId>, failure: &Failure) {
        let Some(id) = crm_id else {
            return;
        };
        tx.put_result(&RecordResult {
            run: self.run.id,
            app_id: filed_under(id),
            crm_id,
            name: id.to_string(),
            kind: ResultKind::Quarantined,
            did: String::new(),
            failure: Some(failure.clone()),
            tries: 1,
        });
    }

    /// Goes through what was observed and could not be taken in then.
    fn inbox(&mut self, matcher: &Matcher) -> Step<()> {
        let state = self.state();
        let prefix = self.mark_key();
        let waiting: Vec<(Vec<u8>, Observation)> = state
            .store()
            .scan(&INBOX, &prefix)
            .map(|row| row.map(|(key, seen)| (key.to_vec(), seen)))
            .collect::<Result<_, _>>()?;
        for chunk in waiting.chunks(500) {
            self.boundary()?;
            let mut tx = state.begin();
            for (_, seen) in chunk {
                let (id, now) = (seen.id, self.now());
                tx.drop_inbox(self.cx.name(), &id)?;
                let taken = ingest::take(&mut tx, &self.cx, matcher, seen.clone(), now)?;
                if let Ingested::Busy = taken {
                    tx.put_inbox(self.cx.name(), seen);
                }
                self.count_taken(&mut tx, id, taken, Record::Each)?;
            }
            self.commit(tx, Durability::Soon)?;
        }
        if !waiting.is_empty() {
            let mut tx = state.begin();
            let text = format!(
                "looked again at {} that waited",
                some(waiting.len() as u64, "record", "records")
            );
            self.log(&mut tx, Word::Info, text);
            tx.commit(Durability::Soon)?;
        }
        Ok(())
    }
}

/// A call that was made ahead.
pub(super) type Ahead<T> = JoinHandle<Result<T, CrmError>>;

/// Whether a run comes by a failed record for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// It does.
    First,
    /// It did before.
    Again,
}

/// What a CRM record is filed under that has no App record.
fn filed_under(id: CrmId) -> AppId {
    AppId::new(id.to_string())
}
