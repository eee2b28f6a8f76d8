//! Conflicts that were decided, as they can be taken back: how each was, and the values it was
//! about.
//!
//! Reads only. Invariant: of a row the latest decision is shown, which is the one that can be
//! taken back.

use crate::domain::by_time::{Basis, ByTime};
use crate::domain::conflict::{Choice, Conflict, State as Standing};
use crate::domain::id::RunId;
use crate::domain::mapping::Pair;
use crate::domain::reconcile::{Clocks, canon_cell};
use crate::domain::record::BasePair;
use crate::domain::run::{Cause, Word};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Value};
use crate::engine::command::RecordKey;
use crate::engine::decisions::look::{self, Resolution, RowNow};
use crate::engine::decisions::{Case, Desk};
use crate::engine::naming::record_name;
use crate::engine::state::State;
use crate::engine::view::{ConflictField, ConflictRow, FieldStanding};
use crate::error::Result;

use super::conflicts::field;

/// A record of which conflicts were decided, in the list.
pub(super) fn row(
    state: &State,
    key: RecordKey,
    pair: &Pair,
    decided: &[Conflict],
) -> Result<Option<ConflictRow>> {
    let Some(last) = decided.iter().max_by_key(|c| c.id) else {
        return Ok(None);
    };
    let app = state.app_record(&pair.table, &key.app_id)?;
    let link = state.link(&key.pair, &key.app_id)?;
    let staged = look::overrules(state, &key)?;
    Ok(Some(ConflictRow {
        name: record_name(
            pair,
            app.as_ref(),
            link.as_ref().and_then(|l| l.seen.as_ref()),
        ),
        object: pair.object.clone(),
        word: Word::Ok,
        waits_for: match staged.is_empty() {
            true => short(&last.state).to_owned(),
            false => "w to write".to_owned(),
        },
        open: 0,
        decided: u32::try_from(staged.len()).unwrap_or(u32::MAX),
        since: last.closed_at.unwrap_or(last.opened_at),
        // Decisions on many are for open ones.
        conflicts: Vec::new(),
        key,
    }))
}

/// Rows of a record whose conflicts were decided.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn fields(
    state: &State,
    desk: &Desk,
    case: &Case,
    resolution: &Resolution,
    decided: &[Conflict],
    clocks: &Clocks,
) -> Result<Vec<ConflictField>> {
    let mut fields = Vec::new();
    for row in case.rows(&desk.cx) {
        let Some(closed) = decided.iter().find(|c| c.row == Some(row.row.row.id)) else {
            continue;
        };
        let mut note = how(closed);
        if let Some(by) = taken_back(state, &row)? {
            note = format!("{note}; run {by} took that back, and both sides keep what they have");
        }
        note = format!("{note}. The values are those it was about: {}", now(&row));
        let standing = match row.overrule {
            Some(staged) => FieldStanding::Decided(look::said(closed, &staged.choice)),
            None => FieldStanding::Settled,
        };
        let shown = field(desk, case, resolution, &row, standing, clocks);
        fields.push(ConflictField {
            base: closed.base.clone(),
            app: closed.app.clone(),
            crm: closed.crm.clone(),
            app_origin: closed.app_origin.clone(),
            crm_origin: closed.crm_origin.clone(),
            note: Some(note),
            ..shown
        });
    }
    Ok(fields)
}

/// Characters of a value in a sentence.
const SHOWN: usize = 60;

/// What both sides have by now, which is not what was decided about.
fn now(row: &RowNow<'_>) -> String {
    let text = |cell: &Option<Cell>| {
        let values = cell.iter().flatten().map(|value| match value {
            Value::Null => "(null)".to_owned(),
            value => value.to_string(),
        });
        let all = values.collect::<Vec<_>>().join(" | ");
        match all.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}..", all.get(..at).unwrap_or_default()),
            None => all,
        }
    };
    let (app, crm) = (text(&row.app), text(&row.crm));
    match app == crm {
        true => format!("now both sides have {app}"),
        false => format!("now the App has {app}, and Salesforce {crm}"),
    }
}

/// The run that put back what was decided, if the field is as that left it.
fn taken_back(state: &State, row: &RowNow<'_>) -> Result<Option<RunId>> {
    let is = |kinds, cell: &Option<Cell>, was: &Cell| {
        let cell = cell.as_ref().map(|cell| canon_cell(kinds, cell));
        cell.as_ref() == Some(was)
    };
    let as_left = |base: &BasePair| {
        is(&row.row.app, &row.app, &base.app) && is(&row.row.crm, &row.crm, &base.crm)
    };
    let last = match row.base.filter(|base| as_left(base)) {
        Some(base) => state.run(base.run)?,
        None => None,
    };
    let last = last.filter(|run| matches!(run.cause, Cause::Undo(_)));
    Ok(last.map(|run| run.id))
}

/// Who decided, in two words.
fn short(state: &Standing) -> &'static str {
    match state {
        Standing::Resolved { .. } => "a person",
        Standing::ByTime { .. } => "by time",
        _ => "by rule",
    }
}

/// How a conflict was decided.
fn how(closed: &Conflict) -> String {
    let when = closed.closed_at.unwrap_or(closed.opened_at);
    let when = when.strftime("%Y-%m-%d %H:%M UTC");
    match &closed.state {
        Standing::Resolved { choice } => format!("a person decided {when}: {}", taken(choice)),
        Standing::AutoResolved { strategy, winner } => {
            format!(
                "rule {} decided {when}: {}",
                strategy.name(),
                value(*winner)
            )
        }
        Standing::ByTime {
            strategy,
            winner,
            by,
        } => format!(
            "rule {} decided {when}: {}; {}",
            strategy.name(),
            value(*winner),
            times(by)
        ),
        _ => String::new(),
    }
}

fn taken(choice: &Choice) -> &'static str {
    match choice {
        Choice::Take(side) => value(*side),
        Choice::Base => "the last agreed value",
        Choice::Typed { .. } => "a typed value",
        Choice::Both => "both texts",
        Choice::Ignore => "neither",
    }
}

fn value(side: Side) -> &'static str {
    match side {
        Side::App => "the App's value",
        Side::Crm => "Salesforce's value",
    }
}

/// The times that decided, as the log keeps them (sync-semantics 13.6).
fn times(by: &ByTime) -> String {
    let at = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let of = match by.basis {
        Basis::Record => "that of the record",
    };
    format!(
        "the App's is of {}, Salesforce's of {} ({of}), by Salesforce's clock; within {}.{} s it \
         cannot be told",
        at(by.app),
        at(by.crm),
        by.error_ms / 1_000,
        by.error_ms % 1_000 / 100
    )
}
