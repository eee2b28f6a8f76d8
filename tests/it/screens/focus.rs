//! Where the keys go is seen at one place: one pane has `>` in its rule, one row has it as its cursor,
//! and a key that is named beside a row does it there.

use super::desk::Desk;

/// Rows that begin with the sign of the cursor, and rules of panes that have it, in the left part.
fn signs(desk: &Desk) -> (usize, usize) {
    let screen = desk.screen();
    let marked = screen.lines().filter(|line| line.starts_with("> "));
    let (rules, rows): (Vec<&str>, Vec<&str>) = marked.partition(|line| line.contains("---"));
    (rules.len(), rows.len())
}

#[test]
fn the_sign_of_the_cursor_stands_only_in_the_pane_that_has_the_keys() {
    for keys in [
        "1",
        "1 Tab",
        "1 Tab Tab",
        "2 j j Enter",
        "2 j j Enter Tab",
        "4",
        "4 Tab",
        "5",
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(keys);
        assert_eq!(signs(&desk), (1, 1), "{keys}\n{}", desk.screen());
    }
}

#[test]
fn what_needs_a_person_names_the_key_that_works_from_where_the_cursor_is() {
    let mut desk = Desk::new(80, 24);
    assert!(desk.shows("2, Tab goes here"), "{}", desk.screen());
    assert!(!desk.shows("Enter fix map"), "{}", desk.screen());
    assert!(!desk.shows("Enter decide"), "{}", desk.screen());
    // What it says is so.
    desk.press("Tab");
    assert!(desk.shows("Enter decide"), "{}", desk.screen());
    assert!(!desk.shows("goes here"), "{}", desk.screen());
    desk.press("j Enter");
    assert!(desk.shows("[3 Conflicts"), "{}", desk.screen());

    let mut desk = Desk::new(80, 24);
    desk.press("Tab Tab");
    assert!(desk.shows("2, S-Tab goes here"), "{}", desk.screen());
    desk.press("S-Tab");
    assert!(desk.shows("Enter decide"), "{}", desk.screen());
}

#[test]
fn a_section_names_its_keys_once_the_cursor_is_in_it() {
    let mut desk = Desk::new(80, 24);
    desk.press("6");
    assert!(!desk.shows("d disconnect  R check"), "{}", desk.screen());
    desk.press("Tab");
    assert!(desk.shows("d disconnect  R check"), "{}", desk.screen());
    desk.press("4 j");
    assert!(!desk.shows("Enter compares"), "{}", desk.screen());
    desk.press("Tab");
    assert!(desk.shows("Enter compares"), "{}", desk.screen());
}
