//! Stops writing of a kind when very many of the latest were refused for one reason: a rule of the
//! org that is new, say (sync-semantics 22).
//!
//! Pure; of one run. Invariant: what was found once holds to the end of the run.

use std::collections::{HashMap, VecDeque};

use super::tables::Op;

/// Writes that are looked at.
const LATEST: usize = 100;
/// So many of them may be refused with one code.
const FEW: usize = 30;

/// How the latest writes of each kind went.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    latest: HashMap<Op, VecDeque<Option<String>>>,
    open: HashMap<Op, String>,
}

impl Circuit {
    /// A write was refused with a code, or applied. Whether this is the one too many.
    pub(super) fn note(&mut self, op: Op, refused: Option<&str>) -> Found {
        let latest = self.latest.entry(op).or_default();
        if latest.len() == LATEST {
            latest.pop_front();
        }
        latest.push_back(refused.map(str::to_owned));
        let same = latest.iter().filter(|code| code.as_deref() == refused);
        let many = same.count() > FEW && latest.len() == LATEST;
        match refused {
            Some(code) if many && !self.open.contains_key(&op) => {
                self.open.insert(op, code.to_owned());
                Found::New
            }
            _ => Found::Nothing,
        }
    }

    /// The code for which no more writes of a kind are sent.
    pub(super) fn stops(&self, op: Op) -> Option<&str> {
        self.open.get(&op).map(String::as_str)
    }
}

/// What a write shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// That no more of its kind should be sent.
    New,
    /// Nothing new.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_thirty_of_the_last_hundred_with_one_code_stop_their_kind() {
        let mut circuit = Circuit::default();
        for n in 0..300 {
            let code = match n % 10 {
                0..3 => Some("A"),
                3..6 => Some("B"),
                _ => None,
            };
            assert_eq!(circuit.note(Op::Update, code), Found::Nothing, "{n}");
        }
        assert_eq!(circuit.note(Op::Update, Some("A")), Found::Nothing);
        assert_eq!(circuit.note(Op::Update, Some("A")), Found::Nothing);
        assert_eq!(circuit.note(Op::Update, Some("A")), Found::Nothing);
        assert_eq!(circuit.note(Op::Update, Some("A")), Found::New);
        assert_eq!(circuit.stops(Op::Update), Some("A"));
        assert_eq!(circuit.stops(Op::Create), None);
        for _ in 0..200 {
            assert_eq!(circuit.note(Op::Update, None), Found::Nothing);
        }
        assert_eq!(circuit.stops(Op::Update), Some("A"));
    }

    #[test]
    fn a_few_refusals_say_nothing() {
        let mut circuit = Circuit::default();
        for _ in 1..LATEST {
            assert_eq!(circuit.note(Op::Create, Some("A")), Found::Nothing);
        }
        assert_eq!(circuit.stops(Op::Create), None);
    }
}
