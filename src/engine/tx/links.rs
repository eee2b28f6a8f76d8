//! Links within a transaction, who waits for them, and records that are read but not taken in.
//!
//! Invariant: a CRM id leads to at most one App record of a pair.

use super::Tx;
use crate::domain::id::{AppId, CrmId, PairName};
use crate::domain::record::{Link, Observation};
use crate::engine::tables::{BY_CRM, Child, INBOX, LINKS, UNLINKED, WAITS, crm_key, record_key};
use crate::store::StoreError;
use crate::store::keys::Key;

impl Tx<'_> {
    /// A link.
    pub fn link(&self, pair: &PairName, id: &AppId) -> Result<Option<Link>, StoreError> {
        match self.links.get(&(pair.clone(), id.clone())) {
            Some(link) => Ok(Some(link.clone())),
            None => self.state.link(pair, id),
        }
    }

    /// The App record linked to a CRM record.
    pub fn by_crm(&self, pair: &PairName, id: &CrmId) -> Result<Option<AppId>, StoreError> {
        match self.by_crm.get(&(pair.clone(), *id)) {
            Some(found) => Ok(found.clone()),
            None => self.state.by_crm(pair, id),
        }
    }

    /// Stores a link. `was` is the CRM id it had before.
    pub fn put_link(&mut self, link: Link, was: Option<CrmId>) -> Result<(), StoreError> {
        let key = record_key(&link.pair, &link.app_id);
        self.batch.put(&LINKS, &key, &link);
        if was != link.crm_id {
            if let Some(was) = was {
                self.batch.delete(&BY_CRM, &crm_key(&link.pair, &was));
                self.by_crm.insert((link.pair.clone(), was), None);
            }
            if let Some(id) = link.crm_id {
                self.batch
                    .put(&BY_CRM, &crm_key(&link.pair, &id), &link.app_id);
                self.by_crm
                    .insert((link.pair.clone(), id), Some(link.app_id.clone()));
                self.clear(&UNLINKED, &key)?;
                self.release_children(&link.pair, link.app_id.as_str())?;
                self.release_children(&link.pair, id.as_str())?;
            }
        }
        self.links
            .insert((link.pair.clone(), link.app_id.clone()), link);
        Ok(())
    }

    /// Notes that an App record has no CRM record.
    pub(super) fn put_unlinked(&mut self, pair: &PairName, id: &AppId) {
        self.batch.put(&UNLINKED, &record_key(pair, id), &());
    }

    /// Notes that a record waits for a parent.
    pub fn wait_for(&mut self, parent: &PairName, parent_id: &str, child: &Child) {
        let key = Key::new().text(parent.as_str()).text(parent_id);
        let key = match child {
            Child::App(pair, id) => key.text(pair.as_str()).text(id.as_str()),
            Child::Crm(pair, id) => key.text(pair.as_str()).text(id.as_str()),
        };
        self.batch.put(&WAITS, &key, child);
        self.awaited.insert(parent.clone(), true);
    }

    /// Who waits for a parent looks again.
    pub fn release_children(&mut self, pair: &PairName, id: &str) -> Result<(), StoreError> {
        let awaited = match self.awaited.get(pair) {
            Some(awaited) => *awaited,
            None => {
                let all = Key::new().text(pair.as_str());
                let first = self.state.store().keys(&WAITS, &all).next().transpose()?;
                self.awaited.insert(pair.clone(), first.is_some());
                first.is_some()
            }
        };
        if !awaited {
            return Ok(());
        }
        let prefix = Key::new().text(pair.as_str()).text(id);
        let children: Vec<_> = self
            .state
            .store()
            .scan(&WAITS, &prefix)
            .collect::<Result<Vec<_>, _>>()?;
        for (key, child) in children {
            if let Child::App(pair, id) = &child {
                self.todo(pair, id)?;
            }
            // A waiting CRM record is in the inbox, which every run of its pair goes through.
            self.batch.delete(&WAITS, &key);
        }
        Ok(())
    }

    /// Keeps an observation that cannot be reconciled now.
    pub fn put_inbox(&mut self, pair: &PairName, seen: &Observation) {
        self.batch.put(&INBOX, &crm_key(pair, &seen.id), seen);
    }

    /// Takes an observation out of the inbox.
    pub fn drop_inbox(&mut self, pair: &PairName, id: &CrmId) -> Result<(), StoreError> {
        self.clear(&INBOX, &crm_key(pair, id))
    }
}
