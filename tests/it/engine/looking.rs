//! A viewer who may only look: the engine itself refuses what changes anything.

use syncdeck::engine::command::{Allowance, Command, Page, Scope};
use syncdeck::error::Kind;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_is_refused_by_the_engine_itself() {
    let mut world = World::signed_in("whole-crm", 10).await;
    world.restart_to_look().await;
    let pair = syncdeck::domain::id::PairName::new("accounts");
    let changes = [
        Command::Sync { scope: Scope::All },
        Command::Allow {
            pair: pair.clone(),
            allowances: vec![Allowance {
                name: "delete-crm".into(),
                number: 312,
            }],
        },
        Command::SetSchedule {
            pair: pair.clone(),
            schedule: syncdeck::domain::schedule::Schedule::Manual,
        },
        Command::KeepDraft { pair, draft: None },
        Command::Disconnect,
    ];
    for command in changes {
        let what = format!("{command:?}");
        let error = world.ask(command).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{what}");
        assert!(error.message().contains("only reads"), "{what}: {error}");
    }
    let page = Page {
        offset: 0,
        limit: 10,
    };
    let filter = String::new();
    world
        .ask(Command::Conflicts { filter, page })
        .await
        .unwrap();
    world.ask(Command::Settings).await.unwrap();
}
