//! A field that names a record Salesforce does not have, of an object that no pair maps: a person is
//! asked about the field, and the rest is written (sync-semantics 12).

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Kind};
use syncdeck::domain::id::RowId;
use syncdeck::domain::mapping::{AppField, Row};
use syncdeck::domain::preset;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::FieldKind;
use syncdeck::engine::command::RecordKey;

use syncdeck::sandbox::ExtraField;

use super::*;

const DEALS: &str = "opportunities";
const NOBODY: &str = "701D0000000ZZZZIA4";

/// Opportunities with their campaign, as the App has its id; no pair maps campaigns.
async fn world() -> (World, String, RecordKey) {
    world_with("CampaignId", Vec::new()).await
}

async fn world_with(field: &str, more: Vec<ExtraField>) -> (World, String, RecordKey) {
    let mut pairs = preset::preset("whole-crm").unwrap();
    let pair = pairs.iter_mut().find(|p| p.name.as_str() == DEALS).unwrap();
    pair.app_fields.push(AppField {
        name: "campaign".into(),
        kind: FieldKind::Text,
        length: 18,
    });
    let plain = pair
        .rows
        .iter()
        .find(|r| r.label(Side::Crm) == "NextStep")
        .unwrap()
        .clone();
    pair.rows.push(Row {
        id: RowId(90),
        app: vec!["campaign".into()],
        crm: vec![field.into()],
        to_crm: Default::default(),
        to_app: Default::default(),
        ..plain
    });
    let mut world = World::with_fields(pairs, more, 100, Sizes::default()).await;
    world.sync().await;
    let id = world
        .ids("SELECT Id FROM Opportunity ORDER BY Id LIMIT 1")
        .remove(0);
    let key = world.key(DEALS, &id);
    (world, id, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_is_not_there_is_asked_about_and_the_rest_is_written() {
    let (mut world, id, key) = world().await;
    world.edit(&key, "campaign", NOBODY).await;
    world.edit(&key, "next_step", "Call").await;
    let end = world.sync_pair(DEALS).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!((end.run.counts.failed, end.run.counts.conflicts), (0, 1));
    assert_eq!(world.there(&id, "NextStep"), "Call");
    let open = world
        .state()
        .open_conflicts(&key.pair, &key.app_id)
        .unwrap();
    let kinds: Vec<&Kind> = open.iter().map(|c| &c.kind).collect();
    assert_eq!(
        kinds,
        [&Kind::NoSuchParent {
            id: NOBODY.to_owned()
        }]
    );
    // It is not sent again, and what is typed later beside it goes.
    world.edit(&key, "next_step", "Meet").await;
    world.org().forget();
    world.sync_pair(DEALS).await;
    assert_eq!(
        (world.org().written().len(), world.there(&id, "NextStep")),
        (1, "Meet".into())
    );
    // Another one that is there settles it.
    let campaign = world.make("Campaign", json!({"Name": "Autumn"}));
    world.edit(&key, "campaign", &campaign).await;
    world.sync_pair(DEALS).await;
    assert_eq!(world.there(&id, "CampaignId"), campaign);
    assert!(world.conflicts().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_salesforce_has_can_be_taken_instead() {
    let (mut world, id, key) = world().await;
    world.edit(&key, "campaign", NOBODY).await;
    world.sync_pair(DEALS).await;
    let rows = world.conflicts().await;
    assert_eq!(rows.len(), 1);
    world.decide(&rows[0], Choice::Take(Side::Crm)).await;
    world.write().await;
    assert_eq!(
        world.value(&key, "campaign"),
        world.there(&id, "CampaignId")
    );
    assert!(world.conflicts().await.is_empty());
    world.sync_pair(DEALS).await;
    assert!(world.conflicts().await.is_empty());
}

/// A new opportunity in the App, of a campaign.
async fn new_deal(world: &mut World, campaign: &str) -> RecordKey {
    let fields = [
        ("name", "Bridge"),
        ("stage", "Prospecting"),
        ("close_date", "2026-12-01"),
        ("campaign", campaign),
    ];
    world.create(DEALS, &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_record_is_made_without_a_parent_that_is_not_there_and_a_person_is_asked() {
    let (mut world, _, _) = world().await;
    let key = new_deal(&mut world, NOBODY).await;
    let end = world.sync_pair(DEALS).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!((end.run.counts.created, end.run.counts.conflicts), (1, 1));
    let id = world.crm_id(&key).unwrap();
    assert_eq!(world.there(&id, "Name"), "Bridge");
    assert_eq!(world.there(&id, "CampaignId"), "");
    assert_eq!(world.value(&key, "campaign"), NOBODY, "nothing is lost");
    // It is asked once, and nothing is sent again.
    world.org().forget();
    for _ in 0..2 {
        world.sync_pair(DEALS).await;
    }
    assert!(world.org().written().is_empty());
    assert_eq!(world.conflicts().await.len(), 1);
    // Another one that is there settles it.
    let campaign = world.make("Campaign", json!({"Name": "Autumn"}));
    world.edit(&key, "campaign", &campaign).await;
    world.sync_pair(DEALS).await;
    assert_eq!(world.there(&id, "CampaignId"), campaign);
    assert!(world.conflicts().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_record_that_must_have_the_parent_is_held_with_the_cause_until_it_names_one() {
    let field = "Source_Campaign__c";
    let must = ExtraField {
        object: "Opportunity".to_owned(),
        line: format!("{field} reference CUFGS ->Campaign"),
    };
    let (mut world, _, _) = world_with(field, vec![must]).await;
    let key = new_deal(&mut world, NOBODY).await;
    let end = world.sync_pair(DEALS).await;
    assert_eq!((end.run.counts.created, end.run.counts.conflicts), (0, 0));
    let held = world.state().quarantined(&key.pair, &key.app_id).unwrap();
    let failure = held.unwrap().failure;
    assert_eq!(failure.code, "INVALID_CROSS_REFERENCE_KEY");
    assert_eq!(failure.fields, [field]);
    assert!(failure.fix.contains("choose another"), "{}", failure.fix);
    let campaign = world.make("Campaign", json!({"Name": "Autumn"}));
    world.edit(&key, "campaign", &campaign).await;
    world.sync_pair(DEALS).await;
    let id = world.crm_id(&key).unwrap();
    assert_eq!(world.there(&id, field), campaign);
}
