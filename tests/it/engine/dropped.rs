//! Fields that Salesforce refuses are left out where the pair says so, and the rest of their record
//! is written (sync-semantics 9.2).

use syncdeck::domain::mapping::{BadFields, Guard};
use syncdeck::engine::command::{Command, RecordKey};

use super::*;

const LETTERS: &str = "call me";

async fn dropping() -> World {
    let mut world = World::imported().await;
    let mut draft = Box::new(world.state().pair(&"leads".into()).unwrap().unwrap());
    draft.bad_fields = BadFields::Drop;
    draft.guard = Guard::Precondition;
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    world.sync_pair("leads").await;
    world
}

fn refused(world: &World, key: &RecordKey) -> Vec<String> {
    let aside = world.state().quarantined(&key.pair, &key.app_id).unwrap();
    aside.map(|aside| aside.failure.fields).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_record_is_written_without_the_field_that_is_refused() {
    let mut world = dropping().await;
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    let letters = |id: &&String| world.there(id, "Phone").contains(char::is_alphabetic);
    let id = ids.iter().find(|id| !letters(id)).unwrap().clone();
    let (key, before) = (world.key("leads", &id), world.there(&id, "Phone"));
    world.edit(&key, "phone", LETTERS).await;
    world.edit(&key, "title", "Boss").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::SucceededWithErrors);
    assert_eq!((end.run.counts.failed, end.run.counts.pushed), (1, 1));
    assert_eq!(world.there(&id, "Title"), "Boss");
    assert_eq!(world.there(&id, "Phone"), before);
    assert_eq!(refused(&world, &key), ["Phone"]);
    // It is not sent again, and does not keep the next edit back either.
    world.org().forget();
    world.sync_pair("leads").await;
    assert!(world.org().written().is_empty());
    assert_eq!(refused(&world, &key), ["Phone"]);
    world.edit(&key, "city", "Bergen").await;
    world.sync_pair("leads").await;
    assert_eq!(world.there(&id, "City"), "Bergen");
    assert_eq!(refused(&world, &key), ["Phone"]);
    world.edit(&key, "phone", "+47 6").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.there(&id, "Phone"), "+47 6");
    assert!(refused(&world, &key).is_empty());
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_without_what_it_can_be_without() {
    let mut world = dropping().await;
    let fields = [
        ("last_name", "New"),
        ("company", "New Inc"),
        ("phone", LETTERS),
    ];
    let key = world.create("leads", &fields).await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run);
    let id = world.crm_id(&key).unwrap();
    assert_eq!(world.there(&id, "Phone"), "");
    assert_eq!(refused(&world, &key), ["Phone"]);
    world.edit(&key, "phone", "+47 7").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.there(&id, "Phone"), "+47 7");
    assert!(refused(&world, &key).is_empty());
    assert_agree(&world);
}
