//! What taking back a run's writes of one record comes to, with the record as it is now
//! (sync-semantics 15).
//!
//! A three-way look: what was there before the run, what it wrote, what is there now. Writes
//! nothing. Invariant: only a value that is still the one the run wrote is put back; what
//! somebody changed since is left, and a person is asked.

use std::collections::BTreeMap;

use crate::domain::conflict::{Conflict, Origin};
use crate::domain::id::{CrmId, FieldName, RowId, RunId};
use crate::domain::reconcile::{CompiledRow, cell_of, same_cell};
use crate::domain::record::{AppRecord, CrmPresence, Link, LinkState, Observation, Presence};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, FieldKind, Fields, Value};
use crate::engine::conflicts::{app_origin, crm_origin};
use crate::engine::cx::RunCx;

use super::written::{End, Stand, Touched, Turned};

/// What is the same for all records of a run that is taken back.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// The run that is taken back.
    pub undone: RunId,
    /// The pair.
    pub cx: &'a RunCx,
    /// The CRM object.
    pub object: &'a ObjectInfo,
    /// The user that we write as.
    pub me: Option<&'a CrmId>,
}

/// A record as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// App record.
    pub app: Option<&'a AppRecord>,
    /// Link.
    pub link: Option<&'a Link>,
    /// Open conflicts.
    pub open: &'a [Conflict],
    /// Records that hang on the App record, and on the CRM record.
    pub children: (usize, usize),
}

/// What is to be done in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrmBack {
    /// Fields get these values.
    Fields(Fields),
    /// The record goes to the recycle bin.
    Delete(CrmId),
    /// It is made again, with a new id.
    Create(Fields),
}

/// A value that is put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub to: Side,
    /// Field.
    pub field: String,
    /// Value there now.
    pub now: Cell,
    /// Value after.
    pub after: Cell,
}

/// A value that somebody changed since: a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Row.
    pub row: RowId,
    /// Side.
    pub side: Side,
    /// Before the run.
    pub before: Cell,
    /// What the run wrote.
    pub after: Cell,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Back {
    /// App fields that get a value.
    pub app: Fields,
    /// The App record comes or goes.
    pub stand: Option<Presence>,
    /// What is to be done in the CRM.
    pub crm: Option<CrmBack>,
    /// How the link is to stand.
    pub link: Option<LinkState>,
    /// Values that are put back.
    pub lines: Vec<Line>,
    /// What happens to the record as a whole, in words.
    pub acts: Vec<&'static str>,
    /// What a person is asked.
    pub asked: Vec<Asked>,
    /// What is left as it is, and why.
    pub left: Vec<(String, String)>,
}

impl Back {
    /// Whether anything is written.
    pub fn writes(&self) -> bool {
        !self.app.is_empty() || self.stand.is_some() || self.crm.is_some() || self.link.is_some()
    }

    fn leave(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left.push((what.into(), why.into()));
    }
}

/// Looks at one record.
pub fn back(book: Book<'_>, touched: &Touched, now: Now<'_>) -> Back {
    let seen = now.link.and_then(|l| l.seen.as_ref());
    let mut look = Look {
        book,
        touched,
        now,
        seen,
        out: Back::default(),
    };
    look.app_record();
    look.app_fields();
    look.crm_record();
    look.crm_fields();
    look.link();
    look.out
}

const RECORD: &str = "the record";

struct Look<'a> {
    book: Book<'a>,
    touched: &'a Touched,
    now: Now<'a>,
    seen: Option<&'a Observation>,
    out: Back,
}

impl Look<'_> {
    /// The App record was made, deleted or brought back.
    fn app_record(&mut self) {
        let Some((_, then)) = self.touched.stands else {
            return;
        };
        let Some(app) = self.now.app else { return };
        let goes = then == Stand::Live;
        if goes != (app.presence == Presence::Live) {
            return;
        }
        if app.rev != self.touched.rev {
            let why = format!("it was changed in the App since, by {}", app.changed_by);
            return self.out.leave(RECORD, why);
        }
        if !goes {
            let there = self.seen.is_some_and(|s| s.presence == CrmPresence::Live);
            self.out.stand = Some(Presence::Live);
            // Without a CRM record it stands alone: it is not made there again (I28).
            self.out.link = Some(match there {
                true => LinkState::Active,
                false => LinkState::Closed,
            });
            return self.out.acts.push("bring back in the App");
        }
        match self.now.children.0 {
            _ if !self.now.open.is_empty() => self.out.leave(RECORD, IN_CONFLICT),
            0 => {
                self.out.stand = Some(Presence::Deleted);
                self.out.link = Some(LinkState::Closed);
                self.out.acts.push("remove from the App");
            }
            n => self.out.leave(RECORD, hang_on(n, "the App")),
        }
    }

    fn app_fields(&mut self) {
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

    /// The CRM record was made or deleted.
    fn crm_record(&mut self) {
        let live = self.seen.filter(|s| s.presence == CrmPresence::Live);
        if let (Some(id), Some(seen)) = (self.touched.created, live) {
            match self.deletable(id, seen) {
                Ok(()) => {
                    self.out.crm = Some(CrmBack::Delete(id));
                    self.out.acts.push("delete in Salesforce");
                }
                Err(why) => self.out.leave(RECORD, why),
            }
        }
        if let (Some(before), None) = (&self.touched.deleted, live) {
            match self.recreated(before) {
                Ok(fields) => {
                    self.out.crm = Some(CrmBack::Create(fields));
                    self.out.acts.push(
                        "create again in Salesforce, with a new Id and without what hung on it",
                    );
                }
                Err(why) => self.out.leave(RECORD, why),
            }
        }
    }

    fn deletable(&self, id: CrmId, seen: &Observation) -> Result<(), String> {
        let link = self.now.link.filter(|l| l.crm_id == Some(id));
        let Some(link) = link else {
            return Err("it is linked with another Salesforce record now".to_owned());
        };
        if !self.book.object.deletable {
            return Err("Salesforce does not let this user delete such records".to_owned());
        }
        if !self.now.open.is_empty() {
            return Err(IN_CONFLICT.to_owned());
        }
        let ours = self.book.me.is_some() && seen.modified_by.as_ref() == self.book.me;
        let agreed = link.bases.values().all(|b| b.run == self.book.undone);
        if !ours || !agreed {
            let by = who(&crm_origin(self.book.cx, Some(seen)));
            return Err(format!("it was changed in Salesforce since{by}"));
        }
        match self.now.children.1 {
            0 => Ok(()),
            n => Err(hang_on(n, "Salesforce")),
        }
    }

    fn recreated(&self, before: &Fields) -> Result<Fields, String> {
        if !self.book.object.createable || self.book.cx.pair.pair.key_field.is_none() {
            return Err("such records are not made in Salesforce from here".to_owned());
        }
        let can = |name: &FieldName| {
            let field = self.book.object.field(name.as_str());
            field.is_some_and(|f| f.createable)
        };
        let key = self.book.cx.pair.pair.key_field.as_ref();
        let fields = before
            .iter()
            .filter(|(name, value)| !value.is_null() && can(name) && Some(*name) != key);
        Ok(fields.map(|(n, v)| (n.clone(), v.clone())).collect())
    }

    fn crm_fields(&mut self) {
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
                Ok(()) => self.put_back(Side::Crm, names, name.to_string(), is, before),
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
                Ok(()) => self.put_back(side, names, label, is, before),
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
                    self.put_back(Side::Crm, names, label.clone(), is, target);
                }
                None => {
                    let by = who(&crm_origin(self.book.cx, self.seen));
                    let why = format!("the text that was added is not there any more{by}");
                    self.out.leave(label.clone(), why);
                }
            }
        }
    }

    fn put_back(&mut self, to: Side, names: &[FieldName], field: String, now: Cell, after: Cell) {
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

    fn link(&mut self) {
        let Some((before, after)) = &self.touched.linked else {
            return;
        };
        let Some(link) = self.now.link else { return };
        const LINK: &str = "the link";
        if before.crm_id.is_some() && before.crm_id != after.crm_id {
            return self
                .out
                .leave(LINK, "a merge in Salesforce cannot be taken back");
        }
        let is = End::of(link);
        let target = match before.crm_id {
            // Both are known to each other, and no longer kept in step: they are not matched anew.
            None => LinkState::Closed,
            Some(_) => before.state.clone(),
        };
        if is.crm_id != after.crm_id || is.state != after.state {
            if is.state != target {
                self.out.leave(LINK, "it was changed since");
            }
            return;
        }
        if self.out.stand.is_none() {
            self.out.acts.push(match target {
                LinkState::Closed => "no longer keep the two in step",
                _ => "keep the two in step again",
            });
        }
        self.out.link = Some(target);
    }
}

const IN_CONFLICT: &str = "it is in conflict; decide that first";

fn hang_on(n: usize, side: &str) -> String {
    match n {
        1 => format!("1 record of {side} hangs on it"),
        n => format!("{n} records of {side} hang on it"),
    }
}

fn names(row: &CompiledRow, side: Side) -> (&[FieldName], &[FieldKind]) {
    match side {
        Side::App => (&row.row.app, &row.app),
        Side::Crm => (&row.row.crm, &row.crm),
    }
}

fn who(origin: &Origin) -> String {
    origin
        .by
        .as_ref()
        .map_or(String::new(), |by| format!(", by {by}"))
}

/// What a value is to the run that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is what was there before the run.
    Already,
    /// It is what the run wrote.
    Back,
    /// It is another one.
    Changed,
}

fn fate(kinds: &[FieldKind], before: &[Value], after: &[Value], is: &[Value]) -> Fate {
    if same_cell(kinds, is, before) {
        Fate::Already
    } else if same_cell(kinds, is, after) {
        Fate::Back
    } else {
        Fate::Changed
    }
}

/// A text without what a run added to it; `None` when that is not there exactly once.
fn without(before: &Value, after: &Value, is: Option<&Value>) -> Option<Cell> {
    let (before, after) = (before.to_string(), after.to_string());
    let is = is?.to_string();
    let added = after.strip_prefix(&before)?;
    let mut parts = is.splitn(3, added);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(front), Some(end), None) if !added.is_empty() => {
            Some(vec![Value::text(format!("{front}{end}"))])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_that_is_still_the_runs_goes_back() {
        let cell = |t: &str| vec![Value::text(t)];
        let kinds = [FieldKind::Text];
        let fate = |is: &str| super::fate(&kinds, &cell("a"), &cell("b"), &cell(is));
        assert_eq!(fate("b"), Fate::Back);
        assert_eq!(fate(" b "), Fate::Back);
        assert_eq!(fate("a"), Fate::Already);
        assert_eq!(fate("c"), Fate::Changed);
    }

    #[test]
    fn added_lines_are_taken_out_of_a_text_that_went_on() {
        let text = |t: &str| Value::text(t);
        let is = |t: &str| without(&text("old"), &text("old\nnew"), Some(&text(t)));
        assert_eq!(is("old\nnew\nmore"), Some(vec![text("old\nmore")]));
        assert_eq!(is("old\nnew\nnew"), None);
        assert_eq!(is("old\nneu"), None);
    }
}
