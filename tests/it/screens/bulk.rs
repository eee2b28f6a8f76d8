//! Many records at once, and the pane of their views.

use syncdeck::domain::listing::SavedView;
use syncdeck::domain::value::Fields;

use super::desk::Desk;

fn desk() -> Desk {
    Desk::new(80, 24)
}

/// Presses the keys of a question once it can be seen.
fn typed(desk: &mut Desk, text: &str) {
    desk.type_text(text).press("Enter");
}

#[test]
fn marked_records_are_deleted_by_typing_their_number_and_brought_back() {
    let mut desk = desk();
    desk.press("5 *");
    assert!(desk.shows("3 marked"), "{}", desk.screen());
    desk.press("d");
    for says in [
        "Delete 3 records?",
        "First: Ada Lovelace-Byron, Charles Babbage, Luigi Menabrea",
        "3 records are deleted now",
        "2 linked: the next sync deletes them there, too",
    ] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    typed(&mut desk, "prod-eu 2");
    assert_eq!(desk.fake.people.len(), 3, "another number does nothing");
    desk.press("Ctrl-u");
    typed(&mut desk, "prod-eu 3");
    assert!(desk.fake.people.is_empty());
    assert!(
        desk.shows("3 records deleted in the App; u brings back"),
        "{}",
        desk.screen()
    );
    assert!(!desk.shows("marked"), "{}", desk.screen());
    desk.press("u");
    assert_eq!(desk.fake.people.len(), 3);
    assert!(
        desk.shows("3 records brought back in the App."),
        "{}",
        desk.screen()
    );
    desk.wait().press("u");
    assert!(
        desk.shows("bring") || desk.shows("nothing staged"),
        "{}",
        desk.screen()
    );
    assert_eq!(desk.fake.people.len(), 3, "it is brought back once");
}

#[test]
fn what_somebody_changed_meanwhile_is_left_named_and_stays_marked() {
    let mut desk = desk();
    desk.fake.moving.push("babbage".into());
    desk.press("5 * d");
    typed(&mut desk, "prod-eu 3");
    assert_eq!(desk.fake.people.len(), 1);
    assert!(
        desk.shows("babbage: the record changed meanwhile"),
        "{}",
        desk.screen()
    );
    desk.press("Esc");
    assert!(desk.shows("1 marked"), "{}", desk.screen());
    assert!(
        desk.shows("2 records deleted in the App, 1 left"),
        "{}",
        desk.screen()
    );
}

#[test]
fn very_many_go_in_parts() {
    let mut desk = desk();
    let more = (0..247).map(|n| (format!("n{n:03}"), Fields::new()));
    desk.fake.people.extend(more);
    desk.press("5 * d");
    assert!(desk.shows("Delete 250 records?"), "{}", desk.screen());
    typed(&mut desk, "prod-eu 250");
    let parts = desk.fake.asked.iter().filter(|a| *a == "DeleteRecords");
    assert_eq!(parts.count(), 3);
    assert!(desk.fake.people.is_empty());
}

#[test]
fn esc_at_the_question_deletes_nothing() {
    let mut desk = desk();
    desk.press("5 * d Esc");
    assert_eq!(desk.fake.people.len(), 3);
    assert!(desk.shows("3 marked"), "{}", desk.screen());
}

/// Hands all records over, so that something of each is staged.
fn hand_over(desk: &mut Desk) {
    desk.press("5 * H Enter").type_text("rey").press("Enter");
    desk.press("Enter")
        .type_text("qual")
        .press("Enter Tab Enter");
    desk.wait();
}

#[test]
fn x_takes_back_what_is_staged_of_all_that_is_marked_as_one_step() {
    let mut desk = desk();
    hand_over(&mut desk);
    assert_eq!(desk.fake.edits.len(), 3, "{}", desk.screen());
    desk.press("g g Space Space x");
    let left: Vec<&String> = desk.fake.edits.keys().collect();
    assert_eq!(left, ["luigi"], "{}", desk.screen());
    assert!(
        desk.shows("Taken back: what was staged of 2 records. u stages it"),
        "{}",
        desk.screen()
    );
    assert!(!desk.shows("marked"), "{}", desk.screen());
    desk.press("u");
    assert_eq!(desk.fake.edits.len(), 3, "{}", desk.screen());
    desk.press("Ctrl-r");
    assert_eq!(desk.fake.edits.len(), 1, "{}", desk.screen());
    // Without marks it is the record under the cursor.
    desk.wait().press("G x");
    assert!(desk.fake.edits.is_empty(), "{}", desk.screen());
}

#[test]
fn x_counts_only_what_was_staged_and_says_when_nothing_was() {
    let mut desk = desk();
    desk.press("5 * x");
    assert!(
        desk.shows("nothing of the marked records is staged"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("3 marked"), "{}", desk.screen());
    desk.press("*");
    hand_over(&mut desk);
    desk.press("g g x").wait().press("* x");
    assert!(
        desk.shows("Taken back: what was staged of 2 of 3 records."),
        "{}",
        desk.screen()
    );
    assert!(desk.fake.edits.is_empty(), "{}", desk.screen());
}

#[test]
fn very_many_staged_edits_are_taken_back_in_parts() {
    let mut desk = desk();
    let more = (0..247).map(|n| (format!("n{n:03}"), Fields::new()));
    desk.fake.people.extend(more);
    hand_over(&mut desk);
    assert_eq!(desk.fake.edits.len(), 250, "{}", desk.screen());
    desk.press("* x");
    assert!(desk.fake.edits.is_empty(), "{}", desk.screen());
    let parts = desk.fake.asked.iter().filter(|a| *a == "StageEdits");
    assert_eq!(parts.count(), 3);
}

#[test]
fn views_stand_beside_the_records_with_their_numbers() {
    let mut desk = desk();
    desk.press("5");
    assert!(!desk.shows("not in sync"), "{}", desk.screen());
    desk.press("Tab");
    for says in [
        "> Views",
        "all",
        "4,118",
        "many",
        "~37,000",
        "changed today",
    ] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    // Enter shows the view, and the list has the keys again.
    desk.press("j j Enter");
    assert!(desk.shows("state:fail"), "{}", desk.screen());
    assert!(!desk.shows("> Views"), "{}", desk.screen());
    desk.press("Tab Esc");
    assert!(desk.shows("state:fail"), "Esc leaves the pane first");
}

#[test]
fn a_view_of_ones_own_is_forgotten_after_a_question_and_a_built_in_one_is_not() {
    let mut desk = desk();
    let [all, ..] = SavedView::built_in();
    desk.fake.views.push(SavedView {
        name: "mine".into(),
        ..all
    });
    desk.press("5 Tab gg d");
    assert!(desk.shows("always there"), "{}", desk.screen());
    desk.press("G d");
    assert!(desk.shows("Forget this view?"), "{}", desk.screen());
    desk.press("Enter");
    assert_eq!(desk.fake.views.len(), 1, "the question opens on Keep it");
    desk.press("d Tab Enter");
    assert_eq!(desk.fake.views.len(), 0);
}

#[test]
fn refused_records_are_tried_again_where_they_are_seen() {
    let mut desk = desk();
    desk.press("5 r");
    assert!(
        desk.shows("this record was not refused"),
        "{}",
        desk.screen()
    );
    desk.wait().press("Space Space r");
    assert!(
        desk.shows("The next sync tries 2 records again; s syncs now."),
        "{}",
        desk.screen()
    );
}
