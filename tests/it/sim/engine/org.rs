//! The sandbox org behind the `Crm` trait, in this process: every call happens at one moment of
//! virtual time, meets the faults of its seed, and is looked at by the invariants about requests.
//!
//! Invariant: nothing here depends on the machine's clock or on threads; the same seed gives the
//! same trace.

mod jobs;
mod people;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
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

use super::faults::{Fault, Faults, Switch};
use crate::sim::Broken;
use crate::sim::random::Random;

/// The org's fields that take part.
pub const FIELDS: [&str; 5] = ["LastName", "Company", "Title", "City", "Website"];
/// Our key there.
pub const KEY: &str = "Syncdeck_Key__c";
/// The field that is written without a guard.
pub const UNGUARDED: &str = "Website";
/// Seconds in which a lost request may still be executed; less than the engine's patience.
const LATE: usize = 600;
/// Seconds a transaction of a colleague lasts at most; less than the engine's settle time.
const UNSEEN: i64 = 3;
/// Rows of a page.
const ROWS: usize = 3;
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
    not_shown: BTreeSet<String>,
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
    pub refused: BTreeSet<String>,
    pub keys: BTreeMap<String, Vec<String>>,
    pub texts: usize,
}

/// Asked at every call, before and after it happens: people do things, wishes are made, the
/// process ends.
pub trait Meanwhile: Send + Sync {
    /// A moment of a call.
    fn moment(&self, org: &mut Inner, what: &str);
    /// A write is about to leave.
    fn leaving(&self, org: &mut Inner, writes: &[One]);
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
                not_shown: BTreeSet::new(),
                undeleted: BTreeSet::new(),
                names: BTreeMap::new(),
                calls: 0,
                requests: 0,
                writes: 0,
                dead: Arc::default(),
                slept,
                slept_before: 0,
                refused: BTreeSet::new(),
                keys: BTreeMap::new(),
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
        Timestamp::from_millisecond(org.now + slept).unwrap()
    }

    /// Who does things during calls.
    pub fn watched_by(&self, meanwhile: Option<Arc<dyn Meanwhile>>) {
        *self.meanwhile.lock().unwrap() = meanwhile;
    }

    fn moment(&self, org: &mut Inner, what: &str) {
        let meanwhile = self.meanwhile.lock().unwrap().clone();
        if let Some(meanwhile) = meanwhile {
            meanwhile.moment(org, what);
        }
    }

    /// A call that only reads.
    fn read<T>(
        &self,
        what: &str,
        answer: impl FnOnce(&mut Inner, Timestamp) -> Result<T, CrmError>,
    ) -> Result<T, CrmError> {
        let mut org = self.inner();
        org.arrive(what)?;
        self.moment(&mut org, what);
        org.alive()?;
        let at = org.server_time();
        let answer = answer(&mut org, at);
        self.moment(&mut org, what);
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

    fn write(&self, what: &str, writes: Vec<One>) -> Result<Vec<WriteResult>, CrmError> {
        let mut org = self.inner();
        let sent = org.requests;
        org.arrive(what)?;
        self.moment(&mut org, what);
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
        self.moment(&mut org, what);
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
        if org.strikes(Fault::WrongCount) {
            results.pop();
        }
        Ok(results)
    }
}

impl Inner {
    /// A line of the story; ids of chance become numbers in order of appearance.
    pub fn tell(&mut self, text: String) {
        let mut told = String::new();
        for word in text.split_inclusive(ENDS) {
            let bare = word.trim_end_matches(ENDS);
            if bare.len() == 36 && bare.matches('-').count() == 4 {
                let next = self.names.len();
                let number = *self.names.entry(bare.to_owned()).or_insert(next);
                told.push_str(&format!("#{number}{}", &word[bare.len()..]));
            } else {
                told.push_str(word);
            }
        }
        let seconds = self.now as f64 / 1_000.0 - 1_800_000_000.0;
        self.trace.push(format!("{seconds:9.3} {told}"));
    }

    fn told(&self, one: &One) -> String {
        let text = |fields: &Fields| {
            let each = fields
                .iter()
                .map(|(name, value)| format!("{name}={value} "));
            each.collect::<String>()
        };
        match one {
            One::Create(fields) => format!("create {}", text(fields)),
            One::Update(id, fields, since) => {
                let since = since.map(|s| s.as_second() - 1_800_000_000);
                format!("update {id} {}if {since:?}", text(fields))
            }
            One::Delete(id) => format!("delete {id}"),
        }
    }

    /// Notes the first thing that is not as it must be.
    pub fn breaks(&mut self, invariant: &'static str, what: String) {
        self.tell(format!("BROKEN {invariant}: {what}"));
        self.broken.get_or_insert(Broken::new(invariant, what));
    }

    /// Moves time on, and lets happen what is due.
    pub fn pass(&mut self, ms: i64) {
        let end = self.now + ms;
        loop {
            let next = self.late.iter().map(|l| l.0).min();
            let unseen = self.unseen.as_ref().map(|u| u.0);
            let job = self.job_due();
            match [next, unseen, job]
                .into_iter()
                .flatten()
                .min()
                .filter(|t| *t <= end)
            {
                Some(due) => {
                    self.clock_to(due.max(self.now));
                    if unseen == Some(due) {
                        self.unseen = None;
                        let ended = self.control.end_unseen();
                        self.tell(format!("a transaction ends {ended:?}"));
                    } else if let Some(at) = self.late.iter().position(|l| l.0 == due) {
                        let (_, writes, sent) = self.late.remove(at);
                        self.tell("late request arrives".into());
                        for one in &writes {
                            self.execute(one, sent);
                        }
                    } else {
                        self.job_goes_on(due);
                    }
                }
                None => break,
            }
        }
        self.clock_to(end);
    }

    fn clock_to(&mut self, ms: i64) {
        let before = self.now.div_euclid(1_000);
        self.now = ms;
        self.control.advance(ms.div_euclid(1_000) - before);
    }

    /// The server's clock, whole seconds.
    pub fn server_time(&self) -> Timestamp {
        Timestamp::from_second(self.now.div_euclid(1_000)).unwrap()
    }

    fn alive(&self) -> Result<(), CrmError> {
        match self.is_dead() {
            true => Err(trouble("gone", Effect::None)),
            false => Ok(()),
        }
    }

    /// Whether the process is gone.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// The process ends here.
    pub fn die(&mut self) {
        self.tell("the process ends".into());
        self.dead.store(true, Ordering::SeqCst);
    }

    /// A new process: what would end it.
    pub fn reborn(&mut self) -> Arc<AtomicBool> {
        self.dead = Arc::default();
        Arc::clone(&self.dead)
    }

    /// Whether a fault strikes now.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        self.faults.strikes(fault, &mut self.random)
    }

    fn arrive(&mut self, what: &str) -> Result<(), CrmError> {
        self.alive()?;
        self.calls += 1;
        self.requests += 1;
        self.tell(format!("> {what}"));
        let slept = (self.slept)();
        let before = std::mem::replace(&mut self.slept_before, slept);
        self.pass(slept - before);
        let same = self.strikes(Fault::SameSecond);
        let slow = self.strikes(Fault::Slow);
        let wait = match (same, slow) {
            (true, _) => 0,
            (_, true) => 20_000,
            _ => self.random.below(1_500),
        };
        let limit = self.strikes(Fault::DailyLimit);
        self.pass(wait as i64);
        if limit {
            self.tell("  daily limit".into());
            let mut error = trouble("REQUEST_LIMIT_EXCEEDED", Effect::None);
            error.class = ErrorClass::ThrottleDaily;
            return Err(error);
        }
        Ok(())
    }
}

fn json(fields: &Fields) -> Map<String, Json> {
    let value = |value: &Value| match value {
        Value::Null => Json::Null,
        value => Json::from(value.to_string()),
    };
    fields
        .iter()
        .map(|(name, v)| (name.to_string(), value(v)))
        .collect()
}

fn instant(text: &str) -> Timestamp {
    text.replace("+0000", "Z").parse().unwrap()
}

fn trouble(code: &str, effect: Effect) -> CrmError {
    CrmError {
        class: ErrorClass::TransientCall,
        code: code.to_owned(),
        message: "as the seed wants it".to_owned(),
        fields: Box::default(),
        record: None,
        status: None,
        request: String::new(),
        effect,
    }
}

fn error_of(fail: &Fail) -> CrmError {
    let class = match fail.code {
        "UNABLE_TO_LOCK_ROW" => ErrorClass::TransientRow,
        "DUPLICATE_VALUE" | "ENTITY_IS_DELETED" | "CANNOT_UPDATE_CONVERTED_LEAD" => {
            ErrorClass::Identity
        }
        _ => ErrorClass::Data,
    };
    CrmError {
        class,
        message: fail.message.clone(),
        ..trouble(fail.code, Effect::None)
    }
}

impl Crm for Org {
    fn identity(&self) -> Answer<'_, Identity> {
        Box::pin(async {
            Ok(Identity {
                org_id: OrgId::new("00D000000000001AAA"),
                org_name: "Simulated".to_owned(),
                org_kind: OrgKind::Sandbox,
                user_id: "005000000000001".parse().unwrap(),
                username: String::new(),
                display_name: String::new(),
                instance_url: String::new(),
            })
        })
    }

    fn describe<'a>(&'a self, _: &'a ObjectName) -> Answer<'a, ObjectInfo> {
        Box::pin(async { Err(trouble("describe", Effect::None)) })
    }

    fn changes<'a>(
        &'a self,
        query: &'a ChangeQuery,
        cursor: Option<&'a Cursor>,
    ) -> Answer<'a, ChangePage> {
        Box::pin(async move {
            if let Some(cursor) = cursor {
                let mut org = self.inner();
                org.alive()?;
                let lost = || trouble("INVALID_QUERY_LOCATOR", Effect::None);
                let page = org.pages.remove(&cursor.0).ok_or_else(lost)?;
                let (rows, next, at) = page?;
                return Ok(ChangePage {
                    total: rows.len() as u64,
                    rows,
                    next: next.map(Cursor),
                    at,
                });
            }
            self.read("changes", |org, at| org.pages(query, at))
        })
    }

    fn retrieve<'a>(
        &'a self,
        _: &'a ObjectInfo,
        ids: &'a [CrmId],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved> {
        Box::pin(async move {
            self.read(&format!("retrieve {}", ids.len()), |org, at| {
                let rows = ids.iter().map(|id| {
                    let id = id.to_string();
                    let record = org.control.get(&id).ok()?;
                    let shown = !org.not_shown.contains(&id);
                    shown.then(|| org.row(&record, fields))
                });
                Ok(Retrieved {
                    rows: rows.collect(),
                    at,
                })
            })
        })
    }

    fn find<'a>(
        &'a self,
        _: &'a ObjectInfo,
        field: &'a FieldName,
        values: &'a [String],
        fields: &'a [FieldName],
    ) -> Answer<'a, Retrieved> {
        Box::pin(async move {
            self.read(&format!("find {}", values.len()), |org, at| {
                let mut rows = Vec::new();
                for id in org.leads(false) {
                    let record = org.control.get(&id).unwrap();
                    let value = record[field.as_str()].as_str().unwrap_or_default();
                    if values.iter().any(|v| v == value) && !org.not_shown.contains(&id) {
                        rows.push(Some(org.row(&record, fields)));
                    }
                }
                Ok(Retrieved { rows, at })
            })
        })
    }

    fn create<'a>(&'a self, _: WritePermit, _: &'a ObjectInfo, rows: &'a [Fields]) -> Written<'a> {
        Box::pin(async move {
            let keyless = self.inner().switch == Switch::NoKey;
            let without = |fields: &Fields| {
                let mut fields = fields.clone();
                fields.retain(|name, _| !keyless || name.as_str() != KEY);
                One::Create(fields)
            };
            self.write("create", rows.iter().map(without).collect())
        })
    }

    fn update<'a>(
        &'a self,
        _: WritePermit,
        _: &'a ObjectInfo,
        rows: &'a [UpdateRow],
    ) -> Written<'a> {
        Box::pin(async move {
            let one = |row: &UpdateRow| One::Update(row.id, row.fields.clone(), None);
            self.write("update", rows.iter().map(one).collect())
        })
    }

    fn update_guarded<'a>(
        &'a self,
        _: WritePermit,
        _: &'a ObjectInfo,
        rows: &'a [GuardedUpdate],
    ) -> Written<'a> {
        Box::pin(async move {
            let one = |row: &GuardedUpdate| {
                One::Update(
                    row.row.id,
                    row.row.fields.clone(),
                    Some(row.unmodified_since),
                )
            };
            self.write("update if", rows.iter().map(one).collect())
        })
    }

    fn delete<'a>(&'a self, _: WritePermit, ids: &'a [CrmId]) -> Written<'a> {
        Box::pin(
            async move { self.write("delete", ids.iter().map(|id| One::Delete(*id)).collect()) },
        )
    }

    fn limits(&self) -> Answer<'_, ApiUsage> {
        Box::pin(async {
            Ok(ApiUsage {
                used: 0,
                max: 100_000,
            })
        })
    }

    fn usage(&self) -> Option<ApiUsage> {
        None
    }

    fn calls(&self) -> u64 {
        0
    }

    fn lane(&self, _: Class) -> Arc<dyn Crm> {
        Arc::new(self.clone())
    }

    fn for_run(&self) -> Arc<dyn Crm> {
        Arc::new(self.clone())
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    fn record_url(&self, id: &CrmId) -> String {
        id.to_string()
    }
}
