//! Very many writes of one kind wait until a person allows that number, once.

use serde_json::json;
use syncdeck::domain::id::{PairName, RunId};
use syncdeck::domain::mass::{Held, Mass};
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::Word;
use syncdeck::domain::transform::Side;
use syncdeck::engine::brake::held;
use syncdeck::engine::command::{Allowance, Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::summary::Target;
use syncdeck::sandbox::By;

use super::*;

const PAIR: &str = "leads";

/// Leads that are not converted, and their App records.
fn leads(world: &World, number: usize) -> Vec<(String, RecordKey)> {
    let soql = format!("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT {number}");
    let ids = world.ids(&soql);
    let key = |id: String| (id.clone(), world.key(PAIR, &id));
    ids.into_iter().map(key).collect()
}

fn holds(world: &World) -> Vec<Held> {
    held(world.state(), &PairName::new(PAIR)).unwrap()
}

fn kinds(world: &World) -> Vec<(String, u64)> {
    let all = holds(world);
    all.iter().map(|held| (held.name(), held.number)).collect()
}

fn allow(name: &str, number: u64) -> Command {
    Command::Allow {
        pair: PairName::new(PAIR),
        allowances: vec![Allowance {
            name: name.to_owned(),
            number,
        }],
    }
}

async fn started(world: &mut World, command: Command) -> RunId {
    match world.ask(command).await.unwrap() {
        Reply::Started(runs) => runs[0],
        other => panic!("{other:?}"),
    }
}

/// Syncs the pair without trouble; gives how many records were put off.
async fn put_off(world: &mut World) -> u64 {
    let end = world.sync_pair(PAIR).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    end.run.counts.deferred
}

fn deleted_there(world: &World, leads: &[(String, RecordKey)]) -> usize {
    let gone = |id: &str| world.there(id, "IsDeleted") == "true";
    leads.iter().filter(|(id, _)| gone(id)).count()
}

fn deleted_here(world: &World, keys: &[(String, RecordKey)]) -> usize {
    let gone = |key: &RecordKey| world.app(key).presence == Presence::Deleted;
    keys.iter().filter(|(_, key)| gone(key)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_deletions_wait_until_a_person_allows_them() {
    let mut world = World::imported().await;
    let leads = leads(&world, 24);
    for (_, key) in &leads[1..23] {
        world.delete(key).await;
    }
    world.edit(&leads[0].1, "phone", "+47 1").await;
    world.org().forget();
    for _ in 0..2 {
        let end = world.sync_pair(PAIR).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        assert_eq!(end.run.counts.deferred, 22);
        assert_eq!(deleted_there(&world, &leads), 0);
        let left: Vec<_> = end.holds.iter().map(|h| (h.name(), h.number)).collect();
        assert_eq!(left, [("deletes".to_owned(), 22)], "the run says why");
        assert_eq!(end.word(), Word::Hold);
    }
    assert_eq!(
        world.there(&leads[0].0, "Phone"),
        "+47 1",
        "the others go on"
    );
    let is_held =
        |s: &syncdeck::engine::summary::Summary| s.attention.iter().any(|a| a.word == Word::Hold);
    let summary = world.summary("what is held", is_held).await;
    let row = summary.attention.iter().find(|a| a.word == Word::Hold);
    let row = row.unwrap();
    assert!(
        row.text.contains("22 deletions in Salesforce wait"),
        "{}",
        row.text
    );
    let Target::Held(_, held) = &row.target else {
        panic!("{row:?}");
    };
    assert_eq!((held.name().as_str(), held.number), ("deletes", 22));
    assert!(!held.examples.is_empty());
    let fewer = world.ask(allow("deletes", 21)).await.unwrap_err();
    assert_eq!(fewer.kind(), syncdeck::error::Kind::Changed, "{fewer}");
    // One more than was looked at: all of them wait again.
    world.delete(&leads[23].1).await;
    let run = started(&mut world, allow("deletes", 22)).await;
    assert_eq!(world.end(run).await.run.counts.deferred, 23);
    assert_eq!(deleted_there(&world, &leads), 0);
    let run = started(&mut world, allow("deletes", 23)).await;
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded);
    assert_eq!((end.holds.len(), end.word()), (0, Word::Ok));
    assert_eq!(deleted_there(&world, &leads), 23);
    let none = world.ask(allow("deletes", 23)).await.unwrap_err();
    assert!(
        none.to_string().contains("no deletes of leads are held"),
        "{none}"
    );
    world.summary("nothing held", |s| !is_held(s)).await;
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_deletions_in_salesforce_do_not_reach_the_app_unasked() {
    let mut world = World::imported().await;
    let leads = leads(&world, 25);
    for (id, _) in &leads[1..] {
        world.org().delete(By::Colleague, id).unwrap();
    }
    world.change(&leads[0].0, json!({"Phone": "+47 2"}));
    for _ in 0..2 {
        assert_eq!(put_off(&mut world).await, 24);
        assert_eq!(kinds(&world), [("app-deletes".to_owned(), 24)]);
        assert_eq!(deleted_here(&world, &leads), 0);
    }
    assert_eq!(
        world.value(&leads[0].1, "phone"),
        "+47 2",
        "the others go on"
    );
    // One that is brought back there is none of them any more.
    world.advance(60);
    world.org().undelete(By::Colleague, &leads[1].0).unwrap();
    assert_eq!(put_off(&mut world).await, 23);
    let run = started(&mut world, allow("app-deletes", 23)).await;
    assert_eq!(world.end(run).await.run.state, RunState::Succeeded);
    assert_eq!(deleted_here(&world, &leads), 23);
    assert_eq!(kinds(&world), []);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_emptied_or_changed_almost_everywhere_waits_on_either_side() {
    let mut world = World::imported().await;
    let all = leads(&world, 100);
    let live = world.state().counters(&PairName::new(PAIR)).records;
    // More than half of all, and 22 of them lose their title.
    let changed = live as usize / 2 + 1;
    for (id, _) in &all {
        world.change(id, json!({"Title": "Breaker Tester"}));
    }
    let run = world.begin_pair(PAIR).await;
    world.end(run).await;
    let number = all.len() as u64;
    assert_eq!(kinds(&world), [("app-updates".to_owned(), number)]);
    assert_ne!(world.value(&all[0].1, "title"), "Breaker Tester");
    let run = started(&mut world, allow("app-updates", number)).await;
    world.end(run).await;
    assert_eq!(world.value(&all[0].1, "title"), "Breaker Tester");

    for (n, (id, _)) in all[..changed].iter().enumerate() {
        let title = if n < 22 { json!(null) } else { json!("Other") };
        world.change(id, json!({"Title": title}));
    }
    put_off(&mut world).await;
    let both = [
        ("app-updates".to_owned(), changed as u64),
        ("app-blanks:title".to_owned(), 22),
    ];
    assert_eq!(kinds(&world), both);
    // What is allowed goes, the other waits on.
    let run = started(&mut world, allow("app-updates", changed as u64)).await;
    world.end(run).await;
    assert_eq!(kinds(&world), both[1..]);
    assert_eq!(world.value(&all[0].1, "title"), "Breaker Tester");
    assert_eq!(world.value(&all[30].1, "title"), "Other");
    let run = started(&mut world, allow("app-blanks:title", 22)).await;
    world.end(run).await;
    assert_eq!(world.value(&all[0].1, "title"), "");
    assert_eq!(kinds(&world), []);

    // The same from the App.
    for (_, key) in &all[30..51] {
        world.edit(key, "title", "").await;
    }
    world.org().forget();
    assert_eq!(put_off(&mut world).await, 21);
    assert_eq!(kinds(&world), [("blanks:Title".to_owned(), 21)]);
    assert_eq!(holds(&world)[0].what.side(), Side::Crm);
    assert!(world.org().written().is_empty());
    let run = started(&mut world, allow("blanks:Title", 21)).await;
    world.end(run).await;
    assert_eq!(world.there(&all[40].0, "Title"), "");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_allowed_was_allowed_once_even_if_the_process_dies_while_it_is_done() {
    let mut world = World::imported().await;
    let leads = leads(&world, 60);
    for (_, key) in &leads {
        world.delete(key).await;
    }
    put_off(&mut world).await;
    assert_eq!(kinds(&world), [("deletes".to_owned(), 60)]);
    world.org().forget();
    // The deletions do not arrive, and the process dies over them.
    let lost = world.org().inject(fault(json!({
        "kind": "drop_before", "method": "DELETE", "path": "*/composite/sobjects*",
    })));
    started(&mut world, allow("deletes", 60)).await;
    world.struck(lost, 1).await;
    world.crash().await;
    world.org().remove_fault(lost);
    assert_eq!(kinds(&world), [], "it is used up");
    world.advance(world::LATE);
    put_off(&mut world).await;
    let left = 60 - deleted_there(&world, &leads) as u64;
    assert!(left > 20, "{left}");
    assert_eq!(
        kinds(&world),
        [("deletes".to_owned(), left)],
        "and held again"
    );
    let run = started(&mut world, allow("deletes", left)).await;
    assert_eq!(world.end(run).await.run.state, RunState::Succeeded);
    assert_eq!(deleted_there(&world, &leads), 60);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_stop_and_applying_it_does_not_get_around_that() {
    let mut world = World::imported().await;
    let leads = leads(&world, 23);
    for (id, _) in &leads[1..] {
        world.org().delete(By::Colleague, id).unwrap();
    }
    world.change(&leads[0].0, json!({"Phone": "+47 3"}));
    world.advance(30);
    let pairs = vec![PairName::new(PAIR)];
    let Reply::Planned(plan) = world.ask(Command::DryRun { pairs }).await.unwrap() else {
        panic!("no plan");
    };
    let held: Vec<_> = plan
        .holds()
        .map(|(_, held)| (held.what, held.number))
        .collect();
    assert_eq!(held, [(Mass::Delete(Side::App), 22)]);
    assert_eq!(plan.total().app.deleted, 0);
    assert_eq!(kinds(&world), [], "a dry run holds nothing itself");
    let apply = Command::ApplyPlan {
        plan: plan.id,
        hash: None,
    };
    let run = started(&mut world, apply).await;
    world.end(run).await;
    assert_eq!(deleted_here(&world, &leads), 0);
    assert_eq!(world.value(&leads[0].1, "phone"), "+47 3");
}
