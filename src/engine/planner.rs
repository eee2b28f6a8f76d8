//! Reconciles one record inside a transaction: applies what concerns the App, and says what has
//! to be written to the CRM.
//!
//! Sends nothing. Invariant: bases move only together with the values they describe; a write to
//! the CRM moves its bases when it is applied, not here.

mod fields;
mod followed;
mod frozen;
mod overflow;
mod taken;
#[cfg(test)]
mod tests;
mod whole;

use jiff::Timestamp;

use crate::appdb::{AppError, Author, Change, Expect};
use crate::crm::CrmRow;
use crate::domain::conflict::{Conflict, Kind, Superseded};
use crate::domain::id::{AppId, CrmId, FieldName, RowId, SyncKey};
use crate::domain::mapping::Flow;
use crate::domain::mass::{self, Mass, PutOff};
use crate::domain::plan::{self, Act, App, Crm, Input, Plan, RecordRule, Survivor};
use crate::domain::reconcile::{CompiledRow, canon_of};
use crate::domain::record::{
    AppRecord, BasePair, CrmPresence, Link, LinkState, Observation, Presence, Source, Standing,
};
use crate::domain::run::Failure;
use crate::domain::transform::{Side, TransformError};
use crate::domain::value::{Cell, Fields, Value};
use crate::error::{Error, Kind as ErrorKind, Result};

use super::conflicts::{self};
use super::cx::RunCx;
use super::tables::{Agreed, Op};
use super::tx::Tx;
use super::undo::End;

pub use self::overflow::in_words;
pub use self::taken::take_in;

/// A write to the CRM that a record needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// App record.
    pub app_id: AppId,
    /// CRM record, unless it is created.
    pub crm_id: Option<CrmId>,
    /// Key, for a create.
    pub sync_key: Option<SyncKey>,
    /// What.
    pub op: Op,
    /// Fields.
    pub fields: Fields,
    /// Rows that agree once it is applied.
    pub agreed: Vec<Agreed>,
    /// App revision it is planned on.
    pub app_rev: u64,
    /// Precondition; none for writes that need no guard.
    pub unmodified_since: Option<Timestamp>,
    /// Log entries for values it overwrites.
    pub auto: Vec<Conflict>,
    /// Name for people.
    pub name: String,
}

/// What reconciling a record came to. Counts are of this one record.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// App fields were written.
    pub pulled: bool,
    /// The App record is new.
    pub created: bool,
    /// Conflicts that are new.
    pub conflicts: u32,
    /// A row, or the record, could not go on.
    pub failure: Option<Failure>,
    /// It waits for a parent.
    pub waits: bool,
    /// Lines that found no room became records of another pair.
    pub overflowed: bool,
    /// A policy left it out.
    pub skipped: bool,
    /// It is not made before a row gives this field.
    pub lacks: Option<FieldName>,
    /// The CRM record has to be read before anything is decided.
    pub needs_read: Option<CrmId>,
    /// The CRM record cannot be read: nothing is written until it can.
    pub unreachable: Option<CrmId>,
    /// What has to be written to the CRM.
    pub write: Option<Write>,
    /// Nothing was done, because of this: it is put off for now.
    pub put_off: Option<Mass>,
    /// What was done, in words.
    pub did: Vec<String>,
}

impl Reconciled {
    /// Whether there is more to do for the record: it belongs on the list.
    pub fn is_unfinished(&self) -> bool {
        self.write.is_some() || self.needs_read.is_some() || self.put_off.is_some()
    }

    /// One more value, or the record, cannot go on.
    pub fn fail(&mut self, failure: Failure) {
        match &mut self.failure {
            Some(known) => known.join(failure),
            None => self.failure = Some(failure),
        }
    }
}

/// Turns a row of the CRM into an observation.
pub fn observation(row: CrmRow, seen_at: Timestamp, source: Source) -> Observation {
    let mut fields = row.fields;
    fields.insert(FieldName::new("Id"), Value::Text(row.id.to_string()));
    Observation {
        id: row.id,
        fields,
        stamp: row.stamp,
        modified: row.modified,
        modified_by: row.modified_by,
        seen_at,
        source,
        presence: row.presence,
    }
}

/// Reconciles a record that is linked or has an App record.
///
/// `was` is the CRM id the link is stored with.
pub fn reconcile(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    mut link: Link,
    was: Option<CrmId>,
    now: Timestamp,
) -> Result<Reconciled> {
    let table = &cx.pair.pair.table;
    let mut app = tx.app_record(table, &link.app_id)?;
    if let Some(rows) = cx.rows_changed_since(link.mapping_version) {
        link.bases.retain(|row, _| !rows.contains(row));
        for row in rows {
            conflicts::supersede(tx, &link, Some(*row), Superseded::Mapping, now)?;
        }
    }
    link.mapping_version = cx.pair.pair.version;
    let mut out = Reconciled::default();
    if asked_about(tx, cx, &link, app.as_ref(), now)? == Asked::WhetherTheSame {
        out.skipped = true;
        return Ok(out);
    }
    if link.crm_id.is_some() && link.seen.is_none() {
        // One that did not answer is asked for once in a run, whether it was ever seen or not.
        match link.state {
            LinkState::Unreachable => out.unreachable = link.crm_id,
            _ => out.needs_read = link.crm_id,
        }
        tx.put_link(link, was)?;
        return Ok(out);
    }
    if let (Some(id), Some(seen)) = (link.crm_id, &link.seen) {
        tx.note_appended(&cx.pair, id, &seen.fields)?;
    }
    if revive(tx, cx, &mut link, &mut app, now)? == Revived::Yes {
        out.pulled = true;
        out.did.push("brought back, as in Salesforce".to_owned());
    }
    let plan = plan_of(tx, cx, &link, app.as_ref(), now)?;
    if cx.put_off != PutOff::Nothing {
        out.put_off = cx.put_off.first(&mass::of(&plan, &cx.pair));
        if out.put_off.is_some() {
            tx.put_link(link, was)?;
            return Ok(out);
        }
    }
    let seen = link.seen.clone();
    let mut step = Step {
        tx,
        cx,
        now,
        out,
        app,
        seen,
        link,
    };
    step.apply(plan)?;
    let Step { out, link, app, .. } = step;
    let mut link = link;
    link.app_rev = app.as_ref().map_or(link.app_rev, |a| a.rev);
    tx.put_link(link, was)?;
    Ok(out)
}

/// What a record that is linked comes to, as it is now.
fn plan_of(
    tx: &Tx<'_>,
    cx: &RunCx,
    link: &Link,
    app: Option<&AppRecord>,
    now: Timestamp,
) -> Result<Plan> {
    let seen = link.seen.as_ref();
    let survivor = match seen.map(|s| s.presence) {
        Some(CrmPresence::Merged(into)) => match tx.by_crm(cx.name(), &into)? {
            Some(_) => Survivor::Taken,
            None => Survivor::Free,
        },
        _ => Survivor::Free,
    };
    let input = Input {
        link: Some(link),
        app: App::of(app),
        crm: crm_side(seen, survivor),
    };
    let appended = tx.known_lines(&cx.pair, link)?;
    Ok(cx.with(tx, app, seen, &appended, now, |c| {
        plan::plan(c, &cx.pair, input)
    }))
}

/// Kinds of writes that a linked record comes to. Changes nothing.
///
/// # Errors
/// When the store cannot be read.
pub fn masses(tx: &Tx<'_>, cx: &RunCx, link: &Link, now: Timestamp) -> Result<Vec<Mass>> {
    // One that comes back (rule R16) is neither deleted nor, as long as it is away, compared.
    if link.crm_id.is_none() || link.seen.is_none() || returns(link) {
        return Ok(Vec::new());
    }
    let mut link = link.clone();
    if let Some(rows) = cx.rows_changed_since(link.mapping_version) {
        link.bases.retain(|row, _| !rows.contains(row));
    }
    let app = tx.app_record(&cx.pair.pair.table, &link.app_id)?;
    let plan = plan_of(tx, cx, &link, app.as_ref(), now)?;
    Ok(mass::of(&plan, &cx.pair))
}

/// What people are asked about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Whether it is the same as a CRM record; until then nothing is written on either side
    /// (rule R4).
    WhetherTheSame,
    /// Anything else.
    Other,
}

/// Looks at the open conflicts; ends those on rows that the mapping no longer has, and the question
/// which CRM record an App record is that is gone: the next run takes those in by themselves.
fn asked_about(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    link: &Link,
    app: Option<&AppRecord>,
    now: Timestamp,
) -> Result<Asked> {
    let mut asked = Asked::Other;
    let lives = app.is_some_and(|app| app.presence == Presence::Live);
    for conflict in tx.open_conflicts(&link.pair, &link.app_id)? {
        let kept = |id: RowId| cx.pair.rows.iter().any(|r| r.row.id == id);
        if conflict.row.is_some_and(|id| !kept(id)) {
            conflicts::supersede(tx, link, conflict.row, Superseded::Mapping, now)?;
        } else if link.crm_id.is_none() && matches!(conflict.kind, Kind::AmbiguousMatch { .. }) {
            match lives {
                true => asked = Asked::WhetherTheSame,
                false => conflicts::supersede(tx, link, None, Superseded::Record, now)?,
            }
        }
    }
    Ok(asked)
}

/// Whether a text that lines were appended to is still to come back to the App: it is compared,
/// although nothing in it is news. An older base has what was there before the lines.
pub fn comes_back(cx: &RunCx, link: &Link, seen: &Observation) -> bool {
    let both = |row: &&CompiledRow| row.row.flow == Flow::AppendBoth;
    cx.pair.rows.iter().filter(both).any(|row| {
        let is = canon_of(Side::Crm, &row.row.crm, &row.crm, &seen.fields);
        let base = link.bases.get(&row.row.id);
        base.zip(is)
            .is_some_and(|(base, is)| base.is_owed() || base.crm != is)
    })
}

/// The key we once wrote into a CRM record, if it has one.
pub fn sync_key_of(cx: &RunCx, seen: &Observation) -> Option<SyncKey> {
    let field = cx.pair.pair.key_field.as_ref()?;
    seen.fields.get(field)?.as_text().map(SyncKey::new)
}

fn settled(app: Cell, crm: Cell, cx: &RunCx, now: Timestamp) -> BasePair {
    BasePair {
        app,
        crm,
        standing: Standing::Settled,
        at: now,
        run: cx.run,
    }
}

fn crm_side(seen: Option<&Observation>, survivor: Survivor) -> Crm<'_> {
    match seen {
        None => Crm::Absent,
        Some(seen) => match seen.presence {
            CrmPresence::Live => Crm::Live(seen),
            CrmPresence::Deleted => Crm::Deleted(Some(seen)),
            CrmPresence::Merged(into) => Crm::Merged { into, survivor },
            CrmPresence::Converted => Crm::Converted(seen),
        },
    }
}

/// Whether the CRM record was deleted, and is there again.
fn returns(link: &Link) -> bool {
    let seen = link.seen.as_ref().map(|s| s.presence);
    link.state == LinkState::CrmDeleted && seen == Some(CrmPresence::Live)
}

/// Whether the App record was brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Revived {
    Yes,
    No,
}

/// An undeleted CRM record brings back the App record that we marked (rule R16).
fn revive(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    link: &mut Link,
    app: &mut Option<AppRecord>,
    now: Timestamp,
) -> Result<Revived> {
    if !returns(link) {
        return Ok(Revived::No);
    }
    let mut revived = Revived::No;
    if let Some(record) = app.as_ref().filter(|a| a.presence == Presence::Deleted) {
        let change = Change {
            table: record.table.clone(),
            id: record.id.clone(),
            expect: Expect::Rev(record.rev),
            fields: Fields::new(),
            presence: Presence::Live,
            sync_key: None,
            by: Author::Run(cx.run),
            at: now,
        };
        *app = Some(tx.change_app(cx.name(), &change).map_err(from_app)?);
        revived = Revived::Yes;
    }
    link.state = LinkState::Active;
    Ok(revived)
}

struct Step<'s, 't> {
    tx: &'s mut Tx<'t>,
    cx: &'s RunCx,
    now: Timestamp,
    out: Reconciled,
    app: Option<AppRecord>,
    seen: Option<Observation>,
    link: Link,
}

impl Step<'_, '_> {
    fn apply(&mut self, plan: Plan) -> Result<()> {
        let orphan = match &plan.act {
            Act::Wait(error) => self.orphan(error)?,
            _ => None,
        };
        // Both are of a live record, and one that rests is not compared: it is back inside.
        let compared = matches!(plan.rule, RecordRule::R7 | RecordRule::R8);
        if compared && self.link.state == LinkState::OutOfScope {
            self.link.state = LinkState::Active;
        }
        let whole = matches!(plan.act, Act::Conflict(_) | Act::MergeCollision(_));
        let whole = whole || orphan.is_some();
        let hot = !whole && self.is_hot(&plan.act)?;
        if !whole && !hot && plan.act != Act::Unreachable {
            conflicts::supersede(self.tx, &self.link, None, Superseded::Record, self.now)?;
        }
        match plan.act {
            Act::Nothing => self.never_comes()?,
            Act::Fields { push, pull } | Act::Link { push, pull } => {
                if self.link.state != LinkState::WaitingParent || self.link.crm_id.is_some() {
                    self.link.state = LinkState::Active;
                }
                self.fields(&plan.rows, push, pull)?;
            }
            Act::Freeze { pull } => {
                self.link.state = LinkState::Converted;
                self.fields(&plan.rows, Fields::new(), pull)?;
            }
            Act::Follow { pull } => self.follow(&plan.rows, pull)?,
            Act::CreateInCrm(fields) => self.create(fields, &plan.rows)?,
            Act::NotMade(scope) => self.not_made(scope),
            Act::Lacks(field) => self.out.lacks = Some(field),
            Act::CreateInApp(_) => self.out.skipped = true,
            Act::DeleteInCrm(policy) => self.delete_in_crm(plan.rule, policy)?,
            Act::DeleteInApp(policy) => self.delete_in_app(plan.rule, policy)?,
            Act::Close => self.close()?,
            Act::MoveLink(into) => {
                let before = End::of(&self.link);
                self.link.crm_id = Some(into);
                self.link.seen = None;
                let after = End::of(&self.link);
                self.tx
                    .linked(self.cx.run, &self.link.app_id, before, after);
                self.out.needs_read = Some(into);
                self.out
                    .did
                    .push(format!("merged in Salesforce into {into}"));
            }
            Act::Conflict(kind) => self.record_conflict(kind)?,
            Act::MergeCollision(into) => {
                self.record_conflict(Kind::MergeCollision { into })?;
            }
            Act::Leave(policy) => self.leave(policy)?,
            Act::Unreachable => self.out.unreachable = self.link.crm_id,
            Act::Wait(error) => {
                self.wait(&error);
                if let Some(kind) = orphan {
                    self.record_conflict(kind)?;
                }
            }
            Act::Failed(all) => {
                for (row, error) in &all {
                    self.out.fail(transform_failure(self.cx, *row, error));
                }
            }
        }
        if hot {
            self.record_conflict(Kind::HotRecord)?;
        }
        Ok(())
    }

    /// Whether people are asked about a record that keeps moving, and it still is to be written.
    fn is_hot(&self, act: &Act) -> Result<bool> {
        let (Act::Fields { push, .. } | Act::Link { push, .. }) = act else {
            return Ok(false);
        };
        let open = self.tx.open_conflicts(&self.link.pair, &self.link.app_id)?;
        Ok(!push.is_empty() && open.iter().any(|c| c.kind == Kind::HotRecord))
    }
}

/// A failure of a value on its way.
pub fn transform_failure(cx: &RunCx, row: RowId, error: &TransformError) -> Failure {
    let row = cx.pair.pair.row(row);
    let fields = row.map(|r| r.label(Side::App)).into_iter().collect();
    let label = row.map(|r| r.label(Side::App)).unwrap_or_default();
    Failure {
        code: "VALUE_DOES_NOT_FIT".to_owned(),
        what: format!("{label}: {error}"),
        why: "the mapping's change on the way does not take this value".to_owned(),
        fix: "change the value in Records, or the row in Mapping".to_owned(),
        fields,
        request: String::new(),
    }
}

/// An App refusal as an error of the run: it cannot happen inside one transaction.
pub fn from_app(error: AppError) -> Error {
    match error {
        AppError::Store(error) => error.into(),
        AppError::Moved { .. } => Error::new(ErrorKind::Changed, error.to_string())
            .hint("look at the record as it is now, and try again"),
        AppError::Missing | AppError::Exists => Error::new(ErrorKind::Changed, error.to_string()),
    }
}
