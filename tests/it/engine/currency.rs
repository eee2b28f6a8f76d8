//! In an org with several currencies an amount is synced with its currency, or waits
//! (sync-semantics 22).

use serde_json::json;
use syncdeck::domain::mapping::{AppField, Pair};
use syncdeck::domain::preset;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::FieldKind;
use syncdeck::engine::command::Command;
use syncdeck::engine::summary::Summary;
use syncdeck::sandbox::ExtraField;

use super::*;

const DEALS: &str = "opportunities";

/// An org with two currencies, and the mapping of one that has one.
async fn world() -> World {
    let pairs = preset::preset("whole-crm").unwrap();
    let field = ExtraField {
        object: "Opportunity".to_owned(),
        line: "CurrencyIsoCode picklist(3) CUNFGSR = EUR|USD".to_owned(),
    };
    let mut world = World::with_fields(pairs, vec![field], 100, Sizes::default()).await;
    world.sync().await;
    world
}

fn deals(world: &World) -> Box<Pair> {
    Box::new(world.state().pair(&DEALS.into()).unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_waits_until_it_is_mapped_with_its_currency_and_then_both_are_one() {
    let mut world = world().await;
    let waits = |s: &Summary| {
        s.attention
            .iter()
            .any(|a| a.text.contains("CurrencyIsoCode"))
    };
    world.summary("that the amount waits", waits).await;
    let id = world.ids("SELECT Id FROM Opportunity WHERE Amount > 0 ORDER BY Id LIMIT 1");
    let id = id[0].clone();
    world.change(&id, json!({"CurrencyIsoCode": "EUR"}));
    world.sync_pair(DEALS).await;
    let key = world.key(DEALS, &id);
    assert_eq!(world.value(&key, "amount"), "", "not without its currency");

    let mut draft = deals(&world);
    draft.app_fields.push(AppField {
        name: "currency".into(),
        kind: FieldKind::Text,
        length: 3,
    });
    let is_amount = |row: &&mut syncdeck::domain::mapping::Row| row.label(Side::Crm) == "Amount";
    for row in draft.rows.iter_mut().filter(is_amount) {
        row.app.push("currency".into());
        row.crm.push("CurrencyIsoCode".into());
        row.to_crm = Default::default();
        row.to_app = Default::default();
    }
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    let end = world.sync_pair(DEALS).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(end.run.counts.conflicts, 0, "{:?}", end.run);
    world.summary("that nothing waits", |s| !waits(s)).await;
    assert_eq!(world.value(&key, "amount"), world.there(&id, "Amount"));
    assert_eq!(world.value(&key, "currency"), "EUR");

    // One version: the number of one side never meets the currency of the other.
    world.edit(&key, "amount", "700").await;
    world.change(&id, json!({"CurrencyIsoCode": "USD"}));
    let end = world.sync_pair(DEALS).await;
    assert_eq!(end.run.counts.conflicts, 1, "{:?}", end.run);
    assert_eq!(world.value(&key, "currency"), "EUR");
    assert_ne!(world.there(&id, "Amount"), "700");
}
