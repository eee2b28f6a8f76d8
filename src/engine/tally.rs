//! Counts what became of the records of a run, and puts them among its results.
//!
//! Reads and writes no record. Invariant: a record is counted as failed once in a run, however
//! often the run comes by it.

use crate::domain::id::{AppId, CrmId};
use crate::domain::run::{Failure, RecordResult, ResultKind};

use super::ingest::Ingested;
use super::journal::{self, Sent};
use super::planner::Reconciled;
use super::tx::Tx;
use super::work::{Step, Work};

/// Whether each record that was taken in gets a line among the run's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// Yes.
    Each,
    /// Only what needs attention: a first import is its own list.
    Exceptions,
}

impl Work {
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
            // It is counted when it is looked at again.
            Ingested::Later => return Ok(()),
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
}

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
