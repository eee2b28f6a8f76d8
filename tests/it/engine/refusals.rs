//! What is done about a refusal, by its class: tried in smaller calls, put aside until something
//! about it changed, or the end of the run (sync-semantics 9.1, 9.2).

use serde_json::json;
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::{Guard, Pair};
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::summary::Summary;
use syncdeck::engine::tables::Quarantined;
use syncdeck::sandbox::{Access, Automation, Field, FieldAccess};

use super::*;

const GUARDED: &str = "*/composite";
const DAY: i64 = 25 * 3_600;

/// Two accounts that were renamed in the App.
async fn renamed(world: &mut World) -> Vec<RecordKey> {
    let mut keys = Vec::new();
    for n in 0..2 {
        let key = world.key("accounts", &world.account(n));
        world.edit(&key, "name", &format!("Renamed {n}")).await;
        keys.push(key);
    }
    world.org().forget();
    keys
}

fn refuse(world: &World, code: &str, times: Option<u32>) {
    world.org().inject(fault(json!({
        "kind": "refuse_rows", "share": 1.0, "code": code,
        "method": "POST", "path": GUARDED, "times": times,
    })));
}

fn sent(world: &World) -> usize {
    let seen = world.org().requests(0);
    seen.iter()
        .filter(|r| r.path.ends_with("/composite"))
        .count()
}

fn aside(world: &World, key: &RecordKey) -> Option<Quarantined> {
    world.state().quarantined(&key.pair, &key.app_id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn automation_is_tried_three_times_and_then_put_aside() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    refuse(&world, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", None);
    let end = world.sync_pair("accounts").await;
    assert_eq!(
        end.run.state,
        RunState::SucceededWithErrors,
        "{:?}",
        end.run
    );
    assert_eq!((end.run.counts.failed, end.run.counts.retried), (2, 4));
    assert_eq!(sent(&world), 3);
    for key in &keys {
        let entry = aside(&world, key).unwrap();
        assert_eq!(entry.tries, 3);
        assert_eq!(entry.failure.code, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
    }
    // The cause is gone, but nothing about the records changed: they wait for a person.
    world.org().clear_faults();
    let end = world.sync_pair("accounts").await;
    assert_eq!((end.run.counts.failed, sent(&world)), (0, 3));
    assert!(aside(&world, &keys[0]).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn automation_that_gives_way_is_no_failure() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    refuse(&world, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Some(2));
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!((end.run.counts.retried, sent(&world)), (4, 3));
    assert!(keys.iter().all(|key| aside(&world, key).is_none()));
    assert_agree(&world);
}

fn codes(summary: &Summary) -> Vec<(String, u64)> {
    let all = summary.connections.iter().flat_map(|c| c.codes.rows());
    all.map(|(code, seen)| (code.to_owned(), seen.times))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_code_is_kept_as_it_came_and_counted_over_a_crash() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    refuse(&world, "BRAND_NEW_CODE", None);
    let end = world.sync_pair("accounts").await;
    assert_eq!((end.run.counts.failed, sent(&world)), (2, 3));
    let failure = aside(&world, &keys[0]).unwrap().failure;
    assert_eq!(failure.code, "BRAND_NEW_CODE");
    assert!(!failure.what.is_empty() && !failure.fix.is_empty());
    let six = vec![("BRAND_NEW_CODE".to_owned(), 6)];
    world.summary("the code", |s| codes(s) == six).await;
    world.crash().await;
    world.summary("the code kept", |s| codes(s) == six).await;
    // What is known is not among them, whatever its class.
    world.org().clear_faults();
    refuse(&world, "UNKNOWN_EXCEPTION", Some(1));
    world.edit(&keys[0], "name", "Renamed again").await;
    world.sync_pair("accounts").await;
    world.summary("the code alone", |s| codes(s) == six).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_org_puts_the_run_off_and_it_goes_on_by_itself_when_there_is_room() {
    let mut world = World::imported().await;
    let mut keys = Vec::new();
    for n in 0..3 {
        let name = format!("Made {n}");
        keys.push(world.create("accounts", &[("name", &name)]).await);
    }
    world.org().set_storage(0);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::PutOff, "{:?}", end.run);
    assert_eq!(end.run.failure.unwrap().code, "STORAGE_LIMIT_EXCEEDED");
    let told = |s: &syncdeck::engine::summary::Summary| {
        s.attention.iter().any(|a| a.text.contains("was put off"))
    };
    world.summary("that it waits", told).await;
    assert_eq!(end.run.counts.failed, 0);
    assert!(keys.iter().all(|key| aside(&world, key).is_none()));
    world.org().set_storage(10_000);
    world.advance(61 * 60);
    let made = || {
        world
            .ids("SELECT Id FROM Account WHERE Name LIKE 'Made %'")
            .len()
    };
    world.until("the run to go on", || made() == 3).await;
    let done = |s: &syncdeck::engine::summary::Summary| {
        s.running.is_none() && s.attention.iter().all(|a| !a.text.contains("was put off"))
    };
    world.summary("that nothing waits", done).await;
    assert_agree(&world);
}

fn describes(world: &World) -> usize {
    let seen = world.org().requests(0);
    seen.iter()
        .filter(|r| r.path.ends_with("/Account/describe"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_may_not_be_written_any_more_is_described_again_before_the_next_run() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    let access = FieldAccess {
        object: "Account".into(),
        field: "Name".into(),
        user: None,
        access: Access::ReadOnly,
    };
    let closed = Automation {
        field_access: vec![access],
        ..world.org().automation()
    };
    world.org().set_automation(closed.clone()).unwrap();
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 2, "{:?}", end.run);
    let code = aside(&world, &keys[0]).unwrap().failure.code;
    assert_eq!(code, "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(describes(&world), 0);
    // It is described otherwise now: sent once more, and refused once more. Then nothing is new.
    for (described, refused) in [(1, 2), (2, 0), (2, 0)] {
        let end = world.sync_pair("accounts").await;
        assert_eq!(describes(&world), described);
        assert_eq!(end.run.counts.failed, refused, "{:?}", end.run);
    }
    // Allowed again, and described by the day: what was put aside is sent by itself.
    let open = Automation {
        field_access: Vec::new(),
        ..closed
    };
    world.org().set_automation(open).unwrap();
    world.advance(DAY);
    world.sync_pair("accounts").await;
    assert!(keys.iter().all(|key| aside(&world, key).is_none()));
    assert_eq!(world.there(&world.account(0), "Name"), "Renamed 0");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_required_field_lets_go_of_what_missed_it() {
    let mut world = World::imported().await;
    let site = |field: &str| Field {
        object: "Account".into(),
        field: field.into(),
    };
    world.org().set_required(&[site("Site")]).unwrap();
    let made = world
        .create("accounts", &[("name", "Without a site")])
        .await;
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run);
    assert_eq!(aside(&world, &made).unwrap().failure.fields, ["Site"]);
    // The day's description knows it now: tried once more, and refused once more.
    world.advance(DAY);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 0, "{:?}", end.run);
    world.org().set_required(&[]).unwrap();
    world.advance(DAY);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert!(aside(&world, &made).is_none());
    assert!(world.crm_id(&made).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_the_mapping_lets_go_of_what_was_refused() {
    let mut world = World::imported().await;
    refuse(&world, "FIELD_CUSTOM_VALIDATION_EXCEPTION", None);
    world.org().inject(fault(json!({
        "kind": "refuse_rows", "share": 1.0, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "method": "POST", "path": "*/composite/sobjects",
    })));
    let made = world.create("accounts", &[("name", "New here")]).await;
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run);
    world.org().clear_faults();
    let end = world.sync_pair("accounts").await;
    assert_eq!((end.run.counts.failed, end.run.counts.pushed), (0, 0));
    let name = PairName::new("accounts");
    let mut draft: Box<Pair> = Box::new(world.state().pair(&name).unwrap().unwrap());
    draft.guard = Guard::None;
    let reply = world.ask(Command::SaveMapping { draft }).await.unwrap();
    assert!(matches!(reply, Reply::Saved { .. }), "{reply:?}");
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert!(aside(&world, &made).is_none());
    assert!(world.crm_id(&made).is_some());
}
