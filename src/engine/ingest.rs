//! Takes CRM records in: what was observed becomes durable, is compared, and reaches the App.
//!
//! Writes nothing to the CRM; what has to be written there is put on the list. Invariant: every
//! row is durably observed (link or inbox) before the watermark may pass it.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::crm::CrmRow;
use crate::domain::conflict::Kind;
use crate::domain::id::{AppId, CrmId, PairName};
use crate::domain::mapping::Leaves;
use crate::domain::reconcile::{Care, Scope};
use crate::domain::record::{CrmPresence, Link, LinkState, Observation, Source, Standing};
use crate::domain::run::{LogLine, Word};
use crate::error::Result;

use super::conflicts::{self, Sides};
use super::cx::RunCx;
use super::journal;
use super::matcher::{Match, Matcher};
use super::planner::{self, Reconciled};
use super::relink;
use super::tables::{INBOX, MAY_COME, crm_key, sync_key_key};
use super::tx::Tx;
use super::undo::{End, automated, comes_back};
use super::unreachable;

/// Other CRM records that are the same as an App record by the same rule.
#[derive(Debug, Clone, Copy)]
pub enum Twins<'a> {
    /// Nobody looked.
    NotLookedFor,
    /// All of them, the record itself among them, by App record; an App record that is not there
    /// has one at most.
    Found(&'a HashMap<AppId, Vec<CrmId>>),
}

/// What taking a record in came to.
#[derive(Debug)]
pub enum Ingested {
    /// It is as we know it.
    Same,
    /// It was deleted before it was ever here.
    NeverHere,
    /// It was reconciled.
    Done(Box<Reconciled>),
    /// It has an open intent; it is in the inbox until that is closed.
    Busy,
    /// It is linked when its twins were looked for; until then it is in the inbox.
    Later,
}

/// Takes in one record as the CRM answered it.
pub fn ingest(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    matcher: &Matcher,
    row: CrmRow,
    seen_at: Timestamp,
    source: Source,
    now: Timestamp,
) -> Result<Ingested> {
    let seen = planner::observation(row, seen_at, source);
    take(tx, cx, matcher, seen, Twins::NotLookedFor, now)
}

/// Takes in one observation, fresh or from the inbox.
pub fn take(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    matcher: &Matcher,
    seen: Observation,
    twins: Twins<'_>,
    now: Timestamp,
) -> Result<Ingested> {
    let name = cx.name().clone();
    let Some(app_id) = tx.by_crm(&name, &seen.id)? else {
        return unknown(tx, cx, matcher, seen, twins, now);
    };
    let Some(link) = tx.link(&name, &app_id)? else {
        return Ok(Ingested::Same);
    };
    if tx.state().open_intent(&name, &app_id)?.is_some() {
        // Whoever closes the intent reads the record again; by then a person may have removed what
        // it appended.
        tx.note_appended(&cx.pair, seen.id, &seen.fields)?;
        return Ok(busy(tx, cx, &seen));
    }
    // An answer that was overtaken by a later one, such as one from the inbox. Stamps are seconds, and
    // a field that is shown again changes none.
    let when = |seen: &Observation| (seen.stamp, seen.seen_at);
    if link
        .seen
        .as_ref()
        .is_some_and(|known| when(known) > when(&seen))
    {
        return Ok(Ingested::Same);
    }
    automated::note(tx, cx, &link, &seen);
    let was = link.crm_id;
    let mut link = link;
    let shown_again = unreachable::shown(tx, &mut link, &seen);
    let known = link
        .seen
        .as_ref()
        .is_some_and(|known| known.presence == seen.presence && known.fields == seen.fields);
    let known = known && !crossed(cx, &link, &seen, now) && !planner::comes_back(cx, &link, &seen);
    let known = known && !shown_again;
    if known && link.mapping_version == cx.pair.pair.version {
        return same(tx, cx, link, was, seen);
    }
    if link.state == LinkState::Closed {
        came_back(tx, cx, &link, &seen, now);
    }
    link.seen = Some(seen);
    let done = planner::reconcile(tx, cx, link, was, now)?;
    if done.is_unfinished() {
        tx.todo(&name, &app_id)?;
    }
    Ok(Ingested::Done(Box::new(done)))
}

/// A record that is being written is not compared. The watermark may pass it by meanwhile, and only
/// the inbox brings it back.
fn busy(tx: &mut Tx<'_>, cx: &RunCx, seen: &Observation) -> Ingested {
    tx.put_inbox(cx.name(), seen);
    Ingested::Busy
}

/// Whether a record is on the other side of the pair's filter than its link says: what we wrote
/// ourselves, and time, lead there without a value that is not known.
fn crossed(cx: &RunCx, link: &Link, seen: &Observation, now: Timestamp) -> bool {
    let scope = cx.pair.scope(&seen.fields, seen.modified, now);
    match link.state {
        LinkState::Active => scope == Scope::Outside && cx.pair.pair.on_leave != Leaves::Continue,
        LinkState::OutOfScope => scope == Scope::Inside,
        _ => false,
    }
}

/// A record that was deleted from here and brought back there stays out of the sync; that is said
/// once.
fn came_back(tx: &mut Tx<'_>, cx: &RunCx, link: &Link, seen: &Observation, now: Timestamp) {
    let gone = |known: &Observation| known.presence == CrmPresence::Deleted;
    if seen.presence != CrmPresence::Live || !link.seen.as_ref().is_some_and(gone) {
        return;
    }
    let name = cx.title(None, Some(seen));
    let text = format!("{name}: brought back in Salesforce; it stays deleted in the App");
    tx.log(now, Word::Warn, Some(cx.run), text.clone());
    let line = LogLine {
        at: now,
        word: Word::Warn,
        run: Some(cx.run),
        text,
    };
    tx.history(&link.pair, &link.app_id, &line);
}

/// The values are known: only stamps and provisional bases may have to be brought up to date.
fn same(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    mut link: Link,
    was: Option<CrmId>,
    seen: Observation,
) -> Result<Ingested> {
    let provisional = link
        .bases
        .values()
        .any(|b| b.standing == Standing::Provisional);
    let fresher = link
        .seen
        .as_ref()
        .is_none_or(|known| known.stamp != seen.stamp || known.modified != seen.modified);
    if fresher && lets_go(tx, cx, &link, &seen)? {
        tx.todo(&link.pair, &link.app_id)?;
    }
    if provisional || fresher || seen.source != Source::Poll {
        for base in link.bases.values_mut() {
            base.standing = Standing::Settled;
        }
        link.seen = Some(seen);
        tx.put_link(link, was)?;
    }
    Ok(Ingested::Same)
}

/// Whether somebody changed a record in the CRM that is in quarantine: what was refused may be taken
/// now, although nothing that is mapped is different (sync-semantics 9.2).
fn lets_go(tx: &Tx<'_>, cx: &RunCx, link: &Link, seen: &Observation) -> Result<bool> {
    let before = journal::touched(cx, link.seen.as_ref());
    let now = journal::touched(cx, Some(seen));
    if now.is_none() || now == before || tx.state().counters(&link.pair).quarantined == 0 {
        return Ok(false);
    }
    let aside = tx.state().quarantined(&link.pair, &link.app_id)?;
    Ok(aside.is_some())
}

fn unknown(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    matcher: &Matcher,
    seen: Observation,
    twins: Twins<'_>,
    now: Timestamp,
) -> Result<Ingested> {
    let name = cx.name().clone();
    let gone = matches!(seen.presence, CrmPresence::Deleted | CrmPresence::Merged(_));
    if gone && !was_made_since(tx, cx, matcher, &seen, now)? {
        tx.drop_inbox(&name, &seen.id)?;
        return Ok(Ingested::NeverHere);
    }
    let known = match came_late(tx, cx, &seen)? {
        Some(link) => Some(link),
        None => comes_back(tx, &name, &seen)?,
    };
    if let Some(link) = known {
        if tx.state().open_intent(&name, &link.app_id)?.is_some() {
            return Ok(busy(tx, cx, &seen));
        }
        tx.drop_inbox(&name, &seen.id)?;
        let (was, before) = (link.crm_id, End::of(&link));
        let link = Link {
            crm_id: Some(seen.id),
            state: LinkState::Active,
            seen: Some(seen),
            ..link
        };
        tx.linked(cx.run, &link.app_id, before, End::of(&link));
        let app_id = link.app_id.clone();
        let done = planner::reconcile(tx, cx, link, was, now)?;
        if done.is_unfinished() {
            tx.todo(&name, &app_id)?;
        }
        return Ok(Ingested::Done(Box::new(done)));
    }
    let found = match matcher.find(tx, cx, &seen, now)? {
        Match::None => Vec::new(),
        Match::Key(id) => vec![id],
        Match::Rule(found, rule) => match twins {
            Twins::NotLookedFor if matcher.asked_by(rule).is_some() => {
                tx.put_inbox(&name, &seen);
                return Ok(Ingested::Later);
            }
            Twins::Found(twins)
                if let [id] = found.as_slice()
                    && let Some(several) = twins.get(id) =>
            {
                return ask_which(tx, cx, id, several, seen, now);
            }
            _ => found,
        },
    };
    match found.as_slice() {
        [] => {
            let crm_id = seen.id;
            let id = cx.new_app_id(&crm_id);
            tx.drop_inbox(&name, &crm_id)?;
            let done = planner::take_in(tx, cx, seen, id, now)?;
            Ok(Ingested::Done(Box::new(done)))
        }
        [app_id] => {
            if tx.state().open_intent(&name, app_id)?.is_some() {
                return Ok(busy(tx, cx, &seen));
            }
            // Until a person has said which of several it is, it is linked with none.
            let asked = asked_which(tx, &name, app_id)?;
            if let Some(several) = asked.filter(|several| several.contains(&seen.id)) {
                return ask_which(tx, cx, app_id, &several, seen, now);
            }
            tx.drop_inbox(&name, &seen.id)?;
            let mut link = tx
                .link(&name, app_id)?
                .unwrap_or_else(|| new_link(cx, app_id));
            let before = End::of(&link);
            link.crm_id = Some(seen.id);
            link.state = relink::placed(tx, &link)?;
            // After another org was left, a key that the record does not have says nothing of it.
            if link.sync_key.is_none() || cx.pair.care == Care::AskAlways {
                link.sync_key = planner::sync_key_of(cx, &seen);
            }
            tx.linked(cx.run, app_id, before, End::of(&link));
            link.seen = Some(seen);
            let done = planner::reconcile(tx, cx, link, None, now)?;
            if done.is_unfinished() {
                tx.todo(&name, app_id)?;
            }
            Ok(Ingested::Done(Box::new(done)))
        }
        several => {
            let mut done = Reconciled::default();
            for app_id in several {
                let link = tx
                    .link(&name, app_id)?
                    .unwrap_or_else(|| new_link(cx, app_id));
                let app = tx.app_record(&cx.pair.pair.table, app_id)?;
                let sides = Sides {
                    app: app.as_ref(),
                    seen: Some(&seen),
                };
                let kind = Kind::AmbiguousMatch {
                    candidates: vec![seen.id],
                };
                let fresh = conflicts::of_record(tx, cx, &link, kind, sides, now);
                if conflicts::open(tx, fresh, now)? == conflicts::Found::New {
                    done.conflicts += 1;
                }
            }
            tx.put_inbox(&name, &seen);
            Ok(Ingested::Done(Box::new(done)))
        }
    }
}

/// Whether a record that is gone was made of an App record after the backup that this store was put
/// back from: it is not made again.
fn was_made_since(
    tx: &Tx<'_>,
    cx: &RunCx,
    matcher: &Matcher,
    seen: &Observation,
    now: Timestamp,
) -> Result<bool> {
    let is_ours = || Ok(matches!(matcher.find(tx, cx, seen, now)?, Match::Key(_)));
    match cx.pair.care {
        Care::Usual => Ok(false),
        Care::AskAlways => is_ours(),
    }
}

/// The link of the App record that a create of ours was of, which was given up and executed all the
/// same. The record that was made in its place is gone, or our key would not be free; one that it was
/// linked with by a matching rule does not have our key, and stays its record.
fn came_late(tx: &Tx<'_>, cx: &RunCx, seen: &Observation) -> Result<Option<Link>> {
    let Some(key) = planner::sync_key_of(cx, seen) else {
        return Ok(None);
    };
    let key = sync_key_key(cx.name(), &key);
    let Some(late) = tx.state().store().get(&MAY_COME, &key)? else {
        return Ok(None);
    };
    let link = tx.link(cx.name(), &late.app_id)?;
    let by_rule = |link: &Link| {
        let known = link
            .seen
            .as_ref()
            .filter(|_| link.state == LinkState::Active);
        known.is_some_and(|known| {
            known.presence == CrmPresence::Live && planner::sync_key_of(cx, known).is_none()
        })
    };
    Ok(link.filter(|link| link.state != LinkState::Closed && !by_rule(link)))
}

/// Several CRM records are the same as one App record: a person says which (rule R4).
fn ask_which(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    app_id: &AppId,
    several: &[CrmId],
    seen: Observation,
    now: Timestamp,
) -> Result<Ingested> {
    let mut done = Reconciled::default();
    tx.put_inbox(cx.name(), &seen);
    // The question shows one of them, as long as that waits; the others wait with it.
    let asked = asked_which(tx, cx.name(), app_id)?.unwrap_or_default();
    let other = asked.first().filter(|shown| **shown != seen.id);
    if let Some(shown) = other.filter(|shown| several.contains(shown))
        && tx
            .state()
            .store()
            .contains(&INBOX, &crm_key(cx.name(), shown))?
    {
        done.skipped = true;
        return Ok(Ingested::Done(Box::new(done)));
    }
    let link = tx
        .link(cx.name(), app_id)?
        .unwrap_or_else(|| new_link(cx, app_id));
    let app = tx.app_record(&cx.pair.pair.table, app_id)?;
    let sides = Sides {
        app: app.as_ref(),
        seen: Some(&seen),
    };
    let others = several.iter().filter(|id| **id != seen.id);
    let kind = Kind::AmbiguousMatch {
        candidates: std::iter::once(&seen.id).chain(others).copied().collect(),
    };
    let fresh = conflicts::of_record(tx, cx, &link, kind, sides, now);
    match conflicts::open(tx, fresh, now)? {
        conflicts::Found::New => done.conflicts += 1,
        conflicts::Found::Known => done.skipped = true,
    }
    Ok(Ingested::Done(Box::new(done)))
}

/// The CRM records of which a person is to say which one an App record is, the one that is shown
/// first; none when nobody is asked, or when all but one were linked with other App records.
///
/// # Errors
/// When the store cannot be read.
pub fn asked_which(tx: &Tx<'_>, pair: &PairName, app_id: &AppId) -> Result<Option<Vec<CrmId>>> {
    for conflict in tx.open_conflicts(pair, app_id)? {
        let Kind::AmbiguousMatch { candidates } = conflict.kind else {
            continue;
        };
        let mut left = Vec::with_capacity(candidates.len());
        for id in candidates {
            if tx.by_crm(pair, &id)?.is_none() {
                left.push(id);
            }
        }
        return Ok(Some(left).filter(|left| left.len() > 1));
    }
    Ok(None)
}

/// A link of an App record that has no CRM record.
pub fn new_link(cx: &RunCx, app_id: &AppId) -> Link {
    Link {
        pair: cx.name().clone(),
        app_id: app_id.clone(),
        crm_id: None,
        sync_key: None,
        state: LinkState::Unlinked,
        seen: None,
        bases: std::collections::BTreeMap::new(),
        app_rev: 0,
        mapping_version: cx.pair.pair.version,
    }
}
