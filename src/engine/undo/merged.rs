//! A merge in the CRM that a run followed: what of it can be taken back (sync-semantics 15).
//!
//! The merge itself cannot. Where somebody has brought the record back there that was merged away, it
//! is linked again, whenever that is. Invariant: nothing that was agreed with the survivor counts for it.

use super::plan::Look;
use super::written::Touched;
use crate::crm::MAX_RETRIEVE;
use crate::domain::id::{AppId, CrmId, PairName, RunId};
use crate::domain::record::{Bases, CrmPresence, Link, LinkState, Observation, Source};
use crate::engine::planner;
use crate::engine::state::State;
use crate::engine::tables::{COMES_BACK, ComesBack, crm_key};
use crate::engine::tx::{Durability, Tx};
use crate::engine::undo::End;
use crate::engine::work::{Step, Work};
use crate::error::Result;
use crate::store::keys::Key;

use super::work::Undo;

/// The record that was merged away.
#[derive(Debug, Clone, Copy)]
pub enum Old<'a> {
    /// Nobody has asked for it: a preview.
    NotRead,
    /// It is there again.
    Back(&'a Observation),
    /// It is not there.
    Gone,
    /// It is there, and another App record is linked with it.
    Taken,
}

const LINK: &str = "the link";

impl Touched {
    /// The record that a merge, which was followed, took the App record away from.
    pub(super) fn merged_away(&self) -> Option<CrmId> {
        let (before, after) = self.linked.as_ref()?;
        before.crm_id.filter(|old| Some(*old) != after.crm_id)
    }
}

impl Look<'_> {
    /// A merge was followed: the record of before it is linked again, if it is there.
    pub(super) fn merge(&mut self, old: CrmId, after: &End) {
        let Some(link) = self.now.link else { return };
        if link.crm_id == Some(old) {
            return;
        }
        let why = match self.now.old {
            _ if link.crm_id != after.crm_id || link.state != after.state => {
                "it was changed since".to_owned()
            }
            _ if self.out.crm.is_some() => {
                "what was written to the survivor is put back first; take the run back once more \
                 for the link"
                    .to_owned()
            }
            Old::Gone => {
                self.out.awaits = Some(old);
                format!(
                    "a merge in Salesforce cannot be taken back; undelete {old} there, and the next \
                     sync links it again"
                )
            }
            Old::Taken => format!("{old} is linked with another App record by now"),
            Old::NotRead | Old::Back(_) => {
                self.out.relink = Some(old);
                return self
                    .out
                    .acts
                    .push("link with its record of before the merge, if Salesforce has it again");
            }
        };
        self.out.leave(LINK, why);
    }
}

/// The link that a CRM record which is there again belongs to, as a run was taken back that had
/// followed its merge; none when the App record was linked otherwise since. What was agreed with the
/// survivor says nothing about it.
///
/// # Errors
/// The store cannot be read.
pub fn comes_back(tx: &mut Tx<'_>, pair: &PairName, seen: &Observation) -> Result<Option<Link>> {
    let key = crm_key(pair, &seen.id);
    let Some(awaited) = tx.state().store().get(&COMES_BACK, &key)? else {
        return Ok(None);
    };
    let link = tx.link(pair, &awaited.app_id)?;
    // Until its intent is closed it waits in the inbox, and is asked about here again.
    if tx.state().open_intent(pair, &awaited.app_id)?.is_none() {
        tx.delete(&COMES_BACK, &key);
    }
    let as_left = |link: &Link| link.crm_id == awaited.survivor && link.state == LinkState::Active;
    Ok(link.filter(as_left).map(|link| Link {
        bases: Bases::new(),
        ..link
    }))
}

/// Nobody waits any more for what this run, which is taken back itself, waited for.
pub(super) fn awaits_no_more(state: &State, pair: &Key, by: RunId) -> Result<()> {
    let mut tx = state.begin();
    for row in state.store().scan(&COMES_BACK, pair) {
        let (key, awaited) = row?;
        if awaited.by == by {
            tx.delete(&COMES_BACK, &key);
        }
    }
    match tx.is_empty() {
        true => Ok(()),
        false => Ok(tx.commit(Durability::Soon)?),
    }
}

impl Undo {
    /// How the record stands that was merged away.
    pub(super) fn old(&self, tx: &Tx<'_>, work: &Work, touched: &Touched) -> Step<Old<'_>> {
        let Some(id) = touched.merged_away() else {
            return Ok(Old::Gone);
        };
        let Some(seen) = self.came_back.get(&id) else {
            return Ok(Old::Gone);
        };
        Ok(match tx.by_crm(work.cx.name(), &id)? {
            Some(_) => Old::Taken,
            None => Old::Back(seen),
        })
    }
}

impl Work {
    /// Asks whether records are there again that were merged away.
    pub(super) fn look_for_merged(
        &mut self,
        undo: &mut Undo,
        records: &[&(AppId, Touched)],
    ) -> Step<()> {
        let ids = records
            .iter()
            .filter_map(|(_, touched)| touched.merged_away());
        let ids: Vec<CrmId> = ids.collect();
        for ids in ids.chunks(MAX_RETRIEVE) {
            let got = self.read(self.tools.crm.retrieve(&self.object, ids, &self.fields))?;
            self.hear(got.at);
            for row in got.rows.into_iter().flatten() {
                let seen = planner::observation(row, got.at, Source::Probe);
                if seen.presence == CrmPresence::Live {
                    undo.came_back.insert(seen.id, seen);
                }
            }
        }
        Ok(())
    }

    /// Somebody may bring the record of before the merge back later, in the middle of any run: it is
    /// the App record's then, and none of its own.
    pub(super) fn await_back(&self, tx: &mut Tx<'_>, link: &Link, old: &CrmId) {
        let awaited = ComesBack {
            app_id: link.app_id.clone(),
            survivor: link.crm_id,
            by: self.run.id,
            at: self.now(),
        };
        tx.put(&COMES_BACK, &crm_key(self.cx.name(), old), &awaited);
    }

    /// Links the record of before the merge again. The next sync compares the two as at a first
    /// link: what was agreed with the survivor says nothing about it.
    pub(super) fn relink(&self, tx: &mut Tx<'_>, mut link: Link, seen: &Observation) -> Step<Link> {
        let (was, before) = (link.crm_id, End::of(&link));
        link.crm_id = Some(seen.id);
        link.state = LinkState::Active;
        link.seen = Some(seen.clone());
        link.bases.clear();
        tx.linked(self.run.id, &link.app_id, before, End::of(&link));
        tx.delete(&COMES_BACK, &crm_key(self.cx.name(), &seen.id));
        tx.put_link(link.clone(), was)?;
        tx.todo(self.cx.name(), &link.app_id)?;
        Ok(link)
    }
}
