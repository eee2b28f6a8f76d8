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

#[test]
fn what_is_marked_can_be_asked_for_and_the_list_follows_the_marks() {
    let mut desk = Desk::new(80, 24);
    desk.press("3 Space j Space /")
        .type_text("is:marked")
        .press("Enter");
    assert!(desk.shows("2 open"), "{}", desk.screen());
    assert!(!desk.shows("not shown"), "{}", desk.screen());
    // What is unmarked leaves the list; the rest stays marked under another filter.
    desk.press("g g Space");
    assert!(desk.shows("1 open"), "{}", desk.screen());
    desk.press("/ Ctrl-u")
        .type_text("-is:marked")
        .press("Enter");
    assert!(desk.shows("1 marked, 1 not shown"), "{}", desk.screen());
    // On the records it is the ids that are asked for; in the log nothing can be marked.
    desk.press("5 Space /").type_text("is:m").press("Tab Enter");
    assert!(desk.shows("Filter: is:marked"), "{}", desk.screen());
    desk.press("2 /").type_text("is:marked").press("Enter");
    assert!(
        desk.shows("marks cannot be searched for"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_list_is_exported_as_it_is_filtered_and_never_over_a_file_without_asking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv").display().to_string();
    let read = || std::fs::read_to_string(&path).unwrap();
    let mut desk = Desk::new(80, 24);
    desk.press("5 /").type_text("lui").press("Enter :");
    desk.type_text(&format!("export {path}")).press("Enter");
    assert!(desk.shows("Written"), "{}", desk.screen());
    let records = read();
    assert!(records.starts_with("id,state,name,email,title,changed\r\n"));
    assert!(records.contains("luigi,OK,Luigi Menabrea,lm@analytical.example,General,"));
    assert_eq!(records.lines().count(), 2, "{records}");
    desk.wait().press("3 :");
    desk.type_text(&format!("export {path}")).press("Enter");
    assert!(desk.shows("Replace the file?"), "{}", desk.screen());
    desk.press("Enter");
    assert_eq!(read(), records, "the question opens on keeping it");
    desk.press(":").type_text(&format!("export {path}"));
    desk.press("Enter Tab Enter");
    assert!(
        read().starts_with("pair,id,state,name,object,"),
        "{}",
        desk.screen()
    );
    desk.press(":").type_text("export list.doc").press("Enter");
    assert!(desk.shows("ends in .csv or .ndjson"), "{}", desk.screen());
}

#[test]
fn going_on_to_95_percent_is_typed_and_sent_once() {
    let mut desk = Desk::new(80, 24);
    let sent = |desk: &Desk| desk.fake.asked.iter().filter(|a| *a == "GoOn").count();
    desk.press(":").type_text("budget.go_on").press("Enter");
    assert!(desk.shows("Go on to 95 %?"), "{}", desk.screen());
    assert!(desk.shows("41,240 of 100,000"), "{}", desk.screen());
    desk.press("Enter");
    assert_eq!(sent(&desk), 0, "{}", desk.screen());
    desk.type_text("prod-eu 95").press("Enter");
    assert_eq!(sent(&desk), 1, "{}", desk.screen());
    assert!(desk.shows("Syncs go on to 95 %"), "{}", desk.screen());
}
