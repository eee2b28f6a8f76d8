//! What taking back a run's writes of one record comes to, with the record as it is now
//! (sync-semantics 15).
//!
//! A three-way look: what was there before the run, what it wrote, what is there now. Writes
//! nothing. Invariant: only a value that is still the one the run wrote is put back; what
//! somebody changed since is left, and a person is asked.

use crate::domain::conflict::{Conflict, Origin};
use crate::domain::id::{AppId, CrmId, FieldName, RowId, RunId};
use crate::domain::record::{AppRecord, CrmPresence, Link, LinkState, Observation, Presence};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields};
use crate::engine::conflicts::crm_origin;
use crate::engine::cx::RunCx;

use super::merged::Old;
use super::overflow::Spilled;
use super::written::{End, Stand, Touched};

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
    /// The record that was merged away, where the run followed a merge.
    pub old: Old<'a>,
    /// Records of other pairs that its lines became.
    pub spilled: &'a [Spilled],
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
    /// Mapping row; none of the field that marks what was deleted.
    pub row: Option<RowId>,
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
    /// The record of before a merge, to be linked again.
    pub relink: Option<CrmId>,
    /// Record of before a merge that is linked again once somebody brings it back in the CRM.
    pub awaits: Option<CrmId>,
    /// Records that its lines became, and that come or go.
    pub turns: Vec<AppId>,
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
        let whole = self.stand.is_some() || self.link.is_some() || self.relink.is_some();
        let whole = whole || !self.turns.is_empty();
        whole || !self.app.is_empty() || self.crm.is_some()
    }

    pub(super) fn leave(&mut self, what: impl Into<String>, why: impl Into<String>) {
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
    look.overflowed();
    look.out
}

pub(super) const RECORD: &str = "the record";

/// A look at one record.
pub(super) struct Look<'a> {
    pub(super) book: Book<'a>,
    pub(super) touched: &'a Touched,
    pub(super) now: Now<'a>,
    pub(super) seen: Option<&'a Observation>,
    pub(super) out: Back,
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

    fn link(&mut self) {
        let Some((before, after)) = &self.touched.linked else {
            return;
        };
        let Some(link) = self.now.link else { return };
        const LINK: &str = "the link";
        if let Some(old) = self.touched.merged_away() {
            return self.merge(old, after);
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

pub(super) const IN_CONFLICT: &str = "it is in conflict; decide that first";

fn hang_on(n: usize, side: &str) -> String {
    match n {
        1 => format!("1 record of {side} hangs on it"),
        n => format!("{n} records of {side} hang on it"),
    }
}

pub(super) fn who(origin: &Origin) -> String {
    origin
        .by
        .as_ref()
        .map_or(String::new(), |by| format!(", by {by}"))
}
