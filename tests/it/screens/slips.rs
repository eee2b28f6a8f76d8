//! Slips of the hand and windows that are small: what is typed wrongly is said, what is typed where
//! nothing waits for it does nothing, and what went wrong is shown whole.

use super::desk::Desk;

#[test]
fn a_state_that_there_is_not_is_a_mistake_and_the_list_stays() {
    for (list, empty) in [
        ("2", "No run fits"),
        ("3", "No conflict fits"),
        ("5", "No record fits"),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(list).press("/").type_text("state:fial");
        let says = "no state fial; did you mean fail?";
        // A conflict does not fail.
        let says = if list == "3" {
            "no state fial; states: conf, part"
        } else {
            says
        };
        assert!(desk.shows(says), "{list}: {}", desk.screen());
        desk.press("Enter");
        assert!(desk.shows("The list stays:"), "{list}: {}", desk.screen());
        assert!(!desk.shows(empty), "{list}: {}", desk.screen());
    }
}
