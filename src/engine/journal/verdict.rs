//! What an answer says about an intent: whether it happened, and what to do about a refusal
//! (sync-semantics 8.5, 9.1).
//!
//! Decides only; [`super`] commits what follows. Invariant: what may still be executed is never
//! called failed.

use jiff::Timestamp;

use crate::crm::{CrmError, CrmRow, Deed};
use crate::domain::append;
use crate::domain::reconcile::CompiledRow;
use crate::domain::run::Failure;
use crate::domain::value::{FieldKind, same};
use crate::engine::cx::RunCx;
use crate::engine::tables::{Intent, IntentState, Op};

/// When an intent was sent, at the earliest, by the server's clock.
pub fn sent_at(intent: &Intent) -> Timestamp {
    match intent.state {
        IntentState::Sending { at } | IntentState::Held { at, .. } => at,
    }
}

/// What a read says about an update of unknown outcome (sync-semantics 8.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All sent values are there.
    Applied,
    /// They are not, and the request cannot be executed any more.
    NotApplied,
    /// They are not, but it may still be executed.
    Hold,
}

/// Judges an update by what the CRM holds now.
pub fn judge(cx: &RunCx, intent: &Intent, row: &CrmRow, now: Timestamp) -> Verdict {
    let there = intent.fields.iter().all(|(name, sent)| {
        let of = |r: &'_ CompiledRow| r.row.crm.iter().position(|f| f == name);
        let found = cx.pair.rows.iter().find_map(|r| Some((r, of(r)?)));
        let kind = found.and_then(|(r, at)| r.crm.get(at).copied());
        let kind = kind.unwrap_or(FieldKind::Text);
        let appends = found.is_some_and(|(r, _)| r.row.flow.appends());
        row.fields.get(name).is_some_and(|is| {
            // Who wrote beside our lines did not undo them (sync-semantics 8.5).
            same(kind, is, sent)
                || appends && append::same_lines(&is.to_string(), &sent.to_string())
        })
    });
    let too_late = intent
        .unmodified_since
        .is_some_and(|guard| row.modified > guard);
    if there {
        Verdict::Applied
    } else if too_late || now >= sent_at(intent) + cx.settings.late {
        // A guarded request fails from the first foreign change on; any other one dies of age.
        Verdict::NotApplied
    } else {
        Verdict::Hold
    }
}

/// What a person reads about an error of the CRM.
pub fn failure_of(error: &CrmError) -> Failure {
    Failure {
        code: error.code.clone(),
        what: error.message.clone(),
        why: crate::crm::salesforce::why(error).to_owned(),
        fix: crate::crm::salesforce::remedy(error).to_owned(),
        fields: error.fields.iter().map(|f| f.as_str().to_owned()).collect(),
        request: error.request.clone(),
    }
}

/// What to do about one refused record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Read it again and plan again.
    Reread,
    /// Try the same again shortly.
    Again,
    /// Try the same again with fewer others, three times in all; then into quarantine.
    Smaller,
    /// Find the record that has our key.
    FindByKey,
    /// Into quarantine.
    PutAside,
    /// The object is described again, and the record goes on without the rows that are refused;
    /// where none is named, into quarantine.
    Describe,
    /// Back to the list, with all that would come after it.
    Stop,
    /// Back to the list; something else stopped it.
    Replan,
}

/// Decides what to do about a refusal.
pub fn reaction(intent: &Intent, error: &CrmError) -> Reaction {
    match crate::crm::salesforce::deed(error) {
        Deed::Repeat => Reaction::Again,
        Deed::Smaller => Reaction::Smaller,
        Deed::Reread => Reaction::Reread,
        Deed::FindByKey if intent.op == Op::Create => Reaction::FindByKey,
        Deed::Describe => Reaction::Describe,
        Deed::Stop => Reaction::Stop,
        Deed::FindByKey | Deed::PutAside | Deed::AskForSignIn | Deed::AnotherWay => {
            Reaction::PutAside
        }
        // Of a single record they say nothing about it.
        Deed::Replan | Deed::SlowDown | Deed::PutOff | Deed::Renew => Reaction::Replan,
    }
}
