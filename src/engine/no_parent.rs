//! A field of the App names a record that the CRM does not have, of an object that no pair maps: a
//! person is asked about that field, and the rest of the record is written (sync-semantics 12,
//! `parent_missing`).
//!
//! Where a pair maps the object the record waits for its parent instead; nothing is ever refused
//! then. A new record that must have the parent cannot be made without it: it is put aside, with the
//! cause. Invariant: what was refused is not sent again until the field says something else.

use crate::crm::CrmError;
use crate::domain::conflict::{Conflict, Kind};
use crate::domain::id::RowId;
use crate::domain::mapping::Row;
use crate::domain::schema::FieldInfo;
use crate::domain::transform::{Side, Step as Change};
use crate::domain::value::{FieldKind, Value};

use super::conflicts::{self, Found, Sides};
use super::tables::{Intent, Op};
use super::tx::Tx;
use super::work::{Step, Work};

/// What a write is refused with that points to a record which is not there, or not shown
/// (salesforce-api 8).
const NOT_THERE: &str = "INVALID_CROSS_REFERENCE_KEY";

impl Work {
    /// Asks a person about the fields of a refused write that point to what is not there. Gives
    /// whether there are any: the rest of the record can be planned again then.
    pub(super) fn asks_for_parent(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        error: &CrmError,
    ) -> Step<bool> {
        if error.code != NOT_THERE || intent.op == Op::Delete || !intent.resolves.is_empty() {
            return Ok(false);
        }
        let pointing = self.pointing(intent, error);
        if intent.op == Op::Create && pointing.iter().any(|(field, ..)| field.required()) {
            return Ok(false);
        }
        let Some(link) = tx.link(&intent.pair, &intent.app_id)? else {
            return Ok(false);
        };
        let app = tx.app_record(&self.cx.pair.pair.table, &intent.app_id)?;
        let mut asked = false;
        for (_, row, id) in pointing {
            let Some(compiled) = self.cx.pair.rows.iter().find(|r| r.row.id == row) else {
                continue;
            };
            let sides = Sides {
                app: app.as_ref(),
                seen: link.seen.as_ref(),
            };
            let fresh = conflicts::of_row(tx, &self.cx, &link, compiled, sides, self.now());
            let kind = Kind::NoSuchParent { id };
            let found = conflicts::open(tx, Conflict { kind, ..fresh }, self.now())?;
            asked = true;
            if found == Found::New {
                self.counts().conflicts += 1;
            }
        }
        Ok(asked)
    }

    /// Rows that were sent with the id of a record as the App has it, and were named by a refusal.
    fn pointing(&self, intent: &Intent, error: &CrmError) -> Vec<(FieldInfo, RowId, String)> {
        let found = error.fields.iter().filter_map(|field| {
            let is_reference = |kind| kind == FieldKind::Reference;
            let info = self.object.field(field.as_str());
            let info = info.filter(|f| is_reference(f.kind))?;
            let mut rows = self.cx.pair.pair.active();
            let row = rows.find(|row| is_raw(row) && row.crm.contains(field))?;
            let id = intent.fields.get(field).and_then(Value::as_text)?;
            Some((info.clone(), row.id, id.to_owned()))
        });
        found.collect()
    }
}

/// Whether a row of one field sends an id that nobody looks up.
fn is_raw(row: &Row) -> bool {
    let looks_up =
        |step: &Change| matches!(step, Change::Link(_) | Change::User | Change::UserOr(_));
    row.crm.len() == 1 && row.flow.writes(Side::Crm) && !row.to_crm.0.iter().any(looks_up)
}
