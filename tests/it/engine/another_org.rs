//! Most linked records are not in the org that answers: nothing of the pair is written until a person
//! says so (sync-semantics 22).

use serde_json::json;
use syncdeck::domain::id::PairName;
use syncdeck::domain::run::Word;
use syncdeck::engine::command::{Command, RecordKey, Scope};
use syncdeck::engine::notice::Reply;
use syncdeck::sandbox::By;

use super::*;

const PAIR: &str = "contacts";
/// What most missing is held by.
const STOP: &str = "most-missing";
const LATER: i64 = 1_000;

fn contacts(world: &World) -> Vec<(String, RecordKey)> {
    let ids = world.ids("SELECT Id FROM Contact WHERE IsDeleted = false ORDER BY Id");
    let key = |id: String| (id.clone(), world.key(PAIR, &id));
    ids.into_iter().map(key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_half_missing_stops_every_later_write_until_a_person_says_so() {
    let mut world = World::imported().await;
    let contacts = contacts(&world);
    let (here, gone) = contacts.split_at(contacts.len() / 3);
    for (id, _) in gone {
        world.org().hide(id).unwrap();
    }
    world.advance(LATER);
    let scope = Scope::Pair(PairName::new(PAIR));
    let Reply::Started(runs) = world.ask(Command::Sweep { scope }).await.unwrap() else {
        panic!("no run");
    };
    assert_eq!(world.end(runs[0]).await.run.state, RunState::Failed);
    assert_eq!(world.held(PAIR, STOP), Some(gone.len() as u64));
    // Neither side is written, by no run, also after a restart.
    world.edit(&here[0].1, "phone", "+47 1").await;
    world.change(&here[1].0, json!({"Phone": "+47 2"}));
    let before = world.value(&here[1].1, "phone");
    world.refused(PAIR, STOP).await;
    world.restart().await;
    world.refused(PAIR, STOP).await;
    assert_eq!(world.value(&here[1].1, "phone"), before);
    let told = |s: &syncdeck::engine::summary::Summary| {
        let mut all = s.attention.iter();
        all.any(|it| it.word == Word::Hold && it.text.contains("another org"))
    };
    world.summary("that it is asked about", told).await;
    // They are the ones we may not see any more, a person says: the others go on.
    world.allow(PAIR, STOP).await;
    assert_eq!(world.there(&here[0].0, "Phone"), "+47 1");
    assert_eq!(world.value(&here[1].1, "phone"), "+47 2");
    world.summary("that nobody is asked", |s| !told(s)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_goes_on_by_itself_when_its_records_are_back() {
    let mut world = World::imported().await;
    let contacts = contacts(&world);
    for (id, _) in &contacts[5..] {
        world.org().hide(id).unwrap();
    }
    world.advance(LATER);
    world.edit(&contacts[0].1, "phone", "+47 1").await;
    world.sign_in().await;
    world.refused(PAIR, STOP).await;
    for (id, _) in &contacts[5..] {
        world.org().show(id).unwrap();
    }
    let end = world.sync_pair(PAIR).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(
        (world.held(PAIR, STOP), world.there(&contacts[0].0, "Phone")),
        (None, "+47 1".to_owned())
    );
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_was_set_back_is_known_by_our_keys_at_the_next_sign_in() {
    let mut world = World::imported().await;
    let mut made = Vec::new();
    for n in 0..60 {
        let name = format!("Ours {n}");
        made.push(world.create(PAIR, &[("last_name", name.as_str())]).await);
    }
    world.sync_pair(PAIR).await;
    let field = world
        .state()
        .pair(&PAIR.into())
        .unwrap()
        .unwrap()
        .key_field
        .unwrap();
    for key in &made {
        let id = world.crm_id(key).unwrap();
        world.change(&id, json!({field.as_str(): null}));
    }
    let key = made[0].clone();
    world.edit(&key, "phone", "+47 1").await;
    // As long as nobody signs in anew nothing tells: people may have emptied the field.
    world.sign_in().await;
    world.refused(PAIR, STOP).await;
    assert_eq!(world.held(PAIR, STOP), Some(60));
    // All ids are there, which says nothing of whose they are.
    world.refused(PAIR, STOP).await;
    assert_eq!(world.held(PAIR, STOP), Some(60));
    // What a person says holds, also when all ids are compared.
    world.allow(PAIR, STOP).await;
    assert_eq!(world.there(&world.crm_id(&key).unwrap(), "Phone"), "+47 1");
    world.advance(LATER);
    let pair = PairName::new(PAIR);
    let scope = Scope::Pair(pair);
    let Reply::Started(runs) = world.ask(Command::Sweep { scope }).await.unwrap() else {
        panic!("no run");
    };
    assert_eq!(world.end(runs[0]).await.run.state, RunState::Succeeded);
    let end = world.sync_pair(PAIR).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
}

/// Records that were deleted long ago are in no org, and say nothing of which one it is.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_known_to_be_gone_are_not_looked_for_after_a_new_sign_in() {
    let mut world = World::imported().await;
    let contacts = contacts(&world);
    let (_, gone) = contacts.split_at(5);
    for chunk in gone.chunks(8) {
        for (id, _) in chunk {
            world.org().delete(By::Colleague, id).unwrap();
        }
        world.sync_pair(PAIR).await;
    }
    for (id, _) in gone {
        world.org().purge(id).unwrap();
    }
    assert!(gone.len() > 15);
    world.sign_in().await;
    let end = world.sync_pair(PAIR).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.held(PAIR, STOP), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sign_in_to_the_same_org_costs_one_look() {
    let mut world = World::imported().await;
    world.sign_in().await;
    let end = world.sync_pair(PAIR).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let said = |world: &World| {
        let log = world.state().log_tail(100).unwrap();
        log.iter()
            .filter(|line| line.text.contains("signed in anew"))
            .count()
    };
    assert_eq!(said(&world), 1);
    world.sync_pair(PAIR).await;
    assert_eq!(said(&world), 1);
}
