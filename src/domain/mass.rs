//! Very many writes of one kind in one run, which a person is asked about first
//! (sync-semantics 14.2).
//!
//! Says what one plan would do, and how many of it are too many; counts no records itself.
//! Invariant: a write that belongs to a kind is named by [`of`] before it happens.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{AppId, PairName, RowId};
use super::mapping::DeletePolicy;
use super::plan::{Act, Plan, RecordRule};
use super::reconcile::{Action, Compiled, is_blank};
use super::text::{grouped, some};
use super::transform::Side;

/// So many are never asked about.
pub const FEW: u64 = 20;
/// Records that are named as examples.
pub const EXAMPLES: usize = 3;

/// A kind of write, by the side that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mass {
    /// Records are deleted, or marked as deleted.
    Delete(Side),
    /// Fields of linked records are changed.
    Update(Side),
    /// A row loses its value.
    Blank(Side, RowId),
    /// Linked records that the CRM does not list any more count as deleted there
    /// (sync-semantics 4.4).
    Unlisted,
    /// Most linked records are not in the org that answers: nothing of the pair is written on either
    /// side until a person says that it is the right one (sync-semantics 22).
    MostUnlisted,
    /// The records of a store that was put back: nothing of the pair is written on either side until
    /// were compared (sync-semantics 22).
    Restored,
    /// App records that are not in the org which the connection goes to now are made there
    /// (sync-semantics 22).
    Unplaced,
}

impl Mass {
    /// The side that is written.
    pub fn side(self) -> Side {
        match self {
            Self::Delete(side) | Self::Update(side) | Self::Blank(side, _) => side,
            // What follows from it happens in the App.
            Self::Unlisted | Self::MostUnlisted | Self::Restored => Side::App,
            Self::Unplaced => Side::Crm,
        }
    }

    /// Most of so many linked records that are not asked about, and never fewer than `few`.
    pub fn limit(self, records: u64, few: u64) -> u64 {
        let part = match self {
            Self::Delete(_) => records / 100,
            Self::Update(_) => records / 2,
            Self::Blank(..) => records / 20,
            Self::Unlisted => records / 10,
            Self::MostUnlisted => records / 2,
            Self::Restored | Self::Unplaced => return 0,
        };
        few.max(part)
    }

    /// Whether saving a mapping answers for it as well: what a changed row does to every record
    /// was shown and confirmed.
    pub fn comes_with_mapping(self) -> bool {
        !matches!(self, Self::Delete(_)) && !self.is_of_links()
    }

    /// Whether it is about links, and found by comparing them: it waits until that is done again.
    pub fn is_of_links(self) -> bool {
        matches!(
            self,
            Self::Unlisted | Self::MostUnlisted | Self::Restored | Self::Unplaced
        )
    }
}

/// What a plan of one linked record would do.
pub fn of(plan: &Plan, pair: &Compiled) -> Vec<Mass> {
    let mut found = Vec::new();
    match &plan.act {
        Act::DeleteInCrm(DeletePolicy::Propagate | DeletePolicy::MarkWith(_)) => {
            found.push(Mass::Delete(Side::Crm));
        }
        Act::DeleteInApp(DeletePolicy::Propagate | DeletePolicy::Mark) => {
            found.push(Mass::Delete(Side::App));
        }
        // A first link fills what is empty, or asks: it is no update.
        Act::Fields { push, pull } if plan.rule != RecordRule::R19 => {
            if !push.is_empty() {
                found.push(Mass::Update(Side::Crm));
            }
            if !pull.is_empty() {
                found.push(Mass::Update(Side::App));
            }
        }
        Act::Freeze { pull } | Act::Follow { pull } if !pull.is_empty() => {
            found.push(Mass::Update(Side::App))
        }
        _ => {}
    }
    if found.iter().any(|mass| matches!(mass, Mass::Update(_))) {
        for outcome in &plan.rows {
            let (side, cell) = match &outcome.action {
                Action::Push(cell) => (Side::Crm, cell),
                Action::Pull(cell) => (Side::App, cell),
                _ => continue,
            };
            if is_blank(cell) && pair.rows.iter().any(|row| row.row.id == outcome.row) {
                found.push(Mass::Blank(side, outcome.row));
            }
        }
    }
    found
}

/// Which writes are put off for now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PutOff {
    /// None.
    #[default]
    Nothing,
    /// Those to the App that may turn out to be too many, while records are read: how many there
    /// are is known only at the end.
    UntilCounted {
        /// Records that are read at most.
        rows: u64,
        /// Linked records.
        records: u64,
        /// So many are never asked about.
        few: u64,
        /// Whether a person answered for the changes.
        changes: Changes,
    },
    /// These.
    These(BTreeSet<Mass>),
}

/// Where the changes of a run come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Changes {
    /// From what others did.
    #[default]
    Found,
    /// From a mapping that is used for the first time, which a person confirmed.
    Confirmed,
}

impl Changes {
    /// Whether a kind of write is asked about at all.
    pub fn asks_about(self, mass: Mass) -> bool {
        self == Self::Found || !mass.comes_with_mapping()
    }
}

impl PutOff {
    /// The first of these that is put off.
    pub fn first(&self, masses: &[Mass]) -> Option<Mass> {
        masses.iter().copied().find(|mass| self.has(*mass))
    }

    fn has(&self, mass: Mass) -> bool {
        match self {
            Self::Nothing => false,
            Self::UntilCounted {
                rows,
                records,
                few,
                changes,
            } => {
                let limit = mass.limit(*records, *few);
                mass.side() == Side::App && changes.asks_about(mass) && *rows > limit
            }
            Self::These(these) => these.contains(&mass),
        }
    }
}

/// A record as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// App record.
    pub app_id: AppId,
    /// Its name for people.
    pub name: String,
}

/// Writes that wait because they are very many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What they do.
    pub what: Mass,
    /// The field that loses its values, as the side that is written calls it; else empty.
    pub field: String,
    /// How many.
    pub number: u64,
    /// Most that are not asked about.
    pub limit: u64,
    /// Records there are, those included.
    pub records: u64,
    /// As many as a person allowed for the next run.
    pub allowed: u64,
    /// A few of the records.
    pub examples: Vec<Example>,
}

impl Held {
    /// Its name in commands: `deletes`, `app-updates`, `blanks:Phone`, `missing`,
    /// `most-missing`, `restored`, `not-there`.
    pub fn name(&self) -> String {
        let side = match self.what.side() {
            Side::App => "app-",
            Side::Crm => "",
        };
        match self.what {
            Mass::Delete(_) => format!("{side}deletes"),
            Mass::Update(_) => format!("{side}updates"),
            Mass::Blank(..) => format!("{side}blanks:{}", self.field),
            Mass::Unlisted => "missing".to_owned(),
            Mass::MostUnlisted => "most-missing".to_owned(),
            Mass::Restored => "restored".to_owned(),
            Mass::Unplaced => "not-there".to_owned(),
        }
    }

    /// So many of it, in words: `312 deletions in Salesforce`.
    pub fn of(&self, number: u64) -> String {
        let place = place(self.what.side());
        match self.what {
            Mass::Delete(_) => format!("{} in {place}", some(number, "deletion", "deletions")),
            Mass::Update(_) => {
                let records = some(number, "changed record", "changed records");
                format!("{records} in {place}")
            }
            Mass::Blank(..) => {
                let values = some(number, "emptied value", "emptied values");
                format!("{values} of {} in {place}", self.field)
            }
            Mass::Unlisted => {
                let records = some(number, "linked record", "linked records");
                format!("{records} not listed by Salesforce")
            }
            Mass::MostUnlisted => {
                let records = some(number, "linked record", "linked records");
                format!("{records} not found in the org that answers")
            }
            Mass::Restored => {
                let records = some(number, "record", "records");
                format!("{records} of a backup")
            }
            Mass::Unplaced => {
                let records = some(number, "record", "records");
                format!("{records} of the App that are not in this org")
            }
        }
    }

    /// How many of how many, in words.
    pub fn much(&self) -> String {
        let (limit, records) = (grouped(self.limit), grouped(self.records));
        let what = self.of(self.number);
        format!("{what}, more than {limit} of {records} records")
    }

    /// The command that lets the next run of its pair do it.
    pub fn way_out(&self, pair: &PairName) -> String {
        let allow = format!("{}={}", self.name(), self.number);
        match allow.contains(' ') {
            // A row of several fields.
            true => format!("syncdeck sync {pair} --allow '{allow}'"),
            false => format!("syncdeck sync {pair} --allow {allow}"),
        }
    }

    /// Whether the next run does it.
    pub fn is_allowed(&self) -> bool {
        self.allowed >= self.number
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, from) = (self.of(self.number), place(self.what.side().other()));
        let (limit, records) = (grouped(self.limit), grouped(self.records));
        if self.what == Mass::MostUnlisted {
            return write!(
                f,
                "{what}, of {records}: it looks like another org, or one that was set back. Nothing \
                 of the pair is written until a person says that it is the right one"
            );
        }
        if self.what == Mass::Unplaced {
            return write!(f, "{what}: they are not made there until a person says so");
        }
        if self.what == Mass::Restored {
            return write!(
                f,
                "{what}, older than what Salesforce has. Nothing of the pair is written until a \
                 person says to compare them"
            );
        }
        write!(
            f,
            "{what} wait for a person: more than {limit} of {records} records, from {from}"
        )?;
        let names = self.examples.iter().map(|example| example.name.as_str());
        let names: Vec<&str> = names.collect();
        match names.is_empty() {
            true => Ok(()),
            false => write!(f, "; such as {}", names.join(", ")),
        }
    }
}

/// A side in a sentence.
fn place(side: Side) -> &'static str {
    match side {
        Side::App => "the App",
        Side::Crm => "Salesforce",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_never_asked_about_and_many_are() {
        let limits = |mass: Mass| [0, 100, 2_000, 2_100, 100_000].map(|n| mass.limit(n, FEW));
        assert_eq!(limits(Mass::Delete(Side::Crm)), [20, 20, 20, 21, 1_000]);
        let blank = Mass::Blank(Side::App, RowId(1));
        assert_eq!(limits(blank), [20, 20, 100, 105, 5_000]);
        let update = Mass::Update(Side::App);
        assert_eq!(limits(update), [20, 50, 1_000, 1_050, 50_000]);
    }

    #[test]
    fn while_reading_only_what_may_become_too_many_in_the_app_is_put_off() {
        let reading = |rows, changes| PutOff::UntilCounted {
            rows,
            records: 100,
            few: FEW,
            changes,
        };
        let [delete, update] = [Mass::Delete(Side::App), Mass::Update(Side::App)];
        let found = reading(30, Changes::Found);
        assert_eq!(found.first(&[update]), None, "30 of 100 are not too many");
        assert_eq!(found.first(&[update, delete]), Some(delete));
        assert_eq!(found.first(&[Mass::Delete(Side::Crm)]), None);
        let all = reading(u64::MAX, Changes::Found);
        assert_eq!(all.first(&[update]), Some(update));
        let confirmed = reading(u64::MAX, Changes::Confirmed);
        assert_eq!(confirmed.first(&[update]), None);
        assert_eq!(confirmed.first(&[delete]), Some(delete));
    }

    #[test]
    fn what_is_held_says_how_many_of_what_from_where() {
        let held = Held {
            what: Mass::Blank(Side::Crm, RowId(3)),
            field: "Phone".to_owned(),
            number: 1_200,
            limit: 100,
            records: 2_000,
            allowed: 0,
            examples: vec![Example {
                app_id: AppId::new("1"),
                name: "Ada".to_owned(),
            }],
        };
        assert_eq!(held.name(), "blanks:Phone");
        assert_eq!(
            held.to_string(),
            "1,200 emptied values of Phone in Salesforce wait for a person: more than 100 of 2,000 \
             records, from the App; such as Ada"
        );
        let pair = PairName::new("leads");
        assert_eq!(
            held.way_out(&pair),
            "syncdeck sync leads --allow blanks:Phone=1200"
        );
        let of_two = Held {
            field: "Street + City".to_owned(),
            ..held
        };
        assert_eq!(
            of_two.way_out(&pair),
            "syncdeck sync leads --allow 'blanks:Street + City=1200'"
        );
    }
}
