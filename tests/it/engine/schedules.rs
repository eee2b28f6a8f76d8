//! Runs that start by themselves: once per instant, across a crash, a pause and a long run.

use serde_json::json;
use syncdeck::domain::id::{PairName, RunId};
use syncdeck::domain::run::{Cause, Run};
use syncdeck::domain::schedule::Overlap;
use syncdeck::engine::command::{Command, Page};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::summary::Summary;
use syncdeck::engine::view::ScheduleRow;

use super::*;

const HOUR: i64 = 3_600;

async fn set(world: &mut World, text: &str) {
    let pair = PairName::new("leads");
    let schedule = text.parse().unwrap();
    let command = Command::SetSchedule { pair, schedule };
    world.ask(command).await.unwrap();
}

async fn schedule(world: &mut World) -> ScheduleRow {
    match world.ask(Command::Schedules { times: 3 }).await.unwrap() {
        Reply::Schedules(list) => list.rows.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Runs that the schedule started, newest first.
async fn by_schedule(world: &mut World) -> Vec<Run> {
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let command = Command::Runs {
        pair: None,
        filter: String::new(),
        page,
    };
    match world.ask(command).await.unwrap() {
        Reply::Runs(part) => part
            .rows
            .into_iter()
            .map(|row| row.run)
            .filter(|run| run.cause == Cause::Schedule)
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Waits until the mark of the pair has passed the time it is now, less the last hour.
async fn fired(world: &mut World, times: usize) -> Vec<Run> {
    loop {
        let runs = by_schedule(world).await;
        if runs.len() >= times && runs.iter().all(|run| run.ended_at.is_some()) {
            return runs;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_starts_one_run_whatever_happens() {
    let mut world = World::signed_in("lead-desk", 50).await;
    set(&mut world, "hourly at :00").await;
    let next = schedule(&mut world).await.next;
    assert_eq!(next.len(), 3);
    // Five instants pass while nobody looks: one run makes up for all of them.
    world.advance(5 * HOUR);
    let runs = within("a scheduled run", fired(&mut world, 1)).await;
    assert_eq!(runs.len(), 1);
    let mark = schedule(&mut world).await.next[0];
    assert!(mark > next[2], "{mark}");
    // What is on the disk right behind it starts no second one.
    world.crash().await;
    assert_eq!(schedule(&mut world).await.next[0], mark);
    world.advance(HOUR);
    let runs = within("the next instant", fired(&mut world, 2)).await;
    assert_eq!(runs.len(), 2);
    assert!(runs[0].started_at >= mark);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_survives_a_restart_and_says_what_was_missed() {
    let mut world = World::signed_in("lead-desk", 50).await;
    set(&mut world, "hourly at :00").await;
    world.ask(Command::Pause).await.unwrap();
    world.restart().await;
    for hours in 1..=2 {
        world.advance(HOUR);
        within("a missed instant", async {
            while schedule(&mut world)
                .await
                .missed
                .is_none_or(|m| m.0 < hours)
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let row = schedule(&mut world).await;
    assert_eq!(row.missed.unwrap().2, "paused");
    assert!(by_schedule(&mut world).await.is_empty());
    world.ask(Command::Resume).await.unwrap();
    // What was missed while it was paused is not made up for; the next instant starts.
    world.advance(HOUR);
    let runs = within("a run after the pause", fired(&mut world, 1)).await;
    assert_eq!(runs.len(), 1);
    assert_eq!(schedule(&mut world).await.missed, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn instants_during_a_run_make_one_run_after_it() {
    let mut world = World::signed_in("lead-desk", 4_500).await;
    set(&mut world, "cron * * * * * UTC").await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 8_000, "path": "*/query/*-2000", "times": 1,
    })));
    world.advance(60);
    world.struck(slow, 1).await;
    // Two more instants while it reads: one run waits, the other is seen by that one.
    for waiting in [2, 2] {
        let before = schedule(&mut world).await.next[0];
        world.advance(60);
        within("an instant to be taken", async {
            while schedule(&mut world).await.next[0] == before
                || by_schedule(&mut world).await.len() != waiting
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    set(&mut world, "manual").await;
    let runs = within("both runs", fired(&mut world, 2)).await;
    assert_eq!(runs.len(), 2);
    assert_agree(&world);
}

/// The newest run.
async fn newest(world: &mut World) -> Option<Run> {
    let page = Page {
        offset: 0,
        limit: 1,
    };
    let command = Command::Runs {
        pair: None,
        filter: String::new(),
        page,
    };
    let Reply::Runs(part) = world.ask(command).await.unwrap() else {
        return None;
    };
    Some(part.rows.into_iter().next()?.run)
}

/// Waits for a run after this one that went on by itself, while time goes by: between runs, or a
/// session would end in the middle of one.
async fn went_on(world: &mut World, after: RunId, seconds: i64) -> Run {
    within("a run to go on", async {
        loop {
            let run = newest(world).await;
            let at_work = run.as_ref().is_some_and(|run| run.ended_at.is_none());
            let is_it = |run: &Run| run.id > after && run.cause == Cause::Continued;
            match run.filter(|run| !at_work && is_it(run)) {
                Some(run) => return run,
                None if at_work => {}
                None => world.advance(seconds),
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_that_a_crash_cut_off_goes_on_by_itself() {
    let mut world = World::signed_in("lead-desk", 4_500).await;
    set(&mut world, "daily at 02:00 UTC").await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 8_000, "path": "*/query/*-2000", "times": 1,
    })));
    world.advance(24 * HOUR);
    world.struck(slow, 1).await;
    world.crash().await;
    let run = went_on(&mut world, RunId(0), 0).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    assert_agree(&world);
    // And only once.
    world.restart().await;
    let runs = by_schedule(&mut world).await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state, RunState::Interrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_that_failed_for_what_passes_is_tried_again() {
    let mut world = World::signed_in("lead-desk", 50).await;
    set(&mut world, "daily at 02:00 UTC").await;
    world.org().inject(fault(json!({
        "kind": "status", "status": 503, "path": "queryAll", "times": 1_000,
    })));
    world.advance(24 * HOUR);
    let runs = within("a failed run", fired(&mut world, 1)).await;
    assert_eq!(runs[0].state, RunState::Failed, "{:?}", runs[0]);
    set(&mut world, "manual").await;
    // Once more in vain, then it works.
    let again = went_on(&mut world, runs[0].id, 60).await;
    assert_eq!(again.state, RunState::Failed, "{again:?}");
    world.org().clear_faults();
    let last = went_on(&mut world, again.id, 60).await;
    assert_eq!(last.state, RunState::Succeeded, "{last:?}");
    assert_eq!(by_schedule(&mut world).await.len(), 1);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_says_so() {
    let mut world = World::signed_in("lead-desk", 50).await;
    world.advance(48 * HOUR);
    set(&mut world, "hourly at :00").await;
    assert_eq!(schedule(&mut world).await.stuck, None);
    world.advance(-48 * HOUR);
    let stuck = schedule(&mut world).await.stuck.unwrap();
    assert!(stuck.contains("the clock is behind"), "{stuck}");
    // Any summary after it says so.
    world.ask(Command::Pause).await.unwrap();
    let said = |s: &Summary| {
        s.attention
            .iter()
            .any(|a| a.text.contains("the clock is behind"))
    };
    world.summary("the clock", said).await;
    set(&mut world, "hourly at :00").await;
    assert_eq!(schedule(&mut world).await.stuck, None);
}

/// The reason why the schedule of a pair started nothing, once there is one like this.
async fn missed_for(world: &mut World, pair: &str, why: &str) {
    within("a missed instant", async {
        loop {
            let Reply::Schedules(list) = world.ask(Command::Schedules { times: 1 }).await.unwrap()
            else {
                panic!("schedules");
            };
            let row = list.rows.into_iter().find(|row| row.pair.as_str() == pair);
            if row
                .unwrap()
                .missed
                .is_some_and(|missed| missed.2.contains(why))
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// With `overlap = "skip"` an instant during a run starts nothing, and says so (17.5, 17.7).
#[tokio::test(flavor = "multi_thread")]
async fn an_instant_during_a_run_can_be_skipped() {
    let sizes = Sizes {
        overlap: Overlap::Skip,
        ..Sizes::default()
    };
    let mut world = World::signed_in_with("lead-desk", 4_500, sizes).await;
    set(&mut world, "cron * * * * * UTC").await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 5_000, "path": "*/query/*-2000", "times": 1,
    })));
    world.advance(60);
    world.struck(slow, 1).await;
    world.advance(60);
    missed_for(&mut world, "leads", "its last run had not ended").await;
    assert_eq!(by_schedule(&mut world).await.len(), 1);
}

/// A pair that is due while no calls are let through says that it waits, and starts when some are.
#[tokio::test(flavor = "multi_thread")]
async fn an_instant_without_calls_waits_and_says_so() {
    let mut world = World::imported().await;
    let key = world.key("accounts", &world.account(0));
    world.edit(&key, "name", "Mine").await;
    world.org().set_allowance(Some(85_000), Some(100_000));
    let run = world.sync_pair("accounts").await.run;
    assert_eq!(run.state, RunState::PutOff, "{run:?}");
    set(&mut world, "cron * * * * * UTC").await;
    world.advance(120);
    missed_for(&mut world, "leads", "no API calls are left").await;
    assert!(by_schedule(&mut world).await.is_empty());
    world.org().set_allowance(Some(100), Some(100_000));
    world.advance(16 * 60);
    within("the scheduled run", fired(&mut world, 1)).await;
}
