//! Finds out what became of writes whose outcome is not known (sync-semantics 8.5).
//!
//! Runs before new work and after a lost answer. Writes that went by a job are asked of the job,
//! by `push_job`. Invariant: an intent is closed only on evidence:
//! the record has what was sent, or the request can no longer be executed.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::crm::{CrmRow, MAX_COLLECTION};
use crate::domain::conflict::{self, Choice};
use crate::domain::id::{AppId, CrmId, IntentId};
use crate::domain::record::{CrmPresence, LinkState, Source, Standing};
use crate::domain::run::{Failure, Phase, RecordResult, ResultKind, Word};
use crate::domain::text::some;
use crate::domain::transform::Side;
use crate::domain::value::same;
use crate::store::StoreError;

use super::conflicts;
use super::ingest::new_link;
use super::journal::{self, Sent, Verdict};
use super::matcher::Matcher;
use super::planner;
use super::tables::{Intent, JobStage, MAY_COME, MayCome, Op, sync_key_key};
use super::tx::{Durability, Tx};
use super::work::{Step, Work, Writes};

/// Intents that one transaction closes; each can take a dozen writes.
const TOGETHER: usize = 250;

/// Which try to create a record made the one that was found by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// The one whose intent is open: there was no other.
    ByThis,
    /// Perhaps an earlier one, with other values.
    Before,
}

/// Records found by our key.
#[derive(Debug)]
pub(super) struct FoundByKey {
    /// Key and record.
    pub rows: Vec<(String, CrmRow)>,
    /// The server's clock.
    pub at: Timestamp,
}

impl Work {
    /// Resolves what an earlier process or run left open.
    pub(super) fn recover(&mut self) -> Step<()> {
        let name = self.cx.name().clone();
        let mut open: Vec<Intent> = self.tools.state.intents()?;
        open.retain(|intent| intent.pair == name);
        let jobs = self.write_jobs()?;
        if open.is_empty() && jobs.is_empty() {
            return Ok(());
        }
        self.phase(Phase::Recover, Some(open.len() as u64));
        for (number, kept) in jobs {
            // A job says what became of its records; the others are read.
            let parts = self.job_parts(number)?;
            let rows = parts.into_iter().flat_map(|(_, rows)| rows);
            let told: HashSet<IntentId> = rows.map(|row| row.intent).collect();
            open.retain(|intent| !told.contains(&intent.id));
            match (&self.tools.writes, kept.stage) {
                // A rehearsal leaves the org's jobs alone; their records wait.
                (Writes::Rehearsed(_), JobStage::Made { .. }) => {}
                _ => self.conclude(number)?,
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let mut tx = state.begin();
        let writes = some(open.len() as u64, "write", "writes");
        let text = format!("looks at {writes} of earlier runs");
        self.log(&mut tx, Word::Info, text);
        tx.commit(Durability::Soon)?;
        for open in open.chunks(MAX_COLLECTION) {
            self.resolve(open.to_vec())?;
            self.advance(open.len());
        }
        Ok(())
    }

    /// Reads the records of these intents and closes what can be closed. Gives back the records
    /// that have to be planned again.
    pub(super) fn resolve(&mut self, intents: Vec<Intent>) -> Step<Vec<AppId>> {
        let (creates, others): (Vec<_>, Vec<_>) =
            intents.into_iter().partition(|i| i.op == Op::Create);
        let mut replan = Vec::new();
        for creates in creates.chunks(MAX_COLLECTION) {
            replan.extend(self.resolve_creates(creates)?);
        }
        for others in others.chunks(TOGETHER) {
            replan.extend(self.resolve_others(others)?);
        }
        Ok(replan)
    }

    pub(super) fn find_by_keys<'i>(
        &mut self,
        intents: impl Iterator<Item = &'i Intent>,
    ) -> Step<FoundByKey> {
        let Some(field) = self.cx.pair.pair.key_field.clone() else {
            return Ok(FoundByKey {
                rows: Vec::new(),
                at: self.sent_now(),
            });
        };
        let keys: Vec<String> = intents
            .filter_map(|i| i.sync_key.as_ref())
            .map(|key| key.as_str().to_owned())
            .collect();
        let got = self.read(
            self.tools
                .crm
                .find(&self.object, &field, &keys, &self.fields),
        )?;
        self.hear(got.at);
        let mut rows: Vec<CrmRow> = got.rows.into_iter().flatten().collect();
        // Of one key the last one counts: a live one, if there is any.
        rows.sort_by_key(|row| row.presence == CrmPresence::Live);
        let rows = rows
            .into_iter()
            .filter_map(|row| {
                let key = row.fields.get(&field)?.as_text()?.to_owned();
                Some((key, row))
            })
            .collect();
        Ok(FoundByKey { rows, at: got.at })
    }

    fn resolve_creates(&mut self, intents: &[Intent]) -> Step<Vec<AppId>> {
        let found = self.find_by_keys(intents.iter())?;
        let now = self.now();
        let mut by_key: HashMap<String, CrmRow> = found.rows.into_iter().collect();
        let state = self.state();
        let mut tx = state.begin();
        let mut replan = Vec::new();
        for intent in intents {
            let row = intent
                .sync_key
                .as_ref()
                .and_then(|key| by_key.remove(key.as_str()));
            match row {
                Some(row) => {
                    let made = made(&tx, intent)?;
                    self.adopt(&mut tx, intent, row, found.at, made)?;
                }
                // The same unique key makes sending it again safe at any time; but what arrives late
                // may be deleted by somebody before it does.
                None => {
                    let until = journal::sent_at(intent) + self.cx.settings.late;
                    if let Some(key) = intent.sync_key.as_ref().filter(|_| found.at < until) {
                        let app_id = intent.app_id.clone();
                        let key = sync_key_key(&intent.pair, key);
                        tx.put(&MAY_COME, &key, &MayCome { app_id, until });
                    }
                    journal::not_sent(&mut tx, intent, now)?;
                }
            }
            replan.push(intent.app_id.clone());
        }
        self.commit(tx, Durability::Now)?;
        Ok(replan)
    }

    /// The record that a create of ours made: linked, and where its values are the ones that were
    /// sent, agreed. Where they are not (it was made by an earlier, different try), the first
    /// link's rule decides.
    pub(super) fn adopt(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        row: CrmRow,
        at: Timestamp,
        made: Made,
    ) -> Step<()> {
        let now = self.now();
        let id = row.id;
        let holder = tx.by_crm(&intent.pair, &id)?;
        if holder.is_some_and(|holder| holder != intent.app_id) {
            return self.key_is_taken(tx, intent, id);
        }
        tx.close_intent(intent);
        let mut link = match tx.link(&intent.pair, &intent.app_id)? {
            Some(link) => link,
            None => new_link(&self.cx, &intent.app_id),
        };
        let was = link.crm_id;
        link.crm_id = Some(id);
        link.state = LinkState::Active;
        for agreed in &intent.agreed {
            let Some(compiled) = self.cx.pair.rows.iter().find(|r| r.row.id == agreed.row) else {
                continue;
            };
            let appends = compiled.row.flow.appends();
            let fields = compiled.row.crm.iter().zip(&compiled.crm);
            let equal = fields.zip(&agreed.crm).all(|((field, kind), agreed)| {
                // What is agreed on where lines are added leaves those lines out.
                let added = intent.fields.get(field).filter(|_| appends);
                let is = row.fields.get(field);
                is.is_some_and(|is| same(*kind, is, added.unwrap_or(agreed)))
            });
            if equal {
                let base = journal::base_of(&self.cx, intent, agreed, Standing::Settled, now);
                link.bases.insert(agreed.row, base);
            }
        }
        link.seen = Some(planner::observation(row, at, Source::ReadBack));
        let app = tx.app_record(&self.cx.pair.pair.table, &intent.app_id)?;
        let name = self.cx.title(app.as_ref(), link.seen.as_ref());
        if let Some(seen) = &link.seen {
            tx.note_appended(&self.cx.pair, id, &seen.fields)?;
        }
        // What was sent was there, whoever removed it since; an earlier try, which may have made the
        // record, had perhaps less.
        if made == Made::ByThis {
            tx.note_appended(&self.cx.pair, id, &intent.fields)?;
        }
        tx.put_link(link, was)?;
        for id in &intent.resolves {
            if let Some(conflict) = tx.conflict(*id)? {
                let choice = conflict.staged.as_ref().map(|s| s.choice.clone());
                let choice = choice.unwrap_or(Choice::Take(Side::App));
                conflicts::close(tx, conflict, conflict::State::Resolved { choice }, now)?;
            }
        }
        tx.todo(&intent.pair, &intent.app_id)?;
        tx.put_result(&RecordResult {
            run: self.run.id,
            app_id: intent.app_id.clone(),
            crm_id: Some(id),
            name,
            kind: ResultKind::Applied,
            did: "created in Salesforce; found by its key".to_owned(),
            failure: None,
            tries: 1,
        })?;
        tx.sent(intent, id, None, now)?;
        let counts = self.counts();
        counts.pushed += 1;
        counts.created += 1;
        Ok(())
    }

    /// The record with this key is that of another App record: another one was merged into it before
    /// it was found, or a key that follows from a line was there before this store knew of it.
    fn key_is_taken(&mut self, tx: &mut Tx<'_>, intent: &Intent, holder: CrmId) -> Step<()> {
        let failure = Failure {
            code: "DUPLICATE_VALUE".to_owned(),
            what: format!("{holder} has its key in Salesforce, and is another App record's"),
            why: "another record was merged into it, or it was made before a backup was put back"
                .to_owned(),
            fix: "delete one of the two App records".to_owned(),
            fields: Vec::new(),
            request: String::new(),
        };
        let (op, fields) = (intent.op, &intent.fields);
        let sent = Sent {
            payload: journal::payload_hash(op, fields, &self.object, &[], None),
            times: 1,
        };
        let now = self.now();
        Ok(journal::quarantine(
            tx, &self.cx, intent, sent, &failure, now,
        )?)
    }

    fn resolve_others(&mut self, intents: &[Intent]) -> Step<Vec<AppId>> {
        let now = self.now();
        let ids: Vec<CrmId> = intents.iter().filter_map(|i| i.crm_id).collect();
        let got = self.read(self.tools.crm.retrieve(&self.object, &ids, &self.fields))?;
        self.measure_clock(got.at);
        self.hear(got.at);
        let rows: HashMap<CrmId, CrmRow> = got
            .rows
            .into_iter()
            .flatten()
            .map(|row| (row.id, row))
            .collect();
        let state = self.state();
        let mut tx = state.begin();
        let mut replan = Vec::new();
        let mut closed = Vec::new();
        for intent in intents {
            let row = intent.crm_id.and_then(|id| rows.get(&id));
            if let Some(row) = row {
                tx.note_appended(&self.cx.pair, row.id, &row.fields)?;
            }
            match self.verdict(intent, row, got.at) {
                Verdict::Applied => {
                    if let Some(id) = intent.crm_id {
                        self.applied(&mut tx, intent, id)?;
                    }
                }
                Verdict::NotApplied => {
                    journal::gone_all_the_same(&mut tx, &self.cx, intent, row, now)?;
                    journal::not_sent(&mut tx, intent, now)?;
                    replan.push(intent.app_id.clone());
                }
                Verdict::Hold => {
                    journal::hold(&mut tx, &self.cx, intent, now)?;
                    self.held(&mut tx, intent)?;
                    continue;
                }
            }
            if let Some(row) = row {
                closed.push(row.clone());
            }
        }
        self.commit(tx, Durability::Now)?;
        // What was read is taken in after its intent is closed: see `ingest::take`. If this breaks off
        // before that, it is in the inbox, or the next window has it.
        let mut tx = state.begin();
        let matcher = Matcher::default();
        for row in closed {
            self.take_back(&mut tx, &matcher, row, got.at, Source::ReadBack)?;
        }
        self.commit(tx, Durability::Soon)?;
        Ok(replan)
    }

    /// What a read by the server's clock says about a write.
    fn verdict(&self, intent: &Intent, row: Option<&CrmRow>, now: Timestamp) -> Verdict {
        let over = now >= journal::sent_at(intent) + self.cx.settings.late;
        match (intent.op, row) {
            (Op::Delete, Some(row)) if row.presence != CrmPresence::Live => Verdict::Applied,
            (_, Some(row)) if row.presence != CrmPresence::Live => Verdict::NotApplied,
            (Op::Create | Op::Update, Some(row)) => journal::judge(&self.cx, intent, row, now),
            // Not readable is not deleted: sent again later, the delete says which it is.
            (Op::Delete, Some(_)) | (_, None) if over => Verdict::NotApplied,
            (Op::Delete, Some(_)) | (_, None) => Verdict::Hold,
        }
    }

    fn held(&mut self, tx: &mut Tx<'_>, intent: &Intent) -> Step<()> {
        tx.todo(&intent.pair, &intent.app_id)?;
        let app = tx.app_record(&self.cx.pair.pair.table, &intent.app_id)?;
        let until = journal::sent_at(intent) + self.cx.settings.late;
        tx.put_result(&RecordResult {
            run: self.run.id,
            app_id: intent.app_id.clone(),
            crm_id: intent.crm_id,
            name: self.cx.title(app.as_ref(), None),
            kind: ResultKind::Ambiguous,
            did: format!(
                "unknown whether it was written; checked again, at the latest after {until}"
            ),
            failure: None,
            tries: 1,
        })?;
        Ok(())
    }
}

/// By which try the record of a create in doubt was made. One that was given up may come late.
fn made(tx: &Tx<'_>, intent: &Intent) -> Result<Made, StoreError> {
    let Some(key) = &intent.sync_key else {
        return Ok(Made::Before);
    };
    let key = sync_key_key(&intent.pair, key);
    Ok(match tx.state().store().contains(&MAY_COME, &key)? {
        true => Made::Before,
        false => Made::ByThis,
    })
}
