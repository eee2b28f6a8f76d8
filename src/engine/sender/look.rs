//! Reads records right before they are written without a precondition, and lets only those go that
//! did not move (sync-semantics 8.2): deletes, for which there is none, and updates of a pair whose
//! guard is `recheck`.
//!
//! Writes nothing to the CRM. Invariant: what moved is closed as not sent before it is taken in.

use super::Way;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::{CrmPresence, Source};
use crate::engine::ingest::Matcher;
use crate::engine::push::Moved;
use crate::engine::tables::Intent;
use crate::engine::tx::Durability;
use crate::engine::work::{Step, Work};

impl Work {
    /// Takes what moved out of a batch; gives what has to be planned again. When nothing can be
    /// read, the batch is on the list again.
    pub(super) fn look_before(&mut self, way: Way, batch: &mut Vec<Intent>) -> Step<Vec<AppId>> {
        if !matches!(way, Way::Delete | Way::Rechecked) {
            return Ok(Vec::new());
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
            let gone = |row: &crate::crm::CrmRow| row.presence != CrmPresence::Live;
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
}
