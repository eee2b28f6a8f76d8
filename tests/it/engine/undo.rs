//! Runs that are taken back: both sides as they were before, value by value; what somebody
//! changed since stays; and the next sync does not do it again.

mod held;
mod merged;

use std::collections::BTreeMap;

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Kind};
use syncdeck::domain::id::RunId;
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::Word;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Fields;
use syncdeck::engine::command::{Allowance, Command, HeldEnd, HeldFilter, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::summary::{Summary, Target};
use syncdeck::engine::view::{RunDetail, WritePreview};
use syncdeck::error::{Kind as Why, Result};
use syncdeck::sandbox::By;

use super::*;

/// What taking back a run would do.
async fn preview(world: &mut World, run: RunId) -> Result<WritePreview> {
    match world.ask(Command::PreviewUndo { run }).await? {
        Reply::Preview(preview) => Ok(*preview),
        other => panic!("{other:?}"),
    }
}

/// Allows what is very much of it.
fn all_of(shown: &WritePreview) -> Vec<Allowance> {
    let held = shown.held.iter().map(|held| Allowance {
        name: held.name(),
        number: held.number,
    });
    held.collect()
}

/// Asks to take back a run; gives the one that does.
async fn begin_undo(world: &mut World, run: RunId) -> Result<RunId> {
    world.advance(30);
    let shown = preview(world, run).await?;
    let (hash, allow) = (shown.hash, all_of(&shown));
    match world.ask(Command::Undo { run, hash, allow }).await? {
        Reply::Started(runs) => Ok(runs[0]),
        other => panic!("{other:?}"),
    }
}

/// Takes back a run.
async fn undo(world: &mut World, run: RunId) -> RunDetail {
    let by = begin_undo(world, run).await.unwrap();
    let end = world.end(by).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    end
}

/// Syncs accounts, and gives the run.
async fn sync(world: &mut World) -> RunId {
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    end.run.id
}

/// Nothing is left to do: not for us, and not for the other side.
async fn still(world: &mut World) {
    world.org().forget();
    let before = sides(world);
    for _ in 0..2 {
        sync(world).await;
    }
    assert_eq!(sides(world), before);
    assert!(
        world.org().written().is_empty(),
        "{:?}",
        world.org().written()
    );
}

type Live = BTreeMap<String, Fields>;
type There = BTreeMap<String, BTreeMap<&'static str, String>>;

const FIELDS: [&str; 5] = ["Name", "Phone", "Industry", "BillingCity", "BillingStreet"];

/// Every live account on both sides.
fn sides(world: &World) -> (Live, There) {
    let records = agree::app_records(world, &"accounts".into());
    let live = records.into_iter().filter(|r| r.presence == Presence::Live);
    let app = live.map(|r| (r.id.to_string(), r.fields)).collect();
    let crm = world.ids("SELECT Id FROM Account ORDER BY Id").into_iter();
    let crm = crm.map(|id| {
        let values = FIELDS.map(|field| (field, world.there(&id, field)));
        (id, values.into())
    });
    (app, crm.collect())
}

/// The open conflicts of a record that ask about a run.
fn asked(world: &World, key: &RecordKey) -> Vec<Kind> {
    let open = world
        .state()
        .open_conflicts(&key.pair, &key.app_id)
        .unwrap();
    open.into_iter().map(|c| c.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_taken_back_names_the_run_that_did() {
    let mut world = World::imported().await;
    let id = world.account(0);
    world.change(&id, json!({"Name": "Theirs"}));
    let run = sync(&mut world).await;
    assert_eq!(world.end(run).await.taken_back, None);
    let by = undo(&mut world, run).await;
    assert_eq!(
        (world.end(run).await.taken_back, by.taken_back),
        (Some(by.run.id), None)
    );
    // Done again, the run that took back is taken back itself.
    let again = undo(&mut world, by.run.id).await.run.id;
    assert_eq!(world.end(by.run.id).await.taken_back, Some(again));
    let command = Command::Runs {
        pair: None,
        filter: String::new(),
        page: syncdeck::engine::command::Page {
            offset: 0,
            limit: 3,
        },
    };
    let Reply::Runs(list) = world.ask(command).await.unwrap() else {
        panic!("runs are listed");
    };
    let list: Vec<_> = list.rows.iter().map(|r| (r.run.id, r.taken_back)).collect();
    let expected = [
        (again, None),
        (by.run.id, Some(again)),
        (run, Some(by.run.id)),
    ];
    assert_eq!(list, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_taken_back_on_both_sides_and_the_next_sync_leaves_it_so() {
    let mut world = World::imported().await;
    let (pulled, pushed) = (world.account(0), world.account(1));
    let (here, there) = (
        world.key("accounts", &pulled),
        world.key("accounts", &pushed),
    );
    world.change(&pulled, json!({"Name": "Theirs", "BillingCity": "Oslo"}));
    world.edit(&there, "name", "Ours").await;
    let came = world.make("Account", json!({"Name": "Came"}));
    let made = world.create("accounts", &[("name", "Made")]).await;
    let before = sides(&world);
    let run = sync(&mut world).await;
    let after = sides(&world);
    let came_key = world.key("accounts", &came);
    let made_id = world.crm_id(&made).unwrap();

    let shown = preview(&mut world, run).await.unwrap();
    assert_eq!(sides(&world), after, "a preview writes nothing");
    assert!(shown.refused.is_empty(), "{:?}", shown.refused);
    // What was made got an owner there, which came back.
    assert_eq!((shown.app_records, shown.crm_records), (3, 2), "{shown:?}");
    assert_eq!(
        shown.acts,
        ["delete in Salesforce: Made", "remove from the App: Came"]
    );
    let lines = shown.lines.iter().filter(|l| l.name != "Made");
    let mut lines: Vec<_> = lines.map(|l| (l.to, l.field.as_str())).collect();
    lines.sort();
    let address = "street + city + state + postal_code + country";
    assert_eq!(
        lines,
        [
            (Side::App, "name"),
            (Side::App, address),
            (Side::Crm, "Name")
        ]
    );

    let end = undo(&mut world, run).await;
    assert_eq!(end.run.cause.to_string(), format!("takes back run {run}"));
    assert_eq!((end.run.counts.pulled, end.run.counts.pushed), (3, 2));
    assert_eq!(sides(&world), before);
    assert_eq!(world.there(&made_id, "IsDeleted"), "true");
    assert_eq!(world.app(&came_key).presence, Presence::Deleted);
    assert_eq!(
        world.value(&there, "name"),
        "Ours",
        "the person's edit stays"
    );
    still(&mut world).await;
    assert_eq!(agree::miscounted(&world), Vec::<String>::new());

    // Twice is refused, and says so.
    let again = preview(&mut world, run).await.unwrap_err();
    assert_eq!(again.kind(), Why::Refused);
    assert!(again.message().contains("left to put back"), "{again}");

    // Taking back what took back does it again, but for the Id of what was made.
    undo(&mut world, end.run.id).await;
    assert_eq!(world.value(&here, "name"), "Theirs");
    assert_eq!(world.there(&pushed, "Name"), "Ours");
    assert_eq!(world.app(&came_key).presence, Presence::Live);
    let again = world.crm_id(&made).unwrap();
    assert_ne!(again, made_id);
    assert_eq!(world.there(&again, "Name"), "Made");
    still(&mut world).await;
    assert_agree(&world);

    // It is an ordinary pair of records again.
    world.change(&pulled, json!({"Name": "Later"}));
    world.edit(&there, "name", "Later, too").await;
    sync(&mut world).await;
    assert_eq!(world.value(&here, "name"), "Later");
    assert_eq!(world.there(&pushed, "Name"), "Later, too");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_when_a_side_changes() {
    let mut world = World::imported().await;
    let (one, two) = (world.account(0), world.account(1));
    let (key_one, key_two) = (world.key("accounts", &one), world.key("accounts", &two));
    world.change(&one, json!({"Name": "Theirs"}));
    world.change(&two, json!({"Name": "Theirs"}));
    let run = sync(&mut world).await;
    undo(&mut world, run).await;
    still(&mut world).await;
    let key = key_one.clone();
    let Reply::Record(detail) = world.ask(Command::Record { key }).await.unwrap() else {
        panic!("no record");
    };
    assert_eq!(
        detail.fields[0].state,
        format!("held since run {run} was taken back")
    );
    world.edit(&key_one, "name", "Typed").await;
    world.change(&two, json!({"Name": "Edited"}));
    sync(&mut world).await;
    assert_eq!(world.there(&one, "Name"), "Typed");
    assert_eq!(world.value(&key_two, "name"), "Edited");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_since_stays_and_a_person_is_asked() {
    let mut world = World::imported().await;
    let ids: Vec<String> = (0..4).map(|n| world.account(n)).collect();
    let keys: Vec<_> = ids.iter().map(|id| world.key("accounts", id)).collect();
    let first = world.value(&keys[0], "name");
    // Two are pulled, two are pushed; the city, too, which nobody touches later.
    for n in [0, 1] {
        let edit = json!({"Name": format!("Theirs {n}"), "BillingCity": "Oslo"});
        world.change(&ids[n], edit);
    }
    for n in [2, 3] {
        world.edit(&keys[n], "name", &format!("Ours {n}")).await;
    }
    let run = sync(&mut world).await;
    // One of each is edited on the side that was written: not yet synced, and synced.
    world.edit(&keys[0], "name", "Mine now").await;
    world.change(&ids[2], json!({"Name": "Theirs now"}));

    let shown = preview(&mut world, run).await.unwrap();
    let left: Vec<_> = shown
        .refused
        .iter()
        .map(|(what, _)| what.as_str())
        .collect();
    assert_eq!(
        left,
        ["Mine now: name"],
        "what is known before Salesforce is read"
    );
    let end = undo(&mut world, run).await;
    assert_eq!(end.run.counts.conflicts, 2, "{:?}", end.run.counts);
    assert_eq!(world.value(&keys[0], "name"), "Mine now");
    assert_eq!(world.there(&ids[2], "Name"), "Theirs now");
    assert_ne!(world.value(&keys[1], "name"), "Theirs 1");
    assert_ne!(world.there(&ids[3], "Name"), "Ours 3");
    assert_ne!(
        world.value(&keys[0], "city"),
        "Oslo",
        "its other field went back"
    );
    for n in [0, 2] {
        let kinds = asked(&world, &keys[n]);
        assert!(matches!(kinds[..], [Kind::Rollback { .. }]), "{kinds:?}");
    }

    // Until somebody decides, neither side is written.
    still(&mut world).await;
    assert_eq!(world.conflicts().await.len(), 2);
    // To leave it means that the sync goes on from there.
    let rows = world.conflicts().await;
    let of = |key: &RecordKey| rows.iter().find(|r| r.key == *key).unwrap().clone();
    let refused = world.decide(&of(&keys[2]), Choice::Ignore).await;
    assert!(refused.is_empty(), "{refused:?}");
    sync(&mut world).await;
    assert_eq!(world.value(&keys[2], "name"), "Theirs now");
    // Base is what was there before the run.
    let refused = world.decide(&of(&keys[0]), Choice::Base).await;
    assert!(refused.is_empty(), "{refused:?}");
    world.write().await;
    assert_eq!(world.value(&keys[0], "name"), first);
    assert_eq!(world.there(&ids[0], "Name"), "Theirs 0");
    assert!(world.conflicts().await.is_empty());
    still(&mut world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_changed_or_have_children_are_not_taken_away() {
    let mut world = World::imported().await;
    let ids: Vec<String> = (0..3)
        .map(|n| world.make("Account", json!({"Name": format!("Came {n}")})))
        .collect();
    let mut made = Vec::new();
    for n in 0..3 {
        let name = format!("Made {n}");
        made.push(world.create("accounts", &[("name", &name)]).await);
    }
    let run = sync(&mut world).await;
    let came: Vec<_> = ids.iter().map(|id| world.key("accounts", id)).collect();
    let there: Vec<_> = made.iter().map(|key| world.crm_id(key).unwrap()).collect();
    // The first of each is changed, the second gets a child.
    world.edit(&came[0], "city", "Oslo").await;
    world.change(&there[0], json!({"Fax": "1"}));
    world.make("Contact", json!({"LastName": "Child", "AccountId": ids[1]}));
    world.make(
        "Contact",
        json!({"LastName": "Child", "AccountId": there[1]}),
    );
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
    let end = undo(&mut world, run).await;
    assert_eq!(end.run.counts.skipped, 2, "{:?}", end.run.counts);
    for n in 0..3 {
        let gone = n == 2;
        assert_eq!(
            world.app(&came[n]).presence == Presence::Deleted,
            gone,
            "{n}"
        );
        assert_eq!(world.there(&there[n], "IsDeleted") == "true", gone, "{n}");
    }
    still(&mut world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_are_taken_back_as_far_as_that_goes() {
    let mut world = World::imported().await;
    let gone_there = world.make("Account", json!({"Name": "Gone There"}));
    let gone_here = world.make("Account", json!({"Name": "Gone Here", "Phone": "12"}));
    sync(&mut world).await;
    let key = world.key("accounts", &gone_there);
    let other = world.key("accounts", &gone_here);
    world.org().delete(By::Colleague, &gone_there).unwrap();
    world.delete(&other).await;
    let run = sync(&mut world).await;
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    assert_eq!(world.there(&gone_here, "IsDeleted"), "true");
    undo(&mut world, run).await;
    assert_eq!(world.app(&key).presence, Presence::Live);
    let again = world.ids("SELECT Id FROM Account WHERE Name = 'Gone Here'");
    assert_eq!(again, [world.crm_id(&other).unwrap()]);
    assert_ne!(again[0], gone_here);
    assert_eq!(world.there(&again[0], "Phone"), "12");
    still(&mut world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_is_cut_off_is_taken_up_again_and_writes_nothing_twice() {
    for wrong in ["drop_after", "drop_before", "delay"] {
        let mut world = World::imported().await;
        let ids: Vec<String> = (0..6).map(|n| world.account(n)).collect();
        let keys: Vec<_> = ids.iter().map(|id| world.key("accounts", id)).collect();
        world.change(&ids[0], json!({"Name": "Theirs"}));
        for (n, key) in keys.iter().enumerate().skip(1) {
            world.edit(key, "name", &format!("Ours {n}")).await;
        }
        let before = sides(&world);
        let run = sync(&mut world).await;
        world.org().forget();
        let number = world.org().inject(fault(json!({
            "kind": wrong, "method": "POST", "path": "*/composite", "ms": 300, "times": 1,
        })));
        begin_undo(&mut world, run).await.unwrap();
        world.struck(number, 1).await;
        world.crash().await;
        world.org().clear_faults();
        world.advance(super::world::LATE);
        // Ordinary runs may come in between.
        sync(&mut world).await;
        // It goes on by itself, if need be when the lost write is no longer in doubt.
        world.advance(super::world::LATE);
        world
            .until("both sides to be as before", || sides(&world) == before)
            .await;
        world.runs_end().await;
        let written = world.org().written();
        for id in &ids[1..] {
            assert_eq!(written[id].updated, 1, "{wrong}: {id}");
        }
        still(&mut world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_is_refused_with_the_reason() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let refusal = async |world: &mut World, run| preview(world, run).await.unwrap_err();
    let error = refusal(&mut world, RunId(999)).await;
    assert_eq!(error.message(), "there is no run 999");
    let idle = sync(&mut world).await;
    let error = refusal(&mut world, idle).await;
    assert_eq!(error.message(), format!("run {idle} wrote nothing"));

    world.change(&id, json!({"Name": "Theirs"}));
    let run = sync(&mut world).await;
    // What was agreed to is what is done.
    let hash = preview(&mut world, run).await.unwrap().hash;
    let key = world.key("accounts", &id);
    world.edit(&key, "name", "Typed meanwhile").await;
    let allow = Vec::new();
    let error = world
        .ask(Command::Undo { run, hash, allow })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Why::Changed);
    assert_eq!(world.value(&key, "name"), "Typed meanwhile");

    // A run at work.
    world.tell(Command::Pause).await;
    let active = world.begin_pair("accounts").await;
    let error = refusal(&mut world, active).await;
    assert_eq!(error.message(), format!("run {active} has not ended"));
    world.tell(Command::Resume).await;
    world.end(active).await;

    // What runs replaced is kept for 90 days.
    world.advance(91 * 24 * 3600);
    world.change(&id, json!({"Name": "Much later"}));
    sync(&mut world).await;
    let error = refusal(&mut world, run).await;
    assert!(error.message().contains("90 days"), "{error}");
}

/// After any edits, a sync and its undo, both sides are as they were before the sync, and after
/// the undo of the undo, as they were after it.
#[tokio::test(flavor = "multi_thread")]
async fn undo_and_redo_are_the_states_before_and_after() {
    let mut world = World::imported().await;
    let ids: Vec<String> = (0..8).map(|n| world.account(n)).collect();
    let keys: Vec<_> = ids.iter().map(|id| world.key("accounts", id)).collect();
    let mut random = crate::sim::random::Random(11);
    for round in 0..4 {
        for n in 0..10 {
            let at = random.below(ids.len());
            let text = format!("{round}/{n}");
            match random.below(5) {
                0 => world.edit(&keys[at], "phone", &text).await,
                1 => world.edit(&keys[at], "city", &text).await,
                2 => world.change(&ids[at], json!({"Phone": text})),
                3 => world.change(&ids[at], json!({"BillingStreet": text})),
                _ => world.change(&ids[at], json!({"Name": text})),
            }
        }
        let before = sides(&world);
        let run = sync(&mut world).await;
        let after = sides(&world);
        let by = undo(&mut world, run).await.run.id;
        assert_eq!(sides(&world), before, "round {round}");
        still(&mut world).await;
        undo(&mut world, by).await;
        assert_eq!(sides(&world), after, "round {round}");
        still(&mut world).await;
        assert_eq!(agree::miscounted(&world), Vec::<String>::new());
        for row in world.conflicts().await {
            world.decide(&row, Choice::Take(Side::Crm)).await;
        }
        if !world.conflicts().await.is_empty() {
            world.write().await;
        }
        sync(&mut world).await;
        assert_agree(&world);
    }
}
