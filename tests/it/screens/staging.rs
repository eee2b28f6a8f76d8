//! What is staged, marked and taken back: nothing a person decided is lost by a key, and a key for
//! many is for all of them.

use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::{AppId, ConflictId, FieldName, RunId};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Fields, Value};

use super::data;
use super::desk::{Desk, options};
use super::fake::Fake;

const EMAIL: ConflictId = ConflictId(11);
const TITLE: ConflictId = ConflictId(13);

fn desk() -> Desk {
    Desk::new(80, 24)
}

/// A console on an engine that was decided on before.
fn decided_before() -> Desk {
    let mut fake = Fake::default();
    fake.choices.insert(TITLE, Choice::Base);
    fake.choices.insert(EMAIL, Choice::Ignore);
    Desk::over(fake, options(), 80, 24)
}

#[test]
fn a_bulk_decision_that_is_taken_back_brings_back_what_another_session_decided() {
    let mut desk = decided_before();
    desk.press("3 * C");
    assert_eq!(desk.fake.choices[&TITLE], Choice::Take(Side::Crm));
    desk.press("u");
    assert_eq!(desk.fake.choices[&TITLE], Choice::Base);
    assert_eq!(desk.fake.choices[&EMAIL], Choice::Ignore);
    assert_eq!(desk.fake.choices.len(), 2);
    // Twice before the engine answered: each step back is the one before.
    desk.press("*");
    desk.ask("A");
    desk.answered();
    desk.press("*");
    desk.ask("C");
    desk.ask("u");
    desk.answered();
    assert_eq!(desk.fake.choices[&TITLE], Choice::Take(Side::App));
    desk.press("u");
    assert_eq!(desk.fake.choices[&TITLE], Choice::Base);
}

#[test]
fn writing_one_record_leaves_the_steps_of_the_others_to_take_back() {
    let mut desk = desk();
    // Kenji is decided, then all of Ada; only Ada is written.
    desk.press("3 j A k A Enter w");
    assert!(desk.shows("Write "), "{}", desk.screen());
    let kenji = desk.fake.choices.len();
    desk.press("Tab Enter");
    assert!(desk.shows("Being written"), "{}", desk.screen());
    desk.press("Esc Esc u");
    assert!(desk.fake.choices.len() < kenji, "{}", desk.screen());
    assert!(!desk.shows("undo is off"), "{}", desk.screen());
}

#[test]
fn what_was_not_written_can_still_be_taken_back() {
    let mut desk = desk();
    desk.press("3 A w");
    assert!(desk.shows("Write "), "{}", desk.screen());
    // Somebody decides meanwhile: the preview does not hold any more.
    desk.fake.choices.insert(ConflictId(99), Choice::Base);
    desk.fake.choices.insert(ConflictId(1_500), Choice::Base);
    desk.press("Tab Enter");
    assert!(desk.shows("Nothing was written"), "{}", desk.screen());
    assert!(desk.fake.choices.contains_key(&TITLE));
    desk.press("u");
    assert!(!desk.fake.choices.contains_key(&TITLE), "{}", desk.screen());
}

#[test]
fn all_that_the_filter_takes_is_marked_and_decided_not_only_the_part_that_is_here() {
    let mut fake = Fake::default();
    fake.crowd = 1_201;
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("3 *");
    assert!(
        desk.shows("1204 marked") || desk.shows("1,204 marked"),
        "{}",
        desk.screen()
    );
    desk.press("G C");
    let many = (1_000..2_201).map(ConflictId);
    for conflict in many {
        assert_eq!(desk.fake.choices[&conflict], Choice::Take(Side::Crm));
    }
    desk.press("u");
    assert!(desk.fake.choices.is_empty());
}

#[test]
fn a_range_reaches_from_where_it_began_however_far_that_is() {
    let mut fake = Fake::default();
    fake.crowd = 1_201;
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("3 j v G v A");
    // All but the first.
    assert!(!desk.fake.choices.contains_key(&TITLE));
    assert!((1_000..2_201).all(|n| desk.fake.choices.contains_key(&ConflictId(n))));
    let mut desk = self::desk();
    for n in 0..900 {
        let mut fields = Fields::new();
        fields.insert(
            FieldName::new("email"),
            Value::text(format!("{n}@x.example")),
        );
        desk.fake.people.push((format!("person-{n:03}"), fields));
    }
    desk.press("5 v G v");
    assert_eq!(desk.model.records.marks.len(), 903, "{}", desk.screen());
    let last = data::key("people", "person-899");
    assert!(desk.model.records.marks.contains(&last));
    assert_eq!(last.app_id, AppId::new("person-899"));
}

#[test]
fn what_failed_in_a_write_is_marked_and_r_tries_it() {
    let mut desk = desk();
    desk.fake.failing = Some(("luigi".into(), "email".into()));
    desk.press("3 A w Tab Enter");
    assert!(desk.shows("Being written"), "{}", desk.screen());
    let mut after = data::summary(2, 0);
    after.running = None;
    let last = after.pairs[0].last.as_mut().unwrap();
    last.id = RunId(8843);
    last.took = Some(4);
    last.counts.failed = 1;
    desk.told(data::shared(after));
    for says in [
        "1,240 records to the App, 41 to Salesforce, 1 failed",
        "run 8843",
    ] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    desk.wait().press("5");
    assert!(desk.shows("1 marked"), "{}", desk.screen());
    desk.press("r");
    assert!(desk.fake.asked.contains(&"Release".to_owned()));
}
