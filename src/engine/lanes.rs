//! Which writes may be on their way together: never two that need the same row of the CRM locked
//! (sync-semantics 7.4).
//!
//! Pure. Invariants: two batches that were taken and not landed share no lock; as many batches are
//! taken in all as if they went one after the other.

use std::collections::HashSet;

use crate::domain::id::FieldName;
use crate::domain::record::Observation;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::{Fields, Value};

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
        (of_account && field.name.as_str() == "AccountId") || (parent && !field.nillable)
    });
    fields.map(|field| field.name.clone()).collect()
}

/// How much goes in one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// Records.
    pub(super) records: usize,
    /// Bytes of its body, as near as [`body_bytes`] tells. A record that has more goes alone.
    pub(super) bytes: usize,
}

impl Most {
    /// How many of these, in their order, go together; and whether nothing more would.
    pub(super) fn of(self, sizes: impl Iterator<Item = usize>) -> (usize, Room) {
        let (mut found, mut bytes) = (0, 0_usize);
        for size in sizes {
            bytes = bytes.saturating_add(size);
            if found >= self.records.max(1) || (found > 0 && bytes > self.bytes) {
                return (found, Room::Full);
            }
            found += 1;
        }
        (found, Room::Left)
    }
}

/// Whether a call takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Full,
    Left,
}

/// Bytes of a record in the body of a call, at most: what stands around its fields, and its texts as
/// JSON has them.
pub(super) fn body_bytes(fields: &Fields) -> usize {
    /// Type, id, and where each record is a request of its own, its address and headers.
    const AROUND: usize = 400;
    let escaped = |text: &str| -> usize {
        let length = |c: char| match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c.is_control() => 6,
            c => c.len_utf8(),
        };
        text.chars().map(length).sum()
    };
    let field = |(name, value): (&FieldName, &Value)| {
        let value = match value {
            Value::Text(text) => escaped(text),
            value => escaped(&value.to_string()),
        };
        name.as_str().len() + value + r#""":"","#.len()
    };
    AROUND + fields.iter().map(field).sum::<usize>()
}

/// Takes the first of these, as many as go in one call.
pub(super) fn cut(rest: &mut Vec<Intent>, most: Most) -> Vec<Intent> {
    let (first, _) = most.of(rest.iter().map(|intent| body_bytes(&intent.fields)));
    let later = rest.split_off(first);
    std::mem::replace(rest, later)
}

/// A write that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    /// What it is.
    pub(super) item: T,
    /// What it locks.
    pub(super) locks: Locks,
    /// See [`body_bytes`].
    pub(super) bytes: usize,
}

/// Writes that wait for their turn, and the locks of those on their way.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    waiting: Vec<Waiting<T>>,
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
    pub(super) fn new(mut waiting: Vec<Waiting<T>>) -> Self {
        // Locks that only one has do not matter: such writes keep their order.
        let mut shared: HashSet<String> = HashSet::new();
        let mut seen: HashSet<&String> = HashSet::new();
        for lock in waiting.iter().flat_map(|write| &write.locks.0) {
            if !seen.insert(lock) {
                shared.insert(lock.clone());
            }
        }
        waiting.sort_by_cached_key(|write| {
            let mut key = write.locks.0.clone();
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

    /// The next batch that may leave, of at most so much; none while all lanes are in use or what
    /// is left waits for a lock. Only the last batch has room left.
    pub(super) fn next(&mut self, lanes: usize, most: Most) -> Option<Batch<T>> {
        if self.waiting.is_empty() || self.flying >= lanes.max(1) {
            return None;
        }
        let free = self.waiting.iter().filter(|w| w.locks.free_of(&self.taken));
        let (found, room) = most.of(free.map(|write| write.bytes));
        let all = found == self.waiting.len();
        if room == Room::Left && found < most.records && !all && self.flying > 0 {
            return None;
        }
        let mut batch = Batch {
            items: Vec::with_capacity(found),
            locks: Vec::with_capacity(found),
        };
        let mut rest = Vec::with_capacity(self.waiting.len() - found);
        for write in std::mem::take(&mut self.waiting) {
            if batch.items.len() < found && write.locks.free_of(&self.taken) {
                batch.items.push(write.item);
                batch.locks.push(write.locks);
            } else {
                rest.push(write);
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
        waiting.into_iter().map(|write| write.item).collect()
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

    fn write(item: usize, locks: Locks, bytes: usize) -> Waiting<usize> {
        Waiting { item, locks, bytes }
    }

    fn records(records: usize) -> Most {
        let bytes = usize::MAX;
        Most { records, bytes }
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
            let items = items.map(|(n, locks)| write(n, locks, 1)).collect();
            let mut waiting = Lanes::new(items);
            let mut flying: Vec<Batch<usize>> = Vec::new();
            let (mut calls, mut sent) = (0, Vec::new());
            let mut landings = landings.into_iter();
            loop {
                while let Some(batch) = waiting.next(lanes, records(most)) {
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
    fn a_call_has_no_more_bytes_than_it_may_and_what_is_larger_goes_alone() {
        let sizes = [400, 300, 400, 2_000, 100, 100, 900];
        let each = sizes.iter().enumerate();
        let writes = each.map(|(n, bytes)| write(n, Locks(vec![n.to_string()]), *bytes));
        let mut lanes = Lanes::new(writes.collect());
        let most = Most {
            records: 200,
            bytes: 1_000,
        };
        let calls: Vec<_> = std::iter::from_fn(|| lanes.next(9, most))
            .map(|batch| batch.items)
            .collect();
        assert_eq!(calls, [vec![0, 1], vec![2], vec![3], vec![4, 5], vec![6]]);
    }

    proptest! {
        #[test]
        fn a_body_is_not_larger_than_it_was_taken_for(texts in proptest::collection::vec(any::<String>(), 1..4)) {
            let fields: Fields = (0..).map(|n: u8| FieldName::new(format!("Field{n}__c")))
                .zip(texts.into_iter().map(Value::text))
                .collect();
            let plain: std::collections::BTreeMap<&str, &str> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_text().unwrap_or_default()))
                .collect();
            let body = serde_json::to_vec(&plain).unwrap();
            prop_assert!(body.len() <= body_bytes(&fields));
        }
    }

    #[test]
    fn a_parent_with_very_many_children_has_a_lane_of_its_own() {
        let mut writes: Vec<_> = (0..2_100).map(|n| write(n, locks(&[1]), 1)).collect();
        writes.extend((2_100..2_200).map(|n| write(n, Locks(vec![n.to_string()]), 1)));
        let mut lanes = Lanes::new(writes);
        let of_parent = |batch: &Batch<usize>| batch.items.iter().any(|n| *n < 2_100);
        let flying: Vec<_> = std::iter::from_fn(|| lanes.next(4, records(25))).collect();
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
