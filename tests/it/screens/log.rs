//! The filter of the log while it is typed, and finding a text in a run.

use super::desk::Desk;

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn the_log_is_filtered_with_the_language_of_all_lists() {
    let mut desk = desk();
    desk.press("2 /").type_text("state:fail");
    desk.press("Enter");
    assert!(desk.shows("Filter: state:fail"), "{}", desk.screen());
    assert!(desk.shows("Case --> tickets"), "{}", desk.screen());
    assert!(!desk.shows("Contact <-> people"), "{}", desk.screen());
    assert!(desk.shows("filtered"), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows("Contact <-> people"), "{}", desk.screen());
    desk.press("/")
        .type_text("fail:>30 title:case")
        .press("Enter");
    assert!(desk.shows("Case --> tickets"), "{}", desk.screen());
}

#[test]
fn a_mistake_is_explained_while_it_is_typed_and_the_list_stays() {
    let mut desk = desk();
    desk.press("2 /").type_text("(state:fail");
    assert!(desk.shows("FAIL  at character"), "{}", desk.screen());
    desk.press("Ctrl-u").type_text("pari:x");
    assert!(desk.shows("did you mean pair?"), "{}", desk.screen());
    desk.press("Enter");
    assert!(
        desk.shows("Contact <-> people"),
        "the list stays: {}",
        desk.screen()
    );
    // What was typed is still there to be put right.
    assert!(desk.shows("pari:x"), "{}", desk.screen());
}

#[test]
fn tab_completes_fields_and_states() {
    let mut desk = desk();
    desk.press("2 /").type_text("sta");
    assert!(desk.shows("Tab  state:"), "{}", desk.screen());
    desk.press("Tab").type_text("fa");
    assert!(desk.shows("state:fail"), "{}", desk.screen());
    desk.press("Tab Enter");
    assert!(desk.shows("Filter: state:fail"), "{}", desk.screen());
    desk.press("5 /").type_text("-em").press("Tab");
    assert!(desk.shows("-email:"), "{}", desk.screen());
}

#[test]
fn a_text_is_found_in_the_steps_of_a_run_forwards_and_back() {
    let mut desk = desk();
    desk.press("2 j j Enter Tab Tab");
    desk.press("n");
    assert!(desk.shows("nothing was looked for"), "{}", desk.screen());
    desk.wait().press("/").type_text("400").press("Enter");
    assert!(desk.shows("Find: 400"), "{}", desk.screen());
    let at = desk.model.log.steps.selected();
    assert!(at > 0, "{}", desk.screen());
    desk.press("n N");
    assert_eq!(desk.model.log.steps.selected(), at);
    desk.press("/").type_text("nowhere at all").press("Enter");
    assert!(desk.shows("is not in this pane"), "{}", desk.screen());
    assert_eq!(desk.model.log.steps.selected(), at);
}

#[test]
fn long_texts_are_searched_on_a_key_of_its_own_and_say_how_far() {
    let mut desk = desk();
    desk.press("g /").type_text("lo").press("Ctrl-t");
    assert!(desk.shows("Type three letters"), "{}", desk.screen());
    desk.wait().type_text("vel");
    assert!(desk.shows("long texts (Ctrl-t does)"), "{}", desk.screen());
    assert!(!desk.fake.asked.iter().any(|a| a == "SearchTexts"));
    desk.press("Ctrl-t");
    assert!(
        desk.shows("Long texts and all other fields searched: 1 found"),
        "{}",
        desk.screen()
    );
    let parts = desk.fake.asked.iter().filter(|a| *a == "SearchTexts");
    assert_eq!(parts.count(), 3);
    desk.press("Tab Tab Tab Tab Enter");
    assert!(desk.shows("Record people"), "{}", desk.screen());
    // What is typed further is something else.
    desk.press("g /")
        .type_text("love")
        .press("Ctrl-t")
        .type_text("l");
    assert!(!desk.shows("Long texts and"), "{}", desk.screen());
}

#[test]
fn esc_stops_the_search_in_texts_and_keeps_what_was_found() {
    let mut desk = desk();
    desk.press("g /").type_text("love");
    desk.ask("Ctrl-t");
    desk.ask("Esc");
    desk.answered();
    let parts = desk.fake.asked.iter().filter(|a| *a == "SearchTexts");
    assert_eq!(parts.count(), 1);
    assert!(
        desk.shows("stopped after 1,000 of 3,000 records, 1 found"),
        "{}",
        desk.screen()
    );
    desk.press("Esc");
    assert!(desk.shows("Needs attention"), "{}", desk.screen());
}

#[test]
fn a_schedule_shows_its_next_three_times() {
    let mut desk = desk();
    desk.press("6 j Tab");
    for time in ["14:35", "14:40", "14:45"] {
        assert!(desk.shows(time), "{time}: {}", desk.screen());
    }
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
    for says in ["1 staged", "all records", "Status:open"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    desk.press("6");
    assert!(desk.shows("Saved is"), "{}", desk.screen());
    desk.press("4 u");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
    desk.press("Ctrl-r");
    desk.fake.sound = true;
    desk.press("j w Tab Enter");
    assert_eq!(desk.fake.pair.filter, "Status:open", "{}", desk.screen());
    desk.press("6");
    assert!(!desk.shows("Saved is"), "{}", desk.screen());
}

#[test]
fn who_leaves_is_chosen_with_the_filter() {
    let mut desk = desk();
    desk.press("6 j j Tab Enter Tab l l Enter");
    assert!(desk.shows("they are unlinked"), "{}", desk.screen());
    desk.press("Tab Enter");
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.on_leave, Leaves::Unlink, "{}", desk.screen());
    assert_eq!(draft.filter, "");
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
        "2,000 of our part",
        "needs 1,200 calls, 38,760 left",
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
    desk.press("Enter").type_text("(").press("Enter");
    assert!(
        desk.shows("at character 1: expected )"),
        "what is typed stays: {}",
        desk.screen()
    );
    desk.press("Ctrl-u").type_text("Status:open").press("Enter");
    for says in ["SELECT Id FROM Contact", "3,902", "216", "Thomas Young"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    // Another pair was not asked about.
    desk.press("Esc j");
    assert!(!desk.shows("Thomas Young"), "{}", desk.screen());
}
