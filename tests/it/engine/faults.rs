//! Answers that are not as they should be, while reading: the run says so, nothing is half
//! applied, and the next run heals it.

use serde_json::{Value as Json, json};
use syncdeck::domain::run::{ResultKind, Run, Word};
use syncdeck::engine::command::Command;
use syncdeck::engine::summary::{Attention, Target};

use super::*;

/// What a failed run must say to a person.
#[track_caller]
fn says_why(run: &Run, code: &str) {
    let state = match code {
        "REQUEST_LIMIT_EXCEEDED" => RunState::PutOff,
        _ => RunState::Failed,
    };
    assert_eq!(run.state, state, "{run:?}");
    let failure = run.failure.as_ref().unwrap();
    assert_eq!(failure.code, code, "{failure:?}");
    for part in [&failure.what, &failure.why, &failure.fix] {
        assert!(!part.is_empty(), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_read_fails_the_run_and_the_next_heals_it() {
    let mut world = World::imported().await;
    let (here, there) = (world.account(0), world.account(1));
    let (edited, other) = (world.key("accounts", &here), world.key("accounts", &there));
    let cases: [(Json, &str); 10] = [
        (json!({"kind": "garbage"}), "bad_body"),
        (json!({"kind": "html", "status": 200}), "web_page"),
        (json!({"kind": "html", "status": 503}), "web_page"),
        (json!({"kind": "truncate"}), "connection_lost"),
        (
            json!({"kind": "status", "status": 500}),
            "UNKNOWN_EXCEPTION",
        ),
        (
            json!({"kind": "status", "status": 503}),
            "SERVER_UNAVAILABLE",
        ),
        (json!({"kind": "unauthorized"}), "INVALID_SESSION_ID"),
        (json!({"kind": "drop_before"}), "connection_lost"),
        (json!({"kind": "drop_after"}), "connection_lost"),
        (json!({"kind": "daily_limit"}), "REQUEST_LIMIT_EXCEEDED"),
    ];
    for (n, (mut wrong, code)) in cases.into_iter().enumerate() {
        let (mine, theirs) = (format!("Mine {n}"), format!("Theirs {n}"));
        world.edit(&edited, "name", &mine).await;
        world.change(&there, json!({"Name": theirs}));
        let before = world.app(&other);
        world.org().forget();
        wrong["path"] = json!("queryAll");
        world.org().inject(fault(wrong.clone()));
        let end = world.sync_pair("accounts").await;
        says_why(&end.run, code);
        assert_eq!(world.app(&other), before, "{wrong}");
        assert_ne!(world.there(&here, "Name"), mine);
        assert!(world.org().written().is_empty());
        world.org().clear_faults();
        let end = world.sync_pair("accounts").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{wrong}: {:?}", end.run);
        assert_eq!(world.value(&other, "name"), theirs);
        assert_eq!(world.there(&here, "Name"), mine);
        assert_eq!(world.org().written().len(), 1);
        assert_agree(&world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_does_not_fail_a_run() {
    let mut world = World::imported().await;
    let (here, there) = (world.account(0), world.account(1));
    let (edited, other) = (world.key("accounts", &here), world.key("accounts", &there));
    let passing = [
        json!({"kind": "garbage"}),
        json!({"kind": "html", "status": 502}),
        json!({"kind": "truncate"}),
        json!({"kind": "status", "status": 503}),
        json!({"kind": "unauthorized"}),
        json!({"kind": "expire_session"}),
        json!({"kind": "drop_after"}),
    ];
    for (n, mut wrong) in passing.into_iter().enumerate() {
        let (mine, theirs) = (format!("Mine {n}"), format!("Theirs {n}"));
        world.edit(&edited, "name", &mine).await;
        world.change(&there, json!({"Name": theirs}));
        wrong["path"] = json!("queryAll");
        wrong["times"] = json!(1);
        world.org().inject(fault(wrong.clone()));
        let end = world.sync_pair("accounts").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{wrong}: {:?}", end.run);
        assert_eq!(world.value(&other, "name"), theirs);
        assert_eq!(world.there(&here, "Name"), mine);
        assert_agree(&world);
        world.org().clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_several_pages_survives_lost_cursors_and_sessions() {
    let mut world = World::signed_in("lead-desk", 4_500).await;
    world.org().inject(fault(json!({
        "kind": "unauthorized", "path": "*/query/*-2000", "times": 1,
    })));
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 200, "path": "*/query/*-4000", "times": 1,
    })));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    world.org().close_cursors();
    world.org().expire_sessions();
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let total = world.ids("SELECT Id FROM Lead").len();
    assert!(total > 4_000);
    assert_agree(&world);
    let window = "/services/data/v67.0/queryAll/";
    let firsts = world.org().requests(0);
    let firsts = firsts.iter().filter(|r| r.path == window).count();
    assert!(firsts >= 2, "the window was not asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_broke_off_goes_on_where_it_was() {
    let mut world = World::signed_in("lead-desk", 4_500).await;
    world.org().inject(fault(json!({
        "kind": "status", "status": 500, "path": "*/query/*-4000",
    })));
    let end = world.sync_pair("leads").await;
    says_why(&end.run, "UNKNOWN_EXCEPTION");
    let first = end.run.counts.created;
    assert!(first >= 2_000, "{:?}", end.run.counts);
    world.org().clear_faults();
    world.crash().await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert!(end.run.counts.created < 2_600, "{:?}", end.run.counts);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_sign_in_asks_for_a_person_and_then_everything_goes_on() {
    let mut world = World::imported().await;
    let (here, there) = (world.account(0), world.account(1));
    let edited = world.key("accounts", &here);
    world.edit(&edited, "name", "Mine").await;
    world.change(&there, json!({"Name": "Theirs"}));
    world.org().revoke_grants();
    world.org().expire_sessions();
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Failed, "{:?}", end.run);
    let failure = end.run.failure.unwrap();
    assert!(
        !failure.what.is_empty() && failure.fix.contains("Sign in again"),
        "{failure:?}"
    );
    let asks = world
        .summary("a summary that asks to sign in", |summary| {
            let rows = summary.attention.iter();
            rows.filter(|a| a.target == Target::SignIn).count() == 1
        })
        .await;
    let works = |a: &Attention| a.text.contains("works again");
    assert!(!asks.attention.iter().any(works), "{:?}", asks.attention);
    // Edits go on being taken in the meantime.
    world.edit(&edited, "name", "Mine, later").await;
    world.sign_in().await;
    world
        .summary(
            "a summary that asks to sync, and no longer to sign in",
            |summary| {
                let mut rows = summary.attention.iter();
                rows.all(|a| a.target != Target::SignIn && a.word != Word::Fail)
                    && summary.attention.iter().any(|a| {
                        a.text.starts_with("accounts: the last run ended early: ")
                            && a.text.ends_with("The connection works again: sync")
                    })
            },
        )
        .await;
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    assert_eq!(world.there(&here, "Name"), "Mine, later");
    let rested = |a: &Attention| !a.text.contains("ended early");
    world
        .summary("a summary that is content", |s| {
            s.attention.iter().all(rested)
        })
        .await;
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_page_does_not_hold_up_a_cancel() {
    let mut world = World::imported().await;
    let there = world.account(1);
    world.change(&there, json!({"Name": "Theirs"}));
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 45_000, "path": "queryAll",
    })));
    let run = world.begin_pair("accounts").await;
    world.struck(slow, 1).await;
    let asked = std::time::Instant::now();
    world.tell(Command::Cancel).await;
    let end = world.end(run).await;
    assert!(asked.elapsed().as_secs() < 10, "{:?}", asked.elapsed());
    assert_eq!(end.run.state, RunState::Cancelled);
    world.org().clear_faults();
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded);
    assert_agree(&world);
}

/// The hold of a write in doubt is measured by the server's clock, wherever ours goes (8.5).
#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_doubt_is_held_as_long_as_the_server_may_do_it_whatever_our_clock_says() {
    let mut world = World::imported().await;
    let here = world.account(0);
    let key = world.key("accounts", &here);
    let day = 24 * 3_600;
    // Wrong before it is sent, and set while it is in doubt.
    for (n, (before, during)) in [(-day, 0), (day, 0), (0, -day), (0, day)]
        .into_iter()
        .enumerate()
    {
        let name = format!("In doubt {n}");
        world.set_our_clock(before);
        world.edit(&key, "name", &name).await;
        let lost = world.org().inject(fault(json!({
            "kind": "drop_before", "method": "POST", "path": "*/composite",
        })));
        let doubtful = |end: &syncdeck::engine::view::RunDetail| {
            let rows = end.records.rows.iter();
            rows.filter(|r| r.kind == ResultKind::Ambiguous).count()
        };
        let end = world.sync_pair("accounts").await;
        assert_eq!(doubtful(&end), 1, "{before} {during}: {:?}", end.records);
        world.org().remove_fault(lost);
        world.set_our_clock(during);
        // Still in time: nothing else is written.
        let end = world.sync_pair("accounts").await;
        assert_eq!(doubtful(&end), 1, "{before} {during}: {:?}", end.records);
        assert_ne!(world.there(&here, "Name"), name);
        // Too late for it by the server's clock: it did not happen, and is sent again.
        world.advance(super::world::LATE);
        let end = world.sync_pair("accounts").await;
        assert_eq!(doubtful(&end), 0, "{before} {during}: {:?}", end.records);
        assert_eq!(world.there(&here, "Name"), name, "{before} {during}");
        world.set_our_clock(-before - during);
    }
    assert_agree(&world);
}
