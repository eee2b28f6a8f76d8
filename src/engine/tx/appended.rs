//! The lines of ours that a CRM record once had, within a transaction (sync-semantics 20.5).
//!
//! Knows nothing of what is to be written. Invariant: what an answer showed, or a write of ours
//! did, is noted in the transaction that makes it known.

use super::Tx;
use crate::domain::append::{self, Appended};
use crate::domain::id::{CrmId, FieldName};
use crate::domain::reconcile::Compiled;
use crate::domain::value::Fields;
use crate::engine::tables::{APPENDED, crm_key};
use crate::store::StoreError;

/// Texts that a pair appends to.
fn texts(pair: &Compiled) -> impl Iterator<Item = &FieldName> {
    let appends = pair.rows.iter().filter(|r| r.row.flow.appends());
    appends.filter_map(|r| r.row.crm.first())
}

impl Tx<'_> {
    /// The lines of ours that a CRM record once had, by field.
    pub fn appended(&self, pair: &Compiled, id: Option<CrmId>) -> Result<Appended, StoreError> {
        let Some(id) = id.filter(|_| texts(pair).next().is_some()) else {
            return Ok(Appended::new());
        };
        let name = pair.pair.name.clone();
        match self.appended.get(&(name.clone(), id)) {
            Some(known) => Ok(known.clone()),
            None => self.state.appended(&name, &id),
        }
    }

    /// Notes the lines of ours that these fields have.
    pub fn note_appended(
        &mut self,
        pair: &Compiled,
        id: CrmId,
        fields: &Fields,
    ) -> Result<(), StoreError> {
        let mut shown = texts(pair)
            .filter_map(|name| Some((name, fields.get(name)?.to_string())))
            .filter(|(_, text)| append::is_marked(text))
            .peekable();
        if shown.peek().is_none() {
            return Ok(());
        }
        let mut known = self.appended(pair, Some(id))?;
        let mut more = false;
        for (name, text) in shown {
            more |= known.entry(name.clone()).or_default().note(&text);
        }
        if more {
            let name = pair.pair.name.clone();
            self.put(&APPENDED, &crm_key(&name, &id), &known);
            self.appended.insert((name, id), known);
        }
        Ok(())
    }
}
