//! Staged changes of a mapping are seen until they are saved.

use syncdeck::domain::mapping::Switch;
use syncdeck::engine::command::Command;

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
