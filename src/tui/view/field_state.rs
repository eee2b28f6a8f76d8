//! The state of a field in the few columns that a table has for it.
//!
//! Invariant: a word is never cut, whatever the engine says; the whole of it stands below the table.

use crate::tui::text;

/// Columns of the state of a field.
pub const WIDTH: u16 = 8;

/// How long states begin, and what is said instead. What is not here is as long as its first words
/// that have room.
const SHORT: [(&str, &str); 12] = [
    ("held", "held"),
    ("deleted", "deleted"),
    ("merged", "merged"),
    ("in Salesforce only", "CRM only"),
    ("in the App only", "App only"),
    ("not synced", "no sync"),
    ("not known", "unknown"),
    ("being written", "writing"),
    ("left as it is", "left"),
    ("kept although", "kept"),
    ("to records of", "overflow"),
    ("not sent", "not sent"),
];

/// The state in whole words that fit.
pub fn short(state: &str) -> text::Safe {
    let width = usize::from(WIDTH);
    let known = SHORT.iter().find(|(long, _)| state.starts_with(long));
    if let Some((_, short)) = known {
        return text::Safe::from(*short);
    }
    if text::width(state) <= width {
        return text::Safe::from(state);
    }
    let mut out = String::new();
    for word in state.split(' ') {
        let gap = usize::from(!out.is_empty());
        if text::width(&out) + gap + text::width(word) > width {
            break;
        }
        if gap == 1 {
            out.push(' ');
        }
        out.push_str(word);
    }
    text::Safe::from(out.trim_end_matches([':', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::Word;

    /// Every state that a field has, and what the table says.
    const STATES: [(&str, &str); 25] = [
        ("same", "same"),
        ("off", "off"),
        ("conflict", "conflict"),
        ("decided", "decided"),
        ("being written", "writing"),
        ("left as it is", "left"),
        ("differs", "differs"),
        ("differs, stays so", "differs"),
        ("held since run 8840 was taken back", "held"),
        ("to CRM", "to CRM"),
        ("to App", "to App"),
        ("to records of its own", "overflow"),
        ("not sent: converted", "not sent"),
        ("kept although the other is empty", "kept"),
        ("in Salesforce only", "CRM only"),
        ("in the App only", "App only"),
        ("deleted in the App", "deleted"),
        ("deleted in Salesforce", "deleted"),
        ("merged in Salesforce", "merged"),
        ("not made yet", "not made"),
        ("not read yet", "not read"),
        ("not synced: outside the filter of the pair", "no sync"),
        ("not known: Salesforce has not described", "unknown"),
        ("FAIL: Salesforce has no field Priority__x", "FAIL"),
        ("staged", "staged"),
    ];

    #[test]
    fn no_word_of_a_state_is_cut() {
        for (state, says) in STATES {
            let shown = short(state);
            assert_eq!(shown.as_str(), says, "{state}");
            assert!(shown.width() <= usize::from(WIDTH), "{state}");
        }
        for state in ["", "unheard-of", "a new one that is long", "x: y"] {
            assert!(!short(state).as_str().contains(".."), "{state}");
            assert!(short(state).width() <= usize::from(WIDTH), "{state}");
        }
    }

    #[test]
    fn the_state_of_a_row_has_room_in_its_column() {
        let words = [
            Word::Ok,
            Word::Info,
            Word::None,
            Word::Off,
            Word::Key,
            Word::App,
            Word::Crm,
            Word::Wait,
            Word::Run,
            Word::Ready,
            Word::Part,
            Word::Hold,
            Word::Conf,
            Word::Del,
            Word::Warn,
            Word::Fail,
        ];
        for word in words {
            assert!(word.as_str().len() <= 5, "{word}");
        }
    }
}
