//! What every window missed is found by a comparison of all ids (sync-semantics 4.4).

use serde_json::json;
use syncdeck::crm::bulk::ReadSizes;
use syncdeck::domain::id::PairName;
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::{Cause, Word};
use syncdeck::engine::brake::{self, held};
use syncdeck::engine::command::{Allowance, Command, RecordKey, Scope};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tables::{ABSENT, SWEEPS, Swept};
use syncdeck::engine::view::RunDetail;
use syncdeck::sandbox::By;
use syncdeck::store::keys::Key;

use super::*;

/// Longer than what a window reads again.
const LATER: i64 = 1_000;
const HOUR: i64 = 3_600;

pub async fn sweep(world: &mut World, pair: &str) -> (RunDetail, Swept) {
    world.advance(LATER);
    let scope = Scope::Pair(PairName::new(pair));
    let run = match world.ask(Command::Sweep { scope }).await.unwrap() {
        Reply::Started(runs) => runs[0],
        other => panic!("{other:?}"),
    };
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    (end, swept(world, pair).unwrap())
}

fn held_names(world: &World, pair: &PairName) -> Vec<String> {
    let held = brake::held(world.state(), pair).unwrap();
    held.iter().map(|held| held.name()).collect()
}

fn swept(world: &World, pair: &str) -> Option<Swept> {
    world
        .state()
        .store()
        .get(&SWEEPS, &Key::new().text(pair))
        .unwrap()
}

/// What happens is missed by every window: the records are not shown while they are read.
async fn missed(world: &mut World, pair: &str, ids: &[&str], happens: impl FnOnce(&World)) {
    keeps_no_list(world);
    happens(world);
    for id in ids {
        world.org().hide(id).unwrap();
    }
    world.advance(LATER);
    for _ in 0..2 {
        let end = world.sync_pair(pair).await;
        assert_eq!(end.run.state, RunState::Succeeded);
        world.advance(LATER);
    }
    for id in ids {
        world.org().show(id).unwrap();
    }
    world.sync_pair(pair).await;
}

/// The org has no list of deletions, which would tell sooner.
fn keeps_no_list(world: &World) {
    let body = json!([{"errorCode": "INVALID_TYPE", "message": "not replicateable"}]);
    world.org().inject(fault(json!({
        "kind": "status", "status": 400, "body": body, "path": "*/deleted*",
    })));
}

fn lives(world: &World, key: &RecordKey) -> bool {
    world.app(key).presence == Presence::Live
}

fn said(world: &World, text: &str) -> Option<Word> {
    let log = world.state().log_tail(200).unwrap();
    log.iter()
        .rev()
        .find(|line| line.text.contains(text))
        .map(|line| line.word)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_every_window_missed_is_found() {
    let mut world = World::imported().await;
    let id = world.make("Account", json!({"Name": "Goes Unseen"}));
    world.sync_pair("accounts").await;
    let key = world.key("accounts", &id);
    missed(&mut world, "accounts", &[&id], |world| {
        world.org().delete(By::Colleague, &id).unwrap();
    })
    .await;
    assert!(lives(&world, &key), "no window has it");
    let (_, found) = sweep(&mut world, "accounts").await;
    assert_eq!((found.healed, found.gone), (1, 0));
    assert!(!lives(&world, &key));
    assert_eq!(said(&world, "healed 1:"), Some(Word::Warn));
    assert_agree(&world);
    // Brought back, and missed again.
    missed(&mut world, "accounts", &[&id], |world| {
        world.org().undelete(By::Colleague, &id).unwrap();
    })
    .await;
    assert!(!lives(&world, &key));
    let (_, found) = sweep(&mut world, "accounts").await;
    assert_eq!((found.healed, found.gone), (1, 0));
    assert!(lives(&world, &key));
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_new_records_that_every_window_missed_are_found_once() {
    let mut world = World::imported().await;
    let edited = world.account(1);
    let fresh = world.make("Account", json!({"Name": "Came Unseen"}));
    missed(&mut world, "accounts", &[&edited, &fresh], |world| {
        world.change(&edited, json!({"Name": "Edited Unseen"}));
    })
    .await;
    let key = world.key("accounts", &edited);
    assert_ne!(world.value(&key, "name"), "Edited Unseen");
    let (end, found) = sweep(&mut world, "accounts").await;
    assert_eq!((found.healed, found.gone), (2, 0));
    assert_eq!((end.run.counts.pulled, end.run.counts.created), (2, 1));
    assert_eq!(world.value(&key, "name"), "Edited Unseen");
    let fresh = world.key("accounts", &fresh);
    assert_eq!(world.value(&fresh, "name"), "Came Unseen");
    let (end, found) = sweep(&mut world, "accounts").await;
    assert_eq!((found.healed, found.gone), (0, 0));
    assert_eq!(end.run.counts.pulled, 0);
    assert_eq!(said(&world, "nothing had been missed"), Some(Word::Ok));
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_nobody_has_counts_as_deleted_after_two_sweeps() {
    let mut world = World::imported().await;
    keeps_no_list(&world);
    let id = world.make("Account", json!({"Name": "Leaves No Trace"}));
    world.sync_pair("accounts").await;
    let key = world.key("accounts", &id);
    world.org().delete(By::Colleague, &id).unwrap();
    world.org().purge(&id).unwrap();
    for (wait, live) in [(0, true), (60, true), (HOUR, false)] {
        world.advance(wait);
        let (_, found) = sweep(&mut world, "accounts").await;
        assert_eq!((found.healed, found.gone), (0, u64::from(!live)));
        assert_eq!(lives(&world, &key), live, "after {wait} s");
    }
    let (_, found) = sweep(&mut world, "accounts").await;
    assert_eq!((found.healed, found.gone), (0, 0), "found once");
    assert_eq!(world.state().store().count(&ABSENT).unwrap(), 0);
    assert_eq!(
        world
            .state()
            .link(&key.pair, &key.app_id)
            .unwrap()
            .unwrap()
            .crm_id,
        Some(id.parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_again_is_forgotten_and_many_at_once_are_never_deleted() {
    let mut world = World::imported().await;
    let all = world.ids("SELECT Id FROM Contact WHERE IsDeleted = false ORDER BY Id");
    let keys: Vec<RecordKey> = all.iter().map(|id| world.key("contacts", id)).collect();
    // One goes out of sight between two sweeps, and comes back before the one that counts.
    world.org().hide(&all[0]).unwrap();
    sweep(&mut world, "contacts").await;
    assert_eq!(world.state().store().count(&ABSENT).unwrap(), 1);
    world.org().show(&all[0]).unwrap();
    sweep(&mut world, "contacts").await;
    assert_eq!(world.state().store().count(&ABSENT).unwrap(), 0);
    // A permission is taken away.
    for id in &all[..all.len() / 2] {
        world.org().hide(id).unwrap();
    }
    for _ in 0..3 {
        world.advance(HOUR);
        let (_, found) = sweep(&mut world, "contacts").await;
        assert_eq!((found.healed, found.gone), (0, 0));
    }
    assert!(keys.iter().all(|key| lives(&world, key)));
    assert_eq!(said(&world, "nothing is deleted for it"), Some(Word::Warn));
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_that_are_gone_count_as_deleted_when_a_person_says_so() {
    let mut world = World::imported().await;
    let all = world.ids("SELECT Id FROM Contact WHERE IsDeleted = false ORDER BY Id");
    let keys: Vec<RecordKey> = all.iter().map(|id| world.key("contacts", id)).collect();
    for id in &all[..15] {
        world.org().hide(id).unwrap();
    }
    sweep(&mut world, "contacts").await;
    world.advance(HOUR);
    sweep(&mut world, "contacts").await;
    assert!(
        keys.iter().all(|key| lives(&world, key)),
        "nobody was asked"
    );
    let contacts = PairName::new("contacts");
    let held = held(world.state(), &contacts).unwrap();
    assert_eq!(held.len(), 1);
    let way_out = held[0].way_out(&contacts);
    assert_eq!(way_out, "syncdeck sync contacts --allow missing=15");
    let allowance = |number| Command::Allow {
        pair: contacts.clone(),
        allowances: vec![Allowance {
            name: "missing".to_owned(),
            number,
        }],
    };
    assert!(world.ask(allowance(14)).await.is_err());
    let Reply::Started(runs) = world.ask(allowance(15)).await.unwrap() else {
        panic!("no run");
    };
    let end = world.end(runs[0]).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let live = keys.iter().filter(|key| lives(&world, key)).count();
    assert_eq!(live, all.len() - 15);
    assert!(brake::held(world.state(), &contacts).unwrap().is_empty());
    // More than half is another org: none of them is ever deleted for it.
    for id in &all[15..] {
        world.org().hide(id).unwrap();
    }
    world.advance(LATER);
    let scope = Scope::Pair(contacts.clone());
    let Reply::Started(runs) = world.ask(Command::Sweep { scope }).await.unwrap() else {
        panic!("no run");
    };
    let end = world.end(runs[0]).await;
    assert_eq!(end.run.state, RunState::Failed, "{:?}", end.run);
    assert!(world.ask(allowance(15)).await.is_err());
    let names: Vec<String> = held_names(&world, &contacts);
    assert_eq!(names, ["most-missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_collected_by_a_job() {
    let read = ReadSizes {
        from: 1_000,
        page: 1_000,
    };
    let sizes = Sizes {
        read,
        ..Sizes::default()
    };
    let mut world = World::signed_in_with("lead-desk", 2_500, sizes).await;
    world.sync_pair("leads").await;
    let jobs = |world: &World| {
        let seen = world.org().requests(0);
        let of_jobs = seen.iter().filter(|r| r.path.contains("/jobs/query"));
        let count = |method: &str| of_jobs.clone().filter(|r| r.method == method).count();
        (count("POST"), count("DELETE"))
    };
    assert_eq!(jobs(&world), (1, 1));
    let id = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")
        .remove(0);
    let key = world.key("leads", &id);
    missed(&mut world, "leads", &[&id], |world| {
        world.org().delete(By::Colleague, &id).unwrap();
    })
    .await;
    assert!(lives(&world, &key));
    let (_, found) = sweep(&mut world, "leads").await;
    assert_eq!(jobs(&world), (2, 2));
    assert_eq!((found.healed, found.gone), (1, 0));
    let all = world.org().query("SELECT Id, IsDeleted FROM Lead").unwrap();
    assert_eq!(json!(found.listed), all["totalSize"]);
    assert!(!lives(&world, &key));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_sweeps_once_a_day() {
    let mut world = World::imported().await;
    let id = world.account(1);
    missed(&mut world, "accounts", &[&id], |world| {
        world.change(&id, json!({"Name": "Edited Unseen"}));
    })
    .await;
    let pair = PairName::new("accounts");
    let schedule = "hourly at :00".parse().unwrap();
    world
        .ask(Command::SetSchedule {
            pair: pair.clone(),
            schedule,
        })
        .await
        .unwrap();
    let healed = |world: &World| swept(world, "accounts").unwrap().healed;
    assert_eq!(healed(&world), 0, "nobody asked for one");
    let key = world.key("accounts", &id);
    // The time counts from the import on, which reads everything.
    for (runs, hours) in [(1, 1), (2, 22)] {
        world.advance(hours * HOUR);
        by_schedule(&mut world, runs).await;
        assert_ne!(world.value(&key, "name"), "Edited Unseen", "{runs} runs");
    }
    world.advance(3 * HOUR);
    let found = || world.value(&key, "name") == "Edited Unseen";
    world.until("the sweep of the day", found).await;
    let noted = || swept(&world, "accounts").is_some_and(|swept| swept.healed > 0);
    world.until("its end", noted).await;
    assert_eq!(swept(&world, "accounts").unwrap().healed, 1);
}

/// Who runs pairs at night with something of their own has no schedule here.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_without_a_schedule_sweeps_once_a_day_with_whatever_runs_it() {
    let mut world = World::imported().await;
    let id = world.account(1);
    missed(&mut world, "accounts", &[&id], |world| {
        world.change(&id, json!({"Name": "Edited Unseen"}));
    })
    .await;
    let key = world.key("accounts", &id);
    world.advance(22 * HOUR);
    world.sync_pair("accounts").await;
    assert_ne!(world.value(&key, "name"), "Edited Unseen");
    world.advance(3 * HOUR);
    world.sync_pair("accounts").await;
    assert_eq!(world.value(&key, "name"), "Edited Unseen");
}

/// Waits until the schedule's runs have ended.
async fn by_schedule(world: &mut World, runs: usize) {
    let state = std::sync::Arc::clone(world.state());
    let ended = move || {
        let all = state.store().scan(&syncdeck::engine::tables::RUNS, &[]);
        let all = all.map(|row| row.unwrap().1);
        let of = all.filter(|run| run.cause == Cause::Schedule && run.ended_at.is_some());
        of.count() >= runs
    };
    world.until("the run of the hour", ended).await;
}
