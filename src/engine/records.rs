//! The App's records as viewers see them: lists, one record on both sides, and changes by people.
//!
//! Blocking. What a change means for the CRM is decided by the next run. Invariant: a change by
//! a person is based on the revision that person saw, and its outbox entry is in the same commit.

use jiff::Timestamp;

use crate::appdb::AppDb;
use crate::domain::conflict::{Conflict, Kind as ConflictKind};
use crate::domain::id::{AppId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::error::Result;

use super::state::State;
use super::tables::{TODO, record_key};

mod bulk;
mod change;
mod count;
mod detail;
mod form;
mod holds;
mod link;
mod list;
mod narrow;
pub mod staged;
#[cfg(test)]
mod tests;
mod values;
mod views;
mod whole;

pub use bulk::{delete_many, edit_many, pin, preview_delete, restore_many};
pub use change::{create, delete, edit};
pub use count::{counts, keys};
pub use detail::{address, record};
pub use form::{form, keep_form};
pub(super) use holds::Holds;
pub use link::{candidates, link, may_link, unlink};
pub use list::records;
pub(super) use list::{columns, short};
pub use views::{remove_view, save_view, views};
pub use whole::whole;

/// The word of a record that somebody or a write has to do with; none for one at rest.
fn busy(state: &State, pair: &Pair, id: &AppId) -> Result<Option<Word>> {
    let name: &PairName = &pair.name;
    if state.quarantined(name, id)?.is_some() {
        return Ok(Some(Word::Fail));
    }
    let conflicts = state.open_conflicts(name, id)?;
    if let Some(word) = conflict_word(&conflicts) {
        return Ok(Some(word));
    }
    let waits = state.open_intent(name, id)?.is_some() || state.app().waits(&pair.table, id)?;
    Ok(waits.then_some(Word::Wait))
}

/// Whether the next run looks at a record, whatever comes of it.
fn is_looked_at(state: &State, pair: &Pair, id: &AppId) -> Result<bool> {
    let key = record_key(&pair.name, id);
    Ok(state.store().contains(&TODO, &key)?)
}

/// The word of a record with these open conflicts; those that a person ignores say nothing.
fn conflict_word(conflicts: &[Conflict]) -> Option<Word> {
    use crate::domain::conflict::State as Standing;
    let open: Vec<&Conflict> = conflicts
        .iter()
        .filter(|c| c.state != Standing::Ignored)
        .collect();
    if open.is_empty() {
        return None;
    }
    let decided = open.iter().filter(|c| c.staged.is_some()).count();
    let deleted = |c: &&&Conflict| matches!(c.kind, ConflictKind::DeleteVsChange { .. });
    Some(if open.iter().all(|c| c.state == Standing::Resolving) {
        Word::Run
    } else if decided == open.len() {
        Word::Ready
    } else if decided > 0 {
        Word::Part
    } else if open.iter().any(|c| deleted(&c)) {
        Word::Del
    } else {
        Word::Conf
    })
}

/// Time of a line, and the line.
fn line(at: Timestamp, text: String) -> crate::domain::run::LogLine {
    crate::domain::run::LogLine {
        at,
        word: Word::Info,
        run: None,
        text,
    }
}
