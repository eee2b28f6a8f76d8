//! The org itself is asked for words: one call, and what is here is shown as what it is here.

use serde_json::json;
use syncdeck::domain::run::Word;
use syncdeck::engine::command::Command;
use syncdeck::engine::notice::Reply;
use syncdeck::engine::view::CrmSearchView;
use syncdeck::sandbox::By;

use super::*;

async fn look(world: &mut World, text: &str) -> CrmSearchView {
    let text = text.to_owned();
    match world.ask(Command::SearchCrm { text }).await.unwrap() {
        Reply::SearchCrm(view) => *view,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_org_finds_what_is_not_here_in_one_call() {
    let mut world = World::imported().await;
    let known = world.account(0);
    world.change(&known, json!({"Name": "Zebrano Works"}));
    let new = world.make(
        "Lead",
        json!({"LastName": "Zebranova", "Company": "{Nobody}", "FirstName": "Ada"}),
    );
    world.org().forget();
    let view = look(&mut world, "zebran").await;
    let calls = world.org().requests(0);
    let calls: Vec<&str> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let mut found: Vec<_> = view
        .rows
        .iter()
        .map(|hit| {
            let (object, id) = (hit.object.as_str(), hit.id.as_str());
            (object, id, hit.name.as_str(), hit.key.clone())
        })
        .collect();
    found.sort_by_key(|hit| hit.0.to_owned());
    let key = world.key("accounts", &known);
    assert_eq!(
        found,
        [
            ("Account", known.as_str(), "Zebrano Works", Some(key)),
            ("Lead", new.as_str(), "Zebranova", None),
        ]
    );
    let addressed = |hit: &&syncdeck::engine::view::CrmHit| hit.address.ends_with(hit.id.as_str());
    assert_eq!(view.rows.iter().filter(addressed).count(), 2);
    // Braces, quotes and operators are text; all words must be there.
    let one = look(&mut world, "{ada} \"zebranova\" ?*").await;
    assert_eq!(one.rows.len(), 1);
    assert_eq!(look(&mut world, "zebran nowhere").await.rows, []);
    let text = "?".to_owned();
    let refused = world.ask(Command::SearchCrm { text }).await.unwrap_err();
    assert!(refused.to_string().contains("2 letters"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_is_found_has_the_word_that_its_list_has() {
    let mut world = World::imported().await;
    let id = world.make("Account", json!({"Name": "Zebrano"}));
    world.sync().await;
    let key = world.key("accounts", &id);
    world.edit(&key, "name", "Zebrano Works").await;
    world.org().delete(By::Colleague, &id).unwrap();
    world.sync().await;
    let rows = world.conflicts().await;
    assert_eq!(rows[0].word, Word::Del);
    let text = "zebrano".to_owned();
    let found = match world.ask(Command::Search { text }).await.unwrap() {
        Reply::Search(view) => view,
        other => panic!("{other:?}"),
    };
    let hits: Vec<_> = found
        .conflicts
        .rows
        .iter()
        .map(|h| (&h.key, h.word))
        .collect();
    assert_eq!(hits, [(&rows[0].key, rows[0].word)]);
}
