//! Everything the engine keeps, as typed tables of the store.
//!
//! Layout only. Invariant: a prefix byte belongs to one table for ever; keys hold ids and times.

mod intents;
mod jobs;
mod older;
mod staged;
mod stops;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::{Beside, Chained};
use super::by_row;
use super::drifted::Drifted;
use super::left_out::LeftOut;
use super::survey::Surveyed;
use super::tx;
use super::undo::Written;
use super::view::TypedForm;
use crate::crm::Identity;
use crate::crm::codes::UnknownCodes;
use crate::crm::version::ApiVersion;
use crate::domain::append::Appended;
use crate::domain::budget::Budget;
use crate::domain::conflict::{Conflict, Staged};
use crate::domain::dry_run::{Plan, PlanItem};
use crate::domain::fight::Chain;
use crate::domain::id::{
    AppId, ConflictId, CrmId, FieldName, IntentId, ObjectName, PairName, RowId, RunId, SyncKey,
};
use crate::domain::listing::SavedView;
use crate::domain::mapping::Pair;
use crate::domain::mass::Held;
use crate::domain::record::{Link, Observation};
use crate::domain::run::{Failure, LogLine, RecordResult, ResultKind, Run};
use crate::domain::schedule::Schedule;
use crate::domain::schema::ObjectInfo;
use crate::domain::stamp;
use crate::store::keys::{Key, Parts};
use crate::store::{Schema, Step, Table};

pub use self::intents::{Agreed, Intent, IntentState, Op};
pub use self::jobs::{JobOp, JobRow, JobStage, NextRows, ReadJob, RowKey, WriteJob};
pub use self::staged::{EDITS, STAGED_SCHEDULES, StagedEdit, StagedSchedule};
pub use self::stops::{COMES_BACK, ComesBack, RESTORED, Restored, UNPLACED};

/// The format of all tables. Format 1, which kept instants as text, was never released: nothing
/// leads from it to this one.
pub const SCHEMA: Schema = Schema {
    format: 4,
    steps: &[
        Step {
            to: 3,
            what: "counts open conflicts by mapping row",
            run: by_row::recount,
        },
        Step {
            to: 4,
            what: "lists decided conflicts by record",
            run: tx::list_decided,
        },
    ],
};

/// Links by (pair, App id).
pub const LINKS: Table<Link> = Table::new(0x10, "links", 1);
/// App id by (pair, CRM id).
pub const BY_CRM: Table<AppId> = Table::new(0x11, "by_crm", 1);
/// Records to reconcile, beside the outbox, by (pair, App id).
pub const TODO: Table<()> = Table::new(0x12, "todo", 1);
/// App records without a CRM record, by (pair, App id).
pub const UNLINKED: Table<()> = Table::new(0x13, "unlinked", 1);
/// Observed, not yet reconciled, by (pair, CRM id).
pub const INBOX: Table<Observation> = Table::new(0x14, "inbox", 1);
/// Who waits for a parent, by (parent pair, parent id, child pair, child id).
pub const WAITS: Table<Child> = Table::new(0x15, "waits", 1);
/// Watermarks by pair.
pub const WATERMARKS: Table<Watermark> = Table::new(0x16, "watermarks", 1);
/// Journal of intents by id.
pub const INTENTS: Table<Intent> = Table::new(0x17, "intents", 1);
/// Open intent by (pair, App id).
pub const OPEN_INTENTS: Table<IntentId> = Table::new(0x18, "open_intents", 1);
/// Conflicts by id; never deleted.
pub const CONFLICTS: Table<Conflict> = Table::new(0x19, "conflicts", 1);
/// Open conflicts of a record, by (pair, App id).
pub const OPEN_CONFLICTS: Table<Vec<ConflictId>> = Table::new(0x1a, "open_conflicts", 1);
/// How many conflicts are open, by (pair, mapping row + 1), and 0 for those about whole records.
pub const OPEN_BY_ROW: Table<i64> = Table::new(0x44, "open_by_row", 1);
/// Decided conflicts of a record, oldest first, by (pair, App id): what can be taken back.
pub const DECIDED: Table<Vec<ConflictId>> = Table::new(0x57, "decided", 1);
/// Staged decisions on rows that are not in conflict, by (pair, App id).
pub const OVERRULES: Table<Vec<(RowId, Staged)>> = Table::new(0x1b, "overrules", 1);
/// Writes that failed for good, by (pair, App id).
pub const QUARANTINE: Table<Quarantined> = Table::new(0x1c, "quarantine", 1);
/// Runs by id.
pub const RUNS: Table<Run> = Table::new(0x1d, "runs", 1);
/// Results by (run, order of kind, App id).
pub const RESULTS: Table<RecordResult> = Table::new(0x1e, "results", 1);
/// What each record came to in a run, by (run, App id; or CRM id, of one that has none).
pub const LEDGER: Table<ResultKind> = Table::new(0x49, "ledger", 1);
/// Log by number.
pub const LOG: Table<LogLine> = Table::new(0x1f, "log", 1);
/// Numbers of log lines by (run, number).
pub const STEPS: Table<LogLine> = Table::new(0x20, "steps", 1);
/// What happened to a record, by (pair, App id, number).
pub const HISTORY: Table<LogLine> = Table::new(0x21, "history", 1);
/// Current mapping by pair.
pub const PAIRS: Table<Pair> = Table::new(0x22, "pairs", 4).with_upgrade(older::pair);
/// Saved versions by (pair, version).
pub const VERSIONS: Table<SavedVersion> =
    Table::new(0x23, "versions", 4).with_upgrade(older::saved);
/// Described objects by name.
pub const OBJECTS: Table<ObjectInfo> = Table::new(0x24, "objects", 2).with_upgrade(older::object);
/// Counters by pair.
pub const COUNTERS: Table<Counters> = Table::new(0x25, "counters", 1);
/// The connection: one value under the empty key.
pub const CONNECTION: Table<Connection> =
    Table::new(0x26, "connection", 2).with_upgrade(older::connection);
/// Tokens, encoded by `crm::auth`, under the empty key.
pub const TOKENS: Table<Vec<u8>> = Table::new(0x27, "tokens", 1);
/// Switches of the engine, under the empty key.
pub const SWITCHES: Table<Switches> = Table::new(0x28, "switches", 1);
/// Users of the CRM: e-mail address by (id).
pub const USERS: Table<UserRow> = Table::new(0x29, "users", 1);
/// Tombstones of the App by (table, App id), so that lists leave them out unopened.
pub const GONE: Table<()> = Table::new(0x2a, "gone", 1);
/// The audit log by number of the entry.
pub const AUDIT: Table<Chained> = Table::new(0x2f, "audit", 1);
/// What stands beside the audit log: under 0 the key of its digests, under the number of an entry
/// values that it is about.
pub const BESIDE: Table<Beside> = Table::new(0x56, "beside", 1);
/// Fires of a schedule that started nothing since the last that did, by pair.
pub const MISSED: Table<Missed> = Table::new(0x2e, "missed", 1);
/// Staged changes of a mapping, by pair, until they are saved.
pub const DRAFTS: Table<Pair> = Table::new(0x2b, "drafts", 4).with_upgrade(older::pair);

/// Jobs of the CRM that read an open window, by pair.
pub const READ_JOBS: Table<ReadJob> = Table::new(0x2c, "read_jobs", 1);
/// Pairs with a run that was put off, until one has done it.
pub const LATER: Table<PairName> = Table::new(0x30, "later", 1);
/// What a person has typed in the form of a record and not saved, by (pair, App id); of a new
/// record, by pair.
pub const FORMS: Table<TypedForm> = Table::new(0x38, "forms", 1);
/// Saved views of the records, by (pair, digest of the name).
pub const VIEWS: Table<SavedView> = Table::new(0x39, "views", 1);
/// Jobs of the CRM that write, by (pair, number). The number is that of their first intent.
pub const WRITE_JOBS: Table<WriteJob> = Table::new(0x36, "write_jobs", 1);
/// Records of such a job, by (pair, number, place of the first of them), in the order of its
/// upload.
pub const JOB_ROWS: Table<Vec<JobRow>> = Table::new(0x37, "job_rows", 1);
/// What the last comparison of all ids came to, by pair.
pub const SWEEPS: Table<Swept> = Table::new(0x3c, "sweeps", 1);
/// When a linked record was first not found by a comparison of all ids, by (pair, CRM id).
pub const ABSENT: Table<Timestamp> = Table::new(0x3d, "absent", 1);
/// When a computed field was last read again, by (pair, row).
pub const REFRESHED: Table<Timestamp> = Table::new(0x3f, "refreshed", 1);
/// Schedules that persons set and the settings stand in front of, by pair.
pub const OWN_SCHEDULES: Table<Schedule> = Table::new(0x31, "own_schedules", 1);
/// Objects whose description did not fit what the org answered; they are described again before
/// the next run. By name.
pub const STALE: Table<()> = Table::new(0x34, "stale", 1);
/// Pairs of which the mapping, or the fields of their object, changed: the next run looks at what
/// is in quarantine again. By name.
pub const RECONSIDER: Table<()> = Table::new(0x35, "reconsider", 1);
/// Codes that are not in the catalogue, with how often they came: one value under the empty key.
pub const CODES: Table<UnknownCodes> = Table::new(0x33, "codes", 1);
/// Plans of dry runs by number.
pub const PLANS: Table<Plan> = Table::new(0x40, "plans", 1);
/// Their records by (plan, number).
pub const PLAN_ITEMS: Table<PlanItem> = Table::new(0x41, "plan_items", 1);
/// Records of the plan that is being made, by (pair, App id, CRM id); only in a layer.
pub const DRAFT_ITEMS: Table<PlanItem> = Table::new(0x42, "draft_items", 1);
/// Writes that wait because they are very many, by pair.
pub const HELD: Table<Vec<Held>> = Table::new(0x43, "held", 1);
/// What a run left for being very many, by run.
pub const RUN_HOLDS: Table<Vec<Held>> = Table::new(0x48, "run_holds", 1);
/// Until when a person lets background work go past the lines of the budget: one value under the
/// empty key.
pub const AHEAD: Table<Timestamp> = Table::new(0x5b, "ahead", 1);
/// Counts of API calls: one value under the empty key.
pub const BUDGET: Table<Budget> = Table::new(0x2d, "budget", 1);

/// What runs wrote and what was there before, by (run, number).
pub const WRITTEN: Table<Vec<Written>> = Table::new(0x3b, "written", 1);
/// Rows of a record that are written again and again, by (pair, App id).
pub const FIGHTS: Table<Vec<(RowId, Chain)>> = Table::new(0x3e, "fights", 1);
/// Pairs of which everything is read again: a field that was not shown is shown now, which moves no
/// stamp.
pub const REREAD: Table<()> = Table::new(0x51, "reread", 1);
/// Rows that are left out because the CRM is in the way, by pair.
pub const BROKEN: Table<Vec<LeftOut>> = Table::new(0x52, "broken", 1);
/// Records whose sides differ although neither moved, by (pair, App id).
pub const DRIFT: Table<Drifted> = Table::new(0x53, "drift", 1);
/// What the CRM's lists of changes and deletions said last, by pair.
pub const SURVEYS: Table<Surveyed> = Table::new(0x54, "surveys", 1);
/// Linked records that cannot be read, by (pair, CRM id).
pub const UNREACHABLE: Table<Unreachable> = Table::new(0x55, "unreachable", 1);
/// The lines of ours that the texts of a CRM record once had, by (pair, CRM id).
pub const APPENDED: Table<Appended> = Table::new(0x58, "appended", 1);
/// What converted records became and the pair has not taken in yet, by (pair, CRM id).
pub const FOLLOWED: Table<Followed> = Table::new(0x5c, "followed", 1);
/// Creates that were given up and may still be executed, by our key.
pub const MAY_COME: Table<MayCome> = Table::new(0x50, "may_come", 1);

/// Pairs whose links are to be looked at before anything is written: somebody signed in anew. By
/// name.
pub const UNSURE: Table<()> = Table::new(0x59, "unsure", 1);

/// Which record became another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// What it became.
    pub became: CrmId,
    /// The pair of the record that was converted.
    pub pair: PairName,
    /// Its App record.
    pub app_id: AppId,
    /// Its name for people.
    pub name: String,
}

/// Key of a record of a pair.
pub fn record_key(pair: &PairName, app_id: &AppId) -> Key {
    Key::new().text(pair.as_str()).text(app_id.as_str())
}

/// The App record that such a key names, or one of (table, App id).
pub fn app_id_of(key: &[u8]) -> Option<AppId> {
    let mut parts = Parts::of(key);
    let id = parts.text().and_then(|_| parts.text());
    id.ok().map(AppId::new)
}

/// A linked record that cannot be read, without evidence that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreachable {
    /// The App record.
    pub app_id: AppId,
    /// Since when.
    #[serde(with = "stamp")]
    pub since: Timestamp,
    /// Runs that have asked for it.
    pub runs: u32,
    /// The last of them.
    pub run: RunId,
}

/// A create that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayCome {
    /// The record it was of.
    pub app_id: AppId,
    /// Until when it may be executed.
    pub until: Timestamp,
}

/// Key of what carries our key in a pair.
pub fn sync_key_key(pair: &PairName, key: &SyncKey) -> Key {
    Key::new().text(pair.as_str()).text(key.as_str())
}

/// Key of a CRM record of a pair.
pub fn crm_key(pair: &PairName, id: &CrmId) -> Key {
    Key::new().text(pair.as_str()).text(id.as_str())
}

/// Who waits for a parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Child {
    /// An App record to be created or changed in the CRM.
    App(PairName, AppId),
    /// A CRM record in the inbox.
    Crm(PairName, CrmId),
}

/// How far a pair has been read (sync-semantics 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Watermark {
    /// Everything with an older stamp has been observed.
    pub seen_to: Option<Timestamp>,
    /// Mapping version the last whole window was read with.
    pub mapping_version: u32,
    /// A window that is not finished: goes on here after a crash.
    pub open: Option<OpenWindow>,
}

/// A window in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWindow {
    /// Server time when it began; the watermark moves there.
    pub began: Timestamp,
    /// Its lower bound.
    pub since: Option<Timestamp>,
    /// Last durable row.
    pub after: Option<(Timestamp, CrmId)>,
    /// Mapping version it reads with.
    pub mapping_version: u32,
}

/// A write that failed for good (sync-semantics 9.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// What was sent and to what, as a hash.
    pub payload: u64,
    /// Mapping version it was made with.
    pub mapping_version: u32,
    /// Why.
    pub failure: Failure,
    /// Tries.
    pub tries: u32,
    /// First time.
    pub first: Timestamp,
    /// Last time.
    pub last: Timestamp,
    /// Run of the last try.
    pub run: RunId,
}

/// What a comparison of all ids with the links came to (sync-semantics 4.4). What it healed is a
/// fault, or an outage, to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
    /// Records the CRM listed.
    pub listed: u64,
    /// Records that were there and that every window had missed.
    pub healed: u64,
    /// Linked records that count as deleted because nothing has them any more.
    pub gone: u64,
}

/// A version of a mapping that was current once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedVersion {
    /// The mapping.
    pub pair: Pair,
    /// When it was saved.
    pub at: Timestamp,
    /// What changed, in words.
    pub changes: Vec<String>,
}

/// Counters of a pair, kept in the transactions that change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Live App records.
    pub records: i64,
    /// Records with open conflicts.
    pub conflicts: i64,
    /// Staged decisions.
    pub staged: i64,
    /// Records in quarantine.
    pub quarantined: i64,
    /// Records that wait to be compared or written.
    pub waiting: i64,
}

/// The CRM connection, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Connection {
    /// Who we are there; pins the org.
    pub identity: Option<Identity>,
    /// When it last answered.
    pub checked: Option<Timestamp>,
    /// When each object was described.
    pub described: BTreeMap<ObjectName, Timestamp>,
    /// What is said of the version of the API.
    pub version: ApiVersion,
}

/// Switches of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Switches {
    /// Paused by a person.
    pub paused: bool,
    /// When each pair was last started by schedule.
    pub last_fired: Vec<(PairName, Timestamp)>,
}

impl Switches {
    /// When a pair was last started by schedule, or its schedule was set.
    pub fn mark(&self, pair: &PairName) -> Option<Timestamp> {
        let found = self.last_fired.iter().find(|(name, _)| name == pair);
        found.map(|(_, at)| *at)
    }

    /// Moves the mark of a pair.
    pub fn set_mark(&mut self, pair: &PairName, at: Timestamp) {
        self.last_fired.retain(|(name, _)| name != pair);
        self.last_fired.push((pair.clone(), at));
    }
}

/// Fires that started nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Instant of the first.
    #[serde(with = "stamp")]
    pub since: Timestamp,
    /// How many.
    pub fires: u32,
    /// Why.
    pub why: NotStarted,
}

/// Why a fire started nothing (sync-semantics 17.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotStarted {
    /// A person paused everything.
    Paused,
    /// Nobody is signed in.
    SignIn,
    /// Nobody was there for it, and it is not made up for.
    TooLate,
    /// The pair's last run had not ended.
    Busy,
    /// No more calls were let through; it starts when some are.
    Budget,
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "paused",
            Self::SignIn => "sign in needed",
            Self::TooLate => "syncdeck was not running",
            Self::Busy => "its last run had not ended",
            Self::Budget => "no API calls are left for it now",
        })
    }
}

/// Who may own records in the CRM: a user, or a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Id.
    pub id: CrmId,
    /// Display name.
    pub name: String,
    /// E-mail address; of a queue its name in the API.
    pub email: String,
    /// May own records.
    pub active: bool,
}

/// Names used for the object of users.
pub const USER_OBJECT: &str = "User";

/// Fields of a user that we read.
pub fn user_fields() -> Vec<FieldName> {
    ["Name", "Email", "IsActive"].map(FieldName::new).to_vec()
}

/// Fields of a group that we read.
pub fn group_fields() -> Vec<FieldName> {
    ["Name", "DeveloperName", "Type"]
        .map(FieldName::new)
        .to_vec()
}

/// The object of groups, among which are the queues.
pub fn group_object() -> ObjectName {
    ObjectName::new("Group")
}

/// The object of users.
pub fn user_object() -> ObjectName {
    ObjectName::new(USER_OBJECT)
}
