//! Sends intents to the CRM and commits what became of them (sync-semantics 8).
//!
//! Decides nothing about values. Invariant: an intent that comes in here is durable, and leaves
//! closed, held, or as it was with an error that stops the run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::crm::{
    CrmError, CrmRow, Effect, GuardedUpdate, MAX_COLLECTION, MAX_GUARDED, UpdateRow, WriteResult,
};
use crate::domain::budget::Class;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::{CrmPresence, Source};
use crate::domain::run::Word;
use crate::domain::value::Fields;

use super::journal::{self, Reaction};
use super::push::Moved;
use super::tables::{Intent, Op};
use super::tx::{Durability, Tx};
use super::work::{Step, Stop, Work};

/// Waits before a locked record is tried again, in milliseconds (sync-semantics 9.1).
const AGAIN: [u64; 3] = [1_000, 4_000, 15_000];

/// How records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Create,
    Update,
    Guarded,
    Delete,
}

impl Way {
    fn of(intent: &Intent) -> Self {
        match (intent.op, intent.unmodified_since) {
            (Op::Create, _) => Self::Create,
            (Op::Update, Some(_)) => Self::Guarded,
            (Op::Update, None) => Self::Update,
            (Op::Delete, _) => Self::Delete,
        }
    }

    fn most(self) -> usize {
        match self {
            Self::Guarded => MAX_GUARDED,
            Self::Create | Self::Update | Self::Delete => MAX_COLLECTION,
        }
    }
}

/// What is left of a batch after its answer.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// To be planned again; they are on the list, too.
    replan: Vec<AppId>,
    /// To be read first.
    pub(super) reread: Vec<CrmId>,
    /// To be sent again as they are.
    pub(super) again: Vec<Intent>,
}

impl Work {
    /// Sends intents; those that have an outcome are progress. Gives back the records that have to
    /// be planned again.
    pub(super) fn send(&mut self, mut intents: Vec<Intent>) -> Step<Vec<AppId>> {
        intents.sort_by_key(Way::of);
        let mut replan = Vec::new();
        let mut rest = intents.into_iter().peekable();
        while let Some(first) = rest.next() {
            let way = Way::of(&first);
            let mut batch = vec![first];
            while batch.len() < way.most()
                && let Some(next) = rest.next_if(|i| Way::of(i) == way)
            {
                batch.push(next);
            }
            if self.disturbed() {
                batch.extend(rest);
                self.give_back(&batch)?;
                replan.extend(batch.into_iter().map(|i| i.app_id));
                break;
            }
            let records = batch.len();
            match self.deliver(way, batch) {
                Ok(again) => {
                    self.advance(records.saturating_sub(again.len()));
                    replan.extend(again);
                }
                Err(stop) => {
                    // What was not sent yet is not in doubt.
                    let unsent: Vec<Intent> = rest.collect();
                    self.give_back(&unsent)?;
                    return Err(stop);
                }
            }
        }
        Ok(replan)
    }

    /// Intents that certainly were not executed go back to the list.
    pub(super) fn give_back(&mut self, intents: &[Intent]) -> Step<()> {
        if intents.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let mut tx = state.begin();
        for intent in intents {
            journal::not_sent(&mut tx, intent)?;
        }
        self.commit(tx, Durability::Now)
    }

    /// Sends one batch until every record of it has an outcome.
    fn deliver(&mut self, way: Way, mut batch: Vec<Intent>) -> Step<Vec<AppId>> {
        let mut replan = Vec::new();
        for wait in AGAIN.iter().map(Some).chain([None]) {
            if way == Way::Delete {
                replan.extend(self.look_before_delete(&mut batch)?);
            }
            if batch.is_empty() {
                break;
            }
            let results = match self.transmit(way, &batch) {
                Ok(results) => results,
                Err(Stop::Crm(error)) if error.effect == Effect::Unknown => {
                    self.doubt(&error, batch.len())?;
                    let usual = Arc::clone(&self.tools.crm);
                    self.calls_are(Class::Resolve);
                    replan.extend(self.resolve(batch)?);
                    self.tools.crm = usual;
                    return Ok(replan);
                }
                Err(stop) => {
                    // A refused call, or none at all: nothing happened.
                    self.give_back(&batch)?;
                    return Err(stop);
                }
            };
            let last = wait.is_none();
            let left = self.outcomes(batch, results, last)?;
            replan.extend(left.replan);
            if !left.reread.is_empty() {
                let settle = self.cx.settings.settle;
                self.read_back(&left.reread, Source::Probe, settle)?;
            }
            batch = left.again;
            let Some(wait) = wait.filter(|_| !batch.is_empty()) else {
                break;
            };
            self.counts().retried += batch.len() as u64;
            if let Err(stop) = self.sleep(Duration::from_millis(*wait)) {
                self.give_back(&batch)?;
                return Err(stop);
            }
        }
        Ok(replan)
    }

    fn transmit(&self, way: Way, batch: &[Intent]) -> Step<Vec<WriteResult>> {
        let permit = self.permit(batch.len())?;
        let crm = &self.tools.crm;
        let update = |i: &Intent| {
            Some(UpdateRow {
                id: i.crm_id?,
                fields: i.fields.clone(),
            })
        };
        let results = match way {
            Way::Create => {
                let rows: Vec<Fields> = batch.iter().map(|i| i.fields.clone()).collect();
                self.call(crm.create(permit, &self.object, &rows))?
            }
            Way::Update => {
                let rows: Vec<UpdateRow> = batch.iter().filter_map(update).collect();
                self.call(crm.update(permit, &self.object, &rows))?
            }
            Way::Guarded => {
                let guarded = |i: &Intent| {
                    Some(GuardedUpdate {
                        row: update(i)?,
                        unmodified_since: i.unmodified_since?,
                    })
                };
                let rows: Vec<GuardedUpdate> = batch.iter().filter_map(guarded).collect();
                self.call(crm.update_guarded(permit, &self.object, &rows))?
            }
            Way::Delete => {
                let ids: Vec<CrmId> = batch.iter().filter_map(|i| i.crm_id).collect();
                self.call(crm.delete(permit, &ids))?
            }
        };
        if results.len() == batch.len() {
            return Ok(results);
        }
        Err(wrong_count(results.len(), batch.len()).into())
    }

    fn doubt(&mut self, error: &CrmError, records: usize) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        let text = format!("{error}; reading {records} records to see whether they were written");
        self.log(&mut tx, Word::Warn, text);
        Ok(tx.commit(Durability::Soon)?)
    }

    /// A delete has no precondition: it is read right before, and only what did not move goes
    /// (sync-semantics 8.2).
    fn look_before_delete(&mut self, batch: &mut Vec<Intent>) -> Step<Vec<AppId>> {
        let ids: Vec<CrmId> = batch.iter().filter_map(|i| i.crm_id).collect();
        let got = match self.read(self.tools.crm.retrieve(&self.object, &ids, &self.fields)) {
            Ok(got) => got,
            Err(stop) => {
                self.give_back(batch)?;
                return Err(stop);
            }
        };
        let state = self.state();
        let mut tx = state.begin();
        let mut moved = Vec::new();
        let mut stay = Vec::new();
        for (intent, row) in std::mem::take(batch).into_iter().zip(got.rows) {
            let known = tx
                .link(&intent.pair, &intent.app_id)?
                .and_then(|l| l.seen)
                .map(|s| s.stamp);
            match row {
                Some(row) if row.presence == CrmPresence::Live && known != Some(row.stamp) => {
                    journal::not_sent(&mut tx, &intent)?;
                    moved.push((intent.app_id, row));
                }
                _ => stay.push(intent),
            }
        }
        self.commit(tx, Durability::Now)?;
        let mut tx = state.begin();
        let matcher = super::ingest::Matcher::default();
        let mut replan = Vec::new();
        for (id, row) in moved {
            self.take_back(&mut tx, &matcher, row, got.at, Source::Probe)?;
            replan.push(id);
        }
        self.commit(tx, Durability::Soon)?;
        *batch = stay;
        Ok(replan)
    }

    /// Commits the outcomes of a batch.
    pub(super) fn outcomes(
        &mut self,
        batch: Vec<Intent>,
        results: Vec<WriteResult>,
        last: bool,
    ) -> Step<Left> {
        let state = self.state();
        let mut tx = state.begin();
        let mut left = Left::default();
        let mut find = Vec::new();
        for (intent, result) in batch.into_iter().zip(results) {
            match result {
                WriteResult::Applied(id) => self.applied(&mut tx, &intent, id)?,
                WriteResult::Refused(error) => {
                    let reaction = journal::reaction(&intent, &error);
                    let reaction = if last && reaction == Reaction::Again {
                        Reaction::Replan
                    } else {
                        reaction
                    };
                    self.refused(&mut tx, intent, &error, reaction, &mut left, &mut find)?;
                }
            }
        }
        self.commit(tx, Durability::Soon)?;
        for find in find.chunks(MAX_COLLECTION) {
            left.replan.extend(self.holders_of_keys(find)?);
        }
        Ok(left)
    }

    fn refused(
        &mut self,
        tx: &mut Tx<'_>,
        intent: Intent,
        error: &CrmError,
        reaction: Reaction,
        left: &mut Left,
        find: &mut Vec<(Intent, CrmError)>,
    ) -> Step<()> {
        match reaction {
            Reaction::Reread if intent.op == Op::Delete && error.code == "ENTITY_IS_DELETED" => {
                if let Some(id) = intent.crm_id {
                    self.applied(tx, &intent, id)?;
                }
            }
            Reaction::Reread => {
                journal::not_sent(tx, &intent)?;
                left.reread.extend(intent.crm_id);
                if self.precondition_failed(tx, &intent)? == Moved::Again {
                    left.replan.push(intent.app_id);
                }
            }
            Reaction::Again => left.again.push(intent),
            Reaction::FindByKey => find.push((intent, error.clone())),
            Reaction::Replan => {
                journal::not_sent(tx, &intent)?;
                self.counts().planned += 1;
                self.counts().deferred += 1;
                self.put_off(
                    tx,
                    &intent.app_id,
                    &format!("{error}; the next run tries again"),
                )?;
            }
            Reaction::PutAside => self.put_aside(tx, &intent, error)?,
        }
        Ok(())
    }

    pub(super) fn put_aside(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        error: &CrmError,
    ) -> Step<()> {
        let now = self.now();
        let failure = journal::failure_of(error);
        journal::quarantine(tx, &self.cx, intent, &failure, now)?;
        self.counts().planned += 1;
        self.counts().failed += 1;
        Ok(())
    }

    /// Commits a write that happened.
    pub(super) fn applied(&mut self, tx: &mut Tx<'_>, intent: &Intent, id: CrmId) -> Step<()> {
        let now = self.now();
        journal::applied(tx, &self.cx, intent, id, now)?;
        let counts = self.counts();
        counts.planned += 1;
        counts.pushed += 1;
        counts.pulled += u64::from(!intent.app_fields.is_empty());
        counts.created += u64::from(intent.op == Op::Create);
        if intent.op != Op::Delete {
            self.written.push(id);
        }
        Ok(())
    }

    /// Somebody has a value of these new records already: perhaps we, in a write we lost sight of.
    fn holders_of_keys(&mut self, refused: &[(Intent, CrmError)]) -> Step<Vec<AppId>> {
        let found = self.find_by_keys(refused.iter().map(|(intent, _)| intent))?;
        let mut by_key: HashMap<String, CrmRow> = found.rows.into_iter().collect();
        let state = self.state();
        let mut tx = state.begin();
        let mut again = Vec::new();
        for (intent, error) in refused {
            let key = intent.sync_key.as_ref();
            match key.and_then(|key| by_key.remove(key.as_str())) {
                Some(row) => {
                    self.adopt(&mut tx, intent, row, found.at)?;
                    again.push(intent.app_id.clone());
                }
                None => self.put_aside(&mut tx, intent, error)?,
            }
        }
        self.commit(tx, Durability::Now)?;
        Ok(again)
    }
}

/// An answer that does not have one result for each record.
pub(super) fn wrong_count(answers: usize, records: usize) -> CrmError {
    CrmError {
        class: crate::crm::ErrorClass::TransientCall,
        code: "wrong_count".to_owned(),
        message: format!("{answers} answers for {records} records"),
        fields: Box::default(),
        record: None,
        status: None,
        request: String::new(),
        effect: Effect::Unknown,
    }
}
