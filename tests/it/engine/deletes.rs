//! Records that go, come back, become one, or become something else.

use serde_json::json;
use syncdeck::domain::conflict::{Choice, Kind};
use syncdeck::domain::mapping::Converts;
use syncdeck::domain::record::{LinkState, Presence};
use syncdeck::domain::transform::Side;
use syncdeck::engine::command::{Command, Decide, RecordKey};
use syncdeck::engine::notice::Reply;
use syncdeck::engine::tables::{FOLLOWED, HISTORY, record_key};
use syncdeck::sandbox::By;

use super::*;

/// An account that nothing hangs on, on both sides.
async fn alone(world: &mut World, name: &str) -> (String, RecordKey) {
    let id = world.make("Account", json!({"Name": name}));
    world.sync_pair("accounts").await;
    let key = world.key("accounts", &id);
    (id, key)
}

/// Syncs, and no run fails.
async fn well(world: &mut World) {
    for end in world.sync().await {
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_in_the_app_takes_the_record_and_what_hangs_on_it() {
    let mut world = World::imported().await;
    let id = world.account(1);
    let key = world.key("accounts", &id);
    world.org().forget();
    world.delete(&key).await;
    well(&mut world).await;
    assert_eq!(world.there(&id, "IsDeleted"), "true");
    assert_eq!(world.org().written()[&id].deleted, 1);
    well(&mut world).await;
    assert_eq!(world.org().written()[&id].deleted, 1);
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_in_salesforce_takes_the_app_record_and_an_undelete_brings_it_back() {
    let mut world = World::imported().await;
    let (id, key) = alone(&mut world, "Comes And Goes").await;
    world.org().forget();
    for _ in 0..2 {
        world.org().delete(By::Colleague, &id).unwrap();
        well(&mut world).await;
        assert_eq!(world.app(&key).presence, Presence::Deleted);
        assert_agree(&world);
        world.advance(60);
        world.org().undelete(By::Colleague, &id).unwrap();
        world.change(&id, json!({"Name": "Came Back"}));
        well(&mut world).await;
        assert_eq!(world.app(&key).presence, Presence::Live);
        assert_eq!(world.value(&key, "name"), "Came Back");
        assert_agree(&world);
    }
    assert!(world.org().written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_deleting_is_no_conflict() {
    let mut world = World::imported().await;
    let (id, key) = alone(&mut world, "Goes Twice").await;
    world.org().forget();
    world.delete(&key).await;
    world.org().delete(By::Colleague, &id).unwrap();
    well(&mut world).await;
    assert!(world.conflicts().await.is_empty());
    assert!(world.org().written().is_empty());
    assert_agree(&world);
}

/// Its history, its run and the Overview say who deleted it.
async fn told(world: &mut World, key: &RecordKey, who: Side) {
    let says = match who {
        Side::App => "deleted in the App, changed in Salesforce",
        Side::Crm => "deleted in Salesforce, changed in the App",
    };
    let history = world.state().history(&key.pair, &key.app_id, 1).unwrap();
    assert!(history[0].text.ends_with(says), "{history:?}");
    let run = history[0].run.unwrap();
    let done = world.end(run).await.records.rows;
    let done: Vec<_> = done.iter().filter(|r| r.app_id == key.app_id).collect();
    assert_eq!(done[0].did, says);
    let line = format!("1 record {says}: accounts 1");
    let told = |s: &syncdeck::engine::summary::Summary| s.attention.iter().any(|a| a.text == line);
    world.summary(&line, told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_against_an_edit_is_asked_and_both_answers_are_followed() {
    let mut world = World::imported().await;
    // By who deletes, and what is decided.
    for (who, take) in [
        (Side::App, Side::App),
        (Side::App, Side::Crm),
        (Side::Crm, Side::App),
        (Side::Crm, Side::Crm),
    ] {
        let what = format!("{who:?} deletes, {take:?} is taken");
        let (id, key) = alone(&mut world, &what).await;
        match who {
            Side::App => {
                world.delete(&key).await;
                world.change(&id, json!({"Name": "Edited"}));
            }
            Side::Crm => {
                world.edit(&key, "name", "Edited").await;
                world.org().delete(By::Colleague, &id).unwrap();
            }
        }
        well(&mut world).await;
        let rows = world.conflicts().await;
        assert_eq!(rows.len(), 1, "{what}");
        let open = world
            .state()
            .open_conflicts(&key.pair, &key.app_id)
            .unwrap();
        assert_eq!(open[0].kind, Kind::DeleteVsChange { deleted: who });
        told(&mut world, &key, who).await;
        let refused = world.decide(&rows[0], Choice::Take(take)).await;
        assert!(refused.is_empty(), "{what}: {refused:?}");
        world.write().await;
        well(&mut world).await;
        assert!(world.conflicts().await.is_empty(), "{what}");
        let live = world.ids("SELECT Id FROM Account WHERE Name = 'Edited'");
        let lives = world.app(&key).presence == Presence::Live;
        assert_eq!(lives, who != take, "{what}");
        assert_eq!(live.len(), usize::from(who != take), "{what}");
        assert_agree(&world);
        // Out of the way of the next.
        for id in live {
            world.org().delete(By::Colleague, &id).unwrap();
        }
        well(&mut world).await;
    }
}

/// Sync-semantics 12: what is taken back is two halves, and Salesforce may refuse its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_to_go_after_all_goes_when_salesforce_lets_it() {
    let mut world = World::imported().await;
    let (id, key) = alone(&mut world, "Kept").await;
    world.delete(&key).await;
    world.change(&id, json!({"Name": "Edited"}));
    well(&mut world).await;
    let rows = world.conflicts().await;
    assert!(
        world
            .decide(&rows[0], Choice::Take(Side::Crm))
            .await
            .is_empty()
    );
    world.write().await;
    let ask = Command::Conflict { key: key.clone() };
    let Reply::Conflict(Some(detail)) = world.ask(ask).await.unwrap() else {
        panic!("no such record");
    };
    let decided = detail.record.unwrap().conflict;
    let back = Decide {
        conflict: decided.id,
        fp: decided.fp,
        choice: Some(Choice::Take(Side::App)),
    };
    let decisions = vec![back];
    world.tell(Command::Decide { decisions }).await;
    let refuse = world.org().inject(fault(json!({
        "kind": "refuse_rows", "share": 1.0, "code": "DELETE_FAILED", "method": "DELETE",
    })));
    world.write().await;
    let row = world.conflicts().await.remove(0);
    assert_eq!(row.conflicts[0].choice, Some(Choice::Take(Side::App)));
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    let rev = world.app(&key).rev;
    world.org().remove_fault(refuse);
    world.write().await;
    assert_eq!(world.there(&id, "IsDeleted"), "true");
    assert_eq!(world.app(&key).rev, rev, "marked as deleted once");
    assert!(world.conflicts().await.is_empty());
    well(&mut world).await;
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_merged_into_an_unknown_one_lives_on_in_it() {
    let mut world = World::imported().await;
    let (loser, key) = alone(&mut world, "Loser").await;
    world.edit(&key, "phone", "+47 1").await;
    let winner = world.make("Account", json!({"Name": "Winner"}));
    world
        .org()
        .merge(By::Colleague, &winner, std::slice::from_ref(&loser))
        .unwrap();
    well(&mut world).await;
    well(&mut world).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(winner.as_str()));
    assert_eq!(world.value(&key, "name"), "Winner");
    assert_eq!(world.there(&winner, "Phone"), "+47 1");
    assert_agree(&world);
}

/// R12, R17: what it lives on in was never read, and is not shown. It is asked for once a run, not
/// as often as a record is planned.
#[tokio::test(flavor = "multi_thread")]
async fn a_survivor_that_is_not_shown_is_asked_for_once_a_run() {
    let mut world = World::imported().await;
    let (loser, key) = alone(&mut world, "Loser").await;
    world.edit(&key, "phone", "+47 1").await;
    let winner = world.make("Account", json!({"Name": "Winner"}));
    world
        .org()
        .merge(By::Colleague, &winner, std::slice::from_ref(&loser))
        .unwrap();
    world.org().hide(&winner).unwrap();
    well(&mut world).await;
    let before = world.org().counters().requests;
    well(&mut world).await;
    let requests = world.org().requests(before);
    let names = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(&winner));
    let asked = requests.iter().filter(|request| names(&request.body));
    assert_eq!(asked.count(), 1);
    world.org().show(&winner).unwrap();
    well(&mut world).await;
    well(&mut world).await;
    assert_eq!(world.crm_id(&key).as_deref(), Some(winner.as_str()));
    assert_eq!(world.there(&winner, "Phone"), "+47 1");
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_records_merged_into_one_are_asked_about() {
    let mut world = World::imported().await;
    let (loser, lost) = alone(&mut world, "Loser").await;
    let (winner, won) = alone(&mut world, "Winner").await;
    world
        .org()
        .merge(By::Colleague, &winner, std::slice::from_ref(&loser))
        .unwrap();
    world.org().forget();
    well(&mut world).await;
    let rows = world.conflicts().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].key, lost);
    assert_eq!(world.crm_id(&won).as_deref(), Some(winner.as_str()));
    assert_eq!(world.app(&lost).presence, Presence::Live);
    assert!(world.org().written().is_empty());
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_converted_lead_is_read_and_no_longer_written() {
    let mut world = World::imported().await;
    let lead = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 1")
        .remove(0);
    let key = world.key("leads", &lead);
    world.edit(&key, "title", "Too Late").await;
    let made = world
        .org()
        .convert(By::Colleague, &lead, Some("Deal"))
        .unwrap();
    world.org().forget();
    well(&mut world).await;
    let link = world.state().link(&key.pair, &key.app_id).unwrap().unwrap();
    assert_eq!(link.state, LinkState::Converted);
    // What it became is there.
    world.key("accounts", &made.account_id);
    world.key("contacts", &made.contact_id);
    world.key("opportunities", made.opportunity_id.as_deref().unwrap());
    world.edit(&key, "title", "Later Still").await;
    well(&mut world).await;
    assert!(world.org().written().is_empty());
    assert_agree(&world);
}

async fn following() -> World {
    let mut world = World::imported().await;
    let mut draft = Box::new(world.state().pair(&"leads".into()).unwrap().unwrap());
    draft.on_convert = Converts::Follow;
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    world
}

fn said(world: &World, key: &RecordKey) -> String {
    let prefix = record_key(&key.pair, &key.app_id);
    let lines = world.state().store().scan(&HISTORY, &prefix);
    let lines: Vec<String> = lines.map(|line| line.unwrap().1.text).collect();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_converted_lead_is_followed_into_what_it_became() {
    let mut world = following().await;
    well(&mut world).await;
    let lead = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 1")
        .remove(0);
    let key = world.key("leads", &lead);
    world.edit(&key, "title", "Too Late").await;
    let made = world
        .org()
        .convert(By::Colleague, &lead, Some("Deal"))
        .unwrap();
    world.org().forget();
    well(&mut world).await;
    let link = world.state().link(&key.pair, &key.app_id).unwrap().unwrap();
    assert_eq!(link.state, LinkState::Closed);
    assert_eq!(world.value(&key, "status"), "Closed - Converted");
    assert_eq!(world.value(&key, "title"), "Too Late");
    let lines = said(&world, &key);
    let goes_on = format!("goes on as Account {}", made.account_id);
    assert!(lines.contains(&goes_on), "{lines}");
    assert!(lines.contains("title of the App never reached"), "{lines}");
    // Their pairs were read before the lead: the next run says where they come from.
    well(&mut world).await;
    let opportunity = made.opportunity_id.as_deref().unwrap();
    for (pair, id) in [
        ("accounts", made.account_id.as_str()),
        ("contacts", &made.contact_id),
        ("opportunities", opportunity),
    ] {
        let lines = said(&world, &world.key(pair, id));
        assert!(
            lines.contains("was converted in Salesforce into this"),
            "{lines}"
        );
    }
    assert_eq!(world.state().store().scan(&FOLLOWED, &[]).count(), 0);
    world.edit(&key, "title", "Later Still").await;
    well(&mut world).await;
    assert!(world.org().written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_were_converted_before_are_followed_when_that_is_chosen() {
    let mut world = World::imported().await;
    let lead = world.ids("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1");
    let key = world.key("leads", &lead[0]);
    let state = |world: &World| {
        let link = world.state().link(&key.pair, &key.app_id).unwrap();
        link.unwrap().state
    };
    assert_eq!(state(&world), LinkState::Converted);
    let mut draft = Box::new(world.state().pair(&"leads".into()).unwrap().unwrap());
    draft.on_convert = Converts::Follow;
    world.ask(Command::SaveMapping { draft }).await.unwrap();
    well(&mut world).await;
    assert_eq!(state(&world), LinkState::Closed);
    assert!(world.org().written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn children_made_with_their_parents_find_them() {
    let mut world = World::imported().await;
    let account = world.create("accounts", &[("name", "New Parent")]).await;
    let id = account.app_id.as_str().to_owned();
    for n in 0..3 {
        let name = format!("Child {n}");
        let fields = [("last_name", name.as_str()), ("account_id", id.as_str())];
        world.create("contacts", &fields).await;
    }
    // The children are asked to go first, and wait.
    let end = world.sync_pair("contacts").await;
    assert_eq!(end.run.counts.deferred, 3, "{:?}", end.run.counts);
    well(&mut world).await;
    let parent = world.crm_id(&account).unwrap();
    let children = world.ids(&format!(
        "SELECT Id FROM Contact WHERE AccountId = '{parent}'"
    ));
    assert_eq!(children.len(), 3);
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_deleted_before_the_import_is_taken_in_when_it_comes_back() {
    let mut world = World::imported().await;
    for id in world.ids("SELECT Id FROM Lead WHERE IsDeleted = true") {
        world.advance(60);
        world.org().undelete(By::Colleague, &id).unwrap();
        let end = world.sync_pair("leads").await;
        assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
        world.key("leads", &id);
    }
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_not_taken_for_deleted() {
    let mut world = World::imported().await;
    let (id, key) = alone(&mut world, "Out Of Sight").await;
    world.edit(&key, "name", "Edited").await;
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 300, "path": "*/composite/sobjects/Account", "times": 1,
    })));
    let run = world.begin_pair("accounts").await;
    // It was written, and is being read back.
    world.struck(slow, 1).await;
    assert_eq!(world.there(&id, "Name"), "Edited");
    world.org().purge(&id).unwrap();
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(world.app(&key).presence, Presence::Live);
    assert_eq!(world.value(&key, "name"), "Edited");
    assert!(world.conflicts().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_we_deleted_and_a_colleague_brings_back_is_told_of_once() {
    let mut world = World::imported().await;
    let (id, key) = alone(&mut world, "Deleted Here").await;
    world.delete(&key).await;
    well(&mut world).await;
    well(&mut world).await;
    assert_eq!(world.there(&id, "IsDeleted"), "true");
    world.advance(60);
    world.org().undelete(By::Colleague, &id).unwrap();
    well(&mut world).await;
    well(&mut world).await;
    assert_eq!(world.app(&key).presence, Presence::Deleted);
    let log = world.state().log_tail(100).unwrap();
    let told = log
        .iter()
        .filter(|l| l.text.contains("brought back in Salesforce"));
    assert_eq!(told.count(), 1);
}
