//! Carries out what was decided about a record's fields.
//!
//! Invariant: a base moves only when both its sides hold what it says.

use super::super::conflicts::{self, Found, Sides};
use super::super::tables::{Agreed, Child, Op};
use super::{Step, Write, from_app, settled, transform_failure};
use crate::appdb::{Author, Change, Expect};
use crate::domain::append;
use crate::domain::conflict::{Conflict, Kind, Superseded};
use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{Flow, Guard};
use crate::domain::reconcile::{Action, CompiledRow, Outcome, canon_cell};
use crate::domain::record::{LinkState, Presence, Standing};
use crate::domain::run::{LogLine, Word};
use crate::domain::transform::{Side, TransformError};
use crate::domain::value::{Cell, Fields, Value};
use crate::error::Result;

impl Step<'_, '_> {
    pub(super) fn fields(&mut self, rows: &[Outcome], push: Fields, pull: Fields) -> Result<()> {
        let thawed = self.thawed(rows)?;
        let (rows, push, pull) = match &thawed {
            Some(left) => (left.rows.as_slice(), left.push.clone(), left.pull.clone()),
            None => (rows, push, pull),
        };
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
                Action::BlankKept => self.out.did.push(format!(
                    "{} kept although the other side is empty",
                    row.row.label(Side::App)
                )),
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
                Action::Append(_) => {
                    agreed.push(self.appended(row, &push));
                    guarded = true;
                }
                Action::Overflow(lines) => self.overflow(row, lines)?,
                Action::Conflict => self.row_conflict(row)?,
                Action::Failed(error @ TransformError::WaitsFor { .. }) => self.wait(error),
                Action::Failed(error) => {
                    let failure = transform_failure(self.cx, row.row.id, error);
                    self.out.fail(failure);
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
                self.tx.put_conflict(&entry, self.now)?;
            }
        }
        Ok(())
    }

    /// Changes the App record as it was read, by compare-and-set; nothing where there is none.
    pub(super) fn change_app(&mut self, fields: Fields, presence: Presence) -> Result<()> {
        let Some(app) = &self.app else {
            return Ok(());
        };
        let change = Change {
            table: app.table.clone(),
            id: app.id.clone(),
            expect: Expect::Rev(app.rev),
            fields,
            presence,
            sync_key: None,
            by: Author::Run(self.cx.run),
            at: self.now,
        };
        let changed = self.tx.change_app(self.cx.name(), &change);
        self.app = Some(changed.map_err(from_app)?);
        self.out.pulled = true;
        Ok(())
    }

    pub(super) fn pull(&mut self, pull: Fields) -> Result<()> {
        let Some(app) = self.app.as_ref().filter(|_| !pull.is_empty()) else {
            return Ok(());
        };
        let names: Vec<&str> = pull.keys().map(FieldName::as_str).collect();
        let text = format!("{} -> App", names.join(", "));
        let presence = app.presence;
        self.change_app(pull, presence)?;
        self.note(Word::Ok, text);
        Ok(())
    }

    pub(super) fn note(&mut self, word: Word, text: String) {
        let line = LogLine {
            at: self.now,
            word,
            run: Some(self.cx.run),
            text: text.clone(),
        };
        self.tx.history(&self.link.pair, &self.link.app_id, &line);
        self.out.did.push(text);
    }

    pub(super) fn cells(&self, row: &CompiledRow) -> (Option<Cell>, Option<Cell>) {
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        sides.cells(&row.row)
    }

    /// Takes both current values as the new base.
    pub(super) fn rebase(&mut self, row: &CompiledRow) -> Result<()> {
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

    pub(super) fn settle_base(&mut self, row: RowId) {
        let base = self.link.bases.get_mut(&row);
        if let Some(base) = base.filter(|base| base.standing == Standing::Provisional) {
            base.standing = Standing::Settled;
        }
    }

    pub(super) fn went_away(&mut self, row: RowId, how: Superseded) -> Result<()> {
        Ok(conflicts::supersede(
            self.tx,
            &self.link,
            Some(row),
            how,
            self.now,
        )?)
    }

    pub(super) fn agreed(&self, row: &CompiledRow, sent: &[Value]) -> Agreed {
        let app = self.cells(row).0.unwrap_or_default();
        Agreed {
            row: row.row.id,
            app: canon_cell(&row.app, &app),
            crm: canon_cell(&row.crm, sent),
        }
    }

    /// What is agreed in a row once lines are appended to what is there now, if anything is.
    pub(super) fn appended(&self, row: &CompiledRow, push: &Fields) -> Agreed {
        let text = |f| push.get(f).cloned().unwrap_or_default();
        let sent: Cell = row.row.crm.iter().map(text).collect();
        let nothing = || vec![Value::Null; row.row.crm.len()];
        let seen = self.cells(row).1.unwrap_or_else(nothing);
        self.agreed(row, &append::agreed_crm(row.row.flow, seen, sent))
    }

    pub(super) fn auto_entry(&self, row: &CompiledRow, outcome: &Outcome) -> Option<Conflict> {
        let auto = outcome.auto?;
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let conflict = conflicts::of_row(self.tx, self.cx, &self.link, row, sides, self.now);
        let clocks = self
            .cx
            .clocks(self.tx.state(), self.seen.as_ref(), self.now);
        Some(conflicts::auto_resolved(conflict, auto, &clocks))
    }

    pub(super) fn row_conflict(&mut self, row: &CompiledRow) -> Result<()> {
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

    pub(super) fn record_conflict(&mut self, kind: Kind) -> Result<()> {
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let cause = kind.cause();
        let fresh = conflicts::of_record(self.tx, self.cx, &self.link, kind, sides, self.now);
        if conflicts::open(self.tx, fresh, self.now)? == Found::New {
            self.out.did.push(cause);
            self.out.conflicts += 1;
        }
        Ok(())
    }

    pub(super) fn wait(&mut self, error: &TransformError) {
        if let TransformError::WaitsFor { pair, id } = error {
            let child = Child::App(self.cx.name().clone(), self.link.app_id.clone());
            self.tx.wait_for(pair, id, &child);
            if self.link.crm_id.is_none() {
                self.link.state = LinkState::WaitingParent;
            }
            self.out.waits = true;
        }
    }

    pub(super) fn update(
        &mut self,
        fields: Fields,
        agreed: Vec<Agreed>,
        auto: Vec<Conflict>,
        guarded: bool,
    ) {
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
}
