//! Goes through all records of an object, page by page, for those who look at each of them.
//!
//! Takes nothing in and remembers nothing: a walk that breaks off begins anew with the next run.
//! Invariant: who was not told of an error was shown every record that the CRM lists.

use std::sync::Arc;

use jiff::Timestamp;

use crate::crm::{ChangeQuery, CrmRow};
use crate::domain::id::{CrmId, FieldName};
use crate::error::{Error, Kind};

use super::halves::Halves;
use super::work::{Step, Stop, Work};

/// Times a walk starts again from its last row before the run gives up.
const RESTARTS: u32 = 5;

/// Who looks at each record.
pub(super) trait Walker {
    /// Fields that are read, besides those that always come.
    fn fields(&self) -> Vec<FieldName>;

    /// The walk begins and there are so many records: perhaps they can be listed another way.
    fn all(&mut self, work: &mut Work, query: &Arc<ChangeQuery>, records: u64) -> Step<Way>;

    /// Some of the records.
    fn look(&mut self, work: &mut Work, rows: &[CrmRow]) -> Step<()>;
}

/// How the records of a walk are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By pages.
    Pages,
    /// They were listed another way; the walker has seen them all.
    Done,
}

/// How far a walk is.
#[derive(Debug, Default)]
struct Place {
    since: Option<Timestamp>,
    after: Option<(Timestamp, CrmId)>,
    halves: Halves,
    /// The server's time when it began.
    began: Option<Timestamp>,
    seen: u64,
}

impl Work {
    /// Goes through all records of the object, deleted ones included; gives the server's time when
    /// that began.
    pub(super) fn walk(&mut self, walker: &mut dyn Walker) -> Step<Timestamp> {
        let mut place = Place::default();
        let mut restarts = 0;
        loop {
            match self.walk_from(walker, &mut place) {
                Ok(at) => match place.halves.next() {
                    None => return Ok(at),
                    Some(next) => (place.since, place.after) = (Some(next), None),
                },
                Err(Stop::Crm(error)) if error.code == "INVALID_QUERY_LOCATOR" => {
                    restarts += 1;
                    if restarts > RESTARTS {
                        let lost = "the list of records broke off again and again";
                        let error = Error::new(Kind::Crm, lost).hint("try again later");
                        return Err(Stop::Other(error));
                    }
                }
                Err(Stop::Crm(error)) if error.code == "QUERY_TIMEOUT" => {
                    let from = place.after.map(|(stamp, _)| stamp).or(place.since);
                    self.halve(&mut place.halves, from, error)?;
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    fn walk_from(&mut self, walker: &mut dyn Walker, place: &mut Place) -> Step<Timestamp> {
        let query = Arc::new(ChangeQuery {
            object: Arc::clone(&self.object),
            fields: walker.fields(),
            since: place.since,
            after: place.after,
            until: place.halves.until(),
            matching: None,
        });
        let mut page = self.read(self.tools.crm.changes(&query, None))?;
        let at = *place.began.get_or_insert(page.at);
        // Of a part nobody knows how many records follow it.
        let total = query.until.is_none().then_some(place.seen + page.total);
        self.show(|progress| progress.total = total);
        let whole = place.since.is_none() && place.after.is_none() && query.until.is_none();
        if page.next.is_some() && whole && walker.all(self, &query, page.total)? == Way::Done {
            return Ok(at);
        }
        loop {
            let last = page.rows.last().map(|row| (row.stamp, row.id));
            place.after = last.or(place.after);
            self.boundary()?;
            for rows in [&page.rows, &page.moved] {
                walker.look(self, rows)?;
                place.seen += rows.len() as u64;
                self.advance(rows.len());
            }
            let Some(next) = page.next else {
                return Ok(at);
            };
            page = self.read(self.tools.crm.changes(&query, Some(&next)))?;
        }
    }
}
