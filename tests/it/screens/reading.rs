//! A text that covers a page leaves its keys in force: those that go somewhere or take a copy act,
//! the others say what comes first.

use syncdeck::domain::run::Failure;

use super::desk::Desk;

/// On the page of why a run failed.
fn reading() -> Desk {
    let mut desk = Desk::new(80, 24);
    let part = |name: &str| format!("the {name} of it ").repeat(200);
    desk.fake.whole = Some(Failure {
        code: "permission".into(),
        what: part("what"),
        why: part("why"),
        fix: part("fix"),
        fields: vec!["title".into()],
        request: "7f3c-19".into(),
    });
    desk.press("2 j j Enter Enter");
    assert!(desk.shows("j/k scroll"), "{}", desk.screen());
    desk
}

#[test]
fn actions_help_copy_and_mapping_work_while_the_cause_of_a_run_is_read() {
    let mut desk = reading();
    assert!(desk.shows("m actions"), "{}", desk.screen());
    desk.press("m");
    assert!(desk.shows("Actions"), "{}", desk.screen());

    let mut desk = reading();
    desk.press("?");
    assert!(desk.shows("/ find a key"), "{}", desk.screen());

    let mut desk = reading();
    desk.press("y");
    let copied = desk.copied.pop().unwrap();
    assert!(copied.contains("permission: the what"), "{copied}");
    assert!(desk.shows("j/k scroll"), "it is read on: {}", desk.screen());

    let mut desk = reading();
    desk.press("j j g");
    assert!(
        desk.shows("Esc leaves"),
        "what can follow: {}",
        desk.screen()
    );
    desk.press("g");
    assert!(desk.shows("What"), "to its beginning: {}", desk.screen());
    desk.press("g m");
    assert!(desk.shows("[4 Mapping]"), "{}", desk.screen());
    assert!(
        desk.shows("> ") && !desk.shows("j/k scroll"),
        "{}",
        desk.screen()
    );
}

#[test]
fn what_would_change_something_behind_a_text_says_that_it_is_closed_first() {
    let mut desk = reading();
    desk.press("r");
    assert!(
        desk.shows("Esc closes this text first"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("j/k scroll"), "{}", desk.screen());
    assert!(!desk.shows("again"), "{}", desk.screen());
    desk.press("%");
    assert!(desk.shows("% does nothing here"), "{}", desk.screen());
}

/// The row of the mapping with the cursor.
fn row(desk: &Desk) -> String {
    let screen = desk.screen();
    let mut rows = screen.lines().filter(|line| line.starts_with("> "));
    rows.find(|line| !line.contains("---"))
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_mapping_opens_at_the_row_that_the_error_names() {
    // The third row, which the engine names.
    let mut desk = Desk::new(80, 24);
    desk.press("2 j j Enter g m");
    assert!(desk.shows("[4 Mapping]"), "{}", desk.screen());
    let named = row(&desk);
    // The field of the failure of the run as a whole.
    let mut desk = reading();
    desk.press("g m");
    let of_field = row(&desk);
    let mut desk = Desk::new(80, 24);
    desk.press("4");
    let first = row(&desk);
    assert!(named.contains("phone"), "{named}");
    assert!(of_field.contains("title"), "{of_field}");
    assert_ne!(of_field, first);
}
