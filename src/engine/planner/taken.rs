//! Takes in a CRM record that matches nothing: rule R2.
//!
//! Invariant: a link is made in the same transaction as its App record, and only what both sides
//! have is agreed.

use jiff::Timestamp;

use super::Reconciled;
use super::{crm_side, from_app, settled, sync_key_of, transform_failure};
use crate::appdb::{Author, Change, Expect};
use crate::domain::append::Appended;
use crate::domain::id::AppId;
use crate::domain::plan::{self, Act, App, Input, Survivor};
use crate::domain::reconcile::{Action, canon_of};
use crate::domain::record::{AppRecord, CrmPresence, Link, LinkState, Observation, Presence};
use crate::domain::transform::{Side, TransformError};
use crate::engine::cx::RunCx;
use crate::engine::tables::Child;
use crate::engine::tx::Tx;
use crate::error::Result;

/// Takes in a CRM record that is not linked and matches nothing: rule R2.
pub fn take_in(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    seen: Observation,
    app_id: AppId,
    now: Timestamp,
) -> Result<Reconciled> {
    let plan = {
        let input = Input {
            link: None,
            app: App::Absent,
            crm: crm_side(Some(&seen), Survivor::Free),
        };
        cx.with(tx, None, Some(&seen), &Appended::new(), now, |c| {
            plan::plan(c, &cx.pair, input)
        })
    };
    let mut out = Reconciled::default();
    match plan.act {
        Act::CreateInApp(fields) => {
            let record = tx
                .change_app(
                    cx.name(),
                    &Change {
                        table: cx.pair.pair.table.clone(),
                        id: app_id.clone(),
                        expect: Expect::New,
                        fields,
                        presence: Presence::Live,
                        sync_key: None,
                        by: Author::Run(cx.run),
                        at: now,
                    },
                )
                .map_err(from_app)?;
            tx.note_appended(&cx.pair, seen.id, &seen.fields)?;
            let mut link = new_link(cx, &record, seen, now);
            for outcome in &plan.rows {
                // Not agreed on: it is compared again when its parent is there.
                link.bases.remove(&outcome.row);
                if let Action::Failed(TransformError::WaitsFor { pair, id }) = &outcome.action {
                    let child = Child::App(cx.name().clone(), app_id.clone());
                    tx.wait_for(pair, id, &child);
                }
            }
            tx.put_link(link, None)?;
            out.pulled = true;
            out.created = true;
        }
        Act::Wait(TransformError::WaitsFor { pair, id }) => {
            tx.wait_for(&pair, &id, &Child::Crm(cx.name().clone(), seen.id));
            tx.put_inbox(cx.name(), &seen);
            out.waits = true;
        }
        Act::Failed(all) => {
            tx.put_inbox(cx.name(), &seen);
            for (row, error) in &all {
                out.fail(transform_failure(cx, *row, error));
            }
        }
        _ => out.skipped = true,
    }
    Ok(out)
}

/// A link of a record just taken in, with every row agreed.
fn new_link(cx: &RunCx, app: &AppRecord, seen: Observation, now: Timestamp) -> Link {
    let mut bases = std::collections::BTreeMap::new();
    for row in &cx.pair.rows {
        let Some(crm) = canon_of(Side::Crm, &row.row.crm, &row.crm, &seen.fields) else {
            continue;
        };
        let app = canon_of(Side::App, &row.row.app, &row.app, &app.fields).unwrap_or_default();
        bases.insert(row.row.id, settled(app, crm, cx, now));
    }
    let converted = seen.presence == CrmPresence::Converted;
    Link {
        pair: cx.name().clone(),
        app_id: app.id.clone(),
        crm_id: Some(seen.id),
        sync_key: sync_key_of(cx, &seen),
        state: if converted {
            LinkState::Converted
        } else {
            LinkState::Active
        },
        seen: Some(seen),
        bases,
        app_rev: app.rev,
        mapping_version: cx.pair.pair.version,
    }
}
