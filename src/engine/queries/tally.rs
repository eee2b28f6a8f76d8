//! How the open conflicts of a record stand together: the word of the record, and what it waits for.
//!
//! Reads nothing. Invariant: a record of which all is decided waits for `w` and for nobody else.

use crate::domain::conflict::{Conflict, Kind, State as Standing};
use crate::domain::run::Word;
use crate::domain::text::some;

/// How the conflicts of a record stand.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Those that wait, decided or not.
    pub(super) open: u32,
    /// Those of them that are decided.
    pub(super) decided: u32,
    writing: u32,
    whole: u32,
}

impl Tally {
    /// Counts them.
    pub(super) fn of(conflicts: &[Conflict]) -> Self {
        let mut tally = Self::default();
        for conflict in conflicts {
            match (&conflict.state, &conflict.staged) {
                (Standing::Pending, Some(_)) => {
                    tally.open += 1;
                    tally.decided += 1;
                }
                (Standing::Pending, None) => tally.open += 1,
                (Standing::Resolving, _) => tally.writing += 1,
                _ => {}
            }
            if conflict.row.is_none() && conflict.state == Standing::Pending {
                tally.whole += 1;
            }
        }
        tally
    }

    /// The word of the record.
    pub(super) fn word(&self) -> Word {
        match self {
            Self {
                open: 0,
                writing: 0,
                ..
            } => Word::Hold,
            Self { open: 0, .. } => Word::Run,
            t if t.decided == t.open => Word::Ready,
            Self { whole: 1.., .. } => Word::Del,
            Self { decided: 1.., .. } => Word::Part,
            _ => Word::Conf,
        }
    }

    /// Whom or what it waits for, in a few words.
    pub(super) fn waits_for(&self, conflicts: &[Conflict]) -> String {
        if let Some(error) = conflicts.iter().find_map(|c| c.error.clone()) {
            return error;
        }
        match self {
            Self {
                open: 0,
                writing: 0,
                ..
            } => "nobody: set aside".to_owned(),
            Self { open: 0, .. } => "being written".to_owned(),
            t if t.decided == t.open => "w to write".to_owned(),
            _ if conflicts
                .iter()
                .any(|c| matches!(c.kind, Kind::NormaliserFight { .. })) =>
            {
                "you: it never settles".to_owned()
            }
            _ if conflicts
                .iter()
                .any(|c| matches!(c.kind, Kind::Rollback { .. })) =>
            {
                "you: changed since a run".to_owned()
            }
            _ if conflicts
                .iter()
                .any(|c| matches!(c.kind, Kind::NoSuchParent { .. })) =>
            {
                "you: no such record".to_owned()
            }
            Self { whole: 1.., .. } => whole_question(conflicts).to_owned(),
            t if t.decided > 0 => some((t.open - t.decided).into(), "field", "fields"),
            _ => "you".to_owned(),
        }
    }
}

fn whole_question(conflicts: &[Conflict]) -> &'static str {
    match conflicts.iter().find(|c| c.row.is_none()).map(|c| &c.kind) {
        Some(Kind::DeleteVsChange { .. } | Kind::MergeCollision { .. }) => "keep/delete",
        Some(Kind::ParentMissing { .. }) => "parent gone",
        Some(Kind::AmbiguousMatch { .. }) => "same or not",
        _ => "you",
    }
}
