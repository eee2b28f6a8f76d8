//! Reconciles one record inside a transaction: applies what concerns the App, and says what has
//! to be written to the CRM.
//!
//! Sends nothing. Invariant: bases move only together with the values they describe; a write to
//! the CRM moves its bases when it is applied, not here.

use jiff::Timestamp;

use crate::appdb::{AppError, Author, Change, Expect};
use crate::crm::CrmRow;
use crate::domain::append::Block;
use crate::domain::conflict::{Conflict, Kind, Superseded};
use crate::domain::id::{AppId, CrmId, FieldName, RowId, SyncKey};
use crate::domain::mapping::{DeletePolicy, Flow, Guard};
use crate::domain::plan::{self, Act, App, Crm, Input, Plan, Survivor};
use crate::domain::reconcile::{Action, CompiledRow, Outcome, canon_cell, cell_of};
use crate::domain::record::{
    AppRecord, BasePair, CrmPresence, Link, LinkState, Observation, Presence, Source, Standing,
};
use crate::domain::run::{Failure, LogLine, Word};
use crate::domain::transform::{Side, TransformError};
use crate::domain::value::{Cell, Fields, Value};
use crate::error::{Error, Kind as ErrorKind, Result};

use super::conflicts::{self, Found, Sides};
use super::cx::RunCx;
use super::tables::{Agreed, Child, Op};
use super::tx::Tx;

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
    /// A policy left it out.
    pub skipped: bool,
    /// The CRM record has to be read before anything is decided.
    pub needs_read: Option<CrmId>,
    /// What has to be written to the CRM.
    pub write: Option<Write>,
    /// What was done, in words.
    pub did: Vec<String>,
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
    if asked_about(tx, cx, &link, now)? == Asked::WhetherTheSame {
        out.skipped = true;
        return Ok(out);
    }
    if link.crm_id.is_some() && link.seen.is_none() {
        out.needs_read = link.crm_id;
        tx.put_link(&link, was)?;
        return Ok(out);
    }
    revive(tx, cx, &mut link, &mut app, now)?;
    let seen = link.seen.clone();
    let survivor = match seen.as_ref().map(|s| s.presence) {
        Some(CrmPresence::Merged(into)) => match tx.by_crm(cx.name(), &into)? {
            Some(_) => Survivor::Taken,
            None => Survivor::Free,
        },
        _ => Survivor::Free,
    };
    let plan = {
        let input = Input {
            link: Some(&link),
            app: App::of(app.as_ref()),
            crm: crm_side(seen.as_ref(), survivor),
        };
        let modified = seen.as_ref().map(|s| s.modified);
        cx.with(tx, app.as_ref(), modified, now, |c| {
            plan::plan(c, &cx.pair, input)
        })
    };
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
    tx.put_link(&link, was)?;
    Ok(out)
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

/// Looks at the open conflicts; ends those on rows that the mapping no longer has.
fn asked_about(tx: &mut Tx<'_>, cx: &RunCx, link: &Link, now: Timestamp) -> Result<Asked> {
    let mut asked = Asked::Other;
    for conflict in tx.open_conflicts(&link.pair, &link.app_id)? {
        let kept = |id: RowId| cx.pair.rows.iter().any(|r| r.row.id == id);
        if conflict.row.is_some_and(|id| !kept(id)) {
            conflicts::supersede(tx, link, conflict.row, Superseded::Mapping, now)?;
        } else if link.crm_id.is_none() && matches!(conflict.kind, Kind::AmbiguousMatch { .. }) {
            asked = Asked::WhetherTheSame;
        }
    }
    Ok(asked)
}

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
        cx.with(tx, None, Some(seen.modified), now, |c| {
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
            let link = new_link(cx, &record, seen, now);
            tx.put_link(&link, None)?;
            out.pulled = true;
            out.created = true;
        }
        Act::Wait(TransformError::WaitsFor { pair, id }) => {
            tx.wait_for(&pair, &id, &Child::Crm(cx.name().clone(), seen.id));
            tx.put_inbox(cx.name(), &seen);
            out.waits = true;
        }
        Act::Failed(row, error) => {
            tx.put_inbox(cx.name(), &seen);
            out.failure = Some(transform_failure(cx, Some(row), &error));
        }
        _ => out.skipped = true,
    }
    Ok(out)
}

/// A link of a record just taken in, with every row agreed.
fn new_link(cx: &RunCx, app: &AppRecord, seen: Observation, now: Timestamp) -> Link {
    let mut bases = std::collections::BTreeMap::new();
    for row in &cx.pair.rows {
        let Some(crm) = cell_of(Side::Crm, &row.row.crm, &seen.fields) else {
            continue;
        };
        let app = cell_of(Side::App, &row.row.app, &app.fields).unwrap_or_default();
        let base = settled(
            canon_cell(&row.app, &app),
            canon_cell(&row.crm, &crm),
            cx,
            now,
        );
        bases.insert(row.row.id, base);
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

/// An undeleted CRM record brings back the App record that we marked (rule R16).
fn revive(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    link: &mut Link,
    app: &mut Option<AppRecord>,
    now: Timestamp,
) -> Result<()> {
    let live = link
        .seen
        .as_ref()
        .is_some_and(|s| s.presence == CrmPresence::Live);
    if link.state != LinkState::CrmDeleted || !live {
        return Ok(());
    }
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
    }
    link.state = LinkState::Active;
    Ok(())
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
        let whole = matches!(plan.act, Act::Conflict(_) | Act::MergeCollision(_));
        let hot = !whole && self.is_hot(&plan.act)?;
        if !whole && !hot {
            conflicts::supersede(self.tx, &self.link, None, Superseded::Record, self.now)?;
        }
        match plan.act {
            Act::Nothing => {}
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
            Act::CreateInCrm(fields) => self.create(fields)?,
            Act::CreateInApp(_) => self.out.skipped = true,
            Act::DeleteInCrm(policy) => self.delete_in_crm(policy)?,
            Act::DeleteInApp(policy) => self.delete_in_app(policy)?,
            Act::Close => self.close()?,
            Act::MoveLink(into) => {
                self.link.crm_id = Some(into);
                self.link.seen = None;
                self.out.needs_read = Some(into);
                self.out
                    .did
                    .push(format!("merged in Salesforce into {into}"));
            }
            Act::Conflict(kind) => self.record_conflict(kind)?,
            Act::MergeCollision(into) => {
                self.record_conflict(Kind::AmbiguousMatch {
                    candidates: vec![into],
                })?;
            }
            Act::Unreachable => self.out.skipped = true,
            Act::Wait(error) => self.wait(&error),
            Act::Failed(row, error) => {
                self.out.failure = Some(transform_failure(self.cx, Some(row), &error));
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

    fn fields(&mut self, rows: &[Outcome], push: Fields, pull: Fields) -> Result<()> {
        self.log_overwritten(rows)?;
        self.pull(pull)?;
        let mut agreed = Vec::new();
        let mut auto = Vec::new();
        let mut guarded = false;
        for outcome in rows {
            let cx = self.cx;
            let Some(row) = cx.pair.rows.iter().find(|r| r.row.id == outcome.row) else {
                continue;
            };
            match &outcome.action {
                Action::Nothing | Action::Unknown => self.settle_base(outcome.row),
                Action::BlankKept => {}
                Action::Drift => self
                    .out
                    .did
                    .push(format!("{} differs", row.row.label(Side::App))),
                Action::Adopt | Action::Accept(_) => {
                    self.rebase(row)?;
                    self.went_away(row.row.id, Superseded::Converged)?;
                }
                Action::Pull(_) => {
                    self.rebase(row)?;
                    self.went_away(row.row.id, Superseded::OneSided)?;
                }
                Action::Push(cell) => {
                    auto.extend(self.auto_entry(row, outcome));
                    agreed.push(self.agreed(row, cell));
                    guarded |= !matches!(row.row.flow, Flow::ToCrm(_));
                    self.went_away(row.row.id, Superseded::OneSided)?;
                }
                Action::Append(block) => {
                    agreed.push(self.appended(row, block, &push));
                    guarded = true;
                }
                Action::Conflict => self.row_conflict(row)?,
                Action::Failed(error @ TransformError::WaitsFor { .. }) => self.wait(error),
                Action::Failed(error) => {
                    let failure = transform_failure(self.cx, Some(row.row.id), error);
                    self.out.failure.get_or_insert(failure);
                }
            }
        }
        if !push.is_empty() {
            self.update(push, agreed, auto, guarded);
        }
        Ok(())
    }

    /// Logs the App values that a rule is about to overwrite, while they are still there.
    fn log_overwritten(&mut self, rows: &[Outcome]) -> Result<()> {
        let cx = self.cx;
        for outcome in rows {
            let row = cx.pair.rows.iter().find(|r| r.row.id == outcome.row);
            if let (Action::Pull(_), Some(row)) = (&outcome.action, row)
                && let Some(entry) = self.auto_entry(row, outcome)
            {
                self.tx.put_conflict(&entry)?;
            }
        }
        Ok(())
    }

    fn pull(&mut self, pull: Fields) -> Result<()> {
        let Some(app) = self.app.as_ref().filter(|_| !pull.is_empty()) else {
            return Ok(());
        };
        let names: Vec<&str> = pull.keys().map(FieldName::as_str).collect();
        let text = format!("{} -> App", names.join(", "));
        let change = Change {
            table: app.table.clone(),
            id: app.id.clone(),
            expect: Expect::Rev(app.rev),
            fields: pull,
            presence: app.presence,
            sync_key: None,
            by: Author::Run(self.cx.run),
            at: self.now,
        };
        self.app = Some(
            self.tx
                .change_app(self.cx.name(), &change)
                .map_err(from_app)?,
        );
        self.out.pulled = true;
        self.note(Word::Ok, text);
        Ok(())
    }

    fn note(&mut self, word: Word, text: String) {
        let line = LogLine {
            at: self.now,
            word,
            run: Some(self.cx.run),
            text: text.clone(),
        };
        self.tx.history(&self.link.pair, &self.link.app_id, &line);
        self.out.did.push(text);
    }

    fn cells(&self, row: &CompiledRow) -> (Option<Cell>, Option<Cell>) {
        let app = self
            .app
            .as_ref()
            .and_then(|a| cell_of(Side::App, &row.row.app, &a.fields));
        let crm = self
            .seen
            .as_ref()
            .and_then(|s| cell_of(Side::Crm, &row.row.crm, &s.fields));
        (app, crm)
    }

    /// Takes both current values as the new base.
    fn rebase(&mut self, row: &CompiledRow) -> Result<()> {
        if let (Some(app), Some(crm)) = self.cells(row) {
            let base = settled(
                canon_cell(&row.app, &app),
                canon_cell(&row.crm, &crm),
                self.cx,
                self.now,
            );
            self.link.bases.insert(row.row.id, base);
        }
        Ok(())
    }

    fn settle_base(&mut self, row: RowId) {
        if let Some(base) = self.link.bases.get_mut(&row) {
            base.standing = Standing::Settled;
        }
    }

    fn went_away(&mut self, row: RowId, how: Superseded) -> Result<()> {
        Ok(conflicts::supersede(
            self.tx,
            &self.link,
            Some(row),
            how,
            self.now,
        )?)
    }

    fn agreed(&self, row: &CompiledRow, sent: &[Value]) -> Agreed {
        let app = self.cells(row).0.unwrap_or_default();
        Agreed {
            row: row.row.id,
            app: canon_cell(&row.app, &app),
            crm: canon_cell(&row.crm, sent),
        }
    }

    fn appended(&mut self, row: &CompiledRow, _block: &Block, push: &Fields) -> Agreed {
        let sent: Cell = row
            .row
            .crm
            .iter()
            .map(|f| push.get(f).cloned().unwrap_or_default())
            .collect();
        self.agreed(row, &sent)
    }

    fn auto_entry(&self, row: &CompiledRow, outcome: &Outcome) -> Option<Conflict> {
        let (strategy, winner) = outcome.auto?;
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let conflict = conflicts::of_row(self.tx, self.cx, &self.link, row, sides, self.now);
        Some(conflicts::auto_resolved(conflict, strategy, winner))
    }

    fn row_conflict(&mut self, row: &CompiledRow) -> Result<()> {
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let fresh = conflicts::of_row(self.tx, self.cx, &self.link, row, sides, self.now);
        if conflicts::open(self.tx, fresh, self.now)? == Found::New {
            self.out.conflicts += 1;
        }
        Ok(())
    }

    fn record_conflict(&mut self, kind: Kind) -> Result<()> {
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let fresh = conflicts::of_record(self.tx, self.cx, &self.link, kind, sides, self.now);
        if conflicts::open(self.tx, fresh, self.now)? == Found::New {
            self.out.conflicts += 1;
        }
        Ok(())
    }

    fn wait(&mut self, error: &TransformError) {
        if let TransformError::WaitsFor { pair, id } = error {
            let child = Child::App(self.cx.name().clone(), self.link.app_id.clone());
            self.tx.wait_for(pair, id, &child);
            if self.link.crm_id.is_none() {
                self.link.state = LinkState::WaitingParent;
            }
            self.out.waits = true;
        }
    }

    fn update(&mut self, fields: Fields, agreed: Vec<Agreed>, auto: Vec<Conflict>, guarded: bool) {
        let (Some(app), Some(seen)) = (&self.app, &self.seen) else {
            return;
        };
        let guard = guarded && self.cx.pair.pair.guard == Guard::Precondition;
        if guard && seen.seen_at < seen.stamp.max(seen.modified) + self.cx.settings.settle {
            // A second edit inside the same second would be invisible to the guard.
            self.out.needs_read = Some(seen.id);
        }
        self.out.write = Some(Write {
            app_id: app.id.clone(),
            crm_id: self.link.crm_id,
            sync_key: None,
            op: Op::Update,
            fields,
            agreed,
            app_rev: app.rev,
            unmodified_since: guard.then_some(seen.modified),
            auto,
            name: self.cx.title(self.app.as_ref(), self.seen.as_ref()),
        });
    }

    fn create(&mut self, mut fields: Fields) -> Result<()> {
        let (Some(app), Some(key_field)) = (self.app.clone(), &self.cx.pair.pair.key_field) else {
            self.out.skipped = true;
            return Ok(());
        };
        let key = match &self.link.sync_key {
            Some(key) => key.clone(),
            None => SyncKey::new(uuid::Uuid::now_v7().to_string()),
        };
        fields.insert(key_field.clone(), Value::text(key.as_str()));
        self.link.sync_key = Some(key.clone());
        self.link.state = LinkState::Unlinked;
        let mut agreed = Vec::new();
        for row in self
            .cx
            .pair
            .rows
            .iter()
            .filter(|r| r.row.flow.writes(Side::Crm))
        {
            let sent: Cell = row
                .row
                .crm
                .iter()
                .map(|f| fields.get(f).cloned().unwrap_or_default())
                .collect();
            agreed.push(self.agreed(row, &sent));
        }
        self.out.write = Some(Write {
            app_id: app.id.clone(),
            crm_id: None,
            sync_key: Some(key),
            op: Op::Create,
            fields,
            agreed,
            app_rev: app.rev,
            unmodified_since: None,
            auto: Vec::new(),
            name: self.cx.title(Some(&app), None),
        });
        Ok(())
    }

    fn delete_in_crm(&mut self, policy: DeletePolicy) -> Result<()> {
        match policy {
            DeletePolicy::Propagate => {
                let app = self.app.as_ref();
                self.out.write = Some(Write {
                    app_id: self.link.app_id.clone(),
                    crm_id: self.link.crm_id,
                    sync_key: None,
                    op: Op::Delete,
                    fields: Fields::new(),
                    agreed: Vec::new(),
                    app_rev: app.map_or(0, |a| a.rev),
                    unmodified_since: None,
                    auto: Vec::new(),
                    name: self.cx.title(app, self.seen.as_ref()),
                });
            }
            DeletePolicy::Mark | DeletePolicy::Unlink => {
                self.link.state = LinkState::Closed;
                self.note(
                    Word::Info,
                    "deleted in the App; Salesforce keeps its record".into(),
                );
                self.out.skipped = true;
            }
        }
        Ok(())
    }

    fn delete_in_app(&mut self, policy: DeletePolicy) -> Result<()> {
        let Some(app) = self.app.clone() else {
            return Ok(());
        };
        if policy == DeletePolicy::Unlink {
            self.link.state = LinkState::Closed;
            self.note(
                Word::Info,
                "deleted in Salesforce; the App keeps its record".into(),
            );
            self.out.skipped = true;
            return Ok(());
        }
        let change = Change {
            table: app.table.clone(),
            id: app.id.clone(),
            expect: Expect::Rev(app.rev),
            fields: Fields::new(),
            presence: Presence::Deleted,
            sync_key: None,
            by: Author::Run(self.cx.run),
            at: self.now,
        };
        self.app = Some(
            self.tx
                .change_app(self.cx.name(), &change)
                .map_err(from_app)?,
        );
        self.link.state = LinkState::CrmDeleted;
        self.out.pulled = true;
        self.note(
            Word::Info,
            "deleted in Salesforce; marked as deleted in the App".into(),
        );
        self.all_superseded()
    }

    fn close(&mut self) -> Result<()> {
        if self.link.state != LinkState::CrmDeleted {
            self.link.state = LinkState::Closed;
        }
        self.all_superseded()
    }

    fn all_superseded(&mut self) -> Result<()> {
        for conflict in self.tx.open_conflicts(&self.link.pair, &self.link.app_id)? {
            let state = crate::domain::conflict::State::Superseded {
                how: Superseded::Record,
            };
            conflicts::close(self.tx, conflict, state, self.now)?;
        }
        Ok(())
    }
}

/// A failure of a value on its way.
pub fn transform_failure(cx: &RunCx, row: Option<RowId>, error: &TransformError) -> Failure {
    let row = row.and_then(|id| cx.pair.pair.row(id));
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
