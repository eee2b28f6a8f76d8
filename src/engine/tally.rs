//! Counts what became of the records of a run, and puts them among its results.
//!
//! Reads and writes no record. Invariant: each record that a run comes by has one result in it,
//! and the counts are those of the results (sync-semantics 25, I44): the store knows which records
//! were filed, see `tx::results`.

use crate::domain::id::{AppId, CrmId};
use crate::domain::run::{Failure, RecordResult, ResultKind};

use super::ingest::Ingested;
use super::journal::{self, Sent};
use super::planner::Reconciled;
use super::tx::{Known, Tx};
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
        let app_id = tx.by_crm(self.cx.name(), &id)?;
        let kind = match taken {
            Ingested::Same => ResultKind::Noop,
            Ingested::NeverHere => ResultKind::Skipped,
            Ingested::Busy => {
                let filed = self.filed_as(tx, app_id, Some(id))?;
                return self.put_off_as(tx, filed, Some(id), "an earlier write is being checked");
            }
            // It is counted when it is looked at again.
            Ingested::Later => return Ok(()),
            Ingested::Done(done) => return self.count(tx, app_id, Some(id), &done, record),
        };
        let filed = self.filed_as(tx, app_id, Some(id))?;
        Ok(tx.file(self.run.id, &filed, kind, Known::Perhaps)?)
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
        if done.put_off.is_some() && !done.pulled {
            // It is counted when all that waits is looked at.
            return Ok(());
        }
        let now = self.now();
        if done.pulled {
            self.counts().pulled += 1;
            self.counts().created += u64::from(done.created);
        }
        let known = match done.created {
            true if self.outside == 0 => Known::No,
            _ => Known::Perhaps,
        };
        let filed = self.filed_as(tx, app_id.clone(), crm_id)?;
        if let Some(failure) = &done.failure {
            match &app_id {
                Some(app_id) => {
                    journal::put_aside(tx, &self.cx, app_id, crm_id, Sent::PART, failure, now)?;
                }
                None => self.outside(tx, filed, crm_id, failure)?,
            }
            return Ok(());
        }
        if let Some(app_id) = &app_id {
            self.healthy(tx, app_id, done)?;
        }
        let run = self.run.id;
        let kind = if done.conflicts > 0 {
            self.counts().conflicts += 1;
            ResultKind::Conflict
        } else if done.waits {
            ResultKind::Deferred
        } else if done.pulled || done.overflowed {
            ResultKind::Applied
        } else if done.is_unfinished() {
            // It is on the list now, and counted when that is worked off.
            return Ok(());
        } else if done.skipped && (crm_id.is_some() || done.did.is_empty()) {
            return Ok(tx.file(run, &filed, ResultKind::Skipped, known)?);
        } else if done.skipped {
            // It says why.
            ResultKind::Skipped
        } else {
            return Ok(tx.file(run, &filed, ResultKind::Noop, known)?);
        };
        if kind == ResultKind::Applied && record == Record::Exceptions {
            return Ok(tx.file(run, &filed, kind, known)?);
        }
        let app = tx.app_record(&self.cx.pair.pair.table, &filed)?;
        let did = if done.created {
            "taken into the App".to_owned()
        } else if done.waits {
            "waits for the record it belongs to".to_owned()
        } else {
            done.did.join("; ")
        };
        let name = match (&app, crm_id) {
            (None, Some(id)) if app_id.is_none() => id.to_string(),
            _ => self.cx.title(app.as_ref(), None),
        };
        Ok(tx.put_result(&RecordResult {
            run,
            name,
            app_id: filed,
            crm_id,
            kind,
            did,
            failure: None,
            tries: 1,
        })?)
    }

    /// A record was put off.
    pub(super) fn put_off_as(
        &self,
        tx: &mut Tx<'_>,
        filed: AppId,
        crm_id: Option<CrmId>,
        why: &str,
    ) -> Step<()> {
        let app = tx.app_record(&self.cx.pair.pair.table, &filed)?;
        let link = tx.link(self.cx.name(), &filed)?;
        let seen = link.as_ref().and_then(|l| l.seen.as_ref());
        let name = match (&app, &seen, crm_id) {
            (None, None, Some(id)) => id.to_string(),
            _ => self.cx.title(app.as_ref(), seen),
        };
        Ok(tx.put_result(&RecordResult {
            run: self.run.id,
            crm_id: crm_id.or_else(|| link.as_ref().and_then(|l| l.crm_id)),
            name,
            app_id: filed,
            kind: ResultKind::Deferred,
            did: why.to_owned(),
            failure: None,
            tries: 1,
        })?)
    }

    /// A record in which a person has to decide something that no mapping row says.
    pub(super) fn asked(&mut self, tx: &mut Tx<'_>, id: &AppId, what: &str) -> Step<()> {
        self.counts().conflicts += 1;
        let app = tx.app_record(&self.cx.pair.pair.table, id)?;
        let link = tx.link(self.cx.name(), id)?;
        let seen = link.as_ref().and_then(|l| l.seen.as_ref());
        Ok(tx.put_result(&RecordResult {
            run: self.run.id,
            name: self.cx.title(app.as_ref(), seen),
            crm_id: link.as_ref().and_then(|l| l.crm_id),
            app_id: id.clone(),
            kind: ResultKind::Conflict,
            did: what.to_owned(),
            failure: None,
            tries: 1,
        })?)
    }

    /// What a record is filed under: its App id, or as long as it has none its CRM id. One that has
    /// got its App id meanwhile is filed under that from here on.
    fn filed_as(
        &mut self,
        tx: &mut Tx<'_>,
        app_id: Option<AppId>,
        crm_id: Option<CrmId>,
    ) -> Step<AppId> {
        match (app_id, crm_id.map(filed_under)) {
            (Some(app_id), Some(outside)) => {
                if self.outside > 0 {
                    tx.refile(self.run.id, &outside, &app_id)?;
                }
                Ok(app_id)
            }
            (Some(app_id), None) => Ok(app_id),
            (None, Some(outside)) => {
                self.outside += 1;
                Ok(outside)
            }
            (None, None) => Ok(AppId::new("")),
        }
    }

    /// A record that was in quarantine because of a value on its way in is well again.
    fn healthy(&self, tx: &mut Tx<'_>, app_id: &AppId, done: &Reconciled) -> Step<()> {
        // A row that is left out says nothing about a value of it that was refused.
        let whole = self.cx.pair.is_whole();
        let aside = self.tools.state.counters(self.cx.name()).quarantined > 0;
        if !whole || !aside || done.write.is_some() {
            return Ok(());
        }
        if tx.state().quarantined(self.cx.name(), app_id)?.is_some() {
            tx.quarantine(self.cx.name(), app_id, None, self.now())?;
        }
        Ok(())
    }

    /// A CRM record that cannot be taken in has no App record to be filed under.
    fn outside(
        &self,
        tx: &mut Tx<'_>,
        filed: AppId,
        crm_id: Option<CrmId>,
        failure: &Failure,
    ) -> Step<()> {
        Ok(tx.put_result(&RecordResult {
            run: self.run.id,
            name: filed.to_string(),
            app_id: filed,
            crm_id,
            kind: ResultKind::Quarantined,
            did: String::new(),
            failure: Some(failure.clone()),
            tries: 1,
        })?)
    }
}

/// What a CRM record is filed under that has no App record.
fn filed_under(id: CrmId) -> AppId {
    AppId::new(id.to_string())
}
