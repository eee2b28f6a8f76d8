//! Carries out what was planned, as if every write succeeded, and checks each act while it does.
//!
//! Invariant: a base moves only together with the values it describes.

use super::*;

impl Model<'_> {
    /// Carries a plan out; true when anything is different afterwards.
    pub(super) fn carry_out(&mut self, index: usize, plan: Plan) -> Result<bool, Broken> {
        let before = self.slots[index].clone();
        self.slots[index].open = matches!(plan.act, Act::Conflict(_) | Act::MergeCollision(_));
        self.lawful(index, &plan)?;
        match plan.act {
            Act::Nothing
            | Act::NotMade(_)
            | Act::Lacks(_)
            | Act::Unreachable
            | Act::Wait(_)
            | Act::Failed(..) => {}
            Act::Leave(policy) => self.leave(index, policy),
            Act::Conflict(_) if self.switch == Switch::DeleteIsBlind => self.delete_blindly(index),
            Act::Conflict(_) | Act::MergeCollision(_) => {}
            Act::Link { push, .. } => {
                let slot = &self.slots[index];
                self.slots[index].link = Some(self.link_of(slot, |_| false));
                self.rows(index, &plan.rows, &push)?;
            }
            Act::Fields { push, .. } => {
                self.link(index).state = LinkState::Active;
                self.slots[index].asked.clear();
                self.rows(index, &plan.rows, &push)?;
            }
            Act::Freeze { .. } => {
                self.link(index).state = LinkState::Converted;
                self.rows(index, &plan.rows, &Fields::new())?;
            }
            Act::Follow { .. } => {
                self.rows(index, &plan.rows, &Fields::new())?;
                self.link(index).state = LinkState::Closed;
            }
            Act::CreateInCrm(fields) => self.create_in_crm(index, fields)?,
            Act::CreateInApp(fields) => self.create_in_app(index, fields)?,
            Act::DeleteInCrm(DeletePolicy::Propagate) => {
                self.writes += 1;
                self.slots[index].crm.as_mut().unwrap().presence = CrmPresence::Deleted;
            }
            Act::DeleteInCrm(DeletePolicy::MarkWith(mark)) => {
                self.writes += 1;
                let fields = &mut self.slots[index].crm.as_mut().unwrap().fields;
                fields.insert(mark.field, Value::text(mark.value));
                self.link(index).state = LinkState::AppDeleted;
            }
            Act::DeleteInCrm(DeletePolicy::Ignore) => {
                self.link(index).state = LinkState::AppDeleted;
            }
            Act::DeleteInApp(DeletePolicy::Ignore) => {
                self.link(index).state = LinkState::CrmDeleted;
            }
            Act::DeleteInCrm(_) | Act::DeleteInApp(DeletePolicy::Unlink) => {
                self.link(index).state = LinkState::Closed;
            }
            Act::DeleteInApp(_) => {
                self.writes += 1;
                self.slots[index].app.as_mut().unwrap().presence = Presence::Deleted;
                self.link(index).state = LinkState::CrmDeleted;
                // What people were asked about the rows went with the record.
                self.slots[index].fights.clear();
                self.slots[index].chains.clear();
            }
            Act::Close => {
                let link = self.link(index);
                if link.state != LinkState::CrmDeleted {
                    link.state = LinkState::Closed;
                }
            }
            Act::MoveLink(into) => {
                let (_, survivor) = self.slots[index].survivor.take().unwrap();
                must!(survivor.id == into, "I28", "moved to {into}");
                self.link(index).crm_id = Some(into);
                self.slots[index].crm = Some(survivor);
            }
        }
        let after = &self.slots[index];
        Ok(after.app != before.app || after.crm != before.crm || after.link != before.link)
    }

    /// It is outside the pair's filter: what people were asked ends with that.
    fn leave(&mut self, index: usize, policy: Leaves) {
        let switch = self.switch;
        let link = self.link(index);
        let state = match policy {
            Leaves::Unlink => LinkState::Closed,
            Leaves::Freeze | Leaves::Continue => LinkState::OutOfScope,
        };
        if std::mem::replace(&mut link.state, state.clone()) == state {
            return;
        }
        if switch == Switch::LeftIsForgotten {
            link.bases.clear();
        }
        let slot = &mut self.slots[index];
        slot.asked.clear();
        slot.fights.clear();
        slot.chains.clear();
    }

    pub(super) fn link(&mut self, index: usize) -> &mut Link {
        self.slots[index].link.as_mut().unwrap()
    }

    /// The collected writes say what the rows say, and never touch a row that is asked about.
    pub(super) fn lawful(&self, index: usize, plan: &Plan) -> Result<(), Broken> {
        let (push, pull) = match &plan.act {
            Act::Fields { push, pull } | Act::Link { push, pull } => (push, pull),
            _ => return Ok(()),
        };
        for outcome in &plan.rows {
            let row = self.of(outcome.row);
            let writes = |names: &[FieldName], fields: &Fields| {
                names
                    .iter()
                    .filter(|name| fields.contains_key(*name))
                    .count()
            };
            let (pushed, pulled) = (writes(&row.row.crm, push), writes(&row.row.app, pull));
            if outcome.action == Action::Conflict {
                must!(
                    pushed + pulled == 0,
                    "I18",
                    "record {index}: {outcome:?} is written"
                );
            }
            for (n, all) in [(pushed, row.row.crm.len()), (pulled, row.row.app.len())] {
                must!(
                    n == 0 || n == all,
                    "I20",
                    "record {index}: half of {outcome:?}"
                );
            }
        }
        Ok(())
    }

    pub(super) fn of(&self, id: RowId) -> &CompiledRow {
        self.pair.rows.iter().find(|r| r.row.id == id).unwrap()
    }

    /// `push` is what is sent of the rows that append: their lines are one text.
    pub(super) fn rows(
        &mut self,
        index: usize,
        rows: &[Outcome],
        push: &Fields,
    ) -> Result<(), Broken> {
        let asked = rows.iter().any(|o| o.action == Action::Conflict);
        if asked && self.switch == Switch::ConflictStopsRecord {
            let asked = rows.iter().filter(|o| o.action == Action::Conflict);
            self.slots[index].asked.extend(asked.map(|o| o.row));
            return Ok(());
        }
        let seen = self.slots[index].crm.as_ref().unwrap().fields.clone();
        let (append, others): (Vec<&Outcome>, Vec<_>) = rows
            .iter()
            .partition(|o| matches!(o.action, Action::Append(_)));
        for outcome in others {
            self.one(index, outcome, &seen)?;
        }
        if append.is_empty() {
            return Ok(());
        }
        // Now and then the answer is lost: the lines are there, and nobody knows.
        let known = !self.order.one_in(4);
        for outcome in append {
            self.append(index, outcome, &seen, push, known)?;
        }
        self.writes += 1;
        Ok(())
    }

    fn append(
        &mut self,
        index: usize,
        outcome: &Outcome,
        seen: &Fields,
        push: &Fields,
        known: bool,
    ) -> Result<(), Broken> {
        let row = self.of(outcome.row).clone();
        let sent = vec![push[&row.row.crm[0]].clone()];
        let was = vec![seen[&row.row.crm[0]].clone()];
        must!(
            sent[0].to_string().starts_with(&was[0].to_string()) && sent != was,
            "I39",
            "{was:?} became {sent:?}"
        );
        let now = at(self.now);
        let crm = self.slots[index].crm.as_mut().unwrap();
        crm.fields.extend(zip(&row.row.crm, sent.clone()));
        crm.modified = now;
        if known {
            let app = &self.slots[index].app.as_ref().unwrap().fields;
            let a = cell_of(Side::App, &row.row.app, app).unwrap();
            let base = self.owed(&row, self.base(&row, &a, &was), &sent);
            self.link(index).bases.insert(row.row.id, base);
        }
        Ok(())
    }

    /// What is agreed once `sent` is there, where `base` has what was there before.
    fn owed(&self, row: &CompiledRow, base: BasePair, sent: &[Value]) -> BasePair {
        let (flow, sent) = (row.row.flow, canon_cell(&row.crm, sent));
        let agreed = match self.switch {
            Switch::AppendAgreesOnAll => sent.clone(),
            _ => append::agreed_crm(flow, base.crm, sent.clone()),
        };
        let (crm, standing) = append::standing(flow, agreed, Some(sent), base.standing);
        BasePair {
            crm,
            standing,
            ..base
        }
    }

    pub(super) fn one(
        &mut self,
        index: usize,
        outcome: &Outcome,
        seen: &Fields,
    ) -> Result<(), Broken> {
        let row = self.of(outcome.row).clone();
        let case = self.row_case(&row);
        let slot = &self.slots[index];
        let app = slot.app.as_ref().unwrap();
        let a = cell_of(Side::App, &row.row.app, &app.fields).unwrap();
        let c = cell_of(Side::Crm, &row.row.crm, seen).unwrap();
        self.rests(index, outcome);
        if self.stops(index, outcome, &a, &c) {
            return Ok(());
        }
        let auto = match self.switch {
            Switch::Unlogged => None,
            _ => outcome.auto,
        };
        let lost = |side: Side, kinds: &[FieldKind], is: &Cell| {
            let base = self.slots[index]
                .link
                .as_ref()
                .unwrap()
                .bases
                .get(&row.row.id);
            let blank = is.iter().all(Value::is_null);
            match base {
                // An emptied side that the other one is not to follow did not move.
                _ if blank && case.blanks == Blanks::Keep => false,
                // At a first link the CRM's text has all that the App's has.
                None if case.appends() => false,
                None => !blank,
                Some(base) => {
                    let was = if side == Side::App {
                        &base.app
                    } else {
                        &base.crm
                    };
                    self.switch != Switch::SharedBase && !same_cell(kinds, is, was)
                }
            }
        };
        let mut push = None;
        let mut pull = None;
        match &outcome.action {
            Action::Conflict if self.switch == Switch::FrozenIsWritten => push = Some(a.clone()),
            Action::Conflict if self.switch == Switch::ConflictIsDropped => {}
            Action::Conflict => {
                self.slots[index].asked.insert(row.row.id);
                return Ok(());
            }
            Action::Push(cell) => push = Some(cell.clone()),
            Action::Pull(cell) => pull = Some(cell.clone()),
            Action::Adopt | Action::Accept(_) => {}
            _ => return Ok(()),
        }
        if let Some(sent) = push {
            must!(
                outcome.action != Action::Conflict,
                "I18",
                "{outcome:?} is written"
            );
            must!(
                !same_cell(&row.crm, &sent, &c),
                "I30",
                "{sent:?} over {c:?}"
            );
            must!(
                !lost(Side::Crm, &row.crm, &c) || auto.is_some(),
                "I5",
                "{outcome:?} over {c:?}"
            );
            self.writes += 1;
            let now = at(self.now);
            let stored = saved(case, sent.clone());
            let fields = match self.switch {
                Switch::HalfGroups => zip(&row.row.crm[..1], stored).collect::<Fields>(),
                _ => zip(&row.row.crm, stored).collect(),
            };
            let crm = self.slots[index].crm.as_mut().unwrap();
            crm.fields.extend(fields);
            crm.modified = now;
            let base = self.base(&row, &a, &sent);
            self.agrees(index, row.row.id, base);
            return Ok(());
        }
        if let Some(cell) = pull {
            must!(
                !same_cell(&row.app, &cell, &a),
                "I30",
                "{cell:?} over {a:?}"
            );
            must!(
                !lost(Side::App, &row.app, &a) || auto.is_some(),
                "I5",
                "{outcome:?} over {a:?}"
            );
            self.writes += 1;
            let now = at(self.now);
            let app = self.slots[index].app.as_mut().unwrap();
            change(app, zip(&row.row.app, cell).collect(), now);
        }
        let app = &self.slots[index].app.as_ref().unwrap().fields;
        let a = cell_of(Side::App, &row.row.app, app).unwrap();
        let base = self.base(&row, &a, &c);
        self.agrees(index, row.row.id, base);
        Ok(())
    }

    /// Both sides agree on a row.
    fn agrees(&mut self, index: usize, row: RowId, base: BasePair) {
        let forgets = self.switch == Switch::NothingIsAgreed;
        let bases = &mut self.link(index).bases;
        match forgets {
            true => drop(bases.remove(&row)),
            false => drop(bases.insert(row, base)),
        }
    }

    pub(super) fn create_in_crm(&mut self, index: usize, fields: Fields) -> Result<(), Broken> {
        self.writes += 1;
        must!(
            self.case.key() == Key::Ours,
            "I7",
            "record {index} is made in the CRM without a key"
        );
        self.slots[index].created.1 += 1;
        must!(
            self.slots[index].created.1 == 1,
            "I6",
            "record {index} is made twice in the CRM"
        );
        let (mut sent, mut stored) = (Fields::new(), Fields::new());
        for row in &self.pair.rows {
            let case = self.row_case(row);
            let empty = case.kind.cell(Side::Crm, 0, 0);
            let values = row.row.crm.iter().zip(empty);
            let cell: Cell = values
                .map(|(name, none)| fields.get(name).cloned().unwrap_or(none))
                .collect();
            sent.extend(zip(&row.row.crm, cell.clone()));
            stored.extend(zip(&row.row.crm, saved(case, cell)));
        }
        stored.insert(STAGE.into(), Value::Null);
        let seen = self.observe(sent);
        let slot = &mut self.slots[index];
        slot.crm = Some(seen);
        slot.readable = true;
        slot.twin = false;
        let mut link = self.link_of(&self.slots[index], |row| row.row.flow.writes(Side::Crm));
        for row in self.pair.rows.iter().filter(|r| r.row.flow.appends()) {
            if let Some(base) = link.bases.get_mut(&row.row.id) {
                let sent = std::mem::replace(&mut base.crm, vec![Value::Null]);
                *base = self.owed(row, base.clone(), &sent);
            }
        }
        let slot = &mut self.slots[index];
        slot.crm.as_mut().unwrap().fields = stored;
        match self.switch {
            Switch::CreateWithoutLink => slot.crm = None,
            _ => slot.link = Some(link),
        }
        Ok(())
    }

    pub(super) fn create_in_app(&mut self, index: usize, fields: Fields) -> Result<(), Broken> {
        self.writes += 1;
        self.slots[index].created.0 += 1;
        must!(
            self.slots[index].created.0 == 1,
            "I6",
            "record {index} is made twice in the App"
        );
        let now = at(self.now);
        let mut app = app_record(index, Fields::new());
        let names = self
            .pair
            .rows
            .iter()
            .flat_map(|r| r.row.app.iter().cloned());
        app.changed_at = names.map(|name| (name, now)).collect();
        for row in &self.pair.rows {
            let kind = self.row_case(row).kind;
            app.fields
                .extend(zip(&row.row.app, kind.cell(Side::App, 0, 0)));
        }
        app.fields.extend(fields);
        let slot = &mut self.slots[index];
        slot.app = Some(app);
        let hidden = slot.hidden.clone();
        let converted = slot.crm.as_ref().unwrap().presence == CrmPresence::Converted;
        let slot = &self.slots[index];
        let mut link = self.link_of(slot, |row| !row.row.crm.iter().any(|n| hidden.contains(n)));
        if converted {
            link.state = LinkState::Converted;
        }
        self.slots[index].link = Some(link);
        Ok(())
    }

    pub(super) fn delete_blindly(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.open = false;
        if let (Some(app), Some(crm), Some(_)) = (&mut slot.app, &mut slot.crm, &slot.link) {
            app.presence = Presence::Deleted;
            crm.presence = CrmPresence::Deleted;
        }
    }
}
