//! What becomes of the records of a call: written, or refused and what is done about it
//! (sync-semantics 9.1).
//!
//! Sends no record. Invariant: an outcome and all that follows from it are one commit.

use std::collections::HashMap;

use super::{Left, Locks, Nth, TRIES};
use crate::crm::{CrmError, CrmRow, ErrorClass, MAX_COLLECTION, WriteResult};
use crate::domain::id::{AppId, CrmId};
use crate::domain::run::Word;
use crate::domain::value::Fields;
use crate::engine::alike;
use crate::engine::circuit::Found;
use crate::engine::journal::{self, Reaction, Sent};
use crate::engine::left_out::Shut;
use crate::engine::owners;
use crate::engine::push::Moved;
use crate::engine::recover::Made;
use crate::engine::tables::{Intent, Op, STALE};
use crate::engine::tx::{Durability, Tx};
use crate::engine::work::{Step, Work};
use crate::store::keys::Key;

/// What a write to a record that is not there, or not shown, is refused with.
const NOT_SHOWN: [&str; 2] = ["NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"];
/// A field that must be given is not.
const MISSING: &str = "REQUIRED_FIELD_MISSING";

/// How much of a record is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Aside {
    /// All that was to be written.
    Whole,
    /// The fields that are refused.
    InPart,
}

impl Work {
    /// Commits the outcomes of a batch.
    pub(in crate::engine) fn outcomes(
        &mut self,
        batch: Vec<Intent>,
        results: Vec<WriteResult>,
        nth: Nth,
    ) -> Step<Left> {
        let state = self.state();
        let mut tx = state.begin();
        let mut left = Left::default();
        for (intent, result) in batch.into_iter().zip(results) {
            match result {
                WriteResult::Applied(id) => self.applied(&mut tx, &intent, id)?,
                WriteResult::Refused(error) => {
                    self.refused(&mut tx, intent, &error, nth, &mut left)?;
                }
            }
        }
        self.commit(tx, Durability::Soon)?;
        for find in std::mem::take(&mut left.find).chunks(MAX_COLLECTION) {
            left.replan.extend(self.holders_of_keys(find, nth)?);
        }
        let alike = std::mem::take(&mut left.alike);
        left.replan.extend(self.alike(alike, nth)?);
        Ok(left)
    }

    fn refused(
        &mut self,
        tx: &mut Tx<'_>,
        intent: Intent,
        error: &CrmError,
        nth: Nth,
        left: &mut Left,
    ) -> Step<()> {
        let reaction = journal::reaction(&intent, error);
        if matches!(
            reaction,
            Reaction::Again
                | Reaction::Smaller
                | Reaction::Replan
                | Reaction::Stop
                | Reaction::Describe
        ) {
            self.passing.insert(intent.id);
        }
        match reaction {
            Reaction::Reread if intent.op == Op::Delete && error.code == "ENTITY_IS_DELETED" => {
                if let Some(id) = intent.crm_id {
                    self.applied(tx, &intent, id)?;
                }
            }
            Reaction::Reread => {
                self.not_done(tx, &intent)?;
                left.reread.extend(intent.crm_id);
                if self.precondition_failed(tx, &intent)? == Moved::Again {
                    left.replan.push(intent.app_id);
                }
            }
            Reaction::Again if nth.locks == Locks::Wait => left.again.push(intent),
            Reaction::Smaller if nth.of_tries < TRIES => left.smaller.push(intent),
            Reaction::PutAside if intent.op == Op::Update && self.may_be_hidden(&intent, error) => {
                self.not_done(tx, &intent)?;
                left.reread.extend(intent.crm_id);
                left.replan.push(intent.app_id);
            }
            Reaction::PutAside
                if error.code == owners::INACTIVE
                    && self.owner_is_gone(tx, &intent, &error.fields)? =>
            {
                self.not_done(tx, &intent)?;
                left.replan.push(intent.app_id);
            }
            Reaction::PutAside if self.asks_for_parent(tx, &intent, error)? => {
                self.not_done(tx, &intent)?;
                left.replan.push(intent.app_id);
            }
            Reaction::PutAside if intent.op == Op::Create && error.code == alike::CODE => {
                left.alike.push((intent, error.clone()));
            }
            Reaction::FindByKey => left.find.push((intent, error.clone())),
            Reaction::Again | Reaction::Replan => self.later(tx, &intent, error)?,
            Reaction::Stop => {
                self.later(tx, &intent, error)?;
                left.stop = Some(error.clone());
            }
            Reaction::Describe => {
                self.describe_again(tx);
                match self.shut_rows(tx, &intent, error)? {
                    Shut::Some => {
                        self.not_done(tx, &intent)?;
                        left.replan.push(intent.app_id);
                    }
                    Shut::None => {
                        self.put_aside(tx, &intent, error, nth)?;
                    }
                }
            }
            Reaction::Smaller | Reaction::PutAside => {
                if error.code == MISSING {
                    // It may be wanted since it was described.
                    self.describe_again(tx);
                }
                if self.put_aside(tx, &intent, error, nth)? == Aside::InPart {
                    left.replan.push(intent.app_id);
                }
            }
        }
        Ok(())
    }

    /// Whether a refusal says that the record is not shown; reading it tells (rule R17). One that is
    /// shown all the same is not asked for twice.
    fn may_be_hidden(&mut self, intent: &Intent, error: &CrmError) -> bool {
        if error.class != ErrorClass::Identity || !NOT_SHOWN.contains(&error.code.as_str()) {
            return false;
        }
        let times = self.moved.entry(intent.app_id.clone()).or_default();
        *times += 1;
        *times == 1
    }

    /// Nothing is wrong with the record: the next run tries it.
    fn later(&mut self, tx: &mut Tx<'_>, intent: &Intent, error: &CrmError) -> Step<()> {
        self.not_done(tx, intent)?;
        let why = format!("{error}; the next run tries again");
        self.put_off(tx, &intent.app_id, &why)
    }

    /// Closes a write that did not happen, as far as is known. One that was refused for what passes
    /// may have been delivered twice on the way, and have happened the second time: what it was to
    /// overwrite is in the log all the same.
    pub(in crate::engine) fn not_done(&self, tx: &mut Tx<'_>, intent: &Intent) -> Step<()> {
        if self.passing.contains(&intent.id) {
            journal::gone_all_the_same(tx, &self.cx, intent, None, self.now())?;
        }
        Ok(journal::not_sent(tx, intent, self.now())?)
    }

    /// What the org answered does not fit how it described the object.
    pub(in crate::engine) fn describe_again(&self, tx: &mut Tx<'_>) {
        tx.put(&STALE, &Key::new().text(self.object.name.as_str()), &());
    }

    /// Into quarantine; what can go on without the fields that are refused is on the list again.
    pub(in crate::engine) fn put_aside(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        error: &CrmError,
        nth: Nth,
    ) -> Step<Aside> {
        let now = self.now();
        let failure = journal::failure_of(error);
        let before = tx.state().quarantined(&intent.pair, &intent.app_id)?;
        let before = before.filter(|before| before.run == self.run.id);
        let code = before.as_ref().map_or(&failure, |before| &before.failure);
        let code = code.code.clone();
        // Of this run the entry names what was refused before, too.
        let mut named = before.map_or_else(Vec::new, |before| before.failure.fields);
        for field in &failure.fields {
            if !named.contains(field) {
                named.push(field.clone());
            }
        }
        let mut all = intent.fields.clone();
        all.extend(
            self.dropped
                .get(&intent.app_id)
                .cloned()
                .unwrap_or_default(),
        );
        let bad = match intent.resolves.is_empty() {
            true => self.bad_part(intent.op, &all, &code, &named),
            false => Fields::new(),
        };
        let link = tx.link(&intent.pair, &intent.app_id)?;
        let touched = journal::touched(&self.cx, link.as_ref().and_then(|l| l.seen.as_ref()));
        let (payload, aside) = match bad.is_empty() {
            true => (&intent.fields, Aside::Whole),
            false => (&bad, Aside::InPart),
        };
        let sent = Sent {
            payload: journal::payload_hash(intent.op, payload, &self.object, &named, touched),
            times: nth.of_tries,
        };
        if self.passing.contains(&intent.id) {
            journal::gone_all_the_same(tx, &self.cx, intent, None, self.now())?;
        }
        journal::quarantine(tx, &self.cx, intent, sent, &failure, now)?;
        if self.circuit.note(intent.op, Some(&error.code)) == Found::New {
            let text = format!(
                "very many of the latest writes were refused with {}: no more of the kind are sent \
                 in this run",
                error.code
            );
            self.log(tx, Word::Hold, text);
        }
        if aside == Aside::InPart {
            tx.todo(&intent.pair, &intent.app_id)?;
        }
        Ok(aside)
    }

    /// Commits a write that happened.
    pub(in crate::engine) fn applied(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        id: CrmId,
    ) -> Step<()> {
        let now = self.now();
        journal::applied(tx, &self.cx, intent, id, now)?;
        self.circuit.note(intent.op, None);
        let counts = self.counts();
        counts.pushed += 1;
        counts.pulled += u64::from(!intent.app_fields.is_empty());
        counts.created += u64::from(intent.op == Op::Create);
        if intent.op != Op::Delete {
            self.written.push(id);
        }
        Ok(())
    }

    /// Somebody has a value of these new records already: perhaps we, in a write we lost sight of.
    fn holders_of_keys(&mut self, refused: &[(Intent, CrmError)], nth: Nth) -> Step<Vec<AppId>> {
        let found = self.find_by_keys(refused.iter().map(|(intent, _)| intent))?;
        // Of one key the last one counts.
        let mut by_key: HashMap<String, CrmRow> = found.rows.into_iter().collect();
        let state = self.state();
        let mut tx = state.begin();
        let mut again = Vec::new();
        for (intent, error) in refused {
            let key = intent.sync_key.as_ref();
            match key.and_then(|key| by_key.remove(key.as_str())) {
                Some(row) => {
                    self.adopt(&mut tx, intent, row, found.at, Made::Before)?;
                    again.push(intent.app_id.clone());
                }
                None => {
                    self.put_aside(&mut tx, intent, error, nth)?;
                }
            }
        }
        self.commit(tx, Durability::Now)?;
        Ok(again)
    }
}
