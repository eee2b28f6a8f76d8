//! Pause, resume, cancel, quit and crash in the middle of reading and of writing.

use serde_json::json;
use syncdeck::domain::id::RunId;
use syncdeck::engine::command::{Command, Page, RecordKey};
use syncdeck::engine::summary::Motion;

use super::*;

/// Waits until a run stands still.
async fn paused(world: &mut World) {
    world
        .summary("a paused run", |summary| {
            let running = summary.running.as_ref();
            running.is_some_and(|p| p.motion == Motion::Paused)
        })
        .await;
}

/// A run that stands still makes no calls, and none is on its way.
async fn makes_no_calls(world: &mut World, slow: u64) {
    let requests = world.org().counters().requests;
    let struck = |org: syncdeck::sandbox::Control| {
        let faults = org.faults();
        faults.iter().find(|f| f.id == slow).unwrap().struck
    };
    let before = struck(world.org());
    for _ in 0..20 {
        let page = Page {
            offset: 0,
            limit: 10,
        };
        world
            .ask(Command::Runs {
                pair: None,
                filter: String::new(),
                page,
            })
            .await
            .unwrap();
    }
    assert_eq!(struck(world.org()), before);
    assert_eq!(world.org().counters().requests, requests);
    let seen = world.org().requests(0);
    let answered = seen.iter().filter(|r| !r.faults.is_empty()).count();
    assert_eq!(answered, before as usize, "a call is on its way");
}

/// An import of three pages, of which the second is slow: it is asked for while the first is
/// taken in.
async fn importing() -> (World, RunId, u64) {
    let mut world = World::signed_in("lead-desk", 4_500).await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 5_000, "path": "*/query/*-2000", "times": 1,
    })));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    (world, run, slow)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_stands_still_and_goes_on() {
    let (mut world, run, slow) = importing().await;
    world.tell(Command::Pause).await;
    paused(&mut world).await;
    makes_no_calls(&mut world, slow).await;
    assert_eq!(
        world.state().run(run).unwrap().unwrap().state,
        RunState::Paused
    );
    world.tell(Command::Resume).await;
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_import_goes_on_with_the_next_run() {
    let (mut world, run, _) = importing().await;
    world.tell(Command::Cancel).await;
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Cancelled);
    let some = end.run.counts.created;
    world.org().clear_faults();
    takes_in_the_rest(&mut world, "leads", some).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_during_a_long_read_is_seen_by_the_next_run() {
    let mut world = World::signed_in("lead-desk", 4_500).await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 1_000, "path": "*/query/*-2000", "times": 1,
    })));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    // Its page was read already, and the read goes on for longer than runs overlap.
    let first = world.ids("SELECT Id FROM Lead ORDER BY SystemModstamp, Id LIMIT 1");
    world.change(&first[0], json!({"Title": "Edited Meanwhile"}));
    world.advance(super::world::LATE);
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let key = world.key("leads", &first[0]);
    assert_ne!(world.value(&key, "contactTitle"), "Edited Meanwhile");
    world.sync_pair("leads").await;
    assert_eq!(world.value(&key, "contactTitle"), "Edited Meanwhile");
    assert_agree(&world);
}

/// Edits of 80 leads, less than half of all, on their way: four calls, one after the other, each of them slow.
struct Writing {
    world: World,
    run: RunId,
    slow: u64,
    edited: Vec<RecordKey>,
}

const WRITES: &str = "*/composite";

async fn writing(kind: &str) -> Writing {
    let sizes = Sizes {
        lanes: 1,
        ..Sizes::default()
    };
    let mut world = World::imported_with(200, sizes).await;
    let mut leads = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    // The org refuses any change of the others.
    leads.retain(|id| !world.there(id, "Phone").contains(char::is_alphabetic));
    leads.truncate(80);
    let edited: Vec<RecordKey> = leads.iter().map(|id| world.key("leads", id)).collect();
    for (n, key) in edited.iter().enumerate() {
        world.edit(key, "title", &format!("Title {n}")).await;
    }
    world.org().forget();
    let slow = json!({"kind": "delay", "ms": 150, "path": WRITES, "method": "POST"});
    let slow = world.org().inject(fault(slow));
    if kind == "drop_after" {
        let lost = json!({"kind": kind, "path": WRITES, "method": "POST", "after": 1, "times": 1});
        world.org().inject(fault(lost));
    }
    let run = world.begin_pair("leads").await;
    world.struck(slow, 2).await;
    Writing {
        world,
        run,
        slow,
        edited,
    }
}

impl Writing {
    /// Every edit has arrived, and none of them twice.
    #[track_caller]
    fn done(&self, last: &str) {
        let world = &self.world;
        for (n, key) in self.edited.iter().enumerate() {
            let id = world.crm_id(key).unwrap();
            let title = match n {
                0 => last.to_owned(),
                _ => format!("Title {n}"),
            };
            assert_eq!(world.there(&id, "Title"), title);
            let most = if n == 0 { 2 } else { 1 };
            assert!(world.org().written()[&id].updated <= most, "{n}");
        }
        assert_agree(world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_stands_still_and_goes_on() {
    let mut writing = writing("").await;
    let world = &mut writing.world;
    world.tell(Command::Pause).await;
    paused(world).await;
    makes_no_calls(world, writing.slow).await;
    let done = world.org().written().len();
    assert!(done < 80, "{done}");
    // Edits go on while it stands.
    world.edit(&writing.edited[0], "title", "Later").await;
    world.tell(Command::Resume).await;
    let end = world.end(writing.run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.org().written().len(), 80);
    world.sync_pair("leads").await;
    writing.done("Later");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_writing_goes_on_with_the_next_run() {
    let mut writing = writing("").await;
    let world = &mut writing.world;
    world.tell(Command::Cancel).await;
    let end = world.end(writing.run).await;
    assert_eq!(end.run.state, RunState::Cancelled);
    let done = world.org().written().len();
    assert!((25..80).contains(&done), "{done}");
    assert_eq!(end.run.counts.pushed, done as u64);
    assert_eq!(world.state().intents().unwrap(), []);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(end.run.counts.pushed, 80 - done as u64);
    writing.done("Title 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quit_in_the_middle_of_writing_goes_on_after_the_start() {
    let mut writing = writing("").await;
    let world = &mut writing.world;
    world.restart().await;
    let run = world.state().run(writing.run).unwrap().unwrap();
    assert_eq!(run.state, RunState::Interrupted);
    assert_eq!(world.state().intents().unwrap(), []);
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    writing.done("Title 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_writing_goes_on_after_the_start() {
    for kind in ["", "drop_after"] {
        let mut writing = writing(kind).await;
        let world = &mut writing.world;
        world.crash().await;
        let run = world.state().run(writing.run).unwrap().unwrap();
        assert_eq!(run.state, RunState::Interrupted);
        assert!(!world.state().intents().unwrap().is_empty());
        world.org().clear_faults();
        world.sync_pair("leads").await;
        world.advance(super::world::LATE);
        let end = world.sync_pair("leads").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        writing.done("Title 0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_creating_makes_nothing_twice() {
    let mut world = World::imported().await;
    for n in 0..30 {
        let company = format!("Crash {n}");
        let fields = [("last_name", "Made"), ("company", company.as_str())];
        world.create("leads", &fields).await;
    }
    world.org().forget();
    let slow = json!({"kind": "delay", "ms": 100, "path": "*/composite/sobjects", "times": 1});
    let slow = world.org().inject(fault(slow));
    let lost = json!({"kind": "drop_after", "path": "*/composite/sobjects", "times": 1});
    world.org().inject(fault(lost));
    world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    world.crash().await;
    world.org().clear_faults();
    for _ in 0..2 {
        let end = world.sync_pair("leads").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    let made = world.ids("SELECT Id FROM Lead WHERE Company LIKE 'Crash %'");
    assert_eq!(made.len(), 30);
    assert_eq!(world.created(), 30);
    assert_agree(&world);
}

/// Nothing is written while it is not known what there is to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_planning_until_it_writes() {
    let mut world = World::imported().await;
    let state = |world: &World, run| world.state().run(run).unwrap().unwrap().state;
    let slow = json!({"kind": "delay", "ms": 5_000, "path": "*/query*", "times": 1});
    let slow = world.org().inject(fault(slow));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    assert_eq!(state(&world, run), RunState::Planning);
    world.tell(Command::Cancel).await;
    assert_eq!(world.end(run).await.run.state, RunState::Cancelled);
    world.org().clear_faults();
    let mut writing = writing("delay").await;
    assert_eq!(state(&writing.world, writing.run), RunState::Running);
    writing.world.end(writing.run).await;
}
