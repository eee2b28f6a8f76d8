//! What people did in a story, and the dice that decide it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// Random numbers that can be had again.
pub struct Dice(pub u64);

impl Dice {
    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % u64::try_from(n).unwrap()).unwrap()
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What people did.
#[derive(Default)]
pub struct Ledger {
    /// Each typed value, and where: pair, side, record, field.
    pub typed: BTreeMap<String, String>,
    /// Values that a person saw and replaced.
    pub replaced: BTreeSet<String>,
    /// Names given to records made in the App.
    pub made_in_app: BTreeSet<String>,
    /// Names given to records made in Salesforce.
    pub made_in_crm: BTreeSet<String>,
    /// How often it was killed while it worked, and how often that left writes in doubt.
    pub killed: usize,
    pub in_doubt: usize,
    pub number: usize,
}

impl Ledger {
    /// A value nobody typed before.
    pub fn value(&mut self, what: &str) -> String {
        self.number += 1;
        format!("{what} {}", self.number)
    }

    pub fn edit(&mut self, place: String, value: &str, before: &Json) {
        if let Some(before) = before.as_str() {
            self.replaced.insert(before.to_owned());
        }
        self.typed.insert(value.to_owned(), place);
    }
}
