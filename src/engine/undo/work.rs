//! A run that takes back what another run wrote (sync-semantics 15).
//!
//! Writes through the same transactions, intents and guards as any run. Invariant: what is put
//! back is held: the base becomes what both sides have, so that no later sync writes it again,
//! until a side changes.

use std::collections::HashMap;
use std::time::Duration;

use jiff::SignedDuration;

use crate::crm::MAX_RETRIEVE;
use crate::domain::id::{AppId, CrmId, RunId};
use crate::domain::record::{Observation, Source};
use crate::domain::run::Phase;
use crate::engine::planner;
use crate::engine::tx::Durability;
use crate::engine::work::{Step, Work};

use super::children::Children;
use super::list::List;
use super::merged;
use super::record::Planned;
use super::written::Touched;

/// Records that are planned and sent together.
const TOGETHER: usize = 100;
/// Times a record is read and planned again when it moved meanwhile.
const TRIES: usize = 3;

/// What is known once for the whole run.
#[derive(Debug)]
pub(super) struct Undo {
    /// The run that is taken back.
    pub run: RunId,
    /// The user that we write as.
    pub me: Option<CrmId>,
    /// Records that hang on others.
    pub children: Children,
    /// Records that are there again, and were merged away.
    pub came_back: HashMap<CrmId, Observation>,
}

impl Work {
    /// Takes back what a run wrote.
    pub(in crate::engine) fn undo(&mut self, run: RunId) -> Step<()> {
        let state = self.state();
        let list = List::read(&state, run)?;
        merged::awaits_no_more(&state, &self.mark_key(), run)?;
        self.phase(Phase::Write, Some(list.len() as u64));
        let mut undo = Undo {
            run,
            me: state.connection()?.identity.map(|who| who.user_id),
            children: match list.whole {
                true => Children::read(&state, self.cx.name())?,
                false => Children::default(),
            },
            came_back: HashMap::new(),
        };
        for part in list.parts(&state, TOGETHER) {
            let part = part?;
            let mut left: Vec<&(AppId, Touched)> = part.iter().collect();
            for _ in 0..TRIES {
                self.boundary()?;
                self.look_again(&left)?;
                self.look_for_merged(&mut undo, &left)?;
                let mut tx = state.begin();
                let mut intents = Vec::new();
                let mut again = Vec::new();
                for (id, touched) in left.iter().copied() {
                    match self.take_back_one(&mut tx, &undo, id, touched)? {
                        Planned::Done => {}
                        Planned::Send(intent) => intents.push(*intent),
                        Planned::Read => again.push(id.clone()),
                    }
                }
                self.commit(tx, Durability::Now)?;
                let planned = left.len();
                again.extend(self.send(intents)?);
                left.retain(|(id, _)| again.contains(id));
                self.advance(planned.saturating_sub(left.len()));
                if left.is_empty() {
                    break;
                }
            }
            self.leave_moving(&left)?;
        }
        Ok(())
    }

    /// What keeps moving is left as it is.
    fn leave_moving(&mut self, left: &[&(AppId, Touched)]) -> Step<()> {
        if left.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let mut tx = state.begin();
        for (id, _) in left.iter().copied() {
            self.put_off(&mut tx, id, "it keeps changing in Salesforce")?;
        }
        self.commit(tx, Durability::Soon)
    }

    /// Reads the CRM records that are to be written, until each answer is old enough to be a
    /// precondition.
    fn look_again(&mut self, records: &[&(AppId, Touched)]) -> Step<()> {
        let mut ids = Vec::new();
        for (id, touched) in records.iter().copied() {
            if touched.is_in_crm() {
                let link = self.tools.state.link(self.cx.name(), id)?;
                ids.extend(link.and_then(|l| l.crm_id));
            }
        }
        let settle = self.cx.settings.settle;
        let wait = self.observe(&ids)?;
        if wait > SignedDuration::ZERO {
            self.sleep(Duration::try_from(wait.min(settle)).unwrap_or_default())?;
            self.observe(&ids)?;
        }
        Ok(())
    }

    /// Reads records and keeps what is there. What moved is compared by the next sync, not here:
    /// this run writes only what it takes back.
    fn observe(&mut self, ids: &[CrmId]) -> Step<SignedDuration> {
        let state = self.state();
        let name = self.cx.name().clone();
        let settle = self.cx.settings.settle;
        let mut wait = SignedDuration::ZERO;
        for ids in ids.chunks(MAX_RETRIEVE) {
            let got = self.read(self.tools.crm.retrieve(&self.object, ids, &self.fields))?;
            self.hear(got.at);
            let mut tx = state.begin();
            for row in got.rows.into_iter().flatten() {
                let since = got.at.duration_since(row.stamp.max(row.modified));
                wait = wait.max(settle - since);
                let Some(id) = tx.by_crm(&name, &row.id)? else {
                    continue;
                };
                let link = tx.link(&name, &id)?;
                let busy = tx.state().open_intent(&name, &id)?.is_some();
                let Some(mut link) = link.filter(|_| !busy) else {
                    continue;
                };
                let seen = planner::observation(row, got.at, Source::Probe);
                let known = link.seen.as_ref();
                if known.is_some_and(|k| k.stamp > seen.stamp) {
                    continue;
                }
                if known.is_none_or(|k| k.presence != seen.presence || k.fields != seen.fields) {
                    tx.todo(&name, &id)?;
                }
                let was = link.crm_id;
                link.seen = Some(seen);
                tx.put_link(link, was)?;
            }
            self.commit(tx, Durability::Soon)?;
        }
        Ok(wait)
    }
}
