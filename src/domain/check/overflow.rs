//! Checks of lines that find no room in a text and become records of another pair
//! (sync-semantics 20.4): that pair makes them, and knows what they belong to.

use super::Checker;
use crate::domain::cycle;
use crate::domain::filter::Filter;
use crate::domain::id::RowId;
use crate::domain::mapping::{Creates, OnFull, Overflow, Pair, Row, Switch};
use crate::domain::schedule::Schedule;
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::{Side, Step};
use crate::domain::value::FieldKind;

const SAY: &str =
    "say it in the mapping file: overflow = { pair = \"PAIR\", parent = ROW, text = ROW }";

impl Checker<'_> {
    pub(super) fn overflow(&mut self) {
        let pair = self.pair;
        let mut rows = pair.active();
        let row = rows.find(|row| row.flow.on_full() == Some(OnFull::Child));
        let (row, overflow) = match (row, &pair.overflow) {
            (None, None) => return,
            (Some(row), None) => {
                let text = "lines that find no room become records of their own, and the pair does \
                            not say of which pair";
                return self.fail(Some(row), text, SAY);
            }
            (None, Some(overflow)) => {
                let text = format!(
                    "overflow names {}, and no row has on_full = \"overflow_child\"",
                    overflow.pair
                );
                return self.warn(None, text, "leave overflow out, or set on_full of a row");
            }
            (Some(row), Some(overflow)) => (row, overflow),
        };
        if overflow.pair == pair.name {
            let text = "lines that find no room cannot become records of the pair itself";
            return self.fail(Some(row), text, "name another pair in overflow");
        }
        let Some(child) = self.rivals().find(|p| p.name == overflow.pair).cloned() else {
            let text = format!(
                "overflow names the pair {}, which there is not",
                overflow.pair
            );
            return self.fail(Some(row), text, "map that pair first, or name another one");
        };
        self.child_is_made(row, &child);
        self.child_runs(row, &child);
        self.says_its_parent(row, &child, overflow);
        self.takes_the_text(row, &child, overflow);
        self.passes_its_filter(row, &child, overflow);
        let mut objects = self.objects.iter();
        if let Some(object) = objects.find(|object| object.name == child.object) {
            self.has_room(row, &child, overflow, object);
        }
    }

    fn child_is_made(&mut self, row: &Row, child: &Pair) {
        if child.create_in_crm == Creates::Off || child.key_field.is_none() {
            let text = format!(
                "lines that find no room become records of {}, which makes none in Salesforce",
                child.name
            );
            let fix = "give that pair a key field and let it create in Salesforce";
            self.fail(Some(row), text, fix);
        }
    }

    /// Lines that the pair puts aside by itself are not to wait for somebody who does not know of them.
    fn child_runs(&mut self, row: &Row, child: &Pair) {
        let parent = &self.pair.name;
        if child.schedule == Schedule::Manual && self.pair.schedule != Schedule::Manual {
            let text = format!(
                "lines that find no room wait until somebody syncs {}: it runs only when asked, \
                 and {parent} by itself",
                child.name
            );
            let fix = format!("let {} run by itself, too: give it a schedule", child.name);
            self.warn(Some(row), text, fix);
        }
    }

    /// A row of the child that can take a value: it goes to the CRM, from one field of the App.
    fn row_of_child<'c>(&mut self, row: &Row, child: &'c Pair, id: RowId) -> Option<&'c Row> {
        let found = child.row(id).filter(|row| row.switch == Switch::On);
        let fits = |row: &&Row| row.app.len() == 1 && row.flow.writes(Side::Crm);
        let found = found.filter(fits);
        if found.is_none() {
            let text = format!(
                "overflow names row {id} of {}, which does not write one App field to Salesforce",
                child.name
            );
            self.fail(Some(row), text, "name a row of that pair which does");
        }
        found
    }

    fn says_its_parent(&mut self, row: &Row, child: &Pair, overflow: &Overflow) {
        let Some(parent) = self.row_of_child(row, child, overflow.parent) else {
            return;
        };
        let ours = |step: &Step| matches!(step, Step::Link(pair) if *pair == self.pair.name);
        if !parent.to_crm.0.iter().any(ours) {
            let text = format!(
                "row {} of {} is to say what a line belongs to, and looks up no record of {}",
                parent.id, child.name, self.pair.name
            );
            let fix = format!("write to_crm = 'link({})' in that row", self.pair.name);
            self.fail(Some(row), text, fix);
        }
    }

    fn takes_the_text(&mut self, row: &Row, child: &Pair, overflow: &Overflow) {
        let Some(takes) = self.row_of_child(row, child, overflow.text) else {
            return;
        };
        let kind = takes.app.first().map(|field| child.app_kind(field));
        let is_text = matches!(kind, Some(FieldKind::Text | FieldKind::LongText));
        if takes.flow.appends() || !is_text || overflow.text == overflow.parent {
            let text = format!(
                "row {} of {} cannot take what a line says: it has to be a text of its own that is \
                 not appended to",
                takes.id, child.name
            );
            self.fail(Some(row), text, "name another row in overflow");
        }
    }

    /// A record that is made has to pass the filter by the values it is made with (rule R1), and a
    /// line has only those of its two rows and what other rows give by themselves.
    fn passes_its_filter(&mut self, row: &Row, child: &Pair, overflow: &Overflow) {
        let Ok(filter) = child.filter.parse::<Filter>() else {
            return; // the check of that pair says so
        };
        let gives = |name: &&str| {
            let mut rows = child.active().filter(|row| row.flow.writes(Side::Crm));
            rows.any(|row| {
                let ours = row.id == overflow.parent || row.id == overflow.text;
                (ours || gives_without_value(row)) && row.crm.iter().any(|f| f.as_str() == *name)
            })
        };
        if let Some(name) = filter.fields().into_iter().find(|name| !gives(name)) {
            let text = format!(
                "the filter of {} asks for {name}, and a line gives no value for it: lines that \
                 do not pass are not sent",
                child.name
            );
            let fix = format!(
                "give {name} a value with default(\"...\") in a row of {}, or leave it out of the filter",
                child.name
            );
            self.warn(Some(row), text, fix);
        }
    }

    /// What the CRM says of the fields that a line goes to, and of those it says nothing for.
    fn has_room(&mut self, row: &Row, child: &Pair, overflow: &Overflow, object: &ObjectInfo) {
        if !object.createable {
            let text = format!("the sync user may not create {} records", object.name);
            let fix = "give it that permission in Salesforce, or choose another on_full";
            self.fail(Some(row), text, fix);
        }
        let takes = child.row(overflow.text);
        let field = takes.and_then(|row| row.crm.first());
        let field = field.and_then(|name| object.field(name.as_str()));
        if let Some(field) = field.filter(|field| field.kind == FieldKind::Text) {
            let text = format!(
                "{} of {} takes {} characters; a longer line is refused",
                field.name, object.name, field.length
            );
            self.warn(Some(row), text, "let it go to a long text field");
        }
        let lacks = |row: &&Row| {
            let ours = row.id == overflow.parent || row.id == overflow.text;
            !ours && cycle::required(row, object) && !gives_without_value(row)
        };
        let mut rows = child.active().filter(|row| row.flow.writes(Side::Crm));
        if let Some(lacking) = rows.find(lacks) {
            let field = lacking.label(Side::Crm);
            let text = format!(
                "Salesforce wants {field} in every new {}, and a line gives none",
                object.name
            );
            let fix = format!(
                "write to_crm = 'default(\"Note\")' in row {} of {}",
                lacking.id, child.name
            );
            self.fail(Some(row), text, fix);
        }
    }
}

/// Whether a row gives the CRM a value where the App has none.
fn gives_without_value(row: &Row) -> bool {
    let gives = |step: &Step| {
        matches!(
            step,
            Step::Constant(_) | Step::Default(_) | Step::Map { other: Some(_), .. }
        )
    };
    row.to_crm.0.iter().any(gives)
}
