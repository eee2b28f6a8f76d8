//! An earlier copy of the whole store, its mark with it, in the place of the later one: nothing here
//! can tell, but Salesforce has records that were made since (sync-semantics 22).

use serde_json::json;
use syncdeck::domain::id::PairName;
use syncdeck::domain::preset;
use syncdeck::engine::command::Command;

use super::restored::overwriting;
use super::*;

const PAIR: &str = "contacts";
const STOP: &str = "restored";

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_set_back_whole_is_known_by_what_was_made_since() {
    let (mut world, contacts) = overwriting().await;
    let [(changed, key), (titled, boss), (pulled, by_them)] = &contacts[..3] else {
        panic!("too few");
    };
    world.edit(key, "phone", "+47 1").await;
    world.create(PAIR, &[("last_name", "Waited")]).await;
    let copied = world.snapshot();
    world.well(PAIR).await;
    world.edit(key, "phone", "+47 2").await;
    world.edit(boss, "title", "Boss").await;
    world.change(pulled, json!({"Phone": "+47 3"}));
    world.create(PAIR, &[("last_name", "Made since")]).await;
    world.well(PAIR).await;
    world.set_back(copied).await;
    // Neither side is written, by no run, also after a restart, and a rehearsal says why.
    let pairs = vec![PairName::new(PAIR)];
    let refused = world.ask(Command::DryRun { pairs }).await.unwrap_err();
    assert!(refused.to_string().contains("of a backup"), "{refused:?}");
    assert_eq!(world.held(PAIR, STOP), None);
    world.refused(PAIR, STOP).await;
    world.restart().await;
    world.refused(PAIR, STOP).await;
    assert!(world.held("accounts", STOP).is_some());
    assert_ne!(world.value(by_them, "phone"), "+47 3");
    world.allow(PAIR, STOP).await;
    for name in ["Waited", "Made since"] {
        let there = world.ids(&format!("SELECT Id FROM Contact WHERE LastName = '{name}'"));
        assert_eq!(
            (world.here(PAIR, name).len(), there.len()),
            (1, 1),
            "{name}"
        );
    }
    assert_eq!(world.there(changed, "Phone"), "+47 2");
    assert_eq!(world.there(titled, "Title"), "Boss");
    assert_eq!(world.value(by_them, "phone"), "+47 3");
    assert_eq!(world.conflicts().await.len(), 2);
    world.well(PAIR).await;
}

/// The App's people and its contacts are the same object there.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_another_pair_or_somebody_else_made_stop_nothing() {
    let mut pairs = preset::preset("whole-crm").unwrap();
    let contacts = pairs.iter().find(|p| p.name.as_str() == PAIR).unwrap();
    let mut people = contacts.clone();
    (people.name, people.table) = (PairName::new("people"), "people".into());
    pairs.push(people);
    let mut world = World::with_fields(pairs, Vec::new(), 20, Sizes::default()).await;
    world.well(PAIR).await;
    world.well("people").await;
    let ours = world.create("people", &[("last_name", "Ours")]).await;
    world.well("people").await;
    let key = world.there(&world.crm_id(&ours).unwrap(), "Syncdeck_Key__c");
    // Their keys are made like ours, and as late.
    let theirs = format!(
        "{}{}",
        &key[..24],
        key[24..].chars().rev().collect::<String>()
    );
    let theirs = json!({"LastName": "Theirs", "Syncdeck_Key__c": theirs});
    world.make("Contact", theirs);
    world.well(PAIR).await;
    for name in ["Ours", "Theirs"] {
        assert_eq!(world.here(PAIR, name).len(), 1, "{name}");
    }
}
