//! Creates that the org refuses because a record like them is there already.

use serde_json::json;
use syncdeck::domain::conflict::Kind;
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::Creates;
use syncdeck::domain::preset;
use syncdeck::domain::run::ResultKind;
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::view::RunDetail;
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

/// What a lead is made with here.
const TWIN: [(&str, &str); 3] = [
    ("last_name", "Twin"),
    ("company", "Twins Inc"),
    ("email", "twin@example.com"),
];

/// A lead is made here, and while it is on its way a colleague makes these: the lead, theirs, and
/// what the run came to. Nothing was made there.
async fn both_make<const N: usize>(
    world: &mut World,
    theirs: [serde_json::Value; N],
) -> (RecordKey, [String; N], RunDetail) {
    let key = world.create("leads", &TWIN).await;
    world.org().forget();
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 300, "method": "POST", "path": "*/composite/sobjects", "times": 1,
    })));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    let ids = theirs.map(|fields| world.make("Lead", fields));
    let end = world.end(run).await;
    assert_eq!(world.created(), 0);
    (key, ids, end)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_record_that_the_rules_mean_is_linked() {
    let mut world = World::imported().await;
    guarded(&world, "Email");
    let theirs = json!({
        "LastName": "Twin", "Company": "Twins Inc", "Email": "twin@example.com", "Phone": "+47 9",
    });
    let (key, [id], end) = both_make(&mut world, [theirs]).await;
    assert_eq!(end.run.state, RunState::Succeeded);
    assert_eq!(world.crm_id(&key), Some(id));
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
    let (key, _, end) = both_make(&mut world, [theirs]).await;
    assert_eq!(end.run.state, RunState::SucceededWithErrors);
    assert_eq!(world.crm_id(&key), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_the_rules_mean_a_person_says_which() {
    let mut world = World::imported().await;
    guarded(&world, "LastName");
    // By e-mail address both are the same as the new one; only one is like it for the org.
    let other = json!({"LastName": "Other", "Company": "Twins Inc", "Email": "twin@example.com"});
    let theirs = json!({"LastName": "Twin", "Company": "Twins Inc", "Email": "twin@example.com"});
    // Neither was read when the new one is sent.
    let (key, [twin, other], end) = both_make(&mut world, [theirs, other]).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(end.run.counts.conflicts, 1);
    let result = end.records.rows.iter().find(|r| r.app_id == key.app_id);
    assert_eq!(result.map(|r| r.kind), Some(ResultKind::Conflict));
    let asked = |world: &World| {
        let open = world
            .state()
            .open_conflicts(&key.pair, &key.app_id)
            .unwrap();
        open.into_iter().map(|c| c.kind).collect::<Vec<_>>()
    };
    let mut candidates = [&other, &twin].map(|id| id.parse().unwrap());
    candidates.sort();
    let candidates = candidates.to_vec();
    assert_eq!(asked(&world), [Kind::AmbiguousMatch { candidates }]);
    // Until a person says so it is linked with none, though the next window brings them one by one.
    for _ in 0..2 {
        world.sync_pair("leads").await;
        assert_eq!(world.crm_id(&key), None);
        assert_eq!(asked(&world).len(), 1);
    }
    world
        .tell(Command::LinkRecord {
            key: key.clone(),
            crm_id: twin.parse().unwrap(),
        })
        .await;
    world.sync_pair("leads").await;
    assert_eq!(world.crm_id(&key), Some(twin));
    assert!(asked(&world).is_empty());
    assert_ne!(
        world.key("leads", &other),
        key,
        "the other is one of its own"
    );
    assert_eq!(world.created(), 0);
    assert_agree(&world);
}

/// A pair that takes nothing over from Salesforce does not know what is there: it looks before it
/// makes a record.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_leaves_records_out_looks_before_it_makes_one() {
    let mut pairs = preset::preset("whole-crm").unwrap();
    for pair in &mut pairs {
        pair.create_in_app = Creates::Off;
    }
    let mut world = World::with_fields(pairs, Vec::new(), 20, Sizes::default()).await;
    let there = json!({"LastName": "Twin", "Company": "Twins Inc", "Email": "twin@example.com"});
    let id = world.make("Lead", there);
    world.sync_pair("leads").await;
    let twin = world.create("leads", &TWIN).await;
    let other = [
        ("last_name", "Other"),
        ("company", "Others"),
        ("email", "other@example.com"),
    ];
    let other = world.create("leads", &other).await;
    world.org().forget();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.crm_id(&twin).as_deref(), Some(id.as_str()));
    assert!(world.crm_id(&other).is_some());
    assert_eq!(world.created(), 1);
}
