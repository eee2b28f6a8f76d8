//! What a person typed, marked or set up stays theirs: no key, no late answer and no other list
//! takes it away or uses it for something else.

use syncdeck::domain::conflict::Choice;
use syncdeck::domain::id::PairName;
use syncdeck::domain::listing::{SavedView, Shape};
use syncdeck::domain::schedule::Schedule;

use super::desk::{Desk, options};
use super::fake::Fake;

/// How long nothing is typed before a list follows.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

fn desk() -> Desk {
    Desk::new(80, 24)
}

fn asked(desk: &Desk, what: &str) -> usize {
    desk.fake.asked.iter().filter(|a| *a == what).count()
}

fn marks(desk: &Desk) -> usize {
    desk.model.records.marks.len()
}

#[test]
fn marks_of_records_end_when_another_object_is_in_front() {
    let mut desk = desk();
    desk.press("5 *");
    assert_eq!(marks(&desk), 3, "{}", desk.screen());
    let before = desk.model.records.pair.clone();
    // The second object of the business is of another pair.
    desk.press("0 j Enter");
    assert_ne!(desk.model.records.pair, before, "{}", desk.screen());
    assert_eq!(marks(&desk), 0, "{}", desk.screen());
    desk.press("*");
    assert_eq!(marks(&desk), 3);
    // From a search to a record of the first pair.
    desk.press("g /").type_text("lovelace").press("Enter");
    assert_eq!(desk.model.records.pair, before, "{}", desk.screen());
    assert_eq!(marks(&desk), 0, "{}", desk.screen());
    assert!(desk.model.records.filter.is_empty());
}

#[test]
fn a_mistaken_filter_leaves_the_list_of_records_and_what_star_marks_as_they_were() {
    let mut desk = desk();
    desk.press("5 /").type_text("ada").press("Enter");
    assert_eq!(desk.model.records.rows.len(), 1, "{}", desk.screen());
    desk.press("/ Ctrl-u").type_text("nofield:x");
    assert_eq!(desk.model.records.rows.len(), 1, "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("The list stays"), "{}", desk.screen());
    assert_eq!(desk.model.records.rows.len(), 1, "{}", desk.screen());
    desk.press("Esc");
    assert_eq!(desk.model.records.filter, "ada");
    desk.press("*");
    assert_eq!(marks(&desk), 1, "{}", desk.screen());
}

#[test]
fn esc_while_a_filter_is_typed_brings_the_one_before_back() {
    let mut desk = desk();
    desk.press("5 /").type_text("ada").press("Enter");
    desk.press("/ Ctrl-u").type_text("luigi");
    desk.pass(PAUSE).answered();
    assert!(desk.shows("Luigi"), "{}", desk.screen());
    desk.press("Esc");
    assert_eq!(desk.model.records.filter, "ada");
    assert!(!desk.shows("Luigi"), "{}", desk.screen());
    assert_eq!(desk.model.records.rows.len(), 1);
}

#[test]
fn the_list_follows_a_filter_once_when_its_typing_pauses() {
    let mut desk = desk();
    desk.press("5 /");
    let lists = |desk: &Desk| asked(desk, "Records");
    let before = lists(&desk);
    desk.type_text("luigi");
    assert_eq!(lists(&desk), before, "each letter would send the list");
    assert!(desk.shows("Ada Lovelace"), "{}", desk.screen());
    desk.pass(PAUSE).answered();
    assert_eq!(lists(&desk), before + 1);
    assert!(!desk.shows("Ada Lovelace"), "{}", desk.screen());
    // Enter waits for nothing, and nothing follows it.
    desk.type_text("x").press("Enter");
    assert!(desk.shows("No record fits"), "{}", desk.screen());
    let after = lists(&desk);
    desk.pass(PAUSE).answered();
    assert_eq!(lists(&desk), after);
}

#[test]
fn a_schedule_is_switched_off_and_on_as_it_was_typed() {
    let mut desk = desk();
    let pair = PairName::new("people");
    let staged = |desk: &Desk| desk.fake.new_schedules.get(&pair).cloned();
    desk.press("6 j Tab");
    let at = desk.model.settings.view.get().unwrap();
    let at = at.pairs.iter().position(|p| p.name == pair).unwrap();
    for _ in 0..at {
        desk.press("j");
    }
    desk.press("Enter Ctrl-u")
        .type_text("cron 0 6 * * mon-fri")
        .press("Enter");
    let typed: Schedule = "cron 0 6 * * mon-fri".parse().unwrap();
    assert_eq!(staged(&desk), Some(typed.clone()));
    desk.press("Space");
    assert_eq!(staged(&desk), Some(Schedule::Manual));
    desk.press("Space");
    assert_eq!(staged(&desk), Some(typed.clone()));
    desk.press("u");
    assert_eq!(staged(&desk), Some(Schedule::Manual));
    desk.press("u");
    assert_eq!(staged(&desk), Some(typed));
    assert!(desk.fake.schedules.is_empty(), "nothing is set before w");
}

#[test]
fn a_schedule_is_staged_shown_with_what_it_was_and_set_by_w() {
    let mut desk = desk();
    let pair = PairName::new("people");
    desk.press("6 j Tab");
    let at = desk.model.settings.view.get().unwrap();
    let at = at.pairs.iter().position(|p| p.name == pair).unwrap();
    for _ in 0..at {
        desk.press("j");
    }
    desk.press("x");
    assert!(
        desk.shows("nothing of this schedule is staged"),
        "{}",
        desk.screen()
    );
    desk.wait()
        .press("Enter Ctrl-u")
        .type_text("7")
        .press("Enter");
    for says in ["~ ", "every 7 min; w sets it", "15:07", "1 staged"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    // With a decision it is one preview.
    desk.wait().press("3 A w");
    assert!(desk.shows("and 1 schedule?"), "{}", desk.screen());
    assert!(
        desk.shows("every 5 minutes -> every 7 minutes"),
        "{}",
        desk.screen()
    );
    desk.press("Esc u 6 x");
    assert!(desk.fake.new_schedules.is_empty(), "{}", desk.screen());
    desk.wait().press("u 1 w");
    assert!(desk.shows("Write 1 schedule?"), "{}", desk.screen());
    desk.press("Tab Enter");
    assert_eq!(
        desk.fake.schedules[&pair],
        Schedule::Every { minutes: 7 },
        "{}",
        desk.screen()
    );
    assert!(desk.shows("Set: pairs run as staged"), "{}", desk.screen());
    desk.wait().press("u");
    assert!(desk.shows("undo is off"), "{}", desk.screen());
}

#[test]
fn a_schedule_that_nobody_knows_is_typed_and_not_made_up() {
    let mut fake = Fake::default();
    for pair in ["people", "companies", "tickets"] {
        fake.schedules.insert(pair.into(), Schedule::Manual);
    }
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("6 j Tab Space");
    assert!(desk.shows("When "), "{}", desk.screen());
    assert_eq!(asked(&desk, "SetSchedule"), 0);
}

#[test]
fn what_was_typed_for_a_stale_decision_stands_again_where_it_was_typed() {
    let mut desk = desk();
    desk.fake.undecided = Some("a value changed since you looked".into());
    desk.press("3 Enter j j e Ctrl-u")
        .type_text("Countess of everything")
        .press("Enter");
    assert!(desk.shows("Countess of everything"), "{}", desk.screen());
    desk.fake.undecided = None;
    desk.press("Enter");
    let typed = desk.fake.choices.values().any(
        |choice| matches!(choice, Choice::Typed { cell, .. } if cell[0].to_string() == "Countess of everything"),
    );
    assert!(typed, "{}", desk.screen());
}

#[test]
fn a_long_text_that_was_refused_is_not_dropped_by_esc() {
    let mut desk = desk();
    desk.fake.undecided = Some("a value changed since you looked".into());
    desk.press("3 Enter j j j e")
        .type_text(" And a page of typing.")
        .press("Tab Enter");
    assert!(desk.shows("And a page of typing."), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows("And a page of typing."), "{}", desk.screen());
}

#[test]
fn one_ctrl_c_does_not_drop_what_is_typed_in_an_editor() {
    let mut desk = desk();
    desk.press("3 Enter j j j e")
        .type_text(" And a page of typing.")
        .press("Ctrl-c");
    assert!(desk.shows("And a page of typing."), "{}", desk.screen());
}

#[test]
fn a_preview_that_comes_late_does_not_cover_an_editor() {
    let mut desk = desk();
    desk.press("3 Enter j j a");
    desk.ask("w");
    desk.ask("e");
    desk.answered();
    assert!(!desk.shows("Write 1"), "{}", desk.screen());
    assert!(desk.shows("A preview came"), "{}", desk.screen());
    desk.type_text("x").press("Esc").wait().press("w");
    assert!(desk.shows("Write 1"), "{}", desk.screen());
}

#[test]
fn a_view_is_asked_about_before_the_palette_forgets_it() {
    let mut fake = Fake::default();
    fake.views.push(SavedView {
        name: "mine".into(),
        filter: "ada".into(),
        shape: Shape::default(),
    });
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("5 :")
        .type_text("view remove mine")
        .press("Enter");
    assert!(desk.shows("Forget this view?"), "{}", desk.screen());
    assert_eq!(asked(&desk, "RemoveView"), 0);
    desk.press("Tab Enter");
    assert_eq!(asked(&desk, "RemoveView"), 1);
}

#[test]
fn marks_of_conflicts_survive_a_filter_and_the_status_says_so() {
    let mut desk = desk();
    desk.press("3 * /").type_text("kenji").press("Enter");
    assert!(desk.shows("3 marked, 2 not shown"), "{}", desk.screen());
    desk.press("A");
    // All three were decided, and one step takes all back.
    assert!(desk.fake.choices.len() > 1, "{}", desk.screen());
    desk.press("u");
    assert!(desk.fake.choices.is_empty(), "{}", desk.screen());
}
