//! Creates that the org refuses because a record like them is there already.

use serde_json::json;
use syncdeck::domain::id::PairName;
use syncdeck::sandbox::{Automation, DuplicateRule, OnDuplicate};

use super::*;

/// The org has no two leads with the same value of a field.
fn guarded(world: &World, field: &str) {
    let rule = DuplicateRule {
        name: "Leads".into(),
        object: "Lead".into(),
        fields: vec![field.into()],
        action: OnDuplicate::Block,
        message: "Use one of these records?".into(),
    };
    let automation = Automation {
        duplicate_rules: vec![rule],
        ..Automation::default()
    };
    world.org().set_automation(automation).unwrap();
}

/// A lead is made here, and while it is on its way a colleague makes one like it.
async fn both_make(world: &mut World, theirs: serde_json::Value) -> (String, RunState, String) {
    let fields = [
        ("last_name", "Twin"),
        ("company", "Twins Inc"),
        ("email", "twin@example.com"),
    ];
    let key = world.create("leads", &fields).await;
    world.org().forget();
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 300, "method": "POST", "path": "*/composite/sobjects", "times": 1,
    })));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    let id = world.make("Lead", theirs);
    let end = world.end(run).await;
    assert_eq!(world.created(), 0);
    (id, end.run.state, world.crm_id(&key).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_record_that_the_rules_mean_is_linked() {
    let mut world = World::imported().await;
    guarded(&world, "Email");
    let theirs = json!({
        "LastName": "Twin", "Company": "Twins Inc", "Email": "twin@example.com", "Phone": "+47 9",
    });
    let (id, state, linked) = both_make(&mut world, theirs).await;
    assert_eq!(state, RunState::Succeeded);
    assert_eq!(linked, id);
    let key = world.key("leads", &id);
    world.sync_pair("leads").await;
    assert_eq!(world.value(&key, "phone"), "+47 9");
    let leads = PairName::new("leads");
    assert_eq!(
        world.state().quarantined(&leads, &key.app_id).unwrap(),
        None
    );
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_like_it_for_the_org_is_put_aside() {
    let mut world = World::imported().await;
    guarded(&world, "LastName");
    let theirs = json!({"LastName": "Twin", "Company": "Others", "Email": "other@example.com"});
    let (_, state, linked) = both_make(&mut world, theirs).await;
    assert_eq!(state, RunState::SucceededWithErrors);
    assert_eq!(linked, "");
}
