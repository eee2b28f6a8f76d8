//! What comparing a record comes to, against a store and a CRM that is a map.

use jiff::SignedDuration;

use crate::crm::CrmRow;
use crate::domain::conflict::State as Standing;
use crate::domain::mapping::{Flow, OnFull, Strategy};
use crate::domain::record::CrmPresence;
use crate::domain::transform::Side;
use crate::domain::value::Value;
use crate::engine::command::RecordKey;
use crate::engine::decisions::tests::world::{World, crm_id, fields};
use crate::engine::journal::{self, Verdict};
use crate::engine::state::State;
use crate::engine::tables::{CONFLICTS, INBOX, Intent, Op, crm_key};
use crate::engine::tx::{Durability, Tx};

/// A record whose title was changed in the App.
fn edited() -> (World, RecordKey) {
    let mut world = World::new();
    let key = world.record(1);
    world.edit_app(&key, fields([("title", "Countess")]));
    (world, key)
}

#[test]
fn an_update_is_guarded_by_what_was_seen() {
    let (mut world, key) = edited();
    let link = world.state.link(&key.pair, &key.app_id).unwrap().unwrap();
    let write = world.reconcile(&key).write.unwrap();
    assert_eq!(write.unmodified_since, Some(link.seen.unwrap().modified));
}

#[test]
fn a_fresh_observation_is_read_again_before_it_guards() {
    let (mut world, key) = edited();
    world.settings.settle = SignedDuration::from_secs(3_600);
    assert_eq!(world.reconcile(&key).needs_read, Some(crm_id(1)));
    world.settings.settle = SignedDuration::from_secs(2);
    assert_eq!(world.reconcile(&key).needs_read, None);
}

#[test]
fn an_answer_that_was_overtaken_is_not_taken() {
    let mut world = World::new();
    let key = world.record(1);
    let old = world.crm[&crm_id(1)].clone();
    world.edit_crm(1, fields([("Title", "Newer")]));
    world.poll(crm_id(1));
    let new = world.crm.insert(crm_id(1), old).unwrap();
    world.poll(crm_id(1));
    assert_eq!(world.app_value(&key, "title"), "Newer");
    world.crm.insert(crm_id(1), new);
    world.poll(crm_id(1));
    world.assert_settled(&key);
}

#[test]
fn what_is_seen_of_a_record_that_is_being_written_waits_in_the_inbox() {
    let (mut world, key) = edited();
    let write = world.reconcile(&key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    journal::intend(&mut tx, &cx, &write, now);
    tx.commit(Durability::Now).unwrap();
    world.edit_crm(1, fields([("Description", "New")]));
    world.poll(crm_id(1));
    let place = crm_key(&key.pair, &crm_id(1));
    let waits = world.state.store().get(&INBOX, &place).unwrap().unwrap();
    assert_eq!(waits.fields["Description"], Value::text("New"));
}

#[test]
fn a_value_that_a_rule_overwrites_in_the_crm_stays_readable() {
    let (mut world, key) = edited();
    world.change_pair(|pair| pair.rows[1].strategy = Strategy::App);
    world.edit_crm(1, fields([("Title", "Engineer")]));
    world.poll(crm_id(1));
    let write = world.reconcile(&key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    let intent = journal::intend(&mut tx, &cx, &write, now);
    tx.commit(Durability::Now).unwrap();
    world.send(&intent);
    assert_eq!(world.crm_value(1, "Title"), "Countess");
    let rows = world.state.store().scan(&CONFLICTS, &[]);
    let logged: Vec<_> = rows.map(|row| row.unwrap().1).collect();
    assert_eq!(logged.len(), 1);
    let resolved = Standing::AutoResolved {
        strategy: Strategy::App,
        winner: Side::App,
    };
    assert_eq!(logged[0].state, resolved);
    assert_eq!(logged[0].crm, Some(vec![Value::text("Engineer")]));
}

#[test]
fn the_number_of_a_log_entry_that_waits_in_an_intent_is_not_given_again() {
    let (mut world, key) = edited();
    world.change_pair(|pair| pair.rows[1].strategy = Strategy::App);
    world.edit_crm(1, fields([("Title", "Engineer")]));
    world.poll(crm_id(1));
    let write = world.reconcile(&key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    journal::intend(&mut tx, &cx, &write, now);
    tx.commit(Durability::Now).unwrap();
    // The process ends before the answer, and the next one finds another conflict first.
    let next = State::open(world.state.store().clone()).unwrap();
    assert_ne!(next.new_conflict_id(), write.auto[0].id);
}

#[test]
fn what_a_write_in_doubt_overwrote_is_in_the_log_although_the_org_changed_what_was_sent() {
    let (mut world, key) = edited();
    world.change_pair(|pair| pair.rows[1].strategy = Strategy::App);
    world.edit_crm(1, fields([("Title", "Engineer")]));
    world.poll(crm_id(1));
    let write = world.reconcile(&key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    let intent = journal::intend(&mut tx, &cx, &write, now);
    let logged = |title: &str, tx: &mut Tx<'_>| {
        let row = CrmRow {
            id: crm_id(1),
            fields: fields([("Title", title)]),
            stamp: now,
            modified: now,
            modified_by: None,
            presence: CrmPresence::Live,
        };
        journal::gone_all_the_same(tx, &cx, &intent, Some(&row), now).unwrap();
        tx.conflict(intent.auto[0].id).unwrap().is_some()
    };
    assert!(!logged("Engineer", &mut tx), "nothing was overwritten");
    assert!(logged("COUNTESS", &mut tx));
    drop(tx);
    // Nobody can tell of a record that is not shown.
    let mut tx = world.state.begin();
    journal::gone_all_the_same(&mut tx, &cx, &intent, None, now).unwrap();
    assert!(tx.conflict(intent.auto[0].id).unwrap().is_some());
}

#[test]
fn what_a_decision_in_doubt_overwrote_is_in_the_log_although_somebody_changed_it_since() {
    let (mut world, key) = edited();
    world.change_pair(|pair| pair.rows[1].strategy = Strategy::App);
    world.edit_crm(1, fields([("Title", "Engineer")]));
    world.poll(crm_id(1));
    let write = world.reconcile(&key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    let mut intent = journal::intend(&mut tx, &cx, &write, now);
    // The same write, by a person's decision.
    let mut decided = intent.auto.remove(0);
    decided.state = Standing::Resolving;
    decided.closed_at = None;
    tx.put_conflict(&decided, now).unwrap();
    intent.resolves = vec![decided.id];
    tx.commit(Durability::Now).unwrap();
    let log = |title: &str| {
        let row = CrmRow {
            id: crm_id(1),
            fields: fields([("Title", title)]),
            stamp: now,
            modified: now,
            modified_by: None,
            presence: CrmPresence::Live,
        };
        let mut tx = world.state.begin();
        journal::gone_all_the_same(&mut tx, &cx, &intent, Some(&row), now).unwrap();
        journal::not_sent(&mut tx, &intent, now).unwrap();
        let open = tx.open_conflicts(&key.pair, &key.app_id).unwrap();
        assert_eq!(open.len(), 1, "a person is asked again");
        assert_eq!(
            (open[0].id, &open[0].state),
            (decided.id, &Standing::Pending)
        );
        tx.commit(Durability::Now).unwrap();
        let all = world.state.store().scan(&CONFLICTS, &[]);
        let all = all.map(|row| row.unwrap().1).filter(|c| c.id != decided.id);
        let all = all.map(|c| {
            assert!(matches!(c.state, Standing::Resolved { .. }), "{c:?}");
            c.crm.unwrap()
        });
        all.collect::<Vec<_>>()
    };
    assert!(log("Engineer").is_empty(), "nothing was overwritten");
    // It was reopened: as it is written again.
    let mut tx = world.state.begin();
    tx.put_conflict(&decided, now).unwrap();
    tx.commit(Durability::Now).unwrap();
    assert_eq!(log("Somebody's since"), [[Value::text("Engineer")]]);
}

#[test]
fn what_others_wrote_comes_to_the_app_although_both_added_lines() {
    let mut world = World::new();
    let key = world.record(1);
    world.change_pair(|pair| pair.rows[2].flow = Flow::AppendBoth);
    world.edit_crm(1, fields([("Description", "first\ntheirs")]));
    world.edit_app(&key, fields([("notes", "first\nours")]));
    world.poll(crm_id(1));
    let write = world.reconcile(&key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    let intent = journal::intend(&mut tx, &cx, &write, now);
    tx.commit(Durability::Now).unwrap();
    world.send(&intent);
    let there = world.crm_value(1, "Description");
    assert!(there.starts_with("first\ntheirs\n["), "{there}");
    // The record is read back, and has nothing but what was sent.
    world.poll(crm_id(1));
    assert_eq!(world.app_value(&key, "notes"), there);
    world.assert_settled(&key);
    world.poll(crm_id(1));
    world.assert_settled(&key);
}

/// A record with a line that was appended and is not read back, and the text from before.
fn appended() -> (World, RecordKey, String) {
    let mut world = World::new();
    let key = world.record(1);
    world.change_pair(|pair| pair.rows[2].flow = Flow::AppendBoth);
    world.edit_crm(1, fields([("Description", "theirs")]));
    world.poll(crm_id(1));
    world.edit_app(&key, fields([("notes", "theirs\nours")]));
    sends(&mut world, &key);
    (world, key, "theirs".to_owned())
}

#[test]
fn a_line_that_is_removed_there_before_it_was_read_back_leaves_the_app() {
    let (mut world, key, before) = appended();
    world.edit_crm(1, fields([("Description", before.as_str())]));
    world.poll(crm_id(1));
    assert_eq!(world.app_value(&key, "notes"), before);
    world.assert_settled(&key);
}

#[test]
fn a_text_that_is_not_shown_still_comes_back_when_it_is() {
    let (mut world, key, _) = appended();
    let there = world.crm_value(1, "Description");
    let description = "Description".into();
    let hidden = world
        .crm
        .get_mut(&crm_id(1))
        .unwrap()
        .fields
        .remove(&description);
    world.poll(crm_id(1));
    assert_eq!(world.app_value(&key, "notes"), "theirs\nours");
    let shown = &mut world.crm.get_mut(&crm_id(1)).unwrap().fields;
    shown.insert(description, hidden.unwrap());
    world.poll(crm_id(1));
    assert_eq!(world.app_value(&key, "notes"), there);
    world.assert_settled(&key);
}

/// What was agreed is forgotten, as when a row of the mapping means something else.
fn forget_bases(world: &World, key: &RecordKey) {
    let mut link = world.state.link(&key.pair, &key.app_id).unwrap().unwrap();
    link.bases.clear();
    let was = link.crm_id;
    let mut tx = world.state.begin();
    tx.put_link(link, was).unwrap();
    tx.commit(Durability::Now).unwrap();
}

/// Sends what a record has to say.
fn sends(world: &mut World, key: &RecordKey) -> Intent {
    let write = world.reconcile(key).write.unwrap();
    let (cx, now) = (world.cx(), world.now());
    let mut tx = world.state.begin();
    let intent = journal::intend(&mut tx, &cx, &write, now);
    tx.commit(Durability::Now).unwrap();
    world.send(&intent);
    intent
}

#[test]
fn a_line_that_was_removed_there_stays_removed_when_all_is_compared_anew() {
    let mut world = World::new();
    let key = world.record(1);
    world.change_pair(|pair| pair.rows[2].flow = Flow::Append(OnFull::Reject));
    world.poll(crm_id(1));
    world.edit_app(&key, fields([("notes", "one\ntwo")]));
    sends(&mut world, &key);
    let there = world.crm_value(1, "Description");
    assert!(
        there.contains("] one ") && there.contains("] two "),
        "{there}"
    );
    let left: Vec<&str> = there.lines().filter(|l| !l.contains("] one ")).collect();
    world.edit_crm(1, fields([("Description", left.join("\n").as_str())]));
    world.poll(crm_id(1));
    forget_bases(&world, &key);
    assert_eq!(world.reconcile(&key).write, None);
    world.edit_app(&key, fields([("notes", "one\ntwo\nthree")]));
    sends(&mut world, &key);
    let now = world.crm_value(1, "Description");
    assert!(now.contains("] three ") && !now.contains("] one "), "{now}");
    assert_eq!(now.matches("] two ").count(), 1, "{now}");
}

#[test]
fn lines_that_arrived_are_known_whatever_somebody_wrote_beside_them() {
    let mut world = World::new();
    let key = world.record(1);
    world.change_pair(|pair| pair.rows[2].flow = Flow::Append(OnFull::Reject));
    world.poll(crm_id(1));
    world.edit_app(&key, fields([("notes", "one")]));
    let before = world.crm_value(1, "Description");
    let intent = sends(&mut world, &key);
    let there = world.crm_value(1, "Description");
    let (cx, now) = (world.cx(), world.now());
    let judged = |text: &str| {
        let row = CrmRow {
            id: crm_id(1),
            fields: fields([("Description", text)]),
            stamp: now,
            modified: now,
            modified_by: None,
            presence: CrmPresence::Live,
        };
        journal::judge(&cx, &intent, &row, now)
    };
    assert_eq!(judged(&format!("{there}\ntheirs")), Verdict::Applied);
    assert_ne!(judged(&before), Verdict::Applied);
    assert_ne!(judged("theirs alone"), Verdict::Applied);
}

#[test]
fn a_change_that_a_delete_takes_along_by_rule_is_in_the_log() {
    let mut world = World::new();
    let key = world.record(1);
    world.edit_crm(1, fields([("Title", "Engineer")]));
    world.delete_app(&key);
    world.poll(crm_id(1));
    assert_eq!(world.reconcile(&key).write, None, "a person is asked");
    world.change_pair(|pair| pair.strategy = Strategy::App);
    let write = world.reconcile(&key).write.unwrap();
    assert_eq!(write.op, Op::Delete);
    let resolved = Standing::AutoResolved {
        strategy: Strategy::App,
        winner: Side::App,
    };
    assert_eq!(write.auto[0].state, resolved);
}
