//! Taking back what a conflict was decided with: which value that brings (sync-semantics 12).
//!
//! Writes nothing; what it gives is staged and written like any other decision, with the same
//! guards. Invariant: a value that was lost is the one that the conflict's log holds.

use crate::domain::conflict::{Choice, Conflict};
use crate::domain::transform::Side;
use crate::domain::value::Cell;

/// The choice, with the values that the conflict was about in place of those of now.
pub fn then(closed: &Conflict, choice: &Choice) -> Result<Choice, String> {
    let typed = |side, cell: Option<&Cell>| match cell {
        Some(cell) => Ok(Choice::Typed {
            side,
            cell: cell.clone(),
        }),
        None => Err("that value was not known when it was decided".to_owned()),
    };
    match choice {
        Choice::Take(Side::App) => typed(Side::App, closed.app.as_ref()),
        Choice::Take(Side::Crm) => typed(Side::Crm, closed.crm.as_ref()),
        Choice::Base => typed(Side::App, closed.base.as_ref().map(|base| &base.app)),
        Choice::Typed { .. } => Ok(choice.clone()),
        Choice::Both | Choice::Ignore => {
            Err("it is decided: take one of its values back, or type another".to_owned())
        }
    }
}

/// What a staged decision is, in terms of the values that the conflict was about.
pub fn said(closed: &Conflict, staged: &Choice) -> Choice {
    let takes = [
        Choice::Take(Side::App),
        Choice::Take(Side::Crm),
        Choice::Base,
    ];
    let found = takes
        .into_iter()
        .find(|take| then(closed, take).as_ref() == Ok(staged));
    found.unwrap_or_else(|| staged.clone())
}
