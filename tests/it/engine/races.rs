//! Both sides move at the same moment: nothing is lost, and what cannot be merged is asked.

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Kind, State};
use syncdeck::domain::id::RunId;
use syncdeck::domain::mapping::Guard;
use syncdeck::domain::preset;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Value;
use syncdeck::engine::command::RecordKey;
use syncdeck::engine::tables::INBOX;
use syncdeck::sandbox::{Access, Automation, FieldAccess};

use super::*;

/// An account whose new App value is on its way to Salesforce, and not there yet.
struct InFlight {
    world: World,
    id: String,
    key: RecordKey,
    run: RunId,
}

impl InFlight {
    async fn update(field: &str, text: &str) -> Self {
        Self::slow(World::imported().await, "*/composite", field, text).await
    }

    /// A call of this path, of the run that writes it, takes a while.
    async fn slow(mut world: World, path: &str, field: &str, text: &str) -> Self {
        let id = world.account(0);
        let key = world.key("accounts", &id);
        world.edit(&key, field, text).await;
        let slow = world.org().inject(fault(json!({
            "kind": "delay", "ms": 300, "path": path, "method": "POST", "times": 1,
        })));
        let run = world.begin_pair("accounts").await;
        world.struck(slow, 1).await;
        Self {
            world,
            id,
            key,
            run,
        }
    }

    /// A colleague edits now, and the run comes to its end.
    async fn meanwhile(&mut self, fields: serde_json::Value) {
        self.world.change(&self.id, fields);
        let end = self.world.end(self.run).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }

    fn values(&self, app: &str, crm: &str) -> (String, String) {
        let here = self.world.value(&self.key, app);
        (here, self.world.there(&self.id, crm))
    }
}

fn both(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_field_edited_while_we_write_becomes_a_conflict() {
    let mut race = InFlight::update("name", "Mine").await;
    race.meanwhile(json!({"Name": "Theirs"})).await;
    assert_eq!(
        race.values("name", "Name"),
        ("Mine".into(), "Theirs".into())
    );
    let world = &mut race.world;
    let open = world
        .state()
        .open_conflicts(&race.key.pair, &race.key.app_id)
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].app, Some(vec![Value::text("Mine")]));
    assert_eq!(open[0].crm, Some(vec![Value::text("Theirs")]));
    let rows = world.conflicts().await;
    let refused = world.decide(&rows[0], Choice::Take(Side::Crm)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    assert_eq!(race.values("name", "Name"), both("Theirs"));
    assert_agree(&race.world);
}

/// With the guard `recheck` the records are read right before; who edits while that is under way is
/// seen.
#[tokio::test(flavor = "multi_thread")]
async fn what_moved_when_it_is_read_right_before_is_not_written() {
    let mut pairs = preset::preset("whole-crm").unwrap();
    for pair in &mut pairs {
        pair.guard = Guard::Recheck;
    }
    let mut world = World::with_fields(pairs, Vec::new(), 100, Sizes::default()).await;
    world.sync().await;
    let mut race = InFlight::slow(world, "*/composite/sobjects/Account", "name", "Mine").await;
    race.meanwhile(json!({"Name": "Theirs"})).await;
    let theirs = ("Mine".into(), "Theirs".into());
    assert_eq!(race.values("name", "Name"), theirs);
    let rows = race.world.conflicts().await;
    assert_eq!(rows.len(), 1);
    race.world.decide(&rows[0], Choice::Take(Side::App)).await;
    race.world.write().await;
    assert_eq!(race.values("name", "Name"), both("Mine"));
    assert_agree(&race.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_field_edited_while_we_write_is_merged() {
    let mut race = InFlight::update("name", "Mine").await;
    race.meanwhile(json!({"Description": "Theirs"})).await;
    assert_eq!(race.values("name", "Name"), both("Mine"));
    assert_eq!(race.values("description", "Description"), both("Theirs"));
    assert!(race.world.conflicts().await.is_empty());
    assert_agree(&race.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_with_a_rule_edited_while_we_write_follows_the_rule_and_is_logged() {
    let mut race = InFlight::update("industry", "Agriculture").await;
    race.meanwhile(json!({"Industry": "Banking"})).await;
    assert_eq!(race.values("industry", "Industry"), both("Banking"));
    let world = &race.world;
    let store = world.state().store();
    let logged = store
        .scan(&syncdeck::engine::tables::CONFLICTS, &[])
        .map(|row| row.unwrap().1)
        .filter(|c| {
            matches!(
                c.state,
                State::AutoResolved {
                    winner: Side::Crm,
                    ..
                }
            )
        })
        .filter(|c| c.app == Some(vec![Value::text("Agriculture")]));
    assert_eq!(logged.count(), 1);
    assert_agree(world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_not_written_over_an_edit_that_came_meanwhile() {
    let mut race = InFlight::update("name", "Mine").await;
    race.meanwhile(json!({"Name": "Theirs"})).await;
    let world = &mut race.world;
    let rows = world.conflicts().await;
    world.decide(&rows[0], Choice::Take(Side::App)).await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 300, "path": "*/composite", "method": "POST", "times": 1,
    })));
    let (org, id) = (world.org(), race.id.clone());
    let colleague = tokio::spawn(async move {
        let struck = || org.faults().iter().any(|f| f.id == slow && f.struck > 0);
        while !struck() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        let fields = json!({"Name": "Theirs, later"});
        let by = syncdeck::sandbox::By::Colleague;
        org.update(by, &id, fields.as_object().unwrap()).unwrap();
    });
    world.write().await;
    colleague.await.unwrap();
    assert_eq!(
        race.values("name", "Name"),
        ("Mine".into(), "Theirs, later".into())
    );
    let world = &mut race.world;
    let rows = world.conflicts().await;
    assert_eq!(rows.len(), 1);
    world.decide(&rows[0], Choice::Take(Side::App)).await;
    world.write().await;
    assert_eq!(race.values("name", "Name"), both("Mine"));
    assert_agree(&race.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_edit_while_its_write_is_on_its_way_is_not_lost() {
    for kind in ["none", "drop_after", "drop_before"] {
        let mut race = InFlight::update("name", "Mine").await;
        if kind != "none" {
            // The slow call is past its faults; the next read back sees what became of it.
            let lost = json!({"kind": kind, "path": "*/composite/sobjects/Account", "times": 1});
            race.world.org().inject(fault(lost));
        }
        race.world.edit(&race.key, "name", "Mine, later").await;
        race.world.end(race.run).await;
        race.world.sync_pair("accounts").await;
        assert_eq!(race.values("name", "Name"), both("Mine, later"), "{kind}");
        assert_agree(&race.world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_edit_while_the_answer_to_its_write_is_lost_is_not_lost() {
    for kind in ["drop_after", "drop_before"] {
        let mut world = World::imported().await;
        let id = world.account(0);
        let key = world.key("accounts", &id);
        world.edit(&key, "name", "Mine").await;
        let slow = json!({"kind": "delay", "ms": 300, "path": "*/composite", "times": 1});
        let slow = world.org().inject(fault(slow));
        let lost = json!({"kind": kind, "path": "*/composite", "times": 1});
        world.org().inject(fault(lost));
        let run = world.begin_pair("accounts").await;
        world.struck(slow, 1).await;
        world.edit(&key, "name", "Mine, later").await;
        world.end(run).await;
        world.sync_pair("accounts").await;
        world.advance(super::world::LATE);
        world.sync_pair("accounts").await;
        assert_eq!(world.there(&id, "Name"), "Mine, later", "{kind}");
        assert_agree(&world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_edit_while_its_record_is_created_is_not_lost() {
    for kind in ["none", "drop_after", "drop_before"] {
        let mut world = World::imported().await;
        let key = world.create("accounts", &[("name", "Made Here")]).await;
        let path = "*/composite/sobjects";
        let slow = json!({"kind": "delay", "ms": 300, "path": path, "times": 1});
        let slow = world.org().inject(fault(slow));
        if kind != "none" {
            let lost = json!({"kind": kind, "path": path, "times": 1});
            world.org().inject(fault(lost));
        }
        world.org().forget();
        let run = world.begin_pair("accounts").await;
        world.struck(slow, 1).await;
        world.edit(&key, "name", "Made Here, later").await;
        world.end(run).await;
        world.sync_pair("accounts").await;
        let id = world.crm_id(&key).unwrap();
        assert_eq!(world.there(&id, "Name"), "Made Here, later", "{kind}");
        assert_eq!(world.created(), 1, "{kind}");
        assert_agree(&world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_delete_while_its_record_is_created_is_followed() {
    for kind in ["none", "drop_after", "drop_before"] {
        let mut world = World::imported().await;
        let key = world.create("accounts", &[("name", "Made Here")]).await;
        let path = "*/composite/sobjects";
        let slow = json!({"kind": "delay", "ms": 300, "path": path, "times": 1});
        let slow = world.org().inject(fault(slow));
        if kind != "none" {
            let lost = json!({"kind": kind, "path": path, "times": 1});
            world.org().inject(fault(lost));
        }
        let run = world.begin_pair("accounts").await;
        world.struck(slow, 1).await;
        world.delete(&key).await;
        world.end(run).await;
        world.sync_pair("accounts").await;
        // Salesforce gave it an owner, which nobody here has seen: that may be asked about.
        if let [row] = world.conflicts().await.as_slice() {
            world.decide(row, Choice::Take(Side::App)).await;
            world.write().await;
        }
        let left = world.ids("SELECT Id FROM Account WHERE Name = 'Made Here'");
        assert_eq!(left, [""; 0], "{kind}");
        assert_agree(&world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_edited_before_its_delete_arrives_is_asked_about() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    world.delete(&key).await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 300, "path": "*/composite/sobjects/Account", "times": 1,
    })));
    let run = world.begin_pair("accounts").await;
    world.struck(slow, 1).await;
    world.change(&id, json!({"Name": "Still Needed"}));
    world.end(run).await;
    assert_eq!(world.there(&id, "IsDeleted"), "false");
    let rows = world.conflicts().await;
    assert_eq!(rows.len(), 1);
    world.decide(&rows[0], Choice::Take(Side::Crm)).await;
    world.write().await;
    world.sync().await;
    assert_eq!(world.value(&key, "name"), "Still Needed");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_keeps_moving_is_given_to_a_person() {
    let mut race = InFlight::update("name", "Mine").await;
    let world = &mut race.world;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 100, "path": "*/composite", "method": "POST",
    })));
    world.change(&race.id, json!({"Description": "0"}));
    for n in 1..6 {
        // Time passes, so that nobody waits for the last edit to settle.
        world.advance(10);
        world.struck(slow, n).await;
        world.advance(10);
        world.change(&race.id, json!({"Description": n.to_string()}));
    }
    world.end(race.run).await;
    world.org().clear_faults();
    let open = world
        .state()
        .open_conflicts(&race.key.pair, &race.key.app_id)
        .unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].kind, Kind::HotRecord);
    assert_eq!(world.there(&race.id, "Description"), "5");
    // It has come to rest, and the next run may write it.
    let rows = world.conflicts().await;
    let refused = world.decide(&rows[0], Choice::Take(Side::App)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    world.sync().await;
    assert_eq!(race.values("name", "Name"), both("Mine"));
    assert_eq!(race.values("description", "Description"), both("5"));
    assert_agree(&race.world);
}

/// The inbox keeps what was read while a write is in doubt. Here that is a record without a field
/// that this user did not see then; nothing tells by a stamp that it was shown again.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_with_one_stamp_the_one_that_was_read_later_counts() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    world.change(&id, json!({"Phone": "12"}));
    world.edit(&key, "website", "https://mine.example").await;
    let lost = json!({"kind": "drop_before", "path": "*/composite", "times": 1});
    world.org().inject(fault(lost));
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.deferred, 1, "{:?}", end.run);
    let open = world.org().automation();
    let hidden = FieldAccess {
        object: "Account".into(),
        field: "Website".into(),
        user: None,
        access: Access::None,
    };
    let without = Automation {
        field_access: vec![hidden],
        ..open.clone()
    };
    world.org().set_automation(without).unwrap();
    // One run to see that the field is gone, one to read the record without it.
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.failure.unwrap().code, "INVALID_FIELD");
    world.sync_pair("accounts").await;
    let in_doubt = world.state().intents().unwrap().len();
    let kept = world.state().store().count(&INBOX).unwrap();
    assert_eq!((in_doubt, kept), (1, 1));
    world.org().set_automation(open).unwrap();
    // It is described again by the day.
    world.advance(25 * 3_600);
    world.sync_pair("accounts").await;
    assert_eq!(world.there(&id, "Website"), "https://mine.example");
    assert_agree(&world);
}
