//! Deletes of records that hang on others that are to be deleted as well go first
//! (sync-semantics 7.2).
//!
//! Creates go parents first, by the order in which pairs run; deletes have to go the other way.
//! Sends nothing. Invariant: only records that wait to be deleted, and whose parent waits to be
//! deleted too, are put in front.

use std::collections::BTreeSet;

use crate::appdb::AppDb as _;
use crate::appdb::embedded::ids_after;
use crate::domain::id::{AppId, FieldName, PairName};
use crate::domain::mapping::{DeletePolicy, Pair};
use crate::domain::record::{CrmPresence, Link, LinkState, Presence};
use crate::domain::transform::Step;
use crate::error::Result;

use super::super::state::State;
use super::super::tables::TODO;

/// Records looked through at once.
const TOGETHER: usize = 500;

/// What waits to be deleted in the CRM before these pairs run, the deepest first.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn deletes_before(
    state: &State,
    chosen: &[PairName],
) -> Result<Vec<(PairName, Vec<AppId>)>> {
    let pairs = state.pairs()?;
    let mut out: Vec<(PairName, Vec<AppId>)> = Vec::new();
    for name in chosen {
        let Some(pair) = pairs.iter().find(|pair| pair.name == *name) else {
            continue;
        };
        if !pairs.iter().any(|child| is_child(child, pair)) {
            continue;
        }
        let doomed = doomed(state, pair)?;
        let doomed = doomed
            .iter()
            .filter_map(|link| Some(link.crm_id?.to_string()));
        below(
            state,
            &pairs,
            pair,
            &doomed.collect(),
            &mut vec![name.clone()],
            &mut out,
        )?;
    }
    Ok(out)
}

fn is_child(child: &Pair, parent: &Pair) -> bool {
    child.on_app_delete == DeletePolicy::Propagate && child.parents().any(|p| *p == parent.name)
}

/// Puts what hangs on these records, and waits to be deleted, behind what hangs on that.
fn below(
    state: &State,
    pairs: &[Pair],
    parent: &Pair,
    parents: &BTreeSet<String>,
    path: &mut Vec<PairName>,
    out: &mut Vec<(PairName, Vec<AppId>)>,
) -> Result<()> {
    if parents.is_empty() {
        return Ok(());
    }
    for child in pairs.iter().filter(|child| is_child(child, parent)) {
        // Pairs that refer to each other have no order.
        if path.contains(&child.name) {
            continue;
        }
        let fields = references(child, &parent.name);
        let mut hanging = doomed(state, child)?;
        hanging.retain(|link| {
            let seen = link.seen.as_ref();
            let is_of = |field| {
                let id = seen.and_then(|seen| seen.fields.get(field));
                id.is_some_and(|id| parents.contains(&id.to_string()))
            };
            fields.iter().any(is_of)
        });
        let ids = hanging
            .iter()
            .filter_map(|link| Some(link.crm_id?.to_string()));
        path.push(child.name.clone());
        below(state, pairs, child, &ids.collect(), path, out)?;
        path.pop();
        let mut fresh: Vec<AppId> = hanging.into_iter().map(|link| link.app_id).collect();
        let known = out.iter().filter(|(pair, _)| *pair == child.name);
        let known: BTreeSet<&AppId> = known.flat_map(|(_, ids)| ids).collect();
        fresh.retain(|id| !known.contains(id));
        if !fresh.is_empty() {
            out.push((child.name.clone(), fresh));
        }
    }
    Ok(())
}

/// Fields of a pair's object that hold the CRM's ids of another pair's records.
fn references(pair: &Pair, parent: &PairName) -> Vec<FieldName> {
    let rows = pair.active().filter(|row| {
        let steps = row.to_crm.0.iter().chain(&row.to_app.0);
        steps
            .into_iter()
            .any(|step| matches!(step, Step::Link(to) if to == parent))
    });
    rows.flat_map(|row| row.crm.iter().cloned()).collect()
}

/// Links of a pair whose record waits to be deleted in the CRM.
fn doomed(state: &State, pair: &Pair) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    if pair.on_app_delete != DeletePolicy::Propagate || state.counters(&pair.name).waiting == 0 {
        return Ok(links);
    }
    let mut look = |ids: &[AppId]| -> Result<()> {
        for id in ids {
            let app = state.app_record(&pair.table, id)?;
            if app.is_none_or(|app| app.presence != Presence::Deleted) {
                continue;
            }
            let waits = |link: &Link| {
                let seen = link.seen.as_ref().map(|seen| seen.presence);
                link.state == LinkState::Active && seen == Some(CrmPresence::Live)
            };
            links.extend(state.link(&pair.name, id)?.filter(waits));
        }
        Ok(())
    };
    let mut after: Option<AppId> = None;
    loop {
        let ids = state.app().waiting(&pair.table, after.as_ref(), TOGETHER)?;
        look(&ids)?;
        match ids.last() {
            Some(last) => after = Some(last.clone()),
            None => break,
        }
    }
    let mut after: Option<AppId> = None;
    loop {
        let name = pair.name.as_str();
        let mut ids = ids_after(state.store(), &TODO, name, after.as_ref(), TOGETHER)?;
        let Some(last) = ids.last().cloned() else {
            break;
        };
        // What is in the outbox as well was looked at there.
        let mut fresh = Vec::with_capacity(ids.len());
        for id in ids.drain(..) {
            if !state.app().waits(&pair.table, &id)? {
                fresh.push(id);
            }
        }
        look(&fresh)?;
        after = Some(last);
    }
    Ok(links)
}
