//! What a person does, key by key, and what the engine is asked because of it.

use syncdeck::domain::id::RunId;
use syncdeck::domain::mapping::{Flow, Foreign, Strategy};
use syncdeck::domain::value::Value;
use syncdeck::engine::summary::Access;
use syncdeck::tui::{ExitReason, Hosting};

use super::desk::{Desk, options};

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn a_mapping_row_is_edited_with_a_preview_and_saved() {
    let mut desk = desk();
    desk.press("4 j j j");
    assert!(
        desk.shows("the value of 1 of 3 samples"),
        "{}",
        desk.screen()
    );
    // Direction: from both ways to Salesforce only; then nothing comes back cut.
    desk.press("Enter Tab Tab l Tab Tab Ctrl-u");
    assert!(desk.shows("3 of 3 samples"), "{}", desk.screen());
    desk.press("Enter");
    assert!(desk.shows("staged"), "{}", desk.screen());
    assert_eq!(desk.fake.pair.version, 14);
    desk.press("w Tab Enter");
    assert_eq!(desk.fake.pair.version, 15);
    let row = &desk.fake.pair.rows[3];
    assert_eq!(row.flow, Flow::ToCrm(Foreign::Keep));
    assert!(row.to_app.is_empty());
}

#[test]
fn a_transform_that_is_not_understood_is_said_while_typing() {
    let mut desk = desk();
    desk.press("4 j Enter Tab Tab Tab Ctrl-u")
        .type_text("trimm");
    assert!(desk.shows("FAIL"), "{}", desk.screen());
    desk.press("Enter");
    assert!(
        desk.shows("Edit row"),
        "a wrong form stays open: {}",
        desk.screen()
    );
    assert!(desk.model.mapping.draft.is_none());
}

#[test]
fn a_row_is_switched_off_and_undone() {
    let mut desk = desk();
    desk.press("4 j Space");
    assert!(desk.shows("1 staged"), "{}", desk.screen());
    desk.press("u");
    assert!(desk.model.mapping.draft.is_none());
}

#[test]
fn a_record_is_edited_in_the_app() {
    let mut desk = desk();
    desk.press("5 j Enter e Tab Tab Ctrl-u")
        .type_text("Engineer")
        .press("Enter");
    assert!(
        desk.fake.people[1].1["title"] == Value::text("Inventor"),
        "Enter only goes to the button"
    );
    assert!(desk.fake.edits.is_empty());
    desk.press("Enter w Tab Enter");
    assert_eq!(desk.fake.people[1].1["title"], Value::text("Engineer"));
}

#[test]
fn a_record_is_deleted_only_after_typing() {
    let mut desk = desk();
    desk.press("5 j Enter d");
    desk.press("Enter");
    assert_eq!(desk.fake.people.len(), 3);
    desk.type_text("prod-eu")
        .press("Space")
        .type_text("1")
        .press("Enter");
    assert_eq!(desk.fake.people.len(), 2);
}

#[test]
fn records_are_filtered_and_the_filter_is_seen_and_cleared() {
    let mut desk = desk();
    desk.press("5 /").type_text("lui").press("Enter");
    assert!(desk.shows("Filter: lui"), "{}", desk.screen());
    assert!(desk.shows("1 of 3"), "{}", desk.screen());
    desk.press("Esc");
    assert!(!desk.shows("Filter:"), "{}", desk.screen());
    desk.press("/").type_text("(").press("Enter");
    assert!(desk.shows("The list stays"), "{}", desk.screen());
}

#[test]
fn the_failed_records_of_a_kind_are_tried_again() {
    let mut desk = desk();
    desk.press("2 j j Enter r");
    assert!(desk.fake.asked.contains(&"Retry".to_owned()));
    // A failed record opens on the Records screen.
    desk.press("Tab Enter");
    assert!(desk.shows("[5 Records]"), "{}", desk.screen());
}

#[test]
fn the_cursor_stays_on_its_run_when_a_new_one_comes() {
    let mut desk = desk();
    let at = |desk: &Desk| {
        let screen = desk.screen();
        let row = screen.lines().find(|l| l.trim_start().starts_with("> 8"));
        row.map(str::to_owned).or_else(|| {
            let new = screen.lines().find(|l| l.trim_start().starts_with("> 9"));
            new.map(str::to_owned)
        })
    };
    desk.press("2 j");
    let before = at(&desk).unwrap();
    desk.fake.new_runs = 1;
    desk.press("R");
    assert_eq!(at(&desk).unwrap(), before, "{}", desk.screen());
    // But the top is the newest.
    desk.press("gg");
    desk.fake.new_runs = 2;
    desk.press("R");
    assert!(at(&desk).unwrap().contains("> 9001"), "{}", desk.screen());
}

#[test]
fn a_pasted_address_of_another_sign_in_stores_nothing() {
    let mut desk = desk();
    desk.press("6 Tab Enter")
        .paste("http://localhost:7717/callback?code=aPrx&state=other\n");
    desk.press("Enter");
    assert!(
        desk.shows("belongs to another sign-in"),
        "{}",
        desk.screen()
    );
    desk.paste("http://localhost:7717/callback?code=aPrx&state=9f1c2e")
        .press("Enter");
    assert!(
        desk.shows("Signed in as sync@acme.example"),
        "{}",
        desk.screen()
    );
}

#[test]
fn the_address_to_open_is_copied_whole() {
    let mut desk = desk();
    desk.press("6 Tab Enter y");
    assert!(desk.copied[0].starts_with("https://acme.my.salesforce.example/"));
}

#[test]
fn disconnecting_takes_the_name_of_the_profile() {
    let mut desk = desk();
    desk.press("6 Tab d Enter");
    assert!(!desk.fake.asked.contains(&"Disconnect".to_owned()));
    desk.type_text("prod-eu").press("Enter");
    assert!(desk.fake.asked.contains(&"Disconnect".to_owned()));
}

#[test]
fn the_theme_and_the_schedule_change() {
    let mut desk = desk();
    desk.press("6 j j j j j j Tab j Enter");
    assert_eq!(desk.model.theme.name(), "dark");
    desk.press("q k k k k k Tab Space");
    assert!(desk.fake.asked.contains(&"StageSchedule".to_owned()));
}

#[test]
fn a_schedule_is_typed_as_text() {
    let mut desk = desk();
    desk.press("6 j Tab Enter Ctrl-u")
        .type_text("daily at 25:00")
        .press("Enter");
    assert!(!desk.fake.asked.contains(&"StageSchedule".to_owned()));
    assert!(desk.shows("from 00:00 to 23:59"), "{}", desk.screen());
    desk.press("Ctrl-u")
        .type_text("daily at 06:30 Europe/Berlin")
        .press("Enter");
    assert!(desk.fake.asked.contains(&"StageSchedule".to_owned()));
    assert!(
        desk.shows("daily at 06:30 Europe/Berlin"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_paste_into_a_list_is_left_out() {
    let mut desk = desk();
    desk.press("3").paste("A w");
    assert!(desk.fake.choices.is_empty());
    assert!(desk.shows("A paste is text"), "{}", desk.screen());
}

#[test]
fn read_only_says_why() {
    let mut desk = Desk::with(
        syncdeck::tui::Options {
            access: Access::ReadOnly,
            ..options()
        },
        80,
        24,
    );
    desk.press("3 Enter a");
    assert!(desk.fake.choices.is_empty());
    assert!(
        desk.shows("read-only: started with --read-only"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_wall_takes_no_key_but_q() {
    let wall = syncdeck::tui::Options {
        audience: syncdeck::tui::Audience::Wall,
        access: syncdeck::engine::summary::Access::ReadOnly,
        hosting: Hosting::Embedded,
        ..options()
    };
    let mut desk = Desk::with(wall, 80, 24);
    // It is no window that only looks: what is scheduled runs.
    assert!(
        desk.shows("PRODUCTION  wall  embedded"),
        "{}",
        desk.screen()
    );
    assert!(!desk.shows("read-only"), "{}", desk.screen());
    assert!(
        desk.shows("What is scheduled runs here."),
        "{}",
        desk.screen()
    );
    let before = (desk.screen(), desk.fake.asked.clone());
    desk.press("s 3 Enter a w p : Enter Esc ?").paste("s\n");
    assert_eq!((desk.screen(), desk.fake.asked.clone()), before);
    desk.press("q");
    assert_eq!(desk.left, Some(ExitReason::Quit));
}

#[test]
fn quitting_asks_only_the_host_of_a_running_sync() {
    let mut desk = desk();
    desk.press("3 Enter q q");
    assert_eq!(desk.left, Some(ExitReason::Quit), "a viewer just leaves");

    let embedded = syncdeck::tui::Options {
        hosting: Hosting::Embedded,
        ..options()
    };
    let mut desk = Desk::with(embedded, 80, 24);
    desk.press("q");
    assert!(desk.shows("Stop syncing and quit?"), "{}", desk.screen());
    desk.press("Enter");
    assert_eq!(desk.left, None);
    desk.press("q Tab Enter");
    assert_eq!(desk.left, Some(ExitReason::Quit));
}

#[test]
fn staged_changes_of_a_mapping_outlive_the_console() {
    let mut before = desk();
    before.press("4 j Space 1 q");
    assert_eq!(before.left, Some(ExitReason::Quit), "nothing is lost");
    let mut desk = Desk::over(before.fake, options(), 80, 24);
    desk.press("4");
    assert!(desk.shows("1 staged"), "{}", desk.screen());
    desk.press("u");
    assert!(!desk.shows("1 staged"), "{}", desk.screen());
    let mut desk = Desk::over(desk.fake, options(), 80, 24);
    desk.press("4");
    assert!(!desk.shows("1 staged"), "{}", desk.screen());
}

#[test]
fn an_engine_that_went_away_leaves_the_screen_with_its_age() {
    let mut desk = desk();
    desk.press("3").engine_gone();
    assert!(desk.shows("as of 14:32:00"), "{}", desk.screen());
    desk.press("Esc Enter a");
    assert!(
        desk.shows("Kenji Watanabe") || desk.shows("Ada"),
        "{}",
        desk.screen()
    );
    desk.press("q q");
    assert_eq!(desk.left, Some(ExitReason::Quit));
}

#[test]
fn the_cursor_stands_on_the_row_in_focus() {
    let mut desk = desk();
    desk.press("3 j");
    let (_, y) = desk.cursor();
    let screen = desk.screen();
    let line = screen.lines().nth(usize::from(y)).unwrap();
    assert!(
        line.starts_with('>') && line.contains("Kenji Watanabe"),
        "{line}"
    );
}

#[test]
fn every_screen_stands_in_the_smallest_window() {
    for screen in [
        "1",
        "2",
        "2 j j Enter",
        "3",
        "3 Enter",
        "4",
        "4 Enter",
        "5",
        "5 Enter",
        "5 Enter e",
        "6",
        "6 Tab Enter",
        "?",
        "m",
        ":",
    ] {
        let mut desk = Desk::new(60, 15);
        desk.press(screen);
        let shown = desk.screen();
        assert!(
            shown.lines().next().unwrap().contains("PRODUCTION"),
            "{screen}\n{shown}"
        );
    }
}

#[test]
fn a_megabyte_in_a_field_is_cut_before_it_is_drawn() {
    let mut desk = desk();
    let long = "x\u{1b}[31m\0\u{202e} ".repeat(120_000);
    desk.fake.people[1]
        .1
        .insert("title".into(), Value::Text(long));
    desk.press("5 j Enter");
    let screen = desk.screen();
    assert!(!screen.chars().any(|c| c.is_control() && c != '\n'));
    assert!(screen.contains("Charles Babbage"));
}

#[test]
fn a_run_is_taken_back_from_its_detail_after_a_question() {
    let mut desk = desk();
    desk.press("3 Enter A 2 j Enter :")
        .type_text("revert")
        .press("Enter");
    assert!(desk.shows("Take back run 8841?"), "{}", desk.screen());
    assert!(
        desk.shows("SANDBOX") || desk.shows("PRODUCTION"),
        "{}",
        desk.screen()
    );
    desk.press("Enter");
    assert!(desk.fake.undone.is_empty(), "the question opens on Cancel");
    desk.press(":").type_text("revert").press("Enter Tab Enter");
    assert_eq!(desk.fake.undone, [RunId(8841)]);
    assert!(
        desk.shows("Taking back run 8841: run 8843."),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_run_at_work_is_not_taken_back() {
    let mut desk = desk();
    desk.press("2 Enter :").type_text("revert").press("Enter");
    assert!(desk.shows("the run has not ended"), "{}", desk.screen());
    assert!(desk.fake.undone.is_empty());
}

#[test]
fn a_dry_run_shows_what_it_found_and_does_exactly_that_when_asked() {
    let mut desk = desk();
    let asked = |desk: &Desk, what: &str| desk.fake.asked.iter().any(|a| a.contains(what));
    // A plan is made when nothing moves.
    desk.press(":").type_text("dry run").press("Enter");
    assert!(
        desk.shows("dry run is off: a run works"),
        "{}",
        desk.screen()
    );
    assert!(!asked(&desk, "DryRun"));
    let mut idle = (**desk.model.summary.as_ref().unwrap()).clone();
    idle.running = None;
    desk.model.summary = Some(idle.into());
    desk.wait();
    desk.press(":").type_text("dry run").press("Enter");
    assert!(desk.shows("Dry run: apply plan 3?"), "{}", desk.screen());
    assert!(desk.shows("1 to create"), "{}", desk.screen());
    assert!(desk.shows("1 conflict would arise"), "{}", desk.screen());
    // The records are below, before and after, and nothing of them steers the terminal.
    desk.press("PgDn PgDn");
    assert!(desk.shows("+44 20 7946 0018"), "{}", desk.screen());
    assert!(desk.shows("x^[[2Jy"), "{}", desk.screen());
    // It opens on leaving everything as it is.
    desk.press("Enter");
    assert!(!asked(&desk, "ApplyPlan"));
    desk.press(":")
        .type_text("dry run")
        .press("Enter Tab Enter");
    assert!(asked(&desk, "ApplyPlan"), "{:?}", desk.fake.asked);
    assert!(desk.shows("Plan 3 is applied: run"), "{}", desk.screen());
}

fn over_drifted(rows: u64) -> Desk {
    let mut fake = super::fake::Fake::default();
    let say = |n| match n % 2 {
        0 => Strategy::Crm,
        _ => Strategy::Ask,
    };
    fake.drifted = (0..rows).map(|n| super::data::drifted(n, say(n))).collect();
    Desk::over(fake, options(), 80, 24)
}

#[test]
fn what_differs_without_a_change_is_shown_with_both_values_and_put_right_when_asked() {
    let mut desk = over_drifted(2);
    desk.press("Tab G");
    assert!(desk.shows("put right"), "{}", desk.screen());
    desk.press("Enter");
    assert!(
        desk.shows("Put 2 records of people right?"),
        "{}",
        desk.screen()
    );
    insta::assert_snapshot!("drift", desk.screen());
    // It opens on leaving them.
    desk.press("Enter");
    assert_eq!(desk.fake.repaired, None);
    desk.press(":")
        .type_text("put right")
        .press("Enter Tab Enter");
    let shown = desk.fake.repaired.take().unwrap();
    assert_eq!(shown, ["p0".into(), "p1".into()], "those that were shown");
    let says = "Putting 2 records of people right: run 9001";
    assert!(desk.shows(says), "{}", desk.screen());
}

#[test]
fn very_many_that_differ_are_put_right_by_typing_their_number() {
    let mut desk = over_drifted(300);
    desk.press("Tab G Enter");
    let all = "Below are 200; all: syncdeck drift --pair people";
    assert!(desk.shows(all), "{}", desk.screen());
    desk.type_text("prod-eu 300").press("Enter");
    assert_eq!(desk.fake.repaired, Some(Vec::new()), "{}", desk.screen());
}

#[test]
fn nothing_is_put_right_where_nothing_is_known_to_differ() {
    let mut desk = desk();
    desk.press(":").type_text("put right").press("Enter");
    let why = "put right is off: no record is known to differ";
    assert!(desk.shows(why), "{}", desk.screen());
    assert!(!desk.fake.asked.iter().any(|asked| asked.contains("Drift")));
}

#[test]
fn very_many_deletions_are_allowed_by_typing_their_number() {
    let mut fake = super::fake::Fake::default();
    fake.held = Some(super::data::held(312));
    let mut desk = Desk::over(fake, options(), 80, 24);
    desk.press("Tab G Enter");
    assert!(
        desk.shows("Allow 312 deletions in Salesforce?"),
        "{}",
        desk.screen()
    );
    desk.press("Enter");
    assert!(desk.fake.allowed.is_empty(), "{}", desk.screen());
    desk.type_text("prod-eu 312").press("Enter");
    let allowed = [("deletes".to_owned(), 312)];
    assert_eq!(desk.fake.allowed, allowed, "{}", desk.screen());
}
