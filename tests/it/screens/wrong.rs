//! Bad input wherever something can be typed: it has its words, and nothing typed before is lost.

use super::desk::Desk;

/// Every place that takes text: the keys that lead to it.
const PLACES: &[&str] = &[
    "5 /",
    "5 :",
    "5 g /",
    "5 j H Enter",
    "5 j e Tab",
    "5 V",
    "5 d",
    "3 Enter j j j e",
    "4 j Enter",
    "4 i",
    "6 Tab Enter",
    "6 j Tab Enter",
    "6 j j Tab Enter",
];

#[test]
fn a_paste_that_is_far_too_long_leaves_what_was_typed_as_it_was() {
    let huge = "y".repeat(5_000_000);
    for way in PLACES {
        let mut desk = Desk::new(80, 24);
        desk.press(way).type_text("qzq").paste(&huge);
        // The address of a sign-in is not shown, only its length.
        let typed = match *way {
            "6 Tab Enter" => "(3 characters)",
            _ => "qzq",
        };
        for says in ["The paste has 5,000,000 bytes", typed] {
            assert!(desk.shows(says), "{way}: no {says}\n{}", desk.screen());
        }
        assert!(!desk.shows("yyyy"), "{way}\n{}", desk.screen());
    }
}

#[test]
fn an_owner_who_is_inactive_is_refused_for_many_as_for_one() {
    for way in ["5 j H", "5 * H"] {
        let mut desk = Desk::new(80, 24);
        desk.press(way).type_text("Bo Diaz");
        assert!(
            desk.shows("who is inactive in Salesforce"),
            "{way}\n{}",
            desk.screen()
        );
        desk.press("S-Tab Enter");
        let sent = |name: &str| desk.fake.asked.iter().any(|a| a == name);
        assert!(!sent("StageEdit") && !sent("EditRecords"), "{way}");
        assert!(desk.shows("Bo Diaz"), "{way}\n{}", desk.screen());
    }
}
