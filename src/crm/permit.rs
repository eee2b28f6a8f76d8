//! The permit that every write to a CRM takes.
//!
//! It says nothing about values; it proves that `engine::guard` was asked. Invariant: only
//! `engine/guard.rs` calls `WritePermit::issue`; `tests/it/architecture.rs` checks it.

/// Leave to send one batch of writes.
#[derive(Debug)]
pub struct WritePermit {
    records: usize,
}

impl WritePermit {
    /// Issues a permit for at most this many records.
    pub(crate) fn issue(records: usize) -> Self {
        Self { records }
    }

    /// How many records may be written with it.
    pub fn records(&self) -> usize {
        self.records
    }
}
