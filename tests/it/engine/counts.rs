//! What a run says it did: each record counted once, under what became of it.

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
