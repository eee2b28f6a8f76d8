//! What a text of the CRM once had of ours (sync-semantics 20.5).
//!
//! A line that a person edits or removes there stays so: its token was seen once, and is never
//! written again. Invariant: what was seen stays seen, in the words it was first seen in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{lines, plain};
use crate::domain::id::FieldName;

/// The lines of ours that each text of a CRM record once had.
pub type Appended = BTreeMap<FieldName, Seen>;

/// The lines of ours that a text once had, each by its token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    lines: BTreeMap<String, String>,
}

impl Seen {
    /// Takes in what a text has; true when that is more than was known.
    pub fn note(&mut self, text: &str) -> bool {
        let before = self.lines.len();
        for line in lines(text).map(plain) {
            for token in line.tokens {
                self.lines.entry(token).or_insert_with(|| line.text.clone());
            }
        }
        self.lines.len() > before
    }

    /// Whether a line with this token was there.
    pub fn has(&self, token: &str) -> bool {
        self.lines.contains_key(token)
    }

    /// The text, and below it the lines of ours that it once had and has no more, or has in other
    /// words: what the App need not say again.
    pub fn with_lost(&self, text: &str) -> String {
        let mut there = BTreeMap::new();
        for line in lines(text).map(plain) {
            for token in &line.tokens {
                there.insert(token.clone(), line.text.clone());
            }
        }
        let lost = self
            .lines
            .iter()
            .filter(|(t, was)| there.get(*t) != Some(was));
        let lost = lost.map(|(_, was)| was.as_str());
        [text]
            .into_iter()
            .chain(lost)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, sent};
    use super::*;

    #[test]
    fn what_was_removed_or_corrected_there_is_known() {
        let text = sent("", "Called\nWrote", "Foreign");
        let mut seen = Seen::default();
        assert!(seen.note(&text));
        assert!(!seen.note(&text), "nothing new");
        let whole: Vec<&str> = text.lines().collect();
        let removed = [whole[0], whole[2]].join("\n");
        assert!(seen.with_lost(&removed).ends_with("\nCalled"));
        let corrected = text.replace("] Called", "] Phoned");
        assert!(!seen.note(&corrected), "the first words count");
        assert!(seen.with_lost(&corrected).ends_with("\nCalled"));
        assert_eq!(seen.with_lost(&text), text);
        // The mark alone is gone: the line stays as it is.
        let unmarked = text.split(" \u{27e8}").next().unwrap();
        assert!(seen.with_lost(unmarked).contains("Wrote"));
    }

    #[test]
    fn a_token_that_was_seen_is_not_written_again() {
        let lines = block("", "Called\nWrote", 5).unwrap();
        let mut seen = Seen::default();
        assert_eq!(lines.clone().never_seen(&seen), Some(lines.clone()));
        let first = block("", "Called", 5).unwrap().appended_to("");
        seen.note(&first);
        let left = lines.clone().never_seen(&seen).unwrap().appended_to("");
        assert!(left.contains("Wrote") && !left.contains("Called"));
        seen.note(&lines.appended_to(""));
        assert_eq!(lines.never_seen(&seen), None);
    }
}
