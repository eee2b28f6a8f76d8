//! What the decisions on a record come to: decided rows and the automatic merge of the others.
//!
//! Writes nothing; preview, detail and writing all use this one result. Invariant: a decision
//! whose fingerprint is not that of the values as they are now never becomes a write.

use jiff::Timestamp;

use crate::domain::conflict::{Choice, Conflict, Kind, Staged, State};
use crate::domain::id::{ConflictId, CrmId, RowId};
use crate::domain::mapping::{Flow, Strategy};
use crate::domain::plan::{self, Act, App, Crm, Input};
use crate::domain::reconcile::{Action, CompiledRow, Context, canon_cell, same_cell};
use crate::domain::record::{CrmPresence, Link, LinkState, Observation, Presence};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields, Value};
use crate::engine::cx::RunCx;
use crate::engine::tables::Agreed;
use crate::engine::tx::Tx;
use crate::store::StoreError;

use super::Verdict;
use super::case::{Case, RowNow};
use super::choice::{self, After, Rules};

/// Who decided a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person.
    Person,
    /// The merge: only one side changed it.
    Rule,
}

impl By {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Person => "you",
            Self::Rule => "automatic",
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone)]
pub struct RowWrite {
    /// Row.
    pub row: CompiledRow,
    /// Who decided.
    pub by: By,
    /// The conflict it settles.
    pub conflict: Option<ConflictId>,
    /// App value now.
    pub app_now: Cell,
    /// CRM value now.
    pub crm_now: Cell,
    /// Values after.
    pub after: After,
    /// A moved value is overwritten by rule: which, and whose value stays.
    pub auto: Option<(Strategy, Side)>,
}

impl RowWrite {
    /// Whether a side's value changes.
    pub fn changes(&self, side: Side) -> bool {
        match side {
            Side::App => !same_cell(&self.row.app, &self.after.app, &self.app_now),
            Side::Crm => !same_cell(&self.row.crm, &self.after.crm, &self.crm_now),
        }
    }

    /// The agreement once it is written.
    pub fn agreed(&self) -> Agreed {
        Agreed {
            row: self.row.row.id,
            app: canon_cell(&self.row.app, &self.after.app),
            crm: canon_cell(&self.row.crm, &self.after.crm),
        }
    }
}

/// What becomes of the record as a whole.
#[derive(Debug, Clone)]
pub enum Whole {
    /// A new CRM record with these fields.
    CreateInCrm(Fields),
    /// The CRM record goes.
    DeleteInCrm(CrmId),
    /// The App record is marked as deleted.
    DeleteInApp,
    /// The App record comes back with the CRM's values.
    RestoreInApp(Fields, Vec<Agreed>),
    /// The App record and this CRM record are one.
    LinkTo(Box<Observation>),
}

/// What a decision was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A conflict.
    Conflict(ConflictId),
    /// A row that is not in conflict.
    Row(RowId),
}

/// Whether a decision that cannot be written stays staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was made on other values: it is taken back.
    Stale,
    /// Its result cannot be made now: it stays, with the reason.
    Blocked,
}

/// A decision that cannot be written.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Which.
    pub decision: Decision,
    /// What it is about, in words.
    pub label: String,
    /// Why.
    pub why: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What the decisions come to.
#[derive(Debug, Default)]
pub struct Resolution {
    /// Rows.
    pub rows: Vec<RowWrite>,
    /// The record as a whole.
    pub whole: Option<(ConflictId, Whole)>,
    /// Conflicts about the record that need no write of their own.
    pub settled: Vec<ConflictId>,
    /// Decisions that can be written.
    pub decisions: u32,
    /// Those that cannot.
    pub refused: Vec<Refusal>,
}

impl Resolution {
    /// CRM fields that change.
    pub fn push(&self) -> Fields {
        let mut fields = Fields::new();
        for row in self.rows.iter().filter(|r| r.changes(Side::Crm)) {
            let names = row.row.row.crm.iter().cloned();
            fields.extend(names.zip(row.after.crm.iter().cloned()));
        }
        fields
    }

    /// App fields that change.
    pub fn pull(&self) -> Fields {
        let mut fields = Fields::new();
        for row in self.rows.iter().filter(|r| r.changes(Side::App)) {
            let names = row.row.row.app.iter().cloned();
            fields.extend(names.zip(row.after.app.iter().cloned()));
        }
        fields
    }

    /// What becomes of a row.
    pub fn row(&self, id: RowId) -> Option<&RowWrite> {
        self.rows.iter().find(|r| r.row.row.id == id)
    }
}

/// Said when a decision was made on values that are gone.
pub const MOVED: &str = "it changed meanwhile; look at the values as they are now";

/// Works out what the decisions on a record come to.
pub fn resolve(
    tx: &Tx<'_>,
    cx: &RunCx,
    object: &ObjectInfo,
    case: &Case,
    now: Timestamp,
) -> Result<Resolution, StoreError> {
    let free = match &case.seen {
        Some(seen) => tx.by_crm(&case.key.pair, &seen.id)?.is_none(),
        None => false,
    };
    Ok(with_rules(tx, cx, object, case, now, |c, rules| {
        let mut work = Work {
            c,
            cx,
            rules,
            case,
            target: if free { Target::Free } else { Target::Taken },
            out: Resolution::default(),
        };
        let hot = work.whole();
        if !case.fields_wait() {
            for row in case.rows(cx) {
                work.row(&row, hot);
            }
        }
        work.out
    }))
}

/// Whether a choice on a row or on the record could be written, and why not.
pub fn check(
    tx: &Tx<'_>,
    cx: &RunCx,
    object: &ObjectInfo,
    case: &Case,
    conflict: &Conflict,
    choice: &Choice,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let Some(id) = conflict.row else {
        let mut tried = case.clone();
        for known in tried.conflicts.iter_mut().filter(|c| c.id == conflict.id) {
            known.state = State::Pending;
            known.staged = Some(Staged {
                choice: choice.clone(),
                fp: case.whole_fp(),
                at: now,
            });
        }
        let refused = resolve(tx, cx, object, &tried, now)?.refused;
        let this = Decision::Conflict(conflict.id);
        let refused = refused.into_iter().find(|r| r.decision == this);
        return Ok(refused.map_or(Ok(()), |r| Err(r.why)));
    };
    if case.fields_wait() {
        return Ok(Err(FIRST_THE_RECORD.to_owned()));
    }
    let Some(row) = compiled(cx, id) else {
        return Ok(Err(
            "the mapping no longer has this row; sync first".to_owned()
        ));
    };
    Ok(trial(tx, cx, object, case, &case.row(row), choice, now).map(drop))
}

/// The result of a choice on a row, or why there is none.
pub fn trial(
    tx: &Tx<'_>,
    cx: &RunCx,
    object: &ObjectInfo,
    case: &Case,
    row: &RowNow<'_>,
    choice: &Choice,
    now: Timestamp,
) -> Result<After, String> {
    with_rules(tx, cx, object, case, now, |_, rules| {
        choice::after(rules, row, choice)
    })
}

const FIRST_THE_RECORD: &str = "the record as a whole has to be decided first";

/// A row of the pair by id.
pub fn compiled(cx: &RunCx, id: RowId) -> Option<&CompiledRow> {
    cx.pair.rows.iter().find(|r| r.row.id == id)
}

fn with_rules<T>(
    tx: &Tx<'_>,
    cx: &RunCx,
    object: &ObjectInfo,
    case: &Case,
    now: Timestamp,
    f: impl FnOnce(&Context<'_>, Rules<'_>) -> T,
) -> T {
    let modified = case.seen.as_ref().map(|s| s.modified);
    cx.with(tx, case.app.as_ref(), modified, now, |c| {
        let rules = Rules {
            pair: &cx.pair.pair,
            object,
            lookup: c.lookup,
            reach: case.reach(),
        };
        f(c, rules)
    })
}

/// Whether a CRM record may be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Nobody has it.
    Free,
    /// Another App record has it, or there is none.
    Taken,
}

struct Work<'a> {
    c: &'a Context<'a>,
    cx: &'a RunCx,
    rules: Rules<'a>,
    case: &'a Case,
    target: Target,
    out: Resolution,
}

impl Work<'_> {
    fn refuse(&mut self, decision: Decision, label: String, why: impl Into<String>, fate: Fate) {
        self.out.refused.push(Refusal {
            decision,
            label,
            why: why.into(),
            fate,
        });
    }

    /// The record as a whole; for a hot record, the side that was taken for all its rows.
    fn whole(&mut self) -> Option<Side> {
        let case = self.case;
        let conflict = case.whole()?;
        let staged = decided(conflict)?;
        let decision = Decision::Conflict(conflict.id);
        let label = "the record".to_owned();
        if staged.fp != case.whole_fp() {
            self.refuse(decision, label, MOVED, Fate::Stale);
            return None;
        }
        let Choice::Take(side) = staged.choice else {
            let why = "this is about the whole record: keep it or delete it";
            self.refuse(decision, label, why, Fate::Blocked);
            return None;
        };
        if conflict.kind == Kind::HotRecord {
            self.out.settled.push(conflict.id);
            self.out.decisions += 1;
            return Some(side);
        }
        match self.whole_act(&conflict.kind, side) {
            Ok(act) => {
                self.out.whole = Some((conflict.id, act));
                self.out.decisions += 1;
            }
            Err(why) => self.refuse(decision, label, why, Fate::Blocked),
        }
        None
    }

    fn whole_act(&self, kind: &Kind, side: Side) -> Result<Whole, String> {
        match (kind, side) {
            (Kind::DeleteVsChange { deleted: Side::Crm }, Side::App) => self.create(),
            (Kind::DeleteVsChange { deleted: Side::Crm }, Side::Crm) => Ok(Whole::DeleteInApp),
            (Kind::DeleteVsChange { deleted: Side::App }, Side::App) => match self.case.link.crm_id
            {
                Some(_) if !self.rules.object.deletable => {
                    Err("Salesforce does not let this user delete such records".to_owned())
                }
                Some(id) => Ok(Whole::DeleteInCrm(id)),
                None => Err("it has no record in Salesforce".to_owned()),
            },
            (Kind::DeleteVsChange { deleted: Side::App }, Side::Crm) => self.restore(),
            (Kind::AmbiguousMatch { .. }, Side::App) => self.create(),
            // Its CRM record was merged into one that another App record has.
            (Kind::AmbiguousMatch { .. }, Side::Crm) if self.case.link.crm_id.is_some() => {
                Ok(Whole::DeleteInApp)
            }
            (Kind::AmbiguousMatch { .. }, Side::Crm) => match &self.case.seen {
                Some(seen) if seen.presence == CrmPresence::Live && self.target == Target::Free => {
                    Ok(Whole::LinkTo(Box::new(seen.clone())))
                }
                _ => Err("that Salesforce record is gone, or linked to another record".to_owned()),
            },
            (Kind::Field | Kind::FirstLink | Kind::HotRecord, _) => {
                Err("there is nothing to decide about the record".to_owned())
            }
        }
    }

    /// As for a record that was never in the CRM (rule R1).
    fn create(&self) -> Result<Whole, String> {
        let fresh = Link {
            crm_id: None,
            sync_key: None,
            seen: None,
            state: LinkState::Unlinked,
            ..self.case.link.clone()
        };
        let input = Input {
            link: Some(&fresh),
            app: App::of(self.case.app.as_ref()),
            crm: Crm::Absent,
        };
        match plan::plan(self.c, &self.cx.pair, input).act {
            Act::CreateInCrm(fields) => Ok(Whole::CreateInCrm(fields)),
            Act::Wait(error) | Act::Failed(_, error) => Err(error.to_string()),
            _ => Err("this pair does not make records in Salesforce".to_owned()),
        }
    }

    fn restore(&self) -> Result<Whole, String> {
        let mut fields = Fields::new();
        let mut agreed = Vec::new();
        let writes = |r: &&CompiledRow| r.row.flow.writes(Side::App);
        for row in self.cx.pair.rows.iter().filter(writes) {
            let Some(crm) = self.case.row(row).crm else {
                continue;
            };
            let app = row
                .row
                .to_app
                .apply(Side::App, &crm, self.c.lookup)
                .map_err(|e| format!("{}: {e}", row.row.label(Side::App)))?;
            fields.extend(row.row.app.iter().cloned().zip(app.iter().cloned()));
            agreed.push(Agreed {
                row: row.row.id,
                app: canon_cell(&row.app, &app),
                crm: canon_cell(&row.crm, &crm),
            });
        }
        // What was deleted in the App may come back in a record that is there again.
        if self
            .case
            .app
            .as_ref()
            .is_some_and(|a| a.presence == Presence::Live)
        {
            return Err("the App has the record again; sync first".to_owned());
        }
        Ok(Whole::RestoreInApp(fields, agreed))
    }

    fn row(&mut self, now: &RowNow<'_>, hot: Option<Side>) {
        let label = now.row.row.label(Side::App);
        if let Some(conflict) = now.conflict {
            // Without a decision the row stays frozen.
            if let Some(staged) = decided(conflict) {
                let decision = Decision::Conflict(conflict.id);
                self.decided_row(now, label, decision, staged);
            }
            return;
        }
        if let Some(staged) = now.overrule {
            return self.decided_row(now, label, Decision::Row(now.row.row.id), staged);
        }
        let Some(outcome) = now.outcome else {
            return;
        };
        let (Some(app), Some(crm)) = (now.app.clone(), now.crm.clone()) else {
            return;
        };
        if let (Some(side), Action::Push(_) | Action::Pull(_)) = (hot, &outcome.action) {
            if let Ok(after) = choice::after(self.rules, now, &Choice::Take(side)) {
                self.take(now, By::Person, None, after, None);
            }
            return;
        }
        let after = match &outcome.action {
            Action::Push(cell) => After {
                app,
                crm: cell.clone(),
            },
            Action::Pull(cell) => After {
                app: cell.clone(),
                crm,
            },
            Action::Adopt | Action::Accept(_) => After { app, crm },
            Action::Append(block) => {
                // Several rows may append to one text.
                let pushed = self.out.push();
                let text = now.row.row.crm.first().and_then(|f| pushed.get(f));
                let text = text.or(crm.first()).map(ToString::to_string);
                let text = block.appended_to(&text.unwrap_or_default());
                After {
                    app,
                    crm: vec![Value::text(text)],
                }
            }
            _ => return,
        };
        self.take(now, By::Rule, None, after, outcome.auto);
    }

    fn decided_row(
        &mut self,
        now: &RowNow<'_>,
        label: String,
        decision: Decision,
        staged: &Staged,
    ) {
        if staged.fp != now.fp {
            return self.refuse(decision, label, MOVED, Fate::Stale);
        }
        match choice::after(self.rules, now, &staged.choice) {
            Ok(after) => {
                let conflict = match decision {
                    Decision::Conflict(id) => Some(id),
                    Decision::Row(_) => None,
                };
                self.out.decisions += 1;
                self.take(now, By::Person, conflict, after, None);
            }
            Err(why) => self.refuse(decision, label, why, Fate::Blocked),
        }
    }

    fn take(
        &mut self,
        now: &RowNow<'_>,
        by: By,
        conflict: Option<ConflictId>,
        after: After,
        auto: Option<(Strategy, Side)>,
    ) {
        let after_append = matches!(now.row.row.flow, Flow::Append | Flow::AppendBoth);
        if after_append {
            // The last of several rows that append to one text holds them all.
            for row in &mut self.out.rows {
                let same_text = row.row.row.crm == now.row.row.crm;
                if same_text && matches!(row.row.row.flow, Flow::Append | Flow::AppendBoth) {
                    row.after.crm.clone_from(&after.crm);
                }
            }
        }
        self.out.rows.push(RowWrite {
            row: now.row.clone(),
            by,
            conflict,
            app_now: now.app.clone().unwrap_or_default(),
            crm_now: now.crm.clone().unwrap_or_default(),
            after,
            auto,
        });
    }
}

/// The decision on a conflict that waits to be written.
fn decided(conflict: &Conflict) -> Option<&Staged> {
    conflict
        .staged
        .as_ref()
        .filter(|_| conflict.state == State::Pending)
}
