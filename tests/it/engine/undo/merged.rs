//! Merges that a run followed, and what the org did by itself.

use syncdeck::domain::record::LinkState;
use syncdeck::sandbox::{Automation, Becomes, Flow};

use super::*;

/// A record whose CRM record was merged into one that nobody has; the run that followed.
async fn merged() -> (World, RecordKey, String, String, RunId) {
    let mut world = World::imported().await;
    let loser = world.make("Account", json!({"Name": "Loser", "Phone": "1"}));
    sync(&mut world).await;
    let key = world.key("accounts", &loser);
    let winner = world.make("Account", json!({"Name": "Winner", "Phone": "2"}));
    let losers = std::slice::from_ref(&loser);
    world.org().merge(By::Colleague, &winner, losers).unwrap();
    let run = sync(&mut world).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(winner.as_str()));
    assert_eq!(world.value(&key, "name"), "Winner");
    (world, key, loser, winner, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_was_followed_is_taken_back_where_the_record_is_there_again() {
    let (mut world, key, loser, winner, run) = merged().await;
    world.org().undelete(By::Colleague, &loser).unwrap();
    let shown = preview(&mut world, run).await.unwrap();
    assert!(
        shown
            .acts
            .iter()
            .any(|act| act.contains("before the merge")),
        "{shown:?}"
    );
    undo(&mut world, run).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(loser.as_str()));
    assert_eq!(world.value(&key, "name"), "Loser");
    assert_eq!(world.value(&key, "phone"), "1");
    // The survivor is on its own again, and nothing is written by the next sync.
    world.org().forget();
    sync(&mut world).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(loser.as_str()));
    assert_eq!(world.value(&key, "name"), "Loser");
    assert_eq!(world.there(&winner, "Name"), "Winner");
    assert!(
        world.org().written().is_empty(),
        "{:?}",
        world.org().written()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_merged_away_still_is_not_linked_again_and_that_is_said() {
    let (mut world, key, loser, winner, run) = merged().await;
    let by = begin_undo(&mut world, run).await.unwrap();
    world.end(by).await;
    let link = world.state().link(&key.pair, &key.app_id).unwrap().unwrap();
    assert_eq!(link.state, LinkState::Active);
    assert_eq!(world.crm_id(&key).as_deref(), Some(winner.as_str()));
    assert_eq!(
        world.value(&key, "name"),
        "Loser",
        "the fields are put back"
    );
    let told = world.state().history(&key.pair, &key.app_id, 9).unwrap();
    let told: Vec<String> = told.into_iter().map(|line| line.text).collect();
    let said = format!("undelete {loser} there");
    assert!(told.iter().any(|line| line.contains(&said)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_back_after_a_merge_was_taken_back_is_linked_by_the_next_sync() {
    let (mut world, key, loser, winner, run) = merged().await;
    let by = begin_undo(&mut world, run).await.unwrap();
    world.end(by).await;
    let before = world.app_ids("accounts").len();
    world.restart().await;
    world.org().undelete(By::Colleague, &loser).unwrap();
    world.org().forget();
    sync(&mut world).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(loser.as_str()));
    assert_eq!(world.value(&key, "name"), "Loser");
    assert_eq!(world.app_ids("accounts").len(), before);
    assert_eq!(world.there(&winner, "Name"), "Winner");
    assert!(world.org().written().is_empty());
    // What remains of the run is nothing, and the survivor is a record of its own when it is read.
    world.change(&winner, json!({"Phone": "3"}));
    sync(&mut world).await;
    assert_ne!(world.key("accounts", &winner), key);
    assert_eq!(world.app_ids("accounts").len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_back_after_the_merge_was_followed_again_is_a_record_of_its_own() {
    let (mut world, key, loser, winner, run) = merged().await;
    let by = begin_undo(&mut world, run).await.unwrap();
    world.end(by).await;
    let again = begin_undo(&mut world, by).await.unwrap();
    world.end(again).await;
    world.org().undelete(By::Colleague, &loser).unwrap();
    sync(&mut world).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(winner.as_str()));
    assert_ne!(world.key("accounts", &loser), key);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_otherwise_than_it_was_written_is_named() {
    let mut world = World::imported().await;
    world
        .org()
        .set_automation(Automation {
            flows: vec![Flow {
                object: "Account".into(),
                field: "Phone".into(),
                becomes: Becomes::Digits,
            }],
            ..Automation::default()
        })
        .unwrap();
    let account = world.account(0);
    let key = world.key("accounts", &account);
    let other = world.key("accounts", &world.account(1));
    world.edit(&key, "phone", "+1 (2) 3").await;
    world.edit(&other, "name", "Plain").await;
    let run = sync(&mut world).await;
    let shown = preview(&mut world, run).await.unwrap();
    let told = &shown.automation[1..];
    let named = |name: &str| {
        let told = told.iter().find(|line| line.starts_with(name));
        told.cloned().unwrap_or_default()
    };
    let sent = named(&world.value(&key, "name"));
    assert!(
        sent.contains("Phone became \"+123\", not \"+1 (2) 3\""),
        "{told:?}"
    );
    // Of the other its phone was not sent at all.
    assert!(named("Plain").contains("Phone became"), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_otherwise_beside_a_text_that_was_appended_is_named() {
    let mut world = World::signed_in("lead-desk", 20).await;
    world.sync().await;
    let leads = world.ids("SELECT Id FROM Lead WHERE Phone != null ORDER BY Id");
    let untidy = |id: &&String| world.there(id, "Phone").contains([' ', '(', '-']);
    let lead = leads.iter().find(untidy).unwrap().clone();
    world
        .org()
        .set_automation(Automation {
            flows: vec![Flow {
                object: "Lead".into(),
                field: "Phone".into(),
                becomes: Becomes::Digits,
            }],
            ..Automation::default()
        })
        .unwrap();
    let key = world.key("leads", &lead);
    world.edit(&key, "notes", "Called back").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.pushed, 1, "{:?}", end.run);
    let shown = preview(&mut world, end.run.id).await.unwrap();
    let told = shown.automation[1..].join("\n");
    assert!(told.contains("Phone became"), "{told:?}");
}
