//! Intents: writes made durable before they are sent, and what becomes of them
//! (sync-semantics 8).
//!
//! Only the local half; `sender` talks to the CRM. Invariant: an intent ends in exactly one
//! commit, together with everything that follows from its outcome.

mod gone;
mod verdict;

use jiff::Timestamp;

use crate::appdb::{AppError, Author, Change, Expect};
use crate::domain::append;
use crate::domain::conflict::{Fingerprint, Kind, State, Superseded};
use crate::domain::id::{CrmId, RowId};
use crate::domain::mapping::DeletePolicy;
use crate::domain::reconcile::{CompiledRow, canon_of};
use crate::domain::record::{BasePair, LinkState, Observation, Presence, Standing};
use crate::domain::run::{Failure, LogLine, RecordResult, ResultKind, Word};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::domain::value::{Fields, Value};
use crate::error::Result;

use super::conflicts;
use super::cx::RunCx;
use super::ingest::new_link;
use super::planner::{self, Write};
use super::tables::{Agreed, Intent, IntentState, Op, Quarantined};
use super::tx::Tx;

pub use self::gone::gone_all_the_same;
pub use self::verdict::{Reaction, Verdict, failure_of, judge, reaction, sent_at};

/// Writes an intent that is sent from `at` on, by the server's clock as far as it is known. The
/// caller commits durably before anything is sent.
pub fn intend(tx: &mut Tx<'_>, cx: &RunCx, write: &Write, at: Timestamp) -> Intent {
    let intent = Intent {
        id: tx.new_intent_id(),
        run: cx.run,
        pair: cx.name().clone(),
        app_id: write.app_id.clone(),
        crm_id: write.crm_id,
        sync_key: write.sync_key.clone(),
        op: write.op,
        fields: write.fields.clone(),
        agreed: write.agreed.clone(),
        app_rev: write.app_rev,
        unmodified_since: write.unmodified_since,
        state: IntentState::Sending { at },
        resolves: Vec::new(),
        app_fields: Fields::new(),
        auto: write.auto.clone(),
    };
    tx.put_intent(&intent);
    intent
}

/// Stands for the revision in an intent that does not cover all that waits to be written of its
/// record: whatever becomes of it, the record is compared again.
pub const IN_PART: u64 = 0;

/// Stands for the hash in the quarantine of a record of which a part could not be compared.
const PART: u64 = 0;

/// When somebody else changed a record last, as far as it is known: while we were the last it says
/// nothing.
pub fn touched(cx: &RunCx, seen: Option<&Observation>) -> Option<Timestamp> {
    let ours = |seen: &&Observation| cx.me.is_some() && seen.modified_by == cx.me;
    seen.filter(|seen| !ours(seen)).map(|seen| seen.stamp)
}

/// Hash of what a write sends, of what it is sent to and when that was [`touched`], and of how the
/// org describes that: its object, its fields, and those that a refusal named (sync-semantics 9.2).
pub fn payload_hash(
    op: Op,
    fields: &Fields,
    object: &ObjectInfo,
    named: &[String],
    touched: Option<Timestamp>,
) -> u64 {
    let rights = (object.createable, object.updateable, object.deletable);
    let touched = touched.map(Timestamp::as_millisecond);
    let mut flat: Vec<Value> = vec![Value::text(format!("{op:?} {rights:?} {touched:?}"))];
    for (name, value) in fields {
        flat.push(Value::text(name.as_str()));
        flat.push(value.clone());
    }
    let named = named.iter().map(String::as_str);
    for name in fields.keys().map(|name| name.as_str()).chain(named) {
        let like = object.field(name).map(|f| {
            let rights = (f.createable, f.updateable, f.nillable, f.unique);
            let values = (f.restricted, &f.picklist, &f.reference_to);
            format!("{:?} {} {rights:?} {values:?}", f.kind, f.length)
        });
        flat.push(Value::text(like.unwrap_or_default()));
    }
    Fingerprint::of(None, Some(&flat), None).0
}

/// What was refused, as a hash, and how often it was sent for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// See [`payload_hash`]; or `PART`.
    pub payload: u64,
    /// At least 1.
    pub times: u32,
}

impl Sent {
    /// A record of which a part could not be compared: it is looked at once.
    pub const PART: Self = Self {
        payload: PART,
        times: 1,
    };
}

/// The write happened: bases, link, conflicts, outbox and result in one go.
pub fn applied(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    intent: &Intent,
    id: CrmId,
    now: Timestamp,
) -> Result<()> {
    let mut link = match tx.link(&intent.pair, &intent.app_id)? {
        Some(link) => link,
        None => new_link(cx, &intent.app_id),
    };
    let was = link.crm_id;
    tx.sent(intent, id, Some(&link), now)?;
    let half = app_side(tx, cx, intent, now)?;
    if intent.op == Op::Delete {
        link.state = LinkState::Closed;
        link.seen = None;
    } else {
        link.crm_id = Some(id);
        link.state = match link.state {
            LinkState::Converted
            | LinkState::Closed
            | LinkState::AppDeleted
            | LinkState::Unreachable => link.state,
            _ if marks(tx, cx, intent)? => LinkState::AppDeleted,
            _ => LinkState::Active,
        };
        for agreed in intent.agreed.iter().filter(|a| !half.contains(&a.row)) {
            let base = base_of(cx, intent, agreed, Standing::Provisional, now);
            link.bases.insert(agreed.row, base);
        }
        // What we sent is what we expect to see; the stamps are unknown until the read-back, and
        // an old `seen_at` keeps it from being used as a precondition.
        if let Some(seen) = &mut link.seen {
            seen.fields.extend(intent.fields.clone());
            seen.seen_at = Timestamp::UNIX_EPOCH;
        }
        tx.note_appended(&cx.pair, id, &intent.fields)?;
    }
    super::owners::tell(tx, cx, intent, now);
    for entry in &intent.auto {
        tx.put_conflict(entry, now)?;
    }
    for id in &intent.resolves {
        if let Some(mut conflict) = tx.conflict(*id)? {
            if conflict.row.is_some_and(|row| half.contains(&row)) {
                conflict.state = State::Pending;
                conflict.staged = None;
                conflict.error = Some("the App record was edited while this was written".into());
                tx.put_conflict(&conflict, now)?;
                continue;
            }
            let choice = conflict.staged.as_ref().map(|s| s.choice.clone());
            let choice = choice.unwrap_or(crate::domain::conflict::Choice::Take(Side::App));
            conflicts::close(tx, conflict, State::Resolved { choice }, now)?;
        }
    }
    cooled(tx, intent, now)?;
    tx.close_intent(intent);
    let part = tx
        .state()
        .quarantined(&intent.pair, &intent.app_id)?
        .is_some_and(|q| (q.payload == PART && q.run == intent.run) || leaves_out(intent, &q));
    if !part {
        tx.quarantine(&intent.pair, &intent.app_id, None, now)?;
    }
    if half.is_empty() && intent.app_rev != IN_PART {
        tx.done(&intent.pair, &intent.app_id)?;
    } else {
        tx.todo(&intent.pair, &intent.app_id)?;
    }
    let app = tx.app_record(&cx.pair.pair.table, &intent.app_id)?;
    if let Some(app) = &app {
        let ours = u64::from(!intent.app_fields.is_empty());
        if app.rev <= intent.app_rev + ours {
            tx.settle(&intent.pair, app)?;
        }
    }
    let name = cx.title(app.as_ref(), link.seen.as_ref());
    tx.put_link(link, was)?;
    super::decisions::written(tx, cx, intent, now)?;
    let did = describe(intent);
    let line = LogLine {
        at: now,
        word: Word::Ok,
        run: Some(intent.run),
        text: did.clone(),
    };
    tx.history(&intent.pair, &intent.app_id, &line);
    // Of the run that found out, which counts it: that is another one after a crash.
    tx.put_result(&RecordResult {
        run: cx.run,
        app_id: intent.app_id.clone(),
        crm_id: Some(id),
        name,
        kind: ResultKind::Applied,
        did,
        failure: None,
        tries: 1,
    })?;
    Ok(())
}

/// What is agreed in a row once an intent happened, and whether anybody has `seen` it there.
pub fn base_of(
    cx: &RunCx,
    intent: &Intent,
    agreed: &Agreed,
    seen: Standing,
    at: Timestamp,
) -> BasePair {
    let of = |row: &&CompiledRow| row.row.id == agreed.row;
    let (crm, standing) = match cx.pair.rows.iter().find(of) {
        Some(row) => {
            let sent = canon_of(Side::Crm, &row.row.crm, &row.crm, &intent.fields);
            append::standing(row.row.flow, agreed.crm.clone(), sent, seen)
        }
        None => (agreed.crm.clone(), seen),
    };
    BasePair {
        app: agreed.app.clone(),
        crm,
        standing,
        at,
        run: intent.run,
    }
}

/// Whether a write left out what is in quarantine.
fn leaves_out(intent: &Intent, aside: &Quarantined) -> bool {
    let named = &aside.failure.fields;
    let sent = |name: &String| intent.fields.contains_key(name.as_str());
    intent.app_rev == IN_PART && !named.is_empty() && !named.iter().any(sent)
}

/// Whether an update marked a record in the CRM that was deleted in the App.
fn marks(tx: &Tx<'_>, cx: &RunCx, intent: &Intent) -> Result<bool> {
    let DeletePolicy::MarkWith(mark) = &cx.pair.pair.on_app_delete else {
        return Ok(false);
    };
    let set = intent.fields.get(&mark.field);
    if intent.op != Op::Update || set.is_none_or(|set| set.to_string() != mark.value) {
        return Ok(false);
    }
    let app = tx.app_record(&cx.pair.pair.table, &intent.app_id)?;
    Ok(app.is_some_and(|app| app.presence == Presence::Deleted))
}

/// A record that kept moving has been written: nobody has to look at it any more.
fn cooled(tx: &mut Tx<'_>, intent: &Intent, now: Timestamp) -> Result<()> {
    for conflict in tx.open_conflicts(&intent.pair, &intent.app_id)? {
        if conflict.kind == Kind::HotRecord {
            let how = Superseded::Converged;
            conflicts::close(tx, conflict, State::Superseded { how }, now)?;
        }
    }
    Ok(())
}

/// The App half of a decision. When the record moved meanwhile nothing is overwritten: the CRM
/// holds the decided value, the App the newer edit. Gives the rows that were not changed for
/// that; they have not agreed, and the next reconcile sees exactly that.
fn app_side(tx: &mut Tx<'_>, cx: &RunCx, intent: &Intent, now: Timestamp) -> Result<Vec<RowId>> {
    if intent.app_fields.is_empty() {
        return Ok(Vec::new());
    }
    let half = || {
        let rows = cx.pair.rows.iter();
        rows.filter(|r| r.row.app.iter().any(|f| intent.app_fields.contains_key(f)))
            .map(|r| r.row.id)
            .collect()
    };
    let Some(app) = tx.app_record(&cx.pair.pair.table, &intent.app_id)? else {
        return Ok(half());
    };
    let change = Change {
        table: app.table.clone(),
        id: app.id.clone(),
        expect: Expect::Rev(intent.app_rev),
        fields: intent.app_fields.clone(),
        presence: app.presence,
        sync_key: None,
        by: Author::Run(intent.run),
        at: now,
    };
    match tx.change_app(&intent.pair, &change) {
        Ok(_) => Ok(Vec::new()),
        Err(AppError::Moved { .. }) => {
            tx.log(
                now,
                Word::Info,
                Some(intent.run),
                format!(
                    "App record {} was edited while its decision was written; the edit stays",
                    app.id
                ),
            );
            Ok(half())
        }
        Err(error) => Err(planner::from_app(error)),
    }
}

fn describe(intent: &Intent) -> String {
    match intent.op {
        Op::Create => "created in Salesforce".to_owned(),
        Op::Delete => "deleted in Salesforce".to_owned(),
        Op::Update => {
            let names: Vec<&str> = intent.fields.keys().map(|f| f.as_str()).collect();
            format!("{} -> Salesforce", names.join(", "))
        }
    }
}

/// The write did not happen and is not tried again by itself: back to where it was, so that it
/// is planned again.
pub fn not_sent(tx: &mut Tx<'_>, intent: &Intent, now: Timestamp) -> Result<()> {
    tx.close_intent(intent);
    reopen(tx, intent, None, now)?;
    if intent.resolves.is_empty() {
        tx.todo(&intent.pair, &intent.app_id)?;
    }
    Ok(())
}

/// The write was refused for good.
pub fn quarantine(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    intent: &Intent,
    sent: Sent,
    failure: &Failure,
    now: Timestamp,
) -> Result<()> {
    tx.close_intent(intent);
    tx.refused(intent, &failure.code, now)?;
    reopen(tx, intent, Some(&failure.what), now)?;
    let app = tx.app_record(&cx.pair.pair.table, &intent.app_id)?;
    put_aside(tx, cx, &intent.app_id, intent.crm_id, sent, failure, now)?;
    if let Some(app) = app.filter(|a| a.rev == intent.app_rev) {
        tx.settle(&intent.pair, &app)?;
    }
    match intent.app_rev {
        IN_PART => tx.todo(&intent.pair, &intent.app_id)?,
        _ => tx.done(&intent.pair, &intent.app_id)?,
    }
    Ok(())
}

/// Puts a record into quarantine and into the run's results.
pub fn put_aside(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    app_id: &crate::domain::id::AppId,
    crm_id: Option<CrmId>,
    sent: Sent,
    failure: &Failure,
    now: Timestamp,
) -> Result<()> {
    let before = tx.state().quarantined(cx.name(), app_id)?;
    let mut failure = failure.clone();
    let tries = match &before {
        // One try, in which more than one thing was refused.
        Some(before) if before.run == cx.run => {
            let newer = std::mem::replace(&mut failure, before.failure.clone());
            failure.join(newer);
            before.tries
        }
        Some(before) => before.tries + sent.times,
        None => sent.times,
    };
    let entry = Quarantined {
        payload: sent.payload,
        mapping_version: cx.pair.pair.version,
        failure: failure.clone(),
        tries,
        first: before.map_or(now, |b| b.first),
        last: now,
        run: cx.run,
    };
    tx.quarantine(cx.name(), app_id, Some(&entry), now)?;
    let app = tx.app_record(&cx.pair.pair.table, app_id)?;
    let link = tx.link(cx.name(), app_id)?;
    let name = cx.title(app.as_ref(), link.as_ref().and_then(|l| l.seen.as_ref()));
    let line = LogLine {
        at: now,
        word: Word::Fail,
        run: Some(cx.run),
        text: format!("{}: {}", failure.code, failure.what),
    };
    tx.history(cx.name(), app_id, &line);
    tx.put_result(&RecordResult {
        run: cx.run,
        app_id: app_id.clone(),
        crm_id,
        name,
        kind: ResultKind::Quarantined,
        did: String::new(),
        failure: Some(failure.clone()),
        tries,
    })?;
    Ok(())
}

/// Conflicts that this intent was to resolve wait for a person again.
fn reopen(tx: &mut Tx<'_>, intent: &Intent, error: Option<&str>, now: Timestamp) -> Result<()> {
    for id in &intent.resolves {
        if let Some(mut conflict) = tx.conflict(*id)?
            && conflict.state == State::Resolving
        {
            conflict.state = State::Pending;
            conflict.error = error.map(str::to_owned);
            tx.put_conflict(&conflict, now)?;
        }
    }
    Ok(())
}

/// It is unknown whether the write happened: nothing different is written until the hold ends.
pub fn hold(tx: &mut Tx<'_>, cx: &RunCx, intent: &Intent, now: Timestamp) -> Result<()> {
    let at = sent_at(intent);
    if matches!(intent.state, IntentState::Sending { .. }) {
        tx.unknown(intent, now)?;
    }
    let mut held = intent.clone();
    held.state = IntentState::Held {
        at,
        until: at + cx.settings.late,
    };
    tx.put_intent(&held);
    Ok(())
}
