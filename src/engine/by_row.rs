//! Open conflicts by mapping row, counted in the commits that open and close them.
//!
//! Decides nothing. Invariant: each open conflict is counted once, for the row it is about, and
//! reading the counts costs as much as there are rows with conflicts, however many conflicts.

use std::collections::{BTreeMap, HashMap};

use crate::domain::id::{PairName, RowId};
use crate::store::keys::{Key, Parts};
use crate::store::{Batch, Store, StoreError};

use super::tables::{CONFLICTS, OPEN_BY_ROW, OPEN_CONFLICTS};

/// A pair and a row of its mapping; conflicts about whole records have no row.
pub(super) type Place = (PairName, Option<RowId>);

/// What a transaction adds and takes away.
#[derive(Debug, Default)]
pub(super) struct Deltas(HashMap<Place, i64>);

impl Deltas {
    /// One more or less.
    pub(super) fn count(&mut self, place: Place, delta: i64) {
        *self.0.entry(place).or_default() += delta;
    }

    /// Puts the new counts into the batch. Only the one writer may call it.
    pub(super) fn put(&self, store: &Store, batch: &mut Batch) -> Result<(), StoreError> {
        for (place, delta) in self.0.iter().filter(|(_, delta)| **delta != 0) {
            let key = key(place);
            let was = store.get(&OPEN_BY_ROW, &key)?.unwrap_or_default();
            match was + delta {
                0 => batch.delete(&OPEN_BY_ROW, &key),
                now => batch.put(&OPEN_BY_ROW, &key, &now),
            }
        }
        Ok(())
    }
}

/// The counts of all pairs.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn read(store: &Store) -> Result<BTreeMap<Place, u64>, StoreError> {
    let mut open = BTreeMap::new();
    for row in store.scan(&OPEN_BY_ROW, &[]) {
        let (key, count) = row?;
        let mut parts = Parts::of(&key);
        let place = parts.text().map(PairName::new);
        if let (Ok(pair), Ok(row)) = (place, parts.number()) {
            let row = row.checked_sub(1).and_then(|n| u16::try_from(n).ok());
            open.insert((pair, row.map(RowId)), u64::try_from(count).unwrap_or(0));
        }
    }
    Ok(open)
}

/// Counts what a store of an older format has open.
pub(super) fn recount(store: &Store) -> Result<Batch, StoreError> {
    let mut counts: BTreeMap<Place, i64> = BTreeMap::new();
    for row in store.scan(&OPEN_CONFLICTS, &[]) {
        for id in row?.1 {
            let conflict = store.get(&CONFLICTS, &Key::new().number(id.0))?;
            if let Some(conflict) = conflict {
                *counts.entry((conflict.pair, conflict.row)).or_default() += 1;
            }
        }
    }
    let mut batch = store.batch();
    for (place, count) in &counts {
        batch.put(&OPEN_BY_ROW, &key(place), count);
    }
    Ok(batch)
}

fn key((pair, row): &Place) -> Key {
    let row = row.map_or(0, |row| u64::from(row.0) + 1);
    Key::new().text(pair.as_str()).number(row)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::conflict::{Conflict, State as Standing, Superseded};
    use crate::domain::value::Value;
    use crate::engine::conflicts::{self, Sides};
    use crate::engine::mappings::fixture::{Desk, lead};
    use crate::engine::tx::Durability;

    /// A conflict on a row of each of so many records.
    fn conflicts(desk: &Desk, from: usize, records: usize) -> Vec<Conflict> {
        let cx = desk.cx();
        let row = cx.pair.rows.iter().find(|r| r.row.id.0 == 3).unwrap();
        let keys = desk.take_in(from, &vec![lead(&[("LastName", "A")]); records]);
        let mut tx = desk.state.begin();
        let made = keys.iter().map(|key| {
            let link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
            let (app, seen) = (None, None);
            let sides = Sides { app, seen };
            let mut conflict =
                conflicts::of_row(&tx, &cx, &link, row, sides, Timestamp::UNIX_EPOCH);
            conflict.app = Some(vec![Value::from("Mine")]);
            conflict
        });
        let made: Vec<_> = made.collect();
        for conflict in &made {
            conflicts::open(&mut tx, conflict.clone(), Timestamp::UNIX_EPOCH).unwrap();
        }
        tx.commit(Durability::Now).unwrap();
        made
    }

    #[test]
    fn reading_the_counts_opens_one_value_for_each_row_however_many_conflicts() {
        let desk = Desk::new();
        let row = ("leads".into(), Some(RowId(3)));
        let mut open = conflicts(&desk, 0, 5);
        open.extend(conflicts(&desk, 5, 300));
        desk.opened();
        let counts = read(desk.state.store()).unwrap();
        assert_eq!(desk.opened(), 1, "one row has conflicts");
        assert_eq!(counts.get(&row), Some(&305));
        // They follow what is closed, and what is closed twice.
        let mut tx = desk.state.begin();
        for conflict in &mut open[..300] {
            conflict.state = Standing::Superseded {
                how: Superseded::Converged,
            };
            tx.put_conflict(conflict, conflict.opened_at).unwrap();
            tx.put_conflict(conflict, conflict.opened_at).unwrap();
        }
        tx.commit(Durability::Now).unwrap();
        assert_eq!(read(desk.state.store()).unwrap().get(&row), Some(&5));
    }

    #[test]
    fn a_store_of_the_format_before_is_counted_once() {
        let desk = Desk::new();
        conflicts(&desk, 0, 3);
        let store = desk.state.store();
        let kept = read(store).unwrap();
        let mut none = store.batch();
        none.delete(&OPEN_BY_ROW, &key(&("leads".into(), Some(RowId(3)))));
        store.commit(none).unwrap();
        assert!(read(store).unwrap().is_empty());
        store.commit(recount(store).unwrap()).unwrap();
        assert_eq!(read(store).unwrap(), kept);
    }
}
