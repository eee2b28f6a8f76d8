//! Staged changes of a mapping are seen until they are saved.

use syncdeck::domain::mapping::{Pair, Switch};
use syncdeck::engine::command::Command;
use syncdeck::sandbox::{Access, Automation, FieldAccess};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_counted_and_named_until_it_is_forgotten() {
    let mut world = World::signed_in("whole-crm", 10).await;
    let pair = syncdeck::domain::id::PairName::new("accounts");
    let mut draft = world.state().pair(&pair).unwrap().unwrap();
    draft.rows[1].switch = Switch::Off;
    let draft = Some(Box::new(draft));
    let keep = |draft| Command::KeepDraft {
        pair: pair.clone(),
        draft,
    };
    world.ask(keep(draft)).await.unwrap();
    let seen = world.summary("the draft to be counted", |s| s.drafts == 1);
    let seen = seen.await;
    assert!(
        seen.attention.iter().any(|a| a
            .text
            .contains("accounts: changes of the mapping are staged")),
        "{:?}",
        seen.attention
    );
    world.ask(keep(None)).await.unwrap();
    world
        .summary("no draft to be counted", |s| s.drafts == 0)
        .await;
}

/// Hides a field of accounts from everybody, or shows it again.
fn hide(world: &World, fields: &[&str]) {
    let hidden = fields.iter().map(|field| FieldAccess {
        object: "Account".into(),
        field: (*field).into(),
        user: None,
        access: Access::None,
    });
    world
        .org()
        .set_automation(Automation {
            field_access: hidden.collect(),
            ..Automation::default()
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_was_given_back_can_be_mapped_again_at_once() {
    let mut world = World::imported().await;
    let name = syncdeck::domain::id::PairName::new("accounts");
    let of_industry = |pair: &Pair| {
        let mut rows = pair.rows.iter();
        rows.position(|row| row.crm.iter().any(|field| field.as_str() == "Industry"))
            .unwrap()
    };
    hide(&world, &["Industry"]);
    // As `R` does it.
    world.ask(Command::CheckConnection).await.unwrap();
    let mut draft = world.state().pair(&name).unwrap().unwrap();
    let row = of_industry(&draft);
    draft.rows[row].switch = Switch::Off;
    let save = |draft: &Pair| Command::SaveMapping {
        draft: Box::new(draft.clone()),
    };
    world.ask(save(&draft)).await.unwrap();
    let mut draft = world.state().pair(&name).unwrap().unwrap();
    draft.rows[row].switch = Switch::On;
    let refused = world.ask(save(&draft)).await.unwrap_err();
    assert!(refused.to_string().contains("Industry"), "{refused}");
    // What was read is good for a day; a save looks again before it refuses.
    hide(&world, &[]);
    world.ask(save(&draft)).await.unwrap();
    let saved = world.state().pair(&name).unwrap().unwrap();
    assert_eq!(saved.rows[row].switch, Switch::On);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_read_a_field_leads_to_its_row() {
    let mut world = World::imported().await;
    hide(&world, &["Industry"]);
    world.change(&world.account(0), serde_json::json!({"Name": "Moved"}));
    let end = world.sync_pair("accounts").await;
    let failure = end.run.failure.expect("the query is refused");
    assert_eq!(failure.code, "INVALID_FIELD");
    assert_eq!(failure.fields, ["Industry"]);
}
