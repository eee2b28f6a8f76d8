//! Decisions about a record as a whole.

use super::back::detail;
use super::world::{World, crm_id, fields};
use crate::domain::conflict::{Choice, Conflict, Kind, State};
use crate::domain::mapping::{Creates, Flow, Foreign, Pair};
use crate::domain::record::{CrmPresence, LinkState, Presence};
use crate::domain::transform::Side;
use crate::engine::command::RecordKey;
use crate::engine::conflicts::{self, Sides};
use crate::engine::decisions::Prepared;
use crate::engine::records;
use crate::engine::tx::Durability;

fn whole(world: &World, key: &RecordKey) -> Conflict {
    let open = world.open(key);
    open.into_iter().find(|c| c.row.is_none()).unwrap()
}

/// Changed in the App, deleted in the CRM.
fn deleted_in_crm() -> (World, RecordKey) {
    let mut world = World::new();
    let key = world.record(1);
    world.edit_app(&key, fields([("title", "Countess")]));
    world.delete_crm(1, CrmPresence::Deleted);
    world.poll(crm_id(1));
    (world, key)
}

/// Deleted in the App, changed in the CRM.
fn deleted_in_app() -> (World, RecordKey) {
    let mut world = World::new();
    let key = world.record(1);
    world.delete_app(&key);
    world.edit_crm(1, fields([("Title", "Engineer")]));
    world.poll(crm_id(1));
    (world, key)
}

#[test]
fn deleted_in_the_crm_take_app_makes_it_again() {
    let (mut world, key) = deleted_in_crm();
    let old = whole(&world, &key);
    assert_eq!(old.kind, Kind::DeleteVsChange { deleted: Side::Crm });
    world.stage(&old, Choice::Take(Side::App));
    let Prepared::Send(intent) = world.write(&key) else {
        panic!("it is created");
    };
    assert!(intent.sync_key.is_some());
    let link = world.state.link(&key.pair, &key.app_id).unwrap().unwrap();
    assert_ne!(link.crm_id, Some(crm_id(1)));
    assert_eq!(link.sync_key, intent.sync_key);
    let new = &world.crm[&link.crm_id.unwrap()];
    assert_eq!(new.fields["Title"].to_string(), "Countess");
    // The old record is seen again, deleted: nothing follows from it.
    world.poll(crm_id(1));
    world.assert_settled(&key);
    assert_eq!(world.app(&key).presence, Presence::Live);
    let closed = world.state.conflict(old.id).unwrap().unwrap();
    assert!(matches!(closed.state, State::Resolved { .. }));
}

#[test]
fn a_create_that_was_not_sent_is_found_again_by_its_key() {
    let (mut world, key) = deleted_in_crm();
    let old = whole(&world, &key);
    world.stage(&old, Choice::Take(Side::App));
    let Prepared::Send(intent) = world.prepare(&key) else {
        panic!("it is created");
    };
    let mut tx = world.state.begin();
    crate::engine::journal::not_sent(&mut tx, &intent, world.now()).unwrap();
    tx.commit(Durability::Now).unwrap();
    // The decision still stands, and is written with the same key.
    let Prepared::Send(again) = world.prepare(&key) else {
        panic!("it is created");
    };
    assert_eq!(again.sync_key, intent.sync_key);
    let mut tx = world.state.begin();
    crate::engine::journal::not_sent(&mut tx, &again, world.now()).unwrap();
    tx.commit(Durability::Now).unwrap();
    // So does an ordinary run.
    let again = world.reconcile(&key).write.unwrap();
    assert_eq!(
        again.sync_key, intent.sync_key,
        "the same key, not a second record"
    );
}

#[test]
fn deleted_in_the_crm_take_crm_marks_the_app_record() {
    let (mut world, key) = deleted_in_crm();
    world.stage(&whole(&world, &key), Choice::Take(Side::Crm));
    assert!(matches!(world.write(&key), Prepared::AppOnly));
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    assert_eq!(world.app_value(&key, "title"), "Countess", "recoverable");
    assert_eq!(world.open(&key), vec![]);
    let link = world.state.link(&key.pair, &key.app_id).unwrap().unwrap();
    assert_eq!(link.state, LinkState::CrmDeleted);
    assert!(world.reconcile(&key).write.is_none());
    assert_eq!(world.state.counters(&key.pair).waiting, 0);
}

#[test]
fn deleted_in_the_app_take_app_deletes_in_the_crm() {
    let (mut world, key) = deleted_in_app();
    world.stage(&whole(&world, &key), Choice::Take(Side::App));
    assert!(matches!(world.write(&key), Prepared::Send(_)));
    assert!(world.crm.is_empty());
    assert_eq!(world.open(&key), vec![]);
    assert!(world.reconcile(&key).write.is_none());
}

#[test]
fn deleted_in_the_app_take_crm_brings_it_back() {
    let (mut world, key) = deleted_in_app();
    world.stage(&whole(&world, &key), Choice::Take(Side::Crm));
    assert!(matches!(world.write(&key), Prepared::AppOnly));
    let app = world.app(&key);
    assert_eq!(app.presence, Presence::Live);
    assert_eq!(world.app_value(&key, "title"), "Engineer");
    world.assert_settled(&key);
}

#[test]
fn a_record_that_moved_is_not_deleted() {
    let (mut world, key) = deleted_in_app();
    world.stage(&whole(&world, &key), Choice::Take(Side::App));
    world.edit_crm(1, fields([("Title", "Still needed")]));
    world.poll(crm_id(1));
    assert!(matches!(world.prepare(&key), Prepared::Stale));
    assert_eq!(world.open(&key).len(), 1);
}

#[test]
fn fields_wait_for_the_record_and_end_with_it() {
    let (mut world, key) = super::in_conflict();
    let title = world.conflict_on(&key, 2);
    world.delete_crm(1, CrmPresence::Deleted);
    world.poll(crm_id(1));
    let done = world.decide(&title, Some(Choice::Take(Side::App)));
    assert_eq!(done.staged, 0, "{done:?}");
    let base = world.decide(&whole(&world, &key), Some(Choice::Base));
    assert_eq!(base.staged, 0, "a record has no base to go back to");
    world.stage(&whole(&world, &key), Choice::Take(Side::Crm));
    world.write(&key);
    assert_eq!(world.open(&key), vec![]);
}

/// Two App records that one CRM record matches.
fn ambiguous() -> (World, RecordKey, RecordKey) {
    let mut world = World::new();
    let first = world.new_app("a", fields([("name", "Lovelace"), ("title", "Mine")]));
    let second = world.new_app("b", fields([("name", "Lovelace")]));
    world.record_unlinked(1);
    assert_eq!(
        (world.open(&first).len(), world.open(&second).len()),
        (1, 1)
    );
    (world, first, second)
}

#[test]
fn an_ambiguous_match_is_linked_or_kept_apart() {
    let (mut world, first, second) = ambiguous();
    let waits = world.reconcile(&first);
    assert!(
        waits.write.is_none() && waits.skipped,
        "nothing is written: {waits:?}"
    );
    assert_eq!(world.open(&first).len(), 1);
    world.stage(&whole(&world, &second), Choice::Take(Side::Crm));
    assert!(matches!(world.write(&second), Prepared::AppOnly));
    let link = world.state.link(&second.pair, &second.app_id);
    assert_eq!(link.unwrap().unwrap().crm_id, Some(crm_id(1)));
    assert_eq!(world.app_value(&second, "title"), "Analyst");
    assert_eq!(world.open(&second), vec![]);

    let linked = world.decide(&whole(&world, &first), Some(Choice::Take(Side::Crm)));
    assert_eq!(linked.staged, 0, "it belongs to the other one now");
    world.stage(&whole(&world, &first), Choice::Take(Side::App));
    assert!(matches!(world.write(&first), Prepared::Send(_)));
    assert_eq!(world.crm.len(), 2);
    world.assert_settled(&first);
}

#[test]
fn a_merged_record_is_made_again_or_given_up() {
    for side in [Side::App, Side::Crm] {
        let mut world = World::new();
        let key = world.record(1);
        world.record(2);
        world.delete_crm(1, CrmPresence::Merged(crm_id(2)));
        world.poll(crm_id(1));
        let conflict = whole(&world, &key);
        assert!(matches!(conflict.kind, Kind::MergeCollision { .. }));
        world.stage(&conflict, Choice::Take(side));
        world.write(&key);
        assert_eq!(world.open(&key), vec![]);
        match side {
            Side::App => world.assert_settled(&key),
            Side::Crm => {
                assert_eq!(world.app(&key).presence, Presence::Deleted);
                assert!(world.reconcile(&key).write.is_none());
            }
        }
    }
}

#[test]
fn a_hot_record_takes_one_side_for_all_its_fields() {
    for (side, title) in [(Side::App, "Countess"), (Side::Crm, "Analyst")] {
        let mut world = World::new();
        let key = world.record(1);
        world.edit_app(&key, fields([("title", "Countess")]));
        let cx = world.cx();
        let now = world.now();
        let mut tx = world.state.begin();
        let link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
        let app = tx.app_record(&"leads".into(), &key.app_id).unwrap();
        let sides = Sides {
            app: app.as_ref(),
            seen: link.seen.as_ref(),
        };
        let hot = conflicts::of_record(&tx, &cx, &link, Kind::HotRecord, sides, now);
        conflicts::open(&mut tx, hot, now).unwrap();
        tx.commit(Durability::Now).unwrap();
        world.stage(&whole(&world, &key), Choice::Take(side));
        world.write(&key);
        world.assert_settled(&key);
        assert_eq!(world.app_value(&key, "title"), title);
    }
}

#[test]
fn a_row_that_is_switched_off_takes_its_conflict_along() {
    let (mut world, key) = super::in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::App));
    world.change_pair(|pair| {
        for row in pair.rows.iter_mut().filter(|r| r.id.0 == 2) {
            row.switch = crate::domain::mapping::Switch::Off;
        }
    });
    let late = world.decide(&title, Some(Choice::Take(Side::Crm)));
    assert_eq!(late.staged, 0);
    assert!(matches!(world.prepare(&key), Prepared::Stale));
    world.reconcile(&key);
    assert_eq!(world.open(&key).len(), 1);
    assert_eq!(world.state.counters(&key.pair).staged, 0);
}

#[test]
fn a_create_found_by_its_key_ends_the_conflict() {
    let (mut world, key) = deleted_in_crm();
    let old = whole(&world, &key);
    world.stage(&old, Choice::Take(Side::App));
    let Prepared::Send(intent) = world.prepare(&key) else {
        panic!("it is created");
    };
    // The answer was lost: recovery closes the intent and links what it found.
    let mut tx = world.state.begin();
    tx.close_intent(&intent);
    tx.commit(Durability::Now).unwrap();
    assert!(matches!(world.prepare(&key), Prepared::Nothing));
    world.crm.insert(
        crm_id(50),
        super::world::Remote {
            fields: intent.fields.clone(),
            modified: world.clock,
            presence: CrmPresence::Live,
        },
    );
    world.poll(crm_id(50));
    let link = world.state.link(&key.pair, &key.app_id).unwrap().unwrap();
    assert_eq!(link.crm_id, Some(crm_id(50)), "found by the key");
    assert_eq!(world.open(&key), vec![]);
    assert_eq!(world.state.counters(&key.pair).staged, 0);
}

#[test]
fn where_nothing_is_made_in_salesforce_the_app_cannot_be_taken_and_it_is_said_why() {
    let without_key = |pair: &mut Pair| pair.key_field = None;
    let off = |pair: &mut Pair| pair.create_in_crm = Creates::Off;
    type Change = (fn(&mut Pair), &'static str);
    let changes: [Change; 2] = [(off, "create_in_crm is off"), (without_key, "key field")];
    for (change, said) in changes {
        let (mut world, key) = deleted_in_crm();
        let open = whole(&world, &key);
        let app = |world: &World| detail(world, &key).record.unwrap().take_app;
        assert!(app(&world).unwrap().starts_with("create it again"));
        world.change_pair(change);
        let why = app(&world).unwrap_err();
        assert!(why.contains(said), "{why}");
        assert!(
            why.ends_with("take Salesforce, or unlink it in Records"),
            "{why}"
        );
        let refused = world.decide(&open, Some(Choice::Take(Side::App))).refused;
        assert_eq!(refused, [(open.id, why)], "the engine says the same");
        // Both ways out that it names are open.
        let shown = detail(&world, &key).record.unwrap();
        assert_eq!(shown.take_crm.unwrap(), "mark it as deleted in the App too");
        if said == "key field" {
            let end = records::unlink(&world.state, &key, "jo", world.now());
            assert!(end.is_ok(), "{end:?}");
        } else {
            world.stage(&open, Choice::Take(Side::Crm));
            world.write(&key);
        }
        assert_eq!(world.open(&key), vec![]);
    }
}

#[test]
fn what_was_deleted_in_the_app_comes_back_also_where_nothing_is_made_there() {
    // It is the record that was there: nothing is made.
    let (mut world, key) = deleted_in_app();
    world.change_pair(|pair| pair.create_in_app = Creates::Off);
    let shown = detail(&world, &key).record.unwrap();
    let means = shown.take_crm.unwrap();
    assert_eq!(
        means,
        "bring it back in the App with the values of Salesforce"
    );
    world.stage(&whole(&world, &key), Choice::Take(Side::Crm));
    world.write(&key);
    assert_eq!(world.app(&key).presence, Presence::Live);
    // Where no row writes there, it has no values of Salesforce.
    let (world, key) = deleted_in_app();
    world.change_pair(|pair| {
        for row in &mut pair.rows {
            row.flow = Flow::ToCrm(Foreign::Keep);
        }
    });
    let means = detail(&world, &key).record.unwrap().take_crm.unwrap();
    assert_eq!(
        means,
        "bring it back in the App as it was: no row writes there"
    );
}
