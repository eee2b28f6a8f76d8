//! Records that point at each other: made without the reference first, which is written when its
//! parent is there (sync-semantics 7.1).

use serde_json::json;
use syncdeck::domain::id::RowId;
use syncdeck::domain::mapping::{AppField, Row};
use syncdeck::domain::preset;
use syncdeck::domain::value::FieldKind;
use syncdeck::sandbox::{By, ExtraField};

use super::*;

const MAIN: &str = "Main_Contact__c";

/// The whole CRM, where an account names its main contact.
async fn world() -> World {
    let mut pairs = preset::preset("whole-crm").unwrap();
    let of_contact = pairs.iter().find(|p| p.name.as_str() == "contacts");
    let link = |row: &&Row| row.crm.iter().any(|field| field.as_str() == "AccountId");
    let mut row = of_contact.unwrap().rows.iter().find(link).unwrap().clone();
    row.id = RowId(1_000);
    row.app = vec!["main_contact".into()];
    row.crm = vec![MAIN.into()];
    row.to_crm = "link(contacts)".parse().unwrap();
    row.to_app = row.to_crm.clone();
    let accounts = pairs.iter_mut().find(|p| p.name.as_str() == "accounts");
    let accounts = accounts.unwrap();
    accounts.app_fields.push(AppField {
        name: "main_contact".into(),
        kind: FieldKind::Reference,
        length: 0,
    });
    accounts.rows.push(row);
    let field = ExtraField {
        object: "Account".to_owned(),
        line: format!("{MAIN} reference CUNFGS ->Contact"),
    };
    let mut world = World::with_fields(pairs, vec![field], 20, Sizes::default()).await;
    settled(&mut world).await;
    world
}

async fn settled(world: &mut World) {
    for _ in 0..2 {
        for end in world.sync().await {
            assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        }
        world.advance(60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_point_at_each_other_are_made_in_salesforce() {
    let mut world = world().await;
    let account = world.create("accounts", &[("name", "Round")]).await;
    let of_account = account.app_id.as_str().to_owned();
    let fields = [("last_name", "Square"), ("account_id", of_account.as_str())];
    let contact = world.create("contacts", &fields).await;
    world
        .edit(&account, "main_contact", contact.app_id.as_str())
        .await;
    settled(&mut world).await;
    let [account, contact] = [&account, &contact].map(|key| world.crm_id(key).unwrap());
    assert_eq!(world.there(&account, MAIN), contact);
    assert_eq!(world.there(&contact, "AccountId"), account);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_point_at_each_other_come_to_the_app() {
    let mut world = world().await;
    let make = |object: &str, fields: serde_json::Value| {
        let fields = fields.as_object().unwrap().clone();
        world.org().create(By::Colleague, object, &fields).unwrap()
    };
    let account = make("Account", json!({"Name": "Round"}));
    let contact = make(
        "Contact",
        json!({"LastName": "Square", "AccountId": account}),
    );
    world.change(&account, json!({ MAIN: contact }));
    settled(&mut world).await;
    let [account, contact] =
        [("accounts", &account), ("contacts", &contact)].map(|(pair, id)| world.key(pair, id));
    assert_eq!(
        world.value(&account, "main_contact"),
        contact.app_id.as_str()
    );
    assert_eq!(world.value(&contact, "account_id"), account.app_id.as_str());
    assert_agree(&world);
}
