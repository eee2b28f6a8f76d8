//! Several records of Salesforce that one App record is the same as: a person says which.

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Conflict, Kind};
use syncdeck::domain::transform::Side;
use syncdeck::sandbox::By;

use super::*;

const EMAIL: &str = "twin@example.com";

/// A lead of the App whose address so many leads in Salesforce have, which were never seen.
async fn twins(there: usize) -> (World, syncdeck::engine::command::RecordKey, Vec<String>) {
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
