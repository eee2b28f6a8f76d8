//! Who fills a field, and what becomes of a value that a person gives where it is not sent.
//!
//! Pure. Invariant: it says what the rules of the field's rows do (sync-semantics 5.3).

use super::{FieldSpec, Occasion};
use crate::domain::mapping::{Flow, Foreign, Pair, Row};
use crate::domain::transform::Side;

/// Whether something was given in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Something was.
    Yes,
    /// It is as it was.
    No,
}

/// Who fills a field, as far as a person has to know it who fills it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilledBy {
    /// People, or both sides.
    People,
    /// The CRM alone: what is given here is not sent, and a change there replaces it.
    Crm,
    /// The CRM alone, and what is changed here is put back (`enforce`).
    CrmAlways,
    /// People, or both sides, of a record that nothing is sent of.
    Resting,
}

impl FilledBy {
    /// By the rows that have the field: one that sends it is enough.
    pub(super) fn of<'r>(rows: impl Iterator<Item = &'r Row>) -> Self {
        let mut filled = Self::People;
        for row in rows {
            match row.flow {
                flow if flow.writes(Side::Crm) => return Self::People,
                Flow::ToApp(Foreign::Enforce) => filled = Self::CrmAlways,
                Flow::ToApp(Foreign::Keep) | Flow::Computed(_) if filled == Self::People => {
                    filled = Self::Crm;
                }
                _ => {}
            }
        }
        filled
    }
}

impl FieldSpec {
    /// The field as it is while nothing of its record is sent.
    #[must_use]
    pub fn resting(mut self, pair: &Pair) -> Self {
        let mut rows = pair.active().filter(|row| row.app.contains(&self.name));
        if rows.any(|row| row.flow.writes(Side::Crm)) {
            self.filled = FilledBy::Resting;
        }
        self
    }

    /// What becomes of a value that is given where it is not sent, as words that follow the field's
    /// name; none elsewhere. A record that is made has no value to be put back.
    pub fn warning(&self, occasion: Occasion) -> Option<&'static str> {
        match (self.filled, occasion) {
            (FilledBy::People, _) => None,
            (FilledBy::Resting, _) => Some("stays in the App: nothing of this record is sent"),
            (FilledBy::CrmAlways, Occasion::Edit) => {
                Some("is filled by Salesforce alone: the next sync puts its value back")
            }
            (FilledBy::Crm | FilledBy::CrmAlways, _) => Some(
                "is filled by Salesforce alone: the value is not sent, and a change there replaces it",
            ),
        }
    }

    /// As [`FieldSpec::warning`], in the room beside the field.
    pub fn filled_note(&self, occasion: Occasion, given: Given) -> Option<&'static str> {
        match (self.filled, given, occasion) {
            (FilledBy::People, ..) | (FilledBy::Resting, Given::No, _) => None,
            (_, Given::No, _) => Some("Salesforce fills it"),
            (FilledBy::CrmAlways, Given::Yes, Occasion::Edit) => Some("next sync puts it back"),
            (_, Given::Yes, _) => Some("not sent to Salesforce"),
        }
    }
}
