//! What a delete on one side does on the other, as the pair says (sync-semantics 14.1), and in which
//! order (7.2).

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Kind};
use syncdeck::domain::dry_run::Deed;
use syncdeck::domain::id::PairName;
use syncdeck::domain::mapping::{DeletePolicy, Mark};
use syncdeck::domain::preset;
use syncdeck::domain::record::{LinkState, Presence};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Value;
use syncdeck::engine::command::{Command, Page, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::sandbox::By;

use super::*;

/// What marks accounts as deleted in the App.
const MARK: (&str, &str) = ("Site", "Deleted in the App");

/// The whole-crm preset with these policies for accounts, and an account on both sides.
async fn with(on_crm: DeletePolicy, on_app: DeletePolicy) -> (World, String, RecordKey) {
    let mut pairs = preset::preset("whole-crm").unwrap();
    let accounts = pairs.iter_mut().find(|p| p.name.as_str() == "accounts");
    let accounts = accounts.unwrap();
    accounts.on_crm_delete = on_crm;
    accounts.on_app_delete = on_app;
    let mut world = World::with_fields(pairs, Vec::new(), 50, Sizes::default()).await;
    let id = world.make("Account", json!({"Name": "The One"}));
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    let key = world.key("accounts", &id);
    world.org().forget();
    (world, id, key)
}

async fn well(world: &mut World) -> syncdeck::domain::run::Run {
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    end.run
}

fn state(world: &World, key: &RecordKey) -> LinkState {
    let link = world.state().link(&key.pair, &key.app_id).unwrap();
    link.unwrap().state
}

fn marked() -> DeletePolicy {
    DeletePolicy::MarkWith(Mark {
        field: MARK.0.into(),
        value: MARK.1.to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_delete_in_the_app_leaves_salesforce_and_goes_on_when_it_is_back() {
    let (mut world, id, key) = with(DeletePolicy::Mark, DeletePolicy::Ignore).await;
    world.delete(&key).await;
    for phone in ["+47 1", "+47 2"] {
        well(&mut world).await;
        assert_eq!(state(&world, &key), LinkState::AppDeleted);
        world.change(&id, json!({"Phone": phone}));
    }
    assert!(world.conflicts().await.is_empty());
    assert!(world.org().written().is_empty());
    let records = vec![(key.app_id.clone(), world.app(&key).rev)];
    let pair = key.pair.clone();
    world.tell(Command::RestoreRecords { pair, records }).await;
    well(&mut world).await;
    assert_eq!(state(&world, &key), LinkState::Active);
    assert_eq!(world.value(&key, "phone"), "+47 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_delete_in_salesforce_leaves_the_app_and_goes_on_when_it_is_back() {
    let (mut world, id, key) = with(DeletePolicy::Ignore, DeletePolicy::Propagate).await;
    world.org().delete(By::Colleague, &id).unwrap();
    for phone in ["+47 1", "+47 2"] {
        well(&mut world).await;
        assert_eq!(state(&world, &key), LinkState::CrmDeleted);
        assert_eq!(world.app(&key).presence, Presence::Live);
        world.edit(&key, "phone", phone).await;
    }
    well(&mut world).await;
    assert!(world.conflicts().await.is_empty());
    assert!(world.org().written().is_empty());
    world.advance(60);
    world.org().undelete(By::Colleague, &id).unwrap();
    well(&mut world).await;
    assert_eq!(state(&world, &key), LinkState::Active);
    assert_eq!(world.there(&id, "Phone"), "+47 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marked_record_is_written_once_and_left_alone_from_then_on() {
    let (mut world, id, key) = with(DeletePolicy::Mark, marked()).await;
    world.change(&id, json!({"Site": "Oslo"}));
    well(&mut world).await;
    world.delete(&key).await;
    let run = well(&mut world).await;
    assert_eq!(world.there(&id, MARK.0), MARK.1);
    assert_eq!(world.there(&id, "IsDeleted"), "false");
    assert_eq!(state(&world, &key), LinkState::AppDeleted);
    world.change(&id, json!({"Phone": "+47 1"}));
    well(&mut world).await;
    well(&mut world).await;
    assert_eq!(world.org().written()[&id].updated, 1);
    assert!(world.conflicts().await.is_empty());
    // Taken back: the field is as it was, and is not marked again.
    world.advance(60);
    let Reply::Preview(preview) = world
        .ask(Command::PreviewUndo { run: run.id })
        .await
        .unwrap()
    else {
        panic!("no preview");
    };
    let undo = Command::Undo {
        run: run.id,
        hash: preview.hash,
        allow: Vec::new(),
    };
    let Reply::Started(runs) = world.ask(undo).await.unwrap() else {
        panic!("no run");
    };
    world.end(runs[0]).await;
    assert_eq!(world.there(&id, MARK.0), "Oslo");
    well(&mut world).await;
    assert_eq!(world.there(&id, MARK.0), "Oslo");
}

/// Sync-semantics 14.1 and 18: what marks a record is a field like any other in a dry run.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_which_field_marks_a_record_and_what_it_says_is_done() {
    let (mut world, id, key) = with(DeletePolicy::Mark, marked()).await;
    world.delete(&key).await;
    world.advance(30);
    let command = Command::DryRun { pairs: Vec::new() };
    let Reply::Planned(plan) = world.ask(command).await.unwrap() else {
        panic!("no plan");
    };
    let deeds = plan.total().crm;
    assert_eq!((deeds.changed, deeds.deleted), (1, 0));
    let page = Page {
        offset: 0,
        limit: 10,
    };
    let show = Command::Plan { id: plan.id, page };
    let Reply::Plan(shown) = world.ask(show).await.unwrap() else {
        panic!("no such plan");
    };
    let item = shown
        .items
        .iter()
        .find(|item| item.app_id == Some(key.app_id.clone()));
    let planned = item.unwrap().to(Side::Crm).unwrap();
    assert_eq!(planned.deed, Deed::Change);
    let fields: Vec<_> = planned
        .fields
        .iter()
        .map(|f| (f.name.as_str(), &f.from, &f.to))
        .collect();
    let (none, mark) = (Value::Null, Value::text(MARK.1));
    assert_eq!(fields, [(MARK.0, &none, &mark)]);
    assert!(world.org().written().is_empty());
    assert_eq!(world.there(&id, MARK.0), "");
    let hash = Some(plan.hash.clone());
    let apply = Command::ApplyPlan {
        plan: plan.id,
        hash,
    };
    let Reply::Started(runs) = world.ask(apply).await.unwrap() else {
        panic!("nothing was started");
    };
    for run in runs {
        assert_eq!(world.end(run).await.run.state, RunState::Succeeded);
    }
    assert_eq!(world.there(&id, MARK.0), MARK.1);
    assert_eq!(state(&world, &key), LinkState::AppDeleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_changed_there_is_asked_about_before_it_is_marked() {
    let (mut world, id, key) = with(DeletePolicy::Mark, marked()).await;
    world.delete(&key).await;
    world.change(&id, json!({"Name": "Changed"}));
    well(&mut world).await;
    let open = world
        .state()
        .open_conflicts(&key.pair, &key.app_id)
        .unwrap();
    assert_eq!(open[0].kind, Kind::DeleteVsChange { deleted: Side::App });
    assert!(world.org().written().is_empty());
}

/// Records that were deleted, in the order of the calls.
fn deleted(world: &World) -> Vec<String> {
    let seen = world.org().requests(0);
    let calls = seen.into_iter().filter(|call| call.method == "DELETE");
    let queries = calls.filter_map(|call| call.query);
    let ids = queries.flat_map(|query| {
        let ids = query.split('&').find_map(|part| part.strip_prefix("ids="));
        let ids = ids.unwrap_or_default().replace("%2C", ",");
        ids.split(',').map(str::to_owned).collect::<Vec<_>>()
    });
    ids.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_a_record_is_deleted_before_it() {
    let (mut world, id, key) = with(DeletePolicy::Propagate, DeletePolicy::Propagate).await;
    let child = world.make("Contact", json!({"LastName": "Child", "AccountId": id}));
    let other = world.make("Contact", json!({"LastName": "Other"}));
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    let (child_key, other_key) = (world.key("contacts", &child), world.key("contacts", &other));
    for key in [&key, &child_key, &other_key] {
        world.delete(key).await;
    }
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    assert_eq!(deleted(&world), [child, id, other]);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_records_that_became_one_are_a_merge_collision_and_both_answers_are_followed() {
    for take in [Side::App, Side::Crm] {
        let (mut world, loser, key) = with(DeletePolicy::Mark, DeletePolicy::Propagate).await;
        let winner = world.make("Account", json!({"Name": "Winner"}));
        well(&mut world).await;
        let into = winner.parse().unwrap();
        let merged = std::slice::from_ref(&loser);
        world.org().merge(By::Colleague, &winner, merged).unwrap();
        well(&mut world).await;
        let open = world
            .state()
            .open_conflicts(&key.pair, &key.app_id)
            .unwrap();
        assert_eq!(open[0].kind, Kind::MergeCollision { into });
        let rows = world.conflicts().await;
        let refused = world.decide(&rows[0], Choice::Take(take)).await;
        assert!(refused.is_empty(), "{refused:?}");
        world.write().await;
        well(&mut world).await;
        assert!(world.conflicts().await.is_empty());
        let live = world.app(&key).presence == Presence::Live;
        assert_eq!(live, take == Side::App);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_record_that_was_deleted_is_asked_about() {
    let mut world = World::imported().await;
    let parent = world.create("accounts", &[("name", "Never There")]).await;
    let id = parent.app_id.as_str().to_owned();
    let fields = [("last_name", "Orphan"), ("account_id", id.as_str())];
    let child = world.create("contacts", &fields).await;
    world.sync_pair("contacts").await;
    world.delete(&parent).await;
    world.sync().await;
    world.sync().await;
    let contacts = PairName::new("contacts");
    let open = world
        .state()
        .open_conflicts(&contacts, &child.app_id)
        .unwrap();
    let kinds: Vec<&Kind> = open.iter().map(|c| &c.kind).collect();
    let expected = Kind::ParentMissing {
        pair: "accounts".into(),
        parent: parent.app_id.clone(),
    };
    assert_eq!(kinds, [&expected]);
    let rows = world.conflicts().await;
    let refused = world.decide(&rows[0], Choice::Take(Side::App)).await;
    assert!(refused[0].contains("bring that back"), "{refused:?}");
    // It is back: nobody is asked any more, and both are made.
    let records = vec![(parent.app_id.clone(), world.app(&parent).rev)];
    let pair = parent.pair.clone();
    world.tell(Command::RestoreRecords { pair, records }).await;
    world.sync().await;
    world.sync().await;
    assert!(world.conflicts().await.is_empty());
    assert!(world.crm_id(&child).is_some());
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_not_shown_is_not_written_and_told_of_after_three_runs() {
    let (mut world, id, key) = with(DeletePolicy::Mark, DeletePolicy::Propagate).await;
    world.org().hide(&id).unwrap();
    world.edit(&key, "phone", "+47 1").await;
    let told = |summary: &syncdeck::engine::summary::Summary| {
        summary
            .attention
            .iter()
            .any(|it| it.text.contains("not shown by Salesforce"))
    };
    for run in 1..=3 {
        let end = well(&mut world).await;
        assert_eq!(end.counts.failed, 0, "{:?}", end.counts);
        assert_eq!(state(&world, &key), LinkState::Unreachable, "run {run}");
        let summary = world.summary_after(end.id).await;
        assert_eq!(told(&summary), run == 3, "after {run} runs");
    }
    assert!(world.conflicts().await.is_empty());
    assert_eq!(world.app(&key).presence, Presence::Live);
    world.org().show(&id).unwrap();
    well(&mut world).await;
    assert_eq!(world.there(&id, "Phone"), "+47 1");
    assert_eq!(state(&world, &key), LinkState::Active);
    world.summary("nothing to be told", |s| !told(s)).await;
}
