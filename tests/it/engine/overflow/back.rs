//! Lines that became records of their own: taken back, tried first, and after a backup was put back.

use syncdeck::domain::dry_run::{Left, Plan, PlanItem};
use syncdeck::domain::id::{PairName, RunId};
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::{Cause, Run};
use syncdeck::engine::brake::held;
use syncdeck::engine::command::{Allowance, Page};
use syncdeck::engine::tables::RUNS;

use super::*;

async fn undo(world: &mut World, run: RunId) -> Vec<(String, String)> {
    world.advance(30);
    let shown = match world.ask(Command::PreviewUndo { run }).await.unwrap() {
        Reply::Preview(preview) => *preview,
        other => panic!("{other:?}"),
    };
    let hash = shown.hash;
    if shown.decisions > 0 {
        let undo = Command::Undo {
            run,
            hash,
            allow: Vec::new(),
        };
        let Reply::Started(runs) = world.ask(undo).await.unwrap() else {
            panic!("not started")
        };
        let end = world.end(runs[0]).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        assert!(!shown.acts.is_empty(), "{shown:?}");
    }
    shown.refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_taken_back_before_its_record_is_sent_and_brought_back_with_that() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    let run = world.sync_pair("leads").await.run.id;
    assert_eq!(undo(&mut world, run).await, []);
    let line = line_of(&world, &key);
    assert_eq!(world.app(&line).presence, Presence::Deleted);
    settled(&mut world).await;
    assert_eq!(
        tasks(&world, &lead),
        [""; 0],
        "neither as a record nor in the text"
    );
    assert!(!world.there(&lead, LOG).contains("Called"));
    // The run that took it back is taken back.
    let undone = last_undo(&world);
    assert_eq!(undo(&mut world, undone).await, []);
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Called"]);
    // Now it is in Salesforce: the run of tasks made it there.
    let refused = undo(&mut world, run).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(
        refused[0].1.contains("take back the run of tasks"),
        "{refused:?}"
    );
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_refused_and_is_taken_back_needs_nobody() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called").await;
    let run = world.sync_pair("leads").await.run.id;
    let refuses = world.org().inject(fault(json!({
        "kind": "refuse_rows", "share": 1.0, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "path": CREATES, "method": "POST",
    })));
    world.sync_pair("tasks").await;
    world.org().remove_fault(refuses);
    let line = line_of(&world, &key);
    let aside = |world: &World| world.state().quarantined(&line.pair, &line.app_id).unwrap();
    assert!(aside(&world).is_some());
    assert_eq!(undo(&mut world, run).await, []);
    assert_eq!(aside(&world), None);
    assert_eq!(world.state().counters(&line.pair).quarantined, 0);
    settled(&mut world).await;
    assert_eq!(tasks(&world, &lead), [""; 0]);
    assert_agree(&world);
}

/// The run that took back another one last.
fn last_undo(world: &World) -> RunId {
    let runs = world.state().store().scan(&RUNS, &[]);
    let runs = runs.map(|row| row.unwrap().1);
    let undo = |run: &Run| matches!(run.cause, Cause::Undo(_));
    runs.filter(undo).map(|run| run.id).max().unwrap()
}

async fn dry_run(world: &mut World) -> (Plan, Vec<PlanItem>) {
    world.advance(30);
    let command = Command::DryRun { pairs: Vec::new() };
    let Reply::Planned(plan) = world.ask(command).await.unwrap() else {
        panic!("no plan")
    };
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let command = Command::Plan { id: plan.id, page };
    let Reply::Plan(found) = world.ask(command).await.unwrap() else {
        panic!("no items")
    };
    (*plan, found.items)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_which_lines_become_records_and_makes_none() {
    let mut world = world().await;
    let (lead, key) = full(&mut world).await;
    world.edit(&key, "log", "Called\nWrote").await;
    world.org().forget();
    let (plan, items) = dry_run(&mut world).await;
    assert!(world.org().written().is_empty());
    let [item] = items.as_slice() else {
        panic!("{items:?}")
    };
    assert_eq!(item.app_id.as_ref(), Some(&key.app_id));
    let said = "the text is full: 2 new lines become records of tasks";
    assert_eq!(item.left, Some(Left::Waits(said.to_owned())));
    assert_eq!((&item.to_crm, &item.to_app), (&None, &None));
    world.advance(30);
    let apply = Command::ApplyPlan {
        plan: plan.id,
        hash: Some(plan.hash),
    };
    let Reply::Started(runs) = world.ask(apply).await.unwrap() else {
        panic!("not started")
    };
    for run in runs {
        let end = world.end(run).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    settled(&mut world).await;
    assert_eq!(says(&tasks(&world, &lead)), ["Called", "Wrote"]);
    assert_agree(&world);
}

async fn compare(world: &mut World, pair: &str) {
    let pair = PairName::new(pair);
    let held = held(world.state(), &pair).unwrap();
    let stop = held.iter().find(|held| held.name() == "restored");
    let allowances = vec![Allowance {
        name: "restored".to_owned(),
        number: stop.unwrap().number,
    }];
    let allow = Command::Allow { pair, allowances };
    let Reply::Started(runs) = world.ask(allow).await.unwrap() else {
        panic!("not started")
    };
    world.end(runs[0]).await;
    world.advance(60);
}

/// The store knows nothing of the record that it made of the line: the key of a line tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_one_record_after_a_backup_was_put_back() {
    let orders = [["leads", "tasks"], ["tasks", "leads"]];
    // A text that is still full, and one with room for the line again.
    for (order, text) in [
        (orders[0], None),
        (orders[1], None),
        (orders[0], Some("roomy")),
        (orders[1], Some("roomy")),
    ] {
        let mut world = world().await;
        let (lead, key) = full(&mut world).await;
        world.edit(&key, "log", "Called").await;
        let file = world.backup();
        settled(&mut world).await;
        assert_eq!(says(&tasks(&world, &lead)), ["Called"]);
        if let Some(text) = text {
            world.change(&lead, json!({ LOG: text }));
            settled(&mut world).await;
        }
        let made = world.crm_id(&line_of(&world, &key)).unwrap();
        world.put_back(&file).await;
        for pair in order {
            world.sync_pair(pair).await;
            compare(&mut world, pair).await;
        }
        world.sync().await;
        world.advance(60);
        assert_eq!(says(&tasks(&world, &lead)), ["Called"], "{order:?}");
        assert!(!world.there(&lead, LOG).contains("Called"));
        let line = line_of(&world, &key);
        match order[0] {
            "leads" => assert_eq!(world.crm_id(&line), Some(made)),
            // It was taken in before anybody knew that it is one of ours.
            _ => {
                let aside = world.state().quarantined(&line.pair, &line.app_id).unwrap();
                let failure = aside.unwrap().failure;
                assert_eq!(failure.code, "DUPLICATE_VALUE", "{failure:?}");
            }
        }
    }
}
