//! Writes that get no answer, a wrong one, or a refusal: each is made once, or not at all, and
//! the run says which.

use serde_json::{Value as Json, json};
use syncdeck::domain::run::ResultKind;
use syncdeck::engine::audit::{Did, Place};
use syncdeck::engine::command::{Command, Page, QuarantineFilter, RecordKey};
use syncdeck::engine::notice::Reply;

use super::world::LATE;
use super::*;

const CREATES: (&str, &str) = ("POST", "*/composite/sobjects");
const UPDATES: (&str, &str) = ("POST", "*/composite");
const DELETES: (&str, &str) = ("DELETE", "composite/sobjects");

/// An account to be created, one to be changed and one to be deleted.
struct Three {
    world: World,
    made: RecordKey,
    changed: String,
    deleted: String,
}

impl Three {
    async fn new() -> Self {
        let mut world = World::imported().await;
        let changed = world.account(0);
        // It has no contacts and deals that would go with it.
        let alone = json!({"Name": "Alone"});
        let deleted = world.make("Account", alone);
        world.sync_pair("accounts").await;
        let key = world.key("accounts", &changed);
        world.edit(&key, "name", "Changed Here").await;
        let key = world.key("accounts", &deleted);
        world.delete(&key).await;
        let made = world.create("accounts", &[("name", "Made Here")]).await;
        world.org().forget();
        Self {
            world,
            made,
            changed,
            deleted,
        }
    }

    fn inject(&self, wrong: &Json, calls: &[(&str, &str)], times: Option<u32>) {
        for (method, path) in calls {
            let mut wrong = wrong.clone();
            wrong["method"] = json!(method);
            wrong["path"] = json!(path);
            wrong["times"] = json!(times);
            self.world.org().inject(fault(wrong));
        }
    }

    /// Each of the three was done exactly once.
    #[track_caller]
    fn done(&self, what: &str) {
        let world = &self.world;
        let made = world.ids("SELECT Id FROM Account WHERE Name = 'Made Here'");
        assert_eq!(made, [world.crm_id(&self.made).unwrap()], "{what}");
        assert_eq!(world.there(&self.changed, "Name"), "Changed Here", "{what}");
        assert_eq!(world.there(&self.deleted, "IsDeleted"), "true", "{what}");
        let written = world.org().written();
        assert_eq!(written.len(), 3, "{what}: {written:?}");
        assert_eq!(written[&made[0]].created, 1, "{what}");
        assert_eq!(written[&self.changed].updated, 1, "{what}");
        assert_eq!(written[&self.deleted].deleted, 1, "{what}");
        let told = audited::told(world);
        for (id, did) in [
            (&made[0], Did::Created),
            (&self.changed, Did::Changed),
            (&self.deleted, Did::Deleted),
        ] {
            let entry = (Place::Crm, id.clone(), did);
            assert_eq!(told.get(&entry), Some(&1), "{what}: {entry:?}");
        }
        assert_agree(world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_found_and_not_made_again() {
    for wrong in [json!({"kind": "drop_after"}), json!({"kind": "truncate"})] {
        let mut three = Three::new().await;
        three.inject(&wrong, &[CREATES, UPDATES, DELETES], Some(1));
        let end = three.world.sync_pair("accounts").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{wrong}: {:?}", end.run);
        assert_eq!(end.run.counts.pushed, 3, "{wrong}: {:?}", end.run.counts);
        three.done(&wrong.to_string());
        three.world.sync().await;
        three.done(&wrong.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_never_arrived_is_held_until_that_is_certain() {
    let wrongs = [
        json!({"kind": "drop_before"}),
        json!({"kind": "garbage"}),
        json!({"kind": "html", "status": 200}),
        json!({"kind": "html", "status": 502}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "status", "status": 503}),
    ];
    for wrong in wrongs {
        let mut three = Three::new().await;
        three.inject(&wrong, &[CREATES, UPDATES, DELETES], None);
        let end = three.world.sync_pair("accounts").await;
        assert!(!matches!(end.run.state, RunState::Running), "{wrong}");
        let unsure = end.records.rows.iter();
        let unsure = unsure.filter(|r| r.kind == ResultKind::Ambiguous).count();
        assert!(unsure >= 2, "{wrong}: {:?}", end.records.rows);
        let held = three.world.state().intents().unwrap().len();
        assert!(held >= 2, "{wrong}: {held} held");
        three.world.org().clear_faults();
        // It may still be executed: nothing is sent for these two.
        three.world.sync().await;
        assert_eq!(three.world.created(), 1, "{wrong}");
        assert_eq!(three.world.org().written().len(), 1, "{wrong}");
        three.world.advance(LATE);
        three.world.sync().await;
        three.done(&wrong.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_write_that_was_executed_late_is_found() {
    let mut three = Three::new().await;
    three.inject(&json!({"kind": "drop_before"}), &[UPDATES, DELETES], None);
    three.world.sync_pair("accounts").await;
    let org = three.world.org();
    org.clear_faults();
    // What was on its way arrives after all.
    let by = syncdeck::sandbox::By::Integration;
    let fields = json!({"Name": "Changed Here"});
    org.update(by, &three.changed, fields.as_object().unwrap())
        .unwrap();
    org.delete(by, &three.deleted).unwrap();
    three.world.sync().await;
    three.done("late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_between_writes_is_renewed() {
    for kind in ["unauthorized", "expire_session"] {
        let mut three = Three::new().await;
        let wrong = json!({"kind": kind});
        three.inject(&wrong, &[CREATES, UPDATES, DELETES], Some(1));
        let end = three.world.sync_pair("accounts").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{kind}: {:?}", end.run);
        three.done(kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daily_limit_stops_the_run_with_nothing_in_doubt() {
    let mut three = Three::new().await;
    let wrong = json!({"kind": "daily_limit"});
    three.inject(&wrong, &[CREATES, UPDATES, DELETES], None);
    let end = three.world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::PutOff);
    let failure = end.run.failure.unwrap();
    assert_eq!(failure.code, "REQUEST_LIMIT_EXCEEDED");
    assert!(!failure.what.is_empty() && !failure.fix.is_empty());
    assert_eq!(three.world.state().intents().unwrap(), []);
    three.world.org().clear_faults();
    let end = three.world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded);
    three.done("daily limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_sign_in_between_writes_loses_nothing() {
    let mut three = Three::new().await;
    three.inject(&json!({"kind": "unauthorized"}), &[UPDATES], None);
    let slow = three.world.org().inject(fault(json!({
        "kind": "delay", "ms": 100, "path": "*/composite/sobjects", "times": 1,
    })));
    let run = three.world.begin_pair("accounts").await;
    three.world.struck(slow, 1).await;
    three.world.org().revoke_grants();
    let end = three.world.end(run).await;
    assert_eq!(end.run.state, RunState::Failed, "{:?}", end.run);
    assert_eq!(three.world.state().intents().unwrap(), []);
    three.world.org().clear_faults();
    three.world.sign_in().await;
    three.world.sync().await;
    three.done("revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_record_is_tried_again_and_does_not_stop_the_others() {
    let mut three = Three::new().await;
    three.world.org().lock(&three.changed, 1).unwrap();
    let end = three.world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(end.run.counts.retried, 1);
    three.done("locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_is_put_aside_once_and_comes_back_with_a_new_value() {
    let mut world = World::imported().await;
    let lead = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 2");
    let (bad, good) = (world.key("leads", &lead[0]), world.key("leads", &lead[1]));
    world.edit(&bad, "phone", "ask at the desk").await;
    world.edit(&good, "title", "Head of Tests").await;
    world.org().forget();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::SucceededWithErrors);
    assert_eq!(end.run.counts.failed, 1);
    let group = &end.groups[0];
    assert_eq!(group.code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert!(!group.what.is_empty() && !group.why.is_empty() && !group.fix.is_empty());
    assert_eq!(world.there(&lead[1], "Title"), "Head of Tests");
    // The same is not sent again.
    let before = world.org().counters().by_kind.clone();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.failed, 0);
    let writes = world.org().requests(0);
    let writes = writes.iter().filter(|r| r.path.ends_with("/composite"));
    assert_eq!(writes.count(), 1, "{before:?}");
    world.edit(&bad, "phone", "+47 22 33 44 55").await;
    world.sync_pair("leads").await;
    assert_eq!(world.there(&lead[0], "Phone"), "+47 22 33 44 55");
    assert_eq!(
        world.state().quarantined(&bad.pair, &bad.app_id).unwrap(),
        None
    );
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_record_is_tried_again_from_its_values_now() {
    let mut world = World::imported().await;
    let lead = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 2");
    let (bad, other) = (world.key("leads", &lead[0]), world.key("leads", &lead[1]));
    for key in [&bad, &other] {
        world.edit(key, "phone", "ask at the desk").await;
    }
    world.sync_pair("leads").await;
    let all = QuarantineFilter::default();
    let listed = |reply| match reply {
        Reply::Quarantine(part) => part,
        other => panic!("{other:?}"),
    };
    let page = Page {
        offset: 1,
        limit: 10,
    };
    let filter = all.clone();
    let ask = Command::Quarantine { filter, page };
    let part = listed(world.ask(ask).await.unwrap());
    assert_eq!((part.rows.len(), part.total), (1, 2));
    assert!(!part.rows[0].name.is_empty() && !part.rows[0].failure.fix.is_empty());
    assert_eq!(part.rows[0].tries, 1);
    // What does not fit, or was named and is not there, is refused, and nothing is released.
    let nobody = RecordKey {
        pair: bad.pair.clone(),
        app_id: "nobody".into(),
    };
    for filter in [
        QuarantineFilter {
            code: Some("NO_SUCH_CODE".into()),
            ..all.clone()
        },
        QuarantineFilter {
            records: vec![bad.clone(), nobody.clone()],
            ..all.clone()
        },
    ] {
        assert!(world.ask(Command::Release { filter }).await.is_err());
    }
    let one = QuarantineFilter {
        records: vec![bad.clone()],
        ..all.clone()
    };
    let reply = world.ask(Command::Release { filter: one }).await.unwrap();
    assert!(matches!(reply, Reply::Released(1)), "{reply:?}");
    // Released: sent once more and refused again; the other is not sent.
    world.org().forget();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run.counts);
    let tries = |world: &World, key: &RecordKey| {
        let entry = world.state().quarantined(&key.pair, &key.app_id).unwrap();
        entry.unwrap().tries
    };
    assert_eq!((tries(&world, &bad), tries(&world, &other)), (1, 1));
    // Released after the org accepts what is there: written, not what was sent before.
    world.edit(&bad, "phone", "+47 22 33 44 55").await;
    let filter = all.clone();
    let reply = world.ask(Command::Release { filter }).await.unwrap();
    assert!(matches!(reply, Reply::Released(2)), "{reply:?}");
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run.counts);
    assert_eq!(world.there(&lead[0], "Phone"), "+47 22 33 44 55");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_value_is_sent_once_more_when_its_record_changes_in_salesforce() {
    let mut world = World::imported().await;
    let lead = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 1")
        .remove(0);
    let key = world.key("leads", &lead);
    world.edit(&key, "phone", "ask at the desk").await;
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.counts.failed, 1);
    world.org().forget();
    for n in 0..2 {
        let title = format!("Title {n}");
        world.change(&lead, json!({"Title": title}));
        // What is different there may be what was missing: tried once, and not again.
        for failed in [1, 0, 0] {
            let end = world.sync_pair("leads").await;
            assert_eq!(end.run.counts.failed, failed, "{:?}", end.run);
        }
        assert_eq!(world.value(&key, "title"), title);
        assert_eq!(sent(&world, "POST", "/composite"), n + 1);
    }
    assert_eq!(world.value(&key, "phone"), "ask at the desk");
    let aside = world.state().quarantined(&key.pair, &key.app_id).unwrap();
    assert!(aside.is_some());
}
