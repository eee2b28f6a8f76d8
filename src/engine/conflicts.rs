//! The life of a conflict while records are reconciled (sync-semantics 12).
//!
//! Opens, moves and supersedes; what people decide is in `decisions`. Invariant: a conflict that
//! was opened ends in exactly one closed state and is never deleted.

use jiff::Timestamp;

use crate::domain::by_time::ByTime;
use crate::domain::conflict::{AgreedBase, Conflict, Fingerprint, Kind, Origin, State, Superseded};
use crate::domain::id::RowId;
use crate::domain::mapping::{Row, Strategy};
use crate::domain::reconcile::{Clocks, CompiledRow, cell_of};
use crate::domain::record::{AppRecord, BasePair, Link, Observation};
use crate::domain::run::{LogLine, Word};
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::store::StoreError;

use super::cx::RunCx;
use super::tx::Tx;

/// The two sides of a record when a conflict is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// App record.
    pub app: Option<&'a AppRecord>,
    /// CRM record.
    pub seen: Option<&'a Observation>,
}

impl Sides<'_> {
    /// The values of a row in the App and in the CRM, as far as they are known.
    pub fn cells(&self, row: &Row) -> (Option<Cell>, Option<Cell>) {
        let app = self.app.map(|app| &app.fields);
        let crm = self.seen.map(|seen| &seen.fields);
        (
            app.and_then(|fields| cell_of(Side::App, &row.app, fields)),
            crm.and_then(|fields| cell_of(Side::Crm, &row.crm, fields)),
        )
    }
}

/// Makes the conflict of a row from the values as they are.
pub fn of_row(
    tx: &Tx<'_>,
    cx: &RunCx,
    link: &Link,
    row: &CompiledRow,
    sides: Sides<'_>,
    now: Timestamp,
) -> Conflict {
    let base = link.bases.get(&row.row.id);
    let (app, crm) = sides.cells(&row.row);
    let kind = if base.is_some() {
        Kind::Field
    } else {
        Kind::FirstLink
    };
    Conflict {
        row: Some(row.row.id),
        fp: fingerprint(base, app.as_ref(), crm.as_ref()),
        base: base.map(agreed),
        app,
        crm,
        app_origin: app_origin(row, sides.app),
        ..of_record(tx, cx, link, kind, sides, now)
    }
}

/// Makes a conflict about a record as a whole.
pub fn of_record(
    tx: &Tx<'_>,
    cx: &RunCx,
    link: &Link,
    kind: Kind,
    sides: Sides<'_>,
    now: Timestamp,
) -> Conflict {
    Conflict {
        id: tx.new_conflict_id(),
        pair: link.pair.clone(),
        app_id: link.app_id.clone(),
        crm_id: link.crm_id,
        row: None,
        kind,
        fp: record_fingerprint(sides),
        base: None,
        app: None,
        crm: None,
        app_origin: Origin {
            at: sides.app.map(|a| a.updated_at),
            by: sides.app.map(|a| a.changed_by.clone()),
        },
        crm_origin: crm_origin(cx, sides.seen),
        state: State::Pending,
        moved: 0,
        run: cx.run,
        opened_at: now,
        closed_at: None,
        error: None,
        staged: None,
    }
}

/// Fingerprint of a row's values.
pub fn fingerprint(base: Option<&BasePair>, app: Option<&Cell>, crm: Option<&Cell>) -> Fingerprint {
    Fingerprint::of(base.map(|b| (&b.app, &b.crm)), app, crm)
}

/// Fingerprint of a record as a whole: any change of either side changes it.
pub fn record_fingerprint(sides: Sides<'_>) -> Fingerprint {
    let rev = sides.app.map(|a| vec![a.rev.to_string().as_str().into()]);
    let stamp = sides
        .seen
        .map(|s| vec![s.stamp.to_string().as_str().into()]);
    Fingerprint::of(None, rev.as_ref(), stamp.as_ref())
}

/// A base as a conflict shows it.
pub fn agreed(base: &BasePair) -> AgreedBase {
    AgreedBase {
        app: base.app.clone(),
        crm: base.crm.clone(),
        at: base.at,
        run: base.run,
    }
}

/// Where the App value of a row comes from.
pub fn app_origin(row: &CompiledRow, app: Option<&AppRecord>) -> Origin {
    let last = app.and_then(|a| {
        let times = row
            .row
            .app
            .iter()
            .filter_map(|f| Some((*a.changed_at.get(f)?, f)));
        times.max_by_key(|(at, _)| *at)
    });
    let typed = last.and_then(|(_, field)| app?.typed_by.get(field));
    Origin {
        at: last.map(|(at, _)| at),
        by: app.map(|_| typed.cloned().unwrap_or_else(|| "sync".to_owned())),
    }
}

/// Where the CRM's values come from.
pub fn crm_origin(cx: &RunCx, seen: Option<&Observation>) -> Origin {
    Origin {
        at: seen.map(|s| s.modified),
        by: seen.and_then(|s| s.modified_by).map(|id| {
            cx.users
                .name(&id)
                .map_or_else(|| id.to_string(), str::to_owned)
        }),
    }
}

/// What became of a conflict that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is new, or open again.
    New,
    /// It was open already.
    Known,
}

/// Opens a conflict, or brings the open one of the same row and kind up to date.
pub fn open(tx: &mut Tx<'_>, fresh: Conflict, now: Timestamp) -> Result<Found, StoreError> {
    let known = tx
        .open_conflicts(&fresh.pair, &fresh.app_id)?
        .into_iter()
        .find(|c| c.row == fresh.row);
    let Some(known) = known else {
        tx.put_conflict(&fresh, now)?;
        let line = LogLine {
            at: now,
            word: if fresh.row.is_some() {
                Word::Conf
            } else {
                Word::Del
            },
            run: Some(fresh.run),
            text: format!("run {}: {}", fresh.run, fresh.kind.cause()),
        };
        tx.history(&fresh.pair, &fresh.app_id, &line);
        return Ok(Found::New);
    };
    if known.fp == fresh.fp && known.kind == fresh.kind {
        return Ok(Found::Known);
    }
    // Either side moved: people with it open are told, and an ignored one is asked again.
    // A staged decision stays; it is refused when written, because it was made on other values.
    let again = known.state == State::Ignored;
    let moved = Conflict {
        id: known.id,
        opened_at: known.opened_at,
        moved: known.moved + 1,
        staged: known.staged,
        state: State::Pending,
        ..fresh
    };
    tx.put_conflict(&moved, now)?;
    Ok(if again { Found::New } else { Found::Known })
}

/// Closes the open conflict of a row, if there is one, because it went away by itself.
pub fn supersede(
    tx: &mut Tx<'_>,
    link: &Link,
    row: Option<RowId>,
    how: Superseded,
    now: Timestamp,
) -> Result<(), StoreError> {
    for conflict in tx.open_conflicts(&link.pair, &link.app_id)? {
        if conflict.row == row {
            close(tx, conflict, State::Superseded { how }, now)?;
        }
    }
    Ok(())
}

/// Closes a conflict for good.
pub fn close(
    tx: &mut Tx<'_>,
    mut conflict: Conflict,
    state: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    conflict.state = state;
    conflict.closed_at = Some(now);
    conflict.staged = None;
    if let (Kind::NormaliserFight { .. }, Some(row)) = (&conflict.kind, conflict.row) {
        // What was decided, or came to rest, begins anew.
        tx.put_chain(&conflict.pair, &conflict.app_id, row, None)?;
    }
    tx.put_conflict(&conflict, now)
}

/// The entry for a moved value that a rule overwrites: both values stay readable, and the times
/// that decided.
pub fn auto_resolved(
    mut conflict: Conflict,
    (strategy, winner): (Strategy, Side),
    clocks: &Clocks,
) -> Conflict {
    let by = match strategy.is_by_time() {
        true => ByTime::of(clocks, conflict.app_origin.at),
        false => None,
    };
    conflict.closed_at = Some(conflict.opened_at);
    conflict.state = match by {
        Some(by) => State::ByTime {
            strategy,
            winner,
            by,
        },
        None => State::AutoResolved { strategy, winner },
    };
    conflict
}
