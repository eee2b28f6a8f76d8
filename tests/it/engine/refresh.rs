//! Fields that the org computes: they change without a trace, and are read again by the clock
//! (sync-semantics 4.6).

use syncdeck::domain::mapping::{AppField, Flow, Foreign, Pair, Refresh};
use syncdeck::domain::preset;
use syncdeck::domain::run::Cause;
use syncdeck::domain::value::FieldKind;
use syncdeck::engine::core::Schedules;
use syncdeck::sandbox::ExtraField;

use super::*;

const SCORE: &str = "Score__c";

/// The lead desk with a score that the org computes.
async fn scored(flow: Flow) -> World {
    let mut pairs = preset::preset("lead-desk").unwrap();
    let pair: &mut Pair = &mut pairs[0];
    let mut row = pair
        .rows
        .iter()
        .find(|row| row.crm == ["Phone".into()])
        .unwrap()
        .clone();
    row.id = syncdeck::domain::id::RowId(1_000);
    row.crm = vec![SCORE.into()];
    row.app = vec!["score".into()];
    row.flow = flow;
    pair.app_fields.push(AppField {
        name: "score".into(),
        kind: FieldKind::Number { scale: 0 },
        length: 0,
    });
    pair.rows.push(row);
    pair.schedule = "every 60 minutes".parse().unwrap();
    let field = ExtraField {
        object: "Lead".to_owned(),
        line: format!("{SCORE} double(18,0) NFS formula"),
    };
    let mut world = World::with_fields(pairs, vec![field], 60, Sizes::default()).await;
    let _ = Schedules::Followed;
    world.sync_pair("leads").await;
    world
}

fn lead(world: &World) -> String {
    let all = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computed_field_is_read_again_when_its_time_has_come() {
    let hours = Refresh::Hours(6.try_into().unwrap());
    let mut world = scored(Flow::Computed(hours)).await;
    let id = lead(&world);
    let key = world.key("leads", &id);
    world.org().recompute(&id, SCORE, 7).unwrap();
    // A run does not see it: nothing moved.
    world.sync_pair("leads").await;
    assert_eq!(world.value(&key, "score"), "");
    // By schedule: its clock starts with the first run, and after six hours it is read again.
    let mut last = world.by_schedule("leads").await;
    for _ in 0..4 {
        last = world.by_schedule("leads").await;
    }
    assert_eq!(world.value(&key, "score"), "", "{:?}", last.run);
    let mut rounds = 0;
    while world.value(&key, "score") != "7" {
        last = world.by_schedule("leads").await;
        rounds += 1;
        assert!(rounds < 4, "{:?}", last.run);
    }
    assert_eq!(last.run.cause, Cause::Schedule);
    assert_eq!(last.run.counts.pulled, 1, "{:?}", last.run.counts);
    let told = last
        .steps
        .iter()
        .any(|line| line.text.contains("Score__c") && line.text.contains("1 record had changed"));
    assert!(told, "{:?}", last.steps);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_compares_all_ids_reads_computed_fields_too() {
    let mut world = scored(Flow::Computed(Refresh::Nightly)).await;
    let id = lead(&world);
    let key = world.key("leads", &id);
    world.org().recompute(&id, SCORE, 9).unwrap();
    world.advance(90_000);
    world.sync_pair("leads").await;
    assert_eq!(world.value(&key, "score"), "");
    super::sweep::sweep(&mut world, "leads").await;
    assert_eq!(world.value(&key, "score"), "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_refresh_only_an_edit_brings_the_value() {
    let mut world = scored(Flow::ToApp(Foreign::Keep)).await;
    let id = lead(&world);
    let key = world.key("leads", &id);
    world.org().recompute(&id, SCORE, 7).unwrap();
    super::sweep::sweep(&mut world, "leads").await;
    assert_eq!(world.value(&key, "score"), "");
}
