//! The only way from a value to cells.
//!
//! A CRM record may hold anything: escape codes, direction overrides, a megabyte in one line.
//! [`Safe`] is text that can do nothing to a terminal: control characters are shown as `^[`,
//! direction and invisible characters as `<U+202E>`. It does not reorder right-to-left text and
//! knows no colours. Invariant: a [`Safe`] holds no control character, no direction control and
//! no line break, and widths are counted by grapheme.

use std::fmt;

use crate::domain::text::push_escaped;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Longest part of a value that is looked at for one screen line, in bytes. A value of a
/// megabyte costs no more than one of a kilobyte.
pub const LOOK: usize = 16 * 1024;

/// Text that is safe to put into cells.
#[derive(Clone, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Safe(String);

impl Safe {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Width in columns.
    pub fn width(&self) -> usize {
        width(&self.0)
    }

    /// True when nothing would be shown.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl From<&str> for Safe {
    fn from(text: &str) -> Self {
        let text = head(text, LOOK);
        if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Self(text.to_owned());
        }
        let mut out = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            push_escaped(&mut out, c);
        }
        Self(out)
    }
}

impl From<String> for Safe {
    fn from(text: String) -> Self {
        if text.len() <= LOOK && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Self(text);
        }
        Self::from(text.as_str())
    }
}

impl From<&String> for Safe {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Safe> for Safe {
    fn from(text: &Safe) -> Self {
        text.clone()
    }
}

/// The first `bytes` bytes of a text, cut at a character.
pub fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Width of a text in columns.
pub fn width(text: &str) -> usize {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return text.len();
    }
    text.graphemes(true).map(grapheme_width).sum()
}

fn grapheme_width(grapheme: &str) -> usize {
    // A grapheme is never wider than two cells, whatever the sum over its code points says.
    grapheme.width().min(2)
}

/// The text cut to `columns`; a cut text ends in `..`.
pub fn fit(text: impl Into<Safe>, columns: usize) -> Safe {
    let text = text.into();
    if text.width() <= columns {
        return text;
    }
    let marker = if columns >= 4 { ".." } else { "" };
    let room = columns.saturating_sub(marker.len());
    let mut out = take(text.as_str(), room).to_owned();
    out.push_str(marker);
    Safe(out)
}

/// The longest start of the text that is at most `columns` wide.
fn take(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let w = grapheme_width(grapheme);
        if used + w > columns {
            return text.get(..at).unwrap_or_default();
        }
        used += w;
    }
    text
}

/// An id cut in the middle, as in `003..Q1AA`: both ends of a Salesforce id tell something.
pub fn fit_id(id: impl Into<Safe>, columns: usize) -> Safe {
    let id = id.into();
    if id.width() <= columns || columns < 7 || !id.as_str().is_ascii() {
        return fit(id, columns);
    }
    let tail = (columns - 2).saturating_sub(3);
    let text = id.as_str();
    let end = text.get(text.len() - tail..).unwrap_or_default();
    Safe(format!("{}..{end}", take(text, 3)))
}

/// Breaks a text into lines of at most `columns`, at spaces where there are some. Line breaks
/// of the text are kept; there is always at least one line.
pub fn wrap(text: &str, columns: usize) -> Vec<Safe> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in head(text, LOOK).split('\n') {
        let safe = Safe::from(paragraph.trim_end_matches('\r'));
        let mut line = String::new();
        let mut used = 0;
        for word in safe.as_str().split_inclusive(' ') {
            let bare = width(word.trim_end_matches(' '));
            if used > 0 && used + bare > columns {
                lines.push(Safe(line.trim_end().to_owned()));
                line.clear();
                used = 0;
            }
            let mut rest = word;
            while width(rest.trim_end_matches(' ')) > columns {
                let mut part = take(rest, columns);
                if part.is_empty() {
                    // One grapheme wider than the whole column: it takes a line of its own.
                    part = rest.graphemes(true).next().unwrap_or(rest);
                }
                lines.push(Safe(part.to_owned()));
                rest = rest.get(part.len()..).unwrap_or_default();
            }
            line.push_str(rest);
            used += width(rest);
        }
        lines.push(Safe(line.trim_end().to_owned()));
    }
    lines
}

/// The same in so many lines at most; what has no room is cut at the end of the last one, and marked.
pub fn wrap_in(text: &str, columns: usize, most: usize) -> Vec<Safe> {
    let mut lines = wrap(text, columns);
    if let Some(next) = lines.get(most).cloned() {
        lines.truncate(most);
        let last = lines.pop().unwrap_or_default();
        lines.push(fit(format!("{last} {next}"), columns));
    }
    lines
}

/// A value as it is read on screens: `(null)` for none, `""` for an empty text.
pub fn value(value: Option<&str>) -> Safe {
    match value {
        None => Safe("(null)".to_owned()),
        Some("") => Safe("\"\"".to_owned()),
        Some(text) => Safe::from(text),
    }
}

/// A whole number grouped in threes: `1,204`.
pub use crate::domain::text::grouped as group;

/// A number in at most five columns: `41.2k`, `1.2M`.
pub fn short(number: u64) -> String {
    match number {
        0..=9_999 => group(number),
        10_000..=99_999 => format!("{}.{}k", number / 1000, number % 1000 / 100),
        100_000..=999_999 => format!("{}k", number / 1000),
        _ => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

pub use crate::domain::text::some as count;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_without_room_is_marked_where_it_is_cut() {
        let lines = wrap_in("it takes one, two, three and 12 more", 12, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines.last().unwrap().as_str().ends_with(".."), "{lines:?}");
        let whole = wrap_in("it takes one", 12, 2);
        assert_eq!(whole, wrap("it takes one", 12));
    }

    #[test]
    fn escape_codes_and_direction_marks_are_shown_not_obeyed() {
        assert_eq!(Safe::from("a\x1b[2Jb").as_str(), "a^[[2Jb");
        assert_eq!(Safe::from("evil\u{202e}txt").as_str(), "evil<U+202E>txt");
        assert_eq!(Safe::from("tab\tnul\0").as_str(), "tab^Inul^@");
        assert_eq!(Safe::from("\u{9b}31m").as_str(), "<U+009B>31m");
    }

    #[test]
    fn cuts_end_in_two_dots() {
        assert_eq!(fit("Ada Lovelace", 8).as_str(), "Ada Lo..");
        assert_eq!(fit("Ada", 8).as_str(), "Ada");
        assert_eq!(fit_id("003AAAAAAAAAAAQ1AA", 9).as_str(), "003..Q1AA");
        assert_eq!(
            fit("\u{4f60}\u{597d}\u{4f60}\u{597d}", 6).as_str(),
            "\u{4f60}\u{597d}.."
        );
    }

    #[test]
    fn nothing_and_empty_differ() {
        assert_eq!(value(None).as_str(), "(null)");
        assert_eq!(value(Some("")).as_str(), "\"\"");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(group(1_204), "1,204");
        assert_eq!(group(100), "100");
        assert_eq!(short(41_240), "41.2k");
    }

    proptest! {
        #[test]
        fn safe_text_has_nothing_that_acts(text in any::<String>()) {
            let safe = Safe::from(text.as_str());
            let hidden = crate::domain::text::is_hidden;
            prop_assert!(!safe.as_str().chars().any(|c| c.is_control() || hidden(c)));
            // Reading safe text again changes nothing, so it may pass twice.
            let again = Safe::from(safe.as_str());
            prop_assert_eq!(again, safe);
        }

        #[test]
        fn a_cut_text_never_exceeds_its_columns(text in any::<String>(), columns in 0usize..40) {
            prop_assert!(fit(text.as_str(), columns).width() <= columns);
            prop_assert!(fit_id(text.as_str(), columns).width() <= columns);
        }

        #[test]
        fn wrapped_lines_fit(text in any::<String>(), columns in 2usize..40) {
            for line in wrap(&text, columns) {
                prop_assert!(line.width() <= columns, "{line:?}");
            }
        }
    }
}
