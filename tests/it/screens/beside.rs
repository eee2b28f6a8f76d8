//! A wide window has room for more at once: what the open record says stands beside the list, too.

use super::desk::Desk;

#[test]
fn beside_the_list_a_record_shows_its_whole_value_and_its_history() {
    let mut desk = Desk::new(160, 48);
    desk.press("5 j");
    let wide = desk.screen();
    let whole = |line: &str| line.contains("App        cb@analytical.example");
    assert!(wide.lines().any(whole), "{wide}");
    assert!(wide.contains("History ---"), "{wide}");
    // While a filter is typed the records come and go with every letter.
    desk.press("/ c");
    assert!(!desk.shows("History ---"), "{}", desk.screen());
    let mut narrow = Desk::new(80, 24);
    narrow.press("5 j");
    assert!(!narrow.shows("History ---"), "{}", narrow.screen());
}

#[test]
fn who_decided_stands_beside_a_change_wherever_it_fits() {
    let mut desk = Desk::new(160, 48);
    desk.press("3 Enter c");
    let screen = desk.screen();
    let mut lines = screen.lines();
    let by = |line: &str| line.contains("-> a.byron@acme.example") && line.ends_with("you");
    assert!(lines.any(by), "{screen}");
}
