//! Reads records right before they are written without a precondition, and lets only those go that
//! did not move (sync-semantics 8.2): deletes, for which there is none, updates of a pair whose
//! guard is `recheck`, and creates that were given up before: they may have arrived late, and somebody
//! may have deleted what they made, which gives the key free (sync-semantics 8.5, 14.7). Creates that
//! may be there already are the business of `alike`.
//!
//! Writes nothing to the CRM. Invariant: what moved is closed as not sent before it is taken in.

use std::collections::{HashMap, HashSet};

use super::Way;
use crate::crm::CrmRow;
use crate::domain::id::{AppId, CrmId, IntentId};
use crate::domain::record::{CrmPresence, Source};
use crate::engine::matcher::Matcher;
use crate::engine::push::Moved;
use crate::engine::recover::Made;
use crate::engine::tables::{Intent, MAY_COME, sync_key_key};
use crate::engine::tx::Durability;
use crate::engine::work::{Step, Work};

impl Work {
    /// Takes what moved out of a batch; gives what has to be planned again. When nothing can be
    /// read, the batch is on the list again.
    pub(super) fn look_before(&mut self, way: Way, batch: &mut Vec<Intent>) -> Step<Vec<AppId>> {
        match way {
            Way::Delete | Way::Rechecked => {}
            Way::Create => {
                let mut again = self.look_for_keys(batch)?;
                again.extend(self.look_for_matches(batch)?);
                return Ok(again);
            }
            Way::Update | Way::Guarded => return Ok(Vec::new()),
        }
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
        let mut replan = Vec::new();
        for (intent, row) in std::mem::take(batch).into_iter().zip(got.rows) {
            let known = tx
                .link(&intent.pair, &intent.app_id)?
                .and_then(|l| l.seen)
                .map(|s| s.stamp);
            let gone = |row: &CrmRow| row.presence != CrmPresence::Live;
            let row = row.filter(|row| match way {
                // What is gone already is what was wanted.
                Way::Delete => !gone(row) && known != Some(row.stamp),
                _ => gone(row) || known != Some(row.stamp),
            });
            let Some(row) = row else {
                stay.push(intent);
                continue;
            };
            self.not_done(&mut tx, &intent)?;
            if way == Way::Delete || self.precondition_failed(&mut tx, &intent)? == Moved::Again {
                replan.push(intent.app_id);
            }
            moved.push(row);
        }
        self.commit(tx, Durability::Now)?;
        let mut tx = state.begin();
        let matcher = Matcher::default();
        for row in moved {
            self.take_back(&mut tx, &matcher, row, got.at, Source::Probe)?;
        }
        self.commit(tx, Durability::Soon)?;
        *batch = stay;
        Ok(replan)
    }

    /// Takes the creates out of a batch whose record is there, or was.
    fn look_for_keys(&mut self, batch: &mut Vec<Intent>) -> Step<Vec<AppId>> {
        let ids = batch.iter().map(|intent| intent.id);
        let tried: HashSet<IntentId> = ids.filter(|id| self.tried.remove(id)).collect();
        if tried.is_empty() {
            return Ok(Vec::new());
        }
        let found = match self.find_by_keys(batch.iter().filter(|i| tried.contains(&i.id))) {
            Ok(found) => found,
            Err(stop) => {
                self.give_back(batch)?;
                return Err(stop);
            }
        };
        // Of one key the last one counts.
        let mut by_key: HashMap<String, CrmRow> = found.rows.into_iter().collect();
        let state = self.state();
        let mut tx = state.begin();
        let mut stay = Vec::new();
        let mut replan = Vec::new();
        for intent in std::mem::take(batch) {
            let key = intent.sync_key.as_ref();
            let key = key.filter(|_| tried.contains(&intent.id));
            match key.and_then(|key| by_key.remove(key.as_str())) {
                Some(row) => {
                    self.adopt(&mut tx, &intent, row, found.at, Made::Before)?;
                    replan.push(intent.app_id);
                }
                None => stay.push(intent),
            }
        }
        for intent in stay.iter().filter(|intent| tried.contains(&intent.id)) {
            let Some(key) = &intent.sync_key else {
                continue;
            };
            let key = sync_key_key(&intent.pair, key);
            let known = state.store().get(&MAY_COME, &key)?;
            if known.is_some_and(|known| known.until <= found.at) {
                tx.delete(&MAY_COME, &key);
            }
        }
        self.commit(tx, Durability::Now)?;
        *batch = stay;
        Ok(replan)
    }
}
