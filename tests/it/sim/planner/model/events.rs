//! What happens in a case: edits, deletes, the same values in other words.

use super::*;

impl Model<'_> {
    /// Something that is possible happens.
    pub fn happens(&mut self, step: Step) {
        self.now += step.after;
        let (now, case) = (at(self.now), self.case);
        let cell = |row: usize, side, value: Number, saves: Saves| {
            let (kind, m) = (case.rows[row].kind, saves.stored(value.meaning()));
            let names = names(row, side, &case.rows[row]);
            zip(&names, kind.cell(side, m, value.form())).collect::<Fields>()
        };
        // What a side's fields get: of a text, what somebody made of it.
        let given = |row: usize, side, value: Number, saves: Saves, now: &Fields| match case.rows
            [row]
            .appends()
        {
            true => penned(&names(row, side, &case.rows[row])[0], value, now),
            false => cell(row, side, value, saves),
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
                let fields = given(row, Side::App, value, Saves::AsSent, &app.fields);
                change(app, fields, now);
            }
            Event::Crm { row, value } => {
                let crm = crm.unwrap();
                let saves = case.rows[row].saves;
                let fields = given(row, Side::Crm, value, saves, &crm.fields);
                crm.fields.extend(fields);
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
            Event::Hide { row } => slot.hidden.extend(names(row, Side::Crm, &case.rows[row])),
            Event::Show { row } => {
                let shown = names(row, Side::Crm, &case.rows[row]);
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
        let mut texts = BTreeSet::new();
        for row in &self.pair.rows {
            let kind = case.rows[usize::from(row.row.id.0) - 1].kind;
            if row.row.flow.appends() {
                texts.extend(row.row.crm.iter().cloned());
                continue;
            }
            let cell = cell_of(Side::Crm, &row.row.crm, &crm.fields).unwrap();
            if let Some((m, form)) = written(kind, Side::Crm, &cell) {
                crm.fields
                    .extend(zip(&row.row.crm, kind.cell(Side::Crm, m, 1 - form)));
            }
        }
        for name in texts {
            let text = crm.fields[&name].to_string();
            let other = match text.contains('\r') {
                true => text.replace("\r\n", "\n"),
                false => text.replace('\n', "\r\n"),
            };
            crm.fields.insert(name, Value::text(other));
        }
    }
}

/// A text that somebody did something to.
fn penned(name: &FieldName, value: Number, now: &Fields) -> Fields {
    let text = now.get(name).map(ToString::to_string).unwrap_or_default();
    let mut lines: Vec<String> = raw_lines(&text).map(str::to_owned).collect();
    value.pen().write(&mut lines, str::to_owned, |line| {
        *line = match line.contains(MARK) {
            true => line.replacen("] ", "] x", 1),
            false => format!("x{line}"),
        }
    });
    [(name.clone(), Value::text(lines.join("\n")))].into()
}

pub(super) fn raw_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r']).filter(|line| !line.is_empty())
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
