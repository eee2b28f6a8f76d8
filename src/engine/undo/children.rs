//! Records that refer to records of a pair: a record with such is not taken away.
//!
//! Knows what is mapped, and nothing of other objects of the CRM. Invariant: reads each child
//! once, and looks again before it says that one is still there.

use std::collections::HashMap;

use crate::appdb::embedded::RECORDS;
use crate::domain::id::{AppId, CrmId, PairName, TableName};
use crate::domain::record::{CrmPresence, Presence};
use crate::domain::transform::Step;
use crate::domain::value::Value;
use crate::engine::state::State;
use crate::engine::tables::LINKS;
use crate::engine::tx::Tx;
use crate::store::StoreError;
use crate::store::keys::Key;

/// Children by what they refer to.
#[derive(Debug, Default)]
pub struct Children {
    app: HashMap<String, Vec<(TableName, AppId)>>,
    crm: HashMap<String, Vec<(PairName, AppId)>>,
}

impl Children {
    /// Reads those of all records of a pair.
    pub fn read(state: &State, parent: &PairName) -> Result<Self, StoreError> {
        let mut all = Self::default();
        for pair in state.pairs()? {
            let refers = |step: &Step| matches!(step, Step::Link(to) if to == parent);
            let rows = pair.active().filter(|row| {
                let mut steps = row.to_crm.0.iter().chain(&row.to_app.0);
                steps.any(refers)
            });
            let rows: Vec<_> = rows.collect();
            if rows.is_empty() {
                continue;
            }
            let value = |value: Option<&Value>| value.and_then(Value::as_text).map(str::to_owned);
            let table = Key::new().text(pair.table.as_str());
            for record in state.store().scan(&RECORDS, &table) {
                let (_, record) = record?;
                for name in rows.iter().flat_map(|r| &r.app) {
                    if let Some(id) = value(record.fields.get(name)) {
                        let child = (pair.table.clone(), record.id.clone());
                        all.app.entry(id).or_default().push(child);
                    }
                }
            }
            let name = Key::new().text(pair.name.as_str());
            for link in state.store().scan(&LINKS, &name) {
                let (_, link) = link?;
                let Some(seen) = link.seen else { continue };
                for name in rows.iter().flat_map(|r| &r.crm) {
                    if let Some(id) = value(seen.fields.get(name)) {
                        let child = (pair.name.clone(), link.app_id.clone());
                        all.crm.entry(id).or_default().push(child);
                    }
                }
            }
        }
        Ok(all)
    }

    /// How many are still there: of the App record, and of the CRM record.
    pub fn of(
        &self,
        tx: &Tx<'_>,
        app_id: &AppId,
        crm_id: Option<&CrmId>,
    ) -> Result<(usize, usize), StoreError> {
        let mut app = 0;
        for (table, id) in self.app.get(app_id.as_str()).into_iter().flatten() {
            let child = tx.app_record(table, id)?;
            app += usize::from(child.is_some_and(|c| c.presence == Presence::Live));
        }
        let mut crm = 0;
        let of_crm = crm_id.and_then(|id| self.crm.get(id.as_str()));
        for (pair, id) in of_crm.into_iter().flatten() {
            let seen = tx.link(pair, id)?.and_then(|l| l.seen);
            crm += usize::from(seen.is_some_and(|s| s.presence == CrmPresence::Live));
        }
        Ok((app, crm))
    }
}
