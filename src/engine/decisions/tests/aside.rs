//! Decisions on records in quarantine.

use super::in_conflict;
use super::world::{World, fields};
use crate::domain::conflict::Choice;
use crate::domain::id::RunId;
use crate::domain::run::Failure;
use crate::domain::transform::Side;
use crate::engine::command::RecordKey;
use crate::engine::tables::Quarantined;
use crate::engine::tx::Durability;

/// Salesforce refused what the App has.
fn put_aside(world: &World, key: &RecordKey) {
    let entry = Quarantined {
        payload: 7,
        mapping_version: 1,
        failure: Failure {
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
            what: "not this title".to_owned(),
            why: "a rule".to_owned(),
            fix: "another title".to_owned(),
            fields: vec!["Title".to_owned()],
            request: String::new(),
        },
        tries: 1,
        first: world.now(),
        last: world.now(),
        run: RunId(2),
    };
    let mut tx = world.state.begin();
    tx.quarantine(&key.pair, &key.app_id, Some(&entry), world.now())
        .unwrap();
    tx.commit(Durability::Now).unwrap();
}

fn is_aside(world: &World, key: &RecordKey) -> bool {
    let entry = world.state.quarantined(&key.pair, &key.app_id).unwrap();
    assert_eq!(
        world.state.counters(&key.pair).quarantined,
        i64::from(entry.is_some())
    );
    entry.is_some()
}

#[test]
fn a_record_is_well_again_when_a_decision_leaves_nothing_to_write() {
    let (mut world, key) = in_conflict();
    put_aside(&world, &key);
    for row in [2, 3] {
        let conflict = world.conflict_on(&key, row);
        world.stage(&conflict, Choice::Take(Side::Crm));
    }
    world.write(&key);
    assert!(!is_aside(&world, &key));
    world.assert_settled(&key);
}

#[test]
fn a_record_stays_aside_while_something_of_it_waits_and_the_next_run_looks() {
    let (mut world, key) = in_conflict();
    put_aside(&world, &key);
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::Crm));
    world.write(&key);
    assert!(is_aside(&world, &key), "notes are not decided");
    assert!(world.waits(&key));
    let notes = world.conflict_on(&key, 3);
    world.stage(&notes, Choice::Take(Side::Crm));
    world.edit_app(&key, fields([("name", "Byron")]));
    world.write(&key);
    assert!(!is_aside(&world, &key), "the name was sent with it");
}

#[test]
fn a_record_stays_aside_while_a_row_of_the_mapping_cannot_be_looked_at() {
    let (mut world, key) = in_conflict();
    put_aside(&world, &key);
    world.change_pair(|pair| pair.rows[0].crm = vec!["Gone__c".into()]);
    for row in [2, 3] {
        let conflict = world.conflict_on(&key, row);
        world.stage(&conflict, Choice::Take(Side::Crm));
    }
    world.write(&key);
    assert!(is_aside(&world, &key));
    assert!(world.waits(&key));
}
