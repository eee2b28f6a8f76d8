//! What a run says it did: each record counted once, under what became of it.

use serde_json::json;
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::run::ResultKind;
use syncdeck::domain::transform::Side;
use syncdeck::engine::command::RecordKey;
use syncdeck::engine::summary::Summary;
use syncdeck::engine::tables::LEDGER;
use syncdeck::engine::view::ConflictRow;
use syncdeck::store::keys::Key;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_before_the_first_sync_is_left_out_and_not_the_same() {
    let mut world = World::signed_in("whole-crm", 100).await;
    let mut left_out = 0;
    for end in world.sync().await {
        let counts = end.run.counts;
        assert_eq!(counts.same, 0, "{}: {counts:?}", end.title);
        assert_eq!(
            counts.planned,
            counts.created + counts.skipped,
            "{counts:?}"
        );
        left_out += counts.skipped;
    }
    assert!(left_out > 0, "the demo org has deleted records");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_read_and_then_written_has_one_result() {
    let mut world = World::imported().await;
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 3");
    let keys: Vec<_> = ids.iter().map(|id| world.key("leads", id)).collect();
    // Taken in and written; in conflict and written; only read.
    world.change(&ids[0], json!({"Title": "theirs"}));
    world.edit(&keys[0], "phone", "+47 1").await;
    world.change(&ids[1], json!({"Phone": "+47 2"}));
    world.edit(&keys[1], "phone", "+47 3").await;
    world.edit(&keys[1], "title", "ours").await;
    world.change(&ids[2], json!({"Phone": "+47 4"}));
    let end = world.sync_pair("leads").await;
    let counts = end.run.counts;
    let of = |key: &RecordKey| -> Vec<(ResultKind, String)> {
        let rows = end.records.rows.iter().filter(|r| r.app_id == key.app_id);
        rows.map(|r| (r.kind, r.did.clone())).collect()
    };
    let [one] = &of(&keys[0])[..] else {
        panic!("{:?}", of(&keys[0]));
    };
    assert_eq!(one.0, ResultKind::Applied);
    assert!(
        one.1.contains("-> App; ") && one.1.contains("-> Salesforce"),
        "{}",
        one.1
    );
    let [two] = &of(&keys[1])[..] else {
        panic!("{:?}", of(&keys[1]));
    };
    assert_eq!(two.0, ResultKind::Conflict);
    assert!(two.1.contains("-> Salesforce"), "{}", two.1);
    assert_eq!(of(&keys[2]).len(), 1);
    assert_eq!((counts.pulled, counts.pushed, counts.conflicts), (2, 2, 1));
    assert_eq!(counts.planned, 3 + counts.same, "{counts:?}");
    // Kept: each record of the run once.
    let ledger = world
        .state()
        .store()
        .scan(&LEDGER, &Key::new().number(end.run.id.0));
    assert_eq!(ledger.count() as u64, counts.planned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_two_values_that_do_not_fit_is_one_failure_that_names_both() {
    let mut world = World::imported().await;
    let id = world.account(0);
    let key = world.key("accounts", &id);
    // With a value that goes, and without.
    for edits in [
        &[
            ("tier", "platinum"),
            ("owner", "no@one.example"),
            ("name", "New"),
        ][..],
        &[("name", "Newer")],
    ] {
        for (field, text) in edits {
            world.edit(&key, field, text).await;
        }
        let end = world.sync_pair("accounts").await;
        assert_eq!(end.run.counts.failed, 1, "{:?}", end.run.counts);
        let [one] = end.groups.as_slice() else {
            panic!("{:?}", end.groups);
        };
        assert_eq!(one.records, 1);
        assert!(
            one.what.contains("tier") && one.what.contains("owner"),
            "{}",
            one.what
        );
    }
    assert_eq!(world.there(&id, "Name"), "Newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_record_with_two_values_that_do_not_fit_names_both() {
    let mut world = World::imported().await;
    let wrong = [
        ("name", "Made"),
        ("tier", "platinum"),
        ("owner", "no@one.example"),
    ];
    world.create("accounts", &wrong).await;
    let end = world.sync_pair("accounts").await;
    assert_eq!(end.run.counts.failed, 1, "{:?}", end.run.counts);
    let what = &end.groups[0].what;
    assert!(what.contains("tier") && what.contains("owner"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_was_last_checked_when_a_run_ended() {
    let mut world = World::imported().await;
    let before = world.state().connection().unwrap().checked.unwrap();
    world.sync_pair("leads").await;
    let after = world.state().connection().unwrap().checked.unwrap();
    assert!(after > before, "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_records_in_conflict_the_first_screen_says_how_many_are_decided() {
    let mut world = World::imported().await;
    let ids = world.ids("SELECT Id FROM Lead WHERE IsConverted = false ORDER BY Id LIMIT 2");
    for id in &ids {
        world.change(id, json!({"Phone": "+47 1", "Title": "theirs"}));
        let key = world.key("leads", id);
        world.edit(&key, "phone", "+47 2").await;
        world.edit(&key, "title", "ours").await;
    }
    world.sync_pair("leads").await;
    let says = |s: &Summary, what: &str| s.attention.iter().any(|a| a.text.contains(what));
    let rows = world.conflicts().await;
    let many = rows.len() as u64;
    assert!(many >= 2, "{many}");
    // While the run went on there were fewer.
    let open = |s: &Summary| s.open_conflicts == many && says(s, "on both sides:");
    world.summary("all in conflict", open).await;
    let of = |id: &String| {
        let key = world.key("leads", id);
        rows.iter().find(|row| row.key == key).unwrap()
    };
    // One of two fields is not the record.
    let half = ConflictRow {
        conflicts: of(&ids[0]).conflicts[..1].to_vec(),
        ..of(&ids[0]).clone()
    };
    let (first, second) = (of(&ids[0]).clone(), of(&ids[1]).clone());
    world.decide(&half, Choice::Take(Side::App)).await;
    world.decide(&second, Choice::Take(Side::Crm)).await;
    world
        .summary("one decided", |s| says(s, "on both sides, 1 decided: "))
        .await;
    world.decide(&first, Choice::Take(Side::App)).await;
    let all = match many {
        2 => "on both sides, all decided: ",
        _ => "on both sides, 2 decided: ",
    };
    world.summary("both decided", |s| says(s, all)).await;
}
