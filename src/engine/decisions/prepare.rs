//! Makes the decisions on one record into an App change or an intent, inside a transaction.
//!
//! Invariant: the values are read in the transaction that writes, and the CRM half is guarded by
//! the observation it was decided on; a value that nobody saw is never replaced.

use jiff::Timestamp;

use crate::appdb::{Author, Change, Expect};
use crate::domain::conflict::{Choice, State};
use crate::domain::id::{ConflictId, CrmId, FieldName};
use crate::domain::reconcile::Action;
use crate::domain::record::{AppRecord, BasePair, Link, Observation, Presence, Standing};
use crate::domain::run::{LogLine, RecordResult, ResultKind, Word};
use crate::domain::transform::Side;
use crate::domain::value::Fields;
use crate::engine::command::RecordKey;
use crate::engine::conflicts;
use crate::engine::cx::RunCx;
use crate::engine::journal;
use crate::engine::planner::{Write, from_app};
use crate::engine::tables::{Agreed, Intent, Op};
use crate::engine::tx::Tx;
use crate::error::{Error, Kind, Result};

use super::case::{self, Case};
use super::outcome::{Decision, Fate, Refusal, Resolution};
use super::overrules;
use super::resolve::resolve;
use super::whole;

/// What writing the decisions on a record needs.
#[derive(Debug)]
pub enum Prepared {
    /// Nothing is decided, or the record has an open intent.
    Nothing,
    /// The App was changed in this transaction; the CRM need not be.
    AppOnly,
    /// To be sent once this transaction is durable.
    Send(Box<Intent>),
    /// No decision can be written; those made on other values were taken back with a reason.
    Stale,
    /// The observation is too fresh, or too old, to guard a write: read the record, take it in,
    /// and prepare again (sync-semantics 8.2, settle rule). Nothing was changed.
    Read(CrmId),
}

/// Prepares the decisions on one record. The run of `cx` writes them.
///
/// # Errors
/// When the store fails.
pub fn prepare(tx: &mut Tx<'_>, cx: &RunCx, key: &RecordKey, now: Timestamp) -> Result<Prepared> {
    if tx.state().open_intent(&key.pair, &key.app_id)?.is_some() {
        return Ok(Prepared::Nothing);
    }
    let Some(case) = case::load(tx, cx, key, now)? else {
        overrules::forget(tx, key, |_| true)?;
        return Ok(Prepared::Nothing);
    };
    if !case.has_decisions() {
        return Ok(Prepared::Nothing);
    }
    let name = &cx.pair.pair.object;
    let object = tx.state().object(name)?.ok_or_else(|| {
        Error::new(
            Kind::Refused,
            format!("it is not known yet what {name} looks like"),
        )
    })?;
    let resolution = resolve(tx, cx, &object, &case, now)?;
    if resolution.decisions > 0
        && !resolution.push().is_empty()
        && let Some(seen) = case.seen.as_ref().filter(|s| unsettled(cx, s))
    {
        return Ok(Prepared::Read(seen.id));
    }
    for refusal in &resolution.refused {
        take_back(tx, &case, refusal, now)?;
    }
    if resolution.decisions == 0 && resolution.refused.is_empty() {
        // Its write was found to have happened; the next compare closes the conflict.
        return Ok(Prepared::Nothing);
    }
    if resolution.decisions == 0 {
        tx.todo(&key.pair, &key.app_id)?;
        return Ok(Prepared::Stale);
    }
    let mut work = Work {
        tx,
        cx,
        case: &case,
        now,
    };
    let prepared = match &resolution.whole {
        Some((id, act)) => whole::apply(&mut work, *id, act)?,
        None => work.fields(&resolution)?,
    };
    if matches!(prepared, Prepared::AppOnly) {
        let_go(tx, cx, key, now)?;
    }
    Ok(prepared)
}

/// What was refused of a record in quarantine may have nothing left to write: then it is well again,
/// at once. Otherwise the next run compares it, because the App's change counts as dealt with.
fn let_go(tx: &mut Tx<'_>, cx: &RunCx, key: &RecordKey, now: Timestamp) -> Result<()> {
    if tx.state().quarantined(&key.pair, &key.app_id)?.is_none() {
        return Ok(());
    }
    let open = |row: case::RowNow<'_>| {
        let unknown = row.outcome.is_some_and(|o| o.action == Action::Unknown);
        unknown || row.conflict.is_some() || waits(row)
    };
    let rest = match case::load(tx, cx, key, now)? {
        Some(case) => !cx.pair.is_whole() || case.rows(cx).any(open),
        None => false,
    };
    match rest {
        true => tx.todo(&key.pair, &key.app_id)?,
        false => tx.quarantine(&key.pair, &key.app_id, None, now)?,
    }
    Ok(())
}

/// Whether a second edit inside the same second could hide from the guard.
fn unsettled(cx: &RunCx, seen: &Observation) -> bool {
    seen.seen_at < seen.stamp.max(seen.modified) + cx.settings.settle
}

fn take_back(tx: &mut Tx<'_>, case: &Case, refusal: &Refusal, now: Timestamp) -> Result<()> {
    match refusal.decision {
        Decision::Conflict(id) => {
            if let Some(mut conflict) = tx.conflict(id)? {
                if refusal.fate == Fate::Stale {
                    conflict.staged = None;
                }
                conflict.error = Some(refusal.why.clone());
                tx.put_conflict(&conflict, now)?;
            }
        }
        Decision::Row(row) if refusal.fate == Fate::Stale => {
            overrules::put(tx, &case.key, row, None)?;
        }
        Decision::Row(_) => {}
    }
    let line = LogLine {
        at: now,
        word: Word::Warn,
        run: None,
        text: format!("not written, {}: {}", refusal.label, refusal.why),
    };
    tx.history(&case.key.pair, &case.key.app_id, &line);
    Ok(())
}

/// After an intent was applied: the overrules it wrote are done. What else of a record that was
/// decided waits for a run is put on its list: the App's change counts as dealt with, so that no run
/// would look at it by itself.
///
/// # Errors
/// When the store fails.
pub fn written(tx: &mut Tx<'_>, cx: &RunCx, intent: &Intent, now: Timestamp) -> Result<()> {
    let key = RecordKey {
        pair: intent.pair.clone(),
        app_id: intent.app_id.clone(),
    };
    let decided = !intent.resolves.is_empty() || !overrules::of(tx.state(), &key)?.is_empty();
    let by_this = |row| intent.op != Op::Update || intent.agreed.iter().any(|a| a.row == row);
    overrules::forget(tx, &key, by_this)?;
    if decided
        && let Some(case) = case::load(tx, cx, &key, now)?
        && case.rows(cx).any(waits)
    {
        tx.todo(&key.pair, &key.app_id)?;
    }
    Ok(())
}

/// Whether a run would do something about a row, or look at its conflict anew.
fn waits(row: case::RowNow<'_>) -> bool {
    let action = row.outcome.map(|outcome| &outcome.action);
    match row.conflict {
        Some(conflict) => conflict.fp != row.fp,
        None => matches!(
            action,
            Some(
                Action::Push(_)
                    | Action::Pull(_)
                    | Action::Append(_)
                    | Action::Overflow(_)
                    | Action::Conflict
                    | Action::Failed(_)
            )
        ),
    }
}

/// A record whose decisions are being written.
pub(super) struct Work<'w, 't> {
    pub tx: &'w mut Tx<'t>,
    pub cx: &'w RunCx,
    pub case: &'w Case,
    pub now: Timestamp,
}

impl Work<'_, '_> {
    fn fields(&mut self, resolution: &Resolution) -> Result<Prepared> {
        self.open_rest(resolution)?;
        let mut resolves: Vec<ConflictId> =
            resolution.rows.iter().filter_map(|r| r.conflict).collect();
        resolves.extend(&resolution.settled);
        let agreed: Vec<Agreed> = resolution.rows.iter().map(|r| r.agreed()).collect();
        let mut auto = Vec::new();
        for row in &resolution.rows {
            if let Some(decided) = row.auto {
                let clocks = self
                    .cx
                    .clocks(self.tx.state(), self.case.seen.as_ref(), self.now);
                let sides = self.case.sides();
                let link = &self.case.link;
                let entry = conflicts::of_row(self.tx, self.cx, link, &row.row, sides, self.now);
                auto.push(conflicts::auto_resolved(entry, decided, &clocks));
            }
        }
        let (push, pull) = (resolution.push(), resolution.pull());
        if push.is_empty() {
            for entry in &auto {
                self.tx.put_conflict(entry, self.now)?;
            }
            return self.app_only(&agreed, pull, &resolves);
        }
        let Some(seen) = &self.case.seen else {
            return Ok(Prepared::Nothing);
        };
        let write = Write {
            app_id: self.case.key.app_id.clone(),
            crm_id: self.case.link.crm_id,
            sync_key: None,
            op: Op::Update,
            fields: push,
            agreed,
            app_rev: self.case.app.as_ref().map_or(0, |a| a.rev),
            // A decision is guarded whatever the pair says: it was made on these values.
            unmodified_since: Some(seen.modified),
            auto,
            name: self.case.name.clone(),
        };
        self.send(&write, pull, resolves)
    }

    /// Makes the intent, and marks its conflicts as being written.
    pub fn send(
        &mut self,
        write: &Write,
        app_fields: Fields,
        resolves: Vec<ConflictId>,
    ) -> Result<Prepared> {
        for id in &resolves {
            if let Some(mut conflict) = self.tx.conflict(*id)? {
                conflict.state = State::Resolving;
                conflict.error = None;
                self.tx.put_conflict(&conflict, self.now)?;
            }
        }
        let mut intent = journal::intend(self.tx, self.cx, write, self.now);
        intent.app_fields = app_fields;
        intent.resolves = resolves;
        self.tx.put_intent(&intent);
        Ok(Prepared::Send(Box::new(intent)))
    }

    fn app_only(
        &mut self,
        agreed: &[Agreed],
        pull: Fields,
        resolves: &[ConflictId],
    ) -> Result<Prepared> {
        let names: Vec<&str> = pull.keys().map(FieldName::as_str).collect();
        let did = if names.is_empty() {
            "decided; both sides agree".to_owned()
        } else {
            format!("{} -> App", names.join(", "))
        };
        let mut link = self.stored_link()?;
        let app = self.change_app(pull, Presence::Live)?;
        self.agree(&mut link, agreed);
        link.app_rev = app.map_or(link.app_rev, |a| a.rev);
        self.tx.put_link(link, self.case.stored)?;
        self.resolve(resolves)?;
        let rows: Vec<_> = agreed.iter().map(|a| a.row).collect();
        overrules::forget(self.tx, &self.case.key, |row| rows.contains(&row))?;
        self.report(did)?;
        Ok(Prepared::AppOnly)
    }

    /// Both sides of rows that nobody decided may have come apart since the last run, or one of them
    /// moved on in a conflict that is open: people see that at once. What else of the record waits is
    /// left to the next run, by [`written`].
    fn open_rest(&mut self, resolution: &Resolution) -> Result<()> {
        for row in self.case.rows(self.cx) {
            let conflict = row.outcome.is_some_and(|o| o.action == Action::Conflict);
            if conflict && resolution.row(row.row.row.id).is_none() {
                let sides = self.case.sides();
                let link = &self.case.link;
                let fresh = conflicts::of_row(self.tx, self.cx, link, row.row, sides, self.now);
                conflicts::open(self.tx, fresh, self.now)?;
            }
        }
        Ok(())
    }

    /// The link as it is stored, or a new one.
    pub fn stored_link(&self) -> Result<Link> {
        let key = &self.case.key;
        let stored = self.tx.link(&key.pair, &key.app_id)?;
        Ok(stored.unwrap_or_else(|| self.case.link.clone()))
    }

    /// Changes the App record by compare-and-set; `None` when nothing changes.
    pub fn change_app(&mut self, fields: Fields, presence: Presence) -> Result<Option<AppRecord>> {
        let app = self.case.app.as_ref();
        let same = app.is_some_and(|a| a.presence == presence);
        if fields.is_empty() && same {
            return Ok(None);
        }
        let change = Change {
            table: self.cx.pair.pair.table.clone(),
            id: self.case.key.app_id.clone(),
            expect: app.map_or(Expect::New, |a| Expect::Rev(a.rev)),
            fields,
            presence,
            sync_key: None,
            by: Author::Run(self.cx.run),
            at: self.now,
        };
        let record = self.tx.change_app(&self.case.key.pair, &change);
        Ok(Some(record.map_err(from_app)?))
    }

    /// Takes the agreed values as bases.
    pub fn agree(&self, link: &mut Link, agreed: &[Agreed]) {
        for row in agreed {
            let base = BasePair {
                app: row.app.clone(),
                crm: row.crm.clone(),
                standing: Standing::Settled,
                at: self.now,
                run: self.cx.run,
            };
            link.bases.insert(row.row, base);
        }
    }

    /// Closes conflicts as decided.
    pub fn resolve(&mut self, ids: &[ConflictId]) -> Result<()> {
        for id in ids {
            if let Some(conflict) = self.tx.conflict(*id)? {
                let choice = conflict.staged.as_ref().map(|s| s.choice.clone());
                let choice = choice.unwrap_or(Choice::Take(Side::App));
                conflicts::close(self.tx, conflict, State::Resolved { choice }, self.now)?;
            }
        }
        Ok(())
    }

    /// Into the record's history and the run's results.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn report(&mut self, did: String) -> Result<()> {
        let key = &self.case.key;
        let line = LogLine {
            at: self.now,
            word: Word::Ok,
            run: Some(self.cx.run),
            text: did.clone(),
        };
        self.tx.history(&key.pair, &key.app_id, &line);
        Ok(self.tx.put_result(&RecordResult {
            run: self.cx.run,
            app_id: key.app_id.clone(),
            crm_id: self.case.link.crm_id,
            name: self.case.name.clone(),
            kind: ResultKind::Applied,
            did,
            failure: None,
            tries: 1,
        })?)
    }
}
