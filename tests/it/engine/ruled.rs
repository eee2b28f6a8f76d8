//! What a conflict says of the rule of its field: that it decides with the next sync, or why it
//! leaves the field to a person.

use serde_json::json;
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::mapping::{Pair, Strategy};
use syncdeck::domain::transform::Side;
use syncdeck::engine::command::{Command, Decide, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::view::{ConflictField, ConflictRow};

use super::*;

/// Saves the accounts with another rule for their names.
async fn rule(world: &mut World, strategy: Strategy) {
    let mut pair: Pair = world.state().pair(&"accounts".into()).unwrap().unwrap();
    let row = pair
        .rows
        .iter_mut()
        .find(|row| row.label(Side::App) == "name")
        .unwrap();
    row.strategy = strategy;
    let draft = Box::new(pair);
    world.ask(Command::SaveMapping { draft }).await.unwrap();
}

/// Both sides give an account another name.
async fn both_change(world: &mut World, number: usize) -> RecordKey {
    let id = world.account(number);
    let key = world.key("accounts", &id);
    world.change(&id, json!({"Name": format!("Theirs {number}")}));
    world.edit(&key, "name", &format!("Ours {number}")).await;
    key
}

/// The name in the conflict of a record.
async fn name(world: &mut World, key: &RecordKey) -> ConflictField {
    let key = key.clone();
    match world.ask(Command::Conflict { key }).await.unwrap() {
        Reply::Conflict(Some(detail)) => detail
            .fields
            .into_iter()
            .find(|field| field.app_label == "name")
            .unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_was_made_since_is_named_and_decides_with_the_next_sync() {
    let mut world = World::imported().await;
    rule(&mut world, Strategy::Ask).await;
    world.sync().await;
    let key = both_change(&mut world, 0).await;
    world.sync().await;
    let asked = name(&mut world, &key).await;
    assert_eq!((asked.ruled, asked.note), (None, None));
    rule(&mut world, Strategy::App).await;
    assert_eq!(name(&mut world, &key).await.ruled, Some(Side::App));
    assert_eq!(world.conflicts().await[0].waits_for, "the next sync");
    world.sync().await;
    assert!(world.conflicts().await.is_empty());
    assert_eq!(world.value(&key, "name"), "Ours 0");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_decide_says_why() {
    let mut world = World::imported().await;
    let cases = [
        (Strategy::Newest, "too near for their clocks"),
        (Strategy::Filled, "both sides have a value"),
    ];
    for (number, (strategy, why)) in cases.into_iter().enumerate() {
        rule(&mut world, strategy).await;
        world.sync().await;
        let key = both_change(&mut world, number).await;
        world.sync().await;
        let asked = name(&mut world, &key).await;
        let note = asked.note.unwrap_or_default();
        let head = format!("the rule {} decides nothing", strategy.name());
        assert!(note.starts_with(&head) && note.contains(why), "{note}");
        assert_eq!(asked.ruled, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decided_is_written_although_a_rule_was_made_since() {
    let mut world = World::imported().await;
    rule(&mut world, Strategy::Ask).await;
    world.sync().await;
    let (before, since) = (
        both_change(&mut world, 0).await,
        both_change(&mut world, 1).await,
    );
    world.sync().await;
    let row = |rows: Vec<ConflictRow>, key: &RecordKey| {
        let mut rows = rows.into_iter();
        rows.find(|row| row.key == *key).unwrap()
    };
    // One is decided before the rule is there, one after it.
    let of = row(world.conflicts().await, &before);
    assert!(world.decide(&of, Choice::Take(Side::App)).await.is_empty());
    rule(&mut world, Strategy::Crm).await;
    let of = row(world.conflicts().await, &since);
    assert!(world.decide(&of, Choice::Take(Side::App)).await.is_empty());
    // A sync in between leaves both alone as well.
    world.sync().await;
    assert_eq!(world.conflicts().await.len(), 2);
    world.write().await;
    for (number, key) in [(0, &before), (1, &since)] {
        let ours = format!("Ours {number}");
        assert_eq!(world.value(key, "name"), ours);
        let there = world.account(number);
        assert_eq!(world.there(&there, "Name"), ours);
    }
    assert!(world.conflicts().await.is_empty());
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_taken_back_leaves_the_field_to_the_rule() {
    let mut world = World::imported().await;
    rule(&mut world, Strategy::Ask).await;
    world.sync().await;
    let key = both_change(&mut world, 0).await;
    world.sync().await;
    let row = world.conflicts().await.remove(0);
    let app = Choice::Take(Side::App);
    assert!(world.decide(&row, app).await.is_empty());
    rule(&mut world, Strategy::Crm).await;
    world.sync().await;
    let decisions = vec![Decide {
        conflict: row.conflicts[0].id,
        fp: row.conflicts[0].fp,
        choice: None,
    }];
    world.ask(Command::Decide { decisions }).await.unwrap();
    world.sync().await;
    assert!(world.conflicts().await.is_empty());
    assert_eq!(world.value(&key, "name"), "Theirs 0");
    assert_agree(&world);
}
