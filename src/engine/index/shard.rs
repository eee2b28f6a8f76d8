//! The records of one pair in the index.
//!
//! Invariant: a commit is newer than what is read from the store, whichever comes first.

use std::collections::HashSet;

use super::codes::Codes;
use super::layout::Layout;
use super::lines::{Lines, Put, Slot};
use super::{Extent, Sure};
use crate::domain::id::AppId;
use crate::domain::record::{AppRecord, Presence};

/// The records of one pair.
#[derive(Debug)]
pub struct Shard {
    /// What is kept.
    pub layout: Layout,
    /// Codes and tallies.
    pub codes: Codes,
    pub(super) lines: Lines,
    pub(super) stage: Stage,
    /// Which reading it belongs to: another one does not fill it.
    pub(super) reading: u64,
}

/// How far it has been read.
#[derive(Debug)]
pub(super) enum Stage {
    /// Records that went meanwhile must not come back.
    Reading(HashSet<AppId>),
    /// All of it is here.
    Ready,
    /// What came later found no room.
    Full,
}

impl Shard {
    /// An empty one, to be filled by the reading of this number.
    pub(super) fn new(layout: Layout, reading: u64) -> Self {
        Self {
            reading,
            codes: Codes::new(&layout),
            layout,
            lines: Lines::default(),
            stage: Stage::Reading(HashSet::new()),
        }
    }

    /// How much is here.
    pub(super) fn extent(&self) -> Extent {
        let done = self.lines.len() as u64;
        match self.stage {
            Stage::Reading(_) => Extent::Reading { done },
            Stage::Ready => Extent::Whole,
            Stage::Full => Extent::Part { done },
        }
    }

    /// A record as it is since a commit.
    pub(super) fn put(&mut self, record: &AppRecord) {
        let id = record.id.as_str();
        if record.presence == Presence::Deleted {
            if let Some(slot) = self.lines.remove(id) {
                self.codes.remove(slot);
            }
            if let Stage::Reading(gone) = &mut self.stage {
                gone.insert(record.id.clone());
            }
            return;
        }
        if matches!(self.stage, Stage::Full) && self.lines.slot(id).is_none() {
            return;
        }
        match self.lines.put(id, &self.layout.text(record)) {
            Put::New(slot) => self.codes.put(&self.layout, slot, record),
            Put::Replaced(slot) => {
                self.codes.remove(slot);
                self.codes.put(&self.layout, slot, record);
            }
            Put::Full => self.stage = Stage::Full,
        }
    }

    /// Slots that are in the order of ids, with those that came late in their places.
    pub(super) fn in_order(
        &self,
        slots: Vec<(Slot, Sure)>,
        mut late: Vec<(String, Slot, Sure)>,
    ) -> Vec<(Slot, Sure)> {
        if late.is_empty() {
            return slots;
        }
        late.sort_unstable_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut out = Vec::with_capacity(slots.len() + late.len());
        let mut rest = slots.as_slice();
        for (id, slot, sure) in late {
            let before = |(slot, _): &(Slot, Sure)| self.lines.id(*slot).is_some_and(|i| i < id);
            let (head, tail) = rest.split_at(rest.partition_point(before));
            out.extend_from_slice(head);
            out.push((slot, sure));
            rest = tail;
        }
        out.extend_from_slice(rest);
        out
    }

    /// There is no room for a new record: if this is one, it and all that follow stay away.
    pub(super) fn keep_to_known(&mut self, record: &AppRecord) {
        if record.presence == Presence::Live && self.lines.slot(record.id.as_str()).is_none() {
            self.stage = Stage::Full;
        }
    }

    /// A record as it was stored some time ago: what a commit said since is newer.
    pub(super) fn take_in(&mut self, record: &AppRecord) {
        let gone = matches!(&self.stage, Stage::Reading(gone) if gone.contains(&record.id));
        if !gone && self.lines.slot(record.id.as_str()).is_none() {
            self.put(record);
        }
    }
}
