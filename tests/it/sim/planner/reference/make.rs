//! What a record becomes that is made on the other side (rules R1 and R2).
//!
//! Invariant: what cannot be told in the other side's words is not made at all.

use syncdeck::domain::mapping::Creates;

use super::*;
use crate::sim::planner::case::Key;

impl Record {
    pub(super) fn create_in_crm(&mut self, case: &Case, now: i64) {
        let stuck = case
            .rows
            .iter()
            .zip(&self.rows)
            .any(|(row, state)| row.flow.writes(Side::Crm) && !row.kind.crosses(state.a));
        if case.creates == Creates::Off || case.key() == Key::None || stuck {
            return;
        }
        self.crm = CrmSide::Live;
        self.tie = Tie::Active;
        self.readable = true;
        self.twin = false;
        self.c_at = now;
        self.text.clear();
        for notes in &mut self.notes {
            notes.base = None;
        }
        let hidden = std::mem::replace(&mut self.hidden, vec![false; case.rows.len()]);
        self.texts(case, now, false);
        self.hidden = hidden;
        for (row, state) in case.rows.iter().zip(&mut self.rows) {
            let writes = row.flow.writes(Side::Crm);
            state.c = if writes { row.saves.stored(state.a) } else { 0 };
            state.base = writes.then_some((state.a, state.a));
        }
    }

    pub(super) fn create_in_app(&mut self, case: &Case, now: i64) {
        let known = |i: usize| !self.hidden[i];
        let stuck = case.rows.iter().enumerate().any(|(i, row)| {
            row.flow.writes(Side::App) && known(i) && !row.kind.crosses(self.rows[i].c)
        });
        if case.creates == Creates::Off || stuck {
            return;
        }
        self.app = AppSide::Live;
        self.tie = match self.crm {
            CrmSide::Converted => Tie::Converted,
            _ => Tie::Active,
        };
        for (i, (row, state)) in case.rows.iter().zip(&mut self.rows).enumerate() {
            let known = !self.hidden[i];
            if row.flow.writes(Side::App) && known {
                state.a = state.c;
            }
            state.a_at = now;
            state.base = known.then_some((state.a, state.c));
            if row.appends() && known {
                let notes = &mut self.notes[i];
                if row.flow == Flow::AppendBoth {
                    notes.app = self.text.clone();
                }
                notes.base = Some((notes.app.clone(), self.text.clone()));
            }
        }
    }
}
