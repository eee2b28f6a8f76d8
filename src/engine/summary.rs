//! The state of everything, small and complete; the latest one wins.
//!
//! Holds no record values except names in log lines. Invariant: its size does not grow with the
//! number of records.

use jiff::Timestamp;
use serde::Serialize;

use crate::crm::auth::Way;
use crate::crm::codes::UnknownCodes;
use crate::crm::version::ApiVersion;
use crate::domain::id::{PairName, RowId, RunId};
use crate::domain::mass::Held;
use crate::domain::run::{Counts, LogLine, Phase, RunState, Word};

/// Whether the org is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Env {
    /// Counts as real.
    Production,
    /// Said to be a sandbox by the org itself.
    Sandbox,
}

/// Whether this engine writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes.
    ReadWrite,
    /// Only reads.
    ReadOnly,
}

/// What is wrong, in the four parts of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// Why, or `not known`.
    pub why: String,
    /// What is true now.
    pub now: String,
    /// What helps.
    pub fix: String,
    /// What a person can do about it here.
    pub helps: Helps,
}

/// What a person can do about a connection that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helps {
    /// Sign in again.
    SigningIn,
    /// Put right what is named, and check again.
    Checking,
}

/// A connected system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// State.
    pub word: Word,
    /// `Salesforce` or `App`.
    pub system: String,
    /// Who and where: user name and host, or `embedded`.
    pub account: String,
    /// Organisation id, when known.
    pub org_id: Option<String>,
    /// Organisation name, when known.
    pub org_name: Option<String>,
    /// The way the kept sign-in was made, if there is one.
    pub way: Option<Way>,
    /// How it stands: `renews itself`, `needs sign-in`.
    pub sign_in: String,
    /// API calls used and allowed in 24 hours.
    pub api: Option<(u64, u64)>,
    /// Calls of ours, and what is left for work in the background, in words.
    pub budget: Option<String>,
    /// Codes it refused with that are not in the catalogue.
    pub codes: UnknownCodes,
    /// What it says of the version of its API that is used.
    pub version: ApiVersion,
    /// When it last answered.
    pub checked: Option<Timestamp>,
    /// What is wrong.
    pub trouble: Option<Trouble>,
}

/// When a pair runs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Only when asked.
    Manual,
    /// At this time.
    At(Timestamp),
    /// Not while paused.
    Paused,
    /// It runs now.
    Now,
    /// Waits for the run before it.
    Queued,
}

/// What the rules of a pair rest for: until then a person is asked wherever one would overwrite or
/// delete (sync-semantics 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "until", content = "questions")]
pub enum Rests {
    /// A comparison of everything.
    Compared,
    /// The questions that it left; none where they are too many to be counted here.
    Answered(Option<u64>),
}

/// A pair and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairRow {
    /// Name.
    pub name: PairName,
    /// `Contact <-> people`.
    pub title: String,
    /// State.
    pub word: Word,
    /// Last run.
    pub last: Option<LastRun>,
    /// Open conflicts (records).
    pub open_conflicts: u64,
    /// Records in quarantine.
    pub failing: u64,
    /// Records in the App.
    pub records: u64,
    /// App changes that wait.
    pub waiting: u64,
    /// What its rules rest for, if they do.
    pub rests: Option<Rests>,
    /// Next run.
    pub next: Next,
}

/// The last run of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// Id.
    pub id: RunId,
    /// Start.
    pub at: Timestamp,
    /// Seconds it took; none while it runs.
    pub took: Option<u64>,
    /// State.
    pub state: RunState,
    /// Counts.
    pub counts: Counts,
}

impl LastRun {
    /// The word for its state.
    pub fn word(&self) -> Word {
        self.state.word(&self.counts)
    }
}

/// How a running run reacts to pause and cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Works.
    Working,
    /// Stops at the next record boundary, when the calls on their way are answered.
    Pausing,
    /// Stands.
    Paused,
    /// Ends at the next record boundary, when the calls on their way are answered.
    Cancelling,
}

/// The run that works now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Run.
    pub run: RunId,
    /// Pair.
    pub pair: PairName,
    /// `Contact <-> people`.
    pub title: String,
    /// What it does.
    pub phase: Phase,
    /// Records done in this phase.
    pub done: u64,
    /// Records of this phase, when known.
    pub total: Option<u64>,
    /// Start of the run.
    pub started_at: Timestamp,
    /// Start of the phase.
    pub phase_at: Timestamp,
    /// Last answer or commit.
    pub moved_at: Timestamp,
    /// Counts so far.
    pub counts: Counts,
    /// Pause and cancel.
    pub motion: Motion,
}

/// Where Enter on an attention row goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Conflict list.
    Conflicts,
    /// The preview of what is staged.
    Write,
    /// A run.
    Run(RunId),
    /// A mapping row.
    Mapping(PairName, Option<RowId>),
    /// Sign-in.
    SignIn,
    /// What is wrong with a connection, with a check of it.
    Trouble,
    /// Schedules in the settings.
    Schedule,
    /// Limits in the settings.
    Limits,
    /// The audit log, all of which is checked.
    Audit,
    /// Very many writes of a pair that wait to be allowed.
    Held(PairName, Box<Held>),
    /// Records of a pair that differ although nothing moved.
    Drift(PairName),
    /// Records of a pair that are held since a run was taken back.
    HeldRecords(PairName),
}

/// Something a person should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// State.
    pub word: Word,
    /// What it is.
    pub text: String,
    /// What Enter does, in two words.
    pub hint: String,
    /// Where Enter goes.
    pub target: Target,
    /// The pair it is about, if it is one.
    pub pair: Option<PairName>,
}

/// Everything a viewer needs to draw the frame and the Overview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Profile.
    pub profile: String,
    /// Org kind, once known.
    pub env: Option<Env>,
    /// Writes or not.
    pub access: Access,
    /// When this was true.
    pub at: Timestamp,
    /// Systems.
    pub connections: Vec<ConnectionRow>,
    /// Pairs.
    pub pairs: Vec<PairRow>,
    /// What runs.
    pub running: Option<Progress>,
    /// Paused by a person: no run starts by schedule.
    pub paused: bool,
    /// What needs a person, worst first.
    pub attention: Vec<Attention>,
    /// Latest log lines, newest first, at most 40.
    pub log: Vec<LogLine>,
    /// Records with open conflicts.
    pub open_conflicts: u64,
    /// Staged decisions.
    pub staged: u64,
    /// Staged edits of App records.
    pub edits: u64,
    /// Staged schedules.
    pub schedules: u64,
    /// Mappings with staged changes that are not saved.
    pub drafts: u64,
    /// Records carried in each hour of today (UTC) until now, midnight first; a run counts in the
    /// hour in which it ended. Empty until runs are in memory.
    pub hours: Vec<u64>,
    /// Bytes of the store on disk.
    pub store_bytes: u64,
}

impl Summary {
    /// What is staged and one preview writes: decisions, edits and schedules.
    pub fn to_write(&self) -> u64 {
        self.staged + self.edits + self.schedules
    }

    /// Of a profile in which nothing is, for tests.
    #[cfg(test)]
    pub(crate) fn empty(at: Timestamp) -> Self {
        Self {
            profile: "p".to_owned(),
            env: None,
            access: Access::ReadOnly,
            at,
            connections: Vec::new(),
            pairs: Vec::new(),
            running: None,
            paused: false,
            attention: Vec::new(),
            log: Vec::new(),
            open_conflicts: 0,
            staged: 0,
            edits: 0,
            schedules: 0,
            drafts: 0,
            hours: Vec::new(),
            store_bytes: 0,
        }
    }
}
