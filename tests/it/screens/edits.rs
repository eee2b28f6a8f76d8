//! Edits of records: staged like decisions, marked, taken back, and written with one preview.

use syncdeck::domain::value::Value;
use syncdeck::engine::view::Base;

use super::desk::{Desk, options};

fn desk() -> Desk {
    Desk::new(80, 24)
}

/// Types a title for the second record and stages it.
fn retitle(desk: &mut Desk, title: &str) {
    desk.press("e Tab Tab Tab Ctrl-u").type_text(title);
    desk.press("Enter Enter");
}

#[test]
fn an_edit_is_staged_shown_and_written_with_w() {
    let mut desk = desk();
    desk.press("5 j");
    retitle(&mut desk, "Engineer");
    assert_eq!(desk.fake.people[1].1["title"], Value::text("Inventor"));
    assert!(
        desk.shows("Staged: a change of 1 field"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("> ~ "), "{}", desk.screen());
    assert!(desk.shows("1 record staged"), "{}", desk.screen());
    desk.wait().press("Enter j");
    assert!(desk.shows("~ Engineer"), "{}", desk.screen());
    assert!(desk.shows("Inventor"), "{}", desk.screen());
    assert!(desk.shows("Staged"), "{}", desk.screen());
    desk.press("Esc 1");
    assert!(desk.shows("1 staged"), "{}", desk.screen());
    desk.press("w");
    assert!(desk.shows("Write 1 edit?"), "{}", desk.screen());
    assert!(desk.shows("Inventor -> Engineer"), "{}", desk.screen());
    desk.press("Tab Enter");
    assert_eq!(desk.fake.people[1].1["title"], Value::text("Engineer"));
    assert!(desk.shows("Written in the App."), "{}", desk.screen());
    assert!(!desk.shows("1 staged"), "{}", desk.screen());
    desk.wait().press("u");
    assert!(desk.shows("undo is off"), "{}", desk.screen());
}

#[test]
fn edits_and_decisions_are_one_preview_and_are_taken_back_one_step_at_a_time() {
    let mut desk = desk();
    desk.press("5 j");
    retitle(&mut desk, "Engineer");
    retitle(&mut desk, "Baronet");
    desk.press("3 A w");
    assert!(
        desk.shows("decisions and 1 edit on 2 records?"),
        "{}",
        desk.screen()
    );
    desk.press("Esc 5 u");
    assert!(desk.fake.choices.is_empty(), "the decision came last");
    let staged = |desk: &Desk| desk.fake.edits["babbage"].fields["title"].clone();
    assert_eq!(staged(&desk), Value::text("Baronet"));
    desk.press("u");
    assert_eq!(staged(&desk), Value::text("Engineer"));
    desk.press("u");
    assert!(desk.fake.edits.is_empty());
    desk.press("Ctrl-r Ctrl-r");
    assert_eq!(staged(&desk), Value::text("Baronet"));
}

#[test]
fn an_edit_outlives_the_console_and_x_takes_it_back() {
    let mut desk = desk();
    desk.press("5 j");
    retitle(&mut desk, "Engineer");
    let fake = std::mem::take(&mut desk.fake);
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("5 j e");
    assert!(desk.shows("Engineer"), "{}", desk.screen());
    assert!(desk.shows("Staged: w writes it."), "{}", desk.screen());
    desk.press("Esc x");
    assert!(desk.fake.edits.is_empty(), "{}", desk.screen());
    desk.wait().press("x");
    assert!(
        desk.shows("nothing of this record is staged"),
        "{}",
        desk.screen()
    );
    desk.wait().press("u");
    assert_eq!(
        desk.fake.edits["babbage"].fields["title"],
        Value::text("Engineer")
    );
}

#[test]
fn what_changed_meanwhile_is_not_written_and_comes_back_with_what_was_typed() {
    let mut desk = desk();
    desk.press("5 j");
    retitle(&mut desk, "Engineer");
    let jo = Value::text("Professor");
    desk.fake.people[1].1.insert("title".into(), jo.clone());
    desk.press("w");
    assert!(desk.shows("jo changed it meanwhile"), "{}", desk.screen());
    desk.wait().press("Esc e");
    assert!(
        desk.shows("jo changed this record meanwhile. What you typed stands"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("Engineer"), "{}", desk.screen());
    desk.press("Enter Enter");
    let edit = &desk.fake.edits["babbage"];
    assert_eq!(edit.base, Base::Values([("title".into(), jo)].into()));
    desk.press("w Tab Enter");
    assert_eq!(desk.fake.people[1].1["title"], Value::text("Engineer"));
}

#[test]
fn a_new_record_is_staged_seen_changed_and_made_with_w() {
    let mut desk = desk();
    desk.press("5 i Tab").type_text("new@x.example");
    desk.press("S-Tab S-Tab Enter");
    assert!(
        desk.shows("Staged: a new record with 1 field"),
        "{}",
        desk.screen()
    );
    assert_eq!(desk.fake.people.len(), 3);
    desk.wait().press("g g H");
    assert!(desk.shows("staged and not made yet"), "{}", desk.screen());
    desk.wait().press("e");
    assert!(desk.shows("new@x.example"), "{}", desk.screen());
    desk.type_text("s");
    desk.press("S-Tab Enter");
    desk.press("w Tab Enter");
    let (_, made) = desk.fake.people.last().unwrap();
    assert_eq!(desk.fake.people.len(), 4, "{}", desk.screen());
    assert!(made.values().any(|v| v.to_string().contains("x.example")));
}

#[test]
fn a_staged_edit_at_both_sizes() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.press("5 j");
        retitle(&mut desk, "Engineer");
        desk.wait().press("Enter");
        let name = format!("record_staged_{columns}x{rows}");
        insta::assert_snapshot!(name, desk.screen());
    }
}
