//! Decisions of people on conflicts: staged, previewed, and made into writes
//! (sync-semantics 12).
//!
//! Sends nothing itself; the runner sends the intents that [`prepare`] makes. Invariant: a
//! decision counts only for the values it was made on. That is checked when it is staged, when
//! it is previewed, and in the transaction that writes it.

mod again;
mod back;
mod case;
mod choice;
mod desk;
mod outcome;
pub(super) mod overrules;
mod prepare;
mod preview;
mod resolve;
#[cfg(test)]
pub(super) mod tests;
mod whole;

use jiff::Timestamp;

use crate::domain::conflict::{
    Choice, Conflict, Kind as Conflicts, Staged, State as Standing, Superseded,
};
use crate::domain::id::RowId;
use crate::domain::reconcile::Action;
use crate::domain::run::{LogLine, Word};
use crate::domain::transform::Side;
use crate::error::{Error, Kind, Result};

use super::audit::{Draft, What};
use super::command::{Decide, Overrule, RecordKey};
use super::conflicts;
use super::cx::Settings;
use super::state::State;
use super::tx::{Durability, Tx};
use super::view::Decided;

pub use self::overrules::forget_all as forget_overrules;
pub use self::prepare::{Prepared, prepare, written};
pub use self::preview::{Confirmed, confirm, preview};
pub(super) use self::preview::{hash as hash_of, of as preview_of};
pub(super) use self::{case::Case, desk::Desk, desk::Desks};

/// What viewers need of a record's case.
pub(super) mod look {
    pub use super::again::{Instead, instead};
    pub use super::back::said;
    pub use super::case::{RowNow, load};
    pub use super::outcome::{Decision, Resolution};
    pub use super::overrules::of as overrules;
    pub use super::resolve::{answer, resolve};
}

/// Fine, or why not, in words for a person.
type Verdict = std::result::Result<(), String>;

/// Decisions per commit.
const CHUNK: usize = 500;

/// Stages decisions, or takes them back. Each is checked by itself; those that cannot be are
/// named with the reason.
///
/// # Errors
/// When the store fails, or a pair is gone.
pub fn decide(
    state: &State,
    settings: &Settings,
    person: &str,
    decisions: Vec<Decide>,
    now: Timestamp,
) -> Result<Decided> {
    let mut desks = Desks::new(state, settings);
    let mut done = Decided {
        staged: 0,
        refused: Vec::new(),
    };
    for chunk in decisions.chunks(CHUNK) {
        let mut tx = state.begin();
        for one in chunk {
            match stage(&mut tx, &mut desks, person, one, now)? {
                Ok(()) => done.staged += 1,
                Err(why) => done.refused.push((one.conflict, why)),
            }
        }
        tx.commit(Durability::Now)?;
    }
    Ok(done)
}

fn stage(
    tx: &mut Tx<'_>,
    desks: &mut Desks<'_>,
    person: &str,
    one: &Decide,
    now: Timestamp,
) -> Result<Verdict> {
    let Some(mut conflict) = tx.conflict(one.conflict)? else {
        return Ok(Err("there is no such conflict".to_owned()));
    };
    match conflict.state {
        Standing::Resolving => return Ok(Err("it is being written".to_owned())),
        Standing::Pending | Standing::Ignored => {}
        _ if conflict.row.is_none() && conflict.state.is_decided() => {
            return reopen(tx, desks, person, one, conflict, now);
        }
        _ => return Ok(Err("it is settled already".to_owned())),
    }
    let desk = desks.get(&conflict.pair)?;
    let label = label(desk, conflict.row);
    let asked_again = again::of(tx, &conflict)?.is_some();
    let said = match &one.choice {
        None if asked_again && !half_done(tx, desk, &conflict, now)? => {
            let how = Superseded::OneSided;
            conflicts::close(tx, conflict.clone(), Standing::Superseded { how }, now)?;
            let said = format!("{person} left {label} as it was decided");
            note(tx, &key_of(&conflict), person, said, now);
            return Ok(Ok(()));
        }
        Some(Choice::Ignore) if asked_again => {
            return Ok(Err(
                "it is decided: take the other answer, or leave it".to_owned()
            ));
        }
        None => {
            conflict.staged = None;
            conflict.state = Standing::Pending;
            // A rule that was made meanwhile had left it to the decision.
            tx.todo(&conflict.pair, &conflict.app_id)?;
            format!("{person} took back the decision on {label}")
        }
        Some(choice) => {
            let key = key_of(&conflict);
            let Some(case) = case::load(tx, &desk.cx, &key, now)? else {
                return Ok(Err("the record is gone".to_owned()));
            };
            if fp_now(desk, &case, &conflict) != Some(one.fp) {
                return Ok(Err(resolve::MOVED.to_owned()));
            }
            if *choice == Choice::Ignore {
                conflict.staged = None;
                conflict.state = Standing::Ignored;
                if matches!(conflict.kind, Conflicts::Rollback { .. }) {
                    // The run stands: what was held back goes on with the next sync.
                    tx.todo(&conflict.pair, &conflict.app_id)?;
                }
            } else {
                let (cx, object) = (&desk.cx, &desk.object);
                if let Err(why) = resolve::check(tx, cx, object, &case, &conflict, choice, now)? {
                    return Ok(Err(why));
                }
                conflict.state = Standing::Pending;
                conflict.staged = Some(Staged {
                    choice: choice.clone(),
                    fp: one.fp,
                    at: now,
                });
            }
            format!("{person} decided {label}: {}", words(choice))
        }
    };
    conflict.error = None;
    tx.put_conflict(&conflict, now)?;
    note(tx, &key_of(&conflict), person, said, now);
    Ok(Ok(()))
}

/// Takes back what was decided about a record: it is asked again, with another answer staged.
fn reopen(
    tx: &mut Tx<'_>,
    desks: &mut Desks<'_>,
    person: &str,
    one: &Decide,
    decided: Conflict,
    now: Timestamp,
) -> Result<Verdict> {
    let key = key_of(&decided);
    let open = tx.open_conflicts(&key.pair, &key.app_id)?;
    for open in &open {
        if one.choice.is_none() && again::of(tx, open)? == Some(decided.id) {
            // The step back of who took it back.
            let back = Decide {
                conflict: open.id,
                ..one.clone()
            };
            return stage(tx, desks, person, &back, now);
        }
    }
    let Some(choice) = &one.choice else {
        return Ok(Err("it is settled already".to_owned()));
    };
    if !open.is_empty() {
        return Ok(Err(
            "the record is in conflict; decide that first".to_owned()
        ));
    }
    let desk = desks.get(&key.pair)?;
    let Some(mut case) = case::load(tx, &desk.cx, &key, now)? else {
        return Ok(Err("the record is gone".to_owned()));
    };
    if case.whole_fp() != one.fp {
        return Ok(Err(resolve::MOVED.to_owned()));
    }
    if let Err(why) = again::instead(&case, &decided.kind) {
        return Ok(Err(why.to_owned()));
    }
    let mut asked = again::asked(tx, &case, &decided, now);
    case.conflicts.push(asked.clone());
    case.takes_back = Some(decided.id);
    let (cx, object) = (&desk.cx, &desk.object);
    if let Err(why) = resolve::check(tx, cx, object, &case, &asked, choice, now)? {
        return Ok(Err(why));
    }
    asked.staged = Some(Staged {
        choice: choice.clone(),
        fp: one.fp,
        at: now,
    });
    tx.put_conflict(&asked, now)?;
    let said = format!(
        "{person} took back conflict {}, the record: {}",
        decided.id,
        words(choice)
    );
    note(tx, &key, person, said, now);
    Ok(Ok(()))
}

/// Whether the App's half of what was taken back is written, and the CRM's is not: it cannot be left
/// as it was decided any more.
fn half_done(tx: &Tx<'_>, desk: &Desk, conflict: &Conflict, now: Timestamp) -> Result<bool> {
    let case = case::load(tx, &desk.cx, &key_of(conflict), now)?;
    Ok(case.is_some_and(|case| matches!(again::stand(&case), again::Stand::One(_))))
}

/// Fingerprint of what a conflict is about, as it is now.
fn fp_now(
    desk: &Desk,
    case: &Case,
    conflict: &Conflict,
) -> Option<crate::domain::conflict::Fingerprint> {
    match conflict.row {
        None => Some(case.whole_fp()),
        Some(id) => resolve::compiled(&desk.cx, id).map(|row| case.row(row).fp),
    }
}

/// Stages a decision on a field that only one side changed, in a record that has conflicts; or on
/// one whose conflict was decided, which takes that back. No choice goes back to how it was.
///
/// # Errors
/// [`Kind::Changed`] when the values moved, [`Kind::Refused`] when it cannot be decided so.
pub fn overrule(
    state: &State,
    settings: &Settings,
    person: &str,
    overrule: Overrule,
    now: Timestamp,
) -> Result<Decided> {
    let key = overrule.record;
    let desk = Desk::open(state, settings, &key.pair)?;
    let mut tx = state.begin();
    let label = label(&desk, Some(overrule.row));
    let said = match overrule.choice {
        None => {
            overrules::put(&mut tx, &key, overrule.row, None)?;
            format!("{person} went back to the automatic result for {label}")
        }
        Some(choice) => {
            let case = case::load(&tx, &desk.cx, &key, now)?;
            let row = resolve::compiled(&desk.cx, overrule.row);
            let (Some(case), Some(row)) = (case, row) else {
                return Err(Error::new(Kind::Changed, "the record or the row is gone"));
            };
            let row = case.row(row);
            let moved = row
                .outcome
                .is_some_and(|o| matches!(o.action, Action::Push(_) | Action::Pull(_)));
            let decided = state.decided(&key.pair, &key.app_id)?;
            let decided = decided
                .iter()
                .find(|c| c.row == Some(overrule.row) && !moved);
            if row.conflict.is_some() || (case.conflicts.is_empty() && decided.is_none()) {
                let why = "only a field that one side changed, in a record with conflicts, or one \
                           whose conflict was decided, can be overruled";
                return Err(Error::new(Kind::Refused, why));
            }
            if row.fp != overrule.fp || (!moved && decided.is_none()) {
                return Err(Error::new(Kind::Changed, resolve::MOVED));
            }
            let words = words(&choice);
            let (said, choice) = match decided {
                Some(closed) => {
                    let choice = back::then(closed, &choice);
                    let choice = choice.map_err(|why| Error::new(Kind::Refused, why))?;
                    let id = closed.id;
                    let said = format!("{person} took back conflict {id}, {label}: {words}");
                    (said, choice)
                }
                None => (format!("{person} decided {label}: {words}"), choice),
            };
            let (cx, object) = (&desk.cx, &desk.object);
            let after = resolve::trial(&tx, cx, object, &case, &row, &choice, now)
                .map_err(|why| Error::new(Kind::Refused, why))?;
            if decided.is_some() && row.holds(&after) {
                let why = "both sides have that value already";
                return Err(Error::new(Kind::Refused, why));
            }
            let staged = Staged {
                choice,
                fp: overrule.fp,
                at: now,
            };
            overrules::put(&mut tx, &key, overrule.row, Some(staged))?;
            said
        }
    };
    note(&mut tx, &key, person, said, now);
    tx.commit(Durability::Now)?;
    Ok(Decided {
        staged: 1,
        refused: Vec::new(),
    })
}

fn key_of(conflict: &Conflict) -> RecordKey {
    RecordKey {
        pair: conflict.pair.clone(),
        app_id: conflict.app_id.clone(),
    }
}

/// Who decided is kept in the record's history and in the audit log.
fn note(tx: &mut Tx<'_>, key: &RecordKey, person: &str, text: String, at: Timestamp) {
    let said = format!("{}: {text}", key.app_id);
    tx.audit(Draft::new(at, person, What::Decided, said).pair(&key.pair));
    let line = LogLine {
        at,
        word: Word::Info,
        run: None,
        text,
    };
    tx.history(&key.pair, &key.app_id, &line);
}

fn label(desk: &Desk, row: Option<RowId>) -> String {
    match row {
        None => "the record".to_owned(),
        Some(id) => desk
            .cx
            .pair
            .pair
            .row(id)
            .map_or_else(|| format!("row {id}"), |r| r.label(Side::App)),
    }
}

/// A choice in words; typed values stay out of the history.
pub(super) fn words(choice: &Choice) -> &'static str {
    match choice {
        Choice::Take(Side::App) => "take App",
        Choice::Take(Side::Crm) => "take Salesforce",
        Choice::Base => "back to the last agreed value",
        Choice::Typed { .. } => "a typed value",
        Choice::Both => "both texts",
        Choice::Ignore => "leave it as it is",
    }
}
