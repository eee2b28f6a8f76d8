//! What a write in doubt may have overwritten.
//!
//! Decides nothing about the write. Invariant: a value that somebody typed, and that a write may
//! have replaced, is in the log of conflicts whatever becomes of the write.

use jiff::Timestamp;

use crate::crm::CrmRow;
use crate::domain::conflict::{Choice, Conflict, State};
use crate::domain::reconcile::{cell_of, same_cell};
use crate::domain::transform::Side;
use crate::engine::conflicts;
use crate::engine::cx::RunCx;
use crate::engine::tables::Intent;
use crate::engine::tx::Tx;
use crate::error::Result;

/// A write is taken for one that did not happen, because the record does not have what was sent;
/// but the org may have changed that while saving it, or somebody since. Values that the write was
/// to overwrite and that are gone are in the log all the same; those of a record or of a field that
/// nobody can read may be gone.
pub fn gone_all_the_same(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    intent: &Intent,
    row: Option<&CrmRow>,
    now: Timestamp,
) -> Result<()> {
    for entry in &intent.auto {
        if is_gone(cx, entry, row) {
            tx.put_conflict(entry, now)?;
        }
    }
    // What a person decided is asked anew, about the values of now: the log keeps those of then.
    for id in &intent.resolves {
        let Some(decided) = tx.conflict(*id)? else {
            continue;
        };
        if decided.state == State::Resolving
            && is_written(cx, intent, &decided)
            && is_gone(cx, &decided, row)
        {
            let staged = decided.staged.as_ref().map(|staged| staged.choice.clone());
            let choice = staged.unwrap_or(Choice::Take(Side::App));
            let id = tx.new_conflict_id();
            let logged = Conflict { id, ..decided };
            conflicts::close(tx, logged, State::Resolved { choice }, now)?;
        }
    }
    Ok(())
}

/// Whether a write has a value for the field of a conflict.
fn is_written(cx: &RunCx, intent: &Intent, decided: &Conflict) -> bool {
    let compiled = cx.pair.rows.iter().find(|r| Some(r.row.id) == decided.row);
    let mut fields = compiled.into_iter().flat_map(|r| &r.row.crm);
    fields.any(|field| intent.fields.contains_key(field))
}

/// Whether the value of a conflict that a write was to overwrite is not there, as far as one can
/// tell.
fn is_gone(cx: &RunCx, entry: &Conflict, row: Option<&CrmRow>) -> bool {
    let compiled = cx.pair.rows.iter().find(|r| Some(r.row.id) == entry.row);
    let (Some(compiled), Some(was)) = (compiled, &entry.crm) else {
        return false;
    };
    !row.is_some_and(|row| {
        let is = cell_of(Side::Crm, &compiled.row.crm, &row.fields);
        is.is_some_and(|is| same_cell(&compiled.crm, &is, was))
    })
}
