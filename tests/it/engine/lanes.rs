//! Several calls that write on their way at once: how many, how big, and what stops them
//! (sync-semantics 7.4 and 7.5).

use serde_json::json;
use syncdeck::domain::id::RunId;
use syncdeck::domain::mapping::Guard;
use syncdeck::domain::preset;
use syncdeck::engine::command::{Command, Page, RecordKey};
use syncdeck::engine::summary::Motion;

use super::*;

const GUARDED: &str = "*/composite";
const PLAIN: &str = "*/composite/sobjects";

/// Leads with a phone number that is new here; a rule of the org refuses some of the demo's.
async fn edited(world: &mut World, records: usize) -> Vec<RecordKey> {
    let load = json!({"City": "Touched"}).as_object().unwrap().clone();
    let mut leads = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    let by = syncdeck::sandbox::By::Colleague;
    leads.retain(|id| world.org().update(by, id, &load).is_ok());
    leads.truncate(records);
    assert_eq!(leads.len(), records);
    world.sync_pair("leads").await;
    let keys: Vec<RecordKey> = leads.iter().map(|id| world.key("leads", id)).collect();
    edit_all(world, &keys, 1).await;
    keys
}

async fn edit_all(world: &mut World, keys: &[RecordKey], round: usize) {
    for (n, key) in keys.iter().enumerate() {
        let phone = format!("030 {round}{n:04}");
        world.edit(key, "contactPhone", &phone).await;
    }
    world.org().forget();
}

/// Calls that wrote.
fn writes(world: &World) -> usize {
    let seen = world.org().requests(0);
    let writes = seen.iter().filter(|r| {
        (r.method == "POST" && r.path.ends_with("/composite"))
            || (r.method == "PATCH" && r.path.ends_with("/composite/sobjects"))
    });
    writes.count()
}

/// The lead desk, imported: more than twice as many leads as are edited, or the run would ask first.
async fn desk(guard: Guard, leads: usize) -> World {
    let mut pairs = preset::preset("lead-desk").unwrap();
    pairs[0].guard = guard;
    let mut world = World::with_fields(pairs, Vec::new(), leads, Sizes::default()).await;
    world.sync_pair("leads").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_calls_as_records_need_and_no_more() {
    for (guard, records, calls) in [
        (Guard::Precondition, 270, 11),
        (Guard::Recheck, 270, 2),
        (Guard::None, 270, 2),
    ] {
        let mut world = desk(guard, 620).await;
        edited(&mut world, records).await;
        let end = world.sync_pair("leads").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        assert_eq!(end.run.counts.pushed as usize, records);
        assert_eq!(writes(&world), calls, "{guard:?}");
        assert_agree(&world);
    }
}

/// A run whose first calls that write are held until the fault of this number is taken away.
async fn held_writing(world: &mut World, path: &str, calls: u32) -> (RunId, u64) {
    let held = json!({"kind": "hold", "path": path, "times": calls});
    let held = world.org().inject(fault(held));
    let run = world.begin_pair("leads").await;
    world.struck(held, calls).await;
    (run, held)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_calls_are_on_their_way_at_once_and_a_pause_waits_for_them() {
    let mut world = desk(Guard::Precondition, 340).await;
    edited(&mut world, 150).await;
    let (run, held) = held_writing(&mut world, GUARDED, 4).await;
    assert_eq!(writes(&world), 0, "none is answered yet");
    world.tell(Command::Pause).await;
    assert_eq!(writes(&world), 0, "it waits for them");
    world.org().remove_fault(held);
    world
        .summary("a paused run", |summary| {
            let running = summary.running.as_ref();
            running.is_some_and(|p| p.motion == Motion::Paused)
        })
        .await;
    assert_eq!(writes(&world), 4, "all of them are answered");
    world.tell(Command::Resume).await;
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(end.run.counts.pushed, 150);
    assert_eq!(writes(&world), 6);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_lets_the_calls_land_and_nothing_is_written_twice() {
    let mut world = desk(Guard::None, 1_750).await;
    edited(&mut world, 810).await;
    let (run, held) = held_writing(&mut world, PLAIN, 4).await;
    world.tell(Command::Cancel).await;
    world.org().remove_fault(held);
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Cancelled);
    assert_eq!(end.run.counts.pushed, 800, "{:?}", end.run.counts);
    world.org().clear_faults();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.pushed, 10, "{:?}", end.run.counts);
    assert!(world.org().written().values().all(|w| w.updated == 1));
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_four_calls_on_their_way_loses_and_doubles_nothing() {
    let mut world = desk(Guard::Precondition, 260).await;
    edited(&mut world, 100).await;
    held_writing(&mut world, GUARDED, 4).await;
    world.crash().await;
    world.org().clear_faults();
    world.advance(super::world::LATE);
    for _ in 0..3 {
        world.sync_pair("leads").await;
    }
    assert!(world.org().written().values().all(|w| w.updated == 1));
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_row_leaves_half_of_the_lanes_for_a_while() {
    let mut world = desk(Guard::Precondition, 260).await;
    let keys = edited(&mut world, 100).await;
    let locked = json!({
        "kind": "refuse_rows", "rows": [0], "code": "UNABLE_TO_LOCK_ROW", "path": GUARDED, "times": 1,
    });
    world.org().inject(fault(locked));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.pushed, 100, "{:?}", end.run.counts);
    edit_all(&mut world, &keys, 2).await;
    let (run, held) = held_writing(&mut world, GUARDED, 2).await;
    let page = Page {
        offset: 0,
        limit: 10,
    };
    for _ in 0..20 {
        world
            .ask(Command::Runs {
                pair: None,
                filter: String::new(),
                page,
            })
            .await
            .unwrap();
    }
    // A third call would have had its answer at once.
    assert_eq!(writes(&world), 0);
    world.org().remove_fault(held);
    world.end(run).await;
    // Five minutes later all are in use again.
    world.org().clear_faults();
    world.advance(300);
    edit_all(&mut world, &keys, 3).await;
    let (run, held) = held_writing(&mut world, GUARDED, 4).await;
    assert_eq!(writes(&world), 0);
    world.org().remove_fault(held);
    world.end(run).await;
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_org_too_long_goes_in_smaller_calls_and_grows_back() {
    let mut world = desk(Guard::None, 420).await;
    let keys = edited(&mut world, 200).await;
    let slow = json!({
        "kind": "refuse_rows", "rows": [0], "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "path": PLAIN, "times": 1,
    });
    world.org().inject(fault(slow));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.pushed, 200, "{:?}", end.run.counts);
    // Half of 200, then 110 at most.
    for (round, calls) in [(2, 2), (3, 2)] {
        edit_all(&mut world, &keys, round).await;
        world.sync_pair("leads").await;
        assert_eq!(writes(&world), calls);
    }
    let mut sizes: Vec<usize> = world
        .org()
        .requests(0)
        .iter()
        .filter(|r| r.method == "PATCH")
        .filter_map(|r| {
            r.body
                .as_ref()
                .map(|body| body.matches("\"attributes\"").count())
        })
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [90, 110], "ten more than the half that went well");
    assert_agree(&world);
}
