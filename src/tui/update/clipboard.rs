//! What goes to the clipboard of the person's terminal (OSC 52).
//!
//! Text from outside may hold escape codes and direction overrides, and the next place it goes is
//! often a shell. It is cleaned as on the screen; only [`As::Raw`] is what the field holds.
//! Invariant: what is not raw holds no control character but the line breaks we put there.

use std::fmt::Write as _;

use crate::domain::run::Word;
use crate::domain::text::{Breaks, escape, is_hidden};
use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::text::count;

/// The most a clipboard over SSH takes, in bytes (terminal-ux 3).
const MOST: usize = 48 * 1024;

/// How a text is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// One line: a value or a row. Its line breaks are shown.
    Line,
    /// Lines that we made; what stands in them is cleaned.
    Lines,
    /// JSON: what would act is written as its escape, so that nothing is lost.
    Json,
    /// As it is, because a person asked for that.
    Raw,
}

/// Copies one line, cleaned.
pub fn copy(model: &mut Model, text: Option<String>) {
    copy_as(model, text, As::Line);
}

/// Copies a text, and says that it was sent: nobody can know whether it arrived.
pub fn copy_as(model: &mut Model, text: Option<String>, how: As) {
    let Some(text) = text else {
        return model.say(Word::Info, "There is nothing here to copy.");
    };
    let sent = cleaned(&text, how);
    if sent.len() > MOST {
        let most = "Too long for the clipboard of a terminal (48 KiB at most). Nothing was sent.";
        return model.say(Word::Warn, most);
    }
    let size = count(sent.len() as u64, "byte", "bytes");
    let mut says = format!("Sent {size} to the clipboard of your terminal. ");
    if matches!(how, As::Line | As::Lines) && sent != text {
        says.push_str("Control characters are shown in it; :copy.raw takes them as they are.");
    } else {
        says.push_str("Nothing there? See :help clipboard, or use :export.");
    }
    model.say(Word::Ok, says);
    model.effects.push(Effect::Copy(sent));
}

fn cleaned(text: &str, how: As) -> String {
    match how {
        As::Line => escape(text, Breaks::Show).into_owned(),
        As::Lines => escape(text, Breaks::Keep).into_owned(),
        As::Raw => text.to_owned(),
        As::Json => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                // The writer of JSON escapes the controls below a blank itself.
                if c == '\u{7f}' || is_hidden(c) {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // Writing into a String cannot fail.
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                } else {
                    out.push(c);
                }
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_a_raw_copy_acts(text in any::<String>()) {
            let acts = |text: &str| text.chars().any(|c| c.is_control() || is_hidden(c));
            prop_assert!(!acts(&cleaned(&text, As::Line)));
            prop_assert!(!acts(&cleaned(&text, As::Lines).replace('\n', "")));
            prop_assert_eq!(&cleaned(&text, As::Raw), &text);
        }

        #[test]
        fn json_is_clean_and_loses_nothing(text in any::<String>()) {
            let sent = cleaned(&serde_json::to_string(&text).unwrap(), As::Json);
            prop_assert!(!sent.chars().any(|c| c.is_control() || is_hidden(c)));
            prop_assert_eq!(serde_json::from_str::<String>(&sent).unwrap(), text);
        }
    }
}
