//! Taking back what was decided about a record as a whole (sync-semantics 12): the question is asked
//! again, and the other answer is staged and written like any decision.
//!
//! Decides nothing itself. Invariant: the decided conflict stays as it is in the log; what is asked
//! again is a conflict of its own, of the same kind and found by the same run.

use jiff::Timestamp;

use crate::domain::conflict::{Conflict, Kind, State};
use crate::domain::id::ConflictId;
use crate::domain::record::{CrmPresence, Presence};
use crate::domain::transform::Side;
use crate::engine::tx::Tx;
use crate::store::StoreError;

use super::case::Case;

/// How a record stands after it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Both sides have it.
    Both,
    /// Neither side has it.
    Neither,
    /// One side has it; this one has not.
    One(Side),
}

/// How a record stands.
pub fn stand(case: &Case) -> Stand {
    let here = case.app.as_ref().map(|app| app.presence) == Some(Presence::Live);
    let seen = case.link.seen.as_ref();
    let there = seen.is_some_and(|seen| seen.presence == CrmPresence::Live);
    match (here, there) {
        (true, true) => Stand::Both,
        (false, false) => Stand::Neither,
        (true, false) => Stand::One(Side::Crm),
        (false, true) => Stand::One(Side::App),
    }
}

/// The answer to a question about a record that lets it go; none where the question is another one.
pub fn gone(kind: &Kind) -> Option<Side> {
    match kind {
        Kind::DeleteVsChange { deleted } => Some(*deleted),
        Kind::MergeCollision { .. } => Some(Side::Crm),
        _ => None,
    }
}

/// What can be done instead of what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// It was kept: it goes on both sides.
    Delete,
    /// It went: it comes back in the App and is made in the CRM.
    BringBack,
    /// The App's half is written and the CRM's was refused: as if the record had been deleted on this
    /// side only. It goes on the other side too, or comes back on this one.
    Rest(Side),
}

/// What can be done instead of what was decided, and by which answer; or why nothing can.
pub fn instead(case: &Case, kind: &Kind) -> Result<(Side, Instead), &'static str> {
    let Some(gone) = gone(kind) else {
        return Err("which record it belongs to is changed in Records: unlink it, or link another");
    };
    match (stand(case), gone) {
        (Stand::Both, gone) => Ok((gone, Instead::Delete)),
        (Stand::Neither, Side::Crm) => Ok((Side::App, Instead::BringBack)),
        // What the CRM had is known to the run that deleted it there.
        (Stand::Neither, Side::App) => {
            Err("it was deleted in Salesforce: `syncdeck runs undo` of that run makes it again")
        }
        (Stand::One(lost), gone) if case.takes_back.is_some() => Ok((gone, Instead::Rest(lost))),
        (Stand::One(_), _) => Err("one side has it by now, and the other has not: sync first"),
    }
}

impl Instead {
    /// The question that is left when one side lost the record: which answer to that one `taken` is,
    /// where `gone` lets the record go.
    pub fn rest(lost: Side, gone: Side, taken: Side) -> (Kind, Side) {
        let answer = match taken == gone {
            true => lost,
            false => lost.other(),
        };
        (Kind::DeleteVsChange { deleted: lost }, answer)
    }
}

/// Asks again what was decided.
pub fn asked(tx: &Tx<'_>, case: &Case, decided: &Conflict, now: Timestamp) -> Conflict {
    Conflict {
        id: tx.new_conflict_id(),
        crm_id: case.link.crm_id,
        fp: case.whole_fp(),
        state: State::Pending,
        moved: 0,
        opened_at: now,
        closed_at: None,
        error: None,
        staged: None,
        ..decided.clone()
    }
}

/// The decided conflict that an open one asks again; none when it is asked for the first time.
///
/// # Errors
/// When the store cannot be read.
pub fn of(tx: &Tx<'_>, open: &Conflict) -> Result<Option<ConflictId>, StoreError> {
    if open.row.is_some() {
        return Ok(None);
    }
    let decided = tx.state().decided(&open.pair, &open.app_id)?;
    let same = |c: &&Conflict| {
        c.row.is_none() && c.kind == open.kind && c.run == open.run && c.id < open.id
    };
    Ok(decided.iter().find(same).map(|c| c.id))
}
