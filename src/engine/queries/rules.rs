//! What a rule would decide: the open conflicts of the fields of a record, counted over its pair.
//!
//! Reads only; the rules that go by time are left out, for whose change is later is known only
//! when a record is compared. Invariant: however many conflicts are open, it opens no more than
//! those of [`LOOKED_AT`] records.

use crate::domain::conflict::{Conflict, Kind, State as Standing};
use crate::domain::id::RowId;
use crate::domain::mapping::{Flow, Pair};
use crate::domain::reconcile::is_blank;
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::engine::by_row;
use crate::engine::state::State;
use crate::engine::tables::OPEN_CONFLICTS;
use crate::engine::view::RowRules;
use crate::error::Result;
use crate::store::keys::Key;

/// Records whose conflicts are looked at.
const LOOKED_AT: usize = 500;

/// What rules would decide in these rows of a pair; nothing for rows that need no rule.
///
/// # Errors
/// When the store fails.
pub(in crate::engine) fn rules(
    state: &State,
    pair: &Pair,
    rows: impl Iterator<Item = RowId>,
) -> Result<Vec<RowRules>> {
    let open = by_row::read(state.store())?;
    let rules = rows.filter_map(|id| {
        let row = pair.row(id).filter(|row| row.flow == Flow::Both)?;
        let open = open.get(&(pair.name.clone(), Some(id))).copied()?;
        Some(RowRules {
            row: id,
            label: row.label(Side::App),
            open,
            looked_at: 0,
            one_side: 0,
            filled: 0,
        })
    });
    let mut rules: Vec<RowRules> = rules.collect();
    if rules.is_empty() {
        return Ok(rules);
    }
    let prefix = Key::new().text(pair.name.as_str());
    for ids in state.store().scan(&OPEN_CONFLICTS, &prefix).take(LOOKED_AT) {
        for id in ids?.1 {
            let Some(conflict) = state.conflict(id)? else {
                continue;
            };
            let of = rules.iter_mut().find(|r| Some(r.row) == conflict.row);
            if let Some(rules) = of {
                count(rules, &conflict);
            }
        }
    }
    Ok(rules)
}

fn count(rules: &mut RowRules, conflict: &Conflict) {
    rules.looked_at += 1;
    // At a first link the pair says who wins, not the row; the other kinds always ask.
    let by_rule = conflict.kind == Kind::Field && conflict.state != Standing::Resolving;
    if !by_rule {
        return;
    }
    rules.one_side += 1;
    let blank = |cell: &Option<Cell>| cell.as_deref().is_some_and(is_blank);
    rules.filled += u64::from(blank(&conflict.app) != blank(&conflict.crm));
}
