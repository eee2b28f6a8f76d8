//! The audit log: what people and the engine decided and wrote, as a chain of hashes
//! (sync-semantics 16).
//!
//! Entries name records and fields, never values. Each is one line of JSON, and its hash is
//! SHA-256 over the hash before it in hex, a line break, and that line; the first hash before is
//! 64 zeros. Invariant: an entry is in the same commit as what it tells of, so neither is there
//! without the other.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::appdb::{Author, Change, Expect};
use crate::domain::id::{AppId, CrmId, FieldName, PairName, RunId};
use crate::domain::record::Presence;
use crate::error::{Error, Kind, Result};
use crate::store::{StoreError, digest};

use super::state::State;
use super::tables::{AUDIT, Intent, Op};

mod check;
mod read;

pub use self::check::{Broken, Verdict, verify};
pub use self::read::{newest, oldest};

/// Who acts when no person does.
const ENGINE: &str = "syncdeck";

/// A hash of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Before the first entry.
    const START: Self = Self([0; 32]);

    /// The hash of an entry behind this one.
    fn then(self, line: &str) -> Self {
        let before = self.to_string();
        Self(digest::sha256(&[before.as_bytes(), b"\n", line.as_bytes()]))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::new(Kind::Usage, "a hash has 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// An entry as it is stored: the line that was hashed, and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chained {
    /// One line of JSON.
    pub line: String,
    /// Its hash.
    pub hash: Hash,
}

/// A place in the chain that somebody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the entry; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The chain begins; its text is a random id.
    Began,
    /// Somebody signed in to the CRM.
    SignedIn,
    /// The tokens were forgotten.
    SignedOut,
    /// Pairs of a preset or a file were put in.
    Installed,
    /// A mapping was saved.
    MappingSaved,
    /// A schedule was set.
    ScheduleSet,
    /// Everything was paused.
    Paused,
    /// It goes on.
    Resumed,
    /// A decision on a conflict or a field was staged or taken back.
    Decided,
    /// An App record was linked with a CRM record by hand.
    Linked,
    /// The link of a record was ended by hand.
    Unlinked,
    /// A record was released from quarantine, to be tried again.
    Released,
    /// A run began.
    RunStarted,
    /// A run ended.
    RunEnded,
    /// Records were written, on either side.
    Wrote,
    /// A dry run made a plan.
    Planned,
    /// A run applies a plan.
    PlanApplied,
    /// Very many writes of a kind were stopped.
    Held,
    /// They were allowed, once.
    Allowed,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, or `syncdeck`.
    pub actor: String,
    /// What happened.
    pub what: What,
    /// Pair, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairName>,
    /// Run, if it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Records that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrote: Vec<Wrote>,
}

/// One write of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Where.
    pub side: Place,
    /// What was done to it.
    pub did: Did,
    /// App record.
    pub app_id: AppId,
    /// CRM record, for writes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_id: Option<CrmId>,
    /// Fields that were changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldName>,
}

/// A side, in the words of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The App.
    App,
    /// The CRM.
    Crm,
}

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// Made.
    Created,
    /// Fields changed.
    Changed,
    /// Removed.
    Deleted,
}

/// An entry that waits for the commit of its transaction, where it gets its number.
#[derive(Debug)]
pub struct Draft {
    at: Timestamp,
    actor: String,
    what: What,
    pair: Option<PairName>,
    run: Option<RunId>,
    text: String,
    wrote: Vec<Wrote>,
}

impl Draft {
    /// Of something a person did, or of something the engine did by itself.
    pub fn new(at: Timestamp, by: &str, what: What, text: impl Into<String>) -> Self {
        Self {
            at,
            actor: by.to_owned(),
            what,
            pair: None,
            run: None,
            text: text.into(),
            wrote: Vec::new(),
        }
    }

    /// By the engine.
    pub fn engine(at: Timestamp, what: What, text: impl Into<String>) -> Self {
        Self::new(at, ENGINE, what, text)
    }

    /// About this pair.
    #[must_use]
    pub fn pair(mut self, pair: &PairName) -> Self {
        self.pair = Some(pair.clone());
        self
    }

    /// Part of this run.
    #[must_use]
    pub fn run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    fn entry(self, seq: u64) -> Entry {
        Entry {
            seq,
            at: self.at,
            actor: self.actor,
            what: self.what,
            pair: self.pair,
            run: self.run,
            text: self.text,
            wrote: self.wrote,
        }
    }
}

/// The entries of one transaction.
#[derive(Debug, Default)]
pub struct Drafts(Vec<Draft>);

impl Drafts {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, draft: Draft) {
        self.0.push(draft);
    }

    /// A change of an App record.
    pub fn changed(&mut self, pair: &PairName, change: &Change, was: Option<Presence>) {
        let (actor, run) = match &change.by {
            Author::Person(name) => (name.as_str(), None),
            Author::Run(run) => (ENGINE, Some(*run)),
        };
        let did = match (was, change.presence) {
            (Some(Presence::Live), Presence::Deleted) => Did::Deleted,
            _ if change.expect == Expect::New => Did::Created,
            _ => Did::Changed,
        };
        let fields = match did {
            Did::Changed => change.fields.keys().cloned().collect(),
            Did::Created | Did::Deleted => Vec::new(),
        };
        let wrote = Wrote {
            side: Place::App,
            did,
            app_id: change.id.clone(),
            crm_id: None,
            fields,
        };
        self.wrote(change.at, actor, run, pair, wrote);
    }

    /// A write to the CRM that happened.
    pub fn sent(&mut self, intent: &Intent, id: CrmId, at: Timestamp) {
        let (did, fields) = match intent.op {
            Op::Create => (Did::Created, Vec::new()),
            Op::Update => (Did::Changed, intent.fields.keys().cloned().collect()),
            Op::Delete => (Did::Deleted, Vec::new()),
        };
        let wrote = Wrote {
            side: Place::Crm,
            did,
            app_id: intent.app_id.clone(),
            crm_id: Some(id),
            fields,
        };
        self.wrote(at, ENGINE, Some(intent.run), &intent.pair, wrote);
    }

    /// Writes of one transaction, run and pair are one entry.
    fn wrote(
        &mut self,
        at: Timestamp,
        actor: &str,
        run: Option<RunId>,
        pair: &PairName,
        wrote: Wrote,
    ) {
        let fits = |d: &&mut Draft| {
            d.what == What::Wrote
                && d.run == run
                && d.actor == actor
                && d.pair.as_ref() == Some(pair)
        };
        if let Some(draft) = self.0.last_mut().filter(|d| fits(d)) {
            draft.wrote.push(wrote);
            return;
        }
        let mut draft = Draft::new(at, actor, What::Wrote, "").pair(pair);
        draft.run = run;
        draft.wrote.push(wrote);
        self.0.push(draft);
    }

    /// Gives the entries their numbers and hashes behind `head`; the new head is the last one's.
    pub fn chain(self, head: Checkpoint) -> std::result::Result<Vec<(u64, Chained)>, StoreError> {
        let first = (head.seq == 0 && !self.0.is_empty()).then(|| {
            let at = self.0.first().map_or(Timestamp::UNIX_EPOCH, |d| d.at);
            Draft::engine(at, What::Began, uuid::Uuid::new_v4().to_string())
        });
        let mut out = Vec::new();
        let Checkpoint { mut seq, mut hash } = head;
        for draft in first.into_iter().chain(self.0) {
            seq += 1;
            let line =
                serde_json::to_string(&draft.entry(seq)).map_err(|error| StoreError::Encode {
                    table: error.to_string(),
                })?;
            hash = hash.then(&line);
            out.push((seq, Chained { line, hash }));
        }
        Ok(out)
    }
}

/// The last entry of the chain.
///
/// # Errors
/// When the store cannot be read.
pub fn head(state: &crate::store::Store) -> std::result::Result<Checkpoint, StoreError> {
    Ok(match state.last(&AUDIT, &[])? {
        Some((key, last)) => Checkpoint {
            seq: read::seq_of(&key),
            hash: last.hash,
        },
        None => Checkpoint {
            seq: 0,
            hash: Hash::START,
        },
    })
}

/// The chain's end as it is now, in memory.
pub fn end(state: &State) -> Checkpoint {
    *super::state::lock(state.audit_head())
}

#[cfg(test)]
mod tests;
