//! A version of the API that is or will be retired: told before it stops working, and when it did
//! (sync-semantics 22).

use syncdeck::domain::run::Word;
use syncdeck::engine::summary::Summary;

use super::*;

const NOW_USED: u16 = 67;

fn told(summary: &Summary, what: &str) -> Option<Word> {
    let found = summary.attention.iter().find(|it| it.text.contains(what));
    found.map(|it| it.word)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_will_be_retired_is_told_while_it_works() {
    let mut world = World::imported().await;
    world.org().set_versions(31, NOW_USED + 1);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let warned = |s: &Summary| told(s, "will be retired in Summer").is_some();
    let summary = world.summary("a warning", warned).await;
    assert_eq!(told(&summary, "Set api_version"), Some(Word::Warn));
    assert_eq!(summary.connections[0].trouble, None);
    world.restart().await;
    world.summary("the warning after a restart", warned).await;
    world.org().set_versions(31, NOW_USED);
    world.sync_pair("accounts").await;
    world.summary("no warning", |s| !warned(s)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_retired_stops_the_run_and_nothing_is_put_aside() {
    let mut world = World::imported().await;
    let key = world.key("accounts", &world.account(0));
    world.edit(&key, "name", "Renamed").await;
    world.org().set_versions(NOW_USED + 1, NOW_USED + 1);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Failed, "{:?}", end.run);
    let failure = end.run.failure.unwrap();
    assert_eq!(failure.code, "GONE");
    assert!(failure.fix.contains("api_version"), "{}", failure.fix);
    let stopped = |s: &Summary| s.connections[0].trouble.is_some();
    let summary = world.summary("a connection in trouble", stopped).await;
    let word = told(&summary, "the version of the API that is used was retired");
    assert_eq!(word, Some(Word::Fail), "{:?}", summary.attention);
    assert_eq!(summary.pairs.iter().map(|p| p.failing).sum::<u64>(), 0);
    // As when the version was raised.
    world.org().set_versions(31, 41);
    world.sync_pair("accounts").await;
    world.summary("no trouble", |s| !stopped(s)).await;
    let there = world.there(&world.account(0), "Name");
    assert_eq!(there, "Renamed");
}
