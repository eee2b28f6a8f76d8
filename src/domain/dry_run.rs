//! What a dry run found: a plan, its records, and what each of them would get (sync-semantics 18).
//!
//! Plain data; made and applied by the engine. Invariant: an item says what it was made from, so
//! that applying it can refuse when that has moved.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{AppId, CrmId, FieldName, PairName, PlanId, RunId};
use super::mass::Held;
use super::stamp;
use super::text::grouped;
use super::transform::Side;
use super::value::{Cell, Value};

/// The plan of a dry run. Its items are kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// When it was made.
    #[serde(with = "stamp")]
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// Pairs, in the order they run.
    pub pairs: Vec<PlannedPair>,
    /// API calls.
    pub calls: Calls,
    /// SHA-256 over the items and the versions of the mappings, in hex.
    pub hash: String,
    /// Where it stands.
    pub state: PlanState,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanState {
    /// It can be applied, once.
    Ready,
    /// These runs apply it, or did.
    Applied(Vec<RunId>),
}

/// The part of a plan that concerns one pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPair {
    /// Its name.
    pub pair: PairName,
    /// Its title.
    pub title: String,
    /// Version of the mapping that was used.
    pub version: u32,
    /// Number of its first item; its items follow each other.
    pub first: u64,
    /// What there is of it.
    pub tally: Tally,
    /// What would wait because it is very many.
    pub holds: Vec<Held>,
}

/// Counts of a plan, by record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Records read from the CRM.
    pub read: u64,
    /// Records that are in the plan for any reason.
    pub items: u64,
    /// Writes to the App.
    pub app: Deeds,
    /// Writes to the CRM.
    pub crm: Deeds,
    /// Conflicts that would arise.
    pub conflicts: u64,
    /// Records that would wait for something.
    pub waits: u64,
    /// Records that could not go on.
    pub refused: u64,
    /// Records that a policy leaves out.
    pub skipped: u64,
}

/// Writes by what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Deeds {
    /// New records.
    pub created: u64,
    /// Changed records.
    pub changed: u64,
    /// Deleted records.
    pub deleted: u64,
}

impl Deeds {
    /// All of them.
    pub fn total(self) -> u64 {
        self.created + self.changed + self.deleted
    }

    fn count(&mut self, deed: Deed) {
        match deed {
            Deed::Create => self.created += 1,
            Deed::Change => self.changed += 1,
            Deed::Delete => self.deleted += 1,
        }
    }
}

/// API calls of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calls {
    /// Spent on making it.
    pub read: u64,
    /// Needed for its writes, reading back included.
    pub write: u64,
}

/// One record of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// Pair.
    pub pair: PairName,
    /// App record; none when the plan makes it.
    pub app_id: Option<AppId>,
    /// CRM record; none when the plan makes it.
    pub crm_id: Option<CrmId>,
    /// Name for people.
    pub name: String,
    /// What it was made from.
    pub basis: Basis,
    /// What the App record would get.
    pub to_app: Option<Planned>,
    /// What the CRM record would get.
    pub to_crm: Option<Planned>,
    /// Conflicts that would arise.
    pub conflicts: Vec<PlannedConflict>,
    /// Why the rest of it is left.
    pub left: Option<Left>,
}

/// State of both sides that an item was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Basis {
    /// Revision of the App record, if there was one.
    pub rev: Option<u64>,
    /// SystemModstamp of the CRM record, if one was seen.
    pub stamp: Option<Timestamp>,
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What it does.
    pub deed: Deed,
    /// Fields, by name.
    pub fields: Vec<PlannedField>,
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Makes the record.
    Create,
    /// Changes fields.
    Change,
    /// Deletes it.
    Delete,
}

impl Deed {
    /// A word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

/// A field of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedField {
    /// Its name.
    pub name: FieldName,
    /// The value it has; null when it has none, or is not known.
    pub from: Value,
    /// The value it gets.
    pub to: Value,
}

/// A conflict that would arise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedConflict {
    /// Field, or what is asked about the whole record.
    pub about: String,
    /// App value.
    pub app: Option<Cell>,
    /// CRM value.
    pub crm: Option<Cell>,
}

/// Why a record, or a part of it, is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// It waits for something.
    Waits(String),
    /// It cannot go on: what is wrong.
    Refused(String),
}

/// Beginning of the ids that stand for CRM records a plan would make. No object has this prefix.
pub const NEW_IN_CRM: &str = "000NEW";
/// Beginning of the ids that stand for App records a plan would make.
pub const NEW_IN_APP: &str = "new:";

/// Whether a value stands for a record that is made when the plan is applied.
pub fn is_new(value: &Value) -> bool {
    value
        .as_text()
        .is_some_and(|text| text.starts_with(NEW_IN_CRM) || text.starts_with(NEW_IN_APP))
}

impl Tally {
    /// Counts an item.
    pub fn count(&mut self, item: &PlanItem) {
        self.items += 1;
        for (planned, deeds) in [(&item.to_app, &mut self.app), (&item.to_crm, &mut self.crm)] {
            if let Some(planned) = planned {
                deeds.count(planned.deed);
            }
        }
        self.conflicts += item.conflicts.len() as u64;
        match &item.left {
            Some(Left::Waits(_)) => self.waits += 1,
            Some(Left::Refused(_)) => self.refused += 1,
            None => {}
        }
    }

    /// What would be done, in words, without what is zero.
    pub fn words(self) -> String {
        let mut words = Vec::new();
        let mut say = |n: u64, what: &str| {
            if n > 0 {
                words.push(format!("{} {what}", grouped(n)));
            }
        };
        say(self.app.created, "to create in the App");
        say(self.app.changed, "to change in the App");
        say(self.app.deleted, "to delete in the App");
        say(self.crm.created, "to create in Salesforce");
        say(self.crm.changed, "to change in Salesforce");
        say(self.crm.deleted, "to delete in Salesforce");
        match self.conflicts {
            1 => say(1, "conflict would arise"),
            n => say(n, "conflicts would arise"),
        }
        say(self.waits, "would wait");
        say(self.refused, "cannot go on");
        say(self.skipped, "left out by a policy");
        match words.is_empty() {
            true => format!("{} read, nothing to do", grouped(self.read)),
            false => words.join(", "),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let deeds = |a: Deeds, b: Deeds| Deeds {
            created: a.created + b.created,
            changed: a.changed + b.changed,
            deleted: a.deleted + b.deleted,
        };
        Self {
            read: self.read + other.read,
            items: self.items + other.items,
            app: deeds(self.app, other.app),
            crm: deeds(self.crm, other.crm),
            conflicts: self.conflicts + other.conflicts,
            waits: self.waits + other.waits,
            refused: self.refused + other.refused,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Plan {
    /// What would wait because it is very many.
    pub fn holds(&self) -> impl Iterator<Item = (&PairName, &Held)> {
        let pairs = self.pairs.iter();
        pairs.flat_map(|part| part.holds.iter().map(|held| (&part.pair, held)))
    }

    /// Counts of all pairs.
    pub fn total(&self) -> Tally {
        let tallies = self.pairs.iter().map(|pair| pair.tally);
        tallies.fold(Tally::default(), Tally::and)
    }
}

impl PlanItem {
    /// What would be written to a side.
    pub fn to(&self, side: Side) -> Option<&Planned> {
        match side {
            Side::App => self.to_app.as_ref(),
            Side::Crm => self.to_crm.as_ref(),
        }
    }

    /// What this item, made again from the state now, says against applying it; none when it is
    /// the same.
    pub fn moved(&self, now: Option<&PlanItem>) -> Option<&'static str> {
        let Some(now) = now else {
            return Some("there is nothing to do for it any more");
        };
        if now == self {
            None
        } else if now.basis.rev != self.basis.rev {
            Some("it was edited in the App")
        } else if now.basis.stamp != self.basis.stamp {
            Some("it was changed in Salesforce")
        } else {
            Some("what it depends on has changed")
        }
    }
}
