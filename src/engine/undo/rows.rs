//! The fields of a record of a run that is taken back, mapping row by mapping row.
//!
//! Writes nothing. Invariant: values that belong together go back together, or stay together.

use std::collections::BTreeMap;

use crate::domain::id::FieldName;
use crate::domain::reconcile::{CompiledRow, cell_of};
use crate::domain::record::{AppRecord, CrmPresence, Presence};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind, Fields, Value};
use crate::engine::conflicts::{app_origin, crm_origin};

use super::fate::{Fate, fate, without};
use super::plan::{Asked, CrmBack, IN_CONFLICT, Line, Look, RECORD, who};
use super::written::Turned;

impl Look<'_> {
    pub(super) fn app_fields(&mut self) {
        let removed = self.out.stand == Some(Presence::Deleted);
        if self.touched.app.is_empty() || removed {
            return;
        }
        let live = |app: &&AppRecord| {
            app.presence == Presence::Live || self.out.stand == Some(Presence::Live)
        };
        match self.now.app.filter(live) {
            Some(app) => {
                let fields = app.fields.clone();
                self.rows(Side::App, &self.touched.app, &fields);
            }
            None => self.out.leave(RECORD, "it was deleted in the App"),
        }
    }

    pub(super) fn crm_fields(&mut self) {
        if self.touched.crm.is_empty() || self.out.crm.is_some() {
            return;
        }
        let why = match self.seen.map(|s| s.presence) {
            Some(CrmPresence::Live) => {
                let fields = self.seen.map(|s| s.fields.clone()).unwrap_or_default();
                return self.rows(Side::Crm, &self.touched.crm, &fields);
            }
            Some(CrmPresence::Deleted) => "it was deleted in Salesforce",
            Some(CrmPresence::Merged(_)) => "it was merged in Salesforce",
            Some(CrmPresence::Converted) => "it was converted in Salesforce",
            None => "it was not read from Salesforce yet",
        };
        self.out.leave(RECORD, why);
    }

    /// Rows as a whole, so that values that belong together stay together.
    fn rows(&mut self, side: Side, turned: &BTreeMap<FieldName, Turned>, now: &Fields) {
        let mut known: Vec<&FieldName> = Vec::new();
        let cx = self.book.cx;
        for row in &cx.pair.rows {
            let (names, _) = names(row, side);
            if !names.iter().any(|n| turned.contains_key(n)) {
                continue;
            }
            known.extend(names);
            let appends = row.row.flow.appends();
            match side {
                Side::Crm if appends => self.text(row, turned, now),
                _ => self.row(row, side, turned, now),
            }
        }
        for (name, turned) in turned.iter().filter(|(n, _)| !known.contains(n)) {
            match side {
                Side::Crm if cx.pair.pair.mark_field() == Some(name) => {
                    self.mark(name, turned, now);
                }
                _ => self
                    .out
                    .leave(name.as_str(), "the mapping no longer has it"),
            }
        }
    }

    /// The field that marks records as deleted in the App, which no row need have.
    fn mark(&mut self, name: &FieldName, turned: &Turned, now: &Fields) {
        let Some(is) = now.get(name) else {
            return self.out.leave(name.as_str(), "its value is not known");
        };
        let cell = |value: &Value| vec![value.clone()];
        let (before, after, is) = (cell(&turned.before), cell(&turned.after), cell(is));
        let names = std::slice::from_ref(name);
        match fate(&[FieldKind::Text], &before, &after, &is) {
            Fate::Already => {}
            Fate::Changed => self.out.leave(name.as_str(), "it was changed since"),
            Fate::Back => match self.writable(Side::Crm, names, &before) {
                Ok(()) => self.put_back(Side::Crm, None, names, name.to_string(), is, before),
                Err(why) => self.out.leave(name.as_str(), why),
            },
        }
    }

    fn row(
        &mut self,
        row: &CompiledRow,
        side: Side,
        turned: &BTreeMap<FieldName, Turned>,
        now: &Fields,
    ) {
        let (names, kinds) = names(row, side);
        let label = row.row.label(side);
        let Some(is) = cell_of(side, names, now) else {
            return self.out.leave(label, "its value is not known");
        };
        let then = |of: fn(&Turned) -> &Value| -> Cell {
            let each = names.iter().zip(&is);
            each.map(|(n, is)| turned.get(n).map_or(is, of).clone())
                .collect()
        };
        let (before, after) = (then(|t| &t.before), then(|t| &t.after));
        match fate(kinds, &before, &after, &is) {
            Fate::Already => {}
            _ if self.now.open.iter().any(|c| c.row == Some(row.row.id)) => {
                self.out.leave(label, IN_CONFLICT);
            }
            Fate::Changed => {
                let origin = match side {
                    Side::App => app_origin(row, self.now.app),
                    Side::Crm => crm_origin(self.book.cx, self.seen),
                };
                let why = format!("it was changed since{}", who(&origin));
                self.out.leave(label, why);
                let row = row.row.id;
                self.out.asked.push(Asked {
                    row,
                    side,
                    before,
                    after,
                });
            }
            Fate::Back => match self.writable(side, names, &before) {
                Ok(()) => self.put_back(side, Some(row), names, label, is, before),
                Err(why) => self.out.leave(label, why),
            },
        }
    }

    /// Text that rows append to: of a text that went on, only the lines of the run are taken out.
    fn text(&mut self, row: &CompiledRow, turned: &BTreeMap<FieldName, Turned>, now: &Fields) {
        let label = row.row.label(Side::Crm);
        for name in &row.row.crm {
            let done = matches!(&self.out.crm, Some(CrmBack::Fields(f)) if f.contains_key(name));
            let (Some(turned), Some(is)) = (turned.get(name), now.get(name)) else {
                continue;
            };
            let kinds = &[FieldKind::LongText][..];
            let cell = |value: &Value| vec![value.clone()];
            let (before, after, is) = (cell(&turned.before), cell(&turned.after), cell(is));
            let target = match fate(kinds, &before, &after, &is) {
                _ if done => continue,
                Fate::Already => continue,
                Fate::Back => Some(before),
                Fate::Changed => without(&turned.before, &turned.after, is.first()),
            };
            match target {
                Some(target) => {
                    let names = std::slice::from_ref(name);
                    self.put_back(Side::Crm, Some(row), names, label.clone(), is, target);
                }
                None => {
                    let by = who(&crm_origin(self.book.cx, self.seen));
                    let why = format!("the text that was added is not there any more{by}");
                    self.out.leave(label.clone(), why);
                }
            }
        }
    }

    fn put_back(
        &mut self,
        to: Side,
        row: Option<&CompiledRow>,
        names: &[FieldName],
        field: String,
        now: Cell,
        after: Cell,
    ) {
        let fields = names.iter().cloned().zip(after.iter().cloned());
        match to {
            Side::App => self.out.app.extend(fields),
            Side::Crm => match &mut self.out.crm {
                Some(CrmBack::Fields(all)) => all.extend(fields),
                _ => self.out.crm = Some(CrmBack::Fields(fields.collect())),
            },
        }
        self.out.lines.push(Line {
            to,
            row: row.map(|row| row.row.id),
            field,
            now,
            after,
        });
    }

    fn writable(&self, side: Side, names: &[FieldName], cell: &[Value]) -> Result<(), String> {
        if side == Side::App {
            return Ok(());
        }
        for (name, value) in names.iter().zip(cell) {
            match self.book.object.field(name.as_str()) {
                None => return Err(format!("Salesforce has no field {name} any more")),
                Some(f) if !f.updateable => {
                    return Err(format!("Salesforce does not let {name} be changed"));
                }
                Some(f) if value.is_null() && !f.nillable && f.kind != FieldKind::Bool => {
                    return Err(format!("Salesforce needs a value in {name}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn names(row: &CompiledRow, side: Side) -> (&[FieldName], &[FieldKind]) {
    match side {
        Side::App => (&row.row.app, &row.app),
        Side::Crm => (&row.row.crm, &row.crm),
    }
}
