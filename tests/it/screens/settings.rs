//! The settings: what a value means is shown before it counts, and nothing is saved by itself.

use syncdeck::domain::mapping::{BadFields, Leaves};
use syncdeck::engine::notice::Notice;
use syncdeck::tui::model::Screen;

use super::data;
use super::desk::Desk;

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn a_schedule_shows_its_next_three_times() {
    let mut desk = desk();
    desk.press("6 j Tab");
    for time in ["14:35", "14:40", "14:45"] {
        assert!(desk.shows(time), "{time}: {}", desk.screen());
    }
}

/// Stages another time for the pair under the cursor.
fn stage(desk: &mut Desk, minutes: &str) {
    desk.press("Enter Ctrl-u")
        .type_text(minutes)
        .press("Enter")
        .wait();
}

#[test]
fn what_is_found_and_copied_is_the_staged_schedule_that_the_row_shows() {
    let mut desk = desk();
    desk.press("6 j Tab j");
    stage(&mut desk, "7");
    assert!(desk.shows("every 7 min"), "{}", desk.screen());
    desk.press("y");
    assert_eq!(desk.copied.last().unwrap(), "every 7 min");
    desk.wait().press("k /").type_text("7 min").press("Enter");
    assert_eq!(desk.model.settings.cursor(), 1, "{}", desk.screen());
    // What is in force under it is not on the screen.
    desk.press("Esc /").type_text("every 5").press("Enter");
    assert_ne!(desk.model.settings.cursor(), 1, "{}", desk.screen());
}

#[test]
fn a_staged_filter_is_found_and_copied_as_json_beside_the_one_in_force() {
    let mut desk = desk();
    desk.press("6 j j Tab");
    try_filter(&mut desk, "Status:open");
    desk.press("Tab Enter 6").wait();
    desk.press("G /").type_text("status:open").press("Enter");
    assert_eq!(desk.model.settings.cursor(), 0, "{}", desk.screen());
    desk.press("Y");
    let copied = desk.copied.last().unwrap();
    assert!(copied.contains("\"staged\":\"Status:open\""), "{copied}");
    assert!(copied.contains("\"filter\":\"\""), "{copied}");
}

/// Types a filter for the pair under the cursor and tries it.
fn try_filter(desk: &mut Desk, filter: &str) {
    desk.press("Enter Ctrl-u").type_text(filter).press("Enter");
}

#[test]
fn a_filter_is_staged_after_its_effect_was_shown_and_saved_by_w() {
    let mut desk = desk();
    desk.press("6 j j Tab");
    try_filter(&mut desk, "Status:open");
    for says in [
        "This filter for people?",
        "216 linked records",
        "Thomas Young",
        "rest on both",
    ] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    desk.press("Tab Enter");
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.filter, "Status:open");
    assert_eq!(desk.fake.pair.filter, "", "nothing is saved by itself");
    for says in ["1 staged", "The filter of people is in the draft"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    desk.press("6");
    assert!(desk.shows("Saved is"), "{}", desk.screen());
    desk.press("4 u");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
    desk.press("Ctrl-r");
    desk.fake.sound = true;
    desk.press("j w");
    assert!(
        desk.shows("filter: all records -> Status:open"),
        "{}",
        desk.screen()
    );
    desk.press("Tab Enter");
    assert_eq!(desk.fake.pair.filter, "Status:open", "{}", desk.screen());
    desk.press("6");
    assert!(!desk.shows("Saved is"), "{}", desk.screen());
}

#[test]
fn who_leaves_is_chosen_with_the_filter() {
    let mut desk = desk();
    desk.press("6 j j Tab Enter Tab l l Enter");
    assert!(
        desk.shows("records; they are unlinked"),
        "{}",
        desk.screen()
    );
    desk.press("Tab Enter");
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.on_leave, Leaves::Unlink, "{}", desk.screen());
    assert_eq!(draft.filter, "");
}

#[test]
fn what_becomes_of_refused_fields_is_chosen_and_saved_with_the_mapping() {
    let mut desk = desk();
    desk.press("6 j j");
    for says in ["Refused fields", "hold their record"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    desk.press("Tab Enter Tab Tab l Enter");
    assert!(desk.shows("are left out"), "{}", desk.screen());
    desk.press("Tab Enter");
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.bad_fields, BadFields::Drop, "{}", desk.screen());
    assert_eq!(draft.on_leave, Leaves::default());
    desk.press("6");
    assert!(desk.shows("refused fields hold"), "{}", desk.screen());
    desk.fake.sound = true;
    desk.press("4 w");
    let change = "fields that Salesforce refuses: hold their record -> are left out";
    assert!(desk.shows(change), "{}", desk.screen());
    desk.press("Tab Enter");
    assert_eq!(desk.fake.pair.bad_fields, BadFields::Drop);
}

#[test]
fn a_filter_that_is_not_staged_changes_nothing() {
    let mut desk = desk();
    desk.press("6 j j Tab");
    try_filter(&mut desk, "Status:open");
    desk.press("Esc");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
    // The draft of another mapping is not thrown away for it.
    desk.press("4 j Space 6 j");
    try_filter(&mut desk, "Status:open");
    desk.press("Tab Enter");
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.name.as_str(), "people");
    assert!(desk.shows("has staged changes"), "{}", desk.screen());
}

#[test]
fn the_limits_say_what_is_left_and_what_happens_at_the_line() {
    let mut desk = desk();
    desk.press("6 j j j");
    for says in [
        "41,240 of 100,000 by everybody",
        "38,760; the stop line comes first",
        "50,000 (50%)",
        "80,000 (80%)",
        "2,000 of our part are kept",
        "another day like this needs 1,200 calls",
        "changes wait, nothing is lost",
    ] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
}

#[test]
fn a_rule_leads_to_its_mapping_row() {
    let mut desk = desk();
    desk.press("6 j j j j Tab j");
    assert!(desk.shows("a person decides"), "{}", desk.screen());
    desk.press("Enter");
    assert_eq!(desk.model.screen, Screen::Mapping);
    assert_eq!(desk.model.mapping.rows.selected(), 1, "{}", desk.screen());
}

#[test]
fn a_filter_is_tried_and_says_its_query_and_who_would_leave() {
    let mut desk = desk();
    desk.press("6 j j Enter");
    assert!(desk.shows("Enter tries another"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("Status:open -Email:null"), "{}", desk.screen());
    desk.type_text("(").press("Enter");
    assert!(desk.shows("at character 1: expected"), "{}", desk.screen());
    // Both what is wrong and what is right are read whole, and what is typed stays.
    let read = desk.screen().replace(['\n', '|'], " ");
    let read = read.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        read.contains("by the fields of its object"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("> Filter          ("), "{}", desk.screen());
    desk.press("Ctrl-u").type_text("Status:open").press("Enter");
    for says in ["SELECT Id FROM Contact", "3,902", "216", "Thomas Young"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    // Another pair was not asked about.
    desk.press("Esc j");
    assert!(!desk.shows("Thomas Young"), "{}", desk.screen());
}

#[test]
fn who_would_leave_is_named_rather_than_counted_as_one_more() {
    let mut desk = desk();
    desk.press("6 j j Tab");
    try_filter(&mut desk, "few");
    assert!(desk.shows("Kenji Watanabe"), "{}", desk.screen());
    assert!(!desk.shows("and 1 more"), "{}", desk.screen());
    desk.press("Esc");
    try_filter(&mut desk, "some");
    assert!(!desk.shows("Kenji Watanabe"), "{}", desk.screen());
    assert!(desk.shows("and 2 more"), "{}", desk.screen());
}

#[test]
fn about_says_how_the_config_file_and_the_mappings_stand() {
    let mut desk = desk();
    desk.press("6 G");
    for says in ["valid, in force as it is", "people v14, companies v14"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
}

#[test]
fn limits_follow_the_newest_figure_and_say_what_is_not_worked_out_from_it_yet() {
    let mut desk = desk();
    desk.press("6 j j j");
    assert!(desk.shows("as of 14:31:58"), "{}", desk.screen());
    assert!(desk.shows("it fits"), "{}", desk.screen());
    let asked = |desk: &Desk| desk.fake.asked.iter().filter(|a| *a == "Settings").count();
    let before = asked(&desk);
    desk.told(data::shared(data::summary(2, 0)));
    assert_eq!(asked(&desk), before, "the figure is the same");
    let mut spent = data::summary(2, 0);
    spent.connections[0].api = Some((100_000, 100_000));
    desk.told(data::shared(spent));
    assert_eq!(asked(&desk), before + 1);
    assert!(
        desk.shows("100,000 of 100,000 by everybody"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("being worked out"), "{}", desk.screen());
    for old in ["24 hours, as of", "it fits", "41,240"] {
        assert!(!desk.shows(old), "{old}: {}", desk.screen());
    }
    // One question at a time, and none for a page that is not in front.
    let mut more = data::summary(2, 0);
    more.connections[0].api = Some((99_000, 100_000));
    desk.overhears(Notice::Summary(data::shared(more.clone())));
    desk.told(data::shared(more.clone()));
    assert_eq!(asked(&desk), before + 2);
    desk.press("1");
    desk.told(data::shared(more));
    assert_eq!(asked(&desk), before + 2);
}
