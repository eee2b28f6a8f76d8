//! Fields that are held since a run was taken back: what is said of them, and how a person ends that for
//! one field, or for all that the marked records have.

use syncdeck::engine::command::HeldEnd;

use super::desk::Desk;

/// A field of every record is held.
fn desk(columns: u16, rows: u16) -> Desk {
    let mut desk = Desk::new(columns, rows);
    let held = "held since run 8840 was taken back";
    desk.fake.states.insert("title".into(), held.into());
    desk
}

#[test]
fn a_held_field_says_the_whole_of_it_and_which_key_ends_that() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        let held = "held since run 8840 was taken back";
        desk.fake.states.insert("title".into(), held.into());
        desk.press("5 Enter");
        assert!(!desk.shows(held), "of another field: {}", desk.screen());
        assert!(!desk.shows("P propagate"), "{}", desk.screen());
        desk.press("P");
        assert!(desk.shows("the field under the cursor is not held"));
        assert!(!desk.fake.asked.contains(&"EndHold".to_owned()));
        desk.wait().press("j");
        assert!(desk.shows(held), "{}", desk.screen());
        assert!(desk.shows("taken back; P ends it; gc"), "{}", desk.screen());
        assert!(desk.shows("P propagate"), "{}", desk.screen());
        // Nothing takes it back: it asks, and keeps it held unless the other button is chosen.
        desk.press("P");
        assert!(
            desk.shows("Write title to Salesforce?"),
            "{}",
            desk.screen()
        );
        assert!(desk.shows("as in Salesforce"), "{}", desk.screen());
        desk.wait().press("Enter");
        assert!(!desk.shows("Write title"), "{}", desk.screen());
        assert!(desk.fake.ended.is_empty());
        desk.press("P").wait().press("l Enter");
        assert_eq!(desk.fake.ended, [HeldEnd::Propagate]);
        let told = "title goes to Salesforce with the";
        assert!(desk.shows(told), "{}", desk.screen());
        // Another long word is whole, too, and no key ends what it says.
        let other = "in Salesforce only";
        desk.fake.states.insert("title".into(), other.into());
        desk.wait().press("q Enter");
        assert!(desk.shows(other), "{}", desk.screen());
        assert!(!desk.shows("ends it"), "{}", desk.screen());
    }
}

#[test]
fn the_holds_of_many_records_are_ended_by_one_question_that_names_each() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = desk(columns, rows);
        desk.press("5 * P");
        assert!(
            desk.shows("Carry 3 held fields to the other side?"),
            "{}",
            desk.screen()
        );
        assert!(
            desk.shows("3 held fields of 3 records"),
            "{}",
            desk.screen()
        );
        assert!(desk.shows("3 values of App"), "{}", desk.screen());
        assert!(desk.shows("title: App to Salesforce"), "{}", desk.screen());
        assert!(desk.shows("Ada Lovelace-Byron  title"), "{}", desk.screen());
        desk.wait().press("G");
        assert!(desk.shows("Luigi Menabrea  title"), "{}", desk.screen());
        assert!(desk.shows("as in Salesforce"), "{}", desk.screen());
        // What is chosen unless another button is: they stay held.
        desk.wait().press("Enter");
        assert!(desk.fake.ended.is_empty(), "{}", desk.screen());
        desk.press("P").wait().press("l Enter");
        assert_eq!(desk.fake.ended, [HeldEnd::Propagate]);
        let told = desk.screen().replace(['\n', ' '], "");
        assert!(
            told.contains("withthenextsync(3fields)"),
            "{}",
            desk.screen()
        );
    }
}

#[test]
fn without_marks_the_record_under_the_cursor_is_meant_and_no_record_is_not_all_of_them() {
    let mut desk = desk(80, 24);
    desk.press("5 P");
    assert!(
        desk.shows("Write title to Salesforce?"),
        "{}",
        desk.screen()
    );
    desk.wait().press("Esc");
    desk.press(":").type_text("record.let_go").press("Enter");
    assert!(desk.shows("Write title to App?"), "{}", desk.screen());
    desk.wait().press("l Enter");
    assert_eq!(desk.fake.ended, [HeldEnd::LetGo]);
    // Nothing in the list: nothing is asked, for a filter without records takes all.
    desk.press("5 /").type_text("nosuchname").press("Enter P");
    assert!(
        desk.shows("there is no record in the list"),
        "{}",
        desk.screen()
    );
    assert_eq!(desk.fake.ended.len(), 1);
    // Nothing held: it is said.
    let mut desk = Desk::new(80, 24);
    desk.press("5 * P");
    assert!(desk.shows("Nothing is held there."), "{}", desk.screen());
}

#[test]
fn the_key_is_offered_to_those_who_look_at_what_is_held() {
    let mut desk = desk(160, 48);
    desk.press("5");
    assert!(!desk.shows("P propagate"), "{}", desk.screen());
    desk.press("/").type_text("held:yes").press("Enter");
    assert!(desk.shows("3 of 3"), "{}", desk.screen());
    assert!(desk.shows("P propagate"), "{}", desk.screen());
}
