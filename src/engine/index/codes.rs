//! Fields with few values as codes beside the texts, and what adds up over them.
//!
//! Invariant: counts and sums are those of the records that are there, at any time.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::layout::Layout;
use super::lines::Slot;
use super::small::{Small, extend};
use crate::domain::record::AppRecord;
use crate::domain::value::Value;

/// Different values of a field that are told apart.
const MOST: usize = 1_000;
/// A time that no second says.
const UNKNOWN: u32 = u32::MAX;
/// Code of all other values.
const OTHERS: u16 = MOST as u16;

/// How many records have a value, and what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records.
    pub count: u64,
    /// What they are worth together, in hundredths.
    pub worth: i64,
}

impl Tally {
    fn take(&mut self, worth: i64) {
        self.count += 1;
        self.worth += worth;
    }

    fn give(&mut self, worth: i64) {
        self.count = self.count.saturating_sub(1);
        self.worth -= worth;
    }
}

/// One field with few values.
#[derive(Debug, Default)]
pub struct Column {
    /// By code; the first is no value.
    values: Vec<Value>,
    by_value: HashMap<Value, u16>,
    codes: Small,
    tallies: Vec<Tally>,
    others: Tally,
}

impl Column {
    /// Each value that was ever there, with its tally. No value is [`Value::Null`].
    pub fn tallies(&self) -> impl Iterator<Item = (&Value, Tally)> {
        self.values.iter().zip(self.tallies.iter().copied())
    }

    /// Records with a value beyond those that are told apart.
    pub fn others(&self) -> Tally {
        self.others
    }

    /// By code, whether a value passes; beyond them all, nobody knows.
    pub fn passing(&self, passes: impl Fn(&Value) -> bool) -> Vec<bool> {
        self.values.iter().map(passes).collect()
    }

    /// Whether the record in a slot passes; none when that cannot be told from its code.
    pub fn passes(&self, passing: &[bool], slot: Slot) -> Option<bool> {
        let code = self.codes.get(slot.index());
        passing.get(usize::from(code)).copied()
    }

    fn code(&mut self, value: &Value) -> u16 {
        if let Some(code) = self.by_value.get(value) {
            return *code;
        }
        if self.values.len() >= MOST {
            return OTHERS;
        }
        let code = u16::try_from(self.values.len()).unwrap_or(OTHERS);
        self.values.push(value.clone());
        self.tallies.push(Tally::default());
        self.by_value.insert(value.clone(), code);
        code
    }

    fn tally(&mut self, code: u16) -> &mut Tally {
        match self.tallies.get_mut(usize::from(code)) {
            Some(tally) => tally,
            None => &mut self.others,
        }
    }
}

/// All of them, by slot.
#[derive(Debug, Default)]
pub struct Codes {
    columns: Vec<Column>,
    worth: Vec<i64>,
    made: Vec<u16>,
    /// Seconds since 1970 of the last change.
    changed: Vec<u32>,
    /// Records by the day they were made.
    days: BTreeMap<u16, u64>,
}

impl Codes {
    /// For a layout.
    pub fn new(layout: &Layout) -> Self {
        Self {
            columns: layout.coded.iter().map(|_| Column::default()).collect(),
            ..Self::default()
        }
    }

    /// The fields, in the order of the layout.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Records by the day they were made.
    pub fn days(&self) -> &BTreeMap<u16, u64> {
        &self.days
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        let codes: usize = self.columns.iter().map(|c| c.codes.memory()).sum();
        codes + self.worth.capacity() * 8 + self.made.capacity() * 2 + self.changed.capacity() * 4
    }

    /// Takes a record in.
    pub fn put(&mut self, layout: &Layout, slot: Slot, record: &AppRecord) {
        let (worth, day) = (layout.worth(record), layout.day(record));
        for (column, coded) in self.columns.iter_mut().zip(&layout.coded) {
            let value = record.fields.get(&coded.field).unwrap_or(&Value::Null);
            // The first code is no value, whatever comes first.
            column.code(&Value::Null);
            let code = column.code(value);
            column.tally(code).take(worth);
            column.codes.set(slot.index(), code);
        }
        if layout.amount.is_some() {
            set(&mut self.worth, slot, worth, 0);
        }
        set(&mut self.made, slot, day, 0);
        let changed = second_of(record.updated_at).unwrap_or(UNKNOWN);
        set(&mut self.changed, slot, changed, UNKNOWN);
        *self.days.entry(day).or_default() += 1;
    }

    /// Whether the record in a slot changed since; none when that takes more than the second.
    pub fn since(&self, slot: Slot, from: Timestamp) -> Option<bool> {
        let changed = self
            .changed
            .get(slot.index())
            .filter(|at| **at != UNKNOWN)?;
        let from = second_of(from)?;
        (*changed != from).then_some(*changed > from)
    }

    /// Takes the record of a slot out.
    pub fn remove(&mut self, slot: Slot) {
        let worth = self.worth.get(slot.index()).copied().unwrap_or(0);
        for column in &mut self.columns {
            let code = column.codes.get(slot.index());
            column.tally(code).give(worth);
        }
        if let Some(day) = self.made.get(slot.index())
            && let Some(count) = self.days.get_mut(day)
        {
            *count -= 1;
            if *count == 0 {
                self.days.remove(day);
            }
        }
    }
}

fn set<T: Clone>(row: &mut Vec<T>, slot: Slot, value: T, empty: T) {
    extend(row, slot.index() + 1, empty);
    if let Some(at) = row.get_mut(slot.index()) {
        *at = value;
    }
}

fn second_of(at: Timestamp) -> Option<u32> {
    u32::try_from(at.as_second()).ok()
}
