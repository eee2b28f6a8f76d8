//! Takes CRM records in: what was observed becomes durable, is compared, and reaches the App.
//!
//! Writes nothing to the CRM; what has to be written there is put on the list. Invariant: every
//! row is durably observed (link or inbox) before the watermark may pass it.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::crm::CrmRow;
use crate::domain::conflict::Kind;
use crate::domain::id::{AppId, CrmId, FieldName, PairName, RowId};
use crate::domain::mapping::Leaves;
use crate::domain::reconcile::{Scope, canon_cell, cell_of, is_blank};
use crate::domain::record::{CrmPresence, Link, LinkState, Observation, Source, Standing};
use crate::domain::run::{LogLine, Word};
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::error::Result;
use crate::store::keys::{Key, Parts};

use super::conflicts::{self, Sides};
use super::cx::RunCx;
use super::planner::{self, Reconciled};
use super::state::State;
use super::tables::{MAY_COME, UNLINKED, sync_key_key};
use super::tx::Tx;
use super::undo::End;

/// App records without a CRM record, by what identifies them (sync-semantics 3.6).
#[derive(Debug, Default)]
pub struct Matcher {
    by_rule: Vec<HashMap<String, Vec<AppId>>>,
    by_key: HashMap<String, AppId>,
    /// By rule, the CRM field that other records of the same identity are asked for by. What is
    /// found by such a rule is linked only when that was done: see `twins`.
    asked_by: Vec<Option<FieldName>>,
}

/// App records that a CRM record is the same as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// None.
    None,
    /// The one whose key it has.
    Key(AppId),
    /// Those that a rule finds, at least one; the rule's place among the rules.
    Rule(Vec<AppId>, usize),
}

/// Other CRM records that are the same as an App record by the same rule.
#[derive(Debug, Clone, Copy)]
pub enum Twins<'a> {
    /// Nobody looked.
    NotLookedFor,
    /// All of them, the record itself among them, by App record; an App record that is not there
    /// has one at most.
    Found(&'a HashMap<AppId, Vec<CrmId>>),
}

impl Matcher {
    /// Reads the unlinked records of a pair.
    pub fn new(state: &State, cx: &RunCx) -> Result<Self> {
        let rules = &cx.pair.pair.match_on;
        let mut matcher = Self {
            by_rule: vec![HashMap::new(); rules.len()],
            ..Self::default()
        };
        let prefix = Key::new().text(cx.name().as_str());
        for key in state.store().keys(&UNLINKED, &prefix) {
            let key = key?;
            let mut parts = Parts::of(&key);
            let Ok(id) = parts.text().and_then(|_| parts.text()) else {
                continue;
            };
            matcher.add(state, cx, &AppId::new(id))?;
        }
        Ok(matcher)
    }

    /// Of one record.
    pub fn of(state: &State, cx: &RunCx, id: &AppId) -> Result<Self> {
        let mut matcher = Self {
            by_rule: vec![HashMap::new(); cx.pair.pair.match_on.len()],
            ..Self::default()
        };
        matcher.add(state, cx, id)?;
        Ok(matcher)
    }

    /// Whether there is nothing that a CRM record could turn out to be the same as.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.by_rule.iter().all(HashMap::is_empty)
    }

    /// What a rule with such a field finds is not linked before its twins were looked for.
    pub fn asking_by(mut self, fields: Vec<Option<FieldName>>) -> Self {
        self.asked_by = fields;
        self
    }

    /// The field by which twins of what a rule found are asked for.
    pub fn asked_by(&self, rule: usize) -> Option<&FieldName> {
        self.asked_by.get(rule)?.as_ref()
    }

    fn add(&mut self, state: &State, cx: &RunCx, id: &AppId) -> Result<()> {
        if let Some(key) = state.link(cx.name(), id)?.and_then(|l| l.sync_key) {
            self.by_key.insert(key.as_str().to_owned(), id.clone());
        }
        let Some(app) = state.app_record(&cx.pair.pair.table, id)? else {
            return Ok(());
        };
        for (rule, map) in cx.pair.pair.match_on.iter().zip(&mut self.by_rule) {
            let cells = rule.iter().map(|row| {
                let row = cx.pair.rows.iter().find(|r| r.row.id == *row)?;
                let cell = cell_of(Side::App, &row.row.app, &app.fields)?;
                Some(canon_cell(&row.app, &cell))
            });
            if let Some(text) = identity(cells) {
                map.entry(text).or_default().push(id.clone());
            }
        }
        Ok(())
    }

    /// App records that a CRM record is the same as.
    pub fn find(
        &self,
        tx: &Tx<'_>,
        cx: &RunCx,
        seen: &Observation,
        now: Timestamp,
    ) -> Result<Match> {
        if let Some(key) = planner::sync_key_of(cx, seen)
            && let Some(id) = self.by_key.get(key.as_str())
            && unlinked(tx, cx, id)?
        {
            return Ok(Match::Key(id.clone()));
        }
        let rules = cx.pair.pair.match_on.iter().zip(&self.by_rule);
        for (place, (rule, map)) in rules.enumerate() {
            if map.is_empty() {
                continue;
            }
            let Some(text) = self.crm_identity(tx, cx, rule, seen, now) else {
                continue;
            };
            let mut found = Vec::new();
            for id in map.get(&text).into_iter().flatten() {
                if unlinked(tx, cx, id)? {
                    found.push(id.clone());
                }
            }
            if !found.is_empty() {
                return Ok(Match::Rule(found, place));
            }
        }
        Ok(Match::None)
    }

    fn crm_identity(
        &self,
        tx: &Tx<'_>,
        cx: &RunCx,
        rule: &[RowId],
        seen: &Observation,
        now: Timestamp,
    ) -> Option<String> {
        cx.with(tx, None, None, now, |c| {
            identity(rule.iter().map(|row| {
                let row = cx.pair.rows.iter().find(|r| r.row.id == *row)?;
                let cell = cell_of(Side::Crm, &row.row.crm, &seen.fields)?;
                let cell = row.row.to_app.apply(Side::App, &cell, c.lookup).ok()?;
                Some(canon_cell(&row.app, &cell))
            }))
        })
    }
}

fn unlinked(tx: &Tx<'_>, cx: &RunCx, id: &AppId) -> Result<bool> {
    Ok(tx.link(cx.name(), id)?.is_none_or(|l| l.crm_id.is_none()))
}

fn identity(cells: impl Iterator<Item = Option<Cell>>) -> Option<String> {
    let mut text = String::new();
    let mut any = false;
    for cell in cells {
        let cell = cell.filter(|c| !is_blank(c))?;
        for value in &cell {
            text.push_str(&value.to_string());
            text.push('\u{1f}');
        }
        any = true;
    }
    any.then_some(text)
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
    /// It has an open intent, and is read again when that is closed.
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
        // Whoever closes the intent reads the record again.
        return Ok(Ingested::Busy);
    }
    if link
        .seen
        .as_ref()
        .is_some_and(|known| known.stamp > seen.stamp)
    {
        // An answer that was overtaken by a later one.
        return Ok(Ingested::Same);
    }
    let was = link.crm_id;
    let mut link = link;
    let known = link
        .seen
        .as_ref()
        .is_some_and(|known| known.presence == seen.presence && known.fields == seen.fields);
    let known = known && !crossed(cx, &link, &seen, now) && !planner::comes_back(cx, &link, &seen);
    if known && link.mapping_version == cx.pair.pair.version {
        return same(tx, link, was, seen);
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
    if provisional || fresher || seen.source != Source::Poll {
        for base in link.bases.values_mut() {
            base.standing = Standing::Settled;
        }
        link.seen = Some(seen);
        tx.put_link(link, was)?;
    }
    Ok(Ingested::Same)
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
    if matches!(seen.presence, CrmPresence::Deleted | CrmPresence::Merged(_)) {
        tx.drop_inbox(&name, &seen.id)?;
        return Ok(Ingested::NeverHere);
    }
    if let Some(link) = came_late(tx, cx, &seen)? {
        if tx.state().open_intent(&name, &link.app_id)?.is_some() {
            return Ok(Ingested::Busy);
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
                // Its create is open; whoever closes it finds this record by its key.
                return Ok(Ingested::Busy);
            }
            if is_asked_which(tx, &name, app_id, &seen.id)? {
                tx.put_inbox(&name, &seen);
                return Ok(Ingested::Done(Box::new(Reconciled {
                    skipped: true,
                    ..Reconciled::default()
                })));
            }
            tx.drop_inbox(&name, &seen.id)?;
            let mut link = tx
                .link(&name, app_id)?
                .unwrap_or_else(|| new_link(cx, app_id));
            let before = End::of(&link);
            link.crm_id = Some(seen.id);
            link.state = LinkState::Active;
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

/// The link of the App record that a create of ours was of, which was given up and executed all the
/// same. The record that was made in its place is gone, or our key would not be free.
fn came_late(tx: &Tx<'_>, cx: &RunCx, seen: &Observation) -> Result<Option<Link>> {
    let Some(key) = planner::sync_key_of(cx, seen) else {
        return Ok(None);
    };
    let key = sync_key_key(cx.name(), &key);
    let Some(late) = tx.state().store().get(&MAY_COME, &key)? else {
        return Ok(None);
    };
    let link = tx.link(cx.name(), &late.app_id)?;
    Ok(link.filter(|link| link.state != LinkState::Closed))
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
    // The question shows one of them; the others wait with it.
    let open = tx.open_conflicts(cx.name(), app_id)?;
    let shown = open.iter().find_map(|conflict| match &conflict.kind {
        Kind::AmbiguousMatch { candidates } if candidates.len() > 1 => candidates.first(),
        _ => None,
    });
    if shown.is_some_and(|shown| *shown != seen.id && several.contains(shown)) {
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
    if conflicts::open(tx, fresh, now)? == conflicts::Found::New {
        done.conflicts += 1;
    }
    Ok(Ingested::Done(Box::new(done)))
}

/// Whether a person is to say which of several CRM records an App record is, this one among them:
/// until then it is linked with none.
fn is_asked_which(tx: &Tx<'_>, pair: &PairName, app_id: &AppId, id: &CrmId) -> Result<bool> {
    let open = tx.open_conflicts(pair, app_id)?;
    Ok(open.iter().any(|conflict| match &conflict.kind {
        Kind::AmbiguousMatch { candidates } => candidates.len() > 1 && candidates.contains(id),
        _ => false,
    }))
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
