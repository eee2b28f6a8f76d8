//! What Salesforce's own lists of changes and of deletions are asked for (sync-semantics 4.2, 4.4).

use serde_json::json;
use syncdeck::domain::record::Presence;
use syncdeck::engine::command::RecordKey;
use syncdeck::engine::tables::{SWEEPS, Swept};
use syncdeck::sandbox::By;
use syncdeck::store::keys::Key;

use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// Calls for the lists of an object.
fn asked(world: &World, object: &str) -> (usize, usize) {
    let of = |list: &str| sent(world, "GET", &format!("{object}/{list}"));
    (of("updated"), of("deleted"))
}

async fn made(world: &mut World, name: &str) -> (String, RecordKey) {
    let id = world.make("Account", json!({"Name": name}));
    world.well("accounts").await;
    let key = world.key("accounts", &id);
    (id, key)
}

fn swept(world: &World) -> Option<Swept> {
    let key = Key::new().text("accounts");
    world.state().store().get(&SWEEPS, &key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_left_the_recycle_bin_before_a_window_came_is_in_the_list() {
    let mut world = World::imported().await;
    let (id, key) = made(&mut world, "Leaves No Trace").await;
    let (other, kept) = made(&mut world, "Comes Back").await;
    world.advance(MINUTE);
    world.org().delete(By::Colleague, &id).unwrap();
    world.org().purge(&id).unwrap();
    world.org().delete(By::Colleague, &other).unwrap();
    world.advance(MINUTE);
    world.org().undelete(By::Colleague, &other).unwrap();
    world.advance(MINUTE);
    world.well("accounts").await;
    assert_eq!(world.app(&key).presence, Presence::Live, "no window has it");
    world.advance(HOUR);
    world.well("accounts").await;
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    assert_eq!(world.app(&kept).presence, Presence::Live);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_list_was_trimmed_all_ids_are_compared() {
    let mut world = World::imported().await;
    world.well("accounts").await;
    world.advance(2 * HOUR);
    world.org().trim_deletes();
    world.advance(5 * MINUTE);
    let before = swept(&world).unwrap();
    world.well("accounts").await;
    let after = swept(&world).unwrap();
    assert!(after.at > before.at && after.listed > 0, "{after:?}");
    // Once: from there on the list reaches back far enough.
    world.advance(2 * HOUR);
    world.well("accounts").await;
    assert_eq!(swept(&world), Some(after));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_long_transaction_wrote_is_seen_when_it_ends() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    world.advance(10 * MINUTE);
    let name = json!({"Name": "Seen Late"});
    let name = name.as_object().unwrap();
    world.org().update_unseen(By::Colleague, &id, name).unwrap();
    // Far longer than what a window reads again; every second run asks nothing.
    for _ in 0..10 {
        world.advance(3 * MINUTE);
        world.well("accounts").await;
    }
    assert_ne!(world.value(&key, "name"), "Seen Late");
    world.org().end_unseen().unwrap();
    world.well("accounts").await;
    assert_eq!(world.value(&key, "name"), "Seen Late");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_are_asked_seldom_and_a_run_without_changes_makes_three_calls_at_most() {
    let mut world = World::imported().await;
    assert_eq!(asked(&world, "Account"), (0, 0), "everything was read");
    world.org().forget();
    let mut most = 0;
    for _ in 0..40 {
        let end = world.sync_pair("accounts").await;
        most = most.max(end.run.calls);
        world.advance(2 * MINUTE);
    }
    let (updated, deleted) = asked(&world, "Account");
    assert!((15..=21).contains(&updated), "{updated} in 100 minutes");
    assert_eq!(deleted, 1);
    assert_eq!(most, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_such_lists_is_synced_all_the_same() {
    let mut world = World::imported().await;
    let body = json!([{"errorCode": "INVALID_TYPE", "message": "not replicateable"}]);
    let refuse = json!({
        "kind": "status", "status": 400, "body": body, "path": "*/sobjects/Account/updated*",
    });
    world.org().inject(fault(refuse));
    for _ in 0..4 {
        world.advance(2 * HOUR);
        let id = world.make("Account", json!({"Name": "Made"}));
        world.well("accounts").await;
        world.key("accounts", &id);
    }
    let (updated, deleted) = asked(&world, "Account");
    assert_eq!(updated, 1, "not again on the same day");
    assert!(deleted > 1);
}
