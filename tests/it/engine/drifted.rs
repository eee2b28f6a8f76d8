//! Records whose sides differ although neither moved since they agreed (rule F6).

use jiff::Timestamp;
use syncdeck::appdb::{Author, Change, Expect};
use syncdeck::domain::id::{PairName, RunId};
use syncdeck::domain::mapping::Strategy;
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::ResultKind;
use syncdeck::domain::value::Value;
use syncdeck::engine::command::{Command, Page, RecordKey, Scope};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tx::Durability;
use syncdeck::engine::view::{DriftRow, RunDetail};

use super::*;

/// The App's value becomes another one, and both sides count as agreed on it.
fn damage(world: &World, key: &RecordKey, field: &str, text: &str) {
    let state = world.state();
    let pair = state.pair(&key.pair).unwrap().unwrap();
    let mut tx = state.begin();
    let change = Change {
        table: pair.table.clone(),
        id: key.app_id.clone(),
        expect: Expect::Rev(world.app(key).rev),
        fields: [(field.into(), Value::text(text))].into(),
        presence: Presence::Live,
        sync_key: None,
        by: Author::Run(RunId(1)),
        at: Timestamp::now(),
    };
    let app = tx.change_app(&key.pair, &change).unwrap();
    let mut link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
    let row = pair.rows.iter().find(|row| row.app == [field.into()]);
    let base = link.bases.get_mut(&row.unwrap().id).unwrap();
    base.app = vec![Value::text(text)];
    let was = link.crm_id;
    tx.put_link(link, was).unwrap();
    tx.settle(&key.pair, &app).unwrap();
    tx.done(&key.pair, &key.app_id).unwrap();
    tx.commit(Durability::Now).unwrap();
}

async fn listed(world: &mut World) -> Vec<DriftRow> {
    let (pair, page) = (
        Some(PairName::new("accounts")),
        Page {
            offset: 0,
            limit: 10,
        },
    );
    match world.ask(Command::Drift { pair, page }).await.unwrap() {
        Reply::Drift(part) => part.rows,
        other => panic!("{other:?}"),
    }
}

async fn done(world: &mut World, command: Command) -> RunDetail {
    world.advance(30);
    let Reply::Started(runs) = world.ask(command).await.unwrap() else {
        panic!("nothing was started");
    };
    world.end(runs[0]).await
}

async fn sweep(world: &mut World) -> RunDetail {
    let scope = Scope::Pair(PairName::new("accounts"));
    done(world, Command::Sweep { scope }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_without_a_change_is_told_and_put_right_only_when_asked() {
    let mut world = World::imported().await;
    assert_eq!(sweep(&mut world).await.run.counts.skipped, 0);
    let ids: Vec<String> = (0..3).map(|n| world.account(n)).collect();
    let keys: Vec<RecordKey> = ids.iter().map(|id| world.key("accounts", id)).collect();
    let industry = world.value(&keys[0], "industry");
    // The CRM, the App and a person have the say.
    damage(&world, &keys[0], "industry", "Damaged");
    damage(&world, &keys[1], "tier", "gold");
    damage(&world, &keys[1], "tier", "silver");
    damage(&world, &keys[2], "name", "Damaged");
    if world.there(&ids[1], "Tier__c") == "Silver" {
        damage(&world, &keys[1], "tier", "gold");
    }
    let tier = world.there(&ids[1], "Tier__c");
    world.org().forget();
    world.sync_pair("accounts").await;
    assert!(listed(&mut world).await.is_empty(), "nobody looked");
    let end = sweep(&mut world).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let told = end
        .records
        .rows
        .iter()
        .filter(|r| r.did.contains("differs"));
    assert_eq!(told.filter(|r| r.kind == ResultKind::Skipped).count(), 3);
    let found = listed(&mut world).await;
    let mut fields: Vec<_> = found.iter().flat_map(|row| row.fields.clone()).collect();
    fields.sort_by(|a, b| a.label.cmp(&b.label));
    let says: Vec<_> = fields.iter().map(|f| (f.label.as_str(), f.say)).collect();
    assert_eq!(
        says,
        [
            ("industry", Strategy::Crm),
            ("name", Strategy::Ask),
            ("tier", Strategy::App)
        ]
    );
    let cell = |text: &str| Some(vec![Value::text(text)]);
    let both = (fields[0].app.clone(), fields[0].crm.clone());
    assert_eq!(both, (cell("Damaged"), cell(&industry)));
    let is_told = |s: &syncdeck::engine::summary::Summary| {
        let mut all = s.attention.iter();
        all.any(|a| a.text.contains("3 records both sides differ"))
    };
    world.summary("that they differ", is_told).await;
    assert!(world.org().written().is_empty());
    assert_eq!(world.value(&keys[0], "industry"), "Damaged");

    let pair = PairName::new("accounts");
    let other = Command::Repair {
        pair: pair.clone(),
        records: vec![world.key("accounts", &world.account(3)).app_id],
    };
    assert!(world.ask(other).await.is_err(), "it does not differ");
    let records = Vec::new();
    let end = done(&mut world, Command::Repair { pair, records }).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.value(&keys[0], "industry"), industry);
    assert_ne!(world.there(&ids[1], "Tier__c"), tier);
    assert_eq!(end.run.counts.conflicts, 1);
    assert_eq!(world.conflicts().await.len(), 1);
    assert!(listed(&mut world).await.is_empty());
    sweep(&mut world).await;
    assert!(listed(&mut world).await.is_empty());
    world.summary("nothing", |s| !is_told(s)).await;
    // What was put right is taken back like any run.
    let run = end.run.id;
    let Reply::Preview(preview) = world.ask(Command::PreviewUndo { run }).await.unwrap() else {
        panic!("no preview");
    };
    let (hash, allow) = (preview.hash, Vec::new());
    let back = done(&mut world, Command::Undo { run, hash, allow }).await;
    assert_eq!(back.run.state, RunState::Succeeded, "{:?}", back.run);
    assert_eq!(world.value(&keys[0], "industry"), "Damaged");
    assert_eq!(world.there(&ids[1], "Tier__c"), tier);
}
