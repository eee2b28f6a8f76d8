//! Rows that the CRM changes again whenever they are written: counted by the product, and left
//! alone once it says so (sync-semantics 2.5).
//!
//! Invariant: a row that fights is asked about until both sides agree.

use syncdeck::domain::fight::{Chain, Turn, Verdict};
use syncdeck::domain::id::RunId;
use syncdeck::domain::plan::writes;

use super::*;

impl Model<'_> {
    /// A person is asked about rows that fight; they are not written.
    pub(super) fn freeze(&self, index: usize, plan: &mut Plan, seen: Option<&Observation>) {
        let fights = &self.slots[index].fights;
        let (Act::Fields { push, pull }, Some(seen)) = (&mut plan.act, seen) else {
            return;
        };
        for outcome in &mut plan.rows {
            let writes = matches!(outcome.action, Action::Push(_) | Action::Pull(_));
            if writes && fights.contains(&outcome.row) {
                outcome.action = Action::Conflict;
                outcome.auto = None;
            }
        }
        (*push, *pull) = writes(&self.pair, &plan.rows, &seen.fields);
    }

    /// Counts the turn that a row is about to take; true when it is one too many.
    pub(super) fn stops(&mut self, index: usize, outcome: &Outcome, a: &Cell, c: &Cell) -> bool {
        let wrote = match outcome.action {
            Action::Push(_) => Side::Crm,
            Action::Pull(_) => Side::App,
            _ => return false,
        };
        let moved = match outcome.rule {
            FieldRule::F2 => Side::App,
            FieldRule::F3 => Side::Crm,
            FieldRule::F5 => wrote,
            _ => return false,
        };
        if self.switch == Switch::NothingIsStopped {
            return false;
        }
        let turn = |moved, wrote| Turn {
            at: at(self.now),
            run: RunId(self.phase),
            moved,
            wrote,
            app: a.clone(),
            crm: c.clone(),
        };
        let (before, turn) = (turn(Side::App, Side::Crm), turn(moved, wrote));
        let phase = RunId(self.phase);
        let slot = &mut self.slots[index];
        if moved == Side::App {
            // In a case only people change the App.
            slot.chains.insert(outcome.row, Chain::from(turn));
            return false;
        }
        let chain = slot.chains.entry(outcome.row);
        let chain = chain.or_insert_with(|| Chain::from(before));
        match chain.take(turn, |t| t.run == phase) {
            Verdict::Goes => false,
            Verdict::Fights => {
                slot.fights.insert(outcome.row);
                slot.asked.insert(outcome.row);
                true
            }
        }
    }

    /// A row that is at rest does not fight any more; one that cannot go on still does.
    pub(super) fn rests(&mut self, index: usize, outcome: &Outcome) {
        let slot = &mut self.slots[index];
        match outcome.action {
            Action::Nothing | Action::Adopt | Action::Accept(_) => {
                slot.fights.remove(&outcome.row);
                slot.chains.remove(&outcome.row);
            }
            _ if slot.fights.contains(&outcome.row) => {
                slot.asked.insert(outcome.row);
            }
            _ => {}
        }
    }
}
