//! Decisions that are taken back, and what the log of a decision keeps.

use super::*;
use crate::engine::view::ConflictDetail;
use crate::error::Result;

pub(super) fn detail(world: &World, key: &RecordKey) -> ConflictDetail {
    let found = queries::conflict(&world.state, &world.settings, key, world.now());
    found.unwrap().expect("something to show")
}

fn take_back(world: &World, key: &RecordKey, row: u16, choice: Option<Choice>) -> Result<()> {
    let detail = detail(world, key);
    let field = detail.fields.iter().find(|f| f.row == RowId(row)).unwrap();
    let asked = Overrule {
        record: key.clone(),
        row: field.row,
        fp: field.fp,
        choice,
    };
    overrule(&world.state, &world.settings, "jo", asked, world.now()).map(drop)
}

/// A rule took one side, or a person did: the other value can be written after all.
#[test]
fn what_a_rule_or_a_person_decided_can_be_taken_back() {
    for by in ["rule", "person"] {
        let (mut world, key) = in_conflict();
        match by {
            "rule" => {
                world.change_pair(|pair| {
                    pair.rows
                        .iter_mut()
                        .for_each(|r| r.strategy = Strategy::Crm)
                });
                world.reconcile(&key);
            }
            _ => {
                for row in [2, 3] {
                    let conflict = world.conflict_on(&key, row);
                    world.stage(&conflict, Choice::Take(Side::Crm));
                }
                world.write(&key);
            }
        }
        world.assert_settled(&key);
        assert_eq!(world.app_value(&key, "title"), "Engineer", "{by}");
        let shown = detail(&world, &key);
        let title = shown.fields.iter().find(|f| f.row == RowId(2)).unwrap();
        assert_eq!(title.standing, FieldStanding::Settled, "{by}");
        assert_eq!(
            title.app,
            Some(vec![Value::text("Countess")]),
            "what it was about"
        );
        let note = title.note.clone().unwrap();
        assert!(note.contains("Salesforce's value"), "{note}");
        // What stands is no news.
        let same = take_back(&world, &key, 2, Some(Choice::Take(Side::Crm)));
        assert_eq!(same.unwrap_err().kind(), Kind::Refused);
        take_back(&world, &key, 2, Some(Choice::Take(Side::App))).unwrap();
        let staged = detail(&world, &key);
        let title = staged.fields.iter().find(|f| f.row == RowId(2)).unwrap();
        assert_eq!(
            title.standing,
            FieldStanding::Decided(Choice::Take(Side::App))
        );
        assert_eq!(staged.writes.decisions, 1);
        world.write(&key);
        assert_eq!(world.app_value(&key, "title"), "Countess", "{by}");
        assert_eq!(world.crm_value(1, "Title"), "Countess", "{by}");
        assert_eq!(
            world.crm_value(1, "Description"),
            "crm text",
            "the other stays"
        );
        // It stays so: nothing bounces.
        world.poll(crm_id(1));
        let again = world.reconcile(&key);
        assert!(again.write.is_none() && !again.pulled, "{by}");
    }
}

#[test]
fn what_moved_since_it_was_taken_back_is_not_overwritten() {
    let (mut world, key) = in_conflict();
    world.change_pair(|pair| {
        pair.rows
            .iter_mut()
            .for_each(|r| r.strategy = Strategy::Crm)
    });
    world.reconcile(&key);
    take_back(&world, &key, 2, Some(Choice::Take(Side::App))).unwrap();
    world.edit_crm(1, fields([("Title", "Professor")]));
    world.poll(crm_id(1));
    assert!(matches!(world.prepare(&key), Prepared::Stale));
    assert_eq!(world.crm_value(1, "Title"), "Professor");
    // Staged, and left as it was after all.
    world.reconcile(&key);
    take_back(&world, &key, 3, Some(Choice::Take(Side::App))).unwrap();
    take_back(&world, &key, 3, None).unwrap();
    assert_eq!(detail(&world, &key).writes.decisions, 0);
}

#[test]
fn decided_conflicts_are_listed_newest_first_when_they_are_asked_for() {
    let (mut world, key) = in_conflict();
    let page = crate::engine::command::Page {
        offset: 0,
        limit: 10,
    };
    let list = |world: &World, filter: &str| {
        let wanted = crate::engine::wanted::Wanted::default();
        queries::conflicts(&world.state, filter, page, world.now(), &wanted).unwrap()
    };
    assert_eq!(list(&world, "state:ok").total, 0);
    world.change_pair(|pair| {
        pair.rows
            .iter_mut()
            .for_each(|r| r.strategy = Strategy::App)
    });
    world.reconcile(&key);
    let write = world.reconcile(&key).write.unwrap();
    world.send_write(&write);
    assert_eq!(list(&world, "").total, 0);
    let all = list(&world, "state:ok");
    assert_eq!((all.total, all.rows[0].key.clone()), (1, key.clone()));
    assert_eq!(all.rows[0].waits_for, "by rule");
    assert_eq!(list(&world, "state:ok field:nothing").total, 0);
}

/// The log of a decision by time has both times, the error, and what they are of (13.6).
#[test]
fn a_decision_by_time_is_kept_with_its_times() {
    for (tie, gap, winner) in [
        (Strategy::Newest, 30, Some(Side::Crm)),
        (Strategy::NewestOrApp, 0, Some(Side::App)),
        (Strategy::NewestOrCrm, 0, Some(Side::Crm)),
        (Strategy::Newest, 0, None),
    ] {
        let mut world = World::new();
        let key = world.record(1);
        world.change_pair(|pair| pair.rows[1].strategy = tie);
        world.edit_app(&key, fields([("title", "Countess")]));
        world.clock += gap - 10;
        world.edit_crm(1, fields([("Title", "Engineer")]));
        let now = world.now();
        world.state.hear_clock(now, now, now);
        world.poll(crm_id(1));
        let done = world.reconcile(&key);
        let Some(winner) = winner else {
            assert_eq!(world.open(&key).len(), 1, "a person is asked");
            continue;
        };
        if let Some(write) = done.write {
            world.send_write(&write);
        }
        let decided = world.state.decided(&key.pair, &key.app_id).unwrap();
        let State::ByTime { winner: is, by, .. } = &decided[0].state else {
            panic!("{:?}", decided[0].state);
        };
        assert_eq!(*is, winner, "{tie:?}");
        let apart = by.crm.duration_since(by.app).as_secs();
        assert_eq!((apart, by.error_ms >= 2_000), (gap, true), "{tie:?}");
        let shown = detail(&world, &key);
        let note = shown.fields[0].note.clone().unwrap();
        assert!(
            note.contains(tie.name()) && note.contains("that of the record"),
            "{note}"
        );
    }
}

/// What a person sees while clocks are not trusted, and when the audit log is broken.
#[test]
fn distrusted_clocks_and_a_broken_audit_log_are_on_the_overview() {
    use crate::engine::overview::{Live, build};
    let world = World::new();
    let texts = || {
        let live = Live {
            profile: "test".into(),
            access: crate::engine::summary::Access::ReadWrite,
            running: None,
            queued: Vec::new(),
            connections: Vec::new(),
            clock_fault: None,
            store_bytes: 0,
        };
        let summary = build(&world.state, &world.settings, live, world.now()).unwrap();
        let texts = summary.attention.into_iter().map(|a| a.text);
        texts.collect::<Vec<_>>().join("\n")
    };
    let at = |second| jiff::Timestamp::from_second(second).unwrap();
    let hear = |second: i64, ahead: i64| {
        let ours = at(10_000 + second);
        world
            .state
            .hear_clock(ours, ours, at(10_000 + second + ahead));
    };
    hear(0, 0);
    hear(1, 60);
    assert_eq!(texts(), "", "nothing is decided by time here");
    world.change_pair(|pair| pair.rows[1].strategy = Strategy::NewestOrApp);
    assert!(texts().contains("three answers agree"), "{}", texts());
    hear(2, 60);
    hear(3, 60);
    assert_eq!(texts(), "");

    let broken = crate::engine::audit::Broken {
        seq: 7,
        why: "it is missing",
    };
    world.state.set_audit_fault(Some(broken));
    let told = texts();
    assert!(
        told.contains("the audit log is broken at entry 7: it is missing"),
        "{told}"
    );
}

/// A rule stands above the pair's, and that above the settings' (sync-semantics 5.4).
#[test]
fn a_row_inherits_from_its_pair_and_that_from_the_settings() {
    let outcome = |row: Strategy, pair: Strategy, usual: Strategy| {
        let (mut world, key) = in_conflict();
        world.settings.strategy = usual;
        world.change_pair(|p| {
            p.strategy = pair;
            p.rows[1].strategy = row;
        });
        world.reconcile(&key);
        let open = world.open(&key).iter().any(|c| c.row == Some(RowId(2)));
        (open, world.app_value(&key, "title"))
    };
    let inherit = Strategy::Inherit;
    let (ask, crm) = (
        (true, "Countess".to_owned()),
        (false, "Engineer".to_owned()),
    );
    assert_eq!(outcome(Strategy::Ask, Strategy::Crm, Strategy::Crm), ask);
    assert_eq!(outcome(inherit, Strategy::Crm, Strategy::Ask), crm);
    assert_eq!(outcome(inherit, inherit, Strategy::Crm), crm);
    assert_eq!(outcome(inherit, inherit, Strategy::Ask), ask);
    assert_eq!(outcome(Strategy::Crm, Strategy::Ask, Strategy::Ask), crm);
}
