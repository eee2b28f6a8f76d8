//! Links that people make and end by hand (sync-semantics 3).
//!
//! Blocking; whether the CRM has the record is found out before. Invariants: a CRM record is
//! linked at most once in a pair; a link that was ended is not made again by itself, and neither
//! record is changed by ending it.

use jiff::Timestamp;

use crate::domain::conflict::{State as Standing, Superseded};
use crate::domain::id::{AppId, CrmId, PairName};
use crate::domain::listing::Shape;
use crate::domain::mapping::Pair;
use crate::domain::record::{CrmPresence, Link, LinkState, Presence};
use crate::engine::audit::{Draft, What};
use crate::engine::command::{Page, RecordKey, Values};
use crate::engine::naming::record_name;
use crate::engine::state::State;
use crate::engine::tables::{INBOX, UNPLACED, record_key};
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::Candidate;
use crate::engine::wanted::Wanted;
use crate::engine::{conflicts, decisions, mappings};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// CRM records that are offered at once.
const OFFERED: usize = 200;

/// Whether the App record and the CRM record may be linked; gives the pair.
///
/// # Errors
/// When one of them is linked, the App record is gone, or a write of it is not known to be over.
pub fn may_link(state: &State, key: &RecordKey, crm_id: &CrmId) -> Result<Pair> {
    let pair = mappings::pair(state, &key.pair)?;
    let tx = state.begin();
    free(&tx, &pair, key, crm_id)?;
    Ok(pair)
}

/// What is linked with each of the two, when both are free.
struct Free {
    /// The ended link of the App record.
    link: Option<Link>,
    /// The ended link that still has the CRM record, of another App record.
    holder: Option<Link>,
}

fn free(tx: &Tx<'_>, pair: &Pair, key: &RecordKey, crm_id: &CrmId) -> Result<Free> {
    let app = tx.app_record(&pair.table, &key.app_id)?;
    let app = app.ok_or_else(|| super::detail::missing(&key.pair, &key.app_id))?;
    if app.presence == Presence::Deleted {
        let text = format!("the record was deleted by {}", app.changed_by);
        return Err(Error::new(Kind::Changed, text));
    }
    settled(tx, key)?;
    let link = tx.link(&key.pair, &key.app_id)?;
    if let Some((link, id)) = link.as_ref().and_then(|l| Some((l, l.crm_id?)))
        && link.state != LinkState::Closed
    {
        let text = format!("this record is linked with {id} in Salesforce");
        return Err(Error::new(Kind::Refused, text).hint("unlink it first"));
    }
    let holder = match tx.by_crm(&key.pair, crm_id)? {
        Some(other) if other != key.app_id => tx.link(&key.pair, &other)?,
        _ => None,
    };
    if let Some(other) = holder.as_ref().filter(|h| h.state != LinkState::Closed) {
        let app = tx.app_record(&pair.table, &other.app_id)?;
        let name = record_name(pair, app.as_ref(), other.seen.as_ref());
        let text = format!(
            "{crm_id} is linked with {name} ({}/{})",
            key.pair, other.app_id
        );
        return Err(Error::new(Kind::Refused, text).hint("unlink that record first"));
    }
    Ok(Free { link, holder })
}

/// No write of the record is open.
fn settled(tx: &Tx<'_>, key: &RecordKey) -> Result<()> {
    if tx.state().open_intent(&key.pair, &key.app_id)?.is_some() {
        let text = "a write of this record is not known to be over";
        return Err(Error::new(Kind::Refused, text).hint("sync, and try again after that"));
    }
    Ok(())
}

/// Links an App record with a CRM record that is there. The next run reads it and compares both
/// sides as at any first link.
///
/// # Errors
/// As [`may_link`].
pub fn link(
    state: &State,
    key: &RecordKey,
    crm_id: CrmId,
    person: &str,
    now: Timestamp,
) -> Result<()> {
    let pair = mappings::pair(state, &key.pair)?;
    let mut tx = state.begin();
    let Free { link, holder } = free(&tx, &pair, key, &crm_id)?;
    if let Some(mut holder) = holder {
        holder.crm_id = None;
        holder.seen = None;
        tx.put_link(holder, Some(crm_id))?;
    }
    end_questions(&mut tx, key, now)?;
    let was = link.as_ref().and_then(|l| l.crm_id);
    if let Some(left) = link.as_ref().and_then(|l| l.seen.clone())
        && left.id != crm_id
        && left.presence == CrmPresence::Live
    {
        // The record it was linked with before is nobody's now, and is taken in like any other.
        tx.put_inbox(&key.pair, &left);
    }
    tx.drop_inbox(&key.pair, &crm_id)?;
    let link = Link {
        pair: key.pair.clone(),
        app_id: key.app_id.clone(),
        crm_id: Some(crm_id),
        sync_key: link.and_then(|l| l.sync_key),
        state: LinkState::Active,
        seen: None,
        bases: std::collections::BTreeMap::new(),
        app_rev: 0,
        mapping_version: pair.version,
    };
    tx.put_link(link, was)?;
    tx.delete(&UNPLACED, &record_key(&key.pair, &key.app_id));
    tx.todo(&key.pair, &key.app_id)?;
    let text = format!("{person} linked it with {crm_id} in Salesforce");
    tx.history(&key.pair, &key.app_id, &super::line(now, text));
    let text = format!("{} with {crm_id}", key.app_id);
    tx.audit(Draft::new(now, person, What::Linked, text).pair(&key.pair));
    Ok(tx.commit(Durability::Now)?)
}

/// Ends the link of a record. Both records stay as they are, and no run links or makes either of
/// them again.
///
/// # Errors
/// When it is not linked, or a write of it is not known to be over.
pub fn unlink(state: &State, key: &RecordKey, person: &str, now: Timestamp) -> Result<()> {
    mappings::pair(state, &key.pair)?;
    let mut tx = state.begin();
    let linked = tx.link(&key.pair, &key.app_id)?;
    let linked = linked.filter(|l| l.state != LinkState::Closed);
    let Some((mut link, crm_id)) = linked.and_then(|l| Some((l.clone(), l.crm_id?))) else {
        return Err(Error::new(Kind::Refused, "this record is not linked"));
    };
    settled(&tx, key)?;
    end_questions(&mut tx, key, now)?;
    link.state = LinkState::Closed;
    link.bases.clear();
    tx.put_link(link, Some(crm_id))?;
    tx.done(&key.pair, &key.app_id)?;
    let text = format!("{person} unlinked it from {crm_id} in Salesforce");
    tx.history(&key.pair, &key.app_id, &super::line(now, text));
    let text = format!("{} from {crm_id}", key.app_id);
    tx.audit(Draft::new(now, person, What::Unlinked, text).pair(&key.pair));
    Ok(tx.commit(Durability::Now)?)
}

/// What was asked or refused about the record as it was linked is over.
fn end_questions(tx: &mut Tx<'_>, key: &RecordKey, now: Timestamp) -> Result<()> {
    for conflict in tx.open_conflicts(&key.pair, &key.app_id)? {
        let state = Standing::Superseded {
            how: Superseded::Record,
        };
        conflicts::close(tx, conflict, state, now)?;
    }
    decisions::forget_overrules(tx, key)?;
    tx.quarantine(&key.pair, &key.app_id, None, now)?;
    Ok(())
}

/// CRM records that are here and linked with no App record: those that wait for somebody to say
/// which record they are, and those whose link was ended.
///
/// # Errors
/// When the store cannot be read.
pub fn candidates(
    state: &State,
    name: &PairName,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<Vec<Candidate>> {
    let pair = mappings::pair(state, name)?;
    let mut out = Vec::new();
    let prefix = Key::new().text(name.as_str());
    for row in state.store().scan(&INBOX, &prefix).take(OFFERED) {
        let (_, seen) = row?;
        out.push(Candidate {
            crm_id: seen.id,
            name: record_name(&pair, None, Some(&seen)),
            was: None,
        });
    }
    let page = Page {
        offset: 0,
        limit: OFFERED - out.len().min(OFFERED),
    };
    for row in super::records(
        state,
        name,
        "state:off",
        (&Shape::default(), Values::Shown),
        page,
        now,
        wanted,
    )?
    .part
    .rows
    {
        if let Some(id) = crm_of(state, name, &row.key.app_id)? {
            out.push(Candidate {
                crm_id: id,
                name: row.name,
                was: Some(row.key.app_id),
            });
        }
    }
    Ok(out)
}

fn crm_of(state: &State, name: &PairName, id: &AppId) -> Result<Option<CrmId>> {
    Ok(state.link(name, id)?.and_then(|link| link.crm_id))
}
