//! Decisions about records as wholes that are taken back, and the list of what was decided.

use super::back::detail;
use super::world::Remote;
use super::*;
use crate::domain::record::{CrmPresence, Presence};
use crate::domain::run::Failure;
use crate::engine::journal::{self, Sent};
use crate::engine::tables::{DECIDED, Intent, Op, record_key};
use crate::engine::tx::Durability;

/// Takes back what was decided about a record as a whole.
fn other_answer(world: &World, key: &RecordKey, choice: Choice) -> Vec<String> {
    let shown = detail(world, key);
    let record = shown.record.expect("what was decided about the record");
    let done = world.decide(&record.conflict, Some(choice));
    done.refused.into_iter().map(|(_, why)| why).collect()
}

fn decided_as(deleted: Side, choice: Choice) -> (World, RecordKey) {
    let mut world = World::new();
    let key = world.record(1);
    match deleted {
        Side::Crm => {
            world.edit_app(&key, fields([("title", "Countess")]));
            world.delete_crm(1, CrmPresence::Deleted);
        }
        Side::App => {
            world.delete_app(&key);
            world.edit_crm(1, fields([("Title", "Engineer")]));
        }
    }
    world.poll(crm_id(1));
    let whole = world.open(&key).remove(0);
    world.stage(&whole, choice);
    world.write(&key);
    assert_eq!(world.open(&key), vec![]);
    (world, key)
}

#[test]
fn a_record_that_was_kept_can_go_after_all_on_both_sides() {
    for (deleted, kept) in [(Side::Crm, Side::App), (Side::App, Side::Crm)] {
        let (mut world, key) = decided_as(deleted, Choice::Take(kept));
        let shown = detail(&world, &key).record.unwrap();
        assert_eq!(shown.standing, FieldStanding::Settled);
        let (other, same) = match deleted {
            Side::App => (shown.take_app.unwrap(), shown.take_crm.unwrap()),
            Side::Crm => (shown.take_crm.unwrap(), shown.take_app.unwrap()),
        };
        assert!(other.starts_with("delete it in Salesforce"), "{other}");
        assert_eq!(same, "leave it as it was decided");
        let why = other_answer(&world, &key, Choice::Take(kept));
        assert_eq!(why, ["that is how it was decided"]);
        assert_eq!(other_answer(&world, &key, Choice::Take(deleted)), [""; 0]);
        let Prepared::Send(intent) = world.write(&key) else {
            panic!("it is deleted");
        };
        assert_eq!(intent.op, Op::Delete);
        let gone = |remote: &Remote| remote.presence == CrmPresence::Deleted;
        assert!(world.crm.values().all(gone), "{deleted:?}");
        assert_eq!(world.app(&key).presence, Presence::Deleted);
        assert_eq!(world.open(&key), vec![]);
        assert!(world.reconcile(&key).write.is_none());
        assert_eq!(world.state.counters(&key.pair).staged, 0);
    }
}

#[test]
fn a_record_that_went_can_come_back_on_both_sides_and_go_again() {
    let (mut world, key) = decided_as(Side::Crm, Choice::Take(Side::Crm));
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    assert_eq!(other_answer(&world, &key, Choice::Take(Side::App)), [""; 0]);
    world.write(&key);
    assert_eq!(world.app(&key).presence, Presence::Live);
    world.assert_settled(&key);
    let link = world.state.link(&key.pair, &key.app_id).unwrap().unwrap();
    let made = &world.crm[&link.crm_id.unwrap()];
    assert_eq!(made.fields["Title"].to_string(), "Countess");
    // What was taken back is a decision like any other.
    assert_eq!(other_answer(&world, &key, Choice::Take(Side::Crm)), [""; 0]);
    world.write(&key);
    assert_eq!(world.app(&key).presence, Presence::Deleted);
}

#[test]
fn what_is_taken_back_of_a_record_is_left_or_refused_when_it_moved() {
    let (mut world, key) = decided_as(Side::Crm, Choice::Take(Side::App));
    let decided = detail(&world, &key).record.unwrap().conflict;
    assert_eq!(other_answer(&world, &key, Choice::Take(Side::Crm)), [""; 0]);
    // The step back, by the conflict that was decided.
    assert_eq!(world.decide(&decided, None).staged, 1);
    assert_eq!(world.open(&key), vec![]);
    let shown = detail(&world, &key).record.unwrap();
    assert_eq!(
        (shown.conflict.id, shown.standing),
        (decided.id, FieldStanding::Settled)
    );
    // What moved is not deleted.
    assert_eq!(other_answer(&world, &key, Choice::Take(Side::Crm)), [""; 0]);
    world.edit_app(&key, fields([("title", "Duchess")]));
    assert!(matches!(world.prepare(&key), Prepared::Stale));
    assert_eq!(world.app(&key).presence, Presence::Live);
    // Another question is not answered by deleting.
    let (mut world, key) = decided_as(Side::App, Choice::Take(Side::App));
    let why = other_answer(&world, &key, Choice::Take(Side::Crm));
    assert!(why[0].contains("runs undo"), "{why:?}");
    assert!(world.reconcile(&key).write.is_none());
}

#[test]
fn conflicts_that_were_decided_before_there_was_a_list_are_listed_once() {
    let (world, key) = decided_as(Side::Crm, Choice::Take(Side::App));
    let store = world.state.store();
    let at = record_key(&key.pair, &key.app_id);
    let table = &DECIDED;
    let kept = store.get(table, &at).unwrap().unwrap();
    let mut batch = store.batch();
    batch.delete(table, &at);
    store.commit(batch).unwrap();
    let listed = crate::engine::tx::list_decided(store).unwrap();
    store.commit(listed).unwrap();
    assert_eq!(store.get(table, &at).unwrap(), Some(kept));
}

/// Salesforce refuses a write, and it is put aside.
fn refused(world: &mut World, intent: &Intent) {
    let (cx, now) = (world.cx(), world.now());
    let failure = Failure {
        code: "DELETE_FAILED".to_owned(),
        what: "a contract hangs on it".to_owned(),
        why: String::new(),
        fix: String::new(),
        fields: Vec::new(),
        request: String::new(),
    };
    let mut tx = world.state.begin();
    journal::quarantine(&mut tx, &cx, intent, Sent::PART, &failure, now).unwrap();
    tx.commit(Durability::Now).unwrap();
}

fn prepared(world: &mut World, key: &RecordKey) -> Intent {
    match world.prepare(key) {
        Prepared::Send(intent) => *intent,
        other => panic!("{other:?}"),
    }
}

/// A record that was kept and is to go after all, of which Salesforce refused the delete.
fn half_gone(deleted: Side) -> (World, RecordKey) {
    let (mut world, key) = decided_as(deleted, Choice::Take(deleted.other()));
    assert_eq!(other_answer(&world, &key, Choice::Take(deleted)), [""; 0]);
    let intent = prepared(&mut world, &key);
    refused(&mut world, &intent);
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    (world, key)
}

#[test]
fn a_delete_that_is_refused_on_the_other_side_is_written_again_without_the_half_that_is_done() {
    for deleted in [Side::App, Side::Crm] {
        let (mut world, key) = half_gone(deleted);
        let open = world.open(&key).remove(0);
        assert_eq!(open.error.as_deref(), Some("a contract hangs on it"));
        let done = world.app(&key).rev;
        // Killed before it was sent, or cut off: what is staged stands.
        let intent = prepared(&mut world, &key);
        let mut tx = world.state.begin();
        journal::not_sent(&mut tx, &intent, world.now()).unwrap();
        tx.commit(Durability::Now).unwrap();
        assert!(matches!(world.write(&key), Prepared::Send(intent) if intent.op == Op::Delete));
        assert_eq!(world.app(&key).rev, done, "deleted once");
        assert_eq!(world.open(&key), vec![]);
        assert!(world.reconcile(&key).write.is_none());
        assert_eq!(world.state.counters(&key.pair).staged, 0);
    }
}

#[test]
fn what_is_half_deleted_can_come_back_instead_and_is_not_left_like_that() {
    for deleted in [Side::App, Side::Crm] {
        let (mut world, key) = half_gone(deleted);
        let shown = detail(&world, &key).record.unwrap();
        let (goes, back) = match deleted {
            Side::App => (shown.take_app.unwrap(), shown.take_crm.unwrap()),
            Side::Crm => (shown.take_crm.unwrap(), shown.take_app.unwrap()),
        };
        assert_eq!(goes, "delete it in Salesforce too");
        assert!(back.starts_with("bring it back in the App"), "{back}");
        let open = world.open(&key).remove(0);
        assert_eq!(world.decide(&open, None).staged, 1);
        assert_eq!(world.open(&key)[0].staged, None, "it is asked, not settled");
        world.stage(&world.open(&key)[0], Choice::Take(deleted.other()));
        world.write(&key);
        assert_eq!(world.app(&key).presence, Presence::Live);
        world.assert_settled(&key);
    }
}

#[test]
fn a_record_that_is_brought_back_and_refused_by_salesforce_is_created_by_the_same_key() {
    for (taken, presence) in [(Side::App, Presence::Live), (Side::Crm, Presence::Deleted)] {
        let (mut world, key) = decided_as(Side::Crm, Choice::Take(Side::Crm));
        assert_eq!(other_answer(&world, &key, Choice::Take(Side::App)), [""; 0]);
        let first = prepared(&mut world, &key);
        refused(&mut world, &first);
        world.stage(&world.open(&key)[0], Choice::Take(taken));
        if let Prepared::Send(again) = world.write(&key) {
            assert_eq!(again.sync_key, first.sync_key);
        }
        assert_eq!(world.app(&key).presence, presence);
        assert_eq!(world.open(&key), vec![]);
        assert!(world.reconcile(&key).write.is_none());
    }
}
