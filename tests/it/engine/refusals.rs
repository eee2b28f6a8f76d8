//! What is done about a refusal, by its class: tried in smaller calls, put aside until something
//! about it changed, or the end of the run (sync-semantics 9.1, 9.2).

use serde_json::json;
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::{Guard, Pair};
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::summary::Summary;
use syncdeck::engine::tables::Quarantined;
use syncdeck::sandbox::{Access, Automation, Field, FieldAccess, Refuse, Rule};

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
    let end = world.sync_pair("accounts").await;
    assert_eq!(codes(&*world.summary_after(end.run.id).await), six);
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
    world.runs_end().await;
    world.summary("that nothing waits", |s| !told(s)).await;
    assert_agree(&world);
}

fn describes(world: &World) -> usize {
    let seen = world.org().requests(0);
    seen.iter()
        .filter(|r| r.path.ends_with("/Account/describe"))
        .count()
}

/// The org as it is, where nobody may write names of accounts.
fn without_name(world: &World) -> Automation {
    let access = FieldAccess {
        object: "Account".into(),
        field: "Name".into(),
        user: None,
        access: Access::ReadOnly,
    };
    Automation {
        field_access: vec![access],
        ..world.org().automation()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_may_not_be_written_any_more_is_left_out_and_the_others_go_on() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    let site = "https://other.example";
    world.edit(&keys[0], "website", site).await;
    let open = world.org().automation();
    world.org().set_automation(without_name(&world)).unwrap();
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!((end.run.counts.failed, end.run.counts.deferred), (0, 1));
    assert!(keys.iter().all(|key| aside(&world, key).is_none()));
    assert_eq!(world.there(&world.account(0), "Website"), site);
    assert_eq!(describes(&world), 0);
    let is_told = |s: &Summary| {
        let mut told = s.attention.iter().filter(|a| a.text.contains("left out"));
        told.any(|a| a.text.contains("edit access to Name") && a.hint == "see mapping")
    };
    world.summary("that a row is left out", is_told).await;
    // It is described again, once. What is changed there still comes, edits here wait.
    let third = world.account(2);
    world.org().set_automation(open.clone()).unwrap();
    world.change(&third, json!({"Name": "Renamed there"}));
    world.org().set_automation(without_name(&world)).unwrap();
    for described in [1, 1] {
        let calls = sent(&world);
        let end = world.sync_pair("accounts").await;
        assert_eq!(describes(&world), described);
        assert_eq!(end.run.counts.failed, 0, "{:?}", end.run);
        assert_eq!(sent(&world), calls, "nothing is sent that is refused");
    }
    let there = world.key("accounts", &third);
    assert_eq!(world.value(&there, "name"), "Renamed there");
    world.restart().await;
    world.summary("that it still is", is_told).await;
    // Allowed again, and described by the day: what waited is written by itself.
    world.org().set_automation(open).unwrap();
    world.advance(DAY);
    world.sync_pair("accounts").await;
    for n in 0..2 {
        let name = format!("Renamed {n}");
        assert_eq!(world.there(&world.account(n), "Name"), name);
    }
    world.summary("that nothing is", |s| !is_told(s)).await;
    assert_agree(&world);
}

/// A refusal that the description does not explain: the row rests for a day, not the records.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_names_a_field_stands_for_a_day_whatever_the_description_says() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    let open = world.org().automation();
    world.org().set_automation(without_name(&world)).unwrap();
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert!(keys.iter().all(|key| aside(&world, key).is_none()));
    // Before it is described again nobody would see a difference.
    world.org().set_automation(open).unwrap();
    let calls = sent(&world);
    world.sync_pair("accounts").await;
    assert_eq!(sent(&world), calls);
    world.advance(DAY);
    world.sync_pair("accounts").await;
    assert_eq!(world.there(&world.account(0), "Name"), "Renamed 0");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_salesforce_lets_go_of_what_was_refused() {
    let mut world = World::imported().await;
    let keys = renamed(&mut world).await;
    refuse(&world, "FIELD_CUSTOM_VALIDATION_EXCEPTION", None);
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 2, "{:?}", end.run);
    world.org().clear_faults();
    let calls = sent(&world);
    world.sync_pair("accounts").await;
    assert_eq!(sent(&world), calls, "nothing changed");
    // A field that no row reads: the rule of the org may have asked for it.
    world.change(&world.account(0), json!({"Site": "Bergen"}));
    world.change(&world.account(1), json!({"Phone": "+47 5"}));
    world.sync_pair("accounts").await;
    assert!(keys.iter().all(|key| aside(&world, key).is_none()));
    assert_eq!(world.there(&world.account(0), "Name"), "Renamed 0");
    assert_eq!(world.value(&keys[1], "phone"), "+47 5");
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
    // It is described again, and nothing is made before a row gives it: what is there goes on.
    let other = world.key("accounts", &world.account(0));
    world.change(&world.account(0), json!({"Site": "Bergen"}));
    world.edit(&other, "name", "Renamed").await;
    for _ in 0..2 {
        let end = world.sync_pair("accounts").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        assert_eq!(end.run.counts.deferred, 1, "{:?}", end.run);
    }
    assert!(
        aside(&world, &made).is_none(),
        "it waits, and is not refused"
    );
    assert_eq!(world.there(&world.account(0), "Name"), "Renamed");
    let is_told = |s: &Summary| {
        let mut told = s.attention.iter();
        told.any(|a| a.text.contains("new records wait") && a.text.contains("writes Site"))
    };
    world.summary("that new records wait", is_told).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn very_many_refusals_with_one_code_end_the_writing_but_not_the_reading() {
    let sizes = Sizes {
        lanes: 1,
        ..Sizes::default()
    };
    let mut world = World::imported_with(520, sizes).await;
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 215");
    let keys: Vec<RecordKey> = ids.iter().map(|id| world.key("leads", id)).collect();
    for key in &keys {
        world.edit(key, "title", "Renamed").await;
    }
    refuse(&world, "FIELD_CUSTOM_VALIDATION_EXCEPTION", None);
    let end = world.sync_pair("leads").await;
    let counts = end.run.counts;
    assert_eq!((counts.failed, counts.deferred), (200, 15), "{counts:?}");
    world.org().clear_faults();
    let end = world.sync_pair("leads").await;
    assert_eq!((end.run.counts.failed, end.run.counts.pushed), (0, 15));
}

/// A rule of the org for titles that begin with `Chief`.
fn rule_of(world: &World, object: &str, message: &str) {
    world.org().put_rule(Rule {
        name: format!("Chief_{object}"),
        object: object.to_owned(),
        field: None,
        message: message.to_owned(),
        active: true,
        refuse: Refuse::Contains {
            field: "Title".into(),
            text: "Chief".into(),
        },
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_rule_of_the_org_says_to_ask_is_told_and_the_address_of_a_record_is_not() {
    let mut world = World::imported().await;
    let lead = world.ids("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1");
    let contact = world.ids("SELECT Id FROM Contact WHERE Email != null LIMIT 1");
    let address = world.there(&contact[0], "Email");
    let ask = "needs approval of Sales Operations (sales-ops@example.com, form SO-17).";
    let own = format!("is one already (as <{}>).", address.to_uppercase());
    rule_of(&world, "Lead", ask);
    rule_of(&world, "Contact", &own);
    for (pair, id) in [("leads", &lead[0]), ("contacts", &contact[0])] {
        let key = world.key(pair, id);
        world.edit(&key, "title", "Chief of all").await;
        let end = world.sync_pair(pair).await;
        assert_eq!(end.run.counts.failed, 1, "{:?}", end.run);
    }
    let told = |s: &Summary, what: &str| s.attention.iter().any(|a| a.text.ends_with(what));
    let hidden = "is one already (as <(address)>).";
    let both = |s: &Summary| told(s, ask) && told(s, hidden);
    world.summary("both rules", both).await;
}
