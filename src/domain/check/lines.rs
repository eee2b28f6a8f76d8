//! Checks of a pair that takes the lines of another one, from its side (sync-semantics 20.4).
//!
//! What has to be so is said once, where the other pair is checked. Invariant: no change of this
//! pair that would leave these lines without a place is saved; one that is broken already is told, and
//! may be changed otherwise.

use std::slice::from_ref;

use super::{Checker, Finding, Severity};
use crate::domain::mapping::{OnFull, Pair};

impl Checker<'_> {
    /// What the pairs whose lines come here have to say of it.
    pub(super) fn takes_lines(&mut self) {
        let pair = self.pair;
        let comes_here = |other: &&Pair| {
            let mut rows = other.active();
            other
                .overflow
                .as_ref()
                .is_some_and(|to| to.pair == pair.name)
                && rows.any(|row| row.flow.on_full() == Some(OnFull::Child))
        };
        let senders: Vec<Pair> = self.rivals().filter(comes_here).cloned().collect();
        let older = self.others.iter().find(|other| other.name == pair.name);
        for sender in &senders {
            let known = older.map_or_else(Vec::new, |older| self.said_by(sender, older));
            for finding in self.said_by(sender, pair) {
                let is_new = finding.severity == Severity::Fail && !known.contains(&finding);
                let text = format!(
                    "lines of {} that find no room come here: {}",
                    sender.name, finding.text
                );
                match is_new {
                    true => {
                        let fix = format!(
                            "leave that as it was, or change overflow of {} first",
                            sender.name
                        );
                        self.fail(None, text, fix);
                    }
                    false => self.warn(None, text, finding.fix),
                }
            }
        }
    }

    /// What the check of a pair that sends lines says of the one that takes them.
    fn said_by(&self, sender: &Pair, taker: &Pair) -> Vec<Finding> {
        let mut cx = Checker {
            pair: sender,
            object: None,
            others: from_ref(taker),
            objects: self.object.map_or(&[], from_ref),
            samples: &[],
            found: Vec::new(),
        };
        cx.overflow();
        cx.found
    }
}
