//! A window that is big enough is read by a job of the org.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use syncdeck::crm::bulk::ReadSizes;
use syncdeck::domain::id::{PairName, RunId};
use syncdeck::domain::run::LogLine;
use syncdeck::domain::value::Fields;
use syncdeck::engine::command::Command;
use syncdeck::engine::tables::{Intent, IntentState, Op, READ_JOBS};
use syncdeck::engine::tx::Durability;
use syncdeck::sandbox::Pace;

use super::*;

const LEADS: usize = 4_500;

/// Jobs for every window of more than one page; five pages of results for the import.
async fn world() -> World {
    World::signed_in_with("lead-desk", LEADS, sizes()).await
}

fn sizes() -> Sizes {
    let read = ReadSizes {
        from: 1_000,
        page: 1_000,
    };
    Sizes {
        read,
        ..Sizes::default()
    }
}

fn pages(world: &World) -> usize {
    sent(world, "GET", "/query/01g")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_by_a_job_that_is_removed_at_the_end() {
    let mut world = world().await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
    assert_eq!(sent(&world, "POST", "/jobs/query"), 1);
    assert_eq!(sent(&world, "DELETE", "/jobs/query"), 1);
    assert_eq!(pages(&world), 0);
    let all = world.org().query("SELECT Id, IsDeleted FROM Lead").unwrap();
    assert_eq!(json!(end.run.counts.read), all["totalSize"]);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded);
    assert_eq!(sent(&world, "POST", "/jobs/query"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_a_result_goes_on_there() {
    let mut world = world().await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 60_000, "path": "/results", "after": 3, "times": 1,
    })));
    world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    // The rows of the third answer are taken in while the fourth is on its way.
    let some = |world: &World| world.app_ids("leads").len();
    world
        .until("rows of the third answer", || some(&world) >= 2_500)
        .await;
    world.crash().await;
    world.org().clear_faults();
    let kept = some(&world);
    assert!(kept > 0 && kept < LEADS - 500, "{kept}");
    let before = sent(&world, "GET", "/results");
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
    assert_eq!(sent(&world, "POST", "/jobs/query"), 1, "the job was kept");
    let again = sent(&world, "GET", "/results") - before;
    assert!(
        (2..5).contains(&again),
        "{again} of 5 pages were read again"
    );
    assert_eq!(pages(&world), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_older_than_a_write_is_not_gone_on_with() {
    let mut world = world().await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 60_000, "path": "/results", "after": 1, "times": 1,
    })));
    world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    world
        .until("some rows", || !world.app_ids("leads").is_empty())
        .await;
    // The process is ended between two pages; what it took in is on the disk.
    world.restart().await;
    world.org().clear_faults();
    let state = Arc::clone(world.state());
    assert_eq!(state.store().count(&READ_JOBS).unwrap(), 1);
    // A record that the job holds as it was is written meanwhile, by a decision say.
    let app_id = world.app_ids("leads").remove(0);
    let pair = PairName::new("leads");
    let crm_id = state.link(&pair, &app_id).unwrap().unwrap().crm_id;
    let mut tx = state.begin();
    let intent = Intent {
        id: tx.new_intent_id(),
        run: RunId(1),
        pair,
        app_id,
        crm_id,
        sync_key: None,
        op: Op::Update,
        fields: Fields::new(),
        agreed: Vec::new(),
        app_rev: 0,
        unmodified_since: None,
        state: IntentState::Sending {
            at: jiff::Timestamp::now(),
        },
        resolves: Vec::new(),
        app_fields: Fields::new(),
        auto: Vec::new(),
    };
    tx.put_intent(&intent);
    tx.close_intent(&intent);
    tx.commit(Durability::Now).unwrap();
    assert_eq!(state.store().count(&READ_JOBS).unwrap(), 0);
    drop(state);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_job_a_window_is_read_by_pages() {
    for (what, method, path, after) in [
        // The org does not make such jobs.
        ("FEATURENOTENABLED", "POST", "/jobs/query", 0),
        // It has lost the job, ...
        ("INVALIDJOB", "GET", "/jobs/query/", 0),
        // ... or its results.
        ("INVALIDJOBSTATE", "GET", "/results", 2),
    ] {
        let mut world = world().await;
        world.org().inject(fault(json!({
            "kind": "status", "status": 400, "method": method, "path": path, "after": after,
            "times": 1, "body": [{"errorCode": what, "message": "not here"}],
        })));
        let end = world.sync_pair("leads").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{what}: {:?}", end.run);
        assert_agree(&world);
        assert_eq!(pages(&world), 2, "{what}");
        assert!(sent(&world, "POST", "/jobs/query") == 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_job_ends_when_a_person_says_so() {
    let mut world = world().await;
    world.org().hold_jobs(Pace::Held);
    let run = world.begin_pair("leads").await;
    let asked = |world: &World| sent(world, "GET", "/jobs/query/750");
    world
        .until("the job to be asked", || asked(&world) > 1)
        .await;
    world.tell(Command::Cancel).await;
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Cancelled);
    assert!(world.app_ids("leads").is_empty());
    world.org().hold_jobs(Pace::AtOnce);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
    assert_eq!(sent(&world, "POST", "/jobs/query"), 1, "the job was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_go_on_is_given_up_and_the_window_read_by_pages() {
    let sizes = Sizes {
        patience: Duration::from_millis(200),
        ..sizes()
    };
    let mut world = World::signed_in_with("lead-desk", LEADS, sizes).await;
    world.org().hold_jobs(Pace::Held);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
    assert_eq!(sent(&world, "PATCH", "/jobs/query"), 1, "it was given up");
    assert_eq!(pages(&world), 2);
    let said = |line: &LogLine| line.text.contains("Setup, Bulk Data Load Jobs");
    assert!(end.steps.iter().any(said), "{:?}", end.steps);
}
