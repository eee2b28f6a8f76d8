//! What could not be written or read yet is not forgotten: a value that waits for a parent, a field
//! that nobody was shown.

use serde_json::json;
use syncdeck::domain::id::FieldName;
use syncdeck::engine::tables::OBJECTS;
use syncdeck::engine::tx::Durability;
use syncdeck::store::keys::Key;

use super::*;

/// A parent that was linked while a write of its child was in doubt is written all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_comes_while_its_child_is_in_doubt_is_written() {
    let mut world = World::imported().await;
    let contact = world
        .ids("SELECT Id FROM Contact WHERE AccountId != null ORDER BY Id LIMIT 1")
        .remove(0);
    let key = world.key("contacts", &contact);
    let account = world.create("accounts", &[("name", "Comes Later")]).await;
    world.edit(&key, "title", "Waiting").await;
    world
        .edit(&key, "account_id", account.app_id.as_str())
        .await;
    // It is written, the answer is lost, and nobody can look.
    world.org().inject(fault(json!({
        "kind": "drop_after", "path": "*/composite", "method": "POST",
    })));
    world.org().inject(fault(json!({
        "kind": "drop_before", "path": "*/composite/sobjects/Contact", "method": "POST",
    })));
    world.sync_pair("contacts").await;
    let state = world.state();
    assert!(
        state.open_intent(&key.pair, &key.app_id).unwrap().is_some(),
        "its write is in doubt"
    );
    world.org().clear_faults();
    for _ in 0..2 {
        for end in world.sync().await {
            assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        }
    }
    let parent = world.crm_id(&account).unwrap();
    assert_eq!(world.there(&contact, "AccountId"), parent);
    assert_eq!(world.there(&contact, "Title"), "Waiting");
    assert_agree(&world);
}

/// A field that was not shown moves no stamp when it is shown again: both sides moved meanwhile, and
/// nothing of it is lost (sync-semantics 4.5).
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_shown_again_is_read_and_written() {
    let mut world = World::imported().await;
    let leads = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 2");
    let here = world.key("leads", &leads[0]);
    let there = world.key("leads", &leads[1]);
    let store_key = Key::new().text("Lead");
    let state = world.state();
    let mut object = state.store().get(&OBJECTS, &store_key).unwrap().unwrap();
    object.fields.remove(&FieldName::new("Title")).unwrap();
    let mut tx = state.begin();
    tx.put(&OBJECTS, &store_key, &object);
    tx.commit(Durability::Now).unwrap();

    world.edit(&here, "title", "Typed Unshown").await;
    world.change(&leads[1], json!({"Title": "Changed Unshown"}));
    world.advance(60);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.deferred, 1, "{:?}", end.run.counts);
    assert_ne!(world.there(&leads[0], "Title"), "Typed Unshown");
    assert_ne!(world.value(&there, "title"), "Changed Unshown");

    world.advance(25 * 3_600);
    for _ in 0..2 {
        let end = world.sync_pair("leads").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    assert_eq!(world.there(&leads[0], "Title"), "Typed Unshown");
    assert_eq!(world.value(&there, "title"), "Changed Unshown");
    assert_agree(&world);
}
