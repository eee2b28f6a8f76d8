//! A backup in the place of the store that went on after it: what was done since is neither done
//! twice nor overwritten (sync-semantics 22).

use serde_json::json;
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::{Flow, Foreign, Strategy};
use syncdeck::domain::preset;
use syncdeck::domain::run::Word;
use syncdeck::domain::transform::Side;
use syncdeck::engine::command::{Command, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::summary::{Rests, Summary, Target};
use syncdeck::sandbox::By;

use super::*;

const PAIR: &str = "contacts";
/// What a backup is held by.
const STOP: &str = "restored";

/// Contacts whose mapping overwrites Salesforce wherever it may: the App wins, and titles are
/// enforced.
pub async fn overwriting() -> (World, Vec<(String, RecordKey)>) {
    let mut pairs = preset::preset("whole-crm").unwrap();
    let contacts = pairs.iter_mut().find(|p| p.name.as_str() == PAIR).unwrap();
    contacts.strategy = Strategy::App;
    for row in &mut contacts.rows {
        row.strategy = Strategy::App;
        if row.app[0].as_str() == "title" {
            row.flow = Flow::ToCrm(Foreign::Enforce);
        }
    }
    let mut world = World::with_fields(pairs, Vec::new(), 100, Sizes::default()).await;
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    let ids = world.ids("SELECT Id FROM Contact WHERE IsDeleted = false ORDER BY Id");
    let key = |id: String| (id.clone(), world.key(PAIR, &id));
    let contacts = ids.into_iter().map(key).collect();
    (world, contacts)
}

/// Ids of contacts of a name that are there.
fn there(world: &World, name: &str) -> Vec<String> {
    world.ids(&format!(
        "SELECT Id FROM Contact WHERE LastName = '{name}' AND IsDeleted = false"
    ))
}

/// Waits until the rules of the pair rest like that; where questions do it, a line that leads to them
/// says how many, and where nothing does, no line says so.
async fn rest(world: &mut World, rests: Option<Rests>) {
    let like = |summary: &Summary| {
        let pair = |name: &PairName| name.as_str() == PAIR;
        let mut rows = summary.pairs.iter();
        if rows.find(|row| pair(&row.name)).unwrap().rests != rests {
            return false;
        }
        let lines = summary.attention.iter();
        let mut lines = lines.filter(|it| it.text.contains("no rule decides"));
        let said = lines.find(|it| it.pair.as_ref().is_some_and(pair));
        match (rests, said) {
            (Some(Rests::Answered(Some(n))), Some(said)) => {
                assert!(
                    said.text.contains(&format!("until {n} question")),
                    "{said:?}"
                );
                assert_eq!(said.target, Target::Conflicts);
                true
            }
            (Some(Rests::Answered(_)), None) => false,
            (_, said) => said.is_none(),
        }
    };
    world.summary(&format!("{rests:?}"), like).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_backup_was_put_back_nothing_is_made_twice_and_nothing_newer_overwritten() {
    let (mut world, contacts) = overwriting().await;
    // What the backup knows of and has not written yet, ...
    let [
        (changed, key),
        (pulled, by_them),
        (titled, boss),
        (kept, deleted),
    ] = &contacts[..4]
    else {
        panic!("too few");
    };
    world.edit(key, "phone", "+47 1").await;
    world.create(PAIR, &[("last_name", "Waited")]).await;
    let gone = world.create(PAIR, &[("last_name", "Gone since")]).await;
    world.delete(deleted).await;
    let backup = world.backup();
    // ... and what was done since.
    let rev = vec![(deleted.app_id.clone(), world.app(deleted).rev)];
    let pair = deleted.pair.clone();
    let records = rev;
    world.tell(Command::RestoreRecords { pair, records }).await;
    world.well(PAIR).await;
    world.edit(key, "phone", "+47 2").await;
    world.edit(boss, "title", "Boss").await;
    world.change(pulled, json!({"Phone": "+47 3"}));
    world.create(PAIR, &[("last_name", "Made since")]).await;
    let id = world.crm_id(&gone).unwrap();
    world.org().delete(By::Colleague, &id).unwrap();
    world.well(PAIR).await;
    assert_agree(&world);

    world.put_back(&backup).await;
    // Neither side is written, by no run, also after a restart.
    world.refused(PAIR, STOP).await;
    world.restart().await;
    world.refused(PAIR, STOP).await;
    rest(&mut world, Some(Rests::Compared)).await;
    assert_ne!(world.value(by_them, "phone"), "+47 3");
    let told = |s: &syncdeck::engine::summary::Summary| {
        let mut all = s.attention.iter();
        all.any(|it| it.word == Word::Hold && it.text.contains("of a backup"))
    };
    world.summary("that it is asked about", told).await;

    world.allow(PAIR, STOP).await;
    assert_eq!(world.held(PAIR, STOP), None);
    for name in ["Waited", "Made since"] {
        let (here, there) = (world.here(PAIR, name), there(&world, name));
        assert_eq!((here.len(), there.len()), (1, 1), "{name}");
        assert_eq!(world.crm_id(&here[0]).as_ref(), Some(&there[0]));
        let link = world.state().link(&here[0].pair, &here[0].app_id).unwrap();
        let key = link.unwrap().sync_key.unwrap();
        assert_eq!(world.there(&there[0], "Syncdeck_Key__c"), key.as_str());
    }
    assert!(there(&world, "Gone since").is_empty());
    assert_eq!(world.there(kept, "IsDeleted"), "false");
    assert_eq!(world.value(by_them, "phone"), "+47 3");
    assert_eq!(world.there(changed, "Phone"), "+47 2");
    assert_eq!(world.there(titled, "Title"), "Boss");
    // Somebody is asked about everything that either side would have lost.
    let conflicts = world.conflicts().await;
    let mut about: Vec<_> = conflicts.iter().map(|row| row.key.clone()).collect();
    let mut wanted = vec![key.clone(), boss.clone(), deleted.clone(), gone.clone()];
    about.sort_by(|a, b| a.app_id.cmp(&b.app_id));
    wanted.sort_by(|a, b| a.app_id.cmp(&b.app_id));
    assert_eq!(about, wanted);
    rest(&mut world, Some(Rests::Answered(Some(4)))).await;
    // Nobody else answers meanwhile: the record may change otherwise, and runs go on.
    for id in [changed, titled, kept] {
        world.change(
            id,
            json!({"Email": format!("{}@since.example", id.to_lowercase())}),
        );
    }
    world.well(PAIR).await;
    assert_eq!(world.value(key, "email"), world.there(changed, "Email"));
    assert_eq!(world.there(changed, "Phone"), "+47 2");
    assert_eq!(world.there(titled, "Title"), "Boss");
    assert_eq!(world.there(kept, "IsDeleted"), "false");
    let conflicts = world.conflicts().await;
    assert_eq!(conflicts.len(), wanted.len());
    for row in &conflicts {
        let refused = world.decide(row, Choice::Take(Side::Crm)).await;
        assert!(refused.is_empty(), "{refused:?}");
    }
    for end in world.write().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    world.well(PAIR).await;
    assert_eq!(world.value(key, "phone"), "+47 2");
    assert_eq!(world.value(boss, "title"), "Boss");
    assert_eq!(world.there(kept, "IsDeleted"), "false");
    // From here on it goes by the mapping again.
    rest(&mut world, None).await;
    world.edit(key, "phone", "+47 4").await;
    world.change(changed, json!({"Phone": "+47 5"}));
    world.well(PAIR).await;
    assert_eq!(world.there(changed, "Phone"), "+47 4");
    // The other pairs still wait.
    assert!(world.held("accounts", STOP).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_came_after_the_comparison_keeps_no_rule_at_rest() {
    let (mut world, contacts) = overwriting().await;
    let [(asked, key), (later, other), (free, third)] = &contacts[..3] else {
        panic!("too few");
    };
    world.edit(key, "phone", "+47 1").await;
    let backup = world.backup();
    world.change(asked, json!({"Phone": "+47 2"}));
    world.put_back(&backup).await;
    world.allow(PAIR, STOP).await;
    rest(&mut world, Some(Rests::Answered(Some(1)))).await;
    world.edit(other, "phone", "+47 3").await;
    world.change(later, json!({"Phone": "+47 4"}));
    world.well(PAIR).await;
    // The pair is still careful, so it was asked; but this is no question of the comparison.
    let open = world.conflicts().await;
    assert_eq!(open.len(), 2);
    rest(&mut world, Some(Rests::Answered(Some(1)))).await;
    let first = open.iter().find(|row| row.key == *key).unwrap();
    let refused = world.decide(first, Choice::Take(Side::App)).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    world.well(PAIR).await;
    rest(&mut world, None).await;
    assert_eq!(world.conflicts().await[0].key, *other);
    world.edit(third, "phone", "+47 5").await;
    world.change(free, json!({"Phone": "+47 6"}));
    world.well(PAIR).await;
    assert_eq!(world.there(free, "Phone"), "+47 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_was_cut_off_goes_on_as_carefully() {
    let (mut world, contacts) = overwriting().await;
    let (id, key) = &contacts[0];
    world.edit(key, "phone", "+47 1").await;
    let backup = world.backup();
    world.well(PAIR).await;
    world.edit(key, "phone", "+47 2").await;
    world.well(PAIR).await;
    world.put_back(&backup).await;
    let lost = world.org().inject(fault(json!({
        "kind": "status", "status": 503, "path": "/query",
    })));
    let run = world.begin_allowed(PAIR, STOP).await;
    assert_eq!(world.end(run).await.run.state, RunState::Failed);
    world.org().remove_fault(lost);
    let told = |s: &Summary| {
        let mut all = s.attention.iter();
        all.any(|it| {
            it.text
                .contains("no rule decides until everything was compared")
        })
    };
    world.summary("that its rules rest", told).await;
    world.crash().await;
    world.well(PAIR).await;
    assert_eq!(
        (world.held(PAIR, STOP), world.there(id, "Phone")),
        (None, "+47 2".to_owned())
    );
    assert_eq!(world.conflicts().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_come_of_a_backup_before_anybody_allows_it() {
    let (mut world, contacts) = overwriting().await;
    let (id, key) = &contacts[0];
    world.edit(key, "phone", "+47 1").await;
    let backup = world.backup();
    world.change(id, json!({"Phone": "+47 2"}));
    world.put_back(&backup).await;
    world.org().forget();
    world.advance(30);
    let pairs = vec![PairName::new(PAIR)];
    let Reply::Planned(plan) = world.ask(Command::DryRun { pairs }).await.unwrap() else {
        panic!("no plan");
    };
    let asks: u64 = plan.pairs.iter().map(|pair| pair.tally.conflicts).sum();
    assert_eq!(asks, 1, "{:?}", plan.pairs);
    assert!(world.org().written().is_empty());
    world.refused(PAIR, STOP).await;
}
