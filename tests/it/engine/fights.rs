//! A rule that always writes its own value, against an org that always changes it: the writes are
//! bounded, and a person is asked (sync-semantics 2.5, I42).

use syncdeck::domain::conflict::{Kind, State, Superseded};
use syncdeck::domain::mapping::{Flow, Foreign};
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tables::{CONFLICTS, FIGHTS};
use syncdeck::engine::view::ConflictDetail;
use syncdeck::sandbox::{Automation, Becomes, Flow as Automatic};

use super::*;

/// The App's phone always goes to Salesforce, which keeps the digits of it.
async fn fighting() -> (World, String, RecordKey) {
    let mut world = World::imported().await;
    let pair = "accounts".into();
    let Reply::Mapping(detail) = world.ask(Command::Mapping { pair }).await.unwrap() else {
        panic!("no mapping");
    };
    let mut draft = Box::new(detail.pair);
    let phone = draft.rows.iter_mut().find(|r| r.app[0].as_str() == "phone");
    phone.unwrap().flow = Flow::ToCrm(Foreign::Enforce);
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    let automation = Automation {
        flows: vec![Automatic {
            object: "Account".into(),
            field: "Phone".into(),
            becomes: Becomes::Digits,
        }],
        ..Automation::default()
    };
    world.org().set_automation(automation).unwrap();
    let id = world.account(0);
    let key = world.key("accounts", &id);
    (world, id, key)
}

async fn detail(world: &mut World, key: &RecordKey) -> Option<ConflictDetail> {
    let key = key.clone();
    match world.ask(Command::Conflict { key }).await.unwrap() {
        Reply::Conflict(detail) => detail.map(|d| *d),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_settles_is_stopped_and_a_person_is_asked() {
    let (mut world, id, key) = fighting().await;
    world.edit(&key, "phone", "+47 (22) 86").await;
    world.org().forget();
    for _ in 0..8 {
        world.sync_pair("accounts").await;
    }
    let writes = world.org().written()[&id].updated;
    assert!((2..=4).contains(&writes), "written {writes} times");
    assert_eq!(world.there(&id, "Phone"), "+472286");
    assert_eq!(world.value(&key, "phone"), "+47 (22) 86");
    let shown = detail(&mut world, &key).await.unwrap();
    let note = shown.fields[0].note.clone().unwrap();
    assert!(note.contains("+47 (22) 86 > +47 (22) 86"), "{note}");
    assert!(
        note.contains("+472286 > +472286") && note.contains("one way"),
        "{note}"
    );
    let rows = world.conflicts().await;
    assert_eq!(rows[0].waits_for, "you: it never settles");

    // Its other fields go on.
    world.edit(&key, "name", "Still In Step").await;
    world.sync_pair("accounts").await;
    assert_eq!(world.there(&id, "Name"), "Still In Step");
    assert_eq!(world.value(&key, "phone"), "+47 (22) 86");

    // A value that both can hold ends it, and it begins anew.
    world.edit(&key, "phone", "+472286").await;
    world.sync_pair("accounts").await;
    assert!(world.conflicts().await.is_empty());
    let store = world.state().store();
    assert_eq!(store.scan(&FIGHTS, &[]).count(), 0);
    let ended = store.scan(&CONFLICTS, &[]).map(|row| row.unwrap().1);
    let ended = ended.filter(|c| matches!(c.kind, Kind::NormaliserFight { .. }));
    let states: Vec<State> = ended.map(|c| c.state).collect();
    let how = Superseded::Converged;
    assert_eq!(states, [State::Superseded { how }]);
    world.edit(&key, "phone", "86").await;
    world.sync_pair("accounts").await;
    assert_eq!(world.there(&id, "Phone"), "86");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_edit_the_same_field_in_turn_are_not_stopped() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    for n in 0..4 {
        world.edit(&key, "name", &format!("Here {n}")).await;
        world.sync_pair("accounts").await;
        assert_eq!(world.there(&id, "Name"), format!("Here {n}"));
        world.change(&id, serde_json::json!({"Name": format!("There {n}")}));
        world.sync_pair("accounts").await;
        assert_eq!(world.value(&key, "name"), format!("There {n}"));
    }
    assert!(world.conflicts().await.is_empty());
    assert_agree(&world);
}
