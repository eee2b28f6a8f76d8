//! A refreshed sandbox is another org: nothing goes there before a person leaves the old one, and then
//! records are linked anew and none is made by itself (sync-semantics 3.10, 22).

use serde_json::json;
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::record::LinkState;
use syncdeck::domain::transform::Side;
use syncdeck::engine::audit::{What, newest};
use syncdeck::engine::command::{Command, Page, RecordKey, WriteScope};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::view::{Anew, Relink};
use syncdeck::error::Kind;

use super::*;

const PAIR: &str = "contacts";
/// What is not in the other org is held by.
const UNPLACED: &str = "not-there";
const KEY: &str = "Syncdeck_Key__c";
/// Another org than the usual one.
const OTHER: u64 = 77;

fn there(world: &World, name: &str) -> Vec<String> {
    world.ids(&format!("SELECT Id FROM Contact WHERE LastName = '{name}'"))
}

async fn links(world: &mut World) -> u64 {
    match world.ask(Command::PreviewRelink).await.unwrap() {
        Reply::Relinking(view) => {
            let pair = view.pairs.iter().find(|pair| pair.name.as_str() == PAIR);
            assert!(pair.unwrap().keyed >= 3, "{view:?}");
            view.links()
        }
        other => panic!("{other:?}"),
    }
}

async fn leave(world: &mut World, how: Anew, links: u64) -> syncdeck::error::Result<Reply> {
    world.ask(Command::Relink(Relink { how, links })).await
}

/// Contacts of ours, with the keys they have in the org.
async fn ours(world: &mut World, names: &[&str]) -> Vec<(RecordKey, String)> {
    let mut made = Vec::new();
    for name in names {
        made.push(world.create(PAIR, &[("last_name", *name)]).await);
    }
    world.well(PAIR).await;
    let key = |key: RecordKey| {
        let id = world.crm_id(&key).unwrap();
        let ours = world.there(&id, KEY);
        (key, ours)
    };
    made.into_iter().map(key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_copy_of_the_org_records_are_linked_by_our_keys_and_none_is_made_unasked() {
    let mut world = World::imported().await;
    let names = ["Copied", "Changed", "Not copied", "Deleted here"];
    let made = ours(&mut world, &names).await;
    let [copied, changed, lost, deleted] = &made[..] else {
        panic!("too few");
    };
    world.delete(&deleted.0).await;
    world.well(PAIR).await;
    world.move_to(OTHER).await;
    let copy = world.make("Contact", json!({"LastName": "Copied", KEY: copied.1}));
    let other = world.make(
        "Contact",
        json!({"LastName": "Changed there", KEY: changed.1}),
    );
    world.make(
        "Contact",
        json!({"LastName": "Deleted here", KEY: deleted.1}),
    );
    world.make("Contact", json!({"LastName": "Only there"}));
    world.org().forget();
    // Nothing goes there, on neither side, before the old org is left.
    let refused = world.try_sign_in().await.unwrap_err();
    assert!(refused.remedy().unwrap().contains("relink"), "{refused:?}");
    assert_ne!(world.sync_pair(PAIR).await.run.state, RunState::Succeeded);
    assert!(world.here(PAIR, "Only there").is_empty());
    let links = links(&mut world).await;
    let wrong = leave(&mut world, Anew::ByKey, links + 1).await.unwrap_err();
    assert_eq!(wrong.kind(), Kind::Changed);
    assert!(world.try_sign_in().await.is_err());
    leave(&mut world, Anew::ByKey, links).await.unwrap();
    let page = Page {
        offset: 0,
        limit: 20,
    };
    let entries = newest(world.state(), None, page).unwrap();
    assert!(entries.rows.iter().any(|entry| entry.what == What::OrgLeft));
    world.crash().await;
    world.sign_in().await;
    world.well(PAIR).await;
    assert_eq!(world.created(), 0, "{:?}", world.org().written());
    assert_eq!(world.crm_id(&copied.0), Some(copy));
    // Whose values differ is linked, and a person is asked.
    assert_eq!(world.crm_id(&changed.0), Some(other.clone()));
    assert_eq!(world.value(&changed.0, "last_name"), "Changed");
    assert_eq!(world.there(&other, "LastName"), "Changed there");
    let conflicts = world.conflicts().await;
    assert!(conflicts.iter().any(|row| row.key == changed.0));
    // What is only there comes in once; what was deleted here does not come back.
    assert_eq!(world.here(PAIR, "Only there").len(), 1);
    assert!(world.here(PAIR, "Deleted here").is_empty());
    // What is not there waits for a person, even if somebody changes it meanwhile.
    assert_eq!(world.crm_id(&lost.0), None);
    world.edit(&lost.0, "phone", "+47 1").await;
    world.well(PAIR).await;
    assert!(there(&world, "Not copied").is_empty());
    world.allow(PAIR, UNPLACED).await;
    assert_eq!(there(&world, "Not copied").len(), 1);
    assert_eq!(world.held(PAIR, UNPLACED), None);
    assert_eq!(world.here(PAIR, "Not copied").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_rules_our_keys_of_the_old_org_count_for_nothing() {
    let mut world = World::imported().await;
    let made = ours(&mut world, &["One", "Two", "Three"]).await;
    world.move_to(OTHER).await;
    let (_, key) = &made[0];
    world.make("Contact", json!({"LastName": "A stranger", KEY: key}));
    let links = links(&mut world).await;
    leave(&mut world, Anew::ByRules, links).await.unwrap();
    world.sign_in().await;
    world.well(PAIR).await;
    assert_eq!(world.crm_id(&made[0].0), None);
    assert_eq!(world.here(PAIR, "A stranger").len(), 1);
    assert!(world.held(PAIR, UNPLACED).unwrap() >= 3);
    assert_eq!(world.created(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_an_org_that_was_left_end_also_when_the_store_is_put_back_before_they_did() {
    let mut world = World::imported().await;
    let made = ours(&mut world, &["Copied", "Two", "Three"]).await;
    world.move_to(OTHER).await;
    let copy = world.make("Contact", json!({"LastName": "Copied", KEY: made[0].1}));
    let links = links(&mut world).await;
    leave(&mut world, Anew::ByKey, links).await.unwrap();
    let backup = world.backup();
    world.put_back(&backup).await;
    world.sign_in().await;
    world.allow(PAIR, "restored").await;
    assert_eq!(world.crm_id(&made[0].0), Some(copy));
    assert_eq!(world.here(PAIR, "Copied").len(), 1);
    assert_eq!(world.crm_id(&made[1].0), None);
    assert_eq!(world.created(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_a_rule_found_in_the_other_org_are_the_right_ones_at_a_later_sign_in() {
    let mut world = World::imported().await;
    let names: Vec<String> = (0..30).map(|n| format!("Found{n}")).collect();
    let email = |name: &str| format!("{}@found.example", name.to_lowercase());
    let mut made = Vec::new();
    for name in &names {
        let fields = [("last_name", name.as_str()), ("email", &email(name))];
        made.push(world.create(PAIR, &fields).await);
    }
    world.well(PAIR).await;
    world.move_to(OTHER).await;
    for name in &names {
        world.make("Contact", json!({"LastName": name, "Email": email(name)}));
    }
    let links = links(&mut world).await;
    leave(&mut world, Anew::ByRules, links).await.unwrap();
    world.sign_in().await;
    world.well(PAIR).await;
    assert!(made.iter().all(|key| world.crm_id(key).is_some()));
    // Somebody signs in anew, and a few records are looked at.
    world.sign_in().await;
    world.well(PAIR).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_closed_on_purpose_stays_closed_in_the_other_org() {
    let mut world = World::imported().await;
    let made = ours(&mut world, &["Apart", "Two", "Three", "Four"]).await;
    let (apart, key) = &made[0];
    world
        .tell(Command::UnlinkRecord { key: apart.clone() })
        .await;
    world.move_to(OTHER).await;
    let copy = world.make("Contact", json!({"LastName": "Apart", KEY: key}));
    let links = links(&mut world).await;
    leave(&mut world, Anew::ByKey, links).await.unwrap();
    world.sign_in().await;
    world.well(PAIR).await;
    let state = |world: &World| {
        let link = world.state().link(&apart.pair, &apart.app_id).unwrap();
        link.unwrap().state
    };
    assert_eq!(state(&world), LinkState::Closed);
    // Nothing goes either way, nothing is made anew, and nobody is asked whether it is to be.
    assert_eq!(world.held(PAIR, UNPLACED), Some(3));
    world.edit(apart, "phone", "+47 1").await;
    world.change(&copy, json!({"Email": "there@apart.example"}));
    world.allow(PAIR, UNPLACED).await;
    world.well(PAIR).await;
    assert_eq!(state(&world), LinkState::Closed);
    assert_eq!(world.there(&copy, "Phone"), "");
    assert_ne!(world.value(apart, "email"), "there@apart.example");
    assert_eq!(
        (
            world.here(PAIR, "Apart").len(),
            there(&world, "Apart").len()
        ),
        (1, 1)
    );
}

/// The account's link still leads to the org that was left when its contact is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_waits_for_its_parent_in_the_other_org_and_does_not_get_its_old_id() {
    let mut world = World::imported().await;
    let account = world.create("accounts", &[("name", "Parent")]).await;
    world.well("accounts").await;
    let old = world.crm_id(&account).unwrap();
    let made = ours(&mut world, &["One", "Two", "Three"]).await;
    world.move_to(OTHER).await;
    for (key, ours) in &made {
        let name = world.value(key, "last_name");
        world.make("Contact", json!({"LastName": name, KEY: ours}));
    }
    let links = links(&mut world).await;
    leave(&mut world, Anew::ByKey, links).await.unwrap();
    world.sign_in().await;
    world.well(PAIR).await;
    let id = account.app_id.as_str();
    world
        .create(PAIR, &[("last_name", "Child"), ("account_id", id)])
        .await;
    world.edit(&made[0].0, "account_id", id).await;
    world.well(PAIR).await;
    let gone = format!("SELECT Id FROM Contact WHERE AccountId = '{old}'");
    assert!(world.ids(&gone).is_empty());
    assert!(there(&world, "Child").is_empty());
    // Its parent is made there, and it goes to that one.
    world.well("accounts").await;
    world.allow("accounts", UNPLACED).await;
    world.well(PAIR).await;
    let parent = world.crm_id(&account).unwrap();
    let child = there(&world, "Child").remove(0);
    assert_eq!(world.there(&child, "AccountId"), parent);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_for_the_org_that_was_left_is_told_and_goes_nowhere() {
    let mut world = World::imported().await;
    let made = ours(&mut world, &["One", "Two", "Three"]).await;
    for (key, _) in &made[..2] {
        let id = world.crm_id(key).unwrap();
        world.change(&id, json!({"Phone": "+47 1"}));
        world.edit(key, "phone", "+47 2").await;
    }
    world.sync_pair(PAIR).await;
    let rows = world.conflicts().await;
    for (key, _) in &made[..2] {
        let row = rows.iter().find(|row| row.key == *key).unwrap();
        world.decide(row, Choice::Take(Side::App)).await;
    }
    let Reply::Relinking(view) = world.ask(Command::PreviewRelink).await.unwrap() else {
        panic!("no view");
    };
    let ends = "conflicts of 2 records and 2 unwritten decisions";
    assert_eq!(view.ends_too().as_deref(), Some(ends));
    leave(&mut world, Anew::ByRules, view.links())
        .await
        .unwrap();
    let lines = world.state().log_tail(10).unwrap();
    assert!(lines.iter().any(|line| line.text.contains(ends)));
    // Neither while nobody is signed in, nor before the links have ended.
    world.org().forget();
    for again in [false, true] {
        let scope = WriteScope::All;
        let Reply::Preview(shown) = world.ask(Command::Preview { scope }).await.unwrap() else {
            panic!("no preview");
        };
        assert_eq!(shown.refused.len(), 1, "told once: {:?}", shown.refused);
        if again {
            world.move_to(OTHER).await;
            world.sign_in().await;
        }
        let refused = world.try_write().await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Refused, "{refused:?}");
        let remedy = refused.remedy().unwrap_or_default();
        assert!(
            remedy.contains("contacts: decided for the org that was left"),
            "{remedy}"
        );
        assert!(remedy.contains("sign in"), "{remedy}");
    }
    assert!(world.org().written().is_empty());
    world.well(PAIR).await;
    let refused = world.try_write().await.unwrap_err();
    assert_eq!(refused.remedy(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_relink_by_rules_gives_other_keys_also_to_what_was_not_there() {
    let mut world = World::imported().await;
    let made = ours(&mut world, &["One", "Two", "Three"]).await;
    let key = |world: &World| {
        let link = world.state().link(&made[0].0.pair, &made[0].0.app_id);
        link.unwrap().unwrap().sync_key.unwrap().to_string()
    };
    let mut keys = vec![made[0].1.clone()];
    for org in [OTHER, OTHER + 1] {
        world.move_to(org).await;
        let stranger = keys.last().unwrap();
        world.make("Contact", json!({"LastName": "A stranger", KEY: stranger}));
        let links = match world.ask(Command::PreviewRelink).await.unwrap() {
            Reply::Relinking(view) => view.links(),
            other => panic!("{other:?}"),
        };
        leave(&mut world, Anew::ByRules, links).await.unwrap();
        world.sign_in().await;
        world.well(PAIR).await;
        assert_eq!(world.crm_id(&made[0].0), None, "{org}");
        keys.push(key(&world));
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}
