//! Reads what changed in the CRM, window by window, and takes it in (sync-semantics 4.2).
//!
//! Writes nothing to the CRM; how one window is read is `window`'s business. Invariant: the
//! watermark moves only when the whole window is durably observed, and never past the time the
//! window began.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::crm::bulk::JobKind;
use crate::crm::{CrmError, CrmRow};
use crate::domain::budget::Class;
use crate::domain::id::CrmId;
use crate::domain::record::{Observation, Source};
use crate::domain::run::{Phase, Word};
use crate::domain::text::some;
use crate::store::StoreError;
use crate::store::keys::Key;

use super::halves::Halves;
use super::ingest::{self, Twins};
use super::matcher::Matcher;
use super::state::State;
use super::tables::{INBOX, READ_JOBS, REREAD, WATERMARKS, Watermark};
use super::tally::Record;
use super::tx::{Durability, Tx};
use super::window::{ByJob, Ended, Reading};
use super::work::{FULL, Step, Stop, Work, Writes};

/// Times a window starts again from its last durable record before the run gives up.
const RESTARTS: u32 = 5;
/// Records that are taken out of the inbox together.
const TOGETHER: usize = 500;

impl Work {
    /// Reads the window since the watermark, and what waits in the inbox.
    pub(super) fn pull(&mut self) -> Step<()> {
        self.phase(Phase::Read, None);
        let state = self.state();
        let matcher = self.matcher()?;
        self.begin_again_if_shown_more()?;
        let mut mark = self.watermark()?;
        let before = mark.clone();
        self.calls_are(match mark.seen_to {
            Some(_) => Class::Pull,
            None => Class::Backfill,
        });
        let version = self.cx.pair.pair.version;
        let since = if mark.mapping_version == version {
            mark.seen_to
                .and_then(|t| t.checked_sub(self.cx.settings.overlap).ok())
        } else {
            None
        };
        let mut reading = Reading {
            open: match mark.open.take() {
                Some(open) if open.mapping_version == version => Some(open),
                _ => None,
            },
            mark,
            since,
            // A job is left behind in the org, which a rehearsal must not do.
            jobs: match self.tools.writes {
                Writes::Sent => ByJob::Allowed,
                Writes::Rehearsed(_) => ByJob::Not,
            },
            halves: Halves::default(),
            matching: match since {
                None => self.may_leave_out(&matcher),
                Some(_) => None,
            },
        };
        if since.is_some() {
            self.ask_what_is_open(&before, reading.open.as_ref())?;
        }
        let mut restarts = 0;
        loop {
            match self.window(&matcher, &mut reading) {
                Ok(Ended::Whole) => {
                    if reading.go_on().is_none() {
                        break;
                    }
                }
                Ok(Ended::WithoutJob) => reading.jobs = ByJob::Not,
                Err(Stop::Crm(error)) if error.code == "INVALID_QUERY_LOCATOR" => {
                    restarts += 1;
                    if restarts > RESTARTS {
                        return Err(Stop::Crm(error));
                    }
                }
                Err(Stop::Crm(error)) if error.code == "QUERY_TIMEOUT" => {
                    let from = reading.from();
                    self.halve(&mut reading.halves, from, error)?;
                }
                Err(stop) => return Err(stop),
            }
        }
        if let Some(open) = &reading.open {
            let began = open.began;
            if reading.matching.is_some() {
                self.read_left_out(&matcher, began, reading.record())?;
            }
            let done = Watermark {
                seen_to: Some(self.observed_to(&before, began)?),
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
        self.inbox(&matcher)?;
        self.read_deletions(&before)
    }

    /// A field that is shown again moves no stamp: everything is read again (sync-semantics 4.5).
    fn begin_again_if_shown_more(&self) -> Step<()> {
        let state = self.state();
        let key = self.mark_key();
        if !state.store().contains(&REREAD, &key)? {
            return Ok(());
        }
        let job = self.read_job()?;
        let mut tx = state.begin();
        let text =
            "Salesforce shows a mapped field that it did not show before: reading everything again";
        self.log(&mut tx, Word::Info, text.to_owned());
        tx.delete(&WATERMARKS, &key);
        tx.delete(&READ_JOBS, &key);
        tx.delete(&REREAD, &key);
        tx.commit(Durability::Now)?;
        if let Some(read) = job {
            self.discard(JobKind::Read, &read.job);
        }
        Ok(())
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
        self.hear(at);
        self.look_for_unknown(&rows)?;
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

    /// Goes through what was observed and could not be taken in then, part by part: there may be
    /// as many as a window has.
    fn inbox(&mut self, matcher: &Matcher) -> Step<()> {
        let state = self.state();
        let prefix = self.mark_key();
        let mut looked = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let waiting = inbox_after(&state, &prefix, after.as_deref())?;
            let Some((last, _)) = waiting.last() else {
                break;
            };
            after = Some(last.clone());
            looked += waiting.len() as u64;
            self.boundary()?;
            let twins = self.twins(matcher, waiting.iter().map(|(_, seen)| seen))?;
            let mut tx = state.begin();
            for (_, seen) in waiting {
                let (id, now) = (seen.id, self.now());
                tx.drop_inbox(self.cx.name(), &id)?;
                let looked = Twins::Found(&twins);
                let taken = ingest::take(&mut tx, &self.cx, matcher, seen, looked, now)?;
                self.count_taken(&mut tx, id, taken, Record::Each)?;
            }
            self.commit(tx, Durability::Soon)?;
        }
        if looked > 0 {
            let mut tx = state.begin();
            let text = format!(
                "looked again at {} that waited",
                some(looked, "record", "records")
            );
            self.log(&mut tx, Word::Info, text);
            tx.commit(Durability::Soon)?;
        }
        Ok(())
    }
}

/// Some of what waits in the inbox of a pair, behind a key.
fn inbox_after(
    state: &State,
    prefix: &Key,
    after: Option<&[u8]>,
) -> Result<Vec<(Vec<u8>, Observation)>, StoreError> {
    let from = state.store().scan_from(&INBOX, after.unwrap_or(prefix));
    let ours = |key: &[u8]| key.starts_with(prefix) && after.is_none_or(|after| key > after);
    let mut waiting = Vec::new();
    for row in from {
        let (key, seen) = row?;
        if ours(&key) {
            waiting.push((key.to_vec(), seen));
        } else if !key.starts_with(prefix) {
            break;
        }
        if waiting.len() == TOGETHER {
            break;
        }
    }
    Ok(waiting)
}

/// A call that was made ahead.
pub(super) type Ahead<T> = JoinHandle<Result<T, CrmError>>;
