//! Decisions and edits of this session: what to send to take one back, or to make it again.
//!
//! The engine keeps the decisions; this keeps only the way back. Invariant: undo and redo are
//! each other's inverse, and a new decision empties redo.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::conflict::Choice;
use crate::domain::id::{AppId, ConflictId, PairName};
use crate::domain::schedule::Schedule;
use crate::engine::command::{Decide, Overrule, RecordKey};
use crate::engine::view::Edit;

/// One change that can be sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Of conflicts, each of this record.
    Decide(Vec<(RecordKey, Decide)>),
    /// Of a field the merge decided.
    Overrule(Box<Overrule>),
    /// When a pair shall run; none as it does.
    Schedule(PairName, Option<Schedule>),
    /// What is staged for App records of one pair.
    Edits(PairName, Vec<(AppId, Option<Edit>)>),
}

impl Change {
    /// What is staged for one App record.
    pub fn edit(key: RecordKey, edit: Option<Edit>) -> Self {
        Self::Edits(key.pair, vec![(key.app_id, edit)])
    }

    /// Leaves out what is about these records and schedules; says whether anything is left.
    fn without(&mut self, records: &BTreeSet<&RecordKey>, schedules: &[PairName]) -> bool {
        match self {
            Self::Schedule(pair, _) => !schedules.contains(pair),
            Self::Decide(decisions) => {
                decisions.retain(|(record, _)| !records.contains(record));
                !decisions.is_empty()
            }
            Self::Overrule(overrule) => !records.contains(&overrule.record),
            Self::Edits(pair, edits) => {
                edits.retain(|(app_id, _)| {
                    let (pair, app_id) = (pair.clone(), app_id.clone());
                    !records.contains(&RecordKey { pair, app_id })
                });
                !edits.is_empty()
            }
        }
    }
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

    /// How many steps can be taken back.
    pub fn depth(&self) -> usize {
        self.done.len()
    }

    /// Whether there is something to make again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// What was decided on a conflict before a step: by this session, or else as the engine had
    /// it when it was asked.
    pub fn before(&self, id: ConflictId, kept: Option<&Choice>) -> Option<Choice> {
        match self.known.get(&id) {
            Some(known) => known.clone(),
            None => kept.cloned(),
        }
    }

    /// Leaves a conflict to the engine: it said what is decided there, or refused a decision.
    pub fn settle(&mut self, id: ConflictId) {
        self.known.remove(&id);
    }

    /// The engine refused the last decision on a conflict: it is no step, and nothing of it can be
    /// taken back.
    pub fn refused(&mut self, id: ConflictId) {
        let decides = |change: &Change| match change {
            Change::Decide(decisions) => decisions.iter().any(|(_, d)| d.conflict == id),
            _ => false,
        };
        let Some(at) = self.done.iter().rposition(|step| decides(&step.forth)) else {
            return;
        };
        if let Some(Step { forth, back, .. }) = self.done.get_mut(at) {
            let left = [forth, back].map(|change| match change {
                Change::Decide(decisions) => {
                    decisions.retain(|(_, decide)| decide.conflict != id);
                    !decisions.is_empty()
                }
                _ => true,
            });
            if left.contains(&false) {
                self.done.remove(at);
            }
        }
    }

    /// Forgets the steps of records and schedules that are written: they cannot be taken back any
    /// more.
    pub fn written(&mut self, records: &[RecordKey], schedules: &[PairName]) {
        let records: BTreeSet<&RecordKey> = records.iter().collect();
        for steps in [&mut self.done, &mut self.undone] {
            steps.retain_mut(|step| {
                let left = step.back.without(&records, schedules);
                step.forth.without(&records, schedules) && left
            });
        }
    }

    fn learn(&mut self, change: &Change) {
        if let Change::Decide(decisions) = change {
            for (_, decide) in decisions {
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

    fn record(name: &str) -> RecordKey {
        RecordKey {
            pair: "people".into(),
            app_id: crate::domain::id::AppId::new(name),
        }
    }

    fn one(name: &str, id: u64, choice: Option<Choice>) -> (RecordKey, Decide) {
        let decide = Decide {
            conflict: ConflictId(id),
            fp: Fingerprint(1),
            choice,
        };
        (record(name), decide)
    }

    fn decide(choice: Option<Choice>) -> Change {
        Change::Decide(vec![one("ada", 1, choice)])
    }

    #[test]
    fn what_is_written_leaves_the_steps_of_the_others() {
        let app = Some(Choice::Take(Side::App));
        let both = |choice: Option<Choice>| {
            Change::Decide(vec![one("ada", 1, choice.clone()), one("luigi", 2, choice)])
        };
        let mut history = History::default();
        history.push(Step {
            name: "App for 2 records".into(),
            forth: both(app.clone()),
            back: both(None),
        });
        history.push(Step {
            name: "App for Title".into(),
            forth: decide(app),
            back: decide(None),
        });
        history.written(&[record("ada")], &[]);
        let step = history.undo().unwrap();
        assert_eq!(step.back, Change::Decide(vec![one("luigi", 2, None)]));
        assert!(!history.can_undo());
    }

    #[test]
    fn what_was_refused_is_no_step_and_the_others_of_it_stay() {
        let app = Some(Choice::Take(Side::App));
        let step = |changes: &[u64]| {
            let all = |choice: &Option<Choice>| {
                let each = changes.iter().map(|id| one("ada", *id, choice.clone()));
                Change::Decide(each.collect())
            };
            Step {
                name: "App".into(),
                forth: all(&app),
                back: all(&None),
            }
        };
        let mut history = History::default();
        history.push(step(&[1]));
        history.push(step(&[1, 2]));
        history.push(step(&[3]));
        history.refused(ConflictId(1));
        history.refused(ConflictId(3));
        history.refused(ConflictId(4));
        assert_eq!(history.undo(), Some(step(&[2])));
        // The decision before the refused one stands.
        assert_eq!(history.undo(), Some(step(&[1])));
        assert_eq!(history.undo(), None);
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
