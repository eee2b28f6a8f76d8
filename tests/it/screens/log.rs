//! The filter of the log while it is typed, and finding a text in a run.

use syncdeck::domain::id::RunId;
use syncdeck::domain::run::{Counts, Failure, RunState};
use syncdeck::engine::summary::LastRun;

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
fn a_run_that_left_very_many_says_so_with_the_way_out() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.fake.held = Some(super::data::held(312));
        desk.press("2 j j j Enter");
        assert!(desk.shows("HOLD"), "{}", desk.screen());
        let sentence = "312 deletions in Salesforce wait for a person: more than 20 of 2,000";
        let way_out = "syncdeck sync people --allow deletes=312";
        assert!(desk.shows(sentence), "{}", desk.screen());
        assert!(desk.shows(way_out), "{}", desk.screen());
    }
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
fn a_record_says_when_it_is_tried_again_and_an_older_run_says_nothing() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        let line = |desk: &Desk| {
            let screen = desk.screen();
            let line = screen.lines().find(|line| line.contains("WAIT  Badge"));
            line.map(|line| line.trim_end().to_owned())
                .unwrap_or(screen)
        };
        desk.press("2 j Enter");
        assert!(line(&desk).ends_with("14:35"), "{}", line(&desk));
        desk.press("Esc j j Enter");
        assert!(line(&desk).ends_with('-'), "{}", line(&desk));
    }
}

/// A failure of so many words in each of its parts, which end in words of their own.
fn failure(words: usize) -> Failure {
    let text = |end: &str| format!("{}end-of-{end}", "Salesforce said this ".repeat(words / 3));
    Failure {
        code: "permission".into(),
        what: text("what"),
        why: text("why"),
        fix: text("fix"),
        fields: Vec::new(),
        request: "7f3c-19".into(),
    }
}

#[test]
fn the_whole_cause_of_a_run_that_failed_as_a_whole_is_on_its_page() {
    for (columns, rows, words) in [(80, 24, 15), (160, 48, 60)] {
        let mut desk = Desk::new(columns, rows);
        desk.fake.whole = Some(failure(words));
        desk.press("2 j j Enter");
        let now = "0 in, 0 out until then; the next run is at 14:45";
        for says in [
            "permission: ",
            "end-of-what",
            "end-of-why",
            now,
            "end-of-fix",
        ] {
            assert!(desk.shows(says), "{says}: {}", desk.screen());
        }
        assert!(desk.shows("request 7f3c-19"), "{}", desk.screen());
        assert!(!desk.shows("Enter shows all"), "{}", desk.screen());
        assert!(desk.shows("Steps"), "{}", desk.screen());
        desk.press("y");
        let copied = desk.copied.pop().unwrap();
        assert!(copied.contains("end-of-why"), "{copied}");
    }
}

#[test]
fn a_cause_without_room_is_read_whole_with_enter_and_j() {
    for (columns, rows) in [(60, 15), (80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.fake.whole = Some(failure(1_200));
        desk.press("2 j j Enter");
        assert!(desk.shows("Enter shows all of it"), "{}", desk.screen());
        assert!(!desk.shows("end-of-what"), "{}", desk.screen());
        desk.press("Enter");
        assert!(desk.shows("j/k scroll"), "{}", desk.screen());
        let mut missing = vec!["until then", "end-of-what", "end-of-why", "end-of-fix"];
        for _ in 0..200 {
            missing.retain(|says| !desk.shows(says));
            if !desk.shows("more lines, j") {
                break;
            }
            desk.press("j");
        }
        assert!(missing.is_empty(), "{missing:?}: {}", desk.screen());
        desk.press("Esc");
        assert!(desk.shows("Errors by kind"), "{}", desk.screen());
    }
}

#[test]
fn a_run_that_failed_as_a_whole_and_on_records_has_both_in_one_list() {
    let mut desk = desk();
    desk.fake.whole = Some(failure(3));
    desk.fake.fix = Some("Enter opens the mapping row.".into());
    desk.press("2 j j Enter");
    assert!(desk.shows("Errors by kind ------"), "{}", desk.screen());
    assert!(desk.shows("end-of-why"), "{}", desk.screen());
    assert!(desk.shows("FAIL  INVALID_FIELD"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("What"), "{}", desk.screen());
    desk.press("Esc j");
    assert!(!desk.shows("end-of-why"), "{}", desk.screen());
    assert!(desk.shows("renamed or deleted"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("[4 Mapping]"), "{}", desk.screen());
}

/// Something ran since: the engine has a run more, and its summary says so.
fn ran(desk: &mut Desk) {
    desk.fake.new_runs = 1;
    let mut summary = desk.model.summary.as_deref().unwrap().clone();
    let pair = summary.pairs.first_mut().unwrap();
    pair.last = pair.last.map(|last| LastRun {
        id: RunId(9_000),
        ..last
    });
    desk.told(std::sync::Arc::new(summary));
}

#[test]
fn the_log_begins_at_the_newest_run_once_something_ran() {
    let mut desk = desk();
    desk.press("2 j j");
    assert!(desk.shows("> 8840"), "{}", desk.screen());
    // As it was left while nothing ran.
    desk.press("1 2");
    assert!(desk.shows("> 8840"), "{}", desk.screen());
    desk.press("Enter 1 2");
    assert!(desk.shows("Run 8840"), "{}", desk.screen());
    desk.press("1");
    ran(&mut desk);
    desk.press("2");
    assert!(desk.shows("> 9000"), "{}", desk.screen());
    // Where one was before is still a key away.
    desk.press("j j j Enter 5");
    assert!(!desk.shows("[2 Log"), "{}", desk.screen());
    desk.press("-");
    assert!(desk.shows("Run 8840"), "{}", desk.screen());
}

#[test]
fn the_screen_before_is_as_it_was_though_something_ran() {
    let mut desk = desk();
    desk.press("2 j j Enter 5");
    ran(&mut desk);
    desk.press("-");
    assert!(desk.shows("Run 8840"), "{}", desk.screen());
}

#[test]
fn a_run_that_was_taken_back_says_by_which_in_the_list_and_on_its_page() {
    let mut desk = desk();
    desk.fake.undone = vec![RunId(8841)];
    desk.press("2");
    let list = |desk: &Desk| desk.screen().matches("taken").count();
    assert!(list(&desk) > 0, "{}", desk.screen());
    desk.press("j Enter");
    let screen = desk.screen();
    let line = screen
        .lines()
        .find(|l| l.contains("taken back by run 9900"));
    assert!(line.is_some_and(|l| l.contains("INFO")), "{screen}");
    let mut other = self::desk();
    other.press("2 j Enter");
    assert!(!other.shows("taken back"), "{}", other.screen());
}

#[test]
fn a_run_that_ends_is_told_as_it_ended() {
    for (state, says) in [
        (RunState::Succeeded, "Account <-> companies done: 7,988 in"),
        (
            RunState::Cancelled,
            "Account <-> companies cancelled: 7,988",
        ),
        (RunState::PutOff, "Account <-> companies put off: 7,988 in"),
    ] {
        let mut desk = desk();
        let mut summary = desk.model.summary.as_deref().unwrap().clone();
        let running = summary.running.take().unwrap();
        let pair = summary.pairs.iter_mut().find(|p| p.name == running.pair);
        let last = &mut pair.unwrap().last;
        *last = last.map(|last| LastRun {
            id: running.run,
            state,
            counts: Counts {
                pulled: 7_988,
                ..Counts::default()
            },
            ..last
        });
        desk.told(std::sync::Arc::new(summary));
        assert!(desk.shows(says), "{}", desk.screen());
        let well = state == RunState::Succeeded;
        assert_eq!(desk.shows("+- OK ---"), well, "{}", desk.screen());
    }
}

#[test]
fn a_first_import_is_not_said_to_have_changed_nothing() {
    let mut desk = desk();
    desk.fake.imported = 7_988;
    desk.press("2 Enter");
    let says = "What a first import takes in is not listed";
    assert!(desk.shows(says), "{}", desk.screen());
    assert!(!desk.shows("No record was changed"), "{}", desk.screen());
}

#[test]
fn the_page_of_a_run_that_did_not_come_to_its_end_says_how_it_stopped() {
    let mut desk = desk();
    desk.press("2 j Enter");
    assert!(desk.shows(", took "), "{}", desk.screen());
    let mut desk = self::desk();
    desk.fake.whole = Some(Failure {
        code: "REQUEST_LIMIT_EXCEEDED".into(),
        what: "no calls are left".into(),
        why: String::new(),
        fix: String::new(),
        fields: Vec::new(),
        request: String::new(),
    });
    desk.press("2 j Enter");
    assert!(desk.shows("failed after "), "{}", desk.screen());
}
