//! Fields that two systems change against each other for ever (sync-semantics 2.5).
//!
//! Counts how often a value that we wrote was answered by another value on the same side. No
//! clock and no store: what is still in reach is said by the caller. Invariant: a chain that
//! grows is told to stop after a bounded number of writes, whatever the values are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::stamp;
use super::transform::Side;
use super::value::Cell;

/// Answers after which nothing is written any more.
pub const ANSWERS: usize = 3;
/// Turns that are kept, for people to look at.
const KEPT: usize = 8;

/// One time that a row was to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
    /// By which run.
    pub run: RunId,
    /// Side whose value moved.
    pub moved: Side,
    /// Side that is written for it.
    pub wrote: Side,
    /// App value then.
    pub app: Cell,
    /// CRM value then.
    pub crm: Cell,
}

impl Turn {
    /// Whether it answers the one before: what was written there did not stay.
    fn answers(&self, before: &Self) -> bool {
        self.moved == before.wrote
    }
}

/// Whether a row may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Goes,
    /// No: it would go on for ever. A person looks.
    Fights,
}

/// The latest turns of a row, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chain(Vec<Turn>);

impl Chain {
    /// Begins anew with a turn: a person gave the value.
    pub fn from(turn: Turn) -> Self {
        Self(vec![turn])
    }

    /// Whether there are no turns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The turns, oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.0
    }

    /// Adds a turn; turns that are no longer `in_reach` of it do not count.
    pub fn take(&mut self, turn: Turn, in_reach: impl Fn(&Turn) -> bool) -> Verdict {
        self.0.retain(in_reach);
        self.0.push(turn);
        let answers = self.0.windows(2).filter(|pair| match pair {
            [before, after] => after.answers(before),
            _ => false,
        });
        let verdict = match answers.count() {
            n if n >= ANSWERS => Verdict::Fights,
            _ => Verdict::Goes,
        };
        if self.0.len() > KEPT {
            self.0.drain(..self.0.len() - KEPT);
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turn(moved: Side, wrote: Side) -> Turn {
        Turn {
            at: Timestamp::UNIX_EPOCH,
            run: RunId(1),
            moved,
            wrote,
            app: Vec::new(),
            crm: Vec::new(),
        }
    }

    #[test]
    fn two_that_answer_each_other_are_stopped() {
        use Side::{App, Crm};
        let mut chain = Chain::default();
        let all = |_: &Turn| true;
        assert_eq!(chain.take(turn(App, Crm), all), Verdict::Goes);
        assert_eq!(chain.take(turn(Crm, App), all), Verdict::Goes);
        assert_eq!(chain.take(turn(App, Crm), all), Verdict::Goes);
        assert_eq!(chain.take(turn(Crm, App), all), Verdict::Fights);
        assert_eq!(chain.turns().len(), 4);
    }

    #[test]
    fn a_rule_that_writes_against_the_other_side_is_stopped() {
        let mut chain = Chain::default();
        let wins = || turn(Side::Crm, Side::Crm);
        let verdicts: Vec<_> = (0..5).map(|_| chain.take(wins(), |_| true)).collect();
        assert_eq!(verdicts[..3], [Verdict::Goes; 3]);
        assert_eq!(verdicts[3..], [Verdict::Fights; 2]);
    }

    proptest! {
        #[test]
        fn one_side_that_moves_is_never_stopped(n in 1_usize..40) {
            let mut chain = Chain::default();
            for _ in 0..n {
                let verdict = chain.take(turn(Side::Crm, Side::App), |_| true);
                prop_assert_eq!(verdict, Verdict::Goes);
            }
        }

        #[test]
        fn what_is_out_of_reach_does_not_count(n in 1_usize..40) {
            let mut chain = Chain::default();
            for _ in 0..n {
                let verdict = chain.take(turn(Side::Crm, Side::Crm), |_| false);
                prop_assert_eq!(verdict, Verdict::Goes);
            }
        }
    }
}
