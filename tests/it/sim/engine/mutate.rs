//! What a rule that is turned off does to what the engine knows (sync-semantics 26.3): done from
//! outside, where a call is made or a process ends, so that the product has no such switch.
//!
//! Invariant: with every rule on, nothing here does anything.

use jiff::SignedDuration;
use syncdeck::appdb::embedded;
use syncdeck::crm::{ErrorClass, WriteResult};
use syncdeck::domain::id::{AppId, PairName, RunId};
use syncdeck::domain::record::{Presence, Standing};
use syncdeck::domain::value::Value;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::{
    APPENDED, AUDIT, INTENTS, JOB_ROWS, LEDGER, LINKS, OPEN_INTENTS, QUARANTINE, WATERMARKS,
    WRITE_JOBS, WRITTEN, record_key,
};
use syncdeck::engine::tx::{Durability, Tx};
use syncdeck::engine::undo::Deed;
use syncdeck::store::Table;
use syncdeck::store::keys::{Key, Parts};

use super::coverage::When;
use super::faults::{Fault, Faults, Switch};
use super::mapping;
use super::org::{FIELDS, Inner, One};
use super::world::app_records;

/// What a switch needs to be noticed is there in every history of it.
pub fn needed(faults: Faults, switch: Switch) -> Faults {
    match switch {
        Switch::None => faults,
        Switch::NoGuard => faults.with(Fault::CrmEdits, 3),
        Switch::NoHold | Switch::NoSerialisation => {
            faults.with(Fault::ExecutedLate, 3).with(Fault::AppEdits, 3)
        }
        Switch::NoOverlap => faults.with(Fault::SeenLate, 2).with(Fault::CrmEdits, 3),
        Switch::NoKey => faults.with(Fault::AnswerLost, 3),
        Switch::NoSweep => faults.with(Fault::Trimmed, 3),
        Switch::NoPin => faults.with(Fault::OrgSwap, 3),
        Switch::NoJobAsked => faults.with(Fault::Crash, 3).with(Fault::AppEdits, 2),
        Switch::NoLanes | Switch::NoLedger => faults.with(Fault::AppEdits, 2),
        Switch::NoFilter | Switch::FilteredWindow => faults.with(Fault::Leaves, 3),
        Switch::NoBrake | Switch::AllowedForGood => faults.with(Fault::VeryMany, 2),
        Switch::Recheck => faults.with(Fault::CrmEdits, 2),
        Switch::NoSettle => faults.with(Fault::SameSecond, 2).with(Fault::CrmEdits, 2),
        Switch::Upsert => faults.with(Fault::ExecutedLate, 3).with(Fault::AppEdits, 3),
        Switch::NoIntent | Switch::TwiceInBatch => faults.with(Fault::AppEdits, 2),
        Switch::CrashForgets => faults
            .with(Fault::Crash, 3)
            .with(Fault::AnswerLost, 3)
            .with(Fault::CrmEdits, 3),
        Switch::OldDecisions => faults.with(Fault::AppEdits, 2).with(Fault::CrmEdits, 2),
        Switch::WatermarkIsAhead => faults.with(Fault::CrmEdits, 2),
        Switch::RemovedIsForgotten => faults.with(Fault::Notes, 2).with(Fault::NewVersion, 6),
        Switch::OwedIsForgotten => faults.with(Fault::Notes, 2),
        Switch::EditIsAgreed => faults.with(Fault::AppEdits, 2).with(Fault::CrmEdits, 2),
        Switch::HalfACommit => faults.with(Fault::Crash, 3),
        Switch::VerdictOfAnother | Switch::NothingIsAside | Switch::EntryIsLost => {
            faults.with(Fault::AppEdits, 2)
        }
        Switch::PauseIsShown => faults.with(Fault::Wishes, 3),
        Switch::OldPreviews => faults
            .with(Fault::EditsMeanwhile, 2)
            .with(Fault::AppEdits, 2)
            .with(Fault::CrmEdits, 2),
        Switch::NoMatch | Switch::TwinsUnasked => faults.with(Fault::Matches, 2),
        Switch::UndoIsBlind
        | Switch::UndoIsForgotten
        | Switch::BackupIsTrusted
        | Switch::KeyIsLate => faults,
    }
}

fn clear<V>(tx: &mut Tx<'_>, table: &Table<V>) {
    for key in tx.state().store().keys(table, &[]) {
        tx.delete(table, &key.unwrap());
    }
}

/// A call is made.
pub fn in_call(org: &Inner, state: &State, what: &str, when: When) {
    let reads = what == "changes";
    let writes = ["create", "update", "update if", "delete", "release a job"].contains(&what);
    let mut tx = state.begin();
    match org.switch {
        Switch::NoSerialisation if reads => {
            for intent in state.intents().unwrap() {
                tx.delete(&OPEN_INTENTS, &record_key(&intent.pair, &intent.app_id));
            }
        }
        Switch::NoLedger => clear(&mut tx, &LEDGER),
        Switch::NoIntent if writes && when == When::Before => clear(&mut tx, &INTENTS),
        Switch::RemovedIsForgotten => clear(&mut tx, &APPENDED),
        Switch::OwedIsForgotten => {
            for row in state.store().scan(&LINKS, &[]) {
                let (key, mut link) = row.unwrap();
                for base in link.bases.values_mut().filter(|base| base.is_owed()) {
                    base.standing = Standing::Settled;
                }
                tx.put(&LINKS, &key, &link);
            }
        }
        Switch::NothingIsAside if reads && when == When::Before => {
            for key in state.store().keys(&QUARANTINE, &[]) {
                let key = key.unwrap();
                let mut parts = Parts::of(&key);
                let mut text = || parts.text().unwrap().to_owned();
                let (pair, id) = (PairName::new(text()), AppId::new(text()));
                tx.delete(&QUARANTINE, &key);
                tx.todo(&pair, &id).unwrap();
            }
        }
        Switch::EntryIsLost if reads && when == When::After => {
            if let Some((key, _)) = state.store().last(&AUDIT, &[]).unwrap() {
                tx.delete(&AUDIT, &key);
            }
        }
        Switch::WatermarkIsAhead if reads && when == When::After => {
            for row in state.store().scan(&WATERMARKS, &[]) {
                let (key, mut mark) = row.unwrap();
                let ahead = SignedDuration::from_hours(1);
                mark.seen_to = mark.seen_to.map(|_| org.server_time() + ahead);
                tx.put(&WATERMARKS, &key, &mark);
            }
        }
        _ => return,
    }
    drop(tx.commit(Durability::Now));
}

/// A process begins on what another one left.
pub fn at_start(org: &Inner, state: &State) {
    let mut tx = state.begin();
    match org.switch {
        // What jobs were asked for is not known any more.
        Switch::NoJobAsked => {
            clear(&mut tx, &WRITE_JOBS);
            clear(&mut tx, &JOB_ROWS);
        }
        Switch::CrashForgets => {
            clear(&mut tx, &INTENTS);
            clear(&mut tx, &OPEN_INTENTS);
        }
        // A record is deleted, and neither counted nor told.
        Switch::HalfACommit => {
            let mut all = app_records(state).into_iter();
            let Some(mut record) = all.find(|r| r.presence == Presence::Live) else {
                return;
            };
            record.presence = Presence::Deleted;
            tx.put(
                &embedded::RECORDS,
                &embedded::key(&record.table, &record.id),
                &record,
            );
        }
        _ => return,
    }
    tx.commit(Durability::Now).unwrap();
}

/// A person typed a text in a field of the App.
pub fn typed(org: &Inner, state: &State, id: &AppId, at: usize, text: &str) {
    if org.switch != Switch::EditIsAgreed {
        return;
    }
    let name = PairName::new("leads");
    let Some(mut link) = state.link(&name, id).unwrap() else {
        return;
    };
    let known = link
        .seen
        .as_ref()
        .and_then(|seen| seen.fields.get(FIELDS[at]));
    let known = known.map(ToString::to_string);
    let there = link.crm_id.map(|id| org.value(&id.to_string(), FIELDS[at]));
    let base = link.bases.get_mut(&mapping::row_of(FIELDS[at]));
    let (Some(base), Some(there), Some(known)) = (base, there, known) else {
        return;
    };
    if there == known {
        return;
    }
    base.app = vec![Value::text(text)];
    let mut tx = state.begin();
    tx.put(&LINKS, &record_key(&name, id), &link);
    drop(tx.commit(Durability::Now));
}

/// What a call came to.
pub fn answered(switch: Switch, writes: &[One], results: &mut [WriteResult]) {
    if switch != Switch::VerdictOfAnother {
        return;
    }
    let refused =
        |r: &WriteResult| matches!(r, WriteResult::Refused(e) if e.class == ErrorClass::Data);
    let applied = |r: &WriteResult| matches!(r, WriteResult::Applied(_));
    let (bad, good) = (
        results.iter().position(refused),
        results.iter().position(applied),
    );
    let (Some(bad), Some(good)) = (bad, good) else {
        return;
    };
    if let (One::Update(id, ..), One::Update(..)) = (&writes[bad], &writes[good]) {
        results.swap(bad, good);
        results[bad] = WriteResult::Applied(*id);
    }
}

/// A run is about to be taken back.
pub fn before_undo(org: &Inner, state: &State, run: RunId) {
    if org.switch != Switch::UndoIsBlind {
        return;
    }
    let mut tx = state.begin();
    let records = app_records(state);
    for row in state.store().scan(&WRITTEN, &Key::new().number(run.0)) {
        let (key, mut all) = row.unwrap();
        for written in &mut all {
            let record = records.iter().find(|r| r.id == written.app_id).unwrap();
            match &mut written.deed {
                Deed::AppFields { after, rev, .. } => {
                    *rev = record.rev;
                    for (name, value) in after {
                        *value = record.fields[name].clone();
                    }
                }
                Deed::CrmFields { after, .. } => {
                    let id = written.crm_id.unwrap().to_string();
                    for (name, value) in after {
                        *value = Value::text(org.value(&id, name.as_str()));
                    }
                }
                _ => {}
            }
        }
        tx.put(&WRITTEN, &key, &all);
    }
    tx.commit(Durability::Now).unwrap();
}

/// A run was taken back, by this one.
pub fn after_undo(org: &Inner, state: &State, run: RunId) {
    if org.switch != Switch::UndoIsForgotten {
        return;
    }
    let mut tx = state.begin();
    for key in state.store().keys(&WRITTEN, &Key::new().number(run.0)) {
        tx.delete(&WRITTEN, &key.unwrap());
    }
    tx.commit(Durability::Now).unwrap();
}
