//! Plans one record: rules R1 to R20 (sync-semantics 5.1) over the rows of its mapping.
//!
//! A plan is a value; making it sends nothing. What needs a look at other records (matches,
//! survivors of a merge) is part of the input. Invariant: total and deterministic.

mod create;

use serde::{Deserialize, Serialize};

use self::create::{create_in_app, create_in_crm, made};

use super::append::Block;
use super::id::{CrmId, FieldName, RowId};
use super::mapping::{Converts, DeletePolicy, Leaves, Strategy};
use super::reconcile::{
    self, Action, Care, Compiled, CompiledRow, Context, Outcome, Scope, cell_of,
};
use super::record::{AppRecord, Bases, Link, LinkState, Observation, Presence};
use super::transform::{Side, TransformError};
use super::value::{Fields, Value};

/// The row of the truth table that applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of sync-semantics 5.1")]
pub enum RecordRule {
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    R16,
    R17,
    R18,
    R19,
    R20,
}

/// Who holds the survivor of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivor {
    /// Nobody of us.
    Free,
    /// Another App record.
    Taken,
}

/// The CRM side as known.
#[derive(Debug, Clone, Copy)]
pub enum Crm<'a> {
    /// Never seen, and nothing matches.
    Absent,
    /// One record: the linked one, or the one that matches.
    Live(&'a Observation),
    /// Several match.
    Several,
    /// Deleted, with evidence; the last observation.
    Deleted(Option<&'a Observation>),
    /// Merged into another.
    Merged {
        /// The survivor.
        into: CrmId,
        /// Whether it is free.
        survivor: Survivor,
    },
    /// A converted lead.
    Converted(&'a Observation),
    /// Not readable, without evidence of a delete.
    Unreadable,
}

/// The App side.
#[derive(Debug, Clone, Copy)]
pub enum App<'a> {
    /// There is none.
    Absent,
    /// It is there.
    Live(&'a AppRecord),
    /// It was deleted.
    Tombstone(&'a AppRecord),
}

impl<'a> App<'a> {
    /// Of a stored record.
    pub fn of(record: Option<&'a AppRecord>) -> Self {
        match record {
            None => Self::Absent,
            Some(r) if r.presence == Presence::Deleted => Self::Tombstone(r),
            Some(r) => Self::Live(r),
        }
    }
}

/// What is known of one record.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The link; none when neither side is linked.
    pub link: Option<&'a Link>,
    /// App side.
    pub app: App<'a>,
    /// CRM side.
    pub crm: Crm<'a>,
}

/// What to do with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// The rows say; `push` and `pull` are the fields to write.
    Fields {
        /// CRM fields that change.
        push: Fields,
        /// App fields that change.
        pull: Fields,
    },
    /// Insert into the CRM with these fields.
    CreateInCrm(Fields),
    /// Nothing is made in the CRM before a row gives this field, which it wants.
    Lacks(FieldName),
    /// Nothing is made in the CRM: the record would not belong to the pair, or nobody knows whether
    /// it would.
    NotMade(Scope),
    /// Make an App record with these fields and link it.
    CreateInApp(Fields),
    /// Link the two, then the rows (as [`Act::Fields`]).
    Link {
        /// CRM fields that change.
        push: Fields,
        /// App fields that change.
        pull: Fields,
    },
    /// The App record is gone: do this in the CRM.
    DeleteInCrm(DeletePolicy),
    /// The CRM record is gone: do this in the App.
    DeleteInApp(DeletePolicy),
    /// Both are gone: close the link.
    Close,
    /// Move the link to the survivor of a merge.
    MoveLink(CrmId),
    /// A person decides about the record as a whole.
    Conflict(super::conflict::Kind),
    /// The survivor of a merge belongs to another App record.
    MergeCollision(CrmId),
    /// A converted lead: read, not written.
    Freeze {
        /// App fields that change.
        pull: Fields,
    },
    /// A converted lead: read for the last time, and then what it became is taken in.
    Follow {
        /// App fields that change.
        pull: Fields,
    },
    /// It is outside the pair's filter: it rests, or its link ends.
    Leave(Leaves),
    /// Not readable and not known to be deleted: no writes.
    Unreachable,
    /// Waits for its parent.
    Wait(TransformError),
    /// Values that cannot go on, at least one.
    Failed(Vec<(RowId, TransformError)>),
}

/// The plan of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Rule that applied.
    pub rule: RecordRule,
    /// What to do.
    pub act: Act,
    /// Outcomes by row, where rows were compared.
    pub rows: Vec<Outcome>,
}

impl Plan {
    fn of(rule: RecordRule, act: Act) -> Self {
        Self {
            rule,
            act,
            rows: Vec::new(),
        }
    }

    /// Whether a row is left for a person.
    pub fn has_conflict(&self) -> bool {
        matches!(self.act, Act::Conflict(_) | Act::MergeCollision(_))
            || self.rows.iter().any(|o| o.action == Action::Conflict)
    }
}

/// Plans one record.
pub fn plan(cx: &Context<'_>, pair: &Compiled, input: Input<'_>) -> Plan {
    match input.link {
        // Ended on purpose or with both records gone: never made again by itself (I28).
        Some(link) if link.state == LinkState::Closed => Plan::of(RecordRule::R11, Act::Nothing),
        Some(link) if link.state == LinkState::Unreachable => {
            Plan::of(RecordRule::R17, Act::Unreachable)
        }
        Some(link) if link.crm_id.is_some() => match decided(pair, link, input) {
            Some(rule) => Plan::of(rule, Act::Nothing),
            None => match left(cx, pair, link, input) {
                Some(policy) => Plan::of(RecordRule::R18, Act::Leave(policy)),
                None => linked(cx, pair, link, input),
            },
        },
        _ => unlinked(cx, pair, input),
    }
}

/// The rule by which a delete was dealt with before, where that left the other record as it is:
/// whatever is done to it since goes nowhere, until the deleted one is back (sync-semantics 14.1).
fn decided(pair: &Compiled, link: &Link, input: Input<'_>) -> Option<RecordRule> {
    match (&link.state, input.app, input.crm) {
        (LinkState::AppDeleted, App::Tombstone(_) | App::Absent, Crm::Live(_)) => {
            Some(RecordRule::R7)
        }
        (LinkState::CrmDeleted, App::Live(_), Crm::Deleted(_) | Crm::Absent) => {
            (pair.pair.on_crm_delete == DeletePolicy::Ignore).then_some(RecordRule::R9)
        }
        _ => None,
    }
}

/// What becomes of a linked record that is outside the pair's filter.
fn left(cx: &Context<'_>, pair: &Compiled, link: &Link, input: Input<'_>) -> Option<Leaves> {
    let policy = pair.pair.on_leave;
    if policy == Leaves::Continue {
        return None;
    }
    let seen = match (input.crm, input.app) {
        // What it became counts, wherever that stands.
        (Crm::Converted(_), App::Live(_)) if pair.pair.on_convert == Converts::Follow => {
            return None;
        }
        (Crm::Live(seen) | Crm::Converted(seen), _) => seen,
        // One that rests is not deleted with the other either.
        (Crm::Deleted(_) | Crm::Absent, App::Live(_)) if link.state == LinkState::OutOfScope => {
            return Some(Leaves::Freeze);
        }
        _ => return None,
    };
    match pair.scope(&seen.fields, seen.modified, cx.now) {
        Scope::Inside => None,
        Scope::Outside => Some(policy),
        // As it was: what is not shown moves nothing.
        Scope::Unknown => (link.state == LinkState::OutOfScope).then_some(Leaves::Freeze),
    }
}

fn unlinked(cx: &Context<'_>, pair: &Compiled, input: Input<'_>) -> Plan {
    use RecordRule as R;
    match (input.app, input.crm) {
        (App::Tombstone(_), _) => Plan::of(R::R5, Act::Nothing),
        (_, Crm::Several) => Plan::of(
            R::R4,
            Act::Conflict(super::conflict::Kind::AmbiguousMatch {
                candidates: Vec::new(),
            }),
        ),
        // Nothing is made that is the same as one that is outside.
        (App::Live(_), Crm::Live(seen) | Crm::Converted(seen))
            if pair.scope(&seen.fields, seen.modified, cx.now) != Scope::Inside =>
        {
            Plan::of(R::R18, Act::Nothing)
        }
        (App::Live(app), Crm::Live(seen)) => {
            let rows = compare(cx, pair, &app.fields, &seen.fields, None);
            let (push, pull) = writes(pair, &rows, &seen.fields);
            Plan {
                rule: R::R3,
                act: Act::Link { push, pull },
                rows,
            }
        }
        (App::Live(app), _) => {
            let mut later = Vec::new();
            let act = create_in_crm(cx, pair, app, &mut later);
            made(R::R1, act, later)
        }
        // What it became is taken in, not it.
        (App::Absent, Crm::Converted(_)) if pair.pair.on_convert == Converts::Follow => {
            Plan::of(R::R15, Act::Nothing)
        }
        (App::Absent, Crm::Live(seen) | Crm::Converted(seen)) => {
            match pair.scope(&seen.fields, seen.modified, cx.now) {
                Scope::Inside => {
                    let mut later = Vec::new();
                    let act = create_in_app(cx, pair, seen, &mut later);
                    made(R::R2, act, later)
                }
                Scope::Outside | Scope::Unknown => Plan::of(R::R18, Act::Nothing),
            }
        }
        (App::Absent, _) => Plan::of(R::R2, Act::Nothing),
    }
}

fn linked(cx: &Context<'_>, pair: &Compiled, link: &Link, input: Input<'_>) -> Plan {
    use RecordRule as R;
    let bases = &link.bases;
    let conflict = |rule, deleted| {
        Plan::of(
            rule,
            Act::Conflict(super::conflict::Kind::DeleteVsChange { deleted }),
        )
    };
    let strategy = match pair.care {
        Care::Usual => pair.pair.strategy,
        Care::AskAlways => Strategy::Ask,
    };
    match (input.app, input.crm) {
        (App::Live(app), Crm::Live(seen)) => {
            let rows = compare(cx, pair, &app.fields, &seen.fields, Some(bases));
            let (push, pull) = writes(pair, &rows, &seen.fields);
            let rule = match link.state {
                LinkState::CrmDeleted => R::R16,
                _ if bases.is_empty() => R::R19,
                _ => R::R6,
            };
            Plan {
                rule,
                act: Act::Fields { push, pull },
                rows,
            }
        }
        (App::Tombstone(_) | App::Absent, Crm::Live(seen)) => {
            let delete = Act::DeleteInCrm(pair.pair.on_app_delete.clone());
            match (moved(Side::Crm, pair, &seen.fields, bases), strategy) {
                (false, _) if pair.may_delete() => Plan::of(R::R7, delete),
                (false, _) => conflict(R::R8, Side::App),
                (true, Strategy::App) => Plan::of(R::R8, delete),
                (true, _) => conflict(R::R8, Side::App),
            }
        }
        (App::Live(app), Crm::Deleted(_) | Crm::Absent) => {
            let delete = Act::DeleteInApp(pair.pair.on_crm_delete.clone());
            match (moved(Side::App, pair, &app.fields, bases), strategy) {
                (false, _) => Plan::of(R::R9, delete),
                (true, Strategy::Crm) => Plan::of(R::R10, delete),
                (true, _) => conflict(R::R10, Side::Crm),
            }
        }
        (App::Tombstone(_) | App::Absent, Crm::Deleted(_) | Crm::Absent) => {
            Plan::of(R::R11, Act::Close)
        }
        (App::Live(_), Crm::Merged { into, survivor }) => match survivor {
            Survivor::Free => Plan::of(R::R12, Act::MoveLink(into)),
            Survivor::Taken => Plan::of(R::R13, Act::MergeCollision(into)),
        },
        (App::Tombstone(_) | App::Absent, Crm::Merged { .. }) => Plan::of(R::R14, Act::Close),
        (App::Live(app), Crm::Converted(seen)) => {
            let mut rows = compare(cx, pair, &app.fields, &seen.fields, Some(bases));
            // Nothing is written there; what is taken as it is, is taken.
            rows.retain(|o| {
                matches!(
                    o.action,
                    Action::Pull(_) | Action::Adopt | Action::Accept(_)
                )
            });
            let (_, pull) = writes(pair, &rows, &seen.fields);
            Plan {
                rule: R::R15,
                act: match pair.pair.on_convert {
                    Converts::Freeze => Act::Freeze { pull },
                    Converts::Follow => Act::Follow { pull },
                },
                rows,
            }
        }
        (_, Crm::Converted(_)) => Plan::of(R::R15, Act::Nothing),
        (_, Crm::Unreadable | Crm::Several) => Plan::of(R::R17, Act::Unreachable),
    }
}

fn compare(
    cx: &Context<'_>,
    pair: &Compiled,
    app: &Fields,
    crm: &Fields,
    bases: Option<&Bases>,
) -> Vec<Outcome> {
    let mut rows: Vec<Outcome> = pair
        .rows
        .iter()
        .map(|row| {
            let base = bases.and_then(|b| b.get(&row.row.id));
            reconcile::reconcile(cx, row, app, crm, base)
        })
        .collect();
    fit(pair, &mut rows, crm);
    rows
}

/// Rows whose lines find no room in the text that they share with others cannot go on there.
fn fit(pair: &Compiled, rows: &mut [Outcome], crm: &Fields) {
    let mut texts = Fields::new();
    for outcome in rows {
        let Action::Append(block) = &outcome.action else {
            continue;
        };
        let row = pair.rows.iter().find(|r| r.row.id == outcome.row);
        let Some(field) = row.and_then(|row| row.row.crm.first()) else {
            continue;
        };
        let now = texts.get(field).or_else(|| crm.get(field));
        let now = now.map(ToString::to_string).unwrap_or_default();
        let fitted = match pair.care {
            // The store may have forgotten a line that became a record. As a record it is found by
            // its key; in the text it would be there once more.
            Care::AskAlways if block.overflows() => Err(block.unfit()),
            _ => block.fitted(&now),
        };
        match fitted {
            Ok(text) => drop(texts.insert(field.clone(), Value::text(text))),
            Err(_) if block.overflows() => outcome.action = Action::Overflow(block.clone()),
            Err(error) => outcome.action = Action::Failed(error),
        }
    }
}

/// Whether a side moved away from the base in any mapped row, whichever way it goes. A value that
/// was never agreed counts: nobody has seen it on the other side.
fn moved(side: Side, pair: &Compiled, fields: &Fields, bases: &Bases) -> bool {
    pair.rows.iter().any(|row| {
        let (names, kinds) = match side {
            Side::App => (&row.row.app, &row.app),
            Side::Crm => (&row.row.crm, &row.crm),
        };
        let Some(is) = cell_of(side, names, fields) else {
            return false;
        };
        match (bases.get(&row.row.id), side) {
            (None, _) => !reconcile::is_blank(&is),
            (Some(base), Side::App) => !reconcile::same_cell(kinds, &is, &base.app),
            (Some(base), Side::Crm) => {
                base.is_owed() || !reconcile::same_cell(kinds, &is, &base.crm)
            }
        }
    })
}

/// Collects what the outcomes write, per side. Appended blocks of several rows join one text.
pub fn writes(pair: &Compiled, rows: &[Outcome], crm: &Fields) -> (Fields, Fields) {
    let mut push = Fields::new();
    let mut pull = Fields::new();
    for outcome in rows {
        let Some(row) = pair.rows.iter().find(|r| r.row.id == outcome.row) else {
            continue;
        };
        match &outcome.action {
            Action::Push(cell) => push.extend(zip(&row.row.crm, cell)),
            Action::Pull(cell) => pull.extend(zip(&row.row.app, cell)),
            Action::Append(block) => append(&mut push, row, block, crm),
            _ => {}
        }
    }
    (push, pull)
}

/// Adds lines to what a row's field is to hold, or else holds now.
fn append(push: &mut Fields, row: &CompiledRow, block: &Block, crm: &Fields) {
    if let Some(field) = row.row.crm.first() {
        let now = push.get(field).or_else(|| crm.get(field));
        let now = now.map(ToString::to_string).unwrap_or_default();
        push.insert(field.clone(), Value::text(block.appended_to(&now)));
    }
}

fn zip<'a>(
    names: &'a [FieldName],
    cell: &'a [Value],
) -> impl Iterator<Item = (FieldName, Value)> + 'a {
    names.iter().cloned().zip(cell.iter().cloned())
}
