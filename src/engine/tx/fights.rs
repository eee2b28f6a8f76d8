//! Rows that are written again and again, within a transaction (sync-semantics 2.5).
//!
//! Invariant: a record has an entry only while one of its rows has a chain.

use super::Tx;
use crate::domain::fight::Chain;
use crate::domain::id::{AppId, PairName, RowId};
use crate::engine::tables::{FIGHTS, record_key};
use crate::store::StoreError;

/// Chains of the rows of a record.
pub(super) type Chains = Vec<(RowId, Chain)>;

impl Tx<'_> {
    fn chains(&self, pair: &PairName, id: &AppId) -> Result<Chains, StoreError> {
        match self.fights.get(&(pair.clone(), id.clone())) {
            Some(chains) => Ok(chains.clone()),
            None => Ok(self
                .state
                .store()
                .get(&FIGHTS, &record_key(pair, id))?
                .unwrap_or_default()),
        }
    }

    /// The latest turns of a row.
    pub fn chain(
        &self,
        pair: &PairName,
        id: &AppId,
        row: RowId,
    ) -> Result<Option<Chain>, StoreError> {
        let chains = self.chains(pair, id)?;
        Ok(chains.into_iter().find(|(r, _)| *r == row).map(|(_, c)| c))
    }

    /// Keeps the latest turns of a row, or forgets them.
    pub fn put_chain(
        &mut self,
        pair: &PairName,
        id: &AppId,
        row: RowId,
        chain: Option<Chain>,
    ) -> Result<(), StoreError> {
        let before = self.chains(pair, id)?;
        let mut chains = before.clone();
        chains.retain(|(r, _)| *r != row);
        chains.extend(chain.map(|chain| (row, chain)));
        if chains == before {
            return Ok(());
        }
        let key = record_key(pair, id);
        match chains.is_empty() {
            true => self.batch.delete(&FIGHTS, &key),
            false => self.batch.put(&FIGHTS, &key, &chains),
        }
        self.fights.insert((pair.clone(), id.clone()), chains);
        Ok(())
    }
}
