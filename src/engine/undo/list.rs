//! Which records a run wrote: where their writes are kept, and what they come to, part by part.
//!
//! Decides nothing. Memory: where the writes of each record are, and the values of one part.
//! Invariant: every record is in one part, with all that the run wrote of it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use super::written::{Deed, Touched, Written};
use crate::domain::id::{AppId, RunId};
use crate::engine::state::State;
use crate::engine::tables::WRITTEN;
use crate::store::StoreError;
use crate::store::keys::{Key, Parts};

/// Where a record's writes are; of those that share a hash, all of theirs.
#[derive(Debug)]
struct Places {
    hash: u64,
    rows: Vec<u64>,
}

/// The records that a run wrote; what was written last comes first, so that children are before
/// their parents.
#[derive(Debug)]
pub struct List {
    run: RunId,
    records: Vec<Places>,
    hashes: RandomState,
    /// Whether records came or went as a whole.
    pub whole: bool,
}

impl List {
    /// Of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(state: &State, run: RunId) -> Result<Self, StoreError> {
        let mut list = Self {
            run,
            records: Vec::new(),
            hashes: RandomState::new(),
            whole: false,
        };
        let mut known: HashMap<u64, usize> = HashMap::new();
        for row in state.store().scan(&WRITTEN, &Key::new().number(run.0)) {
            let (key, row) = row?;
            let mut parts = Parts::of(&key);
            let Ok(number) = parts.number().and_then(|_| parts.number()) else {
                continue;
            };
            for written in row {
                list.whole |= matches!(written.deed, Deed::AppStands { .. } | Deed::CrmCreated);
                let hash = list.hash(&written.app_id);
                let next = list.records.len();
                let at = *known.entry(hash).or_insert(next);
                if at == next {
                    let rows = Vec::with_capacity(1);
                    list.records.push(Places { hash, rows });
                }
                if let Some(places) = list.records.get_mut(at)
                    && places.rows.last() != Some(&number)
                {
                    places.rows.push(number);
                }
            }
        }
        list.records.reverse();
        Ok(list)
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// What was written, about so many records at a time.
    pub fn parts<'l>(
        &'l self,
        state: &'l State,
        records: usize,
    ) -> impl Iterator<Item = Result<Vec<(AppId, Touched)>, StoreError>> + 'l {
        let parts = self.records.chunks(records.max(1));
        parts.map(|places| self.part(state, places))
    }

    fn part(&self, state: &State, records: &[Places]) -> Result<Vec<(AppId, Touched)>, StoreError> {
        // In the order of writing; with writes of other parts among them.
        let mut rows: BTreeMap<u64, Vec<Written>> = BTreeMap::new();
        for number in records.iter().flat_map(|places| &places.rows) {
            if !rows.contains_key(number) {
                let key = Key::new().number(self.run.0).number(*number);
                let row = state.store().get(&WRITTEN, &key)?;
                rows.insert(*number, row.unwrap_or_default());
            }
        }
        let mut by_hash: HashMap<u64, Vec<(AppId, Touched)>> = HashMap::new();
        for written in rows.into_values().flatten() {
            let same = by_hash.entry(self.hash(&written.app_id)).or_default();
            match same.iter_mut().find(|(id, _)| *id == written.app_id) {
                Some((_, touched)) => touched.add(written),
                None => {
                    let mut touched = Touched::default();
                    let id = written.app_id.clone();
                    touched.add(written);
                    same.push((id, touched));
                }
            }
        }
        let part = records
            .iter()
            .flat_map(|places| by_hash.remove(&places.hash));
        Ok(part.flatten().collect())
    }

    fn hash(&self, id: &AppId) -> u64 {
        self.hashes.hash_one(id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::{Fields, Value};
    use crate::engine::mappings::fixture::Desk;
    use crate::engine::tx::Durability;

    fn wrote(id: usize, before: usize, after: usize) -> Written {
        let fields = |n: usize| Fields::from([("n".into(), Value::text(n.to_string()))]);
        Written {
            app_id: AppId::new(format!("r{id}")),
            crm_id: None,
            deed: Deed::CrmFields {
                before: fields(before),
                after: fields(after),
            },
        }
    }

    /// Each record was written twice, the second time in another row and order.
    #[test]
    fn every_record_is_in_one_part_with_all_that_was_written_of_it() {
        const RECORDS: usize = 23;
        let desk = Desk::new();
        let mut tx = desk.state.begin();
        let rows = (0..RECORDS).map(|n| wrote(n, 0, 1)).collect::<Vec<_>>();
        let again = (0..RECORDS)
            .rev()
            .map(|n| wrote(n, 1, 2))
            .collect::<Vec<_>>();
        for (number, row) in rows.chunks(5).chain(again.chunks(7)).enumerate() {
            let key = Key::new().number(4).number(number as u64);
            tx.put(&WRITTEN, &key, &row.to_vec());
        }
        // Another run's.
        tx.put(
            &WRITTEN,
            &Key::new().number(5).number(99),
            &vec![wrote(0, 7, 8)],
        );
        tx.commit(Durability::Now).unwrap();
        let list = List::read(&desk.state, RunId(4)).unwrap();
        assert_eq!((list.len(), list.whole), (RECORDS, false));
        for size in [1, 4, 100] {
            let parts: Vec<_> = list.parts(&desk.state, size).map(Result::unwrap).collect();
            assert!(parts.iter().all(|part| part.len() <= size));
            let all: Vec<_> = parts.into_iter().flatten().collect();
            let ids: Vec<String> = all.iter().map(|(id, _)| id.to_string()).collect();
            let last_first: Vec<String> = (0..RECORDS).rev().map(|n| format!("r{n}")).collect();
            assert_eq!(ids, last_first, "{size}");
            for (_, touched) in all {
                let turned = &touched.crm["n"];
                assert_eq!(turned.before, Value::text("0"));
                assert_eq!(turned.after, Value::text("2"), "both writes are one");
            }
        }
    }
}
