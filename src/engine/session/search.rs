//! Looking in the CRM itself for what is not here, and how much there is: one call, when a person
//! asks for it.
//!
//! Takes nothing over. Invariant: what is linked is shown as the record it is here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kept::blocking;
use super::{Connector, failed};
use crate::crm::Crm as _;
use crate::crm::search::{CrmFound, CrmSearch as _, SearchIn};
use crate::crm::survey::Survey as _;
use crate::domain::id::ObjectName;
use crate::domain::mapping::Pair;
use crate::engine::command::RecordKey;
use crate::engine::state::State;
use crate::engine::view::{CrmHit, CrmSearchView};
use crate::error::Result;
use crate::store::StoreError;

/// Rows of an object that are asked for.
const EACH: usize = 20;

impl Connector {
    /// Records of the pairs' objects that hold all words of the text.
    ///
    /// # Errors
    /// Not signed in, no answer, too little to search for, or an object that cannot be searched.
    pub async fn search(&self, state: &Arc<State>, text: String) -> Result<CrmSearchView> {
        let opened = self.opened().await?;
        opened.session.access()?;
        let pairs = state.pairs()?;
        let objects = searched(&pairs);
        let found = opened.crm.search(&text, &objects, EACH).await;
        let found = found.map_err(|error| failed(&error))?;
        let crm = Arc::clone(&opened.crm);
        let rows = blocking(state, move |state| {
            let here = |one: CrmFound| {
                let address = crm.record_url(&one.id);
                hit(state, &pairs, one, address)
            };
            found.into_iter().map(here).collect()
        })
        .await?;
        Ok(CrmSearchView { text, rows })
    }
}

impl Connector {
    /// About how many records there are of some objects; those that are not there, or that the
    /// user may not read, are left out.
    ///
    /// # Errors
    /// Not signed in, or no answer.
    pub async fn count(&self, objects: &[ObjectName]) -> Result<BTreeMap<ObjectName, u64>> {
        let opened = self.opened().await?;
        opened.session.access()?;
        let counted = opened.crm.record_counts(objects).await;
        counted.map_err(|error| failed(&error))
    }
}

/// Each object once, named by the fields that make the title of the first of its pairs.
fn searched(pairs: &[Pair]) -> Vec<SearchIn> {
    let mut objects: Vec<SearchIn> = Vec::new();
    for pair in pairs {
        if objects.iter().any(|o| o.object == pair.object) {
            continue;
        }
        let names = pair.active().filter(|row| row.app.contains(&pair.title));
        let mut name = Vec::new();
        for field in names.flat_map(|row| row.crm.iter()) {
            if !name.contains(field) {
                name.push(field.clone());
            }
        }
        objects.push(SearchIn {
            object: pair.object.clone(),
            name,
        });
    }
    objects
}

fn hit(
    state: &State,
    pairs: &[Pair],
    found: CrmFound,
    address: String,
) -> std::result::Result<CrmHit, StoreError> {
    let mut key = None;
    for pair in pairs.iter().filter(|p| p.object == found.object) {
        if let Some(app_id) = state.by_crm(&pair.name, &found.id)? {
            let pair = pair.name.clone();
            key = Some(RecordKey { pair, app_id });
            break;
        }
    }
    Ok(CrmHit {
        object: found.object,
        id: found.id,
        name: found.name,
        key,
        address,
    })
}
