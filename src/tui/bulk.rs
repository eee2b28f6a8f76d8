//! A change of many records that goes to the engine part by part.
//!
//! Knows no screen and sends nothing. Invariant: a record is in exactly one of what is left, what
//! is being done, what was done and what was refused.

use crate::domain::id::{AppId, PairName};
use crate::domain::value::Fields;
use crate::engine::view::{Acted, EditStaged, EditsStaged, Refused};

/// What is done to each record.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// It is deleted.
    Delete,
    /// It is brought back.
    Restore,
    /// These fields, its owner and status, are staged.
    HandOver(Fields),
    /// What is staged of it is taken back.
    TakeBack,
}

/// How it ended, or whether it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing left, or the next part.
    Whole,
    /// A person stopped it, or it broke off.
    Stopped,
}

/// The change at work.
#[derive(Debug)]
pub struct Work {
    /// What is done.
    pub act: Act,
    /// Pair of the records.
    pub pair: PairName,
    /// Changed records, at their revisions since.
    pub done: Vec<(AppId, u64)>,
    /// What was staged instead.
    pub staged: Vec<EditStaged>,
    /// Records that were left.
    pub refused: Vec<Refused>,
    /// The last comes first.
    left: Vec<(AppId, u64)>,
    all: usize,
    ended: Ended,
}

impl Work {
    /// On records at these revisions, in this order.
    pub fn new(act: Act, pair: PairName, mut records: Vec<(AppId, u64)>) -> Self {
        records.reverse();
        Self {
            act,
            pair,
            done: Vec::new(),
            staged: Vec::new(),
            refused: Vec::new(),
            all: records.len(),
            left: records,
            ended: Ended::Whole,
        }
    }

    /// Takes the next records out, at most `most`.
    pub fn part(&mut self, most: usize) -> Vec<(AppId, u64)> {
        let from = self.left.len().saturating_sub(most);
        let mut part = self.left.split_off(from);
        part.reverse();
        part
    }

    /// Takes what came of a part; says whether the next may go.
    pub fn take(&mut self, acted: Acted) -> Ended {
        self.done.extend(acted.done);
        self.refused.extend(acted.refused);
        self.goes_on()
    }

    /// Takes what was staged of a part; says whether the next may go.
    pub fn take_staged(&mut self, staged: EditsStaged) -> Ended {
        self.staged.extend(staged.done);
        self.refused.extend(staged.refused);
        self.goes_on()
    }

    fn goes_on(&self) -> Ended {
        match self.left.is_empty() {
            true => Ended::Whole,
            false => self.ended,
        }
    }

    /// No further part goes.
    pub fn stop(&mut self) {
        self.ended = Ended::Stopped;
    }

    /// Records that wait.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Records that came to an end, and all of them.
    pub fn so_far(&self) -> (u64, u64) {
        let done = self.done.len() + self.staged.len() + self.refused.len();
        (done as u64, self.all as u64)
    }
}

/// What was deleted last, and can be brought back.
#[derive(Debug)]
pub struct Taken {
    /// Pair of the records.
    pub pair: PairName,
    /// Records, at the revisions of their deletion.
    pub records: Vec<(AppId, u64)>,
    /// Steps that were there to take back before it.
    pub after: usize,
}

/// Changes of many records.
#[derive(Debug, Default)]
pub struct Bulk {
    /// The one at work.
    pub work: Option<Work>,
    /// What `u` brings back.
    pub taken: Option<Taken>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_order_until_it_is_stopped() {
        let ids = ["a", "b", "c", "d", "e"].map(|id| (AppId::new(id), 1));
        let mut work = Work::new(Act::Delete, "people".into(), ids.to_vec());
        let part = work.part(2);
        assert_eq!(part, ids[..2]);
        let done = |records: &[(AppId, u64)]| Acted {
            done: records.to_vec(),
            refused: Vec::new(),
        };
        assert_eq!(work.take(done(&part)), Ended::Whole);
        assert_eq!(work.so_far(), (2, 5));
        let part = work.part(2);
        work.stop();
        assert_eq!(work.take(done(&part)), Ended::Stopped);
        assert_eq!(work.left(), 1);
        // What was the last part is whole, whenever it was stopped.
        let part = work.part(2);
        assert_eq!(work.take(done(&part)), Ended::Whole);
        assert_eq!(work.part(2), []);
    }
}
