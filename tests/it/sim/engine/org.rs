//! The sandbox org behind the `Crm` trait, in this process: every call happens at one moment of
//! virtual time, meets the faults of its seed, and is looked at by the invariants about requests.
//!
//! Invariant: nothing here depends on the machine's clock or on threads; the same seed gives the
//! same trace.

mod answers;
mod flights;
mod jobs;
mod lists;
mod people;
mod records;
mod shapes;
mod story;
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json};
use syncdeck::crm::gate::{Gate, GateSettings};
use syncdeck::crm::{
    Answer, ApiUsage, ChangePage, ChangeQuery, Crm, CrmError, CrmRow, Cursor, Effect, ErrorClass,
    GuardedUpdate, Identity, OrgKind, Retrieved, UpdateRow, WritePermit, WriteResult, Written,
};
use syncdeck::domain::budget::{Budget, Class};
use syncdeck::domain::id::{CrmId, FieldName, ObjectName, OrgId};
use syncdeck::domain::record::CrmPresence;
use syncdeck::domain::schema::ObjectInfo;
use syncdeck::domain::value::{Fields, Value};
use syncdeck::sandbox::{By, Control, Fail};

use self::shapes::{error_of, instant, json, refusal, trouble};
use super::aside::Refusals;
use super::coverage::{Coverage, MORE_FLY, TWO_FLY, When};
use super::faults::{Fault, Faults, Switch};
use super::matches::Matches;
use super::mutate;
use super::notes::{self, Notes};
use super::scope::{OUTSIDE, Scope};
use crate::sim::Broken;
use crate::sim::random::Random;

/// The org's fields that take part.
pub const FIELDS: [&str; 5] = ["LastName", "Company", "Title", "City", "Website"];
/// Our key there.
pub const KEY: &str = "Syncdeck_Key__c";
/// The field that marks leads as deleted in the App.
pub const MARK: &str = "Street";
/// The field that is written without a guard.
pub const UNGUARDED: &str = "Website";
/// The field that names the row which the org locks for a lead: its parent.
pub const PARENT: &str = "Industry";
/// What is asked of a lead, whoever looks.
const ASKED: [&str; 16] = [
    "Id",
    "IsDeleted",
    "IsConverted",
    "MasterRecordId",
    "SystemModstamp",
    "LastModifiedDate",
    "LastModifiedById",
    FIELDS[0],
    FIELDS[1],
    FIELDS[2],
    FIELDS[3],
    FIELDS[4],
    KEY,
    MARK,
    PARENT,
    notes::THERE,
];
/// Seconds in which a lost request may still be executed; less than the engine's patience.
const LATE: usize = 600;
/// Seconds a transaction of a colleague lasts at most; less than the engine's settle time.
const UNSEEN: i64 = 3;
/// Rows of a page.
pub const ROWS: usize = 3;
/// What ends a word of the story.
const ENDS: [char; 7] = [' ', '"', ',', '}', ')', '(', '='];

/// One write of one call.
#[derive(Debug, Clone)]
pub enum One {
    Create(Fields),
    Update(CrmId, Fields, Option<Timestamp>),
    Delete(CrmId),
}

/// Milliseconds that timers have slept.
pub type Slept = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Rows of a page, the name of the next one, and the server's clock.
type Page = (Vec<CrmRow>, Option<String>, Timestamp);

/// What is shared by the org's side of a history.
pub struct Inner {
    pub control: Control,
    pub random: Random,
    pub faults: Faults,
    pub switch: Switch,
    pub trace: Vec<String>,
    pub broken: Option<Broken>,
    /// Virtual time, in milliseconds since 1970.
    pub now: i64,
    /// Values of a record's field that answers have shown, since somebody wrote them.
    pub observed: BTreeSet<(String, String, String)>,
    /// Values that people wrote in the org.
    pub by_people: BTreeSet<(String, String, String)>,
    /// Values that our user wrote in the org, and when they were sent.
    pub by_us: BTreeMap<(String, String), Vec<(String, u64)>>,
    /// Overwritten values of people, to be found in the conflict log.
    pub overwritten: Vec<(String, String, String)>,
    late: Vec<(i64, Vec<One>, u64)>,
    jobs: jobs::List,
    pages: BTreeMap<String, Result<Page, CrmError>>,
    unseen: Option<(i64, BTreeSet<String>)>,
    hidden: BTreeSet<&'static str>,
    /// And that were not shown at some time: what was read then could not be told by them.
    pub once_hidden: BTreeSet<&'static str>,
    not_shown: BTreeSet<String>,
    /// Rows of pages that the store does not have yet.
    held: Vec<CrmId>,
    /// The most of them.
    pub most_held: usize,
    flights: flights::Flights,
    /// Deleted records that no window has.
    trimmed: BTreeSet<String>,
    /// How far our clock is from the org's, in milliseconds.
    pub skew: i64,
    /// The connection answers as another org: nothing may be written.
    pub swapped: bool,
    pub coverage: Coverage,
    /// What people did so far, in the App and here.
    pub acts: u64,
    /// The filter of the pair, where it has one.
    pub scope: Option<Scope>,
    /// The row that appends, where the pair has one.
    pub notes: Option<Notes>,
    /// What is the same, where the pair has a matching rule.
    pub matches: Option<Matches>,
    /// Records that were brought back: a person may have had them made anew meanwhile.
    pub undeleted: BTreeSet<String>,
    names: BTreeMap<String, usize>,
    calls: u64,
    pub requests: u64,
    pub writes: u64,
    /// The process is gone: nothing leaves any more.
    dead: Arc<AtomicBool>,
    slept: Slept,
    /// As much of it as time has passed for.
    slept_before: i64,
    pub refusals: Refusals,
    pub keys: BTreeMap<String, Vec<(String, u64)>>,
    /// When each request arrived.
    pub arrived: Vec<i64>,
    /// When somebody deleted a record.
    pub deleted: BTreeMap<String, i64>,
    pub texts: usize,
}

/// Asked at every call, before and after it happens: people do things, wishes are made, the
/// process ends.
pub trait Meanwhile: Send + Sync {
    /// A moment of a call.
    fn moment(&self, org: &mut Inner, what: &str, when: When);
    /// A write is about to leave.
    fn leaving(&self, org: &mut Inner, writes: &[One]);
    /// Whether the store has a record of the org.
    fn has(&self, id: &CrmId) -> bool;
}

/// The org; a clone is the same one.
#[derive(Clone)]
pub struct Org {
    inner: Arc<Mutex<Inner>>,
    meanwhile: Arc<Mutex<Option<Arc<dyn Meanwhile>>>>,
    gate: Arc<Gate>,
}

impl Org {
    /// Over a fresh org.
    pub fn new(
        control: Control,
        random: Random,
        faults: Faults,
        switch: Switch,
        now: i64,
        slept: Slept,
    ) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                control,
                random,
                faults,
                switch,
                trace: Vec::new(),
                broken: None,
                now,
                observed: BTreeSet::new(),
                by_people: BTreeSet::new(),
                by_us: BTreeMap::new(),
                overwritten: Vec::new(),
                late: Vec::new(),
                jobs: jobs::List::new(),
                pages: BTreeMap::new(),
                unseen: None,
                hidden: BTreeSet::new(),
                once_hidden: BTreeSet::new(),
                not_shown: BTreeSet::new(),
                held: Vec::new(),
                most_held: 0,
                flights: flights::Flights::default(),
                trimmed: BTreeSet::new(),
                skew: 0,
                swapped: false,
                coverage: Coverage::default(),
                acts: 0,
                scope: None,
                notes: None,
                matches: None,
                undeleted: BTreeSet::new(),
                names: BTreeMap::new(),
                calls: 0,
                requests: 0,
                writes: 0,
                dead: Arc::default(),
                slept,
                slept_before: 0,
                refusals: Refusals::default(),
                keys: BTreeMap::new(),
                arrived: Vec::new(),
                deleted: BTreeMap::new(),
                texts: 0,
            })),
            meanwhile: Arc::default(),
            // Nothing passes it: what a budget refuses is tested by itself.
            gate: Arc::new(Gate::new(
                GateSettings::default(),
                Arc::new(|| Timestamp::UNIX_EPOCH),
                Budget::default(),
            )),
        }
    }

    /// What is inside, for those who do not answer calls.
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Virtual time.
    pub fn time(&self) -> Timestamp {
        let org = self.inner();
        let slept = (org.slept)() - org.slept_before;
        Timestamp::from_millisecond(org.now + slept + org.skew).unwrap()
    }

    /// Virtual time that has passed, whatever our clock says.
    pub fn passed(&self) -> SignedDuration {
        let org = self.inner();
        let slept = (org.slept)() - org.slept_before;
        SignedDuration::from_millis(org.now + slept)
    }

    /// Who does things during calls.
    pub fn watched_by(&self, meanwhile: Option<Arc<dyn Meanwhile>>) {
        *self.meanwhile.lock().unwrap() = meanwhile;
    }

    fn moment(&self, org: &mut Inner, what: &str, when: When) {
        let meanwhile = self.meanwhile.lock().unwrap().clone();
        if let Some(meanwhile) = meanwhile {
            meanwhile.moment(org, what, when);
        }
    }

    /// Rows of a page are given away (I46): what was given before and is not in the store is held
    /// in memory.
    fn given(&self, rows: &[CrmRow]) {
        let meanwhile = self.meanwhile.lock().unwrap().clone();
        let mut org = self.inner();
        org.held.extend(rows.iter().map(|row| row.id));
        if let Some(meanwhile) = meanwhile {
            org.held.retain(|id| !meanwhile.has(id));
        }
        org.most_held = org.most_held.max(org.held.len());
    }

    /// A call that only reads.
    fn read<T>(
        &self,
        what: &str,
        answer: impl FnOnce(&mut Inner, Timestamp) -> Result<T, CrmError>,
    ) -> Result<T, CrmError> {
        let answer = self.try_read(what, answer);
        if let Err(error) = &answer {
            self.inner().coverage.error(error.class);
        }
        answer
    }

    fn write(&self, what: &str, writes: Vec<One>) -> Result<Vec<WriteResult>, CrmError> {
        let results = self.try_write(what, writes);
        let mut org = self.inner();
        match &results {
            Err(error) => org.coverage.error(error.class),
            Ok(results) => {
                for result in results {
                    if let WriteResult::Refused(error) = result {
                        org.coverage.error(error.class);
                    }
                }
            }
        }
        results
    }

    fn try_read<T>(
        &self,
        what: &str,
        answer: impl FnOnce(&mut Inner, Timestamp) -> Result<T, CrmError>,
    ) -> Result<T, CrmError> {
        let mut org = self.inner();
        org.arrive(what)?;
        self.moment(&mut org, what, When::Before);
        org.alive()?;
        let at = org.server_time();
        let answer = answer(&mut org, at);
        self.moment(&mut org, what, When::After);
        org.alive()?;
        let lost = [
            Fault::RequestLost,
            Fault::AnswerLost,
            Fault::ServerError,
            Fault::Truncated,
        ];
        for fault in lost {
            if org.strikes(fault) {
                org.tell(format!("  {fault:?}"));
                return Err(trouble("timeout", Effect::Unknown));
            }
        }
        answer
    }

    /// Writes are about to leave.
    fn leaves(&self, org: &mut Inner, writes: &[One]) {
        for one in writes {
            let told = org.told(one);
            org.tell(format!("  {told}"));
        }
        let meanwhile = self.meanwhile.lock().unwrap().clone();
        if let Some(meanwhile) = meanwhile {
            meanwhile.leaving(org, writes);
        }
    }

    fn try_write(&self, what: &str, writes: Vec<One>) -> Result<Vec<WriteResult>, CrmError> {
        let mut org = self.inner();
        let sent = org.requests;
        org.arrive(what)?;
        self.moment(&mut org, what, When::Before);
        org.alive()?;
        self.leaves(&mut org, &writes);
        if org.strikes(Fault::RequestLost) {
            org.tell("  is lost".into());
            return Err(trouble("timeout", Effect::Unknown));
        }
        if org.strikes(Fault::ExecutedLate) {
            let due = org.now + 1_000 * org.random.below(LATE) as i64;
            let late = (due - org.now) / 1_000;
            org.tell(format!("  is late by {late} s"));
            org.late.push((due, writes, sent));
            return Err(trouble("timeout", Effect::Unknown));
        }
        let results: Vec<WriteResult> = writes.iter().map(|one| org.execute(one, sent)).collect();
        if org.strikes(Fault::Twice) {
            org.tell("  again, by a proxy".into());
            for one in &writes {
                org.execute(one, sent);
            }
        }
        self.moment(&mut org, what, When::After);
        org.alive().map_err(|e| CrmError {
            effect: Effect::Unknown,
            ..e
        })?;
        for fault in [Fault::AnswerLost, Fault::Truncated, Fault::ServerError] {
            if org.strikes(fault) {
                org.tell(format!("  {fault:?}"));
                return Err(trouble("timeout", Effect::Unknown));
            }
        }
        let mut results = results;
        mutate::answered(org.switch, &writes, &mut results);
        if org.strikes(Fault::WrongCount) {
            results.pop();
        }
        Ok(results)
    }
}
