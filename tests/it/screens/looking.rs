//! A console that was started to look: no key, no button and no line of the palette changes
//! anything, and each says why.

use syncdeck::engine::summary::Access;
use syncdeck::tui::Options;

use syncdeck::domain::value::Value;

use super::desk::{Desk, options};
use super::fake::Fake;

const CHANGES: [&str; 12] = [
    "Allow",
    "SetSchedule",
    "StageSchedule",
    "StageFields",
    "StageEdit",
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
    fake.held = Some(super::data::held(312));
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
    // What is different is read by everybody.
    assert!(desk.shows("Here now  ->  version 13"), "{}", desk.screen());
    assert!(!desk.shows("Into the draft"), "{}", desk.screen());
    desk.press("Enter Tab Enter");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
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
fn very_many_records_are_exported_part_by_part_with_whole_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv").display().to_string();
    let mut desk = Desk::new(80, 24);
    let long = "x".repeat(900);
    for n in 0..2_500 {
        let fields = [("email".into(), Value::text(long.as_str()))].into();
        desk.fake.people.push((format!("n{n:04}"), fields));
    }
    desk.press("5");
    let before = desk.fake.asked.iter().filter(|a| *a == "Records").count();
    desk.press(":")
        .type_text(&format!("export {path}"))
        .press("Enter");
    assert!(desk.shows("Written"), "{}", desk.screen());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1 + 2_503);
    assert!(text.lines().skip(4).all(|line| line.contains(&long)));
    let parts = desk.fake.asked.iter().filter(|a| *a == "Records").count();
    assert_eq!(parts - before, 3);
}

#[test]
fn what_a_stopped_export_was_waiting_for_does_not_end_up_in_the_next_of_that_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv").display().to_string();
    let mut desk = Desk::new(80, 24);
    desk.press("5 / l u i Enter");
    let begin = |desk: &mut Desk| {
        desk.ask(":");
        for letter in format!("export {path}").chars() {
            match letter {
                ' ' => desk.ask("Space"),
                letter => desk.ask(&letter.to_string()),
            }
        }
        desk.ask("Enter");
    };
    begin(&mut desk);
    desk.ask("Ctrl-c");
    for key in ["/", "Ctrl-u", "a", "d", "a", "Enter"] {
        desk.ask(key);
    }
    begin(&mut desk);
    desk.answered();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("ada,") && !text.contains("luigi,"), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_text_is_found_on_the_screens_that_have_no_filter() {
    let mut desk = Desk::new(80, 24);
    desk.press("1 /").type_text("CASE").press("Enter");
    assert!(desk.shows("Find: CASE"), "{}", desk.screen());
    assert_eq!(desk.model.overview.syncs.selected(), 2, "{}", desk.screen());
    desk.press("Esc");
    assert!(!desk.shows("Find: "), "{}", desk.screen());
    desk.press("4 /").type_text("title").press("Enter");
    let at = desk.model.mapping.rows.selected();
    let row = &desk.model.mapping.current().unwrap().rows[at];
    assert_eq!(row.app[0].as_str(), "title", "{}", desk.screen());
    desk.press("/").type_text("nowhere").press("Enter");
    assert!(desk.shows("is not in this pane"), "{}", desk.screen());
    assert_eq!(desk.model.mapping.rows.selected(), at);
    desk.wait()
        .press("6 /")
        .type_text("look")
        .press("Enter Tab");
    desk.press("/").type_text("mono").press("Enter Enter");
    assert_eq!(desk.model.theme.name(), "mono", "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows("> Look"), "Esc ends the search first");
}

#[test]
fn help_finds_a_key_by_what_it_does_and_does_it() {
    let mut desk = Desk::new(80, 24);
    desk.press("5 ? /").type_text("newest");
    assert!(!desk.shows("This screen"), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows("This screen"), "Esc shows all keys again");
    desk.press("/").type_text("screen.conflicts").press("Enter");
    assert!(desk.shows("[3 Conflicts"), "{}", desk.screen());
}

#[test]
fn help_has_what_can_be_done_before_what_cannot() {
    let mut desk = Desk::new(160, 48);
    desk.press("5 ?");
    let screen = desk.screen();
    let at = |text: &str| screen.lines().position(|line| line.contains(text));
    let (on, off) = (at("Mark or unmark the row."), at("clear: off: "));
    assert!(on.is_some() && on < off, "{screen}");
}

#[test]
fn the_row_under_the_cursor_is_copied_as_json_on_every_screen() {
    for (way, says) in [
        ("1", "\"pair\":\"people\""),
        ("1 Tab", "\"text\""),
        ("2", "\"run\":\"8842\""),
        ("2 Enter", "\"run\":\"8842\""),
        ("3", "\"waits\""),
        ("4", "\"app\""),
        ("6 j Tab", "\"schedule\":\"every 5 minutes\""),
        ("6 j j j j j j j j", "\"config_file\""),
    ] {
        let mut desk = Desk::new(80, 24);
        desk.press(way).press("Y");
        let copied = desk.copied.last().unwrap_or_else(|| panic!("{way}"));
        let json: serde_json::Value = serde_json::from_str(copied).unwrap();
        assert!(json.is_object(), "{way}: {copied}");
        assert!(copied.contains(says), "{way}: {copied}");
    }
}

#[test]
fn i_on_connections_signs_in_where_nobody_is() {
    let mut desk = Desk::new(80, 24);
    desk.press("6 Tab i");
    assert!(
        desk.shows("a profile has one; e signs in to it again"),
        "{}",
        desk.screen()
    );
    assert!(!desk.fake.asked.iter().any(|a| a == "BeginSignIn"));
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
