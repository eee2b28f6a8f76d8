//! How much a text of the CRM takes, and what makes room in it (sync-semantics 20.4).
//!
//! Only ever drops whole lines of ours, the oldest first, and says how many; where lines go that are
//! to become records of their own is not its business. Invariant: text of others is kept byte for
//! byte, and nothing is cut.

use jiff::Timestamp;

use super::plain;
use crate::domain::mapping::OnFull;

/// The line that stands for those that made room, without their number.
const OLDER: &str = "older lines in syncdeck";
const ELLIPSIS: char = '\u{2026}';

/// What a text takes, and what is done when that is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Characters at most, as UTF-16 counts them: nobody counts more. 0 is no limit.
    pub most: usize,
    /// What is done.
    pub on_full: OnFull,
}

impl Room {
    /// Whether a text fits.
    pub fn holds(self, text: &str) -> bool {
        self.most == 0 || text.encode_utf16().count() <= self.most
    }

    /// Why something does not fit.
    pub(super) fn why(self) -> String {
        let most = self.most;
        match self.on_full {
            OnFull::Reject => format!(
                "the text in Salesforce takes {most} characters and is full; remove something \
                 there, or let the oldest lines make room (on_full)"
            ),
            OnFull::Child => format!(
                "the text in Salesforce takes {most} characters and is full, and the pair for lines \
                 that find no room is not as the mapping says; look at overflow in the mapping file"
            ),
            OnFull::Rotate => format!(
                "the text in Salesforce takes {most} characters, and without our older lines it is \
                 still full; remove something there"
            ),
        }
    }

    /// The text, without as many of our oldest lines as make room; those that are `new` stay.
    pub(super) fn made_in(self, text: String, new: impl Fn(&str) -> bool) -> String {
        if self.on_full != OnFull::Rotate || self.holds(&text) {
            return text;
        }
        let mut lines = Vec::new();
        let mut gone = 0;
        for line in text.split('\n') {
            match marker(line) {
                Some(before) => gone += before,
                None => lines.push(line),
            }
        }
        let mut old: Vec<(Option<Timestamp>, usize)> = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let plain = plain(line);
            if !plain.tokens.is_empty() && !plain.tokens.iter().any(|token| new(token)) {
                old.push((plain.at, place));
            }
        }
        old.sort();
        let mut drops = vec![false; lines.len()];
        let mut whole = text.clone();
        for (_, place) in old {
            drops[place] = true;
            gone += 1;
            let kept = lines.iter().zip(&drops).filter(|(_, drops)| !**drops);
            let kept = kept.map(|(line, _)| (*line).to_owned());
            let first = format!("{ELLIPSIS} {gone} {OLDER}");
            whole = [first]
                .into_iter()
                .chain(kept)
                .collect::<Vec<_>>()
                .join("\n");
            if self.holds(&whole) {
                break;
            }
        }
        whole
    }
}

/// How many lines a line stands for.
fn marker(line: &str) -> Option<u64> {
    let number = line.trim().strip_prefix(ELLIPSIS)?.strip_suffix(OLDER)?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, block, sent};
    use super::super::{OPEN, Origin};
    use super::*;
    use crate::domain::append::Block;
    use crate::domain::id::{AppId, RowId};

    fn rotating(most: usize) -> Room {
        Room {
            most,
            on_full: OnFull::Rotate,
        }
    }

    fn line(text: &str, second: i64) -> Block {
        let id = AppId::new("a");
        let origin = Origin {
            app_id: &id,
            row: RowId(1),
            agreed: Some(at(second)),
        };
        Block::of_new_text(origin, "", text, at(second)).unwrap()
    }

    #[test]
    fn the_oldest_lines_of_ours_make_room_and_all_else_stays() {
        let mut text = "Foreign \r\n\n  kept".to_owned();
        for n in 1..=40 {
            let block = line(&format!("line {n}"), n).within(rotating(400));
            text = block.fitted(&text).unwrap();
            assert!(text.encode_utf16().count() <= 400, "{text}");
            assert!(text.contains("Foreign \r\n\n  kept"), "{text}");
            assert!(text.ends_with('\u{27e9}') && text.contains(&format!("line {n} ")));
            let own = text.matches(OPEN).count() as i64;
            let gone: i64 = match text.split_once(" older lines in syncdeck\n") {
                Some((number, _)) => number.trim_start_matches("\u{2026} ").parse().unwrap(),
                None => 0,
            };
            assert_eq!(own + gone, n, "{text}");
            assert!(
                own == n || !text.contains(&format!("line {} ", n - own)),
                "{text}"
            );
        }
        assert_eq!(text.matches("older lines").count(), 1);
    }

    #[test]
    fn what_finds_no_room_is_refused_whole() {
        let there = format!("{}\n{}", "x".repeat(90), sent("", "old", ""));
        let full = Room {
            most: there.chars().count(),
            on_full: OnFull::Reject,
        };
        let new = block("", "new", 9).unwrap();
        assert!(new.fitted(&there).is_ok(), "no limit is known");
        let refused = new.clone().within(full).fitted(&there).unwrap_err();
        assert!(refused.to_string().contains("is full"), "{refused}");
        let rotated = new.clone().within(rotating(full.most + 30)).fitted(&there);
        assert!(rotated.unwrap().contains("new"));
        // Others' text alone leaves no room: nothing of theirs is dropped for it.
        let foreign = "x".repeat(100);
        assert!(new.within(rotating(100)).fitted(&foreign).is_err());
    }
}
