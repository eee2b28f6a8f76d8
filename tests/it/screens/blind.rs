//! What cannot be seen is not answered: a window too small for a dialog, and keys typed before a
//! dialog is there.

use super::desk::Desk;

/// Decisions staged, with a question about writing them open.
fn at_the_question() -> Desk {
    let mut desk = Desk::new(80, 24);
    desk.press("3 A w");
    assert!(
        desk.shows("Write 3 decisions on 1 record?"),
        "{}",
        desk.screen()
    );
    desk
}

#[test]
fn a_question_in_a_window_too_small_to_show_it_is_not_answered() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 A").resize(52, 12).press("w Tab Enter");
    assert!(desk.fake.written.is_empty());
    let mut desk = at_the_question();
    desk.resize(52, 12).press("Tab Enter q");
    assert!(desk.fake.written.is_empty());
    assert!(desk.left.is_none());
    let says = "Question is open: make the window larger.";
    assert!(desk.shows(says), "{}", desk.screen());
    desk.resize(80, 24);
    assert!(desk.shows("> [ Cancel ]"), "{}", desk.screen());
    desk.press("Tab Enter");
    assert_eq!(desk.fake.written.len(), 1, "{}", desk.screen());
}

#[test]
fn no_key_decides_in_a_window_too_small_to_show_what() {
    let mut desk = Desk::new(80, 24);
    desk.press("3").resize(40, 10).press("A C * s 1");
    assert!(desk.fake.choices.is_empty());
    desk.paste("A");
    assert!(desk.fake.choices.is_empty());
    desk.resize(80, 24);
    assert!(desk.shows("[3 Conflicts"), "{}", desk.screen());
    desk.resize(40, 10).press("q");
    assert!(desk.left.is_some());
}

#[test]
fn what_is_typed_before_an_answer_opens_a_form_is_not_typed_into_it() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 Enter");
    desk.ask("e");
    for key in ["x", "Tab", "Enter"] {
        desk.ask(key);
    }
    desk.answered();
    assert!(desk.shows("Edit Ada Lovelace-Byron"), "{}", desk.screen());
    let form = desk.screen();
    desk.at_once("z").at_once("Enter");
    assert_eq!(
        desk.screen(),
        form,
        "for a moment after its first frame too"
    );
    desk.press("End").type_text("z");
    assert!(desk.shows("ada.l@analytical.examplez"), "{}", desk.screen());
}
