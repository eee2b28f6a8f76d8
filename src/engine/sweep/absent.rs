//! What a comparison of all ids does not find: asked for by id, noted, and in the end taken for
//! deleted.
//!
//! Invariant: a record counts as deleted only when two sweeps that are an hour apart have missed
//! it, and it did not answer by id either.

use jiff::{SignedDuration, Timestamp};

use super::many::{Leave, Missing};
use super::{Listed, Sweep, is_news};
use crate::crm::MAX_RETRIEVE;
use crate::domain::id::{AppId, CrmId};
use crate::domain::mass::EXAMPLES;
use crate::domain::record::{CrmPresence, Link, Observation, Source};
use crate::domain::run::{LogLine, Word};
use crate::domain::value::Fields;
use crate::engine::ingest::{self, Twins};
use crate::engine::matcher::Matcher;
use crate::engine::tables::{ABSENT, BY_CRM, crm_key};
use crate::engine::tally::Record;
use crate::engine::tx::{Durability, Tx};
use crate::engine::work::{FULL, Step, Work};
use crate::store::keys::{Key, Parts};

/// Time between two sweeps that miss a record before that counts as evidence.
const APART: SignedDuration = SignedDuration::from_hours(1);
/// Why a record that cannot be read counts as deleted (sync-semantics 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Two sweeps that are far enough apart did not find it; the first was then.
    NotListedTwice(Timestamp),
    /// The CRM's list of deletions says that it was deleted then.
    Listed(Timestamp),
}

impl Work {
    /// Goes through the links whose record was not listed.
    pub(super) fn unlisted(&mut self, sweep: &mut Sweep, at: Timestamp) -> Step<()> {
        let found = self.missing_of(&sweep.listed)?;
        let leave = self.may_count(&found)?;
        self.reappeared(&sweep.listed)?;
        if found.missing == 0 {
            return Ok(());
        }
        let mut young = 0;
        let mut ids = Vec::new();
        for key in self.linked() {
            ids.extend(self.is_missing(&sweep.listed, &key?)?);
            if ids.len() >= MAX_RETRIEVE {
                young += self.ask_for(sweep, std::mem::take(&mut ids), (at, leave))?;
            }
        }
        young += self.ask_for(sweep, ids, (at, leave))?;
        match leave {
            Leave::Usual | Leave::NoteOnly => Ok(()),
            Leave::Allowed => self.allowance_used(sweep.swept.gone, young),
        }
    }

    /// How many of the links lead to what was not listed.
    pub(super) fn missing_of(&self, listed: &Listed) -> Step<Missing> {
        let mut found = Missing::default();
        for key in self.linked() {
            let key = key?;
            found.linked += u64::from(crm_id_of(&key).is_some_and(|id| listed.has(&id)));
            if let Some((_, app_id)) = self.is_missing(listed, &key)? {
                found.linked += 1;
                found.missing += 1;
                if found.examples.len() < EXAMPLES {
                    found.examples.push(app_id);
                }
            }
        }
        Ok(found)
    }

    fn linked(&self) -> crate::store::Keys {
        let all = Key::new().text(self.cx.name().as_str());
        self.tools.state.store().keys(&BY_CRM, &all)
    }

    /// The link at a key, if its record should be listed and is not.
    fn is_missing(&self, listed: &Listed, key: &[u8]) -> Step<Option<(CrmId, AppId)>> {
        let Some(id) = crm_id_of(key).filter(|id| !listed.has(id)) else {
            return Ok(None);
        };
        let state = &self.tools.state;
        let Some(app_id) = state.by_crm(self.cx.name(), &id)? else {
            return Ok(None);
        };
        let link = state.link(self.cx.name(), &app_id)?;
        let is_there = |link: &Link| {
            let seen = link.seen.as_ref().map(|seen| seen.presence);
            link.crm_id == Some(id)
                && !matches!(seen, Some(CrmPresence::Deleted | CrmPresence::Merged(_)))
        };
        Ok(link.filter(is_there).map(|_| (id, app_id)))
    }

    /// Asks for records by id that were not listed. One that does not answer either is noted, or
    /// counts as deleted when an earlier sweep has noted it. Gives how many were noted too shortly
    /// ago for that.
    fn ask_for(
        &mut self,
        sweep: &mut Sweep,
        missing: Vec<(CrmId, AppId)>,
        (at, leave): (Timestamp, Leave),
    ) -> Step<u64> {
        let mut young = 0;
        if missing.is_empty() {
            return Ok(young);
        }
        let ids: Vec<CrmId> = missing.iter().map(|(id, _)| *id).collect();
        let got = self.read(self.tools.crm.retrieve(&self.object, &ids, &self.fields))?;
        let mut answered = Vec::new();
        let state = self.state();
        self.boundary()?;
        let mut tx = state.begin();
        for ((id, app_id), row) in missing.into_iter().zip(got.rows) {
            let key = crm_key(self.cx.name(), &id);
            if let Some(row) = row {
                tx.delete(&ABSENT, &key);
                answered.push(row);
                continue;
            }
            match state.store().get(&ABSENT, &key)? {
                None => {
                    tx.put(&ABSENT, &key, &at);
                    young += 1;
                }
                Some(first) if at.duration_since(first) < APART => young += 1,
                Some(_) if leave == Leave::NoteOnly => {}
                Some(first) => {
                    tx.delete(&ABSENT, &key);
                    let evidence = Evidence::NotListedTwice(first);
                    let gone =
                        self.count_as_deleted(&mut tx, &sweep.matcher, id, &app_id, evidence)?;
                    sweep.swept.gone += u64::from(gone);
                }
            }
            if tx.len() >= FULL {
                self.commit(tx, Durability::Soon)?;
                tx = state.begin();
            }
        }
        self.commit(tx, Durability::Soon)?;
        sweep.swept.healed += self.take_missed(&sweep.matcher, answered, got.at)?;
        Ok(young)
    }

    /// Nobody can read it, and this says why: as good as having seen it deleted.
    pub(in crate::engine) fn count_as_deleted(
        &mut self,
        tx: &mut Tx<'_>,
        matcher: &Matcher,
        id: CrmId,
        app_id: &AppId,
        evidence: Evidence,
    ) -> Step<bool> {
        let now = self.now();
        let (first, by) = match evidence {
            Evidence::NotListedTwice(first) => (first, "two comparisons of all ids"),
            Evidence::Listed(at) => (at, "its list of deletions"),
        };
        let known = tx.link(self.cx.name(), app_id)?.and_then(|link| link.seen);
        let seen = Observation {
            seen_at: now,
            source: Source::Probe,
            presence: CrmPresence::Deleted,
            ..known.unwrap_or(Observation {
                id,
                fields: Fields::new(),
                stamp: first,
                modified: first,
                modified_by: None,
                seen_at: now,
                source: Source::Probe,
                presence: CrmPresence::Deleted,
            })
        };
        let text = format!(
            "{}: not in Salesforce any more, by {by}; counts as deleted there",
            self.cx.title(None, Some(&seen))
        );
        let taken = ingest::take(tx, &self.cx, matcher, seen, Twins::NotLookedFor, now)?;
        let gone = is_news(&taken);
        if gone {
            let line = LogLine {
                at: now,
                word: Word::Warn,
                run: Some(self.run.id),
                text: text.clone(),
            };
            tx.history(self.cx.name(), app_id, &line);
            self.log(tx, Word::Warn, text);
        }
        self.count_taken(tx, id, taken, Record::Each)?;
        Ok(gone)
    }

    /// Forgets what an earlier sweep noted about records that are listed again.
    fn reappeared(&mut self, listed: &Listed) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        for key in state.store().keys(&ABSENT, &self.mark_key()) {
            let key = key?;
            if crm_id_of(&key).is_some_and(|id| listed.has(&id)) {
                tx.delete(&ABSENT, &key);
            }
        }
        if !tx.is_empty() {
            tx.commit(Durability::Soon)?;
        }
        Ok(())
    }
}

pub(super) fn crm_id_of(key: &[u8]) -> Option<CrmId> {
    let mut parts = Parts::of(key);
    parts.text().ok()?;
    parts.text().ok()?.parse().ok()
}
