//! What the decisions on a record come to: decided rows and the automatic merge of the others.
//!
//! Writes nothing; preview, detail and writing all use this one result. Invariant: a decision
//! whose fingerprint is not that of the values as they are now never becomes a write.

mod record;

use jiff::Timestamp;

use crate::domain::conflict::{Choice, Conflict, Kind, Staged, State};
use crate::domain::id::{ConflictId, RowId};
use crate::domain::mapping::Strategy;
use crate::domain::reconcile::{Action, CompiledRow, Context};
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::cx::RunCx;
use crate::engine::tx::Tx;
use crate::store::StoreError;

use super::Verdict;
use super::case::{Case, RowNow};
use super::choice::{self, After, Rules};
use super::desk::Desk;
use super::outcome::{By, Decision, Fate, Refusal, Resolution, RowWrite};

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
        if case.fields_wait() {
            work.fields_wait();
        } else {
            for row in case.rows(cx) {
                work.row(&row, hot);
            }
            work.lost_rows();
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
        return Ok(Err(NO_ROW.to_owned()));
    };
    Ok(trial(tx, cx, object, case, &case.row(row), choice, now).map(drop))
}

/// Whether taking a side could be written for a question about the record, and why not; one that was
/// decided is asked again for that.
pub fn answer(
    tx: &Tx<'_>,
    desk: &Desk,
    case: &Case,
    question: &Conflict,
    side: Side,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let mut case = case.clone();
    if question.state.is_decided() {
        case.takes_back = Some(question.id);
        case.conflicts.push(question.clone());
    }
    let (cx, object) = (&desk.cx, &desk.object);
    check(tx, cx, object, &case, question, &Choice::Take(side), now)
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

const NOT_DELETED: &str = "Salesforce does not let this user delete such records";
const NO_ROW: &str = "the mapping no longer has this row; sync first";
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
    let (app, seen) = (case.app.as_ref(), case.seen.as_ref());
    cx.with(tx, app, seen, &case.appended, now, |c| {
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
        let act = match case.takes_back {
            Some(_) => self.instead(&conflict.kind, side),
            None => self.whole_act(&conflict.kind, side),
        };
        match act {
            Ok(act) => {
                self.out.whole = Some((conflict.id, act));
                self.out.decisions += 1;
            }
            Err(why) => self.refuse(decision, label, why, Fate::Blocked),
        }
        None
    }

    /// Fields of a record that is decided as a whole end with it; until then they wait.
    fn fields_wait(&mut self) {
        if self.out.whole.is_some() {
            return;
        }
        for conflict in self.case.conflicts.iter().filter(|c| c.row.is_some()) {
            if decided(conflict).is_some() {
                let decision = Decision::Conflict(conflict.id);
                let label = self.label(conflict);
                self.refuse(decision, label, FIRST_THE_RECORD, Fate::Blocked);
            }
        }
    }

    /// Decisions on rows that the mapping no longer has.
    fn lost_rows(&mut self) {
        for conflict in &self.case.conflicts {
            let lost = conflict
                .row
                .is_some_and(|id| compiled(self.cx, id).is_none());
            if lost && decided(conflict).is_some() {
                let decision = Decision::Conflict(conflict.id);
                let label = self.label(conflict);
                self.refuse(decision, label, NO_ROW, Fate::Stale);
            }
        }
    }

    fn label(&self, conflict: &Conflict) -> String {
        let row = conflict.row.and_then(|id| self.cx.pair.pair.row(id));
        row.map_or_else(|| "a field".to_owned(), |r| r.label(Side::App))
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
                let Ok(text) = block.fitted(&text.unwrap_or_default()) else {
                    // A run says so.
                    return;
                };
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
        let after_append = now.row.row.flow.appends();
        if after_append {
            // The last of several rows that append to one text holds them all.
            for row in &mut self.out.rows {
                let same_text = row.row.row.crm == now.row.row.crm;
                if same_text && row.row.row.flow.appends() {
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
