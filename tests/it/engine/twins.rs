//! Several records of Salesforce that one App record is the same as: a person says which.

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Conflict, Kind};
use syncdeck::domain::transform::Side;
use syncdeck::engine::command::RecordKey;
use syncdeck::sandbox::By;

use super::*;

const EMAIL: &str = "twin@example.com";

/// A lead of the App whose address so many leads in Salesforce have, which were never seen.
async fn twins(there: usize) -> (World, RecordKey, Vec<String>) {
    let mut world = World::signed_in("lead-desk", 20).await;
    let fields = [
        ("contactName", "Twin"),
        ("companyName", "Ours"),
        ("contactEmail", EMAIL),
    ];
    let key = world.create("leads", &fields).await;
    let mut ids = Vec::new();
    for n in 0..there {
        let fields = json!({
            "LastName": "Twin", "Company": format!("Theirs {n}"), "Email": EMAIL,
        });
        let made = world
            .org()
            .create(By::Colleague, "Lead", fields.as_object().unwrap());
        ids.push(made.unwrap());
    }
    world.org().forget();
    (world, key, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_one_is_linked() {
    let (mut world, key, ids) = twins(1).await;
    world.sync().await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(ids[0].as_str()));
    let open = world
        .state()
        .open_conflicts(&key.pair, &key.app_id)
        .unwrap();
    let asked = |conflict: &Conflict| matches!(conflict.kind, Kind::AmbiguousMatch { .. });
    assert!(!open.iter().any(asked), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_none_is_linked_before_a_person_says_which() {
    let (mut world, key, ids) = twins(2).await;
    for _ in 0..2 {
        world.sync().await;
        assert_eq!(world.crm_id(&key), None);
        assert!(world.org().written().is_empty(), "nothing is made anew");
        let rows = world.conflicts().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        let open = world
            .state()
            .open_conflicts(&key.pair, &key.app_id)
            .unwrap();
        let Kind::AmbiguousMatch { candidates } = &open[0].kind else {
            panic!("{:?}", open[0]);
        };
        let mut candidates: Vec<String> = candidates.iter().map(ToString::to_string).collect();
        candidates.sort();
        assert_eq!(candidates, ids);
        world.advance(60);
    }
    let rows = world.conflicts().await;
    let refused = world.decide(&rows[0], Choice::Take(Side::Crm)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    let linked = world.crm_id(&key).unwrap();
    assert!(ids.contains(&linked));
    world.sync().await;
    // The other one is a record of its own.
    let other = ids.iter().find(|id| **id != linked).unwrap();
    assert_ne!(world.key("leads", other), key);
}

/// The records that a person is asked about, the one that is shown first.
fn asked(world: &World, key: &RecordKey) -> Vec<String> {
    let open = world.state().open_conflicts(&key.pair, &key.app_id);
    let candidates = open.unwrap().into_iter().find_map(|one| match one.kind {
        Kind::AmbiguousMatch { candidates } => Some(candidates),
        _ => None,
    });
    let candidates = candidates.unwrap_or_default();
    candidates.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_deleted_before_it_was_linked_is_none_of_them() {
    let (mut world, key, ids) = twins(2).await;
    world.delete(&key).await;
    world.sync().await;
    assert_eq!(world.conflicts().await, []);
    let [one, other] = [0, 1].map(|n| world.key("leads", &ids[n]));
    assert!(one != key && other != key && one != other);
    assert!(world.org().written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_any_more_about_a_record_that_was_deleted() {
    let (mut world, key, ids) = twins(2).await;
    world.sync().await;
    assert_eq!(asked(&world, &key).len(), 2);
    world.delete(&key).await;
    for _ in 0..2 {
        world.advance(60);
        world.sync().await;
    }
    assert_eq!(world.conflicts().await, []);
    let [one, other] = [0, 1].map(|n| world.key("leads", &ids[n]));
    assert!(one != key && other != key && one != other);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_goes_on_about_the_rest_when_one_turns_out_to_be_another() {
    let (mut world, key, _) = twins(3).await;
    world.sync().await;
    let before = asked(&world, &key);
    assert_eq!(before.len(), 3);
    world.change(&before[0], json!({"Email": "another@example.com"}));
    world.advance(60);
    world.sync().await;
    assert_ne!(world.key("leads", &before[0]), key);
    let mut left = asked(&world, &key);
    left.sort();
    let mut rest = before[1..].to_vec();
    rest.sort();
    assert_eq!(left, rest);
    // From the list, where nobody has looked at the values anew.
    let rows = world.conflicts().await;
    let refused = world.decide(&rows[0], Choice::Take(Side::Crm)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    assert!(rest.contains(&world.crm_id(&key).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_one_left_is_linked() {
    let (mut world, key, _) = twins(2).await;
    world.sync().await;
    let before = asked(&world, &key);
    assert_eq!(before.len(), 2);
    world.change(&before[0], json!({"Email": "another@example.com"}));
    for _ in 0..2 {
        world.advance(60);
        world.sync().await;
    }
    assert_eq!(world.crm_id(&key), Some(before[1].clone()));
    assert_eq!(asked(&world, &key), Vec::<String>::new());
}
