//! Reads a big window by a job of the CRM in place of pages (salesforce-api 6.2).
//!
//! Takes rows in as `pull` does; decides nothing about records. Invariants: the job is durable
//! before its first row is taken in, and the place in its result moves only behind rows that are
//! durable; a job that is gone costs reading again, never a record. The rows come in no order, so
//! the place of the open window does not move.

use std::sync::Arc;

use crate::crm::bulk::{self, JobId, JobKind, JobPhase, JobRows, Locator, ReadWay};
use crate::crm::{ChangeQuery, CrmError, ErrorClass};
use crate::domain::run::Word;

use super::job_wait::Waited;
use super::matcher::Matcher;
use super::pull::Ahead;
use super::tables::{NextRows, OpenWindow, READ_JOBS, ReadJob, WATERMARKS, Watermark};
use super::tally::Record;
use super::tx::Durability;
use super::window::Ended;
use super::work::{Step, Stop, Work};

/// Whether asking for the same place of a result again would give the same.
fn unreadable(error: &CrmError) -> bool {
    matches!(
        error.code.as_str(),
        "bad_body" | "too_large" | "INVALID_QUERY_LOCATOR"
    )
}

impl Work {
    /// The job that reads the open window, as it is kept.
    pub(super) fn read_job(&self) -> Step<Option<ReadJob>> {
        let store = self.tools.state.store();
        Ok(store.get(&READ_JOBS, &self.mark_key())?)
    }

    /// The job of an earlier try, if it reads the window that is open.
    pub(super) fn job_underway(
        &mut self,
        open: Option<&OpenWindow>,
    ) -> Step<Option<(OpenWindow, ReadJob)>> {
        let Some(read) = self.read_job()? else {
            return Ok(None);
        };
        let fits = |open: &&OpenWindow| {
            open.began == read.began && open.mapping_version == read.mapping_version
        };
        if let Some(open) = open.filter(fits) {
            return Ok(Some((open.clone(), read)));
        }
        self.forget(
            &read.job,
            "what a job of Salesforce read is no longer needed",
        )?;
        Ok(None)
    }

    /// Starts a job if the window is big enough for one. A job that the org does not want is no
    /// fault: the pages are still there.
    pub(super) fn start_job(
        &mut self,
        query: &Arc<ChangeQuery>,
        mark: &Watermark,
        window: &OpenWindow,
        records: u64,
    ) -> Step<Option<ReadJob>> {
        let crm = Arc::clone(&self.tools.crm);
        let sizes = self.cx.settings.jobs;
        if bulk::read_way(records, crm.usage(), sizes) == ReadWay::Pages {
            return Ok(None);
        }
        let job = match self.read(crm.start_read(query)) {
            Ok(job) => job,
            Err(Stop::Crm(error)) if refused(&error) => {
                self.tell(Word::Info, format!("{error}; reading page by page instead"))?;
                return Ok(None);
            }
            Err(stop) => return Err(stop),
        };
        let read = ReadJob {
            job,
            began: window.began,
            mapping_version: window.mapping_version,
            next: NextRows::First,
        };
        let progress = Watermark {
            open: Some(window.clone()),
            ..mark.clone()
        };
        let state = self.state();
        let mut tx = state.begin();
        tx.put(&READ_JOBS, &self.mark_key(), &read);
        tx.put(&WATERMARKS, &self.mark_key(), &progress);
        let text = format!(
            "{records} records: Salesforce collects them in a job ({})",
            read.job.as_str()
        );
        self.log(&mut tx, Word::Info, text);
        self.commit(tx, Durability::Now)?;
        Ok(Some(read))
    }

    /// Waits for a job and takes its rows in from where it was left.
    pub(super) fn follow(
        &mut self,
        matcher: &Matcher,
        query: &Arc<ChangeQuery>,
        window: &OpenWindow,
        mut read: ReadJob,
        record: Record,
    ) -> Step<Ended> {
        let taken = match self.job_over(JobKind::Read, &read.job, |_, _| {}) {
            Ok(Waited::Over(state)) => match state.phase {
                JobPhase::Done => {
                    self.show(|progress| progress.total = Some(state.processed));
                    self.result(matcher, query, window, &mut read, record)
                }
                JobPhase::Failed(why) => return self.without(&read.job, &why),
                _ => return self.without(&read.job, "the job was given up in Salesforce"),
            },
            Ok(Waited::Stuck) => {
                let why = self.stood_still(&read.job);
                return self.without(&read.job, &why);
            }
            Err(stop) => Err(stop),
        };
        match taken {
            Ok(()) => Ok(Ended::Whole),
            Err(Stop::Crm(error)) if bulk::gone(&error) || unreadable(&error) => {
                self.without(&read.job, &error.to_string())
            }
            Err(stop) => Err(stop),
        }
    }

    /// Takes in the rows of a job that is over, while the next ones are on their way.
    fn result(
        &mut self,
        matcher: &Matcher,
        query: &Arc<ChangeQuery>,
        window: &OpenWindow,
        read: &mut ReadJob,
        record: Record,
    ) -> Step<()> {
        let mut on_its_way = self.rows_at(query, &read.job, &read.next);
        while let Some(task) = on_its_way {
            let JobRows { rows, next } = self.join(task)?;
            read.next = next.map_or(NextRows::End, NextRows::At);
            on_its_way = self.rows_at(query, &read.job, &read.next);
            // The rows are as old as the job, which is younger than its window.
            let taken = self.take_rows(matcher, rows, window.began, record, |_, _| {});
            if let Err(stop) = taken {
                if let Some(task) = on_its_way {
                    task.abort();
                }
                return Err(stop);
            }
            let state = self.state();
            let mut tx = state.begin();
            tx.put(&READ_JOBS, &self.mark_key(), read);
            self.commit(tx, Durability::Soon)?;
        }
        Ok(())
    }

    /// Asks for the rows at a place of a job's result.
    pub(super) fn rows_at(
        &self,
        query: &Arc<ChangeQuery>,
        job: &JobId,
        next: &NextRows,
    ) -> Option<Ahead<JobRows>> {
        let from: Option<Locator> = match next {
            NextRows::First => None,
            NextRows::At(place) => Some(place.clone()),
            NextRows::End => return None,
        };
        let (crm, query, job) = (Arc::clone(&self.tools.crm), Arc::clone(query), job.clone());
        let most = self.cx.settings.jobs.page;
        Some(self.ahead(async move { crm.read_rows(&query, &job, from.as_ref(), most).await }))
    }

    /// Gives a job up, and says why; the window is read again without one.
    fn without(&mut self, job: &JobId, why: &str) -> Step<Ended> {
        self.forget(job, &format!("{why}; reading page by page instead"))?;
        Ok(Ended::WithoutJob)
    }

    fn forget(&mut self, job: &JobId, why: &str) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        tx.delete(&READ_JOBS, &self.mark_key());
        self.log(&mut tx, Word::Warn, why);
        self.commit(tx, Durability::Now)?;
        self.stop_reading(job);
        self.discard(JobKind::Read, job);
        Ok(())
    }

    /// Gives a job up that reads.
    pub(super) fn stop_reading(&self, job: &JobId) {
        let crm = Arc::clone(&self.tools.crm);
        if let Err(stop) = self.read(crm.abort(JobKind::Read, job)) {
            // It is over, or gone already.
            tracing::debug!(target: "engine", job = job.as_str(), ?stop, "a job is not given up");
        }
    }
}

/// Whether the org answered, and does not make such a job: no feature, no object, no room.
pub(super) fn refused(error: &CrmError) -> bool {
    error
        .status
        .is_some_and(|status| (400..500).contains(&status))
        && !matches!(
            error.class,
            ErrorClass::Auth | ErrorClass::AuthDead | ErrorClass::ThrottleConcurrent
        )
}
