//! Fields that the org computes: they change without a trace, and are read again by the clock
//! (sync-semantics 4.6).

use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::{AppField, Flow, Foreign, Pair, Refresh};
use syncdeck::domain::preset;
use syncdeck::domain::run::{Cause, Run};
use syncdeck::domain::value::FieldKind;
use syncdeck::engine::command::Command;
use syncdeck::engine::tables::RUNS;
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
    let field = ExtraField {
        object: "Lead".to_owned(),
        line: format!("{SCORE} double(18,0) NFS formula"),
    };
    let mut world = World::with_fields(pairs, vec![field], 60, Sizes::default()).await;
    world.sync_pair("leads").await;
    world
}

fn lead(world: &World) -> String {
    let all = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    all[0].clone()
}

/// Waits until so many runs by schedule have ended; gives the last.
async fn by_schedule(world: &mut World, runs: usize) -> Run {
    let state = std::sync::Arc::clone(world.state());
    let ended = move || -> Vec<Run> {
        let all = state.store().scan(&RUNS, &[]);
        let all = all.map(|row| row.unwrap().1);
        all.filter(|run| run.cause == Cause::Schedule && run.ended_at.is_some())
            .collect()
    };
    world
        .until("the run of the hour", || ended().len() >= runs)
        .await;
    ended().pop().unwrap()
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
    let schedule = "hourly at :00".parse().unwrap();
    let pair = PairName::new("leads");
    let command = Command::SetSchedule { pair, schedule };
    world.ask(command).await.unwrap();
    // Its clock starts with the first run by schedule.
    for (runs, hours) in [(1, 1), (2, 4)] {
        world.advance(hours * 3_600);
        by_schedule(&mut world, runs).await;
        assert_eq!(world.value(&key, "score"), "", "{runs} runs");
    }
    world.advance(3 * 3_600);
    let last = by_schedule(&mut world, 3).await;
    assert_eq!(world.value(&key, "score"), "7.0");
    assert_eq!(last.counts.pulled, 1, "{:?}", last.counts);
    let detail = world.end(last.id).await;
    let told = |text: &str| text.contains(SCORE) && text.contains("1 record had changed");
    assert!(
        detail.steps.iter().any(|line| told(&line.text)),
        "{:?}",
        detail.steps
    );
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
    assert_eq!(world.value(&key, "score"), "9.0");
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
