//! Lines that are appended to a text of the CRM, once and never again (sync-semantics 20).
//!
//! Only text; reading and writing it guarded is the engine's business. Invariant: the token of a
//! line follows from what it says, so a retry, a crash or a lost answer cannot double it.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;

use super::conflict::Fingerprint;
use super::id::{AppId, RowId};
use super::value::Value;

/// One block of new text with its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    token: String,
    text: String,
    at: Timestamp,
}

impl Block {
    /// The text that is new in `is` compared with `was`; none when nothing was added.
    pub fn of_new_text(
        app_id: &AppId,
        row: RowId,
        was: &str,
        is: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let text = is.strip_prefix(was).unwrap_or(is).trim();
        if text.is_empty() {
            return None;
        }
        let token = token(app_id, row, was, is);
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Some(Self {
            token,
            text: text.to_owned(),
            at,
        })
    }

    /// Whether a text already holds it.
    pub fn is_in(&self, text: &str) -> bool {
        text.contains(&self.mark())
    }

    /// The text with this block at its end; unchanged if it is there already.
    pub fn appended_to(&self, text: &str) -> String {
        if self.is_in(text) {
            return text.to_owned();
        }
        let line = format!("[{}] {} {}", self.at, self.text, self.mark());
        if text.is_empty() {
            line
        } else {
            format!("{text}\n{line}")
        }
    }

    fn mark(&self) -> String {
        format!("\u{27e8}sd:{}\u{27e9}", self.token)
    }
}

/// Ten base32 characters that stand for exactly this addition.
fn token(app_id: &AppId, row: RowId, was: &str, is: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let id = vec![Value::text(format!("{app_id}/{row}"))];
    let (was, is) = (vec![Value::text(was)], vec![Value::text(is)]);
    let hash = Fingerprint::of(Some((&id, &was)), Some(&is), None).0;
    (0..10)
        .map(|i| char::from(ALPHABET[((hash >> (i * 5)) & 31) as usize]))
        .collect()
}

impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.token.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    proptest! {
        #[test]
        fn appending_twice_is_appending_once(
            foreign in "\\PC{0,40}", was in "\\PC{0,20}", new in "\\PC{1,20}",
        ) {
            let id = AppId::new("a");
            let is = format!("{was}{new}");
            if let Some(first) = Block::of_new_text(&id, RowId(1), &was, &is, at(1)) {
                let once = first.appended_to(&foreign);
                prop_assert!(once.starts_with(&foreign));
                // A later retry makes the same token, whatever the clock says.
                let again = Block::of_new_text(&id, RowId(1), &was, &is, at(999)).unwrap();
                prop_assert_eq!(again.appended_to(&once), once);
            }
        }
    }

    #[test]
    fn only_the_new_part_is_sent() {
        let block = Block::of_new_text(&"a".into(), RowId(1), "old.", "old. Called back", at(0));
        let text = block.unwrap().appended_to("Foreign");
        assert!(text.starts_with("Foreign\n[1970-01-01T00:00:00Z] Called back \u{27e8}sd:"));
        assert!(!text.contains("old."));
        assert_eq!(
            Block::of_new_text(&"a".into(), RowId(1), "old", "old ", at(0)),
            None
        );
    }
}
