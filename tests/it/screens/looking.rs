//! A console that was started to look: no key, no button and no line of the palette changes
//! anything, and each says why.

use syncdeck::engine::summary::Access;
use syncdeck::tui::Options;

use super::desk::{Desk, options};
use super::fake::Fake;

const CHANGES: [&str; 9] = [
    "Allow",
    "SetSchedule",
    "KeepDraft",
    "SaveView",
    "RemoveView",
    "Decide",
    "Write",
    "Sync",
    "BeginSignIn",
];

fn looking(fake: Fake) -> Desk {
    let options = Options {
        access: Access::ReadOnly,
        ..options()
    };
    Desk::over(fake, options, 80, 24)
}

fn nothing_changed(desk: &Desk) {
    let changed = desk
        .fake
        .asked
        .iter()
        .find(|a| CHANGES.contains(&a.as_str()));
    assert_eq!(changed, None, "{}", desk.screen());
    assert!(desk.shows("read-only: started"), "{}", desk.screen());
    assert!(desk.model.mapping.draft.is_none());
}

#[test]
fn what_is_held_is_not_allowed_by_who_only_looks() {
    let mut fake = Fake::default();
    fake.held = Some(312);
    let mut desk = looking(fake);
    desk.press("Tab G Enter");
    assert!(!desk.shows("Allow 312"), "{}", desk.screen());
    desk.type_text("prod-eu 312").press("Enter");
    nothing_changed(&desk);
}

#[test]
fn settings_are_not_set_by_who_only_looks() {
    // Schedule, filters.
    for section in ["j", "j j"] {
        let mut desk = looking(Fake::default());
        desk.press("6").press(section).press("Tab Enter");
        desk.type_text("7").press("Enter Tab Enter");
        nothing_changed(&desk);
    }
}

#[test]
fn a_mapping_gets_no_draft_of_who_only_looks() {
    let mut desk = looking(Fake::default());
    desk.press("4 Enter");
    nothing_changed(&desk);
    let mut desk = looking(Fake::default());
    desk.press("4 Tab j Enter");
    nothing_changed(&desk);
}

#[test]
fn views_are_not_kept_or_forgotten_by_who_only_looks() {
    for line in ["view save mine", "view remove mine"] {
        let mut desk = looking(Fake::default());
        desk.press("5 :").type_text(line).press("Enter Enter");
        nothing_changed(&desk);
    }
}
