//! Runs, their results, and the words for states (sync-semantics 11, terminal-ux 4).
//!
//! Plain data. Invariant: the results of a finished run add up to what it planned.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::filter::Rows;
use super::id::{AppId, CrmId, PairName, PlanId, RunId};
use super::stamp;
use super::text::grouped;
use super::value::Value;

/// The only words for states on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Nothing to do.
    Ok,
    /// A note in the log.
    Info,
    /// Not started, or does not apply.
    None,
    /// Switched off.
    Off,
    /// Identifies the record.
    Key,
    /// Exists in the App only.
    App,
    /// Exists in the CRM only.
    Crm,
    /// Will happen without you.
    Wait,
    /// Works now.
    Run,
    /// Decided, not written.
    Ready,
    /// Some fields decided.
    Part,
    /// Paused by a person or rule.
    Hold,
    /// Both sides changed; a person decides.
    Conf,
    /// Deleted on one side, changed on the other.
    Del,
    /// Works, but look.
    Warn,
    /// Refused or broken.
    Fail,
}

impl Word {
    /// As the screen shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Info => "INFO",
            Self::None => "-",
            Self::Off => "OFF",
            Self::Key => "KEY",
            Self::App => "APP",
            Self::Crm => "CRM",
            Self::Wait => "WAIT",
            Self::Run => "RUN",
            Self::Ready => "READY",
            Self::Part => "PART",
            Self::Hold => "HOLD",
            Self::Conf => "CONF",
            Self::Del => "DEL",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// State of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for its turn.
    Queued,
    /// Works, and writes on one side or both.
    Running,
    /// Stopped at a record boundary; goes on when asked.
    Paused,
    /// Done, nothing failed.
    Succeeded,
    /// Done, some records failed.
    SucceededWithErrors,
    /// Stopped by an error.
    Failed,
    /// Stopped by a person.
    Cancelled,
    /// Found running at start: the process ended in the middle.
    Interrupted,
    /// Stopped because the org or the budget lets no more calls through; goes on by itself.
    PutOff,
    /// Works out what there is to do; nothing of it is written yet, and no intent is made.
    Planning,
}

impl RunState {
    /// The word for it, of a run that counted so.
    pub fn word(self, counts: &Counts) -> Word {
        match self {
            Self::Queued | Self::PutOff => Word::Wait,
            Self::Planning | Self::Running => Word::Run,
            Self::Paused => Word::Hold,
            Self::Failed => Word::Fail,
            Self::Cancelled | Self::Interrupted => Word::Warn,
            Self::Succeeded | Self::SucceededWithErrors => {
                if counts.failed > 0 {
                    Word::Fail
                } else if counts.conflicts > 0 {
                    Word::Conf
                } else {
                    Word::Ok
                }
            }
        }
    }

    /// Whether it has ended, one way or the other.
    pub fn has_ended(self) -> bool {
        !matches!(
            self,
            Self::Queued | Self::Planning | Self::Running | Self::Paused
        )
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Queued => "waits for its turn",
            Self::Running => "runs",
            Self::Paused => "paused",
            Self::Succeeded => "done",
            Self::SucceededWithErrors => "done, with failures",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::PutOff => "put off",
            Self::Planning => "works out what to do",
        })
    }
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Finishes what an earlier process left open.
    Recover,
    /// Reads changes from the CRM and takes them in.
    Read,
    /// Compares the ids of all records.
    Sweep,
    /// Compares what changed in the App.
    Compare,
    /// Writes to the CRM.
    Write,
    /// Reads back what was written.
    Confirm,
}

impl Phase {
    /// Words for the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Recover => "finish what was left open",
            Self::Read => "read from Salesforce",
            Self::Sweep => "compare all ids",
            Self::Compare => "compare",
            Self::Write => "write to Salesforce",
            Self::Confirm => "confirm",
        }
    }
}

/// Why a run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A person asked.
    Person,
    /// The schedule.
    Schedule,
    /// Retry of the failed records of a run.
    Retry(RunId),
    /// Writing decisions on conflicts.
    Decisions,
    /// Going on with a run that was put off.
    Continued,
    /// Taking back what a run wrote.
    Undo(RunId),
    /// Applying the plan of a dry run.
    Plan(PlanId),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("asked by a person"),
            Self::Schedule => f.write_str("asked by the schedule"),
            Self::Retry(run) => write!(f, "retry of run {run}"),
            Self::Decisions => f.write_str("write decisions"),
            Self::Continued => f.write_str("goes on with what was put off"),
            Self::Undo(run) => write!(f, "takes back run {run}"),
            Self::Plan(plan) => write!(f, "apply plan {plan}"),
        }
    }
}

/// Counts of a run, by record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Records read from the CRM.
    pub read: u64,
    /// Records the run looked at; each has one result.
    pub planned: u64,
    /// Nothing to do.
    pub same: u64,
    /// Taken into the App (created or changed).
    pub pulled: u64,
    /// Written to the CRM (created or changed).
    pub pushed: u64,
    /// Created, either side; part of `pulled` or `pushed`.
    pub created: u64,
    /// Conflicts found.
    pub conflicts: u64,
    /// Refused.
    pub failed: u64,
    /// Put off (parent not linked, record busy).
    pub deferred: u64,
    /// Left out by a policy.
    pub skipped: u64,
    /// Writes that were tried again.
    pub retried: u64,
}

/// `88 to App, 12 to Salesforce, 10 conflicts`: what is nought is left out.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conflicts = if self.conflicts == 1 {
            "conflict"
        } else {
            "conflicts"
        };
        let parts = [
            (self.pulled, "to App"),
            (self.pushed, "to Salesforce"),
            (self.same, "same"),
            (self.conflicts, conflicts),
            (self.failed, "failed"),
            (self.deferred, "put off"),
            (self.skipped, "skipped"),
        ];
        let mut told = parts.iter().filter(|(n, _)| *n > 0);
        let Some((n, what)) = told.next() else {
            return f.write_str("nothing to do");
        };
        write!(f, "{} {what}", grouped(*n))?;
        told.try_for_each(|(n, what)| write!(f, ", {} {what}", grouped(*n)))
    }
}

impl Counts {
    /// A record has another result than before; none before: the run came by it for the first
    /// time.
    pub fn filed(&mut self, before: Option<ResultKind>, now: Option<ResultKind>) {
        for (kind, by) in [(before, -1), (now, 1)] {
            let Some(kind) = kind else { continue };
            self.planned = self.planned.saturating_add_signed(by);
            let slot = match kind {
                ResultKind::Noop => &mut self.same,
                ResultKind::Deferred | ResultKind::Ambiguous => &mut self.deferred,
                ResultKind::Skipped => &mut self.skipped,
                ResultKind::Quarantined => &mut self.failed,
                // What was written is counted by side, and conflicts when they are found.
                ResultKind::Applied | ResultKind::Conflict => continue,
            };
            *slot = slot.saturating_add_signed(by);
        }
    }
}

/// What became of a record in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    /// Written on a side.
    Applied,
    /// Nothing to do.
    Noop,
    /// A person has to decide.
    Conflict,
    /// Put off.
    Deferred,
    /// Refused, and not sent again until something changes.
    Quarantined,
    /// May have happened; being checked.
    Ambiguous,
    /// Left out by a policy.
    Skipped,
}

/// Why a record failed, in the four parts of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Code, for grouping.
    pub code: String,
    /// What happened.
    pub what: String,
    /// Why, if known.
    pub why: String,
    /// What helps.
    pub fix: String,
    /// Fields it is about.
    pub fields: Vec<String>,
    /// Request id of the log.
    pub request: String,
}

impl Failure {
    /// Takes in what else is wrong with the same record, so that each cause is named, once.
    pub fn join(&mut self, other: Self) {
        let add = |text: &mut String, more: &str| {
            if !text.contains(more) {
                text.push_str("; ");
                text.push_str(more);
            }
        };
        add(&mut self.what, &other.what);
        add(&mut self.why, &other.why);
        add(&mut self.fix, &other.fix);
        for field in other.fields {
            if !self.fields.contains(&field) {
                self.fields.push(field);
            }
        }
    }
}

/// One record of a run that is worth keeping (everything but `Noop`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordResult {
    /// Run.
    pub run: RunId,
    /// App record.
    pub app_id: AppId,
    /// CRM record.
    pub crm_id: Option<CrmId>,
    /// Name for people.
    pub name: String,
    /// What became of it.
    pub kind: ResultKind,
    /// What was done, such as `phone, title -> Salesforce`.
    pub did: String,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How often it was tried.
    pub tries: u32,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Pair.
    pub pair: PairName,
    /// Why it started.
    pub cause: Cause,
    /// State.
    pub state: RunState,
    /// Start.
    #[serde(with = "stamp")]
    pub started_at: Timestamp,
    /// End.
    pub ended_at: Option<Timestamp>,
    /// Mapping version it used.
    pub mapping_version: u32,
    /// Counts so far.
    pub counts: Counts,
    /// API calls it made.
    pub calls: u64,
    /// Why it failed as a whole.
    pub failure: Option<Failure>,
}

/// Runs, as a filter can ask for them.
pub fn run_rows() -> Rows<'static> {
    Rows {
        whose: "a run",
        fields: vec![
            "run", "pair", "title", "in", "out", "fail", "conf", "took", "cause", "code", "why",
        ],
        states: vec![
            Word::Ok,
            Word::Conf,
            Word::Fail,
            Word::Warn,
            Word::Hold,
            Word::Run,
            Word::Wait,
        ],
    }
}

impl Run {
    /// A field by its name in [`run_rows`]; `title` is how its pair is called. What it took is
    /// in seconds.
    pub fn field(&self, name: &str, title: &str) -> Option<Value> {
        let number = |n: u64| Value::Number(n.into());
        let failure = self.failure.as_ref();
        Some(match name.to_ascii_lowercase().as_str() {
            "run" => number(self.id.0),
            "pair" => Value::text(self.pair.as_str()),
            "title" => Value::text(title),
            "in" => number(self.counts.pulled),
            "out" => number(self.counts.pushed),
            "fail" => number(self.counts.failed),
            "conf" => number(self.counts.conflicts),
            "took" => {
                let took = self.ended_at?.duration_since(self.started_at).as_secs();
                Value::Number(took.into())
            }
            "cause" => Value::text(self.cause.to_string()),
            "code" => failure.map_or(Value::Null, |f| Value::text(f.code.clone())),
            "why" => failure.map_or(Value::Null, |f| Value::text(f.what.clone())),
            _ => return None,
        })
    }

    /// The word for its state.
    pub fn word(&self) -> Word {
        self.state.word(&self.counts)
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
    /// State word.
    pub word: Word,
    /// Run it belongs to.
    pub run: Option<RunId>,
    /// What happened; may hold text from outside.
    pub text: String,
}
