//! Reads one window of changes: by pages, by a job, or ids first (sync-semantics 4.2).
//!
//! Decides nothing about records and does not move the watermark. Invariant: the place of the open
//! window moves only behind rows that are durable.

use std::sync::Arc;

use jiff::Timestamp;

use crate::crm::{ChangePage, ChangeQuery, Crm, CrmError, CrmRow, Cursor, MAX_RETRIEVE, Matching};
use crate::domain::id::CrmId;
use crate::domain::run::Word;
use crate::domain::text::{grouped, some};

use super::halves::{Halved, Halves};
use super::matcher::Matcher;
use super::pull::Ahead;
use super::tables::{OpenWindow, WATERMARKS, Watermark};
use super::tally::Record;
use super::tx::Durability;
use super::work::{Step, Stop, Work};

/// Whether a job may read the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByJob {
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

/// A window that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    /// How far the pair was read before.
    pub(super) mark: Watermark,
    /// Its place, once there was an answer.
    pub(super) open: Option<OpenWindow>,
    /// Its lower bound.
    pub(super) since: Option<Timestamp>,
    /// Whether a job may read it.
    pub(super) jobs: ByJob,
    /// Its parts, if it is too much for one query.
    pub(super) halves: Halves,
    /// What it may leave out.
    pub(super) matching: Option<Matching>,
}

impl Reading {
    /// From where on it is still to be read.
    pub(super) fn from(&self) -> Option<Timestamp> {
        match &self.open {
            Some(open) => open.after.map(|(stamp, _)| stamp).or(open.since),
            None => self.since,
        }
    }

    /// A part is read: goes on with the next, and gives where that begins. The place is durable
    /// with the next row; until then the part would only be read again.
    pub(super) fn go_on(&mut self) -> Option<Timestamp> {
        let next = self.halves.next()?;
        self.since = Some(next);
        if let Some(open) = &mut self.open {
            open.since = Some(next);
            open.after = None;
        }
        Some(next)
    }

    fn query(&self, work: &Work) -> ChangeQuery {
        ChangeQuery {
            object: Arc::clone(&work.object),
            fields: work.fields.clone(),
            since: self.open.as_ref().map_or(self.since, |o| o.since),
            after: self.open.as_ref().and_then(|o| o.after),
            until: self.halves.until(),
            matching: self.matching.clone(),
        }
    }

    /// The mark with the place that a row is at.
    fn at(&mut self, place: (Timestamp, CrmId)) -> Watermark {
        if let Some(open) = &mut self.open {
            open.after = Some(place);
        }
        Watermark {
            open: self.open.clone(),
            ..self.mark.clone()
        }
    }

    pub(super) fn record(&self) -> Record {
        match self.mark.seen_to {
            None => Record::Exceptions,
            Some(_) => Record::Each,
        }
    }
}

impl Work {
    /// Reads a window, or the part of it that is its turn, from the last durable record to the end.
    pub(super) fn window(&mut self, matcher: &Matcher, reading: &mut Reading) -> Step<Ended> {
        let query = Arc::new(reading.query(self));
        let record = reading.record();
        if let Some((window, read)) = self.job_underway(reading.open.as_ref())? {
            return self.follow(matcher, &query, &window, read, record);
        }
        let page = self.read(self.tools.crm.changes(&query, None))?;
        self.measure_clock(page.at);
        let already = reading.open.as_ref().map_or(0, |_| self.run.counts.read);
        // Of a part nobody knows how many records follow it.
        let total = query.until.is_none().then_some(already + page.total);
        self.read_at_most(total.unwrap_or(u64::MAX));
        self.show(|progress| {
            progress.total = total;
            progress.done = already;
        });
        self.foretell(&page)?;
        let window = reading.open.get_or_insert(OpenWindow {
            began: page.at,
            since: query.since,
            after: None,
            mapping_version: self.cx.pair.pair.version,
        });
        let window = window.clone();
        let many = page.next.is_some() && page.total > self.cx.settings.ids_first;
        if many && query.since.is_some() && self.mostly_known(&page.rows)? {
            return self.ids_first(matcher, &query, reading, page);
        }
        // A job reads to the end, and the place does not move with it.
        if reading.jobs == ByJob::Allowed
            && query.until.is_none()
            && page.next.is_some()
            && let Some(read) = self.start_job(&query, &reading.mark, &window, page.total)?
        {
            return self.follow(matcher, &query, &window, read, record);
        }
        self.pages(matcher, &query, reading, page)
    }

    /// Takes pages in, each while the next one is on its way.
    fn pages(
        &mut self,
        matcher: &Matcher,
        query: &Arc<ChangeQuery>,
        reading: &mut Reading,
        mut page: ChangePage,
    ) -> Step<Ended> {
        let key = self.mark_key();
        let record = reading.record();
        loop {
            let following = page.next.take().map(|cursor| self.fetch(query, cursor));
            let moved = std::mem::take(&mut page.moved);
            let mut taken = self.take_rows(matcher, moved, page.at, record, |_, _| {});
            if taken.is_ok() {
                taken = self.take_rows(matcher, page.rows, page.at, record, |tx, last| {
                    tx.put(&WATERMARKS, &key, &reading.at(last));
                });
            }
            match self.after(taken, following)? {
                Some(next) => page = next,
                None => return Ok(Ended::Whole),
            }
        }
    }

    /// The page that was asked for ahead, once the one before it is taken in; none after the last.
    fn after(&self, taken: Step<()>, ahead: Option<Ahead<ChangePage>>) -> Step<Option<ChangePage>> {
        match (taken, ahead) {
            (Ok(()), Some(task)) => self.join(task).map(Some),
            (Ok(()), None) => Ok(None),
            (Err(stop), task) => {
                if let Some(task) = task {
                    task.abort();
                }
                Err(stop)
            }
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

    // ---- too much for one query --------------------------------------------------------

    /// Halves what is to be read, or gives the error up to the run.
    pub(super) fn halve(
        &mut self,
        halves: &mut Halves,
        from: Option<Timestamp>,
        error: Box<CrmError>,
    ) -> Step<()> {
        match halves.halve(from, self.now()) {
            Halved::At(middle) => self.tell(
                Word::Wait,
                format!("{error}; reading up to {middle} first, the rest afterwards"),
            ),
            Halved::TooShort => Err(Stop::Crm(error)),
        }
    }

    // ---- what is known already ---------------------------------------------------------

    /// Whether most of these are as we know them: a window that begins with what was written or
    /// loaded right before the last one.
    fn mostly_known(&self, rows: &[CrmRow]) -> Step<bool> {
        let mut known = 0;
        for row in rows {
            known += usize::from(self.is_known(row)?);
        }
        Ok(known * 2 > rows.len())
    }

    /// Whether a record was taken in as it is now, by this mapping.
    fn is_known(&self, row: &CrmRow) -> Step<bool> {
        let state = &self.tools.state;
        let Some(app_id) = state.by_crm(self.cx.name(), &row.id)? else {
            return Ok(false);
        };
        let link = state.link(self.cx.name(), &app_id)?;
        Ok(link.is_some_and(|link| {
            link.mapping_version == self.cx.pair.pair.version
                && link
                    .seen
                    .is_some_and(|seen| seen.stamp == row.stamp && seen.presence == row.presence)
        }))
    }

    /// Reads ids and stamps only, and all fields of what is not as we know it.
    fn ids_first(
        &mut self,
        matcher: &Matcher,
        query: &ChangeQuery,
        reading: &mut Reading,
        first: ChangePage,
    ) -> Step<Ended> {
        let text = format!(
            "{} records, most of them known: looking for those that are not",
            grouped(first.total)
        );
        self.tell(Word::Info, text)?;
        let bare = Arc::new(ChangeQuery {
            fields: Vec::new(),
            ..query.clone()
        });
        let mut page = self.read(self.tools.crm.changes(&bare, None))?;
        loop {
            let following = page.next.take().map(|cursor| self.fetch(&bare, cursor));
            let taken = self.take_unknown(matcher, reading, &page);
            match self.after(taken, following)? {
                Some(next) => page = next,
                None => return Ok(Ended::Whole),
            }
        }
    }

    /// Takes in what a page of ids has that is not known, then moves the place behind it.
    fn take_unknown(
        &mut self,
        matcher: &Matcher,
        reading: &mut Reading,
        page: &ChangePage,
    ) -> Step<()> {
        self.boundary()?;
        let mut unknown = Vec::new();
        for row in &page.rows {
            if !self.is_known(row)? {
                unknown.push(row.id);
            }
        }
        let known = (page.rows.len() - unknown.len()) as u64;
        let counts = self.counts();
        counts.read += known;
        counts.planned += known;
        counts.same += known;
        self.advance(page.rows.len() - unknown.len());
        for ids in unknown.chunks(MAX_RETRIEVE) {
            let got = self.read(self.tools.crm.retrieve(&self.object, ids, &self.fields))?;
            let rows = got.rows.into_iter().flatten().collect();
            self.take_rows(matcher, rows, got.at, reading.record(), |_, _| {})?;
        }
        let Some(last) = page.rows.last() else {
            return Ok(());
        };
        let place = reading.at((last.stamp, last.id));
        let state = self.state();
        let mut tx = state.begin();
        tx.put(&WATERMARKS, &self.mark_key(), &place);
        self.commit(tx, Durability::Soon)
    }
}
