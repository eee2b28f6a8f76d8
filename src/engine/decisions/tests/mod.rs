//! Decisions against a store and a CRM that is a map.

mod again;
mod aside;
mod back;
mod laws;
mod whole;
pub mod world;

use self::world::{World, crm_id, fields};
use super::{Prepared, confirm, overrule, preview};
use crate::domain::conflict::{Choice, State};
use crate::domain::id::RowId;
use crate::domain::mapping::Strategy;
use crate::domain::transform::{Chain, Side, Step};
use crate::domain::value::Value;
use crate::engine::command::{Overrule, RecordKey, WriteScope};
use crate::engine::queries;
use crate::engine::tables::CONFLICTS;
use crate::engine::view::FieldStanding;
use crate::error::Kind;

/// Title and notes differ on both sides since they agreed.
fn in_conflict() -> (World, RecordKey) {
    let mut world = World::new();
    let key = world.record(1);
    world.edit_app(&key, fields([("title", "Countess"), ("notes", "app text")]));
    world.edit_crm(
        1,
        fields([("Title", "Engineer"), ("Description", "crm text")]),
    );
    world.poll(crm_id(1));
    assert_eq!(world.open(&key).len(), 2);
    (world, key)
}

fn typed(side: Side, text: &str) -> Choice {
    Choice::Typed {
        side,
        cell: vec![Value::text(text)],
    }
}

#[test]
fn each_choice_ends_with_both_sides_equal() {
    let lines = "line one\nline two\n";
    for (choice, title, notes) in [
        (Choice::Take(Side::App), "Countess", "app text"),
        (Choice::Take(Side::Crm), "Engineer", "crm text"),
        (Choice::Base, "Analyst", "first"),
    ] {
        let (mut world, key) = in_conflict();
        for row in [2, 3] {
            let conflict = world.conflict_on(&key, row);
            world.stage(&conflict, choice.clone());
        }
        world.write(&key);
        world.assert_settled(&key);
        assert_eq!(world.app_value(&key, "title"), title);
        assert_eq!(world.crm_value(1, "Description"), notes);
    }
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, typed(Side::Crm, "Typed"));
    let notes = world.conflict_on(&key, 3);
    world.stage(&notes, typed(Side::App, lines.trim_end()));
    world.write(&key);
    world.assert_settled(&key);
    assert_eq!(world.app_value(&key, "title"), "Typed");
    assert_eq!(world.crm_value(1, "Title"), "Typed");
    assert_eq!(world.crm_value(1, "Description"), "line one\nline two");
}

#[test]
fn both_joins_long_text_and_lists_only() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    assert_eq!(world.decide(&title, Some(Choice::Both)).refused.len(), 1);
    world.stage(&title, Choice::Take(Side::Crm));
    let notes = world.conflict_on(&key, 3);
    world.stage(&notes, Choice::Both);
    world.write(&key);
    world.assert_settled(&key);
    assert_eq!(world.app_value(&key, "notes"), "app text\ncrm text");

    let tags = |items: &[&str]| Value::Set(items.iter().map(|s| (*s).to_owned()).collect());
    world.edit_app(&key, [("tags".into(), tags(&["b", "a"]))].into());
    world.edit_crm(1, [("Tags__c".into(), tags(&["b", "c"]))].into());
    world.poll(crm_id(1));
    let conflict = world.conflict_on(&key, 4);
    world.stage(&conflict, Choice::Both);
    world.write(&key);
    world.assert_settled(&key);
    assert_eq!(world.app_value(&key, "tags"), "a; b; c");
}

#[test]
fn a_side_that_needs_no_call_gets_none() {
    let (mut world, key) = in_conflict();
    for row in [2, 3] {
        let conflict = world.conflict_on(&key, row);
        world.stage(&conflict, Choice::Take(Side::Crm));
    }
    let scope = WriteScope::Records(vec![key.clone()]);
    let seen = preview(&world.state, &world.settings, &scope, world.now()).unwrap();
    assert_eq!(
        (seen.api_calls, seen.crm_records, seen.app_records),
        (0, 0, 1)
    );
    assert!(matches!(world.write(&key), Prepared::AppOnly));
    world.assert_settled(&key);
}

#[test]
fn some_fields_are_decided_and_the_others_stay_frozen() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::App));
    assert!(matches!(world.write(&key), Prepared::Send(_)));
    let open = world.open(&key);
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].row, Some(RowId(3)));
    assert_eq!(world.crm_value(1, "Title"), "Countess");
    assert_eq!(world.crm_value(1, "Description"), "crm text");
    assert_eq!(world.app_value(&key, "notes"), "app text");
    let done = world.state.conflict(title.id).unwrap().unwrap();
    assert_eq!(
        done.state,
        State::Resolved {
            choice: Choice::Take(Side::App)
        }
    );
}

/// Writes what is decided, and is cut off before it is read back.
fn written_only(world: &mut World, key: &RecordKey) {
    let Prepared::Send(intent) = world.prepare(key) else {
        panic!("something can be sent");
    };
    world.send(&intent);
}

#[test]
fn what_moved_in_a_field_that_nobody_decided_is_asked_anew_when_the_others_are_written() {
    let (mut world, key) = in_conflict();
    world.edit_app(&key, fields([("notes", "app text, later")]));
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::App));
    written_only(&mut world, &key);
    let notes = world.conflict_on(&key, 3);
    world.stage(&notes, Choice::Take(Side::App));
    world.poll(crm_id(1));
    assert!(matches!(world.write(&key), Prepared::Send(_)));
    assert_eq!(world.crm_value(1, "Description"), "app text, later");
    world.assert_settled(&key);
}

#[test]
fn what_is_left_of_a_record_when_decisions_are_written_is_on_the_list_of_the_next_run() {
    for (edit, left) in [
        // The App took the other side's text: nobody has to be asked.
        (Some(("notes", "crm text")), true),
        // Nothing that Salesforce can have: the run that looks says so.
        (Some(("size", "large")), true),
        (None, false),
    ] {
        let (mut world, key) = in_conflict();
        world.change_pair(|pair| {
            let row = pair.rows.iter_mut().find(|row| row.id == RowId(5));
            row.unwrap().to_crm = Chain(vec![Step::Date]);
        });
        if let Some(edit) = edit {
            world.edit_app(&key, fields([edit]));
        }
        let title = world.conflict_on(&key, 2);
        world.stage(&title, Choice::Take(Side::App));
        written_only(&mut world, &key);
        assert_eq!(world.waits(&key), left, "{edit:?}");
    }
}

#[test]
fn a_decision_on_old_values_is_refused_when_it_is_staged() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.edit_app(&key, fields([("title", "Princess")]));
    let done = world.decide(&title, Some(Choice::Take(Side::Crm)));
    assert_eq!(done.staged, 0);
    assert_eq!(done.refused[0].0, title.id);
    assert_eq!(world.state.counters(&key.pair).staged, 0);
}

#[test]
fn a_decision_on_old_values_is_never_written() {
    for side in [Side::App, Side::Crm] {
        let (mut world, key) = in_conflict();
        let title = world.conflict_on(&key, 2);
        world.stage(&title, Choice::Take(side));
        match side {
            Side::App => {
                world.edit_crm(1, fields([("Title", "Newer")]));
                world.poll(crm_id(1));
            }
            Side::Crm => world.edit_app(&key, fields([("title", "Newer")])),
        }
        let all = WriteScope::All;
        let seen = preview(&world.state, &world.settings, &all, world.now()).unwrap();
        assert_eq!((seen.decisions, seen.refused.len()), (0, 1));
        let (app, crm) = (world.app_value(&key, "title"), world.crm_value(1, "Title"));
        assert!(matches!(world.prepare(&key), Prepared::Stale));
        assert_eq!(world.app_value(&key, "title"), app);
        assert_eq!(world.crm_value(1, "Title"), crm);
        let now = world.conflict_on(&key, 2);
        assert!(now.staged.is_none() && now.error.is_some());
        assert_eq!(world.state.counters(&key.pair).staged, 0);
    }
}

#[test]
fn one_stale_decision_does_not_stop_the_others() {
    let (mut world, key) = in_conflict();
    for row in [2, 3] {
        let conflict = world.conflict_on(&key, row);
        world.stage(&conflict, Choice::Take(Side::App));
    }
    world.edit_crm(1, fields([("Title", "Newer")]));
    world.poll(crm_id(1));
    let Prepared::Send(intent) = world.prepare(&key) else {
        panic!("something can be sent");
    };
    assert_eq!(intent.fields, fields([("Description", "app text")]));
    world.send(&intent);
    assert_eq!(world.crm_value(1, "Title"), "Newer");
    assert_eq!(world.open(&key).len(), 1);
}

#[test]
fn a_confirmed_preview_is_written_and_no_other() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::App));
    let all = WriteScope::All;
    let first = preview(&world.state, &world.settings, &all, world.now()).unwrap();
    assert_eq!((first.lines.len(), first.api_calls), (1, 2));
    world.clock += 100;
    let again = preview(&world.state, &world.settings, &all, world.now()).unwrap();
    assert_eq!(first.hash, again.hash, "the same content has the same hash");
    world.stage(&title, typed(Side::App, "Other"));
    let refused = confirm(&world.state, &world.settings, &all, first.hash, world.now());
    assert_eq!(refused.unwrap_err().kind(), Kind::Changed);
    world.decide(&title, None);
    let none = preview(&world.state, &world.settings, &all, world.now()).unwrap();
    let refused = confirm(&world.state, &world.settings, &all, none.hash, world.now());
    assert_eq!(refused.unwrap_err().kind(), Kind::Refused);
    assert!(matches!(world.prepare(&key), Prepared::Nothing));
}

#[test]
fn a_typed_value_has_to_fit_both_sides() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    for text in ["two\nlines", "longer than twenty characters"] {
        let done = world.decide(&title, Some(typed(Side::App, text)));
        assert_eq!(done.refused.len(), 1, "{text}");
    }
    let size = |n: i64| Value::Number(n.into());
    world.edit_app(&key, [("size".into(), size(1))].into());
    world.edit_crm(1, [("Size__c".into(), size(2))].into());
    world.poll(crm_id(1));
    let conflict = world.conflict_on(&key, 5);
    let done = world.decide(&conflict, Some(typed(Side::App, "many")));
    assert_eq!(done.refused.len(), 1);
    world.stage(&conflict, typed(Side::App, "12"));
    world.write(&key);
    assert_eq!(world.app(&key).fields["size"], size(12));
    assert_eq!(world.crm[&crm_id(1)].fields["Size__c"], size(12));
}

#[test]
fn a_value_that_the_crm_needs_is_not_blanked() {
    let (mut world, key) = in_conflict();
    world.edit_app(&key, fields([("name", "")]));
    world.edit_crm(1, fields([("LastName", "Byron")]));
    world.poll(crm_id(1));
    let conflict = world.conflict_on(&key, 1);
    let done = world.decide(&conflict, Some(Choice::Take(Side::App)));
    assert!(done.refused[0].1.contains("needs a value"), "{done:?}");
    world.stage(&conflict, Choice::Take(Side::Crm));
}

#[test]
fn set_aside_stays_open_and_frozen_until_a_side_moves() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Ignore);
    assert_eq!(world.conflict_on(&key, 2).state, State::Ignored);
    assert!(matches!(world.prepare(&key), Prepared::Nothing));
    world.reconcile(&key);
    assert_eq!(world.conflict_on(&key, 2).state, State::Ignored);
    world.edit_crm(1, fields([("Title", "Newer")]));
    world.poll(crm_id(1));
    assert_eq!(world.conflict_on(&key, 2).state, State::Pending);
}

#[test]
fn an_automatic_field_goes_along_and_can_be_overruled() {
    for overruled in [None, Some(Choice::Base)] {
        let (mut world, key) = in_conflict();
        world.edit_app(&key, fields([("name", "Byron")]));
        for row in [2, 3] {
            let conflict = world.conflict_on(&key, row);
            world.stage(&conflict, Choice::Take(Side::Crm));
        }
        let detail = queries::conflict(&world.state, &world.settings, &key, world.now());
        let detail = detail.unwrap().unwrap();
        let name = detail.fields.iter().find(|f| f.row == RowId(1)).unwrap();
        assert_eq!(name.standing, FieldStanding::Auto(Side::App));
        let wanted = overruled.is_some();
        if overruled.is_some() {
            let asked = Overrule {
                record: key.clone(),
                row: RowId(1),
                fp: name.fp,
                choice: overruled,
            };
            overrule(&world.state, &world.settings, "jo", asked, world.now()).unwrap();
            assert_eq!(world.state.counters(&key.pair).staged, 3);
        }
        world.write(&key);
        world.assert_settled(&key);
        let name = if wanted { "Lovelace" } else { "Byron" };
        assert_eq!(world.crm_value(1, "LastName"), name);
    }
}

#[test]
fn what_a_rule_overwrites_along_with_a_decision_stays_readable() {
    let (mut world, key) = in_conflict();
    world.change_pair(|pair| pair.rows[0].strategy = Strategy::App);
    world.edit_app(&key, fields([("name", "Byron")]));
    world.edit_crm(1, fields([("LastName", "King")]));
    world.poll(crm_id(1));
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::App));
    world.write(&key);
    assert_eq!(world.crm_value(1, "LastName"), "Byron");
    let rows = world.state.store().scan(&CONFLICTS, &[]);
    let logged = rows
        .map(|row| row.unwrap().1)
        .filter(|c| matches!(c.state, State::AutoResolved { .. }))
        .filter(|c| c.crm == Some(vec![Value::text("King")]));
    assert_eq!(logged.count(), 1);
}

#[test]
fn an_overrule_on_old_values_or_against_the_flow_is_refused() {
    let (mut world, key) = in_conflict();
    world.edit_app(&key, fields([("name", "Byron")]));
    let detail = queries::conflict(&world.state, &world.settings, &key, world.now());
    let detail = detail.unwrap().unwrap();
    let name = detail.fields.iter().find(|f| f.row == RowId(1)).unwrap();
    let asked = |row, choice| Overrule {
        record: key.clone(),
        row: RowId(row),
        fp: name.fp,
        choice: Some(choice),
    };
    world.edit_app(&key, fields([("name", "Milbanke")]));
    let late = overrule(
        &world.state,
        &world.settings,
        "jo",
        asked(1, Choice::Base),
        world.now(),
    );
    assert_eq!(late.unwrap_err().kind(), Kind::Changed);
    let conflict = overrule(
        &world.state,
        &world.settings,
        "jo",
        asked(2, Choice::Base),
        world.now(),
    );
    assert_eq!(conflict.unwrap_err().kind(), Kind::Refused);
}

#[test]
fn an_app_edit_while_the_decision_is_sent_is_not_lost() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, typed(Side::App, "Typed"));
    let notes = world.conflict_on(&key, 3);
    world.stage(&notes, Choice::Take(Side::App));
    let Prepared::Send(intent) = world.prepare(&key) else {
        panic!("something can be sent");
    };
    world.edit_app(&key, fields([("title", "Mine, later")]));
    world.send(&intent);
    world.poll(crm_id(1));
    world.reconcile(&key);
    // The CRM has the decided value, the App the later edit: a person looks again.
    assert_eq!(world.app_value(&key, "title"), "Mine, later");
    assert_eq!(world.crm_value(1, "Title"), "Typed");
    let open = world.open(&key);
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].row, Some(RowId(2)));
    assert_eq!(world.crm_value(1, "Description"), "app text");
}

#[test]
fn a_fresh_observation_does_not_guard() {
    let (mut world, key) = in_conflict();
    let title = world.conflict_on(&key, 2);
    world.stage(&title, Choice::Take(Side::App));
    world.settings.settle = jiff::SignedDuration::from_secs(3_600);
    assert!(matches!(world.prepare(&key), Prepared::Read(id) if id == crm_id(1)));
    assert!(world.conflict_on(&key, 2).staged.is_some());
    world.settings.settle = jiff::SignedDuration::from_secs(2);
    world.write(&key);
    assert_eq!(world.crm_value(1, "Title"), "Countess");
}
