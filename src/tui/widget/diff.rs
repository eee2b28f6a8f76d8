//! Word marks: what came and what went, always against the last agreed value.
//!
//! Comparing each side with the base, not with the other side, shows what each side *did*.

use similar::{ChangeTag, TextDiff};

use crate::tui::canvas::Line;
use crate::tui::text::{self, Safe};
use crate::tui::theme::{DiffMarks, Role};

/// Longest text that is compared by words, in bytes; a longer one is shown without marks.
const LONGEST: usize = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Same,
    Gone,
    New,
}

/// `value` of a side, with the words marked that differ from `base`; a line for each line of the
/// value.
pub fn marked(base: &str, value: &str, side: Role, marks: DiffMarks) -> Vec<Line> {
    let mut out = Vec::new();
    let mut line = Line::new();
    for (kind, text) in parts(base, value) {
        if kind == Kind::Gone {
            // A line that is gone does not break the value that is there.
            let text = Safe::from(text.replace('\n', " "));
            line = line.add(Role::DiffGone, format!("[-{text}-]"));
            continue;
        }
        for (at, text) in text.split('\n').enumerate() {
            if at > 0 {
                out.push(std::mem::take(&mut line));
            }
            line = match (kind, marks) {
                _ if text.is_empty() => line,
                (Kind::New, DiffMarks::Brackets) => {
                    let text = Safe::from(text);
                    line.add_over(side, Role::DiffNew, format!("[+{text}+]"))
                }
                (Kind::New, DiffMarks::Attributes) => line.add_over(side, Role::DiffNew, text),
                _ => line.add(side, text),
            };
        }
    }
    out.push(line);
    out
}

fn parts(base: &str, value: &str) -> Vec<(Kind, String)> {
    if base.len() > LONGEST || value.len() > LONGEST {
        return vec![(Kind::Same, text::head(value, text::LOOK).to_owned())];
    }
    let diff = TextDiff::from_unicode_words(base, value);
    // Gone and new words of one stretch are gathered, so that a rewritten phrase reads as one
    // replacement; blanks and signs between two changed words belong to the stretch.
    let mut out: Vec<(Kind, String)> = Vec::new();
    let (mut gone, mut new, mut between) = (String::new(), String::new(), String::new());
    for change in diff.iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                let open = !gone.is_empty() || !new.is_empty();
                if open && text.chars().all(|c| !c.is_alphanumeric()) {
                    between.push_str(text);
                    continue;
                }
                close(&mut out, &mut gone, &mut new);
                push(&mut out, Kind::Same, &std::mem::take(&mut between));
                push(&mut out, Kind::Same, text);
            }
            tag => {
                if !between.is_empty() {
                    let between = std::mem::take(&mut between);
                    gone.push_str(&between);
                    new.push_str(&between);
                }
                if tag == ChangeTag::Delete {
                    gone.push_str(text)
                } else {
                    new.push_str(text)
                }
            }
        }
    }
    close(&mut out, &mut gone, &mut new);
    push(&mut out, Kind::Same, &between);
    out
}

fn close(out: &mut Vec<(Kind, String)>, gone: &mut String, new: &mut String) {
    let (gone, new) = (std::mem::take(gone), std::mem::take(new));
    let both = !gone.trim().is_empty() && !new.trim().is_empty();
    // Within a word a blank would be read as one of the value: `+ 49` for `+49`.
    let within = out
        .last()
        .and_then(|(_, before)| before.chars().next_back());
    let apart = within.is_none_or(char::is_whitespace);
    push(out, Kind::Gone, &gone);
    if both && apart {
        push(out, Kind::Same, " ");
    }
    push(out, Kind::New, &new);
}

fn push(out: &mut Vec<(Kind, String)>, kind: Kind, text: &str) {
    if text.is_empty() {
        return;
    }
    match out.last_mut() {
        Some((last, so_far)) if *last == kind => so_far.push_str(text),
        _ => out.push((kind, text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(base: &str, value: &str) -> String {
        let lines = marked(base, value, Role::App, DiffMarks::Brackets);
        lines.iter().map(Line::plain).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_rewritten_phrase_is_one_replacement() {
        assert_eq!(
            plain("Analyst", "Countess of Lovelace"),
            "[-Analyst-] [+Countess of Lovelace+]"
        );
        assert_eq!(plain("Analyst", "Analyst, Engines"), "Analyst[+, Engines+]");
        assert_eq!(plain("same", "same"), "same");
        assert_eq!(plain("", "new"), "[+new+]");
        assert_eq!(plain("+1 220", "+49 30"), "+[-1 220-][+49 30+]");
        assert_eq!(plain("a one", "a two"), "a [-one-] [+two+]");
        assert_eq!(plain("one\ntwo", "one\nthree"), "one\n[-two-] [+three+]");
    }

    proptest! {
        #[test]
        fn without_what_is_gone_the_value_is_left(base in "[a-c ,.]{0,24}", value in "[a-c ,.]{0,24}") {
            let parts = parts(&base, &value);
            let kept: String = parts.iter().filter(|(k, _)| *k != Kind::Gone).map(|(_, t)| t.as_str()).collect();
            // One blank is put between a gone and a new phrase.
            let squeeze = |t: &str| t.replace(' ', "");
            prop_assert_eq!(squeeze(&kept), squeeze(&value));
        }
    }
}
