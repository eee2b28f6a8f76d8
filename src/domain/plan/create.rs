//! What a record that is made on either side is made with (rules R1 and R2).
//!
//! Invariant: a reference that cannot be told yet is left out only where it leads in a circle, and
//! lines only where they become records of their own.

use super::{Act, Plan, RecordRule, zip};
use crate::domain::id::RowId;
use crate::domain::mapping::Creates;
use crate::domain::reconcile::{
    self, Action, Compiled, Context, FieldRule, Outcome, Scope, cell_of,
};
use crate::domain::record::{AppRecord, Observation};
use crate::domain::transform::{Side, TransformError};
use crate::domain::value::{Fields, Value};

/// What is left out of a record that is made, by row.
pub(super) type Later = Vec<(RowId, Action)>;

/// A record that is made; references in `later` are written when their parent is there, lines when
/// the record is.
pub(super) fn made(rule: RecordRule, act: Act, later: Later) -> Plan {
    let waits = |(row, action)| Outcome {
        row,
        rule: FieldRule::F11,
        action,
        auto: None,
    };
    let rows = match &act {
        Act::CreateInCrm(_) | Act::CreateInApp(_) => later.into_iter().map(waits).collect(),
        _ => Vec::new(),
    };
    Plan { rule, act, rows }
}

/// References into a circle that cannot be told yet go into `later`, as do lines that find no room
/// and become records of their own.
pub(super) fn create_in_crm(
    cx: &Context<'_>,
    pair: &Compiled,
    app: &AppRecord,
    later: &mut Later,
) -> Act {
    if pair.pair.create_in_crm == Creates::Off || pair.pair.key_field.is_none() {
        return Act::Nothing;
    }
    if let Some(field) = pair.lacks() {
        return Act::Lacks(field.clone());
    }
    let mut fields = Fields::new();
    // What the record would hold, empty fields too.
    let mut values = Fields::new();
    let mut failed = Vec::new();
    for row in pair.rows.iter().filter(|r| r.goes_to_crm()) {
        let Some(cell) = cell_of(Side::App, &row.row.app, &app.fields) else {
            continue;
        };
        let sent = match row.row.flow.appends() {
            // Several rows may append to one field.
            true => reconcile::first_text(cx, row, &app.fields).and_then(|block| {
                let (Some(block), Some(field)) = (block, row.row.crm.first()) else {
                    return Ok(());
                };
                let now = fields.get(field).map(ToString::to_string);
                match block.fitted(&now.unwrap_or_default()) {
                    Ok(text) => drop(fields.insert(field.clone(), Value::text(text))),
                    Err(_) if block.overflows() => {
                        later.push((row.row.id, Action::Overflow(block)));
                    }
                    Err(error) => return Err(error),
                }
                Ok(())
            }),
            false => {
                let sent = row.gone(Side::Crm, &cell, cx.lookup);
                sent.map(|value| {
                    values.extend(zip(&row.row.crm, &value));
                    fields.extend(zip(&row.row.crm, &value).filter(|(_, v)| !v.is_null()));
                })
            }
        };
        match sent {
            Ok(()) => {}
            Err(error @ TransformError::WaitsFor { .. })
                if pair.deferrable.contains(&row.row.id) =>
            {
                later.push((row.row.id, Action::Failed(error)));
            }
            Err(error @ TransformError::WaitsFor { .. }) if failed.is_empty() => {
                return Act::Wait(error);
            }
            Err(TransformError::WaitsFor { .. }) => {}
            Err(error) => failed.push((row.row.id, error)),
        }
    }
    if !failed.is_empty() {
        return Act::Failed(failed);
    }
    values.extend(fields.clone());
    match pair.scope_of_new(&values, cx.now) {
        Scope::Inside => Act::CreateInCrm(fields),
        scope @ (Scope::Outside | Scope::Unknown) => Act::NotMade(scope),
    }
}

pub(super) fn create_in_app(
    cx: &Context<'_>,
    pair: &Compiled,
    seen: &Observation,
    later: &mut Later,
) -> Act {
    if pair.pair.create_in_app == Creates::Off {
        return Act::Nothing;
    }
    let mut fields = Fields::new();
    let mut failed = Vec::new();
    for row in pair.rows.iter().filter(|r| r.row.flow.writes(Side::App)) {
        let Some(cell) = cell_of(Side::Crm, &row.row.crm, &seen.fields) else {
            continue;
        };
        match row.row.to_app.apply(Side::App, &cell, cx.lookup) {
            Ok(value) => {
                let named = row.row.app.iter().cloned().zip(value);
                fields.extend(named.filter(|(_, v)| !v.is_null()));
            }
            Err(error @ TransformError::WaitsFor { .. })
                if pair.deferrable.contains(&row.row.id) =>
            {
                later.push((row.row.id, Action::Failed(error)));
            }
            Err(error @ TransformError::WaitsFor { .. }) if failed.is_empty() => {
                return Act::Wait(error);
            }
            Err(TransformError::WaitsFor { .. }) => {}
            Err(error) => failed.push((row.row.id, error)),
        }
    }
    if failed.is_empty() {
        Act::CreateInApp(fields)
    } else {
        Act::Failed(failed)
    }
}
