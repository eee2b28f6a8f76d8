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

use super::*;

const DEALS: &str = "opportunities";
const NOBODY: &str = "701D0000000ZZZZIA4";

/// Opportunities with their campaign, as the App has its id; no pair maps campaigns.
async fn world() -> (World, String, RecordKey) {
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
        crm: vec!["CampaignId".into()],
        to_crm: Default::default(),
        to_app: Default::default(),
        ..plain
    });
    let mut world = World::with_fields(pairs, Vec::new(), 100, Sizes::default()).await;
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
