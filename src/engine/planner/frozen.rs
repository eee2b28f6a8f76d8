//! Rows that are left alone for now: those that two systems keep changing against each other
//! (sync-semantics 2.5), those of which a person is asked whether a run is taken back, and those
//! that a person decided and that are not written yet (sync-semantics 12).
//!
//! Decides only about rows that the rules want to write. Invariant: a row that is frozen is
//! written on neither side, and says why in an open conflict.

use jiff::SignedDuration;

use super::super::conflicts::{self, Found, Sides};
use super::Step;
use crate::domain::conflict::{Conflict, Kind, State, Superseded};
use crate::domain::fight::{Chain, Turn, Verdict};
use crate::domain::id::RowId;
use crate::domain::plan;
use crate::domain::reconcile::{Action, CompiledRow, FieldRule, Outcome};
use crate::domain::record::Standing;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields, Value};
use crate::error::Result;

/// Turns older than this count only if they are among the latest runs.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is left of a plan without the rows that are frozen.
pub(super) struct Thawed {
    pub rows: Vec<Outcome>,
    pub push: Fields,
    pub pull: Fields,
}

impl Step<'_, '_> {
    /// Takes the frozen rows out of a plan; `None` when there are none.
    pub(super) fn thawed(&mut self, rows: &[Outcome]) -> Result<Option<Thawed>> {
        let (pair, id) = (self.link.pair.clone(), self.link.app_id.clone());
        let open = self.tx.open_conflicts(&pair, &id)?;
        let of = |row| open.iter().find(|c: &&Conflict| c.row == Some(row));
        let mut kept = Vec::with_capacity(rows.len());
        for outcome in rows {
            let row = self.cx.pair.rows.iter().find(|r| r.row.id == outcome.row);
            let freezes = match (row, &outcome.action) {
                (Some(row), Action::Push(_)) => {
                    self.freezes(row, outcome, Side::Crm, of(outcome.row))?
                }
                (Some(row), Action::Pull(_)) => {
                    self.freezes(row, outcome, Side::App, of(outcome.row))?
                }
                (_, Action::Nothing) => {
                    self.at_rest(of(outcome.row))?;
                    Freezes::Not
                }
                _ => Freezes::Not,
            };
            if freezes == Freezes::Not {
                kept.push(outcome.clone());
            }
        }
        if kept.len() == rows.len() {
            return Ok(None);
        }
        let none = Fields::new();
        let crm = self.seen.as_ref().map_or(&none, |s| &s.fields);
        let (push, pull) = plan::writes(&self.cx.pair, &kept, crm);
        let rows = kept;
        Ok(Some(Thawed { rows, push, pull }))
    }

    /// Rows that would make a record with what was refused: it points to what is not there, and a
    /// person is asked about that.
    pub(super) fn nowhere(&self, fields: &Fields) -> Result<Vec<RowId>> {
        let open = self.tx.open_conflicts(&self.link.pair, &self.link.app_id)?;
        let asked = open.iter().filter_map(|conflict| {
            let (Kind::NoSuchParent { id }, Some(row)) = (&conflict.kind, conflict.row) else {
                return None;
            };
            let sent = self.cx.pair.pair.row(row)?.crm.first()?;
            let same = fields.get(sent).and_then(Value::as_text) == Some(id);
            same.then_some(row)
        });
        Ok(asked.collect())
    }

    /// Both sides stopped by themselves.
    fn at_rest(&mut self, known: Option<&Conflict>) -> Result<()> {
        let by_itself = |kind: &Kind| {
            matches!(
                kind,
                Kind::NormaliserFight { .. } | Kind::NoSuchParent { .. }
            )
        };
        if let Some(known) = known.filter(|c| by_itself(&c.kind)) {
            let how = Superseded::Converged;
            conflicts::close(self.tx, known.clone(), State::Superseded { how }, self.now)?;
        }
        Ok(())
    }

    fn freezes(
        &mut self,
        row: &CompiledRow,
        outcome: &Outcome,
        wrote: Side,
        known: Option<&Conflict>,
    ) -> Result<Freezes> {
        if known.is_some_and(|known| self.is_decided(row, known)) {
            return Ok(Freezes::Frozen);
        }
        let kind = match known.map(|c| (&c.kind, &c.state)) {
            // Left as it is by a person: it goes on from what is there.
            Some((Kind::Rollback { .. }, State::Ignored)) => return Ok(Freezes::Not),
            Some((kind @ (Kind::Rollback { .. } | Kind::NormaliserFight { .. }), _)) => {
                kind.clone()
            }
            // The same would be refused again.
            Some((kind @ Kind::NoSuchParent { id }, _)) if sends(outcome, id) => kind.clone(),
            _ => match self.fights(row, outcome, wrote)? {
                Some(kind) => kind,
                None => return Ok(Freezes::Not),
            },
        };
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let fresh = conflicts::of_row(self.tx, self.cx, &self.link, row, sides, self.now);
        let fresh = Conflict { kind, ..fresh };
        if conflicts::open(self.tx, fresh, self.now)? == Found::New {
            self.out.conflicts += 1;
        }
        Ok(Freezes::Frozen)
    }

    /// Whether a person decided about these very values, and it is not written yet: a rule that was
    /// made since does not decide otherwise.
    fn is_decided(&self, row: &CompiledRow, known: &Conflict) -> bool {
        let id = row.row.id;
        let means_else = self
            .cx
            .rows_changed_since(self.link.mapping_version)
            .is_some_and(|rows| rows.contains(&id));
        let (app, crm) = self.cells(row);
        let base = self.link.bases.get(&id);
        known.state == State::Pending
            && known.staged.is_some()
            && !means_else
            && known.fp == conflicts::fingerprint(base, app.as_ref(), crm.as_ref())
    }

    /// Counts the turn that a row is about to take; the kind of the conflict when it is one too
    /// many.
    fn fights(
        &mut self,
        row: &CompiledRow,
        outcome: &Outcome,
        wrote: Side,
    ) -> Result<Option<Kind>> {
        let moved = match outcome.rule {
            FieldRule::F2 => Side::App,
            FieldRule::F3 => Side::Crm,
            // What is overwritten by rule had moved, too.
            FieldRule::F5 => wrote,
            _ => return Ok(None),
        };
        let (Some(base), (Some(app), Some(crm))) =
            (self.link.bases.get(&row.row.id), self.cells(row))
        else {
            return Ok(None);
        };
        let latest = self.cx.latest;
        let now = self.now;
        let in_reach = |turn: &Turn| turn.run >= latest || now.duration_since(turn.at) <= HOUR;
        // What we wrote last, and was not seen there since.
        let before = Turn {
            at: base.at,
            run: base.run,
            moved: Side::App,
            wrote: Side::Crm,
            app: base.app.clone(),
            crm: base.crm.clone(),
        };
        let unseen = base.standing != Standing::Settled;
        let turn = Turn {
            at: now,
            run: self.cx.run,
            moved,
            wrote,
            app,
            crm,
        };
        let (pair, id) = (self.link.pair.clone(), self.link.app_id.clone());
        let known = self.tx.chain(&pair, &id, row.row.id)?;
        let typed = self.app.as_ref().is_some_and(|app| {
            let names = &row.row.app;
            moved == Side::App && names.iter().any(|f| app.typed_by.contains_key(f))
        });
        let mut chain = match known {
            _ if typed => Chain::from(turn.clone()),
            Some(chain) => chain,
            None if !in_reach(&before) => return Ok(None),
            None if unseen => Chain::from(before),
            None => Chain::default(),
        };
        let verdict = match typed {
            // A person began anew.
            true => Verdict::Goes,
            false => chain.take(turn, in_reach),
        };
        if !typed || self.tx.chain(&pair, &id, row.row.id)?.is_some() {
            self.tx
                .put_chain(&pair, &id, row.row.id, Some(chain.clone()))?;
        }
        Ok(match verdict {
            Verdict::Goes => None,
            Verdict::Fights => {
                let cells =
                    |of: fn(&Turn) -> &Cell| chain.turns().iter().map(of).cloned().collect();
                Some(Kind::NormaliserFight {
                    app: cells(|t| &t.app),
                    crm: cells(|t| &t.crm),
                })
            }
        })
    }
}

/// Whether a row is about to send this to the CRM.
fn sends(outcome: &Outcome, id: &str) -> bool {
    match &outcome.action {
        Action::Push(cell) => cell.first().and_then(Value::as_text) == Some(id),
        _ => false,
    }
}

/// Whether a row is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freezes {
    Frozen,
    Not,
}
