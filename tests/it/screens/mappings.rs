//! Mappings: rows that are offered, fields that no row has, and versions that come back.

use syncdeck::domain::mapping::{AppField, Flow, Foreign, Row, Switch};
use syncdeck::domain::value::FieldKind;

use super::desk::Desk;

/// A console whose table has three more fields than the mapping has rows for.
fn desk(columns: u16, rows: u16) -> Desk {
    let mut desk = Desk::new(columns, rows);
    let field = |name: &str, kind| AppField {
        name: name.into(),
        kind,
        length: 80,
    };
    desk.fake.pair.app_fields.extend([
        field("city", FieldKind::Text),
        field("last_name", FieldKind::Text),
        field("department", FieldKind::Text),
        field("score", FieldKind::Number { scale: 2 }),
        field("avatar", FieldKind::Url),
    ]);
    desk
}

#[test]
fn rows_are_offered_with_points_and_reasons_and_what_is_required_comes_first() {
    let mut desk = desk(80, 24);
    desk.press("4 i");
    insta::assert_snapshot!("offers_80x24", desk.screen());
    desk.press("Enter");
    // The row is a form like any other: nothing is staged before it is kept.
    for says in ["New row", "last_name", "LastName"] {
        assert!(desk.shows(says), "{says}: {}", desk.screen());
    }
    assert!(desk.model.mapping.draft.is_none());
    desk.press("Enter");
    assert!(desk.shows("6 rows, 1 staged"), "{}", desk.screen());
    // What has a row is offered no more.
    desk.wait().press("i");
    assert!(!desk.shows("last_name"), "{}", desk.screen());
    desk.press("Esc u");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
}

#[test]
fn a_row_is_found_by_a_part_of_a_name_and_its_way_is_the_one_that_is_allowed() {
    let mut desk = desk(80, 24);
    desk.press("4 i").type_text("score").press("Enter");
    assert!(desk.shows("Score__c"), "{}", desk.screen());
    assert!(desk.shows("computed"), "{}", desk.screen());
    desk.press("Esc i").type_text("zzz").press("Enter");
    assert!(desk.shows("No field that is free"), "{}", desk.screen());
    assert!(desk.shows("zzz"), "what is typed stays");
}

#[test]
fn all_that_match_well_are_staged_at_once_and_taken_back_at_once() {
    let mut desk = desk(80, 24);
    desk.press("4 i").type_text("all").press("Enter");
    assert!(
        desk.shows("3 rows are in the draft. Look at each before w"),
        "{}",
        desk.screen()
    );
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.rows.len(), 8, "{}", desk.screen());
    assert_eq!(desk.fake.pair.rows.len(), 5, "nothing is saved by itself");
    desk.press("u");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
}

#[test]
fn an_empty_row_and_fields_of_one_side_are_there_too() {
    // Every field of the App has a row; what Salesforce requires comes first all the same.
    let mut desk = Desk::new(80, 24);
    desk.press("4 i Down Enter");
    assert!(desk.shows("LastName"), "{}", desk.screen());
    assert!(
        desk.shows("Once both fields are named"),
        "{}",
        desk.screen()
    );
    desk.press("Esc i").type_text("empty").press("Enter");
    assert!(!desk.shows("LastName"), "{}", desk.screen());
    desk.press("Enter");
    assert!(
        desk.shows("App field: name at least one"),
        "{}",
        desk.screen()
    );
    assert!(desk.model.mapping.draft.is_none());
}

#[test]
fn fields_without_a_row_stand_beside_the_rows_where_there_is_room() {
    let mut desk = desk(160, 48);
    desk.press("4");
    insta::assert_snapshot!("not_mapped_160x48", desk.screen());
    let mut desk = self::desk(80, 24);
    desk.press("4");
    assert!(!desk.shows("Not mapped"), "{}", desk.screen());
}

#[test]
fn a_version_is_compared_before_it_comes_back_and_u_takes_it_back() {
    let mut desk = Desk::new(80, 24);
    desk.press("4 Tab j Enter");
    insta::assert_snapshot!("version_80x24", desk.screen());
    desk.press("Enter");
    assert!(desk.model.mapping.draft.is_none(), "it opens on Leave");
    desk.press("Enter Tab Enter");
    assert!(
        desk.shows("Version 13 is in the draft."),
        "{}",
        desk.screen()
    );
    let draft = desk.model.mapping.draft.as_ref().unwrap();
    assert_eq!(draft.rows[2].to_crm.to_string(), "trim");
    assert_eq!(draft.version, 14, "it is saved as the next one");
    desk.wait().press("u");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
}

#[test]
fn a_version_that_says_the_same_stages_nothing() {
    let mut desk = Desk::new(80, 24);
    desk.press("4 Tab Enter");
    assert!(
        desk.shows("It says the same as what is here now."),
        "{}",
        desk.screen()
    );
    desk.press("Tab Enter");
    assert!(desk.model.mapping.draft.is_none(), "{}", desk.screen());
    assert!(
        desk.shows("says the same as what is here"),
        "{}",
        desk.screen()
    );
}

#[test]
fn rows_are_not_changed_while_a_version_has_the_focus() {
    let mut desk = Desk::new(80, 24);
    desk.press("4 Tab Space");
    assert!(desk.shows("a version stays as it is"), "{}", desk.screen());
    assert!(desk.model.mapping.draft.is_none());
    desk.press("d");
    assert!(!desk.shows("Remove this row?"), "{}", desk.screen());
}

#[test]
fn a_way_that_a_row_has_not_is_not_sent_and_a_row_that_is_off_says_so() {
    let of = |change: fn(&mut Row)| {
        let mut desk = desk(80, 24);
        desk.fake.pair.rows.iter_mut().for_each(change);
        desk.press("4");
        desk.screen()
    };
    let line = |screen: &str, label: &str| {
        let found = screen.lines().find(|line| line.contains(label));
        found
            .unwrap_or_else(|| panic!("{label}: {screen}"))
            .to_owned()
    };
    let both = of(|_| ());
    assert!(!both.contains("not sent"), "{both}");
    let to_app = of(|row| row.flow = Flow::ToApp(Foreign::Keep));
    let sent = line(&to_app, "To Salesforce");
    assert!(sent.trim_end().ends_with("->  not sent"), "{to_app}");
    assert!(!line(&to_app, "To App").contains("not sent"), "{to_app}");
    assert!(!to_app.contains("lost"), "{to_app}");
    let off = of(|row| row.switch = Switch::Off);
    for label in ["To Salesforce", "To App"] {
        assert!(line(&off, label).trim_end().ends_with("->  off"), "{off}");
    }
}

#[test]
fn a_choice_of_a_row_says_what_it_means() {
    for (columns, rows) in [(60, 20), (80, 24), (160, 48)] {
        let mut desk = Desk::new(columns, rows);
        desk.press("4 j Enter Tab Tab");
        assert!(desk.shows("changes go both ways"), "{}", desk.screen());
        desk.press("l l");
        assert!(
            desk.shows("a change there is put back"),
            "{}",
            desk.screen()
        );
        desk.press("Tab");
        assert!(!desk.shows("is put back"), "{}", desk.screen());
        desk.press("Tab Tab");
        assert!(desk.shows("a person decides"), "{}", desk.screen());
    }
}
