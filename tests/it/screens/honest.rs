//! What a screen says is about what it shows, and is not offered where it cannot be done.

use syncdeck::domain::id::{FieldName, RowId};
use syncdeck::domain::mapping::{AppField, Flow, Foreign, Row};
use syncdeck::domain::run::Word;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{FieldKind, Value};
use syncdeck::engine::summary::{Helps, Summary, Trouble};

use syncdeck::tui::state::OverviewPane;

use super::data;
use super::desk::Desk;

fn desk() -> Desk {
    Desk::new(80, 24)
}

#[test]
fn a_value_that_is_not_there_is_no_empty_text() {
    let mut desk = Desk::new(160, 48);
    desk.fake.people[1]
        .1
        .insert(FieldName::new("email"), Value::Null);
    desk.press("5");
    assert!(desk.shows("(null)"), "{}", desk.screen());
    assert!(!desk.shows("\"\""), "{}", desk.screen());
}

#[test]
fn the_id_in_salesforce_is_not_among_the_fields_of_the_editor() {
    let mut desk = desk();
    let pair = &mut desk.fake.pair;
    let id = AppField {
        name: "crm_ref".into(),
        kind: FieldKind::Reference,
        length: 18,
    };
    pair.app_fields.insert(1, id);
    pair.rows.push(Row {
        id: RowId(6),
        app: vec!["crm_ref".into()],
        crm: vec!["Id".into()],
        flow: Flow::ToApp(Foreign::Keep),
        ..pair.rows[0].clone()
    });
    desk.press("5 j Enter e");
    assert!(desk.shows("title"), "{}", desk.screen());
    assert!(!desk.shows("crm_ref"), "{}", desk.screen());
    // What is filled in goes where its name says.
    desk.press("Tab Tab Ctrl-u")
        .type_text("Engineer")
        .press("Enter Enter");
    let staged = &desk.fake.edits["babbage"].fields;
    assert_eq!(staged["title"], Value::text("Engineer"));
}

#[test]
fn the_schedule_is_found_from_every_screen() {
    for screen in ["1", "2", "3", "4", "5", "0"] {
        let mut desk = desk();
        desk.press(screen)
            .press(":")
            .type_text("schedule")
            .press("Enter");
        assert!(
            desk.shows("Settings Schedule"),
            "{screen}: {}",
            desk.screen()
        );
    }
}

#[test]
fn a_dialog_does_not_count_the_list_beneath() {
    let mut desk = desk();
    desk.press("5 /").type_text("nobody").press("Enter");
    assert!(desk.shows("filtered"), "{}", desk.screen());
    desk.press("g/");
    assert!(desk.shows("Search all"), "{}", desk.screen());
    assert!(!desk.shows("filtered"), "{}", desk.screen());
    desk.press("Esc");
    assert!(desk.shows("filtered"), "{}", desk.screen());
}

#[test]
fn a_message_goes_in_its_time_also_when_there_is_no_pause() {
    let mut desk = desk();
    desk.model.say(Word::Info, "Six seconds of news.");
    desk.press("1");
    assert!(desk.shows("Six seconds of news."), "{}", desk.screen());
    // Two tenths of a second each, and nothing but keys.
    for _ in 0..15 {
        desk.press("2 5");
    }
    assert!(!desk.shows("Six seconds of news."), "{}", desk.screen());
}

#[test]
fn a_mapping_with_a_fault_is_not_offered_to_be_saved() {
    let mut desk = desk();
    // Another row is changed; the fault is in this one.
    desk.press("4 j Space w");
    assert!(desk.shows("cannot be saved as it is"), "{}", desk.screen());
    assert!(
        desk.shows("Fix   set Direction to -->"),
        "{}",
        desk.screen()
    );
    assert!(!desk.shows("Save as version"), "{}", desk.screen());
    desk.press("Enter Esc");
    assert_eq!(desk.fake.pair.version, 14);
}

#[test]
fn values_that_come_back_changed_are_named_before_saving() {
    let mut desk = desk();
    desk.fake.sound = true;
    desk.press("4 Space j j j");
    assert!(
        desk.shows("the value of 1 of 3 samples"),
        "{}",
        desk.screen()
    );
    desk.press("w");
    assert!(desk.shows("FAIL  1 of 3 samples"), "{}", desk.screen());
    assert!(desk.shows("Save anyway"), "{}", desk.screen());
    desk.press("Enter");
    assert_eq!(desk.fake.pair.version, 14);
    desk.press("w Tab Enter");
    assert_eq!(desk.fake.pair.version, 15);
    assert_eq!(desk.fake.pair.rows[3].flow, Flow::Both);
}

#[test]
fn a_stale_decision_says_so_and_gives_back_what_was_typed() {
    let mut desk = desk();
    desk.fake.undecided = Some("a value changed since you looked".into());
    desk.press("3 Enter j j a");
    assert!(
        desk.shows("Not staged: a value changed since you looked."),
        "{}",
        desk.screen()
    );
    assert!(!desk.shows("what you typed"), "{}", desk.screen());
    // It was never staged: there is nothing to take back.
    assert!(!desk.model.conflicts.history.can_undo());
    desk.press("u");
    assert!(!desk.shows("Took back"), "{}", desk.screen());
    desk.wait()
        .press("e Ctrl-u")
        .type_text("Countess of everything")
        .press("Enter");
    assert!(
        desk.shows("Not staged; what you typed"),
        "{}",
        desk.screen()
    );
    assert!(desk.shows("Countess of everything"), "{}", desk.screen());
    assert!(desk.fake.choices.is_empty());
    desk.press("Esc");
    assert!(desk.shows("Conflict 1 of"), "{}", desk.screen());
}

#[test]
fn a_field_that_its_rule_decides_with_the_next_sync_is_not_said_to_stay_open() {
    for (columns, rows) in [(80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.press("3 Enter");
        assert!(desk.shows("3 fields stay open."), "{}", desk.screen());
        desk.fake.compared = |fields| {
            for field in fields.iter_mut().filter(|f| f.app_label == "title") {
                field.ruled = Some(Side::Crm);
            }
        };
        desk.press("q Enter j j");
        let says = [
            "title is decided by its rule with the next sync.",
            "email and notes stay open.",
            "rule CRM",
            "(the rule ask decides it with the next sync)",
        ];
        for text in says {
            assert!(desk.shows(text), "{text}: {}", desk.screen());
        }
    }
}

#[test]
fn enter_on_a_connection_that_does_not_work_says_why_and_what_helps() {
    let trouble = |helps| Trouble {
        what: "Salesforce does not answer".into(),
        why: "the name was not found".into(),
        now: "nothing was sent".into(),
        fix: "look at the network".into(),
        helps,
    };
    let down = |helps| {
        let mut desk = desk();
        let summary = desk.model.summary.clone().unwrap();
        let mut summary = Summary::clone(&summary);
        summary.connections[0].word = Word::Fail;
        summary.connections[0].trouble = Some(trouble(helps));
        desk.told(data::shared(summary));
        desk
    };
    let mut desk = down(Helps::Checking);
    while desk.model.overview.pane != OverviewPane::Connections {
        desk.press("Tab");
    }
    desk.press("Enter");
    assert!(desk.shows("look at the network"), "{}", desk.screen());
    assert!(desk.shows("Try again now"), "{}", desk.screen());
    // The other connection works: its settings are behind it.
    desk.press("Esc j Enter");
    assert!(desk.shows("[6 Settings]"), "{}", desk.screen());
    // Where signing in helps, that is where its keys are.
    let mut desk = down(Helps::SigningIn);
    while desk.model.overview.pane != OverviewPane::Connections {
        desk.press("Tab");
    }
    desk.press("Enter");
    assert!(desk.shows("[6 Settings]"), "{}", desk.screen());
}

#[test]
fn a_narrow_pane_cuts_no_sentence_about_why_it_is_empty() {
    let mut desk = Desk::new(160, 48);
    let names = data::conflict_names();
    desk.fake.written = names.into_iter().map(|(app, _)| app.into()).collect();
    desk.press("3");
    let screen = desk.screen();
    let said: Vec<&str> = screen
        .lines()
        .filter_map(|line| Some(line.split_once(" |")?.0.trim()))
        .collect();
    assert!(
        said.join(" ").contains("change the same field."),
        "{screen}"
    );
}

#[test]
fn what_is_counted_is_whole_between_the_sizes_that_are_drawn_most() {
    for columns in (60..170).step_by(5) {
        for (keys, says) in [
            ("1", "41"),
            ("2", "API"),
            ("2", " put"),
            ("3", "3 open"),
            ("5", " same"),
        ] {
            let mut desk = Desk::new(columns, 40);
            desk.press(keys);
            assert!(desk.shows(says), "{columns} {says}: {}", desk.screen());
        }
        let mut desk = Desk::new(columns, 40);
        desk.press("3 Enter");
        let screen = desk.screen();
        let ages = screen.lines().filter(|line| line.contains("Age"));
        if ages.count() > 0 {
            assert!(screen.contains("3 h"), "{columns}: {screen}");
        }
    }
    let mut desk = Desk::new(120, 40);
    desk.press("1");
    assert!(desk.shows("41%  41.2k of 100k"), "{}", desk.screen());
    desk.press("3");
    assert!(desk.shows("newest-or 250 of 500 seen"), "{}", desk.screen());
    desk.press("4 j j j");
    let screen = desk.screen();
    let result = |line: &&str| line.contains("Maria del") && line.contains("-> Directora");
    assert_eq!(screen.lines().filter(result).count(), 2, "{screen}");
    assert!(desk.shows("changes the value of 1 of"), "{screen}");
}

#[test]
fn of_an_empty_list_no_record_is_waited_for() {
    let mut desk = desk();
    desk.fake.people.clear();
    desk.press("5 e");
    assert!(
        desk.shows("there is no record in the list"),
        "{}",
        desk.screen()
    );
}
