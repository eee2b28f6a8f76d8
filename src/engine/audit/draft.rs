//! Entries that wait for the commit of their transaction, and their place in the chain.
//!
//! Invariant: what belongs together in one transaction is one entry, whatever comes between, so
//! that very many writes are few entries.

use jiff::Timestamp;

use crate::appdb::{Author, Change, Expect};
use crate::domain::conflict::Conflict;
use crate::domain::id::{AppId, CrmId, PairName, RunId};
use crate::domain::record::{AppRecord, Link, Presence};
use crate::domain::value::{Fields, subset};
use crate::engine::tables::{Intent, Op, Quarantined};
use crate::store::StoreError;

use super::beside::{Beside, Digest, Digests};
use super::entry::{Aside, Did, Entry, Place, Stands, Step, Turn, What, Wrote};
use super::{CHECKPOINT_EVERY, Chained, Checkpoint};

/// Who acts when no person does.
const ENGINE: &str = "syncdeck";

/// An entry that waits for the commit of its transaction, where it gets its number.
#[derive(Debug)]
pub struct Draft {
    at: Timestamp,
    actor: String,
    what: What,
    pair: Option<PairName>,
    run: Option<RunId>,
    text: String,
    wrote: Vec<Wrote>,
    turns: Vec<Turn>,
    asides: Vec<Aside>,
    /// Values that stand beside the entry.
    values: Vec<(Digest, Fields)>,
}

impl Draft {
    /// Of something a person did, or of something the engine did by itself.
    pub fn new(at: Timestamp, by: &str, what: What, text: impl Into<String>) -> Self {
        Self {
            at,
            actor: by.to_owned(),
            what,
            pair: None,
            run: None,
            text: text.into(),
            wrote: Vec::new(),
            turns: Vec::new(),
            asides: Vec::new(),
            values: Vec::new(),
        }
    }

    /// By the engine.
    pub fn engine(at: Timestamp, what: What, text: impl Into<String>) -> Self {
        Self::new(at, ENGINE, what, text)
    }

    /// About this pair.
    #[must_use]
    pub fn pair(mut self, pair: &PairName) -> Self {
        self.pair = Some(pair.clone());
        self
    }

    /// Part of this run.
    #[must_use]
    pub fn run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    fn entry(self, seq: u64) -> Entry {
        Entry {
            seq,
            at: self.at,
            actor: self.actor,
            what: self.what,
            pair: self.pair,
            run: self.run,
            text: self.text,
            wrote: self.wrote,
            turns: self.turns,
            asides: self.asides,
        }
    }
}

/// What a transaction adds to the chain.
#[derive(Debug, Default)]
pub struct Chain {
    /// Entries with their numbers.
    pub entries: Vec<(u64, Chained)>,
    /// What stands beside them, by the number of the entry.
    pub beside: Vec<(u64, Beside)>,
    /// Entries among them that are checkpoints, and when they were made.
    pub checkpoints: Vec<(Timestamp, Checkpoint)>,
}

/// The entries of one transaction.
#[derive(Debug)]
pub struct Drafts<'a> {
    digests: &'a Digests,
    drafts: Vec<Draft>,
}

impl<'a> Drafts<'a> {
    /// None yet.
    pub fn new(digests: &'a Digests) -> Self {
        Self {
            digests,
            drafts: Vec::new(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// A change of an App record.
    ///
    /// # Errors
    /// When a value cannot be digested: a fault of ours.
    pub fn changed(
        &mut self,
        pair: &PairName,
        change: &Change,
        was: Option<&AppRecord>,
    ) -> Result<(), StoreError> {
        let (actor, run) = match &change.by {
            Author::Person(name) => (name.as_str(), None),
            Author::Run(run) => (ENGINE, Some(*run)),
        };
        let did = match (was.map(|w| w.presence), change.presence) {
            (Some(Presence::Live), Presence::Deleted) => Did::Deleted,
            _ if change.expect == Expect::New => Did::Created,
            _ => Did::Changed,
        };
        let mut wrote = Wrote {
            side: Place::App,
            did,
            app_id: change.id.clone(),
            crm_id: None,
            fields: Vec::new(),
            intent: None,
            before: None,
            after: None,
            code: None,
        };
        let mut values = Vec::new();
        match did {
            // Its values are in the record: beside the chain they would be there twice.
            Did::Created => wrote.after = Some(self.digests.of(&change.fields)?),
            Did::Deleted => wrote.before = was.map(|w| self.digests.of(&w.fields)).transpose()?,
            Did::Changed => {
                wrote.fields = change.fields.keys().cloned().collect();
                let before = subset(was.map(|w| &w.fields), &change.fields);
                self.turned(&mut wrote, &mut values, before, &change.fields)?;
            }
        }
        let draft = self.draft(What::Wrote, change.at, actor, run, pair);
        draft.wrote.push(wrote);
        draft.values.extend(values);
        Ok(())
    }

    /// Digests of both, and both to stand beside the entry.
    fn turned(
        &self,
        wrote: &mut Wrote,
        values: &mut Vec<(Digest, Fields)>,
        before: Fields,
        after: &Fields,
    ) -> Result<(), StoreError> {
        if after.is_empty() {
            return Ok(());
        }
        let digests = (self.digests.of(&before)?, self.digests.of(after)?);
        (wrote.before, wrote.after) = (Some(digests.0), Some(digests.1));
        values.extend([(digests.0, before), (digests.1, after.clone())]);
        Ok(())
    }

    /// A write to the CRM that happened. `was` is the link as it was before.
    ///
    /// # Errors
    /// As [`Drafts::changed`].
    pub fn sent(
        &mut self,
        intent: &Intent,
        id: CrmId,
        was: Option<&Link>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(What::Wrote, intent, Some(id), was, None, at)
    }

    /// A write to the CRM that was refused, with the code.
    ///
    /// # Errors
    /// As [`Drafts::changed`].
    pub fn refused(
        &mut self,
        intent: &Intent,
        was: Option<&Link>,
        code: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let code = Some(code.to_owned());
        self.write(What::Refused, intent, intent.crm_id, was, code, at)
    }

    /// A write to the CRM of which nobody knows whether it happened.
    ///
    /// # Errors
    /// As [`Drafts::changed`].
    pub fn unknown(
        &mut self,
        intent: &Intent,
        was: Option<&Link>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(What::Unknown, intent, intent.crm_id, was, None, at)
    }

    fn write(
        &mut self,
        what: What,
        intent: &Intent,
        crm_id: Option<CrmId>,
        was: Option<&Link>,
        code: Option<String>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let did = match intent.op {
            Op::Create => Did::Created,
            Op::Update => Did::Changed,
            Op::Delete => Did::Deleted,
        };
        let mut wrote = Wrote {
            side: Place::Crm,
            did,
            app_id: intent.app_id.clone(),
            crm_id,
            fields: Vec::new(),
            intent: Some(intent.id),
            before: None,
            after: None,
            code,
        };
        let seen = was.and_then(|link| link.seen.as_ref()).map(|s| &s.fields);
        let mut values = Vec::new();
        match did {
            Did::Created => wrote.after = Some(self.digests.of(&intent.fields)?),
            Did::Deleted => {
                if let Some(seen) = seen {
                    let digest = self.digests.of(seen)?;
                    wrote.before = Some(digest);
                    values.push((digest, seen.clone()));
                }
            }
            Did::Changed => {
                wrote.fields = intent.fields.keys().cloned().collect();
                let before = subset(seen, &intent.fields);
                self.turned(&mut wrote, &mut values, before, &intent.fields)?;
            }
        }
        let draft = self.draft(what, at, ENGINE, Some(intent.run), &intent.pair);
        draft.wrote.push(wrote);
        draft.values.extend(values);
        Ok(())
    }

    /// A conflict as it is from now on, and as it was. The values are those of the conflict, which
    /// is never deleted.
    ///
    /// # Errors
    /// As [`Drafts::changed`].
    pub fn conflict(
        &mut self,
        was: Option<&Conflict>,
        is: &Conflict,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let from = was.map(|was| Stands::of(&was.state));
        let to = Stands::of(&is.state);
        if from == Some(to) && was.is_some_and(|was| was.fp == is.fp) {
            return Ok(());
        }
        let digest = |cell: &Option<_>| cell.as_ref().map(|cell| self.digests.of(cell)).transpose();
        let turn = Turn {
            conflict: is.id,
            app_id: is.app_id.clone(),
            row: is.row,
            from,
            to,
            app: digest(&is.app)?,
            crm: digest(&is.crm)?,
        };
        let draft = self.draft(What::Conflicts, at, ENGINE, None, &is.pair);
        draft.turns.push(turn);
        Ok(())
    }

    /// A record that goes into quarantine, or out of it.
    pub fn aside(&mut self, pair: &PairName, id: &AppId, is: Option<&Quarantined>, at: Timestamp) {
        let aside = Aside {
            app_id: id.clone(),
            step: if is.is_some() { Step::In } else { Step::Out },
            code: is.map(|is| is.failure.code.clone()),
        };
        let draft = self.draft(What::Quarantine, at, ENGINE, None, pair);
        draft.asides.push(aside);
    }

    /// The entry of this transaction about the same, or a new one.
    fn draft(
        &mut self,
        what: What,
        at: Timestamp,
        actor: &str,
        run: Option<RunId>,
        pair: &PairName,
    ) -> &mut Draft {
        let fits = |d: &Draft| {
            d.what == what && d.run == run && d.actor == actor && d.pair.as_ref() == Some(pair)
        };
        let known = self.drafts.iter().rposition(fits);
        let place = known.unwrap_or(self.drafts.len());
        if known.is_none() {
            let mut draft = Draft::new(at, actor, what, "").pair(pair);
            draft.run = run;
            self.drafts.push(draft);
        }
        &mut self.drafts[place]
    }

    /// Gives the entries their numbers and hashes behind `head`; the new head is the last one's.
    ///
    /// # Errors
    /// When an entry cannot be encoded: a fault of ours.
    pub fn chain(&mut self, head: Checkpoint) -> Result<Chain, StoreError> {
        let drafts = std::mem::take(&mut self.drafts);
        let first = (head.seq == 0 && !drafts.is_empty()).then(|| {
            let at = drafts.first().map_or(Timestamp::UNIX_EPOCH, |d| d.at);
            Draft::engine(at, What::Began, uuid::Uuid::new_v4().to_string())
        });
        let mut out = Chain::default();
        let Checkpoint { mut seq, mut hash } = head;
        for mut draft in first.into_iter().chain(drafts) {
            seq += 1;
            let (at, kept) = (draft.at, std::mem::take(&mut draft.values));
            let line =
                serde_json::to_string(&draft.entry(seq)).map_err(|error| StoreError::Encode {
                    table: error.to_string(),
                })?;
            hash = hash.then(&line);
            if !kept.is_empty() {
                out.beside.push((seq, Beside::Values { at, kept }));
            }
            if seq % CHECKPOINT_EVERY == 0 {
                out.checkpoints.push((at, Checkpoint { seq, hash }));
            }
            out.entries.push((seq, Chained { line, hash }));
        }
        Ok(out)
    }
}
