//! Owners that are deactivated in the CRM, and queues where it takes none: their records go to the user
//! that the row names instead (sync-semantics 22, `owner_fallback`).
//!
//! Which one that is, is the step's business; here it is learned from a refusal, told, and looked at
//! before a mapping is used. Invariant: of a record that goes to somebody else only the owner is
//! another; and a person is told.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::id::{CrmId, FieldName};
use crate::domain::mapping::{Pair, Row};
use crate::domain::reconcile::Queues;
use crate::domain::run::{LogLine, Word};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::{Side, Step as Change, is_queue};
use crate::domain::value::{Fields, Value};
use crate::store::StoreError;
use crate::store::keys::Key;

use super::cx::{RunCx, Users};
use super::state::State;
use super::tables::{Intent, USERS};
use super::tx::Tx;
use super::view::Problem;
use super::work::{Step, Work};

/// What a write is refused with that gives a record to a deactivated user (salesforce-api 8).
pub(super) const INACTIVE: &str = "INACTIVE_OWNER_OR_USER";

impl Work {
    /// Notes that the owners of a refused write are deactivated, whatever was read of them: of the
    /// fields that the refusal names, or of the only one there is. Gives whether the record can be planned again, as another one takes their place.
    pub(super) fn owner_is_gone(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        named: &[FieldName],
    ) -> Step<bool> {
        let rows = with_fallback(&self.cx.pair.pair);
        // A refusal may be of another field that names a user.
        let is_user = |step: &Change| matches!(step, Change::User | Change::UserOr(_));
        let writing = self
            .cx
            .pair
            .pair
            .active()
            .filter(|row| row.flow.writes(Side::Crm));
        let users = writing
            .filter(|row| row.to_crm.0.iter().any(is_user))
            .count();
        let mut another = false;
        for (row, field) in rows {
            if !named.contains(field) && (!named.is_empty() || users > 1) {
                continue;
            }
            let owner = intent.fields.get(field).and_then(Value::as_text);
            let Some(id) = owner.and_then(|id| id.parse::<CrmId>().ok()) else {
                continue;
            };
            let Some(user) = self.cx.users.deactivate(&id) else {
                continue;
            };
            tx.put(&USERS, &Key::new().text(id.as_str()), user);
            let fallback = row.to_crm.fallback().unwrap_or_default();
            another |= self.cx.users.active_id(fallback).is_some();
        }
        Ok(another)
    }
}

/// Rows that name somebody for deactivated owners, with their field.
fn with_fallback(pair: &Pair) -> Vec<(Row, &FieldName)> {
    let rows = pair.active().filter(|row| row.flow.writes(Side::Crm));
    let rows = rows.filter(|row| row.to_crm.fallback().is_some());
    rows.filter_map(|row| Some((row.clone(), row.crm.first()?)))
        .collect()
}

/// Tells of owners that somebody else took the place of in a write that happened.
pub(super) fn tell(tx: &mut Tx<'_>, cx: &RunCx, intent: &Intent, now: Timestamp) {
    for (row, field) in with_fallback(&cx.pair.pair) {
        let agreed = intent.agreed.iter().find(|agreed| agreed.row == row.id);
        let wanted = agreed.and_then(|agreed| agreed.app.first()?.as_text());
        let sent = intent.fields.get(field).and_then(Value::as_text);
        let (Some(wanted), Some(sent)) = (wanted, sent) else {
            continue;
        };
        let id = sent.parse::<CrmId>().ok();
        let is_meant = |email: String| email.eq_ignore_ascii_case(wanted);
        if id.and_then(|id| cx.users.email(&id)).is_none_or(is_meant) {
            continue;
        }
        let who = id.and_then(|id| cx.users.name(&id)).unwrap_or(sent);
        let why = match cx.users.id(wanted).is_some_and(|id| is_queue(&id)) {
            true => "the queue it names cannot own it",
            false => "the user it names is not active in Salesforce",
        };
        let text = format!("{field}: {why}; {who} has it");
        let line = LogLine {
            at: now,
            word: Word::Warn,
            run: Some(cx.run),
            text: text.clone(),
        };
        tx.history(&intent.pair, &intent.app_id, &line);
        let record = format!("{}/{}", intent.pair, intent.app_id);
        tx.log(now, Word::Warn, Some(cx.run), format!("{record}: {text}"));
    }
}

/// Queues that the App, or a row, names as owners where the object takes users only.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn queues(
    state: &State,
    pair: &Pair,
    object: &ObjectInfo,
    values: &[Fields],
) -> Result<Vec<Problem>, StoreError> {
    let refuses = |row: &&Row| {
        let field = row
            .crm
            .first()
            .and_then(|field| object.field(field.as_str()));
        row.flow.writes(Side::Crm)
            && row.to_crm.names_user()
            && field.is_some_and(|field| Queues::of(field) == Queues::Refused)
    };
    let rows: Vec<&Row> = pair.active().filter(refuses).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let users = Users::new(state.users()?);
    let is_queue = |name: &str| users.id(name.trim()).is_some_and(|id| is_queue(&id));
    let mut found = Vec::new();
    for row in rows {
        let field = row.label(Side::Crm);
        let mut problem = |word, text, fix: &str| {
            found.push(Problem {
                row: Some(row.id),
                word,
                text,
                fix: fix.to_owned(),
            });
        };
        match row.to_crm.fallback() {
            Some(fallback) if is_queue(fallback) => problem(
                Word::Fail,
                format!("{fallback} is a queue, and {field} takes users only"),
                "name the e-mail address of an active user: user(\"ADDRESS\")",
            ),
            // It takes their place.
            Some(_) => {}
            None => {
                let named = values.iter().flat_map(|fields| {
                    let cells = row
                        .app
                        .iter()
                        .filter_map(|name| fields.get(name)?.as_text());
                    cells.filter(|name| is_queue(name))
                });
                let named: BTreeSet<&str> = named.collect();
                if let Some(queue) = named.first() {
                    problem(
                        Word::Warn,
                        format!("{queue} is a queue, and {field} takes users only"),
                        "name who gets these records instead: user(\"ADDRESS\")",
                    );
                }
            }
        }
    }
    Ok(found)
}

/// What is wrong with those who are named for deactivated owners, as far as the users were read.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn problems(state: &State, pair: &Pair) -> Result<Vec<Problem>, StoreError> {
    let rows = with_fallback(pair);
    let known = match rows.is_empty() {
        true => Vec::new(),
        false => state.users()?,
    };
    // Nobody has signed in yet.
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let users = Users::new(known);
    let problem = |(row, _): (Row, &FieldName)| {
        let fallback = row.to_crm.fallback()?;
        if users.active_id(fallback).is_some() {
            return None;
        }
        let text = match users.id(fallback) {
            Some(_) => {
                format!("{fallback}, who gets the records of deactivated owners, is not active")
            }
            None => format!(
                "Salesforce has no user {fallback} to give the records of deactivated owners"
            ),
        };
        Some(Problem {
            row: Some(row.id),
            word: Word::Fail,
            text,
            fix: "name the e-mail address of an active user: user(\"ADDRESS\")".to_owned(),
        })
    };
    Ok(rows.into_iter().filter_map(problem).collect())
}
