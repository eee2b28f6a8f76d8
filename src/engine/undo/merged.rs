//! A merge in the CRM that a run followed: what of it can be taken back (sync-semantics 15).
//!
//! The merge itself cannot. Where somebody has brought the record back there that was merged away, it
//! is linked again. Invariant: nothing that was agreed with the survivor counts for it.

use super::plan::Look;
use super::written::Touched;
use crate::crm::MAX_RETRIEVE;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::{CrmPresence, Link, LinkState, Observation, Source};
use crate::engine::planner;
use crate::engine::tx::Tx;
use crate::engine::undo::End;
use crate::engine::work::{Step, Work};

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
            Old::Gone => format!(
                "a merge in Salesforce cannot be taken back; pause the pair, undelete {old} there, and \
                 take the run back once more before it goes on"
            ),
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

    /// Links the record of before the merge again. The next sync compares the two as at a first
    /// link: what was agreed with the survivor says nothing about it.
    pub(super) fn relink(&self, tx: &mut Tx<'_>, mut link: Link, seen: &Observation) -> Step<Link> {
        let (was, before) = (link.crm_id, End::of(&link));
        link.crm_id = Some(seen.id);
        link.state = LinkState::Active;
        link.seen = Some(seen.clone());
        link.bases.clear();
        tx.linked(self.run.id, &link.app_id, before, End::of(&link));
        tx.put_link(link.clone(), was)?;
        tx.todo(self.cx.name(), &link.app_id)?;
        Ok(link)
    }
}
