//! `q`: back along what was followed, then out of what is open, and only then out of the program.

use syncdeck::tui::ExitReason;

use super::desk::Desk;

/// Presses keys one by one and wants each to lead to a screen that shows its text.
fn walk(desk: &mut Desk, steps: &[(&str, &str)]) {
    for (keys, shown) in steps {
        desk.press(keys);
        assert!(desk.shows(shown), "{keys}: {shown}\n{}", desk.screen());
        assert_eq!(desk.left, None, "{keys}");
    }
}

#[test]
fn what_needs_attention_is_left_to_where_it_was_seen() {
    let mut desk = Desk::new(80, 24);
    let steps = [
        ("Tab Enter", "[4 Mapping]"),
        ("q", "> Needs attention"),
        ("j Enter", "> Conflicts"),
        ("Enter", "w will write"),
        ("q", "> Conflicts"),
        ("q", "> Needs attention"),
    ];
    walk(&mut desk, &steps);
    desk.press("q");
    assert_eq!(desk.left, Some(ExitReason::Quit));
}

#[test]
fn a_record_of_a_run_is_left_to_the_run_and_the_run_to_its_list() {
    let mut desk = Desk::new(80, 24);
    let steps = [
        ("2 j j Enter Tab", "> Records"),
        ("Enter", "[5 Records]"),
        ("gm", "[4 Mapping]"),
        ("q", "[5 Records]"),
        ("q", "> Records"),
        ("q", "> Runs"),
    ];
    walk(&mut desk, &steps);
    desk.press("q");
    assert_eq!(desk.left, Some(ExitReason::Quit));
}

#[test]
fn what_is_opened_after_esc_is_closed_before_the_way_back() {
    let mut desk = Desk::new(80, 24);
    let steps = [
        ("Enter", "> Errors by kind"),
        ("Esc", "> Runs"),
        ("Enter", "> Errors by kind"),
        ("q", "> Runs"),
        ("q", "[1 Overview]"),
    ];
    walk(&mut desk, &steps);
}

#[test]
fn a_number_begins_a_new_way() {
    let mut desk = Desk::new(80, 24);
    walk(
        &mut desk,
        &[("Tab Enter", "[4 Mapping]"), ("5", "[5 Records]")],
    );
    desk.press("q");
    assert_eq!(desk.left, Some(ExitReason::Quit));
}

#[test]
fn the_last_row_says_what_q_does() {
    let mut desk = Desk::new(160, 48);
    walk(
        &mut desk,
        &[("1", "q quit"), ("0", "[1 Overview]"), ("q", "q quit")],
    );
}
