//! What happens in a case: edits, deletes, the same values in other words.

use super::*;

impl Model<'_> {
    /// Something that is possible happens.
    pub fn happens(&mut self, step: Step) {
        self.now += step.after;
        let (now, case) = (at(self.now), self.case);
        let cell = |row: usize, side, value: Number, saves: Saves| {
            let (kind, m) = (case.rows[row].kind, saves.stored(value.meaning()));
            zip(&names(row, side, kind), kind.cell(side, m, value.form())).collect::<Fields>()
        };
        let fresh = match step.event {
            Event::MergeFree { row, value } => {
                let mut fields = self.slots[step.record].crm.clone().unwrap().fields;
                fields.extend(cell(row, Side::Crm, value, Saves::AsSent));
                Some(self.observe(fields))
            }
            _ => None,
        };
        let slot = &mut self.slots[step.record];
        let crm = slot.crm.as_mut();
        match step.event {
            Event::App { row, value } => {
                let app = slot.app.as_mut().unwrap();
                let fields = cell(row, Side::App, value, Saves::AsSent);
                change(app, fields, now);
            }
            Event::Crm { row, value } => {
                let crm = crm.unwrap();
                crm.fields
                    .extend(cell(row, Side::Crm, value, case.rows[row].saves));
                crm.modified = now;
            }
            Event::DeleteApp => slot.app.as_mut().unwrap().presence = Presence::Deleted,
            Event::DeleteCrm => crm.unwrap().presence = CrmPresence::Deleted,
            Event::Undelete => crm.unwrap().presence = CrmPresence::Live,
            Event::Convert => crm.unwrap().presence = CrmPresence::Converted,
            Event::MergeFree { .. } => {
                let fresh = fresh.unwrap();
                let crm = crm.unwrap();
                crm.presence = CrmPresence::Merged(fresh.id);
                slot.survivor = Some((Survivor::Free, fresh));
            }
            Event::MergeTaken => {
                let crm = crm.unwrap();
                crm.presence = CrmPresence::Merged(crm.id);
                slot.survivor = Some((Survivor::Taken, crm.clone()));
            }
            Event::Unreadable => slot.readable = false,
            Event::Readable => slot.readable = true,
            Event::Hide { row } => slot
                .hidden
                .extend(names(row, Side::Crm, case.rows[row].kind)),
            Event::Show { row } => {
                let shown = names(row, Side::Crm, case.rows[row].kind);
                slot.hidden.retain(|name| !shown.contains(name));
            }
            Event::Leave | Event::Return => {
                let crm = crm.unwrap();
                let stage = match step.event {
                    Event::Leave => Value::text(OUTSIDE),
                    _ => Value::Null,
                };
                crm.fields.insert(STAGE.into(), stage);
                crm.modified = now;
            }
            Event::HideStage => drop(slot.hidden.insert(STAGE.into())),
            Event::ShowStage => drop(slot.hidden.remove(&FieldName::new(STAGE))),
            Event::Echo => self.echo(step.record),
        }
    }

    /// The same values in other words.
    pub(super) fn echo(&mut self, index: usize) {
        let case = self.case;
        let Some(crm) = self.slots[index].crm.as_mut() else {
            return;
        };
        for row in &self.pair.rows {
            let kind = case.rows[usize::from(row.row.id.0) - 1].kind;
            let cell = cell_of(Side::Crm, &row.row.crm, &crm.fields).unwrap();
            if let Some((m, form)) = written(kind, Side::Crm, &cell) {
                crm.fields
                    .extend(zip(&row.row.crm, kind.cell(Side::Crm, m, 1 - form)));
            }
        }
    }

    /// Whether a side's text of a row is not the one that was agreed.
    pub fn moved(&self, index: usize, row: usize, side: Side) -> bool {
        let (slot, row) = (&self.slots[index], &self.pair.rows[row]);
        let base = slot.link.as_ref().and_then(|l| l.bases.get(&row.row.id));
        let (Some(base), Some(app), Some(crm)) = (base, &slot.app, &slot.crm) else {
            return false;
        };
        let (names, kinds, fields, was) = match side {
            Side::App => (&row.row.app, &row.app, &app.fields, &base.app),
            Side::Crm => (&row.row.crm, &row.crm, &crm.fields, &base.crm),
        };
        cell_of(side, names, fields).is_some_and(|is| !same_cell(kinds, &is, was))
    }
}

/// The meaning and form of a cell as it is written.
pub(super) fn written(kind: Kind, side: Side, cell: &Cell) -> Option<(u8, u8)> {
    let forms = (0..2).flat_map(|form| (0..MEANINGS).map(move |m| (m, form)));
    forms.into_iter().find(|(m, form)| {
        let known = kind.cell(side, *m, *form);
        // A transform may change how a value is written, not what it means.
        known == *cell || same_cell(&vec![kind.field(); cell.len()], &known, cell)
    })
}

/// What the CRM makes of a cell that is saved.
pub(super) fn saved(case: &RowCase, cell: Cell) -> Cell {
    match written(case.kind, Side::Crm, &cell) {
        Some((m, form)) if case.saves.stored(m) != m => {
            case.kind.cell(Side::Crm, case.saves.stored(m), form)
        }
        _ => cell,
    }
}

pub(super) fn change(app: &mut AppRecord, fields: Fields, now: Timestamp) {
    app.rev += 1;
    for (name, value) in fields {
        app.changed_at.insert(name.clone(), now);
        app.fields.insert(name, value);
    }
}

pub(super) fn zip(
    names: &[FieldName],
    cell: Cell,
) -> impl Iterator<Item = (FieldName, Value)> + '_ {
    names.iter().cloned().zip(cell)
}
