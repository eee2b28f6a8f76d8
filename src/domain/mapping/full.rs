//! What becomes of new lines when the text that they are appended to is full (sync-semantics 20.4).
//!
//! Says where lines go, makes no record. Invariant: a [`Target`] names fields that the pair which
//! takes the lines has.

use serde::{Deserialize, Serialize};

use super::Pair;
use crate::domain::id::{FieldName, PairName, RowId, TableName};

/// What becomes of new lines when the text that they are appended to is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFull {
    /// They are refused before anything is sent.
    #[default]
    Reject,
    /// The oldest lines of ours make room, and a line says how many. The App keeps them.
    Rotate,
    /// Each becomes a record of its own, in the pair that [`Overflow`] names.
    Child,
}

impl OnFull {
    /// All, for pickers.
    pub const ALL: [Self; 3] = [Self::Reject, Self::Rotate, Self::Child];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Rotate => "rotate",
            Self::Child => "overflow_child",
        }
    }
}

/// Where lines go that find no room: into records of another pair, one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overflow {
    /// The pair whose records take them.
    pub pair: PairName,
    /// Its row that says which record a line belongs to.
    pub parent: RowId,
    /// Its row that takes what the line says.
    pub text: RowId,
}

/// The same, with the names of what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The pair whose records take the lines.
    pub pair: PairName,
    /// Its App table.
    pub table: TableName,
    /// App field with the id of the record that a line belongs to.
    pub parent: FieldName,
    /// App field with what the line says.
    pub text: FieldName,
}

impl Overflow {
    /// What is written in that pair; none where it does not have these rows, or not switched on.
    pub fn target(&self, pair: &Pair) -> Option<Target> {
        let field = |id| {
            let mut rows = pair.active().filter(|row| row.id == id);
            rows.next()?.app.first().cloned()
        };
        Some(Target {
            pair: pair.name.clone(),
            table: pair.table.clone(),
            parent: field(self.parent)?,
            text: field(self.text)?,
        })
    }
}
