//! Windows that are too much: for the time a query may take, for its length, for what is new in
//! them (sync-semantics 4.2).

use serde_json::json;
use syncdeck::domain::mapping::{AppField, Pair};
use syncdeck::domain::preset;
use syncdeck::domain::value::FieldKind;
use syncdeck::engine::tables::{WATERMARKS, Watermark};
use syncdeck::sandbox::{By, ExtraField};
use syncdeck::store::keys::Key;

use super::*;

fn mark(world: &World) -> Watermark {
    let key = Key::new().text("leads");
    let mark = world.state().store().get(&WATERMARKS, &key).unwrap();
    mark.unwrap_or_default()
}

/// Queries of windows of leads.
const LEADS: &str = "*queryAll*FROM*Lead*";

/// Windows that were asked for, by their queries.
fn windows(world: &World) -> Vec<String> {
    let seen = world.org().requests(0);
    let queries = seen.into_iter().filter(|r| r.path.contains("queryAll"));
    let queries = queries.filter_map(|r| r.query);
    queries.filter(|q| q.contains("FROM Lead")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_takes_too_long_is_read_in_halves() {
    let mut world = World::signed_in("lead-desk", 400).await;
    world.org().inject(fault(
        json!({"kind": "slow_query", "most": 60, "path": LEADS}),
    ));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_agree(&world);
    let asked = windows(&world);
    let parts = asked.iter().filter(|q| q.contains("SystemModstamp < "));
    assert!(parts.count() >= 6, "{asked:?}");
    assert!(mark(&world).seen_to.is_some());
    // The next window is small, and whole.
    world.org().forget();
    world.sync_pair("leads").await;
    assert_eq!(windows(&world).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_waits_for_both_halves_and_a_crash_between_loses_nothing() {
    let mut world = World::signed_in("lead-desk", 400).await;
    world.org().inject(fault(
        json!({"kind": "slow_query", "most": 60, "path": LEADS}),
    ));
    // Its answer is the last: every part before it was read.
    let broken = json!({"kind": "status", "status": 500, "path": LEADS, "after": 14});
    let broken = world.org().inject(fault(broken));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Failed, "{:?}", end.run);
    let some = end.run.counts.created;
    assert!(some > 0, "{:?}", end.run.counts);
    let left = mark(&world);
    assert_eq!(left.seen_to, None);
    assert!(left.open.is_some());
    world.crash().await;
    world.org().remove_fault(broken);
    takes_in_the_rest(&mut world, "leads", some).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_never_in_time_ends_the_run_and_says_so() {
    let mut world = World::signed_in("lead-desk", 100).await;
    world.org().inject(fault(
        json!({"kind": "slow_query", "most": 0, "path": LEADS}),
    ));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Failed);
    assert_eq!(end.run.failure.unwrap().code, "QUERY_TIMEOUT");
    assert_eq!(mark(&world).seen_to, None);
    assert!(windows(&world).len() < 60, "{}", windows(&world).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_of_ids_that_takes_too_long_is_made_in_halves() {
    let mut world = World::signed_in("lead-desk", 200).await;
    world.sync_pair("leads").await;
    world.advance(90_000);
    world.org().inject(fault(
        json!({"kind": "slow_query", "most": 40, "path": LEADS}),
    ));
    world.sync_pair("leads").await;
    world.org().forget();
    let (end, _) = super::sweep::sweep(&mut world, "leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert!(windows(&world).len() > 5, "{:?}", windows(&world));
    assert_agree(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_in_a_big_overlap_is_not_read_again() {
    let sizes = Sizes {
        ids_first: 2_000,
        ..Sizes::default()
    };
    let mut world = World::signed_in_with("lead-desk", 2_300, sizes).await;
    world.sync_pair("leads").await;
    // Everybody's records are touched by a load; the next window has them all, and so has the one
    // after it.
    let mut ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false");
    // A rule of the org refuses some.
    let load = json!({"City": "Loaded"}).as_object().unwrap().clone();
    ids.retain(|id| world.org().update(By::Colleague, id, &load).is_ok());
    assert!(ids.len() > 2_050, "{}", ids.len());
    world.sync_pair("leads").await;
    for id in &ids[..3] {
        world.change(id, json!({"Title": "Moved"}));
    }
    world.org().forget();
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(end.run.counts.pulled, 3, "{:?}", end.run.counts);
    let bare = windows(&world);
    let bare = bare.iter().filter(|q| !q.contains("Title"));
    assert_eq!(bare.count(), 1, "ids and stamps only");
    let seen = world.org().requests(0);
    let reads = seen
        .iter()
        .filter(|r| r.method == "POST" && r.path.ends_with("/composite/sobjects/Lead"));
    let bodies: Vec<_> = reads.filter_map(|r| r.body.clone()).collect();
    let asked: usize = bodies.iter().map(|body| body.matches("00Q").count()).sum();
    assert_eq!(asked, 3, "{bodies:?}");
    assert_agree(&world);
}

/// How many fields the wide object has on top.
const WIDE: usize = 300;

fn wide_name(number: usize) -> String {
    format!("A_Rather_Long_Name_Of_A_Field_{number:03}__c")
}

/// The lead desk with hundreds of fields more.
fn wide() -> (Vec<Pair>, Vec<ExtraField>) {
    let mut pairs = preset::preset("lead-desk").unwrap();
    let pair = &mut pairs[0];
    let like = pair
        .rows
        .iter()
        .find(|row| row.crm == ["Phone".into()])
        .unwrap()
        .clone();
    let mut fields = Vec::new();
    for number in 0..WIDE {
        let name = wide_name(number);
        let mut row = like.clone();
        row.id = syncdeck::domain::id::RowId(1_000 + number as u16);
        row.crm = vec![name.as_str().into()];
        row.app = vec![format!("extra{number:03}").as_str().into()];
        pair.app_fields.push(AppField {
            name: row.app[0].clone(),
            kind: FieldKind::Text,
            length: 80,
        });
        pair.rows.push(row);
        fields.push(ExtraField {
            object: "Lead".to_owned(),
            line: format!("{name} string(80) CUNFGS"),
        });
    }
    (pairs, fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_no_query_can_name_are_read_in_groups_of_one_version() {
    let sizes = Sizes {
        longest_select: 4_000,
        ..Sizes::default()
    };
    let (pairs, fields) = wide();
    let mut world = World::with_fields(pairs, fields, 60, sizes).await;
    let id = world
        .ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id")
        .remove(0);
    let (first, last) = (wide_name(0), wide_name(WIDE - 1));
    world.change(&id, json!({&first: "one", &last: "one"}));
    let end = world.sync_pair("leads").await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let key = world.key("leads", &id);
    let both = |world: &World| (world.value(&key, "extra000"), world.value(&key, "extra299"));
    assert_eq!(both(&world), ("one".to_owned(), "one".to_owned()));

    // An edit between two groups: never half of it.
    world.org().forget();
    world.change(&id, json!({"City": "Elsewhere"}));
    let slow = world.org().inject(fault(json!({
        "kind": "delay", "ms": 1_500, "path": "*/composite/sobjects/Lead", "method": "POST", "times": 1,
    })));
    let run = world.begin_pair("leads").await;
    world.struck(slow, 1).await;
    world.change(&id, json!({&first: "two", &last: "two"}));
    let end = world.end(run).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    assert_eq!(both(&world), ("two".to_owned(), "two".to_owned()));
    // And the other way.
    world.edit(&key, "extra299", "three").await;
    world.sync_pair("leads").await;
    assert_eq!(world.there(&id, &last), "three");
    assert_agree(&world);
}
