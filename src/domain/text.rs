//! Text from outside made harmless, and the nearest of known names.
//!
//! Pure: no widths, no colours, no cutting; those belong to whoever shows the text. Invariant:
//! escaped text holds no control character, no direction control and no invisible character
//! (but `\n` under [`Breaks::Keep`]), and escaping it again changes nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What becomes of line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// Shown as `^J`: the text stays one line.
    Show,
    /// Kept: the text has as many lines as it says.
    Keep,
}

/// The text as a terminal may get it: control characters as `^[`, C1 controls, direction
/// overrides and invisible characters as `<U+202E>`. Borrows when nothing has to change.
pub fn escape(text: &str, breaks: Breaks) -> Cow<'_, str> {
    let plain = |c: char| (c == '\n' && breaks == Breaks::Keep) || is_plain(c);
    let Some(first) = text.find(|c| !plain(c)) else {
        return Cow::Borrowed(text);
    };
    let (head, tail) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(head);
    for c in tail.chars() {
        if plain(c) {
            out.push(c);
        } else {
            push_escaped(&mut out, c);
        }
    }
    Cow::Owned(out)
}

/// Adds one character, shown rather than obeyed.
pub fn push_escaped(out: &mut String, c: char) {
    match c {
        '\u{0}'..='\u{1f}' => {
            out.push('^');
            out.push(char::from(c as u8 + 0x40));
        }
        '\u{7f}' => out.push_str("^?"),
        c if is_hidden(c) => {
            // Writing into a String cannot fail.
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
        c => out.push(c),
    }
}

/// The text in the form that is compared when upper and lower case do not count: letter by letter,
/// so that what is in a text is in its folded form too.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let lower = text.chars().flat_map(char::to_lowercase);
    Cow::Owned(lower.map(|c| if c == 'ς' { 'σ' } else { c }).collect())
}

fn is_plain(c: char) -> bool {
    (' '..='~').contains(&c) || !(c.is_control() || is_hidden(c))
}

/// Whether a character changes direction, is invisible, or is drawn differently by different
/// terminals. The joiner of emoji and variation selectors are not among them.
pub fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}' // C1 controls: 0x9b begins an escape sequence on some terminals
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The known name a person most likely meant: the one with the fewest edits, upper and lower
/// case aside, if that is at most a third of the word.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let most = (folded.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (edits(&folded, &name.to_lowercase()), name))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Insertions, deletions, replacements and exchanges of neighbours between two words.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let first_row: Vec<usize> = (0..=to.len()).collect();
    // The row before the last one, the last one, and the letter before.
    let mut older = first_row.clone();
    let mut last = first_row;
    let mut before = None;
    for (i, a) in from.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX);
            let mut best = (at(&last, j) + usize::from(a != *b))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            let left = j.checked_sub(1);
            if let Some(left) = left
                && to.get(left) == Some(&a)
                && before == Some(*b)
            {
                best = best.min(at(&older, left) + 1);
            }
            row.push(best);
        }
        older = std::mem::replace(&mut last, row);
        before = Some(a);
    }
    last.last().copied().unwrap_or_default()
}

/// A number as people read it: `41,000`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `2,000 records`: how many of something, for a person.
pub fn some(n: u64, one: &str, more: &str) -> String {
    let word = if n == 1 { one } else { more };
    format!("{} {word}", grouped(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_of_something_is_no_plural() {
        assert_eq!(some(1, "record", "records"), "1 record");
        assert_eq!(some(0, "record", "records"), "0 records");
        assert_eq!(some(1_234_567, "record", "records"), "1,234,567 records");
    }

    #[test]
    fn codes_are_shown_not_obeyed() {
        let show = |t| escape(t, Breaks::Show).into_owned();
        assert_eq!(show("a\x1b[2Jb"), "a^[[2Jb");
        assert_eq!(show("evil\u{202e}txt"), "evil<U+202E>txt");
        assert_eq!(show("tab\tnul\0del\u{7f}"), "tab^Inul^@del^?");
        assert_eq!(show("\u{9b}31m"), "<U+009B>31m");
        assert_eq!(show("a\nb"), "a^Jb");
        assert_eq!(escape("a\r\nb", Breaks::Keep), "a^M\nb");
        assert!(matches!(
            escape("Ren\u{e9}e \u{1f469}\u{200d}\u{1f4bb}", Breaks::Show),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["Email", "Phone", "Description"];
        assert_eq!(nearest("email", known), Some("Email"));
        assert_eq!(nearest("Descripton", known), Some("Description"));
        assert_eq!(nearest("Eamil", known), Some("Email"));
        assert_eq!(nearest("Fone", known), None);
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abcd", "badc"), 2);
    }

    proptest! {
        #[test]
        fn escaped_text_cannot_act(text in any::<String>()) {
            for breaks in [Breaks::Show, Breaks::Keep] {
                let once = escape(&text, breaks);
                let acts = once.chars().any(|c| {
                    (c.is_control() && !(c == '\n' && breaks == Breaks::Keep)) || is_hidden(c)
                });
                prop_assert!(!acts);
                prop_assert_eq!(escape(&once, breaks).into_owned(), once.clone().into_owned());
            }
        }

        #[test]
        fn edits_are_a_distance(a in "[ab]{0,6}", b in "[ab]{0,6}") {
            prop_assert_eq!(edits(&a, &b), edits(&b, &a));
            prop_assert_eq!(edits(&a, &b) == 0, a == b);
        }
    }
}
