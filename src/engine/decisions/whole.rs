//! Decisions about a record as a whole: made again, deleted, brought back, linked
//! (sync-semantics 5.1, 14).
//!
//! Invariant: field conflicts of a record that is decided as a whole end with it.

use crate::domain::append;
use crate::domain::conflict::{State, Superseded};
use crate::domain::id::ConflictId;
use crate::domain::mapping::OnFull;
use crate::domain::reconcile::canon_cell;
use crate::domain::record::{CrmPresence, LinkState, Observation, Presence};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields, Value};
use crate::engine::conflicts;
use crate::engine::planner::{self, Write};
use crate::engine::tables::{Agreed, Op, UNLINKED, record_key};
use crate::engine::undo::End;
use crate::error::Result;

use super::case::{self, Case};
use super::outcome::Whole;
use super::overrules;
use super::prepare::{Prepared, Work};

/// Does it, or makes the intent for it.
pub fn apply(work: &mut Work<'_, '_>, decided: ConflictId, act: &Whole) -> Result<Prepared> {
    end_fields(work, decided)?;
    match act {
        Whole::CreateInCrm(fields) => create(work, decided, fields.clone()),
        Whole::DeleteInCrm(_) => {
            let write = Write {
                op: Op::Delete,
                // No condition of the CRM's own: whoever deletes reads again and compares.
                unmodified_since: work.case.seen.as_ref().map(|s| s.modified),
                ..blank(work)
            };
            work.send(&write, Fields::new(), vec![decided])
        }
        Whole::DeleteInApp => delete_in_app(work, decided),
        Whole::DeleteBoth(_) => {
            let gone = work.change_app(Fields::new(), Presence::Deleted)?;
            follow(work, decided)?;
            let write = Write {
                op: Op::Delete,
                unmodified_since: work.case.seen.as_ref().map(|s| s.modified),
                app_rev: gone.map_or(0, |app| app.rev),
                ..blank(work)
            };
            work.send(&write, Fields::new(), vec![decided])
        }
        Whole::BringBack(fields) => {
            let app = work.change_app(Fields::new(), Presence::Live)?;
            let back = Case {
                app,
                ..work.case.clone()
            };
            let mut work = Work {
                tx: work.tx,
                cx: work.cx,
                case: &back,
                now: work.now,
            };
            create(&mut work, decided, fields.clone())
        }
        Whole::RestoreInApp(fields, agreed) => restore(work, decided, fields.clone(), agreed),
        Whole::LinkTo(seen) => link_to(work, decided, seen),
    }
}

fn blank(work: &Work<'_, '_>) -> Write {
    Write {
        app_id: work.case.key.app_id.clone(),
        crm_id: work.case.link.crm_id,
        sync_key: None,
        op: Op::Update,
        fields: Fields::new(),
        agreed: Vec::new(),
        app_rev: work.case.app.as_ref().map_or(0, |a| a.rev),
        unmodified_since: None,
        auto: Vec::new(),
        name: work.case.name.clone(),
    }
}

fn end_fields(work: &mut Work<'_, '_>, decided: ConflictId) -> Result<()> {
    for conflict in &work.case.conflicts {
        if conflict.id != decided {
            let state = State::Superseded {
                how: Superseded::Record,
            };
            conflicts::close(work.tx, conflict.clone(), state, work.now)?;
        }
    }
    Ok(overrules::forget(work.tx, &work.case.key, |_| true)?)
}

/// A new record with a key of its own: the old one may still hold the old key in the recycle
/// bin, and a key is never used again (sync-semantics 14.7). From here on the App record counts
/// as one that was never in the CRM, so that a lost answer is found by the key like any other.
fn create(work: &mut Work<'_, '_>, decided: ConflictId, mut fields: Fields) -> Result<Prepared> {
    let from_birth = work.case.app.as_ref().and_then(|app| app.sync_key.as_ref());
    let key = match (
        work.case.link.crm_id,
        work.case.link.sync_key.as_ref().or(from_birth),
    ) {
        // An earlier try may have arrived after all: only the same key tells.
        (None, Some(key)) => key.clone(),
        _ => work.cx.new_sync_key(&work.case.key.app_id),
    };
    if let Some(name) = &work.cx.pair.pair.key_field {
        fields.insert(name.clone(), Value::text(key.as_str()));
    }
    let mut agreed = Vec::new();
    for row in &work.cx.pair.rows {
        // Lines that may find no room are compared once the record is there.
        let overflows = row.row.flow.on_full() == Some(OnFull::Child);
        if !row.row.flow.writes(Side::Crm) || overflows {
            continue;
        }
        let sent = row.row.crm.iter();
        let sent: Cell = sent
            .map(|f| fields.get(f).cloned().unwrap_or_default())
            .collect();
        let app = work.case.row(row).app.unwrap_or_default();
        let sent = append::agreed_crm(row.row.flow, vec![Value::Null; sent.len()], sent);
        agreed.push(Agreed {
            row: row.row.id,
            app: canon_cell(&row.app, &app),
            crm: canon_cell(&row.crm, &sent),
        });
    }
    let mut link = work.stored_link()?;
    link.crm_id = None;
    link.seen = None;
    link.bases.clear();
    link.sync_key = Some(key.clone());
    link.state = LinkState::Unlinked;
    work.tx.put_link(link, work.case.stored)?;
    let record = &work.case.key;
    let at = record_key(&record.pair, &record.app_id);
    work.tx.put(&UNLINKED, &at, &());
    // If it is never sent, the next run makes it.
    work.tx.todo(&record.pair, &record.app_id)?;
    follow(work, decided)?;
    let write = Write {
        crm_id: None,
        sync_key: Some(key),
        op: Op::Create,
        fields,
        agreed,
        ..blank(work)
    };
    work.send(&write, Fields::new(), vec![decided])
}

/// The record was changed here, not by anybody else: if what is sent is refused, the decision still
/// stands, and writing it again does the rest.
fn follow(work: &mut Work<'_, '_>, decided: ConflictId) -> Result<()> {
    let now = case::load(work.tx, work.cx, &work.case.key, work.now)?;
    if let (Some(now), Some(mut conflict)) = (now, work.tx.conflict(decided)?) {
        conflict.fp = now.whole_fp();
        if let Some(staged) = &mut conflict.staged {
            staged.fp = conflict.fp;
        }
        work.tx.put_conflict(&conflict, work.now)?;
    }
    Ok(())
}

fn delete_in_app(work: &mut Work<'_, '_>, decided: ConflictId) -> Result<Prepared> {
    let mut link = work.stored_link()?;
    let app = work.change_app(Fields::new(), Presence::Deleted)?;
    // A record deleted in the CRM may be undeleted there, which brings this one back; one that
    // was merged into another is gone for good.
    let gone = work.case.seen.as_ref().map(|s| s.presence);
    link.state = match gone {
        Some(CrmPresence::Merged(_)) => LinkState::Closed,
        // It was never there.
        None if link.crm_id.is_none() => LinkState::Closed,
        _ => LinkState::CrmDeleted,
    };
    let key = &work.case.key;
    if let Some(app) = &app {
        link.app_rev = app.rev;
        work.tx.settle(&key.pair, app)?;
    }
    work.tx.done(&key.pair, &key.app_id)?;
    work.tx.put_link(link, work.case.stored)?;
    work.resolve(&[decided])?;
    work.report("marked as deleted in the App".to_owned())?;
    Ok(Prepared::AppOnly)
}

fn restore(
    work: &mut Work<'_, '_>,
    decided: ConflictId,
    fields: Fields,
    agreed: &[Agreed],
) -> Result<Prepared> {
    let mut link = work.stored_link()?;
    let app = work.change_app(fields, Presence::Live)?;
    work.agree(&mut link, agreed);
    link.state = LinkState::Active;
    link.app_rev = app.map_or(link.app_rev, |a| a.rev);
    let key = &work.case.key;
    work.tx.put_link(link, work.case.stored)?;
    // Rows that only go to the CRM are compared by the next run.
    work.tx.todo(&key.pair, &key.app_id)?;
    work.resolve(&[decided])?;
    work.report("brought back in the App as Salesforce has it".to_owned())?;
    Ok(Prepared::AppOnly)
}

fn link_to(work: &mut Work<'_, '_>, decided: ConflictId, seen: &Observation) -> Result<Prepared> {
    work.resolve(&[decided])?;
    let key = &work.case.key;
    work.tx.drop_inbox(&key.pair, &seen.id)?;
    let mut link = work.stored_link()?;
    let before = End::of(&link);
    link.crm_id = Some(seen.id);
    link.state = LinkState::Active;
    work.tx
        .linked(work.cx.run, &link.app_id, before, End::of(&link));
    link.seen = Some(seen.clone());
    let done = planner::reconcile(work.tx, work.cx, link, work.case.stored, work.now)?;
    // What the fields need is the next run's business: it reads the record before it writes.
    if done.write.is_some() || done.needs_read.is_some() || done.failure.is_some() {
        work.tx.todo(&key.pair, &key.app_id)?;
    }
    work.report(format!("linked with Salesforce record {}", seen.id))?;
    Ok(Prepared::AppOnly)
}
