//! What people do to single records by hand: handed over, linked, unlinked; and what of it reaches
//! the org.

use serde_json::json;
use syncdeck::domain::form::{Standing, Takes};
use syncdeck::domain::id::AppId;
use syncdeck::domain::value::Value;
use syncdeck::engine::audit::{What, newest};
use syncdeck::engine::command::{Command, Page, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::view::{FormField, RecordFormView};
use syncdeck::error::{Kind, Result};
use syncdeck::sandbox::By;

use super::*;

async fn form(world: &mut World, key: &RecordKey) -> RecordFormView {
    let command = Command::RecordForm {
        pair: key.pair.clone(),
        app_id: Some(key.app_id.clone()),
    };
    match world.ask(command).await.unwrap() {
        Reply::RecordForm(view) => *view,
        other => panic!("{other:?}"),
    }
}

/// A value that the field takes and does not have.
fn another(field: &FormField) -> String {
    let Takes::Listed(choices, _) = &field.spec.takes else {
        panic!("{field:?}");
    };
    let other = |c: &&syncdeck::domain::form::Choice| {
        c.standing == Standing::Taken && field.value != Value::text(c.value.clone())
    };
    choices.iter().find(other).unwrap().value.clone()
}

async fn link(world: &mut World, key: &RecordKey, crm_id: &str) -> Result<Reply> {
    let command = Command::LinkRecord {
        key: key.clone(),
        crm_id: crm_id.parse().unwrap(),
    };
    world.ask(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_is_one_write_with_status_and_owner() {
    let mut world = World::imported().await;
    let lead = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id")
        .remove(0);
    let key = world.key("leads", &lead);
    let view = form(&mut world, &key).await;
    let field = |name: &Option<_>| {
        let name = name.as_ref().unwrap();
        view.fields.iter().find(|f| f.spec.name == *name).unwrap()
    };
    let (owner, status) = (field(&view.owner), field(&view.status));
    let (to, stage) = (another(owner), another(status));
    world.org().forget();
    let fields = [
        (owner.spec.name.clone(), Value::text(to.clone())),
        (status.spec.name.clone(), Value::text(stage)),
    ];
    let edit = Command::EditRecord {
        key: key.clone(),
        rev: view.rev,
        fields: fields.into(),
    };
    world.tell(edit).await;
    let before = world.there(&lead, "Status");
    let run = world.sync_pair("leads").await;
    assert_eq!(run.run.counts.failed, 0, "{run:?}");
    let user = world.there(&lead, "OwnerId");
    let users = world.ids(&format!(
        "SELECT Id FROM User WHERE Email = '{to}' AND IsActive = true"
    ));
    assert!(users.contains(&user), "{user} is not one of {users:?}");
    assert_ne!(world.there(&lead, "Status"), before);
    assert_eq!(
        world.org().written()[&lead].updated,
        1,
        "one act, one write"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_moved_by_hand_and_the_next_sync_writes_along_it() {
    let mut world = World::imported().await;
    let twin = world.make("Account", json!({"Name": "Twin Ltd"}));
    world.sync_pair("accounts").await;
    let there = world.key("accounts", &twin);
    let made = [("name", "Twin Ltd"), ("phone", "+49 30 4711")];
    let here = world.create("accounts", &made).await;

    let error = link(&mut world, &here, &twin).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(
        error.message().contains("is linked with Twin Ltd"),
        "{error}"
    );

    let unlink = Command::UnlinkRecord { key: there.clone() };
    world.tell(unlink).await;
    world.edit(&there, "phone", "not for Salesforce").await;
    link(&mut world, &here, &twin).await.unwrap();
    world.org().forget();
    let run = world.sync_pair("accounts").await;
    assert_eq!(run.run.counts.failed, 0, "{run:?}");
    assert_eq!(world.there(&twin, "Phone"), "+49 30 4711");
    assert_eq!(
        world.ids("SELECT Id FROM Account WHERE Name = 'Twin Ltd'"),
        std::slice::from_ref(&twin)
    );
    assert_eq!(world.crm_id(&here), Some(twin));
    assert_eq!(world.created(), 0);

    // Neither is made or linked again by itself, and what was done stands in the log.
    assert_eq!(
        world
            .app_ids("accounts")
            .iter()
            .filter(|id| **id == there.app_id)
            .count(),
        1
    );
    let page = Page {
        offset: 0,
        limit: 500,
    };
    let log = newest(world.state(), None, page).unwrap().rows;
    for what in [What::Linked, What::Unlinked] {
        let entries = log.iter().filter(|e| e.what == what);
        assert_eq!(entries.count(), 1, "{what:?}");
    }
    assert!(audited::unaudited(&world).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlinked_record_stays_apart_until_it_is_linked_again() {
    let mut world = World::imported().await;
    let account = world.account(0);
    let key = world.key("accounts", &account);
    world.tell(Command::UnlinkRecord { key: key.clone() }).await;
    world.edit(&key, "phone", "here").await;
    world.change(&account, json!({"Phone": "there"}));
    world.org().forget();
    world.sync_pair("accounts").await;
    assert_eq!(world.value(&key, "phone"), "here");
    assert_eq!(world.there(&account, "Phone"), "there");
    assert!(world.org().written().is_empty());
    let error = world
        .ask(Command::UnlinkRecord { key: key.clone() })
        .await
        .unwrap_err();
    assert_eq!(error.message(), "this record is not linked");

    link(&mut world, &key, &account).await.unwrap();
    world.sync_pair("accounts").await;
    let conflicts = world.conflicts().await;
    assert!(
        conflicts.iter().any(|row| row.key == key),
        "both differ: a person is asked"
    );
    assert_eq!(world.there(&account, "Phone"), "there");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_salesforce_has_can_be_linked() {
    let mut world = World::imported().await;
    let here = world.create("accounts", &[("name", "Alone Ltd")]).await;
    let error = link(&mut world, &here, "001000000000ZZZ")
        .await
        .unwrap_err();
    assert!(
        error.message().contains("Salesforce has no Account"),
        "{error}"
    );
    let gone = world.make("Account", json!({"Name": "Gone Ltd"}));
    world.org().delete(By::Colleague, &gone).unwrap();
    let error = link(&mut world, &here, &gone).await.unwrap_err();
    assert!(
        error.message().contains("was deleted in Salesforce"),
        "{error}"
    );
    assert_eq!(world.crm_id(&here), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_records_are_changed_and_synced_and_the_others_wait() {
    let mut world = World::imported().await;
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id");
    let keys: Vec<RecordKey> = ids
        .iter()
        .take(3)
        .map(|id| world.key("leads", id))
        .collect();
    let pair = keys[0].pair.clone();
    let names: Vec<AppId> = keys.iter().map(|key| key.app_id.clone()).collect();
    let status = form(&mut world, &keys[0]).await.status.unwrap();
    let command = Command::PinRecords {
        pair: pair.clone(),
        records: names.clone(),
    };
    let Reply::Pinned(pinned) = world.ask(command).await.unwrap() else {
        panic!("not pinned");
    };
    // Somebody changes the last one after the form was opened.
    world.edit(&keys[2], "phone", "+47 1").await;
    let view = form(&mut world, &keys[0]).await;
    let spec = view.fields.iter().find(|f| f.spec.name == status).unwrap();
    let to = another(spec);
    let command = Command::EditRecords {
        pair: pair.clone(),
        records: pinned.records,
        fields: [(status.clone(), Value::text(to.clone()))].into(),
    };
    let Reply::Acted(acted) = world.ask(command).await.unwrap() else {
        panic!("not changed");
    };
    assert_eq!(acted.done.len(), 2);
    assert_eq!(acted.refused[0].app_id, names[2]);
    assert!(acted.refused[0].why.contains("changed meanwhile"));
    let before = world.there(&ids[1], "Status");
    let command = Command::SyncRecords {
        pair: pair.clone(),
        records: vec![names[0].clone()],
    };
    let Reply::Started(runs) = world.ask(command).await.unwrap() else {
        panic!("not started");
    };
    world.end(runs[0]).await;
    assert_eq!(world.there(&ids[0], "Status"), to);
    assert_eq!(world.there(&ids[1], "Status"), before, "it was not chosen");
    world.sync_pair("leads").await;
    assert_eq!(world.there(&ids[1], "Status"), to, "it was not lost either");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_chosen_records_makes_none_in_the_org() {
    let mut world = World::imported().await;
    let lead = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id")
        .remove(0);
    let old = world.key("leads", &lead);
    let fields = [("last_name", "New"), ("company", "Acme")];
    let new = world.create("leads", &fields).await;
    let made = world.created();
    let command = Command::SyncRecords {
        pair: old.pair.clone(),
        records: vec![old.app_id.clone(), new.app_id.clone()],
    };
    let error = world.ask(command).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let says = format!("1 record is not in Salesforce yet: {}", new.app_id);
    assert_eq!(error.message(), says);
    assert_eq!(world.created(), made);
    let command = Command::SyncRecords {
        pair: old.pair,
        records: Vec::new(),
    };
    assert_eq!(world.ask(command).await.unwrap_err().kind(), Kind::Usage);
}
