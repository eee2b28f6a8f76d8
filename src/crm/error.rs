//! What a CRM can answer instead of what was asked (sync-semantics 9.1, salesforce-api 8).
//!
//! Classification only; what is done about a class is the engine's business. Invariant: an
//! error of a write says whether the write may have happened.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::id::{CrmId, FieldName};

/// Class of an error; decides the reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// This record can be tried again shortly (row lock).
    TransientRow,
    /// The call can be tried again (server trouble, broken body).
    TransientCall,
    /// Too many calls at once.
    ThrottleConcurrent,
    /// The daily allowance is used up.
    ThrottleDaily,
    /// The access token is over; refresh once.
    Auth,
    /// Only a person can sign in again.
    AuthDead,
    /// The object or field is not there or not allowed.
    Schema,
    /// The record's data is refused; it will be refused again.
    Data,
    /// The org's own automation refused it.
    Automation,
    /// It says something about which record this is (duplicate, deleted, converted).
    Identity,
    /// The org is full.
    Capacity,
    /// Another part of the same call failed.
    Collateral,
    /// The condition of a guarded write did not hold.
    Precondition,
    /// Not in the catalogue; treated as data after three tries.
    Unknown,
}

/// What is done about an error by itself (sync-semantics 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// The same again shortly; a write only when certainly nothing happened.
    Repeat,
    /// Fewer calls at once, and a pause.
    SlowDown,
    /// The run ends and goes on by itself.
    PutOff,
    /// New access token, then the same once more.
    Renew,
    /// Nothing is called until a person has signed in.
    AskForSignIn,
    /// The record is read and compared again.
    Reread,
    /// The record that has our key is looked up.
    FindByKey,
    /// Planned again with the next batch.
    Replan,
    /// The same again in smaller calls, three times in all; then it is put aside.
    Smaller,
    /// Put aside, and the object is described again before the next run.
    Describe,
    /// What a job was to do is done by another, or without one.
    AnotherWay,
    /// The run ends; nothing more is written by it.
    Stop,
    /// Put aside until its values, its mapping or the org change.
    PutAside,
}

impl Deed {
    /// In words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Repeat => "tried again by itself; a write is looked up first",
            Self::SlowDown => "fewer calls at once, and again after a pause",
            Self::PutOff => "the run ends and goes on by itself",
            Self::Renew => "the access token is renewed and the call made once more",
            Self::AskForSignIn => "nothing is called until somebody signs in; changes wait",
            Self::Reread => "the record is read and compared again",
            Self::FindByKey => "the record with our key is looked up and taken over",
            Self::Replan => "planned again",
            Self::Smaller => "tried again in smaller calls, three times in all, then put aside",
            Self::Describe => "put aside, and the fields are read again before the next run",
            Self::AnotherWay => "done with a new job, or without one",
            Self::Stop => "the run ends; changes wait until that is put right",
            Self::PutAside => "put aside until its values, the mapping or the org change",
        }
    }
}

/// Whether a request may have had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Certainly none: it was refused, or no byte left.
    None,
    /// Unknown: it may have been executed (sync-semantics 8.5).
    Unknown,
}

/// One error, of a call or of a record in a call. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct CrmError {
    /// Its class.
    pub class: ErrorClass,
    /// The CRM's code, such as `REQUIRED_FIELD_MISSING`, or one of ours in lower case, such as
    /// `timeout`.
    pub code: String,
    /// The CRM's text, or ours.
    pub message: String,
    /// Fields it names.
    pub fields: Box<[FieldName]>,
    /// Record it names (the holder of a duplicate value).
    pub record: Option<CrmId>,
    /// HTTP status of the call.
    pub status: Option<u16>,
    /// Our id of the request, as in the log.
    pub request: String,
    /// Whether a write may have happened.
    pub effect: Effect,
}

impl fmt::Display for CrmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
