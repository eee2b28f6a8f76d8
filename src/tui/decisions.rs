//! Decisions of this session: what to send to take one back, or to make it again.
//!
//! The engine keeps the decisions; this keeps only the way back. Invariant: undo and redo are
//! each other's inverse, and a new decision empties redo.

use std::collections::BTreeMap;

use crate::domain::conflict::Choice;
use crate::domain::id::ConflictId;
use crate::engine::command::{Decide, Overrule};

/// One change that can be sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Of conflicts.
    Decide(Vec<Decide>),
    /// Of a field the merge decided.
    Overrule(Box<Overrule>),
}

/// One step as the person made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it was, for the toast: `App for Title`.
    pub name: String,
    /// What makes it again.
    pub forth: Change,
    /// What takes it back.
    pub back: Change,
}

/// Steps to take back and to make again.
#[derive(Debug, Default)]
pub struct History {
    done: Vec<Step>,
    undone: Vec<Step>,
    known: BTreeMap<ConflictId, Option<Choice>>,
}

impl History {
    /// Notes a step.
    pub fn push(&mut self, step: Step) {
        self.learn(&step.forth);
        self.done.push(step);
        self.undone.clear();
    }

    /// The decision this session last made on a conflict, if it made one.
    pub fn known(&self, id: ConflictId) -> Option<Choice> {
        self.known.get(&id).cloned().flatten()
    }

    /// Takes the last step back.
    pub fn undo(&mut self) -> Option<Step> {
        let step = self.done.pop()?;
        self.learn(&step.back);
        self.undone.push(step.clone());
        Some(step)
    }

    /// Makes the last step that was taken back again.
    pub fn redo(&mut self) -> Option<Step> {
        let step = self.undone.pop()?;
        self.learn(&step.forth);
        self.done.push(step.clone());
        Some(step)
    }

    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether there is something to make again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Forgets all: what was written cannot be taken back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn learn(&mut self, change: &Change) {
        if let Change::Decide(decisions) = change {
            for decide in decisions {
                self.known.insert(decide.conflict, decide.choice.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conflict::Fingerprint;
    use crate::domain::transform::Side;

    fn decide(choice: Option<Choice>) -> Change {
        Change::Decide(vec![Decide {
            conflict: ConflictId(1),
            fp: Fingerprint(1),
            choice,
        }])
    }

    #[test]
    fn undo_and_redo_are_inverse() {
        let mut history = History::default();
        let step = Step {
            name: "App for Title".into(),
            forth: decide(Some(Choice::Take(Side::App))),
            back: decide(None),
        };
        history.push(step.clone());
        assert_eq!(history.known(ConflictId(1)), Some(Choice::Take(Side::App)));
        assert_eq!(history.undo(), Some(step.clone()));
        assert_eq!(history.known(ConflictId(1)), None);
        assert_eq!(history.redo(), Some(step));
        assert!(history.can_undo() && !history.can_redo());
    }
}
