//! Questions that are answered from the store, beside the engine.
//!
//! Keys that are held down ask faster than a store answers: a question that another has replaced
//! ends at its next record, and one that waits for its turn is not begun. It answers nothing
//! itself. Invariant: of the questions of a viewer, only those it still wants are worked on.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::super::command::RequestId;
use super::super::wanted::Wanted;

/// Answers that are made at once. Each holds what it reads in memory, and keeps the store from
/// giving back what it no longer needs.
const AT_ONCE: usize = 6;

/// The open questions.
#[derive(Debug)]
pub(super) struct Questions {
    open: HashMap<RequestId, Wanted>,
    turns: Arc<Semaphore>,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Questions {
    /// Opens one. Its mark is for whoever answers it.
    pub(super) fn open(&mut self, id: RequestId) -> Wanted {
        let wanted = Wanted::default();
        self.open.insert(id, wanted.clone());
        wanted
    }

    /// Turns of those who answer.
    pub(super) fn turns(&self) -> Arc<Semaphore> {
        Arc::clone(&self.turns)
    }

    /// The viewer no longer wants this answer.
    pub(super) fn replaced(&self, id: RequestId) {
        if let Some(wanted) = self.open.get(&id) {
            wanted.drop_it();
        }
    }

    /// One was answered.
    pub(super) fn answered(&mut self, id: RequestId) {
        self.open.remove(&id);
    }

    /// The engine ends: nobody waits any more.
    pub(super) fn leave(&self) {
        self.open.values().for_each(Wanted::drop_it);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_still_wanted_is_worked_on() {
        let mut questions = Questions::default();
        let (first, second) = (RequestId(1), RequestId(2));
        let (old, new) = (questions.open(first), questions.open(second));
        questions.replaced(first);
        assert!(old.check().is_err() && new.check().is_ok());
        questions.answered(first);
        questions.answered(second);
        // Answered, so there is nothing left to take back.
        questions.replaced(second);
        assert!(new.check().is_ok());
        let last = questions.open(RequestId(3));
        questions.leave();
        assert!(last.check().is_err());
    }
}
