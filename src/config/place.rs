//! Where in a file a mistake is, for messages: line, column, and the nearest known word.

use std::ops::Range;

use crate::error::{Error, Kind};

/// A file being read.
#[derive(Debug, Clone, Copy)]
pub struct Place<'t> {
    source: &'t str,
    text: &'t str,
}

impl<'t> Place<'t> {
    /// A file by name and content.
    pub fn new(source: &'t str, text: &'t str) -> Self {
        Self { source, text }
    }

    /// An error at a byte range of the file: `name:line:column: message`.
    pub fn error(&self, span: Range<usize>, message: impl AsRef<str>) -> Error {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let message = message.as_ref();
        Error::new(
            Kind::Config,
            format!("{}:{line}:{column}: {message}", self.source),
        )
    }

    /// The same for an error of the TOML reader.
    pub fn toml(&self, error: &toml::de::Error) -> Error {
        self.error(error.span().unwrap_or(0..0), error.message())
    }
}

/// The candidate that differs least from `word`, if it is near enough to be a slip.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, candidate)| *far <= 1 + candidate.chars().count() / 4)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Edits from one word to another (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            let swap = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = swap.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_far_ones_are_not_offered() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(
            nearest(
                "conflict.take_cmr",
                ["conflict.take_crm", "open"].into_iter()
            ),
            Some("conflict.take_crm")
        );
        assert_eq!(
            nearest("zzz", ["conflict.take_crm", "open"].into_iter()),
            None
        );
    }
}
