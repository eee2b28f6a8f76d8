//! The API budget at work: a run that meets a limit says so, loses nothing and goes on by itself;
//! counts outlive the process; an org that does not answer is left alone.

use std::sync::Arc;

use serde_json::json;
use syncdeck::domain::run::{Run, Word};
use syncdeck::engine::summary::Summary;
use syncdeck::engine::tables::LATER;
use syncdeck::engine::tx::Durability;

use super::*;

fn budget(summary: &Summary) -> String {
    summary.connections[0].budget.clone().unwrap_or_default()
}

/// Calls of ours that are shown.
fn ours(summary: &Summary) -> u64 {
    let words = budget(summary);
    let number = words.strip_prefix("ours ").unwrap().split(", ").next();
    number.unwrap().parse().unwrap()
}

/// A world in which an edit could not be written, because others had used so many calls that they
/// come first. Gives the account, and the run that was put off.
async fn put_off() -> (World, String, Run) {
    let mut world = World::imported().await;
    let there = world.account(0);
    let key = world.key("accounts", &there);
    world.edit(&key, "name", "Mine").await;
    world.org().set_allowance(Some(85_000), Some(100_000));
    let run = world.sync_pair("accounts").await.run;
    assert_eq!(run.state, RunState::PutOff, "{run:?}");
    assert_ne!(world.there(&there, "Name"), "Mine");
    (world, there, run)
}

/// Others use less, and time passes: the edit is written without anybody asking.
async fn goes_on(world: &World, there: &str) {
    world.org().set_allowance(Some(100), Some(100_000));
    world.advance(16 * 60);
    let written = || world.there(there, "Name") == "Mine";
    world.until("what was put off is written", written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_calls_is_put_off_and_goes_on_by_itself() {
    let (mut world, there, run) = put_off().await;
    let failure = run.failure.unwrap();
    assert_eq!(failure.code, "budget_stop_line");
    assert!(failure.what.contains("of 80000"), "{failure:?}");
    assert!(failure.what.contains("goes on by itself"), "{failure:?}");
    assert!(failure.fix.contains("stop_at_org_used"), "{failure:?}");
    let waits = |s: &Summary| budget(s).contains("other apps come first");
    world.summary("the limit in words", waits).await;
    goes_on(&world, &there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_goes_on_after_a_restart() {
    let (mut world, there, _) = put_off().await;
    world.restart().await;
    goes_on(&world, &there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_is_not_forgotten_for_a_run_that_was_cut_off() {
    let (mut world, there, run) = put_off().await;
    // What goes on with it is in the queue when the process ends.
    let cut_off = Run {
        id: world.state().new_run_id(),
        state: RunState::Queued,
        ended_at: None,
        failure: None,
        ..run
    };
    let mut tx = world.state().begin();
    tx.put_run(&cut_off);
    tx.commit(Durability::Now).unwrap();
    world.restart().await;
    goes_on(&world, &there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_and_done_since_does_not_go_on() {
    let (mut world, _, _) = put_off().await;
    assert_eq!(world.state().store().count(&LATER).unwrap(), 1);
    world.org().set_allowance(Some(100), Some(100_000));
    world.advance(16 * 60);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let state = Arc::clone(world.state());
    let none = || state.store().count(&LATER).unwrap() == 0;
    world.until("that nothing is left to do", none).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_outlive_the_process() {
    let mut world = World::imported().await;
    let known = |s: &Summary| budget(s).starts_with("ours ");
    let before = world.summary("the budget", known).await;
    assert!(budget(&before).contains("left to sync with"));
    world.restart().await;
    // Shown before anything is called. What was still under way at the end counts as well.
    let after = world.summary("the budget again", known).await;
    assert!(ours(&before) > 0 && ours(&after) >= ours(&before));
    assert!(after.connections[0].api >= before.connections[0].api);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_that_does_not_answer_is_left_alone_and_says_so() {
    let mut world = World::imported().await;
    world
        .org()
        .inject(fault(json!({"kind": "status", "status": 500})));
    let mut codes = Vec::new();
    for _ in 0..5 {
        let run = world.sync_pair("accounts").await.run;
        assert_eq!(run.state, RunState::Failed);
        codes.push(run.failure.unwrap().code);
    }
    assert_eq!(codes[4], "resting", "{codes:?}");
    let down = |s: &Summary| {
        let trouble = s.connections[0].trouble.as_ref();
        trouble.is_some_and(|t| t.what.starts_with("no answer since"))
    };
    world.summary("the trouble", down).await;
    world.org().clear_faults();
    world.advance(61);
    let run = world.sync_pair("accounts").await.run;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    world
        .summary("that it is well", |s| s.connections[0].trouble.is_none())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_no_calls_left_is_not_plain_ok() {
    let (mut world, _, _) = put_off().await;
    let word = |s: &Summary| s.connections[0].word;
    let used = |s: &Summary| s.connections[0].api.map_or(0, |(used, _)| used);
    let many = |s: &Summary| (85_000..100_000).contains(&used(s));
    let summary = world.summary("many calls used", many).await;
    assert_eq!(word(&summary), Word::Ok);
    world.org().set_allowance(Some(100_000), Some(100_000));
    world.advance(16 * 60);
    world.sync_pair("accounts").await;
    let spent = |s: &Summary| used(s) >= 100_000;
    let summary = world.summary("all calls used", spent).await;
    assert_eq!(word(&summary), Word::Warn, "{:?}", summary.connections);
}
