//! Which writes may be on their way together: never two that need the same row of the CRM locked
//! (sync-semantics 7.4).
//!
//! Pure. Invariants: two batches that were taken and not landed share no lock; as many batches are
//! taken in all as if they went one after the other.

use std::collections::HashSet;

use crate::domain::id::FieldName;
use crate::domain::record::Observation;
use crate::domain::schema::ObjectInfo;

use super::tables::Intent;

/// Rows that the CRM locks for a write, by their ids: those of the record's parents, otherwise its
/// own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Locks(Vec<String>);

impl Locks {
    /// Of a write. A record that moves from one parent to another locks both.
    pub(super) fn of(fields: &[FieldName], intent: &Intent, seen: Option<&Observation>) -> Self {
        let mut locks = Vec::new();
        for field in fields {
            let values = [
                intent.fields.get(field),
                seen.and_then(|seen| seen.fields.get(field)),
            ];
            let values = values.into_iter().flatten().map(ToString::to_string);
            locks.extend(values.filter(|text| !text.is_empty()));
        }
        locks.dedup();
        if locks.is_empty() {
            locks.extend(intent.crm_id.map(|id| id.to_string()));
        }
        Self(locks)
    }

    fn free_of(&self, taken: &HashSet<String>) -> bool {
        self.0.iter().all(|lock| !taken.contains(lock))
    }
}

/// Fields of an object that name the parents whose rows are locked: the account of contacts,
/// opportunities and cases, and every parent that a record cannot be without.
pub(super) fn lock_fields(object: &ObjectInfo) -> Vec<FieldName> {
    let of_account = matches!(object.name.as_str(), "Contact" | "Opportunity" | "Case");
    let person = |name: &str| matches!(name, "User" | "Group");
    let fields = object.fields.values().filter(|field| {
        let parent = !field.reference_to.is_empty()
            && !field.reference_to.iter().any(|to| person(to.as_str()));
        (of_account && field.name.as_str() == "AccountId") || (parent && field.required())
    });
    fields.map(|field| field.name.clone()).collect()
}

/// Writes that wait for their turn, and the locks of those on their way.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    waiting: Vec<(Locks, T)>,
    taken: HashSet<String>,
    flying: usize,
}

/// Writes that go in one call.
#[derive(Debug)]
pub(super) struct Batch<T> {
    /// What they are.
    pub(super) items: Vec<T>,
    locks: Vec<Locks>,
}

impl<T> Lanes<T> {
    /// Of these writes; those of a parent stay together.
    pub(super) fn new(mut waiting: Vec<(Locks, T)>) -> Self {
        // Locks that only one has do not matter: such writes keep their order.
        let mut shared: HashSet<String> = HashSet::new();
        let mut seen: HashSet<&String> = HashSet::new();
        for lock in waiting.iter().flat_map(|(locks, _)| &locks.0) {
            if !seen.insert(lock) {
                shared.insert(lock.clone());
            }
        }
        waiting.sort_by_cached_key(|(locks, _)| {
            let mut key = locks.0.clone();
            key.retain(|lock| shared.contains(lock));
            // Those of a parent go one call after the other: the sooner they begin the better.
            (key.is_empty(), key)
        });
        Self {
            waiting,
            taken: HashSet::new(),
            flying: 0,
        }
    }

    /// The next batch that may leave, of at most so many records; none while all lanes are in use
    /// or what is left waits for a lock. Only the last batch is smaller than that.
    pub(super) fn next(&mut self, lanes: usize, most: usize) -> Option<Batch<T>> {
        if self.waiting.is_empty() || self.flying >= lanes.max(1) {
            return None;
        }
        let most = most.max(1);
        let free = |(locks, _): &&(Locks, T)| locks.free_of(&self.taken);
        let found = self.waiting.iter().filter(free).take(most).count();
        if found < most && found < self.waiting.len() && self.flying > 0 {
            return None;
        }
        let mut batch = Batch {
            items: Vec::with_capacity(found),
            locks: Vec::with_capacity(found),
        };
        let mut rest = Vec::with_capacity(self.waiting.len() - found);
        for (locks, item) in std::mem::take(&mut self.waiting) {
            if batch.items.len() < found && locks.free_of(&self.taken) {
                batch.items.push(item);
                batch.locks.push(locks);
            } else {
                rest.push((locks, item));
            }
        }
        self.waiting = rest;
        let locks = batch.locks.iter().flat_map(|locks| &locks.0);
        self.taken.extend(locks.cloned());
        self.flying += 1;
        Some(batch)
    }

    /// A batch has its answer, by the locks it had.
    pub(super) fn landed(&mut self, locks: &[Locks]) {
        for lock in locks.iter().flat_map(|locks| &locks.0) {
            self.taken.remove(lock);
        }
        self.flying = self.flying.saturating_sub(1);
    }

    /// What has not left.
    pub(super) fn rest(&mut self) -> Vec<T> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|(_, item)| item).collect()
    }
}

impl<T> Batch<T> {
    /// The writes, and the locks they have until they land.
    pub(super) fn into_parts(self) -> (Vec<T>, Vec<Locks>) {
        (self.items, self.locks)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::schema::FieldInfo;
    use crate::domain::value::FieldKind;

    fn locks(names: &[u8]) -> Locks {
        Locks(names.iter().map(u8::to_string).collect())
    }

    proptest! {
        #[test]
        fn no_lock_is_held_twice_and_no_call_is_one_too_many(
            writes in proptest::collection::vec(proptest::collection::vec(0..9_u8, 1..3), 0..60),
            lanes in 1..6_usize,
            most in 1..9_usize,
            landings in proptest::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            let all = writes.len();
            let items = writes.iter().map(|names| locks(names)).enumerate();
            let items = items.map(|(n, locks)| (locks, n)).collect();
            let mut waiting = Lanes::new(items);
            let mut flying: Vec<Batch<usize>> = Vec::new();
            let (mut calls, mut sent) = (0, Vec::new());
            let mut landings = landings.into_iter();
            loop {
                while let Some(batch) = waiting.next(lanes, most) {
                    prop_assert!(batch.items.len() <= most);
                    let held: HashSet<&String> =
                        flying.iter().flat_map(|b| &b.locks).flat_map(|l| &l.0).collect();
                    for lock in batch.locks.iter().flat_map(|l| &l.0) {
                        prop_assert!(!held.contains(lock), "{lock} is held twice");
                    }
                    calls += 1;
                    sent.extend(batch.items.iter().copied());
                    flying.push(batch);
                    prop_assert!(flying.len() <= lanes);
                }
                if flying.is_empty() {
                    break;
                }
                let at = landings.next().unwrap().index(flying.len());
                waiting.landed(&flying.remove(at).locks);
            }
            sent.sort_unstable();
            prop_assert_eq!(sent, (0..all).collect::<Vec<_>>());
            prop_assert_eq!(calls, all.div_ceil(most));
        }
    }

    #[test]
    fn a_parent_with_very_many_children_has_a_lane_of_its_own() {
        let mut writes: Vec<(Locks, usize)> = (0..2_100).map(|n| (locks(&[1]), n)).collect();
        writes.extend((2_100..2_200).map(|n| (Locks(vec![n.to_string()]), n)));
        let mut lanes = Lanes::new(writes);
        let of_parent = |batch: &Batch<usize>| batch.items.iter().any(|n| *n < 2_100);
        let flying: Vec<_> = std::iter::from_fn(|| lanes.next(4, 25)).collect();
        assert_eq!(flying.len(), 4);
        assert_eq!(flying.iter().filter(|b| of_parent(b)).count(), 1);
    }

    #[test]
    fn what_is_locked_follows_from_the_object() {
        let object = |name: &str, fields: Vec<FieldInfo>| ObjectInfo {
            name: name.into(),
            label: name.to_owned(),
            createable: true,
            updateable: true,
            deletable: true,
            triggerable: true,
            fields: fields.into_iter().map(|f| (f.name.clone(), f)).collect(),
        };
        let field = |name: &str, to: &str, nillable| FieldInfo {
            reference_to: vec![to.into()],
            nillable,
            ..FieldInfo::new(name, FieldKind::Reference, 18)
        };
        let names = |object: &ObjectInfo| {
            let fields = lock_fields(object).into_iter();
            fields.map(|f| f.to_string()).collect::<Vec<_>>()
        };
        let fields = || {
            vec![
                field("AccountId", "Account", true),
                field("OwnerId", "User", false),
                field("Contract__c", "Contract__c", false),
            ]
        };
        assert_eq!(
            names(&object("Contact", fields())),
            ["AccountId", "Contract__c"]
        );
        assert_eq!(names(&object("Line__c", fields())), ["Contract__c"]);
        assert_eq!(
            names(&object("Lead", vec![field("CampaignId", "Campaign", true)])),
            [""; 0]
        );
    }
}
