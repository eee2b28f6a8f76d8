//! The API budget at work: a run that meets a limit says so, loses nothing and goes on by itself;
//! counts outlive the process; an org that does not answer is left alone.

use serde_json::json;
use syncdeck::engine::summary::Summary;

use super::*;

fn budget(summary: &Summary) -> String {
    summary.connections[0].budget.clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_calls_is_put_off_and_goes_on_by_itself() {
    let mut world = World::imported().await;
    let there = world.account(0);
    let key = world.key("accounts", &there);
    world.edit(&key, "name", "Mine").await;
    // Others have used so much that they come first.
    world.org().set_allowance(Some(85_000), Some(100_000));
    let put_off = world.sync_pair("accounts").await.run;
    assert_eq!(put_off.state, RunState::PutOff, "{put_off:?}");
    let failure = put_off.failure.clone().unwrap();
    assert_eq!(failure.code, "budget_stop_line");
    assert!(failure.what.contains("of 80000"), "{failure:?}");
    assert!(failure.what.contains("goes on by itself"), "{failure:?}");
    assert!(failure.fix.contains("stop_at_org_used"), "{failure:?}");
    assert_ne!(world.there(&there, "Name"), "Mine");
    let waits = |s: &Summary| budget(s).contains("other apps come first");
    world.summary("the limit in words", waits).await;

    world.org().set_allowance(Some(100), Some(100_000));
    world.advance(16 * 60);
    world
        .until("what was put off is written", || {
            world.there(&there, "Name") == "Mine"
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_off_goes_on_after_a_restart() {
    let mut world = World::imported().await;
    let there = world.account(0);
    let key = world.key("accounts", &there);
    world.edit(&key, "name", "Mine").await;
    world.org().set_allowance(Some(85_000), Some(100_000));
    let put_off = world.sync_pair("accounts").await.run;
    assert_eq!(put_off.state, RunState::PutOff);
    world.restart().await;
    world.org().set_allowance(Some(100), Some(100_000));
    world.advance(16 * 60);
    world
        .until("what was put off is written", || {
            world.there(&there, "Name") == "Mine"
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_outlive_the_process() {
    let mut world = World::imported().await;
    let known = |s: &Summary| budget(s).starts_with("ours ");
    let before = world.summary("the budget", known).await;
    let words = budget(&before);
    assert!(words.contains("left to sync with"), "{words}");
    world.restart().await;
    // Shown before anything is called.
    let after = world.summary("the budget again", known).await;
    assert_eq!(budget(&after), words);
    assert_eq!(after.connections[0].api, before.connections[0].api);
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
        trouble.is_some_and(|t| t.what.starts_with("no proper answer since"))
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
