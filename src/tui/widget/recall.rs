//! What was typed in a field before, to have it again with Up and Down.
//!
//! Kept for the session only. Invariant: no text twice, and none that is empty.

/// Texts kept.
const KEPT: usize = 50;

/// Texts, the last one first, and where one is in them.
#[derive(Debug, Clone, Default)]
pub struct Recall {
    texts: Vec<String>,
    at: Option<usize>,
}

impl Recall {
    /// Keeps what was taken, and begins again at the newest.
    pub fn keep(&mut self, text: &str) {
        self.at = None;
        if text.trim().is_empty() {
            return;
        }
        self.texts.retain(|known| known != text);
        self.texts.insert(0, text.to_owned());
        self.texts.truncate(KEPT);
    }

    /// Begins again at the newest.
    pub fn begin(&mut self) {
        self.at = None;
    }

    /// The text before; none when there is no older one.
    pub fn older(&mut self) -> Option<&str> {
        let next = self.at.map_or(0, |at| at + 1);
        let text = self.texts.get(next)?;
        self.at = Some(next);
        Some(text)
    }

    /// The text after; the empty one after the newest, none when one is there already.
    pub fn newer(&mut self) -> Option<&str> {
        self.at = match self.at? {
            0 => None,
            at => Some(at - 1),
        };
        Some(match self.at {
            None => "",
            Some(at) => self.texts.get(at)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_again_from_the_newest_and_once_each() {
        let mut recall = Recall::default();
        for text in ["a", "b", "", "a"] {
            recall.keep(text);
        }
        assert_eq!(recall.newer(), None);
        assert_eq!(recall.older(), Some("a"));
        assert_eq!(recall.older(), Some("b"));
        assert_eq!(recall.older(), None);
        assert_eq!(recall.newer(), Some("a"));
        assert_eq!(recall.newer(), Some(""));
        assert_eq!(recall.newer(), None);
    }
}
