//! What a comparison of all ids does not find: asked for by id, noted, and in the end taken for
//! deleted.
//!
//! Invariant: a record counts as deleted only when two sweeps that are an hour apart have missed
//! it, and it did not answer by id either.

use jiff::{SignedDuration, Timestamp};

use super::{Listed, Sweep, is_news};
use crate::crm::MAX_RETRIEVE;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::{CrmPresence, Link, Observation, Source};
use crate::domain::run::{LogLine, Word};
use crate::domain::text::grouped;
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
/// So many records may be missing together at any time.
const FEW: u64 = 10;
/// Or this part of all, as a divisor. More look like a permission that was taken away.
const PART: u64 = 10;

impl Work {
    /// Goes through the links whose record was not listed.
    pub(super) fn unlisted(&mut self, sweep: &mut Sweep, at: Timestamp) -> Step<()> {
        let (mut linked, mut missing) = (0_u64, 0_u64);
        for key in self.linked() {
            linked += 1;
            missing += u64::from(self.is_missing(&sweep.listed, &key?)?.is_some());
        }
        if missing > FEW.max(linked / PART) {
            let text = format!(
                "{} of {} linked records are not listed by Salesforce. So many at once look like \
                 a permission that was taken away: nothing is deleted for it",
                grouped(missing),
                grouped(linked)
            );
            return self.tell(Word::Warn, text);
        }
        self.reappeared(&sweep.listed)?;
        if missing == 0 {
            return Ok(());
        }
        let mut ids = Vec::new();
        for key in self.linked() {
            ids.extend(self.is_missing(&sweep.listed, &key?)?);
            if ids.len() >= MAX_RETRIEVE {
                self.ask_for(sweep, std::mem::take(&mut ids), at)?;
            }
        }
        self.ask_for(sweep, ids, at)
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
    /// counts as deleted when an earlier sweep has noted it.
    fn ask_for(
        &mut self,
        sweep: &mut Sweep,
        missing: Vec<(CrmId, AppId)>,
        at: Timestamp,
    ) -> Step<()> {
        if missing.is_empty() {
            return Ok(());
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
                None => tx.put(&ABSENT, &key, &at),
                Some(first) if at.duration_since(first) < APART => {}
                Some(first) => {
                    tx.delete(&ABSENT, &key);
                    let gone =
                        self.count_as_deleted(&mut tx, &sweep.matcher, id, &app_id, first)?;
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
        Ok(())
    }

    /// Two sweeps did not find it: as good as having seen it deleted.
    fn count_as_deleted(
        &mut self,
        tx: &mut Tx<'_>,
        matcher: &Matcher,
        id: CrmId,
        app_id: &AppId,
        first: Timestamp,
    ) -> Step<bool> {
        let now = self.now();
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
            "{}: not in Salesforce any more, by two comparisons of all ids; counts as deleted there",
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

fn crm_id_of(key: &[u8]) -> Option<CrmId> {
    let mut parts = Parts::of(key);
    parts.text().ok()?;
    parts.text().ok()?.parse().ok()
}
