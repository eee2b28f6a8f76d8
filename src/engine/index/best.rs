//! The best of many texts for the words of a search.
//!
//! Pure. Invariant: all that match are counted, also those that are not given.

use std::ops::ControlFlow;

use super::chunk::Need;
use super::lines::{Block, Lines, Slot};

/// Characters of an id that are asked for at least.
const LEAST_OF_ID: usize = 4;

/// The best of what was found, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<I> {
    /// Ids, best first.
    pub ids: Vec<I>,
    /// All that match.
    pub total: u64,
}

impl<I> Default for Found<I> {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            total: 0,
        }
    }
}

impl Found<String> {
    /// With ids of another kind.
    pub(super) fn map<I>(self, make: impl Fn(String) -> I) -> Found<I> {
        Found {
            ids: self.ids.into_iter().map(make).collect(),
            total: self.total,
        }
    }

    /// Ids that are numbers.
    pub(super) fn numbers(self) -> Found<u64> {
        Found {
            ids: self.ids.iter().filter_map(|id| id.parse().ok()).collect(),
            total: self.total,
        }
    }
}

/// How well a text fits words: one that has the first word whole, at its beginning and then anywhere,
/// before one that begins with it, one that has a word that begins so, and one that holds it somewhere.
fn rank(text: &str, first: &str) -> usize {
    let ranks = text.match_indices(first).map(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + first.len()..);
        let after = after.and_then(|rest| rest.chars().next());
        let is_whole = !after.is_some_and(char::is_alphanumeric);
        match (before, is_whole) {
            (None, true) => 0,
            (Some(c), true) if !c.is_alphanumeric() => 1,
            (None, false) => 2,
            (Some(c), false) if !c.is_alphanumeric() => 3,
            (Some(_), _) => 4,
        }
    });
    ranks.min().unwrap_or(RANKS - 1)
}

/// How many there are; the last is of those that are found by their id.
const RANKS: usize = 6;

/// The best of the texts that hold all words.
pub(super) fn best(lines: &Lines, words: &[String], most: usize) -> Found<String> {
    let Some(first) = words.first() else {
        return Found::default();
    };
    let mut by_rank: [Vec<Slot>; RANKS] = Default::default();
    let mut total = 0;
    // Ids are found by how they begin: their letters say nothing.
    let names_ids =
        |block: &Block<'_>, word: &str| word.len() >= LEAST_OF_ID && block.may_begin(word);
    lines.read(Need::Texts, |block, _| {
        // Most blocks hold nothing that is looked for: one look at all of it is enough.
        let may_hold = |word: &String| block.text.contains(word.as_str()) || names_ids(block, word);
        if words.iter().all(may_hold) {
            for line in block.lines() {
                let is_id = |word: &str| names_ids(block, word) && begins(&line.id(), word);
                let holds = |word: &String| line.text.contains(word.as_str()) || is_id(word);
                if !words.iter().all(holds) {
                    continue;
                }
                total += 1;
                // Once the best are enough, the rest is only counted.
                if by_rank.first().is_some_and(|best| best.len() >= most) {
                    continue;
                }
                if let Some(rank) = by_rank.get_mut(rank(line.text, first))
                    && rank.len() < most
                {
                    rank.push(line.slot);
                }
            }
        }
        ControlFlow::<()>::Continue(())
    });
    let slots = by_rank.iter().flatten().take(most);
    Found {
        ids: slots.filter_map(|slot| lines.id(*slot)).collect(),
        total,
    }
}

fn begins(id: &str, word: &str) -> bool {
    let begin = id.get(..word.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn a_whole_word_goes_before_one_that_only_begins_so() {
        let best = [
            "ivan petrov",
            "ivanov ivan",
            "petr (ivan)",
            "ivanov petr",
            "petr ivanov",
            "divan",
            "0015g0001",
        ];
        let ranks: Vec<usize> = best.iter().map(|text| rank(text, "ivan")).collect();
        assert_eq!(ranks, [0, 1, 1, 2, 3, 4, 5]);
        // Letters of any length.
        assert_eq!(rank("\u{e9}va", "\u{e9}v"), 2);
        assert_eq!(rank("\u{e9}va", "\u{e9}va"), 0);
    }
}
