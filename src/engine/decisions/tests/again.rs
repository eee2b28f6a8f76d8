//! Decisions about records as wholes that are taken back, and the list of what was decided.

use super::back::detail;
use super::world::Remote;
use super::*;
use crate::domain::record::{CrmPresence, Presence};
use crate::engine::tables::{DECIDED, Op, record_key};

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
            Side::App => (shown.take_app, shown.take_crm),
            Side::Crm => (shown.take_crm, shown.take_app),
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
