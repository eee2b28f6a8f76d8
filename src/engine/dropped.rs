//! What is left out of a write because the CRM refuses those fields, so that the rest goes on
//! (sync-semantics 9.2, `drop_bad_fields`).
//!
//! Only where the pair says so, and of values that their list does not have. Sends nothing. Invariant: what is left out stays in quarantine, by
//! its values, until something about them changes; it is never agreed on.

use crate::domain::id::FieldName;
use crate::domain::mapping::BadFields;
use crate::domain::value::Fields;

use super::journal::IN_PART;
use super::planner::Write;
use super::tables::Op;
use super::work::Work;

/// A value that its list does not have: never a matter of the whole record (sync-semantics 22).
const NOT_LISTED: &str = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST";

impl Work {
    /// The part of a write that goes with the fields a refusal of this code named, where the rest can go on
    /// without it; nothing otherwise. Fields of one row stay together.
    pub(super) fn bad_part(&self, op: Op, fields: &Fields, why: &str, named: &[String]) -> Fields {
        let holds = self.cx.pair.pair.bad_fields == BadFields::Hold && why != NOT_LISTED;
        if holds || op == Op::Delete {
            return Fields::new();
        }
        let is_named = |field: &FieldName| named.iter().any(|name| name == field.as_str());
        let rows = self.cx.pair.rows.iter();
        let rows = rows.filter(|row| row.row.crm.iter().any(is_named));
        let bad = rows.flat_map(|row| &row.row.crm);
        let bad: Fields = bad
            .filter_map(|field| Some((field.clone(), fields.get(field)?.clone())))
            .collect();
        let needed = |field: &FieldName| {
            let field = self.object.field(field.as_str());
            op == Op::Create && field.is_none_or(|f| f.required())
        };
        // Our key, which no row writes, is not left out.
        let all = fields.keys().filter(|field| is_named(field));
        let mut all = all.map(|field| bad.contains_key(field));
        match bad.keys().any(needed) || all.any(|is_bad| !is_bad) {
            true => Fields::new(),
            false => bad,
        }
    }

    /// The write without a part that is refused; none when nothing is left. The record is compared
    /// again after it, whatever becomes of it.
    pub(super) fn without_bad(&self, write: &Write, bad: &Fields) -> Option<Write> {
        let mut rest = write.clone();
        rest.fields.retain(|field, _| !bad.contains_key(field));
        if rest.fields.is_empty() {
            return None;
        }
        let is_bad = |id| {
            let row = self.cx.pair.rows.iter().find(|row| row.row.id == id);
            row.is_some_and(|row| row.row.crm.iter().any(|field| bad.contains_key(field)))
        };
        rest.agreed.retain(|agreed| !is_bad(agreed.row));
        rest.auto.retain(|entry| !entry.row.is_some_and(is_bad));
        rest.app_rev = IN_PART;
        Some(rest)
    }
}
